'use strict';

// Reads in the shapes of fs-safe.

const path = process.getBuiltinModule('node:path');
const { LOCAL_READ, ROOT_READ, hostError, toHost } = require('./errors.js');
const { NAMES, checked } = require('./options.js');
const { expandHome, expandLocal, withoutLinks } = require('./paths.js');
const { linkEscape, textEscape } = require('./sentences.js');
const { isHoldfastError } = require('../errors/holdfast-error.js');
const { openLocalFileSafely, readLocalFileSafely } = require('../verbs/read.js');
const { openRoot } = require('../root/root.js');
const { table } = require('../base/text-table.js');
const { outOfRange } = require('../options/validate.js');

/** @typedef {import('./errors.js').HostErrorClass} HostErrorClass */
/** @typedef {import('./errors.js').Rules} Rules */

/**
 * What a binding is made of.
 *
 * @typedef {object} Host
 * @property {HostErrorClass} HostError
 * @property {any} outbound the option of our reads
 * @property {any} [original] the library itself, for what it alone can do
 */

/**
 * A directory that a call stays beneath.
 *
 * @typedef {object} Place
 * @property {string} given its absolute path as the caller gave it
 * @property {string} real its real path
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
 * A limit of bytes. There every wrong one is a RangeError, whatever its type.
 *
 * @param {any} maxBytes
 * @returns {number | undefined}
 */
function toLimit(maxBytes) {
  if (maxBytes !== undefined && maxBytes !== Infinity && !(Number.isSafeInteger(maxBytes) && maxBytes >= 0)) {
    throw outOfRange('options.maxBytes', 'an integer >= 0 or Infinity', maxBytes);
  }
  return maxBytes;
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
 * A path as errors name it there: absolute, by the real path of the root. `..` stays as it is.
 *
 * @param {Place} place
 * @param {any} file
 */
function toAbsolute({ given, real }, file) {
  if (typeof file !== 'string') {
    return file;
  }
  if (!path.isAbsolute(file)) {
    return `${real === '/' ? '' : real}/${file}`;
  }
  return file === given || file.startsWith(`${given}/`) ? `${real}${file.slice(given.length)}` : file;
}

/**
 * The path beneath a root for what is looked for by name after a refusal.
 *
 * @param {Place} place
 * @param {string} absolute
 */
function relativeTo({ real }, absolute) {
  return absolute.startsWith(real === '/' ? '/' : `${real}/`) ? absolute.slice(real.length).replace(/^\/+/, '') : undefined;
}

/**
 * @param {unknown} error
 * @param {string} code
 */
function isCode(error, code) {
  return isHoldfastError(error) && /** @type {any} */ (error).code === code;
}

/**
 * Reads or opens beneath a root, and once more where a link with an absolute target leads back into it.
 *
 * @param {(file: any, options: any) => Promise<any>} verb
 * @param {Place} place
 * @param {any} given
 * @param {any} options
 */
async function beneath(verb, place, given, options) {
  const file = toAbsolute(place, given === '' ? '.' : expandHome(given));
  try {
    return shaped(await verb(file, options));
  } catch (error) {
    const relative = isCode(error, 'outside-workspace') && typeof file === 'string' ? relativeTo(place, file) : undefined;
    if (relative === undefined || options.symlinks === undefined || options.symlinks === 'reject') {
      throw error;
    }
    const real = await withoutLinks(place.real, relative, options.symlinks === 'follow-within-root');
    if (real === undefined) {
      throw error;
    }
    return shaped(await verb(toAbsolute(place, real), { ...options, symlinks: 'reject' }));
  }
}

/**
 * The error of a read beneath a root. Where a link on the way leads, which the code of the error depends on there, is looked
 * for by path: nothing is read by it.
 *
 * @param {HostErrorClass} HostError
 * @param {Rules} rules
 * @param {Place} place
 * @param {any} given
 * @param {any} options
 * @param {unknown} error
 */
async function failedBeneath(HostError, rules, place, given, options, error) {
  const facts = { given, maxBytes: options.maxBytes };
  if (typeof given !== 'string' || !(isCode(error, 'outside-workspace') || isCode(error, 'symlink'))) {
    return toHost(HostError, rules, error, facts);
  }
  const relative = relativeTo(place, toAbsolute(place, expandHome(given)));
  const isByText = isCode(error, 'outside-workspace') && /** @type {any} */ (error).errno === undefined;
  if (relative === undefined || isByText) {
    return toHost(HostError, rules, error, { ...facts, cause: isByText ? textEscape(place.real, expandHome(given)) : undefined });
  }
  const isRefusal = isCode(error, 'symlink');
  // A final link is a link there, wherever it leads; what lies beyond a linked parent is outside.
  const escape = await linkEscape(place.real, isRefusal ? path.dirname(relative) : relative);
  if (escape === 'dangling') {
    return isRefusal ? toHost(HostError, rules, error, facts) : hostError(HostError, 'not-found', 'file not found');
  }
  return isRefusal && escape !== undefined
    ? hostError(HostError, 'outside-workspace', 'file is outside workspace root', escape)
    : toHost(HostError, rules, error, { ...facts, cause: escape });
}

/**
 * Reads without a root, for hosts of either class.
 *
 * @param {Host} host
 * @param {Rules} [rules]
 */
function bindLocalReads({ HostError, outbound: ofBinding }, rules = LOCAL_READ) {
  return {
    /** @param {any} params */
    async readLocalFileSafely(params) {
      const { filePath, maxBytes, outbound = ofBinding } = checked(params, NAMES.local, 'params');
      try {
        return shaped(await readLocalFileSafely(filePath, { maxBytes: toLimit(maxBytes), outbound }));
      } catch (error) {
        throw toHost(HostError, rules, error, { given: filePath, maxBytes });
      }
    },
    /** @param {any} params */
    async openLocalFileSafely(params) {
      const { filePath, outbound = ofBinding } = checked(params, NAMES.local, 'params');
      try {
        return shaped(await openLocalFileSafely(filePath, { outbound }));
      } catch (error) {
        throw toHost(HostError, rules, error, { given: filePath });
      }
    },
  };
}

/**
 * One call beneath a root that is opened for it.
 *
 * @param {Host} host
 * @param {any} params
 * @param {'read' | 'open'} method
 * @param {Rules} rules
 */
async function oneBeneath({ HostError, outbound: ofBinding }, params, method, rules) {
  const { rootDir, relativePath, rejectHardlinks, allowSymlinkTargetWithinRoot, maxBytes, outbound = ofBinding } = checked(params, NAMES.readWithin, 'params');
  const options = {
    hardlinks: rejectHardlinks === false ? 'allow' : 'reject',
    symlinks: allowSymlinkTargetWithinRoot === true ? 'follow-within-root' : 'reject',
    maxBytes: toLimit(maxBytes),
    outbound,
  };
  const root = await openedRoot(HostError, rootDir, rules);
  const place = { given: path.resolve(rootDir), real: root.path };
  try {
    return await beneath((file, rest) => root[method](file, rest), place, relativePath, options);
  } catch (error) {
    throw await failedBeneath(HostError, rules, place, relativePath, options, error);
  } finally {
    root.close();
  }
}

/**
 * @param {HostErrorClass} HostError
 * @param {any} dir
 * @param {Rules} rules
 * @returns {Promise<any>}
 */
async function openedRoot(HostError, dir, rules) {
  try {
    return await openRoot(dir);
  } catch (error) {
    const isMissing = isCode(error, 'not-found');
    throw isMissing ? hostError(HostError, 'not-found', 'root dir not found', /** @type {any} */ (error).cause) : toHost(HostError, { ...rules, errno: undefined }, error);
  }
}

/** @param {Host} host */
function bindReads(host) {
  const { HostError } = host;
  return {
    ...bindLocalReads(host),
    /** @param {any} params */
    async readFileWithinRoot(params) {
      return oneBeneath(host, params, 'read', ROOT_READ);
    },
    /** @param {any} params */
    async readLocalFileFromRoots(params) {
      const { filePath, roots, label, hardlinks, maxBytes, symlinks, outbound = host.outbound } = checked(params, NAMES.fromRoots, 'params');
      const what = label ?? 'local roots';
      const dirs = roots.map((/** @type {unknown} */ entry) => toRoot(HostError, what, entry));
      const file = path.resolve(toLocalPath(HostError, filePath));
      const options = { hardlinks, maxBytes: toLimit(maxBytes), symlinks: toPolicy(symlinks), outbound };
      for (const dir of dirs) {
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
    throw hostError(HostError, 'invalid-path', 'file path must not contain NUL bytes');
  }
  return file;
}

/**
 * @param {HostErrorClass} HostError
 * @param {string} what
 * @param {unknown} entry
 */
function toRoot(HostError, what, entry) {
  if (typeof entry !== 'string' || entry.trim() === '') {
    throw hostError(HostError, 'invalid-path', `${what} entry is required`);
  }
  const dir = expandLocal(entry.trim());
  if (dir.includes('\0')) {
    throw hostError(HostError, 'invalid-path', `${what} entry must not contain NUL bytes`);
  }
  if (!path.isAbsolute(dir)) {
    throw hostError(HostError, 'invalid-path', `${what} entries must be absolute paths: ${entry}`);
  }
  return path.resolve(dir);
}

/** Outcomes that are no matter of one root: the refusal to send a file, and what keeps every read from working. */
const TOLD = new Set(['OUTBOUND_MEDIA_PERMS_TOO_RESTRICTIVE', 'native-unavailable', 'unsupported-platform', 'internal']);

/**
 * A file beneath one of several roots. What cannot be read there is not there; what concerns more than that root, and a wrong
 * argument, are told.
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
      const found = await beneath((given, rest) => root.read(given, rest), { given: dir, real: root.path }, file, options);
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

module.exports = { beneath, bindLocalReads, bindReads, failedBeneath, isCode, oneBeneath, openedRoot, relativeTo, toAbsolute, toLimit, toPolicy };
