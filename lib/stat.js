'use strict';

const fs = require('node:fs');

const S_IFMT = 0o170000;

/**
 * What `fs.Stats` shows, without being made by `fs`, whose constructor is not for users. Dates are
 * made when somebody asks for them, as Node 22 and newer do: four of them cost a small read a fifth
 * of its time. It has no class above it: V8 keeps giving up the optimized code of a derived one.
 */
class Stats {
  /** @param {Float64Array} numbers a record of src/binding/record.rs, `set_stat` */
  constructor(numbers) {
    this.dev = numbers[1];
    this.mode = numbers[2];
    this.nlink = numbers[3];
    this.uid = numbers[4];
    this.gid = numbers[5];
    this.rdev = numbers[6];
    this.blksize = numbers[7];
    this.ino = numbers[8];
    this.size = numbers[9];
    this.blocks = numbers[10];
    this.atimeMs = numbers[11];
    this.mtimeMs = numbers[12];
    this.ctimeMs = numbers[13];
    this.birthtimeMs = numbers[14];
  }
}

for (const [method, kind] of /** @type {const} */ ([
  ['isFile', 'S_IFREG'],
  ['isDirectory', 'S_IFDIR'],
  ['isSymbolicLink', 'S_IFLNK'],
  ['isFIFO', 'S_IFIFO'],
  ['isSocket', 'S_IFSOCK'],
  ['isBlockDevice', 'S_IFBLK'],
  ['isCharacterDevice', 'S_IFCHR'],
])) {
  const bits = fs.constants[kind];
  Object.defineProperty(Stats.prototype, method, {
    configurable: true,
    writable: true,
    /** @this {Stats} */
    value() {
      return (this.mode & S_IFMT) === bits;
    },
  });
}
for (const name of ['atime', 'mtime', 'ctime', 'birthtime']) {
  Object.defineProperty(Stats.prototype, name, {
    configurable: true,
    enumerable: true,
    /** @this {any} */
    get() {
      const value = new Date(Math.round(this[`${name}Ms`]));
      this[name] = value;
      return value;
    },
    /**
     * @this {any}
     * @param {unknown} value
     */
    set(value) {
      Object.defineProperty(this, name, { configurable: true, enumerable: true, value, writable: true });
    },
  });
}

module.exports = { Stats };
