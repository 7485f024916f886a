import { util } from '../base/node.js';
import { abortable } from '../schedule/abort.js';
import { allocate, contentOf, decoded, shrunk, toText } from './read-content.js';
import { direct } from '../native/direct.js';
import { charge, mayAnswerNow, mayCopy, nextTurn } from '../schedule/sync-budget.js';
import { native } from '../native/load.js';
import { atCaller, pending, promised, refusal, shown } from '../errors/holdfast-error.js';
import { TEXT, noSignal, packRead, readArguments, readForm, type MethodRoot, type ReadArguments } from '../options/flatten.js';
import { isUrl, pathForLater, toPath } from '../options/paths.js';
import { hasRoom, inPool } from '../schedule/job-limit.js';
import { inBatch, joinBatch, openBatch, type Batch } from '../schedule/read-batch.js';
import record = require('../native/record.js');
import { reopen } from '../native/reopen.js';
import { withRoot, withRootSync, type Opened } from '../schedule/root-handle.js';
import { Stats } from '../native/stats.js';
import { invalidValue, noCallback, noCallbackSync } from '../options/validate.js';
import { ReadIndex } from '../native/record-layout.js';
import type { Handle } from '../native/binding.js';
import type { NativePath } from '../errors/failure.js';
import type { ReadResult, ReadTextResult } from '../../types/read.js';

const { types } = util;

/**
 * The result of a read. With `encoding` it has `text` instead of `buffer`; the overloads of the contract distinguish
 * them.
 */
type Result = ReadResult & ReadTextResult;

/** Parses both forms of a call: a path with options, or one object with everything. */
function toArguments(file: unknown, options: unknown, methodRoot: MethodRoot | undefined): { path: NativePath; args: ReadArguments } {
  if (isOptionsObject(file)) {
    const given = readForm(file as object, options);
    return { path: toPath(given.filePath, 'filePath'), args: packRead(given, methodRoot?.defaults) };
  }
  return { path: toPath(file, 'file'), args: readArguments(options, methodRoot?.defaults) };
}

function isOptionsObject(file: unknown) {
  return typeof file === 'object' && file !== null && !types.isUint8Array(file) && !isUrl(file) && !Array.isArray(file);
}

function toResult(result: record.Result, path: NativePath, root: Opened | undefined, content: Buffer | string): Result {
  const realPath = record.realPath(result, path, root?.path);
  const stat = new Stats(result.numbers);
  const containment = record.containment(result);
  return (typeof content === 'string' ? { text: content, realPath, stat, containment } : { buffer: content, realPath, stat, containment }) as ReadResult | ReadTextResult as Result;
}

export function readNow(path: NativePath, { flags, maxBytes, encoding }: ReadArguments, root: Opened | undefined) {
  const memory = direct().readSync(path, flags, maxBytes, allocate, root?.handle, root?.number);
  if (record.failed(record.last)) {
    throw record.failure(record.last, path, { maxBytes });
  }
  if (typeof memory === 'string') {
    return toResult(record.last, path, root, memory);
  }
  const result = toResult(record.last, path, root, contentOf(memory as ArrayBuffer | Buffer, record.last.numbers[ReadIndex.LENGTH]));
  return encoding === undefined ? result : toText(result, encoding, path);
}

/** Reads a file of a root as UTF-8, and makes no result object. */
export function readStringSync(path: NativePath, { flags, maxBytes }: ReadArguments, root: MethodRoot): string {
  const content = direct().readSync(path, flags | TEXT, maxBytes, allocate, root.handle, root.number);
  if (record.failed(record.last)) {
    throw record.failure(record.last, path, { maxBytes });
  }
  return typeof content === 'string' ? content : decoded(contentOf(content as ArrayBuffer | Buffer, record.last.numbers[ReadIndex.LENGTH]), 'utf8', path);
}

export function readSync(file: unknown, options: unknown, methodRoot: MethodRoot | undefined) {
  const { path, args } = toArguments(file, options, methodRoot);
  noSignal(args.signal);
  return args.root === undefined ? readNow(path, args, methodRoot) : readBeneath(path, args);
}

/** Opens the root for one read. Separate function so that the hot path allocates no closure. */
function readBeneath(path: NativePath, args: ReadArguments) {
  return withRootSync(args.root, undefined, (root) => readNow(path, args, root));
}

/**
 * Reads on the calling thread if that cannot block, and otherwise in libuv's pool.
 *
 * @param asGiven the path for errors, where `file` was made absolute
 */
export function read(file: unknown, options: unknown, methodRoot: MethodRoot | undefined, asGiven?: string): Result | Promise<Result> {
  const { path, args } = toArguments(file, options, methodRoot);
  return readPacked(path, args, methodRoot, asGiven);
}

export function readPacked(path: NativePath, args: ReadArguments, methodRoot: MethodRoot | undefined, asGiven?: string): Result | Promise<Result> {
  args.signal?.throwIfAborted();
  if (args.root !== undefined) {
    return later(readInPool(path, args, 0, methodRoot, asGiven ?? shown(path)), args);
  }
  if (!mayAnswerNow()) {
    const fixed = pathForLater(path, methodRoot !== undefined);
    return readInBatch(nextTurn(false, args.signal), fixed, args, methodRoot, asGiven ?? shown(path));
  }
  const begins = methodRoot === undefined && typeof path === 'string' && path.startsWith('/') ? joinBatch() : undefined;
  return begins === undefined ? readSoon(path, args, methodRoot, asGiven, 0) : readInBatch(begins, path, args, methodRoot, asGiven);
}

/** Returns the promise of a read that has begun. */
function later(reading: Promise<Result>, { signal }: ReadArguments) {
  return pending(abortable(signal, reading));
}

function readInBatch(begins: Promise<Batch>, path: NativePath, args: ReadArguments, methodRoot: MethodRoot | undefined, asGiven: string | undefined): Promise<Result> {
  const reading = inBatch(begins, (number): Result | Promise<Result> => {
    args.signal?.throwIfAborted();
    return mayCopy() ? readSoon(path, args, methodRoot, asGiven, number) : readInBatch(nextTurn(true, args.signal), path, args, methodRoot, asGiven);
  });
  return later(reading, args);
}

/**
 * Reads on the calling thread if that cannot block, and otherwise in libuv's pool.
 *
 * @param batch the number of the batch, or 0
 */
function readSoon(path: NativePath, args: ReadArguments, methodRoot: MethodRoot | undefined, asGiven: string | undefined, batch: number): Result | Promise<Result> {
  const { flags, maxBytes, encoding } = args;
  const bits = (hasRoom() ? flags : flags | record.NO_HANDOVER) | (batch === 0 ? 0 : record.IN_BATCH);
  const half = direct().readCached(path, bits, maxBytes, allocate, methodRoot?.handle, methodRoot?.number, batch);
  const { last } = record;
  if (record.isAnswer(last) && !record.failed(last)) {
    const length = last.numbers[ReadIndex.LENGTH];
    charge(length);
    if (batch === 0 && last.numbers[ReadIndex.BY_PARENT] === 1) {
      openBatch();
    }
    if (typeof half === 'string') {
      return toResult(last, path, methodRoot, half);
    }
    const buffer = contentOf(half as ArrayBuffer | Buffer, length);
    const result = toResult(last, path, methodRoot, buffer);
    return encoding === undefined ? result : toText(result, encoding, path);
  }
  const given = asGiven ?? shown(path);
  if (record.isUnread(last)) {
    const size = last.numbers[ReadIndex.LENGTH];
    return later(finish(toResult(last, path, methodRoot, NO_BYTES), half as Handle, size, given, args), args);
  }
  return later(readInPool(path, args, record.probeFlag(last), methodRoot, given), args);
}

/** Reads the content of an open, checked file in the pool. */
async function finish(result: Result, file: Handle, size: number, given: string, { maxBytes, signal, encoding }: ReadArguments) {
  result.buffer = await inPool(() => fill(file, size, given, maxBytes, signal));
  return encoding === undefined ? result : toText(result, encoding, given);
}

/**
 * Reads a file in libuv's pool.
 *
 * @param probe a bit for the flags
 */
async function readInPool(path: NativePath, { flags, maxBytes, root, signal, encoding }: ReadArguments, probe: number, methodRoot: MethodRoot | undefined, given: string) {
  const fixed = pathForLater(path, methodRoot !== undefined || root !== undefined);
  // The root and both halves of a large read share one slot of the job limit, so that the open descriptors stay within
  // that limit.
  return inPool(() =>
    withRoot(root, methodRoot, async (base) => {
      signal?.throwIfAborted();
      const [answer, extra] = await native().readAsync(fixed, (flags | probe) >>> 0, maxBytes, base?.handle);
      const opened = record.unpack(answer);
      if (record.failed(opened)) {
        throw record.failure(opened, given, { maxBytes });
      }
      const buffer =
        Buffer.isBuffer(extra) || opened.numbers[ReadIndex.IS_HELD] === 1
          ? held(opened, extra, given)
          : await fill(extra as Handle, opened.numbers[ReadIndex.LENGTH], given, maxBytes, signal);
      const result = toResult(opened, fixed, base, buffer);
      return encoding === undefined ? result : toText(result, encoding, given);
    }),
  );
}

/** Reads a large file directly into its Buffer. */
async function fill(file: Handle, size: number, path: string, maxBytes: number, signal: AbortSignal | undefined) {
  if (signal?.aborted) {
    await native().readDrop(file);
    throw signal.reason;
  }
  const place = allocate(size);
  if (place === undefined) {
    await native().readDrop(file);
    throw refusal('too-large', 'memory', path);
  }
  const [answer, outgrown] = await native().readFill(file, place, maxBytes);
  const filled = record.unpack(answer);
  if (record.failed(filled)) {
    throw record.failure(filled, path, { maxBytes });
  }
  const length = filled.numbers[ReadIndex.LENGTH];
  if (outgrown) {
    return held(filled, outgrown, path);
  }
  return length === size ? place : shrunk(place, length, path);
}

/**
 * Returns content that the binary has read. The binary holds large content until JavaScript has allocated its memory,
 * and reports an allocation failure.
 */
function held({ numbers }: record.Result, content: Buffer | Handle | undefined, path: string) {
  if (numbers[ReadIndex.IS_HELD] !== 1) {
    return content as Buffer;
  }
  const place = allocate(numbers[ReadIndex.LENGTH]);
  if (place === undefined) {
    throw refusal('too-large', 'memory', path);
  }
  native().readTake(content as Handle, place);
  return place;
}

/** @param access how the handle is opened, as the flags of `fs.open`; the adapters change files through it */
export async function open(file: unknown, options: unknown, methodRoot: MethodRoot | undefined, access: string | number = 'r') {
  const { path, args } = toArguments(file, options, methodRoot);
  const { flags, maxSize, root, signal, encoding } = args;
  if (encoding !== undefined) {
    throw invalidValue('options.encoding', 'is not an option of openLocalFileSafely: use handle.readFile(encoding)', encoding);
  }
  signal?.throwIfAborted();
  let probe = 0;
  if (root === undefined && hasRoom() && mayAnswerNow()) {
    const held = direct().openCached(path, flags, maxSize, methodRoot?.handle, methodRoot?.number);
    if (held !== undefined) {
      return abortable(signal, inPool(() => openedHere(path, held, methodRoot, access)), ({ handle }) => handle.close());
    }
    probe = record.probeFlag(record.last);
  }
  const fixed = pathForLater(path, methodRoot !== undefined || root !== undefined);
  return abortable(signal, openInPool(shown(path), fixed, args, probe, methodRoot, access), ({ handle }) => handle.close());
}

/**
 * Returns the result of a file that was opened on the calling thread. The file is local, so `fstat` and `close` do not
 * block.
 */
async function openedHere(path: NativePath, held: Handle, base: Opened | undefined, access: string | number) {
  const { last } = record;
  const result = toResult(last, path, base, NO_BYTES);
  try {
    return await opened(result, last.numbers, shown(path), access, true);
  } finally {
    native().readClose(held);
  }
}

async function opened({ realPath, stat, containment }: Result, { [ReadIndex.DESCRIPTOR]: descriptor, [ReadIndex.INO_LOW]: inoLow }: Float64Array, given: string, access: string | number, isLocal: boolean) {
  const handle = await reopen({ descriptor, dev: stat.dev, ino: stat.ino, inoLow, realPath }, access, given, isLocal);
  return { handle, realPath, stat, containment, [Symbol.asyncDispose]: () => handle.close() };
}

/**
 * Opens a file in libuv's pool.
 *
 * @param probe a bit for the flags
 */
function openInPool(given: string, fixed: NativePath, { flags, maxSize, root, signal }: ReadArguments, probe: number, methodRoot: MethodRoot | undefined, access: string | number) {
  return inPool(() =>
    withRoot(root, methodRoot, async (base) => {
      signal?.throwIfAborted();
      const [answer, held] = await native().openAsync(fixed, (flags | probe) >>> 0, maxSize, base?.handle);
      const unpacked = record.unpack(answer);
      if (record.failed(unpacked)) {
        throw record.failure(unpacked, given, { maxBytes: maxSize });
      }
      try {
        return await opened(toResult(unpacked, fixed, base, NO_BYTES), unpacked.numbers, given, access, false);
      } finally {
        await native().readDrop(held as Handle);
      }
    }),
  );
}

const NO_BYTES = Buffer.alloc(0);

export function readLocalFileSafelySync(file: unknown, options?: unknown, callback: unknown = undefined) {
  try {
    noCallbackSync(callback);
    return readSync(file, options, undefined);
  } catch (error) {
    throw atCaller(error, readLocalFileSafelySync);
  }
}

export function readLocalFileSafely(file: unknown, options?: unknown, callback: unknown = undefined) {
  return promised(() => {
    noCallback(callback);
    return read(file, options, undefined);
  }, readLocalFileSafely);
}

export function openLocalFileSafely(file: unknown, options?: unknown, callback: unknown = undefined) {
  return promised(() => {
    noCallback(callback);
    return pending(open(file, options, undefined));
  }, openLocalFileSafely);
}
