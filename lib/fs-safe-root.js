'use strict';

// `root()` of fs-safe: the handle, its reads, and what it hands to the original.

const path = process.getBuiltinModule('node:path');
const { ROOT_READ, hostError, toHost } = require('./fs-safe-errors.js');
const { beneath, toPolicy } = require('./fs-safe-read.js');
const { pin } = require('./fs-safe-pins.js');
const { statBeneath } = require('./fs-safe-stat.js');
const { bindRootWrites } = require('./fs-safe-root-write.js');
const { isHoldfastError } = require('./errors.js');
const { readArguments } = require('./options.js');

/** @typedef {import('./fs-safe-read.js').Host} Host */

/** What is not ours to do: the original's root does it, if the binding has one. */
const ASYNC_METHODS = ['append', 'copyIn', 'list', 'move', 'openWritable', 'remove', 'resolve'];
const ITERATING_METHODS = ['entries', 'walk'];

/** @param {Host} host */
function bindRoot(host) {
  const { HostError, original } = host;
  /** @param {any} error */
  const failed = (error) => toHost(HostError, ROOT_READ, error);

  class Root {
    /** @type {Awaited<ReturnType<typeof pin>>} */
    #pin;
    /** @type {Promise<any> | undefined} */
    #theirs;

    /**
     * @param {Awaited<ReturnType<typeof pin>>} held
     * @param {string} rootDir as it was given
     * @param {any} defaults
     */
    constructor(held, rootDir, defaults) {
      this.#pin = held;
      this.rootDir = path.resolve(rootDir);
      this.rootReal = held.path;
      this.rootWithSep = held.path.endsWith('/') ? held.path : `${held.path}/`;
      this.defaults = defaults;
      Object.assign(this, bindRootWrites(host, held, defaults, () => this.#original('denyMutations')));
    }

    /**
     * Options of a read; `undefined` leaves the root's default in place.
     *
     * @param {any} options
     */
    #readOptions(options) {
      const { defaults } = this;
      return {
        hardlinks: options?.hardlinks ?? defaults.hardlinks,
        maxBytes: options?.maxBytes ?? defaults.maxBytes,
        symlinks: toPolicy(options?.symlinks ?? defaults.symlinks),
        outbound: host.outbound,
      };
    }

    /**
     * @param {'read' | 'open'} method
     * @param {unknown} file
     * @param {any} options
     */
    async #read(method, file, options) {
      try {
        const chosen = this.#readOptions(options);
        return await beneath((given, rest) => this.#pin.use((root) => root[method](given, rest)), async () => this.rootReal, file, chosen);
      } catch (error) {
        throw failed(error);
      }
    }

    /**
     * @param {unknown} file
     * @param {any} [options]
     */
    async read(file, options) {
      return this.#read('read', file, options);
    }

    /**
     * @param {unknown} file
     * @param {any} [options]
     */
    async open(file, options) {
      return this.#read('open', file, { ...options, maxBytes: Infinity });
    }

    /**
     * @param {unknown} file
     * @param {any} [options]
     */
    async readAbsolute(file, options) {
      return this.#read('read', file, options);
    }

    /**
     * @param {unknown} file
     * @param {any} [options]
     */
    async readBytes(file, options) {
      return (await this.#read('read', file, options)).buffer;
    }

    /**
     * @param {unknown} file
     * @param {any} [options]
     */
    async readText(file, options) {
      return (await this.#read('read', file, options)).buffer.toString(options?.encoding ?? 'utf8');
    }

    /**
     * @param {unknown} file
     * @param {any} [options]
     */
    async readJson(file, options) {
      return JSON.parse(await this.readText(file, options));
    }

    /** @param {any} [options] */
    reader(options) {
      return (/** @type {unknown} */ file) => this.readBytes(file, options);
    }

    /** @param {unknown} file */
    async stat(file) {
      return statBeneath(HostError, this.rootReal, file);
    }

    /** @param {unknown} file */
    async exists(file) {
      try {
        await statBeneath(HostError, this.rootReal, file);
        return true;
      } catch (error) {
        if (/** @type {any} */ (error).code === 'not-found') {
          return false;
        }
        throw error;
      }
    }

    /**
     * The root of the original, made when something is first asked of it.
     *
     * @param {string} what
     */
    #original(what) {
      if (typeof original?.root !== 'function') {
        throw hostError(HostError, 'helper-unavailable', `${what} is not ours to do: bind with original, which has a root()`);
      }
      this.#theirs ??= Promise.resolve(original.root(this.rootReal, this.defaults));
      return this.#theirs;
    }

    static {
      for (const name of ASYNC_METHODS) {
        define(Root, name, async function (...args) {
          return (await this.#original(name))[name](...args);
        });
      }
      for (const name of ITERATING_METHODS) {
        define(Root, name, async function* (...args) {
          yield* (await this.#original(name))[name](...args);
        });
      }
    }
  }

  return {
    /**
     * @param {string} rootDir
     * @param {any} [defaults]
     */
    async root(rootDir, defaults = {}) {
      try {
        const kept = Object.freeze({ ...defaults });
        // A wrong limit is found out now, as in the original.
        readArguments({ maxBytes: kept.maxBytes }, {});
        return new Root(await pin(rootDir), rootDir, kept);
      } catch (error) {
        const isNoDirectory = isHoldfastError(error) && /** @type {any} */ (error).code === 'not-directory';
        throw isNoDirectory ? hostError(HostError, 'invalid-path', 'the root is not a directory', /** @type {any} */ (error).cause) : failed(error);
      }
    },
  };
}

/**
 * @param {Function} Class
 * @param {string} name
 * @param {(this: any, ...args: any[]) => any} value
 */
function define(Class, name, value) {
  Object.defineProperty(Class.prototype, name, { configurable: true, writable: true, value });
}

module.exports = { bindRoot };
