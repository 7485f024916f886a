// Dry runs: the binary runs each verb up to the first system call that would change something.

import { OPT_OUT, isOptedOut } from './ensure-dir.js';
import { native } from '../native/load.js';
import { ensureArguments, readArguments, writeArguments } from '../options/flatten.js';
import { toPolicy } from '../options/values.js';
import rootHandle = require('../schedule/root-handle.js');
import record = require('../native/record.js');
import type { Context } from '../errors/failure.js';
import type { Handle } from '../native/binding.js';

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

/**
 * Runs a dry run with a root.
 *
 * @param context of the verb's errors
 * @param call gets the root, and the default policy of roots
 */
function beneath(dir: string, path: string, context: Context, call: (root: Handle, flags: number) => void): DryRun {
  try {
    return rootHandle.withRootSync(dir, undefined, (root) => {
      call(root!.handle, toPolicy(undefined, true));
      const { last } = record;
      if (!record.failed(last)) return { numbers: last.numbers };
      return { error: record.failure(last, path, context) };
    });
  } catch (error) {
    return { error: error as Refusal };
  }
}

/** @param dir the root; `path` is beneath it */
export function dryRunRemove(dir: string, path: string) {
  return beneath(dir, path, { done: 'removed' }, (root, flags) => native().dryRunRemove(path, flags, root, record.scratch));
}

/** @param dir the root; both paths are beneath it */
export function dryRunRename(dir: string, from: string, to: string) {
  return beneath(dir, from, { first: from, second: to }, (root, flags) => native().dryRunRename(from, to, flags, root, record.scratch));
}

/** @param dir the root; `path` is beneath it */
export function dryRunList(dir: string, path: string) {
  return beneath(dir, path, {}, (root, flags) => native().dryRunList(path, flags, root, record.scratch));
}
