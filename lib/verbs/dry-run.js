'use strict';

// The verbs without their effect: each goes its own way in the binary, up to the first call that would change something.

const { OPT_OUT, isOptedOut } = require('./ensure-dir.js');
const { native } = require('../native/load.js');
const { ensureArguments, readArguments, writeArguments } = require('../options/flatten.js');
const record = require('../native/layout.js');

/** @typedef {{ numbers: Float64Array, error?: undefined } | { numbers?: undefined, error: any }} Rehearsed */

/**
 * @param {string} path
 * @returns {Rehearsed} until the next call of the binary
 */
function answerAbout(path) {
  const { last } = record;
  return record.failed(last) ? { error: record.failure(last, path) } : { numbers: last.numbers };
}

/** @param {string} path @param {object} [options] */
function rehearseEnsureDir(path, options) {
  const { flags, mode } = ensureArguments(options);
  native().rehearseEnsureDir(path, (flags | (isOptedOut() ? OPT_OUT : 0)) >>> 0, mode, record.scratch);
  return answerAbout(path);
}

/** @param {string} path @param {object} [options] */
function rehearseWrite(path, options) {
  const { flags, modes } = writeArguments(options);
  native().rehearseWrite(path, flags, modes, record.scratch);
  return answerAbout(path);
}

/** @param {string} path @param {object} [options] */
function rehearseRead(path, options) {
  const { flags, maxBytes } = readArguments(options);
  native().rehearseRead(path, flags, maxBytes, record.scratch);
  return answerAbout(path);
}

module.exports = { rehearseEnsureDir, rehearseRead, rehearseWrite };
