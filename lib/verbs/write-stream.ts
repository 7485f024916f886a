// Streams content into one temporary, chunk by chunk.

import { byteLengthOf, ownCopy, toBytes } from '../options/data.js';
import { closeSource, forEachChunk, type Source, type SourceIterator } from '../schedule/chunks.js';
import { tooLarge } from '../errors/holdfast-error.js';
import { native, nativeForStages } from '../native/load.js';
import { writes, type Target } from '../schedule/write-queue.js';
import { inPool, untilIdle } from '../schedule/job-limit.js';
import record = require('../native/layout.js');
import { invalidType } from '../options/validate.js';
import type { Handle } from '../native/binding.js';
import type { NativePath } from '../errors/failure.js';

/** Bytes that are gathered before an append. */
const GATHERED = 64 * 1024;

interface StreamArguments {
  /** the path as the caller gave it */
  given: string;
  /** as it is at the time of the call */
  fixed: NativePath;
  flags: number;
  modes: number;
  encoding: BufferEncoding;
  root: Handle | undefined;
  signal: AbortSignal | undefined;
  /** at the time that it is asked */
  target: () => Target;
  cancel: Handle | undefined;
  /** most bytes to accept; more is `too-large` before anything is published */
  maxBytes?: number;
  /** called when the content is complete, right before it is published; may throw */
  beforePublish: (() => void) | undefined;
  /** the caller has its place in the order, and in the pool */
  isQueued?: boolean;
}

/**
 * @param iterator of the source
 * @returns of the publication
 */
export async function writeStream(source: Source, iterator: SourceIterator, args: StreamArguments): Promise<record.Result> {
  const { given, fixed, flags, modes, root, signal, target, cancel, beforePublish, isQueued } = args;
  const [begun, stage] = await nativeForStages().stageBegin(fixed, flags, modes, root);
  if (stage === undefined) {
    await closeSource(source, iterator);
    throw record.failure(record.unpack(begun), given);
  }
  try {
    await appendAll(source, iterator, stage, args);
    const commit = async () => {
      if (beforePublish !== undefined) {
        await untilIdle();
      }
      signal?.throwIfAborted();
      beforePublish?.();
      const [answer] = await native().stageCommit(stage, cancel);
      return record.unpack(answer);
    };
    if (isQueued) {
      return await commit();
    }
    // A stream takes its place in the order when its data has ended.
    return await writes.queued(target(), beforePublish === undefined ? commit : () => inPool(commit));
  } catch (error) {
    await native().stageAbort(stage);
    throw error;
  }
}

/** Appends every chunk. Small ones are gathered in one buffer, as each append is a trip to libuv's pool. */
async function appendAll(source: Source, iterator: SourceIterator, stage: Handle, { given, encoding, signal, maxBytes = Infinity }: StreamArguments) {
  /** @param bytes copied by the binary during the call */
  const append = async (bytes: Uint8Array) => {
    const [answer] = await native().stageAppend(stage, bytes);
    const result = record.unpack(answer);
    if (record.failed(result)) {
      throw record.failure(result, given);
    }
  };
  let gathered: Uint8Array | undefined;
  let size = 0;
  let total = 0;
  const flush = () => {
    const bytes = (gathered as Uint8Array).subarray(0, size);
    size = 0;
    return append(bytes);
  };
  await forEachChunk(source, iterator, signal, async (chunk) => {
    const bytes = chunkBytes(chunk, encoding);
    const length = byteLengthOf(bytes);
    if (length === 0) {
      return;
    }
    total += length;
    if (total > maxBytes) {
      throw tooLarge(given, total, maxBytes);
    }
    let own = bytes;
    if (size > 0 && size + length > GATHERED) {
      // The producer may reuse its memory while the flush is awaited.
      own = ownCopy(bytes, given);
      await flush();
    }
    if (length >= GATHERED) {
      await append(own);
      return;
    }
    gathered ??= new Uint8Array(GATHERED);
    gathered.set(own, size);
    size += length;
  });
  if (size > 0) {
    await flush();
  }
}

function chunkBytes(chunk: unknown, encoding: BufferEncoding): Uint8Array {
  const bytes = toBytes(chunk, encoding);
  if (bytes === undefined) {
    throw invalidType('data', 'an iterable whose chunks are of type string or an instance of Uint8Array', chunk);
  }
  return bytes;
}

export { closeSource };
