'use strict';

// The last steps of a replacement through the functions of a host: from a staged file to one that has its name.

const fs = process.getBuiltinModule('node:fs');
const path = process.getBuiltinModule('node:path');
const { callBack } = require('../authority.js');
const { FromCaller, hostError, isErrno } = require('../errors.js');
const { assertStaged, isSame } = require('./identity.js');

/** @typedef {import('../errors.js').HostErrorClass} HostErrorClass */
/** @typedef {import('./functions.js').Calls} Calls */
/** @typedef {import('../replace/options.js').Plan} Plan */

/**
 * @typedef {object} Temporary
 * @property {string} tempPath
 * @property {any} [file] the open file, once it is complete
 * @property {any} [identity] its exact stat, once it is known
 * @property {boolean} isStaged it has its own name
 */

/** A rename that was refused, where the caller asked for a copy in place then. */
class RenameRefused {
  /** @param {unknown} error */
  constructor(error) {
    this.error = error;
  }
}

const { O_RDONLY, O_NOFOLLOW = 0, O_NONBLOCK = 0 } = fs.constants;

/**
 * Renames the temporary onto the target, and compares what has the name then with what was staged.
 *
 * @param {HostErrorClass} HostError
 * @param {Calls} calls
 * @param {Plan} plan
 * @param {Temporary} temporary
 * @returns {Generator<() => any, void, any>}
 */
function* publish(HostError, calls, plan, temporary) {
  const { filePath, beforeRename, onDestinationState, injected } = plan;
  const { tempPath, identity } = temporary;
  const isCurrent = () => current(HostError, calls, temporary, tempPath);
  yield* isCurrent();
  if (beforeRename !== undefined) {
    const params = { filePath, tempPath };
    yield () => (calls.isSync ? callBack(beforeRename, 'beforeRename', [params]) : fromCaller(beforeRename, params));
    yield* isCurrent();
  }
  if (injected.refusesHardlinks) {
    yield* assertOneName(HostError, calls, filePath);
    yield* isCurrent();
  }
  yield* rename(calls, plan, temporary, isCurrent);
  temporary.isStaged = false;
  yield* current(HostError, calls, temporary, filePath);
  const state = Object.freeze({ state: 'published', path: filePath, dev: identity.dev, ino: identity.ino });
  callBack(onDestinationState, 'onDestinationState', [state]);
  if (injected.syncsParent) {
    yield* syncParent(HostError, calls, path.dirname(filePath));
    yield* current(HostError, calls, temporary, filePath);
  }
}

/**
 * @param {any} beforeRename
 * @param {{ filePath: string, tempPath: string }} params
 */
async function fromCaller(beforeRename, params) {
  try {
    await beforeRename(params);
  } catch (error) {
    throw new FromCaller(error);
  }
}

/**
 * Throws unless both the descriptor and a name are of the staged file.
 *
 * @param {HostErrorClass} HostError
 * @param {Calls} calls
 * @param {Temporary} temporary
 * @param {string} name
 * @returns {Generator<() => any, void, any>}
 */
function* current(HostError, calls, { file, identity }, name) {
  assertStaged(HostError, yield () => calls.stat(file), identity, false);
  let named;
  try {
    named = yield () => calls.lstatExact(name);
  } catch (error) {
    if (/** @type {any} */ (error)?.code === 'ENOENT') {
      throw hostError(HostError, 'path-mismatch', 'the staged file is gone', error);
    }
    throw error;
  }
  assertStaged(HostError, named, identity, true);
}

/**
 * Refuses a target that has other names.
 *
 * @param {HostErrorClass} HostError
 * @param {Calls} calls
 * @param {string} filePath
 * @returns {Generator<() => any, void, any>}
 */
function* assertOneName(HostError, calls, filePath) {
  let seen;
  try {
    seen = yield () => calls.lstat(filePath);
  } catch (error) {
    if (/** @type {any} */ (error)?.code === 'ENOENT') {
      return;
    }
    throw error;
  }
  if (!seen || seen.isSymbolicLink() || !seen.isFile()) {
    return;
  }
  const file = yield () => calls.open(filePath, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  try {
    const opened = yield () => calls.stat(file);
    const named = yield () => calls.lstatExact(filePath);
    if (named.isSymbolicLink() || !named.isFile() || !isSame(opened, named)) {
      throw hostError(HostError, 'path-mismatch', 'the target was exchanged');
    }
    if (opened.nlink > 1n) {
      throw hostError(HostError, 'hardlink', 'the target has more than one name');
    }
  } finally {
    yield () => calls.close(file);
  }
}

/**
 * @param {Calls} calls
 * @param {Plan} plan
 * @param {Temporary} temporary
 * @param {() => Generator<() => any, void, any>} isCurrent
 * @returns {Generator<() => any, void, any>}
 */
function* rename(calls, plan, { tempPath }, isCurrent) {
  for (let tried = 0; ; tried += 1) {
    if (tried > 0) {
      yield* isCurrent();
    }
    plan.assertMayChange();
    try {
      yield () => calls.rename(tempPath, plan.filePath);
      return;
    } catch (error) {
      const { code } = /** @type {any} */ (error) ?? {};
      if (code === 'EBUSY' && tried < plan.renameMaxRetries) {
        yield () => calls.wait(plan.renameRetryBaseDelayMs * 2 ** tried);
      } else if (plan.injected.copiesInPlace && (code === 'EPERM' || code === 'EEXIST')) {
        throw new RenameRefused(error);
      } else {
        throw error;
      }
    }
  }
}

/**
 * Syncs the parent where it can be. A file that may not last is told; a directory that cannot be synced is not.
 *
 * @param {HostErrorClass} HostError
 * @param {Calls} calls
 * @param {string} dir
 * @returns {Generator<() => any, void, any>}
 */
function* syncParent(HostError, calls, dir) {
  /** @type {any} */
  let file;
  /** @type {unknown} */
  let failed;
  try {
    file = yield () => calls.open(dir, 'r');
    yield () => calls.sync(file);
  } catch (error) {
    failed = error;
  } finally {
    if (file !== undefined) {
      try {
        yield () => calls.close(file);
      } catch {
        // What is published stays so.
      }
    }
  }
  if (isErrno(failed) && LOST.has(/** @type {string} */ (failed.code))) {
    throw hostError(HostError, 'helper-failed', 'the file is published, but its directory could not be synced', failed, { published: true });
  }
}

/** Failures of a sync after which the name of the file may not last. */
const LOST = new Set(['EIO', 'ENOSPC', 'EDQUOT']);

module.exports = { RenameRefused, publish };
