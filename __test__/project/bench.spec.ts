// Checks that the benchmark runs and covers its rows. `npm run bench` measures time, this spec does not.
import * as fs from 'node:fs';
import * as path from 'node:path';
import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { scratch } from '../helpers/scratch.js';

const PROJECT = path.resolve(import.meta.dirname, '../..');

/** Directories in memory that the benchmark may choose. */
const MEMORY = ['/dev/shm', '/run/shm'].filter((dir) => fs.existsSync(dir));

function bench(...args: string[]): string {
  const temporary = scratch();
  const { pid, status, stdout, stderr } = spawnSync(process.execPath, ['bench/index.mjs', ...args], { cwd: PROJECT, encoding: 'utf8', env: { ...process.env, TMPDIR: temporary } });
  expect(stderr).toBe('');
  expect(status).toBe(0);
  expect(fs.readdirSync(temporary)).toEqual([]);
  for (const dir of MEMORY) expect(fs.readdirSync(dir).filter((name) => name.includes(`-${pid}-`))).toEqual([]);
  return stdout;
}

test('one row is measured, checked and compared with its target', () => {
  const output = bench('--quick', '--alone', '--only', 'ensure-sync-existing-1', '--place', 'disk', '--rounds', '1');

  expect(output).toMatch(/ensureDirSync, existing, depth 1/);
  expect(output).toMatch(/^ +node .* µs +1\.00 \[1\.00–1\.00\]/m);
  expect(output).toMatch(/^ +holdfast .* µs +\d/m);
  expect(output).toMatch(/→ (met|MISSED) +holdfast : node .*≤ 0\.90/);
});

test('every operation that has a target has a row', () => {
  const rows = bench('--list').trim().split('\n').map((line) => line.split(' ')[0]);

  expect(rows).toEqual(expect.arrayContaining([
    'read-sync-1k', 'read-sync-4k', 'read-sync-64k', 'read-sync-1m', 'read-sync-16m', 'read-sync-256m',
    'read-async-1k', 'read-async-1k-x64', 'read-async-4k', 'read-async-4k-x64', 'read-async-64k', 'read-async-64k-x64', 'read-async-256m',
    'write-sync-unsynced', 'write-sync-synced', 'write-async-unsynced', 'write-async-synced-x64',
    'ensure-sync-existing-1', 'ensure-sync-existing-8', 'ensure-async-existing', 'ensure-async-fresh-1',
  ]));
});
