// `readText`, `readJson` and `writeJson` of a root.

import { buffer } from '../base/node.js';
import { refusal, shown } from '../errors/holdfast-error.js';
import { optionsOf } from '../options/names.js';
import { READ_JSON, READ_TEXT, WRITE, WRITE_JSON, namesOf } from '../options/schema.js';
import { invalidType, toChoice, type Given } from '../options/validate.js';
import { wordsOf } from '../options/values.js';
import { toPath } from '../options/paths.js';
import { readNow, readPacked, readStringSync } from '../verbs/read.js';
import { toText } from '../verbs/read-content.js';
import { write, writeSync } from '../verbs/write.js';
import { noSignal, packRead, type MethodRoot, type ReadArguments } from '../options/flatten.js';
import type { NativePath } from '../errors/failure.js';
import type { ReadResult, ReadTextResult } from '../../types/read.js';

const { isUtf8 } = buffer;
const INVALID = wordsOf('invalid');

const WRITE_NAMES = namesOf(WRITE);

/** Reads the options of the inner call once, for it to check. */
function only(names: readonly string[], given: Given): Given {
  return Object.fromEntries(names.map((name) => [name, given[name]]));
}

/** Returns the arguments of a read. Its result has text, unless the bytes have to be checked. */
function textArguments(options: unknown, { defaults }: MethodRoot): ReadArguments {
  if (options === undefined) {
    return defaults.forText;
  }
  const given = optionsOf(options, READ_TEXT);
  const isStrict = toChoice(given.invalid, 'options.invalid', INVALID, INVALID.replace) === INVALID.error;
  return packRead(given, defaults, isStrict ? undefined : 'utf8');
}

function textOf(result: ReadResult & Partial<ReadTextResult>, path: NativePath): string {
  if (result.text !== undefined) {
    return result.text;
  }
  if (!isUtf8(result.buffer)) {
    throw refusal('invalid-text', '', path);
  }
  return toText(result, 'utf8', path).text;
}

export async function readText(file: unknown, options: unknown, methodRoot: MethodRoot): Promise<string> {
  const args = textArguments(options, methodRoot);
  const path = toPath(file, 'file');
  const given = shown(path);
  return textOf(await readPacked(path, args, methodRoot), given);
}

export function readTextSync(file: unknown, options: unknown, methodRoot: MethodRoot): string {
  const args = textArguments(options, methodRoot);
  const path = toPath(file, 'file');
  noSignal(args.signal);
  return args.encoding === undefined ? textOf(readNow(path, args, methodRoot), path) : readStringSync(path, args, methodRoot);
}

/** Parses the content of a file. The error of the parser would show content. */
function parsed({ buffer: content }: ReadResult, path: NativePath): unknown {
  if (!isUtf8(content)) {
    throw refusal('invalid-json', 'text', path);
  }
  const text = content.toString();
  try {
    return JSON.parse(text.startsWith('\uFEFF') ? text.slice(1) : text);
  } catch {
    throw refusal('invalid-json', content.length === 0 ? 'empty' : '', path);
  }
}

/** Returns the value for a file that does not exist; throws any other error. */
function missing(error: unknown, ifMissing: unknown) {
  if (ifMissing !== undefined && (error as { code?: unknown }).code === 'not-found') {
    return ifMissing;
  }
  throw error;
}

function jsonArguments(file: unknown, options: unknown, { defaults }: MethodRoot) {
  if (options === undefined) {
    return { path: toPath(file, 'file'), ifMissing: undefined, args: defaults.forRead };
  }
  const given = optionsOf(options, READ_JSON);
  return { path: toPath(file, 'file'), ifMissing: given.ifMissing, args: packRead(given, defaults) };
}

export async function readJson(file: unknown, options: unknown, methodRoot: MethodRoot): Promise<unknown> {
  const { path, ifMissing, args } = jsonArguments(file, options, methodRoot);
  const given = shown(path);
  try {
    return parsed(await readPacked(path, args, methodRoot), given);
  } catch (error) {
    return missing(error, ifMissing);
  }
}

export function readJsonSync(file: unknown, options: unknown, methodRoot: MethodRoot): unknown {
  const { path, ifMissing, args } = jsonArguments(file, options, methodRoot);
  noSignal(args.signal);
  try {
    return parsed(readNow(path, args, methodRoot), path);
  } catch (error) {
    return missing(error, ifMissing);
  }
}

/** Returns the text of a value with a newline at its end, and the options of the write. */
function toJson(value: unknown, options: unknown) {
  const given = optionsOf(options, WRITE_JSON);
  const { space } = given;
  if (space !== undefined && typeof space !== 'string' && typeof space !== 'number') {
    throw invalidType('options.space', 'of type string or number', space);
  }
  const text: string | undefined = JSON.stringify(value, undefined, space);
  if (text === undefined) {
    throw invalidType('value', 'a value that JSON can represent', value);
  }
  return { text: `${text}\n`, inner: only(WRITE_NAMES, given) };
}

export async function writeJson(file: unknown, value: unknown, options: unknown, methodRoot: MethodRoot) {
  const { text, inner } = toJson(value, options);
  return write(file, text, inner, methodRoot);
}

export function writeJsonSync(file: unknown, value: unknown, options: unknown, methodRoot: MethodRoot) {
  const { text, inner } = toJson(value, options);
  return writeSync(file, text, inner, methodRoot);
}
