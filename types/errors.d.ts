/// <reference types="node" />

/**
 * What kind of failure an error is.
 * - `'policy'`: a rule refused the call. Retrying does not help.
 * - `'operational'`: the state of the system prevented the call.
 */
export type HoldfastErrorCategory = 'policy' | 'operational';

/**
 * The codes of category `'policy'`.
 * - `invalid-path`: the path is empty, has a NUL or a lone surrogate, or is a URL of something other than a local file; beneath a root also: the call would make,
 *   replace or rename a lock file, a temporary or a temporary root;
 * - `outside-workspace`: the path leaves the root, by its text or through a link;
 * - `symlink`: a symbolic link that the policy does not allow, or one that is not trusted;
 * - `hardlink`: the file has more than one hard link, and `hardlinks` is `'reject'`;
 * - `not-file`: a directory, FIFO, socket or device where the call needs a regular file;
 * - `not-directory`: the target or a parent exists and is not a directory;
 * - `device-path`: a device, a magic link, or a pseudo file (see `pseudoFiles`);
 * - `too-large`: more than `maxBytes`, at once or by growth; more than a Buffer can hold; or more than `maxEntries`;
 * - `invalid-text`: `readText` with `invalid: 'error'` read a file that is not UTF-8;
 * - `invalid-json`: `readJson` or `updateJson` read a file that is not JSON or not UTF-8; message and cause omit the content;
 * - `insecure-permissions`: with `existing: 'require'`, the directory keeps a permission beyond `mode`;
 * - `not-owned`: with `existing: 'require'`, neither the effective user nor root owns the directory;
 * - `OUTBOUND_MEDIA_PERMS_TOO_RESTRICTIVE`: with `outbound`, group and others, or this process, may not read the file;
 * - `torn-tail`: with `onTornTail: 'error'`, the file does not end with a line break;
 * - `path-mismatch`: one of:
 *   - the path kept changing during every bounded retry of the call;
 *   - a directory was moved or replaced while the call made it, and that took long;
 *   - the directory of a write was moved or replaced, or its temporary or target exchanged, during the call;
 *   - the path is relative, and a mount covers the working directory.
 */
export type HoldfastPolicyCode =
  | 'invalid-path' | 'outside-workspace' | 'symlink' | 'hardlink' | 'not-file' | 'not-directory' | 'device-path' | 'too-large'
  | 'invalid-text' | 'invalid-json' | 'torn-tail' | 'insecure-permissions' | 'not-owned' | 'OUTBOUND_MEDIA_PERMS_TOO_RESTRICTIVE' | 'path-mismatch';

/**
 * The codes of category `'operational'`.
 * - `not-found`: the file or a parent does not exist; for a read also: a parent is a file;
 * - `already-exists`: with `overwrite: false`, the name exists;
 * - `not-durable`: the file is published, but its directory could not be synced; `published` is `true`;
 * - `lock-timeout`: the lock was not free in time, and `holder` has the holder that the lock file names; or another program holds a lock
 *   (`fcntl`, `lockf`) on the file that an update would replace;
 * - `lock-lost`: the lock file was removed or replaced, or its directory moved, while the lock was held;
 * - `conflict`: a program without the lock changed the file during each attempt of an update;
 * - `root-closed`: a `Root` was used after `close()`;
 * - `unsupported-platform`: this system does not support the call;
 * - `native-unavailable`: the native binary was not found or cannot be loaded;
 * - `internal`: a defect of holdfast.
 */
export type HoldfastOperationalCode =
  'not-found' | 'already-exists' | 'not-durable' | 'lock-timeout' | 'lock-lost' | 'conflict' | 'root-closed' | 'unsupported-platform' | 'native-unavailable' | 'internal';

/** Every `code` of a {@link HoldfastError}. {@link HoldfastPolicyCode} and {@link HoldfastOperationalCode} describe each one. */
export type HoldfastErrorCode = HoldfastPolicyCode | HoldfastOperationalCode;

/** The result of {@link HoldfastError.toJSON}. Fields that do not apply are absent. */
export type HoldfastErrorJSON = Pick<
  HoldfastError,
  'name' | 'code' | 'category' | 'message' | 'path' | 'errno' | 'syscall' | 'sysCode' | 'mode' | 'uid' | 'euid' | 'remedy' | 'temporary' | 'published' | 'holder' | 'size' | 'limit' | 'removed' | 'copied' | 'torn'
>;

/** Fields for the constructor of {@link HoldfastError}. Without `message`, message and remedy are those of the code. */
export type HoldfastErrorFields = Partial<Pick<HoldfastError, Exclude<keyof HoldfastErrorJSON, 'name' | 'code' | 'category'> | 'cause'>>;

/** The result of {@link HoldfastError.toPublic}, without path, user id and mode of the file. */
export type HoldfastErrorPublic = Pick<HoldfastErrorJSON, 'code' | 'category' | 'message' | 'remedy'>;

/**
 * A refusal, or a failure with a holdfast code. Use {@link isHoldfastError} instead of `instanceof`: it also recognizes errors of other
 * copies of the package.
 *
 * Two kinds of failure have other classes, as in Node:
 * - Other system errors (`EACCES`, `ENOSPC`, `EROFS`…) are the errors that `node:fs` throws.
 * - Wrong arguments are `TypeError` or `RangeError`.
 */
export class HoldfastError extends Error {
  /**
   * Creates an error for tests of programs that handle these errors: `new HoldfastError('not-found', { path: '/srv/a' })`.
   *
   * @throws {TypeError} `ERR_INVALID_ARG_VALUE` for an unknown code or field; `ERR_INVALID_ARG_TYPE` for a value of the wrong type.
   */
  constructor(code: HoldfastErrorCode, fields?: HoldfastErrorFields);
  /** The same for every copy of the package. */
  readonly name: 'HoldfastError';
  /** The stable code of the failure, for programs. */
  readonly code: HoldfastErrorCode;
  /** Whether a rule refused the call (`'policy'`) or the state of the system prevented it (`'operational'`). */
  readonly category: HoldfastErrorCategory;
  /**
   * The exact path that the caller gave, as a string. Bytes that are not UTF-8 become U+FFFD. Messages and stacks escape its unprintable
   * characters.
   */
  readonly path?: string | undefined;
  /** Negative errno, when a system call caused the failure. */
  readonly errno?: number | undefined;
  /** The system call that failed, as `node:fs` names it. */
  readonly syscall?: string | undefined;
  /** Name of the errno, such as `'ENOENT'`. */
  readonly sysCode?: string | undefined;
  /**
   * The error that `node:fs` would throw, when a system call caused the failure. For `native-unavailable`, the error of the failed load.
   */
  readonly cause?: Error | undefined;
  /** One sentence that says how to fix it. A command in it has the absolute path, quoted for bash, zsh, ksh and busybox (`$'…'`). */
  readonly remedy?: string | undefined;
  /**
   * Permission bits of the object, when they caused the failure and could be read. A failed in-place write that could not restore the
   * permissions of its target reports the current bits. A system error then has this field too.
   */
  readonly mode?: number | undefined;
  /** Owner of the object, when it is the reason. */
  readonly uid?: number | undefined;
  /** Effective user of this process, when it is the reason. Absent where its user namespace does not map this user. */
  readonly euid?: number | undefined;
  /**
   * Exact path of a temporary that a failed write could not remove. The message has the reason. A system error of a write can have this
   * field too.
   */
  readonly temporary?: string | undefined;
  /**
   * Whether the failure came after publication. `true` in three cases:
   * - `not-durable`: the name has the new content, or is renamed or removed, but a power loss may undo it;
   * - `path-mismatch` that was detected after publication: another file has the name, or another program's change may be lost;
   * - `lock-lost` of an update whose directory was moved or replaced since the check before the publication.
   */
  readonly published?: boolean | undefined;
  /** `lock-timeout`: the holder that the lock file names, for people to read. holdfast decides nothing by it. */
  readonly holder?: string | undefined;
  /**
   * `too-large`: bytes of the file or of the data; for a stream, those received so far. Absent when unknown (growth, memory).
   */
  readonly size?: number | undefined;
  /** `too-large`: the limit in bytes, when one was given; the number of entries where `maxEntries` was exceeded. */
  readonly limit?: number | undefined;
  /** `remove`: entries that were removed before the error. */
  readonly removed?: number | undefined;
  /** `copy`: entries that were copied before the error. */
  readonly copied?: number | undefined;
  /**
   * `true`: an append left a part of its record, which the next append isolates. A system error of an append can have this field too.
   */
  readonly torn?: boolean | undefined;
  /**
   * Returns all fields except the stack and the cause, for logs. `JSON.stringify` calls it. Characters of `path` that `JSON.stringify`
   * would not escape (C1, bidi…) are escaped.
   */
  toJSON(): HoldfastErrorJSON;
  /** Returns code, category, remedy, and a message without path, ids, modes and options, for response bodies. See {@link toPublicError}. */
  toPublic(): HoldfastErrorPublic;
}

/**
 * Returns whether a value is a {@link HoldfastError}. Checks a brand, so that it also recognizes errors of other copies of the package.
 * Never throws.
 *
 * @example
 * const error: unknown = await readLocalFileSafely('media').catch((reason) => reason);
 * if (isHoldfastError(error)) console.log(error.code); // not-file
 */
export function isHoldfastError(error: unknown): error is HoldfastError;

/**
 * Returns whether an error means that a file or directory does not exist: `not-found`, or `ENOENT` of a system call on a file. Returns
 * `false` for a missing program (`spawn`), socket or host name. Never throws.
 *
 * @example
 * const state = await readLocalFileSafely('state/none.json').catch((error) => {
 *   if (isNotFound(error)) return undefined;
 *   throw error;
 * });
 */
export function isNotFound(error: unknown): boolean;

/**
 * Returns the HTTP status for an error of a file operation. Never throws.
 *
 * | status | codes |
 * |---|---|
 * | 400 | `invalid-path`, `ENAMETOOLONG` |
 * | 403 | every other code of category `'policy'`, `EACCES`, `EPERM`, `EROFS` |
 * | 404 | `not-found`, `ENOENT` |
 * | 409 | `already-exists`, `conflict`, `path-mismatch`, `EEXIST`, `ENOTEMPTY`, `EISDIR`, `ENOTDIR` |
 * | 413 | `too-large` |
 * | 422 | `invalid-text`, `invalid-json` |
 * | 423 | `lock-timeout` |
 * | 503 | `EMFILE`, `ENFILE` |
 * | 507 | `ENOSPC`, `EDQUOT` |
 * | 500 | every other value |
 *
 * A code in capitals is the `code` of a failed system call on a file, as `node:fs` throws it. Such an Error also has a numeric `errno`,
 * and a `syscall` such as `open` or `write`. Errors of processes and sockets (`spawn`, `connect`, `getaddrinfo`), and errors that have
 * only a `code`, are 500.
 *
 * @example
 * const error: unknown = await readLocalFileSafely('media/none.png').catch((reason) => reason);
 * console.log(httpStatus(error)); // 404
 */
export function httpStatus(error: unknown): number;

/** The result of {@link toPublicError}. */
export interface PublicError {
  /** A {@link HoldfastErrorCode}, the name of an errno (`'ENOSPC'`), or `'internal'`. */
  code: string;
  /** The category of a {@link HoldfastError}; `'operational'` for every other error. */
  category: HoldfastErrorCategory;
  /** A sentence for the client, without path, ids, modes and options. */
  message: string;
  /** What the client can do. Absent when the client can do nothing. */
  remedy?: string;
}

/**
 * Returns a response body for any error. Never throws.
 * - {@link HoldfastError}: the result of {@link HoldfastError.toPublic};
 * - a system error in the table of {@link httpStatus}: its code and a sentence;
 * - any other value: `internal`, without details.
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
