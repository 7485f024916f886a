// New directories: nobody finds one with another mode, or with an inherited ACL, than the one it was asked for.
import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { cleanStaleTemporaries, ensureDir, ensureDirSync, openRootSync, writeAtomicMany } from '../../../index.mjs';
import { underUmask } from '../../helpers/umask.js';
import { asUser1000, Driver } from '../../helpers/sys-driver.js';
import { both, modeOf, octal, ownedDir } from '../../helpers/sys-layout.js';
import { needs } from '../../helpers/sys-needs.js';
import { repository, scratch } from '../../helpers/sys-scratch.js';
import { EndedUnderWatch, names, watch } from '../../helpers/sys-strace.js';

const ROUNDS = 60;
/** Each asks for several directories below the same new one. */
const calls: readonly [string, (dir: string) => Promise<unknown>][] = [
  ['ensureDir', (dir) => Promise.all(Array.from({ length: 8 }, (_, index) => ensureDir(`${dir}/a/${index}`, { mode: 0o755 })))],
  ['ensureDir of a path and its parents', (dir) => Promise.all(['a', 'a/b', 'a/c', 'a/b/d'].map((name) => ensureDir(`${dir}/${name}`, { mode: 0o755 })))],
  ['writeAtomicMany', (dir) => writeAtomicMany(Array.from({ length: 16 }, (_, index) => ({ file: `${dir}/a/${index}/f`, data: 'x' })), { mkdir: true, dirMode: 0o755, durable: false })],
  ['ensureDir of a root', (dir) => { using root = openRootSync(dir); return Promise.all(Array.from({ length: 8 }, (_, index) => root.ensureDir(`a/${index}`, { mode: 0o755 }))); }],
]; // prettier-ignore

const directories = (dir: string): string[] =>
  readdirSync(dir, { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? [join(dir, entry.name), ...directories(join(dir, entry.name))] : []));

const temporaries = (dir: string): string[] => readdirSync(dir).filter((name) => name.startsWith('.holdfast-'));

needs('root')('a new directory, under umask 077, in one that its group may write', () => {
  it.each(calls)('has its mode whatever is made in it meanwhile: %s', async (_title, call) => {
    const base = scratch();
    for (let round = 0; round < ROUNDS; round += 1) {
      const dir = ownedDir(base, `d${round}`, 0, 1000, 0o2775);
      await underUmask(0o077, () => call(dir));
      expect(directories(dir).map((made) => octal(statSync(made).mode & 0o777)).filter((mode) => mode !== octal(0o755)), `round ${round}`).toEqual([]);
    }
  });
});

needs('root', 'setfacl', 'getfacl')('a new directory in one with a default ACL', () => {
  it('keeps no entry of it that grants more than the mode, whatever is made in it meanwhile', async () => {
    const base = scratch();
    for (let round = 0; round < ROUNDS; round += 1) {
      const dir = ownedDir(base, `d${round}`, 0, 0, 0o755);
      execFileSync('setfacl', ['-d', '-m', 'u:1002:rwx', dir]);
      chmodSync(dir, 0o775);
      await Promise.all(Array.from({ length: 8 }, (_, index) => ensureDir(`${dir}/a/${index}`, { mode: 0o770 })));
      const entries = execFileSync('getfacl', ['--omit-header', '--absolute-names', '--access', `${dir}/a`], { encoding: 'utf8' });
      expect(entries, `round ${round}`).not.toContain('1002');
    }
  });
});

needs('root', 'strace', 'setfacl', 'getfacl')('a call that makes a directory', () => {
  let driver: Driver;
  let base: string;

  beforeAll(async () => {
    base = scratch();
    driver = await Driver.start();
  });

  it('leaves an empty temporary when it is killed before its directory has its name', async () => {
    const dir = ownedDir(base, 'killed', 0, 0, 0o775);
    const victim = await Driver.start();
    await victim.must({ umask: 0o077 });
    const killed = watch(victim, { call: 'ensureDirSync', sync: true, args: [`${dir}/a/b`, { mode: 0o755 }] }, { inject: [{ syscall: 'renameat2', effect: 'signal=KILL', when: 1 }] });
    await expect(killed).rejects.toBeInstanceOf(EndedUnderWatch);
    expect([readdirSync(dir), temporaries(dir).length]).toEqual([temporaries(dir), 1]);
    await cleanStaleTemporaries(dir, { olderThanMs: 0 });
    expect(readdirSync(dir)).toEqual([]);
  });

  /** Runs `act` while a call that makes a directory is stopped: the directory is made, and not open yet. */
  const stopped = async (dir: string, options: object, act: (temporary: string) => void) => {
    const request = { call: 'ensureDirSync', sync: true, args: [`${dir}/a`, options] };
    const whileStopped = async (): Promise<void> => act(join(dir, temporaries(dir)[0]!));
    return (await watch(driver, request, { inject: [{ syscall: 'mkdirat', effect: 'signal=STOP', when: 1 }], whileStopped })).answer;
  };

  it('takes no directory that another user has put in its place', async () => {
    const dir = ownedDir(base, 'exchanged', 0, 1000, 0o775);
    const exchanged = await stopped(dir, { mode: 0o755 }, (temporary) => {
      rmSync(temporary, { recursive: true });
      mkdirSync(temporary);
      chownSync(temporary, 1000, 1000);
      chmodSync(temporary, 0o2777);
    });
    expect(exchanged.value).toMatchObject({ hardening: 'created', mode: 0o755 });
    expect(statSync(join(dir, 'a')).uid).toBe(0);
  });

  it('has a directory without access for others while an inherited ACL is on it', async () => {
    const dir = ownedDir(base, 'with-acl', 0, 0, 0o755);
    execFileSync('setfacl', ['-d', '-m', 'u:1002:rwx', dir]);
    const seen: string[] = [];
    const answer = await stopped(dir, { mode: 0o770 }, (temporary) => seen.push(octal(statSync(temporary).mode & 0o777)));
    expect([answer.value.mode, seen]).toEqual([0o770, [octal(0o700)]]);
    expect(execFileSync('getfacl', ['--omit-header', '--absolute-names', '--access', join(dir, 'a')], { encoding: 'utf8' })).not.toContain('1002');
  });

  it('leaves nothing in an append-only directory but what it was asked for', async () => {
    const dir = ownedDir(base, 'append-only', 0, 0, 0o755);
    execFileSync('chattr', ['+a', dir]);
    try {
      const { value } = await driver.verb('sync', 'ensureDir', `${dir}/a`, { mode: 0o755 });
      expect([value?.mode, readdirSync(dir)]).toEqual([0o755, ['a']]);
    } finally {
      execFileSync('chattr', ['-a', dir]);
    }
  });

  it.each(['EINVAL', 'ENOSYS', 'EPERM', 'EACCES'])('makes it in place where it may not be renamed (%s)', async (errno) => {
    const dir = ownedDir(base, `refused-${errno}`, 0, 0, 0o755);
    const { answer } = await watch(driver, { call: 'ensureDirSync', sync: true, args: [`${dir}/a/b`, { mode: 0o755 }] }, { inject: [{ syscall: 'renameat2', effect: `error=${errno}`, when: '1+' }] });
    expect(answer.value).toMatchObject({ hardening: 'created', mode: 0o755, firstCreated: `${dir}/a` });
    expect([readdirSync(dir), readdirSync(`${dir}/a`)]).toEqual([['a'], ['b']]);
  });

  it('of a mode for others has one rename more', async () => {
    const dir = ownedDir(base, 'calls', 0, 0, 0o755);
    const made = async (name: string, mode: number): Promise<string[]> => names((await watch(driver, { call: 'ensureDirSync', sync: true, args: [`${dir}/${name}`, { mode }] })).calls).filter((call) => /^(mkdir|rename|fchmod)/.test(call));
    expect(await made('a', 0o700)).toEqual(['mkdirat']);
    expect(await made('b', 0o755)).toEqual(['mkdirat', 'renameat2']);
  });
});

needs('root', 'setpriv')('a user without capabilities', () => {
  it.each(both)('gets each mode exactly, also one without its own bits: %s', async (how) => {
    const dir = ownedDir(scratch(), 'modes', 1000, 1000, 0o755);
    const driver = await Driver.start({ launcher: asUser1000 });
    for (const mode of [0o330, 0o070, 0o660, 0o030, 0o007, 0o077, 0o505]) {
      const made = `${dir}/${how}-${octal(mode)}`;
      const { value } = await driver.verb(how, 'ensureDir', made, { mode });
      expect([value?.hardening, value?.reason, octal(modeOf(made))]).toEqual(['created', undefined, octal(mode)]);
    }
  });
});

needs('root', 'setpriv')('a user whose umask takes bits of the owner', () => {
  it.each([0o777, 0o700, 0o300, 0o100])('gets a directory with its mode in one that others may write: umask %o', async (umask) => {
    const dir = ownedDir(scratch(), 'umask', 1000, 1000, 0o2775);
    const driver = await Driver.start({ launcher: asUser1000 });
    await driver.must({ umask });
    for (const mode of [0o755, 0o770, 0o711, 0o700]) {
      const { value, error } = await driver.verb('sync', 'ensureDir', `${dir}/d${octal(mode)}`, { mode });
      expect([error, value?.hardening, octal(modeOf(`${dir}/d${octal(mode)}`) & 0o777)]).toEqual([undefined, 'created', octal(mode)]);
    }
  });
});

needs('linux')('a process without descriptors', () => {
  const place = '/dev/shm';
  let dir: string;

  beforeAll(() => {
    dir = join(place, `holdfast-new-${process.pid}`);
    mkdirSync(dir, { mode: 0o755 });
  });
  afterAll(() => rmSync(dir, { recursive: true, force: true }));

  it.each([0, 1, 2, 3])('fails, or makes it with its mode: %i left', (left) => {
    const program = `
      import * as fs from 'node:fs';
      import { ensureDir } from ${JSON.stringify(`file://${repository}/index.mjs`)};
      await ensureDir(${JSON.stringify(`${dir}/known`)});
      await ensureDir(${JSON.stringify(`${dir}/known`)});
      process.umask(0o077);
      const held = [];
      try { for (;;) held.push(fs.openSync('/dev/null')); } catch {}
      for (let count = 0; count < ${left}; count += 1) fs.closeSync(held.pop());
      const made = await ensureDir(${JSON.stringify(`${dir}/n${left}`)}, { mode: 0o755 }).catch(({ code }) => ({ code }));
      for (const fd of held) fs.closeSync(fd);
      console.log(JSON.stringify(made));`;
    const run = ['-c', `ulimit -n 200; exec "$0" --input-type=module -e "$1"`, process.execPath, program];
    const made = JSON.parse(execFileSync('/bin/sh', run, { encoding: 'utf8' }));
    if (made.code === undefined) {
      expect([made.hardening, octal(made.mode), octal(modeOf(`${dir}/n${left}`))]).toEqual(['created', octal(0o755), octal(0o755)]);
    } else {
      expect([made.code, readdirSync(dir)]).toEqual(['EMFILE', expect.not.arrayContaining([`n${left}`])]);
    }
  });
});

needs('linux')('cleanStaleTemporaries', () => {
  it('removes an empty directory with the name of a temporary, and no other', async () => {
    const dir = scratch();
    const [empty, full] = ['0', '1'].map((digit) => `.holdfast-${digit.repeat(32)}.tmp`) as [string, string];
    mkdirSync(join(dir, empty));
    mkdirSync(join(dir, full));
    mkdirSync(join(dir, 'other'));
    writeFileSync(join(dir, full, 'f'), '');
    expect(await cleanStaleTemporaries(dir, { olderThanMs: 60_000 })).toEqual([]);
    expect(await cleanStaleTemporaries(dir, { olderThanMs: 0 })).toEqual([join(dir, empty)]);
    expect(readdirSync(dir).sort()).toEqual([full, 'other']);
  });

  it('finds the temporary of no call that has ended', () => {
    const dir = scratch();
    ensureDirSync(`${dir}/a/b/c`, { mode: 0o755 });
    expect(() => ensureDirSync(`${dir}/a/f/d`, { mode: 0o755, existing: 'require' })).not.toThrow();
    expect(directories(dir).filter((made) => made.includes('.holdfast-'))).toEqual([]);
  });
});
