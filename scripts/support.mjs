// Functions that the scripts share. Imports only Node's modules: setup runs before any dependency is installed.

import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** The top folder of the checkout. */
export const projectRoot = fileURLToPath(new URL('..', import.meta.url));

/** Ends the process with a message and without a stack. */
export function fail(message) {
  console.error(message);
  process.exit(1);
}

/**
 * Runs a program in the project's folder and shows its output. A program that does not start, or that a signal ends,
 * counts as failed.
 * @returns {number} the exit status
 */
export function run(program, args, options = {}) {
  const result = spawnSync(program, args, { cwd: projectRoot, stdio: 'inherit', ...options });
  if (result.error) console.error(`${program}: ${result.error.message}`);
  return result.status ?? 1;
}

/** The target of the binary that this process loads, as in lib/native/platform.js. dist/ may not be compiled yet. */
export function hostTarget() {
  const { platform, arch } = process;
  if (platform === 'win32') return `win32-${arch}-msvc`;
  if (platform !== 'linux') return `${platform}-${arch}`;
  // Otherwise Node resolves the names of open connections.
  process.report.excludeNetwork = true;
  return `linux-${arch}-${process.report.getReport().header.glibcVersionRuntime ? 'gnu' : 'musl'}`;
}

/** Runs npm. On Windows npm is a command script, which needs a shell. */
export function runNpm(args, options = {}) {
  return run('npm', args, { shell: process.platform === 'win32', ...options });
}

/**
 * Runs npm and returns its standard output.
 * @throws when npm fails; the message has npm's output
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

/** Returns the oldest Rust that Cargo.toml accepts: `[1, 88]`. */
function oldestRust() {
  const [, version = '0'] = /^rust-version = "([^"]+)"/m.exec(readFileSync(path.join(projectRoot, 'Cargo.toml'), 'utf8')) ?? [];
  return version.split('.').map(Number);
}

/** Returns the version of the first rustc in a PATH. cargo runs that rustc, wherever cargo itself is. */
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

/** Returns the version of the installed Rust if Cargo.toml requires a newer one. An unknown version may still work. */
export function outdatedRust() {
  const found = rustIn(process.env.PATH);
  return found && !isNewEnough(found) ? found[0] : undefined;
}

/**
 * Returns the path of cargo, or undefined. Also tries rustup's folder, and prepends it to PATH: the shell may not have
 * it in PATH right after an installation, and npm may prepend the folder of Node, which can contain an older system
 * Rust.
 */
export function findCargo() {
  if (process.env.CARGO && spawnSync(process.env.CARGO, ['--version']).status === 0) return process.env.CARGO;
  const installed = path.join(process.env.CARGO_HOME || path.join(homedir(), '.cargo'), 'bin');
  const preferred = [installed, process.env.PATH].join(path.delimiter);
  const isThere = existsSync(path.join(installed, process.platform === 'win32' ? 'cargo.exe' : 'cargo'));
  if (isThere && !hasNewEnoughRust(process.env.PATH) && hasNewEnoughRust(preferred)) process.env.PATH = preferred;
  return spawnSync('cargo', ['--version']).status === 0 ? 'cargo' : undefined;
}

/** The programs of the development dependencies, started by path: both TypeScripts call theirs `tsc`. */
export const tools = {
  vitest: path.join(projectRoot, 'node_modules/vitest/vitest.mjs'),
  typescript7: path.join(projectRoot, 'node_modules/typescript/bin/tsc'),
  typescript5: path.join(projectRoot, 'node_modules/typescript5/bin/tsc'),
};
