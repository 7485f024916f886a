// Lists a directory beneath a root.

import { abortable } from '../schedule/abort.js';
import { shown } from '../errors/holdfast-error.js';
import { direct } from '../native/direct.js';
import { directoryPath, unpackEntries } from '../native/entries.js';
import { native } from '../native/load.js';
import record = require('../native/record.js');
import { listArguments } from '../options/list.js';
import { noSignal, type MethodRoot } from '../options/flatten.js';
import { pathForLater, toPath } from '../options/paths.js';
import { inPool } from '../schedule/job-limit.js';
import { Entry, complete } from './entry.js';
import type { NativePath } from '../errors/failure.js';

export function listSync(dir: unknown, options: unknown, methodRoot: MethodRoot): Entry[] {
  const path = toPath(dir ?? '.', 'dir');
  const { flags, maxEntries, signal } = listArguments(options, methodRoot.defaults);
  noSignal(signal);
  const data = direct().listSync(path, flags, maxEntries, methodRoot.handle, methodRoot.number);
  return toEntries(record.last, data, path, maxEntries);
}

export async function list(dir: unknown, options: unknown, methodRoot: MethodRoot): Promise<Entry[]> {
  const path = toPath(dir ?? '.', 'dir');
  const { flags, maxEntries, signal } = listArguments(options, methodRoot.defaults);
  signal?.throwIfAborted();
  const given = shown(path);
  const fixed = pathForLater(path, true);
  const listing = inPool(async () => {
    const [answer, data] = await native().listAsync(fixed, flags, maxEntries, methodRoot.handle);
    return toEntries(record.unpack(answer), data, given, maxEntries);
  });
  return abortable(signal, listing);
}

function toEntries(result: record.Result, data: Buffer | undefined, path: NativePath, maxEntries: number) {
  if (record.failed(result) || data === undefined) {
    throw record.failure(result, path, { maxEntries });
  }
  const parentPath = directoryPath(result, shown(path));
  const batch = unpackEntries(result, data);
  const { count, kinds, names } = batch;
  const hasMore = batch.stats.length > 0 || batch.raw !== undefined;
  const entries: Entry[] = [];
  let start = 0;
  for (let index = 0; index < count; index++) {
    const end = names.indexOf('\0', start);
    const entry = new Entry(names.substring(start, end), parentPath, kinds[index]);
    if (hasMore) {
      complete(entry, index, batch);
    }
    entries.push(entry);
    start = end + 1;
  }
  return entries;
}
