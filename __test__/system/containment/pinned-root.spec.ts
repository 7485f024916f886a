// A pinned root whose name leads to another directory: calls still use the pinned directory.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, expect, it, describe } from 'vitest';
import { Driver, type Value } from '../../helpers/sys-driver.js';
import { both } from '../../helpers/sys-layout.js';
import { needs } from '../../helpers/sys-needs.js';
import { buildC, makeDir, scratch } from '../../helpers/sys-scratch.js';

const inOwnNamespace = ['unshare', '--mount', '--propagation', 'private'];

needs(
  'root',
  'unshare',
  'mount',
  'gcc',
)('a pinned root', () => {
  describe.each(['openat2', 'walk'])('resolved by %s', (resolver) => {
    const launcher = (): string[] => (resolver === 'walk' ? [...inOwnNamespace, buildC('seccomp-deny'), 'openat2=ENOSYS'] : inOwnNamespace);
    let driver: Driver;
    let base: string;
    let dir: string;

    beforeEach(async () => {
      driver = await Driver.start({ launcher: launcher() });
      base = scratch();
      dir = makeDir(base, 'root', 0o755);
    });

    async function expectPinned(how: 'sync' | 'async', real: string): Promise<void> {
      const wrote = await driver.onRoot(dir, how, 'writeAtomic', `new-${how}`, 'written', { durable: false });
      expect(wrote.value).toMatchObject({ created: true, containment: resolver === 'walk' ? 'walk' : 'kernel' });
      expect(await driver.fs('readFileSync', join(real, `new-${how}`), 'utf8')).toBe('written');
      expect(String((await driver.onRoot(dir, how, 'read', 'who')).value.buffer)).toBe('pinned');
      expect((await driver.onRoot(dir, how, 'ensureDir', `dir-${how}/below`)).value).toMatchObject({ hardening: 'created' });
      expect((await driver.fs('statSync', join(real, `dir-${how}/below`))).mode & 0o7777).toBe(0o700);
    }

    it('that was removed is not-found for roots beneath it and for the cleaner, too', async () => {
      await driver.openRoot(dir);
      await driver.fs('rmdirSync', dir);
      for (const at of ['.', dir, './', 'x/..']) {
        for (const [method, ...args] of [['openRoot', at], ['cleanStaleTemporaries', at, { olderThanMs: 0 }], ['list', at]] as const) {
          const { error } = await driver.onRoot(dir, 'async', method as 'list', ...args);
          expect(error, `${method} ${at}`).toMatchObject({ code: 'not-found' });
        }
        expect((await driver.onRoot(dir, 'sync', 'openRoot' as 'list', at)).error, at).toMatchObject({ code: 'not-found' });
      }
      await driver.end();
    });

    async function pin(): Promise<void> {
      await driver.fs('writeFileSync', join(dir, 'who'), 'pinned');
      expect(await driver.openRoot(dir)).toBe(dir);
    }

    it('that was renamed is still meant', async () => {
      await pin();
      const moved = join(base, 'moved');
      await driver.fs('renameSync', dir, moved);
      for (const how of both) await expectPinned(how, moved);
    });

    it('whose name another directory, or a link, has taken is still meant', async () => {
      await pin();
      const moved = join(base, 'moved');
      await driver.fs('renameSync', dir, moved);
      await driver.fs('mkdirSync', dir);
      await driver.fs('writeFileSync', join(dir, 'who'), 'newcomer');
      await expectPinned('sync', moved);
      await driver.fs('renameSync', dir, join(base, 'elsewhere'));
      await driver.fs('symlinkSync', join(base, 'elsewhere'), dir);
      await expectPinned('async', moved);
      expect(await driver.fs('readdirSync', join(base, 'elsewhere'))).toEqual(['who']);
    });

    it('over which something was mounted is still meant', async () => {
      await pin();
      await driver.exec('mount', '-t', 'tmpfs', 'tmpfs', dir);
      await driver.fs('writeFileSync', join(dir, 'who'), 'newcomer');
      const wrote = await driver.onRoot(dir, 'sync', 'writeAtomic', 'new', 'written');
      expect(wrote.error).toBeUndefined();
      expect(String((await driver.onRoot(dir, 'async', 'read', 'who')).value.buffer)).toBe('pinned');
      expect(await driver.fs('readdirSync', dir)).toEqual(['who']);
      expect(readFileSync(join(dir, 'new'), 'utf8')).toBe('written');
    });

    it('whose file system was unmounted lazily is still meant', async () => {
      await driver.exec('mount', '-t', 'tmpfs', 'tmpfs', dir);
      await pin();
      await driver.exec('umount', '--lazy', dir);
      expect(String((await driver.onRoot(dir, 'sync', 'read', 'who')).value.buffer)).toBe('pinned');
      expect((await driver.onRoot(dir, 'async', 'writeAtomic', 'new', 'written')).value).toMatchObject({ created: true });
      expect(String((await driver.onRoot(dir, 'sync', 'read', 'new')).value.buffer)).toBe('written');
      expect(await driver.fs('readdirSync', dir)).toEqual([]);
    });

    it.each(['unmounted lazily', 'renamed'])('gives paths that begin with its own when it was %s', async (how) => {
      await driver.exec('mount', '-t', 'tmpfs', 'tmpfs', dir);
      const place = how === 'renamed' ? join(dir, 'root') : dir;
      await driver.exec('sh', '-c', 'mkdir -p "$0/etc" && echo inner > "$0/etc/passwd" && ln -s etc "$0/l"', place);
      await driver.openRoot(place);
      await (how === 'renamed' ? driver.fs('renameSync', place, join(dir, 'moved')) : driver.exec('umount', '--lazy', dir));
      for (const name of ['etc/passwd', 'l/passwd']) {
        const { value } = await driver.onRoot(place, 'async', 'read', name, { symlinks: 'follow-within-root' });
        expect([String(value.buffer), value.realPath]).toEqual(['inner\n', join(place, 'etc/passwd')]);
      }
      expect((await driver.onRoot(place, 'sync', 'ensureDir', 'l/new', { symlinks: 'follow-within-root' })).value.path).toBe(join(place, 'etc/new'));
      await driver.must({ closeRoot: place });
    });

    it('that keeps its file system busy lets go of it when it is closed', async () => {
      await driver.exec('mount', '-t', 'tmpfs', 'tmpfs', dir);
      await pin();
      const busy = await driver.ask({ exec: ['umount', dir] });
      expect(busy.error?.message).toMatch(/busy/);
      await driver.must({ closeRoot: dir });
      expect((await driver.onRoot(dir, 'sync', 'read', 'who')).error).toMatchObject({ code: 'root-closed', category: 'operational' });
      expect((await driver.onRoot(dir, 'async', 'writeAtomic', 'who', 'x')).error).toMatchObject({ code: 'root-closed' });
      await driver.exec('umount', dir);
    });

    it('that was removed fails typed, and what takes its name is not touched', async () => {
      await pin();
      await driver.fs('rmSync', dir, { recursive: true });
      await driver.fs('mkdirSync', dir);
      for (const how of both) {
        const failures: Value[] = [
          (await driver.onRoot(dir, how, 'read', 'who')).error,
          (await driver.onRoot(dir, how, 'writeAtomic', 'new', 'x')).error,
          (await driver.onRoot(dir, how, 'ensureDir', 'new')).error,
        ];
        for (const { code, isHoldfastError } of failures) {
          expect(isHoldfastError ? code : `raw ${code}`).toMatch(/^(not-found|raw ENOENT)$/);
        }
      }
      expect(await driver.fs('readdirSync', dir)).toEqual([]);
    });

    it('that was made read-only fails writes with EROFS, and still reads', async () => {
      await driver.exec('mount', '-t', 'tmpfs', 'tmpfs', dir);
      await pin();
      await driver.exec('mount', '-o', 'remount,ro', dir);
      for (const how of both) {
        const write = (await driver.onRoot(dir, how, 'writeAtomic', 'new', 'x')).error;
        expect(write).toMatchObject({ isHoldfastError: false, code: 'EROFS', errno: -30, syscall: 'open' });
        const make = (await driver.onRoot(dir, how, 'ensureDir', 'new')).error;
        expect(make).toMatchObject({ isHoldfastError: false, code: 'EROFS', errno: -30, syscall: 'mkdir' });
        expect(String((await driver.onRoot(dir, how, 'read', 'who')).value.buffer)).toBe('pinned');
      }
    });
  });
});
