// Lock files that another user puts in place, and changes that the times of a file hide.
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { appendRecordSync, updateAtomic, withLock } from '../../../index.mjs';
import { placeInMemory } from '../../helpers/scratch.js';
import { needs } from '../../helpers/sys-needs.js';
import { buildC, makeDir, repository, scratch } from '../../helpers/sys-scratch.js';

const quick = { durable: false } as const;

needs('root')('a file that another user gives the name of a lock file', () => {
  /** As a user who may rename in the directory, and not write the file, can do. */
  async function exchanged(content: string, owner: number) {
    const dir = makeDir(scratch(), 'dir', 0o777);
    fs.chownSync(dir, owner, owner);
    const file = join(dir, 'job');
    const lockFile = await withLock(file, (lock) => lock.lockFile);
    fs.rmSync(lockFile);
    fs.writeFileSync(lockFile, content, { mode: 0o600 });
    return { file, lockFile };
  }

  it.each([['data', 'secret '.repeat(100)], ['nothing', '']])('with %s is locked, and not changed by any verb', async (_what, content) => {
    const { file, lockFile } = await exchanged(content, 0);
    await withLock(file, () => expect(fs.readFileSync(lockFile, 'utf8')).toBe(content));
    await withLock(file, () => {}, { shared: true });
    await updateAtomic(file, () => 'x\n', quick);
    appendRecordSync(file, 'y', quick);
    expect(fs.readFileSync(lockFile, 'utf8')).toBe(content);
  });

  it('shows nothing of its content as the holder', async () => {
    const { file } = await exchanged('secret', 0);
    const program = `require(${JSON.stringify(join(repository, 'index.js'))}).withLock(process.argv[1], () => {}, { timeoutMs: 20 }).catch((error) => console.log(error.code, error.message))`;
    const output = await withLock(file, () => spawnSync(process.execPath, ['-e', program, file], { encoding: 'utf8' }).stdout);
    expect(output).toContain('lock-timeout');
    expect(output).not.toContain('secret');
  });

  it.each([['data', 'secret'], ['nothing', '']])('with %s, of root, is not given to the owner of the directory', async (_what, content) => {
    const { file, lockFile } = await exchanged(content, 1000);
    await withLock(file, () => {});
    appendRecordSync(file, 'y', quick);
    expect(fs.statSync(lockFile).uid).toBe(0);
    // A lock file of ours is.
    fs.writeFileSync(lockFile, 'holdfast lock\n');
    await withLock(file, () => {});
    expect(fs.statSync(lockFile).uid).toBe(1000);
  });
});

needs('root', 'unshare', 'loop devices', 'mkfs.ext4')('on a file system whose times have whole seconds', () => {
  it('a change of the same size is found by an update, and a torn record of the same size by an append', () => {
    const dir = scratch();
    const program = `
      const h = require(${JSON.stringify(join(repository, 'index.js'))});
      const fs = require('node:fs');
      process.chdir('mnt');
      const quick = { durable: false };
      (async () => {
        let times = 0;
        fs.writeFileSync('state', '{"on":false,"n":1}');
        await h.updateJson('state', (state) => {
          if ((times += 1) === 1) fs.writeFileSync('state', '{"on":true ,"n":1}');
          return { ...state, n: state.n + 1 };
        }, { ifMissing: {}, ...quick });
        for (const record of ['{"a":1}', '{"a":2}']) await h.appendRecord('log', record, quick);
        const fd = fs.openSync('log', 'r+');
        fs.writeSync(fd, 'part', 12);
        const { isolated } = await h.appendRecord('log', '{"a":3}', quick);
        console.log(JSON.stringify([times, JSON.parse(fs.readFileSync('state')), isolated, fs.statSync('state').mtimeMs % 1000]));
      })();`;
    const script = 'truncate -s 16M image && mkfs.ext4 -q -F -I 128 image >/dev/null 2>&1 && mkdir mnt && mount -o loop image mnt && "$0" -e "$1" && umount mnt';
    const done = spawnSync('unshare', ['-m', 'sh', '-c', script, process.execPath, program], { cwd: dir, encoding: 'utf8' });
    expect(done.stderr).toBe('');
    expect(JSON.parse(done.stdout)).toEqual([2, { on: true, n: 2 }, true, 0]);
  });
});

needs('gcc')('a change through a mapping, which leaves size and times as they are', () => {
  it.each([['1 byte', 1], ['1 MiB', 2 ** 20]])('is found by an update of %s', async (_size, size) => {
    const dir = fs.mkdtempSync(join(placeInMemory() ?? scratch(), 'holdfast-mapped-'));
    onTestFinished(() => fs.rmSync(dir, { recursive: true }));
    const file = join(dir, 'state');
    fs.writeFileSync(file, Buffer.alloc(size));
    const writer = spawn(buildC('map-write'), [file], { stdio: ['pipe', 'pipe', 'inherit'] });
    onTestFinished(() => void writer.kill('SIGKILL'));
    const write = async (byte: string): Promise<void> => {
      writer.stdin.write(byte);
      await once(writer.stdout, 'data');
    };
    // The first write may set the times. The second one, to a page that is dirty already, does not.
    await write('1');
    await new Promise((resolve) => setTimeout(resolve, 100));
    const seen: string[] = [];
    await updateAtomic(file, async (current) => {
      seen.push(current!.toString('latin1', size - 1));
      if (seen.length === 1) await write('2');
      return Buffer.concat([current!, Buffer.from('!')]);
    }, quick);
    expect(seen).toEqual(['1', '2']);
    expect(fs.readFileSync(file).toString('latin1', size - 1)).toBe('2!');
  });
});

needs('root', 'setfacl', 'strace')('in a directory with a default ACL', () => {
  it('new lock files and logs grant no more than their modes', () => {
    const dir = makeDir(scratch(), 'dir', 0o755);
    execFileSync('setfacl', ['-d', '-m', 'u:nobody:rwx,g::rwx,o::---', dir]);
    for (const mode of [0o660, 0o640, 0o600]) {
      const file = join(dir, mode.toString(8));
      appendRecordSync(file, 'x', { ...quick, newFileMode: mode, lockMode: mode });
      const lockFile = fs.readdirSync(dir).map((name) => join(dir, name)).find((name) => name.endsWith('.lock')) as string;
      for (const made of [file, lockFile]) {
        expect(fs.statSync(made).mode & 0o777).toBe(mode);
        expect(spawnSync('setpriv', ['--reuid', '65534', '--regid', '65534', '--clear-groups', 'test', '-r', made]).status, made).toBe(1);
      }
      fs.rmSync(lockFile);
    }
  });

  it('are private until that ACL is removed: a file that is open can be read later', () => {
    const dir = makeDir(scratch(), 'dir', 0o755);
    const trace = join(dir, 'trace');
    const program = `require(${JSON.stringify(repository)}).appendRecordSync(process.argv[1], 'x', { durable: false, newFileMode: 0o660, lockMode: 0o640 })`;
    const { status, stderr } = spawnSync('strace', ['-f', '-o', trace, '-e', 'trace=openat,openat2,fremovexattr,fchmod', process.execPath, '-e', program, join(dir, 'log')], { encoding: 'utf8' });
    expect(status, stderr).toBe(0);
    const created = fs.readFileSync(trace, 'utf8').match(/"(?:log|\.|\.holdfast-\w+\.(?:lock|tmp))", [^)]*(?:O_CREAT|O_TMPFILE)[^)]*\)/g) ?? [];
    expect(created).toHaveLength(2);
    for (const call of created) expect(call).toMatch(/, 0600\)$/);
  });
});

needs('root', 'unshare')('a lock whose file lies elsewhere', () => {
  it('holds the directory of the file, whose inode number names the lock file', () => {
    const dir = scratch();
    for (const name of ['data', 'locks']) fs.mkdirSync(join(dir, name));
    const program = `const { withLock } = require(${JSON.stringify(repository)});
      const { spawnSync } = require('child_process');
      const umount = () => spawnSync('umount', ['data']).status;
      withLock('data/file', umount, { lockDir: 'locks' }).then((status) => console.log(status, umount()));`;
    const { stdout, stderr } = spawnSync('unshare', ['--mount', 'sh', '-c', 'mount -t tmpfs none data && exec "$0" -e "$1"', process.execPath, program], { cwd: dir, encoding: 'utf8' });
    expect(stderr).toBe('');
    // Busy during the lock, and free after it.
    expect(stdout).toBe('32 0\n');
  });
});
