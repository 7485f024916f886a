import type { Containment, PathInput, SyncOptions } from './common.js';
import type { Root } from './root.js';

/** Options of {@link RootChanges.rename}. */
export interface RenameOptions {
  /** The root for the new name. Default: this root. */
  toRoot?: Root | undefined;
  /**
   * Replace an existing new name, as `fs.rename` does. A directory replaces only an empty directory; other kinds replace a file or link.
   * Default `false`: fails with `already-exists`, and exactly one of several concurrent calls succeeds.
   */
  overwrite?: boolean | undefined;
  /** Sync the directory of the new name, then that of the old one. Default: that of the root, whose `'file'` counts as `false`; else `true`. */
  durable?: boolean | undefined;
  /** Create missing parents of the new name, with the root's `dirMode`. Default: that of the root, else `false`. */
  mkdir?: boolean | undefined;
}

/** The result of {@link RootChanges.rename}. */
export interface RenameResult {
  /** Absolute path of the new name without links. */
  path: string;
  /** Whether both names are hard links of one file. Nothing is changed then, as POSIX requires. Only with `overwrite: true`. */
  same: boolean;
  /** Whether both directories were synced. Also `false` when one cannot be synced. */
  durable: boolean;
  /** What kept the new name beneath its root. */
  containment: Containment;
}

/** Options of {@link RootChanges.remove}. */
export interface RemoveOptions {
  /** Remove a directory with its content. Default `false`: a directory that is not empty fails with `ENOTEMPTY`. */
  recursive?: boolean | undefined;
  /** What to do when the file does not exist. Default `'error'`: fails with `not-found`. */
  missing?: 'error' | 'ignore' | undefined;
  /**
   * With `recursive`: most entries to remove, including the directory itself. The call counts them first. When there are more, it fails
   * with `too-large` and removes nothing. Default: no limit.
   */
  maxEntries?: number | undefined;
  /**
   * Sync the parent directory. Default `false`. A directory that this user may not read, or whose file system syncs no directories, is
   * not synced, and the call succeeds.
   */
  durable?: boolean | undefined;
  /**
   * Aborts the call, which rejects at once with the signal's reason. With `recursive` it stops at the next entry instead, and then rejects
   * with an `AbortError`. Its `cause` is the reason, and `removed` is the number of removed entries.
   */
  signal?: AbortSignal | undefined;
  /** Use {@link RemoveOptions.missing}. */
  force?: undefined;
  /** A directory that is refilled is read again by itself. */
  maxRetries?: undefined;
  /** A directory that is refilled is read again by itself. */
  retryDelay?: undefined;
}

/** The result of {@link RootChanges.remove}. */
export interface RemoveResult {
  /** Number of removed entries, including directories. */
  removed: number;
}

/** Options of {@link RootChanges.copyIn}. */
export interface CopyInOptions {
  /**
   * Replace existing files. A copied tree merges directories, and replaces a link by a link. A file does not replace a link, unless the
   * root was opened with `finalSymlink: 'replace'`. Default `false`: fails with `already-exists`.
   */
  overwrite?: boolean | undefined;
  /** Permission bits (0–`0o777`) of the copied files. Default: those of the sources, without setuid, setgid and sticky. */
  mode?: number | undefined;
  /** Most bytes to copy, over all files. More fails with `too-large`. Default: no limit. */
  maxBytes?: number | undefined;
  /** What to sync, as in {@link WriteOptions.durable}. Default: that of the root, else `true`. */
  durable?: boolean | 'file' | undefined;
  /**
   * Aborts the call, which rejects at once with the signal's reason and publishes nothing. With `recursive` it stops at the next entry
   * instead, and then rejects with an `AbortError`. Its `cause` is the reason, and `copied` is the number of copied entries.
   */
  signal?: AbortSignal | undefined;
}

/** Options of {@link RootChanges.copy}. */
export interface CopyOptions extends CopyInOptions {
  /** The root for the copy. Default: this root. */
  toRoot?: Root | undefined;
  /** Copy a directory with its content. Default `false`: a directory fails with `not-file`. */
  recursive?: boolean | undefined;
  /**
   * With `recursive`: most entries to copy, including the directory itself. The call counts them first. When there are more, it fails
   * with `too-large`. Default: no limit.
   */
  maxEntries?: number | undefined;
  /** Use {@link CopyInOptions.overwrite}. */
  force?: undefined;
  /** Links in a tree are copied as links. */
  dereference?: undefined;
}

/** The result of {@link RootChanges.copy} and {@link RootChanges.copyIn}. */
export interface CopyResult {
  /** Absolute path of the copy without links. */
  path: string;
  /** Number of copied entries, including directories: 1 for a file. */
  copied: number;
  /** Bytes of all copied files. */
  size: number;
  /** What was synced. */
  durable: boolean | 'file';
  /** What kept the copy beneath its root. */
  containment: Containment;
}

/**
 * The methods of a {@link Root} that rename, remove and copy. For the root itself they fail with `outside-workspace`, but a copy may
 * have it as its source.
 */
export interface RootChanges {
  /**
   * Renames a file, link or directory beneath this root or into another root. Holds both parents by descriptor. Renames a link itself,
   * and never follows it. Names of lock files, temporaries and temporary roots are `invalid-path`, on both sides.
   *
   * @returns The new path, and what was synced.
   *
   * @example
   * using workspace = openRootSync('workspace');
   * workspace.writeAtomicSync('draft.md', '# Draft');
   * await workspace.rename('draft.md', 'done/draft.md', { mkdir: true });
   *
   * @throws {HoldfastError} `not-found`, `already-exists`, `not-directory`, `symlink`, `outside-workspace`, `invalid-path`,
   * `not-durable`, `path-mismatch`, `root-closed`; `unsupported-platform` for a directory where the system has no exclusive rename.
   * Other errors are those of `fs.rename`: `EXDEV` to another file system, `ENOTEMPTY`, `EINVAL` for a directory into itself.
   */
  rename(from: PathInput, to: PathInput, options?: RenameOptions): Promise<RenameResult>;
  /** Does the same as {@link rename} on the calling thread. */
  renameSync(from: PathInput, to: PathInput, options?: RenameOptions): RenameResult;
  /**
   * Removes a file, a link or an empty directory; with `recursive`, a directory with its content. Works by descriptors and follows no link.
   *
   * With `recursive`:
   * - A mount fails with `EBUSY`; the error's `path` is the mount.
   * - Entries that disappear during the call are ignored.
   * - A directory that another process refills is read again a bounded number of times, then fails with `ENOTEMPTY`.
   * - Changes no mode: a directory that denies this user reading, writing or searching fails with `EACCES`.
   * - An error has `removed`, the number of entries that were removed before it.
   *
   * @returns The number of removed entries.
   *
   * @example
   * using workspace = openRootSync('workspace');
   * const { removed } = await workspace.remove('build', { recursive: true, missing: 'ignore' });
   *
   * @throws {HoldfastError} `not-found`, `symlink` (a link on the way, or a link whose path ends in `/`), `not-directory`,
   * `outside-workspace`, `invalid-path`, `too-large`, `not-durable`, `path-mismatch`, `root-closed`.
   */
  remove(path: PathInput, options?: RemoveOptions): Promise<RemoveResult>;
  /** Does the same as {@link remove} on the calling thread. */
  removeSync(path: PathInput, options?: SyncOptions<RemoveOptions>): RemoveResult;
  /**
   * Copies a file beneath this root or into another root; with `recursive`, a directory with its content.
   *
   * - Publishes each file as {@link writeAtomic} does: a reader sees the complete file or none. Shares the content where the file system
   *   supports it (`FICLONE`).
   * - Checks the source as {@link Root.read} does, with the root's `symlinks` and `hardlinks`.
   * - Gives each copy the owner and group of a new file, and the bits of its source. For a source with an ACL these are the bits that all
   *   entries share. A copy of a sticky directory has no write bits for group and others. Times are those of the copy.
   * - In a tree: copies links as links, omits temporaries, lock files and temporary roots of holdfast, and fails with `not-file` for other kinds and with `EBUSY` for a
   *   mount.
   * - Does not copy a tree atomically. An error has `copied`, the number of entries that were copied before it.
   *
   * @returns The path of the copy, and what was copied and synced.
   *
   * @example
   * using workspace = openRootSync('workspace');
   * workspace.ensureDirSync('template');
   * const { copied } = await workspace.copy('template', 'project', { recursive: true, maxEntries: 1000 });
   *
   * @throws {HoldfastError} `not-found`, `already-exists`, `not-file`, `not-directory`, `symlink`, `hardlink`, `too-large`,
   * `outside-workspace`, `invalid-path`, `not-durable`, `path-mismatch`, `root-closed`. `EINVAL` for a destination beneath the source.
   */
  copy(from: PathInput, to: PathInput, options?: CopyOptions): Promise<CopyResult>;
  /** Does the same as {@link copy} on the calling thread. */
  copySync(from: PathInput, to: PathInput, options?: SyncOptions<CopyOptions>): CopyResult;
  /**
   * Copies a file from outside into this root. Checks the source as {@link readLocalFileSafely} does, and publishes the copy as
   * {@link writeAtomic} does.
   *
   * @returns The path of the copy, and what was copied and synced.
   *
   * @example
   * using workspace = openRootSync('workspace');
   * await workspace.copyIn('media/clip.mp4', 'clip.mp4', { maxBytes: 16 * 1024 * 1024 });
   *
   * @throws {HoldfastError} As {@link copy}; `device-path` when the source is a device.
   */
  copyIn(source: PathInput, to: PathInput, options?: CopyInOptions): Promise<CopyResult>;
  /** Does the same as {@link copyIn} on the calling thread. */
  copyInSync(source: PathInput, to: PathInput, options?: SyncOptions<CopyInOptions>): CopyResult;
}
