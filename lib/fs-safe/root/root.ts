// `root()` of fs-safe: the handle, its reads, and its calls to the original.

import { path } from '../../base/node.js';
import { ROOT_OPEN, ROOT_READ, hostError, toHost, type HostErrorClass } from '../errors.js';
import { NAMES, checked, denies, snapshot, toHardlinks, toMutationSymlinks, toReadSymlinks, type Unchecked } from '../options.js';
import { changes } from '../order.js';
import { Counterparts } from './counterpart.js';
import { withCounterpart } from './handover.js';
import { HeldRoot } from './held-root.js';
import { pin } from './pins.js';
import { byRealRoot, type Place } from '../paths.js';
import { beneath, failedBeneath, isCode, toLimit, type Host } from '../read.js';
import { handleErrors } from '../../schedule/source.js';
import { RootAppends } from './append.js';
import { RootWrites, toJson } from './write.js';
import { moveBeneath, removeBeneath } from './changes.js';
import { copyInto, mustClone } from './copy.js';
import { entriesBeneath, listBeneath } from './list.js';
import { resolveBeneath } from './resolve.js';
import { missing, statBeneath } from './stat.js';
import { walkBeneath } from './walk.js';

/** Changes of directories, which do not wait for earlier ones of the same path. */
const UNORDERED = new Set(['mkdir', 'ensureRoot']);
/** Changes that the original does not serialize. */
const UNSERIALIZED = new Set(['append', 'openWritable', 'remove', 'move']);

const NO_DEFAULTS: Unchecked = Object.freeze({});

export function bindRoot(host: Host) {
  const { HostError, original } = host;

  const counterparts = Counterparts.of(original);

  class Root extends HeldRoot {
    declare readonly rootDir: string;
    declare readonly rootReal: string;
    declare readonly rootWithSep: string;
    declare readonly defaults: Unchecked;
    #pin: Awaited<ReturnType<typeof pin>>;
    #writes: InstanceType<typeof RootWrites> | undefined;

    /** @param rootDir as the caller gave it */
    constructor(held: Awaited<ReturnType<typeof pin>>, rootDir: string, defaults: Unchecked) {
      super(held, HostError, counterparts);
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

    get #place(): Place {
      return { given: this.rootDir, real: this.rootReal };
    }

    async #read(method: 'read' | 'open', file: unknown, options: Unchecked) {
      const chosen = this.#readOptions(options);
      const place = this.#place;
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

    /** Whether an option has a rule that only the original supports. */
    #isDenying(given: Unchecked): boolean {
      const options = checked(given, NAMES.write);
      return denies(this.defaults.denyMutations) || denies(options?.denyMutations);
    }

    /** Returns the writer, or `undefined` if an option has a rule that only the original supports. */
    #writer(options: Unchecked): InstanceType<typeof RootWrites> | undefined {
      return this.#isDenying(options) ? undefined : (this.#writes ??= new RootWrites(HostError, this.#pin, this.defaults));
    }

    async write(file: unknown, data: Unchecked, options?: Unchecked) {
      const unhandle = handleErrors(data);
      const writer = this.#writer(options);
      await (writer === undefined ? this.#denying('write', arguments) : writer.write(file, data, options, { mayStream: true, isWrapped: true }));
      // After a failure a stream may still emit an error.
      unhandle();
    }

    async create(file: unknown, data: Unchecked, options?: Unchecked) {
      const unhandle = handleErrors(data);
      const writer = this.#writer(options);
      if (writer === undefined) {
        await this.#denying('create', arguments);
      } else {
        writer.checkCreation(options);
        await writer.write(file, data, options, { overwrite: false, mayStream: true });
      }
      // After a failure the stream may still emit an error.
      unhandle();
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

    async append(file: unknown, data: Unchecked, options?: Unchecked) {
      return this.#isDenying(options)
        ? this.#denying('append', arguments)
        : this.#inOrder('append', [file], () => this.#inPlace.append(file, data, options));
    }

    async openWritable(file: unknown, options?: Unchecked) {
      return this.#isDenying(options)
        ? this.#denying('openWritable', arguments)
        : this.#inOrder('openWritable', [file], () => this.#inPlace.openWritable(file, options));
    }

    get #inPlace() {
      return new RootAppends(HostError, this.#pin, this.defaults);
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
      return writer.ensure('.', options);
    }

    async list(dir: unknown, options?: Unchecked): Promise<Unchecked> {
      return listBeneath(HostError, this.#pin, dir, checked(options, NAMES.list));
    }

    entries(dir: unknown, options?: Unchecked): AsyncGenerator<Unchecked> {
      const known = checked(options, NAMES.entries);
      assertNoNul(HostError, dir);
      return entriesBeneath(HostError, this.#pin, this.rootDir, dir, known, this.defaults);
    }

    walk(dir: unknown, options: Unchecked): AsyncGenerator<Unchecked> {
      const known = checked(options, NAMES.walk);
      assertNoNul(HostError, dir);
      return walkBeneath(HostError, this.#pin, dir as string, known);
    }

    /** Returns a path for later use: the name of the root must still lead to its directory. */
    async resolve(file: unknown) {
      try {
        await this.#pin.assertNamed();
      } catch (error) {
        throw toHost(HostError, ROOT_READ, error);
      }
      return resolveBeneath(HostError, this.#place, file);
    }

    async remove(file: unknown, options?: Unchecked) {
      return this.#isDenying(options)
        ? this.#denying('remove', arguments)
        : this.#inOrder('remove', [file], () => removeBeneath(HostError, this.#pin, file, options, this.defaults));
    }

    async move(from: unknown, to: unknown, options?: Unchecked) {
      return this.#isDenying(options)
        ? this.#denying('move', arguments)
        : this.#inOrder('move', [from, to], () => moveBeneath(HostError, this.#pin, from, to, options, this.defaults));
    }

    async copyIn(file: unknown, source: Unchecked, options?: Unchecked) {
      const writer = this.#writer(options);
      options?.signal?.throwIfAborted();
      if (writer === undefined) {
        return this.#denying('copyIn', arguments);
      }
      if (!mustClone(HostError, options?.clone)) {
        return this.#inOrder('copyIn', [file], () => copyInto(HostError, writer, file, source, options, this.defaults));
      }
      if (counterparts === undefined) {
        throw hostError(HostError, 'unsupported-platform', 'native file cloning is unsupported');
      }
      return this.#inOrder('copyIn', [file], async () => (await this.#original('clone')).copyIn(...Array.from(arguments, withCounterpart)));
    }

    /** Runs a change with `denyMutations` on the original. */
    async #denying(method: string, args: IArguments) {
      const call = async () => (await this.#original('denyMutations'))[method](...Array.from(args, withCounterpart));
      return UNORDERED.has(method) ? call() : this.#inOrder(method, method === 'move' ? [args[0], args[1]] : [args[0]], call);
    }

    /** Runs a change after the earlier ones on its paths. */
    #inOrder<T>(method: string, files: unknown[], call: () => Promise<T>): Promise<T> {
      const paths = files.filter((file) => typeof file === 'string').map((file) => path.resolve(this.rootReal, byRealRoot(this.#place, file)));
      return UNSERIALIZED.has(method) ? changes.after(paths, call) : changes.queuedOnAll(paths, call);
    }

    /** Returns the original's root, for a call that only the original supports. */
    async #original(what: string) {
      if (counterparts === undefined) {
        throw hostError(HostError, 'helper-unavailable', `${what} is not ours to do: bind with original, which has a root()`);
      }
      return HeldRoot.counterpart(this, undefined);
    }
  }

  HeldRoot.acceptDerived(Root.prototype, Object.getOwnPropertyNames(Root.prototype).filter((name) => name !== 'constructor'));

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
      if (counterparts?.isReady === false) {
        // Functions of the original may need its root without a chance to wait. The first one is awaited, and shows how
        // the original makes its roots. A failure is that of the first call that needs the root.
        await HeldRoot.counterpart(opened, undefined).catch(() => undefined);
      }
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

/** `entries` and `walk` throw it at once, as in the original. */
function assertNoNul(HostError: HostErrorClass, given: unknown) {
  if (typeof given !== 'string') {
    throw new TypeError('The path must be of type string');
  }
  if (given.includes('\0')) {
    throw hostError(HostError, 'invalid-path', 'relative path contains a NUL byte');
  }
}
