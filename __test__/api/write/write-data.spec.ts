import * as fs from 'node:fs';
import { runInNewContext } from 'node:vm';
import { describe, expect, it, test, vi } from 'vitest';
import { appendRecord, appendRecordsSync, updateAtomic, writeAtomic, writeAtomicMany, writeAtomicSync } from '../../../index.mjs';
import { FORMS, failure, inBothForms } from '../../helpers/forms.js';
import { scratch } from '../../helpers/scratch.js';

const TEXT = 'h\u00e9llo w\u00f6rld \u{1f600} \u0000 end';

/** Makes a resizable buffer. Node 20 has them; its types do not. */
function resizable(size: number, most: number): ArrayBuffer & { resize(to: number): void } {
  const Resizable = ArrayBuffer as unknown as new (size: number, options: { maxByteLength: number }) => ArrayBuffer & { resize(to: number): void };
  return new Resizable(size, { maxByteLength: most });
}

/** Writes `data` in both forms and returns the contents on disk. */
async function written(data: unknown, options?: unknown): Promise<Buffer[]> {
  const found: Buffer[] = [];
  for (const { dir, outcome } of await inBothForms([], (form) => form.write('f', data, options))) {
    expect(outcome.error).toBeUndefined();
    const bytes = fs.readFileSync(`${dir}/f`);
    expect(outcome.value!.size).toBe(bytes.length);
    found.push(bytes);
  }
  return found;
}

async function expectWritten(data: unknown, wanted: Buffer, options?: unknown): Promise<void> {
  for (const bytes of await written(data, options)) {
    expect(bytes.equals(wanted), `${bytes.length} bytes where ${wanted.length} were due`).toBe(true);
  }
}

describe('a string', () => {
  test('is UTF-8 by default', async () => {
    await expectWritten(TEXT, Buffer.from(TEXT, 'utf8'));
    await expectWritten('', Buffer.alloc(0));
  });

  test.each(['utf8', 'utf-8', 'UTF-8' as 'utf-8', 'utf16le', 'ucs2', 'ucs-2', 'latin1', 'binary', 'ascii'] as BufferEncoding[])('in %s becomes what Buffer.from makes of it', async (encoding) => {
    await expectWritten(TEXT, Buffer.from(TEXT, encoding), { encoding });
    await expectWritten(TEXT, Buffer.from(TEXT, encoding), encoding);
  });

  test.each([
    { encoding: 'hex', text: '00ff10zz' },
    { encoding: 'base64', text: 'aGVsbG8=' },
    { encoding: 'base64url', text: '_-8' },
  ] as const)('in $encoding becomes what Buffer.from makes of it', async ({ encoding, text }) => {
    await expectWritten(text, Buffer.from(text, encoding), { encoding });
  });

  test('with a lone surrogate becomes U+FFFD, as everywhere in Node', async () => {
    await expectWritten('a\ud800b', Buffer.from('a\ufffdb'));
  });

  test.each([0, 1, 4095, 4096, 4097, 65_537, 3_000_001])('of %d characters arrives whole', async (length) => {
    await expectWritten('x'.repeat(length), Buffer.alloc(length, 'x'));
  });

  test('of wide characters arrives whole at every length', async () => {
    for (const length of [1, 1364, 1365, 1366, 4096]) await expectWritten('€'.repeat(length), Buffer.from('€'.repeat(length)));
  });
});

describe('a view', () => {
  const bytes = Uint8Array.from({ length: 64 }, (_, index) => index * 3 + 1);
  type View = { name: string; BYTES_PER_ELEMENT?: number; new (buffer: ArrayBufferLike, offset?: number, length?: number): ArrayBufferView };
  const constructors: View[] = [
    Uint8Array, Int8Array, Uint8ClampedArray, Uint16Array, Int16Array, Uint32Array, Int32Array, Float32Array, Float64Array, BigInt64Array, BigUint64Array, DataView,
  ];

  test.each(constructors.map((view) => ({ name: view.name, view })))('$name is written byte by byte, from its offset and for its length', async ({ view }) => {
    const shared = new SharedArrayBuffer(64);
    new Uint8Array(shared).set(bytes);
    for (const buffer of [bytes.buffer, shared]) {
      await expectWritten(new view(buffer), Buffer.from(bytes));
      const step = view.BYTES_PER_ELEMENT ?? 1;
      await expectWritten(new view(buffer, 16, 24 / step), Buffer.from(bytes.subarray(16, 40)));
      await expectWritten(new view(buffer, 64, 0), Buffer.alloc(0));
    }
  });

  test('Buffer, pooled or not, is written alone and without its neighbours', async () => {
    await expectWritten(Buffer.from('pooled'), Buffer.from('pooled'));
    await expectWritten(Buffer.allocUnsafeSlow(3).fill('z'), Buffer.from('zzz'));
    await expectWritten(Buffer.from('outer inner outer').subarray(6, 11), Buffer.from('inner'));
  });

  test('ArrayBuffer is written whole', async () => {
    await expectWritten(bytes.slice().buffer, Buffer.from(bytes));
    await expectWritten(new ArrayBuffer(0), Buffer.alloc(0));
    await expectWritten(resizable(8, 16), Buffer.alloc(8));
  });

  test.each([0, 1, 4095, 4096, 4097, 65_536, 2 ** 20 + 1])('of %d bytes arrives whole', async (length) => {
    const content = Buffer.alloc(length);
    for (let at = 0; at < length; at += 1) content[at] = (at * 7) & 0xff;
    await expectWritten(content, content);
  });

  test('is written by its true bytes, not by its properties', async () => {
    const view = Uint8Array.from([1, 2, 3]);
    Object.defineProperty(view, 'byteLength', { value: 1000 });
    Object.defineProperty(view, 'length', { value: 1000 });
    Object.defineProperty(view, 'byteOffset', { value: 1000 });
    Object.defineProperty(view, 'buffer', { value: new ArrayBuffer(2000) });
    await expectWritten(view, Buffer.from([1, 2, 3]));
  });

  test('is copied by its true bytes, not by its class', async () => {
    class Liar extends Uint8Array {
      static get [Symbol.species](): any {
        return class { constructor(length: number) { return new Uint8Array(length + 5); } };
      }
      override get length() { return 2; }
      override get byteLength() { return 2; }
      override valueOf(): any { return 'lie'; }
    }
    const view = () => Liar.from([97, 98, 99]);
    const dir = scratch();
    const file = `${dir}/f`;
    const ways = [
      () => writeAtomic(file, view()),
      () => (void writeAtomic(file, 'first'), writeAtomic(file, view())),
      () => writeAtomic('f', view(), { root: dir }),
      () => writeAtomicMany([{ file, data: view() }]),
      () => writeAtomic(file, [view()]),
      () => writeAtomic(file, ['', view()]),
    ];
    for (const write of ways) {
      await write();
      expect(fs.readFileSync(file, 'utf8'), String(write)).toBe('abc');
    }
  });

  test('of another realm is written like one of ours', async () => {
    for (const [source, wanted] of [['new Uint8Array([1, 2])', [1, 2]], ['new Uint16Array([258])', [2, 1]], ['new DataView(new ArrayBuffer(2), 1)', [0]], ['new Uint8Array([7, 8]).buffer', [7, 8]]] as const) {
      await expectWritten(runInNewContext(source), Buffer.from(wanted), runInNewContext('({ mode: 0o600 })'));
    }
    for (const chunks of ["['a', new Uint8Array([98])]", "(function* () { yield 'a'; yield new Uint8Array([98]); })()"]) {
      const dir = scratch();
      await writeAtomic(`${dir}/f`, runInNewContext(chunks));
      expect(fs.readFileSync(`${dir}/f`, 'utf8')).toBe('ab');
    }
  });

  test('whose iterator is replaced is still written by its bytes', async () => {
    const view = Uint8Array.from([1, 2, 3]);
    Object.defineProperty(view, Symbol.iterator, { value: function* () { yield 'iterated'; } });
    Object.defineProperty(view, Symbol.asyncIterator, { value: async function* () { yield 'iterated'; } });
    await expectWritten(view, Buffer.from([1, 2, 3]));
  });
});

describe.each([
  { name: 'the bytes are those at the time of the call', options: () => ({ durable: false }) },
  { name: 'the bytes are those at the time of the call, also when a root has to be opened first', options: (dir: string) => ({ durable: false, root: dir }) },
])('$name', ({ options }) => {
  const SIZES = [10, 5000, 3_000_000];

  async function overwrittenLater(data: Uint8Array | ArrayBuffer, change: () => void, wanted: Buffer): Promise<void> {
    const dir = scratch();
    const writing = writeAtomic(`${dir}/f`, data, options(dir));
    change();
    const { size } = await writing;
    expect(size).toBe(wanted.length);
    expect(fs.readFileSync(`${dir}/f`).equals(wanted)).toBe(true);
  }

  test.each(SIZES)('a view of %d bytes that is changed after the call', async (size) => {
    const data = Buffer.alloc(size, 'a');
    await overwrittenLater(data, () => data.fill('b'), Buffer.alloc(size, 'a'));
  });

  test.each(SIZES)('an ArrayBuffer of %d bytes that is transferred after the call', async (size) => {
    const data = new ArrayBuffer(size);
    new Uint8Array(data).fill(97);
    await overwrittenLater(data, () => void structuredClone(data, { transfer: [data] }), Buffer.alloc(size, 'a'));
    expect(data.byteLength).toBe(0);
  });

  test.each(SIZES)('a view of %d bytes whose buffer is transferred after the call', async (size) => {
    const data = new Uint8Array(size).fill(97);
    await overwrittenLater(data, () => void structuredClone(data.buffer, { transfer: [data.buffer] }), Buffer.alloc(size, 'a'));
    expect(data.length).toBe(0);
  });

  test.each(SIZES)('a resizable buffer of %d bytes that is cut short after the call', async (size) => {
    const data = resizable(size, size * 2);
    new Uint8Array(data).fill(97);
    await overwrittenLater(data, () => data.resize(1), Buffer.alloc(size, 'a'));
  });

  test.each(SIZES)('a view on shared memory of %d bytes that changes after the call', async (size) => {
    const data = new Uint8Array(new SharedArrayBuffer(size)).fill(97);
    await overwrittenLater(data, () => void data.fill(98), Buffer.alloc(size, 'a'));
  });

  test('a call that waits for its turn has its bytes already', async () => {
    const dir = scratch();
    const first = writeAtomic(`${dir}/f`, Buffer.alloc(4_000_000, 'x'), options(dir));
    const data = Buffer.from('second');
    const second = writeAtomic(`${dir}/f`, data, options(dir));
    data.fill('!');
    await Promise.all([first, second]);
    expect(fs.readFileSync(`${dir}/f`, 'utf8')).toBe('second');
  });

  test.each([
    { name: 'a Uint8Array', view: (buffer: ArrayBuffer) => new Uint8Array(buffer, 8) },
    { name: 'a Buffer', view: (buffer: ArrayBuffer) => Buffer.from(buffer, 8) },
    { name: 'a Float64Array', view: (buffer: ArrayBuffer) => new Float64Array(buffer, 8, 1) },
    { name: 'a DataView', view: (buffer: ArrayBuffer) => new DataView(buffer, 8) },
    { name: 'an ArrayBuffer', view: (buffer: ArrayBuffer) => buffer },
  ])('$name that was detached before the call is refused in every form, and the old file stays', async ({ view }) => {
    const dir = scratch();
    const file = `${dir}/f`;
    fs.writeFileSync(file, 'old');
    const buffer = new ArrayBuffer(16);
    const data = view(buffer);
    structuredClone(buffer, { transfer: [buffer] });
    const ways = [
      ...FORMS.map((form) => () => form.write(file, data, options(dir))),
      () => writeAtomicMany([{ file, data }], options(dir)),
      ...(ArrayBuffer.isView(data) ? [() => writeAtomic(file, [data as Uint8Array], options(dir))] : []),
    ];
    for (const write of ways) {
      const error = await write().catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(TypeError);
      expect(error).toMatchObject({ code: 'ERR_INVALID_ARG_VALUE', message: expect.stringContaining("'data' has lost its memory") });
      expect(fs.readFileSync(file, 'utf8')).toBe('old');
    }
  });

  test('a view that its buffer has become too small for is refused, and an empty one is not', async () => {
    const dir = scratch();
    for (const form of FORMS) {
      const buffer = new (ArrayBuffer as any)(16, { maxByteLength: 16 });
      const data = new Uint8Array(buffer, 8, 8);
      buffer.resize(4);
      await expect(form.write(`${dir}/f`, data, options(dir))).rejects.toMatchObject({ code: 'ERR_INVALID_ARG_VALUE' });
      for (const empty of [new Uint8Array(0), new Uint8Array(buffer, 4, 0), Buffer.alloc(0), new Float64Array(0), new DataView(new ArrayBuffer(0)), new ArrayBuffer(0)]) {
        expect((await form.write(`${dir}/f`, empty, options(dir))).size).toBe(0);
      }
    }
  });
});

describe('a text without memory for its bytes', () => {
  const text = 'é'.repeat(100_000);
  const calls: [string, (dir: string) => unknown][] = [
    ['writeAtomic', (dir) => writeAtomic(`${dir}/f`, text)],
    ['writeAtomicSync', (dir) => writeAtomicSync(`${dir}/f`, text)],
    ['writeAtomic of chunks', (dir) => writeAtomic(`${dir}/f`, [text])],
    ['updateAtomic', (dir) => updateAtomic(`${dir}/f`, () => text)],
    ['appendRecord', (dir) => appendRecord(`${dir}/f`, text)],
    ['appendRecordsSync', (dir) => appendRecordsSync(`${dir}/f`, [text])],
  ];
  it.each(calls)('is too-large, with the path: %s', async (_name, call) => {
    const dir = scratch();
    // The first call reads facts about this process.
    await updateAtomic(`${dir}/other`, () => 'x');
    const allocate = vi.spyOn(Buffer, 'allocUnsafeSlow').mockImplementation(() => {
      throw new RangeError('Array buffer allocation failed');
    });
    try {
      const error: any = await failure(() => call(dir));
      expect(error).toMatchObject({ name: 'HoldfastError', code: 'too-large', path: `${dir}/f` });
      expect(allocate).toHaveBeenCalled();
    } finally {
      allocate.mockRestore();
    }
    expect(fs.existsSync(`${dir}/f`)).toBe(false);
  });

  it('fails its own entry of writeAtomicMany alone', async () => {
    const dir = scratch();
    const allocate = vi.spyOn(Buffer, 'allocUnsafeSlow').mockImplementation(() => {
      throw new RangeError('Array buffer allocation failed');
    });
    const settled = await writeAtomicMany([{ file: `${dir}/small`, data: 'x' }, { file: `${dir}/large`, data: text }]).finally(() => allocate.mockRestore());
    expect(settled).toMatchObject([{ status: 'fulfilled' }, { status: 'rejected', reason: { code: 'too-large', path: `${dir}/large` } }]);
  });

  it.each(['utf8', 'latin1', 'utf16le', 'base64', 'hex'] as const)('is the bytes of Buffer.from with memory, in %s', async (encoding) => {
    const dir = scratch();
    for (const content of [text, 'ab'.repeat(40_000), `${'QUJD'.repeat(20_000)}QQ==`, 'xyz'.repeat(30_000)]) {
      await writeAtomic(`${dir}/f`, content, { encoding, durable: false });
      expect(fs.readFileSync(`${dir}/f`).equals(Buffer.from(content, encoding))).toBe(true);
    }
    await appendRecord(`${dir}/log`, text, { durable: false });
    expect(fs.readFileSync(`${dir}/log`, 'utf8')).toBe(`${text}\n`);
  });
});
