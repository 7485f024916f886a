// Types of the exports of src/. Not part of the public contract.

import type { NativePath } from '../errors/failure.js';

/** An opaque handle of the binary. */
export interface Handle {
  readonly opaque: unique symbol;
}

/** A record and an optional value. */
type Reply<Extra = undefined> = [record: ArrayBuffer, extra: Extra | undefined];

/** The verbs that run on the calling thread. They write their results into the memory that `direct` passes. */
export interface Direct {
  readSync(
    path: NativePath,
    flags: number,
    maxBytes: number,
    allocate: (size: number) => Buffer | undefined,
    root: Handle | undefined,
    rootNumber: number | undefined,
  ): ArrayBuffer | Buffer | undefined;
  readCached(
    path: NativePath,
    flags: number,
    maxBytes: number,
    allocate: (size: number) => Buffer | undefined,
    root: Handle | undefined,
    rootNumber: number | undefined,
    batch: number,
  ): ArrayBuffer | Buffer | Handle | undefined;
  endBatch(): void;
  ensureDirCached(path: NativePath, flags: number, mode: number, unused: undefined, root: Handle | undefined, rootNumber: number | undefined): void;
  ensureDirSync(path: NativePath, flags: number, mode: number, isOptedOut: () => boolean, root: Handle | undefined, rootNumber: number | undefined): void;
  writeTarget(path: NativePath, flags: number, rootPath: NativePath | undefined, root: Handle | undefined, rootNumber: number | undefined): void;
  openCached(path: NativePath, flags: number, maxBytes: number, root: Handle | undefined, rootNumber: number | undefined): Handle | undefined;
  rootOpenCached(path: NativePath): Handle | undefined;
  statCached(path: NativePath, flags: number, root: Handle | undefined, rootNumber: number | undefined): void;
  statSync(path: NativePath, flags: number, root: Handle | undefined, rootNumber: number | undefined): void;
  readlinkSync(path: NativePath, flags: number, root: Handle | undefined, rootNumber: number | undefined): void;
  listSync(path: NativePath, flags: number, maxEntries: number, root: Handle | undefined, rootNumber: number | undefined): Buffer | undefined;
  writeSync(path: NativePath, data: Uint8Array, flags: number, modes: number, root: Handle | undefined, rootNumber: number | undefined): void;
  appendSync(
    path: NativePath,
    records: Uint8Array,
    flags: number,
    modes: number,
    root: Handle | undefined,
    rootNumber: number | undefined,
    limit: number,
    lockDir: NativePath | undefined,
  ): void;
}

export interface Native {
  direct(scratch: Float64Array): Direct;
  absolutePath(path: NativePath, scratch: Float64Array): Buffer | undefined | null;
  readAsync(path: NativePath, flags: number, maxBytes: number, root: Handle | undefined): Promise<Reply<Buffer | Handle>>;
  readFill(pending: Handle, place: Buffer, maxBytes: number): Promise<Reply<Buffer | Handle>>;
  readTake(held: Handle, place: Buffer): void;
  readDrop(pending: Handle): Promise<Reply>;
  readClose(pending: Handle): void;
  openAsync(path: NativePath, flags: number, maxBytes: number, root: Handle | undefined): Promise<Reply<Handle>>;
  ensureDirAsync(path: NativePath, flags: number, mode: number, root: Handle | undefined, created: Uint8Array | undefined): Promise<Reply>;
  writeAsync(
    path: NativePath,
    data: Uint8Array,
    flags: number,
    modes: number,
    root: Handle | undefined,
    cancel: Handle | undefined,
  ): Promise<Reply>;
  writeManyAsync(
    paths: NativePath[],
    data: Uint8Array[],
    flags: number[],
    modes: number[],
    root: Handle | undefined,
    cancel: Handle | undefined,
  ): Promise<Reply<ArrayBuffer[]>>;
  writeTargetAsync(path: NativePath, flags: number, root: Handle | undefined): Promise<Reply>;
  writeCheckedAsync(
    path: NativePath,
    data: Uint8Array,
    flags: number,
    modes: number,
    root: Handle | undefined,
    cancel: Handle | undefined,
    lock: Handle | undefined,
    version: number[],
  ): Promise<Reply>;
  contentHash(content: Uint8Array): number;
  lockOpen(
    path: NativePath,
    flags: number,
    modes: number,
    lockDir: NativePath | undefined,
    holder: Uint8Array,
    root: Handle | undefined,
  ): Promise<Reply<Handle>>;
  lockTry(lock: Handle, holder: Uint8Array): Promise<Reply>;
  lockRelease(lock: Handle): Promise<Reply>;
  lockReleaseSync(lock: Handle, scratch: Float64Array): void;
  appendAsync(
    path: NativePath,
    records: Uint8Array,
    flags: number,
    modes: number,
    root: Handle | undefined,
    limit: number,
    lockDir: NativePath | undefined,
    flag: Handle | undefined,
  ): Promise<Reply<Handle>>;
  appendFlagNew(): Handle;
  appendStop(flag: Handle): boolean;
  appendFlush(unsynced: Handle): Promise<Reply>;
  cancelNew(): Handle;
  cancelRaise(cancel: Handle): void;
  stageBegin(path: NativePath, flags: number, modes: number, root: Handle | undefined): Promise<Reply<Handle>>;
  stageAppend(stage: Handle, data: Uint8Array): Promise<Reply>;
  stageApplyMetadata(stage: Handle): Promise<Reply>;
  stageSync(path: NativePath, data: Uint8Array, flags: number, modes: number, scratch: Float64Array): Handle | undefined | null;
  stageCommitSync(stage: Handle, scratch: Float64Array): void;
  stageAbortSync(stage: Handle): void;
  stageCommit(stage: Handle, cancel: Handle | undefined): Promise<Reply>;
  stageAbort(stage: Handle): Promise<Reply>;
  copySync(
    from: NativePath,
    to: NativePath,
    flags: number,
    maxBytes: number,
    maxEntries: number,
    root: Handle | undefined,
    toRoot: Handle | undefined,
    scratch: Float64Array,
  ): void;
  copyAsync(
    from: NativePath,
    to: NativePath,
    flags: number,
    maxBytes: number,
    maxEntries: number,
    root: Handle | undefined,
    toRoot: Handle | undefined,
    cancel: Handle | undefined,
  ): Promise<Reply>;
  removeSync(path: NativePath, flags: number, maxEntries: number, root: Handle | undefined, scratch: Float64Array): void;
  removeAsync(path: NativePath, flags: number, maxEntries: number, root: Handle | undefined, cancel: Handle | undefined): Promise<Reply>;
  renameSync(from: NativePath, to: NativePath, flags: number, root: Handle | undefined, toRoot: Handle | undefined, scratch: Float64Array): void;
  renameAsync(from: NativePath, to: NativePath, flags: number, root: Handle | undefined, toRoot: Handle | undefined): Promise<Reply>;
  cleanAsync(path: NativePath, olderThanMs: number, flags: number, root: Handle | undefined): Promise<Reply<ArrayBuffer[]>>;
  tempRootCreate(parent: NativePath, prefix: NativePath, isShared: boolean): Promise<Reply<Handle>>;
  tempRootHandle(temporary: Handle): Handle | undefined | null;
  tempRootRemove(temporary: Handle): Promise<Reply>;
  rootOpenSync(path: NativePath, scratch: Float64Array): Handle | undefined | null;
  readProc(path: string): Buffer | undefined;
  rootOpenAsync(path: NativePath, probe: boolean): Promise<Reply<Handle>>;
  statAsync(path: NativePath, flags: number, root: Handle | undefined): Promise<Reply>;
  isSystemDirectory(realPath: string): boolean;
  readlinkAsync(path: NativePath, flags: number, root: Handle | undefined): Promise<Reply>;
  listAsync(path: NativePath, flags: number, maxEntries: number, root: Handle | undefined): Promise<Reply<Buffer>>;
  walkNew(): Handle;
  walkOpen(walk: Handle, path: NativePath, flags: number, maxDepth: number, root: Handle | undefined): Promise<Reply<Buffer>>;
  walkNext(walk: Handle): Promise<Reply<Buffer>>;
  walkStep(walk: Handle, left: number, name: NativePath | undefined): Promise<Reply<Buffer>>;
  walkClose(walk: Handle): Promise<Reply>;
  inspect(path: NativePath, flags: number, scratch: Float64Array): void;
  dryRunEnsureDir(path: NativePath, flags: number, mode: number, scratch: Float64Array): void;
  dryRunWrite(path: NativePath, flags: number, modes: number, scratch: Float64Array): void;
  dryRunRead(path: NativePath, flags: number, maxBytes: number, scratch: Float64Array): void;
  dryRunRemove(path: NativePath, flags: number, root: Handle, scratch: Float64Array): void;
  dryRunRename(from: NativePath, to: NativePath, flags: number, root: Handle, scratch: Float64Array): void;
  dryRunList(path: NativePath, flags: number, root: Handle, scratch: Float64Array): void;
  rootOpenBeneathSync(path: NativePath, flags: number, root: Handle, scratch: Float64Array): Handle | undefined | null;
  rootOpenBeneathAsync(path: NativePath, flags: number, root: Handle): Promise<Reply<Handle>>;
  rootClose(root: Handle): void;
  idleAsync(): Promise<Reply>;
  giveUp(): void;
  features(): number;
  version(): string;
}
