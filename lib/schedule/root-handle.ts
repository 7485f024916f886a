// The option `root` of the free functions: the directory is opened, used for one call, and closed.

import { direct } from '../native/calls.js';
import { mayAnswerNow } from './sync-budget.js';
import { native } from '../native/load.js';
import { pathForLater, toPath } from '../options/paths.js';
import record = require('../native/layout.js');
import { IdentityIndex, RootIndex } from '../native/record-layout.js';
import type { Handle } from '../native/binding.js';
import type { NativePath } from '../errors/failure.js';

/** A directory that is open, and its real path. */
export interface Opened {
  handle: Handle;
  path: string;
  /** unique in this process */
  number: number;
}

/** The same with its identity, by `fstat`. `inoLow` has the lower 32 bits of the inode, which a number may lose. */
export type Identified = Opened & { dev: number; ino: number; inoLow: number };

function toOpened(handle: Handle, result: record.Result, path: NativePath): Identified {
  const { numbers } = result;
  return {
    handle,
    path: record.realPath(result, path, undefined),
    number: numbers[RootIndex.NUMBER],
    dev: numbers[IdentityIndex.DEV],
    ino: numbers[IdentityIndex.INO],
    inoLow: numbers[IdentityIndex.INO_LOW],
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

/** Opens a directory that the kernel has in memory on the calling thread, and any other one in libuv's pool. */
export function openSoon(dir: unknown): Identified | Promise<Identified> {
  const path = toPath(dir, 'root');
  if (!mayAnswerNow()) {
    return openInPool(path, false);
  }
  const handle = direct().rootOpenCached(path);
  return handle === undefined ? openInPool(path, record.learnBit(record.last) !== 0) : toOpened(handle, record.last, path);
}

export async function open(dir: unknown): Promise<Identified> {
  return openInPool(toPath(dir, 'root'), false);
}

/** @param learn finds out first how far away the file system is */
async function openInPool(path: NativePath, learn: boolean): Promise<Identified> {
  const [answer, handle] = await native().rootOpenAsync(pathForLater(path, false), learn);
  const result = record.unpack(answer);
  if (handle === undefined) {
    throw record.failure(result, path);
  }
  return toOpened(handle, result, path);
}

/**
 * @param dir the option, or undefined
 * @param pinned the root whose method was called, if one was
 */
export function withRootSync<T>(dir: unknown, pinned: Opened | undefined, call: (root: Opened | undefined) => T): T {
  if (pinned !== undefined || dir === undefined) {
    return call(pinned);
  }
  const opened = openSync(dir);
  try {
    return call(opened);
  } finally {
    native().rootClose(opened.handle);
  }
}

/**
 * @param dir the option, or undefined
 * @param pinned the root whose method was called, if one was
 */
export async function withRoot<T>(dir: unknown, pinned: Opened | undefined, call: (root: Opened | undefined) => Promise<T>): Promise<T> {
  if (pinned !== undefined || dir === undefined) {
    return call(pinned);
  }
  const opened = await open(dir);
  try {
    return await call(opened);
  } finally {
    native().rootClose(opened.handle);
  }
}
