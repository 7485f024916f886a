// The directories that the tools may use: those of the command line, then those that the client names, at any time.

import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { HoldfastError, openRoot, openRoots, type Root, type RootDefaults, type RootSet } from 'holdfast';

/** A path of a request, and where it lies. */
export interface Located {
  /** The path, as the client gave it. */
  requested: string;
  root: Root;
  /** The path relative to `root`. */
  path: string;
}

/** Returns the path of a directory that a client names as a `file:` URI or as a path. */
function pathOf(directory: string): string {
  return expandHome(directory.startsWith('file://') ? fileURLToPath(directory) : directory);
}

function expandHome(path: string): string {
  return path === '~' || path.startsWith('~/') ? join(homedir(), path.slice(1)) : path;
}

export class AllowedDirectories {
  readonly #defaults: RootDefaults;
  #set: RootSet | undefined;
  /** Settles when the last change of the directories is done. */
  #change: Promise<unknown> = Promise.resolve();

  constructor(defaults: RootDefaults) {
    this.#defaults = defaults;
  }

  /**
   * Makes every later call wait for `change`. A call that arrives while the client's directories are being opened then
   * never runs in the old ones.
   */
  after(change: () => Promise<unknown>): void {
    this.#change = this.#change.then(change).catch((error) => console.error(`The allowed directories are unchanged: ${error.message}`));
  }

  /** Opens the directories that exist in place of the current ones. Returns false, and changes nothing, when none can be opened. */
  async replace(directories: readonly string[]): Promise<boolean> {
    const usable: string[] = [];
    for (const directory of directories) {
      try {
        const path = pathOf(directory);
        (await openRoot(path)).close();
        usable.push(path);
      } catch (error) {
        console.error(`Skipped ${directory}: ${(error as Error).message}`);
      }
    }
    if (usable.length === 0) return false;
    if (this.#set === undefined) this.#set = await openRoots(usable, this.#defaults);
    else await this.#set.replace(usable);
    return true;
  }

  /** Returns the real path of each directory. */
  async paths(): Promise<string[]> {
    await this.#change;
    return this.#set?.roots.map(({ path }) => path) ?? [];
  }

  /** Finds the directory of a path. Opens nothing: the methods of the root confine the path. */
  async locate(requested: string): Promise<Located> {
    await this.#change;
    if (this.#set === undefined) {
      throw new HoldfastError('outside-workspace', { path: requested, message: 'No directory is allowed.', remedy: 'Start the server with directories, or use a client that provides roots.' });
    }
    if (process.platform !== 'win32' && /^[a-z]:[\\/]/i.test(requested)) {
      throw new HoldfastError('invalid-path', { path: requested, message: 'This is a Windows path, and the server does not run on Windows.', remedy: 'Use a path of the server; list_allowed_directories returns where they begin.' });
    }
    const { root, path } = await this.#set.locate(expandHome(requested));
    return { requested, root, path: path as string };
  }
}
