// Parses paths of fs-safe's callers.

import { fs, os, path, url } from '../base/node.js';
import { printable, refusal } from '../errors/holdfast-error.js';
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

/** Returns whether a path has a component `..`. */
export function climbs(given: string) {
  return given.includes('..') && given.split('/').includes('..');
}

/**
 * Returns the same path beneath a root without symlinks. A symlink with an absolute target may lead back into the root,
 * but the kernel treats it as one that leaves. The result is a hint only: the caller resolves it again from the root
 * and without symlinks. Runs only after a refusal.
 *
 * @param root its real path
 */
export async function withoutLinks(root: string, given: string, followsFinal: boolean): Promise<string | undefined> {
  const full = climbs(given) ? await climbed(root, given) : path.resolve(root, given);
  if (full === undefined) {
    return undefined;
  }
  let existing = followsFinal ? full : path.dirname(full);
  let rest = followsFinal ? '' : path.basename(full);
  for (;;) {
    try {
      const real = await fs.promises.realpath(existing);
      return isBeneath(root, real) ? path.join(path.relative(root, real), rest) : undefined;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || existing === path.dirname(existing) || (await isThere(existing))) {
        return undefined;
      }
      rest = path.join(path.basename(existing), rest);
      existing = path.dirname(existing);
    }
  }
}

/**
 * Returns a path with its components up to the last `..` resolved one after the other, as the kernel does: `..` behind a
 * symlink is the parent of its target. Returns `undefined` if one of them is no directory, or lies outside of the root:
 * nobody learns what exists there.
 */
async function climbed(root: string, given: string): Promise<string | undefined> {
  const components = given.split('/').filter((part) => part !== '' && part !== '.');
  const end = components.lastIndexOf('..') + 1;
  try {
    let at = root;
    for (const component of components.slice(0, end)) {
      // The slash refuses a file.
      at = component === '..' ? path.dirname(at) : await fs.promises.realpath(`${at}/${component}/`);
      if (!isBeneath(root, at)) {
        return undefined;
      }
    }
    return path.join(at, ...components.slice(end));
  } catch {
    return undefined;
  }
}

/** Returns whether a name exists. A dangling symlink does. */
async function isThere(name: string) {
  return fs.promises.lstat(name).then(
    () => true,
    () => false,
  );
}

/**
 * Checks the components before a `..`. Here the text resolves them, in the original the file system: such a component
 * may be a file, or a symlink that leads elsewhere.
 *
 * @param root its real path
 * @param given relative
 * @param links treatment of a symlink: refused, refused unless its target has the same parent, or left to the call
 */
export async function assertClimbs(root: string, given: string, links: 'reject' | 'same-parent' | 'leave') {
  const components = given.split('/').filter((part) => part !== '' && part !== '.');
  const end = components.lastIndexOf('..');
  let at = root;
  for (const component of components.slice(0, end + 1)) {
    at = component === '..' ? path.dirname(at) : path.join(at, component);
    if (!isBeneath(root, at)) {
      throw refusal('outside-workspace', '', at);
    }
    const stat = await fs.promises.lstat(at).catch(() => undefined);
    if (stat?.isSymbolicLink()) {
      if (links === 'leave') {
        return;
      }
      const real = await fs.promises.realpath(at).catch(() => undefined);
      if (real !== undefined && !isBeneath(root, real)) {
        throw refusal('outside-workspace', '', at);
      }
      if (links === 'reject') {
        throw refusal('symlink', '', at);
      }
      if (real === undefined || path.dirname(real) !== path.dirname(at)) {
        throw refusal('outside-workspace', '', at);
      }
    } else if (stat !== undefined && !stat.isDirectory()) {
      throw refusal('not-directory', '', at);
    }
  }
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
