// `walk` of a root: directory by directory, each listed beneath the root's descriptor without following a link.

import { path } from '../../base/node.js';
import { ROOT_LIST, hostError, toHost, type HostErrorClass } from '../errors.js';
import { followed, looped, withoutLinks } from '../links.js';
import { byRealRoot, expandHome, isBeneath } from '../paths.js';
import { isCode } from '../read.js';
import { OUTSIDE, causeOf, linkEscape } from '../sentences.js';
import { byName, listed, streamed } from './list.js';
import { absolute, isOutside, toPlace, type Base } from './targets.js';
import { statOf } from '../../root/root.js';
import type { Entry } from '../../../types/root-read.js';
import type { NativePath } from '../../errors/failure.js';
import type { Stats } from 'node:fs';
import type { Unchecked } from '../options.js';

interface WalkOptions {
  maxDepth: number;
  maxEntries: number;
  isSorted: boolean;
  policy: 'skip' | 'follow-within-root' | 'include';
  throwsAtLimit: boolean;
  reportsErrors: boolean;
  signal: AbortSignal | undefined;
  /** the options object of the caller, whose `entryFilter` is called as its method */
  given: Unchecked;
}

/** A directory on the way. */
interface Frame {
  /** its path in results */
  shown: string;
  /** its path relative to the root, without symlinks; bytes where a name is not UTF-8 */
  real: NativePath;
  depth: number;
  entries: Entry[];
  next: number;
}

function toBudget(name: string, value: Unchecked) {
  if (value !== undefined && !(Number.isSafeInteger(value) && value >= 0)) {
    throw new RangeError(`${name} must be a non-negative safe integer`);
  }
  return value ?? Infinity;
}

function toWord(what: string, value: Unchecked, words: readonly string[]) {
  if (!words.includes(value)) {
    throw new TypeError(`invalid root walk ${what}: ${String(value)}`);
  }
}

function toWalkOptions(given: Unchecked): WalkOptions {
  const { symlinkPolicy, order = 'sorted', limitBehavior = 'truncate', onDirectoryError = 'throw', maxDepth, maxEntries, signal } = given;
  toWord('symlink policy', symlinkPolicy, ['skip', 'follow-within-root', 'include']);
  toWord('order', order, ['sorted', 'filesystem']);
  toWord('limit behavior', limitBehavior, ['truncate', 'throw']);
  toWord('directory error behavior', onDirectoryError, ['throw', 'skip-and-report']);
  return {
    maxDepth: toBudget('maxDepth', maxDepth),
    maxEntries: toBudget('maxEntries', maxEntries),
    isSorted: order === 'sorted',
    policy: symlinkPolicy,
    throwsAtLimit: limitBehavior === 'throw',
    reportsErrors: onDirectoryError === 'skip-and-report',
    signal,
    given,
  };
}

function kindOf(entry: Pick<Entry, 'isFile' | 'isDirectory' | 'isSymbolicLink'>) {
  return entry.isSymbolicLink() ? 'symlink' : entry.isDirectory() ? 'directory' : entry.isFile() ? 'file' : 'other';
}

/** Returns the directory to start with: its path in results, and its path relative to the root. */
function toStart(HostError: HostErrorClass, base: Base, given: string) {
  const expanded = expandHome(given);
  const full = path.resolve(base.path, byRealRoot(toPlace(base), expanded));
  if (!isBeneath(base.path, full)) {
    const cause = causeOf('Path escapes', base.path, path.isAbsolute(expanded) ? expanded : full, 'root walk');
    throw hostError(HostError, 'outside-workspace', OUTSIDE, cause);
  }
  const real = path.relative(base.path, full);
  return { shown: expanded === given ? (given === '.' ? '' : given) : real, real };
}

/** Returns the path of an entry, as bytes where a name is not UTF-8. */
function childOf(dir: NativePath, { name, rawName }: Entry): NativePath {
  if (typeof dir === 'string' && rawName === undefined) {
    return path.posix.join(dir, name);
  }
  return Buffer.concat([Buffer.from(dir), Buffer.from(dir.length === 0 ? '' : '/'), rawName ?? Buffer.from(name)]);
}

class Walk {
  readonly #HostError;
  readonly #base;
  readonly #options;
  readonly #frames: Frame[] = [];
  /** directories by device and inode, where symlinks are followed */
  readonly #seen = new Set<string>();
  #examined = 0;

  constructor(HostError: HostErrorClass, base: Base, options: WalkOptions) {
    this.#HostError = HostError;
    this.#base = base;
    this.#options = options;
  }

  async *run(given: string): AsyncGenerator<object> {
    const { signal } = this.#options;
    signal?.throwIfAborted();
    let start;
    try {
      start = toStart(this.#HostError, this.#base, given);
    } catch (error) {
      if (!this.#options.reportsErrors) {
        throw error;
      }
      yield { relativePath: given, kind: 'directory-error', size: 0, error };
      return;
    }
    yield* this.#enter(start.shown, start.real, 0);
    for (let frame = this.#frames.at(-1); frame !== undefined; frame = this.#frames.at(-1)) {
      signal?.throwIfAborted();
      const entry = frame.entries[frame.next++];
      if (entry === undefined) {
        this.#frames.pop();
        continue;
      }
      const child = path.posix.join(frame.shown, entry.name);
      if (this.#examined >= this.#options.maxEntries) {
        yield this.#limit(child);
        return;
      }
      this.#examined += 1;
      const found = await this.#found(frame, entry);
      if (found === undefined) {
        continue;
      }
      const { kind, size, real: inside } = found;
      const decision = await this.#decided({ relativePath: child, kind, size });
      if (decision === 'include') {
        yield { relativePath: child, kind, size };
      }
      if (kind !== 'directory' || decision === 'skip-subtree') {
        continue;
      }
      if (frame.depth >= this.#options.maxDepth) {
        yield this.#limit(child);
        return;
      }
      yield* this.#enter(child, inside, frame.depth + 1);
    }
  }

  /** Lists a directory and makes it the current one. Yields its error, if errors are reported. */
  async *#enter(shown: string, real: NativePath, depth: number) {
    const { policy, signal, reportsErrors } = this.#options;
    try {
      const { entries, real: at } = await this.#listed(real, depth === 0);
      if (policy === 'follow-within-root' && !(await this.#isNew(at))) {
        return;
      }
      this.#frames.push({ shown, real: at, depth, entries, next: 0 });
    } catch (error) {
      if (signal?.aborted) {
        throw error;
      }
      if (depth > 0 && policy === 'skip' && isCode(error, 'symlink')) {
        // A symlink since the directory above was read.
        return;
      }
      const failure = await this.#failure(shown, real, depth, error);
      if (!reportsErrors) {
        throw failure;
      }
      yield { relativePath: shown, kind: 'directory-error', size: 0, error: failure };
    }
  }

  /** @param follows whether symlinks on the way are followed, as they are to the first directory */
  async #listed(real: NativePath, follows: boolean): Promise<{ entries: Entry[]; real: NativePath }> {
    try {
      return { entries: await this.#entries(real), real };
    } catch (error) {
      if (!follows || typeof real !== 'string' || !(isCode(error, 'symlink') || isOutside(error))) {
        throw error;
      }
      const target = await withoutLinks(this.#base.path, real, true, error);
      return { entries: await this.#entries(target), real: target };
    }
  }

  async #entries(real: NativePath): Promise<Entry[]> {
    const { isSorted, maxEntries, signal } = this.#options;
    const at = real === '' ? '.' : real;
    if (isSorted || maxEntries === Infinity) {
      const entries = await listed(this.#base, at, 'reject', true);
      return isSorted ? entries.sort(byName) : entries;
    }
    // Reads no more names than the budget has, and one that exceeds it.
    const entries: Entry[] = [];
    for await (const entry of streamed(this.#base, at, 'reject', Infinity, signal)) {
      entries.push(entry);
      if (this.#examined + entries.length > maxEntries) {
        break;
      }
    }
    return entries;
  }

  async #isNew(real: NativePath) {
    const stat = await this.#statusOf(real);
    const identity = stat && `${stat.dev}:${stat.ino}`;
    if (identity === undefined || this.#seen.has(identity)) {
      return false;
    }
    this.#seen.add(identity);
    return true;
  }

  #statusOf(real: NativePath): Promise<Stats | undefined> {
    return this.#base.use((root) => statOf(root, absolute(this.#base, real === '' ? '.' : real), 'reject'));
  }

  /** Returns what an entry is; `undefined` for one that is passed over. */
  async #found(frame: Frame, entry: Entry): Promise<{ kind: string; size: number; real: NativePath } | undefined> {
    const { policy } = this.#options;
    const kind = kindOf(entry);
    const real = childOf(frame.real, entry);
    if (kind === 'symlink' && policy === 'follow-within-root' && typeof real === 'string') {
      return this.#target(real);
    }
    if (entry.stat === undefined || (kind === 'symlink' && policy === 'skip')) {
      // Removed meanwhile, or a symlink.
      return undefined;
    }
    return { kind, size: entry.stat.size, real };
  }

  /** Returns what a symlink leads to; `undefined` if there is nothing. */
  async #target(link: string) {
    const { path: root } = this.#base;
    const { real, end } = await followed(root, link, true);
    if (end === 'escape') {
      throw hostError(this.#HostError, 'outside-workspace', OUTSIDE, causeOf('Symlink escapes', root, path.join(root, link), 'root walk'));
    }
    if (end === 'loop') {
      throw toHost(this.#HostError, ROOT_LIST, looped(path.join(root, link)));
    }
    if (real === undefined) {
      return undefined;
    }
    const stat = await this.#statusOf(real).catch((error) => {
      throw toHost(this.#HostError, ROOT_LIST, error);
    });
    return stat && { kind: kindOf(stat), size: stat.size, real };
  }

  /** Asks the caller about an entry. Calls its filter with the options as `this`. */
  async #decided(entry: object): Promise<string> {
    const { given, signal } = this.#options;
    let decision = given.entryFilter?.(entry) ?? 'include';
    if (typeof decision !== 'string') {
      decision = (await decision) ?? 'include';
      signal?.throwIfAborted();
    }
    if (!['include', 'skip', 'skip-subtree'].includes(decision)) {
      throw new TypeError(`invalid root walk entryFilter result: ${String(decision)}`);
    }
    return decision;
  }

  #limit(at: string) {
    if (this.#options.throwsAtLimit) {
      throw hostError(this.#HostError, 'too-large', `root walk budget exceeded at ${at || '.'}`);
    }
    return { relativePath: at, kind: 'truncated', size: 0 };
  }

  async #failure(shown: string, real: NativePath, depth: number, error: unknown) {
    const escape = depth === 0 && typeof real === 'string' && (isCode(error, 'symlink') || isOutside(error)) ? await linkEscape(this.#base.path, real) : undefined;
    if (isCode(error, 'not-directory') || isCode(error, 'not-found')) {
      return hostError(this.#HostError, 'not-file', `root walk path is not a directory: ${shown || '.'}`);
    }
    if (escape !== undefined) {
      return hostError(this.#HostError, 'outside-workspace', OUTSIDE, escape);
    }
    return isCode(error, 'symlink') && depth > 0
      ? hostError(this.#HostError, 'path-mismatch', 'directory changed during operation', error)
      : toHost(this.#HostError, ROOT_LIST, error);
  }
}

export function walkBeneath(HostError: HostErrorClass, base: Base, given: string, options: Unchecked): AsyncGenerator<object> {
  return start();

  // The options are checked by the first `next`, as in the original.
  async function* start() {
    yield* new Walk(HostError, base, toWalkOptions(options)).run(given);
  }
}
