// The soak: a thousand worker threads for each way to end, then every verb, in every form, and every kind of failure, a
// million times each in one process. Descriptors, threads and memory must stay constant. `npm test` runs short forms:
// __test__/api/process/lifecycle.spec.ts and __test__/api/process/soak.spec.ts.
//
//   npm run test:soak                                         most of an hour, and a table
//   npm run test:soak -- --calls 100000 --workers 100         fewer calls find only larger leaks; the report has the limit
//   npm run test:soak -- --only 'readSync|write, streamed'    some of the rows, and no workers

import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { FLAGS, faults, limit, PROMPT_ALLOCATOR } from '../__test__/programs/soak/slope.mjs';
import { fail, projectRoot, run } from './support.mjs';

const { values } = parseArgs({
  options: { calls: { type: 'string', default: '1000000' }, workers: { type: 'string', default: '1000' }, only: { type: 'string' } },
});
const [calls, workers] = [values.calls, values.workers].map(Number);
if (!Number.isSafeInteger(calls) || calls < 1000) fail('soak: --calls takes a whole number, from 1000 on.');
if (!Number.isSafeInteger(workers)) fail('soak: --workers takes a whole number.');
if (run(process.execPath, ['scripts/setup.mjs']) !== 0) process.exit(1);

const PROGRAM = path.join(projectRoot, '__test__/programs/soak/soak.mjs');
const WORKERS = path.join(projectRoot, '__test__/programs/lifecycle/workers.mjs');

/**
 * Returns the command line of the soak. Root runs it as an unprivileged user with a full file system, in a mount
 * namespace that leaves nothing behind.
 */
function commandLine(dir) {
  const isRoot = process.geteuid?.() === 0;
  const options = { dir: path.join(dir, 'work'), calls, only: values.only, ...(isRoot && { user: 65534, full: path.join(dir, 'full') }) };
  const node = [process.execPath, ...FLAGS, PROGRAM, JSON.stringify(options)];
  if (!isRoot) {
    console.log('soak: not root, so that the rows of EACCES and ENOSPC are left out');
    return node;
  }
  const mounted = `mount -t tmpfs -o size=64m,mode=1777 none "$0/work" && mount -t tmpfs -o size=4k,mode=1777 none "$0/full" && exec "$@"`;
  return ['unshare', '--mount', 'sh', '-c', mounted, dir, ...node];
}

const dir = mkdtempSync(path.join(tmpdir(), 'holdfast-soak-'));
chmodSync(dir, 0o755);
for (const name of ['work', 'full']) mkdirSync(path.join(dir, name));
const cell = (text, width) => (typeof text === 'number' ? String(text).padStart(width) : text.padEnd(width));
const print = (...cells) => console.log(`| ${cells.map((text, column) => cell(text, [34, 12, 11, 7, 8, 9][column])).join(' | ')} |`);

const failed = [];

/** Worker threads that use every verb, leave as much as possible unfinished, and end in one way. */
function soakWorkers(end) {
  const place = mkdtempSync(path.join(dir, 'workers-'));
  const started = performance.now();
  const done = spawnSync(process.execPath, [WORKERS, JSON.stringify({ dir: place, workers, end })], { encoding: 'utf8', cwd: projectRoot });
  const left = done.status === 0 ? JSON.parse(done.stdout) : {};
  const { descriptors, threads, temporaries, torn = [], published = [] } = left;
  const clean = descriptors === 0 && threads <= 0 && temporaries === 0 && torn.length === 0 && published.length === 0;
  const told = done.status === 0 ? JSON.stringify(left) : `ended with ${done.signal ?? done.status}: ${done.stderr}`;
  const seconds = ((performance.now() - started) / 1000).toFixed(0);
  console.log(`soak: ${workers} workers, the end: ${end}, ${seconds} s: ${clean ? 'nothing left' : ''} ${told}`);
  if (!clean) failed.push(`workers, ${end}: ${told}`);
}

let rows = 0;
let steepest = { name: '', slope: -Infinity };
try {
  if (!values.only && workers > 0) for (const end of ['itself', 'process.exit', 'an error', 'terminate']) soakWorkers(end);
  const [program, ...args] = commandLine(dir);
  const child = spawn(program, args, { cwd: projectRoot, stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, ...PROMPT_ALLOCATOR } });
  const ended = new Promise((resolve, reject) => child.once('error', reject).once('close', (status, signal) => resolve(signal ?? status)));
  print(`${calls} calls each`, 'bytes a call', 'descriptors', 'threads', 'RSS, MiB', 'us a call');
  for await (const line of createInterface({ input: child.stdout })) {
    const row = JSON.parse(line);
    if (row.strays !== undefined) {
      if (row.strays > 0) failed.push(`${row.strays} temporaries were left`);
      continue;
    }
    rows += 1;
    if (row.slope > steepest.slope) steepest = row;
    print(row.name, Number(row.slope.toFixed(2)), row.descriptors, row.threads, Math.round(row.rss / 2 ** 20), Number(row.microseconds.toFixed(1)));
    const fault = faults(row);
    if (fault) failed.push(`${row.name}: ${fault}`);
  }
  const status = await ended;
  if (status !== 0) failed.push(`the program ended with ${status}`);
} finally {
  rmSync(dir, { recursive: true, force: true });
}
console.log(`soak: ${rows} rows of ${calls} calls; steepest ${steepest.slope.toFixed(2)} bytes a call (${steepest.name}), limit ${limit(calls).toFixed(1)}`);
for (const fault of failed) console.error(`soak: ${fault}`);
if (failed.length > 0 || rows === 0) process.exit(1);
