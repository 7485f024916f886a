import { abortable, cancelOn } from '../schedule/abort.js';
import { ownCopy, toBytes, withinLimit } from '../options/data.js';
import { warnOfLeftover } from './discard.js';
import { direct } from '../native/direct.js';
import { native } from '../native/load.js';
import { atCaller, pending, promised, shown } from '../errors/holdfast-error.js';
import { noSignal, writeArguments, type MethodRoot } from '../options/flatten.js';
import { targetOf, writes, type Target } from '../schedule/write-queue.js';
import { pathForLater, toPath } from '../options/paths.js';
import { hasRoom, inPool } from '../schedule/job-limit.js';
import record = require('../native/record.js');
import { withRoot, withRootSync, type Opened } from '../schedule/root-handle.js';
import { withSource, type TakenSource } from '../schedule/source.js';
import { invalidType, noCallback, noCallbackSync } from '../options/validate.js';
import { writeStream } from './write-stream.js';
import { WriteIndex } from '../native/record-layout.js';
import type { Handle } from '../native/binding.js';
import type { NativePath } from '../errors/failure.js';

const METHODS = ['rename', 'link', 'in-place'] as const;
const DURABLE = [false, 'file', true] as const;

/** Types of complete content, for messages. */
const WHOLE_DATA = 'of type string or an instance of Buffer, TypedArray, DataView or ArrayBuffer';

export function toResult(result: record.Result, path: NativePath) {
  const { numbers } = result;
  const kept = numbers[WriteIndex.PRESERVED];
  return {
    // The binary returns a path beneath a root in full.
    path: record.realPath(result, path, undefined),
    created: numbers[WriteIndex.CREATED] === 1,
    size: numbers[WriteIndex.SIZE],
    mode: numbers[WriteIndex.MODE],
    dev: numbers[WriteIndex.DEV],
    ino: numbers[WriteIndex.INO],
    method: METHODS[numbers[WriteIndex.METHOD]],
    durable: DURABLE[numbers[WriteIndex.DURABLE]],
    containment: record.containment(result),
    preserved: kept < 0 ? null : { mode: (kept & 1) !== 0, acl: (kept & 2) !== 0, owner: (kept & 4) !== 0 },
  };
}

export function writeSync(file: unknown, data: unknown, options: unknown, methodRoot: MethodRoot | undefined) {
  const path = toPath(file, 'file');
  const { flags, modes, encoding, maxBytes, signal, root } = writeArguments(options, methodRoot?.defaults);
  noSignal(signal);
  const bytes = toBytes(data, encoding, path);
  if (bytes === undefined) {
    throw invalidType('data', WHOLE_DATA, data);
  }
  withinLimit(bytes, maxBytes, path);
  return root === undefined ? writeNow(path, bytes, flags, modes, methodRoot) : writeBeneath(root, path, bytes, flags, modes);
}

function writeNow(path: NativePath, bytes: Uint8Array, flags: number, modes: number, base: Opened | undefined) {
  direct().writeSync(path, bytes, flags, modes, base?.handle, base?.number);
  const { last } = record;
  if (record.failed(last)) {
    throw record.failure(last, path);
  }
  return toResult(last, path);
}

/** Opens the root for one write. Separate function so that the hot path allocates no closure. */
function writeBeneath(root: unknown, path: NativePath, bytes: Uint8Array, flags: number, modes: number) {
  return withRootSync(root, undefined, (base) => writeNow(path, bytes, flags, modes, base));
}

/**
 * Writes a file, after the earlier writes to the same target.
 *
 * @param source from {@link withSource}, which closes it; `undefined` for data that are no iterable
 * @param beforePublish called when the content is complete, right before publication; may throw
 */
export async function write(file: unknown, data: unknown, options: unknown, methodRoot: MethodRoot | undefined, source?: TakenSource, beforePublish?: () => void) {
  const path = toPath(file, 'file');
  const args = writeArguments(options, methodRoot?.defaults);
  const { flags, modes, encoding, maxBytes, root, signal } = args;
  const bytes = source === undefined ? toBytes(data, encoding, path) : undefined;
  if (source !== undefined) {
    source.signal = signal;
  } else if (bytes === undefined) {
    throw invalidType('data', `${WHOLE_DATA} or an iterable of chunks`, data);
  } else {
    withinLimit(bytes, maxBytes, path);
  }
  signal?.throwIfAborted();
  const isBeneathRoot = methodRoot !== undefined || root !== undefined;
  const given = shown(path);
  const fixed = pathForLater(path, isBeneathRoot);
  const fixedRoot = root === undefined ? undefined : pathForLater(toPath(root, 'root'), false);
  const iterator = source?.iterator;
  const canceller = signal && cancelOn(signal);
  const cancel = canceller?.handle;
  const common = { given, fixed, flags, modes, signal, cancel, beforePublish };
  try {
    const writing =
      iterator !== undefined
        ? withRoot(fixedRoot, methodRoot, (base) => writeStream(iterator, { ...common, encoding, maxBytes, root: base?.handle, target: () => targetOf(fixed, fixedRoot, methodRoot, flags) }))
        : writeWhole(typeof data === 'string', bytes as Uint8Array, { ...common, root: fixedRoot, methodRoot, target: targetOf(fixed, fixedRoot, methodRoot, flags) });
    const result = await abortable(signal, writing, warnOfLeftover);
    if (signal && record.wasAborted(result)) {
      warnOfLeftover(result);
      throw signal.reason;
    }
    if (record.failed(result)) {
      throw record.failure(result, given);
    }
    return toResult(result, fixed);
  } finally {
    canceller?.dispose();
  }
}

interface WholeArguments {
  /** the path as the caller gave it */
  given: string;
  /** the path as of the call */
  fixed: NativePath;
  flags: number;
  modes: number;
  root: NativePath | undefined;
  methodRoot: MethodRoot | undefined;
  signal: AbortSignal | undefined;
  target: Target;
  cancel: Handle | undefined;
  beforePublish: (() => void) | undefined;
}

/**
 * Writes complete content after the earlier calls on the same target.
 *
 * Writes the content as of the call: the binary copies it at once, or a copy waits in the queue.
 *
 * @param isPrivate no other code can change the bytes
 */
function writeWhole(isPrivate: boolean, bytes: Uint8Array, args: WholeArguments): Promise<record.Result> {
  const { given, fixed, flags, modes, root, methodRoot, signal, target, cancel, beforePublish } = args;
  if (beforePublish !== undefined) {
    const content = isPrivate ? bytes : ownCopy(bytes, given);
    const rest = { given, fixed, flags, modes, encoding: 'utf8' as const, signal, target: () => target, cancel, beforePublish, isQueued: true };
    return writes.queued(target, () => inPool(() => withRoot(root, methodRoot, (base) => writeStream([content].values(), { ...rest, root: base?.handle }))));
  }
  const start = (content: Uint8Array) =>
    inPool(() =>
      withRoot(root, methodRoot, async (base) => {
        signal?.throwIfAborted();
        const [answer] = await native().writeAsync(fixed, content, flags, modes, base?.handle, cancel);
        return record.unpack(answer);
      }),
    );
  const startsNow = root === undefined && !writes.isWaited(target) && hasRoom();
  const content = isPrivate || startsNow ? bytes : ownCopy(bytes, given);
  return writes.queued(target, () => start(content));
}

export function writeAtomicSync(file: unknown, data: unknown, options?: unknown, callback: unknown = undefined) {
  try {
    noCallbackSync(callback);
    return writeSync(file, data, options, undefined);
  } catch (error) {
    throw atCaller(error, writeAtomicSync);
  }
}

export function writeAtomic(file: unknown, data: unknown, options?: unknown, callback: unknown = undefined) {
  return withSource(data, (source) =>
    promised(() => {
      noCallback(callback);
      return pending(write(file, data, options, undefined, source));
    }, writeAtomic),
  );
}

export { WHOLE_DATA };
