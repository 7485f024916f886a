'use strict';

const { native } = require('../native/load.js');
const { atCaller, pending, promised, refusal } = require('../errors/holdfast-error.js');
const { ensure, ensureSync } = require('../verbs/ensure-dir.js');
const { toPath } = require('../options/paths.js');
const { open, read, readSync } = require('../verbs/read.js');
const { rootDefaults } = require('../options/flatten.js');
const rootHandle = require('../schedule/root-handle.js');
const { status } = require('./stat.js');
const { invalidThis, noCallback } = require('../options/validate.js');
const { write, writeSync } = require('../verbs/write.js');
const { writeMany } = require('../verbs/write-many.js');

/** @typedef {import('../options/flatten.js').Pinned} Pinned */
/** @typedef {import('../schedule/root-handle.js').Identified & { defaults: any }} Held */

/**
 * A path that nobody has checked yet, for an error.
 *
 * @param {unknown} path
 */
function named(path) {
  if (typeof path === 'string') {
    return path;
  }
  try {
    return toPath(path, 'path');
  } catch {
    return undefined;
  }
}

/**
 * Returns what a root was opened as. For the adapters.
 *
 * @type {(root: Root) => Held}
 */
let pinnedOf;

/**
 * Returns the status of what a path beneath a root leads to. For the adapters.
 *
 * @type {(root: Root, file: string, symlinks: 'reject' | 'follow-within-root') => Promise<any>}
 */
let statusOf;

/**
 * Writes as `writeAtomic` of a root does, and calls back right before the content is published. For the adapters.
 *
 * @type {(root: Root, file: string, data: unknown, options: unknown, beforePublish: (() => void) | undefined) => Promise<unknown>}
 */
let writeOf;

/**
 * Makes directories as `ensureDir` of a root does, and calls back right before. For the adapters.
 *
 * @type {(root: Root, dir: string, options: unknown, before: (() => void) | undefined) => Promise<any>}
 */
let ensureOf;

/** A pinned directory. Its descriptor is closed by the collector if by nobody else. */
class Root {
  /** @type {Held} */
  #pinned;
  #isOpen = true;
  /** Asynchronous calls that have started and not ended: the directory stays open for them. */
  #started = 0;

  /**
   * @param {import('../schedule/root-handle.js').Identified} opened
   * @param {any} defaults
   */
  constructor(opened, defaults) {
    const { handle, path, number, dev, ino, inoLow } = opened;
    this.#pinned = { handle, path, number, dev, ino, inoLow, defaults };
    Object.defineProperty(this, 'path', { enumerable: true, value: opened.path });
  }

  /** @param {unknown} path */
  #use(path) {
    if (!this.#isOpen) {
      throw refusal('root-closed', '', named(path));
    }
    return this.#pinned;
  }

  /**
   * @template T
   * @param {unknown} path
   * @param {(pinned: Pinned) => T | Promise<T>} call
   * @param {Function} called
   * @returns {Promise<T>}
   */
  #start(path, call, called) {
    return promised(() => {
      const work = call(this.#use(path));
      if (!(work instanceof Promise)) {
        return work;
      }
      this.#started += 1;
      return this.#ended(work);
    }, called);
  }

  /**
   * Returns `root`, or throws if a method was called without one: `const { read } = root`.
   *
   * @param {any} root
   * @param {Function} method
   * @returns {Root}
   */
  static #bound(root, method) {
    if (!Root.#isRoot(root)) {
      throw invalidThis('Root', method);
    }
    return root;
  }

  /**
   * @param {unknown} value
   * @returns {value is Root}
   */
  static #isRoot(value) {
    return typeof value === 'object' && value !== null && #pinned in value;
  }

  /**
   * @template T
   * @param {unknown} root
   * @param {unknown} path
   * @param {(pinned: Pinned) => T | Promise<T>} call
   * @param {Function} method
   * @returns {Promise<T>}
   */
  static #begin(root, path, call, method) {
    if (!Root.#isRoot(root)) {
      return promised(() => {
        throw invalidThis('Root', method);
      }, method);
    }
    return root.#start(path, call, method);
  }

  /**
   * @template T
   * @param {Promise<T>} work
   */
  async #ended(work) {
    try {
      return await pending(work);
    } finally {
      this.#started -= 1;
      this.#closeIfDone();
    }
  }

  #closeIfDone() {
    if (!this.#isOpen && this.#started === 0) {
      native().rootClose(this.#pinned.handle);
    }
  }

  /**
   * @param {unknown} file
   * @param {unknown} [options]
   * @param {unknown} [callback] refused
   */
  read(file, options, callback = undefined) {
    return Root.#begin(this, file, (pinned) => {
      noCallback(callback);
      return read(file, options, pinned);
    }, Root.prototype.read);
  }

  /**
   * @param {unknown} file
   * @param {unknown} [options]
   */
  readSync(file, options) {
    try {
      return readSync(file, options, Root.#bound(this, Root.prototype.readSync).#use(file));
    } catch (error) {
      throw atCaller(error, Root.prototype.readSync);
    }
  }

  /**
   * @param {unknown} file
   * @param {unknown} [options]
   * @param {unknown} [callback] refused
   */
  open(file, options, callback = undefined) {
    return Root.#begin(this, file, (pinned) => {
      noCallback(callback);
      return open(file, options, pinned);
    }, Root.prototype.open);
  }

  /**
   * @param {unknown} file
   * @param {unknown} data
   * @param {unknown} [options]
   * @param {unknown} [callback] refused
   */
  writeAtomic(file, data, options, callback = undefined) {
    return Root.#begin(this, file, (pinned) => {
      noCallback(callback);
      return write(file, data, options, pinned);
    }, Root.prototype.writeAtomic);
  }

  /**
   * @param {unknown} file
   * @param {unknown} data
   * @param {unknown} [options]
   */
  writeAtomicSync(file, data, options) {
    try {
      return writeSync(file, data, options, Root.#bound(this, Root.prototype.writeAtomicSync).#use(file));
    } catch (error) {
      throw atCaller(error, Root.prototype.writeAtomicSync);
    }
  }

  /**
   * @param {unknown} entries
   * @param {unknown} [options]
   * @param {unknown} [callback] refused
   */
  writeAtomicMany(entries, options, callback = undefined) {
    return Root.#begin(this, '.', (pinned) => {
      noCallback(callback);
      return writeMany(entries, options, pinned);
    }, Root.prototype.writeAtomicMany);
  }

  /**
   * @param {unknown} dir
   * @param {unknown} [options]
   * @param {unknown} [callback] refused
   */
  ensureDir(dir, options, callback = undefined) {
    return Root.#begin(this, dir, (pinned) => {
      noCallback(callback);
      return ensure(dir, options, pinned);
    }, Root.prototype.ensureDir);
  }

  /**
   * @param {unknown} dir
   * @param {unknown} [options]
   */
  ensureDirSync(dir, options) {
    try {
      return ensureSync(dir, options, Root.#bound(this, Root.prototype.ensureDirSync).#use(dir));
    } catch (error) {
      throw atCaller(error, Root.prototype.ensureDirSync);
    }
  }

  close() {
    try {
      Root.#bound(this, Root.prototype.close).#close();
    } catch (error) {
      throw atCaller(error, Root.prototype.close);
    }
  }

  #close() {
    if (this.#isOpen) {
      this.#isOpen = false;
      this.#closeIfDone();
    }
  }

  [Symbol.dispose]() {
    Root.prototype.close.call(this);
  }

  async [Symbol.asyncDispose]() {
    Root.prototype.close.call(this);
  }

  static {
    ensureOf = (root, dir, options, before) => root.#start(dir, (pinned) => ensure(dir, options, pinned, before), ensureOf);
    pinnedOf = (root) => root.#pinned;
    statusOf = (root, file, symlinks) => root.#start(file, (pinned) => status(file, symlinks, pinned), statusOf);
    writeOf = (root, file, data, options, beforePublish) =>
      root.#start(file, (pinned) => write(file, data, options, pinned, beforePublish), writeOf);
  }
}

/**
 * @param {unknown} dir
 * @param {unknown} [defaults]
 */
function openRootSync(dir, defaults) {
  try {
    const checked = rootDefaults(defaults);
    return new Root(rootHandle.openSync(dir), checked);
  } catch (error) {
    throw atCaller(error, openRootSync);
  }
}

/** The defaults of a root that was given none. @type {any} */
let noDefaults;

/**
 * Opens a directory: at once, if the kernel has it in memory.
 *
 * @param {unknown} dir
 * @param {unknown} [defaults]
 * @returns {Root | Promise<Root>}
 */
function openSoon(dir, defaults) {
  const checked = defaults === undefined ? (noDefaults ??= rootDefaults(undefined)) : rootDefaults(defaults);
  const opened = rootHandle.openSoon(dir);
  return opened instanceof Promise ? pending(whenOpened(opened, checked)) : new Root(opened, checked);
}

/**
 * @param {unknown} dir
 * @param {unknown} [defaults]
 * @param {unknown} [callback] refused
 */
function openRoot(dir, defaults, callback = undefined) {
  return promised(() => {
    noCallback(callback);
    return openSoon(dir, defaults);
  }, openRoot);
}

/**
 * @param {Promise<import('../schedule/root-handle.js').Identified>} opened
 * @param {any} defaults
 */
async function whenOpened(opened, defaults) {
  return new Root(await opened, defaults);
}

module.exports = { ensureOf, openRoot, openRootSync, openSoon, pinnedOf, statusOf, writeOf };
