// Facts about a path. The binary reads them from a descriptor.

import fs = require('node:fs');
import nodePath = require('node:path');
import { mountOf, type Mount } from './mounts.js';
import { octal, type describeProcess } from './process.js';
import { native } from '../../native/load.js';
import { readArguments } from '../../options/flatten.js';
import record = require('../../native/record.js');
import { Stats } from '../../native/stats.js';
import { FactsIndex, Layout } from '../../native/record-layout.js';
import type { Refusal } from '../../verbs/dry-run.js';

/** The subject of an ACL entry, by the tags of acl(5). */
const TAGS = new Map([
  [0x01, 'user:'],
  [0x02, 'user'],
  [0x04, 'group:'],
  [0x08, 'group'],
  [0x10, 'mask:'],
  [0x20, 'other:'],
]);

/** Returns an access ACL from the kernel's format in the words of getfacl(1). */
export function aclEntries(stored: Buffer): string[] {
  const entries = [];
  for (let place = 4; place + 8 <= stored.length; place += 8) {
    const tag = stored.readUInt16LE(place);
    const bits = stored.readUInt16LE(place + 2);
    const who = TAGS.get(tag) ?? `tag ${tag}`;
    const named = tag === 0x02 || tag === 0x08 ? `:${stored.readUInt32LE(place + 4)}` : '';
    const may = `${bits & 4 ? 'r' : '-'}${bits & 2 ? 'w' : '-'}${bits & 1 ? 'x' : '-'}`;
    entries.push(`${who}${named}:${may}`);
  }
  return entries;
}

function kindOf(stat: InstanceType<typeof Stats>) {
  if (stat.isFile()) return 'file';
  if (stat.isDirectory()) return 'directory';
  if (stat.isSymbolicLink()) return 'symlink';
  if (stat.isFIFO()) return 'fifo';
  if (stat.isSocket()) return 'socket';
  return 'device';
}

export type Facts = ReturnType<typeof toFacts>;

/** Input of a verdict. */
export interface Inspection {
  /** absolute */
  path: string;
  exists: boolean;
  /** the path that `facts` describes: `path`, or its nearest existing ancestor */
  place: string;
  /** the caller asked for this verb by name: an object of another kind is a failure */
  isAsked: boolean;
  /** of the path, or of its nearest existing ancestor */
  facts: Facts | null;
  /** facts of the parent directory, or of the path if it is a directory */
  directory?: Facts | null;
  /** the directory above the path, for verbs that change names in it */
  above?: { path: string; facts: Facts | null };
  who: ReturnType<typeof describeProcess>;
  /** target of the path, if it is a symlink */
  leadsTo: { path: string; kind: 'file' | 'directory' | 'other' } | null;
  /** options with which the verb would succeed */
  helpful?: object[];
}

function toFacts({ numbers, text }: record.Result, mounts: Mount[]) {
  const stat = new Stats(numbers);
  const traits = numbers[FactsIndex.TRAITS];
  const has = (bit: number) => (traits & (1 << bit)) !== 0;
  const end = numbers[Layout.TEXT_LENGTH];
  const start = numbers[FactsIndex.ACL] < 0 ? end : end - numbers[FactsIndex.ACL];
  const realPath = text.toString('utf8', 0, start);
  const access = numbers[FactsIndex.ACCESS];
  const [magic, blockSize, blocks, freeBlocks, availableBlocks, inodes, freeInodes] = numbers.subarray(FactsIndex.VOLUME, FactsIndex.VOLUME + 7);
  const kind = kindOf(stat);
  return {
    realPath,
    kind,
    mode: octal(stat.mode & 0o7777),
    uid: stat.uid,
    gid: stat.gid,
    isOwn: has(0),
    isOwnOrRoots: has(1),
    size: stat.size,
    names: stat.nlink,
    acl: numbers[FactsIndex.ACL] < 0 ? null : { entries: aclEntries(text.subarray(start, end)), namesSomebody: has(2), isKnown: !has(7) },
    attributes: ['immutable', 'append-only', 'mount-point'].filter((_, place) => has(3 + place)),
    access: { read: (access & 4) !== 0, write: (access & 2) !== 0, search: (access & 1) !== 0 },
    mount: mountOf(mounts, numbers[FactsIndex.MOUNT], realPath) ?? null,
    isReadOnly: has(6),
    /** whom a lock excludes: `host` and `unknown` as in `lock.scope`, `none` where the file system has no locks */
    locks: has(8) ? ('host' as const) : has(9) ? ('none' as const) : ('unknown' as const),
    space: {
      fileSystem: `0x${magic.toString(16)}`,
      totalBytes: blocks * blockSize,
      freeBytes: freeBlocks * blockSize,
      availableBytes: availableBlocks * blockSize,
      inodes: inodes === 0 ? null : inodes,
      freeInodes: inodes === 0 ? null : freeInodes,
    },
  };
}

function inspect(path: string, mounts: Mount[]): { facts: Facts; error?: undefined } | { facts?: undefined; error: Refusal } {
  native().inspect(path, readArguments(undefined).flags, record.scratch);
  const { last } = record;
  return record.failed(last) ? { error: record.failure(last, path) } : { facts: toFacts(last, mounts) };
}

/**
 * Returns the facts of a path or, if it is missing, of its nearest existing ancestor.
 *
 * @param path absolute
 */
export function examine(path: string, mounts: Mount[]) {
  const { facts, error } = inspect(path, mounts);
  if (facts !== undefined || error.code !== 'not-found') {
    return { exists: facts !== undefined, place: path, facts: facts ?? null, error };
  }
  for (let place = nodePath.dirname(path); ; place = nodePath.dirname(place)) {
    // An ancestor may be a symlink to a directory: the facts are those of its target.
    const above = inspect(realPathOf(place) ?? place, mounts);
    if (above.facts !== undefined || place === '/') {
      return { exists: false, place, facts: above.facts ?? null, error };
    }
  }
}

function realPathOf(path: string) {
  try {
    return fs.realpathSync.native(path);
  } catch {
    return undefined;
  }
}

/** Returns the final target of a symlink, or `null` if it is unknown. */
export function targetOf(link: string): { path: string; kind: 'file' | 'directory' | 'other' } | null {
  const path = realPathOf(link);
  if (path === undefined) return null;
  try {
    const stat = fs.statSync(path);
    return { path, kind: stat.isFile() ? 'file' : stat.isDirectory() ? 'directory' : 'other' };
  } catch {
    return null;
  }
}

/**
 * Returns the symlinks among the components of a path, including the last one.
 *
 * @param path absolute
 */
export function linksOnTheWay(path: string) {
  const links = [];
  let at = '';
  for (const part of path.split('/').filter(Boolean)) {
    at += `/${part}`;
    try {
      if (fs.lstatSync(at).isSymbolicLink()) links.push({ path: at, target: fs.readlinkSync(at) });
    } catch {
      break;
    }
  }
  return links;
}
