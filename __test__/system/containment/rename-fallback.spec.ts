// `rename` where the system has no rename without replacement, between two roots, and of two names of one file.
import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import { describe, expect, it, test } from 'vitest';
import { openRoot, openRootSync } from '../../../index.mjs';
import { HOWS } from '../../helpers/resolvers.js';
import { build, scratch, scratchInMemory, tree } from '../../helpers/scratch.js';
import { Driver } from '../../helpers/sys-driver.js';
import { needs } from '../../helpers/sys-needs.js';
import { buildC } from '../../helpers/sys-scratch.js';

scratchInMemory();

needs('root', 'gcc')('without renameat2', () => {
  describe.each(['renameat2=ENOSYS', 'renameat2=EINVAL', 'renameat2=EPERM'])('after %s', (denial) => {
    const rows = [
      { name: 'a file', from: 'f', to: 'd/new', expected: 'renamed' },
      { name: 'a link', from: 'l', to: 'new', expected: 'renamed' },
      { name: 'a file onto another', from: 'f', to: 'g', expected: 'already-exists' },
      { name: 'nothing', from: 'none', to: 'new', expected: 'not-found' },
      { name: 'a directory', from: 'd', to: 'new', expected: 'unsupported-platform' },
      { name: 'a directory onto a file', from: 'd', to: 'g', expected: 'already-exists' },
    ];

    test('renames a file by a second name, and refuses a directory', async () => {
      const driver = await Driver.start({ launcher: [buildC('seccomp-deny'), denial] });
      for (const how of HOWS) {
        for (const { name, from, to, expected } of rows) {
          const dir = scratch();
          build(dir, ['f: in', 'g: other', 'd/x: x', 'l => nowhere']);
          const before = tree(dir);
          await driver.openRoot(dir);
          const { value, error } = await driver.onRoot(dir, how, 'rename', from, to, { durable: false });
          if (expected === 'renamed') {
            expect(value, name).toMatchObject({ path: `${dir}/${to}`, same: false });
            expect(tree(dir)[`./${to}`], name).toBe(before[`./${from}`]);
            expect(tree(dir)[`./${from}`], name).toBeUndefined();
          } else {
            expect(error, name).toMatchObject({ code: expected });
            expect(tree(dir), name).toEqual(before);
          }
        }
      }
      await driver.end();
    });
  });
});

needs('root', 'gcc')('without renameat2, where the old name cannot be removed', () => {
  test.each([
    { name: 'the new name is removed again, and the error is that of the system', isAppendOnly: ['a'], both: false },
    { name: 'a new name that cannot be removed either is told', isAppendOnly: ['a', 'b'], both: true },
  ])('$name', async ({ isAppendOnly, both }) => {
    const dir = scratch();
    build(dir, ['a/f: in', 'b/']);
    const parents = isAppendOnly.map((name) => `${dir}/${name}`);
    const driver = await Driver.start({ launcher: [buildC('seccomp-deny'), 'renameat2=ENOSYS'] });
    await driver.openRoot(dir);
    for (const at of parents) execFileSync('chattr', ['+a', at]);
    try {
      const { error } = await driver.onRoot(dir, 'async', 'rename', 'a/f', 'b/f', { durable: false });
      expect(error).toMatchObject({ code: 'EPERM', isHoldfastError: false });
      expect((error as { published?: boolean }).published ?? false).toBe(both);
      expect(fs.readdirSync(`${dir}/a`)).toEqual(['f']);
      expect(fs.readdirSync(`${dir}/b`)).toEqual(both ? ['f'] : []);
    } finally {
      for (const at of parents) execFileSync('chattr', ['-a', at]);
      await driver.end();
    }
  });
});

describe('rename', () => {
  it('leaves both names of one file, and says so', async () => {
    const dir = scratch();
    build(dir, ['a: in', 'b == a']);
    using root = await openRoot(dir);
    expect(await root.rename('a', 'b', { overwrite: true })).toMatchObject({ same: true });
    expect(root.renameSync('a', 'a', { overwrite: true })).toMatchObject({ same: true });
    expect(fs.readdirSync(dir)).toEqual(['a', 'b']);
  });

  it('moves into another root, and leaves it open until then', async () => {
    const dir = scratch();
    build(dir, ['one/a: in', 'two/', 'one/out => ../two']);
    using from = await openRoot(`${dir}/one`);
    const to = await openRoot(`${dir}/two`);
    const moving = from.rename('a', 'b/c', { toRoot: to, mkdir: true });
    to.close();
    expect(await moving).toMatchObject({ path: `${dir}/two/b/c`, durable: true });
    expect(fs.readFileSync(`${dir}/two/b/c`, 'utf8')).toBe('in');
    await expect(from.rename('out', 'x', { toRoot: to })).rejects.toMatchObject({ code: 'root-closed' });
    await expect(from.rename('out', 'x', { toRoot: {} as never })).rejects.toMatchObject({ code: 'ERR_INVALID_ARG_TYPE' });
  });

  it('is not followed by a write that was made before', async () => {
    const dir = scratch();
    using root = await openRoot(dir, { durable: false });
    await Promise.all([root.writeAtomic('a', 'x'), root.rename('a', 'b'), root.writeAtomic('b', 'y'), root.remove('b')]);
    expect(fs.readdirSync(dir)).toEqual([]);
  });

  it('has one winner among many', async () => {
    const dir = scratch();
    const names = Array.from({ length: 40 }, (_, n) => `n${n}`);
    for (const name of names) fs.writeFileSync(`${dir}/${name}`, name);
    using one = openRootSync(dir, { durable: false });
    using other = openRootSync(dir, { durable: false });
    const all = await Promise.allSettled(names.map((name, n) => (n % 2 ? one : other).rename(name, 'winner')));
    expect(all.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect(fs.readdirSync(dir)).toHaveLength(40);
  });
});
