import { execFile } from 'node:child_process';
import * as fs from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { writeAtomic } from '../../../index.mjs';
import { failure, openFiles } from '../../helpers/forms.js';
import { build, scratch } from '../../helpers/scratch.js';

const program = fileURLToPath(new URL('../../programs/producers.mjs', import.meta.url));

async function run(scenario: string, file: string): Promise<object> {
  const { stdout } = await promisify(execFile)(process.execPath, ['--max-old-space-size=48', program, scenario, file], { timeout: 60_000 });
  return JSON.parse(stdout) as object;
}

describe('writeAtomic from a producer, in a heap of 48 MiB', () => {
  it.each([
    ['empty chunks without end', { error: 'TimeoutError', turned: true }],
    ['asynchronous empty chunks without end', { error: 'TimeoutError', turned: true }],
    ['millions of empty chunks', { size: 0, turned: true }],
    ['millions of empty chunks and a signal', { size: 0, turned: true }],
    ['millions of chunks of one byte', { size: 2_000_000, turned: true }],
  ])('handles %s', async (scenario, expected) => {
    const dir = scratch();
    expect(await run(scenario, `${dir}/f`)).toEqual(expected);
    expect(fs.readdirSync(dir)).toEqual('size' in expected ? ['f'] : []);
  }, 90_000);
});

describe('writeAtomic from a producer', () => {
  it.each([1, 70_000])('writes every byte of a chunk of %d bytes that shadows byteLength and length', async (size) => {
    const dir = scratch();
    const lie = { value: 0 };
    const chunk = (letter: string): Buffer => Object.defineProperties(Buffer.alloc(size, letter), { byteLength: lie, length: lie });
    const written = await writeAtomic(`${dir}/f`, [chunk('a'), chunk('b')]);
    expect(written.size).toBe(2 * size);
    expect(fs.readFileSync(`${dir}/f`, 'utf8')).toBe('a'.repeat(size) + 'b'.repeat(size));
  });

  it.each([10, 65_536, 100_000])('keeps the order of chunks around one of %d bytes', async (size) => {
    const dir = scratch();
    const chunks = ['a', 'b'.repeat(65_535), '', 'c'.repeat(size), 'd', 'e'.repeat(size), 'f'];
    await writeAtomic(`${dir}/f`, chunks);
    expect(fs.readFileSync(`${dir}/f`, 'utf8')).toBe(chunks.join(''));
  });

  it('closes an iterator whose next() rejects, and rejects with its error', async () => {
    const dir = scratch();
    const open = openFiles();
    const thrown = new Error('the source broke');
    let closed = 0;
    const source = { [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(thrown), return: async () => ({ done: true, value: closed++ }) }) };
    expect(await failure(() => writeAtomic(`${dir}/f`, source as never))).toBe(thrown);
    expect(closed).toBe(1);
    expect(fs.readdirSync(dir)).toEqual([]);
    expect(openFiles()).toEqual(open);
  });

  it('waits a second at most for a return() that never settles', async () => {
    const dir = scratch();
    build(dir, ['d/']);
    const never = (): Promise<never> => new Promise(() => {});
    const source = (next: () => unknown) => ({ [Symbol.asyncIterator]: () => ({ next, return: never }) });
    const open = openFiles();
    const started = performance.now();
    const outcomes = await Promise.all([
      failure(() => writeAtomic(`${dir}/f`, source(() => ({ done: false, value: 1 })) as never)),
      failure(() => writeAtomic(`${dir}/g`, source(() => Promise.reject(new RangeError('broke'))) as never)),
      failure(() => writeAtomic(`${dir}/d`, source(never) as never)),
    ]);
    expect(outcomes).toMatchObject([{ code: 'ERR_INVALID_ARG_TYPE' }, { name: 'RangeError' }, { code: 'not-file' }]);
    expect(performance.now() - started).toBeLessThan(5_000);
    expect(fs.readdirSync(dir)).toEqual(['d']);
    expect(openFiles()).toEqual(open);
  });

  it('rejects at once on abort while a chunk of a synchronous iterable is a promise that never settles', async () => {
    const dir = scratch();
    const signal = AbortSignal.timeout(20);
    expect(await failure(() => writeAtomic(`${dir}/f`, [new Promise(() => {})] as never, { signal }))).toMatchObject({ name: 'TimeoutError' });
    expect(fs.readdirSync(dir)).toEqual([]);
  });
});
