import { descriptor } from '../base/descriptor.js';
import { path, util } from '../base/node.js';
import { FIELDS, NO_FACTS, checkedFields, type Fields } from './fields.js';
import { escapedForJson, escapedLines, quoted } from '../base/escape.js';
import { DIST } from '../base/location.js';
import { CODES, explain } from './messages.js';
import type { HoldfastErrorCategory, HoldfastErrorCode, HoldfastErrorJSON, HoldfastErrorPublic } from '../../types/errors.js';
import type { Context, Failure, NativePath } from './failure.js';

/** Marks a HoldfastError. Every copy of the package has the same symbol. */
const BRAND = Symbol.for('holdfast.error');

export class HoldfastError extends Error {
  declare readonly name: 'HoldfastError';
  declare readonly code: HoldfastErrorCode;
  declare readonly category: HoldfastErrorCategory;
  declare readonly path?: string;
  declare readonly errno?: number;
  declare readonly syscall?: string;
  declare readonly sysCode?: string;
  declare readonly cause?: Error;
  declare readonly remedy?: string;
  declare readonly mode?: number;
  declare readonly uid?: number;
  declare readonly euid?: number;
  declare readonly temporary?: string;
  declare readonly published?: boolean;
  declare readonly holder?: string;
  declare readonly size?: number;
  declare readonly limit?: number;
  declare readonly removed?: number;
  declare readonly copied?: number;
  declare readonly torn?: boolean;

  /** @param fields message and remedy default to those of the code */
  constructor(code: string, fields: Fields = {}) {
    const own = checkedFields(code, fields);
    const { cause, message } = own;
    super(message, cause === undefined ? undefined : { cause });
    this.code = code as HoldfastErrorCode;
    this.category = CODES[code].category;
    for (const field of FIELDS) {
      const value = own[field];
      if (value !== undefined) {
        (this as Record<string, unknown>)[field] = value;
      }
    }
  }

  /**
   * Returns all fields but stack and cause, for logs. Escapes characters of `path` that `JSON.stringify` leaves raw.
   */
  toJSON(): HoldfastErrorJSON {
    const json: Record<string, unknown> = { name: this.name, code: this.code, category: this.category, message: this.message };
    for (const field of FIELDS) {
      const value = Object.hasOwn(this, field) ? this[field] : undefined;
      if (value !== undefined) {
        json[field] = typeof value === 'string' ? escapedForJson(value) : value;
      }
    }
    return json as HoldfastErrorJSON;
  }

  /** Returns the body of a response. Reveals no path, user or mode of this machine. */
  toPublic(): HoldfastErrorPublic {
    const known = CODES[this.code];
    const body: Record<string, unknown> = { code: this.code, category: this.category, message: known?.public ?? 'The file operation failed.' };
    if (known?.remedy !== undefined) {
      body.remedy = known.remedy;
    }
    return body as HoldfastErrorPublic;
  }
}

// On the prototype, like `Error.prototype.name`: an own property would show in logs.
Object.defineProperty(HoldfastError.prototype, 'name', descriptor({ value: 'HoldfastError', configurable: true, writable: true }));
Object.defineProperty(HoldfastError.prototype, BRAND, descriptor({ value: true }));

/**
 * Returns whether a value is a HoldfastError. Checks a brand, so that errors of another copy of the package count, also of a
 * copy in another context with its own class `Error` (test runners).
 */
export function isHoldfastError(error: unknown): error is HoldfastError {
  try {
    return isError(error) && (error as { [BRAND]?: unknown })[BRAND] === true;
  } catch {
    // A getter or a Proxy trap threw.
    return false;
  }
}

/** Returns whether a value is an Error of any context. Throws if a Proxy trap throws. */
export function isError(value: unknown): value is Error {
  return util.types.isNativeError(value) || value instanceof Error;
}

/** Errors of this package. The stacks of other errors (a signal's reason) stay unchanged. */
const ours = new WeakSet();

export function own<E extends Error>(error: E): E {
  ours.add(error);
  return error;
}

/** Makes the stack trace of a synchronous call's error begin at the caller of `called`. */
export function atCaller(error: unknown, called: Function) {
  for (const each of [error, causeOf(error)]) {
    if (each instanceof Error && ours.has(each)) {
      Error.captureStackTrace(each, called);
    }
  }
  return error;
}

/** Gives an error that a timer or a job made the stack trace of those who await the calling function. Call it after an `await`. */
export function atAwait(error: unknown) {
  return atCaller(error, atAwait);
}

function causeOf(error: unknown) {
  return error instanceof HoldfastError ? error.cause : undefined;
}

/** Path that marks the lines of this package in a stack trace; empty in a bundle. */
const OUR_FRAMES = DIST === '' ? '' : DIST + path.sep;

/** Removes this package's frames from the stack of a rejection. Keeps the frames of `await`. */
function withoutOurFrames(error: unknown) {
  for (const each of [error, causeOf(error)]) {
    if (OUR_FRAMES !== '' && each instanceof Error && ours.has(each)) {
      try {
        each.stack = each.stack?.split('\n').filter((line) => !(/^\s+at /.test(line) && line.includes(OUR_FRAMES))).join('\n');
      } catch {
        // An `Error.prepareStackTrace` of the program failed, or made no text.
      }
    }
  }
  return error;
}

/**
 * Calls a function and returns a promise of its result. An error before the first `await` becomes a rejection whose
 * stack has the caller.
 */
export function promised<T>(call: () => T | Promise<T>, called: Function): Promise<T> {
  try {
    return Promise.resolve(call());
  } catch (error) {
    return Promise.reject(atCaller(error, called));
  }
}

/** Awaits work and cleans up the stack of its error. */
export async function pending<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw withoutOurFrames(error);
  }
}

/** Cached: Node creates a new map on each call. */
let errnos: Map<number, [string, string]> | undefined;

/**
 * Returns libuv's name and message of an errno.
 *
 * @param errno negative
 */
function describeErrno(errno: number): [name: string, message: string] {
  errnos ??= util.getSystemErrorMap();
  const known = errnos.get(errno);
  const unknown = `Unknown system error ${errno}`;
  return known ?? [unknown, unknown];
}

/**
 * Creates the error that `node:fs` would throw. Escapes the paths in its message.
 *
 * @param errno negative
 * @param sentence follows the message of `node:fs`
 */
export function systemError(errno: number, syscall: string, given: NativePath, dest?: string, sentence?: string) {
  const path = shown(given);
  const [code, said] = describeErrno(errno);
  let message = `${code}: ${said}, ${syscall} ${quoted(path)}`;
  if (dest !== undefined) {
    message += ` -> ${quoted(dest)}`;
  }
  if (sentence !== undefined) {
    message += `. ${sentence}`;
  }
  const error = new Error(message) as NodeJS.ErrnoException & { dest?: string };
  error.errno = errno;
  error.code = code;
  error.syscall = syscall;
  error.path = path;
  if (dest !== undefined) {
    error.dest = dest;
  }
  return own(error);
}

/** Creates the error that `node:fs` would throw for a failure, with both paths of a rename. */
function plainError({ errno, syscall }: Failure, path: string, context: Context | undefined, remains?: string) {
  const second = syscall === 'rename' ? context?.second : undefined;
  return second === undefined
    ? systemError(-errno, syscall, path, undefined, remains)
    : systemError(-errno, syscall, context?.first ?? path, shown(second), remains);
}

/** Details of `path-mismatch` and `lock-lost` after the publication. */
const PUBLISHED = new Set(['published', 'displaced', 'replaced', 'unseen', 'both-names']);

/** Creates the error of a failed call. */
export function toError(failure: Failure, given: NativePath, context?: Context): Error {
  const path = shown(given);
  const errno = -failure.errno;
  const remains = describeRemains(failure.remains, path);
  if (failure.code === '') {
    const error = failure.temporary === '' ? plainError(failure, path, context, remains?.sentence) : systemError(errno, failure.syscall, failure.temporary, path, remains?.sentence);
    return Object.assign(error, remains?.fields);
  }
  if (failure.detail === 'both-names' && failure.errno !== 0) {
    // What the system refuses may last: it is not for another try.
    return Object.assign(plainError(failure, path, context, `${quoted(path)} has both names.`), { published: true });
  }
  const { message, remedy } = explain(failure, path, context);
  const fields: Fields = {
    message,
    path,
    remedy,
    mode: failure.mode === undefined ? undefined : failure.mode & 0o7777,
    uid: failure.uid,
    euid: failure.euid,
    size: failure.size,
  };
  if (failure.code === 'not-durable' || ((failure.code === 'path-mismatch' || failure.code === 'lock-lost') && PUBLISHED.has(failure.detail))) {
    fields.published = true;
  }
  if (failure.code === 'too-large' && failure.detail !== 'memory') {
    fields.limit = failure.detail === 'entries' ? context?.maxEntries : context?.maxBytes;
  }
  if (failure.errno !== 0) {
    const isOfLockDir = failure.detail === 'lock-directory' && context?.lockDir !== undefined;
    const cause = plainError(failure, isOfLockDir ? shown(context.lockDir as NativePath) : path, context);
    fields.errno = errno;
    fields.syscall = failure.syscall;
    fields.sysCode = cause.code;
    fields.cause = cause;
  }
  if (remains !== undefined) {
    fields.message = `${message} ${remains.sentence}`;
    Object.assign(fields, remains.fields);
  }
  return own(new HoldfastError(failure.code, fields));
}

type Told = { sentence: string; fields: Pick<Fields, 'temporary' | 'mode'> };

/** Returns the sentences and fields for what a failed call could not undo. */
function describeRemains(remains: Failure['remains'], path: string): Told | undefined {
  if (remains === undefined || (remains.temporary === '' && remains.mode === undefined)) {
    return undefined;
  }
  const name = (errno: number) => describeErrno(-errno)[0];
  const fields: Told['fields'] = {};
  const sentences: string[] = [];
  if (remains.temporary !== '') {
    sentences.push(`The temporary ${quoted(remains.temporary)} could not be removed (${name(remains.temporaryErrno)}).`);
    fields.temporary = remains.temporary;
  }
  if (remains.mode !== undefined) {
    const mode = remains.mode & 0o7777;
    const why = remains.modeErrno === 0 ? 'were not put back, as it may hold a part of the new content' : `could not be put back (${name(remains.modeErrno)})`;
    sentences.push(`${quoted(path)} has mode ${mode.toString(8).padStart(4, '0')} now: its former permissions ${why}.`);
    fields.mode = mode;
  }
  return { sentence: sentences.join(' '), fields };
}

/** Creates the error of a call that is refused before any system call. */
export function refusal(code: string, detail: string, given: NativePath | undefined, cause?: unknown) {
  const path = given === undefined ? undefined : shown(given);
  const { message, remedy } = explain({ ...NO_FACTS, code, detail }, path);
  if (cause instanceof Error && code !== 'internal') {
    own(cause);
  }
  return own(new HoldfastError(code, { message, path, remedy, cause: printable(cause) }));
}

/**
 * Creates the error of a lock that was not free in time.
 *
 * @param holder text about the process that has it
 * @param ownHolder the call of this environment that has it
 * @param isOwnProcess that text is about this process
 */
export function lockTimeout(given: NativePath, holder: string | undefined, ownHolder: string | undefined, isOwnProcess: boolean) {
  const path = shown(given);
  const { message, remedy } = explain({ ...NO_FACTS, code: 'lock-timeout', holder, ownHolder, isOwnProcess }, path);
  return own(new HoldfastError('lock-timeout', { message, path, remedy, holder }));
}

/** Creates an error with Node's code for a callback that returned something else than it has to. */
export function invalidReturn(message: string, value: unknown) {
  const received = value === undefined ? 'undefined' : `${typeof value}`;
  return own(Object.assign(new TypeError(`${message} Received ${received}`), { code: 'ERR_INVALID_RETURN_VALUE' }));
}

/** Creates an error with Node's code for a call at the wrong time. */
export function invalidState(message: string) {
  return own(Object.assign(new Error(`Invalid state: ${message}`), { code: 'ERR_INVALID_STATE' }));
}

/** Escapes message and stack of an error of Node, and returns it. No caller holds the error yet. */
export function printable<T>(error: T): T {
  if (error instanceof Error) {
    const { message, stack } = error;
    error.message = escapedLines(message);
    if (typeof stack === 'string') error.stack = escapedLines(stack);
  }
  return error;
}

/**
 * Creates the error for what exceeds a limit.
 *
 * @param detail `data`: the data of a write; `append`: the file after an append; `records`: what is appended; `update`: the file that an
 *   update reads
 * @param size bytes so far; `undefined` where that is unknown
 * @param limit bytes
 */
export function tooLarge(given: NativePath, detail: 'data' | 'append' | 'records' | 'update', size: number | undefined, limit: number) {
  const path = shown(given);
  const { message, remedy } = explain({ ...NO_FACTS, code: 'too-large', detail }, path, { maxBytes: limit });
  return own(new HoldfastError('too-large', { message, path, remedy, size, limit }));
}

/**
 * Creates the error for a directory or a tree with more entries than allowed.
 *
 * @param limit entries
 */
export function tooManyEntries(given: NativePath, limit: number) {
  return toError({ ...NO_FACTS, code: 'too-large', detail: 'entries' }, given, { maxEntries: limit });
}

/** Decodes a path for results and errors. Bytes that are not UTF-8 become U+FFFD. */
export function shown(given: NativePath): string {
  return typeof given === 'string' ? given : Buffer.from(given.buffer, given.byteOffset, given.byteLength).toString();
}
