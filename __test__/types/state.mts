// The options and results of locks, updates and appends, in each form of a call, and what must not compile.
import type { Stats } from 'node:fs';
import {
  acquireLock,
  appendJson,
  appendJsonSync,
  appendRecord,
  appendRecordSync,
  appendRecords,
  appendRecordsSync,
  openRootSync,
  tryLock,
  UNCHANGED,
  updateAtomic,
  updateJson,
  withLock,
  type AppendOptions,
  type AppendResult,
  type Containment,
  type Lock,
  type LockOptions,
  type UpdateJsonResult,
  type UpdateOptions,
  type WriteResult,
} from 'holdfast';
import { exactly, type Equal } from './exact.mjs';

declare const signal: AbortSignal;
declare const maybe: boolean;

const paths = ['/srv/a', Buffer.from('/srv/a'), new URL('file:///srv/a')];

const lockOptions: LockOptions[] = [
  {},
  { root: '/srv', symlinks: 'follow-within-root' },
  { shared: maybe },
  { timeoutMs: Infinity },
  { lockDir: '/run/locks' },
  { lockDir: Buffer.from('/run/locks'), lockMode: 0o660 },
  { signal },
];

const updateOptions: UpdateOptions[] = [
  {},
  { lock: maybe, maxReadBytes: 1 },
  { timeoutMs: 1, lockDir: new URL('file:///run/locks'), lockMode: 0o600, signal },
  { root: '/srv', symlinks: 'reject', hardlinks: 'reject' },
  { mode: 0o600, newFileMode: 0o640, durable: 'file', mkdir: true, dirMode: 0o700, maxBytes: 1, encoding: 'latin1' },
];

const appendOptions: AppendOptions[] = [
  {},
  { newFileMode: 0o640, durable: maybe },
  { onTornTail: 'isolate' },
  { onTornTail: 'error', maxFileBytes: 1e9 },
  { mkdir: true, dirMode: 0o750 },
  { root: '/srv', symlinks: 'follow-trusted', timeoutMs: 0, lockDir: '/run/locks', lockMode: 0o660, signal },
];

export async function called(): Promise<void> {
  for (const path of paths) {
    for (const options of lockOptions) {
      const five: number = await withLock(path, () => 5, options);
      const text: string = await withLock(path, async (lock) => lock.lockFile, options);
      (await acquireLock(path, options)).release();
      void [five, text];
    }
    for (const options of updateOptions) {
      await updateAtomic(path, () => UNCHANGED, options);
      await updateAtomic(path, async (current: Buffer | undefined, stat: Stats | undefined) => (stat === undefined ? 'new' : (current ?? UNCHANGED)), options);
    }
    for (const options of appendOptions) {
      await appendRecord(path, 'record', options);
      await appendRecords(path, new Set(['one', Buffer.from('two')]), options);
      await appendJson(path, { turn: 1 }, options);
    }
    appendRecordSync(path, new Uint8Array(1), { durable: false, timeoutMs: 10 });
    appendRecordsSync(path, ['one'], { mkdir: true });
    appendJsonSync(path, null, { onTornTail: 'error' });
  }
  await using held = await acquireLock('/srv/a');
  const lock = await tryLock('/srv/a', { shared: true });
  await lock?.release();
  void held;

  const { value, changed, write } = await updateJson('/srv/a', (state) => ({ turns: state.turns + 1 }), { ifMissing: { turns: 0 }, durable: false });
  exactly<Equal<typeof value, { turns: number }>>();
  exactly<Equal<typeof changed, boolean>>();
  exactly<Equal<typeof write, WriteResult | undefined>>();
  await updateJson<{ seen?: string[] }>('/srv/a', async (state) => (state.seen === undefined ? UNCHANGED : state), { ifMissing: {} });
  await updateJson<{ seen?: string[] }>('/srv/a', async () => UNCHANGED, { ifMissing: {} });
  const { value: kept } = await updateJson('/srv/a', async () => UNCHANGED, { ifMissing: { turns: 0 } });
  exactly<Equal<typeof kept, { turns: number }>>();
  await updateAtomic('/srv/a', async () => UNCHANGED);

  using root = openRootSync('/srv');
  await root.withLock('a', () => 5, { shared: true });
  await root.updateAtomic('a', () => 'text', { mode: 0o600 });
  await root.updateJson('a', (count: number) => count + 1, { ifMissing: 0 });
  await root.appendJson('a', { turn: 1 }, { durable: false, signal });
  root.appendRecordSync('a', 'record', { maxFileBytes: 1 });
  const result: AppendResult = root.appendRecordsSync('a', ['one']);
  void result;
}

exactly<Equal<ReturnType<typeof acquireLock>, Promise<Lock>>>();
exactly<Equal<ReturnType<typeof tryLock>, Promise<Lock | undefined>>>();
exactly<Equal<ReturnType<typeof updateAtomic>, Promise<WriteResult | undefined>>>();
exactly<Equal<ReturnType<typeof appendRecord>, Promise<AppendResult>>>();
exactly<Equal<ReturnType<typeof appendJsonSync>, AppendResult>>();
exactly<Equal<Lock['scope'], 'host' | 'unknown'>>();
exactly<Equal<ReturnType<Lock['release']>, Promise<void>>>();
exactly<Equal<AppendResult['containment'], Containment>>();
exactly<Equal<Pick<AppendResult, 'path' | 'offset' | 'size'>, { path: string; offset: number; size: number }>>();
exactly<Equal<Pick<AppendResult, 'created' | 'isolated' | 'rotated' | 'durable'>, { created: boolean; isolated: boolean; rotated: boolean; durable: boolean }>>();
exactly<Equal<UpdateJsonResult<number>['value'], number>>();

export async function refused(lock: Lock): Promise<void> {
  // @ts-expect-error a forgotten return
  await updateAtomic('/srv/a', () => {});
  // @ts-expect-error what a missing file counts as is not said
  await updateJson('/srv/a', (state) => state);
  // @ts-expect-error the new value has another type
  await updateJson<number>('/srv/a', () => 'text', { ifMissing: 0 });
  // @ts-expect-error an update replaces the file
  await updateAtomic('/srv/a', () => 'x', { overwrite: false });
  // @ts-expect-error a link has another lock
  await updateAtomic('/srv/a', () => 'x', { finalSymlink: 'follow' });
  // @ts-expect-error an update has the lock alone
  await updateAtomic('/srv/a', () => 'x', { shared: true });
  // @ts-expect-error tryLock does not wait
  await tryLock('/srv/a', { timeoutMs: 1 });
  // @ts-expect-error the directory is synced with a new file alone
  await appendRecord('/srv/a', 'x', { durable: 'file' });
  // @ts-expect-error an append has the lock alone
  await appendRecord('/srv/a', 'x', { shared: true });
  // @ts-expect-error the records are several
  await appendRecords('/srv/a', 7);
  // @ts-expect-error a synchronous call cannot be aborted
  appendRecordSync('/srv/a', 'x', { signal });
  // @ts-expect-error a root has its directory
  await openRootSync('/srv').appendRecord('a', 'x', { root: '/srv' });
  // @ts-expect-error the path is of the lock that was taken
  lock.path = '/srv/b';
  // @ts-expect-error there is no synchronous lock
  (await import('holdfast')).withLockSync;
}
