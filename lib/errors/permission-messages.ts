// The messages of errors about who may use a directory, or send a file.

import { shellWord } from '../base/escape.js';
import { isInHome, looksPrivate } from '../base/may-widen.js';
import { table } from '../base/lookup-table.js';
import type { Explained, Failure } from './failure.js';

export function describeDirectory(failure: Failure, at: string, location: string | Uint8Array | undefined): Explained {
  const owner = `it belongs to user ${failure.uid}, and this process runs as user ${failure.euid}`;
  if (failure.code === 'not-owned') {
    if (failure.detail === 'staged') {
      return { sentence: `what was staged for ${at} is not this user's: ${owner}` };
    }
    if (failure.detail === 'file') {
      return { sentence: `${at} is not this user's file, and is not written over: ${owner}` };
    }
    return {
      sentence: `${at} is not this user's directory: ${owner}`,
      remedy: isSecretOfAnother(location)
        ? OF_THIS_USER
        : `${OF_THIS_USER} If this one is meant for the user, have root change its owner${command(`chown ${failure.euid} --`, location)}.`,
    };
  }
  if (process.platform === 'win32') {
    return {
      sentence: `${at} is not private: its ACL lets others in, or another user owns it`,
      remedy: `Take them out of its ACL (icacls), ${OR_WITHOUT_PRIVACY}`,
    };
  }
  if (process.platform === 'darwin' && failure.detail === 'acl') {
    return {
      sentence: `${at} is not private: its ACL lets others in (${owner})`,
      remedy: `Have its owner or root remove the ACL${command('chmod -N --', location)}, ${OR_WITHOUT_PRIVACY}`,
    };
  }
  if (failure.detail === 'exchangeable') {
    return {
      sentence: `${at} has mode ${octal(failure.mode)}, and another user may exchange what is made in it (${owner})`,
      remedy: "Use a directory that others may not write, by the option 'parent' or by TMPDIR, or one of root or this user with the sticky bit.",
    };
  }
  const why = WHY_NOT_PRIVATE[failure.detail] ?? `chmod answered ${failure.detail}`;
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
function removeAccess(location: string | Uint8Array | undefined, { uid, euid }: Failure) {
  if (uid === euid) {
    return `Remove the access of others${command('chmod 0700 --', location)}`;
  }
  if (isSecretOfAnother(location)) {
    return 'Use a directory that this user owns';
  }
  const how = location === undefined ? '' : command(`chown ${euid} -- ${shellWord(location)} && chmod 0700 --`, location);
  return `Have root give it to this user alone${how}`;
}

/** Returns whether a directory of another user may hold secrets, by its place or name: no command may give it away. */
function isSecretOfAnother(location: string | Uint8Array | undefined) {
  const path = typeof location === 'object' ? Buffer.from(location).toString('latin1') : location;
  return path !== undefined && (looksPrivate(path) || isInHome(path));
}

const OF_THIS_USER = 'Use a directory that this user owns.';
const OR_WITHOUT_PRIVACY = "or do without privacy: existing: 'tighten' or 'leave'.";
const OWN_DIRECTORY = 'Use a directory of its own, beneath this one or elsewhere';

/** Returns a command with the exact path of the object, in parentheses; empty if that path is unknown. */
function command(words: string, location: string | Uint8Array | undefined) {
  return location === undefined ? '' : ` (${words} ${shellWord(location)})`;
}

const WHY_NOT_PRIVATE = table({
  '': 'it grants access to group or others',
  'no-effect': 'chmod has no effect on this file system',
  acl: 'it has ACL entries by name, which chmod would disable without a word',
  shared: 'others share it by design',
  system: 'it is a directory of the system',
  EROFS: 'its file system is mounted read-only',
});

const HOW_TO_BE_PRIVATE: Record<string, (location: string | Uint8Array | undefined, failure: Failure) => string> = table({
  'no-effect': () => 'Mount the file system with uid= and umask=0077, use a directory on another one',
  acl: (location) => `See whom its ACL names${command('getfacl --', location)}, and have its owner or root remove the entries that nobody needs`,
  shared: () => OWN_DIRECTORY,
  system: () => OWN_DIRECTORY,
  EROFS: () => 'Use a directory on a file system that can be written',
});

/** For media, the sender changes the mode: a chmod by the reader may expose a secret. */
const SENDABLE = 'If this file is meant to be sent, have whatever produces it give it mode 0644 (writeAtomic with mode: 0o644 does, whatever the umask)';

export function describeOutbound(failure: Failure, at: string): Explained {
  const { detail, mode, uid, euid } = failure;
  const owner = uid === euid ? `owner uid ${uid}` : `owner uid ${uid}, while this process runs as uid ${euid}`;
  const asUser = `while this process runs as uid ${euid}`;
  switch (detail) {
    case 'mode':
      return {
        sentence: `${at} may not be sent: its mode is ${octal(mode)} (${owner}), and group and others must be able to read it`,
        remedy: `${SENDABLE}; where files that only their owner may read are sent on purpose, set outbound: { allowOwnerOnly: true }.`,
      };
    case 'denied':
      return {
        sentence: `${at} may not be sent: this process cannot read it, for its mode is ${octal(mode)} (${owner})`,
        remedy: `${SENDABLE}.`,
      };
    case 'parent':
      return {
        sentence: `${at} may not be sent: a directory on the way to it cannot be searched, ${asUser}`,
        remedy: 'If this file is meant to be sent, have whatever produces it put it into a directory that this user may search.',
      };
    case 'security':
      return {
        sentence: `${at} may not be sent: its mode would let this process read it, so an ACL or a security module refused it, ${asUser}`,
        remedy: 'If this file is meant to be sent, look for an ACL (getfacl), or in the audit log of SELinux or AppArmor.',
      };
    default:
      return { sentence: `${at} may not be sent: opening it was refused, ${asUser}` };
  }
}

function octal(mode: number | undefined) {
  return mode === undefined ? 'unknown' : (mode & 0o7777).toString(8).padStart(4, '0');
}
