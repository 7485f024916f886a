// A disk fails at each request of a durable write in turn: the reported outcome is the state of the disk.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, vi } from 'vitest';
import { Driver, rootRequest, type Answer, type PlainError } from '../../helpers/sys-driver.js';
import { both } from '../../helpers/sys-layout.js';
import { needs } from '../../helpers/sys-needs.js';
import { buildC, scratch } from '../../helpers/sys-scratch.js';

const OLD = 'old'.repeat(3000);
const NEW = 'new'.repeat(3000);

const fileSystems = {
  ext4: { mebibytes: 64, make: ['mkfs.ext4', '-q', '-F', '-b', '4096'] },
  // It stays mounted after an error; the others need a new mount. After a crash it would need e2fsck.
  'ext4 without a journal': { mebibytes: 64, make: ['mkfs.ext4', '-q', '-F', '-b', '4096', '-O', '^has_journal'] },
  xfs: { mebibytes: 300, make: ['mkfs.xfs', '-q', '-f'] },
  btrfs: { mebibytes: 128, make: ['mkfs.btrfs', '-q', '-f'] },
} as const;
type Kind = keyof typeof fileSystems;

/** A disk of programs/log-disk.c, and a driver in the mount namespace that ends with it. */
class Disk {
  private isMade = false;

  private constructor(
    readonly driver: Driver,
    private readonly files: string,
    readonly dir: string,
    private readonly make: readonly string[],
  ) {}

  static async start(kind: Kind, env: Record<string, string> = {}): Promise<Disk> {
    const base = scratch();
    const [files, dir] = [join(base, 'disk'), join(base, 'mounted')];
    for (const place of [files, dir]) mkdirSync(place);
    const { mebibytes, make } = fileSystems[kind];
    const launcher = ['unshare', '--mount', '--propagation', 'private', buildC('log-disk'), files, String(mebibytes * 2 ** 20)];
    return new Disk(await Driver.start({ launcher, env }), files, dir, make);
  }

  /** Mounts a new file system with the old content on the disk. */
  async begin(): Promise<void> {
    if (!this.isMade) {
      await this.driver.exec(...this.make, join(this.files, 'disk'));
      await this.mount();
      await this.driver.fs('writeFileSync', join(this.dir, 'file'), OLD);
      await this.unmount();
      await this.command('settle', 'replay');
      this.isMade = true;
    }
    await this.command('reset');
    await this.mount();
  }

  async mount(): Promise<void> {
    await this.driver.exec('mount', '-o', 'loop', join(this.files, 'disk'), this.dir);
  }

  async unmount(): Promise<void> {
    await this.driver.exec('umount', this.dir);
  }

  /** Makes the disk return EIO from the `request`th request on; never, for 0. */
  async fail(request: number): Promise<void> {
    await this.command(`fail ${request}`);
  }

  private async command(...lines: string[]): Promise<void> {
    await this.driver.fs('writeFileSync', join(this.files, 'control'), lines.map((line) => `${line}\n`).join(''));
  }

  async content(name = 'file'): Promise<string> {
    return (await this.driver.fs('readFileSync', join(this.dir, name), 'utf8')) as string;
  }

  async temporaries(): Promise<string[]> {
    return ((await this.driver.fs('readdirSync', this.dir)) as string[]).filter((name) => name.startsWith('.holdfast-'));
  }
}

/** The caller gets the disk's error, in the shape of node:fs. */
const failedSync = { isHoldfastError: false, type: 'Error', code: 'EIO', errno: -5, syscall: 'fsync' };
const notDurable = { isHoldfastError: true, code: 'not-durable', published: true, sysCode: 'EIO', errno: -5, syscall: 'fsync' };

// Each test mounts up to thirty times, which takes long on a busy machine.
vi.setConfig({ testTimeout: 300_000 });

/** Exceeds the number of requests of a durable write on all of them. */
const REQUESTS_AT_MOST = 200;

const withDisks = needs('root', 'unshare', 'mount', 'gcc', 'loop devices', '/dev/fuse', 'mkfs.ext4', 'mkfs.xfs', 'mkfs.btrfs');

interface Outcome {
  error: PlainError | undefined;
  /** content after a new mount */
  content: string;
}

/** Overwrites a file on a disk that fails from its first request on, then from its second, and so on until success. */
async function failAtEachRequest(disk: Disk, how: (typeof both)[number]): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  for (let request = 1; request < REQUESTS_AT_MOST; request++) {
    await disk.begin();
    await disk.fail(request);
    const { error } = await disk.driver.verb(how, 'writeAtomic', join(disk.dir, 'file'), NEW);
    // The unmount also writes, but the disk is dead: acknowledged content must be there already.
    await disk.unmount();
    await disk.fail(0);
    await disk.mount();
    outcomes.push({ error, content: await disk.content() });
    await disk.unmount();
    if (error === undefined) return outcomes;
  }
  throw new Error('the write never succeeded');
}

withDisks('a disk that fails from some request on, and works again after a reboot', () => {
  it.each([
    ['ext4', 'sync'],
    ['ext4', 'async'],
    ['xfs', 'sync'],
    ['btrfs', 'async'],
  ] as const)('has the old content after an error before publication, the new one after success: %s, %s', async (kind, how) => {
    const disk = await Disk.start(kind);
    const outcomes = await failAtEachRequest(disk, how);
    const seen = { failedSync: 0, notDurable: 0 };
    for (const { error, content } of outcomes) {
      if (error === undefined) {
        expect(content).toBe(NEW);
      } else if (error.published === true) {
        seen.notDurable += 1;
        expect(error).toMatchObject(notDurable);
        expect([OLD, NEW]).toContain(content);
      } else {
        seen.failedSync += 1;
        expect(error).toMatchObject({ ...failedSync, path: join(disk.dir, 'file') });
        expect(content).toBe(OLD);
      }
    }
    expect(seen.failedSync).toBeGreaterThan(0);
    expect(seen.notDurable).toBeGreaterThan(0);
  });

  it('would show a success that is none: without the sync of directories, the old content is there after one', async () => {
    const preload = { LD_PRELOAD: buildC('drop-sync', '-shared', '-fPIC'), HOLDFAST_DROP_SYNC: 'directories' };
    const outcomes = await failAtEachRequest(await Disk.start('ext4', preload), 'sync');
    expect(outcomes.at(-1)).toMatchObject({ error: undefined, content: OLD });
  });
});

withDisks('a disk that fails under several writes beneath one pinned directory, which share its descriptor', () => {
  // On xfs (Linux 6.18) an fsync that runs while another one meets the error may return success, to node:fs as well.
  it('has the new content of each that was told so, and the old one of each that failed before publication', async () => {
    const disk = await Disk.start('ext4');
    const names = ['a', 'b', 'c', 'd'];
    let failures = 0;
    let haveSucceeded = false;
    for (let request = 1; !haveSucceeded && request < REQUESTS_AT_MOST; request++) {
      await disk.begin();
      await disk.driver.openRoot(disk.dir);
      for (const name of names) await disk.driver.must(rootRequest(disk.dir, 'sync', 'writeAtomic', name, OLD));
      await disk.fail(request);
      const all = names.map((name) => rootRequest(disk.dir, 'async', 'writeAtomic', name, NEW));
      const answers = (await disk.driver.must({ all })) as Answer[];
      await disk.driver.must({ closeRoot: disk.dir, sync: true });
      await disk.unmount();
      await disk.fail(0);
      await disk.mount();
      for (const [n, name] of names.entries()) {
        const { value, error } = answers[n] as Answer;
        const content = await disk.content(name);
        if (error === undefined) expect([value.durable, content]).toEqual([true, NEW]);
        else if (error.published === true) expect([OLD, NEW]).toContain(content);
        else expect(content).toBe(OLD);
      }
      await disk.unmount();
      const failed = answers.filter(({ error }) => error !== undefined).length;
      failures += failed;
      haveSucceeded = failed === 0;
    }
    expect(haveSucceeded).toBe(true);
    expect(failures).toBeGreaterThan(0);
  });
});

withDisks('a disk that fails for a while, under a pinned directory', () => {
  it.each(both)('each failure is reported, and once the disk works again so does the root (%s)', async (how) => {
    const disk = await Disk.start('ext4 without a journal');
    await disk.begin();
    await disk.driver.openRoot(disk.dir);
    const write = (name: string, data: string) => disk.driver.onRoot(disk.dir, how, 'writeAtomic', name, data);
    const expected = new Map([['file', OLD]]);
    const seen = { failedSync: 0, notDurable: 0 };
    let hasSucceeded = false;
    for (let request = 1; !hasSucceeded && request < REQUESTS_AT_MOST; request++) {
      const name = `during-${request}`;
      expect((await write(name, OLD)).value).toMatchObject({ durable: true });
      await disk.fail(request);
      const { error } = await write(name, NEW);
      // The disk is still dead: a second try must not succeed because the first one consumed the error.
      if (error !== undefined) expect((await write(name, NEW)).error).toBeDefined();
      await disk.fail(0);
      if (error === undefined) hasSucceeded = true;
      else if (error.published === true) seen.notDurable += 1;
      else seen.failedSync += 1;
      if (error !== undefined) expect(error).toMatchObject(error.published === true ? notDurable : failedSync);
      expect(await disk.content(name)).toBe(error === undefined || error.published === true ? NEW : OLD);

      expect((await write(`after-${request}`, NEW)).value).toMatchObject({ durable: true });
      expect((await write(name, `${NEW}again`)).value).toMatchObject({ durable: true });
      expected.set(`after-${request}`, NEW).set(name, `${NEW}again`);
      expect(await disk.temporaries()).toEqual([]);
    }
    expect(hasSucceeded).toBe(true);
    expect(seen.failedSync).toBeGreaterThan(0);
    expect(seen.notDurable).toBeGreaterThan(0);

    await disk.driver.must({ closeRoot: disk.dir, sync: true });
    await disk.unmount();
    await disk.mount();
    for (const [name, content] of expected) expect(await disk.content(name)).toBe(content);
  });
});
