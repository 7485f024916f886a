// Rows of writes: each replaces a file of 1 KiB by one of the same size and the same exact mode.

import assert from 'node:assert';
import fs from 'node:fs';
import path from 'node:path';
import { oneJob } from './floor.mjs';

const { promises } = fs;
const MODE = 0o644;
const DATA = Buffer.alloc(1024, 'holdfast ');
const AT_ONCE = 64;

const CHMOD_BY_PATH = 'sets the mode by path, after the file is closed';
const NO_DIRECTORY_SYNC = `does not sync the directory; ${CHMOD_BY_PATH}`;

let counter = 0;
/** Returns the cheapest temporary name that suffices for handwritten code. */
const temporaryFor = (file) => `${file}.${process.pid}.${counter++}.tmp`;

function byHandSync(file, synced) {
  const temporary = temporaryFor(file);
  const descriptor = fs.openSync(temporary, 'wx', MODE);
  fs.writeSync(descriptor, DATA);
  fs.fchmodSync(descriptor, MODE);
  if (synced) fs.fsyncSync(descriptor);
  fs.closeSync(descriptor);
  fs.renameSync(temporary, file);
  if (!synced) return;
  const directory = fs.openSync(path.dirname(file));
  fs.fsyncSync(directory);
  fs.closeSync(directory);
}

async function byHand(file, synced) {
  const temporary = temporaryFor(file);
  const handle = await promises.open(temporary, 'wx', MODE);
  await handle.write(DATA);
  await handle.chmod(MODE);
  if (synced) await handle.sync();
  await handle.close();
  await promises.rename(temporary, file);
  if (!synced) return;
  const directory = await promises.open(path.dirname(file));
  await directory.sync();
  await directory.close();
}

const HAND = 'open, write, fchmod, close, rename';
const HAND_SYNCED = 'open, write, fchmod, fsync, close, rename, fsync of the directory';

/** The duration of a sync on a disk varies, and the fastest slice is not the typical one. */
const SYNCED_SLICES = { turns: 1 };

/** Returns the peers' forms of one write. `chown: false` because the file has the right owner. */
function peerWrites(peers, synced) {
  const fsync = synced;
  const fsSafeOptions = { content: DATA, mode: MODE, syncTempFile: synced, syncParentDir: synced };
  const writeFileAtomic = peers['write-file-atomic'];
  const { atomically } = peers;
  const fsSafe = peers['@openclaw/fs-safe'];
  const omits = synced ? NO_DIRECTORY_SYNC : CHMOD_BY_PATH;
  return [
    fsSafe && {
      id: 'fs-safe',
      label: '@openclaw/fs-safe replaceFileAtomic',
      sync: (filePath) => fsSafe.replaceFileAtomicSync({ filePath, ...fsSafeOptions }),
      async: (filePath) => fsSafe.replaceFileAtomic({ filePath, ...fsSafeOptions }),
    },
    writeFileAtomic && {
      id: 'write-file-atomic',
      label: 'write-file-atomic',
      omits,
      sync: (file) => writeFileAtomic.sync(file, DATA, { mode: MODE, chown: false, fsync }),
      async: (file) => writeFileAtomic(file, DATA, { mode: MODE, chown: false, fsync }),
    },
    atomically && {
      id: 'atomically',
      label: 'atomically writeFile',
      omits,
      sync: (file) => atomically.writeFileSync(file, DATA, { mode: MODE, chown: false, fsync }),
      async: (file) => atomically.writeFile(file, DATA, { mode: MODE, chown: false, fsync }),
    },
  ].filter(Boolean);
}

function checkFile(file) {
  assert.ok(fs.readFileSync(file).equals(DATA), `${file} has other content`);
  assert.equal(fs.statSync(file).mode & 0o7777, MODE);
  // The next candidate must create it again to pass.
  fs.rmSync(file);
}

function prepareTarget({ dir }) {
  fs.writeFileSync(path.join(dir, 'target'), DATA, { mode: MODE });
}

function syncRow(synced) {
  return {
    id: `write-sync-${synced ? 'synced' : 'unsynced'}`,
    title: `writeAtomicSync, 1 KiB, ${synced ? 'synced' : 'not synced'}`,
    places: ['tmpfs', 'disk'],
    slices: synced ? SYNCED_SLICES : undefined,
    prepare: prepareTarget,
    candidates({ dir, holdfast, peers, floor }) {
      const file = path.join(dir, 'target');
      const root = holdfast.openRootSync(dir);
      const durable = synced;
      return [
        { id: 'node', label: `${synced ? HAND_SYNCED : HAND}, by hand`, run: () => byHandSync(file, synced) },
        {
          id: 'holdfast',
          label: 'writeAtomicSync(path, data, { mode, durable })',
          run: () => holdfast.writeAtomicSync(file, DATA, { mode: MODE, durable }),
        },
        { id: 'root', label: 'root.writeAtomicSync(name, …)', run: () => root.writeAtomicSync('target', DATA, { mode: MODE, durable }) },
        ...peerWrites(peers, synced).map(({ id, label, omits, sync }) => ({ id, label, omits, run: () => sync(file) })),
        ...(floor ? [floor.write(file, DATA.length, synced)] : []),
      ];
    },
    check: ({ dir }) => checkFile(path.join(dir, 'target')),
    targets: synced
      ? [{ candidate: 'holdfast', against: 'node', limit: () => 0.95, text: '≤ 0.95' }]
      : [
          { candidate: 'holdfast', against: 'node', limit: ({ place }) => (place === 'tmpfs' ? 1.07 : 1), text: '≤ 1.07 on tmpfs, ≤ 1.00 on disk' },
          { candidate: 'root', against: 'node', limit: () => 1, text: '≤ 1.00' },
        ],
  };
}

function asyncRow(synced) {
  const limit = ({ place }) => (place === 'tmpfs' ? 0.35 : 0.7);
  const targets = [
    { candidate: 'holdfast', against: 'node', limit, text: '≤ 0.35 on tmpfs, ≤ 0.70 on disk' },
    { candidate: 'holdfast', against: 'fs-safe', times: 2.5, text: '≥ 2.5×' },
  ];
  return {
    id: `write-async-${synced ? 'synced' : 'unsynced'}`,
    title: `writeAtomic, 1 KiB, ${synced ? 'synced' : 'not synced'}`,
    places: ['tmpfs', 'disk'],
    slices: synced ? SYNCED_SLICES : undefined,
    prepare: prepareTarget,
    candidates({ dir, holdfast, peers, floor }) {
      const file = path.join(dir, 'target');
      const root = holdfast.openRootSync(dir);
      const durable = synced;
      const candidates = [
        { id: 'node', label: `${synced ? HAND_SYNCED : HAND}, by hand with fs.promises`, run: () => byHand(file, synced) },
        {
          id: 'holdfast',
          label: 'writeAtomic(path, data, { mode, durable })',
          run: () => holdfast.writeAtomic(file, DATA, { mode: MODE, durable }),
        },
        { id: 'root', label: 'root.writeAtomic(name, …)', run: () => root.writeAtomic('target', DATA, { mode: MODE, durable }) },
        ...peerWrites(peers, synced).map((peer) => ({ id: peer.id, label: peer.label, omits: peer.omits, run: () => peer.async(file) })),
      ].map((candidate) => ({ ...candidate, async: true }));
      return floor ? [...candidates, floor.write(file, DATA.length, synced), oneJob(dir)] : candidates;
    },
    check: ({ dir }) => checkFile(path.join(dir, 'target')),
    targets: synced ? [] : targets,
  };
}

/** 64 files of one directory, all at once. */
const manyRow = {
  id: 'write-async-synced-x64',
  title: 'writeAtomic, 1 KiB, synced, 64 at once',
  places: ['disk'],
  slices: SYNCED_SLICES,
  prepare({ dir }) {
    fs.mkdirSync(path.join(dir, 'many'), { recursive: true });
    for (let i = 0; i < AT_ONCE; i++) fs.writeFileSync(path.join(dir, 'many', `target-${i}`), DATA, { mode: MODE });
  },
  candidates({ dir, holdfast, peers }) {
    const files = Array.from({ length: AT_ONCE }, (_, i) => path.join(dir, 'many', `target-${i}`));
    const all = (write) => () => Promise.all(files.map(write));
    const { writeAtomicMany } = holdfast;
    const options = { mode: MODE, durable: true };
    return [
      { id: 'node', label: `${HAND_SYNCED}, by hand with fs.promises`, run: all((file) => byHand(file, true)) },
      { id: 'holdfast', label: 'writeAtomic(path, data, { mode })', run: all((file) => holdfast.writeAtomic(file, DATA, options)) },
      ...(typeof writeAtomicMany === 'function'
        ? [
            {
              id: 'many',
              label: 'writeAtomicMany(entries, { mode })',
              run: () => writeAtomicMany(files.map((file) => ({ file, data: DATA })), options),
            },
          ]
        : []),
      ...peerWrites(peers, true).map((peer) => ({ id: peer.id, label: peer.label, omits: peer.omits, run: all(peer.async) })),
    ].map((candidate) => ({ ...candidate, async: true, perRun: AT_ONCE }));
  },
  check({ dir }, result, { id }) {
    if (id === 'many') for (const one of result) assert.equal(one.status, 'fulfilled', one.reason);
    for (let i = 0; i < AT_ONCE; i++) checkFile(path.join(dir, 'many', `target-${i}`));
  },
  targets: [
    { candidate: 'holdfast', against: 'node', limit: () => 0.95, text: '≤ 0.95' },
    { candidate: 'many', against: 'node', limit: () => 0.75, text: '≤ 0.75' },
  ],
};

export const writeRows = [syncRow(false), syncRow(true), asyncRow(false), asyncRow(true), manyRow];
