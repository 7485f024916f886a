// Makes the owner-only directory of a file, for callers that pass the file's path and expect the directory.

import { fs, os, path } from '../base/node.js';
import { ensureDirSync } from '../verbs/ensure-dir.js';
import { atCaller, isHoldfastError, own, systemError } from '../errors/holdfast-error.js';
import { escaped } from '../base/escape.js';
import { table } from '../base/lookup-table.js';
import { invalidType, invalidValue } from '../options/validate.js';
import { NAMES, checked, type Unchecked } from './options.js';

const { EEXIST, ENOTDIR } = os.constants.errno;

/** The messages that callers match, by the generation of fs-safe. */
const STYLES = table({
  current: (prefix: string, at: string): string => `${prefix} must not traverse symlinked directory: ${at}`,
  legacy: (prefix: string, at: string): string => `${prefix}: ${at}`,
});

export function ensureParentDirSync(filePath: unknown, options: Unchecked = {}): string {
  try {
    return ensureParent(filePath, options);
  } catch (error) {
    throw atCaller(error, ensureParentDirSync);
  }
}

function ensureParent(filePath: unknown, options: Unchecked) {
  const { trustedRoot, allowOutsideRoot = false, messagePrefix = 'Path', style = 'current' } = checked(options, NAMES.ensureParent);
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

function ensureBeneath(root: string, relative: string) {
  try {
    ensureDirSync(relative, { root });
  } catch (error) {
    if (!isCode(error, 'not-found')) {
      throw error;
    }
    // The root is missing: makes it first.
    ensureDirSync(root, { existing: 'leave' });
    ensureDirSync(relative, { root });
  }
}

/**
 * Returns the plain Error that such callers expect. Looks up the component that is a symlink, for the message.
 *
 * @param base parent of the first component
 */
function told(error: unknown, dir: string, base: string, relative: string, say: (at: string) => string) {
  if (isCode(error, 'symlink')) {
    const at = base === dir ? dir : firstLink(base, relative.split('/'));
    return own(new Error(say(escaped(at ?? dir)), { cause: error }));
  }
  if (isCode(error, 'not-found')) {
    return own((error as Error).cause as Error);
  }
  if (isCode(error, 'not-directory')) {
    const isTarget = fs.lstatSync(dir, { throwIfNoEntry: false }) !== undefined;
    return systemError(isTarget ? -EEXIST : -ENOTDIR, 'mkdir', dir);
  }
  return error;
}

export function firstLink(base: string, components: string[]) {
  let at = base;
  for (const component of components) {
    at = path.join(at, component);
    if (fs.lstatSync(at, { throwIfNoEntry: false })?.isSymbolicLink()) {
      return at;
    }
  }
  return undefined;
}

function isCode(error: unknown, code: string) {
  return isHoldfastError(error) && error.code === code;
}
