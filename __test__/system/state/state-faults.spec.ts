// Locks, updates and appends of which chosen system calls fail: what is undone, and what the error says.
import { readFileSync, readdirSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FaultyDriver, type Call } from '../../helpers/sys-fault.js';
import { both, ownedDir, ownedFile } from '../../helpers/sys-layout.js';
import { needs } from '../../helpers/sys-needs.js';
import { scratch } from '../../helpers/sys-scratch.js';
import type { Answer, Request } from '../../helpers/sys-driver.js';

const { EINTR, EIO, ENOLCK, ENOSPC, ENOSYS, ENOTSUP, EPERM } = constants.errno;
const quick = { durable: false };
const returns = (value: unknown): object => ({ $returns: value });

needs('root', 'gcc')('with faults', () => {
  let faulty: FaultyDriver;
  let count = 0;

  beforeAll(async () => {
    faulty = await FaultyDriver.start();
    // Each file once: two appends to one file would keep descriptors for a while.
    const warm = ownedDir(scratch(), 'warm', 0, 0, 0o700);
    for (const request of [append('sync', join(warm, 'log')), append('async', join(warm, 'other')), withLock(join(warm, 'state')), update(join(warm, 'state'))]) await faulty.driver.must(request);
  });
  afterAll(() => faulty.driver.end());

  function append(how: (typeof both)[number], file: string, record = 'record', options: object = quick): Request {
    return how === 'sync' ? { call: 'appendRecordSync', args: [file, record, options], sync: true } : { call: 'appendRecord', args: [file, record, options] };
  }
  const withLock = (file: string): Request => ({ call: 'withLock', args: [file, returns('held')] });
  const update = (file: string): Request => ({ call: 'updateAtomic', args: [file, returns('updated'), quick] });

  /** Makes a log and appends to it. */
  async function appended(how: (typeof both)[number], plan: string, content = 'first\n'): Promise<{ file: string; answer: Answer; calls: Call[]; content: () => string }> {
    const file = ownedFile(ownedDir(scratch(), `case-${count++}`, 0, 0, 0o700), 'log', 0, 0, 0o600, content);
    const { answer, calls } = await faulty.ask(append(how, file), plan);
    return { file, answer, calls, content: () => readFileSync(file, 'utf8') };
  }

  describe.each([
    ['ENOLCK', ENOLCK],
    ['ENOTSUP', ENOTSUP],
    ['ENOSYS', ENOSYS],
  ])('a file system whose locks are %s', (_code, errno) => {
    it.each([
      ['withLock', withLock],
      ['a shared tryLock', (file: string): Request => ({ call: 'tryLock', args: [file, { shared: true }] })],
      ['updateAtomic', update],
      ['appendRecord', (file: string) => append('async', file)],
      ['appendRecordSync', (file: string) => append('sync', file)],
    ])('is unsupported-platform for %s, which changes nothing', async (_name, request) => {
      const dir = ownedDir(scratch(), `case-${count++}`, 0, 0, 0o700);
      const before = await faulty.driver.descriptors();
      const { answer } = await faulty.ask(request(join(dir, 'file')), `fcntl#1-:error=${errno}`);
      expect(answer.error).toMatchObject({ code: 'unsupported-platform', errno: -errno, remedy: expect.stringContaining('lockDir') });
      expect(readdirSync(dir).filter((name) => !name.endsWith('.lock'))).toEqual([]);
      expect(await faulty.driver.descriptors()).toBe(before);
    });
  });

  describe.each(both)('an append, %s', (how) => {
    it('whose write is cut short and whose rest fails is undone', async () => {
      const { answer, content } = await appended(how, `write#1:short,write#2:error=${ENOSPC}`);
      expect(answer.error).toMatchObject({ code: 'ENOSPC', syscall: 'write' });
      expect(answer.error!.torn).toBeUndefined();
      expect(content()).toBe('first\n');
    });

    it('that cannot be undone is torn, and the next one isolates the part', async () => {
      const { file, answer, content } = await appended(how, `write#1:short,write#2:error=${ENOSPC},ftruncate#1-:error=${EPERM}`);
      expect(answer.error).toMatchObject({ code: 'ENOSPC', torn: true });
      expect(content()).toBe('first\nr');
      expect(await faulty.driver.must(append(how, file, 'next'))).toMatchObject({ isolated: true, offset: 8 });
      expect(content()).toBe('first\nr\nnext\n');
    });

    it('whose lock is interrupted asks for it again', async () => {
      const { answer, calls, content } = await appended(how, `fcntl#1-3:error=${EINTR}`);
      expect(answer.error).toBeUndefined();
      expect(calls.filter(({ name, effect }) => name === 'fcntl' && effect === 'error')).toHaveLength(3);
      expect(content()).toBe('first\nrecord\n');
    });

    it('behind a torn record that is undone leaves that record as it was', async () => {
      const { answer, content } = await appended(how, `write#1:short,write#2:error=${ENOSPC}`, 'first\nto');
      expect(answer.error).toMatchObject({ code: 'ENOSPC' });
      expect(content()).toBe('first\nto');
    });

    it('whose file cannot be compared with its name afterwards is taken back', async () => {
      // The name is looked at for the lock file, for the log before the write, and for the log after it.
      const { answer, content } = await appended(how, `newfstatat#${await looks(how)}:error=${EIO}`);
      expect(answer.error).toMatchObject({ code: 'EIO', syscall: 'lstat' });
      expect(content()).toBe('first\n');
    });

    it('that cannot be taken back is not-durable, and says that it is there', async () => {
      const { answer, content } = await appended(how, `newfstatat#${await looks(how)}:error=${EIO},ftruncate#1-:error=${EPERM}`);
      expect(answer.error).toMatchObject({ code: 'not-durable', published: true, sysCode: 'EIO' });
      expect(content()).toBe('first\nrecord\n');
    });

    it('whose sync fails is not-durable, and later ones open the file anew', async () => {
      const dir = ownedDir(scratch(), `case-${count++}`, 0, 0, 0o700);
      const file = ownedFile(dir, 'log', 0, 0, 0o600, '');
      for (let times = 0; times < 3; times += 1) {
        const { answer } = await faulty.ask(append(how, file, 'record', {}), `fsync#1:error=${EIO}`);
        expect(answer.error).toMatchObject({ code: 'not-durable', published: true });
      }
      const { answer, calls } = await faulty.ask(append(how, file, 'record', {}));
      expect(answer.value).toMatchObject({ durable: true, isolated: false });
      expect(calls.some(({ name, args }) => name === 'openat' && args.includes('"log"'))).toBe(true);
      expect(readFileSync(file, 'utf8')).toBe('record\n'.repeat(4));
    });

    it('that makes directories which cannot be synced is not durable', async () => {
      const dir = ownedDir(scratch(), `case-${count++}`, 0, 0, 0o700);
      const request = append(how, join(dir, 'a/log'), 'record', { mkdir: true });
      const { calls } = await faulty.ask(append(how, join(dir, 'b/log'), 'record', { mkdir: true }));
      const at = calls.filter(({ name }) => name === 'openat').findIndex(({ args }) => args.includes('"." flags=0x90000'));
      const { answer } = await faulty.ask(request, `openat#${at + 1}:error=${constants.errno.EACCES}`);
      expect(answer.value).toMatchObject({ created: true, durable: false });
    });
  });

  /** Returns the number of the look at the name that follows the write. */
  async function looks(how: (typeof both)[number]): Promise<number> {
    const file = ownedFile(ownedDir(scratch(), `case-${count++}`, 0, 0, 0o700), 'log', 0, 0, 0o600, 'first\n');
    const { calls } = await faulty.ask(append(how, file));
    const before = calls.slice(0, calls.findIndex(({ name }) => name === 'write'));
    return before.filter(({ name }) => name === 'newfstatat').length + 1;
  }

  it('an update whose write fails leaves the old content, and releases its lock', async () => {
    const file = ownedFile(ownedDir(scratch(), `case-${count++}`, 0, 0, 0o700), 'state', 0, 0, 0o600, 'old');
    const { answer } = await faulty.ask(update(file), `write#1:error=${ENOSPC}`);
    expect(answer.error).toMatchObject({ code: 'ENOSPC' });
    expect(readFileSync(file, 'utf8')).toBe('old');
    expect(await faulty.driver.must(withLock(file))).toBe('held');
  });
});
