// The scenarios of the fault and kill sweeps: each verb in its forms, with the permitted states of the file system
// before, after and in between.
import { execFileSync } from 'node:child_process';
import { existsSync, lstatSync, readFileSync, readdirSync, symlinkSync } from 'node:fs';
import { constants } from 'node:os';
import { join, relative } from 'node:path';
import { expect } from 'vitest';
import { verbRequest, type PlainError, type Request, type Value, type Verb } from './sys-driver.js';
import { stateScenarios } from './sys-fault-state.js';
import { treeScenarios } from './sys-fault-trees.js';
import { both, modeOf, octal, ownedDir, ownedFile } from './sys-layout.js';

export type How = (typeof both)[number];
/** With an absolute path, or beneath an open root. */
export type Where = 'plain' | 'root';
export interface Ground {
  dir: string;
  how: How;
  where: Where;
}

export interface Scenario {
  title: string;
  hows: readonly How[];
  wheres: readonly Where[];
  layOut: (dir: string) => void;
  request: (ground: Ground) => Request;
  /** `old` or `new`, one for each of several files or directories; otherwise a description */
  state: (dir: string) => string;
  /** checks the facts of a success, whatever failed before */
  isTrue: (dir: string, value: Value, hit?: string) => void;
  /** checks what an error says of the entries that were done before it */
  isTrueError?: (dir: string, error: PlainError) => void;
  /** names that may exist in the directory afterwards, including those below it */
  names: string[];
  /** the file whose name appears on publication; several for several files */
  targets: string[];
  /** the job has threads of its own, whose calls come in any order */
  isParallel?: true;
  /** the directory is read */
  isListed?: true;
  /** a tree is read, or changed: entry by entry */
  isTree?: 'read' | 'changed';
  /** the fault of every case, as a plan for `fault.c`: selects the tested code path */
  always?: string;
  /** calls in place of a missing one: where they are refused, too, the verb is `unsupported-platform` */
  replaced?: RegExp;
  /** calls through Node's own FileHandle, whose errors have no path */
  handled?: RegExp;
  /** the call makes directories */
  makesDirectories?: true;
  /** a repetition after a success is refused */
  isOnce?: true;
  /** lock files may remain */
  hasLock?: true;
  /** a repetition after a success appends again */
  isAppend?: true;
}

const methods: Record<Verb | 'writeAtomicMany', string> = {
  readLocalFileSafely: 'read',
  openLocalFileSafely: 'open',
  writeAtomic: 'writeAtomic',
  writeAtomicMany: 'writeAtomicMany',
  ensureDir: 'ensureDir',
};

/** Returns a request for one verb on one name. */
function on({ dir, how, where }: Ground, verb: Verb, name: string, ...args: unknown[]): Request {
  if (where === 'plain') return verbRequest(how, verb, join(dir, name), ...args);
  const method = how === 'sync' ? `${methods[verb]}Sync` : methods[verb];
  return { onRoot: dir, method, args: [name, ...args], sync: how === 'sync' };
}

export const oldContent = 'old'.repeat(1000);
export const newContent = 'brand new'.repeat(1000);
const oldMode = 0o640;

/** Whether a file is the old or the new one, in content and mode. Reports a narrower mode separately. */
function stateOf(file: string, old: boolean, newMode: number): string {
  if (!existsSync(file)) return old ? 'missing' : 'old';
  const content = readFileSync(file, 'utf8');
  const mode = modeOf(file);
  if (old && content === oldContent) return mode === oldMode ? 'old' : `old content with mode ${octal(mode)}`;
  if (content !== newContent) return `torn: ${content.length} bytes`;
  if ((mode & ~newMode) !== 0) return `new content with mode ${octal(mode)}`;
  return mode === newMode ? 'new' : 'new but narrower';
}

interface Write {
  title: string;
  hows?: readonly How[];
  wheres?: readonly Where[];
  old?: boolean;
  acl?: string;
  name?: string;
  options?: Record<string, unknown>;
  mode?: number;
  data?: unknown;
  isOnce?: true;
  /** further parts of the layout */
  layOut?: (dir: string) => void;
  /** the written file, if it differs from the named one */
  target?: string;
  names?: string[];
}

/**
 * Returns the state of a file that is written in place. It may be neither; then a complete copy of the old content is
 * beside it.
 */
function stateInPlace(dir: string, file: string, mode: number): string {
  const state = stateOf(join(dir, file), true, mode);
  const copy = readdirSync(dir).find((name) => /^\.holdfast-[0-9a-f]{32}\.recovery$/.test(name));
  const isSaved = copy !== undefined && readFileSync(join(dir, copy), 'utf8') === oldContent;
  return state.startsWith('torn') && isSaved ? 'old in a copy' : state;
}

function write({ title, old = false, acl, name = 'file', options = {}, target = name, ...more }: Write): Scenario {
  const newMode = more.mode ?? (old ? oldMode : 0o644);
  return {
    title,
    hows: more.hows ?? both,
    wheres: more.wheres ?? ['plain', 'root'],
    layOut: (dir) => {
      more.layOut?.(dir);
      if (!old) return;
      const file = ownedFile(dir, target, 0, 0, oldMode, oldContent);
      if (acl !== undefined) execFileSync('setfacl', ['--set', acl, file]);
    },
    request: (ground) => on(ground, 'writeAtomic', name, more.data ?? newContent, options),
    state: (dir) => stateOf(join(dir, target), old, newMode),
    isTrue: (dir, value) => {
      const file = join(dir, target);
      const { mode, ino, size } = lstatSync(file);
      expect(value).toMatchObject({ size, mode: mode & 0o7777, ino, created: !old });
      expect(value.preserved === null).toBe(!old);
      if (old && options['mode'] === undefined) expect(value.preserved.mode).toBe((mode & 0o777) === oldMode);
      if (acl === undefined || options['mode'] !== undefined) return;
      const kept = execFileSync('getfacl', ['--omit-header', '--numeric', '--absolute-names', file], { encoding: 'utf8' });
      expect(value.preserved.acl).toBe(kept.includes('user:1001:rw-'));
    },
    names: [target, name, ...(more.names ?? [])],
    targets: [target],
    ...(options['mkdir'] === true ? { makesDirectories: true as const } : {}),
    ...(more.isOnce ? { isOnce: true } : {}),
  };
}

interface Read {
  title: string;
  verb?: Verb;
  hows?: readonly How[];
  size?: number;
  options?: Record<string, unknown>;
}

function read({ title, verb = 'readLocalFileSafely', hows = both, size = 7, options = {} }: Read): Scenario {
  const content = 'c'.repeat(size);
  return {
    title,
    hows,
    wheres: ['plain', 'root'],
    layOut: (dir) => void ownedFile(dir, 'file', 0, 0, 0o644, content),
    request: (ground) => on(ground, verb, 'file', options),
    state: (dir) => (readFileSync(join(dir, 'file'), 'utf8') === content ? 'old' : 'changed'),
    isTrue: (_dir, value) => {
      if (verb === 'readLocalFileSafely') expect(String(value.buffer) === content).toBe(true);
      expect(value.stat.size).toBe(size);
    },
    names: ['file'],
    targets: [],
  };
}

/**
 * Returns the state of a chain of directories, from the outermost on: existing ones must be private, and none above an
 * existing one may be missing.
 */
function stateOfChain(dir: string, names: string[]): string {
  const modes = names.map((name) => (existsSync(join(dir, name)) ? modeOf(join(dir, name)) : undefined));
  const made = modes.filter((mode) => mode !== undefined);
  const wrong = made.find((mode) => mode !== 0o700);
  if (wrong !== undefined) return `a directory of mode ${octal(wrong)}`;
  if (modes.indexOf(undefined) !== -1 && modes.lastIndexOf(undefined) < made.length) return 'a hole';
  if (made.length === names.length) return 'new';
  return made.length === 0 ? 'old' : 'new above and old below';
}

const staleName = `.holdfast-${'0'.repeat(32)}.tmp`;
const entries = ['entry-1', 'sub/entry-2', 'sub/entry-3'];

export const scenarios: Scenario[] = [
  read({ title: 'a read' }),
  read({ title: 'an outbound read', options: { outbound: true } }),
  read({ title: 'a read of 300 KiB', size: 300 * 1024 }),
  read({ title: 'an open', verb: 'openLocalFileSafely', hows: ['async'] }),
  write({ title: 'an overwrite that keeps the mode', old: true }),
  write({ title: 'an overwrite with a mode', old: true, options: { mode: 0o600 }, mode: 0o600 }),
  write({ title: 'an overwrite that keeps an ACL', old: true, acl: 'u::rw-,u:1001:rw-,g::r--,m::r--,o::---' }),
  write({ title: 'an overwrite that is not durable', old: true, options: { durable: false } }),
  write({ title: 'a new file with a mode the umask would cut', options: { mode: 0o666 }, mode: 0o666 }),
  write({ title: 'exclusive creation', options: { overwrite: false }, isOnce: true }),
  write({ title: 'a stream over a file', hows: ['async'], old: true, data: { $pieces: [newContent.slice(0, 5000), newContent.slice(5000)] } }),
  write({ title: 'a new file in new directories', name: 'a/b/file', options: { mkdir: true }, names: ['a', 'a/b'] }),
  write({
    title: 'a write through a link',
    name: 'link',
    target: 'file',
    old: true,
    options: { finalSymlink: 'follow', symlinks: 'follow-parents' },
    wheres: ['plain'],
    layOut: (dir) => symlinkSync('file', join(dir, 'link')),
  }),
  write({
    title: 'a write through a link within the root',
    name: 'link',
    target: 'file',
    old: true,
    options: { finalSymlink: 'follow', symlinks: 'follow-within-root' },
    wheres: ['root'],
    layOut: (dir) => symlinkSync('file', join(dir, 'link')),
  }),
  {
    ...write({ title: 'a file written in place', old: true, options: { fallback: 'in-place' } }),
    // As for a file that is bind-mounted on its own.
    always: `renameat#1-:error=${constants.errno.EBUSY}`,
    state: (dir) => stateInPlace(dir, 'file', oldMode),
  },
  {
    ...write({ title: 'a staged file over another', hows: ['async'], old: true }),
    request: ({ dir, where }) => ({
      stage: where === 'plain' ? join(dir, 'file') : 'file',
      args: where === 'plain' ? [] : [{ root: dir }],
      content: newContent,
    }),
    handled: /^(write|pwrite64|close)$/,
  },
  {
    title: 'cleaning up',
    hows: ['async'],
    wheres: ['plain'],
    layOut: (dir) => {
      ownedFile(dir, 'file', 0, 0, 0o600);
      ownedFile(dir, staleName, 0, 0, 0o600);
    },
    request: ({ dir }) => ({ call: 'cleanStaleTemporaries', args: [dir, { olderThanMs: 0 }] }),
    state: (dir) => (existsSync(join(dir, 'file')) ? (existsSync(join(dir, staleName)) ? 'old' : 'new') : 'too clean'),
    isTrue: (dir, value) => expect(value).toEqual(existsSync(join(dir, staleName)) ? [] : [join(dir, staleName)]),
    names: ['file', staleName],
    targets: [],
    isListed: true,
  },
  {
    title: 'three files at once',
    hows: ['async'],
    wheres: ['plain', 'root'],
    layOut: (dir) => {
      ownedDir(dir, 'sub', 0, 0, 0o700);
      for (const entry of entries) ownedFile(dir, entry, 0, 0, oldMode, oldContent);
    },
    request: ({ dir, where }) => {
      const args = [entries.map((entry) => ({ file: where === 'plain' ? join(dir, entry) : entry, data: newContent }))];
      return where === 'plain' ? { call: 'writeAtomicMany', args } : { onRoot: dir, method: 'writeAtomicMany', args };
    },
    state: (dir) => entries.map((entry) => stateOf(join(dir, entry), true, oldMode)).join(),
    isTrue: () => {},
    names: ['sub', ...entries],
    targets: entries,
    isParallel: true,
  },
  {
    title: 'making two directories',
    hows: both,
    wheres: ['plain', 'root'],
    layOut: () => {},
    request: (ground) => on(ground, 'ensureDir', 'a/b'),
    state: (dir) => stateOfChain(dir, ['a', 'a/b']),
    isTrue: (dir, value) => {
      expect(value).toMatchObject({ hardening: 'created', mode: 0o700, isPrivate: true });
      expect(octal(modeOf(join(dir, 'a/b')))).toBe('0700');
    },
    names: ['a', 'a/b'],
    targets: [],
    makesDirectories: true,
  },
  {
    title: 'tightening a directory',
    hows: both,
    wheres: ['plain', 'root'],
    layOut: (dir) => void ownedDir(dir, 'open', 0, 0, 0o755),
    request: (ground) => on(ground, 'ensureDir', 'open'),
    state: (dir) => ({ '0755': 'old', '0700': 'new' })[octal(modeOf(join(dir, 'open')))] ?? octal(modeOf(join(dir, 'open'))),
    isTrue: (dir, { mode, hardening, isPrivate }) => {
      expect(octal(mode)).toBe(octal(modeOf(join(dir, 'open'))));
      expect(isPrivate).toBe(mode === 0o700);
      expect(hardening).toBe(isPrivate ? 'tightened' : 'tolerated');
    },
    names: ['open'],
    targets: [],
    makesDirectories: true,
  },
  {
    title: 'looking at a private directory',
    hows: both,
    wheres: ['plain', 'root'],
    layOut: (dir) => void ownedDir(dir, 'private', 0, 0, 0o700),
    request: (ground) => on(ground, 'ensureDir', 'private'),
    state: (dir) => (modeOf(join(dir, 'private')) === 0o700 ? 'old' : 'changed'),
    isTrue: (_dir, value) => expect(value).toMatchObject({ mode: 0o700, isPrivate: true, hardening: 'not-needed' }),
    names: ['private'],
    targets: [],
    makesDirectories: true,
  },
  {
    title: 'opening a root',
    hows: both,
    wheres: ['plain'],
    layOut: () => {},
    request: ({ dir, how }) => (how === 'sync' ? { call: 'openRootSync', args: [dir], sync: true } : { call: 'openRoot', args: [dir] }),
    state: () => 'old',
    isTrue: (dir, { path }) => expect(path).toBe(dir),
    names: [],
    targets: [],
  },
  ...treeScenarios,
  ...stateScenarios,
];

const lockName = /(^|\/)\.holdfast-[0-9a-f]{32}\.lock$/;

/** Returns unexpected names below a directory. */
export function straysIn(dir: string, { names, hasLock }: Scenario): string[] {
  const found = readdirSync(dir, { recursive: true, withFileTypes: true }).map((entry) => relative(dir, join(entry.parentPath, entry.name)));
  return found.filter((name) => !names.includes(name) && !(hasLock && lockName.test(name)));
}
