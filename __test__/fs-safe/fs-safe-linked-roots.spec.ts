// A holdfast/fs-safe root whose path has a link on the way to it, and links in a root that lead to themselves.
import * as fs from 'node:fs';
import { describe, expect, it } from 'vitest';
import { plain } from '../helpers/fs-safe-hosts.js';
import { build, scratch } from '../helpers/scratch.js';

const FOLLOW = { symlinks: 'follow-within-root' } as const;
const PARENTS = { mutationSymlinks: 'follow-parents-within-root' } as const;

describe('a root whose parent is a link', () => {
  function made() {
    const dir = scratch();
    build(dir, ['real/ws/f: text', 'real/ws/d/g: deep', 'real/ws2/f: other']);
    fs.symlinkSync('real', `${dir}/l`);
    return { dir, given: `${dir}/l/ws`, real: `${dir}/real/ws` };
  }

  it('resolves absolute paths below its given name', async () => {
    const { given, real } = made();
    const root = await plain.root(given);
    expect(await root.resolve(`${given}/f`)).toBe(`${real}/f`);
    expect(await root.resolve(`${given}/new/one`)).toBe(`${real}/new/one`);
    expect(await root.resolve(`${given}/d/../f`)).toBe(`${real}/f`);
    expect(await root.resolve(given)).toBe(real);
    await expect(root.resolve(`${given}2/f`)).rejects.toMatchObject({ code: 'outside-workspace' });
    await expect(root.resolve(`${given}/../ws2/f`)).rejects.toMatchObject({ code: 'outside-workspace' });
  });

  it('walks absolute paths below its given name', async () => {
    const { given } = made();
    const root = await plain.root(given);
    const walked = async (dir: string) => {
      const kinds = [];
      for await (const entry of root.walk(dir, { symlinkPolicy: 'skip' })) kinds.push(entry.kind);
      return kinds;
    };
    expect(await walked(`${given}/d`)).toEqual(['file']);
    expect(await walked(given)).toEqual(['directory', 'file', 'file']);
    await expect(walked(`${given}2`)).rejects.toMatchObject({ code: 'outside-workspace' });
  });

  it('writes and appends to absolute paths below its given name', async () => {
    const { given, real } = made();
    const root = await plain.root(given);
    await root.write(`${given}/w`, 'written', PARENTS);
    await Promise.all([root.append(`${given}/w`, ' one', PARENTS), root.append('w', ' two'), root.append(`${given}/w`, ' three', PARENTS)]);
    expect(fs.readFileSync(`${real}/w`, 'utf8')).toBe('written one two three');
    await (await root.openWritable(`${given}/o`, PARENTS)).handle.close();
    expect(fs.existsSync(`${real}/o`)).toBe(true);
    await expect(root.write(`${given}2/f`, 'x', PARENTS)).rejects.toMatchObject({ code: 'path-alias' });
    await expect(root.write(`${given}/w`, 'x')).rejects.toMatchObject({ code: 'outside-workspace' });
    await expect(root.write(`${given}/w`, 'x', { mutationSymlinks: 'reject' })).rejects.toMatchObject({ code: 'path-alias' });
  });
});

describe('a link with an absolute target that leads to itself', () => {
  async function made() {
    const dir = scratch();
    build(dir, ['r/d/']);
    const links: Record<string, string> = { self: `${dir}/r/self`, la: `${dir}/r/lb`, lb: `${dir}/r/la`, lo: '../r/lo', relative: 'relative' };
    for (let n = 0; n <= 45; n += 1) links[`c${n}`] = `${dir}/r/c${n + 1}`;
    for (const [name, target] of Object.entries(links)) fs.symlinkSync(target, `${dir}/r/${name}`);
    fs.writeFileSync(`${dir}/r/c46`, 'end');
    return plain.root(`${dir}/r`);
  }
  type Root = Awaited<ReturnType<typeof plain.root>>;
  const drained = async (entries: AsyncIterable<unknown>) => {
    for await (const entry of entries) void entry;
  };
  const calls: Record<string, (root: Root, file: string) => Promise<unknown>> = {
    read: (root, file) => root.readText(file, FOLLOW),
    stat: (root, file) => root.stat(file),
    exists: (root, file) => root.exists(file),
    list: (root, file) => root.list(file),
    entries: (root, file) => drained(root.entries(file, FOLLOW)),
    walk: (root, file) => drained(root.walk(file, { symlinkPolicy: 'skip' })),
  };

  describe.each(Object.keys(calls))('%s', (name) => {
    it.each(['self', 'la', 'lo', 'c0', 'self/x', 'la/x', 'lo/x'])('says the same of %s as of a relative one', async (file) => {
      const root = await made();
      const told = async (at: string) => (calls[name] as (typeof calls)[string])(root, at).then(() => 'ok', ({ code, message, cause }) => ({ code, message, cause: cause?.code })); // prettier-ignore
      const relative = await told(file.replace(/^\w+/, 'relative'));
      expect(relative).toMatchObject({ code: 'symlink' });
      expect(await told(file)).toEqual(relative);
    });
  });
});

describe('openWritable of a new path that ends in ..', () => {
  it.each(['n/x/..', 'n/x/../', 'd/n/x/..', 'n/x/y/../..'])('opens the file that %s names by its text', async (file) => {
    const dir = scratch();
    build(dir, ['r/d/']);
    const opened = await (await plain.root(`${dir}/r`)).openWritable(file);
    await opened.handle.writeFile('written');
    await opened.handle.close();
    expect(opened).toMatchObject({ createdForWrite: true, realPath: `${dir}/r/${file.startsWith('d/') ? 'd/n' : 'n'}` });
    expect(fs.readFileSync(opened.realPath, 'utf8')).toBe('written');
  });
});
