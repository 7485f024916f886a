// Outcomes of paths that end in a slash or have `..`, of receipts, and the messages that hosts match: those of fs-safe.
import * as fs from 'node:fs';
import { describe, expect, it } from 'vitest';
import { plain } from '../helpers/fs-safe-hosts.js';
import { build, scratch } from '../helpers/scratch.js';

const wrong = (options: object): never => options as never;

async function failed(call: () => unknown): Promise<any> {
  try {
    await call();
  } catch (error) {
    return error;
  }
  return expect.fail('the call succeeds');
}

function tree(): string {
  const dir = scratch();
  build(dir, ['r/a.txt: A', 'r/sub/x: X', 'r/lsub => sub', 'r/dang => nowhere', 'r/esc => /etc', 'out: O']);
  return dir;
}

describe('readLocalFileFromRoots', () => {
  it.each(['a.txt/', 'a.txt/.', 'a.txt/x/..', 'a.txt/../a.txt', 'lsub/../a.txt', 'dang/../a.txt', 'esc/../a.txt', '../r/a.txt'])('does not read %s', async (name) => {
    const dir = tree();
    expect(await plain.readLocalFileFromRoots({ filePath: `${dir}/r/${name}`, roots: [`${dir}/r`] })).toBeNull();
  });

  it.each(['a.txt', 'sub/../a.txt', 'no/../a.txt', './a.txt', 'sub//../a.txt'])('reads %s', async (name) => {
    const dir = tree();
    const found = await plain.readLocalFileFromRoots({ filePath: `${dir}/r/${name}`, roots: [`${dir}/r`] });
    expect(found?.buffer.toString()).toBe('A');
  });

  it('reads through a link that may be followed', async () => {
    const dir = tree();
    const found = await plain.readLocalFileFromRoots({ filePath: `${dir}/r/lsub/../a.txt`, roots: [`${dir}/r`], symlinks: 'follow-within-root' });
    expect(found?.buffer.toString()).toBe('A');
  });
});

describe('a path with .. beneath a root', () => {
  it.each([
    ['lsub/../a.txt', 'symlink', 'symlink path component not allowed'],
    ['dang/../a.txt', 'symlink', 'symlink path component not allowed'],
    ['esc/../a.txt', 'outside-workspace', 'file is outside workspace root'],
    ['a.txt/x/..', 'not-file', 'not a file'],
    ['../r/a.txt', 'outside-workspace', 'file is outside workspace root'],
    ['a.txt/../a.txt', 'not-file', 'not a file'],
  ])('is not read: %s', async (name, code, message) => {
    const root = await plain.root(`${tree()}/r`);
    for (const call of [() => root.read(name), () => root.open(name), () => root.readText(name)]) expect(await failed(call)).toMatchObject({ code, message });
  });

  it.each([
    ['lsub/../b', 'symlink', 'symlink path component not allowed'],
    ['dang/../b', 'symlink', 'symlink path component not allowed'],
    ['esc/../b', 'path-alias', 'path alias escape blocked'],
    ['a.txt/../b', 'path-alias', 'path alias escape blocked'],
    ['../out', 'path-alias', 'path alias escape blocked'],
  ])('is not written where no link may be followed: %s', async (name, code, message) => {
    const dir = tree();
    const root = await plain.root(`${dir}/r`);
    expect(await failed(() => root.write(name, 'n', { mutationSymlinks: 'reject' }))).toMatchObject({ code, message });
    expect([fs.existsSync(`${dir}/r/b`), fs.readFileSync(`${dir}/out`, 'utf8')]).toEqual([false, 'O']);
  });

  it.each([['lsub/../b', 'b'], ['sub/../b', 'b'], ['no/../b', 'b']])('is written where it leads to the same place: %s', async (name, made) => {
    const dir = tree();
    await (await plain.root(`${dir}/r`)).write(name, 'n');
    expect(fs.readFileSync(`${dir}/r/${made}`, 'utf8')).toBe('n');
  });

  const changes: Record<string, (root: Awaited<ReturnType<typeof plain.root>>, file: string, dir: string) => unknown> = {
    write: (root, file) => root.write(file, 'n'),
    'write with a policy': (root, file) => root.write(file, 'n', { mutationSymlinks: 'follow-parents-within-root' }),
    create: (root, file) => root.create(file, 'n'),
    append: (root, file) => root.append(file, 'n'),
    openWritable: async (root, file) => {
      const { handle } = await root.openWritable(file);
      await handle.writeFile('n');
      await handle.close();
    },
    copyIn: (root, file, dir) => root.copyIn(file, `${dir}/new`),
  };

  it.each(Object.keys(changes))('is changed by %s behind a link that no .. leaves', async (name) => {
    for (const [file, made] of [['lsub/in/../b', 'sub/b'], ['lsub/none/../b', 'sub/b'], ['lsub/lin/../b', 'sub/b'], ['lsub/../lsub/b', 'sub/b'], ['absolute/in/../b', 'sub/b'], ['absolute/lin/../c/b', 'sub/c/b']]) {
      const dir = tree();
      build(dir, ['new: n', 'r/sub/in/', 'r/sub/lin => in', 'r/absolute => $DIR/r/sub']);
      await changes[name]?.(await plain.root(`${dir}/r`), file as string, dir);
      expect(fs.readFileSync(`${dir}/r/${made}`, 'utf8')).toBe('n');
    }
  });

  it.each(Object.keys(changes))('is not changed by %s behind a link to a file', async (name) => {
    for (const file of ['la.txt/../b', 'la.txt/../sub/x', 'absolute/../sub/x', 'lsub/lx/../x', 'lla/../b']) {
      const dir = tree();
      build(dir, ['new: n', 'r/la.txt => a.txt', 'r/absolute => $DIR/r/a.txt', 'r/lla => la.txt', 'r/sub/lx => x']);
      const root = await plain.root(`${dir}/r`);
      expect(await failed(() => changes[name]?.(root, file, dir))).toMatchObject({ code: 'path-alias' });
      expect([fs.existsSync(`${dir}/r/b`), fs.readFileSync(`${dir}/r/sub/x`, 'utf8')]).toEqual([false, 'X']);
    }
  });

  it.each(['la.txt/', 'absolute/.', 'lsub/lx/'])('is refused as a link where the caller has chosen a policy: %s', async (file) => {
    const dir = tree();
    build(dir, ['r/la.txt => a.txt', 'r/absolute => $DIR/r/a.txt', 'r/sub/lx => x']);
    const root = await plain.root(`${dir}/r`);
    const FOLLOW = { mutationSymlinks: 'follow-parents-within-root' } as const;
    for (const call of [() => root.write(file, 'n', FOLLOW), () => root.append(file, 'n', FOLLOW), () => root.openWritable(file, FOLLOW)]) {
      expect(await failed(call)).toMatchObject({ code: 'symlink', message: 'symlink path component not allowed' });
    }
    for (const call of [() => root.write(file, 'n'), () => root.append(file, 'n'), () => root.openWritable(file)]) expect(await failed(call)).toMatchObject({ code: 'path-alias' });
  });

  it('is resolved as the file system does', async () => {
    const dir = tree();
    build(dir, ['r/sub/in/', 'r/deep => sub/in', 'r/la.txt => a.txt']);
    const root = await plain.root(`${dir}/r`);
    const expected = { 'lsub/in/..': 'sub', 'lsub/in/../x': 'sub/x', 'deep/..': 'sub', 'deep/../in': 'sub/in', 'no/../deep': 'deep' };
    for (const [name, real] of Object.entries(expected)) expect(await root.resolve(name)).toBe(`${dir}/r/${real}`);
    for (const name of ['lsub/..', 'no/..', 'sub/in/../..']) expect(await root.resolve(name)).toBe(`${dir}/r`);
    for (const name of ['la.txt/..', 'la.txt/../b', 'a.txt/..', 'lsub/../../out', 'esc/..', 'esc/../r', 'dang/..', 'dang/../b']) {
      expect(await failed(() => root.resolve(name))).toMatchObject({ code: 'outside-workspace' });
    }
  });

  it.each(['.', './.', 'n/..', 'sub/../', 'lsub/..'])('names no file by %s, the root itself', async (name) => {
    const root = await plain.root(`${tree()}/r`);
    const expected = { code: 'outside-workspace', message: 'directory is outside workspace root' };
    expect(await failed(() => root.append(name, 'n'))).toMatchObject(expected);
    expect(await failed(() => root.openWritable(name))).toMatchObject(expected);
    expect(await failed(() => root.write(name, 'n'))).toMatchObject({ code: 'invalid-path', message: 'invalid target path' });
  });

  it('is not written where a link leads to another place', async () => {
    const dir = tree();
    build(dir, ['r/deep => sub/in', 'r/sub/in/']);
    const root = await plain.root(`${dir}/r`);
    for (const name of ['deep/../b', 'esc/../b', 'dang/../b', 'a.txt/../b']) expect(await failed(() => root.write(name, 'n'))).toMatchObject({ code: 'path-alias' });
    expect(await failed(() => root.write('../out', 'n'))).toMatchObject({ code: 'outside-workspace' });
  });
});

describe('a root', () => {
  const long = 'x'.repeat(256);

  it('reports a name that is too long', async () => {
    const dir = tree();
    const root = await plain.root(`${dir}/r`);
    const expected = { code: 'invalid-path', message: 'relative path is too long', cause: { code: 'ENAMETOOLONG' } };
    for (const call of [() => root.read(long), () => root.open(long), () => plain.readFileWithinRoot({ rootDir: `${dir}/r`, relativePath: long })]) {
      expect(await failed(call)).toMatchObject(expected);
    }
    expect(await failed(() => root.stat(long))).toMatchObject({ code: 'path-alias' });
  });

  it('names absolute paths in causes of stat and exists', async () => {
    const dir = tree();
    const root = await plain.root(`${dir}/r`);
    expect((await failed(() => root.stat('a.txt/x'))).cause).toMatchObject({ code: 'ENOTDIR', path: `${dir}/r/a.txt/x` });
    expect((await failed(() => root.exists(long))).cause).toMatchObject({ code: 'ENAMETOOLONG', path: `${dir}/r/${long}` });
  });

  it('reports a home directory outside of it as an escape', async () => {
    const root = await plain.root(`${tree()}/r`);
    for (const call of [() => root.exists('~/x'), () => root.stat('~/x'), () => root.mkdir('~/x')]) {
      const error = await failed(call);
      expect(error).toMatchObject({ code: 'path-alias', message: 'path alias escape blocked' });
      expect(error.cause.message).toMatch(/^Path escapes root \(.*\): ~\/x$/);
    }
  });
});

describe('syncDirectory', () => {
  const twins = [plain.syncDirectory, plain.syncDirectorySync] as ((directory: never, options?: { label: string }) => unknown)[];

  it('compares the real path of a receipt', async () => {
    const dir = tree();
    const receipt = { path: `${dir}/r`, realPath: `${dir}/r`, identity: fs.statSync(`${dir}/r`) };
    for (const sync of twins) {
      expect(await sync(wrong(receipt))).toEqual({ status: 'synced' });
      for (const realPath of [`${dir}/elsewhere`, dir]) {
        expect(await failed(() => sync(wrong({ ...receipt, realPath }), { label: 'LAB' }))).toMatchObject({ code: 'path-mismatch', message: `LAB changed during durable directory operation: ${dir}/r` });
      }
      for (const incomplete of [{ path: dir }, { ...receipt, realPath: undefined }, null]) {
        expect(await failed(() => sync(wrong(incomplete as object)))).toMatchObject({ code: 'path-mismatch', message: 'directory receipt is incomplete' });
      }
      expect(await failed(() => sync(wrong({ ...receipt, identity: { dev: 1.5, ino: 1 } })))).toMatchObject({ code: 'path-mismatch', message: 'directory receipt identity could not be verified' });
      expect(await failed(() => sync(wrong({ ...receipt, identity: { dev: 1, ino: 1 } })))).toMatchObject({ code: 'path-mismatch', message: 'file identity changed or could not be verified' });
    }
  });

  it('refuses a file, with a slash behind it too, and a link', async () => {
    const dir = tree();
    for (const sync of twins) {
      for (const name of ['r/a.txt', 'r/a.txt/', 'r/lsub']) expect(await failed(() => sync(`${dir}/${name}` as never))).toMatchObject({ code: 'not-file', message: 'directory component must be a directory' });
      expect(await sync(`${dir}/r/sub/` as never)).toEqual({ status: 'synced' });
    }
  });
});

describe('single files', () => {
  it('have the messages of the library', async () => {
    const dir = tree();
    build(dir, ['h: H', 'h2 == h', 'l => h', 'ld => r']);
    const CALLS: [() => unknown, object][] = [
      [() => plain.sha256File(`${dir}/l`), { code: 'symlink', message: 'SHA-256 path must not be a symbolic link' }],
      [() => plain.sha256FileSync(dir), { code: 'not-file', message: 'SHA-256 path is not a regular file' }],
      [() => plain.sha256File(`${dir}/h`, { maxBytes: 0 }), { code: 'too-large', message: 'SHA-256 input exceeds 0 bytes' }],
      [() => plain.readFileWindowFullySync(0, Buffer.alloc(1), -1), { name: 'RangeError', message: 'read position and window end must be non-negative safe integers' }],
      [() => plain.writeJson(`${dir}/j`, undefined), { name: 'TypeError', message: 'value is not representable as a JSON document' }],
      [() => plain.readRegularFile({ filePath: `${dir}/r/sub/x`, maxBytes: 0 }), { code: 'too-large', message: `File exceeds 0 bytes: ${dir}/r/sub/x` }],
      [() => plain.readRegularFile(wrong({ filePath: `${dir}/h`, maxBytes: '5' })), { name: 'RangeError' }],
      [() => plain.readRegularFileSync(wrong({ filePath: `${dir}/h`, maxBytes: null })), { name: 'RangeError' }],
      [() => plain.replaceFileAtomic({ filePath: `${dir}/ld/f`, content: '' }), { code: 'not-file', message: `Atomic replace parent must be a real directory: ${dir}/ld` }],
      [() => plain.replaceFileAtomicSync({ filePath: `${dir}/h`, content: '', tempPrefix: 'a/b' }), { code: 'invalid-path', message: 'atomic replace temp prefix must be a safe path segment' }],
      [() => plain.replaceFileAtomicSync({ filePath: `${dir}/h`, content: '', tempPrefix: 'con.x' }), { code: 'invalid-path' }],
      [() => plain.replaceFileAtomic({ filePath: `${dir}/l`, content: '', preserveExistingMode: true }), { code: 'symlink', message: 'atomic replace destination must not be a symbolic link' }],
      [() => plain.replaceFileAtomic({ filePath: `${dir}/h`, content: '', destinationHardlinks: 'reject' }), { code: 'hardlink', message: `Hardlinked atomic replace destination not allowed: ${dir}/h` }],
    ];
    for (const [call, expected] of CALLS) expect(await failed(call)).toMatchObject(expected);
    expect(plain.safeRealpathSync(`${dir}/l/`)).toBe(`${dir}/h`);
    expect([plain.safeRealpathSync(`${dir}/no/`), plain.safeRealpathSync(`${dir}/h/x`)]).toEqual([null, null]);
  });

  it.each([
    ['gone', (file: string): void => fs.unlinkSync(file), 'path-mismatch', 'Atomic replace owned file disappeared: '],
    ['linked', (file: string): void => fs.linkSync(file, `${file}2`), 'hardlink', 'Atomic replace owned file must retain one link: '],
    ['a link', (file: string): void => { fs.unlinkSync(file); fs.symlinkSync('h', file); }, 'symlink', 'Atomic replace owned file became a symlink: '],
    ['a directory', (file: string): void => { fs.unlinkSync(file); fs.mkdirSync(file); }, 'not-file', 'Atomic replace owned file must remain regular: '],
  ] as const)('a staged file that is %s is reported as in the library', async (_, change, code, begins) => {
    const promises = { ...fs.promises, rename: (from: fs.PathLike, to: fs.PathLike) => fs.promises.rename(from, to) };
    for (const more of [{}, { fileSystem: { promises } }]) {
      const dir = scratch();
      let temporary = '';
      const beforeRename = async ({ tempPath }: { tempPath: string }): Promise<void> => {
        temporary = tempPath;
        change(tempPath);
      };
      const error: any = await failed((): unknown => plain.replaceFileAtomic({ filePath: `${dir}/f`, content: 'x', beforeRename, ...more }));
      expect(error).toMatchObject({ code, message: `${begins}${temporary}` });
    }
    const error = await failed(() => plain.replaceFileAtomicSync({ filePath: `${scratch()}/f`, content: 'x', beforeRename: ({ tempPath }) => change(tempPath) }));
    expect(error.code).toBe(code);
    expect(error.message.startsWith(begins)).toBe(true);
  });
});

describe('openRootFile', () => {
  async function both(params: object): Promise<any> {
    const [later, now] = [await plain.openRootFile(wrong(params)), plain.openRootFileSync(wrong(params))];
    const told = (result: any) => [result.ok, result.reason, result.error?.name, result.error?.code, result.error?.message];
    expect(told(now)).toEqual(told(later));
    return told(later).slice(1);
  }

  it('reports why a file is not opened, as the library does', async () => {
    const dir = tree();
    build(dir, ['r/h: H', 'r/h2 == r/h', 'r/up => ../out']);
    const of = (name: string, more: object = {}) => both({ absolutePath: `${dir}/${name}`, rootPath: `${dir}/r`, boundaryLabel: 'LAB', ...more });
    expect(await of('r/lsub/x')).toEqual(['validation', 'FsSafeError', 'symlink', 'symlink path component not allowed']);
    expect(await of('r/dang', { symlinks: 'follow-parents-within-root' })).toEqual(['validation', 'FsSafeError', 'symlink', 'symlink path component not allowed']);
    expect((await of('r/dang', { symlinks: 'follow-within-root' })).slice(0, 3)).toEqual(['path', 'Error', 'ENOENT']);
    expect(await of('r/sub')).toEqual(['validation', 'FsSafeError', 'not-file', 'path does not have the required file type']);
    expect(await of('r/h')).toEqual(['validation', 'FsSafeError', 'hardlink', 'path must not be hardlinked']);
    expect(await of('r/a.txt', { maxBytes: 0 })).toEqual(['validation', 'FsSafeError', 'too-large', 'file exceeds byte limit']);
    expect(await of('out')).toEqual(['validation', 'Error', undefined, `Path escapes LAB (${dir}/r): ${dir}/out`]);
    expect(await of('r/up', { symlinks: 'follow-within-root' })).toEqual(['validation', 'Error', undefined, `Symlink escapes LAB (${dir}/r): ${dir}/r/up`]);
    expect(await of('r/a.txt', { rootPath: `${dir}/zz` })).toEqual(['validation', 'Error', undefined, `Path escapes LAB (${dir}/zz): ${dir}/r/a.txt`]);
    expect((await of('r/a.txt/x', { rootPath: `${dir}/r/a.txt` })).slice(0, 3)).toEqual(['validation', 'FsSafeError', 'path-mismatch']);
    expect((await of('r/nope')).slice(0, 3)).toEqual(['path', 'Error', 'ENOENT']);
  });

  it('names the argument that is wrong, or why only the original can make the call', async () => {
    const given = { absolutePath: '/srv/f', rootPath: '/srv', boundaryLabel: 'l' };
    const message = async (more: object) => (await failed(() => plain.openRootFileSync(wrong({ ...given, ...more })))).message;
    expect(await message({ absolutePath: 5 })).toContain('"params.absolutePath" property must be of type string');
    expect(await message({ rootPath: undefined })).toContain('"params.rootPath" property must be of type string');
    expect(await message({ maxBytes: '5' })).toContain('maxBytes');
    expect(await message({ ioFs: {} })).toContain('params.ioFs is for the original alone');
    expect(await message({ aliasPolicy: {} })).toContain('params.aliasPolicy is for the original alone');
    expect(await message({ absolutePath: 'f' })).toContain('params.absolutePath is relative');
    expect(await message({ absolutePath: '/srv/../f' })).toContain("'..'");
    expect(await message({ absolutePath: '/srv/\0' })).toContain('NUL');
  });
});
