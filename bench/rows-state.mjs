// Rows of locks and appends.

import assert from 'node:assert';
import fs from 'node:fs';
import path from 'node:path';
import { oneJob } from './floor.mjs';

const LINE = 'x'.repeat(100);
const NOT_LOCKED = 'takes no lock, looks at no tail, undoes nothing';

function startFile({ dir }, name) {
  fs.writeFileSync(path.join(dir, name), '');
}

/** Checks that each run left one whole line. */
function checkLines({ dir }, name) {
  const text = fs.readFileSync(path.join(dir, name), 'utf8');
  assert.ok(text.endsWith(`${LINE}\n`));
}

const lockRow = {
  id: 'with-lock',
  title: 'withLock, nobody else wants the lock',
  places: ['tmpfs', 'disk'],
  prepare: (context) => startFile(context, 'state'),
  candidates({ dir, holdfast, peers, floor }) {
    const file = path.join(dir, 'state');
    const root = holdfast.openRootSync(dir);
    const properLockfile = peers['proper-lockfile'];
    const nothing = () => {};
    return [
      properLockfile && {
        id: 'proper-lockfile',
        label: 'proper-lockfile lock, release',
        async: true,
        run: async () => (await properLockfile.lock(file, { realpath: false }))(),
      },
      { id: 'holdfast', label: 'withLock(path, callback)', async: true, run: () => holdfast.withLock(file, nothing) },
      { id: 'root', label: 'root.withLock(name, callback)', async: true, run: () => root.withLock('state', nothing) },
      ...(floor ? [floor.lock(file), oneJob(dir)] : []),
    ].filter(Boolean);
  },
  check: ({ dir }) => assert.ok(fs.existsSync(path.join(dir, 'state'))),
  targets: [{ candidate: 'holdfast', against: 'proper-lockfile', limit: () => 0.3, text: '≤ 0.30' }],
};

const appendSyncRow = {
  id: 'append-sync',
  title: 'appendRecordSync 100 bytes, not synced',
  places: ['tmpfs', 'disk'],
  prepare: (context) => startFile(context, 'log'),
  candidates({ dir, holdfast, floor }) {
    const file = path.join(dir, 'log');
    const root = holdfast.openRootSync(dir);
    const options = { durable: false };
    return [
      { id: 'node', label: 'fs.appendFileSync', omits: NOT_LOCKED, run: () => fs.appendFileSync(file, `${LINE}\n`) },
      { id: 'holdfast', label: 'appendRecordSync(path)', run: () => holdfast.appendRecordSync(file, LINE, options) },
      { id: 'root', label: 'root.appendRecordSync(name)', run: () => root.appendRecordSync('log', LINE, options) },
      ...(floor ? [floor.append(path.join(dir, 'floor-log'))] : []),
    ];
  },
  check: (context) => checkLines(context, 'log'),
  targets: [{ candidate: 'holdfast', against: 'node', limit: () => 1.6, text: '≤ 1.60' }],
};

/** @param isSynced both sides sync the file */
function appendRow(isSynced) {
  const options = { durable: isSynced };
  return {
    id: isSynced ? 'append-async-durable' : 'append-async',
    title: `appendRecord 100 bytes, ${isSynced ? 'synced' : 'not synced'}`,
    places: isSynced ? ['disk'] : ['tmpfs', 'disk'],
    prepare: (context) => startFile(context, 'log'),
    candidates({ dir, holdfast, floor }) {
      const file = path.join(dir, 'log');
      const root = holdfast.openRootSync(dir);
      return [
        {
          id: 'node',
          label: isSynced ? 'fs.promises.appendFile(…, { flush: true })' : 'fs.promises.appendFile',
          omits: NOT_LOCKED,
          async: true,
          run: () => fs.promises.appendFile(file, `${LINE}\n`, { flush: isSynced }),
        },
        { id: 'holdfast', label: 'appendRecord(path)', async: true, run: () => holdfast.appendRecord(file, LINE, options) },
        { id: 'root', label: 'root.appendRecord(name)', async: true, run: () => root.appendRecord('log', LINE, options) },
        ...(floor && !isSynced ? [floor.append(path.join(dir, 'floor-log')), oneJob(dir)] : []),
      ];
    },
    check: (context) => checkLines(context, 'log'),
    targets: [{ candidate: 'holdfast', against: 'node', limit: () => (isSynced ? 1.1 : 0.5), text: isSynced ? '≤ 1.10' : '≤ 0.50' }],
  };
}

export const stateRows = [lockRow, appendSyncRow, appendRow(false), appendRow(true)];
