// The calls of the soak: each verb in each form, and each kind of failure. Every entry checks its outcome: a soak of
// calls that fail for another reason would prove nothing.
import * as fs from 'node:fs';
import * as holdfast from '../../../index.mjs';

const { openRootSync, openRoot, readLocalFileSafely, readLocalFileSafelySync, writeAtomic, writeAtomicSync, writeAtomicMany } = holdfast;
const { ensureDir, ensureDirSync, openLocalFileSafely, stageAtomic, cleanStaleTemporaries } = holdfast;

/** Calls that copy so many bytes, or make so many system calls, that a tenth of them takes as long. */
export const SLOW = new Set(['read, in two jobs', 'aborted meanwhile, read', 'copy and remove a tree, under a root', 'rename, under a root', 'walk, left early']);

/** Returns a call that must fail with this code. */
function failing(code, call) {
  const judge = (error) => {
    if (error.code !== code && error.name !== code) throw error;
  };
  const never = () => {
    throw new Error(`it should have failed with ${code}`);
  };
  return (number) => {
    let answer;
    try {
      answer = call(number);
    } catch (error) {
      return judge(error);
    }
    return answer instanceof Promise ? answer.then(never, judge) : never();
  };
}

/** Runs a call whose signal aborts before the call or during it. */
function abortedSoon(call) {
  return async (number) => {
    const controller = new AbortController();
    const answer = call(number, controller.signal);
    controller.abort();
    await answer;
  };
}

async function* pieces() {
  yield 'one ';
  yield 'two ';
}

/**
 * Returns the calls.
 *
 * @param {string} dir for this process only, on a fast file system
 * @param {string | undefined} full a directory on a full file system
 * @param {string | undefined} closed a directory that this process may neither read nor search
 */
export function verbs(dir, full, closed) {
  fs.writeFileSync(`${dir}/small`, 'x'.repeat(100));
  fs.writeFileSync(`${dir}/page`, 'x'.repeat(9000));
  for (const kib of [4, 16, 64]) fs.writeFileSync(`${dir}/${kib}k`, Buffer.alloc(kib * 1024));
  fs.writeFileSync(`${dir}/large`, Buffer.alloc(300_000));
  fs.symlinkSync('small', `${dir}/link`);
  fs.linkSync(`${dir}/page`, `${dir}/page-too`);
  fs.mkdirSync(`${dir}/made`, { mode: 0o700 });
  const root = openRootSync(dir);
  const other = openRootSync(`${dir}/made`);
  fs.writeFileSync(`${dir}/made/small`, 'other');
  fs.symlinkSync('small', `${dir}/made/link-too`);
  const over = openRootSync(dir);
  over.close();
  const plain = { durable: false };
  const fast = (number) => `${dir}/w${number % 64}`;
  /** Removes a log now and then: a rotation. Several appends at once may find it large. */
  const appended = (number, { size }) => {
    if (size > 100_000) fs.rmSync(`${dir}/log`, { force: true });
  };

  return {
    readSync: () => readLocalFileSafelySync(`${dir}/small`),
    'readSync, a page': () => readLocalFileSafelySync(`${dir}/page`),
    'readSync, 4 KiB': () => readLocalFileSafelySync(`${dir}/4k`),
    'readSync, 16 KiB': () => readLocalFileSafelySync(`${dir}/16k`),
    'readSync, 64 KiB': () => readLocalFileSafelySync(`${dir}/64k`),
    'readSync, under a root': () => root.readSync('small'),
    'readSync, two roots in turn': (number) => (number % 2 === 0 ? root : other).readSync('small'),
    'readSync, with root': () => readLocalFileSafelySync('small', { root: dir }),
    read: () => readLocalFileSafely(`${dir}/small`),
    'read, 16 KiB': () => readLocalFileSafely(`${dir}/16k`),
    'read, two roots in turn': (number) => (number % 2 === 0 ? root : other).read('small'),
    'read, in the pool': () => readLocalFileSafely('page', { root: dir, hardlinks: 'allow' }),
    'read, in two jobs': () => readLocalFileSafely(`${dir}/large`, { root: dir }),
    'read, under a root': () => root.read('small'),
    open: async () => (await openLocalFileSafely(`${dir}/small`)).handle.close(),
    'open, under a root': async () => (await root.open('small')).handle.close(),
    writeSync: (number) => writeAtomicSync(fast(number), 'data', plain),
    'writeSync, durable': (number) => writeAtomicSync(fast(number), 'data'),
    'writeSync, under a root': (number) => root.writeAtomicSync(`w${number % 64}`, 'data', plain),
    'writeSync, a new name': (number) => {
      writeAtomicSync(`${dir}/n${number}`, 'data', { durable: false, overwrite: false });
      fs.unlinkSync(`${dir}/n${number}`);
    },
    write: (number) => writeAtomic(fast(number), 'data', plain),
    'write, durable': (number) => writeAtomic(fast(number), 'data'),
    'write, under a root': (number) => root.writeAtomic(`w${number % 64}`, Buffer.from('data'), plain),
    'write, with a signal': (number) => writeAtomic(fast(number), 'data', { durable: false, signal: new AbortController().signal }),
    'write, streamed': (number) => writeAtomic(fast(number), pieces(), plain),
    writeMany: (number) => writeAtomicMany([{ file: fast(number), data: 'one' }, { file: `${dir}/m${number % 64}`, data: 'two' }], plain),
    ensureDirSync: () => ensureDirSync(`${dir}/made`),
    'ensureDirSync, under a root': () => root.ensureDirSync('made'),
    'ensureDirSync, a new one': (number) => {
      ensureDirSync(`${dir}/d${number}`);
      fs.rmdirSync(`${dir}/d${number}`);
    },
    ensureDir: () => ensureDir(`${dir}/made`),
    'ensureDir, under a root': () => root.ensureDir('made'),
    'ensureDir, a new one': async (number) => {
      await ensureDir(`${dir}/d${number}`);
      fs.rmdirSync(`${dir}/d${number}`);
    },
    openRootSync: () => openRootSync(dir).close(),
    openRoot: async () => (await openRoot(dir)).close(),
    'stage, committed': async (number) => {
      const staged = await stageAtomic(fast(number), plain);
      await staged.handle.writeFile('data');
      await staged.commit();
    },
    'append, sync': (number) => appended(number, holdfast.appendRecordSync(`${dir}/log`, 'a record', plain)),
    'append, under a root': async (number) => appended(number, await root.appendRecord('log', 'a record', plain)),
    'append, one of many files': (number) => holdfast.appendRecordSync(`${dir}/log${number % 64}`, 'x', plain),
    lock: () => holdfast.withLock(`${dir}/locked`, () => {}),
    'lock, one of many': (number) => holdfast.withLock(`${dir}/locked${number % 64}`, () => {}, { shared: true }),
    'lock, three waiters': () => Promise.all([1, 2, 3].map(() => root.withLock('locked', () => {}))),
    'tryLock, taken': async () => {
      const lock = await holdfast.acquireLock(`${dir}/locked`);
      if ((await holdfast.tryLock(`${dir}/locked`)) !== undefined) throw new Error('locked twice');
      await lock.release();
    },
    update: (number) => holdfast.updateAtomic(`${dir}/state${number % 8}`, () => 'new', plain),
    'lock-timeout': async () => {
      const lock = await holdfast.acquireLock(`${dir}/locked`);
      await failing('lock-timeout', () => holdfast.acquireLock(`${dir}/locked`, { timeoutMs: 0 }))();
      await lock.release();
    },
    'append, torn': failing('torn-tail', () => holdfast.appendRecord(`${dir}/small`, 'x', { durable: false, onTornTail: 'error' })),
    'append, to a directory': failing('not-file', () => holdfast.appendRecordSync(`${dir}/made`, 'x', plain)),
    'stage, aborted': async (number) => (await stageAtomic(fast(number), plain)).abort(),
    'stat, under a root': () => root.stat('small'),
    'statSync, under a root': () => root.statSync('made/small'),
    'readlink, under a root': () => root.readlink('link'),
    'readTextSync, under a root': () => root.readTextSync('small'),
    'list, under a root': () => root.list('made', { stat: true }),
    'listSync, under a root': () => root.listSync('made'),
    'walk, under a root': async () => {
      for await (const entry of root.walk('made', { stat: true })) entry.isFile();
    },
    'walk, left early': async () => {
      for await (const entry of root.walk('.')) if (entry.isFile()) break;
    },
    'rename, under a root': async (number) => {
      root.writeAtomicSync(`r${number}`, 'data', plain);
      await root.rename(`r${number}`, `s${number}`, plain);
      root.renameSync(`s${number}`, `r${number}`, plain);
      root.removeSync(`r${number}`);
    },
    'copy and remove a tree, under a root': async (number) => {
      await root.copy('made', `c${number}`, { recursive: true, durable: false });
      await root.remove(`c${number}`, { recursive: true });
    },
    'copyInSync, under a root': (number) => {
      root.copyInSync(`${dir}/small`, `i${number}`, plain);
      root.removeSync(`i${number}`);
    },
    'openRootSync, under a root': () => root.openRootSync('made').close(),
    cleanStaleTemporaries: () => cleanStaleTemporaries(`${dir}/made`, { olderThanMs: 1 }),

    'already-exists, rename': failing('already-exists', () => root.rename('large', 'small', plain)),
    'ENOTEMPTY, removeSync': failing('ENOTEMPTY', () => root.removeSync('made')),
    'not-found, copy': failing('not-found', () => root.copy('none', 'copied')),
    'too-large, list': failing('too-large', () => root.list('.', { maxEntries: 1 })),
    'not-directory, walk': failing('not-directory', () => root.walk('small').next()),

    'not-found, readSync': failing('not-found', () => readLocalFileSafelySync(`${dir}/none`)),
    'not-found, read': failing('not-found', () => readLocalFileSafely(`${dir}/none`)),
    'not-found, open': failing('not-found', () => openLocalFileSafely(`${dir}/none`)),
    'not-found, writeSync': failing('not-found', () => writeAtomicSync(`${dir}/none/file`, 'data')),
    'not-found, write': failing('not-found', () => writeAtomic(`${dir}/none/file`, 'data')),
    'not-found, a stream': failing('not-found', () => writeAtomic(`${dir}/none/file`, pieces())),
    'not-found, openRoot': failing('not-found', () => openRoot(`${dir}/none`)),
    'symlink, readSync': failing('symlink', () => readLocalFileSafelySync(`${dir}/link`)),
    'symlink, readSync, two roots in turn': failing('symlink', (number) => (number % 2 === 0 ? root : other).readSync(number % 2 === 0 ? 'link' : 'link-too')),
    'symlink, read': failing('symlink', () => root.read('link')),
    'symlink, write': failing('symlink', () => writeAtomic(`${dir}/link`, 'data')),
    'too-large, readSync': failing('too-large', () => readLocalFileSafelySync(`${dir}/large`, { maxBytes: 100 })),
    'too-large, read': failing('too-large', () => readLocalFileSafely(`${dir}/large`, { maxBytes: 100 })),
    'hardlink, read': failing('hardlink', () => root.read('page')),
    'too-large, readSync, 16 KiB': failing('too-large', () => readLocalFileSafelySync(`${dir}/16k`, { maxBytes: 16_383 })),
    'outside-workspace, readSync': failing('outside-workspace', () => root.readSync('../x')),
    'already-exists, writeSync': failing('already-exists', () => writeAtomicSync(`${dir}/small`, 'data', { overwrite: false })),
    'already-exists, write': failing('already-exists', () => writeAtomic(`${dir}/small`, 'data', { overwrite: false })),
    'not-directory, ensureDirSync': failing('not-directory', () => ensureDirSync(`${dir}/small`)),
    'not-directory, ensureDir': failing('not-directory', () => ensureDir(`${dir}/small`)),
    'root-closed, read': failing('root-closed', () => over.read('small')),
    'invalid-path, readSync': failing('invalid-path', () => readLocalFileSafelySync('a\0b')),
    'ENAMETOOLONG, write': failing('ENAMETOOLONG', () => writeAtomic(`${dir}/${'x'.repeat(300)}`, 'data')),
    'ERR_INVALID_ARG_TYPE, write': failing('ERR_INVALID_ARG_TYPE', () => writeAtomic(`${dir}/w`, 1)),
    'aborted before, write': failing('AbortError', () => writeAtomic(`${dir}/w`, 'data', { signal: AbortSignal.abort() })),
    'aborted meanwhile, write': abortedSoon((number, signal) => writeAtomic(fast(number), 'data', { durable: false, signal }).catch(() => {})),
    'aborted meanwhile, a stream': abortedSoon((number, signal) => writeAtomic(fast(number), pieces(), { durable: false, signal }).catch(() => {})),
    'aborted meanwhile, read': abortedSoon((_, signal) => readLocalFileSafely(`${dir}/large`, { root: dir, signal }).catch(() => {})),
    'a source that fails': failing('EPRODUCER', (number) =>
      writeAtomic(
        fast(number),
        (async function* () {
          yield 'one';
          throw Object.assign(new Error('the producer failed'), { code: 'EPRODUCER' });
        })(),
      ),
    ),
    ...(full && {
      'ENOSPC, writeSync': failing('ENOSPC', () => writeAtomicSync(`${full}/file`, Buffer.alloc(8192))),
      'ENOSPC, write': failing('ENOSPC', () => writeAtomic(`${full}/file`, Buffer.alloc(8192))),
    }),
    ...(closed && {
      'EACCES, readSync': failing('EACCES', () => readLocalFileSafelySync(`${closed}/file`)),
      'EACCES, read': failing('EACCES', () => readLocalFileSafely(`${closed}/file`)),
      'EACCES, write': failing('EACCES', () => writeAtomic(`${closed}/file`, 'data')),
      'EACCES, ensureDirSync': failing('EACCES', () => ensureDirSync(`${closed}/dir`)),
    }),
  };
}
