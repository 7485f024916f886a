// Reads what src/binding/record.rs writes: numbers at fixed places, then text, then data.

import { refusal, shown, toError } from '../errors/holdfast-error.js';
import type { Context, NativePath } from '../errors/failure.js';

const NUMBERS = 32;
const TEXT = 8192;

const STATUS = 0;
const FAILED = 1;
const UNKNOWN_MOUNT = 3;
const UNREAD = 4;
const AS_GIVEN = 29;
const CONTAINMENT = 30;
const TEXT_LENGTH = 31;

const CONTAINMENTS = ['none', 'kernel', 'walk'] as const;

/** A record: of the last synchronous call, or of a promise. */
export interface Result {
  numbers: Float64Array;
  text: Buffer;
}

/** Memory for the results of synchronous calls. The next call overwrites it. */
const scratch = new Float64Array(NUMBERS + TEXT / 8);

const last: Result = { numbers: scratch, text: Buffer.from(scratch.buffer, NUMBERS * 8, TEXT) };

export function unpack(record: Buffer): Result {
  // Copies: a Float64Array needs an aligned start, and a Buffer may have none.
  const numbers = new Float64Array(new Uint8Array(record.subarray(0, NUMBERS * 8)).buffer);
  return { numbers, text: record.subarray(NUMBERS * 8) };
}

export function failed(result: Result): boolean {
  return result.numbers[STATUS] === FAILED;
}

/** Bit that keeps a file that is opened on the calling thread from being handed to the pool. */
const NO_HANDOVER = 1 << 30;

/** Bit that makes a job in the pool first find out whether the file system is local. */
const LEARN = 1 << 31;

/** Returns the extra flag of a job in the pool after a cached call without an answer. */
export function learnBit({ numbers }: Result) {
  return numbers[STATUS] === UNKNOWN_MOUNT ? LEARN : 0;
}

/** Whether a file is open and checked, and its content is not read yet. */
export function isUnread({ numbers }: Result) {
  return numbers[STATUS] === UNREAD;
}

/** Whether the call was answered on the calling thread. */
export function isAnswer({ numbers }: Result) {
  return numbers[STATUS] <= FAILED;
}

/**
 * Makes the error of a failed call. A record without an error means that the result was lost: Node creates no handles for a
 * worker that ends, and still runs callbacks of its FinalizationRegistry.
 */
export function failure({ numbers, text }: Result, path: NativePath, context?: Context): Error {
  if (numbers[STATUS] !== FAILED) {
    return refusal('internal', 'no handle could be made', path);
  }
  const [code, detail, syscall, temporary] = text.toString('utf8', 0, numbers[TEXT_LENGTH]).split('\0');
  const known = (number: number) => (number < 0 ? undefined : number);
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

/** Whether a write ended because its caller's signal was aborted. */
export function wasAborted({ numbers, text }: Result) {
  return numbers[STATUS] === FAILED && text.toString('latin1', 0, 8) === 'aborted\0';
}

/** Whether a failed call was refused with a code, for an errno. */
export function isRefusal({ numbers, text }: Result, code: string, errno: number) {
  return numbers[1] === errno && text.toString('latin1', 0, code.length + 1) === `${code}\0`;
}

/**
 * Returns the real path: the given one, beneath the root if there is one, or the text of the record up to `end`.
 *
 * @param root its real path
 */
export function realPath({ numbers, text }: Result, given: NativePath, root: string | undefined, end: number = numbers[TEXT_LENGTH]): string {
  if (numbers[AS_GIVEN] === 1) {
    const path = shown(given);
    return root === undefined ? path : root === '/' ? `/${path}` : `${root}/${path}`;
  }
  return text.toString('utf8', 0, end);
}

export function containment({ numbers }: Result) {
  return CONTAINMENTS[numbers[CONTAINMENT]];
}

export { NO_HANDOVER, TEXT_LENGTH, last, scratch };
