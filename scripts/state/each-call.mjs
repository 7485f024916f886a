// Kills a process at every system call of an increment.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { projectRoot } from '../support.mjs';

const TRACED = 'fcntl,openat,openat2,newfstatat,statx,pwrite64,write,renameat,renameat2,linkat,unlinkat,fchmod,close,read,pread64';

/** Returns the number of calls, and how many acknowledged increments were lost; `undefined` without strace. */
export function killedAtEachCall(base) {
  if (spawnSync('strace', ['-V']).error) return undefined;
  const dir = mkdtempSync(path.join(base, 'each-'));
  const file = path.join(dir, 'count.json');
  writeFileSync(file, '0');
  // strace counts the calls of each thread: all those of the pool are made by one.
  const env = { ...process.env, UV_THREADPOOL_SIZE: '1' };
  const code = `require(${JSON.stringify(projectRoot)}).updateJson(${JSON.stringify(file)}, (n) => n + 1, { ifMissing: 0, durable: false }).then(({ value }) => { require('fs').writeSync(1, String(value)); })`;
  let [lost, last] = [0, 0];
  for (let when = 1; ; when += 1) {
    const locks = readdirSync(dir).filter((name) => name.endsWith('.lock')).flatMap((name) => ['-P', path.join(dir, name)]);
    const inject = ['-P', dir, '-P', file, ...locks, '-e', `inject=${TRACED}:signal=SIGKILL:when=${when}`];
    const done = spawnSync('strace', ['-f', '-qq', '-o', '/dev/null', '-e', `trace=${TRACED}`, ...inject, process.execPath, '-e', code], { encoding: 'utf8', env });
    const value = Number(readFileSync(file, 'utf8'));
    if (!Number.isInteger(value) || value < last || (done.stdout !== '' && value < Number(done.stdout))) lost += 1;
    last = value;
    if (done.signal === null && done.status === 0) return { calls: when - 1, lost };
  }
}
