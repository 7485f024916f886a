// Real file systems that refuse writes: full, in blocks or in inodes, or read-only. The error is the system's, the old
// content stays complete, and no temporary remains. A write succeeds as soon as there is room again.
import { join } from 'node:path';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Driver, rootRequest, verbRequest, type Request } from '../../helpers/sys-driver.js';
import { both } from '../../helpers/sys-layout.js';
import { needs, type Need } from '../../helpers/sys-needs.js';
import { scratch } from '../../helpers/sys-scratch.js';

interface Place {
  title: string;
  needs: Need[];
  lacks: 'blocks' | 'inodes' | 'writability';
  /** a directory needs no block */
  isMemory?: true;
  mount: (driver: Driver, base: string, dir: string) => Promise<unknown>;
}

const tmpfs = (option: string) => (driver: Driver, _base: string, dir: string) => driver.exec('mount', '-t', 'tmpfs', '-o', option, 'tmpfs', dir);

function image(size: string, mkfs: string[]): Place['mount'] {
  return async (driver, base, dir) => {
    const file = join(base, 'image');
    await driver.exec('truncate', '--size', size, file);
    await driver.exec(...(mkfs as [string]), file);
    await driver.exec('mount', '-o', 'loop', file, dir);
  };
}

async function overlay(driver: Driver, base: string, dir: string): Promise<void> {
  const layers = join(base, 'layers');
  await driver.fs('mkdirSync', layers);
  await driver.exec('mount', '-t', 'tmpfs', '-o', 'size=512k', 'tmpfs', layers);
  for (const name of ['lower', 'upper', 'work']) await driver.fs('mkdirSync', join(layers, name));
  const options = ['lower', 'upper', 'work'].map((name) => `${name}dir=${join(layers, name)}`).join();
  await driver.exec('mount', '-t', 'overlay', '-o', options, 'overlay', dir);
}

async function bind(driver: Driver, base: string, dir: string): Promise<void> {
  const source = join(base, 'source');
  await driver.fs('mkdirSync', source);
  await driver.exec('mount', '--bind', source, dir);
}

const places: Place[] = [
  { title: 'tmpfs', needs: [], lacks: 'blocks', isMemory: true, mount: tmpfs('size=512k') },
  { title: 'tmpfs', needs: [], lacks: 'inodes', mount: tmpfs('nr_inodes=24') },
  { title: 'ext4', needs: ['loop devices', 'mkfs.ext4'], lacks: 'blocks', mount: image('4M', ['mkfs.ext4', '-q', '-F', '-m', '0', '-O', '^has_journal']) },
  { title: 'ext4', needs: ['loop devices', 'mkfs.ext4'], lacks: 'inodes', mount: image('4M', ['mkfs.ext4', '-q', '-F', '-m', '0', '-N', '32']) },
  { title: 'overlayfs', needs: [], lacks: 'blocks', isMemory: true, mount: overlay },
  { title: 'tmpfs', needs: [], lacks: 'writability', mount: tmpfs('size=4m') },
  { title: 'ext4', needs: ['loop devices', 'mkfs.ext4'], lacks: 'writability', mount: image('4M', ['mkfs.ext4', '-q', '-F', '-m', '0']) },
  { title: 'overlayfs', needs: [], lacks: 'writability', mount: overlay },
  { title: 'a bind mount', needs: [], lacks: 'writability', mount: bind },
];

const errors = { ENOSPC: [-28, 'no space left on device'], EROFS: [-30, 'read-only file system'] } as const;

const content = 'n'.repeat(200_000);
/** The requests, for a directory that contains only `file`. */
const requests: [what: string, make: (how: 'sync' | 'async', dir: string) => Request, isAsync?: boolean][] = [
  ['a new file', (how, dir) => verbRequest(how, 'writeAtomic', join(dir, 'new'), content)],
  ['an overwrite', (how, dir) => verbRequest(how, 'writeAtomic', join(dir, 'file'), content)],
  ['an overwrite beneath a root', (how, dir) => rootRequest(dir, how, 'writeAtomic', 'file', content)],
  ['exclusive creation', (how, dir) => verbRequest(how, 'writeAtomic', join(dir, 'new'), content, { overwrite: false, durable: false })],
  ['a stream', (_how, dir) => ({ call: 'writeAtomic', args: [join(dir, 'file'), { $pieces: [content.slice(0, 100_000), content.slice(100_000)] }] }), true],
  ['a staged file', (_how, dir) => ({ stage: join(dir, 'file'), args: [], content }), true],
  ['a copy', (how, dir) => rootRequest(dir, how, 'copy', 'file', 'new')],
  ['a directory', (how, dir) => verbRequest(how, 'ensureDir', join(dir, 'new', 'below'))],
];

describe.each(places)('$title without $lacks', ({ title, needs: more, lacks, isMemory, mount }) => {
  const code = lacks === 'writability' ? 'EROFS' : 'ENOSPC';
  const [errno, words] = errors[code];
  needs('root', 'unshare', 'mount', ...more)(`answers ${code}`, () => {
    let driver: Driver;
    let dir: string;

    beforeAll(async () => {
      const base = scratch();
      dir = join(base, 'mounted');
      driver = await Driver.start({ launcher: ['unshare', '--mount', '--propagation', 'private'] });
      await driver.fs('mkdirSync', dir);
      await mount(driver, base, dir);
      for (const name of ['place', 'fillers']) await driver.fs('mkdirSync', join(dir, name));
      await driver.fs('writeFileSync', join(dir, 'place', 'file'), 'old');
      await driver.openRoot(join(dir, 'place'));
    });

    beforeEach(async () => {
      await empty();
      await fill();
    });

    /** Creates files until there is no room for another byte or name. */
    async function fill(): Promise<void> {
      if (lacks === 'writability') {
        await remount('ro');
        return;
      }
      for (const size of lacks === 'blocks' ? [65_536, 4096, 1] : [0]) {
        for (let count = 0, isRoom = true; isRoom && count < 4096; count++) {
          const { error } = await driver.ask({ fs: 'writeFileSync', args: [join(dir, 'fillers', `${size}-${count}`), 'f'.repeat(size)] });
          if (error && error.code !== 'ENOSPC') throw new Error(error.message);
          isRoom = error === undefined;
        }
      }
    }

    async function remount(how: 'ro' | 'rw'): Promise<void> {
      // Remounts only the bind mount.
      await driver.exec('mount', '-o', title === 'a bind mount' ? `remount,bind,${how}` : `remount,${how}`, dir);
    }

    async function empty(): Promise<void> {
      if (lacks === 'writability') await remount('rw');
      await driver.fs('rmSync', join(dir, 'fillers'), { recursive: true });
      await driver.fs('rmSync', join(dir, 'place', 'new'), { recursive: true, force: true });
      await driver.fs('mkdirSync', join(dir, 'fillers'));
      await driver.fs('writeFileSync', join(dir, 'place', 'file'), 'old');
    }

    const cases = both.flatMap((how) =>
      requests.filter(([what, , isAsync]) => !(isAsync && how === 'sync') && !(isMemory && lacks === 'blocks' && what === 'a directory')).map(([what, make]) => [what, how, make] as const),
    );
    it.each(cases)('%s, %s', async (what, how, make) => {
      const place = join(dir, 'place');
      const before = await driver.descriptors();
      const { error } = await driver.ask(make(how, place));
      expect(error).toMatchObject({ isHoldfastError: false, type: 'Error', code, errno });
      expect(error?.message).toMatch(new RegExp(`^${code}: ${words}, \\w+`));
      if (what === 'a copy') expect(error?.message).toMatch(/ 'new'$/);
      expect(await driver.descriptors()).toBe(before);
      expect(String(await driver.fs('readFileSync', join(place, 'file')))).toBe('old');
      expect(await driver.fs('readdirSync', place)).toEqual(['file']);
      await empty();
      expect((await driver.ask(make(how, place))).error).toBeUndefined();
      expect(((await driver.fs('readdirSync', place)) as string[]).filter((name) => !['file', 'new'].includes(name))).toEqual([]);
    });

    it('many files at once: each has its own result, and earlier files are complete', async () => {
      const place = join(dir, 'place');
      const request = { call: 'writeAtomicMany', args: [['file', 'new', 'other'].map((name) => ({ file: join(place, name), data: content }))] };
      const answers = (await driver.must(request)) as { status: string; reason?: { code: string } }[];
      expect(answers.map(({ status, reason }) => [status, reason?.code])).toEqual(Array(3).fill(['rejected', code]));
      expect(String(await driver.fs('readFileSync', join(place, 'file')))).toBe('old');
      expect(await driver.fs('readdirSync', place)).toEqual(['file']);
    });
  });
});
