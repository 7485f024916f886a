// Takes the source of a write in care: claims its iterator, handles its errors, and closes it after a failure.

import { util } from '../base/node.js';
import { own } from '../errors/holdfast-error.js';

const { types } = util;

export type Source = AsyncIterable<unknown> | Iterable<unknown>;
export type SourceIterator = AsyncIterator<unknown> | Iterator<unknown>;

/** Milliseconds that `return()` of a producer may take before the write rejects. */
const RETURN_MS = 1000;

/** The common superclass of the typed arrays. */
const TypedArray: NewableFunction = Object.getPrototypeOf(Uint8Array);

/** Properties that distinguish streams, iterators and readline interfaces. All are optional. */
interface Duck extends Partial<AsyncIterable<unknown> & Iterable<unknown>> {
  next?: unknown;
  pipe?: unknown;
  getReader?: unknown;
  readableEnded?: boolean;
  destroyed?: boolean;
  errored?: unknown;
  destroy?(): unknown;
  resume?(): unknown;
  /** present on the events of Node */
  on?: unknown;
  removeListener?: unknown;
  emit?: unknown;
  /** present on a message of HTTP; `method` is a string only on the side of the server */
  httpVersion?: unknown;
  method?: unknown;
  iterator?(options: { destroyOnReturn: boolean }): SourceIterator;
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
  const iterator = newIterator(source);
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

/** The iterator of a request of HTTP leaves it open, see {@link discardRest}. */
function newIterator(source: Source): SourceIterator {
  const duck = source as Duck;
  if (isRequest(duck) && typeof duck.iterator === 'function') {
    return duck.iterator({ destroyOnReturn: false });
  }
  return isAsync(source) ? source[Symbol.asyncIterator]() : source[Symbol.iterator]();
}

/** Returns whether a source is a request as a server of HTTP/1 or HTTP/2 receives it. */
function isRequest({ pipe, httpVersion, method }: Duck) {
  return typeof pipe === 'function' && typeof httpVersion === 'string' && typeof method === 'string';
}

function alreadyConsumed() {
  const message = 'Invalid state: "data" was already consumed. Pass a new stream or iterable to each write.';
  return own(Object.assign(new Error(message), { code: 'ERR_INVALID_STATE' }));
}

/**
 * Returns whether a value is an `Interface` of readline. It has a single iterator, which buffers lines from its first use on.
 */
function isReadline({ question, setPrompt }: Duck) {
  return typeof question === 'function' && typeof setPrompt === 'function';
}

/** Returns whether the error of a Node stream is that of a `for await` loop that was left. That of a signal has a cause. */
function wasLeft(error: unknown) {
  return (error as { code?: unknown }).code === 'ABORT_ERR' && (error as { cause?: unknown }).cause === undefined;
}

/** Returns whether a Node stream or a web stream has ended, or was destroyed or cancelled, without an error of its own. */
function isUsedUp(source: Duck) {
  if (typeof source.pipe === 'function') {
    return source.readableEnded === true || (source.destroyed === true && (!source.errored || wasLeft(source.errored)));
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

function isIterable(data: object): data is Source {
  return (
    !types.isStringObject(data) &&
    // A proxy of a typed array: its methods accept the array only.
    !(data instanceof TypedArray) &&
    (typeof (data as AsyncIterable<unknown>)[Symbol.asyncIterator] === 'function' || typeof (data as Iterable<unknown>)[Symbol.iterator] === 'function')
  );
}

/** A source that belongs to one write from the call on. */
export class TakenSource {
  /** signal of the write; once it has aborted, {@link closed} waits for nothing */
  signal: AbortSignal | undefined;
  #source: Source;
  #iterator: SourceIterator | undefined;
  /** why the source cannot be used: it belongs to somebody else, or its iterator cannot be had */
  #refusal: unknown;
  #unhandle: (() => void)[];

  constructor(source: Source) {
    this.#source = source;
    this.#unhandle = [handleErrors(source)];
    try {
      const iterator = claim(source);
      this.#iterator = iterator;
      // The stream of `stream.iterator()`.
      this.#unhandle.push(handleErrors((iterator as { stream?: unknown }).stream));
    } catch (error) {
      this.#refusal = error;
    }
  }

  /** Throws if the source cannot be used. */
  get iterator(): SourceIterator {
    if (this.#iterator === undefined) {
      throw this.#refusal;
    }
    return this.#iterator;
  }

  /** Returns the result of the write. Closes the source before the error of a write reaches the caller. */
  async closedAfter<T>(work: Promise<T>): Promise<T> {
    let result;
    try {
      result = await work;
    } catch (error) {
      const closing = this.#close();
      if (!this.signal?.aborted) {
        await closing;
      }
      throw error;
    }
    this.#unhandle.forEach((unhandle) => unhandle());
    return result;
  }

  /**
   * Calls the iterator's `return()` and waits one second at most. Ignores its errors: the write reports the error that
   * ended it. Destroys a Node stream, because an iterator that was not used leaves the stream's file open; of a request
   * of HTTP it discards the rest.
   */
  async #close() {
    const iterator = this.#iterator;
    if (iterator === undefined) {
      return;
    }
    const finish = () => {
      try {
        if (!discardRest(this.#source)) {
          destroy(this.#source);
        }
      } catch {
        // Ignored, see above.
      }
    };
    try {
      const returned = Promise.resolve(iterator.return?.());
      // `return()` of a request waits for the next chunk, which may come later than a second.
      returned.then(finish, finish);
      await withinTime(returned, RETURN_MS);
    } catch {
      // Ignored, see above.
    }
    finish();
  }
}

/**
 * Lets the rest of a request of HTTP flow and be lost. Returns false for any other source.
 *
 * A request that is destroyed takes its connection with it, and the response. One that is paused keeps a client from
 * reading the response that sends everything before it reads.
 */
export function discardRest(source: Duck): boolean {
  if (!isRequest(source)) {
    return false;
  }
  source.resume?.();
  return true;
}

function destroy(source: Duck) {
  if (typeof source.pipe === 'function') {
    source.destroy?.();
  }
}

/**
 * Calls a write with its source, which it takes in care at once: what refuses the call later finds the source's errors
 * handled, and closes it.
 *
 * @param write gets `undefined` for data that are no iterable, and for bytes
 */
export function withSource<T>(data: unknown, write: (source: TakenSource | undefined) => Promise<T>): Promise<T> {
  if (typeof data !== 'object' || data === null || ArrayBuffer.isView(data)) {
    return write(undefined);
  }
  try {
    if (!isIterable(data)) {
      return write(undefined);
    }
    const source = new TakenSource(data);
    return source.closedAfter(write(source));
  } catch (error) {
    // A getter of the data has thrown.
    return Promise.reject(error);
  }
}

/**
 * Adds a listener of `error` to a Node stream. Without one, an error before the first `next()` ends the process.
 *
 * @returns a function that removes the listener
 */
export function handleErrors(source: unknown): () => void {
  if (!isEmitter(source)) {
    return () => {};
  }
  source.on('error', ignore);
  return () => source.removeListener('error', ignore);
}

function isEmitter(value: unknown): value is NodeJS.EventEmitter {
  const { on, removeListener, emit } = (value ?? {}) as Duck;
  return typeof on === 'function' && typeof removeListener === 'function' && typeof emit === 'function';
}

function ignore() {}

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
