// Decodes the entries of directories that src/entries.rs encodes.

import { buffer } from '../base/node.js';
import record = require('./record.js');
import { EntriesIndex, Layout } from './record-layout.js';
import type { NativePath } from '../errors/failure.js';

const { isUtf8 } = buffer;

const SLASH = 0x2f;

/** Numbers of one stat. */
const ROW = 18;
/** Numbers of a name that is not UTF-8: number of the entry, offset, length. */
const RAW_ROW = 3;

/** One batch of entries. */
export interface Batch {
  count: number;
  /** one byte an entry, with those that enter and leave directories in between */
  kinds: Uint8Array;
  /** the names, each ended by a NUL */
  names: string;
  /** the stats by number of the entry, {@link ROW} numbers each; empty if none were requested */
  stats: Float64Array;
  /** names that are not UTF-8, by number of the entry */
  raw: Map<number, Buffer> | undefined;
  isEnd: boolean;
  /** the failure that ended a walk, and the path of its directory below the first one */
  failure: { result: record.Result; path: string } | undefined;
}

/** @param data the Buffer that came with the record */
export function unpackEntries({ numbers }: record.Result, data: Buffer): Batch {
  let at = 0;
  const part = (length: number) => data.subarray(at, (at += length));
  const stats = toNumbers(part(numbers[EntriesIndex.STATS] * ROW * 8));
  const rawRows = part(numbers[EntriesIndex.RAW] * RAW_ROW * 4);
  const kinds = part(numbers[EntriesIndex.KINDS]);
  const names = part(numbers[EntriesIndex.NAMES]);
  const failure = part(numbers[EntriesIndex.FAILURE]);
  return {
    count: numbers[EntriesIndex.COUNT],
    kinds,
    names: numbers[EntriesIndex.IS_ASCII] === 1 ? names.toString('latin1') : names.toString(),
    stats,
    raw: rawRows.length === 0 ? undefined : rawNames(rawRows, names),
    isEnd: numbers[EntriesIndex.IS_END] === 1,
    failure: failure.length === 0 ? undefined : { result: record.unpack(new Uint8Array(failure).buffer), path: part(numbers[EntriesIndex.FAILURE_PATH]).toString() },
  };
}

function toNumbers(bytes: Buffer) {
  const count = bytes.length / 8;
  // A Float64Array needs an aligned start, and a Buffer may be unaligned.
  return bytes.byteOffset % 8 === 0 ? new Float64Array(bytes.buffer, bytes.byteOffset, count) : new Float64Array(new Uint8Array(bytes).buffer);
}

function rawNames(rows: Buffer, names: Buffer) {
  const numbers = new Uint32Array(new Uint8Array(rows).buffer);
  const raw: Map<number, Buffer> = new Map();
  for (let row = 0; row < numbers.length; row += RAW_ROW) {
    const [entry, offset, length] = numbers.subarray(row, row + RAW_ROW);
    raw.set(entry, Buffer.from(names.subarray(offset, offset + length)));
  }
  return raw;
}

/** Returns the path of a listed directory: as given, or the text of the record. */
export function directoryPath({ numbers, text }: record.Result, given: string) {
  return numbers[Layout.IS_AS_GIVEN] === 1 ? given : text.toString('utf8', 0, numbers[Layout.TEXT_LENGTH]);
}

/** Returns the bytes of the path of a directory, without separators at the end; `undefined` where they are UTF-8. */
export function directoryBytes({ numbers, text }: record.Result, given: NativePath) {
  const bytes = numbers[Layout.IS_AS_GIVEN] === 1 ? given : text.subarray(0, numbers[Layout.TEXT_LENGTH]);
  if (typeof bytes === 'string' || isUtf8(bytes)) {
    return undefined;
  }
  let end = bytes.length;
  while (bytes[end - 1] === SLASH) {
    end -= 1;
  }
  return Buffer.from(bytes.subarray(0, end));
}

export { ROW };
