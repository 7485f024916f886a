// The power-loss test. holdfast writes to a disk that logs every write and every flush. The test puts the disk into
// states that a power loss may leave, mounts it, and compares the files with the acknowledged writes. Two mutants, one
// without fsync of files and one without fsync of directories, run too and must be detected. Needs root, gcc, FUSE and
// loop devices.
//
//   npm run test:crash                                     1,000 states each on ext4 (two ways), xfs and btrfs
//   npm run test:crash -- --fs xfs,btrfs --states 10000    on these
//   npm run test:crash -- --minutes 30                     as many of the states as half an hour allows
//   --seed N      another workload, other states           --json FILE   the report as JSON
//   --keep DIR    disk, log and findings of bad states     --mutants N   states for each mutant (default: 100, or a tenth)
//   --steps N     length of a workload (default: 60)

import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { configurations, fileSystems } from './crash/file-systems.mjs';
import { fail, projectRoot, run } from './support.mjs';

const { values } = parseArgs({
  options: {
    fs: { type: 'string', default: 'ext4,xfs,btrfs' },
    states: { type: 'string', default: '1000' },
    mutants: { type: 'string' },
    minutes: { type: 'string' },
    seed: { type: 'string', default: '1' },
    steps: { type: 'string', default: '60' },
    json: { type: 'string' },
    keep: { type: 'string' },
    prepared: { type: 'boolean', default: false },
  },
});
const number = (name) => {
  const value = Number(values[name]);
  return Number.isInteger(value) && value > 0 ? value : fail(`crash: --${name} takes a whole number above 0.`);
};
const wanted = number('states');
const wantedOfMutants = values.mutants ? number('mutants') : Math.min(100, Math.ceil(wanted / 10));
const minutes = values.minutes ? number('minutes') : null;
const firstSeed = number('seed');
const steps = number('steps');
const chosen = configurations(values.fs.split(','));

/** States per log of one workload: few enough to differ, many enough to pay for the recording. */
const STATES_OF_A_LOG = 250;
/** Limit of logs, because logs without a new state would never end. */
const LOGS_AT_MOST = 20;

/**
 * The syncs that drop-sync.c drops, and the expected effect. The mutants run first; the remaining time is for the other
 * states.
 */
const VARIANTS = [
  { name: 'without the file sync', drop: 'files', shows: ['torn'] },
  { name: 'without the directory sync', drop: 'directories', shows: ['missing', 'lost'] },
  { name: 'holdfast', drop: null, shows: [] },
];

if (process.geteuid?.() !== 0) fail('crash: only root can mount the file systems.');
// `npm test` runs the short form after the checkout is set up.
if (!values.prepared && run(process.execPath, ['scripts/setup.mjs']) !== 0) process.exit(1);

const scratch = mkdtempSync(path.join(tmpdir(), 'holdfast-crash-'));

function build(name, ...flags) {
  const program = path.join(scratch, name);
  const source = path.join(projectRoot, '__test__/programs', `${name}.c`);
  if (run('gcc', ['-O2', '-Wall', '-Wextra', '-Werror', ...flags, '-o', program, source]) !== 0) {
    throw new Error(`${name}.c could not be built`);
  }
  return program;
}

/** Records and replays one workload, in a mount namespace that ends with it. */
function replay(options, size) {
  const line = ['--mount', '--propagation', 'private', path.join(scratch, 'log-disk'), options.disk, String(size)];
  const program = fileURLToPath(new URL('crash/run.mjs', import.meta.url));
  const answer = spawnSync('unshare', [...line, process.execPath, program, JSON.stringify(options)], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  if (answer.status !== 0) throw new Error(`a run on ${options.fileSystem} ended with ${answer.signal ?? answer.status ?? answer.error}`);
  return JSON.parse(answer.stdout);
}

function add(total, part) {
  for (const [key, value] of Object.entries(part)) {
    total[key] = typeof value === 'number' ? (total[key] ?? 0) + value : [...(total[key] ?? []), ...value];
  }
}

/** Measures one configuration in one variant, with as many logs as needed. */
function measure(fileSystem, { name, drop, shows }, preload, until) {
  const asked = drop ? wantedOfMutants : wanted;
  const total = { fileSystem, variant: name, drop, shows, asked, states: 0, logs: 0, examples: [] };
  while (total.states < asked && total.logs < LOGS_AT_MOST + asked / STATES_OF_A_LOG && !(until && Date.now() > until)) {
    const options = { fileSystem, drop, preload, until, seed: firstSeed + total.logs, steps, keep: drop ? null : values.keep };
    options.states = Math.min(asked - total.states, STATES_OF_A_LOG);
    options.disk = path.join(scratch, 'disk');
    options.mounted = path.join(scratch, 'mounted');
    add(total, replay(options, fileSystems[fileSystem].size));
    total.logs += 1;
  }
  total.examples.splice(3);
  return total;
}

const COLUMNS = ['states', 'withLostWrites', 'withTornWrites', 'torn', 'missing', 'lost', 'impossible', 'withStrays', 'unsynced'];

function table(rows) {
  const lines = [['file system', 'variant', ...COLUMNS, 'logs', 'writes', 'flushes', 'acknowledged']];
  for (const row of rows) lines.push([row.fileSystem, row.variant, ...lines[0].slice(2).map((column) => String(row[column] ?? 0))]);
  const widths = lines[0].map((_, column) => Math.max(...lines.map((cells) => cells[column].length)));
  for (const cells of lines) console.log(`| ${cells.map((cell, column) => cell.padEnd(widths[column])).join(' | ')} |`);
}

const began = Date.now();
const rows = [];
try {
  build('log-disk');
  const preload = build('drop-sync', '-shared', '-fPIC');
  for (const name of ['disk', 'mounted']) mkdirSync(path.join(scratch, name));
  for (const [n, fileSystem] of chosen.entries()) {
    const until = minutes === null ? null : began + (minutes * 60_000 * (n + 1)) / chosen.length;
    for (const variant of VARIANTS) {
      const row = measure(fileSystem, variant, preload, until);
      rows.push(row);
      console.log(`crash: ${fileSystem}, ${variant.name}: ${row.states} states, ${row.bad ?? 0} of them bad`);
    }
  }
} finally {
  rmSync(scratch, { recursive: true, force: true });
}

table(rows);
console.log('states with: writes lost, writes torn; a file torn, missing, older than acknowledged, impossible; temporaries left;');
console.log('a file torn that was written without a sync, of which nothing is promised. writes, flushes: of the disk');
if (values.json) writeFileSync(values.json, JSON.stringify(rows));

const faults = rows.flatMap((row) => {
  const where = `${row.fileSystem}, ${row.variant}`;
  if (row.drop) return row.shows.some((kind) => row[kind] > 0) ? [] : [`${where}: not caught in ${row.states} states`];
  const few = row.states < (minutes === null ? row.asked : 1) ? [`${where}: only ${row.states} states`] : [];
  return [...few, ...row.examples.map((example) => `${where}: ${example}`)];
});
for (const fault of faults) console.error(`crash: ${fault}`);
console.log(`crash: ${faults.length === 0 ? 'nothing lost, every mutant caught' : 'FAILED'}, ${Math.round((Date.now() - began) / 1000)} s`);
if (faults.length > 0) process.exit(1);
