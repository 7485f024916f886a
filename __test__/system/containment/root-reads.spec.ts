import { execFileSync, spawn } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { openRootSync, type WalkEntry } from '../../../index.mjs';
import { asUser1000 } from '../../helpers/sys-driver.js';
import { needs } from '../../helpers/sys-needs.js';
import { buildC, makeDir, scratch, stagedPackage } from '../../helpers/sys-scratch.js';

const mounted: string[] = [];
afterAll(() => {
  for (const at of mounted) execFileSync('umount', [at]);
});

async function collect(walk: AsyncIterable<WalkEntry>): Promise<string[]> {
  const paths: string[] = [];
  for await (const entry of walk) paths.push(`${entry.path}${entry.isDirectory() ? '/' : entry.isSymbolicLink() ? '@' : ''}`);
  return paths.sort();
}

needs('linux', 'root', 'mount')('a file system that is mounted below', () => {
  it('is entered by list and walk', async () => {
    const dir = scratch();
    makeDir(dir, 'below', 0o755);
    execFileSync('mount', ['-t', 'tmpfs', 'tmpfs', path.join(dir, 'below')]);
    mounted.push(path.join(dir, 'below'));
    fs.writeFileSync(path.join(dir, 'below/f'), 'x');
    const root = openRootSync(dir);
    expect((await root.list('below')).map(({ name }) => name)).toEqual(['f']);
    expect(await collect(root.walk())).toEqual(['below/', 'below/f']);
    expect((await root.stat('below/f')).dev).not.toBe((await root.stat('.')).dev);
    root.close();
  });
});

needs('linux', 'root', 'mount', 'loop devices', 'mkfs.ext4')('a file system that tells no kinds', () => {
  it('has them looked up', async () => {
    const dir = scratch();
    const [image, at] = [path.join(dir, 'image'), makeDir(dir, 'mount', 0o755)];
    fs.writeFileSync(image, '');
    fs.truncateSync(image, 8 * 2 ** 20);
    execFileSync('mkfs.ext4', ['-q', '-O', '^filetype,^has_journal', image], { stdio: 'ignore' });
    execFileSync('mount', ['-o', 'loop', image, at]);
    mounted.push(at);
    fs.mkdirSync(path.join(at, 'd/e'), { recursive: true });
    fs.writeFileSync(path.join(at, 'd/f'), 'x');
    fs.symlinkSync('d', path.join(at, 'l'));
    const root = openRootSync(at);
    expect((await root.list('d')).map((entry) => [entry.name, entry.isFile(), entry.isDirectory()])).toEqual([['e', false, true], ['f', true, false]]);
    expect(await collect(root.walk())).toEqual(['d/', 'd/e/', 'd/f', 'l@', 'lost+found/']);
    expect(await collect(root.walk('.', { filter: () => true, maxDepth: 1 }))).toEqual(['d/', 'l@', 'lost+found/']);
    root.close();
  });
});

needs('linux', 'root', 'setpriv')('a directory that another user may not search', () => {
  it('is listed by name and kind, and its stats and those below are EACCES', () => {
    const dir = scratch();
    const made = makeDir(dir, 'made', 0o755);
    fs.mkdirSync(path.join(made, 'mute/d'), { recursive: true });
    fs.writeFileSync(path.join(made, 'mute/d/f'), 'x');
    fs.chmodSync(path.join(made, 'mute'), 0o744);
    makeDir(made, 'shut', 0o700);
    const program = `
      const { openRootSync } = require(${JSON.stringify(stagedPackage())});
      const root = openRootSync(${JSON.stringify(made)});
      const outcome = async (call) => { try { return await call(); } catch ({ code, syscall, path }) { return [code, syscall, path].join(' '); } };
      const walk = async (options) => { const seen = []; for await (const { path } of root.walk('.', options)) seen.push(path); return seen.sort().join(); };
      (async () => console.log(JSON.stringify([
        await outcome(async () => (await root.list('mute')).map((entry) => [entry.name, entry.isDirectory()])),
        await outcome(() => root.list('mute', { stat: true })),
        await outcome(() => root.stat('mute/d')),
        await outcome(() => root.list('shut')),
        await outcome(() => root.exists('mute/d')),
        await outcome(() => walk({ onError: 'skip' })),
        await outcome(() => walk({ onError: 'skip', filter: () => true, stat: true })),
        await outcome(() => walk({ filter: ({ name }) => name !== 'shut' })),
      ])))();`;
    const [command = '', ...args] = [...asUser1000, process.execPath, '-e', program];
    expect(JSON.parse(execFileSync(command, args, { encoding: 'utf8' }))).toEqual([
      [['d', true]],
      'EACCES lstat mute',
      'EACCES stat mute/d',
      'EACCES scandir shut',
      'EACCES lstat mute/d',
      'mute,mute/d,shut',
      'mute,mute/d,shut',
      'EACCES scandir mute/d',
    ]);
  });
});

needs('linux')('a directory with 30,000 entries', () => {
  it('is listed and walked whole, and refused by a limit', async () => {
    const COUNT = 30_000;
    const dir = scratch();
    for (let index = 0; index < COUNT; index += 1) fs.writeFileSync(path.join(dir, `n${index}`), '');
    const root = openRootSync(dir);
    const entries = await root.list();
    expect(entries.length).toBe(COUNT);
    expect(new Set(entries.map(({ name }) => name)).size).toBe(COUNT);
    expect((await collect(root.walk())).length).toBe(COUNT);
    await expect(root.list('.', { maxEntries: COUNT - 1 })).rejects.toMatchObject({ code: 'too-large' });
    root.close();
  });
});

needs('linux', 'gcc')('names that are exchanged meanwhile', () => {
  it('lead no call out of the root', async () => {
    const dir = scratch();
    const inside = makeDir(dir, 'root', 0o755);
    fs.mkdirSync(path.join(inside, 'a'));
    fs.writeFileSync(path.join(inside, 'a/own'), '');
    fs.mkdirSync(path.join(dir, 'outside/deep'), { recursive: true });
    fs.writeFileSync(path.join(dir, 'outside/secret'), '12345');
    fs.symlinkSync('../outside', path.join(inside, 'b'));
    const attacker = spawn(buildC('exchange'), [path.join(inside, 'a'), path.join(inside, 'b')]);
    try {
      const seen = new Set<string>();
      for (const symlinks of ['reject', 'follow-within-root', 'follow-trusted'] as const) {
        const root = openRootSync(inside, { symlinks });
        for (let round = 0; round < 200; round += 1) {
          for (const name of ['a', 'b']) {
            for (const { name: found } of await root.list(name).catch(() => [])) seen.add(found);
            if (await root.exists(`${name}/secret`).catch(() => false)) seen.add('secret');
            if (await root.stat(`${name}/secret`).catch(() => undefined)) seen.add('secret');
          }
          for await (const { name } of root.walk('.', { onError: 'skip', stat: round % 2 === 0 })) seen.add(name);
        }
        root.close();
      }
      expect([...seen].sort()).toEqual(['a', 'b', 'own']);
    } finally {
      attacker.kill('SIGKILL');
    }
  });
});
