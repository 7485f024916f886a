// What the scripts share. Nothing but Node itself may be imported here: setup runs before any dependency is installed.

import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** The top folder of the checkout. */
export const projectRoot = fileURLToPath(new URL('..', import.meta.url));

/** Ends the process with a message meant for a person, without a stack. */
export function fail(message) {
  console.error(message);
  process.exit(1);
}

/**
 * Runs a program in the project's folder, its output shown as it comes.
 * A program that could not be started, or that a signal ended, counts as failed.
 * @returns {number} the exit status
 */
export function run(program, args, options = {}) {
  const result = spawnSync(program, args, { cwd: projectRoot, stdio: 'inherit', ...options });
  if (result.error) console.error(`${program}: ${result.error.message}`);
  return result.status ?? 1;
}

/** The target of the binary that this process loads, as lib/native/platform.js names it. dist/ may not be compiled yet. */
export function hostTarget() {
  const { platform, arch } = process;
  if (platform === 'win32') return `win32-${arch}-msvc`;
  if (platform !== 'linux') return `${platform}-${arch}`;
  // Otherwise Node resolves the names of open connections.
  process.report.excludeNetwork = true;
  return `linux-${arch}-${process.report.getReport().header.glibcVersionRuntime ? 'gnu' : 'musl'}`;
}

/** Runs npm; on Windows it is a command script, which only a shell starts. */
export function runNpm(args, options = {}) {
  return run('npm', args, { shell: process.platform === 'win32', ...options });
}

/**
 * Runs npm and gives back what it printed on standard output.
 * @throws when npm fails; its own words are in the message
 */
export function captureNpm(args, options = {}) {
  const result = spawnSync('npm', args, {
    cwd: projectRoot,
    encoding: 'utf8',
    maxBuffer: 64 << 20,
    shell: process.platform === 'win32',
    ...options,
  });
  if (result.error) throw result.error;
  if (result.status !== 0) throw new Error(`npm ${args.join(' ')} failed:\n${result.stdout}${result.stderr}`);
  return result.stdout;
}

/** The oldest Rust that Cargo.toml accepts: `[1, 88]`. */
function oldestRust() {
  const [, version = '0'] = /^rust-version = "([^"]+)"/m.exec(readFileSync(path.join(projectRoot, 'Cargo.toml'), 'utf8')) ?? [];
  return version.split('.').map(Number);
}

/** The version of the first rustc in that PATH; cargo takes that one, wherever cargo itself lies. */
function rustIn(searched) {
  const { stdout } = spawnSync(process.env.RUSTC || 'rustc', ['--version'], { encoding: 'utf8', env: { ...process.env, PATH: searched } });
  return /^rustc ((\d+)\.(\d+)\S*)/.exec(stdout ?? '')?.slice(1);
}

function isNewEnough([, ...found]) {
  const [major, minor] = oldestRust();
  return Number(found[0]) > major || (Number(found[0]) === major && Number(found[1]) >= minor);
}

function hasNewEnoughRust(searched) {
  const found = rustIn(searched);
  return found !== undefined && isNewEnough(found);
}

/** The version of the Rust that is here, when Cargo.toml asks for a newer one. What says no version may still work. */
export function outdatedRust() {
  const found = rustIn(process.env.PATH);
  return found && !isNewEnough(found) ? found[0] : undefined;
}

/**
 * Where cargo is, or undefined. Right after Rust was installed, the shell that runs us may not have its folder in PATH yet, and
 * npm may have put the folder of Node, with a system's older Rust in it, before it: so the place where rustup puts it is tried
 * as well, and is first in our PATH from then on.
 */
export function findCargo() {
  if (process.env.CARGO && spawnSync(process.env.CARGO, ['--version']).status === 0) return process.env.CARGO;
  const installed = path.join(process.env.CARGO_HOME || path.join(homedir(), '.cargo'), 'bin');
  const preferred = [installed, process.env.PATH].join(path.delimiter);
  const isThere = existsSync(path.join(installed, process.platform === 'win32' ? 'cargo.exe' : 'cargo'));
  if (isThere && !hasNewEnoughRust(process.env.PATH) && hasNewEnoughRust(preferred)) process.env.PATH = preferred;
  return spawnSync('cargo', ['--version']).status === 0 ? 'cargo' : undefined;
}

/** The command-line programs of the development dependencies, started by path: both TypeScripts call theirs `tsc`. */
export const tools = {
  vitest: path.join(projectRoot, 'node_modules/vitest/vitest.mjs'),
  typescript7: path.join(projectRoot, 'node_modules/typescript/bin/tsc'),
  typescript5: path.join(projectRoot, 'node_modules/typescript5/bin/tsc'),
};
