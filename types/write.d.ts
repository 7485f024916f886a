/// <reference types="node" />
import type { CommonOptions, Containment, PathInput, SyncOptions } from './common.js';

/** Data that is there at the time of the call. It is copied then: changing it later changes nothing. */
export type WriteBytes = string | ArrayBufferView | ArrayBuffer;

/**
 * What {@link writeAtomic} accepts. An iterable is streamed through the temporary file, chunk by chunk, never gathered in memory.
 * Empty chunks are skipped. The event loop gets a turn every 10 ms, also when the iterable never waits.
 *
 * An iterable belongs to the call from its beginning, and an error that a stream emits rejects the call. Whenever the call rejects, also
 * for a wrong argument or an aborted signal, it closes the iterable: the iterator's `return()` is called and awaited for a second at most
 * (after an abort it is not awaited), and a Node stream is destroyed. A request of an HTTP server stays open, so that the response can be
 * sent, and its rest is discarded. An iterable that belongs to an earlier call (`ERR_INVALID_STATE`) is left alone.
 */
export type WriteData = WriteBytes | AsyncIterable<Uint8Array | string> | Iterable<Uint8Array | string>;

/**
 * Options of `fs.writeFile` and its peers that a write refuses (`ERR_INVALID_ARG_VALUE`, with what to use instead), unless they ask
 * for what it does anyway.
 */
export interface ForeignWriteOptions {
  /** `'wx'` is `overwrite: false`; a write never appends. */
  flag?: 'w' | undefined;
  /** It is {@link WriteOptions.durable} here. */
  flush?: undefined;
  /** It is {@link WriteOptions.durable} here. */
  fsync?: undefined;
  /** An overwrite keeps the owner. Change that of a new file with `fs.chown` afterwards. */
  chown?: undefined;
  /** The name of the temporary cannot be chosen. */
  tmpfilePrefix?: undefined;
}

/** Options of {@link writeAtomic}. */
export interface WriteOptions extends CommonOptions, ForeignWriteOptions {
  /**
   * Permission bits (0–`0o777`) that the file has in the end, exactly, whether it is new or not and whatever the umask. An
   * existing owner and group are kept, an existing ACL is not. No entry of the directory's default ACL grants more than these bits:
   * where the group has a bit that others do not have, the file has no ACL (the bit is left out if the ACL cannot be removed), else
   * an inherited entry may stay listed, and grants nothing that others do not have. Default: an existing file keeps its bits, ACL, group and owner as
   * far as the system permits (see {@link WriteResult.preserved}), a new one gets `newFileMode`. Setuid, setgid and sticky are dropped.
   * On Windows it says only whether the file is read-only: it has no write bit for its owner then.
   */
  mode?: number | undefined;
  /**
   * Permission bits (0–`0o777`) of a new file when `mode` is not given, whatever the umask. Default `0o644`. The file inherits the
   * default ACL of its directory: the entries that it names have what they grant within the group bits.
   */
  newFileMode?: number | undefined;
  /** `false`: fail with `already-exists` when anything has the name, a link or a FIFO too. Of several racers exactly one wins. Default `true`. */
  overwrite?: boolean | undefined;
  /**
   * When the final component is a symbolic link: `'reject'` fails with `symlink`; `'replace'` puts the file in place of the link
   * and leaves its target alone; `'follow'` writes the target, as far as `symlinks` allows. Default `'reject'`.
   */
  finalSymlink?: 'reject' | 'replace' | 'follow' | undefined;
  /**
   * What is synced before success is reported. `true`: the data, then the directory: the new version survives a power loss.
   * `'file'`: the data only: after a power loss there is the old version or the new one. `false`: nothing. Default `true`.
   */
  durable?: boolean | 'file' | undefined;
  /** Create missing parent directories. Default `false`: a missing parent is `not-found`. */
  mkdir?: boolean | undefined;
  /** Permission bits (0–`0o777`) of the directories that `mkdir` creates. The mode of an existing one is never touched. Default `0o700`. */
  dirMode?: number | undefined;
  /** `'reject'`: fail with `hardlink` when the existing target has other names. `'allow'`: those keep the old content. Default `'allow'`. */
  hardlinks?: 'allow' | 'reject' | undefined;
  /**
   * What to do where the target cannot be renamed over (`EBUSY`): a single-file bind mount. `'none'`: throw that. `'in-place'`: write
   * over its content, which is not atomic: a reader may see a part, and so may everybody after a power loss. A copy of the old
   * content, `.holdfast-<32 hexadecimal digits>.recovery` beside it, exists until the new one is synced (always, whatever
   * `durable` says); a write that fails is undone from it, mode and ACL too. If that fails, the copy stays, and the error's `path`
   * names it. Meanwhile the file grants only what both the old mode and the new one grant; who has it open already reads the new
   * content, whatever the mode. `path-mismatch`: the target was exchanged. Refused for another user's file (`not-owned`; root's is
   * accepted) and one with several names (`hardlink`).
   *
   * Writers of holdfast take turns: one process by itself, several (Linux) by a lock (`F_OFD_SETLK`) on the last byte that a file can
   * have. `EBUSY` when another writer holds it for 10 seconds. A lock of a reader is waited for 0.1 seconds and then ignored, so that
   * it cannot keep the file from being written; writers of several processes do not exclude each other then. Default `'none'`.
   */
  fallback?: 'none' | 'in-place' | undefined;
  /**
   * Most bytes to accept: an integer ≥ 0, or `Infinity`. More is `too-large` before anything is published; a stream is closed when
   * it exceeds the limit. Default: unlimited.
   */
  maxBytes?: number | undefined;
  /** Encoding of `data`, and of the chunks, that are strings. Default `'utf8'`. */
  encoding?: BufferEncoding | undefined;
}

/** What was published. Numbers are read from the descriptor of the file. */
export interface WriteResult {
  /** Absolute path of the file without links. */
  path: string;
  /** No file was replaced; also `true` when a symbolic link was (`finalSymlink: 'replace'`). */
  created: boolean;
  /** Bytes written. */
  size: number;
  /** Permission bits of the file. */
  mode: number;
  /** Device of the file, as `fs.Stats` has it. */
  dev: number;
  /** Inode of the file, as `fs.Stats` has it. */
  ino: number;
  /**
   * How the name was given: `'rename'`; `'link'`: a new file that had no name before, or where no exclusive rename exists;
   * `'in-place'`: the content was written over (see {@link WriteOptions.fallback}).
   */
  method: 'rename' | 'link' | 'in-place';
  /** What was synced, as {@link WriteOptions.durable}; `false` also where the directory cannot be synced by this system or user. */
  durable: boolean | 'file';
  /** What kept the call beneath its root. */
  containment: Containment;
  /**
   * What was kept of the file that was replaced; `null`: there was nothing to preserve. Where something is lost, access never widens.
   *
   * - `mode`: all twelve bits are those of the old file. `false` also where setuid, setgid or sticky were dropped.
   * - `acl`: the entries are those of the old file, effective or not, or both files have none. `false` where one could not be read,
   *   set or removed, where an entry is cut because the group is not kept, and always with {@link WriteOptions.mode}.
   * - `owner`: owner and group are those of the old file. `false` for ids without a counterpart in this user namespace.
   */
  preserved: { mode: boolean; acl: boolean; owner: boolean } | null;
}

/**
 * Publishes a file: a temporary in the target's directory gets owner, ACL, mode and content by its descriptor, is synced and closed,
 * then linked or renamed, once. A reader sees the old content or the new, whole. On failure the old content is untouched and no
 * temporary is left. When the process is killed, `.holdfast-<32 hexadecimal digits>.tmp` may stay, though not of a new file on ext4,
 * xfs, btrfs, f2fs or tmpfs (see `cleanStaleTemporaries`).
 *
 * Calls on one file publish in the order they were made, in one JavaScript environment, by whatever names they reach it (a linked
 * parent, a final link that is followed, a root, another mount of a file that is written in place). A stream takes its place when it ends.
 *
 * A retry needs a new stream or generator: one that has ended, was destroyed, or was given to an earlier write is refused
 * (`ERR_INVALID_STATE`); so is a readline interface, and an iterable that returns the iterator that an earlier write had. A generator that other code has used up cannot be known, and makes an empty file.
 *
 * @example
 * await writeAtomic('state/session.json', JSON.stringify({ turn: 1 }), { mode: PRIVATE_FILE_MODE, mkdir: true });
 *
 * @throws {HoldfastError} `not-found`, `not-directory`, `not-file`, `symlink`, `hardlink`, `already-exists`, `not-durable`,
 * `invalid-path`; `path-mismatch` (its directory was moved or replaced during a long write); with a root also `outside-workspace`.
 */
export function writeAtomic(file: PathInput, data: WriteData, options?: WriteOptions | BufferEncoding): Promise<WriteResult>;
/** {@link writeAtomic}, on the calling thread; it does not wait for asynchronous calls on the same target. */
export function writeAtomicSync(file: PathInput, data: WriteBytes, options?: SyncOptions<WriteOptions> | BufferEncoding): WriteResult;

/** One of the files of {@link writeAtomicMany}; `options` override those of the call, which alone has `root`, `symlinks` and `signal`. */
export interface WriteEntry {
  /** The target. */
  file: PathInput;
  /** Its content. */
  data: WriteBytes;
  /** What is different from the options of the call; a string is the encoding of `data`. */
  options?: Omit<WriteOptions, keyof CommonOptions> | BufferEncoding | undefined;
}

/**
 * Publishes many files with the guarantees of {@link writeAtomic} for each. Up to 64 at a time are written, then synced side by
 * side, then renamed, and each directory is synced once for them. It is not a transaction:
 * every entry has its own result or error, and none is undone for another's failure, or for an abort.
 *
 * @returns One result for each entry, in order, as `Promise.allSettled` gives it. A wrong argument, or a `root` that cannot be
 * opened, rejects the call as a whole, before anything is written. A signal that aborts rejects it as a whole at any time: each
 * target then is old or new.
 *
 * @example
 * const parts = [{ name: 'a.json', text: '{}' }, { name: 'b.json', text: '[]' }];
 * const results = await writeAtomicMany(parts.map(({ name, text }) => ({ file: `state/${name}`, data: text })), { mkdir: true });
 * for (const result of results) if (result.status === 'rejected') throw result.reason;
 */
export function writeAtomicMany(entries: readonly WriteEntry[], options?: WriteOptions | BufferEncoding): Promise<PromiseSettledResult<WriteResult>[]>;
