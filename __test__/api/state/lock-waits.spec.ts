import * as fs from 'node:fs';
import * as path from 'node:path';
import { describe, expect, it } from 'vitest';
import { acquireLock, appendRecord, appendRecordSync, tryLock, updateAtomic, withLock } from '../../../index.mjs';
import { scratch, scratchInMemory } from '../../helpers/scratch.js';
import { start } from '../../helpers/state.js';

scratchInMemory();

const quick = { durable: false } as const;

const busy = (ms: number) => {
  const end = performance.now() + ms;
  while (performance.now() < end);
};

describe('timeoutMs', () => {
  it('ends no call for a free lock, however short it is', async () => {
    const dir = scratch();
    for (let index = 0; index < 150; index += 1) {
      const file = path.join(dir, `f${index}`);
      const timeoutMs = [0.001, 1, 2][index % 3]!;
      await withLock(file, () => {}, { timeoutMs });
      await appendRecord(file, 'x'.repeat(index % 5 === 0 ? 100_000 : 1), { ...quick, timeoutMs });
      await updateAtomic(file, () => 'x', { ...quick, timeoutMs });
    }
  });

  it.each([
    ['tryLock', (file: string) => tryLock(file, { shared: true })],
    ['acquireLock', (file: string) => acquireLock(file, { shared: true, timeoutMs: 0 })],
  ])('ends no %s of a shared lock that others share or ask for', async (_verb, call) => {
    const file = path.join(scratch(), 'state');
    for (let index = 0; index < 20; index += 1) {
      const held = index % 2 ? [await acquireLock(file, { shared: true })] : [];
      const others = await Promise.all([call(file), call(file), call(file), call(file)]);
      expect(others.every((lock) => lock !== undefined)).toBe(true);
      await expect(tryLock(file)).resolves.toBeUndefined();
      for (const lock of [...held, ...others]) await lock!.release();
    }
  });

  it('gives one of several exclusive locks that are asked for at once', async () => {
    const file = path.join(scratch(), 'state');
    for (let index = 0; index < 20; index += 1) {
      const locks = await Promise.all([tryLock(file), tryLock(file, { shared: true }), tryLock(file)]);
      expect(locks.map((lock) => lock !== undefined)).toEqual([true, false, false]);
      await locks[0]!.release();
    }
  });

  it.each(['tryLock', 'acquireLock', 'appendRecord', 'updateAtomic'] as const)('ends no %s right after a call that was aborted', async (verb) => {
    const file = path.join(scratch(), 'state');
    const calls = {
      tryLock: async () => (await tryLock(file))!.release(),
      acquireLock: async () => (await acquireLock(file, { timeoutMs: 0 })).release(),
      appendRecord: () => appendRecord(file, 'x', { ...quick, timeoutMs: 0 }),
      updateAtomic: () => updateAtomic(file, () => 'x', { ...quick, timeoutMs: 0 }),
    };
    for (let index = 0; index < 40; index += 1) {
      const abort = new AbortController();
      const { signal } = abort;
      const aborted = index % 2 ? appendRecord(file, 'x', { ...quick, signal }) : acquireLock(file, { signal });
      abort.abort();
      // An append whose write has begun succeeds.
      await aborted.catch((error: Error) => expect(error.name).toBe('AbortError'));
      await calls[verb]();
    }
  });

  it.each(['tryLock', 'acquireLock', 'appendRecord', 'updateAtomic'] as const)('lets timers run between calls of %s that are made in a loop', async (verb) => {
    const file = path.join(scratch(), 'state');
    const lock = await acquireLock(file);
    let isOver = false;
    setTimeout(() => (isOver = true), 20);
    const calls = {
      tryLock: () => tryLock(file),
      acquireLock: () => acquireLock(file, { timeoutMs: 0 }),
      appendRecord: () => appendRecord(file, 'x', { ...quick, timeoutMs: 0 }),
      updateAtomic: () => updateAtomic(file, () => 'x', { ...quick, timeoutMs: 0 }),
    };
    const until = performance.now() + 2000;
    while (!isOver && performance.now() < until) await calls[verb]().catch(() => {});
    expect(isOver).toBe(true);
    await lock.release();
  });

  it('counts no time in which this thread was busy', async () => {
    const dir = scratch();
    const file = path.join(dir, 'log');
    const calls = [0, 1].map((index) => appendRecord(file, String(index), { ...quick, timeoutMs: 10 }));
    busy(30);
    await Promise.all(calls);
    expect(fs.readFileSync(file, 'utf8')).toBe('0\n1\n');
  });

  it('leaves no record in the file when it has ended an append', async () => {
    const file = path.join(scratch(), 'log');
    const holder = await start('hold', file);
    const failed = await Promise.allSettled([1, 5, 20].map((timeoutMs) => appendRecord(file, 'x', { ...quick, timeoutMs })));
    expect(failed.map((result) => result.status === 'rejected' && (result.reason as { code: string }).code)).toEqual(['lock-timeout', 'lock-timeout', 'lock-timeout']);
    expect(() => appendRecordSync(file, 'x', { ...quick, timeoutMs: 5 })).toThrow(expect.objectContaining({ code: 'lock-timeout' }));
    holder.child.kill('SIGKILL');
    await appendRecord(file, 'y', quick);
    expect(fs.readFileSync(file, 'utf8')).toBe('y\n');
  });
});

describe('signal', () => {
  it('leaves an append that rejects out of the file, and lets one that is written succeed', async () => {
    const dir = scratch();
    const outcomes = new Set<string>();
    for (let index = 0; index < 60; index += 1) {
      const file = path.join(dir, `log${index}`);
      const abort = new AbortController();
      const appended = appendRecord(file, 'x'.repeat(200_000), { ...quick, signal: abort.signal });
      if (index % 2 === 0) setImmediate(() => abort.abort());
      else abort.abort();
      const outcome = await appended.then(() => 'written', (error: Error) => error.name);
      const size = fs.existsSync(file) ? fs.statSync(file).size : 0;
      expect(size, outcome).toBe(outcome === 'written' ? 200_001 : 0);
      outcomes.add(outcome);
    }
    expect(outcomes).toContain('AbortError');
  });

  it('ends the wait of an append behind a holder at once', async () => {
    const file = path.join(scratch(), 'log');
    const lock = await acquireLock(file);
    const abort = new AbortController();
    const appended = appendRecord(file, 'x', { signal: abort.signal });
    abort.abort(new Error('enough'));
    await expect(appended).rejects.toThrow('enough');
    await lock.release();
    expect(fs.existsSync(file)).toBe(false);
  });
});

describe('a nested call', () => {
  it.each(['appendRecord', 'appendRecordSync', 'updateAtomic', 'withLock'] as const)('of %s is found by every spelling of lockDir', async (verb) => {
    const dir = scratch();
    const file = path.join(dir, 'state');
    const lockDir = path.join(dir, 'locks');
    fs.mkdirSync(lockDir);
    fs.symlinkSync('locks', path.join(dir, 'link'));
    const calls = {
      appendRecord: (given: string) => appendRecord(file, 'x', { lockDir: given, timeoutMs: 2000 }),
      appendRecordSync: async (given: string) => appendRecordSync(file, 'x', { lockDir: given, timeoutMs: 2000 }),
      updateAtomic: (given: string) => updateAtomic(file, () => 'x', { lockDir: given, timeoutMs: 2000 }),
      withLock: (given: string) => withLock(file, () => 1, { lockDir: given, timeoutMs: 2000 }),
    };
    await withLock(file, async () => {
      for (const again of [lockDir, `${lockDir}/`, `${dir}/./locks`, path.join(dir, 'link')]) {
        await expect(calls[verb](again), again).rejects.toMatchObject({ code: 'ERR_INVALID_STATE' });
      }
    }, { lockDir });
    await calls[verb](lockDir);
  });

  it.each(['withLock', 'acquireLock'] as const)('of appendRecordSync is found where a link to a known directory appeared: %s', async (verb) => {
    const dir = scratch();
    fs.mkdirSync(path.join(dir, 'real'));
    const append = () => appendRecordSync(path.join(dir, 'real/log'), 'x', { timeoutMs: 1000 });
    await withLock(path.join(dir, 'real/other'), () => 1);
    fs.symlinkSync('real', path.join(dir, 'link'));
    if (verb === 'withLock') {
      await expect(withLock(path.join(dir, 'link/log'), append)).rejects.toMatchObject({ code: 'ERR_INVALID_STATE' });
    } else {
      const lock = await acquireLock(path.join(dir, 'link/log'));
      expect(append).toThrow(expect.objectContaining({ code: 'ERR_INVALID_STATE' }));
      await lock.release();
    }
    expect(append().size).toBe(2);
  });

  it('is possible once the callback has released its lock', async () => {
    const file = path.join(scratch(), 'state');
    expect(await withLock(file, async (lock) => {
      await lock.release();
      return withLock(file, () => 'again');
    })).toBe('again');
  });
});
