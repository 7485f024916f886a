// Reads of one batch share the directory that they open. On a file system other than that of `/`, the directory of a
// file has to be opened, to know its mount, before the file is opened: three of seven system calls of a small read.
//
// All calls of a batch begin before its directory is opened: no read finds a file where it was before the call.

import { direct } from '../native/direct.js';

export interface Batch {
  /** unique in this process, from 1 on */
  number: number;
  /** calls that have not used it yet */
  size: number;
}

/** The batch that calls of the current run of JavaScript join, and the promise that they await. */
let joinable: { batch: Batch; begins: Promise<Batch> } | undefined;
let lastNumber = 0;

/** Creates a batch for a number of calls. */
export function batchOf(size: number): Batch {
  lastNumber += 1;
  return { number: lastNumber, size };
}

/** Opens a batch for the reads that begin later in this run. */
export function openBatch() {
  if (joinable === undefined) {
    const batch = batchOf(0);
    joinable = { batch, begins: Promise.resolve(batch) };
    closeAtBegin(joinable.begins);
  }
}

/** Closes the batch when it begins: before its first call, which awaits the same promise. */
async function closeAtBegin(begins: Promise<Batch>) {
  await begins;
  joinable = undefined;
}

/** Joins the batch of this run; `undefined` if there is none. */
export function joinBatch(): Promise<Batch> | undefined {
  if (joinable !== undefined) {
    joinable.batch.size += 1;
  }
  return joinable?.begins;
}

/** Runs a call when its batch begins. `call` uses the batch before it returns. */
export async function inBatch<T>(begins: Promise<Batch>, call: (number: number) => T | Promise<T>): Promise<T> {
  const batch = await begins;
  let result;
  try {
    result = call(batch.number);
  } finally {
    leave(batch);
  }
  return result;
}

/** Takes a call out of its batch. The last one closes the directory. */
export function leave(batch: Batch) {
  batch.size -= 1;
  if (batch.size === 0) {
    direct().endBatch();
  }
}
