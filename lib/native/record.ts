// Reads the records that src/record.rs writes: numbers at fixed offsets, then text, then data.

import { refusal, shown, systemError, toError } from '../errors/holdfast-error.js';
import { FailureIndex, Layout, Status } from './record-layout.js';
import type { Context, NativePath } from '../errors/failure.js';

const CONTAINMENTS = ['none', 'kernel', 'walk'] as const;

/** The record of the last synchronous call or of a promise. */
export interface Result {
  numbers: Float64Array;
  text: Buffer;
}

/** Memory for the results of synchronous calls. The next call overwrites it. */
const scratch = new Float64Array(Layout.NUMBERS + Layout.TEXT / 8);

const last: Result = { numbers: scratch, text: Buffer.from(scratch.buffer, Layout.NUMBERS * 8, Layout.TEXT) };

const NO_TEXT = Buffer.alloc(0);

export function unpack(record: ArrayBuffer): Result {
  const start = Layout.NUMBERS * 8;
  return { numbers: new Float64Array(record, 0, Layout.NUMBERS), text: record.byteLength === start ? NO_TEXT : Buffer.from(record, start) };
}

export function failed(result: Result): boolean {
  return result.numbers[Layout.STATUS] === Status.FAILED;
}

/** Flag: a file that is opened on the calling thread is not handed to the pool. */
const NO_HANDOVER = 1 << 30;

/** Flag: a read belongs to a batch. */
const IN_BATCH = 1 << 28;

/** Flag: a job in the pool first determines whether the file system is local. */
const PROBE_LOCALITY = 1 << 31;

/** Returns the extra flag of the pool job that follows a cache miss. */
export function probeFlag({ numbers }: Result) {
  return numbers[Layout.STATUS] === Status.UNKNOWN_MOUNT ? PROBE_LOCALITY : 0;
}

/** Returns a copy of the text of a call that did not complete on the calling thread: what it has created. */
export function created({ numbers, text }: Result): Uint8Array | undefined {
  const length = numbers[Layout.TEXT_LENGTH];
  return length === 0 ? undefined : new Uint8Array(text.subarray(0, length));
}

/** Returns whether the file is open and checked but its content is not read yet. */
export function isUnread({ numbers }: Result) {
  return numbers[Layout.STATUS] === Status.UNREAD;
}

/** Returns whether the call completed on the calling thread. */
export function isAnswer({ numbers }: Result) {
  return numbers[Layout.STATUS] <= Status.FAILED;
}

/**
 * Creates the error of a failed call. A record without an error means that the result is lost: Node creates no handles
 * for a worker that ends, but still runs callbacks of its FinalizationRegistry.
 */
export function failure({ numbers, text }: Result, path: NativePath, context?: Context): Error {
  if (numbers[Layout.STATUS] !== Status.FAILED) {
    return refusal('internal', 'no handle could be made', path);
  }
  const [code, detail, syscall, temporary, left, entry = ''] = text.toString('utf8', 0, numbers[Layout.TEXT_LENGTH]).split('\0');
  const known = (number: number) => (number < 0 ? undefined : number);
  const isSecond = numbers[FailureIndex.IS_SECOND] === 1 && context?.second !== undefined;
  const given = isSecond ? (context.second as NativePath) : path;
  const error = toError(
    {
      code,
      detail,
      syscall,
      temporary,
      entry,
      errno: numbers[FailureIndex.ERRNO],
      mode: known(numbers[FailureIndex.MODE]),
      uid: known(numbers[FailureIndex.UID]),
      euid: known(numbers[FailureIndex.EUID]),
      size: known(numbers[FailureIndex.SIZE]),
      remains: {
        temporary: left,
        temporaryErrno: numbers[FailureIndex.LEFT_ERRNO],
        mode: known(numbers[FailureIndex.KEPT_MODE]),
        modeErrno: numbers[FailureIndex.KEPT_ERRNO],
      },
    },
    entry === '' ? given : `${shown(given).replace(/\/+$/, '')}/${entry}`,
    // The second path is not that of the entry.
    isSecond && entry !== '' ? { ...context, second: undefined } : context,
  );
  return context?.done === undefined ? error : Object.assign(error, { [context.done]: numbers[FailureIndex.DONE] });
}

/** Creates the error of an abort. It names the temporary that could not be removed. */
export function removalFailure(result: Result): Error {
  const { numbers, text } = result;
  const [code, , syscall, , left] = text.toString('utf8', 0, numbers[Layout.TEXT_LENGTH]).split('\0');
  if (code !== '') {
    return failure(result, left);
  }
  return Object.assign(systemError(-numbers[FailureIndex.ERRNO], syscall, left), { temporary: left });
}

/**
 * Returns the error of the removal of the temporary that a failed call left, for a call whose own error reaches no caller;
 * `undefined` if it left none.
 */
export function leftover(result: Result): (Error & { temporary: string }) | undefined {
  const { numbers, text } = result;
  const left = failed(result) ? text.toString('utf8', 0, numbers[Layout.TEXT_LENGTH]).split('\0')[4] : '';
  return left === '' ? undefined : Object.assign(systemError(-numbers[FailureIndex.LEFT_ERRNO], 'unlink', left), { temporary: left });
}

/** Returns whether a write ended because its signal aborted. */
export function wasAborted({ numbers, text }: Result) {
  return numbers[Layout.STATUS] === Status.FAILED && text.toString('latin1', 0, 8) === 'aborted\0';
}

/** Returns whether a failed call was refused with this code. */
export function hasCode({ text }: Result, code: string) {
  return text.toString('latin1', 0, code.length + 1) === `${code}\0`;
}

/** Returns whether a call failed because the directory of its file, or its root, does not exist. */
export function isMissingDirectory(result: Result) {
  return hasCode(result, 'not-found\0directory') || hasCode(result, 'not-found\0removed');
}

/** Returns whether a lock was lost because its directory, or that of its file, was moved or replaced. */
export function isLostDirectory(result: Result) {
  return hasCode(result, 'lock-lost\0directory');
}

/** Returns how many entries a failed call has removed or copied. */
export function done({ numbers }: Result) {
  return numbers[FailureIndex.DONE];
}

/** Returns whether a call was refused with this code because of this errno. */
export function isRefusal({ numbers, text }: Result, code: string, errno: number) {
  return numbers[FailureIndex.ERRNO] === errno && text.toString('latin1', 0, code.length + 1) === `${code}\0`;
}

/**
 * Returns the real path: the given path, joined to the root if there is one, or the text of the record up to `end`.
 *
 * @param root its real path
 */
export function realPath({ numbers, text }: Result, given: NativePath, root: string | undefined, end: number = numbers[Layout.TEXT_LENGTH]): string {
  if (numbers[Layout.IS_AS_GIVEN] === 1) {
    const path = shown(given);
    return root === undefined ? path : root === '/' ? `/${path}` : `${root}/${path}`;
  }
  return text.toString('utf8', 0, end);
}

export function containment({ numbers }: Result) {
  return CONTAINMENTS[numbers[Layout.CONTAINMENT]];
}

export { IN_BATCH, NO_HANDOVER, last, scratch };
