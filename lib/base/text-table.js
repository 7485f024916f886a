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

/**
 * A table whose entries have no prototype either, so that a missing member is never found on `Object.prototype`.
 *
 * @template {object} V
 * @param {Record<string, V>} entries
 * @returns {Record<string, V>}
 */
function tableOfTables(entries) {
  return table(Object.fromEntries(Object.entries(entries).map(([name, entry]) => [name, Object.freeze({ __proto__: null, ...entry })])));
}

module.exports = { table, tableOfTables };
