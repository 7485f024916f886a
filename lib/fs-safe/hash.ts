// SHA-256 of regular files in the shapes of fs-safe, on descriptors.

import { BIGINT, fs } from '../base/node.js';
import { hostError, isErrno, type HostErrorClass } from './errors.js';
import type { Host } from './read.js';
import type { BigIntStats, Stats, promises } from 'node:fs';
import { NAMES, checked, type Unchecked } from './options.js';

const { createHash } = process.getBuiltinModule('node:crypto');

type Limits = { maxBytes: number; signal: AbortSignal | undefined };

const CHUNK = 256 * 1024;
const { O_RDONLY, O_NOFOLLOW = 0, O_NONBLOCK = 0 } = fs.constants;
const FLAGS = O_RDONLY | O_NOFOLLOW | O_NONBLOCK;

function toLimits(options: Unchecked): Limits {
  const { maxBytes = Infinity, signal } = checked(options, NAMES.hash);
  if (maxBytes !== Infinity && (!Number.isSafeInteger(maxBytes) || maxBytes < 0)) {
    throw new RangeError('maxBytes must be a non-negative safe integer or Infinity');
  }
  return { maxBytes, signal };
}

/** Refuses other objects than regular files before the open: opening a device or a FIFO can have an effect. */
function assertRegular(HostError: HostErrorClass, stat: BigIntStats) {
  if (stat.isSymbolicLink()) {
    throw hostError(HostError, 'symlink', 'SHA-256 path must not be a symbolic link');
  }
  if (!stat.isFile()) {
    throw hostError(HostError, 'not-file', 'SHA-256 path is not a regular file');
  }
  return stat;
}

function assertSame(HostError: HostErrorClass, named: BigIntStats, opened: BigIntStats) {
  assertRegular(HostError, opened);
  if (named.dev !== opened.dev || named.ino !== opened.ino) {
    throw hostError(HostError, 'path-mismatch', 'SHA-256 path changed while opening');
  }
}

function toOpenError(HostError: HostErrorClass, error: unknown) {
  return isErrno(error) && error.code === 'ELOOP' ? hostError(HostError, 'symlink', 'SHA-256 path must not be a symbolic link', error) : error;
}

function tooLarge(HostError: HostErrorClass, maxBytes: number) {
  return hostError(HostError, 'too-large', `SHA-256 input exceeds ${maxBytes} bytes`);
}

function assertHashable(HostError: HostErrorClass, stat: Stats, maxBytes: number) {
  if (!stat.isFile()) {
    throw hostError(HostError, 'not-file', 'SHA-256 input is not a regular file');
  }
  if (stat.size > maxBytes) {
    throw tooLarge(HostError, maxBytes);
  }
}

/** Returns the buffer size of one read: at most the rest of the file, plus one byte to detect its end. */
function roomFor(size: number) {
  return Buffer.allocUnsafe(Math.min(CHUNK, size + 1));
}

async function hashHandle(HostError: HostErrorClass, handle: promises.FileHandle, { maxBytes, signal }: Limits) {
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

function hashDescriptor(HostError: HostErrorClass, fd: number, { maxBytes, signal }: Limits) {
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

export function bindHash({ HostError }: Host) {
  return {
    /** @param input a handle stays open */
    async sha256File(input: string | promises.FileHandle, options: Unchecked = {}) {
      const limits = toLimits(options);
      limits.signal?.throwIfAborted();
      if (typeof input !== 'string') {
        return await hashHandle(HostError, input, limits);
      }
      const named = assertRegular(HostError, await fs.promises.lstat(input, BIGINT));
      const handle = await fs.promises.open(input, FLAGS).catch((error) => Promise.reject(toOpenError(HostError, error)));
      try {
        assertSame(HostError, named, await handle.stat(BIGINT));
        return await hashHandle(HostError, handle, limits);
      } finally {
        await handle.close();
      }
    },
    /** @param input a descriptor stays open */
    sha256FileSync(input: string | number, options: Unchecked = {}) {
      const limits = toLimits(options);
      limits.signal?.throwIfAborted();
      if (typeof input !== 'string') {
        return hashDescriptor(HostError, input, limits);
      }
      const named = assertRegular(HostError, fs.lstatSync(input, BIGINT));
      const fd = openOne(HostError, input);
      try {
        assertSame(HostError, named, fs.fstatSync(fd, BIGINT));
        return hashDescriptor(HostError, fd, limits);
      } finally {
        fs.closeSync(fd);
      }
    },
  };
}

function openOne(HostError: HostErrorClass, file: string) {
  try {
    return fs.openSync(file, FLAGS);
  } catch (error) {
    throw toOpenError(HostError, error);
  }
}
