// The option names of fs-safe 0.18 to 0.21. An option of a newer library may ask for a check, so that it is refused.

import { invalidType, invalidValue } from '../options/validate.js';

/** A value of the host that is not checked yet. The verb that takes it checks it. */
export type Unchecked = any;

/** @param names separated by spaces */
const names = (names: string): ReadonlySet<string> => new Set(names.split(' '));

/** Each set has the names that any call of its kind takes there. One that the call itself does not use has no effect. */
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

export { NAMES };
