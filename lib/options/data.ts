// The bytes of what callers hand over. A view's own slots count, not what its properties claim.

import { util } from '../base/node.js';
import { refusal, tooLarge } from '../errors/holdfast-error.js';
import { invalidValue } from './validate.js';
import type { NativePath } from '../errors/failure.js';

const { types } = util;

const typedArray = Object.getPrototypeOf(Uint8Array.prototype);

/** The getter behind a property, which no object can shadow. */
function slot<T>(prototype: object, name: string): (view: ArrayBufferView) => T {
  const { get } = Object.getOwnPropertyDescriptor(prototype, name) as PropertyDescriptor;
  return (view) => Reflect.apply(get as () => T, view, []);
}

const OF_ARRAY = {
  buffer: slot<ArrayBufferLike>(typedArray, 'buffer'),
  byteOffset: slot<number>(typedArray, 'byteOffset'),
  byteLength: slot<number>(typedArray, 'byteLength'),
};

const OF_VIEW = {
  buffer: slot<ArrayBufferLike>(DataView.prototype, 'buffer'),
  byteOffset: slot<number>(DataView.prototype, 'byteOffset'),
  byteLength: slot<number>(DataView.prototype, 'byteLength'),
};

/**
 * The bytes of data that is there as a whole; nothing for what may be an iterable.
 *
 * Other threads can change shared memory while the binary reads it, so that is copied.
 */
export function toBytes(data: unknown, encoding: BufferEncoding): Uint8Array | undefined {
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

function ofView(view: ArrayBufferView): Uint8Array {
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

/** @param buffer theirs */
function unshared(bytes: Uint8Array, buffer: ArrayBufferLike) {
  return types.isSharedArrayBuffer(buffer) ? new Uint8Array(bytes) : bytes;
}

/** The number of bytes, which a property of the array cannot shadow. */
export function byteLengthOf(bytes: Uint8Array): number {
  return OF_ARRAY.byteLength(bytes);
}

/**
 * A copy that nobody else can change. It is of the class that we name, not of one that the bytes name (`Symbol.species`).
 *
 * @param path of the file they are for, as the caller gave it
 */
export function ownCopy(bytes: Uint8Array, path: string) {
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
 * @param path of the file they are for, as the caller gave it
 */
export function withinLimit(bytes: Uint8Array, maxBytes: number, path: NativePath) {
  if (maxBytes !== Infinity && byteLengthOf(bytes) > maxBytes) {
    throw tooLarge(path, byteLengthOf(bytes), maxBytes);
  }
}
