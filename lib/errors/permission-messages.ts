// The messages of errors about who may use a directory, or send a file.

import { shellWord } from '../base/escape.js';
import { isInHome, looksPrivate } from '../base/may-widen.js';
import { table } from '../base/lookup-table.js';
import type { Explained, Failure } from './failure.js';

export function describeDirectory(failure: Failure, at: string, location: string | Uint8Array | undefined): Explained {
  const owner = `it belongs to user ${failure.uid}, and ${asUser(failure)}`;
  if (failure.code === 'not-owned') {
    if (failure.detail === 'staged') {
      return { sentence: `the staged file for ${at} is not this user's: ${owner}` };
    }
    if (failure.detail === 'file') {
      return { sentence: `${at} is not this user's file, and is not overwritten: ${owner}` };
    }
    return {
      sentence: `${at} is not this user's directory: ${owner}`,
      remedy: isUnmapped(failure)
        ? `${MAPPED}.`
        : failure.euid === undefined || isSecretOfAnother(location)
          ? OF_THIS_USER
          : `${OF_THIS_USER} If this one is meant for the user, let root change its owner${command(`chown ${failure.euid} --`, location)}.`,
    };
  }
  if (process.platform === 'win32') {
    return {
      sentence: `${at} is not private: its ACL grants access to others, or another user owns it`,
      remedy: `Remove their entries from its ACL (icacls), ${OR_WITHOUT_PRIVACY}`,
    };
  }
  if (process.platform === 'darwin' && failure.detail === 'acl') {
    return {
      sentence: `${at} is not private: its ACL grants access to others (${owner})`,
      remedy: `Let its owner or root remove the ACL${command('chmod -N --', location)}, ${OR_WITHOUT_PRIVACY}`,
    };
  }
  if (failure.detail === 'exchangeable') {
    return {
      sentence: `${at} has mode ${octal(failure.mode)}, and another user may exchange entries that are created in it (${owner})`,
      remedy: "Use a directory that others may not write, by the option 'parent' or by TMPDIR, or one of root or this user with the sticky bit.",
    };
  }
  const why = WHY_NOT_PRIVATE[failure.detail] ?? `chmod failed with ${failure.detail}`;
  const how = HOW_TO_BE_PRIVATE[failure.detail] ?? removeAccess;
  return {
    sentence: `${at} has mode ${octal(failure.mode)} and is not private: ${why} (${owner})`,
    remedy: `${how(location, failure)}, ${OR_WITHOUT_PRIVACY}`,
  };
}

/**
 * Returns the command that removes the access of others. A directory of another owner is given to this user first: chmod
 * alone would take this user's access away as well.
 */
function removeAccess(location: string | Uint8Array | undefined, failure: Failure) {
  const { uid, euid } = failure;
  if (isUnmapped(failure)) {
    return MAPPED;
  }
  if (uid === euid && failure.detail === 'EPERM') {
    return `Let root remove the attribute that forbids changes, immutable or append-only${command('chattr -ia --', location)}`;
  }
  if (uid === euid) {
    return `Remove the access of others${command('chmod 0700 --', location)}`;
  }
  if (euid === undefined || isSecretOfAnother(location)) {
    return 'Use a directory that this user owns';
  }
  const how = location === undefined ? '' : command(`chown ${euid} -- ${shellWord(location)} && chmod 0700 --`, location);
  return `Let root give it to this user${how}`;
}

/** Returns whether a directory of another user may hold secrets, by its place or name: no command may give it away. */
function isSecretOfAnother(location: string | Uint8Array | undefined) {
  const path = typeof location === 'object' ? Buffer.from(location).toString('latin1') : location;
  return path !== undefined && (looksPrivate(path) || isInHome(path));
}

/** The id that stands for every user that a user namespace does not map (user_namespaces(7)). */
export const OVERFLOW_ID = 65534;

/**
 * Returns whether the process has the id that stands for users without a mapping. Outside of the namespace it is that of
 * another user, so that no command may name it.
 */
export function isUnmapped({ uid, euid }: Pick<Failure, 'uid' | 'euid'>) {
  return uid === OVERFLOW_ID && euid === undefined;
}

/** Returns the clause about the user of the process. */
export function asUser(failure: Pick<Failure, 'uid' | 'euid'>) {
  return isUnmapped(failure) ? `this process runs as user ${OVERFLOW_ID}, the id of every user that its user namespace does not map` : `this process runs as ${failure.euid === undefined ? 'another user' : `user ${failure.euid}`}`;
}

const MAPPED = 'Run the process as a user that its user namespace maps';
const OF_THIS_USER = 'Use a directory that this user owns.';
const OR_WITHOUT_PRIVACY = "or accept it: existing: 'tighten' or 'leave'.";
const OWN_DIRECTORY = 'Use a separate directory, beneath this one or elsewhere';

/** Returns a command with the exact path of the object, in parentheses; empty if that path is unknown. */
function command(words: string, location: string | Uint8Array | undefined) {
  return location === undefined ? '' : ` (${words} ${shellWord(location)})`;
}

const WHY_NOT_PRIVATE = table({
  '': 'it grants access to group or others',
  'no-effect': 'chmod has no effect on this file system',
  acl: 'it has named ACL entries, which chmod would silently disable',
  shared: 'it is shared with others',
  system: 'it is a system directory',
  EROFS: 'its file system is mounted read-only',
});

const HOW_TO_BE_PRIVATE: Record<string, (location: string | Uint8Array | undefined, failure: Failure) => string> = table({
  'no-effect': () => 'Mount the file system with uid= and umask=0077, use a directory on another one',
  acl: (location) => `List the entries of its ACL${command('getfacl --', location)}, and let its owner or root remove the entries that are not needed`,
  shared: () => OWN_DIRECTORY,
  system: () => OWN_DIRECTORY,
  EROFS: () => 'Use a directory on a writable file system',
});

/** For media, the sender changes the mode: a chmod by the reader may expose a secret. */
const SENDABLE = 'If this file is meant to be sent, let its producer write it with mode 0644 (writeAtomic with mode: 0o644, whatever the umask)';

export function describeOutbound(failure: Failure, at: string): Explained {
  const { detail, mode, uid, euid } = failure;
  const asReader = euid === undefined ? `while ${asUser(failure)}` : `while this process runs as uid ${euid}`;
  const owner = uid === euid ? `owner uid ${uid}` : `owner uid ${uid}, ${asReader}`;
  switch (detail) {
    case 'mode':
      return {
        sentence: `${at} may not be sent: its mode is ${octal(mode)} (${owner}), and group and others must be able to read it`,
        remedy: `${SENDABLE}; to send files that only their owner may read, set outbound: { allowOwnerOnly: true }.`,
      };
    case 'denied':
      return {
        sentence: `${at} may not be sent: this process cannot read it, because its mode is ${octal(mode)} (${owner})`,
        remedy: `${SENDABLE}.`,
      };
    case 'parent':
      return {
        sentence: `${at} may not be sent: a directory on the way to it cannot be searched, ${asReader}`,
        remedy: 'If this file is meant to be sent, let its producer put it into a directory that this user may search.',
      };
    case 'security':
      return {
        sentence: `${at} may not be sent: its mode would let this process read it, so an ACL or a security module refused it, ${asReader}`,
        remedy: 'If this file is meant to be sent, look for an ACL (getfacl), or in the audit log of SELinux or AppArmor.',
      };
    default:
      return { sentence: `${at} may not be sent: opening it was refused, ${asReader}` };
  }
}

function octal(mode: number | undefined) {
  return mode === undefined ? 'unknown' : (mode & 0o7777).toString(8).padStart(4, '0');
}
