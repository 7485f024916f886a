// Converts paths of callers to paths for the binary.

import { url, util } from '../base/node.js';
import { refusal, shown, systemError } from '../errors/holdfast-error.js';
import { native } from '../native/load.js';
import record = require('../native/record.js');
import { invalidType } from './validate.js';
import type { NativePath } from '../errors/failure.js';

const { fileURLToPath } = url;
const { getSystemErrorMap, types } = util;

/** Returns whether a value is a URL. Checks its properties, as Node does: there may be more than one class. */
export function isUrl(value: unknown): value is URL {
  const url = value as { href?: unknown; protocol?: unknown; auth?: unknown; path?: unknown } | null | undefined;
  return Boolean(url?.href && url.protocol && url.auth === undefined && url.path === undefined);
}

/** Twice the longest path of any system. Processing longer text could exhaust memory and end the process. */
const MAX_LENGTH = 65_536;

export function toPath(value: unknown, name: string): NativePath {
  if (typeof value === 'string') {
    return wellFormed(bounded(value, name));
  }
  if (types.isUint8Array(value)) {
    return bounded(value, name);
  }
  if (typeof value === 'object' && isUrl(value)) {
    return wellFormed(bounded(fromUrl(value), name));
  }
  throw invalidType(name, 'of type string or an instance of Buffer or URL', value);
}

/**
 * Refuses a path that is too long with ENAMETOOLONG.
 *
 * @param name of the argument; the error of `dir` names mkdir(2)
 */
function bounded<T extends NativePath>(path: T, name: string): T {
  if (path.length > MAX_LENGTH) {
    const [errno = -36] = [...getSystemErrorMap()].find(([, [code]]) => code === 'ENAMETOOLONG') ?? [];
    throw systemError(errno, name === 'dir' ? 'mkdir' : 'open', path);
  }
  return path;
}

function wellFormed(path: string) {
  if (!path.isWellFormed()) {
    throw refusal('invalid-path', 'surrogate', path.toWellFormed());
  }
  return path;
}

function fromUrl(url: URL) {
  try {
    return fileURLToPath(url);
  } catch (error) {
    throw refusal('invalid-path', error instanceof URIError ? 'url-encoding' : 'url', String(url.href), error);
  }
}

/**
 * Copies a path for work that starts later. Without a root the copy is absolute, so that a change of the working
 * directory has no effect. The binary refuses unusable paths.
 */
export function pathForLater(path: NativePath, isBeneathRoot: boolean): NativePath {
  const isFixed = isBeneathRoot || path.length === 0;
  if (typeof path === 'string') {
    return isFixed || startsAtTop(path) || path.includes('\0') ? path : absolute(path);
  }
  return isFixed || startsAtTop(path) || path.includes(0) ? new Uint8Array(path) : absolute(path);
}

const SLASH = 0x2f;

/** Returns whether a path is independent of the working directory. On Windows such a path has a drive. */
function startsAtTop(path: NativePath) {
  if (process.platform === 'win32') {
    return /^[a-z]:[\\/]/i.test(shown(path.slice(0, 3)));
  }
  return typeof path === 'string' ? path.startsWith('/') : path[0] === SLASH;
}

/** Returns the absolute path. The binary reads the working directory from the kernel, because Node caches its name. */
function absolute(path: NativePath) {
  const bytes = native().absolutePath(path, record.scratch);
  if (!bytes) {
    throw record.failure(record.last, path);
  }
  return bytes;
}

/** Returns the number of bytes that {@link pathForLater} put before a path. */
export function addedBytes(path: NativePath, fixed: NativePath) {
  return Buffer.byteLength(fixed) - Buffer.byteLength(path);
}
