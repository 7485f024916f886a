'use strict';

// The values of options: their types and ranges, and the form in which the addon takes them.

const { optionsOf } = require('./names.js');
const { OPTIONS, OUTBOUND } = require('./schema.js');
const { invalidType, invalidValue, outOfRange, toBoolean, toChoice } = require('./validate.js');

/** @param {string} name */
function wordsOf(name) {
  return /** @type {Record<string, number>} */ (OPTIONS[name].words);
}

const POLICIES = wordsOf('symlinks');

const MAX_MODE = 0o777;
/**
 * @param {unknown} value
 * @param {string} name
 * @returns {number}
 */
function toMode(value, name) {
  if (typeof value !== 'number') {
    throw invalidType(name, 'of type number', value);
  }
  if (!Number.isInteger(value) || value < 0 || value > MAX_MODE) {
    throw outOfRange(name, 'an integer >= 0 and <= 0o777', value);
  }
  return value;
}

/**
 * @param {unknown} value
 * @param {number} fallback
 * @returns {number}
 */
function toMaxBytes(value, fallback) {
  if (value === undefined) {
    return fallback;
  }
  if (typeof value !== 'number') {
    throw invalidType('options.maxBytes', 'of type number', value);
  }
  if (value !== Infinity && (!Number.isSafeInteger(value) || value < 0)) {
    throw outOfRange('options.maxBytes', 'an integer >= 0 and <= 2 ** 53 - 1, or Infinity', value);
  }
  return value;
}

/**
 * @param {unknown} value
 * @returns {AbortSignal | undefined}
 */
function toSignal(value) {
  if (value === undefined) {
    return undefined;
  }
  const signal = /** @type {any} */ (value);
  if (
    signal === null ||
    typeof signal !== 'object' ||
    typeof signal.aborted !== 'boolean' ||
    typeof signal.throwIfAborted !== 'function' ||
    typeof signal.addEventListener !== 'function'
  ) {
    throw invalidType('options.signal', 'an instance of AbortSignal', value);
  }
  return signal;
}

/**
 * The policy's bits, and whether the options go together.
 *
 * @param {unknown} symlinks
 * @param {boolean} hasRoot
 * @returns {number}
 */
function toPolicy(symlinks, hasRoot) {
  const policy = toChoice(symlinks, 'options.symlinks', POLICIES, hasRoot ? POLICIES.reject : POLICIES['follow-parents']);
  if (policy === POLICIES['follow-within-root'] && !hasRoot) {
    throw invalidValue('options.symlinks', "needs the option 'root'", symlinks);
  }
  return policy;
}

/**
 * Bits of src/binding/read.rs, `rules`, for `outbound`.
 *
 * @param {unknown} value
 */
function toOutbound(value) {
  if (value === undefined || value === false) {
    return 0;
  }
  if (value === true) {
    return 1;
  }
  if (typeof value !== 'object' || value === null) {
    throw invalidType('options.outbound', 'of type boolean or object', value);
  }
  const { allowOwnerOnly } = optionsOf(value, OUTBOUND, 'options.outbound');
  return toBoolean(allowOwnerOnly, 'options.outbound.allowOwnerOnly', false) ? 3 : 1;
}

/** @param {unknown} value */
function toDurable(value) {
  if (value === undefined || value === true) {
    return 2;
  }
  if (value === 'file') {
    return 1;
  }
  if (value !== false) {
    throw typeof value === 'string'
      ? invalidValue('options.durable', "must be a boolean or 'file'", value)
      : invalidType('options.durable', "of type boolean or 'file'", value);
  }
  return 0;
}

/**
 * @param {unknown} value
 * @returns {BufferEncoding}
 */
function toEncoding(value) {
  if (value === undefined) {
    return 'utf8';
  }
  if (typeof value !== 'string') {
    throw invalidType('options.encoding', 'of type string', value);
  }
  if (!Buffer.isEncoding(value)) {
    throw invalidValue('options.encoding', 'is no encoding', value);
  }
  return value;
}

/**
 * The encoding of a read; `undefined` for a Buffer, which `null` and `'buffer'` ask for as well, as in Node.
 *
 * @param {unknown} value
 * @returns {BufferEncoding | undefined}
 */
function toReadEncoding(value) {
  return value === undefined || value === null || value === 'buffer' ? undefined : toEncoding(value);
}

module.exports = { toDurable, toEncoding, toMaxBytes, toMode, toOutbound, toPolicy, toReadEncoding, toSignal, wordsOf };
