// Makes a checkout ready to use: development dependencies, the addon built from Rust and put where
// lib/native/load.js looks for it, and lib/ compiled to dist/. Run it as often as you like; it says only what it did.
//
//   node scripts/setup.mjs                everything
//   node scripts/setup.mjs --build-only   the addon and dist/ (what `npm run build` does)

import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, readFileSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import { compileLibrary } from './compile.mjs';
import { installDependencies } from './dependencies.mjs';
import { fail, findCargo, hostTarget, outdatedRust, projectRoot } from './support.mjs';

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

/** The name under which lib/native/load.js looks first for the addon on this system. */
function addonFileName() {
  return `holdfast.${hostTarget()}.node`;
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
compileLibrary();
