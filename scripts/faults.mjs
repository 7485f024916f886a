// The long form of the fault tests: every errno at every system call of every verb, SIGKILL at each of them, and two
// processes that write one file ten thousand times each while a third reads it. Prints tables of the outcomes. Needs
// root, gcc and some minutes; `npm test` runs a part of the same specs in half a minute.
//
//   npm run test:faults                      all of it
//   npm run test:faults -- -t 'the walk'     arguments for vitest

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { projectRoot, run } from './support.mjs';

const percent = (part, whole) => (whole === 0 ? '-' : `${((100 * part) / whole).toFixed(2).replace(/\.00$/, '')} %`);
const sum = (rows, key) => rows.reduce((total, row) => total + row[key], 0);

function table(head, lines) {
  const cells = [head, ...lines].map((line) => line.map(String));
  const widths = head.map((_, column) => Math.max(...cells.map((line) => line[column].length)));
  const isNumber = (text) => /^([\d.]+( %)?|-)$/.test(text);
  for (const line of cells) {
    console.log(`| ${line.map((text, column) => (isNumber(text) ? text.padStart(widths[column]) : text.padEnd(widths[column]))).join(' | ')} |`);
  }
  console.log();
}

/** Groups rows by key, in their original order. */
function grouped(rows, keyOf) {
  const groups = new Map();
  for (const row of rows) groups.set(keyOf(row), [...(groups.get(keyOf(row)) ?? []), row]);
  return [...groups];
}

function faultLine([name, rows]) {
  const cases = sum(rows, 'cases');
  const [old, fresh] = [sum(rows, 'old'), sum(rows, 'new')];
  const tolerated = rows.reduce((total, row) => total + Object.values(row.tolerated).reduce((all, count) => all + count, 0), 0);
  const problems = rows.reduce((total, row) => total + row.problems.length, 0);
  return [name, cases, old, fresh, percent(old + fresh, cases), sum(rows, 'strays'), sum(rows, 'unremovable'), sum(rows, 'thrown'), tolerated, problems];
}

function killLine([name, rows]) {
  const states = sum(rows, 'states');
  const [old, fresh, strays] = [sum(rows, 'old'), sum(rows, 'new'), sum(rows, 'strays')];
  return [name, states, old, fresh, percent(old + fresh, states), strays, percent(strays, states)];
}

function print(rows) {
  const faults = rows.filter(({ sweep }) => sweep === 'faults');
  const kills = rows.filter(({ sweep }) => sweep === 'kill');
  const writers = rows.filter(({ sweep }) => sweep === 'writers');
  const byScenario = (of) => [...grouped(of, ({ scenario }) => scenario), ...grouped(of, ({ variant }) => `all with ${variant}`), ['all', of]];
  if (faults.length > 0) {
    table(['a call that fails in', 'cases', 'old', 'new', 'old or new', 'strays', 'unlink failed', 'thrown', 'succeeded', 'untrue'], byScenario(faults).map(faultLine));
    const reasons = new Map();
    for (const { tolerated } of faults) for (const [why, count] of Object.entries(tolerated)) reasons.set(why, (reasons.get(why) ?? 0) + count);
    table(['why it succeeded all the same', 'cases'], [...reasons].sort(([, a], [, b]) => b - a));
  }
  if (kills.length > 0) table(['killed in', 'states', 'old', 'new', 'old or new', 'left a temporary', 'of all'], byScenario(kills).map(killLine));
  if (writers.length > 0) {
    const head = ['two writers on', 'written', 'reads', 'versions seen', 'torn', 'backwards', 'errors'];
    table(head, writers.map((row) => [row.place, row.written, row.reads, row.versions, row.torn, row.backwards, Object.keys(row.errors).length]));
  }
}

if (run(process.execPath, ['scripts/setup.mjs']) !== 0) process.exit(1);
const { runVitest } = await import('./run-vitest.mjs');

const scratch = mkdtempSync(path.join(tmpdir(), 'holdfast-faults-'));
const report = path.join(scratch, 'report.jsonl');
try {
  Object.assign(process.env, { HOLDFAST_FAULTS: 'all', HOLDFAST_FAULTS_REPORT: report });
  const specs = ['faults/faults', 'faults/faults-once', 'faults/kill', 'write/writers'].map((name) => path.join(projectRoot, `__test__/system/${name}.spec.ts`));
  const { ok } = runVitest({ args: [...specs, '--testTimeout', '3600000', ...process.argv.slice(2)] });
  print(readFileSync(report, 'utf8').split('\n').filter(Boolean).map((line) => JSON.parse(line)));
  if (!ok) process.exitCode = 1;
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
