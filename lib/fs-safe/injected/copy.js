'use strict';

// A copy in place after a rename that was refused, by the original, with the host's functions.

const fs = process.getBuiltinModule('node:fs');
const path = process.getBuiltinModule('node:path');
const { isTolerable } = require('./directory.js');

/** @typedef {import('../read.js').Host} Host */

/**
 * Has the original write the file in place. The caller's `beforeRename` has run already, and the directory keeps the
 * mode that it has.
 *
 * @param {Host} host
 * @param {'replaceFileAtomic' | 'replaceFileAtomicSync'} name
 * @param {any} options
 * @param {{ error: unknown }} refused
 */
function copyWithOriginal({ original }, name, options, { error }) {
  if (typeof original?.[name] !== 'function') {
    throw error;
  }
  const { fileSystem, filePath } = options;
  const dirMode = modeOf(path.dirname(filePath)) ?? options.dirMode;
  const isSync = name === 'replaceFileAtomicSync';
  return original[name]({
    ...options,
    dirMode,
    beforeRename: undefined,
    fileSystem: isSync && fileSystem.fchmodSync !== undefined ? tolerant(fileSystem) : fileSystem,
  });
}

/** @param {string} dir */
function modeOf(dir) {
  const stat = fs.statSync(dir, { throwIfNoEntry: false });
  return stat === undefined ? undefined : stat.mode & 0o7777;
}

/**
 * The host's file system, whose chmod of a directory may be refused by the system.
 *
 * @param {any} fileSystem
 */
function tolerant(fileSystem) {
  return Object.create(fileSystem, {
    fchmodSync: {
      /** @type {(fd: number, mode: number) => void} */
      value(fd, mode) {
        try {
          fileSystem.fchmodSync(fd, mode);
        } catch (error) {
          if (!isTolerable(error) || !fileSystem.fstatSync(fd).isDirectory()) {
            throw error;
          }
        }
      },
    },
  });
}

module.exports = { copyWithOriginal };
