'use strict';

const fs = require('node:fs');
const { HoldfastError, refusal, systemError } = require('./errors.js');

/**
 * A genuine `FileHandle` on what the binary holds open. Nothing makes one from a descriptor, but
 * the descriptor's name in `/proc` leads to the very file, whatever became of its path.
 *
 * @param {{ descriptor: number, dev: number, ino: number }} held
 * @param {string} flags as of fs.open
 * @param {string} path as the caller gave it
 */
async function reopen({ descriptor, dev, ino }, flags, path) {
  /** @type {fs.promises.FileHandle} */
  let handle;
  try {
    handle = await fs.promises.open(`/proc/self/fd/${descriptor}`, flags);
  } catch (error) {
    throw reopenFailure(/** @type {NodeJS.ErrnoException} */ (error), path);
  }
  try {
    const seen = await handle.stat();
    if (seen.dev !== dev || seen.ino !== ino) {
      throw refusal('path-mismatch', '', path);
    }
  } catch (error) {
    await handle.close();
    const { errno } = /** @type {NodeJS.ErrnoException} */ (error);
    // A failed status knows no path.
    throw errno === undefined || error instanceof HoldfastError ? error : systemError(errno, 'fstat', path);
  }
  return handle;
}

/**
 * @param {NodeJS.ErrnoException} error
 * @param {string} path as the caller gave it
 */
function reopenFailure(error, path) {
  if (error.code === 'ENOENT' || error.errno === undefined) {
    return refusal('unsupported-platform', '', path, error);
  }
  // The caller knows its own path, and not the one by which the descriptor was reopened.
  return systemError(error.errno, 'open', path);
}

module.exports = { reopen };
