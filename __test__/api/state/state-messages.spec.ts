import * as fs from 'node:fs';
import * as path from 'node:path';
import { describe, expect, it } from 'vitest';
import { UNCHANGED, acquireLock, appendRecord, appendRecordSync, openRootSync, tryLock, updateAtomic, updateJson, withLock, type HoldfastError } from '../../../index.mjs';
import { scratch, scratchInMemory } from '../../helpers/scratch.js';
import { start } from '../../helpers/state.js';

scratchInMemory();

const quick = { durable: false } as const;

async function failure(promise: Promise<unknown>): Promise<HoldfastError> {
  return promise.then(
    () => expect.unreachable('the call succeeds'),
    (error: unknown) => error as HoldfastError,
  );
}

describe('lock-timeout', () => {
  it('says that this process holds the lock, and in which call', async () => {
    const dir = scratch();
    const file = path.join(dir, 'state');
    const lock = await acquireLock(file);
    const lockDir = path.join(dir, 'link');
    for (const call of [() => updateJson(file, (value) => value, { ifMissing: {}, timeoutMs: 20 }), () => withLock(file, () => {}, { timeoutMs: 0 }), () => appendRecord(file, 'x', { timeoutMs: 20 })]) {
      const error = await failure(call());
      expect(error.message).toContain('this process holds it, in an earlier call (acquireLock)');
      expect(error.remedy).toContain('take them in the same order');
      expect(JSON.parse(error.holder!)).toMatchObject({ pid: process.pid });
    }
    await lock.release();
    // By another spelling of the directory for lock files.
    fs.symlinkSync('.', lockDir);
    const other = await acquireLock(file, { lockDir: dir });
    expect((await failure(appendRecord(file, 'x', { lockDir, timeoutMs: 20 }))).message).toContain('(acquireLock)');
    await other.release();
  });

  it('names no process where none is known', async () => {
    const file = path.join(scratch(), 'state');
    const reader = await start('hold', file, 'shared');
    const error = await failure(withLock(file, () => {}, { timeoutMs: 0 }));
    expect(error.message).toMatch(/was not free in time\. Wait longer \(timeoutMs\): a process that has ended holds no lock\. Shared locks of other processes /);
    expect(error.message).toContain('leave a pause between them, or read without a lock');
    reader.child.kill('SIGKILL');
  });

  it('names no holder that was killed, while another one holds the lock without a text', async () => {
    const file = path.join(scratch(), 'state');
    const dead = await start('hold', file);
    const { lockFile } = await fs.promises.readdir(path.dirname(file)).then(([name]) => ({ lockFile: path.join(path.dirname(file), name!) }));
    dead.child.kill('SIGKILL');
    await new Promise((resolve) => dead.child.once('exit', resolve));
    expect(fs.readFileSync(lockFile, 'utf8')).toContain(`"pid":${dead.child.pid}`);
    await start('hold', file, 'shared');
    expect(fs.readFileSync(lockFile, 'utf8')).toBe('holdfast lock\n');
    expect((await failure(acquireLock(file, { timeoutMs: 20 }))).holder).toBeUndefined();
  });

  it('names no holder that was killed during an append', async () => {
    const file = path.join(scratch(), 'state');
    const dead = await start('hold', file);
    dead.child.kill('SIGKILL');
    await new Promise((resolve) => dead.child.once('exit', resolve));
    appendRecordSync(file, 'x', quick);
    const [name] = fs.readdirSync(path.dirname(file)).filter((entry) => entry.endsWith('.lock'));
    expect(fs.readFileSync(path.join(path.dirname(file), name!), 'utf8')).toBe('holdfast lock\n');
  });
});

describe('the message', () => {
  it('of a directory for lock files that cannot be used names it', async () => {
    const dir = scratch();
    const file = path.join(dir, 'state');
    const plain = path.join(dir, 'plain');
    fs.writeFileSync(plain, '');
    const none = path.join(dir, 'none');
    for (const call of [(lockDir: string) => withLock(file, () => {}, { lockDir }), (lockDir: string) => appendRecord(file, 'x', { lockDir }), async (lockDir: string) => appendRecordSync(file, 'x', { lockDir }), (lockDir: string) => updateAtomic(file, () => 'x', { lockDir })]) {
      expect((await failure(call(plain))).message).toContain(`the directory for lock files '${plain}' is not a directory`);
      const missing = await failure(call(none));
      expect(missing.message).toContain(`the directory for lock files '${none}' does not exist`);
      expect(missing.cause).toMatchObject({ code: 'ENOENT', path: none });
    }
  });

  it('of a value for a missing file that cannot be cloned names the option', async () => {
    const error = await failure(updateJson(path.join(scratch(), 'state'), (value) => value, { ifMissing: () => ({}) } as never));
    expect(error).toMatchObject({ code: 'ERR_INVALID_ARG_TYPE', message: expect.stringContaining('options.ifMissing') });
  });

  it('of a missing directory advises mkdir where the call has it alone', async () => {
    const file = path.join(scratch(), 'none/state');
    const error = await failure(withLock(file, () => {}));
    expect(error).toMatchObject({ code: 'not-found', remedy: 'Make the directory first.' });
    expect(error.message).not.toMatch(/mkdir|lockDir/);
    expect((await failure(tryLock(file))).message).not.toContain('mkdir');
    expect((await failure(appendRecord(file, 'x'))).message).toContain('mkdir: true');
    expect((await failure(updateAtomic(file, () => 'x'))).message).toContain('mkdir: true');
  });

  it('of a link advises no option that the call refuses, and no lock file is left', async () => {
    const dir = scratch();
    fs.writeFileSync(path.join(dir, 'file'), 'x');
    fs.symlinkSync('file', path.join(dir, 'link'));
    for (const call of [() => appendRecord(path.join(dir, 'link'), 'x'), async () => appendRecordSync(path.join(dir, 'link'), 'x'), () => updateAtomic(path.join(dir, 'link'), () => 'x')]) {
      const error = await failure(call());
      expect(error).toMatchObject({ code: 'symlink' });
      expect(error.message).toContain('Use the path that it leads to.');
      expect(error.message).not.toContain('finalSymlink');
    }
    await expect(appendRecord(dir, 'x')).rejects.toMatchObject({ code: 'not-file' });
    expect(fs.readdirSync(dir)).toEqual(['file', 'link']);
    // The same with a lock file that is there already.
    fs.renameSync(path.join(dir, 'link'), path.join(dir, 'elsewhere'));
    await withLock(path.join(dir, 'link'), () => {});
    fs.renameSync(path.join(dir, 'elsewhere'), path.join(dir, 'link'));
    expect((await failure(updateAtomic(path.join(dir, 'link'), () => 'x'))).message).not.toContain('finalSymlink');
  });

  it('of an update and a read of an empty file says that it is empty', async () => {
    const file = path.join(scratch(), 'state');
    fs.writeFileSync(file, '');
    await expect(updateJson(file, () => 1, { ifMissing: 0 })).rejects.toMatchObject({ code: 'invalid-json', message: expect.stringContaining('it is empty') });
    using root = openRootSync(path.dirname(file));
    await expect(root.readJson('state')).rejects.toMatchObject({ code: 'invalid-json', message: expect.stringContaining('it is empty') });
  });

  it.each([
    ['withLock', (file: string) => withLock(file, () => {}, { timeoutMs: 5 })],
    ['acquireLock', (file: string) => acquireLock(file, { timeoutMs: 5 })],
    ['appendRecord', (file: string) => appendRecord(file, 'x', { timeoutMs: 5 })],
    ['updateAtomic', (file: string) => updateAtomic(file, () => 'x', { timeoutMs: 5 })],
  ] as const)('of %s has the function that awaited it in its stack', async (_verb, call) => {
    const dir = scratch();
    const held = await acquireLock(path.join(dir, 'state'));
    async function caller(file: string): Promise<unknown> {
      return await call(file);
    }
    for (const [file, code] of [['state', 'lock-timeout'], ['missing/state', 'not-found']] as const) {
      const error = await failure(caller(path.join(dir, file)));
      expect(error.code).toBe(code);
      expect(error.stack).toMatch(/at (async )?caller/);
    }
    await held.release();
  });

  it('of a call within a shared lock says that it is shared', async () => {
    const file = path.join(scratch(), 'state');
    const error = await failure(withLock(file, () => withLock(file, () => {}), { shared: true }));
    expect(error.message).toContain('is held, shared, by the callback');
  });

  it('of an option of proper-lockfile or node:fs has a hint', async () => {
    const file = path.join(scratch(), 'state');
    for (const [options, hint] of [[{ stale: 1 }, 'none is stale'], [{ retries: 3 }, 'timeoutMs'], [{ wait: 3 }, 'timeoutMs'], [{ realpath: false }, 'links'], [{ onCompromised: () => {} }, 'lock-lost']] as const) {
      expect((await failure(withLock(file, () => {}, options as never))).message).toContain(hint);
    }
    for (const [options, hint] of [[{ flag: 'a' }, 'always appends'], [{ flush: true }, 'durable'], [{ fsync: true }, 'durable']] as const) {
      expect((await failure(appendRecord(file, 'x', options as never))).message).toContain(hint);
    }
  });

  it('of an update has the path as it was given', async () => {
    const file = path.relative('.', path.join(scratch(), 'state'));
    fs.writeFileSync(file, '{}');
    expect(await failure(updateJson(file, (value) => value, { ifMissing: {}, maxReadBytes: 1 }))).toMatchObject({ code: 'too-large', path: file });
    fs.writeFileSync(file, '{');
    expect(await failure(updateJson(file, (value) => value, { ifMissing: {} }))).toMatchObject({ code: 'invalid-json', path: file });
  });
});

describe('value of updateJson', () => {
  it('is what the file has, after UNCHANGED too', async () => {
    const file = path.join(scratch(), 'state');
    const leave = (state: { n: number }): { n: number } | typeof UNCHANGED => {
      state.n += 1;
      return UNCHANGED;
    };
    expect(await updateJson(file, leave, { ifMissing: { n: 0 }, ...quick })).toEqual({ value: { n: 0 }, changed: false });
    expect(fs.existsSync(file)).toBe(false);
    fs.writeFileSync(file, '{"n":1}');
    expect(await updateJson(file, leave, { ifMissing: { n: 0 }, ...quick })).toEqual({ value: { n: 1 }, changed: false });
    const { value } = await updateJson<object>(file, () => ({ at: new Date(0), gone: undefined, map: new Map([[1, 2]]), nan: NaN }), { ifMissing: {}, ...quick });
    expect(value).toEqual({ at: '1970-01-01T00:00:00.000Z', map: {}, nan: null });
    expect(value).toEqual(JSON.parse(fs.readFileSync(file, 'utf8')));
  });
});
