// Lists a directory beneath a root.

import { timers } from '../base/node.js';
import { abortable } from '../schedule/abort.js';
import { shown } from '../errors/holdfast-error.js';
import { direct } from '../native/direct.js';
import { directoryPath, unpackEntries, type Batch } from '../native/entries.js';
import { native } from '../native/load.js';
import record = require('../native/record.js');
import { listArguments } from '../options/list.js';
import { noSignal, type MethodRoot } from '../options/flatten.js';
import { pathForLater, toPath } from '../options/paths.js';
import { inPool } from '../schedule/job-limit.js';
import { Entry, complete } from './entry.js';
import type { NativePath } from '../errors/failure.js';

const { setImmediate } = timers;

/** Entries that are made in one turn of the event loop: a few milliseconds with their stats. */
const TURN = 1024;

export function listSync(dir: unknown, options: unknown, methodRoot: MethodRoot): Entry[] {
  const path = toPath(dir === undefined ? '.' : dir, 'dir');
  const { flags, maxEntries, signal } = listArguments(options, methodRoot.defaults);
  noSignal(signal);
  const data = direct().listSync(path, flags, maxEntries, methodRoot.handle, methodRoot.number);
  return toEntries(record.last, data, path, maxEntries);
}

export async function list(dir: unknown, options: unknown, methodRoot: MethodRoot): Promise<Entry[]> {
  const path = toPath(dir === undefined ? '.' : dir, 'dir');
  const { flags, maxEntries, signal } = listArguments(options, methodRoot.defaults);
  signal?.throwIfAborted();
  const given = shown(path);
  const fixed = pathForLater(path, true);
  const listing = inPool(async () => {
    const [answer, data] = await native().listAsync(fixed, flags, maxEntries, methodRoot.handle);
    return toEntriesInTurns(record.unpack(answer), data, given, maxEntries);
  });
  return abortable(signal, listing);
}

/** The entries that were made from a batch so far. */
interface Decoding {
  batch: Batch;
  parentPath: string;
  hasMore: boolean;
  entries: Entry[];
  /** where the next name begins */
  start: number;
}

function decoding(result: record.Result, data: Buffer | undefined, path: NativePath, maxEntries: number): Decoding {
  if (record.failed(result) || data === undefined) {
    throw record.failure(result, path, { maxEntries });
  }
  const parentPath = directoryPath(result, shown(path));
  const batch = unpackEntries(result, data);
  return { batch, parentPath, hasMore: batch.stats.length > 0 || batch.raw !== undefined, entries: [], start: 0 };
}

/** Makes a number of entries, as far as there are more. Returns whether all are made. */
function decode(all: Decoding, most: number) {
  const { batch, parentPath, hasMore, entries } = all;
  const { count, kinds, names } = batch;
  const until = Math.min(count, entries.length + most);
  let { start } = all;
  for (let index = entries.length; index < until; index++) {
    const end = names.indexOf('\0', start);
    const entry = new Entry(names.substring(start, end), parentPath, kinds[index]);
    if (hasMore) {
      complete(entry, index, batch);
    }
    entries.push(entry);
    start = end + 1;
  }
  all.start = start;
  return until === count;
}

function toEntries(...args: Parameters<typeof decoding>) {
  const all = decoding(...args);
  decode(all, Infinity);
  return all.entries;
}

/** Makes the entries in several turns of the event loop, so that others run in between. */
async function toEntriesInTurns(...args: Parameters<typeof decoding>) {
  const all = decoding(...args);
  while (!decode(all, TURN)) {
    await new Promise((resolve) => setImmediate(resolve));
  }
  return all.entries;
}
