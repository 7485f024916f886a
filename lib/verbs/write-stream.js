'use strict';

// Content that comes in pieces goes through one temporary, piece by piece.

const { byteLengthOf, ownCopy, toBytes } = require('../options/data.js');
const { closeSource, forEachChunk, iteratorOf } = require('../schedule/chunks.js');
const { tooLarge } = require('../errors/holdfast-error.js');
const { native, nativeForStages } = require('../native/load.js');
const { writes } = require('../schedule/write-queue.js');
const { inPool, untilIdle } = require('../schedule/job-limit.js');
const record = require('../native/layout.js');
const { invalidType } = require('../options/validate.js');

/** @typedef {import('../native/binding.js').Handle} Handle */
/** @typedef {import('../native/binding.js').NativePath} NativePath */

/** Bytes that are gathered before an append. */
const GATHERED = 64 * 1024;

/**
 * @typedef {object} StreamArguments
 * @property {string} given the path as the caller gave it
 * @property {NativePath} fixed as it is at the time of the call
 * @property {number} flags
 * @property {number} modes
 * @property {BufferEncoding} encoding
 * @property {Handle | undefined} root
 * @property {AbortSignal | undefined} signal
 * @property {() => import('../schedule/write-queue.js').Target} target at the time that it is asked
 * @property {Handle | undefined} cancel
 * @property {number} [maxBytes] most bytes to accept; more is `too-large` before anything is published
 * @property {(() => void) | undefined} beforePublish called when the content is complete, right before it is published; may throw
 * @property {boolean} [isQueued] the caller has its place in the order, and in the pool
 */

/**
 * @param {AsyncIterable<unknown> | Iterable<unknown>} source
 * @param {StreamArguments} args
 * @returns {Promise<record.Result>} of the publication
 */
async function writeStream(source, args) {
  const { given, fixed, flags, modes, root, signal, target, cancel, beforePublish, isQueued } = args;
  const [begun, stage] = await nativeForStages().stageBegin(fixed, flags, modes, root);
  if (stage === undefined) {
    await closeSource(source, iteratorOf(source));
    throw record.failure(record.unpack(begun), given);
  }
  try {
    await appendAll(source, stage, args);
    const commit = async () => {
      if (beforePublish !== undefined) {
        await untilIdle();
      }
      signal?.throwIfAborted();
      beforePublish?.();
      const [answer] = await native().stageCommit(stage, cancel);
      return record.unpack(answer);
    };
    if (isQueued) {
      return await commit();
    }
    // A stream takes its place in the order when its data has ended.
    return await writes.queued(target(), beforePublish === undefined ? commit : () => inPool(commit));
  } catch (error) {
    await native().stageAbort(stage);
    throw error;
  }
}

/**
 * Appends every chunk. Small ones are gathered in one buffer, as each append is a trip to libuv's pool.
 *
 * @param {AsyncIterable<unknown> | Iterable<unknown>} source
 * @param {Handle} stage
 * @param {StreamArguments} args
 */
async function appendAll(source, stage, { given, encoding, signal, maxBytes = Infinity }) {
  /** @param {Uint8Array} bytes copied by the binary during the call */
  const append = async (bytes) => {
    const [answer] = await native().stageAppend(stage, bytes);
    const result = record.unpack(answer);
    if (record.failed(result)) {
      throw record.failure(result, given);
    }
  };
  /** @type {Uint8Array | undefined} */
  let gathered;
  let size = 0;
  let total = 0;
  const flush = () => {
    const bytes = /** @type {Uint8Array} */ (gathered).subarray(0, size);
    size = 0;
    return append(bytes);
  };
  await forEachChunk(source, signal, async (chunk) => {
    const bytes = chunkBytes(chunk, encoding);
    const length = byteLengthOf(bytes);
    if (length === 0) {
      return;
    }
    total += length;
    if (total > maxBytes) {
      throw tooLarge(given, total, maxBytes);
    }
    let own = bytes;
    if (size > 0 && size + length > GATHERED) {
      // The producer may reuse its memory while the flush is awaited.
      own = ownCopy(bytes, given);
      await flush();
    }
    if (length >= GATHERED) {
      await append(own);
      return;
    }
    gathered ??= new Uint8Array(GATHERED);
    gathered.set(own, size);
    size += length;
  });
  if (size > 0) {
    await flush();
  }
}

/**
 * @param {unknown} chunk
 * @param {BufferEncoding} encoding
 * @returns {Uint8Array}
 */
function chunkBytes(chunk, encoding) {
  const bytes = toBytes(chunk, encoding);
  if (bytes === undefined) {
    throw invalidType('data', 'an iterable whose chunks are of type string or an instance of Uint8Array', chunk);
  }
  return bytes;
}

module.exports = { closeSource, writeStream };
