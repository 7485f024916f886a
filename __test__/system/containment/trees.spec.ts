// Trees that are removed or copied while something is in the way: mounts, permissions, depth, other processes.
import { spawn } from 'node:child_process';
import * as fs from 'node:fs';
import { once } from 'node:events';
import { describe, expect, it, test } from 'vitest';
import { isHoldfastError, openRoot, openRootSync } from '../../../index.mjs';
import { RESOLVERS } from '../../helpers/resolvers.js';
import { build, scratch, scratchInMemory, tree } from '../../helpers/scratch.js';
import { asUser1000, Driver } from '../../helpers/sys-driver.js';
import { octal } from '../../helpers/sys-layout.js';
import { needs } from '../../helpers/sys-needs.js';

scratchInMemory();

const RECURSIVE = { recursive: true };

/** Returns the error that a promise rejects with. */
async function failure(work: Promise<unknown>): Promise<any> {
  return work.then(() => expect.unreachable('no error'), (error: unknown) => error);
}

needs('root', 'gcc', 'unshare')('a tree with a mount in it', () => {
  describe.each(RESOLVERS)('with $resolver', ({ launcher }) => {
    const kinds = [
      { kind: 'another file system', mount: (at: string) => ['mount', '-t', 'tmpfs', 'none', at] },
      { kind: 'a directory of the same file system', mount: (at: string, outside: string) => ['mount', '--bind', outside, at] },
    ];

    test.each(kinds)('is left at the mount: $kind', async ({ mount }) => {
      const dir = scratch();
      build(dir, ['root/t/a/m/', 'root/t/a/x: x', 'outside/s: secret']);
      const driver = await Driver.start({ launcher: ['unshare', '--mount', ...launcher()] });
      await driver.exec(...mount(`${dir}/root/t/a/m`, `${dir}/outside`));
      await driver.openRoot(`${dir}/root`);
      const outside = tree(`${dir}/outside`);
      const counted = await driver.onRoot(`${dir}/root`, 'async', 'remove', 't', { ...RECURSIVE, maxEntries: 100 });
      expect(counted.error).toMatchObject({ code: 'EBUSY', path: 't/a/m' });
      expect(fs.existsSync(`${dir}/root/t/a/x`), 'a count that meets a mount removes nothing').toBe(true);
      const copied = await driver.onRoot(`${dir}/root`, 'async', 'copy', 't', 'new', RECURSIVE);
      expect(copied.error).toMatchObject({ code: 'EBUSY', path: 't/a/m' });
      for (const how of ['sync', 'async'] as const) {
        const { error } = await driver.onRoot(`${dir}/root`, how, 'remove', 't', RECURSIVE);
        expect(error).toMatchObject({ code: 'EBUSY', path: 't/a/m' });
      }
      expect(tree(`${dir}/outside`)).toEqual(outside);
      await driver.end();
    });

    it('is EINVAL when a mount of the copy lies in it', async () => {
      const dir = scratch();
      build(dir, ['root/t/sub/x: x', 'root/other/']);
      const driver = await Driver.start({ launcher: ['unshare', '--mount', ...launcher()] });
      await driver.exec('mount', '--bind', `${dir}/root/t`, `${dir}/root/other`);
      await driver.openRoot(`${dir}/root`);
      const { error } = await driver.onRoot(`${dir}/root`, 'async', 'copy', 't', 'other/new', RECURSIVE);
      expect(error).toMatchObject({ code: 'EINVAL' });
      expect(fs.readdirSync(`${dir}/root/t`)).toEqual(['sub']);
      await driver.end();
    });
  });
});

needs('root', 'gcc', 'setpriv')('a tree without permissions', () => {
  describe.each(RESOLVERS)('with $resolver', ({ launcher }) => {
    test.each(['0500', '0300', '0600', '0000', '0400'])('is left with its modes, and nothing is removed: directories with mode %s', async (mode) => {
      const dir = scratch();
      fs.chmodSync(dir, 0o755);
      build(dir, ['root/t/a/sub/x: x', 'root/t/a/y: y', `root/t/a/ ${mode}`, `root/t/ ${mode}`]);
      for (const name of ['root', 'root/t', 'root/t/a', 'root/t/a/sub', 'root/t/a/sub/x', 'root/t/a/y']) fs.chownSync(`${dir}/${name}`, 1000, 1000);
      const driver = await Driver.start({ launcher: [...launcher(), ...asUser1000] });
      await driver.openRoot(`${dir}/root`);
      for (const how of ['async', 'sync'] as const) {
        for (const options of [RECURSIVE, { ...RECURSIVE, maxEntries: 9 }]) {
          const { error } = await driver.onRoot(`${dir}/root`, how, 'remove', 't', options);
          expect(error).toMatchObject({ code: 'EACCES', path: expect.stringMatching(/^t(\/a)?/) });
          expect((error as { removed?: number }).removed).toBe(0);
        }
      }
      expect(['root/t', 'root/t/a'].map((name) => octal(fs.statSync(`${dir}/${name}`).mode & 0o7777))).toEqual([mode, mode]);
      expect(fs.existsSync(`${dir}/root/t/a/sub/x`)).toBe(true);
      await driver.end();
    });

    it('is left where another user owns a directory of it', async () => {
      const dir = scratch();
      fs.chmodSync(dir, 0o755);
      build(dir, ['root/t/a/sub/x: x', 'root/t/a/ 0555']);
      for (const name of ['root', 'root/t']) fs.chownSync(`${dir}/${name}`, 1000, 1000);
      const driver = await Driver.start({ launcher: [...launcher(), ...asUser1000] });
      await driver.openRoot(`${dir}/root`);
      const { error } = await driver.onRoot(`${dir}/root`, 'async', 'remove', 't', RECURSIVE);
      expect(error).toMatchObject({ code: 'EACCES', path: 't/a/sub/x' });
      expect(fs.statSync(`${dir}/root/t/a`).mode & 0o7777).toBe(0o555);
      await driver.end();
    });
  });
});

needs('root', 'gcc', 'unshare', 'mount')('a tree on an overlay of two file systems', () => {
  it.each(RESOLVERS)('is copied and removed, though its files have the devices of their layers ($resolver)', async ({ launcher }) => {
    const dir = scratch();
    const driver = await Driver.start({ launcher: [...launcher(), 'unshare', '--mount', '--propagation', 'private'] });
    const script = 'mount -t tmpfs t "$0"; cd "$0"; mkdir l u w m; mount -t tmpfs t l; mkdir -p l/t/sub; echo low >l/t/sub/f; mount -t overlay -o lowerdir=l,upperdir=u,workdir=w o m; echo new >m/t/sub/g';
    await driver.exec('sh', '-ec', script, dir);
    const root = `${dir}/m`;
    const devices = await Promise.all(['t/sub', 't/sub/f'].map(async (name) => (await driver.fs('statSync', `${root}/${name}`)).dev));
    expect(new Set(devices).size).toBe(2);
    await driver.openRoot(root);
    for (const how of ['sync', 'async'] as const) {
      expect((await driver.onRoot(root, how, 'copy', 't', how, RECURSIVE)).value).toMatchObject({ copied: 4 });
      expect(await driver.onRoot(root, how, 'remove', how, { ...RECURSIVE, maxEntries: 4 })).toEqual({ value: { removed: 4 } });
    }
    await driver.end();
  });
});

describe('a tree', () => {
  it('of 5,000 levels is counted, copied and removed with a bounded number of descriptors', async () => {
    const dir = scratch();
    const home = process.cwd();
    process.chdir(dir);
    for (let level = 0; level < 5000; level++) {
      fs.mkdirSync('n');
      process.chdir('n');
    }
    fs.writeFileSync('file', 'x');
    process.chdir(home);
    using root = openRootSync(dir, { durable: false });
    expect(await root.copy('n', 'copy', { ...RECURSIVE, maxEntries: 5001 })).toMatchObject({ copied: 5001, size: 1 });
    expect(await failure(root.remove('copy', { ...RECURSIVE, maxEntries: 5000 }))).toMatchObject({ code: 'too-large', limit: 5000, removed: 0, path: 'copy' });
    expect(root.removeSync('copy', { ...RECURSIVE, maxEntries: 5001 })).toEqual({ removed: 5001 });
    expect(await root.remove('n', RECURSIVE)).toEqual({ removed: 5001 });
    expect(fs.readdirSync(dir)).toEqual([]);
  });

  it('with names that are not UTF-8 is copied and removed byte for byte', async () => {
    const dir = Buffer.from(scratch());
    const odd = Buffer.from([0x66, 0xff, 0xfe]);
    fs.mkdirSync(Buffer.concat([dir, Buffer.from('/t')]));
    fs.writeFileSync(Buffer.concat([dir, Buffer.from('/t/'), odd]), 'x');
    using root = await openRoot(dir);
    await root.copy('t', 'new', RECURSIVE);
    expect(fs.readdirSync(Buffer.concat([dir, Buffer.from('/new')]), 'buffer')).toEqual([odd]);
    await root.rename(Buffer.concat([Buffer.from('new/'), odd]), Buffer.concat([Buffer.from('t/'), odd]), { overwrite: true });
    expect(await root.remove('t', RECURSIVE)).toEqual({ removed: 2 });
  });

  it('is left between two entries when its signal aborts', async () => {
    const dir = scratch();
    fs.mkdirSync(`${dir}/t`);
    for (let n = 0; n < 20_000; n++) fs.writeFileSync(`${dir}/t/${n}`, '');
    using root = await openRoot(dir, { durable: false });
    const reason = new Error('enough');
    for (const call of [(signal: AbortSignal) => root.copy('t', 'new', { ...RECURSIVE, signal }), (signal: AbortSignal) => root.remove('t', { ...RECURSIVE, signal })]) {
      const controller = new AbortController();
      const work = failure(call(controller.signal));
      setTimeout(() => controller.abort(reason), 5);
      const error = await work;
      expect(error).toMatchObject({ name: 'AbortError', code: 'ABORT_ERR', cause: reason });
      expect(error.removed ?? error.copied).toBeLessThan(20_000);
    }
    const aborted = AbortSignal.abort(reason);
    expect(await failure(root.remove('t', { ...RECURSIVE, signal: aborted }))).toBe(reason);
    expect(await root.remove('t', RECURSIVE)).toMatchObject({ removed: expect.any(Number) });
  });

  it('that another process refills is ENOTEMPTY after a bounded number of rounds, or gone', async () => {
    const dir = scratch();
    fs.mkdirSync(`${dir}/t`);
    const program = `const fs = require('fs'); let n = 0; console.log('ready');
      for (;;) { try { fs.mkdirSync(process.argv[1] + '/d' + n++ % 50); fs.writeFileSync(process.argv[1] + '/d' + n % 50 + '/f', ''); } catch {} }`;
    const refiller = spawn(process.execPath, ['-e', program, `${dir}/t`], { stdio: ['ignore', 'pipe', 'inherit'] });
    try {
      await once(refiller.stdout, 'data');
      using root = await openRoot(dir);
      const error: any = await root.remove('t', RECURSIVE).then(() => undefined, (error: unknown) => error);
      if (error) expect(error).toMatchObject({ code: 'ENOTEMPTY', removed: expect.any(Number) });
      else expect(fs.existsSync(`${dir}/t`)).toBe(false);
    } finally {
      refiller.kill('SIGKILL');
      await once(refiller, 'close');
    }
  });
});

needs('root', 'gcc')('a tree of which a directory is exchanged with a link to the outside (CVE-2022-21658)', () => {
  it('is removed and copied without a change to what lies outside', async () => {
    const dir = scratch();
    build(dir, ['outside/s: secret', 'outside/sub/s: secret', 'root/']);
    const outside = tree(`${dir}/outside`);
    fs.symlinkSync('../outside', `${dir}/root/link`);
    const program = `const fs = require('fs'); process.chdir(process.argv[1]); console.log('ready');
      for (;;) { try { fs.mkdirSync('t/a', { recursive: true }); fs.writeFileSync('t/a/x', ''); fs.renameSync('t/a', 'b'); fs.renameSync('link', 't/a');
        fs.renameSync('t/a', 'link'); fs.renameSync('b', 't/a'); } catch { try { fs.rmSync('b', { recursive: true, force: true }); fs.symlinkSync('../outside', 'link'); } catch {} } }`;
    const attacker = spawn(process.execPath, ['-e', program, `${dir}/root`], { stdio: ['ignore', 'pipe', 'inherit'] });
    try {
      await once(attacker.stdout, 'data');
      using root = await openRoot(`${dir}/root`, { durable: false });
      for (const end = Date.now() + 700; Date.now() < end; ) {
        for (const { reason: error } of (await Promise.allSettled([root.copy('t', 'copy', RECURSIVE), root.remove('copy', RECURSIVE), root.remove('t', RECURSIVE)])) as any[]) {
          if (error) expect(isHoldfastError(error) ? ['not-found', 'path-mismatch', 'already-exists', 'not-file'] : ['ENOTEMPTY']).toContain(error.code);
        }
        expect(fs.existsSync(`${dir}/root/copy/a/s`)).toBe(false);
      }
    } finally {
      attacker.kill('SIGKILL');
      await once(attacker, 'close');
    }
    expect(tree(`${dir}/outside`)).toEqual(outside);
  });
});
