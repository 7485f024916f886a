// The system calls of appends and locks, counted by strace.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { needs } from '../../helpers/sys-needs.js';
import { repository, scratch } from '../../helpers/sys-scratch.js';

/** Marks the calls to count: names that no file has. */
const program = `
  const h = require(${JSON.stringify(join(repository, 'index.js'))});
  const fs = require('node:fs');
  const dir = process.argv[1];
  const root = h.openRootSync(dir);
  const quick = { durable: false };
  const mark = (name) => fs.existsSync('/mark-' + name);
  (async () => {
    for (const name of ['before', 'free', 'before', 'root', 'before', 'pool', 'lock', 'end']) {
      mark(name);
      if (name === 'free' || name === 'before') h.appendRecordSync(dir + '/free', 'x', quick);
      if (name === 'root' || name === 'before') root.appendRecordSync('root', 'x', quick);
      if (name === 'pool' || name === 'before') await h.appendRecord(dir + '/free', 'x', quick);
      if (name === 'lock' || name === 'before') await h.withLock(dir + '/lock', () => {});
    }
  })();`;

needs('strace')('system calls of shared state', () => {
  it('are 16 for an append by root, 14 beneath a root, and 20 for a lock', () => {
    const dir = scratch();
    const trace = join(dir, 'trace');
    const done = spawnSync('strace', ['-f', '-y', '-o', trace, process.execPath, '-e', program, dir], { encoding: 'utf8' });
    expect(done.status, done.stderr).toBe(0);
    const counts: Record<string, string[]> = {};
    let current = 'start';
    for (const line of readFileSync(trace, 'utf8').split('\n')) {
      current = /"\/mark-(\w+)"/.exec(line)?.[1] ?? current;
      const call = /^\d+ +(\w+)\(/.exec(line)?.[1];
      const isOfFile = line.includes(dir) && !line.includes('/mark-');
      if (call !== undefined && isOfFile) (counts[current] ??= []).push(call);
    }
    // Of the directory, by its path or held by the root; the lock file, and the directory's owner, to whom root gives its own
    // lock files; the lock; the file and its last byte; the record; the name again.
    const append = ['openat', 'newfstatat', 'newfstatat', 'fcntl', 'newfstatat', 'newfstatat', 'openat', 'newfstatat', 'pread64', 'write', 'newfstatat', 'fcntl', 'close', 'close'];
    expect(counts['free']).toEqual(['openat2', ...append, 'close']);
    expect(counts['root']).toEqual(append);
    expect(counts['pool']).toEqual(counts['free']);
    expect(counts['lock']).toHaveLength(20);
  });
});
