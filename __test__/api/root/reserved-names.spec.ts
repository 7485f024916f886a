// Names of the package's own files, which no method of a root makes, replaces or takes away.
import * as fs from 'node:fs';
import { expect, test } from 'vitest';
import { openRoot, type Root } from '../../../index.mjs';
import { failure } from '../../helpers/forms.js';
import { scratch } from '../../helpers/scratch.js';

const DIGITS = '0123456789abcdef0123456789abcdef';
const NAMES = ['.holdfast-0123456789abcdefghijklmv.tmp', `.holdfast-${DIGITS}.tmp`, `.holdfast-${DIGITS}.recovery`, `.holdfast-${DIGITS}.lock`, `.holdfast-${DIGITS}.dir`, `x.holdfast-${DIGITS}.dir`, `.HOLDFAST-${DIGITS}.LOCK`, `.holdfaſt-${DIGITS}.lock`, `.holdfast-${DIGITS}.loc\u212a`, `.hold\u200dfast-${DIGITS}.tmp`];

const CALLS: Record<string, (root: Root, name: string) => unknown> = {
  writeAtomic: (root, name) => root.writeAtomic(name, 'x'),
  writeAtomicSync: (root, name) => root.writeAtomicSync(name, 'x'),
  'writeAtomic, a parent': (root, name) => root.writeAtomic(`${name}/a`, 'x', { mkdir: true }),
  'writeAtomicSync, a parent': (root, name) => root.writeAtomicSync(`new/${name}/a`, 'x', { mkdir: true }),
  stage: (root, name) => root.stage(name),
  updateAtomic: (root, name) => root.updateAtomic(name, () => 'x'),
  appendRecord: (root, name) => root.appendRecord(name, 'x'),
  withLock: (root, name) => root.withLock(name, () => {}),
  ensureDir: (root, name) => root.ensureDir(name),
  ensureDirSync: (root, name) => root.ensureDirSync(name),
  'ensureDir, a parent': (root, name) => root.ensureDir(`new/${name}/a`),
  'rename to it': (root, name) => root.rename('file', name),
  'renameSync to it, overwrite': (root, name) => root.renameSync('file', name, { overwrite: true }),
  'rename to it, a parent': (root, name) => root.rename('file', `${name}/a`, { mkdir: true }),
  'rename of a directory to it': (root, name) => root.rename('tree', `${name}/`),
  'rename from it': (root, name) => root.rename(name, 'other'),
  'renameSync from it': (root, name) => root.renameSync(name, 'other'),
  'copy of a file': (root, name) => root.copy('file', name),
  'copy of a tree': (root, name) => root.copy('tree', name, { recursive: true }),
  'copySync of a tree': (root, name) => root.copySync('tree', name, { recursive: true }),
  'copy of a link': (root, name) => root.copy('link', name, { recursive: true }),
};

test.each(Object.keys(CALLS))('%s refuses reserved names before anything is made', async (call) => {
  const dir = scratch();
  fs.writeFileSync(`${dir}/file`, 'old');
  fs.mkdirSync(`${dir}/tree`);
  fs.writeFileSync(`${dir}/tree/a`, 'a');
  fs.symlinkSync('file', `${dir}/link`);
  using root = await openRoot(dir, { durable: false, symlinks: 'follow-within-root' });
  for (const name of NAMES) {
    const error = await failure(async () => CALLS[call]!(root, name));
    expect([error.code, error.message], `${call} ${name}`).toEqual(['invalid-path', expect.stringContaining('holdfast reserves such names')]);
  }
  expect(fs.readdirSync(dir).sort()).toEqual(['file', 'link', 'tree']);
});

test('a copy leaves temporaries, lock files and temporary roots out', async () => {
  const dir = scratch();
  fs.mkdirSync(`${dir}/tree`);
  for (const name of NAMES) fs.mkdirSync(`${dir}/tree/${name}`);
  fs.writeFileSync(`${dir}/tree/a`, 'a');
  using root = await openRoot(dir, { durable: false });
  expect(await root.copy('tree', 'copy', { recursive: true })).toMatchObject({ copied: 2 });
  expect(fs.readdirSync(`${dir}/copy`)).toEqual(['a']);
});

test('what has a reserved name can be read, listed and removed', async () => {
  const dir = scratch();
  using root = await openRoot(dir, { durable: false });
  for (const name of NAMES) {
    fs.mkdirSync(`${dir}/${name}/in`, { recursive: true });
    expect((await root.list(name)).map((entry) => entry.name)).toEqual(['in']);
    expect((await root.ensureDir(name)).hardening).not.toBe('created');
    await root.remove(name, { recursive: true });
    fs.writeFileSync(`${dir}/${name}`, 'x');
    expect(root.readSync(name).buffer.toString()).toBe('x');
    root.removeSync(name);
  }
  expect(fs.readdirSync(dir)).toEqual([]);
});
