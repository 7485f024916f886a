// Controls `programs/sys-driver.cjs`: a child process that uses holdfast as another user, in another mount namespace,
// or under a tool.
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll } from 'vitest';
import { stagedPackage } from './sys-scratch.js';

export interface PlainError {
  name: string;
  message: string;
  type: string;
  isHoldfastError: boolean;
  code?: string;
  category?: string;
  errno?: number;
  syscall?: string;
  sysCode?: string;
  path?: string;
  dest?: string;
  mode?: number;
  uid?: number;
  euid?: number;
  remedy?: string;
  temporary?: string;
  published?: boolean;
  removed?: number;
  copied?: number;
  torn?: boolean;
  json?: Record<string, unknown>;
  public?: Record<string, unknown>;
  cause?: PlainError;
}

export interface Warning {
  name: string;
  code?: string;
  message: string;
}

/** A value that has crossed a pipe as JSON. */
export type Value = any;
export type Answer = { value: Value; error?: undefined } | { value?: undefined; error: PlainError };
export type RootMethod = 'read' | 'writeAtomic' | 'ensureDir' | 'rename' | 'remove' | 'copy' | 'copyIn' | 'list' | 'stat' | 'lstat' | 'exists' | 'readlink';
export type Verb = 'ensureDir' | 'writeAtomic' | 'readLocalFileSafely' | 'openLocalFileSafely';

export interface Request {
  call?: string;
  fs?: string;
  args?: unknown[];
  sync?: boolean;
  openRoot?: string;
  closeRoot?: string;
  walk?: string;
  onRoot?: string;
  method?: string;
  /** shown in traces; a text is a plan for `fault.c` */
  marked?: boolean | string;
  exec?: string[];
  umask?: number;
  setuid?: number;
  keepStaged?: string;
  stream?: string;
  pieces?: number;
  options?: object;
  env?: Record<string, string | null>;
  poolThread?: true;
  descriptors?: true;
  warnings?: true;
  stage?: string;
  content?: string;
  meanwhile?: string[];
  ending?: 'abort' | 'dispose';
  abortedLate?: { onRoot?: string; method: string; args: unknown[]; options?: object };
  dir?: string;
  abortedCommit?: string;
  abortAgain?: string;
  chdir?: string;
  all?: Request[];
  releasing?: Request;
  held?: string;
}

export interface DriverOptions {
  /** launcher before `node` on the command line, with its arguments */
  launcher?: string[];
  env?: Record<string, string>;
}

/** The launcher for uid and gid 1000 without groups and capabilities, and without a way to regain any. */
export const asUser1000 = [
  'setpriv',
  '--reuid=1000',
  '--regid=1000',
  '--clear-groups',
  '--no-new-privs',
  '--inh-caps=-all',
  '--ambient-caps=-all',
  '--bounding-set=-all',
];

/** The same for any user and group. */
export function asUser(uid: number, gid: number): string[] {
  return asUser1000.map((word) => word.replace('reuid=1000', `reuid=${uid}`).replace('regid=1000', `regid=${gid}`));
}

const running = new Set<Driver>();
afterAll(async () => {
  await Promise.all([...running].map((driver) => driver.end()));
});

export class Driver {
  private readonly answers: ((answer: Answer) => void)[] = [];
  private readonly gone: Promise<void>;
  private errors = '';
  /** exit and error output of the child, once it has ended */
  lastWords: string | undefined;

  private constructor(private readonly child: ChildProcessWithoutNullStreams) {
    createInterface({ input: child.stdout }).on('line', (line) => {
      this.answers.shift()?.(JSON.parse(line, revive) as Answer);
    });
    child.stderr.on('data', (chunk: Buffer) => {
      this.errors += chunk.toString();
    });
    this.gone = new Promise((resolve) => {
      child.on('close', (code, signal) => {
        const message = `the driver ended (${signal ?? code}): ${this.errors}`;
        this.lastWords = message;
        for (const answer of this.answers.splice(0)) {
          answer({ error: { name: 'DriverEnded', message, type: 'DriverEnded', isHoldfastError: false } });
        }
        running.delete(this);
        resolve();
      });
    });
  }

  static async start({ launcher = [], env = {} }: DriverOptions = {}): Promise<Driver> {
    const folder = stagedPackage();
    const line = [...launcher, process.execPath, join(folder, 'programs', 'sys-driver.cjs'), folder];
    const inherited = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(HOLDFAST_|OPENCLAW_|NODE_|VITEST)/.test(name)));
    const child = spawn(line[0] as string, line.slice(1), {
      cwd: '/',
      env: { ...inherited, ...env, PATH: `${process.env['PATH']}:/usr/sbin:/sbin` },
      stdio: 'pipe',
    });
    const driver = new Driver(child);
    running.add(driver);
    const hello = await driver.next();
    if (hello.error) throw new Error(hello.error.message);
    return driver;
  }

  get pid(): number {
    return this.child.pid as number;
  }

  private next(): Promise<Answer> {
    return new Promise((resolve) => this.answers.push(resolve));
  }

  /** Sends a request and returns its result or error. */
  async ask(request: Request): Promise<Answer> {
    if (this.lastWords !== undefined) throw new Error(this.lastWords);
    const answer = this.next();
    // Newer Nodes treat the separators of lines and paragraphs as the end of a line.
    const line = JSON.stringify(request, replaceBytes).replace(/[\u2028\u2029]/g, (end) => `\\u${end.charCodeAt(0).toString(16)}`);
    this.child.stdin.write(`${line}\n`);
    const result = await answer;
    if (result.error?.name === 'DriverEnded') throw new Error(result.error.message);
    return result;
  }

  /** Calls a verb of holdfast: its sync twin, or the one that returns a promise. */
  verb(how: 'sync' | 'async', verb: Verb, ...args: unknown[]): Promise<Answer> {
    return this.ask(verbRequest(how, verb, ...args));
  }

  /** Sends a request that must succeed. */
  async must(request: Request): Promise<Value> {
    const { value, error } = await this.ask(request);
    if (error) throw new Error(`${error.message}, from ${JSON.stringify(request)}`);
    return value;
  }

  /** Pins a directory; `onRoot` then calls a method of the root that was opened by that path. */
  openRoot(dir: string, ...args: unknown[]): Promise<string> {
    return this.must({ openRoot: dir, args }) as Promise<string>;
  }

  onRoot(dir: string, how: 'sync' | 'async', method: RootMethod, ...args: unknown[]): Promise<Answer> {
    return this.ask(rootRequest(dir, how, method, ...args));
  }

  fs(name: string, ...args: unknown[]): Promise<Value> {
    return this.must({ fs: name, args });
  }

  exec(...exec: string[]): Promise<string> {
    return this.must({ exec }) as Promise<string>;
  }

  warnings(): Promise<Warning[]> {
    return this.must({ warnings: true }) as Promise<Warning[]>;
  }

  descriptors(): Promise<number> {
    return this.must({ descriptors: true }) as Promise<number>;
  }

  poolThread(): Promise<number> {
    return this.must({ poolThread: true }) as Promise<number>;
  }

  /** Ends the child and its mount namespace. */
  async end(): Promise<void> {
    this.child.stdin.end();
    const impatience = setTimeout(() => this.child.kill('SIGKILL'), 5000);
    await this.gone;
    clearTimeout(impatience);
  }
}

export function verbRequest(how: 'sync' | 'async', verb: Verb, ...args: unknown[]): Request {
  return how === 'sync' ? { call: `${verb}Sync`, args, sync: true } : { call: verb, args };
}

export function rootRequest(dir: string, how: 'sync' | 'async', method: RootMethod, ...args: unknown[]): Request {
  return how === 'sync' ? { onRoot: dir, method: `${method}Sync`, args, sync: true } : { onRoot: dir, method, args };
}

function revive(_key: string, value: unknown): unknown {
  const bytes = (value as { $bytes?: unknown } | null)?.$bytes;
  return typeof bytes === 'string' ? Buffer.from(bytes, 'base64') : value;
}

/** Buffer.toJSON runs before the replacer gets the value, so the replacer matches its form. */
function replaceBytes(_key: string, value: unknown): unknown {
  const form = value as { type?: unknown; data?: unknown } | null;
  return form?.type === 'Buffer' && Array.isArray(form.data) ? { $bytes: Buffer.from(form.data as number[]).toString('base64') } : value;
}
