import { abortable, cancelOn } from '../schedule/abort.js';
import { warnOfLeftover } from './discard.js';
import { native } from '../native/load.js';
import { ownCopy, toBytes, withinLimit } from '../options/data.js';
import { isHoldfastError, pending, promised, shown } from '../errors/holdfast-error.js';
import { optionsOf } from '../options/names.js';
import { ENTRY } from '../options/schema.js';
import { manyArguments, type MethodRoot } from '../options/flatten.js';
import { targetOf, writes } from '../schedule/write-queue.js';
import { pathForLater, toPath } from '../options/paths.js';
import { inPool } from '../schedule/job-limit.js';
import record = require('../native/record.js');
import { withRoot } from '../schedule/root-handle.js';
import { invalidType, noCallback } from '../options/validate.js';
import { WHOLE_DATA, toResult } from './write.js';
import type { NativePath } from '../errors/failure.js';

interface Entry {
  given: string;
  fixed: NativePath;
  /** bytes that only this entry uses */
  bytes: Uint8Array;
  flags: number;
  modes: number;
}

/** Converts one entry to the form of the binary. An unusable path or data over `maxBytes` fails that entry alone. */
function toEntry(entry: unknown, index: number, toArguments: ReturnType<typeof manyArguments>['entry'], isBeneathRoot: boolean): Entry | Error {
  const name = `entries[${index}]`;
  if (entry === undefined) {
    throw invalidType(name, 'of type object', entry);
  }
  const { file, data, options } = optionsOf(entry, ENTRY, name);
  const { flags, modes, encoding, maxBytes } = toArguments(options, `${name}.options`);
  try {
    const path = toPath(file, `${name}.file`);
    const given = shown(path);
    const bytes = toBytes(data, encoding, path);
    if (bytes === undefined) {
      throw invalidType(`${name}.data`, WHOLE_DATA, data);
    }
    withinLimit(bytes, maxBytes, path);
    const copy = typeof data === 'string' ? bytes : ownCopy(bytes, given);
    return { given, fixed: pathForLater(path, isBeneathRoot), bytes: copy, flags, modes };
  } catch (error) {
    if (isHoldfastError(error)) {
      return error as Error;
    }
    throw error;
  }
}

export async function writeMany(entries: unknown, options: unknown, methodRoot: MethodRoot | undefined) {
  if (!Array.isArray(entries)) {
    throw invalidType('entries', 'an instance of Array', entries);
  }
  const { root, signal, entry: toArguments } = manyArguments(options, methodRoot?.defaults);
  const isBeneathRoot = methodRoot !== undefined || root !== undefined;
  const fixedRoot = root === undefined ? undefined : pathForLater(toPath(root, 'root'), false);
  const prepared = Array.from(entries, (entry, index) => toEntry(entry, index, toArguments, isBeneathRoot));
  signal?.throwIfAborted();
  const valid = prepared.filter((entry) => !(entry instanceof Error)) as Entry[];
  const targets = valid.map(({ fixed, flags }) => targetOf(fixed, fixedRoot, methodRoot, flags));
  const canceller = signal && cancelOn(signal);
  try {
    const writing = writes.queuedOnAll(targets, () =>
      inPool(() =>
        withRoot(fixedRoot, methodRoot, async (base) => {
          signal?.throwIfAborted();
          const [answer, answers] = await native().writeManyAsync(
            valid.map(({ fixed }) => fixed),
            valid.map(({ bytes }) => bytes),
            valid.map(({ flags }) => flags),
            valid.map(({ modes }) => modes),
            base?.handle,
            canceller?.handle,
          );
          if (answers === undefined) {
            throw record.failure(record.unpack(answer), valid[0]?.given ?? '');
          }
          return answers;
        }),
      ),
    );
    const records = await abortable(signal, writing, (late) => late.forEach((answer) => warnOfLeftover(record.unpack(answer))));
    let next = 0;
    return prepared.map((entry) => (entry instanceof Error ? rejected(entry) : settled(entry, records[next++], signal)));
  } finally {
    canceller?.dispose();
  }
}

function rejected(reason: unknown) {
  return { status: 'rejected' as const, reason };
}

function settled({ given, fixed }: Entry, answer: ArrayBuffer, signal: AbortSignal | undefined) {
  const result = record.unpack(answer);
  if (signal && record.wasAborted(result)) {
    warnOfLeftover(result);
    return rejected(signal.reason);
  }
  if (record.failed(result)) {
    return rejected(record.failure(result, given));
  }
  return { status: 'fulfilled' as const, value: toResult(result, fixed) };
}

export function writeAtomicMany(entries: unknown, options?: unknown, callback: unknown = undefined) {
  return promised(() => {
    noCallback(callback);
    return pending(writeMany(entries, options, undefined));
  }, writeAtomicMany);
}
