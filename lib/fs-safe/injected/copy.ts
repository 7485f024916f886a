// Copies in place after a refused rename, by the original with the host's functions.

import { descriptor } from '../../base/descriptor.js';
import { fs, path } from '../../base/node.js';
import { isTolerable } from './directory.js';
import type { Host } from '../read.js';
import type { Unchecked } from '../options.js';

/**
 * Calls the original to write the file in place. The caller's `beforeRename` has run already, and the directory keeps
 * its mode.
 */
export function copyWithOriginal({ original }: Host, name: 'replaceFileAtomic' | 'replaceFileAtomicSync', options: Unchecked, { error }: { error: unknown }) {
  if (typeof original?.[name] !== 'function') {
    throw error;
  }
  const { fileSystem, filePath } = options;
  const dirMode = modeOf(path.dirname(filePath)) ?? options.dirMode;
  const isSync = name === 'replaceFileAtomicSync';
  const changed = {
    dirMode,
    beforeRename: undefined,
    fileSystem: isSync && fileSystem.fchmodSync !== undefined ? tolerant(fileSystem) : fileSystem,
  };
  // Not a copy of the options: their class may have the guards.
  const copy = Object.create(options);
  for (const [key, value] of Object.entries(changed)) {
    Object.defineProperty(copy, key, descriptor({ configurable: true, enumerable: true, value, writable: true }));
  }
  return original[name](copy);
}

function modeOf(dir: string) {
  const stat = fs.statSync(dir, { throwIfNoEntry: false });
  return stat === undefined ? undefined : stat.mode & 0o7777;
}

/** Wraps the host's file system so that a refused chmod of a directory is ignored. */
function tolerant(fileSystem: Unchecked) {
  return Object.create(fileSystem, {
    fchmodSync: descriptor({
      value(fd: number, mode: number) {
        try {
          fileSystem.fchmodSync(fd, mode);
        } catch (error) {
          if (!isTolerable(error) || !fileSystem.fstatSync(fd).isDirectory()) {
            throw error;
          }
        }
      },
    }),
  });
}
