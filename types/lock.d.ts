import type { CommonOptions, PathInput } from './common.js';

/** Options of the calls that take a lock. */
export interface LockOptions extends CommonOptions {
  /** `true`: holders of shared locks exclude those of exclusive ones alone. Default `false`. */
  shared?: boolean | undefined;
  /**
   * The longest time to wait for the lock, in milliseconds; `Infinity` waits for ever. It ends the wait alone: a callback that has
   * begun runs to its end, under the lock. Default 30,000.
   */
  timeoutMs?: number | undefined;
  /**
   * A directory of one's own for lock files, which must exist: for files in directories that this process may not write, or where
   * lock files are in the way. All that share a lock name the same one. Default: the directory of the file.
   */
  lockDir?: PathInput | undefined;
  /** Permission bits of a new lock file, whatever the umask. `0o660` lets a group share it. Default `0o600`. */
  lockMode?: number | undefined;
}

/**
 * A lock that this process has. The kernel holds it (an open file description lock on Linux, `flock` on macOS, `LockFileEx` on
 * Windows): it ends with its holder, also by `kill -9`, and a holder that sleeps or is stopped keeps it.
 */
export interface Lock extends AsyncDisposable {
  /** Absolute path that the lock is for. */
  readonly path: string;
  /** Absolute path of the locked file: `.holdfast-<32 hexadecimal digits>.lock`. It is never removed. */
  readonly lockFile: string;
  /** As {@link LockOptions.shared}. */
  readonly shared: boolean;
  /**
   * Whom the lock excludes. `'host'`: all processes of this host. `'unknown'`: the lock file lies on NFS, SMB, FUSE, 9p, virtiofs or
   * the like, where a lock may exclude this host alone, or be lost with a lease.
   */
  readonly scope: 'host' | 'unknown';
  /**
   * Ends the lock; `await using` calls it. A lock that is forgotten ends when it is collected, with a warning
   * (`HOLDFAST_LOCK_FORGOTTEN`). Releasing twice is no error.
   *
   * @throws {HoldfastError} `lock-lost`: its file was removed or replaced while the lock was held. It has ended all the same.
   */
  release(): Promise<void>;
}

/**
 * Calls `fn` while this process has the lock for a path, and releases it when `fn` has settled. The path itself need not exist, its
 * directory has to. `updateAtomic`, `updateJson` and the appends take the same lock.
 *
 * Calls of one environment get the lock in the order they were made. Waiting takes no thread. A nested call for the same lock, in the
 * callback, would wait for itself: `ERR_INVALID_STATE`.
 *
 * @example
 * await withLock('sessions.json', async () => {
 *   await writeAtomic('sessions.json', '[]');
 *   await writeAtomic('sessions.index', '');
 * });
 *
 * @throws {HoldfastError} `lock-timeout`; `lock-lost`, when the lock file was removed or replaced meanwhile; `unsupported-platform`
 * where the file system has no locks; `not-owned`, `symlink`, `hardlink`, `not-file` for a lock file that somebody else put there.
 */
export function withLock<T>(path: PathInput, fn: (lock: Lock) => T | Promise<T>, options?: LockOptions): Promise<T>;

/**
 * Takes the lock for a path, for code that is no callback. See {@link withLock}.
 *
 * @example
 * await using lock = await acquireLock('sessions.json', { timeoutMs: 1000 });
 *
 * @throws {HoldfastError} As {@link withLock}, but `lock-lost`, which `release` throws.
 */
export function acquireLock(path: PathInput, options?: LockOptions): Promise<Lock>;

/**
 * Takes the lock for a path if it is free now. Returns `undefined` where it is not.
 *
 * @example
 * const lock = await tryLock('cleanup');
 * if (lock !== undefined) await lock.release();
 *
 * @throws {HoldfastError} As {@link acquireLock}, but `lock-timeout`.
 */
export function tryLock(path: PathInput, options?: Omit<LockOptions, 'timeoutMs' | 'signal'>): Promise<Lock | undefined>;
