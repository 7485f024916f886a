// Writes of a root of holdfast/fs-safe: the calls of a host's callbacks, the behaviour of producers, and refused
// options.
import * as fs from 'node:fs';
import { Readable } from 'node:stream';
import { setTimeout as wait } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { eventually } from '../helpers/forms.js';
import { FsSafeError, plain } from '../helpers/fs-safe-hosts.js';
import { bindSafeOpen, bindFsSafe } from '../../fs-safe.mjs';
import { build, modeOf, scratch } from '../helpers/scratch.js';
import { underUmask } from '../helpers/umask.js';

const revoked = new Error('revoked');

/** Makes a callback that a host can revoke. Records the directory's entries at each call. */
function authority(dir: string) {
  const asked: string[][] = [];
  const state = { isRevoked: false };
  const assertBeforeMutation = () => {
    asked.push(fs.readdirSync(dir, { recursive: true }).map(String).filter((name) => !name.includes('.holdfast-')).sort());
    if (state.isRevoked) throw revoked;
  };
  return { asked, state, assertBeforeMutation };
}

describe('assertBeforeMutation', () => {
  it('is called again after the data of a stream, so that a revoked authority publishes nothing', async () => {
    const dir = scratch();
    const { state, assertBeforeMutation } = authority(dir);
    const root = await plain.root(dir);
    async function* chunks() {
      yield Buffer.from('a');
      state.isRevoked = true;
      yield Buffer.from('b');
    }
    await expect(root.create('f', chunks(), { assertBeforeMutation })).rejects.toBe(revoked);
    expect(fs.readdirSync(dir)).toEqual([]);
  });

  it('is called when the turn of a write comes, and not when it is queued behind 600 others', async () => {
    const dir = scratch();
    const { state, assertBeforeMutation } = authority(dir);
    const root = await plain.root(dir);
    let published = 0;
    const others = Array.from({ length: 600 }, (_, i) => root.write(`other${i}`, 'x', { durable: false }).then(() => (published += 1)));
    const guarded = root.write('guarded', 'x', { assertBeforeMutation }).then(() => 'published', (error) => error);
    while (published < 300) await wait(1);
    state.isRevoked = true;
    expect(await guarded).toBe(revoked);
    await Promise.all(others);
    expect(fs.existsSync(`${dir}/guarded`)).toBe(false);
  });

  it('is called right before the publication: at most as many others as the pool has threads come between', async () => {
    const dir = scratch();
    const root = await plain.root(dir);
    let published = 0;
    let atQuestion = 0;
    const others = Array.from({ length: 400 }, (_, i) => root.write(`other${i}`, 'x', { durable: false }).then(() => (published += 1)));
    await root.write('guarded', 'x', { durable: false, assertBeforeMutation: () => void (atQuestion = published) });
    expect(published - atQuestion).toBeLessThanOrEqual(8);
    await Promise.all(others);
  });

  it('is called after the parents are made and before the write: write', async () => {
    const dir = scratch();
    const { asked, assertBeforeMutation } = authority(dir);
    await (await plain.root(dir)).write('p/q/f', 'x', { assertBeforeMutation });
    expect(asked).toContainEqual([]);
    expect(asked.at(-1)).toEqual(['p', 'p/q']);
  });

  it('leaves the parents, and no file, when it is revoked after they were made', async () => {
    const dir = scratch();
    const root = await plain.root(dir);
    const assertBeforeMutation = () => {
      if (fs.existsSync(`${dir}/p/q`)) throw revoked;
    };
    await expect(root.write('p/q/f', 'x', { assertBeforeMutation })).rejects.toBe(revoked);
    await expect(root.create('p/q/g', (async function* () { yield Buffer.from('x'); })(), { assertBeforeMutation })).rejects.toBe(revoked);
    expect(fs.readdirSync(`${dir}/p/q`)).toEqual([]);
  });

  it.each(['write', 'create', 'writeJson', 'createJson'] as const)('keeps the old state when it is revoked after the content is complete: %s', async (method) => {
    const dir = scratch();
    const root = await plain.root(dir);
    let times = 0;
    const assertBeforeMutation = () => {
      times += 1;
      if (times === 2) throw revoked;
    };
    await expect(root[method]('f', 'x', { assertBeforeMutation })).rejects.toBe(revoked);
    expect(times).toBe(2);
    expect(fs.readdirSync(dir)).toEqual([]);
  });

  it('is called when the turn of mkdir comes', async () => {
    const dir = scratch();
    const { state, assertBeforeMutation } = authority(dir);
    const root = await plain.root(dir);
    const others = Array.from({ length: 600 }, (_, i) => root.write(`other${i}`, 'x', { durable: false }));
    await others[0];
    const guarded = root.mkdir('e', { assertBeforeMutation }).then(() => 'made', (error) => error);
    await wait(1);
    state.isRevoked = true;
    expect(await guarded).toBe(revoked);
    await Promise.all(others);
    expect(fs.existsSync(`${dir}/e`)).toBe(false);
  });

  it('lets 200 guarded writes at once come through, in the order of the calls on one file', async () => {
    const dir = scratch();
    const root = await plain.root(dir);
    const options = { durable: false, assertBeforeMutation: () => {} };
    await Promise.all(Array.from({ length: 200 }, (_, i) => root.write(`f${i % 50}`, String(i), options)));
    for (let i = 0; i < 50; i += 1) expect(fs.readFileSync(`${dir}/f${i}`, 'utf8')).toBe(String(i + 150));
  });

  it('publishes the bytes of the call', async () => {
    const dir = scratch();
    const root = await plain.root(dir);
    const data = Buffer.from('at the call');
    const done = [root.write('f', data), root.write('g', data, { assertBeforeMutation: () => {} })];
    data.fill('!');
    await Promise.all(done);
    expect([fs.readFileSync(`${dir}/f`, 'utf8'), fs.readFileSync(`${dir}/g`, 'utf8')]).toEqual(['at the call', 'at the call']);
  });
});

/** Makes a producer that counts the calls of its methods. */
function producer(steps: (() => unknown)[]) {
  const calls = { iterators: 0, next: 0, return: 0 };
  const data = {
    [Symbol.asyncIterator]() {
      calls.iterators += 1;
      return {
        async next() {
          const step = steps[calls.next];
          calls.next += 1;
          return step === undefined ? { done: true as const, value: undefined } : { done: false as const, value: step() as Uint8Array };
        },
        async return() {
          calls.return += 1;
          return { done: true as const, value: undefined };
        },
      };
    },
  };
  return { calls, data: data as AsyncIterable<Uint8Array> };
}

describe('create of a stream', () => {
  it.each([NaN, null, -1, 1.5, '4', 2 ** 53])('refuses maxBytes %s with a RangeError before a read from the producer', async (maxBytes) => {
    const dir = scratch();
    const { calls, data } = producer([() => Buffer.from('abc')]);
    await expect((await plain.root(dir)).create('f', data, { maxBytes: maxBytes as never })).rejects.toThrow(RangeError);
    expect(calls).toEqual({ iterators: 0, next: 0, return: 0 });
    expect(fs.readdirSync(dir)).toEqual([]);
  });

  it.each([Infinity, 3, undefined])('accepts maxBytes %s', async (maxBytes) => {
    const dir = scratch();
    await (await plain.root(dir)).create('f', producer([() => Buffer.from('abc')]).data, { maxBytes });
    expect(fs.readFileSync(`${dir}/f`, 'utf8')).toBe('abc');
  });

  it('measures a chunk that shadows byteLength, and closes its producer once', async () => {
    const dir = scratch();
    const chunk = Object.defineProperties(Buffer.from('abcdef'), { byteLength: { value: 1 }, length: { value: 1 } });
    const { calls, data } = producer([() => chunk]);
    await expect((await plain.root(dir)).create('f', data, { maxBytes: 3 })).rejects.toMatchObject({ code: 'too-large', message: 'file exceeds limit of 3 bytes (got at least 6)' });
    expect(calls.return).toBe(1);
    await (await plain.root(dir)).create('g', producer([() => chunk]).data);
    expect(fs.readFileSync(`${dir}/g`, 'utf8')).toBe('abcdef');
  });

  it('closes a producer whose next rejects, once', async () => {
    const dir = scratch();
    const broken = new Error('broken');
    const { calls, data } = producer([() => Buffer.from('a'), () => { throw broken; }]);
    await expect((await plain.root(dir)).create('f', data)).rejects.toBe(broken);
    expect(calls).toEqual({ iterators: 1, next: 2, return: 1 });
    expect(fs.readdirSync(dir)).toEqual([]);
  });

  it.each([
    ['is written', (root: any, data: Readable) => root.create('f', data)],
    ['waits for another create', (root: any, data: Readable) => {
      const first = root.create('f', (async function* () { await wait(20); yield Buffer.from('a'); })());
      return Promise.all([first, root.create('f', data)]);
    }],
    ['is refused for its options', (root: any, data: Readable) => root.create('f', data, { maxBytes: -1 })],
    ['is refused for its path', (root: any, data: Readable) => root.create('../f', data)],
    ['is refused because the file exists', (root: any, data: Readable) => root.create('old', data)],
  ])('rejects when a stream fails that %s, and the process goes on', async (_name, create) => {
    const dir = scratch();
    build(dir, ['old: old']);
    const root = await plain.root(dir);
    const late = (stream = new Readable({ read() {} })) => {
      setImmediate(() => stream.destroy(new Error('late')));
      return stream;
    };
    for (const make of [() => fs.createReadStream(`${dir}/none`), () => new Readable({ read() {} }).destroy(new Error('now')), late]) {
      const stream = make();
      await expect(create(root, stream)).rejects.toBeInstanceOf(Error);
      await eventually(() => expect(stream.closed).toBe(true));
      fs.rmSync(`${dir}/f`, { force: true });
    }
  });

  it('does not read from a producer when the write cannot succeed', async () => {
    const dir = scratch();
    build(dir, ['f: old']);
    const root = await plain.root(dir);
    const { calls, data } = producer([() => Buffer.from('a')]);
    await expect(root.create('f', data)).rejects.toMatchObject({ code: 'already-exists' });
    await expect(root.create('../f', data)).rejects.toMatchObject({ code: 'outside-workspace' });
    await expect(root.create('g', data, { assertBeforeMutation: () => { throw revoked; } })).rejects.toBe(revoked);
    expect(calls).toEqual({ iterators: 0, next: 0, return: 0 });
  });
});

describe('an option of a newer library', () => {
  const { readLocalFileSafely, openLocalFileSafely, readFileWithinRoot, writeFileWithinRoot, readLocalFileFromRoots, root } = plain;
  const unknown = { verifyOwner: true } as never;
  const old = bindSafeOpen({ SafeOpenError: FsSafeError });
  const calls: Record<string, (dir: string) => unknown> = {
    bindFsSafe: () => bindFsSafe({ FsSafeError, ...(unknown as object) }),
    bindSafeOpen: () => bindSafeOpen({ SafeOpenError: FsSafeError, ...(unknown as object) }),
    readLocalFileSafely: (dir) => readLocalFileSafely({ filePath: `${dir}/f`, ...(unknown as object) }),
    openLocalFileSafely: (dir) => openLocalFileSafely({ filePath: `${dir}/f`, ...(unknown as object) }),
    readFileWithinRoot: (dir) => readFileWithinRoot({ rootDir: dir, relativePath: 'f', ...(unknown as object) }),
    writeFileWithinRoot: (dir) => writeFileWithinRoot({ rootDir: dir, relativePath: 'g', data: '', ...(unknown as object) }),
    readLocalFileFromRoots: (dir) => readLocalFileFromRoots({ filePath: `${dir}/f`, roots: [dir], ...(unknown as object) }),
    'old readFileWithinRoot': (dir) => old.readFileWithinRoot({ rootDir: dir, relativePath: 'f', ...(unknown as object) }),
    root: (dir) => root(dir, unknown),
    read: async (dir) => (await root(dir)).read('f', unknown),
    open: async (dir) => (await root(dir)).open('f', unknown),
    readText: async (dir) => (await root(dir)).readText('f', unknown),
    readJson: async (dir) => (await root(dir)).readJson('f', unknown),
    write: async (dir) => (await root(dir)).write('g', '', unknown),
    create: async (dir) => (await root(dir)).create('g', '', unknown),
    writeJson: async (dir) => (await root(dir)).writeJson('g', '', unknown),
    createJson: async (dir) => (await root(dir)).createJson('g', '', unknown),
    mkdir: async (dir) => (await root(dir)).mkdir('e', unknown),
    ensureRoot: async (dir) => (await root(dir)).ensureRoot(unknown),
  };
  it.each(Object.keys(calls))('is refused: %s', async (call) => {
    const dir = scratch();
    build(dir, ['f: text']);
    await expect(Promise.resolve(dir).then(calls[call])).rejects.toMatchObject({ name: 'TypeError', code: 'ERR_INVALID_ARG_VALUE', message: expect.stringContaining('verifyOwner') });
    expect(fs.readdirSync(dir)).toEqual(['f']);
  });

  it('is not given when it is undefined', async () => {
    const dir = scratch();
    build(dir, ['f: text']);
    expect(await (await root(dir)).readText('f', { verifyOwner: undefined } as never)).toBe('text');
  });
});

describe('errors of a root', () => {
  it('name an absolute path in causes, and in the remedy for an outbound file', async () => {
    const dir = scratch();
    build(dir, ['f 0600: text']);
    const root = await plain.root(dir);
    const error = await root.read('e/none').catch((error) => error);
    expect(error.cause).toMatchObject({ code: 'ENOENT', path: `${dir}/e/none` });
    const refused = await root.read('f', { outbound: true }).catch((error) => error);
    expect(refused).toMatchObject({ code: 'OUTBOUND_MEDIA_PERMS_TOO_RESTRICTIVE', path: `${dir}/f` });
    expect(refused.message).toContain(`${dir}/f`);
  });

  it('have the words of a cause that hosts match, with the error of the system behind them', async () => {
    const dir = scratch();
    build(dir, ['l => /etc', 'f: text', 'g == f']);
    const root = await plain.root(dir);
    const escape = await root.write('l/f', 'new').catch((error) => error);
    expect(escape).toMatchObject({ code: 'path-alias', message: 'path alias escape blocked' });
    expect(escape.cause.message).toBe(`Symlink escapes root (${dir}): ${dir}/l`);
    expect(escape.cause.cause).toMatchObject({ code: 'EXDEV' });
    expect((await root.read('/etc/passwd').catch((error) => error)).cause.message).toBe(`Path escapes root (${dir}): /etc/passwd`);
  });

  it('escape control characters in such a cause', async () => {
    const dir = scratch();
    fs.symlinkSync('/etc', `${dir}/l\u001b[2J`);
    const error = await (await plain.root(dir)).write('l\u001b[2J/f', 'new').catch((error) => error);
    expect(error.cause.message).not.toMatch(/[\u0000-\u001f]/);
  });
});

describe('outbound as an option of one read', () => {
  it('refuses a private file there, and leaves the other reads of the binding alone', async () => {
    const dir = scratch();
    build(dir, ['f 0600: text', 'g 0644: text']);
    const root = await plain.root(dir);
    const filePath = `${dir}/f`;
    const refused = { code: 'OUTBOUND_MEDIA_PERMS_TOO_RESTRICTIVE' };
    await expect(plain.readLocalFileSafely({ filePath, outbound: true })).rejects.toMatchObject(refused);
    await expect(plain.openLocalFileSafely({ filePath, outbound: true })).rejects.toMatchObject(refused);
    await expect(plain.readFileWithinRoot({ rootDir: dir, relativePath: 'f', outbound: true })).rejects.toMatchObject(refused);
    await expect(plain.readLocalFileFromRoots({ filePath, roots: [dir], outbound: true })).rejects.toMatchObject(refused);
    await expect(root.read('f', { outbound: true })).rejects.toMatchObject(refused);
    expect((await plain.readLocalFileSafely({ filePath })).buffer.toString()).toBe('text');
    expect(await root.readText('f')).toBe('text');
    expect(await root.readText('g', { outbound: true })).toBe('text');
  });
});

describe('parents that follow the umask', () => {
  it.each([0o022, 0o027, 0o077])('are made as mkdir makes them under umask %o', async (mask) => {
    const dir = scratch();
    await underUmask(mask, async () => (await plain.root(dir)).write('a/b/f', 'new'));
    expect([modeOf(`${dir}/a`), modeOf(`${dir}/a/b`)]).toEqual([0o777 & ~mask, 0o777 & ~mask]);
  });
});

describe('append and openWritable', () => {
  it('append takes any view of bytes', async () => {
    const dir = scratch();
    const root = await plain.root(dir);
    const bytes = Buffer.from('xabcdx');
    await root.append('f', new DataView(bytes.buffer, bytes.byteOffset + 1, 4) as never);
    await root.append('f', new Uint16Array([0x4141]) as never);
    expect(fs.readFileSync(`${dir}/f`, 'latin1')).toBe('abcdAA');
    await expect(root.append('f', new ArrayBuffer(2) as never)).rejects.toThrow(TypeError);
  });

  it.each(['reject', 'follow-parents-within-root'] as const)('with mutationSymlinks %s create no file whose path ends in a slash', async (mutationSymlinks) => {
    const dir = scratch();
    const root = await plain.root(dir);
    for (const name of ['new/', 'new/.']) {
      await expect(root.append(name, 'x', { mutationSymlinks })).rejects.toMatchObject({ code: 'path-alias' });
      await expect(root.openWritable(name, { mutationSymlinks })).rejects.toMatchObject({ code: 'path-alias' });
    }
    expect(fs.readdirSync(dir)).toEqual([]);
  });
});

it.runIf(process.getuid?.() === 0)('mkdir of a private directory of another user is not-owned', async () => {
  const dir = scratch();
  fs.mkdirSync(`${dir}/d`);
  fs.chownSync(`${dir}/d`, 1000, 1000);
  fs.chmodSync(`${dir}/d`, 0o775);
  await expect((await plain.root(dir)).mkdir('d', { private: true })).rejects.toMatchObject({ code: 'not-owned' });
});
