// One error of one file changes nothing for other files, mounts and later calls; a filter that always returns an error
// is worked around.
import { chmodSync, readFileSync, statSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { Driver, verbRequest, type Request } from '../../helpers/sys-driver.js';
import { FaultyDriver } from '../../helpers/sys-fault.js';
import { both, ownedDir, ownedFile, strays } from '../../helpers/sys-layout.js';
import { needs } from '../../helpers/sys-needs.js';
import { buildC, scratch } from '../../helpers/sys-scratch.js';

const { EACCES, EINVAL, ENOSYS, EPERM } = constants.errno;
const errors = Object.entries({ EACCES, EINVAL, ENOSYS, EPERM });

needs('root', 'gcc')('one error from one file', () => {
  let base: string;
  let count = 0;
  beforeAll(() => {
    base = scratch();
  });

  /** Makes a file whose birth time differs from its change time, so that a fallback without the former shows. */
  function changedFile(): string {
    const file = ownedFile(base, `file-${count++}`, 0, 0, 0o644, 'content');
    while (statSync(file).birthtimeMs === statSync(file).ctimeMs) chmodSync(file, 0o644);
    return file;
  }

  describe.each(both)('of statx (%s)', (how) => {
    it.each(errors)('%s leaves the birth time and the system calls of the next reads as they were', async (_name, errno) => {
      const { driver, ask } = await start();
      const [one, other] = [changedFile(), changedFile()];
      const read = (file: string): Request => verbRequest(how, 'readLocalFileSafely', file);
      for (const file of [one, other]) for (let warmUp = 0; warmUp < 3; warmUp++) await driver.must(read(file));
      const before = await ask(read(other));
      const hit = await ask(read(one), `statx#1:error=${errno}`);
      expect(hit.calls.filter(({ effect }) => effect === 'error')).toHaveLength(1);
      expect(String(hit.answer.value?.buffer)).toBe('content');
      for (const file of [other, one]) {
        const { answer, calls } = await ask(read(file));
        expect(answer.value.stat.birthtimeMs).toBe(statSync(file).birthtimeMs);
        expect(calls.map(({ name }) => name)).toEqual(before.calls.map(({ name }) => name));
      }
      await driver.end();
    });

    it('leaves a pinned root as fast as it was when the root was opened meanwhile', async () => {
      const { driver, ask } = await start();
      const dir = ownedDir(base, `root-${count++}`, 0, 0, 0o755);
      ownedFile(dir, 'file', 0, 0, 0o644, 'content');
      await ask({ openRoot: dir, args: [] }, `statx#1:error=${EPERM}`);
      const read: Request = { onRoot: dir, method: 'read', args: ['file'] };
      for (let warmUp = 0; warmUp < 3; warmUp++) await driver.must(read);
      const { calls } = await ask(read);
      const thread = await driver.poolThread();
      expect(calls.filter(({ tid }) => tid === thread)).toEqual([]);
      expect(calls.length).toBeGreaterThan(0);
      await driver.end();
    });
  });

  describe.each(both)('of linkat (%s)', (how) => {
    it.each(errors)('%s leaves temporaries without names in the same directory and in others', async (_name, errno) => {
      const { driver, ask } = await start();
      const [one, other] = [0, 1].map(() => ownedDir(base, `dir-${count++}`, 0, 0, 0o755)) as [string, string];
      const write = (dir: string, name: string): Request => verbRequest(how, 'writeAtomic', join(dir, name), 'new', { durable: false });
      const hit = await ask(write(one, 'hit'), `linkat#1:error=${errno}`);
      expect(hit.calls.filter(({ effect }) => effect === 'error')).toHaveLength(1);
      expect(hit.answer.value).toMatchObject({ method: 'rename', created: true });
      for (const dir of [other, one]) {
        const { answer } = await ask(write(dir, 'next'));
        expect(answer.value).toMatchObject({ method: 'link', created: true });
      }
      expect(strays(one, 'hit', 'next')).toEqual([]);
      await driver.end();
    });

    it('that is always given in one directory is remembered for that directory alone', async () => {
      const { driver, ask } = await start();
      const [one, other] = [0, 1].map(() => ownedDir(base, `dir-${count++}`, 0, 0, 0o755)) as [string, string];
      const write = (dir: string, name: string): Request => verbRequest(how, 'writeAtomic', join(dir, name), 'new', { durable: false });
      const hit = await ask(write(one, 'hit'), `linkat#1-:error=${EACCES}`);
      expect(hit.answer.value).toMatchObject({ method: 'rename' });
      const again = await ask(write(one, 'again'));
      expect(again.answer.value).toMatchObject({ method: 'rename' });
      expect(again.calls.filter(({ name }) => name === 'linkat')).toEqual([]);
      const { answer } = await ask(write(other, 'next'));
      expect(answer.value).toMatchObject({ method: 'link' });
      expect(strays(one, 'hit', 'again')).toEqual([]);
      await driver.end();
    });
  });

  describe.each(both)('of fstatfs (%s)', (how) => {
    it('leaves temporaries without names on that mount', async () => {
      const { driver, ask } = await start();
      const dir = ownedDir(base, `dir-${count++}`, 0, 0, 0o755);
      const write = (name: string): Request => verbRequest(how, 'writeAtomic', join(dir, name), 'new', { durable: false });
      await ask(write('hit'), `fstatfs#1-:error=${EACCES}`);
      const { answer } = await ask(write('next'));
      expect(answer.value).toMatchObject({ method: 'link' });
      await driver.end();
    });
  });

  describe.each(['openat2', 'fchmodat2', 'renameat2', 'renameat', 'fchmod', 'fchown', 'fsync', 'mkdirat'])('of %s', (name) => {
    let started: Awaited<ReturnType<typeof start>>;
    // One process for all errors: each error leaves it unchanged.
    beforeAll(async () => {
      started = await start();
    });

    it.each(errors)('%s leaves the next calls as they were', async (_code, errno) => {
      const { ask } = started;
      const dir = ownedDir(base, `dir-${count++}`, 0, 0, 0o755);
      const round = (number: string): [string, Request][] => [
        ['overwrite', verbRequest('sync', 'writeAtomic', ownedFile(dir, `old-${number}`, 1000, 1000, 0o604), 'new')],
        ['exclusive stage', { stage: join(dir, `new-${number}`), args: [{ overwrite: false, mode: 0o640 }], content: 'new' }],
        ['ensureDir', verbRequest('sync', 'ensureDir', join(dir, `dir-${number}`, 'below'))],
        ['tighten', verbRequest('sync', 'ensureDir', ownedDir(dir, `open-${number}`, 0, 0, 0o755))],
        ['read', verbRequest('sync', 'readLocalFileSafely', join(dir, `old-${number}`))],
      ];
      const expected: unknown[] = [];
      const outcome = ({ answer, calls }: Awaited<ReturnType<FaultyDriver['ask']>>): unknown => [answer.error?.code, answer.value?.containment, answer.value?.preserved, calls.map((call) => call.name)];
      for (const [, request] of round('warm')) await ask(request);
      for (const [, request] of round('base')) expected.push(outcome(await ask(request)));
      for (const [, request] of round('hit')) await ask(request, `${name}#1:error=${errno}`);
      for (const [at, [what, request]] of round('next').entries()) expect(outcome(await ask(request)), what).toEqual(expected[at]);
    });
  });

  async function start(): Promise<{ driver: Driver; ask: FaultyDriver['ask'] }> {
    const faulty = await FaultyDriver.start();
    // The process has cached all facts that it determines once.
    await faulty.driver.must(verbRequest('async', 'writeAtomic', join(base, `warm-up-${count++}`), 'x'));
    return { driver: faulty.driver, ask: (request, plan) => faulty.ask(request, plan) };
  }
});

needs('root', 'gcc')('a filter that always answers an error', () => {
  let base: string;
  let count = 0;
  beforeAll(() => {
    base = scratch();
  });

  it.each(
    ['statx', 'linkat', 'renameat2', 'fchown', 'openat2', 'fchmodat2', 'faccessat2'].flatMap((name) =>
      // Node itself does not start if `statx` fails with EACCES.
      errors.filter(([code]) => name !== 'statx' || code !== 'EACCES').map(([code]) => [name, code] as const),
    ),
  )('%s=%s: files are written, read and created exclusively', async (name, code) => {
    const driver = await Driver.start({ launcher: [buildC('seccomp-deny'), `${name}=${code}`] });
    const dir = ownedDir(base, `dir-${count++}`, 0, 0, 0o755);
    for (const how of both) {
      const at = (file: string): string => join(dir, `${file}-${how}`);
      ownedFile(dir, `old-${how}`, 1000, 1000, 0o640);
      expect((await driver.verb(how, 'writeAtomic', at('new'), 'new')).value).toMatchObject({ created: true });
      expect((await driver.verb(how, 'writeAtomic', at('old'), 'new')).value).toMatchObject({ created: false });
      expect((await driver.verb(how, 'writeAtomic', at('once'), 'new', { overwrite: false })).value).toMatchObject({ created: true });
      expect((await driver.verb(how, 'writeAtomic', at('once'), 'new', { overwrite: false })).error?.code).toBe('already-exists');
      expect((await driver.verb(how, 'ensureDir', at('dir'))).value).toMatchObject({ isPrivate: true });
      expect((await driver.verb(how, 'readLocalFileSafely', at('old'))).value).toMatchObject({ containment: 'none' });
      expect(String(readFileSync(at('old')))).toBe('new');
    }
    const staged: Request = { stage: join(dir, 'staged'), args: [{ overwrite: false }], content: 'new' };
    expect((await driver.ask(staged)).value).toMatchObject({ created: true });
    expect((await driver.ask(staged)).error?.code).toBe('already-exists');
    const streamed: Request = { stream: join(dir, 'streamed'), pieces: 2, options: {} };
    // A stream that cannot be linked fails; the content of a whole write is written again, to a named temporary.
    if (name !== 'linkat') expect((await driver.ask(streamed)).value).toMatchObject({ created: true });
    expect(strays(dir).filter((stray) => stray.startsWith('.holdfast-'))).toEqual([]);
    await driver.end();
  });
});
