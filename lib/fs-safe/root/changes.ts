// `remove` and `move` of a root.

import { path } from '../../base/node.js';
import {
  ROOT_MOVE,
  ROOT_MOVE_BY_POLICY,
  ROOT_REMOVE,
  ROOT_REMOVE_BY_POLICY,
  hostError,
  isErrno,
  toHost,
  type HostErrorClass,
  type Rules,
} from '../errors.js';
import { beforeMutation } from '../host-callbacks.js';
import { toMutationSymlinks, type Unchecked } from '../options.js';
import { followed, isMissing, retraced, withoutLinks } from '../links.js';
import { isBeneath } from '../paths.js';
import { isCode } from '../read.js';
import { OUTSIDE, causeOf, hardlinkCause, linkEscape } from '../sentences.js';
import { toRelative } from './stat.js';
import { absolute, isOutside, refuseDrive, type Base } from './targets.js';
import { callOf } from '../../root/root.js';
import { remove } from '../../root/remove.js';
import { rename } from '../../root/rename.js';
import type { Stats } from 'node:fs';
import type { WalkEntry } from '../../../types/root-read.js';

const MAX_ENTRIES = 100_000;

/** Details of a failed recursive removal, as hosts log them. The entry is relative to the removed directory. */
const DETAILS = { operation: 'remove', phase: 'remove', relativePath: '' };

/** The other root of a rename, which has none. */
export const OTHER_ROOT = (): never => {
  throw new TypeError('there is no other root');
};

/** How one call treats symlinks in parents, and whether it refuses a final one. */
interface Policy {
  isNamed: boolean;
  symlinks: 'reject' | 'follow-within-root';
}

function toPolicy(options: Unchecked, defaults: Unchecked): Policy {
  const chosen = toMutationSymlinks(options?.mutationSymlinks ?? defaults.mutationSymlinks);
  return { isNamed: chosen !== undefined, symlinks: chosen === 'reject' ? 'reject' : 'follow-within-root' };
}

/** Returns the callbacks before a change as one function; `undefined` if there are none. */
function toAsk(options: Unchecked, defaults: Unchecked) {
  const levels = [defaults, options];
  return levels.some((level) => Boolean(level?.assertBeforeMutation)) ? beforeMutation(levels) : undefined;
}

/** Returns the lstat of a path beneath the root; `undefined` if there is nothing. */
async function lstatBeneath(base: Base, relative: string, { symlinks }: Policy): Promise<Stats | undefined> {
  try {
    return await retraced(base.path, relative, false, (at) => base.use((root) => root.lstat(absolute(base, at), { symlinks })));
  } catch (error) {
    if (isMissing(error)) {
      return undefined;
    }
    throw error;
  }
}

const linked = (HostError: HostErrorClass) => hostError(HostError, 'symlink', 'symlink path component not allowed');

/** Returns what the host gets for a refused change of a name. */
async function failed(HostError: HostErrorClass, rules: Rules, base: Base, relative: string, error: unknown) {
  const { end, link } = isOutside(error) || isCode(error, 'symlink') ? await followed(base.path, path.dirname(relative), true) : {};
  if (end === 'loop' && (rules === ROOT_REMOVE || rules === ROOT_MOVE)) {
    return hostError(HostError, 'symlink', 'symlink path could not be resolved', (error as Error).cause);
  }
  return toHost(HostError, rules, error, { given: relative, cause: end === 'escape' ? causeOf('Symlink escapes', base.path, link as string) : undefined });
}

/** Checks the options of `remove` in the order of the original. */
function checkRemoval(options: Unchecked) {
  const { order, recursive, maxEntries, maxDepth } = options ?? {};
  if (order !== undefined && order !== 'filesystem' && order !== 'sorted') {
    throw new TypeError('remove order must be filesystem or sorted');
  }
  for (const [name, value] of Object.entries({ maxEntries, maxDepth })) {
    if (value !== undefined && value !== Infinity && !(Number.isSafeInteger(value) && value >= 0)) {
      throw new RangeError(`${name} must be a non-negative safe integer`);
    }
  }
  if (!recursive && (maxEntries !== undefined || maxDepth !== undefined)) {
    throw new TypeError('remove budgets require recursive: true');
  }
  if (!recursive && order !== undefined) {
    throw new TypeError('remove order requires recursive: true');
  }
}

export async function removeBeneath(HostError: HostErrorClass, base: Base, given: unknown, options: Unchecked, defaults: Unchecked) {
  const relative = toRelative(HostError, base.path, given);
  checkRemoval(options);
  const { recursive, force, maxEntries = MAX_ENTRIES, maxDepth = Infinity, signal } = options ?? {};
  signal?.throwIfAborted();
  const policy = toPolicy(options, defaults);
  if (path.join(relative, '.') === '.' || path.join(relative, '.') === './') {
    throw hostError(HostError, 'outside-workspace', OUTSIDE);
  }
  const isTree = Boolean(recursive);
  const own = { recursive: isTree, missing: force ? 'ignore' : 'error', signal, ...(isTree ? { maxEntries } : {}) };
  const ask = toAsk(options, defaults);
  try {
    if (policy.isNamed || maxDepth !== Infinity) {
      await assertRemovable(HostError, base, relative, policy, isTree, maxDepth);
    }
    await retraced(base.path, relative, false, (at) =>
      base.use((root) => callOf(root, absolute(base, at), policy.symlinks, (pinned) => remove(absolute(base, at), own, pinned, ask))),
    );
  } catch (error) {
    if (force && isMissing(error)) {
      return;
    }
    throw await failedRemoval(HostError, base, relative, policy, isTree, signal, error);
  }
}

/** Refuses symlinks where the caller has chosen a policy, and trees that are deeper than the caller wants. */
async function assertRemovable(HostError: HostErrorClass, base: Base, relative: string, policy: Policy, isTree: boolean, maxDepth: number) {
  const stat = await lstatBeneath(base, relative, policy);
  if (policy.isNamed && stat?.isSymbolicLink()) {
    throw linked(HostError);
  }
  if (!isTree || !stat?.isDirectory()) {
    return;
  }
  await retraced(base.path, relative, false, (at) =>
    base.use(async (root) => {
      const walk = root.walk(absolute(base, at), { symlinks: policy.symlinks, maxDepth: Math.max(1, maxDepth + 1) }) as AsyncIterable<WalkEntry>;
      for await (const entry of walk) {
        if (entry.depth > maxDepth) {
          throw hostError(HostError, 'too-large', 'recursive removal budget exceeded', undefined, { ...DETAILS, phase: 'inspect', relativePath: path.relative(at, entry.path) });
        }
        if (policy.isNamed && entry.isSymbolicLink()) {
          throw hostError(HostError, 'symlink', 'final symlink not allowed');
        }
      }
    }),
  );
}

/** Returns the details of a tree that could not be removed. The error names the entry. */
function detailsOf(root: string, relative: string, { path: at, syscall }: NodeJS.ErrnoException) {
  const top = path.resolve(root, relative);
  const entry = at === undefined ? '' : path.relative(top, path.resolve(root, at));
  const isRead = syscall === 'open' || syscall === 'scandir';
  return { ...DETAILS, phase: isRead ? 'enumerate' : 'remove', relativePath: isBeneath(top, path.join(top, entry)) ? entry : '' };
}

async function failedRemoval(HostError: HostErrorClass, base: Base, relative: string, policy: Policy, isTree: boolean, signal: AbortSignal | undefined, error: unknown) {
  if (error instanceof HostError) {
    return error;
  }
  if (signal?.aborted && (error === signal.reason || (error as Error | undefined)?.name === 'AbortError')) {
    return signal.reason;
  }
  if (isErrno(error)) {
    const details = isTree ? detailsOf(base.path, relative, error) : undefined;
    return error.code === 'ENOTEMPTY' || error.code === 'EEXIST'
      ? hostError(HostError, 'not-empty', 'directory is not empty', error, details)
      : error.code === 'ENAMETOOLONG'
        ? hostError(HostError, 'path-alias', 'path alias escape blocked', error, details)
        : hostError(HostError, 'not-removable', 'path could not be removed', error, details);
  }
  if (isCode(error, 'too-large')) {
    return hostError(HostError, 'too-large', 'recursive removal budget exceeded', undefined, { ...DETAILS, phase: 'inspect' });
  }
  return failed(HostError, policy.isNamed ? ROOT_REMOVE_BY_POLICY : ROOT_REMOVE, base, relative, error);
}

/** Returns a path without slashes at its end. */
const bare = (relative: string) => relative.replace(/(?<=[^/])\/+$/, '');

export async function moveBeneath(HostError: HostErrorClass, base: Base, from: unknown, to: unknown, options: Unchecked, defaults: Unchecked) {
  if (typeof to === 'string') {
    refuseDrive(HostError, to);
  }
  const source = toRelative(HostError, base.path, from);
  const asked = toRelative(HostError, base.path, to);
  const target = bare(asked);
  const policy = toPolicy(options, defaults);
  const overwrite = Boolean(options?.overwrite ?? false);
  const ask = toAsk(options, defaults);
  const rules = policy.isNamed ? ROOT_MOVE_BY_POLICY : ROOT_MOVE;
  let failing = target;
  try {
    await assertTarget(HostError, base, target, policy, overwrite, asked !== target);
    failing = source;
    await assertSource(HostError, base, source, policy, overwrite);
    failing = target;
    await renamed(base, source, target, policy, { overwrite, durable: false }, ask);
  } catch (error) {
    throw error instanceof HostError ? error : await failed(HostError, rules, base, failing, error);
  }
}

/** Renames; again without links, if one with an absolute target leads back into the root. */
async function renamed(base: Base, source: string, target: string, { symlinks }: Policy, options: object, ask: (() => void) | undefined) {
  const attempt = (from: string, to: string) =>
    base.use((root) => callOf(root, absolute(base, from), symlinks, (pinned) => rename(absolute(base, from), absolute(base, to), options, pinned, OTHER_ROOT, ask)));
  try {
    await attempt(source, target);
  } catch (error) {
    if (!isOutside(error)) {
      throw error;
    }
    await attempt(await withoutLinks(base.path, source, false, error), await withoutLinks(base.path, target, false, error));
  }
}

async function assertSource(HostError: HostErrorClass, base: Base, source: string, policy: Policy, overwrite: boolean) {
  const stat = await lstatBeneath(base, source === '' ? '.' : source, policy);
  if (stat?.isSymbolicLink()) {
    const escape = policy.isNamed ? undefined : await linkEscape(base.path, source);
    throw policy.isNamed
      ? linked(HostError)
      : escape !== undefined
        ? hostError(HostError, 'path-alias', 'path alias escape blocked', escape)
        : hostError(HostError, 'symlink', 'symlink not allowed');
  }
  if (stat?.isFile() && stat.nlink > 1) {
    throw hostError(HostError, 'hardlink', 'hardlinked path not allowed');
  }
  if (stat?.isDirectory() && !overwrite) {
    throw hostError(HostError, 'invalid-path', 'directory moves require overwrite: true');
  }
}

/**
 * Refuses a target that is a file with several names, or a symlink that the call may not replace.
 *
 * @param namesDirectory the path ends in a slash: it is no name of a file or a symlink
 */
async function assertTarget(HostError: HostErrorClass, base: Base, target: string, policy: Policy, overwrite: boolean, namesDirectory: boolean) {
  const stat = await lstatBeneath(base, target === '' ? '.' : target, policy);
  if (namesDirectory && stat !== undefined && !stat.isDirectory()) {
    throw hostError(HostError, 'path-alias', 'path alias escape blocked');
  }
  if (path.join(target) === '.' && !overwrite) {
    throw hostError(HostError, 'already-exists', 'destination exists');
  }
  if (stat?.isFile() && stat.nlink > 1) {
    throw hostError(HostError, 'path-alias', 'path alias escape blocked', hardlinkCause(base.path, path.join(base.path, target)));
  }
  if (stat?.isSymbolicLink() && policy.isNamed) {
    throw linked(HostError);
  }
  const escape = stat?.isSymbolicLink() && !overwrite ? await linkEscape(base.path, target) : undefined;
  if (escape !== undefined) {
    throw hostError(HostError, 'path-alias', 'path alias escape blocked', escape);
  }
}
