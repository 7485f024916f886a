// Drop-in adapters for callers of other libraries: the other library's signatures, defaults and error classes over
// holdfast's verbs.

import type { HostErrorClass } from './errors.js';
import { bindFiles, bindWriteJson } from './files.js';
import { bindHash } from './hash.js';
import { bindOld } from './open.js';
import { ensureParentDirSync } from './parent.js';
import { NAMES, checked, type Unchecked } from './options.js';
import { bindReads, type Host } from './read.js';
import { bindReplace } from './replace/replace.js';
import { bindRootTakers } from './root/handover.js';
import { bindRoot } from './root/root.js';
import { bindRootFile } from './root/file.js';
import { bindSyncDirectory } from './sync-directory.js';
import { writeFileWithinRoot } from './root/write.js';
import { atCaller } from '../errors/holdfast-error.js';
import { readArguments } from '../options/flatten.js';
import { invalidType, toOptions } from '../options/validate.js';
import type contract = require('../../fs-safe.js');

/** Reads and checks the options of a binding once, when the binding is created. */
function toHost(HostError: unknown, name: string, outbound: Unchecked, original?: Unchecked): Host {
  if (typeof HostError !== 'function') {
    throw invalidType(`options.${name}`, 'a class', HostError);
  }
  readArguments({ outbound });
  const kept = typeof outbound === 'object' && outbound !== null ? Object.freeze({ ...outbound }) : outbound;
  return { HostError: HostError as HostErrorClass, outbound: kept, original };
}

function bindFsSafe(options: unknown) {
  try {
    const { FsSafeError, outbound, original } = checked(toOptions(options), NAMES.binding);
    const host = toHost(FsSafeError, 'FsSafeError', outbound, original);
    const replaces = bindReplace(host);
    return {
      ...bindRootTakers(host),
      ...bindReads(host),
      ...replaces,
      ...bindRoot(host),
      ...bindFiles(host),
      ...bindHash(host),
      ...bindRootFile(host),
      ...bindSyncDirectory(host),
      ...bindWriteJson(replaces.writeTextAtomic),
      ensureParentDirSync,
      async writeFileWithinRoot(params: Unchecked) {
        return writeFileWithinRoot(host, params);
      },
    };
  } catch (error) {
    throw atCaller(error, bindFsSafe);
  }
}

function bindSafeOpen(options: unknown) {
  try {
    const { SafeOpenError, outbound } = checked(toOptions(options), NAMES.oldBinding);
    return { ...bindOld(toHost(SafeOpenError, 'SafeOpenError', outbound)), ensureParentDirSync };
  } catch (error) {
    throw atCaller(error, bindSafeOpen);
  }
}

/** `bindFsSafe` without the type of `original`: only its host knows the methods of `original`. */
type Contract = Omit<typeof contract, 'bindFsSafe'> & { bindFsSafe: (options: contract.FsSafeBinding) => contract.FsSafe };

export = { bindFsSafe, bindSafeOpen, ensureParentDirSync } satisfies Contract;
