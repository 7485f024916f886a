// Runs `programs/sys-hammer.cjs` or `root-hammer.cjs`, which call a verb, against `programs/exchange.c`, which exchanges names.
import { spawn, type ChildProcess } from 'node:child_process';
import { lstatSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { modeOf } from './sys-layout.js';
import { buildC, stagedPackage } from './sys-scratch.js';

export interface Plan {
  verb: string;
  args?: unknown[];
  /** for `root-hammer.cjs`, which knows the calls by their names: the root, and its defaults */
  root?: string;
  defaults?: object;
  milliseconds: number;
  /** a directory opened before the attack; files that are removed from it after each call */
  hold?: string;
  remove?: string;
  /** restores one name of each kind: a symlink to the target, or the target itself by another name */
  restore?: { names: [string, string]; target: string; how: 'symlink' | 'link'; fresh: string; content: string };
}

export interface Tally {
  calls: number;
  codes: Record<string, number>;
  /** every content that a read has returned, with its count */
  seen: Record<string, number>;
  /** duration of the slowest call in milliseconds, in total and without the wait for a processor */
  slowest: number;
  slowestOwn: number;
  /** number of exchanges during the calls, and duration of the attacker's slowest system call in milliseconds */
  exchanges: number;
  stall: number;
}

export interface Attack {
  names: [string, string];
  /** the attacking user; default: the current one */
  uid?: number;
  /** without openat2 the victim has to walk */
  resolver?: 'openat2' | 'walk';
}

function lines(child: ChildProcess): AsyncIterator<string> {
  return createInterface({ input: child.stdout! })[Symbol.asyncIterator]();
}

async function nextLine(of: AsyncIterator<string>): Promise<string> {
  const { value, done } = await of.next();
  if (done) throw new Error('the program ended before its answer');
  return value;
}

/** Runs the plan under attack. */
export async function underAttack(plan: Plan, { names, uid, resolver = 'openat2' }: Attack): Promise<Tally> {
  const folder = stagedPackage();
  const launcher = resolver === 'walk' ? [buildC('seccomp-deny'), 'openat2=ENOSYS'] : [];
  const line = [...launcher, process.execPath, join(folder, 'programs', plan.root === undefined ? 'sys-hammer.cjs' : 'root-hammer.cjs'), folder, JSON.stringify(plan)];
  const victim = spawn(line[0] as string, line.slice(1), { stdio: ['pipe', 'pipe', 'inherit'] });
  const said = lines(victim);
  await nextLine(said);
  const attacker = spawn(buildC('exchange'), [...(uid === undefined ? [] : ['-u', String(uid)]), ...names], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const counted = lines(attacker);
  try {
    await nextLine(counted);
    victim.stdin.write('go\n');
    const tally = JSON.parse(await nextLine(said)) as Tally;
    attacker.stdin.end();
    const [exchanges, stall] = (await nextLine(counted)).split(' ').map(Number) as [number, number];
    return { ...tally, exchanges, stall: stall / 1000 };
  } finally {
    attacker.stdin.destroy();
    victim.kill();
  }
}

/** Returns names, kinds, modes, inodes and contents beneath a directory, and its own mode, one line each. */
export function picture(dir: string): string[] {
  return readdirSync(dir, { recursive: true, withFileTypes: true })
    .map((entry) => {
      const path = join(entry.parentPath, entry.name);
      const { mode, ino } = lstatSync(path);
      return `${path} ${mode.toString(8)} ${ino} ${entry.isFile() ? readFileSync(path, 'utf8') : ''}`;
    })
    .concat(`. ${modeOf(dir).toString(8)}`)
    .sort();
}
