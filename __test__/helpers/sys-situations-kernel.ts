// Situations with files of the kernel or the system, and with dangling symlinks, whose verdicts are not obvious.
import { join } from 'node:path';
import { asUser1000 } from './sys-driver.js';
import type { Maker } from './sys-maker.js';
import type { Situation } from './sys-situations.js';

export interface Explained extends Situation {
  /** expected texts of a verdict: its reason and its advice */
  says: RegExp[];
  saysNot: RegExp[];
}

const asRoot: string[] = [];
const OPENING = /chown|chmod|setfacl/;

/** Mounts a new btrfs. */
async function btrfs(make: Maker): Promise<string> {
  const image = join(make.base, 'image');
  await make.run('truncate', '--size', '128M', image);
  await make.run('mkfs.btrfs', '-q', '-f', image);
  return make.mount('btrfs', '-o', 'loop', image);
}

export const kernelSituations: Explained[] = [
  ...[asRoot, asUser1000].flatMap((as): Explained[] => [
    {
      name: `a file of procfs, as ${as.length > 0 ? 'a user' : 'root'}`,
      as,
      build: async () => '/proc/self/status',
      told: { writeAtomic: 'not-found', readLocalFileSafely: 'device-path' },
      says: [/does not store files of programs/],
      saysNot: [/sticky/, /mkdir/, /'\/proc\/self\/status' does not exist/, OPENING],
    },
    {
      name: `a new name in procfs, as ${as.length > 0 ? 'a user' : 'root'}`,
      as,
      build: async () => '/proc/self/holdfast',
      told: { ensureDir: 'not-found', writeAtomic: 'not-found' },
      says: [/does not store files of programs/],
      saysNot: [/sticky/, /mkdir/, OPENING],
    },
    {
      name: `a new name in sysfs, as ${as.length > 0 ? 'a user' : 'root'}`,
      as,
      build: async () => '/sys/kernel/holdfast',
      told: { writeAtomic: 'EACCES' },
      says: [],
      saysNot: [/sticky/, OPENING],
    },
  ]),
  {
    name: 'a file of the system, as a user',
    as: asUser1000,
    build: async () => '/etc/shadow',
    told: { writeAtomic: 'EACCES', readLocalFileSafely: 'EACCES', outbound: 'OUTBOUND_MEDIA_PERMS_TOO_RESTRICTIVE' },
    says: [/not meant for/],
    saysNot: [OPENING, /allowOwnerOnly/],
  },
  ...['/', '/etc', '/usr/lib'].map(
    (path): Explained => ({
      name: `the directory of the system ${path}, as a user`,
      as: asUser1000,
      build: async () => path,
      told: { ensureDir: 'system' },
      says: [/it is a system directory/, /Use another directory/],
      saysNot: [OPENING, /private already/],
    }),
  ),
  {
    // A separate mount covers the machine's directory: the compared write stays in it.
    name: 'a directory of the system, as root',
    as: asRoot,
    build: async (make) => {
      await make.run('mount', '-t', 'tmpfs', '-o', 'mode=0755', 'tmpfs', '/srv');
      return '/srv';
    },
    told: { ensureDir: 'system', writeAtomic: 'ok' },
    says: [/it is a system directory, whose mode its programs rely on; it stays 0755/, /Use another directory/],
    saysNot: [OPENING, /would change/],
  },
  {
    name: 'a file in a linked directory that is missing',
    as: asUser1000,
    build: async (make) => {
      await make.dir('.', '1000:1000', '0755');
      await make.run('ln', '-s', 'nothing', join(make.base, 'link'));
      return join(make.base, 'link', 'file');
    },
    told: { writeAtomic: 'not-found' },
    says: [/a symbolic link on the way has no target/],
    saysNot: [/mkdir/],
  },
  {
    name: 'another user’s file in a sticky directory, with a reason',
    as: asUser1000,
    build: async (make) => {
      await make.dir('.', 'root:root', '1777');
      return make.file('file', '1001:1001', '0644');
    },
    told: { writeAtomic: 'EPERM' },
    says: [/The directory is sticky: only the owner/],
    saysNot: [OPENING],
  },
  {
    name: 'a file that is a mount of its own in a read-only directory',
    as: asRoot,
    build: async (make) => {
      await make.mount('tmpfs', '-t', 'tmpfs', 'tmpfs');
      const file = await make.file(join('tmpfs', 'file'), 'root:root', '0644');
      await make.run('touch', join(make.base, 'source'));
      await make.run('mount', '--bind', join(make.base, 'source'), file);
      await make.run('mount', '-o', 'remount,bind,ro', join(make.base, 'tmpfs'));
      return file;
    },
    told: { writeAtomic: 'EROFS' },
    says: [/mount -o remount,bind,rw -- \S+\/tmpfs\b(?!\/file)/],
    saysNot: [/tmpfs\/file$/m],
  },
  {
    name: 'a read-only subvolume of btrfs',
    as: asRoot,
    build: async (make) => {
      const at = await btrfs(make);
      await make.run('btrfs', 'subvolume', 'create', join(at, 'sub'));
      await make.run('chmod', '0755', join(at, 'sub'));
      await make.run('btrfs', 'property', 'set', join(at, 'sub'), 'ro', 'true');
      return join(at, 'sub');
    },
    told: { ensureDir: 'EROFS', writeAtomic: 'EROFS' },
    says: [/The file system itself refuses changes/],
    saysNot: [/mount -o remount/],
  },
  {
    name: 'a new file in an append-only directory without a journal',
    as: asRoot,
    build: async (make) => {
      const image = join(make.base, 'image');
      await make.run('truncate', '--size', '16M', image);
      await make.run('mkfs.ext4', '-q', '-F', '-O', '^has_journal', image);
      const at = await make.mount('ext4', '-o', 'loop', image);
      await make.run('mkdir', join(at, 'd'));
      await make.run('chattr', '+a', join(at, 'd'));
      return join(at, 'd', 'new');
    },
    told: { writeAtomic: 'EPERM' },
    says: [/chattr -i -a -- \S+\/d\b/],
    saysNot: [],
  },
  {
    name: 'a file in an append-only directory, with a reason',
    as: asRoot,
    build: async (make) => {
      await make.mount('tmpfs', '-t', 'tmpfs', 'tmpfs');
      const file = await make.file(join('tmpfs', 'file'), 'root:root', '0644');
      await make.run('chattr', '+a', join(make.base, 'tmpfs'));
      return file;
    },
    told: { writeAtomic: 'EPERM' },
    says: [/chattr -i -a -- \S+\/tmpfs\b(?!\/file)/],
    saysNot: [/sticky/],
  },
];
