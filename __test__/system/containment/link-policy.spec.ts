// Kernel policy on symlinks, `fs.protected_symlinks` and `nosymfollow` mounts, for symlinks followed in user space.
// Compares each verb on both resolvers with node:fs.
import { chmodSync, lchownSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { asUser1000, Driver, type Answer } from '../../helpers/sys-driver.js';
import { both, ownedDir, ownedFile } from '../../helpers/sys-layout.js';
import { lock } from '../../helpers/sys-lock.js';
import { needs } from '../../helpers/sys-needs.js';
import { buildC, makeDir, scratch } from '../../helpers/sys-scratch.js';

const switches = ['protected_symlinks', 'protected_hardlinks', 'protected_regular', 'protected_fifos'].map((name) => `/proc/sys/fs/${name}`);
const [protectedSymlinks, protectedHardlinks] = switches as [string, string];

const resolvers = ['openat2', 'walk'] as const;
const me = 1000;
const other = 1001;
const followed = 'followed';

/** Describes the end of a call, in words for both APIs. */
function ending({ error }: Answer): string {
  if (error === undefined) return followed;
  return { ELOOP: 'symlink', EACCES: 'EACCES' }[error.code as string] ?? (error.code as string);
}

function link(target: string, path: string, owner: number): void {
  symlinkSync(target, path);
  lchownSync(path, owner, owner);
}

function launcher(resolver: (typeof resolvers)[number], uid: number): string[] {
  return [...(resolver === 'walk' ? [buildC('seccomp-deny'), 'openat2=ENOSYS'] : []), ...(uid === 0 ? [] : asUser1000)];
}

needs('root', 'gcc', 'setpriv', 'kernel switches')('fs.protected_symlinks', () => {
  const before = new Map<string, string>();
  let release: () => void;
  afterAll(() => {
    for (const [name, value] of before) writeFileSync(name, value);
    release();
  });

  let base: string;
  let count = 0;
  beforeAll(async () => {
    base = scratch();
    release = await lock('kernel-switches');
    for (const name of switches) {
      before.set(name, readFileSync(name, 'utf8'));
      writeFileSync(name, '1');
    }
  });

  const rows: { title: string; dirMode: number; dirOwner: number; linkOwner: number; by: number }[] = [
    { title: 'another user’s link in a sticky directory that all may write', dirMode: 0o1777, dirOwner: 0, linkOwner: other, by: me },
    { title: 'another user’s link there, for root', dirMode: 0o1777, dirOwner: 0, linkOwner: other, by: 0 },
    { title: 'one’s own link there', dirMode: 0o1777, dirOwner: 0, linkOwner: me, by: me },
    { title: 'a link there of the directory’s owner', dirMode: 0o1777, dirOwner: other, linkOwner: other, by: me },
    { title: 'a link there of root, whose directory it is', dirMode: 0o1777, dirOwner: 0, linkOwner: 0, by: me },
    { title: 'a link of root in another user’s directory', dirMode: 0o1777, dirOwner: other, linkOwner: 0, by: me },
    { title: 'another user’s link where there is no sticky bit', dirMode: 0o777, dirOwner: 0, linkOwner: other, by: me },
    { title: 'another user’s link in a sticky directory of a group', dirMode: 0o1775, dirOwner: 0, linkOwner: other, by: me },
  ];

  /**
   * `links/file` and `links/dir` lead to `real/file` and `real/dir`, `links/chain` to `links/file`, `links/slash` to
   * `real/dir/`.
   */
  function layOut(row: (typeof rows)[number]): { root: string; links: string } {
    const root = ownedDir(base, `case-${count++}`, 0, 0, 0o755);
    const real = ownedDir(root, 'real', me, me, 0o755);
    ownedFile(real, 'file', me, me, 0o644, 'content');
    ownedFile(ownedDir(real, 'dir', me, me, 0o755), 'file', me, me, 0o644, 'content');
    const links = ownedDir(root, 'links', row.dirOwner, row.dirOwner, 0o700);
    link('../real/file', join(links, 'file'), row.linkOwner);
    link('../real/dir', join(links, 'dir'), row.linkOwner);
    link('../real/dir/', join(links, 'slash'), row.linkOwner);
    link('../real/dir/.', join(links, 'dot'), row.linkOwner);
    link(join('..', 'links', 'file'), join(real, 'chain'), me);
    ownedDir(links, 'keep', row.dirOwner, row.dirOwner, 0o755);
    // Last: the kernel checks mode and owner.
    chmodSync(links, row.dirMode);
    return { root, links };
  }

  describe.each(resolvers)('with %s', (resolver) => {
    const drivers = new Map<number, Driver>();
    beforeAll(async () => {
      for (const uid of [me, 0]) drivers.set(uid, await Driver.start({ launcher: launcher(resolver, uid) }));
    });

    it.each(rows)('$title: every verb does as the kernel', async (row) => {
      const driver = drivers.get(row.by) as Driver;
      const { root, links } = layOut(row);
      const kernel = async (path: string, flags = 'r'): Promise<string> => ending(await driver.ask({ fs: 'openSync', args: [path, flags] }));
      const expected = {
        file: await kernel(join(links, 'file')),
        chain: await kernel(join(root, 'real', 'chain')),
        dir: await kernel(join(links, 'dir')),
        slash: await kernel(join(links, 'slash')),
        dot: await kernel(join(links, 'dot')),
        // Not the last component of a path: the kernel follows it.
        within: await kernel(join(links, 'dir', 'file')),
      };
      expect(expected.within).toBe(followed);
      const beneath = { symlinks: 'follow-within-root', root };
      for (const how of both) {
        const read = async (path: string): Promise<string> => ending(await driver.verb(how, 'readLocalFileSafely', path, beneath));
        const reads = {
          file: await read('links/file'),
          chain: await read('real/chain'),
          within: await read('links/dir/file'),
        };
        const { file, chain, within, ...parents } = expected;
        expect(reads).toEqual({ file, chain, within });
        for (const [base, options] of [
          ['', beneath],
          [root, {}],
        ] as const) {
          const write = async (path: string, more: object): Promise<string> =>
            ending(await driver.verb(how, 'writeAtomic', join(base, path), 'content', { ...options, ...more }));
          const writes = {
            dir: await write('links/dir/new', {}),
            slash: await write('links/slash/new', {}),
            dot: await write('links/dot/new', {}),
          };
          expect(writes).toEqual(parents);
          const follows = { file: await write('links/file', { finalSymlink: 'follow' }), chain: await write('real/chain', { finalSymlink: 'follow' }) };
          expect(follows, 'finalSymlink').toEqual({ file, chain });
        }
      }
    });

    it('is off: the same link is followed', async () => {
      writeFileSync(protectedSymlinks, '0');
      try {
        const driver = drivers.get(me) as Driver;
        const { root, links } = layOut(rows[0] as (typeof rows)[number]);
        expect(ending(await driver.verb('sync', 'writeAtomic', join(links, 'file'), 'content', { finalSymlink: 'follow' }))).toBe(followed);
        expect(ending(await driver.verb('sync', 'readLocalFileSafely', 'links/file', { root, symlinks: 'follow-within-root' }))).toBe(followed);
      } finally {
        writeFileSync(protectedSymlinks, '1');
      }
    });
  });

  needs('root', 'gcc', 'setpriv', 'unshare', 'mount', 'kernel switches')('where the switch cannot be read, or procfs is forged', () => {
    const covers: [string, (driver: Driver, place: string) => Promise<unknown>][] = [
      ['no /proc', (driver) => driver.exec('umount', '-l', '/proc')],
      [
        'a file system of the same names over /proc/sys/fs',
        async (driver, place) => {
          await driver.fs('writeFileSync', join(place, 'protected_symlinks'), '0\n');
          await driver.exec('mount', '--bind', place, '/proc/sys/fs');
        },
      ],
    ];
    it.each(covers.flatMap((cover) => resolvers.map((resolver) => [...cover, resolver] as const)))('%s: it counts as on', async (_title, cover, resolver) => {
      writeFileSync(protectedSymlinks, '0');
      try {
        const own = ['unshare', '--mount', '--propagation', 'private'];
        const driver = await Driver.start({ launcher: [...own, ...launcher(resolver, 0)] });
        const { links } = layOut(rows[1] as (typeof rows)[number]);
        await cover(driver, makeDir(base, `cover-${count++}`, 0o755));
        const { error } = await driver.verb('sync', 'writeAtomic', join(links, 'file'), 'x', { finalSymlink: 'follow' });
        expect(error).toMatchObject({ isHoldfastError: false, code: 'EACCES', syscall: 'open', path: join(links, 'file') });
      } finally {
        writeFileSync(protectedSymlinks, '1');
      }
    });
  });

  it.each(both)('fs.protected_hardlinks: an unnamed temporary that was given to another owner gets its name all the same (%s)', async (how) => {
    writeFileSync(protectedHardlinks, '1');
    // CAP_CHOWN without CAP_FOWNER: the file belongs to another user before it is linked.
    const launcher = asUser1000.map((word) => word.replace('=-all', '=-all,+chown'));
    const driver = await Driver.start({ launcher });
    const dir = ownedDir(base, `case-${count++}`, me, me, 0o755);
    const file = ownedFile(dir, 'file', other, other, 0o644);
    const { value } = await driver.verb(how, 'writeAtomic', file, 'new');
    expect(value).toMatchObject({ created: false, method: 'rename' });
    const next = await driver.verb(how, 'writeAtomic', join(dir, 'next'), 'new', { durable: false });
    expect(next.value).toMatchObject({ created: true, method: 'link' });
  });

  it.each(both)('fs.protected_regular and fs.protected_fifos change nothing: no file of another is opened with O_CREAT (%s)', async (how) => {
    const driver = await Driver.start({ launcher: launcher('openat2', me) });
    const dir = ownedDir(base, `case-${count++}`, 0, 0, 0o1777);
    ownedFile(dir, 'regular', other, other, 0o666);
    expect((await driver.verb(how, 'readLocalFileSafely', join(dir, 'regular'))).value).toBeDefined();
    expect((await driver.verb(how, 'writeAtomic', join(dir, 'regular'), 'x')).error).toMatchObject({ code: 'EPERM', syscall: 'rename' });
    expect((await driver.verb(how, 'writeAtomic', join(dir, 'regular'), 'x', { overwrite: false })).error).toMatchObject({ code: 'already-exists' });
    expect((await driver.verb(how, 'writeAtomic', join(dir, 'new'), 'x')).value).toMatchObject({ created: true });
    expect(readFileSync(join(dir, 'regular'), 'utf8')).toBe('old');
  });
});

needs('root', 'gcc', 'unshare', 'mount')('a nosymfollow mount', () => {
  describe.each(resolvers)('with %s', (resolver) => {
    let driver: Driver;
    let dir: string;
    beforeAll(async () => {
      const own = ['unshare', '--mount', '--propagation', 'private'];
      dir = makeDir(scratch(), 'mounted', 0o755);
      driver = await Driver.start({ launcher: [...own, ...launcher(resolver, 0)] });
      await driver.exec('mount', '-t', 'tmpfs', 'tmpfs', dir);
      await driver.exec('sh', '-ec', `cd ${dir}; mkdir real; echo content > real/file; ln -s real dir; ln -s real/file file; ln -s ${dir}/real/file absolute; chmod -R go-w .`);
      await driver.exec('mount', '-o', 'remount,nosymfollow', dir);
    });

    const policies = [
      ['the default', {}],
      ['follow-trusted', { symlinks: 'follow-trusted' }],
      ['follow-within-root', { symlinks: 'follow-within-root', root: true }],
      ['follow-trusted with a root', { symlinks: 'follow-trusted', root: true }],
    ] as const;

    it.each(both.flatMap((how) => policies.map(([title, options]) => [how, title, options] as const)))('no link is followed, %s, %s', async (how, _title, given) => {
      const hasRoot = 'root' in given;
      const options = { ...given, ...(hasRoot ? { root: dir } : {}) };
      const at = (...names: string[]): string => join(hasRoot ? '' : dir, ...names);
      expect(ending(await driver.ask({ fs: 'openSync', args: [join(dir, 'dir', 'file')] }))).toBe('symlink');
      const calls: [string, Promise<Answer>][] = [
        ['a read through a parent', driver.verb(how, 'readLocalFileSafely', at('dir', 'file'), options)],
        ['a read of a link', driver.verb(how, 'readLocalFileSafely', at('file'), options)],
        ['a write through a parent', driver.verb(how, 'writeAtomic', at('dir', 'new'), 'new', options)],
        ['a directory through a parent', driver.verb(how, 'ensureDir', at('dir', 'new'), options)],
        ['a write that follows', driver.verb(how, 'writeAtomic', at('file'), 'new', { ...options, finalSymlink: 'follow' })],
      ];
      if (!hasRoot) calls.push(['an absolute link', driver.verb(how, 'writeAtomic', at('absolute'), 'new', { ...options, finalSymlink: 'follow' })]);
      for (const [what, call] of calls) {
        expect((await call).error, what).toMatchObject({ isHoldfastError: true, code: 'symlink', category: 'policy', sysCode: 'ELOOP' });
      }
      expect(String(await driver.fs('readFileSync', join(dir, 'real', 'file')))).toBe('content\n');
      expect(await driver.fs('readdirSync', join(dir, 'real'))).toEqual(['file']);
      // The symlink itself may be replaced, and other paths are unaffected.
      expect((await driver.verb(how, 'readLocalFileSafely', at('real', 'file'), options)).value).toBeDefined();
    });

    it('the error of a write that follows says that it is the mount', async () => {
      const { error } = await driver.verb('sync', 'writeAtomic', join(dir, 'file'), 'new', { finalSymlink: 'follow' });
      expect(error?.message).toContain('nosymfollow');
    });
  });
});
