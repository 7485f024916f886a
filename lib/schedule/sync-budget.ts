// Limits the work that asynchronous calls do on the calling thread in one turn of the event loop. A cached call costs
// microseconds, and a loop that awaits only such calls would starve timers and I/O.

import { timers } from '../base/node.js';
import { batchOf, type Batch } from './read-batch.js';

// Captured at load: fake timers of test runners replace the global one.
const { setImmediate } = timers;

/** Cached calls in one turn of the event loop: about two milliseconds of work. */
const ANSWERS = 256;
/** Bytes whose copy costs as much as one cached call. */
const BYTES = 32 * 1024;

let left = ANSWERS;
let isCounting = false;

/** Calls that wait for a turn, first in, first out; the next one is at `head`. */
let waiting: ((begins: Batch) => void)[] = [];
let head = 0;

function startOver() {
  left = ANSWERS;
  isCounting = false;
  const count = Math.min(ANSWERS, waiting.length - head);
  if (count === 0) {
    return;
  }
  startCounting();
  const batch = batchOf(count);
  for (const end = head + count; head < end; head += 1) {
    waiting[head](batch);
  }
  left -= count;
  if (head === waiting.length) {
    waiting = [];
    head = 0;
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
  if (left <= 0 || waiting.length > 0) {
    return false;
  }
  startCounting();
  left -= 1;
  return true;
}

/** Resolves in a later turn, when the call may run on the calling thread. It is counted. */
export function nextTurn(): Promise<Batch> {
  startCounting();
  return new Promise((resolve) => {
    waiting.push(resolve);
  });
}

/** Charges the budget for copied bytes. */
export function charge(bytes: number) {
  left -= bytes / BYTES;
}
