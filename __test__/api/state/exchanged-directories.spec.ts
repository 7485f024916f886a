import * as fs from 'node:fs';
import * as path from 'node:path';
import { describe, expect, it } from 'vitest';
import { acquireLock, appendJson, appendRecord, appendRecordSync, openRootSync, updateJson, withLock, type Root } from '../../../index.mjs';
import { scratch, scratchInMemory } from '../../helpers/scratch.js';

scratchInMemory();

const quick = { durable: false } as const;

describe('an append', () => {
  const calls = {
    appendRecord: (dir: string) => appendRecord(`${dir}/log`, 'x', quick),
    'appendRecord with mkdir': (dir: string) => appendRecord(`${dir}/log`, 'x', { ...quick, mkdir: true }),
    appendRecordSync: async (dir: string) => appendRecordSync(`${dir}/log`, 'x', quick),
    'appendJson beneath a root': (dir: string, root: Root) => root.appendJson(`${path.basename(dir)}/log`, 1, quick),
    'appendJson with the option root': (dir: string) => appendJson('log', 1, { ...quick, root: dir }),
  };

  it.each(Object.keys(calls) as (keyof typeof calls)[])('of %s finds a directory that was removed or moved, and made again', async (name) => {
    const above = scratch();
    using root = openRootSync(above);
    const dir = path.join(above, 'dir');
    for (let index = 0; index < 6; index += 1) {
      fs.mkdirSync(dir);
      await calls[name](dir, root);
      await calls[name](dir, root);
      expect(fs.readFileSync(`${dir}/log`, 'utf8').split('\n')).toHaveLength(3);
      if (index % 2 === 0) fs.rmSync(dir, { recursive: true });
      else fs.renameSync(dir, `${dir}.${index}`);
    }
  });
});

/** Moves a directory away and puts a copy in its place. */
function exchange(dir: string) {
  fs.renameSync(dir, `${dir}.old`);
  fs.cpSync(`${dir}.old`, dir, { recursive: true });
}

describe.each(['path', 'lockDir', 'root', 'link'] as const)('a lock whose directory is exchanged while it is held (%s)', (kind) => {
  function setUp() {
    const above = scratch();
    const dir = path.join(above, 'dir');
    fs.mkdirSync(dir);
    fs.writeFileSync(path.join(dir, 'state'), '{"n":0}');
    const lockDir = path.join(above, 'locks');
    fs.mkdirSync(lockDir);
    fs.symlinkSync('dir', path.join(above, 'link'));
    const file = kind === 'root' ? 'state' : path.join(above, kind === 'link' ? 'link' : 'dir', 'state');
    const options = kind === 'root' ? { root: dir } : kind === 'lockDir' ? { lockDir } : {};
    const spoil = () => {
      if (kind === 'link') {
        fs.cpSync(dir, `${dir}2`, { recursive: true });
        fs.rmSync(path.join(above, 'link'));
        fs.symlinkSync('dir2', path.join(above, 'link'));
      } else {
        exchange(dir);
      }
    };
    return { above, dir, lockDir, file, options, spoil, content: () => fs.readFileSync(kind === 'link' ? path.join(above, 'link/state') : path.join(dir, 'state'), 'utf8') };
  }

  it('is lost for an update, which publishes nothing', async () => {
    const { file, options, spoil, content } = setUp();
    let times = 0;
    const update = updateJson(file, ({ n }) => {
      if ((times += 1) === 1) spoil();
      return { n: n + 1 };
    }, { ifMissing: { n: 0 }, ...quick, ...options });
    await expect(update).rejects.toMatchObject({ code: 'lock-lost' });
    expect([times, content()]).toEqual([1, '{"n":0}']);
  });

  it('is lost for withLock and acquireLock', async () => {
    const { file, options, spoil } = setUp();
    await expect(withLock(file, spoil, options)).rejects.toMatchObject({ code: 'lock-lost' });
    const other = setUp();
    const lock = await acquireLock(other.file, other.options);
    other.spoil();
    await expect(lock.release()).rejects.toMatchObject({ code: 'lock-lost' });
  });
});

describe('a lock', () => {
  it('is lost where the directory for lock files is exchanged', async () => {
    const above = scratch();
    const lockDir = path.join(above, 'locks');
    fs.mkdirSync(lockDir);
    await expect(withLock(path.join(above, 'state'), () => exchange(lockDir), { lockDir })).rejects.toMatchObject({ code: 'lock-lost' });
  });

  it('of a root stays where the root is moved, since the root is held open', async () => {
    const dir = path.join(scratch(), 'dir');
    fs.mkdirSync(path.join(dir, 'sub'), { recursive: true });
    using root = openRootSync(dir);
    await root.withLock('sub/state', () => fs.renameSync(dir, `${dir}.moved`));
    await expect(root.withLock('sub/state', () => exchange(`${dir}.moved/sub`))).rejects.toMatchObject({ code: 'lock-lost' });
  });

  it('carries the error of the callback in that of the loss', async () => {
    const file = path.join(scratch(), 'state');
    const failed = withLock(file, (lock) => {
      fs.rmSync(lock.lockFile);
      throw new Error('mine');
    });
    await expect(failed).rejects.toMatchObject({ code: 'lock-lost', cause: expect.objectContaining({ message: 'mine' }) });
  });
});
