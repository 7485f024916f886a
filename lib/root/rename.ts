// Renames beneath a root, or into another root.

import { pending, shown } from '../errors/holdfast-error.js';
import { native } from '../native/load.js';
import record = require('../native/record.js');
import { RenameIndex } from '../native/record-layout.js';
import { renameArguments, secondPath } from '../options/flatten-changes.js';
import { pathForLater, toPath } from '../options/paths.js';
import { inPool } from '../schedule/job-limit.js';
import { targetOf, writes } from '../schedule/write-queue.js';
import type { MethodRoot } from '../options/flatten.js';
import type { NativePath } from '../errors/failure.js';

/** Returns the pinned directory of the option `toRoot`, which stays open until `done` is called. */
export type Other = (toRoot: unknown, path: unknown) => { pinned: MethodRoot; done: () => void };

function toResult(result: record.Result, from: NativePath, to: NativePath) {
  if (record.failed(result)) {
    throw record.failure(result, from, { first: from, second: to });
  }
  const { numbers } = result;
  return {
    path: record.realPath(result, to, undefined),
    same: numbers[RenameIndex.IS_SAME] === 1,
    durable: numbers[RenameIndex.DURABLE] === 1,
    containment: record.containment(result),
  };
}

function checked(from: unknown, to: unknown, options: unknown, pinned: MethodRoot, other: Other) {
  const paths = [toPath(from, 'from'), toPath(to, 'to')] as const;
  const { toRoot, flags } = renameArguments(options, pinned.defaults);
  const target = toRoot === undefined ? { pinned, done: () => {} } : other(toRoot, to);
  return { paths, flags: (flags | secondPath(target.pinned.defaults)) >>> 0, target };
}

export function renameSync(from: unknown, to: unknown, options: unknown, pinned: MethodRoot, other: Other) {
  const { paths, flags, target } = checked(from, to, options, pinned, other);
  try {
    native().renameSync(...paths, flags, pinned.handle, target.pinned.handle, record.scratch);
    return toResult(record.last, ...paths);
  } finally {
    target.done();
  }
}

/**
 * Renames after the earlier writes to both paths.
 *
 * @param before called right before the rename, for the adapters
 */
export function rename(from: unknown, to: unknown, options: unknown, pinned: MethodRoot, other: Other, before?: () => void) {
  const { paths, flags, target } = checked(from, to, options, pinned, other);
  const given = [shown(paths[0]), shown(paths[1])] as const;
  const fixed = [pathForLater(paths[0], true), pathForLater(paths[1], true)] as const;
  const targets = [targetOf(fixed[0], undefined, pinned, 0), targetOf(fixed[1], undefined, target.pinned, 0)];
  const renaming = writes.queuedOnAll(targets, () =>
    inPool(async () => {
      before?.();
      const [answer] = await native().renameAsync(...fixed, flags, pinned.handle, target.pinned.handle);
      return record.unpack(answer);
    }),
  );
  return pending(settled(renaming));

  async function settled(work: Promise<record.Result>) {
    try {
      return toResult(await work, ...given);
    } finally {
      target.done();
    }
  }
}
