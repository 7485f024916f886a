// Parses paths of fs-safe's callers.

import { os, url } from '../base/node.js';
import { printable } from '../errors/holdfast-error.js';
import { escaped } from '../base/escape.js';
import { native } from '../native/load.js';

const { fileURLToPath } = url;

/** Expands `~` and `~/x` to the user's home directory, as fs-safe does. */
export function expandHome<T>(given: T): T | string {
  if (typeof given !== 'string' || given[0] !== '~' || (given.length > 1 && given[1] !== '/')) {
    return given;
  }
  return os.homedir() + given.slice(1);
}

/** Expands a path or the text of a `file:` URL. */
export function expandLocal(given: string) {
  if (!/^file:/i.test(given)) {
    return expandHome(given);
  }
  try {
    return fileURLToPath(given);
  } catch (error) {
    throw new Error(`Invalid file:// URL: ${escaped(given)}`, { cause: printable(error) });
  }
}

/**
 * Returns whether a real path is the root or lies beneath it.
 *
 * @param root without symlinks
 */
export function isBeneath(root: string, real: string) {
  return real === root || real.startsWith(root === '/' ? root : `${root}/`);
}

/** A root. */
export interface Place {
  /** its absolute path as the caller gave it */
  given: string;
  /** its real path */
  real: string;
}

/** Returns an absolute path that begins with the root as the caller gave it by the root's real path; any other unchanged. */
export function byRealRoot({ given, real }: Place, file: string) {
  return given !== real && isBeneath(given, file) ? `${real}${file.slice(given.length)}` : file;
}

/** Returns whether a path has a component `..`. */
export function climbs(given: string) {
  return given.includes('..') && given.split('/').includes('..');
}

/**
 * Returns the mode of a directory that mkdir makes. Reads the umask without changing it. Returns 0o700 if the umask is
 * unreadable.
 */
export function mkdirMode() {
  // `readProc` refuses a mount at /proc other than procfs.
  const status = process.platform === 'linux' ? native().readProc('status') : undefined;
  const mask = /^Umask:\s*([0-7]+)$/m.exec(status?.toString('latin1') ?? '');
  return mask === null ? 0o700 : 0o777 & ~Number.parseInt(mask[1], 8);
}
