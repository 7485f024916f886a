import assert from 'node:assert';
import { spawn, spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { openLocalFileSafely, readLocalFileSafelySync } from '../../../index.mjs';
import { NEW } from '../../helpers/expectations.js';
import { FORMS, inBothForms } from '../../helpers/forms.js';
import { syncsLinks } from '../../helpers/journal.js';
import { build, modeOf, scratch } from '../../helpers/scratch.js';

const NUMBERS = ['dev', 'mode', 'nlink', 'uid', 'gid', 'rdev', 'blksize', 'ino', 'size', 'blocks', 'atimeMs', 'mtimeMs', 'ctimeMs', 'birthtimeMs'] as const;
const DATES = ['atime', 'mtime', 'ctime', 'birthtime'] as const;
const METHODS = ['isFile', 'isDirectory', 'isBlockDevice', 'isCharacterDevice', 'isSymbolicLink', 'isFIFO', 'isSocket'] as const;

/** `node` is the result of Node's own `stat` for the same file at the same time. */
function expectSameStat(stat: fs.Stats, node: fs.Stats): void {
  for (const name of NUMBERS) {
    expect(typeof stat[name]).toBe('number');
    expect(stat[name], name).toBe(node[name]);
  }
  for (const name of DATES) {
    expect(stat[name]).toBeInstanceOf(Date);
    expect(stat[name].getTime(), name).toBe(node[name].getTime());
  }
  for (const name of METHODS) expect(stat[name](), name).toBe(node[name]());
}

describe('stat of a read', () => {
  const layouts = [
    { name: 'an ordinary file', layout: ['f: hello'] },
    { name: 'an empty file', layout: ['f:'] },
    { name: 'a file with other names and odd bits', layout: ['f 6755: x', 'g == f', 'h == f'] },
    { name: 'a file of several blocks', layout: [`f 0640: ${'x'.repeat(20_000)}`] },
  ];

  test.each(layouts)('equals the result of fs.statSync field by field: $name', async ({ layout }) => {
    for (const form of FORMS) {
      const dir = scratch();
      build(dir, layout);
      // Sets the access time first, so that the read does not change it before the comparison.
      fs.utimesSync(`${dir}/f`, new Date('2040-01-01T00:00:00.123Z'), new Date('2001-02-03T04:05:06.789Z'));
      const node = fs.statSync(`${dir}/f`);
      const { stat } = await form.read(`${dir}/f`);
      expectSameStat(stat, node);
    }
  });

  test.each([
    { name: 'before 1970', seconds: -86_400.25 },
    { name: 'with a fraction of a millisecond', seconds: 1_600_000_000.123456 },
    { name: 'after 2038', seconds: 4_200_000_000.5 },
  ])('has times $name as node:fs has them', async ({ seconds }) => {
    for (const form of FORMS) {
      const dir = scratch();
      build(dir, ['f: x']);
      fs.utimesSync(`${dir}/f`, 4_250_000_000, seconds);
      const node = fs.statSync(`${dir}/f`);
      expectSameStat((await form.read(`${dir}/f`)).stat, node);
    }
  });

  test('equals the result of handle.stat() for an opened file', async () => {
    const dir = scratch();
    build(dir, ['f 0640: hello']);
    const { handle, stat } = await openLocalFileSafely(`${dir}/f`);
    expectSameStat(stat, await handle.stat());
    await handle.close();
  });

  test('is an instance of fs.Stats, with its methods', async () => {
    for (const form of FORMS) {
      const dir = scratch();
      build(dir, ['f: hello']);
      const { stat } = await form.read(`${dir}/f`);
      const node = fs.statSync(`${dir}/f`);
      expect(stat).toBeInstanceOf(fs.Stats);
      expect(stat.constructor).toBe(node.constructor);
      for (const name of METHODS) expect(stat[name], name).toBe(node[name]);
      expect(Object.keys(stat).filter((key) => !DATES.includes(key as never))).toEqual([...NUMBERS]);
    }
  });

  test('equals deeply what fs.statSync gives, where Node makes dates when they are read', async () => {
    const isLazy = 'atime' in fs.Stats.prototype;
    for (const form of FORMS) {
      const dir = scratch();
      build(dir, ['f: hello']);
      fs.utimesSync(`${dir}/f`, new Date('2040-01-01T00:00:00.123Z'), new Date('2001-02-03T04:05:06.789Z'));
      const node = fs.statSync(`${dir}/f`);
      const { stat } = await form.read(`${dir}/f`);
      if (isLazy) assert.deepStrictEqual(stat, node);
      for (const name of DATES) {
        // Temporal, from Node 26 on.
        const instant = `${name}Instant` as keyof fs.Stats;
        expect(String(stat[instant])).toBe(String(node[instant]));
      }
    }
  });

  test('causes no warning of a deprecation', () => {
    const program = `
      const { readLocalFileSafelySync } = require(${JSON.stringify(fileURLToPath(new URL('../../../index.js', import.meta.url)))});
      const { stat } = readLocalFileSafelySync(${JSON.stringify(fileURLToPath(import.meta.url))});
      console.log(stat instanceof require('node:fs').Stats, stat.isFile(), stat.mtime instanceof Date);`;
    const { stdout, stderr } = spawnSync(process.execPath, ['--pending-deprecation', '-e', program], { encoding: 'utf8' });
    expect({ stdout, stderr }).toEqual({ stdout: 'true true true\n', stderr: '' });
  });

  test('has dates that may be changed and assigned like those of fs.Stats', () => {
    const dir = scratch();
    build(dir, ['f: hello']);
    const { stat } = readLocalFileSafelySync(`${dir}/f`);
    stat.mtime.setTime(0);
    expect(stat.mtime.getTime()).toBe(0);
    expect(stat.mtimeMs).not.toBe(0);
    stat.atime = new Date(5);
    expect(stat.atime.getTime()).toBe(5);
  });

  test('of one read is not overwritten by the next', async () => {
    const dir = scratch();
    build(dir, ['one: 1', 'two: 22']);
    const first = readLocalFileSafelySync(`${dir}/one`).stat;
    const second = readLocalFileSafelySync(`${dir}/two`).stat;
    expect([first.size, second.size]).toEqual([1, 2]);
    expect(first.ino).toBe(fs.statSync(`${dir}/one`).ino);
    const both = await Promise.all([FORMS[0]!.read(`${dir}/one`), FORMS[0]!.read(`${dir}/two`)]);
    readLocalFileSafelySync(`${dir}/two`);
    expect(both.map(({ stat }) => stat.size)).toEqual([1, 2]);
  });
});

describe('the content of small files', () => {
  const sizes = Array.from({ length: 300 }, (_, n) => [0, 1, 7, 8, 100, 1023, 4095, 4096, 16_383, 16_384, 16_385, 9000][n % 12]!);
  const contentOf = (n: number) => Buffer.alloc(sizes[n]!, `file ${n}, `);

  test.each(FORMS)('is not shared between files, however many are kept ($name)', async (form) => {
    const dir = scratch();
    for (const n of sizes.keys()) fs.writeFileSync(`${dir}/${n}`, contentOf(n));
    const buffers: Buffer[] = [];
    for (const n of sizes.keys()) buffers.push((await form.read(`${dir}/${n}`)).buffer);
    for (const n of sizes.keys()) expect(buffers[n]!.equals(contentOf(n)), `file ${n}`).toBe(true);
    for (const n of sizes.keys()) if (n % 2) buffers[n]!.fill(0);
    for (const n of sizes.keys()) if (n % 2 === 0) expect(buffers[n]!.equals(contentOf(n)), `file ${n}`).toBe(true);
  });

  test('is a Buffer like any other', async () => {
    const dir = scratch();
    fs.writeFileSync(`${dir}/f`, 'content');
    for (const form of FORMS) {
      const { buffer } = await form.read(`${dir}/f`);
      expect(Object.getPrototypeOf(buffer)).toBe(Buffer.prototype);
      expect(Buffer.isBuffer(buffer)).toBe(true);
      expect(buffer.subarray(1, 3).toString('latin1')).toBe('on');
    }
  });
});

describe('realPath and path', () => {
  const rows = [
    { name: 'a relative path', at: 'd/f', real: 'd/f' },
    { name: 'dots and doubled slashes', at: './d//./sub/../f', real: 'd/f' },
    { name: 'a linked parent', at: 'ln/f', real: 'd/f' },
    { name: 'a parent linked twice', at: 'ln2/f', real: 'd/f' },
    { name: 'dot-dot behind a linked parent', at: 'deep/../f', real: 'd/f' },
    { name: 'a parent linked by an absolute path', at: 'abs/f', real: 'd/f' },
    { name: 'a name that ends as those of deleted files are shown', at: 'ln/f (deleted)', real: 'd/f (deleted)' },
    { name: 'a linked parent that ends so', at: 'odd/f', real: 'd (deleted)/f' },
    { name: 'a name with a line break', at: 'ln/f\nx', real: 'd/f\nx' },
  ];
  const layout = ['odd => d (deleted)', 'd/f: hello', 'd/sub/', 'ln => d', 'ln2 => ./ln', 'deep => d/sub', 'abs => $DIR/d'];

  describe.each(rows)('$name', ({ at, real }) => {
    test('a read names the file as fs.realpath does', async () => {
      for (const spell of [(dir: string) => `${dir}/${at}`, () => at]) {
        for (const { dir, outcome } of await inBothForms(layout, async (form, dir) => {
          fs.mkdirSync('d (deleted)');
          fs.writeFileSync(path.join(dir, real), 'hello');
          return { result: await form.read(spell(dir)), node: fs.realpathSync.native(spell(dir)) };
        })) {
          expect(outcome.value!.result.realPath).toBe(path.join(dir, real));
          expect(outcome.value!.result.realPath).toBe(outcome.value!.node);
        }
      }
    });

    test('a write and a directory likewise', async () => {
      for (const { dir, outcome } of await inBothForms(layout, async (form) => {
        fs.mkdirSync('d (deleted)');
        return [await form.write(at, NEW), await form.write(`${at}.new`, NEW), await form.ensure(`${at}.dir/x (deleted)`), await form.ensure(`${at}.dir/x (deleted)`)];
      })) {
        const made = path.join(dir, `${real}.dir/x (deleted)`);
        expect(outcome.value!.map((result) => result.path)).toEqual([path.join(dir, real), path.join(dir, `${real}.new`), made, made]);
      }
    });
  });

  test.runIf(process.platform === 'linux')('of a file whose name was removed while it has another is that name', async () => {
    const dir = scratch();
    build(dir, ['d/', 'ln => d', 'keep: hello']);
    const program = `const fs = require('fs'); for (;;) { fs.linkSync('keep', 'd/t'); fs.unlinkSync('d/t'); }`;
    const exchanging = spawn(process.execPath, ['-e', program], { cwd: dir });
    const seen = new Set<string>();
    let reads = 0;
    const until = performance.now() + 20_000;
    while (reads < 2000 && performance.now() < until) {
      try {
        seen.add(readLocalFileSafelySync(`${dir}/ln/t`).realPath);
        reads += 1;
      } catch (error) {
        expect((error as { code: string }).code).toMatch(/^(not-found|path-mismatch)$/);
      }
    }
    exchanging.kill();
    expect([...seen]).toEqual([path.join(dir, 'd/t')]);
  });

  test('from a working directory that was reached through a link', async () => {
    for (const { dir, outcome } of await inBothForms(layout, async (form, dir) => {
      process.chdir(`${dir}/ln`);
      return [(await form.read('f')).realPath, (await form.read('../d/f', { symlinks: 'reject' })).realPath, (await form.write('g', NEW)).path, (await form.ensure('h')).path, (await form.ensure('.')).path];
    })) {
      expect(outcome.value).toEqual(['f', 'f', 'g', 'h', ''].map((name) => path.join(dir, 'd', name).replace(/\/$/, '')));
    }
  });

  test('at the root of the file system has one slash', async () => {
    for (const form of FORMS) expect((await form.ensure('/tmp/..//./tmp/', { existing: 'leave' })).path).toBe(fs.realpathSync('/tmp'));
  });
});

describe('the result of a write', () => {
  test('has the facts on disk: size, mode, device, inode', async () => {
    for (const layout of [[], ['f 0640: old']]) {
      for (const { dir, outcome } of await inBothForms(layout, (form) => form.write('f', 'h\u00e9llo'))) {
        const node = fs.statSync(`${dir}/f`);
        expect(outcome.value).toEqual({
          path: `${dir}/f`,
          created: layout.length === 0,
          size: 6,
          mode: modeOf(`${dir}/f`),
          dev: node.dev,
          ino: node.ino,
          method: layout.length === 0 && syncsLinks(dir) ? 'link' : 'rename',
          durable: true,
          containment: 'none',
          preserved: layout.length === 0 ? null : { mode: true, acl: true, owner: true },
        });
      }
    }
  });

  test('an exact mode does not keep the old one, and the result reports it', async () => {
    for (const { outcome } of await inBothForms(['f 0640: old'], (form) => form.write('f', NEW, { mode: 0o600 }))) {
      expect(outcome.value).toMatchObject({ created: false, mode: 0o600, preserved: { mode: false, owner: true } });
    }
  });

  test.each([true, false, 'file'] as const)('durable: %s is reported as it was asked for', async (durable) => {
    for (const { outcome } of await inBothForms([], (form) => form.write('f', NEW, { durable }))) {
      expect(outcome.value!.durable).toBe(durable);
    }
  });

  test('an exclusive one names the way it took', async () => {
    for (const { outcome } of await inBothForms([], (form) => form.write('f', NEW, { overwrite: false }))) {
      expect(outcome.value).toMatchObject({ created: true, preserved: null });
      expect(['rename', 'link']).toContain(outcome.value!.method);
    }
  });

  test('an overwritten file is a new inode, and a reader that has the old one open keeps it', async () => {
    for (const form of FORMS) {
      const dir = scratch();
      build(dir, ['f: old']);
      const before = fs.statSync(`${dir}/f`).ino;
      const fd = fs.openSync(`${dir}/f`, 'r');
      try {
        const { ino } = await form.write(`${dir}/f`, NEW);
        expect(ino).not.toBe(before);
        expect(fs.readFileSync(fd, 'utf8')).toBe('old');
      } finally {
        fs.closeSync(fd);
      }
    }
  });

  test('writing what the file holds already replaces it all the same', async () => {
    for (const form of FORMS) {
      const dir = scratch();
      build(dir, ['f: same']);
      const before = fs.statSync(`${dir}/f`).ino;
      expect(await form.write(`${dir}/f`, 'same')).toMatchObject({ created: false, size: 4 });
      expect(fs.statSync(`${dir}/f`).ino).not.toBe(before);
    }
  });
});

describe('the shape of results', () => {
  test('is the same in both forms, and nothing but the contract', async () => {
    for (const form of FORMS) {
      const dir = scratch();
      build(dir, ['f: x', 'd/ 0755']);
      expect(Object.keys(await form.read(`${dir}/f`)).sort()).toEqual(['buffer', 'containment', 'realPath', 'stat']);
      expect(Object.keys(await form.write(`${dir}/f`, 'y')).sort()).toEqual(['containment', 'created', 'dev', 'durable', 'ino', 'method', 'mode', 'path', 'preserved', 'size']);
      const keys = Object.keys(await form.ensure(`${dir}/d`)).filter((key) => key !== 'reason');
      expect(keys.sort()).toEqual(['containment', 'firstCreated', 'hardening', 'isPrivate', 'mode', 'path']);
    }
  });
});
