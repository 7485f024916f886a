'use strict';

// Asynchronous writes to one target publish in the order they were made, in this environment.

const path = require('node:path');
const { shown } = require('./errors.js');

/** @typedef {import('./native-types.js').Handle} Handle */
/** @typedef {import('./native-types.js').NativePath} NativePath */

/** @type {Map<string, Promise<unknown>>} the last call on each target that has one under way */
const tails = new Map();

/** @type {WeakMap<object, number>} */
const roots = new WeakMap();
let rootCount = 0;

/** @param {Handle} root */
function rootNumber(root) {
  let number = roots.get(root);
  if (number === undefined) {
    number = ++rootCount;
    roots.set(root, number);
  }
  return number;
}

/**
 * What makes two targets the same: the absolute path, or the root and the path beneath it, however
 * they are spelled. Bytes that are not UTF-8 may make two targets look the same, which only costs
 * time.
 *
 * @param {NativePath} file
 * @param {NativePath | undefined} root the option
 * @param {Handle | undefined} pinned
 * @returns {string}
 */
function orderKey(file, root, pinned) {
  const text = shown(file);
  if (pinned !== undefined && !path.isAbsolute(text)) {
    return folded(`${rootNumber(pinned)}:${path.normalize(text)}`);
  }
  return folded(path.resolve(root === undefined ? '/' : shown(root), text));
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

module.exports = { isWaited, orderKey, queued, queuedOnAll };
