/// <reference types="node" />
import type { Containment, PathInput, SyncOptions } from './common.js';
import type { LockOptions } from './lock.js';
import type { WriteBytes } from './write.js';

/** Options of the appends. */
export interface AppendOptions extends Omit<LockOptions, 'shared'> {
  /** Permission bits (0–`0o777`) of a new file, whatever the umask. Default `0o600`. */
  newFileMode?: number | undefined;
  /** Syncs the file before success is reported, and its directory when the file is new. Default `true`. */
  durable?: boolean | undefined;
  /**
   * What to do when the file does not end with a line break: its last record is torn, since whoever wrote it died. `'isolate'` ends that
   * line first; `'error'` fails with `torn-tail`. Default `'isolate'`.
   */
  onTornTail?: 'isolate' | 'error' | undefined;
  /** Most bytes that the file may have afterwards: more is `too-large`, and nothing is written. Default: unlimited. */
  maxFileBytes?: number | undefined;
  /** Create missing parent directories. Default `false`. */
  mkdir?: boolean | undefined;
  /** Permission bits (0–`0o777`) of the directories that `mkdir` creates. Default `0o700`. */
  dirMode?: number | undefined;
}

/** Where the records are. */
export interface AppendResult {
  /** Absolute path of the file without links. */
  path: string;
  /** Where the first record begins, in bytes. */
  offset: number;
  /** Bytes of the file. */
  size: number;
  /** Whether no file had the name before. */
  created: boolean;
  /** Whether a torn record was in front, which was ended by a line break. */
  isolated: boolean;
  /** Whether the file was renamed or removed during the call: the records are in it, under its new name. */
  rotated: boolean;
  /** Whether the records are synced; `false` also where the file system cannot do so. */
  durable: boolean;
  /** What kept the call beneath its root. */
  containment: Containment;
}

/**
 * Appends one record: a line. The call adds the line break; one in the record is refused (`ERR_INVALID_ARG_VALUE`).
 *
 * A record is there once and whole when the call has succeeded, also when other processes append, update or rotate the file, or are
 * killed while they do. The lock is that of `withLock`. The file needs read permission, for its last byte. It may not be a link, FIFO
 * or device.
 *
 * After an error nothing of the record is in the file, with two exceptions: `not-durable` (the record is there, and may not survive a
 * power loss), and an error whose `torn` is `true` (a part is there and could not be removed; the next append isolates it).
 *
 * @example
 * await appendRecord('transcript.jsonl', JSON.stringify({ role: 'user', text: 'hello' }));
 *
 * @throws {HoldfastError} As `withLock` and `writeAtomic`; `torn-tail`, `too-large`.
 */
export function appendRecord(file: PathInput, record: WriteBytes, options?: AppendOptions): Promise<AppendResult>;
/** {@link appendRecord}, on the calling thread. `ERR_INVALID_STATE` where this environment has the lock. */
export function appendRecordSync(file: PathInput, record: WriteBytes, options?: SyncOptions<AppendOptions>): AppendResult;

/**
 * Appends several records with one lock, one write and one sync. A process that is killed may leave the first of them, and one torn.
 *
 * @example
 * await appendRecords('log.jsonl', ['{"n":1}', '{"n":2}'], { durable: false });
 *
 * @throws {HoldfastError} As {@link appendRecord}.
 */
export function appendRecords(file: PathInput, records: Iterable<WriteBytes>, options?: AppendOptions): Promise<AppendResult>;
/** {@link appendRecords}, on the calling thread. */
export function appendRecordsSync(file: PathInput, records: Iterable<WriteBytes>, options?: SyncOptions<AppendOptions>): AppendResult;

/**
 * Appends a value as one line of JSON.
 *
 * @example
 * await appendJson('transcript.jsonl', { role: 'user', text: 'two\nlines' });
 *
 * @throws {HoldfastError} As {@link appendRecord}.
 */
export function appendJson(file: PathInput, value: unknown, options?: AppendOptions): Promise<AppendResult>;
/** {@link appendJson}, on the calling thread. */
export function appendJsonSync(file: PathInput, value: unknown, options?: SyncOptions<AppendOptions>): AppendResult;
