// Packs the options of locks, updates and appends.

import { noRoot, packWrite, taken, type Defaults, type WriteArguments } from './flatten.js';
import { optionsOf } from './names.js';
import { pathForLater, toPath } from './paths.js';
import { APPEND, UPDATE, UPDATE_JSON, namesOf } from './schema.js';
import { toDurable, toMaxBytes, toMode, toPolicy, toSignal, wordsOf } from './values.js';
import { NONE, emptyOptions, invalidType, invalidValue, outOfRange, toBoolean, toChoice, type Given } from './validate.js';
import type { NativePath } from '../errors/failure.js';

/** Bits of src/verbs/lock.rs and src/verbs/append.rs. */
const SHARED = 1 << 10;
const REJECT_HARDLINKS = 1 << 3;
const MKDIR = 1 << 8;

/** Default time to wait for a lock, in milliseconds. */
const TIMEOUT = 30_000;

/** The longest time that a timer takes, in milliseconds. A longer `timeoutMs` is no limit. */
const MAX_TIMER_MS = 2 ** 31 - 1;

const TORN_TAILS = wordsOf('onTornTail');
const HARDLINKS = wordsOf('hardlinks');

/** Options of every call that takes a lock. */
export interface LockArguments {
  /** bits for the addon */
  flags: number;
  /** the mode of a new lock file in the lowest nine bits, of missing parents from bit 18 on */
  modes: number;
  lockDir: NativePath | undefined;
  /** milliseconds; `Infinity`: no limit */
  timeoutMs: number;
  signal: AbortSignal | undefined;
  /** as the caller gave it */
  root: unknown;
}

function toTimeout(value: unknown): number {
  if (value === undefined) {
    return TIMEOUT;
  }
  if (typeof value !== 'number') {
    throw invalidType('options.timeoutMs', 'of type number', value);
  }
  if (!(value >= 0)) {
    throw outOfRange('options.timeoutMs', 'a number >= 0, or Infinity', value);
  }
  return value > MAX_TIMER_MS ? Infinity : value;
}

/** @param base fallback for options that are `undefined` */
function packLock({ root, symlinks, shared, timeoutMs, lockDir, lockMode, signal }: Given, base: Given, isBeneathRoot: boolean): LockArguments {
  if (isBeneathRoot) {
    noRoot(root);
  }
  const policy = toPolicy(symlinks === undefined ? base.symlinks : symlinks, isBeneathRoot || root !== undefined);
  return {
    flags: policy | (toBoolean(shared, 'options.shared', false) ? SHARED : 0),
    modes: lockMode === undefined ? 0o600 : toMode(lockMode, 'options.lockMode'),
    lockDir: lockDir === undefined ? undefined : pathForLater(toPath(lockDir, 'options.lockDir'), false),
    timeoutMs: toTimeout(timeoutMs),
    signal: toSignal(signal),
    root,
  };
}

/**
 * Packs the options of a lock.
 *
 * @param defaults of the root whose method is called
 * @param call one bit of schema
 */
export function lockArguments(options: unknown, defaults: Defaults | undefined, call: number): LockArguments {
  return packLock(optionsOf(options, call), defaults ?? NONE, defaults !== undefined);
}

const UPDATE_NAMES = namesOf(UPDATE);
const UPDATE_JSON_NAMES = namesOf(UPDATE_JSON);

export interface UpdateArguments {
  lock: LockArguments | undefined;
  write: WriteArguments;
  /** options of the read */
  read: Given;
  ifMissing: unknown;
}

/**
 * Packs the options of an update.
 *
 * @param defaults of the root whose method is called
 * @param call one bit of schema
 */
export function updateArguments(options: unknown, defaults: Defaults | undefined, call: number): UpdateArguments {
  const names = call === UPDATE ? UPDATE_NAMES : UPDATE_JSON_NAMES;
  // The limit of a root is for what is read, and its rule for a final link is the caller's to follow.
  const base = defaults === undefined ? NONE : Object.assign(emptyOptions(), defaults, { maxBytes: undefined, finalSymlink: undefined });
  const values = taken(names, optionsOf(options, call), base);
  if (call === UPDATE_JSON && values.ifMissing === undefined) {
    throw invalidType('options.ifMissing', 'given: it is what the update gets where no file is', values.ifMissing);
  }
  const isBeneathRoot = defaults !== undefined;
  const write = packWrite(values, NONE, isBeneathRoot);
  const lock = packLock(values, NONE, isBeneathRoot);
  const maxReadBytes = values.maxReadBytes === undefined ? undefined : toMaxBytes(values.maxReadBytes, Infinity, 'options.maxReadBytes');
  const isLocked = toBoolean(values.lock, 'options.lock', true);
  return {
    // Missing directories are made for the lock file already.
    lock: isLocked ? { ...lock, flags: lock.flags | (write.flags & MKDIR), modes: lock.modes | (write.modes & (0o777 << 18)) } : undefined,
    write,
    read: { __proto__: null, root: values.root, symlinks: values.symlinks, hardlinks: values.hardlinks, maxBytes: maxReadBytes } as unknown as Given,
    ifMissing: values.ifMissing,
  };
}

export interface AppendArguments extends LockArguments {
  /** the most bytes of the file; -1: no limit */
  limit: number;
}

/**
 * Packs the options of an append.
 *
 * @param defaults of the root whose method is called
 */
export function appendArguments(options: unknown, defaults: Defaults | undefined): AppendArguments {
  if (options === undefined) {
    return defaults === undefined ? FOR_APPEND : packAppend(NONE, defaults, true);
  }
  return packAppend(optionsOf(options, APPEND), defaults ?? NONE, defaults !== undefined);
}

function packAppend(options: Given, base: Given, isBeneathRoot: boolean): AppendArguments {
  const {
    newFileMode = base.newFileMode,
    durable = base.durable,
    mkdir = base.mkdir,
    dirMode = base.dirMode,
    onTornTail,
    maxFileBytes,
  } = options;
  const { flags, modes, lockDir, timeoutMs, signal, root } = packLock(options, base, isBeneathRoot);
  if (durable === 'file' && options.durable !== undefined) {
    throw invalidValue('options.durable', 'must be a boolean: a directory is synced with a new file alone', durable);
  }
  const forNew = newFileMode === undefined ? 0o600 : toMode(newFileMode, 'options.newFileMode');
  const forParents = dirMode === undefined ? 0o700 : toMode(dirMode, 'options.dirMode');
  const limit = toMaxBytes(maxFileBytes, Infinity, 'options.maxFileBytes');
  return {
    flags:
      flags |
      (toChoice(onTornTail, 'options.onTornTail', TORN_TAILS, TORN_TAILS.isolate) << 2) |
      (toChoice(base.hardlinks, 'options.hardlinks', HARDLINKS, 0) === 1 ? REJECT_HARDLINKS : 0) |
      (toDurable(durable) << 6) |
      (toBoolean(mkdir, 'options.mkdir', false) ? MKDIR : 0),
    modes: modes | (forNew << 9) | (forParents << 18),
    lockDir,
    timeoutMs,
    signal,
    root,
    limit: limit === Infinity ? -1 : limit,
  };
}

const FOR_APPEND = packAppend(NONE, NONE, false);
