/// <reference types="node" />
import type { Stats } from 'node:fs';
import type { FsSafeSymlinks } from './read.js';

export interface FsSafeRegularFile {
  buffer: Buffer;
  /** The fields and methods of `fs.Stats`. */
  stat: Stats;
}

export interface FsSafeRegularFileParams {
  filePath: string;
  /** Default: no limit. */
  maxBytes?: number | undefined;
}

export interface FsSafeOpenRootFileParams {
  absolutePath: string;
  rootPath: string;
  /** Names the root in sentences of the library. */
  boundaryLabel: string;
  /** The root without links, where it is known. */
  rootRealPath?: string | undefined;
  maxBytes?: number | undefined;
  /** Default `true`. */
  rejectHardlinks?: boolean | undefined;
  /** Default `true`; `symlinks` comes before it. */
  rejectSymlinks?: boolean | undefined;
  symlinks?: FsSafeSymlinks | undefined;
  /** Default `'file'`. */
  allowedType?: 'file' | 'directory' | undefined;
  /** `true`: a path may be spelled outside of the root and lead into it. Default `false`. */
  skipLexicalRootCheck?: boolean | undefined;
  /** A file system of the host: such a call is the original's, unless its functions are those of `node:fs`. */
  ioFs?: unknown;
  /** Such a call is the original's. */
  aliasPolicy?: { allowFinalSymlinkForUnlink?: boolean | undefined; allowFinalHardlinkForUnlink?: boolean | undefined } | undefined;
}

export type FsSafeOpenRootFileResult =
  | { ok: true; path: string; /** To be closed by the caller. */ fd: number; stat: Stats; rootRealPath: string }
  | { ok: false; reason: 'path' | 'validation' | 'io'; error?: unknown };

export interface FsSafeHashOptions {
  /** Default: no limit. */
  maxBytes?: number | undefined;
  signal?: AbortSignal | undefined;
}

export interface FsSafeHash {
  bytes: number;
  /** In hexadecimal digits. */
  digest: string;
}

export type FsSafeDirectorySync = { status: 'synced' } | { status: 'unsupported'; code?: string };

/** What the library's functions say of a directory: it must still be that one. */
export interface FsSafeDirectoryReceipt {
  path: string;
  realPath: string;
  identity: { dev: number | bigint; ino: number | bigint };
}

export interface FsSafeWriteJsonOptions {
  mode?: number | undefined;
  dirMode?: number | undefined;
  trailingNewline?: boolean | undefined;
  durable?: boolean | undefined;
}
