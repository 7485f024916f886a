import * as fs from 'node:fs';
import * as path from 'node:path';
import { describe, expect, it } from 'vitest';
import { UNCHANGED, openRootSync, updateAtomic, updateJson, withLock, writeAtomic } from '../../../index.mjs';
import { scratch, scratchInMemory, strays } from '../../helpers/scratch.js';
import { launch } from '../../helpers/state.js';
import { once } from 'node:events';

scratchInMemory();

const quick = { durable: false } as const;

describe('a link under the name of the file', () => {
  it.each(['follow-parents', 'follow-within-root', 'follow-trusted'] as const)('is refused before the update is called (%s)', async (symlinks) => {
    const dir = scratch();
    fs.writeFileSync(path.join(dir, 'real'), '{}');
    for (const [name, target] of [['live', 'real'], ['dangling', 'nothing'], ['self', 'self'], ['absolute', `${dir}/real`]] as const) fs.symlinkSync(target, path.join(dir, name));
    using root = openRootSync(dir, { symlinks, durable: false });
    let calls = 0;
    const call = (): string => `${calls++}`;
    for (const name of ['live', 'dangling', 'self', 'absolute']) {
      await expect(root.updateAtomic(name, call), name).rejects.toMatchObject({ code: 'symlink' });
      await expect(root.updateAtomic(name, call, { lock: false }), name).rejects.toMatchObject({ code: 'symlink' });
      await expect(root.updateJson(name, call, { ifMissing: '' }), name).rejects.toMatchObject({ code: 'symlink' });
      if (symlinks !== 'follow-within-root') {
        await expect(updateAtomic(path.join(dir, name), call, { ...quick, symlinks }), name).rejects.toMatchObject({ code: 'symlink' });
      }
    }
    expect([calls, fs.readFileSync(path.join(dir, 'real'), 'utf8'), fs.existsSync(path.join(dir, 'nothing'))]).toEqual([0, '{}', false]);
  });
});

describe('updateAtomic', () => {
  it('passes content and stat, publishes what the callback returns, and describes that', async () => {
    const file = path.join(scratch(), 'state');
    const first = await updateAtomic(file, (current, stat) => {
      expect([current, stat]).toEqual([undefined, undefined]);
      return 'one';
    });
    expect(first).toMatchObject({ path: file, created: true, size: 3, mode: 0o644 });
    const second = await updateAtomic(file, async (current, stat) => {
      expect(stat?.size).toBe(3);
      return Buffer.concat([current!, Buffer.from(' two')]);
    });
    expect(second).toMatchObject({ created: false, size: 7 });
    expect(fs.readFileSync(file, 'utf8')).toBe('one two');
  });

  it('loses no update of many at once', async () => {
    const file = path.join(scratch(), 'state');
    await Promise.all(Array.from({ length: 100 }, () => updateAtomic(file, (current) => String(Number(current ?? 0) + 1), quick)));
    expect(fs.readFileSync(file, 'utf8')).toBe('100');
  });

  it('loses no acknowledged update of processes that are killed', async () => {
    const file = path.join(scratch(), 'state');
    let acknowledged = 0;
    const round = async (isKilled: boolean) => {
      const { child, lines } = launch('increment', file, isKilled ? '100000' : '50');
      if (isKilled) {
        while (lines.length < 20) await new Promise((resolve) => setTimeout(resolve, 2));
        child.kill('SIGKILL');
      }
      await once(child, 'close');
      acknowledged += lines.length;
      return isKilled;
    };
    const killed = await Promise.all([true, false, true].map(round));
    const value = Number(fs.readFileSync(file, 'utf8'));
    expect(value).toBeGreaterThanOrEqual(acknowledged);
    // A killed process may have published one value that it did not print.
    expect(value - acknowledged).toBeLessThanOrEqual(killed.filter(Boolean).length);
  });

  it('leaves the file as it is for UNCHANGED and after an error of the callback, and refuses a forgotten return', async () => {
    const dir = scratch();
    const file = path.join(dir, 'state');
    fs.writeFileSync(file, 'old');
    const before = fs.statSync(file).ino;
    expect(await updateAtomic(file, () => UNCHANGED)).toBeUndefined();
    await expect(updateAtomic(file, () => undefined as never)).rejects.toMatchObject({ name: 'TypeError', code: 'ERR_INVALID_RETURN_VALUE' });
    await expect(updateAtomic(file, () => 7 as never)).rejects.toMatchObject({ code: 'ERR_INVALID_RETURN_VALUE' });
    await expect(updateAtomic(file, () => Promise.reject(new Error('mine')))).rejects.toThrow('mine');
    expect(fs.statSync(file).ino).toBe(before);
    expect(strays(dir).filter((name) => !name.endsWith('.lock'))).toEqual([]);
  });

  it('starts again when a program without the lock changed the file, 8 times at most', async () => {
    const file = path.join(scratch(), 'state');
    for (const change of [
      (count: number) => fs.writeFileSync(file, `other ${count}`),
      (count: number) => (fs.writeFileSync(`${file}.new`, `other ${count}`), fs.renameSync(`${file}.new`, file)),
      (count: number) => (count % 2 === 0 ? fs.writeFileSync(file, 'x') : fs.rmSync(file, { force: true })),
    ]) {
      let calls = 0;
      await expect(
        updateAtomic(file, () => {
          change((calls += 1));
          return 'mine';
        }, quick),
      ).rejects.toMatchObject({ code: 'conflict', category: 'operational' });
      expect(calls).toBe(8);
      expect(fs.existsSync(file) && fs.readFileSync(file, 'utf8')).not.toBe('mine');
    }
    let calls = 0;
    await updateAtomic(file, (current) => {
      if ((calls += 1) === 1) fs.writeFileSync(file, 'theirs');
      return `${current ?? ''} and mine`;
    }, quick);
    expect(fs.readFileSync(file, 'utf8')).toBe('theirs and mine');
  });

  it.each([
    ['changed the buffer', (current: Buffer) => (current.writeUInt8(current.readUInt8(0) + 1), current)],
    ['changed the stat', (current: Buffer, stat: fs.Stats) => ((stat.size = 7), Buffer.from([current.readUInt8(0) + 1]))],
    ['transferred the buffer', (current: Buffer) => {
      const next = Buffer.from([current.readUInt8(0) + 1]);
      structuredClone(current.buffer, { transfer: [current.buffer as ArrayBuffer] });
      return next;
    }],
  ])('calls its callback once where that has %s that it got', async (_what, change) => {
    const file = path.join(scratch(), 'state');
    await writeAtomic(file, Buffer.from([0]), quick);
    let calls = 0;
    for (let index = 0; index < 20; index += 1) await updateAtomic(file, (current, stat) => (calls += 1, change(current!, stat!)), quick);
    expect([calls, fs.readFileSync(file)[0]]).toEqual([20, 20]);
  });

  it('publishes nothing when its lock file was removed or replaced', async () => {
    const dir = scratch();
    const file = path.join(dir, 'state');
    fs.writeFileSync(file, 'old');
    const lockFile = await withLock(file, (lock) => lock.lockFile);
    for (const spoil of [() => fs.rmSync(lockFile), () => fs.renameSync(lockFile, `${lockFile}.old`), () => (fs.rmSync(lockFile), fs.writeFileSync(lockFile, ''))]) {
      await expect(updateAtomic(file, () => (spoil(), 'new'), quick)).rejects.toMatchObject({ code: 'lock-lost' });
      expect(fs.readFileSync(file, 'utf8')).toBe('old');
    }
  });

  it.each([{}, { mkdir: true }])('fails with lock-lost when its directory was removed (%o)', async (options) => {
    const dir = path.join(scratch(), 'dir');
    const remove = () => (fs.rmSync(dir, { recursive: true }), 'new');
    fs.mkdirSync(dir);
    await expect(updateAtomic(path.join(dir, 'state'), remove, { ...quick, ...options })).rejects.toMatchObject({ code: 'lock-lost' });
    fs.mkdirSync(dir, { recursive: true });
    using root = openRootSync(path.dirname(dir));
    await expect(root.updateAtomic('dir/state', remove, { ...quick, ...options })).rejects.toMatchObject({ code: 'lock-lost' });
    const own = path.join(scratch(), 'own');
    fs.mkdirSync(own);
    fs.writeFileSync(path.join(own, 'state'), 'old');
    using opened = openRootSync(own);
    await expect(opened.updateAtomic('state', () => (fs.rmSync(own, { recursive: true }), 'new'), options)).rejects.toMatchObject({ code: 'lock-lost' });
  });

  it.each([{}, { lock: false } as const])('names what helps against a link as its file (%o)', async (options) => {
    const dir = scratch();
    fs.writeFileSync(path.join(dir, 'file'), 'old');
    fs.symlinkSync('file', path.join(dir, 'link'));
    const error = await updateAtomic(path.join(dir, 'link'), () => 'new', { ...quick, ...options }).catch((failed) => failed);
    expect(error).toMatchObject({ code: 'symlink', remedy: expect.stringMatching(/^Use the path that it leads to/) });
    expect(error.remedy).not.toContain('finalSymlink');
  });

  it('publishes nothing after an abort, and holds the lock until the callback has settled', async () => {
    const file = path.join(scratch(), 'state');
    const abort = new AbortController();
    let settle!: () => void;
    const update = updateAtomic(file, () => new Promise<string>((resolve) => (settle = () => resolve('new'))), { ...quick, signal: abort.signal });
    while (settle === undefined) await new Promise(setImmediate);
    abort.abort(new Error('enough'));
    let isFree = false;
    const next = withLock(file, () => void (isFree = true));
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(isFree).toBe(false);
    settle();
    await expect(update).rejects.toThrow('enough');
    await next;
    expect(fs.existsSync(file)).toBe(false);
  });

  it('lets its callback write other files, and the same one by writeAtomic', async () => {
    const dir = scratch();
    const file = path.join(dir, 'state');
    await updateAtomic(file, async () => {
      await writeAtomic(path.join(dir, 'other'), 'x', quick);
      return 'new';
    }, quick);
    await expect(updateAtomic(file, () => updateAtomic(file, () => 'x', quick).then(() => 'y'), quick)).rejects.toMatchObject({ code: 'ERR_INVALID_STATE' });
    expect(fs.readFileSync(file, 'utf8')).toBe('new');
  });

  it('takes no lock with lock: false', async () => {
    const dir = scratch();
    await updateAtomic(path.join(dir, 'state'), () => 'new', { ...quick, lock: false });
    expect(fs.readdirSync(dir)).toEqual(['state']);
  });

  it('makes missing directories, and keeps mode and limits', async () => {
    const dir = scratch();
    const file = path.join(dir, 'a/b/state');
    await updateAtomic(file, () => 'new', { ...quick, mkdir: true, newFileMode: 0o640 });
    expect(fs.statSync(file).mode & 0o777).toBe(0o640);
    await expect(updateAtomic(file, () => 'longer', { maxBytes: 3 })).rejects.toMatchObject({ code: 'too-large' });
    await expect(updateAtomic(file, () => 'x', { maxReadBytes: 2 })).rejects.toMatchObject({ code: 'too-large', size: 3, limit: 2, remedy: 'Raise maxReadBytes.' });
    await expect(updateAtomic(file, () => 'x', { overwrite: false } as never)).rejects.toMatchObject({ code: 'ERR_INVALID_ARG_VALUE' });
    fs.symlinkSync(file, path.join(dir, 'link'));
    await expect(updateAtomic(path.join(dir, 'link'), () => 'x')).rejects.toMatchObject({ code: 'symlink' });
  });
});

describe('updateJson', () => {
  it('parses, ignores a byte-order mark, and writes with an indent and a line break', async () => {
    const dir = scratch();
    const file = path.join(dir, 'state.json');
    const ifMissing = { turns: 0, list: [] as number[] };
    const add = (state: typeof ifMissing) => {
      state.list.push(state.turns);
      return { ...state, turns: state.turns + 1 };
    };
    expect(await updateJson(file, add, { ...quick, ifMissing })).toMatchObject({ changed: true, value: { turns: 1, list: [0] }, write: { created: true } });
    expect(ifMissing.list).toEqual([]);
    expect(fs.readFileSync(file, 'utf8')).toBe('{\n  "turns": 1,\n  "list": [\n    0\n  ]\n}\n');
    fs.writeFileSync(file, '\ufeff{"turns":5,"list":[]}');
    using root = openRootSync(dir);
    expect((await root.updateJson('state.json', add, { ...quick, ifMissing })).value.turns).toBe(6);
    expect(await updateJson(file, () => UNCHANGED, { ...quick, ifMissing })).toEqual({ changed: false, value: { turns: 6, list: [5] } });
  });

  it('fails with invalid-json, which quotes nothing of the content', async () => {
    const file = path.join(scratch(), 'state.json');
    fs.writeFileSync(file, '{"secret": tru');
    const error = await updateJson(file, () => 1, { ifMissing: 0 }).catch((reason: unknown) => reason as Error);
    expect(error).toMatchObject({ code: 'invalid-json', category: 'policy' });
    expect(JSON.stringify([error, (error as Error).message, (error as Error).cause ?? null])).not.toContain('secret');
    await expect(updateJson(file, () => 1, {} as never)).rejects.toMatchObject({ code: 'ERR_INVALID_ARG_TYPE' });
  });
});
