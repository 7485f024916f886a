// Read, change, write under a lock: `updateAtomic` and `updateJson`.

import { buffer } from '../base/node.js';
import { NO_FACTS } from '../errors/fields.js';
import { invalidReturn, pending, promised, refusal, shown, toError, tooLarge } from '../errors/holdfast-error.js';
import { native } from '../native/load.js';
import { ownCopy, toBytes, withinLimit } from '../options/data.js';
import { updateArguments, type UpdateArguments } from '../options/locking.js';
import { pathForLater, toPath } from '../options/paths.js';
import { UPDATE, UPDATE_JSON } from '../options/schema.js';
import { invalidType, noCallback } from '../options/validate.js';
import { cancelOn } from '../schedule/abort.js';
import { inPool } from '../schedule/job-limit.js';
import { withRoot } from '../schedule/root-handle.js';
import { targetOf, writes } from '../schedule/write-queue.js';
import { Stats as FoundStats } from '../native/stats.js';
import { isNotFound } from '../errors/public-error.js';
import { warnOfLeftover } from '../verbs/discard.js';
import { read } from '../verbs/read.js';
import { WHOLE_DATA, toResult } from '../verbs/write.js';
import { whileHeld } from './held-locks.js';
import { acquire, release, toRequest, type Held } from './lock.js';
import record = require('../native/record.js');
import type { MethodRoot } from '../options/flatten.js';
import type { NativePath } from '../errors/failure.js';
import type { Stats } from 'node:fs';
import type contract = require('../../types/update.js');
import type { HoldfastError } from '../../types/errors.js';
import type { UpdateJsonResult } from '../../types/update.js';
import type { WriteResult } from '../../types/write.js';

/** What an update returns to leave the file as it is. */
export const UNCHANGED: typeof contract.UNCHANGED = Symbol.for('holdfast.unchanged') as never;

/** Tries of an update while others change the file without the lock. */
const TRIES = 8;

/** Bit of a write's flags. */
const OVERWRITE = 1 << 2;

const UPDATES = { verb: 'update' } as const;

type Update = (current: Buffer | undefined, stat: Stats | undefined) => unknown;

/** Reads the file that is to be updated; `undefined` where there is none. */
async function current(file: unknown, { read: options }: UpdateArguments, methodRoot: MethodRoot | undefined, given: string) {
  try {
    const withoutRoot = methodRoot === undefined ? options : { ...options, root: undefined };
    return await read(file, withoutRoot, methodRoot, given);
  } catch (error) {
    if (isNotFound(error)) {
      return undefined;
    }
    const { code, size, limit, cause } = error as HoldfastError;
    if (code === 'symlink') {
      throw refusal('symlink', 'update-link', given, cause);
    }
    throw code === 'too-large' && limit !== undefined ? tooLarge(given, 'update', size, limit) : error;
  }
}

/** Policies that follow a final link in a read. */
const FOLLOW_WITHIN_ROOT = 2;
const POLICY = 3;
/** Bit of a stat's flags: of a final link itself. */
const LSTAT = 1 << 2;

/**
 * Refuses a link under the file's name before the update is called. Under the other policies the read refuses it; one
 * that is planted after this check is refused by the write.
 */
async function refuseLink(fixed: NativePath, fixedRoot: NativePath | undefined, flags: number, methodRoot: MethodRoot | undefined, given: string) {
  if ((flags & POLICY) < FOLLOW_WITHIN_ROOT) {
    return;
  }
  const found = await inPool(() =>
    withRoot(fixedRoot, methodRoot, async (base) => {
      const [answer] = await native().statAsync(fixed, (flags & POLICY) | LSTAT, base?.handle);
      return record.unpack(answer);
    }),
  );
  if (!record.failed(found) && new FoundStats(found.numbers).isSymbolicLink()) {
    throw refusal('symlink', 'state-link', given);
  }
}

async function run(file: unknown, update: Update, args: UpdateArguments, methodRoot: MethodRoot | undefined) {
  const path = toPath(file, 'file');
  const { lock, write } = args;
  const { signal } = write;
  signal?.throwIfAborted();
  if (lock === undefined) {
    return tries(path, shown(path), update, args, methodRoot, undefined);
  }
  const request = toRequest(path, lock, methodRoot, 'an update');
  const held = await acquire(request);
  return whileHeld(held, { key: request.name.key, identity: held.identity, isShared: false }, async (context) => {
    let written: WriteResult | undefined;
    let moved: Error | undefined;
    try {
      written = await tries(request.fixed, request.given, update, args, methodRoot, held);
    } finally {
      context.isHeld = false;
      moved = await release(held, movedError);
    }
    if (written !== undefined && moved !== undefined) {
      throw moved;
    }
    return written;
  });
}

/**
 * Returns the error where the directory was moved since the check before the publication: the file is in the moved one. A lock file
 * that was removed since is no error, since only the compared file was replaced.
 */
function movedError(result: record.Result, given: string) {
  return record.isLostDirectory(result) ? toError({ ...NO_FACTS, code: 'lock-lost', detail: 'published' }, given) : undefined;
}

async function tries(path: NativePath, given: string, update: Update, args: UpdateArguments, methodRoot: MethodRoot | undefined, held: Held | undefined) {
  const { flags, modes, encoding, maxBytes, root, signal } = args.write;
  const isBeneathRoot = methodRoot !== undefined || root !== undefined;
  const fixed = pathForLater(path, isBeneathRoot);
  const fixedRoot = root === undefined ? undefined : pathForLater(toPath(root, 'root'), false);
  const canceller = signal && cancelOn(signal);
  try {
    for (let attempt = 0; attempt < TRIES; attempt += 1) {
      await refuseLink(fixed, fixedRoot, flags, methodRoot, given);
      const found = await current(fixed, args, methodRoot, given);
      signal?.throwIfAborted();
      // Before the callback, which may change the stat and the buffer that it gets, or transfer the buffer.
      const version = found === undefined ? [] : versionOf(found.stat, found.buffer);
      const updated = await update(found?.buffer, found?.stat);
      signal?.throwIfAborted();
      if (updated === UNCHANGED) {
        return undefined;
      }
      const bytes = updated === undefined ? undefined : toBytes(updated, encoding, given);
      if (bytes === undefined) {
        throw invalidReturn(`The update must return data ${WHOLE_DATA}, or UNCHANGED.`, updated);
      }
      withinLimit(bytes, maxBytes, given);
      const content = typeof updated === 'string' ? bytes : ownCopy(bytes, given);
      const bits = found === undefined ? flags & ~OVERWRITE : flags;
      const result = await writes.queued(targetOf(fixed, fixedRoot, methodRoot, flags), () =>
        inPool(() =>
          withRoot(fixedRoot, methodRoot, async (base) => {
            signal?.throwIfAborted();
            const [answer] = await native().writeCheckedAsync(fixed, content, bits, modes, base?.handle, canceller?.handle, held?.handle, version);
            return record.unpack(answer);
          }),
        ),
      );
      if (signal && record.wasAborted(result)) {
        warnOfLeftover(result);
        throw signal.reason;
      }
      if (!record.failed(result)) {
        return toResult(result, fixed);
      }
      if (held !== undefined && record.isMissingDirectory(result)) {
        throw refusal('lock-lost', 'directory', given);
      }
      // Somebody created the file, or changed it, since it was read.
      if (!record.hasCode(result, 'conflict') && !(found === undefined && record.hasCode(result, 'already-exists'))) {
        throw record.failure(result, given, UPDATES);
      }
    }
    throw refusal('conflict', '', given);
  } finally {
    canceller?.dispose();
  }
}

/**
 * The largest content that is compared, in bytes. Times hide some changes of the same size: in the same tick of the kernel's clock,
 * by a write() that took its time stamp before the read and its bytes to the file after it, and through a mapping.
 */
const MAX_COMPARED = 2 ** 20;

/** Returns what the binary compares before it publishes: numbers of the stat, and length and hash of the content. */
function versionOf({ dev, ino, size, mtimeMs, ctimeMs }: Stats, content: Buffer) {
  const numbers = [dev, ino, size, mtimeMs, ctimeMs];
  return content.length <= MAX_COMPARED ? [...numbers, content.length, native().contentHash(content)] : numbers;
}

/** Checks that a value is the callback of an update. */
function toUpdate(update: unknown) {
  if (typeof update !== 'function') {
    throw invalidType('update', 'of type function', update);
  }
  return update as Update;
}

export async function updateAtomicOf(file: unknown, update: unknown, options: unknown, methodRoot: MethodRoot | undefined) {
  return run(file, toUpdate(update), updateArguments(options, methodRoot?.defaults, UPDATE), methodRoot);
}

const BYTE_ORDER_MARK = '\ufeff';

/** Clones the value for a missing file: each attempt of the callback gets its own. */
function cloned(ifMissing: unknown) {
  try {
    return structuredClone(ifMissing);
  } catch (error) {
    throw Object.assign(invalidType('options.ifMissing', 'a value that structuredClone can copy, as JSON has it', ifMissing), { cause: error });
  }
}

export async function updateJsonOf<T>(file: unknown, update: unknown, options: unknown, methodRoot: MethodRoot | undefined): Promise<UpdateJsonResult<T>> {
  const call = toUpdate(update) as (current: unknown) => unknown;
  const args = updateArguments(options, methodRoot?.defaults, UPDATE_JSON);
  const missing = cloned(args.ifMissing);
  let value: unknown;
  const write = await run(
    file,
    async (bytes) => {
      const read = () => (bytes === undefined ? structuredClone(missing) : parsed(bytes, file));
      const after = await call(read());
      if (after === UNCHANGED) {
        // The callback may have changed the object that it got.
        value = read();
        return UNCHANGED;
      }
      const text = after === undefined ? undefined : JSON.stringify(after, null, 2);
      if (text === undefined) {
        throw invalidReturn('The update must return a value that JSON has, or UNCHANGED.', after);
      }
      value = JSON.parse(text);
      return `${text}\n`;
    },
    args,
    methodRoot,
  );
  return write === undefined ? { value: value as T, changed: false } : { value: value as T, changed: true, write };
}

function parsed(bytes: Buffer, file: unknown): unknown {
  const given = () => shown(toPath(file, 'file'));
  if (!buffer.isUtf8(bytes)) {
    throw refusal('invalid-json', 'text', given());
  }
  const text = bytes.toString();
  try {
    return JSON.parse(text.startsWith(BYTE_ORDER_MARK) ? text.slice(1) : text);
  } catch {
    // The error of the parser quotes the content.
    throw refusal('invalid-json', bytes.length === 0 ? 'empty' : '', given());
  }
}

export function updateAtomic(file: unknown, update: unknown, options?: unknown, callback: unknown = undefined) {
  return promised(() => {
    noCallback(callback);
    return pending(updateAtomicOf(file, update, options, undefined));
  }, updateAtomic);
}

export function updateJson<T>(file: unknown, update: unknown, options?: unknown, callback: unknown = undefined): Promise<UpdateJsonResult<T>> {
  return promised(() => {
    noCallback(callback);
    return pending(updateJsonOf<T>(file, update, options, undefined));
  }, updateJson);
}
