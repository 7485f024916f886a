'use strict';

// Drop-in adapters for callers of other libraries: their shapes, defaults and error classes, and our verbs.

const { bindFiles, bindWriteJson } = require('./fs-safe-files.js');
const { bindHash } = require('./fs-safe-hash.js');
const { bindOld } = require('./fs-safe-open.js');
const { ensureParentDirSync } = require('./fs-safe-parent.js');
const { NAMES, checked } = require('./fs-safe-options.js');
const { bindReads } = require('./fs-safe-read.js');
const { bindReplace } = require('./fs-safe-replace.js');
const { bindRoot } = require('./fs-safe-root.js');
const { bindRootFile } = require('./fs-safe-root-file.js');
const { bindSyncDirectory } = require('./fs-safe-sync-directory.js');
const { writeFileWithinRoot } = require('./fs-safe-root-write.js');
const { atCaller } = require('./errors.js');
const { readArguments } = require('./options.js');
const { invalidType, toOptions } = require('./validate.js');

/**
 * A binding's own options, read once: a wrong one is found out when it is made, not at the first read.
 *
 * @param {unknown} HostError
 * @param {string} name
 * @param {any} outbound
 * @param {any} [original]
 * @returns {import('./fs-safe-read.js').Host}
 */
function toHost(HostError, name, outbound, original) {
  if (typeof HostError !== 'function') {
    throw invalidType(`options.${name}`, 'a class', HostError);
  }
  readArguments({ outbound });
  const kept = typeof outbound === 'object' && outbound !== null ? Object.freeze({ ...outbound }) : outbound;
  return { HostError: /** @type {any} */ (HostError), outbound: kept, original };
}

/** @param {unknown} options */
function bindFsSafe(options) {
  try {
    const { FsSafeError, outbound, original } = checked(toOptions(options), NAMES.binding);
    const host = toHost(FsSafeError, 'FsSafeError', outbound, original);
    const replaces = bindReplace(host);
    return {
      ...bindReads(host),
      ...replaces,
      ...bindRoot(host),
      ...bindFiles(host),
      ...bindHash(host),
      ...bindRootFile(host),
      ...bindSyncDirectory(host),
      ...bindWriteJson(replaces.writeTextAtomic),
      ensureParentDirSync,
      /** @param {any} params */
      async writeFileWithinRoot(params) {
        return writeFileWithinRoot(host, params);
      },
    };
  } catch (error) {
    throw atCaller(error, bindFsSafe);
  }
}

/** @param {unknown} options */
function bindSafeOpen(options) {
  try {
    const { SafeOpenError, outbound } = checked(toOptions(options), NAMES.oldBinding);
    return { ...bindOld(toHost(SafeOpenError, 'SafeOpenError', outbound)), ensureParentDirSync };
  } catch (error) {
    throw atCaller(error, bindSafeOpen);
  }
}

module.exports = { bindFsSafe, bindSafeOpen, ensureParentDirSync };
