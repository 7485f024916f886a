// Sets setgid and sticky of a directory, which `ensureDir` has made or narrowed.

import { fs } from '../../base/node.js';
import { isTolerable } from '../injected/directory.js';

const { O_RDONLY, O_DIRECTORY, O_NOFOLLOW } = fs.constants;
const FLAGS = O_RDONLY | O_DIRECTORY | O_NOFOLLOW;

/** Adds bits to the mode of a directory. Leaves a directory of another user, as `ensureDir` does. */
export async function addBits(dir: string, bits: number) {
  if (process.platform === 'win32') {
    return;
  }
  const handle = await fs.promises.open(dir, FLAGS);
  try {
    const { mode, uid } = await handle.stat();
    if (uid === process.geteuid?.()) {
      await handle.chmod((mode & 0o7777) | bits);
    }
  } catch (error) {
    rethrow(error);
  } finally {
    await handle.close();
  }
}

/** Synchronous twin of {@link addBits}. */
export function addBitsSync(dir: string, bits: number) {
  if (process.platform === 'win32') {
    return;
  }
  const fd = fs.openSync(dir, FLAGS);
  try {
    const { mode, uid } = fs.fstatSync(fd);
    if (uid === process.geteuid?.()) {
      fs.fchmodSync(fd, (mode & 0o7777) | bits);
    }
  } catch (error) {
    rethrow(error);
  } finally {
    fs.closeSync(fd);
  }
}

function rethrow(error: unknown) {
  if (!isTolerable(error)) {
    throw error;
  }
}
