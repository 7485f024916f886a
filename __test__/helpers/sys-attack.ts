// Runs `programs/sys-hammer.cjs` against `programs/exchange.c`: a victim that calls, an attacker that exchanges names.
import { spawn, type ChildProcess } from 'node:child_process';
import { lstatSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { modeOf } from './sys-layout.js';
import { buildC, stagedPackage } from './sys-scratch.js';

export interface Plan {
  verb: string;
  args: unknown[];
  milliseconds: number;
  /** A directory held from before the attack, and what is removed from it after each call. */
  hold?: string;
  remove?: string;
  /** How to have one name of each kind again: a symlink to the target, or the target itself by another name. */
  restore?: { names: [string, string]; target: string; how: 'symlink' | 'link'; fresh: string; content: string };
}

export interface Tally {
  calls: number;
  codes: Record<string, number>;
  /** Every content that a read has returned, and how often. */
  seen: Record<string, number>;
  /** How many milliseconds the slowest call took, and how many without those spent waiting for a processor. */
  slowest: number;
  slowestOwn: number;
  /** How often the attacker exchanged the names meanwhile, and how many milliseconds its slowest system call took. */
  exchanges: number;
  stall: number;
}

export interface Attack {
  names: [string, string];
  /** The user that attacks; default: the one that runs this. */
  uid?: number;
  /** Without openat2 the victim has to walk. */
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

/** The plan carried out under attack. */
export async function underAttack(plan: Plan, { names, uid, resolver = 'openat2' }: Attack): Promise<Tally> {
  const folder = stagedPackage();
  const launcher = resolver === 'walk' ? [buildC('seccomp-deny'), 'openat2=ENOSYS'] : [];
  const line = [...launcher, process.execPath, join(folder, 'programs', 'sys-hammer.cjs'), folder, JSON.stringify(plan)];
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

/** Names, kinds, modes, inodes and contents beneath a directory, and its own mode, one line each. */
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
