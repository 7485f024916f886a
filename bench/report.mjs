// Renders docs/performance.md and docs/performance-detail.md from the results of one run.

import { explain } from './misses.mjs';
import { rows } from './rows.mjs';
import { countTargets, duration, figure, isRuledOut, reached, spread } from './table.mjs';

const CANDIDATES = { holdfast: 'a plain call', root: 'through a Root', many: '`writeAtomicMany`' };
const AGAINST = { node: '`node:fs`', 'by-hand': 'the same by hand', 'fs-safe': '`@openclaw/fs-safe`' };
const nameOf = (against) => AGAINST[against] ?? `\`${against}\``;

const line = (cells) => `| ${cells.join(' | ')} |`;
const table = (head, body) => [line(head), line(head.map((_, i) => (i === 0 ? '---' : '---:'))), ...body.map(line)].join('\n');
const major = (version) => version.split('.')[0];

/** Indexes the results of a run by row, place and Node. */
function indexed(results) {
  const byKey = new Map(results.map((row) => [`${row.id} ${row.place} ${row.node}`, row]));
  return (id, place, node) => byKey.get(`${id} ${place} ${node}`);
}

function machineSection({ machine, places, nodes, peers, date, command, loads }) {
  const facts = [
    ['Processor', `${machine.processor}, ${machine.cores} cores${machine.virtual ? ', a virtual machine' : ''}`],
    ['Memory', `${machine.memory}; transparent huge pages: ${machine.hugePages ?? 'unknown'}${machine.returnsFreePages ? '; free pages of 2 MiB and more are returned to the host' : ''}`],
    ['Kernel', machine.kernel],
    ...places.map(({ place, type, options }) => [place, `${type}, \`${options}\``]),
    ['Node', nodes.join(', ')],
    ['Peers', peers.map(({ name, version }) => `\`${name}\` ${version}`).join(', ')],
    ['holdfast', [machine.version, machine.commit && `commit ${machine.commit}`].filter(Boolean).join(', ')],
    ['Process', `${machine.user}, umask ${machine.umask}, ${machine.threads} threads in libuv's pool${machine.priority ? `, ${machine.priority}` : ''}`],
    ['Load average', `${loads.before.toFixed(1)} before, between ${loads.least.toFixed(1)} and ${loads.most.toFixed(1)} while measuring`],
    ['Run', `${date}, \`${command}\``],
  ];
  return `## Machine and run\n\n${['| | |', '|---|---|', ...facts.map(line)].join('\n')}`;
}

/** Returns whether two targets of a row are the same one. */
const isSame = (one, other) => one.candidate === other.candidate && one.against === other.against && Boolean(one.cpu) === Boolean(other.cpu);

/** Describes what is compared with what. */
const compared = ({ candidate, against, cpu }) => `${CANDIDATES[candidate]}, against ${nameOf(against)}${cpu ? ', processor time' : ''}`;

const floorFigure = ({ floor, times }) => `${figure(floor)}${times === undefined ? '' : '×'}`;

/** Formats a target for a cell. */
function verdict(target) {
  if (!target) return '–';
  if (target.met) return `${reached(target)} ✓`;
  return isRuledOut(target) ? `${reached(target)} (${floorFigure(target)})` : `**${reached(target)} ✗**`;
}

function targetSection({ results, places, nodes }) {
  const find = indexed(results);
  const columns = places.flatMap(({ place, type }) => nodes.map((node) => ({ place, type, node })));
  const body = [];
  for (const row of rows) {
    for (const wanted of row.targets) {
      const cells = columns.map(({ place, node }) => find(row.id, place, node)?.targets.find((target) => isSame(target, wanted)));
      if (cells.every((cell) => cell === undefined)) continue;
      body.push([row.title, compared(wanted), wanted.text, ...cells.map(verdict)]);
    }
  }
  const all = results.flatMap(({ targets }) => targets);
  const { met, missed, ruledOut } = countTargets(all);
  const head = ['operation', 'figure', 'to reach', ...columns.map(({ type, node }) => `${type}, Node ${major(node)}`)];
  return `## Targets

${met} of ${all.length} are met, ${missed} are missed, and ${ruledOut} are below the floor. A ratio is time over time, lower is better; with × it is how many times as fast, higher is better.
✓ met, **✗ missed**, – not measured there: the peer needs a newer Node, or the row is about one file system. In parentheses the floor, where it
misses the target itself: the system calls that the guarantees need take longer than the target allows, without any JavaScript.

${table(head, body)}`;
}

/**
 * Renders the targets that were not met for one of two reasons.
 *
 * @param isListed tells which targets belong here
 * @param figureOf formats what was reached
 */
function reasonSection({ results, places }, title, isListed, figureOf) {
  const listed = results.flatMap((row) => row.targets.filter(isListed).map((target) => ({ row, target })));
  if (listed.length === 0) return undefined;
  const type = (place) => places.find((one) => one.place === place).type;
  const groups = new Map();
  for (const one of listed) {
    const key = `${one.row.id} ${compared(one.target)}`;
    groups.set(key, [...(groups.get(key) ?? []), one]);
  }
  const entries = [...groups.values()].map((group) => {
    const [{ row, target }] = group;
    const { text } = rows.find(({ id }) => id === row.id).targets.find((one) => isSame(one, target));
    const figures = group.map(({ row: { place, node }, target: one }) => `${figureOf(one)} on ${type(place)} with Node ${major(node)}`);
    const why = explain(row.id, target);
    return `- **${row.title}**, ${compared(target)}, ${text}: ${figures.join('; ')}. ${why ?? 'The cause was not found.'}`;
  });
  return `${title}\n\n${entries.join('\n')}`;
}

const missSection = (run) =>
  reasonSection(
    run,
    '## What was missed, and why\n\nIn brackets the quartiles over the rounds.',
    (target) => !target.met && !isRuledOut(target),
    (target) => `${reached(target)} ${spread(target.figure)}${target.floor === undefined ? '' : `, floor ${floorFigure(target)}`}`,
  );

const floorSection = (run) =>
  reasonSection(
    run,
    '## What is below the floor\n\nThese targets were set before their floor was measured.',
    isRuledOut,
    (target) => `${reached(target)}, floor ${floorFigure(target)}`,
  );

/**
 * Renders one file system: one line per candidate of every row. The first line has the row's name and is the baseline.
 */
function detailSection({ results, nodes }, { place, type }) {
  const find = indexed(results);
  const body = rows.flatMap(({ id, title }) => {
    const measured = nodes.map((node) => find(id, place, node));
    const known = new Map(measured.flatMap((row) => row?.candidates ?? []).map((candidate) => [candidate.id, candidate]));
    return [...known.values()].map(({ id: name, label, omits }, index) => [
      index === 0 ? `**${title}**` : '',
      `${label}${omits ? ` (${omits})` : ''}`,
      ...measured.map((row) => {
        const candidate = row?.candidates.find((one) => one.id === name);
        return candidate ? `${duration(candidate.nanoseconds)}, ${figure(candidate.ratio.median)} ${spread(candidate.ratio)}` : '–';
      }),
    ]);
  });
  return `## ${type}\n\n${table(['operation', 'candidate', ...nodes.map((node) => `Node ${major(node)}`)], body)}`;
}

function leftOutSection({ results }) {
  const left = new Set(results.flatMap(({ node, leftOut }) => leftOut.map(({ name, wants }) => `\`${name}\` on Node ${node} (it wants \`${wants}\`)`)));
  return left.size === 0 ? '' : `\n- Left out: ${[...left].join(', ')}.`;
}

const method = (run) => `## How it is measured

- The candidates of a row take turns in one process, in slices of ${run.effort.shared.sliceMs} ms (longer where one operation is longer), each turn in another order.
  Of ${run.effort.shared.turns} slices the fastest counts, except where they wait for a disk, and the figure is the median of the ratios within up to
  ${run.effort.shared.rounds} such rounds. Each row has a process of its own, and warms up first. Garbage collections fall mostly into slices that do not count,
  whoever's they are.
- Rows of 16 MiB and more give every slice a new process, in up to ${run.effort.isolated.rounds} rounds, since the allocator's state would leak from one
  candidate to the next.
- Files are in the page cache. Every candidate does the same work on the same path: the same syncs, the same exact mode. What one leaves out, its line says.
- The baseline by hand is what one would write with \`node:fs\`: open with \`wx\`, write, fchmod, close, rename, and with both syncs where the row is synced.
- The floor is the same system calls in a Rust loop, without JavaScript. It runs in another process, which is asked when its turn comes; its ratio is
  therefore one between processes. Up to 1 MiB it reads into memory it has, which is most of its lead there. Where the work may wait, and has a job in
  libuv's pool, the job is part of the floor: one \`fs.fstat\` with a callback.
- Processor time is that of all threads of the process, in the same slices.
- \`@openclaw/fs-safe\` runs with its native binding.${leftOutSection(run)}`;

const join = (parts) => `${parts.filter(Boolean).join('\n\n')}\n`;

/** Renders the targets, the reached figures, and the method. */
export function renderReport(run) {
  return join([
    '# Performance',
    'Written by `npm run bench`; every number is from the run described below. The chart shows one of the Nodes;\n[every candidate](performance-detail.md) has a page of its own.',
    '![Time relative to node:fs, for each operation, holdfast and its peers](performance.svg)',
    machineSection(run),
    targetSection(run),
    missSection(run),
    floorSection(run),
    method(run),
  ]);
}

/** Renders every figure of the run. */
export function renderDetail(run) {
  return join([
    '# Performance in detail',
    'Every candidate of the run that [performance.md](performance.md) describes: median time of one operation, ratio to the first candidate of\nthe operation, quartiles of that ratio.',
    ...run.places.map((place) => detailSection(run, place)),
  ]);
}
