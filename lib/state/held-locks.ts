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
  isShared: boolean;
  /** the lock around this one */
  outer: HeldLock | undefined;
}

let storage: InstanceType<typeof asyncHooks.AsyncLocalStorage<HeldLock>> | undefined;

/** The locks whose callbacks run. Nothing else may refer to one whose callback waits for a promise that nothing refers to. */
const inUse = new Set<object>();

/**
 * Runs a callback while a lock is held.
 *
 * @param held is not collected before the callback has ended
 */
export async function whileHeld<T>(held: object, lock: { key: string; identity: string; isShared: boolean }, call: (held: HeldLock) => Promise<T>): Promise<T> {
  storage ??= new asyncHooks.AsyncLocalStorage();
  // A call that a callback planned for later has the context of that callback: one that has ended is left out.
  const context = { ...lock, isHeld: true, outer: stillHeld(storage.getStore()) };
  inUse.add(held);
  try {
    return await storage.run(context, () => call(context));
  } finally {
    inUse.delete(held);
  }
}

function stillHeld(lock: HeldLock | undefined) {
  let held = lock;
  while (held !== undefined && !held.isHeld) {
    held = held.outer;
  }
  return held;
}

/** Lets a lock be collected that was released in its callback. */
export function endUse(held: object) {
  inUse.delete(held);
}

function heldHere(isIt: (lock: HeldLock) => boolean) {
  for (let lock = storage?.getStore(); lock !== undefined; lock = lock.outer) {
    if (lock.isHeld && isIt(lock)) {
      return lock;
    }
  }
  return undefined;
}

/**
 * Refuses a call for a lock that its own context holds.
 *
 * @param identity of the lock file, where it is open already: another path may have led to it
 */
export function refuseNested(key: string, given: string, identity?: string) {
  const held = storage === undefined ? undefined : heldHere((lock) => lock.key === key || lock.identity === identity);
  if (held === undefined) {
    return;
  }
  throw invalidState(
    held.isShared
      ? `the lock for ${quoted(given)} is held, shared, by the callback that asks for it, and would wait for itself. Read without a lock there; to write, take the lock without \`shared\` in the first place`
      : `the lock for ${quoted(given)} is held by the callback that asks for it. Write with writeAtomic there, update with lock: false, or append after the callback`,
  );
}
