// Roots for callers that never close one. A descriptor pins each root, and the number of open descriptors is bounded.

import { BIGINT, fs } from '../../base/node.js';
import { refusal } from '../../errors/holdfast-error.js';
import { isErrno } from '../errors.js';
import { openRoot, openSoon } from '../../root/open-root.js';
import { openedOf, type Root } from '../../root/root.js';
import type { BigIntStats } from 'node:fs';

/**
 * Limit of open descriptors. A host may create a root per request, and the garbage collector does not count
 * descriptors.
 */
const MAX_PINNED = 64;

/** Pins with an open descriptor, the most recently used last. */
const pinned: Set<Pin> = new Set();

class Pin {
  #root: Root | undefined;
  /** The real path at the time of the open. */
  path: string;
  /** Device and inode, from `fstat` of the descriptor. */
  #identity;

  constructor(root: Root) {
    const { path, dev, ino, inoLow } = openedOf(root);
    this.path = path;
    this.#identity = { dev, ino, inoLow };
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
   * Runs a call with the root. Reopens the root if its descriptor is closed; the directory must have the same device
   * and inode.
   *
   * @param call starts at once if the root is open
   */
  use<T>(call: (root: Root) => Promise<T>): Promise<T> {
    const root = this.#root;
    if (root === undefined) {
      return this.#reopened(call);
    }
    pinned.delete(this);
    pinned.add(this);
    return call(root);
  }

  async #reopened<T>(call: (root: Root) => Promise<T>): Promise<T> {
    const root = await this.#open();
    const { dev, ino, inoLow } = openedOf(root);
    if (dev !== this.#identity.dev || ino !== this.#identity.ino || inoLow !== this.#identity.inoLow) {
      root.close();
      throw refusal('path-mismatch', '', this.path);
    }
    if (this.#root === undefined) {
      this.#hold(root);
    } else {
      // Another call opened it meanwhile.
      root.close();
    }
    return call(this.#root as Root);
  }

  /** Opens the directory that has the name now. */
  async #open(): Promise<Root> {
    try {
      return await openRoot(this.path);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      // The name is gone or leads to another kind of object.
      throw code === 'not-found' || code === 'not-directory' ? refusal('path-mismatch', '', this.path, causeOf(error)) : error;
    }
  }

  /**
   * Rejects with `path-mismatch` unless the path still names the pinned directory. For calls that use the path
   * afterwards.
   */
  async assertNamed() {
    this.#assertIs(await fs.promises.lstat(this.path, BIGINT).catch((error) => error));
  }

  /** Synchronous twin of {@link assertNamed}. Returns the stat of the directory. */
  assertNamedSync(): BigIntStats {
    let stat;
    try {
      stat = fs.lstatSync(this.path, BIGINT);
    } catch (error) {
      stat = error as Error;
    }
    return this.#assertIs(stat);
  }

  /** @param stat of the path, or its error */
  #assertIs(stat: BigIntStats | Error): BigIntStats {
    if (stat instanceof Error) {
      throw isErrno(stat) ? refusal('path-mismatch', '', this.path, stat) : stat;
    }
    const { dev, ino, inoLow } = this.#identity;
    if (Number(stat.dev) !== dev || Number(stat.ino) !== ino || Number(stat.ino & 0xffff_ffffn) !== inoLow) {
      throw refusal('path-mismatch', '', this.path);
    }
    return stat;
  }
}

export type { Pin };

function causeOf(error: unknown) {
  return (error as Error).cause;
}

/** Pins a directory: at once, if the kernel has it cached. */
export function pin(dir: unknown): Pin | Promise<Pin> {
  const root = openSoon(dir);
  return root instanceof Promise ? root.then((opened) => new Pin(opened)) : new Pin(root);
}

