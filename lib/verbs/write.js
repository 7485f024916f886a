'use strict';

const { types } = process.getBuiltinModule('node:util');
const { abortable, cancelOn } = require('../schedule/abort.js');
const { ownCopy, toBytes, withinLimit } = require('../options/data.js');
const { claim } = require('../schedule/chunks.js');
const { direct } = require('../native/calls.js');
const { native } = require('../native/load.js');
const { atCaller, pending, promised, shown } = require('../errors/holdfast-error.js');
const { noSignal, writeArguments } = require('../options/flatten.js');
const { targetOf, writes } = require('../schedule/write-queue.js');
const { pathForLater, toPath } = require('../options/paths.js');
const { hasRoom, inPool } = require('../schedule/job-limit.js');
const record = require('../native/layout.js');
const { withRoot, withRootSync } = require('../schedule/root-handle.js');
const { invalidType, noCallback } = require('../options/validate.js');
const { closeSource, writeStream } = require('./write-stream.js');

/** @typedef {import('../native/binding.js').Handle} Handle */
/** @typedef {import('../native/binding.js').NativePath} NativePath */
/** @typedef {import('../options/flatten.js').Pinned} Pinned */

const METHODS = /** @type {const} */ (['rename', 'link', 'in-place']);
const DURABLE = /** @type {const} */ ([false, 'file', true]);

/** What content that is there as a whole can be. */
const WHOLE_DATA = 'of type string or an instance of Buffer, TypedArray, DataView or ArrayBuffer';

/**
 * @param {record.Result} result
 * @param {NativePath} path
 */
function toResult(result, path) {
  const { numbers } = result;
  const kept = numbers[8];
  return {
    // A path beneath a root comes whole from the binary.
    path: record.realPath(result, path, undefined),
    created: numbers[1] === 1,
    size: numbers[2],
    mode: numbers[3],
    dev: numbers[4],
    ino: numbers[5],
    method: METHODS[numbers[6]],
    durable: DURABLE[numbers[7]],
    containment: record.containment(result),
    preserved: kept < 0 ? null : { mode: (kept & 1) !== 0, acl: (kept & 2) !== 0, owner: (kept & 4) !== 0 },
  };
}

/**
 * @param {unknown} file
 * @param {unknown} data
 * @param {unknown} options
 * @param {Pinned | undefined} pinned
 */
function writeSync(file, data, options, pinned) {
  const path = toPath(file, 'file');
  const { flags, modes, encoding, maxBytes, signal, root } = writeArguments(options, pinned?.defaults);
  noSignal(signal);
  const bytes = toBytes(data, encoding);
  if (bytes === undefined) {
    throw invalidType('data', WHOLE_DATA, data);
  }
  withinLimit(bytes, maxBytes, path);
  return root === undefined ? writeNow(path, bytes, flags, modes, pinned) : writeBeneath(root, path, bytes, flags, modes);
}

/**
 * @param {NativePath} path
 * @param {Uint8Array} bytes
 * @param {number} flags
 * @param {number} modes
 * @param {import('../schedule/root-handle.js').Opened | undefined} base
 */
function writeNow(path, bytes, flags, modes, base) {
  direct().writeSync(path, bytes, flags, modes, base?.handle, base?.number);
  const { last } = record;
  if (record.failed(last)) {
    throw record.failure(last, path);
  }
  return toResult(last, path);
}

/**
 * On its own: a function that makes another pays for that also where it does not.
 *
 * @param {unknown} root
 * @param {NativePath} path
 * @param {Uint8Array} bytes
 * @param {number} flags
 * @param {number} modes
 */
function writeBeneath(root, path, bytes, flags, modes) {
  return withRootSync(root, undefined, (base) => writeNow(path, bytes, flags, modes, base));
}

/**
 * @param {unknown} file
 * @param {unknown} data
 * @param {unknown} options
 * @param {Pinned | undefined} pinned
 * @param {() => void} [beforePublish] called when the content is complete, right before it is published; may throw
 */
async function write(file, data, options, pinned, beforePublish) {
  const path = toPath(file, 'file');
  const args = writeArguments(options, pinned?.defaults);
  const { flags, modes, encoding, maxBytes, root, signal } = args;
  const bytes = toBytes(data, encoding);
  if (bytes === undefined && !isIterable(data)) {
    throw invalidType('data', `${WHOLE_DATA} or an iterable of chunks`, data);
  }
  if (bytes !== undefined) {
    withinLimit(bytes, maxBytes, path);
  }
  signal?.throwIfAborted();
  const isBeneathRoot = pinned !== undefined || root !== undefined;
  const given = shown(path);
  const fixed = pathForLater(path, isBeneathRoot);
  const fixedRoot = root === undefined ? undefined : pathForLater(toPath(root, 'root'), false);
  if (bytes === undefined) {
    claim(data);
  }
  const canceller = signal && cancelOn(signal);
  const cancel = canceller?.handle;
  try {
    const writing =
      bytes === undefined
        ? writeSource(/** @type {any} */ (data), fixedRoot, pinned, { given, fixed, flags, modes, encoding, maxBytes, signal, target: () => targetOf(fixed, fixedRoot, pinned, flags), cancel, beforePublish })
        : writeWhole(typeof data === 'string', bytes, { given, fixed, flags, modes, root: fixedRoot, pinned, signal, target: targetOf(fixed, fixedRoot, pinned, flags), cancel, beforePublish });
    const result = await abortable(signal, writing);
    if (signal && record.wasAborted(result)) {
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

/**
 * @param {AsyncIterable<unknown> | Iterable<unknown>} data
 * @param {NativePath | undefined} root
 * @param {Pinned | undefined} pinned
 * @param {Omit<Parameters<typeof writeStream>[1], 'root'>} args
 */
async function writeSource(data, root, pinned, args) {
  let isTaken = false;
  try {
    return await withRoot(root, pinned, (base) => {
      isTaken = true;
      return writeStream(data, { ...args, root: base?.handle });
    });
  } finally {
    if (!isTaken) {
      await closeSource(data);
    }
  }
}

/**
 * Writes content that is there as a whole, after the calls made before on the same target.
 *
 * The bytes are those of the call: where nothing comes between, the binary copies them at once.
 *
 * @param {boolean} isPrivate nobody else can change the bytes
 * @param {Uint8Array} bytes
 * @param {{ given: string, fixed: NativePath, flags: number, modes: number, root: NativePath | undefined, pinned: Pinned | undefined, signal: AbortSignal | undefined, target: import('../schedule/write-queue.js').Target, cancel: Handle | undefined, beforePublish: (() => void) | undefined }} args
 * @returns {Promise<record.Result>}
 */
function writeWhole(isPrivate, bytes, { given, fixed, flags, modes, root, pinned, signal, target, cancel, beforePublish }) {
  if (beforePublish !== undefined) {
    const content = isPrivate ? bytes : ownCopy(bytes, given);
    const rest = { given, fixed, flags, modes, encoding: /** @type {const} */ ('utf8'), signal, target: () => target, cancel, beforePublish, isQueued: true };
    return writes.queued(target, () => inPool(() => withRoot(root, pinned, (base) => writeStream([content], { ...rest, root: base?.handle }))));
  }
  /** @param {Uint8Array} content */
  const start = (content) =>
    inPool(() =>
      withRoot(root, pinned, async (base) => {
        signal?.throwIfAborted();
        const [answer] = await native().writeAsync(fixed, content, flags, modes, base?.handle, cancel);
        return record.unpack(answer);
      }),
    );
  const startsNow = root === undefined && !writes.isWaited(target) && hasRoom();
  const content = isPrivate || startsNow ? bytes : ownCopy(bytes, given);
  return writes.queued(target, () => start(content));
}

/** @param {any} data */
function isIterable(data) {
  return (
    typeof data === 'object' &&
    data !== null &&
    !types.isStringObject(data) &&
    (typeof data[Symbol.asyncIterator] === 'function' || typeof data[Symbol.iterator] === 'function')
  );
}

/**
 * @param {unknown} file
 * @param {unknown} data
 * @param {unknown} [options]
 */
function writeAtomicSync(file, data, options) {
  try {
    return writeSync(file, data, options, undefined);
  } catch (error) {
    throw atCaller(error, writeAtomicSync);
  }
}

/**
 * @param {unknown} file
 * @param {unknown} data
 * @param {unknown} [options]
 * @param {unknown} [callback] refused
 */
function writeAtomic(file, data, options, callback = undefined) {
  return promised(() => {
    noCallback(callback);
    return pending(write(file, data, options, undefined));
  }, writeAtomic);
}

module.exports = { WHOLE_DATA, toResult, write, writeAtomic, writeAtomicSync, writeSync };
