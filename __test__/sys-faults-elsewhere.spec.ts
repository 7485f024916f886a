// Each system call of a read and of ensureDir made to fail by strace: an error that is true, or an outcome that is.
import { constants } from 'node:os';
import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { Driver, verbRequest, type Answer, type Request } from './helpers/sys-driver.js';
import { both, modeOf, octal, ownedDir, ownedFile } from './helpers/sys-layout.js';
import { needs } from './helpers/sys-needs.js';
import { scratch } from './helpers/sys-scratch.js';
import { fileCalls, isChmod, watch, watchFault, type SystemCall } from './helpers/sys-strace.js';

type Errno = keyof typeof constants.errno;
const errnos: Errno[] = ['EIO', 'ENOSPC', 'EMFILE', 'EACCES', 'EINTR', 'ENOMEM'];

interface Scenario {
  title: string;
  layOut: (dir: string) => void;
  request: (how: 'sync' | 'async', dir: string) => Request;
  /** What a success must have brought about, fault or not. */
  isTrue: (dir: string, value: NonNullable<Answer['value']>) => void;
}

const scenarios: Scenario[] = [
  {
    title: 'a read',
    layOut: (dir) => void ownedFile(dir, 'file', 0, 0, 0o644, 'content'),
    request: (how, dir) => verbRequest(how, 'readLocalFileSafely', join(dir, 'file')),
    isTrue: (_dir, { buffer }) => expect(String(buffer)).toBe('content'),
  },
  {
    title: 'an outbound read',
    layOut: (dir) => void ownedFile(dir, 'file', 0, 0, 0o644, 'content'),
    request: (how, dir) => verbRequest(how, 'readLocalFileSafely', { filePath: join(dir, 'file'), outbound: true }),
    isTrue: (_dir, { buffer }) => expect(String(buffer)).toBe('content'),
  },
  {
    title: 'making two directories',
    layOut: () => {},
    request: (how, dir) => verbRequest(how, 'ensureDir', join(dir, 'a', 'b')),
    isTrue: (dir, { mode, hardening }) => {
      expect(hardening).toBe('created');
      for (const made of ['a', 'a/b']) expect(octal(modeOf(join(dir, made)))).toBe('0700');
      expect(octal(mode)).toBe('0700');
    },
  },
  {
    title: 'tightening a directory',
    layOut: (dir) => void ownedDir(dir, 'open', 0, 0, 0o755),
    request: (how, dir) => verbRequest(how, 'ensureDir', join(dir, 'open')),
    isTrue: (dir, { mode, hardening, isPrivate }) => {
      expect(octal(mode)).toBe(octal(modeOf(join(dir, 'open'))));
      expect(isPrivate).toBe(mode === 0o700);
      expect(hardening).toBe(isPrivate ? 'tightened' : 'tolerated');
    },
  },
];

needs('root', 'strace')('a call of which one system call fails', () => {
  let base: string;
  let driver: Driver;
  let poolThread: number;
  let count = 0;

  beforeAll(async () => {
    base = scratch();
    await startDriver();
  });

  async function startDriver(): Promise<void> {
    driver = await Driver.start({ env: { UV_THREADPOOL_SIZE: '1' } });
    for (const scenario of scenarios) {
      for (const how of both) await driver.must(scenario.request(how, laidOut(scenario)));
    }
    // The only thread of the pool: a call that is made elsewhere is made on the main one.
    poolThread = await driver.poolThread();
  }

  function laidOut({ layOut }: Scenario): string {
    const dir = ownedDir(base, `case-${count++}`, 0, 0, 0o755);
    layOut(dir);
    return dir;
  }

  /** The calls of an undisturbed run, and how often their thread had made one of that name since strace attached. */
  async function targets(scenario: Scenario, how: 'sync' | 'async'): Promise<(SystemCall & { when: number; isMain: boolean })[]> {
    const request = { ...scenario.request(how, laidOut(scenario)), marked: true };
    const { answer, calls } = await watch(driver, request);
    expect(answer.error).toBeUndefined();
    const inside = new Set(fileCalls(calls));
    return calls
      .map((call, at) => ({
        ...call,
        when: calls.slice(0, at + 1).filter(({ name, tid }) => name === call.name && tid === call.tid).length,
        isMain: call.tid === driver.pid,
        isTarget: inside.has(call),
      }))
      .filter(({ isTarget, name }) => isTarget && !/^syscall_|^fchmodat2$/.test(name));
  }

  it.each(scenarios.flatMap((scenario) => both.map((how) => [scenario.title, how, scenario] as const)))(
    '%s, %s: the error of the system comes out, or the outcome is the true one',
    async (_title, how, scenario) => {
      const list = await targets(scenario, how);
      expect(list.length).toBeGreaterThanOrEqual(4);
      for (const target of list) {
        for (const errno of errnos) {
          let [dir, before] = ['', 0];
          const prepare = async () => {
            if (driver.lastWords !== undefined) await startDriver();
            dir = laidOut(scenario);
            before = await driver.descriptors();
            const request = { ...scenario.request(how, dir), marked: true };
            return { driver, thread: target.isMain ? driver.pid : poolThread, request };
          };
          const injection = { syscall: target.name, effect: `error=${errno}`, when: target.when };
          const { answer } = await watchFault(prepare, target, injection);
          const where = `${errno} from ${target.text}`;
          if (answer.error) {
            const { code, sysCode, errno: number } = answer.error;
            expect(sysCode ?? code, where).toBe(errno);
            expect(number, where).toBe(-(constants.errno[errno] as number));
            expect(isChmod(target) && errno === 'EACCES', where).toBe(false);
          } else {
            scenario.isTrue(dir, answer.value);
          }
          const leaked = (await driver.descriptors()) - before;
          expect(leaked, where).toBe(target.name === 'close' ? 1 : 0);
          const again = await driver.ask(scenario.request(how, dir));
          expect(again.error, `${where}, and again without it`).toBeUndefined();
        }
      }
    },
  );
});
