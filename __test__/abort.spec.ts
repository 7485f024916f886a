import * as fs from 'node:fs';
import { describe, expect, test } from 'vitest';
import { ensureDir, openLocalFileSafely, readLocalFileSafely, writeAtomic } from '../index.mjs';
import { openFiles, outcome } from './helpers/forms.js';
import { build, scratch, tree } from './helpers/scratch.js';

const VERBS: { name: string; call: (dir: string, signal: AbortSignal) => Promise<unknown> }[] = [
  { name: 'readLocalFileSafely', call: (dir, signal) => readLocalFileSafely(`${dir}/f`, { signal }) },
  { name: 'readLocalFileSafely with an options object', call: (dir, signal) => readLocalFileSafely({ filePath: `${dir}/f`, signal }) },
  { name: 'openLocalFileSafely', call: (dir, signal) => openLocalFileSafely(`${dir}/f`, { signal }) },
  { name: 'writeAtomic', call: (dir, signal) => writeAtomic(`${dir}/f`, 'new', { signal }) },
  { name: 'writeAtomic of a stream', call: (dir, signal) => writeAtomic(`${dir}/f`, ['n', 'ew'], { signal }) },
  { name: 'writeAtomic with mkdir', call: (dir, signal) => writeAtomic(`${dir}/a/b/f`, 'new', { signal, mkdir: true }) },
  { name: 'ensureDir', call: (dir, signal) => ensureDir(`${dir}/a/b`, { signal }) },
];

describe.each(VERBS)('$name', ({ call }) => {
  test('rejects with the very reason of a signal that is aborted already, and does nothing', async () => {
    for (const reason of [undefined, new Error('enough'), 'a string', 42, null, { any: 'thing' }]) {
      const dir = scratch();
      build(dir, ['f: old']);
      const before = tree(dir);
      const open = openFiles();
      const signal = reason === undefined ? AbortSignal.abort() : AbortSignal.abort(reason);
      const given = await call(dir, signal).then(() => expect.unreachable('the call went through'), (error: unknown) => ({ error }));
      expect(given).toEqual({ error: signal.reason });
      if (typeof signal.reason === 'object') expect((given as { error: unknown }).error).toBe(signal.reason);
      expect(tree(dir)).toEqual(before);
      expect(openFiles()).toEqual(open);
    }
  });

  test('rejects with the reason, or has succeeded whole, when aborted right after the call', async () => {
    for (let round = 0; round < 20; round += 1) {
      const dir = scratch();
      build(dir, ['f: old']);
      const before = tree(dir);
      const open = openFiles();
      const controller = new AbortController();
      const calling = outcome(() => call(dir, controller.signal));
      if (round % 2) await new Promise((resolve) => setImmediate(resolve));
      controller.abort(new Error('enough'));
      const { value, error } = await calling;
      if (error) {
        expect(error).toBe(controller.signal.reason);
        const allowed = Object.keys(tree(dir)).filter((name) => !(name in before));
        expect(allowed.every((name) => /^\.\/a(\/b)?$/.test(name)), allowed.join(' ')).toBe(true);
        expect(fs.readFileSync(`${dir}/f`, 'utf8')).toBe('old');
      } else {
        await (value as { handle?: fs.promises.FileHandle }).handle?.close();
      }
      expect(openFiles()).toEqual(open);
    }
  });

  test('is not disturbed by an abort after it has ended', async () => {
    const dir = scratch();
    build(dir, ['f: old']);
    const controller = new AbortController();
    const value = (await call(dir, controller.signal)) as { handle?: fs.promises.FileHandle };
    const after = tree(dir);
    controller.abort();
    await new Promise((resolve) => setImmediate(resolve));
    expect(tree(dir)).toEqual(after);
    await value.handle?.close();
  });

  test('leaves no listener on the signal', async () => {
    const dir = scratch();
    build(dir, ['f: old']);
    const { signal } = new AbortController();
    let listeners = 0;
    const add = signal.addEventListener.bind(signal);
    const remove = signal.removeEventListener.bind(signal);
    signal.addEventListener = ((...args: Parameters<typeof add>) => { listeners += 1; add(...args); }) as never;
    signal.removeEventListener = ((...args: Parameters<typeof remove>) => { listeners -= 1; remove(...args); }) as never;
    const value = (await call(dir, signal)) as { handle?: fs.promises.FileHandle };
    await value.handle?.close();
    expect(listeners).toBeLessThanOrEqual(0);
  });
});

describe('a signal of the wrong type', () => {
  test.each(VERBS)('is refused by $name, which rejects', async ({ call }) => {
    for (const signal of [1, 'abort', {}, null, true, new AbortController(), new EventTarget(), { aborted: false }, { aborted: true, reason: 'x' }]) {
      const dir = scratch();
      build(dir, ['f: old']);
      const before = tree(dir);
      await expect(call(dir, signal as never)).rejects.toMatchObject({ name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' });
      expect(tree(dir)).toEqual(before);
    }
  });
});

describe('a stream that is aborted in the middle', () => {
  test('rejects with the reason, tells the source to stop, and leaves the old file and no temporary', async () => {
    const dir = scratch();
    build(dir, ['f 0640: old']);
    const before = tree(dir);
    const open = openFiles();
    const controller = new AbortController();
    const reason = new Error('enough');
    let stopped = false;
    const source = (async function* () {
      try {
        for (let sent = 0; sent < 1000; sent += 1) {
          yield 'x'.repeat(10_000);
          if (sent === 5) controller.abort(reason);
        }
      } finally {
        stopped = true;
      }
    })();
    await expect(writeAtomic(`${dir}/f`, source, { signal: controller.signal })).rejects.toBe(reason);
    expect(stopped).toBe(true);
    expect(tree(dir)).toEqual(before);
    expect(openFiles()).toEqual(open);
  });

  test('rejects at once, though the source has nothing to say', async () => {
    const dir = scratch();
    build(dir, ['f: old']);
    const before = tree(dir);
    const controller = new AbortController();
    const silent = { [Symbol.asyncIterator]: () => ({ next: () => new Promise<never>(() => {}) }) };
    const writing = writeAtomic(`${dir}/f`, silent, { signal: controller.signal });
    const reason = new Error('enough');
    setTimeout(() => controller.abort(reason), 20);
    await expect(writing).rejects.toBe(reason);
    expect(tree(dir)).toEqual(before);
  });

  test('AbortSignal.timeout rejects with its TimeoutError', async () => {
    const dir = scratch();
    const silent = { [Symbol.asyncIterator]: () => ({ next: () => new Promise<never>(() => {}) }) };
    await expect(writeAtomic(`${dir}/f`, silent, { signal: AbortSignal.timeout(20) })).rejects.toMatchObject({ name: 'TimeoutError' });
    expect(fs.readdirSync(dir)).toEqual([]);
  });
});

describe('a write that waits for its turn', () => {
  test('is dropped when aborted there, and those around it are not', async () => {
    const file = `${scratch()}/f`;
    const controller = new AbortController();
    const first = writeAtomic(file, 'x'.repeat(5_000_000));
    const second = writeAtomic(file, 'second', { signal: controller.signal });
    const third = writeAtomic(file, 'third');
    controller.abort(new Error('enough'));
    await expect(second).rejects.toBe(controller.signal.reason);
    await first;
    await third;
    expect(fs.readFileSync(file, 'utf8')).toBe('third');
  });
});
