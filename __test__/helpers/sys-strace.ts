// Traces a driver with strace, or has strace make its system calls fail.
import { spawn } from 'node:child_process';
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Answer, Driver, Request } from './sys-driver.js';
import { scratch } from './sys-scratch.js';

export interface SystemCall {
  tid: number;
  name: string;
  /** the arguments as strace prints them, descriptors with their paths */
  args: string;
  result: string;
  text: string;
}

export interface Injection {
  syscall: string;
  /** effect for strace: `error=EIO`, `retval=1`… */
  effect: string;
  /** index of the call by name, counted from 1 after the tracer attached; `'1+'` is every one */
  when: number | string;
}

export interface Watch {
  /** traces only this thread; default: all threads of the driver */
  thread?: number;
  inject?: Injection[];
  /** runs once, while an injected `signal=STOP` stops the driver, which continues afterwards */
  whileStopped?: () => Promise<void>;
  /** runs once, at the entry of the driver's first call of this kind; strace detaches afterwards */
  atEntry?: { of: keyof typeof numbers; act: () => void };
}

/** Names and numbers of system calls by purpose. */
const numbers = {
  fsync: process.arch === 'arm64' ? { fsync: 82 } : { fsync: 74 },
  rename: process.arch === 'arm64' ? { renameat: 38, renameat2: 276 } : { rename: 82, renameat: 264, renameat2: 316 },
} as const;

/** strace 6.1 does not know the newest calls by name. */
const unnamed: Record<string, string> = { syscall_0x1c4: 'fchmodat2', syscall_0x1d0: 'getxattrat' };

let place: string | undefined;
let traces = 0;

/** The driver ended during a trace. Has the reason and the calls so far. */
export class EndedUnderWatch extends Error {
  constructor(
    message: string,
    readonly calls: SystemCall[],
  ) {
    super(message);
  }
}

/** Sends a request to a driver while strace is attached to it. */
export async function watch(driver: Driver, request: Request, how: Watch = {}): Promise<{ answer: Answer; calls: SystemCall[] }> {
  place ??= scratch();
  const file = join(place, `${process.pid}-${traces++}.trace`);
  const whom = how.thread === undefined ? ['-f', '-p', String(driver.pid)] : ['-p', String(how.thread)];
  // Longer than any test: it ends when strace detaches.
  const held = how.atEntry ? [{ syscall: Object.keys(numbers[how.atEntry.of]).join(), effect: 'delay_enter=600000000', when: 1 }] : [];
  const effects = [...(how.inject ?? []), ...held].flatMap(({ syscall, effect, when }) => ['-e', `inject=${syscall}:${effect}:when=${when}`]);
  const tracer = spawn('strace', ['-y', '-s', '256', '-o', file, ...effects, ...whom], { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  const ended = new Promise<void>((resolve) => tracer.on('close', () => resolve()));
  await new Promise<void>((resolve, reject) => {
    tracer.stderr.on('data', (chunk: Buffer) => {
      said += chunk.toString();
      if (said.includes('attached')) resolve();
    });
    void ended.then(() => reject(new Error(`strace did not attach: ${said}${driver.lastWords ?? 'the driver lives'}`)));
  });
  let isAnswered = false;
  const asked = driver
    .ask(request)
    .catch((error: Error) => error)
    .finally(() => (isAnswered = true));
  const isStopped = how.whileStopped !== undefined && (await stopped(file, () => isAnswered));
  try {
    if (isStopped) await how.whileStopped?.();
  } finally {
    if (isStopped) process.kill(driver.pid, 'SIGCONT');
  }
  if (how.atEntry && (await stands(driver.pid, Object.values(numbers[how.atEntry.of]), () => isAnswered))) {
    how.atEntry.act();
    tracer.kill('SIGINT');
  }
  const outcome = await asked;
  tracer.kill('SIGINT');
  await ended;
  if (how.whileStopped && !isStopped) throw new Error(`the request was answered without a stop: ${JSON.stringify(outcome)}`);
  const calls = parse(readFileSync(file, 'utf8'), how.thread ?? driver.pid);
  rmSync(file);
  if (outcome instanceof Error) throw new EndedUnderWatch(`${outcome.message}, after ${calls.at(-1)?.text}`, calls);
  return { answer: outcome, calls };
}

/** Waits until the trace shows that the driver is stopped: no thread of it returns from a system call then. */
async function stopped(file: string, isAnswered: () => boolean): Promise<boolean> {
  const isStopped = (): boolean => readFileSync(file, 'utf8').includes('--- stopped by SIGSTOP ---');
  while (!isStopped() && !isAnswered()) await sleep(2);
  return isStopped();
}

/** Waits until a thread of a process is in one of these calls. A running thread has no number. */
async function stands(pid: number, wanted: number[], isAnswered: () => boolean): Promise<boolean> {
  const isThere = (): boolean =>
    readdirSync(`/proc/${pid}/task`).some((tid) => {
      const number = /^\d+(?= )/.exec(readFileSync(`/proc/${pid}/task/${tid}/syscall`, 'utf8'));
      return number !== null && wanted.includes(Number(number[0]));
    });
  while (!isThere()) {
    if (isAnswered()) throw new Error('the request was answered before it came to the call');
    await sleep(2);
  }
  return true;
}

/** Returns the calls in the order of their starts. Joins a call that strace printed in two halves. */
export function parse(trace: string, only: number): SystemCall[] {
  const calls: SystemCall[] = [];
  const open = new Map<string, { text: string; at: number }>();
  for (const line of trace.split('\n')) {
    const [, prefix = String(only), rest = ''] = /^(?:(\d+)\s+)?(.*)$/.exec(line) ?? [];
    const resumed = /^<\.\.\. \S+ resumed>(.*)$/.exec(rest);
    const begun = open.get(prefix);
    if (rest.endsWith('<unfinished ...>')) {
      open.set(prefix, { text: rest.slice(0, -'<unfinished ...>'.length), at: calls.push(nothing) - 1 });
    } else if (resumed && begun) {
      open.delete(prefix);
      calls[begun.at] = readCall(prefix, begun.text + resumed[1]);
    } else {
      calls.push(readCall(prefix, rest));
    }
  }
  return calls.filter((call) => call.name !== '');
}

const nothing: SystemCall = { tid: 0, name: '', args: '', result: '', text: '' };

function readCall(tid: string, text: string): SystemCall {
  const [, name = '', args = '', result = ''] = /^(\w+)\((.*)\)\s+= (.*)$/.exec(text) ?? [];
  return { tid: Number(tid), name: unnamed[name] ?? name, args, result, text };
}

/**
 * Calls for memory, time, signals, identity and the event loop's own waiting, which do not belong to a file operation.
 */
const machinery =
  /^(mmap|munmap|mprotect|mremap|madvise|brk|futex|membarrier|epoll_\w+|poll|ppoll|rt_sig\w+|restart_syscall|clock_\w+|gettimeofday|nanosleep|sched_\w+|get(e?[ug]id|p?pid|tid|random|rusage|cpu)|prctl|prlimit64|rseq|set_\w+|clone3?|exit)$/;

/** Returns file and descriptor calls of the marked request on all threads, in order. */
export function fileCalls(calls: SystemCall[]): SystemCall[] {
  const begin = calls.findIndex(({ text }) => text.includes('/holdfast-mark/begin'));
  const end = calls.findIndex(({ text }) => text.includes('/holdfast-mark/end'));
  if (begin < 0 || end < 0) throw new Error('the request was not marked, or the trace lost its marks');
  return calls.slice(begin + 1, end).filter(isFileCall);
}

/** glibc counts the processors once, when a process has allocated for about nine threads, within an arbitrary call. */
const countsProcessors = (args: string): boolean => args.includes('/sys/devices/system/cpu/');

/** Whether a call concerns a file. Excludes `machinery`, and the wake-ups of the event loop. */
export function isFileCall({ name, args }: SystemCall): boolean {
  return !machinery.test(name) && !/^\d+<(anon_inode:|pipe:|socket:|UNIX)/.test(args) && !countsProcessors(args);
}

export function names(calls: SystemCall[]): string[] {
  return calls.map(({ name }) => name);
}

/** Whether a call changes permissions, under any name. */
export function isChmod({ name }: SystemCall): boolean {
  return /^f?chmod(at2?)?$/.test(name);
}
