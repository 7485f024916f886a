// holdfast/fs-safe with another user, a full file system or a failing system call.
import * as fs from 'node:fs';
import * as path from 'node:path';
import { spawnSync } from 'node:child_process';
import { describe, expect, it, test } from 'vitest';
import { ensureParentDirSync } from '../../fs-safe.mjs';
import { FsSafeError, outbound, plain, rowsOf, told } from '../helpers/fs-safe-hosts.js';
import { injectedAsync, injectedSync } from '../helpers/fs-safe-injected.js';
import { build, modeOf, scratch, strays } from '../helpers/scratch.js';
import { asUser, sysOutcomes } from '../helpers/sys-fs-safe-outcomes.js';
import { needs } from '../helpers/sys-needs.js';

/** Makes a directory as Kubernetes mounts a volume with `fsGroup: 1000`. */
function volume(): string {
  const dir = scratch();
  fs.chownSync(dir, 0, 1000);
  fs.chmodSync(dir, 0o2775);
  return dir;
}

needs('root', 'strace', 'unshare')('an outcome of the documentation', () => {
  test.each(rowsOf(sysOutcomes))('$call, $outcome: $expected', async ({ bring, expected }) => {
    const dir = scratch();
    expect(await told(() => bring(dir))).toBe(expected);
    expect(strays(dir)).toEqual([]);
  });

  test('that is published and may not last is told to a caller who wants to know, with its inode', () => {
    const dir = scratch();
    const program = path.join(import.meta.dirname, '../programs/fs-safe-call.mjs');
    const inject = 'inject=fsync,fdatasync:error=EIO:when=2+';
    const done = spawnSync('strace', ['-f', '-qq', '-o', '/dev/null', '-e', 'trace=fsync,fdatasync', '-e', inject, process.execPath, program, 'watched', dir], {
      encoding: 'utf8',
      env: { ...process.env, UV_THREADPOOL_SIZE: '1' },
    });
    const { code, states } = JSON.parse(done.stdout.trim());
    expect({ code, states }).toEqual({ code: 'helper-failed', states: [{ state: 'published', path: `${dir}/f`, ino: String(fs.statSync(`${dir}/f`).ino) }] });
  });

  test('that is published and may not last is reported as published', async () => {
    const dir = scratch();
    const error = (await Promise.resolve(dir).then(sysOutcomes['`replaceFileAtomic`']!['`not-durable`']!).catch((error) => error)) as FsSafeError;
    expect(error.details).toEqual({ published: true });
    expect(fs.statSync(`${dir}/f`).size).toBe(1024 * 1024);
  });
});

needs('root')('a volume of the group, as another user', () => {
  it.each(['replaceFileAtomic', 'replaceFileAtomicSync'] as const)('takes a %s through the functions of the host, and keeps its mode', async (twin) => {
    const dir = volume();
    build(dir, ['f: old']);
    const { fileSystem, calls } = twin === 'replaceFileAtomic' ? injectedAsync(dir) : injectedSync(dir);
    const options = { filePath: `${dir}/f`, content: 'new', dirMode: 0o700, mode: 0o600, syncTempFile: true, syncParentDir: true, fileSystem };
    expect(await asUser(() => plain[twin](options as never))).toEqual({ method: 'rename' });
    expect([modeOf(dir), modeOf(`${dir}/f`), fs.readFileSync(`${dir}/f`, 'utf8'), strays(dir)]).toEqual([0o2775, 0o600, 'new', []]);
    expect(calls.some((call) => call.includes('chmod') && call.includes('02700'))).toBe(true);
  });

  it.each(['replaceFileAtomic', 'replaceFileAtomicSync'] as const)('is not closed to its group by a %s of root', async (twin) => {
    const dir = volume();
    const { fileSystem } = twin === 'replaceFileAtomic' ? injectedAsync(dir) : injectedSync(dir);
    await plain[twin]({ filePath: `${dir}/f`, content: 'new', fileSystem } as never);
    expect([modeOf(dir), fs.statSync(dir).gid]).toEqual([0o2775, 1000]);
  });

  test('gets the directory and the file of exec approvals, and keeps its mode', async () => {
    const dir = volume();
    const file = `${dir}/exec-approvals.json`;
    await asUser(() => {
      expect(ensureParentDirSync(file, { trustedRoot: dir, messagePrefix: 'Refusing' })).toBe(dir);
      plain.replaceFileAtomicSync({ filePath: file, content: '{}' });
    });
    expect([modeOf(dir), modeOf(file), fs.statSync(file).uid]).toEqual([0o2775, 0o600, 1000]);
  });

  test('takes writes by every function, without a chmod that would fail', async () => {
    const dir = volume();
    await asUser(async () => {
      await plain.replaceFileAtomic({ filePath: `${dir}/a`, content: 'new', dirMode: 0o700 });
      await plain.writeTextAtomic(`${dir}/b`, 'new', { dirMode: 0o700 });
      await plain.writeFileWithinRoot({ rootDir: dir, relativePath: 'c', data: 'new' });
      await (await plain.root(dir)).mkdir('d', { private: true });
    });
    expect(modeOf(dir)).toBe(0o2775);
    expect(fs.readdirSync(dir).sort()).toEqual(['a', 'b', 'c', 'd']);
    expect(modeOf(`${dir}/d`) & 0o777).toBe(0o700);
  });
});

needs('root')('what another user may not read', () => {
  test('is refused by every read that is for others, with the reason', async () => {
    const dir = scratch();
    fs.chmodSync(dir, 0o755);
    build(dir, ['f 0600: text']);
    const calls: (() => Promise<unknown>)[] = [
      () => outbound.readLocalFileSafely({ filePath: `${dir}/f` }),
      () => outbound.openLocalFileSafely({ filePath: `${dir}/f` }),
      () => outbound.readFileWithinRoot({ rootDir: dir, relativePath: 'f' }),
      () => outbound.readLocalFileFromRoots({ filePath: `${dir}/f`, roots: [dir] }),
      async () => (await outbound.root(dir)).readText('f'),
    ];
    for (const call of calls) {
      const error = await asUser(() => call()).catch((error) => error);
      expect(error).toMatchObject({ name: 'HoldfastError', code: 'OUTBOUND_MEDIA_PERMS_TOO_RESTRICTIVE', mode: 0o600, uid: 0, euid: 1000 });
    }
  });
});

describe('cleaning up', () => {
  needs('root')('after a caller has closed the directory', () => {
    const attempt = (twin: 'replaceFileAtomic' | 'replaceFileAtomicSync', throwOnCleanupError: boolean) => {
      const dir = scratch();
      fs.chownSync(dir, 1000, 1000);
      const failure = new Error('not this one');
      const beforeRename = () => {
        fs.chmodSync(dir, 0o500);
        throw failure;
      };
      const options = { filePath: `${dir}/f`, content: 'new', throwOnCleanupError, beforeRename: beforeRename as never };
      return asUser(async () => ({ failure, error: await Promise.resolve().then(() => plain[twin](options)).catch((error) => error) }));
    };

    test.each(['replaceFileAtomic', 'replaceFileAtomicSync'] as const)('%s reports the first failure, or both', async (twin) => {
      const quiet = await attempt(twin, false);
      expect(quiet.error).toBe(quiet.failure);
      const both = await attempt(twin, true);
      expect(both.error).not.toBe(both.failure);
      expect(both.error.message).toContain('could not be removed');
      expect(both.error.cause).toBe(both.failure);
    });
  });
});

needs('root', 'strace')('an option of replaceFileAtomic', () => {
  const program = path.join(import.meta.dirname, '../programs/fs-safe-replace.mjs');

  /** Runs one replacement under strace. Returns its result and the names of the relevant system calls. */
  function traced(options: object, inject: string[] = []): { told: any; calls: string[] } {
    const dir = scratch();
    fs.writeFileSync(`${dir}/f`, 'old');
    fs.chmodSync(dir, 0o700);
    const log = `${dir}.trace`;
    const effects = inject.flatMap((effect) => ['-e', `inject=${effect}`]);
    const done = spawnSync(
      'strace',
      ['-f', '-qq', '-o', log, '-e', 'trace=fsync,fdatasync,rename,renameat,renameat2,fchmod,fchmodat', ...effects, process.execPath, program, `${dir}/f`, JSON.stringify(options)],
      // strace counts calls per thread.
      { encoding: 'utf8', env: { ...process.env, UV_THREADPOOL_SIZE: '1' } },
    );
    try {
      const calls = fs.readFileSync(log, 'utf8').split('\n').flatMap((line) => /^\d+\s+(\w+)\(/.exec(line)?.[1] ?? []);
      return { told: JSON.parse(done.stdout), calls };
    } finally {
      fs.rmSync(log, { force: true });
    }
  }
  const syncs = (calls: string[]) => calls.filter((name) => name.startsWith('f') && name.includes('sync')).length;

  test.each([
    ['nothing is synced by default', {}, 0],
    ['syncTempFile syncs the file', { syncTempFile: true }, 1],
    ['syncParentDir syncs both', { syncParentDir: true }, 2],
    ['syncTempFile and syncParentDir sync both', { syncTempFile: true, syncParentDir: true }, 2],
  ])('%s', (_name, options, expected) => {
    const { told, calls } = traced(options);
    expect(told).toEqual({ result: { method: 'rename' }, content: 'new' });
    expect(syncs(calls)).toBe(expected);
  });

  test('a parent that is private already gets no chmod', () => {
    expect(traced({}).calls.filter((name) => name === 'fchmodat')).toEqual([]);
  });

  const busy = (when: string) => ['renameat2', 'renameat', 'rename'].map((name) => `${name}:error=EBUSY:when=${when}`);

  test('renameMaxRetries and renameRetryBaseDelayMs: a busy target is tried again, and not more often', () => {
    const options = { renameMaxRetries: 2, renameRetryBaseDelayMs: 20 };
    expect(traced(options, busy('1..2')).told).toEqual({ result: { method: 'rename' }, content: 'new' });
    expect(traced(options, busy('1+')).told).toEqual({ code: 'EBUSY', content: 'old' });
    expect(traced({}, busy('1')).told).toEqual({ code: 'EBUSY', content: 'old' });
    for (const sync of [true, false]) {
      const started = performance.now();
      expect(traced({ ...options, renameRetryBaseDelayMs: 200, sync }, busy('1..2')).told.content).toBe('new');
      expect(performance.now() - started).toBeGreaterThan(600);
    }
  });

  test('copyFallbackOnPermissionError: a target that stays busy is written in place', () => {
    expect(traced({ copyFallbackOnPermissionError: true }, busy('1+')).told).toEqual({ result: { method: 'copy-fallback' }, content: 'new' });
  });

  test('copyFallbackOnPermissionError: EPERM goes to the original, and is raw without one', () => {
    const refused = ['renameat2', 'renameat', 'rename'].map((name) => `${name}:error=EPERM:when=1+`);
    expect(traced({ copyFallbackOnPermissionError: true }, refused).told).toEqual({ code: 'EPERM', content: 'old' });
    expect(traced({ copyFallbackOnPermissionError: true, withOriginal: true }, refused).told).toEqual({ result: { method: 'copy-fallback', by: 'the original' }, content: 'old' });
    expect(traced({ withOriginal: true }, refused).told).toEqual({ code: 'EPERM', content: 'old' });
  });
});

needs('linux', 'strace')('an adapter', () => {
  const program = path.join(import.meta.dirname, '../programs/fs-safe-costs.mjs');
  const FILE_CALLS = 'openat,openat2,close,stat,lstat,fstat,newfstatat,statx,readlink,readlinkat,preadv2,readv,pread64,access,mkdirat,linkat,unlinkat,renameat,renameat2,fsync,fdatasync,fchmod,fchmodat,getxattr,fgetxattr';

  const TIMES = 20;

  /**
   * Returns the number of file-related system calls per call. It is the mean of many, because the last call of a pool
   * thread may come after a mark.
   */
  function counted(call: string): Record<string, number> {
    const dir = scratch();
    fs.writeFileSync(`${dir}/f`, 'text');
    fs.chmodSync(dir, 0o700);
    const log = `${dir}/trace`;
    const done = spawnSync('strace', ['-f', '-qq', '-o', log, '-e', `trace=${FILE_CALLS}`, process.execPath, program, call, dir, String(TIMES)], { encoding: 'utf8' });
    expect(done.stderr).toBe('');
    const text = fs.readFileSync(log, 'utf8');
    const between = text.slice(text.indexOf('/mark-begin'), text.indexOf('/mark-end')).split('\n').slice(1, -1);
    const counts: Record<string, number> = {};
    for (const line of between) {
      const name = /^\d+\s+(\w+)\(/.exec(line)?.[1];
      if (name !== undefined) counts[name] = (counts[name] ?? 0) + 1;
    }
    const means = Object.entries(counts).map(([name, count]): [string, number] => [name, Math.round(count / TIMES)]);
    return Object.fromEntries(means.filter(([, mean]) => mean > 0));
  }

  /** Counts of a verb, with some more stats through a descriptor. */
  const withStats = (verb: Record<string, number>, more: number) => {
    const plus = (name: string) => ({ [name]: (verb[name] ?? 0) + more });
    return { ...verb, ...plus('openat2'), ...plus('statx'), ...plus('close') };
  };

  test('adds to a write of a root the stat of the target, and two of the root, whose name must lead to it', () => {
    expect(counted('write of a root, by the adapter')).toEqual(withStats(counted('write of a root, by the verb'), 3));
  });

  test('adds to a read of a root the stat of the root', () => {
    expect(counted('read of a root, by the adapter')).toEqual(withStats(counted('read of a root, by the verb'), 1));
  });

  test.each([
    ['read', 0],
    ['read beneath a root', 0],
    // Compares the target with the written content.
    ['replacement', 1],
  ])('makes the system calls of its verb: %s, and %i statx', (call, more) => {
    const counts = counted(`${call}, by the adapter`);
    const { statx = 0, ...rest } = counted(`${call}, by the verb`);
    expect(counts).toEqual(statx + more === 0 ? rest : { ...rest, statx: statx + more });
    expect(Object.values(counts).reduce((sum, count) => sum + count, 0)).toBeGreaterThanOrEqual(3);
  });
});

needs('root')('remove of a root, as another user', () => {
  it.each([0o500, 0o000, 0o600])('leaves a directory with mode %o, and names the entry', async (mode) => {
    const dir = scratch();
    build(dir, ['keep/in/f: precious']);
    for (const at of ['', '/keep', '/keep/in']) fs.chownSync(dir + at, 1000, 1000);
    fs.chmodSync(dir, 0o755);
    for (const options of [{}, { mutationSymlinks: 'reject' }, { maxEntries: 100 }, { maxDepth: 9 }]) {
      fs.chmodSync(`${dir}/keep/in`, mode);
      const root = await asUser(() => plain.root(dir));
      const error = await asUser(() => root.remove('keep', { recursive: true, ...options } as never).catch((reason: unknown) => reason));
      expect(error).toMatchObject({ code: 'not-removable', details: { operation: 'remove', relativePath: expect.stringMatching(/^in(\/f)?$/) } });
      expect([modeOf(`${dir}/keep/in`), fs.readFileSync(`${dir}/keep/in/f`, 'utf8')]).toEqual([mode, 'precious']);
    }
  });
});
