// Removes what a path beneath a root names.

import { pending, shown } from '../errors/holdfast-error.js';
import { native } from '../native/load.js';
import record = require('../native/record.js');
import { RemoveIndex } from '../native/record-layout.js';
import { RECURSIVE, removeArguments } from '../options/flatten-changes.js';
import { noSignal, type MethodRoot } from '../options/flatten.js';
import { pathForLater, toPath } from '../options/paths.js';
import { abortable, abortError, cancelOn } from '../schedule/abort.js';
import { inPool } from '../schedule/job-limit.js';
import { targetOf, writes } from '../schedule/write-queue.js';
import type { NativePath } from '../errors/failure.js';

function toResult(result: record.Result, path: NativePath, maxEntries: number) {
  if (record.failed(result)) {
    throw record.failure(result, path, { maxEntries, done: 'removed' });
  }
  return { removed: result.numbers[RemoveIndex.COUNT] };
}

export function removeSync(path: unknown, options: unknown, pinned: MethodRoot) {
  const checked = toPath(path, 'path');
  const { flags, maxEntries, signal } = removeArguments(options, pinned.defaults);
  noSignal(signal);
  native().removeSync(checked, flags, maxEntries, pinned.handle, record.scratch);
  return toResult(record.last, checked, maxEntries);
}

/**
 * Removes after the earlier writes to the same path.
 *
 * @param before called right before the removal, for the adapters
 */
export function remove(path: unknown, options: unknown, pinned: MethodRoot, before?: () => void) {
  const checked = toPath(path, 'path');
  const { flags, maxEntries, signal } = removeArguments(options, pinned.defaults);
  signal?.throwIfAborted();
  const given = shown(checked);
  const fixed = pathForLater(checked, true);
  const canceller = signal && cancelOn(signal);
  const removing = writes.queued(targetOf(fixed, undefined, pinned, 0), () =>
    inPool(async () => {
      before?.();
      const [answer] = await native().removeAsync(fixed, flags, maxEntries, pinned.handle, canceller?.handle);
      return record.unpack(answer);
    }),
  );
  return pending(settled(removing));

  async function settled(work: Promise<record.Result>) {
    try {
      // A tree is left at an entry, and the error says how far the call came.
      const result = await ((flags & RECURSIVE) === 0 ? abortable(signal, work) : work);
      if (signal && record.wasAborted(result)) {
        throw abortError(signal, { removed: record.done(result) });
      }
      return toResult(result, given, maxEntries);
    } finally {
      canceller?.dispose();
    }
  }
}
