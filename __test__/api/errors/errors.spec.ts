import * as fs from 'node:fs';
import * as path from 'node:path';
import { createRequire } from 'node:module';
import { describe, expect, it, test } from 'vitest';
import * as holdfast from '../../../index.mjs';
import { HoldfastError, isHoldfastError } from '../../../index.mjs';
import { call, VERBS, type Verb } from '../../helpers/expectations.js';
import { failure, FORMS, inBothForms, syncForm } from '../../helpers/forms.js';
import { copyOfPackage, PACKAGE } from '../../helpers/package-copy.js';
import { build, scratch } from '../../helpers/scratch.js';

const LAYOUT = ['f 0640: hello', 'd/ 0755', 'ln => f', 'hard == f', 'pipe |', 'shared/ 1777'];

const REFUSALS: { code: string; category: string; verb: Verb; at: string; options?: object }[] = [
  { code: 'invalid-path', category: 'policy', verb: 'read', at: 'a\0b' },
  { code: 'symlink', category: 'policy', verb: 'read', at: 'ln' },
  { code: 'symlink', category: 'policy', verb: 'write', at: 'ln' },
  { code: 'symlink', category: 'policy', verb: 'ensure', at: 'ln' },
  { code: 'hardlink', category: 'policy', verb: 'read', at: 'f', options: { hardlinks: 'reject' } },
  { code: 'hardlink', category: 'policy', verb: 'write', at: 'f', options: { hardlinks: 'reject' } },
  { code: 'not-file', category: 'policy', verb: 'read', at: 'd' },
  { code: 'not-file', category: 'policy', verb: 'read', at: 'pipe' },
  { code: 'not-file', category: 'policy', verb: 'write', at: 'd' },
  { code: 'not-directory', category: 'policy', verb: 'ensure', at: 'f' },
  { code: 'not-directory', category: 'policy', verb: 'write', at: 'f/x' },
  { code: 'device-path', category: 'policy', verb: 'read', at: '/dev/zero' },
  { code: 'too-large', category: 'policy', verb: 'read', at: 'f', options: { maxBytes: 4 } },
  { code: 'insecure-permissions', category: 'policy', verb: 'ensure', at: 'shared', options: { existing: 'require' } },
  { code: 'OUTBOUND_MEDIA_PERMS_TOO_RESTRICTIVE', category: 'policy', verb: 'read', at: 'f', options: { outbound: true } },
  { code: 'not-found', category: 'operational', verb: 'read', at: 'missing' },
  { code: 'not-found', category: 'operational', verb: 'write', at: 'missing/x' },
  { code: 'already-exists', category: 'operational', verb: 'write', at: 'f', options: { overwrite: false } },
];

describe.each(REFUSALS)('$code of $verb $at', ({ code, category, verb, at, options }) => {
  const refusals = (prefix: (dir: string) => string = () => '') => inBothForms(LAYOUT, (form, dir) => call(form, verb, prefix(dir) + at, options));

  test('is a HoldfastError with code, category and the path as it was given', async () => {
    for (const { outcome } of await refusals()) {
      const { error } = outcome;
      expect(error).toBeInstanceOf(HoldfastError);
      expect(error).toBeInstanceOf(Error);
      expect(Object.prototype.toString.call(error)).toBe('[object Error]');
      expect(isHoldfastError(error)).toBe(true);
      expect(error).toMatchObject({ name: 'HoldfastError', code, category, path: at });
      expect(String(error)).toMatch(/^HoldfastError/);
    }
  });

  test('has the system error, if there is one, as node:fs would throw it', async () => {
    for (const { outcome } of await refusals()) {
      const { error } = outcome;
      if (error.sysCode === undefined) {
        expect([error.errno, error.syscall, error.cause]).toEqual([undefined, undefined, undefined]);
      } else {
        expect(error.sysCode).toMatch(/^E[A-Z0-9]+$/);
        expect(error.errno).toBeLessThan(0);
        expect(error.syscall).toMatch(/^[a-z0-9]+$/);
        expect(error.cause).toBeInstanceOf(Error);
        expect(isHoldfastError(error.cause)).toBe(false);
        expect(error.cause).toMatchObject({ code: error.sysCode, errno: error.errno, syscall: error.syscall });
        expect(error.cause.message.startsWith(`${error.sysCode}: `)).toBe(true);
      }
    }
  });

  test('logs everything but stack and cause', async () => {
    for (const { outcome } of await refusals()) {
      const { error } = outcome;
      const log = error.toJSON();
      expect(JSON.parse(JSON.stringify(error))).toEqual(JSON.parse(JSON.stringify(log)));
      expect(log).toMatchObject({ name: 'HoldfastError', code, category, message: error.message, path: at });
      const allowed = ['name', 'code', 'category', 'message', 'path', 'errno', 'syscall', 'sysCode', 'mode', 'uid', 'euid', 'remedy', 'published', 'size', 'limit'];
      for (const [key, value] of Object.entries(log)) {
        expect(allowed).toContain(key);
        expect(value).toBe(error[key]);
      }
      for (const key of ['errno', 'syscall', 'sysCode', 'mode', 'remedy']) expect(log[key]).toBe(error[key]);
    }
  });

  test('shows the public no path, no user and no name', async () => {
    const prefix = (dir: string) => (at.startsWith('/') ? '' : `${dir}/`);
    for (const { dir, outcome } of await refusals(prefix)) {
      const shown = outcome.error.toPublic();
      expect(shown).toMatchObject({ code, category });
      expect(shown.message).toMatch(/\w/);
      expect(Object.keys(shown).every((key) => ['code', 'category', 'message', 'remedy'].includes(key))).toBe(true);
      const text = JSON.stringify(shown);
      for (const secret of [dir, path.basename(dir), `/${at}`, `'${at}'`, 'hello']) expect(text).not.toContain(secret);
      expect(text).not.toMatch(/\b(uid|euid|0?640|416|0?1777|1023)\b/);
    }
  });

  test('names its code, and the path unless that is none, in its message', async () => {
    for (const { outcome } of await refusals()) {
      expect(outcome.error.message).toContain(code);
      if (code !== 'invalid-path') expect(outcome.error.message).toContain(`'${at}'`);
    }
  });
});

describe('the facts of an error', () => {
  test('an insecure directory: path, mode, remedy', async () => {
    for (const { dir, outcome } of await inBothForms(LAYOUT, (form, dir) => form.ensure(`${dir}/shared`, { existing: 'require' }))) {
      expect(outcome.error.message).toContain(`${dir}/shared`);
      expect(outcome.error.message).toContain('1777');
      expect(outcome.error.remedy).toMatch(/\w/);
      expect(outcome.error.message).toContain(outcome.error.remedy);
    }
  });

  test('a missing parent of a write has ENOENT with it, and mkdir as its remedy', async () => {
    for (const { outcome } of await inBothForms([], (form) => form.write('missing/x', 'y'))) {
      expect(outcome.error).toMatchObject({ code: 'not-found', sysCode: 'ENOENT', errno: -2 });
      expect(outcome.error.remedy).toContain('mkdir: true');
      expect(outcome.error.message).toContain(outcome.error.remedy);
    }
  });

  test('a missing file has ENOENT from open with it', async () => {
    for (const { dir, outcome } of await inBothForms([], (form, dir) => form.read(`${dir}/missing`))) {
      expect(outcome.error).toMatchObject({ sysCode: 'ENOENT', errno: -2, syscall: 'open' });
      expect(outcome.error.cause).toMatchObject({ code: 'ENOENT', errno: -2, syscall: 'open', path: `${dir}/missing` });
      expect(outcome.error.cause.message).toBe(`ENOENT: no such file or directory, open '${dir}/missing'`);
    }
  });
});

describe('control characters in a path', () => {
  const nasty = 'a\nb\r\u001b[31mc\u0007\u009b\u007f\u2028\u202e';

  test.each(VERBS)('%s: are escaped in the message, and as they are in path', async (verb) => {
    const at = verb === 'read' ? nasty : `${nasty}/f/x`;
    const layout = verb === 'read' ? [] : ['f: x'];
    for (const { outcome } of await inBothForms(layout, async (form) => {
      if (verb !== 'read') {
        fs.mkdirSync(nasty);
        fs.writeFileSync(`${nasty}/f`, '');
      }
      return call(form, verb, at);
    })) {
      expect(outcome.error.path).toBe(at);
      expect(outcome.error.message).not.toMatch(/[\u0000-\u001f\u007f-\u009f]/);
      expect(outcome.error.message).toContain('[31mc');
      expect(JSON.stringify(outcome.error.toPublic())).not.toContain('31mc');
    }
  });
});

describe('the stack trace', () => {
  async function theCallerOfTheTest(act: () => Promise<unknown>): Promise<unknown> {
    return await act();
  }

  function theSyncCallerOfTheTest(act: () => unknown): unknown {
    return act();
  }

  const calls: { name: string; act: (dir: string) => Promise<unknown>; sync: (dir: string) => unknown }[] = [
    { name: 'a refused read', act: (dir) => holdfast.readLocalFileSafely(`${dir}/ln`), sync: (dir) => holdfast.readLocalFileSafelySync(`${dir}/ln`) },
    { name: 'a refused write', act: (dir) => holdfast.writeAtomic(`${dir}/d`, 'x'), sync: (dir) => holdfast.writeAtomicSync(`${dir}/d`, 'x') },
    { name: 'a refused directory', act: (dir) => holdfast.ensureDir(`${dir}/f`), sync: (dir) => holdfast.ensureDirSync(`${dir}/f`) },
    { name: 'an error of the system', act: (dir) => holdfast.readLocalFileSafely(`${dir}/${'n'.repeat(256)}`), sync: (dir) => holdfast.readLocalFileSafelySync(`${dir}/${'n'.repeat(256)}`) },
    { name: 'a wrong argument', act: () => holdfast.readLocalFileSafely(1 as never), sync: () => holdfast.readLocalFileSafelySync(1 as never) },
  ];

  test.each(calls)('of $name points at the caller', async ({ act, sync }) => {
    const dir = scratch();
    build(dir, LAYOUT);
    const awaited = await failure(() => theCallerOfTheTest(() => act(dir)));
    const thrown = await failure(() => theSyncCallerOfTheTest(() => sync(dir)));
    for (const [error, caller] of [[awaited, 'theCallerOfTheTest'], [thrown, 'theSyncCallerOfTheTest']] as const) {
      expect(error.stack).toContain(caller);
      const [first] = error.stack.split('\n').filter((line: string) => /^\s+at /.test(line));
      expect(first).toContain('errors.spec.ts');
      expect(error.stack).toContain(error.message);
    }
  });

  const caused: { name: string; act: (dir: string) => Promise<unknown>; sync: (dir: string) => unknown }[] = [
    { name: 'a missing file', act: (dir) => holdfast.readLocalFileSafely(`${dir}/none`), sync: (dir) => holdfast.readLocalFileSafelySync(`${dir}/none`) },
    { name: 'a missing parent', act: (dir) => holdfast.writeAtomic(`${dir}/none/x`, 'x'), sync: (dir) => holdfast.writeAtomicSync(`${dir}/none/x`, 'x') },
    { name: 'a missing root', act: (dir) => holdfast.openRoot(`${dir}/none`), sync: (dir) => holdfast.openRootSync(`${dir}/none`) },
    { name: 'an unusable URL', act: () => holdfast.readLocalFileSafely(new URL('http://x/')), sync: () => holdfast.readLocalFileSafelySync(new URL('http://x/')) },
  ];

  it.each(caused)('of the cause of $name has no frame of the package', async ({ act, sync }) => {
    const dir = scratch();
    build(dir, LAYOUT);
    for (const error of [await failure(() => act(dir)), await failure(() => sync(dir))]) {
      expect(error.cause).toBeInstanceOf(Error);
      expect(error.cause.stack).toContain(error.cause.message);
      expect(error.cause.stack).not.toContain(`${PACKAGE}dist/`);
      expect(error.stack).not.toContain(`${PACKAGE}dist/`);
    }
  });
});

describe('new HoldfastError', () => {
  it('makes an error like that of a call, for tests of hosts', async () => {
    const dir = scratch();
    const real = await failure(() => syncForm.read(`${dir}/none`));
    const made = new HoldfastError('not-found', { path: `${dir}/none`, errno: -2, syscall: 'open', sysCode: 'ENOENT', cause: real.cause });
    expect(isHoldfastError(made)).toBe(true);
    expect({ ...made }).toEqual({ ...real });
    expect(made.toJSON()).toEqual(real.toJSON());
    expect(made.toPublic()).toEqual(real.toPublic());
    expect([made.name, made.message, made.cause]).toEqual([real.name, real.message, real.cause]);
    expect(made.stack).toContain('errors.spec.ts');
  });

  it('needs only a code, which determines category, message and remedy', () => {
    for (const code of ['too-large', 'not-durable', 'internal', 'native-unavailable', 'OUTBOUND_MEDIA_PERMS_TOO_RESTRICTIVE'] as const) {
      const made = new HoldfastError(code);
      expect(made.code).toBe(code);
      expect(made.category).toBe(/^(too|OUT)/.test(code) ? 'policy' : 'operational');
      expect(made.message.startsWith(`${code}: `)).toBe(true);
      expect(made.path).toBeUndefined();
    }
    expect(new HoldfastError('already-exists', { message: 'mine', remedy: 'yours' })).toMatchObject({ message: 'mine', remedy: 'yours' });
    expect(new HoldfastError('too-large', { path: '/srv/a', size: 9, limit: 4 })).toMatchObject({ size: 9, limit: 4, message: expect.stringContaining('the limit of 4 bytes') });
  });

  it('refuses an unknown code or field', () => {
    const refused = expect.objectContaining({ name: 'TypeError', code: 'ERR_INVALID_ARG_VALUE' });
    expect(() => new HoldfastError('ENOENT' as never)).toThrow(refused);
    expect(() => new HoldfastError('toString' as never)).toThrow(refused);
    expect(() => new HoldfastError('not-found', { file: '/srv/a' } as never)).toThrow(refused);
  });
});

describe('two copies of the package in one process', () => {
  test('know each other\'s errors, and work side by side', async () => {
    const require = createRequire(import.meta.url);
    const [one, two] = [copyOfPackage(), copyOfPackage()].map((folder) => require(folder) as typeof holdfast);
    expect(one!.HoldfastError).not.toBe(two!.HoldfastError);
    const dir = scratch();
    build(dir, LAYOUT);
    for (const [mine, other] of [[one!, two!], [two!, one!], [one!, holdfast], [holdfast, two!]]) {
      const error = await failure(() => mine!.readLocalFileSafely(`${dir}/ln`));
      expect(error).toBeInstanceOf(mine!.HoldfastError);
      expect(error).not.toBeInstanceOf(other!.HoldfastError);
      expect(other!.isHoldfastError(error)).toBe(true);
      expect(mine!.readLocalFileSafelySync(`${dir}/f`).buffer.toString()).toBe('hello');
      expect((await mine!.writeAtomic(`${dir}/new`, 'x')).size).toBe(1);
    }
  });

  test('are recognized by a brand, not by their shape', () => {
    const lookalike = Object.assign(new Error('symlink'), { name: 'HoldfastError', code: 'symlink', category: 'policy', path: 'x' });
    for (const value of [lookalike, {}, null, undefined, 'symlink', 1, new Error('x'), Symbol('x'), () => {}, Object.create(null)]) {
      expect(isHoldfastError(value)).toBe(false);
    }
  });
});

describe('errors of one call and the next', () => {
  test('are objects of their own', async () => {
    const dir = scratch();
    for (const form of FORMS) {
      const [first, second] = [await failure(() => form.read(`${dir}/a`)), await failure(() => form.read(`${dir}/b`))];
      expect(first).not.toBe(second);
      expect([first.path, second.path]).toEqual([`${dir}/a`, `${dir}/b`]);
    }
  });

  test('survive structuredClone as an Error with the same message', async () => {
    const dir = scratch();
    const error = await failure(() => syncForm.read(`${dir}/a`));
    expect(structuredClone(error)).toBeInstanceOf(Error);
    expect(structuredClone(error).message).toBe(error.message);
  });
});
