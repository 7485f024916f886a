// What all roots of this module have in common, whichever binding made them.

import { ROOT_READ, toHost, type HostErrorClass } from '../errors.js';
import { Counterparts } from './counterpart.js';
import type { Pin } from './pins.js';
import type { Unchecked } from '../options.js';

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
  }

  /** Returns a value if it is a root of this module. */
  static from(value: Unchecked): HeldRoot | undefined {
    return typeof value === 'object' && value !== null && #pin in value ? value : undefined;
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
