// Callbacks of a host before a change.

import { FromCaller } from './errors.js';
import type { Unchecked } from './options.js';

/** Calls back synchronously. An exception ends the call unchanged; a promise is refused, as it would settle too late. */
export function callBack(callback: Unchecked, name: string, args: unknown[] = [], receiver: unknown = undefined) {
  if (callback === undefined) {
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
    answer.then(undefined, () => {});
    throw new TypeError(`${name} must be synchronous`);
  }
}

/**
 * What runs before every change: the root's own callback, then that of the call.
 *
 * @param levels objects that may have one
 */
export function authority(levels: Unchecked[]) {
  const asked = levels
    .filter((level) => level?.assertBeforeMutation !== undefined)
    .map((level) => ({ level, callback: level.assertBeforeMutation }));
  return () => {
    for (const { level, callback } of asked) {
      callBack(callback, 'assertBeforeMutation', [], level);
    }
  };
}
