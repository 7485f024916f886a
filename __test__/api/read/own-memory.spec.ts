// The memory of a result contains the content of its file only, whichever way the read took.
import * as fs from 'node:fs';
import { once } from 'node:events';
import { MessageChannel } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import { openRootSync, readLocalFileSafely, readLocalFileSafelySync } from '../../../index.mjs';
import { old, plain } from '../../helpers/fs-safe-hosts.js';
import { scratch } from '../../helpers/scratch.js';

const SIZES = [0, 1, 100, 4096, 4097, 16_384, 16_385, 65_536, 262_145, 1 << 20];

type Read = (dir: string, name: string) => Promise<Buffer>;

/** Reads through a root that is open for one call. */
function rooted(read: (root: ReturnType<typeof openRootSync>, name: string) => Promise<Buffer> | Buffer): Read {
  return async (dir, name) => {
    const root = openRootSync(dir);
    try {
      return await read(root, name);
    } finally {
      root.close();
    }
  };
}

const FORMS: [name: string, read: Read][] = [
  ['readLocalFileSafelySync', async (dir, name) => readLocalFileSafelySync(`${dir}/${name}`).buffer],
  ['readLocalFileSafelySync with a root', async (dir, name) => readLocalFileSafelySync({ filePath: name, root: dir }).buffer],
  ['readLocalFileSafely from memory', async (dir, name) => {
    await readLocalFileSafely(`${dir}/${name}`);
    return (await readLocalFileSafely(`${dir}/${name}`)).buffer;
  }],
  ['readLocalFileSafely from the pool', async (dir, name) => (await readLocalFileSafely(name, { root: dir })).buffer],
  ['readLocalFileSafely under follow-trusted', async (dir, name) => (await readLocalFileSafely(`${dir}/${name}`, { symlinks: 'follow-trusted' })).buffer],
  ['Root.readSync', rooted((root, name) => root.readSync(name).buffer)],
  ['Root.read', rooted(async (root, name) => (await root.read(name)).buffer)],
  ['readLocalFileSafely of bindFsSafe', async (dir, name) => (await plain.readLocalFileSafely({ filePath: `${dir}/${name}` })).buffer],
  ['readFileWithinRoot of bindFsSafe', async (dir, name) => (await plain.readFileWithinRoot({ rootDir: dir, relativePath: name })).buffer],
  ['readFileWithinRoot of bindSafeOpen', async (dir, name) => (await old.readFileWithinRoot({ rootDir: dir, relativePath: name })).buffer],
];

const contentOf = (size: number) => Buffer.alloc(size, `${size} bytes, `);

function files(): string {
  const dir = scratch();
  for (const size of SIZES) fs.writeFileSync(`${dir}/${size}`, contentOf(size));
  return dir;
}

/** Returns the memory that another thread or a clone of `value` gets. */
const whole = (value: Uint8Array) => Buffer.from(value.buffer);

async function posted(value: Buffer, transfer: ArrayBuffer[]): Promise<Uint8Array> {
  const { port1, port2 } = new MessageChannel();
  try {
    port1.postMessage(value, transfer);
    const [received] = await once(port2, 'message');
    return received;
  } finally {
    port1.close();
  }
}

describe.each(FORMS)('the Buffer of %s', (_name, read) => {
  it.each(SIZES)('lies in memory of its own: %d bytes', async (size) => {
    const dir = files();
    const content = contentOf(size);
    await read(dir, '100');
    const buffer = await read(dir, String(size));
    await read(dir, '100');
    expect(buffer.equals(content)).toBe(true);
    expect([buffer.buffer.byteLength, buffer.byteOffset]).toEqual([size, 0]);
    expect(whole(structuredClone(buffer)).equals(content)).toBe(true);
    expect(whole(await posted(buffer, [])).equals(content)).toBe(true);
    expect(buffer.equals(content)).toBe(true);
  });

  it.each(SIZES)('can be transferred, and detaches no other: %d bytes', async (size) => {
    const dir = files();
    const before = await read(dir, String(size));
    const buffer = await read(dir, String(size));
    const after = await read(dir, String(size));
    expect(new Set([before.buffer, buffer.buffer, after.buffer]).size).toBe(3);
    const received = await posted(buffer, [buffer.buffer as ArrayBuffer]);
    expect(whole(received).equals(contentOf(size))).toBe(true);
    expect([buffer.length, buffer.buffer.byteLength]).toEqual([0, 0]);
    received.fill(0);
    before.fill(1);
    expect(after.equals(contentOf(size))).toBe(true);
    expect((await read(dir, String(size))).equals(contentOf(size))).toBe(true);
  });
});

it.each(FORMS)('%s never hands out memory twice, however many results are kept', async (_name, read) => {
  const dir = files();
  const kept: Buffer[] = [];
  for (let n = 0; n < 200; n += 1) kept.push(await read(dir, String(SIZES[n % 7])));
  expect(new Set(kept.map(({ buffer }) => buffer)).size).toBe(kept.length);
  for (const buffer of kept.filter((_, n) => n % 2)) buffer.fill(0);
  for (const [n, buffer] of kept.entries()) if (n % 2 === 0) expect(buffer.equals(contentOf(SIZES[n % 7]!))).toBe(true);
});

describe('a read that starts while another one asks for memory', () => {
  it.each([
    ['bytes', Buffer.alloc(20_000, 'x'), undefined],
    ['text', Buffer.alloc(20_000, 'é'), 'utf8'],
  ] as const)('changes nothing in it: %s', (_title, content, encoding) => {
    const dir = scratch();
    fs.writeFileSync(`${dir}/outer`, content);
    fs.writeFileSync(`${dir}/inner`, 'inner');
    const { allocUnsafeSlow } = Buffer;
    const inner: string[] = [];
    Buffer.allocUnsafeSlow = (size) => {
      Buffer.allocUnsafeSlow = allocUnsafeSlow;
      inner.push(readLocalFileSafelySync(`${dir}/inner`).buffer.toString(), readLocalFileSafelySync(`${dir}/inner`, { encoding: 'utf8' }).text);
      return allocUnsafeSlow(size);
    };
    try {
      const outer = encoding === undefined ? readLocalFileSafelySync(`${dir}/outer`).buffer : readLocalFileSafelySync(`${dir}/outer`, { encoding }).text;
      expect(outer.toString() === content.toString()).toBe(true);
    } finally {
      Buffer.allocUnsafeSlow = allocUnsafeSlow;
    }
    expect(inner).toEqual(['inner', 'inner']);
  });
});

describe('content that is longer than the size of its file', () => {
  it.each(['/proc/version', '/proc/kallsyms'])('lies in memory of its own: %s', async (file) => {
    const content = fs.readFileSync(file);
    for (const { buffer } of [readLocalFileSafelySync(file, { pseudoFiles: 'allow' }), await readLocalFileSafely(file, { pseudoFiles: 'allow' })]) {
      expect(buffer.equals(content)).toBe(true);
      expect([buffer.buffer.byteLength, buffer.byteOffset]).toEqual([content.length, 0]);
    }
  });
});
