'use strict';

const path = process.getBuiltinModule('node:path');
const util = process.getBuiltinModule('node:util');
const { FIELDS, NO_FACTS, checkedFields } = require('./fields.js');
const { escapedForJson, escapedLines, quoted } = require('../base/escape.js');
const { DIST } = require('../base/location.js');
const { CODES, explain } = require('./messages.js');

/** @typedef {import('../native/binding.js').NativePath} NativePath */
/** @typedef {import('./fields.js').Fields} Fields */

/** The same symbol in every copy of the package. */
const BRAND = Symbol.for('holdfast.error');

class HoldfastError extends Error {
  /**
   * @param {string} code
   * @param {Fields} [fields] without a message, it and the remedy are those of the code
   */
  constructor(code, fields = {}) {
    const own = checkedFields(code, fields);
    const { cause, message } = own;
    super(message, cause === undefined ? undefined : { cause });
    /** @type {string} */
    this.code = code;
    this.category = CODES[code].category;
    for (const field of FIELDS) {
      const value = own[field];
      if (value !== undefined) {
        /** @type {any} */ (this)[field] = value;
      }
    }
  }

  /** For logs: everything but the stack and the cause. In `path`, what `JSON.stringify` leaves raw is escaped; the property itself is exact. */
  toJSON() {
    /** @type {Record<string, unknown>} */
    const json = { name: this.name, code: this.code, category: this.category, message: this.message };
    for (const field of FIELDS) {
      const value = Object.hasOwn(this, field) ? /** @type {any} */ (this)[field] : undefined;
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
  try {
    return isError(error) && /** @type {any} */ (error)[BRAND] === true;
  } catch {
    // A getter or a trap of a Proxy threw.
    return false;
  }
}

/**
 * Whether a value is an Error, also one of another context. Throws what a trap of a Proxy throws.
 *
 * @param {unknown} value
 * @returns {value is Error}
 */
function isError(value) {
  return util.types.isNativeError(value) || value instanceof Error;
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
  for (const each of [error, causeOf(error)]) {
    if (each instanceof Error && ours.has(each)) {
      Error.captureStackTrace(each, called);
    }
  }
  return error;
}

/** @param {unknown} error */
function causeOf(error) {
  return error instanceof HoldfastError ? error.cause : undefined;
}

/** Marks the lines of this package in a stack trace; empty in a bundle. */
const OUR_FRAMES = DIST === '' ? '' : DIST + path.sep;

/**
 * The same for a promise: when it rejects, the stack has nothing but our own frames and, behind
 * them, whoever awaits.
 *
 * @param {unknown} error
 */
function withoutOurFrames(error) {
  for (const each of [error, causeOf(error)]) {
    if (OUR_FRAMES !== '' && each instanceof Error && ours.has(each) && typeof each.stack === 'string') {
      const lines = each.stack.split('\n');
      each.stack = lines.filter((line) => !(/^\s+at /.test(line) && line.includes(OUR_FRAMES))).join('\n');
    }
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

/** Node makes a new map at each call. @type {Map<number, [string, string]> | undefined} */
let errnos;

/**
 * Name and message of an errno, as libuv has them. A number without a name keeps its number.
 *
 * @param {number} errno negative
 * @returns {[name: string, message: string]}
 */
function describeErrno(errno) {
  errnos ??= util.getSystemErrorMap();
  const known = errnos.get(errno);
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
 * @property {number | undefined} size bytes of the object
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
  /** @type {Fields} */
  const fields = {
    message,
    path,
    remedy,
    mode: failure.mode === undefined ? undefined : failure.mode & 0o7777,
    uid: failure.uid,
    euid: failure.euid,
    size: failure.size,
  };
  if (failure.code === 'not-durable' || (failure.code === 'path-mismatch' && failure.detail === 'published')) {
    fields.published = true;
  }
  if (failure.code === 'too-large' && failure.detail !== 'memory') {
    fields.limit = context?.maxBytes;
  }
  if (failure.errno !== 0) {
    const cause = systemError(errno, failure.syscall, path);
    fields.errno = errno;
    fields.syscall = failure.syscall;
    fields.sysCode = cause.code;
    fields.cause = cause;
  }
  return own(new HoldfastError(failure.code, fields));
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
  const { message, remedy } = explain({ ...NO_FACTS, code, detail }, path);
  if (cause instanceof Error && code !== 'internal') {
    own(cause);
  }
  return own(new HoldfastError(code, { message, path, remedy, cause: printable(cause) }));
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
  const { message, remedy } = explain({ ...NO_FACTS, code: 'too-large', detail: 'data' }, path, { maxBytes: limit });
  return own(new HoldfastError('too-large', { message, path, remedy, size, limit }));
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

module.exports = { HoldfastError, atCaller, isError, isHoldfastError, own, pending, printable, promised, refusal, shown, systemError, toError, tooLarge };
