// Packs the options of the verbs that change names: `remove`, `rename` and `copy`.

import { optionsOf } from './names.js';
import { COPY, COPY_IN, REMOVE, RENAME } from './schema.js';
import { toLimit } from './list.js';
import { toDurable, toMaxBytes, toMode, toPolicy, toSignal, wordsOf } from './values.js';
import { toBoolean, toChoice, type Given } from './validate.js';
import type { Defaults } from './flatten.js';

const MISSING = wordsOf('missing');
const HARDLINKS = wordsOf('hardlinks');
const FINAL_SYMLINKS = wordsOf('finalSymlink');

/** Bits of src/verbs/remove.rs, `rules`. */
export const RECURSIVE = 1 << 2;

/** Packs the options of `remove`. */
export function removeArguments(options: unknown, defaults: Defaults) {
  const { recursive, missing, maxEntries, durable, signal } = optionsOf(options, REMOVE);
  return {
    flags:
      toPolicy(defaults.symlinks, true) |
      (toBoolean(recursive, 'options.recursive', false) ? RECURSIVE : 0) |
      (toChoice(missing, 'options.missing', MISSING, 0) << 3) |
      (toBoolean(durable, 'options.durable', false) ? 1 << 4 : 0),
    maxEntries: toLimit(maxEntries, 'options.maxEntries', Infinity),
    signal: toSignal(signal),
  };
}

/** The bits of the policy and of the missing directories of a second path. */
export function secondPath(defaults: Defaults) {
  return toPolicy(defaults.symlinks, true) << 8;
}

/** Packs the options of `rename`. `mkdir` and the mode of its directories are defaults of this root. */
export function renameArguments(options: unknown, defaults: Defaults) {
  const { toRoot, overwrite, durable, mkdir = defaults.mkdir } = optionsOf(options, RENAME);
  // A root's default 'file' concerns the content of files.
  const isDurable = toBoolean(durable ?? (defaults.durable === 'file' ? false : defaults.durable), 'options.durable', true);
  const dirMode = defaults.dirMode === undefined ? 0o700 : toMode(defaults.dirMode, 'options.dirMode');
  return {
    toRoot,
    flags:
      (toPolicy(defaults.symlinks, true) |
        (toBoolean(overwrite, 'options.overwrite', false) ? 1 << 2 : 0) |
        (isDurable ? 1 << 3 : 0) |
        (toBoolean(mkdir, 'options.mkdir', false) ? 1 << 4 : 0) |
        (dirMode << 16)) >>>
      0,
  };
}

/** Bits of src/verbs/copy.rs, `rules`. */
export const COPIES_TREE = 1 << 3;

/** Packs the options of `copy`. The source is judged as a read of this root does it. */
export function copyArguments(options: unknown, defaults: Defaults) {
  const given = optionsOf(options, COPY);
  return { toRoot: given.toRoot, ...packCopy(given, defaults, toPolicy(defaults.symlinks, true), toChoice(defaults.hardlinks, 'options.hardlinks', HARDLINKS, 1)) };
}

/** Packs the options of `copyIn`. The source is judged as `readLocalFileSafely` does it without a root. */
export function copyInArguments(options: unknown, defaults: Defaults) {
  return packCopy(optionsOf(options, COPY_IN), defaults, toPolicy(undefined, false), 0);
}

/**
 * @param policy bits for the source
 * @param hardlinks 1: a source with other names is refused
 */
function packCopy(given: Given, defaults: Defaults, policy: number, hardlinks: number) {
  const { overwrite, recursive, mode, maxBytes, maxEntries, durable = defaults.durable, signal } = given;
  const exact = mode === undefined ? 0 : (1 << 12) | (toMode(mode, 'options.mode') << 16);
  return {
    flags:
      (policy |
        (toBoolean(overwrite, 'options.overwrite', false) ? 1 << 2 : 0) |
        (toBoolean(recursive, 'options.recursive', false) ? COPIES_TREE : 0) |
        (toDurable(durable) << 4) |
        (hardlinks << 6) |
        (toChoice(defaults.finalSymlink, 'options.finalSymlink', FINAL_SYMLINKS, 0) << 10) |
        exact) >>>
      0,
    maxBytes: toMaxBytes(maxBytes, Infinity),
    maxEntries: toLimit(maxEntries, 'options.maxEntries', Infinity),
    signal: toSignal(signal),
  };
}
