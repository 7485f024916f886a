/// <reference types="node" />

/**
 * - `'policy'`: the call was refused; repeating it will not help.
 * - `'operational'`: the state of the system was in the way.
 */
export type HoldfastErrorCategory = 'policy' | 'operational';

/**
 * The codes of category `'policy'`.
 * - `invalid-path`: empty, a NUL, a lone surrogate, a URL that is no local file;
 * - `outside-workspace`: leaves the root, by its text or through a link;
 * - `symlink`: a symbolic link where the policy allows none, or one that is not trusted;
 * - `hardlink`: the file has more than one name, and `hardlinks` is `'reject'`;
 * - `not-file`: a directory, FIFO, socket or device where a regular file was needed;
 * - `not-directory`: something else where a directory was needed, as the target or as a parent;
 * - `device-path`: a device, a magic link, or a pseudo file (see `pseudoFiles`);
 * - `too-large`: more than `maxBytes`, at once or by growth; more than a Buffer can hold; or more than `maxEntries`;
 * - `invalid-text`: `readText` with `invalid: 'error'`, and the file is not UTF-8;
 * - `invalid-json`: `readJson` or `updateJson`, and the file is not JSON, or not UTF-8; neither message nor cause shows content;
 * - `insecure-permissions`: `existing: 'require'`, and the directory keeps a permission beyond `mode`;
 * - `not-owned`: `existing: 'require'`, and neither the effective user nor root owns the directory;
 * - `OUTBOUND_MEDIA_PERMS_TOO_RESTRICTIVE`: `outbound`, and the file is not readable by group and others, or not by this process;
 * - `torn-tail`: `onTornTail: 'error'`, and the file does not end with a line break;
 * - `path-mismatch`: the path kept changing under the call, through every bounded retry; or the directory of a write was moved or
 *   replaced, or its temporary or target exchanged, while it ran; or the path is relative, and a mount covers the working directory.
 */
export type HoldfastPolicyCode =
  | 'invalid-path' | 'outside-workspace' | 'symlink' | 'hardlink' | 'not-file' | 'not-directory' | 'device-path' | 'too-large'
  | 'invalid-text' | 'invalid-json' | 'torn-tail' | 'insecure-permissions' | 'not-owned' | 'OUTBOUND_MEDIA_PERMS_TOO_RESTRICTIVE' | 'path-mismatch';

/**
 * The codes of category `'operational'`.
 * - `not-found`: nothing has the name, or a parent is missing; for a read also: a parent is a file;
 * - `already-exists`: `overwrite: false`, and something has the name;
 * - `not-durable`: published, but the directory could not be synced; `published` is `true`;
 * - `lock-timeout`: a lock was not free in time; `holder` is what the lock file says about its holder;
 * - `lock-lost`: a lock file was removed or replaced while its lock was held;
 * - `conflict`: others changed the file during each try of an update, without the lock;
 * - `root-closed`: a `Root` used after `close()`;
 * - `unsupported-platform`: this system cannot do what was asked;
 * - `native-unavailable`: the native binary was not found or cannot be loaded;
 * - `internal`: a defect of holdfast.
 */
export type HoldfastOperationalCode =
  'not-found' | 'already-exists' | 'not-durable' | 'lock-timeout' | 'lock-lost' | 'conflict' | 'root-closed' | 'unsupported-platform' | 'native-unavailable' | 'internal';

/** Every `code` of a {@link HoldfastError}; {@link HoldfastPolicyCode} and {@link HoldfastOperationalCode} say what each means. */
export type HoldfastErrorCode = HoldfastPolicyCode | HoldfastOperationalCode;

/** What {@link HoldfastError.toJSON} returns. Fields that do not apply are absent. */
export type HoldfastErrorJSON = Pick<
  HoldfastError,
  'name' | 'code' | 'category' | 'message' | 'path' | 'errno' | 'syscall' | 'sysCode' | 'mode' | 'uid' | 'euid' | 'remedy' | 'temporary' | 'published' | 'holder' | 'size' | 'limit' | 'removed' | 'copied'
>;

/** What a {@link HoldfastError} is made from, besides its code. Without `message`, message and remedy are those of the code. */
export type HoldfastErrorFields = Partial<Pick<HoldfastError, Exclude<keyof HoldfastErrorJSON, 'name' | 'code' | 'category'> | 'cause'>>;

/** What {@link HoldfastError.toPublic} returns: no path, user id or mode of the file. */
export type HoldfastErrorPublic = Pick<HoldfastErrorJSON, 'code' | 'category' | 'message' | 'remedy'>;

/**
 * A refusal, or an outcome with a code of its own. Tell it by {@link isHoldfastError}, which also knows other copies of the package.
 *
 * Not every failure is one: what the system answers besides (`EACCES`, `ENOSPC`, `EROFS`…) is the error that `node:fs` would
 * throw, and a wrong argument is a `TypeError` or `RangeError`, as in Node.
 */
export class HoldfastError extends Error {
  /**
   * For the tests of programs that handle these errors: `new HoldfastError('not-found', { path: '/srv/a' })`. An unknown code or
   * field, and a value of the wrong type, is a `TypeError` (`ERR_INVALID_ARG_VALUE`, `ERR_INVALID_ARG_TYPE`).
   */
  constructor(code: HoldfastErrorCode, fields?: HoldfastErrorFields);
  /** Of every copy of the package. */
  readonly name: 'HoldfastError';
  /** What happened; stable, for programs. */
  readonly code: HoldfastErrorCode;
  /** Whether it was refused, or something was in the way. */
  readonly category: HoldfastErrorCategory;
  /** The path as the caller gave it, exact; messages and stacks have it with unprintable characters escaped. A string: bytes that are not UTF-8 are U+FFFD. */
  readonly path?: string | undefined;
  /** Negative errno, where the system had a word in it. */
  readonly errno?: number | undefined;
  /** The system call that answered, as `node:fs` names it. */
  readonly syscall?: string | undefined;
  /** The name of the errno: `'ENOENT'`. */
  readonly sysCode?: string | undefined;
  /** The error that `node:fs` would have thrown, where the system had a word in it; for `native-unavailable` what loading it said. */
  readonly cause?: Error | undefined;
  /** What to do about it, in a sentence. A command in it has the absolute path, quoted for bash, zsh, ksh and busybox (`$'…'`). */
  readonly remedy?: string | undefined;
  /**
   * Permission bits of the object, where they are the reason and known; of a target of `fallback: 'in-place'` that did not get its
   * former permissions back after a failure, those that it has now. A system error then has this field, too.
   */
  readonly mode?: number | undefined;
  /** Owner of the object, where it is the reason. */
  readonly uid?: number | undefined;
  /** Effective user of this process, where it is the reason. */
  readonly euid?: number | undefined;
  /**
   * Path of the temporary of a failed write that could not be removed; the message says why. Exact, like `path`. A system error of a
   * write has this field, too.
   */
  readonly temporary?: string | undefined;
  /**
   * `true` for `not-durable`: the new content has the name already, though a power loss may undo it; and for a `path-mismatch` that
   * was found after publication: another file has the name.
   */
  readonly published?: boolean | undefined;
  /** `lock-timeout`: what the lock file says about its holder, for people: nothing is decided by it. */
  readonly holder?: string | undefined;
  /** `too-large`: bytes of the file or of the data; of a stream, those that had come; absent where they are unknown (growth, memory). */
  readonly size?: number | undefined;
  /** `too-large`: the limit in bytes, where one was given. */
  readonly limit?: number | undefined;
  /** `remove`: entries that were removed before the error. */
  readonly removed?: number | undefined;
  /** `copy`: entries that were copied before the error. */
  readonly copied?: number | undefined;
  /** For logs: everything but the stack and the cause. `JSON.stringify` uses it; what that leaves raw in `path` (C1, bidi…) is escaped. */
  toJSON(): HoldfastErrorJSON;
  /** For response bodies: code, category, remedy, and a message without path, ids, modes and options. See {@link toPublicError}. */
  toPublic(): HoldfastErrorPublic;
}

/** Whether a value is a {@link HoldfastError}: by brand, also across copies of the package. Never throws. */
export function isHoldfastError(error: unknown): error is HoldfastError;

/**
 * Whether an error says that the file or directory does not exist: `not-found`, or `ENOENT` of a system call on a file. A missing
 * program (`spawn`), socket or host name is none. Never throws.
 *
 * @example
 * const state = await readLocalFileSafely('state/none.json').catch((error) => {
 *   if (isNotFound(error)) return undefined;
 *   throw error;
 * });
 */
export function isNotFound(error: unknown): boolean;

/**
 * The HTTP status for an error of a file operation.
 *
 * | status | codes |
 * |---|---|
 * | 400 | `invalid-path`, `ENAMETOOLONG` |
 * | 403 | every other code of category `'policy'`, `EACCES`, `EPERM`, `EROFS` |
 * | 404 | `not-found`, `ENOENT` |
 * | 409 | `already-exists`, `conflict`, `path-mismatch`, `EEXIST` |
 * | 413 | `too-large` |
 * | 422 | `invalid-text`, `invalid-json` |
 * | 423 | `lock-timeout` |
 * | 503 | `EMFILE`, `ENFILE` |
 * | 507 | `ENOSPC`, `EDQUOT` |
 * | 500 | every other value |
 *
 * A code in capitals is the `code` of a failed system call on a file, as `node:fs` throws it: an Error that also has a numeric
 * `errno`, and a `syscall` such as `open` or `write`. Errors of processes and sockets (`spawn`, `connect`, `getaddrinfo`) and errors
 * with a `code` alone are 500. Never throws.
 */
export function httpStatus(error: unknown): number;

/** What {@link toPublicError} returns. */
export interface PublicError {
  /** A {@link HoldfastErrorCode}, the name of an errno (`'ENOSPC'`), or `'internal'`. */
  code: string;
  /** As of a {@link HoldfastError}; `'operational'` for every other error. */
  category: HoldfastErrorCategory;
  /** A sentence for the client, without path, ids, modes and options. */
  message: string;
  /** What the client can do, where it can do something. */
  remedy?: string;
}

/**
 * The body of a response for any error: that of {@link HoldfastError.toPublic}, a sentence for the errors of the system that
 * {@link httpStatus} knows, and `internal` for every other value, of which nothing is told. Never throws.
 *
 * @example
 * try {
 *   console.log((await readLocalFileSafely('media/none.png')).buffer.length);
 * } catch (error) {
 *   console.error(error); // for the log: everything
 *   console.log(httpStatus(error), JSON.stringify(toPublicError(error)));
 * }
 */
export function toPublicError(error: unknown): PublicError;
