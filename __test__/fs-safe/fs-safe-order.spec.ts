// The order of replacements of holdfast/fs-safe: those of one path wait for each other, all others do not.
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { writeAtomic, writeAtomicMany } from '../../index.mjs';
import { bindFsSafe } from '../../fs-safe.mjs';
import { FsSafeError, plain } from '../helpers/fs-safe-hosts.js';
import { build, scratch } from '../helpers/scratch.js';

const { replaceFileAtomic, writeTextAtomic } = plain;
const never = () => new Promise<void>(() => {});

/** Returns the outcome of a call, or that it waits for ever. */
async function settled(call: Promise<unknown>): Promise<string> {
  const late = new AbortController();
  const outcome = await Promise.race([call.then(() => 'done', String), wait(3000, 'waits', { signal: late.signal }).catch(() => 'late')]);
  late.abort();
  return outcome;
}

const read = (file: string) => fs.readFileSync(file, 'utf8');

describe('beforeRename that awaits a write of another path', () => {
  /** Pairs of a target and the file that its callback writes, beneath a directory of their own. */
  const PAIRS: [string, string, string][] = [
    ['the same name in a directory that is missing', 'state/f.json', 'backup/f.json'],
    ['the same name in a directory that exists', 'state/f.json', 'old/f.json'],
    ['a name in another case', 'Notes.md', 'notes.md'],
    ['a name with a dot at its end', 'f', 'f.'],
    ['a name with other code points for the same letters', '\u00e9.txt', 'e\u0301.txt'],
  ];

  it.each(PAIRS)('ends with %s: replaceFileAtomic', async (_, target, other) => {
    const dir = scratch();
    build(dir, ['state/', 'old/']);
    const beforeRename = () => replaceFileAtomic({ filePath: `${dir}/${other}`, content: 'old' }).then(() => {});
    expect(await settled(replaceFileAtomic({ filePath: `${dir}/${target}`, content: 'new', beforeRename }))).toBe('done');
    expect([read(`${dir}/${target}`), read(`${dir}/${other}`)]).toEqual(['new', 'old']);
  });

  it.each(PAIRS)('ends with %s: writeTextAtomic', async (_, target, other) => {
    const dir = scratch();
    build(dir, ['state/', 'old/']);
    const beforeRename = () => writeTextAtomic(`${dir}/${other}`, 'old');
    expect(await settled(writeTextAtomic(`${dir}/${target}`, 'new', { beforeRename }))).toBe('done');
    expect([read(`${dir}/${target}`), read(`${dir}/${other}`)]).toEqual(['new', 'old']);
  });

  it.each(PAIRS)('ends with %s: a file system of the host', async (_, target, other) => {
    const dir = scratch();
    build(dir, ['state/', 'old/']);
    const promises = { ...fs.promises, rename: (from: fs.PathLike, to: fs.PathLike) => fs.promises.rename(from, to) };
    const options = { content: 'new', fileSystem: { promises } };
    const beforeRename = () => replaceFileAtomic({ ...options, filePath: `${dir}/${other}` }).then(() => {});
    expect(await settled(replaceFileAtomic({ ...options, filePath: `${dir}/${target}`, beforeRename }))).toBe('done');
    expect(fs.existsSync(`${dir}/${other}`)).toBe(true);
  });

  it('ends with a write of a root, and with one of holdfast itself', async () => {
    const dir = scratch();
    build(dir, ['state/']);
    const root = await plain.root(dir);
    const beforeRename = async () => {
      await root.write('a/f.json', 'old');
      await writeAtomic(`${dir}/b/f.json`, 'old', { mkdir: true });
    };
    expect(await settled(replaceFileAtomic({ filePath: `${dir}/state/f.json`, content: 'new', beforeRename }))).toBe('done');
  });
});

describe('a replacement that does not end', () => {
  it('does not block other paths when its directory is removed', async () => {
    const dir = scratch();
    build(dir, ['gone/']);
    void replaceFileAtomic({ filePath: `${dir}/gone/f`, content: 'new', beforeRename: never }).catch(() => {});
    await wait(100);
    fs.rmSync(`${dir}/gone`, { recursive: true });
    expect(await settled(replaceFileAtomic({ filePath: `${dir}/other/f`, content: 'new' }))).toBe('done');
    expect(await settled(writeTextAtomic(`${dir}/third/f`, 'new'))).toBe('done');
  });
});

describe('a replacement whose callback never settles', () => {
  it('leaves no handle open, which Node would close with a warning or an error', () => {
    const program = `
      const { bindFsSafe } = require(${JSON.stringify(path.resolve('dist/fs-safe/index.js'))});
      class FsSafeError extends Error {}
      const { replaceFileAtomic } = bindFsSafe({ FsSafeError });
      process.on('warning', (warning) => console.log('warning:', warning.message));
      process.on('uncaughtException', (error) => console.log('error:', error.message));
      let calls = 0;
      const beforeRename = () => (calls++, new Promise(() => {}));
      for (let i = 0; i < 5; i++) void replaceFileAtomic({ filePath: 'f' + i, content: 'new', beforeRename });
      const tick = () => {
        gc();
        ticks++ < 20 ? setTimeout(tick, 10) : console.log('calls:', calls);
      };
      let ticks = 0;
      setTimeout(tick, 100);`;
    const { stdout } = spawnSync(process.execPath, ['--expose-gc', '-e', program], { cwd: scratch(), encoding: 'utf8' });
    expect(stdout).toBe('calls: 5\n');
  });
});

describe('replacements of one path', () => {
  it('are published in the order of their calls, however the path is spelled', async () => {
    const dir = scratch();
    const published: string[] = [];
    const one = (filePath: string, content: string, ms: number) =>
      replaceFileAtomic({ filePath, content, beforeRename: async () => void (await wait(ms), published.push(content)) });
    await Promise.all([one(`${dir}/e/f`, '1', 50), one(`${dir}/e/x/../f`, '2', 0).catch(() => {}), one(`${dir}/e//f`, '3', 0), one(`${dir}/e/./f`, '4', 0)]);
    expect(published).toEqual(['1', '3', '4']);
    expect(read(`${dir}/e/f`)).toBe('4');
  });

  it('continue after a failed one', async () => {
    const file = `${scratch()}/f`;
    const failed = replaceFileAtomic({ filePath: file, content: '1', beforeRename: () => Promise.reject(new Error('stop')) });
    const later = replaceFileAtomic({ filePath: file, content: '2' });
    await expect(failed).rejects.toThrow('stop');
    await later;
    expect(read(file)).toBe('2');
  });
});

describe('calls on one path', () => {
  const original = {
    async root(rootDir: string) {
      return {
        copyIn: async (name: string, source: string) => fs.copyFileSync(source, `${rootDir}/${name}`),
        write: async (name: string, data: string) => fs.writeFileSync(`${rootDir}/${name}`, data),
      };
    },
  };
  type Root = Awaited<ReturnType<typeof makeRoot>>;
  const { root: makeRoot, ...api } = bindFsSafe({ FsSafeError, original });
  async function* chunks() {
    yield Buffer.from('root');
  }
  const beneath: Record<string, (root: Root, dir: string) => Promise<unknown>> = {
    'write of a root': (root) => root.write('f', 'root'),
    'writeJson of a root': (root) => root.writeJson('f', 'root'),
    'create of a root': (root) => root.create('f', 'root'),
    'create of a root from a stream': (root) => root.create('f', chunks()),
    'copyIn of a root': (root, dir) => root.copyIn('f', `${dir}/source`),
    'a write of a root by the original': (root) => root.write('f', 'root', { denyMutations: { paths: ['/nowhere'] } }),
    writeFileWithinRoot: (_, dir) => api.writeFileWithinRoot({ rootDir: dir, relativePath: 'f', data: 'root' }),
  };

  it.each(Object.entries(beneath))('wait for a replacement: %s', async (name, call) => {
    const dir = scratch();
    build(dir, ['source: root']);
    const root = await makeRoot(dir);
    const events: string[] = [];
    let go = (): void => {};
    const held = new Promise<void>((resolve) => (go = resolve));
    const replaced = api.replaceFileAtomic({ filePath: `${dir}/f`, content: 'replaced', beforeRename: () => held }).then(() => events.push('replaced'));
    const written = call(root, dir).then(
      () => events.push('written'),
      (error) => events.push(error.code),
    );
    await wait(50);
    expect([events, fs.existsSync(`${dir}/f`)]).toEqual([[], false]);
    go();
    await Promise.all([replaced, written]);
    expect(events).toEqual(['replaced', name.startsWith('create') ? 'already-exists' : 'written']);
  });

  it('let a replacement wait for a stream', async () => {
    const dir = scratch();
    const root = await makeRoot(dir);
    let go = (): void => {};
    const held = new Promise<void>((resolve) => (go = resolve));
    async function* slow() {
      await held;
      yield Buffer.from('root');
    }
    const created = root.create('f', slow());
    const replaced = api.replaceFileAtomic({ filePath: `${dir}/f`, content: 'replaced' });
    await wait(50);
    expect(fs.existsSync(`${dir}/f`)).toBe(false);
    go();
    await Promise.all([created, replaced]);
    expect(read(`${dir}/f`)).toBe('replaced');
  });
});

describe('changes of one path beneath a root', () => {
  const original = {
    async root(rootDir: string) {
      return {
        append: async (name: string, data: string) => fs.appendFileSync(`${rootDir}/${name}`, data),
        openWritable: async (name: string) => fs.writeFileSync(`${rootDir}/${name}`, ''),
        remove: async (name: string) => fs.rmSync(`${rootDir}/${name}`),
        move: async (from: string, to: string) => fs.renameSync(`${rootDir}/${from}`, `${rootDir}/${to}`),
      };
    },
  };
  const { root: makeRoot, ...api } = bindFsSafe({ FsSafeError, original });
  type Root = Awaited<ReturnType<typeof makeRoot>>;
  const handedOver = { denyMutations: { paths: ['/nowhere'] } };
  const first: Record<string, (root: Root, dir: string) => Promise<unknown>> = {
    write: (root) => root.write('f', 'new\n'),
    replaceFileAtomic: (_, dir) => api.replaceFileAtomic({ filePath: `${dir}/f`, content: 'new\n' }),
    writeTextAtomic: (_, dir) => api.writeTextAtomic(`${dir}/f`, 'new\n'),
    copyIn: (root, dir) => root.copyIn('f', `${dir}/source`),
  };
  const second: Record<string, [call: (root: Root) => Promise<unknown>, f: string | undefined, g: string | undefined]> = {
    append: [(root) => root.append('f', 'more\n'), 'new\nmore\n', undefined],
    openWritable: [(root) => root.openWritable('f').then(({ handle }) => handle.close()), '', undefined],
    'append by the original': [(root) => root.append('f', 'more\n', handedOver), 'new\nmore\n', undefined],
    'openWritable by the original': [(root) => root.openWritable('f', handedOver), '', undefined],
    remove: [(root) => root.remove('f'), undefined, undefined],
    'remove by the original': [(root) => root.remove('f', handedOver), undefined, undefined],
    move: [(root) => root.move('f', 'g'), undefined, 'new\n'],
    'move by the original': [(root) => root.move('f', 'g', handedOver), undefined, 'new\n'],
    'move onto it': [(root) => root.move('source', 'f', { overwrite: true }), 'new\n', undefined],
  };
  const rows = Object.keys(first).flatMap((a) => Object.keys(second).map((b) => ({ a, b }))).filter(({ a, b }) => a !== 'copyIn' || b !== 'move onto it');
  const found = (file: string) => (fs.existsSync(file) ? read(file) : undefined);

  it.each(rows)('are made in the order of their calls: $a, then $b', async ({ a, b }) => {
    const dir = scratch();
    for (let turn = 0; turn < 5; turn += 1) {
      fs.rmSync(`${dir}/g`, { force: true });
      build(dir, ['f: old', 'source: new\n']);
      const root = await makeRoot(dir);
      const [call, f, g] = second[b]!;
      const done = await Promise.allSettled([first[a]!(root, dir), call(root)]);
      expect(done.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled']);
      expect([found(`${dir}/f`), found(`${dir}/g`)]).toEqual([f, g]);
    }
  });

  it.each(Object.keys(second))('wait for no callback that awaits them: %s', async (b) => {
    const dir = scratch();
    build(dir, ['f: old', 'source: new\n']);
    const root = await makeRoot(dir);
    const beforeRename = () => second[b]![0](root).then(() => {});
    expect(await settled(api.replaceFileAtomic({ filePath: `${dir}/f`, content: 'replaced', beforeRename }))).toBe('done');
    async function* chunks() {
      build(dir, ['f: old', 'source: new\n']);
      await second[b]![0](root);
      yield Buffer.from('new');
    }
    fs.rmSync(`${dir}/g`, { force: true });
    fs.rmSync(`${dir}/f`, { force: true });
    expect(await settled(root.create('f', chunks()).catch(() => {}))).toBe('done');
  });

  it('do not wait for each other in a circle', async () => {
    const dir = scratch();
    build(dir, ['f: f', 'g: g']);
    const root = await makeRoot(dir);
    const overwrite = { overwrite: true };
    expect(await settled(Promise.all([root.move('f', 'g', overwrite), root.move('g', 'f', overwrite), root.write('f', 'new'), root.remove('g', { force: true })]))).toBe('done');
    expect([found(`${dir}/f`), found(`${dir}/g`)]).toEqual(['new', undefined]);
  });
});

describe('a producer of writeAtomic that awaits a write of another path', () => {
  it.each([
    ['the same name in a directory that is missing', 'a/f', 'b/f'],
    ['a name in another case', 'Notes.md', 'notes.md'],
    ['the same path', 'f', 'f'],
  ])('ends with %s', async (_, target, other) => {
    const dir = scratch();
    async function* chunks() {
      await writeAtomic(`${dir}/${other}`, 'old', { mkdir: true });
      await writeAtomicMany([{ file: `${dir}/${other}`, data: 'older' }]);
      yield 'new';
    }
    expect(await settled(writeAtomic(`${dir}/${target}`, chunks(), { mkdir: true }))).toBe('done');
    expect(read(`${dir}/${target}`)).toBe('new');
  });

  it('ends with a stream beneath the root of an adapter', async () => {
    const dir = scratch();
    const root = await plain.root(dir);
    async function* chunks() {
      await root.write('b/f', 'old');
      yield Buffer.from('new');
    }
    expect(await settled(root.create('a/f', chunks()))).toBe('done');
  });
});
