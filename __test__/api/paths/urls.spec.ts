import * as fs from 'node:fs';
import * as path from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, test } from 'vitest';
import { call, check, VERBS } from '../../helpers/expectations.js';
import { FORMS } from '../../helpers/forms.js';
import { build, scratch } from '../../helpers/scratch.js';

describe('a file: URL object', () => {
  test('names the file it stands for, in all three verbs', async () => {
    await check('= hello', ['d/f: hello'], (form, dir) => call(form, 'read', pathToFileURL(`${dir}/d/f`)));
    await check('> d/f', ['d/f: hello'], (form, dir) => call(form, 'write', pathToFileURL(`${dir}/d/f`)));
    await check('/ d/new', ['d/f: hello'], (form, dir) => call(form, 'ensure', pathToFileURL(`${dir}/d/new`)));
  });

  test('is decoded once', async () => {
    await check('> a b%20#?ü', [], (form, dir) => call(form, 'write', pathToFileURL(`${dir}/a b%20#?ü`)));
    await check('> a%2Fb', [], (form, dir) => call(form, 'write', new URL(`file://${dir}/a%252Fb`)));
  });

  test('has its dots resolved by the URL itself', async () => {
    await check('> f', [], (form, dir) => call(form, 'write', new URL(`file://${dir}/missing/%2e%2e/f`)));
  });

  test('may be a result of a read by options object', async () => {
    await check('= hello', ['d/f: hello'], (form, dir) => form.read({ filePath: pathToFileURL(`${dir}/d/f`) }));
  });

  test('that is changed right after the call names the same file', async () => {
    for (const form of FORMS) {
      const dir = scratch();
      build(dir, ['one: 1', 'two: 2']);
      const url = pathToFileURL(path.join(dir, 'one'));
      const reading = form.read(url);
      url.pathname = path.join(dir, 'two');
      expect((await reading).buffer.toString()).toBe('1');
    }
  });
});

describe('a URL object that is no local file', () => {
  const rows = [
    { name: 'a host', bad: (dir: string) => new URL(`file://server${dir}/f`) },
    { name: 'an encoded slash', bad: (dir: string) => new URL(`file://${dir}%2Ff`) },
    { name: 'an encoded slash in small letters', bad: (dir: string) => new URL(`file://${dir}%2ff`) },
    { name: 'another scheme', bad: (dir: string) => new URL(`http://localhost${dir}/f`) },
    { name: 'a data: URL', bad: () => new URL('data:text/plain,f') },
    { name: 'an encoded NUL', bad: (dir: string) => new URL(`file://${dir}/f%00`) },
    { name: 'an escape that is not UTF-8', bad: (dir: string) => new URL(`file://${dir}/f%ff`) },
    { name: 'an escape that is cut short', bad: (dir: string) => new URL(`file://${dir}/f%E4%BD`) },
  ];

  describe.each(rows)('$name', ({ bad }) => {
    test.each(VERBS)('%s', async (verb) => {
      await check('invalid-path', ['f: top'], (form, dir) => call(form, verb, bad(dir)));
    });
  });
});

test('the reason of an escape that is not UTF-8 is the escape', async () => {
  for (const verb of VERBS) {
    await expect(call(FORMS[0]!, verb, new URL('file:///f%ff'))).rejects.toMatchObject({ code: 'invalid-path', message: expect.stringContaining('percent-encoding') });
  }
});

describe('an object with the properties of a URL', () => {
  const like = (pathname: string) => ({ href: `file://${pathname}`, protocol: 'file:', hostname: '', pathname });

  test('is treated as a URL, as in Node', async () => {
    await check('= top', ['f: top'], (form, dir) => form.read(like(`${dir}/f`)));
  });

  test('with a lone surrogate in its path is refused, and not taken for a file with U+FFFD', async () => {
    for (const verb of VERBS) await check('invalid-path', ['f\ufffd: top'], (form, dir) => call(form, verb, like(`${dir}/f\ud800`)));
  });
});

describe('a string is never parsed as a URL', () => {
  test('file:///x is a relative path', async () => {
    for (const form of FORMS) {
      const dir = scratch();
      fs.mkdirSync(path.join(dir, 'file:'));
      fs.writeFileSync(path.join(dir, 'file:', 'x'), 'relative');
      const cwd = process.cwd();
      process.chdir(dir);
      try {
        expect((await form.read('file:///x')).buffer.toString()).toBe('relative');
        expect((await form.write('file:///y', 'new')).path).toBe(path.join(dir, 'file:', 'y'));
        expect((await form.ensure('file:///z')).path).toBe(path.join(dir, 'file:', 'z'));
      } finally {
        process.chdir(cwd);
      }
    }
  });

  test.each(['read', 'write'] as const)('%s: the string of a URL to an existing file does not reach it', async (verb) => {
    await check('not-found', ['f: top'], (form, dir) => call(form, verb, pathToFileURL(`${dir}/f`).href));
  });
});
