// Limits the work that asynchronous calls do on the calling thread in one turn of the event loop. A cached call costs
// microseconds, and a loop that awaits only such calls would starve timers and I/O.

import { timers } from '../base/node.js';
import { batchOf, leave, type Batch } from './read-batch.js';

// Captured at load: fake timers of test runners replace the global one.
const { setImmediate } = timers;

/** Cached calls in one turn of the event loop: about a millisecond of work. */
const ANSWERS = 256;
/** Bytes of content in one turn, which take as long. */
const BYTES = 8 * 1024 * 1024;

let left = ANSWERS;
let bytesLeft = BYTES;
let isCounting = false;

type Resume = (batch: Batch) => void;

/** Calls that wait for a turn, first in, first out; the next one is at `head`. */
let waiting: Resume[] = [];
let head = 0;
/** Calls that could not run in their turn, since calls before them had used it up: they are the next ones. */
let again: Resume[] = [];

function startOver() {
  left = ANSWERS;
  bytesLeft = BYTES;
  isCounting = false;
  const resumed = again;
  again = [];
  const end = Math.min(waiting.length, head + Math.max(0, ANSWERS - resumed.length));
  for (; head < end; head += 1) {
    resumed.push(waiting[head]);
  }
  if (head === waiting.length) {
    waiting = [];
    head = 0;
  }
  if (resumed.length > 0) {
    startCounting();
    const batch = batchOf(resumed.length);
    for (const resume of resumed) {
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

/** Returns whether one more call may run on the calling thread in this turn. Counts it if so. */
export function mayAnswerNow() {
  if (left <= 0 || !mayCopy() || waiting.length > 0 || again.length > 0) {
    return false;
  }
  startCounting();
  left -= 1;
  return true;
}

/**
 * Resolves in a later turn, when the call may run on the calling thread. It is counted.
 *
 * @param isFirst the call was counted in this turn: it comes before those that wait
 */
export async function nextTurn(isFirst: boolean): Promise<Batch> {
  startCounting();
  let batch = await new Promise<Batch>((resume) => (isFirst ? again : waiting).push(resume));
  while (left <= 0 || !mayCopy()) {
    leave(batch);
    batch = await new Promise<Batch>((resume) => again.push(resume));
  }
  left -= 1;
  return batch;
}

/** Returns whether more content may be copied in this turn. A call may have been counted before others copied theirs. */
export function mayCopy() {
  return bytesLeft > 0;
}

/** Charges the budget for copied bytes. */
export function charge(bytes: number) {
  bytesLeft -= bytes;
}
