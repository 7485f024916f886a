import { isUtf8 } from 'node:buffer';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { spawnSync } from 'node:child_process';
import { onTestFinished } from 'vitest';

let base = fs.realpathSync.native(os.tmpdir());

/**
 * Makes the scratch directories of this spec file in memory, if there is room. For tables of paths, which behave alike
 * on every file system: a disk's journal would take most of their time.
 */
export function scratchInMemory(): void {
  base = placeInMemory() ?? base;
}

/** Makes a new directory, and removes it when the running test ends. Returns its real path. */
export function scratch(): string {
  const dir = fs.mkdtempSync(path.join(base, 'hf-spec-'));
  onTestFinished(() => removeTree(dir));
  return dir;
}

/** Bytes that a test may need in memory. A container's /dev/shm has 64 MiB by default. */
const ROOM = 256 * 2 ** 20;

/** Returns a directory in memory that has enough room, or undefined. */
export function placeInMemory(): string | undefined {
  try {
    fs.accessSync('/dev/shm', fs.constants.W_OK);
    const { bavail, bsize } = fs.statfsSync('/dev/shm');
    return bavail * bsize >= ROOM ? '/dev/shm' : undefined;
  } catch {
    return undefined;
  }
}

function removeTree(dir: string): void {
  try {
    fs.rmSync(dir, { recursive: true, force: true });
  } catch {
    // A directory without write permission for its owner: only an unprivileged run gets here.
    spawnSync('chmod', ['-R', 'u+rwX', dir]);
    fs.rmSync(dir, { recursive: true, force: true });
  }
}

/**
 * Makes a small tree from one line per object, so that a table of cases shows its set-up at a glance:
 *
 *     "dir/"            a directory           "dir/ 2775"        … with exactly this mode
 *     "file: content"   a regular file        "file 0640: text"  … with exactly this mode
 *     "link => target"  a symbolic link       "name == file"     another name of a file (hard link)
 *     "pipe |"          a FIFO                "sock @"           a bound unix socket
 *
 * `$DIR` in a link's target is replaced by `dir`. Missing parents are made with mode 0755.
 */
export function build(dir: string, layout: readonly string[]): void {
  // Modes of directories come last, innermost first: some permit no access.
  const modes = layout.flatMap((line) => make(dir, line) ?? []);
  for (const { at, mode } of modes.reverse()) fs.chmodSync(at, mode);
}

interface LaterMode {
  at: string;
  mode: number;
}

const SHAPES: readonly [RegExp, (at: string, match: RegExpExecArray, dir: string) => LaterMode | void][] = [
  [/^(\S+) => (.*)$/s, (at, match, dir) => fs.symlinkSync(match[2]!.replace('$DIR', dir), at)],
  [/^(\S+) == (\S+)$/, (at, match, dir) => fs.linkSync(path.join(dir, match[2]!), at)],
  [/^(\S+) \|$/, (at) => run('mkfifo', ['-m', '0666', at])],
  [/^(\S+) @$/, (at) => bindSocket(at)],
  [/^(\S+)\/(?: ([0-7]+))?$/, (at, match) => makeDirectory(at, match[2])],
  [/^(\S+?)(?: ([0-7]+))?: ?(.*)$/s, (at, match) => makeFile(at, match[3]!, match[2])],
];

function make(dir: string, line: string): LaterMode | void {
  for (const [shape, act] of SHAPES) {
    const match = shape.exec(line);
    if (match) {
      const at = path.join(dir, match[1]!);
      fs.mkdirSync(path.dirname(at), { recursive: true, mode: 0o755 });
      return act(at, match, dir);
    }
  }
  throw new Error(`no such shape in the layout language: ${line}`);
}

function makeDirectory(at: string, mode = '0755'): LaterMode {
  fs.mkdirSync(at, { recursive: true });
  return { at, mode: Number.parseInt(mode, 8) };
}

function makeFile(at: string, content: string, mode = '0644'): void {
  fs.writeFileSync(at, content);
  fs.chmodSync(at, Number.parseInt(mode, 8));
}

function bindSocket(at: string): void {
  // A name in a socket address has at most 107 bytes, so binds it from its own directory; the socket file outlives its
  // process.
  run(process.execPath, ['-e', `require('net').createServer().listen(process.argv[1], () => process.kill(process.pid, 'SIGKILL'))`, path.basename(at)], path.dirname(at), 'SIGKILL');
}

function run(command: string, args: string[], cwd?: string, signal: NodeJS.Signals | null = null): void {
  const done = spawnSync(command, args, { cwd, encoding: 'utf8' });
  if (done.error || done.signal !== signal || (signal === null && done.status !== 0)) {
    throw new Error(`${command} ${args.join(' ')}: ${done.error ?? done.stderr}`);
  }
}

/** Every object beneath `dir`, by its path, with `dir` itself as ".". For checks that a call changed nothing. */
export type Tree = Record<string, string>;

/**
 * Returns kind, permission bits, inode, number of names, and content (or link target) of every object beneath `dir`.
 */
export function tree(dir: string): Tree {
  const found: Tree = {};
  walk(Buffer.from(dir), '.', found);
  return found;
}

function walk(at: Buffer, name: string, found: Tree): void {
  const stat = orUnreadable(() => fs.lstatSync(at));
  if (stat === undefined) {
    found[name] = 'out of reach';
    return;
  }
  const mode = (stat.mode & 0o7777).toString(8).padStart(4, '0');
  const identity = `${mode} ino=${stat.ino} owner=${stat.uid}:${stat.gid}`;
  if (stat.isDirectory()) {
    found[name] = `dir ${identity}`;
    for (const entry of orUnreadable(() => fs.readdirSync(at, { encoding: 'buffer' })) ?? []) {
      walk(Buffer.concat([at, Buffer.from('/'), entry]), `${name}/${entry.toString(isUtf8(entry) ? 'utf8' : 'latin1')}`, found);
    }
  } else if (stat.isFile()) {
    const shown = stat.size > 65536 ? `${stat.size} bytes` : JSON.stringify(orUnreadable(() => fs.readFileSync(at, 'latin1')));
    found[name] = `file ${identity} names=${stat.nlink} mtime=${stat.mtimeMs} ${shown}`;
  } else if (stat.isSymbolicLink()) {
    found[name] = `link ${identity} => ${fs.readlinkSync(at)}`;
  } else {
    found[name] = `${kindOf(stat)} ${identity}`;
  }
}

/** Ignores the error of an object that this user cannot read; its mode still shows. */
function orUnreadable<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EACCES') return undefined;
    throw error;
  }
}

function kindOf(stat: fs.Stats): string {
  if (stat.isFIFO()) return 'fifo';
  if (stat.isSocket()) return 'socket';
  return stat.isBlockDevice() ? 'block' : 'char';
}

/** Returns the permission bits of `file` with setuid, setgid and sticky. Does not follow a final symlink. */
export function modeOf(file: string): number {
  return fs.lstatSync(file).mode & 0o7777;
}

/** Returns names in `dir` that look like leftovers of an interrupted write. */
export function strays(dir: string): string[] {
  return fs.readdirSync(dir, { recursive: true, encoding: 'utf8' }).filter((name) => /\.tmp$|holdfast/.test(path.basename(name)));
}
