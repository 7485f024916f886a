import { fs } from '../base/node.js';
import { HoldfastError, refusal, systemError } from '../errors/holdfast-error.js';
import type { promises } from 'node:fs';

/** What the binary holds open, and where it was found. */
export interface Held {
  /** -1 where no path leads to it: no procfs at `/proc`, or Windows */
  descriptor: number;
  dev: number;
  ino: number;
  /** its lower 32 bits, which a number may have lost */
  inoLow: number;
  realPath: string;
}

/**
 * Returns what leads to an open file. On Linux its name in `/proc` leads to the very file, whatever
 * became of its path, and the binary has made sure that a procfs is there; on macOS `/dev/fd` duplicates the descriptor, with the rights that it has. On
 * Windows there is its path alone, which may lead to another file by now: that shows.
 */
function wayTo({ descriptor, realPath }: Held, flags: string) {
  switch (process.platform) {
    case 'win32':
      return realPath;
    case 'darwin':
      return flags === 'r' ? `/dev/fd/${descriptor}` : realPath;
    default:
      return `/proc/self/fd/${descriptor}`;
  }
}

/**
 * A genuine `FileHandle` on what the binary holds open, which nothing makes from a descriptor.
 *
 * @param flags as of fs.open
 * @param path as the caller gave it
 * @param isLocal looking at the file waits for nothing
 */
export async function reopen(held: Held, flags: string, path: string, isLocal: boolean = false) {
  if (process.platform === 'linux' && held.descriptor < 0) {
    throw refusal('unsupported-platform', '', path);
  }
  let handle: promises.FileHandle;
  try {
    handle = await fs.promises.open(wayTo(held, flags), flags);
  } catch (error) {
    throw reopenFailure(error as NodeJS.ErrnoException, path);
  }
  try {
    const seen = isLocal ? fs.fstatSync(handle.fd, { bigint: true }) : await handle.stat({ bigint: true });
    const isSame = Number(seen.ino) === held.ino && Number(seen.ino & 0xffff_ffffn) === held.inoLow;
    if (Number(seen.dev) !== held.dev || !isSame) {
      // A descriptor's name in procfs leads to its very file: another file there shows that it is no procfs.
      throw process.platform === 'linux' ? refusal('unsupported-platform', 'forged', path) : refusal('path-mismatch', '', path);
    }
  } catch (error) {
    await handle.close();
    const { errno } = error as NodeJS.ErrnoException;
    // A failed status knows no path.
    throw errno === undefined || error instanceof HoldfastError ? error : systemError(errno, 'fstat', path);
  }
  return handle;
}

/** @param path as the caller gave it */
function reopenFailure(error: NodeJS.ErrnoException, path: string) {
  if (error.code === 'ERR_ACCESS_DENIED') {
    // A flag cannot name a descriptor that is not open yet.
    return refusal('unsupported-platform', 'permission-model', path, error);
  }
  if (error.code === 'ENOENT' || error.errno === undefined) {
    return refusal('unsupported-platform', '', path, error);
  }
  // The caller knows its own path, and not the one by which the descriptor was reopened.
  return systemError(error.errno, 'open', path);
}
