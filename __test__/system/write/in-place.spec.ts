// Targets that no rename can replace because they are mount points: refused by default, written in place if the caller
// allows it.
import { join } from 'node:path';
import { beforeAll, beforeEach, expect, it } from 'vitest';
import { asUser1000, Driver, rootRequest, verbRequest, type Request } from '../../helpers/sys-driver.js';
import { both, octal } from '../../helpers/sys-layout.js';
import { needs } from '../../helpers/sys-needs.js';
import { makeDir, scratch } from '../../helpers/sys-scratch.js';
import { watch, type Injection, type SystemCall } from '../../helpers/sys-strace.js';

const inOwnNamespace = ['unshare', '--mount', '--propagation', 'private'];
const RECOVERY = /^\.holdfast-[0-9a-f]{32}\.recovery$/;
const inPlace = { fallback: 'in-place' };

needs('root', 'unshare', 'mount', 'strace', 'setpriv', 'setfacl', 'getfacl')('a file bind-mounted on its own', () => {
  let base: string;
  let driver: Driver;
  let count = 0;
  let source: string;
  let dir: string;
  let target: string;

  beforeAll(async () => {
    base = scratch();
    driver = await Driver.start({ launcher: inOwnNamespace, env: { UV_THREADPOOL_SIZE: '1' } });
  });

  beforeEach(async () => {
    dir = makeDir(base, `dir-${count++}`, 0o755);
    source = `${dir}.source`;
    target = join(dir, 'file');
    await layOut('old content');
  });

  async function layOut(content: string, uid = 0): Promise<void> {
    await driver.fs('writeFileSync', source, content);
    await driver.fs('chmodSync', source, 0o640);
    await driver.fs('chownSync', source, uid, uid);
    await driver.fs('writeFileSync', target, 'beneath the mount');
    await driver.exec('mount', '--bind', source, target);
  }

  const content = async (path = target): Promise<string> => String(await driver.fs('readFileSync', path));
  const others = async (): Promise<string[]> => (await driver.fs('readdirSync', dir)).filter((name: string) => name !== 'file');
  const modeOf = async (path: string): Promise<string> => octal(parseInt((await driver.exec('stat', '--format=%a', path)).trim(), 8));

  it.each(both)('is EBUSY by default, and unchanged (%s)', async (how) => {
    const { error } = await driver.verb(how, 'writeAtomic', target, 'new');
    expect(error).toMatchObject({ isHoldfastError: false, code: 'EBUSY', syscall: 'rename', dest: target });
    expect(await content()).toBe('old content');
    expect(await others()).toEqual([]);
  });

  it.each(
    both.flatMap((how) => ['new', '', 'x'.repeat(1_000_000)].map((text) => [how, text.length, text] as const)),
  )('is written over with fallback: in-place, and keeps what it is (%s, %i bytes)', async (how, size, text) => {
    const before = (await driver.exec('stat', '--format=%i %u %g', target)).trim();
    const { value } = await driver.verb(how, 'writeAtomic', target, text, inPlace);
    expect(value).toMatchObject({
      path: target,
      created: false,
      method: 'in-place',
      size,
      mode: 0o640,
      durable: true,
      preserved: { mode: true, acl: true, owner: true },
    });
    expect(await content()).toBe(text);
    expect(await content(source)).toBe(text);
    expect((await driver.exec('stat', '--format=%i %u %g', target)).trim()).toBe(before);
    expect(await modeOf(target)).toBe('0640');
    expect(await others()).toEqual([]);
  });

  it('takes a mode that is given', async () => {
    const { value } = await driver.verb('sync', 'writeAtomic', target, 'new', { ...inPlace, mode: 0o604 });
    expect(value).toMatchObject({ method: 'in-place', mode: 0o604, preserved: { mode: false, acl: false, owner: true } });
    expect(await modeOf(source)).toBe('0604');
  });

  /** Returns whether a call of a write changes the mounted file. */
  const isChange = ({ name, args }: SystemCall): boolean => /^(fchmod|pwrite64|ftruncate|fsync|fremovexattr|fsetxattr)$/.test(name) && args.includes(`<${target}>`);

  it.each([
    [0o600, 0o644, '0600', '0644'],
    [0o644, 0o600, '0600', '0600'],
    [0o640, 0o604, '0600', '0604'],
    [0o4755, undefined, '0755', '0755'],
  ])('grants no more than mode %o and mode %o while the content is written', async (old, mode, narrow, wide) => {
    await driver.fs('chmodSync', source, old);
    const request = verbRequest('sync', 'writeAtomic', target, 'new', { ...inPlace, mode });
    const { answer, calls } = await watch(driver, request, { thread: driver.pid });
    expect(answer.value).toMatchObject({ method: 'in-place', mode: parseInt(wide, 8) });
    const changes = calls.filter(isChange).map(({ name, args }) => (name === 'fchmod' ? `fchmod ${args.split(', ')[1]}` : name));
    expect(changes).toEqual([`fchmod ${narrow}`, 'pwrite64', 'ftruncate', 'fsync', `fchmod ${wide}`, 'fsync']);
    expect(await modeOf(source)).toBe(wide);
  });

  it.each([
    ['the copy for recovery cannot be written', 'pwrite64', 1],
    ['the content cannot be written', 'pwrite64', 2],
    ['the new content cannot be synced', 'fsync', 4],
    ['the new mode cannot be set', 'fchmod', 2],
  ])('has its old mode and ACL again when %s', async (_what, syscall, when) => {
    await driver.fs('chmodSync', source, 0o600);
    await driver.exec('setfacl', '-m', 'u:1001:r', source);
    const request = verbRequest('sync', 'writeAtomic', target, 'new', { ...inPlace, mode: 0o644 });
    const { answer } = await watch(driver, request, { thread: driver.pid, inject: [{ syscall, effect: 'error=EIO', when }] });
    expect(answer.error).toMatchObject({ code: 'EIO' });
    expect(await content()).toBe('old content');
    expect(await modeOf(source)).toBe('0640');
    expect(await driver.exec('getfacl', '-cnp', source)).toContain('user:1001:r--\n');
    expect(await others()).toEqual([]);
  });

  it('stays narrow where the old content cannot be restored', async () => {
    await driver.fs('chmodSync', source, 0o644);
    const broken = [{ syscall: 'pwrite64', effect: 'error=EIO', when: '2+' }];
    const request = verbRequest('sync', 'writeAtomic', target, 'new', { ...inPlace, mode: 0o600 });
    const { error } = (await watch(driver, request, { thread: driver.pid, inject: broken })).answer;
    expect(error).toMatchObject({ code: 'EIO', mode: 0o600 });
    expect(error!.message).toContain(`'${target}' has mode 0600 now: its former permissions were not put back, as it may hold a part of the new content.`);
    expect(await modeOf(source)).toBe('0600');
  });

  it.each([
    ['the copy for recovery cannot be written', 'pwrite64', 1],
    ['the content cannot be written', 'pwrite64', 2],
  ])('has an error that tells its mode when %s and the old mode cannot be put back', async (_what, syscall, when) => {
    await driver.fs('chmodSync', source, 0o664);
    const request = verbRequest('sync', 'writeAtomic', target, 'new', { ...inPlace, mode: 0o600 });
    const inject = [{ syscall, effect: 'error=EIO', when }, { syscall: 'fchmod', effect: 'error=EPERM', when: '2+' }];
    const { error } = (await watch(driver, request, { thread: driver.pid, inject })).answer;
    expect(error).toMatchObject({ isHoldfastError: false, code: 'EIO', mode: 0o600 });
    expect(error!.message).toContain(`. '${target}' has mode 0600 now: its former permissions could not be put back (EPERM).`);
    expect(await modeOf(source)).toBe('0600');
    expect(await content()).toBe('old content');
  });

  it('stays narrow, and has an error that tells it, when its ACL cannot be put back', async () => {
    await driver.fs('chmodSync', source, 0o600);
    await driver.exec('setfacl', '-m', 'u:1001:r', source);
    const request = verbRequest('sync', 'writeAtomic', target, 'new', { ...inPlace, mode: 0o644 });
    const inject = [{ syscall: 'pwrite64', effect: 'error=EIO', when: 2 }, { syscall: 'fsetxattr', effect: 'error=ENOSPC', when: '1+' }];
    const { error } = (await watch(driver, request, { thread: driver.pid, inject })).answer;
    expect(error).toMatchObject({ code: 'EIO', mode: 0o600 });
    expect(error!.message).toContain('could not be put back (ENOSPC)');
    // The mask of the ACL would be the bits of the group.
    expect(await modeOf(source)).toBe('0600');
  });

  it('has an error that tells no mode when its ACL is back, which has the mode, and only the mode cannot be set again', async () => {
    await driver.fs('chmodSync', source, 0o664);
    await driver.exec('setfacl', '-m', 'u:1001:rw,g:1002:r', source);
    const acl = await driver.exec('getfacl', '-cnp', source);
    const request = verbRequest('sync', 'writeAtomic', target, 'new', { ...inPlace, mode: 0o600 });
    const inject = [{ syscall: 'fchmod', effect: 'error=EPERM', when: '2+' }];
    const { error } = (await watch(driver, request, { thread: driver.pid, inject })).answer;
    expect(error).toMatchObject({ code: 'EPERM' });
    expect(error!.mode).toBeUndefined();
    expect(error!.message).not.toContain('put back');
    expect(await driver.exec('getfacl', '-cnp', source)).toBe(acl);
  });

  it('has an error that tells no mode where it keeps its own', async () => {
    await driver.fs('chmodSync', source, 0o600);
    const request = verbRequest('sync', 'writeAtomic', target, 'new', { ...inPlace, mode: 0o644 });
    const inject = [{ syscall: 'pwrite64', effect: 'error=EIO', when: '2+' }];
    const { error } = (await watch(driver, request, { thread: driver.pid, inject })).answer;
    expect(error!.mode).toBeUndefined();
    expect(error!.message).not.toContain('put back');
  });

  it('loses its ACL to a given mode, as by a rename', async () => {
    await driver.exec('setfacl', '-m', 'u:1001:rw', source);
    const { value } = await driver.verb('sync', 'writeAtomic', target, 'new', { ...inPlace, mode: 0o640 });
    expect(value).toMatchObject({ method: 'in-place', mode: 0o640, preserved: { acl: false } });
    expect(await driver.exec('getfacl', '-cnp', source)).not.toContain('user:1001');
  });

  it('keeps its ACL without a given mode', async () => {
    await driver.exec('setfacl', '-m', 'u:1001:rw', source);
    const { value } = await driver.verb('sync', 'writeAtomic', target, 'new', inPlace);
    expect(value).toMatchObject({ method: 'in-place', preserved: { mode: true, acl: true } });
    expect(await driver.exec('getfacl', '-cnp', source)).toContain('user:1001:rw-\n');
  });

  it('takes a stream', async () => {
    const { value } = await driver.ask({ stream: target, pieces: 3, options: inPlace });
    expect(value).toMatchObject({ method: 'in-place', size: 210_000 });
    expect((await content()).length).toBe(210_000);
    expect(await others()).toEqual([]);
  });

  it.each(both)('is written over beneath a root (%s)', async (how) => {
    await driver.openRoot(dir);
    const { value } = await driver.ask(rootRequest(dir, how, 'writeAtomic', 'file', 'new', inPlace));
    expect(value).toMatchObject({ method: 'in-place', containment: 'kernel' });
    expect(await content()).toBe('new');
    expect(await others()).toEqual([]);
  });

  it.each(both)('is not written over while it has another name (%s)', async (how) => {
    await driver.fs('linkSync', source, `${source}.second`);
    const { error } = await driver.verb(how, 'writeAtomic', target, 'new', inPlace);
    expect(error).toMatchObject({ isHoldfastError: true, code: 'hardlink', path: target });
    expect(error!.remedy).toBe('Mount the directory instead of the file, or mount a copy that has one name.');
    expect(await content()).toBe('old content');
    expect(await others()).toEqual([]);
  });

  it('is not written over by another user than its owner, however much may be', async () => {
    const theirs = makeDir(base, `theirs-${count}`, 0o777);
    const file = join(theirs, 'file');
    const shared = `${theirs}.source`;
    await driver.fs('writeFileSync', shared, 'old content');
    await driver.fs('chmodSync', shared, 0o666);
    await driver.fs('chownSync', shared, 1001, 1001);
    await driver.fs('writeFileSync', file, '');
    const script = ['mount', '--bind', shared, file].join(' ');
    const user = await Driver.start({ launcher: [...inOwnNamespace, 'sh', '-c', `${script} && exec "$@"`, 'sh', ...asUser1000] });
    const { error } = await user.verb('sync', 'writeAtomic', file, 'new', inPlace);
    expect(error).toMatchObject({ isHoldfastError: true, code: 'not-owned', path: file, uid: 1001, euid: 1000 });
    expect(error?.message).toContain('not overwritten');
    expect(String(await driver.fs('readFileSync', shared))).toBe('old content');
    expect(await driver.fs('readdirSync', theirs)).toEqual(['file']);
  });

  it('means nothing where the target can be renamed over', async () => {
    const file = join(dir, 'plain');
    await driver.fs('writeFileSync', file, 'old');
    expect((await driver.verb('sync', 'writeAtomic', file, 'new', inPlace)).value).toMatchObject({ method: 'rename' });
    expect((await driver.verb('sync', 'writeAtomic', join(dir, 'new'), 'new', inPlace)).value).toMatchObject({ created: true });
  });

  /** A failure in mid-write: the call and its number on the writing thread. */
  const failures: [what: string, fails: Injection[], code: string][] = [
    ['the copy for recovery cannot be written', [{ syscall: 'pwrite64', effect: 'error=ENOSPC', when: 1 }], 'ENOSPC'],
    ['the content cannot be written', [{ syscall: 'pwrite64', effect: 'error=EIO', when: 2 }], 'EIO'],
    ['the rest cannot be cut off', [{ syscall: 'ftruncate', effect: 'error=EIO', when: 1 }], 'EIO'],
    ['the new content cannot be synced', [{ syscall: 'fsync', effect: 'error=EIO', when: 4 }], 'EIO'],
  ];

  it.each(both.flatMap((how) => failures.map((failure) => [how, ...failure] as const)))(
    'is restored when %s: %s',
    async (how, _what, fails, code) => {
      const thread = how === 'sync' ? driver.pid : await driver.poolThread();
      const request = verbRequest(how, 'writeAtomic', target, 'new', inPlace);
      const { answer, calls } = await watch(driver, request, { thread, inject: fails });
      expect(calls.filter(({ result }) => result.includes('INJECTED'))).toHaveLength(1);
      expect(answer.error).toMatchObject({ isHoldfastError: false, code, path: target });
      expect(await content()).toBe('old content');
      expect(await others()).toEqual([]);
    },
  );

  it('leaves the old content in a copy that the error names, where it cannot be restored', async () => {
    const broken = [{ syscall: 'pwrite64', effect: 'error=EIO', when: '2+' }];
    const request = verbRequest('sync', 'writeAtomic', target, 'new', inPlace);
    const { answer } = await watch(driver, request, { thread: driver.pid, inject: broken });
    const [copy, ...more] = await others();
    expect(copy).toMatch(RECOVERY);
    expect(more).toEqual([]);
    expect(answer.error).toMatchObject({ code: 'EIO', path: join(dir, copy as string), dest: target });
    expect(await content(join(dir, copy as string))).toBe('old content');
    expect(await modeOf(join(dir, copy as string))).toBe('0600');
    const cleaned = await driver.must({ call: 'cleanStaleTemporaries', args: [dir, { olderThanMs: 0 }] });
    expect(cleaned).toEqual([]);
  });

  it('killed at any call: the old content is in the file, or whole in the copy beside it, or the new one is there', async () => {
    const request: Request = verbRequest('sync', 'writeAtomic', target, 'brand new', inPlace);
    const { calls } = await watch(driver, request, { thread: driver.pid });
    const interesting = /^(open|linkat|rename|pwrite64|pread64|ftruncate|fsync|unlink|fstat|close)/;
    const seen = new Map<string, number>();
    const points = calls.flatMap(({ name, args }) => {
      seen.set(name, (seen.get(name) ?? 0) + 1);
      const isOurs = args.includes(base) || args.includes('.holdfast-');
      return interesting.test(name) && isOurs ? [{ name, when: seen.get(name) as number }] : [];
    });
    expect(points.length).toBeGreaterThan(15);
    let copies = 0;
    for (const { name, when } of points) {
      const place = makeDir(base, `killed-${count++}`, 0o755);
      const [file, origin] = [join(place, 'file'), `${place}.source`];
      await driver.fs('writeFileSync', origin, 'old content');
      await driver.fs('writeFileSync', file, '');
      // The victim's namespace ends with it; its writes remain in `origin`.
      const victim = await Driver.start({ launcher: [...inOwnNamespace, 'sh', '-c', `mount --bind ${origin} ${file} && exec "$@"`, 'sh'] });
      const fatal = [{ syscall: name, effect: 'signal=KILL', when }];
      await watch(victim, { ...request, args: [file, 'brand new', inPlace] }, { thread: victim.pid, inject: fatal }).catch(() => undefined);
      const state = String(await driver.fs('readFileSync', origin));
      const names = (await driver.fs('readdirSync', place)) as string[];
      const copy = names.find((found) => RECOVERY.test(found));
      const isWhole = state === 'old content' || state === 'brand new';
      if (!isWhole) {
        copies += 1;
        expect(copy, `${name} ${when}: ${state}`).toBeDefined();
        expect(String(await driver.fs('readFileSync', join(place, copy as string)))).toBe('old content');
      }
      expect(names.filter((found) => found !== 'file' && found !== copy).every((found) => /^\.holdfast-[0-9a-v]{24}\.tmp$/.test(found))).toBe(true);
    }
    // Between the first byte and the cut, the file is neither version. Otherwise no process was killed in the middle.
    expect(copies).toBeGreaterThan(0);
  }, 180_000);
});
