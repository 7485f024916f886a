'use strict';

const { abortable } = require('../schedule/abort.js');
const { direct } = require('../native/calls.js');
const { mayAnswerNow } = require('../schedule/sync-budget.js');
const { native } = require('../native/load.js');
const { atCaller, pending, promised, shown } = require('../errors/holdfast-error.js');
const { ensureArguments, noSignal } = require('../options/flatten.js');
const { addedBytes, pathForLater, toPath } = require('../options/paths.js');
const { inPool, untilIdle } = require('../schedule/job-limit.js');
const record = require('../native/layout.js');
const { quoted } = require('../base/escape.js');
const { withRoot, withRootSync } = require('../schedule/root-handle.js');
const { noCallback } = require('../options/validate.js');

/** @typedef {import('../options/flatten.js').Pinned} Pinned */
/** @typedef {import('../schedule/root-handle.js').Opened} Opened */
/** @typedef {import('../native/binding.js').NativePath} NativePath */

// The order is that of the enums in src/ensure_dir.rs.
const HARDENINGS = /** @type {const} */ (['created', 'not-needed', 'tightened', 'tolerated', 'left']);
const REASONS = /** @type {const} */ ([
  undefined,
  'EPERM',
  'EACCES',
  'EROFS',
  'ENOSYS',
  'ENOTSUP',
  'no-effect',
  'owner',
  'acl',
  'shared',
  'system',
  'opt-out',
]);

/** Directories warned about, by real path: each once, and so many at most. */
const warned = new Set();
const MOST_WARNINGS = 100;

/**
 * @param {record.Result} result
 * @param {NativePath} path as the caller gave it
 * @param {NativePath} fixed as the binary took it
 * @param {Opened | undefined} root
 * @param {boolean} wantsPrivacy
 */
function toResult(result, path, fixed, root, wantsPrivacy) {
  const { numbers, text } = result;
  const end = numbers[record.TEXT_LENGTH];
  const start = end - numbers[5];
  const ensured = {
    path: record.realPath(result, fixed, root?.path, start),
    firstCreated: start < end ? firstCreated(text.subarray(start, end), path, fixed) : undefined,
    mode: numbers[1],
    isPrivate: numbers[2] === 1,
    hardening: HARDENINGS[numbers[3]],
    containment: record.containment(result),
  };
  const reason = REASONS[numbers[4]];
  if (wantsPrivacy && !ensured.isPrivate && reason !== 'opt-out') {
    warn(ensured.path, ensured.mode, reason);
  }
  return reason === undefined ? ensured : { ...ensured, reason };
}

/**
 * As `fs.mkdir` answers: relative where the path was.
 *
 * @param {Buffer} made
 * @param {NativePath} path
 * @param {NativePath} fixed
 */
function firstCreated(made, path, fixed) {
  const added = addedBytes(path, fixed);
  const base = Buffer.from(fixed).subarray(0, added);
  return made.toString('utf8', made.subarray(0, added).equals(base) ? added : 0);
}

/**
 * @param {string} path
 * @param {number} mode
 * @param {string | undefined} reason
 */
function warn(path, mode, reason) {
  if (warned.has(path) || warned.size >= MOST_WARNINGS) {
    return;
  }
  warned.add(path);
  const because = reason === undefined ? '' : ` (${reason})`;
  const what = process.platform === 'win32' ? 'its ACL lets others in' : `its mode is ${mode.toString(8).padStart(4, '0')}`;
  process.emitWarning(
    `${quoted(path)} is not private: ${what}${because}. ` +
      "Demand privacy with existing: 'require', or waive it with existing: 'leave' or HOLDFAST_SKIP_DIR_HARDENING=1.",
    { type: 'HoldfastWarning', code: 'HOLDFAST_DIR_NOT_PRIVATE' },
  );
}

/**
 * The operator's waiver. It is read when there is something to tighten, and in JavaScript, where it
 * cannot race with a change of the environment.
 */
function isOptedOut() {
  const { env } = process;
  return env.HOLDFAST_SKIP_DIR_HARDENING === '1' || env.OPENCLAW_SKIP_STATE_DIR_HARDEN === '1';
}

/** Bits of src/binding/ensure_dir.rs, `rules`, for what happens to a directory that exists. */
const EXISTING = 3 << 2;
const OPT_OUT = 3 << 2;

/**
 * @param {NativePath} path as the caller gave it
 * @param {NativePath} fixed
 * @param {import('../options/flatten.js').EnsureArguments} args
 * @param {Opened | undefined} root
 */
function ensureNow(path, fixed, { flags, mode, wantsPrivacy }, root) {
  direct().ensureDirSync(fixed, flags, mode, isOptedOut, root?.handle, root?.number);
  const { last } = record;
  if (record.failed(last)) {
    throw record.failure(last, path, { location: locationOf(fixed, root) });
  }
  return toResult(last, path, fixed, root, wantsPrivacy);
}

/**
 * The absolute path of the directory, byte for byte, for commands in a remedy. Undefined where the root's path is not
 * known exactly: results have U+FFFD for bytes that are not UTF-8.
 *
 * @param {NativePath} fixed
 * @param {Opened | undefined} root
 * @returns {NativePath | undefined}
 */
function locationOf(fixed, root) {
  const isAbsolute = typeof fixed === 'string' ? fixed.startsWith('/') : fixed[0] === 0x2f;
  if (root === undefined || isAbsolute) {
    return fixed;
  }
  return root.path.includes('\ufffd') ? undefined : Buffer.concat([Buffer.from(`${root.path}/`), Buffer.from(fixed)]);
}

/**
 * @param {unknown} dir
 * @param {unknown} options
 * @param {Pinned | undefined} pinned
 */
function ensureSync(dir, options, pinned) {
  const path = toPath(dir, 'dir');
  const args = ensureArguments(options, pinned?.defaults);
  noSignal(args.signal);
  const fixed = pathForLater(path, pinned !== undefined || args.root !== undefined);
  return args.root === undefined ? ensureNow(path, fixed, args, pinned) : ensureBeneath(path, fixed, args);
}

/**
 * On its own: a function that makes another pays for that also where it does not.
 *
 * @param {NativePath} path as the caller gave it
 * @param {NativePath} fixed
 * @param {import('../options/flatten.js').EnsureArguments} args
 */
function ensureBeneath(path, fixed, args) {
  return withRootSync(args.root, undefined, (root) => ensureNow(path, fixed, args, root));
}

/**
 * Answers at once where the directory is there, private and on a file system that cannot block;
 * otherwise from libuv's pool.
 *
 * @param {unknown} dir
 * @param {unknown} options
 * @param {Pinned | undefined} pinned
 * @param {() => void} [before] called right before the job that makes directories; may throw
 * @returns {ReturnType<typeof toResult> | Promise<ReturnType<typeof toResult>>}
 */
function ensure(dir, options, pinned, before) {
  const path = toPath(dir, 'dir');
  const args = ensureArguments(options, pinned?.defaults);
  const { flags, mode, root, signal } = args;
  signal?.throwIfAborted();
  let learn = 0;
  const fixed = pathForLater(path, pinned !== undefined || root !== undefined);
  if (root === undefined && before === undefined && !isForThePool(fixed) && mayAnswerNow()) {
    direct().ensureDirCached(fixed, flags, mode, undefined, pinned?.handle, pinned?.number);
    const { last } = record;
    if (record.isAnswer(last) && !record.failed(last)) {
      return toResult(last, path, fixed, pinned, args.wantsPrivacy);
    }
    learn = record.learnBit(last);
  }
  return pending(abortable(signal, ensureInPool(shown(path), fixed, args, learn, pinned, before)));
}

/**
 * @param {string} given the path as the caller gave it
 * @param {NativePath} fixed as it is at the time of the call
 * @param {import('../options/flatten.js').EnsureArguments} args
 * @param {number} learn a bit for the flags
 * @param {Pinned | undefined} pinned
 * @param {(() => void) | undefined} before
 */
async function ensureInPool(given, fixed, { flags, mode, root, signal, wantsPrivacy }, learn, pinned, before) {
  const isWaived = (flags & EXISTING) === 0 && isOptedOut();
  const bits = (flags | learn | (isWaived ? OPT_OUT : 0)) >>> 0;
  const ensured = await inPool(() =>
    withRoot(root, pinned, async (base) => {
      if (before !== undefined) {
        await untilIdle();
      }
      signal?.throwIfAborted();
      before?.();
      const [answer] = await native().ensureDirAsync(fixed, bits, mode, base?.handle);
      const result = record.unpack(answer);
      if (record.failed(result)) {
        throw record.failure(result, given, { location: locationOf(fixed, base) });
      }
      return toResult(result, given, fixed, base, wantsPrivacy);
    }),
  );
  remember(fixed, ensured.hardening);
  return ensured;
}

/** Directories that took more than a look the last time: there is nothing in memory to answer from. */
const forThePool = new Set();
const MOST_REMEMBERED = 1000;

/** @param {NativePath} fixed */
function isForThePool(fixed) {
  return forThePool.size > 0 && forThePool.has(fixed);
}

/**
 * @param {NativePath} fixed
 * @param {string} hardening
 */
function remember(fixed, hardening) {
  if (hardening === 'not-needed' || hardening === 'created') {
    forThePool.delete(fixed);
  } else if (typeof fixed === 'string' && forThePool.size < MOST_REMEMBERED) {
    forThePool.add(fixed);
  }
}

/**
 * @param {unknown} dir
 * @param {unknown} [options]
 */
function ensureDirSync(dir, options) {
  try {
    return ensureSync(dir, options, undefined);
  } catch (error) {
    throw atCaller(error, ensureDirSync);
  }
}

/**
 * @param {unknown} dir
 * @param {unknown} [options]
 * @param {unknown} [callback] refused
 */
function ensureDir(dir, options, callback = undefined) {
  return promised(() => {
    noCallback(callback);
    return ensure(dir, options, undefined);
  }, ensureDir);
}

module.exports = { HARDENINGS, OPT_OUT, REASONS, ensure, ensureDir, ensureDirSync, ensureSync, isOptedOut, warn };
