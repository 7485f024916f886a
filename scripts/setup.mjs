// Makes a checkout ready to use: installs development dependencies, builds the addon to where lib/native/load.js looks
// for it, and compiles lib/ to dist/. It can be repeated at any time, and prints only the steps that it takes.
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

/** The file name of the addon that lib/native/load.js tries first on this system. */
function addonFileName() {
  return `holdfast.${hostTarget()}.node`;
}

/**
 * Builds the release library. Returns the path from cargo's report, so that CARGO_TARGET_DIR, CARGO_BUILD_TARGET and a
 * cargo configuration apply.
 */
function buildLibrary() {
  const cargo = findCargo();
  if (!cargo) fail(RUST_MISSING);
  const args = ['build', '--release', '--lib', '--message-format=json-render-diagnostics'];
  // On a developer's machine cargo may update the lock; in CI a stale lock is a failure.
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
 * Installs the library by rename. A process that has the old file mapped keeps it; overwriting the file in place would
 * crash that process.
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
// Checked first, so that a missing Rust is reported before npm downloads anything.
if (!findCargo()) fail(RUST_MISSING);
// A distribution's Rust is often too old, and cargo's error about the manifest does not say what to do.
const outdated = outdatedRust();
if (outdated) fail(`holdfast is built from its Rust source, and the Rust that was found is too old: ${outdated}.\n\n${INSTALL_RUST}\nWhere rustup is installed: rustup update`);
if (!process.argv.includes('--build-only')) installDependencies();
placeAddon(buildLibrary());
compileLibrary();
