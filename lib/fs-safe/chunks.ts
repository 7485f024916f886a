// Counts the chunks of a producer and passes them to a write.

import { util } from '../base/node.js';
import { FromCaller, hostError, type HostErrorClass } from './errors.js';
import { invalidType } from '../options/validate.js';
import { claim, discardRest } from '../schedule/source.js';

const { types } = util;

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
 * error, above the limit, or when the write ends early. Errors of the producer reach the host unchanged.
 */
export function limited(HostError: HostErrorClass, data: AsyncIterable<Uint8Array>, maxBytes: number): AsyncIterable<Uint8Array> {
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
      throw new FromCaller(error);
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
      throw invalidType('data', 'an iterable whose chunks are instances of Uint8Array', chunk);
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
