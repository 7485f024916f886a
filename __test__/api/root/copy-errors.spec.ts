// What copies refuse, and what their errors recommend: no option that a copy does not have.
import * as fs from 'node:fs';
import * as path from 'node:path';
import { describe, expect, it } from 'vitest';
import { openRoot } from '../../../index.mjs';
import { failure } from '../../helpers/forms.js';
import { scratch } from '../../helpers/scratch.js';

describe('a copy', () => {
  it.runIf(process.platform === 'linux')('of a tree refuses pseudo files, as that of one file does', async () => {
    const dir = scratch();
    await using kernel = await openRoot('/proc/sys/kernel');
    for (const symlinks of ['reject', 'follow-within-root'] as const) {
      await using root = await openRoot(dir, { symlinks });
      for (const [from, recursive] of [['random/boot_id', false], ['random/boot_id', true], ['random', true]] as const) {
        const error = await failure(() => kernel.copy(from, 'copy', { toRoot: root, recursive }));
        expect(error, from).toMatchObject({ code: 'device-path', remedy: "Read it with pseudoFiles: 'allow', and write what was read." });
        expect(fs.readdirSync(dir, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())).toEqual([]);
        fs.rmSync(path.join(dir, 'copy'), { recursive: true, force: true });
      }
    }
  });

  it('into a missing directory recommends to create it', async () => {
    const dir = scratch();
    fs.writeFileSync(path.join(dir, 'f'), 'x');
    await using root = await openRoot(dir);
    for (const call of [() => root.copy('f', 'no/f'), () => root.copyIn(path.join(dir, 'f'), 'no/f')]) {
      expect(await failure(call)).toMatchObject({ code: 'not-found', remedy: 'Create the directory first: root.ensureDir(path).' });
    }
  });

  it('says what to do about a symbolic link under its own name', async () => {
    const dir = scratch();
    fs.mkdirSync(path.join(dir, 'd'));
    fs.writeFileSync(path.join(dir, 'f'), 'x');
    fs.symlinkSync('f', path.join(dir, 'link'));
    fs.symlinkSync('d', path.join(dir, 'ld'));
    for (const symlinks of ['reject', 'follow-within-root'] as const) {
      await using root = await openRoot(dir, { symlinks });
      for (const call of [() => root.copy('f', 'link', { overwrite: true }), () => root.copyIn(path.join(dir, 'f'), 'link', { overwrite: true })]) {
        expect(await failure(call)).toMatchObject({ code: 'symlink', remedy: 'Remove the link first, or use the path it leads to.' });
      }
      for (const call of [() => root.remove('ld/'), () => root.rename('ld/', 'other'), () => root.copy('ld/', 'other', { recursive: true })]) {
        expect(await failure(call)).toMatchObject({ code: 'symlink', remedy: "Name it without the '/' or '/.' at its end, or use the path it leads to." });
      }
    }
    expect(fs.readdirSync(dir).sort()).toEqual(['d', 'f', 'ld', 'link']);
  });

  it('of a tree says that maxBytes limits all its files together', async () => {
    const dir = scratch();
    fs.mkdirSync(path.join(dir, 'd'));
    for (const name of ['a', 'b', 'c']) fs.writeFileSync(path.join(dir, 'd', name), 'sixsix');
    await using root = await openRoot(dir);
    const error = await failure(() => root.copy('d', 'e', { recursive: true, maxBytes: 14 }));
    expect(error.code).toBe('too-large');
    expect(error.message).toMatch(/together larger than the limit of 14 bytes/);
  });

  it('of too many entries names their limit, and no limit of bytes', async () => {
    const dir = scratch();
    fs.mkdirSync(path.join(dir, 'd'));
    for (const name of 'abc') fs.writeFileSync(path.join(dir, 'd', name), 'x');
    await using root = await openRoot(dir);
    for (const [index, options] of [{}, { maxBytes: 100 }].entries()) {
      expect(await failure(() => root.copy('d', `to-${index}`, { recursive: true, maxEntries: 2, ...options }))).toMatchObject({ code: 'too-large', limit: 2 });
    }
  });

  it('of a directory over itself has copied nothing', async () => {
    const dir = scratch();
    fs.mkdirSync(path.join(dir, 'd'));
    await using root = await openRoot(dir);
    expect(await failure(() => root.copy('d', 'd', { recursive: true, overwrite: true }))).toMatchObject({ code: 'EINVAL', copied: 0 });
  });
});
