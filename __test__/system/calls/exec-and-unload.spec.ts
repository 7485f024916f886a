// Effects of the life cycle on the system: close-on-exec descriptors, and code that stays mapped.
import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync, readdirSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import * as holdfast from '../../../index.mjs';
import { binaryOfPackage } from '../../helpers/package-copy.js';
import { Driver, verbRequest } from '../../helpers/sys-driver.js';
import { needs } from '../../helpers/sys-needs.js';
import { scratch } from '../../helpers/sys-scratch.js';
import { watch } from '../../helpers/sys-strace.js';

const O_CLOEXEC = 0o2000000;

needs('linux', 'gcc')('the binary', () => {
  it('is never unmapped, though every environment that loaded it has ended: a thread may still have to run its code', () => {
    const flags = execFileSync('readelf', ['--dynamic', '--wide', binaryOfPackage()], { encoding: 'utf8' });
    expect(flags).toMatch(/\(FLAGS_1\).*\bNODELETE\b/);
  });
});

/** Returns the descriptors of this process for files beneath a directory, with their flags. */
function held(dir: string): { file: string; flags: number }[] {
  return readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      const file = readlinkSync(`/proc/self/fd/${fd}`);
      const [, flags = '0'] = /^flags:\s+(\d+)$/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'latin1')) ?? [];
      return file.startsWith(dir) ? [{ file, flags: parseInt(flags, 8) }] : [];
    } catch {
      // The descriptor that listed them is closed.
      return [];
    }
  });
}

needs('linux')('descriptors that are open for long', () => {
  it('roots, handles, streams and staged files are closed on exec, and a child process sees none of them', async () => {
    const dir = scratch();
    writeFileSync(join(dir, 'f'), 'content');
    let release = (): void => {};
    const released = new Promise<void>((resolve) => (release = resolve));
    let isUnderWay = (): void => {};
    const underWay = new Promise<void>((resolve) => (isUnderWay = resolve));
    async function* slow(): AsyncGenerator<string> {
      yield 'x'.repeat(100_000);
      isUnderWay();
      await released;
    }
    const root = holdfast.openRootSync(dir);
    const streaming = holdfast.writeAtomic(join(dir, 'streamed'), slow());
    const staged = await holdfast.stageAtomic(join(dir, 'staged'));
    const { handle } = await holdfast.openLocalFileSafely(join(dir, 'f'));
    await underWay;
    try {
      const open = held(dir);
      // The root, the handle, the staged file twice, the stream, and the directories of both.
      expect(open.length).toBeGreaterThanOrEqual(5);
      expect(open.filter(({ flags }) => (flags & O_CLOEXEC) === 0)).toEqual([]);
      const { stdout } = spawnSync('ls', ['-l', '/proc/self/fd'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
      expect(stdout).toContain('/proc/');
      expect(stdout).not.toContain(dir);
    } finally {
      release();
      await streaming;
      await staged.abort();
      await handle.close();
      root.close();
    }
    expect(held(dir)).toEqual([]);
  });
});

needs('linux', 'strace')('every descriptor that a call opens, for however short a time', () => {
  it('is closed on exec from its first moment', async () => {
    const dir = scratch();
    writeFileSync(join(dir, 'f'), 'x'.repeat(300_000));
    const driver = await Driver.start();
    const calls = (['sync', 'async'] as const).flatMap((how) => [
      verbRequest(how, 'readLocalFileSafely', join(dir, 'f')),
      verbRequest(how, 'readLocalFileSafely', 'f', { root: dir }),
      verbRequest(how, 'writeAtomic', join(dir, `w-${how}`), 'data'),
      verbRequest(how, 'writeAtomic', join(dir, `w-${how}`), 'again', { root: dir }),
      verbRequest(how, 'writeAtomic', join(dir, `new/w-${how}`), 'data', { mkdir: true }),
      verbRequest(how, 'ensureDir', join(dir, `d-${how}/e`)),
    ]);
    calls.push(verbRequest('async', 'openLocalFileSafely', join(dir, 'f')), { call: 'writeAtomicMany', args: [[{ file: join(dir, 'm'), data: 'm' }]] });
    const { answer, calls: seen } = await watch(driver, { all: calls });
    expect((answer.value as { error?: unknown }[]).filter(({ error }) => error !== undefined)).toEqual([]);
    const opening = seen.filter(({ name, result }) => /^(open|openat|openat2|creat|dup|dup2|dup3|fcntl|memfd_create|pipe2?|socket)$/.test(name) && /^\d/.test(result));
    const descriptors = opening.filter(({ name, args }) => name !== 'fcntl' || args.includes('F_DUPFD'));
    expect(descriptors.filter(({ text }) => text.includes(dir)).length).toBeGreaterThan(20);
    expect(descriptors.filter(({ args }) => !args.includes('CLOEXEC')).map(({ text }) => text)).toEqual([]);
    await driver.end();
  });
});
