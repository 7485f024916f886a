import { BIGINT, fs } from '../base/node.js';
import { HoldfastError, refusal, systemError } from '../errors/holdfast-error.js';
import type { promises } from 'node:fs';

/** A file that the binary holds open. */
interface OpenFile {
  /** -1 if no path leads to it: no procfs at `/proc`, or Windows */
  descriptor: number;
  dev: number;
  ino: number;
  /** lower 32 bits of the inode, which a number may lose */
  inoLow: number;
  realPath: string;
}

/**
 * Returns a path to an open file.
 *
 * - Linux: its entry in `/proc/self/fd`, which leads to the same file after a rename. The binary has checked that
 *   procfs is mounted.
 * - macOS: `/dev/fd`, which duplicates the descriptor with its access mode.
 * - Windows: its path. The caller compares the identity.
 */
function wayTo({ descriptor, realPath }: OpenFile, flags: string | number) {
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
 * Opens a `FileHandle` on a file that the binary holds open. Node has no function that creates one from a descriptor.
 *
 * @param flags of `fs.open`
 * @param isLocal `fstat` does not block
 */
export async function reopen(file: OpenFile, flags: string | number, path: string, isLocal: boolean = false) {
  if (process.platform === 'linux' && file.descriptor < 0) {
    throw refusal('unsupported-platform', '', path);
  }
  let handle: promises.FileHandle;
  try {
    handle = await fs.promises.open(wayTo(file, flags), flags);
  } catch (error) {
    throw reopenFailure(error as NodeJS.ErrnoException, path);
  }
  try {
    const seen = isLocal ? fs.fstatSync(handle.fd, BIGINT) : await handle.stat(BIGINT);
    const isSame = Number(seen.ino) === file.ino && Number(seen.ino & 0xffff_ffffn) === file.inoLow;
    if (Number(seen.dev) !== file.dev || !isSame) {
      // An entry of `/proc/self/fd` leads to the open file itself. A different file proves that `/proc` is not procfs.
      throw process.platform === 'linux' ? refusal('unsupported-platform', 'forged', path) : refusal('path-mismatch', '', path);
    }
  } catch (error) {
    await handle.close();
    const { errno } = error as NodeJS.ErrnoException;
    // An error of `fstat` has no path.
    throw errno === undefined || error instanceof HoldfastError ? error : systemError(errno, 'fstat', path);
  }
  return handle;
}

function reopenFailure(error: NodeJS.ErrnoException, path: string) {
  if (error.code === 'ERR_ACCESS_DENIED') {
    // `--allow-fs-read` cannot name a descriptor in advance.
    return refusal('unsupported-platform', 'permission-model', path, error);
  }
  if (error.code === 'ENOENT' || error.errno === undefined) {
    return refusal('unsupported-platform', '', path, error);
  }
  // The error names the caller's path instead of the one in /proc.
  return systemError(error.errno, 'open', path);
}

/**
 * Throws unless Node's permission model permits a file that the binary has not opened yet to be opened again for writing. For
 * callers that create the file first.
 *
 * @param realPath of the file
 */
export function assertReopens(realPath: string) {
  const { permission } = process;
  // Every descriptor is as permitted as this one.
  const way = wayTo({ descriptor: 0, dev: 0, ino: 0, inoLow: 0, realPath }, 'w');
  if (permission !== undefined && !(permission.has('fs.read', way) && permission.has('fs.write', way))) {
    throw refusal('unsupported-platform', 'permission-model', realPath);
  }
}
