import type { CommonOptions, Containment, PathInput, SyncOptions } from './common.js';

/** Options of `fs.mkdir` that {@link ensureDir} refuses (`ERR_INVALID_ARG_VALUE`), unless they ask for what it does anyway. */
export interface ForeignEnsureDirOptions {
  /** Missing parents are always made. */
  recursive?: true | undefined;
}

/** Options of {@link ensureDir}. */
export interface EnsureDirOptions extends CommonOptions, ForeignEnsureDirOptions {
  /**
   * Permission bits (0–`0o777`) of every directory this call creates, exactly, whatever the umask; a setgid bit that is inherited
   * stays. Where the group has a bit that others do not have, a new directory has no access ACL of its parent's default; its own
   * default ACL is inherited. For an existing directory: the bits that may remain. Default `0o700`.
   */
  mode?: number | undefined;
  /**
   * What happens to a directory that exists already. Default `'tighten'`.
   * - `'tighten'`: remove the permission bits that `mode` does not have, never add one, keep setgid and sticky. When the system
   *   refuses (`EPERM`, `EACCES`, `EROFS`, `ENOSYS`, `ENOTSUP`) the call still succeeds: see `hardening`, `reason`, `isPrivate`.
   * - `'require'`: the same, then fail with `insecure-permissions` when a bit beyond `mode` is left, or `not-owned` when neither the
   *   effective user nor root owns it. It demands nothing beyond `mode`. The environment does not weaken it.
   * - `'leave'`: change nothing, as `mkdir -p`.
   */
  existing?: 'tighten' | 'require' | 'leave' | undefined;
}

/**
 * How the directory's mode was settled.
 * - `'created'`: this call made it;
 * - `'not-needed'`: it existed and had nothing to remove, so no chmod was called;
 * - `'tightened'`: bits were removed, and reading back shows it;
 * - `'tolerated'`: the system refused, or the chmod had no effect; `reason` says which;
 * - `'left'`: not touched: `existing: 'leave'`, or for the `reason` given.
 */
export type Hardening = 'created' | 'not-needed' | 'tightened' | 'tolerated' | 'left';

/**
 * Why a directory is not as `mode` wanted it.
 * - `EPERM`, `EACCES`, `EROFS`, `ENOSYS`, `ENOTSUP`: what chmod answered; `EACCES` also for a new directory that its owner may not read;
 * - `'no-effect'`: chmod reported success, and the mode did not change (vfat and the like);
 * - `'owner'`: private by its bits, but owned by another user; or owned by an id that its mount does not map (`EOVERFLOW`);
 * - `'acl'`: it has named ACL entries, which chmod would silently disable, or an ACL that cannot be read and may have some;
 * - `'system'`: `/`, a directory of the Filesystem Hierarchy Standard (`/etc`, `/home`, `/opt`, `/srv`, `/tmp`, `/usr`, `/var`…), any
 *   directly beneath `/usr` or `/var`, or their like on macOS and Windows; by the real path, or the same directory in a bind mount;
 * - `'shared'`: sticky and writable by others; or, for root, setgid for another group;
 * - `'opt-out'`: switched off by the environment.
 */
export type HardeningReason =
  'EPERM' | 'EACCES' | 'EROFS' | 'ENOSYS' | 'ENOTSUP' | 'no-effect' | 'owner' | 'acl' | 'shared' | 'system' | 'opt-out';

/** The directory as it is at the end of the call. */
export interface EnsureDirResult {
  /** Absolute path of the directory without links. */
  path: string;
  /**
   * The first directory that had to be created, as `fs.mkdir` with `recursive` returns it: a part of `dir` as it was given, relative
   * where that was, with links and `..` as they were. `undefined` when none had to.
   */
  firstCreated: string | undefined;
  /** Mode bits read back (`0o7777`: with setuid, setgid and sticky). */
  mode: number;
  /** Read back: no group or other access, no ACL grant, and owned by the effective user or root; on Windows, by owner and ACL alone. */
  isPrivate: boolean;
  /** How its mode was settled. */
  hardening: Hardening;
  /**
   * With `'tolerated'`; with `'left'` unless `existing: 'leave'` asked for it; with `'tightened'` where another user owns it
   * (`'owner'`); with `'created'` where the file system stores no modes, or the system refuses the bits that the umask took.
   */
  reason?: HardeningReason;
  /** What kept the call beneath its root. */
  containment: Containment;
}

/**
 * Makes a directory and its missing parents, and settles the permissions of the last one. Callers racing for one path all succeed.
 * When privacy was wanted and not reached, one process warning per directory says so (`type: 'HoldfastWarning'`,
 * `code: 'HOLDFAST_DIR_NOT_PRIVATE'`, at most 100 directories per process). A number as `options` is `ERR_INVALID_ARG_TYPE`, so that
 * `dirs.map(ensureDir)` fails at its first call.
 *
 * @example
 * const { isPrivate, hardening, reason } = await ensureDir('state/agent');
 *
 * @throws {HoldfastError} `not-directory`, `symlink`, `insecure-permissions`, `not-owned`, `invalid-path`, `not-found` (through
 * `..` or a dangling link); with a root also `outside-workspace`, `path-mismatch`.
 */
export function ensureDir(dir: PathInput, options?: EnsureDirOptions): Promise<EnsureDirResult>;
/** {@link ensureDir}, on the calling thread. */
export function ensureDirSync(dir: PathInput, options?: SyncOptions<EnsureDirOptions>): EnsureDirResult;
