'use strict';

// Removes what killed processes left behind.

const { pending, promised, shown } = require('../errors/holdfast-error.js');
const { native } = require('../native/load.js');
const { pathForLater, toPath } = require('../options/paths.js');
const { inPool } = require('../schedule/job-limit.js');
const record = require('../native/layout.js');
const { CLEAN } = require('../options/schema.js');
const { optionsOf } = require('../options/names.js');
const { invalidType, noCallback, outOfRange } = require('../options/validate.js');

/** @param {unknown} value */
function toAge(value) {
  if (typeof value !== 'number') {
    throw invalidType('options.olderThanMs', 'of type number', value);
  }
  if (!(value >= 0)) {
    throw outOfRange('options.olderThanMs', 'a number >= 0', value);
  }
  return value;
}

/**
 * @param {unknown} dir
 * @param {unknown} options
 */
async function removeStale(dir, options) {
  const path = toPath(dir, 'dir');
  const olderThanMs = toAge(optionsOf(options, CLEAN).olderThanMs);
  const given = shown(path);
  const [answer, removed] = await inPool(() => native().removeStaleAsync(pathForLater(path, false), olderThanMs));
  if (removed === undefined) {
    throw record.failure(record.unpack(answer), given);
  }
  return removed.map((one) => record.realPath(record.unpack(one), given, undefined));
}

/**
 * @param {unknown} dir
 * @param {unknown} options
 * @param {unknown} [callback] refused
 */
function cleanStaleTemporaries(dir, options, callback = undefined) {
  return promised(() => {
    noCallback(callback);
    return pending(removeStale(dir, options));
  }, cleanStaleTemporaries);
}

module.exports = { cleanStaleTemporaries };
