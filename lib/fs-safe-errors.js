'use strict';

// What callers of other libraries look for, in place of our own errors.

const { isHoldfastError, own } = require('./errors.js');
const { table } = require('./table.js');

/**
 * How the outcomes of one kind of call are told to a host.
 *
 * @typedef {object} Rules
 * @property {Record<string, string>} codes the host's code for one of ours; any other is the host's as it is
 * @property {string} [notDirectory] the host's code for a read beneath a file, which to us is `not-found`
 * @property {string} [errno] the host's code for a failure of the system; without one it stays raw
 */

/** @typedef {new (code: any, message: string, options?: any) => Error} HostErrorClass */

/** What no host has a word for. */
const COMMON = {
  'not-directory': 'not-file',
  'not-durable': 'helper-failed',
  'root-closed': 'helper-failed',
  'native-unavailable': 'helper-unavailable',
  internal: 'helper-failed',
};

/** A path without a root. What is beneath a file is not found there. */
const LOCAL_READ = { codes: table({ ...COMMON, 'not-directory': 'not-found' }) };
const ROOT_READ = { codes: table(COMMON), notDirectory: 'not-file' };
/** Every way by which a write would land elsewhere is one code there. */
const ROOT_WRITE = {
  codes: table({
    ...COMMON,
    symlink: 'path-alias',
    hardlink: 'path-alias',
    'not-directory': 'path-alias',
    'outside-workspace': 'path-alias',
  }),
  errno: 'invalid-path',
};
/** The same where the caller has named a policy for links. */
const ROOT_WRITE_BY_POLICY = {
  codes: table({ ...ROOT_WRITE.codes, symlink: 'symlink' }),
  errno: 'invalid-path',
};
const ROOT_MKDIR = {
  codes: table({ ...COMMON, symlink: 'path-alias', 'outside-workspace': 'path-alias' }),
  errno: 'invalid-path',
};
const ROOT_MKDIR_BY_POLICY = { codes: table({ ...ROOT_MKDIR.codes, symlink: 'symlink' }), errno: 'invalid-path' };
const REPLACE = { codes: table(COMMON) };

/** The older class has seven codes. */
const OLD_LOCAL = {
  'not-directory': 'not-found',
  'device-path': 'not-file',
  hardlink: 'invalid-path',
  'already-exists': 'invalid-path',
  'not-durable': 'invalid-path',
  'root-closed': 'invalid-path',
  'unsupported-platform': 'invalid-path',
  'native-unavailable': 'invalid-path',
  internal: 'invalid-path',
};
const OLD_LOCAL_READ = { codes: table(OLD_LOCAL) };
/** There, beneath a root, an object that is no plain file is an unusable path. */
const OLD_BENEATH = { ...OLD_LOCAL, symlink: 'invalid-path', 'not-file': 'invalid-path', 'device-path': 'invalid-path' };
const OLD_ROOT_READ = { codes: table(OLD_BENEATH) };
const OLD_ROOT_WRITE = { codes: table({ ...OLD_BENEATH, 'not-directory': 'invalid-path' }), errno: 'invalid-path' };

const OUTBOUND = 'OUTBOUND_MEDIA_PERMS_TOO_RESTRICTIVE';

/**
 * Whether the system itself has failed a call. A wrong argument is a TypeError or a RangeError and has no number.
 *
 * @param {unknown} error
 * @returns {error is NodeJS.ErrnoException}
 */
function isErrno(error) {
  return error instanceof Error && typeof (/** @type {any} */ (error).errno) === 'number' && !isHoldfastError(error);
}

/**
 * What a callback of the host threw, on its way to the host: whatever it is, it is nothing that the system said, and
 * reaches the host as it is.
 */
class FromCaller {
  /** @param {unknown} thrown */
  constructor(thrown) {
    this.thrown = thrown;
  }
}

/**
 * The error that a host's callers expect, or the error as it is: what the system said where the original leaves it
 * raw, a wrong argument, a signal's reason; and the refusal of an outbound file, which a host that translates its own
 * class only passes on with its reason.
 *
 * The message names no path, as a stranger may be told it; `cause`, where the system had a word in it, does.
 *
 * @param {HostErrorClass} HostError
 * @param {Rules} rules
 * @param {unknown} error
 * @returns {unknown}
 */
function toHost(HostError, rules, error) {
  if (error instanceof FromCaller) {
    return error.thrown;
  }
  if (!isHoldfastError(error)) {
    return rules.errno !== undefined && isErrno(error)
      ? hostError(HostError, rules.errno, `the system refused it (${error.code})`, error)
      : error;
  }
  const { code, cause, sysCode, published } = /** @type {any} */ (error);
  if (code === OUTBOUND) {
    return error;
  }
  const isBeneathFile = code === 'not-found' && sysCode === 'ENOTDIR' && rules.notDirectory !== undefined;
  const hostCode = isBeneathFile ? /** @type {string} */ (rules.notDirectory) : (rules.codes[code] ?? code);
  const { message: reason } = /** @type {Error} */ (error);
  const { message } = /** @type {any} */ (error).toPublic();
  if (isErrno(cause) || cause === undefined) {
    return hostError(HostError, hostCode, message, cause, published ? { published } : undefined);
  }
  // What is no word of the system, such as why a binary cannot be loaded, is for people to read.
  return hostError(HostError, hostCode, message, undefined, { reason });
}

/**
 * @param {HostErrorClass} HostError
 * @param {string} code
 * @param {string} message
 * @param {unknown} [cause]
 * @param {Record<string, unknown>} [details]
 */
function hostError(HostError, code, message, cause, details) {
  if (cause === undefined && details === undefined) {
    return own(new HostError(code, message));
  }
  /** @type {{ cause?: unknown, details?: unknown }} */
  const options = {};
  if (cause !== undefined) {
    options.cause = cause;
  }
  if (details !== undefined) {
    options.details = details;
  }
  return own(new HostError(code, message, options));
}

module.exports = {
  FromCaller,
  LOCAL_READ,
  OLD_LOCAL_READ,
  OLD_ROOT_READ,
  OLD_ROOT_WRITE,
  REPLACE,
  ROOT_MKDIR,
  ROOT_MKDIR_BY_POLICY,
  ROOT_READ,
  ROOT_WRITE,
  ROOT_WRITE_BY_POLICY,
  hostError,
  isErrno,
  toHost,
};
