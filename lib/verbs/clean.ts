// Removes temporaries of killed processes.

import { pending, promised, shown } from '../errors/holdfast-error.js';
import { native } from '../native/load.js';
import { pathForLater, toPath } from '../options/paths.js';
import { inPool } from '../schedule/job-limit.js';
import record = require('../native/record.js');
import { CLEAN } from '../options/schema.js';
import { optionsOf } from '../options/names.js';
import { invalidType, noCallback, outOfRange } from '../options/validate.js';
import { toPolicy } from '../options/values.js';
import type { MethodRoot } from '../options/flatten.js';

function toAge(value: unknown) {
  if (typeof value !== 'number') {
    throw invalidType('options.olderThanMs', 'of type number', value);
  }
  if (!(value >= 0)) {
    throw outOfRange('options.olderThanMs', 'a number >= 0', value);
  }
  return value;
}

/** @param methodRoot the root whose method is called */
export async function removeStale(dir: unknown, options: unknown, methodRoot: MethodRoot | undefined) {
  const path = toPath(dir, 'dir');
  const olderThanMs = toAge(optionsOf(options, CLEAN).olderThanMs);
  const given = shown(path);
  const fixed = pathForLater(path, methodRoot !== undefined);
  const flags = methodRoot === undefined ? 0 : toPolicy(methodRoot.defaults.symlinks, true);
  const [answer, removed] = await inPool(() => native().cleanAsync(fixed, olderThanMs, flags, methodRoot?.handle));
  if (removed === undefined) {
    throw record.failure(record.unpack(answer), given);
  }
  return removed.map((one) => record.realPath(record.unpack(one), given, undefined));
}

export function cleanStaleTemporaries(dir: unknown, options: unknown, callback: unknown = undefined) {
  return promised(() => {
    noCallback(callback);
    return pending(removeStale(dir, options, undefined));
  }, cleanStaleTemporaries);
}
