// Runs one row of the hostile matrix in a mount namespace, and collects the outcome of every cell.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Environment } from './sys-hostile-environments.js';
import { buildC, scratch, stagedPackage } from './sys-scratch.js';

export interface Seen {
  kind: 'file' | 'directory' | 'link';
  mode: number;
  uid: number;
  gid: number;
  acl: string[];
  content?: string;
}

export interface Row {
  before: Record<string, Seen>;
  after: Record<string, Seen>;
  report: Record<string, { value?: any; error?: { name?: string; code?: string; message?: string; isTyped: boolean } }>;
}

/** Set by `npm run test:hostile`. */
const isLong = process.env['HOLDFAST_HOSTILE'] === 'all';

/** The short form runs in memory, where the file system does not matter. */
export function runRow(environment: Environment, cells: Cell[]): Row {
  const dir = scratch();
  const base = join(dir, 'base');
  mkdirSync(base);
  const folder = stagedPackage();
  const program = join(folder, 'programs', 'hostile.cjs');
  const node = process.execPath;
  const script = [
    'set -e',
    ...(isLong || environment.onDisk || environment.before ? [] : ['mount -t tmpfs -o mode=0755 tmpfs "$BASE"']),
    ...(environment.before ?? []),
    // One process for all other actions of root: starts of node would take most of a row's time.
    'mkfifo "$OUT/asked" "$OUT/done"',
    '"$NODE" "$PROGRAM" keep "$BASE" "$OWNER" "$DIRS" < "$OUT/asked" > "$OUT/done" &',
    'exec 8> "$OUT/asked" 9< "$OUT/done"',
    'keeper() { echo "$@" >&8; read -r _ <&9; }',
    'keeper build',
    ...(environment.after ?? []),
    'keeper look "$OUT/before"',
    ...(environment.last ?? []),
    '"$@" > "$OUT/report" 8>&- 9<&-',
    ...(environment.finally ?? []),
    'keeper look "$OUT/after"',
  ].join('\n');
  const call = [...(environment.launcher?.() ?? []), node, program, 'run', folder, base];
  const env = { PATH: `${process.env['PATH']}:/usr/sbin:/sbin`, NODE: node, PROGRAM: program, BASE: base, OWNER: String(environment.uid), DIRS: JSON.stringify(cells.map((cell) => cell.dir)), OUT: dir, IDMAPPED: buildC('idmapped') };
  const done = spawnSync('unshare', ['--mount', '--propagation', 'private', 'sh', '-c', script, 'sh', ...call], { env, encoding: 'utf8', timeout: 120_000 });
  if (done.status !== 0) throw new Error(`${environment.name}: ${done.signal ?? done.status} ${done.stderr}`);
  // Rows are large: removing all of them at the end would exceed the timeout of a hook.
  execFileSync('rm', ['-rf', base]);
  const read = (name: string): any => JSON.parse(readFileSync(join(dir, name), 'utf8'));
  return { before: read('before'), after: read('after'), report: read('report') };
}

/** Returns all cells of a row, from the program that calls them. */
export function allCells(): Cell[] {
  const program = join(stagedPackage(), 'programs', 'hostile-columns.cjs');
  const list = `JSON.stringify(require(${JSON.stringify(program)}).CELLS)`;
  return JSON.parse(execFileSync(process.execPath, ['-p', list], { encoding: 'utf8' }));
}

/** In the short form each environment gets every fifth cell, shifted by one from the previous environment. */
const STEP = 5;

/** Returns the verb of a cell: the first word of its title. */
const verbOf = ({ title }: Cell): string => (/^[\w.]+/.exec(title) as RegExpExecArray)[0];

/**
 * Returns the cells of a row. The short form has every fifth cell, plus one for each verb and each pattern of the
 * environment without a cell so far. The number of the environment decides, so that each run has the same cells.
 */
export function cellsOf({ endings = [], reasons = [] }: Environment, number: number, all: Cell[]): Cell[] {
  if (isLong) return all;
  const chosen = new Set(all.filter((_, index) => (index + number) % STEP === 0));
  const add = (fits: (cell: Cell) => boolean): void => {
    const candidates = all.filter(fits);
    if (candidates.length > 0 && !candidates.some((cell) => chosen.has(cell))) chosen.add(candidates[number % candidates.length] as Cell);
  };
  for (const verb of new Set(all.map(verbOf))) add((cell) => verbOf(cell) === verb);
  for (const [pattern] of [...endings, ...reasons]) add(({ title }) => pattern.test(title));
  return all.filter((cell) => chosen.has(cell));
}

export interface Cell {
  name: string;
  title: string;
  how: 'sync' | 'async';
  dir: string;
  reads?: boolean;
  fails?: string;
  sets?: string[];
  appends?: string;
  makes?: string[];
  removes?: string[];
  moves?: Record<string, string>;
  copies?: Record<string, string>;
  mode?: number;
  exact?: boolean;
  tightens?: string;
  private?: string;
}
