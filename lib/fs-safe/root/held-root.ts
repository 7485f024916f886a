// What all roots of this module have in common, whichever binding made them.

import { descriptor } from '../../base/descriptor.js';
import { ROOT_READ, toHost, type HostErrorClass } from '../errors.js';
import { Counterparts } from './counterpart.js';
import type { Pin } from './pins.js';
import type { Unchecked } from '../options.js';

/** The key of a root in itself. Objects that a host derives from a root, and proxies of it, have the property too. */
const SELF = Symbol('root');

/** A root of this module, and the original's root of the same directory. */
export class HeldRoot {
  declare readonly defaults: Unchecked;
  readonly #pin: Pin;
  readonly #HostError: HostErrorClass;
  /** makes roots of the original of the binding */
  readonly #own: Counterparts | undefined;
  /** the original's root of the same directory */
  #theirs: Unchecked;

  constructor(pin: Pin, HostError: HostErrorClass, own: Counterparts | undefined) {
    this.#pin = pin;
    this.#HostError = HostError;
    this.#own = own;
    Object.defineProperty(this, SELF, descriptor({ value: this }));
  }

  /** Returns the root of this module that a value is, or that it was derived from. */
  static from(value: Unchecked): HeldRoot | undefined {
    const held = typeof value === 'object' && value !== null ? value[SELF] : undefined;
    return typeof held === 'object' && held !== null && #pin in held ? (held as HeldRoot) : undefined;
  }

  /** Makes the methods of a class of roots work on objects that are derived from a root. */
  static acceptDerived(prototype: Unchecked, names: readonly string[]) {
    for (const name of names) {
      const method = prototype[name];
      const own = { [name](this: unknown, ...args: unknown[]) {
        return method.apply(HeldRoot.from(this), args);
      } }; // prettier-ignore
      Object.defineProperty(prototype, name, descriptor({ configurable: true, writable: true, value: own[name] }));
    }
  }

  /** @param other makes roots, if the binding of this one has no original with a `root` */
  #makers(other: Counterparts | undefined) {
    return this.#own ?? other ?? Counterparts.known;
  }

  // Static, as hosts see the methods of a root.

  /** Whether {@link counterpartNow} returns a root, or there is none. */
  static isReady(root: HeldRoot, other: Counterparts | undefined): boolean {
    return root.#theirs !== undefined || (root.#makers(other)?.isReady ?? true);
  }

  /**
   * Returns the original's root. Throws if the path no longer leads to the directory, because the original works by
   * path. Returns `undefined` if there is no original that makes roots, or one has to be awaited.
   */
  static counterpartNow(root: HeldRoot, other: Counterparts | undefined): Unchecked {
    try {
      if (root.#theirs === undefined) {
        return (root.#theirs = root.#makers(other)?.openSync(root.#pin, root.defaults));
      }
      root.#pin.assertNamedSync();
    } catch (error) {
      throw toHost(root.#HostError, ROOT_READ, error);
    }
    return root.#theirs;
  }

  /** Returns the original's root as {@link counterpartNow} does, and awaits one if necessary. */
  static async counterpart(root: HeldRoot, other: Counterparts | undefined): Promise<Unchecked> {
    try {
      if (root.#theirs === undefined) {
        return (root.#theirs = await root.#makers(other)?.open(root.#pin, root.defaults));
      }
      await root.#pin.assertNamed();
    } catch (error) {
      throw toHost(root.#HostError, ROOT_READ, error);
    }
    return root.#theirs;
  }
}
