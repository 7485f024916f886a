// Limits the work that asynchronous calls do on the calling thread in one turn of the event loop. A cached call costs
// microseconds, and a loop that awaits only such calls would starve timers and I/O.

import { timers } from '../base/node.js';

// Captured at load: fake timers of test runners replace the global one.
const { setImmediate } = timers;

/** Cached calls in one turn of the event loop: about two milliseconds of work. */
const ANSWERS = 256;
/** Bytes whose copy costs as much as one cached call. */
const BYTES = 32 * 1024;

let left = ANSWERS;
let isCounting = false;

function startOver() {
  left = ANSWERS;
  isCounting = false;
}

/** Returns whether one more call may run on the calling thread in this turn. Counts it if so. */
export function mayAnswerNow() {
  if (left <= 0) {
    return false;
  }
  if (!isCounting) {
    isCounting = true;
    setImmediate(startOver);
  }
  left -= 1;
  return true;
}

/** Charges the budget for copied bytes. */
export function charge(bytes: number) {
  left -= bytes / BYTES;
}
