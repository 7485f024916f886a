// Limits the work that asynchronous calls do on the calling thread in one turn of the event loop. A cached answer costs microseconds,
// and a loop that awaits only such answers would starve timers and I/O.

import { timers } from '../base/node.js';

// Captured at load: fake timers of test runners replace the global one.
const { setImmediate } = timers;

/** Answers in one turn of the event loop: some two milliseconds of work. */
const ANSWERS = 256;
/** Bytes that cost as much as one answer. */
const BYTES = 32 * 1024;

let left = ANSWERS;
let isCounting = false;

function startOver() {
  left = ANSWERS;
  isCounting = false;
}

/** Whether one more answer may be given in this turn. */
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

/** @param bytes that an answer has copied */
export function charge(bytes: number) {
  left -= bytes / BYTES;
}
