import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import { pathToFileURL } from 'node:url';
import { describe, expect, test } from 'vitest';
import { openRootSync, readLocalFileSafely, writeAtomic, writeAtomicMany, type WriteResult } from '../../../index.mjs';
import { expectRefusal } from '../../helpers/expectations.js';
import { failure, openFiles } from '../../helpers/forms.js';
import { syncsLinks } from '../../helpers/journal.js';
import { build, modeOf, scratch, strays, tree } from '../../helpers/scratch.js';
import { octal, underUmask } from '../../helpers/umask.js';

// Tables pass wrong types on purpose.
type Anything = any;
const many = writeAtomicMany as (entries: Anything, options?: Anything) => Promise<PromiseSettledResult<WriteResult>[]>;

const QUICK = { durable: false } as const;

function content(file: string): string {
  return fs.readFileSync(file, 'utf8');
}

/** Returns the results of entries that must all succeed. */
function values(settled: PromiseSettledResult<WriteResult>[]): WriteResult[] {
  return settled.map((entry) => {
    if (entry.status === 'rejected') throw entry.reason;
    return entry.value;
  });
}

/** Returns the reason why an entry failed. */
function reason(entry: PromiseSettledResult<WriteResult> | undefined): Anything {
  expect(entry).toMatchObject({ status: 'rejected' });
  expect(Object.keys(entry!).sort()).toEqual(['reason', 'status']);
  return (entry as PromiseRejectedResult).reason;
}

describe('the results', () => {
  test.each([0, 1, 2, 63, 64, 65, 200])('of %i entries come in order, each as writeAtomic gives it, and nothing else is left', async (count) => {
    const dir = scratch();
    const open = openFiles();
    const entries = Array.from({ length: count }, (_, number) => ({ file: `${dir}/f${number}`, data: `content ${number}` }));
    const settled = await writeAtomicMany(entries, { mode: 0o600, durable: count <= 64 });
    expect(settled).toHaveLength(count);
    for (const [number, value] of values(settled).entries()) {
      const file = `${dir}/f${number}`;
      const { dev, ino } = fs.statSync(file);
      expect(value).toEqual({
        path: file,
        created: true,
        size: `content ${number}`.length,
        mode: 0o600,
        dev,
        ino,
        method: count > 64 || syncsLinks(dir) ? 'link' : 'rename',
        durable: count <= 64,
        containment: 'none',
        preserved: null,
      });
      expect(content(file)).toBe(`content ${number}`);
    }
    expect(fs.readdirSync(dir)).toHaveLength(count);
    expect(openFiles()).toEqual(open);
  });

  test('are those of writeAtomic on a twin tree, field by field', async () => {
    const layout = ['old 0640: old', 'd/f 0600: old', 'link => old', 'shared: old', 'shared2 == shared'];
    const calls: [string, Anything, Anything?][] = [
      ['old', 'text'],
      ['d/f', Buffer.from('bytes'), { durable: 'file' }],
      ['d/new', new Float64Array(2), { mode: 0o666 }],
      ['link', 'replaced', { finalSymlink: 'replace' }],
      ['shared', '', { durable: false }],
      ['made/deep/f', new ArrayBuffer(3), { mkdir: true, dirMode: 0o750 }],
      ['latin', 'é', 'latin1'],
      ['hex', 'abcd', { encoding: 'hex' }],
    ];
    const [one, other] = [scratch(), scratch()];
    build(one, layout);
    build(other, layout);
    const together = values(await many(calls.map(([name, data, options]) => ({ file: `${one}/${name}`, data, options }))));
    const each: WriteResult[] = [];
    for (const [name, data, options] of calls) each.push(await writeAtomic(`${other}/${name}`, data, options));
    // A new name is published by rename here and may be linked there.
    const bare = (result: WriteResult, dir: string) => ({ ...result, path: result.path.replace(dir, ''), ino: 0, method: '' });
    expect(together.map((result) => bare(result, one))).toEqual(each.map((result) => bare(result, other)));
    for (const [name] of calls) {
      expect(fs.readFileSync(`${one}/${name}`).equals(fs.readFileSync(`${other}/${name}`)), name).toBe(true);
      expect(octal(modeOf(`${one}/${name}`)), name).toBe(octal(modeOf(`${other}/${name}`)));
    }
    expect(octal(modeOf(`${one}/made/deep`))).toBe('0750');
    expect(strays(one)).toEqual([]);
  });

  test('paths are strings, Buffers of any bytes and URLs, relative ones too', async () => {
    const dir = scratch();
    const cwd = process.cwd();
    process.chdir(dir);
    try {
      const odd = Buffer.concat([Buffer.from(`${dir}/`), Buffer.from([0x66, 0xff])]);
      const files = ['relative', './dotted', Buffer.from('bytes'), pathToFileURL(`${dir}/u r l`), odd];
      const calling = many(files.map((file, number) => ({ file, data: String(number) })), QUICK);
      process.chdir('/');
      const paths = values(await calling).map(({ path }) => path);
      expect(paths).toEqual([`${dir}/relative`, `${dir}/dotted`, `${dir}/bytes`, `${dir}/u r l`, `${dir}/f\ufffd`]);
      expect(content(`${dir}/bytes`)).toBe('2');
      expect(fs.readFileSync(odd, 'utf8')).toBe('4');
    } finally {
      process.chdir(cwd);
    }
  });
});

describe('an entry that fails', () => {
  test('has its own error, and those around it are written', async () => {
    const dir = scratch();
    build(dir, ['file: old', 'link => file', 'dir/', 'pipe |', 'shared: old', 'shared2 == shared', 'there: old']);
    const refused: [string, string, object?][] = [
      ['link', 'symlink'],
      ['dir', 'not-file'],
      ['pipe', 'not-file'],
      ['.', 'not-file'],
      ['missing/f', 'not-found'],
      ['file/f', 'not-directory'],
      ['nul\0byte', 'invalid-path'],
      ['lone\ud800', 'invalid-path'],
      ['there', 'already-exists', { overwrite: false }],
      ['link', 'already-exists', { overwrite: false }],
      ['shared', 'hardlink', { hardlinks: 'reject' }],
      ['n'.repeat(256), 'ENAMETOOLONG'],
      ['dir/', 'not-file'],
    ];
    const before = tree(dir);
    const open = openFiles();
    const entries = refused.flatMap(([name, , options], number) => [
      { file: `${dir}/${name}`, data: 'never', options },
      { file: `${dir}/good${number}`, data: 'good' },
    ]);
    const settled = await many([...entries, { file: '', data: 'never' }, { file: new URL('http://example.com/f'), data: 'never' }], QUICK);
    for (const [number, [name, code]] of refused.entries()) {
      const error = reason(settled[2 * number]);
      expectRefusal(error, code);
      expect(error.path).toBe(`${dir}/${name}`.replace('\ud800', '\ufffd'));
      expect(settled[2 * number + 1]).toMatchObject({ status: 'fulfilled', value: { path: `${dir}/good${number}` } });
      expect(content(`${dir}/good${number}`)).toBe('good');
    }
    expectRefusal(reason(settled.at(-2)), 'invalid-path');
    expectRefusal(reason(settled.at(-1)), 'invalid-path');
    expect(openFiles()).toEqual(open);
    for (const number of refused.keys()) fs.unlinkSync(`${dir}/good${number}`);
    expect({ ...tree(dir), '.': '' }).toEqual({ ...before, '.': '' });
  });

  test('has the error of writeAtomic, field by field', async () => {
    const dir = scratch();
    build(dir, ['f: old', 'link => f', 'd/']);
    const names = ['link', 'd', 'missing/f', 'f/f', 'x\0y', 'n'.repeat(256)];
    const settled = await many(names.map((name) => ({ file: `${dir}/${name}`, data: 'x' })));
    for (const [number, name] of names.entries()) {
      const single = await failure(() => writeAtomic(`${dir}/${name}`, 'x'));
      const { ...fields } = reason(settled[number]);
      expect(fields, name).toEqual({ ...single });
      expect(reason(settled[number]).message).toBe(single.message);
    }
  });

  test('does not become an unhandled rejection', async () => {
    const seen: unknown[] = [];
    const note = (error: unknown) => seen.push(error);
    process.on('unhandledRejection', note);
    const settled = await writeAtomicMany([{ file: `${scratch()}/missing/f`, data: 'x' }]);
    await new Promise((resolve) => setImmediate(resolve));
    process.off('unhandledRejection', note);
    expect(settled[0]?.status).toBe('rejected');
    expect(seen).toEqual([]);
  });
});

describe('options', () => {
  test('of an entry go before those of the call', async () => {
    const dir = scratch();
    build(dir, ['old: old', 'link => old', 'shared: old', 'shared2 == shared']);
    const call = { mode: 0o600, encoding: 'hex', overwrite: false, mkdir: true, durable: false, finalSymlink: 'replace', hardlinks: 'reject' };
    const settled = await many(
      [
        { file: `${dir}/plain`, data: '6162' },
        { file: `${dir}/mode`, data: '6162', options: { mode: 0o640 } },
        { file: `${dir}/text`, data: '6162', options: { encoding: 'utf8' } },
        { file: `${dir}/latin`, data: 'é', options: 'latin1' },
        { file: `${dir}/old`, data: '6162' },
        { file: `${dir}/old`, data: '6162', options: { overwrite: true } },
        { file: `${dir}/new/a/f`, data: '6162' },
        { file: `${dir}/other/f`, data: '6162', options: { mkdir: false } },
        { file: `${dir}/durable`, data: '6162', options: { durable: true } },
        { file: `${dir}/half`, data: '6162', options: { durable: 'file' } },
        { file: `${dir}/link`, data: '6162', options: { overwrite: true, finalSymlink: 'reject' } },
        { file: `${dir}/link`, data: '6162', options: { overwrite: true } },
        { file: `${dir}/shared`, data: '6162', options: { overwrite: true } },
        { file: `${dir}/shared`, data: '6162', options: { overwrite: true, hardlinks: 'allow' } },
      ],
      call,
    );
    const shown = settled.map((entry) => (entry.status === 'fulfilled' ? `${octal(entry.value.mode)} ${entry.value.size} ${entry.value.durable}` : entry.reason.code));
    expect(shown).toEqual([
      '0600 2 false',
      '0640 2 false',
      '0600 4 false',
      '0600 1 false',
      'already-exists',
      '0600 2 false',
      '0600 2 false',
      'not-found',
      '0600 2 true',
      '0600 2 file',
      'symlink',
      '0600 2 false',
      'hardlink',
      '0600 2 false',
    ]);
    expect(content(`${dir}/plain`)).toBe('ab');
    expect(fs.lstatSync(`${dir}/link`).isFile()).toBe(true);
  });

  test('of an entry that are undefined are not given: those of the call count', async () => {
    const dir = scratch();
    const options = { mode: undefined, encoding: undefined, durable: undefined };
    const [written] = values(await writeAtomicMany([{ file: `${dir}/f`, data: '6162', options }], { mode: 0o600, encoding: 'hex', durable: false }));
    expect(written).toMatchObject({ mode: 0o600, size: 2, durable: false });
  });

  test('that an object has from its class count as those of its own', async () => {
    const dir = scratch();
    class Private {
      get mode() {
        return 0o600;
      }
    }
    const settled = await writeAtomicMany([{ file: `${dir}/of-the-entry`, data: 'x', options: new Private() }]);
    const inherited = await writeAtomicMany([{ file: `${dir}/of-the-call`, data: 'x' }], new Private());
    expect(values([...settled, ...inherited]).map(({ mode }) => octal(mode))).toEqual(['0600', '0600']);
  });

  test.each([0o600, 0o644, 0o660, 0o666, 0o777, 0o000])('mode %o is exact under umask 077, for new files and old ones', async (mode) => {
    const dir = scratch();
    build(dir, ['old 0640: old']);
    await underUmask(0o077, async () => {
      const written = values(await writeAtomicMany([{ file: `${dir}/new`, data: 'x' }, { file: `${dir}/old`, data: 'x' }], { mode, durable: false }));
      expect(written.map((result) => octal(result.mode))).toEqual([octal(mode), octal(mode)]);
      expect([octal(modeOf(`${dir}/new`)), octal(modeOf(`${dir}/old`))]).toEqual([octal(mode), octal(mode)]);
    });
  });
});

describe('wrong arguments reject the whole call before any I/O', () => {
  const TYPE = 'ERR_INVALID_ARG_TYPE';
  const VALUE = 'ERR_INVALID_ARG_VALUE';
  const RANGE = 'ERR_OUT_OF_RANGE';
  // `good` is a valid entry: if the call continued, its file would appear.
  const CASES: [string, string, (good: Anything, file: string) => [entries: Anything, options?: Anything]][] = [
    ['no entries at all', TYPE, () => [undefined]],
    ['entries that are null', TYPE, () => [null]],
    ['an object with a length', TYPE, (good) => [{ length: 1, 0: good }]],
    ['a Set of entries', TYPE, (good) => [new Set([good])]],
    ['a hole', TYPE, (good) => [[good, , good]]],
    ['an entry that is null', TYPE, (good) => [[good, null]]],
    ['an entry that is a path', TYPE, (good, file) => [[good, file]]],
    ['an entry that is a pair', TYPE, (good, file) => [[good, [file, 'x']]]],
    ['an entry without a file', TYPE, (good) => [[good, { data: 'x' }]]],
    ['a file that is a number', TYPE, (good) => [[good, { file: 7, data: 'x' }]]],
    ...[undefined, null, 7, true, {}, ['x'], new Set(['x']), (function* () {})(), (async function* () {})(), Symbol('x'), Object('x')].map(
      (data): (typeof CASES)[number] => [`data that is ${String(Object.prototype.toString.call(data))}`, TYPE, (good, file) => [[good, { file, data }]]],
    ),
    ['an entry with a root', VALUE, (good, file) => [[good, { file, data: 'x', options: { root: '/' } }]]],
    ['an entry with a symlink policy', VALUE, (good, file) => [[good, { file, data: 'x', options: { symlinks: 'reject' } }]]],
    ['an entry with a signal', VALUE, (good, file) => [[good, { file, data: 'x', options: { signal: new AbortController().signal } }]]],
    ['an entry whose options are null', TYPE, (good, file) => [[good, { file, data: 'x', options: null }]]],
    ['an entry whose options are a number', TYPE, (good, file) => [[good, { file, data: 'x', options: 0o600 }]]],
    ['an entry with a mode beyond 0777', RANGE, (good, file) => [[good, { file, data: 'x', options: { mode: 0o1000 } }]]],
    ['an entry with a mode that is text', TYPE, (good, file) => [[good, { file, data: 'x', options: { mode: '600' } }]]],
    ['an entry with a strange encoding', VALUE, (good, file) => [[good, { file, data: 'x', options: 'utf7' }]]],
    ['an entry with a strange durability', VALUE, (good, file) => [[good, { file, data: 'x', options: { durable: 'dir' } }]]],
    ['options that are null', TYPE, (good) => [[good], null]],
    ['options that are a number', TYPE, (good) => [[good], 0o600]],
    ['a negative mode', RANGE, (good) => [[good], { mode: -1 }]],
    ['a mode that is no integer', RANGE, (good) => [[good], { mode: 0.5 }]],
    ['a bad mode without any entries', RANGE, () => [[], { newFileMode: 0o7777 }]],
    ['a strange encoding', VALUE, (good) => [[good], 'utf7']],
    ['a signal that is none', TYPE, (good) => [[good], { signal: { aborted: false } }]],
    ['a root that is a number', TYPE, (good) => [[good], { root: 7 }]],
    ['follow-within-root without a root', VALUE, (good) => [[good], { symlinks: 'follow-within-root' }]],
  ];

  test.each(CASES)('%s', async (_title, code, make) => {
    const dir = scratch();
    const [entries, options] = make({ file: `${dir}/good`, data: 'x', options: { durable: false } }, `${dir}/f`);
    const error = await failure(() => many(entries, options));
    expect(error.code, error.message).toBe(code);
    expect(error).toBeInstanceOf(code === RANGE ? RangeError : TypeError);
    expect(fs.readdirSync(dir)).toEqual([]);
  });

  test('a root that is missing rejects it too, and a closed Root', async () => {
    const dir = scratch();
    expectRefusal(await failure(() => writeAtomicMany([{ file: 'f', data: 'x' }], { root: `${dir}/missing` })), 'not-found');
    const root = openRootSync(dir);
    root.close();
    expectRefusal(await failure(() => root.writeAtomicMany([{ file: 'f', data: 'x' }])), 'root-closed');
    expect(fs.readdirSync(dir)).toEqual([]);
  });
});

test('beneath a root, every entry is held there; as an option, and as a method with its defaults', async () => {
  for (const form of ['option', 'method']) {
    const dir = scratch();
    build(dir, ['root/d/', 'root/out => ../outside', 'root/link => d', 'outside/', 'root/old 0640: old']);
    const root = `${dir}/root`;
    const entries = ['f', 'd/f', `${root}/absolute`, '../outside/f', 'out/f', 'link/f', `${dir}/outside/g`, 'old', 'd/../../outside/h'].map((file) => ({ file, data: 'x' }));
    const open = openFiles();
    let settled: PromiseSettledResult<WriteResult>[];
    if (form === 'option') {
      settled = await writeAtomicMany(entries, { root, newFileMode: 0o600, durable: false });
    } else {
      using pinned = openRootSync(root, { newFileMode: 0o600, durable: false });
      settled = await pinned.writeAtomicMany(entries);
      expect(reason((await pinned.writeAtomicMany([{ file: 'link/f', data: 'x' }], { symlinks: 'reject' }))[0]).code).toBe('symlink');
      expect(values(await pinned.writeAtomicMany([{ file: 'link/f', data: 'x' }], { symlinks: 'follow-within-root' }))[0]!.path).toBe(`${root}/d/f`);
      // Close does not stop pending calls.
      const begun = pinned.writeAtomicMany([{ file: 'late', data: 'x' }]);
      pinned.close();
      expect(values(await begun)[0]!.path).toBe(`${root}/late`);
    }
    const shown = settled.map((entry) => (entry.status === 'fulfilled' ? `${entry.value.path} ${octal(entry.value.mode)}` : entry.reason.code));
    expect(shown).toEqual([`${root}/f 0600`, `${root}/d/f 0600`, `${root}/absolute 0600`, 'outside-workspace', 'symlink', 'symlink', 'outside-workspace', `${root}/old 0640`, 'outside-workspace']);
    expect(values(settled.slice(0, 1))[0]!.containment).not.toBe('none');
    expect(fs.readdirSync(`${dir}/outside`)).toEqual([]);
    expect(openFiles()).toEqual(open);
    expect(strays(dir)).toEqual([]);
  }
});

test('several directories at once, some of them new', async () => {
  const dir = scratch();
  const entries = Array.from({ length: 40 }, (_, number) => ({ file: `${dir}/d${number % 8}/e/f${number}`, data: String(number) }));
  const written = values(await writeAtomicMany(entries, { mkdir: true, dirMode: 0o750 }));
  expect(written.every(({ durable, created }) => durable === true && created)).toBe(true);
  for (let number = 0; number < 40; number += 1) expect(content(`${dir}/d${number % 8}/e/f${number}`)).toBe(String(number));
  expect(octal(modeOf(`${dir}/d3`))).toBe('0750');
  expect((await readLocalFileSafely(`${dir}/d0/e/f0`)).buffer.toString()).toBe('0');
});

describe('a process with few descriptors', () => {
  test.each([
    [1, 'ulimit -n 100'],
    [8, 'ulimit -n 200'],
    [32, 'ulimit -n 512; export UV_THREADPOOL_SIZE=16'],
  ])('publishes every entry of %i calls with 64 each: %s', async (calls, limits) => {
    const dir = scratch();
    const script = `
      import { writeAtomicMany } from ${JSON.stringify(new URL('../../../index.mjs', import.meta.url).href)};
      const [dir, calls] = process.argv.slice(1);
      const entries = (call) => Array.from({ length: 64 }, (_, at) => ({ file: \`\${dir}/\${call}-\${at}\`, data: 'x' }));
      const settled = (await Promise.all(Array.from({ length: Number(calls) }, (_, call) => writeAtomicMany(entries(call), { durable: false })))).flat();
      console.log(settled.filter(({ status }) => status === 'fulfilled').length, settled.find(({ reason }) => reason)?.reason.message);`;
    const line = ['-c', `${limits}; exec "$@"`, 'sh', process.execPath, '--input-type=module', '-e', script, dir, String(calls)];
    expect(execFileSync('sh', line, { encoding: 'utf8' }).trim()).toBe(`${calls * 64} undefined`);
    expect(fs.readdirSync(dir)).toHaveLength(calls * 64);
  });
});
