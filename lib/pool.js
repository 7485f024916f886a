'use strict';

// Jobs for libuv's pool: so many at a time. Thousands handed over at once would keep the event
// loop busy with nothing but that; those that wait here cost a closure each, and no descriptor.

/** More than the pool has threads, so that none of them is ever idle for want of a job. */
const MOST = Math.max(128, 2 * (Number(process.env.UV_THREADPOOL_SIZE) || 0));

let running = 0;

/** @type {(() => void)[]} those that wait, the first to start at `head` */
let waiting = [];
let head = 0;

/** Whether a job would start at once. */
function hasRoom() {
  return running < MOST;
}

/**
 * Runs a job when there is room: in the same tick, if there is now.
 *
 * @template T
 * @param {() => Promise<T>} start
 * @returns {Promise<T>}
 */
async function inPool(start) {
  if (!hasRoom()) {
    await new Promise((resolve) => waiting.push(() => resolve(undefined)));
  }
  running += 1;
  try {
    return await start();
  } finally {
    running -= 1;
    startNext();
  }
}

function startNext() {
  if (head === waiting.length) {
    return;
  }
  const next = waiting[head];
  head += 1;
  if (head === waiting.length) {
    waiting = [];
    head = 0;
  }
  next();
}

module.exports = { hasRoom, inPool };
