// Creates instances of `fs.Stats` without its constructor, which is deprecated and creates four dates.

import { descriptor } from '../base/descriptor.js';
import { fs } from '../base/node.js';
import { StatIndex } from './record-layout.js';
import type { Stats as NodeStats } from 'node:fs';

type Fields = Record<PropertyKey, unknown>;

const TIMES = ['atime', 'mtime', 'ctime', 'birthtime'] as const;

const keys: symbol[] = nanosecondKeys();
const [ATIME_NS, MTIME_NS, CTIME_NS, BIRTHTIME_NS] = keys;
const HAS_NANOSECONDS = keys.length === TIMES.length;

/**
 * Returns a number as V8's small integer where it is one. An element of a Float64Array stays an object of its own in the
 * heap, and the collector moves each of them.
 */
function small(value: number) {
  const integer = value | 0;
  return integer === value ? integer : value;
}

/**
 * Sets the fields of `fs.Stats` in Node's order. A plain function because the prototype of a class cannot be replaced,
 * and V8 repeatedly discards the optimized code of a derived class.
 *
 * @param numbers a record of src/record.rs, `set_stat`, or rows of `stat_numbers`
 * @param at what to add to the index of a field
 * @param nanoseconds index of the nanoseconds
 */
function construct(this: Fields, numbers: Float64Array, at = 0, nanoseconds: number = StatIndex.NANOSECONDS) {
  this.dev = small(numbers[at + StatIndex.DEV]);
  this.mode = small(numbers[at + StatIndex.MODE]);
  this.nlink = small(numbers[at + StatIndex.NLINK]);
  this.uid = small(numbers[at + StatIndex.UID]);
  this.gid = small(numbers[at + StatIndex.GID]);
  this.rdev = small(numbers[at + StatIndex.RDEV]);
  this.blksize = small(numbers[at + StatIndex.BLKSIZE]);
  this.ino = small(numbers[at + StatIndex.INO]);
  this.size = small(numbers[at + StatIndex.SIZE]);
  this.blocks = small(numbers[at + StatIndex.BLOCKS]);
  this.atimeMs = numbers[at + StatIndex.ATIME];
  this.mtimeMs = numbers[at + StatIndex.MTIME];
  this.ctimeMs = numbers[at + StatIndex.CTIME];
  this.birthtimeMs = numbers[at + StatIndex.BIRTHTIME];
  if (HAS_NANOSECONDS) {
    this[ATIME_NS] = numbers[nanoseconds];
    this[MTIME_NS] = numbers[nanoseconds + 1];
    this[CTIME_NS] = numbers[nanoseconds + 2];
    this[BIRTHTIME_NS] = numbers[nanoseconds + 3];
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
    const accessors = {
      configurable: true,
      enumerable: true,
      get(this: Fields) {
        const value = new Date(Math.round(this[`${name}Ms`] as number));
        this[name] = value;
        return value;
      },
      set(this: Fields, value: unknown) {
        Object.defineProperty(this, name, descriptor({ configurable: true, enumerable: true, value, writable: true }));
      },
    };
    Object.defineProperty(lazy, name, descriptor(accessors));
  }
  return lazy;
}

const Stats = construct as unknown as new (numbers: Float64Array, at?: number, nanoseconds?: number) => NodeStats;

export { Stats };
