// The publication by writeAtomicMany: order, the bytes as of the call, and aborts.
import * as fs from 'node:fs';
import { describe, expect, test } from 'vitest';
import { openRootSync, writeAtomic, writeAtomicMany, type WriteEntry, type WriteResult } from '../../../index.mjs';
import { eventually, openFiles, outcome } from '../../helpers/forms.js';
import { build, modeOf, scratch, strays } from '../../helpers/scratch.js';
import { octal } from '../../helpers/umask.js';

const QUICK = { durable: false } as const;

function content(file: string): string {
  return fs.readFileSync(file, 'utf8');
}

/** Returns content whose length differs from its neighbours', so that later ones would be ready sooner. */
function heavy(number: number, count: number): string {
  return `${number}:${'x'.repeat((count - number) * 4000)}`;
}

function numberIn(file: string): string {
  return content(file).split(':')[0]!;
}

describe('entries with one name', () => {
  test.each([2, 16, 64, 65, 130])('are published in order: the last of %i stays', async (count) => {
    const dir = scratch();
    const entries = Array.from({ length: count }, (_, number) => ({ file: `${dir}/f`, data: heavy(number, count) }));
    const settled = await writeAtomicMany(entries, QUICK);
    expect(settled.every(({ status }) => status === 'fulfilled')).toBe(true);
    expect(numberIn(`${dir}/f`)).toBe(String(count - 1));
    const inodes = settled.map((entry) => (entry as PromiseFulfilledResult<WriteResult>).value.ino);
    expect(inodes.at(-1)).toBe(fs.statSync(`${dir}/f`).ino);
    expect(fs.readdirSync(dir)).toEqual(['f']);
  });

  test('are one target however it is spelled, through linked directories and a followed link too', async () => {
    const dir = scratch();
    build(dir, ['d/f: old', 'ln => d', 'd/link => f']);
    for (let round = 0; round < 10; round += 1) {
      const files = [`${dir}/d/f`, `${dir}/ln/f`, Buffer.from(`${dir}/d/./f`), `${dir}/d/link`, `${dir}//d/f`, `${dir}/ln/link`];
      const rotated = [...files.slice(round % 6), ...files.slice(0, round % 6)];
      const settled = await writeAtomicMany(rotated.map((file, number) => ({ file, data: heavy(number, 6) })), { ...QUICK, finalSymlink: 'follow' });
      expect(settled.map(({ status }) => status)).toEqual(Array(6).fill('fulfilled'));
      expect(numberIn(`${dir}/d/f`)).toBe('5');
      expect(fs.readlinkSync(`${dir}/d/link`)).toBe('f');
    }
    expect(strays(dir)).toEqual([]);
  });

  test('with overwrite: false, the first wins and the others find it there', async () => {
    const dir = scratch();
    const entries = Array.from({ length: 20 }, (_, number) => ({ file: `${dir}/f`, data: heavy(number, 20), options: { overwrite: false } }));
    const settled = await writeAtomicMany(entries, QUICK);
    expect(settled.map((entry) => (entry.status === 'fulfilled' ? 'written' : entry.reason.code))).toEqual(['written', ...Array(19).fill('already-exists')]);
    expect(numberIn(`${dir}/f`)).toBe('0');
    expect(fs.readdirSync(dir)).toEqual(['f']);
  });

  test('never widen what the one before set: as with two calls, its mode is kept', async () => {
    const dir = scratch();
    const settled = await writeAtomicMany(
      [
        { file: `${dir}/f`, data: 'secret', options: { mode: 0o600 } },
        { file: `${dir}/f`, data: 'later secret' },
      ],
      QUICK,
    );
    expect(settled.map((entry) => (entry.status === 'fulfilled' ? octal(entry.value.mode) : entry.reason))).toEqual(['0600', '0600']);
    expect(octal(modeOf(`${dir}/f`))).toBe('0600');
  });

  test('that fail do not hold up the others of that name', async () => {
    const dir = scratch();
    build(dir, ['f: old']);
    const settled = await writeAtomicMany(
      [
        { file: `${dir}/f`, data: 'first' },
        { file: `${dir}/f`, data: 'refused', options: { overwrite: false } },
        { file: `${dir}/f`, data: 'last' },
      ],
      QUICK,
    );
    expect(settled.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(content(`${dir}/f`)).toBe('last');
  });
});

describe('among other calls on the same targets', () => {
  test('calls publish in the order they were made', async () => {
    for (let round = 0; round < 10; round += 1) {
      const dir = scratch();
      const at = (name: string) => `${dir}/${name}`;
      const calls = [
        writeAtomic(at('a'), heavy(0, 40), QUICK),
        writeAtomicMany([{ file: at('a'), data: heavy(10, 40) }, { file: at('b'), data: heavy(10, 40) }], QUICK),
        writeAtomic(at('b'), heavy(20, 40), QUICK),
        writeAtomic(at('c'), (async function* () {
          yield '20:';
          yield 'x';
        })(), QUICK),
        writeAtomicMany(['a', 'b', 'c'].map((name) => ({ file: at(name), data: heavy(30, 40) })), QUICK),
        writeAtomic(at('a'), heavy(38, 40), QUICK),
        writeAtomicMany([{ file: at('c'), data: heavy(38, 40) }], QUICK),
        writeAtomic(at('b'), heavy(38, 40), QUICK),
      ];
      await calls[1];
      expect(Number(numberIn(at('a')))).toBeGreaterThanOrEqual(10);
      expect(Number(numberIn(at('b')))).toBeGreaterThanOrEqual(10);
      await Promise.all(calls);
      expect(['a', 'b'].map((name) => numberIn(at(name)))).toEqual(['38', '38']);
      expect(fs.readdirSync(dir).sort()).toEqual(['a', 'b', 'c']);
    }
  });

  test('a call that fails, before it or itself, does not hold up those behind it', async () => {
    const dir = scratch();
    build(dir, ['f: old', 'd/']);
    const calls = [
      outcome(() => writeAtomic(`${dir}/f`, 'x', { overwrite: false })),
      outcome(() => writeAtomicMany([{ file: `${dir}/f`, data: 'x' }], { root: `${dir}/missing` })),
      outcome(() => writeAtomicMany([{ file: `${dir}/f`, data: 'many' }, { file: `${dir}/d`, data: 'x' }])),
      outcome(() => writeAtomic(`${dir}/d`, 'x')),
      outcome(() => writeAtomic(`${dir}/f`, 'last')),
    ];
    const ended = await Promise.all(calls);
    expect(ended.map(({ error }) => error?.code)).toEqual(['already-exists', 'not-found', undefined, 'not-file', undefined]);
    expect(content(`${dir}/f`)).toBe('last');
  });

  test('targets of a Root are in order, as its method and beside its writeAtomic', async () => {
    using root = openRootSync(scratch());
    const calls = [
      root.writeAtomicMany([{ file: 'f', data: heavy(0, 20) }, { file: 'g', data: '0:' }], QUICK),
      root.writeAtomic('./f', heavy(10, 20), QUICK),
      root.writeAtomicMany([{ file: 'g', data: '10:' }, { file: 'f', data: heavy(19, 20) }], QUICK),
    ];
    await Promise.all(calls);
    expect([numberIn(`${root.path}/f`), numberIn(`${root.path}/g`)]).toEqual(['19', '10']);
  });

  test('200 calls of it side by side on targets of their own all end well', async () => {
    const dir = scratch();
    const open = openFiles();
    const calls = Array.from({ length: 200 }, (_, call) =>
      writeAtomicMany(Array.from({ length: 5 }, (_, number) => ({ file: `${dir}/${call}-${number}`, data: `${call}-${number}` })), QUICK),
    );
    const settled = (await Promise.all(calls)).flat();
    expect(settled.filter(({ status }) => status === 'rejected')).toEqual([]);
    expect(fs.readdirSync(dir)).toHaveLength(1000);
    expect(content(`${dir}/199-4`)).toBe('199-4');
    expect(openFiles()).toEqual(open);
  });
});

describe('what is written is what there was at the time of the call', () => {
  test('bytes, paths, entries and options that change afterwards change nothing', async () => {
    const dir = scratch();
    fs.mkdirSync(`${dir}/one`);
    fs.mkdirSync(`${dir}/two`);
    const file = Buffer.from(`${dir}/one/f`);
    const bytes = Buffer.alloc(300_000, 'a');
    const shared = new Uint8Array(new SharedArrayBuffer(1000)).fill(98);
    const detached = new ArrayBuffer(1000);
    const options = { mode: 0o600 };
    const entries: WriteEntry[] = [
      { file, data: bytes, options },
      { file: `${dir}/shared`, data: shared },
      { file: `${dir}/detached`, data: detached },
    ];
    const call = { durable: false, newFileMode: 0o640 };
    // A pending write to the same target, so that the call has to wait while all of this changes.
    const before = writeAtomic(`${dir}/one/f`, 'x'.repeat(1 << 20), QUICK);
    const calling = writeAtomicMany(entries, call);
    file.write('two', file.length - 5);
    bytes.fill('z');
    shared.fill(122);
    structuredClone(detached, { transfer: [detached] });
    options.mode = 0o666;
    call.newFileMode = 0o666;
    entries[1]!.file = `${dir}/elsewhere`;
    entries.length = 0;
    await before;
    const settled = await calling;
    expect(settled.map(({ status }) => status)).toEqual(Array(3).fill('fulfilled'));
    expect(content(`${dir}/one/f`)).toBe('a'.repeat(300_000));
    expect(octal(modeOf(`${dir}/one/f`))).toBe('0600');
    expect(content(`${dir}/shared`)).toBe('b'.repeat(1000));
    expect(octal(modeOf(`${dir}/shared`))).toBe('0640');
    expect(fs.readFileSync(`${dir}/detached`).equals(Buffer.alloc(1000))).toBe(true);
    expect(fs.readdirSync(dir).sort()).toEqual(['detached', 'one', 'shared', 'two']);
    expect(fs.readdirSync(`${dir}/two`)).toEqual([]);
  });

  test('errors name the path of the call', async () => {
    const dir = scratch();
    const file = Buffer.from(`${dir}/one/f`);
    const calling = writeAtomicMany([{ file, data: 'x' }]);
    file.write('two', file.length - 5);
    expect(await calling).toMatchObject([{ status: 'rejected', reason: { code: 'not-found', path: `${dir}/one/f` } }]);
  });
});

describe('a signal', () => {
  test('that is aborted already rejects the call with its very reason, and nothing is written', async () => {
    for (const why of [new Error('enough'), 'text', 0, null]) {
      const dir = scratch();
      const given = await outcome(() => writeAtomicMany([{ file: `${dir}/f`, data: 'x' }], { signal: AbortSignal.abort(why) }));
      expect(given.error).toBe(why);
      expect(fs.readdirSync(dir)).toEqual([]);
    }
  });

  test('aborted while the call waits its turn leaves every target alone', async () => {
    const dir = scratch();
    const controller = new AbortController();
    const before = writeAtomic(`${dir}/f`, 'before'.repeat(100_000), QUICK);
    const calling = outcome(() => writeAtomicMany([{ file: `${dir}/f`, data: 'x' }, { file: `${dir}/g`, data: 'x' }], { signal: controller.signal }));
    const behind = writeAtomic(`${dir}/g`, 'behind', QUICK);
    controller.abort(new Error('enough'));
    await before;
    expect((await calling).error).toBe(controller.signal.reason);
    await behind;
    expect(content(`${dir}/f`).startsWith('before')).toBe(true);
    expect(content(`${dir}/g`)).toBe('behind');
    expect(strays(dir)).toEqual([]);
  });

  test('aborted at any moment rejects the call, and leaves each target old or new and nothing else', async () => {
    let aborted = 0;
    for (let round = 0; round < 32; round += 4) {
      const dir = scratch();
      build(dir, Array.from({ length: 100 }, (_, number) => `f${number}: old`));
      const controller = new AbortController();
      const entries = Array.from({ length: 100 }, (_, number) => ({ file: `${dir}/f${number}`, data: `new ${number}` }));
      const calling = outcome(() => writeAtomicMany(entries, { signal: controller.signal, durable: round % 16 === 0 }));
      const began = performance.now();
      while (performance.now() - began < round) await new Promise((resolve) => setImmediate(resolve));
      controller.abort(new Error('enough'));
      const { value, error } = await calling;
      aborted += Number(error !== undefined);
      if (error) expect(error).toBe(controller.signal.reason);
      else expect(value?.every(({ status }) => status === 'fulfilled')).toBe(true);
      await eventually(() => {
        expect(fs.readdirSync(dir)).toHaveLength(100);
        // Counts only this call: the job of an earlier aborted call may still close its descriptors.
        expect(openFiles().filter((file) => file.includes(dir))).toEqual([]);
      });
      for (let number = 0; number < 100; number += 1) {
        expect(error ? ['old', `new ${number}`] : [`new ${number}`]).toContain(content(`${dir}/f${number}`));
      }
    }
    expect(aborted).toBeGreaterThan(0);
  });

  test('that is aborted afterwards changes nothing, and no listener stays on it', async () => {
    const controller = new AbortController();
    let listeners = 0;
    const { signal } = controller;
    const add = signal.addEventListener.bind(signal);
    const remove = signal.removeEventListener.bind(signal);
    signal.addEventListener = ((...args: Parameters<typeof add>) => (listeners++, add(...args))) as typeof add;
    signal.removeEventListener = ((...args: Parameters<typeof remove>) => (listeners--, remove(...args))) as typeof remove;
    const file = `${scratch()}/f`;
    const settled = await writeAtomicMany([{ file, data: 'x' }], { signal });
    controller.abort();
    expect(settled[0]?.status).toBe('fulfilled');
    expect(listeners).toBe(0);
    expect(content(file)).toBe('x');
  });
});
