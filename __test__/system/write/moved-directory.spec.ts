// The directory of a stream or a staged file, or the parent of one that is made, is renamed, replaced, removed or unmounted before publication.
import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { stageAtomic, writeAtomic, type WriteResult } from '../../../index.mjs';
import { outcome } from '../../helpers/forms.js';
import { placeInMemory } from '../../helpers/scratch.js';
import { Driver, rootRequest, verbRequest, type Request } from '../../helpers/sys-driver.js';
import { strays } from '../../helpers/sys-layout.js';
import { needs } from '../../helpers/sys-needs.js';
import { buildC, makeDir, scratch } from '../../helpers/sys-scratch.js';
import { watch } from '../../helpers/sys-strace.js';

let base: string;
let inMemory: string;
let count = 0;

beforeAll(() => {
  base = scratch();
  inMemory = fs.mkdtempSync(join(placeInMemory() ?? base, 'hf-moved-'));
});

afterAll(() => fs.rmSync(inMemory, { recursive: true, force: true }));

type Write = (file: string, act: () => void, options?: object) => Promise<WriteResult>;

const staged: Write = async (file, act, options = {}) => {
  const stage = await stageAtomic(file, options);
  await stage.handle.writeFile('new');
  act();
  return stage.commit();
};

const streamed: Write = (file, act, options = {}) => {
  const chunks = async function* () {
    yield 'n'.repeat(100_000);
    act();
    yield 'ew';
  };
  return writeAtomic(file, chunks(), options);
};

describe.each([
  ['a staged file', staged],
  ['a stream', streamed],
])('the directory of %s', (_what, write) => {
  let top: string;
  let dir: string;

  beforeEach(() => {
    top = makeDir(inMemory, `top-${count++}`, 0o755);
    dir = join(top, 'sub/deep');
    fs.mkdirSync(dir, { recursive: true });
    fs.writeFileSync(join(dir, 'old'), 'old');
  });

  const moves: [how: string, move: (top: string) => void, now: string][] = [
    ['was renamed', (at) => fs.renameSync(`${at}/sub`, `${at}/moved`), 'moved/deep'],
    ['was renamed, and another has its name', (at) => (fs.renameSync(`${at}/sub`, `${at}/moved`), fs.mkdirSync(`${at}/sub/deep`, { recursive: true })), 'moved/deep'],
    ['was renamed, and a link to another has its name', (at) => (fs.renameSync(`${at}/sub`, `${at}/moved`), fs.mkdirSync(`${at}/x/deep`, { recursive: true }), fs.symlinkSync('x', `${at}/sub`)), 'moved/deep'],
    ['was renamed, and a file has its name', (at) => (fs.renameSync(`${at}/sub`, `${at}/moved`), fs.writeFileSync(`${at}/sub`, '')), 'moved/deep'],
    ['was exchanged for a dangling link', (at) => (fs.renameSync(`${at}/sub/deep`, `${at}/moved`), fs.symlinkSync('nowhere', `${at}/sub/deep`)), 'moved'],
    ['was exchanged for a link to itself', (at) => (fs.renameSync(`${at}/sub/deep`, `${at}/moved`), fs.symlinkSync('deep', `${at}/sub/deep`)), 'moved'],
  ];

  describe.each(moves)('that %s', (_how, move, now) => {
    it.each([
      ['old', 'follow-parents'],
      ['new', 'follow-parents'],
      ['new', 'reject'],
      ['new', 'follow-trusted'],
    ] as const)('gets nothing under the name %s with symlinks: %s', async (name, symlinks) => {
      const { error } = await outcome(() => write(join(dir, name), () => move(top), { symlinks }));
      expect(error).toMatchObject({ name: 'HoldfastError', code: 'path-mismatch', path: join(dir, name) });
      expect(error.message).toMatch(/moved or replaced/);
      expect(strays(join(top, now), 'old')).toEqual([]);
      expect(fs.readFileSync(join(top, now, 'old'), 'utf8')).toBe('old');
    });
  });

  it('that was removed is not-found', async () => {
    fs.rmSync(join(dir, 'old'));
    const { error } = await outcome(() => write(join(dir, 'new'), () => fs.rmSync(join(top, 'sub'), { recursive: true })));
    expect(error).toMatchObject({ name: 'HoldfastError', code: 'not-found' });
  });

  it.each([true, 'file'] as const)('that was removed, and perhaps made again, is told so where the temporary gets a name before the sync: durable %s', async (durable) => {
    // On a disk: only without a journal the name comes first.
    const onDisk = makeDir(base, `top-${count++}`, 0o755);
    for (const [again, code] of [[false, 'not-found'], [true, 'path-mismatch']] as const) {
      fs.mkdirSync(join(onDisk, 'd'), { recursive: true });
      const remove = (): void => {
        fs.rmSync(join(onDisk, 'd'), { recursive: true });
        if (again) fs.mkdirSync(join(onDisk, 'd'));
      };
      const { error } = await outcome(() => write(join(onDisk, 'd/new'), remove, { durable }));
      expect(error).toMatchObject({ name: 'HoldfastError' });
      // The staged file is gone with its directory, whatever has the name now.
      if (_what === 'a stream') expect(error).toMatchObject({ code });
      fs.rmSync(join(onDisk, 'd'), { recursive: true, force: true });
    }
  });

  it('that came back before the end gets the file', async () => {
    const result = await write(join(dir, 'old'), () => (fs.renameSync(dir, join(top, 'x')), fs.renameSync(join(top, 'x'), dir)));
    expect(result).toMatchObject({ path: join(dir, 'old'), durable: true });
    expect(fs.statSync(result.path).ino).toBe(result.ino);
  });

  // Only the link has changed: the directory is where `path` says.
  it('whose link leads elsewhere since gets the file, and the result has its real path', async () => {
    fs.mkdirSync(join(top, 'other'));
    fs.symlinkSync('sub/deep', join(top, 'current'));
    const relink = (): void => (fs.rmSync(join(top, 'current')), fs.symlinkSync('other', join(top, 'current')));
    const result = await write(join(top, 'current/old'), relink);
    expect(result).toMatchObject({ path: join(dir, 'old'), durable: true });
    expect(fs.statSync(result.path).ino).toBe(result.ino);
    expect(fs.readdirSync(join(top, 'other'))).toEqual([]);
  });

  it('whose link leads elsewhere since, and that was renamed, gets nothing', async () => {
    fs.symlinkSync('sub/deep', join(top, 'current'));
    const relink = (): void => (fs.renameSync(dir, join(top, 'v1')), fs.rmSync(join(top, 'current')), fs.symlinkSync('v1', join(top, 'current')));
    const { error } = await outcome(() => write(join(top, 'current/old'), relink));
    expect(error).toMatchObject({ code: 'path-mismatch' });
    expect(fs.readFileSync(join(top, 'v1/old'), 'utf8')).toBe('old');
  });

  it('whose link leads elsewhere since, and that was renamed, gets nothing beneath a root either', async () => {
    fs.symlinkSync('sub/deep', join(top, 'current'));
    const relink = (): void => (fs.renameSync(dir, join(top, 'v1')), fs.rmSync(join(top, 'current')), fs.symlinkSync('v1', join(top, 'current')));
    const { error } = await outcome(() => write('current/old', relink, { root: top, symlinks: 'follow-within-root' }));
    expect(error).toMatchObject({ code: 'path-mismatch' });
    expect(fs.readFileSync(join(top, 'v1/old'), 'utf8')).toBe('old');
  });

  it('that has a link to it in its former place gets the file, as the policy allows', async () => {
    const move = (): void => (fs.renameSync(join(top, 'sub'), join(top, 'moved')), fs.symlinkSync('moved', join(top, 'sub')));
    const back = (): void => (fs.rmSync(join(top, 'sub')), fs.renameSync(join(top, 'moved'), join(top, 'sub')));
    expect((await outcome(() => write(join(dir, 'old'), move, { symlinks: 'reject' }))).error).toMatchObject({ code: 'path-mismatch' });
    back();
    for (const symlinks of ['follow-parents', 'follow-trusted'] as const) {
      const { path, ino } = await write(join(dir, 'old'), move, { symlinks });
      expect(fs.statSync(path).ino).toBe(ino);
      // Without the link.
      expect(path).toBe(join(top, 'moved/deep/old'));
      back();
    }
  });

  it('is found where its real path is longer than a path may be', async () => {
    let deep = dir;
    fs.symlinkSync(dir, join(top, 'short-0'));
    for (let step = 1; step <= 20; step += 1) {
      fs.mkdirSync(join(top, `short-${step - 1}`, 'd'.repeat(240)));
      fs.symlinkSync(join(`short-${step - 1}`, 'd'.repeat(240)), join(top, `short-${step}`));
      deep = join(deep, 'd'.repeat(240));
    }
    expect(deep.length).toBeGreaterThan(4096);
    await write(join(top, 'short-20/f'), () => {});
    expect(fs.existsSync(join(top, 'short-20/f'))).toBe(true);
    execFileSync('rm', ['-rf', dir]);
  });
});

needs('root', 'unshare', 'mount', 'gcc')('the directory of a staged file', () => {
  const inOwnNamespace = ['unshare', '--mount', '--propagation', 'private'];

  describe.each(['openat2', 'walk'])('resolved by %s', (resolver) => {
    let driver: Driver;
    let top: string;
    let dir: string;

    beforeAll(async () => {
      driver = await Driver.start({ launcher: resolver === 'walk' ? [...inOwnNamespace, buildC('seccomp-deny'), 'openat2=ENOSYS'] : inOwnNamespace });
    });

    beforeEach(() => {
      top = makeDir(base, `mounted-${count++}`, 0o755);
      dir = makeDir(top, 'dir', 0o755);
    });

    const stage = (file: string, meanwhile?: string) => driver.ask({ stage: file, content: 'new', args: [{}], ...(meanwhile && { meanwhile: ['sh', '-c', meanwhile] }) });

    it.each([
      ['unmounted', () => `umount --lazy ${dir}`],
      ['hidden by another mount', () => `mount -t tmpfs tmpfs ${dir}`],
    ])('gets nothing when it was %s', async (_how, command) => {
      await driver.exec('mount', '-t', 'tmpfs', 'tmpfs', dir);
      const { error } = await stage(join(dir, 'f'), command());
      expect(error).toMatchObject({ isHoldfastError: true, code: 'path-mismatch' });
      expect(await driver.fs('readdirSync', dir)).toEqual([]);
    });

    it('gets the file where it is a bind mount, and by the path of either', async () => {
      const other = makeDir(top, 'other', 0o755);
      await driver.exec('mount', '--bind', dir, other);
      for (const file of [join(dir, 'f'), join(other, 'f')]) {
        const { value } = await stage(file);
        expect(value).toMatchObject({ path: file });
        expect(await driver.fs('readFileSync', file, 'utf8')).toBe('new');
      }
      // The same directory is still there, by another mount.
      const { value } = await stage(join(other, 'f'), `mount --bind ${dir} ${other}`);
      expect(value).toMatchObject({ path: join(other, 'f'), created: false });
    });

    it('gets the file on an overlay, where the write copies the directory up', async () => {
      for (const name of ['lower/sub', 'upper', 'work']) fs.mkdirSync(join(top, name), { recursive: true });
      fs.writeFileSync(join(top, 'lower/sub/f'), 'old');
      const layers = `lowerdir=${top}/lower,upperdir=${top}/upper,workdir=${top}/work`;
      await driver.exec('mount', '-t', 'tmpfs', 'tmpfs', join(top, 'upper'));
      for (const name of ['u', 'w']) await driver.fs('mkdirSync', join(top, 'upper', name));
      // Upper and lower layer are two file systems.
      await driver.exec('mount', '-t', 'overlay', 'overlay', '-o', layers.replace('/upper,', '/upper/u,').replace(`${top}/work`, `${top}/upper/w`), dir);
      const { value } = await stage(join(dir, 'sub/f'));
      expect(value).toMatchObject({ path: join(dir, 'sub/f'), created: false });
      expect(await driver.fs('readFileSync', join(dir, 'sub/f'), 'utf8')).toBe('new');
      const moved = await stage(join(dir, 'sub/f'), `chmod 0750 ${dir}/sub`);
      expect(moved.error).toBeUndefined();
    });
  });
});

needs('root', 'unshare', 'gcc', '/dev/fuse')('the directory of a staged file on a file system that folds cases', () => {
  it('gets the file by any spelling', async () => {
    const dir = makeDir(base, `folds-${count++}`, 0o755);
    const driver = await Driver.start({ launcher: ['unshare', '--mount', '--propagation', 'private', buildC('odd-fs'), dir, 'folds-cases'] });
    for (const name of ['File', 'FILE']) expect((await driver.ask({ stage: join(dir, name), content: 'new', args: [{}] })).error).toBeUndefined();
    await driver.end();
  });
});

needs('root', 'strace')('the parent of a directory that is made, and takes longer than 100 ms', () => {
  let driver: Driver;
  let outside: string;
  let root: string;

  beforeAll(async () => {
    driver = await Driver.start();
  });

  const layOut = async (where: string): Promise<void> => {
    root = fs.realpathSync(makeDir(where === 'memory' ? inMemory : base, `parent-${count++}`, 0o755));
    outside = makeDir(where === 'memory' ? inMemory : base, `outside-${count++}`, 0o755);
    fs.mkdirSync(join(root, 'par'));
    fs.writeFileSync(join(root, 'from'), 'from');
    await driver.openRoot(root);
  };

  /** Returns the answer to a request; the parent is moved while the first call of this kind takes long. */
  const whileSlow = async (syscall: string, request: Request, to = join(outside, 'par'), thread?: number) => {
    const whileStopped = async (): Promise<void> => {
      fs.renameSync(join(root, 'par'), to);
      await sleep(120);
    };
    return (await watch(driver, request, { thread, inject: [{ syscall, effect: 'signal=STOP', when: 1 }], whileStopped })).answer;
  };

  const mkdir = { mkdir: true, dirMode: 0o700 };
  const requests: [what: string, request: () => Request][] = [
    ['writeAtomicSync', () => verbRequest('sync', 'writeAtomic', join(root, 'par/x/f'), 'new', mkdir)],
    ['writeAtomic', () => verbRequest('async', 'writeAtomic', join(root, 'par/x/f'), 'new', mkdir)],
    ['writeAtomicMany', () => ({ call: 'writeAtomicMany', args: [[{ file: join(root, 'par/x/f'), data: 'new' }], mkdir] })],
    ['writeAtomicSync of a root', () => rootRequest(root, 'sync', 'writeAtomic', 'par/x/f', 'new', mkdir)],
    ['writeAtomic of a root', () => rootRequest(root, 'async', 'writeAtomic', 'par/x/f', 'new', mkdir)],
    ['rename of a root', () => rootRequest(root, 'sync', 'rename', 'from', 'par/x/f', { mkdir: true })],
  ];
  const rows = ['mkdirat', 'fsync'].flatMap((syscall) => requests.map(([what, request]) => [syscall, what, request] as const));

  it.each(rows)('gets nothing when it is moved out during the %s: %s', async (syscall, what, request) => {
    await layOut('disk');
    const { value, error } = await whileSlow(syscall, request());
    expect(what === 'writeAtomicMany' ? value[0].reason : error).toMatchObject({ code: 'path-mismatch' });
    expect(strays(join(outside, 'par/x'))).toEqual([]);
    expect(fs.readFileSync(join(root, 'from'), 'utf8')).toBe('from');
  });

  it.each(requests)('gets nothing when it is moved within its root: %s', async (what, request) => {
    await layOut('disk');
    const { value, error } = await whileSlow('mkdirat', request(), join(root, 'moved'));
    expect(what === 'writeAtomicMany' ? value[0].reason : error).toMatchObject({ code: 'path-mismatch' });
    expect(strays(join(root, 'moved/x'))).toEqual([]);
  });

  it.each([
    ['disk', 'sync'],
    ['disk', 'async'],
    ['memory', 'sync'],
  ] as const)('is not where ensureDir reports its directory: on %s, %s', async (where, how) => {
    for (const [request, path] of [
      [() => verbRequest(how, 'ensureDir', join(root, 'par/x')), () => join(root, 'par/x')],
      [() => rootRequest(root, how, 'ensureDir', 'par/x'), () => 'par/x'],
    ] as const) {
      await layOut(where);
      const { error } = await whileSlow('mkdirat', request());
      expect(error).toMatchObject({ code: 'path-mismatch', path: path() });
      expect(error?.message).toMatch(/was moved during the call/);
    }
  });

  it('is made again by an ensureDir in memory that began on the calling thread', async () => {
    await layOut('memory');
    fs.mkdirSync(join(root, 'known'));
    for (let round = 0; round < 2; round += 1) await driver.must(rootRequest(root, 'async', 'ensureDir', 'known'));
    const { value } = await whileSlow('mkdirat', rootRequest(root, 'async', 'ensureDir', 'par/x'), join(outside, 'par'), driver.pid);
    expect(value).toMatchObject({ path: join(root, 'par/x') });
    expect(fs.statSync(join(root, 'par/x')).isDirectory()).toBe(true);
  });

  it('may be slow', async () => {
    for (const where of ['disk', 'memory']) {
      await layOut(where);
      const stop = [{ syscall: 'mkdirat', effect: 'signal=STOP', when: 1 }];
      const { answer } = await watch(driver, rootRequest(root, 'async', 'ensureDir', 'par/x'), { inject: stop, whileStopped: () => sleep(120) });
      expect(answer.value).toMatchObject({ hardening: 'created', path: join(root, 'par/x') });
    }
  });
});
