'use strict';

// What each verb would do at a path. The binary goes each verb's own way up to the first call that would change
// something; what it answers, an error too, is what the verb would.

const nodePath = require('node:path');
const { adviseOn, literal } = require('./advice.js');
const { hasNoModes, isElsewhere } = require('./mounts.js');
const { octal } = require('./process.js');
const { rehearseEnsureDir, rehearseRead, rehearseWrite } = require('../../verbs/dry-run.js');
const { HARDENINGS, REASONS } = require('../../verbs/ensure-dir.js');
const { isHoldfastError } = require('../../errors/holdfast-error.js');
const { Stats } = require('../../native/stats.js');

/**
 * @typedef {object} Verdict
 * @property {string} call as a program would make it
 * @property {string} target the path that is meant: of a write into a directory, that of a new file there
 * @property {'ok' | 'short' | 'fails' | 'not-applicable'} outcome `short`: it works, and privacy is not reached
 * @property {Record<string, unknown>} [result] the fields of the verb's result that can be foreseen
 * @property {Record<string, unknown>} [error] of the error it would throw
 * @property {string} why
 * @property {string[]} doubts what only trying would tell
 * @property {import('./advice.js').Advice[]} advice
 */

/**
 * What a verdict is made from.
 *
 * @typedef {object} Ground
 * @property {string} path absolute
 * @property {boolean} exists
 * @property {import('./facts.js').Facts | null} facts of the path, or of the nearest directory above it
 * @property {import('./facts.js').Facts | null} [directory] facts of the directory that holds the path, or of the path if it is one
 * @property {ReturnType<typeof import('./process.js').describeProcess>} who
 * @property {{ path: string, kind: 'file' | 'directory' | 'other' } | null} leadsTo where a link leads, if it is one
 * @property {object[]} [helpful] options with which the verb would succeed
 */

/** The name of the file that a write into a directory is rehearsed with. */
const NEW_FILE = 'holdfast-doctor-new-file';

/** @param {any} error */
function describeError(error) {
  const { name, code, message, syscall, sysCode, remedy } = error;
  return {
    type: isHoldfastError(error) ? 'HoldfastError' : name,
    code,
    message,
    ...(syscall === undefined ? {} : { syscall }),
    ...(sysCode === undefined ? {} : { sysCode }),
    ...(remedy === undefined ? {} : { remedy }),
  };
}

/**
 * An error's message without its code, which is shown beside it, and without the remedy, which is advice.
 *
 * @param {any} error
 */
function sentenceOf({ code, message, remedy }) {
  const told = message.startsWith(`${code}: `) ? message.slice(code.length + 2) : message;
  return remedy !== undefined && told.endsWith(` ${remedy}`) ? told.slice(0, -remedy.length - 1) : told;
}

/**
 * What may still come between, where the rehearsal says that a change would succeed.
 *
 * @param {Ground} ground
 */
function doubtsAbout({ facts, who }) {
  const mount = facts?.mount ?? undefined;
  const doubts = [];
  if (isElsewhere(mount)) doubts.push(`what is behind ${mount?.type} decides, and may decide otherwise`);
  if (hasNoModes(mount)) doubts.push(`${mount?.type} makes modes up, by its mount options`);
  if (mount?.superOptions.some((option) => /quota/.test(option) && !/noquota/.test(option))) doubts.push('a quota may be exhausted');
  if (mount?.type === 'btrfs') doubts.push('btrfs cannot tell exactly how much is free');
  if (who.seccomp === 'filter') doubts.push('a seccomp filter is active, and may refuse the call');
  if (who.securityModule !== null) doubts.push(`a security module confines this process (${who.securityModule})`);
  return doubts;
}

/**
 * @param {Ground} ground
 * @returns {Verdict}
 */
function ensureDirVerdict(ground) {
  const { path, exists, facts } = ground;
  const { numbers, error } = rehearseEnsureDir(path);
  const call = `ensureDir(${literal(path)})`;
  if (numbers === undefined) {
    const isElse = (exists && facts?.kind !== 'directory' && error.code === 'not-directory') || ground.leadsTo?.kind === 'file';
    const helpful = isElse ? [] : helpfulOptions(error, rehearseEnsureDir, path, [{ symlinks: 'follow-trusted' }]);
    return refused({ ...ground, helpful }, 'ensureDir', { call, target: path, outcome: isElse ? 'not-applicable' : 'fails' }, error);
  }
  const hardening = HARDENINGS[numbers[3]];
  const reason = REASONS[numbers[4]];
  const isPrivate = numbers[2] === 1;
  const result = { hardening, ...(reason === undefined ? {} : { reason }), isPrivate, mode: octal(numbers[1]) };
  const isWaived = reason === 'opt-out';
  return conclude(ground, 'ensureDir', {
    call,
    target: path,
    outcome: isPrivate || isWaived ? 'ok' : 'short',
    result,
    why: whyHardening(ground, result),
  });
}

/**
 * @param {Ground} ground
 * @param {{ hardening: string, reason?: string, mode: string }} result
 */
function whyHardening({ facts, who }, { hardening, reason, mode }) {
  switch (hardening) {
    case 'created':
      return `it would be created with mode ${mode}`;
    case 'not-needed':
      return `it is private already, with mode ${mode}: no chmod`;
    case 'tightened':
      return `its mode would change from ${facts?.mode} to ${mode}`;
    case 'tolerated':
      return `chmod would answer ${reason === 'no-effect' ? 'success and change nothing' : reason}, which is tolerated${whyRefused(reason, facts, who)}; it stays ${mode}`;
    default:
      return `${reason === 'shared' ? whyShared(facts) : (WHY_LEFT[reason ?? ''] ?? 'it is left')}; it stays ${mode}`;
  }
}

/** @type {Record<string, string>} */
const WHY_LEFT = {
  acl: 'its ACL names users or groups, whose entries chmod would disable without a word',
  system: 'it is a directory of the system, whose programs need it as it is',
  owner: 'its mode is private, but another user owns it',
  'opt-out': 'HOLDFAST_SKIP_DIR_HARDENING=1 or OPENCLAW_SKIP_STATE_DIR_HARDEN=1 is set',
};

/** @param {Ground['facts']} facts */
function whyShared(facts) {
  if (facts !== null && (parseInt(facts.mode, 8) & 0o1000) !== 0) return 'others share it by design: it is sticky, and others may write it';
  return `others share it by design: it is setgid, and belongs to group ${facts?.gid}, whose members this process, as root, would lock out`;
}

/**
 * @param {string | undefined} reason
 * @param {Ground['facts']} facts
 * @param {Ground['who']} who
 */
function whyRefused(reason, facts, who) {
  if (reason === 'EROFS') return `: ${facts?.mount?.mountPoint ?? 'the mount'} is read-only`;
  if (reason !== 'EPERM' || facts === null) return '';
  if (facts.attributes.includes('immutable') || facts.attributes.includes('append-only')) return `: it is ${facts.attributes.join(', ')}`;
  return `: user ${facts.uid} owns it, and this process is user ${who.euid} without CAP_FOWNER`;
}

/**
 * @param {Ground} ground
 * @returns {Verdict}
 */
function writeVerdict(ground) {
  const { path, exists, facts } = ground;
  const isInto = exists && facts?.kind === 'directory';
  const target = isInto ? nodePath.join(path, NEW_FILE) : path;
  const { numbers, error } = rehearseWrite(target);
  const call = `writeAtomic(${literal(target)}, data)`;
  if (numbers === undefined) {
    const isElse = ground.leadsTo?.kind === 'directory';
    const options = [{ fallback: 'in-place' }, { finalSymlink: 'follow' }, { finalSymlink: 'replace' }, { mkdir: true }];
    const helpful = isElse ? [] : helpfulOptions(error, rehearseWrite, target, options);
    return refused({ ...ground, helpful }, 'writeAtomic', { call, target, outcome: isElse ? 'not-applicable' : 'fails' }, error);
  }
  const created = numbers[1] === 1;
  const mode = octal(numbers[2]);
  const kept = numbers[4];
  const preserved = kept < 0 ? null : { mode: (kept & 1) !== 0, acl: (kept & 2) !== 0, owner: (kept & 4) !== 0 };
  const durable = /** @type {const} */ ([false, 'file', true])[numbers[3]];
  const lost = Object.entries(preserved ?? {}).flatMap(([what, isKept]) => (isKept ? [] : [what]));
  const changes = preserved === null ? '' : lost.length === 0 ? '; owner, mode and ACL stay' : `; ${lost.join(' and ')} cannot be kept`;
  return conclude(ground, 'writeAtomic', {
    call,
    target,
    outcome: 'ok',
    result: { created, mode, durable, preserved },
    why: `${created ? 'a new file' : 'the file would be replaced,'} with mode ${mode}${changes}${durable === true ? '' : '; its directory cannot be synced'}`,
  });
}

/**
 * @param {Ground} ground
 * @param {'readLocalFileSafely' | 'outbound'} verb
 * @returns {Verdict}
 */
function readVerdict(ground, verb) {
  const { path, exists, facts } = ground;
  const options = verb === 'outbound' ? { outbound: true } : undefined;
  const { numbers, error } = rehearseRead(path, options);
  const call = `readLocalFileSafely(${literal(path)}${options ? ', { outbound: true }' : ''})`;
  if (numbers === undefined) {
    const isElse = error.code === 'not-found' || (exists && facts?.kind === 'directory' && error.code === 'not-file') || ground.leadsTo?.kind === 'directory';
    const helpful = isElse ? [] : helpfulOptions(error, rehearseRead, path, [{ symlinks: 'follow-trusted', ...options }]);
    return refused({ ...ground, helpful }, verb, { call, target: path, outcome: isElse ? 'not-applicable' : 'fails' }, error);
  }
  const stat = new Stats(numbers);
  return conclude(ground, verb, {
    call,
    target: path,
    outcome: 'ok',
    result: { size: stat.size, mode: octal(stat.mode & 0o7777) },
    why: `a regular file of ${stat.size} bytes that this process may read${verb === 'outbound' ? ', and others too' : ''}`,
  });
}

/** The codes for which options of the verb may help. What helps is tried out, not supposed. */
const OPTIONS_MAY_HELP = new Set(['EBUSY', 'symlink', 'not-found']);

/**
 * @param {any} error
 * @param {(path: string, options: object) => import('../../verbs/dry-run.js').Rehearsed} rehearse
 * @param {string} path
 * @param {object[]} options
 */
function helpfulOptions(error, rehearse, path, options) {
  return OPTIONS_MAY_HELP.has(error.code) ? options.filter((option) => rehearse(path, option).error === undefined) : [];
}

/**
 * @param {Ground} ground
 * @param {string} verb
 * @param {Pick<Verdict, 'call' | 'target' | 'outcome'>} found
 * @param {any} error
 */
function refused(ground, verb, found, error) {
  return conclude(ground, verb, { ...found, error: describeError(error), why: sentenceOf(error) });
}

/**
 * @param {Ground} ground
 * @param {string} verb
 * @param {Omit<Verdict, 'doubts' | 'advice'>} found
 * @returns {Verdict}
 */
function conclude(ground, verb, found) {
  const changes = verb === 'ensureDir' ? ['created', 'tightened'].includes(String(found.result?.hardening)) : verb === 'writeAtomic';
  return {
    ...found,
    doubts: found.outcome !== 'fails' && changes ? doubtsAbout(ground) : [],
    advice: found.outcome === 'short' || found.outcome === 'fails' ? adviseOn(verb, found, ground) : [],
  };
}

/** The verbs, and the read that is to be handed on. */
const VERBS = /** @type {const} */ (['ensureDir', 'writeAtomic', 'readLocalFileSafely', 'outbound']);

/**
 * @param {Ground} ground
 * @param {readonly string[]} wanted
 * @returns {Record<string, Verdict>}
 */
function verdicts(ground, wanted) {
  /** @type {Record<string, (ground: Ground) => Verdict>} */
  const judges = {
    ensureDir: ensureDirVerdict,
    writeAtomic: writeVerdict,
    readLocalFileSafely: (given) => readVerdict(given, 'readLocalFileSafely'),
    outbound: (given) => readVerdict(given, 'outbound'),
  };
  return Object.fromEntries(wanted.map((verb) => [verb, judges[verb](ground)]));
}

module.exports = { NEW_FILE, VERBS, verdicts };
