'use strict';

// The option `root` of the free functions: the directory is opened, used for one call, and closed.

const { direct } = require('../native/calls.js');
const { mayAnswerNow } = require('./sync-budget.js');
const { native } = require('../native/load.js');
const { pathForLater, toPath } = require('../options/paths.js');
const record = require('../native/layout.js');

/** @typedef {import('../native/binding.js').Handle} Handle */

/**
 * A directory that is open, and its real path.
 *
 * @typedef {object} Opened
 * @property {Handle} handle
 * @property {string} path
 * @property {number} number no other root of this process has it
 */

/**
 * The same with its identity, by `fstat`. `inoLow` has the lower 32 bits of the inode, which a number may lose.
 *
 * @typedef {Opened & { dev: number, ino: number, inoLow: number }} Identified
 */

/** Places of src/binding/root.rs. */
const NUMBER = 1;
const DEV = 2;
const INO = 3;
const INO_LOW = 4;

/**
 * @param {Handle} handle
 * @param {record.Result} result
 * @param {import('../native/binding.js').NativePath} path as the caller gave it
 * @returns {Identified}
 */
function toOpened(handle, result, path) {
  const { numbers } = result;
  return {
    handle,
    path: record.realPath(result, path, undefined),
    number: numbers[NUMBER],
    dev: numbers[DEV],
    ino: numbers[INO],
    inoLow: numbers[INO_LOW],
  };
}

/**
 * @param {unknown} dir
 * @returns {Identified}
 */
function openSync(dir) {
  const path = toPath(dir, 'root');
  const handle = native().rootOpenSync(path, record.scratch);
  if (!handle) {
    throw record.failure(record.last, path);
  }
  return toOpened(handle, record.last, path);
}

/**
 * Opens a directory that the kernel has in memory on the calling thread, and any other one in libuv's pool.
 *
 * @param {unknown} dir
 * @returns {Identified | Promise<Identified>}
 */
function openSoon(dir) {
  const path = toPath(dir, 'root');
  if (!mayAnswerNow()) {
    return openInPool(path, false);
  }
  const handle = direct().rootOpenCached(path);
  return handle === undefined ? openInPool(path, record.learnBit(record.last) !== 0) : toOpened(handle, record.last, path);
}

/**
 * @param {unknown} dir
 * @returns {Promise<Identified>}
 */
async function open(dir) {
  return openInPool(toPath(dir, 'root'), false);
}

/**
 * @param {import('../native/binding.js').NativePath} path
 * @param {boolean} learn finds out first how far away the file system is
 * @returns {Promise<Identified>}
 */
async function openInPool(path, learn) {
  const [answer, handle] = await native().rootOpenAsync(pathForLater(path, false), learn);
  const result = record.unpack(answer);
  if (handle === undefined) {
    throw record.failure(result, path);
  }
  return toOpened(handle, result, path);
}

/**
 * @template T
 * @param {unknown} dir the option, or undefined
 * @param {Opened | undefined} pinned the root whose method was called, if one was
 * @param {(root: Opened | undefined) => T} call
 * @returns {T}
 */
function withRootSync(dir, pinned, call) {
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
 * @template T
 * @param {unknown} dir the option, or undefined
 * @param {Opened | undefined} pinned the root whose method was called, if one was
 * @param {(root: Opened | undefined) => Promise<T>} call
 * @returns {Promise<T>}
 */
async function withRoot(dir, pinned, call) {
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

module.exports = { open, openSoon, openSync, withRoot, withRootSync };
