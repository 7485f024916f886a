// Implements the option `root` of the free functions: opens the directory, uses it for one call and closes it.

import { direct } from '../native/direct.js';
import { mayAnswerNow } from './sync-budget.js';
import { native } from '../native/load.js';
import { shown } from '../errors/holdfast-error.js';
import { pathForLater, toPath } from '../options/paths.js';
import { toPolicy } from '../options/values.js';
import record = require('../native/record.js');
import { IdentityIndex, RootIndex } from '../native/record-layout.js';
import type { Handle } from '../native/binding.js';
import type { MethodRoot } from '../options/flatten.js';
import type { NativePath } from '../errors/failure.js';

/** An open directory and its real path. */
export interface Opened {
  handle: Handle;
  path: string;
  /** unique in this process */
  number: number;
}

/**
 * An open directory with its identity from `fstat`. `inoLow` has the lower 32 bits of the inode, which a number may
 * lose. `born` is the time of birth in seconds, or 0 where the file system has none.
 */
export type Identified = Opened & { dev: number; ino: number; inoLow: number; born: number; bornNanoseconds: number };

export function toOpened(handle: Handle, result: record.Result, path: NativePath): Identified {
  const { numbers } = result;
  return {
    handle,
    path: record.realPath(result, path, undefined),
    number: numbers[RootIndex.NUMBER],
    dev: numbers[IdentityIndex.DEV],
    ino: numbers[IdentityIndex.INO],
    inoLow: numbers[IdentityIndex.INO_LOW],
    born: numbers[RootIndex.BORN],
    bornNanoseconds: numbers[RootIndex.BORN_NANOSECONDS],
  };
}

export function openSync(dir: unknown): Identified {
  const path = toPath(dir, 'root');
  const handle = native().rootOpenSync(path, record.scratch);
  if (!handle) {
    throw record.failure(record.last, path);
  }
  return toOpened(handle, record.last, path);
}

/** Opens a directory on the calling thread if the kernel has it cached, and otherwise in libuv's pool. */
export function openSoon(dir: unknown): Identified | Promise<Identified> {
  const path = toPath(dir, 'root');
  if (!mayAnswerNow()) {
    return openInPool(path, false);
  }
  const handle = direct().rootOpenCached(path);
  return handle === undefined ? openInPool(path, record.probeFlag(record.last) !== 0) : toOpened(handle, record.last, path);
}

export async function open(dir: unknown): Promise<Identified> {
  return openInPool(toPath(dir, 'root'), false);
}

/** Opens a directory beneath a root. */
export function openBeneathSync(dir: unknown, base: MethodRoot): Identified {
  const path = toPath(dir, 'dir');
  const handle = native().rootOpenBeneathSync(path, toPolicy(base.defaults.symlinks, true), base.handle, record.scratch);
  if (!handle) {
    throw record.failure(record.last, path);
  }
  return toOpened(handle, record.last, path);
}

/** Asynchronous twin of {@link openBeneathSync}. */
export async function openBeneath(dir: unknown, base: MethodRoot): Promise<Identified> {
  const path = toPath(dir, 'dir');
  const given = shown(path);
  const flags = toPolicy(base.defaults.symlinks, true);
  const [answer, handle] = await native().rootOpenBeneathAsync(pathForLater(path, true), flags, base.handle);
  const result = record.unpack(answer);
  if (handle === undefined) {
    throw record.failure(result, given);
  }
  return toOpened(handle, result, given);
}

/**
 * Opens a directory in libuv's pool.
 *
 * @param probe first determine the locality of the file system
 */
async function openInPool(path: NativePath, probe: boolean): Promise<Identified> {
  const [answer, handle] = await native().rootOpenAsync(pathForLater(path, false), probe);
  const result = record.unpack(answer);
  if (handle === undefined) {
    throw record.failure(result, path);
  }
  return toOpened(handle, result, path);
}

/**
 * Calls `call` with the root of a call, and closes the root if it was opened here.
 *
 * @param dir the option `root`
 * @param methodRoot the root whose method was called
 */
export function withRootSync<T>(dir: unknown, methodRoot: Opened | undefined, call: (root: Opened | undefined) => T): T {
  if (methodRoot !== undefined || dir === undefined) {
    return call(methodRoot);
  }
  const opened = openSync(dir);
  try {
    return call(opened);
  } finally {
    native().rootClose(opened.handle);
  }
}

/**
 * Asynchronous twin of {@link withRootSync}.
 *
 * @param dir the option `root`
 * @param methodRoot the root whose method was called
 */
export async function withRoot<T>(dir: unknown, methodRoot: Opened | undefined, call: (root: Opened | undefined) => Promise<T>): Promise<T> {
  if (methodRoot !== undefined || dir === undefined) {
    return call(methodRoot);
  }
  const opened = await open(dir);
  try {
    return await call(opened);
  } finally {
    native().rootClose(opened.handle);
  }
}
