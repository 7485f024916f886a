import * as fs from 'node:fs';
import * as path from 'node:path';
import { describe, expect, test } from 'vitest';
import { check, NEW } from '../../helpers/expectations.js';
import { FORMS, inBothForms } from '../../helpers/forms.js';
import { build, modeOf, scratch, tree } from '../../helpers/scratch.js';
import { needs } from '../../helpers/sys-needs.js';
import { octal, underUmask } from '../../helpers/umask.js';

const UMASKS = [0o000, 0o022, 0o077];

describe.each(UMASKS.map((umask) => ({ umask, shown: octal(umask) })))('under umask $shown', ({ umask }) => {
  test.each([0o600, 0o640, 0o644, 0o755, 0o000, 0o444, 0o777, 0o666])('a new file with mode %d has exactly that mode', async (mode) => {
    await underUmask(umask, async () => {
      for (const { dir, outcome } of await inBothForms([], (form) => form.write('f', NEW, { mode }))) {
        expect(outcome.error).toBeUndefined();
        expect(octal(modeOf(`${dir}/f`))).toBe(octal(mode));
        expect(octal(outcome.value!.mode)).toBe(octal(mode));
        expect(outcome.value).toMatchObject({ created: true, preserved: null });
      }
    });
  });

  test.each([0o600, 0o640, 0o644, 0o755])('an overwrite with mode %d ends with exactly that mode, from any other', async (mode) => {
    await underUmask(umask, async () => {
      for (const old of ['0600', '0644', '0777', '4755']) {
        for (const { dir, outcome } of await inBothForms([`f ${old}: old`], (form) => form.write('f', NEW, { mode }))) {
          expect(outcome.error).toBeUndefined();
          expect(octal(modeOf(`${dir}/f`))).toBe(octal(mode));
          expect(octal(outcome.value!.mode)).toBe(octal(mode));
        }
      }
    });
  });

  test.each([
    { old: '0644', kept: '0644' },
    { old: '0640', kept: '0640' },
    { old: '0600', kept: '0600' },
    { old: '0755', kept: '0755' },
    { old: '0666', kept: '0666' },
    { old: '0400', kept: '0400' },
    { old: '0000', kept: '0000' },
    { old: '4755', kept: '0755' },
    { old: '2755', kept: '0755' },
    { old: '1644', kept: '0644' },
    { old: '6750', kept: '0750' },
  ])('an overwrite of $old without a mode keeps $kept', async ({ old, kept }) => {
    await underUmask(umask, async () => {
      for (const { dir, outcome } of await inBothForms([`f ${old}: old`], (form) => form.write('f', NEW))) {
        expect(outcome.error).toBeUndefined();
        expect(octal(modeOf(`${dir}/f`))).toBe(kept);
        expect(octal(outcome.value!.mode)).toBe(kept);
        expect(outcome.value).toMatchObject({ created: false, preserved: { mode: old === kept, acl: true, owner: true } });
      }
    });
  });

  test('a new file is 0644 by default, or has newFileMode', async () => {
    await underUmask(umask, async () => {
      for (const [options, mode] of [[undefined, '0644'], [{}, '0644'], [{ newFileMode: 0o600 }, '0600'], [{ newFileMode: 0o666 }, '0666'], [{ newFileMode: 0 }, '0000'], [{ newFileMode: 0o600, mode: 0o640 }, '0640']] as const) {
        for (const { dir, outcome } of await inBothForms([], (form) => form.write('f', NEW, options))) {
          expect(outcome.error).toBeUndefined();
          expect(octal(modeOf(`${dir}/f`))).toBe(mode);
        }
      }
    });
  });

  test('a new directory has exactly its mode, and so has every parent made for it', async () => {
    await underUmask(umask, async () => {
      for (const [options, mode] of [[undefined, '0700'], [{ mode: 0o750 }, '0750'], [{ mode: 0o755 }, '0755'], [{ mode: 0o711 }, '0711'], [{ mode: 0o777 }, '0777']] as const) {
        for (const { dir, outcome } of await inBothForms([], (form) => form.ensure('a/b/c', options))) {
          expect(outcome.error).toBeUndefined();
          for (const made of ['a', 'a/b', 'a/b/c']) expect(octal(modeOf(path.join(dir, made)))).toBe(mode);
          expect(octal(outcome.value!.mode)).toBe(mode);
        }
      }
    });
  });

  test('parents made by a write are 0700 by default, or have dirMode', async () => {
    await underUmask(umask, async () => {
      for (const [options, mode] of [[{}, '0700'], [{ dirMode: 0o750 }, '0750'], [{ dirMode: 0o755, mode: 0o600 }, '0755']] as const) {
        for (const { dir, outcome } of await inBothForms(['old/ 0755'], (form) => form.write('old/a/b/f', NEW, { mkdir: true, ...options }))) {
          expect(outcome.error).toBeUndefined();
          for (const made of ['old/a', 'old/a/b']) expect(octal(modeOf(path.join(dir, made)))).toBe(mode);
          expect(octal(modeOf(path.join(dir, 'old')))).toBe('0755');
          expect(fs.readFileSync(`${dir}/old/a/b/f`, 'utf8')).toBe(NEW);
        }
      }
    });
  });

  test('the umask is the same after every call', async () => {
    await underUmask(umask, async () => {
      await inBothForms([], async (form) => {
        await form.write('a/b/f', NEW, { mkdir: true, mode: 0o666 });
        await form.ensure('c/d', { mode: 0o777 });
      });
      expect(octal(process.umask())).toBe(octal(umask));
    });
  });
});

describe('what a write does not touch', () => {
  test.each(['0700', '0755', '0777', '1777', '2775', '0711', '2700'])('the mode of an existing parent of %s, nor its inode', async (mode) => {
    for (const options of [{}, { mode: 0o600 }, { mkdir: true, dirMode: 0o700 }, { finalSymlink: 'replace' }, { overwrite: false }]) {
      await check('> d/new', [`d/ ${mode}`], (form) => form.write('d/new', NEW, options));
    }
    await check('> d/f', [`d/ ${mode}`, 'd/f: old'], (form) => form.write('d/f', NEW));
    await check('> d/f', [`d/ ${mode}`, 'd/f: old'], (form) => form.write('d/f', NEW, { mkdir: true, dirMode: 0o700, mode: 0o644 }));
  });

  test('newFileMode is for new files only', async () => {
    for (const { dir } of await inBothForms(['f 0640: old'], (form) => form.write('f', NEW, { newFileMode: 0o600 }))) {
      expect(octal(modeOf(`${dir}/f`))).toBe('0640');
    }
  });

  test('mkdir through a file makes nothing', async () => {
    await check('not-directory', ['f: x'], (form) => form.write('f/a/b', NEW, { mkdir: true }));
    await check('not-found', ['f: x'], (form) => form.write('missing/../g', NEW, { mkdir: true }));
    await check('not-file', ['f: x'], (form) => form.write('new/', NEW, { mkdir: true }));
  });

  test('mkdir where every parent exists makes nothing', async () => {
    await check('> a/b/f', ['a/b/f: old'], (form) => form.write('a/b/f', NEW, { mkdir: true }));
  });
});

describe('the owner of a file that is overwritten', () => {
  needs('root')('as root', () => {
    test.each([undefined, 0o600])('stays (mode: %s)', async (mode) => {
      for (const form of FORMS) {
        const dir = scratch();
        build(dir, ['f 0640: old']);
        fs.chownSync(`${dir}/f`, 1000, 1001);
        const written = await form.write(`${dir}/f`, NEW, { mode });
        expect(fs.statSync(`${dir}/f`)).toMatchObject({ uid: 1000, gid: 1001 });
        expect(octal(modeOf(`${dir}/f`))).toBe(mode === undefined ? '0640' : '0600');
        expect(written.preserved).toMatchObject({ owner: true });
      }
    });

    test('setuid is not handed on with it', async () => {
      for (const form of FORMS) {
        const dir = scratch();
        build(dir, ['f: old']);
        fs.chownSync(`${dir}/f`, 1000, 1001);
        fs.chmodSync(`${dir}/f`, 0o6755);
        await form.write(`${dir}/f`, NEW);
        expect(octal(modeOf(`${dir}/f`))).toBe('0755');
      }
    });

    test('a new file in a setgid directory takes the group of the directory, and the directory stays as it is', async () => {
      for (const form of FORMS) {
        const dir = scratch();
        fs.mkdirSync(`${dir}/shared`);
        fs.chownSync(`${dir}/shared`, 0, 1000);
        fs.chmodSync(`${dir}/shared`, 0o2775);
        const before = tree(dir)['./shared'];
        await form.write(`${dir}/shared/f`, NEW, { mode: 0o640 });
        expect(fs.statSync(`${dir}/shared/f`)).toMatchObject({ uid: 0, gid: 1000 });
        expect(octal(modeOf(`${dir}/shared/f`))).toBe('0640');
        expect(tree(dir)['./shared']).toBe(before);
      }
    });
  });
});
