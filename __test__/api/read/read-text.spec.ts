// Reads with an encoding: the result has `text` instead of `buffer`.
import * as fs from 'node:fs';
import { describe, expect, it } from 'vitest';
import { openLocalFileSafely, openRootSync, readLocalFileSafely, readLocalFileSafelySync } from '../../../index.mjs';
import { failure, inBothForms, openFiles } from '../../helpers/forms.js';
import { scratch } from '../../helpers/scratch.js';

const CONTENTS: [name: string, content: Buffer][] = [
  ['nothing', Buffer.alloc(0)],
  ['ASCII', Buffer.from('hello')],
  ['a byte order mark', Buffer.from('\ufeffhello')],
  ['accents, CJK and emoji', Buffer.from('h\u00e9llo \u65e5\u672c\u8a9e \u{1f600}'.repeat(100))],
  ['bytes that are not UTF-8', Buffer.from([0x68, 0xff, 0xc3, 0x28, 0xed, 0xa0, 0x80, 0xf0, 0x9f])],
  ['a NUL', Buffer.from('a\0b')],
  ['4 KiB', Buffer.alloc(4096, 'h\u00e9llo ')],
  ['20 KiB', Buffer.alloc(20_480, 'h\u00e9llo ')],
  ['1 MiB', Buffer.alloc(1 << 20, 'h\u00e9llo ')],
];

const ENCODINGS = ['utf8', 'utf-8', 'UTF8', 'utf16le', 'ucs2', 'latin1', 'binary', 'ascii', 'base64', 'base64url', 'hex'] as BufferEncoding[];

type Read = (dir: string, encoding: BufferEncoding) => Promise<{ text: string }>;

const FORMS: [name: string, read: Read][] = [
  ['readLocalFileSafelySync', async (dir, encoding) => readLocalFileSafelySync(`${dir}/f`, { encoding })],
  ['readLocalFileSafelySync of one object', async (dir, encoding) => readLocalFileSafelySync({ filePath: `${dir}/f`, encoding })],
  ['readLocalFileSafelySync with a root', async (dir, encoding) => readLocalFileSafelySync('f', { encoding, root: dir })],
  ['readLocalFileSafely', async (dir, encoding) => readLocalFileSafely(`${dir}/f`, { encoding })],
  ['readLocalFileSafely from the pool', async (dir, encoding) => readLocalFileSafely({ filePath: 'f', root: dir, encoding })],
  ['Root.readSync and Root.read', async (dir, encoding) => {
    const root = openRootSync(dir);
    const sync = root.readSync('f', { encoding });
    const promised = await root.read('f', { encoding });
    root.close();
    expect(promised.text).toBe(sync.text);
    return promised;
  }],
];

describe.each(FORMS)('%s with an encoding', (_name, read) => {
  it.each(CONTENTS)('decodes as fs.readFile does: %s', async (_title, content) => {
    const dir = scratch();
    fs.writeFileSync(`${dir}/f`, content);
    for (const encoding of ENCODINGS) {
      const result = await read(dir, encoding);
      expect(result.text === fs.readFileSync(`${dir}/f`, encoding), encoding).toBe(true);
      expect(Object.keys(result).sort()).toEqual(['containment', 'realPath', 'stat', 'text']);
    }
  });
});

describe('the option encoding of a read', () => {
  it('returns a Buffer when it is undefined, null or "buffer"', async () => {
    for (const encoding of [undefined, null, 'buffer']) {
      for (const { outcome } of await inBothForms(['f: x'], (form) => form.read('f', { encoding }))) {
        expect(Object.keys(outcome.value!).sort()).toEqual(['buffer', 'containment', 'realPath', 'stat']);
      }
    }
  });

  it('is an error when it is no encoding, before any I/O', async () => {
    for (const [encoding, code] of [['utf-9', 'ERR_INVALID_ARG_VALUE'], ['', 'ERR_INVALID_ARG_VALUE'], [8, 'ERR_INVALID_ARG_TYPE'], [true, 'ERR_INVALID_ARG_TYPE']]) {
      for (const { outcome } of await inBothForms([], (form) => form.read('missing', { encoding }))) {
        expect(outcome.error).toMatchObject({ name: 'TypeError', code });
      }
    }
  });

  it('of the second object counts over that of the first', async () => {
    const filePath = `${scratch()}/f`;
    fs.writeFileSync(filePath, 'abc');
    expect((await readLocalFileSafely({ filePath, encoding: 'utf8' }, { maxBytes: 10 })).text).toBe('abc');
    expect((await readLocalFileSafely({ filePath }, { encoding: 'hex' })).text).toBe('616263');
  });

  it('is refused by an open, whose handle decodes', async () => {
    const file = `${scratch()}/f`;
    fs.writeFileSync(file, 'abc');
    const open = openFiles();
    const error = await failure(() => openLocalFileSafely(file, { encoding: 'utf8' } as never));
    expect(error).toMatchObject({ code: 'ERR_INVALID_ARG_VALUE' });
    expect(error.message).toContain('handle.readFile');
    expect(openFiles()).toEqual(open);
  });
});
