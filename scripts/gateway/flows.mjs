// Runs the flows of a gateway before and after, in a network namespace with loopback only, and prints a table. Started
// by scripts/gateway.mjs.

import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { startMockModel } from './mock-model.mjs';
import { PLACE_NAMES, USER, makePlace } from './places.mjs';
import { gatewayOf } from './steps.mjs';

const { version, node, before, after, options } = JSON.parse(process.argv[2]);
const wanted = (name, value) => options[name] === undefined || options[name].split(',').includes(String(value));

if (spawnSync('ip', ['link', 'set', 'lo', 'up']).status !== 0) throw new Error('the loopback interface cannot be started');
const scratch = mkdtempSync(path.join(tmpdir(), 'holdfast-flows-'));
chmodSync(scratch, 0o755);
const cache = path.join(scratch, 'compile-cache');
mkdirSync(cache);
chmodSync(cache, 0o777);
const model = await startMockModel();

/** Exit listeners and warnings of holdfast in the processes of one step. */
function observations(file) {
  const lines = readFileSync(file, 'utf8').split('\n').filter(Boolean).map((line) => JSON.parse(line));
  writeFileSync(file, '');
  return {
    listeners: Math.max(0, ...lines.map(({ listeners }) => listeners)),
    warnings: lines.flatMap(({ warnings }) => warnings).filter((name) => /holdfast/i.test(name)).length,
  };
}

/** Files of the state with their modes, without files whose names change between runs. */
function files(dir, at = '.') {
  const entries = readdirSync(path.join(dir, at), { withFileTypes: true });
  return entries.flatMap((entry) => {
    const name = path.posix.join(at, entry.name);
    if (entry.isDirectory()) return files(dir, name);
    if (/sqlite|-wal$|-shm$|cache|\.log$|logs\/|[0-9a-f]{8}-[0-9a-f]{4}|journal|\.lock$/.test(name)) return [];
    return [`${name} ${(statSync(path.join(dir, name)).mode & 0o777).toString(8)}`];
  });
}

async function flow(installation, placeName, uid, umask) {
  const place = makePlace(placeName, path.join(scratch, 'place'), uid);
  const observed = path.join(scratch, 'observed');
  writeFileSync(observed, '');
  chmodSync(observed, 0o666);
  try {
    const { setup, steps } = gatewayOf({ version, node, installation, place, uid, umask, observed, cache, model });
    const results = {};
    const run = async (name, step) => {
      const { status, seconds, said } = await step();
      results[name] = { status, seconds, said, ...observations(observed) };
      process.stderr.write(`  ${name}: ${status} in ${seconds.toFixed(1)} s\n`);
    };
    for (const [name, step] of Object.entries(setup)) await run(name, step);
    place.afterSetup();
    for (const [name, step] of Object.entries(steps)) if (wanted('step', name)) await run(name, step);
    return { results, mode: place.mode(), files: files(place.state).sort() };
  } finally {
    place.remove();
  }
}

const problems = [];
const outcomes = new Map();
const quoted = (text) => text.trim().split('\n').slice(-2).join(' ').slice(-160).replaceAll('|', '/');
console.log(`\nopenclaw@${version}: exit of each step, before (the original library) and after (holdfast in it)\n`);
console.log('| uid | umask | state directory | step | before | after | s before | s after |\n|---|---|---|---|---|---|---|---|');
try {
  for (const uid of [USER, 0]) for (const umask of ['022', '077']) for (const placeName of PLACE_NAMES) {
    if (!wanted('uid', uid) || !wanted('umask', umask) || !wanted('place', placeName.split(' ')[0])) continue;
    process.stderr.write(`uid ${uid}, umask ${umask}, ${placeName}: before\n`);
    const original = await flow(before, placeName, uid, umask);
    process.stderr.write(`uid ${uid}, umask ${umask}, ${placeName}: after\n`);
    const adapted = await flow(after, placeName, uid, umask);
    outcomes.set(`${uid} ${umask} ${placeName}`, adapted);
    const where = `| ${uid} | ${umask} | ${placeName} |`;
    for (const [name, { status, seconds, said }] of Object.entries(adapted.results)) {
      const old = original.results[name];
      console.log(`${where} ${name} | ${old.status} | ${status} | ${old.seconds.toFixed(1)} | ${seconds.toFixed(1)} |`);
      if (old.status !== 0 && old.status !== status) console.log(`${where} … says | ${quoted(old.said)} | | | |`);
      const isOrdinary = placeName !== 'root:1000 2775';
      if (isOrdinary && old.status !== status) problems.push(`${uid} ${umask} ${placeName}: ${name} ended with ${old.status} before and with ${status} after: ${quoted(said)}`);
      const ordinary = outcomes.get(`${uid} ${umask} ordinary`)?.results[name];
      if (!isOrdinary && ordinary !== undefined && ordinary.status !== status) problems.push(`${uid} ${umask}: ${name} ends with ${status} on ${placeName}, and with ${ordinary.status} on an ordinary home: ${quoted(said)}`);
      const { listeners, warnings } = adapted.results[name];
      // A step that ends early before has fewer listeners.
      if (old.status === status && isOrdinary && listeners > old.listeners) problems.push(`${where} ${name}: ${listeners} exit listeners, ${old.listeners} before`);
      if (isOrdinary && warnings > 0) problems.push(`${where} ${name}: ${warnings} warnings of ours`);
    }
    const count = (which) => Object.values(which.results).reduce((sum, { warnings }) => sum + warnings, 0);
    const most = (which) => Math.max(...Object.values(which.results).map(({ listeners }) => listeners));
    console.log(`${where} mode of the state directory | ${original.mode} | ${adapted.mode} | | |`);
    console.log(`${where} exit listeners at most; warnings of ours | ${most(original)}; ${count(original)} | ${most(adapted)}; ${count(adapted)} | | |`);
    if (placeName !== 'root:1000 2775') {
      const differing = [...original.files.filter((file) => !adapted.files.includes(file)).map((file) => `- ${file}`), ...adapted.files.filter((file) => !original.files.includes(file)).map((file) => `+ ${file}`)];
      console.log(`${where} files and modes | ${original.files.length} | ${differing.length === 0 ? 'the same' : differing.slice(0, 6).join(', ')} | | |`);
    }
  }
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
for (const problem of problems) console.error(`gateway: not so: ${problem}`);
process.exit(problems.length === 0 ? 0 : 1);
