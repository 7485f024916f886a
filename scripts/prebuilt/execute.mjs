// Starts programs in a runtime: directly, or in its chroot, with an emulator registered for programs of another
// architecture and their children.

import { spawn, spawnSync } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fail } from '../support.mjs';

/**
 * Mounts in a namespace that ends with the program, so that no unmount is needed. The arguments are the root, the
 * working directory, and the command.
 */
const ENTER = `set -e
root=$1; folder=$2; shift 2
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
mount -t sysfs sysfs "$root/sys"
exec chroot "$root" /usr/bin/env -- sh -c 'cd "$0" && exec "$@"' "$folder" "$@"`;

/**
 * @typedef {{ status: number | null, stdout: string, stderr: string, seconds: number }} Ended
 */

/**
 * Runs a command in the runtime and waits for it. Must not block, because the registry serves requests meanwhile.
 * @param {import('./runtimes.mjs').Runtime} runtime
 * @param {string[]} command
 * @param {{ cwd: string, env: Record<string, string>, show?: boolean, timeout?: number }} options cwd as seen from
 *   inside
 * @returns {Promise<Ended>}
 */
export function execute(runtime, command, { cwd, env, show = false, timeout = 3_600_000 }) {
  const line = runtime.root ? ['unshare', '--mount', '--propagation', 'private', 'sh', '-c', ENTER, 'enter', runtime.root, cwd, ...command] : command;
  // The programs that enter a root are this system's; the command itself gets the given PATH.
  const inside = runtime.root ? [...line.slice(0, -command.length), 'env', `PATH=${env.PATH}`, ...command] : line;
  const options = {
    cwd: runtime.root ? '/' : cwd,
    env: runtime.root ? { ...env, PATH: '/usr/sbin:/usr/bin:/sbin:/bin' } : env,
    timeout,
    killSignal: 'SIGKILL',
  };
  return runtime.launcher ? throughFiles(inside, options) : throughPipes(inside, options, show);
}

function throughPipes([program, ...args], options, show) {
  const started = performance.now();
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
    let [stdout, stderr] = ['', ''];
    child.stdout.setEncoding('utf8').on('data', (text) => {
      stdout += text;
      if (show) process.stdout.write(text);
    });
    child.stderr.setEncoding('utf8').on('data', (text) => {
      stderr += text;
      if (show) process.stderr.write(text);
    });
    child.once('error', reject).once('close', (status) => resolve({ status, stdout, stderr, seconds: (performance.now() - started) / 1000 }));
  });
}

/** Node under Wine cannot open a pipe as its output. */
function throughFiles([program, ...args], options) {
  const started = performance.now();
  const folder = mkdtempSync(path.join(tmpdir(), 'holdfast-output-'));
  const files = ['stdout', 'stderr'].map((name) => path.join(folder, name));
  const descriptors = files.map((file) => openSync(file, 'w'));
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { ...options, stdio: ['ignore', ...descriptors] });
    child.once('error', reject).once('close', (status) => {
      const [stdout, stderr] = files.map((file) => readFileSync(file, 'utf8').replaceAll('\r\n', '\n'));
      resolve({ status, stdout, stderr, seconds: (performance.now() - started) / 1000 });
    });
  }).finally(() => {
    for (const descriptor of descriptors) closeSync(descriptor);
    rmSync(folder, { recursive: true, force: true });
  });
}

const BINFMT = '/proc/sys/fs/binfmt_misc';
const NAME = 'holdfast-arm64';
const MAGIC = String.raw`\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00`;
const MASK = String.raw`\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff`;

function unregister() {
  if (existsSync(`${BINFMT}/${NAME}`)) writeFileSync(`${BINFMT}/${NAME}`, '-1');
}

/**
 * Registers an emulator for ARM64 programs with the kernel, until the returned function is called. The flags: open the
 * emulator now, so that it works inside a root, and pass it the name of the program.
 * @param {string | undefined} emulator
 * @returns {() => void}
 */
export function emulate(emulator) {
  if (!emulator) return () => {};
  if (process.getuid?.() !== 0) fail('prebuilt: only root can have programs emulated, or enter a root');
  if (!existsSync(`${BINFMT}/register`)) {
    const { status, stderr } = spawnSync('mount', ['-t', 'binfmt_misc', 'binfmt_misc', BINFMT], { encoding: 'utf8' });
    if (status !== 0) fail(`prebuilt: the kernel takes no emulator (binfmt_misc): ${stderr}`);
  }
  unregister();
  // In one write, as the kernel requires.
  const rule = `:${NAME}:M::${MAGIC}:${MASK}:${emulator}:FP`;
  const register = openSync(`${BINFMT}/register`, 'w');
  try {
    writeFileSync(register, rule);
  } finally {
    closeSync(register);
  }
  process.once('exit', unregister);
  return () => {
    process.removeListener('exit', unregister);
    unregister();
  };
}

/** Returns a path inside the runtime's root as this system sees it. */
export function outside(runtime, inside) {
  return runtime.root ? path.join(runtime.root, inside) : inside;
}

/**
 * Makes a folder that contains only the runtime. It is the whole PATH of an installation, so that no compiler is found.
 */
export function barePath(runtime, folder) {
  mkdirSync(outside(runtime, folder), { recursive: true });
  const program = path.posix.join(folder, runtime.kind);
  if (!existsSync(outside(runtime, program))) {
    // With a link npm would look for its own prefix beside the real program.
    writeFileSync(outside(runtime, program), `#!/bin/sh\nexec ${runtime.program} "$@"\n`, { mode: 0o755 });
  }
  return folder;
}

export const readText = (runtime, inside) => readFileSync(outside(runtime, inside), 'utf8');
