// Several roots: which of them a path lies beneath.

import { path as nodePath } from '../base/node.js';
import { atCaller, isHoldfastError, pending, promised, refusal, shown } from '../errors/holdfast-error.js';
import { pathForLater, toPath } from '../options/paths.js';
import { invalidThis, invalidType, noCallback } from '../options/validate.js';
import { openSoon } from './open-root.js';
import { openedOf, type Root } from './root.js';
import type { NativePath } from '../errors/failure.js';

/** A root, with the absolute path that it was opened by. */
interface Member {
  root: Root;
  given: string;
}

/** Returns the text of a path, one character a byte, for comparisons. */
function textOf(path: NativePath) {
  return Buffer.from(path).toString('latin1');
}

/** Returns the part of a path below a directory by whole components; `undefined` where it lies elsewhere. */
function below(path: string, dir: string) {
  if (path === dir) {
    return '.';
  }
  const start = dir.endsWith(nodePath.sep) ? dir : dir + nodePath.sep;
  return path.startsWith(start) ? path.slice(start.length) || '.' : undefined;
}

/** Returns the identity of the directory of a root. */
function identityOf(root: Root) {
  const { dev, ino, inoLow } = openedOf(root);
  return `${dev}:${ino}:${inoLow}`;
}

/** Opens all directories, or none. */
async function openAll(dirs: readonly unknown[], defaults: unknown): Promise<Member[]> {
  const given = dirs.map((dir) => nodePath.normalize(textOf(pathForLater(toPath(dir, 'dirs'), false))).replace(/(?<=.)[\\/]$/, ''));
  const opened = await Promise.allSettled(dirs.map(async (dir) => openSoon(dir, defaults)));
  const failed = opened.find((one) => one.status === 'rejected');
  if (failed !== undefined) {
    for (const one of opened) {
      if (one.status === 'fulfilled') one.value.close();
    }
    throw failed.reason;
  }
  return opened.map((one, index) => ({ root: (one as PromiseFulfilledResult<Root>).value, given: given[index] }));
}

function toDirs(dirs: unknown): readonly unknown[] {
  if (!Array.isArray(dirs) || dirs.length === 0) {
    throw invalidType('dirs', 'a non-empty array of paths', dirs);
  }
  return [...dirs];
}

class RootSet {
  #members: Member[];
  readonly #defaults: unknown;
  #isOpen = true;

  constructor(members: Member[], defaults: unknown) {
    this.#members = members;
    this.#defaults = defaults;
  }

  static #bound(set: unknown, method: Function): RootSet {
    if (typeof set !== 'object' || set === null || !(#members in set)) {
      throw invalidThis('RootSet', method);
    }
    return set;
  }

  get roots(): readonly Root[] {
    return this.#members.map(({ root }) => root);
  }

  locate(path: unknown, callback: unknown = undefined) {
    return promised(() => {
      noCallback(callback);
      return pending(RootSet.#bound(this, RootSet.prototype.locate).#locate(toPath(path, 'path')));
    }, RootSet.prototype.locate);
  }

  async #locate(path: NativePath) {
    if (!this.#isOpen) {
      throw refusal('root-closed', '', path);
    }
    const text = textOf(path);
    if (text === '') {
      throw refusal('invalid-path', 'empty', path);
    }
    const back = (part: string) => (typeof path === 'string' ? Buffer.from(part, 'latin1').toString() : Buffer.from(part, 'latin1'));
    if (!nodePath.isAbsolute(text)) {
      return { root: await this.#rootOf(path), path: back(text) };
    }
    const normal = nodePath.normalize(text);
    let found: { root: Root; part: string; length: number } | undefined;
    for (const { root, given } of this.#members) {
      for (const dir of [given, textOf(root.path)]) {
        const part = below(normal, dir);
        if (part !== undefined && dir.length > (found?.length ?? -1)) {
          found = { root, part, length: dir.length };
        }
      }
    }
    if (found === undefined) {
      throw refusal('outside-workspace', 'text', path);
    }
    return { root: found.root, path: back(found.part) };
  }

  /** Returns the first root that has a relative path, else the first. */
  async #rootOf(path: NativePath) {
    const [first] = this.#members;
    for (const { root } of this.#members) {
      try {
        if (await root.exists(path)) {
          return root;
        }
      } catch (error) {
        // What leaves one root may lie in another; any other refusal is for the caller's own call to report.
        if (!isHoldfastError(error) || error.code !== 'outside-workspace') {
          return root;
        }
      }
    }
    return first.root;
  }

  replace(dirs: unknown, callback: unknown = undefined) {
    return promised(() => {
      noCallback(callback);
      return pending(RootSet.#bound(this, RootSet.prototype.replace).#replace(toDirs(dirs)));
    }, RootSet.prototype.replace);
  }

  async #replace(dirs: readonly unknown[]) {
    if (!this.#isOpen) {
      throw refusal('root-closed', '', shown(toPath(dirs[0], 'dirs')));
    }
    const opened = await openAll(dirs, this.#defaults);
    const before = this.#members;
    if (!this.#isOpen) {
      opened.forEach(({ root }) => root.close());
      throw refusal('root-closed', '', shown(toPath(dirs[0], 'dirs')));
    }
    this.#members = opened.map((one) => {
      const same = before.find((other) => other.given === one.given && identityOf(other.root) === identityOf(one.root));
      if (same === undefined) {
        return one;
      }
      one.root.close();
      return same;
    });
    // Calls in progress end beneath the roots that they began in.
    for (const member of before) {
      if (!this.#members.includes(member)) member.root.close();
    }
  }

  close() {
    try {
      const set = RootSet.#bound(this, RootSet.prototype.close);
      set.#isOpen = false;
      set.#members.forEach(({ root }) => root.close());
    } catch (error) {
      throw atCaller(error, RootSet.prototype.close);
    }
  }

  [Symbol.dispose]() {
    RootSet.prototype.close.call(this);
  }

  async [Symbol.asyncDispose]() {
    RootSet.prototype.close.call(this);
  }
}

export function openRoots(dirs: unknown, defaults?: unknown, callback: unknown = undefined) {
  return promised(() => {
    noCallback(callback);
    return pending(openSet(toDirs(dirs), defaults));
  }, openRoots);
}

async function openSet(dirs: readonly unknown[], defaults: unknown) {
  return new RootSet(await openAll(dirs, defaults), defaults);
}
