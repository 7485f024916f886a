/// <reference types="node" />
import type { OutboundOptions } from '../read.js';
import type { FsSafeOpenResult, FsSafeReadResult, FsSafeSymlinks } from './read.js';

export interface FsSafeRootReadOptions {
  /** Default `'reject'`. */
  hardlinks?: 'reject' | 'allow' | undefined;
  /** Default 16 MiB. */
  maxBytes?: number | undefined;
  /** No effect: reads never block on opening. */
  nonBlockingRead?: boolean | undefined;
  /** Default `'reject'`. */
  symlinks?: FsSafeSymlinks | undefined;
  /** The file is for another party: as {@link FsSafeBinding.outbound}, for this read alone. */
  outbound?: boolean | OutboundOptions | undefined;
}

export interface FsSafeRootWriteOptions {
  /** Permission bits. Default: those of an existing file, `0o600` for a new one. */
  mode?: number | undefined;
  /** Default `true`. */
  mkdir?: boolean | undefined;
  /** Default `true`: file and directory are synced. */
  durable?: boolean | 'file' | undefined;
  /** Default `true`. */
  overwrite?: boolean | undefined;
  encoding?: BufferEncoding | undefined;
  /** Links among the parents. Default: followed while they stay beneath the root. */
  mutationSymlinks?: 'reject' | 'follow-parents-within-root' | undefined;
  /** Called before anything is made, and right before each change and the publication; what it throws ends the call. */
  assertBeforeMutation?: (() => void) | undefined;
  /** Paths that no change may touch: the original does such a call, if the binding has one, and otherwise it is refused. */
  denyMutations?: { paths?: readonly string[]; prefixes?: readonly string[] } | undefined;
  /** No effect: what is published is known by its descriptor. */
  renameIdentity?: 'strict' | 'verify-content-with-lock' | undefined;
}

export type FsSafeRootCreateOptions = Omit<FsSafeRootWriteOptions, 'overwrite'> & {
  /** For its owner only, missing directories too. */
  private?: boolean | undefined;
  /** No effect: a file always appears whole. */
  atomic?: boolean | undefined;
};

export type FsSafeRootCreateStreamOptions = Omit<FsSafeRootCreateOptions, 'encoding'> & {
  maxBytes?: number | undefined;
  signal?: AbortSignal | undefined;
};

export interface FsSafeJsonOptions {
  replacer?: ((this: any, key: string, value: any) => any) | (number | string)[] | null | undefined;
  space?: string | number | undefined;
  /** Default `true`. */
  trailingNewline?: boolean | undefined;
}

export interface FsSafeRootMkdirOptions
  extends Pick<FsSafeRootWriteOptions, 'assertBeforeMutation' | 'denyMutations' | 'mutationSymlinks'> {
  /** New directories are for their owner only, and one that exists must be. */
  private?: boolean | undefined;
}

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

export type FsSafeRootDefaults = Pick<FsSafeRootReadOptions, 'hardlinks' | 'maxBytes' | 'nonBlockingRead' | 'symlinks'> &
  Pick<FsSafeRootWriteOptions, 'assertBeforeMutation' | 'denyMutations' | 'mkdir' | 'mode' | 'mutationSymlinks' | 'renameIdentity'> & {
    /** Default `true`. `'file'` is an option of a call. */
    durable?: boolean | undefined;
  };

/** An entry of a directory: the name, and the `lstat`. */
export type FsSafeDirEntry = { name: string } & FsSafePathStat;

export interface FsSafeEntriesOptions {
  /** Most entries; more is `too-large`. */
  maxEntries?: number | undefined;
  /** Default `'filesystem'`. */
  order?: 'filesystem' | 'sorted' | undefined;
  signal?: AbortSignal | undefined;
  /** For the path of the directory alone: links in it are reported, never followed. */
  symlinks?: FsSafeSymlinks | undefined;
}

export type FsSafeWalkEntry =
  | { relativePath: string; kind: 'file' | 'directory' | 'symlink' | 'other'; size: number }
  | { relativePath: string; kind: 'truncated'; size: 0 }
  | { relativePath: string; kind: 'directory-error'; size: 0; error: unknown };

type FsSafeFilterResult = 'include' | 'skip' | 'skip-subtree';

export interface FsSafeWalkOptions {
  symlinkPolicy: 'skip' | 'follow-within-root' | 'include';
  maxDepth?: number | undefined;
  /** Most entries to look at. */
  maxEntries?: number | undefined;
  /** Default `'sorted'`. */
  order?: 'sorted' | 'filesystem' | undefined;
  signal?: AbortSignal | undefined;
  /** Default `'truncate'`: an entry of the kind `truncated` ends the walk. */
  limitBehavior?: 'truncate' | 'throw' | undefined;
  /** Called with each entry, one after the other. */
  entryFilter?: ((entry: { relativePath: string; kind: 'file' | 'directory' | 'symlink' | 'other'; size: number }) => FsSafeFilterResult | Promise<FsSafeFilterResult>) | undefined;
  /** Default `'throw'`. */
  onDirectoryError?: 'throw' | 'skip-and-report' | undefined;
}

/** Options of every change of a root. */
type FsSafeChange = Pick<FsSafeRootWriteOptions, 'assertBeforeMutation' | 'denyMutations' | 'mutationSymlinks'>;

export interface FsSafeRemoveOptions extends FsSafeChange {
  recursive?: boolean | undefined;
  /** A missing file is no error. */
  force?: boolean | undefined;
  /** No effect. */
  order?: 'filesystem' | 'sorted' | undefined;
  /** With `recursive`. Default 100,000. Counted first: where there are more, nothing is removed. */
  maxEntries?: number | undefined;
  /** With `recursive`. Default: no limit. */
  maxDepth?: number | undefined;
  signal?: AbortSignal | undefined;
}

export interface FsSafeMoveOptions extends FsSafeChange {
  /** Default `false`. Needed for directories. */
  overwrite?: boolean | undefined;
}

export interface FsSafeCopyOptions extends FsSafeChange, Pick<FsSafeRootWriteOptions, 'durable' | 'mkdir' | 'mode' | 'overwrite'> {
  maxBytes?: number | undefined;
  /** Default: as the source's root has it; a path may have other names. */
  sourceHardlinks?: 'reject' | 'allow' | undefined;
  /** `'always'` goes to the original; the others have no effect. */
  clone?: 'auto' | 'always' | 'never' | undefined;
  signal?: AbortSignal | undefined;
  /** The mode of the source, where there is no `mode`. */
  preserveSourceMode?: boolean | undefined;
  onDestinationPublished?: ((receipt: { readonly path: string; readonly dev: bigint; readonly ino: bigint }) => void) | undefined;
}

/** An absolute path, or a file beneath a root. */
export type FsSafeCopySource = string | { root: Pick<FsSafeRoot, 'open' | 'stat'>; relativePath: string };

/** The defaults of a root as it has them, in the type of the library. */
type KeptDefaults = { readonly [Name in keyof FsSafeRootDefaults]?: Exclude<FsSafeRootDefaults[Name], undefined> };

/** A directory that paths may not leave, pinned by its descriptor. */
export interface FsSafeRoot {
  readonly rootDir: string;
  readonly rootReal: string;
  readonly rootWithSep: string;
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
  walk(relativePath: string, options: FsSafeWalkOptions): AsyncIterableIterator<FsSafeWalkEntry>;
  /** The path of a name without links on the way to it, for later use: another process may have changed it then. */
  resolve(relativePath: string): Promise<string>;
  remove(relativePath: string, options?: FsSafeRemoveOptions): Promise<void>;
  move(fromRelative: string, toRelative: string, options?: FsSafeMoveOptions): Promise<void>;
  copyIn(relativePath: string, source: FsSafeCopySource, options?: FsSafeCopyOptions): Promise<void>;
  exists(relativePath: string): Promise<boolean>;
  stat(relativePath: string): Promise<FsSafePathStat>;
}

/** The other methods of the original's root, which ours hands on; without an original they are `helper-unavailable`. */
export type FsSafeOriginalRoot<Original> = Original extends { root: (...args: any[]) => Promise<infer Handle> }
  ? Omit<Handle, keyof FsSafeRoot>
  : unknown;

/**
 * Functions of the original that take a root, in its type. A root of this binding is replaced by the original's root of the same
 * directory.
 */
export type FsSafeRootTakers<Original> = Original extends object
  ? Pick<Original, keyof Original & ('acquireFileLock' | 'acquireFileLockSync' | 'withFileLock' | 'withFileLockSync' | 'createFileLockManager' | 'watch')>
  : unknown;
