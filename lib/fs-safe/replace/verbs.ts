// The steps of a replacement: one set for the calling thread, one with promises.

import { fs, path } from '../../base/node.js';
import { callBack, callBefore } from '../host-callbacks.js';
import { FromCaller, type HostErrorClass } from '../errors.js';
import { assertStaged, disappeared, type Identity } from '../injected/identity.js';
import { ensureDir, ensureDirSync } from '../../verbs/ensure-dir.js';
import { readLocalFileSafely, readLocalFileSafelySync } from '../../verbs/read.js';
import { stageAtomic } from '../../verbs/stage.js';
import { writeAtomic, writeAtomicSync } from '../../verbs/write.js';
import type { Plan } from './options.js';
import type { BigIntStats } from 'node:fs';

const { randomBytes } = process.getBuiltinModule('node:crypto');

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

async function before({ beforeRename, filePath }: Plan, tempPath: string) {
  try {
    await beforeRename?.({ filePath, tempPath });
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
    identity = await handle.stat({ bigint: true });
    if (plan.beforeRename !== undefined) {
      await before(plan, tempPath);
      assertCurrent(HostError, tempPath, await fs.promises.lstat(tempPath, { bigint: true }).catch((error) => error), identity);
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

/** Whether the removed temporary still has its name: a failed commit removes it, and tells only in its error. */
async function isStill(tempPath: string, identity: BigIntStats | undefined) {
  const seen = await fs.promises.lstat(tempPath, { bigint: true }).catch(() => undefined);
  return seen !== undefined && seen.dev === identity?.dev && seen.ino === identity.ino;
}

/**
 * Synchronous twin of {@link writeStaged}. Passes a separate file beside the target to the callback, then writes its
 * content to the target with every guarantee of a write, and removes the file.
 */
function writeStagedSync(HostError: HostErrorClass, plan: Plan, beforeRename: NonNullable<Plan['beforeRename']>) {
  const { filePath, target, content, options } = plan;
  const tempPath = path.join(path.dirname(target), `.holdfast-${randomBytes(16).toString('hex')}.tmp`);
  writeAtomicSync(tempPath, content, { overwrite: false, mode: 0o600, durable: false });
  // Open until the end, so that no other file can get its inode number.
  const fd = fs.openSync(tempPath, fs.constants.O_RDONLY | fs.constants.O_NOFOLLOW | fs.constants.O_NONBLOCK);
  try {
    const identity = fs.fstatSync(fd, { bigint: true });
    let written;
    let failure: { error: unknown } | undefined;
    try {
      callBefore(beforeRename, { filePath, tempPath });
      assertCurrent(HostError, tempPath, lookExactly(tempPath), identity);
      plan.assertMayChange();
      written = writeAtomicSync(target, fs.readFileSync(fd), options);
    } catch (error) {
      failure = { error };
    }
    const cleaning = removeOwn(tempPath, identity);
    if (failure !== undefined) {
      throw toThrow(failure.error, cleaning, plan);
    }
    if (cleaning !== undefined && plan.throwOnCleanupError) {
      throw toThrow(cleaning, cleaning, plan);
    }
    return written;
  } finally {
    fs.closeSync(fd);
  }
}

function lookExactly(file: string) {
  try {
    return fs.lstatSync(file, { bigint: true });
  } catch (error) {
    return error as Error;
  }
}

/** Removes the temporary, but no other object under its name. Returns the error of the removal. */
function removeOwn(tempPath: string, { dev, ino }: { dev: bigint; ino: bigint }): unknown {
  const seen = lookExactly(tempPath);
  if (seen instanceof Error || seen.dev !== dev || seen.ino !== ino) {
    return undefined;
  }
  try {
    fs.unlinkSync(tempPath);
    return undefined;
  } catch (error) {
    return error;
  }
}

/** Returns the lstat of a path, or `undefined` on an error. */
function lstatSync(file: string) {
  try {
    return fs.lstatSync(file);
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
  write,
  lstat: (file: string) => fs.promises.lstat(file).catch(() => undefined),
  identify: (file: string): BigIntStats | undefined | Promise<BigIntStats | undefined> => fs.promises.lstat(file, { bigint: true }).catch(() => undefined),
  hasContent: (plan: Plan): boolean | Promise<boolean> =>
    readLocalFileSafely(plan.target).then(
      ({ buffer }) => isContent(plan, buffer),
      () => false,
    ),
  wait: (ms: number) => new Promise((resolve) => setTimeout(resolve, ms)),
};

const SYNC = {
  ensureDir: ensureDirSync,
  write: writeSync,
  lstat: lstatSync,
  identify: identifySync,
  hasContent: hasContentSync,
  wait: waitSync,
};

export { ASYNC, SYNC };
