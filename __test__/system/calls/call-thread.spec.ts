// The thread of a call: the event loop's if it cannot block, otherwise one of the pool.
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { Driver, rootRequest, verbRequest, type Request } from '../../helpers/sys-driver.js';
import { needs, type Need } from '../../helpers/sys-needs.js';
import { scratch } from '../../helpers/sys-scratch.js';
import { fileCalls, watch, type SystemCall } from '../../helpers/sys-strace.js';

const CONTENT = 'x'.repeat(20_000);
/** Renames anywhere on the host may make a look into the kernel's caches miss for a moment. */
const UNDISTURBED = { retry: 4 };
/** Exceeds every copy on the event loop's thread. */
const LARGE = 1 << 20;

interface Place {
  driver: Driver;
  dir: string;
}

/** Starts a driver in a mount namespace, and mounts a file system there. */
async function mounted(kind: 'tmpfs' | 'ext4' | 'overlay'): Promise<Place> {
  const driver = await Driver.start({ launcher: ['unshare', '--mount', '--propagation', 'private'] });
  const base = scratch();
  const dir = join(base, 'mounted');
  await driver.exec('mount', '-t', 'tmpfs', 'tmpfs', base);
  await driver.fs('mkdirSync', dir);
  if (kind === 'tmpfs') {
    await driver.exec('mount', '-t', 'tmpfs', 'tmpfs', dir);
  } else if (kind === 'ext4') {
    const image = join(base, 'image');
    await driver.exec('truncate', '--size', '64M', image);
    await driver.exec('mkfs.ext4', '-q', '-F', image);
    await driver.exec('mount', '-o', 'loop', image, dir);
  } else {
    for (const name of ['lower', 'upper', 'work']) await driver.fs('mkdirSync', join(base, name));
    await driver.exec('mount', '-t', 'overlay', '-o', `lowerdir=${base}/lower,upperdir=${base}/upper,workdir=${base}/work`, 'overlay', dir);
  }
  await driver.fs('writeFileSync', join(dir, 'file'), CONTENT);
  await driver.fs('writeFileSync', join(dir, 'large'), Buffer.alloc(LARGE, 'y'));
  await driver.fs('mkdirSync', join(dir, 'private', 'deep', 'er'), { recursive: true, mode: 0o700 });
  await driver.openRoot(dir);
  return { driver, dir };
}

const isRead = ({ name, result }: SystemCall): boolean => /^p?read(v2?|64)?$/.test(name) && Number.parseInt(result, 10) > 0;
/** Whether a call may wait for a file system: an open without O_PATH, a read, any write. */
const mayWait = (call: SystemCall): boolean =>
  isRead(call) || (/^open/.test(call.name) && !call.text.includes('O_PATH') && !call.result.startsWith('-1')) || /^(fstatfs|write|mkdirat|rename|link|unlink|f?chmod|fsync|fdatasync)/.test(call.name);

/** Returns the file calls of one request, by thread. */
async function watched({ driver }: Place, request: Request, warmUps = 0): Promise<{ main: SystemCall[]; pool: SystemCall[]; value: any; code: string | undefined }> {
  for (let warmUp = 0; warmUp < warmUps; warmUp++) await driver.ask(request);
  const { answer, calls } = await watch(driver, { ...request, marked: true });
  const all = fileCalls(calls);
  return {
    main: all.filter(({ tid }) => tid === driver.pid),
    pool: all.filter(({ tid }) => tid !== driver.pid),
    value: answer.value,
    code: answer.error?.code,
  };
}

function texts(calls: SystemCall[]): string[] {
  return calls.map(({ text }) => text);
}

const local = { tmpfs: [], ext4: ['loop devices', 'mkfs.ext4'] } as const satisfies Record<string, readonly Need[]>;
for (const kind of ['tmpfs', 'ext4'] as const) {
  needs('root', 'strace', 'unshare', 'mount', ...local[kind])(`on ${kind}`, () => {
    let place: Place;
    let made = 0;
    const at = (name: string): string => join(place.dir, name);

    beforeAll(async () => {
      place = await mounted(kind);
    });

    const cached: [string, () => Request][] = [
      ['a read', () => verbRequest('async', 'readLocalFileSafely', at('file'))],
      ['a read with a limit', () => verbRequest('async', 'readLocalFileSafely', { filePath: at('file'), maxBytes: 20_000, hardlinks: 'reject' })],
      ['a read through a Root', () => rootRequest(place.dir, 'async', 'read', 'file')],
      ['ensureDir', () => verbRequest('async', 'ensureDir', at('private/deep'))],
      ['ensureDir through a Root', () => rootRequest(place.dir, 'async', 'ensureDir', 'private/deep/er')],
    ];

    it.each(cached)('%s from memory runs on the calling thread only', UNDISTURBED, async (_title, request) => {
      const { main, pool, value } = await watched(place, request(), 3);
      expect(value).toBeDefined();
      expect(texts(pool)).toEqual([]);
      expect(main.length).toBeGreaterThanOrEqual(3);
      expect(main.length).toBeLessThanOrEqual(8);
    });

    it('64 reads at once open their directory once for the first of them and once for all others', UNDISTURBED, async () => {
      const all = Array.from({ length: 64 }, () => verbRequest('async', 'readLocalFileSafely', at('file')));
      const { main, pool, value } = await watched(place, { all }, 2);
      for (const each of value) expect(each.value.buffer).toHaveLength(CONTENT.length);
      expect(texts(pool)).toEqual([]);
      expect(main.filter(({ text }) => text.includes('O_PATH'))).toHaveLength(2);
      // Open, stat, read and close of each file; open, stat and close of the directory.
      expect(main).toHaveLength(64 * 4 + 2 * 3);
    });

    it.each([
      ['reads', () => verbRequest('async', 'readLocalFileSafely', at('file'))],
      ['reads through a Root', () => rootRequest(place.dir, 'async', 'read', 'file')],
    ])('1,000 %s at once are all answered by the calling thread, in several turns', UNDISTURBED, async (_title, request) => {
      const { pool, value } = await watched(place, { all: Array.from({ length: 1000 }, request) }, 1);
      for (const each of value) expect(each.value.buffer).toHaveLength(CONTENT.length);
      expect(texts(pool)).toEqual([]);
    });

    it('a large file is opened by the calling thread, and read by the pool', async () => {
      const { main, pool, value } = await watched(place, verbRequest('async', 'readLocalFileSafely', at('large')), 3);
      expect(value.buffer).toHaveLength(LARGE);
      expect(texts(main.filter(isRead))).toEqual([]);
      expect(pool.filter(isRead)).not.toEqual([]);
      expect(texts(pool.filter(({ name }) => name.startsWith('open')))).toEqual([]);
      expect(texts(main.filter(({ name }) => name === 'close').filter(({ text }) => text.includes('large')))).toEqual([]);
    });

    it.each([
      ['writeAtomic', () => verbRequest('async', 'writeAtomic', at('written'), 'x')],
      ['writeAtomic through a Root', () => rootRequest(place.dir, 'async', 'writeAtomic', 'written', 'x')],
      ['writeAtomicMany', (): Request => ({ call: 'writeAtomicMany', args: [[{ file: at('written'), data: 'x' }]] })],
      ...(kind === 'tmpfs' ? [] : [['ensureDir that creates', () => verbRequest('async', 'ensureDir', at(`new-${made++}/deep`))]]),
    ] as [string, () => Request][])('%s does nothing that may wait on the calling thread', async (_title, make) => {
      await place.driver.must(make());
      const { main, pool, value } = await watched(place, make());
      expect(value).toBeDefined();
      expect(texts(main.filter(mayWait))).toEqual([]);
      expect(pool).not.toEqual([]);
    });

    if (kind === 'tmpfs') {
      it.each([
        ['free', () => verbRequest('async', 'ensureDir', at(`new-${made++}/deep`))],
        ['through a Root', () => rootRequest(place.dir, 'async', 'ensureDir', `new-${made++}/deep`)],
      ] as [string, () => Request][])('ensureDir that creates (%s) runs on the calling thread only, and opens what it made on this mount alone', UNDISTURBED, async (_title, make) => {
        await place.driver.must(make());
        const { main, pool, value } = await watched(place, make());
        expect(value).toMatchObject({ hardening: 'created', firstCreated: expect.stringMatching(/new-\d+$/), mode: 0o700 });
        expect(texts(pool)).toEqual([]);
        const from = main.findIndex(({ name }) => name === 'mkdirat');
        expect(main.filter(({ name }) => name === 'mkdirat')).toHaveLength(2);
        const opens = texts(main.slice(from).filter(({ name }) => /^open/.test(name)));
        expect(opens).toHaveLength(2);
        for (const text of opens) expect(text).toContain('RESOLVE_NO_XDEV|RESOLVE_NO_SYMLINKS|RESOLVE_CACHED');
      });
    }

    it('openLocalFileSafely opens on the calling thread what is in memory, on this mount alone, and its handle in the pool', async () => {
      const { main, pool, value } = await watched(place, verbRequest('async', 'openLocalFileSafely', at('file')), 3);
      expect(value).toBeDefined();
      const opens = texts(main.filter(mayWait));
      expect(opens).toHaveLength(1);
      expect(opens[0]).toContain('RESOLVE_NO_XDEV|RESOLVE_NO_SYMLINKS|RESOLVE_CACHED');
      expect(texts(pool.filter(mayWait))).toEqual([expect.stringContaining('/proc/self/fd/')]);
    });

    it('ensureDir that tightens changes nothing on the calling thread', async () => {
      const dir = at('open');
      await place.driver.must(verbRequest('async', 'ensureDir', dir));
      await place.driver.fs('chmodSync', dir, 0o755);
      const { main, pool, value } = await watched(place, verbRequest('async', 'ensureDir', dir));
      expect(value.hardening).toBe('tightened');
      expect(texts(main.filter(mayWait))).toEqual([]);
      expect(pool.filter(mayWait)).not.toEqual([]);
    });

    it('a mount that is new, on the same directory, is learned in the pool before anything is opened there by the calling thread', async () => {
      const other = await mounted(kind);
      const request = verbRequest('async', 'readLocalFileSafely', join(other.dir, 'file'));
      const first = await watched(other, request);
      expect(texts(first.main.filter(mayWait))).toEqual([]);
      expect((await watched(other, request, 1)).pool).toEqual([]);
      if (kind === 'ext4') {
        await other.driver.must({ closeRoot: other.dir });
        // A leaked descriptor of the driver keeps a mount busy; a lazy unmount removes its name anyway.
        await other.driver.exec('umount', '--lazy', other.dir);
        await other.driver.exec('mount', '-o', 'loop', join(other.dir, '..', 'image'), other.dir);
        const again = await watched(other, request);
        expect(String(again.value.buffer)).toBe(CONTENT);
        expect(texts(again.main.filter((call) => mayWait(call) && call.text.includes('file')))).toEqual([]);
        expect((await watched(other, request, 1)).pool).toEqual([]);
      }
    });

    it.each([
      ['symlink', 'link'],
      ['not-file', 'private'],
      ['not-found', 'missing'],
      ['too-large', 'large', { maxBytes: 10 }],
      ['hardlink', 'one', { hardlinks: 'reject' }],
      ['OUTBOUND_MEDIA_PERMS_TOO_RESTRICTIVE', 'secret', { outbound: true }],
    ] as [string, string, object?][])('a refusal (%s) is the same error as the sync form gives, wherever it was found out', async (code, name, options) => {
      const { driver } = place;
      if (name === 'link') await driver.fs('symlinkSync', 'file', at('link'));
      if (name === 'one') await driver.exec('sh', '-c', 'echo x > "$0" && ln "$0" "$1"', at('one'), at('two'));
      if (name === 'secret') await driver.exec('sh', '-c', 'echo x > "$0" && chmod 600 "$0"', at('secret'));
      const request = verbRequest('async', 'readLocalFileSafely', at(name), options ?? {});
      for (let round = 0; round < 3; round++) {
        const { error } = await driver.ask(request);
        expect(error?.code).toBe(code);
        expect(error).toEqual((await driver.verb('sync', 'readLocalFileSafely', at(name), options ?? {})).error);
      }
    });
  });
}

needs('root', 'strace', 'unshare', 'mount', 'loop devices', 'mkfs.ext4')('a file on ext4 that is not in memory', () => {
  let place: Place;
  const file = (): string => join(place.dir, 'file');
  /** Evicts the pages of one file from the kernel's cache. */
  const forget = (): Promise<string> => place.driver.exec('sh', '-c', 'sync "$0" && dd if="$0" iflag=nocache count=0 2>&1', file());

  beforeAll(async () => {
    place = await mounted('ext4');
  });

  it.each([
    ['free', () => verbRequest('async', 'readLocalFileSafely', file())],
    ['through a Root', () => rootRequest(place.dir, 'async', 'read', 'file')],
  ] as [string, () => Request][])('is read by the pool, and by the calling thread the next time (%s)', async (_title, make) => {
    for (let warmUp = 0; warmUp < 2; warmUp++) await place.driver.must(make());
    await forget();
    const cold = await watched(place, make());
    expect(String(cold.value.buffer ?? '')).toBe(CONTENT);
    expect(texts(cold.main.filter(isRead))).toEqual([]);
    expect(cold.pool.filter(isRead)).not.toEqual([]);
    // Reads on the calling thread have the flag not to wait.
    for (const { name, text, result } of cold.main.filter(({ name }) => /^p?read/.test(name))) {
      expect(name).toBe('preadv2');
      expect(text).toContain('RWF_NOWAIT');
      expect(result).toContain('EAGAIN');
    }
    const warm = await watched(place, make());
    expect(texts(warm.pool)).toEqual([]);
    expect(String(warm.value.buffer)).toBe(CONTENT);
  });
});

needs('root', 'strace', 'unshare', 'mount')('on an overlay, which may lie on anything', () => {
  let place: Place;

  beforeAll(async () => {
    place = await mounted('overlay');
  });

  it.each([
    ['a read', () => verbRequest('async', 'readLocalFileSafely', join(place.dir, 'file'))],
    ['a read through a Root', () => rootRequest(place.dir, 'async', 'read', 'file')],
    ['ensureDir', () => verbRequest('async', 'ensureDir', join(place.dir, 'private'))],
    ['ensureDir through a Root', () => rootRequest(place.dir, 'async', 'ensureDir', 'private')],
    ['writeAtomic', () => verbRequest('async', 'writeAtomic', join(place.dir, 'written'), 'x')],
    ['openLocalFileSafely', () => verbRequest('async', 'openLocalFileSafely', join(place.dir, 'file'))],
  ] as [string, () => Request][])('%s does nothing that may wait on the calling thread, however often it was asked for', async (_title, make) => {
    const { main, pool, value } = await watched(place, make(), 4);
    expect(value).toBeDefined();
    expect(texts(main.filter(mayWait))).toEqual([]);
    expect(pool).not.toEqual([]);
  });
});

describe.runIf(process.platform === 'linux')('with no descriptor left', () => {
  it('a call that the calling thread would have answered ends with EMFILE and the path, and later calls are answered again', async () => {
    const driver = await Driver.start({ launcher: ['sh', '-c', 'ulimit -n 64; exec "$@"', 'sh'] });
    const dir = scratch();
    await driver.fs('writeFileSync', join(dir, 'file'), CONTENT);
    await driver.fs('mkdirSync', join(dir, 'private'), { mode: 0o700 });
    const requests = [verbRequest('async', 'readLocalFileSafely', join(dir, 'file')), verbRequest('async', 'ensureDir', join(dir, 'private'))];
    for (const request of [...requests, ...requests]) await driver.must(request);
    const held: number[] = [];
    for (;;) {
      const { value, error } = await driver.ask({ fs: 'openSync', args: ['/dev/null', 'r'] });
      if (error) {
        expect(error.code).toBe('EMFILE');
        break;
      }
      held.push(value as number);
    }
    for (const request of requests) {
      const { error } = await driver.ask(request);
      expect(error).toMatchObject({ code: 'EMFILE', errno: -24, syscall: 'open', path: request.args![0], isHoldfastError: false, type: 'Error' });
    }
    for (const fd of held) await driver.fs('closeSync', fd);
    for (const request of requests) expect((await driver.ask(request)).error).toBeUndefined();
    expect(await driver.must({ descriptors: true })).toBeLessThan(64);
  });
});
