// Waits for a lock, without a thread: an attempt that does not block, then a timer.

import { timers } from '../base/node.js';
import { lockTimeout } from '../errors/holdfast-error.js';
import { onAbort } from '../schedule/abort.js';
import { locks, type Turn } from '../schedule/lock-queue.js';

// Captured at load: fake timers of test runners replace the global ones.
const { setTimeout, clearTimeout } = timers;

/** Pauses between two attempts, in milliseconds. */
const FIRST_PAUSE = 1;
const MAX_PAUSE_MS = 25;

/** What an attempt came to: its result, or the text about the holder. */
export type Attempt<T> = { value: T } | { holder: string };

export interface Contest<T> {
  turn: Turn;
  /** the path as the caller gave it */
  given: string;
  timeoutMs: number;
  signal: AbortSignal | undefined;
  attempt: () => Promise<Attempt<T>>;
  /** releases a result that nobody waits for any more */
  discard: (value: T) => unknown;
}

/**
 * Returns the next pause: half as long again as the last one, and up to a half shorter at random, so that processes do not
 * ask in step.
 */
export function pauseAfter(attempts: number) {
  const full = Math.min(MAX_PAUSE_MS, FIRST_PAUSE * 1.5 ** attempts);
  return Math.max(FIRST_PAUSE, full * (0.5 + Math.random() / 2));
}

/**
 * Calls `attempt` until it has a result, once the turn of the call has come. The turn is over after an error, and is the
 * caller's after a result.
 */
export function contend<T>(contest: Contest<T>): Promise<T> {
  const { turn, given, timeoutMs, signal, attempt, discard } = contest;
  return new Promise((resolve, reject) => {
    let isOver = false;
    let holder: string | undefined;
    let pause: NodeJS.Timeout | undefined;
    let removeListener: (() => void) | undefined;
    const end = (error: unknown) => {
      if (isOver) {
        return;
      }
      finish();
      if (turn.state !== 'asking' || pause !== undefined) {
        clearTimeout(pause);
        locks.leave(turn);
      }
      reject(error);
    };
    const limit = timeoutMs === Infinity || timeoutMs === 0 ? undefined : setTimeout(() => end(lockTimeout(given, holder)), timeoutMs);
    const finish = () => {
      isOver = true;
      clearTimeout(limit);
      removeListener?.();
    };
    removeListener = signal && onAbort(signal, () => end(signal.reason));
    const ask = async (attempts: number) => {
      pause = undefined;
      let result: Attempt<T>;
      try {
        result = await attempt();
      } catch (error) {
        locks.leave(turn);
        end(error);
        return;
      }
      if (isOver) {
        try {
          await ('value' in result ? discard(result.value) : undefined);
        } finally {
          locks.leave(turn);
        }
      } else if ('value' in result) {
        finish();
        resolve(result.value);
      } else {
        holder = result.holder === '' ? undefined : result.holder;
        pause = setTimeout(() => ask(attempts + 1), pauseAfter(attempts));
        if (timeoutMs === 0) {
          end(lockTimeout(given, holder));
        }
      }
    };
    if (isOver) {
      locks.leave(turn);
    } else if (turn.state === 'asking') {
      ask(0);
    } else {
      turn.onGranted = () => ask(0);
      if (timeoutMs === 0) {
        end(lockTimeout(given, undefined));
      }
    }
  });
}
