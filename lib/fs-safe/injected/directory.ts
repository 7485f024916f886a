// Changes the mode of a parent directory through an injected file system.

import { escaped } from '../../base/escape.js';
import { BIGINT, fs, path } from '../../base/node.js';
import { dryRunEnsureDir } from '../../verbs/dry-run.js';
import { HARDENINGS, REASONS, isOptedOut, warn } from '../../verbs/ensure-dir.js';
import { hostError, type HostErrorClass } from '../errors.js';
import { isIdentity, isSame } from './identity.js';
import { EnsureDirIndex } from '../../native/record-layout.js';
import type { Calls } from './functions.js';
import type { Steps } from '../steps.js';
import type { BigIntStats } from 'node:fs';
import type { Unchecked } from '../options.js';

const { O_RDONLY, O_DIRECTORY, O_NOFOLLOW, O_NONBLOCK } = fs.constants;

/** Errors of a chmod that mean that the system does not let this process change the mode, as for `ensureDir`. */
const TOLERABLE = new Set(['EPERM', 'EACCES', 'EROFS', 'ENOSYS', 'ENOTSUP', 'EOPNOTSUPP']);

export function isTolerable(error: unknown) {
  return TOLERABLE.has(String((error as NodeJS.ErrnoException | undefined)?.code));
}

/**
 * Removes permissions beyond `mode` from the parent through the host's functions, by the rules of `ensureDir`, and adds
 * setgid and sticky. Tolerates a refused chmod.
 */
export function* applyDirectoryMode(HostError: HostErrorClass, calls: Calls, dir: string, mode: number, assertMayChange: () => void): Steps<void> {
  if (process.platform === 'win32') {
    return;
  }
  const named = assertDirectory(HostError, dir, yield () => calls.lstatExact(dir));
  const file = yield () => calls.open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NONBLOCK);
  try {
    const opened = yield* inspect(HostError, calls, file, dir, named);
    if (calls.isSync) {
      assertMayChange();
      yield* narrow(calls, file, dir, opened, mode);
    } else if (bitsOf(yield* inspect(HostError, calls, file, dir, named)) !== mode) {
      yield* inspect(HostError, calls, file, dir, named);
      assertMayChange();
      yield* narrow(calls, file, dir, opened, mode);
      yield* inspect(HostError, calls, file, dir, named);
    }
  } finally {
    yield () => calls.close(file);
  }
}

/** @param named stat of the name */
function* inspect(HostError: HostErrorClass, calls: Calls, file: Unchecked, dir: string, named: BigIntStats): Steps<any> {
  const stat = assertDirectory(HostError, dir, yield () => calls.stat(file));
  if (!isSame(stat, named)) {
    throw hostError(HostError, 'path-mismatch', 'the parent directory was exchanged');
  }
  return stat;
}

function assertDirectory(HostError: HostErrorClass, dir: string, stat: BigIntStats) {
  if (stat.isSymbolicLink() || !stat.isDirectory()) {
    throw hostError(HostError, 'not-file', `Atomic replace parent must be a real directory: ${escaped(dir)}`);
  }
  if (!isIdentity(stat)) {
    throw hostError(HostError, 'path-mismatch', 'the parent directory cannot be identified');
  }
  return stat;
}

export function bitsOf(stat: BigIntStats) {
  return Number(stat.mode & 0o7777n);
}

function* narrow(calls: Calls, file: Unchecked, dir: string, opened: BigIntStats, mode: number): Steps<void> {
  const { target, reason } = decide(dir, opened, mode, isReal(calls.descriptor(file), opened));
  const wantsPrivacy = (mode & 0o077) === 0;
  if (target === undefined) {
    if (wantsPrivacy && reason !== undefined) {
      warn(path.resolve(dir), bitsOf(opened), reason);
    }
    return;
  }
  try {
    yield () => calls.chmod(file, target);
  } catch (error) {
    if (!isTolerable(error)) {
      throw error;
    }
    if (wantsPrivacy && (bitsOf(opened) & 0o077) !== 0) {
      warn(path.resolve(dir), bitsOf(opened), (error as NodeJS.ErrnoException).code);
    }
  }
}

/**
 * Returns the mode to set, or `undefined` if the directory stays unchanged.
 *
 * @param onDisk `false`: the host has a file system of its own, which the binary cannot inspect
 */
function decide(dir: string, opened: BigIntStats, mode: number, onDisk: boolean): { target?: number; reason?: string } {
  const current = bitsOf(opened);
  const narrowed = (current & ~(0o777 & ~mode)) | (mode & 0o7000);
  if (!onDisk || current === mode) {
    return { target: mode };
  }
  if (narrowed === current || isOptedOut()) {
    return {};
  }
  if (process.platform !== 'linux') {
    return { target: narrowed };
  }
  const { numbers } = dryRunEnsureDir(dir, { mode: mode & 0o777, existing: 'tighten' });
  if (numbers === undefined || HARDENINGS[numbers[EnsureDirIndex.HARDENING]] !== 'left') {
    return { target: narrowed };
  }
  return { reason: REASONS[numbers[EnsureDirIndex.REASON]] };
}

/** Returns whether a descriptor of the host is one of this process and leads to the same file. */
function isReal(fd: number | undefined, opened: BigIntStats) {
  if (typeof fd !== 'number') {
    return false;
  }
  try {
    return isSame(fs.fstatSync(fd, BIGINT), opened);
  } catch {
    return false;
  }
}
