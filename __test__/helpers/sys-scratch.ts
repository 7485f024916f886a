// Scratch directories that every user can reach, a copy of the package that every user can read, and the small C
// programs of the specs, built on demand.
import { execFileSync } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { afterAll } from 'vitest';
import { binaryOfPackage, installBinary } from './package-copy.js';

export const repository = resolve(__dirname, '..', '..');
export const programs = join(repository, '__test__', 'programs');

const made: string[] = [];
let staged: string | undefined;

afterAll(() => {
  for (const dir of made.splice(0)) rmSync(dir, { recursive: true, force: true });
  staged = undefined;
});

function everyoneMayEnter(dir: string): boolean {
  const searchable = (statSync(dir).mode & 0o001) !== 0;
  return searchable && (dir === dirname(dir) || everyoneMayEnter(dirname(dir)));
}

/** Makes a new directory of mode 0755 whose parents every user may search. Removes it when the spec file ends. */
export function scratch(): string {
  const place = [tmpdir(), '/tmp', '/var/tmp'].map((dir) => realpathSync(dir)).find(everyoneMayEnter);
  if (place === undefined) throw new Error('no temporary directory that every user may enter');
  const dir = mkdtempSync(join(place, 'holdfast-sys-'));
  made.push(dir);
  chmodSync(dir, 0o755);
  return dir;
}

/** Makes a directory inside `parent` with exactly this mode, whatever the umask. */
export function makeDir(parent: string, name: string, mode: number): string {
  const dir = join(parent, name);
  mkdirSync(dir);
  chmodSync(dir, mode);
  return dir;
}

/** Returns a folder with a copy of the package and of the child programs that another user may read. */
export function stagedPackage(): string {
  if (staged !== undefined) return staged;
  const folder = join(scratch(), 'holdfast');
  mkdirSync(folder);
  chmodSync(folder, 0o755);
  for (const name of ['index.js', 'index.mjs', 'package.json', 'dist']) {
    cpSync(join(repository, name), join(folder, name), { recursive: true });
  }
  installBinary(folder, readFileSync(process.env['HOLDFAST_NATIVE_PATH'] ?? binaryOfPackage()));
  cpSync(programs, join(folder, 'programs'), { recursive: true });
  execFileSync('chmod', ['-R', 'a+rX', folder]);
  staged = folder;
  return folder;
}

const built = new Map<string, string>();

/** Compiles `programs/<name>.c` into a scratch directory, and returns the path of the program. */
export function buildC(name: string, ...flags: string[]): string {
  const known = built.get(name);
  if (known !== undefined) return known;
  const program = join(scratch(), name);
  execFileSync('gcc', ['-O2', '-Wall', '-Wextra', '-Werror', '-o', program, join(programs, `${name}.c`), ...flags]);
  chmodSync(program, 0o755);
  built.set(name, program);
  return program;
}
