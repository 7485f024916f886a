'use strict';

// The sentences of fs-safe. Hosts show them, and match them and the first words of a cause.

const fs = process.getBuiltinModule('node:fs');
const os = process.getBuiltinModule('node:os');
const path = process.getBuiltinModule('node:path');
const { own } = require('../errors/holdfast-error.js');
const { escaped } = require('../base/escape.js');
const { climbs, isBeneath } = require('./paths.js');
const { table } = require('../base/text-table.js');

/**
 * What a sentence may need: the path of the call, the limit of bytes, and an error that stands before the system's own as
 * the cause.
 *
 * @typedef {object} Facts
 * @property {unknown} [given]
 * @property {unknown} [maxBytes]
 * @property {Error} [cause]
 */

/** @typedef {string | ((facts: Facts, error: any) => string)} Sentence */

/**
 * A path for a message: the home directory is `~`, and characters that do not print are escaped.
 *
 * @param {string} given
 */
function shortPath(given) {
  const home = os.homedir();
  const short = given === home ? '~' : given.startsWith(`${home}/`) ? `~${given.slice(home.length)}` : given;
  return escaped(short);
}

/** @type {(facts: Facts, error: any) => string} */
const device = ({ given }, error) => `file reads from unsafe device paths are not allowed: ${shortPath(String(given ?? error.path))}`;

/** @type {(facts: Facts, error: any) => string} */
const tooLarge = ({ maxBytes }, { size, limit = maxBytes }) => {
  const exceeds = limit === undefined ? 'file exceeds the limit' : `file exceeds limit of ${limit} bytes`;
  return size === undefined ? exceeds : `${exceeds} (got ${size})`;
};

/** @type {(what: string) => (facts: Facts) => string} */
const unusable = (what) => ({ given }) => typeof given === 'string' && given.includes('\0') ? `${what} contains a NUL byte` : `${what} is not usable`;

const READ = { 'not-found': 'file not found', 'not-file': 'not a file', 'device-path': device, 'too-large': tooLarge };

/** By our code, for each kind of call. @type {Record<string, Record<string, Sentence>>} */
const SENTENCES = Object.freeze({
  localRead: table({ ...READ, 'not-directory': 'file not found', symlink: 'symlink not allowed', 'invalid-path': unusable('file path') }),
  rootRead: table({
    ...READ,
    'not-directory': 'not a file',
    symlink: 'symlink path component not allowed',
    hardlink: 'hardlinked path not allowed',
    'outside-workspace': 'file is outside workspace root',
    'path-mismatch': 'root path changed during operation',
    'invalid-path': unusable('relative path'),
  }),
  rootWrite: table({
    'not-found': 'file not found',
    'not-file': 'not a file',
    symlink: 'path alias escape blocked',
    hardlink: 'path alias escape blocked',
    'not-directory': 'path alias escape blocked',
    'outside-workspace': 'path alias escape blocked',
    'already-exists': 'file already exists',
    'path-mismatch': 'root path changed during operation',
    'invalid-path': unusable('relative path'),
  }),
  rootMkdir: table({
    'not-found': 'file not found',
    'not-directory': 'directory component must be a directory',
    symlink: 'path alias escape blocked',
    'outside-workspace': 'path alias escape blocked',
    'path-mismatch': 'root path changed during operation',
    'invalid-path': unusable('relative path'),
  }),
  rootStat: table({
    'not-found': 'file not found',
    'not-directory': 'path alias escape blocked',
    symlink: 'symlink path could not be resolved',
    'outside-workspace': 'path alias escape blocked',
    'path-mismatch': 'root path changed during operation',
    'invalid-path': unusable('relative path'),
  }),
  oldRootRead: table({
    ...READ,
    'not-file': 'path is not a regular file under root',
    'not-directory': 'file not found',
    'device-path': 'path is not a regular file under root',
    symlink: 'path is not a regular file under root',
    hardlink: 'hardlinked path not allowed',
    'outside-workspace': 'file is outside workspace root',
  }),
  oldRootWrite: table({
    'not-found': 'file not found',
    'not-file': 'path is not a regular file under root',
    'not-directory': 'path is not a regular file under root',
    symlink: 'path is not a regular file under root',
    hardlink: 'hardlinked path not allowed',
    'outside-workspace': 'file is outside workspace root',
  }),
});

const REFUSED = table({
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EROFS: 'read-only filesystem',
  ENOSPC: 'no space left on device',
});

/**
 * The sentence for a failure of the system in a write.
 *
 * @param {string | undefined} code
 */
function systemSentence(code) {
  return code === 'ENAMETOOLONG' ? 'relative path is too long' : `${REFUSED[code ?? ''] ?? 'filesystem write failed'} (${code})`;
}

/**
 * @param {string} what
 * @param {string} root its real path
 * @param {string} at
 */
function causeOf(what, root, at) {
  return own(new Error(`${what} root (${shortPath(root)}): ${shortPath(at)}`));
}

/**
 * The cause for a path that leaves a root by its text.
 *
 * @param {string} root its real path
 * @param {string} given
 */
function textEscape(root, given) {
  return path.isAbsolute(given) ? causeOf('Path escapes', root, given) : causeOf('Path resolves outside', root, path.resolve(root, given));
}

/**
 * What became of a path that leaves a root by a link: the cause for hosts, `'dangling'` when the first link that leads to
 * nothing leads beneath the root, or `undefined`. Looked for by path, and only after a refusal.
 *
 * @param {string} root its real path
 * @param {string} given relative
 * @returns {Promise<Error | 'dangling' | undefined>}
 */
async function linkEscape(root, given) {
  if (climbs(given)) {
    return undefined;
  }
  let at = root;
  try {
    for (const component of given.split('/').filter((part) => part !== '' && part !== '.')) {
      at = path.join(at, component);
      if (!(await fs.promises.lstat(at)).isSymbolicLink()) {
        continue;
      }
      const real = await fs.promises.realpath(at).catch(() => undefined);
      if (!isBeneath(root, real ?? path.resolve(path.dirname(at), await fs.promises.readlink(at)))) {
        return causeOf('Symlink escapes', root, at);
      }
      if (real === undefined) {
        return 'dangling';
      }
    }
  } catch {
    // It cannot be told.
  }
  return undefined;
}

/**
 * The cause for a file with several names.
 *
 * @param {string} root its real path
 * @param {string} at
 */
function hardlinkCause(root, at) {
  return own(new Error(`Hardlinked path is not allowed under root (${shortPath(root)}): ${shortPath(at)}`));
}

module.exports = { SENTENCES, hardlinkCause, linkEscape, shortPath, systemSentence, textEscape };
