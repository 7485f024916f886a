// A missing /proc, or another file system in its place: facts that depend on procfs are unknown, and a forged one is
// not trusted.
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { asUser, asUser1000, Driver } from '../../helpers/sys-driver.js';
import { both, modeOf, octal, ownedDir, ownedFile, strays } from '../../helpers/sys-layout.js';
import { needs } from '../../helpers/sys-needs.js';
import { buildC, scratch } from '../../helpers/sys-scratch.js';

function setfacl(path: string, ...args: string[]): void {
  execFileSync('setfacl', [...args, path]);
}

function getfacl(path: string): string[] {
  const text = execFileSync('getfacl', ['--omit-header', '--absolute-names', '--numeric', '--no-effective', path]);
  return text.toString().trim().split('\n');
}

/** Runs a command after a shell script, in a mount namespace of its own. */
function inNamespace(script: string): string[] {
  return ['unshare', '--mount', 'sh', '-ec', `${script}\nexec "$@"`, 'sh'];
}

const removed = (): string => 'umount -l /proc';

/** A tmpfs with the names of procfs: descriptors lead to a decoy, every id is mapped, and all switches are off. */
const forged = (decoy: string): string => `
  mount -t tmpfs tmpfs /proc
  mkdir -p /proc/self/fd /proc/self/fdinfo /proc/thread-self /proc/sys/fs
  for number in $(seq 0 99); do ln -s ${decoy} /proc/self/fd/$number; done
  echo '0 0 4294967295' | tee /proc/self/uid_map > /proc/self/gid_map
  echo 0 > /proc/sys/fs/protected_symlinks
  echo 'CapEff:\t000001ffffffffff' | tee /proc/self/status > /proc/thread-self/status`;

const untouched = (): string => '';

/** System calls that kernels before 6.13, 6.6 and 5.8 lack. */
const old = 'getxattrat=ENOSYS,fchmodat2=ENOSYS,faccessat2=ENOSYS';

needs('root', 'setpriv', 'unshare', 'mount', 'setfacl', 'getfacl', 'gcc')('where procfs', () => {
  let base: string;

  beforeAll(() => {
    base = ownedDir(scratch(), 'procfs', 0, 0, 0o755);
  });

  describe.each([
    ['is missing', removed, ''],
    ['is forged', forged, ''],
    ['is missing on an old kernel', removed, old],
    ['is forged on an old kernel', forged, old],
    ['is there on an old kernel', untouched, old],
    ['is there', untouched, ''],
  ])('%s', (title, change, denied) => {
    const isThere = title.startsWith('is there');
    let dir: string;
    let decoy: string;
    let owner: Driver;
    let stranger: Driver;

    beforeAll(async () => {
      dir = ownedDir(base, title, 1000, 1000, 0o777);
      decoy = ownedFile(dir, 'decoy', 1000, 1000, 0o666, 'decoy');
      const launcher = [...inNamespace(change(`'${decoy}'`)), ...(denied === '' ? [] : [buildC('seccomp-deny'), denied])];
      owner = await Driver.start({ launcher: [...launcher, ...asUser1000] });
      stranger = await Driver.start({ launcher: [...launcher, ...asUser(1002, 1002)] });
    });

    // The mode shows 0660: the owning group itself has no access.
    const masked = ['--set', 'user::rw-,user:1001:rw-,group::---,mask::rw-,other::---'];

    it.each(both)('an overwrite by the owner, %s, keeps the ACL, which can be read without procfs', async (how) => {
      const file = ownedFile(dir, `own-${how}`, 1000, 1000, 0o600);
      setfacl(file, ...masked);
      const before = getfacl(file);
      const { value } = await owner.verb(how, 'writeAtomic', file, 'new');
      expect(value).toMatchObject({ mode: 0o660, preserved: { mode: true, acl: true, owner: true } });
      expect(getfacl(file)).toEqual(before);
    });

    it.each(both)('an overwrite of what one may not read, %s, never gives the group what the mask had', async (how) => {
      const file = ownedFile(dir, `foreign-${how}`, 1000, 1000, 0o600);
      setfacl(file, ...masked);
      const { value } = await stranger.verb(how, 'writeAtomic', file, 'new');
      expect(value.preserved).toMatchObject({ owner: false, acl: isThere });
      expect(getfacl(file)).toContain('group::---');
      if (!isThere) expect(octal(value.mode)).toBe('0600');
      const streamed = ownedFile(dir, `streamed-${how}`, 1000, 1000, 0o600);
      setfacl(streamed, ...masked);
      const stream = await stranger.verb('async', 'writeAtomic', streamed, { $pieces: ['a'] });
      expect(stream.value.preserved.acl).toBe(isThere);
      expect(getfacl(streamed)).toContain('group::---');
    });

    it.each(both)('ensureDir %s leaves a directory with named entries, and reports it', async (how) => {
      const kept = ownedDir(dir, `named-${how}`, 1000, 1000, 0o750);
      setfacl(kept, '-m', 'u:1001:rwx');
      const before = getfacl(kept);
      const { value } = await owner.verb(how, 'ensureDir', kept);
      expect(value).toMatchObject({ hardening: 'left', reason: 'acl', isPrivate: false, mode: 0o770 });
      expect(getfacl(kept)).toEqual(before);
      const required = await owner.verb(how, 'ensureDir', kept, { existing: 'require' });
      expect(required.error?.code).toBe('insecure-permissions');
      expect(getfacl(kept)).toEqual(before);
    });

    it.each(both)('ensureDir %s leaves a directory whose ACL cannot be read', async (how) => {
      const kept = ownedDir(dir, `unreadable-${how}`, 1000, 1000, 0o350);
      setfacl(kept, '-m', 'u:1001:rwx');
      const before = getfacl(kept);
      const { value } = await owner.verb(how, 'ensureDir', kept);
      expect(value).toMatchObject({ hardening: 'left', reason: 'acl', isPrivate: false });
      expect(getfacl(kept)).toEqual(before);
    });

    it.each(both)('ensureDir %s tightens what has no ACL, and touches nothing else', async (how) => {
      const open = ownedDir(dir, `open-${how}`, 1000, 1000, 0o755);
      const { value } = await owner.verb(how, 'ensureDir', open);
      expect(value).toMatchObject({ hardening: 'tightened', isPrivate: true, mode: 0o700 });
      expect(octal(modeOf(open))).toBe('0700');
      expect(octal(modeOf(decoy))).toBe('0666');
    });

    it('openLocalFileSafely opens the file itself, or reports that it cannot', async () => {
      const file = ownedFile(dir, 'opened', 1000, 1000, 0o644);
      const { value, error } = await owner.verb('async', 'openLocalFileSafely', file);
      if (isThere) expect(value.realPath).toBe(file);
      else expect(error).toMatchObject({ code: 'unsupported-platform', path: file });
    });

    it('stageAtomic stages, or reports that it cannot and leaves nothing', async () => {
      const empty = ownedDir(dir, 'staged', 1000, 1000, 0o755);
      const { value, error } = await owner.ask({ stage: join(empty, 'file'), args: [], content: 'new' });
      if (isThere) expect(value.created).toBe(true);
      else expect(error?.code).toBe('unsupported-platform');
      expect(readdirSync(empty)).toEqual(isThere ? ['file'] : []);
      expect(readFileSync(decoy, 'utf8')).toBe('decoy');
    });

    it.each(both)('real paths are true, %s', async (how) => {
      const real = ownedDir(dir, `real-${how}`, 1000, 1000, 0o755);
      const file = ownedFile(real, 'file', 1000, 1000, 0o644);
      const link = join(dir, `link-${how}`);
      symlinkSync(`real-${how}`, link);
      expect((await owner.verb(how, 'readLocalFileSafely', join(link, 'file'))).value.realPath).toBe(file);
      expect((await owner.verb(how, 'writeAtomic', join(link, 'file'), 'new')).value.path).toBe(file);
      expect((await owner.verb(how, 'ensureDir', join(link, 'new'))).value.path).toBe(join(real, 'new'));
      expect((await owner.verb(how, 'ensureDir', join(link, 'new'))).value.path).toBe(join(real, 'new'));
      expect(await owner.openRoot(link)).toBe(real);
    });

    it.each(both)('writes of every kind succeed and leave nothing, %s', async (how) => {
      const empty = ownedDir(dir, `kinds-${how}`, 1000, 1000, 0o755);
      const file = join(empty, 'file');
      for (const options of [{}, { durable: false }, { mode: 0o640 }, { overwrite: true, durable: 'file' }]) {
        expect((await owner.verb(how, 'writeAtomic', file, 'new', options)).error).toBeUndefined();
      }
      expect((await owner.verb(how, 'writeAtomic', file, 'new', { overwrite: false })).error?.code).toBe('already-exists');
      expect((await owner.verb('async', 'writeAtomic', file, { $pieces: ['a', 'b'] })).error).toBeUndefined();
      expect(strays(empty, 'file')).toEqual([]);
    });

    it('an id that may stand for another is not trusted in a user namespace', async () => {
      const namespace = await Driver.start({
        launcher: ['unshare', '--mount', 'unshare', '--user', '--map-user=65534', '--map-group=65534'],
      });
      execFileSync('nsenter', ['--mount', '--target', String(namespace.pid), 'sh', '-ec', change(`'${decoy}'`)]);
      const foreign = ownedDir(dir, 'overflow', 1000, 1000, 0o700);
      expect((await namespace.verb('sync', 'ensureDir', foreign)).value).toMatchObject({ reason: 'owner', isPrivate: false });
    });
  });
});
