/// <reference types="node" />
import type { CommonOptions, Containment, PathInput, SyncOptions } from './common.js';

/** Data in memory. The call copies it at once, so later changes have no effect. */
export type WriteBytes = string | ArrayBufferView | ArrayBuffer;

/**
 * Data that {@link writeAtomic} accepts. Streams an iterable into the temporary file chunk by chunk, without collecting it in memory.
 * Skips empty chunks. Yields to the event loop every 10 ms, also when the iterable never waits.
 *
 * The call owns the iterable from the start. An error that a stream emits rejects the call. A rejected call closes the iterable, also
 * after a wrong argument or an aborted signal:
 * - Iterator: the call awaits `return()` for at most one second; after an abort it does not wait.
 * - Node stream: destroyed.
 * - Request of an HTTP server: stays open, so that the response can be sent; the rest of its body is discarded.
 * - Iterable of an earlier call (`ERR_INVALID_STATE`): left unchanged.
 */
export type WriteData = WriteBytes | AsyncIterable<Uint8Array | string> | Iterable<Uint8Array | string>;

/**
 * Options of `fs.writeFile` and similar functions. A write accepts only values that request its normal behavior. Any other value
 * fails with `ERR_INVALID_ARG_VALUE`, and the message names the replacement.
 */
export interface ForeignWriteOptions {
  /** Use `overwrite: false` for `'wx'`. A write never appends. */
  flag?: 'w' | undefined;
  /** Use {@link WriteOptions.durable}. */
  flush?: undefined;
  /** Use {@link WriteOptions.durable}. */
  fsync?: undefined;
  /** An overwrite keeps the owner. For a new file, call `fs.chown` afterwards. */
  chown?: undefined;
  /** The name of the temporary cannot be chosen. */
  tmpfilePrefix?: undefined;
}

/** Options of {@link writeAtomic}. */
export interface WriteOptions extends CommonOptions, ForeignWriteOptions {
  /**
   * Permission bits (0–`0o777`) of the published file, new or replaced, exactly and whatever the umask.
   * - Keeps the owner and group of an existing file; drops its ACL.
   * - The directory's default ACL grants nothing beyond these bits. When the group has a bit that others lack, the file gets no ACL.
   *   If the ACL cannot be removed, the file loses that group bit. Otherwise an inherited entry may stay listed, but grants only what
   *   others have.
   * - On Windows this only decides whether the file is read-only: it is when the owner has no write bit.
   *
   * Default: an existing file keeps its bits, ACL, group and owner as far as the system permits (see {@link WriteResult.preserved}),
   * but loses setuid, setgid and sticky. A new file gets `newFileMode`.
   */
  mode?: number | undefined;
  /**
   * Permission bits (0–`0o777`) of a new file when `mode` is not given, whatever the umask. The file inherits its directory's default
   * ACL; the group bits limit what named entries grant. Default `0o644`.
   */
  newFileMode?: number | undefined;
  /**
   * `false`: fails with `already-exists` when the name exists, also as a link or FIFO. Exactly one of several concurrent calls succeeds.
   * Default `true`.
   */
  overwrite?: boolean | undefined;
  /**
   * What to do when the final component is a symbolic link. Default `'reject'`.
   * - `'reject'`: fails with `symlink`.
   * - `'replace'`: replaces the link with the file; the link's target stays unchanged.
   * - `'follow'`: writes the link's target, if `symlinks` allows it.
   */
  finalSymlink?: 'reject' | 'replace' | 'follow' | undefined;
  /**
   * What the call syncs before it succeeds. Default `true`.
   * - `true`: the data, then the directory. The new version survives a power loss.
   * - `'file'`: the data only. After a power loss the file has its old or its new version.
   * - `false`: nothing.
   */
  durable?: boolean | 'file' | undefined;
  /** Create missing parent directories. Default `false`: a missing parent fails with `not-found`. */
  mkdir?: boolean | undefined;
  /** Permission bits (0–`0o777`) of the directories that `mkdir` creates. Existing directories keep their mode. Default `0o700`. */
  dirMode?: number | undefined;
  /**
   * What to do when the existing target has more than one hard link. Default `'allow'`.
   * - `'allow'`: replaces this name; the other names keep the old content.
   * - `'reject'`: fails with `hardlink`.
   */
  hardlinks?: 'allow' | 'reject' | undefined;
  /**
   * What to do when the rename fails with `EBUSY`, as over a single-file bind mount. Default `'none'`.
   * - `'none'`: fails with `EBUSY`.
   * - `'in-place'`: overwrites the content of the existing file. This is not atomic: a reader may see part of it, also after a power loss.
   *
   * How `'in-place'` works:
   * - Recovery: a copy of the old content, `.holdfast-<32 hexadecimal digits>.recovery` in the same directory, exists until the new
   *   content is synced. Syncs always, whatever `durable` is.
   * - Failure: restores content, mode and ACL from the copy. If that fails too, the copy stays, and the error's `path` names it.
   * - Permissions: during the write the file grants only what the old and the new mode both grant. A process that already has the
   *   file open can read the new content.
   * - Errors: `not-owned` when neither the effective user nor root owns the file; `hardlink` when it has several names;
   *   `path-mismatch` when the target was exchanged.
   *
   * In-place writers of one process run one after the other. On Linux, a lock (`F_OFD_SETLK`) on the last possible byte of the file
   * does the same across processes. A call fails with `EBUSY` when another writer holds the lock for 10 seconds. When a reader holds
   * it, the call waits 0.1 seconds and then writes without it. Writers of several processes are not serialized then.
   */
  fallback?: 'none' | 'in-place' | undefined;
  /**
   * Most bytes to accept: an integer ≥ 0, or `Infinity`. More data fails with `too-large` before anything is published. A stream that
   * exceeds the limit is closed. Default: unlimited.
   */
  maxBytes?: number | undefined;
  /**
   * Encoding of `data`, or of its chunks, when they are strings. Default `'utf8'`. Each chunk is encoded by itself, as in a stream of
   * Node: a surrogate pair or a group of Base64 has to be in one chunk.
   */
  encoding?: BufferEncoding | undefined;
}

/** The published file. All numbers come from its descriptor. */
export interface WriteResult {
  /** Absolute path of the file without links. */
  path: string;
  /** Whether no file was replaced. Also `true` when a symbolic link was replaced (`finalSymlink: 'replace'`). */
  created: boolean;
  /** Bytes written. */
  size: number;
  /** Permission bits of the file. */
  mode: number;
  /** Device of the file, as in `fs.Stats`. */
  dev: number;
  /** Inode of the file, as in `fs.Stats`. */
  ino: number;
  /**
   * How the file got its name.
   * - `'rename'`: the temporary was renamed.
   * - `'link'`: a new file was linked, because it had no name before or the system has no exclusive rename.
   * - `'in-place'`: the content was overwritten (see {@link WriteOptions.fallback}).
   */
  method: 'rename' | 'link' | 'in-place';
  /** What was synced, as in {@link WriteOptions.durable}. Also `false` when the system or user cannot sync the directory. */
  durable: boolean | 'file';
  /** What kept the call beneath its root. */
  containment: Containment;
  /**
   * Which metadata of the replaced file were kept; `null` when no file was replaced. A loss never widens access.
   *
   * - `mode`: all twelve bits equal those of the old file. `false` also when setuid, setgid or sticky were dropped.
   * - `acl`: both files have the same entries, effective or not, or neither has any. `false` when an ACL could not be read, set or
   *   removed, or when an entry is cut because the group is not kept. Always `false` with {@link WriteOptions.mode}.
   * - `owner`: owner and group equal those of the old file. `false` for ids that this user namespace does not map.
   */
  preserved: { mode: boolean; acl: boolean; owner: boolean } | null;
}

/**
 * Publishes a file atomically. A reader sees the complete old content or the complete new content.
 *
 * The call fills a temporary in the target's directory and applies owner, ACL and mode to its descriptor. It then syncs and closes the
 * temporary, and links or renames it once. On failure the old content is unchanged and the temporary is removed.
 *
 * A killed process may leave `.holdfast-<24 digits to the base 32>.tmp`; {@link cleanStaleTemporaries} removes it. A new file on ext4 with a journal, xfs,
 * btrfs, f2fs or tmpfs leaves none.
 *
 * In one JavaScript environment, calls on one file publish in call order. The path may go through a linked parent, a followed final
 * link or a root, or through another mount when the file is written in place. A stream takes its place in the order when it ends.
 *
 * A retry needs a new stream or generator. The call fails with `ERR_INVALID_STATE` for:
 * - a stream or generator that has ended, was destroyed, or was given to an earlier write;
 * - a readline interface;
 * - an iterable that returns the iterator of an earlier write.
 *
 * A generator that other code has consumed cannot be detected, and writes an empty file.
 *
 * @returns What was published.
 *
 * @example
 * await writeAtomic('state/session.json', JSON.stringify({ turn: 1 }), { mode: PRIVATE_FILE_MODE, mkdir: true });
 *
 * @throws {HoldfastError} `not-found`, `not-directory`, `not-file`, `symlink`, `hardlink`, `already-exists`, `too-large`,
 * `not-durable`, `invalid-path`; `path-mismatch` when its directory was moved or replaced during a long write; with a root also
 * `outside-workspace`.
 */
export function writeAtomic(file: PathInput, data: WriteData, options?: WriteOptions | BufferEncoding): Promise<WriteResult>;
/** Does the same as {@link writeAtomic} on the calling thread. Does not wait for asynchronous calls on the same target. */
export function writeAtomicSync(file: PathInput, data: WriteBytes, options?: SyncOptions<WriteOptions> | BufferEncoding): WriteResult;

/** One file of {@link writeAtomicMany}. */
export interface WriteEntry {
  /** The target. */
  file: PathInput;
  /** Its content. */
  data: WriteBytes;
  /**
   * Options that override those of the call. `root`, `symlinks` and `signal` are options of the call only. A string is the encoding of
   * `data`.
   */
  options?: Omit<WriteOptions, keyof CommonOptions> | BufferEncoding | undefined;
}

/**
 * Publishes many files, each with the guarantees of {@link writeAtomic}. Works in groups of up to 64 files: writes them, syncs them
 * side by side, renames them, and syncs each directory once.
 *
 * The call is not a transaction. Each entry has its own result or error. A failure or an abort does not undo other entries.
 *
 * @returns One result per entry, in order, as from `Promise.allSettled`. The whole call rejects in two cases:
 * - before it writes anything, for a wrong argument or a `root` that cannot be opened;
 * - at any time, when the signal aborts. Each target then has its old or its new content.
 *
 * @example
 * const parts = [{ name: 'a.json', text: '{}' }, { name: 'b.json', text: '[]' }];
 * const results = await writeAtomicMany(parts.map(({ name, text }) => ({ file: `state/${name}`, data: text })), { mkdir: true });
 * for (const result of results) if (result.status === 'rejected') throw result.reason;
 */
export function writeAtomicMany(entries: readonly WriteEntry[], options?: WriteOptions | BufferEncoding): Promise<PromiseSettledResult<WriteResult>[]>;
