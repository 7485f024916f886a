'use strict';

// Which file a host's stat is about.

const { hostError } = require('../errors.js');

/** @typedef {import('../errors.js').HostErrorClass} HostErrorClass */

/**
 * Whether a stat has device and inode without rounding.
 *
 * @param {any} stat
 */
function isIdentity(stat) {
  return typeof stat?.dev === 'bigint' && typeof stat.ino === 'bigint';
}

/**
 * @param {any} a
 * @param {any} b
 */
function isSame(a, b) {
  return isIdentity(a) && a.dev === b.dev && a.ino === b.ino;
}

/**
 * Throws unless a stat is about the staged file: a regular file with one name.
 *
 * @param {HostErrorClass} HostError
 * @param {any} stat
 * @param {any} staged `undefined` for the first look
 * @param {boolean} byName
 */
function assertStaged(HostError, stat, staged, byName) {
  if (stat.isSymbolicLink()) {
    throw hostError(HostError, 'symlink', 'the staged file was exchanged for a symbolic link');
  }
  if (!stat.isFile()) {
    throw hostError(HostError, 'not-file', 'the staged file was exchanged for something else');
  }
  if (stat.nlink > 1n || (byName && stat.nlink !== 1n)) {
    throw hostError(HostError, 'hardlink', 'the staged file has more than one name');
  }
  assertSame(HostError, stat, staged);
}

/**
 * @param {HostErrorClass} HostError
 * @param {any} stat
 * @param {any} staged
 */
function assertSame(HostError, stat, staged) {
  if (!isIdentity(stat) || (staged !== undefined && !isSame(stat, staged))) {
    throw hostError(HostError, 'path-mismatch', 'the staged file was exchanged, or cannot be identified');
  }
}

module.exports = { assertSame, assertStaged, isIdentity, isSame };
