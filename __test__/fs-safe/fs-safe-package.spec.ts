// The package that replaces @openclaw/fs-safe in a host. `npm run test:gateway` installs it in a real host.
import * as fs from 'node:fs';
import * as path from 'node:path';
import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { scratch } from '../helpers/scratch.js';

const PROJECT = path.resolve(import.meta.dirname, '../..');
const CLI = path.join(PROJECT, 'dist/cli/main.js');

/** Modules of a library like the original. Each function returns its origin. */
const LIBRARY: Record<string, string> = {
  'index.js': `export { FsSafeError } from './errors.js'; export const root = async () => 'theirs';`,
  'errors.js': `export class FsSafeError extends Error { constructor(code, message, options) { super(message, options); this.code = code; } }`,
  'atomic.js': `export const replaceFileAtomic = async () => 'theirs'; export const movePath = () => 'theirs'; export const writeJson = 5;`,
  'watch.js': `export const watch = (root) => root;`,
  'deep/store.js': `export const openStore = () => 'theirs';`,
};
const EXPORTS = {
  '.': './dist/index.js',
  './errors': { types: './dist/errors.d.ts', default: './dist/errors.js' },
  './atomic': { default: './dist/atomic.js' },
  './watch': './dist/watch.js',
  './deep/store': { import: './dist/deep/store.js' },
  './package.json': './package.json',
};

function project(): string {
  const dir = scratch();
  const library = path.join(dir, 'node_modules/@openclaw/fs-safe');
  for (const [name, text] of Object.entries(LIBRARY)) {
    fs.mkdirSync(path.join(library, 'dist', path.dirname(name)), { recursive: true });
    fs.writeFileSync(path.join(library, 'dist', name), text);
  }
  fs.writeFileSync(path.join(library, 'package.json'), JSON.stringify({ name: '@openclaw/fs-safe', version: '9.8.7', type: 'module', exports: EXPORTS }));
  fs.writeFileSync(path.join(dir, 'package.json'), '{ "private": true }');
  fs.symlinkSync(PROJECT, path.join(dir, 'node_modules/holdfast'));
  return dir;
}

const run = (cwd: string, ...args: string[]) => spawnSync(process.execPath, [CLI, 'fs-safe-package', ...args], { cwd, encoding: 'utf8' });

/** Installs the package as a package manager does, with the original beside it under its other name. */
function install(dir: string): void {
  fs.renameSync(path.join(dir, 'node_modules/@openclaw/fs-safe'), path.join(dir, 'node_modules/fs-safe-original'));
  fs.cpSync(path.join(dir, 'fs-safe'), path.join(dir, 'node_modules/@openclaw/fs-safe'), { recursive: true });
}

describe('holdfast fs-safe-package', () => {
  it('writes a package with the name, version and subpaths of the original', () => {
    const dir = project();
    const done = run(dir, './fs-safe');
    expect([done.status, done.stderr]).toEqual([0, '']);
    expect(done.stdout).toContain('  ./atomic: replaceFileAtomic\n');
    expect(done.stdout).toContain('"overrides": { "@openclaw/fs-safe": "file:./openclaw-fs-safe-9.8.7.tgz" }');
    const manifest = JSON.parse(fs.readFileSync(path.join(dir, 'fs-safe/package.json'), 'utf8'));
    expect([manifest.name, manifest.version, manifest.dependencies]).toEqual(['@openclaw/fs-safe', '9.8.7', { 'fs-safe-original': 'npm:@openclaw/fs-safe@9.8.7' }]);
    expect(Object.keys(manifest.exports)).toEqual(Object.keys(EXPORTS));
  });

  it('has holdfast’s functions where they exist, and the original’s otherwise, with one error class', () => {
    const dir = project();
    run(dir, './fs-safe');
    install(dir);
    const program = `
      import { FsSafeError, root } from '@openclaw/fs-safe';
      import { FsSafeError as SameError } from '@openclaw/fs-safe/errors';
      import { movePath, replaceFileAtomic, writeJson } from '@openclaw/fs-safe/atomic';
      import { openStore } from '@openclaw/fs-safe/deep/store';
      const written = await replaceFileAtomic({ filePath: 'f', content: 'new' });
      const refused = await root('no').catch((error) => error);
      console.log(JSON.stringify([written, movePath(), writeJson, openStore(), refused instanceof FsSafeError, refused.code, FsSafeError === SameError]));`;
    const done = spawnSync(process.execPath, ['--input-type=module', '-e', program], { cwd: dir, encoding: 'utf8' });
    expect(done.stderr).toBe('');
    expect(JSON.parse(done.stdout)).toEqual([{ method: 'rename' }, 'theirs', 5, 'theirs', true, 'not-found', true]);
  });

  it('is written again from the original that it stands for', () => {
    const dir = project();
    run(dir, './fs-safe');
    install(dir);
    const done = run(dir, './fs-safe');
    expect([done.status, done.stderr]).toEqual([0, '']);
    expect(JSON.parse(fs.readFileSync(path.join(dir, 'fs-safe/package.json'), 'utf8')).dependencies).toEqual({ 'fs-safe-original': 'npm:@openclaw/fs-safe@9.8.7' });
  });

  it('finds the original of a host by --from', () => {
    const dir = project();
    const elsewhere = scratch();
    const done = run(elsewhere, './fs-safe', '--from', path.join(dir, 'node_modules'));
    expect([done.status, done.stderr]).toEqual([0, '']);
    expect(fs.existsSync(path.join(elsewhere, 'fs-safe/atomic.js'))).toBe(true);
  });

  it.each([
    ['is missing', 'node_modules/host', () => {}, 'there is no such directory'],
    ['is a file', 'node_modules/host', (host: string) => fs.writeFileSync(host, ''), 'this is not a directory'],
  ])('refuses a --from that %s, although Node resolves from it', (_, from, make, sentence) => {
    const dir = project();
    make(path.join(dir, from));
    const done = run(dir, './fs-safe', '--from', from);
    expect([done.status, done.stderr]).toEqual([1, `holdfast: --from ${from}: ${sentence}\n`]);
    expect(fs.existsSync(path.join(dir, 'fs-safe'))).toBe(false);
  });

  it('finds the original beside a host that a package manager has linked', () => {
    const dir = project();
    const store = path.join(dir, 'node_modules/.store/host@1/node_modules');
    fs.mkdirSync(path.join(store, 'host'), { recursive: true });
    fs.cpSync(path.join(dir, 'node_modules/@openclaw'), path.join(store, '@openclaw'), { recursive: true });
    const manifest = path.join(store, '@openclaw/fs-safe/package.json');
    fs.writeFileSync(manifest, fs.readFileSync(manifest, 'utf8').replace('9.8.7', '9.9.9'));
    fs.symlinkSync('.store/host@1/node_modules/host', path.join(dir, 'node_modules/host'));
    expect(run(dir, './fs-safe', '--from', 'node_modules/host').stdout).toContain('openclaw-fs-safe-9.9.9.tgz');
  });

  it('hands its roots to functions of the original', () => {
    const dir = project();
    run(dir, './fs-safe');
    install(dir);
    const program = `
      import { root } from '@openclaw/fs-safe';
      import { watch } from '@openclaw/fs-safe/watch';
      console.log(watch(await root('.')));`;
    const done = spawnSync(process.execPath, ['--input-type=module', '-e', program], { cwd: dir, encoding: 'utf8' });
    expect([done.stdout, done.stderr]).toEqual(['theirs\n', '']);
  });

  it('does not overwrite other directories', () => {
    const dir = project();
    fs.mkdirSync(path.join(dir, 'fs-safe'));
    fs.writeFileSync(path.join(dir, 'fs-safe/index.js'), 'mine');
    const done = run(dir, './fs-safe');
    expect([done.status, done.stderr]).toEqual([1, 'holdfast: ./fs-safe is not empty, and was not written by this command\n']);
    expect(fs.readFileSync(path.join(dir, 'fs-safe/index.js'), 'utf8')).toBe('mine');
  });

  it.each([
    [['./fs-safe'], 1, /@openclaw\/fs-safe is not found from .*--from node_modules\/<host>/],
    [[], 2, /takes one directory/],
    [['a', 'b'], 2, /takes one directory/],
    [['./fs-safe', '--json'], 2, /takes only --from/],
  ])('reports what is wrong with %j', (args, status, message) => {
    const done = run(scratch(), ...args);
    expect([done.status, done.stdout]).toEqual([status, '']);
    expect(done.stderr).toMatch(message);
  });
});
