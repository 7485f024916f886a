// The last steps of a replacement through an injected file system: from a staged file to a published one.

import { fs, path } from '../../base/node.js';
import { callBack, callBefore } from '../host-callbacks.js';
import { FromCaller, hostError, isErrno, type HostErrorClass } from '../errors.js';
import { assertStaged, disappeared, isSame } from './identity.js';
import { escaped } from '../../base/escape.js';
import type { Calls } from './functions.js';
import type { Plan } from '../replace/options.js';
import type { Steps } from '../steps.js';
import type { Unchecked } from '../options.js';

export interface Temporary {
  tempPath: string;
  /** the open file, once it is complete */
  file?: Unchecked;
  /** its exact stat, once it is known */
  identity?: Unchecked;
  /** the file exists under its temporary name */
  isStaged: boolean;
}

/** A refused rename, when the caller requested a copy in place in that case. */
export class RenameRefused {
  constructor(readonly error: unknown) {}
}

const { O_RDONLY, O_NOFOLLOW = 0, O_NONBLOCK = 0 } = fs.constants;

/** Renames the temporary onto the target, and compares the file at that name with the staged one. */
export function* publish(HostError: HostErrorClass, calls: Calls, plan: Plan, temporary: Temporary): Steps<void> {
  const { filePath, beforeRename, onDestinationState, injected } = plan;
  const { tempPath, identity } = temporary;
  const isCurrent = () => current(HostError, calls, temporary, tempPath);
  yield* isCurrent();
  if (beforeRename !== undefined) {
    const params = { filePath, tempPath };
    yield () => (calls.isSync ? callBefore(beforeRename, params) : fromCaller(beforeRename, params));
    yield* isCurrent();
  }
  if (injected.refusesHardlinks) {
    yield* assertOneName(HostError, calls, filePath);
    yield* isCurrent();
  }
  yield* rename(calls, plan, temporary, isCurrent);
  temporary.isStaged = false;
  yield* current(HostError, calls, temporary, filePath);
  const state = Object.freeze({ state: 'published', path: filePath, dev: identity.dev, ino: identity.ino });
  callBack(onDestinationState, 'onDestinationState', [state]);
  if (injected.syncsParent) {
    yield* syncParent(HostError, calls, path.dirname(filePath));
    yield* current(HostError, calls, temporary, filePath);
  }
}

async function fromCaller(beforeRename: Unchecked, params: { filePath: string; tempPath: string }) {
  try {
    await beforeRename(params);
  } catch (error) {
    throw new FromCaller(error);
  }
}

/** Throws unless both the descriptor and a name lead to the staged file. */
function* current(HostError: HostErrorClass, calls: Calls, { file, identity }: Temporary, name: string): Steps<void> {
  assertStaged(HostError, name, yield () => calls.stat(file), identity, false);
  let named;
  try {
    named = yield () => calls.lstatExact(name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException | undefined)?.code === 'ENOENT') {
      throw disappeared(HostError, name, error);
    }
    throw error;
  }
  assertStaged(HostError, name, named, identity, true);
}

/** Refuses a target that has other names. */
function* assertOneName(HostError: HostErrorClass, calls: Calls, filePath: string): Steps<void> {
  let seen;
  try {
    seen = yield () => calls.lstat(filePath);
  } catch (error) {
    if ((error as NodeJS.ErrnoException | undefined)?.code === 'ENOENT') {
      return;
    }
    throw error;
  }
  if (!seen || seen.isSymbolicLink() || !seen.isFile()) {
    return;
  }
  const file = yield () => calls.open(filePath, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  try {
    const opened = yield () => calls.stat(file);
    const named = yield () => calls.lstatExact(filePath);
    if (named.isSymbolicLink() || !named.isFile() || !isSame(opened, named)) {
      throw hostError(HostError, 'path-mismatch', `Atomic replace destination changed while opening: ${escaped(filePath)}`);
    }
    if (opened.nlink > 1n) {
      throw hostError(HostError, 'hardlink', `Hardlinked atomic replace destination not allowed: ${escaped(filePath)}`);
    }
  } finally {
    yield () => calls.close(file);
  }
}

function* rename(calls: Calls, plan: Plan, { tempPath }: Temporary, isCurrent: () => Steps<void>): Steps<void> {
  for (let tried = 0; ; tried += 1) {
    if (tried > 0) {
      yield* isCurrent();
    }
    plan.assertMayChange();
    try {
      yield () => calls.rename(tempPath, plan.filePath);
      return;
    } catch (error) {
      const { code } = (error ?? {}) as NodeJS.ErrnoException;
      if (code === 'EBUSY' && tried < plan.renameMaxRetries) {
        yield () => calls.wait(plan.renameRetryBaseDelayMs * 2 ** tried);
      } else if (plan.injected.copiesInPlace && (code === 'EPERM' || code === 'EEXIST')) {
        throw new RenameRefused(error);
      } else {
        throw error;
      }
    }
  }
}

/**
 * Syncs the parent directory. Throws for an error after which the file's name may not last. Ignores all others: a file
 * system may not support fsync of a directory.
 */
function* syncParent(HostError: HostErrorClass, calls: Calls, dir: string): Steps<void> {
  let file: Unchecked;
  let failed: unknown;
  try {
    file = yield () => calls.open(dir, 'r');
    yield () => calls.sync(file);
  } catch (error) {
    failed = error;
  } finally {
    if (file !== undefined) {
      try {
        yield () => calls.close(file);
      } catch {
        // The file is published already.
      }
    }
  }
  if (isErrno(failed) && LOST.has(failed.code as string)) {
    throw hostError(HostError, 'helper-failed', 'the file is published, but its directory could not be synced', failed, { published: true });
  }
}

/** Errors of a sync after which the name of the file may not last. */
const LOST = new Set(['EIO', 'ENOSPC', 'EDQUOT']);
