'use strict';

// `root()` of fs-safe: the handle, its reads, and what it hands to the original.

const path = process.getBuiltinModule('node:path');
const { ROOT_READ, hostError, toHost } = require('../errors.js');
const { NAMES, checked } = require('../options.js');
const { pin } = require('./pins.js');
const { beneath, failedBeneath, isCode, toLimit, toPolicy } = require('../read.js');
const { RootWrites, toJson } = require('./write.js');
const { missing, statBeneath } = require('./stat.js');

/** @typedef {import('../read.js').Host} Host */

/** Methods that the original's root has and ours has not. They go to the original, if the binding has one. */
const ASYNC_METHODS = ['append', 'copyIn', 'list', 'move', 'openWritable', 'remove', 'resolve'];
const ITERATING_METHODS = ['entries', 'walk'];

/** @type {any} */
const NO_DEFAULTS = Object.freeze({});

/** @param {Host} host */
function bindRoot(host) {
  const { HostError, original } = host;

  class Root {
    /** @type {Awaited<ReturnType<typeof pin>>} */
    #pin;
    /** @type {InstanceType<typeof RootWrites> | undefined} */
    #writes;
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
    }

    /**
     * Options of a read; `undefined` leaves the root's default in place.
     *
     * @param {any} given
     */
    #readOptions(given) {
      const options = checked(given, NAMES.read);
      const { defaults } = this;
      return {
        hardlinks: options?.hardlinks ?? defaults.hardlinks,
        maxBytes: options?.maxBytes === undefined ? defaults.maxBytes : toLimit(options.maxBytes),
        symlinks: toPolicy(options?.symlinks ?? defaults.symlinks),
        outbound: options?.outbound ?? host.outbound,
      };
    }

    /**
     * @param {'read' | 'open'} method
     * @param {unknown} file
     * @param {any} options
     */
    async #read(method, file, options) {
      const chosen = this.#readOptions(options);
      const place = { given: this.rootDir, real: this.rootReal };
      try {
        return await beneath((given, rest) => this.#pin.use((root) => root[method](given, rest)), place, file, chosen);
      } catch (error) {
        throw await failedBeneath(HostError, ROOT_READ, place, file, chosen, error);
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
      const stat = await statBeneath(HostError, this.#pin, file);
      if (stat === undefined) {
        throw missing(HostError, this.rootReal, file);
      }
      return stat;
    }

    /** @param {unknown} file */
    async exists(file) {
      return (await statBeneath(HostError, this.#pin, file)) !== undefined;
    }

    /**
     * What writes, or the root of the original where the options have a rule that it alone knows.
     *
     * @param {any} given
     * @returns {InstanceType<typeof RootWrites> | undefined}
     */
    #writer(given) {
      const options = checked(given, NAMES.write);
      const denies = [this.defaults.denyMutations, options?.denyMutations].some((policy) => policy?.paths?.length > 0 || policy?.prefixes?.length > 0);
      return denies ? undefined : (this.#writes ??= new RootWrites(HostError, this.#pin, this.defaults));
    }

    /**
     * @param {unknown} file
     * @param {any} data
     * @param {any} [options]
     */
    async write(file, data, options) {
      const writer = this.#writer(options);
      return writer === undefined ? this.#denying('write', arguments) : writer.write(file, data, options, {});
    }

    /**
     * @param {unknown} file
     * @param {any} data
     * @param {any} [options]
     */
    async create(file, data, options) {
      const writer = this.#writer(options);
      if (writer === undefined) {
        return this.#denying('create', arguments);
      }
      writer.refuseSharedMode(options);
      return writer.write(file, data, options, { overwrite: false, mayStream: true });
    }

    /**
     * @param {unknown} file
     * @param {any} value
     * @param {any} [options]
     */
    async writeJson(file, value, options) {
      const writer = this.#writer(options);
      return writer === undefined ? this.#denying('writeJson', arguments) : writer.write(file, toJson(value, options), options, {});
    }

    /**
     * @param {unknown} file
     * @param {any} value
     * @param {any} [options]
     */
    async createJson(file, value, options) {
      const writer = this.#writer(options);
      if (writer === undefined) {
        return this.#denying('createJson', arguments);
      }
      writer.refuseSharedMode(options);
      return writer.write(file, toJson(value, options), options, { overwrite: false });
    }

    /**
     * @param {unknown} dir
     * @param {any} [options]
     */
    async mkdir(dir, options) {
      const writer = this.#writer(options);
      return writer === undefined ? this.#denying('mkdir', arguments) : writer.mkdir(dir, options);
    }

    /** @param {any} [options] */
    async ensureRoot(options) {
      const writer = this.#writer(options);
      return writer === undefined ? this.#denying('ensureRoot', arguments) : writer.ensure('.', options);
    }

    /**
     * A write with `denyMutations`, by the original.
     *
     * @param {string} method
     * @param {IArguments} args
     */
    async #denying(method, args) {
      return (await this.#original('denyMutations'))[method](...args);
    }

    /**
     * The root of the original, for one call. It works by the path of the directory, so that the path must still name the
     * directory that was pinned.
     *
     * @param {string} what
     */
    async #original(what) {
      if (typeof original?.root !== 'function') {
        throw hostError(HostError, 'helper-unavailable', `${what} is not ours to do: bind with original, which has a root()`);
      }
      try {
        await this.#pin.assertNamed();
        if (this.#theirs === undefined) {
          const theirs = Promise.resolve(original.root(this.rootReal, this.defaults));
          this.#theirs = theirs;
          theirs.catch(() => {
            this.#theirs = undefined;
          });
          await theirs;
          // What it has seen under that name is the same directory.
          await this.#pin.assertNamed().catch((error) => {
            this.#theirs = undefined;
            throw error;
          });
        }
      } catch (error) {
        throw toHost(HostError, ROOT_READ, error);
      }
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
    async root(rootDir, defaults) {
      const kept = defaults === undefined ? NO_DEFAULTS : Object.freeze({ ...checked(defaults, NAMES.defaults, 'defaults') });
      toLimit(kept.maxBytes);
      try {
        return new Root(await pin(rootDir), rootDir, kept);
      } catch (error) {
        throw failedRoot(HostError, error);
      }
    },
  };
}

/**
 * @param {import('../errors.js').HostErrorClass} HostError
 * @param {any} error
 */
function failedRoot(HostError, error) {
  if (isCode(error, 'not-found')) {
    return hostError(HostError, 'not-found', 'root dir not found', error.cause);
  }
  return isCode(error, 'not-directory')
    ? hostError(HostError, 'invalid-path', 'root dir is not a directory', error.cause)
    : toHost(HostError, ROOT_READ, error);
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
