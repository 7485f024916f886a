'use strict';

// Runs a function that is written once for both twins: a generator that yields each step as a function to call.

/**
 * Runs the steps on the calling thread.
 *
 * @template T
 * @param {Generator<(verbs: any) => any, T, any>} steps
 * @param {any} [verbs] handed to each step
 * @returns {T}
 */
function runNow(steps, verbs) {
  for (let next = steps.next(); ; ) {
    if (next.done) {
      return next.value;
    }
    let value;
    try {
      value = next.value(verbs);
    } catch (error) {
      next = steps.throw(error);
      continue;
    }
    next = steps.next(value);
  }
}

/**
 * Runs the steps one after another, and awaits each.
 *
 * @template T
 * @param {Generator<(verbs: any) => any, T, any>} steps
 * @param {any} [verbs] handed to each step
 * @returns {Promise<T>}
 */
async function runLater(steps, verbs) {
  for (let next = steps.next(); ; ) {
    if (next.done) {
      return next.value;
    }
    let value;
    try {
      value = await next.value(verbs);
    } catch (error) {
      next = steps.throw(error);
      continue;
    }
    next = steps.next(value);
  }
}

module.exports = { runLater, runNow };
