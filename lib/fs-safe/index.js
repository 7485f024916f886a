'use strict';

// Drop-in adapters for callers of other libraries: their shapes, defaults and error classes, and our verbs.

const { bindFiles, bindWriteJson } = require('./files.js');
const { bindHash } = require('./hash.js');
const { bindOld } = require('./open.js');
const { ensureParentDirSync } = require('./parent.js');
const { NAMES, checked } = require('./options.js');
const { bindReads } = require('./read.js');
const { bindReplace } = require('./replace/replace.js');
const { bindRoot } = require('./root/root.js');
const { bindRootFile } = require('./root/file.js');
const { bindSyncDirectory } = require('./sync-directory.js');
const { writeFileWithinRoot } = require('./root/write.js');
const { atCaller } = require('../errors/holdfast-error.js');
const { readArguments } = require('../options/flatten.js');
const { invalidType, toOptions } = require('../options/validate.js');

/**
 * A binding's own options, read once: a wrong one is found out when it is made, not at the first read.
 *
 * @param {unknown} HostError
 * @param {string} name
 * @param {any} outbound
 * @param {any} [original]
 * @returns {import('./read.js').Host}
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
