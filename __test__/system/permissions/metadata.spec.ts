// Owner, ACL and mode of a replacement: the order of their application, the effect of each capability, and the fields
// of the result.
import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { asUser, asUser1000, Driver } from '../../helpers/sys-driver.js';
import { both, inOctal, modeOf, octal, ownedDir, ownedFile, ownerOf, strays } from '../../helpers/sys-layout.js';
import { needs } from '../../helpers/sys-needs.js';
import { buildC, scratch } from '../../helpers/sys-scratch.js';
import { isFileCall, names, watch } from '../../helpers/sys-strace.js';

function setfacl(path: string, ...args: string[]): void {
  execFileSync('setfacl', [...args, path]);
}

function getfacl(path: string): string[] {
  const text = execFileSync('getfacl', ['--omit-header', '--absolute-names', '--numeric', '--no-effective', path]);
  return text.toString().trim().split('\n');
}

/** The launcher for uid and gid 1000 with only these capabilities in effect. */
function withCapabilities(...capabilities: string[]): string[] {
  const set = ['-all', ...capabilities.map((name) => `+${name}`)].join(',');
  return ['setpriv', '--reuid=1000', '--regid=1000', '--clear-groups', `--inh-caps=${set}`, `--ambient-caps=${set}`, `--bounding-set=${set}`];
}

needs('root', 'setpriv', 'strace')('the temporary of an overwrite', () => {
  let base: string;
  let root: Driver;

  beforeAll(async () => {
    base = ownedDir(scratch(), 'metadata', 0, 0, 0o755);
    root = await Driver.start();
  });

  describe.each([
    ['synced', {}],
    ['not synced', { durable: false }],
  ])('%s', (title, options) => {
    it.each(inOctal(0o604, 0o705, 0o640, 0o660, 0o644, 0o755, 0o600, 0o044))(
      'of mode %s grants nothing beyond the result until owner and group are set',
      async (name, mode) => {
        const dir = ownedDir(base, `order ${name} ${title}`, 0, 0, 0o755);
        for (const how of both) {
          const file = ownedFile(dir, how, 1000, 1003, mode);
          const request = how === 'sync' ? { call: 'writeAtomicSync', sync: true } : { call: 'writeAtomic' };
          const { answer, calls } = await watch(root, { ...request, args: [file, 'new', options] });
          expect(answer.value).toMatchObject({ mode, preserved: { mode: true, acl: true, owner: true } });
          expect(ownerOf(file)).toEqual([1000, 1003]);
          const opened = calls.find(({ name: call, args }) => call === 'openat' && /O_TMPFILE|O_CREAT/.test(args) && args.includes(dir));
          const first = parseInt(/, (0\d*)\s*$/.exec(opened?.args ?? '')?.[1] ?? '', 8);
          const classesAreEqual = ((mode >> 3) & 7) === (mode & 7) && ((mode & 7) & ~(mode >> 6)) === 0;
          expect(octal(first)).toBe(classesAreEqual ? octal(mode) : '0600');
          const order = names(calls).filter((call) => /^(fchown|fchmod)$/.test(call));
          if (!classesAreEqual) expect(order).toEqual(['fchown', 'fchmod', 'fchown']);
          const ofFiles = names(calls.filter(isFileCall));
          expect(ofFiles.lastIndexOf('fchown')).toBeLessThan(ofFiles.indexOf('write'));
        }
      },
    );
  });
});

needs('root', 'setpriv', 'setfacl', 'getfacl')('with each capability alone', () => {
  let base: string;

  beforeAll(() => {
    base = ownedDir(scratch(), 'capabilities', 0, 0, 0o755);
  });

  it.each([
    ['none', [], false],
    ['CAP_CHOWN', ['chown'], true],
    ['CAP_FOWNER', ['fowner'], false],
    ['CAP_FSETID', ['fsetid'], false],
    ['CAP_DAC_OVERRIDE', ['dac_override'], false],
    ['CAP_CHOWN and CAP_FOWNER', ['chown', 'fowner'], true],
    ['CAP_CHOWN and CAP_DAC_OVERRIDE', ['chown', 'dac_override'], true],
    ['CAP_FOWNER and CAP_DAC_OVERRIDE', ['fowner', 'dac_override'], false],
  ] as const)('%s: an overwrite of a foreign file succeeds, gains no access, and keeps the owner if it may', async (title, capabilities, keeps) => {
    const driver = await Driver.start({ launcher: withCapabilities(...capabilities) });
    const dir = ownedDir(base, title, 0, 0, 0o777);
    for (const how of both) {
      for (const mode of [0o644, 0o640, 0o604, 0o600, 0o755]) {
        const file = ownedFile(dir, `${how}-${octal(mode)}`, 1234, 1235, mode);
        const { value, error } = await driver.verb(how, 'writeAtomic', file, 'new');
        // The stat of the target needs access to its parent, but none to the target itself.
        expect(error).toBeUndefined();
        expect(value.preserved.owner).toBe(keeps);
        expect(ownerOf(file)).toEqual(keeps ? [1234, 1235] : [1000, 1000]);
        expect(octal(modeOf(file) & ~mode)).toBe('0000');
        if (keeps) expect(value).toMatchObject({ mode, preserved: { mode: true, acl: true, owner: true } });
        expect(value.mode).toBe(modeOf(file));
        expect(readFileSync(file, 'utf8')).toBe('new');
      }
      const acl = ownedFile(dir, `${how}-acl`, 1234, 1235, 0o600);
      setfacl(acl, '-m', 'u:1001:r,g::---');
      const before = getfacl(acl);
      const { value } = await driver.verb(how, 'writeAtomic', acl, 'new');
      expect(value.preserved).toMatchObject({ acl: true, owner: keeps });
      if (keeps) expect(getfacl(acl)).toEqual(before);
      const streamed = ownedFile(dir, `${how}-streamed`, 1234, 1235, 0o640);
      const stream = await driver.verb('async', 'writeAtomic', streamed, { $pieces: ['ne', 'w'] });
      expect(stream.value.preserved.owner).toBe(keeps);
    }
    expect(strays(dir).filter((name) => name.startsWith('.holdfast'))).toEqual([]);
  });
});

needs('root', 'setpriv', 'unshare', 'mount', 'gcc')('where an owner has no counterpart', () => {
  let base: string;

  beforeAll(() => {
    base = ownedDir(scratch(), 'unmapped', 0, 0, 0o755);
  });

  it.each(both)('an id-mapped mount lets no file of such an owner be replaced (%s): the error is that of rename, and the file stays', async (how) => {
    const driver = await Driver.start({ launcher: ['unshare', '--mount'] });
    const disk = ownedDir(base, `disk-${how}`, 0, 0, 0o755);
    const shown = ownedDir(base, `shown-${how}`, 0, 0, 0o755);
    const inside = ownedDir(disk, 'dir', 0, 0, 0o777);
    ownedFile(inside, 'unmapped', 5000, 5000, 0o640);
    ownedFile(inside, 'mapped', 7, 7, 0o640);
    ownedDir(inside, 'open', 5000, 5000, 0o755);
    await driver.exec(buildC('idmap'), disk, shown, '0', '0', '1000');
    const file = join(shown, 'dir', 'unmapped');
    expect((await driver.fs('statSync', file)).uid).toBe(65534);
    const { value, error } = await driver.verb(how, 'writeAtomic', file, 'new');
    expect(value).toBeUndefined();
    expect(error).toMatchObject({ code: 'EOVERFLOW', syscall: 'rename', dest: file });
    expect(readFileSync(join(inside, 'unmapped'), 'utf8')).toBe('old');
    const mapped = await driver.verb(how, 'writeAtomic', join(shown, 'dir', 'mapped'), 'new');
    expect(mapped.value).toMatchObject({ mode: 0o640, preserved: { mode: true, owner: true } });
    const dir = await driver.verb(how, 'ensureDir', join(shown, 'dir', 'open'));
    expect(dir.value).toMatchObject({ hardening: 'tolerated', reason: 'owner', isPrivate: false, mode: 0o755 });
    expect(strays(inside, 'unmapped', 'mapped', 'open')).toEqual([]);
  });

  it.each(both)('in a user namespace the overflow id is not taken for the owner of a file, written %s', async (how) => {
    const dir = ownedDir(base, `namespace-${how}`, 0, 0, 0o777);
    const file = ownedFile(dir, 'foreign', 200_000, 200_000, 0o640);
    const driver = await Driver.start({ launcher: [buildC('in-user-namespace'), '65536'] });
    expect((await driver.fs('statSync', file)).uid).toBe(65534);
    const { value, error } = await driver.verb(how, 'writeAtomic', file, 'new');
    expect(error).toBeUndefined();
    expect(value).toMatchObject({ mode: 0o600, preserved: { mode: false, owner: false } });
    expect(ownerOf(file)).toEqual([0, 0]);
  });
});

needs('root', 'setpriv', 'setfacl', 'getfacl', 'gcc')('`mode` in a directory with a default ACL', () => {
  let base: string;
  let owner: Driver;
  let named: Driver;

  beforeAll(async () => {
    base = ownedDir(scratch(), 'defaults', 0, 0, 0o755);
    owner = await Driver.start({ launcher: asUser1000 });
    named = await Driver.start({ launcher: asUser(1001, 1001) });
  });

  const mayRead = async (file: string): Promise<boolean> => (await named.ask({ fs: 'readFileSync', args: [file] })).error === undefined;

  it.each(both.flatMap((how) => [0o640, 0o660, 0o600, 0o750].flatMap((mode) => [true, false].map((exists) => [octal(mode), exists ? 'an old' : 'a new', how, mode, exists] as const))))(
    '%s of %s file, written %s, grants a named entry of the default nothing',
    async (name, _age, how, mode, exists) => {
      const dir = ownedDir(base, `mode-${name}-${how}-${exists}`, 1000, 1000, 0o755);
      const file = join(dir, 'file');
      if (exists) ownedFile(dir, 'file', 1000, 1000, 0o600);
      setfacl(dir, '-d', '-m', 'u:1001:rwx,g:1003:rwx');
      const { value } = await owner.verb(how, 'writeAtomic', file, 'new', { mode });
      expect(value).toMatchObject({ mode, created: !exists });
      expect(octal(modeOf(file))).toBe(name);
      expect(await mayRead(file)).toBe(false);
      if ((mode & 0o070) !== 0) expect(getfacl(file)).toHaveLength(3);
      const streamed = await owner.verb('async', 'writeAtomic', join(dir, 'streamed'), { $pieces: ['a'] }, { mode });
      expect(streamed.value.mode).toBe(mode);
      expect(await mayRead(join(dir, 'streamed'))).toBe(false);
    },
  );

  it.each(['ENOSYS', 'EPERM'])('that can neither be asked for nor removed (%s) costs the group its access', async (errno) => {
    const barred = await Driver.start({
      launcher: [buildC('seccomp-deny'), `fgetxattr=${errno},getxattr=${errno},getxattrat=${errno},fremovexattr=${errno}`, ...asUser1000],
    });
    for (const how of both) {
      const dir = ownedDir(base, `barred-${errno}-${how}`, 1000, 1000, 0o755);
      setfacl(dir, '-d', '-m', 'u:1001:rwx');
      const { value } = await barred.verb(how, 'writeAtomic', join(dir, 'file'), 'new', { mode: 0o640 });
      expect(value.mode).toBe(0o600);
      expect(await mayRead(join(dir, 'file'))).toBe(false);
    }
  });

  it.each(both)('an ACL that cannot be set %s is not replaced by the default of the directory', async (how) => {
    const barred = await Driver.start({ launcher: [buildC('seccomp-deny'), 'fsetxattr=EPERM,setxattr=EPERM', ...asUser1000] });
    const dir = ownedDir(base, `replaced-${how}`, 1000, 1000, 0o755);
    const file = ownedFile(dir, 'file', 1000, 1000, 0o640);
    setfacl(file, '-m', 'g:1003:r');
    setfacl(dir, '-d', '-m', 'u:1001:rw');
    const { value } = await barred.verb(how, 'writeAtomic', file, 'new');
    expect(value.preserved).toMatchObject({ acl: false });
    expect(await mayRead(file)).toBe(false);
    expect(getfacl(file).filter((entry) => entry.includes('1001'))).toEqual([]);
  });
});

needs('root', 'setfacl', 'getfacl')('`preserved`', () => {
  let base: string;
  let root: Driver;

  beforeAll(async () => {
    base = ownedDir(scratch(), 'preserved', 0, 0, 0o755);
    root = await Driver.start();
  });

  it.each(inOctal(0o4755, 0o2755, 0o1644))('does not claim a mode whose setuid, setgid or sticky bit was dropped: %s', async (name, mode) => {
    const dir = ownedDir(base, `special-${name}`, 0, 0, 0o755);
    for (const how of both) {
      const file = ownedFile(dir, how, 0, 0, mode);
      const { value } = await root.verb(how, 'writeAtomic', file, 'new');
      expect(value).toMatchObject({ mode: mode & 0o777, preserved: { mode: false, acl: true, owner: true } });
    }
  });

  it.each(both)('claims the ACL of a file whose mask grants nothing only where its entries are still there (%s)', async (how) => {
    const dir = ownedDir(base, `masked-${how}`, 0, 0, 0o755);
    const file = ownedFile(dir, 'file', 0, 0, 0o600);
    setfacl(file, '-m', 'u:1001:rw');
    chmodSync(file, 0o600);
    const before = getfacl(file);
    expect(before).toContain('mask::---');
    const { value } = await root.verb(how, 'writeAtomic', file, 'new');
    expect(value.preserved.acl).toBe(true);
    expect(getfacl(file)).toEqual(before);
    expect(octal(modeOf(file))).toBe('0600');
  });
});

needs('root', 'setpriv', 'setfacl', 'getfacl')('an ACL whose file cannot keep its group', () => {
  const WRITER = 1002;
  const DENIED = 2000;
  let base: string;
  let writer: Driver;

  beforeAll(async () => {
    base = ownedDir(scratch(), 'lost-group', 0, 0, 0o755);
    writer = await Driver.start({ launcher: asUser(WRITER, WRITER) });
  });

  const canRead = (file: string, gid: number, ...groups: number[]): boolean => {
    const ids = ['--reuid=1012', `--regid=${gid}`, `--groups=${[gid, ...groups].join(',')}`];
    return spawnSync('setpriv', [...ids, 'cat', file]).status === 0;
  };

  it.each(both)('denies members of the new group what a named group entry denied them (%s)', async (how) => {
    const dir = ownedDir(base, `denied-${how}`, 0, 0, 0o777);
    const file = ownedFile(dir, 'file', 0, 1001, 0o644);
    setfacl(file, '--set', `u::rw,g::r,g:${DENIED}:---,o::r`);
    expect(canRead(file, WRITER, DENIED)).toBe(false);
    const { value } = await writer.verb(how, 'writeAtomic', file, 'new');
    expect(value.preserved).toMatchObject({ acl: false, owner: false });
    expect(ownerOf(file)).toEqual([WRITER, WRITER]);
    expect(canRead(file, WRITER, DENIED)).toBe(false);
    expect(canRead(file, 1005)).toBe(true);
  });

  it.each(both)('denies a named group that becomes the owning group (%s)', async (how) => {
    const dir = ownedDir(base, `setgid-${how}`, 1001, DENIED, 0o2777);
    const file = ownedFile(dir, 'file', WRITER, 0, 0o644);
    setfacl(file, '--set', `u::rw,g::rw,g:${DENIED}:---,o::rw`);
    expect(canRead(file, DENIED)).toBe(false);
    await writer.verb(how, 'writeAtomic', file, 'new');
    expect(ownerOf(file)).toEqual([WRITER, DENIED]);
    expect(canRead(file, DENIED)).toBe(false);
    expect(canRead(file, 1005)).toBe(true);
  });

  it.each(both)('is not claimed as preserved where the entry of the group is cut (%s)', async (how) => {
    const dir = ownedDir(base, `cut-${how}`, 0, 0, 0o777);
    const file = ownedFile(dir, 'file', 1003, 3000, 0o644);
    setfacl(file, '--set', 'u::rw,g::rwx,u:1003:rw,o::r');
    const { value } = await writer.verb(how, 'writeAtomic', file, 'new');
    expect(getfacl(file)).toContain('group::r--');
    expect(value.preserved).toMatchObject({ acl: false, owner: false });
  });

  it.each(both)('is claimed as preserved where no entry changes (%s)', async (how) => {
    const dir = ownedDir(base, `same-${how}`, 0, 0, 0o777);
    const file = ownedFile(dir, 'file', 1003, 3000, 0o644);
    setfacl(file, '--set', 'u::rw,g::r,u:1003:rw,o::r');
    const before = getfacl(file);
    const { value } = await writer.verb(how, 'writeAtomic', file, 'new');
    expect(getfacl(file)).toEqual(before);
    expect(value.preserved).toMatchObject({ acl: true, owner: false });
  });
});
