// Checks the structure of lib/: the direction of imports, cycles, the size of files and folders.
//
//   node scripts/check-lib-structure.mjs   exits with 1 and names every violation

import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { LIB } from './structure/lib-layers.mjs';
import { typescriptImports } from './structure/typescript.mjs';
import { projectRoot } from './support.mjs';

const MAX_LINES = 400;
const MAX_FILES = 20;

const violations = [];

/** Position of a file in the layers, or -1. */
function layerOf(file) {
  const [top] = file.slice(LIB.tree.length + 1).split('/');
  return LIB.layers.findIndex((layer) => layer.includes(top.replace(/\.ts$/, '')));
}

/** @returns {string[][]} one cycle for each import that closes a cycle */
function cyclesOf(imports) {
  const cycles = [];
  const done = new Set();
  const visit = (file, way) => {
    if (way.includes(file)) {
      cycles.push([...way.slice(way.indexOf(file)), file]);
      return;
    }
    if (done.has(file)) return;
    for (const target of imports.get(file) ?? []) visit(target, [...way, file]);
    done.add(file);
  };
  for (const file of imports.keys()) visit(file, []);
  return cycles;
}

const names = readdirSync(path.join(projectRoot, LIB.tree), { recursive: true }).map((name) => `${LIB.tree}/${name.replaceAll('\\', '/')}`);
const files = names.filter((name) => /\.[jt]s$/.test(name)).sort();
const imports = typescriptImports(files);

for (const [file, targets] of imports) {
  const from = layerOf(file);
  if (from === -1) violations.push(`${file}: belongs to no declared layer`);
  for (const target of targets) {
    if (target.startsWith(`${LIB.tree}/`) && layerOf(target) > from) violations.push(`${file}: imports ${target}, which is in a higher layer`);
  }
  if (!file.endsWith('.ts')) violations.push(`${file}: is not TypeScript`);
  const lines = readFileSync(path.join(projectRoot, file), 'utf8').split('\n').length - 1;
  if (lines > MAX_LINES) violations.push(`${file}: has ${lines} lines; the limit is ${MAX_LINES}`);
}
for (const cycle of cyclesOf(imports)) violations.push(`cycle: ${cycle.join(' → ')}`);
for (const folder of new Set(files.map((file) => path.posix.dirname(file)))) {
  const count = files.filter((file) => path.posix.dirname(file) === folder).length;
  if (count > MAX_FILES) violations.push(`${folder}: has ${count} files; the limit is ${MAX_FILES}`);
}

for (const violation of violations) console.error(violation);
console.log(`structure: ${files.length} files of lib/, ${violations.length} violations`);
if (violations.length > 0) process.exitCode = 1;
