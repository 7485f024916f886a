// Checks the structure of lib/, types/ and __test__/: in lib/ the direction of imports and cycles, in all the size of
// files and folders, and that a spec has a folder and a name of its own.
//
//   node scripts/check-lib-structure.mjs   exits with 1 and names every violation

import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { LIB } from './structure/lib-layers.mjs';
import { typescriptImports } from './structure/typescript.mjs';
import { projectRoot } from './support.mjs';

const MAX_LINES = 400;
const MAX_FILES = 20;

/** Folders of any size: one file for each program or table. */
const UNLIMITED = ['__test__/programs', '__test__/helpers'];

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

/** Returns the files of a tree with one of the extensions, sorted. */
function filesOf(tree, extensions) {
  const names = readdirSync(path.join(projectRoot, tree), { recursive: true }).map((name) => `${tree}/${name.replaceAll('\\', '/')}`);
  return names.filter((name) => extensions.test(name)).sort();
}

function checkSizes(files) {
  for (const file of files) {
    const lines = readFileSync(path.join(projectRoot, file), 'utf8').split('\n').length - 1;
    if (lines > MAX_LINES) violations.push(`${file}: has ${lines} lines; the limit is ${MAX_LINES}`);
  }
  for (const folder of new Set(files.map((file) => path.posix.dirname(file)))) {
    if (UNLIMITED.includes(folder)) continue;
    const count = files.filter((file) => path.posix.dirname(file) === folder).length;
    if (count > MAX_FILES) violations.push(`${folder}: has ${count} files; the limit is ${MAX_FILES}`);
  }
}

/** Documents and scripts name a spec by the name of its file alone. */
function checkSpecs(specs) {
  const places = new Map();
  for (const spec of specs) {
    const name = path.posix.basename(spec);
    if (path.posix.dirname(spec) === '__test__') violations.push(`${spec}: belongs into a folder of __test__/`);
    if (places.has(name)) violations.push(`${spec}: has the name of ${places.get(name)}`);
    places.set(name, spec);
  }
}

/** Compares the names that `isPolluted` reads with the table of options. A loop over the table costs a hundred times as much. */
function checkOptions() {
  const source = (file) => readFileSync(path.join(projectRoot, file), 'utf8');
  const table = /^const OPTIONS[^]*?^\}\);/m.exec(source('lib/options/schema.ts'))[0];
  const options = [...table.matchAll(/^  (\w+): \{ calls:/gm)].map(([, name]) => name).sort();
  const read = [...source('lib/options/validate.ts').matchAll(/\btop\.(\w+) !== undefined/g)].map(([, name]) => name).sort();
  if (options.join() !== read.join()) violations.push(`lib/options/validate.ts: isPolluted reads ${read.join(', ')}; the options of schema.ts are ${options.join(', ')}`);
}

const files = filesOf(LIB.tree, /\.[jt]s$/);
const types = ['index.d.ts', 'fs-safe.d.ts', ...filesOf('types', /\.d\.ts$/)];
const tests = filesOf('__test__', /\.(?:[cm]?[jt]s|c|h)$/);
const imports = typescriptImports(files);

for (const [file, targets] of imports) {
  const from = layerOf(file);
  if (from === -1) violations.push(`${file}: belongs to no declared layer`);
  for (const target of targets) {
    if (target.startsWith(`${LIB.tree}/`) && layerOf(target) > from) violations.push(`${file}: imports ${target}, which is in a higher layer`);
  }
  if (!file.endsWith('.ts')) violations.push(`${file}: is not TypeScript`);
}
for (const cycle of cyclesOf(imports)) violations.push(`cycle: ${cycle.join(' → ')}`);
checkSizes([...files, ...types, ...tests]);
checkSpecs(tests.filter((file) => file.endsWith('.spec.ts')));
checkOptions();

for (const violation of violations) console.error(violation);
console.log(`structure: ${files.length} files of lib/, ${types.length} of types/, ${tests.length} of __test__/, ${violations.length} violations`);
if (violations.length > 0) process.exitCode = 1;
