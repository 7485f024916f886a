import type { PathInput } from './common.js';
import type { RemoveResult } from './root-changes.js';
import type { Root } from './root.js';

/** Options of {@link openTempRoot}. */
export interface TempRootOptions {
  /**
   * The existing directory that it is made in. Default: `os.tmpdir()`, which root or the effective user has to own, and in which nobody else
   * may rename entries (the sticky bit); otherwise `insecure-permissions`.
   */
  parent?: PathInput | undefined;
  /** The beginning of its name: letters, digits, `_`, `-` and `.`, at most 64. 128 random bits follow. Default: none. */
  prefix?: string | undefined;
}

/** A private directory that exists until it is removed. */
export interface TempRoot extends AsyncDisposable {
  /** The directory as a root. */
  readonly root: Root;
  /** Its absolute path without links. */
  readonly path: string;
  /** Removes the directory with its content, as {@link RootChanges.remove}, and closes `root`. A second call returns the same. */
  remove(): Promise<RemoveResult>;
  /** {@link remove}. */
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * Makes a directory with mode 0700 and an unguessable name, for the files of one piece of work. The process holds a lock on it (`flock`); one
 * that dies leaves the directory, and {@link cleanStaleTemporaries} of its parent removes it, when it belongs to this user, nobody
 * holds the lock, and no other user may rename entries of the parent.
 *
 * @example
 * await using work = await openTempRoot({ prefix: 'render-' });
 * await work.root.writeAtomic('page.html', '<p>', { durable: false });
 *
 * @throws {HoldfastError} As {@link openRoot}; `insecure-permissions`.
 */
export function openTempRoot(options?: TempRootOptions): Promise<TempRoot>;
