import type { PathInput } from './common.js';
import type { RemoveResult } from './root-changes.js';
import type { Root } from './root.js';

/** Options of {@link openTempRoot}. */
export interface TempRootOptions {
  /**
   * Existing directory in which the temporary directory is created. Default: `os.tmpdir()`. Root or the effective user must own that
   * default, and no other user may rename its entries (sticky bit). Otherwise the call fails with `insecure-permissions`.
   */
  parent?: PathInput | undefined;
  /** First part of the name: at most 64 letters, digits, `_`, `-` and `.`. 128 random bits follow. Default: none. */
  prefix?: string | undefined;
}

/** A private temporary directory, which exists until it is removed. */
export interface TempRoot extends AsyncDisposable {
  /** The directory as a root. */
  readonly root: Root;
  /** Absolute path of the directory without links. */
  readonly path: string;
  /** Removes the directory with its content, as {@link RootChanges.remove} does, and closes `root`. A second call returns the same result. */
  remove(): Promise<RemoveResult>;
  /** Calls {@link remove}. */
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * Creates a temporary directory with mode 0700 and an unguessable name. The process holds a lock on it (`flock`).
 *
 * A process that dies leaves its directory. {@link cleanStaleTemporaries} of the parent removes it later. The directory must belong to the
 * calling user and have no lock, and no other user may be able to rename entries of the parent.
 *
 * @returns The directory as a root, its path and `remove`.
 *
 * @example
 * await using work = await openTempRoot({ prefix: 'render-' });
 * await work.root.writeAtomic('page.html', '<p>', { durable: false });
 *
 * @throws {HoldfastError} As {@link openRoot}; `insecure-permissions`.
 */
export function openTempRoot(options?: TempRootOptions): Promise<TempRoot>;
