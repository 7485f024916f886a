import * as fs from 'node:fs';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { describe, expect, test, vi } from 'vitest';
import { check, expectRefusal } from '../../helpers/expectations.js';
import { failure, FORMS, inBothForms, openFiles, outcome, shortest } from '../../helpers/forms.js';
import { build, scratch } from '../../helpers/scratch.js';

const TEBIBYTE = 2 ** 40;

describe('maxBytes', () => {
  test.each([
    { name: 'exactly that size is read', layout: ['f: hello'], maxBytes: 5, expected: '= hello' },
    { name: 'one more byte is too large', layout: ['f: hello!'], maxBytes: 5, expected: 'too-large' },
    { name: 'less is read', layout: ['f: hi'], maxBytes: 5, expected: '= hi' },
    { name: '0 takes an empty file', layout: ['f:'], maxBytes: 0, expected: '= ' },
    { name: '0 refuses one byte', layout: ['f: x'], maxBytes: 0, expected: 'too-large' },
    { name: 'negative zero is zero', layout: ['f: x'], maxBytes: -0, expected: 'too-large' },
    { name: 'Infinity is no limit', layout: ['f: hello'], maxBytes: Infinity, expected: '= hello' },
    { name: 'the largest safe integer is a limit', layout: ['f: hello'], maxBytes: Number.MAX_SAFE_INTEGER, expected: '= hello' },
    { name: 'undefined is no limit', layout: ['f: hello'], maxBytes: undefined, expected: '= hello' },
  ])('$name', async ({ layout, maxBytes, expected }) => {
    await check(expected, layout, (form) => form.read('f', { maxBytes }));
  });

  test.each([4095, 4096, 4097, 65_536, 1_048_577])('holds at %d bytes to the byte', async (size) => {
    for (const form of FORMS) {
      const file = `${scratch()}/f`;
      fs.writeFileSync(file, Buffer.alloc(size, 'x'));
      expect((await form.read(file, { maxBytes: size })).buffer.length).toBe(size);
      expectRefusal(await failure(() => form.read(file, { maxBytes: size - 1 })), 'too-large');
    }
  });

  test('a refusal reports the limit', async () => {
    for (const { outcome } of await inBothForms(['f: 1234567'], (form) => form.read('f', { maxBytes: 3 }))) {
      expect(outcome.error.message).toMatch(/\b3\b/);
    }
  });

  test.each([NaN, -1, 1.5, -Infinity, -0.5])('%d is a RangeError before any I/O', async (maxBytes) => {
    for (const file of ['f', 'missing', '/dev/zero']) {
      for (const { outcome } of await inBothForms(['f: x'], (form) => form.read(file, { maxBytes }))) {
        expect(outcome.error).toBeInstanceOf(RangeError);
        expect(outcome.error.code).toBe('ERR_OUT_OF_RANGE');
      }
    }
  });

  test('holds for a file that shows no size', async () => {
    const length = fs.readFileSync('/proc/version').length;
    await check('too-large', [], (form) => form.read('/proc/version', { pseudoFiles: 'allow', maxBytes: length - 1 }));
    for (const { outcome } of await inBothForms([], (form) => form.read('/proc/version', { pseudoFiles: 'allow', maxBytes: length }))) {
      expect(outcome.value!.buffer.length).toBe(length);
    }
  });
});

describe('a sparse file of 1 TiB', () => {
  function sparse(): string {
    const file = `${scratch()}/sparse`;
    fs.writeFileSync(file, '');
    fs.truncateSync(file, TEBIBYTE);
    return file;
  }

  test.each([
    { name: 'with a limit', options: { maxBytes: 1024 } },
    { name: 'with a limit that no Buffer holds', options: { maxBytes: TEBIBYTE } },
    { name: 'with no limit', options: {} },
    { name: 'with an infinite limit', options: { maxBytes: Infinity } },
  ])('is too-large before anything is allocated, $name', async ({ options }) => {
    for (const form of FORMS) {
      const file = sparse();
      const before = process.memoryUsage().rss;
      expect(await shortest(async () => expectRefusal(await failure(() => form.read(file, options)), 'too-large'))).toBeLessThan(500);
      expect(process.memoryUsage().rss - before).toBeLessThan(64 * 2 ** 20);
    }
  });
});

describe('a file that memory does not suffice for', () => {
  test('or that cannot be copied to be written, is an error, typed and the same in all forms, and the process goes on', () => {
    const file = `${scratch()}/large`;
    fs.writeFileSync(file, '');
    fs.truncateSync(file, 2 ** 30);
    const program = fileURLToPath(new URL('../../programs/out-of-memory.mjs', import.meta.url));
    const done = spawnSync(process.execPath, [program, file], { encoding: 'utf8' });
    expect(done.stderr).toBe('');
    const tooLarge = { isError: true, code: 'too-large', isHoldfastError: true };
    expect(JSON.parse(done.stdout)).toEqual([tooLarge, tooLarge, tooLarge, tooLarge, tooLarge, 'goes on', 'old']);
  });
});

describe('large content of a file that shows no size', () => {
  const file = '/proc/kallsyms';

  test('is read whole', async () => {
    const content = fs.readFileSync(file);
    expect(content.length).toBeGreaterThan(1 << 20);
    for (const form of FORMS) expect((await form.read(file, { pseudoFiles: 'allow' })).buffer.equals(content)).toBe(true);
  });

  test('is an error when there is no memory for it: it is in a Buffer that JavaScript made, or in none', async () => {
    const allocate = vi.spyOn(Buffer, 'allocUnsafeSlow').mockImplementation(() => {
      throw new RangeError('Array buffer allocation failed');
    });
    try {
      for (const form of FORMS) {
        const open = openFiles();
        expectRefusal(await failure(() => form.read(file, { pseudoFiles: 'allow' })), 'too-large');
        expect(openFiles()).toEqual(open);
      }
      expect(allocate).toHaveBeenCalledTimes(FORMS.length);
    } finally {
      allocate.mockRestore();
    }
  });
});

describe('the content', () => {
  test.each([0, 1, 4095, 4096, 4097, 65_535, 65_536, 65_537, 2 ** 20, 2 ** 22 - 1, 2 ** 22, 5_000_001])('of %d bytes is read whole', async (size) => {
    const content = Buffer.alloc(size);
    for (let at = 0; at < size; at += 1) content[at] = (at * 31 + (at >> 8)) & 0xff;
    for (const form of FORMS) {
      const file = `${scratch()}/f`;
      fs.writeFileSync(file, content);
      const { buffer, stat } = await form.read(file);
      expect(Buffer.isBuffer(buffer)).toBe(true);
      expect(buffer.equals(content)).toBe(true);
      expect(stat.size).toBe(size);
    }
  });

  test('of one read is not shared with the next', async () => {
    for (const form of FORMS) {
      for (const size of [3, 5000]) {
        const file = `${scratch()}/f`;
        fs.writeFileSync(file, 'a'.repeat(size));
        const reads = await Promise.all(Array.from({ length: 20 }, () => form.read(file)));
        reads[0]!.buffer.fill('z');
        for (const read of reads.slice(1)) expect(read.buffer.toString()).toBe('a'.repeat(size));
      }
    }
  });

  // When a file shrinks, the kernel zeroes the cut bytes in pages that a reader may be copying: node:fs returns such
  // zeros too.
  test('of a file that shrinks while it is read is what was there, or the zeros it was cut with, and never other memory', async () => {
    for (let round = 0; round < 10; round += 1) {
      const file = `${scratch()}/f`;
      fs.writeFileSync(file, Buffer.alloc(8 << 20, 'x'));
      const reading = FORMS[0]!.read(file);
      if (round % 2) await new Promise((resolve) => setImmediate(resolve));
      fs.truncateSync(file, 1000);
      const { buffer } = await reading;
      expect(buffer.length).toBeGreaterThanOrEqual(1000);
      expect(buffer.length).toBeLessThanOrEqual(8 << 20);
      expect(buffer.subarray(0, 1000).equals(Buffer.alloc(1000, 'x'))).toBe(true);
      expect(buffer.every((byte) => byte === 0x78 || byte === 0)).toBe(true);
    }
  });

  test('of a file that another process keeps appending to stays within the limit, or is refused', async () => {
    const dir = scratch();
    build(dir, ['f: ']);
    const limit = 1 << 20;
    const appender = spawn(
      process.execPath,
      ['-e', `const fd = require('fs').openSync(process.argv[1], 'a'); const chunk = Buffer.alloc(997, 'x'); for (let i = 0; i < 4000; i++) require('fs').writeSync(fd, chunk);`, `${dir}/f`],
      { stdio: 'ignore' },
    );
    const ended = once(appender, 'exit');
    const sizes: number[] = [];
    for (;;) {
      const [promised, synced] = [await outcome(() => FORMS[0]!.read(`${dir}/f`, { maxBytes: limit })), await outcome(() => FORMS[1]!.read(`${dir}/f`, { maxBytes: limit }))];
      if (promised.error && synced.error) {
        expectRefusal(promised.error, 'too-large');
        expectRefusal(synced.error, 'too-large');
        break;
      }
      for (const { value } of [promised, synced]) if (value) sizes.push(value.buffer.length);
    }
    await ended;
    expect(Math.max(0, ...sizes)).toBeLessThanOrEqual(limit);
  });
});
