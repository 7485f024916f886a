'use strict';

// A file system that a host injects into `replaceFileAtomic`: its functions under one set of names for both twins.

const fs = process.getBuiltinModule('node:fs');

/** Names of the functions that a replacement calls. */
const SYNC_NAMES = /** @type {const} */ ([
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
]);
const ASYNC_NAMES = /** @type {const} */ (['mkdir', 'lstat', 'open', 'writeFile', 'rename', 'unlink']);

/** Asks for identities without rounding. */
const EXACT = Object.freeze({ bigint: true });

/**
 * Whether every function that a replacement calls is the one of node:fs: then nothing of the host's is replaced.
 *
 * @param {any} fileSystem
 */
function isNodeSync(fileSystem) {
  return SYNC_NAMES.every((name) => fileSystem[name] === fs[name]);
}

/** @param {any} fileSystem one without `promises` replaces nothing there */
function isNodeAsync({ promises }) {
  return promises === undefined || ASYNC_NAMES.every((name) => promises[name] === fs.promises[name]);
}

/**
 * The host's functions for a synchronous replacement. Each is called as a method, with the arguments that the library
 * passes. A file is its descriptor.
 *
 * @param {any} host
 */
function syncCalls(host) {
  const canChmod = host.fchmodSync !== undefined;
  return {
    isSync: true,
    canChmod,
    /** @type {(dir: string, mode: number) => any} */
    mkdir: (dir, mode) => host.mkdirSync(dir, { recursive: true, mode }),
    /** @type {(file: string) => any} */
    lstat: (file) => host.lstatSync(file),
    /** @type {(file: string) => any} */
    lstatExact: (file) => host.lstatSync(file, { ...EXACT }),
    /** @type {(file: string, ...rest: any[]) => any} */
    open: (file, ...rest) => host.openSync(file, ...rest),
    /** @type {(fd: any) => any} */
    stat: (fd) => host.fstatSync(fd, { ...EXACT }),
    /** @type {(fd: any, content: any) => any} */
    write: (fd, content) => host.writeFileSync(fd, content),
    /** @type {(fd: any, mode: number) => any} */
    chmod: (fd, mode) => (canChmod ? host.fchmodSync(fd, mode) : undefined),
    /** @type {(fd: any) => any} */
    sync: (fd) => host.fsyncSync(fd),
    /** @type {(fd: any) => any} */
    close: (fd) => host.closeSync(fd),
    /** @type {(from: string, to: string) => any} */
    rename: (from, to) => host.renameSync(from, to),
    /** @type {(file: string) => any} */
    unlink: (file) => host.unlinkSync(file),
    /** @type {(fd: any) => number | undefined} */
    descriptor: (fd) => fd,
    /** @type {(ms: number) => any} */
    wait: (ms) => void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms),
  };
}

/** @typedef {ReturnType<typeof syncCalls>} Calls */

/**
 * The same with promises. A file is the handle that the host's `open` returned.
 *
 * @param {any} host its `promises`
 * @returns {Calls}
 */
function asyncCalls(host) {
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

module.exports = { asyncCalls, isNodeAsync, isNodeSync, syncCalls };
