// Parses targets of writes beneath a root. Checks them before a write, and explains a refusal after it.

import { os, path } from '../../base/node.js';
import { FromCaller, hostError, isErrno, type HostErrorClass } from '../errors.js';
import { followed as trailOf, kindAt, retraced } from '../links.js';
import { byRealRoot, climbs, expandHome, type Place } from '../paths.js';
import { isCode } from '../read.js';
import { systemError } from '../../errors/holdfast-error.js';
import { OUTSIDE, causeOf, hardlinkCause, textEscape } from '../sentences.js';
import { statOf, type Root } from '../../root/root.js';
import { invalidType } from '../../options/validate.js';
import type { NativePath } from '../../errors/failure.js';
import type { Stats } from 'node:fs';

/** A directory to write beneath. */
export interface Base {
  /** its real path */
  path: string;
  /** its absolute path as the caller gave it */
  given: string;
  use<T>(call: (root: Root) => Promise<T>): Promise<T>;
}

export const toPlace = ({ path, given }: Pick<Base, 'path' | 'given'>): Place => ({ given, real: path });

/** Returns the path that errors show. */
export function absolute(base: Base, relative: string): string;
export function absolute(base: Base, relative: NativePath): NativePath;
export function absolute(base: Base, relative: NativePath): NativePath {
  const start = `${base.path === '/' ? '' : base.path}/`;
  return typeof relative === 'string' ? start + relative : Buffer.concat([Buffer.from(start), relative]);
}

export function isOutside(error: unknown) {
  return isCode(error, 'outside-workspace');
}

export interface Target {
  relative: string;
  /** the path relative to the root as given, if it has a `..` beneath the root */
  climb: string | undefined;
  /** the path has a `..` before the root, which only its text resolves: links are refused */
  isTextual: boolean;
  /** the path ends in `/` or `/.` */
  namesDirectory: boolean;
}

export function refuseDrive(HostError: HostErrorClass, given: string) {
  if (/^[A-Za-z]:(?![\\/])/.test(given)) {
    throw hostError(HostError, 'invalid-path', 'relative path must not start with a drive letter');
  }
}

function beneathText(root: string, file: string) {
  const prefix = root === '/' ? '/' : `${root}/`;
  return file.startsWith(prefix) ? file.slice(prefix.length) : undefined;
}

/**
 * Returns the target of a write; the path of the root itself is empty. Refuses paths outside the root by their text, and paths with a drive letter.
 *
 * @param chosen symlink policy of the caller
 */
export function toTarget(HostError: HostErrorClass, base: Base, given: unknown, chosen?: string): Target {
  if (typeof given !== 'string') {
    throw invalidType('relativePath', 'of type string', given);
  }
  refuseDrive(HostError, given);
  const expanded = expandHome(given);
  // Without a policy that follows links, fs-safe knows the real path of the root alone.
  const file = chosen === undefined || chosen === 'reject' ? expanded : byRealRoot(toPlace(base), expanded);
  if (file.includes('\0')) {
    throw hostError(HostError, 'invalid-path', 'relative path contains a NUL byte');
  }
  const relative = path.relative(base.path, path.resolve(base.path, file));
  if (relative === '..' || relative.startsWith('../')) {
    throw chosen !== undefined
      ? hostError(HostError, 'path-alias', 'path alias escape blocked', textEscape(base.path, file))
      : hostError(HostError, 'outside-workspace', OUTSIDE);
  }
  const climb = !climbs(file) ? undefined : path.isAbsolute(file) ? beneathText(base.path, file) : file;
  return { relative, climb, isTextual: climbs(file) && climb === undefined, namesDirectory: /\/\.?$/.test(file) };
}

/** Returns the stat of a target, or `undefined`. It only selects the error for the host. */
export async function statusOfTarget(base: Base, { relative, isTextual }: Target): Promise<Stats | undefined> {
  try {
    return await retraced(base.path, relative, true, (at) => base.use((root) => statOf(root, absolute(base, at), isTextual ? 'reject' : 'follow-within-root')));
  } catch {
    return undefined;
  }
}

const READ_BY_ALL = 0o444;
const READ_BY_OWNER = 0o400;

/**
 * Refuses to overwrite two kinds of files, as fs-safe does: files that this user may not read (hosts read back what
 * they replaced), and files whose path ends like a directory.
 *
 * @param isNamed the caller has chosen a symlink policy
 */
export async function assertReplaceable(HostError: HostErrorClass, base: Base, target: Target, isNamed: boolean) {
  const stat = await statusOfTarget(base, target);
  if (stat === undefined || !stat.isFile()) {
    return;
  }
  if (target.namesDirectory) {
    const isLink = isNamed && (await kindAt(path.join(base.path, target.relative))) === 'link';
    throw isLink ? hostError(HostError, 'symlink', 'symlink path component not allowed') : hostError(HostError, 'path-alias', 'path alias escape blocked');
  }
  const isOwn = stat.uid === process.geteuid?.();
  if ((stat.mode & READ_BY_ALL) === READ_BY_ALL || (isOwn && (stat.mode & READ_BY_OWNER) !== 0)) {
    return;
  }
  try {
    const options = { hardlinks: 'allow', maxBytes: Infinity, symlinks: target.isTextual ? 'reject' : 'follow-within-root' };
    const opened = await retraced(base.path, target.relative, true, (at) => base.use((root) => root.open(absolute(base, at), options)));
    await opened.handle.close();
  } catch (error) {
    if (isErrno(error) && (error.code === 'EACCES' || error.code === 'EPERM')) {
      throw new FromCaller(error);
    }
  }
}

/**
 * Returns what the host gets for a refused write: the cause that hosts match, and the error for a name that a symlink
 * has.
 *
 * @param isNamed the caller has chosen a symlink policy
 */
export async function explained(HostError: HostErrorClass, base: Base, relative: string, isNamed: boolean, error: unknown): Promise<{ error?: Error; cause?: Error }> {
  if (isCode(error, 'hardlink')) {
    return { cause: hardlinkCause(base.path, path.join(base.path, relative)) };
  }
  const isLinked = isCode(error, 'symlink') || isOutside(error);
  if (!isLinked && !isCode(error, 'already-exists')) {
    return {};
  }
  const { end, link } = await trailOf(base.path, relative, true);
  const escape = end === 'escape' ? causeOf('Symlink escapes', base.path, link as string) : undefined;
  if (end === 'loop' && !isNamed) {
    const loop = systemError(-os.constants.errno.ELOOP, 'realpath', path.join(base.path, relative));
    return { error: hostError(HostError, 'symlink', 'symlink path could not be resolved', loop) };
  }
  if (isLinked) {
    return { cause: escape };
  }
  if ((await kindAt(path.join(base.path, relative))) !== 'link') {
    return {};
  }
  if (isNamed) {
    return { error: hostError(HostError, 'symlink', 'symlink path component not allowed') };
  }
  return escape === undefined ? {} : { error: hostError(HostError, 'path-alias', 'path alias escape blocked', escape) };
}
