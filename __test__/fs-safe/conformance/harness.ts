// Runs one call against the library and against holdfast's adapter, each in a directory of its own. Describes the
// outcome in lines of text, so that two runs are equal exactly if their lines are.
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import type { FsSafe } from '../../../fs-safe.js';
import { build } from '../../helpers/scratch.js';

/** The functions of both sides, with the types of holdfast. */
export type Api = Omit<FsSafe, 'ensureParentDirSync' | 'readFileWithinRoot' | 'writeFileWithinRoot'>;

export interface Difference {
  /** whether holdfast's outcome is better for a caller, or only different */
  verdict: 'better' | 'different';
  because: string;
  /** the lines of one side only */
  theirs: readonly string[];
  ours: readonly string[];
}

export interface Case {
  name: string;
  layout?: readonly string[];
  /** mode of the call's directory, and its owner */
  mode?: number;
  /** the umask; default 0o022 */
  mask?: number;
  owner?: readonly [uid: number, gid: number];
  /** the effective user of the call */
  user?: number;
  call: (api: Api, dir: string) => unknown;
  differs?: Difference;
  /** why holdfast's message differs although class and code are equal */
  says?: string;
}

/** The outcome of a call. */
export interface Observed {
  /** the result or the error, and the contents of the directory afterwards */
  lines: string[];
  /** the message of a refusal, and the text of its cause, which hosts show and match */
  sentence: string | undefined;
}

/** The names of temporary files on both sides. */
const TEMPORARY = /^\.(?:holdfast-|fs-safe-)\S+\.tmp/;

/** Runs one call. Returns its result or error, and the contents of the directory afterwards. */
export async function observe(api: Api, entry: Case): Promise<Observed> {
  const outer = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'hf-conformance-')));
  const dir = path.join(outer, 'dir');
  const home = process.env['HOME'];
  const mask = process.umask(entry.mask ?? 0o022);
  try {
    fs.chmodSync(outer, 0o755);
    fs.mkdirSync(dir);
    build(dir, entry.layout ?? []);
    if (entry.user !== undefined) giveTo(dir, entry.user);
    if (entry.owner !== undefined) fs.chownSync(dir, ...entry.owner);
    fs.chmodSync(dir, entry.mode ?? 0o755);
    process.env['HOME'] = dir;
    const { outcome, sentence } = await as(entry.user, () => settle(entry.call(api, dir)));
    const lines = [outcome, ...tree(dir, '.')].map((line) => line.replaceAll(dir, '$DIR').replace(TEMPORARY, 'TEMPORARY'));
    return { lines, sentence: sentence?.replaceAll(outer, '$OUTER') };
  } finally {
    process.umask(mask);
    process.env['HOME'] = home;
    fs.rmSync(outer, { recursive: true, force: true });
  }
}

/** Sets the effective user of this process and its threads during a call. */
async function as<T>(user: number | undefined, call: () => Promise<T>): Promise<T> {
  if (user === undefined || process.geteuid!() !== 0) return call();
  const groups = process.getgroups!();
  process.setgroups!([]);
  process.setegid!(user);
  process.seteuid!(user);
  try {
    return await call();
  } finally {
    process.seteuid!(0);
    process.setegid!(0);
    process.setgroups!(groups);
  }
}

function giveTo(at: string, user: number): void {
  fs.lchownSync(at, user, user);
  if (fs.lstatSync(at).isDirectory()) for (const name of fs.readdirSync(at)) giveTo(path.join(at, name), user);
}

async function settle(result: unknown): Promise<{ outcome: string; sentence: string | undefined }> {
  try {
    return { outcome: `ok ${JSON.stringify((await result) ?? null, plain)}`, sentence: undefined };
  } catch (error) {
    return { outcome: describe(error), sentence: sentenceOf(error) };
  }
}

/** Causes that hosts match by their first words. */
const MATCHED = /^(?:Path escapes|Path resolves outside|Symlink escapes) root \(/;

function sentenceOf(error: unknown): string | undefined {
  const { name, message, cause } = error as Error;
  if (name !== 'FsSafeError') return undefined;
  const words = cause instanceof Error && MATCHED.test(cause.message) ? ` <- ${cause.message}` : '';
  return message + words;
}

function plain(_key: string, value: unknown): unknown {
  if ((value as { type?: string } | null)?.type === 'Buffer') return Buffer.from((value as { data: number[] }).data).toString('latin1');
  return typeof value === 'bigint' ? 'bigint' : value;
}

/** Returns class and code, which callers check first. */
function describe(error: unknown): string {
  const { name, code, category } = error as { name: string; code?: string; category?: string };
  if (error instanceof TypeError || error instanceof RangeError) return name;
  return [name, code, category].filter(Boolean).join(' ');
}

/** Returns the errno in the chain of causes, which callers walk. */
export function errnoCause(error: unknown): string | undefined {
  for (let at = (error as Error).cause; at instanceof Error; at = at.cause) {
    const { errno, code } = at as NodeJS.ErrnoException;
    if (typeof errno === 'number') return code;
  }
  return undefined;
}

function tree(at: string, name: string): string[] {
  const stat = fs.lstatSync(at);
  const mode = (stat.mode & 0o7777).toString(8).padStart(4, '0');
  if (stat.isSymbolicLink()) return [`${name} => ${fs.readlinkSync(at)}`];
  if (stat.isFile()) return [`${name} ${mode}: ${fs.readFileSync(at, 'latin1')}`];
  if (!stat.isDirectory()) return [`${name} ${mode} special`];
  return [`${name}/ ${mode}`, ...fs.readdirSync(at).sort().flatMap((child) => tree(path.join(at, child), path.posix.join(name, child)))];
}
