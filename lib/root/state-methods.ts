// The methods of a root for locks, updates and appends.

import { appendJsonOf, appendJsonSyncOf, appendRecordOf, appendRecordSyncOf, appendRecordsOf, appendRecordsSyncOf } from '../state/append.js';
import { acquireLockOf, tryLockOf, withLockOf } from '../state/lock.js';
import { updateAtomicOf, updateJsonOf } from '../state/update.js';
import type { MethodRoot } from '../options/flatten.js';

/** Runs a method of a root: checks the receiver and the callback, and keeps the root open meanwhile. */
type Run = (root: unknown, path: unknown, call: (methodRoot: MethodRoot) => unknown, method: Function, callback: unknown) => unknown;

type ThreeArguments = (path: unknown, data: unknown, options: unknown, methodRoot: MethodRoot) => unknown;

/** Adds the methods to the prototype of roots. */
export function addStateMethods(prototype: object, soon: Run, now: Run) {
  for (const [name, call] of Object.entries({ acquireLock: acquireLockOf, tryLock: tryLockOf })) {
    const methods = {
      [name](this: unknown, path: unknown, options?: unknown, callback: unknown = undefined) {
        return soon(this, path, (methodRoot) => call(path, options, methodRoot), methods[name], callback);
      },
    };
    define(prototype, methods);
  }
  const asynchronous = { withLock: withLockOf, updateAtomic: updateAtomicOf, updateJson: updateJsonOf, appendRecord: appendRecordOf, appendRecords: appendRecordsOf, appendJson: appendJsonOf };
  const synchronous = { appendRecordSync: appendRecordSyncOf, appendRecordsSync: appendRecordsSyncOf, appendJsonSync: appendJsonSyncOf };
  addThree(prototype, asynchronous, soon);
  addThree(prototype, synchronous, now);
}

function addThree(prototype: object, calls: Record<string, ThreeArguments>, run: Run) {
  for (const [name, call] of Object.entries(calls)) {
    const methods = {
      [name](this: unknown, path: unknown, data: unknown, options?: unknown, callback: unknown = undefined) {
        return run(this, path, (methodRoot) => call(path, data, options, methodRoot), methods[name], callback);
      },
    };
    define(prototype, methods);
  }
}

/** Defines methods as a class does: not enumerable. */
function define(prototype: object, methods: Record<string, Function>) {
  for (const [name, value] of Object.entries(methods)) {
    Object.defineProperty(prototype, name, { configurable: true, writable: true, value });
  }
}
