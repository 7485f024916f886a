// Runs every verb under a seccomp filter that removes system calls, as old kernels and container profiles do.
import { readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { asUser1000, Driver } from '../../helpers/sys-driver.js';
import { both, modeOf, octal, ownedDir, ownedFile, strays } from '../../helpers/sys-layout.js';
import { needs } from '../../helpers/sys-needs.js';
import { buildC, scratch } from '../../helpers/sys-scratch.js';

const withCompiler = needs('root', 'gcc', 'setpriv');

/**
 * Runs a list of steps on one layout. Returns plain data, so that two drivers can be compared. The system call that
 * publishes a file may differ.
 */
async function everything(driver: Driver, how: 'sync' | 'async', dir: string): Promise<unknown[]> {
  const answers: unknown[] = [];
  const step = async (...request: Parameters<Driver['verb']>): Promise<void> => {
    const { value, error } = await driver.verb(...request);
    answers.push(value ? { ...value, method: undefined, stat: undefined, dev: undefined, ino: undefined } : { ...error, cause: undefined });
  };
  const at = (...names: string[]): string => join(dir, ...names);
  ownedDir(dir, 'open', 1000, 1000, 0o755);
  ownedDir(dir, 'write-only', 1000, 1000, 0o330);
  ownedDir(dir, 'foreign', 0, 0, 0o755);
  ownedFile(dir, 'kept', 1000, 1000, 0o640);
  ownedFile(dir, 'secret', 1001, 1001, 0o600);
  symlinkSync('kept', at('link'));
  symlinkSync('open', at('linked-dir'));
  symlinkSync('loop', at('loop'));
  await step(how, 'ensureDir', at('made', 'a', 'b'));
  await step(how, 'ensureDir', at('made', 'a', 'b'));
  await step(how, 'ensureDir', at('open'));
  await step(how, 'ensureDir', at('write-only'));
  await step(how, 'ensureDir', at('foreign'));
  await step(how, 'ensureDir', at('foreign'), { existing: 'require' });
  await step(how, 'ensureDir', at('kept', 'below'));
  await step(how, 'ensureDir', at('linked-dir', 'below'));
  await step(how, 'ensureDir', at('linked-dir', 'other'), { symlinks: 'reject' });
  await step(how, 'writeAtomic', at('new'), 'new');
  await step(how, 'writeAtomic', at('new'), 'newer', { mode: 0o666 });
  await step(how, 'writeAtomic', at('kept'), 'newer', { durable: 'file' });
  await step(how, 'writeAtomic', at('exclusive'), 'one', { overwrite: false });
  await step(how, 'writeAtomic', at('exclusive'), 'two', { overwrite: false });
  await step(how, 'writeAtomic', at('link'), 'x');
  await step(how, 'writeAtomic', at('link'), 'x', { finalSymlink: 'follow' });
  await step(how, 'writeAtomic', at('linked-dir', 'x'), 'through', { symlinks: 'reject' });
  await step(how, 'writeAtomic', at('linked-dir', 'x'), 'through');
  await step(how, 'writeAtomic', at('foreign', 'x'), 'x');
  await step(how, 'writeAtomic', at('missing', 'x'), 'x');
  await step(how, 'writeAtomic', at('missing', 'y', 'x'), 'x', { mkdir: true });
  await step(how, 'readLocalFileSafely', at('new'));
  await step(how, 'readLocalFileSafely', at('link'));
  await step(how, 'readLocalFileSafely', at('loop'));
  await step(how, 'readLocalFileSafely', at('linked-dir', 'x'));
  await step(how, 'readLocalFileSafely', at('linked-dir', 'x'), { symlinks: 'reject' });
  await step(how, 'readLocalFileSafely', at('linked-dir', '..', 'new'));
  await step(how, 'readLocalFileSafely', at('absent'));
  await step(how, 'readLocalFileSafely', at('new', 'below'));
  await step(how, 'readLocalFileSafely', at('open'));
  await step(how, 'readLocalFileSafely', at('secret'));
  await step(how, 'readLocalFileSafely', at('secret'), { outbound: true });
  await step(how, 'readLocalFileSafely', at('new'), { maxBytes: 4 });
  await step('async', 'openLocalFileSafely', at('loop'));
  return JSON.parse(JSON.stringify(answers).replaceAll(dir, '<dir>')) as unknown[];
}

withCompiler('with system calls taken away', () => {
  let base: string;
  let plain: Record<'sync' | 'async', unknown[]>;
  let count = 0;

  const fresh = (): string => ownedDir(base, `case-${count++}`, 1000, 1000, 0o755);

  beforeAll(async () => {
    base = scratch();
    const driver = await Driver.start({ launcher: asUser1000 });
    plain = { sync: await everything(driver, 'sync', fresh()), async: await everything(driver, 'async', fresh()) };
  });

  it('the undisturbed run is what the others are compared with: it has successes and refusals', () => {
    for (const how of both) {
      const codes = plain[how].map((answer) => (answer as { code?: string }).code);
      expect(codes.filter((code) => code === undefined).length).toBeGreaterThan(12);
      for (const code of ['symlink', 'not-directory', 'not-found', 'already-exists', 'too-large', 'not-file', 'EACCES']) {
        expect(codes).toContain(code);
      }
    }
  });

  it.each([
    'openat2=ENOSYS',
    'openat2=EPERM',
    'fchmodat2=ENOSYS',
    'fchmodat2=EPERM',
    'statx=ENOSYS',
    'statx=EPERM',
    'renameat2=ENOSYS',
    'renameat2=EINVAL',
    'openat2=ENOSYS,fchmodat2=ENOSYS,statx=ENOSYS,renameat2=ENOSYS',
  ])('%s: all verbs have the same results as without the filter', async (filter) => {
    const driver = await Driver.start({ launcher: [buildC('seccomp-deny'), filter, ...asUser1000] });
    for (const how of both) {
      const dir = fresh();
      const answers = await everything(driver, how, dir);
      expect(answers).toEqual(plain[how]);
      expect(readFileSync(join(dir, 'new'), 'utf8')).toBe('newer');
      expect(strays(dir).filter((name) => name.startsWith('.holdfast-'))).toEqual([]);
    }
  });

  it('the filter removes openat2, and capabilities() reports the resolver', async () => {
    const without = await Driver.start({ launcher: [buildC('seccomp-deny'), 'openat2=ENOSYS'] });
    const withIt = await Driver.start();
    const there = await withIt.must({ call: 'capabilities', args: [] });
    const gone = await without.must({ call: 'capabilities', args: [] });
    expect(there).toMatchObject({ openat2: true });
    expect(gone).toMatchObject({ openat2: false });
    expect(gone.resolver).not.toEqual(there.resolver);
  });
});

withCompiler('chmod that fails', () => {
  let base: string;
  beforeAll(() => {
    base = scratch();
  });

  const everyChmod = (answer: string): string => ['chmod', 'fchmod', 'fchmodat', 'fchmodat2'].map((call) => `${call}=${answer}`).join(',');
  const start = (answer: string): Promise<Driver> => Driver.start({ launcher: [buildC('seccomp-deny'), everyChmod(answer)] });

  it.each(['EPERM', 'EACCES', 'EROFS', 'ENOSYS', 'ENOTSUP'])('with %s is tolerated, reported and warned about', async (errno) => {
    const driver = await start(errno);
    for (const how of both) {
      for (const mode of [0o755, 0o2755]) {
        const dir = ownedDir(base, `${errno}-${how}-${mode}`, 0, 0, mode);
        const { value } = await driver.verb(how, 'ensureDir', dir);
        expect(value).toMatchObject({ hardening: 'tolerated', reason: errno, isPrivate: false, mode });
        expect((await driver.verb(how, 'ensureDir', dir, { existing: 'require' })).error?.code).toBe('insecure-permissions');
        expect(octal(modeOf(dir))).toBe(octal(mode));
        expect(await driver.warnings()).toHaveLength(1);
      }
    }
  });

  it.each(['EPERM', 'EACCES', 'ENOTSUP'])('with %s is the reason for what a new directory lacks', async (errno) => {
    const driver = await start(errno);
    await driver.must({ umask: 0o027 });
    for (const how of both) {
      const { value } = await driver.verb(how, 'ensureDir', join(base, `new-${errno}-${how}`), { mode: 0o755 });
      expect(value).toMatchObject({ hardening: 'created', mode: 0o750, reason: errno });
      const exact = await driver.verb(how, 'ensureDir', join(base, `exact-${errno}-${how}`), { mode: 0o750 });
      expect(exact.value).toEqual(expect.not.objectContaining({ reason: expect.anything() }));
    }
  });

  it.each(['EIO', 'ENOENT', 'ELOOP'])('with %s is thrown', async (errno) => {
    const driver = await start(errno);
    for (const how of both) {
      const dir = ownedDir(base, `${errno}-${how}`, 0, 0, 0o755);
      const { error } = await driver.verb(how, 'ensureDir', dir);
      expect(error?.sysCode ?? error?.code).toBe(errno);
      expect(error?.path).toBe(dir);
      expect(error?.syscall).toMatch(/^f?chmod$/);
      expect(octal(modeOf(dir))).toBe('0755');
    }
  });

  it('that answers success and does nothing, as on vfat, is no-effect: what counts is read back', async () => {
    const driver = await start('NOTHING');
    for (const how of both) {
      const dir = ownedDir(base, `nothing-${how}`, 0, 0, 0o755);
      const { value } = await driver.verb(how, 'ensureDir', dir);
      expect(value).toMatchObject({ hardening: 'tolerated', reason: 'no-effect', isPrivate: false, mode: 0o755 });
      expect((await driver.verb(how, 'ensureDir', dir, { existing: 'require' })).error?.code).toBe('insecure-permissions');
      expect(await driver.warnings()).toHaveLength(1);
    }
  });

  it('a private directory does not notice: nothing was to be changed', async () => {
    const driver = await start('EIO');
    const dir = ownedDir(base, 'private', 0, 0, 0o700);
    for (const how of both) expect((await driver.verb(how, 'ensureDir', dir)).value).toMatchObject({ hardening: 'not-needed' });
  });
});

describe('the filters', () => {
  withCompiler('leave the rest of the process alone', () => {
    it('a driver under them writes with plain node:fs', async () => {
      const driver = await Driver.start({ launcher: [buildC('seccomp-deny'), 'openat2=EPERM,statx=ENOSYS'] });
      const file = join(scratch(), 'file');
      await driver.fs('writeFileSync', file, 'x');
      expect(readFileSync(file, 'utf8')).toBe('x');
    });
  });
});
