import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, onTestFinished, test } from 'vitest';
import { ensureDir, openLocalFileSafely, openRootSync, readLocalFileSafely, stageAtomic, writeAtomic, writeAtomicMany } from '../../../index.mjs';
import { eventually, openFiles, outcome } from '../../helpers/forms.js';
import { build, scratch, tree } from '../../helpers/scratch.js';

const VERBS: { name: string; call: (dir: string, signal: AbortSignal) => Promise<unknown> }[] = [
  { name: 'readLocalFileSafely', call: (dir, signal) => readLocalFileSafely(`${dir}/f`, { signal }) },
  { name: 'readLocalFileSafely with an options object', call: (dir, signal) => readLocalFileSafely({ filePath: `${dir}/f`, signal }) },
  { name: 'openLocalFileSafely', call: (dir, signal) => openLocalFileSafely(`${dir}/f`, { signal }) },
  { name: 'writeAtomic', call: (dir, signal) => writeAtomic(`${dir}/f`, 'new', { signal }) },
  { name: 'writeAtomic of a stream', call: (dir, signal) => writeAtomic(`${dir}/f`, ['n', 'ew'], { signal }) },
  { name: 'writeAtomic with mkdir', call: (dir, signal) => writeAtomic(`${dir}/a/b/f`, 'new', { signal, mkdir: true }) },
  { name: 'ensureDir', call: (dir, signal) => ensureDir(`${dir}/a/b`, { signal }) },
];

/** Verbs that run in the pool: with `root` as an option, no read completes from memory. */
const IN_POOL: typeof VERBS = [
  { name: 'readLocalFileSafely', call: (dir, signal) => readLocalFileSafely('f', { root: dir, signal }) },
  { name: 'readLocalFileSafely of a large file', call: (dir, signal) => readLocalFileSafely('large', { root: dir, signal, maxBytes: Infinity }) },
  { name: 'readLocalFileSafely of a large file in memory', call: (dir, signal) => readLocalFileSafely(`${dir}/large`, { signal }) },
  ...VERBS.filter(({ name }) => !name.startsWith('read')),
  { name: 'writeAtomicMany', call: (dir, signal) => writeAtomicMany(['f', 'g'].map((file) => ({ file: `${dir}/${file}`, data: 'new' })), { signal }) },
  { name: 'stageAtomic', call: async (dir, signal) => (await stageAtomic(`${dir}/f`, { signal })).abort() },
  { name: 'Root.read', call: (dir, signal) => withRoot(dir, (root) => root.read('large', { signal, maxBytes: Infinity })) },
  { name: 'Root.writeAtomic', call: (dir, signal) => withRoot(dir, (root) => root.writeAtomic('f', 'new', { signal })) },
  { name: 'Root.ensureDir', call: (dir, signal) => withRoot(dir, (root) => root.ensureDir('a/b', { signal })) },
];

/** Closes the root while the call is pending or waits for its turn. */
function withRoot<T>(dir: string, call: (root: ReturnType<typeof openRootSync>) => Promise<T>): Promise<T> {
  const root = openRootSync(dir);
  const calling = call(root);
  root.close();
  return calling;
}

/** Blocks all threads of libuv's pool until the returned function is called: each opens a FIFO without a writer. */
function busyPool() {
  const pipes = Array.from({ length: 4 }, () => `${scratch()}/pipe`);
  let busy = pipes.length;
  execFileSync('mkfifo', pipes);
  const opening = pipes.map(async (pipe) => {
    const handle = await fs.promises.open(pipe, 'r');
    busy -= 1;
    await handle.close();
  });
  const end = async () => {
    // A reader's open ends when there is a writer. An open with O_RDWR does not wait.
    const writers = pipes.map((pipe) => fs.openSync(pipe, fs.constants.O_RDWR));
    await Promise.all(opening);
    for (const writer of writers) fs.closeSync(writer);
  };
  onTestFinished(end);
  return { busy: () => busy, end };
}

describe.each(VERBS)('$name', ({ call }) => {
  test('rejects with the reason of an aborted signal, and does nothing', async () => {
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

  test('rejects with the reason, or succeeds completely, when aborted right after the call', async () => {
    // Once: the pending work of an aborted call may open and close a descriptor at any later time.
    const open = openFiles();
    for (let round = 0; round < 20; round += 1) {
      const dir = scratch();
      build(dir, ['f: old']);
      const before = tree(dir);
      const controller = new AbortController();
      const calling = outcome(() => call(dir, controller.signal));
      if (round % 2) await new Promise((resolve) => setImmediate(resolve));
      controller.abort(new Error('enough'));
      const { value, error } = await calling;
      if (error) {
        expect(error).toBe(controller.signal.reason);
        await eventually(() => {
          const made = Object.keys(tree(dir)).filter((name) => !(name in before));
          expect(made.every((name) => /^\.\/a(\/b(\/f)?)?$/.test(name)), made.join(' ')).toBe(true);
          expect(fs.readFileSync(`${dir}/f`, 'utf8')).toMatch(/^(old|new)$/);
          expect(openFiles()).toEqual(open);
        });
      } else {
        await (value as { handle?: fs.promises.FileHandle }).handle?.close();
        await eventually(() => expect(openFiles()).toEqual(open));
      }
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
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

describe('a signal that aborts while the pool is busy', () => {
  test.each(IN_POOL)('rejects $name at once, and the call leaves nothing', async ({ call }) => {
    const dir = scratch();
    build(dir, ['f: old']);
    fs.writeFileSync(`${dir}/large`, Buffer.alloc(20 << 20, 'x'));
    await ensureDir(dir);
    await readLocalFileSafely(`${dir}/large`);
    const before = tree(dir);
    const open = openFiles();
    const pool = busyPool();
    const controller = new AbortController();
    const calling = outcome(() => call(dir, controller.signal));
    setTimeout(() => controller.abort(new Error('enough')), 10);
    const { error } = await calling;
    expect(pool.busy()).toBe(4);
    expect(error).toBe(controller.signal.reason);
    await pool.end();
    await eventually(() => {
      expect(openFiles()).toEqual(open);
      expect(fs.readFileSync(`${dir}/f`, 'utf8')).toBe('old');
      expect(Object.keys(tree(dir)).filter((name) => !(name in before) && !/^\.\/a(\/b)?$/.test(name))).toEqual([]);
    });
  });

  test('rejects the commit of a staged file at once, and removes its temporary', async () => {
    const dir = scratch();
    build(dir, ['f: old']);
    const open = openFiles();
    const controller = new AbortController();
    const staged = await stageAtomic(`${dir}/f`, { signal: controller.signal });
    const pool = busyPool();
    const committing = outcome(() => staged.commit());
    setTimeout(() => controller.abort(new Error('enough')), 10);
    expect((await committing).error).toBe(controller.signal.reason);
    expect(pool.busy()).toBe(4);
    await pool.end();
    await staged.abort();
    expect(fs.readdirSync(dir)).toEqual(['f']);
    expect(fs.readFileSync(`${dir}/f`, 'utf8')).toBe('old');
    expect(openFiles()).toEqual(open);
  });

  test('closes the descriptor of a large read whose content it does not wait for', async () => {
    const file = `${scratch()}/large`;
    fs.writeFileSync(file, Buffer.alloc(64 << 20, 'x'));
    const open = openFiles();
    for (let delay = 0; delay < 30; delay += 3) {
      const controller = new AbortController();
      const reading = outcome(() => readLocalFileSafely(file, { signal: controller.signal }));
      setTimeout(() => controller.abort(new Error('enough')), delay);
      const { error } = await reading;
      if (error) expect(error).toBe(controller.signal.reason);
    }
    await eventually(() => expect(openFiles()).toEqual(open));
  });
});

describe('one signal for many calls', () => {
  function counted(signal: AbortSignal) {
    const count = { listeners: 0, most: 0 };
    const add = signal.addEventListener.bind(signal);
    const remove = signal.removeEventListener.bind(signal);
    signal.addEventListener = ((...args: Parameters<typeof add>) => {
      count.listeners += 1;
      count.most = Math.max(count.most, count.listeners);
      add(...args);
    }) as never;
    signal.removeEventListener = ((...args: Parameters<typeof remove>) => {
      count.listeners -= 1;
      remove(...args);
    }) as never;
    return count;
  }

  test('has one listener, warns of no leak, and loses the listener with the last call', async () => {
    const warnings: Error[] = [];
    const warn = (warning: Error) => warnings.push(warning);
    process.on('warning', warn);
    try {
      const dir = scratch();
      fs.writeFileSync(`${dir}/large`, Buffer.alloc(1 << 20));
      const { signal } = new AbortController();
      const count = counted(signal);
      const calls = Array.from({ length: 60 }, (_, n) => [
        writeAtomic(`${dir}/${n}`, 'x', { signal, durable: false }),
        writeAtomic(`${dir}/s${n}`, ['x'], { signal, durable: false }),
        readLocalFileSafely('large', { root: dir, signal }),
        openLocalFileSafely(`${dir}/large`, { signal }).then(({ handle }) => handle.close()),
        ensureDir(`${dir}/d${n}`, { signal }),
        writeAtomicMany([{ file: `${dir}/m${n}`, data: 'x' }], { signal, durable: false }),
        stageAtomic(`${dir}/t${n}`, { signal }).then((staged) => staged.commit()),
      ]);
      await Promise.all(calls.flat());
      await new Promise((resolve) => setImmediate(resolve));
      expect(count).toEqual({ listeners: 0, most: 1 });
      expect(warnings).toEqual([]);
    } finally {
      process.off('warning', warn);
    }
  });

  test('rejects all of them with its reason', async () => {
    const dir = scratch();
    build(dir, ['f: old']);
    const controller = new AbortController();
    const pool = busyPool();
    const calls = IN_POOL.filter(({ name }) => !name.includes('large') && name !== 'Root.read').map(({ call }) => outcome(() => call(dir, controller.signal)));
    setTimeout(() => controller.abort(new Error('enough')), 10);
    for (const { error } of await Promise.all(calls)) expect(error).toBe(controller.signal.reason);
    expect(pool.busy()).toBe(4);
    await pool.end();
    await eventually(() => expect(fs.readFileSync(`${dir}/f`, 'utf8')).toBe('old'));
  });

  test('keeps memory flat over thousands of calls', async () => {
    setFlagsFromString('--expose-gc');
    const gc = runInNewContext('gc') as () => void;
    const dir = scratch();
    build(dir, ['f: old', 'd/ 0700']);
    const { signal } = new AbortController();
    const round = async () => {
      for (let n = 0; n < 60; n += 1) {
        await Promise.all([
          ...Array.from({ length: 30 }, () => readLocalFileSafely('f', { root: dir, signal })),
          ...Array.from({ length: 10 }, () => ensureDir('d', { root: dir, signal })),
          writeAtomic(`${dir}/w`, 'x', { signal, durable: false }),
        ]);
      }
      gc();
      return process.memoryUsage().heapUsed;
    };
    await round();
    const before = await round();
    expect((await round()) - before).toBeLessThan(256 * 1024);
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
  test('rejects with the reason, closes the source, and leaves the old file and no temporary', async () => {
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
    await eventually(() => {
      expect(stopped).toBe(true);
      expect(tree(dir)).toEqual(before);
      expect(openFiles()).toEqual(open);
    });
  });

  test('rejects at once while the source yields nothing', async () => {
    const dir = scratch();
    build(dir, ['f: old']);
    const before = tree(dir);
    const controller = new AbortController();
    const silent = { [Symbol.asyncIterator]: () => ({ next: () => new Promise<never>(() => {}) }) };
    const writing = writeAtomic(`${dir}/f`, silent, { signal: controller.signal });
    const reason = new Error('enough');
    setTimeout(() => controller.abort(reason), 20);
    await expect(writing).rejects.toBe(reason);
    await eventually(() => expect(tree(dir)).toEqual(before));
  });

  test('AbortSignal.timeout rejects with its TimeoutError', async () => {
    const dir = scratch();
    const silent = { [Symbol.asyncIterator]: () => ({ next: () => new Promise<never>(() => {}) }) };
    await expect(writeAtomic(`${dir}/f`, silent, { signal: AbortSignal.timeout(20) })).rejects.toMatchObject({ name: 'TimeoutError' });
    await eventually(() => expect(fs.readdirSync(dir)).toEqual([]));
  });
});

describe('a write that waits for its turn', () => {
  test('is dropped when aborted there, and its neighbours are not', async () => {
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
