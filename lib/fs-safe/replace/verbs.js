'use strict';

// The steps of a replacement, on the calling thread and with promises.

const fs = process.getBuiltinModule('node:fs');
const path = process.getBuiltinModule('node:path');
const { randomBytes } = process.getBuiltinModule('node:crypto');
const { callBack } = require('../authority.js');
const { FromCaller, hostError } = require('../errors.js');
const { ensureDir, ensureDirSync } = require('../../verbs/ensure-dir.js');
const { readLocalFileSafely, readLocalFileSafelySync } = require('../../verbs/read.js');
const { stageAtomic } = require('../../verbs/stage.js');
const { writeAtomic, writeAtomicSync } = require('../../verbs/write.js');

/** @typedef {import('../errors.js').HostErrorClass} HostErrorClass */
/** @typedef {import('./options.js').Plan} Plan */

/**
 * Whether the temporary is still the file that was staged, and only that. The original asks the same.
 *
 * @param {HostErrorClass} HostError
 * @param {import('node:fs').BigIntStats | Error} seen by its name, or why it was not
 * @param {{ dev: bigint, ino: bigint }} staged
 */
function assertStaged(HostError, seen, staged) {
  if (seen instanceof Error) {
    throw hostError(HostError, 'path-mismatch', 'the staged file is gone', seen);
  }
  if (seen.isSymbolicLink()) {
    throw hostError(HostError, 'symlink', 'the staged file was exchanged for a symbolic link');
  }
  if (seen.dev !== staged.dev || seen.ino !== staged.ino || !seen.isFile()) {
    throw hostError(HostError, 'path-mismatch', 'the staged file was exchanged');
  }
  if (seen.nlink !== 1n) {
    throw hostError(HostError, 'hardlink', 'the staged file has more than one name');
  }
}

/**
 * Cleans up after a failure, whose error counts for more than that of the cleaning, unless the caller wants both.
 *
 * @param {unknown} failure
 * @param {unknown} cleaning
 * @param {Plan} plan
 */
function toThrow(failure, cleaning, plan) {
  return cleaning !== undefined && plan.throwOnCleanupError
    ? new Error(`the staged file could not be removed: ${cleaning}`, { cause: failure instanceof FromCaller ? failure.thrown : failure })
    : failure;
}

/**
 * @param {Plan} plan
 * @param {string} tempPath
 */
async function before({ beforeRename, filePath }, tempPath) {
  try {
    await beforeRename({ filePath, tempPath });
  } catch (error) {
    throw new FromCaller(error);
  }
}

/**
 * What the caller wants to know of a file that has its name, by the numbers of its descriptor.
 *
 * @param {Plan} plan
 * @param {{ dev: number | bigint, ino: number | bigint }} identity
 */
function tellPublished({ filePath, onDestinationState }, { dev, ino }) {
  const state = Object.freeze({ state: 'published', path: filePath, dev: BigInt(dev), ino: BigInt(ino) });
  callBack(onDestinationState, 'onDestinationState', [state]);
}

/**
 * @param {HostErrorClass} HostError
 * @param {Plan} plan
 * @returns {Promise<any>}
 */
function write(HostError, plan) {
  return plan.isWatched ? writeStaged(HostError, plan) : writeAtomic(plan.target, plan.content, plan.options);
}

/**
 * The same on the calling thread, where nothing of the caller's can run between the first step and the last.
 *
 * @param {HostErrorClass} HostError
 * @param {Plan} plan
 */
function writeSync(HostError, plan) {
  return plan.beforeRename === undefined
    ? writeAtomicSync(plan.target, /** @type {any} */ (plan.content), plan.options)
    : writeStagedSync(HostError, plan);
}

/**
 * Writes in steps, for a caller that sees the file before it becomes the target, is asked once more, or is told of it
 * even when what follows fails.
 *
 * @param {HostErrorClass} HostError
 * @param {Plan} plan
 */
async function writeStaged(HostError, plan) {
  const { target, content, options } = plan;
  const staged = /** @type {any} */ (await stageAtomic(target, options));
  /** @type {import('node:fs').BigIntStats | undefined} */
  let identity;
  try {
    const { handle, tempPath } = staged;
    await handle.writeFile(content);
    identity = /** @type {import('node:fs').BigIntStats} */ (await handle.stat({ bigint: true }));
    if (plan.beforeRename !== undefined) {
      await before(plan, tempPath);
      assertStaged(HostError, await fs.promises.lstat(tempPath, { bigint: true }).catch((error) => error), identity);
    }
    plan.assertMayChange();
    const { method } = await staged.commit();
    return { method, dev: identity.dev, ino: identity.ino };
  } catch (error) {
    await staged.abort();
    if (identity !== undefined && /** @type {any} */ (error)?.published === true) {
      tellPublished(plan, identity);
    }
    const isLeft = plan.throwOnCleanupError && (await isStill(staged.tempPath, identity));
    throw toThrow(error, isLeft ? 'it is still there' : undefined, plan);
  }
}

/**
 * Whether a temporary that was removed has its name all the same: removing it tells nothing.
 *
 * @param {string} tempPath
 * @param {import('node:fs').BigIntStats | undefined} identity
 */
async function isStill(tempPath, identity) {
  const seen = await fs.promises.lstat(tempPath, { bigint: true }).catch(() => undefined);
  return seen !== undefined && seen.dev === identity?.dev && seen.ino === identity.ino;
}

/**
 * The same on the calling thread. What the caller sees is a file of its own beside the target; what it has become is
 * written to the target with all that a write promises, and the file removed.
 *
 * @param {HostErrorClass} HostError
 * @param {Plan} plan
 */
function writeStagedSync(HostError, plan) {
  const { filePath, target, content, options } = plan;
  const tempPath = path.join(path.dirname(target), `.holdfast-${randomBytes(16).toString('hex')}.tmp`);
  writeAtomicSync(tempPath, content, { overwrite: false, mode: 0o600, durable: false });
  // Held open: a file that takes its place cannot have its number.
  const fd = fs.openSync(tempPath, fs.constants.O_RDONLY | fs.constants.O_NOFOLLOW | fs.constants.O_NONBLOCK);
  try {
    const identity = fs.fstatSync(fd, { bigint: true });
    let written;
    /** @type {{ error: unknown } | undefined} */
    let failure;
    try {
      callBack(plan.beforeRename, 'beforeRename', [{ filePath, tempPath }]);
      assertStaged(HostError, lookExactly(tempPath), identity);
      plan.assertMayChange();
      written = writeAtomicSync(target, fs.readFileSync(fd), options);
    } catch (error) {
      failure = { error };
    }
    const cleaning = removeOwn(tempPath, identity);
    if (failure !== undefined) {
      throw toThrow(failure.error, cleaning, plan);
    }
    if (cleaning !== undefined && plan.throwOnCleanupError) {
      throw toThrow(cleaning, cleaning, plan);
    }
    return written;
  } finally {
    fs.closeSync(fd);
  }
}

/** @param {string} file */
function lookExactly(file) {
  try {
    return fs.lstatSync(file, { bigint: true });
  } catch (error) {
    return /** @type {Error} */ (error);
  }
}

/**
 * Removes the temporary, and nothing that somebody put in its place.
 *
 * @param {string} tempPath
 * @param {{ dev: bigint, ino: bigint }} staged
 * @returns {unknown} why it is still there
 */
function removeOwn(tempPath, { dev, ino }) {
  const seen = lookExactly(tempPath);
  if (seen instanceof Error || seen.dev !== dev || seen.ino !== ino) {
    return undefined;
  }
  try {
    fs.unlinkSync(tempPath);
    return undefined;
  } catch (error) {
    return error;
  }
}

/** What is at a path, or nothing where it cannot be told. @param {string} file */
function lookSync(file) {
  try {
    return fs.lstatSync(file);
  } catch {
    return undefined;
  }
}

/**
 * @param {string} file
 * @returns {import('node:fs').BigIntStats | undefined}
 */
function identifySync(file) {
  const seen = lookExactly(file);
  return seen instanceof Error ? undefined : seen;
}

/**
 * @param {Plan} plan
 * @param {Uint8Array} found
 */
function isContent({ content }, found) {
  return Buffer.compare(typeof content === 'string' ? Buffer.from(content) : content, found) === 0;
}

/** @param {Plan} plan */
function hasContentSync(plan) {
  try {
    return isContent(plan, readLocalFileSafelySync(plan.target).buffer);
  } catch {
    return false;
  }
}

/** @param {number} ms */
function waitSync(ms) {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

const ASYNC = {
  ensureDir,
  write,
  /** @param {string} file */
  look: (file) => fs.promises.lstat(file).catch(() => undefined),
  /** @type {(file: string) => import('node:fs').BigIntStats | undefined | Promise<import('node:fs').BigIntStats | undefined>} */
  identify: (file) => fs.promises.lstat(file, { bigint: true }).catch(() => undefined),
  /** @type {(plan: Plan) => boolean | Promise<boolean>} */
  hasContent: (plan) =>
    readLocalFileSafely(plan.target).then(
      ({ buffer }) => isContent(plan, buffer),
      () => false,
    ),
  /** @param {number} ms */
  wait: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
};

const SYNC = {
  ensureDir: ensureDirSync,
  write: writeSync,
  look: lookSync,
  identify: identifySync,
  hasContent: hasContentSync,
  wait: waitSync,
};

module.exports = { ASYNC, SYNC, tellPublished };
