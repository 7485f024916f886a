'use strict';

// The status of what a path beneath a root leads to.

const os = process.getBuiltinModule('node:os');
const { direct } = require('../native/calls.js');
const { pending, shown } = require('../errors/holdfast-error.js');
const { mayAnswerNow } = require('../schedule/sync-budget.js');
const { native } = require('../native/load.js');
const { pathForLater, toPath } = require('../options/paths.js');
const { inPool } = require('../schedule/job-limit.js');
const record = require('../native/layout.js');
const { Stats } = require('../native/stats.js');
const { table } = require('../base/text-table.js');

/** Bits of src/binding/arguments.rs, `policy`. */
const POLICIES = table({ reject: 0, 'follow-within-root': 2 });

const { ENOENT } = os.constants.errno;

/**
 * Returns the status of what a path leads to, or `undefined` when nothing is there: an error costs more than the look. Answers
 * from memory if the kernel has it there.
 *
 * @param {unknown} file
 * @param {'reject' | 'follow-within-root'} symlinks
 * @param {import('../options/flatten.js').Pinned} pinned
 * @returns {InstanceType<typeof Stats> | undefined | Promise<InstanceType<typeof Stats> | undefined>}
 */
function status(file, symlinks, pinned) {
  const path = toPath(file, 'file');
  const flags = POLICIES[symlinks];
  let learn = 0;
  if (mayAnswerNow()) {
    direct().statusCached(path, flags, pinned.handle, pinned.number);
    const { last } = record;
    if (record.isAnswer(last)) {
      return toStatus(last, path);
    }
    learn = record.learnBit(last);
  }
  return pending(statusInPool(path, (flags | learn) >>> 0, pinned));
}

/**
 * @param {import('../native/binding.js').NativePath} path
 * @param {number} flags
 * @param {import('../options/flatten.js').Pinned} pinned
 */
async function statusInPool(path, flags, pinned) {
  const given = shown(path);
  const fixed = pathForLater(path, true);
  return inPool(async () => {
    const [answer] = await native().statusAsync(fixed, flags, pinned.handle);
    return toStatus(record.unpack(answer), given);
  });
}

/**
 * @param {record.Result} result
 * @param {import('../native/binding.js').NativePath} path
 */
function toStatus(result, path) {
  if (!record.failed(result)) {
    return new Stats(result.numbers);
  }
  if (record.isRefusal(result, 'not-found', ENOENT)) {
    return undefined;
  }
  throw record.failure(result, path);
}

module.exports = { status };
