// Runs one table of calls against @openclaw/fs-safe and against holdfast/fs-safe, in one vitest run, and counts equal,
// better and different outcomes. The library is cached in .cache/fs-safe, and needs Node 22.
//
//   npm run test:conformance               with the releases the table was written for
//   npm run test:conformance -- latest     with another one
//   npm run test:conformance -- -t mkdir   arguments with a dash are for vitest

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { installNode } from './node-binary.mjs';
import { fail, projectRoot, run, runNpm, tools } from './support.mjs';

/** A gateway pins the first one; the adapters follow the second one. */
const KNOWN = ['0.18.1', '0.21.0'];
const OLDEST_NODE = 22;

const given = process.argv[2]?.startsWith('-') === false ? process.argv[2] : undefined;
const forVitest = process.argv.slice(given === undefined ? 2 : 3);

/** The native code of fs-safe, by name: npm omits it if the Node that runs npm is too old for it. */
const libc = process.report.getReport().header.glibcVersionRuntime ? 'gnu' : 'musl';
const nativeName = `@openclaw/fs-safe-linux-${process.arch}-${libc}`;

function installed(folder, name = '@openclaw/fs-safe') {
  try {
    return JSON.parse(readFileSync(path.join(folder, 'node_modules', name, 'package.json'), 'utf8')).version;
  } catch {
    return undefined;
  }
}

function install(version) {
  const folder = path.join(projectRoot, '.cache/fs-safe', version);
  if (installed(folder) !== version || installed(folder, nativeName) !== version) {
    mkdirSync(folder, { recursive: true });
    writeFileSync(path.join(folder, 'package.json'), '{ "private": true }\n');
    const arguments_ = ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--no-package-lock', '--loglevel=error', `@openclaw/fs-safe@${version}`, `${nativeName}@${version}`];
    if (runNpm(arguments_, { cwd: folder, stdio: ['ignore', 'ignore', 'inherit'] }) !== 0) fail(`conformance: @openclaw/fs-safe@${version} could not be installed.`);
  }
  return folder;
}

if (run(process.execPath, ['scripts/setup.mjs']) !== 0) process.exit(1);
const node = Number.parseInt(process.versions.node, 10) >= OLDEST_NODE ? process.execPath : installNode('24');
let failures = 0;
for (const version of given === undefined ? KNOWN : [given]) {
  const folder = install(version);
  console.log(`conformance: @openclaw/fs-safe ${installed(folder)}, with its native code`);
  const env = { ...process.env, HOLDFAST_FS_SAFE: folder, HOLDFAST_FS_SAFE_VERSION: installed(folder), PATH: `${path.dirname(node)}${path.delimiter}${process.env.PATH}` };
  const status = run(node, [tools.vitest, 'run', '--root', '.', '--config', '__test__/fs-safe/conformance/vitest.config.mjs', ...forVitest], { env });
  if (status !== 0) failures += 1;
}
process.exit(failures === 0 ? 0 : 1);
