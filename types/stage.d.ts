/// <reference types="node" />
import type { FileHandle } from 'node:fs/promises';
import type { PathInput } from './common.js';
import type { WriteOptions, WriteResult } from './write.js';

/**
 * A named temporary in the target's directory, which the caller fills through its path or its handle. {@link commit} publishes it as
 * the target. Until then it has mode 0600, and an existing target stays unchanged.
 */
export interface StagedFile extends AsyncDisposable {
  /** Absolute path of the temporary: `.holdfast-<24 digits to the base 32>.tmp`. The caller may also rename another file onto it. */
  readonly tempPath: string;
  /**
   * Handle of the temporary, open for reading and writing. `commit` and `abort` close it, if the caller has not. Use `await using`, or
   * call one of the two: for an open `FileHandle` that is collected, Node 26 raises `ERR_INVALID_STATE`, and earlier versions warn.
   */
  readonly handle: FileHandle;
  /**
   * Publishes the file at `tempPath` with the guarantees of {@link writeAtomic}. Applies mode, owner and ACL to the descriptor, syncs
   * the file, renames it, and syncs the directory, as the options request. After an error the name `tempPath` is removed, also when
   * another file was renamed there.
   *
   * When another file was renamed onto `tempPath`:
   * - Group and others get no more access than that file granted, whatever `mode` is. `mode` and `preserved` of the result report it.
   *   Write to `tempPath` or `handle` for an exact mode.
   * - The file gets owner and ACL of the replaced file only if every user could read it.
   * - `fallback: 'in-place'` fails with `path-mismatch` when the target grants more than that file and another user may write the
   *   directory. A process that has the target open could read the new content.
   *
   * @returns What was published.
   *
   * @throws {HoldfastError} As {@link writeAtomic}, and for the file at `tempPath`:
   * - `not-found`: it was removed;
   * - `symlink`, `not-file`, `hardlink`: it is another kind of file, or has several names;
   * - `not-owned`: another user owns it;
   * - `path-mismatch`: it was exchanged during the commit, or the directory was moved or replaced. With `published: true`, the target
   *   is another file now.
   *
   * After an earlier `commit` or `abort` it fails with `ERR_INVALID_STATE`.
   */
  commit(): Promise<WriteResult>;
  /**
   * Closes the handle and removes the name `tempPath`. Does nothing after `commit` or another `abort`.
   *
   * @throws The system's error when the file cannot be removed. `path` and `temporary` of the error name the file that remains. Call
   * `abort` again to retry.
   */
  abort(): Promise<void>;
  /**
   * Does the same as {@link abort}, but never rejects, since that would hide an error of the block. A file that cannot be removed causes a process
   * warning (`type: 'HoldfastWarning'`, `code: 'HOLDFAST_TEMPORARY_REMAINS'`), at most a hundred.
   */
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * Creates a staged file, for producers that need a path: a download, a renderer, another program. Checks whether the target may be
 * replaced; `commit` checks again. Has no `encoding` and no `maxBytes`, because the producer controls the content.
 *
 * @returns The staged file: path, handle, `commit` and `abort`.
 *
 * @example
 * import { copyFile } from 'node:fs/promises';
 *
 * await using file = await stageAtomic('media/copy.mp4');
 * await copyFile('media/clip.mp4', file.tempPath); // or a download, a renderer, another program
 * await file.commit();
 *
 * @throws {HoldfastError} As {@link writeAtomic}; `unsupported-platform` where descriptors cannot be reopened (no procfs at `/proc`).
 */
export function stageAtomic(file: PathInput, options?: Omit<WriteOptions, 'encoding' | 'maxBytes'>): Promise<StagedFile>;

/** Options of {@link cleanStaleTemporaries}. */
export interface CleanOptions {
  /**
   * Minimum age in milliseconds since the last write or change: a number ≥ 0. Choose more than the longest write of this machine takes.
   * Temporaries of streams and of {@link stageAtomic} are locked until they are published, and are never removed before.
   */
  olderThanMs: number;
}

/**
 * Removes the temporaries that killed processes left directly in a directory:
 * - regular files, copied links and empty directories of the effective user whose whole name is that of a holdfast temporary;
 * - directories of {@link openTempRoot} with their content, if they have mode 0700, no process holds their lock, and no other user may
 *   rename entries of `dir`.
 *
 * Keeps recovery copies (`.holdfast-….recovery`, see {@link WriteOptions.fallback}). Does not enter other subdirectories.
 *
 * @returns The paths that were removed.
 *
 * @example
 * await cleanStaleTemporaries('media', { olderThanMs: 24 * 60 * 60 * 1000 });
 *
 * @throws {HoldfastError} `not-found`, `not-directory`, `invalid-path`.
 */
export function cleanStaleTemporaries(dir: PathInput, options: CleanOptions): Promise<string[]>;
