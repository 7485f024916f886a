'use strict';

// The option `root` of the free functions: the directory is opened, used for one call, and closed.

const { native } = require('./native.js');
const { pathForLater, toPath } = require('./paths.js');
const record = require('./record.js');

/** @typedef {import('./native-types.js').Handle} Handle */

/**
 * A directory that is open, and its real path.
 *
 * @typedef {object} Opened
 * @property {Handle} handle
 * @property {string} path
 * @property {number} number no other root of this process has it
 */

/** Place of the number: src/binding/root.rs. */
const NUMBER = 1;

/**
 * @param {unknown} dir
 * @returns {Opened}
 */
function openSync(dir) {
  const path = toPath(dir, 'root');
  const handle = native().rootOpenSync(path, record.scratch);
  if (!handle) {
    throw record.failure(record.last, path);
  }
  const { last } = record;
  return { handle, path: record.realPath(last, path, undefined), number: last.numbers[NUMBER] };
}

/**
 * @param {unknown} dir
 * @returns {Promise<Opened>}
 */
async function open(dir) {
  const path = toPath(dir, 'root');
  const [answer, handle] = await native().rootOpenAsync(pathForLater(path, false));
  const result = record.unpack(answer);
  if (handle === undefined) {
    throw record.failure(result, path);
  }
  return { handle, path: record.realPath(result, path, undefined), number: result.numbers[NUMBER] };
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

module.exports = { open, openSync, withRoot, withRootSync };
