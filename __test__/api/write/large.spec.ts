// Sizes above 32 bits: a stream of 3 GiB. It goes to memory if that suffices, otherwise to a disk.
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { writeAtomic } from '../../../index.mjs';

const CHUNK = 4 * 2 ** 20;
const CHUNKS = 768;
const TMPFS = 0x01021994;

function hasRoom(dir: string): boolean {
  try {
    fs.accessSync(dir, fs.constants.W_OK);
    const { type, bavail, bsize } = fs.statfsSync(dir);
    // The memory may be smaller than the limit of a tmpfs.
    const room = type === TMPFS ? Math.min(bavail * bsize, process.availableMemory() / 2) : bavail * bsize;
    return room > 4 * 2 ** 30;
  } catch {
    return false;
  }
}

const place = ['/dev/shm', os.tmpdir(), '/var/tmp', path.resolve(import.meta.dirname, '../../..')].find(hasRoom);
const reason = place === undefined ? ' (skipped: needs 4 GiB free, on a disk or in memory)' : '';

describe.skipIf(place === undefined)(`a stream of 3 GiB${reason}`, () => {
  test('is written to the byte, and its size told', { timeout: 600_000 }, async () => {
    const dir = fs.mkdtempSync(path.join(fs.realpathSync(place!), 'hf-spec-'));
    onTestFinished(() => fs.rmSync(dir, { recursive: true, force: true }));
    // Each chunk has its number at both ends.
    const chunk = Buffer.alloc(CHUNK);
    function* numbered(): Generator<Buffer> {
      for (let number = 0; number < CHUNKS; number += 1) {
        chunk.writeUInt32LE(number, 0);
        chunk.writeUInt32LE(number, CHUNK - 4);
        yield chunk;
      }
    }
    const { size, path: written } = await writeAtomic(`${dir}/f`, numbered(), { durable: false });
    expect(size).toBe(3 * 2 ** 30);
    expect(fs.statSync(written).size).toBe(size);
    expect(fs.readdirSync(dir)).toEqual(['f']);

    const fd = fs.openSync(written, 'r');
    onTestFinished(() => fs.closeSync(fd));
    const numberAt = (position: number): number => {
      const four = Buffer.alloc(4);
      expect(fs.readSync(fd, four, 0, 4, position)).toBe(4);
      return four.readUInt32LE();
    };
    const numbers = Array.from({ length: CHUNKS }, (_, number) => number);
    expect(numbers.map((number) => numberAt(number * CHUNK))).toEqual(numbers);
    expect(numbers.map((number) => numberAt((number + 1) * CHUNK - 4))).toEqual(numbers);
  });
});
