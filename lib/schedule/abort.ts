import { own } from '../errors/holdfast-error.js';
import { native } from '../native/load.js';

/** The callbacks of a signal and its single listener. Node warns of a leak from the eleventh listener on. */
interface Registration {
  callbacks: Set<() => void>;
  listener: () => void;
}

const registrations: WeakMap<AbortSignal, Registration> = new WeakMap();

/**
 * Calls `callback` when `signal` aborts, or at once if it is already aborted.
 *
 * @param callback throws nothing; each call passes a new function
 * @returns a function that removes the callback, and the listener with the last callback
 */
export function onAbort(signal: AbortSignal, callback: () => void): () => void {
  if (signal.aborted) {
    callback();
    return () => {};
  }
  const { callbacks, listener } = registrations.get(signal) ?? listen(signal);
  callbacks.add(callback);
  return () => {
    if (callbacks.delete(callback) && callbacks.size === 0) {
      registrations.delete(signal);
      signal.removeEventListener('abort', listener);
    }
  };
}

function listen(signal: AbortSignal): Registration {
  const callbacks: Set<() => void> = new Set();
  const listener = () => {
    registrations.delete(signal);
    const called = [...callbacks];
    callbacks.clear();
    for (const callback of called) {
      callback();
    }
  };
  const registration = { callbacks, listener };
  registrations.set(signal, registration);
  signal.addEventListener('abort', listener, { once: true });
  return registration;
}

/**
 * Returns the result of `work`, or rejects with the signal's reason as soon as the signal aborts. The work continues
 * and its result is discarded.
 *
 * @param discard releases a result that comes after the abort; may return a promise
 */
export function abortable<T>(signal: AbortSignal | undefined, work: Promise<T>, discard?: (result: T) => unknown): Promise<T> {
  if (signal === undefined) {
    return work;
  }
  return new Promise((resolve, reject) => {
    let isAborted = false;
    const remove = onAbort(signal, () => {
      isAborted = true;
      reject(signal.reason);
    });
    work.then(
      (result) => {
        remove();
        if (!isAborted) {
          resolve(result);
        } else if (discard !== undefined) {
          Promise.resolve(discard(result)).catch(() => {});
        }
      },
      (error) => {
        remove();
        reject(error);
      },
    );
  });
}

/** Creates a cancel flag in the binary. The signal raises it, and a raised flag stops a write before publication. */
export function cancelOn(signal: AbortSignal) {
  const handle = native().cancelNew();
  return { handle, dispose: onAbort(signal, () => native().cancelRaise(handle)) };
}

/** Creates the error of a call that a signal stopped on its way, as `node:fs` does, with what the call had done. */
export function abortError(signal: AbortSignal, done: { removed: number } | { copied: number }) {
  const error = new Error('The operation was aborted', { cause: signal.reason });
  error.name = 'AbortError';
  return own(Object.assign(error, { code: 'ABORT_ERR' }, done));
}
