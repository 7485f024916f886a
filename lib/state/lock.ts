// Locks that the kernel holds: `withLock`, `acquireLock`, `tryLock`.

import { path as nodePath } from '../base/node.js';
import { quoted } from '../base/escape.js';
import { HoldfastError, pending, promised, shown } from '../errors/holdfast-error.js';
import { native } from '../native/load.js';
import { IdentityIndex, Layout, LockIndex } from '../native/record-layout.js';
import { lockArguments, type LockArguments } from '../options/locking.js';
import { pathForLater, toPath } from '../options/paths.js';
import { LOCK, TRY_LOCK } from '../options/schema.js';
import { invalidThis, invalidType, noArguments, noCallback } from '../options/validate.js';
import { inPool } from '../schedule/job-limit.js';
import { locks, type LockName, type Turn } from '../schedule/lock-queue.js';
import { withRoot } from '../schedule/root-handle.js';
import { targetOf } from '../schedule/write-queue.js';
import { contend, type Attempt } from './contend.js';
import { holderText } from './holder.js';
import { endUse, refuseNested, whileHeld, type HeldLock } from './held-locks.js';
import record = require('../native/record.js');
import type { MethodRoot } from '../options/flatten.js';
import type { Handle } from '../native/binding.js';
import type { NativePath } from '../errors/failure.js';

/** Bits of src/verbs/lock.rs. */
const SHARED = 1 << 10;
const FOR_FILE = 1 << 11;
const ROOT_BY_PATH = 1 << 12;

/** A path with the options of a lock, as of the call. */
export interface LockRequest {
  /** the path as the caller gave it */
  given: string;
  fixed: NativePath;
  name: LockName;
  args: LockArguments;
  /** the option `root` as of the call */
  root: NativePath | undefined;
  methodRoot: MethodRoot | undefined;
  /** the call, for messages */
  verb: string;
}

/** A lock that this environment has. */
export interface Held {
  handle: Handle;
  turn: Turn;
  given: string;
  lockFile: string;
  /** device and inode of the lock file */
  identity: string;
  isOfHost: boolean;
  /** set while a callback has the lock */
  context?: HeldLock;
}

export function toRequest(file: unknown, args: LockArguments, methodRoot: MethodRoot | undefined, verb: string): LockRequest {
  const path = toPath(file, 'path');
  const fixed = pathForLater(path, methodRoot !== undefined || args.root !== undefined);
  const root = args.root === undefined ? undefined : pathForLater(toPath(args.root, 'root'), false);
  const flags = args.flags | (verb === 'an update' ? FOR_FILE : 0) | (root === undefined ? 0 : ROOT_BY_PATH);
  return { given: shown(path), fixed, name: lockName(fixed, root, methodRoot, args), args: { ...args, flags }, root, methodRoot, verb };
}

/** Bits of an addon call's flags: the policy. */
const POLICY = 3;

/** Returns the name of a lock in the queue. */
export function lockName(fixed: NativePath, root: NativePath | undefined, methodRoot: MethodRoot | undefined, { flags, lockDir }: LockArguments): LockName {
  const target = targetOf(fixed, root, methodRoot, flags & POLICY);
  const named = lockDir === undefined ? '' : nodePath.resolve(shown(lockDir));
  // The directory of the file itself is the default.
  return locks.nameOf(target, named === nodePath.dirname(target.text ?? '') ? '' : named, fixed);
}

function toHeld(result: record.Result, handle: Handle, turn: Turn, given: string): Held {
  const { numbers } = result;
  const [lockFile] = textsOf(result);
  return {
    handle,
    turn,
    given,
    lockFile,
    identity: `${numbers[IdentityIndex.DEV]}:${numbers[IdentityIndex.INO]}`,
    isOfHost: numbers[LockIndex.IS_OF_HOST] === 1,
  };
}

/** Returns the path of the lock file, and the text about its holder. */
function textsOf({ numbers, text }: record.Result) {
  return text.toString('utf8', 0, numbers[Layout.TEXT_LENGTH]).split('\0');
}

/** Returns a function that asks the kernel once. It keeps the lock file open for the next time. */
function attempts({ given, fixed, name, args, root, methodRoot, verb }: LockRequest, turn: Turn) {
  let handle: Handle | undefined;
  const attempt = () =>
    inPool(async (): Promise<Attempt<Held>> => {
      const result = await (handle === undefined ? open() : again(handle));
      if (record.failed(result)) {
        throw record.failure(result, given, { verb: verb === 'an update' ? 'update' : 'lock', lockDir: args.lockDir });
      }
      const held = toHeld(result, handle as Handle, turn, given);
      if (result.numbers[LockIndex.IS_HELD] === 1) {
        return { value: held };
      }
      refuseNested(name.key, given, held.identity);
      return { holder: textsOf(result)[1] ?? '', lock: held.identity };
    });
  const open = () =>
    withRoot(root, methodRoot, async (base) => {
      const [answer, opened] = await native().lockOpen(fixed, args.flags, args.modes, args.lockDir, holderText(), base?.handle);
      handle = opened;
      return record.unpack(answer);
    });
  const again = async (lock: Handle) => {
    const [answer] = await native().lockTry(lock, holderText());
    return record.unpack(answer);
  };
  const close = () => handle === undefined ? undefined : native().lockRelease(handle);
  return { attempt, close };
}

/** Waits for a lock. */
export async function acquire(request: LockRequest): Promise<Held> {
  const { given, name, args } = request;
  const { timeoutMs, signal, flags } = args;
  signal?.throwIfAborted();
  refuseNested(name.key, given);
  const turn = locks.enter(name, (flags & SHARED) !== 0, true, request.verb);
  const { attempt, close } = attempts(request, turn);
  try {
    const held = await contend({ turn, given, timeoutMs, signal, attempt, discard: close });
    locks.hold(turn, held.identity);
    return held;
  } catch (error) {
    await close();
    throw error;
  }
}

/** Takes a lock if it is free now. */
async function tryAcquire(request: LockRequest): Promise<Held | undefined> {
  try {
    return await acquire({ ...request, args: { ...request.args, timeoutMs: 0 } });
  } catch (error) {
    if (error instanceof HoldfastError && error.code === 'lock-timeout') {
      return undefined;
    }
    throw error;
  }
}

/**
 * Releases a lock. On the calling thread, if its file lies on a file system of this host.
 *
 * @param errorOf returns the error of a release that failed
 * @returns the error: `lock-lost` where the lock file was removed or replaced, or that of looking at it
 */
export async function release({ handle, turn, given, isOfHost, context }: Held, errorOf: (result: record.Result, given: string) => Error | undefined = record.failure): Promise<Error | undefined> {
  if (context !== undefined) {
    context.isHeld = false;
  }
  try {
    let result = record.last;
    if (isOfHost) {
      native().lockReleaseSync(handle, record.scratch);
    } else {
      const [answer] = await native().lockRelease(handle);
      result = record.unpack(answer);
    }
    return record.failed(result) ? errorOf(result, given) : undefined;
  } finally {
    locks.leave(turn);
  }
}

/** Releases the locks that the program forgot. */
const forgotten: FinalizationRegistry<Held> = new FinalizationRegistry((held) => {
  process.emitWarning(`A lock for ${quoted(held.given)} was forgotten and is released now: call release(), or use withLock or \`await using\`.`, {
    type: 'HoldfastWarning',
    code: 'HOLDFAST_LOCK_FORGOTTEN',
  });
  release(held).catch(() => {});
});

/** Releases a lock, unless that was done, and tells its outcome as often as it is called. */
let outcomeOf: (lock: Lock) => Promise<void>;

class Lock {
  static {
    outcomeOf = (lock) => (lock.#released ??= lock.#release());
  }

  // Fields, and not assignments alone: an accessor of `Object.prototype` is not called.
  readonly path: string;
  readonly lockFile: string;
  readonly shared: boolean;
  readonly scope: 'host' | 'unknown';
  #held: Held;
  #released: Promise<void> | undefined;

  constructor(held: Held, path: string) {
    this.#held = held;
    this.path = path;
    this.lockFile = held.lockFile;
    this.shared = held.turn.shared;
    this.scope = held.isOfHost ? 'host' : 'unknown';
    forgotten.register(this, held, this);
  }

  /** Throws if a method is called without its object. */
  static #bound(lock: unknown): Lock {
    if (typeof lock !== 'object' || lock === null || !(#held in lock)) {
      throw invalidThis('Lock', Lock.prototype.release);
    }
    return lock;
  }

  /** Takes no arguments. Later calls wait for the first one, whose error is told once. */
  release(...given: unknown[]): Promise<void> {
    return promised(() => {
      const lock = Lock.#bound(this);
      noArguments(given, 'release', 'it releases its own lock');
      if (lock.#released !== undefined) {
        return pending(lock.#released.catch(() => {}));
      }
      return pending(outcomeOf(lock));
    }, Lock.prototype.release);
  }

  async #release() {
    forgotten.unregister(this);
    endUse(this);
    const error = await release(this.#held);
    if (error !== undefined) {
      throw error;
    }
  }

  [Symbol.asyncDispose]() {
    return Lock.prototype.release.call(this);
  }
}

function toLock(held: Held, { fixed, root, methodRoot }: LockRequest) {
  return new Lock(held, nodePath.resolve(methodRoot?.path ?? (root === undefined ? '' : shown(root)), shown(fixed)));
}

export async function lockThenCall<T>(request: LockRequest, call: (lock: Lock) => T | Promise<T>): Promise<T> {
  const held = await acquire(request);
  const lock = toLock(held, request);
  return whileHeld(lock, { key: request.name.key, identity: held.identity, isShared: lock.shared }, async (context) => {
    held.context = context;
    let result: T;
    try {
      result = await call(lock);
    } catch (error) {
      await outcomeOf(lock).catch((lost: unknown) => {
        throw lost === error || isUnchecked(lost) ? error : withCause(lost, error);
      });
      throw error;
    }
    await outcomeOf(lock);
    return result;
  });
}

/** Returns whether the release could not find out whether the lock was lost. */
function isUnchecked(lost: unknown) {
  return (lost as { errno?: unknown }).errno !== undefined;
}

/** Adds the error of the callback to that of the release, which says that another holder may have been there. */
function withCause(lost: unknown, cause: unknown) {
  return lost instanceof Error ? Object.defineProperty(lost, 'cause', { value: cause, configurable: true, writable: true }) : lost;
}

export async function withLockOf<T>(file: unknown, call: unknown, options: unknown, methodRoot: MethodRoot | undefined): Promise<T> {
  if (typeof call !== 'function') {
    throw invalidType('fn', 'of type function', call);
  }
  const request = toRequest(file, lockArguments(options, methodRoot?.defaults, LOCK), methodRoot, 'withLock');
  return lockThenCall(request, call as (lock: Lock) => T);
}

export async function acquireLockOf(file: unknown, options: unknown, methodRoot: MethodRoot | undefined) {
  const request = toRequest(file, lockArguments(options, methodRoot?.defaults, LOCK), methodRoot, 'acquireLock');
  return toLock(await acquire(request), request);
}

export async function tryLockOf(file: unknown, options: unknown, methodRoot: MethodRoot | undefined) {
  const request = toRequest(file, lockArguments(options, methodRoot?.defaults, TRY_LOCK), methodRoot, 'tryLock');
  const held = await tryAcquire(request);
  return held === undefined ? undefined : toLock(held, request);
}

export function withLock<T>(file: unknown, fn: unknown, options?: unknown, callback: unknown = undefined): Promise<T> {
  return promised(() => {
    noCallback(callback);
    return pending(withLockOf<T>(file, fn, options, undefined));
  }, withLock);
}

export function acquireLock(file: unknown, options?: unknown, callback: unknown = undefined) {
  return promised(() => {
    noCallback(callback);
    return pending(acquireLockOf(file, options, undefined));
  }, acquireLock);
}

export function tryLock(file: unknown, options?: unknown, callback: unknown = undefined) {
  return promised(() => {
    noCallback(callback);
    return pending(tryLockOf(file, options, undefined));
  }, tryLock);
}

export type { Lock };
