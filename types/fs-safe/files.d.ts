/// <reference types="node" />
import type { Stats } from 'node:fs';
import type { FsSafeSymlinks } from './read.js';

/** The result of `readRegularFile`. */
export interface FsSafeRegularFile {
  /** The content. */
  buffer: Buffer;
  /** Has the fields and methods of `fs.Stats`. */
  stat: Stats;
}

/** Parameters of `readRegularFile`. */
export interface FsSafeRegularFileParams {
  /** The file to read. */
  filePath: string;
  /** Most bytes to accept. Default: no limit. */
  maxBytes?: number | undefined;
}

/** Parameters of `openRootFile`. */
export interface FsSafeOpenRootFileParams {
  /** Absolute path of the file. */
  absolutePath: string;
  /** The directory that the file must lie beneath. */
  rootPath: string;
  /** Name of the root in messages of the library. */
  boundaryLabel: string;
  /** Path of the root without links, if the caller has it. */
  rootRealPath?: string | undefined;
  /** Most bytes to accept. */
  maxBytes?: number | undefined;
  /** Refuse a file with more than one hard link. Default `true`. */
  rejectHardlinks?: boolean | undefined;
  /** Refuse symbolic links. `symlinks` takes precedence. Default `true`. */
  rejectSymlinks?: boolean | undefined;
  /** Which symbolic links to follow. */
  symlinks?: FsSafeSymlinks | undefined;
  /** Kind of file to accept. Default `'file'`. */
  allowedType?: 'file' | 'directory' | undefined;
  /** `true`: accepts a path that lies outside the root by its text and leads into it. Default `false`. */
  skipLexicalRootCheck?: boolean | undefined;
  /** A file system of the host. The original handles the call, unless its functions are those of `node:fs`. */
  ioFs?: unknown;
  /** The original handles a call with this option. */
  aliasPolicy?: { allowFinalSymlinkForUnlink?: boolean | undefined; allowFinalHardlinkForUnlink?: boolean | undefined } | undefined;
}

/** The result of `openRootFile`. */
export type FsSafeOpenRootFileResult =
  | { ok: true; path: string; /** The caller closes it. */ fd: number; stat: Stats; rootRealPath: string }
  | { ok: false; reason: 'path' | 'validation' | 'io'; error?: unknown };

/** Options of `sha256File`. */
export interface FsSafeHashOptions {
  /** Most bytes to accept. Default: no limit. */
  maxBytes?: number | undefined;
  /** Aborts the call. */
  signal?: AbortSignal | undefined;
}

/** The result of `sha256File`. */
export interface FsSafeHash {
  /** Size of the file in bytes. */
  bytes: number;
  /** The digest in hexadecimal digits. */
  digest: string;
}

/** The result of `syncDirectory`. */
export type FsSafeDirectorySync = { status: 'synced' } | { status: 'unsupported'; code?: string };

/** Path and identity of a directory, as the library's functions return them. The directory must still have that identity. */
export interface FsSafeDirectoryReceipt {
  path: string;
  realPath: string;
  identity: { dev: number | bigint; ino: number | bigint };
}

/** Options of `writeJson`. They are those of `writeTextAtomic`. */
export interface FsSafeWriteJsonOptions {
  /** Permission bits of the file. Default `0o600`. */
  mode?: number | undefined;
  /** Permission bits of created parent directories. */
  dirMode?: number | undefined;
  /** End the file with a newline. */
  trailingNewline?: boolean | undefined;
  /** Sync file and directory. Default `true`. */
  durable?: boolean | undefined;
}
