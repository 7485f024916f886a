// Checks the declarations as users see them. Installs the packed tarball next to the programs in
// __test__/types, so that every import goes through `exports`. Compiles them with both supported TypeScripts under
// every module resolution. Checks the declarations too (`skipLibCheck: false`).

import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { installPacked, packMain } from './pack.mjs';
import { fail, projectRoot, tools } from './support.mjs';

const programs = path.join(projectRoot, '__test__/types');
const consumers = readdirSync(programs).filter((name) => /\.[cm]ts$/.test(name));
const ofModules = consumers.filter((name) => name.endsWith('.mts'));
const ofCommonJs = consumers.filter((name) => name.endsWith('.cts'));

const strict = {
  strict: true,
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
  skipLibCheck: false,
  noEmit: true,
  target: 'es2022',
  lib: ['es2022'],
  types: ['node'],
};

/** Project configurations, each with the programs that compile under it. */
const configurations = [
  { name: 'node16', options: { module: 'node16', moduleResolution: 'node16', resolveJsonModule: true }, files: consumers },
  { name: 'nodenext', options: { module: 'nodenext', moduleResolution: 'nodenext' }, files: consumers },
  { name: 'bundler', options: { module: 'esnext', moduleResolution: 'bundler' }, files: ofModules },
  { name: 'bundler, module preserve', options: { module: 'preserve', moduleResolution: 'bundler' }, files: consumers },
  {
    name: 'node10',
    // The resolution of older projects ignores `exports` and needs `types`. TypeScript 7 has dropped it.
    options: { module: 'commonjs', moduleResolution: 'node10', esModuleInterop: true, resolveJsonModule: true },
    files: ofCommonJs,
    compilers: ['typescript5'],
  },
];

/** The oldest supported and the newest @types/node: a user may have either. */
const nodeTypes = { 'the oldest @types/node': '@types/node', 'the newest @types/node': 'types-node-newest' };

/** Compiles with one configuration. Returns the compiler's errors, or the empty string. */
function compile(compiler, folder, options, files) {
  const config = path.join(folder, 'tsconfig.json');
  writeFileSync(config, JSON.stringify({ compilerOptions: options, files }, undefined, 2));
  const result = spawnSync(process.execPath, [tools[compiler], '-p', config, '--pretty', 'false'], { cwd: folder, encoding: 'utf8' });
  return result.status === 0 ? '' : `${result.stdout}${result.stderr}` || `the compiler ended with ${result.status ?? result.signal}`;
}

function makeConsumer(scratch, name, tarball) {
  const folder = path.join(scratch, name);
  mkdirSync(folder);
  writeFileSync(path.join(folder, 'package.json'), '{ "private": true }\n');
  for (const file of consumers) cpSync(path.join(programs, file), path.join(folder, file));
  installPacked([tarball], folder);
  return folder;
}

/**
 * Checks a project without @types/node, which the declarations need (Buffer, Stats, FileHandle). With
 * `skipLibCheck: false` the compiler names the missing package. With `skipLibCheck: true` no compiler can report it: then only Node's
 * types are lost, and all other types must still be checked.
 */
function checkWithoutNodeTypes(compiler, folder) {
  const options = { ...strict, module: 'nodenext', moduleResolution: 'nodenext', types: [] };
  const files = ['without-node-types.mts'];
  const checked = compile(compiler, folder, options, files).replaceAll('\\', '/');
  const asksForIt = /holdfast\/index\.d\.ts\(\d+,\d+\): error TS2688: Cannot find type definition file for 'node'/.test(checked);
  return [
    {
      title: `${compiler}, without @types/node: asks for it`,
      complaint: asksForIt ? '' : `expected the compiler to ask for @types/node, and it said:\n${checked || 'nothing'}`,
    },
    {
      title: `${compiler}, without @types/node, skipLibCheck: all the rest is checked`,
      complaint: compile(compiler, folder, { ...options, skipLibCheck: true }, files),
    },
  ];
}

const scratch = mkdtempSync(path.join(tmpdir(), 'holdfast-types-'));
const outcomes = [];
try {
  const { tarball } = packMain(scratch);

  for (const [label, packageName] of Object.entries(nodeTypes)) {
    const folder = makeConsumer(scratch, packageName.replaceAll(/\W/g, '-'), tarball);
    mkdirSync(path.join(folder, 'node_modules/@types'));
    symlinkSync(path.join(projectRoot, 'node_modules', packageName), path.join(folder, 'node_modules/@types/node'), 'junction');
    for (const compiler of ['typescript5', 'typescript7']) {
      for (const { name, options, files, compilers } of configurations) {
        if (compilers && !compilers.includes(compiler)) continue;
        const title = `${compiler}, ${name}, ${label}: ${files.length} programs`;
        outcomes.push({ title, complaint: compile(compiler, folder, { ...strict, ...options }, files) });
      }
    }
  }

  const bare = makeConsumer(scratch, 'without-node-types', tarball);
  for (const compiler of ['typescript5', 'typescript7']) {
    outcomes.push(...checkWithoutNodeTypes(compiler, bare));
  }
} finally {
  rmSync(scratch, { recursive: true, force: true });
}

for (const { title, complaint } of outcomes) console.log(complaint ? `types: ${title}: FAILED\n${complaint}` : `types: ${title}: ok`);
const failed = outcomes.filter(({ complaint }) => complaint).length;
if (failed > 0) fail(`types: ${failed} of ${outcomes.length} checks failed`);
