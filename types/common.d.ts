/// <reference types="node" />

/** A path: a string as it stands (never parsed as a URL), a `Buffer` byte for byte, or a `file:` URL object without a host. */
export type PathInput = string | Buffer | URL;

/**
 * What a symbolic link on the way may do. It governs the directories on the way, and the final component of a read or of a
 * directory; the final component of a write is governed by {@link WriteOptions.finalSymlink}.
 *
 * - `'reject'`: no component may be a link (with a root: no component beneath it). Default with a root. `.` and `..` are
 *   resolved in the text.
 * - `'follow-parents'`: the final component may not be a link; the directories on the way are the kernel's affair. Default
 *   without a root. With a root, they are followed while they stay beneath it. Here and below `..` has the kernel's meaning:
 *   `a/../x` needs a directory `a`.
 * - `'follow-within-root'`: links are followed while every hop stays beneath the root; a link with an absolute target is
 *   refused. Needs a root, otherwise `ERR_INVALID_ARG_VALUE`.
 * - `'follow-trusted'`: a link is followed only if root or the effective user owns both the link and the directory it lies in,
 *   and nobody else may write that directory.
 *
 * On Linux the kernel's own policy holds with each of them: a link on a `nosymfollow` mount fails with `symlink`, and a final link
 * that `fs.protected_symlinks` protects fails with EACCES, as from `node:fs`.
 */
export type SymlinkPolicy = 'reject' | 'follow-parents' | 'follow-within-root' | 'follow-trusted';

/**
 * What kept the call beneath its root: `'kernel'` (Linux `openat2`, since 5.6), `'walk'` (one descriptor per component, where
 * `openat2` is missing, and with `'follow-trusted'`, which the kernel cannot judge), or `'none'`: no root was asked for.
 */
export type Containment = 'kernel' | 'walk' | 'none';

/**
 * Options of every verb. An options object is read once, during the call. Its options are its own properties and those of its
 * classes, but not those of `Object.prototype`; `undefined` is not given. A name that the call does not know is
 * `ERR_INVALID_ARG_VALUE` where `for…in` finds it, and the error names the nearest option.
 */
export interface CommonOptions {
  /**
   * Directory that the call may not leave; the same as {@link openRoot}, the verb, and `close()`. A relative path is then
   * beneath it; an absolute one must lie beneath it, as the root was given or as it really is. Default: none.
   */
  root?: PathInput | undefined;
  /** Default: `'reject'` with a root, `'follow-parents'` without. */
  symlinks?: SymlinkPolicy | undefined;
  /**
   * Promise functions only. When it aborts, the promise rejects at once with `signal.reason`. What the pool has begun ends unseen:
   * a read closes its descriptor, a write that is not published removes its temporary, one that is published stays.
   * Directories that were made stay. One listener serves all calls that share a signal. Node 20 may collect an
   * `AbortSignal.any([AbortSignal.timeout(ms)])` whose parts no variable refers to, which then never fires: keep references to them.
   */
  signal?: AbortSignal | undefined;
}

/** The options of a `…Sync` twin: those of the verb without `signal`, which is `ERR_INVALID_ARG_VALUE` there. */
export type SyncOptions<Options> = Omit<Options, 'signal'> & { signal?: undefined };

/** The options of a method of a {@link Root}: those of the verb without `root`. */
export type WithinRoot<Options> = Omit<Options, 'root'>;

/** Mode of a file that other users may read: what {@link writeAtomic} gives a new file by default. */
export const MEDIA_FILE_MODE = 0o644;
/** Mode of a file for its owner alone. */
export const PRIVATE_FILE_MODE = 0o600;
/** Mode of a directory for its owner alone: the default of {@link ensureDir}. */
export const PRIVATE_DIR_MODE = 0o700;
