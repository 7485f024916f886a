// Runs one row of the hostile matrix in a mount namespace of its own, and collects what came of every cell.
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

export function runRow(environment: Environment): Row {
  const dir = scratch();
  const base = join(dir, 'base');
  mkdirSync(base);
  const folder = stagedPackage();
  const program = join(folder, 'programs', 'hostile.cjs');
  const node = process.execPath;
  const script = [
    'set -e',
    ...(environment.before ?? []),
    '"$NODE" "$PROGRAM" build "$BASE" "$OWNER"',
    ...(environment.after ?? []),
    '"$NODE" "$PROGRAM" look "$BASE" > "$OUT/before"',
    ...(environment.last ?? []),
    '"$@" > "$OUT/report"',
    ...(environment.finally ?? []),
    '"$NODE" "$PROGRAM" look "$BASE" > "$OUT/after"',
  ].join('\n');
  const call = [...(environment.launcher?.() ?? []), node, program, 'run', folder, base];
  const env = { PATH: `${process.env['PATH']}:/usr/sbin:/sbin`, NODE: node, PROGRAM: program, BASE: base, OWNER: String(environment.uid), OUT: dir, IDMAPPED: buildC('idmapped') };
  const done = spawnSync('unshare', ['--mount', '--propagation', 'private', 'sh', '-c', script, 'sh', ...call], { env, encoding: 'utf8', timeout: 120_000 });
  if (done.status !== 0) throw new Error(`${environment.name}: ${done.signal ?? done.status} ${done.stderr}`);
  // Rows are large: all of them at the end would be too many for one hook.
  execFileSync('rm', ['-rf', base]);
  const read = (name: string): any => JSON.parse(readFileSync(join(dir, name), 'utf8'));
  return { before: read('before'), after: read('after'), report: read('report') };
}

/** The cells, by the program that calls them. */
export function cells(): Cell[] {
  const program = join(stagedPackage(), 'programs', 'hostile-columns.cjs');
  const list = `JSON.stringify(require(${JSON.stringify(program)}).CELLS)`;
  return JSON.parse(execFileSync(process.execPath, ['-p', list], { encoding: 'utf8' }));
}

export interface Cell {
  name: string;
  title: string;
  how: 'sync' | 'async';
  dir: string;
  reads?: boolean;
  fails?: string;
  sets?: string[];
  makes?: string[];
  removes?: string[];
  mode?: number;
  exact?: boolean;
  tightens?: string;
  private?: string;
}
