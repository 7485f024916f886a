// A driver of which single system calls fail, by `programs/fault.c`.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Driver, type Answer, type Request } from './sys-driver.js';
import { buildC, scratch } from './sys-scratch.js';

/** A call that a request made, and what was done to it. */
export interface Call {
  tid: number;
  name: string;
  /** Where its descriptors lead, its paths, its flags. */
  args: string;
  result: number;
  effect: string;
  /** Which part of the plan that was, from 0. */
  rule: number | undefined;
}

/** What became of a driver that was killed in a call. */
export class Killed extends Error {
  constructor(readonly calls: Call[]) {
    super(`killed in ${calls.at(-1)?.name ?? 'no call'}`);
  }
}

let count = 0;

/**
 * holdfast in a process whose calls are counted within a request, over all of its threads, and of which one or more can be made to fail.
 * The fault is chosen by the name of the call and its number within the request, so that nothing the event loop does is hit.
 */
export class FaultyDriver {
  private constructor(
    readonly driver: Driver,
    private readonly report: string,
  ) {}

  /** `without` are calls that the kernel does not have, as `seccomp-deny.c` takes them; `more` is what starts node then. */
  static async start(without?: string, more: string[] = []): Promise<FaultyDriver> {
    const report = join(scratch(), `report-${count++}`);
    const filter = without === undefined ? [] : [buildC('seccomp-deny'), without];
    const launcher = [buildC('fault'), report, ...filter, ...more];
    return new FaultyDriver(await Driver.start({ launcher, env: { UV_THREADPOOL_SIZE: '1' } }), report);
  }

  /** Sends a request; `plan` says which calls fail, in the words of `fault.c`. */
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

/** A call without what differs from run to run: random names, numbers of descriptors and of cases; which of several alike. */
export function kindOf({ name, args }: Call): string {
  return `${name} ${args
    .replace(/\.holdfast-[0-9a-f]+/g, '.holdfast-*')
    .replace(/\/#\d+ \(deleted\)/g, '/#*')
    .replace(/\/proc\/self\/fd\/\d+/g, '/proc/self/fd/*')
    .replace(/<\/proc\/\d+\/fd> "\d+"/g, '</proc/self/fd> "*"')
    .replace(/<\/proc\/\d+\/fd>/g, '</proc/self/fd>')
    .replace(/\bcase-\d+/g, 'case-*')
    .replace(/\bentry-\d+/g, 'entry-*')}`.trim();
}

/** Each call with its number among those of its name. */
export function numbered<T extends { name: string }>(calls: T[]): (T & { number: number })[] {
  const seen = new Map<string, number>();
  return calls.map((call) => {
    const number = (seen.get(call.name) ?? 0) + 1;
    seen.set(call.name, number);
    return { ...call, number };
  });
}

/** The `syscall` of an error that this call brought about. */
export function nodeName({ name, args }: Call): RegExp {
  if (/^open/.test(name)) return /^open$/;
  // A look at the target's name is part of what node:fs calls open; one at a descriptor is not.
  if (/stat/.test(name) && !/statfs/.test(name)) return name === 'fstat' || args.includes('> "" ') ? /^fstat$/ : /^(l?stat|open)$/;
  return new RegExp(`^${name.replace(/^p(?=(read|write))/, '').replace(/^f?(?=statfs)|^[fl](?=.*xattr)/, '').replace(/(at2?|v2?|64)$/, '')}$`);
}
