'use strict';

const { types } = process.getBuiltinModule('node:util');
const { abortable } = require('../schedule/abort.js');
const { allocate, contentOf, shrunk, toText } = require('./read-content.js');
const { direct } = require('../native/calls.js');
const { charge, mayAnswerNow } = require('../schedule/sync-budget.js');
const { native } = require('../native/load.js');
const { atCaller, pending, promised, refusal, shown } = require('../errors/holdfast-error.js');
const { noSignal, packRead, readArguments, readForm } = require('../options/flatten.js');
const { isUrl, pathForLater, toPath } = require('../options/paths.js');
const { hasRoom, inPool } = require('../schedule/job-limit.js');
const record = require('../native/layout.js');
const { reopen } = require('../native/reopen.js');
const { withRoot, withRootSync } = require('../schedule/root-handle.js');
const { Stats } = require('../native/stats.js');
const { invalidValue, noCallback } = require('../options/validate.js');

/** @typedef {import('../native/binding.js').Handle} Handle */
/** @typedef {import('../native/binding.js').NativePath} NativePath */
/** @typedef {import('../options/flatten.js').ReadArguments} ReadArguments */
/** @typedef {import('../options/flatten.js').Pinned} Pinned */
/** @typedef {import('../schedule/root-handle.js').Opened} Opened */
/** @typedef {ReturnType<typeof toResult>} Result */

/** Place of the number of bytes read, and of a descriptor: src/binding/read.rs. */
const LENGTH = 15;
const IS_HELD = 17;
const DESCRIPTOR = 16;
const INO_LOW = 17;

/**
 * The two forms of a call: a path and options, or everything in one object.
 *
 * @param {unknown} file
 * @param {unknown} options
 * @param {Pinned | undefined} pinned
 * @returns {{ path: NativePath, args: ReadArguments }}
 */
function toArguments(file, options, pinned) {
  if (isOptionsObject(file)) {
    const given = readForm(/** @type {object} */ (file), options);
    return { path: toPath(given.filePath, 'filePath'), args: packRead(given, pinned?.defaults) };
  }
  return { path: toPath(file, 'file'), args: readArguments(options, pinned?.defaults) };
}

/** @param {unknown} file */
function isOptionsObject(file) {
  return typeof file === 'object' && file !== null && !types.isUint8Array(file) && !isUrl(file) && !Array.isArray(file);
}

/**
 * @param {record.Result} result
 * @param {NativePath} path
 * @param {Opened | undefined} root
 * @param {Buffer} buffer
 */
function toResult(result, path, root, buffer) {
  return {
    buffer,
    realPath: record.realPath(result, path, root?.path),
    stat: new Stats(result.numbers),
    containment: record.containment(result),
  };
}

/**
 * @param {NativePath} path
 * @param {ReadArguments} args
 * @param {Opened | undefined} root
 */
function readNow(path, { flags, maxBytes, encoding }, root) {
  const memory = direct().readSync(path, flags, maxBytes, allocate, root?.handle, root?.number);
  if (record.failed(record.last)) {
    throw record.failure(record.last, path, { maxBytes });
  }
  const result = toResult(record.last, path, root, contentOf(/** @type {ArrayBuffer | Buffer} */ (memory), record.last.numbers[LENGTH]));
  return encoding === undefined ? result : toText(result, encoding, path);
}

/**
 * @param {unknown} file
 * @param {unknown} options
 * @param {Pinned | undefined} pinned
 */
function readSync(file, options, pinned) {
  const { path, args } = toArguments(file, options, pinned);
  noSignal(args.signal);
  return args.root === undefined ? readNow(path, args, pinned) : readBeneath(path, args);
}

/**
 * On its own: a function that makes another pays for that also where it does not.
 *
 * @param {NativePath} path
 * @param {ReadArguments} args
 */
function readBeneath(path, args) {
  return withRootSync(args.root, undefined, (root) => readNow(path, args, root));
}

/**
 * Answers at once if that cannot block, and otherwise from libuv's pool.
 *
 * @param {unknown} file
 * @param {unknown} options
 * @param {Pinned | undefined} pinned
 * @returns {Result | Promise<Result>}
 */
function read(file, options, pinned) {
  const { path, args } = toArguments(file, options, pinned);
  const { flags, maxBytes, root, signal, encoding } = args;
  signal?.throwIfAborted();
  let learn = 0;
  if (root === undefined && mayAnswerNow()) {
    const bits = hasRoom() ? flags : flags | record.NO_HANDOVER;
    const half = direct().readCached(path, bits, maxBytes, allocate, pinned?.handle, pinned?.number);
    const { last } = record;
    if (record.isAnswer(last) && !record.failed(last)) {
      const buffer = contentOf(/** @type {ArrayBuffer | Buffer} */ (half), last.numbers[LENGTH]);
      charge(buffer.length);
      const result = toResult(last, path, pinned, buffer);
      return encoding === undefined ? result : toText(result, encoding, path);
    }
    if (record.isUnread(last)) {
      const size = last.numbers[LENGTH];
      const reading = finish(toResult(last, path, pinned, NO_BYTES), /** @type {Handle} */ (half), size, shown(path), args);
      return pending(abortable(signal, reading));
    }
    learn = record.learnBit(last);
  }
  return pending(abortable(signal, readInPool(path, args, learn, pinned)));
}

/**
 * Reads the content of a file that is open and judged, in the pool.
 *
 * @param {ReturnType<typeof toResult>} result
 * @param {Handle} file
 * @param {number} size
 * @param {string} given the path as the caller gave it
 * @param {ReadArguments} args
 */
async function finish(result, file, size, given, { maxBytes, signal, encoding }) {
  result.buffer = await inPool(() => fill(file, size, given, maxBytes, signal));
  return encoding === undefined ? result : toText(result, encoding, given);
}

/**
 * @param {NativePath} path
 * @param {ReadArguments} args
 * @param {number} learn a bit for the flags
 * @param {Pinned | undefined} pinned
 */
async function readInPool(path, { flags, maxBytes, root, signal, encoding }, learn, pinned) {
  const given = shown(path);
  const fixed = pathForLater(path, pinned !== undefined || root !== undefined);
  // Everything that holds a descriptor has one place in the pool, a root and both halves of a large
  // read included, so that no more are open than there are places.
  return inPool(() =>
    withRoot(root, pinned, async (base) => {
      signal?.throwIfAborted();
      const [answer, extra] = await native().readAsync(fixed, (flags | learn) >>> 0, maxBytes, base?.handle);
      const opened = record.unpack(answer);
      if (record.failed(opened)) {
        throw record.failure(opened, given, { maxBytes });
      }
      const buffer =
        Buffer.isBuffer(extra) || opened.numbers[IS_HELD] === 1
          ? held(opened, extra, given)
          : await fill(/** @type {Handle} */ (extra), opened.numbers[LENGTH], given, maxBytes, signal);
      const result = toResult(opened, fixed, base, buffer);
      return encoding === undefined ? result : toText(result, encoding, given);
    }),
  );
}

/**
 * Reads a large file straight into its Buffer.
 *
 * @param {Handle} file
 * @param {number} size
 * @param {string} path as the caller gave it
 * @param {number} maxBytes
 * @param {AbortSignal | undefined} signal
 */
async function fill(file, size, path, maxBytes, signal) {
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
  const length = filled.numbers[LENGTH];
  if (outgrown) {
    return held(filled, outgrown, path);
  }
  return length === size ? place : shrunk(place, length, path);
}

/**
 * Content that was read before there was a Buffer for it. What is large is still held by the binary: to run out of memory is an
 * error only where JavaScript allocates.
 *
 * @param {record.Result} result
 * @param {Buffer | Handle | undefined} content
 * @param {string} path as the caller gave it
 */
function held({ numbers }, content, path) {
  if (numbers[IS_HELD] !== 1) {
    return /** @type {Buffer} */ (content);
  }
  const place = allocate(numbers[LENGTH]);
  if (place === undefined) {
    throw refusal('too-large', 'memory', path);
  }
  native().readTake(/** @type {Handle} */ (content), place);
  return place;
}

/**
 * @param {unknown} file
 * @param {unknown} options
 * @param {Pinned | undefined} pinned
 */
async function open(file, options, pinned) {
  const { path, args } = toArguments(file, options, pinned);
  const { flags, maxSize, root, signal, encoding } = args;
  if (encoding !== undefined) {
    throw invalidValue('options.encoding', 'is not an option of openLocalFileSafely: use handle.readFile(encoding)', encoding);
  }
  signal?.throwIfAborted();
  let learn = 0;
  if (root === undefined && hasRoom() && mayAnswerNow()) {
    const held = direct().openCached(path, flags, maxSize, pinned?.handle, pinned?.number);
    if (held !== undefined) {
      return abortable(signal, inPool(() => openedHere(path, held, pinned)), ({ handle }) => handle.close());
    }
    learn = record.learnBit(record.last);
  }
  const fixed = pathForLater(path, pinned !== undefined || root !== undefined);
  return abortable(signal, openInPool(shown(path), fixed, args, learn, pinned), ({ handle }) => handle.close());
}

/**
 * Makes the result of a file that was opened from memory: it is local, so that looking at it and closing it wait for nothing.
 *
 * @param {NativePath} path as the caller gave it
 * @param {Handle} held
 * @param {Opened | undefined} base
 */
async function openedHere(path, held, base) {
  const { last } = record;
  const result = toResult(last, path, base, NO_BYTES);
  try {
    return await opened(result, last.numbers, shown(path), true);
  } finally {
    native().readClose(held);
  }
}

/**
 * @param {ReturnType<typeof toResult>} result
 * @param {Float64Array} numbers
 * @param {string} given the path as the caller gave it
 * @param {boolean} isLocal
 */
async function opened({ realPath, stat, containment }, { [DESCRIPTOR]: descriptor, [INO_LOW]: inoLow }, given, isLocal) {
  const handle = await reopen({ descriptor, dev: stat.dev, ino: stat.ino, inoLow, realPath }, 'r', given, isLocal);
  return { handle, realPath, stat, containment, [Symbol.asyncDispose]: () => handle.close() };
}

/**
 * @param {string} given the path as the caller gave it
 * @param {NativePath} fixed as it is at the time of the call
 * @param {ReadArguments} args
 * @param {number} learn a bit for the flags
 * @param {Pinned | undefined} pinned
 */
function openInPool(given, fixed, { flags, maxSize, root, signal }, learn, pinned) {
  return inPool(() =>
    withRoot(root, pinned, async (base) => {
      signal?.throwIfAborted();
      const [answer, held] = await native().openAsync(fixed, (flags | learn) >>> 0, maxSize, base?.handle);
      const unpacked = record.unpack(answer);
      if (record.failed(unpacked)) {
        throw record.failure(unpacked, given, { maxBytes: maxSize });
      }
      try {
        return await opened(toResult(unpacked, fixed, base, NO_BYTES), unpacked.numbers, given, false);
      } finally {
        await native().readDrop(/** @type {Handle} */ (held));
      }
    }),
  );
}

const NO_BYTES = Buffer.alloc(0);

/**
 * @param {unknown} file
 * @param {unknown} [options]
 */
function readLocalFileSafelySync(file, options) {
  try {
    return readSync(file, options, undefined);
  } catch (error) {
    throw atCaller(error, readLocalFileSafelySync);
  }
}

/**
 * @param {unknown} file
 * @param {unknown} [options]
 * @param {unknown} [callback] refused
 */
function readLocalFileSafely(file, options, callback = undefined) {
  return promised(() => {
    noCallback(callback);
    return read(file, options, undefined);
  }, readLocalFileSafely);
}

/**
 * @param {unknown} file
 * @param {unknown} [options]
 * @param {unknown} [callback] refused
 */
function openLocalFileSafely(file, options, callback = undefined) {
  return promised(() => {
    noCallback(callback);
    return pending(open(file, options, undefined));
  }, openLocalFileSafely);
}

module.exports = { open, openLocalFileSafely, read, readLocalFileSafely, readLocalFileSafelySync, readSync };
