'use strict';

// The bytes of what callers hand over. A view's own slots count, not what its properties claim.

const { types } = require('node:util');
const { refusal } = require('./errors.js');

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
  if (ArrayBuffer.isView(data)) {
    const slots = types.isDataView(data) ? OF_VIEW : OF_ARRAY;
    const buffer = slots.buffer(data);
    const isShared = types.isSharedArrayBuffer(buffer);
    if (types.isUint8Array(data) && !isShared) {
      return data;
    }
    const bytes = new Uint8Array(buffer, slots.byteOffset(data), slots.byteLength(data));
    return isShared ? new Uint8Array(bytes) : bytes;
  }
  if (types.isAnyArrayBuffer(data)) {
    const bytes = new Uint8Array(data);
    return types.isSharedArrayBuffer(data) ? new Uint8Array(bytes) : bytes;
  }
  return undefined;
}

/**
 * A copy that nobody else can change.
 *
 * @param {Uint8Array} bytes
 * @param {string} path of the file they are for, as the caller gave it
 */
function ownCopy(bytes, path) {
  try {
    return Uint8Array.prototype.slice.call(bytes);
  } catch (error) {
    if (error instanceof RangeError) {
      throw refusal('too-large', 'memory', path);
    }
    throw error;
  }
}

module.exports = { ownCopy, toBytes };
