// The option names of fs-safe 0.18 to 0.21. Unknown names are refused: an option of a newer version may request a
// check.

import { table } from '../base/lookup-table.js';
import { emptyOptions, invalidType, invalidValue } from '../options/validate.js';

/** A value of the host that is not checked yet. The verb that takes it checks it. */
export type Unchecked = any;

/**
 * Returns a set of option names.
 *
 * @param names separated by spaces
 */
const names = (names: string): ReadonlySet<string> => new Set(names.split(' '));

/** The names that each kind of call takes in fs-safe. A name that has no effect in one call has none here. */
const NAMES = Object.freeze({
  binding: names('FsSafeError outbound original'),
  oldBinding: names('SafeOpenError outbound'),
  defaults: names('assertBeforeMutation durable hardlinks maxBytes mkdir mode denyMutations nonBlockingRead renameIdentity symlinks mutationSymlinks'),
  read: names('hardlinks maxBytes nonBlockingRead symlinks encoding outbound'),
  write: names(
    'assertBeforeMutation denyMutations mutationSymlinks durable mkdir mode renameIdentity encoding overwrite atomic private maxBytes signal replacer space trailingNewline prependNewlineIfNeeded recursive force order maxEntries maxDepth sourceHardlinks clone preserveSourceMode onDestinationPublished writeMode',
  ),
  list: names('withFileTypes'),
  entries: names('maxEntries order signal symlinks'),
  walk: names('maxDepth maxEntries order symlinkPolicy signal limitBehavior entryFilter onDirectoryError'),
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
 * Returns options whose names are known, or throws. Ignores names whose value is `undefined`.
 *
 * @param what name of the argument
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

/**
 * Returns a frozen copy of options whose names are known. Includes properties of their class, but not of
 * `Object.prototype`, nor a prototype that a read could find them on.
 */
export function snapshot(options: Unchecked, known: ReadonlySet<string>): Unchecked {
  const copy: Unchecked = emptyOptions();
  for (const name of known) {
    const value = options[name];
    if (value !== undefined && (Object.hasOwn(options, name) || value !== (Object.prototype as Unchecked)[name])) {
      copy[name] = value;
    }
  }
  return Object.freeze(copy);
}

/**
 * Checks options as {@link checked} does, for those that are the `this` of a callback: an object of a class may have
 * other properties.
 */
export function checkedJob(options: Unchecked, known: ReadonlySet<string>): Unchecked {
  const prototype = typeof options === 'object' && options !== null ? Object.getPrototypeOf(options) : undefined;
  return prototype === Object.prototype || prototype === null || prototype === undefined || Array.isArray(options) ? checked(options, known) : options;
}

/** Returns the symlink policy of a read. `null` means the strict policy, as in fs-safe. */
export function toReadSymlinks(symlinks: Unchecked, what: string = 'options'): string | undefined {
  return chosen(symlinks, SYMLINKS, `${what}.symlinks`);
}

export function toHardlinks(hardlinks: Unchecked, what: string = 'options'): string | undefined {
  return chosen(hardlinks, HARDLINKS, `${what}.hardlinks`);
}

/** Symlink policies of fs-safe, and holdfast's word for each. */
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

/** Returns the symlink policy of a write. `null` means none. */
export function toMutationSymlinks(symlinks: Unchecked): 'reject' | 'follow-parents' | undefined {
  if (symlinks !== undefined && symlinks !== null && symlinks !== 'reject' && symlinks !== 'follow-parents-within-root') {
    throw new RangeError('mutationSymlinks must be reject or follow-parents-within-root');
  }
  return symlinks === 'reject' ? 'reject' : symlinks === 'follow-parents-within-root' ? 'follow-parents' : undefined;
}

/** Returns whether a policy may deny a mutation. The original parses a policy of an unknown form. */
export function denies(policy: Unchecked): boolean {
  const isEmpty = (value: Unchecked) => value === undefined || value === null || (Array.isArray(value) && value.length === 0);
  return policy !== undefined && policy !== null && !(typeof policy === 'object' && Object.entries(policy).every(([, value]) => isEmpty(value)) && isEmpty(policy.paths) && isEmpty(policy.prefixes));
}

export { NAMES };
