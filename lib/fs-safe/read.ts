// Reads in the shapes of fs-safe.

import { path } from '../base/node.js';
import { LOCAL_READ, ROOT_READ, hostError, toHost, type HostErrorClass, type Rules } from './errors.js';
import { NAMES, checked, toHardlinks, toReadSymlinks, type Unchecked } from './options.js';
import { assertClimbs, withoutLinks } from './links.js';
import { byRealRoot, climbs, expandHome, expandLocal, type Place } from './paths.js';
import { OUTSIDE, linkEscape, textEscape } from './sentences.js';
import { isHoldfastError, type HoldfastError } from '../errors/holdfast-error.js';
import { openLocalFileSafely, readLocalFileSafely } from '../verbs/read.js';
import { openRoot } from '../root/open-root.js';
import type { Root } from '../root/root.js';
import { outOfRange } from '../options/validate.js';

/** The parameters of a binding. */
export interface Host {
  HostError: HostErrorClass;
  /** the option `outbound` of holdfast's reads */
  outbound: Unchecked;
  /** the library itself, for calls that only it supports */
  original?: Unchecked;
}

/** Returns a limit of bytes. Throws a RangeError for every wrong value, whatever its type, as fs-safe does. */
export function toLimit(maxBytes: Unchecked): number | undefined {
  if (maxBytes !== undefined && maxBytes !== Infinity && !(Number.isSafeInteger(maxBytes) && maxBytes >= 0)) {
    throw outOfRange('options.maxBytes', 'an integer >= 0 or Infinity', maxBytes);
  }
  return maxBytes;
}

/** Returns a result in the shape of fs-safe: the same object, with fs-safe's word for the containment. */
function shaped(result: Unchecked) {
  result.containment = result.containment === 'kernel' ? 'kernel-atomic' : 'best-effort';
  return result;
}

/** Returns the path that errors of fs-safe show: absolute, by the real path of the root. Keeps `..`. */
function toAbsolute(place: Place, file: Unchecked) {
  if (typeof file !== 'string') {
    return file;
  }
  if (!path.isAbsolute(file)) {
    return `${place.real === '/' ? '' : place.real}/${file}`;
  }
  return byRealRoot(place, file);
}

/** Returns the path relative to a root, for the inspection after a refusal. */
function relativeTo({ real }: Place, absolute: string) {
  return absolute.startsWith(real === '/' ? '/' : `${real}/`) ? absolute.slice(real.length).replace(/^\/+/, '') : undefined;
}

export function isCode(error: unknown, code: string): error is HoldfastError {
  return isHoldfastError(error) && error.code === code;
}

/** Reads or opens beneath a root. Tries again if a symlink with an absolute target leads back into the root. */
export async function beneath(verb: (file: Unchecked, options: Unchecked) => Promise<unknown>, place: Place, given: Unchecked, options: Unchecked) {
  const file = toAbsolute(place, given === '' ? '.' : expandHome(given));
  const climbing = typeof file === 'string' && climbs(file) ? relativeTo(place, file) : undefined;
  if (climbing !== undefined) {
    await assertClimbs(place.real, climbing, options.symlinks === undefined || options.symlinks === 'reject' ? 'reject' : 'leave');
  }
  try {
    return shaped(await verb(file, options));
  } catch (error) {
    // The text of a `..` behind a missing name decides, as in fs-safe.
    const mayLead = isCode(error, 'outside-workspace') || (climbing !== undefined && isCode(error, 'not-found'));
    const relative = mayLead && typeof file === 'string' ? relativeTo(place, file) : undefined;
    if (relative === undefined || options.symlinks === undefined || options.symlinks === 'reject') {
      throw error;
    }
    const real = await withoutLinks(place.real, relative, options.symlinks === 'follow-within-root', error);
    return shaped(await verb(toAbsolute(place, real), options));
  }
}

/**
 * Returns the error of a read beneath a root. In fs-safe its code depends on the target of a symlink, which is
 * inspected by path. No content is read that way.
 */
export async function failedBeneath(HostError: HostErrorClass, rules: Rules, place: Place, given: Unchecked, options: Unchecked, error: unknown) {
  const facts = { given, maxBytes: options.maxBytes };
  if (typeof given !== 'string' || !(isCode(error, 'outside-workspace') || isCode(error, 'symlink'))) {
    return toHost(HostError, rules, error, facts);
  }
  const relative = relativeTo(place, toAbsolute(place, expandHome(given)));
  const isByText = isCode(error, 'outside-workspace') && error.errno === undefined;
  if (relative === undefined || isByText) {
    return toHost(HostError, rules, error, { ...facts, cause: isByText ? textEscape(place.real, expandHome(given)) : undefined });
  }
  const isRefusal = isCode(error, 'symlink');
  // fs-safe reports a final symlink as `symlink` wherever it leads, and an object beyond a linked parent as outside.
  const escape = await linkEscape(place.real, isRefusal ? path.dirname(relative) : relative);
  if (escape === undefined) {
    return toHost(HostError, rules, error, facts);
  }
  return isRefusal
    ? hostError(HostError, 'outside-workspace', OUTSIDE, escape)
    : toHost(HostError, rules, error, { ...facts, cause: escape });
}

/** Reads without a root, for hosts of either class. */
export function bindLocalReads({ HostError, outbound: ofBinding }: Host, rules: Rules = LOCAL_READ) {
  return {
    async readLocalFileSafely(params: Unchecked) {
      const { filePath, maxBytes, outbound = ofBinding } = checked(params, NAMES.local, 'params');
      try {
        return shaped(await readLocalFileSafely(filePath, { maxBytes: toLimit(maxBytes), outbound }));
      } catch (error) {
        throw toHost(HostError, rules, error, { given: filePath, maxBytes });
      }
    },
    async openLocalFileSafely(params: Unchecked) {
      const { filePath, outbound = ofBinding } = checked(params, NAMES.local, 'params');
      try {
        return shaped(await openLocalFileSafely(filePath, { outbound }));
      } catch (error) {
        throw toHost(HostError, rules, error, { given: filePath });
      }
    },
  };
}

/** Opens a root for one call, and closes it. */
export async function oneBeneath({ HostError, outbound: ofBinding }: Host, params: Unchecked, method: 'read' | 'open', rules: Rules) {
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

export async function openedRoot(HostError: HostErrorClass, dir: Unchecked, rules: Rules): Promise<Root> {
  try {
    return await openRoot(dir);
  } catch (error) {
    const isMissing = isCode(error, 'not-found');
    throw isMissing ? hostError(HostError, 'not-found', 'root dir not found', (error as Error).cause) : toHost(HostError, { ...rules, errno: undefined }, error);
  }
}

export function bindReads(host: Host) {
  const { HostError } = host;
  return {
    ...bindLocalReads(host),
    async readFileWithinRoot(params: Unchecked) {
      return oneBeneath(host, params, 'read', ROOT_READ);
    },
    async readLocalFileFromRoots(params: Unchecked) {
      const { filePath, roots, label, hardlinks, maxBytes, symlinks, outbound = host.outbound } = checked(params, NAMES.fromRoots, 'params');
      const what = label ?? 'local roots';
      const dirs = roots.map((entry: unknown) => toRoot(HostError, what, entry));
      const local = toLocalPath(HostError, filePath);
      // Not resolved: the file system interprets a slash at the end and `..`.
      const file = path.isAbsolute(local) ? local : `${process.cwd()}/${local}`;
      const options = { hardlinks: toHardlinks(hardlinks, 'params'), maxBytes: toLimit(maxBytes), symlinks: toReadSymlinks(symlinks, 'params'), outbound };
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

function toLocalPath(HostError: HostErrorClass, given: unknown) {
  const file = expandLocal(given as string);
  if (file.includes('\0')) {
    throw hostError(HostError, 'invalid-path', 'file path must not contain NUL bytes');
  }
  return file;
}

function toRoot(HostError: HostErrorClass, what: string, entry: unknown) {
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

/** Codes that do not depend on one root: the refusal to send a file, and failures that prevent every read. */
const TOLD = new Set(['OUTBOUND_MEDIA_PERMS_TOO_RESTRICTIVE', 'native-unavailable', 'unsupported-platform', 'internal']);

/**
 * Reads a file beneath one of several roots. Treats an unreadable file as missing. Throws wrong arguments, and the
 * errors of `TOLD`.
 */
async function readBeneathOne(HostError: HostErrorClass, dir: string, file: string, options: Unchecked) {
  try {
    const root = await openRoot(dir);
    try {
      const found = await beneath((given, rest) => root.read(given, rest), { given: dir, real: root.path }, file, options);
      found.root = root.path;
      return found;
    } finally {
      root.close();
    }
  } catch (error) {
    const { errno } = error as NodeJS.ErrnoException;
    const isSilent = isHoldfastError(error) ? !TOLD.has(error.code) : typeof errno === 'number';
    if (isSilent) {
      return undefined;
    }
    throw toHost(HostError, ROOT_READ, error);
  }
}
