'use strict';

// What to change where a verb falls short: commands that can be pasted, settings, and code.

const nodePath = require('node:path');
const { octal } = require('./doctor-process.js');

/**
 * @typedef {object} Advice
 * @property {string} text
 * @property {string} [command] for a shell
 * @property {string} [setting] of the environment, or of a pod
 * @property {string} [code] of the program
 */

/** @typedef {import('./doctor-verdicts.js').Ground} Ground */

/**
 * A word for a POSIX shell, whatever it contains. Control characters need the `$'…'` of bash, ksh, zsh and busybox.
 *
 * @param {string} text
 */
function shellWord(text) {
  if (/[\u0000-\u001f\u007f]/.test(text)) {
    const escaped = text.replace(/[\\']/g, '\\$&').replace(/[\u0000-\u001f\u007f]/g, (control) => `\\x${control.charCodeAt(0).toString(16).padStart(2, '0')}`);
    return `$'${escaped}'`;
  }
  return /^[\w@%+=:,./-]+$/.test(text) && !text.startsWith('-') ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

/**
 * @param {string} text a word of JavaScript
 */
function literal(text) {
  return JSON.stringify(text);
}

/**
 * @param {string} verb
 * @param {{ result?: Record<string, unknown>, error?: Record<string, unknown> }} found
 * @param {Ground} ground
 * @returns {Advice[]}
 */
function adviseOn(verb, { result, error }, ground) {
  if (error !== undefined) {
    return verb === 'outbound' ? onOutbound(error, ground) : onError(verb, error, ground);
  }
  return onDirectory(String(result?.reason), ground);
}

/** @param {Ground} ground @returns {Advice} */
function ownSubdirectory({ path }) {
  const code = `await ensureDir(${literal(nodePath.join(path, 'private'))})`;
  return { text: 'Use a directory beneath it: this process will own it, and it will be private.', code };
}

/** @param {Ground} ground @returns {Advice[]} */
function acceptance({ path }) {
  return [
    { text: 'Or accept it as it is, here', code: `await ensureDir(${literal(path)}, { existing: 'leave' })` },
    { text: 'or in the whole process.', setting: 'HOLDFAST_SKIP_DIR_HARDENING=1' },
  ];
}

/** @param {Ground} ground @returns {Advice} */
function takeOver({ path, who }) {
  const word = shellWord(path);
  return { text: 'Or have root give it to this user.', command: `chown ${who.euid} -- ${word} && chmod 0700 -- ${word}` };
}

/**
 * A directory that works and is not private.
 *
 * @param {string} reason
 * @param {Ground} ground
 * @returns {Advice[]}
 */
function onDirectory(reason, ground) {
  const { path, facts } = ground;
  const word = shellWord(path);
  switch (reason) {
    case 'EPERM':
      if (facts?.attributes.includes('immutable') || facts?.attributes.includes('append-only')) {
        return [{ text: 'As root, take the attribute away.', command: `chattr -i -a -- ${word}` }, ...acceptance(ground)];
      }
      return [ownSubdirectory(ground), takeOver(ground), ...acceptance(ground)];
    case 'EROFS':
      return [...writableMount(ground), ...acceptance(ground)];
    case 'acl':
      return [
        { text: 'See whom the ACL names.', command: `getfacl -- ${word}` },
        { text: 'If nobody of them needs it, take the ACL away.', command: `setfacl -b -- ${word} && chmod 0700 -- ${word}` },
        ...acceptance(ground),
      ];
    case 'shared':
      return [ownSubdirectory(ground), ...acceptance(ground)];
    case 'owner':
      return [takeOver(ground), ownSubdirectory(ground)];
    case 'no-effect':
      return [
        {
          text: 'The file system has no modes; its mount options decide.',
          command: `mount -o remount,umask=0077,uid=${ground.who.euid} -- ${shellWord(facts?.mount?.mountPoint ?? path)}`,
        },
        ...acceptance(ground),
      ];
    default:
      return [ownSubdirectory(ground), ...acceptance(ground)];
  }
}

/** @param {Ground} ground @returns {Advice[]} */
function writableMount({ facts, path }) {
  const place = facts?.mount?.mountPoint ?? path;
  // The mount alone is read-only: the file system, which others may use too, stays as it is.
  const isBind = facts?.mount?.options.includes('ro') && facts.mount.superOptions.includes('rw');
  if (place === '/') {
    return [
      { text: 'The root file system is read-only (readOnlyRootFilesystem, docker --read-only): mount a volume for what is written.', setting: `volumeMounts: [{ name: data, mountPath: ${literal(path)} }]` },
    ];
  }
  return [
    { text: 'As root, make the mount writable.', command: `mount -o remount,${isBind ? 'bind,' : ''}rw -- ${shellWord(place)}` },
    { text: 'In a pod, the volume mount says so; ConfigMaps and Secrets are always read-only.', setting: 'volumeMounts[].readOnly: false' },
  ];
}

/**
 * The directory in which a write would make its file.
 *
 * @param {Ground} ground
 */
function directoryOf({ path, exists, facts }) {
  return exists && facts?.kind === 'directory' ? path : nodePath.dirname(path);
}

/**
 * @param {string} verb
 * @param {Record<string, unknown>} error
 * @param {Ground} ground
 * @returns {Advice[]}
 */
function onError(verb, error, ground) {
  const { path, facts, who } = ground;
  const word = shellWord(path);
  const dir = shellWord(directoryOf(ground));
  switch (error.code) {
    case 'EACCES':
      return verb === 'readLocalFileSafely' ? onDeniedRead(ground) : onDeniedWrite(ground);
    case 'EROFS':
      return writableMount(ground);
    case 'ENOSPC':
      return onFull(ground);
    case 'EBUSY':
      return [
        { text: 'A single file is mounted here, and no rename replaces a mount point. Mount the directory instead, without subPath.', setting: `mountPath: ${literal(nodePath.dirname(path))}` },
        ...withOptions(verb, ground),
      ];
    case 'EPERM':
      if (facts?.attributes.some((attribute) => attribute !== 'mount-point')) {
        return [{ text: 'As root, take the attribute away.', command: `chattr -i -a -- ${word}` }];
      }
      return [{ text: 'The directory is sticky: only the owner of the file may replace it.', command: `chown ${who.euid} -- ${word}` }];
    case 'symlink':
      return onLink(verb, ground);
    case 'not-found':
      return [
        ...withOptions(verb, ground),
        { text: 'Make the directory before.', command: `mkdir -p -m 0700 -- ${dir}` },
      ];
    default:
      return typeof error.remedy === 'string' ? [{ text: error.remedy }] : [];
  }
}

/** @param {Ground} ground @returns {Advice[]} */
function onDeniedRead({ path, exists, facts, who }) {
  const word = shellWord(path);
  if (!exists || facts === null) {
    return [{ text: 'A directory on the way cannot be searched; this lists them with their modes.', command: `namei -l -- ${word}` }];
  }
  if (facts.acl?.namesSomebody) {
    return [{ text: 'An ACL decides.', command: `setfacl -m u:${who.euid}:r -- ${word}` }];
  }
  return [{ text: 'As its owner or root, let others read it.', command: `chmod ${octal(parseInt(facts.mode, 8) | 0o444)} -- ${word}` }];
}

/** @param {Ground} ground @returns {Advice[]} */
function onDeniedWrite(ground) {
  const { path, facts, who } = ground;
  const dir = directoryOf(ground);
  const word = shellWord(dir);
  const way = { text: 'See who owns the directories on the way, and their modes.', command: `namei -l -- ${shellWord(path)}` };
  if (facts === null) {
    return [way];
  }
  const isMember = facts.gid === who.egid || who.groups.includes(facts.gid);
  return [
    { text: 'As root, give the directory to this user,', command: `chown ${who.euid} -- ${word}` },
    isMember
      ? { text: 'or let its group write it, to which this process belongs.', command: `chmod g+rwx -- ${word}` }
      : { text: 'or, in a pod, have the volume given to a group of the process.', setting: `securityContext.fsGroup: ${who.egid}` },
    way,
  ];
}

/** @param {Ground} ground @returns {Advice[]} */
function onFull({ facts, path }) {
  const place = shellWord(facts?.mount?.mountPoint ?? path);
  const ofInodes = facts?.space.freeInodes === 0;
  const advice = [
    { text: ofInodes ? 'No inode is free: remove files.' : 'No block is free: remove what is not needed.', command: `df ${ofInodes ? '-i' : '-h'} -- ${place}` },
  ];
  if (facts?.mount?.type === 'tmpfs' && !ofInodes) {
    advice.push({ text: 'Or, as root, give this tmpfs more memory (in a pod: emptyDir.sizeLimit).', command: `mount -o remount,size=${Math.max(2, Math.ceil((facts.space.totalBytes * 2) / (1 << 20)))}m -- ${place}` });
  }
  return advice;
}

/**
 * @param {string} verb
 * @param {Ground} ground
 * @returns {Advice[]}
 */
function onLink(verb, ground) {
  const { leadsTo, path } = ground;
  const own = leadsTo
    ? [{ text: 'Use the path it leads to.', code: callOf(verb, leadsTo.path, {}) }]
    : [{ text: 'It leads to nothing; this shows how far it gets.', command: `namei -l -- ${shellWord(path)}` }];
  return [...own, ...withOptions(verb, ground)];
}

/**
 * What an option that was found to help is good for.
 *
 * @type {Record<string, string>}
 */
const GOOD_FOR = {
  'in-place': 'Or give up atomicity for this file.',
  follow: 'Or write where the link leads; the link stays.',
  replace: 'Or put the file in the place of the link.',
  'follow-trusted': 'Or follow links that root or this user made, where nobody else may write.',
  true: 'Make the directory with the write.',
};

/**
 * @param {string} verb
 * @param {Ground} ground
 * @returns {Advice[]}
 */
function withOptions(verb, { path, helpful = [] }) {
  return helpful.map((options) => ({
    text: GOOD_FOR[String(Object.values(options)[0])],
    code: callOf(verb, path, options),
  }));
}

/**
 * @param {string} verb
 * @param {string} path
 * @param {object} options
 */
function callOf(verb, path, options) {
  const entries = Object.entries(verb === 'outbound' ? { ...options, outbound: true } : options);
  const shown = entries.map(([name, value]) => `${name}: ${typeof value === 'string' ? `'${value}'` : value}`).join(', ');
  const words = [literal(path), ...(verb === 'writeAtomic' ? ['data'] : []), ...(shown === '' ? [] : [`{ ${shown} }`])];
  return `await ${verb === 'outbound' ? 'readLocalFileSafely' : verb}(${words.join(', ')})`;
}

/**
 * @param {Record<string, unknown>} error
 * @param {Ground} ground
 * @returns {Advice[]}
 */
function onOutbound(error, ground) {
  if (error.code !== 'OUTBOUND_MEDIA_PERMS_TOO_RESTRICTIVE') {
    return onError('readLocalFileSafely', error, ground);
  }
  const { path, facts } = ground;
  if (facts === null || !ground.exists) {
    return [{ text: 'A directory on the way cannot be searched; this lists them with their modes.', command: `namei -l -- ${shellWord(path)}` }];
  }
  const mode = octal(parseInt(facts.mode, 8) | 0o444);
  if (mode === facts.mode) {
    return [{ text: 'Its mode is not the cause: look for an ACL, or in the audit log of a security module.', command: `getfacl -- ${shellWord(path)}` }];
  }
  return [
    { text: 'If it is meant to be sent, let group and others read it (as its owner or root).', command: `chmod ${mode} -- ${shellWord(path)}` },
    { text: 'Have the producer write it so, whatever its umask.', code: `await writeAtomic(${literal(path)}, data, { mode: 0o644 })` },
    ...(facts.isOwn ? [{ text: 'Or let files be sent that only their owner may read.', code: 'outbound: { allowOwnerOnly: true }' }] : []),
  ];
}

module.exports = { adviseOn, shellWord };
