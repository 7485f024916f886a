// Finds out whether a call asks for a lock that its own asynchronous context holds: it would wait for itself.

import { asyncHooks } from '../base/node.js';
import { invalidState } from '../errors/holdfast-error.js';
import { quoted } from '../base/escape.js';

/** A lock that is held while a callback runs. */
export interface HeldLock {
  /** as in the queue of locks */
  key: string;
  /** device and inode of the lock file */
  identity: string;
  isHeld: boolean;
  /** the lock around this one */
  outer: HeldLock | undefined;
}

let storage: InstanceType<typeof asyncHooks.AsyncLocalStorage<HeldLock>> | undefined;

/** Runs a callback while a lock is held. */
export function whileHeld<T>(lock: { key: string; identity: string }, call: (held: HeldLock) => T): T {
  storage ??= new asyncHooks.AsyncLocalStorage();
  const held = { ...lock, isHeld: true, outer: storage.getStore() };
  return storage.run(held, () => call(held));
}

function isHeldHere(isIt: (lock: HeldLock) => boolean) {
  for (let lock = storage?.getStore(); lock !== undefined; lock = lock.outer) {
    if (lock.isHeld && isIt(lock)) {
      return true;
    }
  }
  return false;
}

/**
 * Refuses a call for a lock that its own context holds.
 *
 * @param identity of the lock file, where it is open already: another path may have led to it
 */
export function refuseNested(key: string, given: string, identity?: string) {
  if (storage !== undefined && isHeldHere((lock) => lock.key === key || lock.identity === identity)) {
    throw invalidState(
      `the lock for ${quoted(given)} is held by the callback that asks for it. Write with writeAtomic there, update with lock: false, or append after the callback`,
    );
  }
}
