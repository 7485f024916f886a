/// <reference types="node" />
import type { FileHandle } from 'node:fs/promises';
import type { OutboundOptions } from '../read.js';
import type { FsSafeDirectoryReceipt, FsSafeDirectorySync, FsSafeHash, FsSafeHashOptions, FsSafeOpenRootFileParams, FsSafeOpenRootFileResult, FsSafeRegularFile, FsSafeRegularFileParams, FsSafeWriteJsonOptions } from './files.js';
import type { ensureParentDirSync } from './parent-dir.js';
import type { FsSafeLocalReadParams, FsSafeOpenResult, FsSafeReadResult, FsSafeReadWithinRootParams, FsSafeWriteWithinRootParams } from './read.js';
import type { FsSafeReplaceOptions, FsSafeReplaceResult, FsSafeReplaceSyncOptions, FsSafeWriteTextOptions } from './replace.js';
import type { FsSafeOriginalRoot, FsSafeRoot, FsSafeRootDefaults, FsSafeRootReadOptions, FsSafeRootTakers } from './root.js';

/** What a host's `FsSafeError` is constructed with. `code` is one of that class's own codes. */
export type FsSafeErrorClass = new (code: any, message: string, options?: { cause?: unknown; details?: any }) => Error;

/** What a host's `SafeOpenError` is constructed with. */
export type SafeOpenErrorClass = new (code: any, message: string, options?: { cause?: unknown }) => Error;

/** Options of {@link bindFsSafe}. */
export interface FsSafeBinding<Original = undefined> {
  /** The class that refusals are thrown as, with its codes. */
  FsSafeError: FsSafeErrorClass;
  /**
   * Every read of this binding is for another party, as holdfast's option of that name. A file that may not be sent is refused with
   * holdfast's own `HoldfastError` (`OUTBOUND_MEDIA_PERMS_TOO_RESTRICTIVE`), which callers that translate only their own class pass on.
   * It refuses the agent's own 0600 files too, so that it belongs to a binding for media alone. In a binding that the whole process
   * uses, give `outbound: true` to the reads that send something.
   */
  outbound?: boolean | OutboundOptions | undefined;
  /**
   * The library itself, or some of its functions: called for `denyMutations`, a copy after a refused rename, a `fileSystem` with
   * `renameIdentity`, and other methods of a root. Its locks and `watch` are functions of the binding too, and take its roots.
   */
  original?: Original | undefined;
}

/** What {@link bindFsSafe} returns. */
export interface FsSafe<Original = undefined> {
  readLocalFileSafely(params: FsSafeLocalReadParams): Promise<FsSafeReadResult>;
  openLocalFileSafely(params: Omit<FsSafeLocalReadParams, 'maxBytes'>): Promise<FsSafeOpenResult>;
  readFileWithinRoot(params: FsSafeReadWithinRootParams): Promise<FsSafeReadResult>;
  writeFileWithinRoot(params: FsSafeWriteWithinRootParams): Promise<void>;
  /** `null` when no root has the file, or none may read it. */
  readLocalFileFromRoots(
    params: FsSafeRootReadOptions & { filePath: string; roots: readonly string[]; label?: string | undefined },
  ): Promise<(FsSafeReadResult & { root: string }) | null>;
  replaceFileAtomic(options: FsSafeReplaceOptions): Promise<FsSafeReplaceResult>;
  replaceFileAtomicSync(options: FsSafeReplaceSyncOptions): FsSafeReplaceResult;
  writeTextAtomic(filePath: string, content: string, options?: FsSafeWriteTextOptions): Promise<void>;
  root(rootDir: string, defaults?: FsSafeRootDefaults): Promise<FsSafeRoot & FsSafeOriginalRoot<Original>>;
  /** `false` for a link that leads to nothing. */
  pathExists(filePath: string): Promise<boolean>;
  pathExistsSync(filePath: string): boolean;
  /** The real path, or `null`. `cache` has real paths by path, and gets this one. */
  safeRealpathSync(targetPath: string, cache?: Map<string, string>): string | null;
  /** A missing file is a plain `Error` with code `ENOENT`; a link or anything else that is no regular file is a plain `Error`. */
  readRegularFile(params: FsSafeRegularFileParams): Promise<FsSafeRegularFile>;
  readRegularFileSync(params: FsSafeRegularFileParams): FsSafeRegularFile;
  /** `null` for a file that is missing, cannot be read, or has no JSON. Without the binary it is `helper-unavailable`. */
  tryReadJson<T = unknown>(filePath: string, options?: { maxBytes?: number | undefined }): Promise<T | null>;
  tryReadJsonSync<T = unknown>(filePath: string, options?: { maxBytes?: number | undefined }): T | null;
  /** With two spaces; published like `writeTextAtomic`. */
  writeJson(filePath: string, value: unknown, options?: FsSafeWriteJsonOptions): Promise<void>;
  /** A descriptor of a file beneath a root. Failures are answers, not errors. */
  openRootFile(params: FsSafeOpenRootFileParams): Promise<FsSafeOpenRootFileResult>;
  openRootFileSync(params: FsSafeOpenRootFileParams): FsSafeOpenRootFileResult;
  /** Fills `buffer` from `position`, up to the end of the file; returns how many bytes. */
  readFileWindowFully(handle: FileHandle, buffer: Buffer, position: number, options?: { signal?: AbortSignal | undefined }): Promise<number>;
  readFileWindowFullySync(fd: number, buffer: Buffer, position: number): number;
  /** A handle stays open, and keeps its position. */
  sha256File(input: string | FileHandle, options?: FsSafeHashOptions): Promise<FsSafeHash>;
  /** A descriptor stays open, and keeps its position. */
  sha256FileSync(input: string | number, options?: FsSafeHashOptions): FsSafeHash;
  syncDirectory(directory: string | FsSafeDirectoryReceipt, options?: { label?: string | undefined }): Promise<FsSafeDirectorySync>;
  syncDirectorySync(directory: string | FsSafeDirectoryReceipt, options?: { label?: string | undefined }): FsSafeDirectorySync;
  ensureParentDirSync: typeof ensureParentDirSync;
}

/**
 * The functions of `@openclaw/fs-safe`, with a host's error class.
 *
 * @example
 * const { readLocalFileSafely, replaceFileAtomic, root } = bindFsSafe({ FsSafeError, outbound: true });
 */
export function bindFsSafe<Original = undefined>(options: FsSafeBinding<Original>): FsSafe<Original> & FsSafeRootTakers<Original>;

/** What {@link bindSafeOpen} returns. */
export interface SafeOpen {
  readLocalFileSafely(params: FsSafeLocalReadParams): Promise<FsSafeReadResult>;
  openLocalFileSafely(params: Omit<FsSafeLocalReadParams, 'maxBytes'>): Promise<FsSafeOpenResult>;
  openFileWithinRoot(params: Omit<FsSafeReadWithinRootParams, 'maxBytes'>): Promise<FsSafeOpenResult>;
  /** Without `maxBytes` there is no limit here. */
  readFileWithinRoot(params: FsSafeReadWithinRootParams): Promise<FsSafeReadResult>;
  readPathWithinRoot(params: { rootDir: string; filePath: string; rejectHardlinks?: boolean; maxBytes?: number }): Promise<FsSafeReadResult>;
  createRootScopedReadFile(params: { rootDir: string; rejectHardlinks?: boolean; maxBytes?: number }): (filePath: string) => Promise<Buffer>;
  writeFileWithinRoot(params: FsSafeWriteWithinRootParams): Promise<void>;
  ensureParentDirSync: typeof ensureParentDirSync;
}

/**
 * The functions of the generation before, whose class has seven codes: `invalid-path`, `not-found`, `outside-workspace`, `symlink`,
 * `not-file`, `path-mismatch` and `too-large`.
 */
export function bindSafeOpen(options: { SafeOpenError: SafeOpenErrorClass; outbound?: boolean | OutboundOptions | undefined }): SafeOpen;
