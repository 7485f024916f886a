'use strict';

// The mounts of this process, as proc_pid_mountinfo(5) lists them.

const { native } = require('../../native/load.js');

/**
 * @typedef {object} Mount
 * @property {number} id
 * @property {string} mountPoint
 * @property {string} root what part of its file system is mounted; another than `/` is a bind mount
 * @property {string} type
 * @property {string} source
 * @property {string[]} options of the mount
 * @property {string[]} superOptions of the file system
 * @property {Buffer} [exactMountPoint] byte for byte; not enumerable, so that no report has it
 */

/**
 * Spaces, tabs, newlines and backslashes are written as three octal digits.
 *
 * @param {string} field
 */
function bytesOf(field) {
  return Buffer.from(
    field.replace(/\\([0-7]{3})/g, (_, digits) => String.fromCharCode(parseInt(digits, 8))),
    'latin1',
  );
}

/** @param {string} field */
function unescape(field) {
  return bytesOf(field).toString('utf8');
}

/**
 * One line. Between its sixth field and the hyphen lies any number of optional ones.
 *
 * @param {string} line
 * @returns {Mount | undefined}
 */
function parseMount(line) {
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
  return Object.defineProperty(mount, 'exactMountPoint', { value: bytesOf(fields[4]) });
}

/**
 * @param {string} text of `/proc/self/mountinfo`, each byte one character
 * @returns {Mount[]}
 */
function parseMounts(text) {
  return text.split('\n').flatMap((line) => parseMount(line) ?? []);
}

/**
 * The mount that holds an object: by its number, which no later mount over it can confuse, or by
 * its path, where the kernel does not tell the number. Of several at one place the last is seen.
 *
 * @param {Mount[]} mounts
 * @param {number} id or -1
 * @param {string} realPath
 * @returns {Mount | undefined}
 */
function mountOf(mounts, id, realPath) {
  const byNumber = mounts.find((mount) => mount.id === id);
  if (byNumber !== undefined) {
    return byNumber;
  }
  return mounts
    .filter(({ mountPoint }) => mountPoint === '/' || realPath === mountPoint || realPath.startsWith(`${mountPoint}/`))
    .reduce((/** @type {Mount | undefined} */ best, mount) => (best && best.mountPoint.length > mount.mountPoint.length ? best : mount), undefined);
}

/** @returns {Mount[]} */
function readMounts() {
  return parseMounts(native().readProc('mountinfo')?.toString('latin1') ?? '');
}

/** File systems behind which somebody else decides: another machine, or another process. */
const ELSEWHERE = /^(nfs4?|cifs|smb3?|smbfs|9p|afs|ceph|glusterfs|lustre|virtiofs|vboxsf|drvfs|fuse(blk|\..+)?)$/;

/** File systems that have no modes of their own. */
const WITHOUT_MODES = /^(vfat|msdos|exfat|ntfs3?|hfs)$/;

/** @param {Mount | undefined} mount */
function isElsewhere(mount) {
  return mount !== undefined && ELSEWHERE.test(mount.type);
}

/** @param {Mount | undefined} mount */
function hasNoModes(mount) {
  return mount !== undefined && WITHOUT_MODES.test(mount.type);
}

module.exports = { hasNoModes, isElsewhere, mountOf, parseMounts, readMounts };
