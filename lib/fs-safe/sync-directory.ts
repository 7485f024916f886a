// `syncDirectory` of fs-safe: checks the identity of a directory and syncs its descriptor.

import { BIGINT, fs, path } from '../base/node.js';
import { escaped } from '../base/escape.js';
import { hostError, isErrno, type HostErrorClass } from './errors.js';
import { runLater, runNow, type Steps } from './steps.js';
import type { Host } from './read.js';
import type { BigIntStats } from 'node:fs';
import { NAMES, checked, type Unchecked } from './options.js';

const { O_RDONLY, O_DIRECTORY = 0, O_NOFOLLOW = 0, O_NONBLOCK = 0 } = fs.constants;
const FLAGS = process.platform === 'win32' ? 'r' : O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NONBLOCK;

/** Error codes on Windows when a directory cannot be synced. */
const UNSUPPORTED = new Set(['EACCES', 'EINVAL', 'EISDIR', 'ENOSYS', 'ENOTSUP', 'EPERM']);

const ASYNC = {
  lstat: (dir: string): unknown => fs.promises.lstat(dir, BIGINT),
  realpath: (dir: string): unknown => new Promise((resolve, reject) => fs.realpath.native(dir, (error, real) => (error ? reject(error) : resolve(real)))),
  open: (dir: string): unknown => fs.promises.open(dir, FLAGS),
  stat: (file: Unchecked): unknown => file.stat(BIGINT),
  sync: (file: Unchecked): unknown => file.sync(),
  close: (file: Unchecked): unknown => file.close(),
};

const SYNC: typeof ASYNC = {
  lstat: (dir) => fs.lstatSync(dir, BIGINT),
  realpath: (dir) => fs.realpathSync.native(dir),
  open: (dir) => fs.openSync(dir, FLAGS),
  stat: (fd) => fs.fstatSync(fd, BIGINT),
  sync: (fd) => fs.fsyncSync(fd),
  close: (fd) => fs.closeSync(fd),
};

/** The content of a directory receipt. For a path, the first lstat serves as the receipt. */
interface Receipt {
  dir: string;
  was?: { dev: bigint; ino: bigint };
  realPath?: string;
}

function toReceipt(HostError: HostErrorClass, directory: Unchecked): Receipt {
  if (typeof directory === 'string') {
    // A slash after a file is ignored, as in fs-safe.
    return { dir: path.resolve(directory) };
  }
  const { path: dir, realPath, identity } = directory ?? {};
  if (typeof dir !== 'string' || typeof realPath !== 'string' || identity === undefined || identity === null) {
    throw hostError(HostError, 'path-mismatch', 'directory receipt is incomplete');
  }
  const isExact = (value: unknown) => typeof value === 'bigint' || Number.isSafeInteger(value);
  if (!isExact(identity.dev) || !isExact(identity.ino)) {
    throw hostError(HostError, 'path-mismatch', 'directory receipt identity could not be verified');
  }
  return { dir, realPath, was: { dev: BigInt(identity.dev), ino: BigInt(identity.ino) } };
}

function* syncOne(HostError: HostErrorClass, directory: Unchecked, label: string): Steps<{ status: 'synced' } | { status: 'unsupported'; code?: string }, typeof ASYNC> {
  const { dir, was, realPath } = toReceipt(HostError, directory);
  const named = assertDirectory(HostError, yield (verbs) => verbs.lstat(dir), was);
  const real = yield (verbs) => verbs.realpath(dir);
  assertSamePath(HostError, dir, label, realPath ?? real, real);
  const file = yield (verbs) => verbs.open(dir);
  try {
    assertDirectory(HostError, yield (verbs) => verbs.stat(file), named);
    try {
      yield (verbs) => verbs.sync(file);
    } catch (error) {
      if (process.platform !== 'win32' || !isErrno(error) || !UNSUPPORTED.has(error.code as string)) {
        throw error;
      }
      return { status: 'unsupported', code: error.code as string };
    }
    assertDirectory(HostError, yield (verbs) => verbs.lstat(dir), named);
    assertSamePath(HostError, dir, label, real, yield (verbs) => verbs.realpath(dir));
    return { status: 'synced' };
  } finally {
    yield (verbs) => verbs.close(file);
  }
}

function assertDirectory(HostError: HostErrorClass, stat: BigIntStats, was: { dev: bigint; ino: bigint } | undefined) {
  if (stat.isSymbolicLink() || !stat.isDirectory()) {
    throw hostError(HostError, 'not-file', 'directory component must be a directory');
  }
  if (was !== undefined && (stat.dev !== was.dev || stat.ino !== was.ino)) {
    throw hostError(HostError, 'path-mismatch', 'file identity changed or could not be verified');
  }
  return stat;
}

function assertSamePath(HostError: HostErrorClass, dir: string, label: string, was: string, is: string) {
  if (was !== is) {
    throw hostError(HostError, 'path-mismatch', `${label} changed during durable directory operation: ${escaped(dir)}`);
  }
}

/** Returns the name of the directory in messages. */
function labelOf(options: Unchecked): string {
  return checked(options, NAMES.label).label ?? 'directory';
}

export function bindSyncDirectory({ HostError }: Host) {
  return {
    /** @param directory a path, or the receipt of fs-safe */
    async syncDirectory(directory: Unchecked, options: Unchecked = {}) {
      return await runLater(syncOne(HostError, directory, labelOf(options)), ASYNC);
    },
    syncDirectorySync(directory: Unchecked, options: Unchecked = {}) {
      return runNow(syncOne(HostError, directory, labelOf(options)), SYNC);
    },
  };
}
