// Packs holdfast and its platform packages for publication, from staged copies. The checkout's own package.json names
// no platform package, because `npm ci` fails on optional dependencies that are not published yet.
//
//   npm run pack                          into ./packed: holdfast, and the package of every binary that exists
//   npm run pack -- <folder> [targets]    the same into another folder; with targets, exactly these

import { copyFileSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { TARGETS, binaryName, packageFolder, packageName, prebuiltBinary, staleness, targetNamed } from './prebuilt/targets.mjs';
import { compileLibrary } from './compile.mjs';
import { captureNpm, fail, hostTarget, projectRoot } from './support.mjs';

/**
 * @typedef {object} Packed
 * @property {string} name
 * @property {object} manifest package.json, as packed
 * @property {string} tarball
 * @property {{ path: string, size: number }[]} files
 * @property {number} size
 * @property {number} unpackedSize
 * @property {string} integrity
 * @property {string} shasum
 */

/** Returns the binary of `npm run build` for this machine, or undefined. */
export function ownBinary(target) {
  const file = path.join(projectRoot, binaryName(target));
  if (target.name !== hostTarget()) return undefined;
  try {
    readFileSync(file);
    return file;
  } catch {
    return undefined;
  }
}

/**
 * Returns the manifest field `repository`. npm attests the origin only if it equals that of the workflow, so a release
 * workflow sets HOLDFAST_REPOSITORY.
 */
function publishedFields() {
  const url = process.env.HOLDFAST_REPOSITORY;
  return url ? { repository: { type: 'git', url: `git+${url}.git` } } : {};
}

/** @returns {Packed} */
function pack(folder, destination, manifest) {
  writeFileSync(path.join(folder, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`);
  const output = captureNpm(['pack', '--json', '--ignore-scripts', '--pack-destination', destination], { cwd: folder });
  // npm 11 prints a list, npm 12 an object keyed by package name.
  const [report] = Object.values(JSON.parse(output));
  return { ...report, manifest, tarball: path.join(destination, report.filename) };
}

const readManifest = (folder) => JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8'));

/**
 * Packs the main package, with every platform package as an optional dependency in its exact version.
 * @returns {Packed}
 */
export function packMain(destination) {
  compileLibrary();
  const stage = mkdtempSync(path.join(tmpdir(), 'holdfast-stage-'));
  try {
    // Scripts and development dependencies have no use without the checkout.
    const { scripts, devDependencies, ...manifest } = readManifest(projectRoot);
    const top = new Set([...manifest.files.filter((name) => !name.startsWith('!')).map((name) => name.split('/')[0]), 'README.md', 'LICENSE']);
    for (const name of top) cpSync(path.join(projectRoot, name), path.join(stage, name), { recursive: true });
    const optionalDependencies = Object.fromEntries(TARGETS.map((target) => [packageName(target), manifest.version]));
    return pack(stage, destination, { ...manifest, ...publishedFields(), optionalDependencies });
  } finally {
    rmSync(stage, { recursive: true, force: true });
  }
}

/**
 * Packs the package of one target.
 * @param {import('./prebuilt/targets.mjs').Target} target
 * @param {string | undefined} binary its file; undefined for a package without one, for tests of npm's choice
 * @returns {Packed}
 */
export function packPlatform(destination, target, binary) {
  const stage = mkdtempSync(path.join(tmpdir(), 'holdfast-stage-'));
  try {
    copyFileSync(path.join(packageFolder(target), 'README.md'), path.join(stage, 'README.md'));
    copyFileSync(path.join(projectRoot, 'LICENSE'), path.join(stage, 'LICENSE'));
    if (binary) copyFileSync(binary, path.join(stage, binaryName(target)));
    return pack(stage, destination, { ...readManifest(packageFolder(target)), ...publishedFields() });
  } finally {
    rmSync(stage, { recursive: true, force: true });
  }
}

/** Installs tarballs into a folder that has a package.json, without a request to a registry. */
export function installPacked(tarballs, folder) {
  captureNpm(['install', '--offline', '--omit=optional', '--no-audit', '--no-fund', '--no-package-lock', '--ignore-scripts', ...tarballs], { cwd: folder });
}

if (process.argv[1] === import.meta.filename) {
  const [folder = 'packed', ...names] = process.argv.slice(2);
  const destination = path.resolve(folder);
  mkdirSync(destination, { recursive: true });
  const wanted = names.length > 0 ? names.map(targetNamed) : TARGETS;
  const packed = [];
  for (const target of wanted) {
    const prebuilt = prebuiltBinary(target);
    if (prebuilt) for (const problem of staleness(target)) fail(`pack: ${problem}`);
    const binary = prebuilt ?? ownBinary(target);
    if (binary) packed.push(packPlatform(destination, target, binary));
    else if (names.length > 0) fail(`pack: there is no binary for ${target.name}: npm run prebuild -- ${target.name}`);
  }
  packed.push(packMain(destination));
  for (const { tarball, size } of packed) console.log(`${path.relative(process.cwd(), tarball)}  ${Math.ceil(size / 1024)} KiB`);
}
