'use strict';

// What callers of other libraries look for, in place of our own errors.

const { isHoldfastError, own } = require('../errors/holdfast-error.js');
const { SENTENCES, systemSentence } = require('./sentences.js');
const { table } = require('../base/text-table.js');

/**
 * How the outcomes of one kind of call are told to a host.
 *
 * @typedef {object} Rules
 * @property {Record<string, string>} codes the host's code for one of ours; any other is the host's as it is
 * @property {Record<string, import('./sentences.js').Sentence>} [says] the host's sentence, by our code
 * @property {string} [notDirectory] the host's code for a call beneath a file, which to us is `not-found`
 * @property {string} [errno] the host's code for a failure of the system; without one it stays raw
 */

/** @typedef {new (code: any, message: string, options?: any) => Error} HostErrorClass */

/** Outcomes that a host has no code for. */
const COMMON = {
  'not-directory': 'not-file',
  'not-durable': 'helper-failed',
  'root-closed': 'helper-failed',
  'native-unavailable': 'helper-unavailable',
  internal: 'helper-failed',
};

/** A path without a root. What is beneath a file is not found there. */
const LOCAL_READ = { codes: table({ ...COMMON, 'not-directory': 'not-found' }), says: SENTENCES.localRead };
const ROOT_READ = { codes: table(COMMON), says: SENTENCES.rootRead, notDirectory: 'not-file' };
/** A write that would land elsewhere has one code there. */
const ROOT_WRITE = {
  codes: table({
    ...COMMON,
    symlink: 'path-alias',
    hardlink: 'path-alias',
    'not-directory': 'path-alias',
    'outside-workspace': 'path-alias',
  }),
  says: SENTENCES.rootWrite,
  errno: 'invalid-path',
};
const ROOT_MKDIR = {
  codes: table({ ...COMMON, symlink: 'path-alias', 'outside-workspace': 'path-alias' }),
  says: SENTENCES.rootMkdir,
  errno: 'invalid-path',
};
const ROOT_STAT = {
  codes: table({ ...COMMON, 'not-directory': 'path-alias', 'outside-workspace': 'path-alias' }),
  says: SENTENCES.rootStat,
  notDirectory: 'path-alias',
  errno: 'path-alias',
};
const REPLACE = { codes: table(COMMON) };

/**
 * The rules of a write whose caller has named a policy for links.
 *
 * @param {Rules} rules
 * @returns {Rules}
 */
const byPolicy = (rules) => ({
  ...rules,
  codes: table({ ...rules.codes, symlink: 'symlink' }),
  says: table({ ...rules.says, symlink: SENTENCES.rootRead.symlink }),
});
const ROOT_WRITE_BY_POLICY = byPolicy(ROOT_WRITE);
const ROOT_MKDIR_BY_POLICY = byPolicy(ROOT_MKDIR);

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
const OLD_LOCAL_READ = { codes: table(OLD_LOCAL), says: SENTENCES.localRead };
/** There, beneath a root, an object that is no plain file is an unusable path. */
const OLD_BENEATH = { ...OLD_LOCAL, symlink: 'invalid-path', 'not-file': 'invalid-path', 'device-path': 'invalid-path' };
const OLD_ROOT_READ = { codes: table(OLD_BENEATH), says: SENTENCES.oldRootRead };
const OLD_ROOT_WRITE = {
  codes: table({ ...OLD_BENEATH, 'not-directory': 'invalid-path' }),
  says: SENTENCES.oldRootWrite,
  errno: 'invalid-path',
};

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
 * Returns the error that a host's callers expect. These stay as they are: what the system said where the original leaves it
 * raw, a wrong argument, a signal's reason, and the refusal of an outbound file, which a host that translates its own class
 * passes on with its reason.
 *
 * The message names no path but that of a device, as a stranger may read it; `cause` does.
 *
 * @param {HostErrorClass} HostError
 * @param {Rules} rules
 * @param {unknown} error
 * @param {import('./sentences.js').Facts} [facts]
 * @returns {unknown}
 */
function toHost(HostError, rules, error, facts = {}) {
  if (error instanceof FromCaller) {
    return error.thrown;
  }
  if (!isHoldfastError(error)) {
    return rules.errno !== undefined && isErrno(error) ? hostError(HostError, rules.errno, systemMessage(rules, error), error) : error;
  }
  const { code, cause, sysCode, published } = /** @type {any} */ (error);
  if (code === OUTBOUND) {
    return error;
  }
  const isBeneathFile = code === 'not-found' && sysCode === 'ENOTDIR' && rules.notDirectory !== undefined;
  const hostCode = isBeneathFile ? /** @type {string} */ (rules.notDirectory) : (rules.codes[code] ?? code);
  const { message: reason } = /** @type {Error} */ (error);
  const sentence = rules.says?.[isBeneathFile ? 'not-directory' : code] ?? /** @type {any} */ (error).toPublic().message;
  const message = typeof sentence === 'function' ? sentence(facts, error) : sentence;
  if (isErrno(cause) || cause === undefined) {
    return hostError(HostError, hostCode, message, before(facts.cause, cause), published ? { published } : undefined);
  }
  // A cause that is none of the system's, such as why a binary cannot be loaded, is for people to read.
  return hostError(HostError, hostCode, message, undefined, { reason });
}

/**
 * @param {Rules} rules
 * @param {NodeJS.ErrnoException} error
 */
function systemMessage(rules, error) {
  return rules === ROOT_STAT ? 'path alias escape blocked' : systemSentence(error.code);
}

/**
 * A cause that hosts match, with that of the system as its own cause.
 *
 * @param {Error | undefined} matched
 * @param {unknown} system
 */
function before(matched, system) {
  if (matched !== undefined && system !== undefined) {
    Object.defineProperty(matched, 'cause', { configurable: true, value: system, writable: true });
  }
  return matched ?? system;
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
  ROOT_STAT,
  ROOT_WRITE,
  ROOT_WRITE_BY_POLICY,
  hostError,
  isErrno,
  toHost,
};
