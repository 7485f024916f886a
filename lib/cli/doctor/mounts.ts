// The mounts of this process, from proc_pid_mountinfo(5).

import { descriptor } from '../../base/descriptor.js';
import { native } from '../../native/load.js';

export interface Mount {
  id: number;
  mountPoint: string;
  /** mounted directory of the file system; other than `/` for a bind mount */
  root: string;
  type: string;
  source: string;
  /** of the mount */
  options: string[];
  /** of the file system */
  superOptions: string[];
  /** byte for byte; not enumerable, so that no report has it */
  exactMountPoint?: Buffer;
}

/** Returns the bytes of a field. The kernel writes spaces, tabs, newlines and backslashes as three octal digits. */
function bytesOf(field: string) {
  return Buffer.from(
    field.replace(/\\([0-7]{3})/g, (_, digits) => String.fromCharCode(parseInt(digits, 8))),
    'latin1',
  );
}

function unescape(field: string) {
  return bytesOf(field).toString('utf8');
}

/** Parses one line. Optional fields lie between the sixth field and the hyphen. */
function parseMount(line: string): Mount | undefined {
  const fields = line.split(' ');
  const hyphen = fields.indexOf('-', 6);
  if (hyphen < 0 || fields.length < hyphen + 3) {
    return undefined;
  }
  const mount = {
    id: Number(fields[0]),
    root: unescape(fields[3]),
    mountPoint: unescape(fields[4]),
    options: fields[5].split(','),
    type: unescape(fields[hyphen + 1]),
    source: unescape(fields[hyphen + 2]),
    superOptions: unescape(fields[hyphen + 3] ?? '').split(',').filter(Boolean),
  };
  return Object.defineProperty(mount, 'exactMountPoint', descriptor({ value: bytesOf(fields[4]) }));
}

/**
 * Parses the table of mounts.
 *
 * @param text of `/proc/self/mountinfo`, each byte one character
 */
export function parseMounts(text: string): Mount[] {
  return text.split('\n').flatMap((line) => parseMount(line) ?? []);
}

/**
 * Returns the mount of an object: by its id, which stays correct under later mounts at the same path, or by its path if
 * the kernel does not report the id. The last of several mounts at one path is the visible one.
 *
 * @param id or -1
 */
export function mountOf(mounts: Mount[], id: number, realPath: string): Mount | undefined {
  const byNumber = mounts.find((mount) => mount.id === id);
  if (byNumber !== undefined) {
    return byNumber;
  }
  return mounts
    .filter(({ mountPoint }) => mountPoint === '/' || realPath === mountPoint || realPath.startsWith(`${mountPoint}/`))
    .reduce((best: Mount | undefined, mount) => (best && best.mountPoint.length > mount.mountPoint.length ? best : mount), undefined);
}

export function readMounts(): Mount[] {
  return parseMounts(native().readProc('mountinfo')?.toString('latin1') ?? '');
}

/** File systems that another machine or another process serves. */
const ELSEWHERE = /^(nfs4?|cifs|smb3?|smbfs|9p|afs|ceph|glusterfs|lustre|virtiofs|vboxsf|drvfs|fuse(blk|\..+)?)$/;

/** File systems without modes. */
const WITHOUT_MODES = /^(vfat|msdos|exfat|ntfs3?|hfs)$/;

export function isElsewhere(mount: Mount | undefined) {
  return mount !== undefined && ELSEWHERE.test(mount.type);
}

export function hasNoModes(mount: Mount | undefined) {
  return mount !== undefined && WITHOUT_MODES.test(mount.type);
}
