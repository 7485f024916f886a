'use strict';

// Roots for callers that never close one. Each is pinned by its descriptor, and a bounded number of descriptors is open.

const fs = process.getBuiltinModule('node:fs');
const { refusal } = require('../../errors/holdfast-error.js');
const { isErrno } = require('../errors.js');
const { openRoot, openSoon, pinnedOf } = require('../../root/root.js');

/** One descriptor each. A host may make a root for every request, and the collector does not count descriptors. */
const MOST_PINNED = 64;

/** Pins that hold a descriptor, the most recently used last. @type {Set<Pin>} */
const pinned = new Set();

class Pin {
  /** @type {any} */
  #root;
  /** The real path when it was opened. @type {string} */
  path;
  /** Device and inode, by `fstat` of the descriptor. */
  #identity;

  /** @param {any} root */
  constructor(root) {
    const { path, dev, ino, inoLow } = pinnedOf(root);
    this.path = path;
    this.#identity = { dev, ino, inoLow };
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

  /** Closes the root. Calls that have started still end. */
  #release() {
    pinned.delete(this);
    this.#root.close();
    this.#root = undefined;
  }

  /**
   * Calls with the root, and opens it again first when its descriptor was given away. The directory that is opened must
   * have the device and inode of the first one.
   *
   * @template T
   * @param {(root: any) => Promise<T>} call starts at once when the root is open
   * @returns {Promise<T>}
   */
  use(call) {
    const root = this.#root;
    if (root === undefined) {
      return this.#reopened(call);
    }
    pinned.delete(this);
    pinned.add(this);
    return call(root);
  }

  /**
   * @template T
   * @param {(root: any) => Promise<T>} call
   * @returns {Promise<T>}
   */
  async #reopened(call) {
    const root = await this.#open();
    const { dev, ino, inoLow } = pinnedOf(root);
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
    return call(this.#root);
  }

  /** Opens what has the name of the directory now. @returns {Promise<any>} */
  async #open() {
    try {
      return await openRoot(this.path);
    } catch (error) {
      const { code } = /** @type {any} */ (error);
      // Something else, or nothing, has the name.
      throw code === 'not-found' || code === 'not-directory' ? refusal('path-mismatch', '', this.path, causeOf(error)) : error;
    }
  }

  /**
   * Rejects with `path-mismatch` unless the path still names the directory itself. For calls that go on by its path.
   */
  async assertNamed() {
    let stat;
    try {
      stat = await fs.promises.lstat(this.path, { bigint: true });
    } catch (error) {
      throw isErrno(error) ? refusal('path-mismatch', '', this.path, error) : error;
    }
    const { dev, ino, inoLow } = this.#identity;
    if (Number(stat.dev) !== dev || Number(stat.ino) !== ino || Number(stat.ino & 0xffff_ffffn) !== inoLow) {
      throw refusal('path-mismatch', '', this.path);
    }
  }
}

/** @param {unknown} error */
function causeOf(error) {
  return /** @type {any} */ (error).cause;
}

/**
 * Pins a directory: at once, if the kernel has it in memory.
 *
 * @param {unknown} dir
 * @returns {Pin | Promise<Pin>}
 */
function pin(dir) {
  const root = openSoon(dir);
  return root instanceof Promise ? root.then((opened) => new Pin(opened)) : new Pin(root);
}

module.exports = { MOST_PINNED, pin };
