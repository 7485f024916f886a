'use strict';

// Writes of fs-safe's `root()`.

const path = process.getBuiltinModule('node:path');
const { FromCaller, ROOT_MKDIR, ROOT_MKDIR_BY_POLICY, ROOT_WRITE, ROOT_WRITE_BY_POLICY, hostError, toHost } = require('./fs-safe-errors.js');
const { authority } = require('./fs-safe-authority.js');
const { climbs, expandHome, mkdirMode, withoutLinks } = require('./fs-safe-paths.js');
const { toPolicy } = require('./fs-safe-read.js');
const { toRelative } = require('./fs-safe-stat.js');
const { isHoldfastError } = require('./errors.js');
const { openRoot } = require('./root.js');
const { WHOLE_DATA } = require('./write.js');
const { invalidType } = require('./validate.js');

/** @typedef {import('./fs-safe-read.js').Host} Host */
/** @typedef {import('./fs-safe-errors.js').Rules} Rules */

const DEFAULT_MODE = 0o600;

/**
 * A directory to write beneath.
 *
 * @typedef {object} Base
 * @property {string} path its real path
 * @property {(call: (root: any) => Promise<any>) => Promise<any>} use
 */

/**
 * The methods of a root that write.
 *
 * @param {Host} host
 * @param {Base} pin
 * @param {any} defaults
 * @param {() => Promise<any>} original the root of the original, or an error
 * @param {Rules} [rules]
 */
function bindRootWrites({ HostError }, pin, defaults, original, rules = ROOT_WRITE) {
  /**
   * The target of a write: beneath the root by its text, and no drive of another system.
   *
   * @param {unknown} given
   */
  const toTarget = (given) => {
    if (typeof given !== 'string') {
      throw invalidType('relativePath', 'of type string', given);
    }
    refuseDrive(given);
    const file = expandHome(given);
    if (file.includes('\0')) {
      throw hostError(HostError, 'invalid-path', 'the path contains a NUL');
    }
    const relative = path.relative(pin.path, path.resolve(pin.path, file));
    if (relative === '') {
      throw hostError(HostError, 'invalid-path', 'the path names the root itself');
    }
    if (relative === '..' || relative.startsWith('../')) {
      throw hostError(HostError, 'outside-workspace', 'the path leaves the directory it is confined to');
    }
    return { relative, climbed: climbs(file) };
  };

  /** @param {string} given */
  const refuseDrive = (given) => {
    if (/^[A-Za-z]:(?![\\/])/.test(given)) {
      throw hostError(HostError, 'invalid-path', 'the path begins with a drive letter');
    }
  };

  /** @param {any} options */
  const denies = (options) =>
    [defaults.denyMutations, options?.denyMutations].some((policy) => policy?.paths?.length > 0 || policy?.prefixes?.length > 0);

  /**
   * Links on the way are followed while they stay beneath the root, unless the caller forbids it. A path that climbs is
   * taken by its text, which is only sound without links.
   *
   * @param {any} options
   * @param {boolean} climbed
   */
  const linkPolicy = (options, climbed) => {
    const chosen = options?.mutationSymlinks ?? defaults.mutationSymlinks;
    return { named: chosen !== undefined, symlinks: climbed ? 'reject' : (toPolicy(chosen) ?? 'follow-parents') };
  };

  /**
   * Makes a call, and once more where a link with an absolute target leads back into the root.
   *
   * @param {string} relative
   * @param {string} symlinks
   * @param {(file: string, symlinks: string) => Promise<any>} call
   */
  const followed = async (relative, symlinks, call) => {
    try {
      return await call(relative, symlinks);
    } catch (error) {
      if (!isCode(error, 'outside-workspace')) {
        throw error;
      }
      const real = await withoutLinks(pin.path, relative, symlinks === 'follow-within-root');
      if (real === undefined) {
        throw error;
      }
      return call(real, 'reject');
    }
  };

  /**
   * @param {unknown} given
   * @param {any} data
   * @param {any} options
   * @param {any} fixed what the method itself decides
   */
  const write = async (given, data, options, fixed) => {
    const { relative, climbed } = toTarget(given);
    const { named, symlinks } = linkPolicy(options, climbed);
    const assertMayChange = authority([defaults, options]);
    const isStream = isAsyncIterable(data) && fixed.mayStream;
    if (!isStream && typeof data !== 'string' && !(data instanceof Uint8Array)) {
      throw invalidType('data', WHOLE_DATA, data);
    }
    const mode = toMode(HostError, options, defaults);
    const common = {
      ...(mode === undefined ? { newFileMode: DEFAULT_MODE } : { mode }),
      durable: options?.durable ?? defaults.durable,
      encoding: options?.encoding,
      hardlinks: 'reject',
      overwrite: fixed.overwrite ?? options?.overwrite,
      signal: isStream ? options?.signal : undefined,
    };
    const makesParents = options?.mkdir ?? defaults.mkdir ?? true;
    const dirMode = () => (options?.private === true ? 0o700 : mkdirMode());
    /** @param {any} more */
    const attempt = (more) =>
      followed(relative, symlinks, (file, policy) =>
        pin.use((root) => {
          assertMayChange();
          const content = isStream ? limited(HostError, data, options?.maxBytes ?? defaults.maxBytes) : data;
          return root.writeAtomic(file, content, { ...common, ...more, symlinks: policy });
        }),
      );
    try {
      if (isStream && makesParents && path.dirname(relative) !== '.') {
        // The data come once, so the place for them is made first.
        await makeDirectory(path.dirname(relative), symlinks === 'reject' ? 'reject' : 'follow-within-root', dirMode(), assertMayChange);
      }
      await attempt({}).catch((error) => {
        // Only a missing parent costs the look at the umask, and a second call.
        if (isStream || !makesParents || !isCode(error, 'not-found')) {
          throw error;
        }
        return attempt({ mkdir: true, dirMode: dirMode() });
      });
    } catch (error) {
      throw toHost(HostError, named ? ROOT_WRITE_BY_POLICY : rules, error);
    }
  };

  /**
   * @param {string} relative
   * @param {string} symlinks
   * @param {number} mode
   * @param {() => void} assertMayChange
   */
  const makeDirectory = (relative, symlinks, mode, assertMayChange) =>
    followed(relative, symlinks, (dir, policy) =>
      pin.use((root) => {
        assertMayChange();
        return root.ensureDir(dir, { mode, existing: 'leave', symlinks: policy });
      }),
    );

  /**
   * @param {string} relative
   * @param {any} options
   */
  const mkdir = async (relative, options) => {
    const { named, symlinks } = linkPolicy(options, false);
    const isPrivate = options?.private === true;
    const follows = symlinks === 'follow-parents' && !named ? 'follow-within-root' : symlinks;
    let made;
    try {
      made = await makeDirectory(relative, follows, isPrivate ? 0o700 : mkdirMode(), authority([defaults, options]));
    } catch (error) {
      throw toHost(HostError, named ? ROOT_MKDIR_BY_POLICY : ROOT_MKDIR, error);
    }
    if (isPrivate && !made.isPrivate) {
      throw hostError(HostError, 'insecure-permissions', 'the directory exists and is not private');
    }
  };

  /**
   * A method, or the original's where the call has a rule that only the original knows.
   *
   * @param {string} name
   * @param {number} optionsAt
   * @param {(...args: any[]) => Promise<any>} own
   */
  const method = (name, optionsAt, own) => async (/** @type {any[]} */ ...args) =>
    denies(args[optionsAt]) ? (await original())[name](...args) : own(...args);

  return {
    write: method('write', 2, (file, data, options) => write(file, data, options, {})),
    create: method('create', 2, (file, data, options) => {
      refuseSharedMode(HostError, options, defaults);
      return write(file, data, options, { overwrite: false, mayStream: true });
    }),
    writeJson: method('writeJson', 2, (file, value, options) => write(file, toJson(value, options), options, {})),
    createJson: method('createJson', 2, (file, value, options) => {
      refuseSharedMode(HostError, options, defaults);
      return write(file, toJson(value, options), options, { overwrite: false });
    }),
    mkdir: method('mkdir', 1, (dir, options) => {
      if (typeof dir === 'string') {
        refuseDrive(dir);
      }
      const relative = path.join(toRelative(HostError, pin.path, dir));
      if (relative === '.' || relative === './') {
        throw hostError(HostError, 'outside-workspace', 'the path names the root itself');
      }
      return mkdir(relative, options);
    }),
    ensureRoot: method('ensureRoot', 0, (options) => mkdir('.', options)),
  };
}

/**
 * One write beneath a root that is opened for it.
 *
 * @param {Host} host
 * @param {any} params
 * @param {Rules} [rules]
 */
async function writeFileWithinRoot(host, { rootDir, relativePath, data, encoding, mkdir }, rules = ROOT_WRITE) {
  /** @type {any} */
  let root;
  try {
    root = await openRoot(rootDir);
  } catch (error) {
    throw toHost(host.HostError, { ...rules, errno: undefined }, error);
  }
  try {
    /** @type {Base} */
    const base = { path: root.path, use: (call) => call(root) };
    await bindRootWrites(host, base, {}, noOriginal, rules).write(relativePath, data, { encoding, mkdir });
  } finally {
    root.close();
  }
}

/** One write has no option for which an original would be asked. */
async function noOriginal() {
  throw new TypeError('there is no original');
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
 * Permission bits alone: what would run as its owner is never published.
 *
 * @param {import('./fs-safe-errors.js').HostErrorClass} HostError
 * @param {any} options
 * @param {any} defaults
 */
function toMode(HostError, options, defaults) {
  const mode = options?.mode ?? defaults.mode;
  if (mode === undefined) {
    return undefined;
  }
  if (!Number.isInteger(mode) || mode < 0) {
    throw hostError(HostError, 'invalid-path', 'the mode is no integer >= 0');
  }
  return mode & 0o777;
}

/**
 * @param {import('./fs-safe-errors.js').HostErrorClass} HostError
 * @param {any} options
 * @param {any} defaults
 */
function refuseSharedMode(HostError, options, defaults) {
  if (options?.private === true && ((options.mode ?? defaults.mode ?? 0) & 0o077) !== 0) {
    throw hostError(HostError, 'insecure-permissions', 'a private file has permission bits for its owner only');
  }
}

/** @param {any} data */
function isAsyncIterable(data) {
  return typeof data === 'object' && data !== null && typeof data[Symbol.asyncIterator] === 'function';
}

/**
 * The chunks of a stream, as long as they are not more than a caller allows.
 *
 * @param {import('./fs-safe-errors.js').HostErrorClass} HostError
 * @param {AsyncIterable<Uint8Array>} data
 * @param {number | undefined} maxBytes
 */
async function* limited(HostError, data, maxBytes = Infinity) {
  let total = 0;
  for await (const chunk of ofCaller(data)) {
    if (!(chunk instanceof Uint8Array)) {
      throw invalidType('data', 'an iterable whose chunks are instances of Uint8Array', chunk);
    }
    total += chunk.byteLength;
    if (total > maxBytes) {
      throw hostError(HostError, 'too-large', `the data are more than ${maxBytes} bytes`);
    }
    yield chunk;
  }
}

/**
 * Chunks whose failure is their producer's.
 *
 * @param {AsyncIterable<Uint8Array>} data
 */
async function* ofCaller(data) {
  try {
    yield* data;
  } catch (error) {
    throw new FromCaller(error);
  }
}

/**
 * @param {unknown} error
 * @param {string} code
 */
function isCode(error, code) {
  return isHoldfastError(error) && /** @type {any} */ (error).code === code;
}

module.exports = { bindRootWrites, writeFileWithinRoot };
