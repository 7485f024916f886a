/// <reference types="node" />
import type { Stats } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import type { OutboundOptions } from '../read.js';

/** The result of a read. */
export interface FsSafeReadResult {
  /** The content. */
  buffer: Buffer;
  /** `'kernel-atomic'` when the kernel resolved the path beneath the root. */
  containment: 'kernel-atomic' | 'best-effort';
  /** Absolute path of the file without links. */
  realPath: string;
  /** Has the fields and methods of `fs.Stats`. */
  stat: Stats;
}

/** An open file. Close `handle`, or use `await using`. */
export interface FsSafeOpenResult extends Omit<FsSafeReadResult, 'buffer'>, AsyncDisposable {
  /** Handle of the file, open for reading. */
  handle: FileHandle;
  /** Closes `handle`, if the caller has not. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** Which symbolic links a call beneath a root follows. */
export type FsSafeSymlinks = 'reject' | 'follow-within-root' | 'follow-parents-within-root';

/** Parameters of `readLocalFileSafely`. */
export interface FsSafeLocalReadParams {
  /** The file to read. */
  filePath: string;
  /** Most bytes to accept. Default: no limit. */
  maxBytes?: number | undefined;
  /** Applies {@link FsSafeBinding.outbound} to this read. */
  outbound?: boolean | OutboundOptions | undefined;
}

/** Parameters of `readFileWithinRoot`. */
export interface FsSafeReadWithinRootParams {
  /** The directory that the file must lie beneath. */
  rootDir: string;
  /** Path of the file, relative to `rootDir`. */
  relativePath: string;
  /** Refuse a file with more than one hard link. Default `true`. */
  rejectHardlinks?: boolean | undefined;
  /** No effect: opening a file never blocks. */
  nonBlockingRead?: boolean | undefined;
  /** Follow a symbolic link whose target lies beneath the root. Default `false`. */
  allowSymlinkTargetWithinRoot?: boolean | undefined;
  /** Most bytes to accept. */
  maxBytes?: number | undefined;
  /** Applies {@link FsSafeBinding.outbound} to this read. */
  outbound?: boolean | OutboundOptions | undefined;
}

/** Parameters of `writeFileWithinRoot`. */
export interface FsSafeWriteWithinRootParams {
  /** The directory that the file must lie beneath. */
  rootDir: string;
  /** Path of the file, relative to `rootDir`. */
  relativePath: string;
  /** The content. */
  data: string | Uint8Array;
  /** Encoding of `data` when it is a string. */
  encoding?: BufferEncoding | undefined;
  /** Create missing parent directories. */
  mkdir?: boolean | undefined;
}
