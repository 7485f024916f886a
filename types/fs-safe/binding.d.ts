/// <reference types="node" />
import type { FileHandle } from 'node:fs/promises';
import type { OutboundOptions } from '../read.js';
import type { FsSafeDirectoryReceipt, FsSafeDirectorySync, FsSafeHash, FsSafeHashOptions, FsSafeOpenRootFileParams, FsSafeOpenRootFileResult, FsSafeRegularFile, FsSafeRegularFileParams, FsSafeWriteJsonOptions } from './files.js';
import type { ensureParentDirSync } from './parent-dir.js';
import type { FsSafeLocalReadParams, FsSafeOpenResult, FsSafeReadResult, FsSafeReadWithinRootParams, FsSafeWriteWithinRootParams } from './read.js';
import type { FsSafeReplaceOptions, FsSafeReplaceResult, FsSafeReplaceSyncOptions, FsSafeWriteTextOptions } from './replace.js';
import type { FsSafeOriginalRoot, FsSafeRoot, FsSafeRootDefaults, FsSafeRootReadOptions, FsSafeRootTakers } from './root.js';

/** The constructor of a host's `FsSafeError`. `code` is one of the codes of that class. */
export type FsSafeErrorClass = new (code: any, message: string, options?: { cause?: unknown; details?: any }) => Error;

/** The constructor of a host's `SafeOpenError`. */
export type SafeOpenErrorClass = new (code: any, message: string, options?: { cause?: unknown }) => Error;

/** Options of {@link bindFsSafe}. */
export interface FsSafeBinding<Original = undefined> {
  /** The class of the thrown errors. They have its codes. */
  FsSafeError: FsSafeErrorClass;
  /**
   * Applies the `outbound` check of holdfast to every read of this binding. A file that may not be sent fails with a `HoldfastError`
   * (`OUTBOUND_MEDIA_PERMS_TOO_RESTRICTIVE`). Callers that translate only their own class rethrow it.
   *
   * The check also refuses the agent's own 0600 files. Use it only for a binding that reads media. In a binding for the whole process,
   * pass `outbound: true` to the reads whose content is sent.
   */
  outbound?: boolean | OutboundOptions | undefined;
  /**
   * The library itself, or some of its functions. The binding calls it for features that holdfast does not implement: `denyMutations`, a
   * copy after a refused rename, a `fileSystem` with `renameIdentity`, and some methods of a root. The binding also has its lock
   * functions and `watch`, which then accept roots of the binding.
   */
  original?: Original | undefined;
}

/** The functions that {@link bindFsSafe} returns. Each has the shape, defaults and errors of the library's function of that name. */
export interface FsSafe<Original = undefined> {
  /** Reads a local file. */
  readLocalFileSafely(params: FsSafeLocalReadParams): Promise<FsSafeReadResult>;
  /** Opens a local file for reading. */
  openLocalFileSafely(params: Omit<FsSafeLocalReadParams, 'maxBytes'>): Promise<FsSafeOpenResult>;
  /** Reads a file beneath a directory. */
  readFileWithinRoot(params: FsSafeReadWithinRootParams): Promise<FsSafeReadResult>;
  /** Writes a file beneath a directory. */
  writeFileWithinRoot(params: FsSafeWriteWithinRootParams): Promise<void>;
  /** Reads a file from the first root that has it. Returns `null` when no root has a file that this process may read. */
  readLocalFileFromRoots(
    params: FsSafeRootReadOptions & { filePath: string; roots: readonly string[]; label?: string | undefined },
  ): Promise<(FsSafeReadResult & { root: string }) | null>;
  /** Replaces a file atomically. */
  replaceFileAtomic(options: FsSafeReplaceOptions): Promise<FsSafeReplaceResult>;
  /** Does the same as `replaceFileAtomic` on the calling thread. */
  replaceFileAtomicSync(options: FsSafeReplaceSyncOptions): FsSafeReplaceResult;
  /** Writes text to a file atomically. */
  writeTextAtomic(filePath: string, content: string, options?: FsSafeWriteTextOptions): Promise<void>;
  /** Opens a directory as a root. */
  root(rootDir: string, defaults?: FsSafeRootDefaults): Promise<FsSafeRoot & FsSafeOriginalRoot<Original>>;
  /** Returns whether a path exists. `false` for a dangling link. */
  pathExists(filePath: string): Promise<boolean>;
  /** Does the same as `pathExists` on the calling thread. */
  pathExistsSync(filePath: string): boolean;
  /** Returns the real path, or `null`. Reads `cache`, which maps paths to real paths, and adds the result to it. */
  safeRealpathSync(targetPath: string, cache?: Map<string, string>): string | null;
  /**
   * Reads a regular file. A missing file fails with a plain `Error` with code `ENOENT`; a link, or another kind of file, with a plain
   * `Error`.
   */
  readRegularFile(params: FsSafeRegularFileParams): Promise<FsSafeRegularFile>;
  /** Does the same as `readRegularFile` on the calling thread. */
  readRegularFileSync(params: FsSafeRegularFileParams): FsSafeRegularFile;
  /**
   * Reads a JSON file. Returns `null` when the file is missing, cannot be read, or is not JSON. Fails with `helper-unavailable` when the
   * native binary is missing.
   */
  tryReadJson<T = unknown>(filePath: string, options?: { maxBytes?: number | undefined }): Promise<T | null>;
  /** Does the same as `tryReadJson` on the calling thread. */
  tryReadJsonSync<T = unknown>(filePath: string, options?: { maxBytes?: number | undefined }): T | null;
  /** Writes a value as JSON with an indent of two spaces, in the same way as `writeTextAtomic`. */
  writeJson(filePath: string, value: unknown, options?: FsSafeWriteJsonOptions): Promise<void>;
  /** Opens a file beneath a root and returns its descriptor. Reports a failure in the result (`ok: false`) instead of throwing. */
  openRootFile(params: FsSafeOpenRootFileParams): Promise<FsSafeOpenRootFileResult>;
  /** Does the same as `openRootFile` on the calling thread. */
  openRootFileSync(params: FsSafeOpenRootFileParams): FsSafeOpenRootFileResult;
  /** Fills `buffer` from `position` to the end of the file. Returns the number of bytes read. */
  readFileWindowFully(handle: FileHandle, buffer: Buffer, position: number, options?: { signal?: AbortSignal | undefined }): Promise<number>;
  /** Does the same as `readFileWindowFully` for a descriptor, on the calling thread. */
  readFileWindowFullySync(fd: number, buffer: Buffer, position: number): number;
  /** Computes the SHA-256 digest of a file. A handle stays open and keeps its position. */
  sha256File(input: string | FileHandle, options?: FsSafeHashOptions): Promise<FsSafeHash>;
  /** Computes the SHA-256 digest of a file, on the calling thread. A descriptor stays open and keeps its position. */
  sha256FileSync(input: string | number, options?: FsSafeHashOptions): FsSafeHash;
  /** Syncs a directory. */
  syncDirectory(directory: string | FsSafeDirectoryReceipt, options?: { label?: string | undefined }): Promise<FsSafeDirectorySync>;
  /** Does the same as `syncDirectory` on the calling thread. */
  syncDirectorySync(directory: string | FsSafeDirectoryReceipt, options?: { label?: string | undefined }): FsSafeDirectorySync;
  /** See {@link ensureParentDirSync}. */
  ensureParentDirSync: typeof ensureParentDirSync;
}

/**
 * Returns the functions of `@openclaw/fs-safe` for a host's error class.
 *
 * @returns The functions, which throw errors of that class.
 *
 * @example
 * const { readLocalFileSafely, replaceFileAtomic, root } = bindFsSafe({ FsSafeError, outbound: true });
 */
export function bindFsSafe<Original = undefined>(options: FsSafeBinding<Original>): FsSafe<Original> & FsSafeRootTakers<Original>;

/** The functions that {@link bindSafeOpen} returns. */
export interface SafeOpen {
  /** Reads a local file. */
  readLocalFileSafely(params: FsSafeLocalReadParams): Promise<FsSafeReadResult>;
  /** Opens a local file for reading. */
  openLocalFileSafely(params: Omit<FsSafeLocalReadParams, 'maxBytes'>): Promise<FsSafeOpenResult>;
  /** Opens a file beneath a directory for reading. */
  openFileWithinRoot(params: Omit<FsSafeReadWithinRootParams, 'maxBytes'>): Promise<FsSafeOpenResult>;
  /** Reads a file beneath a directory. Here the default of `maxBytes` is no limit. */
  readFileWithinRoot(params: FsSafeReadWithinRootParams): Promise<FsSafeReadResult>;
  /** Reads a file by a path that lies beneath a directory. */
  readPathWithinRoot(params: { rootDir: string; filePath: string; rejectHardlinks?: boolean; maxBytes?: number }): Promise<FsSafeReadResult>;
  /** Returns a function that reads files beneath a directory. */
  createRootScopedReadFile(params: { rootDir: string; rejectHardlinks?: boolean; maxBytes?: number }): (filePath: string) => Promise<Buffer>;
  /** Writes a file beneath a directory. */
  writeFileWithinRoot(params: FsSafeWriteWithinRootParams): Promise<void>;
  /** See {@link ensureParentDirSync}. */
  ensureParentDirSync: typeof ensureParentDirSync;
}

/**
 * Returns the functions of the predecessor of `@openclaw/fs-safe` for a host's error class. That class has seven codes: `invalid-path`,
 * `not-found`, `outside-workspace`, `symlink`, `not-file`, `path-mismatch` and `too-large`.
 *
 * @returns The functions, which throw errors of that class.
 *
 * @example
 * class SafeOpenError extends Error {
 *   readonly code: string;
 *   constructor(code: string, message: string, options?: ErrorOptions) {
 *     super(message, options);
 *     this.code = code;
 *   }
 * }
 * const { readFileWithinRoot } = bindSafeOpen({ SafeOpenError });
 * const { buffer } = await readFileWithinRoot({ rootDir: 'workspace', relativePath: 'notes.md' });
 */
export function bindSafeOpen(options: { SafeOpenError: SafeOpenErrorClass; outbound?: boolean | OutboundOptions | undefined }): SafeOpen;
