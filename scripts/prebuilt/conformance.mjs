// Uses every export of an installed holdfast and checks the results on disk. Needs no test runner, so it runs under
// Node, Bun and Deno. Prints one line for each failed check, and the number of passed ones. Node resolves `holdfast`
// from the folder of this file, so it is copied beside the installation.

import assert from 'node:assert/strict';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import * as holdfast from 'holdfast';

const posix = process.platform !== 'win32';
const require = createRequire(import.meta.url);
const commonjs = require('holdfast');
const used = new Set();
/** The exports. Records each use: an export that no check uses is a failure of this program. */
const { HoldfastError, MEDIA_FILE_MODE, PRIVATE_DIR_MODE, PRIVATE_FILE_MODE, ...call } = new Proxy(holdfast, {
  get(target, name) {
    const value = target[name];
    if (typeof value !== 'function' || name === 'HoldfastError') return value;
    return (...args) => (used.add(name), value(...args));
  },
});

const isCode = (code) => (error) => {
  assert.equal(error?.code, code, `${error?.message}`);
  assert.equal(call.isHoldfastError(error), !/^E[A-Z]/.test(code));
  return true;
};
/** Reopening a held file as a FileHandle needs support of the system; Linux and macOS have it. */
const unlessUnsupported = (promise) => (process.platform === 'win32' ? promise.catch((error) => void isCode('unsupported-platform')(error)) : promise);
const permissions = (file) => statSync(file).mode & 0o777;
const ifPosix = (mode) => (posix ? mode : undefined);
const checkMode = (file, wanted) => posix && assert.equal(permissions(file).toString(8), wanted.toString(8), file);
const linked = (target, name) => (symlinkSync(target, name), name);

/** @type {Record<string, (dir: string) => unknown>} */
const checks = {
  'both module systems give the same objects': () => {
    assert.deepEqual(Object.keys(commonjs).sort(), Object.keys(holdfast).filter((name) => name !== 'default' && name !== 'module.exports').sort());
    for (const name of Object.keys(commonjs)) assert.equal(commonjs[name], holdfast[name], name);
  },
  'what else the package exports is the same in both, too': async () => {
    const others = Object.keys(require('holdfast/package.json').exports).filter((name) => !['.', './package.json'].includes(name));
    for (const name of others) {
      const [imported, required] = [await import(`holdfast${name.slice(1)}`), require(`holdfast${name.slice(1)}`)];
      assert.ok(Object.keys(required).length > 0, name);
      for (const key of Object.keys(required)) assert.equal(imported[key], required[key], `${name}: ${key}`);
    }
  },
  'the modes are those that gateways agree on': () => {
    assert.deepEqual([MEDIA_FILE_MODE, PRIVATE_FILE_MODE, PRIVATE_DIR_MODE], [0o644, 0o600, 0o700]);
  },
  'capabilities names this platform and the version of the package': () => {
    const { platform, arch, version, native, resolver, openat2 } = call.capabilities();
    assert.deepEqual([platform, arch, version], [process.platform, process.arch, require('holdfast/package.json').version]);
    assert.ok(existsSync(native), native);
    if (process.platform === 'linux') assert.equal(resolver, openat2 ? 'openat2' : 'walk');
  },
  'ensureDir makes a private directory, and finds one': async (dir) => {
    const deep = path.join(dir, 'a', 'b');
    const made = await call.ensureDir(deep);
    assert.equal(made.hardening, posix ? 'created' : made.hardening);
    assert.equal(made.firstCreated && path.basename(made.firstCreated), 'a');
    checkMode(deep, 0o700);
    const found = call.ensureDirSync(deep);
    assert.equal(found.firstCreated, undefined);
    if (posix) assert.deepEqual([found.hardening, found.isPrivate, found.mode], ['not-needed', true, 0o700]);
  },
  'ensureDir tightens, requires or leaves': async (dir) => {
    if (!posix) return;
    mkdirSync(`${dir}/open`);
    chmodSync(`${dir}/open`, 0o755);
    assert.equal(call.ensureDirSync(`${dir}/open`, { existing: 'leave' }).hardening, 'left');
    checkMode(`${dir}/open`, 0o755);
    assert.equal((await call.ensureDir(`${dir}/open`)).hardening, 'tightened');
    checkMode(`${dir}/open`, 0o700);
    assert.equal(call.ensureDirSync(`${dir}/open`, { existing: 'require' }).isPrivate, true);
    chmodSync(`${dir}/open`, 0o1777);
    await assert.rejects(call.ensureDir(`${dir}/open`, { existing: 'require' }), isCode('insecure-permissions'));
    checkMode(`${dir}/open`, 0o777);
  },
  'ensureDir refuses a file': async (dir) => {
    writeFileSync(`${dir}/file`, 'x');
    await assert.rejects(call.ensureDir(`${dir}/file`), isCode('not-directory'));
    assert.throws(() => call.ensureDirSync(`${dir}/file/below`), isCode('not-directory'));
  },
  'writeAtomic publishes, replaces and keeps the mode': async (dir) => {
    const file = path.join(dir, 'f');
    const first = await call.writeAtomic(file, 'one', { mode: 0o640 });
    assert.deepEqual([first.created, first.size, first.path, first.preserved, first.mode], [true, 3, file, null, ifPosix(0o640) ?? first.mode]);
    const second = call.writeAtomicSync(file, Buffer.from('second'));
    assert.deepEqual([second.created, second.size, readFileSync(file, 'utf8')], [false, 6, 'second']);
    checkMode(file, 0o640);
    assert.deepEqual(readdirSync(dir), ['f']);
  },
  'writeAtomic ignores the umask': async (dir) => {
    // Deno lets no program change the umask, and workers have none: then the current one applies.
    const before = posix ? tryUmask(0o077) : undefined;
    try {
      await call.writeAtomic(`${dir}/default`, 'x', { durable: false });
      call.writeAtomicSync(`${dir}/private`, 'x', { mode: PRIVATE_FILE_MODE });
      call.ensureDirSync(`${dir}/dir`, { mode: 0o755 });
    } finally {
      if (before !== undefined) tryUmask(before);
    }
    checkMode(`${dir}/default`, MEDIA_FILE_MODE);
    checkMode(`${dir}/private`, PRIVATE_FILE_MODE);
    checkMode(`${dir}/dir`, 0o755);
  },
  'writeAtomic takes views, iterables, streams and encodings': async (dir) => {
    const file = `${dir}/f`;
    async function* pieces() {
      yield 'ab';
      yield new Uint8Array([99, 100]);
    }
    await call.writeAtomic(file, new Uint8Array([104, 105]).buffer);
    assert.equal(readFileSync(file, 'utf8'), 'hi');
    assert.equal((await call.writeAtomic(file, pieces())).size, 4);
    assert.equal(readFileSync(file, 'utf8'), 'abcd');
    await call.writeAtomic(file, new Blob(['from a stream']).stream());
    assert.equal(readFileSync(file, 'utf8'), 'from a stream');
    await call.writeAtomic(file, '6869', 'hex');
    assert.equal(readFileSync(file, 'utf8'), 'hi');
    const large = Buffer.alloc(5 << 20, 7);
    await call.writeAtomic(file, large, { durable: 'file' });
    assert.ok(readFileSync(file).equals(large));
  },
  'writeAtomic with overwrite: false has one winner': async (dir) => {
    const outcomes = await Promise.allSettled(Array.from({ length: 32 }, (_, n) => call.writeAtomic(`${dir}/f`, `${n}`, { overwrite: false })));
    assert.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 1);
    for (const { status, reason } of outcomes) if (status === 'rejected') isCode('already-exists')(reason);
    assert.deepEqual(readdirSync(dir), ['f']);
  },
  'writeAtomic publishes in the order of the calls': async (dir) => {
    await Promise.all(Array.from({ length: 50 }, (_, n) => call.writeAtomic(`${dir}/f`, `${n}`, { durable: false })));
    assert.equal(readFileSync(`${dir}/f`, 'utf8'), '49');
  },
  'writeAtomic writes no link through, unless told to': async (dir) => {
    if (!posix) return;
    writeFileSync(`${dir}/target`, 'old');
    linked('target', `${dir}/link`);
    await assert.rejects(call.writeAtomic(`${dir}/link`, 'new'), isCode('symlink'));
    assert.equal(readFileSync(`${dir}/target`, 'utf8'), 'old');
    await call.writeAtomic(`${dir}/link`, 'followed', { finalSymlink: 'follow' });
    assert.equal(readFileSync(`${dir}/target`, 'utf8'), 'followed');
    await call.writeAtomic(`${dir}/link`, 'replaced', { finalSymlink: 'replace' });
    assert.deepEqual([lstatSync(`${dir}/link`).isFile(), readFileSync(`${dir}/target`, 'utf8')], [true, 'followed']);
  },
  'writeAtomic makes parents only when told to, and no directory a file': async (dir) => {
    await assert.rejects(call.writeAtomic(`${dir}/a/b/f`, 'x'), isCode('not-found'));
    await call.writeAtomic(`${dir}/a/b/f`, 'x', { mkdir: true });
    checkMode(`${dir}/a/b`, 0o700);
    await assert.rejects(call.writeAtomic(`${dir}/a`, 'x'), isCode('not-file'));
  },
  'writeAtomic that is aborted leaves the old content and nothing else': async (dir) => {
    writeFileSync(`${dir}/f`, 'old');
    const controller = new AbortController();
    async function* endless() {
      for (;;) {
        yield 'x';
        controller.abort(new Error('enough'));
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    }
    await assert.rejects(call.writeAtomic(`${dir}/f`, endless(), { signal: controller.signal }), /enough/);
    // The promise rejects at once; the temporary is removed later.
    for (let tries = 0; readdirSync(dir).length > 1 && tries < 1000; tries += 1) await new Promise((resolve) => setTimeout(resolve, 10));
    assert.deepEqual([readFileSync(`${dir}/f`, 'utf8'), readdirSync(dir)], ['old', ['f']]);
  },
  'writeAtomicMany answers for each file': async (dir) => {
    mkdirSync(`${dir}/taken`);
    const names = ['a', 'taken', 'b'];
    const results = await call.writeAtomicMany(names.map((name) => ({ file: `${dir}/${name}`, data: name })));
    assert.deepEqual(results.map(({ status }) => status), ['fulfilled', 'rejected', 'fulfilled']);
    isCode('not-file')(results[1].reason);
    assert.deepEqual([readFileSync(`${dir}/a`, 'utf8'), readFileSync(`${dir}/b`, 'utf8')], ['a', 'b']);
  },
  'stageAtomic publishes what a producer left at a path, or nothing': async (dir) => {
    const staged = await unlessUnsupported(call.stageAtomic(`${dir}/f`));
    if (!staged) return;
    assert.equal(path.dirname(staged.tempPath), dir);
    await staged.handle.writeFile('staged');
    assert.deepEqual([existsSync(`${dir}/f`), (await staged.commit()).size], [false, 6]);
    assert.deepEqual([readFileSync(`${dir}/f`, 'utf8'), readdirSync(dir)], ['staged', ['f']]);
    const dropped = await call.stageAtomic(`${dir}/f`);
    await dropped.handle.writeFile('dropped');
    await dropped.abort();
    assert.deepEqual([readFileSync(`${dir}/f`, 'utf8'), readdirSync(dir)], ['staged', ['f']]);
  },
  'cleanStaleTemporaries removes what a dead process left, and no more': async (dir) => {
    const stale = `.holdfast-${'0123456789abcdef'.repeat(2)}.tmp`;
    for (const name of [stale, 'keep.tmp', '.holdfast-short.tmp']) writeFileSync(`${dir}/${name}`, 'x');
    const removed = await call.cleanStaleTemporaries(dir, { olderThanMs: 0 });
    assert.deepEqual(removed.map((name) => path.basename(name)), [stale]);
    assert.deepEqual(readdirSync(dir).sort(), ['.holdfast-short.tmp', 'keep.tmp']);
  },
  'readLocalFileSafely reads a file, by every kind of path': async (dir) => {
    const file = `${dir}/f`;
    writeFileSync(file, 'content');
    for (const name of [file, Buffer.from(file), pathToFileURL(file)]) {
      assert.equal((await call.readLocalFileSafely(name)).buffer.toString(), 'content');
      assert.equal(call.readLocalFileSafelySync(name).buffer.toString(), 'content');
    }
    const { realPath, stat, containment } = await call.readLocalFileSafely({ filePath: file });
    assert.deepEqual([path.basename(realPath), stat.size, stat.isFile(), stat.ino, containment], ['f', 7, true, statSync(file).ino, 'none']);
  },
  'readLocalFileSafely reads nothing and much': async (dir) => {
    for (const size of [0, 1, 4095, 4096, 4097, 65_536, 5 << 20]) {
      const bytes = Buffer.alloc(size, size % 251);
      writeFileSync(`${dir}/f`, bytes);
      assert.ok(call.readLocalFileSafelySync(`${dir}/f`).buffer.equals(bytes), `${size}, sync`);
      assert.ok((await call.readLocalFileSafely(`${dir}/f`)).buffer.equals(bytes), `${size}, promise`);
    }
  },
  'readLocalFileSafely holds to maxBytes, also for what looks like a terabyte': async (dir) => {
    writeFileSync(`${dir}/f`, 'four');
    assert.equal(call.readLocalFileSafelySync(`${dir}/f`, { maxBytes: 4 }).buffer.length, 4);
    await assert.rejects(call.readLocalFileSafely(`${dir}/f`, { maxBytes: 3 }), isCode('too-large'));
    assert.throws(() => call.readLocalFileSafelySync(`${dir}/f`, { maxBytes: -1 }), RangeError);
    if (!posix) return;
    truncateSync(`${dir}/f`, 2 ** 40);
    await assert.rejects(call.readLocalFileSafely(`${dir}/f`), isCode('too-large'));
  },
  'readLocalFileSafely refuses links, directories, devices and what is not there': async (dir) => {
    await assert.rejects(call.readLocalFileSafely(`${dir}/none`), isCode('not-found'));
    await assert.rejects(call.readLocalFileSafely(dir), isCode('not-file'));
    await assert.rejects(call.readLocalFileSafely(''), isCode('invalid-path'));
    await assert.rejects(call.readLocalFileSafely('a\0b'), isCode('invalid-path'));
    if (!posix) return;
    linked('/etc/passwd', `${dir}/link`);
    await assert.rejects(call.readLocalFileSafely(`${dir}/link`), isCode('symlink'));
    for (const device of ['/dev/zero', '/dev/stdin']) assert.throws(() => call.readLocalFileSafelySync(device), isCode('device-path'));
  },
  'readLocalFileSafely sends no private file out': async (dir) => {
    if (!posix) return;
    call.writeAtomicSync(`${dir}/f`, 'x', { mode: 0o600 });
    await assert.rejects(call.readLocalFileSafely(`${dir}/f`, { outbound: true }), isCode('OUTBOUND_MEDIA_PERMS_TOO_RESTRICTIVE'));
    assert.equal((await call.readLocalFileSafely(`${dir}/f`, { outbound: { allowOwnerOnly: true } })).buffer.length, 1);
  },
  'openLocalFileSafely gives a handle of that very file': async (dir) => {
    writeFileSync(`${dir}/f`, 'content');
    const opened = await unlessUnsupported(call.openLocalFileSafely(`${dir}/f`));
    if (!opened) return;
    const { handle, stat } = opened;
    try {
      assert.equal(await handle.readFile('utf8'), 'content');
      assert.equal((await handle.stat()).ino, stat.ino);
    } finally {
      await handle.close();
    }
  },
  'a root is not left, by text or by link': async (dir) => {
    mkdirSync(`${dir}/root`);
    writeFileSync(`${dir}/secret`, 'secret');
    const roots = [await call.openRoot(`${dir}/root`), call.openRootSync(`${dir}/root`)];
    for (const root of roots) {
      await assert.rejects(root.read('../secret'), isCode('outside-workspace'));
      assert.throws(() => root.writeAtomicSync('../secret', 'x'), isCode('outside-workspace'));
      await root.ensureDir('sub');
      await root.writeAtomic('sub/f', 'inside');
      const { buffer, containment } = root.readSync('sub/f');
      assert.equal(buffer.toString(), 'inside');
      assert.notEqual(containment, 'none');
      if (posix) {
        if (!existsSync(`${dir}/root/out`)) linked('..', `${dir}/root/out`);
        await assert.rejects(root.read('out/secret'), isCode('symlink'));
        await assert.rejects(root.read('out/secret', { symlinks: 'follow-within-root' }), isCode('outside-workspace'));
        await assert.rejects(root.ensureDir('out/made'), isCode('symlink'));
      }
      root.close();
      await assert.rejects(root.read('sub/f'), isCode('root-closed'));
    }
    assert.deepEqual([readFileSync(`${dir}/secret`, 'utf8'), readdirSync(dir).sort()], ['secret', ['root', 'secret']]);
  },
  'a root lists, moves, copies and removes what is in it': async (dir) => {
    const root = await call.openRoot(dir);
    await root.writeJson('a/f.json', { one: 1 }, { mkdir: true });
    assert.deepEqual(await root.readJson('a/f.json'), { one: 1 });
    assert.equal((await root.stat('a/f.json')).isFile(), true);
    assert.deepEqual((await root.list('a')).map(({ name }) => name), ['f.json']);
    await root.rename('a/f.json', 'a/g.json');
    assert.equal((await root.copy('a', 'b', { recursive: true })).copied, 2);
    const seen = [];
    for await (const entry of root.walk()) seen.push(entry.path);
    assert.deepEqual(seen.sort(), ['a', 'a/g.json', 'b', 'b/g.json']);
    assert.equal((await root.remove('a', { recursive: true })).removed, 2);
    assert.deepEqual([await root.exists('a'), await root.readText('b/g.json')], [false, readFileSync(`${dir}/b/g.json`, 'utf8')]);
    root.close();
  },
  'openRoots finds the root of a path, and openTempRoot removes what it made': async (dir) => {
    for (const name of ['one', 'two']) mkdirSync(`${dir}/${name}`);
    const roots = await call.openRoots([`${dir}/one`, `${dir}/two`]);
    const located = await roots.locate(path.join(dir, 'two', 'f'));
    assert.deepEqual([path.basename(located.root.path), located.path], ['two', 'f']);
    await assert.rejects(async () => roots.locate(path.join(dir, 'three')), isCode('outside-workspace'));
    const work = await call.openTempRoot({ parent: dir, prefix: 'work-' });
    await work.root.writeAtomic('f', 'x', { durable: false });
    checkMode(work.path, 0o700);
    await work.remove();
    assert.deepEqual(readdirSync(dir).sort(), ['one', 'two']);
  },
  'a lock excludes, and ends with its release': async (dir) => {
    const file = `${dir}/state.json`;
    const lock = await call.acquireLock(file);
    assert.equal(await call.tryLock(file), undefined);
    await assert.rejects(call.acquireLock(file, { timeoutMs: 20 }), isCode('lock-timeout'));
    await lock.release();
    assert.equal(await call.withLock(file, () => 'held'), 'held');
  },
  'updates of one file lose nothing': async (dir) => {
    const file = `${dir}/state.json`;
    await Promise.all(Array.from({ length: 20 }, () => call.updateJson(file, ({ n }) => ({ n: n + 1 }), { ifMissing: { n: 0 }, durable: false })));
    assert.deepEqual(JSON.parse(readFileSync(file, 'utf8')), { n: 20 });
    await call.updateAtomic(file, (current) => `${current}!`);
    assert.ok(readFileSync(file, 'utf8').endsWith('!'));
  },
  'appends are whole lines, in order': async (dir) => {
    const file = `${dir}/log.jsonl`;
    await call.appendRecord(file, 'one');
    call.appendRecordSync(file, 'two');
    await call.appendRecords(file, ['three', 'four']);
    call.appendRecordsSync(file, ['five']);
    await call.appendJson(file, { six: 6 });
    call.appendJsonSync(file, [7]);
    assert.equal(readFileSync(file, 'utf8'), 'one\ntwo\nthree\nfour\nfive\n{"six":6}\n[7]\n');
  },
  'errors carry what a log needs and a response may have': async (dir) => {
    const error = await call.readLocalFileSafely(`${dir}/none`).catch((caught) => caught);
    assert.ok(error instanceof HoldfastError && call.isHoldfastError(error) && !call.isHoldfastError(new Error()));
    const missing = new HoldfastError('not-found', { path: '/secret' });
    assert.ok(call.isNotFound(missing) && !call.isNotFound(new Error()));
    assert.equal(call.httpStatus(missing), 404);
    assert.ok(!JSON.stringify(call.toPublicError(missing)).includes('secret'));
    assert.deepEqual([error.code, error.category, error.sysCode, error.path], ['not-found', 'operational', 'ENOENT', `${dir}/none`]);
    assert.equal(JSON.stringify(error.toPublic()).includes(dir), false);
    assert.equal(JSON.parse(JSON.stringify(error)).path, `${dir}/none`);
  },
  'a wrong argument is a TypeError before anything is touched': async () => {
    await assert.rejects(call.readLocalFileSafely(7), TypeError);
    assert.throws(() => call.writeAtomicSync('x'), TypeError);
    assert.throws(() => call.ensureDirSync(null), TypeError);
  },
};

function tryUmask(mask) {
  try {
    return process.umask(mask);
  } catch {
    return undefined;
  }
}

let failed = 0;
const top = mkdtempSync(path.join(tmpdir(), 'holdfast-conformance-'));
try {
  for (const [name, check] of Object.entries(checks)) {
    try {
      // A real path, because results have real paths, and /tmp is a link on macOS.
      await check(mkdtempSync(path.join(realpathSync(top), 'case-')));
    } catch (error) {
      failed += 1;
      console.log(`conformance: FAILED: ${name}: ${error.stack ?? error}`);
    }
  }
} finally {
  rmSync(top, { recursive: true, force: true });
}
const untouched = Object.keys(commonjs).filter((name) => typeof commonjs[name] === 'function' && name !== 'HoldfastError' && !used.has(name));
if (untouched.length > 0) {
  failed += 1;
  console.log(`conformance: FAILED: nothing checks ${untouched.join(', ')}`);
}
const total = Object.keys(checks).length + 1;
console.log(`conformance: ${total - failed} passed, ${failed} failed`);
process.exitCode = failed > 0 ? 1 : 0;
