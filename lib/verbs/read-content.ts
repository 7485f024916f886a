// The memory of content, and content as text.

import { os } from '../base/node.js';
import { refusal } from '../errors/holdfast-error.js';
import type { NativePath } from '../errors/failure.js';
import type { ReadResult, ReadTextResult } from '../../index.js';

type FastBufferClass = new (memory: ArrayBuffer) => Buffer;

/**
 * Allocates memory for a file. Returns `undefined` when there is not enough; the binary then reports `too-large`. Never asks for more
 * than the machine has: a system that overcommits would grant it and kill the process later.
 */
export function allocate(size: number) {
  try {
    return size < SMALL || size <= os.totalmem() ? Buffer.allocUnsafeSlow(size) : undefined;
  } catch {
    return undefined;
  }
}

/** Below this size, `os.totalmem` costs more than the allocation. */
const SMALL = 64 * 1024 * 1024;

/** Node's internal class of Buffers, which costs half of `subarray`. Undefined in runtimes that make Buffers in another way. */
const FastBuffer: FastBufferClass | undefined = findClass();

function findClass() {
  const Class = (Buffer as { [Symbol.species]?: unknown })[Symbol.species] as FastBufferClass;
  const isIt = typeof Class === 'function' && Class !== Buffer && Class.prototype === Buffer.prototype;
  return isIt ? Class : undefined;
}

/** Up to this size, src/verbs/read.rs returns an ArrayBuffer, and above a Buffer that {@link allocate} made. */
const ARRAY_BUFFER = 16 * 1024;

/** The content that a call on this thread has read, in memory of its own. */
export function contentOf(memory: ArrayBuffer | Buffer, length: number): Buffer {
  if (length > ARRAY_BUFFER) {
    return memory as Buffer;
  }
  const content = memory as ArrayBuffer;
  return FastBuffer === undefined ? Buffer.from(content) : new FastBuffer(content);
}

/** Copies the start of a Buffer, so that the memory of the result is the content alone. */
export function shrunk(place: Buffer, length: number, path: string) {
  const content = allocate(length);
  if (content === undefined) {
    throw refusal('too-large', 'memory', path);
  }
  content.set(new Uint8Array(place.buffer, 0, length));
  return content;
}

/** A result with `text` in place of `buffer`. Bytes that are not of the encoding become U+FFFD, as in Node. */
export function toText({ buffer, realPath, stat, containment }: ReadResult, encoding: BufferEncoding, path: NativePath): ReadResult & ReadTextResult {
  try {
    return { text: buffer.toString(encoding), realPath, stat, containment } as ReadResult & ReadTextResult;
  } catch (error) {
    throw refusal('too-large', 'text', path, error);
  }
}
