// Symlinks beneath a holdfast/fs-safe root that lead out of it: no call tells whether there is something.
import * as fs from 'node:fs';
import { describe, expect, it } from 'vitest';
import { FsSafeError, plain } from '../helpers/fs-safe-hosts.js';
import { build, scratch } from '../helpers/scratch.js';

type Root = Awaited<ReturnType<typeof plain.root>>;

/** Links whose names end in 1 lead to something outside of the root, those in 0 to nothing. */
function made(): string {
  const dir = scratch();
  build(dir, ['r/f: ours', 'r/d/f: ours too', 'o/there: theirs', 'o/dir/']);
  const links: Record<string, string> = {
    lo: `${dir}/o`,
    'd/lo': '../../o',
    a1: `${dir}/o/there`,
    a0: `${dir}/o/none`,
    c1: 'lo/there',
    c0: 'lo/none',
    d1: `${dir}/o/dir`,
    d0: `${dir}/o/none`,
    e1: '../o/dir/../../r/f',
    e0: '../o/none/../../r/f',
    ld: 'd',
    la: `${dir}/r/d`,
    lf: 'f',
    dangling: 'nothing',
    loop: 'loop',
  };
  for (const [name, target] of Object.entries(links)) fs.symlinkSync(target, `${dir}/r/${name}`);
  return dir;
}

describe('resolve of a root', () => {
  it.each(['lo/', 'lo/.', 'lo//', './lo/.', 'd/lo/.', 'c1/', 'c0/', 'd0/'])('refuses %s, which leads out', async (name) => {
    const dir = made();
    const root = await plain.root(`${dir}/r`);
    const error = await root.resolve(name).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(FsSafeError);
    expect(error).toMatchObject({ code: 'outside-workspace', cause: { message: expect.stringContaining('Symlink escapes root') } });
  });

  it.each(['ld/', 'ld/.', 'la/', 'd/../ld/'])('follows %s', async (name) => {
    const dir = made();
    expect(await (await plain.root(`${dir}/r`)).resolve(name)).toBe(`${dir}/r/d`);
  });

  it('refuses a link to itself, to nothing and to a file before a slash', async () => {
    const root = await plain.root(`${made()}/r`);
    await expect(root.resolve('loop/')).rejects.toMatchObject({ code: 'symlink', cause: { code: 'ELOOP' } });
    await expect(root.resolve('dangling/')).rejects.toMatchObject({ code: 'outside-workspace', cause: { code: 'ENOENT' } });
    await expect(root.resolve('lf/')).rejects.toMatchObject({ code: 'outside-workspace' });
  });

  it('refuses a name that is too long, and looks at no name that it only passes on', async () => {
    const dir = made();
    const root = await plain.root(`${dir}/r`);
    for (const name of ['n'.repeat(256), `d/${'n'.repeat(256)}`, `${'n'.repeat(256)}/x`]) await expect(root.resolve(name)).rejects.toMatchObject({ code: 'invalid-path', cause: { code: 'ENAMETOOLONG' } });
    expect(await root.resolve('none/at/all')).toBe(`${dir}/r/none/at/all`);
  });

  it('keeps a link that is no directory of the path', async () => {
    const dir = made();
    const root = await plain.root(`${dir}/r`);
    for (const name of ['ld', 'lo', 'lf']) expect(await root.resolve(name)).toBe(`${dir}/r/${name}`);
  });
});

/** What a call becomes, with the error that is its cause and without the names that differ. */
async function outcome(call: (root: Root, dir: string) => unknown): Promise<string> {
  const dir = made();
  try {
    return `ok ${JSON.stringify(await call(await plain.root(`${dir}/r`), dir))}`;
  } catch (error) {
    const { name, code, message, cause } = error as Error & { code: string; cause?: Error };
    return `${name} ${code} ${message} < ${cause?.message}`.split(dir).join('~').replace(/\b([acde])[01]\b/g, '$1');
  }
}

const REJECT = { mutationSymlinks: 'reject' } as const;
const FOLLOW = { symlinks: 'follow-within-root' } as const;

const CALLS: Record<string, (root: Root, file: string, dir: string) => unknown> = {
  read: (root, file) => root.readText(file),
  'read that follows': (root, file) => root.readText(file, FOLLOW),
  readAbsolute: async (root, file, dir) => (await root.readAbsolute(`${dir}/r/${file}`)).buffer.length,
  'copyIn from': (root, file) => root.copyIn('copy', { root, relativePath: file }),
  stat: async (root, file) => (await root.stat(file)).isFile,
  exists: (root, file) => root.exists(file),
  list: (root, file) => root.list(file),
  write: (root, file) => root.write(file, 'x'),
  'write that rejects links': (root, file) => root.write(file, 'x', REJECT),
  create: (root, file) => root.create(file, 'x'),
  'create that rejects links': (root, file) => root.create(file, 'x', REJECT),
  append: (root, file) => root.append(file, 'x'),
  'append that rejects links': (root, file) => root.append(file, 'x', REJECT),
  openWritable: async (root, file) => (await root.openWritable(file)).handle.close(),
  mkdir: (root, file) => root.mkdir(file),
  copyIn: (root, file, dir) => root.copyIn(file, `${dir}/o/there`),
  'move to': (root, file) => root.move('f', file),
  'move from': (root, file) => root.move(file, 'moved'),
  remove: (root, file) => root.remove(`${file}/x`),
  resolve: (root, file) => root.resolve(`${file}/`),
};

const PAIRS = [['a1', 'a0'], ['c1', 'c0'], ['d1', 'd0'], ['e1', 'e0'], ['d1/../../r/f', 'd0/../../r/f'], ['d1/../f', 'd0/../f'], ['lo/there', 'lo/none']]; // prettier-ignore

describe.each(Object.keys(CALLS))('%s', (name) => {
  it.each(PAIRS)('says the same of %s and %s', async (existing, missing) => {
    const [one, other] = [existing, missing].map((file) => outcome((root, dir) => CALLS[name]?.(root, file as string, dir)));
    expect((await other)?.replaceAll('none', 'there')).toBe((await one)?.replaceAll('none', 'there'));
  });
});

describe('openRootFile', () => {
  const LABEL = { boundaryLabel: 'root' };
  const outside = [['o/there', 'o/none'], ['o/dir', 'o/none']].map((pair) => [{ skipLexicalRootCheck: true } as object, ...pair] as const);
  const linked = [{ symlinks: 'follow-within-root' }, { symlinks: 'follow-parents-within-root' }, { rejectSymlinks: false }, {}, { ...FOLLOW, skipLexicalRootCheck: true }]
    .flatMap((options) => [['r/lo/there', 'r/lo/none'], ['r/a1', 'r/a0'], ['r/c1', 'r/c0']].map((pair) => [options as object, ...pair] as const)); // prettier-ignore

  it.each([...outside, ...linked])('with %j says the same of %s and %s', async (options, existing, missing) => {
    const dir = made();
    const told = [existing, missing].map(async (file) => {
      const params = { absolutePath: `${dir}/${file}`, rootPath: `${dir}/r`, ...LABEL, ...(options as object) } as never;
      const results = [await plain.openRootFile(params), plain.openRootFileSync(params)].map((result) => {
        expect(result).toMatchObject({ ok: false, reason: 'validation' });
        return String((result as { error?: unknown }).error).replace(/\b(none|dir)$/, 'there').replace(/\b([ac])[01]$/, '$1');
      });
      expect(results[1]).toBe(results[0]);
      return results[0];
    });
    expect(await told[1]).toBe(await told[0]);
  });

  it('still opens a path that leads into the root', async () => {
    const dir = made();
    fs.symlinkSync(`${dir}/r`, `${dir}/other`);
    const opened = await plain.openRootFile({ absolutePath: `${dir}/other/f`, rootPath: `${dir}/r`, skipLexicalRootCheck: true, ...FOLLOW, ...LABEL } as never);
    expect(opened).toMatchObject({ ok: true, path: `${dir}/r/f` });
    if (opened.ok) fs.closeSync(opened.fd);
  });
});

it('follows a link through another path of the root', async () => {
  const dir = made();
  fs.symlinkSync(`${dir}/r`, `${dir}/other`);
  fs.symlinkSync(`${dir}/other/d/f`, `${dir}/r/through`);
  const root = await plain.root(`${dir}/r`);
  expect(await root.readText('through', FOLLOW)).toBe('ours too');
});

describe('a change of a link to itself', () => {
  const changes: Record<string, (root: Root, dir: string) => unknown> = {
    append: (root) => root.append('loop', 'x'),
    openWritable: (root) => root.openWritable('loop'),
    write: (root) => root.write('loop', 'x'),
    create: (root) => root.create('loop', 'x'),
    mkdir: (root) => root.mkdir('loop'),
    copyIn: (root, dir) => root.copyIn('loop', `${dir}/o/there`),
  };
  it.each(Object.keys(changes))('by %s is symlink', async (name) => {
    const dir = made();
    const root = await plain.root(`${dir}/r`);
    const expected = { code: 'symlink', message: 'symlink path could not be resolved', cause: { code: 'ELOOP' } };
    await expect((async () => changes[name]?.(root, dir))()).rejects.toMatchObject(expected);
  });
});

it.each(['loop/x', 'dangling/x', 'ld/f'])('remove and move with mutationSymlinks reject refuse the link in %s', async (name) => {
  const root = await plain.root(`${made()}/r`);
  const expected = { code: 'symlink', message: 'symlink path component not allowed' };
  await expect(root.remove(name, REJECT)).rejects.toMatchObject(expected);
  await expect(root.move('f', name, REJECT)).rejects.toMatchObject(expected);
  await expect(root.move(name, 'moved', REJECT)).rejects.toMatchObject(expected);
});

it.each(['append', 'openWritable'] as const)('%s of a link with an absolute target to nothing beneath the root is symlink', async (name) => {
  const dir = made();
  fs.symlinkSync(`${dir}/r/nothing`, `${dir}/r/absolute`);
  const root = await plain.root(`${dir}/r`);
  await expect(name === 'append' ? root.append('absolute', 'x') : root.openWritable('absolute')).rejects.toMatchObject({ code: 'symlink', cause: { code: 'ELOOP' } });
  expect(fs.existsSync(`${dir}/r/nothing`)).toBe(false);
});

it('a read that follows links takes a .. behind a missing name by the text', async () => {
  const root = await plain.root(`${made()}/r`);
  for (const name of ['none/../f', 'none/x/../../f', 'd/none/../../f']) expect(await root.readText(name, FOLLOW)).toBe('ours');
  await expect(root.readText('none/../none', FOLLOW)).rejects.toMatchObject({ code: 'not-found' });
  await expect(root.readText('none/../../o/there', FOLLOW)).rejects.toMatchObject({ code: 'outside-workspace' });
});
