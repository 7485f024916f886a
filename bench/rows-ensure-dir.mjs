// Rows of ensureDir: existing directories, and new ones.

import assert from 'node:assert';
import fs from 'node:fs';
import path from 'node:path';
import { oneJob } from './floor.mjs';

const MODE = 0o700;
/** Limit of runs in one slice of the fresh row: each leaves a directory until the end of the slice. */
const MAX_FRESH = 400;
const NO_MODE = 'neither looks at the mode nor at links';
const MKDIR = { recursive: true, mode: MODE };

/** Returns the path of `depth` nested directories. */
const nested = (depth) => path.join(...Array.from({ length: depth }, (_, level) => `level-${level}`));

function makeExisting({ dir }, depth) {
  fs.mkdirSync(path.join(dir, nested(depth)), MKDIR);
}

function checkPrivate(directory) {
  const stat = fs.statSync(directory);
  assert.ok(stat.isDirectory());
  assert.equal(stat.mode & 0o777, MODE);
}

function syncRow(depth) {
  return {
    id: `ensure-sync-existing-${depth}`,
    title: `ensureDirSync, existing, depth ${depth}`,
    places: ['tmpfs', 'disk'],
    prepare: (context) => makeExisting(context, depth),
    candidates({ dir, holdfast, peers, floor }) {
      const name = nested(depth);
      const directory = path.join(dir, name);
      const root = holdfast.openRootSync(dir);
      const fsExtra = peers['fs-extra'];
      return [
        { id: 'node', label: 'fs.mkdirSync(…, { recursive: true })', omits: NO_MODE, run: () => fs.mkdirSync(directory, MKDIR) },
        { id: 'holdfast', label: 'ensureDirSync(path)', run: () => holdfast.ensureDirSync(directory) },
        { id: 'root', label: 'root.ensureDirSync(name)', run: () => root.ensureDirSync(name) },
        ...(fsExtra
          ? [{ id: 'fs-extra', label: 'fs-extra ensureDirSync', omits: NO_MODE, run: () => fsExtra.ensureDirSync(directory, MODE) }]
          : []),
        ...(floor ? [floor.ensureDir(directory)] : []),
      ];
    },
    check: ({ dir }) => checkPrivate(path.join(dir, nested(depth))),
    targets: [{ candidate: 'holdfast', against: 'node', limit: () => 0.9, text: '≤ 0.90' }],
  };
}

/** Returns the promise forms. Each takes the name of a directory beneath the scratch directory. */
async function asyncForms({ dir, holdfast, peers }) {
  const fsExtra = peers['fs-extra'];
  const root = holdfast.openRootSync(dir);
  const fsSafeRoot = await peers['@openclaw/fs-safe']?.root(dir);
  const at = (name) => path.join(dir, name);
  return [
    { id: 'node', label: 'fs.promises.mkdir(…, { recursive: true })', omits: NO_MODE, form: (name) => fs.promises.mkdir(at(name), MKDIR) },
    { id: 'holdfast', label: 'ensureDir(path)', form: (name) => holdfast.ensureDir(at(name)) },
    { id: 'root', label: 'root.ensureDir(name)', form: (name) => root.ensureDir(name) },
    fsSafeRoot && { id: 'fs-safe', label: '@openclaw/fs-safe root().mkdir(name)', form: (name) => fsSafeRoot.mkdir(name) },
    fsExtra && { id: 'fs-extra', label: 'fs-extra ensureDir', omits: NO_MODE, form: (name) => fsExtra.ensureDir(at(name), MODE) },
  ].filter(Boolean);
}

const FS_SAFE_TARGET = { candidate: 'holdfast', against: 'fs-safe', times: 2.5, text: '≥ 2.5×' };

const existingRow = {
  id: 'ensure-async-existing',
  title: 'ensureDir, existing',
  places: ['tmpfs', 'disk'],
  prepare: (context) => makeExisting(context, 1),
  async candidates(context) {
    const name = nested(1);
    const forms = await asyncForms(context);
    const candidates = forms.map(({ form, ...candidate }) => ({ ...candidate, async: true, run: () => form(name) }));
    return context.floor ? [...candidates, context.floor.ensureDir(path.join(context.dir, name))] : candidates;
  },
  check: ({ dir }) => checkPrivate(path.join(dir, nested(1))),
  targets: [{ candidate: 'holdfast', against: 'node', limit: () => 0.05, text: '≤ 0.05' }, FS_SAFE_TARGET],
};

/** A row that creates `depth` nested directories. */
function freshRow(depth) {
  return {
    id: `ensure-async-fresh-${depth}`,
    title: `ensureDir, fresh, depth ${depth}`,
    places: ['tmpfs', 'disk'],
    prepare() {},
    async candidates(context) {
      const forms = await asyncForms(context);
      const candidates = forms.map(({ form, ...candidate }) => {
        const parent = `fresh-${candidate.id}`;
        const nameOf = (index) => path.join(parent, String(index), ...Array(depth - 1).fill('inner'));
        let names = [];
        let next = 0;
        // Every slice starts with an empty parent of its own, and with precomputed names.
        const before = (runs) => {
          fs.mkdirSync(path.join(context.dir, parent), MKDIR);
          names = Array.from({ length: runs }, (_, index) => nameOf(index));
          next = 0;
        };
        const after = () => fs.rmSync(path.join(context.dir, parent), { recursive: true });
        return { ...candidate, async: true, most: MAX_FRESH, before, after, run: () => form(names[next++]), made: nameOf(0) };
      });
      const { floor, place } = context;
      if (floor === undefined || depth > 1) return candidates;
      // In memory the calling thread makes the directory.
      return [...candidates, floor.freshDir(path.join(context.dir, 'fresh-floor'), MAX_FRESH), ...(place === 'disk' ? [oneJob(context.dir)] : [])];
    },
    check: ({ dir }, _result, { made, id }) => {
      const stat = fs.statSync(path.join(dir, made));
      assert.ok(stat.isDirectory());
      // Its `mkdir` has no mode.
      if (id !== 'fs-safe') assert.equal(stat.mode & 0o777, MODE);
    },
    targets: depth === 1 ? [{ candidate: 'holdfast', against: 'node', limit: ({ place }) => (place === 'tmpfs' ? 0.5 : 1.1), text: '≤ 0.50 on tmpfs, ≤ 1.10 on disk' }, FS_SAFE_TARGET] : [FS_SAFE_TARGET],
  };
}

export const ensureDirRows = [syncRow(1), syncRow(8), existingRow, freshRow(1), freshRow(3)];
