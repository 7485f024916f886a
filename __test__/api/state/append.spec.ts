import { once } from 'node:events';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  acquireLock,
  appendJson,
  appendJsonSync,
  appendRecord,
  appendRecordSync,
  appendRecords,
  appendRecordsSync,
  openRootSync,
  updateAtomic,
  withLock,
  type AppendOptions,
  type SyncOptions,
} from '../../../index.mjs';
import { build, modeOf, scratch, scratchInMemory } from '../../helpers/scratch.js';
import { launch, start } from '../../helpers/state.js';

scratchInMemory();

const quick = { durable: false } as const;

type Forms = [name: string, one: typeof appendRecord, many: typeof appendRecords, json: typeof appendJson];

/** No test of both forms has a signal. */
const toSync = (options: AppendOptions | undefined) => options as SyncOptions<AppendOptions> | undefined;

describe.each([
  ['appendRecord', appendRecord, appendRecords, appendJson],
  ['appendRecordSync', async (file, record, options) => appendRecordSync(file, record, toSync(options)), async (file, records, options) => appendRecordsSync(file, records, toSync(options)), async (file, value, options) => appendJsonSync(file, value, toSync(options))],
] as Forms[])('%s', (name, one, many, json) => {
  it('creates the file with mode 0600 whatever the umask, and appends lines', async () => {
    const dir = scratch();
    const file = path.join(dir, 'log');
    const old = process.umask(0o277);
    expect(await one(file, 'first')).toEqual({ path: file, offset: 0, size: 6, created: true, isolated: false, rotated: false, durable: true, containment: 'none' });
    process.umask(old);
    expect(modeOf(file)).toBe(0o600);
    expect(await many(file, ['second', Buffer.from('third')], quick)).toMatchObject({ offset: 6, size: 19, created: false, durable: false });
    expect(await json(file, { text: 'a\nb' }, quick)).toMatchObject({ offset: 19 });
    expect(fs.readFileSync(file, 'utf8')).toBe('first\nsecond\nthird\n{"text":"a\\nb"}\n');
    expect(await many(file, [], quick)).toMatchObject({ size: 35 });
  });

  it('refuses a line break in a record, and what is no record', async () => {
    const dir = scratch();
    const file = path.join(dir, 'log');
    for (const record of ['a\nb', 'a\n', 'a\rb', Buffer.from('a\nb')]) {
      await expect(one(file, record)).rejects.toMatchObject({ code: 'ERR_INVALID_ARG_VALUE' });
      await expect(many(file, ['x', record])).rejects.toMatchObject({ code: 'ERR_INVALID_ARG_VALUE' });
    }
    await expect(one(file, Buffer.from('a\nb'))).rejects.toThrow("Received 'a\\nb'");
    await expect(one(file, 7 as never)).rejects.toMatchObject({ code: 'ERR_INVALID_ARG_TYPE' });
    await expect(many(file, 'text' as never)).rejects.toMatchObject({ code: 'ERR_INVALID_ARG_TYPE' });
    await expect(json(file, undefined)).rejects.toMatchObject({ code: 'ERR_INVALID_ARG_TYPE' });
    await expect(one(file, 'x', { durable: 'file' } as never)).rejects.toMatchObject({ code: 'ERR_INVALID_ARG_VALUE' });
    expect(fs.readdirSync(dir)).toEqual([]);
  });

  it('copies each record when it is yielded', async () => {
    const file = path.join(scratch(), 'log');
    const reused = function* (memory: Buffer): Generator<Buffer> {
      for (const byte of 'abc') yield memory.fill(byte);
    };
    await many(file, reused(Buffer.alloc(2)), quick);
    await many(file, reused(Buffer.from(new SharedArrayBuffer(1))), quick);
    expect(fs.readFileSync(file, 'utf8')).toBe('aa\nbb\ncc\na\nb\nc\n');
  });

  it('closes the iterator of records when one is refused', async () => {
    let isClosed = false;
    const records = (function* () {
      try {
        yield 'a\nb';
        yield 'x';
      } finally {
        isClosed = true;
      }
    })();
    await expect(many(path.join(scratch(), 'log'), records)).rejects.toMatchObject({ code: 'ERR_INVALID_ARG_VALUE', message: expect.stringContaining('records[0]') });
    expect(isClosed).toBe(true);
  });

  it('isolates a torn record, or refuses to', async () => {
    const file = path.join(scratch(), 'log');
    fs.writeFileSync(file, 'whole\nto');
    await expect(one(file, 'x', { ...quick, onTornTail: 'error' })).rejects.toMatchObject({ code: 'torn-tail', category: 'policy' });
    expect(await one(file, 'next', quick)).toMatchObject({ isolated: true, offset: 9, size: 14 });
    expect(fs.readFileSync(file, 'utf8')).toBe('whole\nto\nnext\n');
    // Also a record that is torn between two calls of one process.
    fs.appendFileSync(file, 'hal');
    expect(await one(file, 'again', quick)).toMatchObject({ isolated: true });
    expect(fs.readFileSync(file, 'utf8')).toBe('whole\nto\nnext\nhal\nagain\n');
  });

  it('writes nothing beyond maxFileBytes', async () => {
    const file = path.join(scratch(), 'log');
    await one(file, '12345', quick);
    await expect(one(file, '12345', { ...quick, maxFileBytes: 11 })).rejects.toMatchObject({ code: 'too-large', limit: 11, size: 6 });
    expect(await one(file, '1234', { ...quick, maxFileBytes: 11 })).toMatchObject({ size: 11 });
    const dir = scratch();
    await expect(one(path.join(dir, 'new'), '12345', { ...quick, maxFileBytes: 5 })).rejects.toMatchObject({ code: 'too-large', limit: 5, message: expect.stringContaining('maxFileBytes') });
    expect(fs.readdirSync(dir)).toEqual([]);
  });

  it('refuses a link, a FIFO and a directory, and follows a rotation', async () => {
    const dir = scratch();
    build(dir, ['file: text', 'link => file', 'pipe |', 'dir/']);
    for (const [at, code] of [['link', 'symlink'], ['pipe', 'not-file'], ['dir', 'not-file'], ['none/log', 'not-found']] as const) {
      await expect(one(path.join(dir, at), 'x', quick), at).rejects.toMatchObject({ code });
    }
    expect(fs.readFileSync(path.join(dir, 'file'), 'utf8')).toBe('text');
    const log = path.join(dir, 'log');
    await one(log, 'old', quick);
    fs.renameSync(log, `${log}.1`);
    expect(await one(log, 'new', quick)).toMatchObject({ created: true, rotated: false });
    fs.rmSync(log);
    expect(await one(log, 'newer', quick)).toMatchObject({ created: true });
    expect([fs.readFileSync(`${log}.1`, 'utf8'), fs.readFileSync(log, 'utf8')]).toEqual(['old\n', 'newer\n']);
    // A directory of the same path is another one.
    fs.renameSync(dir, `${dir}.old`);
    fs.mkdirSync(dir);
    expect(await one(log, 'elsewhere', quick)).toMatchObject({ created: true });
    fs.rmSync(`${dir}.old`, { recursive: true });
    expect(fs.readFileSync(log, 'utf8')).toBe('elsewhere\n');
  });

  it('makes missing directories on demand', async () => {
    const dir = scratch();
    const file = path.join(dir, 'a/b/log');
    expect(await one(file, 'x', { mkdir: true })).toMatchObject({ created: true, durable: true });
    expect(modeOf(path.join(dir, 'a'))).toBe(0o700);
  });

  it('waits for another process, for a bounded time', async () => {
    const file = path.join(scratch(), 'log');
    const holder = await start('hold', file);
    await expect(one(file, 'x', { ...quick, timeoutMs: 30 })).rejects.toMatchObject({ code: 'lock-timeout', holder: expect.stringContaining(`"pid":${holder.child.pid}`) });
    holder.child.kill('SIGKILL');
    await one(file, 'x', quick);
    expect(fs.readFileSync(file, 'utf8')).toBe('x\n');
  });
});

describe('appends', () => {
  it('work beneath a root, with its defaults', async () => {
    const dir = scratch();
    using root = openRootSync(dir, { newFileMode: 0o640, durable: false });
    expect(root.appendRecordSync('log', 'one')).toMatchObject({ path: path.join(dir, 'log'), containment: expect.stringMatching(/kernel|walk/), durable: false });
    await root.appendRecord('log', 'two');
    await root.appendRecords('log', ['three']);
    root.appendRecordsSync('log', ['four']);
    root.appendJsonSync('log', 5);
    await root.appendJson('log', 6);
    expect(modeOf(path.join(dir, 'log'))).toBe(0o640);
    expect(fs.readFileSync(path.join(dir, 'log'), 'utf8')).toBe('one\ntwo\nthree\nfour\n5\n6\n');
    await expect(root.appendRecord('../log', 'x')).rejects.toMatchObject({ code: 'outside-workspace' });
    expect(appendRecordSync('log', 'seven', { root: dir, ...quick })).toMatchObject({ created: false });
  });

  it('read no records when their signal has aborted', async () => {
    let isRead = false;
    const records = (function* () {
      isRead = true;
      yield 'x';
    })();
    await expect(appendRecords(path.join(scratch(), 'log'), records, { signal: AbortSignal.abort(new Error('enough')) })).rejects.toThrow('enough');
    expect(isRead).toBe(false);
  });

  it('keep the order of their calls', async () => {
    const file = path.join(scratch(), 'log');
    await Promise.all(Array.from({ length: 100 }, (_, index) => appendRecord(file, String(index), quick)));
    expect(fs.readFileSync(file, 'utf8')).toBe(Array.from({ length: 100 }, (_, index) => `${index}\n`).join(''));
  });

  it('exclude updates and locks of the same file', async () => {
    const file = path.join(scratch(), 'log');
    await appendRecord(file, 'one', quick);
    let appended!: Promise<unknown>;
    await updateAtomic(file, async (current) => {
      appended = new Promise((resolve) => setTimeout(resolve, 1)).then(() => appendRecord(file, 'three', quick)).catch((error: unknown) => error);
      await new Promise((resolve) => setTimeout(resolve, 20));
      return `${current}two\n`;
    }, quick);
    // Started in the callback, but refused only there.
    expect(await appended).toMatchObject({ code: 'ERR_INVALID_STATE' });
    await appendRecord(file, 'three', quick);
    expect(fs.readFileSync(file, 'utf8')).toBe('one\ntwo\nthree\n');
  });

  it('are refused on the thread that has to release the lock', async () => {
    const file = path.join(scratch(), 'log');
    const lock = await acquireLock(file);
    expect(() => appendRecordSync(file, 'x')).toThrow(expect.objectContaining({ code: 'ERR_INVALID_STATE' }));
    await lock.release();
    await withLock(file, async () => {
      await expect(appendRecord(file, 'x')).rejects.toMatchObject({ code: 'ERR_INVALID_STATE' });
    });
    expect(appendRecordSync(file, 'x', quick)).toMatchObject({ size: 2 });
  });

  it.each([
    ['another case', (dir: string) => path.join(dir, 'LOG'), {}],
    ['the directory as lockDir', (dir: string) => path.join(dir, 'log'), { lockDir: '' }],
    ['a link', (dir: string) => path.join(dir, 'here/log'), {}],
    ['a link and another case', (dir: string) => path.join(dir, 'here/Log'), {}],
  ])('are refused at once while an earlier call of the thread asks for the lock by %s', async (_how, at, options) => {
    for (const busy of [0, 5]) {
      const dir = scratch();
      fs.symlinkSync('.', path.join(dir, 'here'));
      const file = path.join(dir, 'log');
      await withLock(file, () => {});
      const acquired = acquireLock(file);
      // The lock is taken in the pool; this thread gets no answer as long as it is busy.
      for (const end = performance.now() + busy; performance.now() < end; );
      const given = 'lockDir' in options ? { lockDir: dir } : {};
      const began = performance.now();
      const outcome = ((): unknown => {
        try {
          return appendRecordSync(at(dir), 'x', { ...given, ...quick, timeoutMs: 2000 });
        } catch (error) {
          return error;
        }
      })();
      expect(performance.now() - began).toBeLessThan(1000);
      // It comes before the other call, or is refused.
      if (outcome instanceof Error) expect(outcome).toMatchObject({ code: 'ERR_INVALID_STATE', message: expect.stringContaining('held, or asked for, by an earlier call of this thread') });
      else expect(outcome).toMatchObject({ size: 2 });
      await (await acquired).release();
    }
  });

  it('are all there, once and whole, while processes are killed and the log is rotated', async () => {
    const dir = scratch();
    const file = path.join(dir, 'log');
    const running = Array.from({ length: 3 }, (_, id) => launch('append', file, '100000', String(id)));
    const steady = launch('append', file, '300', 'steady');
    const ends = [...running, steady].map(({ child }) => once(child, 'close'));
    for (let rotation = 0; rotation < 5; rotation += 1) {
      while (running.some(({ lines }) => lines.length < 40 * (rotation + 1))) await new Promise((resolve) => setTimeout(resolve, 2));
      // Right after the last rotation no file may have the name yet.
      while (!fs.existsSync(file)) await new Promise((resolve) => setTimeout(resolve, 1));
      fs.renameSync(file, `${file}.${rotation}`);
    }
    for (const { child } of running) child.kill('SIGKILL');
    await Promise.all(ends);
    const texts = fs.readdirSync(dir).filter((name) => name.startsWith('log')).map((name) => fs.readFileSync(path.join(dir, name), 'utf8'));
    const counts = new Map<string, number>();
    for (const line of texts.join('').split('\n')) {
      try {
        const { id, n, fill } = JSON.parse(line) as { id: string; n: number; fill: string };
        expect(fill).toHaveLength(n % 200);
        counts.set(`${id} ${n}`, (counts.get(`${id} ${n}`) ?? 0) + 1);
      } catch {
        // Torn, and not acknowledged, or the end of a file.
      }
    }
    for (const [index, { lines }] of [...running, steady].entries()) {
      const id = index < 3 ? String(index) : 'steady';
      for (const n of lines) expect(counts.get(`${id} ${n}`), `${id} ${n}`).toBe(1);
    }
    expect([...counts.values()].every((count) => count === 1)).toBe(true);
  });
});
