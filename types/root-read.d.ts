import type { Stats } from 'node:fs';
import type { CommonOptions, PathInput, SyncOptions, WithinRoot } from './common.js';

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
   * the entry is not reported, and a directory is not entered.
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
  isFile(): boolean;
  isDirectory(): boolean;
  isSymbolicLink(): boolean;
  isFIFO(): boolean;
  isSocket(): boolean;
  isCharacterDevice(): boolean;
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

/** The methods of a root that look at names, kinds and metadata. None of them opens a file. */
export interface RootReads {
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
  /** Returns the target of a symbolic link as it is written, wherever it leads. EINVAL for anything else. */
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
