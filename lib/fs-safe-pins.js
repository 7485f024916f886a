'use strict';

// Roots for callers that never close one: each is pinned by its descriptor, and only so many at a time.

const fs = process.getBuiltinModule('node:fs');
const { refusal } = require('./errors.js');
const { openRoot } = require('./root.js');

/** A descriptor each; a host may make a root for every request, and the collector knows nothing of descriptors. */
const MOST_PINNED = 64;

/** Those that hold a descriptor, the one that was used last at the end. @type {Set<Pin>} */
const pinned = new Set();

class Pin {
  /** @type {any} */
  #root;
  /** @type {string} */
  path;
  /** What the directory was when it was pinned. @type {string} */
  #identity;

  /**
   * @param {any} root
   * @param {string} identity
   */
  constructor(root, identity) {
    this.path = root.path;
    this.#identity = identity;
    this.#hold(root);
  }

  /** @param {any} root */
  #hold(root) {
    this.#root = root;
    pinned.add(this);
    if (pinned.size > MOST_PINNED) {
      const [oldest] = pinned;
      oldest.#release();
    }
  }

  /** Calls that have begun still end. */
  #release() {
    pinned.delete(this);
    this.#root.close();
    this.#root = undefined;
  }

  /**
   * Calls with the root. One that had to give its descriptor away is opened anew, and must be the same directory.
   *
   * @template T
   * @param {(root: any) => Promise<T>} call starts at once
   * @returns {Promise<T>}
   */
  async use(call) {
    if (this.#root === undefined) {
      const root = /** @type {any} */ (await openRoot(this.path));
      if ((await identityOf(root.path)) !== this.#identity) {
        root.close();
        throw refusal('path-mismatch', '', this.path);
      }
      if (this.#root === undefined) {
        this.#hold(root);
      } else {
        root.close();
      }
    } else {
      pinned.delete(this);
      pinned.add(this);
    }
    return call(this.#root);
  }
}

/** @param {string} dir */
async function identityOf(dir) {
  const { dev, ino } = await fs.promises.stat(dir, { bigint: true });
  return `${dev}:${ino}`;
}

/**
 * @param {unknown} dir
 * @returns {Promise<Pin>}
 */
async function pin(dir) {
  const root = /** @type {any} */ (await openRoot(dir));
  try {
    return new Pin(root, await identityOf(root.path));
  } catch (error) {
    root.close();
    throw error;
  }
}

module.exports = { MOST_PINNED, pin };
