import * as fs from 'node:fs';
import { expect, vi } from 'vitest';
import * as holdfast from '../../index.mjs';
import { build, scratch, tree, type Tree } from './scratch.js';

// Tables pass wrong types on purpose, so the forms accept any.
type Anything = any;

/** The three verbs in one calling form. Each returns a promise; the sync twins have completed when they return it. */
export interface Form {
  readonly name: 'promise' | 'sync';
  read(file: Anything, options?: Anything): Promise<holdfast.ReadResult>;
  write(file: Anything, data: Anything, options?: Anything): Promise<holdfast.WriteResult>;
  ensure(dir: Anything, options?: Anything): Promise<holdfast.EnsureDirResult>;
}

export const promiseForm: Form = {
  name: 'promise',
  read: (file, options) => rejectsOnly(() => holdfast.readLocalFileSafely(file, options)),
  write: (file, data, options) => rejectsOnly(() => holdfast.writeAtomic(file, data, options)),
  ensure: (dir, options) => rejectsOnly(() => holdfast.ensureDir(dir, options)),
};

export const syncForm: Form = {
  name: 'sync',
  read: async (file, options) => holdfast.readLocalFileSafelySync(file, options),
  write: async (file, data, options) => holdfast.writeAtomicSync(file, data, options),
  ensure: async (dir, options) => holdfast.ensureDirSync(dir, options),
};

export const FORMS: readonly Form[] = [promiseForm, syncForm];

/** Fails the test if an asynchronous call throws instead of rejecting, because that breaks `.catch()` callers. */
function rejectsOnly<T>(call: () => Promise<T>): Promise<T> {
  let promise: Promise<T>;
  try {
    promise = call();
  } catch (error) {
    throw new SynchronousThrow(error);
  }
  if (!(promise instanceof Promise)) {
    throw new SynchronousThrow(promise);
  }
  return promise;
}

class SynchronousThrow extends Error {
  constructor(cause: unknown) {
    super('an asynchronous call threw synchronously, or gave no promise', { cause });
    this.name = 'SynchronousThrow';
  }
}

export type Outcome<T = any> = { value: T; error?: undefined } | { value?: undefined; error: any };

/** Returns the outcome of a call as a value. */
export async function outcome<T>(call: () => Promise<T> | T): Promise<Outcome<T>> {
  try {
    return { value: await call() };
  } catch (error) {
    if (error instanceof SynchronousThrow || (error as Error)?.name === 'AssertionError') {
      throw error;
    }
    return { error };
  }
}

/** Returns the error of a call; success fails the test. */
export async function failure(call: () => Promise<unknown> | unknown): Promise<any> {
  const { value, error } = await outcome(call as () => Promise<unknown>);
  expect(error, `expected an error, got ${String(value)}`).toBeInstanceOf(Error);
  return error;
}

/** Returns the part of an error that must be equal in both forms, without the scratch directory's name. */
export function summary(error: any, dir: string): Record<string, unknown> {
  const shown = (value: unknown) => (typeof value === 'string' ? value.replaceAll(dir, '$DIR') : value);
  const fields = ['name', 'code', 'category', 'message', 'path', 'dest', 'errno', 'syscall', 'sysCode', 'mode', 'uid', 'euid', 'remedy', 'published', 'size', 'limit'];
  return Object.fromEntries(fields.map((field) => [field, shown(error[field])]));
}

export interface Ran<T = any> {
  dir: string;
  before: Tree;
  after: Tree;
  outcome: Outcome<T>;
}

/**
 * Runs `act` in both forms, each in a new tree built from `layout` as working directory. Checks that both end alike:
 * equal errors, or no error, and no descriptor left open. Returns both runs for the case's own assertions.
 */
export async function inBothForms<T>(layout: readonly string[], act: (form: Form, dir: string) => Promise<T>): Promise<Ran<T>[]> {
  const runs: Ran<T>[] = [];
  for (const form of FORMS) {
    runs.push(await inOneForm(form, layout, act));
  }
  const [promised, synced] = runs.map(({ dir, outcome }) => (outcome.error ? summary(outcome.error, dir) : 'success'));
  expect(promised, 'the promise and the sync form end alike').toEqual(synced);
  return runs;
}

export async function inOneForm<T>(form: Form, layout: readonly string[], act: (form: Form, dir: string) => Promise<T>): Promise<Ran<T>> {
  const dir = scratch();
  build(dir, layout);
  const cwd = process.cwd();
  process.chdir(dir);
  try {
    const before = tree(dir);
    const open = openFiles();
    const ended = await outcome(() => act(form, dir));
    expect(openFiles(), `${form.name} form left descriptors open`).toEqual(open);
    return { dir, before, after: tree(dir), outcome: ended };
  } finally {
    process.chdir(cwd);
  }
}

/** Waits until an assertion holds: an aborted call rejects at once, and its work cleans up afterwards. */
export function eventually(assertion: () => void): Promise<void> {
  return vi.waitFor(assertion, { timeout: 30_000, interval: 5 });
}

/**
 * Returns the open files of this process on file systems (without pipes, sockets and event descriptors of the test
 * runner, and procfs).
 */
export function openFiles(): string[] {
  const found: string[] = [];
  for (const fd of fs.readdirSync('/proc/self/fd')) {
    try {
      const target = fs.readlinkSync(`/proc/self/fd/${fd}`);
      if (target.startsWith('/') && !/^\/proc(\/|$)/.test(target)) found.push(`${fd} ${target}`);
    } catch {
      // The descriptor that listed the directory is closed.
    }
  }
  return found;
}

/**
 * Returns the shortest of five durations of an act, in milliseconds: a wait of the act itself shows in each of them.
 */
export async function shortest(act: () => Promise<unknown>): Promise<number> {
  let least = Infinity;
  for (let tries = 0; tries < 5; tries += 1) {
    const began = performance.now();
    await act();
    least = Math.min(least, performance.now() - began);
  }
  return least;
}
