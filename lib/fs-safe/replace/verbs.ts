// The steps of a replacement: one set for the calling thread, one with promises.

import { BIGINT, path } from '../../base/node.js';
import { callBack, callBefore } from '../host-callbacks.js';
import { FromCaller, hostError, type HostErrorClass } from '../errors.js';
import { CHANGED, assertStaged, disappeared, type Identity } from '../injected/identity.js';
import { look, lookSync } from '../look.js';
import { changes } from '../order.js';
import { addBits, addBitsSync } from './directory-bits.js';
import { ensureDir, ensureDirSync } from '../../verbs/ensure-dir.js';
import { readLocalFileSafely, readLocalFileSafelySync } from '../../verbs/read.js';
import { applyMetadata, stageAtomic } from '../../verbs/stage.js';
import { stageSync } from '../../verbs/stage-sync.js';
import { writeAtomic, writeAtomicSync } from '../../verbs/write.js';
import type { Plan } from './options.js';
import type { BigIntStats } from 'node:fs';

/**
 * Throws unless the temporary is still the staged file and has a single name, as the original does.
 *
 * @param seen its lstat, or the error of that
 */
function assertCurrent(HostError: HostErrorClass, tempPath: string, seen: BigIntStats | Error, staged: Identity) {
  if (seen instanceof Error) {
    throw disappeared(HostError, tempPath, seen);
  }
  assertStaged(HostError, tempPath, seen, staged, true);
}

/** Returns the error after a failure and its cleanup. The failure takes precedence unless the caller requested both. */
function toThrow(failure: unknown, cleaning: unknown, plan: Plan) {
  return cleaning !== undefined && plan.throwOnCleanupError
    ? new Error(`the staged file could not be removed: ${cleaning}`, { cause: failure instanceof FromCaller ? failure.thrown : failure })
    : failure;
}

async function before({ beforeRename, filePath, target }: Plan, tempPath: string) {
  try {
    await changes.inHost(path.resolve(target), () => beforeRename?.({ filePath, tempPath }));
  } catch (error) {
    throw new FromCaller(error);
  }
}

/** Calls `onDestinationState` for a published file, with the identity from its descriptor. */
export function tellPublished({ filePath, onDestinationState }: Plan, { dev, ino }: { dev: number | bigint; ino: number | bigint }) {
  const state = Object.freeze({ state: 'published', path: filePath, dev: BigInt(dev), ino: BigInt(ino) });
  callBack(onDestinationState, 'onDestinationState', [state]);
}

/** Fields of a write's result that a replacement uses. */
interface Written {
  method: string;
  dev: number | bigint;
  ino: number | bigint;
}

function write(HostError: HostErrorClass, plan: Plan): Promise<Written> {
  return plan.isWatched ? writeStaged(HostError, plan) : writeAtomic(plan.target, plan.content, plan.options);
}

/** Synchronous twin of {@link write}. No code of the caller runs between its first and last step. */
function writeSync(HostError: HostErrorClass, plan: Plan) {
  const { beforeRename } = plan;
  return beforeRename === undefined
    ? writeAtomicSync(plan.target, plan.content, plan.options)
    : writeStagedSync(HostError, plan, beforeRename);
}

/**
 * Writes in steps, for a caller with a callback before the rename, or with one that must run even if a later step
 * fails.
 */
async function writeStaged(HostError: HostErrorClass, plan: Plan) {
  const { target, content, options } = plan;
  const staged = await stageAtomic(target, options);
  let identity: BigIntStats | undefined;
  try {
    const { handle, tempPath } = staged;
    await handle.writeFile(content);
    identity = await handle.stat(BIGINT);
    // A callback that never settles is collected, and Node 26 raises an error for an open handle that is collected.
    await handle.close();
    if (plan.beforeRename !== undefined) {
      await applyMetadata(staged);
      await before(plan, tempPath);
      assertCurrent(HostError, tempPath, await look(tempPath).catch((error) => error), identity);
    }
    plan.assertMayChange();
    const { method } = await staged.commit();
    return { method, dev: identity.dev, ino: identity.ino };
  } catch (error) {
    // `isStill` looks for what remains, where the host asks for it.
    await staged.abort().catch(() => {});
    if (identity !== undefined && (error as { published?: unknown } | undefined)?.published === true) {
      tellPublished(plan, identity);
    }
    const isLeft = plan.throwOnCleanupError && (await isStill(staged.tempPath, identity));
    throw toThrow(error, isLeft ? 'it is still there' : undefined, plan);
  }
}

/** Returns whether the removed temporary still has its name: a failed commit removes it, and tells only in its error. */
async function isStill(tempPath: string, identity: BigIntStats | undefined) {
  const seen = await look(tempPath).catch(() => undefined);
  return seen !== undefined && seen.dev === identity?.dev && seen.ino === identity.ino;
}

/** Synchronous twin of {@link writeStaged}. */
function writeStagedSync(HostError: HostErrorClass, plan: Plan, beforeRename: NonNullable<Plan['beforeRename']>) {
  const { filePath, target, content, options } = plan;
  const staged = stageSync(target, content, options);
  const { tempPath } = staged;
  let identity: BigIntStats | undefined;
  try {
    identity = identityOf(HostError, staged);
    callBefore(beforeRename, { filePath, tempPath });
    assertCurrent(HostError, tempPath, lookExactly(tempPath), identity);
    plan.assertMayChange();
    return staged.commit();
  } catch (error) {
    staged.abort();
    const seen = plan.throwOnCleanupError ? identifySync(tempPath) : undefined;
    const isLeft = seen !== undefined && seen.dev === identity?.dev && seen.ino === identity.ino;
    throw toThrow(error, isLeft ? 'it is still there' : undefined, plan);
  }
}

/** Returns the exact identity of a staged file. The binary holds it open, so that no other file gets its inode number. */
function identityOf(HostError: HostErrorClass, { tempPath, dev, ino, inoLow }: ReturnType<typeof stageSync>) {
  const seen = lookExactly(tempPath);
  if (seen instanceof Error) {
    throw disappeared(HostError, tempPath, seen);
  }
  if (Number(seen.dev) !== dev || Number(seen.ino) !== ino || Number(seen.ino & 0xffff_ffffn) !== inoLow) {
    throw hostError(HostError, 'path-mismatch', CHANGED);
  }
  return seen;
}

function lookExactly(file: string) {
  try {
    return lookSync(file);
  } catch (error) {
    return error as Error;
  }
}

/** Returns the lstat of a path, or `undefined` on an error. */
function lstatSync(file: string) {
  try {
    return lookSync(file);
  } catch {
    return undefined;
  }
}

function identifySync(file: string): BigIntStats | undefined {
  const seen = lookExactly(file);
  return seen instanceof Error ? undefined : seen;
}

function isContent({ content }: Plan, found: Uint8Array) {
  return Buffer.compare(typeof content === 'string' ? Buffer.from(content) : content, found) === 0;
}

function hasContentSync(plan: Plan) {
  try {
    return isContent(plan, readLocalFileSafelySync(plan.target).buffer);
  } catch {
    return false;
  }
}

function waitSync(ms: number) {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

const ASYNC = {
  ensureDir,
  addBits,
  write,
  lstat: (file: string) => look(file).catch(() => undefined),
  identify: (file: string): BigIntStats | undefined | Promise<BigIntStats | undefined> => look(file).catch(() => undefined),
  hasContent: (plan: Plan): boolean | Promise<boolean> =>
    readLocalFileSafely(plan.target).then(
      ({ buffer }) => isContent(plan, buffer),
      () => false,
    ),
  wait: (ms: number) => new Promise((resolve) => setTimeout(resolve, ms)),
};

const SYNC = {
  ensureDir: ensureDirSync,
  addBits: addBitsSync,
  write: writeSync,
  lstat: lstatSync,
  identify: identifySync,
  hasContent: hasContentSync,
  wait: waitSync,
};

export { ASYNC, SYNC };
