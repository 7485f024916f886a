// Computes from a mode and an ACL who would gain access by a command, before the command is advised.

import { shellWord } from '../../base/escape.js';
import type { Facts } from './facts.js';

/**
 * Returns whether a new entry for a user would widen what another entry permits. setfacl(1) computes a new mask, as
 * the union of all entries of the group class, so that bits that the mask disabled are in effect again.
 */
export function widensOthers({ acl }: Facts, uid: number) {
  if (acl === null) return false;
  if (!acl.isKnown) return true;
  const entries = acl.entries.map((entry) => /^(\w+):(\d*):([r-][w-][x-])$/.exec(entry));
  const mask = entries.find((entry) => entry?.[1] === 'mask')?.[3];
  return entries.some((entry) => {
    if (entry === null) return true;
    const [, kind, id, bits] = entry;
    const isMasked = kind === 'group' || (kind === 'user' && id !== '' && id !== String(uid));
    return isMasked && mask !== undefined && [...bits].some((bit, place) => bit !== '-' && mask[place] === '-');
  });
}

/** Returns whether the owner may read, write and search, by the mode. An ACL has the same entry for the owner. */
export function hasAllOfOwner({ mode }: Facts) {
  return (parseInt(mode, 8) & 0o700) === 0o700;
}

/** Returns the command with which root gives a directory to a user, who then may write it. No other user gains access. */
export function giveDirectory(uid: number, word: string, facts: Facts) {
  return `chown ${uid} -- ${word}${hasAllOfOwner(facts) ? '' : ` && chmod u+rwx -- ${word}`}`;
}

/** Returns the command with which the owner of a directory opens it to himself. The mask of an ACL stays. */
export function openToOwner(path: string) {
  return `chmod u+rwx -- ${shellWord(path)}`;
}
