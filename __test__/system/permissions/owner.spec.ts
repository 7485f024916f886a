// The owner of an overwritten file, and that no user gains access.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { asUser1000, Driver } from '../../helpers/sys-driver.js';
import { inOctal, both, modeOf, octal, ownedDir, ownedFile, ownerOf, strays } from '../../helpers/sys-layout.js';
import { needs } from '../../helpers/sys-needs.js';
import { scratch } from '../../helpers/sys-scratch.js';

const asRootWithOtherUsers = needs('root', 'setpriv');

asRootWithOtherUsers('ownership after an overwrite', () => {
  let base: string;
  let root: Driver;
  let user: Driver;
  let member: Driver;

  beforeAll(async () => {
    base = ownedDir(scratch(), 'owner', 0, 0, 0o755);
    root = await Driver.start();
    user = await Driver.start({ launcher: asUser1000 });
    member = await Driver.start({ launcher: asUser1000.map((word) => (word === '--clear-groups' ? '--groups=1003' : word)) });
  });

  const all = { mode: true, acl: true, owner: true };

  it.each([
    ['0644 of uid 1000', 1000, 1000, 0o644],
    ['0640 of uid 1234 and group 1235', 1234, 1235, 0o640],
    ['0600 of uid 1000', 1000, 1000, 0o600],
    ['0664 of root and group 1003', 0, 1003, 0o664],
  ])('root overwrites a file of mode %s: owner, group and mode stay', async (title, uid, gid, mode) => {
    const dir = ownedDir(base, `root over ${title}`, 0, 0, 0o755);
    for (const how of both) {
      const file = ownedFile(dir, how, uid, gid, mode);
      const { value } = await root.verb(how, 'writeAtomic', file, 'new');
      expect(value).toMatchObject({ created: false, mode, preserved: all });
      expect(ownerOf(file)).toEqual([uid, gid]);
      expect(octal(modeOf(file))).toBe(octal(mode));
      expect(readFileSync(file, 'utf8')).toBe('new');
    }
  });

  it.each(both)('with a mode the owner is kept all the same (%s)', async (how) => {
    const dir = ownedDir(base, `moded-${how}`, 0, 0, 0o755);
    const file = ownedFile(dir, 'file', 1000, 1003, 0o644);
    const { value } = await root.verb(how, 'writeAtomic', file, 'new', { mode: 0o640 });
    expect(value).toMatchObject({ mode: 0o640, preserved: { owner: true } });
    expect(ownerOf(file)).toEqual([1000, 1003]);
    expect(octal(modeOf(file))).toBe('0640');
  });

  it.each(inOctal(0o644, 0o640, 0o664, 0o600, 0o604))(
    'another user overwrites mode %s: the file is theirs, and no bit is gained',
    async (_octal, mode) => {
      const dir = ownedDir(base, `another-${octal(mode)}`, 0, 0, 0o777);
      for (const how of both) {
        const file = ownedFile(dir, how, 1001, 1001, mode);
        const { value } = await user.verb(how, 'writeAtomic', file, 'new');
        expect(ownerOf(file)).toEqual([1000, 1000]);
        expect(value.preserved.owner).toBe(false);
        const after = modeOf(file);
        expect(octal(after & ~mode)).toBe('0000');
        // The members of the writer's group were among the others before.
        expect((after >> 3) & 0o7 & ~(mode & 0o7)).toBe(0);
        expect(value.mode).toBe(after);
        expect(value.preserved.mode).toBe(after === mode);
        expect(readFileSync(file, 'utf8')).toBe('new');
        expect(strays(dir, ...both)).toEqual([]);
      }
    },
  );

  it.each(both)('an owner outside the file’s group cannot keep the group, and the result reports it (%s)', async (how) => {
    const dir = ownedDir(base, `outside-group-${how}`, 1000, 1000, 0o755);
    const file = ownedFile(dir, 'file', 1000, 1003, 0o640);
    const { value } = await user.verb(how, 'writeAtomic', file, 'new');
    expect(ownerOf(file)).toEqual([1000, 1000]);
    expect(value.preserved).toMatchObject({ owner: false });
    expect(octal(modeOf(file))).toBe('0600');
  });

  it.each(both)('an owner inside the file’s group keeps it (%s)', async (how) => {
    const dir = ownedDir(base, `inside-group-${how}`, 1000, 1000, 0o755);
    const file = ownedFile(dir, 'file', 1000, 1003, 0o640);
    const { value } = await member.verb(how, 'writeAtomic', file, 'new');
    expect(value).toMatchObject({ mode: 0o640, preserved: all });
    expect(ownerOf(file)).toEqual([1000, 1003]);
  });

  it.each([
    ['4755', '0755', 0o4755],
    ['2755', '0755', 0o2755],
    ['6711', '0711', 0o6711],
    ['1644', '0644', 0o1644],
  ])('mode %s becomes %s: setuid, setgid and sticky are dropped', async (before, after, mode) => {
    const dir = ownedDir(base, `special-${before}`, 0, 0, 0o755);
    for (const [uid, gid] of [
      [0, 0],
      [1000, 1000],
    ] as const) {
      for (const how of both) {
        const file = ownedFile(dir, `${how}-${uid}`, uid, gid, mode);
        expect(octal(modeOf(file))).toBe(before);
        const { value } = await root.verb(how, 'writeAtomic', file, 'new');
        expect(octal(value.mode)).toBe(after);
        expect(octal(modeOf(file))).toBe(after);
        expect(ownerOf(file)).toEqual([uid, gid]);
      }
    }
  });

  it.each(both)('what a replaced link had is not preserved: there was nothing (%s)', async (how) => {
    const dir = ownedDir(base, `link-${how}`, 0, 0, 0o755);
    const target = ownedFile(dir, 'target', 1000, 1000, 0o600);
    const link = join(dir, 'link');
    await root.fs('symlinkSync', 'target', link);
    const { value } = await root.verb(how, 'writeAtomic', link, 'new', { finalSymlink: 'replace' });
    expect(value).toMatchObject({ created: true, mode: 0o644, preserved: null });
    expect(ownerOf(link)).toEqual([0, 0]);
    expect(ownerOf(target)).toEqual([1000, 1000]);
    expect(readFileSync(target, 'utf8')).toBe('old');
  });
});
