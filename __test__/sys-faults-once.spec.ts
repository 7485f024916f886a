// Single faults that have an order or a number to them: what is not tried again, what is, and how often.
import { readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { rootRequest, verbRequest, type Request } from './helpers/sys-driver.js';
import { FaultyDriver, type Call } from './helpers/sys-fault.js';
import { both, modeOf, octal, ownedDir, ownedFile, strays } from './helpers/sys-layout.js';
import { needs } from './helpers/sys-needs.js';
import { scratch } from './helpers/sys-scratch.js';

const isPublication = ({ name }: Call): boolean => /^(rename|link)(at2?)?$/.test(name);
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

    it('a directory of a root is opened anew after its sync failed', async () => {
      const dir = ownedDir(base, `case-${count++}`, 0, 0, 0o700);
      await faulty.driver.openRoot(dir);
      const write = rootRequest(dir, how, 'writeAtomic', 'file', 'brand new');
      const { calls } = await faulty.ask(write, `fsync#2:error=${EIO}`);
      expect(calls.filter(isSync).map(({ result }) => result)).toEqual([0, -EIO]);
      expect(calls.slice(calls.findIndex(({ effect }) => effect !== '')).map(({ name }) => name)).toContain('openat');
      expect((await faulty.driver.ask(write)).value).toMatchObject({ durable: true });
      await faulty.driver.must({ closeRoot: dir });
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

    it('a write that cannot remove its temporary still tells why it failed', async () => {
      const dir = ownedDir(base, `case-${count++}`, 0, 0, 0o700);
      const file = ownedFile(dir, 'file', 0, 0, 0o640);
      const request = verbRequest(how, 'writeAtomic', file, 'brand new');
      const { answer } = await faulty.ask(request, `renameat#1-:error=${EIO},unlinkat#1-:error=${EACCES}`);
      expect(answer.error).toMatchObject({ code: 'EIO', syscall: 'rename', dest: file });
      expect(readFileSync(file, 'utf8')).toBe('old');
      expect(strays(dir, 'file')).toEqual([expect.stringMatching(/^\.holdfast-[0-9a-f]{32}\.tmp$/)]);
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
        const { answer } = await faulty.ask(request, `openat2#1-:error=${EAGAIN}`);
        expect(performance.now() - began).toBeLessThan(5000);
        expect(['path-mismatch', 'EAGAIN']).toContain(answer.error?.code);
      }
      expect(readFileSync(join(base, 'read'), 'utf8')).toBe('content');
      expect(octal(modeOf(base))).toBe('0755');
    });

    it('a few times is asked again', async () => {
      const dir = ownedDir(base, `case-${count++}`, 0, 0, 0o700);
      for (const request of [verbRequest(how, 'readLocalFileSafely', join(base, 'read')), verbRequest(how, 'ensureDir', dir)]) {
        const { answer, calls } = await faulty.ask(request, `openat2#1-3:error=${EAGAIN}`);
        expect(calls.filter(({ effect }) => effect === 'error')).toHaveLength(3);
        expect(answer.error).toBeUndefined();
      }
    });
  });
});
