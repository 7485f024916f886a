import * as fs from 'node:fs';
import * as path from 'node:path';
import { describe, expect, it } from 'vitest';
import { openRootSync, type Entry, type Root, type SymlinkPolicy } from '../../../index.mjs';
import { failure, openFiles } from '../../helpers/forms.js';
import { build, scratch, scratchInMemory } from '../../helpers/scratch.js';

scratchInMemory();

/** The policy decides on the resolver: the kernel cannot judge `follow-trusted`, and the walk resolves those paths. */
const RESOLVERS: readonly (readonly [resolver: string, symlinks: SymlinkPolicy])[] = [
  ['the kernel', 'reject'],
  ['the walk', 'follow-trusted'],
];

type Method = 'stat' | 'lstat' | 'exists' | 'readlink' | 'list';
type Call = (root: Root, method: Method, ...args: unknown[]) => Promise<any>;

const FORMS: readonly (readonly [form: string, call: Call])[] = [
  ['promise', async (root, method, ...args) => (root[method] as Function).apply(root, args)],
  ['sync', async (root, method, ...args) => (root[`${method}Sync`] as Function).apply(root, args)],
];

const CASES = RESOLVERS.flatMap(([resolver, symlinks]) => FORMS.map(([form, call]) => ({ resolver, symlinks, form, call })));

function ground(layout: readonly string[], symlinks: SymlinkPolicy = 'reject') {
  const dir = scratch();
  build(dir, layout);
  const root = openRootSync(path.join(dir, 'root'), { symlinks });
  return { dir, at: (name: string) => path.join(dir, 'root', name), root };
}

const LAYOUT = ['root/d/e/f: deep', 'root/f 0640: top', 'root/lf => f', 'root/ld => d', 'root/dang => nothing', 'root/out => ../secret', 'root/pipe |', 'root/-rf: x', 'secret: s'];

const kindOf = (entry: Pick<Entry, 'isFile' | 'isDirectory' | 'isSymbolicLink' | 'isFIFO' | 'isSocket' | 'isBlockDevice' | 'isCharacterDevice'>) =>
  (['isFile', 'isDirectory', 'isSymbolicLink', 'isFIFO', 'isSocket', 'isBlockDevice', 'isCharacterDevice'] as const).filter((method) => entry[method]());

describe.each(CASES)('resolved by $resolver, $form form', ({ symlinks, call }) => {
  it('stat and lstat have every field of fs.Stats', async () => {
    const { at, root } = ground(LAYOUT, symlinks);
    for (const name of ['f', 'd', 'd/e/f', 'pipe', '-rf', '.']) {
      const expected = fs.lstatSync(at(name));
      for (const method of ['stat', 'lstat'] as const) {
        const stat = await call(root, method, name);
        expect(stat).toBeInstanceOf(fs.Stats);
        for (const field of Object.keys(expected) as (keyof fs.Stats)[]) expect(stat[field], `${method} ${name} ${field}`).toEqual(expected[field]);
        expect(kindOf(stat)).toEqual(kindOf(expected));
      }
    }
    expect((await call(root, 'lstat', 'dang')).isSymbolicLink()).toBe(true);
    expect((await call(root, 'lstat', 'ld')).ino).toBe(fs.lstatSync(at('ld')).ino);
  });

  it('exists is false for what is not found, and rejects a refusal', async () => {
    const { root } = ground(LAYOUT, symlinks);
    for (const [name, expected] of [['f', true], ['d/', true], ['dang', true], ['out', true], ['.', true], ['no', false], ['no/x', false], ['f/x', false]] as const) {
      expect(await call(root, 'exists', name), name).toBe(expected);
    }
    expect((await failure(() => call(root, 'exists', '../secret'))).code).toBe('outside-workspace');
    expect((await failure(() => call(root, 'exists', 'f/'))).code).toBe('not-directory');
  });

  it('readlink returns the text of a link wherever it leads, and reads nothing else', async () => {
    const { root, at } = ground(LAYOUT, symlinks);
    for (const name of ['lf', 'ld', 'dang', 'out']) expect(await call(root, 'readlink', name)).toBe(fs.readlinkSync(at(name)));
    for (const name of ['f', 'd', 'pipe', '.']) expect(await failure(() => call(root, 'readlink', name)), name).toMatchObject({ code: 'EINVAL', syscall: 'readlink', path: name });
    expect((await failure(() => call(root, 'readlink', 'ld/'))).code).toBe('not-directory');
    expect((await failure(() => call(root, 'readlink', 'no'))).code).toBe('not-found');
  });

  it('list has the entries of readdir, sorted, with kinds and stats', async () => {
    const { at, root } = ground(LAYOUT, symlinks);
    const entries: Entry[] = await call(root, 'list');
    const expected = fs.readdirSync(at('.'), { withFileTypes: true });
    expect(entries.map(({ name }) => name)).toEqual(expected.map(({ name }) => name).sort());
    for (const entry of entries) {
      expect(kindOf(entry), entry.name).toEqual(kindOf(expected.find(({ name }) => name === entry.name) as fs.Dirent));
      expect(entry).toMatchObject({ parentPath: '.' });
      expect(Object.keys(entry)).toEqual(['name', 'parentPath']);
    }
    for (const entry of (await call(root, 'list', '.', { stat: true })) as Entry[]) {
      expect(entry.stat).toBeInstanceOf(fs.Stats);
      expect({ ...entry.stat }).toMatchObject({ ino: fs.lstatSync(at(entry.name)).ino, mode: fs.lstatSync(at(entry.name)).mode, mtimeMs: fs.lstatSync(at(entry.name)).mtimeMs });
    }
    expect((await call(root, 'list', 'd/e')).map((entry: Entry) => [entry.parentPath, entry.name])).toEqual([['d/e', 'f']]);
    expect(await call(root, 'list', Buffer.from('d'))).toHaveLength(1);
  });

  it('refuses what is no directory, is not there, or lies outside', async () => {
    const { root, dir } = ground(LAYOUT, symlinks);
    const cases: readonly (readonly [Method, string, string])[] = [
      ['list', 'f', 'not-directory'],
      ['list', 'f/', 'not-directory'],
      ['list', 'f/x', 'not-found'],
      ['list', 'no', 'not-found'],
      ['list', 'pipe', 'not-directory'],
      ['list', '..', 'outside-workspace'],
      ['list', dir, 'outside-workspace'],
      ['list', 'out', symlinks === 'reject' ? 'symlink' : 'outside-workspace'],
      ['stat', 'out', symlinks === 'reject' ? 'symlink' : 'outside-workspace'],
      ['stat', 'f/', 'not-directory'],
      ['stat', 'f/x', 'not-found'],
      ['stat', 'no', 'not-found'],
      ['lstat', 'ld/', 'not-directory'],
      ['lstat', `${dir}/root-other/x`, 'outside-workspace'],
      ['stat', '', 'invalid-path'],
      ['lstat', 'a\0b', 'invalid-path'],
    ];
    for (const [method, name, code] of cases) {
      expect(await failure(() => call(root, method, name)), `${method} ${JSON.stringify(name)}`).toMatchObject({ code, path: name });
    }
  });

  it('returns names that are not UTF-8 with their bytes', async () => {
    const { root, at } = ground(['root/d/'], symlinks);
    const raw = Buffer.from([0x61, 0xff, 0xfe]);
    fs.writeFileSync(Buffer.concat([Buffer.from(`${at('d')}/`), raw]), 'x');
    fs.writeFileSync(at('d/é'), '');
    const [plain, odd] = (await call(root, 'list', 'd')) as [Entry, Entry];
    expect([plain.name, plain.rawName, odd.name, odd.rawName]).toEqual(['a��', raw, 'é', undefined]);
    expect((await call(root, 'stat', Buffer.concat([Buffer.from('d/'), plain.rawName as Buffer]))).size).toBe(1);
  });

  it('refuses more entries than allowed', async () => {
    const { root } = ground(['root/d/1: ', 'root/d/2: ', 'root/d/3: '], symlinks);
    expect(await call(root, 'list', 'd', { maxEntries: 3 })).toHaveLength(3);
    expect(await failure(() => call(root, 'list', 'd', { maxEntries: 2 }))).toMatchObject({ code: 'too-large', category: 'policy', limit: 2 });
    expect(await call(root, 'list', 'd', { maxEntries: Infinity })).toHaveLength(3);
  });

  it('leaves no descriptor open', async () => {
    const { root, dir } = ground(LAYOUT, symlinks);
    const open = () => openFiles().filter((file) => file.includes(dir));
    const before = open();
    for (const name of ['d', 'f', 'no', 'lf', '.']) {
      for (const method of ['stat', 'lstat', 'exists', 'readlink', 'list'] as const) await call(root, method, name).catch(() => {});
    }
    expect(open()).toEqual(before);
  });
});

describe('the final link of stat and list', () => {
  it.each([
    ['reject', 'symlink', 'symlink', 'symlink'],
    ['follow-parents', 'symlink', 'symlink', 'file'],
    ['follow-within-root', 'file', 'directory', 'file'],
    ['follow-trusted', 'file', 'directory', 'file'],
  ] as const)('is judged under %s', async (symlinks, file, directory, through) => {
    const { root } = ground(LAYOUT);
    for (const [, call] of FORMS) {
      const of = async (method: Method, name: string) =>
        call(root, method, name, { symlinks }).then((found) => (found.isFile?.() ? 'file' : 'directory'), ({ code }) => code);
      expect([await of('stat', 'lf'), await of('stat', 'ld'), await of('stat', 'ld/e/f'), await of('list', 'ld')]).toEqual([file, directory, through, directory]);
    }
  });

  it('never follows a link whose path ends in a slash (CVE-2026-39822)', async () => {
    const { root } = ground([...LAYOUT, 'root/up => ../other', 'other/x: s']);
    for (const name of ['up/', 'up/.', 'up//']) {
      for (const method of ['stat', 'list'] as const) expect((await failure(() => root[method](name))).code, `${method} ${name}`).toBe('symlink');
    }
  });

  it('keeps to the root by text and by prefix (CVE-2025-22873, CVE-2025-53109, CVE-2025-53110)', async () => {
    const { root, dir } = ground([...LAYOUT, 'root-evil/x: s', 'root/a => $DIR/root-evil']);
    for (const name of ['..', '../', 'd/../..', '../root-evil/x', `${dir}/root-evil/x`, `${dir}/root/../secret`]) {
      for (const method of ['stat', 'lstat', 'exists', 'readlink', 'list'] as const) expect((await failure(() => root[method](name))).code, `${method} ${name}`).toBe('outside-workspace');
    }
    for (const symlinks of ['reject', 'follow-within-root'] as const) {
      expect((await failure(() => root.stat('a/x', { symlinks }))).code).toMatch(/^(?:symlink|outside-workspace)$/);
    }
  });
});

describe('list of a directory that is renamed or replaced', () => {
  it('takes stats by the open directory and never by a path (CVE-2026-27139)', async () => {
    const { root, at, dir } = ground(['root/d/f: 12345', 'elsewhere/f: 1']);
    fs.renameSync(path.join(dir, 'root'), path.join(dir, 'moved'));
    fs.symlinkSync('elsewhere', path.join(dir, 'root'));
    expect(fs.existsSync(at('f'))).toBe(true);
    const [entry] = await root.list('d', { stat: true });
    expect([entry?.name, entry?.stat?.size]).toEqual(['f', 5]);
    for await (const { name, stat } of root.walk('.', { stat: true })) if (name === 'f') expect(stat?.size).toBe(5);
  });
});

describe('options', () => {
  it('are checked before any I/O', async () => {
    const { root } = ground(LAYOUT);
    for (const [call, code] of [
      [() => root.list('.', { maxEntries: -1 }), 'ERR_OUT_OF_RANGE'],
      [() => root.list('.', { maxEntries: 1.5 }), 'ERR_OUT_OF_RANGE'],
      [() => root.list('.', { maxEntries: '1' } as never), 'ERR_INVALID_ARG_TYPE'],
      [() => root.list('.', { stat: 1 } as never), 'ERR_INVALID_ARG_TYPE'],
      [() => root.list('.', { recursive: true } as never), 'ERR_INVALID_ARG_VALUE'],
      [() => root.list('.', { maxDepth: 1 } as never), 'ERR_INVALID_ARG_VALUE'],
      [() => root.stat('f', { bigint: true } as never), 'ERR_INVALID_ARG_VALUE'],
      [() => root.stat('f', { root: '/' } as never), 'ERR_INVALID_ARG_VALUE'],
      [async () => root.listSync('.', { signal: AbortSignal.abort() } as never), 'ERR_INVALID_ARG_VALUE'],
      [() => root.stat(1 as never), 'ERR_INVALID_ARG_TYPE'],
      [async () => root.walk('.', { maxDepth: 0 }), 'ERR_OUT_OF_RANGE'],
      [async () => root.walk('.', { filter: 'x' } as never), 'ERR_INVALID_ARG_TYPE'],
      [async () => root.walk('.', { onError: 'ignore' } as never), 'ERR_INVALID_ARG_VALUE'],
    ] as const) {
      expect((await failure(call)).code, String(call)).toBe(code);
    }
    expect(await root.list('.', { withFileTypes: true, recursive: false } as never)).toHaveLength(8);
  });

  it('reject with the reason of the signal', async () => {
    const { root } = ground(LAYOUT);
    const signal = AbortSignal.abort(new Error('stop'));
    for (const method of ['stat', 'lstat', 'exists', 'readlink', 'list'] as const) {
      expect((await failure(() => root[method]('d', { signal }))).message).toBe('stop');
    }
  });

  it('hold for a closed root', async () => {
    const { root } = ground(LAYOUT);
    const walk = root.walk();
    root.close();
    for (const method of ['stat', 'lstat', 'exists', 'readlink', 'list'] as const) expect((await failure(() => root[method]('d'))).code).toBe('root-closed');
    expect((await failure(() => walk.next())).code).toBe('root-closed');
  });
});
