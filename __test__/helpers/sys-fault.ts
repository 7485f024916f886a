// A driver whose single system calls can fail, by `programs/fault.c`.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Driver, type Answer, type Request } from './sys-driver.js';
import { buildC, scratch } from './sys-scratch.js';

/** A call of a request, and its injected fault. */
export interface Call {
  tid: number;
  name: string;
  /** targets of its descriptors, its paths, its flags */
  args: string;
  result: number;
  effect: string;
  /** index of the rule in the plan */
  rule: number | undefined;
}

/** The outcome of a driver that was killed in a call. */
export class Killed extends Error {
  constructor(readonly calls: Call[]) {
    super(`killed in ${calls.at(-1)?.name ?? 'no call'}`);
  }
}

let count = 0;

/**
 * Runs holdfast in a process that counts system calls within a request, over all threads, and can make some of them
 * fail. The name of the call and its number within the request select the fault, so that calls of the event loop are
 * not affected.
 */
export class FaultyDriver {
  private constructor(
    readonly driver: Driver,
    private readonly report: string,
  ) {}

  /** `without` are calls that the kernel lacks, in the syntax of `seccomp-deny.c`; `more` is the launcher of node. */
  static async start(without?: string, more: string[] = []): Promise<FaultyDriver> {
    const report = join(scratch(), `report-${count++}`);
    const filter = without === undefined ? [] : [buildC('seccomp-deny'), without];
    const launcher = [buildC('fault'), report, ...filter, ...more];
    return new FaultyDriver(await Driver.start({ launcher, env: { UV_THREADPOOL_SIZE: '1' } }), report);
  }

  /** Sends a request; `plan` selects the failing calls, in the syntax of `fault.c`. */
  async ask(request: Request, plan?: string): Promise<{ answer: Answer; calls: Call[] }> {
    try {
      const answer = await this.driver.ask({ ...request, marked: plan ?? true });
      return { answer, calls: this.calls() };
    } catch (error) {
      const calls = this.calls();
      if (calls.at(-1)?.effect === 'kill') throw new Killed(calls);
      throw error;
    }
  }

  private calls(): Call[] {
    const lines = readFileSync(this.report, 'utf8').split('\n').filter(Boolean);
    return lines.map((line) => {
      const [tid, name = '', args = '', result, done = ''] = line.split('\t');
      const [effect = '', rule] = done.split(' ');
      return { tid: Number(tid), name, args, result: Number(result), effect, rule: rule === undefined ? undefined : Number(rule) };
    });
  }
}

/**
 * Returns a call without parts that differ between runs: random names, numbers of descriptors and of cases, the index
 * among equal ones.
 */
export function kindOf({ name, args }: Call): string {
  return `${name} ${args
    .replace(/\.holdfast-[0-9a-v]+/g, '.holdfast-*')
    .replace(/\/#\d+ \(deleted\)/g, '/#*')
    .replace(/\/proc\/self\/fd\/\d+/g, '/proc/self/fd/*')
    .replace(/<\/proc\/\d+\/fd> "\d+"/g, '</proc/self/fd> "*"')
    .replace(/<\/proc\/\d+\/fd>/g, '</proc/self/fd>')
    .replace(/\bcase-\d+/g, 'case-*')
    .replace(/\bentry-\d+/g, 'entry-*')}`.trim();
}

/** Returns each call with its number among those of its name. */
export function numbered<T extends { name: string }>(calls: T[]): (T & { number: number })[] {
  const seen = new Map<string, number>();
  return calls.map((call) => {
    const number = (seen.get(call.name) ?? 0) + 1;
    seen.set(call.name, number);
    return { ...call, number };
  });
}

/** Returns a pattern for the `syscall` of this call's error. */
export function nodeName({ name, args }: Call): RegExp {
  if (/^open/.test(name)) return /^open$/;
  // A stat of the target's name is part of what node:fs calls open; one of a descriptor is not.
  if (/stat/.test(name) && !/statfs/.test(name)) return name === 'fstat' || args.includes('> "" ') ? /^fstat$/ : /^(l?stat|open)$/;
  return new RegExp(`^${name.replace(/^p(?=(read|write))/, '').replace(/^f?(?=statfs)|^[fl](?=.*xattr)/, '').replace(/(at2?|v2?|64)$/, '')}$`);
}
