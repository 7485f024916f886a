// Tables for `copy` and `copyIn` of a root, with the kernel's resolver and with the walk.
import * as fs from 'node:fs';
import { beforeAll, describe, expect, test } from 'vitest';
import { HOWS, RESOLVERS } from '../../helpers/resolvers.js';
import { build, scratch, scratchInMemory, tree } from '../../helpers/scratch.js';
import { Driver } from '../../helpers/sys-driver.js';
import { needs } from '../../helpers/sys-needs.js';

scratchInMemory();

const TEMPORARY = `.holdfast-${'0'.repeat(32)}.tmp`;
const LAYOUT = [
  'root/ 0755', 'root/f 0640: in', 'root/g 0600: other', 'root/suid 4711: s', 'root/twice: t', 'root/also == root/twice', 'root/t/ 0750', 'root/t/x 0600: x',
  'root/t/sub/ 0711', 'root/t/sub/y: y', 'root/t/out => ../../outside', `root/t/${TEMPORARY}: half`, 'root/empty/ 0500', 'root/all/ 1777', 'root/lf => f', 'root/ld => t',
  'root/lo => ../outside', 'outside/ 0755', 'outside/s: secret',
];

/** `expected`: a code, or the objects of the copy: their modes and contents, by their paths beneath it. */
interface Row {
  name: string;
  from: string;
  to: string;
  options?: object;
  expected: string | Record<string, string>;
}

const T = { '.': 'd750', x: 'f600 x', sub: 'd711', 'sub/y': 'f644 y', out: 'l ../../outside' };

const ROWS: Row[] = [
  { name: 'a file, with its permission bits', from: 'f', to: 'new', expected: { '.': 'f640 in' } },
  { name: 'a file with another mode', from: 'f', to: 'new', options: { mode: 0o604 }, expected: { '.': 'f604 in' } },
  { name: 'a setuid file, without that bit', from: 'suid', to: 'new', expected: { '.': 'f711 s' } },
  { name: 'a file onto another', from: 'f', to: 'g', expected: 'already-exists' },
  { name: 'a file onto another, which it replaces', from: 'f', to: 'g', options: { overwrite: true }, expected: { '.': 'f640 in' } },
  { name: 'a file onto a link', from: 'f', to: 'lo', options: { overwrite: true }, expected: 'symlink' },
  { name: 'a file onto a directory', from: 'f', to: 't', options: { overwrite: true }, expected: 'not-file' },
  { name: 'a file as large as allowed', from: 'f', to: 'new', options: { maxBytes: 2 }, expected: { '.': 'f640 in' } },
  { name: 'a file larger than allowed', from: 'f', to: 'new', options: { maxBytes: 1 }, expected: 'too-large' },
  { name: 'a file with another name, which may lie outside', from: 'twice', to: 'new', expected: 'hardlink' },
  { name: 'a link', from: 'lf', to: 'new', expected: 'symlink' },
  { name: 'a link as a link', from: 'lo', to: 'new', options: { recursive: true }, expected: { '.': 'l ../outside' } },
  { name: 'a file beneath a link', from: 'ld/x', to: 'new', expected: 'symlink' },
  { name: 'a file beneath a link, recursively', from: 'lo/s', to: 'new', options: { recursive: true }, expected: 'symlink' },
  { name: 'a file to beneath a link', from: 'f', to: 'lo/new', expected: 'symlink' },
  { name: 'a file to the outside', from: 'f', to: '../new', expected: 'outside-workspace' },
  { name: 'what lies outside', from: '../outside/s', to: 'new', expected: 'outside-workspace' },
  { name: 'nothing', from: 'none', to: 'new', expected: 'not-found' },
  { name: 'nothing, recursively', from: 'none', to: 'new', options: { recursive: true }, expected: 'not-found' },
  { name: 'a file to a directory that is missing', from: 'f', to: 'none/new', expected: 'not-found' },
  { name: 'a directory', from: 't', to: 'new', expected: 'not-file' },
  { name: 'a tree, links as links, without temporaries', from: 't', to: 'new', options: { recursive: true }, expected: T },
  { name: 'a tree whose path ends in a slash', from: 't/', to: 'new/', options: { recursive: true }, expected: T },
  { name: 'a tree by a link that ends in a slash', from: 'ld/', to: 'new', options: { recursive: true }, expected: 'symlink' },
  { name: 'a directory that may not be written', from: 'empty', to: 'new', options: { recursive: true }, expected: { '.': 'd500' } },
  { name: 'a sticky directory, without the bits to write that others have', from: 'all', to: 'new', options: { recursive: true }, expected: { '.': 'd755' } },
  { name: 'a tree with as many entries as allowed', from: 't', to: 'new', options: { recursive: true, maxEntries: 6 }, expected: T },
  { name: 'a tree with more entries than allowed', from: 't', to: 'new', options: { recursive: true, maxEntries: 5 }, expected: 'too-large' },
  { name: 'a tree onto a directory', from: 't', to: 'empty', options: { recursive: true }, expected: 'already-exists' },
  { name: 'a tree onto a file', from: 't', to: 'f', options: { recursive: true, overwrite: true }, expected: 'not-directory' },
  { name: 'a tree onto a link', from: 't', to: 'lo', options: { recursive: true, overwrite: true }, expected: 'not-directory' },
  { name: 'a tree into a directory, which keeps its mode', from: 't', to: 'empty', options: { recursive: true, overwrite: true }, expected: { ...T, '.': 'd500' } },
  { name: 'a tree into itself', from: 't', to: 't/new', options: { recursive: true }, expected: 'EINVAL' },
  { name: 'a tree far into itself', from: 't', to: 't/sub/new', options: { recursive: true }, expected: 'EINVAL' },
  { name: 'a tree onto itself', from: 't', to: 't', options: { recursive: true, overwrite: true }, expected: 'EINVAL' },
  { name: 'the root into itself', from: '.', to: 'new', options: { recursive: true }, expected: 'EINVAL' },
  { name: 'a tree to the root itself', from: 't', to: '.', options: { recursive: true, overwrite: true }, expected: 'outside-workspace' },
];

/** Returns the objects beneath a path, as in {@link Row.expected}. */
function objects(at: string, below = '.', into: Record<string, string> = {}): Record<string, string> {
  const stat = fs.lstatSync(at);
  const mode = (stat.mode & 0o7777).toString(8);
  if (stat.isSymbolicLink()) into[below] = `l ${fs.readlinkSync(at)}`;
  else if (stat.isFile()) into[below] = `f${mode} ${fs.readFileSync(at)}`;
  else {
    into[below] = `d${mode}`;
    for (const name of fs.readdirSync(at)) objects(`${at}/${name}`, below === '.' ? name : `${below}/${name}`, into);
  }
  return into;
}

needs('root', 'gcc')('a root', () => {
  describe.each(RESOLVERS)('with $resolver', ({ resolver, launcher }) => {
    let driver: Driver;
    const containment = resolver === 'walk' ? 'walk' : 'kernel';

    beforeAll(async () => {
      driver = await Driver.start({ launcher: launcher() });
      expect(await driver.must({ call: 'capabilities', args: [] })).toMatchObject({ resolver });
    });

    describe.each(HOWS)('in its %s form', (how) => {
      test.each(ROWS)('copies or refuses: $name', async ({ from, to, options, expected }) => {
        const dir = scratch();
        build(dir, LAYOUT);
        const [outside, inside] = [tree(`${dir}/outside`), tree(`${dir}/root`)];
        await driver.openRoot(`${dir}/root`);
        const { value, error } = await driver.onRoot(`${dir}/root`, how, 'copy', from, to, { durable: false, ...options });
        expect(tree(`${dir}/outside`)).toEqual(outside);
        if (typeof expected === 'string') {
          expect(error).toMatchObject({ code: expected, isHoldfastError: !/^E/.test(expected) });
          expect(tree(`${dir}/root`)).toEqual(inside);
          return;
        }
        expect(error).toBeUndefined();
        const path = `${dir}/root/${to.replace(/\/$/, '')}`;
        expect(objects(path)).toEqual(expected);
        const size = Object.values(expected).map((text) => /^f\d+ (.*)$/.exec(text)?.[1]!.length ?? 0);
        expect(value).toEqual({ path, copied: size.length, size: size.reduce((one, two) => one + two), durable: false, containment });
        const left = Object.entries(tree(`${dir}/root`)).filter(([name]) => !`${dir}/root${name.slice(1)}/`.startsWith(`${path}/`) && name !== '.');
        expect(Object.fromEntries(left)).toEqual(Object.fromEntries(Object.entries(inside).filter(([name]) => left.some(([kept]) => kept === name))));
      });

      test('copies a file from outside', async () => {
        const dir = scratch();
        build(dir, LAYOUT);
        await driver.openRoot(`${dir}/root`);
        const { value } = await driver.onRoot(`${dir}/root`, how, 'copyIn', `${dir}/outside/s`, 't/s');
        expect(value).toEqual({ path: `${dir}/root/t/s`, copied: 1, size: 6, durable: true, containment });
        expect(objects(`${dir}/root/t/s`)).toEqual({ '.': 'f644 secret' });
        const refused = await driver.onRoot(`${dir}/root`, how, 'copyIn', `${dir}/root/lf`, 't/l');
        expect(refused.error).toMatchObject({ code: 'symlink', path: `${dir}/root/lf` });
        const outside = await driver.onRoot(`${dir}/root`, how, 'copyIn', `${dir}/outside/s`, '../new');
        expect(outside.error).toMatchObject({ code: 'outside-workspace', path: '../new' });
        const device = await driver.onRoot(`${dir}/root`, how, 'copyIn', '/dev/zero', 't/zero');
        expect(device.error).toMatchObject({ code: 'device-path', path: '/dev/zero' });
      });
    });
  });
});
