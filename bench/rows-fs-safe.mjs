// Rows of the adapters: calls of a root, by `holdfast/fs-safe` and by the library.

import assert from 'node:assert';
import fs from 'node:fs';
import path from 'node:path';
import { bindFsSafe } from '../fs-safe.mjs';

const LISTED = 100;
const NOT_SYNCED = { durable: false };

class FsSafeError extends Error {
  constructor(code, message, options) {
    super(message, options);
    this.code = code;
  }
}

/** Returns the functions `root` of both. The adapter has the library as its `original`, as in a host. */
function rootsOf({ peers }) {
  const library = peers['@openclaw/fs-safe'];
  const { root } = bindFsSafe({ FsSafeError, original: library && { root: library.root } });
  return [
    { id: 'holdfast', label: 'holdfast/fs-safe', root },
    ...(library ? [{ id: 'fs-safe', label: '@openclaw/fs-safe', root: library.root }] : []),
  ];
}

async function collected(iterable) {
  const entries = [];
  for await (const entry of iterable) entries.push(entry);
  return entries;
}

/**
 * A row of one call of a root.
 *
 * @param prepared makes what the call needs in the directory of a candidate, before each slice of so many runs
 * @param call the call, with the number of the run
 */
function row(id, title, label, { prepared = () => {}, call, check = () => {}, limit = 1 }) {
  return {
    id: `adapter-${id}`,
    title: `adapters: ${title}`,
    places: ['tmpfs', 'disk'],
    prepare() {},
    candidates: (context) =>
      Promise.all(
        rootsOf(context).map(async ({ root, ...candidate }) => {
          const at = path.join(context.dir, candidate.id);
          fs.mkdirSync(at, { recursive: true });
          prepared(at, 0);
          const opened = await root(at);
          let turn = 0;
          const before = (runs) => {
            turn = 0;
            prepared(at, runs);
          };
          return { ...candidate, label: `${candidate.label} ${label}`, async: true, most: 64, before, run: () => call(opened, turn++, root, at) };
        }),
      ),
    check: (context, result) => check(result),
    targets: [{ candidate: 'holdfast', against: 'fs-safe', limit: () => limit, text: `≤ ${limit.toFixed(2)}` }],
  };
}

const makeFiles = (count) => (at) => {
  for (let index = 0; index < count; index += 1) fs.writeFileSync(path.join(at, `name-${index}`), 'text');
};
const count = (expected) => (result) => assert.equal(result.length, expected);

export const adapterRows = [
  row('root', 'root()', 'root(dir)', { call: (_opened, _turn, root, at) => root(at), check: (root) => assert.equal(typeof root.rootReal, 'string') }),
  row('stat', 'root().stat', 'root().stat', { prepared: makeFiles(1), call: (root) => root.stat('name-0'), check: (stat) => assert.ok(stat.isFile) }),
  row('list', `root().list, ${LISTED} entries`, 'root().list', { prepared: makeFiles(LISTED), call: (root) => root.list('.'), check: count(LISTED) }),
  row('entries', `root().entries, ${LISTED} entries`, 'root().entries', { prepared: makeFiles(LISTED), call: (root) => collected(root.entries('.')), check: count(LISTED) }),
  row('move', 'root().move', 'root().move', { prepared: (at) => (fs.rmSync(path.join(at, 'b'), { force: true }), fs.writeFileSync(path.join(at, 'a'), '')), call: (root, turn) => (turn % 2 === 0 ? root.move('a', 'b') : root.move('b', 'a')) }),
  row('remove', 'root().remove, a file', 'root().remove', { prepared: (at, runs) => makeFiles(runs)(at), call: (root, turn) => root.remove(`name-${turn}`) }),
  row('append', 'root().append, not synced', 'root().append', { prepared: (at) => fs.writeFileSync(path.join(at, 'log'), ''), call: (root) => root.append('log', 'a line of a log\n', NOT_SYNCED) }),
];
