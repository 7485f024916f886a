'use strict';

const { native } = require('./native.js');
const { atCaller, pending, promised, refusal } = require('./errors.js');
const { ensure, ensureSync } = require('./ensure-dir.js');
const { toPath } = require('./paths.js');
const { open, read, readSync } = require('./read.js');
const { rootDefaults } = require('./options.js');
const rootHandle = require('./root-handle.js');
const { write, writeSync } = require('./write.js');
const { writeMany } = require('./write-many.js');

/** @typedef {import('./options.js').Pinned} Pinned */

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

/** A pinned directory. Its descriptor is closed by the collector if by nobody else. */
class Root {
  /** @type {Pinned} */
  #pinned;
  #isOpen = true;
  /** Asynchronous calls that have started and not ended: the directory stays open for them. */
  #started = 0;

  /**
   * @param {import('./root-handle.js').Opened} opened
   * @param {any} defaults
   */
  constructor(opened, defaults) {
    this.#pinned = { handle: opened.handle, path: opened.path, number: opened.number, defaults };
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
   */
  read(file, options) {
    return this.#start(file, (pinned) => read(file, options, pinned), this.read);
  }

  /**
   * @param {unknown} file
   * @param {unknown} [options]
   */
  readSync(file, options) {
    try {
      return readSync(file, options, this.#use(file));
    } catch (error) {
      throw atCaller(error, this.readSync);
    }
  }

  /**
   * @param {unknown} file
   * @param {unknown} [options]
   */
  open(file, options) {
    return this.#start(file, (pinned) => open(file, options, pinned), this.open);
  }

  /**
   * @param {unknown} file
   * @param {unknown} data
   * @param {unknown} [options]
   */
  writeAtomic(file, data, options) {
    return this.#start(file, (pinned) => write(file, data, options, pinned), this.writeAtomic);
  }

  /**
   * @param {unknown} file
   * @param {unknown} data
   * @param {unknown} [options]
   */
  writeAtomicSync(file, data, options) {
    try {
      return writeSync(file, data, options, this.#use(file));
    } catch (error) {
      throw atCaller(error, this.writeAtomicSync);
    }
  }

  /**
   * @param {unknown} entries
   * @param {unknown} [options]
   */
  writeAtomicMany(entries, options) {
    return this.#start('.', (pinned) => writeMany(entries, options, pinned), this.writeAtomicMany);
  }

  /**
   * @param {unknown} dir
   * @param {unknown} [options]
   */
  ensureDir(dir, options) {
    return this.#start(dir, (pinned) => ensure(dir, options, pinned), this.ensureDir);
  }

  /**
   * @param {unknown} dir
   * @param {unknown} [options]
   */
  ensureDirSync(dir, options) {
    try {
      return ensureSync(dir, options, this.#use(dir));
    } catch (error) {
      throw atCaller(error, this.ensureDirSync);
    }
  }

  close() {
    if (this.#isOpen) {
      this.#isOpen = false;
      this.#closeIfDone();
    }
  }

  [Symbol.dispose]() {
    this.close();
  }

  async [Symbol.asyncDispose]() {
    this.close();
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

/**
 * @param {unknown} dir
 * @param {unknown} [defaults]
 */
function openRoot(dir, defaults) {
  return promised(() => pending(openPinned(dir, rootDefaults(defaults))), openRoot);
}

/**
 * @param {unknown} dir
 * @param {any} defaults
 */
async function openPinned(dir, defaults) {
  return new Root(await rootHandle.open(dir), defaults);
}

module.exports = { openRoot, openRootSync };
