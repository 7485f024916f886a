// The options of `replaceFileAtomic`, each read once: docs/fs-safe.md says what becomes of every one.

import { path } from '../../base/node.js';
import { hostError, type HostErrorClass } from '../errors.js';
import { authority } from '../authority.js';
import { WHOLE_DATA } from '../../verbs/write.js';
import { invalidType, outOfRange } from '../../options/validate.js';
import type { Unchecked } from '../options.js';

/** What a replacement is to do. */
export interface Plan {
  /** as it was given, for callbacks */
  filePath: string;
  /** the same from the working directory at the time of the call */
  target: string;
  content: string | Uint8Array;
  /** of the parent; undefined: new ones as mkdir makes them, one that exists as it is */
  dirMode: number | undefined;
  /** of the write */
  options: Unchecked;
  renameMaxRetries: number;
  renameRetryBaseDelayMs: number;
  throwOnCleanupError: boolean;
  assertMayChange: () => void;
  onDestinationState: Unchecked;
  /** the caller wants to be asked or told right at the rename */
  isWatched: boolean;
  beforeRename: Unchecked;
  /** a name that leads to another inode is compared by content */
  comparesContent: boolean;
  injected: Injected;
}

/** What a replacement through a host's file system needs besides. */
interface Injected {
  tempPrefix: string | undefined;
  mode: number;
  keepsMode: boolean;
  /** the caller gave a mode, or asked to keep one */
  namesModes: boolean;
  refusesHardlinks: boolean;
  copiesInPlace: boolean;
  syncsFile: boolean;
  syncsParent: boolean;
}

const RENAME_IDENTITIES = new Set([undefined, 'strict', 'verify-content-with-lock']);

export function toPlan(HostError: HostErrorClass, given: Unchecked, defaults: { dirMode?: number }): Plan {
  const {
    filePath,
    content,
    mode,
    dirMode: askedDirMode,
    preserveExistingMode = false,
    tempPrefix,
    renameMaxRetries = 0,
    renameRetryBaseDelayMs = 50,
    copyFallbackOnPermissionError = false,
    copyFallbackRestore,
    maxRestoreBytes,
    destinationHardlinks,
    renameIdentity,
    syncTempFile = false,
    syncParentDir = false,
    throwOnCleanupError = false,
    assertBeforeMutation,
    onDestinationState,
    beforeRename,
  } = given;
  if (typeof filePath !== 'string') {
    throw invalidType('filePath', 'of type string', filePath);
  }
  if (filePath === '' || filePath.includes('\0')) {
    throw hostError(HostError, 'invalid-path', 'the path is not usable');
  }
  if (typeof content !== 'string' && !(content instanceof Uint8Array)) {
    throw invalidType('content', WHOLE_DATA, content);
  }
  if (tempPrefix !== undefined && !isSegment(tempPrefix)) {
    throw hostError(HostError, 'invalid-path', 'the prefix of the temporary is no path segment');
  }
  if (!RENAME_IDENTITIES.has(renameIdentity)) {
    throw new RangeError('renameIdentity must be strict or verify-content-with-lock');
  }
  if (copyFallbackRestore === 'restore-original' && maxRestoreBytes === undefined) {
    throw new RangeError('maxRestoreBytes is required with copyFallbackRestore: restore-original');
  }
  const dirMode = askedDirMode === undefined ? defaults.dirMode : askedDirMode;
  const bits = mode === undefined ? 0o600 : toBits(mode, 'mode');
  return {
    filePath,
    // Not resolved: what `..` and a slash at the end mean is for the system to say.
    target: path.isAbsolute(filePath) ? filePath : `${process.cwd()}/${filePath}`,
    content,
    dirMode: dirMode === undefined ? undefined : toBits(dirMode, 'dirMode'),
    options: {
      ...(preserveExistingMode ? { newFileMode: bits } : { mode: bits }),
      finalSymlink: preserveExistingMode ? 'reject' : 'replace',
      durable: syncParentDir ? true : syncTempFile ? 'file' : false,
      hardlinks: destinationHardlinks === 'reject' ? 'reject' : 'allow',
      fallback: copyFallbackOnPermissionError ? 'in-place' : 'none',
    },
    renameMaxRetries,
    renameRetryBaseDelayMs,
    throwOnCleanupError,
    assertMayChange: authority([{ assertBeforeMutation }]),
    onDestinationState,
    isWatched: assertBeforeMutation !== undefined || onDestinationState !== undefined || beforeRename !== undefined,
    beforeRename,
    comparesContent: renameIdentity === 'verify-content-with-lock',
    injected: {
      tempPrefix,
      mode: bits,
      keepsMode: preserveExistingMode,
      namesModes: mode !== undefined || preserveExistingMode || askedDirMode !== undefined,
      refusesHardlinks: destinationHardlinks === 'reject',
      copiesInPlace: copyFallbackOnPermissionError,
      syncsFile: syncTempFile,
      syncsParent: syncParentDir,
    },
  };
}

/** Permission bits alone: what would run as its owner is never published. */
function toBits(mode: unknown, name: string) {
  if (typeof mode !== 'number' || !Number.isInteger(mode) || mode < 0) {
    throw outOfRange(name, 'an integer >= 0', mode);
  }
  return mode & 0o777;
}

function isSegment(prefix: unknown) {
  return typeof prefix === 'string' && prefix !== '' && prefix !== '.' && prefix !== '..' && path.basename(prefix) === prefix && !/[\\\0]/.test(prefix);
}
