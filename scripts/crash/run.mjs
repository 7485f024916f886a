// Makes one recording on one file system, and replays it in several states. Runs in a mount namespace of its own, as
// the child of log-disk.c, so that disk, loop device and mounts end with it. Prints one line of JSON.
//   node run.mjs '<options as JSON>'

import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { fileSystems } from './file-systems.mjs';
import { makePlan, PLACES, randomFrom } from './plan.mjs';
import { claimsAt, legalStates, parseLog } from './states.mjs';
import { judge } from './verdict.mjs';

/** @type {{ fileSystem: string, disk: string, mounted: string, seed: number, steps: number, states: number,
 *   until: number | null, preload: string | null, drop: 'files' | 'directories' | null, keep: string | null }} */
const options = JSON.parse(process.argv[2]);
const { type, make, options: mountOptions, metadataUnit } = fileSystems[options.fileSystem];
const disk = (name) => path.join(options.disk, name);

const command = (...lines) => writeFileSync(disk('control'), lines.map((line) => `${line}\n`).join(''));

function execute(program, ...args) {
  const env = { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin` };
  execFileSync(program, args, { stdio: ['ignore', 'ignore', 'pipe'], env });
}

function mount() {
  execute('mount', '-t', type, '-o', ['loop', mountOptions].filter(Boolean).join(), disk('disk'), options.mounted);
}

const unmount = () => execute('umount', options.mounted);

function record() {
  execute(make[0], ...make.slice(1), disk('disk'));
  mount();
  for (const place of PLACES) mkdirSync(path.join(options.mounted, place));
  unmount();
  command('settle');
  mount();
  const workload = fileURLToPath(new URL('workload.mjs', import.meta.url));
  const env = { ...process.env };
  if (options.drop) Object.assign(env, { LD_PRELOAD: options.preload, HOLDFAST_DROP_SYNC: options.drop });
  const args = [workload, options.mounted, disk('marks'), String(options.seed), String(options.steps)];
  try {
    execFileSync(process.execPath, args, { env, stdio: ['ignore', 'ignore', 'inherit'] });
    // Read before the writes of the unmount.
    return readFileSync(disk('log'), 'latin1');
  } finally {
    unmount();
  }
}

/** Puts the disk into a state. Splits the puts, because the disk accepts a megabyte at once. */
function enter({ flush, puts }) {
  command(`advance ${flush}`, 'reset');
  for (let at = 0; at < puts.length; at += 10_000) command(...puts.slice(at, at + 10_000).map((put) => `put ${put.join(' ')}`));
}

/** Saves the disk at the power loss, its log, and the problems, for an analysis. */
function keepEvidence(state, log, problems, number) {
  const place = path.join(options.keep, `${options.fileSystem}-seed-${options.seed}-${number}`);
  mkdirSync(place, { recursive: true });
  enter(state);
  execute('cp', '--sparse=always', disk('disk'), path.join(place, 'disk'));
  writeFileSync(path.join(place, 'log'), log);
  writeFileSync(path.join(place, 'state.json'), JSON.stringify({ ...state, problems }, null, 1));
}

const plan = makePlan(options);
const log = record();
command('replay');
const entries = parseLog(log);
const random = randomFrom(options.seed ^ 0x5eed);
const states = legalStates({ entries, wanted: options.states, random, metadataUnit });

const KINDS = ['torn', 'missing', 'lost', 'impossible'];
const report = { states: 0, bad: 0, torn: 0, missing: 0, lost: 0, impossible: 0, unsynced: 0, strays: 0, withStrays: 0, examples: [] };
const countOf = (isMeant) => entries.filter(isMeant).length;
report.writes = countOf(({ kind }) => kind === 'W' || kind === 'D');
report.flushes = countOf(({ kind }) => kind === 'F');
report.acknowledged = countOf(({ text }) => text?.startsWith('durable'));
report.withLostWrites = 0;
report.withTornWrites = 0;

/** Checks the files after a power loss. A disk that fails to mount is reported like other problems. */
function examine(state) {
  enter(state);
  try {
    mount();
  } catch (error) {
    return { torn: [], missing: [], lost: [], impossible: [`not mounted: ${error.stderr}`], strays: 0, unsynced: 0 };
  }
  try {
    return judge(options.mounted, plan.files, claimsAt(entries, state.cut));
  } finally {
    unmount();
  }
}

for (const state of states) {
  if (options.until !== null && Date.now() > options.until) break;
  const verdict = examine(state);
  report.states += 1;
  report.withLostWrites += state.lost > 0 ? 1 : 0;
  report.withTornWrites += state.torn > 0 ? 1 : 0;
  for (const kind of KINDS) report[kind] += verdict[kind].length > 0 ? 1 : 0;
  report.unsynced += verdict.unsynced > 0 ? 1 : 0;
  report.strays += verdict.strays;
  report.withStrays += verdict.strays > 0 ? 1 : 0;
  const problems = KINDS.flatMap((kind) => verdict[kind].map((what) => `${kind}: ${what}`));
  if (problems.length === 0) continue;
  report.bad += 1;
  if (report.examples.length === 3) continue;
  report.examples.push(`before entry ${state.cut}, flushed to ${state.flush}: ${problems.slice(0, 4).join('; ')}`);
  if (options.keep) keepEvidence(state, log, problems, report.examples.length);
}
console.log(JSON.stringify(report));
