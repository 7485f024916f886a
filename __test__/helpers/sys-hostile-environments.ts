// The rows of the hostile matrix: the environment of the calls, and the calls that fail in it.
import { asUser1000 } from './sys-driver.js';
import { buildC } from './sys-scratch.js';

export interface Environment {
  name: string;
  /** the calling user outside of every namespace; also owns the directories */
  uid: number;
  /** on disk in the short form as well */
  onDisk?: true;
  /** shell lines, run as root in a mount namespace: before the directories are made in "$BASE" */
  before?: string[];
  /** after the directories are made */
  after?: string[];
  /** after the objects are recorded */
  last?: string[];
  /** after the calls, before the objects are recorded again */
  finally?: string[];
  /** launcher of the calling program */
  launcher?: () => string[];
  /** patterns of cells that end with one of these codes (`ok`: success); the first match applies */
  endings?: [RegExp, readonly string[]][];
  /** the sentence of docs/guarantees.md with the exception */
  documented?: string;
  /** patterns of cells whose directory does not become private, with the reason in the result */
  reasons?: [RegExp, string][];
}

const asRoot = 0;
const asUser = 1000;

/** The launcher for uid 1000 with these capabilities in effect. */
export function withCapabilities(...names: string[]): string[] {
  const list = ['-all', ...names.map((name) => `+${name}`)].join(',');
  return ['setpriv', '--reuid=1000', '--regid=1000', '--clear-groups', `--inh-caps=${list}`, `--ambient-caps=${list}`, `--bounding-set=${list}`];
}

const denying = (filter: string) => () => [buildC('seccomp-deny'), filter, ...asUser1000];
const user = () => asUser1000;
const bounded = (script: string, ...rest: string[]) => () => ['sh', '-c', `${script}; exec "$@"`, 'sh', ...rest];

/** Cells that follow symlinks; whether a symlink is trusted does not depend on the kernel. */
const FOLLOWING = /a link, within|linked directory|where a link leads/;
const OPENS_ANEW = /^(open|stage|Root: stage)/;
const CHANGES = /^(write|append|update|lock|stream|create exclusively \(|stage|clean|make|Root\.(writeAtomic|appendRecord|ensureDir)|Root: (openTempRoot|stage|rename|copy|remove))/;

const WITHOUT_PROC: Partial<Environment> = {
  endings: [[OPENS_ANEW, ['unsupported-platform']]],
  documented: 'Without a procfs at `/proc`, `openLocalFileSafely` and `stageAtomic` fail with `unsupported-platform`',
};
const OTHERS_LINKS = ['chmod 1777 "$BASE"/*', 'chown -h 1001:1001 "$BASE"/*/link "$BASE"/*/dirlink'];
/**
 * The kernel checks symlinks at the end of a path, and a write opens its directory by such a path. The switch belongs
 * to the machine: it is restored, and locked meanwhile (hostile.spec.ts).
 */
const PROTECTED: Partial<Environment> = {
  before: ['old=$(cat /proc/sys/fs/protected_symlinks)', 'trap \'echo $old > /proc/sys/fs/protected_symlinks\' EXIT', 'echo 1 > /proc/sys/fs/protected_symlinks'],
  endings: [[/trusted/, ['symlink']], [/^read through a linked/, ['ok']], [FOLLOWING, ['EACCES']]],
};
/** rename(2) over a file whose owner is not mapped on the mount fails with EOVERFLOW for every user. */
const UNMAPPED: Partial<Environment> = {
  // tmpfs supports id-mapped mounts from Linux 6.3 on.
  onDisk: true,
  endings: [[/another (user|group)’s/, ['EOVERFLOW']]],
  documented: '`EOVERFLOW`: on an id-mapped mount that does not map the owner of a file, no user can rename over it',
};
const READ_ONLY: Partial<Environment> = {
  endings: [[CHANGES, ['EROFS']], [/^require \(/, ['insecure-permissions']]],
  reasons: [[/^tighten( with a root| mode 0705)? \(/, 'EROFS']],
};

/** rename(2) of a directory in a lower layer is EXDEV, without `redirect_dir`. */
const OVERLAY: Partial<Environment> = { endings: [[/^Root: rename a directory/, ['EXDEV']]] };
/** A directory gets no second name by a link. */
const NO_RENAME_NEW: Partial<Environment> = { endings: [[/^Root: rename a directory/, ['unsupported-platform']]] };

/** fchmod sets a mode that umask, group or ACL could change. A write that cannot set its mode fails. */
const CHANGES_FILES = /^(write|update|stream|stage|Root\.writeAtomic|Root: (stage|copy|openTempRoot))/;

export const environments: Environment[] = [
  { name: 'root, nothing in the way', uid: asRoot, onDisk: true },
  { name: 'a user without capabilities', uid: asUser, onDisk: true, launcher: user },
  { name: 'no /proc, root', uid: asRoot, last: ['umount -l /proc'], ...WITHOUT_PROC },
  { name: 'no /proc, a user', uid: asUser, last: ['umount -l /proc'], launcher: user, ...WITHOUT_PROC },
  { name: 'no /proc, without openat2', uid: asUser, last: ['umount -l /proc'], launcher: denying('openat2=ENOSYS'), ...WITHOUT_PROC },
  { name: 'a forged /proc, root', uid: asRoot, last: forgedProc(), ...WITHOUT_PROC },
  { name: 'a forged /proc, a user', uid: asUser, last: forgedProc(), launcher: user, ...WITHOUT_PROC },
  { name: 'a mount that follows no links, root', uid: asRoot, before: ['mount -t tmpfs -o nosymfollow tmpfs "$BASE"'], endings: [[FOLLOWING, ['symlink']], [/a link, trusted/, ['symlink']]] },
  { name: 'a mount that follows no links, a user', uid: asUser, before: ['mount -t tmpfs -o nosymfollow tmpfs "$BASE"'], launcher: user, endings: [[FOLLOWING, ['symlink']], [/a link, trusted/, ['symlink']]] },
  { name: 'links of others in a sticky directory', uid: asUser, after: OTHERS_LINKS, ...PROTECTED, launcher: user },
  { name: 'links of others in a sticky directory, without openat2', uid: asUser, after: OTHERS_LINKS, ...PROTECTED, launcher: denying('openat2=ENOSYS') },
  { name: 'a mount that follows no links, without openat2', uid: asUser, before: ['mount -t tmpfs -o nosymfollow tmpfs "$BASE"'], launcher: denying('openat2=ENOSYS'), endings: [[FOLLOWING, ['symlink']], [/a link, trusted/, ['symlink']]] },
  { name: 'CAP_CHOWN alone', uid: asUser, launcher: () => withCapabilities('chown') },
  { name: 'CAP_FOWNER alone', uid: asUser, launcher: () => withCapabilities('fowner') },
  { name: 'CAP_DAC_OVERRIDE alone', uid: asUser, launcher: () => withCapabilities('dac_override') },
  { name: 'CAP_CHOWN and CAP_FOWNER', uid: asUser, launcher: () => withCapabilities('chown', 'fowner') },
  { name: 'root without capabilities', uid: asRoot, launcher: () => ['setpriv', '--inh-caps=-all', '--ambient-caps=-all', '--bounding-set=-all'] },
  { name: 'root of a user namespace', uid: asUser, launcher: () => ['setpriv', '--reuid=1000', '--regid=1000', '--clear-groups', 'unshare', '--user', '--map-root-user'] },
  { name: 'an id-mapped mount, a user', uid: asUser, last: ['"$IDMAPPED" "$BASE" 1000'], finally: ['umount "$BASE"'], launcher: user, ...UNMAPPED },
  { name: 'an id-mapped mount, root', uid: asRoot, last: ['"$IDMAPPED" "$BASE" 1000'], finally: ['umount "$BASE"'], ...UNMAPPED },
  { name: 'umask 077', uid: asUser, launcher: bounded('umask 077', ...asUser1000) },
  { name: 'umask 000', uid: asUser, launcher: bounded('umask 000', ...asUser1000) },
  { name: 'umask 077, root', uid: asRoot, launcher: bounded('umask 077') },
  { name: 'a default ACL on the directory', uid: asUser, after: ['setfacl -d -m u:1001:rwx,m::rwx "$BASE"/*'], launcher: user },
  { name: 'a default ACL on the directory, root', uid: asRoot, after: ['setfacl -d -m u:1001:rwx,m::rwx "$BASE"/*'] },
  { name: 'a setgid directory of another group', uid: asUser, after: ['chgrp 1002 "$BASE"/*', 'chmod 2755 "$BASE"/*'], launcher: user },
  { name: 'a read-only bind mount', uid: asUser, after: ['mount --bind "$BASE" "$BASE"', 'mount -o remount,bind,ro "$BASE"'], launcher: user, ...READ_ONLY },
  { name: 'a read-only bind mount, root', uid: asRoot, after: ['mount --bind "$BASE" "$BASE"', 'mount -o remount,bind,ro "$BASE"'], ...READ_ONLY },
  { name: 'overlayfs, everything in the lower layer', uid: asUser, after: overlay(), launcher: user, ...OVERLAY },
  { name: 'overlayfs, everything in the lower layer, root', uid: asRoot, after: overlay(), ...OVERLAY },
  { name: 'a full tmpfs', uid: asUser, before: ['mount -t tmpfs -o size=16m tmpfs "$BASE"'], last: ['dd if=/dev/zero of="$BASE"/filler 2>/dev/null || true'], launcher: user, endings: [[/^append to a new/, ['ENOSPC']], [/^(make|clean|lock|append|Root.appendRecord|Root.ensureDir|Root: (rename(?! onto)|remove))/, ['ok']], [/^Root: rename onto/, ['already-exists']], [CHANGES, ['ENOSPC']]] },
  { name: 'a tmpfs with noexec, nosuid and nodev', uid: asUser, before: ['mount -t tmpfs -o noexec,nosuid,nodev tmpfs "$BASE"'], launcher: user },
  { name: 'few descriptors', uid: asUser, launcher: bounded('ulimit -n 40', ...asUser1000) },
  { name: 'a working directory that was removed', uid: asUser, after: ['mkdir "$BASE.gone"', 'cd "$BASE.gone"', 'rmdir "$BASE.gone"'], launcher: user },
  ...['linkat', 'renameat2', 'statx', 'openat2', 'fchmod', 'fchown'].flatMap((call) =>
    // Node itself does not start if statx fails with EACCES.
    ['EPERM', 'EACCES', 'ENOSYS'].filter((errno) => call !== 'statx' || errno !== 'EACCES').map((errno): Environment => ({ name: `a filter that answers ${errno} to ${call}`, uid: asUser, launcher: denying(`${call}=${errno}`), ...(call === 'renameat2' ? NO_RENAME_NEW : {}), ...(call === 'fchmod' ? { endings: [[CHANGES_FILES, ['ok', errno]]], documented: 'A filter that refuses `fchmod` fails every write whose mode must be set by it' } : {}) })),
  ),
  ...['O_TMPFILE=EACCES', 'fsetxattr=EPERM', 'fsetxattr=ENOTSUP', 'fchmodat2=EPERM', 'openat2=ENOSYS,renameat2=ENOSYS,statx=ENOSYS,fchmodat2=ENOSYS'].map(
    (filter): Environment => ({ name: `the filter ${filter}`, uid: asUser, launcher: denying(filter), ...(filter.includes('renameat2') ? NO_RENAME_NEW : {}) }),
  ),
  { name: 'a filter that answers EPERM to fchown, root', uid: asRoot, launcher: () => [buildC('seccomp-deny'), 'fchown=EPERM'] },
  { name: 'a filter that answers EPERM to linkat, root', uid: asRoot, launcher: () => [buildC('seccomp-deny'), 'linkat=EPERM'] },
];

/** Mounts a forged `/proc`: every descriptor is a file without an ACL, open to all. */
function forgedProc(): string[] {
  return [
    'mount -t tmpfs tmpfs /proc',
    'mkdir -p /proc/self/fd /proc/thread-self/fd',
    'for n in $(seq 0 63); do echo forged > /proc/self/fd/$n; echo forged > /proc/thread-self/fd/$n; done',
    'chmod -R a+rwX /proc/self /proc/thread-self',
  ];
}

function overlay(): string[] {
  return ['mkdir "$BASE.upper" "$BASE.work"', 'chmod 0755 "$BASE.upper"', 'mount -t overlay -o "lowerdir=$BASE,upperdir=$BASE.upper,workdir=$BASE.work" overlay "$BASE"'];
}
