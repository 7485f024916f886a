/// <reference types="node" />
import type { Stats } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import type { CommonOptions, Containment, PathInput, SyncOptions } from './common.js';

/**
 * Options of `fs.readFile`. A read accepts only values that request its normal behavior. Any other value fails with
 * `ERR_INVALID_ARG_VALUE`, and the message names the replacement.
 */
export interface ForeignReadOptions {
  /** A read opens the file read-only. */
  flag?: 'r' | undefined;
  /** `'buffer'` and `null` select a Buffer, which is the default. See {@link Encoded} for text. */
  encoding?: 'buffer' | null | undefined;
}

/** Options of a read, without the path. */
export interface ReadFileOptions extends CommonOptions, ForeignReadOptions {
  /**
   * Most bytes to accept: an integer ≥ 0, or `Infinity`. A larger file fails with `too-large` before memory is allocated. A file that
   * grows beyond the limit during the read fails too. Default: unlimited without a root, 16 MiB (16,777,216) with one.
   */
  maxBytes?: number | undefined;
  /**
   * `'reject'`: fails with `hardlink` when the file has more than one hard link. Default: `'allow'` without a root, `'reject'` with one.
   */
  hardlinks?: 'allow' | 'reject' | undefined;
  /**
   * `'allow'`: reads regular files of procfs, sysfs, debugfs and similar file systems. Magic links and devices are refused with both
   * values. Default `'reject'`: fails with `device-path`.
   */
  pseudoFiles?: 'reject' | 'allow' | undefined;
  /**
   * Marks a read of content that is sent to another party. Fails with `OUTBOUND_MEDIA_PERMS_TOO_RESTRICTIVE` unless group and others may
   * read the file (`(mode & 0o044) === 0o044`). On Windows, where modes are not meaningful, every readable file passes. Default `false`.
   */
  outbound?: boolean | OutboundOptions | undefined;
}

/** The object form of {@link ReadFileOptions.outbound}. It enables the check. */
export interface OutboundOptions {
  /** Accept a file that only its owner may read. This process must still be able to open it. Default `false`. */
  allowOwnerOnly?: boolean | undefined;
}

/** Options of a read, with the path. */
export interface ReadOptions extends ReadFileOptions {
  /** The file to read. */
  filePath: PathInput;
}

/** Options of a read whose result has `text` in place of `buffer`. Bytes that are invalid in the encoding become U+FFFD. */
export type Encoded<Options> = Omit<Options, 'encoding'> & {
  /** The encoding of the file, as `buffer.toString(encoding)` takes it. */
  encoding: BufferEncoding;
};

/** The content and metadata of a file. All fields describe the descriptor that was read. */
export interface ReadResult {
  /** The content. `buffer.buffer` has only the file's bytes, and can be cloned, posted and transferred. */
  buffer: Buffer;
  /** Absolute path of the file without links. */
  realPath: string;
  /**
   * The `fstat` result of the open descriptor: an instance of `fs.Stats` with numbers (not bigint). The four `Date` properties are
   * created on first access and are own properties only from then on, as in Node 22 and newer. Node 20 behaves the same here.
   */
  stat: Stats;
  /** What kept the call beneath its root. */
  containment: Containment;
}

/** The result of a read with an encoding. The other fields are those of {@link ReadResult}. */
export interface ReadTextResult extends Omit<ReadResult, 'buffer'> {
  /** The content, decoded. */
  text: string;
}

/** An open file. The other fields are those of {@link ReadResult}. Close `handle`, or use `await using`. */
export interface OpenResult extends Omit<ReadResult, 'buffer'>, AsyncDisposable {
  /** A `FileHandle` of Node, opened for reading on the file that was checked. */
  handle: FileHandle;
  /** Closes `handle`, if the caller has not. */
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * Reads a regular file. Opens it once without blocking, checks the descriptor (`fstat`), and reads from that descriptor.
 *
 * Refuses FIFOs, sockets, devices and directories without reading a byte. Refuses device and magic paths such as `/dev` (except
 * `/dev/shm`) and `/proc/…/fd` by their text, before it opens anything.
 *
 * @returns The content, the real path and the stat.
 *
 * @example
 * const { buffer, stat } = await readLocalFileSafely({ filePath: 'media/clip.mp4', outbound: true, maxBytes: 16 * 1024 * 1024 });
 *
 * @example
 * const { text } = await readLocalFileSafely('media/clip.mp4', { encoding: 'utf8' });
 *
 * @throws {HoldfastError} `not-found`, `symlink`, `not-file`, `not-directory`, `device-path`, `hardlink`, `too-large`,
 * `OUTBOUND_MEDIA_PERMS_TOO_RESTRICTIVE`, `invalid-path`; with a root also `outside-workspace`, `path-mismatch`.
 */
export function readLocalFileSafely(file: PathInput | ReadOptions, options?: ReadFileOptions): Promise<ReadResult>;
/** Reads the file as text. See {@link readLocalFileSafely}. */
export function readLocalFileSafely(file: PathInput | ReadOptions, options: Encoded<ReadFileOptions>): Promise<ReadTextResult>;
/** Reads the file as text. See {@link readLocalFileSafely}. */
export function readLocalFileSafely(file: Encoded<ReadOptions>, options?: Omit<ReadFileOptions, 'encoding'>): Promise<ReadTextResult>;
/** Repeats the first overload: TypeScript takes the last one for `ReturnType`, and the first one for arguments of type `any`. */
export function readLocalFileSafely(file: PathInput | ReadOptions, options?: ReadFileOptions): Promise<ReadResult>;
/** Does the same as {@link readLocalFileSafely} on the calling thread. */
export function readLocalFileSafelySync(file: PathInput | SyncOptions<ReadOptions>, options?: SyncOptions<ReadFileOptions>): ReadResult;
/** Reads the file as text. See {@link readLocalFileSafelySync}. */
export function readLocalFileSafelySync(
  file: PathInput | SyncOptions<ReadOptions>,
  options: Encoded<SyncOptions<ReadFileOptions>>,
): ReadTextResult;
/** Reads the file as text. See {@link readLocalFileSafelySync}. */
export function readLocalFileSafelySync(
  file: Encoded<SyncOptions<ReadOptions>>,
  options?: Omit<SyncOptions<ReadFileOptions>, 'encoding'>,
): ReadTextResult;
/** Repeats the first overload: TypeScript takes the last one for `ReturnType`, and the first one for arguments of type `any`. */
export function readLocalFileSafelySync(file: PathInput | SyncOptions<ReadOptions>, options?: SyncOptions<ReadFileOptions>): ReadResult;

/**
 * Opens a file with all checks of {@link readLocalFileSafely}, for a caller that streams the content. Compares `maxBytes` with the size
 * at this moment only.
 *
 * Send the stream with `pipeline`, which also closes the file when the client disconnects. `stream.pipe(response)` leaves it open then.
 *
 * @returns The open handle, the real path and the stat.
 *
 * @example
 * import { pipeline } from 'node:stream/promises';
 *
 * await using file = await openLocalFileSafely('media/clip.mp4', { outbound: true });
 * await pipeline(file.handle.createReadStream(), response); // awaited: the end of the block closes the file
 *
 * @throws {HoldfastError} As {@link readLocalFileSafely}; `unsupported-platform` where descriptors cannot be reopened (no procfs at `/proc`).
 */
export function openLocalFileSafely(file: PathInput | ReadOptions, options?: ReadFileOptions): Promise<OpenResult>;
