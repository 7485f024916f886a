'use strict';

const { native } = require('./native.js');
const { scratch } = require('./record.js');

/** @typedef {import('./native-types.js').Direct} Direct */

/** @type {Direct | undefined} */
let functions;

/**
 * The verbs on the calling thread. They answer into the scratch memory of `record.js`, which they
 * are told of once, and throw nothing.
 *
 * @returns {Direct}
 */
function direct() {
  return (functions ??= native().direct(scratch));
}

module.exports = { direct };
