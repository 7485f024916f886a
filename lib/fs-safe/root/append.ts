// `append` and `openWritable` of a root: they change a file in place. The binary opens the file beneath the root, and
// Node opens it for writing through that descriptor.

import { fs, os, path } from '../../base/node.js';
import { ROOT_APPEND, ROOT_APPEND_BY_POLICY, hostError, isErrno, toHost, type HostErrorClass } from '../errors.js';
import { beforeMutation } from '../host-callbacks.js';
import { assertClimbs, followed, kindAt, retraced } from '../links.js';
import { mkdirMode } from '../paths.js';
import { isCode } from '../read.js';
import { toMutationSymlinks, type Unchecked } from '../options.js';
import { absolute, assertReplaceable, explained, toTarget, type Base, type Target } from './targets.js';
import { linkEscape } from '../sentences.js';
import { isDenied } from '../look.js';
import { OTHER_ROOT } from './changes.js';
import { refusal, systemError } from '../../errors/holdfast-error.js';
import { assertReopens } from '../../native/reopen.js';
import { rename } from '../../root/rename.js';
import { callOf } from '../../root/root.js';
import { open } from '../../verbs/read.js';
import { invalidType, outOfRange } from '../../options/validate.js';
import { RootWrites } from './write.js';
import type { FileHandle } from 'node:fs/promises';
import type { Stats } from 'node:fs';

const { O_WRONLY, O_RDWR, O_APPEND, O_SYNC = 0 } = fs.constants;

/** Attempts before a name that appears and disappears is an error. */
const TRIES = 8;

/** Errors of `fsync` on file systems that do not support it. */
const NOT_SYNCABLE = new Set(['EINVAL', 'ENOSYS', 'ENOTSUP', 'EOPNOTSUPP', 'EROFS']);

interface Writable {
  handle: FileHandle;
  stat: Stats;
  realPath: string;
  containment: string;
}

export class RootAppends {
  readonly #HostError: HostErrorClass;
  readonly #base: Base;
  readonly #defaults: Unchecked;
  readonly #writes: RootWrites;

  constructor(HostError: HostErrorClass, base: Base, defaults: Unchecked) {
    this.#HostError = HostError;
    this.#base = base;
    this.#defaults = defaults;
    this.#writes = new RootWrites(HostError, base, defaults, ROOT_APPEND);
  }

  async append(given: unknown, data: Unchecked, options: Unchecked) {
    const target = this.#toTarget(given, options);
    if (typeof data !== 'string' && !ArrayBuffer.isView(data)) {
      throw invalidType('data', 'of type string or an instance of Buffer, TypedArray or DataView', data);
    }
    const bytes = typeof data === 'string' ? Buffer.from(data, options?.encoding ?? 'utf8') : Buffer.from(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
    const isDurable = (options?.durable === undefined ? this.#defaults.durable : options.durable) !== false;
    // Node 26 has no `fsync` under its permission model.
    const synced = isDurable && process.permission !== undefined ? O_SYNC : 0;
    const opened = await this.#opened(given, target, options, O_RDWR | O_APPEND | synced, bytes);
    if (opened === undefined) {
      return;
    }
    const { handle } = opened;
    try {
      const isApart = options?.prependNewlineIfNeeded === true && bytes.length > 0;
      const newline = isApart ? newlineIn(data, options?.encoding) : undefined;
      const isEnded = newline === undefined || bytes.subarray(0, newline.length).equals(newline) || (await endsWith(handle, newline));
      this.#ask(options);
      await writeAll(handle, isEnded ? bytes : Buffer.concat([newline, bytes]));
      if (isDurable && synced === 0) {
        await handle.sync().catch(tolerate);
      }
    } catch (error) {
      throw toHost(this.#HostError, ROOT_APPEND, error, { given });
    } finally {
      await handle.close();
    }
  }

  async openWritable(given: unknown, options: Unchecked) {
    const target = this.#toTarget(given, options);
    const mode = options?.writeMode;
    const flags = mode === 'append' ? O_RDWR | O_APPEND : O_WRONLY;
    let isNew = false;
    let opened = await this.#opened(given, target, options, flags, undefined);
    if (opened === undefined) {
      isNew = true;
      opened = await this.#reopened(given, { ...target, climb: undefined, namesDirectory: false }, options, flags);
    }
    if (opened === undefined) {
      throw hostError(this.#HostError, 'path-mismatch', 'file changed during operation');
    }
    const { handle, stat, realPath, containment } = opened;
    try {
      if ((mode ?? 'replace') === 'replace' && !isNew) {
        this.#ask(options);
        await handle.truncate(0);
      }
    } catch (error) {
      await handle.close();
      throw toHost(this.#HostError, ROOT_APPEND, error, { given });
    }
    return { handle, stat, realPath, createdForWrite: isNew, containment, [Symbol.asyncDispose]: () => handle.close() };
  }

  /** Calls the callbacks of the root and of the call before a change. */
  #ask(options: Unchecked) {
    beforeMutation([this.#defaults, options])();
  }

  #isNamed(options: Unchecked) {
    return toMutationSymlinks(options?.mutationSymlinks ?? this.#defaults.mutationSymlinks) !== undefined;
  }

  #toTarget(given: unknown, options: Unchecked): Target {
    const target = toTarget(this.#HostError, this.#base, given, toMutationSymlinks(options?.mutationSymlinks ?? this.#defaults.mutationSymlinks));
    if (target.relative === '') {
      throw hostError(this.#HostError, 'outside-workspace', 'directory is outside workspace root');
    }
    return target;
  }

  /**
   * Opens the file for writing, or creates it.
   *
   * @param content of a new file; `undefined` for an empty one that is opened afterwards
   * @returns `undefined` if the file is new
   */
  async #opened(given: unknown, target: Target, options: Unchecked, flags: number, content: Buffer | undefined): Promise<Writable | undefined> {
    const mode = modeOf(options, this.#defaults);
    for (let tried = 0; ; tried += 1) {
      let opened;
      try {
        opened = await this.#reopened(given, target, options, flags);
      } catch (error) {
        if (tried < TRIES && error instanceof this.#HostError && (error as { code?: unknown }).code === 'path-mismatch') {
          // Another process has renamed a file to the name: a log that was rotated.
          continue;
        }
        throw error;
      }
      if (opened !== undefined) {
        return opened;
      }
      try {
        if (target.namesDirectory && this.#isNamed(options)) {
          throw hostError(this.#HostError, 'path-alias', 'path alias escape blocked');
        }
        if (content === undefined) {
          assertReopens(absolute(this.#base, target.relative));
        }
        await this.#writes.write(given, content ?? Buffer.alloc(0), options, { overwrite: false, isPlaced: true, ...(mode === undefined ? {} : { mode: mode & mkdirMode() }) });
        return undefined;
      } catch (error) {
        if (isCode(error, 'unsupported-platform')) {
          throw toHost(this.#HostError, ROOT_APPEND, error, { given });
        }
        if ((error as { code?: unknown } | undefined)?.code !== 'already-exists' || !(error instanceof this.#HostError) || tried >= TRIES) {
          throw error;
        }
        await this.#refuseDangling(target);
      }
    }
  }

  /** Refuses a name that a symlink to nothing has. */
  async #refuseDangling({ relative }: Target) {
    const link = absolute(this.#base, relative);
    if ((await kindAt(link)) === 'link') {
      throw hostError(this.#HostError, 'symlink', 'symlink open blocked', systemError(-os.constants.errno.ELOOP, 'open', link));
    }
  }

  /** Opens an existing file for writing; returns `undefined` if there is none. */
  async #reopened(given: unknown, target: Target, options: Unchecked, flags: number): Promise<Writable | undefined> {
    const { relative, climb, isTextual } = target;
    const chosen = toMutationSymlinks(options?.mutationSymlinks ?? this.#defaults.mutationSymlinks);
    const isNamed = chosen !== undefined;
    try {
      if (climb !== undefined) {
        await assertClimbs(this.#base.path, climb, chosen === 'reject' ? 'reject' : 'same-parent');
      }
      if (target.namesDirectory) {
        await assertReplaceable(this.#HostError, this.#base, target, isNamed);
      }
      return await this.#openedBeneath(relative, isTextual ? 'reject' : (chosen ?? 'follow-within-root'), flags);
    } catch (error) {
      if (isCode(error, 'not-found')) {
        return undefined;
      }
      if (isCode(error, 'not-file') && !(await this.#isDirectory(relative))) {
        throw hostError(this.#HostError, 'not-file', 'path is not a regular file under root');
      }
      const { error: other, cause } = await explained(this.#HostError, this.#base, relative, isNamed, error);
      if (isNamed && cause !== undefined && isCode(error, 'symlink')) {
        // A parent that leads out of the root. A final link is a link, wherever it leads.
        const isParent = (await linkEscape(this.#base.path, path.dirname(relative))) !== undefined;
        throw isParent ? hostError(this.#HostError, 'path-alias', 'path alias escape blocked', cause) : toHost(this.#HostError, ROOT_APPEND_BY_POLICY, error, { given });
      }
      throw other ?? toHost(this.#HostError, isNamed ? ROOT_APPEND_BY_POLICY : ROOT_APPEND, error, { given, cause });
    }
  }

  /** Tells which sentence a refusal has. */
  async #isDirectory(relative: string) {
    const { real } = await followed(this.#base.path, relative, true);
    return real !== undefined && (await kindAt(path.join(this.#base.path, real))) === 'directory';
  }

  async #openedBeneath(relative: string, symlinks: 'reject' | 'follow-parents' | 'follow-within-root', flags: number): Promise<Writable> {
    const { handle, stat, realPath, containment } = await retraced(this.#base.path, relative, symlinks === 'follow-within-root', (at) =>
      this.#base.use((root) => callOf(root, absolute(this.#base, at), symlinks, (pinned) => open(absolute(this.#base, at), ANY_SIZE, pinned, flags))),
    );
    try {
      await this.#assertNamed(handle, realPath);
    } catch (error) {
      await handle.close();
      throw error;
    }
    return { handle, stat, realPath, containment: containment === 'kernel' ? 'kernel-atomic' : 'best-effort' };
  }

  /**
   * Refuses a file that has lost its name, or has another one: it may be a file from outside that was linked under the name
   * for a moment. A name that was removed stays removed in the path of the descriptor, also when the file is linked again.
   *
   * An `unlink` counts the links before it removes the name. A rename to the same name changes nothing, and waits for its end:
   * both lock the directory.
   */
  async #assertNamed(handle: FileHandle, realPath: string) {
    const { nlink } = await handle.stat();
    await fs.promises.rename(realPath, realPath).catch((error) => (isDenied(error) ? this.#renamed(realPath) : undefined));
    let named;
    try {
      named = process.platform === 'linux' ? fs.readlinkSync(`/proc/self/fd/${handle.fd}`) : realPath;
    } catch (error) {
      throw isDenied(error) ? refusal('unsupported-platform', 'permission-model', realPath, error as Error) : error;
    }
    if (nlink !== 1 || named !== realPath) {
      throw hostError(this.#HostError, 'path-mismatch', 'file changed during operation');
    }
  }

  /** Renames a file to its own name by the binary, which Node's permission model does not restrict. */
  async #renamed(file: string) {
    const options = { overwrite: true, durable: false };
    await this.#base.use((root) => callOf(root, file, 'reject', (pinned) => rename(file, file, options, pinned, OTHER_ROOT))).catch(() => undefined);
  }
}

const ANY_SIZE = { hardlinks: 'reject', maxBytes: Infinity };

const LARGEST_MODE = 0xffff_ffff;

/** Returns the permission bits of a new file. Text is octal, as for `node:fs`. Drops setuid, setgid and sticky. */
function modeOf(options: Unchecked, defaults: Unchecked): number | undefined {
  const given = options?.mode === undefined ? defaults.mode : options.mode;
  if (given === undefined || given === null) {
    return undefined;
  }
  const mode = typeof given === 'string' && /^[0-7]+$/.test(given) ? Number.parseInt(given, 8) : given;
  if (typeof mode !== 'number') {
    throw invalidType('mode', 'of type number, or text in octal digits', given);
  }
  if (!Number.isInteger(mode) || mode < 0 || mode > LARGEST_MODE) {
    throw outOfRange('mode', `an integer >= 0 and <= ${LARGEST_MODE}`, mode);
  }
  return mode & 0o777;
}

/** Returns a line break in the encoding of a text; of bytes, a line feed. */
function newlineIn(data: unknown, encoding: Unchecked): Buffer {
  const newline = Buffer.from('\n', typeof data === 'string' ? (encoding ?? 'utf8') : 'utf8');
  return newline.length === 0 ? Buffer.from('\n') : newline;
}

/** Whether a file is empty or ends with a line break. */
async function endsWith(handle: FileHandle, newline: Buffer): Promise<boolean> {
  const { size } = await handle.stat();
  if (size === 0) {
    return true;
  }
  const last = Buffer.alloc(newline.length);
  const { bytesRead } = await handle.read(last, 0, last.length, Math.max(0, size - last.length));
  return bytesRead === last.length && last.equals(newline);
}

/** Writes with `O_APPEND`, in one call if the system takes all bytes. */
async function writeAll(handle: FileHandle, bytes: Buffer) {
  for (let at = 0; at < bytes.length; ) {
    const { bytesWritten } = await handle.write(bytes, at, bytes.length - at);
    at += bytesWritten;
  }
}

function tolerate(error: unknown) {
  if (!isErrno(error) || !NOT_SYNCABLE.has(String(error.code))) {
    throw error;
  }
}
