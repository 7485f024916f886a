// state.vitest.test.ts
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { HoldfastError } from 'holdfast';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { loadState, saveState } from '../src/state.js';

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(path.join(tmpdir(), 'state-'));
});
afterEach(() => rm(dir, { recursive: true }));

test('loads what was saved', async () => {
  const file = path.join(dir, 'new/state.json');
  expect(await loadState(file)).toEqual({ turn: 0 });
  expect(await saveState(file, { turn: 1 })).toBe('stored');
  expect(await loadState(file)).toEqual({ turn: 1 });
  expect(await readdir(path.dirname(file))).toEqual(['state.json']);
});

test('reports a refusal', async () => {
  const write = vi.fn().mockRejectedValue(new HoldfastError('symlink', { path: '/srv/state.json' }));
  expect(await saveState('/srv/state.json', { turn: 1 }, write)).toBe('refused');
});

test('passes on every other error', async () => {
  const full = Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC', errno: -28, syscall: 'write' });
  const write = vi.fn().mockRejectedValue(full);
  await expect(saveState('/srv/state.json', { turn: 1 }, write)).rejects.toBe(full);
});
