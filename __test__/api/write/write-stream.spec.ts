import { once } from 'node:events';
import * as fs from 'node:fs';
import { createInterface } from 'node:readline';
import { createInterface as createPromisesInterface } from 'node:readline/promises';
import { Readable } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { openRootSync, writeAtomic } from '../../../index.mjs';
import { expectRefusal } from '../../helpers/expectations.js';
import { eventually, failure, openFiles } from '../../helpers/forms.js';
import { build, modeOf, scratch, strays, tree } from '../../helpers/scratch.js';
import { octal } from '../../helpers/umask.js';

function* numbers(count: number): Generator<string> {
  for (let number = 0; number < count; number += 1) yield `${number}\n`;
}

async function* slowly<T>(chunks: Iterable<T>): AsyncGenerator<T> {
  for (const chunk of chunks) {
    await new Promise((resolve) => setImmediate(resolve));
    yield chunk;
  }
}

function allNumbers(count: number): string {
  return [...numbers(count)].join('');
}

describe('an iterable is written chunk by chunk', () => {
  const bytes = (text: string) => new TextEncoder().encode(text);
  const rows: { name: string; data: () => any; content: string }[] = [
    { name: 'an array of strings', data: () => ['a', 'b', 'ç'], content: 'abç' },
    { name: 'an array of Uint8Arrays and Buffers', data: () => [bytes('a'), Buffer.from('b'), bytes('xcx').subarray(1, 2)], content: 'abc' },
    { name: 'strings and bytes mixed', data: () => ['a', bytes('b'), 'c'], content: 'abc' },
    { name: 'an empty array', data: () => [], content: '' },
    { name: 'nothing but empty chunks', data: () => ['', bytes(''), ''], content: '' },
    { name: 'a Set', data: () => new Set(['a', 'b']), content: 'ab' },
    { name: 'a generator', data: () => numbers(1000), content: allNumbers(1000) },
    { name: 'an async generator', data: () => slowly(numbers(100)), content: allNumbers(100) },
    { name: 'an object that is only iterable', data: () => ({ [Symbol.iterator]: () => numbers(3) }), content: allNumbers(3) },
    { name: 'an object that is only async iterable', data: () => ({ [Symbol.asyncIterator]: () => slowly(numbers(3)) }), content: allNumbers(3) },
    { name: 'both kinds: the asynchronous one counts', data: () => ({ [Symbol.iterator]: () => numbers(1), [Symbol.asyncIterator]: () => slowly(numbers(3)) }), content: allNumbers(3) },
    { name: 'a Node stream of strings', data: () => Readable.from(numbers(100)), content: allNumbers(100) },
    { name: 'a Node stream of bytes', data: () => Readable.from([Buffer.from('a'), Buffer.from('b')], { objectMode: false }), content: 'ab' },
    { name: 'a web stream', data: () => new Blob(['a', 'b']).stream(), content: 'ab' },
    { name: 'chunks cut in the middle of a character', data: () => [bytes('€').subarray(0, 1), bytes('€').subarray(1)], content: '€' },
  ];

  test.each(rows)('$name', async ({ data, content }) => {
    for (const layout of [[], ['f 0640: old']]) {
      const dir = scratch();
      build(dir, layout);
      const written = await writeAtomic(`${dir}/f`, data());
      expect(fs.readFileSync(`${dir}/f`, 'utf8')).toBe(content);
      expect(written).toMatchObject({ path: `${dir}/f`, size: Buffer.byteLength(content), created: layout.length === 0 });
      expect(octal(modeOf(`${dir}/f`))).toBe(layout.length === 0 ? '0644' : '0640');
      expect(fs.readdirSync(dir)).toEqual(['f']);
    }
  });

  test('strings among the chunks are in the encoding asked for', async () => {
    const dir = scratch();
    await writeAtomic(`${dir}/f`, ['é', Buffer.from([0]), 'é'], { encoding: 'latin1' });
    expect([...fs.readFileSync(`${dir}/f`)]).toEqual([0xe9, 0, 0xe9]);
  });

  test('options hold as for any other data', async () => {
    const dir = scratch();
    const written = await writeAtomic(`${dir}/a/f`, numbers(2), { mode: 0o600, mkdir: true, durable: 'file' });
    expect(written).toMatchObject({ mode: 0o600, durable: 'file', size: 4 });
    expectRefusal(await failure(() => writeAtomic(`${dir}/a/f`, numbers(3), { overwrite: false })), 'already-exists');
    expect(fs.readFileSync(`${dir}/a/f`, 'utf8')).toBe('0\n1\n');
  });

  test.each([1, 100, 65_535, 65_536, 100_000])('a source may use the memory of a chunk of %d bytes for the next one', async (size) => {
    const dir = scratch();
    const chunk = Buffer.alloc(size);
    await writeAtomic(`${dir}/f`, (function* () {
      for (const letter of 'abcd') {
        chunk.fill(letter);
        yield chunk;
      }
      chunk.fill('!');
    })());
    const wanted = Buffer.concat([...'abcd'].map((letter) => Buffer.alloc(size, letter)));
    expect(fs.readFileSync(`${dir}/f`).equals(wanted)).toBe(true);
  });

  test('64 MiB pass through without being gathered in memory', async () => {
    const dir = scratch();
    const chunk = Buffer.alloc(1 << 20, 'x');
    const before = process.memoryUsage().rss;
    let peak = before;
    const { size } = await writeAtomic(`${dir}/f`, (function* () {
      for (let sent = 0; sent < 64; sent += 1) {
        peak = Math.max(peak, process.memoryUsage().rss);
        yield chunk;
      }
    })(), { durable: false });
    expect(size).toBe(64 << 20);
    expect(fs.statSync(`${dir}/f`).size).toBe(64 << 20);
    expect(peak - before).toBeLessThan(32 << 20);
  });

  test('the old file is whole until the last chunk', async () => {
    const dir = scratch();
    build(dir, ['f: old']);
    await writeAtomic(`${dir}/f`, (async function* () {
      yield 'new';
      expect(fs.readFileSync(`${dir}/f`, 'utf8')).toBe('old');
      await new Promise((resolve) => setTimeout(resolve, 20));
      expect(fs.readFileSync(`${dir}/f`, 'utf8')).toBe('old');
      yield ' content';
    })());
    expect(fs.readFileSync(`${dir}/f`, 'utf8')).toBe('new content');
  });
});

describe('a stream that ends badly leaves the old file and no temporary', () => {
  const thrown = new Error('the source broke');
  const rows: { name: string; data: () => any; error: object }[] = [
    { name: 'a generator that throws at once', data: () => (function* () { throw thrown; })(), error: thrown },
    { name: 'a generator that throws midway', data: () => (function* () { yield 'x'.repeat(100_000); throw thrown; })(), error: thrown },
    { name: 'an async generator that throws midway', data: () => (async function* () { yield 'x'; throw thrown; })(), error: thrown },
    { name: 'a stream that is destroyed midway', data: () => { const stream = new Readable({ read() { this.push('x'); this.destroy(thrown); } }); return stream; }, error: thrown },
    { name: 'an iterator that cannot be had', data: () => ({ [Symbol.asyncIterator]() { throw thrown; } }), error: thrown },
    { name: 'a number among the chunks', data: () => ['a', 1], error: { code: 'ERR_INVALID_ARG_TYPE', name: 'TypeError' } },
    { name: 'null among the chunks', data: () => ['a', null], error: { code: 'ERR_INVALID_ARG_TYPE', name: 'TypeError' } },
    { name: 'an object among the chunks', data: () => slowly(['a', {}]), error: { code: 'ERR_INVALID_ARG_TYPE', name: 'TypeError' } },
    { name: 'a nested array', data: () => [['a']], error: { code: 'ERR_INVALID_ARG_TYPE', name: 'TypeError' } },
    { name: 'an iterator without objects', data: () => ({ [Symbol.iterator]: () => ({ next: () => 1 }) }), error: { name: 'TypeError' } },
  ];

  test.each(rows)('$name', async ({ data, error }) => {
    for (const layout of [[], ['f 0640: old'], ['d/f: old']]) {
      const dir = scratch();
      build(dir, layout);
      const before = tree(dir);
      const open = openFiles();
      const given = await failure(() => writeAtomic(`${dir}/f`, data()));
      if (error instanceof Error) expect(given).toBe(error);
      else expect(given).toMatchObject(error);
      expect(tree(dir)).toEqual(before);
      expect(openFiles()).toEqual(open);
    }
  });

  test.each([
    { name: 'another file, with overwrite: false', appear: (file: string) => fs.writeFileSync(file, 'theirs'), options: { overwrite: false }, code: 'already-exists' },
    { name: 'a directory', appear: (file: string) => fs.mkdirSync(file), options: {}, code: 'not-file' },
    { name: 'a link', appear: (file: string) => fs.symlinkSync('elsewhere', file), options: {}, code: 'symlink' },
    { name: 'a link, with overwrite: false', appear: (file: string) => fs.symlinkSync('elsewhere', file), options: { overwrite: false }, code: 'already-exists' },
  ])('what takes the name while the data comes stays: $name', async ({ appear, options, code }) => {
    const dir = scratch();
    const open = openFiles();
    const source = (async function* () {
      yield 'x'.repeat(100_000);
      appear(`${dir}/f`);
      yield 'y';
    })();
    let after = {};
    const given = await failure(() => writeAtomic(`${dir}/f`, (async function* () {
      yield* source;
      after = tree(dir);
    })(), options));
    expectRefusal(given, code);
    const stays = Object.entries(after).filter(([name]) => name === '.' || name.startsWith('./f'));
    expect(stays.length).toBe(2);
    expect(tree(dir)).toEqual(Object.fromEntries(stays));
    expect(openFiles()).toEqual(open);
  });

  test('a directory that is removed while the data comes is an error, typed, with no descriptor left', async () => {
    const dir = scratch();
    build(dir, ['d/']);
    const open = openFiles();
    const given = await failure(() => writeAtomic(`${dir}/d/f`, (async function* () {
      yield 'x'.repeat(100_000);
      fs.rmSync(`${dir}/d`, { recursive: true });
      yield 'y';
    })()));
    expect(given).toMatchObject({ path: expect.stringContaining(`${dir}/d`) });
    expect(given.sysCode ?? given.code).toBe('ENOENT');
    expect(fs.readdirSync(dir)).toEqual([]);
    expect(openFiles()).toEqual(open);
  });

  test('the source is closed when the target is refused', async () => {
    const dir = scratch();
    build(dir, ['d/']);
    let stopped = false;
    const source = (async function* () {
      try {
        for (let sent = 0; sent < 1000; sent += 1) yield 'x';
      } finally {
        stopped = true;
      }
    })();
    await source.next();
    expectRefusal(await failure(() => writeAtomic(`${dir}/d`, source)), 'not-file');
    expect(stopped).toBe(true);
    expect(strays(dir)).toEqual([]);
  });

  test('the source is closed after a chunk of the wrong type', async () => {
    const dir = scratch();
    let stopped = false;
    await failure(() => writeAtomic(`${dir}/f`, (function* () {
      try {
        yield 1 as never;
        yield 'x';
      } finally {
        stopped = true;
      }
    })()));
    expect(stopped).toBe(true);
    expect(fs.readdirSync(dir)).toEqual([]);
  });

  test('a stream that nothing was read from is destroyed: it would keep its file open', async () => {
    const dir = scratch();
    build(dir, ['source: x', 'd/', 'old: old', 'ln => old']);
    const root = openRootSync(dir);
    const aborted = new AbortController();
    const writes: Record<string, (data: Readable) => Promise<unknown>> = {
      'not-file': (data) => writeAtomic(`${dir}/d`, data),
      'not-found': (data) => writeAtomic(`${dir}/missing/f`, data),
      symlink: (data) => writeAtomic(`${dir}/ln`, data),
      'already-exists': (data) => writeAtomic(`${dir}/old`, data, { overwrite: false }),
      'outside-workspace': (data) => root.writeAtomic('../f', data),
      'not-directory': (data) => writeAtomic('f', data, { root: `${dir}/old` }),
      gone: (data) => {
        const writing = writeAtomic(`${dir}/f`, data, { signal: aborted.signal });
        aborted.abort({ code: 'gone' });
        return writing;
      },
    };
    for (const [code, write] of Object.entries(writes)) {
      const data = fs.createReadStream(`${dir}/source`);
      await once(data, 'open');
      await expect(write(data)).rejects.toMatchObject({ code });
      // An aborted write rejects at once, and destroys its source afterwards.
      await eventually(() => expect(data.destroyed, code).toBe(true));
    }
    root.close();
  });

  test('a source with a method `destroy` that is no stream is left alone', async () => {
    const dir = scratch();
    let destroyed = false;
    const source = Object.assign(new Set(['x']), { destroy: () => { destroyed = true; } });
    expectRefusal(await failure(() => writeAtomic(`${dir}/missing/f`, source)), 'not-found');
    expect(destroyed).toBe(false);
  });
});

describe('data that an earlier write was given', () => {
  const always = (only: Iterator<unknown>): object => ({ [Symbol.iterator]: () => only });
  const ofStream = (stream: Readable): object => ({ [Symbol.asyncIterator]: () => stream[Symbol.asyncIterator]() });
  const sources: [string, () => any][] = [
    ['an async generator', () => slowly(['payload'])],
    ['a generator', () => numbers(3)],
    ['an iterator of an array', () => ['payload'].values()],
    ['the body of a Response', () => new Response('payload').body],
    ['the stream of a Blob', () => new Blob(['payload']).stream()],
    ['a Node stream', () => Readable.from(['payload'])],
    ['a readline interface', () => createInterface({ input: Readable.from(['payload\n']) })],
    ['a readline interface of promises', () => createPromisesInterface({ input: Readable.from(['payload\n']) })],
    ['a wrapper of one generator', () => always(numbers(3))],
    ['a wrapper of one stream', () => ofStream(Readable.from(['payload']))],
    ['a proxy of one generator', () => new Proxy(always(numbers(3)), {})],
  ];
  const refused = { code: 'ERR_INVALID_STATE', message: expect.stringContaining('already consumed') };

  test.each(sources)('is refused after a failure, and the old content stays: %s', async (_name, make) => {
    const dir = scratch();
    build(dir, ['f: old']);
    const data = make();
    expect(await failure(() => writeAtomic(`${dir}/missing/f`, data))).toMatchObject({ code: 'not-found' });
    expect(await failure(() => writeAtomic(`${dir}/f`, data))).toMatchObject(refused);
    expect(fs.readFileSync(`${dir}/f`, 'utf8')).toBe('old');
  });

  test.each(sources)('is refused after a success, and while it is read: %s', async (_name, make) => {
    const dir = scratch();
    const data = make();
    const first = writeAtomic(`${dir}/first`, data);
    expect(await failure(() => writeAtomic(`${dir}/second`, data))).toMatchObject(refused);
    expect((await first).size).toBeGreaterThan(5);
    expect(await failure(() => writeAtomic(`${dir}/third`, data))).toMatchObject(refused);
    expect(fs.readdirSync(dir)).toEqual(['first']);
  });

  test('is accepted where it can be iterated once more, and where a part is left', async () => {
    const dir = scratch();
    const chunks = ['a', 'b'];
    const again = { *[Symbol.iterator]() { yield 'c'; } };
    for (let count = 0; count < 2; count += 1) {
      expect((await writeAtomic(`${dir}/array`, chunks)).size).toBe(2);
      expect((await writeAtomic(`${dir}/iterable`, again)).size).toBe(1);
    }
    const stream = new Blob(['payload']).stream();
    const reader = stream.getReader();
    reader.releaseLock();
    expect((await writeAtomic(`${dir}/stream`, stream)).size).toBe(7);
    const peeked = Readable.from(['head', 'tail']);
    await once(peeked, 'readable');
    peeked.read();
    expect((await writeAtomic(`${dir}/peeked`, peeked)).size).toBe(4);
    expect((await writeAtomic(`${dir}/empty`, Readable.from([]))).size).toBe(0);
  });
});
