// The system calls of writeAtomicMany, and the remaining files after a failed system call.
import { join } from 'node:path';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Driver, type Request, type Value } from '../../helpers/sys-driver.js';
import { ownedDir, ownedFile } from '../../helpers/sys-layout.js';
import { needs } from '../../helpers/sys-needs.js';
import { scratch } from '../../helpers/sys-scratch.js';
import { syncsLinks } from '../../helpers/journal.js';
import { fileCalls, watch, type SystemCall } from '../../helpers/sys-strace.js';

interface Settled {
  status: 'fulfilled' | 'rejected';
  value?: Value;
  reason?: { code: string; syscall?: string; path?: string; published?: boolean };
}

function request(entries: { file: string; data: unknown; options?: object }[], options: object = {}): Request {
  return { call: 'writeAtomicMany', args: [entries, options] };
}

/**
 * Whether a call publishes a file: a rename, or a link of an unnamed file. A link to a temporary's name precedes a
 * rename.
 */
const isPublication = ({ name, args }: SystemCall): boolean => /^rename/.test(name) || (/^link/.test(name) && !/, "\.holdfast-/.test(args));
const isSync = ({ name }: SystemCall): boolean => name === 'fsync' || name === 'fdatasync';
const isOf = (path: string) => (call: SystemCall) => call.args.includes(`<${path}>`);

/** Returns the indices of those calls in the trace. */
function places(calls: SystemCall[], is: (call: SystemCall) => boolean): number[] {
  return calls.flatMap((call, at) => (is(call) ? [at] : []));
}

/** Returns the name of the temporary in its sync or its publication. */
function temporaryIn({ args }: SystemCall): string | undefined {
  return /\.holdfast-[0-9a-v]{24}\.tmp/.exec(args)?.[0];
}

/** Returns the full path under which a file is published. */
function targetOf({ args }: SystemCall): string {
  // strace shows an unnamed file as `</dir/#1234 (deleted)>`, sometimes with a further `>`.
  const [, dir = '', name = ''] = /.*<([^<>"]*)>, "([^"]*)"(?:, [A-Z_0-9|]+)?\s*$/.exec(args) ?? [];
  return join(dir, name);
}

needs('root', 'strace')('writeAtomicMany under strace', () => {
  let base: string;
  let driver: Driver;
  let count = 0;
  let dirs: string[];

  beforeAll(async () => {
    base = scratch();
    driver = await Driver.start();
  });

  beforeEach(() => {
    dirs = Array.from({ length: 3 }, () => ownedDir(base, `d${count++}`, 0, 0, 0o700));
  });

  async function callsOf(entries: { file: string; data: unknown; options?: object }[], options?: object): Promise<SystemCall[]> {
    await driver.must(request([{ file: join(base, 'warm-up'), data: 'x' }]));
    const { answer, calls } = await watch(driver, { ...request(entries, options), marked: true });
    expect((answer.value as Settled[]).map(({ status }) => status)).toEqual(entries.map(() => 'fulfilled'));
    return fileCalls(calls);
  }

  it.each([
    ['one file', 1, 1],
    ['64 files in one directory', 64, 1],
    ['60 files in three directories', 60, 3],
  ])('%s: every file is synced, then every one published, then each directory synced once', async (_title, files, inDirs) => {
    const entries = Array.from({ length: files }, (_, n) => ({ file: join(dirs[n % inDirs]!, `f${n}`), data: `content ${n}` }));
    for (const { file } of entries.slice(0, files / 2)) await driver.fs('writeFileSync', file, 'old');
    const calls = await callsOf(entries, { mode: 0o600 });
    const published = places(calls, isPublication);
    const syncs = places(calls, isSync);
    expect(published).toHaveLength(files);
    expect(new Set(published.map((at) => targetOf(calls[at]!)))).toEqual(new Set(entries.map(({ file }) => file)));
    expect(syncs).toHaveLength(files + inDirs);
    // A replacement gets the name for its rename after all syncs; without a journal each file gets one before its own sync.
    const named = places(calls, ({ name, args }) => /^link/.test(name) && temporaryIn({ args } as SystemCall) !== undefined);
    expect(named).toHaveLength(syncsLinks(base) ? Math.floor(files / 2) : files);
    const first = Math.min(...published, ...(syncsLinks(base) ? named : []));
    const last = published.at(-1)!;
    expect(syncs.filter((at) => at < first)).toHaveLength(files);
    for (const dir of dirs.slice(0, inDirs)) {
      const ofDir = places(calls, (call) => isSync(call) && isOf(dir)(call));
      expect(ofDir).toHaveLength(1);
      expect(ofDir[0]).toBeGreaterThan(last);
    }
    // Afterwards descriptors are inspected, synced and closed, and no name is used, except to verify a temporary that had a
    // name for long.
    const allowed = /^(fsync|fdatasync|close)\(|^(newfstatat|statx)\(\d+<.*>, "", |^fstat\(/;
    const verification = /^newfstatat\(\d+<.*>, "f\d+", .*AT_SYMLINK_NOFOLLOW/;
    for (const { text } of calls.slice(last + 1)) expect(text).toMatch(!syncsLinks(base) && verification.test(text) ? verification : allowed);
  });

  it('nothing of it happens on the main thread', async () => {
    const calls = await callsOf(Array.from({ length: 20 }, (_, n) => ({ file: join(dirs[0]!, `f${n}`), data: 'x' })));
    expect(calls.length).toBeGreaterThan(20 * 7);
    expect(calls.filter(({ tid }) => tid === driver.pid)).toEqual([]);
  });

  it('more files than are under way at once: a directory is synced once for each 64 of them at the most', async () => {
    const calls = await callsOf(Array.from({ length: 200 }, (_, n) => ({ file: join(dirs[0]!, `f${n}`), data: 'x' })));
    const ofDir = places(calls, (call) => isSync(call) && isOf(dirs[0]!)(call));
    expect(ofDir.length).toBeLessThanOrEqual(4);
    expect(ofDir.at(-1)).toBeGreaterThan(places(calls, isPublication).at(-1)!);
    expect(places(calls, isSync)).toHaveLength(200 + ofDir.length);
  });

  it.each([
    ['not durable: nothing is synced', false, 0],
    ["durable: 'file': the files, and no directory", 'file', 12],
  ])('%s', async (_title, durable, expected) => {
    const calls = await callsOf(Array.from({ length: 12 }, (_, n) => ({ file: join(dirs[0]!, `f${n}`), data: 'x' })), { durable });
    expect(places(calls, isSync)).toHaveLength(expected);
    expect(places(calls, (call) => isSync(call) && isOf(dirs[0]!)(call))).toEqual([]);
  });

  it('only the directories of durable entries are synced', async () => {
    const entries = Array.from({ length: 9 }, (_, n) => ({ file: join(dirs[n % 3]!, `f${n}`), data: 'x', options: { durable: [true, false, 'file'][n % 3] } }));
    const calls = await callsOf(entries);
    expect(dirs.map((dir) => places(calls, (call) => isSync(call) && isOf(dir)(call)).length)).toEqual([1, 0, 0]);
    expect(places(calls, isSync)).toHaveLength(3 + 3 + 1);
  });

  it('a directory made for them is synced after the last of its files, and its own parent too', async () => {
    const made = join(dirs[0]!, 'made');
    const calls = await callsOf(Array.from({ length: 5 }, (_, n) => ({ file: join(made, `f${n}`), data: 'x' })), { mkdir: true });
    const lastRename = places(calls, isPublication).at(-1)!;
    expect(places(calls, (call) => isSync(call) && isOf(made)(call)).filter((at) => at > lastRename)).toHaveLength(1);
    expect(places(calls, (call) => isSync(call) && isOf(dirs[0]!)(call)).length).toBeGreaterThan(0);
  });

  it.each([
    ['fsync', 'fsync'],
    ['renameat', 'rename'],
    ['close', 'close'],
  ])('where a %s fails, that entry has EIO and its old content, the others are written, and no temporary is left', async (syscall, shown) => {
    const dir = dirs[0]!;
    const files = Array.from({ length: 40 }, (_, n) => ownedFile(dir, `f${n}`, 0, 0, 0o600));
    const before = await driver.descriptors();
    // Each thread counts its own calls. A write makes two to four closes, or six when it takes long: every fifth is each
    // of them in turn. A close of a file other than a temporary is unchecked and harmless.
    const inject = [{ syscall, effect: 'error=EIO', when: syscall === 'close' ? '1+5' : 2 }];
    const { answer } = await watch(driver, request(files.map((file) => ({ file, data: 'new' }))), { inject });
    const settled = answer.value as Settled[];
    for (const [n, { status, reason }] of settled.entries()) {
      const isNew = status === 'fulfilled' || reason?.code === 'not-durable';
      if (!isNew) expect(reason).toMatchObject({ code: 'EIO', syscall: shown });
      expect(await driver.fs('readFileSync', files[n]!, 'utf8'), `${n}: ${JSON.stringify(reason)}`).toBe(isNew ? 'new' : 'old');
    }
    expect(settled.some(({ status }) => status === 'rejected')).toBe(true);
    expect(await driver.fs('readdirSync', dir)).toHaveLength(40);
    // strace does not execute a close whose result it injects.
    if (syscall !== 'close') expect(await driver.descriptors()).toBe(before);
  });

  it('where the sync of a directory fails, its entries are published, and report that they are not durable', async () => {
    const single = await Driver.start({ env: { UV_THREADPOOL_SIZE: '1' } });
    const file = join(dirs[0]!, 'f');
    await single.must(request([{ file: join(base, 'warm-up'), data: 'x' }]));
    const thread = await single.poolThread();
    const { answer } = await watch(single, request([{ file, data: 'new' }]), { thread, inject: [{ syscall: 'fsync', effect: 'error=EIO', when: 2 }] });
    expect(answer.value).toMatchObject([{ status: 'rejected', reason: { code: 'not-durable', published: true, path: file } }]);
    expect(await single.fs('readFileSync', file, 'utf8')).toBe('new');
  });
});

needs('root', 'unshare', 'mount')('writeAtomicMany on a file system that fills up', () => {
  it('each entry is completely old or new, and reports which; the same call works after space is freed', async () => {
    const dir = scratch();
    const driver = await Driver.start({ launcher: ['unshare', '--mount', '--propagation', 'private'] });
    await driver.exec('mount', '-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', dir);
    const filler = join(dir, 'filler');
    await driver.fs('writeFileSync', filler, Buffer.alloc(700 << 10));
    const names = Array.from({ length: 30 }, (_, n) => `f${n}`);
    for (const name of names.slice(0, 15)) await driver.fs('writeFileSync', join(dir, name), 'old');
    const before = await driver.descriptors();
    const text = (n: number): string => String(n).padEnd(100 << 10, 'x');
    const call = request(names.map((name, n) => ({ file: join(dir, name), data: text(n) })), { mode: 0o600 });
    const settled = (await driver.must(call)) as Settled[];
    expect(settled.filter(({ status }) => status === 'fulfilled').length).toBeGreaterThan(5);
    expect(settled.filter(({ status }) => status === 'rejected').length).toBeGreaterThan(5);
    for (const [n, { status, reason }] of settled.entries()) {
      const file = join(dir, names[n]!);
      if (status === 'fulfilled') {
        expect(await driver.fs('readFileSync', file, 'utf8')).toBe(text(n));
      } else {
        expect(reason).toMatchObject({ code: 'ENOSPC', syscall: 'write', path: file });
        expect(await driver.fs('existsSync', file)).toBe(n < 15);
        if (n < 15) expect(await driver.fs('readFileSync', file, 'utf8')).toBe('old');
      }
    }
    const left = (await driver.fs('readdirSync', dir)) as string[];
    expect(left.filter((name) => name !== 'filler' && !names.includes(name))).toEqual([]);
    expect(await driver.descriptors()).toBe(before);

    for (const name of left) await driver.fs('unlinkSync', join(dir, name));
    const again = (await driver.must(request(names.slice(0, 15).map((name, n) => ({ file: join(dir, name), data: text(n) }))))) as Settled[];
    expect(again.every(({ status }) => status === 'fulfilled')).toBe(true);
  });
});

describe.runIf(process.platform === 'linux')('writeAtomicMany with few descriptors', () => {
  it.each([40, 64, 128])('%i of them: each entry is old or new and says which, and none leaks', async (limit) => {
    const driver = await Driver.start({ launcher: ['sh', '-c', `ulimit -n ${limit}; exec "$@"`, 'sh'] });
    const dir = scratch();
    const files = Array.from({ length: 64 }, (_, n) => ownedFile(dir, `f${n}`, process.getuid!(), process.getgid!(), 0o600));
    await driver.must(request([{ file: join(dir, 'f0'), data: 'old' }]));
    const before = await driver.descriptors();
    const settled = (await driver.must(request(files.map((file) => ({ file, data: 'new' })), { durable: false }))) as Settled[];
    for (const [n, { status, reason }] of settled.entries()) {
      if (status === 'rejected') expect(reason).toMatchObject({ code: 'EMFILE', syscall: 'open', path: files[n] });
      expect(await driver.fs('readFileSync', files[n]!, 'utf8')).toBe(status === 'fulfilled' ? 'new' : 'old');
    }
    expect(settled.some(({ status }) => status === 'fulfilled')).toBe(true);
    expect(await driver.fs('readdirSync', dir)).toHaveLength(64);
    expect(await driver.descriptors()).toBe(before);
  });
});
