/// <reference types="node" />
import type { Stats } from 'node:fs';
import type { PathInput } from './common.js';
import type { LockOptions } from './lock.js';
import type { WriteBytes, WriteOptions, WriteResult } from './write.js';

/** What an update returns to leave the file as it is. */
export const UNCHANGED: unique symbol;

/** Options of {@link updateAtomic}: those of the lock and of the write. */
export interface UpdateOptions extends Omit<WriteOptions, 'overwrite' | 'fallback' | 'finalSymlink'>, Omit<LockOptions, 'shared'> {
  /**
   * `false`: no lock is taken, and what others change is noticed by comparison alone: for editors of a working tree, which should leave
   * no lock files there. Default `true`.
   */
  lock?: boolean | undefined;
  /** Most bytes to read: more is `too-large`. Default: unlimited, with a root 16 MiB or its `maxBytes`. */
  maxReadBytes?: number | undefined;
}

/**
 * Reads a file, calls `update` with its content, and publishes what that returns, under the lock of {@link withLock}. Of processes that
 * update one file, none loses the change of another.
 *
 * `update` gets `undefined` where no file is. Forgetting to return something is a `TypeError`; {@link UNCHANGED} leaves the file as it
 * is. It may be called up to 8 times: when a program that takes no lock changed the file meanwhile, nothing is published and the update
 * starts again with the new content. That is found by comparing the file's identity, size and times right before publication: a change
 * between the comparison and the rename is not found.
 *
 * @example
 * await updateAtomic('counter', (current) => String(Number(current ?? 0) + 1));
 *
 * @throws {HoldfastError} As {@link withLock}, `readLocalFileSafely` and {@link writeAtomic}; `conflict`: others changed the file during
 * each of 8 tries. After an error nothing was published, unless the error is `not-durable`.
 */
export function updateAtomic(
  file: PathInput,
  update: (current: Buffer | undefined, stat: Stats | undefined) => WriteBytes | typeof UNCHANGED | Promise<WriteBytes | typeof UNCHANGED>,
  options?: UpdateOptions,
): Promise<WriteResult | undefined>;

/** Options of {@link updateJson}. */
export interface UpdateJsonOptions<T> extends Omit<UpdateOptions, 'encoding'> {
  /** What `update` gets where no file is; cloned for each call. */
  ifMissing: T;
}

/** What {@link updateJson} came to. */
export interface UpdateJsonResult<T> {
  /** The value that the file has now. */
  value: T;
  /** Whether a new content was published. */
  changed: boolean;
  /** What was published; absent where nothing was. */
  write?: WriteResult;
}

/**
 * {@link updateAtomic} for a file with JSON. A byte-order mark is ignored. The file is written with an indent of two spaces and a line
 * break at its end.
 *
 * @example
 * const { value } = await updateJson('turns.json', (state) => ({ turns: state.turns + 1 }), { ifMissing: { turns: 0 } });
 *
 * @throws {HoldfastError} As {@link updateAtomic}; `invalid-json`.
 */
export function updateJson<T>(
  file: PathInput,
  update: (current: T) => T | typeof UNCHANGED | Promise<T | typeof UNCHANGED>,
  options: UpdateJsonOptions<T>,
): Promise<UpdateJsonResult<T>>;
