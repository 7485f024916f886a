// Walks a tree beneath a root: an asynchronous iterator over the batches of the binary.

import { onAbort } from '../schedule/abort.js';
import { invalidReturn, pending, shown, tooManyEntries } from '../errors/holdfast-error.js';
import { directoryBytes, directoryPath, unpackEntries, type Batch } from '../native/entries.js';
import { native } from '../native/load.js';
import record = require('../native/record.js');
import { walkArguments } from '../options/list.js';
import { pathForLater, toPath } from '../options/paths.js';
import { inPool } from '../schedule/job-limit.js';
import { WalkEntry, below, complete } from './entry.js';
import type { Handle } from '../native/binding.js';
import type { MethodRoot } from '../options/flatten.js';
import type { NativePath } from '../errors/failure.js';

/** Bytes of src/verbs/walk.rs between the kinds. */
const ENTER = 0x20;
const LEAVE = 0x21;

type Arguments = ReturnType<typeof walkArguments>;

/** A directory on the way: its path, what precedes the names in theirs, its bytes if they are not UTF-8, and the depth of its entries. */
interface Directory {
  path: string;
  prefix: string;
  raw: Buffer | undefined;
  depth: number;
}

/** The entries of a directory that passed the filter, from `next` on. */
interface Frame {
  directory: Directory;
  entries: WalkEntry[];
  next: number;
  isEnd: boolean;
}

const DONE = { done: true, value: undefined } as const;

/** The part of a walk that talks to the binary. */
class Batches {
  readonly #handle: Handle = native().walkNew();
  #isOpen = false;
  #isClosed = false;
  /** the last batch, which may still be read */
  #running: Promise<unknown> | undefined;

  constructor(
    readonly given: string,
    readonly fixed: NativePath,
    readonly args: Arguments,
    readonly methodRoot: MethodRoot,
  ) {}

  /** Returns the first batch with the path of the first directory. */
  async first() {
    this.#isOpen = true;
    const { flags, maxDepth } = this.args;
    const [answer, data] = await inPool(() => native().walkOpen(this.#handle, this.fixed, flags, maxDepth, this.methodRoot.handle));
    const result = record.unpack(answer);
    return { batch: this.#unpack(result, data), path: directoryPath(result, this.given), raw: directoryBytes(result, this.fixed) };
  }

  /** Begins to read the next batch. Its error is for whoever awaits it, if anybody does. */
  next(): Promise<Batch> {
    const reading = inPool(() => native().walkNext(this.#handle)).then(([answer, data]) => this.#unpack(record.unpack(answer), data));
    this.#running = reading.catch(() => {});
    return reading;
  }

  /** @param left number of directories to leave before `name` is entered */
  async step(left: number, name: NativePath | undefined) {
    const [answer, data] = await inPool(() => native().walkStep(this.#handle, left, name));
    return this.#unpack(record.unpack(answer), data);
  }

  #unpack(result: record.Result, data: Buffer | undefined) {
    if (record.failed(result) || data === undefined) {
      throw record.failure(result, this.given);
    }
    return unpackEntries(result, data);
  }

  async close() {
    if (!this.#isClosed) {
      this.#isClosed = true;
      if (this.#isOpen) {
        await native().walkClose(this.#handle);
        // A batch that is still read ends early, and its job closes the directories. An abort does not wait for it.
        if (!this.args.signal?.aborted) {
          await this.#running;
        }
      }
    }
  }
}

function inside({ path, rawPath, depth }: WalkEntry): Directory {
  return { path, prefix: below(path, ''), raw: rawPath, depth: depth + 1 };
}

function first(path: string, raw: Buffer | undefined): Directory {
  return { path, prefix: below(path, ''), raw, depth: 1 };
}

/**
 * Creates the entries of a batch.
 *
 * @param way the directories from the first to the current one; follows the batch into directories and out of them
 */
function entriesOf(batch: Batch, way: Directory[]) {
  const { kinds, names } = batch;
  const hasMore = batch.raw !== undefined || batch.stats.length > 0;
  const entries: WalkEntry[] = [];
  let directory = way[way.length - 1];
  let start = 0;
  for (const kind of kinds) {
    if (kind === ENTER) {
      directory = inside(entries[entries.length - 1]);
      way.push(directory);
    } else if (kind === LEAVE) {
      way.pop();
      directory = way[way.length - 1];
    } else {
      const end = names.indexOf('\0', start);
      const name = names.substring(start, end);
      const entry = new WalkEntry(name, directory.path, kind, directory.prefix + name, directory.depth);
      if (hasMore || directory.raw !== undefined) {
        complete(entry, entries.length, batch);
        setRawPath(entry, directory);
      }
      entries.push(entry);
      start = end + 1;
    }
  }
  return entries;
}

const SLASH = Buffer.from('/');

function setRawPath(entry: WalkEntry, { path, raw }: Directory) {
  const { name, rawName } = entry;
  if (raw !== undefined || rawName !== undefined) {
    const parent = raw ?? Buffer.from(path);
    const own = rawName ?? Buffer.from(name);
    (entry as { rawPath?: Buffer }).rawPath = path === '.' ? own : Buffer.concat([parent, SLASH, own]);
  }
}

/** Returns the error of a failed directory, whose path is below the first one. */
function failureOf({ result, path }: NonNullable<Batch['failure']>, top: string) {
  return record.failure(result, path === '' ? top : below(top, path));
}

/** Returns the entries of the tree, which the binary walks by itself. */
async function* all(batches: Batches): AsyncGenerator<WalkEntry[]> {
  const { batch: begun, path, raw } = await batches.first();
  const way = [first(path, raw)];
  for (let batch = begun; ; ) {
    // The next batch is read while the caller has this one.
    const next = batch.isEnd || batch.failure !== undefined ? undefined : batches.next();
    yield entriesOf(batch, way);
    if (batch.failure !== undefined) {
      throw failureOf(batch.failure, path);
    }
    if (next === undefined) {
      return;
    }
    batch = await next;
  }
}

/** A promise is refused: it is true, whatever it resolves to. */
function passes(filter: (entry: WalkEntry) => unknown, entry: WalkEntry) {
  const result = filter(entry) as { then?: unknown } | undefined;
  if (typeof result !== 'boolean' && typeof result?.then === 'function') {
    Promise.resolve(result).catch(() => {});
    throw invalidReturn("'filter' has to return a boolean, not a promise.", result);
  }
  return result;
}

/** Returns the entries that pass the filter. The binary enters the directories that are named to it. */
async function* filtered(batches: Batches, filter: (entry: WalkEntry) => unknown): AsyncGenerator<WalkEntry[]> {
  const { maxDepth } = batches.args;
  const { batch: begun, path, raw } = await batches.first();
  const frames: Frame[] = [];
  let ready: WalkEntry[] = [];
  const add = (batch: Batch, directory: Directory) => {
    // The binary reads one directory at a time here.
    const own = { ...batch, kinds: batch.kinds.filter((kind) => kind !== ENTER && kind !== LEAVE) };
    const entries = entriesOf(own, [directory]).filter((entry) => passes(filter, entry));
    frames.push({ directory, entries, next: 0, isEnd: batch.isEnd });
    if (batch.failure !== undefined) {
      ready = [...ready, ...entries];
    }
    return batch.failure;
  };
  let failure = add(begun, first(path, raw));
  /** number of directories that the binary has still to leave */
  let left = 0;
  for (let frame = frames.at(-1); failure === undefined && frame !== undefined; frame = frames.at(-1)) {
    const entry = frame.entries[frame.next++];
    if (entry !== undefined) {
      ready.push(entry);
      if (entry.isDirectory() && entry.depth < maxDepth) {
        yield ready;
        ready = [];
        const batch = await batches.step(left, entry.rawName ?? entry.name);
        left = 0;
        failure = batch.kinds.includes(ENTER) ? add(batch, inside(entry)) : batch.failure;
      }
    } else if (frame.isEnd) {
      frames.pop();
      left += 1;
    } else {
      yield ready;
      ready = [];
      frames.pop();
      const batch = await batches.step(left, undefined);
      left = 0;
      failure = add(batch, frame.directory);
    }
  }
  yield ready;
  if (failure !== undefined) {
    throw failureOf(failure, path);
  }
}

class Walker implements AsyncIterableIterator<WalkEntry> {
  readonly #batches: Batches;
  readonly #source: AsyncGenerator<WalkEntry[]>;
  #entries: WalkEntry[] = [];
  #at = 0;
  #count = 0;
  #isOver = false;
  readonly #begins: () => () => void;
  #ends: (() => void) | undefined;
  /** the last call of `next` that had to wait */
  #waiting: Promise<unknown> | undefined;

  constructor(batches: Batches, begins: () => () => void) {
    this.#batches = batches;
    const { filter } = batches.args;
    this.#source = filter === undefined ? all(batches) : filtered(batches, filter);
    this.#begins = begins;
  }

  next(): Promise<IteratorResult<WalkEntry, undefined>> {
    const { maxEntries, signal } = this.#batches.args;
    if (this.#waiting === undefined && this.#at < this.#entries.length && this.#count < maxEntries && !signal?.aborted) {
      this.#count += 1;
      return Promise.resolve({ done: false, value: this.#entries[this.#at++] });
    }
    this.#begin();
    const result = pending((this.#waiting ?? Promise.resolve()).then(() => this.#wait()));
    const settled: Promise<unknown> = result.then(
      () => this.#settle(settled),
      () => this.#settle(settled),
    );
    this.#waiting = settled;
    return result;
  }

  /** Holds the root from the call on, so that a later `close` does not end this walk. */
  #begin() {
    if (this.#waiting !== undefined || this.#isOver || this.#batches.args.signal?.aborted) {
      return;
    }
    try {
      this.#ends ??= this.#begins();
    } catch {
      // #wait() tells it.
    }
  }

  #settle(settled: Promise<unknown>) {
    if (this.#waiting === settled) {
      this.#waiting = undefined;
    }
  }

  async #wait(): Promise<IteratorResult<WalkEntry, undefined>> {
    const { maxEntries, signal } = this.#batches.args;
    try {
      while (!this.#isOver) {
        signal?.throwIfAborted();
        this.#ends ??= this.#begins();
        if (this.#at < this.#entries.length) {
          if (this.#count >= maxEntries) {
            throw tooManyEntries(this.#batches.given, maxEntries);
          }
          this.#count += 1;
          return { done: false, value: this.#entries[this.#at++] };
        }
        const { done, value } = await untilAborted(signal, this.#source.next());
        if (done) {
          await this.#end();
        } else {
          this.#entries = value;
          this.#at = 0;
        }
      }
      return DONE;
    } catch (error) {
      await this.#end();
      throw error;
    }
  }

  async #end() {
    if (!this.#isOver) {
      this.#isOver = true;
      this.#entries = [];
      this.#at = 0;
      try {
        await this.#batches.close();
      } finally {
        this.#ends?.();
      }
    }
  }

  async return() {
    await this.#end();
    return DONE;
  }

  async throw(error?: unknown): Promise<never> {
    await this.#end();
    throw error;
  }

  [Symbol.asyncIterator]() {
    return this;
  }

  async [Symbol.asyncDispose]() {
    await this.#end();
  }
}

/** Rejects as soon as the signal aborts; the work goes on, and its result is discarded. */
function untilAborted<T>(signal: AbortSignal | undefined, work: Promise<T>): Promise<T> {
  if (signal === undefined) {
    return work;
  }
  return new Promise((resolve, reject) => {
    const remove = onAbort(signal, () => reject(signal.reason));
    work.then(resolve, reject).finally(remove);
  });
}

/** @param begins called at the first `next`; returns a function that is called at the end */
export function walk(dir: unknown, options: unknown, methodRoot: MethodRoot, begins: () => () => void): Walker {
  const path = toPath(dir === undefined ? '.' : dir, 'dir');
  const args = walkArguments(options, methodRoot.defaults);
  return new Walker(new Batches(shown(path), pathForLater(path, true), args, methodRoot), begins);
}
