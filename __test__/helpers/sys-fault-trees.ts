// The scenarios of the fault and kill sweeps for the methods of a root that read, rename, remove and copy names.
import { existsSync, lstatSync, readFileSync, readlinkSync, symlinkSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { rootRequest, type Request, type RootMethod, type Value } from './sys-driver.js';
import type { Ground, Scenario } from './sys-fault-scenarios.js';
import { both, modeOf, ownedDir, ownedFile } from './sys-layout.js';

const oldContent = 'old'.repeat(1000);
const newContent = 'brand new'.repeat(1000);

/** The entries of a tree, each directory before its entries. */
const tree = ['', '/file', '/link', '/sub', '/sub/file', '/sub/inner'];

function layOutTree(dir: string): void {
  ownedDir(dir, 'tree', 0, 0, 0o755);
  ownedFile(dir, 'tree/file', 0, 0, 0o640, oldContent);
  symlinkSync('nowhere', join(dir, 'tree/link'));
  ownedDir(dir, 'tree/sub', 0, 0, 0o755);
  ownedFile(dir, 'tree/sub/file', 0, 0, 0o640, newContent);
  ownedDir(dir, 'tree/sub/inner', 0, 0, 0o700);
}

const exists = (file: string): boolean => lstatSync(file, { throwIfNoEntry: false }) !== undefined;
const present = (dir: string, top: string): number => tree.filter((name) => exists(join(dir, `${top}${name}`))).length;
const treeNames = (top: string): string[] => tree.map((name) => `${top}${name}`);

/** Whether an entry of a copied tree equals that of the source, with its mode if it is complete. */
function isEqual(dir: string, name: string): boolean {
  const [one, other] = [join(dir, `tree${name}`), join(dir, `copy${name}`)];
  const kind = lstatSync(one);
  if (kind.isSymbolicLink()) return readlinkSync(one) === readlinkSync(other);
  if (kind.isDirectory()) return [0o700, kind.mode & 0o777].includes(modeOf(other));
  return readFileSync(one, 'utf8') === readFileSync(other, 'utf8') && (modeOf(other) & ~modeOf(one)) === 0;
}

const request = (method: RootMethod, ...args: unknown[]) => {
  return ({ dir, how }: Ground): Request => rootRequest(dir, how, method, ...args);
};

/** Beneath an open root alone. */
function rooted(scenario: Omit<Scenario, 'hows' | 'wheres' | 'targets'> & Partial<Pick<Scenario, 'hows' | 'targets'>>): Scenario {
  return { hows: both, wheres: ['root'], targets: [], ...scenario };
}

/** A state of names alone: the old one, the new one, or both. */
function stateOfNames(dir: string, from: string, to: string): string {
  const [old, fresh] = [exists(join(dir, from)), exists(join(dir, to))];
  if (old && fresh) return 'both names';
  return old ? 'old' : fresh ? 'new' : 'neither name';
}

function rename(title: string, options: object, always?: string): Scenario {
  const replaced = 'overwrite' in options;
  return rooted({
    title,
    layOut: (dir) => {
      for (const name of ['a', 'b']) ownedDir(dir, name, 0, 0, 0o755);
      ownedFile(dir, 'a/file', 0, 0, 0o640, newContent);
      if (replaced) ownedFile(dir, 'b/new', 0, 0, 0o600, oldContent);
    },
    request: request('rename', 'a/file', 'b/new', options),
    state: (dir) => {
      if (!replaced) return stateOfNames(dir, 'a/file', 'b/new');
      const isNew = readFileSync(join(dir, 'b/new'), 'utf8') === newContent;
      return isNew === exists(join(dir, 'a/file')) ? 'neither or both' : isNew ? 'new' : 'old';
    },
    isTrue: (dir, value, hit = '') => {
      // A directory that may not be read is opened again without the sync.
      const isReopened = !value.durable && /^openat2? .*"[ab]" flags=0x(9|b)0000\b/.test(hit);
      expect(value).toMatchObject({ path: join(dir, 'b/new'), same: false, durable: !isReopened });
    },
    names: ['a', 'b', 'a/file', 'b/new'],
    targets: ['b/new'],
    isOnce: true,
    ...(always === undefined ? {} : { replaced: /^linkat / }),
    ...(always === undefined ? {} : { always }),
  });
}

const removal = (title: string, options: object): Scenario =>
  rooted({
    title,
    layOut: layOutTree,
    request: request('remove', 'tree', { recursive: true, missing: 'ignore', ...options }),
    state: (dir) => ['new', 'part', 'part', 'part', 'part', 'part', 'old'][present(dir, 'tree')] as string,
    isTrue: (dir, { removed }) => expect([removed, present(dir, 'tree')]).toEqual([tree.length, 0]),
    isTrueError: (dir, error) => expect(error.removed).toBe(tree.length - present(dir, 'tree')),
    names: treeNames('tree'),
    isListed: true,
    isTree: 'changed',
  });

const listing = (title: string, hows: Scenario['hows'], asked: Scenario['request'], names: string[]): Scenario =>
  rooted({
    title,
    hows,
    layOut: layOutTree,
    request: asked,
    state: (dir) => (present(dir, 'tree') === tree.length ? 'old' : 'changed'),
    isTrue: (_dir, value) => expect(value.map(({ path, name }: Value) => path ?? name).sort()).toEqual(names),
    names: treeNames('tree'),
    isListed: true,
    isTree: 'read',
  });

export const treeScenarios: Scenario[] = [
  rename('a rename', {}),
  rename('a rename over a file', { overwrite: true }),
  rename('a rename by link and unlink', {}, `renameat2#1-:error=${constants.errno.ENOSYS}`),
  removal('a removed tree', {}),
  removal('a removed tree that is counted first', { maxEntries: 10, durable: true }),
  rooted({
    title: 'a removed file',
    layOut: (dir) => {
      ownedDir(dir, 'sub', 0, 0, 0o755);
      ownedFile(dir, 'sub/file', 0, 0, 0o640, oldContent);
    },
    request: request('remove', 'sub/file', { missing: 'ignore', durable: true }),
    state: (dir) => (existsSync(join(dir, 'sub/file')) ? 'old' : 'new'),
    isTrue: (_dir, { removed }) => expect(removed).toBe(1),
    isTrueError: (dir, error) => expect(error.removed ?? 0).toBe(existsSync(join(dir, 'sub/file')) ? 0 : 1),
    names: ['sub', 'sub/file'],
    targets: ['sub/file'],
  }),
  rooted({
    title: 'a copied file',
    layOut: (dir) => {
      ownedFile(dir, 'file', 0, 0, 0o640, newContent);
      ownedFile(dir, 'copy', 0, 0, 0o640, oldContent);
    },
    request: request('copy', 'file', 'copy', { overwrite: true }),
    state: (dir) => ({ [oldContent]: 'old', [newContent]: 'new' })[readFileSync(join(dir, 'copy'), 'utf8')] ?? 'torn',
    isTrue: (_dir, value) => expect(value).toMatchObject({ copied: 1, size: newContent.length }),
    names: ['file', 'copy'],
    targets: ['copy'],
  }),
  rooted({
    title: 'a file copied in',
    layOut: (dir) => {
      ownedDir(dir, 'outside', 0, 0, 0o755);
      ownedFile(dir, 'outside/file', 0, 0, 0o640, newContent);
    },
    request: ({ dir, how }) => rootRequest(dir, how, 'copyIn', join(dir, 'outside/file'), 'copy', { overwrite: true }),
    state: (dir) => (!exists(join(dir, 'copy')) ? 'old' : readFileSync(join(dir, 'copy'), 'utf8') === newContent ? 'new' : 'torn'),
    isTrue: (_dir, value) => expect(value).toMatchObject({ copied: 1, size: newContent.length }),
    names: ['outside', 'outside/file', 'copy'],
    targets: ['copy'],
  }),
  rooted({
    title: 'a copied tree',
    layOut: layOutTree,
    request: request('copy', 'tree', 'copy', { recursive: true, overwrite: true }),
    state: (dir) => {
      const copied = tree.filter((name) => exists(join(dir, `copy${name}`)));
      if (!copied.every((name) => isEqual(dir, name))) return 'torn';
      return copied.length === 0 ? 'old' : copied.length === tree.length ? 'new' : 'part';
    },
    isTrue: (dir, value) => {
      expect(value).toMatchObject({ copied: tree.length, size: oldContent.length + newContent.length });
      expect(tree.filter((name) => !isEqual(dir, name))).toEqual([]);
      for (const name of ['', '/sub', '/sub/inner']) expect(modeOf(join(dir, `copy${name}`))).toBe(modeOf(join(dir, `tree${name}`)));
    },
    isTrueError: (dir, error) => expect(error.copied).toBe(present(dir, 'copy')),
    names: [...treeNames('tree'), ...treeNames('copy')],
    isListed: true,
    isTree: 'changed',
  }),
  listing('a list with stats', both, request('list', 'tree', { stat: true }), ['file', 'link', 'sub']),
  listing('a walk with stats', ['async'], ({ dir }) => ({ walk: dir, args: ['tree', { stat: true }] }), treeNames('tree').slice(1)),
];

