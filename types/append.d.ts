/// <reference types="node" />
import type { Containment, PathInput, SyncOptions } from './common.js';
import type { LockOptions } from './lock.js';
import type { WriteBytes } from './write.js';

/** Options of the appends. */
export interface AppendOptions extends Omit<LockOptions, 'shared'> {
  /**
   * Permission bits (0–`0o777`) of a new file, whatever the umask. An ACL that the directory passes on is removed where it could grant
   * more than these bits. Default `0o600`.
   */
  newFileMode?: number | undefined;
  /** Sync the file before the call succeeds, and its directory when the file is new. Default `true`. */
  durable?: boolean | undefined;
  /**
   * What to do when the file does not end with a line break, because the writer of its last record died. Default `'isolate'`.
   * - `'isolate'`: ends the torn record with a line break, then appends.
   * - `'error'`: fails with `torn-tail`.
   */
  onTornTail?: 'isolate' | 'error' | undefined;
  /** Most bytes that the file may have afterwards. More fails with `too-large`, and nothing is written. Default: unlimited. */
  maxFileBytes?: number | undefined;
  /** Create missing parent directories. Default `false`. */
  mkdir?: boolean | undefined;
  /** Permission bits (0–`0o777`) of the directories that `mkdir` creates. Default `0o700`. */
  dirMode?: number | undefined;
}

/** The file and the position of the appended records. */
export interface AppendResult {
  /** Absolute path of the file without links. */
  path: string;
  /** Offset of the first record in bytes. */
  offset: number;
  /** Size of the file in bytes. */
  size: number;
  /** Whether the call created the file. */
  created: boolean;
  /** Whether the call ended a torn record with a line break. */
  isolated: boolean;
  /** Whether the file was renamed or removed during the call. The records are then in the renamed or removed file. */
  rotated: boolean;
  /** Whether the records are synced. Also `false` when the file system cannot sync. */
  durable: boolean;
  /** What kept the call beneath its root. */
  containment: Containment;
}

/**
 * Appends one record as a line. Adds the line break. A record that contains one fails with `ERR_INVALID_ARG_VALUE`.
 *
 * After success the record is in the file once and complete, unless the lock file was removed during the call. This holds while other
 * processes append to or update the file with the lock, or rotate it, and when they are killed. A program without the lock that appends
 * text without a line break at that moment spoils the record. The call takes the lock of `withLock`. It reads the last byte, so the file
 * needs read permission. The file must not be a link, FIFO or device.
 *
 * After an error the file has no part of the record, with two exceptions:
 * - `not-durable`: the record is in the file, but a power loss may remove it.
 * - An error whose {@link HoldfastError.torn | torn} is `true`: a part of the record could not be removed. The next append isolates it.
 *
 * This includes `lock-timeout` and an abort: an append whose write has started when the signal aborts succeeds.
 *
 * @returns The position of the record.
 *
 * @example
 * await appendRecord('transcript.jsonl', JSON.stringify({ role: 'user', text: 'hello' }));
 *
 * @throws {HoldfastError} As `withLock` and `writeAtomic`; `torn-tail` with `onTornTail: 'error'`; `too-large` with `maxFileBytes`.
 */
export function appendRecord(file: PathInput, record: WriteBytes, options?: AppendOptions): Promise<AppendResult>;
/**
 * Does the same as {@link appendRecord} on the calling thread. Fails with `ERR_INVALID_STATE` when the lock is not free and an
 * earlier call of this environment holds it or asks for it, or was aborted right before. Does not wait for earlier asynchronous
 * appends.
 */
export function appendRecordSync(file: PathInput, record: WriteBytes, options?: SyncOptions<AppendOptions>): AppendResult;

/**
 * Appends several records with one lock, one write and one sync. A process that is killed during the call may leave some of the first
 * records, and one torn record.
 *
 * @returns The position of the records.
 *
 * @example
 * await appendRecords('log.jsonl', ['{"n":1}', '{"n":2}'], { durable: false });
 *
 * @throws {HoldfastError} As {@link appendRecord}.
 */
export function appendRecords(file: PathInput, records: Iterable<WriteBytes>, options?: AppendOptions): Promise<AppendResult>;
/** Does the same as {@link appendRecords} on the calling thread. */
export function appendRecordsSync(file: PathInput, records: Iterable<WriteBytes>, options?: SyncOptions<AppendOptions>): AppendResult;

/**
 * Appends a value as one line of JSON.
 *
 * @returns The position of the line.
 *
 * @example
 * await appendJson('transcript.jsonl', { role: 'user', text: 'two\nlines' });
 *
 * @throws {HoldfastError} As {@link appendRecord}.
 */
export function appendJson(file: PathInput, value: unknown, options?: AppendOptions): Promise<AppendResult>;
/** Does the same as {@link appendJson} on the calling thread. */
export function appendJsonSync(file: PathInput, value: unknown, options?: SyncOptions<AppendOptions>): AppendResult;
