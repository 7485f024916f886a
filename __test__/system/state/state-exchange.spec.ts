// Updates whose file is moved, replaced or changed by another program right before they publish.
import { appendFileSync, chmodSync, chownSync, cpSync, existsSync, linkSync, readFileSync, readdirSync, renameSync, rmSync, statSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { constants } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cleanStaleTemporaries } from '../../../index.mjs';
import { Driver } from '../../helpers/sys-driver.js';
import { FaultyDriver } from '../../helpers/sys-fault.js';
import { ownedDir, ownedFile } from '../../helpers/sys-layout.js';
import { needs } from '../../helpers/sys-needs.js';
import { scratch } from '../../helpers/sys-scratch.js';
import { watch } from '../../helpers/sys-strace.js';

const { EACCES, EINVAL, EIO, ENOSYS, ENOTSUP, EPERM } = constants.errno;
const updates = ['a synced one', 'one that is not synced', 'one without a lock'] as const;
const options = { 'a synced one': {}, 'one that is not synced': { durable: false }, 'one without a lock': { lock: false, durable: false } };
let count = 0;

/** The files of a case, without lock files. */
function contents(dir: string): Record<string, string> {
  const names = readdirSync(dir).filter((name) => !name.endsWith('.lock')).sort();
  return Object.fromEntries(names.map((name) => [name, readFileSync(join(dir, name), 'utf8')]));
}

const setfacl = (path: string, entries: string): Buffer => execFileSync('setfacl', ['-m', entries, path]);
const getfacl = (path: string): string => execFileSync('getfacl', ['--absolute-names', '--numeric', '--no-effective', path], { encoding: 'utf8' });

needs('root', 'strace', 'setfacl', 'getfacl')('right before an update publishes', () => {
  let driver: Driver;
  beforeAll(async () => {
    driver = await Driver.start();
  });
  afterAll(() => driver.end());

  describe.each(updates)('%s', (how) => {
    /** Adds a line to a log; `act` runs at the publication. */
    async function update(act: (file: string, dir: string) => void, prepare?: (file: string) => void) {
      const dir = ownedDir(scratch(), `case-${count++}`, 0, 0, 0o700);
      const file = ownedFile(dir, 'log', 0, 0, 0o640, 'first\n');
      prepare?.(file);
      const request = { call: 'updateAtomic', args: [file, { $appends: 'mine\n' }, options[how]] };
      const { answer } = await watch(driver, request, { atEntry: { of: 'rename', act: () => act(file, dir) } });
      return { answer, dir, file };
    }

    it('a log that is rotated has each record once', async () => {
      const { answer, dir } = await update((file) => renameSync(file, `${file}.1`));
      expect(answer.value).toMatchObject({ size: 5, created: true });
      expect(contents(dir)).toEqual({ log: 'mine\n', 'log.1': 'first\n' });
    });

    it('a log that is rotated and begun anew has each record once', async () => {
      const { answer, dir } = await update((file) => {
        renameSync(file, `${file}.1`);
        writeFileSync(file, 'new\n');
      });
      expect(answer.value).toMatchObject({ size: 9, created: false });
      expect(contents(dir)).toEqual({ log: 'new\nmine\n', 'log.1': 'first\n' });
    });

    it('a file that another program replaces is read again', async () => {
      const { answer, dir, file } = await update((path) => {
        writeFileSync(`${path}.new`, 'theirs\n');
        renameSync(`${path}.new`, path);
      });
      expect(contents(dir)).toEqual({ log: 'theirs\nmine\n' });
      expect(answer.value).toMatchObject({ ino: statSync(file).ino });
    });

    it('a file to which another program appends is read again', async () => {
      const { dir } = await update((file) => appendFileSync(file, 'theirs\n'));
      expect(contents(dir)).toEqual({ log: 'first\ntheirs\nmine\n' });
    });

    it('a file that is removed is not brought back', async () => {
      const { dir } = await update((file) => rmSync(file));
      expect(contents(dir)).toEqual({ log: 'mine\n' });
    });

    it('a link that takes its name is refused, and stays', async () => {
      const { answer, dir } = await update((file) => {
        renameSync(file, `${file}.1`);
        symlinkSync('log.1', file);
      });
      expect(answer.error).toMatchObject({ code: 'symlink' });
      expect(contents(dir)).toEqual({ log: 'first\n', 'log.1': 'first\n' });
    });

    it('permissions that another program takes away stay away', async () => {
      const { dir, file } = await update((path) => {
        chmodSync(path, 0o600);
        chownSync(path, 1001, 1001);
      });
      expect(contents(dir)).toEqual({ log: 'first\nmine\n' });
      expect(statSync(file)).toMatchObject({ uid: 1001, gid: 1001, mode: 0o100600 });
    });

    it('an entry of its ACL that another program takes away stays away', async () => {
      const { dir, file } = await update((path) => setfacl(path, 'u:1001:-,m::rw'), (path) => setfacl(path, 'u:1001:rw,m::rw'));
      expect(contents(dir)).toEqual({ log: 'first\nmine\n' });
      expect(getfacl(file)).toContain('user:1001:---');
      expect(statSync(file).mode & 0o777).toBe(0o660);
    });

    it('an entry of its ACL that another program adds stays', async () => {
      const { dir, file } = await update((path) => setfacl(path, 'u:1001:r'));
      expect(contents(dir)).toEqual({ log: 'first\nmine\n' });
      expect(getfacl(file)).toContain('user:1001:r--');
      expect(statSync(file).mode & 0o777).toBe(0o640);
    });

    it('another name of the file keeps the old content', async () => {
      const { dir, file } = await update((path) => linkSync(path, `${path}.other`));
      expect(contents(dir)).toEqual({ log: 'first\nmine\n', 'log.other': 'first\n' });
      expect(statSync(file).mode & 0o777).toBe(0o640);
    });
  });
});

needs('root', 'strace')('an update whose directory is moved right before it publishes', () => {
  it.each([['a path', (file: string) => [file, {}]], ['a lock file elsewhere', (file: string, locks: string) => [file, { lockDir: locks }]], ['a root', (file: string) => ['log', { root: join(file, '..') }]]] as const)('fails, and says that it has published (%s)', async (_kind, form) => {
    const driver = await Driver.start();
    const dir = ownedDir(scratch(), `case-${count++}`, 0, 0, 0o700);
    const [file, options] = form(ownedFile(dir, 'log', 0, 0, 0o640, 'first\n'), scratch());
    const request = { call: 'updateAtomic', args: [file, { $appends: 'mine\n' }, { durable: false, ...options }] };
    const act = (): void => {
      renameSync(dir, `${dir}.old`);
      cpSync(`${dir}.old`, dir, { recursive: true });
    };
    const { answer } = await watch(driver, request, { atEntry: { of: 'rename', act } });
    await driver.end();
    expect(answer.error).toMatchObject({ code: 'lock-lost', published: true, remedy: expect.stringContaining('Look at the file') });
    expect(contents(`${dir}.old`)).toEqual({ log: 'first\nmine\n' });
    expect(contents(dir)['log']).toBe('first\n');
  });
});

needs('root', 'strace', 'setfacl')('an update whose old file is removed right after the exchange', () => {
  /** Stops an update after its exchange; `act` gets the file and the temporary. */
  async function update(act: (file: string, temporary: string) => unknown) {
    const driver = await Driver.start();
    const dir = ownedDir(scratch(), `case-${count++}`, 0, 0, 0o700);
    const file = ownedFile(dir, 'log', 0, 0, 0o640, 'first\n');
    const request = { call: 'updateAtomic', args: [file, { $appends: 'mine\n' }, { lock: false, durable: false }] };
    const { answer } = await watch(driver, request, {
      inject: [{ syscall: 'renameat2', effect: 'signal=STOP', when: 1 }],
      whileStopped: async () => {
        const temporary = readdirSync(dir).find((name) => name.endsWith('.tmp'))!;
        await act(file, join(dir, temporary));
      },
    });
    await driver.end();
    return { answer, dir };
  }

  it('succeeds: a program that cleans up was faster', async () => {
    let removed = 0;
    const { answer, dir } = await update(async (file) => {
      removed = (await cleanStaleTemporaries(join(file, '..'), { olderThanMs: 0 })).length;
    });
    expect(removed).toBe(1);
    expect(answer.value).toMatchObject({ size: 11 });
    expect(contents(dir)).toEqual({ log: 'first\nmine\n' });
  });

  it.each([
    ['its permissions', (temporary: string) => chmodSync(temporary, 0o600)],
    ['its owner', (temporary: string) => chownSync(temporary, 1001, 1001)],
    ['its content', (temporary: string) => appendFileSync(temporary, 'theirs\n')],
    ['its times', (temporary: string) => utimesSync(temporary, 1, 1)],
    ['its ACL', (temporary: string) => setfacl(temporary, 'u:1001:r')],
  ])('fails where another program changed %s before', async (_what, change) => {
    const { answer, dir } = await update((_file, temporary) => {
      change(temporary);
      rmSync(temporary);
    });
    expect(answer.error).toMatchObject({ code: 'path-mismatch', published: true, remedy: expect.stringContaining('take its lock') });
    expect(contents(dir)).toEqual({ log: 'first\nmine\n' });
  });

  it('fails where another program replaced the file before', async () => {
    const { answer, dir } = await update((file, temporary) => {
      // As if before the exchange: the old file loses its name by a rename over it.
      renameSync(file, `${file}.mine`);
      renameSync(temporary, file);
      writeFileSync(`${file}.theirs`, 'theirs\n');
      renameSync(`${file}.theirs`, file);
      // As after an exchange and the removal of that file.
      renameSync(`${file}.mine`, file);
    });
    expect(answer.error).toMatchObject({ code: 'path-mismatch', published: true, remedy: expect.stringContaining('take its lock') });
    expect(contents(dir)).toEqual({ log: 'first\nmine\n' });
  });

  it('that leaves the name to the file of another program says so', async () => {
    const { answer, dir } = await update((file, temporary) => {
      appendFileSync(temporary, 'theirs\n');
      rmSync(file);
    });
    expect(answer.error).toMatchObject({ code: 'path-mismatch', published: true, remedy: expect.stringContaining('take its lock') });
    expect(answer.error!.message).not.toContain('another user');
    expect(contents(dir)).toEqual({ log: 'first\ntheirs\n' });
  });
});

needs('root', 'gcc')('an update that cannot exchange names', () => {
  let faulty: FaultyDriver;
  beforeAll(async () => {
    faulty = await FaultyDriver.start();
  });
  afterAll(() => faulty.driver.end());

  function place() {
    const dir = ownedDir(scratch(), `case-${count++}`, 0, 0, 0o700);
    const file = ownedFile(dir, 'log', 0, 0, 0o640, 'first\n');
    return { dir, request: { call: 'updateAtomic', args: [file, { $appends: 'mine\n' }, { durable: false }] } };
  }

  it.each([['EINVAL', EINVAL], ['ENOSYS', ENOSYS], ['ENOTSUP', ENOTSUP], ['EPERM', EPERM], ['EACCES', EACCES]])('since the file system says %s renames', async (_name, errno) => {
    const { dir, request } = place();
    const { answer, calls } = await faulty.ask(request, `renameat2#1-:error=${errno}`);
    expect(answer.value).toMatchObject({ size: 11 });
    expect(calls.some(({ name, result }) => name === 'renameat' && result === 0)).toBe(true);
    expect(contents(dir)).toEqual({ log: 'first\nmine\n' });
  });

  it('since the disk fails leaves the old content', async () => {
    const { dir, request } = place();
    const { answer } = await faulty.ask(request, `renameat2#1:error=${EIO}`);
    expect(answer.error).toMatchObject({ code: 'EIO', syscall: 'rename' });
    expect(contents(dir)).toEqual({ log: 'first\n' });
  });

  it('back keeps both files, and says where', async () => {
    const { dir, request } = place();
    // The look at the replaced file fails, and so does the exchange back.
    const { calls } = await faulty.ask(place().request);
    const before = calls.slice(0, calls.findIndex(({ name }) => name === 'renameat2'));
    const look = before.filter(({ name }) => name === 'newfstatat').length + 1;
    const { answer } = await faulty.ask(request, `newfstatat#${look}:error=${EIO},renameat2#2:error=${EIO}`);
    expect(answer.error).toMatchObject({ code: 'path-mismatch', published: true, temporary: expect.stringMatching(/\.recovery$/) });
    const { log, ...others } = contents(dir);
    expect(log).toBe('first\nmine\n');
    expect(Object.values(others)).toEqual(['first\n']);
    expect(existsSync(answer.error!.temporary as string)).toBe(true);
  });
});

needs('root', 'gcc')('an update that is killed before it removes the old file', () => {
  it('leaves the new content, and a temporary that cleanStaleTemporaries removes', async () => {
    const dir = ownedDir(scratch(), `case-${count++}`, 0, 0, 0o700);
    const file = ownedFile(dir, 'log', 0, 0, 0o640, 'first\n');
    const faulty = await FaultyDriver.start();
    const request = { call: 'updateAtomic', args: [file, { $appends: 'mine\n' }, { durable: false }] };
    await expect(faulty.ask(request, 'unlinkat#1:kill')).rejects.toThrow('killed in unlinkat');
    const [temporary = '', ...others] = Object.keys(contents(dir)).filter((name) => name !== 'log');
    expect(others).toEqual([]);
    expect(contents(dir)).toEqual({ log: 'first\nmine\n', [temporary]: 'first\n' });
    expect(statSync(join(dir, temporary)).mode & 0o777).toBe(0o640);
    expect(await cleanStaleTemporaries(dir, { olderThanMs: 0 })).toEqual([join(dir, temporary)]);
  });
});
