// Reads the bytes of the caller's data from the internal slots of a view: its properties may be shadowed.

import { util } from '../base/node.js';
import { refusal, tooLarge } from '../errors/holdfast-error.js';
import { invalidValue } from './validate.js';
import type { NativePath } from '../errors/failure.js';

const { types } = util;

const typedArray = Object.getPrototypeOf(Uint8Array.prototype);

/** Returns the getter of a property. Unlike the property, no object can shadow it. */
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

/** Characters of a text up to which the engine makes the bytes. It may end the process where it lacks memory for more. */
export const SMALL_TEXT = 64 * 1024;

/**
 * Returns the bytes of a text, and `after` behind them.
 *
 * @param path of the target file, as the caller gave it
 */
export function largeText(text: string, encoding: BufferEncoding, path: NativePath | undefined, after = ''): Uint8Array {
  return inMemory(() => {
    const bytes = Buffer.allocUnsafeSlow(Buffer.byteLength(text, encoding) + after.length);
    const length = bytes.write(text, encoding);
    return bytes.subarray(0, length + bytes.write(after, length, 'latin1'));
  }, path);
}

/**
 * Returns the bytes of a string, view or ArrayBuffer, and `undefined` for anything else (iterables).
 *
 * Copies shared memory, because other threads can change it while the binary reads it.
 *
 * @param path of the target file, as the caller gave it
 */
export function toBytes(data: unknown, encoding: BufferEncoding, path: NativePath | undefined): Uint8Array | undefined {
  if (typeof data === 'string') {
    return data.length <= SMALL_TEXT ? Buffer.from(data, encoding) : largeText(data, encoding, path);
  }
  if (!ArrayBuffer.isView(data) && !types.isAnyArrayBuffer(data)) {
    return undefined;
  }
  try {
    return inMemory(() => (ArrayBuffer.isView(data) ? ofView(data) : unshared(new Uint8Array(data), data)), path);
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
    // Throws for a detached buffer: writing it as an empty file would lose the old content.
    Reflect.apply(typedArray.keys, view, []);
  }
  if (types.isUint8Array(view) && !types.isSharedArrayBuffer(buffer)) {
    return view;
  }
  return unshared(new Uint8Array(buffer, slots.byteOffset(view), length), buffer);
}

/**
 * Returns the bytes, or a copy of them if their memory is shared.
 *
 * @param buffer the caller's buffer
 */
function unshared(bytes: Uint8Array, buffer: ArrayBufferLike) {
  return types.isSharedArrayBuffer(buffer) ? new Uint8Array(bytes) : bytes;
}

/** Returns the number of bytes, which a property of the array cannot shadow. */
export function byteLengthOf(bytes: Uint8Array): number {
  return OF_ARRAY.byteLength(bytes);
}

/**
 * Copies bytes into a Uint8Array. `Symbol.species` of the source has no effect.
 *
 * @param path of the target file, as the caller gave it
 */
export function ownCopy(bytes: Uint8Array, path: string) {
  return inMemory(() => new Uint8Array(bytes), path);
}

/** Returns what a function allocates. Throws `too-large` where the memory is short. */
export function inMemory<T>(allocates: () => T, path: NativePath | undefined): T {
  try {
    return allocates();
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
 * @param path of the target file, as the caller gave it
 */
export function withinLimit(bytes: Uint8Array, maxBytes: number, path: NativePath) {
  if (maxBytes !== Infinity && byteLengthOf(bytes) > maxBytes) {
    throw tooLarge(path, 'data', byteLengthOf(bytes), maxBytes);
  }
}
