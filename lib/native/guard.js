'use strict';

const { refusal } = require('../errors/holdfast-error.js');

/** @typedef {import('./binding.js').Native} Native */

/**
 * The binary answers errors as records. What it throws all the same is a defect of ours: a panic
 * beside the core, or arguments that this layer should not have passed.
 *
 * @param {Native} binary
 * @returns {Native}
 */
function shielded(binary) {
  return /** @type {any} */ (Object.fromEntries(Object.entries(binary).map(([name, call]) => [name, shield(call)])));
}

/**
 * The arguments have names, as this is on the way of every call. No export of the binary takes more.
 *
 * @param {any} call
 */
function shield(call) {
  /** @param {any} [a] @param {any} [b] @param {any} [c] @param {any} [d] @param {any} [e] @param {any} [f] @param {any} [g] @param {any} [h] */
  return (a, b, c, d, e, f, g, h) => {
    try {
      return call(a, b, c, d, e, f, g, h);
    } catch (error) {
      throw refusal('internal', error instanceof Error ? error.message : String(error), undefined, error);
    }
  };
}

module.exports = { shielded };
