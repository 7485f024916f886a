/// <reference types="node" />
import type { Stats } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import type { OutboundOptions } from '../read.js';

export interface FsSafeReadResult {
  buffer: Buffer;
  /** `'kernel-atomic'` where the kernel itself resolved the path beneath the root. */
  containment: 'kernel-atomic' | 'best-effort';
  realPath: string;
  /** The fields and methods of `fs.Stats`. */
  stat: Stats;
}

export interface FsSafeOpenResult extends Omit<FsSafeReadResult, 'buffer'>, AsyncDisposable {
  handle: FileHandle;
  [Symbol.asyncDispose](): Promise<void>;
}

export type FsSafeSymlinks = 'reject' | 'follow-within-root' | 'follow-parents-within-root';

export interface FsSafeLocalReadParams {
  filePath: string;
  /** Default: no limit. */
  maxBytes?: number | undefined;
  /** The file is for another party: as {@link FsSafeBinding.outbound}, for this read alone. */
  outbound?: boolean | OutboundOptions | undefined;
}

export interface FsSafeReadWithinRootParams {
  rootDir: string;
  relativePath: string;
  /** Default `true`. */
  rejectHardlinks?: boolean | undefined;
  /** No effect: reads never block on opening. */
  nonBlockingRead?: boolean | undefined;
  /** Default `false`. */
  allowSymlinkTargetWithinRoot?: boolean | undefined;
  maxBytes?: number | undefined;
  /** The file is for another party: as {@link FsSafeBinding.outbound}, for this read alone. */
  outbound?: boolean | OutboundOptions | undefined;
}

export interface FsSafeWriteWithinRootParams {
  rootDir: string;
  relativePath: string;
  data: string | Uint8Array;
  encoding?: BufferEncoding | undefined;
  mkdir?: boolean | undefined;
}
