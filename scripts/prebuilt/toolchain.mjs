// The toolchain of the cross builds, cached in .cache/cross: Rust with the standard library of each target, zig (a C
// compiler and linker that has every Linux libc and macOS's system library) from PyPI, and Debian's mingw-w64 for
// Windows. All versions are fixed, so that the same source gives the same binaries.

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';
import { fail, projectRoot, run } from '../support.mjs';

export const RUST = '1.95.0';
/** 11: the oldest macOS on Apple silicon. Node 20 runs on 10.15 and later. */
const MACOSX_DEPLOYMENT_TARGET = '11.0';
const PYTHON_PACKAGES = ['ziglang==0.17.1', 'cargo-zigbuild==0.24.0'];

export const cache = path.join(projectRoot, '.cache/cross');
const zigFolder = path.join(cache, 'zig');
const ownRust = path.join(cache, 'rust');

const works = (program, args, env = process.env) => spawnSync(program, args, { env, stdio: 'ignore' }).status === 0;

function must(program, args, options) {
  if (run(program, args, options) !== 0) fail(`prebuild: ${program} ${args.join(' ')} failed; its message is above.`);
}

/** Installs Debian packages, if this is Debian and the user is root; otherwise fails with their names. */
export function needDebianPackages(...packages) {
  const status = (name) => spawnSync('dpkg-query', ['--show', '--showformat=${db:Status-Status}', name], { encoding: 'utf8' }).stdout;
  const missing = packages.filter((name) => status(name) !== 'installed');
  if (missing.length === 0) return;
  if (process.getuid?.() !== 0 || !works('apt-get', ['--version'])) fail(`prebuild: install ${missing.join(' ')} first (only root on Debian does it by itself).`);
  console.log(`prebuild: installing ${missing.join(' ')}`);
  const options = { env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }, stdio: ['ignore', 'ignore', 'inherit'] };
  // The existing lists may suffice even if the update fails.
  run('apt-get', ['-qq', 'update'], options);
  // Waits for another running apt-get.
  must('apt-get', ['-qq', '-o', 'DPkg::Lock::Timeout=600', 'install', '--yes', '--no-install-recommends', ...missing], options);
}

/** Returns the environment of the installed rustup, or of one in the cache that changes nothing outside of it. */
async function rustEnvironment() {
  const usual = path.join(process.env.CARGO_HOME || path.join(homedir(), '.cargo'), 'bin');
  for (const folder of ['', usual]) {
    const env = { ...process.env, PATH: folder ? `${folder}${path.delimiter}${process.env.PATH}` : process.env.PATH };
    if (works('rustup', ['--version'], env)) return env;
  }
  const env = {
    ...process.env,
    CARGO_HOME: path.join(ownRust, 'cargo'),
    RUSTUP_HOME: path.join(ownRust, 'rustup'),
    PATH: `${path.join(ownRust, 'cargo/bin')}${path.delimiter}${process.env.PATH}`,
  };
  if (works('rustup', ['--version'], env)) return env;
  console.log('prebuild: fetching rustup');
  mkdirSync(ownRust, { recursive: true });
  const machine = { x64: 'x86_64', arm64: 'aarch64' }[process.arch];
  const address = `https://static.rust-lang.org/rustup/dist/${machine}-unknown-linux-gnu/rustup-init`;
  const [program, sum] = await Promise.all([fetchBytes(address), fetchBytes(`${address}.sha256`)]);
  if (createHash('sha256').update(program).digest('hex') !== sum.toString().slice(0, 64)) fail('prebuild: rustup-init is not what its checksum says');
  const file = path.join(ownRust, 'rustup-init');
  writeFileSync(file, program);
  chmodSync(file, 0o755);
  must(file, ['-y', '--quiet', '--no-modify-path', '--profile', 'minimal', '--default-toolchain', RUST], { env });
  return env;
}

async function fetchBytes(address) {
  const response = await fetch(address);
  if (!response.ok) fail(`prebuild: ${address}: ${response.status}`);
  return Buffer.from(await response.arrayBuffer());
}

function addRustTargets(env, triples) {
  const installed = spawnSync('rustup', ['target', 'list', '--toolchain', RUST, '--installed'], { env, encoding: 'utf8' });
  if (installed.status !== 0) must('rustup', ['toolchain', 'install', RUST, '--profile', 'minimal', '--no-self-update'], { env });
  const present = new Set(installed.status === 0 ? installed.stdout.split('\n') : []);
  const missing = triples.filter((triple) => !present.has(triple));
  if (missing.length > 0) must('rustup', ['target', 'add', '--toolchain', RUST, ...missing], { env });
}

function installZig() {
  if (works(path.join(zigFolder, 'bin/cargo-zigbuild'), ['--version'])) return;
  const made = () => works('python3', ['-m', 'venv', zigFolder]);
  if (!made()) {
    needDebianPackages('python3-venv');
    if (!made()) fail('prebuild: python3 -m venv failed');
  }
  must(path.join(zigFolder, 'bin/python'), ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', ...PYTHON_PACKAGES]);
}

/**
 * Makes an empty library of node.exe, which napi-build links with. The addon resolves its symbols in the running
 * process.
 */
function emptyNodeLibrary() {
  const folder = path.join(cache, 'libnode');
  mkdirSync(folder, { recursive: true });
  writeFileSync(path.join(folder, 'libnode.a'), '!<arch>\n');
  writeFileSync(path.join(folder, 'libnode.dll'), '');
  return folder;
}

/** Environment variables that would change the build. */
const FOREIGN = /^(RUSTFLAGS|CARGO_ENCODED_RUSTFLAGS|CARGO_BUILD_\w+|CARGO_TARGET_\w+|CARGO_PROFILE_\w+|RUSTC_WRAPPER|RUSTC|RUSTC_BOOTSTRAP|MACOSX_DEPLOYMENT_TARGET|SDKROOT)$/;

const withoutForeign = (env) => Object.fromEntries(Object.entries(env).filter(([name]) => !FOREIGN.test(name)));

/** Returns the environment of this machine's own tools, with the Rust version of all binaries. */
export function nativeToolchain() {
  addRustTargets(process.env, []);
  return { ...withoutForeign(process.env), RUSTUP_TOOLCHAIN: RUST, MACOSX_DEPLOYMENT_TARGET };
}

/**
 * Prepares everything to build for the given targets.
 * @param {import('./targets.mjs').Target[]} targets
 * @returns {Promise<NodeJS.ProcessEnv>} the environment to run cargo in
 */
export async function prepareToolchain(targets) {
  mkdirSync(cache, { recursive: true });
  const windows = targets.some(({ os }) => os === 'win32');
  // Rust itself needs a linker for build scripts; objdump checks the glibc floor a second time.
  needDebianPackages('gcc', 'libc6-dev', 'binutils', ...(windows ? ['gcc-mingw-w64-x86-64'] : []));
  const env = await rustEnvironment();
  addRustTargets(env, targets.map(({ triple }) => triple));
  if (targets.some(({ os }) => os !== 'win32')) installZig();
  return {
    ...withoutForeign(env),
    RUSTUP_TOOLCHAIN: RUST,
    PATH: `${path.join(zigFolder, 'bin')}${path.delimiter}${env.PATH}`,
    CARGO_ZIGBUILD_CACHE_DIR: path.join(cache, 'zigbuild'),
    ZIG_GLOBAL_CACHE_DIR: path.join(cache, 'zig-cache'),
    MACOSX_DEPLOYMENT_TARGET,
    CARGO_TARGET_X86_64_PC_WINDOWS_GNU_LINKER: 'x86_64-w64-mingw32-gcc',
    ...(windows && { LIBNODE_PATH: emptyNodeLibrary() }),
  };
}

/**
 * Returns compiler flags that replace this machine's folders in the texts of panics by fixed names. The sources of the
 * dependencies must be present.
 */
export function remappedPaths(env) {
  const sources = path.join(env.CARGO_HOME || path.join(homedir(), '.cargo'), 'registry/src');
  const registries = existsSync(sources) ? readdirSync(sources).map((name) => path.join(sources, name)) : [];
  return [...registries.map((folder) => `--remap-path-prefix=${folder}=/crates`), `--remap-path-prefix=${projectRoot.replace(/[/\\]$/, '')}=/holdfast`];
}
