// Makes a checkout ready to use: development dependencies, then the addon built from Rust and put where
// lib/native.js looks for it. Run it as often as you like; it says only what it did.
//
//   node scripts/setup.mjs                everything
//   node scripts/setup.mjs --build-only   the addon alone (what `npm run build` does)

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fail, findCargo, outdatedRust, projectRoot, runNpm } from './support.mjs';

const { targets } = createRequire(import.meta.url)('../lib/target.js');

const MINIMUM_NODE = [20, 19];

const INSTALL_RUST = `Install Rust 1.88 or newer (https://rustup.rs has the one-line installer for every system),
open a new shell, and run the same command again.`;

const RUST_MISSING = `holdfast is built from its Rust source, and cargo was not found.

${INSTALL_RUST}`;

function checkNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > MINIMUM_NODE[0] || (major === MINIMUM_NODE[0] && minor >= MINIMUM_NODE[1])) return;
  fail(`holdfast needs Node ${MINIMUM_NODE.join('.')} or newer; this is ${process.versions.node} (${process.execPath}).`);
}

/** Changes whenever what is installed might not be what the manifest and the lock ask for. */
function dependencyFingerprint() {
  const read = (name) => readFileSync(path.join(projectRoot, name), 'utf8');
  const { dependencies, devDependencies, optionalDependencies, peerDependencies, overrides } = JSON.parse(read('package.json'));
  const wanted = { dependencies, devDependencies, optionalDependencies, peerDependencies, overrides };
  // Several dependencies bring a binary for one platform: a folder shared between two systems must be installed anew.
  return createHash('sha256').update(JSON.stringify(wanted)).update(read('package-lock.json')).update(targets().join()).digest('hex');
}

function installDependencies() {
  const stamp = path.join(projectRoot, 'node_modules/.holdfast-setup');
  const wanted = dependencyFingerprint();
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return;
  console.log('setup: installing development dependencies (npm ci)');
  // `npm ci` also fails when package.json and its lock disagree, which is the check that the lock is current.
  const status = runNpm(['ci', '--no-audit', '--no-fund', '--loglevel=error']);
  if (status !== 0) fail('setup: npm ci failed; its message is above.');
  writeFileSync(stamp, wanted);
}

/** The name under which lib/native.js looks first for the addon on this system. */
function addonFileName() {
  return `holdfast.${targets()[0]}.node`;
}

/**
 * Builds the release library and returns the file cargo reports for it, so that CARGO_TARGET_DIR,
 * CARGO_BUILD_TARGET and a cargo configuration are respected without being known here.
 */
function buildLibrary() {
  const cargo = findCargo();
  if (!cargo) fail(RUST_MISSING);
  const args = ['build', '--release', '--lib', '--message-format=json-render-diagnostics'];
  // On a developer's machine cargo may bring the lock up to date; in CI a stale one is a failure.
  if (process.env.CI) args.push('--locked');
  const result = spawnSync(cargo, args, {
    cwd: projectRoot,
    encoding: 'utf8',
    maxBuffer: 64 << 20,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  if (result.error) fail(`setup: ${cargo}: ${result.error.message}`);
  if (result.status !== 0) fail('setup: cargo build failed; its message is above.');

  const library = result.stdout
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line))
    .filter((message) => message.reason === 'compiler-artifact' && message.target.kind.includes('cdylib'))
    .flatMap((message) => message.filenames)
    .find((file) => /\.(so|dylib|dll)$/.test(file));
  if (!library) fail('setup: cargo built no dynamic library; Cargo.toml should name `cdylib` in crate-type.');
  return library;
}

/**
 * Puts the library in place by rename: a process that has the old one mapped keeps it, where
 * overwriting in place would crash it.
 */
function placeAddon(library) {
  const target = path.join(projectRoot, addonFileName());
  if (existsSync(target) && readFileSync(target).equals(readFileSync(library))) return;
  const temporary = `${target}.${process.pid}.tmp`;
  try {
    copyFileSync(library, temporary);
    renameSync(temporary, target);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
  console.log(`setup: ${path.basename(target)} is built`);
}

checkNode();
// Looked for first of all: who has no Rust should learn it before npm downloads anything.
if (!findCargo()) fail(RUST_MISSING);
// A distribution's own Rust is often older; what cargo says of the manifest then tells nobody what to do.
const outdated = outdatedRust();
if (outdated) fail(`holdfast is built from its Rust source, and the Rust that was found is too old: ${outdated}.\n\n${INSTALL_RUST}\nWhere rustup is installed: rustup update`);
if (!process.argv.includes('--build-only')) installDependencies();
placeAddon(buildLibrary());
