// Counts the chunks of a producer and passes them to a write.

import { util } from '../base/node.js';
import { FromCaller, hostError, type HostErrorClass } from './errors.js';
import { invalidType } from '../options/validate.js';
import { claim, discardRest } from '../schedule/source.js';

const { types } = util;

const FAILED = 'create input failed';

const TypedArray = Object.getPrototypeOf(Uint8Array.prototype);
function getter<T>(name: string): (chunk: Uint8Array) => T {
  const { get } = Object.getOwnPropertyDescriptor(TypedArray, name) as PropertyDescriptor;
  return (chunk) => Reflect.apply(get as () => T, chunk, []);
}

// Chunks may have own properties with these names.
const byteLengthOf = getter<number>('byteLength');
const byteOffsetOf = getter<number>('byteOffset');
const bufferOf = getter<ArrayBufferLike>('buffer');

/**
 * Yields chunks up to a limit of bytes. Takes the iterator of the producer at the first chunk. Closes it once: after an
 * error, above the limit, or when the write ends early.
 *
 * @param isWrapped errors of the producer are `helper-failed` with a cause; they reach the host unchanged otherwise
 */
export function limited(HostError: HostErrorClass, data: AsyncIterable<Uint8Array>, maxBytes: number, isWrapped: boolean): AsyncIterable<Uint8Array> {
  let producer: AsyncIterator<Uint8Array> | undefined;
  let isOver = false;
  let total = 0;

  const close = async () => {
    if (isOver) {
      return;
    }
    isOver = true;
    try {
      await producer?.return?.();
    } catch {
      // The caller gets the error that ended the write.
    }
    if (producer !== undefined) {
      discardRest(data);
    }
  };

  const next = async (): Promise<IteratorResult<Uint8Array>> => {
    let step;
    try {
      // Refuses an iterator that an earlier write used: the file would be empty.
      producer ??= claim(data) as AsyncIterator<Uint8Array>;
      step = await producer.next();
    } catch (error) {
      await close();
      throw new FromCaller(isWrapped ? hostError(HostError, 'helper-failed', FAILED, error) : error);
    }
    if (step.done) {
      isOver = true;
      return { done: true, value: undefined };
    }
    try {
      return { done: false, value: counted(step.value) };
    } catch (error) {
      await close();
      throw error;
    }
  };

  const counted = (chunk: unknown) => {
    if (!types.isUint8Array(chunk)) {
      const error = invalidType('data', 'an iterable whose chunks are instances of Uint8Array', chunk);
      throw isWrapped ? hostError(HostError, 'helper-failed', FAILED, error) : error;
    }
    const length = byteLengthOf(chunk);
    total += length;
    if (total > maxBytes) {
      throw hostError(HostError, 'too-large', `file exceeds limit of ${maxBytes} bytes (got at least ${total})`);
    }
    return new Uint8Array(bufferOf(chunk), byteOffsetOf(chunk), length);
  };

  return {
    [Symbol.asyncIterator]: () => ({
      next,
      return: async () => {
        await close();
        return { done: true, value: undefined };
      },
    }),
  };
}

/** Returns the whole content of a producer of text or bytes. */
export async function collected(data: AsyncIterable<unknown>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const chunk of data) {
    if (typeof chunk !== 'string' && !ArrayBuffer.isView(chunk)) {
      throw invalidType('content', 'an iterable whose chunks are of type string or instances of Buffer, TypedArray or DataView', chunk);
    }
    // A producer may use the memory of a chunk again.
    parts.push(typeof chunk === 'string' ? Buffer.from(chunk) : Buffer.from(new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength)));
  }
  return Buffer.concat(parts);
}

export function isAsyncIterable(data: unknown): data is AsyncIterable<any> {
  return typeof data === 'object' && data !== null && typeof (data as any)[Symbol.asyncIterator] === 'function';
}
