// Reads and checks each option once, and packs the options into the flat arguments of the binary.

import { buffer } from '../base/node.js';
import { optionsOf } from './names.js';
import { ENSURE, ENTRY_OPTIONS, OUTBOUND, READ, READ_FORM, ROOT_DEFAULTS, STAGE, WRITE, namesOf } from './schema.js';
import { toDurable, toEncoding, toMaxBytes, toMode, toOutbound, toPolicy, toReadEncoding, toSignal, wordsOf } from './values.js';
import { NONE, emptyOptions, invalidType, invalidValue, toBoolean, toChoice, type Given } from './validate.js';
import type { Handle } from '../native/binding.js';

const { constants: bufferConstants } = buffer;

const HARDLINKS = wordsOf('hardlinks');
const PSEUDO_FILES = wordsOf('pseudoFiles');
const FINAL_SYMLINKS = wordsOf('finalSymlink');
const FALLBACKS = wordsOf('fallback');
const EXISTING = wordsOf('existing');

/** Default limit of a read beneath a root, in bytes. */
const MAX_BYTES_BENEATH_ROOT = 16 * 1024 * 1024;

export interface ReadArguments {
  flags: number;
  /** at most the maximum length of a Buffer */
  maxBytes: number;
  /** limit for `open`, which allocates no Buffer */
  maxSize: number;
  /** encoding of a text result */
  encoding: BufferEncoding | undefined;
  signal: AbortSignal | undefined;
  /** as the caller gave it */
  root: unknown;
}

/** The defaults of a root, and the packed arguments of calls without options. */
export type Defaults = Given & { forRead: ReadArguments; forText: ReadArguments; forWrite: WriteArguments; forEnsure: EnsureArguments };

/** The root whose method is called, with its defaults. */
export interface MethodRoot {
  handle: Handle;
  /** its real path */
  path: string;
  /** unique in this process */
  number: number;
  defaults: Defaults;
}

/**
 * Checks and packs the options of a read.
 *
 * @param defaults of the root whose method is called
 */
export function readArguments(options: unknown, defaults?: Defaults): ReadArguments {
  if (options === undefined) {
    return defaults === undefined ? FOR_READ : defaults.forRead;
  }
  return packRead(optionsOf(options, READ), defaults);
}

/**
 * Merges the options of a read whose first argument is an object. The second argument takes precedence. `undefined`
 * there keeps the option of the first argument, so that it removes no check.
 */
export function readForm(file: object, options: unknown) {
  if (!('filePath' in file)) {
    // The object may be anything, so the error to report is the missing path.
    const wrong = Object.keys(file).find((name) => PATH_NAMES.test(name));
    if (wrong !== undefined) {
      throw invalidType('filePath', `of type string or an instance of Buffer or URL; '${wrong}' is not an option of a read`, undefined);
    }
    return NONE;
  }
  const form = optionsOf(file, READ_FORM);
  return options === undefined ? form : { filePath: form.filePath, ...taken(READ_NAMES, optionsOf(options, READ), taken(READ_NAMES, form, NONE)) };
}

/** Names of the path option in other libraries. */
const PATH_NAMES = /^(?:file|filename|file_?path|path)$/i;

/**
 * Reads each option once.
 *
 * @param base fallback for options that are `undefined`
 * @returns an object with every name. It has no other name, not even from `Object.prototype`: the options that a root
 *   has no defaults for are read from it too
 */
export function taken(names: readonly string[], options: Given, base: Given): Record<string, unknown> {
  const values = emptyOptions();
  for (const name of names) {
    const value = options[name];
    values[name] = value === undefined ? base[name] : value;
  }
  return values;
}

/** Refuses the option `root` in a method of a root. */
export function noRoot(root: unknown) {
  if (root !== undefined) {
    throw invalidValue('options.root', 'is not an option of a method of a Root', root);
  }
}

/** Refuses the option `signal` in a synchronous call, where it has no effect. */
export function noSignal(signal: AbortSignal | undefined) {
  if (signal !== undefined) {
    throw invalidValue('options.signal', 'has no effect on a synchronous call', signal);
  }
}

/**
 * Packs the options of a read.
 *
 * @param options from {@link optionsOf}
 * @param defaults of the root whose method is called
 * @param text encoding of a call that has no such option
 */
export function packRead(options: Given, defaults?: Given, text?: BufferEncoding): ReadArguments {
  const base = defaults ?? NONE;
  const {
    root,
    symlinks = base.symlinks,
    maxBytes = base.maxBytes,
    hardlinks = base.hardlinks,
    pseudoFiles = base.pseudoFiles,
    outbound = base.outbound,
    encoding,
    signal,
  } = options;
  if (defaults !== undefined) {
    noRoot(root);
  }
  const hasRoot = defaults !== undefined || root !== undefined;
  const readEncoding = text ?? toReadEncoding(encoding);
  const maxSize = toMaxBytes(maxBytes, hasRoot ? MAX_BYTES_BENEATH_ROOT : Infinity);
  return {
    flags:
      toPolicy(symlinks, hasRoot) |
      (toChoice(hardlinks, 'options.hardlinks', HARDLINKS, hasRoot ? 1 : 0) << 2) |
      (toChoice(pseudoFiles, 'options.pseudoFiles', PSEUDO_FILES, 0) << 3) |
      (toOutbound(outbound) << 4) |
      textFlag(readEncoding),
    maxBytes: Math.min(maxSize, bufferConstants.MAX_LENGTH),
    maxSize,
    encoding: readEncoding,
    signal: toSignal(signal),
    root,
  };
}

/** Bit of a read's flags: content that is ASCII alone may come as a string. */
export const TEXT = 1 << 29;

/** Returns {@link TEXT} for encodings in which ASCII is itself. */
function textFlag(encoding: BufferEncoding | undefined) {
  return encoding === 'utf8' || encoding === 'utf-8' || encoding === 'latin1' ? TEXT : 0;
}

const FOR_READ = packRead(NONE);
const READ_NAMES = namesOf(READ);

export interface WriteArguments {
  flags: number;
  modes: number;
  encoding: BufferEncoding;
  maxBytes: number;
  signal: AbortSignal | undefined;
  /** as the caller gave it */
  root: unknown;
}

/**
 * Returns the options object of a write; an encoding alone is the option `encoding`.
 *
 * @param call one bit of schema
 */
function writeOptions(optionsOrEncoding: unknown, call: number, name: string = 'options') {
  return typeof optionsOrEncoding === 'string' ? { __proto__: null, encoding: toEncoding(optionsOrEncoding, name) } : optionsOf(optionsOrEncoding, call, name);
}

/**
 * Packs the options of a write.
 *
 * @param options from {@link writeOptions}
 * @param base fallback for options that are `undefined`
 */
export function packWrite(options: Given, base: Given, isBeneathRoot: boolean): WriteArguments {
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
    // The default of a root applies to reads only.
    maxBytes,
    signal,
  } = options;
  if (isBeneathRoot) {
    noRoot(root);
  }
  const exact = mode === undefined ? 0 : (1 << 27) | toMode(mode, 'options.mode');
  const forNew = newFileMode === undefined ? 0o644 : toMode(newFileMode, 'options.newFileMode');
  const forParents = dirMode === undefined ? 0o700 : toMode(dirMode, 'options.dirMode');
  return {
    flags:
      toPolicy(symlinks, isBeneathRoot || root !== undefined) |
      (toBoolean(overwrite, 'options.overwrite', true) ? 1 << 2 : 0) |
      (toChoice(hardlinks, 'options.hardlinks', HARDLINKS, 0) << 3) |
      (toChoice(finalSymlink, 'options.finalSymlink', FINAL_SYMLINKS, 0) << 4) |
      (toDurable(durable) << 6) |
      (toBoolean(mkdir, 'options.mkdir', false) ? 1 << 8 : 0) |
      (toChoice(fallback, 'options.fallback', FALLBACKS, 0) << 9),
    modes: exact | (forNew << 9) | (forParents << 18),
    encoding: toEncoding(encoding),
    maxBytes: toMaxBytes(maxBytes, Infinity),
    signal: toSignal(signal),
    root,
  };
}

const FOR_WRITE = packWrite(NONE, NONE, false);

/**
 * Checks and packs the options of a write.
 *
 * @param defaults of the root whose method is called
 * @param call one bit of schema
 */
export function writeArguments(optionsOrEncoding: unknown, defaults?: Defaults, call: number = WRITE): WriteArguments {
  if (optionsOrEncoding === undefined) {
    return defaults === undefined ? FOR_WRITE : defaults.forWrite;
  }
  return packWrite(writeOptions(optionsOrEncoding, call), defaults ?? NONE, defaults !== undefined);
}

/** @param defaults of the root whose method is called */
export function stageArguments(options: unknown, defaults?: Defaults) {
  if (options === undefined) {
    return defaults === undefined ? FOR_WRITE : defaults.forWrite;
  }
  return packWrite(optionsOf(options, STAGE), defaults ?? NONE, defaults !== undefined);
}

const WRITE_NAMES = namesOf(WRITE);
const ENTRY_NAMES = namesOf(ENTRY_OPTIONS);

/**
 * Packs the options of `writeAtomicMany`: those of the call, and a function that packs those of an entry.
 *
 * @param defaults of the root whose method is called
 */
export function manyArguments(optionsOrEncoding: unknown, defaults?: Defaults) {
  const base = defaults === undefined ? NONE : Object.assign(emptyOptions(), defaults, { maxBytes: undefined });
  const common = taken(WRITE_NAMES, writeOptions(optionsOrEncoding, WRITE), base);
  const ofCall = packWrite(common, NONE, defaults !== undefined);
  const isBeneathRoot = defaults !== undefined || ofCall.root !== undefined;
  const entry = (options: unknown, name: string) => {
    if (options === undefined) {
      return ofCall;
    }
    const own = taken(ENTRY_NAMES, writeOptions(options, ENTRY_OPTIONS, name), common);
    own.symlinks = common.symlinks;
    return packWrite(own, NONE, isBeneathRoot);
  };
  return { root: ofCall.root, signal: ofCall.signal, entry };
}

export interface EnsureArguments {
  flags: number;
  mode: number;
  wantsPrivacy: boolean;
  signal: AbortSignal | undefined;
  /** as the caller gave it */
  root: unknown;
}

/**
 * Checks and packs the options of `ensureDir`.
 *
 * @param defaults of the root whose method is called
 */
export function ensureArguments(options: unknown, defaults?: Defaults): EnsureArguments {
  if (options === undefined) {
    return defaults === undefined ? FOR_ENSURE : defaults.forEnsure;
  }
  if (typeof options === 'number') {
    // `dirs.map(ensureDir)` passes the index here.
    throw invalidType('options', 'of type object, such as { mode: 0o700 }', options);
  }
  return packEnsure(optionsOf(options, ENSURE), defaults);
}

/**
 * Packs the options of `ensureDir`.
 *
 * @param options from {@link optionsOf}
 * @param defaults of the root whose method is called
 */
function packEnsure(options: Given, defaults?: Given): EnsureArguments {
  const base = defaults ?? NONE;
  const { root, symlinks = base.symlinks, mode, existing = base.existing, signal } = options;
  if (defaults !== undefined) {
    noRoot(root);
  }
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

const DEFAULT_NAMES = namesOf(ROOT_DEFAULTS);

/**
 * Reads and checks the defaults of a root, so that `openRoot` reports a wrong one.
 *
 * @param base defaults of the root that it is opened beneath
 */
export function rootDefaults(given: unknown, base: Given = NONE) {
  const defaults = taken(DEFAULT_NAMES, optionsOf(given, ROOT_DEFAULTS), base);
  const { outbound } = defaults;
  if (typeof outbound === 'object' && outbound !== null) {
    defaults.outbound = taken(OUTBOUND_NAMES, optionsOf(outbound, OUTBOUND, 'options.outbound'), NONE);
  }
  // The packed arguments of calls without options.
  const forRead = packRead(NONE, defaults);
  const forText = packRead(NONE, defaults, 'utf8');
  const forWrite = packWrite(NONE, defaults, true);
  const forEnsure = packEnsure(NONE, defaults);
  return Object.freeze(Object.assign(defaults, { forRead, forText, forWrite, forEnsure }));
}

const OUTBOUND_NAMES = namesOf(OUTBOUND);
