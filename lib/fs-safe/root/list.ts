// `list` and `entries` of a root, from its descriptor.

import { ROOT_ENTRIES, ROOT_LIST, hostError, toHost, type HostErrorClass } from '../errors.js';
import { toReadSymlinks, type Unchecked } from '../options.js';
import { retraced, withoutLinks } from '../links.js';
import { failedBeneath, isCode } from '../read.js';
import { linkEscape } from '../sentences.js';
import { toPathStat, toRelative } from './stat.js';
import { absolute, isOutside, type Base } from './targets.js';
import type { NativePath } from '../../errors/failure.js';
import type { Entry } from '../../../types/root-read.js';

/** Names in the order of JavaScript's sort, as in the original. */
export const byName = (one: { name: string }, other: { name: string }) => (one.name < other.name ? -1 : Number(one.name > other.name));

/** Returns an entry in the shape of fs-safe; `undefined` for one that was removed meanwhile. */
function toDirEntry({ name, stat }: Entry) {
  return stat && { name, ...toPathStat(stat) };
}

/** Lists a directory completely. */
export function listed(base: Base, relative: NativePath, symlinks: string, withStat: boolean): Promise<Entry[]> {
  const options = { stat: withStat, maxEntries: Infinity, symlinks };
  return base.use((root) => root.list(absolute(base, relative), options)) as Promise<Entry[]>;
}

export async function listBeneath(HostError: HostErrorClass, base: Base, given: unknown, options: Unchecked) {
  const relative = toRelative(HostError, base.path, given);
  const withStat = options?.withFileTypes === true;
  try {
    const entries = await retraced(base.path, relative === '' ? '.' : relative, true, (at) => listed(base, at, 'follow-within-root', withStat));
    return withStat ? entries.sort(byName).map(toDirEntry).filter(Boolean) : entries.map(({ name }) => name).sort();
  } catch (error) {
    throw await failedList(HostError, base, relative, given, error);
  }
}

async function failedList(HostError: HostErrorClass, base: Base, relative: string, given: unknown, error: unknown) {
  // With a slash behind it, a file is a component on the way.
  if (isCode(error, 'not-directory') && relative.endsWith('/')) {
    return hostError(HostError, 'path-alias', 'path alias escape blocked', (error as Error).cause);
  }
  return toHost(HostError, ROOT_LIST, error, { given, cause: isOutside(error) ? await linkEscape(base.path, relative) : undefined });
}

/**
 * Starts to read a directory in the order of the file system.
 *
 * @param maxEntries more are `too-large`
 */
export async function* streamed(base: Base, relative: NativePath, symlinks: string, maxEntries: number, signal: AbortSignal | undefined) {
  const options = { stat: true, maxDepth: 1, maxEntries, signal, symlinks };
  // The root stays open from the first entry on.
  const { walk, first } = await base.use(async (root) => {
    const walk = root.walk(absolute(base, relative), options);
    return { walk, first: await walk.next() };
  });
  try {
    if (!first.done) {
      yield first.value as Entry;
      yield* walk as AsyncIterable<Entry>;
    }
  } finally {
    await walk.return();
  }
}

/** Checks the options of `entries` that the original checks before it looks at the directory. */
function toEntriesOptions(options: Unchecked, defaults: Unchecked) {
  const { maxEntries, order, signal, symlinks } = options ?? {};
  if (maxEntries !== undefined && !(Number.isSafeInteger(maxEntries) && maxEntries >= 0)) {
    throw new RangeError('maxEntries must be a non-negative safe integer');
  }
  if (order !== undefined && order !== 'filesystem' && order !== 'sorted') {
    throw new TypeError(`invalid root entries order: ${String(order)}`);
  }
  signal?.throwIfAborted();
  return { maxEntries: maxEntries ?? Infinity, isSorted: order === 'sorted', signal, symlinks: toReadSymlinks(symlinks === undefined ? defaults.symlinks : symlinks) ?? 'reject' };
}

export async function* entriesBeneath(HostError: HostErrorClass, base: Base, rootDir: string, given: unknown, options: Unchecked, defaults: Unchecked) {
  const { maxEntries, isSorted, signal, symlinks } = toEntriesOptions(options, defaults);
  const relative = toRelative(HostError, base.path, given, 'outside-workspace');
  try {
    yield* await inOrder();
  } catch (error) {
    if (signal?.aborted) {
      throw error;
    }
    const place = { given: rootDir, real: base.path };
    throw await failedBeneath(HostError, ROOT_ENTRIES, place, relative === '' ? '.' : relative, { symlinks }, error);
  }

  async function inOrder() {
    let source = streamed(base, relative === '' ? '.' : relative, symlinks, maxEntries, signal);
    let next;
    try {
      next = await source.next();
    } catch (error) {
      if (!isOutside(error)) {
        throw error;
      }
      const real = await withoutLinks(base.path, relative, symlinks === 'follow-within-root', error);
      source = streamed(base, real, symlinks, maxEntries, signal);
      next = await source.next();
    }
    const first = next.value;
    return isSorted ? sorted(first, source, signal) : shaped(first, source);
  }
}

async function* shaped(first: Entry | void, rest: AsyncGenerator<Entry, void>) {
  try {
    const start = first && toDirEntry(first);
    if (start !== undefined) {
      yield start;
    }
    for await (const entry of rest) {
      const shaped = toDirEntry(entry);
      if (shaped !== undefined) {
        yield shaped;
      }
    }
  } finally {
    // A caller may stop at the first entry, before the loop has begun.
    await rest.return();
  }
}

async function* sorted(first: Entry | void, rest: AsyncGenerator<Entry, void>, signal: AbortSignal | undefined) {
  const all: { name: string }[] = [];
  for await (const entry of shaped(first, rest)) {
    all.push(entry);
  }
  for (const entry of all.sort(byName)) {
    signal?.throwIfAborted();
    yield entry;
  }
}
