import type { PathInput, SyncOptions, WithinRoot } from './common.js';
import type { EnsureDirOptions, EnsureDirResult } from './ensure-dir.js';
import type { Encoded, OpenResult, ReadFileOptions, ReadResult, ReadTextResult } from './read.js';
import type { RootChanges } from './root-changes.js';
import type { RootReads } from './root-read.js';
import type { RootState } from './root-state.js';
import type { WriteBytes, WriteData, WriteEntry, WriteOptions, WriteResult } from './write.js';

/**
 * Defaults for the methods of a {@link Root}. They are read and checked when the root is opened. Each method uses the options that it
 * accepts; `maxBytes` applies to reads only. An option of the call takes precedence. There is no default for `mode`, which has different
 * meanings for files and directories.
 */
export interface RootDefaults
  extends Pick<ReadFileOptions, 'symlinks' | 'maxBytes' | 'hardlinks' | 'pseudoFiles' | 'outbound'>,
    Pick<WriteOptions, 'newFileMode' | 'finalSymlink' | 'durable' | 'mkdir' | 'dirMode'>,
    Pick<EnsureDirOptions, 'existing'> {}

/**
 * A directory that is held open by its descriptor. Every method works beneath that directory, also after it was renamed or another
 * directory took its name. Paths follow the rules of {@link CommonOptions.root}. After `close`, methods fail with `root-closed`.
 */
export interface Root extends RootReads, RootChanges, RootState, Disposable, AsyncDisposable {
  /** Absolute path of the directory without links, at the time it was opened. */
  readonly path: string;
  /** Does the same as {@link readLocalFileSafely} beneath this root, with an encoding. */
  read(file: PathInput, options: Encoded<WithinRoot<ReadFileOptions>>): Promise<ReadTextResult>;
  /** Does the same as {@link readLocalFileSafely} beneath this root. */
  read(file: PathInput, options?: WithinRoot<ReadFileOptions>): Promise<ReadResult>;
  /** Does the same as {@link readLocalFileSafelySync} beneath this root, with an encoding. */
  readSync(file: PathInput, options: Encoded<SyncOptions<WithinRoot<ReadFileOptions>>>): ReadTextResult;
  /** Does the same as {@link readLocalFileSafelySync} beneath this root. */
  readSync(file: PathInput, options?: SyncOptions<WithinRoot<ReadFileOptions>>): ReadResult;
  /** Does the same as {@link openLocalFileSafely} beneath this root. */
  open(file: PathInput, options?: WithinRoot<ReadFileOptions>): Promise<OpenResult>;
  /** Does the same as {@link writeAtomic} beneath this root. */
  writeAtomic(file: PathInput, data: WriteData, options?: WithinRoot<WriteOptions> | BufferEncoding): Promise<WriteResult>;
  /** Does the same as {@link writeAtomicSync} beneath this root. */
  writeAtomicSync(file: PathInput, data: WriteBytes, options?: SyncOptions<WithinRoot<WriteOptions>> | BufferEncoding): WriteResult;
  /** Does the same as {@link writeAtomicMany} beneath this root. */
  writeAtomicMany(entries: readonly WriteEntry[], options?: WithinRoot<WriteOptions> | BufferEncoding): Promise<PromiseSettledResult<WriteResult>[]>;
  /** Does the same as {@link ensureDir} beneath this root; `'.'` is the root itself. */
  ensureDir(dir: PathInput, options?: WithinRoot<EnsureDirOptions>): Promise<EnsureDirResult>;
  /** Does the same as {@link ensureDirSync} beneath this root; `'.'` is the root itself. */
  ensureDirSync(dir: PathInput, options?: SyncOptions<WithinRoot<EnsureDirOptions>>): EnsureDirResult;
  /**
   * Closes the root; `using` and `await using` call it. Pending asynchronous calls finish, and the last one closes the descriptor. A second
   * call does nothing.
   */
  close(): void;
  /** Calls {@link close}. */
  [Symbol.dispose](): void;
  /** Calls {@link close}. Does not wait for pending calls. */
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * Opens an existing directory as a root for many calls. Resolves its path once; that path may go through links.
 *
 * @returns The open root.
 *
 * @example
 * using workspace = openRootSync('workspace');
 * const { buffer } = await workspace.read(untrustedPath);
 *
 * @throws {HoldfastError} `not-found`, `not-directory`, `invalid-path`; `device-path` for a magic link into another mount namespace.
 */
export function openRoot(dir: PathInput, defaults?: RootDefaults): Promise<Root>;
/** Does the same as {@link openRoot} on the calling thread. */
export function openRootSync(dir: PathInput, defaults?: RootDefaults): Root;
