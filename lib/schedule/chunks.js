'use strict';

// Iterates over the chunks of a producer, which may be endless, silent or broken.

const { performance } = process.getBuiltinModule('node:perf_hooks');
const { setImmediate } = process.getBuiltinModule('node:timers');
const { onAbort } = require('./abort.js');
const { own } = require('../errors/holdfast-error.js');

/** @typedef {AsyncIterable<unknown> | Iterable<unknown>} Source */
/** @typedef {AsyncIterator<unknown> | Iterator<unknown>} SourceIterator */

/** Milliseconds after which the event loop gets a turn: a producer that never waits keeps timers and signals from firing. */
const TURN_MS = 10;

/** Chunks between two looks at the clock. */
const CHUNKS_PER_LOOK = 16;

/** Milliseconds that a producer has to clean up in `return()` before the write rejects. */
const RETURN_MS = 1000;

/**
 * Calls `use` with each chunk, and awaits it. Rejects as soon as the signal aborts, also while a chunk is awaited. Closes the source
 * on every error; on abort without awaiting it.
 *
 * @param {Source} source
 * @param {AbortSignal | undefined} signal
 * @param {(chunk: unknown) => void | Promise<void>} use
 */
async function forEachChunk(source, signal, use) {
  const iterator = iteratorOf(source);
  const interruptible = new Interruptible(signal);
  let count = 0;
  let turned = performance.now();
  try {
    for (;;) {
      signal?.throwIfAborted();
      if (++count % CHUNKS_PER_LOOK === 0 && performance.now() - turned > TURN_MS) {
        await new Promise((resolve) => setImmediate(resolve));
        turned = performance.now();
        continue;
      }
      const step = await interruptible.wait(iterator.next());
      if (step.done) {
        return;
      }
      await use(await interruptible.wait(step.value));
    }
  } catch (error) {
    const closing = closeSource(source, iterator);
    if (!signal?.aborted) {
      await closing;
    }
    throw error;
  } finally {
    interruptible.dispose();
  }
}

/** Waits that a signal ends. `Promise.race` with one long-lived promise would keep a reaction for every chunk. */
class Interruptible {
  /** @type {((reason: unknown) => void) | undefined} rejects the current wait */
  #reject;
  /** @type {(() => void) | undefined} */
  #remove;

  /** @param {AbortSignal | undefined} signal */
  constructor(signal) {
    this.#remove = signal && onAbort(signal, () => this.#reject?.(signal.reason));
  }

  /**
   * @param {any} value
   * @returns {any} the value, or a promise of it
   */
  wait(value) {
    if (this.#remove === undefined || typeof value?.then !== 'function') {
      return value;
    }
    return new Promise((resolve, reject) => {
      this.#reject = reject;
      Promise.resolve(value).then(resolve, reject);
    });
  }

  dispose() {
    this.#remove?.();
  }
}

/**
 * @param {any} source
 * @returns {SourceIterator}
 */
function iteratorOf(source) {
  return typeof source[Symbol.asyncIterator] === 'function' ? source[Symbol.asyncIterator]() : source[Symbol.iterator]();
}

/** Streams and iterators that a write was given. */
const claimed = new WeakSet();

/**
 * Claims a source for one write. Throws if it has nothing more to yield, as far as that can be known, or belongs to an earlier write:
 * a retry with it would publish an empty file. Iterables that return a new iterator each time are accepted again, as is a stream
 * that other code has read in part.
 *
 * @param {any} source
 */
function claim(source) {
  if (claimed.has(source) || isUsedUp(source)) {
    const message = 'Invalid state: "data" was already consumed. Pass a new stream or iterable to each write.';
    throw own(Object.assign(new Error(message), { code: 'ERR_INVALID_STATE' }));
  }
  if (typeof source.next === 'function' || typeof source.pipe === 'function' || typeof source.getReader === 'function') {
    claimed.add(source);
  }
}

/**
 * Whether a Node stream or a web stream has ended, was destroyed or cancelled, without an error of its own.
 *
 * @param {any} source
 */
function isUsedUp(source) {
  if (typeof source.pipe === 'function') {
    return source.readableEnded === true || (source.destroyed === true && !source.errored);
  }
  if (typeof source.getReader !== 'function') {
    return false;
  }
  /** @type {any} */
  const { Readable, isErrored, isReadable } = process.getBuiltinModule('node:stream');
  return Readable.isDisturbed?.(source) === true && isReadable?.(source) === false && isErrored?.(source) !== true;
}

/**
 * Calls the iterator's `return()` and waits for it, for a second at most. Errors of it are ignored: the one that ended the write is reported.
 *
 * An iterator that was never asked for a chunk does not destroy its Node stream, which would keep its file open.
 *
 * @param {any} source
 * @param {SourceIterator} [iterator] if it was asked for one
 */
async function closeSource(source, iterator) {
  try {
    await withinTime(iterator?.return?.(), RETURN_MS);
  } catch {
    // Ignored, see above.
  }
  try {
    if (typeof source.pipe === 'function' && typeof source.destroy === 'function') {
      source.destroy();
    }
  } catch {
    // Ignored, see above.
  }
}

/**
 * @param {unknown} closing
 * @param {number} milliseconds
 */
async function withinTime(closing, milliseconds) {
  /** @type {NodeJS.Timeout | undefined} */
  let timer;
  const late = new Promise((resolve) => {
    timer = setTimeout(resolve, milliseconds, undefined);
  });
  try {
    await Promise.race([closing, late]);
  } finally {
    clearTimeout(timer);
  }
}

module.exports = { claim, closeSource, forEachChunk, iteratorOf };
