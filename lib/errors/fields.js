'use strict';

// The fields of a HoldfastError, and their checks.

const util = process.getBuiltinModule('node:util');
const { escapedLines } = require('../base/escape.js');
const { CODES, explain } = require('./messages.js');
const { table } = require('../base/text-table.js');

/** @typedef {import('./holdfast-error.js').Failure} Failure */

/**
 * What an error is made from, besides its code.
 *
 * @typedef {object} Fields
 * @property {string} [message]
 * @property {string} [path]
 * @property {number} [errno] negative
 * @property {string} [syscall]
 * @property {string} [sysCode]
 * @property {string} [remedy]
 * @property {number} [mode]
 * @property {number} [uid]
 * @property {number} [euid]
 * @property {boolean} [published]
 * @property {number} [size] bytes, as far as known
 * @property {number} [limit] bytes
 * @property {unknown} [cause]
 */

/** Fields of an error that a log line carries, in this order. */
const FIELDS = /** @type {const} */ ([
  'path',
  'errno',
  'syscall',
  'sysCode',
  'mode',
  'uid',
  'euid',
  'remedy',
  'published',
  'size',
  'limit',
]);

/** @type {Failure} */
const NO_FACTS = {
  code: '',
  detail: '',
  syscall: '',
  temporary: '',
  errno: 0,
  mode: undefined,
  uid: undefined,
  euid: undefined,
  size: undefined,
};

/** The type of each field. */
const TYPES = table({
  message: 'string',
  path: 'string',
  errno: 'number',
  syscall: 'string',
  sysCode: 'string',
  mode: 'number',
  uid: 'number',
  euid: 'number',
  remedy: 'string',
  published: 'boolean',
  size: 'number',
  limit: 'number',
});

/**
 * Checks what a HoldfastError is made from, since tests of other packages make them too. Returns its own fields, with message and remedy.
 *
 * @param {string} code
 * @param {Fields} fields
 * @returns {Fields & { message: string }}
 */
function checkedFields(code, fields) {
  if (typeof code !== 'string') {
    throw invalidType(`The "code" argument must be of type string. Received ${util.inspect(code, { depth: -1 })}`);
  }
  if (CODES[code] === undefined) {
    throw invalid(`The argument 'code' must be one of: ${Object.keys(CODES).join(', ')}. Received ${util.inspect(code)}`);
  }
  if (fields === null || typeof fields !== 'object' || Array.isArray(fields)) {
    throw invalidType(`The "fields" argument must be of type object. Received ${util.inspect(fields, { depth: -1 })}`);
  }
  const own = /** @type {Fields} */ ({ __proto__: null, ...fields });
  for (const [name, value] of Object.entries(own)) {
    const type = TYPES[name];
    if (type === undefined && name !== 'cause') {
      throw invalid(`The property 'fields.${escapedLines(name)}' must be one of: message, cause, ${FIELDS.join(', ')}`);
    }
    if (type !== undefined && value !== undefined && typeof value !== type) {
      throw invalidType(`The "fields.${name}" property must be of type ${type}. Received ${util.inspect(value, { depth: -1 })}`);
    }
  }
  return /** @type {any} */ (own.message === undefined ? Object.assign(own, explainFields(code, own)) : own);
}

/** @param {string} message */
function invalid(message) {
  return Object.assign(new TypeError(message), { code: 'ERR_INVALID_ARG_VALUE' });
}

/** @param {string} message */
function invalidType(message) {
  return Object.assign(new TypeError(escapedLines(message)), { code: 'ERR_INVALID_ARG_TYPE' });
}

/**
 * Message and remedy as a call would give them.
 *
 * @param {string} code
 * @param {Fields} fields
 */
function explainFields(code, { path: at, mode, uid, euid, limit, remedy: given }) {
  if (code === 'internal' || code === 'native-unavailable') {
    // These have no message without the facts of a call.
    return { message: `${code}: ${CODES[code].public}`, remedy: given };
  }
  const { message, remedy } = explain({ ...NO_FACTS, code, mode, uid, euid }, at, { maxBytes: limit });
  return { message, remedy: given ?? remedy };
}

module.exports = { FIELDS, NO_FACTS, checkedFields };
