// Hands roots over to functions that stay the original's. They accept only roots that the original has made.

import { hostError, type HostErrorClass } from '../errors.js';
import { Counterparts } from './counterpart.js';
import { HeldRoot } from './held-root.js';
import type { Unchecked } from '../options.js';

/** Functions of the original that take a root, as an argument or as the option `lockRoot`. */
const ASYNC_TAKERS = ['acquireFileLock', 'withFileLock'];
const SYNC_TAKERS = ['acquireFileLockSync', 'withFileLockSync', 'watch'];
/** A function of the original whose result has such methods. */
const MANAGER = 'createFileLockManager';
const MANAGER_METHODS = ['acquire', 'withLock'];

/** Names that a binding has in addition if its original has them. */
const HANDED_OVER = [...ASYNC_TAKERS, ...SYNC_TAKERS, MANAGER];

/** Options of the library's locks, which a synchronous one reads from a class, too. */
const LOCK_OPTIONS =
  'managerKey lockPath staleMs timeoutMs retry staleRecovery reentrantOwner payload shouldReclaim shouldRemoveStaleLock metadata parsePayload lockRoot retainOnExit onCompromised compromiseCheckIntervalMs'.split(' ');

/** Names of options that may have a root. */
const ROOT_OPTIONS = ['lockRoot', 'root'];

/** Returns the functions of the original that take a root. A root of this module is replaced by the original's. */
export function bindRootTakers({ HostError, original }: { HostError: HostErrorClass; original?: Unchecked }): object {
  const counterparts = Counterparts.of(original);
  const bound: Record<string, unknown> = {};
  for (const name of ASYNC_TAKERS) {
    if (typeof original?.[name] === 'function') {
      bound[name] = handedOver(original[name], counterparts);
    }
  }
  for (const name of SYNC_TAKERS) {
    if (typeof original?.[name] === 'function') {
      bound[name] = (...args: Unchecked[]) => original[name](...args.map((argument) => now(HostError, argument, name, counterparts)));
    }
  }
  if (typeof original?.[MANAGER] === 'function') {
    bound[MANAGER] = (...args: Unchecked[]) => {
      const manager = original[MANAGER](...args);
      const method = (name: string) => (...given: Unchecked[]) => manager[name](...given);
      return { ...manager, ...Object.fromEntries(MANAGER_METHODS.map((name) => [name, handedOver(method(name), counterparts)])) };
    };
  }
  return bound;
}

/** Calls an asynchronous function of the original: at once, unless a root of the original's has to be made first. */
function handedOver(call: (...args: Unchecked[]) => unknown, counterparts: Counterparts | undefined) {
  return async (...args: Unchecked[]) => {
    const held = args.map(rootOf);
    const isReady = held.every((root) => root === undefined || HeldRoot.isReady(root, counterparts));
    const theirs = isReady
      ? held.map((root) => root && HeldRoot.counterpartNow(root, counterparts))
      : await Promise.all(held.map((root) => root && HeldRoot.counterpart(root, counterparts)));
    return call(...args.map((argument, index) => replaced(argument, false, theirs[index])));
  };
}

/** Returns an argument of a synchronous function with the original's root. */
function now(HostError: HostErrorClass, argument: Unchecked, name: string, counterparts: Counterparts | undefined) {
  const held = rootOf(argument);
  const theirs = held && HeldRoot.counterpartNow(held, counterparts);
  if (held !== undefined && theirs === undefined) {
    throw hostError(HostError, 'helper-unavailable', `${name} takes a root that the library has made: bind with original, which has a root(), and await one root() of that binding first`);
  }
  return replaced(argument, true, theirs);
}

/** Returns an argument of a method of the original's root, with the original's root in place of one of ours. */
export function withCounterpart(argument: Unchecked): Unchecked {
  const held = rootOf(argument);
  return held === undefined ? argument : replaced(argument, false, HeldRoot.counterpartNow(held, undefined));
}

/** Returns the root of this module that an argument is, or has as one of its options. */
function rootOf(argument: Unchecked): HeldRoot | undefined {
  if (typeof argument !== 'object' || argument === null) {
    return undefined;
  }
  return HeldRoot.from(argument) ?? HeldRoot.from(argument[nameOf(argument)]);
}

/** Returns the name of the option that has a root of this module. */
function nameOf(options: Unchecked): string {
  return ROOT_OPTIONS.find((name) => HeldRoot.from(options[name]) !== undefined) ?? ROOT_OPTIONS[0];
}

/**
 * Returns an argument with the original's root. Other options are read from the caller's object, as their accessors may
 * need it.
 *
 * @param isSync the original reads options of a class, and calls functions on the options
 * @param theirs the original's root, if the argument has one of ours
 */
function replaced(argument: Unchecked, isSync: boolean, theirs: Unchecked): Unchecked {
  if (theirs === undefined) {
    return argument;
  }
  if (HeldRoot.from(argument) !== undefined) {
    return theirs;
  }
  const rootName = nameOf(argument);
  const properties: PropertyDescriptorMap = {};
  const names = new Set<PropertyKey>([...Reflect.ownKeys(argument), ...LOCK_OPTIONS.filter((name) => name in argument), rootName]);
  for (const name of names) {
    const value = () => {
      const given = argument[name];
      return isSync && typeof given === 'function' ? given.bind(argument) : given;
    };
    const isOwn = Object.prototype.propertyIsEnumerable.call(argument, name);
    properties[name as string] = { configurable: true, enumerable: isOwn, get: name === rootName ? () => theirs : value };
  }
  return Object.create(Object.getPrototypeOf(argument), properties);
}

export { HANDED_OVER };
