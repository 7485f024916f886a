import type { Containment, PathInput, SyncOptions } from './common.js';
import type { Root } from './root.js';

/** Options of {@link RootChanges.rename}. */
export interface RenameOptions {
  /** The root that the new name lies beneath. Default: this root. */
  toRoot?: Root | undefined;
  /**
   * Replace what has the new name, as `fs.rename` does: a file or link by anything but a directory, an empty directory by a directory.
   * Default `false`: `already-exists`, and of several callers one wins.
   */
  overwrite?: boolean | undefined;
  /** Sync the directory of the new name, then that of the old one. Default `true`, or that of the root; its `'file'` counts as `false`. */
  durable?: boolean | undefined;
  /** Make missing directories of the new name, with the root's `dirMode`. Default `false`, or that of the root. */
  mkdir?: boolean | undefined;
}

/** A changed name. */
export interface RenameResult {
  /** Absolute path of the new name without links. */
  path: string;
  /** Both are names of one file, so nothing was done and both are left, as POSIX has it. Only with `overwrite: true`. */
  same: boolean;
  /** Both directories were synced. `false` also where one cannot be synced. */
  durable: boolean;
  /** What kept the new name beneath its root. */
  containment: Containment;
}

/** Options of {@link RootChanges.remove}. */
export interface RemoveOptions {
  /** Remove a directory with everything in it. Default `false`: a directory that is not empty is `ENOTEMPTY`. */
  recursive?: boolean | undefined;
  /** What a missing file is. Default `'error'`: `not-found`. */
  missing?: 'error' | 'ignore' | undefined;
  /** With `recursive`: most entries to remove, the directory itself included. They are counted first; more is `too-large`, and nothing is removed. */
  maxEntries?: number | undefined;
  /** Sync the parent directory. Default `false`. */
  durable?: boolean | undefined;
  /**
   * Rejects at once with the signal's reason. With `recursive` the call stops at the next entry, and rejects then with an `AbortError`
   * that has the reason as `cause`, and `removed`.
   */
  signal?: AbortSignal | undefined;
  /** It is {@link RemoveOptions.missing} here. */
  force?: undefined;
  /** A directory that is refilled is read again by itself. */
  maxRetries?: undefined;
  /** A directory that is refilled is read again by itself. */
  retryDelay?: undefined;
}

/** What {@link RootChanges.remove} removed. */
export interface RemoveResult {
  /** Entries, directories included. */
  removed: number;
}

/** Options of {@link RootChanges.copyIn}. */
export interface CopyInOptions {
  /** Replace existing files; in a tree also links, and directories are merged. Default `false`: `already-exists`. */
  overwrite?: boolean | undefined;
  /** Permission bits (0–`0o777`) of the copied files. Default: those of their sources, without setuid, setgid and sticky. */
  mode?: number | undefined;
  /** Most bytes to copy, of all files together; more is `too-large`. Default: no limit. */
  maxBytes?: number | undefined;
  /** What is synced, as of {@link WriteOptions.durable}. Default `true`, or that of the root. */
  durable?: boolean | 'file' | undefined;
  /**
   * Rejects at once with the signal's reason, and nothing is published. With `recursive` the call stops at the next entry, and rejects
   * then with an `AbortError` that has the reason as `cause`, and `copied`.
   */
  signal?: AbortSignal | undefined;
}

/** Options of {@link RootChanges.copy}. */
export interface CopyOptions extends CopyInOptions {
  /** The root that the copy lies beneath. Default: this root. */
  toRoot?: Root | undefined;
  /** Copy a directory with everything in it. Default `false`: a directory is `not-file`. */
  recursive?: boolean | undefined;
  /** With `recursive`: most entries to copy, the directory itself included. They are counted first; more is `too-large`. */
  maxEntries?: number | undefined;
  /** It is {@link CopyInOptions.overwrite} here. */
  force?: undefined;
  /** Links in a tree are copied as links. */
  dereference?: undefined;
}

/** A copied file or tree. */
export interface CopyResult {
  /** Absolute path of the copy without links. */
  path: string;
  /** Entries, directories included: 1 for a file. */
  copied: number;
  /** Bytes of all files together. */
  size: number;
  /** What was synced. */
  durable: boolean | 'file';
  /** What kept the copy beneath its root. */
  containment: Containment;
}

/** The methods of a {@link Root} that change names beneath it. No one of them touches the root itself: `outside-workspace`. */
export interface RootChanges {
  /**
   * Renames a file, a link or a directory, beneath this root or into another one. Both parents are held by descriptor; a link is renamed
   * and never followed. What the system refuses is the error of `fs.rename`: `EXDEV` to another file system, `ENOTEMPTY`, `EINVAL` for a
   * directory into itself.
   *
   * @example
   * using workspace = openRootSync('workspace');
   * workspace.writeAtomicSync('draft.md', '# Draft');
   * await workspace.rename('draft.md', 'done/draft.md', { mkdir: true });
   *
   * @throws {HoldfastError} `not-found`, `already-exists`, `not-directory`, `symlink`, `outside-workspace`, `invalid-path`,
   * `not-durable`, `path-mismatch`, `root-closed`; `unsupported-platform` for a directory where no rename without replacement exists.
   */
  rename(from: PathInput, to: PathInput, options?: RenameOptions): Promise<RenameResult>;
  /** {@link rename}, on the calling thread. */
  renameSync(from: PathInput, to: PathInput, options?: RenameOptions): RenameResult;
  /**
   * Removes a file, a link or an empty directory; with `recursive` a directory with everything in it. Works by descriptors: follows no link
   * and enters no mount (`EBUSY`, with the path of the mount). Entries that vanish meanwhile are no errors; a directory that is refilled is read
   * again a bounded number of times, then `ENOTEMPTY`. Directories of this user without write or search permission get it, and keep it if the call fails later; while
   * `maxEntries` is counted they get it and lose it again. An error
   * has `removed`, the number of entries that were removed before.
   *
   * @example
   * using workspace = openRootSync('workspace');
   * const { removed } = await workspace.remove('build', { recursive: true, missing: 'ignore' });
   *
   * @throws {HoldfastError} `not-found`, `symlink` (a link on the way, or one whose path ends in `/`), `not-directory`, `outside-workspace`,
   * `invalid-path`, `too-large`, `not-durable`, `path-mismatch`, `root-closed`.
   */
  remove(path: PathInput, options?: RemoveOptions): Promise<RemoveResult>;
  /** {@link remove}, on the calling thread. */
  removeSync(path: PathInput, options?: SyncOptions<RemoveOptions>): RemoveResult;
  /**
   * Copies a file, with `recursive` a directory with everything in it, beneath this root or into another one. Each file is published as
   * {@link writeAtomic} does it, so that a reader sees all of it or nothing; its content is shared where the file system can (`FICLONE`). The
   * source is judged as {@link Root.read} does it, with the root's `symlinks` and `hardlinks`. In a tree, links are copied as links,
   * temporaries of holdfast are left out, other kinds are `not-file`, and a mount is `EBUSY`. A copy gets the owner and group
   * of a new file. Its bits are those of the source: of an ACL what all entries share, of a sticky directory no write bits for group and others. A tree is not copied as a whole: an
   * error has `copied`, the number of entries that were copied before. A destination beneath the source is `EINVAL`.
   *
   * @example
   * using workspace = openRootSync('workspace');
   * workspace.ensureDirSync('template');
   * const { copied } = await workspace.copy('template', 'project', { recursive: true, maxEntries: 1000 });
   *
   * @throws {HoldfastError} `not-found`, `already-exists`, `not-file`, `not-directory`, `symlink`, `hardlink`, `too-large`,
   * `outside-workspace`, `invalid-path`, `not-durable`, `path-mismatch`, `root-closed`.
   */
  copy(from: PathInput, to: PathInput, options?: CopyOptions): Promise<CopyResult>;
  /** {@link copy}, on the calling thread. */
  copySync(from: PathInput, to: PathInput, options?: SyncOptions<CopyOptions>): CopyResult;
  /**
   * Copies a file from outside into this root. The source is judged as {@link readLocalFileSafely} does it; the copy is published as
   * {@link writeAtomic} does it.
   *
   * @example
   * using workspace = openRootSync('workspace');
   * await workspace.copyIn('media/clip.mp4', 'clip.mp4', { maxBytes: 16 * 1024 * 1024 });
   *
   * @throws {HoldfastError} As {@link copy}; `device-path` for the source.
   */
  copyIn(source: PathInput, to: PathInput, options?: CopyInOptions): Promise<CopyResult>;
  /** {@link copyIn}, on the calling thread. */
  copyInSync(source: PathInput, to: PathInput, options?: SyncOptions<CopyInOptions>): CopyResult;
}
