// Streams content into one temporary, chunk by chunk.

import { discard } from './discard.js';
import { byteLengthOf, ownCopy, toBytes } from '../options/data.js';
import { forEachChunk } from '../schedule/chunks.js';
import { tooLarge } from '../errors/holdfast-error.js';
import { native, nativeForStages } from '../native/load.js';
import { writes, type Target } from '../schedule/write-queue.js';
import { inPool, untilIdle } from '../schedule/job-limit.js';
import record = require('../native/record.js');
import { invalidType } from '../options/validate.js';
import type { Handle } from '../native/binding.js';
import type { NativePath } from '../errors/failure.js';
import type { SourceIterator } from '../schedule/source.js';

/** Bytes to gather before an append. */
const GATHERED = 64 * 1024;

interface StreamArguments {
  /** the path as the caller gave it */
  given: string;
  /** the path as of the call */
  fixed: NativePath;
  flags: number;
  modes: number;
  encoding: BufferEncoding;
  root: Handle | undefined;
  signal: AbortSignal | undefined;
  /** returns the target as of the call */
  target: () => Target;
  cancel: Handle | undefined;
  /** limit in bytes; more data fail with `too-large` before publication */
  maxBytes?: number;
  /** called when the content is complete, right before publication; may throw */
  beforePublish: (() => void) | undefined;
  /** the caller already has a position in the write queue and a slot in the pool */
  isQueued?: boolean;
}

/** Writes the chunks of an iterator to a temporary and publishes it. Returns the record of the publication. */
export async function writeStream(iterator: SourceIterator, args: StreamArguments): Promise<record.Result> {
  const { given, fixed, flags, modes, root, signal, target, cancel, beforePublish, isQueued } = args;
  const [begun, stage] = await nativeForStages().stageBegin(fixed, flags, modes, root);
  if (stage === undefined) {
    throw record.failure(record.unpack(begun), given);
  }
  try {
    await appendAll(iterator, stage, args);
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
    // A stream enters the write queue when its data have ended.
    return await writes.queued(target(), beforePublish === undefined ? commit : () => inPool(commit));
  } catch (error) {
    await discard(stage);
    throw error;
  }
}

/** Appends all chunks. Gathers small ones in one buffer, because each append is a job in libuv's pool. */
async function appendAll(iterator: SourceIterator, stage: Handle, { given, encoding, signal, maxBytes = Infinity }: StreamArguments) {
  /** The binary copies the bytes during the call. */
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
  await forEachChunk(iterator, signal, async (chunk) => {
    const bytes = chunkBytes(chunk, encoding, given);
    const length = byteLengthOf(bytes);
    if (length === 0) {
      return;
    }
    total += length;
    if (total > maxBytes) {
      throw tooLarge(given, 'data', total, maxBytes);
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

function chunkBytes(chunk: unknown, encoding: BufferEncoding, given: string): Uint8Array {
  const bytes = toBytes(chunk, encoding, given);
  if (bytes === undefined) {
    throw invalidType('data', 'an iterable whose chunks are of type string or an instance of Uint8Array', chunk);
  }
  return bytes;
}
