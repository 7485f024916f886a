// Calls a host's callbacks before a change.

import { FromCaller } from './errors.js';
import type { Unchecked } from './options.js';

/**
 * Calls a callback synchronously. An exception ends the call unchanged. A promise is refused, because it would settle
 * too late.
 */
export function callBack(callback: Unchecked, name: string, args: unknown[] = [], receiver: unknown = undefined) {
  if (callback === undefined || callback === null) {
    return;
  }
  let answer;
  try {
    answer = callback.apply(receiver, args);
  } catch (error) {
    throw new FromCaller(error);
  }
  if (typeof answer?.then === 'function') {
    // An unhandled rejection would end the process.
    Promise.resolve(answer).catch(() => {});
    throw new TypeError(`${name} must be synchronous`);
  }
}

/** Calls a callback synchronously and ignores its result, as the original does with `beforeRename`. */
export function callBefore<Params>(callback: (params: Params) => unknown, params: Params) {
  try {
    callback(params);
  } catch (error) {
    throw new FromCaller(error);
  }
}

/**
 * Returns a function that runs before every change: it calls the root's callback, then that of the call.
 *
 * @param levels objects that may have a callback
 */
export function beforeMutation(levels: Unchecked[]) {
  const asked = levels
    .filter((level) => Boolean(level?.assertBeforeMutation))
    .map((level) => ({ level, callback: level.assertBeforeMutation }));
  return () => {
    for (const { level, callback } of asked) {
      callBack(callback, 'assertBeforeMutation', [], level);
    }
  };
}
