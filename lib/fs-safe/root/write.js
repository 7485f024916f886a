'use strict';

// Writes of fs-safe's `root()`.

const path = process.getBuiltinModule('node:path');
const { ROOT_MKDIR, ROOT_MKDIR_BY_POLICY, ROOT_WRITE, ROOT_WRITE_BY_POLICY, hostError, toHost } = require('../errors.js');
const { authority } = require('../authority.js');
const { limited } = require('../chunks.js');
const { NAMES, checked } = require('../options.js');
const { mkdirMode, withoutLinks } = require('../paths.js');
const { isCode, openedRoot, toLimit, toPolicy } = require('../read.js');
const { toRelative } = require('./stat.js');
const { assertReplaceable, explained, refuseDrive, statusOfTarget, toTarget } = require('./targets.js');
const { WriteQueue, targetOf } = require('../../schedule/write-queue.js');
const { ensureOf, writeOf } = require('../../root/root.js');
const { WHOLE_DATA } = require('../../verbs/write.js');
const { invalidType } = require('../../options/validate.js');

/** @typedef {import('../errors.js').HostErrorClass} HostErrorClass */
/** @typedef {import('../read.js').Host} Host */
/** @typedef {import('../errors.js').Rules} Rules */

const DEFAULT_MODE = 0o600;

/** The order of whole writes: what is looked for before one must not let a later call overtake it. */
const rootWrites = new WriteQueue();

/** Bits of a write's flags: links on the way are followed, a final one is not. */
const FOLLOW_PARENTS = 1;

/**
 * A directory to write beneath.
 *
 * @typedef {object} Base
 * @property {string} path its real path
 * @property {(call: (root: any) => Promise<any>) => Promise<any>} use
 */

/** Writes, and makes directories, beneath one root. */
class RootWrites {
  #HostError;
  #base;
  #defaults;
  #rules;

  /**
   * @param {HostErrorClass} HostError
   * @param {Base} base
   * @param {any} defaults
   * @param {Rules} rules
   */
  constructor(HostError, base, defaults, rules = ROOT_WRITE) {
    this.#HostError = HostError;
    this.#base = base;
    this.#defaults = defaults;
    this.#rules = rules;
  }

  /**
   * Links on the way are followed while they stay beneath the root, unless the caller forbids it. A path with `..` is resolved
   * by its text, which is sound without links only.
   *
   * @param {any} options
   * @param {boolean} climbed
   */
  #linkPolicy(options, climbed) {
    const chosen = options?.mutationSymlinks ?? this.#defaults.mutationSymlinks;
    return { named: chosen !== undefined, symlinks: climbed ? 'reject' : (toPolicy(chosen) ?? 'follow-parents') };
  }

  /** @param {string} relative */
  #absolute(relative) {
    return `${this.#base.path === '/' ? '' : this.#base.path}/${relative}`;
  }

  /**
   * Makes a call, and once more where a link with an absolute target leads back into the root.
   *
   * @param {string} relative
   * @param {string} symlinks
   * @param {(file: string, symlinks: string) => Promise<any>} call
   */
  async #followed(relative, symlinks, call) {
    try {
      return await call(this.#absolute(relative), symlinks);
    } catch (error) {
      const real = isCode(error, 'outside-workspace') ? await withoutLinks(this.#base.path, relative, symlinks === 'follow-within-root') : undefined;
      if (real === undefined) {
        throw error;
      }
      return call(this.#absolute(real), 'reject');
    }
  }

  /**
   * @param {unknown} given
   * @param {any} data
   * @param {any} options
   * @param {{ overwrite?: boolean, mayStream?: boolean }} fixed what the method itself decides
   */
  async write(given, data, options, fixed) {
    const target = toTarget(this.#HostError, this.#base, given);
    const stream = isAsyncIterable(data) && fixed.mayStream ? data : undefined;
    if (stream === undefined && typeof data !== 'string' && !(data instanceof Uint8Array)) {
      throw invalidType('data', WHOLE_DATA, data);
    }
    const call = {
      target,
      stream,
      // The bytes are those of the call, whatever is looked for before they are written.
      content: stream === undefined && typeof data !== 'string' ? new Uint8Array(data) : data,
      overwrites: fixed.overwrite ?? options?.overwrite ?? true,
      maxBytes: stream === undefined ? undefined : toLimit(options?.maxBytes === undefined ? this.#defaults.maxBytes : options.maxBytes),
      mode: toMode(this.#HostError, options, this.#defaults),
      options,
    };
    try {
      // A stream takes its place among the writes to one target when its data have ended.
      const place = targetOf(this.#absolute(target.relative), undefined, undefined, FOLLOW_PARENTS);
      await (stream === undefined ? rootWrites.queued(place, () => this.#checkedPublish(call)) : this.#checkedPublish(call));
    } catch (error) {
      const { named } = this.#linkPolicy(options, target.climbed);
      const { error: other, cause } = await explained(this.#HostError, this.#base, target.relative, named, error);
      throw other ?? toHost(this.#HostError, named ? ROOT_WRITE_BY_POLICY : this.#rules, error, { given, cause });
    }
  }

  /**
   * One write.
   *
   * @typedef {object} Call
   * @property {import('./targets.js').Target} target
   * @property {AsyncIterable<Uint8Array> | undefined} stream
   * @property {any} content
   * @property {boolean} overwrites
   * @property {number | undefined} maxBytes of a stream
   * @property {number | undefined} mode
   * @property {any} options
   */

  /** @param {Call} call */
  async #checkedPublish(call) {
    if (call.overwrites) {
      await assertReplaceable(this.#HostError, this.#base, call.target);
    } else if (call.stream !== undefined && (await statusOfTarget(this.#base, call.target)) !== undefined) {
      // The producer is not asked for what cannot be written.
      throw hostError(this.#HostError, 'already-exists', 'file already exists');
    }
    await this.#publish(call);
  }

  /** @param {Call} call */
  async #publish({ target: { relative, climbed }, stream, content, overwrites, maxBytes, mode, options }) {
    const { symlinks } = this.#linkPolicy(options, climbed);
    const ask = asked([this.#defaults, options]);
    const common = {
      ...(mode === undefined ? { newFileMode: DEFAULT_MODE } : { mode }),
      durable: options?.durable ?? this.#defaults.durable,
      encoding: options?.encoding,
      hardlinks: 'reject',
      overwrite: overwrites,
      signal: stream === undefined ? undefined : options?.signal,
    };
    /** @param {any} more */
    const attempt = (more) =>
      this.#followed(relative, symlinks, (file, policy) =>
        this.#base.use((root) => {
          ask?.();
          const data = stream === undefined ? content : limited(this.#HostError, stream, maxBytes ?? Infinity);
          return writeOf(root, file, data, { ...common, ...more, symlinks: policy }, ask);
        }),
      );
    const parent = path.dirname(relative);
    const makesParents = (options?.mkdir ?? this.#defaults.mkdir ?? true) && parent !== '.';
    const dirMode = () => (options?.private === true ? 0o700 : mkdirMode());
    const makeParents = () => this.#makeDirectory(parent, symlinks === 'reject' ? 'reject' : 'follow-within-root', dirMode(), ask);
    if (stream !== undefined && makesParents) {
      // The data come once, so that their directory is made first.
      await makeParents();
    }
    try {
      await attempt({});
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

  /**
   * @param {string} relative
   * @param {string} symlinks
   * @param {number} mode
   * @param {(() => void) | undefined} ask called right before directories are made
   */
  #makeDirectory(relative, symlinks, mode, ask) {
    return this.#followed(relative, symlinks, (dir, policy) =>
      this.#base.use((root) => ensureOf(root, dir, { mode, existing: 'leave', symlinks: policy }, ask)),
    );
  }

  /**
   * @param {unknown} dir
   * @param {any} options
   */
  async mkdir(dir, options) {
    if (typeof dir === 'string') {
      refuseDrive(this.#HostError, dir);
    }
    const relative = path.join(toRelative(this.#HostError, this.#base.path, dir));
    if (relative === '.' || relative === './') {
      throw hostError(this.#HostError, 'outside-workspace', 'file is outside workspace root');
    }
    await this.ensure(relative, options);
  }

  /**
   * @param {string} relative
   * @param {any} options
   */
  async ensure(relative, options) {
    const { named, symlinks } = this.#linkPolicy(options, false);
    const isPrivate = options?.private === true;
    const follows = symlinks === 'follow-parents' && !named ? 'follow-within-root' : symlinks;
    let made;
    try {
      made = await this.#makeDirectory(relative, follows, isPrivate ? 0o700 : mkdirMode(), asked([this.#defaults, options]));
    } catch (error) {
      const { cause } = await explained(this.#HostError, this.#base, relative, named, error);
      throw toHost(this.#HostError, named ? ROOT_MKDIR_BY_POLICY : ROOT_MKDIR, error, { given: relative, cause });
    }
    if (isPrivate && !made.isPrivate) {
      throw hostError(this.#HostError, 'insecure-permissions', 'existing directory is not private');
    }
  }

  /**
   * @param {any} options
   */
  refuseSharedMode(options) {
    if (options?.private === true && ((options.mode ?? this.#defaults.mode ?? 0) & 0o077) !== 0) {
      throw hostError(this.#HostError, 'insecure-permissions', 'private creation requires owner-only permission bits');
    }
  }
}

/**
 * The callbacks to ask before a change, as one function; `undefined` when there is none.
 *
 * @param {any[]} levels
 */
function asked(levels) {
  return levels.some((level) => level?.assertBeforeMutation !== undefined) ? authority(levels) : undefined;
}

/**
 * One write beneath a root that is opened for it.
 *
 * @param {Host} host
 * @param {any} params
 * @param {Rules} [rules]
 */
async function writeFileWithinRoot(host, params, rules = ROOT_WRITE) {
  const { rootDir, relativePath, data, encoding, mkdir } = checked(params, NAMES.writeWithin, 'params');
  const root = await openedRoot(host.HostError, rootDir, rules);
  try {
    /** @type {Base} */
    const base = { path: root.path, use: (call) => call(root) };
    await new RootWrites(host.HostError, base, {}, rules).write(relativePath, data, { encoding, mkdir }, {});
  } finally {
    root.close();
  }
}

/**
 * @param {any} value
 * @param {any} options
 */
function toJson(value, options) {
  const text = JSON.stringify(value, options?.replacer, options?.space);
  if (text === undefined) {
    throw invalidType('data', 'a value that JSON can hold', value);
  }
  return options?.trailingNewline === false ? text : `${text}\n`;
}

/**
 * The permission bits of a mode. Setuid, setgid and sticky are never published.
 *
 * @param {HostErrorClass} HostError
 * @param {any} options
 * @param {any} defaults
 */
function toMode(HostError, options, defaults) {
  const mode = options?.mode ?? defaults.mode;
  if (mode === undefined) {
    return undefined;
  }
  if (!Number.isInteger(mode) || mode < 0) {
    throw hostError(HostError, 'invalid-path', 'invalid staged file mode');
  }
  return mode & 0o777;
}

/** @param {any} data */
function isAsyncIterable(data) {
  return typeof data === 'object' && data !== null && typeof data[Symbol.asyncIterator] === 'function';
}

module.exports = { RootWrites, toJson, writeFileWithinRoot };
