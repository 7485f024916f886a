// The time that a wait has taken. Of each period in which this thread was busy or stopped, at most TICK_MS + SLACK_MS count.

import { perfHooks, timers } from '../base/node.js';

// Captured at load: fake timers of test runners replace the global ones.
const { setTimeout, clearTimeout } = timers;
const now = perfHooks.performance.now.bind(perfHooks.performance);

/** How often a wait looks at the clock, in milliseconds. */
const TICK_MS = 50;
/** Lateness of a timer that is no sign of a busy thread, in milliseconds. */
const SLACK_MS = 25;

let lost = 0;
let due = 0;
let waits = 0;
let timer: NodeJS.Timeout | undefined;

function tick() {
  lost = lostTime();
  due = now() + TICK_MS;
  timer = setTimeout(tick, TICK_MS);
}

/** Returns the milliseconds that this thread was busy or stopped during waits so far. */
export function lostTime() {
  return lost + (waits === 0 ? 0 : Math.max(0, now() - due - SLACK_MS));
}

/** Watches the time until {@link endWait}. */
export function beginWait() {
  waits += 1;
  if (waits === 1) {
    due = now() + TICK_MS;
    timer = setTimeout(tick, TICK_MS);
  }
}

export function endWait() {
  if (waits === 1) {
    lost = lostTime();
    clearTimeout(timer);
  }
  waits -= 1;
}

export { now };
