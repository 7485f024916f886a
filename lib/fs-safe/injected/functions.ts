// Adapts a file system that a host injects into `replaceFileAtomic`: its functions under one set of names for both
// twins.

import { fs } from '../../base/node.js';
import type { Unchecked } from '../options.js';

/** Names of the functions that a replacement calls. */
const SYNC_NAMES = [
  'mkdirSync',
  'lstatSync',
  'openSync',
  'fstatSync',
  'writeFileSync',
  'fchmodSync',
  'fsyncSync',
  'closeSync',
  'renameSync',
  'unlinkSync',
] as const;
const ASYNC_NAMES = ['mkdir', 'lstat', 'open', 'writeFile', 'rename', 'unlink'] as const;

/** Options of a stat without rounded identities. */
const EXACT = Object.freeze({ bigint: true });

/** Returns whether every function that a replacement calls is that of node:fs, so that the host injects none. */
export function isNodeSync(fileSystem: Unchecked) {
  return SYNC_NAMES.every((name) => fileSystem[name] === fs[name]);
}

/**
 * Returns whether the promise functions are those of node:fs.
 *
 * @param fileSystem one without `promises` injects none
 */
export function isNodeAsync({ promises }: Unchecked) {
  return promises === undefined || ASYNC_NAMES.every((name) => promises[name] === fs.promises[name]);
}

/**
 * Returns the host's functions for a synchronous replacement. Calls each as a method, with the arguments that fs-safe
 * passes. A file is its descriptor.
 */
export function syncCalls(host: Unchecked) {
  const canChmod = host.fchmodSync !== undefined;
  return {
    isSync: true,
    canChmod,
    mkdir: (dir: string, mode: number): unknown => host.mkdirSync(dir, { recursive: true, mode }),
    lstat: (file: string): unknown => host.lstatSync(file),
    lstatExact: (file: string): unknown => host.lstatSync(file, { ...EXACT }),
    open: (file: string, ...rest: Unchecked[]): unknown => host.openSync(file, ...rest),
    stat: (fd: Unchecked): unknown => host.fstatSync(fd, { ...EXACT }),
    write: (fd: Unchecked, content: Unchecked): unknown => host.writeFileSync(fd, content),
    chmod: (fd: Unchecked, mode: number): unknown => (canChmod ? host.fchmodSync(fd, mode) : undefined),
    sync: (fd: Unchecked): unknown => host.fsyncSync(fd),
    close: (fd: Unchecked): unknown => host.closeSync(fd),
    rename: (from: string, to: string): unknown => host.renameSync(from, to),
    unlink: (file: string): unknown => host.unlinkSync(file),
    descriptor: (fd: Unchecked): number | undefined => fd,
    wait: (ms: number): unknown => void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms),
  };
}

export type Calls = ReturnType<typeof syncCalls>;

/**
 * Returns the host's functions with promises. A file is the handle that the host's `open` returned.
 *
 * @param host its `promises`
 */
export function asyncCalls(host: Unchecked): Calls {
  return {
    isSync: false,
    canChmod: true,
    mkdir: (dir, mode) => host.mkdir(dir, { recursive: true, mode }),
    lstat: (file) => host.lstat(file),
    lstatExact: (file) => host.lstat(file, { ...EXACT }),
    open: (file, ...rest) => host.open(file, ...rest),
    stat: (handle) => handle.stat({ ...EXACT }),
    write: (handle, content) => host.writeFile(handle, content),
    chmod: (handle, mode) => handle.chmod(mode),
    sync: (handle) => handle.sync(),
    close: (handle) => handle.close(),
    rename: (from, to) => host.rename(from, to),
    unlink: (file) => host.unlink(file),
    descriptor: (handle) => handle?.fd,
    wait: (ms) => new Promise((resolve) => void setTimeout(resolve, ms)),
  };
}
