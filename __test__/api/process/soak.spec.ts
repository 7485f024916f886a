// The short form of `npm run test:soak`: each verb in each form, and each kind of failure, forty times; one of them
// a quarter of a million times; and the proof that the harness detects leaks.
import * as fs from 'node:fs';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { needs } from '../../helpers/sys-needs.js';
import { placeInMemory } from '../../helpers/scratch.js';
import { scratch as systemScratch } from '../../helpers/sys-scratch.js';

interface Row {
  name: string;
  calls: number;
  slope: number;
  descriptors: number;
  threads: number;
}

interface Slope {
  FLAGS: string[];
  PROMPT_ALLOCATOR: Record<string, string>;
  faults(row: Row): string;
  leastSquares(points: [number, number][]): number;
  limit(calls: number): number;
}

const SOAK = new URL('../../programs/soak/', import.meta.url);
const { FLAGS, PROMPT_ALLOCATOR, faults, leastSquares, limit } = (await import(new URL('slope.mjs', SOAK).href)) as Slope;

/** Takes five seconds on an idle machine. */
const TIMEOUT = 600_000;

async function soak(options: object, launcher: string[] = []): Promise<{ rows: Row[]; strays: number }> {
  const line = [...launcher, process.execPath, ...FLAGS, fileURLToPath(new URL('soak.mjs', SOAK)), JSON.stringify(options)];
  const child = spawn(line[0]!, line.slice(1), { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...PROMPT_ALLOCATOR } });
  let [out, err] = ['', ''];
  child.stdout.on('data', (chunk) => (out += chunk));
  child.stderr.on('data', (chunk) => (err += chunk));
  const [status] = await once(child, 'close');
  expect(status, err).toBe(0);
  const lines = out.trim().split('\n').map((one) => JSON.parse(one));
  return { rows: lines.filter(({ name }) => name), strays: lines.find(({ strays }) => strays !== undefined)?.strays };
}

/** Makes a directory in memory, if possible. */
function work(): string {
  const memory = placeInMemory();
  return fs.mkdtempSync(memory ? `${memory}/holdfast-soak-` : `${systemScratch()}/`);
}

describe('the slope', () => {
  test('is that of the line that fits best', () => {
    expect(leastSquares([[0, 5], [10, 25], [20, 45]])).toBe(2);
    expect(leastSquares([[0, 5], [10, 6], [20, 5]])).toBe(0);
  });

  test('that counts as a leak is half of the smallest block of malloc, for a million calls', () => {
    expect(limit(1_000_000)).toBe(8);
    expect(limit(250_000)).toBe(32);
  });
});

needs('linux', 'root', 'unshare', 'mount')('every verb in every form, and every kind of failure', () => {
  test(
    'forty times, leaves no descriptor, no thread and no temporary',
    async () => {
      const dir = systemScratch();
      for (const name of ['work', 'full']) fs.mkdirSync(`${dir}/${name}`);
      const mounts = 'mount -t tmpfs -o size=64m,mode=1777 none "$0/work" && mount -t tmpfs -o size=4k,mode=1777 none "$0/full" && exec "$@"';
      const { rows, strays } = await soak({ dir: `${dir}/work`, full: `${dir}/full`, calls: 40, looks: 1, memory: false, user: 65534 }, ['unshare', '--mount', 'sh', '-c', mounts, dir]);
      expect(rows.length).toBeGreaterThan(60);
      expect(rows.filter(({ descriptors, threads }) => descriptors > 0 || threads > 0)).toEqual([]);
      expect(strays).toBe(0);
    },
    TIMEOUT,
  );
});

needs('linux')('a quarter of a million calls', () => {
  const calls = 250_000;

  test(
    'leave no descriptor, no thread and no memory behind',
    async () => {
      const dir = work();
      try {
        const { rows } = await soak({ dir, calls, only: 'readSync' });
        expect(rows.map(faults)).toEqual(['']);
      } finally {
        fs.rmSync(dir, { recursive: true });
      }
    },
    TIMEOUT,
  );

  test.each([
    { leak: 'bytes', what: '64 bytes are lost', of: calls, looks: 40, found: /^\d+\.\d bytes a call$/ },
    // Ten thousand calls reveal a leaked descriptor. Their memory is noise, and needs no samples.
    { leak: 'descriptor', what: 'every thousandth opens a descriptor', of: 10_000, looks: 2, found: /\b10 descriptors$/ },
  ])(
    'of which $what are found out',
    async ({ leak, of, looks, found }) => {
      const dir = work();
      try {
        const { rows } = await soak({ dir, calls: of, only: 'readSync', leak, looks });
        expect(rows.map(faults)).toEqual([expect.stringMatching(found)]);
      } finally {
        fs.rmSync(dir, { recursive: true });
      }
    },
    TIMEOUT,
  );
});
