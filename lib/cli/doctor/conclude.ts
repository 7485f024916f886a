// What the verdicts on all verbs share: their shape, and what surrounds a dry run's outcome.

import { adviseOn, type Advice } from './advice.js';
import { adviseOnRoot } from './advice-root.js';
import { hasNoModes, isElsewhere } from './mounts.js';
import { isHoldfastError } from '../../errors/holdfast-error.js';
import type { Refusal } from '../../verbs/dry-run.js';
import type { Inspection } from './facts.js';

export interface Verdict {
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
  if (isElsewhere(mount)) doubts.push(`the server or process behind ${mount?.type} decides, and may decide otherwise`);
  if (hasNoModes(mount)) doubts.push(`${mount?.type} derives modes from its mount options`);
  if (mount?.superOptions.some((option) => /quota/.test(option) && !/noquota/.test(option))) doubts.push('a quota may be exhausted');
  if (mount?.type === 'btrfs') doubts.push('btrfs does not report its free space exactly');
  if (who.seccomp === 'filter') doubts.push('a seccomp filter is active, and may refuse the call');
  if (who.securityModule !== null) doubts.push(`a security module confines this process (${who.securityModule})`);
  return doubts;
}

/**
 * Returns the outcome of a verb that would fail.
 *
 * @param isElse the object is of a kind that the verb is not meant for
 */
export function outcomeOf({ isAsked }: Inspection, isElse: boolean) {
  return isElse && !isAsked ? 'not-applicable' : 'fails';
}

/** Methods of a root. They are judged when they are asked for by name. */
export const ROOT_VERBS = ['list', 'rename', 'remove'] as const;

/** The verbs whose success changes something, whatever the dry run returns. */
const CHANGES = new Set(['writeAtomic', 'rename', 'remove']);

export function refused(inspection: Inspection, verb: string, found: Pick<Verdict, 'call' | 'target' | 'outcome'>, error: Refusal) {
  return conclude(inspection, verb, { ...found, error: describeError(error), why: sentenceOf(error) });
}

export function conclude(inspection: Inspection, verb: string, found: Omit<Verdict, 'doubts' | 'advice'>): Verdict {
  const changes = verb === 'ensureDir' ? ['created', 'tightened'].includes(String(found.result?.hardening)) : CHANGES.has(verb);
  return {
    ...found,
    doubts: found.outcome !== 'fails' && changes ? doubtsAbout(inspection) : [],
    advice: found.outcome === 'warn' || found.outcome === 'fails' ? adviceOn(verb, found, inspection) : [],
  };
}

function adviceOn(verb: string, found: Pick<Verdict, 'call' | 'result' | 'error'>, inspection: Inspection) {
  const isOfRoot = found.error !== undefined && ROOT_VERBS.some((one) => one === verb);
  return isOfRoot ? adviseOnRoot(verb, found.error!, found.call, inspection) : adviseOn(verb, found, inspection);
}
