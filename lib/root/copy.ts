// Copies beneath a root, into another root, or a file from outside into a root.

import { pending, shown } from '../errors/holdfast-error.js';
import { native } from '../native/load.js';
import record = require('../native/record.js');
import { CopyIndex } from '../native/record-layout.js';
import { COPIES_TREE, copyArguments, copyInArguments, secondPath } from '../options/flatten-changes.js';
import { noSignal, type MethodRoot } from '../options/flatten.js';
import { pathForLater, toPath } from '../options/paths.js';
import { abortable, abortError, cancelOn } from '../schedule/abort.js';
import { inPool } from '../schedule/job-limit.js';
import { warnOfLeftover } from '../verbs/discard.js';
import { targetOf, writes } from '../schedule/write-queue.js';
import type { Handle } from '../native/binding.js';
import type { NativePath } from '../errors/failure.js';
import type { Other } from './rename.js';

const DURABLE = [false, 'file', true] as const;

/** A checked call. */
interface Copying {
  from: NativePath;
  to: NativePath;
  flags: number;
  maxBytes: number;
  maxEntries: number;
  signal: AbortSignal | undefined;
  /** the root of the source; `undefined` for a source outside */
  root: Handle | undefined;
  target: MethodRoot;
  /** lets go of the target's root */
  done: () => void;
}

function toResult(result: record.Result, { from, to, target, maxBytes, maxEntries }: Copying) {
  if (record.failed(result)) {
    throw record.failure(result, from, { second: to, maxBytes, maxEntries, done: 'copied' });
  }
  const { numbers } = result;
  return {
    path: record.realPath(result, to, target.path),
    copied: numbers[CopyIndex.ENTRIES],
    size: numbers[CopyIndex.SIZE],
    durable: DURABLE[numbers[CopyIndex.DURABLE]],
    containment: record.containment(result),
  };
}

function checked(from: unknown, to: unknown, options: unknown, pinned: MethodRoot, other: Other): Copying {
  const paths = { from: toPath(from, 'from'), to: toPath(to, 'to') };
  const { toRoot, flags, ...limits } = copyArguments(options, pinned.defaults);
  const { pinned: target, done } = toRoot === undefined ? { pinned, done: () => {} } : other(toRoot, to);
  return { ...paths, ...limits, flags: (flags | secondPath(target.defaults)) >>> 0, root: pinned.handle, target, done };
}

function checkedIn(source: unknown, to: unknown, options: unknown, pinned: MethodRoot): Copying {
  const paths = { from: toPath(source, 'source'), to: toPath(to, 'to') };
  const { flags, ...limits } = copyInArguments(options, pinned.defaults);
  return { ...paths, ...limits, flags: (flags | secondPath(pinned.defaults)) >>> 0, root: undefined, target: pinned, done: () => {} };
}

function runSync(call: Copying) {
  try {
    noSignal(call.signal);
    const { from, to, flags, maxBytes, maxEntries, root, target } = call;
    native().copySync(from, to, flags, maxBytes, maxEntries, root, target.handle, record.scratch);
    return toResult(record.last, call);
  } finally {
    call.done();
  }
}

/** Copies after the earlier writes to both paths. */
function run(call: Copying) {
  const { flags, maxBytes, maxEntries, signal, root, target, done } = call;
  const given = { ...call, from: shown(call.from), to: shown(call.to) };
  let from: NativePath;
  try {
    signal?.throwIfAborted();
    from = pathForLater(call.from, root !== undefined);
  } catch (error) {
    done();
    throw error;
  }
  const to = pathForLater(call.to, true);
  const canceller = signal && cancelOn(signal);
  const copying = writes.queued(targetOf(to, undefined, target, 0), () =>
    inPool(async () => {
      const [answer] = await native().copyAsync(from, to, flags, maxBytes, maxEntries, root, target.handle, canceller?.handle);
      return record.unpack(answer);
    }),
  );
  return pending(settled(copying));

  async function settled(work: Promise<record.Result>) {
    try {
      // A tree is left at an entry, and the error says how far the call came.
      const result = await ((flags & COPIES_TREE) === 0 ? abortable(signal, work, warnOfLeftover) : work);
      if (signal && record.wasAborted(result)) {
        warnOfLeftover(result);
        throw abortError(signal, { copied: record.done(result) });
      }
      return toResult(result, given);
    } finally {
      canceller?.dispose();
      done();
    }
  }
}

export function copySync(from: unknown, to: unknown, options: unknown, pinned: MethodRoot, other: Other) {
  return runSync(checked(from, to, options, pinned, other));
}

export function copy(from: unknown, to: unknown, options: unknown, pinned: MethodRoot, other: Other) {
  return run(checked(from, to, options, pinned, other));
}

export function copyInSync(source: unknown, to: unknown, options: unknown, pinned: MethodRoot) {
  return runSync(checkedIn(source, to, options, pinned));
}

export function copyIn(source: unknown, to: unknown, options: unknown, pinned: MethodRoot) {
  return run(checkedIn(source, to, options, pinned));
}
