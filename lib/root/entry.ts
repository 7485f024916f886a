// Entries of directories, as `list` and `walk` return them.

import { path } from '../base/node.js';
import { ROW, type Batch } from '../native/entries.js';
import { Stats } from '../native/stats.js';

/** Type bits of a mode, shifted by twelve. */
const FIFO = 1;
const CHARACTER_DEVICE = 2;
const DIRECTORY = 4;
const BLOCK_DEVICE = 6;
const FILE = 8;
const SYMBOLIC_LINK = 10;
const SOCKET = 12;

type StatsObject = InstanceType<typeof Stats>;

/** An entry of a directory, with the methods of `fs.Dirent`. */
export class Entry {
  declare readonly rawName?: Buffer;
  declare readonly stat?: StatsObject;
  readonly #kind: number;

  constructor(
    readonly name: string,
    readonly parentPath: string,
    kind: number,
  ) {
    this.#kind = kind;
  }

  isFile() {
    return this.#kind === FILE;
  }

  isDirectory() {
    return this.#kind === DIRECTORY;
  }

  isSymbolicLink() {
    return this.#kind === SYMBOLIC_LINK;
  }

  isFIFO() {
    return this.#kind === FIFO;
  }

  isSocket() {
    return this.#kind === SOCKET;
  }

  isCharacterDevice() {
    return this.#kind === CHARACTER_DEVICE;
  }

  isBlockDevice() {
    return this.#kind === BLOCK_DEVICE;
  }
}

/** An entry of a walk. */
export class WalkEntry extends Entry {
  declare readonly rawPath?: Buffer;

  constructor(
    name: string,
    parentPath: string,
    kind: number,
    readonly path: string,
    readonly depth: number,
  ) {
    super(name, parentPath, kind);
  }
}

/** Sets the properties that few entries have. */
export function complete(entry: Entry, index: number, { stats, raw }: Batch) {
  const own = entry as { -readonly [Name in keyof Entry]: Entry[Name] };
  const rawName = raw?.get(index);
  if (rawName !== undefined) {
    own.rawName = rawName;
  }
  const at = index * ROW;
  // A stat that failed has no mode.
  if (at < stats.length && stats[at + 1] !== 0) {
    own.stat = new Stats(stats, at - 1, at + ROW - 4);
  }
}

/** Joins a name to a path relative to a root, where `.` is the root itself. */
export function below(parent: string, name: string) {
  return parent === '.' ? name : `${parent}${path.sep}${name}`;
}
