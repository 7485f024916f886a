'use strict';

// Content that comes in pieces goes through one temporary, piece by piece.

const { onAbort } = require('./abort.js');
const { ownCopy, toBytes } = require('./bytes.js');
const { native } = require('./native.js');
const { queued } = require('./order.js');
const record = require('./record.js');
const { invalidType } = require('./validate.js');

/** @typedef {import('./native-types.js').Handle} Handle */
/** @typedef {import('./native-types.js').NativePath} NativePath */

/** Small pieces are gathered up to this size, as each append is a trip to libuv's pool. */
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
 * @property {string} key
 * @property {Handle | undefined} cancel
 */

/**
 * @param {AsyncIterable<unknown> | Iterable<unknown>} source
 * @param {StreamArguments} args
 * @returns {Promise<record.Result>} of the publication
 */
async function writeStream(source, args) {
  const { given, fixed, flags, modes, root, signal, key, cancel } = args;
  const [begun, stage] = await native().stageBegin(fixed, flags, modes, root);
  if (stage === undefined) {
    await closeSource(source, iteratorOf(source));
    throw record.failure(record.unpack(begun), given);
  }
  try {
    await appendAll(source, stage, args);
    // A stream takes its place in the order when its data has ended.
    return await queued(key, async () => {
      signal?.throwIfAborted();
      const [answer] = await native().stageCommit(stage, cancel);
      return record.unpack(answer);
    });
  } catch (error) {
    await native().stageAbort(stage);
    throw error;
  }
}

/**
 * @param {any} source
 * @returns {AsyncIterator<unknown> | Iterator<unknown>}
 */
function iteratorOf(source) {
  return typeof source[Symbol.asyncIterator] === 'function' ? source[Symbol.asyncIterator]() : source[Symbol.iterator]();
}

/**
 * @param {AsyncIterable<unknown> | Iterable<unknown>} source
 * @param {Handle} stage
 * @param {StreamArguments} args
 */
async function appendAll(source, stage, { given, encoding, signal }) {
  /** @param {Uint8Array} bytes */
  const append = async (bytes) => {
    const [answer] = await native().stageAppend(stage, bytes);
    const result = record.unpack(answer);
    if (record.failed(result)) {
      throw record.failure(result, given);
    }
  };
  /** @type {Uint8Array[]} */
  let gathered = [];
  let size = 0;
  const flush = async () => {
    const bytes = gathered.length === 1 ? gathered[0] : Buffer.concat(gathered);
    gathered = [];
    size = 0;
    await append(bytes);
  };
  await forEachChunk(source, signal, async (chunk) => {
    const bytes = chunkBytes(chunk, encoding);
    if (bytes.byteLength >= GATHERED && size === 0) {
      await append(bytes);
      return;
    }
    // The producer may reuse its memory for the next piece.
    const piece = typeof chunk === 'string' ? bytes : ownCopy(bytes, given);
    gathered.push(piece);
    size += piece.byteLength;
    if (size >= GATHERED) {
      await flush();
    }
  });
  if (size > 0) {
    await flush();
  }
}

/**
 * Goes through an iterable, and stops at once when the signal is aborted, even where the next
 * piece never comes.
 *
 * @param {AsyncIterable<unknown> | Iterable<unknown>} source
 * @param {AbortSignal | undefined} signal
 * @param {(chunk: unknown) => Promise<void>} use
 */
async function forEachChunk(source, signal, use) {
  const iterator = iteratorOf(source);
  let remove = () => {};
  /** @type {Promise<never> | undefined} */
  let aborted;
  if (signal) {
    aborted = new Promise((_, reject) => {
      remove = onAbort(signal, () => reject(signal.reason));
    });
    aborted.catch(() => {});
  }
  try {
    for (;;) {
      signal?.throwIfAborted();
      const next = iterator.next();
      const step = await (aborted ? Promise.race([next, aborted]) : next);
      if (step.done) {
        return;
      }
      try {
        await use(await step.value);
      } catch (error) {
        await closeSource(source, iterator);
        throw error;
      }
    }
  } catch (error) {
    if (signal?.aborted) {
      // Not awaited: a source that hangs must not keep the caller.
      void closeSource(source, iterator);
    }
    throw error;
  } finally {
    remove();
  }
}

/**
 * Tells a source that no more is wanted of it. What it makes of that is its own affair.
 *
 * A stream of Node is destroyed by its iterator, but not by one that was never asked for anything: it would keep its file open.
 *
 * @param {any} source
 * @param {AsyncIterator<unknown> | Iterator<unknown>} [iterator] if it was asked for one
 */
async function closeSource(source, iterator) {
  try {
    await iterator?.return?.();
    if (typeof source.pipe === 'function' && typeof source.destroy === 'function') {
      source.destroy();
    }
  } catch {
    // The error that ended the write is the one to report.
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
