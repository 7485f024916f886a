// POSIX ACLs: existing ones are preserved, none is added, and chmod does not break a directory that has one.
import { execFileSync } from 'node:child_process';
import { chmodSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { asUser, asUser1000, Driver } from '../../helpers/sys-driver.js';
import { both, modeOf, octal, ownedDir, ownedFile } from '../../helpers/sys-layout.js';
import { needs } from '../../helpers/sys-needs.js';
import { buildC, scratch } from '../../helpers/sys-scratch.js';
import { isChmod, watch } from '../../helpers/sys-strace.js';

function setfacl(path: string, ...args: string[]): void {
  execFileSync('setfacl', [...args, path]);
}

/** Returns the entries of getfacl, without its comments on effective rights. */
function getfacl(path: string): string[] {
  const text = execFileSync('getfacl', ['--omit-header', '--absolute-names', '--numeric', '--no-effective', path]);
  return text.toString().trim().split('\n');
}

function namedEntries(path: string): string[] {
  return getfacl(path).filter((entry) => /^(user|group):\d/.test(entry));
}

const asRootWithAcls = needs('root', 'setpriv', 'setfacl', 'getfacl', 'strace', 'gcc');

asRootWithAcls('directories with an ACL', () => {
  let base: string;
  let driver: Driver;

  beforeAll(async () => {
    base = ownedDir(scratch(), 'acl', 0, 0, 0o755);
    driver = await Driver.start();
  });

  it.each(both)('ensureDir %s leaves one with named entries unchanged, and reports it', async (how) => {
    const dir = ownedDir(base, `named-${how}`, 0, 0, 0o750);
    setfacl(dir, '-m', 'u:1001:rwx');
    const before = getfacl(dir);
    const request = how === 'sync' ? { call: 'ensureDirSync', sync: true } : { call: 'ensureDir' };
    const { answer, calls } = await watch(driver, { ...request, args: [dir] });
    expect(answer.value).toMatchObject({ hardening: 'left', reason: 'acl', isPrivate: false, mode: 0o770 });
    expect(calls.filter(isChmod)).toEqual([]);
    expect(getfacl(dir)).toEqual(before);
    expect(await driver.warnings()).toHaveLength(1);

    const required = await driver.verb(how, 'ensureDir', dir, { existing: 'require' });
    expect(required.error).toMatchObject({ code: 'insecure-permissions', path: dir });
    expect(getfacl(dir)).toEqual(before);
  });

  it('a named entry that the mask leaves nothing of is no access: the directory is private', async () => {
    const dir = ownedDir(base, 'masked', 0, 0, 0o700);
    setfacl(dir, '-m', 'u:1001:rwx');
    chmodSync(dir, 0o700);
    const before = getfacl(dir);
    const { value } = await driver.verb('sync', 'ensureDir', dir);
    expect(value).toMatchObject({ hardening: 'not-needed', isPrivate: true, mode: 0o700 });
    expect(getfacl(dir)).toEqual(before);
  });

  it('a default ACL grants nothing on the directory itself, which is tightened and keeps it', async () => {
    const dir = ownedDir(base, 'default-only', 0, 0, 0o755);
    setfacl(dir, '-d', '-m', 'u:1001:rwx');
    const { value } = await driver.verb('sync', 'ensureDir', dir);
    expect(value).toMatchObject({ hardening: 'tightened', isPrivate: true, mode: 0o700 });
    expect(getfacl(dir)).toContain('default:user:1001:rwx');
  });

  it.each(both)('a directory made %s under a default ACL is private, and hands the default on', async (how) => {
    const parent = ownedDir(base, `inherits-${how}`, 0, 0, 0o755);
    setfacl(parent, '-d', '-m', 'u:1001:rwx');
    const dir = join(parent, 'a', 'b');
    const { value } = await driver.verb(how, 'ensureDir', dir);
    expect(value).toMatchObject({ hardening: 'created', isPrivate: true, mode: 0o700 });
    expect(octal(modeOf(dir))).toBe('0700');
    expect(getfacl(dir)).toContain('default:user:1001:rwx');
    expect(await driver.warnings()).toEqual([]);
  });

  it.each(both)('a directory made %s with a mode for its group grants a named entry of the default nothing', async (how) => {
    const parent = ownedDir(base, `moded-${how}`, 0, 0, 0o755);
    setfacl(parent, '-d', '-m', 'u:1001:rwx');
    const named = await Driver.start({ launcher: asUser(1001, 1001) });
    const dir = join(parent, 'a', 'b');
    const { value } = await driver.verb(how, 'ensureDir', dir, { mode: 0o750 });
    expect(value).toMatchObject({ hardening: 'created', mode: 0o750 });
    for (const made of [join(parent, 'a'), dir]) {
      expect(octal(modeOf(made))).toBe('0750');
      expect((await named.ask({ fs: 'readdirSync', args: [made] })).error?.code).toBe('EACCES');
      expect(namedEntries(made)).toEqual([]);
      expect(getfacl(made)).toContain('default:user:1001:rwx');
    }
    const file = join(parent, 'c', 'file');
    await driver.verb(how, 'writeAtomic', file, 'x', { mkdir: true, dirMode: 0o750 });
    expect((await named.ask({ fs: 'readdirSync', args: [join(parent, 'c')] })).error?.code).toBe('EACCES');
  });
});

asRootWithAcls('files with an ACL', () => {
  let base: string;
  let root: Driver;
  let owner: Driver;
  let named: Driver;

  beforeAll(async () => {
    base = ownedDir(scratch(), 'acl', 0, 0, 0o755);
    root = await Driver.start();
    owner = await Driver.start({ launcher: asUser1000 });
    named = await Driver.start({ launcher: asUser(1001, 1001) });
    await owner.must({ umask: 0o077 });
  });

  it.each(both)('a file made %s under a default ACL can be read by whom that names', async (how) => {
    const dir = ownedDir(base, `default-${how}`, 1000, 1000, 0o755);
    setfacl(dir, '-d', '-m', 'u:1001:r,g::---,o::---');
    const file = join(dir, 'new');
    const { value } = await owner.verb(how, 'writeAtomic', file, 'shared');
    expect(value).toMatchObject({ created: true, preserved: null });
    expect(octal(value.mode)).toBe(octal(modeOf(file)));
    expect(namedEntries(file)).toEqual(['user:1001:r--']);
    expect(String(await named.fs('readFileSync', file, 'utf8'))).toBe('shared');
  });

  it.each(both)('one that cannot be asked for (a filter answers ENOSYS) leaves the owner alone with what replaces it (%s)', async (how) => {
    const dir = ownedDir(base, `unasked-${how}`, 1000, 1000, 0o755);
    const file = ownedFile(dir, 'file', 1000, 1000, 0o600);
    setfacl(file, '-m', 'u:1001:rw,g::---');
    expect(octal(modeOf(file))).toBe('0660');
    const barred = await Driver.start({
      launcher: [buildC('seccomp-deny'), 'getxattrat=ENOSYS,getxattr=ENOSYS,fgetxattr=ENOSYS', ...asUser1000],
    });
    const answer = await barred.verb(how, 'writeAtomic', file, 'new');
    expect(answer.value).toMatchObject({ mode: 0o600, preserved: { mode: false, acl: false, owner: true } });
    expect(octal(modeOf(file))).toBe('0600');
  });

  it.each(both)('a file made %s with mode 0600 under a default ACL is the owner’s alone', async (how) => {
    const dir = ownedDir(base, `default-private-${how}`, 1000, 1000, 0o755);
    setfacl(dir, '-d', '-m', 'u:1001:rw');
    const file = join(dir, 'new');
    expect((await owner.verb(how, 'writeAtomic', file, 'mine', { mode: 0o600 })).value.mode).toBe(0o600);
    expect(octal(modeOf(file))).toBe('0600');
    expect((await named.ask({ fs: 'readFileSync', args: [file] })).error?.code).toBe('EACCES');
  });

  it.each(both.flatMap((how) => [['its owner', how] as const, ['root', how] as const]))(
    'an overwrite by %s, %s, keeps the ACL effective',
    async (who, how) => {
      const dir = ownedDir(base, `overwritten-${who}-${how}`, 1000, 1000, 0o755);
      const file = ownedFile(dir, 'kept', 1000, 1000, 0o600);
      setfacl(file, '-m', 'u:1001:r,g:1003:rw');
      const before = getfacl(file);
      const { value } = await (who === 'root' ? root : owner).verb(how, 'writeAtomic', file, 'new');
      expect(value).toMatchObject({ created: false, mode: 0o660, preserved: { mode: true, acl: true, owner: true } });
      expect(getfacl(file)).toEqual(before);
      expect(String(await named.fs('readFileSync', file, 'utf8'))).toBe('new');
    },
  );

  it.each(both)('an overwrite %s with a mode does not keep the ACL', async (how) => {
    const dir = ownedDir(base, `moded-${how}`, 1000, 1000, 0o755);
    const file = ownedFile(dir, 'plain', 1000, 1000, 0o600);
    setfacl(file, '-m', 'u:1001:rw');
    const { value } = await owner.verb(how, 'writeAtomic', file, 'new', { mode: 0o640 });
    expect(octal(value.mode)).toBe('0640');
    expect(namedEntries(file)).toEqual([]);
    expect(octal(modeOf(file))).toBe('0640');
    expect((await named.ask({ fs: 'readFileSync', args: [file] })).error?.code).toBe('EACCES');
  });

  it.each(both.flatMap((how) => [0o600, 0o640, 0o644].map((mode) => [octal(mode), how, mode] as const)))(
    'overwriting a %s file without an ACL %s gains none from the directory’s default',
    async (_name, how, mode) => {
      const dir = ownedDir(base, `gains-${octal(mode)}-${how}`, 1000, 1000, 0o755);
      const file = ownedFile(dir, 'plain', 1000, 1000, mode);
      setfacl(dir, '-d', '-m', 'u:1001:rw,g:1003:rw');
      const before = getfacl(file);
      const { value } = await owner.verb(how, 'writeAtomic', file, 'new');
      expect(value).toMatchObject({ created: false, mode, preserved: { mode: true, owner: true } });
      expect(getfacl(file)).toEqual(before);
      const read = await named.ask({ fs: 'readFileSync', args: [file, 'utf8'] });
      expect(read.error?.code).toBe(mode === 0o644 ? undefined : 'EACCES');
    },
  );

  // The mode shows 0660, but its middle digit is the mask: the owning group itself has no access.
  const masked = ['--set', 'user::rw-,user:1001:rw-,group::---,mask::rw-,other::---'];

  it.each(both)('a user who can set neither owner nor group does not widen it %s', async (how) => {
    const dir = ownedDir(base, `foreign-${how}`, 0, 0, 0o777);
    const file = ownedFile(dir, 'masked', 1002, 1002, 0o600);
    setfacl(file, ...masked);
    const { value } = await owner.verb(how, 'writeAtomic', file, 'new');
    expect(value.preserved.owner).toBe(false);
    const after = getfacl(file);
    expect(after).toContain('group::---');
    expect(after).toContain('other::---');
    expect(value.preserved.acl).toBe(namedEntries(file).length === 1);
    expect(value.preserved.mode).toBe(modeOf(file) === 0o660);
    const groupMember = await Driver.start({ launcher: asUser(1005, 1000) });
    expect((await groupMember.ask({ fs: 'readFileSync', args: [file] })).error?.code).toBe('EACCES');
    const nowNamed = await named.ask({ fs: 'readFileSync', args: [file] });
    expect(nowNamed.error === undefined).toBe(value.preserved.acl);
  });

  it.each(['EPERM', 'ENOTSUP'])('where setting an ACL is %s the group bits shrink to what the group had', async (errno) => {
    const barred = await Driver.start({
      launcher: [buildC('seccomp-deny'), `fsetxattr=${errno},setxattr=${errno},lsetxattr=${errno}`, ...asUser1000],
    });
    for (const how of both) {
      const dir = ownedDir(base, `barred-${errno}-${how}`, 1000, 1000, 0o755);
      const file = ownedFile(dir, 'masked', 1000, 1000, 0o600);
      setfacl(file, ...masked);
      const { value } = await barred.verb(how, 'writeAtomic', file, 'new');
      expect(value).toMatchObject({ mode: 0o600, preserved: { mode: false, acl: false, owner: true } });
      expect(getfacl(file)).toEqual(['user::rw-', 'group::---', 'other::---']);
      expect(readFileSync(file, 'utf8')).toBe('new');
    }
  });
});

asRootWithAcls('copies', () => {
  let base: string;
  let owner: Driver;

  beforeAll(async () => {
    base = ownedDir(scratch(), 'copies', 1000, 1000, 0o755);
    owner = await Driver.start({ launcher: asUser1000 });
    await owner.openRoot(base);
  });

  it.each(both)('made %s of what has an ACL give the group no more than its own entry', async (how) => {
    const file = ownedFile(base, `masked-${how}`, 1000, 1000, 0o600);
    const dir = ownedDir(base, `dir-${how}`, 1000, 1000, 0o700);
    setfacl(ownedDir(dir, 'sub', 1000, 1000, 0o705), '-m', 'u:1001:---');
    setfacl(ownedFile(dir, 'open', 1000, 1000, 0o640), '-m', 'u:1001:rw-');
    setfacl(file, '-m', 'u:1001:rw-');
    setfacl(dir, '-m', 'u:1001:rwx');
    const copies: [string, string, object?][] = [[`masked-${how}`, `file-${how}`], [`dir-${how}`, `tree-${how}`, { recursive: true }]];
    for (const [from, to, options] of copies) {
      expect((await owner.onRoot(base, how, 'copy', from, to, options ?? {})).error).toBeUndefined();
    }
    expect((await owner.onRoot(base, how, 'copyIn', file, `in-${how}`, {})).error).toBeUndefined();
    const modes = [`file-${how}`, `in-${how}`, `tree-${how}`, `tree-${how}/sub`, `tree-${how}/open`];
    expect(modes.map((name) => octal(modeOf(join(base, name))))).toEqual(['0600', '0600', '0700', '0700', '0640']);
  });

  it.each(both)('made %s under a default ACL grant a named entry nothing', async (how) => {
    const parent = ownedDir(base, `default-${how}`, 1000, 1000, 0o755);
    setfacl(parent, '-d', '-m', 'u:1001:rwx');
    ownedFile(ownedDir(base, `plain-${how}`, 1000, 1000, 0o750), 'f', 1000, 1000, 0o640);
    const copied = await owner.onRoot(base, how, 'copy', `plain-${how}`, `default-${how}/copy`, { recursive: true });
    expect(copied.error).toBeUndefined();
    for (const [name, mode] of [['copy', '0750'], ['copy/f', '0640']] as const) {
      expect(namedEntries(join(parent, name))).toEqual([]);
      expect(octal(modeOf(join(parent, name)))).toBe(mode);
    }
    expect(getfacl(join(parent, 'copy'))).toContain('default:user:1001:rwx');
  });
});
