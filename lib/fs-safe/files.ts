// Functions on a single path, in the shapes of fs-safe: reads of regular files, JSON, windows of open files.

import { fs } from '../base/node.js';
import { LOCAL_READ, hostError, isErrno, toHost, type HostErrorClass } from './errors.js';
import { isHoldfastError, own } from '../errors/holdfast-error.js';
import { readLocalFileSafely, readLocalFileSafelySync } from '../verbs/read.js';
import { toLimit, type Host } from './read.js';
import type { promises } from 'node:fs';
import type { PathLike } from 'node:fs';
import { NAMES, checked, type Unchecked } from './options.js';

/** Limit in bytes of one read system call. */
const MAX_AT_ONCE = 0x7fffffff;

/** Retries of a read that another writer disturbed. The wait before the first is in ms, and doubles each time. */
const RETRIES = 4;
const RETRY_BASE_MS = 50;

/** Returns whether a path leads to an object. A dangling symlink does not. */
function pathExistsSync(filePath: PathLike) {
  try {
    // access(2), and so fs.existsSync, checks the real user id instead of the effective one.
    return fs.statSync(filePath, { throwIfNoEntry: false }) !== undefined;
  } catch {
    return false;
  }
}

/** Asynchronous twin of {@link pathExistsSync}. */
async function pathExists(filePath: PathLike): Promise<boolean> {
  try {
    await fs.promises.stat(filePath);
    return true;
  } catch {
    return false;
  }
}

/**
 * Returns the real path, or `null` if there is none.
 *
 * @param cache real paths by path
 */
function safeRealpathSync(targetPath: string, cache?: Map<string, string>): string | null {
  const known = cache?.get(targetPath);
  if (known) {
    return known;
  }
  try {
    const real = realpathOf(targetPath);
    cache?.set(targetPath, real);
    cache?.set(real, real);
    return real;
  } catch {
    return null;
  }
}

/**
 * Returns the real path. Ignores a slash after a file, as the original does. Does not resolve `..` after a symlink by its
 * text.
 */
function realpathOf(targetPath: string) {
  try {
    return fs.realpathSync.native(targetPath);
  } catch (error) {
    const bare = typeof targetPath === 'string' ? targetPath.replace(/(?:\/+\.?)+$/, '') : '';
    if (bare === '' || bare === targetPath || !isErrno(error) || error.code !== 'ENOTDIR') {
      throw error;
    }
    return fs.realpathSync.native(bare);
  }
}

/**
 * Fills a buffer from a position of an open file, up to the end of the file. Leaves the position of the file unchanged.
 */
async function readFileWindowFully(handle: promises.FileHandle, buffer: Buffer, position: number, options: Unchecked = {}) {
  const { signal } = checked(options, NAMES.signal);
  checkWindow(buffer, position);
  signal?.throwIfAborted();
  let filled = 0;
  while (filled < buffer.length) {
    const { bytesRead } = await handle.read(buffer, filled, Math.min(buffer.length - filled, MAX_AT_ONCE), position + filled);
    signal?.throwIfAborted();
    if (bytesRead === 0) {
      break;
    }
    filled += bytesRead;
  }
  return filled;
}

function readFileWindowFullySync(fd: number, buffer: Buffer, position: number) {
  checkWindow(buffer, position);
  let filled = 0;
  while (filled < buffer.length) {
    const read = fs.readSync(fd, buffer, filled, Math.min(buffer.length - filled, MAX_AT_ONCE), position + filled);
    if (read === 0) {
      break;
    }
    filled += read;
  }
  return filled;
}

function checkWindow(buffer: Buffer, position: number) {
  if (!Number.isSafeInteger(position) || position < 0 || !Number.isSafeInteger(position + buffer.length)) {
    throw new RangeError('read position and window end must be non-negative safe integers');
  }
}

/**
 * Converts an error for callers of `readRegularFile`: plain errors for a missing file and for an object other than a
 * regular file.
 */
function toRegularError(HostError: HostErrorClass, error: unknown, filePath: string, maxBytes: unknown) {
  if (!isHoldfastError(error)) {
    return error;
  }
  const { code, cause } = error;
  switch (code) {
    case 'not-found':
    case 'not-directory':
      return own(Object.assign(new Error(`File not found: ${filePath}`, { cause }), { code: 'ENOENT' }));
    case 'symlink':
    case 'not-file':
      return own(new Error('path must be a regular file', { cause }));
    case 'too-large':
      return hostError(HostError, code, `File exceeds ${maxBytes} bytes: ${filePath}`, cause);
    default:
      return toHost(HostError, LOCAL_READ, error);
  }
}

/** Returns whether a read may succeed a moment later: a writer in another process replaces the file in steps. */
function isPassing(error: unknown) {
  return (error as NodeJS.ErrnoException | undefined)?.code === 'path-mismatch' || (isErrno(error) && error.code === 'EPERM');
}

/** Returns whether no file can be read at all, because the binary is missing. A `null` would say that there is no document. */
function isHelperUnavailable(error: unknown) {
  return (error as { code?: unknown } | undefined)?.code === 'helper-unavailable';
}

export function bindFiles({ HostError }: Host) {
  async function readRegularFile(params: Unchecked) {
    const { filePath, maxBytes } = checked(params, NAMES.regularFile, 'params');
    try {
      const { buffer, stat } = await readLocalFileSafely(filePath, { maxBytes: toLimit(maxBytes) });
      return { buffer, stat };
    } catch (error) {
      throw toRegularError(HostError, error, filePath, maxBytes);
    }
  }

  function readRegularFileSync(params: Unchecked) {
    const { filePath, maxBytes } = checked(params, NAMES.regularFile, 'params');
    try {
      const { buffer, stat } = readLocalFileSafelySync(filePath, { maxBytes: toLimit(maxBytes) });
      return { buffer, stat };
    } catch (error) {
      throw toRegularError(HostError, error, filePath, maxBytes);
    }
  }

  return {
    pathExists,
    pathExistsSync,
    readFileWindowFully,
    readFileWindowFullySync,
    readRegularFile,
    readRegularFileSync,
    safeRealpathSync,
    /** Returns the document of a file, or `null` if the file is missing, unreadable or not JSON. */
    async tryReadJson(filePath: string, options: Unchecked = {}) {
      const { maxBytes } = checked(options, NAMES.maxBytes);
      for (let tried = 0; ; tried += 1) {
        try {
          return JSON.parse((await readRegularFile({ filePath, maxBytes })).buffer.toString('utf8'));
        } catch (error) {
          if (isHelperUnavailable(error)) {
            throw error;
          }
          if (tried === RETRIES || !isPassing(error)) {
            return null;
          }
          await new Promise((resolve) => setTimeout(resolve, RETRY_BASE_MS * 2 ** tried));
        }
      }
    },
    tryReadJsonSync(filePath: string, options: Unchecked = {}) {
      const { maxBytes } = checked(options, NAMES.maxBytes);
      try {
        return JSON.parse(readRegularFileSync({ filePath, maxBytes }).buffer.toString('utf8'));
      } catch (error) {
        if (isHelperUnavailable(error)) {
          throw error;
        }
        return null;
      }
    },
  };
}

/** Creates `writeJson` from the binding's own `writeTextAtomic`. */
export function bindWriteJson(writeTextAtomic: (filePath: string, content: string, options?: Unchecked) => Promise<void>) {
  return {
    async writeJson(filePath: string, value: unknown, options?: Unchecked) {
      const { mode, dirMode, trailingNewline, durable } = checked(options ?? {}, NAMES.writeJson);
      const text = JSON.stringify(value, null, 2);
      if (typeof text !== 'string') {
        throw new TypeError('value is not representable as a JSON document');
      }
      await writeTextAtomic(filePath, text, { mode, dirMode, trailingNewline, durable });
    },
  };
}
