// Unnamed temporaries: the file systems with them, and the behaviour when linkat fails.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { asUser1000, Driver, verbRequest, type Request } from '../../helpers/sys-driver.js';
import { both, ownedDir, strays } from '../../helpers/sys-layout.js';
import { needs } from '../../helpers/sys-needs.js';
import { makeDir, scratch } from '../../helpers/sys-scratch.js';
import { fileCalls, watch, type Injection, type SystemCall } from '../../helpers/sys-strace.js';

/** A synced file gets a name before its sync where the file system has no journal (`no-journal.spec.ts`). */
const UNSYNCED = { durable: false };

const inOwnNamespace = ['unshare', '--mount', '--propagation', 'private'];

const isUnnamed = ({ name, args }: SystemCall): boolean => name === 'openat' && args.includes('O_TMPFILE');
const isNamed = ({ name, args }: SystemCall): boolean => name === 'openat' && args.includes('.holdfast-') && args.includes('O_EXCL');
const isLink = ({ name }: SystemCall): boolean => name === 'linkat';

async function callsOf(driver: Driver, request: Request, inject: Injection[] = []) {
  const { answer, calls } = await watch(driver, { ...request, marked: true }, { inject });
  return { answer, calls: fileCalls(calls) };
}

/** Expectation for one kind of write: whether its temporary has a name from the start. */
const writes: [what: string, old: boolean, options: object, onDisk: 'unnamed' | 'named', inMemory: 'unnamed' | 'named'][] = [
  ['a new file, synced', false, {}, 'unnamed', 'unnamed'],
  ['a new file, not synced', false, { durable: false }, 'unnamed', 'unnamed'],
  ['exclusive creation', false, { overwrite: false }, 'unnamed', 'unnamed'],
  ['an overwrite, synced', true, {}, 'unnamed', 'named'],
  ['an overwrite with a mode, the file synced', true, { mode: 0o600, durable: 'file' }, 'unnamed', 'named'],
  ['an overwrite, not synced', true, { durable: false }, 'named', 'named'],
];

const disks = [
  ['ext4', 'mkfs.ext4', '64M', ['-q', '-F']],
  ['xfs', 'mkfs.xfs', '320M', ['-q', '-f']],
  ['btrfs', 'mkfs.btrfs', '128M', ['-q', '-f']],
] as const;

describe.each([...disks, ['tmpfs', 'mount', '', []] as const])('on %s', (kind, tool, size, options) => {
  const isMemory = kind === 'tmpfs';
  needs('root', 'strace', 'unshare', 'mount', 'loop devices', tool)('each write', () => {
    let driver: Driver;
    let dir: string;
    let count = 0;

    beforeAll(async () => {
      const base = scratch();
      dir = makeDir(base, 'mounted', 0o755);
      driver = await Driver.start({ launcher: inOwnNamespace });
      if (isMemory) {
        await driver.exec('mount', '-t', 'tmpfs', 'tmpfs', dir);
      } else {
        const image = join(base, 'image');
        await driver.exec('truncate', '-s', size, image);
        await driver.exec(tool, ...options, image);
        await driver.exec('mount', '-o', 'loop', image, dir);
      }
    }, 60_000);

    it.each(both.flatMap((how) => writes.map((write) => [how, ...write] as const)))(
      '%s: %s',
      async (how, _what, isOverwrite, given, onDisk, inMemory) => {
        // The first two calls on a mount may determine its type.
        for (let warmUp = 0; warmUp < 3; warmUp++) {
          const target = join(dir, `warm-up-${how}-${isOverwrite ? 'old' : count++}`);
          await driver.must(verbRequest(how, 'writeAtomic', target, 'x', given));
        }
        const file = join(dir, `file-${count++}`);
        if (isOverwrite) await driver.fs('writeFileSync', file, 'old');
        const { answer, calls } = await callsOf(driver, verbRequest(how, 'writeAtomic', file, 'new', given));
        const isWithoutName = (isMemory ? inMemory : onDisk) === 'unnamed';
        expect(calls.filter(isUnnamed)).toHaveLength(isWithoutName ? 1 : 0);
        expect(calls.filter(isNamed)).toHaveLength(isWithoutName ? 0 : 1);
        // The file gets its final name, or one to be renamed from.
        expect(calls.filter(isLink)).toHaveLength(isWithoutName ? 1 : 0);
        expect(calls.filter(({ name }) => /^rename/.test(name))).toHaveLength(isWithoutName && !isOverwrite ? 0 : 1);
        expect(answer.value).toMatchObject({ method: isWithoutName && !isOverwrite ? 'link' : 'rename', created: !isOverwrite, size: 3 });
        expect(String(await driver.fs('readFileSync', file))).toBe('new');
        expect((await driver.fs('readdirSync', dir)).filter((name: string) => name.startsWith('.holdfast-'))).toEqual([]);
      },
    );
  });
});

const elsewhere = needs('root', 'strace', 'unshare', 'mount');

elsewhere('where a close may report what was not written (overlayfs)', () => {
  it.each(both)('temporaries have names, and that is found out once (%s)', async (how) => {
    const base = scratch();
    const driver = await Driver.start({ launcher: inOwnNamespace });
    const at = (name: string): string => join(base, name);
    await driver.exec('mount', '-t', 'tmpfs', 'tmpfs', base);
    for (const name of ['lower', 'upper', 'work', 'merged']) await driver.fs('mkdirSync', at(name));
    const layers = `lowerdir=${at('lower')},upperdir=${at('upper')},workdir=${at('work')}`;
    await driver.exec('mount', '-t', 'overlay', 'overlay', '-o', layers, at('merged'));
    await driver.must(verbRequest(how, 'writeAtomic', join(at('merged'), 'first'), 'x'));
    const { answer, calls } = await callsOf(driver, verbRequest(how, 'writeAtomic', join(at('merged'), 'second'), 'x'));
    expect(answer.value).toMatchObject({ method: 'rename', created: true });
    expect(calls.filter(isUnnamed)).toEqual([]);
    expect(calls.filter(isNamed)).toHaveLength(1);
    // The behaviour on another mount is unchanged.
    const other = await callsOf(driver, verbRequest(how, 'writeAtomic', at('third'), 'x'));
    expect(other.answer.value).toMatchObject({ method: 'link' });
  });
});

needs('root', 'strace')('cleanStaleTemporaries', () => {
  it('removes no file in use when it cannot inspect it: EMFILE at each open in turn', async () => {
    const dir = makeDir(scratch(), 'alive', 0o755);
    const [maker, cleaner] = [await Driver.start(), await Driver.start({ env: { UV_THREADPOOL_SIZE: '1' } })];
    const staged = (await maker.must({ keepStaged: join(dir, 'file') })) as string;
    const request = { call: 'cleanStaleTemporaries', args: [dir, { olderThanMs: 0 }] };
    expect(await cleaner.must(request)).toEqual([]);
    const thread = await cleaner.poolThread();
    let refused = 0;
    for (const when of [1, 2, 3, 4]) {
      const full = [{ syscall: 'openat', effect: 'error=EMFILE', when }];
      const { answer, calls } = await watch(cleaner, request, { thread, inject: full });
      refused += calls.filter(({ result }) => result.includes('INJECTED')).length;
      expect(answer.error?.code ?? answer.value, `open ${when}`).toEqual(answer.error ? 'EMFILE' : []);
      expect(readdirSync(dir)).toEqual([staged.split('/').pop()]);
    }
    expect(refused).toBeGreaterThanOrEqual(3);
    process.kill(maker.pid, 'SIGKILL');
    await maker.end();
    expect(await cleaner.must(request)).toEqual([staged]);
  });
});

needs('root', 'strace', 'setpriv')('a file without a name', () => {
  let base: string;
  let count = 0;
  beforeAll(() => {
    base = scratch();
  });

  const newDir = (): string => ownedDir(base, `dir-${count++}`, 1000, 1000, 0o700);

  it.each(both)('gets its name without any capability (%s)', async (how) => {
    const dir = newDir();
    const driver = await Driver.start({ launcher: asUser1000 });
    expect((await driver.verb(how, 'writeAtomic', join(dir, 'file'), 'x', UNSYNCED)).value).toMatchObject({ method: 'link' });
    expect(readFileSync(join(dir, 'file'), 'utf8')).toBe('x');
  });

  it.each(both)('gets it by /proc where linkat(AT_EMPTY_PATH) is not allowed, as before kernel 6.10 (%s)', async (how) => {
    const dir = newDir();
    const driver = await Driver.start({ env: { UV_THREADPOOL_SIZE: '1' } });
    await driver.must(verbRequest(how, 'writeAtomic', join(dir, 'warm-up'), 'x', UNSYNCED));
    const denied = [{ syscall: 'linkat', effect: 'error=ENOENT', when: 1 }];
    const { answer, calls } = await callsOf(driver, verbRequest(how, 'writeAtomic', join(dir, 'file'), 'x', UNSYNCED), denied);
    expect(answer.value).toMatchObject({ method: 'link' });
    const links = calls.filter(isLink).map(({ args }) => /AT_\w+_(PATH|FOLLOW)/.exec(args)?.[0]);
    expect(links).toEqual(['AT_EMPTY_PATH', 'AT_SYMLINK_FOLLOW']);
    expect(strays(dir, 'warm-up')).toEqual(['file']);
  });

  it('gets it when another thread opened it with other credentials: a stream after a change of user', async () => {
    const dir = newDir();
    const driver = await Driver.start();
    await driver.must({ setuid: 1000 });
    const { value } = await driver.ask({ stream: join(dir, 'file'), pieces: 40, options: UNSYNCED });
    expect(value).toMatchObject({ method: 'link', size: 40 * 70_000 });
    expect(strays(dir, 'file')).toEqual([]);
  });

  const refusals = ['EPERM', 'EACCES', 'ENOSYS', 'EXDEV'];
  it.each(both.flatMap((how) => refusals.map((errno) => [how, errno] as const)))(
    'that is refused its name is written again with one, and so is the next on that mount (%s, %s)',
    async (how, errno) => {
      const dir = newDir();
      const driver = await Driver.start();
      const refused = [{ syscall: 'linkat', effect: `error=${errno}`, when: '1+' }];
      const first = await callsOf(driver, verbRequest(how, 'writeAtomic', join(dir, 'first'), 'content'), refused);
      expect(first.answer.value).toMatchObject({ method: 'rename', created: true, size: 7 });
      const next = await callsOf(driver, verbRequest(how, 'writeAtomic', join(dir, 'next'), 'content'));
      expect(next.calls.filter(isUnnamed)).toEqual([]);
      expect(next.answer.value).toMatchObject({ method: 'rename' });
      expect(readdirSync(dir).sort()).toEqual(['first', 'next']);
      expect(readFileSync(join(dir, 'first'), 'utf8')).toBe('content');
    },
  );

  it.each(both)('whose place was taken since the look replaces what is there (%s)', async (how) => {
    const dir = newDir();
    const driver = await Driver.start({ env: { UV_THREADPOOL_SIZE: '1' } });
    await driver.must(verbRequest(how, 'writeAtomic', join(dir, 'warm-up'), 'x'));
    // strace returns EEXIST like a concurrent create; the same holds for a real newcomer.
    const taken = [{ syscall: 'linkat', effect: 'error=EEXIST', when: 1 }];
    const { answer, calls } = await callsOf(driver, verbRequest(how, 'writeAtomic', join(dir, 'file'), 'mine'), taken);
    expect(answer.value).toMatchObject({ method: 'rename' });
    expect(calls.filter(isLink)).toHaveLength(2);
    expect(readdirSync(dir).sort()).toEqual(['file', 'warm-up']);
  });
});
