// Checks the structure of the Rust code: the direction of imports, cycles, the size of files and folders, and that the
// platform folders have the same files. `check-lib-structure.mjs` checks lib/.
//
//   node scripts/check-structure.mjs           exits with 1 and names every violation
//   node scripts/check-structure.mjs --lines   prints the lines of code per folder as well
//
// The lists below are the rules. Imports are read as text, from `use` and from paths in the code.

import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { rustImports } from './structure/rust.mjs';
import { findCycles, sourceFiles } from './structure/graph.mjs';
import { projectRoot } from './support.mjs';

/** Layers from the bottom to the top. A file imports from its own layer and from lower ones. */
const LAYERS = [
  {
    tree: 'core/src',
    layers: [
      ['error', 'failpoint'],
      ['path'],
      ['sys'],
      ['metadata', 'resolve'],
      ['temporary', 'make_dirs', 'features'],
      ['ops'],
      ['nonblocking', 'doctor'],
      ['lib'],
    ],
  },
];

const MAX_LINES = 400;
const MAX_FILES = 20;

/** Platform folders, which must have the same file names. */
const PLATFORM_FOLDERS = ['core/src/sys/linux', 'core/src/sys/macos', 'core/src/sys/windows'];

const violations = [];

/** Position of a file in the layers of its tree, or -1. */
function layerOf({ tree, layers }, file) {
  const [top] = file.slice(tree.length + 1).split('/');
  const name = top.replace(/\.\w+$/, '');
  return layers.findIndex((layer) => layer.includes(name));
}

function checkLayers(imports) {
  for (const rule of LAYERS) {
    for (const [file, targets] of imports) {
      if (!file.startsWith(`${rule.tree}/`)) continue;
      const from = layerOf(rule, file);
      if (from === -1) violations.push(`${file}: belongs to no declared layer of ${rule.tree}`);
      for (const target of targets) {
        if (target.startsWith(`${rule.tree}/`) && layerOf(rule, target) > from) {
          violations.push(`${file}: imports ${target}, which is in a higher layer`);
        }
      }
    }
  }
}

function checkSizes(files) {
  for (const file of files) {
    const lines = readFileSync(path.join(projectRoot, file), 'utf8').split('\n').length - 1;
    if (lines > MAX_LINES) violations.push(`${file}: has ${lines} lines; the limit is ${MAX_LINES}`);
  }
  const folders = groupBy(files, path.posix.dirname);
  for (const [folder, members] of folders) {
    if (members.length > MAX_FILES) violations.push(`${folder}: has ${members.length} files; the limit is ${MAX_FILES}`);
  }
}

function groupBy(items, key) {
  const groups = new Map();
  for (const item of items) {
    const group = groups.get(key(item)) ?? [];
    group.push(item);
    groups.set(key(item), group);
  }
  return groups;
}

function checkPlatforms() {
  const names = PLATFORM_FOLDERS.map((folder) => [folder, new Set(readdirSync(path.join(projectRoot, folder)))]);
  const all = new Set(names.flatMap(([, files]) => [...files]));
  for (const name of all) {
    const missing = names.filter(([, files]) => !files.has(name)).map(([folder]) => folder);
    if (missing.length > 0) violations.push(`${name}: missing in ${missing.join(' and ')}`);
  }
}

function checkPathAttributes(files) {
  for (const file of files) {
    const text = readFileSync(path.join(projectRoot, file), 'utf8');
    if (/#\[(?:cfg_attr\([^\]]*\bpath|path)\s*=/.test(text)) violations.push(`${file}: chooses a module by #[path]`);
  }
}

function printLines(files) {
  const totals = new Map();
  for (const file of files) {
    const lines = readFileSync(path.join(projectRoot, file), 'utf8').split('\n').length - 1;
    const folder = path.posix.dirname(file);
    totals.set(folder, (totals.get(folder) ?? 0) + lines);
  }
  for (const [folder, lines] of [...totals].sort()) console.log(`${String(lines).padStart(7)} ${folder}`);
}

const files = sourceFiles(['core/src', 'core/tests', 'core/benches', 'src'], ['.rs']);
const imports = new Map([...rustImports('core/src'), ...rustImports('src')]);

checkLayers(imports);
for (const cycle of findCycles(imports)) violations.push(`cycle: ${cycle.join(' → ')}`);
checkSizes(files);
checkPlatforms();
checkPathAttributes(files);
if (process.argv.includes('--lines')) printLines(files);

for (const violation of violations) console.error(violation);
console.log(`structure: ${imports.size} files, ${violations.length} violations`);
if (violations.length > 0) process.exitCode = 1;
