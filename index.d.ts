/**
 * holdfast: make a directory private, publish a file atomically, read a local file safely.
 *
 * - Paths in results are absolute and real (but for {@link EnsureDirResult.firstCreated}); beneath a root they begin with its path when it was opened.
 *   Paths in errors are as the caller gave them. Both are strings, with U+FFFD for what is not UTF-8.
 * - Sizes are bytes, modes are numbers (`0o600`), times are milliseconds.
 * - Promise functions reject and never throw synchronously; `…Sync` twins have the same options, results and errors. Promise
 *   functions work in libuv's pool; reads and `ensureDir` do so on the calling thread where the kernel answers from memory.
 * - Importing loads no binary and never throws. The first call loads it, or fails with `native-unavailable`.
 *
 * A call fails with one of three kinds of error:
 * 1. `HoldfastError`: a refusal, or an outcome with a code of its own (errors.d.ts documents each code);
 * 2. any other failure of the system (`EACCES`, `ENOSPC`…): the error `node:fs` would throw, with `code`, negative `errno`, `syscall`,
 *    `path`, and `dest` for a rename, and their unprintable characters escaped in the message;
 * 3. a wrong argument: `TypeError` (`ERR_INVALID_ARG_TYPE`, `ERR_INVALID_ARG_VALUE`) or `RangeError` (`ERR_OUT_OF_RANGE`), before any I/O.
 *
 * Environment variables:
 * - `HOLDFAST_NATIVE_PATH`: path of the native binary, for bundlers and single executables; a relative one starts at the working
 *   directory of the first call;
 * - `HOLDFAST_SKIP_DIR_HARDENING=1` or `OPENCLAW_SKIP_STATE_DIR_HARDEN=1`: `existing: 'tighten'` leaves modes alone.
 */
/// <reference types="node" />
import type { Stats } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import type { WriteBytes, WriteData, WriteEntry, WriteOptions, WriteResult } from './write.js';

export * from './errors.js';
export * from './stage.js';
export * from './write.js';

/** A path: a string as it stands (never parsed as a URL), a `Buffer` byte for byte, or a `file:` URL object without a host. */
export type PathInput = string | Buffer | URL;

/**
 * What a symbolic link on the way may do. It governs the directories on the way, and the final component of a read or of a
 * directory; the final component of a write is governed by {@link WriteOptions.finalSymlink}.
 *
 * - `'reject'`: no component may be a link (with a root: no component beneath it). Default with a root. `.` and `..` are
 *   resolved in the text.
 * - `'follow-parents'`: the final component may not be a link; the directories on the way are the kernel's affair. Default
 *   without a root. With a root, they are followed while they stay beneath it. Here and below `..` has the kernel's meaning:
 *   `a/../x` needs a directory `a`.
 * - `'follow-within-root'`: links are followed while every hop stays beneath the root; a link with an absolute target is
 *   refused. Needs a root, otherwise `ERR_INVALID_ARG_VALUE`.
 * - `'follow-trusted'`: a link is followed only if root or the effective user owns both the link and the directory it lies in,
 *   and nobody else may write that directory.
 *
 * On Linux the kernel's own policy holds with each of them: a link on a `nosymfollow` mount fails with `symlink`, and a final link
 * that `fs.protected_symlinks` protects fails with EACCES, as from `node:fs`.
 */
export type SymlinkPolicy = 'reject' | 'follow-parents' | 'follow-within-root' | 'follow-trusted';

/**
 * What kept the call beneath its root: `'kernel'` (Linux `openat2`, since 5.6), `'walk'` (one descriptor per component, where
 * `openat2` is missing, and with `'follow-trusted'`, which the kernel cannot judge), or `'none'`: no root was asked for.
 */
export type Containment = 'kernel' | 'walk' | 'none';

/**
 * Options of every verb. An options object is read once, during the call. Its options are its own properties and those of its
 * classes, but not those of `Object.prototype`; `undefined` is not given. A name that the call does not know is
 * `ERR_INVALID_ARG_VALUE` where `for…in` finds it, and the error names the nearest option.
 */
export interface CommonOptions {
  /**
   * Directory that the call may not leave; the same as {@link openRoot}, the verb, and `close()`. A relative path is then
   * beneath it; an absolute one must lie beneath it, as the root was given or as it really is. Default: none.
   */
  root?: PathInput | undefined;
  /** Default: `'reject'` with a root, `'follow-parents'` without. */
  symlinks?: SymlinkPolicy | undefined;
  /**
   * Promise functions only. When it aborts, the promise rejects at once with `signal.reason`. What the pool has begun ends unseen:
   * a read closes its descriptor, a write that is not published removes its temporary, one that is published stays.
   * Directories that were made stay. One listener serves all calls that share a signal.
   */
  signal?: AbortSignal | undefined;
}

/** The options of a `…Sync` twin: those of the verb without `signal`, which is `ERR_INVALID_ARG_VALUE` there. */
export type SyncOptions<Options> = Omit<Options, 'signal'> & { signal?: undefined };

/** The options of a method of a {@link Root}: those of the verb without `root`. */
export type WithinRoot<Options> = Omit<Options, 'root'>;

/** Mode of a file that other users may read: what {@link writeAtomic} gives a new file by default. */
export const MEDIA_FILE_MODE = 0o644;
/** Mode of a file for its owner alone. */
export const PRIVATE_FILE_MODE = 0o600;
/** Mode of a directory for its owner alone: the default of {@link ensureDir}. */
export const PRIVATE_DIR_MODE = 0o700;

/**
 * Options of `fs.readFile` that a read refuses (`ERR_INVALID_ARG_VALUE`, with what to use instead), unless they ask for what it does
 * anyway.
 */
export interface ForeignReadOptions {
  /** A read opens the file for reading only. */
  flag?: 'r' | undefined;
  /** `'buffer'` and `null` ask for the Buffer that a read returns by default; {@link Encoded} options ask for text. */
  encoding?: 'buffer' | null | undefined;
}

/** Options of `fs.mkdir` that {@link ensureDir} refuses (`ERR_INVALID_ARG_VALUE`), unless they ask for what it does anyway. */
export interface ForeignEnsureDirOptions {
  /** Missing parents are always made. */
  recursive?: true | undefined;
}

/** Options of a read, without the path. */
export interface ReadFileOptions extends CommonOptions, ForeignReadOptions {
  /**
   * Most bytes to accept: an integer ≥ 0, or `Infinity`. Compared with the size before anything is allocated, and again while
   * reading, so that a file that grows is refused too (`too-large`). Default: unlimited without a root, 16 MiB (16,777,216) with one.
   */
  maxBytes?: number | undefined;
  /** `'reject'` refuses a file that has more than one name (`hardlink`). Default: `'allow'` without a root, `'reject'` with one. */
  hardlinks?: 'allow' | 'reject' | undefined;
  /** `'allow'` reads regular files of procfs, sysfs, debugfs and the like. Magic links and devices stay refused. Default `'reject'`. */
  pseudoFiles?: 'reject' | 'allow' | undefined;
  /**
   * The content is to be handed to another party: require that group and others may read the file
   * (`(mode & 0o044) === 0o044`), otherwise `OUTBOUND_MEDIA_PERMS_TOO_RESTRICTIVE`. Default `false`. On Windows modes say nothing: what can be read passes.
   */
  outbound?: boolean | OutboundOptions | undefined;
}

/** The object form of {@link ReadFileOptions.outbound}; giving it turns the check on. */
export interface OutboundOptions {
  /** Accept a file that only its owner may read. A file that this process cannot open is refused all the same. Default `false`. */
  allowOwnerOnly?: boolean | undefined;
}

/** Options of a read, with the path. */
export interface ReadOptions extends ReadFileOptions {
  /** The file to read. */
  filePath: PathInput;
}

/** Options of a read whose result has `text` in place of `buffer`. Bytes that are not of the encoding become U+FFFD. */
export type Encoded<Options> = Omit<Options, 'encoding'> & {
  /** The encoding of the file, as `buffer.toString(encoding)` takes it. */
  encoding: BufferEncoding;
};

/** What a read found. All fields describe the one descriptor that was read. */
export interface ReadResult {
  /** The content, in memory of its own: `buffer.buffer` is the file alone, and can be cloned, posted and transferred. */
  buffer: Buffer;
  /** Absolute path of the file without links. */
  realPath: string;
  /**
   * What `fstat` said after opening: an instance of `fs.Stats` with numbers (not bigint). The four dates are made when they are read,
   * and are own properties only then, as those of Node 22 and newer; on Node 20 too.
   */
  stat: Stats;
  /** What kept the call beneath its root. */
  containment: Containment;
}

/** What a read with an encoding found; the other fields are as in {@link ReadResult}. */
export interface ReadTextResult extends Omit<ReadResult, 'buffer'> {
  /** The content, decoded. */
  text: string;
}

/** An open file; the other fields are as in {@link ReadResult}. The caller closes `handle`, or uses `await using`, which does. */
export interface OpenResult extends Omit<ReadResult, 'buffer'>, AsyncDisposable {
  /** A genuine `FileHandle`, opened for reading, on the very file that was checked. */
  handle: FileHandle;
  /** Closes `handle`, unless its user has. */
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * Reads a regular file: opens it once without blocking, decides on the descriptor (`fstat`), reads that descriptor.
 * FIFOs, sockets, devices and directories are refused without consuming a byte. `/dev` (but not `/dev/shm`), `/proc/…/fd` and other
 * device and magic paths are refused by their text, before anything is opened.
 *
 * @example
 * const { buffer, stat } = await readLocalFileSafely({ filePath: 'media/clip.mp4', outbound: true, maxBytes: 16 * 1024 * 1024 });
 *
 * @example
 * const { text } = await readLocalFileSafely('media/clip.mp4', { encoding: 'utf8' });
 *
 * @throws {HoldfastError} `not-found`, `symlink`, `not-file`, `not-directory`, `device-path`, `hardlink`, `too-large`,
 * `OUTBOUND_MEDIA_PERMS_TOO_RESTRICTIVE`, `invalid-path`; with a root also `outside-workspace`, `path-mismatch`.
 */
export function readLocalFileSafely(file: PathInput | ReadOptions, options?: ReadFileOptions): Promise<ReadResult>;
/** {@link readLocalFileSafely} with an encoding. */
export function readLocalFileSafely(file: PathInput | ReadOptions, options: Encoded<ReadFileOptions>): Promise<ReadTextResult>;
/** {@link readLocalFileSafely} with an encoding. */
export function readLocalFileSafely(file: Encoded<ReadOptions>, options?: Omit<ReadFileOptions, 'encoding'>): Promise<ReadTextResult>;
/** The first overload again: `ReturnType` takes the last one, and arguments of type `any` the first. */
export function readLocalFileSafely(file: PathInput | ReadOptions, options?: ReadFileOptions): Promise<ReadResult>;
/** {@link readLocalFileSafely}, on the calling thread. */
export function readLocalFileSafelySync(file: PathInput | SyncOptions<ReadOptions>, options?: SyncOptions<ReadFileOptions>): ReadResult;
/** {@link readLocalFileSafelySync} with an encoding. */
export function readLocalFileSafelySync(
  file: PathInput | SyncOptions<ReadOptions>,
  options: Encoded<SyncOptions<ReadFileOptions>>,
): ReadTextResult;
/** {@link readLocalFileSafelySync} with an encoding. */
export function readLocalFileSafelySync(
  file: Encoded<SyncOptions<ReadOptions>>,
  options?: Omit<SyncOptions<ReadFileOptions>, 'encoding'>,
): ReadTextResult;
/** The first overload again: `ReturnType` takes the last one, and arguments of type `any` the first. */
export function readLocalFileSafelySync(file: PathInput | SyncOptions<ReadOptions>, options?: SyncOptions<ReadFileOptions>): ReadResult;

/**
 * Opens a file with all the checks of {@link readLocalFileSafely} and leaves reading to the caller: for files that are streamed.
 * `maxBytes` is compared with the size at this moment only.
 *
 * @example
 * import { pipeline } from 'node:stream/promises';
 *
 * await using file = await openLocalFileSafely('media/clip.mp4', { outbound: true });
 * await pipeline(file.handle.createReadStream(), response); // awaited: the end of the block closes the file
 *
 * @throws {HoldfastError} As {@link readLocalFileSafely}; `unsupported-platform` where descriptors cannot be reopened (no procfs at `/proc`).
 */
export function openLocalFileSafely(file: PathInput | ReadOptions, options?: ReadFileOptions): Promise<OpenResult>;

/** Options of {@link ensureDir}. */
export interface EnsureDirOptions extends CommonOptions, ForeignEnsureDirOptions {
  /**
   * Permission bits (0–`0o777`) of every directory this call creates, exactly, whatever the umask; a setgid bit that is inherited
   * stays. Where the group has a bit that others do not have, a new directory has no access ACL of its parent's default; its own
   * default ACL is inherited. For an existing directory: the bits that may remain. Default `0o700`.
   */
  mode?: number | undefined;
  /**
   * What happens to a directory that exists already. Default `'tighten'`.
   * - `'tighten'`: remove the permission bits that `mode` does not have, never add one, keep setgid and sticky. When the system
   *   refuses (`EPERM`, `EACCES`, `EROFS`, `ENOSYS`, `ENOTSUP`) the call still succeeds: see `hardening`, `reason`, `isPrivate`.
   * - `'require'`: the same, then fail with `insecure-permissions` when a bit beyond `mode` is left, or `not-owned` when neither the
   *   effective user nor root owns it. It demands nothing beyond `mode`. The environment does not weaken it.
   * - `'leave'`: change nothing, as `mkdir -p`.
   */
  existing?: 'tighten' | 'require' | 'leave' | undefined;
}

/**
 * How the directory's mode was settled.
 * - `'created'`: this call made it;
 * - `'not-needed'`: it existed and had nothing to remove, so no chmod was called;
 * - `'tightened'`: bits were removed, and reading back shows it;
 * - `'tolerated'`: the system refused, or the chmod had no effect; `reason` says which;
 * - `'left'`: not touched: `existing: 'leave'`, or for the `reason` given.
 */
export type Hardening = 'created' | 'not-needed' | 'tightened' | 'tolerated' | 'left';

/**
 * Why a directory is not as `mode` wanted it.
 * - `EPERM`, `EACCES`, `EROFS`, `ENOSYS`, `ENOTSUP`: what chmod answered; `EACCES` also for a new directory that its owner may not read;
 * - `'no-effect'`: chmod reported success, and the mode did not change (vfat and the like);
 * - `'owner'`: private by its bits, but owned by another user; or owned by an id that its mount does not map (`EOVERFLOW`);
 * - `'acl'`: it has named ACL entries, which chmod would silently disable, or an ACL that cannot be read and may have some;
 * - `'system'`: `/`, a directory of the Filesystem Hierarchy Standard (`/etc`, `/home`, `/opt`, `/srv`, `/tmp`, `/usr`, `/var`…), any
 *   directly beneath `/usr` or `/var`, or their like on macOS and Windows; by the real path, or the same directory in a bind mount;
 * - `'shared'`: sticky and writable by others; or, for root, setgid for another group;
 * - `'opt-out'`: switched off by the environment.
 */
export type HardeningReason =
  'EPERM' | 'EACCES' | 'EROFS' | 'ENOSYS' | 'ENOTSUP' | 'no-effect' | 'owner' | 'acl' | 'shared' | 'system' | 'opt-out';

/** The directory as it is at the end of the call. */
export interface EnsureDirResult {
  /** Absolute path of the directory without links. */
  path: string;
  /**
   * The first directory that had to be created, as `fs.mkdir` with `recursive` returns it: a part of `dir` as it was given, relative
   * where that was, with links and `..` as they were. `undefined` when none had to.
   */
  firstCreated: string | undefined;
  /** Mode bits read back (`0o7777`: with setuid, setgid and sticky). */
  mode: number;
  /** Read back: no group or other access, no ACL grant, and owned by the effective user or root; on Windows, by owner and ACL alone. */
  isPrivate: boolean;
  /** How its mode was settled. */
  hardening: Hardening;
  /**
   * With `'tolerated'`; with `'left'` unless `existing: 'leave'` asked for it; with `'tightened'` where another user owns it
   * (`'owner'`); with `'created'` where the file system stores no modes, or the system refuses the bits that the umask took.
   */
  reason?: HardeningReason;
  /** What kept the call beneath its root. */
  containment: Containment;
}

/**
 * Makes a directory and its missing parents, and settles the permissions of the last one. Callers racing for one path all succeed.
 * When privacy was wanted and not reached, one process warning per directory says so (`type: 'HoldfastWarning'`,
 * `code: 'HOLDFAST_DIR_NOT_PRIVATE'`, at most 100 directories per process). A number as `options` is `ERR_INVALID_ARG_TYPE`, so that
 * `dirs.map(ensureDir)` fails at its first call.
 *
 * @example
 * const { isPrivate, hardening, reason } = await ensureDir('state/agent');
 *
 * @throws {HoldfastError} `not-directory`, `symlink`, `insecure-permissions`, `not-owned`, `invalid-path`, `not-found` (through
 * `..` or a dangling link); with a root also `outside-workspace`, `path-mismatch`.
 */
export function ensureDir(dir: PathInput, options?: EnsureDirOptions): Promise<EnsureDirResult>;
/** {@link ensureDir}, on the calling thread. */
export function ensureDirSync(dir: PathInput, options?: SyncOptions<EnsureDirOptions>): EnsureDirResult;

/**
 * Defaults for the methods of a {@link Root}, read and checked when it is opened. Each method takes the options it knows (`maxBytes`:
 * reads alone); one given to the method wins. `mode` is not among them, since it means different things for files and directories.
 */
export interface RootDefaults
  extends Pick<ReadFileOptions, 'symlinks' | 'maxBytes' | 'hardlinks' | 'pseudoFiles' | 'outbound'>,
    Pick<WriteOptions, 'newFileMode' | 'finalSymlink' | 'durable' | 'mkdir' | 'dirMode'>,
    Pick<EnsureDirOptions, 'existing'> {}

/**
 * A directory pinned by its descriptor. Every method works beneath that directory, also after it was renamed or another directory
 * took its name. Paths are as for {@link CommonOptions.root}. A method called after `close` fails with `root-closed`.
 */
export interface Root extends Disposable, AsyncDisposable {
  /** Absolute path of the directory without links, at the time it was opened. */
  readonly path: string;
  /** {@link readLocalFileSafely} beneath this root, with an encoding. */
  read(file: PathInput, options: Encoded<WithinRoot<ReadFileOptions>>): Promise<ReadTextResult>;
  /** {@link readLocalFileSafely} beneath this root. */
  read(file: PathInput, options?: WithinRoot<ReadFileOptions>): Promise<ReadResult>;
  /** {@link readLocalFileSafelySync} beneath this root, with an encoding. */
  readSync(file: PathInput, options: Encoded<SyncOptions<WithinRoot<ReadFileOptions>>>): ReadTextResult;
  /** {@link readLocalFileSafelySync} beneath this root. */
  readSync(file: PathInput, options?: SyncOptions<WithinRoot<ReadFileOptions>>): ReadResult;
  /** {@link openLocalFileSafely} beneath this root. */
  open(file: PathInput, options?: WithinRoot<ReadFileOptions>): Promise<OpenResult>;
  /** {@link writeAtomic} beneath this root. */
  writeAtomic(file: PathInput, data: WriteData, options?: WithinRoot<WriteOptions> | BufferEncoding): Promise<WriteResult>;
  /** {@link writeAtomicSync} beneath this root. */
  writeAtomicSync(file: PathInput, data: WriteBytes, options?: SyncOptions<WithinRoot<WriteOptions>> | BufferEncoding): WriteResult;
  /** {@link writeAtomicMany} beneath this root. */
  writeAtomicMany(entries: readonly WriteEntry[], options?: WithinRoot<WriteOptions> | BufferEncoding): Promise<PromiseSettledResult<WriteResult>[]>;
  /** {@link ensureDir} beneath this root; `'.'` is the root itself. */
  ensureDir(dir: PathInput, options?: WithinRoot<EnsureDirOptions>): Promise<EnsureDirResult>;
  /** {@link ensureDirSync} beneath this root; `'.'` is the root itself. */
  ensureDirSync(dir: PathInput, options?: SyncOptions<WithinRoot<EnsureDirOptions>>): EnsureDirResult;
  /**
   * Ends the use of the root; `using` and `await using` call it. Asynchronous calls that were made before still finish, and the
   * descriptor is closed after the last of them. Closing twice is no error.
   */
  close(): void;
  /** {@link close}. */
  [Symbol.dispose](): void;
  /** {@link close}; it does not wait for the calls that were made before. */
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * Pins an existing directory for many calls. The directory itself may be reached through links; it is resolved once.
 *
 * @example
 * using workspace = openRootSync('workspace');
 * const { buffer } = await workspace.read(untrustedPath);
 *
 * @throws {HoldfastError} `not-found`, `not-directory`, `invalid-path`.
 */
export function openRoot(dir: PathInput, defaults?: RootDefaults): Promise<Root>;
/** {@link openRoot}, on the calling thread. */
export function openRootSync(dir: PathInput, defaults?: RootDefaults): Root;

/** What this build does on this system, probed once. */
export interface Capabilities {
  /** Version of the native binary. */
  version: string;
  /** `process.platform`. */
  platform: NodeJS.Platform;
  /** `process.arch`. */
  arch: NodeJS.Architecture;
  /** How paths are resolved beneath a root: `open-flags` are `O_NOFOLLOW_ANY` and, where links may be followed, `O_RESOLVE_BENEATH` of macOS. */
  resolver: 'openat2' | 'open-flags' | 'walk';
  /** `openat2` works (Linux 5.6, and not filtered). */
  openat2: boolean;
  /** Exclusive rename: `renameat2(RENAME_NOREPLACE)` (Linux 3.15). */
  renameNoReplace: boolean;
  /** `fchmodat2(AT_EMPTY_PATH)` (Linux 6.6); without it `/proc/self/fd` is used. */
  fchmodat2: boolean;
  /** `statx` (Linux 4.11). */
  statx: boolean;
  /**
   * A file without a name (`O_TMPFILE`) can be given one: `linkat(AT_EMPTY_PATH)`, or `/proc`. Then a killed process leaves no
   * temporary of a new file on a local file system.
   */
  tmpfile: boolean;
  /** Path of the native binary that was loaded. */
  native: string;
}

/** Loads the native binary, if it is not loaded yet, and reports what it can do here. Throws `native-unavailable` without one. */
export function capabilities(): Capabilities;
