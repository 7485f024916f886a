// Allocates memory for content, and decodes content as text.

import { os } from '../base/node.js';
import { refusal } from '../errors/holdfast-error.js';
import type { NativePath } from '../errors/failure.js';
import type { ReadResult, ReadTextResult } from '../../types/read.js';

type FastBufferClass = new (memory: ArrayBuffer) => Buffer;

/**
 * Allocates memory for a file. Returns `undefined` when memory is short; the binary then reports `too-large`. Never
 * allocates more than the machine has: a system that overcommits would grant it and kill the process later.
 */
export function allocate(size: number) {
  try {
    return size < SMALL || size <= os.totalmem() ? Buffer.allocUnsafeSlow(size) : undefined;
  } catch {
    return undefined;
  }
}

/** Size below which `os.totalmem` costs more than the allocation. */
const SMALL = 64 * 1024 * 1024;

/**
 * Node's internal Buffer class, which costs half of `subarray`. Undefined in runtimes that make Buffers in another way.
 */
const FastBuffer: FastBufferClass | undefined = findClass();

function findClass() {
  const Class = (Buffer as { [Symbol.species]?: unknown })[Symbol.species] as FastBufferClass;
  const isIt = typeof Class === 'function' && Class !== Buffer && Class.prototype === Buffer.prototype;
  return isIt ? Class : undefined;
}

/** Size up to which src/verbs/read.rs returns an ArrayBuffer. Above it returns a Buffer from {@link allocate}. */
const ARRAY_BUFFER = 16 * 1024;

/** Returns the content of a read on the calling thread as a Buffer with memory of its own. */
export function contentOf(memory: ArrayBuffer | Buffer, length: number): Buffer {
  if (length > ARRAY_BUFFER) {
    return memory as Buffer;
  }
  const content = memory as ArrayBuffer;
  return FastBuffer === undefined ? Buffer.from(content) : new FastBuffer(content);
}

/** Copies the start of a Buffer, so that the result retains no more memory than its content. */
export function shrunk(place: Buffer, length: number, path: string) {
  const content = allocate(length);
  if (content === undefined) {
    throw refusal('too-large', 'memory', path);
  }
  content.set(new Uint8Array(place.buffer, 0, length));
  return content;
}

/**
 * Returns a result with `text` instead of `buffer`. Bytes that are invalid in the encoding become U+FFFD, as in Node.
 */
export function toText({ buffer, realPath, stat, containment }: ReadResult, encoding: BufferEncoding, path: NativePath): ReadResult & ReadTextResult {
  return { text: decoded(buffer, encoding, path), realPath, stat, containment } as ReadResult & ReadTextResult;
}

/** Decodes content. Bytes that are invalid in the encoding become U+FFFD, as in Node. */
export function decoded(content: Buffer, encoding: BufferEncoding, path: NativePath): string {
  try {
    return content.toString(encoding);
  } catch (error) {
    throw refusal('too-large', 'text', path, error);
  }
}
