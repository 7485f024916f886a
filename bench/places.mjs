// File systems to measure on: a tmpfs and a disk, with their mount options.

import { mkdirSync, mkdtempSync, readFileSync, rmSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { projectRoot } from '../scripts/support.mjs';

const TMPFS_MAGIC = 0x01021994;

/** Returns type and options of a directory's mount, by the longest matching mount point; Linux only. */
function mountOf(directory) {
  if (process.platform !== 'linux') return { type: process.platform, options: 'unknown' };
  const unescape = (text) => text.replace(/\\(\d{3})/g, (_, digits) => String.fromCharCode(parseInt(digits, 8)));
  const mounts = readFileSync('/proc/self/mountinfo', 'utf8')
    .trim()
    .split('\n')
    .map((line) => {
      const [before, after] = line.split(' - ').map((half) => half.split(' '));
      return { point: unescape(before[4]), type: after[0], options: [...new Set([...before[5].split(','), ...after[2].split(',')])].join(',') };
    });
  const leads = ({ point }) => directory === point || directory.startsWith(point === '/' ? '/' : `${point}/`);
  // The last of equals covers the earlier ones.
  return mounts.filter(leads).reduce((best, mount) => (mount.point.length >= best.point.length ? mount : best));
}

const isTmpfs = (directory) => statfsSync(directory).type === TMPFS_MAGIC;

/**
 * Makes scratch directories of the requested kinds. `remove` deletes them.
 * @param {string[]} wanted
 * @param {{ tmpfs?: string, disk?: string }} chosen
 */
export function findPlaces(wanted, chosen) {
  const cache = path.join(projectRoot, '.cache');
  mkdirSync(cache, { recursive: true });
  const parents = {
    tmpfs: chosen.tmpfs ?? ['/dev/shm', '/run/shm', tmpdir()].find((directory) => isThere(directory) && isTmpfs(directory)),
    disk: chosen.disk ?? [tmpdir(), cache].find((directory) => isThere(directory) && !isTmpfs(directory)),
  };
  return Object.entries(parents)
    .filter(([place, parent]) => wanted.includes(place) && parent !== undefined)
    .map(([place, parent]) => {
      const dir = mkdtempSync(path.join(parent, `hf-bench-${process.pid}-`));
      const { type, options } = mountOf(dir);
      return { place, dir, type, options, remove: () => rmSync(dir, { recursive: true, force: true }) };
    });
}

function isThere(directory) {
  try {
    return statfsSync(directory) !== undefined;
  } catch {
    return false;
  }
}
