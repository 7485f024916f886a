'use strict';

// Single files by a path alone, in the shapes of fs-safe: reads of regular files, JSON, windows of open files.

const fs = process.getBuiltinModule('node:fs');
const { LOCAL_READ, hostError, isErrno, toHost } = require('./errors.js');
const { isHoldfastError, own } = require('../errors/holdfast-error.js');
const { readLocalFileSafely, readLocalFileSafelySync } = require('../verbs/read.js');

/** @typedef {import('./errors.js').HostErrorClass} HostErrorClass */
/** @typedef {import('./read.js').Host} Host */

/** Most bytes that one system call of a read takes. */
const MOST_AT_ONCE = 0x7fffffff;

/** Retries of a read that another writer disturbed: the wait before the first, in ms, doubled each time. */
const RETRIES = 4;
const RETRY_BASE_MS = 50;

/**
 * Whether a path leads to something; a link that leads to nothing does not.
 *
 * @param {any} filePath
 */
function pathExistsSync(filePath) {
  try {
    // access(2), and so fs.existsSync, asks for the real user id instead of the effective one.
    return fs.statSync(filePath, { throwIfNoEntry: false }) !== undefined;
  } catch {
    return false;
  }
}

/**
 * The same without waiting for a disk on the calling thread.
 *
 * @param {any} filePath
 * @returns {Promise<boolean>}
 */
async function pathExists(filePath) {
  try {
    await fs.promises.stat(filePath);
    return true;
  } catch {
    return false;
  }
}

/**
 * The real path, or `null` where there is none.
 *
 * @param {string} targetPath
 * @param {Map<string, string>} [cache] real paths by path
 * @returns {string | null}
 */
function safeRealpathSync(targetPath, cache) {
  const known = cache?.get(targetPath);
  if (known) {
    return known;
  }
  try {
    const real = fs.realpathSync.native(targetPath);
    cache?.set(targetPath, real);
    cache?.set(real, real);
    return real;
  } catch {
    return null;
  }
}

/**
 * Fills a buffer from a position of an open file, up to the end of the file. The file's own position stays.
 *
 * @param {import('node:fs').promises.FileHandle} handle
 * @param {Buffer} buffer
 * @param {number} position
 * @param {{ signal?: AbortSignal }} [options]
 */
async function readFileWindowFully(handle, buffer, position, { signal } = {}) {
  checkWindow(buffer, position);
  signal?.throwIfAborted();
  let filled = 0;
  while (filled < buffer.length) {
    const { bytesRead } = await handle.read(buffer, filled, Math.min(buffer.length - filled, MOST_AT_ONCE), position + filled);
    signal?.throwIfAborted();
    if (bytesRead === 0) {
      break;
    }
    filled += bytesRead;
  }
  return filled;
}

/**
 * @param {number} fd
 * @param {Buffer} buffer
 * @param {number} position
 */
function readFileWindowFullySync(fd, buffer, position) {
  checkWindow(buffer, position);
  let filled = 0;
  while (filled < buffer.length) {
    const read = fs.readSync(fd, buffer, filled, Math.min(buffer.length - filled, MOST_AT_ONCE), position + filled);
    if (read === 0) {
      break;
    }
    filled += read;
  }
  return filled;
}

/**
 * @param {Buffer} buffer
 * @param {number} position
 */
function checkWindow(buffer, position) {
  if (!Number.isSafeInteger(position) || position < 0 || !Number.isSafeInteger(position + buffer.length)) {
    throw new RangeError('the position and the end of the window must be safe integers >= 0');
  }
}

/**
 * What a failed read of a regular file is to callers of `readRegularFile`: plain errors where it is not there or is no
 * regular file.
 *
 * @param {HostErrorClass} HostError
 * @param {unknown} error
 * @param {string} filePath
 */
function toRegularError(HostError, error, filePath) {
  if (!isHoldfastError(error)) {
    return error;
  }
  const { code, cause } = /** @type {any} */ (error);
  switch (code) {
    case 'not-found':
    case 'not-directory':
      return own(Object.assign(new Error(`File not found: ${filePath}`, { cause }), { code: 'ENOENT' }));
    case 'symlink':
    case 'not-file':
      return own(new Error('path must be a regular file', { cause }));
    case 'too-large':
      return hostError(HostError, code, `File exceeds the limit: ${filePath}`, cause);
    default:
      return toHost(HostError, LOCAL_READ, error);
  }
}

/**
 * Whether a read may succeed a moment later: a writer of another process replaces the file in steps.
 *
 * @param {any} error
 */
function isPassing(error) {
  return error?.code === 'path-mismatch' || (isErrno(error) && error.code === 'EPERM');
}

/** @param {Host} host */
function bindFiles({ HostError }) {
  /** @param {{ filePath: string, maxBytes?: number }} params */
  async function readRegularFile({ filePath, maxBytes }) {
    try {
      const { buffer, stat } = await readLocalFileSafely(filePath, { maxBytes });
      return { buffer, stat };
    } catch (error) {
      throw toRegularError(HostError, error, filePath);
    }
  }

  /** @param {{ filePath: string, maxBytes?: number }} params */
  function readRegularFileSync({ filePath, maxBytes }) {
    try {
      const { buffer, stat } = readLocalFileSafelySync(filePath, { maxBytes });
      return { buffer, stat };
    } catch (error) {
      throw toRegularError(HostError, error, filePath);
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
    /**
     * The document of a file, or `null` where it is missing, cannot be read or is none.
     *
     * @param {string} filePath
     * @param {{ maxBytes?: number }} [options]
     */
    async tryReadJson(filePath, { maxBytes } = {}) {
      for (let tried = 0; ; tried += 1) {
        try {
          return JSON.parse((await readRegularFile({ filePath, maxBytes })).buffer.toString('utf8'));
        } catch (error) {
          if (tried === RETRIES || !isPassing(error)) {
            return null;
          }
          await new Promise((resolve) => setTimeout(resolve, RETRY_BASE_MS * 2 ** tried));
        }
      }
    },
    /**
     * @param {string} filePath
     * @param {{ maxBytes?: number }} [options]
     */
    tryReadJsonSync(filePath, { maxBytes } = {}) {
      try {
        return JSON.parse(readRegularFileSync({ filePath, maxBytes }).buffer.toString('utf8'));
      } catch {
        return null;
      }
    },
  };
}

/**
 * `writeJson`, by the binding's own `writeTextAtomic`.
 *
 * @param {(filePath: string, content: string, options?: any) => Promise<void>} writeTextAtomic
 */
function bindWriteJson(writeTextAtomic) {
  return {
    /**
     * @param {string} filePath
     * @param {unknown} value
     * @param {any} [options]
     */
    async writeJson(filePath, value, { mode, dirMode, trailingNewline, durable } = {}) {
      const text = JSON.stringify(value, null, 2);
      if (typeof text !== 'string') {
        throw new TypeError('the value is none that JSON has a word for');
      }
      await writeTextAtomic(filePath, text, { mode, dirMode, trailingNewline, durable });
    },
  };
}

module.exports = { bindFiles, bindWriteJson };
