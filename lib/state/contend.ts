// Waits for a lock, without a thread: an attempt that does not block, then a timer.

import { timers } from '../base/node.js';
import { atAwait, lockTimeout } from '../errors/holdfast-error.js';
import { onAbort } from '../schedule/abort.js';
import { locks, type Turn } from '../schedule/lock-queue.js';
import { beginWait, endWait, lostTime, now } from './clock.js';
import { holderText, isAboutThisProcess } from './holder.js';

// Captured at load: fake timers of test runners replace the global ones.
const { setTimeout, clearTimeout, setImmediate } = timers;

/** Pauses between two attempts, in milliseconds. */
const FIRST_PAUSE = 1;
const MAX_PAUSE_MS = 25;

/** What an attempt came to: its result, or the text about the holder with device and inode of the lock file. */
export type Attempt<T> = { value: T } | { holder: string; lock: string };

export interface Contest<T> {
  turn: Turn;
  /** the path as the caller gave it */
  given: string;
  timeoutMs: number;
  signal: AbortSignal | undefined;
  attempt: () => Promise<Attempt<T>>;
  /** releases what an attempt opened after its call ended */
  discard?: () => unknown;
  /** returns false at an abort that is too late: the attempt that runs does what cannot be undone */
  mayEnd?: (() => boolean) | undefined;
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
 *
 * The time limit ends the wait for others alone. An attempt that runs is waited for, and one more is made where the time has
 * passed during a pause. Of each period in which this thread was busy or stopped, only the first 0.1 s counts.
 */
export async function contend<T>(contest: Contest<T>): Promise<T> {
  try {
    return await wait(contest);
  } catch (error) {
    throw atAwait(error);
  }
}

function wait<T>(contest: Contest<T>): Promise<T> {
  const { turn, given, timeoutMs, signal, attempt, discard, mayEnd } = contest;
  return new Promise((resolve, reject) => {
    let isOver = false;
    let isExpired = timeoutMs === 0;
    let isAsking = false;
    let attempts = 0;
    let holder: string | undefined;
    let lock: string | undefined;
    let pause: NodeJS.Timeout | undefined;
    let limit: NodeJS.Timeout | undefined;
    let removeListener: (() => void) | undefined;
    let startedAt: number | undefined;
    /** the time lost before this wait */
    let lostBefore = 0;
    /** Starts the time limit when others are found. A call whose first attempt succeeds has no timer. */
    const startLimit = () => {
      if (startedAt === undefined && timeoutMs !== Infinity && timeoutMs !== 0) {
        beginWait();
        lostBefore = lostTime();
        startedAt = now();
        limit = setTimeout(expire, timeoutMs);
      }
    };
    const timedOut = () => {
      const own = locks.holderBefore(turn, lock);
      return lockTimeout(given, own === undefined ? holder : holderText().toString(), own, isAboutThisProcess(holder));
    };
    const finish = () => {
      isOver = true;
      if (startedAt !== undefined) {
        endWait();
      }
      clearTimeout(limit);
      clearTimeout(pause);
      removeListener?.();
    };
    const end = (error: unknown) => {
      if (isOver) {
        return;
      }
      finish();
      if (isAsking) {
        locks.end(turn);
      } else {
        locks.leave(turn);
      }
      reject(error);
    };
    const abort = () => {
      if (mayEnd?.() !== false) {
        end(signal?.reason);
      }
    };
    /**
     * Ends a call whose time is over before its turn. After one turn of the event loop: the call before may have ended,
     * unnoticed by a thread that was busy, and a program that asks in a loop has to get to its timers. An attempt of a call
     * before is waited for: the lock may be free, or shared with it.
     */
    const endWaiting = () => {
      setImmediate(() => {
        if (turn.state !== 'waiting') {
          return;
        }
        const before = locks.attemptBefore(turn);
        if (before === undefined) {
          end(timedOut());
        } else {
          before.then(endWaiting);
        }
      });
    };
    const expire = () => {
      // A timer that fires late has used up a part of the time lost: what is left counts from now.
      const left = (startedAt as number) + timeoutMs + (lostTime() - lostBefore) - now();
      if (left > 0) {
        limit = setTimeout(expire, left);
        return;
      }
      isExpired = true;
      if (turn.state === 'waiting') {
        endWaiting();
      } else if (!isAsking) {
        clearTimeout(pause);
        ask();
      }
    };
    const ask = () => {
      const ended = () => {
        turn.attempt = undefined;
      };
      turn.attempt = askOnce().then(ended, ended);
    };
    const askOnce = async (): Promise<void> => {
      isAsking = true;
      const wasExpired = isExpired;
      let result: Attempt<T> | undefined;
      let failed: unknown;
      try {
        result = await attempt();
      } catch (error) {
        failed = error;
      }
      isAsking = false;
      if (isOver) {
        try {
          await discard?.();
        } finally {
          locks.leave(turn);
        }
      } else if (result === undefined) {
        end(failed);
      } else if ('value' in result) {
        finish();
        resolve(result.value);
      } else {
        holder = result.holder === '' ? undefined : result.holder;
        lock = result.lock;
        if (signal?.aborted) {
          end(signal.reason);
        } else if (isExpired && wasExpired) {
          end(timedOut());
        } else if (isExpired) {
          // The answer may be as old as the time that this thread was busy.
          await askOnce();
        } else {
          startLimit();
          pause = setTimeout(ask, pauseAfter(attempts));
          attempts += 1;
        }
      }
    };
    removeListener = signal && onAbort(signal, abort);
    if (isOver) {
      removeListener?.();
    } else if (turn.state === 'asking') {
      ask();
    } else {
      turn.onGranted = ask;
      startLimit();
      if (isExpired) {
        endWaiting();
      }
    }
  });
}
