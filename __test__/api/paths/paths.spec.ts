import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { describe, expect, test } from 'vitest';
import { openRootSync } from '../../../index.mjs';
import { call, check, NEW, VERBS, type Expectation } from '../../helpers/expectations.js';
import { failure, FORMS, inBothForms } from '../../helpers/forms.js';
import { build, scratch, scratchInMemory, tree } from '../../helpers/scratch.js';

scratchInMemory();

const LAYOUT = ['d/f: hello', 'd/sub/ 0700', 'f: top'];

interface Row {
  name: string;
  path: string;
  read: Expectation;
  write: Expectation;
  ensure: Expectation;
}

/** The same whether `.` and `..` are resolved as text (`reject`) or by the kernel (`follow-parents`). */
const EITHER_WAY: Row[] = [
  { name: 'a plain relative path', path: 'd/f', read: '= hello', write: '> d/f', ensure: 'not-directory' },
  { name: 'a doubled slash is one slash', path: 'd//f', read: '= hello', write: '> d/f', ensure: 'not-directory' },
  { name: 'a leading dot is nothing', path: './d/f', read: '= hello', write: '> d/f', ensure: 'not-directory' },
  { name: 'a dot in the middle is nothing', path: 'd/./././f', read: '= hello', write: '> d/f', ensure: 'not-directory' },
  { name: 'dot-dot out of a directory that exists', path: 'd/../f', read: '= top', write: '> f', ensure: 'not-directory' },
  { name: 'dot-dot twice', path: 'd/sub/../../f', read: '= top', write: '> f', ensure: 'not-directory' },
  { name: 'a new name beside dot-dot', path: 'd/sub/../new', read: 'not-found', write: '> d/new', ensure: '/ d/new' },
  { name: 'a new name', path: 'new', read: 'not-found', write: '> new', ensure: '/ new' },
  { name: 'a missing parent', path: 'missing/x', read: 'not-found', write: 'not-found', ensure: '/ missing/x' },
  { name: 'several missing parents', path: 'm/n/o/p', read: 'not-found', write: 'not-found', ensure: '/ m/n/o/p' },
  { name: 'a name beneath a file', path: 'f/x', read: 'not-found', write: 'not-directory', ensure: 'not-directory' },
  { name: 'a name far beneath a file', path: 'f/x/y', read: 'not-found', write: 'not-directory', ensure: 'not-directory' },
  { name: 'a file with a trailing slash', path: 'f/', read: 'not-directory', write: 'not-directory', ensure: 'not-directory' },
  { name: 'a file with two trailing slashes', path: 'd/f//', read: 'not-directory', write: 'not-directory', ensure: 'not-directory' },
  { name: 'a file with a trailing slash and dot', path: 'f/.', read: 'not-directory', write: 'not-directory', ensure: 'not-directory' },
  { name: 'a file with a trailing slash, dot and slash', path: 'f/./', read: 'not-directory', write: 'not-directory', ensure: 'not-directory' },
  { name: 'a directory', path: 'd', read: 'not-file', write: 'not-file', ensure: '/ d' },
  { name: 'a directory with a trailing slash', path: 'd/', read: 'not-file', write: 'not-file', ensure: '/ d' },
  { name: 'a directory with a trailing slash and dot', path: 'd/.', read: 'not-file', write: 'not-file', ensure: '/ d' },
  { name: 'a path that ends in dot-dot', path: 'd/sub/..', read: 'not-file', write: 'not-file', ensure: '/ d' },
  { name: 'a missing name with a trailing slash', path: 'new/', read: 'not-found', write: 'not-file', ensure: '/ new' },
  { name: 'a missing name with a trailing slash and dot', path: 'new/.', read: 'not-found', write: 'not-file', ensure: '/ new' },
  { name: 'a tilde is a name', path: '~', read: 'not-found', write: '> ~', ensure: '/ ~' },
  { name: 'a variable is a name', path: '$HOME', read: 'not-found', write: '> $HOME', ensure: '/ $HOME' },
  { name: 'a pattern is a name', path: 'd/*', read: 'not-found', write: '> d/*', ensure: '/ d/*' },
  { name: 'a name of three dots is a name', path: '...', read: 'not-found', write: '> ...', ensure: '/ ...' },
  { name: 'a name that starts with two dots is a name', path: '..x', read: 'not-found', write: '> ..x', ensure: '/ ..x' },
  { name: 'a percent sign is a name, as strings are no URLs', path: '%66', read: 'not-found', write: '> %66', ensure: '/ %66' },
  { name: 'a backslash is a name', path: 'd\\f', read: 'not-found', write: '> d\\f', ensure: '/ d\\f' },
  { name: 'control characters are a name', path: 'a\nb\x1b[31m', read: 'not-found', write: '> a\nb\x1b[31m', ensure: '/ a\nb\x1b[31m' },
  { name: 'a space at either end is a name', path: ' x ', read: 'not-found', write: '>  x ', ensure: '/  x ' },
  { name: 'characters beyond the basic plane are a name', path: '𝒳😀', read: 'not-found', write: '> 𝒳😀', ensure: '/ 𝒳😀' },
  { name: 'a decomposed letter is not composed', path: 'u\u0308', read: 'not-found', write: '> u\u0308', ensure: '/ u\u0308' },
];

const AS_TEXT: Row[] = [
  { name: 'dot-dot out of a missing directory', path: 'missing/../f', read: '= top', write: '> f', ensure: 'not-directory' },
  { name: 'a new name by way of a missing directory', path: 'missing/../new', read: 'not-found', write: '> new', ensure: '/ new' },
  { name: 'dot-dot out of a file', path: 'f/../d/f', read: '= hello', write: '> d/f', ensure: 'not-directory' },
];

const BY_THE_KERNEL: Row[] = [
  { name: 'dot-dot out of a missing directory', path: 'missing/../f', read: 'not-found', write: 'not-found', ensure: 'not-found' },
  { name: 'a new name by way of a missing directory', path: 'missing/../new', read: 'not-found', write: 'not-found', ensure: 'not-found' },
  { name: 'dot-dot out of a file', path: 'f/../d/f', read: 'not-found', write: 'not-directory', ensure: 'not-directory' },
];

const SPELLINGS: { how: string; spell: (dir: string, path: string) => string | Buffer }[] = [
  { how: 'relative', spell: (_, name) => name },
  { how: 'absolute', spell: (dir, name) => `${dir}/${name}` },
  { how: 'as a Buffer', spell: (dir, name) => Buffer.from(`${dir}/${name}`) },
];

describe.each([
  { policy: undefined, rows: [...EITHER_WAY, ...BY_THE_KERNEL] },
  { policy: 'follow-parents', rows: BY_THE_KERNEL },
  { policy: 'reject', rows: [...EITHER_WAY, ...AS_TEXT] },
])('path text with symlinks: $policy', ({ policy, rows }) => {
  describe.each(rows)('$name', (row) => {
    test.each(VERBS)('%s', async (verb) => {
      for (const { spell } of SPELLINGS) {
        await check(row[verb], LAYOUT, (form, dir) => call(form, verb, spell(dir, row.path), { symlinks: policy }));
      }
    });
  });
});

describe('missing parents, spelled in every way', () => {
  const rows = [
    { parent: 'new/', made: 'new' },
    { parent: 'new//', made: 'new' },
    { parent: './/new///', made: 'new' },
    { parent: 'new/./', made: 'new' },
    { parent: 'new/.//./', made: 'new' },
    { parent: 'd//new/.//er//', made: 'd/new/er' },
    { parent: 'file:///', made: 'file:' },
  ];
  const policies = [undefined, 'reject', 'follow-parents', 'follow-trusted', 'follow-within-root'];

  describe.each(rows)('$parent', ({ parent, made }) => {
    test.each(policies)('are the same for a write with mkdir and for ensureDir (symlinks: %s)', async (symlinks) => {
      for (const beneath of symlinks === 'follow-within-root' ? [true] : [false, true]) {
        for (const { spell } of SPELLINGS) {
          const options = (dir: string) => ({ symlinks, root: beneath ? dir : undefined });
          const written = await inBothForms(LAYOUT, (form, dir) => form.write(spell(dir, `${parent}x`), NEW, { mkdir: true, durable: false, ...options(dir) }));
          for (const { dir, before, after, outcome } of written) {
            expect(outcome.error).toBeUndefined();
            expect(outcome.value).toMatchObject({ path: `${dir}/${made}/x`, created: true });
            expect(fs.readFileSync(`${dir}/${made}/x`, 'utf8')).toBe(NEW);
            expect(Object.keys(after).filter((name) => !(name in before) && !`./${made}/x/`.startsWith(`${name}/`))).toEqual([]);
          }
          await check(`/ ${made}/x`, LAYOUT, (form, dir) => call(form, 'ensure', spell(dir, `${parent}x`), options(dir)));
        }
      }
    });
  });
});

describe('the ends of the tree', () => {
  test.each([undefined, 'reject'])('a dot is the working directory (symlinks: %s)', async (symlinks) => {
    await check('not-file', LAYOUT, (form) => call(form, 'read', '.', { symlinks }));
    await check('not-file', LAYOUT, (form) => call(form, 'write', '.', { symlinks }));
    await check('/ ', LAYOUT, (form) => call(form, 'ensure', '.', { symlinks }));
  });

  test.each([undefined, 'reject'])('dot-dot above the root of the file system stays there (symlinks: %s)', async (symlinks) => {
    await check('= top', LAYOUT, (form, dir) => call(form, 'read', `/../../..${dir}/f`, { symlinks }));
    await check('> f', LAYOUT, (form, dir) => call(form, 'write', `/../../..${dir}/f`, { symlinks }));
    await check('/ new', LAYOUT, (form, dir) => call(form, 'ensure', `/../../..${dir}/new`, { symlinks }));
  });

  test('two leading slashes are one', async () => {
    await check('= top', LAYOUT, (form, dir) => call(form, 'read', `/${dir}/f`));
    await check('> f', LAYOUT, (form, dir) => call(form, 'write', `/${dir}/f`));
    await check('/ new', LAYOUT, (form, dir) => call(form, 'ensure', `/${dir}/new`));
  });

  test.each(VERBS.filter((verb) => verb !== 'ensure'))('%s: the root of the file system is no file', async (verb) => {
    await check('not-file', [], (form) => call(form, verb, '/'));
  });
});

describe('a path that cannot be one', () => {
  const rows = [
    { name: 'the empty string', bad: () => '' },
    { name: 'an empty Buffer', bad: () => Buffer.alloc(0) },
    { name: 'NUL at the end', bad: (dir: string) => `${dir}/f\0` },
    { name: 'NUL at the start', bad: () => '\0f' },
    { name: 'NUL in the middle of a parent', bad: () => 'd\0x/f' },
    { name: 'NUL alone', bad: () => '\0' },
    { name: 'NUL in a Buffer', bad: (dir: string) => Buffer.from(`${dir}/f\0`) },
    { name: 'NUL in a long path', bad: () => `d/${'x'.repeat(200)}/${'y'.repeat(200)}\0` },
    { name: 'a lone high surrogate', bad: () => 'd/\ud83d' },
    { name: 'a lone low surrogate', bad: () => '\ude00f' },
    { name: 'surrogates in the wrong order', bad: () => 'd/\ude00\ud83d/f' },
    { name: 'a lone surrogate in a long path', bad: () => `${'d/../'.repeat(300)}\ud83d` },
  ];

  describe.each(rows)('$name', ({ bad }) => {
    test.each(VERBS)('%s', async (verb) => {
      await check('invalid-path', LAYOUT, (form, dir) => call(form, verb, bad(dir)));
      await check('invalid-path', LAYOUT, (form, dir) => call(form, verb, bad(dir), { symlinks: 'reject' }));
    });
  });
});

describe('the length of a name', () => {
  const longest = 'n'.repeat(255);
  const tooLong = 'n'.repeat(256);

  test.each([undefined, 'reject'])('255 bytes work for all three verbs (symlinks: %s)', async (symlinks) => {
    await check(`> ${longest}`, [], (form) => call(form, 'write', longest, { symlinks }));
    await check(`> ${longest}`, [`${longest}: old`], (form) => call(form, 'write', longest, { symlinks }));
    await check('= old', [`${longest}: old`], (form) => call(form, 'read', longest, { symlinks }));
    await check(`/ ${longest}/${longest}`, [], (form) => call(form, 'ensure', `${longest}/${longest}`, { symlinks }));
  });

  test('255 bytes are counted in bytes, not characters', async () => {
    await check(`> ${'é'.repeat(127)}x`, [], (form) => call(form, 'write', `${'é'.repeat(127)}x`));
    await check('ENAMETOOLONG', [], (form) => call(form, 'write', 'é'.repeat(128)));
  });

  test.each(VERBS)('%s: 256 bytes are ENAMETOOLONG, with nothing half-made', async (verb) => {
    for (const symlinks of [undefined, 'reject']) {
      for (const name of [tooLong, `d/${tooLong}`, `${tooLong}/x`]) {
        await check('ENAMETOOLONG', LAYOUT, (form) => call(form, verb, name, { symlinks }));
      }
    }
  });

  test.each(['new/er', 'd/new'])('directories before a name that is too long are not made (%s)', async (parent) => {
    await check('ENAMETOOLONG', LAYOUT, (form) => call(form, 'ensure', `${parent}/${tooLong}`));
    await check('ENAMETOOLONG', LAYOUT, (form) => call(form, 'write', `${parent}/${tooLong}`, { mkdir: true }));
  });

  test.each(VERBS)('%s: a path over PATH_MAX is ENAMETOOLONG', async (verb) => {
    await check('ENAMETOOLONG', LAYOUT, (form, dir) => call(form, verb, `${dir}/${'d/../'.repeat(1000)}f`, { symlinks: 'follow-parents' }));
  });
});

describe('a working directory that was removed', () => {
  test.each(VERBS)('%s: a relative path leads to nothing', async (verb) => {
    for (const symlinks of [undefined, 'reject']) {
      await check('not-found', LAYOUT, async (form, dir) => {
        fs.mkdirSync(`${dir}/gone`);
        process.chdir(`${dir}/gone`);
        fs.rmdirSync(`${dir}/gone`);
        return call(form, verb, 'x', { symlinks });
      });
    }
  });

  test('does not turn an empty root into anything else than an unusable path', async () => {
    await check('invalid-path', LAYOUT, async (form, dir) => {
      fs.mkdirSync(`${dir}/gone`);
      process.chdir(`${dir}/gone`);
      fs.rmdirSync(`${dir}/gone`);
      return form.write('x', NEW, { root: '' });
    });
  });

  test('does not disturb absolute paths', async () => {
    const leave = (dir: string) => {
      fs.mkdirSync(`${dir}/gone`);
      process.chdir(`${dir}/gone`);
      fs.rmdirSync(`${dir}/gone`);
    };
    await check('= top', LAYOUT, (form, dir) => (leave(dir), call(form, 'read', `${dir}/f`)));
    await check('> f', LAYOUT, (form, dir) => (leave(dir), call(form, 'write', `${dir}/f`)));
    await check('/ new', LAYOUT, (form, dir) => (leave(dir), call(form, 'ensure', `${dir}/new`)));
  });
});

describe('the length of a path', () => {
  test('counts after dots are resolved as text, and before the kernel resolves them', async () => {
    const dots = './d/../'.repeat(1000);
    await check('= top', LAYOUT, (form) => call(form, 'read', `${dots}f`, { symlinks: 'reject' }));
    await check('> f', LAYOUT, (form) => call(form, 'write', `${dots}f`, { symlinks: 'reject' }));
    await check('/ new', LAYOUT, (form) => call(form, 'ensure', `${dots}new`, { symlinks: 'reject' }));
    for (const verb of VERBS) await check('ENAMETOOLONG', LAYOUT, (form) => call(form, verb, `${dots}f`));
  });

  test('may come near PATH_MAX, and over it makes nothing', async () => {
    const deep = (count: number) => Array(count).fill('m'.repeat(200)).join('/');
    for (const symlinks of [undefined, 'reject']) {
      await check(`/ ${deep(19)}`, [], (form) => call(form, 'ensure', deep(19), { symlinks }));
      await check('ENAMETOOLONG', [], (form) => call(form, 'ensure', deep(30), { symlinks }));
      await check('ENAMETOOLONG', [], (form) => form.write(`${deep(30)}/f`, NEW, { symlinks, mkdir: true }));
    }
    for (const form of FORMS) {
      const dir = scratch();
      await form.write(`${dir}/${deep(19)}/f`, NEW, { mkdir: true });
      const { realPath, buffer } = await form.read(`${dir}/${deep(19)}/f`);
      expect(realPath).toBe(`${dir}/${deep(19)}/f`);
      expect(buffer.toString()).toBe(NEW);
    }
  });

  test('over twice that of any system is what node:fs answers, and no more is done with it', async () => {
    const dir = scratch();
    build(dir, LAYOUT);
    const dots = './'.repeat(32_767);
    using root = openRootSync(dir);
    expect(root.readSync(`${dots}/f`).buffer.toString()).toBe('top');
    for (const long of [`${dots}//f`, Buffer.from(`${dots}//f`), pathToFileURL(`/${'a/'.repeat(32_768)}f`)]) {
      const opened = await failure(() => fs.promises.open(long));
      const made = await failure(() => fs.promises.mkdir(long));
      const like = ({ code, errno, syscall, message }: NodeJS.ErrnoException): object => ({ code, errno, syscall, message });
      for (const form of FORMS) {
        expect(like(await failure(() => form.read(long)))).toEqual(like(opened));
        expect(like(await failure(() => form.write(long, NEW)))).toEqual(like(opened));
        expect(like(await failure(() => form.ensure(long)))).toEqual(like(made));
      }
      expect(like(await failure(() => root.read(long)))).toEqual(like(opened));
      expect(like(await failure(() => openRootSync(long)))).toEqual(like(opened));
    }
  });

  test('may exceed the memory: an error, and the process continues', () => {
    const index = fileURLToPath(new URL('../../../index.js', import.meta.url));
    const script = `const { openRootSync, writeAtomic } = require(${JSON.stringify(index)});
      const [long, root] = ['/a'.repeat(10_000_000), openRootSync('/')];
      Promise.allSettled([writeAtomic(long, 'x'), root.writeAtomic(long, 'x'), root.read(long)])
        .then((answers) => console.log(answers.map(({ reason }) => reason.code).join()));`;
    const { status, stdout } = spawnSync(process.execPath, ['--max-old-space-size=150', '-e', script], { encoding: 'utf8' });
    expect([status, stdout]).toEqual([0, 'ENAMETOOLONG,ENAMETOOLONG,ENAMETOOLONG\n']);
  });

  // A character of several bytes may end just before or just after the end of any buffer that converts a path.
  test.each(['x', 'é', '€', '😀'])('from 200 to 1100 bytes, ending in %s, names the very file', async (character) => {
    for (const form of FORMS) {
      const dir = scratch();
      const name = character.repeat(3);
      build(dir, [`${name}: right`, `${character}: cut`, `${character.repeat(2)}: cut`]);
      for (let length = 200; length <= 1100; length += length > 240 && length < 1000 && (length < 500 || length > 530) ? 7 : 1) {
        const slashes = '/'.repeat(Math.max(1, length - Buffer.byteLength(dir + name)));
        expect((await form.read(dir + slashes + name)).buffer.toString()).toBe('right');
        expect((await form.read(dir + '/.'.repeat(Math.ceil(slashes.length / 2)) + '/' + name)).buffer.toString()).toBe('right');
      }
      for (let length = 505; length <= 518; length += 1) {
        const made = await form.ensure(`${dir}${'/'.repeat(length - Buffer.byteLength(dir) - 3 * Buffer.byteLength(character))}${character.repeat(3)}d`);
        expect(made.path).toBe(`${dir}/${character.repeat(3)}d`);
        expect((await form.write(`${dir}${'/'.repeat(length - Buffer.byteLength(dir + name))}${name}`, 'right')).path).toBe(`${dir}/${name}`);
      }
      expect(fs.readdirSync(dir).length).toBe(4);
    }
  });
});

describe('names that are not UTF-8', () => {
  const name = Buffer.from([0x6e, 0xff, 0xfe, 0x80]);
  const at = (dir: string) => Buffer.concat([Buffer.from(`${dir}/`), name]);

  test('a Buffer names the file byte by byte in all three verbs', async () => {
    for (const form of FORMS) {
      const dir = scratch();
      const written = await form.write(at(dir), NEW);
      expect(fs.readdirSync(dir, { encoding: 'buffer' })).toEqual([name]);
      expect(written.path).toBe(`${dir}/n\ufffd\ufffd\ufffd`);
      const read = await form.read(at(dir));
      expect(read.buffer.toString()).toBe(NEW);
      expect(read.realPath).toBe(`${dir}/n\ufffd\ufffd\ufffd`);
      const made = await form.ensure(Buffer.concat([at(dir), Buffer.from('d/sub')]));
      expect(made.path).toBe(`${dir}/n\ufffd\ufffd\ufffdd/sub`);
      expect(fs.readdirSync(dir, { encoding: 'buffer' }).map((entry) => entry.toString('hex')).sort()).toEqual([
        name.toString('hex'),
        `${name.toString('hex')}64`,
      ]);
    }
  });

  test('the file with U+FFFD in its name is another file', async () => {
    for (const form of FORMS) {
      const dir = scratch();
      fs.writeFileSync(at(dir), 'raw');
      expect((await failure(() => form.read(`${dir}/n\ufffd\ufffd\ufffd`))).code).toBe('not-found');
      await form.write(`${dir}/n\ufffd\ufffd\ufffd`, 'text');
      expect(fs.readFileSync(at(dir), 'utf8')).toBe('raw');
    }
  });

  test('an error shows such a name with U+FFFD', async () => {
    for (const { dir, outcome } of await inBothForms([], (form, dir) => form.read(at(dir)))) {
      expect(outcome.error.path).toBe(`${dir}/n\ufffd\ufffd\ufffd`);
    }
  });

  test('a Buffer that is changed right after the call names the same file', async () => {
    for (const form of FORMS) {
      const dir = scratch();
      build(dir, ['one: 1', 'two: 2']);
      const file = Buffer.from(`${dir}/one`);
      const reading = form.read(file);
      file.write('two', file.length - 3);
      expect((await reading).buffer.toString()).toBe('1');
      file.write('new', file.length - 3);
      const writing = form.write(file, NEW);
      file.write('two', file.length - 3);
      await writing;
      expect(fs.readFileSync(path.join(dir, 'new'), 'utf8')).toBe(NEW);
      expect(fs.readFileSync(path.join(dir, 'two'), 'utf8')).toBe('2');
      expect(Object.keys(tree(dir)).sort()).toEqual(['.', './new', './one', './two']);
    }
  });
});
