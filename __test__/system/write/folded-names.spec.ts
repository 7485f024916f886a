// Case-insensitive file systems: writes under two spellings follow each other. On others they are two files.
import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { Driver, type Value } from '../../helpers/sys-driver.js';
import { needs } from '../../helpers/sys-needs.js';
import { buildC, scratch } from '../../helpers/sys-scratch.js';

const LARGE = 'x'.repeat(1_000_000);
const spellings = [
  ['File.txt', 'file.TXT'],
  ['file.txt', 'FILE.TXT'],
] as const;

needs('root', 'unshare', 'gcc', '/dev/fuse')('on a file system that folds cases', () => {
  let driver: Driver;
  let dir: string;
  beforeAll(async () => {
    dir = scratch();
    driver = await Driver.start({ launcher: ['unshare', '--mount', '--propagation', 'private', buildC('odd-fs'), dir, 'folds-cases'] });
  });

  it.each(spellings)('asynchronous writes of %s and %s publish in the order they were made', async (older, newer) => {
    for (let round = 0; round < 5; round += 1) {
      const all = [
        { call: 'writeAtomic', args: [join(dir, older), LARGE, {}] },
        { call: 'writeAtomic', args: [join(dir, newer), 'last', { durable: false }] },
      ];
      await driver.must({ all });
      expect((await driver.fs('readFileSync', join(dir, older), 'utf8')).slice(0, 4)).toBe('last');
      expect(await driver.fs('readdirSync', dir)).toHaveLength(1);
      await driver.fs('unlinkSync', join(dir, older));
    }
  });

  it.each(spellings)('entries %s and %s of writeAtomicMany publish in their order', async (older, newer) => {
    for (let round = 0; round < 5; round += 1) {
      const entries = [
        { file: join(dir, older), data: LARGE },
        { file: join(dir, newer), data: 'last' },
      ];
      const settled = (await driver.must({ call: 'writeAtomicMany', args: [entries, { durable: false }] })) as { status: string; value: Value }[];
      expect(settled.map(({ status, value }) => [status, value?.created])).toEqual([
        ['fulfilled', true],
        ['fulfilled', false],
      ]);
      expect((await driver.fs('readFileSync', join(dir, older), 'utf8')).slice(0, 4)).toBe('last');
      await driver.fs('unlinkSync', join(dir, older));
    }
  });
});

it('elsewhere, spellings are entries of their own', async () => {
  const dir = scratch();
  const driver = await Driver.start();
  const names = [...spellings.flat(), 'é.txt', 'É.txt', 'e\u0301.txt', '日.txt', '月.txt'];
  const entries = names.map((name) => ({ file: join(dir, name), data: name }));
  const settled = (await driver.must({ call: 'writeAtomicMany', args: [entries, {}] })) as { status: string }[];
  expect(settled.map(({ status }) => status)).toEqual(entries.map(() => 'fulfilled'));
  for (const { file, data } of entries) expect(await driver.fs('readFileSync', file, 'utf8')).toBe(data);
});
