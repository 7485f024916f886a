// `replaceFileAtomic` through an injected file system. Calls its functions in the order, with the arguments and as
// often as fs-safe does, because a host's guards keep state between calls.

import { path } from '../../base/node.js';
import { FromCaller, hostError, type HostErrorClass } from '../errors.js';
import { applyDirectoryMode, bitsOf, isTolerable } from './directory.js';
import { assertSame, isSame } from './identity.js';
import { RenameRefused, publish, type Temporary } from './publish.js';
import type { Calls } from './functions.js';
import type { Plan } from '../replace/options.js';
import type { Steps } from '../steps.js';
import type { Unchecked } from '../options.js';

const { randomBytes, randomUUID } = process.getBuiltinModule('node:crypto');

export function* replaceInjected(HostError: HostErrorClass, calls: Calls, plan: Plan): Steps<{ method: 'rename' }> {
  const { filePath, assertMayChange, injected } = plan;
  const dir = path.dirname(filePath);
  const mode = yield* modeOf(HostError, calls, plan);
  if (!calls.canChmod && injected.namesModes) {
    throw new TypeError('fileSystem.fchmodSync is required with mode, dirMode or preserveExistingMode');
  }
  const temporary: Temporary = { tempPath: path.join(dir, temporaryName(injected.tempPrefix)), isStaged: false };
  let failure: { error: unknown } | undefined;
  try {
    const dirMode = (plan.dirMode as number) | plan.dirBits;
    assertMayChange();
    yield () => calls.mkdir(dir, dirMode);
    yield* applyDirectoryMode(HostError, calls, dir, dirMode, assertMayChange);
    yield* stage(HostError, calls, plan, temporary, mode);
    yield* publish(HostError, calls, plan, temporary);
    return { method: 'rename' };
  } catch (error) {
    failure = { error };
    throw error;
  } finally {
    yield* finish(calls, plan, temporary, failure);
  }
}

/** Returns a random name with the caller's prefix. Without a prefix `cleanStaleTemporaries` recognizes it. */
function temporaryName(prefix: string | undefined) {
  return prefix === undefined ? `.holdfast-${randomBytes(16).toString('hex')}.tmp` : `${prefix}.${process.pid}.${randomUUID()}.tmp`;
}

function* modeOf(HostError: HostErrorClass, calls: Calls, { filePath, injected }: Plan): Steps<number> {
  if (!injected.keepsMode) {
    return injected.mode;
  }
  let stat;
  try {
    stat = yield () => calls.lstat(filePath);
  } catch (error) {
    if ((error as NodeJS.ErrnoException | undefined)?.code !== 'ENOENT') {
      throw error;
    }
  }
  if (!stat) {
    return injected.mode;
  }
  if (stat.isSymbolicLink()) {
    throw hostError(HostError, 'symlink', 'atomic replace destination must not be a symbolic link');
  }
  if (!stat.isFile()) {
    throw hostError(HostError, 'not-file', 'atomic replace destination must be a regular file');
  }
  return stat.mode & 0o777;
}

/** Writes the temporary: created exclusively, with its mode set before and after its content. */
function* stage(HostError: HostErrorClass, calls: Calls, { given, assertMayChange, injected }: Plan, temporary: Temporary, mode: number): Steps<void> {
  assertMayChange();
  const file = yield () => calls.open(temporary.tempPath, 'wx', mode);
  temporary.isStaged = true;
  try {
    const identity = yield () => calls.stat(file);
    assertSame(HostError, identity, undefined);
    temporary.identity = identity;
    assertMayChange();
    yield () => calls.write(file, given);
    const refused = yield* chmodStaged(calls, file, mode);
    if (injected.syncsFile) {
      yield* syncStaged(calls, file);
    }
    const written = yield () => calls.stat(file);
    assertSame(HostError, written, identity);
    // After a refused chmod the file keeps its mode of creation: it must be narrower, or the call fails.
    if (refused !== undefined && (bitsOf(written) & ~mode & 0o777) !== 0) {
      throw refused;
    }
  } catch (error) {
    try {
      yield () => calls.close(file);
    } catch (closing) {
      throw new AggregateError([error, closing], 'the staged file could be neither written nor closed');
    }
    throw error;
  }
  temporary.file = file;
}

/** Sets the mode. Returns the error if it is one of a file system without modes. */
function* chmodStaged(calls: Calls, file: Unchecked, mode: number): Steps<unknown> {
  try {
    yield () => calls.chmod(file, mode);
    return undefined;
  } catch (error) {
    if (isTolerable(error)) {
      return error;
    }
    throw error;
  }
}

function* syncStaged(calls: Calls, file: Unchecked): Steps<void> {
  try {
    yield () => calls.sync(file);
  } catch (error) {
    // EPERM: the file system supports no fsync.
    if ((error as NodeJS.ErrnoException | undefined)?.code !== 'EPERM') {
      throw error;
    }
  }
}

/** Closes the temporary, and removes it if it is still the created file. */
function* finish(calls: Calls, plan: Plan, { tempPath, file, identity, isStaged }: Temporary, failure: { error: unknown } | undefined): Steps<void> {
  let later: { error: unknown } | undefined;
  if (isStaged && identity !== undefined) {
    try {
      const seen = yield () => calls.lstatExact(tempPath);
      if (!seen.isSymbolicLink() && seen.isFile() && seen.nlink === 1n && isSame(seen, identity)) {
        yield () => calls.unlink(tempPath);
      }
    } catch (error) {
      if (plan.throwOnCleanupError && (error as NodeJS.ErrnoException | undefined)?.code !== 'ENOENT') {
        later = { error: notRemoved(error, failure) };
      }
    }
  }
  if (file !== undefined) {
    try {
      yield () => calls.close(file);
    } catch (error) {
      const first = later ?? failure;
      later = { error: first === undefined ? error : new AggregateError([unwrapped(first.error), error], 'the staged file could not be closed') };
    }
  }
  if (later !== undefined) {
    throw later.error;
  }
}

function notRemoved(cleaning: unknown, failure: { error: unknown } | undefined) {
  return failure === undefined
    ? cleaning
    : new Error(`the staged file could not be removed: ${cleaning}`, { cause: unwrapped(failure.error) });
}

function unwrapped(error: unknown) {
  return error instanceof FromCaller ? error.thrown : error instanceof RenameRefused ? error.error : error;
}
