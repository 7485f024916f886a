/// <reference types="node" />

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
