// The race hammer: the long form of race.spec.ts in __test__/system/containment, race-roots.long.ts, and state-race.spec.ts in
// __test__/system/state, 10 seconds for each combination and a minute for the most important ones. Prints a table of the
// outcomes. Takes an hour and three quarters; `npm test` runs race.spec.ts with 100 ms each, and a part of state-race.spec.ts.
//
//   npm run test:race                                      all of it
//   npm run test:race -- -t walk                           arguments for vitest
//   HOLDFAST_RACE_MS=1000 HOLDFAST_RACE_HEADLINE_MS=5000 npm run test:race

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { projectRoot, run } from './support.mjs';

const usual = process.env.HOLDFAST_RACE_MS ?? '10000';
const headline = process.env.HOLDFAST_RACE_HEADLINE_MS ?? '60000';
/** Repeats a combination up to thirty times, until both outcomes have occurred. */
const timeout = 60_000 + 30 * Math.max(Number(usual), Number(headline));

const percent = (part, whole) => `${((100 * part) / Math.max(1, whole)).toFixed(3)} %`;

/** Formats one line of the table. */
function row({ combination, resolver, truths, calls, codes, slowest, slowestOwn, stall, exchanges, escapes }) {
  const refusals = truths.filter((code) => codes[code]).map((code) => `${codes[code]} ${code}`);
  const truthful = ['ok', ...truths].reduce((sum, code) => sum + (codes[code] ?? 0), 0);
  const others = Object.keys(codes).filter((code) => code !== 'ok' && !truths.includes(code));
  return [
    combination,
    resolver,
    calls,
    codes.ok ?? 0,
    refusals.join(', ') || '-',
    `${percent(calls - truthful, calls)}${others.length > 0 ? ` (${others.join(', ')})` : ''}`,
    `${slowestOwn.toFixed(1)} (${slowest.toFixed(1)})`,
    stall.toFixed(1),
    exchanges,
    escapes,
  ];
}

function table(rows) {
  const head = ['combination', 'resolver', 'calls', 'ok', 'refused', 'other answers', 'slowest ms', 'attacker', 'exchanges', 'escapes'];
  const lines = [head, ...rows.map(row)].map((cells) => cells.map(String));
  const widths = head.map((_, column) => Math.max(...lines.map((cells) => cells[column].length)));
  const isNumber = (text) => /^[\d.]+( |$)/.test(text);
  const cell = (text, column) => (isNumber(text) ? text.padStart(widths[column]) : text.padEnd(widths[column]));
  for (const cells of lines) console.log(`| ${cells.map(cell).join(' | ')} |`);
}

function summary(rows) {
  // The row that checks and then opens is the vulnerable control; it has no resolver.
  const ours = rows.filter(({ resolver }) => resolver !== 'none');
  const sum = (of) => ours.reduce((total, one) => total + of(one), 0);
  const calls = sum((one) => one.calls);
  const truthful = sum(({ codes, truths }) => ['ok', ...truths].reduce((total, code) => total + (codes[code] ?? 0), 0));
  const beaten = rows.filter(({ resolver }) => resolver === 'none');
  console.log('slowest ms: without waiting for a processor (by the clock); attacker: the slowest of its own system calls');
  console.log(
    `race: ${ours.length} combinations, ${calls} calls under ${sum((one) => one.exchanges)} exchanges, ` +
      `${sum((one) => one.escapes)} escapes, ${percent(calls - truthful, calls)} other answers, ` +
      `slowest call ${Math.max(0, ...ours.map((one) => one.slowestOwn)).toFixed(1)} ms; ` +
      `looking and then opening: ${beaten.reduce((total, one) => total + one.escapes, 0)} escapes`,
  );
}

if (run(process.execPath, ['scripts/setup.mjs']) !== 0) process.exit(1);
const { runVitest } = await import('./run-vitest.mjs');

const scratch = mkdtempSync(path.join(tmpdir(), 'holdfast-race-'));
const report = path.join(scratch, 'report.jsonl');
try {
  Object.assign(process.env, { HOLDFAST_RACE_MS: usual, HOLDFAST_RACE_HEADLINE_MS: headline, HOLDFAST_RACE_REPORT: report });
  const specs = ['containment/race.spec', 'containment/race-roots.long', 'state/state-race.spec'].map((name) => path.join(projectRoot, `__test__/system/${name}.ts`));
  const { ok } = runVitest({ args: [...specs, '--maxWorkers', '1', '--testTimeout', String(timeout), ...process.argv.slice(2)] });
  const rows = readFileSync(report, 'utf8').split('\n').filter(Boolean).map((line) => JSON.parse(line));
  table(rows);
  summary(rows);
  if (!ok) process.exitCode = 1;
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
