'use strict';

// SHA-256 of regular files in the shapes of fs-safe, on descriptors.

const fs = process.getBuiltinModule('node:fs');
const { createHash } = process.getBuiltinModule('node:crypto');
const { hostError, isErrno } = require('./errors.js');

/** @typedef {import('./errors.js').HostErrorClass} HostErrorClass */
/** @typedef {import('./read.js').Host} Host */
/** @typedef {{ maxBytes: number, signal: AbortSignal | undefined }} Limits */

const CHUNK = 256 * 1024;
const { O_RDONLY, O_NOFOLLOW = 0, O_NONBLOCK = 0 } = fs.constants;
const FLAGS = O_RDONLY | O_NOFOLLOW | O_NONBLOCK;

/**
 * @param {any} options
 * @returns {Limits}
 */
function toLimits({ maxBytes = Infinity, signal }) {
  if (maxBytes !== Infinity && (!Number.isSafeInteger(maxBytes) || maxBytes < 0)) {
    throw new RangeError('maxBytes must be a safe integer >= 0 or Infinity');
  }
  return { maxBytes, signal };
}

/**
 * Judges what a path leads to before it is opened: opening a device or a FIFO can act on it.
 *
 * @param {HostErrorClass} HostError
 * @param {import('node:fs').BigIntStats} stat
 */
function assertRegular(HostError, stat) {
  if (stat.isSymbolicLink()) {
    throw hostError(HostError, 'symlink', 'the path is a symbolic link');
  }
  if (!stat.isFile()) {
    throw hostError(HostError, 'not-file', 'the path is not a regular file');
  }
  return stat;
}

/**
 * @param {HostErrorClass} HostError
 * @param {import('node:fs').BigIntStats} named
 * @param {import('node:fs').BigIntStats} opened
 */
function assertSame(HostError, named, opened) {
  assertRegular(HostError, opened);
  if (named.dev !== opened.dev || named.ino !== opened.ino) {
    throw hostError(HostError, 'path-mismatch', 'the file was exchanged while it was opened');
  }
}

/**
 * @param {HostErrorClass} HostError
 * @param {unknown} error
 */
function toOpenError(HostError, error) {
  return isErrno(error) && error.code === 'ELOOP' ? hostError(HostError, 'symlink', 'the path is a symbolic link', error) : error;
}

/**
 * @param {HostErrorClass} HostError
 * @param {number} maxBytes
 */
function tooLarge(HostError, maxBytes) {
  return hostError(HostError, 'too-large', `the file has more than ${maxBytes} bytes`);
}

/**
 * @param {HostErrorClass} HostError
 * @param {import('node:fs').Stats} stat
 * @param {number} maxBytes
 */
function assertHashable(HostError, stat, maxBytes) {
  if (!stat.isFile()) {
    throw hostError(HostError, 'not-file', 'the input is not a regular file');
  }
  if (stat.size > maxBytes) {
    throw tooLarge(HostError, maxBytes);
  }
}

/**
 * Room for one read: no more than the file has left, and one byte to see that it ends there.
 *
 * @param {number} size
 */
function roomFor(size) {
  return Buffer.allocUnsafe(Math.min(CHUNK, size + 1));
}

/**
 * @param {HostErrorClass} HostError
 * @param {import('node:fs').promises.FileHandle} handle
 * @param {Limits} limits
 */
async function hashHandle(HostError, handle, { maxBytes, signal }) {
  const stat = await handle.stat();
  assertHashable(HostError, stat, maxBytes);
  const hash = createHash('sha256');
  const room = roomFor(stat.size);
  for (let bytes = 0; ; ) {
    signal?.throwIfAborted();
    const { bytesRead } = await handle.read(room, 0, room.length, bytes);
    signal?.throwIfAborted();
    if (bytesRead === 0) {
      return { bytes, digest: hash.digest('hex') };
    }
    bytes += bytesRead;
    if (bytes > maxBytes) {
      throw tooLarge(HostError, maxBytes);
    }
    hash.update(room.subarray(0, bytesRead));
  }
}

/**
 * @param {HostErrorClass} HostError
 * @param {number} fd
 * @param {Limits} limits
 */
function hashDescriptor(HostError, fd, { maxBytes, signal }) {
  const stat = fs.fstatSync(fd);
  assertHashable(HostError, stat, maxBytes);
  const hash = createHash('sha256');
  const room = roomFor(stat.size);
  for (let bytes = 0; ; ) {
    signal?.throwIfAborted();
    const read = fs.readSync(fd, room, 0, room.length, bytes);
    if (read === 0) {
      return { bytes, digest: hash.digest('hex') };
    }
    bytes += read;
    if (bytes > maxBytes) {
      throw tooLarge(HostError, maxBytes);
    }
    hash.update(room.subarray(0, read));
  }
}

/** @param {Host} host */
function bindHash({ HostError }) {
  return {
    /**
     * @param {string | import('node:fs').promises.FileHandle} input a handle stays open
     * @param {any} [options]
     */
    async sha256File(input, options = {}) {
      const limits = toLimits(options);
      limits.signal?.throwIfAborted();
      if (typeof input !== 'string') {
        return await hashHandle(HostError, input, limits);
      }
      const named = assertRegular(HostError, await fs.promises.lstat(input, { bigint: true }));
      const handle = await fs.promises.open(input, FLAGS).catch((error) => Promise.reject(toOpenError(HostError, error)));
      try {
        assertSame(HostError, named, await handle.stat({ bigint: true }));
        return await hashHandle(HostError, handle, limits);
      } finally {
        await handle.close();
      }
    },
    /**
     * @param {string | number} input a descriptor stays open
     * @param {any} [options]
     */
    sha256FileSync(input, options = {}) {
      const limits = toLimits(options);
      limits.signal?.throwIfAborted();
      if (typeof input !== 'string') {
        return hashDescriptor(HostError, input, limits);
      }
      const named = assertRegular(HostError, fs.lstatSync(input, { bigint: true }));
      const fd = openOne(HostError, input);
      try {
        assertSame(HostError, named, fs.fstatSync(fd, { bigint: true }));
        return hashDescriptor(HostError, fd, limits);
      } finally {
        fs.closeSync(fd);
      }
    },
  };
}

/**
 * @param {HostErrorClass} HostError
 * @param {string} file
 */
function openOne(HostError, file) {
  try {
    return fs.openSync(file, FLAGS);
  } catch (error) {
    throw toOpenError(HostError, error);
  }
}

module.exports = { bindHash };
