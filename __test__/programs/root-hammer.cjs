'use strict';
// Calls one method of a root repeatedly while an attacker exchanges names, and counts outcomes and what was seen.
//   node root-hammer.cjs <folder of the package> <plan as JSON>
// Prints "ready", starts on a line of input, and prints one JSON object.

const fs = require('node:fs');
const path = require('node:path');

const holdfast = require(process.argv[2]);
const { verb, root: top, defaults, milliseconds } = JSON.parse(process.argv[3]);

const inside = 'inside';
const outside = 'OUTSIDE SECRET';
const base = path.dirname(top);
const beneath = (...names) => path.join(top, ...names);

/** The directory that is exchanged, by its descriptor: what the program itself does there is not attacked. */
const held = fs.existsSync(beneath('dir')) ? `/proc/self/fd/${fs.openSync(beneath('dir'), 'r')}` : undefined;
const root = holdfast.openRootSync(top, defaults);

const bySize = ({ size }) => (size === outside.length ? outside : inside);
const byNames = (entries) => (entries.some(({ name, stat }) => name === 'only-outside' || (stat?.isFile() && bySize(stat) === outside)) ? outside : inside);

/** Returns what a file or a tree that was copied or moved into the root has, and removes it. */
function taken(name) {
  const file = beneath(name);
  if (fs.lstatSync(file).isSymbolicLink()) {
    // The link itself was copied: it leads outside, and is not read.
    fs.rmSync(file);
    return inside;
  }
  const names = fs.lstatSync(file).isDirectory() ? fs.readdirSync(file, { recursive: true, withFileTypes: true }) : undefined;
  const files = names === undefined ? [file] : names.filter((entry) => entry.isFile()).map((entry) => path.join(entry.parentPath, entry.name));
  const contents = files.map((one) => fs.readFileSync(one, 'utf8').replaceAll('"', ''));
  fs.rmSync(file, { recursive: true, force: true });
  return contents.find((content) => content !== inside) ?? inside;
}

/** Fills the directory anew that is removed in part or in whole. */
function refillHeld() {
  fs.writeFileSync(`${held}/x`, inside);
  fs.mkdirSync(`${held}/gone/sub`, { recursive: true });
  fs.writeFileSync(`${held}/gone/sub/file`, inside);
}

let trashed = 0;
/** Makes the tree anew in whose middle names are exchanged. */
function refillTop() {
  const made = path.join(base, `fresh-${trashed++}`);
  fs.mkdirSync(path.join(made, 'dir', 'sub'), { recursive: true });
  for (const name of ['dir/file', 'dir/sub/file', 'file']) fs.writeFileSync(path.join(made, name), inside);
  fs.symlinkSync(path.join(base, 'away'), path.join(made, 'other'));
  // The attacker's names lead nowhere now.
  if (fs.existsSync(beneath('top'))) fs.renameSync(beneath('top'), path.join(base, `trash-${trashed}`));
  fs.renameSync(made, beneath('top'));
  fs.rmSync(path.join(base, `trash-${trashed}`), { recursive: true, force: true });
}

async function walked(dir) {
  const entries = [];
  for await (const entry of root.walk(dir)) entries.push(entry);
  return byNames(entries);
}

/** Throws for a link as a program does that checks a path before it uses it. */
function checked(file) {
  if (fs.lstatSync(file).isSymbolicLink()) throw Object.assign(new Error('a link'), { code: 'seen as a link' });
}

const over = { overwrite: true, durable: false };
const rows = {
  stat: { call: () => bySize(root.statSync('dir/file')) },
  lstat: { call: () => bySize(root.lstatSync('dir/file')) },
  'stat of the name': { call: () => bySize(root.statSync('file')) },
  exists: { call: () => (root.existsSync('dir/only-outside') ? outside : inside) },
  readlink: { call: () => root.readlinkSync('dir/link') },
  list: { call: () => byNames(root.listSync('dir')) },
  'list with stats': { call: () => byNames(root.listSync('dir', { stat: true })) },
  'list below': { call: () => byNames(root.listSync('dir/sub', { stat: true })) },
  walk: { call: () => walked('dir') },
  'walk across': { call: () => walked('top') },
  readText: { call: () => root.readTextSync('dir/file') },
  readJson: { call: () => root.readJsonSync('dir/json') },
  openRoot: {
    call: () => {
      const below = root.openRootSync('dir');
      try {
        return below.readTextSync('file');
      } finally {
        below.close();
      }
    },
  },
  writeJson: { call: () => void root.writeJsonSync('dir/written', 'x', { durable: false }) },
  stage: {
    call: async () => {
      const staged = await root.stage('dir/staged', { durable: false });
      try {
        await staged.handle.writeFile('x');
        await staged.commit();
      } finally {
        await staged.abort();
      }
    },
  },
  cleanStaleTemporaries: { call: () => root.cleanStaleTemporaries('dir', { olderThanMs: 0 }).then(() => {}) },
  'rename out': { before: refillHeld, call: () => void root.renameSync('dir/x', 'moved', over), after: () => taken('moved') },
  'rename in': { before: () => fs.writeFileSync(beneath('ball'), 'x'), call: () => void root.renameSync('ball', 'dir/ball', over) },
  remove: { before: refillHeld, call: () => void root.removeSync('dir/x') },
  'remove below': { before: refillHeld, call: () => void root.removeSync('dir/gone', { recursive: true }) },
  'remove across': { before: refillTop, call: () => void root.removeSync('top', { recursive: true }) },
  'remove counted': { before: refillTop, call: () => void root.removeSync('top', { recursive: true, maxEntries: 20 }) },
  'copy out': { call: () => void root.copySync('dir/file', 'copied', over), after: () => taken('copied') },
  'copy in': { call: () => void root.copySync('source', 'dir/copied', over) },
  'copy a tree out': { call: () => void root.copySync('dir', 'copied', { ...over, recursive: true }), after: () => taken('copied'), last: () => fs.rmSync(beneath('copied'), { recursive: true, force: true }) },
  'copy a tree in': { call: () => void root.copySync('tree', 'dir/copied-tree', { ...over, recursive: true }) },
  'copy across': { call: () => void root.copySync('top', 'copied', { ...over, recursive: true }), after: () => taken('copied'), last: () => fs.rmSync(beneath('copied'), { recursive: true, force: true }) },
  copyIn: { call: () => void root.copyInSync(path.join(base, 'source'), 'dir/copied', over) },
  // The vulnerable controls: a check of the path, and then the path again.
  'fs.rm': {
    before: refillHeld,
    call: () => {
      checked(beneath('dir'));
      fs.rmSync(path.join(top, 'dir/x'));
      const isHit = !fs.existsSync(path.join(base, 'away/x'));
      if (isHit) fs.writeFileSync(path.join(base, 'away/x'), outside);
      return isHit ? outside : inside;
    },
  },
  'fs.readdir': {
    call: () => {
      checked(beneath('dir'));
      return byNames(fs.readdirSync(path.join(top, 'dir'), { withFileTypes: true }));
    },
  },
};

async function hammer() {
  const { before, call, after, last } = rows[verb];
  const tally = { calls: 0, codes: {}, seen: {}, slowest: 0, slowestOwn: 0 };
  await new Promise((resolve) => {
    process.stdin.once('data', resolve);
    process.stdout.write('ready\n');
  });
  const end = performance.now() + milliseconds;
  while (performance.now() < end) {
    before?.();
    let code = 'ok';
    const began = performance.now();
    try {
      const found = await call();
      const seen = after === undefined ? found : after();
      if (seen !== undefined) tally.seen[seen] = (tally.seen[seen] ?? 0) + 1;
    } catch (error) {
      code = holdfast.isHoldfastError(error) ? error.code : `raw ${error.code ?? error}`;
      last?.();
    }
    tally.slowest = Math.max(tally.slowest, performance.now() - began);
    tally.calls++;
    tally.codes[code] = (tally.codes[code] ?? 0) + 1;
  }
  process.stdout.write(`${JSON.stringify(tally)}\n`);
  process.stdin.destroy();
}

void hammer();
