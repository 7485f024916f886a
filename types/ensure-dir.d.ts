import type { CommonOptions, Containment, PathInput, SyncOptions } from './common.js';

/**
 * Options of `fs.mkdir`. {@link ensureDir} accepts only values that request its normal behavior. Any other value fails with
 * `ERR_INVALID_ARG_VALUE`.
 */
export interface ForeignEnsureDirOptions {
  /** `ensureDir` always creates missing parents. */
  recursive?: true | undefined;
}

/** Options of {@link ensureDir}. */
export interface EnsureDirOptions extends CommonOptions, ForeignEnsureDirOptions {
  /**
   * Permission bits (0–`0o777`). Default `0o700`.
   * - Created directories have exactly these bits, whatever the umask. They keep an inherited setgid bit, unless the kernel clears it
   *   (the process is not in the group), and inherit the parent's default ACL. When the group has a bit that others lack, they get no
   *   access ACL from it. With a bit for group or others they have a temporary name until they have their mode, where the file system
   *   can rename without replacing.
   * - An existing directory may keep at most these bits.
   */
  mode?: number | undefined;
  /**
   * What to do with an existing directory. Default `'tighten'`.
   * - `'tighten'`: removes the permission bits that `mode` lacks. Never adds a bit, and keeps setgid and sticky. Succeeds when the system
   *   refuses (`EPERM`, `EACCES`, `EROFS`, `ENOSYS`, `ENOTSUP`): see `hardening`, `reason` and `isPrivate`.
   * - `'require'`: does the same, then checks the result. Fails with `insecure-permissions` when a bit beyond `mode` remains, and with
   *   `not-owned` when neither the effective user nor root owns the directory. Environment variables do not disable it.
   * - `'leave'`: changes nothing, like `mkdir -p`.
   */
  existing?: 'tighten' | 'require' | 'leave' | undefined;
}

/**
 * What the call did to the directory's mode.
 * - `'created'`: the call created the directory.
 * - `'not-needed'`: the directory existed with no bits to remove; `chmod` was not called.
 * - `'tightened'`: bits were removed, and a second `fstat` confirms it.
 * - `'tolerated'`: `chmod` failed or had no effect; see `reason`.
 * - `'left'`: unchanged, because of `existing: 'leave'` or for the given `reason`.
 */
export type Hardening = 'created' | 'not-needed' | 'tightened' | 'tolerated' | 'left';

/**
 * Why a directory does not have the requested `mode`.
 * - `EPERM`, `EACCES`, `EROFS`, `ENOSYS`, `ENOTSUP`: the errno of `chmod`. `EACCES` also for a new directory that its owner may not read.
 * - `'no-effect'`: `chmod` succeeded but did not change the mode, as on vfat.
 * - `'owner'`: the bits are private but another user owns the directory, or its mount does not map the owner's id (`EOVERFLOW`).
 * - `'acl'`: the directory has named ACL entries, which `chmod` would silently disable, or an unreadable ACL that may have some.
 * - `'system'`: the directory is a system directory, by its real path or through a bind mount. These are `/`, the directories of the
 *   Filesystem Hierarchy Standard (`/etc`, `/home`, `/opt`, `/srv`, `/tmp`, `/usr`, `/var`…), and those directly beneath `/usr` or
 *   `/var`. Equivalent directories count on macOS and Windows.
 * - `'shared'`: the directory is sticky and writable by others, or, for root, setgid with another group.
 * - `'opt-out'`: an environment variable disables hardening.
 */
export type HardeningReason =
  'EPERM' | 'EACCES' | 'EROFS' | 'ENOSYS' | 'ENOTSUP' | 'no-effect' | 'owner' | 'acl' | 'shared' | 'system' | 'opt-out';

/** The directory at the end of the call. */
export interface EnsureDirResult {
  /** Absolute path of the directory without links. */
  path: string;
  /**
   * The first directory that the call created, as from `fs.mkdir` with `recursive`; `undefined` when it created none. It is a leading
   * part of `dir` as given: possibly relative, with its links and `..`.
   */
  firstCreated: string | undefined;
  /** Mode bits at the end of the call (`0o7777`: with setuid, setgid and sticky). */
  mode: number;
  /**
   * Whether the directory is private at the end of the call. It then grants nothing to group and others, by bits or ACL, and the
   * effective user or root owns it. On Windows only owner and ACL count.
   */
  isPrivate: boolean;
  /** What the call did to the directory's mode. */
  hardening: Hardening;
  /**
   * Why the directory does not have the requested mode. Present with:
   * - `'tolerated'`;
   * - `'left'`, unless `existing: 'leave'` requested it;
   * - `'tightened'`, when another user owns the directory (`'owner'`);
   * - `'created'`, when the file system stores no modes, or the system refuses to add the bits that the umask removed, or to remove
   *   an inherited access ACL: the group then gets no more than others.
   */
  reason?: HardeningReason;
  /** What kept the call beneath its root. */
  containment: Containment;
}

/**
 * Creates a directory and its missing parents, and restricts the permissions of the last one. Concurrent calls for one path all
 * succeed.
 *
 * If the requested privacy cannot be reached, the call emits one process warning per directory (`type: 'HoldfastWarning'`,
 * `code: 'HOLDFAST_DIR_NOT_PRIVATE'`), for at most 100 directories per process. A number as `options` fails with
 * `ERR_INVALID_ARG_TYPE`, so that `dirs.map(ensureDir)` fails at its first call.
 *
 * @returns The path and what happened to its mode.
 *
 * @example
 * const { isPrivate, hardening, reason } = await ensureDir('state/agent');
 *
 * @throws {HoldfastError} `not-directory`, `symlink`, `invalid-path`; `insecure-permissions` and `not-owned` with
 * `existing: 'require'`; `not-found` through `..` or a dangling link; `path-mismatch` when the path kept changing, or making the
 * directory took long and it was moved; with a root also `outside-workspace`.
 */
export function ensureDir(dir: PathInput, options?: EnsureDirOptions): Promise<EnsureDirResult>;
/** Does the same as {@link ensureDir} on the calling thread. */
export function ensureDirSync(dir: PathInput, options?: SyncOptions<EnsureDirOptions>): EnsureDirResult;
