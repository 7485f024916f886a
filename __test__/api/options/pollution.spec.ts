// Names on `Object.prototype`: every option, one at a time, in every call.
import * as fs from 'node:fs';
import { afterEach, describe, expect, test } from 'vitest';
import * as holdfast from '../../../index.mjs';
import { outcome } from '../../helpers/forms.js';
import { build, scratch, tree } from '../../helpers/scratch.js';

/** A value of each option that changes or stops a call which takes it. */
const VALUES: Record<string, unknown> = {
  allowOwnerOnly: true, data: 'theirs', dirMode: 0o777, durable: 'nonsense', encoding: 'hex', existing: 'leave', fallback: 'nonsense', file: 'theirs', filePath: 'theirs',
  filter: () => false, finalSymlink: 'replace', hardlinks: 'nonsense', ifMissing: 'theirs', invalid: 'error', maxBytes: 1, maxDepth: 0, maxEntries: 0, missing: 'ignore', mkdir: true,
  mode: 0o777, newFileMode: 0o666, olderThanMs: 0, onError: 'nonsense', options: { mode: 0o777 }, outbound: true, overwrite: false, parent: '/nonexistent', prefix: 'theirs', pseudoFiles: 'nonsense',
  recursive: true, root: '/nonexistent', signal: AbortSignal.abort(), space: 8, stat: true, symlinks: 'nonsense', toRoot: 'theirs',
  lock: false, lockDir: '/nonexistent', lockMode: 0o777, maxFileBytes: 1, maxReadBytes: 1, onTornTail: 'nonsense', shared: true, timeoutMs: 0,
};

const LAYOUT = ['f 0600: old', 'json 0600: {}', 'bad 0600: x', 'd/ 0750', 'd/x 0600: x', 'full/ 0700', 'full/x 0600: x', 'ln => f', 'a/ 0700', 'a/b/ 0700'];

type Options = {} | undefined;
type Call = (root: holdfast.Root, options: any, dir: string) => unknown;

async function names(walk: AsyncIterable<{ path: string }>): Promise<string[]> {
  const seen = [];
  for await (const entry of walk) seen.push(entry.path);
  return seen.sort();
}

const STREAM = () => ['aa', 'bb'].values();

/** Every call that takes options, so that a name of the table would change its result. */
const CALLS: Record<string, Call> = {
  'root.read': (root, options) => root.read('f', options),
  'root.readSync': (root, options) => root.readSync('f', options),
  'root.open': async (root, options) => (await root.open('f', options)).handle.close(),
  'root.writeAtomic over a file': (root, options) => root.writeAtomic('f', 'aabb', options),
  'root.writeAtomic of a new file': (root, options) => root.writeAtomic('new', 'aabb', options),
  'root.writeAtomic to a link': (root, options) => root.writeAtomic('ln', 'aabb', options),
  'root.writeAtomic beneath nothing': (root, options) => root.writeAtomic('none/f', 'aabb', options),
  'root.writeAtomic of a stream': (root, options) => root.writeAtomic('f', STREAM(), options),
  'root.writeAtomicSync': (root, options) => root.writeAtomicSync('new', 'aabb', options),
  'root.writeAtomicMany': (root, options) => root.writeAtomicMany([{ file: 'f', data: 'aabb' }, { file: 'new', data: 'aabb', options: {} }], options),
  'root.stage': async (root, options) => {
    const staged = await root.stage('new', options);
    await staged.handle.write('aabb');
    return staged.commit();
  },
  'root.ensureDir': (root, options) => root.ensureDir('d', options),
  'root.ensureDirSync of a new directory': (root, options) => root.ensureDirSync('e', options),
  'root.stat': async (root, options) => (await root.stat('f', options)).size,
  'root.statSync': (root, options) => root.statSync('f', options).size,
  'root.lstat': async (root, options) => (await root.lstat('ln', options)).isSymbolicLink(),
  'root.exists': (root, options) => root.exists('f', options),
  'root.readlink': (root, options) => root.readlink('ln', options),
  'root.list': async (root, options) => JSON.stringify(await root.list('.', options)),
  'root.listSync': (root, options) => JSON.stringify(root.listSync('.', options)),
  'root.walk': (root, options) => names(root.walk('.', options)),
  'root.readText': (root, options) => root.readText('f', options),
  'root.readTextSync': (root, options) => root.readTextSync('f', options),
  'root.readJson': (root, options) => root.readJson('json', options),
  'root.readJson of nothing': (root, options) => root.readJson('none', options),
  'root.writeJson': (root, options) => root.writeJson('new', [1], options),
  'root.writeJsonSync': (root, options) => root.writeJsonSync('new', [1], options),
  'root.remove': (root, options) => root.remove('f', options),
  'root.remove of a full directory': (root, options) => root.remove('full', options),
  'root.removeSync of nothing': (root, options) => root.removeSync('none', options),
  'root.rename': (root, options) => root.rename('f', 'new', options),
  'root.renameSync onto a file': (root, options) => root.renameSync('f', 'bad', options),
  'root.rename beneath nothing': (root, options) => root.rename('f', 'none/f', options),
  'root.copy': (root, options) => root.copy('f', 'new', options),
  'root.copySync of a directory': (root, options) => root.copySync('d', 'new', options),
  'root.copyIn': (root, options, dir) => root.copyIn(`${dir}/f`, 'new', options),
  'root.openRoot': (root, options) => root.openRoot('d', options).then(closed),
  'openRoot and a write': async (_, options, dir) => {
    const root = await holdfast.openRoot(dir, options);
    const written = await root.writeAtomic('new', 'aabb');
    root.close();
    return written;
  },
  'root.cleanStaleTemporaries': (root) => root.cleanStaleTemporaries('.', { olderThanMs: 1e9 }),
  'root.updateAtomic': (root, options) => root.updateAtomic('f', () => 'aabb', options),
  'root.updateAtomic of a new file': (root, options) => root.updateAtomic('new', () => 'aabb', options),
  'root.updateJson': (root, options) => root.updateJson('json', () => [1], { ifMissing: {}, ...options }),
  'root.appendRecord': (root, options) => root.appendRecord('new', 'aabb', options),
  'root.appendRecordSync': (root, options) => root.appendRecordSync('f', 'aabb', options),
  'root.withLock': (root, options) => root.withLock('f', () => 'held', options),
  updateAtomic: (_, options, dir) => holdfast.updateAtomic(`${dir}/f`, () => 'aabb', options),
  appendRecords: (_, options, dir) => holdfast.appendRecords(`${dir}/f`, ['aa', 'bb'], options),
  appendJsonSync: (_, options, dir) => holdfast.appendJsonSync(`${dir}/new`, [1], options),
  withLock: (_, options, dir) => holdfast.withLock(`${dir}/f`, () => 'held', options),
  tryLock: async (_, options, dir) => (await holdfast.tryLock(`${dir}/f`, options))?.release(),
  writeAtomic: (_, options, dir) => holdfast.writeAtomic(`${dir}/new`, 'aabb', options),
  'writeAtomic with a root': (_, options, dir) => holdfast.writeAtomic('new', 'aabb', { root: dir, ...options }),
  'writeAtomic of a stream': (_, options, dir) => holdfast.writeAtomic(`${dir}/f`, STREAM(), options),
  writeAtomicSync: (_, options, dir) => holdfast.writeAtomicSync(`${dir}/f`, 'aabb', options),
  writeAtomicMany: (_, options, dir) => holdfast.writeAtomicMany([{ file: `${dir}/f`, data: 'aabb' }, { file: `${dir}/new`, data: 'aabb', options: {} }], options),
  stageAtomic: async (_, options, dir) => (await holdfast.stageAtomic(`${dir}/new`, options)).commit(),
  readLocalFileSafely: (_, options, dir) => holdfast.readLocalFileSafely(`${dir}/f`, options),
  'readLocalFileSafely for others': (_, options, dir) => holdfast.readLocalFileSafely(`${dir}/f`, { outbound: {}, ...options }),
  'readLocalFileSafely of one object': (_, options, dir) => holdfast.readLocalFileSafely({ filePath: `${dir}/f`, ...options }),
  readLocalFileSafelySync: (_, options, dir) => holdfast.readLocalFileSafelySync(`${dir}/f`, options),
  openLocalFileSafely: async (_, options, dir) => (await holdfast.openLocalFileSafely(`${dir}/f`, options)).handle.close(),
  ensureDir: (_, options, dir) => holdfast.ensureDir(`${dir}/d`, options),
  ensureDirSync: (_, options, dir) => holdfast.ensureDirSync(`${dir}/e`, options),
  openTempRoot: async (_, options) => {
    const temporary = await holdfast.openTempRoot(options);
    return { ...(await temporary.remove()), name: temporary.path.replace(/[0-9a-f]{16,}/, 'X') };
  },
};

function closed(root: holdfast.Root): string {
  root.close();
  return 'opened';
}

afterEach(clean);

function clean(): void {
  for (const name of Object.keys(VALUES)) delete (Object.prototype as Record<string, unknown>)[name];
}

/** Returns the outcome of a call and what it left, without what differs from call to call. */
async function run(call: Call, options: Options, given: Record<string, unknown>): Promise<string> {
  const dir = scratch();
  build(dir, LAYOUT);
  const root = await holdfast.openRoot(dir);
  for (const [name, value] of Object.entries(given)) {
    Object.defineProperty(Object.prototype, name, { value, configurable: true, enumerable: true, writable: true });
  }
  const { value, error } = await outcome(async () => call(root, options, dir));
  clean();
  root.close();
  const plain = (text: string) => text.replaceAll(dir, 'DIR').replace(/"(?:ino|(?:[acm]|birth)time(?:Ms)?)":[^,}]+|(?:ino|mtime)=[\d.]+/g, '');
  const left = Object.entries(tree(dir));
  fs.rmSync(dir, { recursive: true });
  return plain(JSON.stringify([value ?? null, error && [error.name, error.code, error.message], left]));
}

/** Calls that each take other options, and wait for no disk. */
const QUICK = ['root.listSync', 'root.openRoot', 'root.readTextSync', 'root.writeAtomic beneath nothing', 'ensureDirSync', 'readLocalFileSafelySync'];

describe('a name on Object.prototype', () => {
  test.each(Object.keys(CALLS))('is no option of %s', async (name) => {
    for (const options of [undefined, {}]) {
      const expected = await run(CALLS[name]!, options, {});
      expect(await run(CALLS[name]!, options, VALUES)).toBe(expected);
    }
  });

  test.each(QUICK)('is no option of %s, each by itself', async (name) => {
    const expected = await run(CALLS[name]!, {}, {});
    for (const [option, value] of Object.entries(VALUES)) {
      expect(await run(CALLS[name]!, {}, { [option]: value }), option).toBe(expected);
    }
  });

  test('is tried for every option', () => {
    const text = fs.readFileSync(new URL('../../../lib/options/schema.ts', import.meta.url), 'utf8');
    const table = /^const OPTIONS[^]*?^\}\);/m.exec(text)![0];
    expect(Object.keys(VALUES).sort()).toEqual([...table.matchAll(/^  (\w+): \{ calls:/gm)].map(([, name]) => name).sort());
  });
});
