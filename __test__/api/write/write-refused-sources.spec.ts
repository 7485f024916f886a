import { once } from 'node:events';
import * as fs from 'node:fs';
import { Readable, addAbortSignal } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { openRootSync, writeAtomic } from '../../../index.mjs';
import { eventually, failure } from '../../helpers/forms.js';
import { build, scratch } from '../../helpers/scratch.js';

type Write = (dir: string, data: any) => Promise<unknown>;

const stopped = Object.assign(new Error('stopped'), { code: 'ABORT' });

const LAYOUT = ['source: content', 'd/', 'old: old', 'ln => old'];

const beneath = (dir: string, write: (root: ReturnType<typeof openRootSync>) => Promise<unknown>): Promise<unknown> => {
  const root = openRootSync(dir);
  return write(root).finally(() => root.close());
};

const refusals: Record<string, [string, Write]> = {
  'an unknown option': ['ERR_INVALID_ARG_VALUE', (dir, data) => writeAtomic(`${dir}/f`, data, { mkdirp: true } as never)],
  'a wrong mode': ['ERR_OUT_OF_RANGE', (dir, data) => writeAtomic(`${dir}/f`, data, { mode: 9999 })],
  'an unknown encoding': ['ERR_INVALID_ARG_VALUE', (dir, data) => writeAtomic(`${dir}/f`, data, 'utf-9' as never)],
  'a callback': ['ERR_INVALID_ARG_TYPE', (dir, data) => (writeAtomic as Function)(`${dir}/f`, data, {}, () => {})],
  'a path of the wrong type': ['ERR_INVALID_ARG_TYPE', (_dir, data) => writeAtomic(1 as never, data)],
  'an empty path': ['invalid-path', (_dir, data) => writeAtomic('', data)],
  'a root that is missing': ['not-found', (dir, data) => writeAtomic('f', data, { root: `${dir}/none` })],
  'a root that is closed': ['root-closed', (dir, data) => {
    const root = openRootSync(dir);
    root.close();
    return root.writeAtomic('f', data);
  }],
  'a method without its root': ['ERR_INVALID_THIS', (dir, data) => beneath(dir, (root) => root.writeAtomic.call(undefined as never, 'f', data))],
  'an option of a root': ['ERR_INVALID_ARG_VALUE', (dir, data) => beneath(dir, (root) => root.writeAtomic('f', data, { root: dir } as never))],
  'a path out of the root': ['outside-workspace', (dir, data) => beneath(dir, (root) => root.writeAtomic('../f', data))],
  'a signal that has aborted': ['ABORT', (dir, data) => writeAtomic(`${dir}/f`, data, { signal: AbortSignal.abort(stopped) })],
  'a signal that aborts': ['ABORT', (dir, data) => {
    const controller = new AbortController();
    const writing = writeAtomic(`${dir}/f`, data, { signal: controller.signal });
    controller.abort(stopped);
    return writing;
  }],
  'a target that exists': ['already-exists', (dir, data) => writeAtomic(`${dir}/old`, data, { overwrite: false })],
  'a target that is a directory': ['not-file', (dir, data) => writeAtomic(`${dir}/d`, data)],
  'a target that is a symlink': ['symlink', (dir, data) => writeAtomic(`${dir}/ln`, data)],
  'a parent that is missing': ['not-found', (dir, data) => writeAtomic(`${dir}/none/f`, data)],
  'too many bytes': ['too-large', (dir, data) => writeAtomic(`${dir}/f`, data, { maxBytes: 1 })],
};

describe.each(Object.entries(refusals))('a write refused for %s', (_name, [code, write]) => {
  it('closes its Node stream, and handles an error that follows', async () => {
    const dir = scratch();
    build(dir, LAYOUT);
    const file = fs.createReadStream(`${dir}/source`);
    await once(file, 'open');
    expect(await failure(() => write(dir, file))).toMatchObject({ code });
    await eventually(() => expect(file.closed).toBe(true));

    let stop: (error: Error) => void = () => {};
    const late = new Readable({ read() { this.push('content'); }, destroy: (_error, callback) => { stop = callback; } });
    expect(await failure(() => write(dir, late))).toMatchObject({ code });
    await eventually(() => expect(late.destroyed).toBe(true));
    stop(new Error('late'));
    await eventually(() => expect(late.closed).toBe(true));
  });

  it('closes its web stream and its generator', async () => {
    const dir = scratch();
    build(dir, LAYOUT);
    let cancelled = false;
    const web = new ReadableStream({ pull: (controller) => controller.enqueue(Buffer.from('content')), cancel: () => { cancelled = true; } });
    expect(await failure(() => write(dir, web))).toMatchObject({ code });
    await eventually(() => expect(cancelled).toBe(true));

    const generator = (function* () { yield 'content'; })();
    expect(await failure(() => write(dir, generator))).toMatchObject({ code });
    await eventually(() => expect(generator.next().done).toBe(true));
  });
});

describe('a stream that fails before it is read', () => {
  const broken = new Error('broken');
  const now = (): Readable => new Readable({ read() {} }).destroy(broken);
  const soon = (): Readable => {
    const stream = new Readable({ read() {} });
    setImmediate(() => stream.destroy(broken));
    return stream;
  };
  const web = (): ReadableStream => new ReadableStream({ start: (controller) => controller.error(broken) });

  it.each([
    ['at once', now],
    ['a turn later', soon],
    ['at once, as its iterator', () => now().iterator()],
    ['at once, as a web stream', web],
  ])('rejects its write with its error: %s', async (_name, stream) => {
    const dir = scratch();
    const root = openRootSync(dir);
    expect(await failure(() => writeAtomic(`${dir}/f`, stream() as never))).toBe(broken);
    expect(await failure(() => writeAtomic('f', stream() as never, { root: dir }))).toBe(broken);
    expect(await failure(() => root.writeAtomic('a/f', stream() as never, { mkdir: true }))).toBe(broken);
    root.close();
  });

  it('rejects its write with the error of a file that is missing', async () => {
    const dir = scratch();
    expect(await failure(() => writeAtomic('f', fs.createReadStream(`${dir}/none`), { root: dir }))).toMatchObject({ code: 'ENOENT' });
  });

  it('does not end the process when its write is refused', async () => {
    const dir = scratch();
    for (const stream of [now(), soon(), fs.createReadStream(`${dir}/none`)]) {
      expect(await failure(() => writeAtomic(`${dir}/f`, stream, { mode: 9999 }))).toMatchObject({ code: 'ERR_OUT_OF_RANGE' });
      await eventually(() => expect(stream.closed).toBe(true));
    }
  });
});

it('writeAtomic leaves no listener on a stream that was written', async () => {
  const dir = scratch();
  // Node's iterator keeps its own listener on a stream that it destroys, and destroys none with this option.
  const stream = Readable.from(['content'], { autoDestroy: false });
  await writeAtomic(`${dir}/f`, stream.iterator({ destroyOnReturn: false }));
  expect(stream.listenerCount('error')).toBe(0);
});

it('a stream that a loop left early was consumed, and one that a signal aborted has the reason', async () => {
  const dir = scratch();
  for (const wait of [false, true]) {
    const left = Readable.from(['a', 'b']);
    for await (const _chunk of left) break;
    if (wait) await new Promise(setImmediate);
    expect(await failure(() => writeAtomic(`${dir}/f`, left))).toMatchObject({ code: 'ERR_INVALID_STATE', message: expect.stringContaining('already consumed') });
  }
  const controller = new AbortController();
  const aborted = addAbortSignal(controller.signal, new Readable({ read() {} }));
  aborted.on('error', () => {});
  controller.abort(stopped);
  expect(await failure(() => writeAtomic(`${dir}/f`, aborted))).toMatchObject({ code: 'ABORT_ERR', cause: stopped });
  expect(fs.readdirSync(dir)).toEqual([]);
});

it('a stream that another write reads stays open when a second write is refused', async () => {
  const dir = scratch();
  const stream = Readable.from(['a', 'b']);
  const first = writeAtomic(`${dir}/f`, stream);
  expect(await failure(() => writeAtomic(`${dir}/g`, stream))).toMatchObject({ code: 'ERR_INVALID_STATE' });
  expect(await failure(() => writeAtomic(`${dir}/g`, stream, { mode: 9999 }))).toMatchObject({ code: 'ERR_OUT_OF_RANGE' });
  expect((await first).size).toBe(2);
});
