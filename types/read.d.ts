/// <reference types="node" />
import type { Stats } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import type { CommonOptions, Containment, PathInput, SyncOptions } from './common.js';

/**
 * Options of `fs.readFile` that a read refuses (`ERR_INVALID_ARG_VALUE`, with what to use instead), unless they ask for what it does
 * anyway.
 */
export interface ForeignReadOptions {
  /** A read opens the file for reading only. */
  flag?: 'r' | undefined;
  /** `'buffer'` and `null` ask for the Buffer that a read returns by default; {@link Encoded} options ask for text. */
  encoding?: 'buffer' | null | undefined;
}

/** Options of a read, without the path. */
export interface ReadFileOptions extends CommonOptions, ForeignReadOptions {
  /**
   * Most bytes to accept: an integer ≥ 0, or `Infinity`. Compared with the size before anything is allocated, and again while
   * reading, so that a file that grows is refused too (`too-large`). Default: unlimited without a root, 16 MiB (16,777,216) with one.
   */
  maxBytes?: number | undefined;
  /** `'reject'` refuses a file that has more than one name (`hardlink`). Default: `'allow'` without a root, `'reject'` with one. */
  hardlinks?: 'allow' | 'reject' | undefined;
  /** `'allow'` reads regular files of procfs, sysfs, debugfs and the like. Magic links and devices stay refused. Default `'reject'`. */
  pseudoFiles?: 'reject' | 'allow' | undefined;
  /**
   * The content is to be handed to another party: require that group and others may read the file
   * (`(mode & 0o044) === 0o044`), otherwise `OUTBOUND_MEDIA_PERMS_TOO_RESTRICTIVE`. Default `false`. On Windows modes say nothing: what can be read passes.
   */
  outbound?: boolean | OutboundOptions | undefined;
}

/** The object form of {@link ReadFileOptions.outbound}; giving it turns the check on. */
export interface OutboundOptions {
  /** Accept a file that only its owner may read. A file that this process cannot open is refused all the same. Default `false`. */
  allowOwnerOnly?: boolean | undefined;
}

/** Options of a read, with the path. */
export interface ReadOptions extends ReadFileOptions {
  /** The file to read. */
  filePath: PathInput;
}

/** Options of a read whose result has `text` in place of `buffer`. Bytes that are not of the encoding become U+FFFD. */
export type Encoded<Options> = Omit<Options, 'encoding'> & {
  /** The encoding of the file, as `buffer.toString(encoding)` takes it. */
  encoding: BufferEncoding;
};

/** What a read found. All fields describe the one descriptor that was read. */
export interface ReadResult {
  /** The content, in memory of its own: `buffer.buffer` is the file alone, and can be cloned, posted and transferred. */
  buffer: Buffer;
  /** Absolute path of the file without links. */
  realPath: string;
  /**
   * What `fstat` said after opening: an instance of `fs.Stats` with numbers (not bigint). The four dates are made when they are read,
   * and are own properties only then, as those of Node 22 and newer; on Node 20 too.
   */
  stat: Stats;
  /** What kept the call beneath its root. */
  containment: Containment;
}

/** What a read with an encoding found; the other fields are as in {@link ReadResult}. */
export interface ReadTextResult extends Omit<ReadResult, 'buffer'> {
  /** The content, decoded. */
  text: string;
}

/** An open file; the other fields are as in {@link ReadResult}. The caller closes `handle`, or uses `await using`, which does. */
export interface OpenResult extends Omit<ReadResult, 'buffer'>, AsyncDisposable {
  /** A genuine `FileHandle`, opened for reading, on the very file that was checked. */
  handle: FileHandle;
  /** Closes `handle`, unless its user has. */
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * Reads a regular file: opens it once without blocking, decides on the descriptor (`fstat`), reads that descriptor.
 * FIFOs, sockets, devices and directories are refused without consuming a byte. `/dev` (but not `/dev/shm`), `/proc/…/fd` and other
 * device and magic paths are refused by their text, before anything is opened.
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
/** {@link readLocalFileSafely} with an encoding. */
export function readLocalFileSafely(file: PathInput | ReadOptions, options: Encoded<ReadFileOptions>): Promise<ReadTextResult>;
/** {@link readLocalFileSafely} with an encoding. */
export function readLocalFileSafely(file: Encoded<ReadOptions>, options?: Omit<ReadFileOptions, 'encoding'>): Promise<ReadTextResult>;
/** The first overload again: `ReturnType` takes the last one, and arguments of type `any` the first. */
export function readLocalFileSafely(file: PathInput | ReadOptions, options?: ReadFileOptions): Promise<ReadResult>;
/** {@link readLocalFileSafely}, on the calling thread. */
export function readLocalFileSafelySync(file: PathInput | SyncOptions<ReadOptions>, options?: SyncOptions<ReadFileOptions>): ReadResult;
/** {@link readLocalFileSafelySync} with an encoding. */
export function readLocalFileSafelySync(
  file: PathInput | SyncOptions<ReadOptions>,
  options: Encoded<SyncOptions<ReadFileOptions>>,
): ReadTextResult;
/** {@link readLocalFileSafelySync} with an encoding. */
export function readLocalFileSafelySync(
  file: Encoded<SyncOptions<ReadOptions>>,
  options?: Omit<SyncOptions<ReadFileOptions>, 'encoding'>,
): ReadTextResult;
/** The first overload again: `ReturnType` takes the last one, and arguments of type `any` the first. */
export function readLocalFileSafelySync(file: PathInput | SyncOptions<ReadOptions>, options?: SyncOptions<ReadFileOptions>): ReadResult;

/**
 * Opens a file with all the checks of {@link readLocalFileSafely} and leaves reading to the caller: for files that are streamed.
 * `maxBytes` is compared with the size at this moment only. Send the stream with `pipeline`, which closes the file when the client
 * leaves, too: `stream.pipe(response)` leaves it open then.
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
