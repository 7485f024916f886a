// Predicts the outcome of each verb at a path, from a dry run in the binary.

import nodePath = require('node:path');
import { literal } from './advice.js';
import { octal } from './process.js';
import { dryRunEnsureDir, dryRunRead, dryRunWrite, type Refusal, type DryRun } from '../../verbs/dry-run.js';
import { HARDENINGS, REASONS } from '../../verbs/ensure-dir.js';
import { Stats } from '../../native/stats.js';
import { EnsureDirIndex, PredictedWriteIndex } from '../../native/record-layout.js';
import { listVerdict, removeVerdict, renameVerdict } from './root-verdicts.js';
import { conclude, outcomeOf, refused, ROOT_VERBS, type Verdict } from './conclude.js';
import type { Inspection } from './facts.js';

/** Name of the new file in the dry run of a write into a directory. */
const NEW_FILE = 'holdfast-doctor-new-file';

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
      return `chmod would ${reason === 'no-effect' ? 'succeed without effect' : `fail with ${reason}`}, which is tolerated${whyRefused(reason, facts, who)}; it stays ${mode}`;
    default:
      return `${reason === 'shared' ? whyShared(facts) : (WHY_LEFT[reason ?? ''] ?? 'it is left unchanged')}; it stays ${mode}`;
  }
}

const WHY_LEFT: Record<string, string> = {
  acl: 'its ACL names users or groups, whose entries chmod would silently disable',
  system: 'it is a system directory, whose mode its programs rely on',
  owner: 'its mode is private, but another user owns it',
  'opt-out': 'HOLDFAST_SKIP_DIR_HARDENING=1 or OPENCLAW_SKIP_STATE_DIR_HARDEN=1 is set',
};

function whyShared(facts: Inspection['facts']) {
  if (facts !== null && (parseInt(facts.mode, 8) & 0o1000) !== 0) return 'it is shared with others: it is sticky, and others may write it';
  return `it is shared with others: it is setgid, and belongs to group ${facts?.gid}, whose members this process, as root, would lock out`;
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

/** Codes for which an option of the verb may help. A dry run with the option decides. */
const OPTIONS_MAY_HELP = new Set(['EBUSY', 'symlink', 'not-found']);

function helpfulOptions(error: Refusal, dryRun: (path: string, options: object) => DryRun, path: string, options: object[]) {
  return OPTIONS_MAY_HELP.has(String(error.code)) ? options.filter((option) => dryRun(path, option).error === undefined) : [];
}

/** The verbs, and `outbound`: a read of a file to send. */
const VERBS = ['ensureDir', 'writeAtomic', 'readLocalFileSafely', 'outbound'] as const;

export function verdicts(inspection: Inspection, wanted: readonly string[]): Record<string, Verdict> {
  const judges: Record<string, (inspection: Inspection) => Verdict> = {
    ensureDir: ensureDirVerdict,
    writeAtomic: writeVerdict,
    readLocalFileSafely: (given) => readVerdict(given, 'readLocalFileSafely'),
    outbound: (given) => readVerdict(given, 'outbound'),
    list: listVerdict,
    rename: renameVerdict,
    remove: removeVerdict,
  };
  return Object.fromEntries(wanted.map((verb) => [verb, judges[verb](inspection)]));
}

export { ROOT_VERBS, VERBS };
