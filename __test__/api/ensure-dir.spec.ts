import * as fs from 'node:fs';
import * as path from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { expectRefusal } from '../helpers/expectations.js';
import { FORMS, inBothForms, type Form } from '../helpers/forms.js';
import { build, modeOf, scratch, tree } from '../helpers/scratch.js';
import { needs } from '../helpers/sys-needs.js';
import { octal } from '../helpers/umask.js';

// warnings.spec.ts tests the text of warnings. Here they are suppressed and counted.
beforeEach(() => void vi.spyOn(process, 'emitWarning').mockImplementation(() => {}));
afterEach(() => void vi.restoreAllMocks());

describe('a new directory', () => {
  test.each(['d\xff', 'd\xff/x', '\xff\xfe\xfd/a/b', 'old/n\xe9/x', './q\xff', 'old/../w\xff'])('%j, not UTF-8: firstCreated is what fs.mkdir returns', async (name) => {
    for (const { outcome } of await inBothForms(['old/ 0755'], async (form) => {
      const at = Buffer.from(name, 'latin1');
      const node = fs.mkdirSync(at, { recursive: true })!;
      fs.rmSync(node === name ? at : Buffer.from(name.slice(0, Buffer.from(node).toString().length), 'latin1'), { recursive: true });
      return { made: await form.ensure(at), node };
    })) {
      const { made, node } = outcome.value!;
      expect(made.firstCreated).toBe(node);
    }
  });

  test.each(['a', 'a/b/c', 'old/b', 'old/b/c', './a/b/', '../$NAME/a/b', '$DIR/a/b', '$DIR/old/./b/c'])('%s: firstCreated is what fs.mkdir returns', async (name) => {
    const make = async (form: Form, dir: string, symlinks?: string) => {
      const at = name.replace('$DIR', dir).replace('$NAME', path.basename(dir));
      const node = fs.mkdirSync(at, { recursive: true })!;
      fs.rmSync(node, { recursive: true });
      return { made: await form.ensure(at, { symlinks }), node, at };
    };
    for (const { dir, outcome } of await inBothForms(['old/ 0755'], (form, dir) => make(form, dir))) {
      const { made, node, at } = outcome.value!;
      expect(made).toEqual({
        path: path.resolve(dir, at),
        firstCreated: node,
        mode: 0o700,
        isPrivate: true,
        hardening: 'created',
        containment: 'none',
      });
    }
    // If dots are resolved as text, so is the returned name; relative names stay relative.
    for (const { dir, outcome } of await inBothForms(['old/ 0755'], (form, dir) => make(form, dir, 'reject'))) {
      const { made, node, at } = outcome.value!;
      expect(path.resolve(dir, made.firstCreated!)).toBe(path.resolve(dir, node));
      expect(path.isAbsolute(made.firstCreated!)).toBe(path.isAbsolute(at));
    }
  });

  test('existing parents keep their modes', async () => {
    for (const { after, before } of await inBothForms(['a/ 0755', 'a/b/ 2775'], (form) => form.ensure('a/b/c/d'))) {
      expect(after['./a']).toBe(before['./a']);
      expect(after['./a/b']).toBe(before['./a/b']);
    }
  });

  test('is not private with a mode for others', async () => {
    for (const { outcome } of await inBothForms([], (form) => form.ensure('a', { mode: 0o755 }))) {
      expect(outcome.value).toMatchObject({ mode: 0o755, isPrivate: false, hardening: 'created' });
    }
  });

  test('a second call finds it private and makes nothing', async () => {
    for (const { dir, outcome } of await inBothForms([], async (form) => [await form.ensure('a/b'), await form.ensure('a/b')])) {
      expect(outcome.value![1]).toEqual({ path: `${dir}/a/b`, firstCreated: undefined, mode: 0o700, isPrivate: true, hardening: 'not-needed', containment: 'none' });
    }
  });

  test("existing: 'require' and 'leave' make it as well", async () => {
    for (const existing of ['require', 'leave']) {
      for (const { outcome } of await inBothForms([], (form) => form.ensure('a/b', { existing }))) {
        expect(outcome.value).toMatchObject({ mode: 0o700, isPrivate: true, hardening: 'created' });
        expect(outcome.value!.reason).toBeUndefined();
      }
    }
  });

  needs('root')('beneath a setgid directory of another group', () => {
    test('keeps setgid and the group on every level, and the parent as it is', async () => {
      for (const form of FORMS) {
        const dir = scratch();
        build(dir, ['vol/']);
        fs.chownSync(`${dir}/vol`, 0, 1000);
        fs.chmodSync(`${dir}/vol`, 0o2775);
        const before = tree(dir)['./vol'];
        const made = await form.ensure(`${dir}/vol/a/b`);
        for (const name of ['a', 'a/b']) {
          expect(octal(modeOf(`${dir}/vol/${name}`))).toBe('2700');
          expect(fs.statSync(`${dir}/vol/${name}`).gid).toBe(1000);
        }
        expect(made).toMatchObject({ mode: 0o2700, isPrivate: true, hardening: 'created' });
        expect(tree(dir)['./vol']).toBe(before);
      }
    });
  });
});

describe('an existing directory of mine', () => {
  const rows = [
    { from: '0777', to: '0700', hardening: 'tightened' },
    { from: '0755', to: '0700', hardening: 'tightened' },
    { from: '0750', to: '0700', hardening: 'tightened' },
    { from: '0555', to: '0500', hardening: 'tightened' },
    { from: '0070', to: '0000', hardening: 'tightened' },
    { from: '2775', to: '2700', hardening: 'tightened' },
    { from: '1755', to: '1700', hardening: 'tightened' },
    { from: '0700', to: '0700', hardening: 'not-needed' },
    { from: '0500', to: '0500', hardening: 'not-needed' },
    { from: '0000', to: '0000', hardening: 'not-needed' },
    { from: '2700', to: '2700', hardening: 'not-needed' },
    { from: '1700', to: '1700', hardening: 'not-needed' },
  ];

  test.each(rows)('of $from becomes $to: $hardening', async ({ from, to, hardening }) => {
    for (const existing of [undefined, 'tighten', 'require']) {
      for (const { dir, before, after, outcome } of await inBothForms([`d/ ${from}`, 'd/f: x'], (form) => form.ensure('d', { existing }))) {
        expect(outcome.error).toBeUndefined();
        expect(octal(modeOf(`${dir}/d`))).toBe(to);
        expect(octal(outcome.value!.mode)).toBe(to);
        expect(outcome.value).toMatchObject({ path: `${dir}/d`, firstCreated: undefined, isPrivate: true, hardening });
        expect(outcome.value!.reason).toBeUndefined();
        expect(after['./d']).toBe(before['./d']!.replace(from, to));
        expect(after['./d/f']).toBe(before['./d/f']);
      }
    }
  });

  test.each([
    { from: '0777', mode: 0o755, to: '0755', isPrivate: false },
    { from: '0777', mode: 0o750, to: '0750', isPrivate: false },
    { from: '0770', mode: 0o750, to: '0750', isPrivate: false },
    { from: '0555', mode: 0o750, to: '0550', isPrivate: false },
    { from: '0777', mode: 0o500, to: '0500', isPrivate: true },
    { from: '2777', mode: 0o755, to: '2755', isPrivate: false },
  ])('of $from with mode $mode given becomes $to: bits are only removed', async ({ from, mode, to, isPrivate }) => {
    for (const { dir, outcome } of await inBothForms([`d/ ${from}`], (form) => form.ensure('d', { mode }))) {
      expect(octal(modeOf(`${dir}/d`))).toBe(to);
      expect(outcome.value).toMatchObject({ isPrivate, hardening: 'tightened' });
    }
  });

  test('with no bit to remove is not touched, though it is more private than the mode', async () => {
    for (const { dir, outcome } of await inBothForms(['d/ 0700'], (form) => form.ensure('d', { mode: 0o755 }))) {
      expect(octal(modeOf(`${dir}/d`))).toBe('0700');
      expect(outcome.value).toMatchObject({ mode: 0o700, isPrivate: true, hardening: 'not-needed' });
    }
  });

  test.each(['0755', '0777', '2775', '1777', '0711'])("of %s stays so with existing: 'leave'", async (mode) => {
    for (const { before, after, outcome } of await inBothForms([`d/ ${mode}`], (form) => form.ensure('d', { existing: 'leave' }))) {
      expect(after).toEqual(before);
      expect(octal(outcome.value!.mode)).toBe(mode);
      expect(outcome.value).toMatchObject({ isPrivate: false, hardening: 'left', firstCreated: undefined });
      expect(outcome.value!.reason).toBeUndefined();
    }
  });

  test("that is private already needs nothing, also with existing: 'leave'", async () => {
    for (const { before, after, outcome } of await inBothForms(['d/ 0700'], (form) => form.ensure('d', { existing: 'leave' }))) {
      expect(after).toEqual(before);
      expect(outcome.value).toMatchObject({ isPrivate: true, hardening: 'not-needed' });
    }
  });

  test.each(['1777', '1733', '1772'])('of %s, sticky and writable by others, is a shared one: untouched', async (mode) => {
    for (const { before, after, outcome } of await inBothForms([`d/ ${mode}`], (form) => form.ensure('d'))) {
      expect(after).toEqual(before);
      expect(outcome.value).toMatchObject({ isPrivate: false, hardening: 'left', reason: 'shared' });
    }
    for (const { before, after, outcome } of await inBothForms([`d/ ${mode}`], (form) => form.ensure('d', { existing: 'require' }))) {
      expect(after).toEqual(before);
      expectRefusal(outcome.error, 'insecure-permissions');
    }
  });

  test('is tightened alone: its parent and its content keep their modes', async () => {
    for (const { before, after } of await inBothForms(['p/ 0755', 'p/d/ 0755', 'p/d/sub/ 0755'], (form) => form.ensure('p/d'))) {
      expect(after['./p']).toBe(before['./p']);
      expect(after['./p/d']).toBe(before['./p/d']!.replace('0755', '0700'));
      expect(after['./p/d/sub']).toBe(before['./p/d/sub']);
    }
  });
});

needs('root')('an existing directory that is not only mine', () => {
  function directory(uid: number, gid: number, mode: number): string {
    const dir = scratch();
    fs.mkdirSync(`${dir}/d`);
    fs.chownSync(`${dir}/d`, uid, gid);
    fs.chmodSync(`${dir}/d`, mode);
    return `${dir}/d`;
  }

  test.each([0o2775, 0o2770, 0o2755])("of root, setgid for a volume's group, is left, as root would lock the group out (mode %d)", async (mode) => {
    for (const form of FORMS) {
      const dir = directory(0, 1000, mode);
      expect(await form.ensure(dir)).toMatchObject({ mode, isPrivate: false, hardening: 'left', reason: 'shared' });
      const { error } = await form.ensure(dir, { existing: 'require' }).then(() => ({ error: undefined }), (error: unknown) => ({ error }));
      expectRefusal(error, 'insecure-permissions');
      expect(octal(modeOf(dir))).toBe(octal(mode));
      expect(fs.statSync(dir)).toMatchObject({ uid: 0, gid: 1000 });
    }
  });

  test("is left without a warning with existing: 'leave'", async () => {
    for (const form of FORMS) {
      for (const mode of [0o700, 0o755]) {
        const dir = directory(1000, 1000, mode);
        const found = await form.ensure(dir, { existing: 'leave' });
        expect(found).toMatchObject({ mode, isPrivate: false, hardening: 'left' });
        expect(found.reason).toBeUndefined();
        expect(octal(modeOf(dir))).toBe(octal(mode));
      }
    }
    expect(process.emitWarning).not.toHaveBeenCalled();
  });

  test.each([0o700, 0o500])('private by its bits but of another user is left, and not private for us (mode %d)', async (mode) => {
    for (const form of FORMS) {
      const dir = directory(1000, 1000, mode);
      expect(await form.ensure(dir)).toMatchObject({ mode, isPrivate: false, hardening: 'left', reason: 'owner' });
      const { error } = await form.ensure(dir, { existing: 'require' }).then(() => ({ error: undefined }), (error: unknown) => ({ error }));
      expectRefusal(error, 'not-owned');
      expect(octal(modeOf(dir))).toBe(octal(mode));
    }
  });
});

describe('hardening switched off by the environment', () => {
  const NAMES = ['HOLDFAST_SKIP_DIR_HARDENING', 'OPENCLAW_SKIP_STATE_DIR_HARDEN'];
  afterEach(() => NAMES.forEach((name) => delete process.env[name]));

  test.each(NAMES)('%s=1 leaves an existing directory unchanged and reports it', async (name) => {
    process.env[name] = '1';
    for (const { before, after, outcome } of await inBothForms(['d/ 0755'], (form) => form.ensure('d'))) {
      expect(after).toEqual(before);
      expect(outcome.value).toMatchObject({ mode: 0o755, isPrivate: false, hardening: 'left', reason: 'opt-out' });
    }
  });

  test.each(NAMES)('%s=1 changes nothing about a directory that is private or has to be made', async (name) => {
    process.env[name] = '1';
    for (const { outcome } of await inBothForms(['d/ 0700'], async (form) => [await form.ensure('d'), await form.ensure('new/er')])) {
      expect(outcome.value).toMatchObject([{ hardening: 'not-needed', isPrivate: true }, { hardening: 'created', mode: 0o700, isPrivate: true }]);
    }
  });

  test.each(NAMES)("%s=1 does not weaken existing: 'require'", async (name) => {
    process.env[name] = '1';
    for (const { dir, outcome } of await inBothForms(['d/ 0755'], (form) => form.ensure('d', { existing: 'require' }))) {
      expect(outcome.value).toMatchObject({ mode: 0o700, isPrivate: true, hardening: 'tightened' });
      expect(octal(modeOf(`${dir}/d`))).toBe('0700');
    }
  });

  test.each(['0', ''])('the value %j is no switch', async (value) => {
    for (const name of NAMES) process.env[name] = value;
    for (const { outcome } of await inBothForms(['d/ 0755'], (form) => form.ensure('d'))) {
      expect(outcome.value).toMatchObject({ mode: 0o700, hardening: 'tightened' });
    }
  });
});
