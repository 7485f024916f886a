'use strict';

// `openRootFile` of fs-safe on Linux: opens a file beneath a root and decides on what was opened.

const fs = process.getBuiltinModule('node:fs');
const path = process.getBuiltinModule('node:path');
const { own } = require('../../errors/holdfast-error.js');
const { hostError, isErrno } = require('../errors.js');
const { firstLink } = require('../parent.js');
const { isBeneath } = require('../paths.js');
const { runLater, runNow } = require('../steps.js');

/** @typedef {import('../errors.js').HostErrorClass} HostErrorClass */
/** @typedef {import('../read.js').Host} Host */
/** @typedef {{ ok: true, path: string, fd: number, stat: import('node:fs').Stats, rootRealPath: string }} Opened */
/** @typedef {{ ok: false, reason: 'path' | 'validation' | 'io', error?: unknown }} Failed */

const { O_RDONLY, O_NOFOLLOW = 0, O_NONBLOCK = 0 } = fs.constants;
const FLAGS = O_RDONLY | O_NOFOLLOW | O_NONBLOCK;

const POLICIES = new Set(['reject', 'follow-within-root', 'follow-parents-within-root']);

/** Functions of a host's file system that the library calls here. */
const IO = /** @type {const} */ (['closeSync', 'fstatSync', 'lstatSync', 'openSync', 'readFileSync', 'realpathSync']);

const ASYNC = {
  /** @param {string} file @returns {any} */
  realpath: (file) => new Promise((resolve, reject) => fs.realpath.native(file, (error, real) => (error ? reject(error) : resolve(real)))),
  /** @param {string} file @returns {any} */
  lstat: (file) => fs.promises.lstat(file, { bigint: true }),
  /** @param {string} file @returns {any} */
  open: (file) => new Promise((resolve, reject) => fs.open(file, FLAGS, (error, fd) => (error ? reject(error) : resolve(fd)))),
};

/** @type {typeof ASYNC} */
const SYNC = {
  realpath: (file) => fs.realpathSync.native(file),
  lstat: (file) => fs.lstatSync(file, { bigint: true }),
  open: (file) => fs.openSync(file, FLAGS),
};

/**
 * @typedef {object} Wanted
 * @property {string} file absolute, without `..`
 * @property {string} rootPath
 * @property {string} symlinks
 * @property {boolean} refusesHardlinks
 * @property {boolean} wantsDirectory
 * @property {number} maxBytes
 * @property {boolean} skipsLexicalCheck
 */

/**
 * What a call wants, or `undefined` for one that is the original's: a file system of the host, a policy of the
 * original alone, a path whose meaning depends on links, special file systems.
 *
 * @param {any} params
 * @returns {Wanted | undefined}
 */
function toWanted({ absolutePath, rootPath, rootRealPath, maxBytes = Infinity, ...rest }) {
  const { rejectHardlinks = true, rejectSymlinks, symlinks, allowedType = 'file', ioFs, aliasPolicy, skipLexicalRootCheck } = rest;
  const policy = symlinks ?? (rejectSymlinks === false ? 'follow-within-root' : 'reject');
  const isOurs =
    process.platform === 'linux' &&
    fs.existsSync('/proc/self/fd') &&
    (ioFs === undefined || IO.every((name) => ioFs[name] === fs[name])) &&
    aliasPolicy === undefined &&
    typeof absolutePath === 'string' &&
    path.isAbsolute(absolutePath) &&
    path.normalize(absolutePath) === absolutePath &&
    !absolutePath.includes('\0') &&
    !/^\/(?:dev|proc|sys)(?:\/|$)/.test(absolutePath) &&
    typeof rootPath === 'string' &&
    !rootPath.includes('\0') &&
    (rootRealPath === undefined || typeof rootRealPath === 'string') &&
    POLICIES.has(policy) &&
    (maxBytes === Infinity || (Number.isSafeInteger(maxBytes) && maxBytes >= 0));
  if (!isOurs) {
    return undefined;
  }
  return {
    file: absolutePath,
    rootPath: rootRealPath ?? path.resolve(rootPath),
    symlinks: policy,
    refusesHardlinks: rejectHardlinks,
    wantsDirectory: allowedType === 'directory',
    maxBytes,
    skipsLexicalCheck: skipLexicalRootCheck === true,
  };
}

/**
 * @param {HostErrorClass} HostError
 * @param {Wanted} wanted
 * @param {string} rootGiven
 * @returns {Generator<(verbs: typeof ASYNC) => any, Opened, any>}
 */
function* openBeneath(HostError, wanted, rootGiven) {
  const { file, symlinks } = wanted;
  const rootRealPath = yield (verbs) => verbs.realpath(wanted.rootPath);
  if (!wanted.skipsLexicalCheck && !isBeneath(rootGiven, bare(file)) && !isBeneath(rootRealPath, bare(file))) {
    throw yield* outside(HostError, file, rootRealPath);
  }
  const real = yield* realpathOf(HostError, wanted, rootGiven, rootRealPath);
  if (symlinks === 'reject' && !isLexical(file, real, rootGiven, rootRealPath)) {
    throw linked(HostError);
  }
  if (!isBeneath(rootRealPath, real)) {
    throw new Refused(own(new Error('the path leads out of the root')));
  }
  if (symlinks === 'follow-parents-within-root' && (yield (verbs) => verbs.lstat(file)).isSymbolicLink()) {
    throw hostError(HostError, 'symlink', 'the path is a symbolic link');
  }
  // Judged before it is opened: opening a device or a FIFO can act on it.
  const named = assertAllowed(HostError, wanted, yield (verbs) => verbs.lstat(real));
  const fd = yield (verbs) => verbs.open(real);
  try {
    const opened = assertAllowed(HostError, wanted, fs.fstatSync(fd, { bigint: true }));
    if (opened.dev !== named.dev || opened.ino !== named.ino || fs.readlinkSync(`/proc/self/fd/${fd}`) !== real) {
      throw hostError(HostError, 'path-mismatch', 'the file was exchanged while it was opened');
    }
    return { ok: true, path: real, fd, stat: fs.fstatSync(fd), rootRealPath };
  } catch (error) {
    fs.closeSync(fd);
    throw error;
  }
}

/**
 * The real path of the file. Why there is none is found out only then: a link comes before a missing file.
 *
 * @param {HostErrorClass} HostError
 * @param {Wanted} wanted
 * @param {string} rootGiven
 * @param {string} rootRealPath
 * @returns {Generator<(verbs: typeof ASYNC) => any, string, any>}
 */
function* realpathOf(HostError, { file, symlinks }, rootGiven, rootRealPath) {
  try {
    return yield (verbs) => verbs.realpath(file);
  } catch (error) {
    if (!(yield (verbs) => verbs.lstat(rootRealPath)).isDirectory()) {
      throw hostError(HostError, 'path-mismatch', 'the root is not a directory', error);
    }
    const base = isBeneath(rootGiven, bare(file)) ? rootGiven : rootRealPath;
    if (symlinks === 'reject' && hasLink(base, path.relative(base, file))) {
      throw linked(HostError);
    }
    throw isErrno(error) && error.code === 'ENOENT' ? error : new Refused(error);
  }
}

/**
 * Why a path that is spelled outside of the root is refused: one that leads into it has a link on the way.
 *
 * @param {HostErrorClass} HostError
 * @param {string} file
 * @param {string} rootRealPath
 * @returns {Generator<(verbs: typeof ASYNC) => any, unknown, any>}
 */
function* outside(HostError, file, rootRealPath) {
  try {
    if (isBeneath(rootRealPath, yield (verbs) => verbs.realpath(file))) {
      return linked(HostError);
    }
  } catch {
    // It leads nowhere.
  }
  return new Refused(own(new Error('the path is outside of the root')));
}

/**
 * @param {string} base
 * @param {string} relative
 */
function hasLink(base, relative) {
  try {
    return firstLink(base, relative.split('/')) !== undefined;
  } catch {
    return false;
  }
}

/** What is refused with an error that says so by itself, and is of no class of the host's. */
class Refused {
  /** @param {unknown} error */
  constructor(error) {
    this.error = error;
  }
}

/** @param {HostErrorClass} HostError */
function linked(HostError) {
  return hostError(HostError, 'symlink', 'a component of the path is a symbolic link');
}

/** @param {string} file */
function bare(file) {
  return file.length > 1 && file.endsWith('/') ? file.slice(0, -1) : file;
}

/**
 * Whether a real path is the one that was asked for, so that no link lies on the way beneath the root.
 *
 * @param {string} file
 * @param {string} real
 * @param {string} rootGiven
 * @param {string} rootRealPath
 */
function isLexical(file, real, rootGiven, rootRealPath) {
  const given = bare(file);
  return given === real || (isBeneath(rootGiven, given) && path.join(rootRealPath, path.relative(rootGiven, given)) === real);
}

/**
 * @param {HostErrorClass} HostError
 * @param {Wanted} wanted
 * @param {import('node:fs').BigIntStats} stat
 */
function assertAllowed(HostError, { wantsDirectory, refusesHardlinks, maxBytes }, stat) {
  if (stat.isSymbolicLink() || !(wantsDirectory ? stat.isDirectory() : stat.isFile())) {
    throw hostError(HostError, 'not-file', wantsDirectory ? 'the path is not a directory' : 'the path is not a regular file');
  }
  if (refusesHardlinks && stat.isFile() && stat.nlink > 1n) {
    throw hostError(HostError, 'hardlink', 'the file has more than one name');
  }
  if (stat.isFile() && stat.size > maxBytes) {
    throw hostError(HostError, 'too-large', `the file has more than ${maxBytes} bytes`);
  }
  return stat;
}

/**
 * @param {HostErrorClass} HostError
 * @param {unknown} error
 * @returns {Failed}
 */
function toFailure(HostError, error) {
  if (error instanceof Refused) {
    return { ok: false, reason: 'validation', error: error.error };
  }
  if (error instanceof HostError) {
    return { ok: false, reason: 'validation', error };
  }
  const isOfPath = isErrno(error) && ['ENOENT', 'ENOTDIR', 'ELOOP'].includes(/** @type {string} */ (error.code));
  return { ok: false, reason: isOfPath ? 'path' : 'io', error };
}

/**
 * The answer to a call that we refuse or do not do: the original's, with its sentences, which hosts show. A file that
 * it opens all the same was exchanged since.
 *
 * @param {HostErrorClass} HostError
 * @param {Opened | Failed} theirs
 * @returns {Failed}
 */
function explained(HostError, theirs) {
  if (!theirs.ok) {
    return theirs;
  }
  fs.closeSync(theirs.fd);
  return { ok: false, reason: 'validation', error: hostError(HostError, 'path-mismatch', 'the file was exchanged while it was opened') };
}

/**
 * @param {Host} host
 * @param {'openRootFile' | 'openRootFileSync'} name
 */
function originals({ HostError, original }, name) {
  if (typeof original?.[name] !== 'function') {
    throw hostError(HostError, 'helper-unavailable', `this call is not ours to do: bind with original, which has ${name}()`);
  }
  return original[name];
}

/** @param {Host} host */
function bindRootFile(host) {
  const { HostError, original } = host;
  return {
    /**
     * @param {any} params
     * @returns {Promise<Opened | Failed>}
     */
    async openRootFile(params) {
      const wanted = toWanted(params);
      if (wanted === undefined) {
        return originals(host, 'openRootFile')(params);
      }
      try {
        return await runLater(openBeneath(HostError, wanted, path.resolve(params.rootPath)), ASYNC);
      } catch (error) {
        const failure = toFailure(HostError, error);
        const asks = failure.reason === 'validation' && typeof original?.openRootFile === 'function';
        return asks ? explained(HostError, await original.openRootFile(params)) : failure;
      }
    },
    /**
     * @param {any} params
     * @returns {Opened | Failed}
     */
    openRootFileSync(params) {
      const wanted = toWanted(params);
      if (wanted === undefined) {
        return originals(host, 'openRootFileSync')(params);
      }
      try {
        return runNow(openBeneath(HostError, wanted, path.resolve(params.rootPath)), SYNC);
      } catch (error) {
        const failure = toFailure(HostError, error);
        const asks = failure.reason === 'validation' && typeof original?.openRootFileSync === 'function';
        return asks ? explained(HostError, original.openRootFileSync(params)) : failure;
      }
    },
  };
}

module.exports = { bindRootFile };
