'use strict';

// What the selftest runs against itself: in a worker thread a reader, or an attacker who exchanges names; as a child
// process a writer that is killed.

const fs = require('node:fs');
const nodePath = require('node:path');
const { isMainThread, workerData } = require('node:worker_threads');

/** Size of a version in bytes; each consists of one byte repeated. */
const VERSION_SIZE = 64 * 1024;

/** Places in the memory that both sides share. */
const STOP = 0;
const TURNS = 1;
const TORN = 2;

/** @param {number} number */
function versionOf(number) {
  return Buffer.alloc(VERSION_SIZE, 65 + (number % 26));
}

/** @param {Buffer} content */
function isWhole(content) {
  return content.length === VERSION_SIZE && content.equals(Buffer.alloc(VERSION_SIZE, content[0]));
}

/**
 * @param {Int32Array} shared
 * @param {() => void} turn
 */
function repeat(shared, turn) {
  while (Atomics.load(shared, STOP) === 0) {
    turn();
    Atomics.add(shared, TURNS, 1);
  }
}

/**
 * Reads a file over and over, and counts what is neither one version nor another.
 *
 * @param {Int32Array} shared
 * @param {string} dir
 */
function readVersions(shared, dir) {
  const file = nodePath.join(dir, 'file');
  repeat(shared, () => {
    if (!isWhole(fs.readFileSync(file))) Atomics.add(shared, TORN, 1);
  });
}

/**
 * Puts a link to the outside in a directory's place, and the directory back, over and over.
 *
 * @param {Int32Array} shared
 * @param {string} dir
 */
function exchangeNames(shared, dir) {
  const [target, link, spare] = ['target', 'link', 'spare'].map((name) => nodePath.join(dir, name));
  repeat(shared, () => {
    fs.renameSync(target, spare);
    fs.renameSync(link, target);
    fs.renameSync(target, link);
    fs.renameSync(spare, target);
  });
}

/**
 * Writes version after version, until it is killed.
 *
 * @param {string} dir
 */
function writeForEver(dir) {
  const { writeAtomicSync } = require('../../verbs/write.js');
  const file = nodePath.join(dir, 'file');
  for (let number = 1; ; number++) {
    writeAtomicSync(file, versionOf(number));
    if (number === 3) fs.writeSync(1, 'writing\n');
  }
}

if (!isMainThread && workerData?.holdfastRival !== undefined) {
  const { holdfastRival, shared, dir } = workerData;
  ({ readVersions, exchangeNames })[/** @type {'readVersions'} */ (holdfastRival)](shared, dir);
} else if (require.main === module) {
  writeForEver(process.argv[2]);
}

module.exports = { STOP, TORN, TURNS, VERSION_SIZE, isWhole, versionOf };
