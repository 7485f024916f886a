// A failed sync puts later successful syncs on the same file system in doubt, by whatever device number, mount or
// directory it is reached. Syncs on other file systems are not in doubt.
import { constants } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Driver, Request, Value } from '../../helpers/sys-driver.js';
import { FaultyDriver, type Call } from '../../helpers/sys-fault.js';
import { needs } from '../../helpers/sys-needs.js';
import { makeDir, scratch } from '../../helpers/sys-scratch.js';

const { EIO, EROFS, ENOSPC } = constants.errno;
const own = ['unshare', '--mount', '--propagation', 'private'];

const isSync = ({ name }: Call): boolean => name === 'fsync';

interface Entry {
  file: string;
  data: string;
  options?: object;
}

/** Returns whether each entry is durable, or the code of its error. */
async function outcomes(faulty: FaultyDriver, entries: Entry[], plan?: string): Promise<{ outcomes: unknown[]; calls: Call[] }> {
  const request: Request = { call: 'writeAtomicMany', args: [entries, {}] };
  const { answer, calls } = await faulty.ask(request, plan);
  const settled = answer.value as { status: string; value?: Value; reason?: { code: string } }[];
  return { outcomes: settled.map(({ value, reason }) => reason?.code ?? value?.durable), calls };
}

needs('root', 'gcc', 'unshare', 'mount', 'loop devices', 'mkfs.btrfs')('on btrfs with subvolumes', () => {
  let faulty: FaultyDriver;
  let driver: Driver;
  let base: string;
  let count = 0;

  async function mountImage(name: string): Promise<string> {
    const image = join(base, `${name}.image`);
    const dir = makeDir(base, name, 0o755);
    await driver.exec('truncate', '-s', '128M', image);
    await driver.exec('mkfs.btrfs', '-q', '-f', image);
    await driver.exec('mount', '-o', 'loop', image, dir);
    return dir;
  }

  let one: string;
  let other: string;
  beforeAll(async () => {
    base = scratch();
    faulty = await FaultyDriver.start(undefined, own);
    ({ driver } = faulty);
    one = await mountImage('one');
    other = await mountImage('other');
    for (const name of ['a', 'b']) await driver.exec('btrfs', 'subvolume', 'create', join(one, name));
    const device = (await driver.exec('findmnt', '-n', '-o', 'SOURCE', one)).trim();
    makeDir(base, 'again', 0o755);
    await driver.exec('mount', '-o', 'subvol=b', device, join(base, 'again'));
  }, 60_000);

  /** Writes files in these directories; the sync of the directory of the first fails. */
  async function failFirst(dirs: string[], errno: number): Promise<unknown[]> {
    const entries = dirs.map((dir) => ({ file: join(dir, `file-${count++}`), data: 'x' }));
    const { outcomes: seen, calls } = await outcomes(faulty, entries, `fsync#${entries.length + 1}:error=${errno}`);
    const syncs = calls.filter(isSync);
    expect(syncs.filter(({ effect }) => effect === 'error').map(({ args }) => args)).toEqual([expect.stringContaining(`<${dirs[0]}>`)]);
    return seen;
  }

  it('device numbers differ by subvolume', async () => {
    const devices = await Promise.all([join(one, 'a'), join(one, 'b'), one].map(async (dir) => (await driver.fs('statSync', dir)).dev));
    expect(new Set(devices).size).toBe(3);
  });

  it.each([
    ['EIO', EIO],
    ['EROFS', EROFS],
  ])('a failure (%s) in one subvolume puts a later success in another in doubt', async (_name, errno) => {
    expect(await failFirst([join(one, 'a'), join(one, 'b')], errno)).toEqual(['not-durable', 'not-durable']);
    expect(await failFirst([one, join(one, 'b')], errno)).toEqual(['not-durable', 'not-durable']);
  });

  it('a failure by one mount of the file system puts a later success by another in doubt', async () => {
    expect(await failFirst([join(one, 'a'), join(base, 'again')], EIO)).toEqual(['not-durable', 'not-durable']);
    expect(await failFirst([join(base, 'again'), one], EIO)).toEqual(['not-durable', 'not-durable']);
  });

  it('a failure on another file system of the same kind changes nothing, and neither does a full disk', async () => {
    expect(await failFirst([other, join(one, 'a')], EIO)).toEqual(['not-durable', true]);
    expect(await failFirst([join(one, 'a'), other], EIO)).toEqual(['not-durable', true]);
    expect(await failFirst([join(one, 'a'), join(one, 'b')], ENOSPC)).toEqual(['not-durable', true]);
  });

  it('a success before the failure stays one, and so do later calls', async () => {
    const entries = ['a', 'b'].map((name) => ({ file: join(one, name, `file-${count++}`), data: 'x' }));
    const { outcomes: seen } = await outcomes(faulty, entries, `fsync#4:error=${EIO}`);
    expect(seen).toEqual([true, 'not-durable']);
    expect((await outcomes(faulty, entries)).outcomes).toEqual([true, true]);
  });

  describe.each(['statmount=ENOSYS', 'statmount=ENOSYS,statx=ENOSYS'])('under %s', (filter) => {
    it('two subvolumes are one file system, and two images are two', async () => {
      const filtered = await FaultyDriver.start(filter, own);
      const usual = faulty;
      try {
        faulty = filtered;
        // Mounts of its own: those of the usual driver are in that one's namespace.
        const [first, second] = [makeDir(base, `first-${count++}`, 0o755), makeDir(base, `second-${count++}`, 0o755)];
        for (const dir of [first, second]) {
          await filtered.driver.exec('truncate', '-s', '128M', `${dir}.image`);
          await filtered.driver.exec('mkfs.btrfs', '-q', '-f', `${dir}.image`);
          await filtered.driver.exec('mount', '-o', 'loop', `${dir}.image`, dir);
        }
        for (const name of ['a', 'b']) await filtered.driver.exec('btrfs', 'subvolume', 'create', join(first, name));
        expect(await failFirst([join(first, 'a'), join(first, 'b')], EIO)).toEqual(['not-durable', 'not-durable']);
        expect(await failFirst([join(first, 'a'), second], EIO)).toEqual(['not-durable', true]);
      } finally {
        faulty = usual;
        await filtered.driver.end();
      }
    }, 60_000);
  });
});

needs('root', 'gcc', 'unshare', 'mount')('every sync is counted', () => {
  let faulty: FaultyDriver;
  let base: string;
  let count = 0;
  beforeAll(async () => {
    base = scratch();
    faulty = await FaultyDriver.start(undefined, own);
  });

  // First the temporaries of both entries are synced, then the recovery copy of the second one, its directory and the
  // target.
  it.each([
    ['the recovery copy', 3],
    ['the directory of the recovery copy', 4],
    ['the target', 5],
  ])('of a write in place: %s', async (_what, number) => {
    const { driver } = faulty;
    const dir = makeDir(base, `case-${count++}`, 0o755);
    for (const name of ['source', 'bound']) await driver.fs('writeFileSync', join(dir, name), 'old');
    await driver.exec('mount', '--bind', join(dir, 'source'), join(dir, 'bound'));
    const entries = [
      { file: join(dir, 'plain'), data: 'x' },
      { file: join(dir, 'bound'), data: 'x', options: { fallback: 'in-place' } },
    ];
    const { outcomes: usual } = await outcomes(faulty, entries);
    expect(usual).toEqual([true, true]);
    const { outcomes: seen } = await outcomes(faulty, entries, `fsync#${number}:error=${EIO}`);
    expect(seen).toEqual(['not-durable', 'EIO']);
  });
});

needs('root', 'gcc', 'unshare', 'mount')('a failed sync of a directory after the change', () => {
  let faulty: FaultyDriver;
  let base: string;
  let count = 0;
  beforeAll(async () => {
    base = scratch();
    faulty = await FaultyDriver.start(undefined, own);
  });

  const ONCE_MORE = 'Copy it again with overwrite: true once the storage is healthy.';

  it.each([
    ['remove', ['tree', { recursive: true, durable: true }], 1, { path: 'tree', removed: 4, remedy: 'Nothing is left to remove now: look for it after a power loss.' }, []],
    ['rename', ['tree', 'new'], 1, { path: 'new', remedy: 'Do not rename again: look at both names after a power loss.' }, ['new', 'new/d', 'new/d/f', 'new/g']],
    // The files g and d/f are synced first, then the directories from below.
    ['copy', ['tree', 'new', { recursive: true }], 3, { path: 'new/d', copied: 4, remedy: ONCE_MORE }, ['tree', 'tree/d', 'tree/d/f', 'tree/g', 'new', 'new/d', 'new/d/f', 'new/g']],
    ['copy', ['tree', 'new', { recursive: true }], 4, { path: 'new', copied: 4, remedy: ONCE_MORE }, ['tree', 'tree/d', 'tree/d/f', 'tree/g', 'new', 'new/d', 'new/d/f', 'new/g']],
    ['copy', ['tree', 'new', { recursive: true }], 5, { path: 'new', copied: 4, remedy: ONCE_MORE }, ['tree', 'tree/d', 'tree/d/f', 'tree/g', 'new', 'new/d', 'new/d/f', 'new/g']],
  ])('is `not-durable`, and says what %s has done: %j, sync %i', async (method, args, number, fields, left) => {
    const dir = makeDir(base, `case-${count++}`, 0o755);
    await faulty.driver.fs('mkdirSync', join(dir, 'tree/d'), { recursive: true });
    for (const name of ['tree/d/f', 'tree/g']) await faulty.driver.fs('writeFileSync', join(dir, name), 'x');
    await faulty.driver.openRoot(dir);
    const { answer } = await faulty.ask({ onRoot: dir, method, args }, `fsync#${number}:error=${EIO}`);
    expect(answer.error).toMatchObject({ code: 'not-durable', sysCode: 'EIO', published: true, ...fields });
    expect(await faulty.driver.fs('readdirSync', dir, { recursive: true })).toEqual(expect.arrayContaining(left));
    expect(await faulty.driver.fs('readdirSync', dir, { recursive: true })).toHaveLength(left.length);
  });
});
