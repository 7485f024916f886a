// The system calls of each verb and their order, counted by strace: the only measure that is independent of the
// machine.
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Driver, rootRequest, verbRequest, type RootMethod, type Verb } from '../../helpers/sys-driver.js';
import { syncsLinks } from '../../helpers/journal.js';
import { both, ownedDir, ownedFile } from '../../helpers/sys-layout.js';
import { needs } from '../../helpers/sys-needs.js';
import { scratch } from '../../helpers/sys-scratch.js';
import { fileCalls, isFileCall, names, watch, type SystemCall } from '../../helpers/sys-strace.js';

const underStrace = needs('root', 'strace');

underStrace('system calls', () => {
  let base: string;
  let driver: Driver;

  beforeAll(async () => {
    base = scratch();
    driver = await Driver.start();
  });

  /** Returns the file calls of one request in the steady state, after earlier equal requests. */
  async function costOf(how: 'sync' | 'async', verb: Verb, ...args: unknown[]): Promise<SystemCall[]> {
    const request = verbRequest(how, verb, ...args);
    for (let warmUp = 0; warmUp < 2; warmUp++) await driver.must(request);
    const { answer, calls } = await watch(driver, { ...request, marked: true });
    expect(answer.error).toBeUndefined();
    return fileCalls(calls);
  }

  describe.each(both)('counted, %s', (how) => {
    let dir: string;
    let count = 0;

    beforeEach(() => {
      dir = ownedDir(base, `counted-${how}-${count++}`, 0, 0, 0o700);
    });

    it.each([
      ['of 0 bytes', 0, 1],
      ['of 1 KiB', 1024, 1],
      ['of 64 KiB', 65536, 1],
      ['of 1 MiB', 1 << 20, 1],
      ['of 1 KiB, eight directories down', 1024, 8],
    ])('a read %s is 4 calls', async (_title, size, depth) => {
      const folders = Array.from({ length: depth - 1 }, (_, n) => `d${n}`);
      await driver.must({ fs: 'mkdirSync', args: [join(dir, ...folders), { recursive: true }] });
      const file = ownedFile(join(dir, ...folders), 'file', 0, 0, 0o644, 'x'.repeat(size));
      const cost = names(await costOf(how, 'readLocalFileSafely', file));
      expect(cost).toHaveLength(4);
      expect(cost[0]).toBe('openat2');
      expect(cost[1]).toMatch(/^(fstat|newfstatat|statx)$/);
      expect(cost[2]).toMatch(/^(p?readv2?|read|pread64)$/);
      expect(cost[3]).toBe('close');
    });

    it.each([
      ['mode 0600, not synced', 8, { mode: 0o600, durable: false }],
      ['mode 0644, not synced', 8, { mode: 0o644, durable: false }],
      // One more than for a temporary with a name: this one gets its name after its sync.
      ['mode 0600, the file synced', 10, { mode: 0o600, durable: 'file' }],
      ['mode 0600, synced', 11, { mode: 0o600 }],
      ['mode 0644, synced', 11, { mode: 0o644 }],
    ])('an overwrite with %s is %i calls', async (_title, expected, options) => {
      const file = join(dir, 'file');
      const cost = await costOf(how, 'writeAtomic', file, 'x'.repeat(1024), options);
      expect(names(cost)).toHaveLength(expected);
    });

    it.each([
      ['not synced', 8, { mode: 0o600, durable: false }],
      // Without a journal it is linked twice: to a temporary name before its sync.
      ['synced', syncsLinks(tmpdir()) ? 10 : 11, { mode: 0o600 }],
    ])('a new file with a given mode, %s, is %i calls', async (_title, expected, options) => {
      for (const name of ['one', 'two']) await driver.must(verbRequest(how, 'writeAtomic', join(dir, name), 'x', options));
      const request = verbRequest(how, 'writeAtomic', join(dir, 'three'), 'x', options);
      const { answer, calls } = await watch(driver, { ...request, marked: true });
      expect(answer.value).toMatchObject({ created: true });
      expect(names(fileCalls(calls))).toHaveLength(expected);
    });

    it.each(['.', 'a/b/c/d/e/f'])('ensureDir on an existing private directory (%s) is 3 calls', async (below) => {
      const cost = names(await costOf(how, 'ensureDir', join(dir, below)));
      expect(cost).toHaveLength(3);
      expect(cost[0]).toBe('openat2');
      expect(cost[2]).toBe('close');
    });

    it('ensureDir that tightens is 6 calls', async () => {
      for (let warmUp = 0; warmUp < 2; warmUp++) {
        await driver.fs('chmodSync', dir, 0o755);
        expect((await driver.must(verbRequest(how, 'ensureDir', dir))).hardening).toBe('tightened');
      }
      await driver.fs('chmodSync', dir, 0o755);
      const { answer, calls } = await watch(driver, { ...verbRequest(how, 'ensureDir', dir), marked: true });
      expect(answer.value).toMatchObject({ hardening: 'tightened', mode: 0o700 });
      expect(names(fileCalls(calls))).toHaveLength(6);
    });
  });

  describe.each(both)('counted through a held root, %s', (how) => {
    let root: string;
    let count = 0;
    const below = (depth: number): string => `${'d/'.repeat(depth)}file`;

    beforeEach(async () => {
      root = ownedDir(base, `root-${how}-${count++}`, 0, 0, 0o700);
      await driver.fs('mkdirSync', join(root, 'd/'.repeat(30)), { recursive: true, mode: 0o700 });
      await driver.openRoot(root);
    });

    async function costThrough(method: RootMethod, ...args: unknown[]): Promise<string[]> {
      const request = rootRequest(root, how, method, ...args);
      for (let warmUp = 0; warmUp < 2; warmUp++) await driver.must(request);
      const { answer, calls } = await watch(driver, { ...request, marked: true });
      expect(answer.value).toMatchObject({ containment: 'kernel' });
      return names(fileCalls(calls));
    }

    it.each([0, 1, 7, 30])('a read is 4 calls at any depth (%i)', async (depth) => {
      await driver.fs('writeFileSync', join(root, below(depth)), 'content');
      expect(await costThrough('read', below(depth))).toHaveLength(4);
    });

    it.each([
      ['directly in it, is 6 calls', 0, 6, false],
      ['beneath it, is 8 calls', 1, 8, false],
      ['deep beneath it, is 8 calls', 7, 8, false],
      ['thirty directories beneath it, is 8 calls', 30, 8, false],
    ])('a write with a given mode, not synced, %s', async (_title, depth, expected, durable) => {
      expect(await costThrough('writeAtomic', below(depth), 'content', { mode: 0o600, durable })).toHaveLength(expected);
    });

    it.each(['d', 'd/d/d'])('ensureDir on an existing private directory (%s) is 3 calls', async (dir) => {
      expect(await costThrough('ensureDir', dir)).toHaveLength(3);
    });
  });

  describe.each(both)('in order, %s', (how) => {
    let dir: string;
    let count = 0;

    beforeEach(() => {
      dir = ownedDir(base, `ordered-${how}-${count++}`, 0, 0, 0o700);
    });

    /** Whether a call gives the file its own name; a `linkat` may give the temporary one before. */
    const isPublication = ({ name, args }: SystemCall): boolean => /^(rename|link)(at2?)?$/.test(name) && args.includes('"file"');

    it.each([
      ['a new file', false, {}],
      ['a new file with a mode the umask would cut', false, { mode: 0o666 }],
      ['an overwrite', true, {}],
      ['an overwrite with a mode', true, { mode: 0o640 }],
      ['exclusive creation', false, { overwrite: false }],
    ])('%s: the file is synced and closed, then published, then the directory is synced', async (_title, exists, options) => {
      const file = exists ? ownedFile(dir, 'file', 0, 0, 0o640) : join(dir, 'file');
      await driver.must(verbRequest(how, 'writeAtomic', join(dir, 'warm-up'), 'x', options));
      const { answer, calls } = await watch(driver, { ...verbRequest(how, 'writeAtomic', file, 'content', options), marked: true });
      expect(answer.value).toMatchObject({ durable: true });
      const cost = fileCalls(calls);
      const published = cost.findIndex(isPublication);
      expect(cost.filter(isPublication)).toHaveLength(1);
      const written = cost.findIndex(({ name }) => /^p?writev?2?(64)?$/.test(name));
      const temporary = cost[written]?.args.split('<')[0];
      const ofTemporary = ({ args }: SystemCall): boolean => args.split('<')[0] === temporary;
      const isSync = ({ name }: SystemCall): boolean => name === 'fsync' || name === 'fdatasync';
      const syncs = cost.flatMap((call, at) => (isSync(call) ? [at] : []));
      expect(syncs).toHaveLength(2);
      const [fileSync, directorySync] = syncs as [number, number];
      expect(ofTemporary(cost[fileSync] as SystemCall)).toBe(true);
      expect(cost[directorySync]?.args).toContain(`<${dir}>`);
      expect(written).toBeGreaterThan(0);
      expect(fileSync).toBeGreaterThan(written);
      expect(published).toBeGreaterThan(fileSync);
      expect(directorySync).toBeGreaterThan(published);
      if (cost[published]?.name.startsWith('rename')) {
        const closed = cost.findIndex((call, at) => at > written && call.name === 'close' && ofTemporary(call));
        expect(closed).toBeGreaterThan(fileSync);
        expect(closed).toBeLessThan(published);
      }
      const permissions = cost.flatMap((call, at) => (/chmod|chown|setxattr|removexattr/.test(call.name) ? [at] : []));
      for (const at of permissions) {
        expect(cost[at]?.name).toMatch(/^f/);
        expect(at).toBeLessThan(written);
      }
      for (const { name } of cost.slice(published + 1)) expect(name).toMatch(/^(fsync|fdatasync|close)$/);
    });

    it('the umask is never read or changed', async () => {
      const requests = [
        verbRequest(how, 'ensureDir', join(dir, 'a', 'b'), { mode: 0o777 }),
        verbRequest(how, 'writeAtomic', join(dir, 'new'), 'x', { mode: 0o666 }),
        verbRequest(how, 'writeAtomic', join(dir, 'c', 'd'), 'x', { mkdir: true, dirMode: 0o777 }),
        verbRequest(how, 'writeAtomic', join(dir, 'new'), 'y'),
        verbRequest(how, 'readLocalFileSafely', join(dir, 'new')),
      ];
      for (const request of requests) {
        const { answer, calls } = await watch(driver, request);
        expect(answer.error).toBeUndefined();
        expect(calls.filter(isFileCall)).not.toEqual([]);
        expect(names(calls)).not.toContain('umask');
      }
    });

    it('every descriptor is opened close-on-exec', async () => {
      const file = join(dir, 'file');
      for (const request of [
        verbRequest(how, 'ensureDir', join(dir, 'x', 'y')),
        verbRequest(how, 'writeAtomic', file, 'x'),
        verbRequest(how, 'readLocalFileSafely', file),
      ]) {
        await driver.must(request);
        const { calls } = await watch(driver, { ...request, marked: true });
        const opened = fileCalls(calls).filter(({ name }) => /^open/.test(name));
        expect(opened).not.toEqual([]);
        for (const { text } of opened) expect(text).toContain('O_CLOEXEC');
      }
    });
  });
});
