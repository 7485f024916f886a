import * as fs from 'node:fs';
import { describe, expect, test } from 'vitest';
import { openLocalFileSafely, openRootSync, readLocalFileSafely } from '../../../index.mjs';
import { expectRefusal } from '../../helpers/expectations.js';
import { failure, openFiles } from '../../helpers/forms.js';
import { build, scratch } from '../../helpers/scratch.js';

async function nodesFileHandle(): Promise<Function> {
  const handle = await fs.promises.open('/dev/null');
  await handle.close();
  return handle.constructor;
}

describe('openLocalFileSafely', () => {
  test('returns a genuine FileHandle on the file, for reading only', async () => {
    const dir = scratch();
    build(dir, ['f: hello']);
    const { handle, realPath, stat, containment } = await openLocalFileSafely(`${dir}/f`);
    try {
      expect(handle.constructor).toBe(await nodesFileHandle());
      expect(await handle.stat()).toMatchObject({ dev: fs.statSync(`${dir}/f`).dev, ino: fs.statSync(`${dir}/f`).ino });
      expect(stat).toMatchObject({ dev: fs.statSync(`${dir}/f`).dev, ino: fs.statSync(`${dir}/f`).ino, size: 5 });
      expect(realPath).toBe(`${dir}/f`);
      expect(containment).toBe('none');
      expect(await handle.readFile('utf8')).toBe('hello');
      await expect(handle.write('x')).rejects.toMatchObject({ code: 'EBADF' });
    } finally {
      await handle.close();
    }
  });

  test('opens what no Buffer could hold, and keeps to maxBytes there, too', async () => {
    const dir = scratch();
    const size = 5 * 2 ** 30;
    fs.writeFileSync(`${dir}/f`, '');
    fs.truncateSync(`${dir}/f`, size);
    using root = openRootSync(dir);
    for (const open of [
      () => openLocalFileSafely(`${dir}/f`),
      () => openLocalFileSafely(`${dir}/f`, { maxBytes: size }),
      () => root.open('f', { maxBytes: Infinity }),
    ]) {
      const { handle, stat } = await open();
      await handle.close();
      expect(stat.size).toBe(size);
    }
    expectRefusal(await failure(() => openLocalFileSafely(`${dir}/f`, { maxBytes: size - 1 })), 'too-large');
    expectRefusal(await failure(() => root.open('f')), 'too-large');
  });

  test('starts at the first byte, and works as a stream', async () => {
    const dir = scratch();
    build(dir, ['f: hello world']);
    const { handle } = await openLocalFileSafely({ filePath: `${dir}/f` });
    const chunks: string[] = [];
    for await (const chunk of handle.createReadStream({ encoding: 'utf8' })) chunks.push(chunk);
    expect(chunks.join('')).toBe('hello world');
  });

  test('keeps the file when its name is removed or another file has it', async () => {
    const dir = scratch();
    build(dir, ['f: first']);
    const { handle } = await openLocalFileSafely(`${dir}/f`);
    fs.unlinkSync(`${dir}/f`);
    fs.writeFileSync(`${dir}/f`, 'other');
    expect(await handle.readFile('utf8')).toBe('first');
    await handle.close();
  });

  test('closes itself at the end of `await using`, or by asyncDispose', async () => {
    const dir = scratch();
    build(dir, ['f: x']);
    const open = openFiles();
    const result = await openLocalFileSafely(`${dir}/f`);
    expect(openFiles().length).toBe(open.length + 1);
    await result[Symbol.asyncDispose]();
    expect(openFiles()).toEqual(open);
    expect(result.handle.fd).toBe(-1);
  });

  test('may be disposed after the handle was closed by hand', async () => {
    const dir = scratch();
    build(dir, ['f: x']);
    const result = await openLocalFileSafely(`${dir}/f`);
    await result.handle.close();
    await expect(result[Symbol.asyncDispose]()).resolves.toBeUndefined();
  });

  test('holds one descriptor a file, and none after 200 were opened and closed', async () => {
    const dir = scratch();
    build(dir, ['f: x']);
    const open = openFiles();
    const results = await Promise.all(Array.from({ length: 200 }, () => openLocalFileSafely(`${dir}/f`)));
    expect(openFiles().length).toBe(open.length + 200);
    await Promise.all(results.map(({ handle }) => handle.close()));
    expect(openFiles()).toEqual(open);
  });

  test('the handle is closed on exec, so that a child inherits nothing', async () => {
    const dir = scratch();
    build(dir, ['f: x']);
    const { handle } = await openLocalFileSafely(`${dir}/f`);
    const flags = /flags:\s+(\d+)/.exec(fs.readFileSync(`/proc/self/fdinfo/${handle.fd}`, 'utf8'))![1]!;
    expect(Number.parseInt(flags, 8) & 0o2000000).toBe(0o2000000);
    await handle.close();
  });

  test('reads a file that is empty, and a file that is owner-only', async () => {
    const dir = scratch();
    build(dir, ['empty:', 'own 0400: mine']);
    for (const [name, content] of [['empty', ''], ['own', 'mine']] as const) {
      const { handle } = await openLocalFileSafely(`${dir}/${name}`);
      expect(await handle.readFile('utf8')).toBe(content);
      await handle.close();
    }
  });

  describe('refuses all that readLocalFileSafely refuses, with the same error, and leaves no descriptor', () => {
    const rows: { name: string; layout: string[]; at: string; options?: object; code: string }[] = [
      { name: 'nothing there', layout: [], at: 'f', code: 'not-found' },
      { name: 'a directory', layout: ['f/'], at: 'f', code: 'not-file' },
      { name: 'a FIFO', layout: ['f |'], at: 'f', code: 'not-file' },
      { name: 'a socket', layout: ['f @'], at: 'f', code: 'not-file' },
      { name: 'a link', layout: ['g: x', 'f => g'], at: 'f', code: 'symlink' },
      { name: 'a linked parent, when asked', layout: ['d/f: x', 'l => d'], at: 'l/f', options: { symlinks: 'reject' }, code: 'symlink' },
      { name: 'a second name, when asked', layout: ['f: x', 'g == f'], at: 'f', options: { hardlinks: 'reject' }, code: 'hardlink' },
      { name: 'too much', layout: ['f: hello'], at: 'f', options: { maxBytes: 4 }, code: 'too-large' },
      { name: 'owner-only for another party', layout: ['f 0600: x'], at: 'f', options: { outbound: true }, code: 'OUTBOUND_MEDIA_PERMS_TOO_RESTRICTIVE' },
      { name: 'a trailing slash on a file', layout: ['f: x'], at: 'f/', code: 'not-directory' },
      { name: 'a name that is too long', layout: [], at: 'n'.repeat(256), code: 'ENAMETOOLONG' },
    ];

    test.each(rows)('$name', async ({ layout, at, options, code }) => {
      const dir = scratch();
      build(dir, layout);
      const open = openFiles();
      const opened = await failure(() => openLocalFileSafely(`${dir}/${at}`, options));
      const read = await failure(() => readLocalFileSafely(`${dir}/${at}`, options));
      expectRefusal(opened, code);
      expect(opened).toMatchObject({ message: read.message, code: read.code, path: read.path });
      expect(openFiles()).toEqual(open);
    });

    test.each(['/dev/zero', '/proc/self/fd/0', '/proc/self/environ', '/sys/kernel/uevent_seqnum'])('%s', async (file) => {
      expectRefusal(await failure(() => openLocalFileSafely(file)), 'device-path');
    });
  });
});
