'use strict';

// `replaceFileAtomic` and `writeTextAtomic` of fs-safe. What happens is written once, as a generator of steps; the two
// runners below take the steps with the verbs of the calling thread, or with those that answer promises.

const path = process.getBuiltinModule('node:path');
const { FromCaller, REPLACE, hostError, isErrno, toHost } = require('../errors.js');
const { mkdirMode } = require('../paths.js');
const { toPlan } = require('./options.js');
const { ASYNC, SYNC, tellPublished } = require('./verbs.js');
const { asyncCalls, isNodeAsync, isNodeSync, syncCalls } = require('../injected/functions.js');
const { copyWithOriginal } = require('../injected/copy.js');
const { RenameRefused } = require('../injected/publish.js');
const { replaceInjected } = require('../injected/replace.js');
const { runLater, runNow } = require('../steps.js');
const { isHoldfastError, own, systemError } = require('../../errors/holdfast-error.js');
const { WriteQueue, targetOf } = require('../../schedule/write-queue.js');

/** @typedef {import('../read.js').Host} Host */
/** @typedef {import('./options.js').Plan} Plan */
/** @typedef {(verbs: typeof ASYNC | typeof SYNC) => any} Step */

/** Replacements of one file follow each other as a whole. Its own writes have another queue. */
const replacements = new WriteQueue();

/** Bits of the write: links of parents are followed, a final link is not. */
const FOLLOW_PARENTS = 1;

/** @param {Plan} plan */
function queueTarget({ target }) {
  return targetOf(path.resolve(target), undefined, undefined, FOLLOW_PARENTS);
}

/**
 * @param {Host} host
 * @param {Plan} plan
 * @returns {Generator<Step, { method: 'rename' | 'copy-fallback' }, any>}
 */
function* replace(host, plan) {
  const parent = path.dirname(plan.target);
  if (plan.dirMode !== undefined) {
    plan.assertMayChange();
    yield* attempt(host, plan, parent, (verbs) => verbs.ensureDir(parent, { mode: plan.dirMode, existing: 'tighten' }));
  }
  let written;
  for (let tried = 0; ; tried += 1) {
    try {
      written = yield* publish(host, plan, parent);
      break;
    } catch (error) {
      if (!isErrno(error) || error.code !== 'EBUSY' || tried >= plan.renameMaxRetries) {
        throw error;
      }
      yield (verbs) => verbs.wait(plan.renameRetryBaseDelayMs * 2 ** tried);
    }
  }
  yield* verify(host, plan, written);
  tellPublished(plan, written);
  return { method: written.method === 'in-place' ? 'copy-fallback' : 'rename' };
}

/**
 * @param {Host} host
 * @param {Plan} plan
 * @param {string} parent
 * @returns {Generator<Step, any, any>}
 */
function* publish(host, plan, parent) {
  plan.assertMayChange();
  /** @type {Step} */
  const write = (verbs) => verbs.write(host.HostError, plan);
  try {
    return yield* attempt(host, plan, parent, write);
  } catch (error) {
    // Directories as mkdir makes them: only where one is missing, for the look at the umask.
    if (plan.dirMode !== undefined || !isErrno(error) || error.code !== 'ENOENT') {
      throw error;
    }
    plan.assertMayChange();
    yield* attempt(host, plan, parent, (verbs) => verbs.ensureDir(parent, { mode: mkdirMode(), existing: 'leave' }));
    plan.assertMayChange();
    return yield* attempt(host, plan, parent, write);
  }
}

/**
 * Compares what the target's name leads to with what was published: another process, or whoever may write the
 * directory, may have exchanged it. A file that was written in place has no inode of its own.
 *
 * @param {Host} host
 * @param {Plan} plan
 * @param {{ method: string, dev: number | bigint, ino: number | bigint }} written
 * @returns {Generator<Step, void, any>}
 */
function* verify({ HostError }, plan, written) {
  if (written.method === 'in-place') {
    return;
  }
  const seen = yield (verbs) => verbs.identify(plan.target);
  if (seen !== undefined && isInode(seen.dev, written.dev) && isInode(seen.ino, written.ino)) {
    return;
  }
  // Some file systems give a file another inode when it is renamed.
  if (seen !== undefined && plan.comparesContent && (yield (verbs) => verbs.hasContent(plan))) {
    return;
  }
  throw hostError(HostError, 'path-mismatch', 'the target is not the file that was written: another one has its name');
}

/**
 * @param {bigint} seen
 * @param {number | bigint} written a number may have lost its last bits
 */
function isInode(seen, written) {
  return typeof written === 'bigint' ? seen === written : Number(seen) === written;
}

/**
 * A step, and what its failure means to a caller.
 *
 * @param {Host} host
 * @param {Plan} plan
 * @param {string} parent
 * @param {Step} step
 * @returns {Generator<Step, any, any>}
 */
function* attempt(host, plan, parent, step) {
  try {
    return yield step;
  } catch (error) {
    if (!isHoldfastError(error)) {
      throw error;
    }
    const raw = yield* rawFailure(host, plan, parent, /** @type {any} */ (error));
    throw raw ?? toHost(host.HostError, REPLACE, error);
  }
}

/**
 * The failure of the system that the original leaves raw, for a refusal of ours: a look more, only where a call has
 * failed already.
 *
 * @param {Host} host
 * @param {Plan} plan
 * @param {string} parent
 * @param {{ code: string, path?: string, cause?: unknown }} refusal
 * @returns {Generator<Step, Error | undefined, any>}
 */
function* rawFailure({ HostError }, plan, parent, { code, path: at, cause }) {
  const { target } = plan;
  if (code === 'not-file' && plan.options.finalSymlink === 'replace') {
    const stat = yield (verbs) => verbs.look(target);
    return stat?.isDirectory() ? systemError(-constants.EISDIR, 'rename', target, target) : undefined;
  }
  if (code === 'not-found') {
    return own(/** @type {Error} */ (cause));
  }
  if (code === 'not-directory') {
    const stat = yield (verbs) => verbs.look(parent);
    const errno = stat === undefined ? constants.ENOTDIR : constants.EEXIST;
    return systemError(-errno, 'mkdir', parent);
  }
  if (code === 'symlink' && at === parent) {
    return hostError(HostError, 'not-file', 'the parent is not a real directory', cause);
  }
  return undefined;
}

const { errno: constants } = process.getBuiltinModule('node:os').constants;

/**
 * The original's function, for a call that only it can make.
 *
 * @param {Host} host
 * @param {string} name
 * @param {string} why
 */
function originals({ original }, name, why) {
  const theirs = original?.[name];
  if (typeof theirs !== 'function') {
    throw Object.assign(new TypeError(`${why} is for the original alone: bind with original, which has ${name}()`), {
      code: 'ERR_INVALID_ARG_VALUE',
    });
  }
  return theirs;
}

/**
 * Whether a rename was refused in a way for which the caller has asked for a copy in place.
 *
 * @param {unknown} error
 * @param {any} options
 * @param {string} name
 * @param {Host} host
 */
function wantsCopy(error, options, name, host) {
  return (
    options.copyFallbackOnPermissionError === true &&
    isErrno(error) &&
    error.syscall === 'rename' &&
    (error.code === 'EPERM' || error.code === 'EEXIST') &&
    typeof host.original?.[name] === 'function'
  );
}

/**
 * A replacement through the file system that the host injects: its functions are called as the original calls them.
 *
 * @param {Host} host
 * @param {any} options
 */
async function replaceWithHost(host, options) {
  const { promises } = options.fileSystem;
  const plan = toPlan(host.HostError, options, { dirMode: 0o700 });
  const calls = asyncCalls(promises);
  return await replacements.queued(queueTarget(plan), async () => {
    try {
      return await runLater(replaceInjected(host.HostError, calls, plan));
    } catch (error) {
      if (error instanceof RenameRefused) {
        return await copyWithOriginal(host, 'replaceFileAtomic', options, error);
      }
      throw error instanceof FromCaller ? error.thrown : error;
    }
  });
}

/**
 * The same on the calling thread.
 *
 * @param {Host} host
 * @param {any} options
 */
function replaceWithHostSync(host, options) {
  const plan = toPlan(host.HostError, options, { dirMode: 0o700 });
  try {
    return runNow(replaceInjected(host.HostError, syncCalls(options.fileSystem), plan));
  } catch (error) {
    if (error instanceof RenameRefused) {
      return copyWithOriginal(host, 'replaceFileAtomicSync', options, error);
    }
    throw error instanceof FromCaller ? error.thrown : error;
  }
}

/**
 * Whether a call needs the lock of the original: it compares content where a file system changes inodes in a rename.
 *
 * @param {any} options
 */
function needsLock({ renameIdentity }) {
  return renameIdentity === 'verify-content-with-lock';
}

/** @param {Host} host */
function bindReplace(host) {
  /**
   * @param {Plan} plan
   */
  const later = async (plan) => {
    try {
      // The directory comes first, and may take longer for one call than for the next.
      return await replacements.queued(queueTarget(plan), () => runLater(replace(host, plan), ASYNC));
    } catch (error) {
      throw error instanceof FromCaller ? error.thrown : error;
    }
  };
  return {
    /** @param {any} options */
    async replaceFileAtomic(options) {
      if (options.fileSystem !== undefined && !isNodeAsync(options.fileSystem)) {
        return needsLock(options)
          ? originals(host, 'replaceFileAtomic', 'fileSystem with renameIdentity')(options)
          : replaceWithHost(host, options);
      }
      try {
        return await later(toPlan(host.HostError, options, { dirMode: 0o700 }));
      } catch (error) {
        if (wantsCopy(error, options, 'replaceFileAtomic', host)) {
          return host.original.replaceFileAtomic(options);
        }
        throw error;
      }
    },
    /** @param {any} options */
    replaceFileAtomicSync(options) {
      if (options.fileSystem !== undefined && !isNodeSync(options.fileSystem)) {
        return needsLock(options)
          ? originals(host, 'replaceFileAtomicSync', 'fileSystem with renameIdentity')(options)
          : replaceWithHostSync(host, options);
      }
      try {
        return runNow(replace(host, toPlan(host.HostError, options, { dirMode: 0o700 })), SYNC);
      } catch (error) {
        if (wantsCopy(error, options, 'replaceFileAtomicSync', host)) {
          return host.original.replaceFileAtomicSync(options);
        }
        throw error instanceof FromCaller ? error.thrown : error;
      }
    },
    /**
     * @param {string} filePath
     * @param {string} content
     * @param {any} [options]
     */
    async writeTextAtomic(filePath, content, options = {}) {
      const { mode, dirMode, durable = true, trailingNewline, beforeRename, tempPrefix } = options;
      const isEnded = trailingNewline !== true || (typeof content === 'string' && content.endsWith('\n'));
      const text = isEnded ? content : `${content}\n`;
      const rest = { mode, dirMode, beforeRename, tempPrefix, syncTempFile: durable, syncParentDir: durable };
      await later(toPlan(host.HostError, { ...rest, filePath, content: text }, {}));
    },
  };
}

module.exports = { bindReplace };
