// Roots for callers that never close one. A descriptor pins each root, and the number of open descriptors is bounded.

import { BIGINT, fs, path as nodePath } from '../../base/node.js';
import { refusal } from '../../errors/holdfast-error.js';
import { isErrno } from '../errors.js';
import { StatIndex } from '../../native/record-layout.js';
import { openRoot, openRootSync, openSoon } from '../../root/open-root.js';
import { lstatAt, lstatCached } from '../../root/stat.js';
import { openedOf, type Root } from '../../root/root.js';
import type { BigIntStats } from 'node:fs';

/**
 * Limit of open descriptors. A host may create a root per request, and the garbage collector does not count
 * descriptors.
 */
const MAX_PINNED = 64;

/** Pins with an open descriptor, the most recently used last. */
const pinned: Set<Pin> = new Set();

/**
 * A directory, known by device, inode and time of birth. Every call checks that its path still leads to it, so that the
 * result does not depend on whether the descriptor was closed meanwhile.
 */
class Pin {
  #root: Root | undefined;
  /** The real path at the time of the open. */
  path: string;
  /** Its absolute path as the caller gave it. */
  readonly given: string;
  /** From `fstat` of the descriptor. */
  #identity;

  constructor(root: Root, given: unknown) {
    const { path, dev, ino, inoLow, born, bornNanoseconds } = openedOf(root);
    this.path = path;
    this.given = typeof given === 'string' ? nodePath.resolve(given) : path;
    this.#identity = { dev, ino, inoLow, born, bornNanoseconds };
    this.#hold(root);
  }

  #hold(root: Root) {
    this.#root = root;
    pinned.add(this);
    if (pinned.size > MAX_PINNED) {
      const [oldest] = pinned;
      oldest.#release();
    }
  }

  /** Closes the root. Calls that have started still complete. */
  #release() {
    pinned.delete(this);
    this.#root?.close();
    this.#root = undefined;
  }

  /**
   * Runs a call with the root. Rejects with `path-mismatch` unless the path still leads to the directory. Reopens the
   * root if its descriptor is closed.
   *
   * @param call starts at once if the root is open and the kernel has its path cached
   */
  use<T>(call: (root: Root) => Promise<T>): Promise<T> {
    const root = this.#root;
    if (root === undefined || !this.#isNamedNow()) {
      return this.#checked(call);
    }
    pinned.delete(this);
    pinned.add(this);
    return call(root);
  }

  /** Whether the path leads to the directory, by the caches of the kernel. `false` if they do not tell. */
  #isNamedNow() {
    const numbers = lstatCached(this.path);
    // The descriptor is open: no other directory has the inode.
    return numbers !== undefined && numbers[StatIndex.INO] === this.#identity.ino && numbers[StatIndex.DEV] === this.#identity.dev;
  }

  async #checked<T>(call: (root: Root) => Promise<T>): Promise<T> {
    let stat;
    try {
      stat = await lstatAt(this.path);
    } catch (error) {
      throw isErrno(error) ? refusal('path-mismatch', '', this.path, error) : this.#toMismatch(error);
    }
    if (stat.dev !== this.#identity.dev || stat.ino !== this.#identity.ino) {
      throw refusal('path-mismatch', '', this.path);
    }
    return this.#root === undefined ? call(this.#held(await this.#open())) : call(this.#root);
  }

  /** Opens the directory that has the name now. */
  async #open(): Promise<Root> {
    try {
      return await openRoot(this.path);
    } catch (error) {
      throw this.#toMismatch(error);
    }
  }

  /** The name is gone, or leads to another kind of object. */
  #toMismatch(error: unknown) {
    const { code, cause } = error as NodeJS.ErrnoException;
    return code === 'not-found' || code === 'not-directory' || code === 'symlink' ? refusal('path-mismatch', '', this.path, cause) : error;
  }

  /** Holds a root that was opened by the path, if it is the directory. */
  #held(root: Root): Root {
    const { dev, ino, inoLow, born, bornNanoseconds } = openedOf(root);
    const own = this.#identity;
    // A later directory may have the inode of a removed one.
    const isSame = dev === own.dev && ino === own.ino && inoLow === own.inoLow && born === own.born && bornNanoseconds === own.bornNanoseconds;
    if (!isSame || this.#root !== undefined) {
      // Another call may have opened it meanwhile.
      root.close();
    }
    if (!isSame) {
      throw refusal('path-mismatch', '', this.path);
    }
    if (this.#root === undefined) {
      this.#hold(root);
    }
    return this.#root as unknown as Root;
  }

  /**
   * Rejects with `path-mismatch` unless the path still names the pinned directory. For calls that use the path
   * afterwards.
   */
  assertNamed(): Promise<void> {
    return this.#checked(async () => {});
  }

  /** Synchronous twin of {@link assertNamed}. Returns the stat of the directory. */
  assertNamedSync(): BigIntStats {
    let stat;
    try {
      stat = fs.lstatSync(this.path, BIGINT);
    } catch (error) {
      stat = error as Error;
    }
    this.#assertIs(stat);
    if (this.#root === undefined) {
      let root;
      try {
        root = openRootSync(this.path);
      } catch (error) {
        throw this.#toMismatch(error);
      }
      this.#held(root);
    }
    return stat as BigIntStats;
  }

  /** @param stat of the path, or its error */
  #assertIs(stat: BigIntStats | Error) {
    if (stat instanceof Error) {
      throw isErrno(stat) ? refusal('path-mismatch', '', this.path, stat) : stat;
    }
    const { dev, ino, inoLow } = this.#identity;
    if (Number(stat.dev) !== dev || Number(stat.ino) !== ino || Number(stat.ino & 0xffff_ffffn) !== inoLow) {
      throw refusal('path-mismatch', '', this.path);
    }
  }
}

export type { Pin };

/** Pins a directory: at once, if the kernel has it cached. */
export function pin(dir: unknown): Pin | Promise<Pin> {
  const root = openSoon(dir);
  return root instanceof Promise ? root.then((opened) => new Pin(opened, dir)) : new Pin(root, dir);
}
