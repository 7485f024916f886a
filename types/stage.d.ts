/// <reference types="node" />
import type { FileHandle } from 'node:fs/promises';
import type { PathInput } from './common.js';
import type { WriteOptions, WriteResult } from './write.js';

/**
 * A file in the making: a temporary with a name, in the target's directory, that anybody may write by its path or its handle. It
 * becomes the target by {@link commit}. Until then it has mode 0600, and what had the target's name is untouched.
 */
export interface StagedFile extends AsyncDisposable {
  /** Absolute path of the temporary: `.holdfast-<32 hexadecimal digits>.tmp`. Its maker may also rename another file onto it. */
  readonly tempPath: string;
  /**
   * Open for reading and writing. `commit` and `abort` close it, unless its user has. Use `await using`, or call one of both: Node 26
   * raises `ERR_INVALID_STATE` for an open `FileHandle` that is collected, earlier versions warn.
   */
  readonly handle: FileHandle;
  /**
   * Publishes what is at `tempPath` then, with all that {@link writeAtomic} promises: mode, owner and ACL are settled on the
   * descriptor, the file is synced, renamed, and the directory synced, as the options say. After an error whatever has the name
   * `tempPath` is gone, also a file that was renamed there.
   *
   * Another file that was renamed onto `tempPath` is published with no more access for group and others than it had, whatever
   * `mode` asks for; it gets owner and ACL of the replaced file only if every user could read it. `mode` and `preserved` of the
   * result say what it has. Write to `tempPath` or `handle` for an exact mode. Where the target is written in place
   * (`fallback: 'in-place'`) and grants more than that file, and another user may write the directory, it is `path-mismatch`: who has
   * the target open would read it.
   *
   * @throws {HoldfastError} As {@link writeAtomic}; for what lies at `tempPath`: `not-found` (it is gone), `symlink`, `not-file`,
   * `hardlink`, `not-owned` (another user's). `path-mismatch`: it was exchanged during the commit (with `published: true`: the
   * target is another file now), or the directory was moved or replaced. `ERR_INVALID_STATE` after an earlier `commit` or `abort`.
   */
  commit(): Promise<WriteResult>;
  /**
   * Closes the handle and removes whatever has the name `tempPath`. Nothing is left to do after `commit` or another `abort`, and that
   * is no error. What cannot be removed is the system's error: its `path` and `temporary` are that of the file that remains, and
   * another `abort` tries again.
   */
  abort(): Promise<void>;
  /**
   * {@link abort}: what was not committed is removed. What cannot be removed is a process warning (`type: 'HoldfastWarning'`,
   * `code: 'HOLDFAST_TEMPORARY_REMAINS'`), a hundred at most: an error here would hide that of the block.
   */
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * Starts a file for a producer that needs a path: a download, a renderer, another program. A target that may not be replaced is
 * refused now, and looked at again by `commit`. There is no `encoding`, and no `maxBytes`: the producer knows the size.
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
   * Only what was last written to or changed at least so many milliseconds ago: a number ≥ 0. Make it longer than any write of
   * this machine takes. Streams, and what {@link stageAtomic} made, are locked until they are published, and never removed before.
   */
  olderThanMs: number;
}

/**
 * Removes what killed processes left in a directory (not beneath it): regular files of the effective user whose whole name is that
 * of a temporary of holdfast, and directories of {@link openTempRoot} with their content. Such a directory is removed only with mode 0700,
 * when nobody holds its lock, and where no other user may rename entries of `dir`. Recovery copies (`.holdfast-….recovery`, see {@link WriteOptions.fallback}) stay.
 *
 * @returns The paths that were removed.
 *
 * @example
 * await cleanStaleTemporaries('media', { olderThanMs: 24 * 60 * 60 * 1000 });
 *
 * @throws {HoldfastError} `not-found`, `not-directory`, `invalid-path`.
 */
export function cleanStaleTemporaries(dir: PathInput, options: CleanOptions): Promise<string[]>;
