// What the scripts share. Nothing but Node itself may be imported here: setup runs before any dependency is installed.

import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
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

/**
 * Where cargo is, or undefined. Right after Rust was installed, the shell that runs us may not
 * have its folder in PATH yet, so the place where rustup puts it is tried as well.
 */
export function findCargo() {
  const installed = path.join(
    process.env.CARGO_HOME || path.join(homedir(), '.cargo'),
    'bin',
    process.platform === 'win32' ? 'cargo.exe' : 'cargo',
  );
  const candidates = [process.env.CARGO, 'cargo', existsSync(installed) ? installed : undefined];
  return candidates.find((candidate) => candidate && spawnSync(candidate, ['--version']).status === 0);
}

/** The command-line programs of the development dependencies, started by path: both TypeScripts call theirs `tsc`. */
export const tools = {
  vitest: path.join(projectRoot, 'node_modules/vitest/vitest.mjs'),
  typescript7: path.join(projectRoot, 'node_modules/typescript/bin/tsc'),
  typescript5: path.join(projectRoot, 'node_modules/typescript5/bin/tsc'),
};
