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
