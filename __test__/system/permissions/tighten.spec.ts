// ensureDir on an existing directory: its owner and mode decide the outcome.
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { beforeAll, expect, it } from 'vitest';
import { asUser1000, Driver } from '../../helpers/sys-driver.js';
import { inOctal, both, modeOf, octal, ownedDir, ownerOf } from '../../helpers/sys-layout.js';
import { needs } from '../../helpers/sys-needs.js';
import { repository, scratch } from '../../helpers/sys-scratch.js';
import { isChmod, watch } from '../../helpers/sys-strace.js';

const asRootWithOtherUsers = needs('root', 'setpriv');

asRootWithOtherUsers('ensureDir on a directory that exists', () => {
  let base: string;
  let root: Driver;
  let user: Driver;

  beforeAll(async () => {
    base = scratch();
    root = await Driver.start();
    user = await Driver.start({ launcher: asUser1000 });
  });

  interface Row {
    title: string;
    by: 'root' | 'uid 1000';
    owner: [uid: number, gid: number];
    before: number;
    after: number;
    result: Record<string, unknown>;
    required?: string;
  }

  const named = (some: Row[]) => some.map((row) => [`${row.by}: ${row.title}`, row] as const);

  const tightened = { hardening: 'tightened', isPrivate: true, reason: undefined };
  const notNeeded = { hardening: 'not-needed', isPrivate: true, reason: undefined };
  const shared = { hardening: 'left', reason: 'shared', isPrivate: false };
  const another = { hardening: 'left', reason: 'owner', isPrivate: false };
  const tolerated = { hardening: 'tolerated', reason: 'EPERM', isPrivate: false };
  const mine: [number, number] = [1000, 1000];

  const rows: Row[] = [
    { title: '0777 and mine becomes 0700', by: 'uid 1000', owner: mine, before: 0o777, after: 0o700, result: tightened },
    { title: '0755 and mine becomes 0700', by: 'uid 1000', owner: mine, before: 0o755, after: 0o700, result: tightened },
    { title: '2775 and mine becomes 2700', by: 'uid 1000', owner: mine, before: 0o2775, after: 0o2700, result: tightened },
    { title: '0555 and mine becomes 0500', by: 'uid 1000', owner: mine, before: 0o555, after: 0o500, result: tightened },
    {
      title: '0330, which cannot be opened for reading, becomes 0300',
      by: 'uid 1000',
      owner: mine,
      before: 0o330,
      after: 0o300,
      result: tightened,
    },
    { title: '0077, shut to its own owner, becomes 0000', by: 'uid 1000', owner: mine, before: 0o077, after: 0, result: tightened },
    {
      title: '1755, sticky but not writable by others, becomes 1700',
      by: 'uid 1000',
      owner: mine,
      before: 0o1755,
      after: 0o1700,
      result: tightened,
    },
    { title: '0755 of root becomes 0700', by: 'root', owner: [0, 0], before: 0o755, after: 0o700, result: tightened },
    { title: '2755 of root and its own group becomes 2700', by: 'root', owner: [0, 0], before: 0o2755, after: 0o2700, result: tightened },
    {
      title: '0755 of somebody else becomes 0700 for root, and is still theirs',
      by: 'root',
      owner: [1001, 1001],
      before: 0o755,
      after: 0o700,
      result: { hardening: 'tightened', reason: 'owner', isPrivate: false },
    },
    { title: '0700 is left alone', by: 'uid 1000', owner: mine, before: 0o700, after: 0o700, result: notNeeded },
    { title: '2700 is left alone', by: 'uid 1000', owner: mine, before: 0o2700, after: 0o2700, result: notNeeded },
    { title: '0500 is left alone', by: 'uid 1000', owner: mine, before: 0o500, after: 0o500, result: notNeeded },
    { title: '0300 is left alone', by: 'uid 1000', owner: mine, before: 0o300, after: 0o300, result: notNeeded },
    { title: '0700 of root is private enough for anybody', by: 'uid 1000', owner: [0, 0], before: 0o700, after: 0o700, result: notNeeded },
    {
      title: '2775 of another group is shared, and root does not lock it out',
      by: 'root',
      owner: [0, 1000],
      before: 0o2775,
      after: 0o2775,
      result: shared,
      required: 'insecure-permissions',
    },
    {
      title: '2770 of another group is shared too',
      by: 'root',
      owner: [1000, 1000],
      before: 0o2770,
      after: 0o2770,
      result: shared,
      required: 'insecure-permissions',
    },
    {
      title: '1777 of root, as for temporary files, is shared',
      by: 'root',
      owner: [0, 0],
      before: 0o1777,
      after: 0o1777,
      result: shared,
      required: 'insecure-permissions',
    },
    {
      title: '1777 and mine is shared',
      by: 'uid 1000',
      owner: mine,
      before: 0o1777,
      after: 0o1777,
      result: shared,
      required: 'insecure-permissions',
    },
    {
      title: '0700 of somebody else is theirs, for root',
      by: 'root',
      owner: mine,
      before: 0o700,
      after: 0o700,
      result: another,
      required: 'not-owned',
    },
    {
      title: '0700 of somebody else is theirs, for a user',
      by: 'uid 1000',
      owner: [1001, 1001],
      before: 0o700,
      after: 0o700,
      result: another,
      required: 'not-owned',
    },
    { title: '0755 of somebody else is tolerated', by: 'uid 1000', owner: [1001, 1001], before: 0o755, after: 0o755, result: tolerated },
  ];

  it.each(named(rows))('%s', async (_name, { title, by, owner, before, after, result }) => {
    const driver = by === 'root' ? root : user;
    for (const how of both) {
      const dir = ownedDir(base, `${title}, ${how}`, ...owner, before);
      const { value, error } = await driver.verb(how, 'ensureDir', dir);
      expect(error).toBeUndefined();
      expect(value).toMatchObject({ path: dir, mode: after, containment: 'none' });
      expect({ reason: undefined, ...value }).toMatchObject(result);
      expect(value.firstCreated).toBeUndefined();
      expect(octal(modeOf(dir))).toBe(octal(after));
      expect(ownerOf(dir)).toEqual(owner);
      const warned = await driver.warnings();
      expect(warned.map(({ code }) => code)).toEqual(result['isPrivate'] ? [] : ['HOLDFAST_DIR_NOT_PRIVATE']);
    }
  });

  it.each(named(rows.filter(({ required }) => required)))('%s; "require" throws', async (_name, row) => {
    const driver = row.by === 'root' ? root : user;
    for (const how of both) {
      const dir = ownedDir(base, `${row.title}, required, ${how}`, ...row.owner, row.before);
      const { error } = await driver.verb(how, 'ensureDir', dir, { existing: 'require' });
      expect(error).toMatchObject({ isHoldfastError: true, code: row.required, category: 'policy', path: dir });
      expect(octal(modeOf(dir))).toBe(octal(row.before));
    }
  });

  it('"require" is not content with 0755 of somebody else', async () => {
    const dir = ownedDir(base, 'foreign and open', 1001, 1001, 0o755);
    const { error } = await user.verb('async', 'ensureDir', dir, { existing: 'require' });
    expect(error?.isHoldfastError).toBe(true);
    expect(['insecure-permissions', 'not-owned']).toContain(error?.code);
    expect(octal(modeOf(dir))).toBe('0755');
  });

  it.each(named(rows.filter(({ result }) => result === tightened || result === notNeeded)))(
    '%s; "require" is content with that',
    async (_name, row) => {
      const driver = row.by === 'root' ? root : user;
      const dir = ownedDir(base, `${row.title}, required and met`, ...row.owner, row.before);
      const { value } = await driver.verb('sync', 'ensureDir', dir, { existing: 'require' });
      expect(value).toMatchObject({ mode: row.after, hardening: row.result['hardening'], isPrivate: true });
      expect(octal(modeOf(dir))).toBe(octal(row.after));
    },
  );

  it.each(inOctal(0o777, 0o2775, 0o1777, 0o700))('"leave" changes nothing of mode %s, and gives no reason', async (_octal, mode) => {
    for (const how of both) {
      const dir = ownedDir(base, `left ${octal(mode)} ${how}`, ...mine, mode);
      const { value } = await user.verb(how, 'ensureDir', dir, { existing: 'leave' });
      expect(value).toMatchObject({ mode, hardening: mode === 0o700 ? 'not-needed' : 'left', isPrivate: mode === 0o700 });
      expect(value).not.toHaveProperty('reason');
      expect(octal(modeOf(dir))).toBe(octal(mode));
    }
    expect(await user.warnings()).toEqual([]);
  });

  needs('root', 'setpriv', 'strace')('under strace', () => {
    it.each(inOctal(0o700, 0o2700, 0o500, 0o300))('a directory of mode %s, private already, gets no chmod call', async (_octal, mode) => {
      const dir = ownedDir(base, `quiet ${octal(mode)}`, ...mine, mode);
      for (const call of ['ensureDirSync', 'ensureDir']) {
        const { answer, calls } = await watch(user, { call, args: [dir] });
        expect(answer.value).toMatchObject({ hardening: 'not-needed', isPrivate: true });
        expect(calls.filter(({ args }) => args.includes(dir))).not.toEqual([]);
        expect(calls.filter(isChmod)).toEqual([]);
      }
    });
  });

  needs('root', 'setpriv', 'unshare')('elsewhere', () => {
    it('in a user namespace the id that stands for all unmapped ones is nobody’s own', async () => {
      const unmapped = ownedDir(base, 'unmapped', ...mine, 0o700);
      const inside = await Driver.start({ launcher: ['unshare', '--user', '--map-user=65534', '--map-group=65534'] });
      expect((await inside.fs('statSync', unmapped)).uid).toBe(65534);
      for (const how of both) {
        const { value } = await inside.verb(how, 'ensureDir', unmapped);
        expect(value).toMatchObject({ hardening: 'left', reason: 'owner', isPrivate: false, mode: 0o700 });
        const { error } = await inside.verb(how, 'ensureDir', unmapped, { existing: 'require' });
        expect(error).toMatchObject({ code: 'not-owned', uid: 65534 });
        // Outside of the namespace this is the id of another user: no command may give the directory to it.
        expect(`${error?.message} ${error?.remedy}`).not.toMatch(/chown|user undefined/);
      }
      const { stdout } = spawnSync('unshare', ['--user', '--map-user=65534', '--map-group=65534', process.execPath, join(repository, 'dist/cli/main.js'), 'doctor', unmapped], { encoding: 'utf8' });
      expect(stdout).toContain('another user owns it');
      expect(stdout).not.toMatch(/chown|this process will own it/);
    });

    it('in a user namespace that maps others but not this user, no command names an unknown id', async () => {
      const others = ownedDir(base, 'of others', 5, 5, 0o755);
      const program = `const { ensureDir } = require(${JSON.stringify(repository)});
        ensureDir(process.argv[1], { existing: 'require' }).catch(({ code, message, euid }) => console.log(JSON.stringify({ code, message, euid })));`;
      const child = spawn('setpriv', ['--reuid', '2000', '--regid', '2000', '--clear-groups', 'unshare', '--user', 'sh', '-c', 'read go; exec "$0" -e "$1" "$2"', process.execPath, program, others], { cwd: '/', stdio: ['pipe', 'pipe', 'inherit'] });
      const output = text(child.stdout);
      await expect.poll(() => readlinkSync(`/proc/${child.pid}/ns/user`)).not.toBe(readlinkSync('/proc/self/ns/user'));
      writeFileSync(`/proc/${child.pid}/uid_map`, '0 0 1000');
      child.stdin.end('go\n');
      const { code, message, euid } = JSON.parse(await output);
      expect([code, euid]).toEqual(['insecure-permissions', undefined]);
      expect(message).toContain('user 5');
      expect(message).not.toMatch(/undefined|chown/);
    });

    it('in a user namespace without a map, a staged file is published: its descriptor proves whose it is', () => {
      const open = ownedDir(base, 'open', ...mine, 0o777);
      const program = `const { stageAtomic } = require(${JSON.stringify(repository)});
        (async () => {
          const staged = await stageAtomic(${JSON.stringify(join(open, 'file'))});
          await staged.handle.writeFile('new');
          await staged.commit();
        })();`;
      const { status, stderr } = spawnSync('unshare', ['--user', process.execPath, '-e', program], { encoding: 'utf8', cwd: '/' });
      expect(status, stderr).toBe(0);
      expect(readFileSync(join(open, 'file'), 'utf8')).toBe('new');
    });
  });

  it('a setgid directory whose group is not mine: the result says what the kernel made of it', async () => {
    const dir = ownedDir(base, 'foreign group', 1000, 1003, 0o2775);
    const { value } = await user.verb('sync', 'ensureDir', dir);
    expect(value).toMatchObject({ hardening: 'tightened', isPrivate: true });
    expect(octal(value.mode)).toBe(octal(modeOf(dir)));
    expect(modeOf(dir) & 0o077).toBe(0);
  });

  it('warns for a hundred directories of a process and then no more', async () => {
    const fresh = await Driver.start({ launcher: asUser1000 });
    const parent = ownedDir(base, 'many', 0, 1000, 0o2775);
    const dirs = Array.from({ length: 104 }, (_, n) => ownedDir(parent, `volume-${n}`, 0, 1000, 0o2775));
    for (const dir of dirs) expect((await fresh.verb('sync', 'ensureDir', dir)).value.hardening).toBe('tolerated');
    expect(await fresh.warnings()).toHaveLength(100);
  });

  it('one directory reached by two names is one warning', async () => {
    const dir = ownedDir(base, 'twice', 0, 1000, 0o2775);
    mkdirSync(join(dir, 'x'));
    await user.verb('sync', 'ensureDir', dir);
    await user.verb('async', 'ensureDir', `${dir}/x/..`);
    expect(await user.warnings()).toHaveLength(1);
  });

  it.each([
    ['0077', 0o077, undefined, '0700'],
    ['0027', 0o027, undefined, '0700'],
    ['0777, which takes every bit', 0o777, undefined, '0700'],
    ['0077, asked for 0755', 0o077, 0o755, '0755'],
    ['0027, asked for 0750', 0o027, 0o750, '0750'],
    ['0777, asked for 0711', 0o777, 0o711, '0711'],
  ])('every directory made under umask %s has exactly its mode', async (name, umask, mode, expected) => {
    const parent = ownedDir(base, `umask ${name}`, ...mine, 0o700);
    await user.must({ umask });
    for (const how of both) {
      const { value } = await user.verb(how, 'ensureDir', join(parent, how, 'b', 'c'), ...(mode === undefined ? [] : [{ mode }]));
      expect(value).toMatchObject({ hardening: 'created', firstCreated: join(parent, how) });
      for (const dir of [how, `${how}/b`, `${how}/b/c`]) expect(octal(modeOf(join(parent, dir)))).toBe(expected);
    }
    await user.must({ umask: 0o022 });
  });

  it('many creators in two processes under different umasks all succeed, and every directory is private', async () => {
    const parent = ownedDir(base, 'crowd', 0, 1000, 0o2775);
    const crowd = await Promise.all(
      [0o077, 0o027].map(async (umask) => {
        const driver = await Driver.start({ launcher: asUser1000, env: { UV_THREADPOOL_SIZE: '16' } });
        await driver.must({ umask });
        return driver;
      }),
    );
    for (let round = 0; round < 10; round++) {
      const path = join(parent, `r${round}`, 'a', 'b', 'c', 'd');
      const all = Array.from({ length: 32 }, () => ({ call: 'ensureDir', args: [path] }));
      const answers = (await Promise.all(crowd.map((driver) => driver.must({ all })))).flat();
      expect(answers.filter(({ error }) => error)).toEqual([]);
      expect(answers).toHaveLength(64);
      const listed = execFileSync('find', [join(parent, `r${round}`), '-printf', '%m %U\n'], { encoding: 'utf8' });
      expect(listed.trim().split('\n')).toEqual(Array(5).fill('2700 1000'));
    }
  });
});
