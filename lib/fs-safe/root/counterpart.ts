// The original's root of the same directory as one of ours: its locks and `watch` take no other.

import type { Pin } from './pins.js';
import type { Unchecked } from '../options.js';
import type { BigIntStats } from 'node:fs';

type RootClass = new (context: object, defaults: Unchecked) => object;

/** The makers of roots, by the original's function. */
const makers: WeakMap<Function, Counterparts> = new WeakMap();

/** Makes roots of one original. */
export class Counterparts {
  /** the maker that was ready first */
  static known: Counterparts | undefined;
  readonly #original: Unchecked;
  /** the class of the original's roots, once it is known that it makes one at once */
  #Class: RootClass | undefined;

  constructor(original: Unchecked) {
    this.#original = original;
  }

  /** Returns the maker of roots of an original; `undefined` if it has no `root`. */
  static of(original: Unchecked): Counterparts | undefined {
    const root = original?.root;
    if (typeof root !== 'function') {
      return undefined;
    }
    const made = makers.get(root) ?? new Counterparts(original);
    makers.set(root, made);
    return made;
  }

  /** Whether a root can be made without waiting. */
  get isReady() {
    return this.#Class !== undefined;
  }

  /** Makes a root by the original's function. Throws if the path no longer names the pinned directory. */
  async open(pin: Pin, defaults: Unchecked): Promise<Unchecked> {
    await pin.assertNamed();
    const theirs = await this.#original.root(pin.path, defaults);
    // The original has opened the same directory under that name.
    pin.assertNamedSync();
    this.#Class ??= classOf(theirs);
    Counterparts.known ??= this.isReady ? this : undefined;
    return theirs;
  }

  /** Makes a root at once. Throws if the path no longer names the pinned directory. */
  openSync(pin: Pin, defaults: Unchecked): Unchecked {
    const stat = pin.assertNamedSync();
    return this.#Class === undefined ? undefined : new this.#Class(contextOf(pin.path, stat), defaults);
  }
}

/** The directory as the constructor of the original's roots takes it, in 0.18.1 and 0.21.0. */
function contextOf(dir: string, stat: BigIntStats) {
  const { dev, ino } = stat;
  return {
    rootDir: dir,
    rootGuard: { dir, realPath: dir, stat },
    rootIdentity: { dev, ino },
    rootReal: dir,
    rootWithSep: dir.endsWith('/') ? dir : `${dir}/`,
  };
}

/** Returns the class of a root of the original, if its constructor takes what {@link contextOf} returns. */
function classOf(theirs: Unchecked): RootClass | undefined {
  const context = theirs?.context;
  const { constructor } = Object.getPrototypeOf(theirs ?? {}) ?? {};
  if (typeof context !== 'object' || context === null || typeof constructor !== 'function' || typeof context.rootGuard?.stat !== 'object') {
    return undefined;
  }
  return isAlike(context, contextOf(context.rootReal, context.rootGuard.stat)) ? constructor : undefined;
}

/** Returns whether two objects have the same own properties, with values that are equal, or objects that are alike. */
function isAlike(one: Unchecked, other: Unchecked): boolean {
  const isPlain = (value: Unchecked) => typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;
  if (!isPlain(one) || !isPlain(other)) {
    return one === other;
  }
  const names = Object.keys(one);
  return names.length === Object.keys(other).length && names.every((name) => Object.hasOwn(other, name) && isAlike(one[name], other[name]));
}
