import type { Stats } from 'node:fs';
import type { CommonOptions, PathInput, SyncOptions, WithinRoot } from './common.js';
import type { ReadFileOptions } from './read.js';
import type { Root, RootDefaults } from './root.js';
import type { CleanOptions, StagedFile } from './stage.js';
import type { WriteOptions, WriteResult } from './write.js';

/** Options of {@link RootReads.stat}, `lstat`, `exists` and `readlink`. */
export type StatOptions = WithinRoot<CommonOptions>;

/** Options of {@link RootReads.list}. */
export interface ListOptions extends WithinRoot<CommonOptions> {
  /** Each entry gets its {@link Entry.stat}. Default: false. */
  stat?: boolean | undefined;
  /** Most entries that the directory may have. More fails with `too-large`. Default: 100,000. */
  maxEntries?: number | undefined;
}

/** Options of {@link RootReads.walk}. */
export interface WalkOptions extends WithinRoot<CommonOptions> {
  /**
   * Each entry gets its {@link Entry.stat}. Default: false. The walk reads directories ahead, so that a stat may be older than the loop
   * body. Call {@link RootReads.lstat} again before you delete or replace a file because of its stat.
   */
  stat?: boolean | undefined;
  /** Largest depth to report. Entries of the first directory have depth 1. Default: unlimited. */
  maxDepth?: number | undefined;
  /** Most entries to report. The next one fails with `too-large`. Default: unlimited. */
  maxEntries?: number | undefined;
  /**
   * Selects entries. Called for each entry, and for all entries of a directory before the walk enters the first of its subdirectories.
   * When it returns a falsy value, the entry is not reported, and a directory is not entered. A returned promise is a `TypeError`
   * (`ERR_INVALID_RETURN_VALUE`).
   */
  filter?: ((entry: WalkEntry) => boolean) | undefined;
  /**
   * `'skip'`: skips directories beneath the first one that cannot be read, and reports an entry without `stat` when its `lstat` fails.
   * Default: `'throw'`.
   */
  onError?: 'throw' | 'skip' | undefined;
}

/** An entry of a directory, with the methods of `fs.Dirent`. Symbolic links are reported, never followed. */
export interface Entry {
  /** Name of the entry. Bytes that are not UTF-8 become U+FFFD. */
  readonly name: string;
  /** Path of the directory, relative to the root; `'.'` for the root itself. */
  readonly parentPath: string;
  /** The bytes of the name. Present only when they are not UTF-8. */
  readonly rawName?: Buffer;
  /** The `lstat` of the entry. Present with the option `stat`. */
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
  /** Path of the entry, relative to the root. */
  readonly path: string;
  /** The bytes of the path. Present only when they are not UTF-8. */
  readonly rawPath?: Buffer;
  /** Depth of the entry: 1 for entries of the first directory. */
  readonly depth: number;
}

/** Options of {@link RootReads.readText}. */
export interface ReadTextOptions extends Omit<WithinRoot<ReadFileOptions>, 'encoding'> {
  /**
   * What to do with bytes that are not UTF-8. Default: `'replace'`.
   * - `'replace'`: they become U+FFFD, as in `Buffer#toString`.
   * - `'error'`: fails with `invalid-text`.
   */
  invalid?: 'replace' | 'error' | undefined;
}

/** Options of {@link RootReads.readJson}. */
export interface ReadJsonOptions<T = unknown> extends Omit<WithinRoot<ReadFileOptions>, 'encoding'> {
  /** What to return when the file does not exist. Default: fails with `not-found`. */
  ifMissing?: T | undefined;
}

/** Options of {@link RootReads.writeJson}. */
export interface WriteJsonOptions extends Omit<WithinRoot<WriteOptions>, 'encoding'> {
  /** Indentation, as in `JSON.stringify`. Default: none. */
  space?: string | number | undefined;
}

/** The methods of a root for text, JSON, names and metadata, and for roots beneath it. */
export interface RootReads {
  /**
   * Reads a file as UTF-8, with the checks of {@link Root.read}. Keeps a byte-order mark.
   *
   * @returns The text.
   *
   * @example
   * using workspace = openRootSync('workspace');
   * const text = await workspace.readText('notes.md', { invalid: 'error' });
   *
   * @throws {HoldfastError} `invalid-text`; and as {@link Root.read}.
   */
  readText(file: PathInput, options?: ReadTextOptions): Promise<string>;
  /** Does the same as {@link readText} on the calling thread. */
  readTextSync(file: PathInput, options?: SyncOptions<ReadTextOptions>): string;
  /**
   * Reads a file as JSON, with the checks of {@link Root.read}. Ignores a byte-order mark.
   *
   * @returns The parsed value, or `ifMissing` when the file does not exist.
   *
   * @example
   * using workspace = openRootSync('workspace');
   * const settings = await workspace.readJson('settings.json', { ifMissing: { turns: 0 } });
   *
   * @throws {HoldfastError} `invalid-json`, whose message and cause omit the content; and as {@link Root.read}.
   */
  readJson<T = unknown>(file: PathInput, options?: ReadJsonOptions<T>): Promise<T>;
  /** Does the same as {@link readJson} on the calling thread. */
  readJsonSync<T = unknown>(file: PathInput, options?: SyncOptions<ReadJsonOptions<T>>): T;
  /**
   * Writes a value as JSON and a newline, in the same way as {@link Root.writeAtomic}. Converts the value at the time of the call.
   *
   * @returns What was published.
   *
   * @example
   * using workspace = openRootSync('workspace');
   * await workspace.writeJson('settings.json', { turns: 1 }, { space: 2 });
   *
   * @throws {HoldfastError} As {@link Root.writeAtomic}.
   */
  writeJson(file: PathInput, value: unknown, options?: WriteJsonOptions): Promise<WriteResult>;
  /** Does the same as {@link writeJson} on the calling thread. */
  writeJsonSync(file: PathInput, value: unknown, options?: SyncOptions<WriteJsonOptions>): WriteResult;
  /**
   * Opens a directory beneath this root as another root. It stays open when this root is closed. Defaults that are not given are those
   * of this root.
   *
   * @returns The opened root.
   *
   * @throws {HoldfastError} As {@link openRoot}; `symlink`, `outside-workspace`, `root-closed`.
   */
  openRoot(dir: PathInput, defaults?: RootDefaults): Promise<Root>;
  /** Does the same as {@link openRoot} on the calling thread. */
  openRootSync(dir: PathInput, defaults?: RootDefaults): Root;
  /** Does the same as {@link stageAtomic} beneath this root. */
  stage(file: PathInput, options?: Omit<WriteOptions, 'root' | 'encoding' | 'maxBytes'>): Promise<StagedFile>;
  /** Does the same as {@link cleanStaleTemporaries} in a directory beneath this root; `'.'` is the root itself. */
  cleanStaleTemporaries(dir: PathInput, options: CleanOptions): Promise<string[]>;
  /**
   * Returns the stat of a path. Follows a final link if `symlinks` allows it, and otherwise fails with `symlink`.
   *
   * @throws {HoldfastError} `not-found` (also beneath a file), `symlink`, `outside-workspace`, `root-closed`; `not-directory` for a file
   * whose path ends in `/`.
   */
  stat(path: PathInput, options?: StatOptions): Promise<Stats>;
  /** Does the same as {@link stat} on the calling thread. */
  statSync(path: PathInput, options?: SyncOptions<StatOptions>): Stats;
  /** Returns the stat of a path without following a final link. A link whose path ends in `/` fails with `not-directory`. */
  lstat(path: PathInput, options?: StatOptions): Promise<Stats>;
  /** Does the same as {@link lstat} on the calling thread. */
  lstatSync(path: PathInput, options?: SyncOptions<StatOptions>): Stats;
  /** Returns whether {@link lstat} succeeds, or `false` for `not-found`. A refusal or another failure rejects. */
  exists(path: PathInput, options?: StatOptions): Promise<boolean>;
  /** Does the same as {@link exists} on the calling thread. */
  existsSync(path: PathInput, options?: SyncOptions<StatOptions>): boolean;
  /**
   * Returns the target text of a symbolic link, which may lead anywhere. Bytes that are not UTF-8 become U+FFFD. Fails with `EINVAL` for
   * another kind of file.
   */
  readlink(path: PathInput, options?: StatOptions): Promise<string>;
  /** Does the same as {@link readlink} on the calling thread. */
  readlinkSync(path: PathInput, options?: SyncOptions<StatOptions>): string;
  /**
   * Lists a directory, sorted by the bytes of the names. Reads all metadata through the open directory.
   *
   * @param dir Default: the root itself.
   * @returns The entries.
   *
   * @example
   * using workspace = openRootSync('workspace');
   * for (const entry of await workspace.list('.', { stat: true })) console.log(entry.name, entry.stat?.size);
   *
   * @throws {HoldfastError} `too-large`, `not-directory`, `not-found`, `symlink`, `outside-workspace`, `root-closed`.
   */
  list(dir?: PathInput, options?: ListOptions): Promise<Entry[]>;
  /** Does the same as {@link list} on the calling thread. */
  listSync(dir?: PathInput, options?: SyncOptions<ListOptions>): Entry[];
  /**
   * Walks the tree of a directory, and reports each directory before its entries. Reports links and never follows them. May omit entries
   * that are created or removed during the walk. The root stays open until the iterator ends or is closed (`break` closes it).
   *
   * @param dir Default: the root itself. The first `next` opens it.
   * @returns An iterator over the entries.
   *
   * @example
   * using workspace = openRootSync('workspace');
   * for await (const entry of workspace.walk('.', { maxDepth: 2 })) console.log(entry.path);
   *
   * @throws {HoldfastError} As {@link list}; `path-mismatch` for a directory that was moved or replaced during the walk.
   */
  walk(dir?: PathInput, options?: WalkOptions): AsyncIterableIterator<WalkEntry> & AsyncDisposable;
}
