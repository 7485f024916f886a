// `follow-trusted`: a symlink is followed only if root or the effective user owns it and its directory, and no other
// user may write that directory. Runs as uid 1000, with symlinks and directories of several owners.
import { execFileSync } from 'node:child_process';
import { lchownSync, lstatSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { asUser1000, Driver } from '../../helpers/sys-driver.js';
import { modeOf, octal, ownedDir, ownedFile } from '../../helpers/sys-layout.js';
import { needs } from '../../helpers/sys-needs.js';
import { buildC, scratch } from '../../helpers/sys-scratch.js';

const me = 1000;
const other = 1001;

interface Row {
  title: string;
  linkOwner: number;
  dirOwner: number;
  dirMode: number;
  trusted: boolean;
  acl?: string;
  by?: 'root';
}

const rows: Row[] = [
  { title: 'my link in my directory', linkOwner: me, dirOwner: me, dirMode: 0o755, trusted: true },
  { title: 'my link in my private directory', linkOwner: me, dirOwner: me, dirMode: 0o700, trusted: true },
  { title: 'a link of root in a directory of root', linkOwner: 0, dirOwner: 0, dirMode: 0o755, trusted: true },
  { title: 'a link of root in my directory', linkOwner: 0, dirOwner: me, dirMode: 0o755, trusted: true },
  { title: 'my link in a directory of root', linkOwner: me, dirOwner: 0, dirMode: 0o755, trusted: true },
  { title: 'somebody else’s link in my directory', linkOwner: other, dirOwner: me, dirMode: 0o755, trusted: false },
  { title: 'somebody else’s link in a directory of root', linkOwner: other, dirOwner: 0, dirMode: 0o755, trusted: false },
  { title: 'my link in somebody else’s directory', linkOwner: me, dirOwner: other, dirMode: 0o755, trusted: false },
  { title: 'a link of root in somebody else’s directory', linkOwner: 0, dirOwner: other, dirMode: 0o755, trusted: false },
  { title: 'my link in a directory that its group may write', linkOwner: me, dirOwner: me, dirMode: 0o775, trusted: false },
  { title: 'my link in a directory that others may write', linkOwner: me, dirOwner: me, dirMode: 0o757, trusted: false },
  { title: 'my link in a sticky directory of root that all may write', linkOwner: me, dirOwner: 0, dirMode: 0o1777, trusted: false },
  {
    title: 'my link where an ACL lets somebody else write',
    linkOwner: me,
    dirOwner: me,
    dirMode: 0o755,
    acl: 'u:1001:rwx',
    trusted: false,
  },
  { title: 'for root: its own link in its own directory', linkOwner: 0, dirOwner: 0, dirMode: 0o755, trusted: true, by: 'root' },
  { title: 'for root: somebody else’s link in its own directory', linkOwner: me, dirOwner: 0, dirMode: 0o755, trusted: false, by: 'root' },
  { title: 'for root: its own link in somebody else’s directory', linkOwner: 0, dirOwner: me, dirMode: 0o755, trusted: false, by: 'root' },
];

needs(
  'root',
  'setpriv',
  'setfacl',
  'gcc',
)('follow-trusted', () => {
  let base: string;
  let count = 0;
  beforeAll(() => {
    base = ownedDir(scratch(), 'trusted', 0, 0, 0o755);
  });

  function link(target: string, path: string, owner: number): void {
    symlinkSync(target, path);
    lchownSync(path, owner, owner);
  }

  /** `root/links/dir` leads to `root/real`, and `root/links/file` to a file in it. */
  function layOut({ linkOwner, dirOwner, dirMode, acl, by }: Row): { root: string; links: string; real: string } {
    const root = ownedDir(base, `case-${count++}`, 0, 0, 0o755);
    const owner = by === 'root' ? 0 : me;
    const real = ownedDir(root, 'real', owner, owner, 0o755);
    ownedFile(real, 'file', owner, owner, 0o644, 'content');
    const links = ownedDir(root, 'links', dirOwner, dirOwner, 0o755);
    link('../real', join(links, 'dir'), linkOwner);
    link('../real/file', join(links, 'file'), linkOwner);
    execFileSync('chmod', [octal(dirMode), links]);
    if (acl) execFileSync('setfacl', ['-m', acl, links]);
    return { root, links, real };
  }

  describe.each(['openat2', 'walk'])('where the system has %s', (resolver) => {
    let drivers: Record<'root' | 'user', Driver>;
    beforeAll(async () => {
      const filter = resolver === 'walk' ? [buildC('seccomp-deny'), 'openat2=ENOSYS'] : [];
      drivers = {
        root: await Driver.start({ launcher: filter }),
        user: await Driver.start({ launcher: [...filter, ...asUser1000] }),
      };
    });

    const table = rows.map((row) => [`${row.title} is ${row.trusted ? 'followed' : 'refused'}`, row] as const);

    describe.each([
      ['with a root', true],
      ['without', false],
    ])('%s', (_title, hasRoot) => {
      it.each(table)('%s', async (_name, row) => {
        const { root, links, real } = layOut(row);
        const driver = drivers[row.by ?? 'user'];
        const options = { symlinks: 'follow-trusted', ...(hasRoot ? { root } : {}) };
        const at = (...names: string[]): string => join(hasRoot ? 'links' : links, ...names);
        for (const how of ['sync', 'async'] as const) {
          const before = lstatSync(real).mtimeMs;
          const answers = {
            'a file read through its own link': await driver.verb(how, 'readLocalFileSafely', at('file'), options),
            'a file read through the link of its parent': await driver.verb(how, 'readLocalFileSafely', at('dir', 'file'), options),
            'a write through the link of its parent': await driver.verb(how, 'writeAtomic', at('dir', `new-${how}`), 'new', options),
            'a directory made through the link of its parent': await driver.verb(how, 'ensureDir', at('dir', `made-${how}`), options),
          };
          for (const [what, { value, error }] of Object.entries(answers)) {
            if (row.trusted) {
              expect(error, what).toBeUndefined();
              expect(value.realPath ?? value.path, what).toContain(`${real}/`);
            } else {
              expect(error, what).toMatchObject({ isHoldfastError: true, code: 'symlink', category: 'policy' });
            }
          }
          if (!row.trusted) expect(lstatSync(real).mtimeMs).toBe(before);
          if (row.trusted) expect(readFileSync(join(real, `new-${how}`), 'utf8')).toBe('new');
        }
      });
    });

    it('each link of a chain is checked: an untrusted one makes the call fail', async () => {
      const { links } = layOut(rows[0] as Row);
      link('file', join(links, 'second'), me);
      link('second', join(links, 'third'), other);
      link('third', join(links, 'fourth'), me);
      const options = { symlinks: 'follow-trusted' };
      expect(String((await drivers.user.verb('sync', 'readLocalFileSafely', join(links, 'second'), options)).value.buffer)).toBe('content');
      expect((await drivers.user.verb('sync', 'readLocalFileSafely', join(links, 'fourth'), options)).error?.code).toBe('symlink');
    });

    it('the directory that ensureDir reaches by a trusted link is tightened, the link left as it is', async () => {
      const { links, real } = layOut(rows[0] as Row);
      const { value } = await drivers.user.verb('sync', 'ensureDir', join(links, 'dir'), { symlinks: 'follow-trusted' });
      expect(value).toMatchObject({ path: real, hardening: 'tightened', isPrivate: true });
      expect(octal(modeOf(real))).toBe('0700');
      expect(lstatSync(join(links, 'dir')).isSymbolicLink()).toBe(true);
    });

    it('a write follows its final link only on request, and then only a trusted one', async () => {
      const trusted = layOut(rows[0] as Row);
      const foreign = layOut(rows.find(({ linkOwner }) => linkOwner === other) as Row);
      const refused = await drivers.user.verb('sync', 'writeAtomic', join(trusted.links, 'file'), 'new', { symlinks: 'follow-trusted' });
      expect(refused.error?.code).toBe('symlink');
      const follow = { symlinks: 'follow-trusted', finalSymlink: 'follow' };
      const followed = await drivers.user.verb('sync', 'writeAtomic', join(trusted.links, 'file'), 'new', follow);
      expect(followed.value).toMatchObject({ created: false, path: join(trusted.real, 'file') });
      expect(readFileSync(join(trusted.real, 'file'), 'utf8')).toBe('new');
      expect(lstatSync(join(trusted.links, 'file')).isSymbolicLink()).toBe(true);
      const untrusted = await drivers.user.verb('sync', 'writeAtomic', join(foreign.links, 'file'), 'new', follow);
      expect(untrusted.error?.code).toBe('symlink');
      expect(readFileSync(join(foreign.real, 'file'), 'utf8')).toBe('content');
    });
  });
});
