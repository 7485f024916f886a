'use strict';

// Asynchronous writes to one target publish in the order they were made, in this environment.

const path = process.getBuiltinModule('node:path');
const { direct } = require('../native/calls.js');
const { shown } = require('../errors/holdfast-error.js');
const { native } = require('../native/load.js');
const record = require('../native/layout.js');
const { withRoot } = require('./root-handle.js');

/** @typedef {import('../native/binding.js').Handle} Handle */
/** @typedef {import('../native/binding.js').NativePath} NativePath */
/** @typedef {import('./root-handle.js').Opened} Opened */

/**
 * What a write is about to replace.
 *
 * @typedef {object} Target
 * @property {string | undefined} name of the file, folded; `undefined`: it may have any name
 * @property {string | undefined} text its path, for two calls that were given the same
 * @property {string | null | undefined} dir identity of its directory; `null`: it may lie in any; `undefined`: not looked for yet
 * @property {[file: NativePath, root: NativePath | undefined, pinned: Opened | undefined, flags: number]} [path]
 * @property {() => Promise<Target>} [resolve] finds the name where waiting for a file system does no harm
 */

/** Places and values of src/binding/write_target.rs. */
const KIND = 1;
const DEV = 2;
const INO = 3;
const KNOWN = 1;
const KNOWN_BY_NAME = 2;
const UNKNOWN = 3;

/** Bits of a write's flags that have it follow a final link. */
const FOLLOWS = 2 << 4;

/**
 * The target of a path. A final link that is to be followed is: in the kernel's memory, or in the pool when it is not there.
 *
 * @param {NativePath} file
 * @param {NativePath | undefined} root the option
 * @param {Opened | undefined} pinned
 * @param {number} flags of the write
 * @returns {Target}
 */
function targetOf(file, root, pinned, flags) {
  const base = pinned === undefined ? root : pinned.path;
  // `.` and `..` are resolved in the text: where they lead elsewhere, the directory's identity shows it.
  const text = path.resolve('/', base === undefined ? '' : shown(base), shown(file));
  const name = folded(path.basename(text));
  if ((flags & FOLLOWS) === 0) {
    return { name, text, dir: undefined, path: [file, root, pinned, flags] };
  }
  const kind = lookUp(file, root, pinned, flags);
  if (kind === UNKNOWN) {
    return { name: undefined, text: undefined, dir: null, resolve: () => resolved(file, root, pinned, flags, name) };
  }
  return found(record.last, kind, name);
}

/**
 * Looks for a target in the kernel's memory.
 *
 * @param {NativePath} file
 * @param {NativePath | undefined} root
 * @param {Opened | undefined} pinned
 * @param {number} flags
 */
function lookUp(file, root, pinned, flags) {
  direct().writeTarget(file, flags, root, pinned?.handle, pinned?.number);
  return record.failed(record.last) ? 0 : record.last.numbers[KIND];
}

/**
 * @param {record.Result} result
 * @param {number} kind
 * @param {string} name the last one of the path
 * @returns {Target}
 */
function found(result, kind, name) {
  const isByName = kind === KNOWN_BY_NAME;
  return {
    name: isByName ? folded(record.realPath(result, '', undefined)) : name,
    text: undefined,
    dir: isByName || kind === KNOWN ? identity(result) : null,
  };
}

/** @param {record.Result} result */
function identity({ numbers }) {
  return `${numbers[DEV]}:${numbers[INO]}`;
}

/**
 * Identity of the directory that has the file; `null` where it is missing or not in the kernel's memory.
 *
 * It is looked for when another call on a file of that name is made.
 *
 * @param {Target} target
 * @returns {string | null}
 */
function dirOf(target) {
  if (target.dir === undefined) {
    const kind = target.path === undefined ? 0 : lookUp(...target.path);
    target.dir = kind === KNOWN ? identity(record.last) : null;
  }
  return target.dir;
}

/**
 * @param {NativePath} file
 * @param {NativePath | undefined} root
 * @param {Opened | undefined} pinned
 * @param {number} flags
 * @param {string} name
 * @returns {Promise<Target>}
 */
async function resolved(file, root, pinned, flags, name) {
  try {
    const [answer] = await withRoot(root, pinned, (base) => native().writeTargetAsync(file, flags, base?.handle));
    const result = record.unpack(answer);
    if (!record.failed(result)) {
      return found(result, result.numbers[KIND], name);
    }
  } catch {
    // The write reports what is wrong with its path.
  }
  return { name: undefined, text: undefined, dir: null };
}

/**
 * One text for all names that some file system takes for one: it folds cases, normalizes accents, drops characters without a glyph,
 * or dots and spaces at the end. Other files whose names become one are only written one after the other.
 *
 * @param {string} name
 */
function folded(name) {
  if (/^[a-z0-9_.-]*[a-z0-9_-]$/.test(name)) {
    return name;
  }
  const plain = name.normalize().replace(/\p{Default_Ignorable_Code_Point}/gu, '');
  return plain.toUpperCase().toLowerCase().replace(/[. ]+$/, '');
}

/**
 * Calls on files of one name. As long as all have the same path, nothing is looked for.
 *
 * @typedef {object} Group
 * @property {Target | undefined} only that of the last call, while all have the same path
 * @property {Promise<unknown> | undefined} last the last call, while all have the same path
 * @property {Map<string, Promise<unknown>>} dirs the last call on each of them, by directory
 * @property {Promise<unknown> | undefined} any the last call on one whose directory is not known; those before it are not in `dirs`
 */

class WriteQueue {
  /** @type {Map<string, Group>} */
  #groups = new Map();
  /** @type {Promise<unknown> | undefined} the last call on a file of any name; those before it are in no group */
  #any;
  /** @type {Promise<unknown> | undefined} the end of the last search for a target: calls made since then wait for it */
  #resolving;

  /**
   * Whether a call on this target would wait for another.
   *
   * @param {Target} target
   */
  isWaited(target) {
    return target.resolve !== undefined || this.#resolving !== undefined || this.#before(target).length > 0;
  }

  /**
   * Runs a call after those made before it on the same target: at once, if there are none.
   *
   * @template T
   * @param {Target} target
   * @param {() => Promise<T>} call
   * @returns {Promise<T>}
   */
  queued(target, call) {
    return this.queuedOnAll([target], call);
  }

  /**
   * Runs a call after those made before it on any of several targets.
   *
   * @template T
   * @param {Target[]} targets
   * @param {() => Promise<T>} call
   * @returns {Promise<T>}
   */
  queuedOnAll(targets, call) {
    const isKnown = targets.every(({ resolve }) => resolve === undefined);
    if (isKnown && this.#resolving === undefined) {
      return this.#enqueue(targets, call);
    }
    // Whoever waits for the same promise is called in turn.
    const resolving = isKnown
      ? /** @type {Promise<unknown>} */ (this.#resolving).then(() => targets)
      : Promise.all([...targets.map((target) => target.resolve?.() ?? target), this.#resolving]).then((found) => /** @type {Target[]} */ (found.slice(0, targets.length)));
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

  /**
   * @template T
   * @param {Target[]} targets
   * @param {() => Promise<T>} call
   * @returns {Promise<T>}
   */
  #enqueue(targets, call) {
    const before = targets.length === 1 ? this.#before(targets[0]) : [...new Set(targets.flatMap((target) => this.#before(target)))];
    const running = before.length === 0 ? call() : before.length === 1 ? before[0].then(call) : Promise.all(before).then(call);
    const done = () => {
      for (const target of targets) {
        this.#remove(target, tail);
      }
    };
    /** @type {Promise<void>} */
    const tail = running.then(done, done);
    for (const target of targets) {
      this.#put(target, tail);
    }
    return running;
  }

  /**
   * @param {Target} target
   * @returns {Promise<unknown>[]}
   */
  #before(target) {
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

  /**
   * @param {Target} target whose calls before were asked for
   * @param {Promise<unknown>} tail
   */
  #put(target, tail) {
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

  /**
   * @param {Target} target
   * @param {Promise<unknown>} tail
   */
  #remove({ name, dir }, tail) {
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

/**
 * Has calls on a name go by their directories, since another path has it, too.
 *
 * @param {Group} group
 */
function spread(group) {
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

/**
 * @param {Group} group
 * @returns {Promise<unknown>[]}
 */
function callsOf({ last, dirs, any }) {
  return [last, ...dirs.values(), any].filter((call) => call !== undefined);
}

module.exports = { WriteQueue, targetOf, writes: new WriteQueue() };
