'use strict';

// Targets of writes beneath a root, and what is looked for before a write and after a refusal.

const fs = process.getBuiltinModule('node:fs');
const path = process.getBuiltinModule('node:path');
const { FromCaller, hostError, isErrno } = require('../errors.js');
const { climbs, expandHome } = require('../paths.js');
const { isCode } = require('../read.js');
const { hardlinkCause, linkEscape } = require('../sentences.js');
const { statusOf } = require('../../root/root.js');
const { invalidType } = require('../../options/validate.js');

/** @typedef {import('../errors.js').HostErrorClass} HostErrorClass */
/** @typedef {import('./write.js').Base} Base */

/**
 * @typedef {object} Target
 * @property {string} relative
 * @property {boolean} climbed the path had a `..`
 * @property {boolean} namesDirectory the path ended in `/` or `/.`
 */

/**
 * @param {HostErrorClass} HostError
 * @param {string} given
 */
function refuseDrive(HostError, given) {
  if (/^[A-Za-z]:(?![\\/])/.test(given)) {
    throw hostError(HostError, 'invalid-path', 'relative path must not start with a drive letter');
  }
}

/**
 * The target of a write: beneath the root by its text, and no drive of another system.
 *
 * @param {HostErrorClass} HostError
 * @param {Base} base
 * @param {unknown} given
 * @returns {Target}
 */
function toTarget(HostError, base, given) {
  if (typeof given !== 'string') {
    throw invalidType('relativePath', 'of type string', given);
  }
  refuseDrive(HostError, given);
  const file = expandHome(given);
  if (file.includes('\0')) {
    throw hostError(HostError, 'invalid-path', 'relative path contains a NUL byte');
  }
  const relative = path.relative(base.path, path.resolve(base.path, file));
  if (relative === '') {
    throw hostError(HostError, 'invalid-path', 'invalid target path');
  }
  if (relative === '..' || relative.startsWith('../')) {
    throw hostError(HostError, 'outside-workspace', 'file is outside workspace root');
  }
  return { relative, climbed: climbs(file), namesDirectory: /\/\.?$/.test(file) };
}

/**
 * The status of a target, or `undefined` when there is none to be had. It decides what a host is told, and nothing else.
 *
 * @param {Base} base
 * @param {Target} target
 * @returns {Promise<import('node:fs').Stats | undefined>}
 */
async function statusOfTarget(base, { relative, climbed }) {
  try {
    return await base.use((root) => statusOf(root, `${base.path === '/' ? '' : base.path}/${relative}`, climbed ? 'reject' : 'follow-within-root'));
  } catch {
    return undefined;
  }
}

const READ_BY_ALL = 0o444;
const READ_BY_OWNER = 0o400;

/**
 * Refuses to overwrite what there refuses to be overwritten: a file that this user may not read, since hosts read back what
 * they replaced; and a file whose path asks for a directory.
 *
 * @param {HostErrorClass} HostError
 * @param {Base} base
 * @param {Target} target
 */
async function assertReplaceable(HostError, base, target) {
  const stat = await statusOfTarget(base, target);
  if (stat === undefined || !stat.isFile()) {
    return;
  }
  if (target.namesDirectory) {
    throw hostError(HostError, 'path-alias', 'path alias escape blocked');
  }
  const isOwn = stat.uid === process.geteuid?.();
  if ((stat.mode & READ_BY_ALL) === READ_BY_ALL || (isOwn && (stat.mode & READ_BY_OWNER) !== 0)) {
    return;
  }
  try {
    const options = { hardlinks: 'allow', maxBytes: Infinity, symlinks: target.climbed ? 'reject' : 'follow-within-root' };
    const opened = await base.use((root) => root.open(`${base.path === '/' ? '' : base.path}/${target.relative}`, options));
    await opened.handle.close();
  } catch (error) {
    if (isErrno(error) && (error.code === 'EACCES' || error.code === 'EPERM')) {
      throw new FromCaller(error);
    }
  }
}

/**
 * The error of a write that was refused: the cause that hosts match, and the code for a name that a link has taken.
 *
 * @param {HostErrorClass} HostError
 * @param {Base} base
 * @param {string} relative
 * @param {boolean} isNamed the caller has named a policy for links
 * @param {unknown} error
 * @returns {Promise<{ error?: Error, cause?: Error }>}
 */
async function explained(HostError, base, relative, isNamed, error) {
  if (isCode(error, 'hardlink')) {
    return { cause: hardlinkCause(base.path, path.join(base.path, relative)) };
  }
  if (isCode(error, 'symlink') || isCode(error, 'outside-workspace')) {
    const escape = await linkEscape(base.path, relative);
    return { cause: escape === 'dangling' ? undefined : escape };
  }
  if (!isCode(error, 'already-exists')) {
    return {};
  }
  const stat = await fs.promises.lstat(path.join(base.path, relative)).catch(() => undefined);
  if (!stat?.isSymbolicLink()) {
    return {};
  }
  if (isNamed) {
    return { error: hostError(HostError, 'symlink', 'symlink path component not allowed') };
  }
  const escape = await linkEscape(base.path, relative);
  return escape instanceof Error ? { error: hostError(HostError, 'path-alias', 'path alias escape blocked', escape) } : {};
}

module.exports = { assertReplaceable, explained, refuseDrive, statusOfTarget, toTarget };
