// A file system with quirks of real ones: one byte at a time, errors at close, a chmod without effect, delays.
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Driver, verbRequest } from '../../helpers/sys-driver.js';
import { both } from '../../helpers/sys-layout.js';
import { needs } from '../../helpers/sys-needs.js';
import { buildC, scratch } from '../../helpers/sys-scratch.js';

const withFuse = needs('root', 'unshare', 'gcc', '/dev/fuse');

/** Starts a driver in a mount namespace, and mounts a directory with these quirks. */
async function onOddFs(...habits: string[]): Promise<{ driver: Driver; dir: string }> {
  const dir = scratch();
  const launcher = ['unshare', '--mount', '--propagation', 'private', buildC('odd-fs'), dir, habits.join(',')];
  return { driver: await Driver.start({ launcher }), dir };
}

withFuse('a file system that reads and writes one byte at a time', () => {
  it.each(both)('is written whole and read whole (%s)', async (how) => {
    const { driver, dir } = await onOddFs('short-reads', 'short-writes');
    const file = join(dir, 'file');
    const content = Array.from({ length: 300 }, (_, n) => String.fromCharCode(97 + (n % 26))).join('');
    expect((await driver.verb(how, 'writeAtomic', file, content)).value).toMatchObject({ size: 300, created: true });
    expect((await driver.fs('readFileSync', file)).toString()).toBe(content);
    expect(String((await driver.verb(how, 'readLocalFileSafely', file)).value.buffer)).toBe(content);
    const exact = await driver.verb(how, 'readLocalFileSafely', { filePath: file, maxBytes: 300 });
    expect(String(exact.value.buffer)).toBe(content);
    expect((await driver.verb(how, 'readLocalFileSafely', { filePath: file, maxBytes: 299 })).error?.code).toBe('too-large');
  });
});

withFuse('a file system that reports a full disk at close', () => {
  it.each(both)('the close is checked: nothing is published, nothing left behind (%s)', async (how) => {
    const { driver, dir } = await onOddFs('close-fails');
    const file = join(dir, 'file');
    // The first call of a process opens procfs, and keeps it open.
    await driver.verb(how, 'writeAtomic', file, 'content');
    const before = await driver.descriptors();
    const { error } = await driver.verb(how, 'writeAtomic', file, 'content');
    expect(error).toMatchObject({ isHoldfastError: false, type: 'Error', code: 'ENOSPC', errno: -28, syscall: 'close', path: file });
    expect(await driver.fs('readdirSync', dir)).toEqual([]);
    expect(await driver.descriptors()).toBe(before);
  });
});

withFuse('a file system that cannot sync directories', () => {
  it.each(both)('a write succeeds and reports that it is not durable (%s)', async (how) => {
    const { driver, dir } = await onOddFs('sync-dir-refused');
    const file = join(dir, 'file');
    expect((await driver.verb(how, 'writeAtomic', file, 'content')).value).toMatchObject({ created: true, durable: false });
    expect((await driver.verb(how, 'writeAtomic', file, 'content', { durable: 'file' })).value).toMatchObject({ durable: 'file' });
    expect((await driver.verb(how, 'writeAtomic', join(dir, 'a', 'b'), 'x', { mkdir: true })).value).toMatchObject({ durable: false });
  });
});

withFuse('a file system whose chmod answers success and does nothing', () => {
  it.each(both)('a directory is not private, whatever chmod returned (%s)', async (how) => {
    const { driver, dir } = await onOddFs('chmod-ignored');
    const open = join(dir, 'open');
    await driver.fs('mkdirSync', open, 0o755);
    expect((await driver.verb(how, 'ensureDir', open)).value).toMatchObject({
      hardening: 'tolerated',
      reason: 'no-effect',
      isPrivate: false,
      mode: 0o755,
    });
    expect(await driver.warnings()).toHaveLength(1);
    expect((await driver.verb(how, 'ensureDir', open, { existing: 'require' })).error?.code).toBe('insecure-permissions');
  });

  it.each(both)('a file is written, and its mode is reported as it is (%s)', async (how) => {
    const { driver, dir } = await onOddFs('chmod-ignored');
    const file = join(dir, 'file');
    const { value } = await driver.verb(how, 'writeAtomic', file, 'content', { mode: 0o640 });
    expect(value.size).toBe(7);
    expect(value.mode).toBe((await driver.fs('statSync', file)).mode & 0o7777);
  });
});

withFuse('a file system that takes as long as it likes', () => {
  describe.each(['slow-open', 'slow-close'])('for anything that is a %s', (habit) => {
    it.each([
      ['readLocalFileSafely', 'file'],
      ['openLocalFileSafely', 'file'],
      ['ensureDir', 'dir'],
      ['ensureDir', 'new'],
      ['writeAtomic', 'file'],
    ] as const)('does not stop the event loop: %s of a %s', async (verb, name) => {
      const { driver, dir } = await onOddFs(habit);
      await driver.fs('writeFileSync', join(dir, 'file'), 'content');
      await driver.fs('mkdirSync', join(dir, 'dir'));
      const args = [join(dir, name), ...(verb === 'writeAtomic' ? ['new content'] : [])];
      await driver.must({ call: 'capabilities', args: [] });
      writeFileSync(`${dir}.slow`, '');
      // A read may run on the main thread once its mount is known to be local: this mount never is.
      const rounds = verb === 'readLocalFileSafely' ? 2 : 1;
      for (let round = 0; round < rounds; round++) {
        // The file system responds only when the event loop turns: a call that blocks the event loop never ends.
        const { value, error, releases } = await driver.must({ releasing: verbRequest('async', verb, ...args), held: `${dir}.waits` });
        expect(error).toBeUndefined();
        expect(value).toBeDefined();
        if (verb !== 'ensureDir') expect(releases).toBeGreaterThan(0);
      }
      rmSync(`${dir}.slow`);
    });
  });
});
