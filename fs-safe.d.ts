/**
 * Drop-in adapters for code that calls `@openclaw/fs-safe`, or the functions of the generation before it: the shapes, defaults
 * and error classes its callers know, and holdfast's verbs beneath. docs/fs-safe.md lists every outcome and every option.
 *
 * A host hands in its own error class, so that its `instanceof` and `err.code` checks keep working. Nothing of the library itself
 * is needed, except for what it alone can do (`original`).
 */
/// <reference types="node" />
import type { Stats } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import type { OutboundOptions } from './index.js';

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
  /** The library itself, or some of its functions: called for `denyMutations`, a copy after a refused rename, a `fileSystem` with `renameIdentity`, and other methods of a root. */
  original?: Original | undefined;
}

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

export interface FsSafeRootReadOptions {
  /** Default `'reject'`. */
  hardlinks?: 'reject' | 'allow' | undefined;
  /** Default 16 MiB. */
  maxBytes?: number | undefined;
  /** No effect: reads never block on opening. */
  nonBlockingRead?: boolean | undefined;
  /** Default `'reject'`. */
  symlinks?: FsSafeSymlinks | undefined;
  /** The file is for another party: as {@link FsSafeBinding.outbound}, for this read alone. */
  outbound?: boolean | OutboundOptions | undefined;
}

export interface FsSafeRootWriteOptions {
  /** Permission bits. Default: those of an existing file, `0o600` for a new one. */
  mode?: number | undefined;
  /** Default `true`. */
  mkdir?: boolean | undefined;
  /** Default `true`: file and directory are synced. */
  durable?: boolean | 'file' | undefined;
  /** Default `true`. */
  overwrite?: boolean | undefined;
  encoding?: BufferEncoding | undefined;
  /** Links among the parents. Default: followed while they stay beneath the root. */
  mutationSymlinks?: 'reject' | 'follow-parents-within-root' | undefined;
  /** Called before anything is made, and right before each change and the publication; what it throws ends the call. */
  assertBeforeMutation?: (() => void) | undefined;
  /** Paths that no change may touch: the original does such a call, if the binding has one, and otherwise it is refused. */
  denyMutations?: { paths?: readonly string[]; prefixes?: readonly string[] } | undefined;
  /** No effect: what is published is known by its descriptor. */
  renameIdentity?: 'strict' | 'verify-content-with-lock' | undefined;
}

export type FsSafeRootCreateOptions = Omit<FsSafeRootWriteOptions, 'overwrite'> & {
  /** For its owner only, missing directories too. */
  private?: boolean | undefined;
  /** No effect: a file always appears whole. */
  atomic?: boolean | undefined;
};

export type FsSafeRootCreateStreamOptions = Omit<FsSafeRootCreateOptions, 'encoding'> & {
  maxBytes?: number | undefined;
  signal?: AbortSignal | undefined;
};

export interface FsSafeJsonOptions {
  replacer?: ((this: any, key: string, value: any) => any) | (number | string)[] | null | undefined;
  space?: string | number | undefined;
  /** Default `true`. */
  trailingNewline?: boolean | undefined;
}

export interface FsSafeRootMkdirOptions
  extends Pick<FsSafeRootWriteOptions, 'assertBeforeMutation' | 'denyMutations' | 'mutationSymlinks'> {
  /** New directories are for their owner only, and one that exists must be. */
  private?: boolean | undefined;
}

export interface FsSafePathStat {
  dev: number;
  gid: number;
  ino: number;
  isDirectory: boolean;
  isFile: boolean;
  isSymbolicLink: boolean;
  mode: number;
  mtimeMs: number;
  nlink: number;
  size: number;
  uid: number;
}

export type FsSafeRootDefaults = Pick<FsSafeRootReadOptions, 'hardlinks' | 'maxBytes' | 'nonBlockingRead' | 'symlinks'> &
  Pick<FsSafeRootWriteOptions, 'assertBeforeMutation' | 'denyMutations' | 'mkdir' | 'mode' | 'mutationSymlinks' | 'renameIdentity'> & {
    /** Default `true`. `'file'` is an option of a call. */
    durable?: boolean | undefined;
  };

/** The defaults of a root as it has them, in the type of the library. */
type KeptDefaults = { readonly [Name in keyof FsSafeRootDefaults]?: Exclude<FsSafeRootDefaults[Name], undefined> };

/** A directory that paths may not leave, pinned by its descriptor. */
export interface FsSafeRoot {
  readonly rootDir: string;
  readonly rootReal: string;
  readonly rootWithSep: string;
  readonly defaults: KeptDefaults;
  read(relativePath: string, options?: FsSafeRootReadOptions): Promise<FsSafeReadResult>;
  readAbsolute(filePath: string, options?: FsSafeRootReadOptions): Promise<FsSafeReadResult>;
  readBytes(relativePath: string, options?: FsSafeRootReadOptions): Promise<Buffer>;
  readText(relativePath: string, options?: FsSafeRootReadOptions & { encoding?: BufferEncoding }): Promise<string>;
  readJson<T = unknown>(relativePath: string, options?: FsSafeRootReadOptions & { encoding?: BufferEncoding }): Promise<T>;
  reader(options?: FsSafeRootReadOptions): (filePath: string) => Promise<Buffer>;
  open(relativePath: string, options?: Omit<FsSafeRootReadOptions, 'maxBytes'>): Promise<FsSafeOpenResult>;
  write(relativePath: string, data: string | Uint8Array, options?: FsSafeRootWriteOptions): Promise<void>;
  create(relativePath: string, data: string | Uint8Array, options?: FsSafeRootCreateOptions): Promise<void>;
  create(relativePath: string, data: AsyncIterable<Uint8Array>, options?: FsSafeRootCreateStreamOptions): Promise<void>;
  writeJson(relativePath: string, data: unknown, options?: FsSafeRootWriteOptions & FsSafeJsonOptions): Promise<void>;
  createJson(relativePath: string, data: unknown, options?: FsSafeRootCreateOptions & FsSafeJsonOptions): Promise<void>;
  mkdir(relativePath: string, options?: FsSafeRootMkdirOptions): Promise<void>;
  ensureRoot(options?: FsSafeRootMkdirOptions): Promise<void>;
  exists(relativePath: string): Promise<boolean>;
  stat(relativePath: string): Promise<FsSafePathStat>;
}

/** The other methods of the original's root, which ours hands on; without an original they are `helper-unavailable`. */
export type FsSafeOriginalRoot<Original> = Original extends { root: (...args: any[]) => Promise<infer Handle> }
  ? Omit<Handle, keyof FsSafeRoot>
  : unknown;

export interface FsSafeDestinationState {
  readonly state: 'published';
  readonly path: string;
  readonly dev: bigint;
  readonly ino: bigint;
}

/** Each option is explained in docs/fs-safe.md. */
export interface FsSafeReplaceBaseOptions {
  filePath: string;
  content: string | NodeJS.ArrayBufferView;
  /** Default `0o600`. */
  mode?: number | undefined;
  /** New parents get it; the last one, where it exists, loses what goes beyond it. Default `0o700`. */
  dirMode?: number | undefined;
  preserveExistingMode?: boolean | undefined;
  tempPrefix?: string | undefined;
  renameMaxRetries?: number | undefined;
  renameRetryBaseDelayMs?: number | undefined;
  copyFallbackOnPermissionError?: boolean | undefined;
  copyFallbackRestore?: 'restore-original' | 'none' | undefined;
  maxRestoreBytes?: number | undefined;
  destinationHardlinks?: 'reject' | undefined;
  renameIdentity?: 'strict' | 'verify-content-with-lock' | undefined;
  syncTempFile?: boolean | undefined;
  syncParentDir?: boolean | undefined;
  throwOnCleanupError?: boolean | undefined;
  assertBeforeMutation?: (() => void) | undefined;
  onDestinationState?: ((state: FsSafeDestinationState) => void) | undefined;
}

/** A file system that a host injects: its guards, or its view of the file. docs/fs-safe.md says when each function is called. */
export interface FsSafeFileSystem {
  /** Without it, or with functions of `node:fs/promises` alone, nothing is injected. */
  promises: Pick<typeof import('node:fs/promises'), 'mkdir' | 'lstat' | 'open' | 'writeFile' | 'rename' | 'unlink'>;
}

/** The same for the synchronous twin. With functions of `node:fs` alone, nothing is injected. */
export type FsSafeSyncFileSystem = Pick<
  typeof import('node:fs'),
  'mkdirSync' | 'lstatSync' | 'openSync' | 'fstatSync' | 'writeFileSync' | 'fsyncSync' | 'closeSync' | 'renameSync' | 'unlinkSync'
> & {
  /** Required with `mode`, `dirMode` or `preserveExistingMode`. */
  fchmodSync?: typeof import('node:fs').fchmodSync | undefined;
};

export type FsSafeReplaceOptions = FsSafeReplaceBaseOptions & {
  beforeRename?: ((params: { filePath: string; tempPath: string }) => Promise<void>) | undefined;
  fileSystem?: FsSafeFileSystem | undefined;
};

export type FsSafeReplaceSyncOptions = FsSafeReplaceBaseOptions & {
  beforeRename?: ((params: { filePath: string; tempPath: string }) => void) | undefined;
  fileSystem?: FsSafeSyncFileSystem | undefined;
};

export interface FsSafeReplaceResult {
  method: 'rename' | 'copy-fallback';
}

export interface FsSafeWriteTextOptions {
  /** Default `0o600`. */
  mode?: number | undefined;
  /** As of {@link FsSafeReplaceBaseOptions}. Default: new parents as `mkdir` makes them, an existing one as it is. */
  dirMode?: number | undefined;
  trailingNewline?: boolean | undefined;
  /** Default `true`. */
  durable?: boolean | undefined;
  beforeRename?: ((params: { filePath: string; tempPath: string }) => Promise<void>) | undefined;
  tempPrefix?: string | undefined;
}

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
export function bindFsSafe<Original = undefined>(options: FsSafeBinding<Original>): FsSafe<Original>;


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

/** Options of {@link ensureParentDirSync}. */
export interface EnsureParentDirOptions {
  /** Beneath it no component may be a symbolic link; it may itself be reached through one. It is made if it is missing. */
  trustedRoot: string;
  /** A file elsewhere is no error: only its directory may not be a link then. Default `false`. */
  allowOutsideRoot?: boolean | undefined;
  /** Begins the sentences that callers match. Default `'Path'`. */
  messagePrefix?: string | undefined;
  /** `'current'`: `<prefix> must not traverse symlinked directory: <path>`; `'legacy'`: `<prefix>: <path>`. Default `'current'`. */
  style?: 'current' | 'legacy' | undefined;
}

/**
 * Makes the directory of a file private by the rules of `ensureDir`, and returns it as `path.dirname` spells it. Where the system
 * refuses the hardening, as on a Kubernetes volume with `fsGroup`, the call succeeds and a process warning says so.
 *
 * @throws {Error} a plain one for a symbolic link, and for a file outside the root; `EEXIST` or `ENOTDIR` where something is no directory.
 */
export function ensureParentDirSync(filePath: string, options: EnsureParentDirOptions): string;
