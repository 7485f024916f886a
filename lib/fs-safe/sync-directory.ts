// `syncDirectory` of fs-safe: checks the identity of a directory and syncs its descriptor.

import { fs } from '../base/node.js';
import { hostError, isErrno, type HostErrorClass } from './errors.js';
import { runLater, runNow, type Steps } from './steps.js';
import type { Host } from './read.js';
import type { BigIntStats } from 'node:fs';
import { NAMES, checked, type Unchecked } from './options.js';

const { O_RDONLY, O_DIRECTORY = 0, O_NOFOLLOW = 0, O_NONBLOCK = 0 } = fs.constants;
const FLAGS = process.platform === 'win32' ? 'r' : O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NONBLOCK;

/** What Windows answers where it cannot sync a directory. */
const UNSUPPORTED = new Set(['EACCES', 'EINVAL', 'EISDIR', 'ENOSYS', 'ENOTSUP', 'EPERM']);

const ASYNC = {
  lstat: (dir: string): unknown => fs.promises.lstat(dir, { bigint: true }),
  open: (dir: string): unknown => fs.promises.open(dir, FLAGS),
  stat: (file: Unchecked): unknown => file.stat({ bigint: true }),
  sync: (file: Unchecked): unknown => file.sync(),
  close: (file: Unchecked): unknown => file.close(),
};

const SYNC: typeof ASYNC = {
  lstat: (dir) => fs.lstatSync(dir, { bigint: true }),
  open: (dir) => fs.openSync(dir, FLAGS),
  stat: (fd) => fs.fstatSync(fd, { bigint: true }),
  sync: (fd) => fs.fsyncSync(fd),
  close: (fd) => fs.closeSync(fd),
};

/** The path of a directory, and what it was when its receipt was made. */
function toTarget(HostError: HostErrorClass, directory: Unchecked): { dir: string; was: { dev: bigint; ino: bigint } | undefined } {
  if (typeof directory === 'string') {
    return { dir: directory, was: undefined };
  }
  const { path, identity } = directory ?? {};
  const isExact = (value: unknown) => typeof value === 'bigint' || Number.isSafeInteger(value);
  if (typeof path !== 'string' || !isExact(identity?.dev) || !isExact(identity?.ino)) {
    throw hostError(HostError, 'path-mismatch', 'the receipt does not say which directory it is about');
  }
  return { dir: path, was: { dev: BigInt(identity.dev), ino: BigInt(identity.ino) } };
}

function* syncOne(HostError: HostErrorClass, directory: Unchecked, label: string): Steps<{ status: 'synced' } | { status: 'unsupported'; code?: string }, typeof ASYNC> {
  const { dir, was } = toTarget(HostError, directory);
  const named = assertDirectory(HostError, yield (verbs) => verbs.lstat(dir), was, label);
  const file = yield (verbs) => verbs.open(dir);
  try {
    assertDirectory(HostError, yield (verbs) => verbs.stat(file), named, label);
    try {
      yield (verbs) => verbs.sync(file);
    } catch (error) {
      if (process.platform !== 'win32' || !isErrno(error) || !UNSUPPORTED.has(error.code as string)) {
        throw error;
      }
      return { status: 'unsupported', code: error.code as string };
    }
    assertDirectory(HostError, yield (verbs) => verbs.lstat(dir), named, label);
    return { status: 'synced' };
  } finally {
    yield (verbs) => verbs.close(file);
  }
}

function assertDirectory(HostError: HostErrorClass, stat: BigIntStats, was: { dev: bigint; ino: bigint } | undefined, label: string) {
  if (stat.isSymbolicLink() || !stat.isDirectory()) {
    throw hostError(HostError, 'not-file', `${label} is not a real directory`);
  }
  if (was !== undefined && (stat.dev !== was.dev || stat.ino !== was.ino)) {
    throw hostError(HostError, 'path-mismatch', `${label} was exchanged`);
  }
  return stat;
}

/** How sentences call the directory. */
function labelOf(options: Unchecked): string {
  return checked(options, NAMES.label).label ?? 'directory';
}

export function bindSyncDirectory({ HostError }: Host) {
  return {
    /** @param directory a path, or the receipt of the library */
    async syncDirectory(directory: Unchecked, options: Unchecked = {}) {
      return await runLater(syncOne(HostError, directory, labelOf(options)), ASYNC);
    },
    syncDirectorySync(directory: Unchecked, options: Unchecked = {}) {
      return runNow(syncOne(HostError, directory, labelOf(options)), SYNC);
    },
  };
}
