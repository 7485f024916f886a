// Changes by others during a long write: modes, targets, directories, and symlinks that are refused at its end.
import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openRootSync, stageAtomic, writeAtomic } from '../../../index.mjs';
import { outcome } from '../../helpers/forms.js';
import { placeInMemory } from '../../helpers/scratch.js';
import { Driver, rootRequest, verbRequest, type Answer, type Request } from '../../helpers/sys-driver.js';
import { both, modeOf, octal, ownedFile, ownerOf, strays } from '../../helpers/sys-layout.js';
import { needs } from '../../helpers/sys-needs.js';
import { buildC, makeDir, scratch } from '../../helpers/sys-scratch.js';
import { watch } from '../../helpers/sys-strace.js';

let base: string;
let inMemory: string;
let count = 0;

beforeAll(() => {
  base = scratch();
  inMemory = fs.mkdtempSync(join(placeInMemory() ?? base, 'hf-long-'));
  fs.chmodSync(inMemory, 0o755);
});

afterAll(() => fs.rmSync(inMemory, { recursive: true, force: true }));

const place = (where: string): string => makeDir(where === 'memory' ? inMemory : base, `place-${count++}`, 0o755);

/** Milliseconds after the first stat of a target until it is stale. */
const STALE_AFTER = 100;

/**
 * Returns the result of a request whose first sync takes longer than that. Runs `act` meanwhile: the driver is stopped.
 */
async function whileSyncing(driver: Driver, request: Request, act: () => void): Promise<Answer> {
  const stop = [{ syscall: 'fsync', effect: 'signal=STOP', when: 1 }];
  const whileStopped = async (): Promise<void> => {
    act();
    await sleep(STALE_AFTER + 20);
  };
  return (await watch(driver, request, { inject: stop, whileStopped })).answer;
}

needs('root', 'strace', 'setfacl', 'getfacl')('a target that changes during a write', () => {
  let driver: Driver;

  beforeAll(async () => {
    driver = await Driver.start();
  });

  const requests: [what: string, request: (file: string, options?: object) => Request][] = [
    ['writeAtomicSync', (file, options = {}) => verbRequest('sync', 'writeAtomic', file, 'new', options)],
    ['writeAtomic', (file, options = {}) => verbRequest('async', 'writeAtomic', file, 'new', options)],
    ['a stream', (file, options = {}) => ({ stream: file, pieces: 1, options })],
    ['a staged file', (file, options = {}) => ({ stage: file, content: 'new', args: [options] })],
    ['writeAtomicMany', (file, options = {}) => ({ call: 'writeAtomicMany', args: [[{ file, data: 'new' }], options] })],
  ];
  const rows = ['disk', 'memory'].flatMap((where) => requests.map(([what, request]) => [where, what, request] as const));

  it.each(rows)('keeps the mode that a chmod has set meanwhile (%s, %s)', async (where, _what, request) => {
    const dir = place(where);
    const file = ownedFile(dir, 'file', 0, 0, 0o664);
    const { error } = await whileSyncing(driver, request(file), () => fs.chmodSync(file, 0o600));
    expect(error).toBeUndefined();
    expect(octal(modeOf(file))).toBe('0600');
    expect(fs.readFileSync(file, 'utf8')).not.toBe('old');
    expect(strays(dir, 'file')).toEqual([]);
  });

  it.each(rows)('keeps owner and ACL that were set meanwhile (%s, %s)', async (where, _what, request) => {
    const file = ownedFile(place(where), 'file', 0, 0, 0o644);
    const { error } = await whileSyncing(driver, request(file), () => {
      fs.chownSync(file, 1001, 1002);
      execFileSync('setfacl', ['-m', 'u:1003:r', file]);
    });
    expect(error).toBeUndefined();
    expect(ownerOf(file)).toEqual([1001, 1002]);
    expect(execFileSync('getfacl', ['-cnp', file], { encoding: 'utf8' })).toContain('user:1003:r--');
  });

  it.each(rows)('keeps the mode of a file that was created meanwhile (%s, %s)', async (where, what, request) => {
    const dir = place(where);
    const file = join(dir, 'file');
    const { value } = await whileSyncing(driver, request(file), () => fs.writeFileSync(file, 'theirs', { mode: 0o600 }));
    const result = what === 'writeAtomicMany' ? value[0].value : value;
    expect(result).toMatchObject({ created: false, mode: 0o600 });
    expect(octal(modeOf(file))).toBe('0600');
    expect(strays(dir, 'file')).toEqual([]);
  });

  it.each(rows)('has the mode that was given, whatever was set meanwhile (%s, %s)', async (where, _what, request) => {
    const file = ownedFile(place(where), 'file', 0, 0, 0o664);
    await whileSyncing(driver, request(file, { mode: 0o644 }), () => fs.chmodSync(file, 0o600));
    expect(octal(modeOf(file))).toBe('0644');
  });

  it.each(rows)('is not replaced when it became a link meanwhile (%s, %s)', async (where, what, request) => {
    const dir = place(where);
    const file = ownedFile(dir, 'file', 0, 0, 0o644);
    const { value, error } = await whileSyncing(driver, request(file), () => (fs.rmSync(file), fs.symlinkSync('elsewhere', file)));
    expect(what === 'writeAtomicMany' ? value[0].reason : error).toMatchObject({ code: 'symlink' });
    expect(fs.readlinkSync(file)).toBe('elsewhere');
    expect(strays(dir, 'file')).toEqual([]);
  });
});

describe('a directory that leaves its root during a write', () => {
  const moves: [how: string, move: (root: string) => void][] = [
    ['is moved out of it', (root) => fs.renameSync(`${root}/sub`, `${root}.outside/sub`)],
    ['is moved out of it, and another one has its name', (root) => (fs.renameSync(`${root}/sub`, `${root}.outside/sub`), fs.mkdirSync(`${root}/sub`))],
    ['is moved out of it, and a link leads to it', (root) => (fs.renameSync(`${root}/sub`, `${root}.outside/sub`), fs.symlinkSync(`${root}.outside/sub`, `${root}/sub`))],
    ['is moved within it', (root) => fs.renameSync(`${root}/sub`, `${root}/other`)],
  ];

  function layOut(): string {
    const root = makeDir(base, `root-${count++}`, 0o755);
    makeDir(`${root}/..`, `${root.split('/').pop()}.outside`, 0o755);
    fs.mkdirSync(`${root}/sub/deep`, { recursive: true });
    fs.writeFileSync(`${root}/sub/deep/old`, 'old');
    return root;
  }

  /**
   * Returns the contents of all files beneath a directory. Follows no symlink, which a recursive `readdir` of Node 22
   * does.
   */
  const below = (dir: string): string[] =>
    fs.readdirSync(dir, { withFileTypes: true }).flatMap((entry) => {
      const path = join(dir, entry.name);
      return entry.isDirectory() ? below(path) : entry.isFile() ? [fs.readFileSync(path, 'utf8')] : [];
    });
  const contents = (root: string): string[] => [root, `${root}.outside`].flatMap(below);

  const mismatch = { name: 'HoldfastError', code: 'path-mismatch' };

  describe.each(moves)('that %s', (_how, move) => {
    it.each(['sub/deep/old', 'sub/deep/new'])('gets nothing of a stream to %s', async (file) => {
      const root = layOut();
      const chunks = async function* () {
        yield 'x'.repeat(100_000);
        move(root);
        yield 'y';
      };
      expect((await outcome(() => writeAtomic(file, chunks(), { root }))).error).toMatchObject({ ...mismatch, path: file });
      expect(contents(root)).toEqual(['old']);
    });

    it.each(['follow-parents', 'follow-within-root', 'follow-trusted'] as const)('gets nothing of a stream with symlinks: %s', async (symlinks) => {
      const root = layOut();
      const pinned = openRootSync(root);
      const chunks = async function* () {
        yield 'x'.repeat(100_000);
        move(root);
      };
      expect((await outcome(() => pinned.writeAtomic('sub/deep/old', chunks(), { symlinks }))).error).toMatchObject(mismatch);
      expect(contents(root)).toEqual(['old']);
      pinned.close();
    });

    it.each(['sub/deep/old', 'sub/deep/new'])('gets nothing of a staged file at %s', async (file) => {
      const root = layOut();
      const staged = await stageAtomic(file, { root });
      await staged.handle.writeFile('staged');
      move(root);
      expect((await outcome(() => staged.commit())).error).toMatchObject(mismatch);
      expect(contents(root)).toEqual(['old']);
    });
  });

  it('is no hindrance when it comes back before the end', async () => {
    const root = layOut();
    const staged = await stageAtomic('sub/deep/old', { root });
    await staged.handle.writeFile('staged');
    fs.renameSync(`${root}/sub`, `${root}.outside/sub`);
    fs.renameSync(`${root}.outside/sub`, `${root}/sub`);
    expect(await staged.commit()).toMatchObject({ size: 6, containment: 'kernel' });
    expect(contents(root)).toEqual(['staged']);
  });

  it('is not-found when it was removed', async () => {
    const root = layOut();
    const staged = await stageAtomic('sub/deep/new', { root });
    fs.rmSync(`${root}/sub`, { recursive: true });
    expect((await outcome(() => staged.commit())).error).toMatchObject({ name: 'HoldfastError', code: 'not-found' });
  });

  describe.each(['openat2', 'walk'])('resolved by %s', (resolver) => {
    needs('root', 'strace', 'gcc')('a whole write that takes long', () => {
      it.each(both.flatMap((how) => moves.map(([what, move]) => [how, what, move] as const)))('publishes nothing there (%s): the directory %s', async (how, _what, move) => {
        const root = layOut();
        const driver = await Driver.start({ launcher: resolver === 'walk' ? [buildC('seccomp-deny'), 'openat2=ENOSYS'] : [] });
        await driver.openRoot(root);
        const { error } = await whileSyncing(driver, rootRequest(root, how, 'writeAtomic', 'sub/deep/old', 'new', {}), () => move(root));
        expect(error).toMatchObject({ isHoldfastError: true, code: 'path-mismatch', path: 'sub/deep/old' });
        expect(contents(root)).toEqual(['old']);
        await driver.end();
      });
    });
  });
});

needs('root', 'gcc')('where linkat is refused', () => {
  it.each(['EPERM', 'EACCES', 'ENOSYS'])('a stream is published all the same: %s', async (errno) => {
    const dir = place('disk');
    const driver = await Driver.start({ launcher: [buildC('seccomp-deny'), `linkat=${errno}`] });
    const old = ownedFile(dir, 'old', 1001, 1002, 0o640);
    for (const durable of [true, false]) {
      expect((await driver.ask({ stream: join(dir, `new-${durable}`), pieces: 3, options: { durable } })).value).toMatchObject({ created: true, size: 210_000, mode: 0o644, durable, preserved: null });
      expect((await driver.ask({ stream: old, pieces: 4, options: { durable } })).value).toMatchObject({ created: false, size: 280_000, mode: 0o640, preserved: { mode: true, acl: true, owner: true } });
      expect((await driver.ask({ stream: join(dir, `only-${durable}`), pieces: 1, options: { durable, overwrite: false } })).value).toMatchObject({ created: true, size: 70_000 });
    }
    expect(ownerOf(old)).toEqual([1001, 1002]);
    for (const name of fs.readdirSync(dir)) expect(/^x+$/.test(fs.readFileSync(join(dir, name), 'utf8'))).toBe(true);
    expect(fs.readdirSync(dir).filter((name) => name.startsWith('.'))).toEqual([]);
    await driver.end();
  });

  needs('strace')('once, at the end of a stream', () => {
    it.each(['EPERM', 'EACCES'])('the open file is copied to one with a name: %s', async (errno) => {
      const dir = place('disk');
      const driver = await Driver.start();
      const file = ownedFile(dir, 'file', 0, 0, 0o640);
      const { answer, calls } = await watch(driver, { stream: file, pieces: 3, options: {} }, { inject: [{ syscall: 'linkat', effect: `error=${errno}`, when: 1 }] });
      expect(calls.some(({ result }) => result.includes('INJECTED'))).toBe(true);
      expect(answer.value).toMatchObject({ size: 210_000, mode: 0o640, method: 'rename' });
      expect(fs.readFileSync(file, 'utf8')).toBe('x'.repeat(210_000));
      expect(strays(dir, 'file')).toEqual([]);
      await driver.end();
    });
  });
});
