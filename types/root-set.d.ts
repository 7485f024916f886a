import type { PathInput } from './common.js';
import type { Root, RootDefaults } from './root.js';

/** The result of {@link RootSet.locate}. */
export interface LocatedPath {
  /** The root of the path. */
  root: Root;
  /** The path relative to that root, for its methods. A `Buffer` when the argument was one. */
  path: string | Buffer;
}

/** Several allowed directories, each a {@link Root}. */
export interface RootSet extends Disposable, AsyncDisposable {
  /** The roots, in the order of their directories. */
  readonly roots: readonly Root[];
  /**
   * Finds the root of a path. Opens no file: the methods of the root check the path.
   * - Absolute path: the longest root that it lies beneath. Compares whole components with each root's path, as given and without links.
   *   Resolves `..` lexically.
   * - Relative path: the first root that has it, else the first root.
   *
   * @returns The root, and the path relative to it.
   *
   * @example
   * using allowed = await openRoots(['workspace', 'media']);
   * const { root, path } = await allowed.locate('workspace/notes.md');
   *
   * @throws {HoldfastError} `outside-workspace`, `root-closed`.
   */
  locate(path: PathInput): Promise<LocatedPath>;
  /**
   * Replaces the directories of the set. Opens all new ones, or fails and changes nothing. A directory that is in both sets keeps its
   * {@link Root}. The others are closed after their pending calls end.
   *
   * @throws {HoldfastError} As {@link openRoots}.
   */
  replace(dirs: readonly PathInput[]): Promise<void>;
  /** Closes each root, as {@link Root.close} does. */
  close(): void;
  /** Calls {@link close}. */
  [Symbol.dispose](): void;
  /** Calls {@link close}. */
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * Opens several existing directories as roots, for example those that a client allows. Opens all of them, or fails.
 *
 * @returns The roots.
 *
 * @example
 * using allowed = await openRoots(['workspace', 'media'], { symlinks: 'follow-within-root' });
 * const { root, path } = await allowed.locate('notes.md');
 *
 * @throws {HoldfastError} As {@link openRoot}.
 */
export function openRoots(dirs: readonly PathInput[], defaults?: RootDefaults): Promise<RootSet>;
