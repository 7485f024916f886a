// Single faults at a given position or in a given number: which calls are retried, and how often.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { rootRequest, verbRequest, type Answer, type Request } from '../../helpers/sys-driver.js';
import { FaultyDriver, numbered, type Call } from '../../helpers/sys-fault.js';
import { both, modeOf, octal, ownedDir, ownedFile, strays } from '../../helpers/sys-layout.js';
import { needs } from '../../helpers/sys-needs.js';
import { scratch } from '../../helpers/sys-scratch.js';

/** A link to a temporary name precedes a rename. */
const isPublication = ({ name, args }: Call): boolean => /^(rename|link)(at2?)?$/.test(name) && !(/^link/.test(name) && args.includes('.holdfast-'));
const isSync = ({ name }: Call): boolean => name === 'fsync';
const { EIO, EINTR, EAGAIN, EINVAL, ENOTSUP, EMFILE, EACCES, ENFILE, ENOSPC, EROFS } = constants.errno;

needs('root', 'gcc')('a fault at one call', () => {
  let base: string;
  let faulty: FaultyDriver;
  let count = 0;

  beforeAll(async () => {
    base = scratch();
    faulty = await FaultyDriver.start();
    ownedFile(base, 'read', 0, 0, 0o644, 'content');
    for (const how of both) {
      await faulty.driver.must(verbRequest(how, 'writeAtomic', join(base, 'warm-up'), 'x'));
      await faulty.driver.must(verbRequest(how, 'readLocalFileSafely', join(base, 'read')));
      await faulty.driver.must(verbRequest(how, 'ensureDir', join(base, 'warm-up-dir', how)));
    }
  });

  afterAll(() => faulty.driver.end());

  async function overwrite(how: 'sync' | 'async', plan: string) {
    const dir = ownedDir(base, `case-${count++}`, 0, 0, 0o700);
    const file = ownedFile(dir, 'file', 0, 0, 0o640);
    const { answer, calls } = await faulty.ask(verbRequest(how, 'writeAtomic', file, 'brand new'), plan);
    return { answer, calls, dir, file, content: readFileSync(file, 'utf8') };
  }

  describe.each(both)('of a write, %s', (how) => {
    it('fsync of the file is not tried again after it failed', async () => {
      const { answer, calls, content, file, dir } = await overwrite(how, `fsync#1:error=${EIO}`);
      expect(answer.error).toMatchObject({ code: 'EIO', syscall: 'fsync', path: file });
      expect(content).toBe('old');
      expect(strays(dir, 'file')).toEqual([]);
      expect(calls.filter(isSync)).toHaveLength(1);
      expect(calls.filter(isPublication)).toEqual([]);
    });

    it('fsync of the directory is not tried again after it failed, and the new content is published', async () => {
      const { answer, calls, content, file, dir } = await overwrite(how, `fsync#2:error=${EIO}`);
      expect(answer.error).toMatchObject({ code: 'not-durable', published: true, sysCode: 'EIO', path: file, syscall: 'fsync' });
      expect(answer.error?.json).toMatchObject({ published: true, sysCode: 'EIO' });
      expect(answer.error?.cause).toMatchObject({ code: 'EIO', errno: -5, syscall: 'fsync' });
      expect(content).toBe('brand new');
      expect(calls.filter(isSync)).toHaveLength(2);
      expect(strays(dir, 'file')).toEqual([]);
    });

    describe('the directory of a root', () => {
      let dir: string;
      beforeEach(async () => {
        dir = ownedDir(base, `case-${count++}`, 0, 0, 0o700);
        ownedDir(dir, 'below', 0, 0, 0o700);
        await faulty.driver.openRoot(dir);
        await faulty.driver.must(write('file'));
      });
      afterEach(() => faulty.driver.must({ closeRoot: dir }));

      const write = (name: string): Request => rootRequest(dir, how, 'writeAtomic', name, 'brand new');

      /** Returns the descriptors that lead to the file. */
      async function descriptors(): Promise<string[]> {
        const numbers = (await faulty.driver.fs('readdirSync', '/proc/self/fd')) as string[];
        const all = numbers.map((number) => ({ fs: 'readlinkSync', args: [`/proc/self/fd/${number}`] }));
        const answers = (await faulty.driver.must({ all })) as Answer[];
        return numbers.filter((_, at) => answers[at]?.value === dir);
      }

      async function expectSynced(): Promise<void> {
        const { answer, calls } = await faulty.ask(write('file'));
        expect(answer.value).toMatchObject({ durable: true });
        expect(calls.filter(isSync).map(({ args, result }) => [args.includes(`<${dir}>`), result])).toEqual([[false, 0], [true, 0]]);
      }

      it('is opened anew after its sync failed, and the new descriptor is what the next write syncs', async () => {
        const before = await descriptors();
        expect(before).toHaveLength(1);
        const { answer, calls } = await faulty.ask(write('file'), `fsync#2:error=${EIO}`);
        expect(answer.error).toMatchObject({ code: 'not-durable', published: true });
        expect(calls.filter(isSync).map(({ result }) => result)).toEqual([0, -EIO]);
        const after = await descriptors();
        expect(after).toHaveLength(1);
        expect(after).not.toEqual(before);
        await expectSynced();
        expect(await descriptors()).toEqual(after);
      });

      it('is opened anew by the next call where that could not be done at once', async () => {
        const before = await descriptors();
        const { calls: usual } = await faulty.ask(write('file'));
        const opened = usual.filter(({ name }) => name === 'openat').length;
        const { answer, calls } = await faulty.ask(write('file'), `fsync#2:error=${EIO},openat#${opened + 1}-:error=${EMFILE}`);
        expect(answer.error).toMatchObject({ code: 'not-durable', published: true });
        expect(calls.map(({ result }) => result)).toContain(-EMFILE);
        expect(await descriptors()).toEqual(before);
        await expectSynced();
        const after = await descriptors();
        expect(after).toHaveLength(1);
        expect(after).not.toEqual(before);
      });

      it('is opened anew after it was synced while another sync on its file system failed', async () => {
        const before = await descriptors();
        const entries = ['below/one', 'two'].map((file) => ({ file, data: 'brand new' }));
        // The two files are synced first, then the directories, in the order of the entries.
        const { answer, calls } = await faulty.ask({ onRoot: dir, method: 'writeAtomicMany', args: [entries] }, `fsync#3:error=${EIO}`);
        expect(calls.filter(isSync).map(({ result }) => result)).toEqual([0, 0, -EIO, 0]);
        expect(calls.filter(isSync).at(-1)?.args).toContain(`<${dir}>`);
        expect(answer.value).toMatchObject([{ reason: { code: 'not-durable' } }, { reason: { code: 'not-durable', published: true } }]);
        expect(await descriptors()).toHaveLength(1);
        expect(await descriptors()).not.toEqual(before);
        await expectSynced();
      });
    });

    it.each([
      ['EINVAL', EINVAL],
      ['EOPNOTSUPP', ENOTSUP],
    ])('a file system that answers %s to syncing a directory is success that is not durable', async (_name, errno) => {
      const { answer, content } = await overwrite(how, `fsync#2:error=${errno}`);
      expect(answer.value).toMatchObject({ durable: false, created: false });
      expect(content).toBe('brand new');
    });

    it('writes of one byte each are followed by writes of the rest', async () => {
      const { answer, calls, content } = await overwrite(how, 'write#1-:short');
      expect(answer.value).toMatchObject({ size: 9 });
      expect(content).toBe('brand new');
      const counts = calls.filter(({ name }) => name === 'write').map(({ args }) => /count=(\d+)/.exec(args)?.[1]);
      expect(counts).toEqual(['9', '8', '7', '6', '5', '4', '3', '2', '1']);
    });

    it('a write that is interrupted is made again, as often as it is', async () => {
      const { answer, content, calls } = await overwrite(how, `write#1-5:error=${EINTR}`);
      expect(calls.filter(({ name }) => name === 'write')).toHaveLength(6);
      expect(answer.value).toMatchObject({ size: 9 });
      expect(content).toBe('brand new');
    });

    it('a write that cannot remove its temporary still reports why it failed', async () => {
      const dir = ownedDir(base, `case-${count++}`, 0, 0, 0o700);
      const file = ownedFile(dir, 'file', 0, 0, 0o640);
      const request = verbRequest(how, 'writeAtomic', file, 'brand new');
      const { answer } = await faulty.ask(request, `renameat#1-:error=${EIO},unlinkat#1-:error=${EACCES}`);
      expect(answer.error).toMatchObject({ code: 'EIO', syscall: 'rename', dest: file });
      expect(readFileSync(file, 'utf8')).toBe('old');
      expect(strays(dir, 'file')).toEqual([expect.stringMatching(/^\.holdfast-[0-9a-v]{24}\.tmp$/)]);
    });
  });

  describe.each(both)('of a read, %s', (how) => {
    it.each([
      ['EIO', EIO],
      ['EMFILE', EMFILE],
      ['EACCES', EACCES],
      ['ENFILE', ENFILE],
    ])('an open that is always %s is thrown as node:fs has it', async (code, errno) => {
      const file = join(base, 'read');
      const { answer } = await faulty.ask(verbRequest(how, 'readLocalFileSafely', file), `openat2#1-:error=${errno}`);
      expect(answer.error).toMatchObject({ isHoldfastError: false, type: 'Error', code, errno: -errno, syscall: 'open', path: file });
      expect(answer.error?.message).toMatch(new RegExp(`^${code}: .*, open '${file}'$`));
    });

    it('reads of one byte each are followed by reads of the rest', async () => {
      const reading = ['read', 'readv', 'preadv2', 'pread64'].map((name) => `${name}#1-:short`).join();
      const { answer, calls } = await faulty.ask(verbRequest(how, 'readLocalFileSafely', join(base, 'read')), reading);
      expect(String(answer.value?.buffer)).toBe('content');
      expect(calls.filter(({ effect }) => effect === 'short').length).toBeGreaterThanOrEqual(7);
    });
  });

  it.each(both.flatMap((how) => [['EIO', EIO], ['ENOSPC', ENOSPC], ['EROFS', EROFS], ['EACCES', EACCES]].map(([code, errno]) => [how, code, errno] as const)))(
    'ensureDir, %s, whose mkdir is %s throws that, and made nothing',
    async (how, code, errno) => {
      const parent = ownedDir(base, `case-${count++}`, 0, 0, 0o700);
      const { answer } = await faulty.ask(verbRequest(how, 'ensureDir', join(parent, 'a', 'b')), `mkdirat#1-:error=${errno}`);
      expect(answer.error).toMatchObject({ isHoldfastError: false, type: 'Error', code, syscall: 'mkdir' });
      expect(answer.error?.path).toContain(parent);
      expect(strays(parent)).toEqual([]);
    },
  );

  it.each([
    ['EIO', EIO],
    ['EMFILE', EMFILE],
    ['ENOSPC', ENOSPC],
    ['EAGAIN', EAGAIN],
    // Renames anywhere on the host may make a look into the kernel's caches miss for a moment.
  ])('ensureDir that creates in memory tells what it made, whichever of its calls is %s once', { retry: 4 }, async (code, errno) => {
    const memory = mkdtempSync('/dev/shm/holdfast-once-');
    onTestFinished(() => rmSync(memory, { recursive: true }));
    const dirOf = (n: number | string): string => ownedDir(memory, `case-${n}`, 0, 0, 0o700);
    const make = (dir: string): Request => verbRequest('async', 'ensureDir', join(dir, 'a', 'b'), { mode: 0o755 });
    await faulty.driver.must(make(dirOf('warm-up')));
    const { calls } = await faulty.ask(make(dirOf('counted')));
    // All on the calling thread.
    expect(new Set(calls.map(({ tid }) => tid)).size).toBe(1);
    for (const { name, number } of numbered(calls)) {
      const dir = dirOf(`${name}-${number}`);
      const { answer, calls: faulted } = await faulty.ask(make(dir), `${name}#${number}:error=${errno}`);
      const where = `${name} #${number}`;
      expect(faulted.filter(({ effect }) => effect === 'error'), where).toHaveLength(1);
      if (answer.error) expect(answer.error, where).toMatchObject({ code, path: join(dir, 'a', 'b') });
      else expect(answer.value, where).toMatchObject({ path: join(dir, 'a', 'b'), firstCreated: join(dir, 'a'), isPrivate: false });
      expect(octal(modeOf(join(dir, 'a', 'b'))), where).toBe('0755');
    }
  });

  describe.each(both)('openat2 that answers EAGAIN (%s)', (how) => {
    const requests = (): Request[] => [
      verbRequest(how, 'readLocalFileSafely', join(base, 'read'), { symlinks: 'reject' }),
      verbRequest(how, 'readLocalFileSafely', `${base}/../${base.split('/').pop()}/read`),
      verbRequest(how, 'writeAtomic', join(base, 'read'), 'x'),
      verbRequest(how, 'ensureDir', base),
    ];

    it('for ever ends every verb in bounded time', async () => {
      for (const request of requests()) {
        const began = performance.now();
        const { answer, calls } = await faulty.ask(request, `openat2#1-:error=${EAGAIN}`);
        expect(performance.now() - began).toBeLessThan(5000);
        expect(answer.error).toMatchObject({ code: 'path-mismatch', category: 'policy', sysCode: 'EAGAIN' });
        // The path is tried 128 times, and as often again to distinguish it from a lease; the event loop's thread tries
        // once or twice.
        const tries = calls.filter(({ name }) => name === 'openat2').length;
        expect(tries).toBeGreaterThanOrEqual(128);
        expect(tries).toBeLessThanOrEqual(258);
      }
      expect(readFileSync(join(base, 'read'), 'utf8')).toBe('content');
      expect(octal(modeOf(base))).toBe('0755');
    });

    it('a few times is retried', async () => {
      const dir = ownedDir(base, `case-${count++}`, 0, 0, 0o700);
      for (const request of [verbRequest(how, 'readLocalFileSafely', join(base, 'read')), verbRequest(how, 'ensureDir', dir)]) {
        const { answer, calls } = await faulty.ask(request, `openat2#1-3:error=${EAGAIN}`);
        expect(calls.filter(({ effect }) => effect === 'error')).toHaveLength(3);
        expect(answer.error).toBeUndefined();
      }
    });
  });
});
