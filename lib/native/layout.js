'use strict';

// Reads what src/binding/record.rs writes: numbers at fixed places, then text, then data.

const { refusal, shown, toError } = require('../errors/holdfast-error.js');

/** @typedef {import('./binding.js').NativePath} NativePath */

const NUMBERS = 32;
const TEXT = 8192;

const STATUS = 0;
const FAILED = 1;
const UNKNOWN_MOUNT = 3;
const UNREAD = 4;
const AS_GIVEN = 29;
const CONTAINMENT = 30;
const TEXT_LENGTH = 31;

const CONTAINMENTS = /** @type {const} */ (['none', 'kernel', 'walk']);

/**
 * A record: of the last synchronous call, or of a promise.
 *
 * @typedef {object} Result
 * @property {Float64Array} numbers
 * @property {Buffer} text
 */

/** Memory that synchronous calls answer into. A result is read from it before the next call. */
const scratch = new Float64Array(NUMBERS + TEXT / 8);

/** @type {Result} */
const last = { numbers: scratch, text: Buffer.from(scratch.buffer, NUMBERS * 8, TEXT) };

/**
 * @param {Buffer} record
 * @returns {Result}
 */
function unpack(record) {
  // A copy: the numbers need an aligned start, which a Buffer does not promise.
  const numbers = new Float64Array(new Uint8Array(record.subarray(0, NUMBERS * 8)).buffer);
  return { numbers, text: record.subarray(NUMBERS * 8) };
}

/**
 * @param {Result} result
 * @returns {boolean}
 */
function failed(result) {
  return result.numbers[STATUS] === FAILED;
}

/** Bit that keeps a file that is opened on the calling thread from being handed to the pool. */
const NO_HANDOVER = 1 << 30;

/** Bit that has a job in the pool find out first how far away the file system is. */
const LEARN = 1 << 31;

/**
 * What a job in the pool is to be told beside the flags, after there was no answer from memory.
 *
 * @param {Result} result
 */
function learnBit({ numbers }) {
  return numbers[STATUS] === UNKNOWN_MOUNT ? LEARN : 0;
}

/**
 * Whether a file is open and judged, and only its content is still to be read.
 *
 * @param {Result} result
 */
function isUnread({ numbers }) {
  return numbers[STATUS] === UNREAD;
}

/**
 * Whether the calling thread had the answer.
 *
 * @param {Result} result
 */
function isAnswer({ numbers }) {
  return numbers[STATUS] <= FAILED;
}

/**
 * The error of a failed call. Where its record tells of none, its answer was lost: Node makes no more
 * handles for a worker that is ending, and still runs callbacks of its FinalizationRegistry.
 *
 * @param {Result} result
 * @param {NativePath} path as the caller gave it
 * @param {import('../errors/messages.js').Context} [context]
 * @returns {Error}
 */
function failure({ numbers, text }, path, context) {
  if (numbers[STATUS] !== FAILED) {
    return refusal('internal', 'no handle could be made', path);
  }
  const [code, detail, syscall, temporary] = text.toString('utf8', 0, numbers[TEXT_LENGTH]).split('\0');
  /** @param {number} number */
  const known = (number) => (number < 0 ? undefined : number);
  return toError(
    {
      code,
      detail,
      syscall,
      temporary,
      errno: numbers[1],
      mode: known(numbers[2]),
      uid: known(numbers[3]),
      euid: known(numbers[4]),
      size: known(numbers[5]),
    },
    path,
    context,
  );
}

/**
 * Whether a write ended because its caller's signal was aborted.
 *
 * @param {Result} result
 */
function wasAborted({ numbers, text }) {
  return numbers[STATUS] === FAILED && text.toString('latin1', 0, 8) === 'aborted\0';
}

/**
 * Whether a failed call was refused with a code, for an errno.
 *
 * @param {Result} result
 * @param {string} code
 * @param {number} errno
 */
function isRefusal({ numbers, text }, code, errno) {
  return numbers[1] === errno && text.toString('latin1', 0, code.length + 1) === `${code}\0`;
}

/**
 * The real path: the one that was given, beneath that of the root if there is one, or the one in
 * the text, up to `end`.
 *
 * @param {Result} result
 * @param {NativePath} given
 * @param {string | undefined} root its real path
 * @param {number} [end]
 * @returns {string}
 */
function realPath({ numbers, text }, given, root, end = numbers[TEXT_LENGTH]) {
  if (numbers[AS_GIVEN] === 1) {
    const path = shown(given);
    return root === undefined ? path : root === '/' ? `/${path}` : `${root}/${path}`;
  }
  return text.toString('utf8', 0, end);
}

/** @param {Result} result */
function containment({ numbers }) {
  return CONTAINMENTS[numbers[CONTAINMENT]];
}

module.exports = {
  NO_HANDOVER,
  TEXT_LENGTH,
  containment,
  failed,
  failure,
  isAnswer,
  isRefusal,
  isUnread,
  last,
  learnBit,
  realPath,
  scratch,
  unpack,
  wasAborted,
};
