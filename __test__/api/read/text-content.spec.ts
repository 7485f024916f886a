// Text of every size that takes another path through the binary, against `Buffer#toString`.
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { openRoot, readLocalFileSafely, readLocalFileSafelySync } from '../../../index.mjs';
import { scratch } from '../../helpers/scratch.js';

const sizes = [0, 1, 4095, 4096, 4097, 16_383, 16_384, 16_385, 65_535, 65_536, 65_537, 1 << 20];

const contents = {
  ASCII: (size: number) => Buffer.alloc(size, 'line\n\0'),
  'a last byte that is invalid in UTF-8': (size: number) => at(size, size - 1, 0xff),
  'a first byte that is invalid in UTF-8': (size: number) => at(size, 0, 0xc3),
  'characters of two bytes': (size: number) => Buffer.alloc(size, 'é'),
  'characters of three bytes': (size: number) => Buffer.alloc(size, '漢'),
  'a lone surrogate': (size: number) => Buffer.alloc(size, Buffer.from([0xed, 0xa0, 0x80])),
};

function at(size: number, index: number, byte: number) {
  const content = Buffer.alloc(size, 'x');
  if (size > 0) content[index] = byte;
  return content;
}

describe('text with', () => {
  it.each(Object.entries(contents))('%s is that of Buffer#toString', async (_title, contentOf) => {
    const dir = scratch();
    const root = await openRoot(dir);
    const file = path.join(dir, 'file');
    for (const size of sizes) {
      const content = contentOf(size);
      fs.writeFileSync(file, content);
      for (const encoding of ['utf8', 'utf-8', 'latin1', 'ascii', 'utf16le', 'hex'] as const) {
        const text = content.toString(encoding);
        for (const result of [readLocalFileSafelySync(file, { encoding }), await readLocalFileSafely(file, { encoding }), root.readSync('file', { encoding })]) {
          expect(result.text === text, `${size} bytes as ${encoding}`).toBe(true);
          expect(result).not.toHaveProperty('buffer');
          expect(result.stat.size).toBe(size);
          expect(result.realPath).toBe(file);
        }
      }
      expect(root.readTextSync('file') === content.toString()).toBe(true);
      expect((await root.readText('file')) === content.toString()).toBe(true);
      // A Buffer after a text has memory of its own.
      const bytes = root.readSync('file').buffer;
      expect(bytes.equals(content) && bytes.buffer.byteLength === size).toBe(true);
    }
    await root.close();
  });
});
