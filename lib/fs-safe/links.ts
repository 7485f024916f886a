// Follows the symlinks of a path beneath a root. Only names beneath the root are looked at: what lies outside is known by
// its text alone, so that nobody learns what exists there.

import { fs, os, path } from '../base/node.js';
import { NO_FACTS } from '../errors/fields.js';
import { isHoldfastError, refusal, toError } from '../errors/holdfast-error.js';
import { lstatAt, lstatAtSync, readlinkAt, readlinkAtSync } from '../root/stat.js';
import { isBeneath } from './paths.js';
import { runLater, type Steps } from './steps.js';

/** Where a path beneath a root leads. */
export interface Trail {
  /** the path relative to the root without symlinks; `undefined` if there is none */
  real?: string;
  /** the path without the symlinks up to a name that may not be looked at, or has a file above it: calls of it tell why */
  rest?: string;
  /**
   * Why there is neither: a symlink leads out of the root, to nothing, or to itself. `slash`: there is a real path, but the
   * target of the final symlink has a slash behind a file, which the kernel refuses.
   */
  end?: 'escape' | 'dangling' | 'loop' | 'slash';
  /** that symlink */
  link?: string;
}

/** What a name beneath the root is. A path ends behind a file, and at a name that may not be looked at. */
type Kind = 'directory' | 'link' | 'other' | 'missing' | 'unknown';

/** What the symlinks have in common. */
interface Passed {
  links: number;
  /** the target of the last one, or of one that it leads to, ends in a slash */
  slash: boolean;
}

/** As in the kernel. */
const MAX_LINKS = 40;

const { ELOOP, ENOENT, ENOTDIR } = os.constants.errno;

const LOOP = Symbol('loop');

function kindOf(stat: { isDirectory(): boolean; isSymbolicLink(): boolean }): Kind {
  return stat.isSymbolicLink() ? 'link' : stat.isDirectory() ? 'directory' : 'other';
}

function kindOfFailure(error: unknown): Kind {
  return isMissing(error) ? 'missing' : 'unknown';
}

/** Returns whether an error is that of a missing path, and not of one beneath a file. */
export function isMissing(error: unknown) {
  return isHoldfastError(error) && error.code === 'not-found' && error.sysCode !== 'ENOTDIR';
}

/** The binary looks at the names, which Node's permission model does not restrict. */
const ASYNC = {
  kind: (file: string): Kind | Promise<Kind> => lstatAt(file).then(kindOf, kindOfFailure),
  readlink: (file: string): string | Promise<string> => readlinkAt(file),
  /** Returns the real path of one outside of the root; `undefined` if there is none. */
  realOutside: (file: string): unknown => fs.promises.realpath(file).catch(() => undefined),
};

type Verbs = typeof ASYNC;

const SYNC: Verbs = {
  kind: (file) => {
    try {
      return kindOf(lstatAtSync(file));
    } catch (error) {
      return kindOfFailure(error);
    }
  },
  readlink: readlinkAtSync,
  realOutside: (file) => {
    try {
      return fs.realpathSync(file);
    } catch {
      return undefined;
    }
  },
};

/** Returns what the last component of an absolute path is. */
export const kindAt = ASYNC.kind;

const componentsOf = (given: string) => given.split('/').filter((part) => part !== '' && part !== '.');

/**
 * Follows a path.
 *
 * @param root its real path
 * @param given relative
 * @param followsFinal otherwise the last component is not looked at
 */
export function* trail(root: string, given: string, followsFinal: boolean): Steps<Trail, Verbs> {
  const components = componentsOf(given);
  const passed: Passed = { links: 0, slash: false };
  let at = root;
  let kind: Kind = 'directory';
  const rest = (from: number): Trail => (isBeneath(root, at) ? { rest: [path.relative(root, at), ...components.slice(from)].join('/') } : {});
  for (const [index, component] of components.entries()) {
    passed.slash = false;
    if (kind === 'other') {
      return rest(index);
    }
    if (component === '..') {
      // Behind a missing name, the text decides.
      kind = yield* parentOf(root, (at = path.dirname(at)));
    } else if (kind === 'directory') {
      at = path.join(at, component);
      if (!followsFinal && index === components.length - 1) {
        break;
      }
      kind = yield (verbs) => verbs.kind(at);
    } else {
      at = path.join(at, component);
    }
    if (kind === 'unknown') {
      return rest(index + 1);
    }
    if (kind === 'link') {
      const link: string = at;
      const target: string | typeof LOOP | undefined = yield* hop(root, link, passed);
      if (target === undefined || target === LOOP) {
        return { end: target === LOOP ? 'loop' : 'escape', link };
      }
      at = target as string;
      kind = yield (verbs) => verbs.kind(at);
      if (kind === 'missing' || kind === 'unknown') {
        return kind === 'missing' ? { end: 'dangling', link } : rest(index + 1);
      }
    }
  }
  const real = path.relative(root, at);
  return passed.slash && kind === 'other' ? { real, end: 'slash' } : { real };
}

function* parentOf(root: string, at: string): Steps<Kind, Verbs> {
  return isBeneath(root, at) ? yield (verbs) => verbs.kind(at) : 'unknown';
}

/** Returns where a symlink beneath the root leads; `undefined` if out of the root. Takes a `..` in its target by the text. */
function* hop(root: string, link: string, passed: Passed): Steps<string | typeof LOOP | undefined, Verbs> {
  passed.links += 1;
  if (passed.links > MAX_LINKS) {
    return LOOP;
  }
  const target: string = yield (verbs) => verbs.readlink(link);
  let at = path.isAbsolute(target) ? '/' : path.dirname(link);
  for (const component of componentsOf(target)) {
    passed.slash = false;
    at = path.join(at, component);
    if (component !== '..' && at !== root && isBeneath(root, at) && (yield (verbs) => verbs.kind(at)) === 'link') {
      const next: string | typeof LOOP | undefined = yield* hop(root, at, passed);
      if (next === undefined || next === LOOP) {
        return next;
      }
      at = next as string;
    }
  }
  passed.slash ||= /\/\.?$/.test(target);
  return isBeneath(root, at) ? at : yield* alias(root, at);
}

/**
 * Returns the path beneath the root that a path outside of it by its text leads to: the root may have more than one path.
 * Returns `undefined` if it leads to nothing there, whatever exists elsewhere.
 */
export function* alias(root: string, outside: string): Steps<string | undefined, Verbs> {
  for (let existing = outside, rest = ''; ; existing = path.dirname(existing)) {
    const real: string | undefined = yield (verbs) => verbs.realOutside(existing);
    if (real !== undefined) {
      return isBeneath(root, real) ? path.join(real, rest) : undefined;
    }
    if (existing === path.dirname(existing)) {
      return undefined;
    }
    rest = path.join(path.basename(existing), rest);
  }
}

/** Follows a path, and returns nothing of one that changes meanwhile. Runs only after a refusal. */
export async function followed(root: string, given: string, followsFinal: boolean): Promise<Trail> {
  return runLater(trail(root, given, followsFinal), ASYNC).catch(() => ({}));
}

/** Returns the error of a path that the kernel does not open. */
const refused = (code: string, errno: number, file: string) => toError({ ...NO_FACTS, code, errno, syscall: 'open' }, file);

/** Returns the error of a symlink that leads to itself, like the kernel's of one with a relative target. */
export function looped(file: string) {
  return refused('symlink', ELOOP, file);
}

/**
 * Returns the path for a second attempt: the same beneath a root without symlinks. A symlink with an absolute target may lead
 * back into the root, but the kernel treats it as one that leaves. Throws what a symlink with a relative target has, if it
 * leads to nothing or to itself; and the error of the first attempt if it leaves the root.
 *
 * The result is a hint only: the caller resolves it again from the root, by the policy of the first attempt.
 *
 * @param root its real path
 * @param given relative
 * @param error of the first attempt
 */
export async function withoutLinks(root: string, given: string, followsFinal: boolean, error: unknown): Promise<string> {
  const { real, rest, end } = await followed(root, given, followsFinal);
  const file = path.join(root, given);
  if (end === 'loop') {
    throw looped(file);
  }
  if (end === 'dangling' || end === 'slash') {
    throw refused('not-found', end === 'slash' ? ENOTDIR : ENOENT, file);
  }
  const found = real ?? rest;
  if (found === undefined) {
    throw error;
  }
  // A slash behind a file is an error.
  const [slash = ''] = /(?:\/\.?)*$/.exec(given) ?? [];
  return (found === '' ? '.' : found) + slash;
}

/**
 * Runs a call that follows symlinks beneath the root. Runs it again without, if one with an absolute target leads back
 * into the root.
 *
 * @param root its real path
 * @param given relative
 * @param followsFinal whether the call follows the last component
 */
export async function retraced<T>(root: string, given: string, followsFinal: boolean, call: (given: string) => Promise<T>): Promise<T> {
  try {
    return await call(given);
  } catch (error) {
    if (!isHoldfastError(error) || error.code !== 'outside-workspace') {
      throw error;
    }
    return call(await withoutLinks(root, given, followsFinal, error));
  }
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
  const components = componentsOf(given);
  const end = components.lastIndexOf('..');
  let at = root;
  for (const component of components.slice(0, end + 1)) {
    at = component === '..' ? path.dirname(at) : path.join(at, component);
    if (!isBeneath(root, at)) {
      throw refusal('outside-workspace', '', at);
    }
    let kind = await ASYNC.kind(at);
    if (kind === 'link') {
      if (links === 'leave') {
        return;
      }
      const { real, end: why } = await followed(root, path.relative(root, at), true);
      if (why === 'escape') {
        throw refusal('outside-workspace', '', at);
      }
      if (links === 'reject') {
        throw refusal('symlink', '', at);
      }
      const { real: above } = await followed(root, path.relative(root, path.dirname(at)), true);
      if (real === undefined || above === undefined || path.dirname(path.join(root, real)) !== path.join(root, above)) {
        throw refusal('outside-workspace', '', at);
      }
      kind = await ASYNC.kind(path.join(root, real));
    }
    if (kind === 'other') {
      throw refusal('not-directory', '', at);
    }
  }
}

export { ASYNC as LINKS, SYNC as LINKS_SYNC };
