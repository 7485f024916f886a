// `openRoots` and `openTempRoot`.
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { describe, expect, it } from 'vitest';
import { cleanStaleTemporaries, openRoots, openTempRoot } from '../../../index.mjs';
import { openFiles } from '../../helpers/forms.js';
import { build, scratch } from '../../helpers/scratch.js';

describe('openRoots', () => {
  const LAYOUT = ['a/x: 1', 'a/b/y: 2', 'ab/z: 3', 'link => a', 'c/x: 4', 'c/only: 5'];

  it('finds the longest root of an absolute path, by whole components', async () => {
    const dir = scratch();
    build(dir, LAYOUT);
    using set = await openRoots([`${dir}/a`, `${dir}/a/b`, `${dir}/link`]);
    const [a, b, link] = set.roots;
    for (const [at, root, rest] of [['a/x', a, 'x'], ['a/b/y', b, 'y'], ['a/b', b, '.'], ['a/b/', b, '.'], ['a/b//.', b, '.'], ['a/b/../x', a, 'x'], ['link/x', link, 'x']] as const) {
      expect(await set.locate(`${dir}/${at}`), at).toEqual({ root, path: rest });
    }
    for (const at of ['ab/z', 'c/x', 'a/../c/x', '']) {
      await expect(set.locate(`${dir}/${at}`), at).rejects.toMatchObject({ code: 'outside-workspace' });
    }
    await expect(set.locate('')).rejects.toMatchObject({ code: 'invalid-path' });
    const bytes = Buffer.from(`${dir}/a/x`);
    expect((await set.locate(bytes)).path).toEqual(Buffer.from('x'));
  });

  it('takes the first root that has a relative path, else the first', async () => {
    const dir = scratch();
    build(dir, LAYOUT);
    using set = await openRoots([`${dir}/a`, `${dir}/c`]);
    const [a, c] = set.roots;
    expect(await set.locate('x')).toEqual({ root: a, path: 'x' });
    expect(await set.locate('only')).toEqual({ root: c, path: 'only' });
    expect(await set.locate('new')).toEqual({ root: a, path: 'new' });
    expect(await set.locate('../c/x')).toEqual({ root: a, path: '../c/x' });
    await expect(a!.read('../c/x')).rejects.toMatchObject({ code: 'outside-workspace' });
  });

  it('is replaced as a whole, and keeps the roots that stay', async () => {
    const dir = scratch();
    build(dir, LAYOUT);
    const set = await openRoots([`${dir}/a`, `${dir}/c`], { durable: false });
    const [a, c] = set.roots;
    const writing = c!.writeAtomic('late', 'x');
    await expect(set.replace([`${dir}/a`, `${dir}/none`])).rejects.toMatchObject({ code: 'not-found' });
    expect(set.roots).toEqual([a, c]);
    await set.replace([`${dir}/ab`, `${dir}/a`]);
    expect(set.roots[1]).toBe(a);
    expect((await a!.read('x')).buffer.toString()).toBe('1');
    await writing;
    await expect(c!.read('x')).rejects.toMatchObject({ code: 'root-closed' });
    set.close();
    await expect(set.locate('x')).rejects.toMatchObject({ code: 'root-closed' });
    await expect(openRoots([])).rejects.toMatchObject({ code: 'ERR_INVALID_ARG_TYPE' });
  });
});

describe('openTempRoot', () => {
  it('is private, and removed with its content', async () => {
    const parent = scratch();
    let at = '';
    {
      await using work = await openTempRoot({ parent, prefix: 'job-' });
      at = work.path;
      expect(path.dirname(at)).toBe(parent);
      expect(path.basename(at)).toMatch(/^job-\.holdfast-[0-9a-f]{32}\.dir$/);
      expect(fs.statSync(at).mode & 0o7777).toBe(0o700);
      await work.root.writeAtomic('a/b/c', 'x', { mkdir: true, durable: false });
    }
    expect(fs.existsSync(at)).toBe(false);
    const other = await openTempRoot({ parent });
    expect(await Promise.all([other.remove(), other.remove()])).toEqual([{ removed: 1 }, { removed: 1 }]);
    await expect(other.root.read('x')).rejects.toMatchObject({ code: 'root-closed' });
  });

  it('is left alone by cleanStaleTemporaries while its process lives, and removed afterwards', async () => {
    const parent = scratch();
    await using work = await openTempRoot({ parent });
    fs.mkdirSync(`${parent}/.holdfast-${'0'.repeat(31)}x.dir`);
    const program = `import(${JSON.stringify(path.resolve('index.mjs'))}).then(async ({ openTempRoot }) => {
      const { path, root } = await openTempRoot({ parent: ${JSON.stringify(parent)} });
      await root.writeAtomic('a', 'x', { durable: false });
      console.log(path);
      process.kill(process.pid, 'SIGKILL');
    });`;
    const dead = spawnSync(process.execPath, ['-e', program], { encoding: 'utf8' }).stdout.trim();
    expect(fs.existsSync(`${dead}/a`)).toBe(true);
    expect(await cleanStaleTemporaries(parent, { olderThanMs: 60_000 })).toEqual([]);
    expect(await cleanStaleTemporaries(parent, { olderThanMs: 0 })).toEqual([dead]);
    expect(fs.existsSync(work.path)).toBe(true);
    expect(fs.readdirSync(parent)).toHaveLength(2);
  });

  it('refuses a shared TMPDIR, and names options that it has', async () => {
    const shared = scratch();
    fs.chmodSync(shared, 0o777);
    const before = process.env['TMPDIR'];
    process.env['TMPDIR'] = shared;
    try {
      const error: any = await openTempRoot().catch((reason) => reason);
      expect(error).toMatchObject({ code: 'insecure-permissions', path: shared });
      expect(error.message).toContain("the option 'parent'");
      expect(error.message).not.toContain("'tighten'");
    } finally {
      if (before === undefined) delete process.env['TMPDIR'];
      else process.env['TMPDIR'] = before;
    }
  });

  it('is removed by cleanStaleTemporaries only where nobody else can have given another directory its name', async () => {
    const parent = scratch();
    const name = `${parent}/.holdfast-${'0'.repeat(32)}.dir`;
    fs.mkdirSync(name);
    fs.writeFileSync(`${name}/f`, 'precious');
    const clean = (): Promise<string[]> => cleanStaleTemporaries(parent, { olderThanMs: 0 });
    for (const [parentMode, mode] of [[0o775, 0o700], [0o757, 0o700], [0o700, 0o755]] as const) {
      fs.chmodSync(parent, parentMode);
      fs.chmodSync(name, mode);
      expect(await clean()).toEqual([]);
    }
    fs.chmodSync(name, 0o700);
    fs.chmodSync(parent, 0o1777);
    expect(await clean()).toEqual([name]);
    expect(fs.existsSync(name)).toBe(false);
  });

  it('holds no descriptor after remove, without a collection', async () => {
    const parent = scratch();
    await (await openTempRoot({ parent })).remove();
    const open = openFiles();
    for (let round = 0; round < 20; round += 1) {
      const work = await openTempRoot({ parent });
      await work.root.writeAtomic('f', 'x', { durable: false });
      expect(await work.remove()).toEqual({ removed: 2 });
      // A second call returns the result of the first.
      expect(await work.remove()).toEqual({ removed: 2 });
    }
    expect(openFiles()).toEqual(open);
  });

  it('leaves no directory when it fails after it made one', () => {
    const parent = scratch();
    const script = `
      const fs = require('node:fs');
      const { openTempRoot } = require(${JSON.stringify(process.cwd())});
      const parent = ${JSON.stringify(parent)};
      (async () => {
        await (await openTempRoot({ parent })).remove();
        for (let free = 1; free < 3; free++) {
          const held = [];
          try {
            for (;;) held.push(fs.openSync('/dev/null'));
          } catch {}
          for (let n = 0; n < free; n++) fs.closeSync(held.pop());
          const error = await openTempRoot({ parent }).then((work) => work.remove(), (reason) => reason.code);
          for (const fd of held) fs.closeSync(fd);
          console.log(JSON.stringify(error), fs.readdirSync(parent).length);
        }
      })();`;
    const { stdout } = spawnSync('sh', ['-c', 'ulimit -n 60; exec "$0" -e "$1"', process.execPath, script], { encoding: 'utf8' });
    const lines = stdout.trim().split('\n');
    expect(lines).toHaveLength(2);
    expect(lines.filter((line) => line === '"EMFILE" 0').length).toBeGreaterThan(0);
    expect(lines.filter((line) => !line.endsWith(' 0'))).toEqual([]);
  });

  it('removes directories of its own that lack permissions', async () => {
    const work = await openTempRoot({ parent: scratch() });
    fs.mkdirSync(`${work.path}/a/b`, { recursive: true });
    fs.chmodSync(`${work.path}/a/b`, 0o500);
    fs.chmodSync(`${work.path}/a`, 0o500);
    expect(await work.remove()).toEqual({ removed: 3 });
  });

  it('refuses another directory under its name, a wrong prefix and a parent that is missing', async () => {
    const parent = scratch();
    const work = await openTempRoot({ parent });
    fs.renameSync(work.path, `${parent}/moved`);
    fs.mkdirSync(work.path);
    await expect(work.remove()).rejects.toMatchObject({ code: 'path-mismatch', removed: 0 });
    fs.rmdirSync(work.path);
    fs.renameSync(`${parent}/moved`, work.path);
    expect(await work.remove()).toEqual({ removed: 1 });
    for (const prefix of ['a/b', '..', '.x', 'x'.repeat(65), 'a b']) {
      await expect(openTempRoot({ parent, prefix }), prefix).rejects.toMatchObject({ code: 'ERR_INVALID_ARG_VALUE' });
    }
    await expect(openTempRoot({ parent: `${parent}/none` })).rejects.toMatchObject({ code: 'not-found' });
  });
});
