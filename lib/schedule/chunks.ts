// Iterates over the chunks of a producer. A producer may be endless, never yield, or throw.

import { perfHooks, timers } from '../base/node.js';
import { onAbort } from './abort.js';
import type { SourceIterator } from './source.js';

// Captured at load: fake timers of test runners replace the clock too.
const now = perfHooks.performance.now.bind(perfHooks.performance);
const { setImmediate } = timers;

/**
 * Milliseconds until the loop yields to the event loop. A producer that never waits would starve timers and signals.
 */
const TURN_MS = 10;

/** Chunks between two reads of the clock. */
const CHUNKS_PER_LOOK = 16;

/** Calls `use` with each chunk and awaits it. Rejects as soon as the signal aborts, also while a chunk is awaited. */
export async function forEachChunk(iterator: SourceIterator, signal: AbortSignal | undefined, use: (chunk: unknown) => void | Promise<void>) {
  const interruptible = new Interruptible(signal);
  let count = 0;
  let turned = now();
  try {
    for (;;) {
      signal?.throwIfAborted();
      if (++count % CHUNKS_PER_LOOK === 0 && now() - turned > TURN_MS) {
        await new Promise((resolve) => setImmediate(resolve));
        turned = now();
        continue;
      }
      const step = await interruptible.wait(iterator.next());
      if (step.done) {
        return;
      }
      await use(await interruptible.wait(step.value));
    }
  } finally {
    interruptible.dispose();
  }
}

/**
 * Awaits values until a signal aborts. `Promise.race` with one long-lived promise would keep a reaction for each chunk.
 */
class Interruptible {
  /** rejects the current wait */
  #reject: ((reason: unknown) => void) | undefined;
  #remove: (() => void) | undefined;

  constructor(signal: AbortSignal | undefined) {
    this.#remove = signal && onAbort(signal, () => this.#reject?.(signal.reason));
  }

  /** Returns the value, or a promise of it. */
  wait<T>(value: T | PromiseLike<T>): T | Promise<T> {
    if (this.#remove === undefined || typeof (value as PromiseLike<T> | undefined)?.then !== 'function') {
      return value as T;
    }
    return new Promise((resolve, reject) => {
      this.#reject = reject;
      Promise.resolve(value).then(resolve, reject);
    });
  }

  dispose() {
    this.#remove?.();
  }
}
