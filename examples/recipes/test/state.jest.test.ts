// state.jest.test.ts
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { HoldfastError, writeAtomic } from 'holdfast';
import { loadState, saveState } from '../src/state';

jest.mock('holdfast', () => {
  const holdfast = jest.requireActual('holdfast');
  return { ...holdfast, writeAtomic: jest.fn(holdfast.writeAtomic) };
});

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
});

test('reports a refusal', async () => {
  jest.mocked(writeAtomic).mockRejectedValueOnce(new HoldfastError('symlink', { path: '/srv/state.json' }));
  expect(await saveState('/srv/state.json', { turn: 1 })).toBe('refused');
});
