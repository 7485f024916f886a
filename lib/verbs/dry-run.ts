// Dry runs: the binary runs each verb up to the first system call that would change something.

import { OPT_OUT, isOptedOut } from './ensure-dir.js';
import { native } from '../native/load.js';
import { ensureArguments, readArguments, writeArguments } from '../options/flatten.js';
import record = require('../native/record.js');

/** The error of a verb: a HoldfastError or a system error. */
export type Refusal = Error & { code?: string; syscall?: string; sysCode?: string; remedy?: string };

export type DryRun = { numbers: Float64Array; error?: undefined } | { numbers?: undefined; error: Refusal };

/** Returns the outcome of the last dry run. The next call of the binary overwrites it. */
function answerAbout(path: string): DryRun {
  const { last } = record;
  return record.failed(last) ? { error: record.failure(last, path) } : { numbers: last.numbers };
}

export function dryRunEnsureDir(path: string, options?: object) {
  const { flags, mode } = ensureArguments(options);
  native().dryRunEnsureDir(path, (flags | (isOptedOut() ? OPT_OUT : 0)) >>> 0, mode, record.scratch);
  return answerAbout(path);
}

export function dryRunWrite(path: string, options?: object) {
  const { flags, modes } = writeArguments(options);
  native().dryRunWrite(path, flags, modes, record.scratch);
  return answerAbout(path);
}

export function dryRunRead(path: string, options?: object) {
  const { flags, maxBytes } = readArguments(options);
  native().dryRunRead(path, flags, maxBytes, record.scratch);
  return answerAbout(path);
}
