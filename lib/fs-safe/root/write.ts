// Writes of fs-safe's `root()`.

import { path } from '../../base/node.js';
import {
  ROOT_MKDIR,
  ROOT_MKDIR_BY_POLICY,
  ROOT_WRITE,
  ROOT_WRITE_BY_POLICY,
  hostError,
  toHost,
  type HostErrorClass,
  type Rules,
} from '../errors.js';
import { beforeMutation } from '../host-callbacks.js';
import { changes } from '../order.js';
import { isAsyncIterable, limited } from '../chunks.js';
import { NAMES, checked, toMutationSymlinks, type Unchecked } from '../options.js';
import { assertClimbs, retraced } from '../links.js';
import { mkdirMode } from '../paths.js';
import { isCode, openedRoot, toLimit, type Host } from '../read.js';
import { toRelative } from './stat.js';
import { assertReplaceable, explained, refuseDrive, statusOfTarget, toTarget, type Base, type Target } from './targets.js';
import { WriteQueue, targetOf } from '../../schedule/write-queue.js';
import { ensureOf, statOf, writeOf } from '../../root/root.js';
import { invalidType } from '../../options/validate.js';
import { OUTSIDE } from '../sentences.js';

const DEFAULT_MODE = 0o600;

/** Types of complete content, for messages. */
const CONTENT = 'of type string or an instance of Buffer or Uint8Array';

/** Queue of complete writes: the checks before a write must not let a later call overtake it. */
const rootWrites = new WriteQueue();

/** Bits of a write's flags: follows symlinks in parent components, but not a final one. */
const FOLLOW_PARENTS = 1;

/** One write. */
interface Call {
  target: Target;
  stream: AsyncIterable<Uint8Array> | undefined;
  /** errors of the stream are `helper-failed`, and no signal ends it */
  isWrapped: boolean;
  content: Unchecked;
  overwrites: boolean;
  /** limit of a stream */
  maxBytes: number | undefined;
  mode: number | undefined;
  options: Unchecked;
  onPublished: ((path: string, published: Published) => void) | undefined;
}

/** The identity of a published file. */
export interface Published {
  dev: number | bigint;
  ino: number | bigint;
}

/** Options that the methods of a root set. */
interface Fixed {
  overwrite?: boolean;
  mayStream?: boolean;
  /** a stream as `write` takes it: its errors are `helper-failed`, and options of a stream are ignored */
  isWrapped?: boolean;
  /** permission bits in place of those of the options */
  mode?: number | undefined;
  /** the call has its place among the changes of its path, and the stream is not the host's */
  isPlaced?: boolean;
  /** called with the identity of the published file */
  onPublished?: (path: string, published: Published) => void;
}

/** Writes files and makes directories beneath one root. */
export class RootWrites {
  #HostError;
  #base;
  #defaults;
  #rules;

  constructor(HostError: HostErrorClass, base: Base, defaults: Unchecked, rules: Rules = ROOT_WRITE) {
    this.#HostError = HostError;
    this.#base = base;
    this.#defaults = defaults;
    this.#rules = rules;
  }

  /**
   * Returns the symlink policy. By default follows symlinks that stay beneath the root.
   *
   * @param isTextual only the text of the path tells what it means, which is sound without symlinks alone
   */
  #linkPolicy(options: Unchecked, isTextual: boolean) {
    const chosen = toMutationSymlinks(options?.mutationSymlinks ?? this.#defaults.mutationSymlinks);
    return { named: chosen !== undefined, symlinks: isTextual ? 'reject' : (chosen ?? 'follow-parents') };
  }

  #absolute(relative: string) {
    return `${this.#base.path === '/' ? '' : this.#base.path}/${relative}`;
  }

  /**
   * Writes a file.
   *
   * @param fixed options that the method sets
   */
  async write(given: unknown, data: Unchecked, options: Unchecked, fixed: Fixed) {
    const { named, symlinks } = this.#linkPolicy(options, false);
    const target = toTarget(this.#HostError, this.#base, given, named ? symlinks : undefined);
    if (target.relative === '') {
      throw hostError(this.#HostError, 'invalid-path', 'invalid target path');
    }
    const stream = isAsyncIterable(data) && fixed.mayStream ? data : undefined;
    if (stream === undefined && typeof data !== 'string' && !(data instanceof Uint8Array)) {
      throw invalidType('data', fixed.mayStream ? `${CONTENT}, or an async iterable of Uint8Array` : CONTENT, data);
    }
    if (stream !== undefined && !fixed.isWrapped) {
      checkStreamOptions(options);
    }
    const call = {
      target,
      stream,
      // Copies the content now: the checks before the write take time.
      content: typeof data === 'string' ? encoded(this.#HostError, data, options?.encoding) : stream === undefined ? new Uint8Array(data) : data,
      isWrapped: fixed.isWrapped === true,
      overwrites: fixed.overwrite ?? (options?.overwrite === undefined || Boolean(options.overwrite)),
      maxBytes: stream === undefined ? undefined : toLimit(options?.maxBytes === undefined ? this.#defaults.maxBytes : options.maxBytes),
      mode: fixed.mode ?? toMode(this.#HostError, options, this.#defaults),
      options,
      onPublished: fixed.onPublished,
    };
    try {
      // Among paths of other spellings, a stream takes its place when its data have ended.
      const place = targetOf(this.#absolute(target.relative), undefined, undefined, FOLLOW_PARENTS);
      const publish = () => this.#checkedPublish(call);
      const text = path.resolve(this.#absolute(target.relative));
      if (fixed.isPlaced) {
        await publish();
      } else {
        await changes.queued(text, () => (stream === undefined ? rootWrites.queued(place, publish) : changes.inHost(text, publish)));
      }
    } catch (error) {
      const { error: other, cause } = await explained(this.#HostError, this.#base, target.relative, named, error);
      throw other ?? toHost(this.#HostError, named ? ROOT_WRITE_BY_POLICY : this.#rules, error, { given, cause });
    }
  }

  async #checkedPublish(call: Call) {
    const { climb } = call.target;
    if (climb !== undefined) {
      await assertClimbs(this.#base.path, climb, this.#linkPolicy(call.options, false).symlinks === 'reject' ? 'reject' : 'same-parent');
    }
    if (call.overwrites) {
      await assertReplaceable(this.#HostError, this.#base, call.target, this.#linkPolicy(call.options, false).named);
    } else if (call.stream !== undefined && (await statusOfTarget(this.#base, call.target)) !== undefined) {
      // Fails before the first read from the producer.
      throw hostError(this.#HostError, 'already-exists', 'file already exists');
    }
    await this.#publish(call);
  }

  async #publish({ target: { relative, isTextual }, stream, isWrapped, content, overwrites, maxBytes, mode, options, onPublished }: Call) {
    const { symlinks } = this.#linkPolicy(options, isTextual);
    const ask = asked([this.#defaults, options]);
    const common = {
      ...(mode === undefined ? { newFileMode: DEFAULT_MODE } : { mode }),
      durable: toDurable(options?.durable ?? this.#defaults.durable),
      hardlinks: 'reject',
      overwrite: overwrites,
      signal: stream === undefined || isWrapped ? undefined : (options?.signal ?? undefined),
    };
    const attempt = (more: Unchecked): Promise<Unchecked> =>
      retraced(this.#base.path, relative, false, (at) =>
        this.#base.use((root) => {
          ask?.();
          const data = stream === undefined ? content : limited(this.#HostError, stream, maxBytes ?? Infinity, isWrapped);
          return writeOf(root, this.#absolute(at), data, { ...common, ...more, symlinks }, ask);
        }),
      );
    const parent = path.dirname(relative);
    const makesParents = (options?.mkdir === undefined ? this.#defaults.mkdir : options.mkdir) !== false && parent !== '.';
    const dirMode = () => (options?.private === true ? 0o700 : mkdirMode());
    const makeParents = () => this.#makeDirectory(parent, symlinks === 'reject' ? 'reject' : 'follow-within-root', dirMode(), ask);
    if (stream !== undefined && makesParents) {
      // The data can be read once only, so the directory is made before the write.
      await makeParents();
    }
    try {
      const published = await attempt({});
      onPublished?.(this.#absolute(relative), published);
    } catch (error) {
      if (stream !== undefined || !makesParents || !isCode(error, 'not-found')) {
        throw error;
      }
      if (ask === undefined) {
        await attempt({ mkdir: true, dirMode: dirMode() });
        return;
      }
      await makeParents();
      await attempt({});
    }
  }

  /** @param ask called right before directories are made */
  #makeDirectory(relative: string, symlinks: string, mode: number, ask: (() => void) | undefined) {
    return retraced(this.#base.path, relative, symlinks === 'follow-within-root', (at) =>
      this.#base.use((root) => ensureOf(root, this.#absolute(at), { mode, existing: 'leave', symlinks }, ask)),
    );
  }

  async mkdir(dir: unknown, options: Unchecked) {
    if (typeof dir === 'string') {
      refuseDrive(this.#HostError, dir);
    }
    const relative = path.join(toRelative(this.#HostError, this.#base.path, dir));
    if (relative === '.' || relative === './') {
      throw hostError(this.#HostError, 'outside-workspace', OUTSIDE);
    }
    await this.ensure(relative, options);
  }

  async ensure(relative: string, options: Unchecked) {
    checkPrivate(options, options?.mode);
    const { named, symlinks } = this.#linkPolicy(options, false);
    const isPrivate = options?.private === true;
    const follows = symlinks === 'follow-parents' && !named ? 'follow-within-root' : symlinks;
    let made;
    try {
      made = await this.#makeDirectory(relative, follows, isPrivate ? 0o700 : mkdirMode(), asked([this.#defaults, options]));
    } catch (error) {
      const { error: other, cause } = await explained(this.#HostError, this.#base, relative, named, error);
      throw other ?? toHost(this.#HostError, named ? ROOT_MKDIR_BY_POLICY : ROOT_MKDIR, error, { given: relative, cause });
    }
    if (isPrivate && !made.isPrivate) {
      const stat = await this.#base.use((root) => statOf(root, this.#absolute(relative), 'follow-within-root')).catch(() => undefined);
      if (stat !== undefined && stat.uid !== process.geteuid?.()) {
        throw hostError(this.#HostError, 'not-owned', 'private directory must belong to the current user');
      }
      throw hostError(this.#HostError, 'insecure-permissions', 'existing directory is not private');
    }
  }

  /** Checks the options of `create` that other writes do not have. */
  checkCreation(options: Unchecked) {
    if (options?.atomic !== undefined && typeof options.atomic !== 'boolean') {
      throw new TypeError('atomic must be a boolean');
    }
    const mode = options?.mode === undefined ? this.#defaults.mode : options.mode;
    checkPrivate(options, mode);
    if (options?.private === true && mode !== undefined && (mode & 0o7077) !== 0) {
      throw hostError(this.#HostError, 'insecure-permissions', 'private creation requires owner-only permission bits');
    }
  }
}

/** Refuses a `private` that is not a boolean, and a mode that cannot be checked against it. */
function checkPrivate(options: Unchecked, mode: Unchecked) {
  if (options?.private === undefined) {
    return;
  }
  if (typeof options.private !== 'boolean') {
    throw new TypeError('private must be a boolean');
  }
  if (mode !== undefined && !(Number.isInteger(mode) && mode >= 0 && mode <= 0o7777)) {
    throw new RangeError('mode must contain only permission bits');
  }
}

/** Checks the options of a stream before the first read from the producer and before any change. */
function checkStreamOptions(options: Unchecked) {
  options?.signal?.throwIfAborted();
  if (options?.encoding !== undefined || options?.renameIdentity !== undefined) {
    throw new TypeError('streamed create does not accept encoding or renameIdentity');
  }
}

/** Returns text in its encoding, before anything is made. An encoding that is no text is ignored. */
function encoded(HostError: HostErrorClass, data: string, encoding: Unchecked): string | Buffer {
  if (typeof encoding !== 'string' || encoding === '' || encoding === 'utf8') {
    return data;
  }
  try {
    return Buffer.from(data, encoding as BufferEncoding);
  } catch (error) {
    throw hostError(HostError, 'invalid-path', `filesystem write failed (${(error as NodeJS.ErrnoException).code})`, error);
  }
}

/** Syncs for every value but `false`, as the original does. */
function toDurable(durable: Unchecked): boolean | 'file' {
  return durable === 'file' ? 'file' : durable !== false;
}

/** Returns the callbacks before a change as one function; `undefined` if there are none. */
function asked(levels: Unchecked[]) {
  return levels.some((level) => Boolean(level?.assertBeforeMutation)) ? beforeMutation(levels) : undefined;
}

/** Opens a root for one write, and closes it. */
export async function writeFileWithinRoot(host: Host, params: Unchecked, rules: Rules = ROOT_WRITE) {
  const { rootDir, relativePath, data, encoding, mkdir } = checked(params, NAMES.writeWithin, 'params');
  const root = await openedRoot(host.HostError, rootDir, rules);
  try {
    const base: Base = { path: root.path, given: path.resolve(rootDir), use: (call) => call(root) };
    await new RootWrites(host.HostError, base, {}, rules).write(relativePath, data, { encoding, mkdir }, {});
  } finally {
    root.close();
  }
}

export function toJson(value: Unchecked, options: Unchecked) {
  const text = JSON.stringify(value, options?.replacer, options?.space);
  if (text === undefined) {
    throw invalidType('data', 'a value that JSON can hold', value);
  }
  return options?.trailingNewline === undefined || options.trailingNewline ? `${text}\n` : text;
}

/** Returns the permission bits of a mode. Drops setuid, setgid and sticky. */
export function toMode(HostError: HostErrorClass, options: Unchecked, defaults: Unchecked) {
  const mode = options?.mode === undefined ? defaults.mode : options.mode;
  if (mode === undefined || mode === null) {
    return undefined;
  }
  if (!Number.isInteger(mode) || mode < 0 || mode > 0o7777) {
    throw hostError(HostError, 'invalid-path', 'invalid staged file mode');
  }
  return mode & 0o777;
}
