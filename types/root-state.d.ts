import type { AppendOptions, AppendResult } from './append.js';
import type { PathInput, SyncOptions, WithinRoot } from './common.js';
import type { Lock, LockOptions } from './lock.js';
import type { Unchanged, UpdateJsonOptions, UpdateJsonResult, UpdateOptions, updateAtomic } from './update.js';
import type { WriteBytes, WriteResult } from './write.js';

/** The methods of a {@link Root} for locks, updates and appends. */
export interface RootState {
  /** Does the same as {@link withLock} beneath this root. */
  withLock<T>(path: PathInput, fn: (lock: Lock) => T | Promise<T>, options?: WithinRoot<LockOptions>): Promise<T>;
  /** Does the same as {@link acquireLock} beneath this root. */
  acquireLock(path: PathInput, options?: WithinRoot<LockOptions>): Promise<Lock>;
  /** Does the same as {@link tryLock} beneath this root. */
  tryLock(path: PathInput, options?: WithinRoot<Omit<LockOptions, 'timeoutMs' | 'signal'>>): Promise<Lock | undefined>;
  /** Does the same as {@link updateAtomic} beneath this root. */
  updateAtomic(file: PathInput, update: Parameters<typeof updateAtomic>[1], options?: WithinRoot<UpdateOptions>): Promise<WriteResult | undefined>;
  /** Does the same as {@link updateJson} beneath this root. */
  updateJson<T>(
    file: PathInput,
    update: (current: T) => T | Unchanged | Promise<T | Unchanged>,
    options: WithinRoot<UpdateJsonOptions<T>>,
  ): Promise<UpdateJsonResult<T>>;
  /** Does the same as {@link appendRecord} beneath this root. */
  appendRecord(file: PathInput, record: WriteBytes, options?: WithinRoot<AppendOptions>): Promise<AppendResult>;
  /** Does the same as {@link appendRecordSync} beneath this root. */
  appendRecordSync(file: PathInput, record: WriteBytes, options?: SyncOptions<WithinRoot<AppendOptions>>): AppendResult;
  /** Does the same as {@link appendRecords} beneath this root. */
  appendRecords(file: PathInput, records: Iterable<WriteBytes>, options?: WithinRoot<AppendOptions>): Promise<AppendResult>;
  /** Does the same as {@link appendRecordsSync} beneath this root. */
  appendRecordsSync(file: PathInput, records: Iterable<WriteBytes>, options?: SyncOptions<WithinRoot<AppendOptions>>): AppendResult;
  /** Does the same as {@link appendJson} beneath this root. */
  appendJson(file: PathInput, value: unknown, options?: WithinRoot<AppendOptions>): Promise<AppendResult>;
  /** Does the same as {@link appendJsonSync} beneath this root. */
  appendJsonSync(file: PathInput, value: unknown, options?: SyncOptions<WithinRoot<AppendOptions>>): AppendResult;
}
