import type { CommonOptions, PathInput } from './common.js';

/** Options of the calls that take a lock. */
export interface LockOptions extends CommonOptions {
  /**
   * `true`: takes a shared lock, which excludes only exclusive locks. As long as shared locks of other processes overlap, an exclusive
   * call waits: leave a pause between two of them, or read without a lock. Default `false`.
   */
  shared?: boolean | undefined;
  /**
   * Longest wait for the lock, in milliseconds; `Infinity` waits without limit. Then the call fails with `lock-timeout`. A lock that
   * is free is taken whatever the limit. Of each period in which this thread was busy or stopped, only the first 0.1 s counts. The limit
   * does not apply to a callback that has started: it runs to its end under the lock. Default 30,000.
   */
  timeoutMs?: number | undefined;
  /**
   * Existing directory for the lock files. Use it when this process may not write the file's directory, or when lock files are unwanted
   * there. All processes that share a lock must name the same directory. Default: the directory of the file.
   */
  lockDir?: PathInput | undefined;
  /**
   * Permission bits of a new lock file, whatever the umask and the default ACL of its directory. With `0o660` a group can share it.
   * Default `0o600`.
   */
  lockMode?: number | undefined;
}

/**
 * A lock that this process holds. It is an open file description lock on Linux, `flock` on macOS, and `LockFileEx` on Windows. The kernel
 * releases it when the process ends, also by `kill -9`. A process that sleeps or is stopped keeps it.
 */
export interface Lock extends AsyncDisposable {
  /** Absolute path that the lock protects. */
  readonly path: string;
  /** Absolute path of the lock file: `.holdfast-<32 hexadecimal digits>.lock`. It is never removed. */
  readonly lockFile: string;
  /** Whether the lock is shared, as in {@link LockOptions.shared}. */
  readonly shared: boolean;
  /**
   * Which processes the lock excludes.
   * - `'host'`: all processes of this host.
   * - `'unknown'`: the lock file is on NFS, SMB, FUSE, 9p, virtiofs or a similar file system. There a lock may exclude only processes of
   *   this host, or be lost with a lease.
   */
  readonly scope: 'host' | 'unknown';
  /**
   * Releases the lock; `await using` calls it. A second call does nothing, also after `lock-lost`. A lock that is garbage-collected
   * without it is released with a warning (`HOLDFAST_LOCK_FORGOTTEN`).
   *
   * @throws {HoldfastError} `lock-lost` when the lock file or its directory was removed or replaced while the lock was held, or when that
   * could not be checked (`sysCode` says why). The lock is released in any case.
   */
  release(): Promise<void>;
}

/**
 * Takes the lock for a path, calls `fn`, and releases the lock when `fn` has settled. The path need not exist, but its directory must. Its
 * last name may not be a symbolic link, whatever `symlinks` says: two names would have two locks.
 * `updateAtomic`, `updateJson` and the appends take the same lock.
 *
 * Calls of one JavaScript environment get the lock in call order. A waiting call uses no thread. A nested call for the same lock inside
 * the callback fails with `ERR_INVALID_STATE`.
 *
 * @returns What `fn` returns.
 *
 * @example
 * await withLock('sessions.json', async () => {
 *   await writeAtomic('sessions.json', '[]');
 *   await writeAtomic('sessions.index', '');
 * });
 *
 * @throws {HoldfastError}
 * - `lock-timeout`: the lock was not free in time;
 * - `lock-lost`: the lock file or its directory was removed or replaced while the lock was held. An error of `fn` is its `cause`. With
 *   `sysCode`: `fn` has ended without an error, but the lock could not be checked afterwards;
 * - `unsupported-platform`: the file system has no locks;
 * - `symlink`: the last name of the path is a symbolic link; `not-file`: the path ends with a slash or a dot;
 * - `not-owned`, `symlink`, `hardlink`, `not-file`: the lock file belongs to another user or is not a regular file with one name.
 */
export function withLock<T>(path: PathInput, fn: (lock: Lock) => T | Promise<T>, options?: LockOptions): Promise<T>;

/**
 * Takes the lock for a path and returns it. Use it when a callback does not fit; see {@link withLock}.
 *
 * @returns The lock, which the caller releases.
 *
 * @example
 * await using lock = await acquireLock('sessions.json', { timeoutMs: 1000 });
 *
 * @throws {HoldfastError} As {@link withLock}, except `lock-lost`, which `release` throws.
 */
export function acquireLock(path: PathInput, options?: LockOptions): Promise<Lock>;

/**
 * Takes the lock for a path if it is free now.
 *
 * @returns The lock, or `undefined` when it is not free.
 *
 * @example
 * const lock = await tryLock('cleanup');
 * if (lock !== undefined) await lock.release();
 *
 * @throws {HoldfastError} As {@link acquireLock}, except `lock-timeout`.
 */
export function tryLock(path: PathInput, options?: Omit<LockOptions, 'timeoutMs' | 'signal'>): Promise<Lock | undefined>;
