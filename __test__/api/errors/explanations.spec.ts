// Explanations of errors, in situations whose obvious explanation is wrong.
import * as fs from 'node:fs';
import * as path from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import * as holdfast from '../../../index.mjs';
import { build, scratch } from '../../helpers/scratch.js';
import { inBothForms } from '../../helpers/forms.js';

describe('a directory that was removed after it was opened', () => {
  function removedRoot(): holdfast.Root {
    const dir = path.join(scratch(), 'root');
    fs.mkdirSync(dir);
    const root = holdfast.openRootSync(dir);
    fs.rmdirSync(dir);
    onTestFinished(() => root.close());
    return root;
  }

  const calls: [string, (root: holdfast.Root) => unknown][] = [
    ['writeAtomicSync', (root) => root.writeAtomicSync('x', 'x')],
    ['writeAtomic', (root) => root.writeAtomic('x', 'x')],
    ['writeAtomicSync with mkdir', (root) => root.writeAtomicSync('a/b/x', 'x', { mkdir: true })],
    ['writeAtomic with mkdir', (root) => root.writeAtomic('a/b/x', 'x', { mkdir: true })],
    ['writeAtomic of a stream', (root) => root.writeAtomic('x', ['x'])],
    ['ensureDirSync', (root) => root.ensureDirSync('a')],
    ['ensureDir', (root) => root.ensureDir('a')],
  ];

  test.each(calls)('is named as the cause by %s, which does not advise mkdir', async (_name, call) => {
    const error = await Promise.resolve().then(() => call(removedRoot())).then(() => undefined, (error: any) => error);
    expect(error).toMatchObject({ code: 'not-found', sysCode: 'ENOENT' });
    expect(error.message).toContain('does not exist: the directory it belongs to was removed after it was opened');
    expect(error.message).not.toContain('mkdir: true');
  });

  test('is named as the cause for a write of many files', async () => {
    const [one] = await removedRoot().writeAtomicMany([{ file: 'x', data: 'x' }]);
    expect((one as PromiseRejectedResult).reason.message).toContain('was removed after it was opened');
  });
});

describe('a name with a slash at its end', () => {
  test.each(['q/', 'q/.', 'q/./'])('that does not exist (%s) is reported as the name of a directory, and not as an existing directory', async (at) => {
    for (const { outcome } of await inBothForms([], (form) => form.write(at, 'x'))) {
      expect(outcome.error).toMatchObject({ code: 'not-file' });
      expect(outcome.error.message).toBe(`not-file: '${at}' can only name a directory, because it ends with '/' or '/.', and it does not exist.`);
    }
  });

  test('of a directory is reported as a directory, that of a file as a file', async () => {
    for (const { outcome } of await inBothForms(['d/'], (form) => form.write('d/', 'x'))) expect(outcome.error.message).toContain("'d/' is a directory, not a regular file");
    for (const { outcome } of await inBothForms(['f: x'], (form) => form.write('f/', 'x'))) expect(outcome.error.message).toContain("'f/' is a regular file, not a directory");
  });

  test('that a followed link leads to is not reported as an existing directory', async () => {
    for (const { outcome } of await inBothForms(['l => q/'], (form) => form.write('l', 'x', { finalSymlink: 'follow' }))) {
      expect(outcome.error).toMatchObject({ code: 'not-file' });
      expect(outcome.error.message).toContain("'l' leads to a name that ends with '/' or '/.'");
    }
  });
});

describe('a parent that is a dangling link', () => {
  test.each([{}, { mkdir: true }])('is named as the cause of a failed write with %j, which does not advise mkdir', async (options) => {
    for (const at of ['l/x', 'l/deep/x', 'd/l/x']) {
      for (const { outcome } of await inBothForms(['l => nothing', 'd/', 'd/l => ../nothing'], (form) => form.write(at, 'x', options))) {
        expect(outcome.error).toMatchObject({ code: 'not-found', sysCode: 'ENOENT' });
        expect(outcome.error.message).toContain('a symbolic link on the way has no target');
        expect(outcome.error.message).not.toContain('mkdir: true');
      }
    }
  });

  test('is not blamed where a directory is missing', async () => {
    for (const { outcome } of await inBothForms(['l => nothing', 'd/'], (form) => form.write('d/missing/x', 'x'))) {
      expect(outcome.error.message).toContain('its parent directory is missing. Create the directory first, or write with mkdir: true.');
    }
  });
});

describe('what lies beneath a file', () => {
  test('is not found by a read because a parent is not a directory', async () => {
    for (const { outcome } of await inBothForms(['f: x'], (form) => form.read('f/x'))) {
      expect(outcome.error.message).toBe("not-found: 'f/x' does not exist: a parent is not a directory.");
    }
  });
});

describe('a root that is not a directory', () => {
  test('is not reported as another kind of object', () => {
    const dir = scratch();
    build(dir, ['f: x']);
    expect(() => holdfast.openRootSync(`${dir}/f`)).toThrow(`not-directory: '${dir}/f' is not a directory.`);
  });
});

describe.runIf(process.platform === 'linux')('a file system that takes no names from programs', () => {
  test('is named as the cause', async () => {
    for (const { outcome } of await inBothForms([], (form) => form.write('/proc/self/holdfast', 'x'))) {
      expect(outcome.error).toMatchObject({ code: expect.stringMatching(/^(not-found|EACCES)$/) });
      if (outcome.error.code === 'not-found') expect(outcome.error.message).toContain('its file system does not store files of programs');
      expect(outcome.error.message).not.toContain('mkdir: true');
    }
  });
});

describe('a directory that cannot be private', () => {
  test('is not advised a chmod that would harm: shared by design', async () => {
    for (const { outcome } of await inBothForms(['d/ 1777'], (form) => form.ensure('d', { existing: 'require' }))) {
      expect(outcome.error).toMatchObject({ code: 'insecure-permissions' });
      expect(outcome.error.remedy).not.toContain('chmod');
      expect(outcome.error.remedy).toContain('Use a separate directory');
    }
  });
});

test.each(['/f', '../x', 'a/../../x'])('a path that leaves the root by its text is not said to lead through a link: %s', async (name) => {
  using root = holdfast.openRootSync(scratch());
  for (const call of [() => root.read(name), () => root.writeAtomic(name, 'x')]) {
    const error = await call().then(() => undefined, (refused: any) => refused);
    expect(error).toMatchObject({ code: 'outside-workspace', remedy: 'Use a path beneath the root.' });
  }
});
