// Rows of reads: the file is in the page cache.

import assert from 'node:assert';
import fs from 'node:fs';
import path from 'node:path';

const KIB = 1024;
const MIB = 1024 * KIB;
/**
 * From this size on every slice is a process of its own: the state of the allocator after one candidate affects the
 * next.
 */
const ISOLATED_FROM = 4 * MIB;
/** Callers set a limit; this one exceeds every size here. */
const MAX_BYTES = 1024 * MIB;
const AT_ONCE = 64;

const sizes = [
  { name: '1k', label: '1 KiB', bytes: KIB },
  { name: '4k', label: '4 KiB', bytes: 4 * KIB },
  { name: '64k', label: '64 KiB', bytes: 64 * KIB },
  { name: '1m', label: '1 MiB', bytes: MIB },
  { name: '16m', label: '16 MiB', bytes: 16 * MIB, isolated: { warm: 4, runs: 24 } },
  { name: '256m', label: '256 MiB', bytes: 256 * MIB, isolated: { warm: 1, runs: 4 } },
];

const relative = (size, index = 0) => `read-${size.name}-${index}`;

function prepareFiles({ dir }, size, count) {
  for (let index = 0; index < count; index++) {
    const file = path.join(dir, relative(size, index));
    if (!fs.existsSync(file)) fs.writeFileSync(file, Buffer.alloc(size.bytes, 'holdfast '), { mode: 0o644 });
  }
}

const contentOf = (result) => (Buffer.isBuffer(result) ? result : result.buffer);

function checkContent(size, result) {
  const content = contentOf(result);
  assert.equal(content.length, size.bytes);
  assert.equal(content.toString('latin1', 0, 9), 'holdfast ');
}

const places = /** @type {const} */ (['tmpfs', 'disk']);

/** Upper bounds of the ratio to node:fs: up to 1 KiB, 16 KiB, 1 MiB, 16 MiB, and above. */
const SYNC_LIMITS = [[KIB, 0.9], [16 * KIB, 0.95], [MIB, 1], [16 * MIB, 0.75], [Infinity, 0.9]];

function syncTargets({ bytes }) {
  const limit = SYNC_LIMITS.find(([most]) => bytes <= most)[1];
  if (bytes <= KIB) {
    return ['holdfast', 'root'].map((candidate) => ({ candidate, against: 'node', limit: () => limit, text: `≤ ${limit.toFixed(2)}` }));
  }
  return [{ candidate: 'holdfast', against: 'node', limit: () => limit, text: `≤ ${limit.toFixed(2)}` }];
}

function syncRow(size) {
  return {
    id: `read-sync-${size.name}`,
    title: `readLocalFileSafelySync, ${size.label}`,
    places,
    quick: size.bytes < 256 * MIB,
    isolated: size.bytes >= ISOLATED_FROM ? size.isolated : undefined,
    prepare: (context) => prepareFiles(context, size, 1),
    candidates({ dir, holdfast, floor }) {
      const { readLocalFileSafelySync } = holdfast;
      const name = relative(size);
      const file = path.join(dir, name);
      const root = holdfast.openRootSync(dir, { maxBytes: MAX_BYTES });
      return [
        { id: 'node', label: 'fs.readFileSync', run: () => fs.readFileSync(file) },
        {
          id: 'holdfast',
          label: 'readLocalFileSafelySync({ filePath, maxBytes })',
          run: () => readLocalFileSafelySync({ filePath: file, maxBytes: MAX_BYTES }),
        },
        { id: 'path', label: 'readLocalFileSafelySync(path)', run: () => readLocalFileSafelySync(file) },
        { id: 'root', label: 'root.readSync(name)', run: () => root.readSync(name) },
        ...(floor ? [floor.read(file, size.bytes)] : []),
      ];
    },
    check: (_context, result) => checkContent(size, result),
    targets: syncTargets(size),
  };
}

function asyncTargets({ bytes }, count) {
  if (bytes > 64 * KIB) return bytes === 256 * MIB ? [{ candidate: 'holdfast', against: 'node', limit: () => 0.35, text: '≤ 0.35' }] : [];
  if (count === 1) {
    const limit = ({ node }) => (node >= 26 ? 0.2 : 0.15);
    return [
      { candidate: 'holdfast', against: 'node', limit, text: '≤ 0.15, on Node 26 ≤ 0.20' },
      { candidate: 'holdfast', against: 'fs-safe', times: 10, text: '≥ 10×' },
    ];
  }
  const limit = ({ node }) => (node >= 26 ? 0.65 : 0.35);
  return [
    { candidate: 'holdfast', against: 'node', limit, text: '≤ 0.35, on Node 26 ≤ 0.65' },
    { candidate: 'holdfast', against: 'node', cpu: true, limit: () => 0.45, text: '≤ 0.45' },
  ];
}

/** A row that reads `count` different files at once, or one. */
function asyncRow(size, count) {
  const small = size.bytes <= 64 * KIB;
  return {
    id: `read-async-${size.name}${count > 1 ? `-x${count}` : ''}`,
    title: `readLocalFileSafely, ${size.label}${small ? `, ${count === 1 ? 'one' : count} at a time` : ''}`,
    places,
    quick: size.bytes < 256 * MIB,
    isolated: size.bytes >= ISOLATED_FROM ? size.isolated : undefined,
    prepare: (context) => prepareFiles(context, size, count),
    candidates({ dir, holdfast, peers, floor }) {
      const { readLocalFileSafely } = holdfast;
      const names = Array.from({ length: count }, (_, index) => relative(size, index));
      const files = names.map((name) => path.join(dir, name));
      const root = holdfast.openRootSync(dir, { maxBytes: MAX_BYTES });
      const each = (inputs, read) => (count === 1 ? () => read(inputs[0]) : () => Promise.all(inputs.map(read)));
      const fsSafe = peers['@openclaw/fs-safe']?.readLocalFileSafely;
      const candidates = [
        { id: 'node', label: 'fs.promises.readFile', run: each(files, (file) => fs.promises.readFile(file)) },
        {
          id: 'holdfast',
          label: 'readLocalFileSafely({ filePath, maxBytes })',
          run: each(files, (filePath) => readLocalFileSafely({ filePath, maxBytes: MAX_BYTES })),
        },
        { id: 'root', label: 'root.read(name)', run: each(names, (name) => root.read(name)) },
      ];
      if (fsSafe) {
        const run = each(files, (filePath) => fsSafe({ filePath, maxBytes: MAX_BYTES }));
        candidates.push({ id: 'fs-safe', label: '@openclaw/fs-safe readLocalFileSafely', run });
      }
      const timed = candidates.map((candidate) => ({ ...candidate, async: true, perRun: count }));
      return floor ? [...timed, floor.read(files[0], size.bytes)] : timed;
    },
    check(_context, result) {
      for (const one of count === 1 ? [result] : result) checkContent(size, one);
    },
    targets: asyncTargets(size, count),
  };
}

export const readRows = [
  ...sizes.map(syncRow),
  ...sizes.flatMap((size) => (size.bytes <= 64 * KIB ? [asyncRow(size, 1), asyncRow(size, AT_ONCE)] : [asyncRow(size, 1)])),
];
