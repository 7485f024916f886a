// The option names of fs-safe 0.18 to 0.21. An option of a newer library may ask for a check, so that it is refused.

import { table } from '../base/lookup-table.js';
import { invalidType, invalidValue } from '../options/validate.js';

/** A value of the host that is not checked yet. The verb that takes it checks it. */
export type Unchecked = any;

/** @param names separated by spaces */
const names = (names: string): ReadonlySet<string> => new Set(names.split(' '));

/** Each set has the names that the calls of its kind take there. One that the call itself does not use has no effect, as there. */
const NAMES = Object.freeze({
  binding: names('FsSafeError outbound original'),
  oldBinding: names('SafeOpenError outbound'),
  defaults: names('assertBeforeMutation durable hardlinks maxBytes mkdir mode denyMutations nonBlockingRead renameIdentity symlinks mutationSymlinks'),
  read: names('hardlinks maxBytes nonBlockingRead symlinks encoding outbound'),
  write: names(
    'assertBeforeMutation denyMutations mutationSymlinks durable mkdir mode renameIdentity encoding overwrite atomic private maxBytes signal replacer space trailingNewline',
  ),
  local: names('filePath maxBytes outbound'),
  fromRoots: names('filePath roots label hardlinks maxBytes nonBlockingRead symlinks outbound'),
  readWithin: names('rootDir relativePath filePath rejectHardlinks nonBlockingRead allowSymlinkTargetWithinRoot maxBytes outbound'),
  writeWithin: names('rootDir relativePath data encoding mkdir'),
  replace: names(
    'filePath content mode dirMode preserveExistingMode tempPrefix renameMaxRetries renameRetryBaseDelayMs copyFallbackOnPermissionError copyFallbackRestore maxRestoreBytes destinationHardlinks renameIdentity syncTempFile syncParentDir throwOnCleanupError assertBeforeMutation onDestinationState beforeRename fileSystem',
  ),
  writeText: names('mode dirMode trailingNewline durable beforeRename tempPrefix'),
  writeJson: names('mode dirMode trailingNewline durable'),
  regularFile: names('filePath maxBytes'),
  maxBytes: names('maxBytes'),
  signal: names('signal'),
  hash: names('maxBytes signal'),
  label: names('label'),
  rootFile: names(
    'absolutePath rootPath boundaryLabel rootRealPath maxBytes rejectHardlinks rejectSymlinks symlinks allowedType skipLexicalRootCheck ioFs aliasPolicy',
  ),
  ensureParent: names('trustedRoot allowOutsideRoot messagePrefix style'),
});

/**
 * Returns options whose names are known, or throws. A name whose value is `undefined` is not given.
 *
 * @param what the name of the argument
 */
export function checked(options: Unchecked, known: ReadonlySet<string>, what: string = 'options'): Unchecked {
  if (options === undefined) {
    return undefined;
  }
  if (options === null || typeof options !== 'object' || Array.isArray(options)) {
    throw invalidType(what, 'of type object', options);
  }
  for (const name of Object.keys(options)) {
    if (!known.has(name) && options[name] !== undefined) {
      throw invalidValue(`${what}.${name}`, 'is not an option that this version of holdfast knows', options[name]);
    }
  }
  return options;
}

/** A frozen copy of options whose names are known, with those that their class has, but not `Object.prototype`. */
export function snapshot(options: Unchecked, known: ReadonlySet<string>): Unchecked {
  const copy: Unchecked = {};
  for (const name of known) {
    const value = options[name];
    if (value !== undefined && (Object.hasOwn(options, name) || value !== (Object.prototype as Unchecked)[name])) {
      copy[name] = value;
    }
  }
  return Object.freeze(copy);
}

/** As {@link checked}, for options that are the `this` of a callback: an object of a class may have properties of its own. */
export function checkedJob(options: Unchecked, known: ReadonlySet<string>): Unchecked {
  const prototype = typeof options === 'object' && options !== null ? Object.getPrototypeOf(options) : undefined;
  return prototype === Object.prototype || prototype === null || prototype === undefined || Array.isArray(options) ? checked(options, known) : options;
}

/** A policy for the links of a read. `null` is the strict one, as there. */
export function toReadSymlinks(symlinks: Unchecked, what: string = 'options'): string | undefined {
  return chosen(symlinks, SYMLINKS, `${what}.symlinks`);
}

export function toHardlinks(hardlinks: Unchecked, what: string = 'options'): string | undefined {
  return chosen(hardlinks, HARDLINKS, `${what}.hardlinks`);
}

/** Words that the library knows, by our word for the same. */
const SYMLINKS = table({ reject: 'reject', 'follow-within-root': 'follow-within-root', 'follow-parents-within-root': 'follow-parents' });
const HARDLINKS = table({ reject: 'reject', allow: 'allow' });

function chosen(value: Unchecked, words: Record<string, string>, name: string): string | undefined {
  if (value === undefined) {
    return undefined;
  }
  const word = value === null ? 'reject' : typeof value === 'string' ? words[value] : undefined;
  if (word === undefined) {
    throw invalidValue(name, `must be one of: ${Object.keys(words).join(', ')}`, value);
  }
  return word;
}

/** A policy for the links of a write; `null` is not given. */
export function toMutationSymlinks(symlinks: Unchecked): 'reject' | 'follow-parents' | undefined {
  if (symlinks !== undefined && symlinks !== null && symlinks !== 'reject' && symlinks !== 'follow-parents-within-root') {
    throw new RangeError('mutationSymlinks must be reject or follow-parents-within-root');
  }
  return symlinks === 'reject' ? 'reject' : symlinks === 'follow-parents-within-root' ? 'follow-parents' : undefined;
}

/** Whether a policy may deny something. One of a form that is not known is the original's to read. */
export function denies(policy: Unchecked): boolean {
  const isEmpty = (value: Unchecked) => value === undefined || value === null || (Array.isArray(value) && value.length === 0);
  return policy !== undefined && policy !== null && !(typeof policy === 'object' && Object.entries(policy).every(([, value]) => isEmpty(value)) && isEmpty(policy.paths) && isEmpty(policy.prefixes));
}

export { NAMES };
