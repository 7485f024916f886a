'use strict';

// Paths as callers give them, and as the binary takes them.

const { fileURLToPath } = process.getBuiltinModule('node:url');
const { getSystemErrorMap, types } = process.getBuiltinModule('node:util');
const { refusal, shown, systemError } = require('../errors/holdfast-error.js');
const { native } = require('../native/load.js');
const record = require('../native/layout.js');
const { invalidType } = require('./validate.js');

/** @typedef {import('../native/binding.js').NativePath} NativePath */

/**
 * Whether a value is a URL, by what it has, as Node judges it: there may be more than one class.
 *
 * @param {any} value
 */
function isUrl(value) {
  return Boolean(value?.href && value.protocol && value.auth === undefined && value.path === undefined);
}

/**
 * Twice the length of the longest path on any system. What is longer is not looked at any closer: its
 * copies, and the parts it falls into, can take more memory than there is, which ends the process.
 */
const LONGEST = 65_536;

/**
 * @param {unknown} value
 * @param {string} name
 * @returns {NativePath}
 */
function toPath(value, name) {
  if (typeof value === 'string') {
    return wellFormed(bounded(value, name));
  }
  if (types.isUint8Array(value)) {
    return bounded(value, name);
  }
  if (typeof value === 'object' && isUrl(value)) {
    return wellFormed(bounded(fromUrl(/** @type {URL} */ (value)), name));
  }
  throw invalidType(name, 'of type string or an instance of Buffer or URL', value);
}

/**
 * Refuses what is too long as every system would.
 *
 * @template {NativePath} T
 * @param {T} path
 * @param {string} name of the argument: a directory is one that would be made
 * @returns {T}
 */
function bounded(path, name) {
  if (path.length > LONGEST) {
    const [errno = -36] = [...getSystemErrorMap()].find(([, [code]]) => code === 'ENAMETOOLONG') ?? [];
    throw systemError(errno, name === 'dir' ? 'mkdir' : 'open', path);
  }
  return path;
}

/** @param {string} path */
function wellFormed(path) {
  if (!path.isWellFormed()) {
    throw refusal('invalid-path', 'surrogate', path.toWellFormed());
  }
  return path;
}

/** @param {URL} url */
function fromUrl(url) {
  try {
    return fileURLToPath(url);
  } catch (error) {
    throw refusal('invalid-path', 'url', String(url.href), error);
  }
}

/**
 * A path as it is at the time of the call, for work that starts later or elsewhere: with bytes of
 * its own and, unless it is beneath a root, absolute, so that no change of the working directory
 * has an effect on it. What is not a path at all is left for the binary to refuse.
 *
 * @param {NativePath} path
 * @param {boolean} isBeneathRoot
 * @returns {NativePath}
 */
function pathForLater(path, isBeneathRoot) {
  const isFixed = isBeneathRoot || path.length === 0;
  if (typeof path === 'string') {
    return isFixed || startsAtTop(path) || path.includes('\0') ? path : absolute(path);
  }
  return isFixed || startsAtTop(path) || path.includes(0) ? new Uint8Array(path) : absolute(path);
}

const SLASH = 0x2f;

/**
 * Whether no working directory has a part in a path. On Windows that takes a drive.
 *
 * @param {NativePath} path
 */
function startsAtTop(path) {
  if (process.platform === 'win32') {
    return /^[a-z]:[\\/]/i.test(shown(path.slice(0, 3)));
  }
  return typeof path === 'string' ? path.startsWith('/') : path[0] === SLASH;
}

/**
 * The binary knows the working directory: Node remembers its name, which may be another's by now.
 *
 * @param {NativePath} path
 */
function absolute(path) {
  const bytes = native().absolutePath(path, record.scratch);
  if (!bytes) {
    throw record.failure(record.last, path);
  }
  return bytes;
}

/**
 * How many bytes {@link pathForLater} put before a path.
 *
 * @param {NativePath} path
 * @param {NativePath} fixed
 */
function addedBytes(path, fixed) {
  return Buffer.byteLength(fixed) - Buffer.byteLength(path);
}

module.exports = { addedBytes, isUrl, pathForLater, toPath };
