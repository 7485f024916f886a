// `stat`, `lstat`, `exists` and `readlink` of a path beneath a root.

import { os } from '../base/node.js';
import { abortable } from '../schedule/abort.js';
import { direct } from '../native/direct.js';
import { pending, shown } from '../errors/holdfast-error.js';
import { mayAnswerNow } from '../schedule/sync-budget.js';
import { native } from '../native/load.js';
import { noSignal, type MethodRoot } from '../options/flatten.js';
import { statArguments } from '../options/list.js';
import { pathForLater, toPath } from '../options/paths.js';
import { inPool } from '../schedule/job-limit.js';
import record = require('../native/record.js');
import { Layout } from '../native/record-layout.js';
import { Stats } from '../native/stats.js';
import { table } from '../base/lookup-table.js';
import type { NativePath } from '../errors/failure.js';

/** Bits of src/args.rs, `policy`. */
const POLICIES = table({ reject: 0, 'follow-within-root': 2 });

/** Bit of src/verbs/stat.rs: the stat of a final link itself. */
const LSTAT = 1 << 2;

/** Policy of src/args.rs: links on the way are followed. */
const FOLLOW_PARENTS = 1;

type Found = InstanceType<typeof Stats>;

const { ENOENT } = os.constants.errno;

/** Returns the stat that a record has; throws its error. */
function toStat(result: record.Result, path: NativePath): Found {
  if (record.failed(result)) {
    throw record.failure(result, path);
  }
  return new Stats(result.numbers);
}

/** Returns whether a record has a stat; throws its error, unless it is `not-found`. */
function toExists(result: record.Result, path: NativePath): boolean {
  if (record.failed(result) && !record.hasCode(result, 'not-found')) {
    throw record.failure(result, path);
  }
  return !record.failed(result);
}

/** Returns the stat that a record has, or `undefined` if the path does not exist: an error would cost more. */
function toFound(result: record.Result, path: NativePath): Found | undefined {
  return record.isRefusal(result, 'not-found', ENOENT) ? undefined : toStat(result, path);
}

/** Runs on the calling thread if the kernel has the path cached, and otherwise in libuv's pool. */
function soon<T>(path: NativePath, flags: number, methodRoot: MethodRoot, convert: (result: record.Result, path: NativePath) => T): T | Promise<T> {
  let probe = 0;
  if (mayAnswerNow()) {
    direct().statCached(path, flags, methodRoot.handle, methodRoot.number);
    const { last } = record;
    if (record.isAnswer(last)) {
      return convert(last, path);
    }
    probe = record.probeFlag(last);
  }
  return pending(statInPool(path, (flags | probe) >>> 0, methodRoot, convert));
}

async function statInPool<T>(path: NativePath, flags: number, methodRoot: MethodRoot, convert: (result: record.Result, path: NativePath) => T) {
  const given = shown(path);
  const fixed = pathForLater(path, true);
  return inPool(async () => {
    const [answer] = await native().statAsync(fixed, flags, methodRoot.handle);
    return convert(record.unpack(answer), given);
  });
}

/** For the adapters. */
export function findStat(file: unknown, symlinks: 'reject' | 'follow-within-root', methodRoot: MethodRoot): Found | undefined | Promise<Found | undefined> {
  return soon(toPath(file, 'file'), POLICIES[symlinks], methodRoot, toFound);
}

/**
 * Returns the lstat of an absolute path without links on its way; `undefined` if the kernel does not have it cached, or
 * there is nothing. Never blocks. For the adapters.
 */
export function lstatCached(path: string): Float64Array | undefined {
  if (!mayAnswerNow()) {
    return undefined;
  }
  direct().statCached(path, LSTAT, undefined, undefined);
  const { last } = record;
  return record.isAnswer(last) && !record.failed(last) ? last.numbers : undefined;
}

/** Returns the lstat of an absolute path. Node's permission model does not restrict it. For the adapters. */
export async function lstatAt(path: string): Promise<Found> {
  const numbers = lstatCached(path);
  return numbers === undefined ? inPool(async () => toStat(record.unpack((await native().statAsync(path, LSTAT | FOLLOW_PARENTS, undefined))[0]), path)) : new Stats(numbers);
}

/** Synchronous twin of {@link lstatAt}. */
export function lstatAtSync(path: string): Found {
  direct().statSync(path, LSTAT | FOLLOW_PARENTS, undefined, undefined);
  return toStat(record.last, path);
}

/** Returns the target of a symlink by its absolute path, as {@link lstatAt} does. */
export async function readlinkAt(path: string): Promise<string> {
  return inPool(async () => toTarget(record.unpack((await native().readlinkAsync(path, FOLLOW_PARENTS, undefined))[0]), path));
}

/** Synchronous twin of {@link readlinkAt}. */
export function readlinkAtSync(path: string): string {
  direct().readlinkSync(path, FOLLOW_PARENTS, undefined, undefined);
  return toTarget(record.last, path);
}

function begin<T>(file: unknown, options: unknown, bits: number, methodRoot: MethodRoot, convert: (result: record.Result, path: NativePath) => T): T | Promise<T> {
  const path = toPath(file, 'path');
  const { flags, signal } = statArguments(options, methodRoot.defaults);
  signal?.throwIfAborted();
  const found = soon(path, flags | bits, methodRoot, convert);
  return found instanceof Promise ? abortable(signal, found) : found;
}

function now<T>(file: unknown, options: unknown, bits: number, methodRoot: MethodRoot, convert: (result: record.Result, path: NativePath) => T): T {
  const path = toPath(file, 'path');
  const { flags, signal } = statArguments(options, methodRoot.defaults);
  noSignal(signal);
  direct().statSync(path, flags | bits, methodRoot.handle, methodRoot.number);
  return convert(record.last, path);
}

export const stat = (file: unknown, options: unknown, methodRoot: MethodRoot) => begin(file, options, 0, methodRoot, toStat);
export const statSync = (file: unknown, options: unknown, methodRoot: MethodRoot) => now(file, options, 0, methodRoot, toStat);
export const lstat = (file: unknown, options: unknown, methodRoot: MethodRoot) => begin(file, options, LSTAT, methodRoot, toStat);
export const lstatSync = (file: unknown, options: unknown, methodRoot: MethodRoot) => now(file, options, LSTAT, methodRoot, toStat);
export const exists = (file: unknown, options: unknown, methodRoot: MethodRoot) => begin(file, options, LSTAT, methodRoot, toExists);
export const existsSync = (file: unknown, options: unknown, methodRoot: MethodRoot) => now(file, options, LSTAT, methodRoot, toExists);

function toTarget(result: record.Result, path: NativePath) {
  if (record.failed(result)) {
    throw record.failure(result, path);
  }
  return result.text.toString('utf8', 0, result.numbers[Layout.TEXT_LENGTH]);
}

export async function readlink(file: unknown, options: unknown, methodRoot: MethodRoot): Promise<string> {
  const path = toPath(file, 'path');
  const { flags, signal } = statArguments(options, methodRoot.defaults);
  signal?.throwIfAborted();
  const given = shown(path);
  const fixed = pathForLater(path, true);
  const reading = inPool(async () => {
    const [answer] = await native().readlinkAsync(fixed, flags, methodRoot.handle);
    return toTarget(record.unpack(answer), given);
  });
  return abortable(signal, reading);
}

export function readlinkSync(file: unknown, options: unknown, methodRoot: MethodRoot): string {
  const path = toPath(file, 'path');
  const { flags, signal } = statArguments(options, methodRoot.defaults);
  noSignal(signal);
  direct().readlinkSync(path, flags, methodRoot.handle, methodRoot.number);
  return toTarget(record.last, path);
}
