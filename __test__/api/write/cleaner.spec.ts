// cleanStaleTemporaries with olderThanMs: 0 in another process, while slow operations run.
import { spawn } from 'node:child_process';
import * as fs from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { stageAtomic, writeAtomic, type StagedFile } from '../../../index.mjs';
import { placeInMemory, scratch } from '../../helpers/scratch.js';

const program = fileURLToPath(new URL('../../programs/cleaner.mjs', import.meta.url));
const ROUNDS = 60;

/** Runs `work` while another process cleans the directory. */
async function besideCleaner(dir: string, work: () => Promise<void>): Promise<void> {
  const cleaner = spawn(process.execPath, [program, dir], { stdio: ['pipe', 'pipe', 'inherit'] });
  onTestFinished(() => void cleaner.kill());
  const lines = createInterface({ input: cleaner.stdout })[Symbol.asyncIterator]();
  expect((await lines.next()).value).toBe('ready');
  await work();
  cleaner.stdin.end();
  const { calls, removed } = JSON.parse((await lines.next()).value as string) as { calls: number; removed: number };
  expect(calls).toBeGreaterThan(5);
  expect(removed).toBe(0);
}

const aside = (dir: string, count: number): string => `${dir}/part-${count}`;

const makers: [how: string, make: (staged: StagedFile, dir: string, count: number) => unknown][] = [
  ['written by its handle', ({ handle }) => handle.writeFile('made')],
  ['written by its path', ({ tempPath }) => fs.writeFileSync(tempPath, 'made')],
  ['replaced by another file', ({ tempPath }, dir, count) => (fs.writeFileSync(aside(dir, count), 'made'), fs.renameSync(aside(dir, count), tempPath))],
  ['removed and created again', ({ tempPath }) => (fs.rmSync(tempPath), fs.writeFileSync(tempPath, 'made'))],
];

describe.each([
  ['on disk', undefined],
  ['in memory', placeInMemory()],
])('beside a cleaner, %s', (where, base) => {
  const place = (): string => {
    if (where === 'on disk' || base === undefined) return scratch();
    const dir = fs.mkdtempSync(`${base}/hf-cleaner-`);
    onTestFinished(() => fs.rmSync(dir, { recursive: true, force: true }));
    return dir;
  };

  it.each(makers)('a staged file %s is published', async (_how, make) => {
    const dir = place();
    await besideCleaner(dir, async () => {
      for (let count = 0; count < ROUNDS; count += 1) {
        const staged = await stageAtomic(`${dir}/f`, { durable: count % 2 === 0 });
        await make(staged, dir, count);
        if (count % 10 === 0) await new Promise((resolve) => setTimeout(resolve, 5));
        expect(await staged.commit()).toMatchObject({ size: 4 });
      }
    });
    expect(fs.readdirSync(dir)).toEqual(['f']);
  });

  it('a staged file beneath a root is published', async () => {
    const dir = place();
    await besideCleaner(dir, async () => {
      for (let count = 0; count < ROUNDS; count += 1) {
        const staged = await stageAtomic('f', { root: dir, durable: false });
        await staged.handle.writeFile('made');
        expect(await staged.commit()).toMatchObject({ size: 4 });
      }
    });
    expect(fs.readdirSync(dir)).toEqual(['f']);
  });

  it.each([true, false])('a stream is published (overwrite: %s)', async (overwrite) => {
    const dir = place();
    await besideCleaner(dir, async () => {
      for (let count = 0; count < ROUNDS; count += 1) {
        const chunks = async function* () {
          yield 'x'.repeat(70_000);
          if (count % 10 === 0) await new Promise((resolve) => setTimeout(resolve, 5));
          yield 'y';
        };
        const file = overwrite ? `${dir}/f` : `${dir}/f-${count}`;
        expect(await writeAtomic(file, chunks(), { overwrite, durable: count % 2 === 0 })).toMatchObject({ size: 70_001 });
      }
    });
    expect(fs.readdirSync(dir)).toHaveLength(overwrite ? 1 : ROUNDS);
  });
});
