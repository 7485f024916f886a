// Situations in which the verbs have different outcomes. Each is built anew on request.
import { join } from 'node:path';
import { asUser1000 } from './sys-driver.js';
import type { Maker } from './sys-maker.js';

export interface Situation {
  /** a sentence */
  name: string;
  /** launcher of the doctor and of the verbs */
  as: string[];
  /** builds the situation in a directory of its own, and returns the path to test */
  build: (make: Maker) => Promise<string>;
  env?: Record<string, string>;
  /** expected verdict by verb: a code, a reason or `ok` */
  told?: Partial<Record<'ensureDir' | 'writeAtomic' | 'readLocalFileSafely' | 'outbound', string>>;
}

const asRoot: string[] = [];
/** Root of a user namespace in which no other user is mapped. */
const asRootOfNamespace = ['unshare', '--user', '--map-root-user'];
const asRootWithoutCapabilities = ['setpriv', '--inh-caps=-all', '--ambient-caps=-all', '--bounding-set=-all'];

export const situations: Situation[] = [
  {
    name: 'an fsGroup volume, root:1000 2775',
    as: asUser1000,
    build: (make) => make.dir('volume', 'root:1000', '2775'),
    told: { ensureDir: 'EPERM', writeAtomic: 'ok' },
  },
  {
    name: 'an fsGroup volume that its group may not write, 2755',
    as: asUser1000,
    build: (make) => make.dir('volume', 'root:1000', '2755'),
    told: { ensureDir: 'EPERM', writeAtomic: 'EACCES' },
  },
  {
    name: 'a missing directory on an fsGroup volume',
    as: asUser1000,
    build: async (make) => join(await make.dir('volume', 'root:1000', '2775'), 'a', 'b'),
    told: { ensureDir: 'ok', writeAtomic: 'not-found' },
  },
  {
    name: 'an fsGroup volume, with hardening waived by the environment',
    as: asUser1000,
    env: { HOLDFAST_SKIP_DIR_HARDENING: '1' },
    build: (make) => make.dir('volume', 'root:1000', '2775'),
    told: { ensureDir: 'opt-out' },
  },
  {
    name: 'a 0600 file meant for sending',
    as: asUser1000,
    build: async (make) => {
      await make.dir('.', '1000:1000', '0755');
      return make.file('photo.png', '1000:1000', '0600');
    },
    told: { readLocalFileSafely: 'ok', outbound: 'OUTBOUND_MEDIA_PERMS_TOO_RESTRICTIVE', writeAtomic: 'ok' },
  },
  {
    name: 'a 0600 file of another user',
    as: asUser1000,
    build: (make) => make.file('photo.png', '1001:1001', '0600'),
    told: { readLocalFileSafely: 'EACCES', outbound: 'OUTBOUND_MEDIA_PERMS_TOO_RESTRICTIVE', writeAtomic: 'EACCES' },
  },
  {
    name: 'a 0644 file of one’s own in a directory of one’s own',
    as: asUser1000,
    build: async (make) => {
      await make.dir('.', '1000:1000', '0700');
      return make.file('notes', '1000:1000', '0644');
    },
    told: { readLocalFileSafely: 'ok', outbound: 'ok', writeAtomic: 'ok' },
  },
  {
    name: 'a file of another user and group in a directory that everybody may write',
    as: asUser1000,
    build: async (make) => {
      await make.dir('.', 'root:root', '0777');
      return make.file('notes', '1001:1001', '0664');
    },
  },
  {
    name: 'another user’s file in a directory with the sticky bit',
    as: asUser1000,
    build: async (make) => {
      await make.dir('.', 'root:root', '1777');
      return make.file('notes', '1001:1001', '0644');
    },
    told: { writeAtomic: 'EPERM' },
  },
  {
    name: 'another user’s file, for root, in a directory with the sticky bit',
    as: asRoot,
    build: async (make) => {
      await make.dir('.', '1002:1002', '1777');
      return make.file('notes', '1001:1001', '0640');
    },
    told: { writeAtomic: 'ok' },
  },
  {
    name: 'another user’s file, for root without capabilities',
    as: asRootWithoutCapabilities,
    build: async (make) => {
      await make.dir('.', 'root:root', '0755');
      return make.file('notes', '1001:1001', '0644');
    },
  },
  {
    name: 'another user’s open directory, for root without capabilities',
    as: asRootWithoutCapabilities,
    build: (make) => make.dir('open', '1001:root', '0775'),
    told: { ensureDir: 'EPERM' },
  },
  {
    name: 'an open directory of one’s own, for the root of a user namespace',
    as: asRootOfNamespace,
    build: (make) => make.dir('open', 'root:root', '0755'),
    told: { ensureDir: 'ok', writeAtomic: 'ok' },
  },
  {
    name: 'an open directory of a user without a number in this namespace',
    as: asRootOfNamespace,
    build: (make) => make.dir('open', '1001:1001', '0777'),
    told: { ensureDir: 'EPERM', writeAtomic: 'ok' },
  },
  {
    name: 'a private directory of a user without a number in this namespace',
    as: asRootOfNamespace,
    build: (make) => make.dir('theirs', '1001:1001', '0700'),
    told: { ensureDir: 'owner', writeAtomic: 'EACCES' },
  },
  {
    name: 'a file of a user without a number in this namespace',
    as: asRootOfNamespace,
    build: async (make) => {
      await make.dir('.', 'root:root', '0777');
      return make.file('notes', '1001:1001', '0664');
    },
  },
  {
    name: 'an open directory in the lower layer of an overlay',
    as: asUser1000,
    build: async (make) => {
      const parts = await make.mount('parts', '-t', 'tmpfs', 'tmpfs');
      for (const part of ['lower', 'upper', 'work']) await make.dir(join('parts', part), '1000:1000', '0755');
      await make.dir('parts/lower/state', '1000:1000', '0755');
      const merged = await make.mount('merged', '-t', 'overlay', '-o', `lowerdir=${parts}/lower,upperdir=${parts}/upper,workdir=${parts}/work`, 'overlay');
      return join(merged, 'state');
    },
    told: { ensureDir: 'ok', writeAtomic: 'ok' },
  },
  {
    name: 'a full tmpfs',
    as: asUser1000,
    build: async (make) => {
      const dir = await make.mount('full', '-t', 'tmpfs', '-o', 'size=64k,mode=0700,uid=1000,gid=1000', 'tmpfs');
      await make.run('sh', '-c', `head -c 1000000 /dev/zero > ${dir}/filler 2>/dev/null || true`);
      return dir;
    },
    told: { ensureDir: 'ok', writeAtomic: 'ENOSPC' },
  },
  {
    name: 'a missing directory on a full tmpfs',
    as: asUser1000,
    build: async (make) => {
      const dir = await make.mount('full', '-t', 'tmpfs', '-o', 'size=64k,mode=0700,uid=1000,gid=1000', 'tmpfs');
      await make.run('sh', '-c', `head -c 1000000 /dev/zero > ${dir}/filler 2>/dev/null || true`);
      return join(dir, 'new');
    },
    told: { ensureDir: 'ok', writeAtomic: 'ENOSPC' },
  },
  {
    name: 'a tmpfs without a free inode',
    as: asUser1000,
    build: async (make) => {
      const dir = await make.mount('full', '-t', 'tmpfs', '-o', 'nr_inodes=2,mode=0700,uid=1000,gid=1000', 'tmpfs');
      await make.run('touch', `${dir}/last`);
      return join(dir, 'new');
    },
    told: { ensureDir: 'ENOSPC', writeAtomic: 'ENOSPC' },
  },
  {
    name: 'a read-only mount',
    as: asUser1000,
    build: async (make) => {
      const dir = await make.dir('source', '1000:1000', '0755');
      const mounted = await make.mount('mounted', '--bind', dir);
      await make.run('mount', '-o', 'remount,ro,bind', mounted);
      return mounted;
    },
    told: { ensureDir: 'EROFS', writeAtomic: 'EROFS' },
  },
  {
    name: 'a missing path on a read-only file system, for root',
    as: asRoot,
    build: async (make) => join(await make.mount('mounted', '-t', 'tmpfs', '-o', 'ro', 'tmpfs'), 'new'),
    told: { ensureDir: 'EROFS', writeAtomic: 'EROFS' },
  },
  {
    name: 'a symlinked home',
    as: asUser1000,
    build: async (make) => {
      await make.dir('.', '1000:1000', '0755');
      const real = await make.dir('data/user', '1000:1000', '0755');
      await make.run('ln', '-s', real, join(make.base, 'home'));
      return join(make.base, 'home');
    },
    told: { ensureDir: 'symlink', writeAtomic: 'symlink', readLocalFileSafely: 'symlink' },
  },
  {
    name: 'a link to a file',
    as: asUser1000,
    build: async (make) => {
      await make.dir('.', '1000:1000', '0755');
      await make.file('file', '1000:1000', '0644');
      await make.run('ln', '-s', 'file', join(make.base, 'link'));
      return join(make.base, 'link');
    },
    told: { ensureDir: 'symlink', writeAtomic: 'symlink', readLocalFileSafely: 'symlink' },
  },
  {
    name: 'a directory in a symlinked home',
    as: asUser1000,
    build: async (make) => {
      const real = await make.dir('data/user', '1000:1000', '0755');
      await make.run('ln', '-s', real, join(make.base, 'home'));
      return join(make.base, 'home', '.gateway');
    },
    told: { ensureDir: 'ok', writeAtomic: 'ok' },
  },
  {
    name: 'a dangling link',
    as: asRoot,
    build: async (make) => {
      await make.run('ln', '-s', 'nowhere', join(make.base, 'link'));
      return join(make.base, 'link');
    },
  },
  {
    name: 'a path beneath a dangling link',
    as: asRoot,
    build: async (make) => {
      await make.run('ln', '-s', 'nowhere', join(make.base, 'link'));
      return join(make.base, 'link', 'below');
    },
  },
  {
    name: 'a single file that is a bind mount',
    as: asRoot,
    build: async (make) => {
      const [source, file] = [await make.file('source', 'root:root', '0644'), await make.file('config', 'root:root', '0644')];
      await make.run('mount', '--bind', source, file);
      return file;
    },
    told: { writeAtomic: 'EBUSY', readLocalFileSafely: 'ok', outbound: 'ok' },
  },
  {
    name: 'a directory that is a mount point',
    as: asRoot,
    build: (make) => make.mount('mounted', '-t', 'tmpfs', '-o', 'mode=0755', 'tmpfs'),
    told: { ensureDir: 'ok', writeAtomic: 'ok' },
  },
  {
    name: 'a directory with an ACL that names somebody',
    as: asRoot,
    build: async (make) => {
      const dir = await make.dir('shared', 'root:root', '0750');
      await make.run('setfacl', '-m', 'u:1001:rwx', dir);
      return dir;
    },
    told: { ensureDir: 'acl', writeAtomic: 'ok' },
  },
  {
    name: 'a directory that only its ACL lets in',
    as: asUser1000,
    build: async (make) => {
      const dir = await make.dir('shared', 'root:root', '0700');
      await make.run('setfacl', '-m', 'u:1000:rwx', dir);
      return dir;
    },
    told: { ensureDir: 'acl', writeAtomic: 'ok' },
  },
  {
    name: 'a file with an ACL, of one’s own',
    as: asUser1000,
    build: async (make) => {
      await make.dir('.', '1000:1000', '0700');
      const file = await make.file('notes', '1000:1000', '0640');
      await make.run('setfacl', '-m', 'u:1001:r', file);
      return file;
    },
  },
  {
    name: 'a path of which nothing is there',
    as: asUser1000,
    build: async (make) => join(await make.dir('mine', '1000:1000', '0700'), 'a', 'b', 'c'),
    told: { ensureDir: 'ok', writeAtomic: 'not-found', readLocalFileSafely: 'not-found' },
  },
  {
    name: 'a missing path in somebody else’s directory',
    as: asUser1000,
    build: async (make) => join(await make.dir('theirs', '1001:1001', '0755'), 'new'),
    told: { ensureDir: 'EACCES', writeAtomic: 'EACCES' },
  },
  {
    name: 'a path beneath a directory that may not be searched',
    as: asUser1000,
    build: async (make) => {
      await make.dir('locked', '1001:1001', '0700');
      return make.file('locked/file', '1000:1000', '0644');
    },
    told: { ensureDir: 'EACCES', writeAtomic: 'EACCES', readLocalFileSafely: 'EACCES', outbound: 'OUTBOUND_MEDIA_PERMS_TOO_RESTRICTIVE' },
  },
  { name: 'a private directory', as: asUser1000, build: (make) => make.dir('mine', '1000:1000', '0700'), told: { ensureDir: 'ok', writeAtomic: 'ok' } },
  { name: 'an open directory of one’s own', as: asUser1000, build: (make) => make.dir('mine', '1000:1000', '0755'), told: { ensureDir: 'ok' } },
  { name: 'an open directory of one’s own with setgid', as: asUser1000, build: (make) => make.dir('mine', '1000:1000', '2775') },
  {
    name: 'an open directory of one’s own with the setgid of a group one is not in',
    as: asUser1000,
    build: (make) => make.dir('mine', '1000:1001', '2775'),
  },
  { name: 'a private directory of somebody else', as: asUser1000, build: (make) => make.dir('theirs', '1001:1001', '0700'), told: { ensureDir: 'owner', writeAtomic: 'EACCES' } },
  { name: 'a private directory of somebody else, for root', as: asRoot, build: (make) => make.dir('theirs', '1001:1001', '0700'), told: { ensureDir: 'owner', writeAtomic: 'ok' } },
  { name: 'a directory for everybody, with the sticky bit', as: asRoot, build: (make) => make.dir('tmp', 'root:root', '1777'), told: { ensureDir: 'shared', writeAtomic: 'ok' } },
  { name: 'a volume of another group, for root', as: asRoot, build: (make) => make.dir('volume', 'root:1000', '2775'), told: { ensureDir: 'shared' } },
  {
    name: 'an immutable directory',
    as: asRoot,
    build: async (make) => {
      const dir = await make.dir(await tmpfs(make), 'root:root', '0755');
      await make.run('chattr', '+i', dir);
      return dir;
    },
    told: { ensureDir: 'EPERM', writeAtomic: 'EPERM' },
  },
  {
    name: 'an immutable file',
    as: asRoot,
    build: async (make) => {
      const file = await make.file(join(await tmpfs(make), 'file'), 'root:root', '0644');
      await make.run('chattr', '+i', file);
      return file;
    },
    told: { writeAtomic: 'EPERM', readLocalFileSafely: 'ok' },
  },
  {
    name: 'a file in an append-only directory',
    as: asRoot,
    build: async (make) => {
      const dir = await make.dir(await tmpfs(make), 'root:root', '0755');
      const file = await make.file(join('tmpfs', 'file'), 'root:root', '0644');
      await make.run('chattr', '+a', dir);
      return file;
    },
    told: { writeAtomic: 'EPERM', readLocalFileSafely: 'ok' },
  },
  {
    name: 'a new file in an append-only directory',
    as: asRoot,
    build: async (make) => {
      const dir = await make.dir(await tmpfs(make), 'root:root', '0755');
      await make.run('chattr', '+a', dir);
      return join(dir, 'new');
    },
    told: { writeAtomic: 'ok' },
  },
  {
    name: 'a FIFO',
    as: asRoot,
    build: async (make) => {
      await make.run('mkfifo', '-m', '0644', join(make.base, 'pipe'));
      return join(make.base, 'pipe');
    },
    told: { ensureDir: 'not-directory', writeAtomic: 'not-file', readLocalFileSafely: 'not-file' },
  },
  {
    name: 'a device',
    as: asRoot,
    build: async (make) => {
      await make.run('mknod', join(make.base, 'null'), 'c', '1', '3');
      return join(make.base, 'null');
    },
    told: { writeAtomic: 'not-file', readLocalFileSafely: 'device-path' },
  },
  { name: 'a path beneath a file', as: asRoot, build: async (make) => join(await make.file('file', 'root:root', '0644'), 'below') },
  { name: 'a name that no file system takes', as: asRoot, build: async (make) => join(make.base, 'n'.repeat(256)), told: { ensureDir: 'ENAMETOOLONG', writeAtomic: 'ENAMETOOLONG' } },
  { name: 'a name with a quote, a space and a line break', as: asUser1000, build: async (make) => make.dir("it's a\nname", 'root:1000', '2755'), told: { writeAtomic: 'EACCES' } },
];

/** Mounts a file system with inode flags, which that of temporary files may lack. */
async function tmpfs(make: Maker): Promise<string> {
  await make.mount('tmpfs', '-t', 'tmpfs', 'tmpfs');
  return 'tmpfs';
}
