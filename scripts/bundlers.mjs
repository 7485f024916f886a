// Runs the instructions of docs/bundlers.md: writes the blocks of code to the files that their first line names, and
// runs the shell blocks in order. Runs each bundle that gets its binary from HOLDFAST_NATIVE_PATH once more without
// node_modules. The bundlers and the two Node lines come from npm and are cached in .cache.
//
//   npm run test:bundlers

import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { installNode } from './node-binary.mjs';
import { installPacked, ownBinary, packMain, packPlatform } from './pack.mjs';
import { TARGETS } from './prebuilt/targets.mjs';
import { fail, projectRoot, run, runNpm } from './support.mjs';

const TOOLS = {
  esbuild: '0.28.2',
  postject: '1.0.0-alpha.6',
  rollup: '4.68.8',
  '@rollup/plugin-commonjs': '29.0.3',
  '@rollup/plugin-node-resolve': '16.0.3',
  vite: '8.3.8',
};
const cache = path.join(projectRoot, '.cache/bundlers');

function installTools() {
  const wanted = Object.entries(TOOLS).map(([name, version]) => `${name}@${version}`);
  const isThere = Object.keys(TOOLS).every((name) => existsSync(path.join(cache, 'node_modules', name)));
  if (isThere) return;
  mkdirSync(cache, { recursive: true });
  writeFileSync(path.join(cache, 'package.json'), '{ "private": true }\n');
  const status = runNpm(['install', '--no-audit', '--no-fund', '--loglevel=error', '--no-save', ...wanted], { cwd: cache });
  if (status !== 0) fail('bundlers: npm install failed; its message is above.');
}

/** Packs the package and its binary, and installs them as users do. */
function installPackages() {
  const target = TARGETS.find((each) => ownBinary(each));
  const packed = mkdtempSync(path.join(folder, 'packed-'));
  const platform = packPlatform(mkdtempSync(path.join(packed, 'platform-')), target, ownBinary(target));
  installPacked([packMain(packed).tarball, platform.tarball], folder);
}

/** Returns the commands in a shell block that run a program. */
const programsOf = (code) => code.match(/^(?:\S+=\S+ )?(?:node \S+\.[cm]?js|\.\/\S+)$/gm) ?? [];

/**
 * Runs shell code. Reports a problem unless every program in it prints its number of bytes: `bundled` has 7, `single`
 * 6.
 */
function runCode(code, env) {
  const programs = programsOf(code).length;
  const { status, stdout, stderr } = spawnSync('bash', ['-euo', 'pipefail', '-c', code], { cwd: folder, env, encoding: 'utf8' });
  const answers = stdout.match(/^(?:7 |true 6)/gm)?.length ?? 0;
  if (status !== 0 || answers !== programs || programs === 0) failures.push(`${code}\n${stdout}${stderr}`);
  return programs;
}

/** Returns the executable blocks of the page, in order. */
function blocks() {
  const text = readFileSync(path.join(projectRoot, 'docs/bundlers.md'), 'utf8');
  return [...text.matchAll(/^<!-- example: [^\n]* npm run test:bundlers runs it -->\n```(\w+)\n(.*?)^```$/gms)].map(([, language, code]) => ({ language, code }));
}

if (run(process.execPath, ['scripts/setup.mjs']) !== 0) process.exit(1);
installTools();
const { nativePath } = createRequire(import.meta.url)('../dist/native/load.js');

// Beneath the tools, so that the configurations of bundlers find their plugins.
const folder = mkdtempSync(path.join(cache, 'run-'));
const failures = [];
try {
  writeFileSync(path.join(folder, 'package.json'), '{ "private": true, "type": "module" }\n');
  installPackages();
  const bin = path.join(folder, 'bin');
  mkdirSync(bin);
  for (const line of ['24', '26']) symlinkSync(installNode(line, { update: false }), path.join(bin, `node${line}`));
  const env = {
    ...process.env,
    BINARY: nativePath(),
    // Executables write their binary here, and must remove it.
    TMPDIR: path.join(folder, 'tmp'),
    PATH: [bin, path.join(cache, 'node_modules/.bin'), path.dirname(process.execPath), process.env.PATH].join(path.delimiter),
  };
  delete env.HOLDFAST_NATIVE_PATH;
  mkdirSync(env.TMPDIR);

  let ran = 0;
  /** @type {string[]} */
  const named = [];
  for (const { language, code } of blocks()) {
    if (language !== 'sh') {
      const name = /^\/\/ (\S+)$/m.exec(code)?.[1];
      if (!name) fail(`bundlers: a block of docs/bundlers.md does not name its file:\n${code}`);
      writeFileSync(path.join(folder, name), code);
      continue;
    }
    ran += runCode(code, env);
    named.push(...programsOf(code).filter((command) => command.startsWith('HOLDFAST_NATIVE_PATH=')));
  }
  renameSync(path.join(folder, 'node_modules'), path.join(folder, 'gone'));
  for (const command of named) ran += runCode(command, env);
  const left = readdirSync(env.TMPDIR);
  if (left.length > 0) failures.push(`left behind: ${left.join(', ')}`);
  for (const failure of failures) console.error(`bundlers: FAILED\n${failure}`);
  console.log(`bundlers: ${ran} programs of docs/bundlers.md, ${failures.length} failures`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
if (failures.length > 0) process.exit(1);
