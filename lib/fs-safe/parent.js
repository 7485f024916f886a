'use strict';

// The directory of a file that only its owner may read, for callers that take the file's path and want the directory back.

const fs = process.getBuiltinModule('node:fs');
const os = process.getBuiltinModule('node:os');
const path = process.getBuiltinModule('node:path');
const { ensureDirSync } = require('../verbs/ensure-dir.js');
const { atCaller, isHoldfastError, own, systemError } = require('../errors/holdfast-error.js');
const { escaped } = require('../base/escape.js');
const { table } = require('../base/text-table.js');
const { invalidType, invalidValue } = require('../options/validate.js');

const { EEXIST, ENOTDIR } = os.constants.errno;

/** The sentences that callers match, by the generation they belong to. */
const STYLES = table({
  /** @type {(prefix: string, at: string) => string} */
  current: (prefix, at) => `${prefix} must not traverse symlinked directory: ${at}`,
  /** @type {(prefix: string, at: string) => string} */
  legacy: (prefix, at) => `${prefix}: ${at}`,
});

/**
 * @param {unknown} filePath
 * @param {any} [options]
 * @returns {string}
 */
function ensureParentDirSync(filePath, options = {}) {
  try {
    return ensureParent(filePath, options);
  } catch (error) {
    throw atCaller(error, ensureParentDirSync);
  }
}

/**
 * @param {unknown} filePath
 * @param {any} options
 */
function ensureParent(filePath, { trustedRoot, allowOutsideRoot = false, messagePrefix = 'Path', style = 'current' }) {
  if (typeof filePath !== 'string') {
    throw invalidType('filePath', 'of type string', filePath);
  }
  if (typeof trustedRoot !== 'string') {
    throw invalidType('options.trustedRoot', 'of type string', trustedRoot);
  }
  const say = STYLES[style];
  if (say === undefined) {
    throw invalidValue('options.style', `must be one of: ${Object.keys(STYLES).join(', ')}`, style);
  }
  const dir = path.dirname(filePath);
  const root = path.resolve(trustedRoot);
  const relative = path.relative(root, path.resolve(dir));
  const isOutside = relative === '..' || relative.startsWith('../') || path.isAbsolute(relative);
  if (isOutside && !allowOutsideRoot) {
    throw own(new Error(`${messagePrefix} must stay under ${escaped(root)}.`));
  }
  try {
    if (isOutside) {
      ensureDirSync(dir);
    } else {
      ensureBeneath(root, relative === '' ? '.' : relative);
    }
  } catch (error) {
    throw told(error, dir, isOutside ? dir : root, relative, (at) => say(messagePrefix, at));
  }
  return dir;
}

/**
 * @param {string} root
 * @param {string} relative
 */
function ensureBeneath(root, relative) {
  try {
    ensureDirSync(relative, { root });
  } catch (error) {
    if (!isCode(error, 'not-found')) {
      throw error;
    }
    // The root itself is missing: it is made first.
    ensureDirSync(root, { existing: 'leave' });
    ensureDirSync(relative, { root });
  }
}

/**
 * The plain Error that such callers expect. Which component is a link is looked for only now, for the message.
 *
 * @param {unknown} error
 * @param {string} dir
 * @param {string} base where the components begin
 * @param {string} relative
 * @param {(at: string) => string} say
 */
function told(error, dir, base, relative, say) {
  if (isCode(error, 'symlink')) {
    const at = base === dir ? dir : firstLink(base, relative.split('/'));
    return own(new Error(say(escaped(at ?? dir)), { cause: error }));
  }
  if (isCode(error, 'not-found')) {
    return own(/** @type {any} */ (error).cause);
  }
  if (isCode(error, 'not-directory')) {
    const isTarget = fs.lstatSync(dir, { throwIfNoEntry: false }) !== undefined;
    return systemError(isTarget ? -EEXIST : -ENOTDIR, 'mkdir', dir);
  }
  return error;
}

/**
 * @param {string} base
 * @param {string[]} components
 */
function firstLink(base, components) {
  let at = base;
  for (const component of components) {
    at = path.join(at, component);
    if (fs.lstatSync(at, { throwIfNoEntry: false })?.isSymbolicLink()) {
      return at;
    }
  }
  return undefined;
}

/**
 * @param {unknown} error
 * @param {string} code
 */
function isCode(error, code) {
  return isHoldfastError(error) && /** @type {any} */ (error).code === code;
}

module.exports = { ensureParentDirSync, firstLink };
