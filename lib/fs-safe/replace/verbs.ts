// The steps of a replacement, on the calling thread and with promises.

import { fs, path } from '../../base/node.js';
import { callBack, callBefore } from '../authority.js';
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
 * Whether the temporary is still the file that was staged, and only that. The original asks the same.
 *
 * @param seen by its name, or why it was not
 */
function assertCurrent(HostError: HostErrorClass, tempPath: string, seen: BigIntStats | Error, staged: Identity) {
  if (seen instanceof Error) {
    throw disappeared(HostError, tempPath, seen);
  }
  assertStaged(HostError, tempPath, seen, staged, true);
}

/** Cleans up after a failure, whose error counts for more than that of the cleaning, unless the caller wants both. */
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

/** What the caller wants to know of a file that has its name, by the numbers of its descriptor. */
export function tellPublished({ filePath, onDestinationState }: Plan, { dev, ino }: { dev: number | bigint; ino: number | bigint }) {
  const state = Object.freeze({ state: 'published', path: filePath, dev: BigInt(dev), ino: BigInt(ino) });
  callBack(onDestinationState, 'onDestinationState', [state]);
}

/** What a replacement needs of the result of a write. */
interface Written {
  method: string;
  dev: number | bigint;
  ino: number | bigint;
}

function write(HostError: HostErrorClass, plan: Plan): Promise<Written> {
  return plan.isWatched ? writeStaged(HostError, plan) : writeAtomic(plan.target, plan.content, plan.options);
}

/** The same on the calling thread, where nothing of the caller's can run between the first step and the last. */
function writeSync(HostError: HostErrorClass, plan: Plan) {
  const { beforeRename } = plan;
  return beforeRename === undefined
    ? writeAtomicSync(plan.target, plan.content, plan.options)
    : writeStagedSync(HostError, plan, beforeRename);
}

/**
 * Writes in steps, for a caller that sees the file before it becomes the target, is asked once more, or is told of it
 * even when what follows fails.
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
    await staged.abort();
    if (identity !== undefined && (error as { published?: unknown } | undefined)?.published === true) {
      tellPublished(plan, identity);
    }
    const isLeft = plan.throwOnCleanupError && (await isStill(staged.tempPath, identity));
    throw toThrow(error, isLeft ? 'it is still there' : undefined, plan);
  }
}

/** Whether a temporary that was removed has its name all the same: removing it tells nothing. */
async function isStill(tempPath: string, identity: BigIntStats | undefined) {
  const seen = await fs.promises.lstat(tempPath, { bigint: true }).catch(() => undefined);
  return seen !== undefined && seen.dev === identity?.dev && seen.ino === identity.ino;
}

/**
 * The same on the calling thread. What the caller sees is a file of its own beside the target; what it has become is
 * written to the target with all that a write promises, and the file removed.
 */
function writeStagedSync(HostError: HostErrorClass, plan: Plan, beforeRename: NonNullable<Plan['beforeRename']>) {
  const { filePath, target, content, options } = plan;
  const tempPath = path.join(path.dirname(target), `.holdfast-${randomBytes(16).toString('hex')}.tmp`);
  writeAtomicSync(tempPath, content, { overwrite: false, mode: 0o600, durable: false });
  // Held open: a file that takes its place cannot have its number.
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

/**
 * Removes the temporary, and nothing that somebody put in its place.
 *
 * @returns why it is still there
 */
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

/** What is at a path, or nothing where it cannot be told. */
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
