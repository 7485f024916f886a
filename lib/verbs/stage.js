'use strict';

// A file that others make under a temporary's path, and that is published when it is complete.

const { abortable, cancelOn } = require('../schedule/abort.js');
const { native, nativeForStages } = require('../native/load.js');
const { pending, promised, shown } = require('../errors/holdfast-error.js');
const { stageArguments } = require('../options/flatten.js');
const { targetOf, writes } = require('../schedule/write-queue.js');
const { pathForLater, toPath } = require('../options/paths.js');
const { inPool } = require('../schedule/job-limit.js');
const record = require('../native/layout.js');
const { reopen } = require('../native/reopen.js');
const { withRoot } = require('../schedule/root-handle.js');
const { invalidThis, noCallback } = require('../options/validate.js');
const { toResult } = require('./write.js');

/** @typedef {import('../native/binding.js').Handle} Handle */
/** @typedef {import('../native/binding.js').NativePath} NativePath */

/** Bit of src/binding/stage.rs: others write the file. */
const SHARED = 1 << 10;

/** Places of src/binding/stage.rs. */
const DESCRIPTOR = 1;
const DEV = 2;
const INO = 3;
const INO_LOW = 4;

/**
 * @typedef {object} Staged
 * @property {Handle} stage
 * @property {string} given the target as the caller gave it
 * @property {NativePath} fixed
 * @property {() => import('../schedule/write-queue.js').Target} target at the time that it is asked
 * @property {AbortSignal | undefined} signal
 */

class StagedFile {
  /** @type {Staged} */
  #staged;
  /** @type {Promise<unknown> | undefined} the end, once it has begun */
  #ended;

  /**
   * @param {Staged} staged
   * @param {string} tempPath
   * @param {import('node:fs').promises.FileHandle} handle
   */
  constructor(staged, tempPath, handle) {
    this.#staged = staged;
    Object.defineProperties(this, {
      tempPath: { enumerable: true, value: tempPath },
      handle: { enumerable: true, value: handle },
    });
  }

  /**
   * Throws if a method was called without its object: `const { commit } = staged`.
   *
   * @param {any} file
   * @param {Function} method
   */
  static #bound(file, method) {
    if (typeof file !== 'object' || file === null || !(#staged in file)) {
      throw invalidThis('StagedFile', method);
    }
  }

  /** @returns {Promise<ReturnType<typeof toResult>>} */
  commit() {
    return promised(() => {
      StagedFile.#bound(this, StagedFile.prototype.commit);
      if (this.#ended !== undefined) {
        throw invalidState();
      }
      const committing = this.#commit();
      this.#ended = committing;
      return pending(abortable(this.#staged.signal, committing));
    }, StagedFile.prototype.commit);
  }

  async #commit() {
    const { stage, given, fixed, target, signal } = this.#staged;
    const canceller = signal && cancelOn(signal);
    try {
      signal?.throwIfAborted();
      const result = await writes.queued(target(), async () => {
        await closed(this);
        return inPool(async () => {
          const [answer] = await native().stageCommit(stage, canceller?.handle);
          return record.unpack(answer);
        });
      });
      if (signal && record.wasAborted(result)) {
        throw signal.reason;
      }
      if (record.failed(result)) {
        throw record.failure(result, given);
      }
      return toResult(result, fixed);
    } finally {
      canceller?.dispose();
      // What failed may have left both behind; after a commit there is nothing to do.
      await this.#abort();
    }
  }

  /** @returns {Promise<void>} */
  abort() {
    return promised(() => {
      StagedFile.#bound(this, StagedFile.prototype.abort);
      // What a commit comes to is its caller's affair; there is nothing left to abort afterwards.
      this.#ended = this.#ended === undefined ? this.#abort() : this.#ended.catch(() => {});
      return pending(this.#ended.then(() => undefined));
    }, StagedFile.prototype.abort);
  }

  async #abort() {
    try {
      await closed(this);
    } finally {
      await native().stageAbort(this.#staged.stage);
    }
  }

  [Symbol.asyncDispose]() {
    return StagedFile.prototype.abort.call(this);
  }
}

/**
 * Closes the handle, unless its user has.
 *
 * @param {any} file
 */
async function closed({ handle }) {
  if (handle.fd >= 0) {
    await handle.close();
  }
}

/** As Node says it of its own objects. */
function invalidState() {
  return Object.assign(new Error('Invalid state: the staged file was committed or aborted before'), { code: 'ERR_INVALID_STATE' });
}

/**
 * @param {unknown} file
 * @param {unknown} options
 */
async function stage(file, options) {
  const path = toPath(file, 'file');
  const { flags, modes, root, signal } = stageArguments(options);
  signal?.throwIfAborted();
  const given = shown(path);
  const fixed = pathForLater(path, root !== undefined);
  const fixedRoot = root === undefined ? undefined : pathForLater(toPath(root, 'root'), false);
  const target = () => targetOf(fixed, fixedRoot, undefined, flags);
  return abortable(signal, begin({ given, fixed, root: fixedRoot, flags, modes, target, signal }), (staged) => staged.abort());
}

/**
 * @param {{ given: string, fixed: NativePath, root: NativePath | undefined, flags: number, modes: number, target: Staged['target'], signal: AbortSignal | undefined }} args
 */
async function begin({ given, fixed, root, flags, modes, target, signal }) {
  const [answer, begun] = await withRoot(root, undefined, (base) =>
    inPool(async () => {
      signal?.throwIfAborted();
      return nativeForStages().stageBegin(fixed, flags | SHARED, modes, base?.handle);
    }),
  );
  const result = record.unpack(answer);
  if (begun === undefined) {
    throw record.failure(result, given);
  }
  try {
    signal?.throwIfAborted();
    const { numbers } = result;
    const tempPath = record.realPath(result, fixed, undefined);
    const held = {
      descriptor: numbers[DESCRIPTOR],
      dev: numbers[DEV],
      ino: numbers[INO],
      inoLow: numbers[INO_LOW],
      realPath: tempPath,
    };
    const handle = await reopen(held, 'r+', given);
    return new StagedFile({ stage: begun, given, fixed, target, signal }, tempPath, handle);
  } catch (error) {
    await native().stageAbort(begun);
    throw error;
  }
}

/**
 * @param {unknown} file
 * @param {unknown} [options]
 * @param {unknown} [callback] refused
 */
function stageAtomic(file, options, callback = undefined) {
  return promised(() => {
    noCallback(callback);
    return pending(stage(file, options));
  }, stageAtomic);
}

module.exports = { stageAtomic };
