// The stat of a path beneath a root, for the adapters.

import { os } from '../base/node.js';
import { direct } from '../native/direct.js';
import { pending, shown } from '../errors/holdfast-error.js';
import { mayAnswerNow } from '../schedule/sync-budget.js';
import { native } from '../native/load.js';
import { pathForLater, toPath } from '../options/paths.js';
import { inPool } from '../schedule/job-limit.js';
import record = require('../native/record.js');
import { Stats } from '../native/stats.js';
import { table } from '../base/lookup-table.js';
import type { MethodRoot } from '../options/flatten.js';
import type { NativePath } from '../errors/failure.js';

/** Bits of src/args.rs, `policy`. */
const POLICIES = table({ reject: 0, 'follow-within-root': 2 });

type Found = InstanceType<typeof Stats> | undefined;

const { ENOENT } = os.constants.errno;

/**
 * Returns the stat of a path beneath a root, or `undefined` if the path does not exist: an error would cost more than
 * the stat. Runs on the calling thread if the kernel has the path cached.
 */
export function stat(file: unknown, symlinks: 'reject' | 'follow-within-root', methodRoot: MethodRoot): Found | Promise<Found> {
  const path = toPath(file, 'file');
  const flags = POLICIES[symlinks];
  let probe = 0;
  if (mayAnswerNow()) {
    direct().statCached(path, flags, methodRoot.handle, methodRoot.number);
    const { last } = record;
    if (record.isAnswer(last)) {
      return toStatus(last, path);
    }
    probe = record.probeFlag(last);
  }
  return pending(statInPool(path, (flags | probe) >>> 0, methodRoot));
}

async function statInPool(path: NativePath, flags: number, methodRoot: MethodRoot) {
  const given = shown(path);
  const fixed = pathForLater(path, true);
  return inPool(async () => {
    const [answer] = await native().statAsync(fixed, flags, methodRoot.handle);
    return toStatus(record.unpack(answer), given);
  });
}

function toStatus(result: record.Result, path: NativePath) {
  if (!record.failed(result)) {
    return new Stats(result.numbers);
  }
  if (record.isRefusal(result, 'not-found', ENOENT)) {
    return undefined;
  }
  throw record.failure(result, path);
}
