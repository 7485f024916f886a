// Attacks on a staged file by another user with write access to its directory, and their effects.
import { execFileSync, spawn } from 'node:child_process';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { beforeAll, beforeEach, expect, it } from 'vitest';
import { stageAtomic, type StagedFile } from '../../../index.mjs';
import { outcome } from '../../helpers/forms.js';
import { asUser, Driver, type Request } from '../../helpers/sys-driver.js';
import { modeOf, octal, ownedDir, ownedFile, ownerOf } from '../../helpers/sys-layout.js';
import { needs } from '../../helpers/sys-needs.js';
import { buildC, scratch } from '../../helpers/sys-scratch.js';
import { watch } from '../../helpers/sys-strace.js';

const THEM = 1001;
const SECRET = 'secret of the service';

needs('root', 'setpriv', 'setfacl', 'getfacl', 'strace', 'gcc')('a staged file in a directory that another user may write', () => {
  let base: string;
  let dir: string;
  let target: string;
  let count = 0;

  beforeAll(() => {
    base = scratch();
  });

  beforeEach(() => {
    dir = ownedDir(base, `dir-${count++}`, 0, THEM, 0o2775);
    target = join(dir, 'target');
  });

  const asThem = (...command: string[]): string => execFileSync('setpriv', [...asUser(THEM, THEM).slice(1), ...command], { encoding: 'utf8' });
  const canRead = (file: string): boolean => {
    try {
      return asThem('cat', file) === SECRET;
    } catch {
      return false;
    }
  };
  const put = (staged: StagedFile, file: string): string => asThem('mv', '-f', file, staged.tempPath);

  it.each([
    [0o600, undefined, 0o600],
    [0o600, 0o644, 0o600],
    [0o640, 0o666, 0o640],
    [0o604, 0o664, 0o604],
    [0o644, 0o600, 0o600],
    [0o664, undefined, 0o644],
    [0o4755, 0o755, 0o755],
    [0o6750, 0o777, 0o750],
  ])('publishes a file of mode %o that was renamed onto it, asked for %o, as %o', async (theirs, mode, expected) => {
    const secret = ownedFile(dir, 'secret', 0, 0, theirs, SECRET);
    const before = fs.statSync(secret);
    const staged = await stageAtomic(target, { mode });
    put(staged, secret);
    const result = await staged.commit();
    expect(result).toMatchObject({ ino: before.ino, size: SECRET.length });
    expect(octal(result.mode)).toBe(octal(expected));
    expect(octal(modeOf(target))).toBe(octal(expected));
    expect(canRead(target)).toBe((theirs & 0o004) !== 0 && (expected & 0o004) !== 0);
  });

  it.each([
    ['the owner', THEM, 0, 0o600],
    ['the group', 0, THEM, 0o660],
    ['owner and group', THEM, THEM, 0o664],
  ])('keeps %s of the replaced file only for what everyone may read', async (_what, uid, gid, mode) => {
    ownedFile(dir, 'target', uid, gid, mode);
    const secret = ownedFile(dir, 'secret', 0, 0, 0o640, SECRET);
    const staged = await stageAtomic(target);
    put(staged, secret);
    expect((await staged.commit()).preserved).toMatchObject({ owner: uid === 0 });
    expect(canRead(target)).toBe(false);
    const open = ownedFile(dir, 'open', 0, 0, 0o644, 'public');
    const next = await stageAtomic(target);
    fs.chownSync(target, uid, gid);
    put(next, open);
    expect((await next.commit()).preserved).toMatchObject({ owner: true });
    expect(ownerOf(target)).toEqual([uid, gid]);
  });

  it('does not apply an ACL of the replaced file to what was private', async () => {
    ownedFile(dir, 'target', 0, 0, 0o640);
    execFileSync('setfacl', ['-m', `u:${THEM}:rw`, target]);
    const secret = ownedFile(dir, 'secret', 0, 0, 0o640, SECRET);
    const staged = await stageAtomic(target);
    put(staged, secret);
    expect((await staged.commit()).preserved).toMatchObject({ acl: false });
    expect(canRead(target)).toBe(false);
    expect(execFileSync('getfacl', ['-cp', target], { encoding: 'utf8' })).not.toContain('user:1001');
  });

  it('never gives a file more by the ACL of the replaced one than it granted, not even for a moment', () => {
    ownedFile(dir, 'target', 0, 0, 0o644);
    execFileSync('setfacl', ['--set', `u::rw,u:${THEM}:rw,g::r,o::rw`, target]);
    const file = ownedFile(dir, 'file', 0, 0, 0o444, 'public');
    const script = `(async () => {
      const staged = await require('holdfast').stageAtomic(process.argv[1]);
      require('fs').renameSync(process.argv[2], staged.tempPath);
      console.log(JSON.stringify((await staged.commit()).preserved));
    })()`;
    const trace = join(base, 'set-acl.trace');
    const tracer = ['-f', '-o', trace, '-s', '256', '-e', 'trace=setxattr,fsetxattr'];
    const said = execFileSync('strace', [...tracer, process.execPath, '-e', script, target, file], { encoding: 'utf8' });
    // The tag of the mask is octal 20, that of others a blank.
    const set = fs.readFileSync(trace, 'utf8');
    expect(set).toMatch(/\\20\\0\\4\\0\\377/);
    expect(set).toMatch(/ \\0\\4\\0\\377/);
    expect(set.match(/setxattr\(/g)).toHaveLength(1);
    expect(execFileSync('getfacl', ['-cpE', target], { encoding: 'utf8' })).toMatch(/mask::r--\nother::r--/);
    expect(JSON.parse(said)).toMatchObject({ mode: false, acl: false });
  });

  it.each([0o644, undefined])('keeps what an ACL of the file that was put there denies (mode %o)', async (mode) => {
    const secret = ownedFile(dir, 'secret', 0, 0, 0o644, SECRET);
    execFileSync('setfacl', ['-m', `u:${THEM}:---`, secret]);
    const staged = await stageAtomic(target, { mode });
    put(staged, secret);
    await staged.commit();
    expect(canRead(target)).toBe(false);
  });

  it('refuses a file of another user', async () => {
    const theirs = ownedFile(dir, 'theirs', THEM, THEM, 0o644, 'theirs');
    ownedFile(dir, 'target', 0, 0, 0o644, 'old');
    const staged = await stageAtomic(target);
    put(staged, theirs);
    expect((await outcome(() => staged.commit())).error).toMatchObject({ code: 'not-owned', uid: THEM, euid: 0 });
    expect(fs.readFileSync(target, 'utf8')).toBe('old');
  });

  it('refuses a second name of a file of the service', async () => {
    const secret = ownedFile(dir, 'secret', 0, 0, 0o600, SECRET);
    const staged = await stageAtomic(target, { mode: 0o644 });
    fs.rmSync(staged.tempPath);
    fs.linkSync(secret, staged.tempPath);
    expect((await outcome(() => staged.commit())).error).toMatchObject({ code: 'hardlink' });
    expect(octal(modeOf(secret))).toBe('0600');
    expect(fs.existsSync(target)).toBe(false);
  });

  it.each([
    ['the file is synced', 'fsync', 'path-mismatch', 'old'],
    ['it is renamed', 'rename', 'path-mismatch', SECRET],
  ] as const)('never reports what was put there while %s as its own', async (_when, syscall, code, left) => {
    const driver = await Driver.start({ env: { UV_THREADPOOL_SIZE: '1' } });
    ownedFile(dir, 'target', 0, 0, 0o644, 'old');
    const secret = ownedFile(dir, 'secret', 0, 0, 0o600, SECRET);
    const act = (): void => {
      const temporary = fs.readdirSync(dir).find((name) => /\.tmp$/.test(name)) as string;
      asThem('mv', '-f', secret, join(dir, temporary));
    };
    const { answer } = await watch(driver, { stage: target, args: [{}], content: 'staged' }, { atEntry: { of: syscall, act } });
    expect(answer.error).toMatchObject({ isHoldfastError: true, code });
    expect(fs.readFileSync(target, 'utf8')).toBe(left);
    const published = fs.readdirSync(dir).map((name) => join(dir, name)).filter((file) => fs.readFileSync(file, 'utf8') === SECRET);
    for (const file of published) expect(octal(modeOf(file))).toBe('0600');
    await driver.end();
  });

  it.each([
    ['staged file', (file: string): Request => ({ stage: file, args: [{}], content: 'x'.repeat(70_000) })],
    ['stream', (file: string): Request => ({ stream: file, pieces: 1, options: {} })],
  ] as const)('is published although another writer has replaced or removed it since: a %s', async (what, request) => {
    const driver = await Driver.start();
    for (const [last, act] of [
      ['other', (): void => fs.renameSync(ownedFile(dir, 'other', 0, 0, 0o600, 'other'), target)],
      ['gone', (): void => fs.rmSync(target)],
    ] as const) {
      ownedFile(dir, 'target', 0, 0, 0o644, 'old');
      const whileStopped = async (): Promise<void> => act();
      const { answer } = await watch(driver, request(target), { inject: [{ syscall: 'rename,renameat,renameat2', effect: 'signal=STOP', when: 1 }], whileStopped });
      expect(answer).toMatchObject({ value: { size: 70_000 } });
      // A file that began without a name is published once more: nothing tells whether it was.
      const now = fs.existsSync(target) ? fs.readFileSync(target, 'utf8') : 'gone';
      expect(what === 'stream' ? [last, 'x'.repeat(70_000)] : [last]).toContain(now);
      fs.rmSync(target, { force: true });
      expect(fs.readdirSync(dir).filter((name) => name !== 'target')).toEqual([]);
    }
    await driver.end();
  });

  it('is published although another writer has replaced it since: a whole write that takes longer than 100 ms', async () => {
    const driver = await Driver.start();
    ownedFile(dir, 'target', 0, 0, 0o644, 'old');
    const whileStopped = async (): Promise<void> => fs.renameSync(ownedFile(dir, 'other', 0, 0, 0o600, 'other'), target);
    const inject = [{ syscall: 'fsync', effect: 'delay_exit=120000', when: 1 }, { syscall: 'rename,renameat,renameat2', effect: 'signal=STOP', when: 1 }];
    const { answer } = await watch(driver, { call: 'writeAtomicSync', sync: true, args: [target, 'new'] }, { inject, whileStopped });
    expect(answer.error).toBeUndefined();
    expect(['other', 'new']).toContain(fs.readFileSync(target, 'utf8'));
    expect(fs.readdirSync(dir)).toEqual(['target']);
    await driver.end();
  });

  it.each([
    ['renamed', (): void => {}],
    ['removed', (aside: string): void => fs.rmSync(aside)],
  ] as const)('is not taken for published where it was %s and another file has the name of its temporary', async (_what, then) => {
    const driver = await Driver.start({ env: { UV_THREADPOOL_SIZE: '1' } });
    ownedFile(dir, 'target', 0, 0, 0o644, 'old');
    const secret = ownedFile(dir, 'secret', 0, 0, 0o600, SECRET);
    const act = (): void => {
      const temporary = join(dir, fs.readdirSync(dir).find((name) => /\.tmp$/.test(name)) as string);
      fs.renameSync(temporary, join(dir, 'aside'));
      asThem('mv', '-f', secret, temporary);
      then(join(dir, 'aside'));
    };
    const { answer } = await watch(driver, { stage: target, args: [{}], content: 'staged' }, { atEntry: { of: 'rename', act } });
    expect(answer.error).toMatchObject({ code: 'path-mismatch', published: true });
    await driver.end();
  });

  it('is published by a stream all the same when another file was put in place of its temporary', async () => {
    const driver = await Driver.start({ env: { UV_THREADPOOL_SIZE: '1' } });
    ownedFile(dir, 'target', 0, 0, 0o644, 'old');
    const secret = ownedFile(dir, 'secret', 0, 0, 0o600, SECRET);
    const act = (): void => {
      const temporary = fs.readdirSync(dir).find((name) => /\.tmp$/.test(name)) as string;
      asThem('mv', '-f', secret, join(dir, temporary));
    };
    const { answer } = await watch(driver, { stream: target, pieces: 1, options: {} }, { atEntry: { of: 'rename', act } });
    expect(answer.value).toMatchObject({ size: 70_000, mode: 0o644, ino: fs.statSync(target).ino });
    expect(fs.readFileSync(target, 'utf8')).toBe('x'.repeat(70_000));
    expect(fs.readdirSync(dir)).toEqual(['target']);
    await driver.end();
  });

  it('publishes no file of another name under attack, and loosens none', async () => {
    const secret = ownedFile(dir, 'secret', 0, 0, 0o600, SECRET);
    let published = 0;
    for (let round = 0; round < 40; round += 1) {
      const { ino } = fs.statSync(secret);
      const staged = await stageAtomic(target, { mode: 0o666, durable: round % 2 === 0 });
      await staged.handle.writeFile('staged');
      const attack = execAttack(staged.tempPath, secret);
      const { value, error } = await outcome(() => staged.commit());
      await attack();
      const now = fs.readdirSync(dir).map((name) => join(dir, name));
      // After an error the object under the temporary's name is removed with it.
      const of = now.find((file) => fs.statSync(file).ino === ino) ?? ownedFile(dir, 'again', 0, 0, 0o600, SECRET);
      expect(octal(modeOf(of))).toBe('0600');
      expect(fs.readFileSync(of, 'utf8')).toBe(SECRET);
      if (error) expect(error.code).toMatch(/^(path-mismatch|not-found)$/);
      else {
        published += 1;
        expect(fs.statSync(target)).toMatchObject({ ino: value!.ino, size: value!.size });
        expect(fs.readFileSync(target, 'utf8')).toBe(value!.ino === ino ? SECRET : 'staged');
      }
      fs.renameSync(of, secret);
      for (const name of fs.readdirSync(dir)) if (name !== 'secret') fs.rmSync(join(dir, name));
    }
    expect(published).toBeGreaterThan(0);
  }, 120_000);

  /** Another user exchanges the two names until the returned function is called. */
  function execAttack(one: string, other: string): () => Promise<void> {
    const attacker = spawn(buildC('exchange'), ['-u', String(THEM), one, other], { stdio: ['pipe', 'ignore', 'ignore'] });
    const ended = new Promise<void>((resolve) => attacker.on('close', () => resolve()));
    return () => {
      attacker.stdin.end();
      return ended;
    };
  }
});
