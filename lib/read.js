'use strict';

const os = process.getBuiltinModule('node:os');
const { types } = process.getBuiltinModule('node:util');
const { abortable } = require('./abort.js');
const { direct } = require('./direct.js');
const { charge, mayAnswerNow } = require('./inline.js');
const { native } = require('./native.js');
const { atCaller, pending, promised, refusal, shown } = require('./errors.js');
const { noSignal, packRead, readArguments, readForm } = require('./options.js');
const { isUrl, pathForLater, toPath } = require('./paths.js');
const { hasRoom, inPool } = require('./pool.js');
const record = require('./record.js');
const { reopen } = require('./reopen.js');
const { withRoot, withRootSync } = require('./root-handle.js');
const { Stats } = require('./stat.js');

/** @typedef {import('./native-types.js').Handle} Handle */
/** @typedef {import('./native-types.js').NativePath} NativePath */
/** @typedef {import('./options.js').ReadArguments} ReadArguments */
/** @typedef {import('./options.js').Pinned} Pinned */
/** @typedef {import('./root-handle.js').Opened} Opened */

/** Place of the number of bytes read, and of a descriptor: src/binding/read.rs. */
const LENGTH = 15;
const IS_HELD = 17;
const DESCRIPTOR = 16;
const INO_LOW = 17;

/**
 * Memory for a file, or nothing: then the binary answers `too-large`. A size beyond the machine's
 * memory is not even asked for, as a system that overcommits would grant it, and kill us later.
 *
 * @param {number} size
 */
function allocate(size) {
  try {
    return size < SMALL || size <= os.totalmem() ? Buffer.allocUnsafeSlow(size) : undefined;
  } catch {
    return undefined;
  }
}

/** Asking for the machine's memory costs more than allocating this. */
const SMALL = 64 * 1024 * 1024;

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
  return typeof file === 'object' && file !== null && !types.isUint8Array(file) && !isUrl(file);
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
 * The class behind every Buffer, as `subarray` finds it: half the price of asking `subarray`.
 * Undefined where another runtime makes its Buffers otherwise.
 *
 * @type {(new (memory: ArrayBuffer) => Buffer) | undefined}
 */
const FastBuffer = findClass();

function findClass() {
  const Class = /** @type {any} */ (Buffer)[Symbol.species];
  const isIt = typeof Class === 'function' && Class !== Buffer && Class.prototype === Buffer.prototype;
  return isIt ? Class : undefined;
}

/** Up to this size, src/binding/read.rs hands out an ArrayBuffer, and above a Buffer that {@link allocate} made. */
const ARRAY_BUFFER = 16 * 1024;

/**
 * The content after a call on this thread, in memory of its own.
 *
 * @param {ArrayBuffer | Buffer} memory
 * @returns {Buffer}
 */
function contentOf(memory) {
  if (record.last.numbers[LENGTH] > ARRAY_BUFFER) {
    return /** @type {Buffer} */ (memory);
  }
  const content = /** @type {ArrayBuffer} */ (memory);
  return FastBuffer === undefined ? Buffer.from(content) : new FastBuffer(content);
}

/**
 * @param {NativePath} path
 * @param {ReadArguments} args
 * @param {Opened | undefined} root
 */
function readNow(path, { flags, maxBytes }, root) {
  const memory = direct().readSync(path, flags, maxBytes, allocate, root?.handle, root?.number);
  if (record.failed(record.last)) {
    throw record.failure(record.last, path, { maxBytes });
  }
  return toResult(record.last, path, root, contentOf(/** @type {ArrayBuffer | Buffer} */ (memory)));
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
 * @returns {ReturnType<typeof toResult> | Promise<ReturnType<typeof toResult>>}
 */
function read(file, options, pinned) {
  const { path, args } = toArguments(file, options, pinned);
  const { flags, maxBytes, root, signal } = args;
  signal?.throwIfAborted();
  let learn = 0;
  if (root === undefined && mayAnswerNow()) {
    const bits = hasRoom() ? flags : flags | record.NO_HANDOVER;
    const half = direct().readCached(path, bits, maxBytes, allocate, pinned?.handle, pinned?.number);
    const { last } = record;
    if (record.isAnswer(last) && !record.failed(last)) {
      const buffer = contentOf(/** @type {ArrayBuffer | Buffer} */ (half));
      charge(buffer.length);
      return toResult(last, path, pinned, buffer);
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
async function finish(result, file, size, given, { maxBytes, signal }) {
  result.buffer = await inPool(() => fill(file, size, given, maxBytes, signal));
  return result;
}

/**
 * @param {NativePath} path
 * @param {ReadArguments} args
 * @param {number} learn a bit for the flags
 * @param {Pinned | undefined} pinned
 */
async function readInPool(path, { flags, maxBytes, root, signal }, learn, pinned) {
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
      return toResult(opened, fixed, base, buffer);
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
 * Copies the start of a Buffer, so that the memory of the result is the content alone.
 *
 * @param {Buffer} place
 * @param {number} length
 * @param {string} path as the caller gave it
 */
function shrunk(place, length, path) {
  const content = allocate(length);
  if (content === undefined) {
    throw refusal('too-large', 'memory', path);
  }
  content.set(new Uint8Array(place.buffer, 0, length));
  return content;
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
  const { signal } = args;
  signal?.throwIfAborted();
  const fixed = pathForLater(path, pinned !== undefined || args.root !== undefined);
  return abortable(signal, openInPool(shown(path), fixed, args, pinned), ({ handle }) => handle.close());
}

/**
 * @param {string} given the path as the caller gave it
 * @param {NativePath} fixed as it is at the time of the call
 * @param {ReadArguments} args
 * @param {Pinned | undefined} pinned
 */
function openInPool(given, fixed, { flags, maxSize, root, signal }, pinned) {
  return inPool(() =>
    withRoot(root, pinned, async (base) => {
      signal?.throwIfAborted();
      const [answer, held] = await native().openAsync(fixed, flags, maxSize, base?.handle);
      const opened = record.unpack(answer);
      if (record.failed(opened)) {
        throw record.failure(opened, given, { maxBytes: maxSize });
      }
      try {
        const { realPath, stat, containment } = toResult(opened, fixed, base, NO_BYTES);
        const { [DESCRIPTOR]: descriptor, [INO_LOW]: inoLow } = opened.numbers;
        const handle = await reopen({ descriptor, dev: stat.dev, ino: stat.ino, inoLow, realPath }, 'r', given);
        return { handle, realPath, stat, containment, [Symbol.asyncDispose]: () => handle.close() };
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
 */
function readLocalFileSafely(file, options) {
  return promised(() => read(file, options, undefined), readLocalFileSafely);
}

/**
 * @param {unknown} file
 * @param {unknown} [options]
 */
function openLocalFileSafely(file, options) {
  return promised(() => pending(open(file, options, undefined)), openLocalFileSafely);
}

module.exports = { open, openLocalFileSafely, read, readLocalFileSafely, readLocalFileSafelySync, readSync };
