// Tables for `rename` and `remove` of a root, with the kernel's resolver and with the walk.
import * as fs from 'node:fs';
import { beforeAll, describe, expect, test } from 'vitest';
import { HOWS, RESOLVERS } from '../../helpers/resolvers.js';
import { build, scratch, scratchInMemory, tree } from '../../helpers/scratch.js';
import { Driver } from '../../helpers/sys-driver.js';
import { needs } from '../../helpers/sys-needs.js';

scratchInMemory();

const LAYOUT = [
  'root/ 0755', 'root/f: in', 'root/g: other', 'root/same == root/f', 'root/-rf: dash', 'root/empty/ 0755', 'root/full/ 0755', 'root/full/x: x',
  'root/full/sub/y: y', 'root/full/out => $DIR/outside', 'root/lf => f', 'root/ld => full', 'root/dang => nowhere', 'root/lo => ../outside',
  'outside/ 0755', 'outside/s: secret',
];

/** `expected`: a code, or the number of entries removed. */
interface Removal {
  name: string;
  at: string;
  options?: object;
  expected: string | number;
}

const REMOVALS: Removal[] = [
  { name: 'a file', at: 'f', expected: 1 },
  { name: 'a file by its absolute path', at: '$DIR/root/f', expected: 1 },
  { name: 'an entry whose name looks like an option', at: '-rf', expected: 1 },
  { name: 'a link, not what it leads to', at: 'lf', expected: 1 },
  { name: 'a link to a directory, not the directory', at: 'ld', options: { recursive: true }, expected: 1 },
  { name: 'a link to the outside', at: 'lo', options: { recursive: true }, expected: 1 },
  { name: 'a dangling link', at: 'dang', expected: 1 },
  { name: 'a link whose path ends in a slash', at: 'ld/', expected: 'symlink' },
  { name: 'a link whose path ends in a slash, recursively', at: 'ld/', options: { recursive: true }, expected: 'symlink' },
  { name: 'a link to the outside whose path ends in a slash', at: 'lo/', options: { recursive: true }, expected: 'symlink' },
  { name: 'a link whose path ends in a slash and a dot', at: 'ld/.', options: { recursive: true }, expected: 'symlink' },
  { name: 'a file whose path ends in a slash', at: 'f/', expected: 'not-directory' },
  { name: 'a file beneath a link', at: 'ld/x', expected: 'symlink' },
  { name: 'a file beneath a link to the outside', at: 'lo/s', expected: 'symlink' },
  { name: 'an empty directory', at: 'empty', expected: 1 },
  { name: 'an empty directory whose path ends in a slash', at: 'empty/', expected: 1 },
  { name: 'a directory that is not empty', at: 'full', expected: 'ENOTEMPTY' },
  { name: 'a tree', at: 'full', options: { recursive: true }, expected: 5 },
  { name: 'a tree whose path ends in a slash', at: 'full/', options: { recursive: true }, expected: 5 },
  { name: 'a tree with as many entries as allowed', at: 'full', options: { recursive: true, maxEntries: 5 }, expected: 5 },
  { name: 'a tree with more entries than allowed', at: 'full', options: { recursive: true, maxEntries: 4 }, expected: 'too-large' },
  { name: 'the root itself', at: '.', options: { recursive: true }, expected: 'outside-workspace' },
  { name: 'the root itself by its absolute path', at: '$DIR/root', options: { recursive: true }, expected: 'outside-workspace' },
  { name: 'the root itself by ..', at: 'full/..', options: { recursive: true }, expected: 'invalid-path' },
  { name: 'a directory by ..', at: 'full/sub/..', options: { recursive: true }, expected: 'invalid-path' },
  { name: 'what lies outside by ..', at: '../outside', options: { recursive: true }, expected: 'outside-workspace' },
  { name: 'what lies outside by its absolute path', at: '$DIR/outside', options: { recursive: true }, expected: 'outside-workspace' },
  { name: 'nothing', at: 'none', expected: 'not-found' },
  { name: 'nothing in nothing', at: 'none/none', expected: 'not-found' },
  { name: 'nothing, where that is no error', at: 'none/none', options: { missing: 'ignore' }, expected: 0 },
  { name: 'a name beneath a file', at: 'f/x', options: { missing: 'ignore' }, expected: 'not-directory' },
  { name: 'an empty path', at: '', expected: 'invalid-path' },
  { name: 'a name that is too long', at: 'n'.repeat(256), expected: 'ENAMETOOLONG' },
];

/** `expected`: a code, or the path that has the object now. */
interface Renaming {
  name: string;
  from: string;
  to: string;
  options?: object;
  expected: string;
}

const RENAMINGS: Renaming[] = [
  { name: 'a file', from: 'f', to: 'new', expected: '> new' },
  { name: 'a file into a directory', from: 'f', to: 'empty/new', expected: '> empty/new' },
  { name: 'a file onto another', from: 'f', to: 'g', expected: 'already-exists' },
  { name: 'a file onto another, which it replaces', from: 'f', to: 'g', options: { overwrite: true }, expected: '> g' },
  { name: 'a file onto a link, which it replaces', from: 'f', to: 'lo', options: { overwrite: true }, expected: '> lo' },
  { name: 'a file onto a dangling link', from: 'f', to: 'dang', expected: 'already-exists' },
  { name: 'a file onto its other name', from: 'f', to: 'same', expected: 'already-exists' },
  { name: 'a file onto a directory', from: 'f', to: 'empty', options: { overwrite: true }, expected: 'EISDIR' },
  { name: 'a directory', from: 'full', to: 'new', expected: '> new' },
  { name: 'a directory whose path ends in a slash', from: 'full/', to: 'new/', expected: '> new' },
  { name: 'a directory onto an empty one', from: 'full', to: 'empty', options: { overwrite: true }, expected: '> empty' },
  { name: 'a directory onto one that is not empty', from: 'empty', to: 'full', options: { overwrite: true }, expected: 'ENOTEMPTY' },
  { name: 'a directory onto a file', from: 'empty', to: 'f', options: { overwrite: true }, expected: 'ENOTDIR' },
  { name: 'a directory into itself', from: 'full', to: 'full/new', expected: 'EINVAL' },
  { name: 'a directory into itself, with overwrite', from: 'full', to: 'full/new', options: { overwrite: true }, expected: 'EINVAL' },
  { name: 'a link, not what it leads to', from: 'lf', to: 'new', expected: '> new' },
  { name: 'a link to the outside', from: 'lo', to: 'new', expected: '> new' },
  { name: 'a link whose path ends in a slash', from: 'ld/', to: 'new', expected: 'symlink' },
  { name: 'a file whose path ends in a slash', from: 'f/', to: 'new', expected: 'not-directory' },
  { name: 'a file to a path that ends in a slash', from: 'f', to: 'new/', expected: 'not-directory' },
  { name: 'a file beneath a link', from: 'ld/x', to: 'new', expected: 'symlink' },
  { name: 'a file to beneath a link', from: 'f', to: 'lo/new', expected: 'symlink' },
  { name: 'a file to the outside', from: 'f', to: '../outside/new', expected: 'outside-workspace' },
  { name: 'what lies outside', from: '$DIR/outside/s', to: 'new', expected: 'outside-workspace' },
  { name: 'the root itself', from: '.', to: 'new', expected: 'outside-workspace' },
  { name: 'a directory to the root itself', from: 'empty', to: '.', options: { overwrite: true }, expected: 'outside-workspace' },
  { name: 'a directory by ..', from: 'full/sub/..', to: 'new', expected: 'invalid-path' },
  { name: 'a file to ..', from: 'f', to: 'full/..', expected: 'invalid-path' },
  { name: 'nothing', from: 'none', to: 'new', expected: 'not-found' },
  { name: 'a file to a directory that is missing', from: 'f', to: 'none/new', expected: 'not-found' },
  { name: 'a file to a directory that is made', from: 'f', to: 'none/two/new', options: { mkdir: true }, expected: '> none/two/new' },
  { name: 'a name that looks like an option', from: '-rf', to: '--', expected: '> --' },
];

needs('root', 'gcc')('a root', () => {
  describe.each(RESOLVERS)('with $resolver', ({ resolver, launcher }) => {
    let driver: Driver;

    beforeAll(async () => {
      driver = await Driver.start({ launcher: launcher() });
      expect(await driver.must({ call: 'capabilities', args: [] })).toMatchObject({ resolver });
    });

    describe.each(HOWS)('in its %s form', (how) => {
      test.each(REMOVALS)('removes or refuses: $name', async ({ at, options, expected }) => {
        const dir = scratch();
        build(dir, LAYOUT);
        const [outside, inside] = [tree(`${dir}/outside`), tree(`${dir}/root`)];
        await driver.openRoot(`${dir}/root`);
        const path = at.replace('$DIR', dir);
        const { value, error } = await driver.onRoot(`${dir}/root`, how, 'remove', path, ...(options ? [options] : []));
        expect(tree(`${dir}/outside`)).toEqual(outside);
        if (typeof expected === 'number') {
          expect(error).toBeUndefined();
          expect(value).toEqual({ removed: expected });
          const left = path.replace(`${dir}/root/`, '').replace(/\/$/, '');
          const kept = Object.entries(inside).filter(([name]) => name !== '.' && name !== `./${left}` && !name.startsWith(`./${left}/`));
          expect(Object.keys(tree(`${dir}/root`)).sort()).toEqual(['.', ...kept.map(([name]) => name)].sort());
        } else {
          expect(error).toMatchObject({ code: expected, path, isHoldfastError: !/^E/.test(expected) });
          expect(tree(`${dir}/root`)).toEqual(inside);
        }
      });

      test.each(RENAMINGS)('renames or refuses: $name', async ({ from, to, options, expected }) => {
        const dir = scratch();
        build(dir, LAYOUT);
        const [outside, inside] = [tree(`${dir}/outside`), tree(`${dir}/root`)];
        await driver.openRoot(`${dir}/root`);
        const paths = [from.replace('$DIR', dir), to];
        const { value, error } = await driver.onRoot(`${dir}/root`, how, 'rename', ...paths, { durable: false, ...options });
        expect(tree(`${dir}/outside`)).toEqual(outside);
        const after = tree(`${dir}/root`);
        if (expected.startsWith('> ')) {
          const name = expected.slice(2);
          expect(error).toBeUndefined();
          const containment = resolver === 'walk' ? 'walk' : 'kernel';
          expect(value).toEqual({ path: `${dir}/root/${name}`, same: false, durable: false, containment });
          expect(after[`./${name}`]).toBe(inside[`./${from.replace(/\/$/, '')}`]);
          expect(after[`./${from.replace(/\/$/, '')}`]).toBeUndefined();
        } else {
          expect(error).toMatchObject({ code: expected, isHoldfastError: !/^E/.test(expected) });
          expect(after).toEqual(inside);
        }
      });
    });
  });
});
