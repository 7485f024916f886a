// `resolve` of a root: the path of a name for later use, without symlinks on the way to it.

import { os, path } from '../../base/node.js';
import { hostError, isErrno, type HostErrorClass } from '../errors.js';
import { followed, kindAt } from '../links.js';
import { byRealRoot, expandHome, isBeneath, type Place } from '../paths.js';
import { OUTSIDE, causeOf, systemSentence, textEscape } from '../sentences.js';
import { refuseDrive } from './targets.js';
import { lstatAt } from '../../root/stat.js';
import { escaped } from '../../base/escape.js';
import { systemError } from '../../errors/holdfast-error.js';

export async function resolveBeneath(HostError: HostErrorClass, place: Place, given: unknown): Promise<string> {
  const root = place.real;
  if (typeof given !== 'string') {
    throw new TypeError('The path must be of type string');
  }
  if (given.includes('\0')) {
    throw hostError(HostError, 'invalid-path', 'relative path contains a NUL byte');
  }
  refuseDrive(HostError, given);
  const expanded = byRealRoot(place, expandHome(given));
  const full = path.resolve(root, expanded);
  const outside = (cause?: unknown) => hostError(HostError, 'outside-workspace', OUTSIDE, cause);
  if (!isBeneath(root, full)) {
    throw outside(textEscape(root, expanded));
  }
  const relative = !path.isAbsolute(expanded) ? expanded : isBeneath(root, expanded) ? expanded.slice(root.length) : path.relative(root, full);
  // Before a slash, the last component is on the way too.
  const endsInSlash = /\/\.?$/.test(expanded);
  const { real, rest, end, link } = await followed(root, relative, endsInSlash);
  await assertShort(HostError, path.join(root, real ?? relative));
  if (real !== undefined && (await isUsable(root, real, endsInSlash))) {
    return path.join(root, real);
  }
  const at = link ?? (await firstFile(root, real ?? rest ?? relative));
  if (end === 'loop') {
    throw hostError(HostError, 'symlink', 'symlink path could not be resolved', systemError(-os.constants.errno.ELOOP, 'realpath', at));
  }
  if (end === 'dangling') {
    throw outside(systemError(-os.constants.errno.ENOENT, 'stat', at));
  }
  throw outside(end === 'escape' ? causeOf('Symlink escapes', root, at) : new Error(`Path component is not a directory: ${escaped(at)}`));
}

/** Refuses a name that is too long for the file system. */
async function assertShort(HostError: HostErrorClass, file: string) {
  await lstatAt(file).catch((error) => {
    if (isErrno(error) && error.code === 'ENAMETOOLONG') {
      throw hostError(HostError, 'invalid-path', systemSentence(error.code), error);
    }
  });
}

/** Returns the first component of a path that is no directory. */
async function firstFile(root: string, relative: string): Promise<string> {
  let at = root;
  for (const component of relative.split('/')) {
    at = path.join(at, component);
    if ((await kindAt(at)) === 'other') {
      break;
    }
  }
  return at;
}

/** Returns whether no component on the way is a file. */
async function isUsable(root: string, real: string, endsInSlash: boolean) {
  const kind = await kindAt(path.join(root, endsInSlash ? real : path.dirname(real)));
  return kind === 'directory' || kind === 'missing';
}
