// One file under two names: a linked parent, a followed final symlink, another root, a parent that the write makes.
import * as fs from 'node:fs';
import { describe, expect, it } from 'vitest';
import { openRootSync, stageAtomic, writeAtomic, writeAtomicMany, type WriteOptions } from '../../../index.mjs';
import { build, modeOf, scratch, scratchInMemory, strays } from '../../helpers/scratch.js';
import { octal } from '../../helpers/umask.js';

scratchInMemory();

type Write = (dir: string, data: string, options?: WriteOptions) => Promise<unknown>;

const FOLLOW: WriteOptions = { finalSymlink: 'follow' };
const QUICK: WriteOptions = { durable: false };

const withRoot = async (dir: string, call: (root: ReturnType<typeof openRootSync>) => Promise<unknown>): Promise<unknown> => {
  const root = openRootSync(dir);
  const calling = call(root);
  root.close();
  return calling;
};

/** Names of `d/f`. `ln` leads to `d`, `up/ln` to `../d`, `d/to-f` and `to-f` to `d/f`, `twice` to `to-f`. */
const ways: Record<string, Write> = {
  'its own path': (dir, data, options) => writeAtomic(`${dir}/d/f`, data, options),
  'a linked parent': (dir, data, options) => writeAtomic(`${dir}/ln/f`, data, options),
  'a link on the way': (dir, data, options) => writeAtomic(`${dir}/up/ln/f`, data, options),
  'a link and ..': (dir, data, options) => writeAtomic(`${dir}/ln/../d/f`, data, options),
  'a final link': (dir, data, options) => writeAtomic(`${dir}/to-f`, data, { ...FOLLOW, ...options }),
  'a final link in its own directory': (dir, data, options) => writeAtomic(`${dir}/ln/to-f`, data, { ...FOLLOW, ...options }),
  'two final links': (dir, data, options) => writeAtomic(`${dir}/twice`, data, { ...FOLLOW, ...options }),
  'a trusted link': (dir, data, options) => writeAtomic(`${dir}/ln/f`, data, { symlinks: 'follow-trusted', ...options }),
  'a pinned root': (dir, data, options) => withRoot(`${dir}/ln`, (root) => root.writeAtomic('f', data, options)),
  'a root above, and links': (dir, data, options) =>
    withRoot(dir, (root) => root.writeAtomic('to-f', data, { ...FOLLOW, symlinks: 'follow-within-root', ...options })),
  'the option root': (dir, data, options) => writeAtomic('ln/f', data, { root: dir, symlinks: 'follow-within-root', ...options }),
  'the option root by a link': (dir, data, options) => writeAtomic('f', data, { root: `${dir}/ln`, ...options }),
  writeAtomicMany: (dir, data, options) => writeAtomicMany([{ file: `${dir}/ln/f`, data }, { file: `${dir}/other`, data }], options),
  'writeAtomicMany and a final link': (dir, data, options) => writeAtomicMany([{ file: `${dir}/to-f`, data }], { ...FOLLOW, ...options }),
  'a stream': (dir, data, options) => writeAtomic(`${dir}/ln/f`, [data], options),
};

function layOut(): string {
  const dir = scratch();
  build(dir, ['d/', 'up/']);
  fs.symlinkSync('d', `${dir}/ln`);
  fs.symlinkSync('../d', `${dir}/up/ln`);
  fs.symlinkSync('f', `${dir}/d/to-f`);
  fs.symlinkSync('d/f', `${dir}/to-f`);
  fs.symlinkSync('to-f', `${dir}/twice`);
  return dir;
}

/**
 * A stream enters the queue when its data have ended, which its caller cannot observe: it is only used as the later
 * write.
 */
const pairs = Object.keys(ways)
  .filter((older) => older !== 'a stream')
  .flatMap((older) => Object.keys(ways).map((newer) => [older, newer] as const));
const LARGE = 'x'.repeat(1_000_000);

describe('writes of one file by two names', () => {
  it.each(pairs)('publish in the order they were made: %s, then %s', async (older, newer) => {
    const dir = layOut();
    for (const state of ['new', 'old']) {
      await Promise.all([ways[older]!(dir, LARGE), ways[newer]!(dir, 'last', QUICK)]);
      expect(fs.readFileSync(`${dir}/d/f`, 'utf8').slice(0, 4), state).toBe('last');
    }
    expect(strays(dir)).toEqual([]);
    expect(fs.readdirSync(`${dir}/d`).sort()).toEqual(['f', 'to-f']);
  });

  it.each(Object.keys(ways))('keep the mode of the call before: its own path, then %s', async (newer) => {
    const dir = layOut();
    await Promise.all([writeAtomic(`${dir}/d/f`, LARGE, { mode: 0o600 }), ways[newer]!(dir, 'last', QUICK)]);
    expect(octal(modeOf(`${dir}/d/f`))).toBe('0600');
  });

  it.each(['d', 'ln'])('publish in that order where the parent is made first (by %s)', async (by) => {
    for (let round = 0; round < 5; round += 1) {
      const dir = layOut();
      const other = by === 'd' ? 'ln' : 'd';
      const made = { mkdir: true };
      const calls = [
        writeAtomic(`${dir}/${by}/made/x/f`, LARGE, { ...made, mode: 0o600 }),
        writeAtomic(`${dir}/${other}/made/x/f`, LARGE, made),
        writeAtomic(`${dir}/${by}/made/x/f`, 'last', { ...made, ...QUICK }),
      ];
      await Promise.all(calls);
      expect(fs.readFileSync(`${dir}/d/made/x/f`, 'utf8').slice(0, 4)).toBe('last');
      expect(octal(modeOf(`${dir}/d/made/x/f`))).toBe('0600');
    }
  });

  it('publish in that order when a staged file is one of them', async () => {
    const dir = layOut();
    const staged = await stageAtomic(`${dir}/ln/f`);
    await staged.handle.writeFile('staged');
    const before = writeAtomic(`${dir}/d/f`, LARGE);
    const committed = staged.commit();
    const calls = [before, committed, writeAtomic(`${dir}/to-f`, 'last', { ...QUICK, ...FOLLOW })];
    await committed;
    expect(['staged', 'last']).toContain(fs.readFileSync(`${dir}/d/f`, 'utf8'));
    await Promise.all(calls);
    expect(fs.readFileSync(`${dir}/d/f`, 'utf8')).toBe('last');
  });
});

describe('writes of different files', () => {
  it('of one name run side by side in different directories', async () => {
    const dir = layOut();
    build(dir, ['e/']);
    for (let round = 0; round < 3; round += 1) {
      const ended: string[] = [];
      const slow = writeAtomic(`${dir}/d/f`, 'x'.repeat(50_000_000)).then(() => ended.push('slow'));
      const quick = writeAtomic(`${dir}/e/f`, 'x', QUICK).then(() => ended.push('quick'));
      await Promise.all([slow, quick]);
      expect(ended).toEqual(['quick', 'slow']);
    }
  });

  it('run side by side when one of them follows a final link', async () => {
    const dir = layOut();
    build(dir, ['e/', 'd/f: old']);
    const ended: string[] = [];
    const slow = writeAtomic(`${dir}/to-f`, 'x'.repeat(50_000_000), FOLLOW).then(() => ended.push('slow'));
    const quick = writeAtomic(`${dir}/e/other`, 'x', QUICK).then(() => ended.push('quick'));
    await Promise.all([slow, quick]);
    expect(ended).toEqual(['quick', 'slow']);
  });
});

describe('entries of writeAtomicMany that are one file by two names', () => {
  it.each(['f', 'old'])('are published in their order, each as the one before left the file (%s)', async (name) => {
    const dir = layOut();
    build(dir, ['d/old: old']);
    fs.chmodSync(`${dir}/d/old`, 0o644);
    fs.symlinkSync(`d/${name}`, `${dir}/to-it`);
    const entries = [
      { file: `${dir}/d/${name}`, data: LARGE, options: { mode: 0o600 } },
      { file: `${dir}/between`, data: 'x' },
      { file: `${dir}/ln/${name}`, data: LARGE },
      { file: `${dir}/to-it`, data: 'last', options: FOLLOW },
    ];
    const settled = await writeAtomicMany(entries, QUICK);
    expect(settled.map((entry) => (entry.status === 'fulfilled' ? octal(entry.value.mode) : entry.reason))).toEqual(['0600', '0644', '0600', '0600']);
    expect(fs.readFileSync(`${dir}/d/${name}`, 'utf8')).toBe('last');
    expect(strays(dir)).toEqual([]);
    expect(strays(`${dir}/d`)).toEqual([]);
  });

  it.each(['f', 'old'])('keep the mode that an entry before gave the file by another name (%s)', async (name) => {
    const dir = layOut();
    build(dir, ['d/old 0644: old']);
    fs.symlinkSync(`d/${name}`, `${dir}/to-it`);
    const entries = [
      { file: `${dir}/d/${name}`, data: LARGE, options: { mode: 0o600 } },
      { file: `${dir}/to-it`, data: 'last', options: FOLLOW },
    ];
    const settled = await writeAtomicMany(entries, QUICK);
    expect(settled.map((entry) => (entry.status === 'fulfilled' ? octal(entry.value.mode) : entry.reason))).toEqual(['0600', '0600']);
    expect(fs.readFileSync(`${dir}/d/${name}`, 'utf8')).toBe('last');
    expect(octal(modeOf(`${dir}/d/${name}`))).toBe('0600');
    expect(strays(`${dir}/d`)).toEqual([]);
  });

  it('have one winner with overwrite: false', async () => {
    const dir = layOut();
    const settled = await writeAtomicMany(
      [
        { file: `${dir}/ln/f`, data: 'first' },
        { file: `${dir}/d/f`, data: 'second' },
      ],
      { overwrite: false, durable: false },
    );
    expect(settled.map((entry) => (entry.status === 'fulfilled' ? 'fulfilled' : (entry.reason as { code: string }).code))).toEqual(['fulfilled', 'already-exists']);
    expect(fs.readFileSync(`${dir}/d/f`, 'utf8')).toBe('first');
  });

  it('do not keep entries of one name in different directories apart', async () => {
    const dir = scratch();
    const names = Array.from({ length: 64 }, (_, n) => `d${n}`);
    build(dir, names.map((name) => `${name}/`));
    const settled = await writeAtomicMany(names.map((name) => ({ file: `${dir}/${name}/index.json`, data: name })));
    expect(settled.every(({ status }) => status === 'fulfilled')).toBe(true);
    for (const name of names) expect(fs.readFileSync(`${dir}/${name}/index.json`, 'utf8')).toBe(name);
  });
});
