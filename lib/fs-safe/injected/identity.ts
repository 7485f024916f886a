// Which file a host's stat is about.

import { hostError, type HostErrorClass } from '../errors.js';
import type { BigIntStats } from 'node:fs';

/** Whether a stat has device and inode without rounding. */
export function isIdentity(stat: BigIntStats | undefined): stat is BigIntStats {
  return typeof stat?.dev === 'bigint' && typeof stat.ino === 'bigint';
}

export function isSame(a: BigIntStats | undefined, b: BigIntStats) {
  return isIdentity(a) && a.dev === b.dev && a.ino === b.ino;
}

/**
 * Throws unless a stat is about the staged file: a regular file with one name.
 *
 * @param staged `undefined` for the first look
 */
export function assertStaged(HostError: HostErrorClass, stat: BigIntStats, staged: BigIntStats | undefined, byName: boolean) {
  if (stat.isSymbolicLink()) {
    throw hostError(HostError, 'symlink', 'the staged file was exchanged for a symbolic link');
  }
  if (!stat.isFile()) {
    throw hostError(HostError, 'not-file', 'the staged file was exchanged for something else');
  }
  if (stat.nlink > 1n || (byName && stat.nlink !== 1n)) {
    throw hostError(HostError, 'hardlink', 'the staged file has more than one name');
  }
  assertSame(HostError, stat, staged);
}

export function assertSame(HostError: HostErrorClass, stat: BigIntStats, staged: BigIntStats | undefined) {
  if (!isIdentity(stat) || (staged !== undefined && !isSame(stat, staged))) {
    throw hostError(HostError, 'path-mismatch', 'the staged file was exchanged, or cannot be identified');
  }
}
