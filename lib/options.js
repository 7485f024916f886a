'use strict';

// Options are read once, checked, and packed into the flat arguments that the binary takes.

const { constants: bufferConstants } = require('node:buffer');
const { table } = require('./table.js');
const { NONE, invalidType, invalidValue, outOfRange, toBoolean, toChoice, toOptions } = require('./validate.js');

/** Bits of src/binding/arguments.rs, `policy`. */
const POLICIES = table({
  reject: 0,
  'follow-parents': 1,
  'follow-within-root': 2,
  'follow-trusted': 3,
});

const MAX_MODE = 0o777;
/** Most bytes of a read beneath a root, when nothing else is said: 16 MiB. */
const MAX_BYTES_BENEATH_ROOT = 16 * 1024 * 1024;

/**
 * @param {unknown} value
 * @param {string} name
 * @returns {number}
 */
function toMode(value, name) {
  if (typeof value !== 'number') {
    throw invalidType(name, 'of type number', value);
  }
  if (!Number.isInteger(value) || value < 0 || value > MAX_MODE) {
    throw outOfRange(name, 'an integer >= 0 and <= 0o777', value);
  }
  return value;
}

/**
 * @param {unknown} value
 * @param {number} fallback
 * @returns {number}
 */
function toMaxBytes(value, fallback) {
  if (value === undefined) {
    return fallback;
  }
  if (typeof value !== 'number') {
    throw invalidType('options.maxBytes', 'of type number', value);
  }
  if (value !== Infinity && (!Number.isSafeInteger(value) || value < 0)) {
    throw outOfRange('options.maxBytes', 'an integer >= 0 or Infinity', value);
  }
  return value;
}

/**
 * @param {unknown} value
 * @returns {AbortSignal | undefined}
 */
function toSignal(value) {
  if (value === undefined) {
    return undefined;
  }
  const signal = /** @type {any} */ (value);
  if (
    signal === null ||
    typeof signal !== 'object' ||
    typeof signal.aborted !== 'boolean' ||
    typeof signal.throwIfAborted !== 'function' ||
    typeof signal.addEventListener !== 'function'
  ) {
    throw invalidType('options.signal', 'an instance of AbortSignal', value);
  }
  return signal;
}

/**
 * The policy's bits, and whether the options go together.
 *
 * @param {unknown} symlinks
 * @param {boolean} hasRoot
 * @returns {number}
 */
function toPolicy(symlinks, hasRoot) {
  const policy = toChoice(symlinks, 'options.symlinks', POLICIES, hasRoot ? POLICIES.reject : POLICIES['follow-parents']);
  if (policy === POLICIES['follow-within-root'] && !hasRoot) {
    throw invalidValue('options.symlinks', "needs the option 'root'", symlinks);
  }
  return policy;
}

const HARDLINKS = table({ allow: 0, reject: 1 });
const PSEUDO_FILES = table({ reject: 0, allow: 1 });

/**
 * Bits of src/binding/read.rs, `rules`, for `outbound`.
 *
 * @param {unknown} value
 */
function toOutbound(value) {
  if (value === undefined || value === false) {
    return 0;
  }
  if (value === true) {
    return 1;
  }
  if (typeof value !== 'object') {
    throw invalidType('options.outbound', 'of type boolean or object', value);
  }
  const { allowOwnerOnly } = toOptions(value, 'options.outbound');
  return toBoolean(allowOwnerOnly, 'options.outbound.allowOwnerOnly', false) ? 3 : 1;
}

/**
 * @typedef {object} ReadArguments
 * @property {number} flags
 * @property {number} maxBytes no more than a Buffer holds
 * @property {number} maxSize of a file that is only opened
 * @property {AbortSignal | undefined} signal
 * @property {unknown} root as given, or undefined
 */

/**
 * A root whose method is called, and what its methods take when an option is not given.
 *
 * @typedef {object} Pinned
 * @property {import('./native-types.js').Handle} handle
 * @property {string} path its real path
 * @property {number} number no other root of this process has it
 * @property {any} defaults
 */

/**
 * @param {any} options
 * @param {any} [defaults] of the root whose method is called
 * @returns {ReadArguments}
 */
function readArguments(options, defaults) {
  if (options === undefined) {
    return defaults === undefined ? FOR_READ : defaults.forRead;
  }
  return packRead(toOptions(options), defaults);
}

/**
 * @param {any} options as {@link toOptions} answers them
 * @param {any} [defaults] of the root whose method is called
 * @returns {ReadArguments}
 */
function packRead(options, defaults) {
  const base = defaults ?? NONE;
  const {
    root: given,
    symlinks = base.symlinks,
    maxBytes = base.maxBytes,
    hardlinks = base.hardlinks,
    pseudoFiles = base.pseudoFiles,
    outbound = base.outbound,
    signal,
  } = options;
  const root = defaults === undefined ? given : undefined;
  const hasRoot = defaults !== undefined || root !== undefined;
  const maxSize = toMaxBytes(maxBytes, hasRoot ? MAX_BYTES_BENEATH_ROOT : Infinity);
  return {
    flags:
      toPolicy(symlinks, hasRoot) |
      (toChoice(hardlinks, 'options.hardlinks', HARDLINKS, hasRoot ? 1 : 0) << 2) |
      (toChoice(pseudoFiles, 'options.pseudoFiles', PSEUDO_FILES, 0) << 3) |
      (toOutbound(outbound) << 4),
    maxBytes: Math.min(maxSize, bufferConstants.MAX_LENGTH),
    maxSize,
    signal: toSignal(signal),
    root,
  };
}

const FOR_READ = packRead(NONE);

const FINAL_SYMLINKS = table({ reject: 0, replace: 1, follow: 2 });
const FALLBACKS = table({ none: 0, 'in-place': 1 });

/** @param {unknown} value */
function toDurable(value) {
  if (value === undefined || value === true) {
    return 2;
  }
  if (value === 'file') {
    return 1;
  }
  if (value !== false) {
    throw typeof value === 'string'
      ? invalidValue('options.durable', "must be a boolean or 'file'", value)
      : invalidType('options.durable', "of type boolean or 'file'", value);
  }
  return 0;
}

/**
 * @param {unknown} value
 * @returns {BufferEncoding}
 */
function toEncoding(value) {
  if (value === undefined) {
    return 'utf8';
  }
  if (typeof value !== 'string') {
    throw invalidType('options.encoding', 'of type string', value);
  }
  if (!Buffer.isEncoding(value)) {
    throw invalidValue('options.encoding', 'is no encoding', value);
  }
  return value;
}

/**
 * @typedef {object} WriteArguments
 * @property {number} flags
 * @property {number} modes
 * @property {BufferEncoding} encoding
 * @property {AbortSignal | undefined} signal
 * @property {unknown} root as given, or undefined
 */

/**
 * The options of a write as they are given, each read once, over those of a base.
 *
 * @param {any} optionsOrEncoding
 * @param {any} base
 * @param {string} [name]
 */
function readWriteOptions(optionsOrEncoding, base, name) {
  const options =
    typeof optionsOrEncoding === 'string' ? { __proto__: null, encoding: optionsOrEncoding } : optionsOrEncoding;
  const {
    root,
    symlinks = base.symlinks,
    mode = base.mode,
    newFileMode = base.newFileMode,
    overwrite = base.overwrite,
    finalSymlink = base.finalSymlink,
    durable = base.durable,
    mkdir = base.mkdir,
    dirMode = base.dirMode,
    hardlinks = base.hardlinks,
    fallback = base.fallback,
    encoding = base.encoding,
    signal,
  } = toOptions(options, name);
  return {
    root,
    symlinks,
    mode,
    newFileMode,
    overwrite,
    finalSymlink,
    durable,
    mkdir,
    dirMode,
    hardlinks,
    fallback,
    encoding,
    signal,
  };
}

/**
 * @param {ReturnType<typeof readWriteOptions>} options
 * @param {boolean} hasRoot
 * @returns {{ flags: number, modes: number, encoding: BufferEncoding }}
 */
function packWrite(options, hasRoot) {
  const { mode, newFileMode, dirMode } = options;
  const exact = mode === undefined ? 0 : (1 << 27) | toMode(mode, 'options.mode');
  const forNew = newFileMode === undefined ? 0o644 : toMode(newFileMode, 'options.newFileMode');
  const forParents = dirMode === undefined ? 0o700 : toMode(dirMode, 'options.dirMode');
  return {
    flags:
      toPolicy(options.symlinks, hasRoot) |
      (toBoolean(options.overwrite, 'options.overwrite', true) ? 1 << 2 : 0) |
      (toChoice(options.hardlinks, 'options.hardlinks', HARDLINKS, 0) << 3) |
      (toChoice(options.finalSymlink, 'options.finalSymlink', FINAL_SYMLINKS, 0) << 4) |
      (toDurable(options.durable) << 6) |
      (toBoolean(options.mkdir, 'options.mkdir', false) ? 1 << 8 : 0) |
      (toChoice(options.fallback, 'options.fallback', FALLBACKS, 0) << 9),
    modes: exact | (forNew << 9) | (forParents << 18),
    encoding: toEncoding(options.encoding),
  };
}

/**
 * @param {any} optionsOrEncoding
 * @param {any} [defaults] of the root whose method is called
 * @returns {WriteArguments}
 */
function writeArguments(optionsOrEncoding, defaults) {
  const options = readWriteOptions(optionsOrEncoding, defaults ?? NONE);
  const root = defaults === undefined ? options.root : undefined;
  const { flags, modes, encoding } = packWrite(options, defaults !== undefined || root !== undefined);
  return { flags, modes, encoding, signal: toSignal(options.signal), root };
}

/** Options that are a whole call's, and no entry's. */
const OF_THE_CALL = /** @type {const} */ (['root', 'symlinks', 'signal']);

/**
 * The options of many writes: those of the call, and a function for those of each entry.
 *
 * @param {any} optionsOrEncoding
 * @param {any} [defaults] of the root whose method is called
 */
function manyArguments(optionsOrEncoding, defaults) {
  const common = readWriteOptions(optionsOrEncoding, defaults ?? NONE);
  const root = defaults === undefined ? common.root : undefined;
  const hasRoot = defaults !== undefined || root !== undefined;
  packWrite(common, hasRoot);
  const base = { ...common, root: undefined, symlinks: undefined, signal: undefined };
  /**
   * @param {any} entryOptions
   * @param {string} name
   */
  const entry = (entryOptions, name) => {
    const own = readWriteOptions(entryOptions, base, name);
    for (const option of OF_THE_CALL) {
      if (own[option] !== undefined) {
        throw invalidValue(`${name}.${option}`, 'is an option of the whole call', own[option]);
      }
    }
    own.symlinks = common.symlinks;
    return packWrite(own, hasRoot);
  };
  return { root, signal: toSignal(common.signal), entry };
}

const EXISTING = table({ tighten: 0, require: 1, leave: 2 });

/**
 * @typedef {object} EnsureArguments
 * @property {number} flags
 * @property {number} mode
 * @property {boolean} wantsPrivacy
 * @property {AbortSignal | undefined} signal
 * @property {unknown} root as given, or undefined
 */

/**
 * @param {any} optionsOrMode
 * @param {any} [defaults] of the root whose method is called
 * @returns {EnsureArguments}
 */
function ensureArguments(optionsOrMode, defaults) {
  if (optionsOrMode === undefined) {
    return defaults === undefined ? FOR_ENSURE : defaults.forEnsure;
  }
  return packEnsure(toOptions(typeof optionsOrMode === 'number' ? { __proto__: null, mode: optionsOrMode } : optionsOrMode), defaults);
}

/**
 * @param {any} options as {@link toOptions} answers them
 * @param {any} [defaults] of the root whose method is called
 * @returns {EnsureArguments}
 */
function packEnsure(options, defaults) {
  const base = defaults ?? NONE;
  const { root: given, symlinks = base.symlinks, mode, existing = base.existing, signal } = options;
  const root = defaults === undefined ? given : undefined;
  const bits = mode === undefined ? 0o700 : toMode(mode, 'options.mode');
  const choice = toChoice(existing, 'options.existing', EXISTING, EXISTING.tighten);
  return {
    flags: toPolicy(symlinks, defaults !== undefined || root !== undefined) | (choice << 2),
    mode: bits,
    wantsPrivacy: choice === EXISTING.tighten && (bits & 0o077) === 0,
    signal: toSignal(signal),
    root,
  };
}

const FOR_ENSURE = packEnsure(NONE);

module.exports = { ensureArguments, manyArguments, packEnsure, packRead, readArguments, writeArguments };
