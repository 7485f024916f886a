// Converts the records of an append to the bytes that are written: each record with the line break that ends it.

import { SMALL_TEXT, inMemory, largeText, toBytes } from './data.js';
import { invalidType, invalidValue } from './validate.js';

const LF = 0x0a;
const CR = 0x0d;

const RECORD = 'of type string or an instance of Buffer, TypedArray, DataView or ArrayBuffer';

/**
 * Returns a record with its line break. The bytes are a copy: the caller may change its own.
 *
 * @param file the path as the caller gave it, unchecked
 */
export function toRecord(value: unknown, name: string, file: unknown): Uint8Array {
  const path = typeof file === 'string' ? file : undefined;
  if (typeof value === 'string') {
    if (value.includes('\n') || value.includes('\r')) {
      throw lineBreak(name, value);
    }
    return value.length <= SMALL_TEXT ? Buffer.from(`${value}\n`) : largeText(value, 'utf8', path, '\n');
  }
  const bytes = toBytes(value, 'utf8', path);
  if (bytes === undefined) {
    throw invalidType(name, RECORD, value);
  }
  const record = inMemory(() => new Uint8Array(bytes.length + 1), path);
  record.set(bytes);
  if (record.includes(LF) || record.includes(CR)) {
    throw lineBreak(name, Buffer.from(record.buffer).toString('utf8', 0, bytes.length));
  }
  record[bytes.length] = LF;
  return record;
}

function lineBreak(name: string, text: string) {
  return invalidValue(name, 'has a line break: a record is one line, and the call ends it', text.slice(0, 40));
}

/**
 * Returns records one after the other, each with its line break.
 *
 * @param file the path as the caller gave it, unchecked
 */
export function toRecords(values: unknown, file: unknown): Uint8Array {
  if (typeof values === 'string' || ArrayBuffer.isView(values) || typeof (values as Iterable<unknown> | undefined | null)?.[Symbol.iterator] !== 'function') {
    throw invalidType('records', 'an iterable of records, such as an array', values);
  }
  const records: Uint8Array[] = [];
  for (const value of values as Iterable<unknown>) {
    // Copied now: a generator may yield the same memory again.
    records.push(toRecord(value, `records[${records.length}]`, file));
  }
  return records.length === 1 ? records[0] : inMemory(() => Buffer.concat(records), typeof file === 'string' ? file : undefined);
}

/** Returns the text of a value in JSON, which has no line break. */
export function toJson(value: unknown): string {
  const text = JSON.stringify(value) as string | undefined;
  if (text === undefined) {
    throw invalidType('value', 'a value that JSON has', value);
  }
  return text;
}
