// A root whose path leads to another directory, or to none: one outcome for every method, whatever other roots are open.
import * as fs from 'node:fs';
import { describe, expect, it } from 'vitest';
import { plain } from '../helpers/fs-safe-hosts.js';
import { build, scratch, tree } from '../helpers/scratch.js';

type Root = Awaited<ReturnType<typeof plain.root>>;

/** Exceeds the number of roots with an open descriptor. */
const MANY = 65;

async function collected<T>(iterable: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of iterable) all.push(item);
  return all;
}

const methods: Record<string, (root: Root, dir: string) => Promise<unknown>> = {
  read: (root) => root.read('f'),
  readText: (root) => root.readText('f'),
  readBytes: (root) => root.readBytes('f'),
  readJson: (root) => root.readJson('f'),
  readAbsolute: (root, dir) => root.readAbsolute(`${dir}/r/f`),
  reader: (root) => root.reader()('f'),
  open: (root) => root.open('f').then(({ handle }) => handle.close()),
  write: (root) => root.write('f', 'new'),
  'write with missing parents': (root) => root.write('a/b/c', 'new'),
  create: (root) => root.create('n', 'new'),
  'create from a stream': (root) => root.create('n', (async function* () { yield Buffer.from('new'); })()),
  writeJson: (root) => root.writeJson('f', {}),
  createJson: (root) => root.createJson('n', {}),
  append: (root) => root.append('f', 'more'),
  'append to a new file': (root) => root.append('n', 'more'),
  openWritable: (root) => root.openWritable('f').then(({ handle }) => handle.close()),
  copyIn: (root, dir) => root.copyIn('n', `${dir}/source`),
  mkdir: (root) => root.mkdir('a/b'),
  ensureRoot: (root) => root.ensureRoot(),
  stat: (root) => root.stat('f'),
  'stat of the root': (root) => root.stat('.'),
  exists: (root) => root.exists('f'),
  'exists of what is missing': (root) => root.exists('none'),
  list: (root) => root.list('.'),
  entries: (root) => collected(root.entries('.')),
  'sorted entries': (root) => collected(root.entries('.', { order: 'sorted' })),
  walk: (root) => collected(root.walk('', { symlinkPolicy: 'include' })),
  resolve: (root) => root.resolve('f'),
  remove: (root) => root.remove('f'),
  'remove of what is missing': (root) => root.remove('none', { force: true }),
  'remove of a tree': (root) => root.remove('f', { recursive: true, maxDepth: 3 }),
  move: (root) => root.move('f', 'moved'),
};

const changes: Record<string, (dir: string) => void> = {
  'has another name': (dir) => fs.renameSync(`${dir}/r`, `${dir}/was`),
  'was exchanged for another directory': (dir) => {
    fs.renameSync(`${dir}/r`, `${dir}/was`);
    fs.renameSync(`${dir}/other`, `${dir}/r`);
  },
  'has another name, and a link to it has its own': (dir) => {
    fs.renameSync(`${dir}/r`, `${dir}/was`);
    fs.symlinkSync('was', `${dir}/r`);
  },
  'was removed': (dir) => fs.rmSync(`${dir}/r`, { recursive: true }),
  'was removed, and made again': (dir) => {
    fs.rmSync(`${dir}/r`, { recursive: true });
    build(dir, ['r/f: {}']);
  },
};

async function changed(change: string, others: number): Promise<{ root: Root; dir: string }> {
  const dir = scratch();
  build(dir, ['r/f: {}', 'other/f: {}', 'source: text']);
  const root = await plain.root(`${dir}/r`);
  for (let i = 0; i < others; i += 1) await plain.root(dir);
  changes[change]!(dir);
  return { root, dir };
}

describe.each(Object.keys(changes))('a root that %s', (change) => {
  it.each([0, MANY])('is path-mismatch for every method, after %i other roots', async (others) => {
    const { root, dir } = await changed(change, others);
    const before = tree(dir);
    const outcomes: Record<string, unknown> = {};
    for (const [name, call] of Object.entries(methods)) {
      outcomes[name] = await Promise.resolve()
        .then(() => call(root, dir))
        .catch(({ name, code, message }) => `${name} ${code}: ${message}`);
    }
    expect(outcomes).toEqual(Object.fromEntries(Object.keys(methods).map((name) => [name, 'FsSafeError path-mismatch: root path changed during operation'])));
    expect(tree(dir)).toEqual(before);
  });
});

describe('a root that was renamed and renamed back', () => {
  it.each([0, MANY])('is the same directory, after %i other roots', async (others) => {
    const { root, dir } = await changed('has another name', others);
    await expect(root.readText('f')).rejects.toMatchObject({ code: 'path-mismatch' });
    fs.renameSync(`${dir}/was`, `${dir}/r`);
    expect(await root.readText('f')).toBe('{}');
    await root.write('f', 'new');
    expect(fs.readFileSync(`${dir}/r/f`, 'utf8')).toBe('new');
  });
});

describe('a root whose parent is now a link to where it was', () => {
  it.each([0, MANY])('is the same directory, after %i other roots', async (others) => {
    const dir = scratch();
    build(dir, ['p/r/f: text']);
    const root = await plain.root(`${dir}/p/r`);
    for (let i = 0; i < others; i += 1) await plain.root(dir);
    fs.renameSync(`${dir}/p`, `${dir}/q`);
    fs.symlinkSync('q', `${dir}/p`);
    expect(await root.readText('f')).toBe('text');
    expect(await root.list('.')).toEqual(['f']);
  });
});

describe('walk of a root', () => {
  const walked = async (dir: string, at: string, options = {}): Promise<string[]> => {
    const entries: string[] = [];
    const root = await plain.root(dir);
    for await (const entry of root.walk(at, { symlinkPolicy: 'follow-within-root', ...options })) entries.push(`${entry.relativePath} ${entry.kind}`);
    return entries;
  };

  it('enters a directory whose name is not UTF-8, and not another one with U+FFFD', async () => {
    const dir = scratch();
    const raw = Buffer.concat([Buffer.from(`${dir}/d`), Buffer.from([0xfe])]);
    for (const [at, name] of [[raw, 'inner'], [Buffer.from(`${dir}/d\ufffd`), 'sibling']] as const) {
      fs.mkdirSync(at);
      fs.writeFileSync(Buffer.concat([at, Buffer.from(`/${name}`)]), '');
    }
    expect((await walked(dir, '.')).sort()).toEqual(['d\ufffd directory', 'd\ufffd directory', 'd\ufffd/inner file', 'd\ufffd/sibling file']);
  });

  it('reports a start that leads out, and fails at a link that leads to itself', async () => {
    const dir = scratch();
    build(dir, ['r/f: in', 'r/self => self', 'x/']);
    const reports = { onDirectoryError: 'skip-and-report' };
    expect(await walked(`${dir}/r`, '../x', reports)).toEqual(['../x directory-error']);
    await expect(walked(`${dir}/r`, '../x')).rejects.toMatchObject({ code: 'outside-workspace' });
    await expect(walked(`${dir}/r`, '.', reports)).rejects.toMatchObject({ code: 'symlink' });
    expect(await walked(`${dir}/r`, 'self', reports)).toEqual(['self directory-error']);
  });
});

it('resolve refuses what goes on behind a file, back to the root too', async () => {
  const dir = scratch();
  build(dir, ['f: in', 'd/']);
  const root = await plain.root(dir);
  for (const at of ['f/', 'f/.', 'f/x', 'f/..']) await expect(root.resolve(at), at).rejects.toMatchObject({ code: 'outside-workspace' });
  await expect(root.resolve('f/')).rejects.toMatchObject({ cause: { message: `Path component is not a directory: ${dir}/f` } });
  expect(await root.resolve('d/')).toBe(`${dir}/d`);
});
