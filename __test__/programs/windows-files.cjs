'use strict';

// Checks of reads and writes, for windows.cjs.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { pathToFileURL } = require('node:url');

/** @param {{ check: Function, holdfast: any, isWine: boolean, refusedWith: Function, temporaries: Function }} tools */
module.exports = ({ check, holdfast, isWine, refusedWith, temporaries }) => {
  check('importing and capabilities', () => {
    const { platform, resolver, openat2, tmpfile } = holdfast.capabilities();
    assert.deepEqual({ platform, resolver, openat2, tmpfile }, { platform: 'win32', resolver: 'walk', openat2: false, tmpfile: false });
  });

  check('a file is written and read, both ways', async (dir) => {
    const file = path.join(dir, 'file.txt');
    const written = holdfast.writeAtomicSync(file, 'one');
    assert.equal(written.created, true);
    assert.equal(written.method, 'rename');
    assert.equal(written.durable, false);
    assert.equal(written.preserved, null);
    assert.equal(fs.readFileSync(file, 'utf8'), 'one');
    const again = await holdfast.writeAtomic(file, 'two, longer');
    assert.equal(again.created, false);
    assert.equal(again.preserved.mode, true);
    assert.equal(fs.readFileSync(file, 'utf8'), 'two, longer');
    assert.equal(holdfast.readLocalFileSafelySync(file).buffer.toString(), 'two, longer');
    assert.equal((await holdfast.readLocalFileSafely(file)).buffer.toString(), 'two, longer');
    assert.deepEqual(temporaries(dir), []);
  });

  check('durable false, file and true', (dir) => {
    const file = path.join(dir, 'f');
    assert.equal(holdfast.writeAtomicSync(file, 'x', { durable: false }).durable, false);
    assert.equal(holdfast.writeAtomicSync(file, 'x', { durable: 'file' }).durable, 'file');
    assert.equal(holdfast.writeAtomicSync(file, 'x', { durable: true }).durable, false);
  });

  check('content of 0 bytes, of a block, and of 5 MiB', async (dir) => {
    for (const size of [0, 1, 4095, 4096, 4097, 65536, 5 * 1024 * 1024]) {
      const data = Buffer.alloc(size, 'holdfast');
      const file = path.join(dir, `f${size}`);
      assert.equal((await holdfast.writeAtomic(file, data)).size, size);
      assert.ok(fs.readFileSync(file).equals(data), `${size}`);
      assert.ok(holdfast.readLocalFileSafelySync(file).buffer.equals(data), `${size}`);
      assert.ok((await holdfast.readLocalFileSafely(file)).buffer.equals(data), `${size}`);
    }
  });

  check('the status is that of fs.Stats', async (dir) => {
    const file = path.join(dir, 'f');
    fs.writeFileSync(file, 'abc');
    const { stat } = holdfast.readLocalFileSafelySync(file);
    const handle = await fs.promises.open(file);
    const expected = await handle.stat();
    await handle.close();
    for (const field of ['dev', 'mode', 'nlink', 'uid', 'gid', 'rdev', 'blksize', 'ino', 'size', 'blocks', 'mtimeMs', 'ctimeMs', 'birthtimeMs']) {
      assert.equal(stat[field], expected[field], field);
    }
    assert.equal(stat.isFile(), true);
  });

  check('realPath is absolute, with backslashes', (dir) => {
    const file = path.join(dir, 'sub', 'f');
    fs.mkdirSync(path.dirname(file));
    fs.writeFileSync(file, '');
    const { realPath } = holdfast.readLocalFileSafelySync(file.replaceAll('\\', '/'));
    assert.equal(realPath.toLowerCase(), fs.realpathSync.native(file).toLowerCase());
    assert.match(realPath, /^[A-Z]:\\/);
  });

  check('relative paths, also after a change of the working directory', async (dir) => {
    const before = process.cwd();
    process.chdir(dir);
    try {
      const writing = holdfast.writeAtomic('relative', 'r');
      process.chdir(before);
      await writing;
      assert.equal(fs.readFileSync(path.join(dir, 'relative'), 'utf8'), 'r');
      process.chdir(dir);
      assert.equal(holdfast.readLocalFileSafelySync('.\\relative').buffer.toString(), 'r');
      assert.equal((await holdfast.readLocalFileSafely('./relative')).buffer.toString(), 'r');
      assert.equal((await holdfast.readLocalFileSafely('x\\..\\relative')).buffer.toString(), 'r');
      const rooted = path.join(dir, 'relative').slice(2);
      assert.equal((await holdfast.readLocalFileSafely(rooted)).buffer.toString(), 'r');
    } finally {
      process.chdir(before);
    }
  });

  check('file: URLs and Buffers', async (dir) => {
    const file = path.join(dir, 'ä b');
    await holdfast.writeAtomic(pathToFileURL(file), 'u');
    assert.equal(fs.readFileSync(file, 'utf8'), 'u');
    assert.equal(holdfast.readLocalFileSafelySync(Buffer.from(file)).buffer.toString(), 'u');
    await refusedWith('invalid-path', () => holdfast.readLocalFileSafely(new URL('file://server/share/f')));
    await refusedWith('invalid-path', () => holdfast.readLocalFileSafely(Buffer.from([0x66, 0xff])));
  });

  check('what is no file by its text', async (dir) => {
    const names = ['CON', 'con.txt', 'aux.txt', 'NUL', 'prn', 'COM1', 'lpt9.log', 'COM\u00b9', 'CONIN$', 'file::$DATA', 'file:stream'];
    names.push('dot.', 'space ', 'a?b', 'a*b', 'a|b', 'a<b', 'a"b', 'C:x', 'c:');
    const paths = names.flatMap((name) => (/^c:/i.test(name) ? [name] : [name, path.join(dir, name), `${dir}\\${name}\\below`]));
    paths.push('\\\\?\\C:\\x', '\\\\.\\PhysicalDrive0', '\\\\server\\share\\x', '//server/share/x', '\\\\.\\pipe\\x', '', 'a\0b');
    for (const bad of paths) {
      await refusedWith('invalid-path', () => holdfast.readLocalFileSafelySync(bad));
      await refusedWith('invalid-path', () => holdfast.readLocalFileSafely(bad));
      await refusedWith('invalid-path', () => holdfast.writeAtomicSync(bad, ''));
      await refusedWith('invalid-path', () => holdfast.writeAtomic(bad, ''));
      await refusedWith('invalid-path', () => holdfast.ensureDirSync(bad));
      await refusedWith('invalid-path', () => holdfast.ensureDir(bad));
      await refusedWith('invalid-path', () => holdfast.openRoot(bad));
    }
    assert.deepEqual(fs.readdirSync(dir), []);
  });

  check('what is not there, and what is no file', async (dir) => {
    const missing = path.join(dir, 'missing');
    await refusedWith('not-found', () => holdfast.readLocalFileSafelySync(missing));
    await refusedWith('not-found', () => holdfast.readLocalFileSafely(path.join(missing, 'f')));
    await refusedWith('not-found', () => holdfast.writeAtomic(path.join(missing, 'f'), ''));
    await refusedWith('not-file', () => holdfast.readLocalFileSafely(dir));
    await refusedWith('not-file', () => holdfast.writeAtomic(dir, ''));
    fs.writeFileSync(path.join(dir, 'f'), '');
    await refusedWith('not-found', () => holdfast.readLocalFileSafely(path.join(dir, 'f', 'g')));
    await refusedWith('not-directory', () => holdfast.readLocalFileSafely(`${dir}\\f\\`));
    await refusedWith('not-directory', () => holdfast.ensureDir(path.join(dir, 'f')));
    await refusedWith('not-directory', () => holdfast.ensureDir(path.join(dir, 'f', 'g')));
    await refusedWith('not-directory', () => holdfast.writeAtomic(path.join(dir, 'f', 'g'), ''));
    assert.deepEqual(fs.readdirSync(dir), ['f']);
  });

  check('names of 255 characters, and longer ones', async (dir) => {
    const folder = fs.mkdtempSync(path.join(dir, 'n'));
    const longest = '\u00e9'.repeat(isWine ? 100 : 200);
    assert.equal(holdfast.writeAtomicSync(path.join(folder, longest), 'x').size, 1);
    assert.deepEqual(fs.readdirSync(folder), [longest]);
    for (const call of [
      () => holdfast.writeAtomicSync(path.join(folder, 'x'.repeat(256)), ''),
      () => holdfast.writeAtomicSync(path.join(folder, 'new', 'x'.repeat(256)), '', { mkdir: true }),
      () => holdfast.ensureDirSync(path.join(folder, 'new', 'x'.repeat(256))),
      () => holdfast.readLocalFileSafelySync(path.join(folder, 'x'.repeat(256))),
    ]) {
      assert.throws(call, { code: 'ENAMETOOLONG' });
    }
    assert.deepEqual(fs.readdirSync(folder), [longest]);
  });

  check('limits of a read', async (dir) => {
    const file = path.join(dir, 'f');
    fs.writeFileSync(file, '12345');
    assert.equal(holdfast.readLocalFileSafelySync(file, { maxBytes: 5 }).buffer.length, 5);
    await refusedWith('too-large', () => holdfast.readLocalFileSafely(file, { maxBytes: 4 }));
    fs.linkSync(file, path.join(dir, 'g'));
    await refusedWith('hardlink', () => holdfast.readLocalFileSafely(file, { hardlinks: 'reject' }));
    assert.equal((await holdfast.readLocalFileSafely(file, { outbound: true })).buffer.length, 5);
  });

  check('an overwrite leaves other names their content', async (dir) => {
    const [file, other] = [path.join(dir, 'f'), path.join(dir, 'g')];
    fs.writeFileSync(file, 'old');
    fs.linkSync(file, other);
    await holdfast.writeAtomic(file, 'new');
    assert.equal(fs.readFileSync(file, 'utf8'), 'new');
    assert.equal(fs.readFileSync(other, 'utf8'), 'old');
    fs.linkSync(other, path.join(dir, 'h'));
    await refusedWith('hardlink', () => holdfast.writeAtomic(other, '', { hardlinks: 'reject' }));
  });

  check('overwrite: false has one winner', async (dir) => {
    const file = path.join(dir, 'f');
    const writes = Array.from({ length: 64 }, (_, number) => holdfast.writeAtomic(file, `${number}`, { overwrite: false, durable: false }));
    const answers = await Promise.allSettled(writes);
    const won = answers.flatMap(({ status }, number) => (status === 'fulfilled' ? [`${number}`] : []));
    assert.equal(won.length, 1);
    assert.equal(fs.readFileSync(file, 'utf8'), won[0]);
    for (const { reason } of answers.filter(({ status }) => status === 'rejected')) {
      assert.equal(reason.code, 'already-exists', String(reason));
    }
    await refusedWith('already-exists', () => holdfast.writeAtomicSync(dir, '', { overwrite: false }));
    assert.deepEqual(temporaries(dir), []);
  });

  check('a reader that keeps the file open is not in the way', async (dir) => {
    const file = path.join(dir, 'f');
    fs.writeFileSync(file, 'old');
    const reader = fs.openSync(file, 'r');
    if (isWine) {
      // Wine 8 has no renames with POSIX semantics: an open file prevents the rename permanently, and the write fails
      // in bounded time.
      await assert.rejects(holdfast.writeAtomic(file, 'new'), { code: 'EPERM', syscall: 'rename', dest: file });
      assert.equal(fs.readFileSync(file, 'utf8'), 'old');
    } else {
      await holdfast.writeAtomic(file, 'new');
      assert.equal(fs.readFileSync(file, 'utf8'), 'new');
    }
    assert.equal(fs.readFileSync(reader, 'utf8'), 'old');
    fs.closeSync(reader);
    assert.deepEqual(temporaries(dir), []);
  });

  check('whoever is in the way for a moment is waited for', async (dir) => {
    const file = path.join(dir, 'f');
    fs.writeFileSync(file, 'old');
    const reader = fs.openSync(file, 'r');
    const writing = holdfast.writeAtomic(file, 'new');
    setTimeout(() => fs.closeSync(reader), 40);
    await writing;
    assert.equal(fs.readFileSync(file, 'utf8'), 'new');
  });

  check('a mode makes a file read-only or not, and a read-only file can be replaced', async (dir) => {
    const file = path.join(dir, 'f');
    const written = await holdfast.writeAtomic(file, 'x', { mode: 0o444 });
    assert.equal(written.mode, 0o444);
    assert.equal(fs.statSync(file).mode & 0o777, 0o444);
    assert.equal((await holdfast.writeAtomic(file, 'y')).mode, 0o444);
    assert.equal((await holdfast.writeAtomic(file, 'z', { mode: 0o600 })).mode, 0o666);
    assert.equal(fs.readFileSync(file, 'utf8'), 'z');
    assert.deepEqual(temporaries(dir), []);
  });

  check('asynchronous writes to one file publish in their order, in any case', async (dir) => {
    const [lower, upper] = [path.join(dir, 'file'), path.join(dir, 'FILE')];
    const writes = Array.from({ length: 40 }, (_, number) => holdfast.writeAtomic(number % 2 ? lower : upper, `${number}`, { durable: false }));
    await Promise.all(writes);
    assert.equal(fs.readFileSync(lower, 'utf8'), '39');
  });

  check('streams and iterables', async (dir) => {
    const file = path.join(dir, 'f');
    const pieces = async function* () {
      yield 'a';
      yield Buffer.from('b');
    };
    assert.equal((await holdfast.writeAtomic(file, pieces())).size, 2);
    assert.equal(fs.readFileSync(file, 'utf8'), 'ab');
    const failing = async function* () {
      yield 'x';
      throw new Error('mid-stream');
    };
    await assert.rejects(holdfast.writeAtomic(file, failing()), /mid-stream/);
    assert.equal(fs.readFileSync(file, 'utf8'), 'ab');
    assert.deepEqual(temporaries(dir), []);
  });

  check('an aborted write leaves the old file or the new one, and nothing else', async (dir) => {
    const file = path.join(dir, 'f');
    fs.writeFileSync(file, 'old');
    const controller = new AbortController();
    const writing = holdfast.writeAtomic(file, 'new', { signal: controller.signal });
    controller.abort();
    await writing.then(() => assert.equal(fs.readFileSync(file, 'utf8'), 'new'), (error) => assert.equal(error.name, 'AbortError'));
    for (let tries = 0; temporaries(dir).length > 0 && tries < 1000; tries += 1) await new Promise((resolve) => setTimeout(resolve, 10));
    assert.match(fs.readFileSync(file, 'utf8'), /^(old|new)$/);
    assert.deepEqual(temporaries(dir), []);
  });

  check('many files at once', async (dir) => {
    const entries = Array.from({ length: 100 }, (_, number) => ({ file: path.join(dir, `f${number}`), data: `${number}` }));
    entries.push({ file: path.join(dir, 'missing', 'f'), data: '' });
    const answers = await holdfast.writeAtomicMany(entries);
    assert.equal(answers.filter(({ status }) => status === 'fulfilled').length, 100);
    assert.equal(answers[100].reason.code, 'not-found');
    for (const { file, data } of entries.slice(0, 100)) {
      assert.equal(fs.readFileSync(file, 'utf8'), data);
    }
    const twice = ['a', 'A', 'a'].map((name, number) => ({ file: path.join(dir, name), data: `${number}` }));
    await holdfast.writeAtomicMany(twice);
    assert.equal(fs.readFileSync(path.join(dir, 'a'), 'utf8'), '2');
    assert.deepEqual(temporaries(dir), []);
  });
};
