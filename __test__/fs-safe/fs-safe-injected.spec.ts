// replaceFileAtomic with an injected file system, and its errors for an exchanged file.
import * as fs from 'node:fs';
import * as path from 'node:path';
import { describe, expect, it } from 'vitest';
import { bindFsSafe } from '../../fs-safe.mjs';
import { FsSafeError, plain, thrown } from '../helpers/fs-safe-hosts.js';
import { injectedAsync, injectedSync } from '../helpers/fs-safe-injected.js';
import { build, modeOf, scratch, strays } from '../helpers/scratch.js';

const TWINS = ['replaceFileAtomic', 'replaceFileAtomicSync'] as const;
type Twin = (typeof TWINS)[number];

/** Calls either twin. An exception becomes a rejection. */
async function replace(twin: Twin, options: object, api = plain) {
  return api[twin]({ content: 'new', ...options } as never);
}

const injected = (twin: Twin, dir: string, changes: { sync?: object; async?: object } = {}) =>
  twin === 'replaceFileAtomic' ? injectedAsync(dir, changes.async as never) : injectedSync(dir, changes.sync as never);

const failing = (code: string, errno: number, syscall: string) => () => {
  throw Object.assign(new Error(`${code}: refused, ${syscall}`), { code, errno, syscall });
};

describe.each(TWINS)('%s with a file system of the host', (twin) => {
  it('publishes through the functions of the host', async () => {
    const dir = scratch();
    const { fileSystem, calls } = injected(twin, dir);
    expect(await replace(twin, { filePath: `${dir}/f`, mode: 0o640, fileSystem })).toEqual({ method: 'rename' });
    expect([fs.readFileSync(`${dir}/f`, 'utf8'), modeOf(`${dir}/f`), strays(dir)]).toEqual(['new', 0o640, []]);
    expect(calls.filter((call) => call.startsWith('rename'))).toHaveLength(1);
  });

  it('treats functions of node:fs as not injected, and calls its own', async () => {
    const dir = scratch();
    const fileSystem = { ...fs, promises: { ...fs.promises } };
    // A function that no replacement calls.
    Object.assign(fileSystem, { accessSync: failing('EPERM', -1, 'access') });
    expect(await replace(twin, { filePath: `${dir}/f`, fileSystem })).toEqual({ method: 'rename' });
    expect(fs.readFileSync(`${dir}/f`, 'utf8')).toBe('new');
  });

  it.each(['EPERM', 'EACCES', 'EROFS', 'ENOSYS', 'ENOTSUP'])('tolerates a chmod of the parent that fails with %s', async (code) => {
    const dir = scratch();
    fs.chmodSync(dir, 0o755);
    const chmod = (inner: (...args: any[]) => any, ...args: any[]) => {
      const mode = args.at(-1) as number;
      return mode === 0o700 ? failing(code, -1, 'fchmod')() : inner(...args);
    };
    const { fileSystem } = injected(twin, dir, { sync: { fchmodSync: chmod }, async: { 'handle.chmod': chmod } });
    await replace(twin, { filePath: `${dir}/f`, fileSystem });
    expect([fs.readFileSync(`${dir}/f`, 'utf8'), modeOf(dir), modeOf(`${dir}/f`)]).toEqual(['new', 0o755, 0o600]);
  });

  it('throws any other failure of a chmod of the parent, and writes nothing', async () => {
    const dir = scratch();
    fs.chmodSync(dir, 0o755);
    const { fileSystem } = injected(twin, dir, { sync: { fchmodSync: failing('EIO', -5, 'fchmod') }, async: { 'handle.chmod': failing('EIO', -5, 'fchmod') } });
    await expect(replace(twin, { filePath: `${dir}/f`, fileSystem })).rejects.toMatchObject({ code: 'EIO' });
    expect(fs.readdirSync(dir)).toEqual([]);
  });

  it('publishes no file whose mode the system would not narrow', async () => {
    const dir = scratch();
    const open = (inner: (...args: any[]) => any, file: string, flags: any) => inner(file, flags, 0o644);
    const chmod = failing('EPERM', -1, 'fchmod');
    const { fileSystem } = injected(twin, dir, { sync: { openSync: open, fchmodSync: chmod }, async: { open, 'handle.chmod': chmod } });
    await expect(replace(twin, { filePath: `${dir}/f`, mode: 0o600, fileSystem })).rejects.toMatchObject({ code: 'EPERM' });
    expect(fs.readdirSync(dir)).toEqual([]);
  });

  it('throws path-mismatch when the rename of the host published another file', async () => {
    const dir = scratch();
    const rename = (_inner: unknown, from: string, to: string) => {
      fs.unlinkSync(from);
      fs.writeFileSync(to, 'other');
    };
    const { fileSystem } = injected(twin, dir, { sync: { renameSync: rename }, async: { rename } });
    const states: unknown[] = [];
    const error = await replace(twin, { filePath: `${dir}/f`, fileSystem, onDestinationState: (state: unknown) => void states.push(state) }).catch((error) => error);
    expect(error).toBeInstanceOf(FsSafeError);
    expect([error.code, states]).toEqual(['path-mismatch', []]);
  });

  it('throws what a guard of the host throws, as it is, and removes the temporary', async () => {
    const dir = scratch();
    build(dir, ['f: old']);
    const guard = () => {
      throw thrown;
    };
    const { fileSystem } = injected(twin, dir, { sync: { renameSync: guard }, async: { rename: guard } });
    await expect(replace(twin, { filePath: `${dir}/f`, fileSystem })).rejects.toBe(thrown);
    expect([fs.readdirSync(dir), fs.readFileSync(`${dir}/f`, 'utf8')]).toEqual([['f'], 'old']);
  });

  it('leaves a sticky directory that others may write unchanged, without a chmod by the host', async () => {
    const dir = scratch();
    fs.chmodSync(dir, 0o1777);
    const { fileSystem, calls } = injected(twin, dir);
    await replace(twin, { filePath: `${dir}/f`, fileSystem });
    expect([modeOf(dir), calls.filter((call) => /chmod.*700/.test(call))]).toEqual([0o1777, []]);
  });

  it.each([0o1755, 0o2755])('sets sticky and setgid of dirMode: %o', async (dirMode) => {
    const dir = scratch();
    const { fileSystem } = injected(twin, dir);
    await replace(twin, { filePath: `${dir}/made/f`, fileSystem, dirMode });
    fs.mkdirSync(`${dir}/old`);
    fs.chmodSync(`${dir}/old`, 0o777);
    await replace(twin, { filePath: `${dir}/old/f`, fileSystem, dirMode });
    expect([modeOf(`${dir}/made`), modeOf(`${dir}/old`)]).toEqual([dirMode, dirMode]);
  });

  it('passes a refused rename to the original once, without calling beforeRename again', async () => {
    const dir = scratch();
    let asked = 0;
    const given: any[] = [];
    const original = { [twin]: (options: any) => (given.push(options), { method: 'copy-fallback' }) };
    const refused = failing('EPERM', -1, 'rename');
    const { fileSystem } = injected(twin, dir, { sync: { renameSync: refused }, async: { rename: refused } });
    const options = { filePath: `${dir}/f`, fileSystem, copyFallbackOnPermissionError: true, beforeRename: () => void (asked += 1) };
    expect(await replace(twin, options, bindFsSafe({ FsSafeError, original }) as never)).toEqual({ method: 'copy-fallback' });
    expect([asked, given.length, given[0].beforeRename, fs.readdirSync(dir)]).toEqual([1, 1, undefined, []]);
    await expect(replace(twin, options)).rejects.toMatchObject({ code: 'EPERM' });
  });

  it('reports a published file whose directory could not be synced', async () => {
    const dir = scratch();
    const opened = new Map<unknown, string>();
    const fsync = (inner: (...args: any[]) => any, ...args: any[]) => (twin === 'replaceFileAtomic' || opened.get(args[0]) === dir ? failing('EIO', -5, 'fsync')() : inner(...args));
    const open = (inner: (...args: any[]) => any, ...args: any[]) => {
      const fd = inner(...args);
      opened.set(fd, args[0]);
      return fd;
    };
    const { fileSystem } = injected(twin, dir, { sync: { openSync: open, fsyncSync: fsync }, async: { 'handle.sync': fsync } });
    const error = await replace(twin, { filePath: `${dir}/f`, fileSystem, syncParentDir: true }).catch((error) => error);
    expect([error.code, error.details, error.cause.code]).toEqual(['helper-failed', { published: true }, 'EIO']);
    expect(fs.readFileSync(`${dir}/f`, 'utf8')).toBe('new');
  });

  it('calls assertBeforeMutation before the parent, the temporary, its content and the rename', async () => {
    const dir = scratch();
    fs.chmodSync(dir, 0o755);
    const { fileSystem, calls } = injected(twin, dir);
    await replace(twin, { filePath: `${dir}/f`, fileSystem, assertBeforeMutation: () => void calls.push('asked') });
    const after = calls.flatMap((call, i) => (call === 'asked' ? [calls[i + 1]!.replace(/Sync|\(.*/g, '').replace(/.*\.|^f(?=chmod)/, '')] : []));
    expect(after).toEqual(['mkdir', 'chmod', 'open', 'writeFile', 'rename']);
  });
});

describe('replaceFileAtomicSync with a guard that leaves modes of directories alone', () => {
  it('leaves the mode of the parent to the guard', () => {
    const dir = scratch();
    fs.chmodSync(dir, 0o755);
    const kept = (inner: (...args: any[]) => any, fd: number, mode: number) => (fs.fstatSync(fd).isDirectory() ? undefined : inner(fd, mode));
    const { fileSystem } = injectedSync(dir, { fchmodSync: kept });
    plain.replaceFileAtomicSync({ filePath: `${dir}/f`, content: 'new', fileSystem });
    expect([modeOf(dir), modeOf(`${dir}/f`)]).toEqual([0o755, 0o600]);
  });

  it('is refused without fchmodSync when a mode is given', () => {
    const dir = scratch();
    const fileSystem = { ...injectedSync(dir).fileSystem, fchmodSync: undefined };
    expect(() => plain.replaceFileAtomicSync({ filePath: `${dir}/f`, content: 'new', mode: 0o600, fileSystem })).toThrow(TypeError);
    expect(plain.replaceFileAtomicSync({ filePath: `${dir}/f`, content: 'new', fileSystem })).toEqual({ method: 'rename' });
  });
});

describe('replaceFileAtomic with a file system in memory', () => {
  it('writes nothing to the disk', async () => {
    const dir = scratch();
    const files = new Map<string, string>();
    const stat = (name: string) => ({ dev: 1n, ino: BigInt(name.length), nlink: 1n, mode: 0o40755n, isSymbolicLink: () => false, isDirectory: () => name === dir, isFile: () => name !== dir });
    let moved = '';
    const modes: number[] = [];
    const promises = {
      mkdir: async () => undefined,
      lstat: async (name: string) => stat(name === `${dir}/f` ? moved : name),
      open: async (name: string) => ({ fd: 0, name, stat: async () => stat(name), chmod: async (mode: number) => void modes.push(mode), sync: async () => {}, close: async () => {} }),
      writeFile: async ({ name }: { name: string }, content: string) => void files.set(name, content),
      rename: async (from: string, to: string) => {
        moved = from;
        files.set(to, files.get(from)!);
        files.delete(from);
      },
      unlink: async (name: string) => void files.delete(name),
    };
    await plain.replaceFileAtomic({ filePath: `${dir}/f`, content: 'new', fileSystem: { promises } as never });
    expect([[...files], modes, fs.readdirSync(dir)]).toEqual([[[`${dir}/f`, 'new']], [0o700, 0o600], []]);
  });
});

describe('replaceFileAtomic', () => {
  it('throws path-mismatch when another file than the staged one was published', async () => {
    const dir = scratch();
    let tempPath = '';
    const states: unknown[] = [];
    const error = await plain
      .replaceFileAtomic({
        filePath: `${dir}/f`,
        content: 'new',
        beforeRename: async (params) => void ({ tempPath } = params),
        assertBeforeMutation: () => {
          if (tempPath !== '') {
            fs.writeFileSync(`${dir}/other`, 'other');
            fs.renameSync(`${dir}/other`, tempPath);
          }
        },
        onDestinationState: (state) => void states.push(state),
      })
      .catch((error) => error);
    expect(error).toBeInstanceOf(FsSafeError);
    expect([error.code, states]).toEqual(['path-mismatch', []]);
  });
});
