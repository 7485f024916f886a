'use strict';

const path = require('node:path');
const util = require('node:util');
const { escapedForJson, escapedLines, quoted } = require('./escape.js');
const { CODES, explain } = require('./messages.js');

/** @typedef {import('./native-types.js').NativePath} NativePath */

/** The same symbol in every copy of the package. */
const BRAND = Symbol.for('holdfast.error');

/**
 * What an error is made from.
 *
 * @typedef {object} Details
 * @property {string} code
 * @property {string} message
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

class HoldfastError extends Error {
  /** @param {Details} details */
  constructor(details) {
    super(details.message, details.cause === undefined ? undefined : { cause: details.cause });
    /** @type {string} */
    this.code = details.code;
    /** @type {'policy' | 'operational'} */
    this.category = CODES[details.code]?.category ?? 'operational';
    for (const field of FIELDS) {
      if (details[field] !== undefined) {
        /** @type {any} */ (this)[field] = details[field];
      }
    }
  }

  /** For logs: everything but the stack and the cause. In `path`, what `JSON.stringify` leaves raw is escaped; the property itself is exact. */
  toJSON() {
    /** @type {Record<string, unknown>} */
    const json = { name: this.name, code: this.code, category: this.category, message: this.message };
    for (const field of FIELDS) {
      const value = /** @type {any} */ (this)[field];
      if (value !== undefined) {
        json[field] = typeof value === 'string' ? escapedForJson(value) : value;
      }
    }
    return json;
  }

  /** For response bodies: nothing that names a path, a user or a mode of this machine. */
  toPublic() {
    const known = CODES[this.code];
    /** @type {Record<string, unknown>} */
    const body = { code: this.code, category: this.category, message: known?.public ?? 'The file operation failed.' };
    if (known?.remedy !== undefined) {
      body.remedy = known.remedy;
    }
    return body;
  }
}

// On the prototype, as Error has its own: then it is no field of each error.
Object.defineProperty(HoldfastError.prototype, 'name', {
  value: 'HoldfastError',
  configurable: true,
  writable: true,
});
Object.defineProperty(HoldfastError.prototype, BRAND, { value: true });

/**
 * By brand, so that it also knows the errors of another copy of the package, also of one that was
 * loaded into another context and has its own class `Error`, as test runners do.
 *
 * @param {unknown} error
 * @returns {boolean}
 */
function isHoldfastError(error) {
  return (error instanceof Error || util.types.isNativeError(error)) && /** @type {any} */ (error)[BRAND] === true;
}

/** Errors made here. Only their stack traces may be changed: a signal's reason is its owner's. */
const ours = new WeakSet();

/**
 * @template {Error} E
 * @param {E} error
 * @returns {E}
 */
function own(error) {
  ours.add(error);
  return error;
}

/**
 * Has the stack trace begin where a function was called. For what a synchronous call throws.
 *
 * @param {unknown} error
 * @param {Function} called
 */
function atCaller(error, called) {
  if (error instanceof Error && ours.has(error)) {
    Error.captureStackTrace(error, called);
  }
  return error;
}

/** Marks our own lines of a stack trace; empty where a bundler has put us elsewhere. */
const OUR_FRAMES = path.basename(__dirname) === 'lib' ? __dirname + path.sep : '';

/**
 * The same for a promise: when it rejects, the stack has nothing but our own frames and, behind
 * them, whoever awaits.
 *
 * @param {unknown} error
 */
function withoutOurFrames(error) {
  if (OUR_FRAMES !== '' && error instanceof Error && ours.has(error) && typeof error.stack === 'string') {
    const lines = error.stack.split('\n');
    error.stack = lines.filter((line) => !(/^\s+at /.test(line) && line.includes(OUR_FRAMES))).join('\n');
  }
  return error;
}

/**
 * The promise of a call, or of an answer that is there already: an asynchronous function never
 * throws. What fails before anything was awaited has the caller on its stack.
 *
 * @template T
 * @param {() => T | Promise<T>} call
 * @param {Function} called
 * @returns {Promise<T>}
 */
function promised(call, called) {
  try {
    return Promise.resolve(call());
  } catch (error) {
    return Promise.reject(atCaller(error, called));
  }
}

/**
 * The promise of work that has begun.
 *
 * @template T
 * @param {Promise<T>} work
 * @returns {Promise<T>}
 */
async function pending(work) {
  try {
    return await work;
  } catch (error) {
    throw withoutOurFrames(error);
  }
}

/**
 * Name and message of an errno, as libuv has them. A number without a name keeps its number.
 *
 * @param {number} errno negative
 * @returns {[name: string, message: string]}
 */
function describeErrno(errno) {
  const known = util.getSystemErrorMap().get(errno);
  const unknown = `Unknown system error ${errno}`;
  return known ?? [unknown, unknown];
}

/**
 * The error that `node:fs` would throw, but for its message, in which the paths are escaped.
 *
 * @param {number} errno negative
 * @param {string} syscall
 * @param {NativePath} given
 * @param {string} [dest]
 */
function systemError(errno, syscall, given, dest) {
  const path = shown(given);
  const [code, said] = describeErrno(errno);
  let message = `${code}: ${said}, ${syscall} ${quoted(path)}`;
  if (dest !== undefined) {
    message += ` -> ${quoted(dest)}`;
  }
  const error = /** @type {NodeJS.ErrnoException & { dest?: string }} */ (new Error(message));
  error.errno = errno;
  error.code = code;
  error.syscall = syscall;
  error.path = path;
  if (dest !== undefined) {
    error.dest = dest;
  }
  return own(error);
}

/**
 * Facts of a failure, as the binary gives them.
 *
 * @typedef {object} Failure
 * @property {string} code empty for an error of the system
 * @property {string} detail which of the code's cases it is
 * @property {string} syscall
 * @property {string} temporary path of the temporary, for a failed rename
 * @property {number} errno positive, or 0
 * @property {number | undefined} mode
 * @property {number | undefined} uid
 * @property {number | undefined} euid
 */

/**
 * The error for a failure.
 *
 * @param {Failure} failure
 * @param {NativePath} given the path as the caller gave it
 * @param {import('./messages.js').Context} [context]
 * @returns {Error}
 */
function toError(failure, given, context) {
  const path = shown(given);
  const errno = -failure.errno;
  if (failure.code === '') {
    return failure.temporary === ''
      ? systemError(errno, failure.syscall, path)
      : systemError(errno, failure.syscall, failure.temporary, path);
  }
  const { message, remedy } = explain(failure, path, context);
  /** @type {Details} */
  const details = {
    code: failure.code,
    message,
    path,
    remedy,
    mode: failure.mode === undefined ? undefined : failure.mode & 0o7777,
    uid: failure.uid,
    euid: failure.euid,
  };
  if (failure.code === 'not-durable') {
    details.published = true;
  }
  if (failure.errno !== 0) {
    const cause = systemError(errno, failure.syscall, path);
    details.errno = errno;
    details.syscall = failure.syscall;
    details.sysCode = cause.code;
    details.cause = cause;
  }
  return own(new HoldfastError(details));
}

/**
 * A refusal that needs no system call.
 *
 * @param {string} code
 * @param {string} detail
 * @param {NativePath | undefined} given
 * @param {unknown} [cause]
 */
function refusal(code, detail, given, cause) {
  const path = given === undefined ? undefined : shown(given);
  /** @type {Failure} */
  const failure = {
    code,
    detail,
    syscall: '',
    temporary: '',
    errno: 0,
    mode: undefined,
    uid: undefined,
    euid: undefined,
  };
  const { message, remedy } = explain(failure, path);
  return own(new HoldfastError({ code, message, path, remedy, cause: printable(cause) }));
}

/**
 * Escapes message and stack of an error that Node made for this package alone.
 *
 * @template T
 * @param {T} error
 * @returns {T}
 */
function printable(error) {
  if (error instanceof Error) {
    const { message, stack } = error;
    error.message = escapedLines(message);
    if (typeof stack === 'string') error.stack = escapedLines(stack);
  }
  return error;
}

/**
 * The refusal of data that exceed `maxBytes`.
 *
 * @param {NativePath} given
 * @param {number} size bytes so far
 * @param {number} limit bytes
 */
function tooLarge(given, size, limit) {
  const path = shown(given);
  /** @type {Failure} */
  const failure = { code: 'too-large', detail: 'data', syscall: '', temporary: '', errno: 0, mode: undefined, uid: undefined, euid: undefined };
  const { message, remedy } = explain(failure, path, { maxBytes: limit });
  return own(new HoldfastError({ code: 'too-large', message, path, remedy, size, limit }));
}

/**
 * A path as a string, for results and errors. Bytes that are not UTF-8 become U+FFFD.
 *
 * @param {NativePath} given
 * @returns {string}
 */
function shown(given) {
  return typeof given === 'string' ? given : Buffer.from(given.buffer, given.byteOffset, given.byteLength).toString();
}

module.exports = { HoldfastError, atCaller, isHoldfastError, own, pending, printable, promised, refusal, shown, systemError, toError, tooLarge };
