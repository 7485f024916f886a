'use strict';

// Errors as answers to a client: a status, and a body without paths, ids and options of the operator.

const os = process.getBuiltinModule('node:os');
const util = process.getBuiltinModule('node:util');
const { isHoldfastError } = require('./errors.js');
const { CODES } = require('./messages.js');
const { table } = require('./table.js');

/** Status by code. Any other policy code is 403, any other operational one 500. */
const STATUS = table({
  'invalid-path': 400,
  'not-found': 404,
  'already-exists': 409,
  conflict: 409,
  'path-mismatch': 409,
  'too-large': 413,
  'lock-timeout': 423,
});

/**
 * Failures of the system, by the name of the errno. `as` is the code of a HoldfastError that means the same to a client.
 *
 * @type {Record<string, { status: number, as?: string, message?: string, remedy?: string }>}
 */
const SYSTEM = table({
  ENOENT: { status: 404, as: 'not-found' },
  EEXIST: { status: 409, as: 'already-exists' },
  ENAMETOOLONG: { status: 400, as: 'invalid-path' },
  EACCES: { status: 403, message: 'The service has no access to the file.' },
  EPERM: { status: 403, message: 'The system does not permit the operation.' },
  EROFS: { status: 403, message: 'The storage is read-only.' },
  ENOSPC: { status: 507, message: 'The storage is full.' },
  EDQUOT: { status: 507, message: 'The quota of the storage is used up.' },
  EMFILE: { status: 503, message: 'The service is busy.', remedy: 'Try again later.' },
  ENFILE: { status: 503, message: 'The service is busy.', remedy: 'Try again later.' },
});

/** The errno of EDQUOT, for which libuv has no name. */
const { EDQUOT } = os.constants.errno;

/**
 * The name of the errno of a failed file operation, or `undefined` for any other value: `node:fs` sets `errno` and `syscall`.
 *
 * @param {any} error
 * @returns {string | undefined}
 */
function errnoName(error) {
  if (!(error instanceof Error || util.types.isNativeError(error))) {
    return undefined;
  }
  const { errno, syscall, code } = /** @type {NodeJS.ErrnoException} */ (error);
  if (typeof errno !== 'number' || typeof syscall !== 'string') {
    return undefined;
  }
  return errno === -EDQUOT ? 'EDQUOT' : code;
}

/**
 * The code of an error to a client: that of a HoldfastError, or the one that a failure of the system stands for.
 *
 * @param {any} error
 * @returns {string | undefined}
 */
function codeOf(error) {
  if (isHoldfastError(error)) {
    return error.code;
  }
  const name = errnoName(error);
  return name === undefined ? undefined : SYSTEM[name]?.as;
}

/**
 * Whether an error says that the file or directory does not exist.
 *
 * @param {unknown} error
 */
function isNotFound(error) {
  return codeOf(error) === 'not-found';
}

/**
 * The HTTP status for an error of a file operation; 500 for any other value.
 *
 * @param {unknown} error
 * @returns {number}
 */
function httpStatus(error) {
  if (isHoldfastError(error)) {
    const { code, category } = /** @type {any} */ (error);
    return STATUS[code] ?? (category === 'policy' ? 403 : 500);
  }
  const name = errnoName(error);
  return name === undefined ? 500 : (SYSTEM[name]?.status ?? 500);
}

/**
 * The body of a response to a client.
 *
 * @param {any} error
 */
function toPublicError(error) {
  const code = codeOf(error);
  if (code !== undefined) {
    const known = CODES[code];
    const category = known?.category ?? (error.category === 'policy' ? 'policy' : 'operational');
    return body(code, category, known?.public ?? 'The file operation failed.', known?.remedy);
  }
  const name = errnoName(error);
  const known = name === undefined ? undefined : SYSTEM[name];
  return known?.message === undefined
    ? body('internal', 'operational', CODES.internal.public, undefined)
    : body(/** @type {string} */ (name), 'operational', known.message, known.remedy);
}

/**
 * @param {string} code
 * @param {string} category
 * @param {string} message
 * @param {string | undefined} remedy
 */
function body(code, category, message, remedy) {
  return remedy === undefined ? { code, category, message } : { code, category, message, remedy };
}

module.exports = { httpStatus, isNotFound, toPublicError };
