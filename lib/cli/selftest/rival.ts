// Opponents of the selftest: in a worker thread a reader, or an attacker that exchanges names; in a child process a
// writer that the selftest kills.

import fs = require('node:fs');
import nodePath = require('node:path');
import { isMainThread, workerData } from 'node:worker_threads';

/** Size of a version in bytes. Each version consists of one byte repeated. */
const VERSION_SIZE = 64 * 1024;

/** Indices in the memory that both threads share. */
const STOP = 0;
const TURNS = 1;
const TORN = 2;

export function versionOf(number: number) {
  return Buffer.alloc(VERSION_SIZE, 65 + (number % 26));
}

export function isWhole(content: Buffer) {
  return content.length === VERSION_SIZE && content.equals(Buffer.alloc(VERSION_SIZE, content[0]));
}

function repeat(shared: Int32Array, turn: () => void) {
  while (Atomics.load(shared, STOP) === 0) {
    turn();
    Atomics.add(shared, TURNS, 1);
  }
}

/** Reads a file repeatedly, and counts reads whose content is not one complete version. */
function readVersions(shared: Int32Array, dir: string) {
  const file = nodePath.join(dir, 'file');
  repeat(shared, () => {
    if (!isWhole(fs.readFileSync(file))) Atomics.add(shared, TORN, 1);
  });
}

/** Repeatedly replaces a directory by a symlink to the outside, and restores it. */
function exchangeNames(shared: Int32Array, dir: string) {
  const [target, link, spare] = ['target', 'link', 'spare'].map((name) => nodePath.join(dir, name));
  repeat(shared, () => {
    fs.renameSync(target, spare);
    fs.renameSync(link, target);
    fs.renameSync(target, link);
    fs.renameSync(spare, target);
  });
}

/** Writes versions until it is killed. */
function writeForEver(dir: string) {
  const { writeAtomicSync } = require('../../verbs/write.js');
  const file = nodePath.join(dir, 'file');
  for (let number = 1; ; number++) {
    writeAtomicSync(file, versionOf(number));
    if (number === 3) fs.writeSync(1, 'writing\n');
  }
}

if (!isMainThread && workerData?.holdfastRival !== undefined) {
  const { holdfastRival, shared, dir } = workerData;
  ({ readVersions, exchangeNames })[holdfastRival as 'readVersions'](shared, dir);
} else if (require.main === module) {
  writeForEver(process.argv[2]);
}

export { STOP, TORN, TURNS };
