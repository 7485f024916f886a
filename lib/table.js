'use strict';

/**
 * A table to look names up in that nobody but us can have put anything into: it has no prototype.
 *
 * @template V
 * @param {Record<string, V>} entries
 * @returns {Record<string, V>}
 */
function table(entries) {
  return Object.freeze(Object.assign(Object.create(null), entries));
}

module.exports = { table };
