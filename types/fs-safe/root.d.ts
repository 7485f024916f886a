/// <reference types="node" />
import type { Stats } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import type { OutboundOptions } from '../read.js';
import type { FsSafeOpenResult, FsSafeReadResult, FsSafeSymlinks } from './read.js';

/** Options of the reads of a root. */
export interface FsSafeRootReadOptions {
  /** What to do with a file that has more than one hard link. Default `'reject'`. */
  hardlinks?: 'reject' | 'allow' | undefined;
  /** Most bytes to accept. Default 16 MiB. */
  maxBytes?: number | undefined;
  /** No effect: opening a file never blocks. */
  nonBlockingRead?: boolean | undefined;
  /** Which symbolic links to follow. Default `'reject'`. */
  symlinks?: FsSafeSymlinks | undefined;
  /** Applies {@link FsSafeBinding.outbound} to this read. */
  outbound?: boolean | OutboundOptions | undefined;
}

/** Options of the writes of a root. */
export interface FsSafeRootWriteOptions {
  /** Permission bits of the file. Default: those of an existing file, `0o600` for a new one. */
  mode?: number | undefined;
  /** Create missing parent directories. Default `true`. */
  mkdir?: boolean | undefined;
  /** What to sync: `true` the file and its directory, `'file'` the file only. Default `true`. */
  durable?: boolean | 'file' | undefined;
  /** Replace an existing file. Default `true`. */
  overwrite?: boolean | undefined;
  /** Encoding of the data when it is a string. */
  encoding?: BufferEncoding | undefined;
  /** Whether to follow links among the parent directories. Default: follows them while they stay beneath the root. */
  mutationSymlinks?: 'reject' | 'follow-parents-within-root' | undefined;
  /** Called before the first change, before each further change, and before the publication. An exception ends the call. */
  assertBeforeMutation?: (() => void) | undefined;
  /** Paths that the call may not change. The original handles such a call; without an original it is refused. */
  denyMutations?: { paths?: readonly string[]; prefixes?: readonly string[] } | undefined;
  /** No effect: the published file is identified by its descriptor. */
  renameIdentity?: 'strict' | 'verify-content-with-lock' | undefined;
}

/** Options of `create`. */
export type FsSafeRootCreateOptions = Omit<FsSafeRootWriteOptions, 'overwrite'> & {
  /** Make the file and created directories accessible to the owner only. */
  private?: boolean | undefined;
  /** No effect: a file is always published complete. */
  atomic?: boolean | undefined;
};

/** Options of `create` with an iterable. */
export type FsSafeRootCreateStreamOptions = Omit<FsSafeRootCreateOptions, 'encoding'> & {
  /** Most bytes to accept. */
  maxBytes?: number | undefined;
  /** Aborts the call. */
  signal?: AbortSignal | undefined;
};

/** Options of `writeJson` and `createJson`. */
export interface FsSafeJsonOptions {
  /** As in `JSON.stringify`. */
  replacer?: ((this: any, key: string, value: any) => any) | (number | string)[] | null | undefined;
  /** As in `JSON.stringify`. */
  space?: string | number | undefined;
  /** End the file with a newline. Default `true`. */
  trailingNewline?: boolean | undefined;
}

/** Options of `mkdir` and `ensureRoot`. */
export interface FsSafeRootMkdirOptions
  extends Pick<FsSafeRootWriteOptions, 'assertBeforeMutation' | 'denyMutations' | 'mutationSymlinks'> {
  /** Create private directories, and require an existing one to be private. */
  private?: boolean | undefined;
}

/** Metadata of a path. */
export interface FsSafePathStat {
  dev: number;
  gid: number;
  ino: number;
  isDirectory: boolean;
  isFile: boolean;
  isSymbolicLink: boolean;
  mode: number;
  mtimeMs: number;
  nlink: number;
  size: number;
  uid: number;
}

/** Defaults for the methods of a root. */
export type FsSafeRootDefaults = Pick<FsSafeRootReadOptions, 'hardlinks' | 'maxBytes' | 'nonBlockingRead' | 'symlinks'> &
  Pick<FsSafeRootWriteOptions, 'assertBeforeMutation' | 'denyMutations' | 'mkdir' | 'mode' | 'mutationSymlinks' | 'renameIdentity'> & {
    /** Sync file and directory. Default `true`. Only a single call accepts `'file'`. */
    durable?: boolean | undefined;
  };

/** Name and `lstat` of a directory entry. */
export type FsSafeDirEntry = { name: string } & FsSafePathStat;

/** Options of `entries`. */
export interface FsSafeEntriesOptions {
  /** Most entries. More fails with `too-large`. */
  maxEntries?: number | undefined;
  /** Order of the entries. Default `'filesystem'`. */
  order?: 'filesystem' | 'sorted' | undefined;
  /** Aborts the call. */
  signal?: AbortSignal | undefined;
  /** Which links to follow in the path of the directory. Links in the directory are listed, never followed. */
  symlinks?: FsSafeSymlinks | undefined;
}

/** What `walk` does with symbolic links. */
export type FsSafeWalkPolicy = 'skip' | 'follow-within-root' | 'include';

/** A file or directory of `walk`; with `symlinkPolicy: 'include'` a symbolic link too. */
export type FsSafeWalkDataEntry<Policy extends FsSafeWalkPolicy = FsSafeWalkPolicy> =
  | { relativePath: string; kind: 'file' | 'directory' | 'other'; size: number }
  | ('include' extends Policy ? { relativePath: string; kind: 'symlink'; size: number } : never);

/** An entry of `walk`. */
export type FsSafeWalkEntry<Policy extends FsSafeWalkPolicy = FsSafeWalkPolicy> =
  | FsSafeWalkDataEntry<Policy>
  | { relativePath: string; kind: 'truncated'; size: 0 }
  | { relativePath: string; kind: 'directory-error'; size: 0; error: unknown };

/** What `entryFilter` returns. */
type FsSafeFilterResult = 'include' | 'skip' | 'skip-subtree';

/** Options of `walk`. */
export interface FsSafeWalkOptions<Policy extends FsSafeWalkPolicy = FsSafeWalkPolicy> {
  /** What to do with symbolic links. */
  symlinkPolicy: Policy;
  /** Most levels of directories. */
  maxDepth?: number | undefined;
  /** Most entries to visit. */
  maxEntries?: number | undefined;
  /** Order of the entries. Default `'sorted'`. */
  order?: 'sorted' | 'filesystem' | undefined;
  /** Aborts the walk. */
  signal?: AbortSignal | undefined;
  /** What to do at a limit. `'truncate'` ends the walk with an entry of kind `truncated`. Default `'truncate'`. */
  limitBehavior?: 'truncate' | 'throw' | undefined;
  /** Called with each entry in turn. */
  entryFilter?: ((entry: FsSafeWalkDataEntry<Policy>) => FsSafeFilterResult | Promise<FsSafeFilterResult>) | undefined;
  /** What to do with a directory that cannot be read. Default `'throw'`. */
  onDirectoryError?: 'throw' | 'skip-and-report' | undefined;
}

/** Options of every method that changes a root. */
type FsSafeChange = Pick<FsSafeRootWriteOptions, 'assertBeforeMutation' | 'denyMutations' | 'mutationSymlinks'>;

/** Options of `remove`. */
export interface FsSafeRemoveOptions extends FsSafeChange {
  /** Remove a directory with its content. */
  recursive?: boolean | undefined;
  /** Ignore a missing file. */
  force?: boolean | undefined;
  /** No effect. */
  order?: 'filesystem' | 'sorted' | undefined;
  /** With `recursive`: most entries. The call counts them first and removes nothing when there are more. Default 100,000. */
  maxEntries?: number | undefined;
  /** With `recursive`: most levels of directories. Default: no limit. */
  maxDepth?: number | undefined;
  /** Aborts the call. */
  signal?: AbortSignal | undefined;
}

/** Options of `move`. */
export interface FsSafeMoveOptions extends FsSafeChange {
  /** Replace an existing file. Required to move a directory. Default `false`. */
  overwrite?: boolean | undefined;
}

/** Options of `append`. */
export interface FsSafeAppendOptions extends FsSafeChange, Pick<FsSafeRootWriteOptions, 'durable' | 'encoding' | 'mkdir'> {
  /** Permission bits of a new file, reduced by the umask. Default `0o600`. */
  mode?: number | undefined;
  /** Write a line break first, unless the file ends or the data begin with one. */
  prependNewlineIfNeeded?: boolean | undefined;
}

/** Options of `openWritable`. */
export interface FsSafeOpenWritableOptions extends FsSafeChange, Pick<FsSafeRootWriteOptions, 'mkdir'> {
  /** Permission bits of a new file, reduced by the umask. Default `0o600`. */
  mode?: number | undefined;
  /** How to open an existing file. Default `'replace'`: empties it. */
  writeMode?: 'replace' | 'append' | 'update' | undefined;
}

/** A file that is open for writing. */
export interface FsSafeWritable extends AsyncDisposable {
  /** Handle of the file. */
  handle: FileHandle;
  /** Absolute path of the file without links. */
  realPath: string;
  /** The stat before the file was emptied. */
  stat: Stats;
  /** Whether the call created the file. */
  createdForWrite: boolean;
  /** `'kernel-atomic'` when the kernel resolved the path beneath the root. */
  containment: 'kernel-atomic' | 'best-effort';
  /** Closes `handle`, if the caller has not. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** Options of `copyIn`. */
export interface FsSafeCopyOptions extends FsSafeChange, Pick<FsSafeRootWriteOptions, 'durable' | 'mkdir' | 'mode' | 'overwrite'> {
  /** Most bytes to copy. */
  maxBytes?: number | undefined;
  /** What to do with a source that has more than one hard link. Default: that of the source's root; `'allow'` for a path. */
  sourceHardlinks?: 'reject' | 'allow' | undefined;
  /** The original handles `'always'`. The other values have no effect. */
  clone?: 'auto' | 'always' | 'never' | undefined;
  /** Aborts the call. */
  signal?: AbortSignal | undefined;
  /** Use the mode of the source when `mode` is not given. */
  preserveSourceMode?: boolean | undefined;
  /** Called after the copy is published. */
  onDestinationPublished?: ((receipt: { readonly path: string; readonly dev: bigint; readonly ino: bigint }) => void) | undefined;
}

/** Source of `copyIn`: an absolute path, or a file beneath a root. */
export type FsSafeCopySource = string | { root: Pick<FsSafeRoot, 'open' | 'stat'>; relativePath: string };

/** The defaults of a root, in the library's type. */
type KeptDefaults = { readonly [Name in keyof FsSafeRootDefaults]?: Exclude<FsSafeRootDefaults[Name], undefined> };

/** A directory that is held open by its descriptor, and that paths may not leave. Each method has the behavior of the library's. */
export interface FsSafeRoot {
  /** Path of the directory as given. */
  readonly rootDir: string;
  /** Path of the directory without links. */
  readonly rootReal: string;
  /** `rootReal` with a separator at its end. */
  readonly rootWithSep: string;
  /** Defaults of the methods. */
  readonly defaults: KeptDefaults;
  read(relativePath: string, options?: FsSafeRootReadOptions): Promise<FsSafeReadResult>;
  readAbsolute(filePath: string, options?: FsSafeRootReadOptions): Promise<FsSafeReadResult>;
  readBytes(relativePath: string, options?: FsSafeRootReadOptions): Promise<Buffer>;
  readText(relativePath: string, options?: FsSafeRootReadOptions & { encoding?: BufferEncoding }): Promise<string>;
  readJson<T = unknown>(relativePath: string, options?: FsSafeRootReadOptions & { encoding?: BufferEncoding }): Promise<T>;
  reader(options?: FsSafeRootReadOptions): (filePath: string) => Promise<Buffer>;
  open(relativePath: string, options?: Omit<FsSafeRootReadOptions, 'maxBytes'>): Promise<FsSafeOpenResult>;
  write(relativePath: string, data: string | Uint8Array, options?: FsSafeRootWriteOptions): Promise<void>;
  create(relativePath: string, data: string | Uint8Array, options?: FsSafeRootCreateOptions): Promise<void>;
  create(relativePath: string, data: AsyncIterable<Uint8Array>, options?: FsSafeRootCreateStreamOptions): Promise<void>;
  writeJson(relativePath: string, data: unknown, options?: FsSafeRootWriteOptions & FsSafeJsonOptions): Promise<void>;
  createJson(relativePath: string, data: unknown, options?: FsSafeRootCreateOptions & FsSafeJsonOptions): Promise<void>;
  mkdir(relativePath: string, options?: FsSafeRootMkdirOptions): Promise<void>;
  ensureRoot(options?: FsSafeRootMkdirOptions): Promise<void>;
  list(relativePath: string, options?: { withFileTypes?: false | undefined }): Promise<string[]>;
  list(relativePath: string, options: { withFileTypes: true }): Promise<FsSafeDirEntry[]>;
  entries(relativePath: string, options?: FsSafeEntriesOptions): AsyncIterableIterator<FsSafeDirEntry>;
  walk<Policy extends FsSafeWalkPolicy>(relativePath: string, options: FsSafeWalkOptions<Policy>): AsyncIterableIterator<FsSafeWalkEntry<Policy>>;
  /** Returns the path of a name without links on the way. Another process may change the path before it is used. */
  resolve(relativePath: string): Promise<string>;
  remove(relativePath: string, options?: FsSafeRemoveOptions): Promise<void>;
  move(fromRelative: string, toRelative: string, options?: FsSafeMoveOptions): Promise<void>;
  append(relativePath: string, data: string | Uint8Array, options?: FsSafeAppendOptions): Promise<void>;
  openWritable(relativePath: string, options?: FsSafeOpenWritableOptions): Promise<FsSafeWritable>;
  copyIn(relativePath: string, source: FsSafeCopySource, options?: FsSafeCopyOptions): Promise<void>;
  exists(relativePath: string): Promise<boolean>;
  stat(relativePath: string): Promise<FsSafePathStat>;
}

/** Further methods of the original's root. A root of the binding forwards them. Without an original they fail with `helper-unavailable`. */
export type FsSafeOriginalRoot<Original> = Original extends { root: (...args: any[]) => Promise<infer Handle> }
  ? Omit<Handle, keyof FsSafeRoot>
  : unknown;

/**
 * Functions of the original that take a root, in its type. The binding replaces its own root by the original's root of the same directory.
 */
export type FsSafeRootTakers<Original> = Original extends object
  ? Pick<Original, keyof Original & ('acquireFileLock' | 'acquireFileLockSync' | 'withFileLock' | 'withFileLockSync' | 'createFileLockManager' | 'watch')>
  : unknown;
