// Creates instances of `fs.Stats` without its constructor, which is deprecated and creates four dates.

import { fs } from '../base/node.js';
import { StatIndex } from './record-layout.js';
import type { Stats as NodeStats } from 'node:fs';

type Fields = Record<PropertyKey, unknown>;

const TIMES = ['atime', 'mtime', 'ctime', 'birthtime'] as const;

const keys: symbol[] = nanosecondKeys();
const [ATIME_NS, MTIME_NS, CTIME_NS, BIRTHTIME_NS] = keys;
const HAS_NANOSECONDS = keys.length === TIMES.length;

/**
 * Sets the fields of `fs.Stats` in Node's order. A plain function because the prototype of a class cannot be replaced,
 * and V8 repeatedly discards the optimized code of a derived class.
 *
 * @param numbers a record of src/record.rs, `set_stat`
 */
function construct(this: Fields, numbers: Float64Array) {
  this.dev = numbers[StatIndex.DEV];
  this.mode = numbers[StatIndex.MODE];
  this.nlink = numbers[StatIndex.NLINK];
  this.uid = numbers[StatIndex.UID];
  this.gid = numbers[StatIndex.GID];
  this.rdev = numbers[StatIndex.RDEV];
  this.blksize = numbers[StatIndex.BLKSIZE];
  this.ino = numbers[StatIndex.INO];
  this.size = numbers[StatIndex.SIZE];
  this.blocks = numbers[StatIndex.BLOCKS];
  this.atimeMs = numbers[StatIndex.ATIME];
  this.mtimeMs = numbers[StatIndex.MTIME];
  this.ctimeMs = numbers[StatIndex.CTIME];
  this.birthtimeMs = numbers[StatIndex.BIRTHTIME];
  if (HAS_NANOSECONDS) {
    this[ATIME_NS] = numbers[StatIndex.NANOSECONDS];
    this[MTIME_NS] = numbers[StatIndex.NANOSECONDS + 1];
    this[CTIME_NS] = numbers[StatIndex.NANOSECONDS + 2];
    this[BIRTHTIME_NS] = numbers[StatIndex.NANOSECONDS + 3];
  }
}

construct.prototype = prototypeOfStats();

/**
 * Returns the keys of the nanoseconds that Node 26 keeps for `atimeInstant` and the like; empty in other versions. They
 * are private symbols, visible on instances only. The internal constructor behind `fs.Stats` emits no deprecation
 * warning.
 */
function nanosecondKeys(): symbol[] {
  if (!('atimeInstant' in fs.Stats.prototype)) {
    return [];
  }
  const sample = Reflect.construct(fs.Stats.prototype.constructor, []);
  const symbols = Object.getOwnPropertySymbols(sample);
  return TIMES.flatMap((name) => symbols.filter(({ description }) => new RegExp(`^k?Partial${name}Ns$`, 'i').test(String(description))));
}

/**
 * Returns Node's prototype if it creates dates on access (Node 22), and otherwise one that inherits from it and does
 * so.
 */
function prototypeOfStats() {
  const { prototype } = fs.Stats;
  return TIMES.every((name) => typeof Object.getOwnPropertyDescriptor(prototype, name)?.get === 'function') ? prototype : withLazyDates(prototype);
}

function withLazyDates(prototype: object) {
  const lazy = Object.create(prototype);
  for (const name of TIMES) {
    Object.defineProperty(lazy, name, {
      configurable: true,
      enumerable: true,
      get(this: Fields) {
        const value = new Date(Math.round(this[`${name}Ms`] as number));
        this[name] = value;
        return value;
      },
      set(this: Fields, value: unknown) {
        Object.defineProperty(this, name, { configurable: true, enumerable: true, value, writable: true });
      },
    });
  }
  return lazy;
}

const Stats = construct as unknown as new (numbers: Float64Array) => NodeStats;

export { Stats };
