import * as fs from 'node:fs';
import * as path from 'node:path';
import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { openRootSync, type Root, type RootDefaults } from '../../../index.mjs';
import { eventually, failure, openFiles } from '../../helpers/forms.js';
import { build, scratch, scratchInMemory } from '../../helpers/scratch.js';

scratchInMemory();

type Method = 'readText' | 'readJson' | 'writeJson' | 'openRoot';
type Call = (root: Root, method: Method, ...args: unknown[]) => Promise<any>;

const FORMS: readonly (readonly [form: string, call: Call])[] = [
  ['promise', async (root, method, ...args) => (root[method] as Function).apply(root, args)],
  ['sync', async (root, method, ...args) => (root[`${method}Sync`] as Function).apply(root, args)],
];

function ground(layout: readonly string[], defaults?: RootDefaults) {
  const dir = scratch();
  fs.mkdirSync(path.join(dir, 'root'));
  build(dir, layout);
  return { dir, at: (name: string) => path.join(dir, 'root', name), root: openRootSync(path.join(dir, 'root'), defaults) };
}

const INVALID = Buffer.from([0x61, 0xff, 0x62]);

describe.each(FORMS)('%s form', (_, call) => {
  it('readText returns what Buffer#toString does, or refuses what is not UTF-8', async () => {
    const { root, at } = ground(['root/f: grüße', 'root/empty:']);
    fs.writeFileSync(at('bad'), INVALID);
    expect(await call(root, 'readText', 'f')).toBe('grüße');
    expect(await call(root, 'readText', 'empty', { invalid: 'error' })).toBe('');
    expect(await call(root, 'readText', 'bad')).toBe(INVALID.toString());
    expect(await call(root, 'readText', 'f', { invalid: 'error', encoding: 'utf8' })).toBe('grüße');
    expect(await failure(() => call(root, 'readText', 'bad', { invalid: 'error' }))).toMatchObject({ code: 'invalid-text', category: 'policy', path: 'bad', name: 'HoldfastError' });
  });

  it('readText has the checks of read', async () => {
    const { root } = ground(['root/f: 12345', 'root/l => f', 'root/h == root/f', 'root/d/']);
    for (const [name, options, code] of [
      ['f', { maxBytes: 4, hardlinks: 'allow' }, 'too-large'],
      ['l', {}, 'symlink'],
      ['f', {}, 'hardlink'],
      ['d', {}, 'not-file'],
      ['no', {}, 'not-found'],
      ['../f', {}, 'outside-workspace'],
      ['f', { root: '/' }, 'ERR_INVALID_ARG_VALUE'],
      ['f', { invalid: 'ignore' }, 'ERR_INVALID_ARG_VALUE'],
      ['f', { encoding: 'latin1' }, 'ERR_INVALID_ARG_VALUE'],
      ['f', { ifMissing: 1 }, 'ERR_INVALID_ARG_VALUE'],
    ] as const) {
      expect((await failure(() => call(root, 'readText', name, options))).code, `${name} ${inspect(options)}`).toBe(code);
    }
  });

  it('readJson ignores a byte-order mark, and shows no content of what is no JSON', async () => {
    const { root, at } = ground(['root/secret: {"token": s3cret}', 'root/empty:']);
    fs.writeFileSync(at('bom'), '\uFEFF{"a":[1,"é"]}');
    fs.writeFileSync(at('bytes'), Buffer.concat([Buffer.from('"'), INVALID, Buffer.from('"')]));
    expect(await call(root, 'readJson', 'bom')).toEqual({ a: [1, 'é'] });
    for (const name of ['secret', 'empty', 'bytes']) {
      const error = await failure(() => call(root, 'readJson', name));
      expect(error).toMatchObject({ code: 'invalid-json', category: 'policy', path: name });
      expect(error.cause).toBeUndefined();
      expect(inspect(error, { depth: 9 }) + JSON.stringify(error)).not.toContain('s3cret');
    }
  });

  it('readJson returns ifMissing for a missing file alone', async () => {
    const { root } = ground(['root/bad: x', 'root/l => nothing']);
    const fallback = { a: 1 };
    expect(await call(root, 'readJson', 'no', { ifMissing: fallback })).toBe(fallback);
    expect(await call(root, 'readJson', 'no/x', { ifMissing: null })).toBe(null);
    expect((await failure(() => call(root, 'readJson', 'no', { ifMissing: undefined }))).code).toBe('not-found');
    expect((await failure(() => call(root, 'readJson', 'bad', { ifMissing: 1 }))).code).toBe('invalid-json');
    expect((await failure(() => call(root, 'readJson', 'l', { ifMissing: 1 }))).code).toBe('symlink');
    expect((await failure(() => call(root, 'readJson', '../x', { ifMissing: 1 }))).code).toBe('outside-workspace');
  });

  it('writeJson publishes the value as of the call, with the options of a write', async () => {
    const { root, at } = ground([]);
    const value = { a: 1 };
    const writing = call(root, 'writeJson', 'd/f.json', value, { space: 2, mkdir: true, mode: 0o600 });
    value.a = 2;
    expect(await writing).toMatchObject({ created: true, mode: 0o600 });
    expect(fs.readFileSync(at('d/f.json'), 'utf8')).toBe('{\n  "a": 1\n}\n');
    expect(await call(root, 'readJson', 'd/f.json')).toEqual({ a: 1 });
    await call(root, 'writeJson', 'd/f.json', [1]);
    expect(fs.readFileSync(at('d/f.json'), 'utf8')).toBe('[1]\n');
    const inBase64 = await failure(() => call(root, 'writeJson', 'd/f.json', 'Zoë', { encoding: 'base64' }));
    expect([inBase64.code, inBase64.message]).toEqual(['ERR_INVALID_ARG_VALUE', expect.stringContaining('the content is UTF-8')]);
    await call(root, 'writeJson', 'd/f.json', [1], { encoding: 'utf8' });
    for (const wrong of [undefined, () => {}, Symbol('x')]) expect((await failure(() => call(root, 'writeJson', 'd/f.json', wrong))).code).toBe('ERR_INVALID_ARG_TYPE');
    expect(await failure(() => call(root, 'writeJson', 'd/f.json', 1n))).toBeInstanceOf(TypeError);
    expect((await failure(() => call(root, 'writeJson', 'd/f.json', 1, { overwrite: false }))).code).toBe('already-exists');
    expect((await failure(() => call(root, 'writeJson', 'd/f.json', 'long', { maxBytes: 3 }))).code).toBe('too-large');
    expect(fs.readFileSync(at('d/f.json'), 'utf8')).toBe('[1]\n');
  });

  it('openRoot opens a root beneath this one, which outlives it and has its defaults', async () => {
    const { root, at, dir } = ground(['root/d/f: 12345', 'root/d/l => f', 'root/l => d', 'root/f: x', 'secret: s'], { maxBytes: 3 });
    const sub: Root = await call(root, 'openRoot', 'd');
    expect(sub.path).toBe(at('d'));
    root.close();
    expect((await failure(() => sub.read('f'))).code).toBe('too-large');
    expect((await failure(() => sub.read('../f'))).code).toBe('outside-workspace');
    expect(await sub.readText('f', { maxBytes: 5 })).toBe('12345');
    expect(await sub.readText(at('d/f'), { maxBytes: 5 })).toBe('12345');
    sub.close();
    expect((await failure(() => sub.read('f'))).code).toBe('root-closed');
    const again = openRootSync(path.join(dir, 'root'));
    for (const [name, code] of [['l', 'symlink'], ['f', 'not-directory'], ['no', 'not-found'], ['..', 'outside-workspace'], [dir, 'outside-workspace']] as const) {
      expect((await failure(() => call(again, 'openRoot', name))).code, name).toBe(code);
    }
    const loose: Root = await call(again, 'openRoot', 'd', { symlinks: 'follow-within-root' });
    expect(await loose.readText('l')).toBe('12345');
    expect((await failure(() => call(again, 'openRoot', 'd', { maxBytes: -1 }))).code).toBe('ERR_OUT_OF_RANGE');
    again.close();
    loose.close();
    await eventually(() => expect(openFiles().filter((file) => file.includes(dir))).toEqual([]));
  });
});

describe('stage and cleanStaleTemporaries of a root', () => {
  it('publish beneath it, and refuse what lies outside', async () => {
    const { root, at, dir } = ground(['root/d/']);
    await using staged = await root.stage('d/f', { mode: 0o600 });
    await staged.handle.writeFile('staged');
    root.close();
    expect(await staged.commit()).toMatchObject({ created: true, path: at('d/f') });
    expect(fs.readFileSync(at('d/f'), 'utf8')).toBe('staged');
    const again = openRootSync(path.join(dir, 'root'));
    expect((await failure(() => again.stage('../f'))).code).toBe('outside-workspace');
    const stale = `.holdfast-${'0'.repeat(32)}.tmp`;
    fs.writeFileSync(at(`d/${stale}`), 'x');
    fs.writeFileSync(path.join(dir, stale), 'x');
    expect((await failure(() => again.cleanStaleTemporaries('..', { olderThanMs: 0 }))).code).toBe('outside-workspace');
    expect(await again.cleanStaleTemporaries('d', { olderThanMs: 0 })).toEqual([at(`d/${stale}`)]);
    expect(await again.cleanStaleTemporaries('.', { olderThanMs: 0 })).toEqual([]);
    expect(fs.existsSync(path.join(dir, stale))).toBe(true);
  });
});
