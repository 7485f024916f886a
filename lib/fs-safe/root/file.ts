// `openRootFile` of fs-safe on Linux: opens a file beneath a root and checks the opened file.

import { BIGINT, fs, path } from '../../base/node.js';
import { hostError, isErrno, type HostErrorClass } from '../errors.js';
import { firstLink } from '../parent.js';
import { LINKS, LINKS_SYNC, alias, trail, type Trail } from '../links.js';
import { isBeneath } from '../paths.js';
import { isDenied } from '../look.js';
import { causeOf } from '../sentences.js';
import { runLater, runNow, type Steps } from '../steps.js';
import { toLimit, type Host } from '../read.js';
import { invalidType } from '../../options/validate.js';
import type { BigIntStats, Stats } from 'node:fs';
import { NAMES, checked, toReadSymlinks, type Unchecked } from '../options.js';

type Opened = { ok: true; path: string; fd: number; stat: Stats; rootRealPath: string };
type Failed = { ok: false; reason: 'path' | 'validation' | 'io'; error?: unknown };

const { O_RDONLY, O_NOFOLLOW = 0, O_NONBLOCK = 0 } = fs.constants;
const FLAGS = O_RDONLY | O_NOFOLLOW | O_NONBLOCK;

/** Functions of an injected file system that fs-safe calls in `openRootFile`. */
const IO = ['closeSync', 'fstatSync', 'lstatSync', 'openSync', 'readFileSync', 'realpathSync'] as const;

const ASYNC = {
  ...LINKS,
  realpath: (file: string): unknown => new Promise((resolve, reject) => fs.realpath.native(file, (error, real) => (error ? reject(error) : resolve(real)))),
  lstat: (file: string): unknown => fs.promises.lstat(file, BIGINT),
  isLink: (file: string): unknown => fs.promises.lstat(file).then((stat) => stat.isSymbolicLink(), () => false),
  open: (file: string): unknown => new Promise((resolve, reject) => fs.open(file, FLAGS, (error, fd) => (error ? reject(error) : resolve(fd)))),
};

const SYNC: typeof ASYNC = {
  ...LINKS_SYNC,
  realpath: (file) => fs.realpathSync.native(file),
  lstat: (file) => fs.lstatSync(file, BIGINT),
  isLink: (file) => isLinkSync(file),
  open: (file) => fs.openSync(file, FLAGS),
};

function isLinkSync(file: string) {
  try {
    return fs.lstatSync(file).isSymbolicLink();
  } catch {
    return false;
  }
}

/** Whether there is a `/proc`. Where Node's permission model hides it, the call fails later. */
function hasProc() {
  try {
    return fs.existsSync('/proc/self/fd');
  } catch (error) {
    return isDenied(error);
  }
}

interface Wanted {
  /** absolute, without `..` */
  file: string;
  rootPath: string;
  symlinks: string;
  refusesHardlinks: boolean;
  wantsDirectory: boolean;
  maxBytes: number;
  skipsLexicalCheck: boolean;
  /** name of the root in messages */
  label: string;
}

/**
 * Reads the parameters. Returns `undefined` for a call that only the original supports: an injected file system, a
 * policy of the original, a path whose meaning depends on links, special file systems.
 */
function toWanted(params: Unchecked): Wanted | undefined {
  const { absolutePath, rootPath, rootRealPath, maxBytes = Infinity, ...rest } = checked(params, NAMES.rootFile, 'params');
  const { boundaryLabel, rejectHardlinks, rejectSymlinks, symlinks, allowedType, ioFs, aliasPolicy, skipLexicalRootCheck } = rest;
  const policy = symlinks ?? (rejectSymlinks === false ? 'follow-within-root' : 'reject');
  toReadSymlinks(policy, 'params');
  const isOurs =
    process.platform === 'linux' &&
    hasProc() &&
    (ioFs === undefined || ioFs === null || IO.every((name) => ioFs[name] === fs[name])) &&
    (aliasPolicy === undefined || aliasPolicy === null) &&
    typeof absolutePath === 'string' &&
    path.isAbsolute(absolutePath) &&
    path.normalize(absolutePath) === absolutePath &&
    !absolutePath.includes('\0') &&
    !/^\/(?:dev|proc|sys)(?:\/|$)/.test(absolutePath) &&
    typeof rootPath === 'string' &&
    !rootPath.includes('\0') &&
    (rootRealPath === undefined || typeof rootRealPath === 'string') &&
    (maxBytes === Infinity || (Number.isSafeInteger(maxBytes) && maxBytes >= 0));
  if (!isOurs) {
    return undefined;
  }
  return {
    file: absolutePath,
    rootPath: rootRealPath ?? path.resolve(rootPath),
    symlinks: policy,
    refusesHardlinks: rejectHardlinks === undefined || rejectHardlinks === null || Boolean(rejectHardlinks),
    wantsDirectory: allowedType === 'directory',
    maxBytes,
    skipsLexicalCheck: skipLexicalRootCheck === true,
    label: typeof boundaryLabel === 'string' ? boundaryLabel : 'root',
  };
}

function* openBeneath(HostError: HostErrorClass, wanted: Wanted, rootGiven: string): Steps<Opened, typeof ASYNC> {
  const { file, symlinks } = wanted;
  const rootRealPath = yield* realpathOfRoot(wanted, rootGiven);
  if (!isBeneath(rootGiven, bare(file)) && !isBeneath(rootRealPath, bare(file))) {
    yield* admitOutside(HostError, wanted, rootRealPath);
  }
  const real = yield* realpathOf(HostError, wanted, rootGiven, rootRealPath);
  if (symlinks === 'reject' && !isLexical(file, real, rootGiven, rootRealPath)) {
    throw linked(HostError);
  }
  if (!isBeneath(rootRealPath, real)) {
    throw (yield* escapeOf(wanted, rootGiven, rootRealPath)) ?? new Refused(causeOf('Symlink escapes', rootRealPath, file, wanted.label));
  }
  if (symlinks === 'follow-parents-within-root' && (yield (verbs) => verbs.lstat(file)).isSymbolicLink()) {
    throw linked(HostError);
  }
  // Checks before the open: opening a device or a FIFO can have an effect.
  const named = assertAllowed(HostError, wanted, yield (verbs) => verbs.lstat(real));
  const fd = yield (verbs) => verbs.open(real);
  try {
    const opened = assertAllowed(HostError, wanted, fs.fstatSync(fd, BIGINT));
    if (opened.dev !== named.dev || opened.ino !== named.ino || fs.readlinkSync(`/proc/self/fd/${fd}`) !== real) {
      throw hostError(HostError, 'path-mismatch', 'canonical file identity changed or could not be verified');
    }
    return { ok: true, path: real, fd, stat: fs.fstatSync(fd), rootRealPath };
  } catch (error) {
    fs.closeSync(fd);
    throw error;
  }
}

/**
 * Returns the real path of the file. If that fails, checks for a symlink first: its error takes precedence over that of
 * a missing file, and nobody learns what is missing outside of the root.
 */
function* realpathOf(HostError: HostErrorClass, wanted: Wanted, rootGiven: string, rootRealPath: string): Steps<string, typeof ASYNC> {
  const { file, symlinks } = wanted;
  try {
    return yield (verbs) => verbs.realpath(file);
  } catch (error) {
    if (!(yield (verbs) => verbs.lstat(rootRealPath)).isDirectory()) {
      throw hostError(HostError, 'path-mismatch', 'canonical root directory identity changed or could not be verified', error);
    }
    if (symlinks === 'reject' && linkOf(rootGiven, rootRealPath, file) !== undefined) {
      throw linked(HostError);
    }
    const escape = yield* escapeOf(wanted, rootGiven, rootRealPath);
    if (escape !== undefined) {
      throw escape;
    }
    if (symlinks === 'follow-parents-within-root' && (yield (verbs) => verbs.isLink(file))) {
      throw linked(HostError);
    }
    throw isErrno(error) && error.code === 'ENOENT' ? error : new Refused(error);
  }
}

/**
 * Returns the real path of the root. If the root is missing, a path outside of it by its text gets the error
 * `Path escapes`.
 */
function* realpathOfRoot({ file, rootPath, skipsLexicalCheck, label }: Wanted, rootGiven: string): Steps<string, typeof ASYNC> {
  try {
    return yield (verbs) => verbs.realpath(rootPath);
  } catch (error) {
    throw skipsLexicalCheck || isBeneath(rootGiven, bare(file)) ? error : new Refused(causeOf('Path escapes', rootGiven, file, label));
  }
}

/** Admits a path outside of the root by its text only if it leads into the root and the caller skips that check. */
function* admitOutside(HostError: HostErrorClass, { file, skipsLexicalCheck, label }: Wanted, rootRealPath: string): Steps<void, typeof ASYNC> {
  if ((yield* alias(rootRealPath, bare(file))) === undefined) {
    throw new Refused(causeOf('Path escapes', rootRealPath, file, label));
  }
  if (!skipsLexicalCheck) {
    throw linked(HostError);
  }
}

/** Returns the error of a symlink that leads out of the root, whether or not there is something. */
function* escapeOf({ file, label }: Wanted, rootGiven: string, rootRealPath: string): Steps<Refused | undefined, typeof ASYNC> {
  const base = [rootGiven, rootRealPath].find((dir) => isBeneath(dir, bare(file)));
  const found: Trail = base === undefined ? {} : yield* trail(rootRealPath, path.relative(base, file), true);
  return found.end === 'escape' ? new Refused(causeOf('Symlink escapes', rootRealPath, found.link as string, label)) : undefined;
}

/**
 * Returns the first symlink beneath the root on the path to a file, or `undefined` if there is none or it is unknown.
 */
function linkOf(rootGiven: string, rootRealPath: string, file: string) {
  const base = isBeneath(rootGiven, bare(file)) ? rootGiven : rootRealPath;
  try {
    return firstLink(base, path.relative(base, file).split('/'));
  } catch {
    return undefined;
  }
}

/** Carries an error of another class than the host's. */
class Refused {
  constructor(readonly error: unknown) {}
}

function linked(HostError: HostErrorClass) {
  return hostError(HostError, 'symlink', 'symlink path component not allowed');
}

function bare(file: string) {
  return file.length > 1 && file.endsWith('/') ? file.slice(0, -1) : file;
}

/** Returns whether a real path equals the given path, so that the path beneath the root has no symlink. */
function isLexical(file: string, real: string, rootGiven: string, rootRealPath: string) {
  const given = bare(file);
  return given === real || (isBeneath(rootGiven, given) && path.join(rootRealPath, path.relative(rootGiven, given)) === real);
}

function assertAllowed(HostError: HostErrorClass, { wantsDirectory, refusesHardlinks, maxBytes }: Wanted, stat: BigIntStats) {
  if (stat.isSymbolicLink() || !(wantsDirectory ? stat.isDirectory() : stat.isFile())) {
    throw hostError(HostError, 'not-file', 'path does not have the required file type');
  }
  if (refusesHardlinks && stat.isFile() && stat.nlink > 1n) {
    throw hostError(HostError, 'hardlink', 'path must not be hardlinked');
  }
  if (stat.isFile() && stat.size > maxBytes) {
    throw hostError(HostError, 'too-large', 'file exceeds byte limit');
  }
  return stat;
}

function toFailure(HostError: HostErrorClass, error: unknown): Failed {
  if (error instanceof Refused) {
    return { ok: false, reason: 'validation', error: error.error };
  }
  if (error instanceof HostError) {
    return { ok: false, reason: 'validation', error };
  }
  const isOfPath = isErrno(error) && ['ENOENT', 'ENOTDIR', 'ELOOP'].includes(error.code as string);
  return { ok: false, reason: isOfPath ? 'path' : 'io', error };
}

/**
 * Returns the original's result for a call that is refused here, because hosts show the original's messages. Closes a
 * file that the original opens: the file was exchanged in between, or the original follows a link that the system does not.
 */
function explained(HostError: HostErrorClass, theirs: Opened | Failed, ours: Failed): Failed {
  if (!theirs.ok) {
    return theirs;
  }
  fs.closeSync(theirs.fd);
  if (isErrno(ours.error)) {
    return ours;
  }
  return { ok: false, reason: 'validation', error: hostError(HostError, 'path-mismatch', 'canonical file identity changed or could not be verified') };
}

function originals({ HostError, original }: Host, name: 'openRootFile' | 'openRootFileSync', params: Unchecked) {
  if (typeof original?.[name] !== 'function') {
    throw hostError(HostError, 'helper-unavailable', `${reasonOf(params)}: bind with original, which has ${name}()`);
  }
  return original[name];
}

/** Returns why only the original supports a call. Throws for arguments of a wrong type. */
function reasonOf({ absolutePath, rootPath, rootRealPath, maxBytes, ioFs, aliasPolicy }: Unchecked) {
  for (const [name, value] of Object.entries({ absolutePath, rootPath, rootRealPath: rootRealPath ?? '' })) {
    if (typeof value !== 'string') {
      throw invalidType(`params.${name}`, 'of type string', value);
    }
    if (value.includes('\0')) {
      return `params.${name} contains a NUL byte`;
    }
  }
  toLimit(maxBytes);
  if (ioFs !== undefined && ioFs !== null) {
    return 'params.ioFs is for the original alone';
  }
  if (aliasPolicy !== undefined && aliasPolicy !== null) {
    return 'params.aliasPolicy is for the original alone';
  }
  if (!path.isAbsolute(absolutePath) || path.normalize(absolutePath) !== absolutePath) {
    return "params.absolutePath is relative, or has '.', '..' or two slashes";
  }
  return 'params.absolutePath is beneath /dev, /proc or /sys, or there is no /proc';
}

export function bindRootFile(host: Host) {
  const { HostError, original } = host;
  return {
    async openRootFile(params: Unchecked): Promise<Opened | Failed> {
      const wanted = toWanted(params);
      if (wanted === undefined) {
        return originals(host, 'openRootFile', params)(params);
      }
      try {
        return await runLater(openBeneath(HostError, wanted, path.resolve(params.rootPath)), ASYNC);
      } catch (error) {
        const failure = toFailure(HostError, error);
        const asks = failure.reason === 'validation' && typeof original?.openRootFile === 'function';
        return asks ? explained(HostError, await original.openRootFile(params), failure) : failure;
      }
    },
    openRootFileSync(params: Unchecked): Opened | Failed {
      const wanted = toWanted(params);
      if (wanted === undefined) {
        return originals(host, 'openRootFileSync', params)(params);
      }
      try {
        return runNow(openBeneath(HostError, wanted, path.resolve(params.rootPath)), SYNC);
      } catch (error) {
        const failure = toFailure(HostError, error);
        const asks = failure.reason === 'validation' && typeof original?.openRootFileSync === 'function';
        return asks ? explained(HostError, original.openRootFileSync(params), failure) : failure;
      }
    },
  };
}
