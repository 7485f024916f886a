// Converts errors to responses for a client: a status, and a body without paths, ids and options of the operator.

import { os } from '../base/node.js';
import { isError, isHoldfastError } from './holdfast-error.js';
import { CODES } from './messages.js';
import { table, tableOfTables } from '../base/lookup-table.js';
import type { HoldfastErrorCategory, PublicError } from '../../types/errors.js';

/** HTTP status by code. Other policy codes are 403, other operational codes 500. */
const STATUS = table({
  'invalid-path': 400,
  'not-found': 404,
  'already-exists': 409,
  conflict: 409,
  'path-mismatch': 409,
  'too-large': 413,
  'invalid-json': 422,
  'invalid-text': 422,
  'lock-timeout': 423,
});

/** System errors by errno name. `as` is the HoldfastError code with the same meaning for a client. */
const SYSTEM: Record<string, { status: number; as?: string; message?: string; remedy?: string }> = tableOfTables({
  ENOENT: { status: 404, as: 'not-found' },
  EEXIST: { status: 409, as: 'already-exists' },
  ENAMETOOLONG: { status: 400, as: 'invalid-path' },
  ENOTEMPTY: { status: 409, message: 'The directory is not empty.' },
  EISDIR: { status: 409, message: 'The name belongs to a directory.' },
  ENOTDIR: { status: 409, message: 'A name that has to be a directory belongs to a file.' },
  EACCES: { status: 403, message: 'The service has no access to the file.' },
  EPERM: { status: 403, message: 'The system does not permit the operation.' },
  EROFS: { status: 403, message: 'The storage is read-only.' },
  ENOSPC: { status: 507, message: 'The storage is full.' },
  EDQUOT: { status: 507, message: 'The quota of the storage is used up.' },
  EMFILE: { status: 503, message: 'The service is busy.', remedy: 'Try again later.' },
  ENFILE: { status: 503, message: 'The service is busy.', remedy: 'Try again later.' },
});

/** The errno of EDQUOT, for which libuv has no name. */
const { EDQUOT } = os.constants.errno;

/**
 * System calls on files, as `node:fs` and the addon name them. Errors of processes and sockets have other names (`spawn x`,
 * `connect`, `getaddrinfo`). The list omits `watch`: its ENOSPC is a limit of inotify.
 */
const FILE_SYSCALLS = new Set([
  'access', 'acl_copy_ext', 'acl_set_fd_np', 'chmod', 'chown', 'close', 'copyfile', 'cp', 'dup', 'fchmod', 'fchown', 'fcntl', 'fdatasync',
  'fgetsecurity', 'flock', 'fsetsecurity', 'fstat', 'fsync', 'ftruncate', 'futime', 'getxattr', 'lchown', 'link', 'lstat', 'lutime', 'mkdir',
  'mkdtemp', 'open', 'opendir', 'read', 'readdir', 'readlink', 'realpath', 'removexattr', 'rename', 'rm', 'rmdir', 'scandir', 'sendfile',
  'setxattr', 'stat', 'statfs', 'symlink', 'truncate', 'unlink', 'utime', 'write',
]);

/** The facts of an error that a client may read. Each property of the error is read once. */
type Facts = { code: string; category: HoldfastErrorCategory } | { errno: string };

function factsOf(error: unknown): Facts | undefined {
  try {
    return isHoldfastError(error) ? holdfastFacts(error) : systemFacts(error);
  } catch {
    // A getter or a Proxy trap threw.
    return undefined;
  }
}

function holdfastFacts({ code, category }: { code?: unknown; category?: unknown }): Facts | undefined {
  return typeof code === 'string' ? { code, category: CODES[code]?.category ?? (category === 'policy' ? 'policy' : 'operational') } : undefined;
}

/** Returns the facts of a system error of a file operation: `errno`, `syscall` and `code` as `node:fs` sets them. */
function systemFacts(error: unknown): Facts | undefined {
  if (!isError(error)) {
    return undefined;
  }
  const { errno, syscall, code } = error as NodeJS.ErrnoException;
  if (typeof errno !== 'number' || typeof code !== 'string' || !FILE_SYSCALLS.has(syscall as string)) {
    return undefined;
  }
  const name = errno === -EDQUOT ? 'EDQUOT' : code;
  const same = SYSTEM[name]?.as;
  return same === undefined ? { errno: name } : { code: same, category: CODES[same].category };
}

/** Returns whether an error reports that the file or directory does not exist. */
export function isNotFound(error: unknown) {
  const facts = factsOf(error);
  return facts !== undefined && 'code' in facts && facts.code === 'not-found';
}

/** Returns the HTTP status for an error of a file operation; 500 for any other value. */
export function httpStatus(error: unknown): number {
  const facts = factsOf(error);
  if (facts === undefined) {
    return 500;
  }
  return 'code' in facts ? (STATUS[facts.code] ?? (facts.category === 'policy' ? 403 : 500)) : (SYSTEM[facts.errno]?.status ?? 500);
}

/** Returns the body of a response to a client. */
export function toPublicError(error: unknown): PublicError {
  const facts = factsOf(error);
  if (facts !== undefined && 'code' in facts) {
    const known = CODES[facts.code];
    return body(facts.code, facts.category, known?.public ?? 'The file operation failed.', known?.remedy);
  }
  const known = facts === undefined ? undefined : SYSTEM[facts.errno];
  return facts === undefined || known?.message === undefined
    ? body('internal', 'operational', CODES.internal.public, undefined)
    : body(facts.errno, 'operational', known.message, known.remedy);
}

function body(code: string, category: HoldfastErrorCategory, message: string, remedy: string | undefined) {
  return remedy === undefined ? { code, category, message } : { code, category, message, remedy };
}
