// The messages of fs-safe. Hosts show them, and match them and the first words of a cause.

import { os, path } from '../base/node.js';
import { own } from '../errors/holdfast-error.js';
import { escaped } from '../base/escape.js';
import { followed } from './links.js';
import { climbs } from './paths.js';
import { table } from '../base/lookup-table.js';

/** The sentence for a path that leads out of its root. Hosts match it. */
export const OUTSIDE = 'file is outside workspace root';

/**
 * Parameters of a message: the path of the call, the limit in bytes, and an error that precedes the system error in the
 * chain of causes.
 */
export interface Facts {
  given?: unknown;
  maxBytes?: unknown;
  cause?: Error;
}

export type Sentence = string | ((facts: Facts, error: any) => string);

/** Returns a path for a message: `~` for the home directory, and escapes for unprintable characters. */
function shortPath(given: string) {
  const home = os.homedir();
  const short = given === home ? '~' : given.startsWith(`${home}/`) ? `~${given.slice(home.length)}` : given;
  return escaped(short);
}

const device: (facts: Facts, error: any) => string = ({ given }, error) => `file reads from unsafe device paths are not allowed: ${shortPath(String(given ?? error.path))}`;

const tooLarge: (facts: Facts, error: any) => string = ({ maxBytes }, { size, limit = maxBytes }) => {
  const exceeds = limit === undefined ? 'file exceeds the limit' : `file exceeds limit of ${limit} bytes`;
  return size === undefined ? exceeds : `${exceeds} (got ${size})`;
};

const unusable: (what: string) => (facts: Facts) => string = (what) => ({ given }) => typeof given === 'string' && given.includes('\0') ? `${what} contains a NUL byte` : `${what} is not usable`;

/** The sentence of a path beneath a file, where a directory that is none has another. */
const beneathFile: (directory: string) => Sentence = (directory) => (_, { code }) => code === 'not-found' ? 'path alias escape blocked' : directory;

const READ = { 'not-found': 'file not found', 'not-file': 'not a file', 'device-path': device, 'too-large': tooLarge };

/** Messages by holdfast's code, for each kind of call. */
const SENTENCES: Record<string, Record<string, Sentence>> = Object.freeze({
  localRead: table({ ...READ, 'not-directory': 'file not found', symlink: 'symlink not allowed', 'invalid-path': unusable('file path') }),
  rootRead: table({
    ...READ,
    'not-directory': 'not a file',
    symlink: 'symlink path component not allowed',
    hardlink: 'hardlinked path not allowed',
    'outside-workspace': OUTSIDE,
    'path-mismatch': 'root path changed during operation',
    'invalid-path': unusable('relative path'),
  }),
  rootOpen: table({ 'path-mismatch': 'root path changed during operation', 'invalid-path': unusable('root dir') }),
  rootWrite: table({
    'not-found': 'file not found',
    'not-file': 'not a file',
    symlink: 'path alias escape blocked',
    hardlink: 'path alias escape blocked',
    'not-directory': 'path alias escape blocked',
    'outside-workspace': 'path alias escape blocked',
    'already-exists': 'file already exists',
    'path-mismatch': 'root path changed during operation',
    'invalid-path': unusable('relative path'),
  }),
  rootMkdir: table({
    'not-found': 'file not found',
    'not-directory': 'directory component must be a directory',
    symlink: 'path alias escape blocked',
    'outside-workspace': 'path alias escape blocked',
    'path-mismatch': 'root path changed during operation',
    'invalid-path': unusable('relative path'),
  }),
  rootStat: table({
    'not-found': 'file not found',
    'not-directory': 'path alias escape blocked',
    symlink: 'symlink path could not be resolved',
    'outside-workspace': 'path alias escape blocked',
    'path-mismatch': 'root path changed during operation',
    'invalid-path': unusable('relative path'),
  }),
  rootList: table({
    'not-found': 'directory not found',
    'not-directory': beneathFile('directory not found'),
    symlink: 'symlink path could not be resolved',
    'outside-workspace': 'path alias escape blocked',
    'path-mismatch': 'root path changed during operation',
    'invalid-path': unusable('relative path'),
  }),
  rootEntries: table({
    'not-found': 'directory not found',
    'not-directory': 'directory component must be a directory',
    symlink: 'symlink path component not allowed',
    'outside-workspace': OUTSIDE,
    'path-mismatch': 'root path changed during operation',
    'too-large': 'directory entry budget exceeded',
    'invalid-path': unusable('relative path'),
  }),
  rootRemove: table({
    'not-found': 'file not found',
    'not-directory': 'path alias escape blocked',
    symlink: 'path alias escape blocked',
    'outside-workspace': 'path alias escape blocked',
    'path-mismatch': 'root path changed during operation',
    'too-large': 'recursive removal budget exceeded',
    'invalid-path': unusable('relative path'),
  }),
  rootMove: table({
    'not-found': 'file not found',
    'not-directory': 'path alias escape blocked',
    symlink: 'path alias escape blocked',
    'outside-workspace': 'path alias escape blocked',
    'path-mismatch': 'root path changed during operation',
    'already-exists': 'destination exists',
    'invalid-path': unusable('relative path'),
  }),
  oldRootRead: table({
    ...READ,
    'not-file': 'path is not a regular file under root',
    'not-directory': 'file not found',
    'device-path': 'path is not a regular file under root',
    symlink: 'path is not a regular file under root',
    hardlink: 'hardlinked path not allowed',
    'outside-workspace': OUTSIDE,
  }),
  replace: table({
    symlink: 'atomic replace destination must not be a symbolic link',
    'not-file': 'atomic replace destination must be a regular file',
    hardlink: ({ given }: Facts) => `Hardlinked atomic replace destination not allowed: ${escaped(String(given))}`,
  }),
  oldRootWrite: table({
    'not-found': 'file not found',
    'not-file': 'path is not a regular file under root',
    'not-directory': 'path is not a regular file under root',
    symlink: 'path is not a regular file under root',
    hardlink: 'hardlinked path not allowed',
    'outside-workspace': OUTSIDE,
  }),
});

const REFUSED = table({
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EROFS: 'read-only filesystem',
  ENOSPC: 'no space left on device',
});

/** Returns the message for a system error in a write. */
export function systemSentence(code: string | undefined) {
  return code === 'ENAMETOOLONG' ? 'relative path is too long' : `${REFUSED[code ?? ''] ?? 'filesystem write failed'} (${code})`;
}

/**
 * Returns the cause of a refusal, for a host.
 *
 * @param root its real path
 */
export function causeOf(what: string, root: string, at: string, label: string = 'root') {
  return own(new Error(`${what} ${label} (${shortPath(root)}): ${shortPath(at)}`));
}

/**
 * Returns the cause for a path that leaves a root by its text.
 *
 * @param root its real path
 */
export function textEscape(root: string, given: string) {
  return path.isAbsolute(given) ? causeOf('Path escapes', root, given) : causeOf('Path resolves outside', root, path.resolve(root, given));
}

/**
 * Returns the cause for a path that leaves a root through a symlink; `undefined` for any other. Inspects by path, and runs only
 * after a refusal.
 *
 * @param root its real path
 * @param given relative
 */
export async function linkEscape(root: string, given: string): Promise<Error | undefined> {
  if (climbs(given)) {
    return undefined;
  }
  const { end, link } = await followed(root, given, true);
  return end === 'escape' ? causeOf('Symlink escapes', root, link as string) : undefined;
}

/**
 * Returns the cause for a file with several names.
 *
 * @param root its real path
 */
export function hardlinkCause(root: string, at: string) {
  return own(new Error(`Hardlinked path is not allowed under root (${shortPath(root)}): ${shortPath(at)}`));
}

export { SENTENCES };
