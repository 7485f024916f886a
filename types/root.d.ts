import type { PathInput, SyncOptions, WithinRoot } from './common.js';
import type { EnsureDirOptions, EnsureDirResult } from './ensure-dir.js';
import type { Encoded, OpenResult, ReadFileOptions, ReadResult, ReadTextResult } from './read.js';
import type { RootChanges } from './root-changes.js';
import type { RootReads } from './root-read.js';
import type { RootState } from './root-state.js';
import type { WriteBytes, WriteData, WriteEntry, WriteOptions, WriteResult } from './write.js';

/**
 * Defaults for the methods of a {@link Root}, read and checked when it is opened. Each method takes the options it knows (`maxBytes`:
 * reads alone); one given to the method wins. `mode` is not among them, since it means different things for files and directories.
 */
export interface RootDefaults
  extends Pick<ReadFileOptions, 'symlinks' | 'maxBytes' | 'hardlinks' | 'pseudoFiles' | 'outbound'>,
    Pick<WriteOptions, 'newFileMode' | 'finalSymlink' | 'durable' | 'mkdir' | 'dirMode'>,
    Pick<EnsureDirOptions, 'existing'> {}

/**
 * A directory pinned by its descriptor. Every method works beneath that directory, also after it was renamed or another directory
 * took its name. Paths are as for {@link CommonOptions.root}. A method called after `close` fails with `root-closed`.
 */
export interface Root extends RootReads, RootChanges, RootState, Disposable, AsyncDisposable {
  /** Absolute path of the directory without links, at the time it was opened. */
  readonly path: string;
  /** {@link readLocalFileSafely} beneath this root, with an encoding. */
  read(file: PathInput, options: Encoded<WithinRoot<ReadFileOptions>>): Promise<ReadTextResult>;
  /** {@link readLocalFileSafely} beneath this root. */
  read(file: PathInput, options?: WithinRoot<ReadFileOptions>): Promise<ReadResult>;
  /** {@link readLocalFileSafelySync} beneath this root, with an encoding. */
  readSync(file: PathInput, options: Encoded<SyncOptions<WithinRoot<ReadFileOptions>>>): ReadTextResult;
  /** {@link readLocalFileSafelySync} beneath this root. */
  readSync(file: PathInput, options?: SyncOptions<WithinRoot<ReadFileOptions>>): ReadResult;
  /** {@link openLocalFileSafely} beneath this root. */
  open(file: PathInput, options?: WithinRoot<ReadFileOptions>): Promise<OpenResult>;
  /** {@link writeAtomic} beneath this root. */
  writeAtomic(file: PathInput, data: WriteData, options?: WithinRoot<WriteOptions> | BufferEncoding): Promise<WriteResult>;
  /** {@link writeAtomicSync} beneath this root. */
  writeAtomicSync(file: PathInput, data: WriteBytes, options?: SyncOptions<WithinRoot<WriteOptions>> | BufferEncoding): WriteResult;
  /** {@link writeAtomicMany} beneath this root. */
  writeAtomicMany(entries: readonly WriteEntry[], options?: WithinRoot<WriteOptions> | BufferEncoding): Promise<PromiseSettledResult<WriteResult>[]>;
  /** {@link ensureDir} beneath this root; `'.'` is the root itself. */
  ensureDir(dir: PathInput, options?: WithinRoot<EnsureDirOptions>): Promise<EnsureDirResult>;
  /** {@link ensureDirSync} beneath this root; `'.'` is the root itself. */
  ensureDirSync(dir: PathInput, options?: SyncOptions<WithinRoot<EnsureDirOptions>>): EnsureDirResult;
  /**
   * Ends the use of the root; `using` and `await using` call it. Asynchronous calls that were made before still finish, and the
   * descriptor is closed after the last of them. Closing twice is no error.
   */
  close(): void;
  /** {@link close}. */
  [Symbol.dispose](): void;
  /** {@link close}; it does not wait for the calls that were made before. */
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * Pins an existing directory for many calls. The directory itself may be reached through links; it is resolved once.
 *
 * @example
 * using workspace = openRootSync('workspace');
 * const { buffer } = await workspace.read(untrustedPath);
 *
 * @throws {HoldfastError} `not-found`, `not-directory`, `invalid-path`; `device-path` through a magic link into another mount namespace.
 */
export function openRoot(dir: PathInput, defaults?: RootDefaults): Promise<Root>;
/** {@link openRoot}, on the calling thread. */
export function openRootSync(dir: PathInput, defaults?: RootDefaults): Root;
