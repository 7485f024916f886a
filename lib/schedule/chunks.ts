// Iterates over the chunks of a producer. A producer may be endless, never yield, or throw.

import { perfHooks, timers } from '../base/node.js';
import { onAbort } from './abort.js';
import { own } from '../errors/holdfast-error.js';

const { performance } = perfHooks;
const { setImmediate } = timers;

export type Source = AsyncIterable<unknown> | Iterable<unknown>;
export type SourceIterator = AsyncIterator<unknown> | Iterator<unknown>;

/**
 * Milliseconds until the loop yields to the event loop. A producer that never waits would starve timers and signals.
 */
const TURN_MS = 10;

/** Chunks between two reads of the clock. */
const CHUNKS_PER_LOOK = 16;

/** Milliseconds that `return()` of a producer may take before the write rejects. */
const RETURN_MS = 1000;

/**
 * Calls `use` with each chunk and awaits it. Rejects as soon as the signal aborts, also while a chunk is awaited.
 * Closes the source on every error; on abort it does not await the close.
 */
export async function forEachChunk(source: Source, iterator: SourceIterator, signal: AbortSignal | undefined, use: (chunk: unknown) => void | Promise<void>) {
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

/**
 * Awaits values until a signal aborts. `Promise.race` with one long-lived promise would keep a reaction for each chunk.
 */
class Interruptible {
  /** rejects the current wait */
  #reject: ((reason: unknown) => void) | undefined;
  #remove: (() => void) | undefined;

  constructor(signal: AbortSignal | undefined) {
    this.#remove = signal && onAbort(signal, () => this.#reject?.(signal.reason));
  }

  /** Returns the value, or a promise of it. */
  wait<T>(value: T | PromiseLike<T>): T | Promise<T> {
    if (this.#remove === undefined || typeof (value as PromiseLike<T> | undefined)?.then !== 'function') {
      return value as T;
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

/** Properties that distinguish streams, iterators and readline interfaces. All are optional. */
interface Duck extends Partial<AsyncIterable<unknown> & Iterable<unknown>> {
  next?: unknown;
  pipe?: unknown;
  getReader?: unknown;
  readableEnded?: boolean;
  destroyed?: boolean;
  errored?: unknown;
  destroy?(): unknown;
  /** present on an `Interface` of readline */
  question?: unknown;
  setPrompt?: unknown;
  closed?: unknown;
}

function isAsync(source: Source): source is AsyncIterable<unknown> {
  return typeof (source as Duck)[Symbol.asyncIterator] === 'function';
}

/** Sources that an earlier write used, and the iterators that those sources returned. */
const claimed = new WeakSet();

/**
 * Claims a source for one write and returns its iterator.
 *
 * Throws if the source is known to be exhausted or belongs to an earlier write: a retry with it would publish an empty
 * file. Accepts iterables that return a new iterator each time, and streams that other code has read in part. A
 * readline interface loses the lines that it emits before this call.
 */
export function claim(source: Source): SourceIterator {
  const duck = source as Duck;
  if (claimed.has(source) || isUsedUp(duck)) {
    throw alreadyConsumed();
  }
  if (typeof duck.next === 'function' || typeof duck.pipe === 'function' || typeof duck.getReader === 'function' || isReadline(duck)) {
    claimed.add(source);
  }
  return iteratorOf(source);
}

/** Returns the iterator of a source. Throws if an earlier write used the same iterator or the same Node stream. */
function iteratorOf(source: Source): SourceIterator {
  const iterator = isAsync(source) ? source[Symbol.asyncIterator]() : source[Symbol.iterator]();
  if ((iterator as unknown) === source || typeof iterator !== 'object' || iterator === null) {
    return iterator;
  }
  // Node's stream iterators have a `stream` property.
  const { stream } = iterator as { stream?: Duck };
  const isOfStream = typeof stream?.pipe === 'function' && stream !== source;
  if (claimed.has(iterator) || (isOfStream && (claimed.has(stream) || isUsedUp(stream)))) {
    throw alreadyConsumed();
  }
  claimed.add(iterator);
  if (isOfStream) {
    claimed.add(stream);
  }
  return iterator;
}

function alreadyConsumed() {
  const message = 'Invalid state: "data" was already consumed. Pass a new stream or iterable to each write.';
  return own(Object.assign(new Error(message), { code: 'ERR_INVALID_STATE' }));
}

/**
 * Whether a value is an `Interface` of readline. It has a single iterator, which buffers lines from its first use on.
 */
function isReadline({ question, setPrompt }: Duck) {
  return typeof question === 'function' && typeof setPrompt === 'function';
}

/** Whether a Node stream or a web stream has ended, or was destroyed or cancelled, without an error of its own. */
function isUsedUp(source: Duck) {
  if (typeof source.pipe === 'function') {
    return source.readableEnded === true || (source.destroyed === true && !source.errored);
  }
  if (isReadline(source)) {
    return source.closed === true;
  }
  if (typeof source.getReader !== 'function') {
    return false;
  }
  const { Readable, isErrored, isReadable } = process.getBuiltinModule('node:stream');
  const stream = source as NodeJS.ReadableStream;
  return Readable.isDisturbed?.(stream) === true && isReadable?.(stream) === false && isErrored?.(stream) !== true;
}

/**
 * Calls the iterator's `return()` and waits one second at most. Ignores its errors: the write reports the error that
 * ended it.
 *
 * Destroys a Node stream whose iterator is unused: such an iterator leaves the stream's file open.
 *
 * @param iterator undefined if `next()` was never called
 */
export async function closeSource(source: Duck, iterator?: SourceIterator) {
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

async function withinTime(closing: unknown, milliseconds: number) {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise((resolve) => {
    timer = setTimeout(resolve, milliseconds, undefined);
  });
  try {
    await Promise.race([closing, late]);
  } finally {
    clearTimeout(timer);
  }
}
