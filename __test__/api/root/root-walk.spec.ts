import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { describe, expect, it } from 'vitest';
import { openRootSync, type SymlinkPolicy, type WalkEntry, type WalkOptions } from '../../../index.mjs';
import { eventually, failure, openFiles } from '../../helpers/forms.js';
import { build, scratch, scratchInMemory } from '../../helpers/scratch.js';

scratchInMemory();

function ground(layout: readonly string[], symlinks: SymlinkPolicy = 'reject') {
  const dir = scratch();
  fs.mkdirSync(path.join(dir, 'root'));
  build(dir, layout);
  return { dir, at: (name: string) => path.join(dir, 'root', name), root: openRootSync(path.join(dir, 'root'), { symlinks }) };
}

async function collect(walk: AsyncIterable<WalkEntry>): Promise<WalkEntry[]> {
  const entries: WalkEntry[] = [];
  for await (const entry of walk) entries.push(entry);
  return entries;
}

const paths = (entries: WalkEntry[]) => entries.map((entry) => entry.path).sort();

/** Makes a random tree. The seed makes it the same in each run. */
function randomTree(top: string, seed: number): void {
  let state = seed;
  const random = (most: number) => (state = (state * 1103515245 + 12345) % 2 ** 31) % most;
  const fill = (dir: string, depth: number) => {
    for (let index = 2 + random(5); index > 0; index -= 1) {
      const at = path.join(dir, `${['n', 'é', '-rf', ' '][random(4)]}${index}`);
      switch (depth < 4 ? random(5) : 1) {
        case 0:
          fs.symlinkSync(['.', '..', 'n1', '/'][random(4)]!, at);
          break;
        case 1:
          fs.writeFileSync(at, 'x'.repeat(random(5)));
          break;
        default:
          fs.mkdirSync(at);
          fill(at, depth + 1);
      }
    }
  };
  fill(top, 0);
}

/** The entries of a tree by `node:fs`. */
function expected(top: string, below = '.'): string[] {
  return fs.readdirSync(path.join(top, below), { withFileTypes: true }).flatMap((entry) => {
    const at = path.join(below, entry.name);
    return entry.isDirectory() ? [at, ...expected(top, at)] : [at];
  });
}

describe.each(['reject', 'follow-trusted'] as const)('walk under %s', (symlinks) => {
  it('reports what readdir does on random trees, each directory before its entries', async () => {
    for (let seed = 1; seed <= 5; seed += 1) {
      const { root, at } = ground([], symlinks);
      randomTree(at('.'), seed);
      const want = expected(at('.')).sort();
      for (const options of [{}, { stat: true }, { filter: () => true }, { filter: () => true, stat: true }] satisfies WalkOptions[]) {
        const entries = await collect(root.walk('.', options));
        expect(paths(entries), `seed ${seed}`).toEqual(want);
        const seen = new Set(['.']);
        const wrong = entries.filter((entry) => {
          const stat = fs.lstatSync(at(entry.path));
          const isKind = entry.isFile() === stat.isFile() && entry.isDirectory() === stat.isDirectory() && entry.isSymbolicLink() === stat.isSymbolicLink();
          const isStat = !('stat' in options) || (entry.stat?.ino === stat.ino && entry.stat?.size === stat.size);
          const isInPlace = seen.has(entry.parentPath) && entry.depth === entry.path.split('/').length;
          if (entry.isDirectory()) seen.add(entry.path);
          return !isKind || !isStat || !isInPlace;
        });
        expect(wrong).toEqual([]);
      }
      root.close();
    }
  });

  it('reports links, and follows none', async () => {
    const { root } = ground(['root/d/f: x', 'root/l => d', 'root/out => ../secret', 'root/loop => .', 'secret/s: s'], symlinks);
    expect(paths(await collect(root.walk()))).toEqual(['d', 'd/f', 'l', 'loop', 'out']);
    if (symlinks === 'reject') expect((await failure(() => collect(root.walk('l')))).code).toBe('symlink');
    else expect(paths(await collect(root.walk('l')))).toEqual(['l/f']);
  });
});

describe('walk', () => {
  it('neither reports nor enters what the filter rejects', async () => {
    const { root, at } = ground(['root/a/b/c/f: x', 'root/a/x: x', 'root/node_modules/m/f: x', 'root/z: x']);
    fs.chmodSync(at('node_modules'), 0o000);
    const called: string[] = [];
    const filter = (entry: WalkEntry) => {
      called.push(entry.path);
      return entry.name !== 'node_modules' && entry.name !== 'c';
    };
    expect(paths(await collect(root.walk('.', { filter })))).toEqual(['a', 'a/b', 'a/x', 'z']);
    expect(called.filter((name) => name.startsWith('node_modules/') || name.startsWith('a/b/c/'))).toEqual([]);
    fs.chmodSync(at('node_modules'), 0o755);
  });

  it('rejects with the error of the filter, and closes', async () => {
    const { root, dir } = ground(['root/a/f: x']);
    const open = () => openFiles().filter((file) => file.includes(dir));
    const before = open();
    const filter = () => {
      throw new Error('mine');
    };
    expect((await failure(() => collect(root.walk('.', { filter })))).message).toBe('mine');
    await eventually(() => expect(open()).toEqual(before));
  });

  it('refuses null for a directory', async () => {
    const { root } = ground(['root/a: x']);
    const none = null as unknown as undefined;
    for (const call of [() => root.list(none), async () => root.listSync(none), () => collect(root.walk(none))]) {
      expect(await failure(call)).toMatchObject({ name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' });
    }
  });

  it('refuses a filter that returns a promise', async () => {
    const { root } = ground(['root/a: x']);
    for (const filter of [async () => false, async () => Promise.reject(new Error('late'))]) {
      const error = await failure(() => collect(root.walk('.', { filter: filter as unknown as () => boolean })));
      expect(error).toMatchObject({ name: 'TypeError', code: 'ERR_INVALID_RETURN_VALUE' });
    }
  });

  it('stops at maxDepth and at maxEntries', async () => {
    const { root } = ground(['root/a/b/c/f: x', 'root/z: x']);
    for (const filter of [undefined, () => true]) {
      expect(paths(await collect(root.walk('.', { maxDepth: 1, filter })))).toEqual(['a', 'z']);
      expect(paths(await collect(root.walk('a', { maxDepth: 2, filter })))).toEqual(['a/b', 'a/b/c']);
      const seen: string[] = [];
      const error = await failure(async () => {
        for await (const entry of root.walk('.', { maxEntries: 3, filter })) seen.push(entry.path);
      });
      expect([error.code, error.limit, seen.length]).toEqual(['too-large', 3, 3]);
      expect(await collect(root.walk('.', { maxEntries: 5, filter }))).toHaveLength(5);
    }
  });

  it('closes its directories when the loop is left, and on abort', async () => {
    const { root, dir } = ground(Array.from({ length: 50 }, (_, index) => `root/d${index}/e/f: x`));
    // Roots of other tests are closed when they are collected.
    const open = () => openFiles().filter((file) => file.includes(dir));
    const before = open();
    for (const filter of [undefined, () => true]) {
      for await (const entry of root.walk('.', { filter })) {
        expect(entry.depth).toBe(1);
        break;
      }
      await eventually(() => expect(open()).toEqual(before));
      const controller = new AbortController();
      const error = await failure(async () => {
        for await (const entry of root.walk('.', { signal: controller.signal, filter })) controller.abort(new Error(`at ${entry.depth}`));
      });
      expect(error.message).toBe('at 1');
      await eventually(() => expect(open()).toEqual(before));
    }
  });

  it('has closed its directories when a loop is left while the next batch is read', async () => {
    const { root, dir, at } = ground(['root/']);
    for (let outer = 0; outer < 80; outer += 1) {
      fs.mkdirSync(at(`d${outer}/e/f`), { recursive: true });
      for (let index = 0; index < 40; index += 1) fs.writeFileSync(at(`d${outer}/e/f/${index}`), '');
    }
    const open = () => openFiles().filter((file) => file.includes(dir));
    const before = open();
    for (const most of [1, 1, 1000, 1030, 2100]) {
      let count = 0;
      for await (const _ of root.walk()) if (++count === most) break;
      expect([count, open()]).toEqual([most, before]);
    }
    expect(await collect(root.walk())).toHaveLength(80 * 43);
  });

  it('keeps a closed root until it ends', async () => {
    const { root, dir } = ground(['root/a/b: x', 'root/c: x']);
    const walk = root.walk();
    expect((await walk.next()).done).toBe(false);
    root.close();
    expect(await collect(walk)).toHaveLength(2);
    await eventually(() => expect(openFiles().filter((file) => file.includes(dir))).toEqual([]));
  });

  it('answers calls of next in their order, and after its end', async () => {
    const { root } = ground(['root/a/b: x', 'root/c: x']);
    const walk = root.walk();
    const results = await Promise.all(Array.from({ length: 6 }, () => walk.next()));
    expect(results.map(({ done }) => done)).toEqual([false, false, false, true, true, true]);
    expect(new Set(results.slice(0, 3).map(({ value }) => value?.path)).size).toBe(3);
    expect(await walk.return?.()).toEqual({ done: true, value: undefined });
  });

  it('finishes when the root is closed after the first call of next', async () => {
    const { root } = ground(['root/a: x', 'root/b: x']);
    for (const filter of [undefined, () => true]) {
      const own = await root.openRoot('.');
      const walk = own.walk('.', { filter });
      const first = walk.next();
      own.close();
      expect([(await first).value?.name, (await walk.next()).value?.name].sort()).toEqual(['a', 'b']);
      expect((await walk.next()).done).toBe(true);
      expect((await failure(() => collect(own.walk('.')))).code).toBe('root-closed');
    }
  });

  it('returns paths that are not UTF-8 with their bytes', async () => {
    const { root, at } = ground([]);
    const dir = Buffer.concat([Buffer.from(`${at('')}/`), Buffer.from([0xff])]);
    fs.mkdirSync(dir);
    fs.writeFileSync(Buffer.concat([dir, Buffer.from('/f')]), 'x');
    for (const filter of [undefined, () => true]) {
      const [outer, inner] = await collect(root.walk('.', { filter }));
      expect([outer?.path, outer?.rawName, outer?.rawPath]).toEqual(['�', Buffer.from([0xff]), Buffer.from([0xff])]);
      expect([inner?.path, inner?.rawName, inner?.rawPath]).toEqual(['�/f', undefined, Buffer.from([0xff, 0x2f, 0x66])]);
      expect((await root.stat(inner?.rawPath as Buffer)).size).toBe(1);
      for (const start of [Buffer.from([0xff]), Buffer.from([0xff, 0x2f]), Buffer.from([0x2e, 0x2f, 0xff])]) {
        const [entry] = await collect(root.walk(start, { filter }));
        expect((await root.stat(entry?.rawPath as Buffer)).size).toBe(1);
        expect(entry?.rawPath?.subarray(-3)).toEqual(Buffer.from([0xff, 0x2f, 0x66]));
      }
    }
  });

  it('walks 5,000 levels with at most 40 descriptors', async () => {
    const LEVELS = 5000;
    const { root, at } = ground([]);
    const cwd = process.cwd();
    process.chdir(at(''));
    for (let level = 0; level < LEVELS; level += 1) {
      fs.mkdirSync('d');
      if (level % 500 === 0) fs.writeFileSync('z', '');
      process.chdir('d');
    }
    process.chdir(cwd);
    const descriptors = () => fs.readdirSync('/proc/self/fd').length;
    const before = descriptors();
    let most = 0;
    for (const filter of [undefined, ({ depth }: WalkEntry) => depth < 200]) {
      let count = 0;
      for await (const entry of root.walk('.', { filter })) {
        count += 1;
        if (entry.depth % 50 === 0) most = Math.max(most, descriptors() - before);
      }
      expect(count).toBe(filter ? 200 : LEVELS + LEVELS / 500);
    }
    expect(most).toBeGreaterThan(10);
    expect(most).toBeLessThanOrEqual(40);
    spawnSync('rm', ['-rf', at('d')]);
  });

  it.each([
    ['free', undefined],
    ['filtered', () => true],
  ] as const)('reports a directory that is moved away meanwhile, or passes it over: %s', async (_, filter) => {
    const chain = (length: number) => Array.from({ length }, (_, level) => `d${level}`).join('/');
    for (const onError of ['throw', 'skip'] as const) {
      const { root, at, dir } = ground([]);
      for (let level = 0; level < 60; level += 1) {
        // Whatever the order of the entries is, some come after the directory of the chain.
        for (const name of ['before', `d${level}`, 'after']) fs.mkdirSync(at(`${chain(level)}/${name}/x`), { recursive: true });
      }
      // More than one batch.
      for (let index = 0; index < 2500; index += 1) fs.writeFileSync(at(`${chain(60)}/f${index}`), '');
      const walk = async () => {
        let count = 0;
        for await (const { depth } of root.walk('.', { onError, filter })) {
          count += 1;
          if (depth === 61 && fs.existsSync(at('d0/d1/d2'))) fs.renameSync(at('d0/d1/d2'), path.join(dir, 'stolen'));
        }
        return count;
      };
      if (onError === 'throw') expect((await failure(walk)).code).toBe('path-mismatch');
      else expect(await walk()).toBeGreaterThan(2500);
      root.close();
    }
  });
});
