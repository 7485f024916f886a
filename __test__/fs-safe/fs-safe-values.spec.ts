// Option values of wrong types: a guard stays in effect or the call is refused, as in fs-safe.
import * as fs from 'node:fs';
import { describe, expect, it } from 'vitest';
import { bindFsSafe, bindSafeOpen } from '../../fs-safe.mjs';
import { FsSafeError, SafeOpenError, plain } from '../helpers/fs-safe-hosts.js';
import * as path from 'node:path';
import { build, modeOf, scratch } from '../helpers/scratch.js';

/** Options with a value that no declaration allows. */
const wrong = (options: object): never => options as never;

async function failed(call: () => unknown): Promise<any> {
  try {
    await call();
  } catch (error) {
    return error;
  }
  return expect.fail('the call succeeds');
}

describe('private', () => {
  it.each([1, 'true', {}, null, 0, ''])('is a boolean: %j is refused before anything is made', async (value) => {
    const dir = scratch();
    const root = await plain.root(dir);
    const options = wrong({ private: value });
    const calls = [
      () => root.create('p/secret', 's', options),
      () => root.createJson('p/secret', {}, options),
      () => root.create('p/secret', (async function* () { yield Buffer.from('s'); })(), options),
      () => root.mkdir('keys', options),
      () => root.ensureRoot(options),
    ];
    for (const call of calls) expect(await failed(call)).toMatchObject({ name: 'TypeError', message: 'private must be a boolean' });
    expect(fs.readdirSync(dir)).toEqual([]);
  });

  it('refuses a mode with more than the bits of an owner, and one that is none', async () => {
    const root = await plain.root(scratch());
    expect(await failed(() => root.create('f', '', { private: true, mode: 0o640 }))).toMatchObject({ code: 'insecure-permissions' });
    expect(await failed(() => root.create('f', '', wrong({ private: true, mode: '600' })))).toBeInstanceOf(RangeError);
    expect(await failed(async () => (await plain.root(scratch(), { mode: 0o644 })).create('f', '', { private: true }))).toMatchObject({ code: 'insecure-permissions' });
  });
});

describe('other values of a write beneath a root', () => {
  it.each([1, 'x', null, 0])('atomic is a boolean: %j is refused', async (value) => {
    const dir = scratch();
    const root = await plain.root(dir);
    for (const call of [() => root.create('f', 's', wrong({ atomic: value })), () => root.createJson('f', 1, wrong({ atomic: value }))]) {
      expect(await failed(call)).toMatchObject({ name: 'TypeError', message: 'atomic must be a boolean' });
    }
    expect(fs.readdirSync(dir)).toEqual([]);
  });

  it.each([null, 0, '', false])('overwrite: %j keeps an existing file', async (overwrite) => {
    const dir = scratch();
    build(dir, ['old: precious']);
    const root = await plain.root(dir);
    for (const call of [() => root.write('old', 'NEW', wrong({ overwrite })), () => root.writeJson('old', 1, wrong({ overwrite }))]) {
      expect(await failed(call)).toMatchObject({ code: 'already-exists' });
    }
    expect(fs.readFileSync(`${dir}/old`, 'utf8')).toBe('precious');
  });

  it.each([{ mkdir: null }, { mkdir: 0 }, { durable: 0 }, { durable: null }, { assertBeforeMutation: null }, { denyMutations: null }])('%j is as not given', async (options) => {
    const dir = scratch();
    await (await plain.root(dir)).write('z/y', 'N', wrong(options));
    await (await plain.root(dir, wrong(options))).create('z/w', 'N');
    expect(fs.readdirSync(`${dir}/z`)).toEqual(['w', 'y']);
  });

  it.each([{ paths: new Set(['/srv/x']) }, { path: ['/srv/x'] }, { prefixes: '/srv' }])('denyMutations of another form is not dropped: %o', async (denyMutations) => {
    const root = await plain.root(scratch());
    expect(await failed(() => root.write('f', 'N', wrong({ denyMutations })))).toMatchObject({ code: 'helper-unavailable' });
  });

  it('mode and dirMode of a replacement are a 32-bit number or text in octal digits, as for node:fs', async () => {
    const calls = (options: object): (() => Promise<string>)[] => [
      async () => {
        const filePath = `${scratch()}/e/f`;
        await plain.replaceFileAtomic(wrong({ filePath, content: 'x', ...options }));
        return filePath;
      },
      async () => {
        const filePath = `${scratch()}/e/f`;
        plain.replaceFileAtomicSync(wrong({ filePath, content: 'x', ...options }));
        return filePath;
      },
      async () => {
        const filePath = `${scratch()}/e/f`;
        await plain.writeTextAtomic(filePath, 'x', wrong(options));
        return filePath;
      },
    ];
    for (const mode of ['0644', '644', 0o644, 0o100644]) for (const call of calls({ mode })) expect([mode, modeOf(await call())]).toEqual([mode, 0o644]);
    for (const call of calls({ dirMode: '0755' })) expect(modeOf(path.dirname(await call()))).toBe(0o755);
    for (const name of ['mode', 'dirMode']) {
      for (const mode of [2 ** 32, 2 ** 53, -1, 1.5, NaN, Infinity]) for (const call of calls({ [name]: mode })) expect(await failed(call)).toBeInstanceOf(RangeError);
      for (const mode of ['0o644', 'abc', '', '8', true, 10n, {}]) for (const call of calls({ [name]: mode })) expect(await failed(call)).toBeInstanceOf(TypeError);
    }
  });

  it('mode is a number, and null is not given', async () => {
    const dir = scratch();
    const root = await plain.root(dir);
    await (await plain.root(dir, { mode: 0o640 })).write('g', 'N', wrong({ mode: null }));
    expect(modeOf(`${dir}/g`)).toBe(0o600);
    for (const mode of ['600', '0o600', 'abc', -1, 1.5, true, 2 ** 32, 0o100644]) expect(await failed(() => root.write('h', 'N', wrong({ mode })))).toMatchObject({ code: 'invalid-path' });
  });

  it('a stream takes no encoding and no renameIdentity, and makes nothing when its signal has aborted', async () => {
    const dir = scratch();
    const root = await plain.root(dir);
    const stream = async function* () { yield expect.fail('it is asked') as never; };
    for (const options of [{ encoding: 'utf8' }, { renameIdentity: 'strict' }]) {
      expect(await failed(() => root.create('a/f', stream(), wrong(options)))).toBeInstanceOf(TypeError);
    }
    const reason = new Error('over');
    expect(await failed(() => root.create('a/f', stream(), { signal: AbortSignal.abort(reason) }))).toBe(reason);
    expect(fs.readdirSync(dir)).toEqual([]);
  });
});

describe('policies', () => {
  const foreign = ['follow-parents', 'follow-trusted', 'follow', ''];

  it.each(foreign)('symlinks: %j is refused everywhere, and the message has the right values', async (symlinks) => {
    const dir = scratch();
    build(dir, ['sub/x: X', 'lsub => sub', 'lx => sub/x']);
    const root = await plain.root(dir);
    const calls = [
      () => root.read('lsub/x', wrong({ symlinks })),
      () => root.open('sub/x', wrong({ symlinks })),
      () => plain.root(dir, wrong({ symlinks })),
      () => plain.readLocalFileFromRoots(wrong({ filePath: `${dir}/lx`, roots: [dir], symlinks })),
      () => plain.openRootFile(wrong({ absolutePath: `${dir}/lsub/x`, rootPath: dir, boundaryLabel: 'l', symlinks })),
      async () => plain.openRootFileSync(wrong({ absolutePath: `${dir}/lsub/x`, rootPath: dir, boundaryLabel: 'l', symlinks })),
    ];
    for (const call of calls) {
      const error = await failed(call);
      expect(error).toBeInstanceOf(TypeError);
      expect(error.message).toMatch(/symlinks' must be one of: reject, follow-within-root, follow-parents-within-root\./);
    }
  });

  it.each([...foreign, 'follow-within-root', null])('mutationSymlinks: %j is a RangeError', async (mutationSymlinks) => {
    const dir = scratch();
    build(dir, ['sub/', 'lsub => sub']);
    const root = await plain.root(dir);
    if (mutationSymlinks === null) return root.write('f', 'n', wrong({ mutationSymlinks }));
    for (const call of [
      () => root.write('lsub/new', 'n', wrong({ mutationSymlinks })),
      () => root.mkdir('lsub/new', wrong({ mutationSymlinks })),
      () => plain.root(dir, wrong({ mutationSymlinks })),
    ]) {
      expect(await failed(call)).toMatchObject({ name: 'RangeError', message: 'mutationSymlinks must be reject or follow-parents-within-root' });
    }
    expect(fs.readdirSync(`${dir}/sub`)).toEqual([]);
  });

  it('null in a read is the strict policy, whatever the default of the root is', async () => {
    const dir = scratch();
    build(dir, ['f: f', 'g == f', 's: s', 'l => s']);
    const root = await plain.root(dir, { hardlinks: 'allow', symlinks: 'follow-within-root' });
    expect(await failed(() => root.read('g', wrong({ hardlinks: null })))).toMatchObject({ code: 'hardlink' });
    expect(await failed(() => root.read('l', wrong({ symlinks: null })))).toMatchObject({ code: 'symlink' });
    expect(await failed(() => root.read('g', wrong({ maxBytes: null })))).toBeInstanceOf(RangeError);
    expect(await failed(() => root.read('s', wrong({ outbound: null })))).toBeInstanceOf(TypeError);
    const strict = await plain.root(dir, wrong({ hardlinks: null, symlinks: null }));
    expect(await failed(() => strict.read('g'))).toMatchObject({ code: 'hardlink' });
  });

  it('maxBytes: null is no limit of nothing in the older functions', async () => {
    const dir = scratch();
    build(dir, ['f: f']);
    const old = bindSafeOpen({ SafeOpenError });
    expect(await failed(() => old.readFileWithinRoot(wrong({ rootDir: dir, relativePath: 'f', maxBytes: null })))).toBeInstanceOf(RangeError);
  });

  it.each([null, undefined])('rejectHardlinks: %j refuses a file with several names', async (rejectHardlinks) => {
    const dir = scratch();
    build(dir, ['x: secret', 'y == x']);
    const params = wrong({ absolutePath: `${dir}/y`, rootPath: dir, boundaryLabel: 'l', rejectHardlinks });
    expect(await plain.openRootFile(params)).toMatchObject({ ok: false, error: { code: 'hardlink' } });
    expect(plain.openRootFileSync(params)).toMatchObject({ ok: false, error: { code: 'hardlink' } });
  });
});

describe('an option that fs-safe does not have', () => {
  const X = { fromANewerVersion: true };
  const CALLS: Record<string, (dir: string, handle: fs.promises.FileHandle) => unknown> = {
    replaceFileAtomic: (dir) => plain.replaceFileAtomic(wrong({ filePath: `${dir}/n`, content: 'x', ...X })),
    replaceFileAtomicSync: (dir) => plain.replaceFileAtomicSync(wrong({ filePath: `${dir}/n`, content: 'x', ...X })),
    'replaceFileAtomic, misspelt': (dir) => plain.replaceFileAtomic(wrong({ filePath: `${dir}/n`, content: 'x', destinationHardLinks: 'reject' })),
    writeTextAtomic: (dir) => plain.writeTextAtomic(`${dir}/n`, 'x', wrong(X)),
    'writeTextAtomic, an option of replaceFileAtomic': (dir) => plain.writeTextAtomic(`${dir}/n`, 'x', wrong({ assertBeforeMutation() {} })),
    writeJson: (dir) => plain.writeJson(`${dir}/n`, {}, wrong(X)),
    'writeJson, an option of writeTextAtomic': (dir) => plain.writeJson(`${dir}/n`, {}, wrong({ beforeRename: async () => {} })),
    readRegularFile: (dir) => plain.readRegularFile(wrong({ filePath: `${dir}/f`, ...X })),
    readRegularFileSync: (dir) => plain.readRegularFileSync(wrong({ filePath: `${dir}/f`, ...X })),
    tryReadJson: (dir) => plain.tryReadJson(`${dir}/f`, wrong(X)),
    tryReadJsonSync: (dir) => plain.tryReadJsonSync(`${dir}/f`, wrong(X)),
    openRootFile: (dir) => plain.openRootFile(wrong({ absolutePath: `${dir}/f`, rootPath: dir, boundaryLabel: 'l', ...X })),
    openRootFileSync: (dir) => plain.openRootFileSync(wrong({ absolutePath: `${dir}/f`, rootPath: dir, boundaryLabel: 'l', ...X })),
    readFileWindowFully: (_, handle) => plain.readFileWindowFully(handle, Buffer.alloc(1), 0, wrong(X)),
    sha256File: (dir) => plain.sha256File(`${dir}/f`, wrong(X)),
    sha256FileSync: (dir) => plain.sha256FileSync(`${dir}/f`, wrong(X)),
    syncDirectory: (dir) => plain.syncDirectory(dir, wrong(X)),
    syncDirectorySync: (dir) => plain.syncDirectorySync(dir, wrong(X)),
    ensureParentDirSync: (dir) => plain.ensureParentDirSync(`${dir}/q/w`, wrong({ trustedRoot: dir, ...X })),
    bindFsSafe: () => bindFsSafe(wrong({ FsSafeError, ...X })),
  };

  it.each(Object.keys(CALLS))('is refused, and nothing is made: %s', async (name) => {
    const dir = scratch();
    build(dir, ['f: {}']);
    const handle = await fs.promises.open(`${dir}/f`);
    try {
      expect(await failed(() => CALLS[name]!(dir, handle))).toMatchObject({ code: 'ERR_INVALID_ARG_VALUE' });
    } finally {
      await handle.close();
    }
    expect(fs.readdirSync(dir)).toEqual(['f']);
  });
});

describe('options of a class', () => {
  class Guarded {
    assertBeforeMutation() {
      throw new Error('revoked');
    }
  }

  it('have the guards of its methods: the defaults and the options of a root', async () => {
    const dir = scratch();
    const guarded = await plain.root(dir, new Guarded());
    expect(Object.isFrozen(guarded.defaults)).toBe(true);
    for (const call of [() => guarded.write('f', 'x'), () => guarded.mkdir('d'), async () => (await plain.root(dir)).write('f', 'x', new Guarded())]) {
      expect(await failed(call)).toMatchObject({ message: 'revoked' });
    }
    expect(fs.readdirSync(dir)).toEqual([]);
  });

  it('reach the original with their guards, when a rename is refused', async () => {
    const dir = scratch();
    const given: any[] = [];
    const original = { replaceFileAtomic: async (options: object) => (given.push(options), { method: 'copy-fallback' }) };
    const { replaceFileAtomic } = bindFsSafe({ FsSafeError, original });
    class Job {
      filePath = `${dir}/f`;
      content = 'x';
      copyFallbackOnPermissionError = true;
      fileSystem = { promises: { ...fs.promises, rename: async () => Promise.reject(Object.assign(new Error('refused'), { code: 'EPERM' })) } };
      beforeRename() {}
      assertBeforeMutation() {}
    }
    const job = new Job();
    await replaceFileAtomic(job as never);
    expect(given[0].assertBeforeMutation).toBe(job.assertBeforeMutation);
    expect([given[0].filePath, given[0].beforeRename, given[0].dirMode]).toEqual([job.filePath, undefined, modeOf(dir)]);
  });
});

describe('values of replaceFileAtomic', () => {
  const twins = [plain.replaceFileAtomic, plain.replaceFileAtomicSync] as ((options: never) => unknown)[];

  it.each([
    'assertBeforeMutation', 'onDestinationState', 'beforeRename', 'fileSystem', 'mode', 'dirMode', 'tempPrefix', 'renameMaxRetries',
    'renameRetryBaseDelayMs', 'preserveExistingMode', 'syncTempFile', 'syncParentDir', 'destinationHardlinks', 'copyFallbackRestore',
  ])('%s: null is as not given', async (name) => {
    for (const replace of twins) {
      const dir = scratch();
      build(dir, ['f 0644: old']);
      expect(await replace(wrong({ filePath: `${dir}/f`, content: 'new', [name]: null }))).toEqual({ method: 'rename' });
      expect([fs.readFileSync(`${dir}/f`, 'utf8'), modeOf(`${dir}/f`), modeOf(dir)]).toEqual(['new', 0o600, 0o700]);
    }
  });

  it('writeTextAtomic and writeJson take null for options and values', async () => {
    const dir = scratch();
    await plain.writeTextAtomic(`${dir}/f`, 'x', null as never);
    await plain.writeTextAtomic(`${dir}/f`, 'x', wrong({ mode: null, dirMode: null, durable: null, beforeRename: null, tempPrefix: null, trailingNewline: 1 }));
    await plain.writeJson(`${dir}/g`, [], wrong({ trailingNewline: 1 }));
    await plain.writeJson(`${dir}/g`, [], null as never);
    expect([fs.readFileSync(`${dir}/f`, 'utf8'), modeOf(`${dir}/f`), fs.readFileSync(`${dir}/g`, 'utf8')]).toEqual(['x\n', 0o600, '[]']);
  });

  it.each(['assertBeforeMutation', 'onDestinationState', 'beforeRename'])('%s that cannot be called publishes nothing', async (name) => {
    for (const replace of twins) {
      const dir = scratch();
      build(dir, ['f: old']);
      expect(await failed(() => replace(wrong({ filePath: `${dir}/f`, content: 'new', [name]: 'x' })))).toBeInstanceOf(TypeError);
      expect([fs.readFileSync(`${dir}/f`, 'utf8'), fs.readdirSync(dir)]).toEqual(['old', ['f']]);
    }
  });

  it('beforeRename has the options object as its this, which may be of a class with properties of its own', async () => {
    class Job {
      filePath = `${scratch()}/f`;
      content = 'x';
      seen: string[] = [];
      beforeRename({ tempPath }: { tempPath: string }) {
        this.seen.push(tempPath);
      }
    }
    const promises = { ...fs.promises, rename: (from: fs.PathLike, to: fs.PathLike) => fs.promises.rename(from, to) };
    const injected = Object.assign(new Job(), { fileSystem: { promises } });
    const jobs = [new Job(), new Job(), injected];
    await plain.replaceFileAtomic(jobs[0] as never);
    plain.replaceFileAtomicSync(jobs[1] as never);
    await plain.replaceFileAtomic(jobs[2] as never);
    expect(jobs.map(({ seen }) => seen.length)).toEqual([1, 1, 1]);
  });

  it.each([new Uint16Array([1, 2]), new DataView(new ArrayBuffer(3), 1), new Float64Array(2), Buffer.from('abc')])('content is any view of bytes: %o', async (content) => {
    const dir = scratch();
    for (const replace of twins) {
      await replace(wrong({ filePath: `${dir}/f`, content }));
      expect(fs.readFileSync(`${dir}/f`)).toEqual(Buffer.from(content.buffer, content.byteOffset, content.byteLength));
      await replace(wrong({ filePath: `${dir}/f`, content, renameIdentity: 'verify-content-with-lock', beforeRename() {} }));
    }
  });

  it('ignores the result of a synchronous beforeRename', () => {
    const file = `${scratch()}/f`;
    let asked = 0;
    const thenable = { get then() { return void (asked += 1); } };
    for (const beforeRename of [async () => {}, () => thenable]) plain.replaceFileAtomicSync(wrong({ filePath: file, content: 'x', beforeRename }));
    expect([fs.readFileSync(file, 'utf8'), asked]).toEqual(['x', 0]);
  });

  it('refuses a promise of assertBeforeMutation, and calls its then as a promise would', async () => {
    const dir = scratch();
    const handlers: unknown[] = [];
    const assertBeforeMutation = () => ({ then: (...given: unknown[]) => void handlers.push(...given) });
    expect(await failed(() => plain.replaceFileAtomicSync(wrong({ filePath: `${dir}/f`, content: 'x', assertBeforeMutation })))).toBeInstanceOf(TypeError);
    await new Promise((resolve) => setImmediate(resolve));
    expect(handlers.length).toBeGreaterThan(0);
    expect(handlers.every((handler) => typeof handler === 'function')).toBe(true);
  });

  it('needs maxRestoreBytes to restore, as a whole number', async () => {
    for (const maxRestoreBytes of [undefined, -1, 1.5, '5', null]) {
      expect(await failed(() => plain.replaceFileAtomic(wrong({ filePath: `${scratch()}/f`, content: 'x', copyFallbackRestore: 'restore-original', maxRestoreBytes })))).toBeInstanceOf(RangeError);
    }
  });
});
