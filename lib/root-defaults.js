'use strict';

const { packEnsure, packRead, writeArguments } = require('./options.js');
const { NONE, toOptions } = require('./validate.js');

/**
 * The defaults of a root, read once and checked now, so that a wrong one is not found out later.
 *
 * @param {unknown} given
 */
function rootDefaults(given) {
  const { symlinks, maxBytes, hardlinks, pseudoFiles, outbound, newFileMode, finalSymlink, durable, mkdir, dirMode, existing } =
    toOptions(given, 'defaults');
  const defaults = {
    symlinks,
    maxBytes,
    hardlinks,
    pseudoFiles,
    outbound: typeof outbound === 'object' && outbound !== null ? { allowOwnerOnly: toOptions(outbound, 'defaults.outbound').allowOwnerOnly } : outbound,
    newFileMode,
    finalSymlink,
    durable,
    mkdir,
    dirMode,
    existing,
  };
  const forRead = packRead(NONE, defaults);
  writeArguments(undefined, defaults);
  // What calls without options take, which most calls are.
  return Object.freeze({ ...defaults, forRead, forEnsure: packEnsure(NONE, defaults) });
}

module.exports = { rootDefaults };
