// The first and the last lines of an open file, without the rest of it in memory.

import type { FileHandle } from 'node:fs/promises';
import { HoldfastError } from 'holdfast';

const CHUNK = 64 * 1024;
const LINE_BREAK = 0x0a;

/** Most bytes of the lines that are returned. */
const MOST = 16 * 1024 * 1024;

function tooLarge(size: number): HoldfastError {
  return new HoldfastError('too-large', { size, limit: MOST, remedy: 'Ask for fewer lines.' });
}

async function readAt(handle: FileHandle, length: number, position: number): Promise<Buffer> {
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(length), 0, length, position);
  return buffer.subarray(0, bytesRead);
}

/** Returns the first lines, without the line break after the last of them. */
export async function firstLines(handle: FileHandle, count: number): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for (let missing = count; ; ) {
    const chunk = await readAt(handle, CHUNK, size);
    let end = chunk.indexOf(LINE_BREAK);
    while (end !== -1 && --missing > 0) end = chunk.indexOf(LINE_BREAK, end + 1);
    if (end !== -1) return Buffer.concat([...chunks, chunk.subarray(0, end)]).toString();
    size += chunk.length;
    if (size > MOST) throw tooLarge(size);
    if (chunk.length === 0) return Buffer.concat(chunks).toString().replace(/\n$/, '');
    chunks.push(chunk);
  }
}

/** Returns the last lines. A line break at the end of the file ends the last line and begins no other. */
export async function lastLines(handle: FileHandle, count: number): Promise<string> {
  const chunks: Buffer[] = [];
  const { size } = await handle.stat();
  let missing = count;
  for (let position = size; position > 0; ) {
    const length = Math.min(CHUNK, position);
    position -= length;
    const chunk = await readAt(handle, length, position);
    const searched = chunks.length === 0 && chunk.at(-1) === LINE_BREAK ? chunk.length - 1 : chunk.length;
    let start = searched === 0 ? -1 : chunk.lastIndexOf(LINE_BREAK, searched - 1);
    while (start !== -1 && --missing > 0) start = start === 0 ? -1 : chunk.lastIndexOf(LINE_BREAK, start - 1);
    if (start !== -1) return Buffer.concat([chunk.subarray(start + 1), ...chunks]).toString();
    chunks.unshift(chunk);
    if (size - position > MOST) throw tooLarge(size - position);
  }
  return Buffer.concat(chunks).toString();
}
