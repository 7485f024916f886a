'use strict';

const { native } = require('./load.js');
const { scratch } = require('./layout.js');

/** @typedef {import('./binding.js').Direct} Direct */

/** @type {Direct | undefined} */
let functions;

/**
 * The verbs on the calling thread. They answer into the scratch memory of `layout`, which they
 * are told of once, and throw nothing.
 *
 * @returns {Direct}
 */
function direct() {
  return (functions ??= native().direct(scratch));
}

module.exports = { direct };
