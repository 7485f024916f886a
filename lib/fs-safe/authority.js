'use strict';

// What a host wants to be asked before something changes.

const { FromCaller } = require('./errors.js');

/**
 * Calls back at once; what it throws ends the call as it is. A promise would come too late.
 *
 * @param {any} callback
 * @param {string} name
 * @param {unknown[]} [args]
 * @param {unknown} [receiver]
 */
function callBack(callback, name, args = [], receiver = undefined) {
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
    // Nobody awaits it, and its failure would end the process.
    answer.then(undefined, () => {});
    throw new TypeError(`${name} must be synchronous`);
  }
}

/**
 * What runs before every change: the root's own callback, then that of the call.
 *
 * @param {any[]} levels objects that may have one
 */
function authority(levels) {
  const asked = levels
    .filter((level) => level?.assertBeforeMutation !== undefined)
    .map((level) => ({ level, callback: level.assertBeforeMutation }));
  return () => {
    for (const { level, callback } of asked) {
      callBack(callback, 'assertBeforeMutation', [], level);
    }
  };
}

module.exports = { authority, callBack };
