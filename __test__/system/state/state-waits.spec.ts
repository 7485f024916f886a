// Waits of locks, updates and appends that must end in time, and what a killed process leaves of a lock file.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { performance as clock } from 'node:perf_hooks';
import { createInterface } from 'node:readline';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { appendRecord, appendRecordSync, updateAtomic, updateJson, withLock } from '../../../index.mjs';
import { start } from '../../helpers/state.js';
import { asUser, type Request } from '../../helpers/sys-driver.js';
import { FaultyDriver, Killed, numbered } from '../../helpers/sys-fault.js';
import { needs } from '../../helpers/sys-needs.js';
import { buildC, makeDir, repository, scratch, stagedPackage } from '../../helpers/sys-scratch.js';

const quick = { durable: false } as const;
const elapsed = clock.now.bind(clock);

/** Runs code with the package as `h` in another process. It prints what the code returns. */
function program(code: string, from = repository): string {
  return `
    const h = require(${JSON.stringify(join(from, 'index.js'))});
    const fs = require('node:fs');
    const attempt = async (call) => { try { return await call(); } catch (error) { return { code: error.code, message: error.message }; } };
    (async (args) => { ${code} })(process.argv.slice(1)).then((value) => console.log(JSON.stringify(value)));`;
}

needs('gcc')('an update of a file on which another program holds a lock', () => {
  async function locked(kind: 'r' | 'w'): Promise<string> {
    const file = join(scratch(), 'state.json');
    fs.writeFileSync(file, '1');
    const holder = spawn(buildC('hold-lock'), [file, kind], { stdio: ['pipe', 'pipe', 'inherit'] });
    onTestFinished(() => void holder.stdin.end());
    await once(createInterface({ input: holder.stdout }), 'line');
    return file;
  }
  const count = (file: string, options = {}) => updateJson<number>(file, (n) => n + 1, { ifMissing: 0, ...quick, ...options });

  it('fails with lock-timeout after a second, which names the cause, and leaves the pool to others', async () => {
    const file = await locked('w');
    const began = elapsed();
    const updates = Array.from({ length: 8 }, (_, n) => count(n === 0 ? file : `${file}-${n}`));
    await fs.promises.readFile(file);
    const readAfter = elapsed() - began;
    await expect(updates[0]).rejects.toMatchObject({ code: 'lock-timeout', sysCode: 'EBUSY', path: file, message: expect.stringContaining('another program holds a lock (fcntl or lockf)') });
    expect(elapsed() - began).toBeLessThan(5000);
    expect(readAfter).toBeLessThan(5000);
    await Promise.all(updates.slice(1));
    expect(fs.readFileSync(file, 'utf8')).toBe('1');
  });

  it('ends at once when its signal aborts, and publishes nothing', async () => {
    const file = await locked('w');
    const controller = new AbortController();
    const update = count(file, { signal: controller.signal });
    setTimeout(() => controller.abort(new Error('mine')), 200);
    await expect(update).rejects.toThrow('mine');
    expect(fs.readFileSync(file, 'utf8')).toBe('1');
  });

  it('publishes where that lock is a shared one', async () => {
    expect((await count(await locked('r'))).value).toBe(2);
  });
});

describe('a wait', () => {
  it.each(['withLock', 'appendRecord', 'appendRecordSync'])('of %s does not count the time for which the process was stopped', async (verb) => {
    const file = join(scratch(), 'state');
    await start('hold', file);
    const code = `
      const options = { timeoutMs: 1500, durable: false };
      console.log('asks');
      const { code } = await attempt(() => args[1] === 'withLock' ? h.withLock(args[0], () => {}, { timeoutMs: 1500 }) : h[args[1]](args[0], 'x', options));
      return code`;
    const child = spawn(process.execPath, ['-e', program(code), file, verb], { stdio: ['ignore', 'pipe', 'inherit'] });
    onTestFinished(() => void child.kill('SIGKILL'));
    const lines = createInterface({ input: child.stdout });
    await once(lines, 'line');
    await new Promise((resolve) => setTimeout(resolve, 300));
    child.kill('SIGSTOP');
    await new Promise((resolve) => setTimeout(resolve, 2500));
    const began = elapsed();
    child.kill('SIGCONT');
    expect(await once(lines, 'line')).toEqual(['"lock-timeout"']);
    // Of 1,500 ms at least 1,000 are left, and they were over while it was stopped.
    const left = elapsed() - began;
    expect(left).toBeGreaterThan(700);
    // The 2,500 ms of the stop are not waited for again.
    expect(left).toBeLessThan(2300);
  });

  it('does not count the time for which the thread was busy', async () => {
    const file = join(scratch(), 'state');
    await start('hold', file);
    const waiting = withLock(file, () => {}, { timeoutMs: 1000 }).catch((error) => error);
    await new Promise((resolve) => setTimeout(resolve, 100));
    const until = elapsed() + 1500;
    while (elapsed() < until);
    const began = elapsed();
    expect((await waiting).code).toBe('lock-timeout');
    expect(elapsed() - began).toBeGreaterThan(500);
  });

  it.each([0, 10])('does not count the time for which the thread was busy from %i ms after the call', async (pause) => {
    const file = join(scratch(), 'state');
    const holder = await start('hold', file);
    const waiting = withLock(file, () => 'called', { timeoutMs: 600 }).catch((error) => error);
    if (pause > 0) await new Promise((resolve) => setTimeout(resolve, pause));
    const until = elapsed() + 1200;
    while (elapsed() < until);
    setTimeout(() => holder.child.kill('SIGKILL'), 200);
    expect(await waiting).toBe('called');
  });

  it('takes a lock that became free while the thread was busy, however short its limit is', async () => {
    const file = join(scratch(), 'state');
    const holder = await start('hold', file);
    // The answer to the first question waits in the event loop, and is old when it is read.
    const waiting = withLock(file, () => 'called', { timeoutMs: 30 }).catch((error) => error);
    holder.child.kill('SIGKILL');
    const until = elapsed() + 500;
    while (elapsed() < until);
    expect(await waiting).toBe('called');
  });

  it('ends while the thread is busy again and again', async () => {
    const file = join(scratch(), 'state');
    await start('hold', file);
    const began = elapsed();
    let isOver = false;
    const waiting = withLock(file, () => {}, { timeoutMs: 300 }).catch((error) => error).finally(() => void (isOver = true));
    while (!isOver && elapsed() - began < 8000) {
      const until = elapsed() + 150;
      while (elapsed() < until);
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    expect(isOver).toBe(true);
    expect((await waiting).code).toBe('lock-timeout');
  });

  it('ends also when fake timers have stopped the clock', async () => {
    const file = join(scratch(), 'log');
    await start('hold', file);
    vi.useFakeTimers();
    onTestFinished(() => void vi.useRealTimers());
    const began = elapsed();
    expect(() => appendRecordSync(file, 'x', { ...quick, timeoutMs: 200 })).toThrow(expect.objectContaining({ code: 'lock-timeout' }));
    await expect(appendRecord(file, 'x', { ...quick, timeoutMs: 200 })).rejects.toMatchObject({ code: 'lock-timeout' });
    expect(elapsed() - began).toBeLessThan(5000);
  });

  it('for a lock that another copy of the package holds in the same thread names that cause', () => {
    const code = `
      for (const file of Object.keys(require.cache)) delete require.cache[file];
      const other = require(${JSON.stringify(join(repository, 'index.js'))});
      const short = { timeoutMs: 100, durable: false };
      return h.withLock(args[0], async () => [
        await attempt(() => other.withLock(args[0], () => 'held', { timeoutMs: 100 })),
        await attempt(() => other.appendRecordSync(args[0], 'x', short)),
        await attempt(() => h.appendRecordSync(args[0], 'x', short)),
      ])`;
    const done = spawnSync(process.execPath, ['-e', program(code), join(scratch(), 'state')], { encoding: 'utf8' });
    const [lock, append, own] = JSON.parse(done.stdout);
    for (const { code, message } of [lock, append]) {
      expect(code).toBe('lock-timeout');
      expect(message).toContain('by another copy of holdfast');
    }
    // The advice for the same copy: the asynchronous form would wait for itself too.
    expect(own).toMatchObject({ code: 'ERR_INVALID_STATE', message: expect.stringContaining('append after the callback') });
  });
});

describe('a lock file', () => {
  it('that gets a second name while it is held, as by a backup, is not lost', async () => {
    const file = join(scratch(), 'state');
    await updateAtomic(file, () => 'first', quick);
    const lockFile = await withLock(file, (lock) => lock.lockFile);
    await withLock(file, () => fs.linkSync(lockFile, `${lockFile}.backup`));
    fs.rmSync(`${lockFile}.backup`);
    await updateAtomic(file, () => (fs.linkSync(lockFile, `${lockFile}.backup`), 'second'), quick);
    expect(fs.readFileSync(file, 'utf8')).toBe('second');
    // The next holder could write into a file of another name.
    await expect(withLock(file, () => {})).rejects.toMatchObject({ code: 'hardlink' });
  });

  needs('root', 'setpriv')('of a shared directory', () => {
    const member = (user: number): string[] => ['setpriv', `--reuid=${user}`, `--regid=${user}`, '--groups=2000', '--inh-caps=-all', '--bounding-set=-all'];

    it('has the group of the directory with lockMode 0660, also without setgid', () => {
      const dir = makeDir(scratch(), 'team', 0o770);
      fs.chownSync(dir, 0, 2000);
      fs.chmodSync(dir, 0o770);
      fs.chmodSync(join(dir, '..'), 0o755);
      const code = program(`return h.withLock(args[0], (lock) => { const { gid, mode } = fs.statSync(lock.lockFile); return [gid, (mode & 0o777).toString(8)]; }, { lockMode: 0o660 })`, stagedPackage());
      for (const user of [1002, 1003]) {
        const [command, ...args] = [...member(user), process.execPath, '-e', code, join(dir, 'state')];
        const done = spawnSync(command!, args, { encoding: 'utf8', cwd: '/' });
        expect(done.stderr).toBe('');
        expect(JSON.parse(done.stdout)).toEqual([2000, '660']);
      }
    });
  });

  needs('root', 'gcc', 'setpriv')('whose creation by root is killed at any system call', () => {
    const held = program(`return h.withLock(args[0], () => 'held')`, stagedPackage());
    const dirOf = (base: string, name: string): string => {
      const dir = makeDir(base, name, 0o700);
      fs.chownSync(dir, 1000, 1000);
      return dir;
    };
    const append = (dir: string): Request => ({ call: 'appendRecord', args: [join(dir, 'log'), 'x', quick] });

    it('locks the owner of the directory out in no case', { timeout: 120_000 }, async () => {
      const base = scratch();
      const counting = await FaultyDriver.start();
      await counting.driver.must(append(dirOf(base, 'warm-up')));
      const { calls } = await counting.ask(append(dirOf(base, 'counted')));
      await counting.driver.end();
      const first = calls.findIndex(({ args }) => args.includes('.lock'));
      expect(first).toBeGreaterThanOrEqual(0);
      let killed = 0;
      for (const { name, number } of numbered(calls).slice(0, first + 12)) {
        const dir = dirOf(base, `${name}-${number}`);
        const faulty = await FaultyDriver.start();
        await expect(faulty.ask(append(dir), `${name}#${number}:kill`), `${name}#${number}`).rejects.toBeInstanceOf(Killed);
        killed += 1;
        const [command, ...args] = [...asUser(1000, 1000), process.execPath, '-e', held, join(dir, 'log')];
        expect(spawnSync(command!, args, { encoding: 'utf8', cwd: '/' }).stdout, `killed before ${name} #${number}: ${fs.readdirSync(dir)}`).toBe('"held"\n');
      }
      expect(killed).toBeGreaterThan(10);
    });
  });
});
