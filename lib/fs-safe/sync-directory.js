'use strict';

// `syncDirectory` of fs-safe: syncs a directory that is the one it was, on its descriptor.

const fs = process.getBuiltinModule('node:fs');
const { hostError, isErrno } = require('./errors.js');
const { runLater, runNow } = require('./steps.js');

/** @typedef {import('./errors.js').HostErrorClass} HostErrorClass */
/** @typedef {import('./read.js').Host} Host */

const { O_RDONLY, O_DIRECTORY = 0, O_NOFOLLOW = 0, O_NONBLOCK = 0 } = fs.constants;
const FLAGS = process.platform === 'win32' ? 'r' : O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NONBLOCK;

/** What Windows answers where it cannot sync a directory. */
const UNSUPPORTED = new Set(['EACCES', 'EINVAL', 'EISDIR', 'ENOSYS', 'ENOTSUP', 'EPERM']);

const ASYNC = {
  /** @param {string} dir @returns {any} */
  lstat: (dir) => fs.promises.lstat(dir, { bigint: true }),
  /** @param {string} dir @returns {any} */
  open: (dir) => fs.promises.open(dir, FLAGS),
  /** @param {any} file @returns {any} */
  stat: (file) => file.stat({ bigint: true }),
  /** @param {any} file @returns {any} */
  sync: (file) => file.sync(),
  /** @param {any} file @returns {any} */
  close: (file) => file.close(),
};

/** @type {typeof ASYNC} */
const SYNC = {
  lstat: (dir) => fs.lstatSync(dir, { bigint: true }),
  open: (dir) => fs.openSync(dir, FLAGS),
  stat: (fd) => fs.fstatSync(fd, { bigint: true }),
  sync: (fd) => fs.fsyncSync(fd),
  close: (fd) => fs.closeSync(fd),
};

/**
 * The path of a directory, and what it was when its receipt was made.
 *
 * @param {HostErrorClass} HostError
 * @param {any} directory
 * @returns {{ dir: string, was: { dev: bigint, ino: bigint } | undefined }}
 */
function toTarget(HostError, directory) {
  if (typeof directory === 'string') {
    return { dir: directory, was: undefined };
  }
  const { path, identity } = directory ?? {};
  const isExact = (/** @type {unknown} */ value) => typeof value === 'bigint' || Number.isSafeInteger(value);
  if (typeof path !== 'string' || !isExact(identity?.dev) || !isExact(identity?.ino)) {
    throw hostError(HostError, 'path-mismatch', 'the receipt does not say which directory it is about');
  }
  return { dir: path, was: { dev: BigInt(identity.dev), ino: BigInt(identity.ino) } };
}

/**
 * @param {HostErrorClass} HostError
 * @param {any} directory
 * @param {string} label
 * @returns {Generator<(verbs: typeof ASYNC) => any, { status: 'synced' } | { status: 'unsupported', code?: string }, any>}
 */
function* syncOne(HostError, directory, label) {
  const { dir, was } = toTarget(HostError, directory);
  const named = assertDirectory(HostError, yield (verbs) => verbs.lstat(dir), was, label);
  const file = yield (verbs) => verbs.open(dir);
  try {
    assertDirectory(HostError, yield (verbs) => verbs.stat(file), named, label);
    try {
      yield (verbs) => verbs.sync(file);
    } catch (error) {
      if (process.platform !== 'win32' || !isErrno(error) || !UNSUPPORTED.has(/** @type {string} */ (error.code))) {
        throw error;
      }
      return { status: 'unsupported', code: /** @type {string} */ (error.code) };
    }
    assertDirectory(HostError, yield (verbs) => verbs.lstat(dir), named, label);
    return { status: 'synced' };
  } finally {
    yield (verbs) => verbs.close(file);
  }
}

/**
 * @param {HostErrorClass} HostError
 * @param {import('node:fs').BigIntStats} stat
 * @param {{ dev: bigint, ino: bigint } | undefined} was
 * @param {string} label
 */
function assertDirectory(HostError, stat, was, label) {
  if (stat.isSymbolicLink() || !stat.isDirectory()) {
    throw hostError(HostError, 'not-file', `${label} is not a real directory`);
  }
  if (was !== undefined && (stat.dev !== was.dev || stat.ino !== was.ino)) {
    throw hostError(HostError, 'path-mismatch', `${label} was exchanged`);
  }
  return stat;
}

/** @param {Host} host */
function bindSyncDirectory({ HostError }) {
  return {
    /**
     * @param {any} directory a path, or the receipt of the library
     * @param {{ label?: string }} [options]
     */
    async syncDirectory(directory, { label = 'directory' } = {}) {
      return await runLater(syncOne(HostError, directory, label), ASYNC);
    },
    /**
     * @param {any} directory
     * @param {{ label?: string }} [options]
     */
    syncDirectorySync(directory, { label = 'directory' } = {}) {
      return runNow(syncOne(HostError, directory, label), SYNC);
    },
  };
}

module.exports = { bindSyncDirectory };
