// Installs the packed packages from the registry into an empty folder, as a user does, and returns the outcome.

import { chmodSync, copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { projectRoot } from '../support.mjs';
import { barePath, execute, outside, readText } from './execute.mjs';

/** Commands with which a package manager or an install script would compile. */
const COMPILERS = ['cargo', 'rustc', 'cc', 'gcc', 'c++', 'g++', 'clang', 'make', 'cmake', 'python', 'python3', 'node-gyp'];

/** Makes a new folder in the runtime's root. @returns {string} as seen from inside */
export function freshFolder(runtime) {
  const parent = runtime.root ? path.join(runtime.root, 'row') : tmpdir();
  mkdirSync(parent, { recursive: true });
  const folder = mkdtempSync(path.join(parent, 'holdfast-row-'));
  // Specs start programs as other users.
  chmodSync(folder, 0o755);
  return runtime.root ? `/row/${path.basename(folder)}` : folder;
}

export const removeFolder = (runtime, folder) => rmSync(outside(runtime, folder), { recursive: true, force: true });

/** Returns the whole environment of an installation: no variable of this process, and a PATH without compilers. */
export function bareEnvironment(runtime, folder, registry) {
  const bin = barePath(runtime, path.posix.join(folder, 'bin'));
  const names = readdirSync(outside(runtime, bin));
  const found = names.filter((name) => COMPILERS.includes(name));
  if (found.length > 0) throw new Error(`the bare PATH has ${found.join(', ')}`);
  mkdirSync(outside(runtime, path.posix.join(folder, 'home')), { recursive: true });
  const home = path.posix.join(folder, 'home');
  // Windows needs these variables to find its own files.
  const system = Object.fromEntries(['SystemRoot', 'TEMP', 'TMP', 'APPDATA', 'LOCALAPPDATA'].filter((name) => process.env[name]).map((name) => [name, process.env[name]]));
  return {
    ...(process.platform === 'win32' && system),
    PATH: bin,
    HOME: home,
    TMPDIR: runtime.root ? '/tmp' : tmpdir(),
    npm_config_registry: registry.url,
    npm_config_fetch_retries: '0',
    npm_config_cache: path.posix.join(home, 'npm-cache'),
    npm_config_userconfig: path.posix.join(home, 'npmrc'),
    npm_config_globalconfig: path.posix.join(home, 'global-npmrc'),
    npm_config_update_notifier: 'false',
    NPM_CONFIG_REGISTRY: registry.url,
    BUN_CONFIG_REGISTRY: registry.url,
    BUN_INSTALL_CACHE_DIR: path.posix.join(home, 'bun-cache'),
    DENO_DIR: path.posix.join(home, 'deno'),
    DENO_NO_UPDATE_CHECK: '1',
    NO_COLOR: '1',
    ...runtime.env,
  };
}

/** Returns the command to install holdfast, for each package manager. */
function installCommand({ kind, program, npm, system }, options) {
  if (system) return [process.execPath, npm, 'install', 'holdfast', '--no-audit', '--no-fund', ...system, ...options];
  if (kind === 'bun') return [program, 'add', 'holdfast', ...options];
  if (kind === 'deno') return [program, 'add', '--node-modules-dir=manual', 'npm:holdfast'];
  return [program, npm, 'install', 'holdfast', '--no-audit', '--no-fund', ...options];
}

/**
 * Installs holdfast.
 *
 * @param {import('./runtimes.mjs').Runtime} runtime
 * @param {string} folder with bin, home and the consumer
 * @param {string} name of the consumer's folder, which is empty
 * @param {string[]} [options]
 * @returns {Promise<{ consumer: string, seconds: number, chosen: string[], fetched: string[] }>}
 */
export async function installInto(runtime, folder, name, registry, env, options = []) {
  const consumer = path.posix.join(folder, name);
  mkdirSync(outside(runtime, consumer));
  // Without it deno keeps packages in its own cache only.
  if (runtime.kind === 'deno') writeFileSync(outside(runtime, `${consumer}/deno.json`), '{ "nodeModulesDir": "auto" }\n');
  const before = registry.fetched.length;
  const ended = await execute(runtime, installCommand(runtime, options), { cwd: consumer, env });
  if (ended.status !== 0) throw new Error(`the installation failed (${ended.status}):\n${ended.stdout}${ended.stderr}`);
  return { consumer, seconds: ended.seconds, chosen: platformPackages(runtime, consumer), fetched: registry.fetched.slice(before).sort() };
}

/** Returns the platform packages in node_modules. */
function platformPackages(runtime, consumer) {
  const folders = [path.posix.join(consumer, 'node_modules/@holdfast')];
  // Deno installs into this folder and links to it.
  const store = path.posix.join(consumer, 'node_modules/.deno');
  if (existsSync(outside(runtime, store))) {
    for (const name of readdirSync(outside(runtime, store))) folders.push(path.posix.join(store, name, 'node_modules/@holdfast'));
  }
  return [...new Set(folders.filter((folder) => existsSync(outside(runtime, folder))).flatMap((folder) => readdirSync(outside(runtime, folder))))].sort();
}

/** Returns the command that starts a program file under the runtime. */
export function programCommand({ kind, program, launcher = [] }, file, ...args) {
  return kind === 'deno' ? [program, 'run', '--allow-all', '--quiet', file, ...args] : [...launcher, program, file, ...args];
}

/** Copies a program beside an installation, so that it resolves the installed package. */
export function placeProgram(runtime, consumer, name) {
  copyFileSync(path.join(projectRoot, 'scripts/prebuilt', name), path.join(outside(runtime, consumer), name));
  return path.posix.join(consumer, name);
}

/**
 * Imports the installed package in a new process and reads a file with it.
 * @returns {Promise<{ seconds: number, told: any }>} duration of the whole process, and its output
 */
export async function firstRead(runtime, consumer, env) {
  const program = placeProgram(runtime, consumer, 'first-read.mjs');
  const text = readText(runtime, program);
  const ended = await execute(runtime, programCommand(runtime, program, program), { cwd: consumer, env });
  if (ended.status !== 0) throw new Error(`the first read failed (${ended.status}):\n${ended.stdout}${ended.stderr}`);
  const told = JSON.parse(ended.stdout);
  if (told.text !== undefined && told.text !== text) throw new Error('the first read gave another text');
  return { seconds: ended.seconds, told };
}
