import { abortable } from '../schedule/abort.js';
import { direct } from '../native/direct.js';
import { mayAnswerNow } from '../schedule/sync-budget.js';
import { native } from '../native/load.js';
import { atCaller, pending, promised } from '../errors/holdfast-error.js';
import { ensureArguments, noSignal, type EnsureArguments, type MethodRoot } from '../options/flatten.js';
import { addedBytes, pathForLater, toPath } from '../options/paths.js';
import { inPool, untilIdle } from '../schedule/job-limit.js';
import record = require('../native/record.js');
import { quoted } from '../base/escape.js';
import { withRoot, withRootSync, type Opened } from '../schedule/root-handle.js';
import { noCallback, noCallbackSync } from '../options/validate.js';
import { EnsureDirIndex, Layout } from '../native/record-layout.js';
import type { NativePath } from '../errors/failure.js';

// In the order of the enums in src/ensure_dir.rs.
const HARDENINGS = ['created', 'not-needed', 'tightened', 'tolerated', 'left'] as const;
const REASONS = [
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
] as const;

type Result = ReturnType<typeof toResult>;

/** Real paths of directories that had a warning. Each directory causes one warning. */
const warned = new Set();
const MAX_WARNINGS = 100;

function toResult(result: record.Result, path: NativePath, fixed: NativePath, root: Opened | undefined, wantsPrivacy: boolean) {
  const { numbers, text } = result;
  const end = numbers[Layout.TEXT_LENGTH];
  const start = end - numbers[EnsureDirIndex.FIRST_CREATED];
  const ensured = {
    path: record.realPath(result, fixed, root?.path, start),
    firstCreated: start < end ? firstCreated(text.subarray(start, end), path, fixed) : undefined,
    mode: numbers[EnsureDirIndex.MODE],
    isPrivate: numbers[EnsureDirIndex.IS_PRIVATE] === 1,
    hardening: HARDENINGS[numbers[EnsureDirIndex.HARDENING]],
    containment: record.containment(result),
  };
  const reason = REASONS[numbers[EnsureDirIndex.REASON]];
  if (wantsPrivacy && !ensured.isPrivate && reason !== 'opt-out') {
    warn(ensured.path, ensured.mode, reason);
  }
  return reason === undefined ? ensured : { ...ensured, reason };
}

/** Returns the first directory created, as `fs.mkdir` does: relative for a relative path. */
function firstCreated(made: Buffer, path: NativePath, fixed: NativePath) {
  const added = addedBytes(path, fixed);
  if (added === 0) {
    return made.toString('utf8');
  }
  const base = Buffer.from(fixed).subarray(0, added);
  return made.toString('utf8', made.subarray(0, added).equals(base) ? added : 0);
}

function whyNotPrivate(mode: number, reason: string | undefined) {
  if (reason === 'owner') {
    return 'it belongs to another user';
  }
  if (process.platform === 'win32') {
    return 'its ACL grants access to others';
  }
  return (mode & 0o077) === 0 && reason === undefined
    ? 'it belongs to another user, or to one that the user namespace does not map'
    : `its mode is ${mode.toString(8).padStart(4, '0')}`;
}

export function warn(path: string, mode: number, reason: string | undefined) {
  if (warned.has(path) || warned.size >= MAX_WARNINGS) {
    return;
  }
  warned.add(path);
  const because = reason === undefined ? '' : ` (${reason})`;
  const what = whyNotPrivate(mode, reason);
  process.emitWarning(
    `${quoted(path)} is not private: ${what}${because}. ` +
      "ensureDir refuses such a directory with existing: 'require' and leaves it with existing: 'leave'; HOLDFAST_SKIP_DIR_HARDENING=1 leaves all.",
    { type: 'HoldfastWarning', code: 'HOLDFAST_DIR_NOT_PRIVATE' },
  );
}

/**
 * Returns whether the operator opted out of hardening. Called when a directory would be tightened. JavaScript reads the
 * variables because a native read would race with a change of `process.env`.
 */
export function isOptedOut() {
  const { env } = process;
  return env.HOLDFAST_SKIP_DIR_HARDENING === '1' || env.OPENCLAW_SKIP_STATE_DIR_HARDEN === '1';
}

/** Bits of src/verbs/ensure_dir.rs, `rules`: the treatment of an existing directory. */
const EXISTING = 3 << 2;
const OPT_OUT = 3 << 2;

function ensureNow(path: NativePath, fixed: NativePath, { flags, mode, wantsPrivacy }: EnsureArguments, root: Opened | undefined) {
  direct().ensureDirSync(fixed, flags, mode, isOptedOut, root?.handle, root?.number);
  const { last } = record;
  if (record.failed(last)) {
    throw record.failure(last, path, { location: locationOf(fixed, root) });
  }
  return toResult(last, path, fixed, root, wantsPrivacy);
}

/**
 * Returns the absolute path of the directory, byte for byte, for commands in a remedy. Returns `undefined` if the
 * root's path is not exact: results have U+FFFD for bytes that are not UTF-8.
 */
function locationOf(fixed: NativePath, root: Opened | undefined): NativePath | undefined {
  const isAbsolute = typeof fixed === 'string' ? fixed.startsWith('/') : fixed[0] === 0x2f;
  if (root === undefined || isAbsolute) {
    return fixed;
  }
  return root.path.includes('\ufffd') ? undefined : Buffer.concat([Buffer.from(`${root.path}/`), Buffer.from(fixed)]);
}

export function ensureSync(dir: unknown, options: unknown, methodRoot: MethodRoot | undefined) {
  const path = toPath(dir, 'dir');
  const args = ensureArguments(options, methodRoot?.defaults);
  noSignal(args.signal);
  const fixed = pathForLater(path, methodRoot !== undefined || args.root !== undefined);
  return args.root === undefined ? ensureNow(path, fixed, args, methodRoot) : ensureBeneath(path, fixed, args);
}

/** Opens the root for one call. Separate function so that the hot path allocates no closure. */
function ensureBeneath(path: NativePath, fixed: NativePath, args: EnsureArguments) {
  return withRootSync(args.root, undefined, (root) => ensureNow(path, fixed, args, root));
}

/**
 * Runs on the calling thread if the directory exists, is private and its file system cannot block, or if it is created
 * on a file system in memory; otherwise in libuv's pool.
 *
 * @param before called right before the job that makes directories; may throw
 */
export function ensure(dir: unknown, options: unknown, methodRoot: MethodRoot | undefined, before?: () => void): Result | Promise<Result> {
  const path = toPath(dir, 'dir');
  const args = ensureArguments(options, methodRoot?.defaults);
  const { flags, mode, root, signal } = args;
  signal?.throwIfAborted();
  let probe = 0;
  let created: Uint8Array | undefined;
  const fixed = pathForLater(path, methodRoot !== undefined || root !== undefined);
  if (root === undefined && before === undefined && !isForThePool(fixed) && mayAnswerNow()) {
    direct().ensureDirCached(fixed, flags, mode, undefined, methodRoot?.handle, methodRoot?.number);
    const { last } = record;
    if (record.isAnswer(last) && !record.failed(last)) {
      return toResult(last, path, fixed, methodRoot, args.wantsPrivacy);
    }
    probe = record.probeFlag(last);
    created = record.created(last);
  }
  return pending(abortable(signal, ensureInPool(typeof path === 'string' ? path : new Uint8Array(path), fixed, args, { probe, created }, methodRoot, before)));
}

/**
 * Creates or tightens a directory in libuv's pool.
 *
 * @param path as the caller gave it, in memory of its own
 * @param begun on the calling thread: a bit for the flags, and the first directory that was created
 */
async function ensureInPool(
  path: NativePath,
  fixed: NativePath,
  { flags, mode, root, signal, wantsPrivacy }: EnsureArguments,
  begun: { probe: number; created: Uint8Array | undefined },
  methodRoot: MethodRoot | undefined,
  before: (() => void) | undefined,
) {
  const isWaived = (flags & EXISTING) === 0 && isOptedOut();
  const bits = (flags | begun.probe | (isWaived ? OPT_OUT : 0)) >>> 0;
  const ask = (base: Opened | undefined) => {
    signal?.throwIfAborted();
    before?.();
    return native().ensureDirAsync(fixed, bits, mode, base?.handle, begun.created);
  };
  const convert = ([answer]: Awaited<ReturnType<typeof ask>>, base: Opened | undefined) => {
    const result = record.unpack(answer);
    if (record.failed(result)) {
      throw record.failure(result, path, { location: locationOf(fixed, base) });
    }
    return toResult(result, path, fixed, base, wantsPrivacy);
  };
  const ensured =
    root === undefined && before === undefined
      ? convert(await inPool(() => ask(methodRoot)), methodRoot)
      : await inPool(() =>
          withRoot(root, methodRoot, async (base) => {
            if (before !== undefined) {
              await untilIdle();
            }
            return convert(await ask(base), base);
          }),
        );
  remember(fixed, ensured.hardening);
  return ensured;
}

/** Directories whose last call did not complete on the calling thread. */
const forThePool = new Set();
const MAX_REMEMBERED = 1000;

function isForThePool(fixed: NativePath) {
  return forThePool.size > 0 && forThePool.has(fixed);
}

function remember(fixed: NativePath, hardening: string) {
  if (hardening === 'not-needed' || hardening === 'created') {
    forThePool.delete(fixed);
  } else if (typeof fixed === 'string' && forThePool.size < MAX_REMEMBERED) {
    forThePool.add(fixed);
  }
}

export function ensureDirSync(dir: unknown, options?: unknown, callback: unknown = undefined) {
  try {
    noCallbackSync(callback);
    return ensureSync(dir, options, undefined);
  } catch (error) {
    throw atCaller(error, ensureDirSync);
  }
}

export function ensureDir(dir: unknown, options?: unknown, callback: unknown = undefined) {
  return promised(() => {
    noCallback(callback);
    return ensure(dir, options, undefined);
  }, ensureDir);
}

export { HARDENINGS, OPT_OUT, REASONS };
