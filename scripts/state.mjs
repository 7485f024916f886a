// Shared state under `kill -9`: the long form of __test__/api/state and __test__/system/state, for holdfast and for what
// programs use instead. Prints a table. Needs the npm registry for the other libraries.
//
//   npm run test:state                          all of it: 20 minutes
//   npm run test:state -- --increments 5000 --records 5000 --seconds 5 --stop 3 --only holdfast

import { fork } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { killedAtEachCall } from './state/each-call.mjs';
import { fail, projectRoot, run } from './support.mjs';

const { values: options } = parseArgs({
  options: {
    /** acknowledged increments and records of holdfast */
    increments: { type: 'string', default: '100000' },
    records: { type: 'string', default: '100000' },
    /** what another library has for each row */
    seconds: { type: 'string', default: '60' },
    /** milliseconds between two kills: about */
    pause: { type: 'string', default: '650' },
    /** how long a holder is stopped */
    stop: { type: 'string', default: '30' },
    only: { type: 'string' },
    /** a part of the names of the tasks */
    task: { type: 'string', default: '' },
  },
});
const PEERS = { 'proper-lockfile': '4.1.2', '@openclaw/fs-safe': '0.21.0' };
const libraries = path.join(projectRoot, '.cache/state');
const WORKER = path.join(projectRoot, 'scripts/state/worker.mjs');
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

const base = mkdtempSync(path.join(tmpdir(), 'holdfast-state-'));
process.on('exit', () => rmSync(base, { recursive: true, force: true }));

/** Installs the libraries once, with a link to this checkout beside them. */
function installPeers() {
  mkdirSync(path.join(libraries, 'node_modules'), { recursive: true });
  const isThere = Object.keys(PEERS).every((name) => existsSync(path.join(libraries, 'node_modules', name)));
  writeFileSync(path.join(libraries, 'package.json'), JSON.stringify({ private: true, dependencies: PEERS }));
  if (options.only !== 'holdfast' && !isThere && run('npm', ['install', '--silent', '--no-audit', '--no-fund'], { cwd: libraries }) !== 0) {
    fail('state: the libraries to compare with could not be installed');
  }
  rmSync(path.join(libraries, 'node_modules/holdfast'), { force: true });
  symlinkSync(projectRoot, path.join(libraries, 'node_modules/holdfast'), 'junction');
}

let processes = 0;

function launch(library, verb, file) {
  processes += 1;
  const child = fork(WORKER, [libraries, library, verb, file, String(processes)], { stdio: ['ignore', 'ignore', 'pipe', 'ipc'] });
  let said = '';
  child.stderr.on('data', (chunk) => (said += chunk));
  child.once('exit', (code) => {
    if (code !== null && code !== 0) console.error(`${library} ${verb} ended with ${code}: ${said.slice(0, 500)}`);
  });
  return { child, id: String(processes) };
}

const acknowledgements = (file) =>
  readdirSync(path.dirname(file))
    .filter((name) => name.includes('.ack-'))
    .map((name) => ({ id: name.split('.ack-')[1], lines: readFileSync(path.join(path.dirname(file), name), 'utf8').split('\n').filter(Boolean) }));

const count = (file) => acknowledgements(file).reduce((sum, { lines }) => sum + lines.length, 0);

/** Kills a process, unless it has ended by itself: a library may end its host. */
async function end(child) {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
}

/** Runs processes until enough is acknowledged, or the time is over. Kills one again and again. */
async function crowd(library, jobs, file, { enough, seconds, onTick = () => {}, isCalm = false }) {
  const running = jobs.map((verb) => ({ verb, ...launch(library, verb, file) }));
  const began = Date.now();
  let [kills, last, lastChange, standstill] = [0, 0, Date.now(), 0];
  while (Date.now() - began < seconds * 1000) {
    // A process takes a while to start: a shorter pause would kill most of them before their first call.
    await sleep(Number(options.pause) * (0.5 + Math.random()));
    const one = running[Math.floor(Math.random() * running.length)];
    if (!isCalm) {
      await end(one.child);
      kills += 1;
      Object.assign(one, launch(library, one.verb, file));
    }
    onTick();
    const now = count(file);
    standstill = now === last ? Math.max(standstill, Date.now() - lastChange) : standstill;
    if (now !== last) [last, lastChange] = [now, Date.now()];
    if (now >= enough) break;
  }
  await Promise.all(running.map(({ child }) => end(child)));
  return { kills: isCalm ? 0 : kills + running.length, standstill, acknowledged: count(file), seconds: (Date.now() - began) / 1000 };
}

async function increments(library, limits) {
  const file = path.join(mkdtempSync(path.join(base, 'increments-')), 'count.json');
  writeFileSync(file, '0');
  const result = await crowd(library, Array(8).fill('increment'), file, limits);
  const value = Number(readFileSync(file, 'utf8'));
  const values = acknowledgements(file).flatMap(({ lines }) => lines);
  return { ...result, lost: Math.max(0, result.acknowledged - value), twice: values.length - new Set(values).size, torn: Number.isInteger(value) ? 0 : 1 };
}

/** Increments while the lock file is removed, or exchanged for a new one, hundreds of times a second. */
async function robbed(library, limits) {
  const file = path.join(mkdtempSync(path.join(base, 'robbed-')), 'count.json');
  writeFileSync(file, '0');
  const dir = path.dirname(file);
  let removals = 0;
  const thief = setInterval(() => {
    for (const name of readdirSync(dir).filter((one) => one.endsWith('.lock'))) {
      removals += 1;
      rmSync(path.join(dir, name), { recursive: true, force: true });
      if (removals % 2 === 0 && library === 'holdfast') writeFileSync(path.join(dir, name), '', { mode: 0o600 });
    }
  }, 3);
  const result = await crowd(library, Array(8).fill('increment'), file, { ...limits, isCalm: true });
  clearInterval(thief);
  const value = Number(readFileSync(file, 'utf8'));
  const values = acknowledgements(file).flatMap(({ lines }) => lines);
  return { ...result, kills: removals, lost: Math.max(0, result.acknowledged - value), twice: values.length - new Set(values).size, torn: Number.isInteger(value) ? 0 : 1 };
}

/** Counts the acknowledged records that are missing, torn or there twice. */
function judged(file, result) {
  const seen = new Map();
  let damaged = 0;
  for (const name of readdirSync(path.dirname(file)).filter((one) => !one.includes('.ack-') && !one.startsWith('.') && !one.endsWith('.lock'))) {
    for (const line of readFileSync(path.join(path.dirname(file), name), 'utf8').split('\n')) {
      try {
        const { id, n, fill } = JSON.parse(line);
        if (fill.length !== n % 300) throw new Error('torn');
        seen.set(`${id} ${n}`, (seen.get(`${id} ${n}`) ?? 0) + 1);
      } catch {
        damaged += line === '' ? 0 : 1;
      }
    }
  }
  const lost = acknowledgements(file).flatMap(({ id, lines }) => lines.filter((n) => !seen.has(`${id} ${n}`))).length;
  return { ...result, lost, twice: [...seen.values()].filter((times) => times > 1).length, torn: damaged };
}

async function records(library, limits) {
  const file = path.join(mkdtempSync(path.join(base, 'records-')), 'log');
  let [ticks, rotations] = [0, 0];
  const rotate = () => {
    ticks += 1;
    if (ticks % 5 === 0 && existsSync(file)) renameSync(file, `${file}.${(rotations += 1)}`);
  };
  return judged(file, await crowd(library, Array(16).fill('append'), file, { ...limits, onTick: rotate }));
}

async function mixed(library, limits) {
  const file = path.join(mkdtempSync(path.join(base, 'mixed-')), 'log');
  return judged(file, await crowd(library, ['append', 'append', 'append', 'append', 'update', 'update'], file, { ...limits, enough: Math.min(limits.enough, 3000) }));
}

/** Whether a stopped holder keeps its lock, and how long a killed one keeps it from others, in milliseconds. */
async function holders(library) {
  const file = path.join(mkdtempSync(path.join(base, 'holders-')), 'state');
  writeFileSync(file, '');
  /** Returns a process that holds the lock, or `undefined` if it ended without: a killed holder may have left its lock. */
  const hold = async () => {
    const { child } = launch(library, 'hold', file);
    return Promise.race([once(child, 'message').then(() => child), once(child, 'exit').then(() => undefined)]);
  };
  const first = await hold();
  first.kill('SIGSTOP');
  const second = launch(library, 'hold', file).child;
  const robbed = await Promise.race([once(second, 'message').then(() => true), once(second, 'exit').then(() => false), sleep(Number(options.stop) * 1000).then(() => false)]);
  second.kill('SIGKILL');
  first.kill('SIGKILL');
  await Promise.all([first, second].filter((child) => child.exitCode === null && child.signalCode === null).map((child) => once(child, 'exit')));
  const times = [];
  for (let round = 0; round < 5; round += 1) {
    const held = await hold();
    if (held === undefined) {
      times.push(Infinity);
      continue;
    }
    const next = launch(library, 'hold', file).child;
    await sleep(1000);
    const killed = performance.now();
    held.kill('SIGKILL');
    const isFree = await Promise.race([once(next, 'message').then(() => true), once(next, 'exit').then(() => false)]);
    times.push(isFree ? performance.now() - killed : Infinity);
    if (!isFree) continue;
    next.kill('SIGKILL');
    await once(next, 'exit');
  }
  return { robbed, released: times.sort((a, b) => a - b)[2] };
}

/** A thousand calls in one process that wait for one lock, which another process has for two seconds. */
async function waiters(library) {
  const file = path.join(mkdtempSync(path.join(base, 'waiters-')), 'state');
  writeFileSync(file, '');
  const holder = launch(library, 'hold', file).child;
  await once(holder, 'message');
  const crowd = launch(library, 'wait', file).child;
  await sleep(2000);
  holder.kill('SIGKILL');
  const answer = once(crowd, 'message').then(([message]) => message);
  const found = await Promise.race([answer, once(crowd, 'exit').then(() => undefined), sleep(Number(options.seconds) * 1000).then(() => undefined)]);
  crowd.kill('SIGKILL');
  return found;
}

installPeers();

const compared = ['holdfast', ...Object.keys(PEERS), 'node:fs'].filter((name) => options.only === undefined || options.only === name);
const failures = [];
const rows = [];
for (const library of compared) {
  const isOurs = library === 'holdfast';
  const limits = (enough) => (isOurs ? { enough: Number(enough), seconds: Infinity } : { enough: Infinity, seconds: Number(options.seconds) });
  const tasks = [
    ['increments, 8 processes', () => increments(library, limits(options.increments))],
    ['records, 16 processes, rotated', () => records(library, limits(options.records))],
    ...(library === 'node:fs' ? [] : [['increments, lock file removed', () => robbed(library, { ...limits(options.increments), enough: isOurs ? Math.min(10_000, options.increments) : Infinity })]]),
    ...(isOurs ? [['records beside updates', () => mixed(library, limits(options.records))]] : []),
  ];
  for (const [task, measure] of tasks.filter(([name]) => name.includes(options.task))) {
    const { acknowledged, lost, twice, torn, kills, standstill, seconds } = await measure();
    rows.push([library, task, acknowledged, lost, twice, torn, kills, Math.round(standstill), seconds.toFixed(0)]);
    console.log(rows.at(-1).join(' · '));
    if (isOurs && (lost > 0 || twice > 0)) failures.push(`${task}: ${lost} lost, ${twice} twice`);
  }
}
const heads = ['library', 'task', 'acknowledged', 'lost', 'twice', 'torn lines, not acknowledged', 'killed (lock file: removed)', 'longest standstill, ms', 'seconds'];
console.log(['', `| ${heads.join(' | ')} |`, `|${heads.map(() => '---|').join('')}`, ...rows.map((row) => `| ${row.join(' | ')} |`), ''].join('\n'));
console.log(`| library | a holder stopped for ${options.stop} s | free after kill -9, ms |\n|---|---|---|`);
for (const library of compared.filter((name) => name !== 'node:fs')) {
  const { robbed: isRobbed, released } = await holders(library);
  console.log(`| ${library} | ${isRobbed ? 'is robbed' : 'keeps its lock'} | ${released === Infinity ? 'never: the waiting call fails' : Math.round(released)} |`);
  if (library === 'holdfast' && (isRobbed || released > 100)) failures.push(`robbed: ${isRobbed}, released after ${released} ms`);
}
console.log('\n| library | 1,000 waiters for one lock | longest delay of the event loop, ms | longest stat meanwhile, ms | descriptors | out of turn |\n|---|---|---|---|---|---|');
for (const library of compared.filter((name) => name !== 'node:fs')) {
  let found = await waiters(library);
  // The delay is judged by the best of three tries: another program may have had the processor.
  for (let tries = 1; tries < 3 && library === 'holdfast' && found?.delay > 20; tries += 1) found = await waiters(library);
  const cells = found === undefined ? [`not all within ${options.seconds} s`, '', '', '', ''] : [`${found.served} served within ${found.milliseconds} ms`, found.delay, found.stat, found.descriptors, found.outOfTurn];
  console.log(`| ${library} | ${cells.join(' | ')} |`);
  if (library === 'holdfast' && (found === undefined || found.outOfTurn > 0 || found.delay > 20)) failures.push(`waiters: ${JSON.stringify(found)}`);
}
if (options.only === undefined || options.only === 'holdfast') {
  const each = killedAtEachCall(base);
  console.log(each === undefined ? '\nNo strace: not killed at each call.' : `\nholdfast, killed at each of ${each.calls} system calls of an increment: ${each.lost} lost.`);
  if (each !== undefined && each.lost > 0) failures.push(`${each.lost} lost at a system call`);
}
if (failures.length > 0) fail(`state: ${failures.join('; ')}`);
