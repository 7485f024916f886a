'use strict';

// Looks beneath a root, for callers that decide nothing by them: by path, as the original's, and therefore advisory.

const fs = process.getBuiltinModule('node:fs');
const path = process.getBuiltinModule('node:path');
const { hostError, isErrno } = require('./fs-safe-errors.js');
const { climbs, expandHome, isBeneath } = require('./fs-safe-paths.js');

/** @typedef {import('./fs-safe-errors.js').HostErrorClass} HostErrorClass */

/**
 * A path that must be relative and may not climb.
 *
 * @param {HostErrorClass} HostError
 * @param {string} root its real path
 * @param {unknown} given
 */
function toRelative(HostError, root, given) {
  if (typeof given !== 'string') {
    throw new TypeError('The path must be of type string');
  }
  if (given.includes('\0')) {
    throw hostError(HostError, 'invalid-path', 'the path contains a NUL');
  }
  const isHome = given !== expandHome(given);
  const relative = isHome ? path.relative(root, expandHome(given)) : given;
  if (climbs(relative) || path.isAbsolute(relative)) {
    throw hostError(HostError, 'invalid-path', 'the path is not one beneath the root');
  }
  return relative;
}

/**
 * @param {HostErrorClass} HostError
 * @param {string} root its real path
 * @param {unknown} given
 */
async function statBeneath(HostError, root, given) {
  const full = path.join(root, toRelative(HostError, root, given));
  let stat;
  try {
    const real = await fs.promises.realpath(full);
    if (!isBeneath(root, real)) {
      throw hostError(HostError, 'path-alias', 'the path leaves the root through a symbolic link');
    }
    stat = await fs.promises.lstat(real);
  } catch (error) {
    if (!isErrno(error)) {
      throw error;
    }
    throw error.code === 'ENOENT'
      ? hostError(HostError, 'not-found', 'the file or directory does not exist', error)
      : hostError(HostError, 'path-alias', 'the path cannot be followed', error);
  }
  return {
    dev: stat.dev,
    gid: stat.gid,
    ino: stat.ino,
    isDirectory: stat.isDirectory(),
    isFile: stat.isFile(),
    isSymbolicLink: stat.isSymbolicLink(),
    mode: stat.mode,
    mtimeMs: stat.mtimeMs,
    nlink: stat.nlink,
    size: stat.size,
    uid: stat.uid,
  };
}

module.exports = { statBeneath, toRelative };
