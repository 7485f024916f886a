'use strict';

// The bytes of what callers hand over. A view's own slots count, not what its properties claim.

const { types } = process.getBuiltinModule('node:util');
const { refusal, tooLarge } = require('../errors/holdfast-error.js');
const { invalidValue } = require('./validate.js');

const typedArray = Object.getPrototypeOf(Uint8Array.prototype);

/**
 * The getter behind a property, which no object can shadow.
 *
 * @param {object} prototype
 * @param {string} name
 * @returns {(view: ArrayBufferView) => any}
 */
function slot(prototype, name) {
  const { get } = /** @type {PropertyDescriptor} */ (Object.getOwnPropertyDescriptor(prototype, name));
  return (view) => Reflect.apply(/** @type {() => any} */ (get), view, []);
}

const OF_ARRAY = {
  buffer: slot(typedArray, 'buffer'),
  byteOffset: slot(typedArray, 'byteOffset'),
  byteLength: slot(typedArray, 'byteLength'),
};

const OF_VIEW = {
  buffer: slot(DataView.prototype, 'buffer'),
  byteOffset: slot(DataView.prototype, 'byteOffset'),
  byteLength: slot(DataView.prototype, 'byteLength'),
};

/**
 * The bytes of data that is there as a whole; nothing for what may be an iterable.
 *
 * Other threads can change shared memory while the binary reads it, so that is copied.
 *
 * @param {unknown} data
 * @param {BufferEncoding} encoding
 * @returns {Uint8Array | undefined}
 */
function toBytes(data, encoding) {
  if (typeof data === 'string') {
    return Buffer.from(data, encoding);
  }
  if (!ArrayBuffer.isView(data) && !types.isAnyArrayBuffer(data)) {
    return undefined;
  }
  try {
    return ArrayBuffer.isView(data) ? ofView(data) : unshared(new Uint8Array(data), data);
  } catch (error) {
    if (error instanceof TypeError) {
      throw invalidValue('data', 'has lost its memory: the buffer was transferred or made smaller', Object.prototype.toString.call(data));
    }
    throw error;
  }
}

/**
 * @param {ArrayBufferView} view
 * @returns {Uint8Array}
 */
function ofView(view) {
  const slots = types.isDataView(view) ? OF_VIEW : OF_ARRAY;
  const buffer = slots.buffer(view);
  const length = slots.byteLength(view);
  if (length === 0 && types.isTypedArray(view)) {
    // Throws where there is no memory any more. What writes such a view as an empty file loses the old one.
    Reflect.apply(typedArray.keys, view, []);
  }
  if (types.isUint8Array(view) && !types.isSharedArrayBuffer(buffer)) {
    return view;
  }
  return unshared(new Uint8Array(buffer, slots.byteOffset(view), length), buffer);
}

/**
 * @param {Uint8Array} bytes
 * @param {ArrayBufferLike} buffer theirs
 */
function unshared(bytes, buffer) {
  return types.isSharedArrayBuffer(buffer) ? new Uint8Array(bytes) : bytes;
}

/**
 * The number of bytes, which a property of the array cannot shadow.
 *
 * @param {Uint8Array} bytes
 * @returns {number}
 */
function byteLengthOf(bytes) {
  return OF_ARRAY.byteLength(bytes);
}

/**
 * A copy that nobody else can change. It is of the class that we name, not of one that the bytes name (`Symbol.species`).
 *
 * @param {Uint8Array} bytes
 * @param {string} path of the file they are for, as the caller gave it
 */
function ownCopy(bytes, path) {
  try {
    return new Uint8Array(bytes);
  } catch (error) {
    if (error instanceof RangeError) {
      throw refusal('too-large', 'memory', path);
    }
    throw error;
  }
}

/**
 * Throws `too-large` for data that exceed `maxBytes`.
 *
 * @param {Uint8Array} bytes
 * @param {number} maxBytes
 * @param {import('../native/binding.js').NativePath} path of the file they are for, as the caller gave it
 */
function withinLimit(bytes, maxBytes, path) {
  if (maxBytes !== Infinity && byteLengthOf(bytes) > maxBytes) {
    throw tooLarge(path, byteLengthOf(bytes), maxBytes);
  }
}

module.exports = { byteLengthOf, ownCopy, toBytes, withinLimit };
