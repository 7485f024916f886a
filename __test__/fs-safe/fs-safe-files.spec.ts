// Functions on a single path in the shapes of fs-safe. __test__/fs-safe/conformance/files.ts has the rows that are compared
// with the library.
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { bindFsSafe } from '../../fs-safe.mjs';
import { FsSafeError, outbound, plain, told } from '../helpers/fs-safe-hosts.js';
import { openFiles, shortest } from '../helpers/forms.js';
import { build, scratch } from '../helpers/scratch.js';

const READS = [
  ['readRegularFile', (api: typeof plain, filePath: string) => api.readRegularFile({ filePath })],
  ['readRegularFileSync', async (api: typeof plain, filePath: string) => api.readRegularFileSync({ filePath })],
] as const;

describe.each(READS)('%s', (_name, read) => {
  it('reads an owner-only file, also when reads of a root are outbound', async () => {
    const dir = scratch();
    build(dir, ['f 0600: text']);
    expect((await read(outbound as typeof plain, `${dir}/f`)).buffer.toString()).toBe('text');
  });

  it('names the path and ENOENT when the file is missing', async () => {
    const error = (await read(plain, '/nowhere/f').catch((error) => error)) as NodeJS.ErrnoException;
    expect([error.constructor, error.code, error.message]).toEqual([Error, 'ENOENT', 'File not found: /nowhere/f']);
  });

  it('refuses a FIFO without opening it', async () => {
    const dir = scratch();
    build(dir, ['p |']);
    expect(await told(() => read(plain, `${dir}/p`))).toBe('`Error`: `path must be a regular file`');
  });
});

describe('openRootFileSync', () => {
  const params = (dir: string, name = 'f') => ({ absolutePath: `${dir}/${name}`, rootPath: dir, boundaryLabel: 'root' });

  it('returns a descriptor of the checked file', () => {
    const dir = scratch();
    build(dir, ['f: text']);
    const opened = plain.openRootFileSync(params(dir));
    if (!opened.ok) expect.fail('it is not opened');
    expect([fs.readFileSync(opened.fd, 'utf8'), opened.path, opened.stat.ino]).toEqual(['text', `${dir}/f`, fs.statSync(`${dir}/f`).ino]);
    fs.closeSync(opened.fd);
  });

  it('leaves no descriptor open after a refusal', () => {
    const dir = scratch();
    build(dir, ['f: text', 'g == f', 'l => f', 'p |']);
    const before = openFiles().length;
    for (const name of ['f', 'l', 'p', 'none']) expect(plain.openRootFileSync(params(dir, name)).ok).toBe(false);
    expect(openFiles().length).toBe(before);
  });

  it('returns the explanation of the original for a refusal', () => {
    const dir = scratch();
    build(dir, ['f: text', 'l => f']);
    const failure = { ok: false as const, reason: 'validation' as const, error: new Error('a sentence of the original') };
    const api = bindFsSafe({ FsSafeError, original: { openRootFileSync: () => failure } });
    expect(api.openRootFileSync(params(dir, 'l'))).toBe(failure);
    expect(api.openRootFileSync(params(dir, 'none'))).toMatchObject({ ok: false, reason: 'path', error: { code: 'ENOENT' } });
  });

  it('returns no descriptor of the original for a file that it refuses', () => {
    const dir = scratch();
    build(dir, ['f: text', 'g == f']);
    let fd = -1;
    const original = { openRootFileSync: () => ({ ok: true as const, fd: (fd = fs.openSync(`${dir}/f`, 'r')), path: '', stat: fs.statSync(dir), rootRealPath: dir }) };
    const api = bindFsSafe({ FsSafeError, original });
    expect(api.openRootFileSync(params(dir))).toMatchObject({ ok: false, reason: 'validation', error: { code: 'path-mismatch' } });
    expect(() => fs.fstatSync(fd)).toThrow('EBADF');
  });

  it.each(['f/', 'f/.'])('says that the system follows no link to %s, though the original does', async (target) => {
    const dir = scratch();
    build(dir, ['f: text', `l => ${target}`]);
    const fds: number[] = [];
    const open = () => {
      const fd = fs.openSync(`${dir}/f`, 'r');
      fds.push(fd);
      return { ok: true as const, fd, path: '', stat: fs.statSync(dir), rootRealPath: dir };
    };
    const api = bindFsSafe({ FsSafeError, original: { openRootFileSync: open, openRootFile: async () => open() } });
    const wanted = { ...params(dir, 'l'), symlinks: 'follow-within-root' as const };
    for (const found of [api.openRootFileSync(wanted), await api.openRootFile(wanted)]) expect(found).toMatchObject({ ok: false, reason: 'validation', error: { code: 'ENOTDIR' } });
    for (const fd of fds) expect(() => fs.fstatSync(fd)).toThrow('EBADF');
  });

  it('passes an injected file system to the original, and refuses it without one', () => {
    const dir = scratch();
    build(dir, ['f: text']);
    const answer = { ok: false as const, reason: 'io' as const };
    const ioFs = { ...fs, openSync: () => 0 };
    const api = bindFsSafe({ FsSafeError, original: { openRootFileSync: () => answer } });
    expect(api.openRootFileSync({ ...params(dir), ioFs })).toBe(answer);
    expect(() => plain.openRootFileSync({ ...params(dir), ioFs })).toThrow(FsSafeError);
    const opened = plain.openRootFileSync({ ...params(dir), ioFs: { ...fs } });
    expect(opened.ok).toBe(true);
    if (opened.ok) fs.closeSync(opened.fd);
  });
});

describe('tryReadJson', () => {
  it('returns null at once for a missing file', async () => {
    const file = `${scratch()}/f`;
    expect(await shortest(async () => expect(await plain.tryReadJson(file)).toBeNull())).toBeLessThan(40);
  });
});

describe('tryReadJson without a binary', () => {
  it.each(['await bound.tryReadJson(file)', 'bound.tryReadJsonSync(file)'])('throws instead of returning null, with the remedy in the message and the paths in the cause: %s', (call) => {
    const dir = scratch();
    build(dir, ['f: {"a":1}']);
    const program = `const { bindFsSafe } = require(${JSON.stringify(fileURLToPath(new URL('../../dist/fs-safe/index.js', import.meta.url)))});
      class FsSafeError extends Error { constructor(code, message, options) { super(message, options); this.code = code; } }
      const bound = bindFsSafe({ FsSafeError });
      const file = ${JSON.stringify(`${dir}/f`)};
      (async () => ${call})().then(console.log, ({ code, message, cause }) => console.log(code, /nowhere/.test(message), cause.message.includes('/nowhere.node'), message.includes('HOLDFAST_NATIVE_PATH')));`;
    const env = { ...process.env, HOLDFAST_NATIVE_PATH: '/nowhere.node' };
    expect(spawnSync(process.execPath, ['-e', program], { encoding: 'utf8', env }).stdout).toBe('helper-unavailable false true true\n');
  });
});

describe('sha256File', () => {
  it('refuses a file that grew over the limit after it was opened', async () => {
    const dir = scratch();
    build(dir, ['f: text']);
    const handle = await fs.promises.open(`${dir}/f`);
    const stat = handle.stat.bind(handle);
    handle.stat = (async () => {
      const seen = await stat();
      fs.appendFileSync(`${dir}/f`, ' and more');
      return seen;
    }) as typeof handle.stat;
    const error = (await plain.sha256File(handle, { maxBytes: 5 }).catch((error) => error)) as FsSafeError;
    await handle.close();
    expect(error.code).toBe('too-large');
  });
});
