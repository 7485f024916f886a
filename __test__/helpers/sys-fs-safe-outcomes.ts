// Calls for the outcomes in docs/fs-safe.md that need another user, a full file system or a failing system call.
import * as fs from 'node:fs';
import { spawnSync } from 'node:child_process';
import * as path from 'node:path';
import { bindFsSafe } from '../../fs-safe.mjs';
import { FsSafeError, old, outbound, plain, type Outcomes } from './fs-safe-hosts.js';
import { build } from './scratch.js';

const USER = 1000;
const HOSTS = path.join(import.meta.dirname, '../programs/fs-safe-call.mjs');

/** Runs a call with the effective user 1000 in all threads of this process. */
export async function asUser<T>(call: () => T | Promise<T>): Promise<T> {
  const groups = process.getgroups!();
  process.setgroups!([]);
  process.setegid!(USER);
  process.seteuid!(USER);
  try {
    return await call();
  } finally {
    process.seteuid!(0);
    process.setegid!(0);
    process.setgroups!(groups);
  }
}

/** Returns a call as user 1000, in a directory whose `open` part that user may search. */
const denied = (call: (dir: string) => unknown, ...layout: string[]) => (dir: string) => {
  fs.chmodSync(dir, 0o755);
  build(dir, layout);
  return asUser(() => call(dir));
};

/** Runs a call in another process, and throws its error. */
function elsewhere(launcher: string[], env: Record<string, string>, ...args: string[]): never {
  const line = [...launcher, process.execPath, HOSTS, ...args];
  // strace counts calls per thread.
  const done = spawnSync(line[0]!, line.slice(1), { encoding: 'utf8', env: { ...process.env, UV_THREADPOOL_SIZE: '1', ...env } });
  const told = done.stdout.split('\n').find((text) => text.startsWith('{'));
  if (told === undefined) throw new Error(`the call ended with ${done.status}: ${done.error ?? done.stderr}`);
  const { class: Class, code, errno, cause, details } = JSON.parse(told);
  const because = cause && Object.assign(new Error(cause.code), cause);
  if (Class === 'FsSafeError') throw new FsSafeError(code, 'from elsewhere', { cause: because, details });
  throw Object.assign(new Error(code), { code, errno });
}

/** Runs a call on a file system of 16 KiB, mounted for that call. */
const onFullDisk = (call: string) => (dir: string) =>
  elsewhere(['unshare', '--mount', 'sh', '-c', 'mount -t tmpfs -o size=16k none "$0" && exec "$@"', dir], {}, call, dir);

/** Runs a call while every sync of a directory fails: the second one, after that of the file. */
const withoutSync = (call: string) => (dir: string) =>
  elsewhere(['strace', '-f', '-qq', '-o', '/dev/null', '-e', 'trace=fsync,fdatasync', '-e', 'inject=fsync,fdatasync:error=EIO:when=2+'], {}, call, dir);

const OUTBOUND = '`OUTBOUND_MEDIA_PERMS_TOO_RESTRICTIVE`: another user\'s file';
const own = bindFsSafe({ FsSafeError });

export const sysOutcomes: Outcomes = {
  '`readLocalFileSafely`': {
    '`EACCES`': denied((dir) => plain.readLocalFileSafely({ filePath: `${dir}/f` }), 'f 0600: text'),
    [OUTBOUND]: denied((dir) => outbound.readLocalFileSafely({ filePath: `${dir}/f` }), 'f 0600: text'),
    '`native-unavailable`': (dir) => elsewhere([], { HOLDFAST_NATIVE_PATH: `${dir}/none.node` }, 'read', dir),
  },
  '`writeFileWithinRoot`': {
    '`EACCES`': denied((dir) => plain.writeFileWithinRoot({ rootDir: dir, relativePath: 'e/f', data: 'new' }), 'e/ 0755'),
    '`ENOSPC`': onFullDisk('writeFileWithinRoot'),
  },
  '`readLocalFileFromRoots`': {
    '`native-unavailable`': (dir) => elsewhere([], { HOLDFAST_NATIVE_PATH: `${dir}/none.node` }, 'fromRoots', dir),
    '`EACCES`': denied((dir) => plain.readLocalFileFromRoots({ filePath: `${dir}/f`, roots: [dir] }), 'f 0600: text'),
  },
  '`replaceFileAtomic`': {
    '`EACCES`': denied((dir) => plain.replaceFileAtomic({ filePath: `${dir}/e/f`, content: 'new' }), 'e/ 0700'),
    '`ENOSPC`': onFullDisk('replaceFileAtomic'),
    '`not-durable`': withoutSync('replaceFileAtomic'),
  },
  '`replaceFileAtomicSync`': {
    '`EACCES`': denied((dir) => own.replaceFileAtomicSync({ filePath: `${dir}/e/f`, content: 'new' }), 'e/ 0700'),
  },
  '`writeTextAtomic`': {
    '`EACCES`': denied((dir) => plain.writeTextAtomic(`${dir}/e/f`, 'new'), 'e/ 0755'),
  },
  '`root().read`': {
    '`EACCES`': denied(async (dir) => (await plain.root(dir)).read('f'), 'f 0600: text'),
  },
  '`root().write`': {
    '`EACCES`': denied(async (dir) => (await plain.root(dir)).write('e/f', 'new'), 'e/ 0755'),
    'a file that may not be read': denied(async (dir) => (await plain.root(dir)).write('f', 'new'), 'f 0600: text'),
  },
  '`root().mkdir`': {
    '`EACCES`': denied(async (dir) => (await plain.root(dir)).mkdir('e/a'), 'e/ 0755'),
  },
  '`bindSafeOpen`: `readLocalFileSafely`': {
    '`EACCES`': denied((dir) => old.readLocalFileSafely({ filePath: `${dir}/f` }), 'f 0600: text'),
  },
  '`bindSafeOpen`: `writeFileWithinRoot`': {
    '`EACCES`': denied((dir) => old.writeFileWithinRoot({ rootDir: dir, relativePath: 'e/f', data: 'new' }), 'e/ 0755'),
  },
};
