// Identifies the file of a host's stat.

import { escaped } from '../../base/escape.js';
import { hostError, type HostErrorClass } from '../errors.js';
import type { BigIntStats } from 'node:fs';

/** Returns whether a stat has device and inode without rounding. */
export function isIdentity(stat: BigIntStats | undefined): stat is BigIntStats {
  return typeof stat?.dev === 'bigint' && typeof stat.ino === 'bigint';
}

/** Device and inode without rounding. */
export type Identity = Pick<BigIntStats, 'dev' | 'ino'>;

export function isSame(a: BigIntStats | undefined, b: Identity) {
  return isIdentity(a) && a.dev === b.dev && a.ino === b.ino;
}

/** The message for a file with another identity. */
export const CHANGED = 'file identity changed or could not be verified';

/**
 * Throws unless a stat is that of the staged file: a regular file with one name.
 *
 * @param name the path of the file, for the message
 * @param staged `undefined` for the first check
 */
export function assertStaged(HostError: HostErrorClass, name: string, stat: BigIntStats, staged: Identity | undefined, byName: boolean) {
  if (stat.isSymbolicLink()) {
    throw hostError(HostError, 'symlink', `Atomic replace owned file became a symlink: ${escaped(name)}`);
  }
  if (!stat.isFile()) {
    throw hostError(HostError, 'not-file', `Atomic replace owned file must remain regular: ${escaped(name)}`);
  }
  if (stat.nlink > 1n || (byName && stat.nlink !== 1n)) {
    throw hostError(HostError, 'hardlink', `Atomic replace owned file must retain one link: ${escaped(name)}`);
  }
  assertSame(HostError, stat, staged);
}

/** Returns the error for a staged file that has lost its name. */
export function disappeared(HostError: HostErrorClass, name: string, cause: unknown) {
  return hostError(HostError, 'path-mismatch', `Atomic replace owned file disappeared: ${escaped(name)}`, cause);
}

export function assertSame(HostError: HostErrorClass, stat: BigIntStats, staged: Identity | undefined) {
  if (!isIdentity(stat) || (staged !== undefined && !isSame(stat, staged))) {
    throw hostError(HostError, 'path-mismatch', CHANGED);
  }
}
