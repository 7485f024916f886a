// `stat` and `exists` of a root, relative to its descriptor.

import { os, path } from '../../base/node.js';
import { ROOT_STAT, hostError, toHost, type HostErrorClass } from '../errors.js';
import { isMissing, retraced } from '../links.js';
import { climbs, expandHome, isBeneath } from '../paths.js';
import { OUTSIDE, linkEscape, textEscape } from '../sentences.js';
import { systemError } from '../../errors/holdfast-error.js';
import { statOf } from '../../root/root.js';
import { absolute, isOutside, type Base } from './targets.js';
import type { Stats } from 'node:fs';

/**
 * Returns a relative path. Refuses absolute paths and paths with `..`.
 *
 * @param root its real path
 * @param outside code of a home directory that lies elsewhere
 */
export function toRelative(HostError: HostErrorClass, root: string, given: unknown, outside: 'path-alias' | 'outside-workspace' = 'path-alias') {
  if (typeof given !== 'string') {
    throw new TypeError('The path must be of type string');
  }
  if (given.includes('\0')) {
    throw hostError(HostError, 'invalid-path', 'relative path contains a NUL byte');
  }
  const expanded = expandHome(given);
  const relative = given === expanded ? given : path.relative(root, expanded);
  if (given !== expanded && !isBeneath(root, path.resolve(expanded))) {
    const message = outside === 'path-alias' ? 'path alias escape blocked' : OUTSIDE;
    throw hostError(HostError, outside, message, textEscape(root, expanded));
  }
  if (path.isAbsolute(relative) || /^\.\.(\/|$)/.test(path.normalize(relative))) {
    throw hostError(HostError, 'invalid-path', 'relative path must not escape root');
  }
  if (climbs(relative)) {
    throw hostError(HostError, 'invalid-path', "relative path must not contain '..'");
  }
  return relative;
}

/** Returns the stat in the shape of fs-safe, or `undefined` if the path does not exist. */
export async function statBeneath(HostError: HostErrorClass, base: Base, given: unknown) {
  const relative = toRelative(HostError, base.path, given);
  try {
    const stat = await statusBeneath(base, relative === '' ? '.' : relative);
    return stat && toPathStat(stat);
  } catch (error) {
    if (isMissing(error)) {
      return undefined;
    }
    throw toHost(HostError, ROOT_STAT, error, { given, cause: isOutside(error) ? await linkEscape(base.path, relative) : undefined });
  }
}

function statusBeneath(base: Base, relative: string): Promise<Stats | undefined> {
  return retraced(base.path, relative, true, (at) => base.use((root) => statOf(root, absolute(base, at), 'follow-within-root')));
}

/**
 * Returns the error of `stat` for a missing path, with the error of `node:fs` as its cause.
 *
 * @param root its real path
 */
export function missing(HostError: HostErrorClass, root: string, given: unknown) {
  return hostError(HostError, 'not-found', 'file not found', systemError(-os.constants.errno.ENOENT, 'stat', path.join(root, String(given))));
}

export function toPathStat(stat: Stats) {
  return {
    dev: stat.dev,
    gid: stat.gid,
    ino: stat.ino,
    isDirectory: stat.isDirectory(),
    isFile: stat.isFile(),
    isSymbolicLink: stat.isSymbolicLink(),
    mode: stat.mode,
    mtimeMs: stat.mtimeMs,
    nlink: stat.nlink,
    size: stat.size,
    uid: stat.uid,
  };
}
