'use strict';

// The memory of content, and content as text.

const os = process.getBuiltinModule('node:os');
const { refusal } = require('../errors/holdfast-error.js');

/** @typedef {import('../native/binding.js').NativePath} NativePath */

/**
 * Memory for a file, or nothing: then the binary answers `too-large`. A size beyond the machine's
 * memory is not even asked for, as a system that overcommits would grant it, and kill us later.
 *
 * @param {number} size
 */
function allocate(size) {
  try {
    return size < SMALL || size <= os.totalmem() ? Buffer.allocUnsafeSlow(size) : undefined;
  } catch {
    return undefined;
  }
}

/** Asking for the machine's memory costs more than allocating this. */
const SMALL = 64 * 1024 * 1024;

/**
 * The class behind every Buffer, as `subarray` finds it: half the price of asking `subarray`.
 * Undefined where another runtime makes its Buffers otherwise.
 *
 * @type {(new (memory: ArrayBuffer) => Buffer) | undefined}
 */
const FastBuffer = findClass();

function findClass() {
  const Class = /** @type {any} */ (Buffer)[Symbol.species];
  const isIt = typeof Class === 'function' && Class !== Buffer && Class.prototype === Buffer.prototype;
  return isIt ? Class : undefined;
}

/** Up to this size, src/binding/read.rs returns an ArrayBuffer, and above a Buffer that {@link allocate} made. */
const ARRAY_BUFFER = 16 * 1024;

/**
 * The content that a call on this thread has read, in memory of its own.
 *
 * @param {ArrayBuffer | Buffer} memory
 * @param {number} length
 * @returns {Buffer}
 */
function contentOf(memory, length) {
  if (length > ARRAY_BUFFER) {
    return /** @type {Buffer} */ (memory);
  }
  const content = /** @type {ArrayBuffer} */ (memory);
  return FastBuffer === undefined ? Buffer.from(content) : new FastBuffer(content);
}

/**
 * Copies the start of a Buffer, so that the memory of the result is the content alone.
 *
 * @param {Buffer} place
 * @param {number} length
 * @param {string} path as the caller gave it
 */
function shrunk(place, length, path) {
  const content = allocate(length);
  if (content === undefined) {
    throw refusal('too-large', 'memory', path);
  }
  content.set(new Uint8Array(place.buffer, 0, length));
  return content;
}

/**
 * A result with `text` in place of `buffer`. Bytes that are not of the encoding become U+FFFD, as in Node.
 *
 * @param {{ buffer: Buffer, realPath: string, stat: import('node:fs').Stats, containment: string }} result
 * @param {BufferEncoding} encoding
 * @param {NativePath} path as the caller gave it
 * @returns {any} for callers inside of this library, which all want a Buffer
 */
function toText({ buffer, realPath, stat, containment }, encoding, path) {
  try {
    return { text: buffer.toString(encoding), realPath, stat, containment };
  } catch (error) {
    throw refusal('too-large', 'text', path, error);
  }
}

module.exports = { allocate, contentOf, shrunk, toText };
