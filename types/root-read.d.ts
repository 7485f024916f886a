import type { Stats } from 'node:fs';
import type { CommonOptions, PathInput, SyncOptions, WithinRoot } from './common.js';
import type { ReadFileOptions } from './read.js';
import type { Root, RootDefaults } from './root.js';
import type { CleanOptions, StagedFile } from './stage.js';
import type { WriteOptions, WriteResult } from './write.js';

/** Options of `stat`, `lstat`, `exists` and `readlink` of a root. */
export type StatOptions = WithinRoot<CommonOptions>;

/** Options of {@link RootReads.list}. */
export interface ListOptions extends WithinRoot<CommonOptions> {
  /** Each entry gets its {@link Entry.stat}. Default: false. */
  stat?: boolean | undefined;
  /** Most entries that the directory may have; more is `too-large`. Default: 100,000. */
  maxEntries?: number | undefined;
}

/** Options of {@link RootReads.walk}. */
export interface WalkOptions extends WithinRoot<CommonOptions> {
  /** Each entry gets its {@link Entry.stat}. Default: false. */
  stat?: boolean | undefined;
  /** Depth of the deepest entries; those of the first directory have 1. Default: unlimited. */
  maxDepth?: number | undefined;
  /** Most entries to report; the next one is `too-large`. Default: unlimited. */
  maxEntries?: number | undefined;
  /**
   * Called with each entry, and with all entries of a directory before the first of its directories is entered. Anything falsy:
   * the entry is not reported, and a directory is not entered. A promise is a `TypeError` (`ERR_INVALID_RETURN_VALUE`).
   */
  filter?: ((entry: WalkEntry) => boolean) | undefined;
  /** `'skip'`: directories that cannot be read are passed over; entries whose stat fails have none. Default: `'throw'`. */
  onError?: 'throw' | 'skip' | undefined;
}

/** An entry of a directory, with the methods of `fs.Dirent`. A symbolic link is reported, never followed. */
export interface Entry {
  /** Its name; bytes that are not UTF-8 are U+FFFD here. */
  readonly name: string;
  /** Path of its directory, relative to the root; `'.'` for the root itself. */
  readonly parentPath: string;
  /** The bytes of its name; only where they are not UTF-8. */
  readonly rawName?: Buffer;
  /** Its `lstat`, if the option `stat` is given. */
  readonly stat?: Stats;
  /** Whether it is a regular file. */
  isFile(): boolean;
  /** Whether it is a directory. */
  isDirectory(): boolean;
  /** Whether it is a symbolic link. */
  isSymbolicLink(): boolean;
  /** Whether it is a FIFO. */
  isFIFO(): boolean;
  /** Whether it is a socket. */
  isSocket(): boolean;
  /** Whether it is a character device. */
  isCharacterDevice(): boolean;
  /** Whether it is a block device. */
  isBlockDevice(): boolean;
}

/** An entry of a walk. */
export interface WalkEntry extends Entry {
  /** Its path, relative to the root. */
  readonly path: string;
  /** The bytes of its path; only where they are not UTF-8. */
  readonly rawPath?: Buffer;
  /** 1 for the entries of the first directory. */
  readonly depth: number;
}

/** Options of {@link RootReads.readText}. */
export interface ReadTextOptions extends Omit<WithinRoot<ReadFileOptions>, 'encoding'> {
  /** `'replace'`: bytes that are not UTF-8 become U+FFFD, as in `Buffer#toString`. `'error'`: they are `invalid-text`. Default: `'replace'`. */
  invalid?: 'replace' | 'error' | undefined;
}

/** Options of {@link RootReads.readJson}. */
export interface ReadJsonOptions<T = unknown> extends Omit<WithinRoot<ReadFileOptions>, 'encoding'> {
  /** What to return when the file does not exist. Default: `not-found` is thrown. */
  ifMissing?: T | undefined;
}

/** Options of {@link RootReads.writeJson}. */
export interface WriteJsonOptions extends WithinRoot<WriteOptions> {
  /** As in `JSON.stringify`. Default: no white space. */
  space?: string | number | undefined;
}

/** The methods of a root for text, JSON, names and metadata, and for roots beneath it. */
export interface RootReads {
  /** Reads a file as UTF-8, with the checks of `read`. A byte-order mark is kept. */
  readText(file: PathInput, options?: ReadTextOptions): Promise<string>;
  /** {@link readText}, on the calling thread. */
  readTextSync(file: PathInput, options?: SyncOptions<ReadTextOptions>): string;
  /**
   * Reads a file as JSON, with the checks of `read`. A byte-order mark is ignored.
   *
   * @throws {HoldfastError} `invalid-json`, without content in message or cause; and as `read`.
   */
  readJson<T = unknown>(file: PathInput, options?: ReadJsonOptions<T>): Promise<T>;
  /** {@link readJson}, on the calling thread. */
  readJsonSync<T = unknown>(file: PathInput, options?: SyncOptions<ReadJsonOptions<T>>): T;
  /** Writes a value as JSON with a newline at its end, as `writeAtomic`. The value is converted at the time of the call. */
  writeJson(file: PathInput, value: unknown, options?: WriteJsonOptions): Promise<WriteResult>;
  /** {@link writeJson}, on the calling thread. */
  writeJsonSync(file: PathInput, value: unknown, options?: SyncOptions<WriteJsonOptions>): WriteResult;
  /** Opens a directory beneath this root as a root of its own. It outlives this one, and has its defaults unless others are given. */
  openRoot(dir: PathInput, defaults?: RootDefaults): Promise<Root>;
  /** {@link openRoot}, on the calling thread. */
  openRootSync(dir: PathInput, defaults?: RootDefaults): Root;
  /** {@link stageAtomic} beneath this root. */
  stage(file: PathInput, options?: Omit<WriteOptions, 'root' | 'encoding' | 'maxBytes'>): Promise<StagedFile>;
  /** {@link cleanStaleTemporaries} in a directory beneath this root; `'.'` is the root itself. */
  cleanStaleTemporaries(dir: PathInput, options: CleanOptions): Promise<string[]>;
  /**
   * Returns the stat of a path. A final link is followed as `symlinks` says; where it may not be followed it is `symlink`.
   *
   * @throws {HoldfastError} `not-found` (also beneath a file), `symlink`, `outside-workspace`, `not-directory` (a file whose path ends in `/`).
   */
  stat(path: PathInput, options?: StatOptions): Promise<Stats>;
  /** {@link stat}, on the calling thread. */
  statSync(path: PathInput, options?: SyncOptions<StatOptions>): Stats;
  /** Returns the stat of a path. A final link is not followed; under a path that ends in `/` it is `not-directory`. */
  lstat(path: PathInput, options?: StatOptions): Promise<Stats>;
  /** {@link lstat}, on the calling thread. */
  lstatSync(path: PathInput, options?: SyncOptions<StatOptions>): Stats;
  /** Returns whether {@link lstat} finds something. False for `not-found` alone: a refusal and any other failure reject. */
  exists(path: PathInput, options?: StatOptions): Promise<boolean>;
  /** {@link exists}, on the calling thread. */
  existsSync(path: PathInput, options?: SyncOptions<StatOptions>): boolean;
  /**
   * Returns the target of a symbolic link as it is written, wherever it leads; what is not UTF-8 in it becomes U+FFFD. EINVAL for anything
   * else.
   */
  readlink(path: PathInput, options?: StatOptions): Promise<string>;
  /** {@link readlink}, on the calling thread. */
  readlinkSync(path: PathInput, options?: SyncOptions<StatOptions>): string;
  /**
   * Lists a directory, sorted by the bytes of the names. All metadata come from the open directory.
   *
   * @param dir Default: the root itself.
   * @throws {HoldfastError} `too-large`, `not-directory`, `not-found`, `symlink`, `outside-workspace`.
   */
  list(dir?: PathInput, options?: ListOptions): Promise<Entry[]>;
  /** {@link list}, on the calling thread. */
  listSync(dir?: PathInput, options?: SyncOptions<ListOptions>): Entry[];
  /**
   * Walks the tree of a directory: each directory before its entries, links reported and never followed. Entries that are made or
   * removed meanwhile may be missing. The root stays open until the iterator ends or is closed (`break` closes it).
   *
   * @param dir Default: the root itself. It is opened by the first `next`.
   * @throws {HoldfastError} As {@link list}; `path-mismatch` for a directory that was moved or replaced meanwhile.
   */
  walk(dir?: PathInput, options?: WalkOptions): AsyncIterableIterator<WalkEntry> & AsyncDisposable;
}
