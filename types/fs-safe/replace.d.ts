/// <reference types="node" />

/** The published file, as `onDestinationState` gets it. */
export interface FsSafeDestinationState {
  /** Always `'published'`. */
  readonly state: 'published';
  /** Path of the file. */
  readonly path: string;
  /** Device of its descriptor. */
  readonly dev: bigint;
  /** Inode of its descriptor. */
  readonly ino: bigint;
}

/** Options of `replaceFileAtomic` and its synchronous twin. docs/fs-safe.md describes each in detail. */
export interface FsSafeReplaceBaseOptions {
  /** The target. A relative path starts at the working directory of the call. */
  filePath: string;
  /** The content. Do not change it until the call ends. */
  content: string | NodeJS.ArrayBufferView;
  /** Permission bits of the file, whatever the umask. Default `0o600`. */
  mode?: number | undefined;
  /** Permission bits of created parents. An existing last parent loses the bits beyond it. Default `0o700`. */
  dirMode?: number | undefined;
  /** Keep mode, owner, group and ACL of an existing file, where the system permits. A final link is refused. */
  preserveExistingMode?: boolean | undefined;
  /** No effect: names of temporaries are random. */
  tempPrefix?: string | undefined;
  /** Most retries when the target is busy (`EBUSY`). */
  renameMaxRetries?: number | undefined;
  /** Delay before the first retry in milliseconds. It doubles with each retry. Default 50. */
  renameRetryBaseDelayMs?: number | undefined;
  /** Write in place when the target cannot be renamed over. For `EPERM` and `EEXIST` of the rename, the original handles the call. */
  copyFallbackOnPermissionError?: boolean | undefined;
  /** No effect: a write in place always has a recovery copy. */
  copyFallbackRestore?: 'restore-original' | 'none' | undefined;
  /** No effect: the recovery copy is a file. */
  maxRestoreBytes?: number | undefined;
  /** `'reject'`: refuse a target with more than one hard link. */
  destinationHardlinks?: 'reject' | undefined;
  /**
   * Compare the target with the written file after the rename; another file fails with `path-mismatch`. `'strict'` compares device and
   * inode. `'verify-content-with-lock'` also accepts equal content, and takes no lock.
   */
  renameIdentity?: 'strict' | 'verify-content-with-lock' | undefined;
  /** Sync the file (`durable: 'file'`). */
  syncTempFile?: boolean | undefined;
  /** Sync the file and its directory (`durable: true`). */
  syncParentDir?: boolean | undefined;
  /** With `beforeRename`: throw when the temporary cannot be removed. */
  throwOnCleanupError?: boolean | undefined;
  /** Called before each change. An exception ends the call. */
  assertBeforeMutation?: (() => void) | undefined;
  /** Called once after the file is published. */
  onDestinationState?: ((state: FsSafeDestinationState) => void) | undefined;
}

/** File system functions that a host injects, to guard or redirect the calls. docs/fs-safe.md lists when each function is called. */
export interface FsSafeFileSystem {
  /** The injected functions. Functions of `node:fs/promises` count as not injected. */
  promises: Pick<typeof import('node:fs/promises'), 'mkdir' | 'lstat' | 'open' | 'writeFile' | 'rename' | 'unlink'>;
}

/** The injected functions of the synchronous twin. Functions of `node:fs` count as not injected. */
export type FsSafeSyncFileSystem = Pick<
  typeof import('node:fs'),
  'mkdirSync' | 'lstatSync' | 'openSync' | 'fstatSync' | 'writeFileSync' | 'fsyncSync' | 'closeSync' | 'renameSync' | 'unlinkSync'
> & {
  /** Required with `mode`, `dirMode` or `preserveExistingMode`. */
  fchmodSync?: typeof import('node:fs').fchmodSync | undefined;
};

/** Options of `replaceFileAtomic`. */
export type FsSafeReplaceOptions = FsSafeReplaceBaseOptions & {
  /** Called with the complete temporary, before the rename. */
  beforeRename?: ((params: { filePath: string; tempPath: string }) => Promise<void>) | undefined;
  /** File system functions of the host. */
  fileSystem?: FsSafeFileSystem | undefined;
};

/** Options of `replaceFileAtomicSync`. */
export type FsSafeReplaceSyncOptions = FsSafeReplaceBaseOptions & {
  /** Called with the complete temporary, before the rename. */
  beforeRename?: ((params: { filePath: string; tempPath: string }) => void) | undefined;
  /** File system functions of the host. */
  fileSystem?: FsSafeSyncFileSystem | undefined;
};

/** The result of `replaceFileAtomic`. */
export interface FsSafeReplaceResult {
  /** `'copy-fallback'`: the file was written in place. */
  method: 'rename' | 'copy-fallback';
}

/** Options of `writeTextAtomic`. */
export interface FsSafeWriteTextOptions {
  /** Permission bits of the file. Default `0o600`. */
  mode?: number | undefined;
  /** As {@link FsSafeReplaceBaseOptions.dirMode}. Default: created parents get the mode of `mkdir`; an existing one is unchanged. */
  dirMode?: number | undefined;
  /** End the file with a newline. */
  trailingNewline?: boolean | undefined;
  /** Sync file and directory. Default `true`. */
  durable?: boolean | undefined;
  /** Called with the complete temporary, before the rename. */
  beforeRename?: ((params: { filePath: string; tempPath: string }) => Promise<void>) | undefined;
  /** No effect: names of temporaries are random. */
  tempPrefix?: string | undefined;
}
