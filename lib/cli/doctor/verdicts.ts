// Predicts the outcome of each verb at a path, from a dry run in the binary.

import nodePath = require('node:path');
import { adviseOn, literal, type Advice } from './advice.js';
import { hasNoModes, isElsewhere } from './mounts.js';
import { octal } from './process.js';
import { dryRunEnsureDir, dryRunRead, dryRunWrite, type Refusal, type DryRun } from '../../verbs/dry-run.js';
import { HARDENINGS, REASONS } from '../../verbs/ensure-dir.js';
import { isHoldfastError } from '../../errors/holdfast-error.js';
import { Stats } from '../../native/stats.js';
import { EnsureDirIndex, PredictedWriteIndex } from '../../native/record-layout.js';
import type { Inspection } from './facts.js';

interface Verdict {
  /** the call in a program */
  call: string;
  /** path of the call; for a write into a directory that of a new file there */
  target: string;
  /** `warn`: the call works, but privacy is not reached */
  outcome: 'ok' | 'warn' | 'fails' | 'not-applicable';
  /** the predictable fields of the verb's result */
  result?: Record<string, unknown>;
  /** fields of the error */
  error?: Record<string, unknown>;
  why: string;
  /** facts that a dry run cannot determine */
  doubts: string[];
  advice: Advice[];
}

/** Name of the new file in the dry run of a write into a directory. */
const NEW_FILE = 'holdfast-doctor-new-file';

function describeError(error: Refusal) {
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
 * Returns an error's message without the code, which the report shows beside it, and without the remedy, which is
 * advice.
 */
function sentenceOf({ code, message, remedy }: Refusal) {
  const told = message.startsWith(`${code}: `) ? message.slice(String(code).length + 2) : message;
  return remedy !== undefined && told.endsWith(` ${remedy}`) ? told.slice(0, -remedy.length - 1) : told;
}

/** Returns conditions that may prevent a change although the dry run succeeds. */
function doubtsAbout({ facts, who }: Inspection) {
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

function ensureDirVerdict(inspection: Inspection): Verdict {
  const { path, exists, facts } = inspection;
  const { numbers, error } = dryRunEnsureDir(path);
  const call = `ensureDir(${literal(path)})`;
  if (numbers === undefined) {
    const isElse = (exists && facts?.kind !== 'directory' && error.code === 'not-directory') || inspection.leadsTo?.kind === 'file';
    const helpful = isElse ? [] : helpfulOptions(error, dryRunEnsureDir, path, [{ symlinks: 'follow-trusted' }]);
    return refused({ ...inspection, helpful }, 'ensureDir', { call, target: path, outcome: outcomeOf(inspection, isElse) }, error);
  }
  const hardening = HARDENINGS[numbers[EnsureDirIndex.HARDENING]];
  const reason = REASONS[numbers[EnsureDirIndex.REASON]];
  const isPrivate = numbers[EnsureDirIndex.IS_PRIVATE] === 1;
  const result = { hardening, ...(reason === undefined ? {} : { reason }), isPrivate, mode: octal(numbers[EnsureDirIndex.MODE]) };
  const isWaived = reason === 'opt-out';
  return conclude(inspection, 'ensureDir', {
    call,
    target: path,
    outcome: isPrivate || isWaived ? 'ok' : 'warn',
    result,
    why: whyHardening(inspection, result),
  });
}

function whyHardening({ facts, who }: Inspection, { hardening, reason, mode }: { hardening: string; reason?: string; mode: string }) {
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

const WHY_LEFT: Record<string, string> = {
  acl: 'its ACL names users or groups, whose entries chmod would disable without a word',
  system: 'it is a directory of the system, whose programs need it as it is',
  owner: 'its mode is private, but another user owns it',
  'opt-out': 'HOLDFAST_SKIP_DIR_HARDENING=1 or OPENCLAW_SKIP_STATE_DIR_HARDEN=1 is set',
};

function whyShared(facts: Inspection['facts']) {
  if (facts !== null && (parseInt(facts.mode, 8) & 0o1000) !== 0) return 'others share it by design: it is sticky, and others may write it';
  return `others share it by design: it is setgid, and belongs to group ${facts?.gid}, whose members this process, as root, would lock out`;
}

function whyRefused(reason: string | undefined, facts: Inspection['facts'], who: Inspection['who']) {
  if (reason === 'EROFS') return `: ${facts?.mount?.mountPoint ?? 'the mount'} is read-only`;
  if (reason !== 'EPERM' || facts === null) return '';
  if (facts.attributes.includes('immutable') || facts.attributes.includes('append-only')) return `: it is ${facts.attributes.join(', ')}`;
  return `: user ${facts.uid} owns it, and this process is user ${who.euid} without CAP_FOWNER`;
}

function writeVerdict(inspection: Inspection): Verdict {
  const { path, exists, facts } = inspection;
  const isInto = exists && facts?.kind === 'directory';
  const target = isInto ? nodePath.join(path, NEW_FILE) : path;
  const { numbers, error } = dryRunWrite(target);
  const call = `writeAtomic(${literal(target)}, data)`;
  if (numbers === undefined) {
    const isElse = inspection.leadsTo?.kind === 'directory';
    const options = [{ fallback: 'in-place' }, { finalSymlink: 'follow' }, { finalSymlink: 'replace' }, { mkdir: true }];
    const helpful = isElse ? [] : helpfulOptions(error, dryRunWrite, target, options);
    return refused({ ...inspection, helpful }, 'writeAtomic', { call, target, outcome: outcomeOf(inspection, isElse) }, error);
  }
  const created = numbers[PredictedWriteIndex.CREATED] === 1;
  const mode = octal(numbers[PredictedWriteIndex.MODE]);
  const kept = numbers[PredictedWriteIndex.PRESERVED];
  const preserved = kept < 0 ? null : { mode: (kept & 1) !== 0, acl: (kept & 2) !== 0, owner: (kept & 4) !== 0 };
  const durable = ([false, 'file', true] as const)[numbers[PredictedWriteIndex.DURABLE]];
  const lost = Object.entries(preserved ?? {}).flatMap(([what, isKept]) => (isKept ? [] : [what]));
  const changes = preserved === null ? '' : lost.length === 0 ? '; owner, mode and ACL stay' : `; ${lost.join(' and ')} cannot be kept`;
  return conclude(inspection, 'writeAtomic', {
    call,
    target,
    outcome: 'ok',
    result: { created, mode, durable, preserved },
    why: `${created ? 'a new file' : 'the file would be replaced,'} with mode ${mode}${changes}${durable === true ? '' : '; its directory cannot be synced'}`,
  });
}

function readVerdict(inspection: Inspection, verb: 'readLocalFileSafely' | 'outbound'): Verdict {
  const { path, exists, facts } = inspection;
  const options = verb === 'outbound' ? { outbound: true } : undefined;
  const { numbers, error } = dryRunRead(path, options);
  const call = `readLocalFileSafely(${literal(path)}${options ? ', { outbound: true }' : ''})`;
  if (numbers === undefined) {
    const isElse = error.code === 'not-found' || (exists && facts?.kind === 'directory' && error.code === 'not-file') || inspection.leadsTo?.kind === 'directory';
    const helpful = isElse ? [] : helpfulOptions(error, dryRunRead, path, [{ symlinks: 'follow-trusted', ...options }]);
    return refused({ ...inspection, helpful }, verb, { call, target: path, outcome: outcomeOf(inspection, isElse) }, error);
  }
  const stat = new Stats(numbers);
  return conclude(inspection, verb, {
    call,
    target: path,
    outcome: 'ok',
    result: { size: stat.size, mode: octal(stat.mode & 0o7777) },
    why: `a regular file of ${stat.size} bytes that this process may read${verb === 'outbound' ? ', and others too' : ''}`,
  });
}

/**
 * Returns the outcome of a verb that would fail.
 *
 * @param isElse the object is of a kind that the verb is not meant for
 */
function outcomeOf({ isAsked }: Inspection, isElse: boolean) {
  return isElse && !isAsked ? 'not-applicable' : 'fails';
}

/** Codes for which an option of the verb may help. A dry run with the option decides. */
const OPTIONS_MAY_HELP = new Set(['EBUSY', 'symlink', 'not-found']);

function helpfulOptions(error: Refusal, dryRun: (path: string, options: object) => DryRun, path: string, options: object[]) {
  return OPTIONS_MAY_HELP.has(String(error.code)) ? options.filter((option) => dryRun(path, option).error === undefined) : [];
}

function refused(inspection: Inspection, verb: string, found: Pick<Verdict, 'call' | 'target' | 'outcome'>, error: Refusal) {
  return conclude(inspection, verb, { ...found, error: describeError(error), why: sentenceOf(error) });
}

function conclude(inspection: Inspection, verb: string, found: Omit<Verdict, 'doubts' | 'advice'>): Verdict {
  const changes = verb === 'ensureDir' ? ['created', 'tightened'].includes(String(found.result?.hardening)) : verb === 'writeAtomic';
  return {
    ...found,
    doubts: found.outcome !== 'fails' && changes ? doubtsAbout(inspection) : [],
    advice: found.outcome === 'warn' || found.outcome === 'fails' ? adviseOn(verb, found, inspection) : [],
  };
}

/** The verbs, and `outbound`: a read of a file to send. */
const VERBS = ['ensureDir', 'writeAtomic', 'readLocalFileSafely', 'outbound'] as const;

export function verdicts(inspection: Inspection, wanted: readonly string[]): Record<string, Verdict> {
  const judges: Record<string, (inspection: Inspection) => Verdict> = {
    ensureDir: ensureDirVerdict,
    writeAtomic: writeVerdict,
    readLocalFileSafely: (given) => readVerdict(given, 'readLocalFileSafely'),
    outbound: (given) => readVerdict(given, 'outbound'),
  };
  return Object.fromEntries(wanted.map((verb) => [verb, judges[verb](inspection)]));
}

export { VERBS };
