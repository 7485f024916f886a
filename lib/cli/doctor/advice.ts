// Advice for a verb that fails or does not reach privacy: shell commands, settings, code.

import nodePath = require('node:path');
import { giveDirectory, hasAllOfOwner, openToOwner, widensOthers } from './access.js';
import { looksPrivate } from '../../base/may-widen.js';
import { native } from '../../native/load.js';
import { isMapped, octal } from './process.js';
import { printableJson, shellWord } from '../../base/escape.js';
import type { Facts, Inspection } from './facts.js';
import type { Mount } from './mounts.js';

export interface Advice {
  text: string;
  /** for a shell */
  command?: string;
  /** of the environment, or of a pod */
  setting?: string;
  /** of the program */
  code?: string;
}

/** Returns a string literal that is valid in JavaScript, JSON and YAML. */
export function literal(text: string) {
  return printableJson(text);
}

export function adviseOn(verb: string, { result, error }: { result?: Record<string, unknown>; error?: Record<string, unknown> }, inspection: Inspection): Advice[] {
  const advice =
    error === undefined
      ? onDirectory(String(result?.reason), inspection)
      : verb === 'outbound'
        ? onOutbound(error, inspection)
        : onError(verb, error, inspection);
  return isMapped(inspection.who.euid) ? advice : withoutUser(advice, inspection);
}

/**
 * Replaces advice that names the user of this process, or a directory of this user, where the user namespace does not
 * map it: outside, its id is that of another user.
 */
function withoutUser(advice: Advice[], { who }: Inspection): Advice[] {
  const named = new RegExp(`\\b(?:chown |u:|uid=)${who.euid}\\b`);
  const rest = advice.filter(({ command, text }) => text !== BENEATH && !(command !== undefined && named.test(command)));
  return rest.length === advice.length ? rest : [{ text: 'Run the process as a user that its user namespace maps: its id stands for every user without a mapping.' }, ...rest];
}

const BENEATH = 'Use a directory beneath it: this process will own it, and it will be private.';

function ownSubdirectory({ path, facts }: Inspection): Advice {
  if (facts !== null && native().isSystemDirectory(facts.realPath) && !/^\/(?:var\/)?tmp$/.test(facts.realPath)) {
    return { text: 'Use another directory: this is a system directory, whose mode its programs rely on.' };
  }
  if (facts !== null && !(facts.access.write && facts.access.search)) {
    return { text: 'Use another directory: this process may not create anything in this one.' };
  }
  const code = `await ensureDir(${literal(nodePath.join(path, 'private'))})`;
  return { text: BENEATH, code };
}

function acceptance({ path }: Inspection): Advice[] {
  return [
    { text: 'Or accept it for this call.', code: `await ensureDir(${literal(path)}, { existing: 'leave' })` },
    { text: 'Or accept it in the whole process.', setting: 'HOLDFAST_SKIP_DIR_HARDENING=1' },
  ];
}

/** Returns whether a directory of another user may hold secrets: no command may give it away. */
function isSecretOfAnother({ realPath, isOwn }: Facts) {
  return !isOwn && looksPrivate(realPath);
}

function takeOver({ path, facts, who }: Inspection): Advice[] {
  if (facts !== null && native().isSystemDirectory(facts.realPath)) {
    return [];
  }
  if (facts !== null && isSecretOfAnother(facts)) {
    return [{ text: `It belongs to user ${facts.uid}, and by its path or name it is not meant for others.` }];
  }
  const word = shellWord(path);
  return [{ text: 'If no other user needs it, let root give it to this user.', command: `chown ${who.euid} -- ${word} && chmod 0700 -- ${word}` }];
}

/**
 * Returns advice to remove an ACL. The ACL may be the only access of a process that does not own the directory: the
 * command makes its user the owner first.
 */
function removeAcl({ path, facts, who }: Inspection): Advice[] {
  const word = shellWord(path);
  const command = `setfacl -b -- ${word} && chmod 0700 -- ${word}`;
  if (facts === null || facts.isOwn) {
    return [{ text: 'If these users do not need it, remove the ACL.', command }];
  }
  if (isSecretOfAnother(facts)) {
    return [{ text: `It belongs to user ${facts.uid}, and by its path or name it is not meant for others.` }];
  }
  return [{ text: 'If no other user needs it, let root give it to this user and remove the ACL.', command: `chown ${who.euid} -- ${word} && ${command}` }];
}

/** Returns advice for a directory that is usable but not private. */
function onDirectory(reason: string, inspection: Inspection): Advice[] {
  const { path, facts } = inspection;
  const word = shellWord(path);
  switch (reason) {
    case 'EPERM':
      if (facts?.attributes.includes('immutable') || facts?.attributes.includes('append-only')) {
        return [{ text: 'As root, remove the attribute.', command: `chattr -i -a -- ${word}` }, ...acceptance(inspection)];
      }
      return [ownSubdirectory(inspection), ...takeOver(inspection), ...acceptance(inspection)];
    case 'EROFS':
      return [...writableMount(inspection), ...acceptance(inspection)];
    case 'acl':
      return [
        { text: 'List the users and groups in the ACL.', command: `getfacl -- ${word}` },
        ...removeAcl(inspection),
        ...acceptance(inspection),
      ];
    case 'shared':
      return [ownSubdirectory(inspection), ...acceptance(inspection)];
    case 'owner':
      return [ownSubdirectory(inspection), ...takeOver(inspection)];
    case 'no-effect':
      return [
        {
          text: 'The file system has no modes; its mount options decide.',
          command: `mount -o remount,umask=0077,uid=${inspection.who.euid} -- ${mountWord(inspection)}`,
        },
        ...acceptance(inspection),
      ];
    default:
      return [ownSubdirectory(inspection), ...acceptance(inspection)];
  }
}

/**
 * Returns the mount point for a shell, byte for byte. In the report its name has U+FFFD for bytes that are not UTF-8.
 */
function mountWord({ facts, path }: Inspection) {
  return shellWord(facts?.mount?.exactMountPoint ?? path);
}

/** Returns whether a remount can make a mount writable: not an overlay without an upper directory. */
function isReadOnly({ type, options, superOptions }: Mount) {
  const isFixed = type === 'overlay' && !superOptions.some((option) => option.startsWith('upperdir='));
  return options.includes('ro') || (superOptions.includes('ro') && !isFixed);
}

export function writableMount({ facts: ofPath, directory, path }: Inspection): Advice[] {
  // A file that is a mount of its own may be writable in a directory that is not.
  const facts = ofPath?.kind === 'directory' || directory === undefined ? ofPath : directory;
  const mount = facts?.mount;
  const place = mount?.mountPoint ?? path;
  // Only the mount is read-only: the file system, which others may use, stays unchanged.
  const isBind = mount?.options.includes('ro') && mount.superOptions.includes('rw');
  if (place === '/') {
    return [
      { text: 'The root file system is read-only (readOnlyRootFilesystem, docker --read-only): mount a volume for written files.', setting: `volumeMounts: [{ name: data, mountPath: ${literal(path)} }]` },
    ];
  }
  if (mount && !isReadOnly(mount)) {
    return [{ text: 'The file system itself refuses changes, as a read-only snapshot or subvolume does, or an overlay without an upper directory. Use another directory.' }];
  }
  return [
    { text: 'As root, make the mount writable.', command: `mount -o remount,${isBind ? 'bind,' : ''}rw -- ${shellWord(mount?.exactMountPoint ?? path)}` },
    { text: 'In a pod, check the volume mount. ConfigMaps and Secrets are always read-only.', setting: 'volumeMounts[].readOnly: false' },
  ];
}

/** Returns the directory in which a write would create its file. */
function directoryOf({ path, exists, facts }: Inspection) {
  return exists && facts?.kind === 'directory' ? path : nodePath.dirname(path);
}

function onError(verb: string, error: Record<string, unknown>, inspection: Inspection): Advice[] {
  const { path } = inspection;
  switch (error.code) {
    case 'EACCES':
      return verb === 'readLocalFileSafely' ? onDeniedRead(inspection) : onDeniedWrite(verb, inspection);
    case 'EROFS':
      return writableMount(inspection);
    case 'ENOSPC':
      return onFull(inspection);
    case 'EBUSY':
      return [
        { text: 'A single file is mounted here, and a rename cannot replace a mount point. Mount the directory instead, without subPath.', setting: `mountPath: ${literal(nodePath.dirname(path))}` },
        ...withOptions(verb, inspection),
      ];
    case 'EPERM':
      return onForbiddenWrite(inspection);
    case 'symlink':
      return onLink(verb, inspection);
    case 'not-found':
      return onMissing(verb, error, inspection);
    default:
      return typeof error.remedy === 'string' ? [{ text: error.remedy }] : [];
  }
}

/**
 * Returns advice for a missing parent. The user can make it, but not if a symlink leads to nothing or the working
 * directory was removed.
 */
function onMissing(verb: string, error: Record<string, unknown>, inspection: Inspection): Advice[] {
  const { path, helpful = [] } = inspection;
  if (helpful.length > 0) {
    return [
      ...withOptions(verb, inspection),
      { text: 'Create the directory first.', command: `mkdir -p -m 0700 -- ${shellWord(directoryOf(inspection))}` },
    ];
  }
  if (verb === 'writeAtomic' && isForbidden(inspection)) {
    return onDeniedWrite(verb, inspection);
  }
  const way = { text: 'This shows where the path ends.', command: `namei -l -- ${shellWord(path)}` };
  return typeof error.remedy === 'string' ? [{ text: error.remedy }, way] : [way];
}

/** Returns advice for EPERM of a rename: an attribute of the file or its directory, or a sticky directory. */
function onForbiddenWrite({ path, exists, facts, directory = null }: Inspection): Advice[] {
  const fixed = [facts, directory].find((one) => one?.attributes.some((attribute) => attribute !== 'mount-point'));
  if (fixed) {
    const at = exists && fixed === facts ? path : nodePath.dirname(path);
    return [{ text: 'As root, remove the attribute.', command: `chattr -i -a -- ${shellWord(at)}` }];
  }
  if (directory !== null && (parseInt(directory.mode, 8) & 0o1000) !== 0) {
    return [{ text: 'The directory is sticky: only the owner of the file, or of the directory, may replace it. Write under another name, or let its owner remove the file.' }];
  }
  return [{ text: `The file system refuses it${directory?.mount ? ` (${directory.mount.type})` : ''}: write the file elsewhere.` }];
}

export function onDeniedRead({ path, exists, facts, who }: Inspection): Advice[] {
  const word = shellWord(path);
  if (!exists || facts === null) {
    return [{ text: 'A directory on the way cannot be searched; this lists them with their modes.', command: `namei -l -- ${word}` }];
  }
  if (facts.isOwn && (parseInt(facts.mode, 8) & 0o400) !== 0) {
    return [{ text: 'It belongs to this user, and neither its mode nor its ACL denies access: check the audit log of a security module.' }];
  }
  if (facts.isOwn) {
    return [{ text: 'It belongs to this user, and its mode denies access to the owner.', command: `chmod u+r -- ${word}` }];
  }
  const theirs = `It belongs to user ${facts.uid}, and ${facts.acl?.namesSomebody ? 'its ACL' : 'its mode'} denies access to this process.`;
  if (looksPrivate(facts.realPath)) {
    return [{ text: `${theirs} By its path or name it is not meant for others.` }];
  }
  if (widensOthers(facts, who.euid)) {
    return [{ text: `${theirs} The mask of its ACL disables entries of others, and a new entry would enable them again. If the process is meant to read it, let its owner make a copy for this user.` }];
  }
  return [{ text: `${theirs} If the process is meant to read it, let its owner or root allow that to this user only.`, command: `setfacl -m u:${who.euid}:r -- ${word}` }];
}

/** Returns whether the nearest directory that exists lets this process create nothing in it. */
function isForbidden({ exists, facts }: Inspection) {
  return !exists && facts?.kind === 'directory' && !(facts.access.write && facts.access.search);
}

/** Returns whether the directory is missing in which the verb would create something. */
function lacksDirectory({ exists, path, place }: Inspection) {
  return !exists && nodePath.dirname(path) !== place;
}

/** Returns advice for a missing directory beneath one in which this process may not create anything. */
function makeByRoot(verb: string, { path, who }: Inspection): Advice {
  const word = shellWord(verb === 'ensureDir' ? path : nodePath.dirname(path));
  return { text: 'If it is meant for this user, let root create the directory.', command: `mkdir -p -m 0700 -- ${word} && chown ${who.euid} -- ${word}` };
}

/** Returns advice for a directory of this user that its mode keeps from its owner. */
function openOwn(verb: string, inspection: Inspection, dir: string): Advice {
  const parent = nodePath.dirname(inspection.path);
  // `chmod` alone does not help a write whose parent directory is missing.
  const parents = verb === 'writeAtomic' && lacksDirectory(inspection) ? ` && mkdir -p -m 0700 -- ${shellWord(parent)}` : '';
  return { text: 'The directory belongs to this user, and its mode denies access to the owner.', command: openToOwner(dir) + parents };
}

/** Returns the directory that exists and in which the verb would create something. */
function existingDirectory({ path, exists, facts, place }: Inspection) {
  if (!exists) return place;
  return facts?.kind === 'directory' ? path : nodePath.dirname(path);
}

export function onDeniedWrite(verb: string, inspection: Inspection): Advice[] {
  const { path, facts, who, directory } = inspection;
  const dir = existingDirectory(inspection);
  const word = shellWord(dir);
  const way = { text: 'List the owners and modes of the directories on the way.', command: `namei -l -- ${shellWord(path)}` };
  const above = directory ?? facts;
  if (above === null || above.kind !== 'directory') {
    return [way];
  }
  if (native().isSystemDirectory(above.realPath) || looksPrivate(above.realPath)) {
    return [{ text: 'Write elsewhere: by its path or name the directory is not meant for this user.' }, way];
  }
  if (above.isOwn) {
    return hasAllOfOwner(above) ? [way] : [openOwn(verb, inspection, dir), way];
  }
  if (lacksDirectory(inspection)) {
    return [makeByRoot(verb, inspection), way];
  }
  if (above.uid !== 0) {
    const theirs = `The directory belongs to user ${above.uid}.`;
    if (widensOthers(above, who.euid)) {
      return [{ text: `${theirs} The mask of its ACL disables entries of others, and a new entry would enable them again. Let its owner create a directory for this user.` }, way];
    }
    return [{ text: `${theirs} If this user is meant to write there, let its owner or root allow that to this user only.`, command: `setfacl -m u:${who.euid}:rwx -- ${word}` }, way];
  }
  return [
    { text: 'If it is meant for this user, let root give the directory to it.', command: giveDirectory(who.euid, word, above) },
    ...throughGroup(above, who, word),
    way,
  ];
}

/** Returns advice to let the group of a process write a directory. With an ACL, `chmod g+rwx` would raise its mask only. */
function throughGroup({ gid, acl }: Facts, who: Inspection['who'], word: string): Advice[] {
  if (acl !== null) return [];
  const isMember = gid === who.egid || who.groups.includes(gid);
  return isMember
    ? [{ text: 'Or let its group write it, to which this process belongs.', command: `chmod g+rwx -- ${word}` }]
    : [{ text: 'Or, in a pod, give the volume to a group of the process.', setting: `securityContext.fsGroup: ${who.egid}` }];
}

function onFull(inspection: Inspection): Advice[] {
  const { facts } = inspection;
  const place = mountWord(inspection);
  const ofInodes = facts?.space.freeInodes === 0;
  const advice = [
    { text: ofInodes ? 'No inode is free: remove files.' : 'No block is free: remove files.', command: `df ${ofInodes ? '-i' : '-h'} -- ${place}` },
  ];
  if (facts?.mount?.type === 'tmpfs' && !ofInodes) {
    advice.push({ text: 'Or, as root, give this tmpfs more memory (in a pod: emptyDir.sizeLimit).', command: `mount -o remount,size=${Math.max(2, Math.ceil((facts.space.totalBytes * 2) / (1 << 20)))}m -- ${place}` });
  }
  return advice;
}

/** The kind of object that a verb is meant for. */
const KINDS: Record<string, string> = { ensureDir: 'directory', writeAtomic: 'file', readLocalFileSafely: 'file', outbound: 'file' };

function onLink(verb: string, inspection: Inspection): Advice[] {
  const { leadsTo, path } = inspection;
  if (leadsTo !== null && leadsTo.kind !== 'other' && leadsTo.kind !== KINDS[verb]) {
    return [{ text: `It leads to a ${leadsTo.kind}: this call is for a ${KINDS[verb]}.` }];
  }
  const shows = { text: leadsTo ? 'This shows where it leads.' : 'It has no target; this shows where it ends.', command: `namei -l -- ${shellWord(path)}` };
  // A name that is not UTF-8 has U+FFFD here, which is another name.
  const own = leadsTo && !leadsTo.path.includes('\ufffd') ? { text: 'Use the path it leads to.', code: callOf(verb, leadsTo.path, {}) } : shows;
  return [own, ...withOptions(verb, inspection)];
}

/** Advice for each option with which a verb would succeed. */
const GOOD_FOR: Record<string, string> = {
  'in-place': 'Or give up atomicity for this file.',
  follow: 'Or write to the target of the link; the link stays.',
  replace: 'Or replace the link with the file.',
  'follow-trusted': 'Or follow links that root or this user owns, in directories that no other user may write.',
  true: 'Create the directory with the write.',
};

function withOptions(verb: string, { path, helpful = [] }: Inspection): Advice[] {
  return helpful.map((options) => ({
    text: GOOD_FOR[String(Object.values(options)[0])],
    code: callOf(verb, path, options),
  }));
}

function callOf(verb: string, path: string, options: object) {
  const entries = Object.entries(verb === 'outbound' ? { ...options, outbound: true } : options);
  const shown = entries.map(([name, value]) => `${name}: ${typeof value === 'string' ? `'${value}'` : value}`).join(', ');
  const words = [literal(path), ...(verb === 'writeAtomic' ? ['data'] : []), ...(shown === '' ? [] : [`{ ${shown} }`])];
  return `await ${verb === 'outbound' ? 'readLocalFileSafely' : verb}(${words.join(', ')})`;
}

function onOutbound(error: Record<string, unknown>, inspection: Inspection): Advice[] {
  if (error.code !== 'OUTBOUND_MEDIA_PERMS_TOO_RESTRICTIVE') {
    return onError('readLocalFileSafely', error, inspection);
  }
  const { path, facts } = inspection;
  if (facts === null || !inspection.exists) {
    return [{ text: 'A directory on the way cannot be searched; this lists them with their modes.', command: `namei -l -- ${shellWord(path)}` }];
  }
  const mode = octal(parseInt(facts.mode, 8) | 0o444);
  if (mode === facts.mode) {
    return [{ text: 'Its mode is not the cause: check for an ACL, and the audit log of a security module.', command: `getfacl -- ${shellWord(path)}` }];
  }
  if (looksPrivate(facts.realPath)) {
    return [{ text: `It belongs to user ${facts.uid}, and by its path or name it is not meant for others. If it is meant to be sent, let its owner make a copy with mode 0644.` }];
  }
  const advice: Advice[] = [{ text: 'If it is meant to be sent, let the producer write it with this mode, whatever its umask.', code: `await writeAtomic(${literal(path)}, data, { mode: 0o644 })` }];
  if (!facts.isOwn) {
    return [{ ...advice[0], text: `It belongs to user ${facts.uid}. If it is meant to be sent, let that user write it with this mode, whatever the umask.` }];
  }
  if (facts.access.read) {
    advice.push({ text: 'Or allow sending files that only their owner may read.', code: 'outbound: { allowOwnerOnly: true }' });
  }
  advice.push({ text: 'Or, if every user of this machine may read it, change this one file.', command: `chmod ${mode} -- ${shellWord(path)}` });
  return advice;
}
