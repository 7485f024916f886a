// Each system call of a write made to fail by strace: old or new, whole; no temporary left; the error true.
import { existsSync, readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { Driver, verbRequest, type Answer, type PlainError, type Value } from './helpers/sys-driver.js';
import { both, modeOf, octal, ownedDir, ownedFile, strays } from './helpers/sys-layout.js';
import { needs } from './helpers/sys-needs.js';
import { scratch } from './helpers/sys-scratch.js';
import { fileCalls, isFileCall, isInjected, watch, watchFault, type Injection, type SystemCall } from './helpers/sys-strace.js';

const underStrace = needs('root', 'strace');

type Errno = keyof typeof constants.errno;
interface Target extends SystemCall {
  /** How often its thread had made a call of this name, itself included, since strace attached. */
  when: number;
  published: boolean;
}

const isPublication = (name: string): boolean => /^(rename|link)(at2?)?$/.test(name);

/** The `syscall` that an error has when this system call failed. */
function nodeName({ name, args }: SystemCall): RegExp {
  if (/^open/.test(name)) return /^open$/;
  // A look at the target's name is part of what node:fs calls open; one at a descriptor is not.
  if (/stat/.test(name)) return name === 'fstat' || args.includes(', ""') ? /^fstat$/ : /^(l?stat|open)$/;
  return new RegExp(`^${name.replace(/^p(?=(read|write))/, '').replace(/(at2?|v2?|64)$/, '')}$`);
}

underStrace('a write of which one system call fails', () => {
  let base: string;
  let driver: Driver;
  let threads: Record<'sync' | 'async', number>;
  let count = 0;

  beforeAll(async () => {
    base = scratch();
    await startDriver();
  });

  async function startDriver(): Promise<void> {
    driver = await Driver.start({ env: { UV_THREADPOOL_SIZE: '1' } });
    threads = { sync: driver.pid, async: await driver.poolThread() };
    await driver.must({ umask: 0o022 });
    const warmUp = join(base, 'warm-up');
    for (const how of both) await driver.must(verbRequest(how, 'writeAtomic', warmUp, 'x'));
  }

  const scenarios: [title: string, old: string | undefined, options: Record<string, unknown>][] = [
    ['an overwrite that keeps the mode', 'old', {}],
    ['a new file with a mode the umask would cut', undefined, { mode: 0o666 }],
    ['exclusive creation', undefined, { overwrite: false }],
  ];

  function layOut(old: string | undefined): { dir: string; file: string } {
    const dir = ownedDir(base, `case-${count++}`, 0, 0, 0o700);
    return { dir, file: old === undefined ? join(dir, 'file') : ownedFile(dir, 'file', 0, 0, 0o640, old) };
  }

  /**
   * What can fail: the calls of an undisturbed run, on the thread that does the work. No memory and no randomness, which
   * are fetched for several calls at once, so that a run may have them or not.
   */
  async function targets(how: 'sync' | 'async', old: string | undefined, options: object): Promise<Target[]> {
    const { file } = layOut(old);
    const request = { ...verbRequest(how, 'writeAtomic', file, 'brand new', options), marked: true };
    const { answer, calls } = await watch(driver, request, { thread: threads[how] });
    expect(answer.error).toBeUndefined();
    const seen = new Map<string, number>();
    const numbered = calls.map((call) => {
      seen.set(call.name, (seen.get(call.name) ?? 0) + 1);
      return { ...call, when: seen.get(call.name) as number };
    });
    const inside = how === 'sync' ? new Set(fileCalls(calls).map(({ text }) => text)) : undefined;
    let published = false;
    return numbered
      .filter((call) => (inside ? inside.has(call.text) : isFileCall(call)))
      .map((call) => {
        const target = { ...call, published };
        published ||= isPublication(call.name);
        return target;
      });
  }

  async function broken(how: 'sync' | 'async', old: string | undefined, options: object, injection: Injection, target?: Target) {
    let [dir, file, before] = ['', '', 0];
    const prepare = async () => {
      if (driver.lastWords !== undefined) await startDriver();
      ({ dir, file } = layOut(old));
      before = await driver.descriptors();
      return { driver, thread: threads[how], request: verbRequest(how, 'writeAtomic', file, 'brand new', options) };
    };
    const { answer, calls } = await watchFault(prepare, target ?? (await targetOf(how, old, options, injection)), injection);
    const leaked = (await driver.descriptors()) - before;
    const content = existsSync(file) ? readFileSync(file, 'utf8') : undefined;
    return { dir, file, answer, calls, leaked, content };
  }

  async function targetOf(how: 'sync' | 'async', old: string | undefined, options: object, { syscall, when }: Injection): Promise<Target> {
    const found = (await targets(how, old, options)).filter(({ name }) => name === syscall)[Number(when) - 1];
    if (!found) throw new Error(`a write has no ${syscall} number ${when}`);
    return found;
  }

  function expectTruth(error: PlainError, target: Target, errno: Errno, file: string): void {
    const number = -(constants.errno[errno] as number);
    if (target.published) {
      expect(error).toMatchObject({ isHoldfastError: true, code: 'not-durable', category: 'operational', published: true, path: file });
      expect(error).toMatchObject({ sysCode: errno, errno: number });
    } else {
      expect(error).toMatchObject({ isHoldfastError: false, type: 'Error', code: errno, errno: number });
      expect(error.message).toMatch(new RegExp(`^${errno}: `));
      if (isPublication(target.name)) expect(error.dest).toBe(file);
      else expect(error.path).toBe(file);
    }
    expect(error.syscall, target.text).toMatch(nodeName(target));
  }

  /**
   * Failing to keep an owner or an ACL is told by `preserved`; closing what was only looked at tells nothing; a directory
   * that may not be opened for reading is written to all the same, without being synced.
   */
  function mayGoWell(target: Target, errno: Errno, result: Value): boolean {
    if (errno === 'EINTR' || /xattr|chown/.test(target.name)) return true;
    if (target.name === 'close') return !target.args.includes('/.holdfast-');
    return errno === 'EACCES' && /^open/.test(target.name) && target.args.includes('O_DIRECTORY') && result.durable === false;
  }

  describe.each(both)('%s', (how) => {
    const errnos: Errno[] = ['EIO', 'ENOSPC', 'EMFILE', 'EACCES', 'EINTR'];
    it.each(scenarios.flatMap(([title, old, options]) => errnos.map((errno) => [title, errno, old, options] as const)))(
      '%s × %s, at each call in turn',
      async (_title, errno, old, options) => {
        const list = await targets(how, old, options);
        expect(list.length).toBeGreaterThan(8);
        for (const target of list) {
          const injection = { syscall: target.name, effect: `error=${errno}`, when: target.when };
          const { answer, content, dir, file, leaked } = await broken(how, old, options, injection, target);
          const where = `${errno} from ${target.text}`;
          expect(strays(dir, 'file'), where).toEqual([]);
          if (answer.error) {
            expectTruth(answer.error, target, errno, file);
            expect(content, where).toBe(target.published ? 'brand new' : old);
          } else {
            expect(mayGoWell(target, errno, answer.value), where).toBe(true);
            expect(content, where).toBe('brand new');
          }
          // A close that strace answered in the kernel's stead has not closed anything.
          expect(leaked, where).toBe(target.name === 'close' ? 1 : 0);
        }
      },
    );

    it('fsync of the file is not tried again after it failed', async () => {
      const fileSync = { syscall: 'fsync', effect: 'error=EIO', when: 1 };
      const { answer, calls, content, file } = await broken(how, 'old', {}, fileSync);
      expect(answer.error).toMatchObject({ code: 'EIO', syscall: 'fsync', path: file });
      expect(content).toBe('old');
      expect(calls.filter(({ name }) => /sync/.test(name))).toHaveLength(1);
      expect(calls.filter(({ name }) => isPublication(name))).toEqual([]);
    });

    it('fsync of the directory is not tried again after it failed, and the new content is published', async () => {
      const { answer, calls, content, file, dir } = await broken(how, 'old', {}, { syscall: 'fsync', effect: 'error=EIO', when: 2 });
      expect(answer.error).toMatchObject({ code: 'not-durable', published: true, sysCode: 'EIO', path: file, syscall: 'fsync' });
      expect(answer.error?.json).toMatchObject({ published: true, sysCode: 'EIO' });
      expect(answer.error?.cause).toMatchObject({ code: 'EIO', errno: -5, syscall: 'fsync' });
      expect(content).toBe('brand new');
      expect(calls.filter(({ name }) => /sync/.test(name))).toHaveLength(2);
      expect(strays(dir, 'file')).toEqual([]);
    });

    it.each(['EINVAL', 'EOPNOTSUPP'])(
      'a file system that answers %s to syncing a directory is success that is not durable',
      async (errno) => {
        const { answer, content } = await broken(how, 'old', {}, { syscall: 'fsync', effect: `error=${errno}`, when: 2 });
        expect(answer.value).toMatchObject({ durable: false, created: false });
        expect(content).toBe('brand new');
      },
    );

    it('a short write is followed by a write of the rest', async () => {
      // strace answers 1 without writing, so the file lacks that byte: what matters is what is tried next.
      const { answer, calls } = await broken(how, 'old', {}, { syscall: 'write', effect: 'retval=1', when: 1 });
      expect(answer.error).toBeUndefined();
      const writes = calls.filter(({ name, args }) => name === 'write' && args.includes('/.holdfast-'));
      expect(writes).toHaveLength(2);
      expect(writes[0]?.args).toMatch(/, "brand new", 9$/);
      expect(writes[1]?.args).toMatch(/, "rand new", 8$/);
    });

    it('a write that is interrupted is made again', async () => {
      const { answer, content } = await broken(how, 'old', {}, { syscall: 'write', effect: 'error=EINTR', when: 1 });
      expect(answer.value).toMatchObject({ size: 9 });
      expect(content).toBe('brand new');
    });
  });
});

underStrace('other verbs of which a system call fails', () => {
  let base: string;
  let driver: Driver;
  let threads: Record<'sync' | 'async', number>;

  beforeAll(async () => {
    base = scratch();
    driver = await Driver.start({ env: { UV_THREADPOOL_SIZE: '1' } });
    threads = { sync: driver.pid, async: await driver.poolThread() };
    ownedFile(base, 'file', 0, 0, 0o644, 'content');
    for (const how of both) {
      await driver.must(verbRequest(how, 'readLocalFileSafely', join(base, 'file')));
      await driver.must(verbRequest(how, 'ensureDir', join(base, 'warm-up', how)));
    }
  });

  /** A cached read may be answered on the main thread, so every thread is watched for it. */
  function inject(how: 'sync' | 'async', ...injections: Injection[]) {
    return { inject: injections, ...(how === 'sync' ? { thread: threads.sync } : {}) };
  }

  it.each(both.flatMap((how) => (['EIO', 'EMFILE', 'EACCES', 'ENFILE'] as const).map((errno) => [how, errno] as const)))(
    'a read, %s, whose open is %s throws that',
    async (how, errno) => {
      const file = join(base, 'file');
      const { answer } = await watch(
        driver,
        verbRequest(how, 'readLocalFileSafely', file),
        inject(how, { syscall: 'openat2', effect: `error=${errno}`, when: '1+' }),
      );
      const number = -(constants.errno as Record<string, number>)[errno]!;
      expect(answer.error).toMatchObject({
        isHoldfastError: false,
        type: 'Error',
        code: errno,
        errno: number,
        syscall: 'open',
        path: file,
      });
      expect(answer.error?.message).toMatch(new RegExp(`^${errno}: .*, open '${file}'$`));
    },
  );

  it.each(both)('a read, %s, that fails half way throws, and closes what it opened', async (how) => {
    const file = join(base, 'file');
    const before = await driver.descriptors();
    const reading = 'readv,preadv,preadv2,pread64';
    const { calls } = await watch(driver, { ...verbRequest(how, 'readLocalFileSafely', file), marked: true });
    expect(fileCalls(calls).filter(({ name }) => reading.split(',').includes(name))).not.toEqual([]);
    const { answer } = await watch(driver, verbRequest(how, 'readLocalFileSafely', file), {
      inject: [{ syscall: reading, effect: 'error=EIO', when: '1+' }],
    });
    expect(answer.error).toMatchObject({ isHoldfastError: false, code: 'EIO', errno: -5, syscall: 'read', path: file });
    expect(await driver.descriptors()).toBe(before);
  });

  it.each(both.flatMap((how) => (['EIO', 'ENOSPC', 'EROFS', 'EACCES'] as const).map((errno) => [how, errno] as const)))(
    'ensureDir, %s, whose mkdir is %s throws that, and made nothing',
    async (how, errno) => {
      const dir = join(base, `unmade-${how}-${errno}`);
      const { answer } = await watch(driver, verbRequest(how, 'ensureDir', join(dir, 'below')), {
        thread: threads[how],
        inject: [{ syscall: 'mkdirat', effect: `error=${errno}`, when: 1 }],
      });
      expect(answer.error).toMatchObject({ isHoldfastError: false, type: 'Error', code: errno, syscall: 'mkdir' });
      expect(answer.error?.path).toContain(dir);
      expect(existsSync(dir)).toBe(false);
    },
  );

  it.each(both)('openat2 that answers EAGAIN for ever ends every verb in bounded time (%s)', async (how) => {
    const file = join(base, 'file');
    const requests = [
      verbRequest(how, 'readLocalFileSafely', file, { symlinks: 'reject' }),
      verbRequest(how, 'readLocalFileSafely', `${base}/../${base.split('/').pop()}/file`),
      verbRequest(how, 'writeAtomic', file, 'x'),
      verbRequest(how, 'ensureDir', base),
    ];
    for (const request of requests) {
      const began = performance.now();
      const { answer } = await watch(driver, request, inject(how, { syscall: 'openat2', effect: 'error=EAGAIN', when: '1+' }));
      expect(performance.now() - began).toBeLessThan(5000);
      expect(['path-mismatch', 'EAGAIN']).toContain(answer.error?.code);
    }
    expect(readFileSync(file, 'utf8')).toBe('content');
    expect(octal(modeOf(base))).toBe('0755');
  });

  it.each(both)('openat2 that answers EAGAIN a few times is asked again (%s)', async (how) => {
    const answers: Answer[] = [];
    for (const verb of ['readLocalFileSafely', 'ensureDir'] as const) {
      const path = verb === 'ensureDir' ? ownedDir(base, `again-${how}`, 0, 0, 0o700) : join(base, 'file');
      const { answer, calls } = await watch(
        driver,
        verbRequest(how, verb, path),
        inject(how, { syscall: 'openat2', effect: 'error=EAGAIN', when: '1..3' }),
      );
      expect(calls.filter(isInjected).length).toBeGreaterThanOrEqual(3);
      answers.push(answer);
    }
    expect(answers.map(({ error }) => error)).toEqual([undefined, undefined]);
  });
});
