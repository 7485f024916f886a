'use strict';

// Reads in the shapes of fs-safe.

const fs = process.getBuiltinModule('node:fs');
const path = process.getBuiltinModule('node:path');
const { LOCAL_READ, ROOT_READ, hostError, toHost } = require('./fs-safe-errors.js');
const { expandHome, expandLocal, withoutLinks } = require('./fs-safe-paths.js');
const { isHoldfastError } = require('./errors.js');
const { openLocalFileSafely, readLocalFileSafely } = require('./read.js');
const { openRoot } = require('./root.js');
const { table } = require('./table.js');

/** @typedef {import('./fs-safe-errors.js').HostErrorClass} HostErrorClass */
/** @typedef {import('./fs-safe-errors.js').Rules} Rules */

/**
 * What a binding is made of.
 *
 * @typedef {object} Host
 * @property {HostErrorClass} HostError
 * @property {any} outbound the option of our reads
 * @property {any} [original] the library itself, for what it alone can do
 */

const SYMLINKS = table({
  reject: 'reject',
  'follow-within-root': 'follow-within-root',
  'follow-parents-within-root': 'follow-parents',
});

/**
 * A policy by the name it has there. One that is unknown is refused by the verb, with its name.
 *
 * @param {any} symlinks
 */
function toPolicy(symlinks) {
  return symlinks === undefined ? undefined : (SYMLINKS[symlinks] ?? symlinks);
}

/**
 * A result of ours as theirs: the same object, with their word for what contains a path.
 *
 * @param {any} result
 */
function shaped(result) {
  result.containment = result.containment === 'kernel' ? 'kernel-atomic' : 'best-effort';
  return result;
}

/**
 * Reads or opens beneath a root, and once more where a link with an absolute target leads back into it.
 *
 * @param {(file: any, options: any) => Promise<any>} verb
 * @param {() => Promise<string>} realRoot
 * @param {any} given
 * @param {any} options
 */
async function beneath(verb, realRoot, given, options) {
  const file = given === '' ? '.' : expandHome(given);
  try {
    return shaped(await verb(file, options));
  } catch (error) {
    const { symlinks } = options;
    const mayFollow = symlinks !== undefined && symlinks !== 'reject';
    if (!mayFollow || !isHoldfastError(error) || /** @type {any} */ (error).code !== 'outside-workspace' || typeof file !== 'string') {
      throw error;
    }
    const real = await withoutLinks(await realRoot(), file, symlinks === 'follow-within-root');
    if (real === undefined) {
      throw error;
    }
    return shaped(await verb(real, { ...options, symlinks: 'reject' }));
  }
}

/**
 * Reads without a root, for hosts of either class.
 *
 * @param {Host} host
 * @param {Rules} [rules]
 */
function bindLocalReads({ HostError, outbound }, rules = LOCAL_READ) {
  return {
    /** @param {{ filePath: unknown, maxBytes?: number }} params */
    async readLocalFileSafely({ filePath, maxBytes }) {
      try {
        return shaped(await readLocalFileSafely(filePath, { maxBytes, outbound }));
      } catch (error) {
        throw toHost(HostError, rules, error);
      }
    },
    /** @param {{ filePath: unknown }} params */
    async openLocalFileSafely({ filePath }) {
      try {
        return shaped(await openLocalFileSafely(filePath, { outbound }));
      } catch (error) {
        throw toHost(HostError, rules, error);
      }
    },
  };
}

/**
 * The options of one read beneath a root, from those of the functions that took everything at once.
 *
 * @param {any} params
 * @param {Host} host
 */
function toReadOptions({ rootDir, rejectHardlinks, allowSymlinkTargetWithinRoot, maxBytes }, { outbound }) {
  return {
    root: rootDir,
    hardlinks: rejectHardlinks === false ? 'allow' : 'reject',
    symlinks: allowSymlinkTargetWithinRoot === true ? 'follow-within-root' : 'reject',
    maxBytes,
    outbound,
  };
}

/**
 * One call beneath a root that is opened for it: no root is pinned, and none is kept.
 *
 * @param {Host} host
 * @param {any} params
 * @param {(file: any, options: any) => Promise<any>} verb
 * @param {Rules} rules
 */
async function oneBeneath(host, params, verb, rules) {
  try {
    return await beneath(verb, () => fs.promises.realpath(params.rootDir), params.relativePath, toReadOptions(params, host));
  } catch (error) {
    throw toHost(host.HostError, rules, error);
  }
}

/** @param {Host} host */
function bindReads(host) {
  const { HostError, outbound } = host;
  return {
    ...bindLocalReads(host),
    /** @param {any} params */
    async readFileWithinRoot(params) {
      return oneBeneath(host, params, readLocalFileSafely, ROOT_READ);
    },
    /** @param {any} params */
    async readLocalFileFromRoots({ filePath, roots, label, hardlinks, maxBytes, symlinks }) {
      const what = label ?? 'local roots';
      const file = path.resolve(toLocalPath(HostError, filePath));
      const options = { hardlinks, maxBytes, symlinks: toPolicy(symlinks), outbound };
      for (const dir of roots.map((/** @type {unknown} */ entry) => toRoot(HostError, what, entry))) {
        const found = await readBeneathOne(HostError, dir, file, options);
        if (found !== undefined) {
          return found;
        }
      }
      return null;
    },
  };
}

/**
 * @param {HostErrorClass} HostError
 * @param {unknown} given
 */
function toLocalPath(HostError, given) {
  const file = expandLocal(/** @type {string} */ (given));
  if (file.includes('\0')) {
    throw hostError(HostError, 'invalid-path', 'the path contains a NUL');
  }
  return file;
}

/**
 * @param {HostErrorClass} HostError
 * @param {string} what
 * @param {unknown} entry
 */
function toRoot(HostError, what, entry) {
  if (typeof entry !== 'string' || entry === '') {
    throw hostError(HostError, 'invalid-path', `${what}: an entry is empty`);
  }
  const dir = expandLocal(entry);
  if (!path.isAbsolute(dir)) {
    throw hostError(HostError, 'invalid-path', `${what}: an entry is not absolute`);
  }
  return dir;
}

/** What is no matter of one root: the refusal to send a file, and what keeps every read from working. */
const TOLD = new Set(['OUTBOUND_MEDIA_PERMS_TOO_RESTRICTIVE', 'native-unavailable', 'unsupported-platform', 'internal']);

/**
 * A file beneath one of several roots. What cannot be read there is simply not there; what concerns more than that root,
 * and a wrong argument, are told.
 *
 * @param {HostErrorClass} HostError
 * @param {string} dir
 * @param {string} file
 * @param {any} options
 */
async function readBeneathOne(HostError, dir, file, options) {
  try {
    const root = /** @type {any} */ (await openRoot(dir));
    try {
      const found = await beneath((given, rest) => root.read(given, rest), async () => root.path, file, options);
      found.root = root.path;
      return found;
    } finally {
      root.close();
    }
  } catch (error) {
    const { code, errno } = /** @type {any} */ (error);
    const isSilent = isHoldfastError(error) ? !TOLD.has(code) : typeof errno === 'number';
    if (isSilent) {
      return undefined;
    }
    throw toHost(HostError, ROOT_READ, error);
  }
}

module.exports = { beneath, bindLocalReads, bindReads, oneBeneath, shaped, toPolicy };
