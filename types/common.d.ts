/// <reference types="node" />

/**
 * A path of a file or directory.
 * - string: used unchanged; it is never parsed as a URL.
 * - `Buffer`: used byte for byte.
 * - `URL`: a `file:` URL object without a host.
 */
export type PathInput = string | Buffer | URL;

/**
 * Which symbolic links a call follows. Applies to the directories on the way, and to the final component of a read or of a
 * directory. {@link WriteOptions.finalSymlink} decides about the final component of a write.
 *
 * - `'reject'`: fails with `symlink` when any component is a link; with a root, any component beneath it. Resolves `.` and `..`
 *   lexically. Default with a root.
 * - `'follow-parents'`: the final component must not be a link; the kernel resolves the directories on the way. With a root, those
 *   links must stay beneath it. Default without a root.
 * - `'follow-within-root'`: follows links while every hop stays beneath the root. Refuses a link with an absolute target. Needs a
 *   root; without one the call fails with `ERR_INVALID_ARG_VALUE`.
 * - `'follow-trusted'`: follows a link only if root or the effective user owns both the link and its directory. No other user may
 *   be able to write that directory.
 *
 * With every policy except `'reject'`, the kernel resolves `..`: `a/../x` needs a directory `a`.
 *
 * On Linux two kernel rules apply as well:
 * - A link on a `nosymfollow` mount fails with `symlink`.
 * - A final link that `fs.protected_symlinks` protects fails with `EACCES`, as in `node:fs`.
 */
export type SymlinkPolicy = 'reject' | 'follow-parents' | 'follow-within-root' | 'follow-trusted';

/**
 * What kept the call beneath its root.
 * - `'kernel'`: Linux `openat2` (since 5.6).
 * - `'walk'`: one descriptor per component. Used where `openat2` is missing, and with `'follow-trusted'`, which the kernel cannot check.
 * - `'none'`: the call had no root.
 */
export type Containment = 'kernel' | 'walk' | 'none';

/**
 * Options of every verb. Each call reads its options object once.
 * - Own properties and properties of the object's classes count. Those of `Object.prototype` do not.
 * - `undefined` means that the option is not given.
 * - An unknown name that `for…in` enumerates fails with `ERR_INVALID_ARG_VALUE`. The message suggests the nearest option.
 */
export interface CommonOptions {
  /**
   * Directory that the call may not leave. The same as {@link openRoot}, the verb, and `close()`. A relative path starts at the root.
   * An absolute path must lie beneath the root's path, as given or without links. Default: none.
   */
  root?: PathInput | undefined;
  /** Which symbolic links the call follows. Default: `'reject'` with a root, `'follow-parents'` without. */
  symlinks?: SymlinkPolicy | undefined;
  /**
   * Aborts a call that returns a promise. The promise rejects at once with `signal.reason`. A call that already runs in the thread
   * pool finishes in the background:
   * - a read closes its descriptor;
   * - a write that is not published removes its temporary; a published write stays;
   * - directories that the call created stay.
   *
   * A call whose answer is in memory has completed before it returns its promise. A later abort does not reach it.
   *
   * All calls that share a signal use one listener. Node 20 may collect an `AbortSignal.any([AbortSignal.timeout(ms)])` whose source
   * signals no variable references. It then never fires, so keep references to the source signals.
   */
  signal?: AbortSignal | undefined;
}

/** Options of a `…Sync` twin: those of the verb without `signal`, which fails with `ERR_INVALID_ARG_VALUE`. */
export type SyncOptions<Options> = Omit<Options, 'signal'> & { signal?: undefined };

/** The options of a method of a {@link Root}: those of the verb without `root`. */
export type WithinRoot<Options> = Omit<Options, 'root'>;

/** Mode of a file that other users may read: the default of {@link writeAtomic} for a new file. */
export const MEDIA_FILE_MODE = 0o644;
/** Mode of a file that only its owner may read and write. */
export const PRIVATE_FILE_MODE = 0o600;
/** Mode of a directory that only its owner may use: the default of {@link ensureDir}. */
export const PRIVATE_DIR_MODE = 0o700;
