// Checks the packed tarballs: they contain every file that users need and no other file, and work after an
// installation. Packs the platform packages whose binary is present.

import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { compileLibrary } from './compile.mjs';
import { fail, projectRoot, run } from './support.mjs';
import { installPacked, ownBinary, packMain, packPlatform } from './pack.mjs';
import { binaryProblems } from './prebuilt/inspect.mjs';
import { TARGETS, binaryName, packageName, platformPackageProblems, prebuiltBinary } from './prebuilt/targets.mjs';

/** Every file in the tarball must match one of these, and each of these must match a file. */
const EXPECTED = [
  /^package\.json$/,
  /^README\.md$/,
  /^LICENSE$/,
  /^CHANGELOG\.md$/,
  /^SECURITY\.md$/,
  /^index\.(js|mjs|d\.mts)$/,
  /^fs-safe\.(mjs|d\.ts|d\.mts)$/,
  /^index\.d\.ts$/,
  /^types\/[\w-]+\.d\.ts$/,
  /^types\/fs-safe\/[\w-]+\.d\.ts$/,
  /^dist\/(?:[\w-]+\/)*[\w-]+\.js$/,
  /^docs\/[\w-]+\.(md|svg)$/,
  /^docs\/recipes\/[\w-]+\.md$/,
];

const problems = platformPackageProblems();

/** Returns all files that `exports`, `main` and `types` name. */
function promisedFiles(value) {
  if (typeof value === 'string') return [value.replace(/^\.\//, '')];
  return Object.values(value).flatMap(promisedFiles);
}

const kib = (bytes) => `${Math.ceil(bytes / 1024)} KiB`;
const told = ({ name, files, size, unpackedSize }) => console.log(`package: ${name}: ${files.length} files, ${kib(size)} packed, ${kib(unpackedSize)} unpacked`);

function checkMain(packed) {
  const { manifest } = packed;
  const files = packed.files.map((file) => file.path);
  for (const file of files) if (!EXPECTED.some((pattern) => pattern.test(file))) problems.push(`${file} does not belong into the package`);
  for (const pattern of EXPECTED) if (!files.some((file) => pattern.test(file))) problems.push(`nothing in the package matches ${pattern}`);
  for (const file of promisedFiles([manifest.exports, manifest.main, manifest.types, manifest.bin ?? []])) {
    if (!files.includes(file)) problems.push(`package.json names ${file}, which is not in the package`);
  }
  for (const file of readdirSync(path.join(projectRoot, 'dist'), { recursive: true })) {
    if (file.endsWith('.js') && !files.includes(`dist/${file.replaceAll('\\', '/')}`)) problems.push(`dist/${file} is not in the package`);
  }
  const offered = Object.entries(manifest.optionalDependencies ?? {});
  if (offered.length !== TARGETS.length) problems.push(`${offered.length} platform packages are offered, and there are ${TARGETS.length}`);
  for (const [name, version] of offered) if (version !== manifest.version) problems.push(`${name} is offered in version ${version}, not ${manifest.version}`);
  told(packed);
}

function checkPlatform(packed, target, binary) {
  const files = packed.files.map((file) => file.path).sort().join(', ');
  const wanted = ['LICENSE', 'README.md', 'package.json', binaryName(target)].sort().join(', ');
  if (files !== wanted) problems.push(`${packageName(target)} has ${files}, and should have ${wanted}`);
  // `npm run build` builds for this machine only: its paths and its C library may show.
  const own = binary === ownBinary(target);
  problems.push(...binaryProblems(binary, target, { own }).map((problem) => `${packageName(target)}: ${problem}`));
  told(packed);
}

const checkout = JSON.parse(readFileSync(path.join(projectRoot, 'package.json'), 'utf8'));
// Not yet published when the checkout is set up, and then `npm ci` fails.
if (checkout.optionalDependencies) problems.push('package.json names optional dependencies; they are added when packing only');
// npm takes `resolved` addresses literally: a lock with them works only where that registry can be reached.
if (/"resolved"/.test(readFileSync(path.join(projectRoot, 'package-lock.json'), 'utf8'))) {
  problems.push('package-lock.json names a registry host: npm config set omit-lockfile-registry-resolved true, then npm install');
}
const crateVersion = /^version = "(.+)"$/m.exec(readFileSync(path.join(projectRoot, 'Cargo.toml'), 'utf8'))?.[1];
compileLibrary();
const require = createRequire(import.meta.url);
const { version: codeVersion } = require('../dist/base/version.js');
const { SUPPORTED } = require('../dist/native/platform.js');
if (codeVersion !== checkout.version) problems.push(`package.json says ${checkout.version}, lib/base/version ${codeVersion}`);
if (TARGETS.map(({ name }) => name).join() !== SUPPORTED.join()) problems.push('scripts/prebuilt/targets.mjs and lib/native/platform name different targets');
if (crateVersion !== checkout.version) problems.push(`package.json says ${checkout.version}, Cargo.toml ${crateVersion}`);

const scratch = mkdtempSync(path.join(tmpdir(), 'holdfast-package-'));
try {
  const main = packMain(scratch);
  checkMain(main);
  /** The binary that this machine can load. Its own build takes precedence, because it is the latest. */
  let loadable;
  for (const target of TARGETS) {
    const own = ownBinary(target);
    for (const binary of new Set([prebuiltBinary(target), own])) {
      if (!binary) continue;
      const folder = mkdtempSync(path.join(scratch, 'platform-'));
      const packed = packPlatform(folder, target, binary);
      checkPlatform(packed, target, binary);
      if (binary === own) loadable = packed;
    }
  }
  if (!loadable) problems.push('there is no binary for this machine: npm run build');
  else {
    const consumer = path.join(scratch, 'consumer');
    mkdirSync(consumer);
    writeFileSync(path.join(consumer, 'package.json'), '{ "private": true }\n');
    installPacked([main.tarball, loadable.tarball], consumer);
    if (run(process.execPath, ['scripts/smoke.mjs', consumer]) !== 0) problems.push('the installed package does not work');
    if (run('npx', ['--offline', 'holdfast', 'selftest'], { cwd: consumer, shell: process.platform === 'win32' }) !== 0) problems.push('npx holdfast selftest fails');
  }
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
for (const problem of problems) console.error(`package: ${problem}`);
if (problems.length > 0) fail(`package: ${problems.length} problems`);
console.log('package: complete, nothing else in it, installs and works');
