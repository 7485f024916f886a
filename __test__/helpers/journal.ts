// Whether a file system writes the links of unnamed files when the directory is synced.
import { readFileSync, readlinkSync, statfsSync, statSync } from 'node:fs';
import { basename } from 'node:path';

const EXT4_SUPER_MAGIC = 0xef53;

/** Returns false for ext2, ext3 and ext4 without a journal: a synced file has a name before its sync there. */
export function syncsLinks(dir: string): boolean {
  if (process.platform !== 'linux' || statfsSync(dir).type !== EXT4_SUPER_MAGIC) return true;
  const { dev } = statSync(dir);
  const major = Math.floor(dev / 256) % 4096;
  const minor = (dev % 256) + Math.floor(dev / 2 ** 20) * 256;
  try {
    const device = basename(readlinkSync(`/sys/dev/block/${major}:${minor}`));
    return /^\d/.test(readFileSync(`/sys/fs/ext4/${device}/journal_task`, 'utf8'));
  } catch {
    return false;
  }
}
