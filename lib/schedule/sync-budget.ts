// What an asynchronous call may do on the calling thread: little at a time. An answer from memory
// costs microseconds there, but a thousand of them in one turn of the event loop would keep it
// from everything else, and a loop that awaits nothing but such answers would never let it turn.

import { timers } from '../base/node.js';

// As it is now: tests replace the global one.
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
