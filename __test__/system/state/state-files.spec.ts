// Locks, updates and appends against other users, the lock file's own dangers, and a system that fails.
import { execFileSync, spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { acquireLock, appendRecord, appendRecordSync, openRootSync, tryLock, updateAtomic, withLock } from '../../../index.mjs';
import { build } from '../../helpers/scratch.js';
import { start } from '../../helpers/state.js';
import { asUser } from '../../helpers/sys-driver.js';
import { needs } from '../../helpers/sys-needs.js';
import { makeDir, scratch, stagedPackage } from '../../helpers/sys-scratch.js';

const quick = { durable: false } as const;

/** Runs code with the package as `h` as another user, and returns what it returns. */
function as(launcher: string[], code: string, ...args: string[]): unknown {
  const program = `
    const h = require(${JSON.stringify(join(stagedPackage(), 'index.js'))});
    const fs = require('node:fs');
    const plain = (error) => ({ code: error.code, ...(error.torn ? { torn: true } : {}) });
    const attempt = async (call) => { try { return await call(); } catch (error) { return plain(error); } };
    (async (args) => { ${code} })(process.argv.slice(1)).then((value) => console.log(JSON.stringify(value)));`;
  const [command, ...rest] = [...launcher, process.execPath, '-e', program, ...args];
  const done = spawnSync(command!, rest, { encoding: 'utf8', cwd: '/' });
  if (done.status !== 0) throw new Error(done.stderr);
  return JSON.parse(done.stdout);
}

/** Unmounts; a program that looks at all mounts may keep one busy for a moment. */
async function unmount(dir: string): Promise<void> {
  for (let tries = 0; tries < 100 && spawnSync('umount', [dir]).status !== 0; tries += 1) await new Promise((resolve) => setTimeout(resolve, 20));
}

/** Mounts a directory over itself, with `nodev`. */
function mountNodev(dir: string): void {
  execFileSync('mount', ['--bind', dir, dir]);
  onTestFinished(() => unmount(dir));
  execFileSync('mount', ['-o', 'remount,bind,nodev', dir]);
}

needs('root', 'setpriv')('lock files', () => {
  it.each([
    ['a link', (lock: string) => fs.symlinkSync('elsewhere', lock), 'symlink'],
    ['a dangling link', (lock: string) => fs.symlinkSync('nothing', lock), 'symlink'],
    ['a FIFO', (lock: string) => build(join(lock, '..'), [`${lock.split('/').pop()} |`]), 'not-file'],
    ['a socket', (lock: string) => build(join(lock, '..'), [`${lock.split('/').pop()} @`]), 'not-file'],
    ['a directory', (lock: string) => fs.mkdirSync(lock), 'not-file'],
    ['a device', (lock: string) => execFileSync('mknod', [lock, 'c', '1', '3']), 'not-file'],
    ['a device that may not be opened', (lock: string) => (execFileSync('mknod', [lock, 'c', '1', '3']), mountNodev(join(lock, '..'))), 'not-file'],
    ['another name of a file', (lock: string) => fs.linkSync(join(lock, '../elsewhere'), lock), 'hardlink'],
    ["another user's file", (lock: string) => (fs.writeFileSync(lock, ''), fs.chownSync(lock, 1234, 1234)), 'not-owned'],
  ] as const)('that are %s are refused', async (_title, exchange, code) => {
    const dir = scratch();
    const file = join(dir, 'state');
    fs.writeFileSync(join(dir, 'elsewhere'), 'outside');
    const lockFile = await withLock(file, (lock) => lock.lockFile);
    fs.rmSync(lockFile);
    exchange(lockFile);
    for (const call of [
      () => withLock(file, () => {}),
      () => tryLock(file, { shared: true }),
      () => updateAtomic(file, () => 'x', quick),
      () => appendRecord(file, 'x', quick),
      async () => appendRecordSync(file, 'x', quick),
    ]) {
      await expect(call()).rejects.toMatchObject({ code, message: expect.stringContaining(`the lock file of '${file}' ('${lockFile}') `), remedy: expect.stringContaining('lockDir') });
    }
    expect(fs.readFileSync(join(dir, 'elsewhere'), 'utf8')).toBe('outside');
    expect(fs.existsSync(file)).toBe(false);
  });

  it('that root makes belong to the owner of the directory', async () => {
    const dir = makeDir(scratch(), 'of-1000', 0o700);
    fs.chownSync(dir, 1000, 1000);
    const lockFile = await withLock(join(dir, 'state'), (lock) => lock.lockFile);
    expect(fs.statSync(lockFile)).toMatchObject({ uid: 1000, gid: 1000 });
    expect(as(asUser(1000, 1000), `return h.withLock(args[0], () => 'held')`, join(dir, 'state'))).toBe('held');
  });

  it('are shared by the users of a 2775 directory with lockMode 0660, and by nobody without', () => {
    const dir = makeDir(scratch(), 'team', 0o2775);
    fs.chownSync(dir, 0, 2000);
    fs.chmodSync(dir, 0o2775);
    const lock = `return attempt(() => h.withLock(args[0], () => 'held', { lockMode: Number(args[1]) }))`;
    expect(as(asUser(1000, 2000), lock, join(dir, 'shared'), '0o660')).toBe('held');
    expect(as(asUser(1001, 2000), lock, join(dir, 'shared'), '0o660')).toBe('held');
    expect(as(asUser(1000, 2000), lock, join(dir, 'own'), '0o600')).toBe('held');
    expect(as(asUser(1001, 2000), lock, join(dir, 'own'), '0o600')).toMatchObject({ code: 'not-owned' });
  });

  it('of another user in a sticky directory are refused by every verb, whatever their mode', () => {
    const dir = makeDir(scratch(), 'sticky', 0o1777);
    const verbs = `const options = { lockMode: 0o666, durable: false };
      return [await attempt(() => h.withLock(args[0], () => 'held', { lockMode: 0o666 })), await attempt(() => h.appendRecord(args[0], 'x', options)),
        await attempt(() => h.appendRecordSync(args[0], 'x', options)), await attempt(() => h.updateAtomic(args[0], () => 'x', options)), fs.existsSync(args[0])]`;
    const refused = expect.objectContaining({ code: 'not-owned' });
    expect(as(asUser(1000, 1000), `return h.withLock(args[0], () => 'held', { lockMode: 0o666 })`, join(dir, 'state'))).toBe('held');
    expect(as(asUser(1001, 1001), verbs, join(dir, 'state'))).toEqual([refused, refused, refused, refused, false]);
  });

  it('let two users of a 2775 directory append to one log, and update one file', () => {
    const dir = makeDir(scratch(), 'team', 0o2775);
    fs.chownSync(dir, 0, 2000);
    fs.chmodSync(dir, 0o2775);
    const verbs = `const options = { lockMode: 0o660, newFileMode: 0o660, durable: false };
      const { size, created } = await h.appendRecord(args[0], 'record', options);
      const { value } = await h.updateJson(args[1], (n) => n + 1, { ...options, ifMissing: 0 });
      return [size, created, value, (fs.statSync(args[1]).mode & 0o777).toString(8)]`;
    expect(as(asUser(1000, 2000), verbs, join(dir, 'log'), join(dir, 'count'))).toEqual([7, true, 1, '660']);
    expect(as(asUser(1001, 2000), verbs, join(dir, 'log'), join(dir, 'count'))).toEqual([14, false, 2, '660']);
  });

  it('in a directory that cannot be written are an error of the system, and lockDir helps', () => {
    const dir = makeDir(scratch(), 'theirs', 0o755);
    const locks = makeDir(scratch(), 'locks', 0o700);
    fs.chownSync(locks, 1000, 1000);
    const found = as(asUser(1000, 1000), `return [await attempt(() => h.withLock(args[0], () => 'held')), await attempt(() => h.withLock(args[0], () => 'held', { lockDir: args[1] }))]`, join(dir, 'state'), locks);
    expect(found).toEqual([{ code: 'EACCES' }, 'held']);
  });
});

describe('a holder', () => {
  it('that is stopped is not robbed, and one that is killed is missed within 100 ms', async () => {
    const file = join(scratch(), 'state');
    const holder = await start('hold', file);
    holder.child.kill('SIGSTOP');
    await expect(acquireLock(file, { timeoutMs: 300 })).rejects.toMatchObject({ code: 'lock-timeout' });
    let shortest = Infinity;
    for (let round = 0; round < 3 && shortest > 100; round += 1) {
      const next = round === 0 ? holder : await start('hold', file);
      const waiting = acquireLock(file);
      await new Promise((resolve) => setTimeout(resolve, 50));
      const killed = performance.now();
      next.child.kill('SIGKILL');
      await (await waiting).release();
      shortest = Math.min(shortest, performance.now() - killed);
    }
    expect(shortest).toBeLessThan(100);
  });

  it.each(['process.exit()', "throw new Error('uncaught')", 'terminate'])('that is a worker loses its lock at its end by %s', async (how) => {
    const file = join(scratch(), 'state');
    const code = `
      const { parentPort, workerData } = require('node:worker_threads');
      const h = require(workerData.index);
      h.acquireLock(workerData.file).then((lock) => {
        globalThis.kept = lock;
        parentPort.postMessage('held');
        parentPort.once('message', () => { ${how === 'terminate' ? '' : how} });
      });`;
    const worker = new Worker(code, { eval: true, workerData: { file, index: join(stagedPackage(), 'index.js') } });
    worker.on('error', () => {});
    await new Promise((resolve) => worker.once('message', resolve));
    expect(await tryLock(file)).toBeUndefined();
    const ended = new Promise((resolve) => worker.once('exit', resolve));
    if (how === 'terminate') await worker.terminate();
    else worker.postMessage('end');
    await ended;
    await (await acquireLock(file, { timeoutMs: 5000 })).release();
  });

  it.each([
    ['withLock', 'h.withLock(args[0], wait)'],
    ['withLock of a root', 'h.openRootSync(args[1]).withLock("state", wait)'],
    ['an update', 'h.updateAtomic(args[0], wait)'],
  ])('keeps its lock while its callback waits for what nothing refers to: %s', (_title, call) => {
    const dir = scratch();
    const found = as(['env', 'NODE_OPTIONS=--expose-gc'], `
      const warnings = [];
      process.on('warning', (warning) => warnings.push(warning.code));
      await new Promise((begun) => {
        const wait = () => { begun(); return new Promise(() => {}); };
        ${call};
      });
      for (let tries = 0; tries < 30; tries += 1) {
        gc();
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
      const other = 'require(process.argv[1]).tryLock(process.argv[2]).then((lock) => console.log(lock === undefined))';
      const { stdout } = require('node:child_process').spawnSync(process.execPath, ['-e', other, args[2], args[0]], { encoding: 'utf8' });
      return [warnings, stdout.trim()];`, join(dir, 'state'), dir, join(stagedPackage(), 'index.js'));
    expect(found).toEqual([[], 'true']);
  });

  it('needs no more memory the more calls it has planned in callbacks of earlier ones', () => {
    const grown = as(['env', 'NODE_OPTIONS=--expose-gc'], `
      const heap = async () => { for (let i = 0; i < 4; i += 1) { gc(); await new Promise((resolve) => setImmediate(resolve)); } return process.memoryUsage().heapUsed; };
      const chain = (count) => new Promise((done) => {
        const next = () => h.withLock(args[0], () => void ((count -= 1) === 0 ? done() : setImmediate(next)));
        next();
      });
      await chain(500);
      const before = await heap();
      await chain(4000);
      return await heap() - before;`, join(scratch(), 'state'));
    // A context kept for each call takes more than 400 bytes.
    expect(grown).toBeLessThan(4000 * 150);
  });

  it('that forgets its lock releases it when it is collected, with a warning', () => {
    const dir = scratch();
    const found = as(['env', 'NODE_OPTIONS=--expose-gc'], `
      const warnings = [];
      process.on('warning', (warning) => warnings.push(warning.code));
      await (async () => void (await h.acquireLock(args[0])))();
      for (let tries = 0; tries < 100 && warnings.length === 0; tries += 1) {
        gc();
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
      return [warnings, (await h.tryLock(args[0])) !== undefined];`, join(dir, 'state'));
    expect(found).toEqual([['HOLDFAST_LOCK_FORGOTTEN'], true]);
  });
});

needs('root', 'mount')('an append or update that fails', () => {
  let small: string;

  beforeAll(() => {
    small = makeDir(scratch(), 'small', 0o755);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'tmpfs', small]);
  });
  afterAll(() => unmount(small));

  it('for a full disk leaves nothing of the record', async () => {
    const file = join(small, 'log');
    await appendRecord(file, 'first', quick);
    await expect(appendRecord(file, 'x'.repeat(1 << 20), quick)).rejects.toMatchObject({ code: 'ENOSPC' });
    expect(fs.readFileSync(file, 'utf8')).toBe('first\n');
    expect(() => appendRecordSync(file, 'x'.repeat(1 << 20), quick)).toThrow(expect.objectContaining({ code: 'ENOSPC' }));
    expect(appendRecordSync(file, 'second', quick)).toMatchObject({ offset: 6, isolated: false });
  });

  it('for a full disk leaves the file of an update as it was', async () => {
    const file = join(small, 'state');
    await updateAtomic(file, () => 'first', quick);
    await expect(updateAtomic(file, () => 'x'.repeat(1 << 20), quick)).rejects.toMatchObject({ code: 'ENOSPC' });
    expect(fs.readFileSync(file, 'utf8')).toBe('first');
    await (await tryLock(file))!.release();
  });

  it('for a limit of the process leaves nothing of the record', () => {
    const file = join(scratch(), 'log');
    const found = as(['prlimit', '--fsize=1000'], `
      await h.appendRecord(args[0], 'first');
      return [await attempt(() => h.appendRecord(args[0], 'x'.repeat(2000))), await attempt(() => h.appendRecordSync(args[0], 'x'.repeat(2000))), fs.readFileSync(args[0], 'utf8')];`, file);
    expect(found).toEqual([{ code: 'EFBIG' }, { code: 'EFBIG' }, 'first\n']);
  });

  it('where nothing can be cut off says that the record is torn, and the next one isolates it', () => {
    const file = join(scratch(), 'log');
    fs.writeFileSync(file, 'first\n');
    const done = spawnSync('chattr', ['+a', file], { encoding: 'utf8' });
    // tmpfs and overlayfs have no such flag on some kernels.
    if (done.status !== 0) return;
    onTestFinished(() => void execFileSync('chattr', ['-a', file]));
    const found = as(['prlimit', '--fsize=1000'], `return [await h.appendRecord(args[0], 'second'), await attempt(() => h.appendRecord(args[0], 'x'.repeat(2000)))]`, file);
    expect(found).toEqual([expect.objectContaining({ size: 13 }), { code: 'EFBIG', torn: true }]);
    expect(appendRecordSync(file, 'third', quick)).toMatchObject({ isolated: true });
    expect(fs.readFileSync(file, 'utf8').split('\n').at(-2)).toBe('third');
  });

  it('for permissions or a read-only file system is the error of the system', async () => {
    const dir = makeDir(scratch(), 'own', 0o755);
    fs.chownSync(dir, 1000, 1000);
    fs.writeFileSync(join(dir, 'log'), 'first\n');
    fs.chownSync(join(dir, 'log'), 1000, 1000);
    fs.chmodSync(join(dir, 'log'), 0o200);
    expect(as(asUser(1000, 1000), `return attempt(() => h.appendRecord(args[0], 'x'))`, join(dir, 'log'))).toEqual({ code: 'EACCES' });
    expect(fs.readFileSync(join(dir, 'log'), 'utf8')).toBe('first\n');
    const only = makeDir(scratch(), 'only', 0o755);
    execFileSync('mount', ['--bind', dir, only]);
    onTestFinished(() => unmount(only));
    execFileSync('mount', ['-o', 'remount,bind,ro', only]);
    await expect(appendRecord(join(only, 'log'), 'x')).rejects.toMatchObject({ code: 'EROFS' });
    // A shared lock opens a lock file that exists for reading alone.
    await (await tryLock(join(only, 'log'), { shared: true }))!.release();
  });
});

describe('descriptors', () => {
  const open = (dir: string) => fs.readdirSync('/proc/self/fd').filter((fd) => {
    try {
      return fs.readlinkSync(`/proc/self/fd/${fd}`).startsWith(dir);
    } catch {
      return false;
    }
  });

  it('are kept by no append', async () => {
    const dir = scratch();
    using root = openRootSync(dir);
    for (let times = 0; times < 3; times += 1) {
      root.appendRecordSync('log', 'x', quick);
      appendRecordSync(join(dir, 'log'), 'x', quick);
      await appendRecord(join(dir, 'log'), 'x', quick);
      await expect(appendRecord(join(dir, 'missing/log'), 'x', quick)).rejects.toMatchObject({ code: 'not-found' });
    }
    // That of the root.
    expect(open(dir)).toHaveLength(1);
  });
});
