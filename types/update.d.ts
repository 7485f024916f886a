/// <reference types="node" />
import type { Stats } from 'node:fs';
import type { PathInput } from './common.js';
import type { LockOptions } from './lock.js';
import type { WriteBytes, WriteOptions, WriteResult } from './write.js';

// Keeps the next name private to this file.
export {};
/** Property of {@link Unchanged} alone. */
declare const unchanged: unique symbol;

/** The type of {@link UNCHANGED}. A `unique symbol` would become `symbol` as the result of an `async` function. */
export type Unchanged = symbol & { readonly [unchanged]: true };

/** Return this from an update to leave the file unchanged. */
export const UNCHANGED: Unchanged;

/** Options of {@link updateAtomic}: those of the lock and of the write. */
export interface UpdateOptions extends Omit<WriteOptions, 'overwrite' | 'fallback' | 'finalSymlink' | 'flag'>, Omit<LockOptions, 'shared'> {
  /**
   * `false`: takes no lock, and detects changes of other programs only by comparison. Use it for edits of a working tree that should not
   * get lock files. Default `true`.
   */
  lock?: boolean | undefined;
  /**
   * Ends the wait for the lock, and publishes nothing after it has aborted. While `update` runs, the call keeps the lock: it rejects with
   * `signal.reason` once `update` has settled.
   */
  signal?: AbortSignal | undefined;
  /** Most bytes to read. More fails with `too-large`. Default: unlimited; with a root its `maxBytes`, else 16 MiB. */
  maxReadBytes?: number | undefined;
}

/**
 * Reads a file, calls `update` with its content, and publishes the result, under the lock of {@link withLock}. Concurrent updates of one
 * file do not lose each other's changes, also across processes.
 *
 * `update` gets `undefined` when the file does not exist. It must return a value: `undefined` is a `TypeError`, and {@link UNCHANGED}
 * leaves the file unchanged.
 *
 * Right before publication, the call compares the file's identity, size and times, and in files of up to 1 MiB the content. When a
 * program without the lock changed the file, it publishes nothing and calls `update` again with the new content, at most 8 times. It
 * cannot detect a change between the comparison and the rename where the file system cannot exchange names, nor one that keeps size and
 * times in a file of more than 1 MiB.
 * `update` may change the Buffer that it gets, and return it.
 *
 * @returns What was published, or `undefined` when `update` returned {@link UNCHANGED}.
 *
 * @example
 * await updateAtomic('counter', (current) => String(Number(current ?? 0) + 1));
 *
 * @throws {HoldfastError} As {@link withLock}, `readLocalFileSafely` and {@link writeAtomic}; `conflict` when other programs changed the
 * file during each of 8 attempts. After an error nothing is published, except where {@link HoldfastError.published | published} is
 * `true`: with `not-durable`; with `path-mismatch`, when a program without the lock changed the file at that moment; with `lock-lost`, when
 * the directory was moved at that moment.
 */
export function updateAtomic(
  file: PathInput,
  update: (current: Buffer | undefined, stat: Stats | undefined) => WriteBytes | Unchanged | Promise<WriteBytes | Unchanged>,
  options?: UpdateOptions,
): Promise<WriteResult | undefined>;

/** Options of {@link updateJson}. */
export interface UpdateJsonOptions<T> extends Omit<UpdateOptions, 'encoding'> {
  /** What `update` gets when the file does not exist. Cloned for each call. */
  ifMissing: T;
}

/** The result of {@link updateJson}. */
export interface UpdateJsonResult<T> {
  /**
   * The value of the file at the end of the call, as `JSON.parse` returns it: a `Date` is a string there. After {@link UNCHANGED} without a
   * file it is `ifMissing`.
   */
  value: T;
  /** Whether new content was published. */
  changed: boolean;
  /** What was published. Absent when nothing was. */
  write?: WriteResult;
}

/**
 * Updates a JSON file, in the same way as {@link updateAtomic}. Ignores a byte-order mark. Writes the file with an indent of two spaces
 * and a newline at its end.
 *
 * @returns The value, and whether it was published.
 *
 * @example
 * const { value } = await updateJson('turns.json', (state) => ({ turns: state.turns + 1 }), { ifMissing: { turns: 0 } });
 *
 * @throws {HoldfastError} As {@link updateAtomic}; `invalid-json`.
 */
export function updateJson<T>(
  file: PathInput,
  update: (current: T) => T | Unchanged | Promise<T | Unchanged>,
  options: UpdateJsonOptions<T>,
): Promise<UpdateJsonResult<T>>;
