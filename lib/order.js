'use strict';

// Asynchronous writes to one target publish in the order they were made, in this environment.

const path = require('node:path');
const { shown } = require('./errors.js');

/** @typedef {import('./native-types.js').Handle} Handle */
/** @typedef {import('./native-types.js').NativePath} NativePath */

/** @type {Map<string, Promise<unknown>>} the last call on each target that has one under way */
const tails = new Map();

/** @type {WeakMap<object, string>} the real paths of pinned roots, when they were opened */
const pinnedPaths = new WeakMap();

/**
 * Says where a pinned root lies.
 *
 * @param {Handle} root
 * @param {string} realPath
 */
function placeRoot(root, realPath) {
  pinnedPaths.set(root, realPath);
}

/**
 * What makes two targets the same: the absolute path, however it is spelled, and by whatever root. A
 * root that was renamed, and bytes that are not UTF-8, may make two targets look the same, which
 * only costs time.
 *
 * @param {NativePath} file
 * @param {NativePath | undefined} root the option
 * @param {Handle | undefined} pinned
 * @returns {string}
 */
function orderKey(file, root, pinned) {
  const base = pinned === undefined ? root : pinnedPaths.get(pinned);
  return folded(path.resolve('/', base === undefined ? '' : shown(base), shown(file)));
}

/** Whether file systems usually take names for the same that differ in case or in how accents are written. */
const FOLDS = process.platform === 'win32' || process.platform === 'darwin';

/** @param {string} key */
function folded(key) {
  return FOLDS ? key.normalize().toUpperCase().toLowerCase() : key;
}

/**
 * Whether a call on this target would wait for another.
 *
 * @param {string} key
 */
function isWaited(key) {
  return tails.has(key);
}

/**
 * Runs a call after those made before it on the same target: at once, if there are none.
 *
 * @template T
 * @param {string} key
 * @param {() => Promise<T>} call
 * @returns {Promise<T>}
 */
function queued(key, call) {
  const before = tails.get(key);
  const running = before === undefined ? call() : before.then(call);
  /** @type {Promise<void>} */
  const tail = running.then(
    () => done(key, tail),
    () => done(key, tail),
  );
  tails.set(key, tail);
  return running;
}

/**
 * Runs a call after those made before it on any of several targets.
 *
 * @template T
 * @param {string[]} keys
 * @param {() => Promise<T>} call
 * @returns {Promise<T>}
 */
function queuedOnAll(keys, call) {
  const before = new Set(keys.map((key) => tails.get(key)));
  const running = Promise.all(before).then(call);
  for (const key of new Set(keys)) {
    /** @type {Promise<void>} */
    const tail = running.then(
      () => done(key, tail),
      () => done(key, tail),
    );
    tails.set(key, tail);
  }
  return running;
}

/**
 * @param {string} key
 * @param {Promise<unknown>} tail
 */
function done(key, tail) {
  if (tails.get(key) === tail) {
    tails.delete(key);
  }
}

module.exports = { isWaited, orderKey, placeRoot, queued, queuedOnAll };
