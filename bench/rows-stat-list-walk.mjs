// Rows of a root: stat and exists, list, walk.

import assert from 'node:assert';
import fs from 'node:fs';
import path from 'node:path';

const LISTED = 1000;
/** Directories of the tree with their files each: 10,100 entries. */
const DIRECTORIES = 100;
const FILES = 100;

function makeListed({ dir }) {
  fs.mkdirSync(path.join(dir, 'listed'), { recursive: true });
  for (let index = 0; index < LISTED; index += 1) fs.writeFileSync(path.join(dir, 'listed', `name-${index}.txt`), '');
}

function makeTree({ dir }) {
  for (let outer = 0; outer < DIRECTORIES; outer += 1) {
    const at = path.join(dir, 'tree', `group-${outer % 10}`, `directory-${outer}`);
    fs.mkdirSync(at, { recursive: true });
    for (let index = 0; index < FILES; index += 1) fs.writeFileSync(path.join(at, `name-${index}.txt`), '');
  }
}

async function readWithStats(at) {
  const entries = await fs.promises.readdir(at, { withFileTypes: true });
  return Promise.all(entries.map((entry) => fs.promises.lstat(path.join(at, entry.name))));
}

function readWithStatsSync(at) {
  return fs.readdirSync(at, { withFileTypes: true }).map((entry) => fs.lstatSync(path.join(at, entry.name)));
}

async function treeWithStats(at) {
  const entries = await fs.promises.readdir(at, { withFileTypes: true, recursive: true });
  return Promise.all(entries.map((entry) => fs.promises.lstat(path.join(entry.parentPath, entry.name))));
}

async function walked(walk) {
  const entries = [];
  for await (const entry of walk) entries.push(entry);
  return entries;
}

/** An upper bound of a ratio, and what the table says of it. */
const atMost = (limit, text = `≤ ${limit.toFixed(2)}`) => ({ limit: () => limit, text });

/**
 * A row with one call of `node:fs` and one of a root.
 *
 * @param others returns the calls of the peers
 * @param floorOf returns the system calls alone
 */
function row(id, title, prepare, node, own, target, check, others = undefined, floorOf = undefined) {
  return {
    id,
    title,
    places: ['tmpfs'],
    prepare,
    candidates(context) {
      const root = context.holdfast.openRootSync(context.dir);
      const calls = [
        { id: 'node', label: node.label, run: () => node.run(context.dir) },
        { id: 'holdfast', label: own.label, run: () => own.run(root) },
        ...(others?.(context) ?? []),
      ].map((candidate) => ({ ...candidate, async: !id.endsWith('-sync') }));
      return context.floor && floorOf ? [...calls, floorOf(context)] : calls;
    },
    check: (context, result) => check(result),
    targets: [
      { candidate: 'holdfast', against: 'node', ...target },
      ...(others ? [{ candidate: 'holdfast', against: 'fdir', ...atMost(1) }] : []),
    ],
  };
}

/** The peers that list a tree return paths alone. */
function treePaths({ dir, peers }) {
  const { fdir } = peers;
  const glob = peers['fast-glob'];
  const omits = 'paths alone, without kinds';
  return [
    ...(fdir ? [{ id: 'fdir', label: 'fdir', omits, run: async () => (await new fdir.fdir().withRelativePaths().withDirs().crawl(tree(dir)).withPromise()).filter((name) => name !== '' && name !== '.') }] : []),
    ...(glob ? [{ id: 'fast-glob', label: 'fast-glob', omits, run: () => glob('**', { cwd: tree(dir), dot: true, onlyFiles: false, followSymbolicLinks: false }) }] : []),
  ];
}

const count = (expected) => (result) => assert.equal(result.length, expected);
const listed = (dir) => path.join(dir, 'listed');
const tree = (dir) => path.join(dir, 'tree');
const one = (dir) => path.join(dir, 'listed', 'name-0.txt');
/** Node 26 lists a tree in one job. */
const WALK = { limit: ({ node }) => (node >= 26 ? 0.85 : 0.35), text: '≤ 0.35, on Node 26 ≤ 0.85' };
const TREE = DIRECTORIES * FILES + DIRECTORIES + 10;

export const rootRows = [
  row('root-stat', 'root.stat, cached', makeListed, { label: 'fs.promises.stat', run: (dir) => fs.promises.stat(one(dir)) }, { label: 'root.stat', run: (root) => root.stat('listed/name-0.txt') }, atMost(0.2), (stat) => assert.ok(stat.isFile())),
  row('root-exists', 'root.exists, cached', makeListed, { label: 'fs.promises.access', run: (dir) => fs.promises.access(one(dir)) }, { label: 'root.exists', run: (root) => root.exists('listed/name-0.txt') }, atMost(0.2), () => {}),
  row('root-list', 'root.list, 1,000 entries', makeListed, { label: 'fs.promises.readdir with types', run: (dir) => fs.promises.readdir(listed(dir), { withFileTypes: true }) }, { label: 'root.list', run: (root) => root.list('listed') }, atMost(1), count(LISTED)),
  row('root-list-stat', 'root.list with stat, 1,000 entries', makeListed, { label: 'readdir with types, and lstat each', run: (dir) => readWithStats(listed(dir)) }, { label: 'root.list, stat: true', run: (root) => root.list('listed', { stat: true }) }, atMost(0.3), count(LISTED)),
  row('root-list-stat-sync', 'root.listSync with stat, 1,000 entries', makeListed, { label: 'readdirSync with types, and lstatSync each', run: (dir) => readWithStatsSync(listed(dir)) }, { label: 'root.listSync, stat: true', run: (root) => root.listSync('listed', { stat: true }) }, atMost(0.55), count(LISTED)),
  row('root-walk', 'root.walk, 10,110 entries', makeTree, { label: 'fs.promises.readdir, recursive, with types', run: (dir) => fs.promises.readdir(tree(dir), { withFileTypes: true, recursive: true }) }, { label: 'root.walk', run: (root) => walked(root.walk('tree')) }, WALK, count(TREE), treePaths, ({ dir, floor }) => floor.walk(tree(dir))),
  row('root-walk-stat', 'root.walk with stat, 10,110 entries', makeTree, { label: 'readdir, recursive, and lstat each', run: (dir) => treeWithStats(tree(dir)) }, { label: 'root.walk, stat: true', run: (root) => walked(root.walk('tree', { stat: true })) }, atMost(0.25), count(TREE)),
];
