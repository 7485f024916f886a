// The meaning of a path beneath a root, under every policy, with the kernel's resolver and with the walk.
import * as fs from 'node:fs';
import * as path from 'node:path';
import { beforeAll, describe, expect, it, test } from 'vitest';
import { isHoldfastError, openRoot, openRootSync, stageAtomic } from '../../../index.mjs';
import { failure, outcome } from '../../helpers/forms.js';
import { build, scratch, scratchInMemory, tree } from '../../helpers/scratch.js';
import { Driver } from '../../helpers/sys-driver.js';
import { needs } from '../../helpers/sys-needs.js';
import { buildC } from '../../helpers/sys-scratch.js';

scratchInMemory();

const NEW = 'new content';
const LAYOUT = [
  'root/ 0755', 'root/f: in', 'root/d/ 0755', 'root/d/g: in', 'outside/ 0755', 'outside/s: secret',
  'root/lf => f', 'root/ld => d', 'root/d/back => ../f', 'root/two => ld/back', 'root/dots => d/../f',
  'root/out => ../outside', 'root/outf => ../outside/s', 'root/d/over => ../../outside/s', 'root/abs => $DIR/root/f',
  'root/absd => $DIR/root/d', 'root/absout => /etc', 'root/dang => nowhere', 'root/loop => loop', 'root/into => f/x',
];
const POLICIES = ['reject', 'follow-parents', 'follow-within-root', 'follow-trusted'] as const;

/**
 * One expectation for all policies, or one for each, in their order: `= text` read, `> name` written, `/ name` made, or
 * a code.
 */
interface Row {
  name: string;
  at: string;
  options?: object;
  expected: string | readonly [reject: string, parents: string, within: string, trusted: string];
}

const READS: Row[] = [
  { name: 'a file', at: 'f', expected: '= in' },
  { name: 'a file below a directory', at: './d//g', expected: '= in' },
  { name: 'a file by its absolute path', at: '$DIR/root/f', expected: '= in' },
  { name: 'an absolute path with dots and slashes that stays inside', at: '$DIR/root//./d/g', expected: '= in' },
  { name: '.. that stays inside', at: 'd/../f', expected: '= in' },
  { name: '.. after a directory that is missing has no meaning for the kernel', at: 'none/../f', expected: ['= in', 'not-found', 'not-found', 'not-found'] },
  { name: '.. as the first component', at: '../outside/s', expected: 'outside-workspace' },
  { name: '.. that leaves on the way and comes back', at: '../root/f', expected: 'outside-workspace' },
  { name: '.. that leaves after a directory', at: 'd/../../outside/s', expected: 'outside-workspace' },
  { name: 'an absolute path elsewhere', at: '$DIR/outside/s', expected: 'outside-workspace' },
  { name: 'an absolute path with a neighbour that begins like the root', at: '$DIR/root-other/f', expected: 'outside-workspace' },
  { name: 'two slashes at the start are no way out', at: '//etc/passwd', expected: 'outside-workspace' },
  { name: 'a link to a file', at: 'lf', expected: ['symlink', 'symlink', '= in', '= in'] },
  { name: 'a linked directory on the way', at: 'ld/g', expected: ['symlink', '= in', '= in', '= in'] },
  { name: 'a link whose .. stays inside', at: 'd/back', expected: ['symlink', 'symlink', '= in', '= in'] },
  { name: 'a link whose text has .. in the middle', at: 'dots', expected: ['symlink', 'symlink', '= in', '= in'] },
  { name: 'a link through a link', at: 'two', expected: ['symlink', 'symlink', '= in', '= in'] },
  { name: '.. after a linked directory is the parent of what it links to', at: 'ld/../f', expected: ['= in', '= in', '= in', '= in'] },
  { name: 'a linked directory that leads outside', at: 'out/s', expected: ['symlink', 'outside-workspace', 'outside-workspace', 'outside-workspace'] },
  { name: 'a link to a file outside', at: 'outf', expected: ['symlink', 'symlink', 'outside-workspace', 'outside-workspace'] },
  { name: 'a link below that climbs outside', at: 'd/over', expected: ['symlink', 'symlink', 'outside-workspace', 'outside-workspace'] },
  { name: 'a link with an absolute target, though it lies inside', at: 'abs', expected: ['symlink', 'symlink', 'outside-workspace', 'outside-workspace'] },
  { name: 'a directory linked by an absolute target', at: 'absd/g', expected: ['symlink', 'outside-workspace', 'outside-workspace', 'outside-workspace'] },
  { name: 'a directory linked by an absolute target elsewhere', at: 'absout/passwd', expected: ['symlink', 'outside-workspace', 'outside-workspace', 'outside-workspace'] },
  { name: 'a link to nothing', at: 'dang', expected: ['symlink', 'symlink', 'not-found', 'not-found'] },
  { name: 'a link to itself', at: 'loop', expected: 'symlink' },
  { name: 'a name below a link to itself', at: 'loop/x', expected: 'symlink' },
  { name: 'a link to a name below a file', at: 'into', expected: ['symlink', 'symlink', 'not-found', 'not-found'] },
  { name: 'a link with a slash behind it is judged as the link', at: 'lf/', expected: ['symlink', 'symlink', 'not-directory', 'not-directory'] },
  { name: 'the root itself', at: '.', expected: 'not-file' },
  { name: 'the root itself, by its absolute path', at: '$DIR/root', expected: 'not-file' },
  { name: 'a name below a file', at: 'f/x', expected: 'not-found' },
  { name: 'an empty path', at: '', expected: 'invalid-path' },
];

const WRITES: Row[] = [
  { name: '.. alone leaves', at: '..', expected: 'outside-workspace' },
  { name: '.. at the end that leaves', at: 'd/../..', expected: 'outside-workspace' },
  { name: '.. at the end that stays inside', at: 'd/..', expected: 'not-file' },
  { name: '.. at the end, behind a link to a directory outside', at: 'out/..', expected: ['not-file', 'outside-workspace', 'outside-workspace', 'outside-workspace'] },
  { name: '.. at the end, behind what is missing', at: 'none/..', expected: ['not-file', 'not-found', 'not-found', 'not-found'] },
  { name: '.. at the end, behind a file', at: 'f/..', expected: ['not-file', 'not-directory', 'not-directory', 'not-directory'] },
  { name: 'a new file', at: 'new', expected: '> new' },
  { name: 'an old file, by its absolute path', at: '$DIR/root/d/g', expected: '> d/g' },
  { name: 'a new file outside', at: '../new', expected: 'outside-workspace' },
  { name: 'a new file outside, by its absolute path', at: '$DIR/outside/new', expected: 'outside-workspace' },
  { name: 'a new file in a linked directory', at: 'ld/new', expected: ['symlink', '> d/new', '> d/new', '> d/new'] },
  { name: 'a new file in a linked directory outside', at: 'out/new', expected: ['symlink', 'outside-workspace', 'outside-workspace', 'outside-workspace'] },
  { name: 'new parents in a linked directory outside', at: 'out/a/new', options: { mkdir: true }, expected: ['symlink', 'outside-workspace', 'outside-workspace', 'outside-workspace'] },
  { name: 'new parents', at: 'a/b/new', options: { mkdir: true }, expected: '> a/b/new' },
  { name: 'a link', at: 'lf', expected: 'symlink' },
  { name: 'a link to a file outside', at: 'outf', expected: 'symlink' },
  { name: 'in place of a link to a file outside', at: 'outf', options: { finalSymlink: 'replace' }, expected: '> outf' },
  { name: 'through a link', at: 'lf', options: { finalSymlink: 'follow' }, expected: ['symlink', '> f', '> f', '> f'] },
  { name: 'through a link to a file outside', at: 'outf', options: { finalSymlink: 'follow' }, expected: ['symlink', 'outside-workspace', 'outside-workspace', 'outside-workspace'] },
  { name: 'through a link below that climbs outside', at: 'd/over', options: { finalSymlink: 'follow' }, expected: ['symlink', 'outside-workspace', 'outside-workspace', 'outside-workspace'] },
  { name: 'through a link with an absolute target', at: 'abs', options: { finalSymlink: 'follow' }, expected: ['symlink', 'outside-workspace', 'outside-workspace', 'outside-workspace'] },
  { name: 'the root itself', at: '.', expected: 'not-file' },
];

const DIRECTORIES: Row[] = [
  { name: 'new directories', at: 'a/b', expected: '/ a/b' },
  { name: 'the root itself', at: '.', options: { existing: 'leave' }, expected: '/ .' },
  { name: 'a directory outside', at: '../a', expected: 'outside-workspace' },
  { name: 'a directory beneath a linked one', at: 'ld/a', expected: ['symlink', '/ d/a', '/ d/a', '/ d/a'] },
  { name: 'a linked directory itself', at: 'ld', options: { existing: 'leave' }, expected: ['symlink', 'symlink', '/ d', '/ d'] },
  { name: 'a directory beneath a linked one outside', at: 'out/a', expected: ['symlink', 'outside-workspace', 'outside-workspace', 'outside-workspace'] },
  { name: 'a linked directory outside', at: 'out', expected: ['symlink', 'symlink', 'outside-workspace', 'outside-workspace'] },
  { name: 'a directory beneath a file', at: 'f/a', expected: 'not-directory' },
];

const verbs = [
  { verb: 'readLocalFileSafely', rows: READS },
  { verb: 'writeAtomic', rows: WRITES },
  { verb: 'ensureDir', rows: DIRECTORIES },
] as const;

const resolvers = [
  { resolver: 'openat2', name: 'openat2', hows: ['sync', 'async'], launcher: () => [] },
  { resolver: 'walk', name: 'the walk, after ENOSYS', hows: ['sync', 'async'], launcher: () => [buildC('seccomp-deny'), 'openat2=ENOSYS'] },
  { resolver: 'walk', name: 'the walk, after EPERM', hows: ['async'], launcher: () => [buildC('seccomp-deny'), 'openat2=EPERM'] },
] as const;

needs('root', 'gcc')('beneath a root', () => {
  describe.each(resolvers)('with $name', ({ resolver, hows, launcher }) => {
    let driver: Driver;

    beforeAll(async () => {
      driver = await Driver.start({ launcher: launcher() });
      expect(await driver.must({ call: 'capabilities', args: [] })).toMatchObject({ resolver });
    });

    describe.each(verbs)('$verb', ({ verb, rows }) => {
      test.each(rows)('$name', async ({ at, options, expected }) => {
        for (const [index, symlinks] of POLICIES.entries()) {
          for (const how of hows) {
            const dir = scratch();
            build(dir, LAYOUT);
            const outside = tree(`${dir}/outside`);
            const inside = tree(`${dir}/root`);
            const wanted = typeof expected === 'string' ? expected : expected[index]!;
            const data = verb === 'writeAtomic' ? [NEW] : [];
            const settings = { root: `${dir}/root`, symlinks, ...(verb === 'writeAtomic' ? { durable: false } : {}), ...options };
            const { value, error } = await driver.verb(how, verb, at.replace('$DIR', dir), ...data, settings);
            const shown = `${symlinks}, ${how}: ${error?.message ?? 'success'}`;
            expect(tree(`${dir}/outside`), shown).toEqual(outside);
            const place = path.resolve(dir, 'root', wanted.slice(2));
            if (wanted.startsWith('= ')) {
              expect(value?.buffer.toString(), shown).toBe(wanted.slice(2));
            } else if (wanted.startsWith('> ')) {
              expect(value?.path, shown).toBe(place);
              expect(fs.lstatSync(place).isFile() && fs.readFileSync(place, 'utf8'), shown).toBe(NEW);
            } else if (wanted.startsWith('/ ')) {
              expect(value?.path, shown).toBe(place);
              expect(fs.lstatSync(place).isDirectory(), shown).toBe(true);
            } else {
              expect(error, shown).toMatchObject({ code: wanted, isHoldfastError: true });
              expect(tree(`${dir}/root`), shown).toEqual(inside);
            }
            const containment = resolver === 'walk' || symlinks === 'follow-trusted' ? 'walk' : 'kernel';
            if (value) expect(value.containment, shown).toBe(containment);
          }
        }
      });
    });
  });
});

needs('root')('follow-trusted', () => {
  const rows = [
    { name: 'a link of mine in a directory of mine', prepare: () => {}, code: undefined },
    { name: 'a link of another user', prepare: (dir: string) => fs.lchownSync(`${dir}/root/lf`, 1000, 1000), code: 'symlink' },
    { name: 'a link in a directory that its group may write', prepare: (dir: string) => fs.chmodSync(`${dir}/root`, 0o775), code: 'symlink' },
    { name: 'a link in a sticky directory that all may write', prepare: (dir: string) => fs.chmodSync(`${dir}/root`, 0o1777), code: 'symlink' },
    { name: 'a link in a directory of another user', prepare: (dir: string) => fs.chownSync(`${dir}/root`, 1000, 1000), code: 'symlink' },
  ];

  test.each(rows)('$name', async ({ prepare, code }) => {
    const dir = scratch();
    build(dir, LAYOUT);
    prepare(dir);
    using root = openRootSync(`${dir}/root`, { symlinks: 'follow-trusted' });
    if (code === undefined) expect((await root.read('lf')).buffer.toString()).toBe('in');
    else expect(await failure(() => root.read('lf'))).toMatchObject({ code });
  });
});

describe('a Root', () => {
  function place(): string {
    const dir = scratch();
    build(dir, LAYOUT);
    return dir;
  }

  test('means the directory that was opened, also when another one takes its name', async () => {
    const dir = place();
    using root = await openRoot(`${dir}/root`);
    fs.renameSync(`${dir}/root`, `${dir}/moved`);
    build(dir, ['root/f: newcomer']);
    expect((await root.read('f')).buffer.toString()).toBe('in');
    await root.writeAtomic('new', NEW, { durable: false });
    root.ensureDirSync('made');
    expect(fs.readdirSync(`${dir}/root`)).toEqual(['f']);
    expect(fs.readFileSync(`${dir}/moved/new`, 'utf8')).toBe(NEW);
    expect(fs.statSync(`${dir}/moved/made`).isDirectory()).toBe(true);
  });

  test('that was removed fails typed and makes nothing under its old name', async () => {
    const dir = scratch();
    build(dir, ['root/ 0755']);
    using root = openRootSync(`${dir}/root`);
    fs.rmdirSync(`${dir}/root`);
    expect(await failure(() => root.read('f'))).toMatchObject({ code: 'not-found' });
    expect(await failure(() => root.writeAtomic('f', NEW))).toMatchObject({ code: 'not-found' });
    expect(isHoldfastError(await failure(() => root.ensureDir('d')))).toBe(true);
    expect(fs.readdirSync(dir)).toEqual([]);
    // The descriptor still opens what it is of.
    for (const symlinks of POLICIES) {
      for (const itself of ['.', './', './.', `${dir}/root`, `${dir}/root/`]) {
        const gone = { name: 'HoldfastError', code: 'not-found', sysCode: 'ENOENT', message: expect.stringContaining('was removed after it was opened') };
        for (const existing of ['tighten', 'require', 'leave'] as const) {
          expect(await failure(() => root.ensureDir(itself, { symlinks, existing })), itself).toMatchObject(gone);
          expect(await failure(() => root.ensureDirSync(itself, { symlinks, existing })), itself).toMatchObject(gone);
        }
        expect(await failure(() => root.list(itself, { symlinks })), itself).toMatchObject(gone);
        expect(await failure(() => root.listSync(itself, { symlinks, stat: true })), itself).toMatchObject(gone);
        for (const onError of ['throw', 'skip'] as const) {
          expect(await failure(() => allOf(root.walk(itself, { symlinks, onError }))), itself).toMatchObject(gone);
        }
        expect(await failure(() => allOf(root.walk(itself, { symlinks, filter: () => true }))), itself).toMatchObject(gone);
        for (const form of ['read', 'readSync', 'open'] as const) expect(await failure(() => root[form](itself, { symlinks })), itself).toMatchObject(gone);
        for (const form of ['writeAtomic', 'writeAtomicSync'] as const) expect(await failure(() => root[form](itself, NEW, { symlinks })), itself).toMatchObject(gone);
      }
      expect(await failure(() => root.writeAtomic('d/', NEW, { symlinks }))).toMatchObject({ code: 'not-found' });
    }
  });

  async function allOf(entries: AsyncIterable<unknown>): Promise<void> {
    for await (const _ of entries);
  }

  test('that is not empty or is listed by nobody is ensured', async () => {
    const dir = scratch();
    build(dir, ['root/ 0700']);
    using root = openRootSync(`${dir}/root`);
    for (const form of ['ensureDir', 'ensureDirSync'] as const) expect(await root[form]('.')).toMatchObject({ hardening: 'not-needed', path: `${dir}/root` });
  });

  test('may be reached through a link, and then takes absolute paths by either name', async () => {
    const dir = place();
    fs.symlinkSync('root', `${dir}/name`);
    using root = openRootSync(`${dir}/name`);
    expect(root.path).toBe(`${dir}/root`);
    for (const at of [`${dir}/name/f`, `${dir}/root/f`, 'f']) {
      expect(root.readSync(at)).toMatchObject({ realPath: `${dir}/root/f`, containment: expect.stringMatching(/kernel|walk/) });
    }
  });

  test('may be given with .. behind a link, and takes absolute paths by that name under every policy', () => {
    const dir = place();
    fs.symlinkSync('root/d', `${dir}/name`);
    using root = openRootSync(`${dir}/name/../`);
    expect(root.path).toBe(`${dir}/root`);
    for (const symlinks of POLICIES) {
      for (const at of [`${dir}/name/../f`, `${dir}/name/.././d/../f`, `${dir}/root/f`, 'f']) {
        expect(root.readSync(at, { symlinks }).buffer.toString(), `${at}, ${symlinks}`).toBe('in');
      }
      // By its text alone, the second path leads to an object beside the root, which is not its location.
      for (const at of [`${dir}/name/../../outside/s`, `${dir}/f`, `${dir}/name/f`]) {
        expect(() => root.readSync(at, { symlinks }), `${at}, ${symlinks}`).toThrow(expect.objectContaining({ code: 'outside-workspace' }));
      }
    }
  });

  test('lets calls that have started end, refuses every call after close, and closing twice is no error', async () => {
    const dir = place();
    const root = await openRoot(`${dir}/root`);
    const started = [root.read('f'), root.writeAtomic('new', NEW), root.writeAtomic('new', NEW), root.ensureDir('made')] as const;
    root.close();
    root.close();
    const [read, ...others] = await Promise.all(started);
    expect(read.buffer.toString()).toBe('in');
    expect(others.map(({ path }) => path)).toEqual([`${dir}/root/new`, `${dir}/root/new`, `${dir}/root/made`]);
    const calls = [
      () => root.read('f'), () => root.readSync('f'), () => root.open('f'), () => root.writeAtomic('f', NEW),
      () => root.writeAtomicSync('f', NEW), () => root.ensureDir('d'), () => root.ensureDirSync('d'),
    ];
    for (const call of calls) expect(await failure(call)).toMatchObject({ code: 'root-closed', category: 'operational' });
  });

  // The binary caches the root of the last call.
  test('is meant by its own calls, whatever other roots were used, opened or closed between them', async () => {
    const dir = scratch();
    build(dir, ['0/ 0755', '0/f: 0', '1/ 0755', '1/f: 1', '2/ 0755', '2/f: 2']);
    const roots = [0, 1, 2].map((n) => openRootSync(`${dir}/${n}`));
    const read = (n: number): string => roots[n]!.readSync('f').buffer.toString();
    for (const n of [0, 0, 1, 0, 2, 2, 1, 0]) expect(read(n)).toBe(`${n}`);
    roots[0]!.close();
    expect(() => roots[0]!.readSync('f')).toThrow(expect.objectContaining({ code: 'root-closed' }));
    roots[0] = openRootSync(`${dir}/1`);
    for (const n of [0, 1, 0, 2]) expect(read(n)).toBe(`${n || 1}`);
    for (const n of [0, 1, 2]) {
      const { path: written } = roots[n]!.writeAtomicSync(`w${n}`, NEW, { durable: false });
      expect([written, roots[n]!.ensureDirSync(`d${n}`).path]).toEqual([`${dir}/${n || 1}/w${n}`, `${dir}/${n || 1}/d${n}`]);
      expect((await roots[n]!.read('f')).realPath).toBe(`${dir}/${n || 1}/f`);
    }
    for (const root of roots) root.close();
  });

  test('holds no descriptor after close, also when it was used last', () => {
    const dir = place();
    const root = openRootSync(`${dir}/root`);
    root.readSync('f');
    const held = () => fs.readdirSync('/proc/self/fd').map((fd) => { try { return fs.readlinkSync(`/proc/self/fd/${fd}`); } catch { return ''; } });
    if (process.platform === 'linux') expect(held()).toContain(`${dir}/root`);
    root.close();
    if (process.platform === 'linux') expect(held()).not.toContain(`${dir}/root`);
  });

  test('that is closed reports it for any path, also for an invalid one', async () => {
    const root = openRootSync(place());
    root.close();
    const paths: [unknown, string | undefined][] = [
      ['f', 'f'], [Buffer.from('f'), 'f'], [new URL('file:///a/f'), '/a/f'], [1, undefined], [undefined, undefined],
      [Symbol('x'), undefined], [Object.create(null), undefined], [{ get href() { throw new Error('from the getter'); } }, undefined],
    ];
    for (const [given, path] of paths) {
      for (const call of [() => root.read(given as never), () => root.readSync(given as never), () => root.ensureDir(given as never)]) {
        const error = await failure(call);
        expect(error).toMatchObject({ code: 'root-closed' });
        expect(error.path).toBe(path);
      }
    }
  });

  test('closes by both disposers', async () => {
    const dir = place();
    const [one, two] = [openRootSync(`${dir}/root`), openRootSync(`${dir}/root`)];
    one[Symbol.dispose]();
    await two[Symbol.asyncDispose]();
    for (const root of [one, two]) expect(() => root.readSync('f')).toThrow(expect.objectContaining({ code: 'root-closed' }));
  });

  test('has defaults, over which the options of a call win', () => {
    const dir = place();
    using root = openRootSync(`${dir}/root`, { symlinks: 'follow-within-root', maxBytes: 1, mkdir: true, dirMode: 0o750 });
    expect(() => root.readSync('lf')).toThrow(expect.objectContaining({ code: 'too-large' }));
    expect(root.readSync('lf', { maxBytes: 2 }).buffer.toString()).toBe('in');
    expect(() => root.readSync('lf', { maxBytes: 2, symlinks: 'reject' })).toThrow(expect.objectContaining({ code: 'symlink' }));
    root.writeAtomicSync('a/new', NEW, 'utf8');
    expect(fs.statSync(`${dir}/root/a`).mode & 0o777).toBe(0o750);
  });

  test('reads 16 MiB and files with one name by default', () => {
    const dir = place();
    fs.truncateSync(`${dir}/root/f`, 16 * 1024 * 1024 + 1);
    fs.linkSync(`${dir}/root/d/g`, `${dir}/root/again`);
    using root = openRootSync(`${dir}/root`);
    expect(() => root.readSync('f')).toThrow(expect.objectContaining({ code: 'too-large' }));
    expect(root.readSync('f', { maxBytes: Infinity }).buffer.length).toBe(16 * 1024 * 1024 + 1);
    expect(() => root.readSync('again')).toThrow(expect.objectContaining({ code: 'hardlink' }));
    expect(root.readSync('again', { hardlinks: 'allow' }).buffer.toString()).toBe('in');
  });

  test.each([
    { name: 'nothing there', at: 'none', code: 'not-found' },
    { name: 'a file', at: 'root/f', code: 'not-directory' },
    { name: 'an empty path', at: '', code: 'invalid-path' },
  ])('cannot be opened on $name', async ({ at, code }) => {
    const dir = place();
    const given = at && `${dir}/${at}`;
    expect(await failure(() => openRoot(given))).toMatchObject({ code, path: given });
    expect(await failure(() => openRootSync(given))).toMatchObject({ code, path: given });
  });
});

describe('a method without its root', () => {
  const methods = ['read', 'open', 'writeAtomic', 'writeAtomicMany', 'ensureDir', Symbol.asyncDispose] as const;
  const syncMethods = ['readSync', 'writeAtomicSync', 'ensureDirSync', 'close', Symbol.dispose] as const;
  const wanted = { name: 'TypeError', code: 'ERR_INVALID_THIS', message: expect.stringContaining('without its Root') };

  it.each([undefined, null, 'a string', {}, Object.create(null)])('fails with a TypeError: this is %o', async (receiver) => {
    const dir = scratch();
    using root = openRootSync(dir) as any;
    for (const name of methods) {
      const promise = root[name].call(receiver, 'f', 'data');
      await expect(promise, String(name)).rejects.toMatchObject(wanted);
    }
    for (const name of syncMethods) expect(() => root[name].call(receiver, 'f', 'data'), String(name)).toThrow(expect.objectContaining(wanted));
    const error = await failure(() => root.read.call(receiver, 'f'));
    expect(error.message).toContain('read');
    expect(error.stack.split('\n').find((line: string) => /^\s+at /.test(line))).toContain('roots.spec.ts');
  });

  it('fails likewise for a staged file', async () => {
    const dir = scratch();
    await using staged = await stageAtomic(`${dir}/f`);
    const { commit, abort } = staged;
    for (const act of [() => commit(), () => abort()]) {
      const promise = act();
      await expect(promise).rejects.toMatchObject({ code: 'ERR_INVALID_THIS', message: expect.stringContaining('without its StagedFile') });
    }
    expect((await staged.commit()).size).toBe(0);
  });
});
