'use strict';

// What holds on Windows, for Windows itself and for Wine: node windows.cjs <package> <scratch> [report]
// Under Wine, HOLDFAST_PRIVATE_FOLDER names a folder of mode 0700.
// Every check is a fact about files that were really made. Without a report it prints; it exits with 1
// when a check failed.

const assert = require('node:assert/strict');
const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { pathToFileURL } = require('node:url');

const [packageFolder, scratch, report] = process.argv.slice(2);
const holdfast = require(path.resolve(packageFolder, 'index.js'));
const isWine = process.env.WINEPREFIX !== undefined || process.env.WINEUSERNAME !== undefined;

/** @type {[name: string, check: (dir: string) => unknown][]} */
const checks = [];
/** Names of checks, with a folder of their own each. */
const check = (name, body) => checks.push([name, body]);

const refusedWith = async (code, call) => {
  await assert.rejects(async () => call(), (error) => {
    assert.equal(holdfast.isHoldfastError(error), true, String(error));
    assert.equal(error.code, code, error.message);
    return true;
  });
};
const temporaries = (dir) => fs.readdirSync(dir).filter((name) => name.startsWith('.holdfast-'));

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
    // Wine 8 has no renames with POSIX semantics: an open file is in the way for good, and in bounded time.
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

check('an aborted write changes nothing', async (dir) => {
  const file = path.join(dir, 'f');
  fs.writeFileSync(file, 'old');
  const controller = new AbortController();
  const writing = holdfast.writeAtomic(file, 'new', { signal: controller.signal });
  controller.abort();
  const outcome = await writing.then(() => 'new', (error) => (assert.equal(error.name, 'AbortError'), 'old'));
  assert.equal(fs.readFileSync(file, 'utf8'), outcome);
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

check('missing parents are made', async (dir) => {
  const file = path.join(dir, 'a', 'b', 'c');
  await holdfast.writeAtomic(file, 'x', { mkdir: true });
  assert.equal(fs.readFileSync(file, 'utf8'), 'x');
});

check('directories are made, and say the truth about privacy', async (dir) => {
  const made = await holdfast.ensureDir(path.join(dir, 'a', 'b'), { existing: 'leave' });
  assert.equal(made.hardening, 'created');
  assert.equal(made.mode, 0o666);
  assert.equal(made.firstCreated, path.join(dir, 'a'));
  assert.equal(fs.statSync(path.join(dir, 'a', 'b')).isDirectory(), true);
  const again = holdfast.ensureDirSync(path.join(dir, 'a', 'b'), { existing: 'leave' });
  assert.equal(again.hardening, made.isPrivate ? 'not-needed' : 'left');
  assert.equal(again.firstCreated, undefined);
  assert.equal(again.isPrivate, made.isPrivate);
  const tightened = await holdfast.ensureDir(path.join(dir, 'a', 'b'));
  assert.equal(tightened.hardening, made.isPrivate ? 'not-needed' : 'left');
  assert.equal(tightened.reason, made.isPrivate ? undefined : 'ENOTSUP');
  const required = () => holdfast.ensureDir(path.join(dir, 'a'), { existing: 'require' });
  if (made.isPrivate) assert.equal((await required()).isPrivate, true);
  else await refusedWith('insecure-permissions', required);
});

check('a directory is private by its ACL', async (dir) => {
  // Wine makes ACLs of modes, which nothing under Wine can change: a folder of mode 0700 has to be given.
  const folder = isWine ? process.env.HOLDFAST_PRIVATE_FOLDER : path.join(dir, 'private');
  if (folder === undefined) return 'not here: no HOLDFAST_PRIVATE_FOLDER';
  if (!isWine) {
    fs.mkdirSync(folder);
    execFileSync('icacls', [folder, '/inheritance:r', '/grant:r', `${os.userInfo().username}:(OI)(CI)F`]);
  }
  for (const existing of ['tighten', 'require', 'leave']) {
    const { isPrivate, hardening, reason } = await holdfast.ensureDir(folder, { existing });
    assert.deepEqual({ isPrivate, hardening, reason }, { isPrivate: true, hardening: 'not-needed', reason: undefined });
  }
  const file = path.join(folder, 'f');
  holdfast.writeAtomicSync(file, '1');
  const { preserved } = holdfast.writeAtomicSync(file, '2');
  assert.deepEqual(preserved, { mode: true, acl: true, owner: true });
  fs.rmSync(file);
});

check('many callers make one deep path', async (dir) => {
  const deep = path.join(dir, 'a', 'b', 'c', 'd', 'e');
  const answers = await Promise.all(Array.from({ length: 64 }, () => holdfast.ensureDir(deep, { existing: 'leave' })));
  assert.ok(answers.length === 64 && fs.statSync(deep).isDirectory());
});

check('a root keeps paths beneath it', async (dir) => {
  const base = path.join(dir, 'root');
  fs.mkdirSync(path.join(base, 'sub'), { recursive: true });
  fs.writeFileSync(path.join(dir, 'secret'), 's');
  fs.writeFileSync(path.join(base, 'sub', 'f'), 'f');
  for (const symlinks of ['reject', 'follow-within-root', 'follow-parents']) {
    const root = await holdfast.openRoot(base, { symlinks });
    const { buffer, containment, realPath } = await root.read('sub\\f');
    assert.equal(buffer.toString(), 'f');
    assert.equal(containment, 'walk');
    assert.equal(realPath.toLowerCase(), path.join(fs.realpathSync.native(base), 'sub', 'f').toLowerCase());
    assert.equal(root.readSync(path.join(base, 'sub', 'f')).buffer.toString(), 'f');
    for (const outside of ['..\\secret', '../secret', 'sub\\..\\..\\secret', path.join(dir, 'secret'), 'C:\\Windows\\win.ini', '\\secret']) {
      await refusedWith('outside-workspace', () => root.read(outside));
      await refusedWith('outside-workspace', () => root.writeAtomic(outside, 'x'));
      await refusedWith('outside-workspace', () => root.ensureDir(outside));
    }
    await refusedWith('invalid-path', () => root.read('\\\\?\\C:\\x'));
    await root.writeAtomic('new\\g', 'g', { mkdir: true });
    assert.equal(fs.readFileSync(path.join(base, 'new', 'g'), 'utf8'), 'g');
    fs.rmSync(path.join(base, 'new'), { recursive: true });
    assert.equal((await root.ensureDir('d/e', { existing: 'leave' })).firstCreated, 'd');
    fs.rmSync(path.join(base, 'd'), { recursive: true });
    root.close();
    await refusedWith('root-closed', () => root.read('sub\\f'));
  }
  assert.equal(fs.readFileSync(path.join(dir, 'secret'), 'utf8'), 's');
  assert.equal((await holdfast.readLocalFileSafely('sub/f', { root: base })).buffer.toString(), 'f');
});

check('links are refused on the way and at the end, or followed as the policy says', async (dir) => {
  const [base, outside] = [path.join(dir, 'root'), path.join(dir, 'outside')];
  fs.mkdirSync(path.join(base, 'real'), { recursive: true });
  fs.mkdirSync(outside);
  fs.writeFileSync(path.join(outside, 'f'), 'outside');
  fs.writeFileSync(path.join(base, 'real', 'f'), 'inside');
  try {
    fs.symlinkSync(outside, path.join(base, 'junction'), 'junction');
  } catch (error) {
    if (isWine && error.code === 'ENOTSUP') return 'not here: this Wine has no reparse points';
    throw error;
  }
  assert.equal(fs.readFileSync(path.join(base, 'junction', 'f'), 'utf8'), 'outside');
  const root = await holdfast.openRoot(base);
  await refusedWith('symlink', () => root.read('junction\\f'));
  await refusedWith('symlink', () => root.writeAtomic('junction\\g', ''));
  await refusedWith('symlink', () => root.ensureDir('junction\\d'));
  await refusedWith('symlink', () => root.ensureDir('junction'));
  root.close();
  const following = await holdfast.openRoot(base, { symlinks: 'follow-within-root' });
  await refusedWith('outside-workspace', () => following.read('junction\\f'));
  following.close();
  assert.deepEqual(fs.readdirSync(outside), ['f']);
  assert.equal((await holdfast.readLocalFileSafely(path.join(base, 'junction', 'f'))).buffer.toString(), 'outside');
  await refusedWith('symlink', () => holdfast.readLocalFileSafely(path.join(base, 'junction', 'f'), { symlinks: 'reject' }));
});

check('an open gives a handle on the very file', async (dir) => {
  const file = path.join(dir, 'f');
  fs.writeFileSync(file, 'abc');
  const { handle, stat } = await holdfast.openLocalFileSafely(file);
  assert.equal((await handle.readFile()).toString(), 'abc');
  assert.equal((await handle.stat()).ino, stat.ino);
  await handle.close();
});

check('a staged file is written by its path, and published or given up', async (dir) => {
  const file = path.join(dir, 'f');
  const staged = await holdfast.stageAtomic(file);
  assert.equal(path.dirname(staged.tempPath).toLowerCase(), fs.realpathSync.native(dir).toLowerCase());
  fs.writeFileSync(staged.tempPath, 'staged');
  assert.equal(fs.existsSync(file), false);
  const { size, created } = await staged.commit();
  assert.deepEqual({ size, created }, { size: 6, created: true });
  assert.equal(fs.readFileSync(file, 'utf8'), 'staged');
  const given = await holdfast.stageAtomic(file);
  await given.handle.writeFile('never');
  await given.abort();
  assert.equal(fs.readFileSync(file, 'utf8'), 'staged');
  assert.deepEqual(fs.readdirSync(dir), ['f']);
});

check('stale temporaries are removed, live ones are not', async (dir) => {
  const stale = path.join(dir, `.holdfast-${'0'.repeat(32)}.tmp`);
  fs.writeFileSync(stale, '');
  fs.writeFileSync(path.join(dir, '.holdfast-mine.tmp'), '');
  const staged = await holdfast.stageAtomic(path.join(dir, 'f'));
  const removed = await holdfast.cleanStaleTemporaries(dir, { olderThanMs: 0 });
  assert.deepEqual(removed.map((name) => path.basename(name)), [path.basename(stale)]);
  assert.equal(fs.existsSync(staged.tempPath), true);
  await staged.abort();
  assert.deepEqual(fs.readdirSync(dir), ['.holdfast-mine.tmp']);
});

check('nothing stays open', async (dir) => {
  const file = path.join(dir, 'f');
  for (let round = 0; round < 300; round += 1) {
    await holdfast.writeAtomic(file, `${round}`, { durable: false });
    await holdfast.readLocalFileSafely(file);
    holdfast.readLocalFileSafelySync(file);
    await holdfast.ensureDir(dir, { existing: 'leave' });
    await holdfast.readLocalFileSafely(path.join(dir, 'missing')).catch(() => {});
  }
  fs.rmSync(file);
  fs.rmdirSync(dir);
  assert.equal(fs.existsSync(dir), false);
});

async function run() {
  const lines = [`${process.version} ${process.platform}-${process.arch}${isWine ? ', under Wine' : ''}`];
  let failures = 0;
  let absent = 0;
  for (const [name, body] of checks) {
    const dir = fs.mkdtempSync(path.join(scratch, 'w'));
    try {
      const remark = await body(dir);
      // What is still open cannot be removed.
      fs.rmSync(dir, { recursive: true, force: true });
      if (remark !== undefined) absent += 1;
      lines.push(remark === undefined ? `ok      ${name}` : `-       ${name} (${remark})`);
    } catch (error) {
      failures += 1;
      lines.push(`FAILED  ${name}\n${String(error?.stack ?? error).replace(/^/gm, '        ')}`);
    }
  }
  lines.push(`${checks.length - failures - absent} of ${checks.length} hold, ${absent} not here`, '');
  if (report === undefined) process.stdout.write(lines.join('\n'));
  else fs.writeFileSync(report, lines.join('\n'));
  process.exitCode = failures === 0 ? 0 : 1;
}

run();
