// Appends whole records: `appendRecord`, `appendRecords`, `appendJson`.

import { atCaller, invalidState, lockTimeout, pending, promised, shown, tooLarge } from '../errors/holdfast-error.js';
import { quoted } from '../base/escape.js';
import { direct } from '../native/direct.js';
import { native } from '../native/load.js';
import { AppendIndex, IdentityIndex, Layout } from '../native/record-layout.js';
import { appendArguments, type AppendArguments } from '../options/locking.js';
import { pathForLater, toPath } from '../options/paths.js';
import { noSignal } from '../options/flatten.js';
import { toJson, toRecord, toRecords } from '../options/records.js';
import { noCallback, noCallbackSync } from '../options/validate.js';
import { inPool } from '../schedule/job-limit.js';
import { locks } from '../schedule/lock-queue.js';
import { withRoot, withRootSync, type Opened } from '../schedule/root-handle.js';
import { now } from './clock.js';
import { contend, pauseAfter, type Attempt } from './contend.js';
import { refuseNested } from './held-locks.js';
import { isAboutThisProcess } from './holder.js';
import { lockName } from './lock.js';
import record = require('../native/record.js');
import type { MethodRoot } from '../options/flatten.js';
import type { NativePath } from '../errors/failure.js';

/** Bits of an append's flags: what is synced. */
const DURABLE = 3 << 6;

function toResult(result: record.Result, path: NativePath, durable: boolean) {
  const { numbers } = result;
  return {
    path: record.realPath(result, path, undefined),
    offset: numbers[AppendIndex.OFFSET],
    size: numbers[AppendIndex.SIZE],
    created: numbers[AppendIndex.CREATED] === 1,
    isolated: numbers[AppendIndex.ISOLATED] === 1,
    rotated: numbers[AppendIndex.ROTATED] === 1,
    durable,
    containment: record.containment(result),
  };
}

/** Creates the error of a failed append. `torn`: a part of the record is in the file. */
function toFailure(result: record.Result, given: NativePath, { limit, lockDir }: AppendArguments) {
  const error = record.failure(result, given, { verb: 'append', lockDir, maxBytes: limit < 0 ? undefined : limit });
  return result.numbers[AppendIndex.IS_TORN] === 1 ? Object.assign(error, { torn: true }) : error;
}

/** Refuses records that no file of the limit can hold, before one is created for them. */
function fits(bytes: Uint8Array, { limit }: AppendArguments, path: NativePath) {
  if (limit >= 0 && bytes.length > limit) {
    throw tooLarge(path, 'records', undefined, limit);
  }
}

function isDone({ numbers }: record.Result) {
  return numbers[AppendIndex.IS_DONE] === 1;
}

/** Returns the text about the holder of the lock. */
function holderOf({ numbers, text }: record.Result) {
  return text.toString('utf8', 0, numbers[Layout.TEXT_LENGTH]);
}

/** Returns device and inode of the lock file. */
function lockOf({ numbers }: record.Result) {
  return `${numbers[IdentityIndex.DEV]}:${numbers[IdentityIndex.INO]}`;
}

async function append(file: unknown, bytes: Uint8Array, args: AppendArguments, methodRoot: MethodRoot | undefined) {
  const path = toPath(file, 'file');
  const { flags, modes, limit, lockDir, timeoutMs, signal } = args;
  signal?.throwIfAborted();
  fits(bytes, args, path);
  const given = shown(path);
  const fixed = pathForLater(path, methodRoot !== undefined || args.root !== undefined);
  const root = args.root === undefined ? undefined : pathForLater(toPath(args.root, 'root'), false);
  const name = lockName(fixed, root, methodRoot, args);
  refuseNested(name.key, given);
  const flag = signal && native().appendFlagNew();
  const attempt = () =>
    inPool(() =>
      withRoot(root, methodRoot, async (base): Promise<Attempt<Done>> => {
        signal?.throwIfAborted();
        const [answer, unsynced] = await native().appendAsync(fixed, bytes, flags, modes, base?.handle, limit, lockDir, flag);
        const result = record.unpack(answer);
        if (signal && record.wasAborted(result)) {
          throw signal.reason;
        }
        if (record.failed(result)) {
          throw toFailure(result, given, args);
        }
        if (isDone(result)) {
          return { value: { result, unsynced } };
        }
        const lock = lockOf(result);
        refuseNested(name.key, given, lock);
        return { holder: holderOf(result), lock };
      }),
    );
  const turn = locks.enter(name, false, false, 'an append');
  const mayEnd = flag && (() => native().appendStop(flag));
  const { result, unsynced } = await contend({ turn, given, timeoutMs, signal, attempt, mayEnd });
  locks.leave(turn);
  if (unsynced === undefined) {
    return toResult(result, fixed, false);
  }
  const [answer] = await inPool(() => native().appendFlush(unsynced));
  const flushed = record.unpack(answer);
  if (record.failed(flushed)) {
    throw toFailure(flushed, given, args);
  }
  return toResult(result, fixed, flushed.numbers[AppendIndex.DURABLE] === 1);
}

interface Done {
  result: record.Result;
  unsynced: Parameters<ReturnType<typeof native>['appendFlush']>[0] | undefined;
}

function appendSync(file: unknown, bytes: Uint8Array, args: AppendArguments, methodRoot: MethodRoot | undefined) {
  const path = toPath(file, 'file');
  noSignal(args.signal);
  fits(bytes, args, path);
  return args.root === undefined ? appendNow(path, bytes, args, undefined, methodRoot) : appendBeneath(args.root, path, bytes, args);
}

/** Separate function so that the hot path allocates no closure. */
function appendBeneath(root: unknown, path: NativePath, bytes: Uint8Array, args: AppendArguments) {
  return withRootSync(root, undefined, (base) => appendNow(path, bytes, args, root, base));
}

function appendNow(path: NativePath, bytes: Uint8Array, args: AppendArguments, root: unknown, base: Opened | undefined) {
  const { flags, modes, limit, lockDir } = args;
  direct().appendSync(path, bytes, flags, modes, base?.handle, base?.number, limit, lockDir);
  const { last } = record;
  if (record.failed(last)) {
    throw toFailure(last, path, args);
  }
  if (!isDone(last)) {
    wake(path, bytes, args, root, base);
  }
  return toResult(last, path, (flags & DURABLE) !== 0 && last.numbers[AppendIndex.DURABLE] === 1);
}

/** Lateness of a pause that counts, in milliseconds. */
const LATENESS_MS = 25;

/** Appends once the lock is free. Blocks the thread, so a lock that this thread has to release is refused. */
function wake(path: NativePath, bytes: Uint8Array, args: AppendArguments, root: unknown, base: Opened | undefined) {
  const { flags, modes, limit, lockDir, timeoutMs } = args;
  const { last } = record;
  const fixed = pathForLater(path, base !== undefined);
  const fixedRoot = root === undefined ? undefined : pathForLater(toPath(root, 'root'), false);
  let holder = holderOf(last);
  // Before the name of the lock is made: to make it can take a call whose answer replaces the last one.
  const lock = lockOf(last);
  const name = lockName(fixed, fixedRoot, root === undefined ? (base as MethodRoot | undefined) : undefined, args);
  refuseNested(name.key, shown(path), lock);
  if (locks.isHeldByCaller(name, lock)) {
    throw invalidState(`the lock for ${quoted(shown(path))} is held, or asked for, by an earlier call of this thread, which cannot go on while this one waits. Use the asynchronous form`);
  }
  const cell = new Int32Array(new SharedArrayBuffer(4));
  let waited = 0;
  for (let attempts = 0; ; attempts += 1) {
    if (waited >= timeoutMs) {
      throw lockTimeout(path, holder === '' ? undefined : holder, undefined, isAboutThisProcess(holder));
    }
    const pause = Math.min(timeoutMs - waited, pauseAfter(attempts));
    const began = now();
    Atomics.wait(cell, 0, 0, pause);
    // Time during which the process was stopped does not count.
    waited += Math.min(now() - began, pause + LATENESS_MS);
    direct().appendSync(fixed, bytes, flags, modes, base?.handle, base?.number, limit, lockDir);
    if (record.failed(last)) {
      throw toFailure(last, path, args);
    }
    if (isDone(last)) {
      return;
    }
    holder = holderOf(last);
  }
}

export async function appendRecordOf(file: unknown, data: unknown, options: unknown, methodRoot: MethodRoot | undefined) {
  return append(file, toRecord(data, 'record', file), appendArguments(options, methodRoot?.defaults), methodRoot);
}

export async function appendRecordsOf(file: unknown, data: unknown, options: unknown, methodRoot: MethodRoot | undefined) {
  const args = appendArguments(options, methodRoot?.defaults);
  // Before a generator runs.
  args.signal?.throwIfAborted();
  return append(file, toRecords(data, file), args, methodRoot);
}

export async function appendJsonOf(file: unknown, value: unknown, options: unknown, methodRoot: MethodRoot | undefined) {
  return append(file, toRecord(toJson(value), 'value', file), appendArguments(options, methodRoot?.defaults), methodRoot);
}

export function appendRecordSyncOf(file: unknown, data: unknown, options: unknown, methodRoot: MethodRoot | undefined) {
  return appendSync(file, toRecord(data, 'record', file), appendArguments(options, methodRoot?.defaults), methodRoot);
}

export function appendRecordsSyncOf(file: unknown, data: unknown, options: unknown, methodRoot: MethodRoot | undefined) {
  return appendSync(file, toRecords(data, file), appendArguments(options, methodRoot?.defaults), methodRoot);
}

export function appendJsonSyncOf(file: unknown, value: unknown, options: unknown, methodRoot: MethodRoot | undefined) {
  return appendSync(file, toRecord(toJson(value), 'value', file), appendArguments(options, methodRoot?.defaults), methodRoot);
}

export function appendRecord(file: unknown, record: unknown, options?: unknown, callback: unknown = undefined) {
  return promised(() => {
    noCallback(callback);
    return pending(appendRecordOf(file, record, options, undefined));
  }, appendRecord);
}

export function appendRecordSync(file: unknown, record: unknown, options?: unknown, callback: unknown = undefined) {
  try {
    noCallbackSync(callback);
    return appendRecordSyncOf(file, record, options, undefined);
  } catch (error) {
    throw atCaller(error, appendRecordSync);
  }
}

export function appendRecords(file: unknown, records: unknown, options?: unknown, callback: unknown = undefined) {
  return promised(() => {
    noCallback(callback);
    return pending(appendRecordsOf(file, records, options, undefined));
  }, appendRecords);
}

export function appendRecordsSync(file: unknown, records: unknown, options?: unknown, callback: unknown = undefined) {
  try {
    noCallbackSync(callback);
    return appendRecordsSyncOf(file, records, options, undefined);
  } catch (error) {
    throw atCaller(error, appendRecordsSync);
  }
}

export function appendJson(file: unknown, value: unknown, options?: unknown, callback: unknown = undefined) {
  return promised(() => {
    noCallback(callback);
    return pending(appendJsonOf(file, value, options, undefined));
  }, appendJson);
}

export function appendJsonSync(file: unknown, value: unknown, options?: unknown, callback: unknown = undefined) {
  try {
    noCallbackSync(callback);
    return appendJsonSyncOf(file, value, options, undefined);
  } catch (error) {
    throw atCaller(error, appendJsonSync);
  }
}
