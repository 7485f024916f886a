'use strict';

// `replaceFileAtomic` through the functions of a host: in the order, with the arguments and as often as the library
// calls them, since a host's guards keep state from one call to the next.

const path = process.getBuiltinModule('node:path');
const { randomBytes, randomUUID } = process.getBuiltinModule('node:crypto');
const { FromCaller, hostError } = require('../errors.js');
const { applyDirectoryMode, bitsOf, isTolerable } = require('./directory.js');
const { assertSame, isSame } = require('./identity.js');
const { RenameRefused, publish } = require('./publish.js');

/** @typedef {import('../errors.js').HostErrorClass} HostErrorClass */
/** @typedef {import('./functions.js').Calls} Calls */
/** @typedef {import('../replace/options.js').Plan} Plan */

/** @typedef {import('./publish.js').Temporary} Temporary */

/**
 * @param {HostErrorClass} HostError
 * @param {Calls} calls
 * @param {Plan} plan
 * @returns {Generator<() => any, { method: 'rename' }, any>}
 */
function* replaceInjected(HostError, calls, plan) {
  const { filePath, assertMayChange, injected } = plan;
  const dir = path.dirname(filePath);
  const mode = yield* modeOf(HostError, calls, plan);
  if (!calls.canChmod && injected.namesModes) {
    throw new TypeError('fileSystem.fchmodSync is required with mode, dirMode or preserveExistingMode');
  }
  /** @type {Temporary} */
  const temporary = { tempPath: path.join(dir, temporaryName(injected.tempPrefix)), isStaged: false };
  /** @type {{ error: unknown } | undefined} */
  let failure;
  try {
    const dirMode = /** @type {number} */ (plan.dirMode);
    assertMayChange();
    yield () => calls.mkdir(dir, dirMode);
    yield* applyDirectoryMode(HostError, calls, dir, dirMode, assertMayChange);
    yield* stage(HostError, calls, plan, temporary, mode);
    yield* publish(HostError, calls, plan, temporary);
    return { method: 'rename' };
  } catch (error) {
    failure = { error };
    throw error;
  } finally {
    yield* finish(calls, plan, temporary, failure);
  }
}

/**
 * Random, and with the caller's prefix where there is one. Without one the name is recognised by
 * `cleanStaleTemporaries`.
 *
 * @param {string | undefined} prefix
 */
function temporaryName(prefix) {
  return prefix === undefined ? `.holdfast-${randomBytes(16).toString('hex')}.tmp` : `${prefix}.${process.pid}.${randomUUID()}.tmp`;
}

/**
 * @param {HostErrorClass} HostError
 * @param {Calls} calls
 * @param {Plan} plan
 * @returns {Generator<() => any, number, any>}
 */
function* modeOf(HostError, calls, { filePath, injected }) {
  if (!injected.keepsMode) {
    return injected.mode;
  }
  let stat;
  try {
    stat = yield () => calls.lstat(filePath);
  } catch (error) {
    if (/** @type {any} */ (error)?.code !== 'ENOENT') {
      throw error;
    }
  }
  if (!stat) {
    return injected.mode;
  }
  if (stat.isSymbolicLink()) {
    throw hostError(HostError, 'symlink', 'the target is a symbolic link');
  }
  if (!stat.isFile()) {
    throw hostError(HostError, 'not-file', 'the target is not a regular file');
  }
  return stat.mode & 0o777;
}

/**
 * Writes the temporary: made by this call alone, with its mode before and after its content.
 *
 * @param {HostErrorClass} HostError
 * @param {Calls} calls
 * @param {Plan} plan
 * @param {Temporary} temporary
 * @param {number} mode
 * @returns {Generator<() => any, void, any>}
 */
function* stage(HostError, calls, { content, assertMayChange, injected }, temporary, mode) {
  assertMayChange();
  const file = yield () => calls.open(temporary.tempPath, 'wx', mode);
  temporary.isStaged = true;
  try {
    const identity = yield () => calls.stat(file);
    assertSame(HostError, identity, undefined);
    temporary.identity = identity;
    assertMayChange();
    yield () => calls.write(file, content);
    const refused = yield* chmodStaged(calls, file, mode);
    if (injected.syncsFile) {
      yield* syncStaged(calls, file);
    }
    const written = yield () => calls.stat(file);
    assertSame(HostError, written, identity);
    // A mode that the system refused is one that it made the file with: narrower, or the call fails.
    if (refused !== undefined && (bitsOf(written) & ~mode & 0o777) !== 0) {
      throw refused;
    }
  } catch (error) {
    try {
      yield () => calls.close(file);
    } catch (closing) {
      throw new AggregateError([error, closing], 'the staged file could be neither written nor closed');
    }
    throw error;
  }
  temporary.file = file;
}

/**
 * @param {Calls} calls
 * @param {any} file
 * @param {number} mode
 * @returns {Generator<() => any, unknown, any>} the failure, where it is one that a file system without modes has
 */
function* chmodStaged(calls, file, mode) {
  try {
    yield () => calls.chmod(file, mode);
    return undefined;
  } catch (error) {
    if (isTolerable(error)) {
      return error;
    }
    throw error;
  }
}

/**
 * @param {Calls} calls
 * @param {any} file
 * @returns {Generator<() => any, void, any>}
 */
function* syncStaged(calls, file) {
  try {
    yield () => calls.sync(file);
  } catch (error) {
    // A file system that syncs for no one says so with EPERM.
    if (/** @type {any} */ (error)?.code !== 'EPERM') {
      throw error;
    }
  }
}

/**
 * Removes the temporary, if it still is the one that was made, and closes it.
 *
 * @param {Calls} calls
 * @param {Plan} plan
 * @param {Temporary} temporary
 * @param {{ error: unknown } | undefined} failure
 * @returns {Generator<() => any, void, any>}
 */
function* finish(calls, plan, { tempPath, file, identity, isStaged }, failure) {
  /** @type {{ error: unknown } | undefined} */
  let later;
  if (isStaged && identity !== undefined) {
    try {
      const seen = yield () => calls.lstatExact(tempPath);
      if (!seen.isSymbolicLink() && seen.isFile() && seen.nlink === 1n && isSame(seen, identity)) {
        yield () => calls.unlink(tempPath);
      }
    } catch (error) {
      if (plan.throwOnCleanupError && /** @type {any} */ (error)?.code !== 'ENOENT') {
        later = { error: notRemoved(error, failure) };
      }
    }
  }
  if (file !== undefined) {
    try {
      yield () => calls.close(file);
    } catch (error) {
      const first = later ?? failure;
      later = { error: first === undefined ? error : new AggregateError([unwrapped(first.error), error], 'the staged file could not be closed') };
    }
  }
  if (later !== undefined) {
    throw later.error;
  }
}

/**
 * @param {unknown} cleaning
 * @param {{ error: unknown } | undefined} failure
 */
function notRemoved(cleaning, failure) {
  return failure === undefined
    ? cleaning
    : new Error(`the staged file could not be removed: ${cleaning}`, { cause: unwrapped(failure.error) });
}

/** @param {unknown} error */
function unwrapped(error) {
  return error instanceof FromCaller ? error.thrown : error instanceof RenameRefused ? error.error : error;
}

module.exports = { replaceInjected };
