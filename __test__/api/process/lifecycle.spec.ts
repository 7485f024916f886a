// The end of a worker, of a process and of an environment with pending calls; several copies of the addon and of the
// package in one process. `npm run test:soak` runs the workers a thousand times.
import * as fs from 'node:fs';
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import * as holdfast from '../../../index.mjs';
import { binaryOfPackage, copyOfPackage } from '../../helpers/package-copy.js';
import { needs } from '../../helpers/sys-needs.js';
import { scratch } from '../../helpers/scratch.js';

const PROGRAMS = fileURLToPath(new URL('../../programs/lifecycle/', import.meta.url));

/** A worker starts, uses every verb and ends in a tenth of a second on an idle machine. */
const TIMEOUT = 300_000;

interface Run {
  status: number | null;
  signal: string | null;
  stdout: string;
  stderr: string;
}

function run(program: string, options: object): Run {
  // Node itself may hang at its end, when it joins a thread that waits for the main one to collect garbage
  // (nodejs/node#54918). Such a process is killed, and reported separately.
  const { status, signal, stdout, stderr } = spawnSync(process.execPath, [join(PROGRAMS, program), JSON.stringify(options)], { encoding: 'utf8', timeout: TIMEOUT });
  return { status, signal, stdout, stderr };
}

needs('linux')('worker threads that use every verb, and leave reads, writes, streams, staged files and roots behind', () => {
  test.each([
    { end: 'itself', how: 'when nothing is left to do', tally: { 'ready, 0': 20 } },
    { end: 'process.exit', how: 'by process.exit in the worker', tally: undefined },
    { end: 'an error', how: 'by an error that nobody catches', tally: { 'ready, 1, nobody catches this': 20 } },
    { end: 'terminate', how: 'by terminate(), in the middle of calls', tally: { 'ready, 1': 20 } },
  ])(
    'end $how: no crash, no descriptor, no thread, no temporary, nothing torn',
    ({ end, tally }) => {
      const { status, signal, stdout, stderr } = run('workers.mjs', { dir: scratch(), workers: 12, end });
      expect({ status, signal }, stderr).toEqual({ status: 0, signal: null });
      const left = JSON.parse(stdout);
      // Node decides whether the message of a worker that exits right after it still arrives.
      expect(left.tally).toEqual(tally ?? expect.objectContaining({ 'ready, 0': expect.any(Number) }));
      expect(left).toMatchObject({ descriptors: 0, temporaries: 0, torn: [], published: [] });
      expect(left.threads).toBeLessThanOrEqual(0);
      // The process never loaded the addon itself. Its code stays mapped because threads may still run it (rust#91979).
      expect(left.isMapped).toBe(true);
    },
    TIMEOUT,
  );
});

needs('linux')('a process that ends while reads, writes, streams and staged files are under way', () => {
  /** Ends a process, and returns what remains of its work. */
  function end(how: string): { code: unknown; temporaries: number; torn: string[]; published: string[]; stderr: string } {
    const dir = scratch();
    const { status, signal, stderr } = run('exit.mjs', { dir, how });
    const names = fs.readdirSync(dir);
    return {
      code: signal ?? status,
      temporaries: names.filter((name) => name.endsWith('.tmp')).length,
      torn: names.filter((name) => /-(write|m0|m1|large)$/.test(name) && fs.statSync(join(dir, name)).size !== 400_000),
      published: names.filter((name) => /-(early|late|staged)-/.test(name)),
      stderr,
    };
  }

  test.each([
    { how: 'the end of the program', code: 0 },
    { how: 'process.exit', code: 7 },
    { how: 'process.exit, later', code: 7 },
    { how: 'process.exit, with more calls in its event', code: 7 },
    { how: 'an error nobody catches', code: 1 },
  ])(
    'by $how leaves no temporary, and every file whole',
    ({ how, code }) => {
      for (let round = 0; round < 2; round += 1) {
        const left = end(how);
        expect(left, left.stderr).toMatchObject({ code, temporaries: 0, torn: [], published: [] });
      }
    },
    TIMEOUT,
  );

  test('without notice leaves the temporaries of staged files, which cleanStaleTemporaries removes', () => {
    const left = end('process.reallyExit');
    expect(left).toMatchObject({ code: 7, torn: [], published: [] });
    expect(left.temporaries).toBeGreaterThanOrEqual(2);
  });

  test('adds no listener of the event `exit` until a file is staged or streamed, and one then', () => {
    const dir = scratch();
    const script = `const holdfast = require(${JSON.stringify(fileURLToPath(new URL('../../../index.js', import.meta.url)))});
      const dir = ${JSON.stringify(dir)}, counts = [];
      const count = () => counts.push(process.listenerCount('exit'));
      count();
      for (let i = 0; i < 20; i++) { holdfast.capabilities(); holdfast.openRootSync('/').close(); holdfast.ensureDirSync(dir + '/d'); holdfast.writeAtomicSync(dir + '/f', 'x'); }
      holdfast.writeAtomic(dir + '/g', 'x').then(async () => {
        await holdfast.readLocalFileSafely(dir + '/g');
        count();
        for (let i = 0; i < 20; i++) await holdfast.writeAtomic(dir + '/g', ['a', 'b']);
        for (let i = 0; i < 20; i++) await (await holdfast.stageAtomic(dir + '/g')).abort();
        count();
        console.log(...counts);
      });`;
    const { stdout } = spawnSync(process.execPath, ['-e', script], { encoding: 'utf8' });
    expect(stdout).toBe('0 0 1\n');
  });
});

describe('several copies in one process', () => {
  test('of the binary: both work, on each other’s files, and end with their environment', () => {
    const dir = scratch();
    const paths = ['one', 'two'].map((name) => join(dir, `${name}.node`));
    for (const path of paths) fs.copyFileSync(binaryOfPackage(), path);
    const script = `
      const Module = require('node:module');
      const copies = process.argv.slice(1).map((binary) => {
        process.env.HOLDFAST_NATIVE_PATH = binary;
        for (const name of Object.keys(require.cache)) if (/[\\\\/]dist[\\\\/]/.test(name) || name.endsWith('index.js')) delete require.cache[name];
        const holdfast = require(${JSON.stringify(fileURLToPath(new URL('../../../index.js', import.meta.url)))});
        if (holdfast.capabilities().native !== binary) throw new Error('another binary was loaded');
        return holdfast;
      });
      const [one, two] = copies;
      if (one.writeAtomic === two.writeAtomic) throw new Error('one copy was loaded twice');
      (async () => {
        const roots = copies.map((copy) => copy.openRootSync(${JSON.stringify(dir)}));
        for (let i = 0; i < 200; i++) {
          await roots[i % 2].writeAtomic('f', String(i), { durable: false });
          const read = await roots[(i + 1) % 2].read('f');
          if (read.buffer.toString() !== String(i)) throw new Error('read ' + read.buffer);
          copies[i % 2].ensureDirSync(${JSON.stringify(dir)} + '/d' + i % 3);
        }
        await Promise.all(copies.flatMap((copy) => Array.from({ length: 100 }, (_, i) => copy.writeAtomic(${JSON.stringify(dir)} + '/g' + i, 'x'.repeat(1000), { durable: false }))));
        const error = await one.readLocalFileSafely(${JSON.stringify(dir)} + '/none').catch((error) => error);
        console.log(two.isHoldfastError(error), error instanceof two.HoldfastError, error.code);
      })();`;
    const { status, signal, stdout, stderr } = spawnSync(process.execPath, ['-e', script, '--', ...paths], { encoding: 'utf8' });
    expect({ status, signal, stderr }).toEqual({ status: 0, signal: null, stderr: '' });
    expect(stdout).toBe('true false not-found\n');
  });

  test('of a binary that one thread loads twice: each removes its own unfinished files only', () => {
    const dir = scratch();
    const script = `
      const copies = [0, 1].map(() => {
        for (const name of Object.keys(require.cache)) delete require.cache[name];
        const holdfast = require(${JSON.stringify(fileURLToPath(new URL('../../../index.js', import.meta.url)))});
        holdfast.capabilities();
        return holdfast;
      });
      (async () => {
        const [one, two] = copies;
        const staged = [await one.stageAtomic(${JSON.stringify(dir)} + '/one'), await two.stageAtomic(${JSON.stringify(dir)} + '/two')];
        const [first, ...others] = process.listeners('exit');
        first();
        const { existsSync } = require('node:fs');
        console.log(others.length, ...staged.map(({ tempPath }) => existsSync(tempPath)));
        console.log((await staged[1].commit()).created);
        await two.stageAtomic(${JSON.stringify(dir)} + '/three');
        process.exit();
      })();`;
    const { stdout, stderr } = spawnSync(process.execPath, ['-e', script], { encoding: 'utf8' });
    expect({ stdout, stderr }).toEqual({ stdout: '1 false true\ntrue\n', stderr: '' });
    expect(fs.readdirSync(dir)).toEqual(['two']);
  });

  test('of the whole package: an error of one is known to the other by its brand, and roots are not mixed up', async () => {
    const copy = createRequire(import.meta.url)(copyOfPackage()) as typeof holdfast;
    expect(copy.HoldfastError).not.toBe(holdfast.HoldfastError);
    const dir = scratch();
    const refused = await copy.readLocalFileSafely(`${dir}/none`).catch((error: unknown) => error);
    expect(refused).not.toBeInstanceOf(holdfast.HoldfastError);
    expect(holdfast.isHoldfastError(refused)).toBe(true);
    expect(copy.isHoldfastError(refused)).toBe(true);
    const [ours, theirs] = [holdfast.openRootSync(dir), copy.openRootSync(dir)];
    await ours.writeAtomic('f', 'ours');
    expect((await theirs.read('f')).buffer.toString()).toBe('ours');
    ours.close();
    expect((await theirs.read('f')).buffer.toString()).toBe('ours');
    theirs.close();
  });
});
