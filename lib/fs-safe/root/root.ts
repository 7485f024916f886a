// `root()` of fs-safe: the handle, its reads, and its calls to the original.

import { descriptor } from '../../base/descriptor.js';
import { path } from '../../base/node.js';
import { ROOT_MKDIR, ROOT_OPEN, ROOT_READ, hostError, toHost, type HostErrorClass } from '../errors.js';
import { NAMES, checked, denies, snapshot, toHardlinks, toMutationSymlinks, toReadSymlinks, type Unchecked } from '../options.js';
import { changes } from '../order.js';
import { registerRoot, withCounterpart } from './handover.js';
import { pin } from './pins.js';
import { beneath, failedBeneath, isCode, toLimit, type Host } from '../read.js';
import { RootWrites, toJson } from './write.js';
import { missing, statBeneath } from './stat.js';

/** Methods of a root that call the original, if the binding has one. */
const ASYNC_METHODS = ['append', 'copyIn', 'list', 'move', 'openWritable', 'remove', 'resolve'];
const ITERATING_METHODS = ['entries', 'walk'];

const NO_DEFAULTS: Unchecked = Object.freeze({});

export function bindRoot(host: Host) {
  const { HostError, original } = host;

  let accompany: (opened: Root) => Promise<void>;

  class Root {
    declare readonly rootDir: string;
    declare readonly rootReal: string;
    declare readonly rootWithSep: string;
    declare readonly defaults: Unchecked;
    #pin: Awaited<ReturnType<typeof pin>>;
    #writes: InstanceType<typeof RootWrites> | undefined;
    /** the original's root of the same directory */
    #theirs: Unchecked;

    /** @param rootDir as the caller gave it */
    constructor(held: Awaited<ReturnType<typeof pin>>, rootDir: string, defaults: Unchecked) {
      this.#pin = held;
      this.rootDir = path.resolve(rootDir);
      this.rootReal = held.path;
      this.rootWithSep = held.path.endsWith('/') ? held.path : `${held.path}/`;
      this.defaults = defaults;
    }

    /** Returns the options of a read. `undefined` leaves the root's default in effect. */
    #readOptions(given: Unchecked) {
      const options = checked(given, NAMES.read);
      const { defaults } = this;
      return {
        hardlinks: toHardlinks(options?.hardlinks === undefined ? defaults.hardlinks : options.hardlinks),
        maxBytes: options?.maxBytes === undefined ? defaults.maxBytes : toLimit(options.maxBytes),
        symlinks: toReadSymlinks(options?.symlinks === undefined ? defaults.symlinks : options.symlinks),
        outbound: options?.outbound === undefined ? host.outbound : options.outbound,
      };
    }

    async #read(method: 'read' | 'open', file: unknown, options: Unchecked) {
      const chosen = this.#readOptions(options);
      const place = { given: this.rootDir, real: this.rootReal };
      try {
        return await beneath((given, rest) => this.#pin.use<unknown>((root) => root[method](given, rest)), place, file, chosen);
      } catch (error) {
        throw await failedBeneath(HostError, ROOT_READ, place, file, chosen, error);
      }
    }

    async read(file: unknown, options?: Unchecked) {
      return this.#read('read', file, options);
    }

    async open(file: unknown, options?: Unchecked) {
      return this.#read('open', file, { ...options, maxBytes: Infinity });
    }

    async readAbsolute(file: unknown, options?: Unchecked) {
      return this.#read('read', file, options);
    }

    async readBytes(file: unknown, options?: Unchecked) {
      return (await this.#read('read', file, options)).buffer;
    }

    async readText(file: unknown, options?: Unchecked) {
      return (await this.#read('read', file, options)).buffer.toString(options?.encoding ?? 'utf8');
    }

    async readJson(file: unknown, options?: Unchecked) {
      return JSON.parse(await this.readText(file, options));
    }

    reader(options?: Unchecked) {
      return (file: unknown) => this.readBytes(file, options);
    }

    async stat(file: unknown) {
      const stat = await statBeneath(HostError, this.#pin, file);
      if (stat === undefined) {
        throw missing(HostError, this.rootReal, file);
      }
      return stat;
    }

    async exists(file: unknown) {
      return (await statBeneath(HostError, this.#pin, file)) !== undefined;
    }

    /** Returns the writer, or `undefined` if an option has a rule that only the original supports. */
    #writer(given: Unchecked): InstanceType<typeof RootWrites> | undefined {
      const options = checked(given, NAMES.write);
      return denies(this.defaults.denyMutations) || denies(options?.denyMutations) ? undefined : (this.#writes ??= new RootWrites(HostError, this.#pin, this.defaults));
    }

    async write(file: unknown, data: Unchecked, options?: Unchecked) {
      const writer = this.#writer(options);
      return writer === undefined ? this.#denying('write', arguments) : writer.write(file, data, options, {});
    }

    async create(file: unknown, data: Unchecked, options?: Unchecked) {
      const writer = this.#writer(options);
      if (writer === undefined) {
        return this.#denying('create', arguments);
      }
      writer.checkCreation(options);
      return writer.write(file, data, options, { overwrite: false, mayStream: true });
    }

    async writeJson(file: unknown, value: Unchecked, options?: Unchecked) {
      const writer = this.#writer(options);
      return writer === undefined ? this.#denying('writeJson', arguments) : writer.write(file, toJson(value, options), options, {});
    }

    async createJson(file: unknown, value: Unchecked, options?: Unchecked) {
      const writer = this.#writer(options);
      if (writer === undefined) {
        return this.#denying('createJson', arguments);
      }
      writer.checkCreation(options);
      return writer.write(file, toJson(value, options), options, { overwrite: false });
    }

    async mkdir(dir: unknown, options?: Unchecked) {
      const writer = this.#writer(options);
      return writer === undefined ? this.#denying('mkdir', arguments) : writer.mkdir(dir, options);
    }

    async ensureRoot(options?: Unchecked) {
      const writer = this.#writer(options);
      if (writer === undefined) {
        return this.#denying('ensureRoot', arguments);
      }
      try {
        await this.#pin.assertNamed();
      } catch (error) {
        throw toHost(HostError, ROOT_MKDIR, error);
      }
      return writer.ensure('.', options);
    }

    /** Runs a write with `denyMutations` on the original. */
    async #denying(method: string, args: IArguments) {
      const call = async () => (await this.#original('denyMutations'))[method](...args);
      return method === 'mkdir' || method === 'ensureRoot' ? call() : this.#inOrder(args[0], call);
    }

    /** Runs a change of a file by the original after the earlier ones on its path. */
    #inOrder<T>(file: unknown, call: () => Promise<T>): Promise<T> {
      return typeof file === 'string' ? changes.queued(path.resolve(this.rootReal, file), call) : call();
    }

    /**
     * Makes the original's root of the same directory: functions of the original may need it without a chance to wait.
     * A failure is that of the first call that needs it.
     */
    async #accompany() {
      if (typeof original?.root !== 'function') {
        return;
      }
      registerRoot(this, () => this.#counterpart());
      try {
        const theirs = await original.root(this.rootReal, this.defaults);
        this.#pin.assertNamedSync();
        this.#theirs = theirs;
      } catch {
        // Tried again by the first method that calls the original.
      }
    }

    /** Returns the original's root for a call of the original by path: the path must still name the pinned directory. */
    #counterpart() {
      try {
        this.#pin.assertNamedSync();
      } catch (error) {
        throw toHost(HostError, ROOT_READ, error);
      }
      return this.#theirs;
    }

    /** Returns the original's root. The original works by path, so the path must still name the pinned directory. */
    async #original(what: string) {
      if (typeof original?.root !== 'function') {
        throw hostError(HostError, 'helper-unavailable', `${what} is not ours to do: bind with original, which has a root()`);
      }
      try {
        await this.#pin.assertNamed();
        if (this.#theirs === undefined) {
          const theirs = await original.root(this.rootReal, this.defaults);
          // The original has opened the same directory under that name.
          await this.#pin.assertNamed();
          this.#theirs = theirs;
        }
      } catch (error) {
        throw toHost(HostError, ROOT_READ, error);
      }
      return this.#theirs;
    }

    static {
      accompany = (opened) => opened.#accompany();
      for (const name of ASYNC_METHODS) {
        define(Root, name, async function (...args) {
          const call = async () => (await this.#original(name))[name](...args.map(withCounterpart));
          return name === 'copyIn' ? this.#inOrder(args[0], call) : call();
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
    async root(rootDir: string, defaults?: Unchecked) {
      const kept = defaults === undefined ? NO_DEFAULTS : snapshot(checked(defaults, NAMES.defaults, 'defaults'), NAMES.defaults);
      toLimit(kept.maxBytes);
      toHardlinks(kept.hardlinks, 'defaults');
      toReadSymlinks(kept.symlinks, 'defaults');
      toMutationSymlinks(kept.mutationSymlinks);
      let opened;
      try {
        opened = new Root(await pin(rootDir), rootDir, kept);
      } catch (error) {
        throw failedRoot(HostError, error, rootDir);
      }
      await accompany(opened);
      return opened;
    },
  };
}

function failedRoot(HostError: HostErrorClass, error: unknown, given: unknown) {
  if (isCode(error, 'not-found')) {
    return hostError(HostError, 'not-found', 'root dir not found', error.cause);
  }
  return isCode(error, 'not-directory')
    ? hostError(HostError, 'invalid-path', 'root dir is not a directory', error.cause)
    : toHost(HostError, ROOT_OPEN, error, { given });
}

function define(Class: Function, name: string, value: (this: Unchecked, ...args: Unchecked[]) => unknown) {
  Object.defineProperty(Class.prototype, name, descriptor({ configurable: true, writable: true, value }));
}
