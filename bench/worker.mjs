// Measures one row on one Node and one file system, and prints it as JSON. Each row has a process of its own, because
// V8's state after other rows would make a figure depend on their order.
//
//   node --expose-gc bench/worker.mjs '{ "place": "tmpfs", "dir": "/dev/shm/x", "row": "read-sync-1k", "effort": {…}, "floor": "…" }'

import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import * as holdfast from '../index.mjs';
import { startFloor } from './floor.mjs';
import { cpuOf, measure, quartiles, ratio } from './measure.mjs';
import { describePeers, loadPeers } from './peers.mjs';
import { rows } from './rows.mjs';

const { place, dir, row: wanted, effort, floor: floorProgram, alone } = JSON.parse(process.argv[2]);
const node = Number(process.versions.node.split('.')[0]);
const sliceProgram = fileURLToPath(new URL('slice.mjs', import.meta.url));

const peers = alone ? {} : await loadPeers();
const floor = floorProgram ? startFloor(floorProgram) : undefined;

/**
 * Returns the same candidate with each slice in a new process. The floor is unchanged: it is in a process already, and
 * maps its memory anew each time.
 */
function isolate(row, candidate, directory) {
  const { runs: fixed, warm } = row.isolated;
  if (candidate.time) return { ...candidate, fixed };
  const request = JSON.stringify({ row: row.id, candidate: candidate.id, dir: directory, warm, alone });
  const time = async (runs) => {
    const child = spawnSync(process.execPath, [sliceProgram, request, String(runs)], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
    if (child.status !== 0) throw new Error(`${row.id}: the slice of ${candidate.id} failed`);
    return Number(child.stdout);
  };
  return { ...candidate, run: undefined, fixed, time };
}

/** Runs every candidate once and checks its result: a fast wrong result does not count. */
async function checkOnce(row, candidate, context) {
  candidate.before?.(1);
  const result = await candidate.run();
  row.check(context, result, candidate);
  candidate.after?.(1);
}

/**
 * Returns the ratio that the system calls alone reach, with a job of the pool where the row has one; undefined where it
 * was not measured.
 */
function floorOf(times, against) {
  if (!times.has('floor')) return undefined;
  const job = times.has('job') ? ratio(times, 'job', against).median : 0;
  return ratio(times, 'floor', against).median + job;
}

function judge(target, times) {
  const { candidate, against, cpu, times: least } = target;
  if (!times.has(candidate) || !times.has(against)) return undefined;
  if (cpu) {
    if (!times.has(cpuOf(candidate)) || !times.has(cpuOf(against))) return undefined;
    const limit = target.limit({ place, node });
    const figure = ratio(times, cpuOf(candidate), cpuOf(against));
    return { candidate, against, cpu, limit, figure, met: figure.median <= limit, floor: floorOf(times, cpuOf(against)) };
  }
  if (least !== undefined) {
    const figure = ratio(times, against, candidate);
    const lowest = floorOf(times, against);
    return { candidate, against, times: least, figure, met: figure.median >= least, floor: lowest && 1 / lowest };
  }
  const limit = target.limit({ place, node });
  const figure = ratio(times, candidate, against);
  return { candidate, against, limit, figure, met: figure.median <= limit, floor: floorOf(times, against) };
}

async function runRow(row) {
  const directory = path.join(dir, row.id);
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const context = { dir: directory, holdfast, peers, floor, place };
  row.prepare(context);
  const candidates = await row.candidates(context);
  for (const candidate of candidates) if (candidate.run) await checkOnce(row, candidate, context);
  row.prepare(context);
  const measured = row.isolated ? candidates.map((candidate) => isolate(row, candidate, directory)) : candidates;
  const times = await measure(measured, row.isolated ? effort.isolated : { ...effort.shared, ...row.slices });
  return {
    id: row.id,
    title: row.title,
    place,
    node: process.versions.node,
    candidates: candidates.map(({ id, label, omits }) => ({
      id,
      label,
      omits,
      nanoseconds: quartiles(times.get(id)).median,
      ratio: ratio(times, id, candidates[0].id),
    })),
    targets: row.targets.map((target) => judge(target, times)).filter(Boolean),
  };
}

const row = rows.find(({ id }) => id === wanted);
const leftOut = alone ? [] : describePeers().filter(({ wants }) => wants);
process.stdout.write(JSON.stringify({ ...(await runRow(row)), leftOut }));
floor?.stop();
