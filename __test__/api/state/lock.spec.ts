import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { describe, expect, it } from 'vitest';
import { acquireLock, appendRecordSync, httpStatus, openRootSync, toPublicError, tryLock, withLock, type HoldfastError } from '../../../index.mjs';
import { scratch, scratchInMemory } from '../../helpers/scratch.js';
import { start } from '../../helpers/state.js';

scratchInMemory();

const lockFiles = (dir: string) => fs.readdirSync(dir).filter((name) => /^\.holdfast-[0-9a-f]{32}\.lock$/.test(name));

async function failure(promise: Promise<unknown>): Promise<HoldfastError> {
  return promise.then(
    () => expect.unreachable('the call succeeds'),
    (error: unknown) => error as HoldfastError,
  );
}

describe('withLock', () => {
  it('calls back while no other call of this environment does, first come, first served', async () => {
    const file = path.join(scratch(), 'state');
    const order: number[] = [];
    let inside = 0;
    await Promise.all(
      Array.from({ length: 50 }, (_, index) =>
        withLock(file, async () => {
          expect((inside += 1)).toBe(1);
          await new Promise(setImmediate);
          inside -= 1;
          order.push(index);
        }),
      ),
    );
    expect(order).toEqual(Array.from({ length: 50 }, (_, index) => index));
  });

  it('returns what the callback returns, and rejects with what it throws', async () => {
    const file = path.join(scratch(), 'state');
    expect(await withLock(file, () => 7)).toBe(7);
    await expect(withLock(file, () => Promise.reject(new Error('mine')))).rejects.toThrow('mine');
    expect(await tryLock(file)).toBeDefined();
  });

  it('describes the lock: a lock file of mode 0600 that stays', async () => {
    const dir = scratch();
    await withLock(path.join(dir, 'state'), (lock) => {
      expect(lock).toMatchObject({ path: path.join(dir, 'state'), shared: false, scope: 'host' });
      expect(lock.lockFile).toBe(path.join(dir, lockFiles(dir)[0]!));
      expect(fs.statSync(lock.lockFile).mode & 0o777).toBe(0o600);
      const [first, second] = fs.readFileSync(lock.lockFile, 'utf8').split('\n');
      expect(first).toBe('holdfast lock');
      expect(JSON.parse(second!)).toMatchObject({ pid: process.pid });
    });
    expect(lockFiles(dir)).toHaveLength(1);
    expect(fs.readFileSync(path.join(dir, lockFiles(dir)[0]!), 'utf8')).toBe('holdfast lock\n');
  });

  it('has one lock for a name in upper and in lower case, and others for other names', async () => {
    const dir = scratch();
    for (const name of ['a', 'A', 'b', 'ä', 'ö', 'x'.repeat(255)]) await withLock(path.join(dir, name), () => {});
    expect(lockFiles(dir)).toHaveLength(5);
  });

  it.each([
    ['Acme Inc', 'Acme Inc.'],
    ['log', 'log '],
    ['caf\u00e9', 'cafe\u0301'],
    ['\u2764', '\u2764\ufe0f'],
    ['x', 'x\u00ad'],
    ['a\ufffd', Buffer.from('a\xff', 'latin1')],
    [Buffer.from('a\xfe', 'latin1'), Buffer.from('a\xff', 'latin1')],
  ])('has different locks in one process for names that have different lock files: %o and %o', async (first, second) => {
    const dir = `${scratch()}/`;
    const at = (name: string | Buffer) => (typeof name === 'string' ? dir + name : Buffer.concat([Buffer.from(dir), name]));
    await using one = await acquireLock(at(first));
    await using two = await tryLock(at(second));
    expect(two?.lockFile).toBeDefined();
    expect(two?.lockFile).not.toBe(one.lockFile);
    await two?.release();
    expect(await withLock(at(second), () => withLock(at('other'), () => 'entered', { timeoutMs: 0 }), { timeoutMs: 0 })).toBe('entered');
    await one.release();
    expect(await withLock(at(first), () => withLock(at(second), () => 'entered', { timeoutMs: 0 }))).toBe('entered');
  });

  it('has the default lock with the directory of the file as lockDir, by whatever path', async () => {
    const dir = scratch();
    fs.symlinkSync('.', path.join(dir, 'here'));
    const file = path.join(dir, 'state');
    for (const lockDir of [dir, `${dir}/.`, path.join(dir, 'here')]) {
      await using held = await acquireLock(file);
      expect(await tryLock(file, { lockDir })).toBeUndefined();
      await held.release();
      await using other = await acquireLock(file, { lockDir });
      expect(other.lockFile).toBe(held.lockFile);
      expect(await tryLock(file)).toBeUndefined();
      await other.release();
      await withLock(file, async () => {
        await expect(withLock(file, () => {}, { lockDir, timeoutMs: 0 })).rejects.toMatchObject({ code: 'ERR_INVALID_STATE' });
        expect(() => appendRecordSync(file, 'x', { lockDir })).toThrow(expect.objectContaining({ code: 'ERR_INVALID_STATE' }));
      });
      await withLock(file, () => expect(withLock(file, () => {}, { timeoutMs: 0 })).rejects.toMatchObject({ code: 'ERR_INVALID_STATE' }), { lockDir });
    }
    expect(lockFiles(dir)).toHaveLength(1);
  });

  it('keeps call order with the directory of the file as lockDir', async () => {
    const dir = scratch();
    const file = path.join(dir, 'state');
    const order: number[] = [];
    await Promise.all(Array.from({ length: 30 }, (_, at) => withLock(file, () => void order.push(at), at % 2 ? { lockDir: dir } : {})));
    expect(order).toEqual(Array.from({ length: 30 }, (_, at) => at));
  });

  it('tells a release that could not look from a lock that was not taken, and the error of the callback first', async () => {
    const dir = scratch();
    fs.mkdirSync(path.join(dir, 'locks'));
    const program = `
      import { openSync, closeSync } from 'node:fs';
      import { withLock } from ${JSON.stringify(new URL('../../../index.mjs', import.meta.url).href)};
      const [file, lockDir, fails] = process.argv.slice(1);
      let calls = 0;
      const full = () => {
        calls += 1;
        const open = [];
        try { for (;;) open.push(openSync('/dev/null', 'r')); } catch {}
        setTimeout(() => open.forEach((fd) => closeSync(fd)), 50);
        if (fails === 'yes') throw new Error('mine');
      };
      await withLock(file, () => {});
      const error = await withLock(file, full, { lockDir }).catch((error) => error);
      await new Promise((resolve) => setTimeout(resolve, 100));
      // The lock is released.
      await withLock(file, () => {}, { lockDir, timeoutMs: 0 });
      console.log(JSON.stringify({ calls, code: error.code, sysCode: error.sysCode, message: error.message }));`;
    const run = (...args: string[]): any =>
      JSON.parse(execFileSync('sh', ['-c', 'ulimit -n 100; exec "$@"', 'sh', process.execPath, '--input-type=module', '-e', program, ...args], { encoding: 'utf8' }));
    const file = path.join(dir, 'state');
    expect(run(file, path.join(dir, 'locks'), 'no')).toMatchObject({
      calls: 1,
      code: 'lock-lost',
      sysCode: 'EMFILE',
      message: expect.stringMatching(/the work under the lock for '.*state' has ended, but whether the lock was held until then could not be checked/),
    });
    expect(run(file, path.join(dir, 'locks'), 'yes')).toMatchObject({ calls: 1, message: 'mine' });
  });

  it('keeps the lock until the callback has settled when its signal aborts', async () => {
    const file = path.join(scratch(), 'state');
    const abort = new AbortController();
    let finish!: () => void;
    const inside = withLock(file, () => new Promise<void>((resolve) => (finish = resolve)), { signal: abort.signal });
    while (finish === undefined) await new Promise(setImmediate);
    abort.abort();
    expect(await tryLock(file)).toBeUndefined();
    finish();
    await inside;
    expect(await tryLock(file)).toBeDefined();
  });

  it('refuses a nested call for the same lock, and not another one', async () => {
    const dir = scratch();
    const file = path.join(dir, 'state');
    fs.symlinkSync(dir, path.join(dir, 'link'));
    await withLock(file, async () => {
      for (const again of [file, path.join(dir, 'link/state'), `${dir}/./state`]) {
        await expect(withLock(again, () => {}), again).rejects.toMatchObject({ code: 'ERR_INVALID_STATE' });
      }
      await withLock(path.join(dir, 'other'), () => {});
    });
    // The outer lock has ended: a call that its callback started may have the lock.
    let later!: Promise<void>;
    await withLock(file, () => {
      later = new Promise((resolve) => setTimeout(resolve, 5)).then(() => withLock(file, () => {}));
    });
    await later;
  });

  it('rejects with lock-lost when the lock file was removed or replaced', async () => {
    const file = path.join(scratch(), 'state');
    for (const spoil of [fs.rmSync, (at: string) => fs.renameSync(at, `${at}.old`)]) {
      const error = await failure(withLock(file, (lock) => spoil(lock.lockFile)));
      expect(error).toMatchObject({ code: 'lock-lost', category: 'operational' });
    }
  });

  it('rejects with lock-lost also when the callback released the lock itself', async () => {
    const file = path.join(scratch(), 'state');
    const releases: Record<string, (release: Promise<void>) => unknown> = {
      'and ignored the error': (release) => release.catch(() => {}),
      'and did not wait for it': (release) => void release.catch(() => {}),
      'and waited for it': (release) => release,
    };
    for (const [what, wait] of Object.entries(releases)) {
      const error = await failure(
        withLock(file, (lock) => {
          fs.rmSync(lock.lockFile);
          return wait(lock.release());
        }),
      );
      expect(error.code, what).toBe('lock-lost');
      expect(error.cause, what).not.toBe(error);
    }
  });

  it('refuses arguments of the wrong type before any I/O', async () => {
    const dir = scratch();
    const file = path.join(dir, 'state');
    for (const [call, code] of [
      [() => withLock(file, 1 as never), 'ERR_INVALID_ARG_TYPE'],
      [() => withLock(file, () => {}, { timeoutMs: -1 }), 'ERR_OUT_OF_RANGE'],
      [() => withLock(file, () => {}, { timeoutMs: '1' as never }), 'ERR_INVALID_ARG_TYPE'],
      [() => withLock(file, () => {}, { stale: 1 } as never), 'ERR_INVALID_ARG_VALUE'],
      [() => acquireLock(file, { lockMode: 0o1777 }), 'ERR_OUT_OF_RANGE'],
      [() => tryLock(file, { timeoutMs: 1 } as never), 'ERR_INVALID_ARG_VALUE'],
    ] as const) {
      await expect(call()).rejects.toMatchObject({ code });
    }
    expect(fs.readdirSync(dir)).toEqual([]);
  });
});

describe('acquireLock', () => {
  it('excludes until release, and can be released twice', async () => {
    const file = path.join(scratch(), 'state');
    const lock = await acquireLock(file);
    expect(await tryLock(file)).toBeUndefined();
    await lock.release();
    await lock.release();
    const again = await tryLock(file);
    await again![Symbol.asyncDispose]();
    const { release } = again!;
    await expect(release()).rejects.toMatchObject({ code: 'ERR_INVALID_THIS' });
  });

  it('tells lock-lost once: a second release, as that of await using, does nothing', async () => {
    const lock = await acquireLock(path.join(scratch(), 'state'));
    fs.rmSync(lock.lockFile);
    expect((await failure(lock.release())).code).toBe('lock-lost');
    await lock.release();
    await lock[Symbol.asyncDispose]();
  });

  it('fails with lock-timeout, which names the holder in the log alone', async () => {
    const file = path.join(scratch(), 'state');
    const holder = await start('hold', file);
    const error = await failure(acquireLock(file, { timeoutMs: 60 }));
    expect(error).toMatchObject({ code: 'lock-timeout', category: 'operational', path: file });
    expect(JSON.parse(error.holder!)).toMatchObject({ pid: holder.child.pid });
    expect(error.message).toContain(`"pid":${holder.child.pid}`);
    expect(JSON.stringify(toPublicError(error))).not.toContain('pid');
    expect(httpStatus(error)).toBe(423);
    await expect(acquireLock(file, { timeoutMs: 0 })).rejects.toMatchObject({ code: 'lock-timeout' });
  });

  it('gets the lock when another process releases it, and when that is killed', async () => {
    const file = path.join(scratch(), 'state');
    const first = await start('hold', file);
    const waiting = acquireLock(file);
    first.child.stdin!.write('release\n');
    await (await waiting).release();
    const second = await start('hold', file);
    const again = acquireLock(file);
    second.child.kill('SIGKILL');
    await (await again).release();
  });

  it('ends the wait when its signal aborts, and leaves the order of the others', async () => {
    const file = path.join(scratch(), 'state');
    const lock = await acquireLock(file);
    const abort = new AbortController();
    const given = acquireLock(file, { signal: abort.signal });
    const next = acquireLock(file);
    abort.abort(new Error('enough'));
    await expect(given).rejects.toThrow('enough');
    await expect(acquireLock(file, { signal: AbortSignal.abort(new Error('before')) })).rejects.toThrow('before');
    await lock.release();
    await (await next).release();
  });

  it('shares a lock among those that ask for a shared one', async () => {
    const file = path.join(scratch(), 'state');
    const other = await start('hold', file, 'shared');
    const first = await acquireLock(file, { shared: true });
    const second = await acquireLock(file, { shared: true });
    expect(first.shared).toBe(true);
    expect(await tryLock(file)).toBeUndefined();
    const writer = acquireLock(file);
    // Whoever comes after an exclusive one waits for it.
    const reader = acquireLock(file, { shared: true });
    await Promise.all([first.release(), second.release()]);
    other.child.stdin!.write('release\n');
    const lock = await writer;
    expect(await tryLock(file, { shared: true })).toBeUndefined();
    await lock.release();
    await (await reader).release();
  });

  it('keeps lock files in a directory of their own, one for each directory and name', async () => {
    const dir = scratch();
    for (const name of ['one', 'two', 'locks']) fs.mkdirSync(path.join(dir, name));
    const lockDir = path.join(dir, 'locks');
    const lock = await acquireLock(path.join(dir, 'one/state'), { lockDir });
    expect(path.dirname(lock.lockFile)).toBe(lockDir);
    expect(await tryLock(path.join(dir, 'one/state'), { lockDir })).toBeUndefined();
    expect(await tryLock(path.join(dir, 'two/state'), { lockDir })).toBeDefined();
    expect(fs.readdirSync(path.join(dir, 'one'))).toEqual([]);
    await expect(acquireLock(path.join(dir, 'one/state'), { lockDir: path.join(dir, 'none') })).rejects.toMatchObject({ code: 'not-found' });
  });

  it('has the lock beneath a root that others have by the full path', async () => {
    const dir = scratch();
    using root = openRootSync(dir);
    const lock = await root.acquireLock('state');
    expect(lock.path).toBe(path.join(dir, 'state'));
    expect(await tryLock(path.join(dir, 'state'))).toBeUndefined();
    expect(await tryLock('state', { root: dir })).toBeUndefined();
    await lock.release();
    expect(await root.withLock('state', () => 1)).toBe(1);
    await expect(root.acquireLock('../state')).rejects.toMatchObject({ code: 'outside-workspace' });
    await expect(acquireLock(path.join(dir, 'none/state'))).rejects.toMatchObject({ code: 'not-found' });
  });

  it.each(['live', 'dangling'])('refuses a %s link as the name, as an update does, and makes no lock file', async (name) => {
    const dir = scratch();
    fs.writeFileSync(path.join(dir, 'real'), '{}');
    for (const [link, target] of [['live', 'real'], ['dangling', 'nothing']] as const) fs.symlinkSync(target, path.join(dir, link));
    fs.symlinkSync('.', path.join(dir, 'here'));
    const file = path.join(dir, name);
    for (const symlinks of ['follow-parents', 'reject', 'follow-trusted'] as const) {
      for (const call of [() => withLock(file, () => {}, { symlinks }), () => acquireLock(file, { symlinks }), () => tryLock(file, { symlinks })]) await expect(call(), symlinks).rejects.toMatchObject({ code: 'symlink' });
      using root = openRootSync(dir, { symlinks });
      for (const call of [() => root.withLock(name, () => {}), () => root.acquireLock(name), () => root.tryLock(name)]) await expect(call(), symlinks).rejects.toMatchObject({ code: 'symlink' });
    }
    expect(lockFiles(dir)).toEqual([]);
    // A link on the way is followed.
    expect(await withLock(path.join(dir, 'here/real'), () => 'held')).toBe('held');
  });

  it('has a lock for the name of a directory, and says why a path has no name', async () => {
    const dir = scratch();
    fs.mkdirSync(path.join(dir, 'ws'));
    expect(await withLock(path.join(dir, 'ws'), () => 'held')).toBe('held');
    for (const end of ['ws/', 'ws/.', 'ws/..']) {
      const error = await failure(withLock(`${dir}/${end}`, () => {}));
      expect(error).toMatchObject({ code: 'not-file', message: expect.stringContaining("ends with '/', '.' or '..'") });
    }
  });

  it('gives a lock file that was emptied meanwhile its first line again, and leaves another content', async () => {
    const file = path.join(scratch(), 'state');
    for (const [content, after] of [['', 'holdfast lock\n'], ['another', 'another'], ['', '']]) {
      const lock = await acquireLock(file);
      fs.writeFileSync(lock.lockFile, content!);
      await lock.release();
      expect(fs.readFileSync(lock.lockFile, 'utf8')).toBe(after);
    }
  });

  it('refuses names of its own files beneath a root', async () => {
    const dir = scratch();
    using root = openRootSync(dir);
    await root.withLock('state', () => {});
    const [name] = lockFiles(dir);
    await expect(root.writeAtomic(name!, 'x')).rejects.toMatchObject({ code: 'invalid-path' });
    await expect(root.appendRecord(name!, 'x')).rejects.toMatchObject({ code: 'invalid-path' });
    await expect(root.acquireLock(name!)).rejects.toMatchObject({ code: 'invalid-path' });
  });

  it('serves a thousand waiters in order with little delay for the event loop', async () => {
    const file = path.join(scratch(), 'state');
    const holder = await start('hold', file);
    const { monitorEventLoopDelay } = process.getBuiltinModule('node:perf_hooks');
    const order: number[] = [];
    const waiting = Array.from({ length: 1000 }, (_, index) => withLock(file, () => void order.push(index)));
    const delay = monitorEventLoopDelay({ resolution: 5 });
    await new Promise((resolve) => setTimeout(resolve, 20));
    delay.enable();
    await new Promise((resolve) => setTimeout(resolve, 100));
    // No thread of the pool waits: a call that needs one is not delayed.
    await fs.promises.readFile(process.execPath.replace(/.*/, '/dev/null'));
    delay.disable();
    const descriptors = process.platform === 'linux' ? fs.readdirSync('/proc/self/fd').length : 0;
    expect(descriptors).toBeLessThan(200);
    holder.child.stdin!.write('release\n');
    await once(holder.child, 'exit');
    await Promise.all(waiting);
    expect(order).toEqual(Array.from({ length: 1000 }, (_, index) => index));
    expect(delay.percentile(50) / 1e6).toBeLessThan(20);
  });
});
