// Hands roots over to functions that stay the original's. They accept only roots that the original has made.

import type { Unchecked } from '../options.js';

/** For each root of this module, a function that returns the original's root of the same directory. */
const counterparts = new WeakMap<object, () => Unchecked>();

/**
 * @param counterpart returns the original's root, or `undefined` if there is none; throws if the path no longer names
 *   the directory
 */
export function registerRoot(root: object, counterpart: () => Unchecked) {
  counterparts.set(root, counterpart);
}

/** Functions of the original that take a root, as an argument or as the option `lockRoot`. */
const ROOT_TAKERS = ['acquireFileLock', 'acquireFileLockSync', 'withFileLock', 'withFileLockSync', 'watch'];
/** A function of the original whose result has such methods. */
const MANAGER = 'createFileLockManager';
const MANAGER_METHODS = ['acquire', 'withLock'];

/** Names that a binding has in addition if its original has them. */
const HANDED_OVER = [...ROOT_TAKERS, MANAGER];

/** Returns the functions of the original that take a root. A root of this module is replaced by the original's. */
export function bindRootTakers({ original }: { original?: Unchecked }): object {
  const bound: Record<string, unknown> = {};
  for (const name of ROOT_TAKERS) {
    if (typeof original?.[name] === 'function') {
      bound[name] = (...args: Unchecked[]) => original[name](...args.map(withCounterpart));
    }
  }
  if (typeof original?.[MANAGER] === 'function') {
    bound[MANAGER] = (...args: Unchecked[]) => managerOf(original[MANAGER](...args));
  }
  return bound;
}

function managerOf(manager: Unchecked) {
  const methods = MANAGER_METHODS.map((name) => [name, async (...args: Unchecked[]) => manager[name](...args.map(withCounterpart))]);
  return { ...manager, ...Object.fromEntries(methods) };
}

/** Returns an argument with the original's root, as the argument itself or as one of its options. */
export function withCounterpart(argument: Unchecked): Unchecked {
  if (typeof argument !== 'object' || argument === null) {
    return argument;
  }
  const own = counterpartOf(argument);
  if (own !== argument) {
    return own;
  }
  for (const name of ['lockRoot', 'root']) {
    const descriptor = Object.getOwnPropertyDescriptor(argument, name);
    const theirs = counterpartOf(descriptor?.value);
    if (descriptor !== undefined && theirs !== descriptor.value) {
      // The original reads own properties. Accessors and the prototype stay.
      const properties = { ...Object.getOwnPropertyDescriptors(argument), [name]: { ...descriptor, value: theirs } };
      return Object.create(Object.getPrototypeOf(argument), properties);
    }
  }
  return argument;
}

function counterpartOf(value: Unchecked): Unchecked {
  return counterparts.get(value)?.() ?? value;
}

export { HANDED_OVER };
