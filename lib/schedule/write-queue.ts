// Publishes asynchronous writes to one target in call order, within one environment.

import { path } from '../base/node.js';
import { direct } from '../native/direct.js';
import { shown } from '../errors/holdfast-error.js';
import { native } from '../native/load.js';
import record = require('../native/record.js');
import { withRoot, type Opened } from './root-handle.js';
import { TargetKeyIndex, TargetKeyValue } from '../native/record-layout.js';
import type { NativePath } from '../errors/failure.js';

/** The file that a write replaces. */
export interface Target {
  /** folded name of the file; `undefined` if the name is not known */
  name: string | undefined;
  /** path of the file; two calls with equal text have the same target */
  text: string | undefined;
  /** identity of the directory; `null`: unknown; `undefined`: not determined yet */
  dir: string | null | undefined;
  /** identity of the file, for writes in place: other mounts have the file under other names */
  file?: string | undefined;
  path?: [file: NativePath, root: NativePath | undefined, methodRoot: Opened | undefined, flags: number];
  /** determines the target in libuv's pool, where a file system may block */
  resolve?: () => Promise<Target>;
}

/** Bits of a write's flags: the write follows a final symlink. */
const FOLLOWS = 2 << 4;

/** Bit of a write's flags: the write may overwrite the content of its target. */
const IN_PLACE = 1 << 9;

/**
 * Returns the target of a path. Follows a final symlink if the flags say so, and looks up the identity of a file that
 * may be written in place. The lookup uses the kernel's cache, or libuv's pool on a cache miss.
 *
 * @param root the option `root`
 */
export function targetOf(file: NativePath, root: NativePath | undefined, methodRoot: Opened | undefined, flags: number): Target {
  const text = textOf(file, methodRoot === undefined ? root : methodRoot.path);
  const name = folded(text.slice(text.lastIndexOf(path.sep) + 1));
  const byText: Target = { name, text, dir: undefined, path: [file, root, methodRoot, flags] };
  if ((flags & (FOLLOWS | IN_PLACE)) === 0) {
    return byText;
  }
  const kind = lookUp(file, root, methodRoot, flags);
  if (kind === TargetKeyValue.UNKNOWN) {
    const otherwise: Target = (flags & FOLLOWS) === 0 ? byText : { name: undefined, text: undefined, dir: null };
    return { name: undefined, text: undefined, dir: null, resolve: () => resolved(file, root, methodRoot, flags, name, otherwise) };
  }
  return found(record.last, kind, name);
}

/** A path that is normalized, has a base, and names nothing hidden: what `path.resolve` would only join. */
const PLAIN = path.sep === '/' ? /^(?:[^/.][^/]*\/)*[^/.][^/]*$/ : /^(?!)/;

/** Returns one text for each path, except for links. */
function textOf(file: NativePath, base: NativePath | undefined) {
  if (typeof file === 'string' && typeof base === 'string' && base.length > 1 && base.startsWith('/') && PLAIN.test(file)) {
    return `${base}/${file}`;
  }
  // `.` and `..` are resolved in the text. The identity of the directory shows when they lead elsewhere.
  return path.resolve('/', base === undefined ? '' : shown(base), shown(file));
}

/** Looks up a target in the kernel's cache. */
function lookUp(file: NativePath, root: NativePath | undefined, methodRoot: Opened | undefined, flags: number) {
  direct().writeTarget(file, flags, root, methodRoot?.handle, methodRoot?.number);
  return record.failed(record.last) ? 0 : record.last.numbers[TargetKeyIndex.KIND];
}

/**
 * Returns the target that a lookup found.
 *
 * @param name the last component of the path
 */
function found(result: record.Result, kind: number, name: string): Target {
  const isByName = kind === TargetKeyValue.KNOWN_BY_NAME;
  return {
    name: isByName ? folded(record.realPath(result, '', undefined)) : name,
    text: undefined,
    dir: isByName || kind === TargetKeyValue.KNOWN ? identity(result) : null,
    file: result.numbers[TargetKeyIndex.HAS_FILE] === 1 ? `${result.numbers[TargetKeyIndex.FILE_DEV]}:${result.numbers[TargetKeyIndex.FILE_INO]}` : undefined,
  };
}

function identity({ numbers }: record.Result) {
  return `${numbers[TargetKeyIndex.DEV]}:${numbers[TargetKeyIndex.INO]}`;
}

/**
 * Returns the identity of the directory of the file; `null` if it is missing or not cached.
 *
 * Runs only when a second call uses the same file name.
 */
export function dirOf(target: Target): string | null {
  if (target.dir === undefined) {
    const kind = target.path === undefined ? 0 : lookUp(...target.path);
    target.dir = kind === TargetKeyValue.KNOWN ? identity(record.last) : null;
  }
  return target.dir;
}

/**
 * Looks up a target in libuv's pool.
 *
 * @param otherwise the result when the lookup fails; the write then reports the error of its path
 */
async function resolved(file: NativePath, root: NativePath | undefined, methodRoot: Opened | undefined, flags: number, name: string, otherwise: Target): Promise<Target> {
  try {
    const [answer] = await withRoot(root, methodRoot, (base) => native().writeTargetAsync(file, flags, base?.handle));
    const result = record.unpack(answer);
    if (!record.failed(result)) {
      return found(result, result.numbers[TargetKeyIndex.KIND], name);
    }
  } catch {
    // The result is `otherwise`.
  }
  return otherwise;
}

/**
 * Returns the target and, for a write in place, a second target for the file's identity. `\0` makes a name that no file
 * has.
 */
function withFile(target: Target): Target[] {
  if (target.file === undefined) {
    return [target];
  }
  const name = `\0${target.file}`;
  return [target, { name, text: name, dir: null }];
}

/**
 * Folds a file name as the least strict file system does: case, Unicode normalization, ignorable characters, trailing
 * dots and spaces. A collision of different files only serializes their writes.
 */
function folded(name: string) {
  if (/^[a-z0-9_.-]*[a-z0-9_-]$/.test(name)) {
    return name;
  }
  const plain = name.normalize().replace(/\p{Default_Ignorable_Code_Point}/gu, '');
  return plain.toUpperCase().toLowerCase().replace(/[. ]+$/, '');
}

/** Calls on files of one name. While all calls have the same path, no directory is looked up. */
interface Group {
  /** target of the last call, while all have the same path */
  only: Target | undefined;
  /** last call, while all have the same path */
  last: Promise<unknown> | undefined;
  /** last call in each directory */
  dirs: Map<string, Promise<unknown>>;
  /** last call in an unknown directory; earlier calls are not in `dirs` */
  any: Promise<unknown> | undefined;
}

export class WriteQueue {
  #groups: Map<string, Group> = new Map();
  /** last call on a file of unknown name; earlier calls are in no group */
  #any: Promise<unknown> | undefined;
  /** the last pending lookup of a target; later calls wait for it */
  #resolving: Promise<unknown> | undefined;

  /** Whether a call on this target would wait for another one. */
  isWaited(target: Target) {
    return target.resolve !== undefined || this.#resolving !== undefined || withFile(target).some((one) => this.#before(one).length > 0);
  }

  /** Runs a call after the earlier calls on the same target, or at once if there are none. */
  queued<T>(target: Target, call: () => Promise<T>): Promise<T> {
    return this.queuedOnAll([target], call);
  }

  /** Runs a call after the earlier calls on any of several targets. */
  queuedOnAll<T>(targets: Target[], call: () => Promise<T>): Promise<T> {
    const isKnown = targets.every(({ resolve }) => resolve === undefined);
    if (isKnown && this.#resolving === undefined) {
      return this.#enqueue(targets, call);
    }
    // Reactions of one promise run in order.
    const resolving = isKnown
      ? (this.#resolving as Promise<unknown>).then(() => targets)
      : Promise.all([...targets.map((target) => target.resolve?.() ?? target), this.#resolving]).then((found) => found.slice(0, targets.length) as Target[]);
    if (!isKnown) {
      this.#resolving = resolving;
      resolving.then(() => {
        if (this.#resolving === resolving) {
          this.#resolving = undefined;
        }
      });
    }
    return resolving.then((found) => this.#enqueue(found, call));
  }

  #enqueue<T>(found: Target[], call: () => Promise<T>): Promise<T> {
    const targets = found.every(({ file }) => file === undefined) ? found : found.flatMap(withFile);
    const isIdle = this.#any === undefined && this.#groups.size === 0;
    const before = isIdle ? [] : targets.length === 1 ? this.#before(targets[0]) : [...new Set(targets.flatMap((target) => this.#before(target)))];
    const running = before.length === 0 ? call() : before.length === 1 ? before[0].then(call) : Promise.all(before).then(call);
    const done = () => {
      for (const target of targets) {
        this.#remove(target, tail);
      }
    };
    const tail: Promise<void> = running.then(done, done);
    for (const target of targets) {
      this.#put(target, tail);
    }
    return running;
  }

  #before(target: Target): Promise<unknown>[] {
    const all = this.#any === undefined ? [] : [this.#any];
    if (target.name === undefined) {
      return [...this.#groups.values()].flatMap(callsOf).concat(all);
    }
    const group = this.#groups.get(target.name);
    if (group === undefined) {
      return all;
    }
    if (group.only !== undefined && group.last !== undefined) {
      if (group.only.text === target.text) {
        return [group.last];
      }
      spread(group);
    }
    const dir = dirOf(target);
    if (dir === null) {
      return callsOf(group).concat(all);
    }
    const last = group.dirs.get(dir) ?? group.any;
    return last === undefined ? all : [last];
  }

  /** @param target `#before` has been called with it */
  #put(target: Target, tail: Promise<unknown>) {
    const { name } = target;
    if (name === undefined) {
      this.#groups.clear();
      this.#any = tail;
      return;
    }
    const group = this.#groups.get(name);
    if (group === undefined && target.text !== undefined) {
      this.#groups.set(name, { only: target, last: tail, dirs: new Map(), any: undefined });
      return;
    }
    if (group?.only !== undefined) {
      if (group.only.text === target.text) {
        group.only = target;
        group.last = tail;
        return;
      }
      spread(group);
    }
    const dir = dirOf(target);
    if (dir === null) {
      this.#groups.set(name, { only: undefined, last: undefined, dirs: new Map(), any: tail });
    } else if (group === undefined) {
      this.#groups.set(name, { only: undefined, last: undefined, dirs: new Map([[dir, tail]]), any: undefined });
    } else {
      group.dirs.set(dir, tail);
    }
  }

  #remove({ name, dir }: Target, tail: Promise<unknown>) {
    if (this.#any === tail) {
      this.#any = undefined;
    }
    const group = name === undefined ? undefined : this.#groups.get(name);
    if (name === undefined || group === undefined) {
      return;
    }
    if (group.last === tail) {
      group.only = group.last = undefined;
    }
    if (group.any === tail) {
      group.any = undefined;
    }
    if (typeof dir === 'string' && group.dirs.get(dir) === tail) {
      group.dirs.delete(dir);
    }
    if (group.last === undefined && group.any === undefined && group.dirs.size === 0) {
      this.#groups.delete(name);
    }
  }
}

/** Splits a group by directory once a second path has the same name. */
function spread(group: Group) {
  const { only, last } = group;
  if (only === undefined || last === undefined) {
    return;
  }
  const dir = dirOf(only);
  if (dir === null) {
    group.any = last;
  } else {
    group.dirs.set(dir, last);
  }
  group.only = group.last = undefined;
}

function callsOf({ last, dirs, any }: Group): Promise<unknown>[] {
  return [last, ...dirs.values(), any].filter((call) => call !== undefined);
}

export const writes = new WriteQueue();
