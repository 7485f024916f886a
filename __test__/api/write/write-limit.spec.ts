// maxBytes of writes, and the message of a `too-large` error.
import * as fs from 'node:fs';
import { describe, expect, it, test } from 'vitest';
import { openRootSync, writeAtomic, writeAtomicMany, type WriteOptions } from '../../../index.mjs';
import { check, NEW } from '../../helpers/expectations.js';
import { failure, inBothForms } from '../../helpers/forms.js';
import { build, scratch, tree } from '../../helpers/scratch.js';

const LAYOUT = ['f 0644: old'];

describe('maxBytes of a write', () => {
  test.each([
    ['text', 'abcde', {}],
    ['text whose encoding makes it longer', 'äöü', {}],
    ['hexadecimal text', 'aabbccddee', { encoding: 'hex' }],
    ['bytes', Buffer.from('abcde'), {}],
    ['a view', new Float64Array(1), {}],
    ['an ArrayBuffer', new ArrayBuffer(5), {}],
    ['bytes that hide their length', Object.defineProperty(Buffer.from('abcde'), 'byteLength', { value: 1 }), {}],
  ] as [string, never, WriteOptions][])('refuses %s over the limit and changes nothing', async (_name, data, options) => {
    for (const file of ['f', 'new', 'missing/f']) {
      for (const { before, after, outcome } of await inBothForms(LAYOUT, (form) => form.write(file, data, { ...options, maxBytes: 4, mkdir: true }))) {
        expect(outcome.error).toMatchObject({ code: 'too-large', category: 'policy', path: file, limit: 4 });
        expect(outcome.error.size).toBeGreaterThan(4);
        expect(outcome.error.toJSON()).toMatchObject({ limit: 4, size: outcome.error.size });
        expect(outcome.error.message).toContain('the limit of 4 bytes');
        expect(after).toEqual(before);
      }
    }
  });

  it('accepts data of exactly the limit', async () => {
    for (const maxBytes of [NEW.length, NEW.length + 1, Infinity, undefined]) await check('> f', LAYOUT, (form) => form.write('f', NEW, { maxBytes }));
    await check('too-large', LAYOUT, (form) => form.write('f', NEW, { maxBytes: NEW.length - 1 }));
    for (const { dir, outcome } of await inBothForms(LAYOUT, (form) => form.write('f', '', { maxBytes: 0 }))) {
      expect(outcome.value).toMatchObject({ size: 0 });
      expect(fs.readFileSync(`${dir}/f`, 'utf8')).toBe('');
    }
  });

  it('stops a stream that exceeds it, and closes the stream', async () => {
    const dir = scratch();
    build(dir, LAYOUT);
    const before = tree(dir);
    let isClosed = false;
    async function* chunks() {
      try {
        for (;;) yield 'abc';
      } finally {
        isClosed = true;
      }
    }
    expect(await failure(() => writeAtomic(`${dir}/f`, chunks(), { maxBytes: 1000 }))).toMatchObject({ code: 'too-large', limit: 1000, size: 1002 });
    expect(isClosed).toBe(true);
    expect(tree(dir)).toEqual(before);
    expect(await writeAtomic(`${dir}/f`, ['ab', 'cd'], { maxBytes: 4 })).toMatchObject({ size: 4 });
  });

  it('is the failure of one entry of writeAtomicMany', async () => {
    const dir = scratch();
    const results = await writeAtomicMany(
      [
        { file: `${dir}/a`, data: 'abc' },
        { file: `${dir}/b`, data: 'abcde' },
        { file: `${dir}/c`, data: 'abcde', options: { maxBytes: 5 } },
        { file: `${dir}/d`, data: 'abc', options: { maxBytes: 2 } },
      ],
      { maxBytes: 4 },
    );
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled', 'rejected']);
    expect(results[1]).toMatchObject({ reason: { code: 'too-large', size: 5, limit: 4 } });
    expect(results[3]).toMatchObject({ reason: { code: 'too-large', size: 3, limit: 2 } });
    expect(fs.readdirSync(dir)).toEqual(['a', 'c']);
  });

  it('is no default of a root, whose maxBytes is for reads', async () => {
    const dir = scratch();
    build(dir, LAYOUT);
    using root = openRootSync(dir, { maxBytes: 2 });
    expect(await failure(() => root.read('f'))).toMatchObject({ code: 'too-large', size: 3, limit: 2 });
    expect(root.writeAtomicSync('f', 'abcd')).toMatchObject({ size: 4 });
    expect(await root.writeAtomic('f', ['abcd'])).toMatchObject({ size: 4 });
    expect(await root.writeAtomicMany([{ file: 'f', data: 'abcd' }], { durable: false })).toMatchObject([{ status: 'fulfilled' }]);
    for (const act of [() => root.writeAtomic('f', 'abc', { maxBytes: 2 }), async () => root.writeAtomicSync('f', 'abc', { maxBytes: 2 })]) {
      expect(await failure(act)).toMatchObject({ code: 'too-large', size: 3, limit: 2 });
    }
  });
});

describe('too-large of a read', () => {
  it('has the size of the file and the limit', async () => {
    for (const { outcome } of await inBothForms(['f: hello'], (form) => form.read('f', { maxBytes: 4 }))) {
      expect(outcome.error).toMatchObject({ code: 'too-large', size: 5, limit: 4 });
      expect(outcome.error.toJSON()).toMatchObject({ size: 5, limit: 4 });
      expect(outcome.error.toPublic()).toEqual({ code: 'too-large', category: 'policy', message: 'The file is too large.' });
    }
    const dir = scratch();
    fs.writeFileSync(`${dir}/f`, '');
    fs.truncateSync(`${dir}/f`, 16 * 1024 * 1024 + 1);
    using root = openRootSync(dir);
    for (const act of [() => root.read('f'), () => root.open('f'), async () => root.readSync('f')]) {
      expect(await failure(act)).toMatchObject({ code: 'too-large', size: 16 * 1024 * 1024 + 1, limit: 16 * 1024 * 1024 });
    }
  });
});
