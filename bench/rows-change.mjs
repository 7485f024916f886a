// Rows of a root's changes: rename, copy and remove, without syncs.

import assert from 'node:assert';
import fs from 'node:fs';
import path from 'node:path';

const { promises } = fs;
const NOT_SYNCED = { durable: false };
const CONFINED = 'follows links, and confines no path';
const BY_CHECK = 'replaces what has the new name';

const renameRow = {
  id: 'rename-async',
  title: 'rename, not synced',
  places: ['tmpfs', 'disk'],
  prepare: ({ dir }) => fs.writeFileSync(path.join(dir, 'node-0'), ''),
  candidates({ dir, holdfast }) {
    const root = holdfast.openRootSync(dir);
    const forms = [
      { id: 'node', label: 'fs.promises.rename', omits: `${BY_CHECK}; ${CONFINED}`, form: (from, to) => promises.rename(path.join(dir, from), path.join(dir, to)) },
      { id: 'root', label: 'root.rename(from, to)', form: (from, to) => root.rename(from, to, NOT_SYNCED) },
    ];
    return forms.map(({ form, ...candidate }) => {
      let turn = 0;
      const nameOf = (number) => `${candidate.id}-${number % 2}`;
      fs.writeFileSync(path.join(dir, nameOf(0)), '');
      return { ...candidate, async: true, run: () => form(nameOf(turn), nameOf(++turn)) };
    });
  },
  check: ({ dir }, _result, { id }) => assert.ok(fs.existsSync(path.join(dir, `${id}-0`)) !== fs.existsSync(path.join(dir, `${id}-1`))),
  targets: [{ candidate: 'root', against: 'node', limit: () => 1.2, text: '≤ 1.20' }],
};

const COPIED = 1024 * 1024;

const copyRow = {
  id: 'copy-async-1m',
  title: 'copy 1 MiB, not synced',
  places: ['tmpfs', 'disk'],
  prepare: ({ dir }) => fs.writeFileSync(path.join(dir, 'source'), Buffer.alloc(COPIED, 'holdfast ')),
  candidates({ dir, holdfast }) {
    const root = holdfast.openRootSync(dir);
    const at = (name) => path.join(dir, name);
    return [
      { id: 'node', label: 'fs.promises.copyFile', omits: `a reader sees a part; ${CONFINED}`, async: true, run: () => promises.copyFile(at('source'), at('node')) },
      { id: 'root', label: 'root.copy(from, to)', async: true, run: () => root.copy('source', 'root', { ...NOT_SYNCED, overwrite: true }) },
    ];
  },
  check: ({ dir }, _result, { id }) => assert.equal(fs.statSync(path.join(dir, id)).size, COPIED),
  targets: [{ candidate: 'root', against: 'node', limit: () => 1.1, text: '≤ 1.10' }],
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
  candidates({ dir, holdfast }) {
    const root = holdfast.openRootSync(dir);
    const forms = [
      { id: 'node', label: 'fs.promises.rm(…, { recursive: true })', omits: CONFINED, form: (name) => promises.rm(path.join(dir, name), { recursive: true }) },
      { id: 'root', label: 'root.remove(name, { recursive: true })', form: (name) => root.remove(name, { recursive: true }) },
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
  targets: [{ candidate: 'root', against: 'node', limit: () => 0.95, text: '≤ 0.95' }],
};

export const changeRows = [renameRow, copyRow, removeRow];
