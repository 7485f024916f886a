// Converts errors to those that callers of other libraries expect.

import { descriptor } from '../base/descriptor.js';
import { isHoldfastError, own } from '../errors/holdfast-error.js';
import { SENTENCES, systemSentence, type Facts, type Sentence } from './sentences.js';
import { table } from '../base/lookup-table.js';
import type { Unchecked } from './options.js';

/** The conversion of errors for one kind of call. */
export interface Rules {
  /** the host's code by holdfast's code; other codes are equal */
  codes: Record<string, string>;
  /** the host's message by holdfast's code */
  says?: Record<string, Sentence>;
  /** the host's code for a call beneath a file, which is `not-found` in holdfast */
  notDirectory?: string;
  /** the host's code for a system error; without one the error stays raw */
  errno?: string;
  /** the same for a name that is too long */
  tooLong?: string;
}

export type HostErrorClass = new (code: any, message: string, options?: Unchecked) => Error;

/** Codes without an equivalent in a host. */
const COMMON = {
  'not-directory': 'not-file',
  'not-durable': 'helper-failed',
  'root-closed': 'helper-failed',
  'native-unavailable': 'helper-unavailable',
  internal: 'helper-failed',
};

/** Reads without a root. A path beneath a file is `not-found` there. */
const LOCAL_READ = { codes: table({ ...COMMON, 'not-directory': 'not-found' }), says: SENTENCES.localRead };
const ROOT_READ = { codes: table(COMMON), says: SENTENCES.rootRead, notDirectory: 'not-file', tooLong: 'invalid-path' };
const ROOT_OPEN = { ...ROOT_READ, says: SENTENCES.rootOpen };
/** fs-safe has one code for every write outside of its root. */
const ROOT_WRITE = {
  codes: table({
    ...COMMON,
    symlink: 'path-alias',
    hardlink: 'path-alias',
    'not-directory': 'path-alias',
    'outside-workspace': 'path-alias',
  }),
  says: SENTENCES.rootWrite,
  notDirectory: 'path-alias',
  errno: 'invalid-path',
};
/** As of a write, but system errors stay raw. */
const ROOT_APPEND = { codes: ROOT_WRITE.codes, says: ROOT_WRITE.says, notDirectory: 'path-alias', tooLong: 'invalid-path' };
const ROOT_MKDIR = {
  codes: table({ ...COMMON, symlink: 'path-alias', 'outside-workspace': 'path-alias' }),
  says: SENTENCES.rootMkdir,
  notDirectory: 'not-file',
  errno: 'invalid-path',
};
const ROOT_STAT = {
  codes: table({ ...COMMON, 'not-directory': 'path-alias', 'outside-workspace': 'path-alias' }),
  says: SENTENCES.rootStat,
  notDirectory: 'path-alias',
  errno: 'path-alias',
};
const ROOT_LIST = {
  codes: table({ ...COMMON, 'not-directory': 'not-found', 'outside-workspace': 'path-alias' }),
  says: SENTENCES.rootList,
  notDirectory: 'path-alias',
  tooLong: 'path-alias',
};
const ROOT_ENTRIES = { codes: table(COMMON), says: SENTENCES.rootEntries, notDirectory: 'not-file', tooLong: 'invalid-path' };
const ROOT_REMOVE = {
  codes: table({ ...COMMON, symlink: 'path-alias', 'not-directory': 'path-alias', 'outside-workspace': 'path-alias' }),
  says: SENTENCES.rootRemove,
  notDirectory: 'path-alias',
};
const ROOT_MOVE = { ...ROOT_REMOVE, says: SENTENCES.rootMove, tooLong: 'invalid-path' };
const REPLACE = { codes: table(COMMON), says: SENTENCES.replace };

/** Returns the rules of a write whose caller has chosen a symlink policy. */
const byPolicy = (rules: Rules): Rules => ({
  ...rules,
  codes: table({ ...rules.codes, symlink: 'symlink' }),
  says: table({ ...rules.says, symlink: SENTENCES.rootRead.symlink }),
});
const ROOT_WRITE_BY_POLICY = byPolicy(ROOT_WRITE);
const ROOT_APPEND_BY_POLICY = byPolicy(ROOT_APPEND);
const ROOT_MKDIR_BY_POLICY = byPolicy(ROOT_MKDIR);
const ROOT_REMOVE_BY_POLICY = byPolicy(ROOT_REMOVE);
const ROOT_MOVE_BY_POLICY = byPolicy(ROOT_MOVE);

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
/** Beneath a root, the older class reports an object other than a plain file as an unusable path. */
const OLD_BENEATH = { ...OLD_LOCAL, symlink: 'invalid-path', 'not-file': 'invalid-path', 'device-path': 'invalid-path' };
const OLD_ROOT_READ = { codes: table(OLD_BENEATH), says: SENTENCES.oldRootRead };
const OLD_ROOT_WRITE = {
  codes: table({ ...OLD_BENEATH, 'not-directory': 'invalid-path' }),
  says: SENTENCES.oldRootWrite,
  errno: 'invalid-path',
};

const OUTBOUND = 'OUTBOUND_MEDIA_PERMS_TOO_RESTRICTIVE';

/** Returns whether an error is a system error. Wrong arguments are a TypeError or RangeError without an errno. */
export function isErrno(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && typeof (error as NodeJS.ErrnoException).errno === 'number' && !isHoldfastError(error);
}

/** Carries an exception of a host's callback, which reaches the host unchanged. */
export class FromCaller {
  constructor(readonly thrown: unknown) {}
}

/**
 * Converts an error for a host. Unchanged: system errors that the original leaves raw, argument errors, a signal's
 * reason, and the refusal of an outbound file.
 *
 * The message names no path (except of a device), because an unauthenticated client may read it; `cause` does.
 */
export function toHost(HostError: HostErrorClass, rules: Rules, error: unknown, facts: Facts = {}): unknown {
  if (error instanceof FromCaller) {
    return error.thrown;
  }
  if (!isHoldfastError(error)) {
    if (rules.tooLong !== undefined && isErrno(error) && error.code === 'ENAMETOOLONG') {
      return hostError(HostError, rules.tooLong, rules.tooLong === 'path-alias' ? 'path alias escape blocked' : systemSentence(error.code), error);
    }
    return rules.errno !== undefined && isErrno(error) ? hostError(HostError, rules.errno, systemMessage(rules, error), error) : error;
  }
  const { code, cause, sysCode, published } = error;
  if (code === OUTBOUND) {
    return error;
  }
  if (code === 'native-unavailable') {
    // A log line alone says what to do. The cause names the files that were tried.
    return hostError(HostError, rules.codes[code], `the native binary of holdfast is missing or does not load. ${error.remedy}`, error);
  }
  if (code === 'unsupported-platform' && error.remedy !== undefined) {
    // It names no path, and what to do about it.
    return hostError(HostError, rules.codes[code] ?? code, `${error.toPublic().message} ${error.remedy}`, cause);
  }
  const isBeneathFile = code === 'not-found' && sysCode === 'ENOTDIR' && rules.notDirectory !== undefined;
  const hostCode = isBeneathFile ? (rules.notDirectory as string) : (rules.codes[code] ?? code);
  const { message: reason } = error;
  const sentence = rules.says?.[isBeneathFile ? 'not-directory' : code] ?? error.toPublic().message;
  const message = typeof sentence === 'function' ? sentence(facts, error) : sentence;
  if (isErrno(cause) || cause === undefined) {
    return hostError(HostError, hostCode, message, before(facts.cause, cause), published ? { published } : undefined);
  }
  // A cause that is not a system error (a binary that fails to load) is for people.
  return hostError(HostError, hostCode, message, undefined, { reason });
}

function systemMessage(rules: Rules, error: NodeJS.ErrnoException) {
  return rules === ROOT_STAT ? 'path alias escape blocked' : systemSentence(error.code);
}

/** Returns a cause that hosts match, with the system error as its own cause. */
function before(matched: Error | undefined, system: unknown) {
  if (matched !== undefined && system !== undefined) {
    Object.defineProperty(matched, 'cause', descriptor({ configurable: true, value: system, writable: true }));
  }
  return matched ?? system;
}

export function hostError(HostError: HostErrorClass, code: string, message: string, cause?: unknown, details?: Record<string, unknown>) {
  if (cause === undefined && details === undefined) {
    return own(new HostError(code, message));
  }
  const options: { cause?: unknown; details?: unknown } = {};
  if (cause !== undefined) {
    options.cause = cause;
  }
  if (details !== undefined) {
    options.details = details;
  }
  return own(new HostError(code, message, options));
}

export {
  LOCAL_READ,
  OLD_LOCAL_READ,
  OLD_ROOT_READ,
  OLD_ROOT_WRITE,
  REPLACE,
  ROOT_APPEND,
  ROOT_APPEND_BY_POLICY,
  ROOT_ENTRIES,
  ROOT_LIST,
  ROOT_MKDIR,
  ROOT_MKDIR_BY_POLICY,
  ROOT_MOVE,
  ROOT_MOVE_BY_POLICY,
  ROOT_OPEN,
  ROOT_READ,
  ROOT_REMOVE,
  ROOT_REMOVE_BY_POLICY,
  ROOT_STAT,
  ROOT_WRITE,
  ROOT_WRITE_BY_POLICY,
};
