// What the races share: the ground, the repetition of an attack, its line in the report, and what must hold.
import { appendFileSync, chmodSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect } from 'vitest';
import { placeInMemory } from './scratch.js';
import { underAttack, type Attack, type Plan, type Tally } from './sys-attack.js';
import { makeDir, scratch } from './sys-scratch.js';

export const usual = Number(process.env['HOLDFAST_RACE_MS'] ?? 100);
export const headline = Number(process.env['HOLDFAST_RACE_HEADLINE_MS'] ?? usual);
const report = process.env['HOLDFAST_RACE_REPORT'];
export const inside = 'inside';
export const outside = 'OUTSIDE SECRET';

export interface Layout {
  base: string;
  root: string;
  /** must stay unchanged */
  away: string;
  names: [string, string];
  restore?: NonNullable<Plan['restore']>;
}

const made: string[] = [];
afterAll(() => made.splice(0).forEach((dir) => rmSync(dir, { recursive: true, force: true })));

/** Makes a directory in memory, if possible: names change faster there, and a slow call has not waited for a disk. */
function quickScratch(): string {
  const memory = placeInMemory();
  if (memory === undefined) return scratch();
  const dir = mkdtempSync(`${memory}/holdfast-race-`);
  made.push(dir);
  chmodSync(dir, 0o755);
  return dir;
}

export function ground(): { base: string; root: string; away: string } {
  const base = quickScratch();
  const root = makeDir(base, 'root', 0o755);
  const away = makeDir(base, 'away', 0o777);
  writeFileSync(join(away, 'file'), outside);
  writeFileSync(join(root, 'file'), inside);
  return { base, root, away };
}

/** `root/dir` and `root/other`, a symlink to a directory outside, are exchanged. */
export function parent(): Layout {
  const { base, root, away } = ground();
  makeDir(root, 'dir', 0o755);
  writeFileSync(join(root, 'dir', 'file'), inside);
  symlinkSync(away, join(root, 'other'));
  return { base, root, away, names: [join(root, 'dir'), join(root, 'other')] };
}

/**
 * Repeats the attack until both outcomes have occurred often enough. A busy machine may need several rounds. A call that
 * `needs` one outcome alone is never refused.
 */
export async function longEnough(plan: Plan, attack: Attack, needs = 2): Promise<Tally> {
  let all = await underAttack(plan, attack);
  const isEnough = (): boolean => all.calls > 50 && all.exchanges > 500 && (all.codes['ok'] ?? 0) > 0 && Object.keys(all.codes).length >= needs;
  for (let round = 1; round < 30 && !isEnough(); round++) all = added(all, await underAttack(plan, attack));
  return all;
}

export function added(one: Tally, other: Tally): Tally {
  const sums = (some: Record<string, number>, more: Record<string, number>): Record<string, number> => {
    const all = { ...some };
    for (const [name, times] of Object.entries(more)) all[name] = (all[name] ?? 0) + times;
    return all;
  };
  return {
    calls: one.calls + other.calls,
    codes: sums(one.codes, other.codes),
    seen: sums(one.seen, other.seen),
    slowest: Math.max(one.slowest, other.slowest),
    slowestOwn: Math.max(one.slowestOwn, other.slowestOwn),
    exchanges: one.exchanges + other.exchanges,
    stall: Math.max(one.stall, other.stall),
  };
}

/** Writes one line of the table that `npm run test:race` prints. */
export function tell(combination: string, resolver: string, tally: Tally, truths: string[], touched: number): void {
  if (!report) return;
  const escapes = touched + Object.entries(tally.seen).reduce((sum, [content, times]) => sum + (content === inside ? 0 : times), 0);
  appendFileSync(report, `${JSON.stringify({ combination, resolver, truths, escapes, ...tally })}\n`);
}

/**
 * Checks that each call succeeded, or refused the object at that instant. At most one call in a thousand may end
 * otherwise.
 */
export function expectTruthful(tally: Tally, truths: string[], needs = 2): void {
  const told = JSON.stringify(tally);
  const times = (code: string): number => tally.codes[code] ?? 0;
  const truthful = ['ok', ...truths].reduce((sum, code) => sum + times(code), 0);
  expect(tally.exchanges, told).toBeGreaterThan(500);
  expect(tally.calls, told).toBeGreaterThan(50);
  expect(tally.calls - truthful, told).toBeLessThanOrEqual(Math.max(1, tally.calls / 1000));
  expect(times('ok'), told).toBeGreaterThan(0);
  if (needs > 1) expect(truthful - times('ok'), told).toBeGreaterThan(0);
  // Excludes waiting for a processor, and the time that a single system call of the attacker took on the same files: on
  // a busy machine any call may wait for a disk or a lock.
  expect(tally.slowestOwn, told).toBeLessThanOrEqual(50 + tally.stall);
}
