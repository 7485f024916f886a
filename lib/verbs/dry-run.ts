// Dry runs: the binary runs each verb up to the first system call that would change something.

import { OPT_OUT, isOptedOut } from './ensure-dir.js';
import { native } from '../native/load.js';
import { ensureArguments, readArguments, writeArguments } from '../options/flatten.js';
import record = require('../native/layout.js');

/** The error of a verb: a HoldfastError or a system error. */
export type Refusal = Error & { code?: string; syscall?: string; sysCode?: string; remedy?: string };

export type Rehearsed = { numbers: Float64Array; error?: undefined } | { numbers?: undefined; error: Refusal };

/** Returns the outcome of the last dry run. The next call of the binary overwrites it. */
function answerAbout(path: string): Rehearsed {
  const { last } = record;
  return record.failed(last) ? { error: record.failure(last, path) } : { numbers: last.numbers };
}

export function rehearseEnsureDir(path: string, options?: object) {
  const { flags, mode } = ensureArguments(options);
  native().rehearseEnsureDir(path, (flags | (isOptedOut() ? OPT_OUT : 0)) >>> 0, mode, record.scratch);
  return answerAbout(path);
}

export function rehearseWrite(path: string, options?: object) {
  const { flags, modes } = writeArguments(options);
  native().rehearseWrite(path, flags, modes, record.scratch);
  return answerAbout(path);
}

export function rehearseRead(path: string, options?: object) {
  const { flags, maxBytes } = readArguments(options);
  native().rehearseRead(path, flags, maxBytes, record.scratch);
  return answerAbout(path);
}
