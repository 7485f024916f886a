// The directory of a holdfast/fs-safe root after its descriptor is closed, and before a method calls the original.
import * as fs from 'node:fs';
import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { bindFsSafe } from '../../fs-safe.mjs';
import { FsSafeError, plain } from '../helpers/fs-safe-hosts.js';
import { build, scratch, tree } from '../helpers/scratch.js';

/** Exceeds the number of roots with an open descriptor. */
const MANY = 65;

async function releaseOthers(dir: string): Promise<void> {
  for (let i = 0; i < MANY; i += 1) await plain.root(dir);
}

function exchange(dir: string, a: string, b: string): void {
  fs.renameSync(`${dir}/${a}`, `${dir}/between`);
  fs.renameSync(`${dir}/${b}`, `${dir}/${a}`);
  fs.renameSync(`${dir}/between`, `${dir}/${b}`);
}

describe('a root whose descriptor was closed', () => {
  it('reads and writes beneath its own directory alone while names are exchanged', async () => {
    const dir = scratch();
    build(dir, ['r/f: ours', 'attacker/f: theirs', 'other/']);
    const seen = new Set<string>();
    for (let i = 0; i < 60; i += 1) {
      const root = await plain.root(`${dir}/r`);
      await releaseOthers(`${dir}/other`);
      let isDone = false;
      const calls = Promise.allSettled([root.readText('f'), root.write(`w${i}`, 'written', { durable: false })]).then((results) => {
        isDone = true;
        return results;
      });
      let exchanges = 0;
      while (!isDone) {
        exchange(dir, 'r', 'attacker');
        exchanges += 1;
        await turn();
      }
      if (exchanges % 2 === 1) exchange(dir, 'r', 'attacker');
      for (const result of await calls) {
        if (result.status === 'rejected') expect(result.reason).toMatchObject({ name: 'FsSafeError', code: 'path-mismatch' });
        else if (result.value !== undefined) seen.add(result.value as string);
      }
      expect(fs.readdirSync(`${dir}/attacker`)).toEqual(['f']);
    }
    expect(seen).not.toContain('theirs');
  });

  it('is the same directory after it was renamed and renamed back', async () => {
    const dir = scratch();
    build(dir, ['r/f: ours', 'other/']);
    const root = await plain.root(`${dir}/r`);
    await releaseOthers(`${dir}/other`);
    fs.renameSync(`${dir}/r`, `${dir}/was`);
    await expect(root.readText('f')).rejects.toMatchObject({ name: 'FsSafeError', code: 'path-mismatch' });
    fs.renameSync(`${dir}/was`, `${dir}/r`);
    expect(await root.readText('f')).toBe('ours');
  });

  it.each(['a link to it', 'a file'])('is path-mismatch when its name is %s', async (what) => {
    const dir = scratch();
    build(dir, ['r/f: ours', 'other/', 'attacker/f: theirs']);
    const root = await plain.root(`${dir}/r`);
    await releaseOthers(`${dir}/other`);
    fs.renameSync(`${dir}/r`, `${dir}/was`);
    if (what === 'a file') fs.writeFileSync(`${dir}/r`, '');
    else fs.symlinkSync('attacker', `${dir}/r`);
    await expect(root.readText('f')).rejects.toMatchObject({ name: 'FsSafeError', code: 'path-mismatch' });
  });
});

/** An original that works by name, as the library does between its own checks. */
const original = {
  async root(rootDir: string) {
    const at = (name: string) => `${rootDir}/${name}`;
    return {
      append: async (name: string, data: string) => fs.appendFileSync(at(name), data),
      openWritable: async (name: string) => fs.writeFileSync(at(name), ''),
      remove: async (name: string) => fs.rmSync(at(name)),
      write: async (name: string, data: string) => fs.writeFileSync(at(name), data),
    };
  },
};

describe('a method that calls the original', () => {
  const { root: makeRoot } = bindFsSafe({ FsSafeError, original });
  type Root = Awaited<ReturnType<typeof makeRoot>>;
  const calls: Record<string, (root: Root) => unknown> = {
    append: (root) => root.append('f', 'more'),
    openWritable: (root) => root.openWritable('f'),
    'a write with denyMutations': (root) => root.write('f', 'new', { denyMutations: { paths: ['/nowhere'] } }),
    'a removal with denyMutations': (root) => root.remove('f', { denyMutations: { paths: ['/nowhere'] } }),
  };
  const swaps: Record<string, (dir: string) => void> = {
    'another directory': (dir) => exchange(dir, 'r', 'attacker'),
    'a link to another directory': (dir) => {
      fs.renameSync(`${dir}/r`, `${dir}/was`);
      fs.symlinkSync('attacker', `${dir}/r`);
    },
    'a link to the same directory': (dir) => {
      fs.renameSync(`${dir}/r`, `${dir}/was`);
      fs.symlinkSync('was', `${dir}/r`);
    },
    nothing: (dir) => fs.renameSync(`${dir}/r`, `${dir}/was`),
  };
  const rows = Object.keys(calls).flatMap((call) => Object.keys(swaps).flatMap((swap) => [false, true].map((isUsed) => ({ call, swap, isUsed }))));

  it.each(rows)('is path-mismatch when the name of the root is now $swap: $call, used before: $isUsed', async ({ call, swap, isUsed }) => {
    const dir = scratch();
    build(dir, ['r/f: ours', 'attacker/f: theirs']);
    const root = await makeRoot(`${dir}/r`);
    if (isUsed) await root.append('f', ' and more');
    swaps[swap]!(dir);
    const before = tree(dir);
    await expect(Promise.resolve().then(() => calls[call]!(root))).rejects.toMatchObject({ name: 'FsSafeError', code: 'path-mismatch' });
    expect(tree(dir)).toEqual(before);
  });

  it('works while the name of the root leads to its directory', async () => {
    const dir = scratch();
    build(dir, ['r/f: ours']);
    const root = await makeRoot(`${dir}/r`);
    await root.append('f', ' and more');
    expect(await root.readText('f')).toBe('ours and more');
    await root.remove('f', { denyMutations: { paths: ['/nowhere'] } });
    expect(fs.readdirSync(`${dir}/r`)).toEqual([]);
  });
});

describe('the methods that are ours', () => {
  it('a walk that is left closes its directory', async () => {
    const dir = scratch();
    build(dir, ['e/f: text', 'g: text', 'h: text']);
    const root = await plain.root(dir);
    await root.list('.');
    const before = fs.readdirSync('/proc/self/fd').length;
    for (let i = 0; i < 20; i += 1) {
      for await (const entry of root.entries('.')) if (entry.name !== '') break;
      for await (const entry of root.walk('', { symlinkPolicy: 'skip', order: 'filesystem', maxEntries: 2 })) if (entry.kind !== 'truncated') break;
    }
    expect(fs.readdirSync('/proc/self/fd').length).toBeLessThanOrEqual(before);
  });

  it('a removal is refused after an abort, with the reason of the signal, and leaves what is not removed yet', async () => {
    const dir = scratch();
    build(dir, Array.from({ length: 300 }, (_, i) => `e/d${i}/f: text`));
    const root = await plain.root(dir);
    const controller = new AbortController();
    const removing = root.remove('e', { recursive: true, signal: controller.signal });
    controller.abort(new Error('stop'));
    await expect(removing).rejects.toThrow('stop');
    expect(fs.existsSync(`${dir}/e`)).toBe(true);
  });
});

describe('a root that is handed to a function of the original', () => {
  /** An original whose functions take its own roots alone, as those of the library do. */
  const genuine = new WeakSet<object>();
  class Theirs {
    constructor(readonly rootReal: string) {
      genuine.add(this);
    }
  }
  const taken = (root: unknown): string => {
    if (!genuine.has(root as object)) throw new Error('a genuine root is needed');
    return (root as Theirs).rootReal;
  };
  const lock = async (name: string, { lockRoot }: { lockRoot: unknown }) => [name, taken(lockRoot)];
  const library = {
    root: async (dir: string) => new Theirs(dir),
    acquireFileLock: lock,
    withFileLock: async (name: string, options: { lockRoot: unknown }, call: () => unknown) => [...(await lock(name, options)), await call()],
    acquireFileLockSync: (name: string, { lockRoot }: { lockRoot: unknown }) => [name, taken(lockRoot)],
    withFileLockSync: (name: string, { lockRoot }: { lockRoot: unknown }, call: () => unknown) => [name, taken(lockRoot), call()],
    createFileLockManager: (key: string) => ({ key, acquire: lock, drain: () => key }),
    watch: (root: unknown, _options: object) => taken(root),
  };
  const api = bindFsSafe({ FsSafeError, original: library });

  it('is the original\'s root of the same directory', async () => {
    const dir = scratch();
    const lockRoot = await api.root(dir);
    expect(api.acquireFileLockSync('f', { lockRoot })).toEqual(['f', dir]);
    expect(api.withFileLockSync('f', { lockRoot }, () => 1)).toEqual(['f', dir, 1]);
    expect(api.watch(lockRoot, {})).toBe(dir);
    expect(await api.acquireFileLock('f', { lockRoot })).toEqual(['f', dir]);
    expect(await api.withFileLock('f', { lockRoot }, () => 2)).toEqual(['f', dir, 2]);
    const manager = api.createFileLockManager('k');
    expect([await manager.acquire('f', { lockRoot }), manager.key, manager.drain()]).toEqual([['f', dir], 'k', 'k']);
  });

  it('is known to other bindings, and leaves the other options as they are', async () => {
    const dir = scratch();
    const lockRoot = await api.root(dir);
    const seen: object[] = [];
    const other = bindFsSafe({ FsSafeError, original: { acquireFileLockSync: (_: string, options: object) => void seen.push(options) } });
    const receivers: unknown[] = [];
    const options = { lockRoot, staleMs: 5, payload(this: unknown) { receivers.push(this); } };
    other.acquireFileLockSync('f', options);
    expect(seen[0]).toEqual({ ...options, lockRoot: expect.any(Theirs), payload: expect.any(Function) });
    (seen[0] as typeof options).payload();
    expect(receivers[0]).toBe(options);
    expect(options.lockRoot).toBe(lockRoot);
    const theirs = await library.root(dir);
    expect(api.acquireFileLockSync('f', { lockRoot: theirs })).toEqual(['f', dir]);
  });

  it('is made at once by the class of the original, once that is known', async () => {
    const made: string[] = [];
    class Handle {
      readonly rootReal: string;
      constructor(readonly context: { rootReal: string; rootIdentity: { ino: bigint } }, readonly defaults: object) {
        this.rootReal = context.rootReal;
        genuine.add(this);
      }
    }
    const quick = {
      async root(dir: string, defaults: object) {
        made.push(dir);
        const stat = fs.statSync(dir, { bigint: true });
        return new Handle({ rootDir: dir, rootGuard: { dir, realPath: dir, stat }, rootIdentity: { dev: stat.dev, ino: stat.ino }, rootReal: dir, rootWithSep: `${dir}/` } as never, defaults);
      },
      acquireFileLockSync: (name: string, { lockRoot }: { lockRoot: Handle }) => [name, taken(lockRoot), lockRoot.context.rootIdentity.ino, lockRoot.defaults],
    };
    const bound = bindFsSafe({ FsSafeError, original: quick });
    const dir = scratch();
    build(dir, ['a/', 'b/']);
    const roots = [await bound.root(`${dir}/a`), await bound.root(`${dir}/b`, { mkdir: false })];
    expect(made).toEqual([`${dir}/a`]);
    expect(roots.map((lockRoot) => bound.acquireFileLockSync('f', { lockRoot: lockRoot as never }))).toEqual([
      ['f', `${dir}/a`, fs.statSync(`${dir}/a`, { bigint: true }).ino, {}],
      ['f', `${dir}/b`, fs.statSync(`${dir}/b`, { bigint: true }).ino, { mkdir: false }],
    ]);
    exchange(dir, 'a', 'b');
    const other = await bound.root(`${dir}/a`);
    exchange(dir, 'a', 'b');
    expect(() => bound.acquireFileLockSync('f', { lockRoot: other as never })).toThrow(expect.objectContaining({ code: 'path-mismatch' }));
    expect(made).toHaveLength(1);
  });

  it('is found in an accessor, a class and a prototype, as the original finds it', async () => {
    const dir = scratch();
    const lockRoot = await api.root(dir);
    class Options {
      #root = lockRoot;
      #staleMs = 5;
      get lockRoot() { return this.#root; }
      get staleMs() { return this.#staleMs; }
    }
    for (const options of [new Options(), Object.create({ lockRoot }), { get lockRoot() { return lockRoot; } }, Object.freeze({ lockRoot })]) {
      expect(api.acquireFileLockSync('f', options)).toEqual(['f', dir]);
    }
    const seen: { staleMs?: number }[] = [];
    const original = { acquireFileLock: async (_: string, options: object) => void seen.push(options, { ...options }), acquireFileLockSync: (_: string, options: object) => void seen.push(options) };
    const other = bindFsSafe({ FsSafeError, original });
    other.acquireFileLockSync('f', new Options());
    await other.acquireFileLock('f', new Options());
    // A spread has no properties of a class.
    expect(seen.map(({ staleMs }) => staleMs)).toEqual([5, 5, undefined]);
  });

  it('is made by the binding whose function is called, where the binding of the root has no original', async () => {
    const dir = scratch();
    const lockRoot = await plain.root(dir);
    expect(await api.acquireFileLock('f', { lockRoot })).toEqual(['f', dir]);
    expect(api.acquireFileLockSync('f', { lockRoot })).toEqual(['f', dir]);
    expect(api.watch(lockRoot, {})).toBe(dir);
    expect(await api.createFileLockManager('k').acquire('f', { lockRoot })).toEqual(['f', dir]);
  });

  it('says what is missing where there is no original that makes roots', async () => {
    const lockRoot = await plain.root(scratch());
    const alone = bindFsSafe({ FsSafeError, original: { acquireFileLockSync: library.acquireFileLockSync, watch: library.watch, root: async () => ({}) } });
    for (const call of [() => alone.acquireFileLockSync('f', { lockRoot }), () => alone.watch(lockRoot, {})]) {
      expect(call).toThrow(expect.objectContaining({ name: 'FsSafeError', code: 'helper-unavailable', message: expect.stringContaining('bind with original, which has a root()') }));
    }
  });

  it('rejects, and does not throw, from a function that returns a promise', async () => {
    const dir = scratch();
    build(dir, ['r/', 'other/']);
    const lockRoot = await api.root(`${dir}/r`);
    exchange(dir, 'r', 'other');
    await expect(api.acquireFileLock('f', { lockRoot })).rejects.toMatchObject({ code: 'path-mismatch' });
  });

  it('is path-mismatch when its name leads to another directory', async () => {
    const dir = scratch();
    build(dir, ['r/', 'other/']);
    const lockRoot = await api.root(`${dir}/r`);
    exchange(dir, 'r', 'other');
    expect(() => api.acquireFileLockSync('f', { lockRoot })).toThrow(expect.objectContaining({ name: 'FsSafeError', code: 'path-mismatch' }));
    expect(() => api.watch(lockRoot, {})).toThrow(expect.objectContaining({ name: 'FsSafeError', code: 'path-mismatch' }));
  });

  it('has no such functions where the original has none', () => {
    expect(Object.keys(plain)).not.toContain('watch');
  });
});
