// The result of every call, field by field, and the narrowing of errors.
import type { Stats } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import {
  capabilities,
  cleanStaleTemporaries,
  ensureDir,
  ensureDirSync,
  HoldfastError,
  httpStatus,
  isHoldfastError,
  isNotFound,
  openLocalFileSafely,
  openRoot,
  openRootSync,
  readLocalFileSafely,
  readLocalFileSafelySync,
  stageAtomic,
  toPublicError,
  writeAtomic,
  writeAtomicSync,
  type Containment,
  type EnsureDirResult,
  type Hardening,
  type HardeningReason,
  type HoldfastErrorCategory,
  type HoldfastErrorCode,
  type HoldfastErrorJSON,
  type HoldfastErrorPublic,
  type OpenResult,
  type PublicError,
  type ReadResult,
  type ReadTextResult,
  type Root,
  type StagedFile,
  type WriteResult,
} from 'holdfast';
import { exactly, type Equal } from './exact.mjs';

exactly<Equal<ReturnType<typeof readLocalFileSafely>, Promise<ReadResult>>>();
exactly<Equal<ReturnType<typeof readLocalFileSafelySync>, ReadResult>>();
export const text: string = readLocalFileSafelySync('/srv/a', { encoding: 'utf8' }).text;
export const rest: Promise<ReadTextResult>[] = [
  readLocalFileSafely('/srv/a', { encoding: 'utf8', maxBytes: 1, signal: AbortSignal.timeout(1) }),
  readLocalFileSafely({ filePath: '/srv/a', encoding: 'latin1' }),
  readLocalFileSafely({ filePath: '/srv/a', encoding: 'hex' }, { maxBytes: 1 }),
];
exactly<Equal<ReturnType<typeof openLocalFileSafely>, Promise<OpenResult>>>();
exactly<Equal<ReturnType<typeof writeAtomic>, Promise<WriteResult>>>();
exactly<Equal<ReturnType<typeof writeAtomicSync>, WriteResult>>();
exactly<Equal<ReturnType<typeof stageAtomic>, Promise<StagedFile>>>();
exactly<Equal<ReturnType<StagedFile['commit']>, Promise<WriteResult>>>();
exactly<Equal<ReturnType<StagedFile['abort']>, Promise<void>>>();
exactly<Equal<StagedFile['handle'], FileHandle>>();
exactly<Equal<StagedFile['tempPath'], string>>();
exactly<Equal<ReturnType<typeof cleanStaleTemporaries>, Promise<string[]>>>();
exactly<Equal<ReturnType<typeof ensureDir>, Promise<EnsureDirResult>>>();
exactly<Equal<ReturnType<typeof ensureDirSync>, EnsureDirResult>>();
exactly<Equal<ReturnType<typeof openRoot>, Promise<Root>>>();
exactly<Equal<ReturnType<typeof openRootSync>, Root>>();

exactly<Equal<ReadResult['buffer'], Buffer>>();
exactly<Equal<ReadResult['realPath'], string>>();
exactly<Equal<ReadResult['stat'], Stats>>();
exactly<Equal<ReadResult['containment'], Containment>>();

exactly<Equal<OpenResult['handle'], FileHandle>>();
exactly<Equal<OpenResult['realPath'], string>>();
exactly<Equal<OpenResult['stat'], Stats>>();
exactly<Equal<OpenResult['containment'], Containment>>();

exactly<Equal<WriteResult['path'], string>>();
exactly<Equal<WriteResult['created'], boolean>>();
exactly<Equal<WriteResult['size'], number>>();
exactly<Equal<WriteResult['mode'], number>>();
exactly<Equal<WriteResult['dev'], number>>();
exactly<Equal<WriteResult['ino'], number>>();
exactly<Equal<WriteResult['method'], 'rename' | 'link' | 'in-place'>>();
exactly<Equal<WriteResult['durable'], boolean | 'file'>>();
exactly<Equal<WriteResult['containment'], Containment>>();
exactly<Equal<WriteResult['preserved'], { mode: boolean; acl: boolean; owner: boolean } | null>>();

exactly<Equal<EnsureDirResult['path'], string>>();
exactly<Equal<EnsureDirResult['firstCreated'], string | undefined>>();
exactly<Equal<EnsureDirResult['mode'], number>>();
exactly<Equal<EnsureDirResult['isPrivate'], boolean>>();
exactly<Equal<EnsureDirResult['hardening'], Hardening>>();
exactly<Equal<NonNullable<EnsureDirResult['reason']>, HardeningReason>>();
exactly<Equal<EnsureDirResult['containment'], Containment>>();

exactly<Equal<Root['path'], string>>();

export function systemReport(): string {
  const { version, platform, arch, resolver, openat2, renameNoReplace, fchmodat2, statx, tmpfile, native } = capabilities();
  const names: string[] = [version, platform, arch, native];
  const flags: boolean[] = [openat2, renameNoReplace, fchmodat2, statx, tmpfile];
  exactly<Equal<typeof resolver, 'openat2' | 'open-flags' | 'walk'>>();
  return `${names.join()} ${flags.join()} ${resolver}`;
}

/** The tool layer's error handler: the narrowing that a gateway relies on. */
export function report(error: unknown): { status: number; body: HoldfastErrorPublic } | undefined {
  if (!isHoldfastError(error)) {
    const failure = error as NodeJS.ErrnoException;
    if (failure.code === 'EACCES') return undefined;
    throw error;
  }
  exactly<Equal<typeof error, HoldfastError>>();
  exactly<Equal<typeof error.name, 'HoldfastError'>>();
  exactly<Equal<typeof error.code, HoldfastErrorCode>>();
  exactly<Equal<typeof error.category, HoldfastErrorCategory>>();
  exactly<Equal<typeof error.path, string | undefined>>();
  exactly<Equal<typeof error.errno, number | undefined>>();
  exactly<Equal<typeof error.syscall, string | undefined>>();
  exactly<Equal<typeof error.sysCode, string | undefined>>();
  exactly<Equal<typeof error.cause, Error | undefined>>();
  exactly<Equal<typeof error.remedy, string | undefined>>();
  exactly<Equal<typeof error.mode, number | undefined>>();
  exactly<Equal<typeof error.uid, number | undefined>>();
  exactly<Equal<typeof error.euid, number | undefined>>();
  exactly<Equal<typeof error.published, boolean | undefined>>();
  exactly<Equal<ReturnType<typeof error.toJSON>, HoldfastErrorJSON>>();
  const body = error.toPublic();
  exactly<Equal<typeof body, HoldfastErrorPublic>>();

  switch (error.code) {
    case 'not-found':
      return { status: 404, body };
    case 'already-exists':
    case 'path-mismatch':
    case 'conflict':
      return { status: 409, body };
    case 'lock-timeout':
      return { status: 423, body };
    case 'too-large':
      return { status: 413, body };
    case 'invalid-text':
    case 'invalid-json':
      return { status: 422, body };
    case 'invalid-path':
    case 'outside-workspace':
    case 'symlink':
    case 'hardlink':
    case 'not-file':
    case 'not-directory':
    case 'device-path':
    case 'insecure-permissions':
    case 'not-owned':
    case 'torn-tail':
    case 'OUTBOUND_MEDIA_PERMS_TOO_RESTRICTIVE':
      return { status: 403, body };
    case 'not-durable':
    case 'lock-lost':
    case 'root-closed':
    case 'unsupported-platform':
    case 'native-unavailable':
    case 'internal':
      return { status: 500, body };
    default: {
      // `error.code` is `never` only if the switch covers every code.
      const unknown: never = error.code;
      return unknown;
    }
  }
}

/** The same with the functions of the package. */
export function answer(error: unknown): { status: number; body: PublicError; isMissing: boolean } {
  return { status: httpStatus(error), body: toPublicError(error), isMissing: isNotFound(error) };
}

export const made: HoldfastError[] = [
  new HoldfastError('not-durable'),
  new HoldfastError('too-large', { path: '/srv/a', size: 2, limit: 1, cause: new Error('x'), message: 'm', remedy: undefined }),
];

export function isOurs(error: Error): boolean {
  return error instanceof HoldfastError && error.category === 'policy';
}

export async function handles(): Promise<number> {
  const { handle, stat } = await openLocalFileSafely('/srv/a');
  const { bytesRead } = await handle.read(Buffer.alloc(stat.size));
  await handle.close();
  return stat.isFile() ? bytesRead : stat.mtime.getTime();
}
