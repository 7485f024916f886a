'use strict';

// The chunks of a producer, counted and passed on to a write.

const { types } = process.getBuiltinModule('node:util');
const { FromCaller, hostError } = require('./errors.js');
const { invalidType } = require('../options/validate.js');

const TypedArray = Object.getPrototypeOf(Uint8Array.prototype);
/** @type {(name: string) => (chunk: Uint8Array) => any} */
const getter = (name) => {
  const get = /** @type {() => any} */ (/** @type {PropertyDescriptor} */ (Object.getOwnPropertyDescriptor(TypedArray, name)).get);
  return (chunk) => get.call(chunk);
};
// A chunk may have properties of its own with these names.
const byteLengthOf = getter('byteLength');
const byteOffsetOf = getter('byteOffset');
const bufferOf = getter('buffer');

/**
 * Chunks up to a limit of bytes. The producer is asked for its iterator at the first chunk, and closed once when it fails, is
 * too long, or its chunks are no longer wanted. What it throws reaches the host as it is.
 *
 * @param {import('./errors.js').HostErrorClass} HostError
 * @param {AsyncIterable<Uint8Array>} data
 * @param {number} maxBytes
 * @returns {AsyncIterable<Uint8Array>}
 */
function limited(HostError, data, maxBytes) {
  /** @type {AsyncIterator<Uint8Array> | undefined} */
  let producer;
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
      // The error that ended the write is the one to report.
    }
  };

  /** @returns {Promise<IteratorResult<Uint8Array>>} */
  const next = async () => {
    let step;
    try {
      producer ??= data[Symbol.asyncIterator]();
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

  /** @param {unknown} chunk */
  const counted = (chunk) => {
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

module.exports = { limited };
