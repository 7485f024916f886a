// Runs a scenario once for every call and every fault, and checks the outcome.
import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { getSystemErrorName } from 'node:util';
import type { Answer, PlainError } from './sys-driver.js';
import { FaultyDriver, Killed, kindOf, nodeName, numbered, type Call } from './sys-fault.js';
import { straysIn, type Ground, type How, type Scenario, type Where } from './sys-fault-scenarios.js';
import { toleranceOf } from './sys-fault-tolerance.js';

export type Errno = keyof typeof constants.errno;
/** An errno, or a read or write of a single byte. */
export type Fault = Errno | 'short';

/** System calls that the kernel lacks during a sweep, and the resulting code paths. */
export const variants = {
  'openat2 and O_TMPFILE': undefined,
  'the walk': 'openat2=ENOSYS',
  'named temporaries': 'O_TMPFILE=ENOTSUP',
} as const;
export type Variant = keyof typeof variants;

/** The outcomes of one scenario's cases. */
export interface Tally {
  cases: number;
  old: number;
  new: number;
  strays: number;
  /** strays after a fault in their removal */
  unremovable: number;
  thrown: number;
  /** successes in spite of the fault, by reason */
  tolerated: Record<string, number>;
  /** violations, one sentence each */
  problems: string[];
}

export const emptyTally = (): Tally => ({ cases: 0, old: 0, new: 0, strays: 0, unremovable: 0, thrown: 0, tolerated: {}, problems: [] });

/** Number of rigs made so far, for their ids. */
let made = 0;

export class Rig {
  private readonly id = made++;
  private faulty: FaultyDriver | undefined;
  private pid = 0;
  private count = 0;

  constructor(
    private readonly base: string,
    private readonly variant: Variant,
  ) {}

  /** Returns a driver that has run the scenario: no case loads, caches or determines anything for the first time. */
  private async ready(scenario: Scenario, how: How, where: Where): Promise<FaultyDriver> {
    this.faulty ??= await FaultyDriver.start(variants[this.variant]);
    const { driver } = this.faulty;
    this.pid = Number(await driver.fs('readlinkSync', '/proc/self'));
    await driver.must({ umask: 0o022 });
    for (let times = 0; times < 2; times++) await (await this.run(scenario, how, where)).done();
    return this.faulty;
  }

  /** Ends the driver: the next case gets a new one. */
  async renew(): Promise<void> {
    await this.faulty?.driver.end();
    this.faulty = undefined;
  }

  private ground(how: How, where: Where): Ground {
    const dir = join(this.base, `case-${this.id}${String(this.count++).padStart(6, '0')}`);
    mkdirSync(dir, { mode: 0o755 });
    return { dir, how, where };
  }

  private async run(scenario: Scenario, how: How, where: Where, plan?: string): Promise<Run> {
    const ground = this.ground(how, where);
    const faulty = this.faulty as FaultyDriver;
    scenario.layOut(ground.dir);
    if (where === 'root') await faulty.driver.openRoot(ground.dir);
    const before = this.descriptors();
    const { answer, calls } = await faulty.ask(scenario.request(ground), plansOf(scenario, plan));
    const leaked = await this.leakedSince(before);
    const again = async () => (await faulty.ask(scenario.request(ground), scenario.always)).answer.error;
    const done = async (): Promise<void> => {
      if (where === 'root') await faulty.driver.must({ closeRoot: ground.dir });
      // One by one: tens of thousands at the end would exceed the timeout of a hook.
      rmSync(ground.dir, { recursive: true, force: true });
    };
    return { ground, answer, calls, leaked, again, done };
  }

  /**
   * Counts leaked descriptors. The C library may be counting the processors in a thread of V8: a descriptor that is
   * open for that moment is no leak.
   */
  private async leakedSince(before: number): Promise<number> {
    for (let looks = 0; looks < 50 && this.descriptors() !== before; looks++) await sleep(10);
    return this.descriptors() - before;
  }

  private descriptors(): number {
    return readdirSync(`/proc/${this.pid}/fd`).length;
  }

  /** Returns the calls of an undisturbed run. */
  async observe(scenario: Scenario, how: How, where: Where): Promise<(Call & { number: number })[]> {
    await this.ready(scenario, how, where);
    const { answer, calls, ground, done } = await this.run(scenario, how, where);
    if (answer.error) throw new Error(`${scenario.title} fails without any fault: ${answer.error.message}`);
    scenario.isTrue(ground.dir, answer.value);
    await done();
    // Calls that always fail are no targets.
    return numbered(calls).filter(({ effect }) => effect === '');
  }

  /**
   * Runs one case. The plan hits the intended call unless the job's own threads reach it in another order; the check
   * uses the call that was hit. Replaces a driver that has changed since it was observed.
   */
  async hit(scenario: Scenario, how: How, where: Where, wanted: Call, plan: string): Promise<Hit> {
    const seen: string[] = [];
    for (let tries = 0; tries < 4; tries++) {
      if (this.faulty === undefined) await this.ready(scenario, how, where);
      const run = await this.run(scenario, how, where, plan);
      const hit = run.calls.find(({ rule }) => rule === (scenario.always === undefined ? 0 : 1));
      if (hit && (scenario.isParallel || kindOf(hit) === kindOf(wanted))) return { ...run, hit, isOnLoop: hit.tid === this.pid };
      seen.push(hit ? kindOf(hit) : 'nothing');
      await this.renew();
    }
    throw new Error(`${plan} was meant for ${kindOf(wanted)}, and hit ${seen.join('; ')}`);
  }

  /** Kills the process at the entry of a call. Only the files that it left are checked. */
  async kill(scenario: Scenario, how: How, where: Where, plan: string): Promise<{ ground: Ground; hit: Call }> {
    for (let tries = 0; tries < 4; tries++) {
      const faulty = this.faulty ?? (await this.ready(scenario, how, where));
      const ground = this.ground(how, where);
      scenario.layOut(ground.dir);
      if (where === 'root') await faulty.driver.openRoot(ground.dir);
      const outcome = await faulty.ask(scenario.request(ground), plansOf(scenario, plan)).catch((error: unknown) => error);
      if (outcome instanceof Killed) {
        this.faulty = undefined;
        return { ground, hit: outcome.calls.at(-1) as Call };
      }
      if (outcome instanceof Error) throw outcome;
      await this.renew();
      rmSync(ground.dir, { recursive: true, force: true });
    }
    throw new Error(`${plan} killed nothing`);
  }
}

/** Returns the plan of the faults in all cases of a scenario, and in this one. */
function plansOf({ always }: Scenario, plan?: string): string | undefined {
  return always === undefined || plan === undefined ? (always ?? plan) : `${always},${plan}`;
}

interface Run {
  ground: Ground;
  answer: Answer;
  calls: Call[];
  leaked: number;
  again: () => Promise<PlainError | undefined>;
  /** ends the case */
  done: () => Promise<void>;
}

interface Hit extends Run {
  hit: Call;
  isOnLoop: boolean;
}

/** Returns the plan for a fault. On Linux a failed close has closed the descriptor: its error comes after the call. */
function planFor({ name, number }: { name: string; number: number }, fault: Fault): string {
  if (fault === 'short') return `${name}#${number}:short`;
  return `${name}#${number}:${name === 'close' ? 'late' : 'error'}=${constants.errno[fault]}`;
}

export const errnos: Errno[] = ['EIO', 'ENOSPC', 'EDQUOT', 'EINTR', 'EMFILE', 'EACCES', 'EPERM', 'ENOSYS'];

/** Runs every call of a scenario with each fault that `faultsOf` returns for it, by its index among the calls. */
export async function sweep(
  rig: Rig,
  scenario: Scenario,
  how: How,
  where: Where,
  faultsOf: (place: number) => Errno[],
  isRepeated: boolean,
): Promise<Tally> {
  const tally = emptyTally();
  for (const [place, call] of (await rig.observe(scenario, how, where)).entries()) {
    const isData = /^p?(read|write)(v2?|64)?$/.test(call.name);
    for (const fault of [...faultsOf(place), ...(isData ? ['short' as const] : [])]) {
      const hit = await rig.hit(scenario, how, where, call, planFor(call, fault));
      await judge(tally, scenario, hit, fault, isRepeated);
      // The process caches that a call is missing, which must not affect later cases.
      if (/^(ENOSYS|EPERM)$/.test(fault) && /^(open|stat|fstat|newfstat|rename|fchmodat|link|preadv)/.test(call.name) && !hit.answer.error) await rig.renew();
    }
  }
  return tally;
}

/**
 * Adds a case to the tally: checks the file system, the reported outcome, the remaining files, and that the call
 * succeeds without the fault.
 */
export async function judge(tally: Tally, scenario: Scenario, run: Hit, fault: Fault, isRepeated: boolean): Promise<void> {
  const { ground, answer, hit, leaked } = run;
  const where = `${fault} in ${kindOf(hit)}`;
  const problem = (text: string): void => void tally.problems.push(`${where}: ${text}`);
  tally.cases += 1;

  const state = scenario.state(ground.dir);
  addStates(tally, state, problem);
  const strays = straysIn(ground.dir, scenario);
  if (strays.length > 0 && hit.name === 'unlinkat') tally.unremovable += 1;
  else if (strays.length > 0) {
    tally.strays += 1;
    problem(`left ${strays.join()}`);
  }
  if (leaked !== 0) problem(`${leaked} descriptors more than before`);
  if (run.calls.some(({ name, result }) => name === 'close' && result === -constants.errno.EBADF)) problem('closed what was closed before');

  const answers: Answer[] = Array.isArray(answer.value)
    ? answer.value.map(({ value, reason }) => (reason === undefined ? { value } : { error: reason }))
    : [answer];
  const states = state.split(',');
  const failed = answers.filter(({ error }) => error !== undefined);
  for (const [at, { error }] of answers.entries()) {
    if (error === undefined) continue;
    try {
      scenario.isTrueError?.(ground.dir, error);
    } catch (untrue) {
      problem(`the error is untrue: ${(untrue as Error).message}`);
    }
    for (const lie of liesOf(error, fault, hit, scenario, ground.dir, states[at] ?? state)) problem(lie);
  }
  if (failed.length > 0) tally.thrown += 1;
  else {
    const at = run.calls.indexOf(hit);
    const reason = toleranceOf({ hit, errno: fault, value: answer.value, earlier: run.calls.slice(0, at), later: run.calls.slice(at + 1), isOnLoop: ground.how === 'async' && run.isOnLoop, isInPool: ground.how === 'async' && !run.isOnLoop, kind: kindOf(hit) });
    if (reason === undefined) problem('was not told');
    else tally.tolerated[reason] = (tally.tolerated[reason] ?? 0) + 1;
    try {
      scenario.isTrue(ground.dir, answer.value, kindOf(hit));
    } catch (error) {
      problem(`the success is untrue: ${(error as Error).message}`);
    }
    if (scenario.targets.length > 0 && states.some((one) => !one.startsWith('new'))) problem(`success, and the file is ${state}`);
  }

  // An append that is made again appends again.
  const error = isRepeated && !scenario.isAppend ? await run.again() : undefined;
  const isDone = /^new|^both/.test(state) && /^(already-exists|not-found)$/.test(String(error?.code));
  if (error && !(scenario.isOnce && isDone)) problem(`and again without it: ${error.message}`);
  await run.done();
}

function addStates(tally: Tally, state: string, problem: (text: string) => void): void {
  const states = state.split(',');
  // Each of several files is the old or the new one, and so is each part of a chain of directories.
  if (states.some((one) => !/^(old|old in a copy|new|new but narrower|new above and old below|part|both names)$/.test(one))) problem(`the file system shows ${state}`);
  else if (states.some((one) => /old|part|both/.test(one))) tally.old += 1;
  else tally.new += 1;
}

/** Returns the false facts of an error. */
function liesOf(error: PlainError, errno: Fault, hit: Call, scenario: Scenario, dir: string, state: string): string[] {
  if (errno === 'short') return [`a call of one byte is no failure: ${error.message}`];
  const lies: string[] = [];
  const code = error.sysCode ?? error.code;
  // Node has no name for a few errnos, EDQUOT among them, and uses their number.
  const name = getSystemErrorName(-(constants.errno[errno] as number));
  if (code !== name || error.errno !== -(constants.errno[errno] as number)) lies.push(`told as ${code}, ${error.errno}: ${error.message}`);
  if (!toldAs(hit, errno, scenario).test(String(error.syscall))) lies.push(`told as ${error.syscall}: ${error.message}`);
  // Beneath a root the path is one of the names that the caller gave.
  const isTheirs = scenario.handled?.test(hit.name) === true && error.path === undefined;
  if (!isTheirs && !`${error.path}`.startsWith(dir) && !scenario.names.includes(`${error.path}`)) lies.push(`told about ${error.path}`);
  // A tree has no single publication: its error alone knows which one was not durable.
  // Another name was found: `path-mismatch`. Otherwise it is what the system returned.
  const isBoth = state === 'both names' && (error.code === 'path-mismatch' || error.published === true);
  const isPublished = isBoth || (scenario.isTree ? error.code === 'not-durable' && state !== 'old' : state.startsWith('new') && scenario.targets.length > 0);
  if (isPublished !== (error.published === true)) lies.push(`the file is ${state}, and published is ${error.published}`);
  if (error.published === true && error.code !== 'not-durable' && !isBoth) lies.push(`published, and told as ${error.code}`);
  const isUnsupported = isReplaced(scenario, hit, errno);
  if (isUnsupported && error.code !== 'unsupported-platform') lies.push(`told as ${error.code}`);
  // The work has ended, and the lock cannot be looked at.
  const isUnchecked = scenario.hasLock === true && error.code === 'lock-lost' && error.sysCode !== undefined;
  if (error.isHoldfastError && !isBoth && !isUnsupported && !isUnchecked && !(scenario.hasLock && errno === 'ENOSYS' && error.code === 'unsupported-platform') && !['not-durable', 'OUTBOUND_MEDIA_PERMS_TOO_RESTRICTIVE'].includes(String(error.code))) {
    lies.push(`classified as ${error.code}`);
  }
  return lies;
}

/** Returns whether a call was refused that stands for a missing one. */
function isReplaced({ replaced }: Scenario, hit: Call, errno: Fault): boolean {
  return replaced?.test(kindOf(hit)) === true && /^(EPERM|EACCES|ENOSYS)$/.test(errno);
}

/**
 * Returns the expected `syscall`. node:fs reports calls that make, find or tighten a directory as `mkdir` and `chmod`.
 */
function toldAs(hit: Call, errno: Fault, { makesDirectories, targets, isListed, isTree, hasLock, replaced }: Scenario): RegExp {
  // The name of a lock file, or of a log, is looked at without following.
  if (hasLock && hit.name === 'newfstatat' && /flags=0x100\b/.test(hit.args)) return /^(lstat|open)$/;
  // opendir, fdopendir and readdir, which node:fs calls by an older name.
  if (isListed && /^openat .*"\." flags=0x90000\b/.test(`${hit.name} ${hit.args}`)) return /^scandir$/;
  if (isTree && /^open/.test(hit.name)) return isTree === 'read' ? /^scandir$/ : /^open$/;
  if (isTree && /stat/.test(hit.name)) {
    if (/flags=0x1000\b/.test(hit.args)) return /^fstat$/;
    // The statx of the name of a copy is part of its open.
    return hit.name === 'statx' && isTree === 'changed' ? /^open$/ : /^lstat$/;
  }
  // A link in place of a rename, which is taken back where the old name cannot be removed.
  if (hit.name === 'unlinkat' && replaced !== undefined) return /^(rename|unlink)$/;
  if (hit.name === 'linkat' && replaced !== undefined) return errno !== 'short' && /^(EPERM|EACCES|ENOSYS)$/.test(errno) ? /^link$/ : /^rename$/;
  if (/^(getdents64|fcntl|lseek)$/.test(hit.name) || (/^\w*stat/.test(hit.name) && isListed)) return /^(scandir|l?stat|fstat|fcntl)$/;
  if (makesDirectories && /^open|stat/.test(hit.name)) return /^(open|fstat|mkdir)$/;
  // A stat through a descriptor of the name is part of an open in node:fs.
  if (/stat/.test(hit.name) && targets.some((target) => hit.args.includes(`/${target}> "" `) || hit.args.includes('/link> "" '))) return /^(open|fstat)$/;
  if (hit.name === 'unlinkat' && hit.args.includes('flags=0x200')) return /^rmdir$/;
  return /chmod/.test(hit.name) ? /^f?chmod$/ : nodeName(hit);
}
