// Reads each option of `replaceFileAtomic` once. docs/fs-safe.md describes the treatment of each.

import { path } from '../../base/node.js';
import { isAsyncIterable } from '../chunks.js';
import { hostError, type HostErrorClass } from '../errors.js';
import { beforeMutation } from '../host-callbacks.js';
import { invalidType, invalidValue, outOfRange } from '../../options/validate.js';
import type { Unchecked } from '../options.js';

/** The parameters of a replacement. */
export interface Plan {
  /** as given, for callbacks */
  filePath: string;
  /** absolute, from the working directory at the time of the call */
  target: string;
  content: string | Uint8Array;
  /** the content, if a producer of the caller has it */
  source: AsyncIterable<unknown> | undefined;
  /** as given, for the functions of a host */
  given: string | ArrayBufferView;
  /** of the parent; undefined: new parents as mkdir makes them, existing ones unchanged */
  dirMode: number | undefined;
  /** setgid and sticky of the parent */
  dirBits: number;
  /** of the write */
  options: Unchecked;
  renameMaxRetries: number;
  renameRetryBaseDelayMs: number;
  throwOnCleanupError: boolean;
  assertMayChange: () => void;
  onDestinationState: Unchecked;
  /** the caller has a callback right before or after the rename */
  isWatched: boolean;
  /** called as a method of the options object, as in fs-safe */
  beforeRename: ((params: { filePath: string; tempPath: string }) => unknown) | undefined;
  /** compares content if the name leads to another inode */
  comparesContent: boolean;
  injected: Injected;
}

/** Further parameters of a replacement through an injected file system. */
interface Injected {
  tempPrefix: string | undefined;
  mode: number;
  keepsMode: boolean;
  /** the caller gave a mode, or requested to keep one */
  namesModes: boolean;
  refusesHardlinks: boolean;
  copiesInPlace: boolean;
  syncsFile: boolean;
  syncsParent: boolean;
}

const RENAME_IDENTITIES = new Set([undefined, 'strict', 'verify-content-with-lock']);

/** @param mayIterate a producer may have the content */
export function toPlan(HostError: HostErrorClass, given: Unchecked, defaults: { dirMode?: number }, mayIterate: boolean = false): Plan {
  const {
    filePath,
    content,
    mode,
    dirMode: askedDirMode,
    preserveExistingMode,
    tempPrefix,
    renameMaxRetries,
    renameRetryBaseDelayMs,
    copyFallbackOnPermissionError,
    copyFallbackRestore,
    maxRestoreBytes,
    destinationHardlinks,
    renameIdentity,
    syncTempFile,
    syncParentDir,
    throwOnCleanupError,
    assertBeforeMutation,
    onDestinationState,
    beforeRename,
  }: Unchecked = given;
  if (typeof filePath !== 'string') {
    throw invalidType('filePath', 'of type string', filePath);
  }
  if (filePath === '' || filePath.includes('\0')) {
    throw hostError(HostError, 'invalid-path', 'Atomic replace file path must be non-empty.');
  }
  const source = mayIterate && isAsyncIterable(content) ? content : undefined;
  if (source === undefined && typeof content !== 'string' && !ArrayBuffer.isView(content)) {
    throw invalidType('content', 'of type string or an instance of Buffer, TypedArray or DataView', content);
  }
  if (isGiven(tempPrefix) && !isSegment(tempPrefix)) {
    throw hostError(HostError, 'invalid-path', 'atomic replace temp prefix must be a safe path segment');
  }
  if (!RENAME_IDENTITIES.has(renameIdentity)) {
    throw new RangeError('renameIdentity must be strict or verify-content-with-lock');
  }
  if (copyFallbackRestore === 'restore-original' && !(Number.isSafeInteger(maxRestoreBytes) && maxRestoreBytes >= 0)) {
    throw new RangeError('maxRestoreBytes must be a safe integer >= 0 with copyFallbackRestore: restore-original');
  }
  // Checks callbacks before any write: a later error could come after the publication.
  checkFunctions({ assertBeforeMutation, onDestinationState, beforeRename });
  const dirMode = askedDirMode ?? defaults.dirMode;
  const bits = isGiven(mode) ? toBits(mode, 'mode') : 0o600;
  const keepsMode = Boolean(preserveExistingMode);
  return {
    filePath,
    // Not resolved: the system interprets `..` and a slash at the end.
    target: path.isAbsolute(filePath) ? filePath : `${process.cwd()}/${filePath}`,
    content: source !== undefined ? '' : typeof content === 'string' || content instanceof Uint8Array ? content : bytesOf(content),
    source,
    given: content,
    dirMode: dirMode === undefined ? undefined : toBits(dirMode, 'dirMode'),
    dirBits: dirMode === undefined ? 0 : toMode(dirMode, 'dirMode') & (SETGID | STICKY),
    options: {
      ...(keepsMode ? { newFileMode: bits } : { mode: bits }),
      finalSymlink: keepsMode ? 'reject' : 'replace',
      durable: syncParentDir ? true : syncTempFile ? 'file' : false,
      hardlinks: destinationHardlinks === 'reject' ? 'reject' : 'allow',
      fallback: copyFallbackOnPermissionError === true ? 'in-place' : 'none',
    },
    renameMaxRetries: renameMaxRetries ?? 0,
    renameRetryBaseDelayMs: renameRetryBaseDelayMs ?? 50,
    throwOnCleanupError: throwOnCleanupError === true,
    assertMayChange: beforeMutation([{ assertBeforeMutation }]),
    onDestinationState,
    isWatched: [assertBeforeMutation, onDestinationState, beforeRename].some(isGiven),
    beforeRename: isGiven(beforeRename) ? (params) => (beforeRename as Function).call(given, params) : undefined,
    comparesContent: renameIdentity === 'verify-content-with-lock',
    injected: {
      tempPrefix: isGiven(tempPrefix) ? segmentOf(tempPrefix as string) : undefined,
      mode: bits,
      keepsMode,
      namesModes: isGiven(mode) || keepsMode || isGiven(askedDirMode),
      refusesHardlinks: destinationHardlinks === 'reject',
      copiesInPlace: copyFallbackOnPermissionError === true,
      syncsFile: Boolean(syncTempFile),
      syncsParent: Boolean(syncParentDir),
    },
  };
}

/** Returns whether an option is given. `null` is not, as in fs-safe. */
function isGiven(value: unknown) {
  return value !== undefined && value !== null;
}

function checkFunctions(callbacks: Record<string, unknown>) {
  for (const [name, callback] of Object.entries(callbacks)) {
    if (isGiven(callback) && typeof callback !== 'function') {
      throw invalidType(`options.${name}`, 'of type function', callback);
    }
  }
}

/** Returns the bytes of a view without a copy. */
function bytesOf({ buffer, byteOffset, byteLength }: ArrayBufferView) {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

const LARGEST_MODE = 0xffff_ffff;

const SETGID = 0o2000;
const STICKY = 0o1000;

/** Returns the permission bits of a mode. Drops setuid, setgid and sticky. */
function toBits(mode: unknown, name: string) {
  return toMode(mode, name) & 0o777;
}

/** Returns a mode, which may be text in octal digits, as for `node:fs`. */
function toMode(mode: unknown, name: string): number {
  if (typeof mode === 'string') {
    if (!/^[0-7]+$/.test(mode)) {
      throw invalidValue(name, 'must be a 32-bit unsigned integer or an octal string', mode);
    }
    return toMode(Number.parseInt(mode, 8), name);
  }
  if (typeof mode !== 'number') {
    throw invalidType(name, 'of type number, or text in octal digits', mode);
  }
  if (!Number.isInteger(mode) || mode < 0 || mode > LARGEST_MODE) {
    throw outOfRange(name, `an integer >= 0 and <= ${LARGEST_MODE}`, mode);
  }
  return mode;
}

/** Names of devices on Windows, with or without an extension. */
const DEVICES = /^(?:con|prn|aux|nul|com[0-9\u00b9\u00b2\u00b3]|lpt[0-9\u00b9\u00b2\u00b3])(?:\.|$)/i;

function isSegment(prefix: unknown) {
  return typeof prefix === 'string' && prefix !== '' && prefix !== '.' && prefix !== '..' && !/[\\/\0]/.test(prefix) && !DEVICES.test(prefix);
}

/** Returns the prefix for a file name, without characters that some file systems refuse. */
function segmentOf(prefix: string) {
  return prefix.replace(/[^A-Za-z0-9._-]+/g, '-');
}
