'use strict';

// `stat` and `exists` of a root, by its descriptor.

const os = process.getBuiltinModule('node:os');
const path = process.getBuiltinModule('node:path');
const { ROOT_STAT, hostError, toHost } = require('../errors.js');
const { climbs, expandHome, withoutLinks } = require('../paths.js');
const { linkEscape } = require('../sentences.js');
const { isHoldfastError, systemError } = require('../../errors/holdfast-error.js');
const { statusOf } = require('../../root/root.js');

/** @typedef {import('../errors.js').HostErrorClass} HostErrorClass */

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
    throw hostError(HostError, 'invalid-path', 'relative path contains a NUL byte');
  }
  const expanded = expandHome(given);
  const relative = given === expanded ? given : path.relative(root, expanded);
  if (path.isAbsolute(relative) || /^\.\.(\/|$)/.test(path.normalize(relative))) {
    throw hostError(HostError, 'invalid-path', 'relative path must not escape root');
  }
  if (climbs(relative)) {
    throw hostError(HostError, 'invalid-path', "relative path must not contain '..'");
  }
  return relative;
}

/**
 * The status in the shape of fs-safe, or `undefined` when nothing is there.
 *
 * @param {HostErrorClass} HostError
 * @param {import('./write.js').Base} base
 * @param {unknown} given
 */
async function statBeneath(HostError, base, given) {
  const relative = toRelative(HostError, base.path, given);
  try {
    const stat = await statusBeneath(base, relative === '' ? '.' : relative);
    return stat && toPathStat(stat);
  } catch (error) {
    const escape = isOutside(error) ? await linkEscape(base.path, relative) : undefined;
    if (escape === 'dangling') {
      return undefined;
    }
    throw toHost(HostError, ROOT_STAT, error, { given, cause: escape });
  }
}

/**
 * The status of what a path leads to, and once more where a link with an absolute target leads back into the root.
 *
 * @param {import('./write.js').Base} base
 * @param {string} relative
 * @returns {Promise<import('node:fs').Stats | undefined>}
 */
async function statusBeneath(base, relative) {
  try {
    return await base.use((root) => statusOf(root, relative, 'follow-within-root'));
  } catch (error) {
    const real = isOutside(error) ? await withoutLinks(base.path, relative, true) : undefined;
    if (real === undefined) {
      throw error;
    }
    return base.use((root) => statusOf(root, real === '' ? '.' : real, 'reject'));
  }
}

/**
 * The refusal of `stat` for a path to nothing, with the error of `node:fs` as its cause.
 *
 * @param {HostErrorClass} HostError
 * @param {string} root its real path
 * @param {unknown} given
 */
function missing(HostError, root, given) {
  return hostError(HostError, 'not-found', 'file not found', systemError(-os.constants.errno.ENOENT, 'stat', path.join(root, String(given))));
}

/** @param {unknown} error */
function isOutside(error) {
  return isHoldfastError(error) && /** @type {any} */ (error).code === 'outside-workspace';
}

/** @param {import('node:fs').Stats} stat */
function toPathStat(stat) {
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

module.exports = { missing, statBeneath, toRelative };
