'use strict';

// The mode of a parent directory that is changed through the functions of a host.

const fs = process.getBuiltinModule('node:fs');
const path = process.getBuiltinModule('node:path');
const { rehearseEnsureDir } = require('../../verbs/dry-run.js');
const { HARDENINGS, REASONS, isOptedOut, warn } = require('../../verbs/ensure-dir.js');
const { hostError } = require('../errors.js');
const { isIdentity, isSame } = require('./identity.js');

/** @typedef {import('../errors.js').HostErrorClass} HostErrorClass */
/** @typedef {import('./functions.js').Calls} Calls */

const { O_RDONLY, O_DIRECTORY, O_NOFOLLOW, O_NONBLOCK } = fs.constants;

/** Failures of a chmod that mean that the system does not let this process change the mode, as of `ensureDir`. */
const TOLERABLE = new Set(['EPERM', 'EACCES', 'EROFS', 'ENOSYS', 'ENOTSUP', 'EOPNOTSUPP']);

/** @param {unknown} error */
function isTolerable(error) {
  return TOLERABLE.has(/** @type {any} */ (error)?.code);
}

/**
 * Takes permissions from the parent that go beyond `mode`, by the rules of `ensureDir`, through the functions of the
 * host. A chmod that the system refuses is tolerated.
 *
 * @param {HostErrorClass} HostError
 * @param {Calls} calls
 * @param {string} dir
 * @param {number} mode
 * @param {() => void} assertMayChange
 * @returns {Generator<() => any, void, any>}
 */
function* applyDirectoryMode(HostError, calls, dir, mode, assertMayChange) {
  if (process.platform === 'win32') {
    return;
  }
  const named = assertDirectory(HostError, yield () => calls.lstatExact(dir));
  const file = yield () => calls.open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NONBLOCK);
  try {
    const opened = yield* inspect(HostError, calls, file, named);
    if (calls.isSync) {
      assertMayChange();
      yield* narrow(calls, file, dir, opened, mode);
    } else if (bitsOf(yield* inspect(HostError, calls, file, named)) !== mode) {
      yield* inspect(HostError, calls, file, named);
      assertMayChange();
      yield* narrow(calls, file, dir, opened, mode);
      yield* inspect(HostError, calls, file, named);
    }
  } finally {
    yield () => calls.close(file);
  }
}

/**
 * @param {HostErrorClass} HostError
 * @param {Calls} calls
 * @param {any} file
 * @param {any} named what the name led to
 * @returns {Generator<() => any, any, any>}
 */
function* inspect(HostError, calls, file, named) {
  const stat = assertDirectory(HostError, yield () => calls.stat(file));
  if (!isSame(stat, named)) {
    throw hostError(HostError, 'path-mismatch', 'the parent directory was exchanged');
  }
  return stat;
}

/**
 * @param {HostErrorClass} HostError
 * @param {any} stat
 */
function assertDirectory(HostError, stat) {
  if (stat.isSymbolicLink() || !stat.isDirectory()) {
    throw hostError(HostError, 'not-file', 'the parent is not a real directory');
  }
  if (!isIdentity(stat)) {
    throw hostError(HostError, 'path-mismatch', 'the parent directory cannot be identified');
  }
  return stat;
}

/** @param {any} stat */
function bitsOf(stat) {
  return Number(stat.mode & 0o7777n);
}

/**
 * @param {Calls} calls
 * @param {any} file
 * @param {string} dir
 * @param {any} opened
 * @param {number} mode
 * @returns {Generator<() => any, void, any>}
 */
function* narrow(calls, file, dir, opened, mode) {
  const { target, reason } = decide(dir, opened, mode, isReal(calls.descriptor(file), opened));
  const wantsPrivacy = (mode & 0o077) === 0;
  if (target === undefined) {
    if (wantsPrivacy && reason !== undefined) {
      warn(path.resolve(dir), bitsOf(opened), reason);
    }
    return;
  }
  try {
    yield () => calls.chmod(file, target);
  } catch (error) {
    if (!isTolerable(error)) {
      throw error;
    }
    if (wantsPrivacy && (bitsOf(opened) & 0o077) !== 0) {
      warn(path.resolve(dir), bitsOf(opened), /** @type {any} */ (error).code);
    }
  }
}

/**
 * The mode to set, or `undefined` where the directory is left as it is.
 *
 * @param {string} dir
 * @param {any} opened
 * @param {number} mode
 * @param {boolean} onDisk `false`: the host has a file system of its own, about which the binary knows nothing
 * @returns {{ target?: number, reason?: string }}
 */
function decide(dir, opened, mode, onDisk) {
  const current = bitsOf(opened);
  const narrowed = current & ~(0o777 & ~mode);
  if (!onDisk || current === mode) {
    return { target: mode };
  }
  if (narrowed === current || isOptedOut()) {
    return {};
  }
  if (process.platform !== 'linux') {
    return { target: narrowed };
  }
  const { numbers } = rehearseEnsureDir(dir, { mode, existing: 'tighten' });
  if (numbers === undefined || HARDENINGS[numbers[3]] !== 'left') {
    return { target: narrowed };
  }
  return { reason: REASONS[numbers[4]] };
}

/**
 * Whether a descriptor of the host's is one of this process, on the file that the host says.
 *
 * @param {number | undefined} fd
 * @param {any} opened
 */
function isReal(fd, opened) {
  if (typeof fd !== 'number') {
    return false;
  }
  try {
    return isSame(fs.fstatSync(fd, { bigint: true }), opened);
  } catch {
    return false;
  }
}

module.exports = { applyDirectoryMode, bitsOf, isTolerable };
