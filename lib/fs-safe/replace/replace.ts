// `replaceFileAtomic` and `writeTextAtomic` of fs-safe. One generator of steps serves both twins: the runners call the
// steps with synchronous or asynchronous verbs.

import { os, path } from '../../base/node.js';
import { FromCaller, REPLACE, hostError, isErrno, toHost } from '../errors.js';
import { collected } from '../chunks.js';
import { invalidType } from '../../options/validate.js';
import { mkdirMode } from '../paths.js';
import { toPlan, type Plan } from './options.js';
import { changes } from '../order.js';
import { ASYNC, SYNC, tellPublished } from './verbs.js';
import { asyncCalls, isNodeAsync, isNodeSync, syncCalls } from '../injected/functions.js';
import { copyWithOriginal } from '../injected/copy.js';
import { RenameRefused } from '../injected/publish.js';
import { CHANGED } from '../injected/identity.js';
import { replaceInjected } from '../injected/replace.js';
import { runLater, runNow, type Steps } from '../steps.js';
import { escaped } from '../../base/escape.js';
import { isHoldfastError, own, systemError } from '../../errors/holdfast-error.js';
import type { Host } from '../read.js';
import { NAMES, checked, checkedJob, type Unchecked } from '../options.js';

type Verbs = typeof ASYNC | typeof SYNC;
type Step = (verbs: Verbs) => unknown;

function* replace(host: Host, plan: Plan): Steps<{ method: 'rename' | 'copy-fallback' }, Verbs> {
  const parent = path.dirname(plan.target);
  if (plan.dirMode !== undefined) {
    plan.assertMayChange();
    const { mode, hardening } = yield* attempt(host, plan, parent, (verbs) => verbs.ensureDir(parent, { mode: plan.dirMode, existing: 'tighten' }));
    if ((mode & plan.dirBits) !== plan.dirBits && hardening !== 'left') {
      yield (verbs) => verbs.addBits(parent, plan.dirBits);
    }
  }
  let written;
  for (let tried = 0; ; tried += 1) {
    try {
      written = yield* publish(host, plan, parent);
      break;
    } catch (error) {
      if (!isErrno(error) || error.code !== 'EBUSY' || tried >= plan.renameMaxRetries) {
        throw error;
      }
      yield (verbs) => verbs.wait(plan.renameRetryBaseDelayMs * 2 ** tried);
    }
  }
  yield* verify(host, plan, written);
  tellPublished(plan, written);
  return { method: written.method === 'in-place' ? 'copy-fallback' : 'rename' };
}

function* publish(host: Host, plan: Plan, parent: string): Steps<any, Verbs> {
  plan.assertMayChange();
  const write: Step = (verbs) => verbs.write(host.HostError, plan);
  try {
    return yield* attempt(host, plan, parent, write);
  } catch (error) {
    // Makes directories like mkdir. Reads the umask only if a directory is missing.
    if (plan.dirMode !== undefined || !isErrno(error) || error.code !== 'ENOENT') {
      throw error;
    }
    plan.assertMayChange();
    yield* attempt(host, plan, parent, (verbs) => verbs.ensureDir(parent, { mode: mkdirMode(), existing: 'leave' }));
    plan.assertMayChange();
    return yield* attempt(host, plan, parent, write);
  }
}

/**
 * Compares the file at the target's name with the published one: another process may have exchanged it. Skips in-place
 * writes, which keep the old inode.
 */
function* verify({ HostError }: Host, plan: Plan, written: { method: string; dev: number | bigint; ino: number | bigint }): Steps<void, Verbs> {
  if (written.method === 'in-place') {
    return;
  }
  const seen = yield (verbs) => verbs.identify(plan.target);
  if (seen !== undefined && isInode(seen.dev, written.dev) && isInode(seen.ino, written.ino)) {
    return;
  }
  // Some file systems change the inode of a file on rename.
  if (seen !== undefined && plan.comparesContent && (yield (verbs) => verbs.hasContent(plan))) {
    return;
  }
  throw hostError(HostError, 'path-mismatch', CHANGED);
}

/**
 * Returns whether an inode is the one that was written.
 *
 * @param written a number may have lost its last bits
 */
function isInode(seen: bigint, written: number | bigint) {
  return typeof written === 'bigint' ? seen === written : Number(seen) === written;
}

/** Runs a step and converts its error for the host. */
function* attempt(host: Host, plan: Plan, parent: string, step: Step): Steps<any, Verbs> {
  try {
    return yield step;
  } catch (error) {
    if (!isHoldfastError(error)) {
      throw error;
    }
    const raw = yield* rawFailure(host, plan, parent, error as { code: string; path?: string; cause?: unknown });
    throw raw ?? toHost(host.HostError, REPLACE, error, { given: plan.filePath });
  }
}

/**
 * Returns the system error that the original leaves raw, for a refusal of holdfast. Costs one more lstat, and only
 * after a failure.
 */
function* rawFailure({ HostError }: Host, plan: Plan, parent: string, { code, path: at, cause }: { code: string; path?: string; cause?: unknown }): Steps<Error | undefined, Verbs> {
  const { target } = plan;
  if (code === 'not-file' && plan.options.finalSymlink === 'replace') {
    const stat = yield (verbs) => verbs.lstat(target);
    return stat?.isDirectory() ? systemError(-constants.EISDIR, 'rename', target, target) : undefined;
  }
  if (code === 'not-found') {
    return own(cause as Error);
  }
  if (code === 'not-directory') {
    const stat = yield (verbs) => verbs.lstat(parent);
    const errno = stat === undefined ? constants.ENOTDIR : constants.EEXIST;
    return systemError(-errno, 'mkdir', parent);
  }
  if (code === 'symlink' && at === parent) {
    return hostError(HostError, 'not-file', `Atomic replace parent must be a real directory: ${escaped(path.dirname(plan.filePath))}`, cause);
  }
  return undefined;
}

const { errno: constants } = os.constants;

/** Returns the original's function, for a call that only the original supports. */
function originals({ original }: Host, name: 'replaceFileAtomic' | 'replaceFileAtomicSync', why: string) {
  const theirs = original?.[name];
  if (typeof theirs !== 'function') {
    throw Object.assign(new TypeError(`${why} is for the original alone: bind with original, which has ${name}()`), {
      code: 'ERR_INVALID_ARG_VALUE',
    });
  }
  return theirs;
}

/** Returns whether a rename failed with an error for which the caller requested a copy in place. */
function wantsCopy(error: unknown, options: Unchecked, name: string, host: Host) {
  return (
    options.copyFallbackOnPermissionError === true &&
    isErrno(error) &&
    error.syscall === 'rename' &&
    (error.code === 'EPERM' || error.code === 'EEXIST') &&
    typeof host.original?.[name] === 'function'
  );
}

/** Replaces a file through an injected file system. Calls its functions as the original does. */
async function replaceWithHost(host: Host, options: Unchecked) {
  const { promises } = options.fileSystem;
  const plan = toPlan(host.HostError, options, { dirMode: 0o700 });
  const calls = asyncCalls(promises);
  const place = path.resolve(plan.target);
  return await changes.queued(place, async () => {
    try {
      return await changes.inHost(place, () => runLater(replaceInjected(host.HostError, calls, plan)));
    } catch (error) {
      if (error instanceof RenameRefused) {
        return await copyWithOriginal(host, 'replaceFileAtomic', options, error);
      }
      throw error instanceof FromCaller ? error.thrown : error;
    }
  });
}

/** Synchronous twin of {@link replaceWithHost}. */
function replaceWithHostSync(host: Host, options: Unchecked) {
  const plan = toPlan(host.HostError, options, { dirMode: 0o700 });
  try {
    return runNow(replaceInjected(host.HostError, syncCalls(options.fileSystem), plan));
  } catch (error) {
    if (error instanceof RenameRefused) {
      return copyWithOriginal(host, 'replaceFileAtomicSync', options, error);
    }
    throw error instanceof FromCaller ? error.thrown : error;
  }
}

function injects({ fileSystem }: Unchecked) {
  return fileSystem !== undefined && fileSystem !== null;
}

/** Returns whether a call needs the lock of the original: it compares content if a file system changes inodes in a rename. */
function needsLock({ renameIdentity }: Unchecked) {
  return renameIdentity === 'verify-content-with-lock';
}

export function bindReplace(host: Host) {
  const now = async (plan: Plan) => {
    const { source } = plan;
    if (source !== undefined) {
      plan.content = await changes.inHost(path.resolve(plan.target), () => collected(source));
    }
    try {
      return await runLater(replace(host, plan), ASYNC);
    } catch (error) {
      throw error instanceof FromCaller ? error.thrown : error;
    }
  };
  /** Runs a call after the earlier ones on its path: its directory may take longer to make than that of the next. */
  const inOrder = <T>({ target }: Plan, call: () => Promise<T>) => changes.queued(path.resolve(target), call);
  return {
    async replaceFileAtomic(options: Unchecked) {
      checkedJob(options, NAMES.replace);
      if (injects(options) && !isNodeAsync(options.fileSystem)) {
        if (!needsLock(options)) {
          return replaceWithHost(host, options);
        }
        const theirs = originals(host, 'replaceFileAtomic', 'fileSystem with renameIdentity');
        return typeof options.filePath === 'string' ? changes.queued(path.resolve(options.filePath), async () => theirs(options)) : theirs(options);
      }
      const plan = toPlan(host.HostError, options, { dirMode: 0o700 }, true);
      return await inOrder(plan, async () => {
        try {
          return await now(plan);
        } catch (error) {
          if (plan.source === undefined && wantsCopy(error, options, 'replaceFileAtomic', host)) {
            return host.original.replaceFileAtomic(options);
          }
          throw error;
        }
      });
    },
    replaceFileAtomicSync(options: Unchecked) {
      checkedJob(options, NAMES.replace);
      if (injects(options) && !isNodeSync(options.fileSystem)) {
        return needsLock(options)
          ? originals(host, 'replaceFileAtomicSync', 'fileSystem with renameIdentity')(options)
          : replaceWithHostSync(host, options);
      }
      try {
        return runNow(replace(host, toPlan(host.HostError, options, { dirMode: 0o700 })), SYNC);
      } catch (error) {
        if (wantsCopy(error, options, 'replaceFileAtomicSync', host)) {
          return host.original.replaceFileAtomicSync(options);
        }
        throw error instanceof FromCaller ? error.thrown : error;
      }
    },
    async writeTextAtomic(filePath: string, content: string, options?: Unchecked) {
      const { mode, dirMode, durable: asked, trailingNewline, beforeRename, tempPrefix } = checked(options ?? {}, NAMES.writeText);
      const durable = asked ?? true;
      if (trailingNewline && typeof content !== 'string') {
        throw invalidType('content', 'of type string with trailingNewline', content);
      }
      const isEnded = !trailingNewline || content.endsWith('\n');
      const text = isEnded ? content : `${content}\n`;
      const rest = { mode, dirMode, beforeRename, tempPrefix, syncTempFile: durable, syncParentDir: durable };
      const plan = toPlan(host.HostError, { ...rest, filePath, content: text }, {}, true);
      await inOrder(plan, () => now(plan));
    },
  };
}
