// Rows of a root's changes: rename, copy and remove, without syncs.

import assert from 'node:assert';
import fs from 'node:fs';
import path from 'node:path';
import { oneJob } from './floor.mjs';

const { promises } = fs;
const NOT_SYNCED = { durable: false };
const CONFINED = 'follows links, and confines no path';
const BY_CHECK = 'replaces what has the new name';

const renameRow = {
  id: 'rename-async',
  title: 'rename, not synced',
  places: ['tmpfs', 'disk'],
  prepare: ({ dir }) => fs.writeFileSync(path.join(dir, 'node-0'), ''),
  candidates({ dir, holdfast, floor }) {
    const root = holdfast.openRootSync(dir);
    const forms = [
      { id: 'node', label: 'fs.promises.rename', omits: `${BY_CHECK}; ${CONFINED}`, form: (from, to) => promises.rename(path.join(dir, from), path.join(dir, to)) },
      { id: 'root', label: 'root.rename(from, to)', form: (from, to) => root.rename(from, to, NOT_SYNCED) },
    ];
    const candidates = forms.map(({ form, ...candidate }) => {
      let turn = 0;
      const nameOf = (number) => `${candidate.id}-${number % 2}`;
      fs.writeFileSync(path.join(dir, nameOf(0)), '');
      // The run on the Node before may have left it.
      fs.rmSync(path.join(dir, nameOf(1)), { force: true });
      return { ...candidate, async: true, run: () => form(nameOf(turn), nameOf(++turn)) };
    });
    return floor ? [...candidates, floor.rename(dir), oneJob(dir)] : candidates;
  },
  check: ({ dir }, _result, { id }) => assert.ok(fs.existsSync(path.join(dir, `${id}-0`)) !== fs.existsSync(path.join(dir, `${id}-1`))),
  targets: [{ candidate: 'root', against: 'node', limit: () => 1.2, text: '≤ 1.20' }],
};

const MIB = 1024 * 1024;
const PART = `a reader sees a part; ${CONFINED}`;

function makeSource({ dir }, bytes) {
  const source = path.join(dir, 'source');
  if (!fs.existsSync(source)) fs.writeFileSync(source, Buffer.alloc(bytes, 'holdfast '));
}

/** Copies that one slice leaves until its end. */
const MOST_COPIES = 16;

/** Copies to a name that is free. The copies are removed after each slice. */
function copyRow({ name, label, bytes, ...effort }) {
  return {
    id: `copy-async-${name}`,
    title: `copy ${label} to a new name, not synced`,
    places: ['tmpfs', 'disk'],
    ...effort,
    prepare: (context) => makeSource(context, bytes),
    candidates({ dir, holdfast, floor }) {
      const root = holdfast.openRootSync(dir);
      const at = (file) => path.join(dir, file);
      const forms = [
        { id: 'node', label: 'fs.promises.copyFile', omits: PART, form: (to) => promises.copyFile(at('source'), at(to)) },
        { id: 'root', label: 'root.copy(from, to)', form: (to) => root.copy('source', to, NOT_SYNCED) },
      ];
      const candidates = forms.map(({ form, ...candidate }) => {
        let made = 0;
        const nameOf = (number) => `${candidate.id}-${number}`;
        return {
          ...candidate,
          async: true,
          most: MOST_COPIES,
          run: () => form(nameOf(made++)),
          after() {
            while (made > 0) fs.rmSync(at(nameOf(--made)));
          },
        };
      });
      return floor && !effort.isolated ? [...candidates, floor.copy(at('source'), false, MOST_COPIES), oneJob(dir)] : candidates;
    },
    check: ({ dir }, _result, { id }) => assert.equal(fs.statSync(path.join(dir, `${id}-0`)).size, bytes),
    targets: [{ candidate: 'root', against: 'node', limit: () => 1.1, text: '≤ 1.10' }],
  };
}

const copyOverRow = {
  id: 'copy-over-async-1m',
  title: 'copy 1 MiB over a file, not synced',
  places: ['tmpfs', 'disk'],
  prepare: (context) => makeSource(context, MIB),
  candidates({ dir, holdfast, floor }) {
    const root = holdfast.openRootSync(dir);
    const at = (name) => path.join(dir, name);
    const byHand = async () => {
      await promises.copyFile(at('source'), at('by-hand.tmp'));
      await promises.rename(at('by-hand.tmp'), at('by-hand'));
    };
    return [
      { id: 'by-hand', label: 'copyFile to a temporary, and rename', omits: CONFINED, async: true, run: byHand },
      { id: 'node', label: 'fs.promises.copyFile, into the file itself', omits: PART, async: true, run: () => promises.copyFile(at('source'), at('node')) },
      { id: 'root', label: 'root.copy(from, to, { overwrite: true })', async: true, run: () => root.copy('source', 'root', { ...NOT_SYNCED, overwrite: true }) },
      ...(floor ? [floor.copy(at('source'), true), oneJob(dir)] : []),
    ];
  },
  check: ({ dir }, _result, { id }) => assert.equal(fs.statSync(path.join(dir, id)).size, MIB),
  targets: [
    { candidate: 'root', against: 'by-hand', limit: () => 1.1, text: '≤ 1.10' },
    { candidate: 'root', against: 'node', limit: () => 1.1, text: '≤ 1.10' },
  ],
};

const DIRECTORIES = 100;
const FILES = 99;

function makeTree(at) {
  for (let directory = 0; directory < DIRECTORIES; directory++) {
    fs.mkdirSync(path.join(at, String(directory)), { recursive: true });
    for (let file = 0; file < FILES; file++) fs.writeFileSync(path.join(at, String(directory), String(file)), '');
  }
}

const removeRow = {
  id: 'remove-10000',
  title: 'remove a tree of 10,000 entries',
  places: ['tmpfs', 'disk'],
  quick: false,
  prepare() {},
  candidates({ dir, holdfast, peers }) {
    const root = holdfast.openRootSync(dir);
    const { rimraf } = peers;
    const fsExtra = peers['fs-extra'];
    const forms = [
      { id: 'node', label: 'fs.promises.rm(…, { recursive: true })', omits: CONFINED, form: (name) => promises.rm(path.join(dir, name), { recursive: true }) },
      { id: 'root', label: 'root.remove(name, { recursive: true })', form: (name) => root.remove(name, { recursive: true }) },
      ...(rimraf ? [{ id: 'rimraf', label: 'rimraf', omits: CONFINED, form: (name) => rimraf.rimraf(path.join(dir, name)) }] : []),
      ...(fsExtra ? [{ id: 'fs-extra', label: 'fs-extra remove', omits: CONFINED, form: (name) => fsExtra.remove(path.join(dir, name)) }] : []),
    ];
    return forms.map(({ form, ...candidate }) => ({
      ...candidate,
      async: true,
      most: 1,
      before: () => makeTree(path.join(dir, candidate.id)),
      run: () => form(candidate.id),
    }));
  },
  check: ({ dir }, _result, { id }) => assert.ok(!fs.existsSync(path.join(dir, id))),
  targets: ['node', 'rimraf'].map((against) => ({ candidate: 'root', against, limit: () => 0.95, text: '≤ 0.95' })),
};

export const changeRows = [
  renameRow,
  copyRow({ name: '1m', label: '1 MiB', bytes: MIB }),
  copyRow({ name: '256m', label: '256 MiB', bytes: 256 * MIB, quick: false, isolated: { warm: 1, runs: 3 } }),
  copyOverRow,
  removeRow,
];
