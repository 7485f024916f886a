import * as fs from 'node:fs';
import * as path from 'node:path';
import { describe, expect, test } from 'vitest';
import { call, check, expectRefusal, NEW, VERBS, without, type Expectation } from '../../helpers/expectations.js';
import { inBothForms } from '../../helpers/forms.js';

interface Row {
  name: string;
  layout: string[];
  path: string;
  read: Expectation;
  write: Expectation;
  ensure: Expectation;
}

const REAL = ['real/f: inside', 'real/sub/f: deep', 'real/sub/d/ 0700'];
const refused = { read: 'symlink', write: 'symlink', ensure: 'symlink' };

const PARENTS: Row[] = [
  { name: 'the first parent', layout: [...REAL, 'ln => real'], path: 'ln/sub/f', read: '= deep', write: '> real/sub/f', ensure: 'not-directory' },
  { name: 'the first parent, of a new name', layout: [...REAL, 'ln => real'], path: 'ln/sub/new', read: 'not-found', write: '> real/sub/new', ensure: '/ real/sub/new' },
  { name: 'a middle parent', layout: [...REAL, 'real/ln => sub'], path: 'real/ln/d/new', read: 'not-found', write: '> real/sub/d/new', ensure: '/ real/sub/d/new' },
  { name: 'the last parent', layout: [...REAL, 'real/ln => ../real/sub'], path: 'real/ln/f', read: '= deep', write: '> real/sub/f', ensure: 'not-directory' },
  { name: 'the last parent, absolute', layout: [...REAL, 'real/ln => $DIR/real/sub'], path: 'real/ln/new', read: 'not-found', write: '> real/sub/new', ensure: '/ real/sub/new' },
  { name: 'a parent by way of another link', layout: [...REAL, 'a => b', 'b => real/sub'], path: 'a/f', read: '= deep', write: '> real/sub/f', ensure: 'not-directory' },
  { name: 'every parent', layout: [...REAL, 'ln => real', 'real/ln => sub'], path: 'ln/ln/new', read: 'not-found', write: '> real/sub/new', ensure: '/ real/sub/new' },
  { name: 'a parent that is a dangling link', layout: ['ln => nowhere'], path: 'ln/x', read: 'not-found', write: 'not-found', ensure: 'not-found' },
  { name: 'a parent that links to a file', layout: [...REAL, 'ln => real/f'], path: 'ln/x', read: 'not-found', write: 'not-directory', ensure: 'not-directory' },
  { name: 'a parent that links to itself', layout: ['ln => ln'], path: 'ln/x', ...refused },
  { name: 'parents that link to each other', layout: ['a => b', 'b => a'], path: 'a/x', ...refused },
];

describe('a symlink as parent is followed by default', () => {
  describe.each(PARENTS)('$name', (row) => {
    test.each(VERBS)('%s', async (verb) => {
      await check(row[verb], row.layout, (form) => call(form, verb, row.path));
      await check(row[verb], row.layout, (form, dir) => call(form, verb, `${dir}/${row.path}`, { symlinks: 'follow-parents' }));
    });
  });

  test('dot-dot behind it is the parent of what it links to', async () => {
    const layout = [...REAL, 'ln => real/sub', 'f: top'];
    await check('= inside', layout, (form) => call(form, 'read', 'ln/../f'));
    await check('> real/f', layout, (form) => call(form, 'write', 'ln/../f'));
    await check('/ real/new', layout, (form) => call(form, 'ensure', 'ln/../new'));
  });
});

describe("a symlink as parent is refused with symlinks: 'reject'", () => {
  describe.each(PARENTS)('$name', (row) => {
    test.each(VERBS)('%s', async (verb) => {
      await check('symlink', row.layout, (form) => call(form, verb, row.path, { symlinks: 'reject' }));
      await check('symlink', row.layout, (form, dir) => call(form, verb, `${dir}/${row.path}`, { symlinks: 'reject' }));
    });
  });

  test('dot-dot behind it is text, so the link is never touched', async () => {
    const layout = [...REAL, 'ln => real/sub', 'f: top'];
    await check('= top', layout, (form) => call(form, 'read', 'ln/../f', { symlinks: 'reject' }));
    await check('> f', layout, (form) => call(form, 'write', 'ln/../f', { symlinks: 'reject' }));
    await check('/ new', layout, (form) => call(form, 'ensure', 'ln/../new', { symlinks: 'reject' }));
  });

  test('mkdir makes nothing behind it, nor behind one that leads nowhere', async () => {
    const layout = [...REAL, 'ln => real', 'dangling => nowhere', 'loop => loop'];
    const options = { mkdir: true };
    for (const at of ['ln/new/f', 'ln/new/er/f', 'real/../ln/new/f']) {
      await check('symlink', layout, (form) => form.write(at, NEW, { ...options, symlinks: 'reject' }));
    }
    await check('not-found', layout, (form) => form.write('dangling/new/f', NEW, options));
    await check('not-found', layout, (form) => form.write('dangling/f', NEW, options));
    await check('symlink', layout, (form) => form.write('loop/new/f', NEW, options));
    await check('not-found', layout, (form) => form.ensure('dangling/new/er'));
  });

  test('a link on the way to the working directory is no part of a relative path', async () => {
    await check('= deep', [...REAL, 'ln => real'], async (form, dir) => {
      process.chdir(`${dir}/ln/sub`);
      return call(form, 'read', 'f', { symlinks: 'reject' });
    });
  });
});

const FINAL: { name: string; layout: string[] }[] = [
  { name: 'to a file', layout: ['f: top', 'ln => f'] },
  { name: 'to a file by an absolute path', layout: ['f: top', 'ln => $DIR/f'] },
  { name: 'to a directory', layout: ['d/f: hello', 'ln => d'] },
  { name: 'to a directory by an absolute path', layout: ['d/f: hello', 'ln => $DIR/d'] },
  { name: 'to a file by way of another link', layout: ['f: top', 'two => f', 'ln => two'] },
  { name: 'to nothing', layout: ['ln => nowhere'] },
  { name: 'to itself', layout: ['ln => ln'] },
  { name: 'to a FIFO', layout: ['pipe |', 'ln => pipe'] },
  { name: 'to a device', layout: ['ln => /dev/zero'] },
  { name: 'to a magic link', layout: ['ln => /proc/self/fd/0'] },
];

describe('a symlink as final component is refused, whichever the policy and whatever it links to', () => {
  describe.each(FINAL)('$name', ({ layout }) => {
    test.each(VERBS)('%s', async (verb) => {
      for (const symlinks of [undefined, 'follow-parents', 'reject']) {
        await check('symlink', layout, (form) => call(form, verb, 'ln', { symlinks }));
        await check('symlink', layout, (form, dir) => call(form, verb, `${dir}/ln`, { symlinks }));
      }
    });

    test.each(VERBS)('%s: a trailing slash or dot does not hide it', async (verb) => {
      for (const symlinks of [undefined, 'reject']) {
        for (const tail of ['/', '/.', '//', '/./', '/./.']) {
          await check('symlink', layout, (form) => call(form, verb, `ln${tail}`, { symlinks }));
        }
      }
    });
  });
});

describe("writing on a final symlink with finalSymlink: 'replace'", () => {
  const links = FINAL.filter(({ name }) => !name.includes('magic'));

  test.each(links)('gives its name to the file and leaves what it links to: $name', async ({ layout }) => {
    for (const symlinks of [undefined, 'reject']) {
      for (const { dir, before, after, outcome } of await inBothForms(layout, (form) => form.write('ln', NEW, { finalSymlink: 'replace', symlinks }))) {
        expect(outcome.error).toBeUndefined();
        expect(fs.lstatSync(path.join(dir, 'ln')).isFile()).toBe(true);
        expect(fs.readFileSync(path.join(dir, 'ln'), 'utf8')).toBe(NEW);
        expect(outcome.value).toMatchObject({ path: path.join(dir, 'ln'), created: true, preserved: null, mode: 0o644 });
        expect(without(after, './ln')).toEqual(without(before, './ln'));
      }
    }
  });

  test('a directory or FIFO is still no file', async () => {
    await check('not-file', ['d/f: x'], (form) => form.write('d', NEW, { finalSymlink: 'replace' }));
    await check('not-file', ['p |'], (form) => form.write('p', NEW, { finalSymlink: 'replace' }));
  });

  test('a regular file is overwritten as ever', async () => {
    for (const { dir, outcome } of await inBothForms(['f 0640: old'], (form) => form.write('f', NEW, { finalSymlink: 'replace' }))) {
      expect(outcome.value).toMatchObject({ created: false, mode: 0o640, preserved: { mode: true } });
      expect(fs.readFileSync(path.join(dir, 'f'), 'utf8')).toBe(NEW);
    }
  });
});

describe("writing on a final symlink with finalSymlink: 'follow'", () => {
  const rows = [
    { name: 'a relative link', layout: ['d/f 0640: old', 'ln => d/f'], file: 'ln', target: 'd/f' },
    { name: 'an absolute link', layout: ['d/f 0640: old', 'ln => $DIR/d/f'], file: 'ln', target: 'd/f' },
    { name: 'a link to a link', layout: ['d/f 0640: old', 'd/two => f', 'ln => d/two'], file: 'ln', target: 'd/f' },
    { name: 'a link in another directory', layout: ['d/f 0640: old', 'e/ln => ../d/f'], file: 'e/ln', target: 'd/f' },
    { name: 'a link beneath a linked directory', layout: ['d/f 0640: old', 'd/ln => f', 'e => d'], file: 'e/ln', target: 'd/f' },
  ];

  test.each(rows)('writes what it links to and keeps the link: $name', async ({ layout, file, target }) => {
    for (const { dir, before, after, outcome } of await inBothForms(layout, (form) => form.write(file, NEW, { finalSymlink: 'follow' }))) {
      expect(outcome.error).toBeUndefined();
      expect(outcome.value).toMatchObject({ path: path.join(dir, target), created: false, mode: 0o640 });
      expect(fs.readFileSync(path.join(dir, target), 'utf8')).toBe(NEW);
      expect(without(after, `./${target}`)).toEqual(without(before, `./${target}`));
    }
  });

  test('makes what a dangling link points at, as opening it would', async () => {
    await check('> d/new', ['d/', 'ln => d/new'], (form) => form.write('ln', NEW, { finalSymlink: 'follow' }));
  });

  test.each([
    { name: 'a dangling link into a missing directory', layout: ['ln => no/where'], code: 'not-found' },
    { name: 'a link to itself', layout: ['ln => ln'], code: 'symlink' },
    { name: 'links to each other', layout: ['ln => b', 'b => ln'], code: 'symlink' },
    { name: 'a link to a directory', layout: ['d/', 'ln => d'], code: 'not-file' },
    { name: 'a link to a FIFO', layout: ['p |', 'ln => p'], code: 'not-file' },
    { name: 'a link to a name beneath a file', layout: ['f: x', 'ln => f/x'], code: 'not-directory' },
  ])('$name is $code, and nothing changes', async ({ layout, code }) => {
    await check(code, layout, (form) => form.write('ln', NEW, { finalSymlink: 'follow' }));
  });
});

describe('another name of the file (hard link)', () => {
  const layout = ['f 0640: old', 'other == f'];

  test('is read by default, and refused on request', async () => {
    await check('= old', layout, (form) => form.read('f'));
    await check('= old', layout, (form) => form.read('f', { hardlinks: 'allow' }));
    await check('hardlink', layout, (form) => form.read('f', { hardlinks: 'reject' }));
    await check('= old', ['f: old'], (form) => form.read('f', { hardlinks: 'reject' }));
  });

  test('keeps the old content when the file is written', async () => {
    for (const { dir, before, after, outcome } of await inBothForms(layout, (form) => form.write('f', NEW))) {
      expect(outcome.value).toMatchObject({ created: false, mode: 0o640 });
      expect(fs.readFileSync(path.join(dir, 'f'), 'utf8')).toBe(NEW);
      expect(after['./other']).toBe(before['./other']!.replace('names=2', 'names=1'));
    }
  });

  test('makes a write be refused on request', async () => {
    await check('hardlink', layout, (form) => form.write('f', NEW, { hardlinks: 'reject' }));
    await check('> f', ['f: old'], (form) => form.write('f', NEW, { hardlinks: 'reject' }));
    await check('> f', [], (form) => form.write('f', NEW, { hardlinks: 'reject' }));
  });
});

describe('the system error of a refusal', () => {
  test('a loop of parents carries ELOOP and its cause', async () => {
    for (const { dir, outcome } of await inBothForms(['ln => ln'], (form, dir) => form.read(`${dir}/ln/x`))) {
      expectRefusal(outcome.error, 'symlink');
      expect(outcome.error).toMatchObject({ sysCode: 'ELOOP', errno: -40, path: `${dir}/ln/x` });
      expect(outcome.error.cause).toMatchObject({ code: 'ELOOP', errno: -40 });
    }
  });
});
