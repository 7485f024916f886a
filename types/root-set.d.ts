import type { PathInput } from './common.js';
import type { Root, RootDefaults } from './root.js';

/** Where a path lies. */
export interface LocatedPath {
  /** The root that it lies beneath. */
  root: Root;
  /** The path relative to that root, for its methods; a `Buffer` for a `Buffer`. */
  path: string | Buffer;
}

/** Several allowed directories, each a {@link Root}. */
export interface RootSet extends Disposable, AsyncDisposable {
  /** The roots, in the order of their directories. */
  readonly roots: readonly Root[];
  /**
   * Finds the root of a path. An absolute path belongs to the longest root that it lies beneath, by whole components of the root's path as
   * it was given or as it really is; `..` is resolved in its text. A relative path belongs to the first root that has it, else to the first.
   * Nothing is opened: the methods of the root confine the path.
   *
   * @example
   * using allowed = await openRoots(['workspace', 'media']);
   * const { root, path } = await allowed.locate('workspace/notes.md');
   *
   * @throws {HoldfastError} `outside-workspace`, `root-closed`.
   */
  locate(path: PathInput): Promise<LocatedPath>;
  /**
   * Opens other directories in place of the current ones, all or none. A directory that stays keeps its {@link Root}; the others are closed
   * when the calls that use them have ended.
   */
  replace(dirs: readonly PathInput[]): Promise<void>;
  /** Closes all roots, each as {@link Root.close}. */
  close(): void;
  /** {@link close}. */
  [Symbol.dispose](): void;
  /** {@link close}. */
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * Pins several existing directories: those that a client allows. All are opened, or none.
 *
 * @example
 * using allowed = await openRoots(['workspace', 'media'], { symlinks: 'follow-within-root' });
 * const { root, path } = await allowed.locate('notes.md');
 *
 * @throws {HoldfastError} As {@link openRoot}.
 */
export function openRoots(dirs: readonly PathInput[], defaults?: RootDefaults): Promise<RootSet>;
