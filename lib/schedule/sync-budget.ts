// Limits the work that asynchronous calls do on the calling thread in one turn of the event loop. A cached call costs
// microseconds, and a loop that awaits only such calls would starve timers and I/O.

import { timers } from '../base/node.js';
import { native } from '../native/load.js';
import { batchOf, leave, type Batch } from './read-batch.js';

// Captured at load: fake timers of test runners replace the global one.
const { setImmediate } = timers;

/** Cached calls in one turn of the event loop: about a millisecond of work. */
const ANSWERS = 256;
/**
 * Calls that are counted before the end of the turn is awaited. An immediate costs ten microseconds or more, since it
 * keeps the event loop from waiting; a call that goes to the pool in the end would pay for it each time. Those calls
 * may be of earlier turns, so that a turn has fewer left.
 */
const UNAWAITED = 16;
/** Bytes of content in one turn, which take as long. */
const BYTES = 8 * 1024 * 1024;

let left = ANSWERS;
let bytesLeft = BYTES;
let isCounting = false;

interface Waiting {
  resume: (batch: Batch) => void;
  signal: AbortSignal | undefined;
}

/** Calls that wait for a turn, first in, first out; the next one is at `head`. */
let waiting: Waiting[] = [];
let head = 0;
/** Calls that could not run in their turn, since calls before them had used it up: they are the next ones. */
let again: Waiting[] = [];

/** Part of a turn that a call takes whose signal has aborted: it does nothing. */
const ABORTED = 1 / 16;

function startOver() {
  left = ANSWERS;
  bytesLeft = BYTES;
  isCounting = false;
  turn += 1;
  const resumed = again;
  again = [];
  for (let used = resumed.length; used < ANSWERS && head < waiting.length; head += 1) {
    const next = waiting[head];
    resumed.push(next);
    used += next.signal?.aborted ? ABORTED : 1;
  }
  if (head === waiting.length) {
    waiting = [];
    head = 0;
  }
  if (resumed.length > 0) {
    startCounting();
    if (waiting.length > 0) {
      endByJob().catch(() => {});
    }
    const batch = batchOf(resumed.length);
    for (const { resume } of resumed) {
      resume(batch);
    }
  }
}

function startCounting() {
  if (!isCounting) {
    isCounting = true;
    setImmediate(startOver);
  }
}

/** The number of the running turn. */
let turn = 0;
/** The last turn that a job ends. */
let ended = -1;

/**
 * Ends the turn where `setImmediate` does not: fake timers that were installed before this module was loaded replace it
 * in `node:timers` too, and calls that wait would wait for ever. Two jobs of the pool, one after the other, end in
 * different turns of the event loop.
 */
async function endByJob() {
  if (ended === turn) {
    return;
  }
  ended = turn;
  const number = turn;
  try {
    await native().idleAsync();
    await native().idleAsync();
  } finally {
    if (number === turn) {
      startOver();
    }
  }
}

/** Returns whether one more call may run on the calling thread in this turn. Counts it if so. */
export function mayAnswerNow() {
  if (left <= 0 || !mayCopy() || waiting.length > 0 || again.length > 0) {
    return false;
  }
  left -= 1;
  if (left < ANSWERS - UNAWAITED) {
    startCounting();
  }
  return true;
}

/**
 * Resolves in a later turn, when the call may run on the calling thread. It is counted.
 *
 * @param isFirst the call was counted in this turn: it comes before those that wait
 * @param signal of the call, which looks at it
 */
export async function nextTurn(isFirst: boolean, signal: AbortSignal | undefined): Promise<Batch> {
  let batch = await placeIn(isFirst ? again : waiting, signal);
  while (!signal?.aborted && (left <= 0 || !mayCopy())) {
    leave(batch);
    batch = await placeIn(again, signal);
  }
  if (!signal?.aborted) {
    left -= 1;
  }
  return batch;
}

function placeIn(queue: Waiting[], signal: AbortSignal | undefined): Promise<Batch> {
  startCounting();
  endByJob().catch(() => {});
  return new Promise((resume) => {
    queue.push({ resume, signal });
  });
}

/** Returns whether more content may be copied in this turn. A call may have been counted before others copied theirs. */
export function mayCopy() {
  return bytesLeft > 0;
}

/** Charges the budget for copied bytes. */
export function charge(bytes: number) {
  bytesLeft -= bytes;
}
