// Measures the package against node:fs, its peers, and the bare system calls.
//
//   npm run bench                    every row on Node 20, 24 and 26, tmpfs and disk; writes docs/performance*
//   npm run bench -- --quick         the running Node only, fewer rounds, under two minutes; prints only
//   --large                          with --quick: the rows too that take more than seconds, 256 MiB and 10,000 entries
//   --node PATH                      this Node (or a line: 22) instead; may be repeated
//   --only NAME                      rows whose id contains NAME; may be repeated
//   --place tmpfs|disk               one file system only
//   --disk DIR                       a directory on the disk to measure
//   --rounds N                       more or fewer rounds
//   --alone                          neither peers nor the floor: needs no network and no Rust
//   --write                          write the documents also after a quick or partial run
//   --render                         write them again from the last run that was written, without measuring
//   --list                           the ids of the rows

import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import * as holdfast from '../index.mjs';
import { fail, projectRoot } from '../scripts/support.mjs';
import { renderChart } from './chart.mjs';
import { buildFloor } from './floor.mjs';
import { describeMachine, load } from './machine.mjs';
import { findNodes } from './nodes.mjs';
import { describePeers, installPeers } from './peers.mjs';
import { findPlaces } from './places.mjs';
import { renderDetail, renderReport } from './report.mjs';
import { rows } from './rows.mjs';
import { printRow, printSummary } from './table.mjs';

const QUICK = {
  shared: { sliceMs: 1, turns: 3, warmMs: 50, rounds: 50, leastRounds: 5, budgetMs: 1000 },
  isolated: { turns: 1, rounds: 5, leastRounds: 3, budgetMs: 4000 },
};
const FULL = {
  shared: { sliceMs: 1, turns: 3, warmMs: 250, rounds: 200, leastRounds: 31, budgetMs: 6_000 },
  isolated: { turns: 1, rounds: 21, leastRounds: 7, budgetMs: 15_000 },
};

const LAST_RUN = path.join(projectRoot, '.cache/bench/last-run.json');
const worker = fileURLToPath(new URL('worker.mjs', import.meta.url));

function parseOptions() {
  try {
    return parseArgs({
      options: {
        quick: { type: 'boolean', default: false },
        large: { type: 'boolean', default: false },
        node: { type: 'string', multiple: true, default: [] },
        only: { type: 'string', multiple: true, default: [] },
        place: { type: 'string', multiple: true, default: ['tmpfs', 'disk'] },
        disk: { type: 'string' },
        rounds: { type: 'string' },
        alone: { type: 'boolean', default: false },
        write: { type: 'boolean', default: false },
        render: { type: 'boolean', default: false },
        list: { type: 'boolean', default: false },
      },
    }).values;
  } catch (error) {
    return fail(`bench: ${error.message}; the first lines of bench/index.mjs tell what there is.`);
  }
}

function chooseRows({ only, quick, large }) {
  const chosen = rows.filter(
    (row) => (only.length === 0 || only.some((name) => row.id.includes(name))) && (!quick || large || row.quick !== false),
  );
  return chosen.length > 0 ? chosen : fail(`bench: no row is called ${only.join(' or ')}; --list names them.`);
}

function chooseEffort({ quick, rounds }) {
  const effort = quick ? QUICK : FULL;
  if (rounds === undefined) return effort;
  const count = Number(rounds);
  if (!Number.isSafeInteger(count) || count < 1) fail('bench: --rounds takes a number from 1.');
  const exactly = { rounds: count, leastRounds: count };
  return { shared: { ...effort.shared, ...exactly }, isolated: { ...effort.isolated, ...exactly } };
}

/** Runs one row in a process of its own. */
function measureRow(row, node, { place, dir }, { effort, floor, alone }) {
  const request = JSON.stringify({ place, dir, row: row.id, effort, floor, alone });
  const child = spawnSync(node, ['--expose-gc', worker, request], { cwd: projectRoot, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
  if (child.status !== 0) fail(`bench: ${row.id} failed on ${place}; its message is above.`);
  return JSON.parse(child.stdout);
}

function measureAll(options) {
  const chosen = chooseRows(options);
  const effort = chooseEffort(options);
  const nodes = findNodes(options.node, options.quick);
  if (!options.alone) installPeers();
  const settings = { effort, alone: options.alone, floor: options.alone ? undefined : buildFloor() };
  const places = findPlaces(options.place, { disk: options.disk });
  process.once('SIGINT', () => process.exit(130));
  process.once('SIGTERM', () => process.exit(143));
  process.once('exit', () => places.forEach(({ remove }) => remove()));

  const machine = { ...describeMachine(), version: holdfast.capabilities().version };
  const before = load();
  const loads = [];
  const results = [];
  for (const node of nodes) {
    for (const place of places) {
      console.log(`\nNode ${node.version}, ${place.place} (${place.type}, ${path.dirname(place.dir)})`);
      for (const row of chosen.filter((one) => one.places.includes(place.place))) {
        const result = measureRow(row, node.binary, place, settings);
        loads.push(load());
        results.push(result);
        printRow(result);
      }
    }
  }
  return {
    date: new Date().toISOString().slice(0, 10),
    command: ['npm run bench', ...(process.argv.length > 2 ? ['--', ...process.argv.slice(2)] : [])].join(' '),
    machine,
    loads: { before, least: Math.min(...loads), most: Math.max(...loads) },
    effort,
    nodes: nodes.map(({ version }) => version),
    places: places.map(({ place, type, options: mountOptions }) => ({ place, type, options: mountOptions })),
    peers: options.alone ? [] : describePeers().map(({ name, version }) => ({ name, version })),
    results,
  };
}

function writeDocuments(run) {
  const documents = { 'performance.md': renderReport(run), 'performance-detail.md': renderDetail(run), 'performance.svg': renderChart(run) };
  for (const [name, text] of Object.entries(documents)) writeFileSync(path.join(projectRoot, 'docs', name), text);
  console.log(`\nWritten to docs/: ${Object.keys(documents).join(', ')}.`);
}

const options = parseOptions();
if (options.list) {
  for (const { id, title } of chooseRows(options)) console.log(`${id.padEnd(28)} ${title}`);
} else if (options.render) {
  writeDocuments(JSON.parse(readFileSync(LAST_RUN, 'utf8')));
} else {
  const run = measureAll(options);
  printSummary(run.results);
  const whole = !options.quick && !options.alone && options.only.length === 0 && options.rounds === undefined && options.place.length === 2;
  if (options.write || whole) {
    mkdirSync(path.dirname(LAST_RUN), { recursive: true });
    writeFileSync(LAST_RUN, JSON.stringify(run));
    writeDocuments(run);
  }
}
