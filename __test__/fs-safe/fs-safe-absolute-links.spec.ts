// A symlink with an absolute target beneath a holdfast/fs-safe root behaves like the same symlink with a relative target.
import * as fs from 'node:fs';
import * as path from 'node:path';
import { expect, it } from 'vitest';
import { old, plain } from '../helpers/fs-safe-hosts.js';
import { build, scratch, scratchInMemory } from '../helpers/scratch.js';

scratchInMemory();

type Root = Awaited<ReturnType<typeof plain.root>>;

const READ = { symlinks: 'follow-within-root' } as const;
const PARENTS = { symlinks: 'follow-parents-within-root' } as const;
const CHANGE = { mutationSymlinks: 'follow-parents-within-root' } as const;

async function names(entries: AsyncIterable<object>): Promise<string[]> {
  const found: string[] = [];
  for await (const entry of entries as AsyncIterable<{ name?: string; relativePath?: string }>) found.push(String(entry.name ?? entry.relativePath));
  return found.sort();
}

async function closed(opened: Promise<{ handle: fs.promises.FileHandle; realPath: string }>): Promise<string> {
  const { handle, realPath } = await opened;
  await handle.close();
  return realPath;
}

const CALLS: Record<string, (root: Root, file: string, dir: string) => unknown> = {
  read: (root, file) => root.readText(file),
  'read that follows': (root, file) => root.readText(file, READ),
  'read that follows parents': (root, file) => root.readText(file, PARENTS),
  'open that follows': (root, file) => closed(root.open(file, READ)),
  readAbsolute: async (root, file, dir) => (await root.readAbsolute(`${dir}/r/${file}`, READ)).buffer.length,
  readFileWithinRoot: async (_, file, dir) => (await plain.readFileWithinRoot({ rootDir: `${dir}/r`, relativePath: file, allowSymlinkTargetWithinRoot: true })).buffer.length,
  readLocalFileFromRoots: async (_, file, dir) => (await plain.readLocalFileFromRoots({ filePath: `${dir}/r/${file}`, roots: [`${dir}/r`], ...READ }))?.buffer.length,
  'readFileWithinRoot of bindSafeOpen': async (_, file, dir) => (await old.readFileWithinRoot({ rootDir: `${dir}/r`, relativePath: file, allowSymlinkTargetWithinRoot: true })).buffer.length,
  'writeFileWithinRoot of bindSafeOpen': (_, file, dir) => old.writeFileWithinRoot({ rootDir: `${dir}/r`, relativePath: file, data: 'x' }),
  stat: async (root, file) => (await root.stat(file)).isFile,
  exists: (root, file) => root.exists(file),
  list: (root, file) => root.list(file),
  'list with types': async (root, file) => (await root.list(file, { withFileTypes: true })).length,
  entries: (root, file) => names(root.entries(file)),
  'entries that follow': (root, file) => names(root.entries(file, READ)),
  'entries that follow parents': (root, file) => names(root.entries(file, PARENTS)),
  walk: (root, file) => names(root.walk(file, { symlinkPolicy: 'skip' })),
  'walk that follows': (root, file) => names(root.walk(file, { symlinkPolicy: 'follow-within-root', onDirectoryError: 'skip-and-report' })),
  resolve: (root, file) => root.resolve(file),
  write: (root, file) => root.write(file, 'x'),
  'write with a policy': (root, file) => root.write(file, 'x', CHANGE),
  'write without parents': (root, file) => root.write(file, 'x', { mkdir: false }),
  create: (root, file) => root.create(file, 'x'),
  'create of a stream': (root, file) => root.create(file, (async function* () { yield Buffer.from('x'); })()), // prettier-ignore
  'create with a policy': (root, file) => root.create(file, 'x', CHANGE),
  append: (root, file) => root.append(file, 'x'),
  'append with a policy': (root, file) => root.append(file, 'x', CHANGE),
  openWritable: (root, file) => closed(root.openWritable(file)),
  'openWritable with a policy': (root, file) => closed(root.openWritable(file, CHANGE)),
  mkdir: (root, file) => root.mkdir(file),
  'mkdir with a policy': (root, file) => root.mkdir(file, CHANGE),
  copyIn: (root, file, dir) => root.copyIn(file, `${dir}/source`),
  'copyIn from': (root, file) => root.copyIn('copy', { root, relativePath: file }),
  remove: (root, file) => root.remove(file),
  'remove with force': (root, file) => root.remove(file, { force: true }),
  'remove of a tree': (root, file) => root.remove(file, { recursive: true, force: true }),
  'remove with a policy': (root, file) => root.remove(file, { ...CHANGE, recursive: true, maxDepth: 9 }),
  'move from': (root, file) => root.move(file, 'moved', { overwrite: true }),
  'move from with a policy': (root, file) => root.move(file, 'moved', { overwrite: true, ...CHANGE }),
  'move to': (root, file) => root.move('f', file),
  'move onto': (root, file) => root.move('f', file, { overwrite: true }),
};

/** Targets of links, relative to the link's directory: to a directory, a file, another link, nothing, itself and outside. */
const LINKS: Record<string, string> = {
  la: 'a',
  lf: 'f',
  'a/lg': 'g',
  'a/lc': 'c',
  'a/none': 'nothing',
  'a/self': 'self',
  'a/out': '../../o',
  lla: 'la',
  llf: 'lf',
  none: 'nothing',
  beneath: 'nothing/x',
  'file-slash': 'f/',
  'file-dot': 'f/.',
  'to-file-slash': 'file-slash',
  'dir-dot': 'a/.',
  'through-dir-dot': 'dir-dot/g',
  'file-name': 'f/x',
  loop: 'back',
  back: 'loop',
};

/** @param isAbsolute whether the target of the link is */
function made(base: string, isAbsolute: (link: string) => boolean): string {
  const dir = fs.realpathSync(fs.mkdtempSync(path.join(base, 'links-')));
  build(dir, ['r/f: file', 'r/a/g: deep', 'r/a/c/h: deeper', 'o/there: theirs', 'source: source']);
  for (const [name, target] of Object.entries(LINKS)) {
    const link = path.join(dir, 'r', name);
    const [slash = ''] = /\/\.?$/.exec(target) ?? [];
    fs.symlinkSync(isAbsolute(name) ? path.resolve(path.dirname(link), target) + slash : target, link);
  }
  return dir;
}

/** The content beneath the root, without the targets of links. */
function content(dir: string): string {
  return (fs.readdirSync(`${dir}/r`, { recursive: true }) as string[])
    .map((name) => {
      const stat = fs.lstatSync(`${dir}/r/${name}`);
      return stat.isSymbolicLink() ? `${name}@` : stat.isFile() ? `${name}: ${fs.readFileSync(`${dir}/r/${name}`)}` : `${name}/`;
    })
    .sort()
    .join(', ');
}

/** Calls a root, and describes what became of the call and of its files. */
async function outcome(tree: Tree, call: (root: Root, dir: string) => unknown): Promise<string> {
  const { dir, root } = await tree.opened();
  let told;
  try {
    told = `ok ${JSON.stringify(await call(root, dir))}`;
  } catch (error) {
    const { name, code, message, cause } = error as Error & { code?: string; cause?: Error & { code?: string } };
    // An error of the system names the path.
    told = `${name} ${code} ${name === 'Error' ? '' : message} < ${cause?.code ?? cause?.message}`;
  }
  return `${told}${tree.change(dir)}`.replaceAll(dir, '~');
}

/** A root for several calls. It is made again after a change. */
class Tree {
  #opened: { dir: string; root: Root } | undefined;
  #content = '';
  constructor(readonly make: () => string) {}

  async opened(): Promise<{ dir: string; root: Root }> {
    if (this.#opened === undefined) {
      const dir = this.make();
      this.#opened = { dir, root: await plain.root(`${dir}/r`) };
      this.#content = content(dir);
    }
    return this.#opened;
  }

  change(dir: string): string {
    const now = content(dir);
    if (now === this.#content) return '';
    this.#opened = undefined;
    return ` with ${now}`;
  }
}

const LONG = 'n'.repeat(256);
const ENDS = ['', '/', '/.', '/x', '/x/', '/..', '/x/y'];
const PATHS = [
  ...['la', 'lf', 'lla', 'llf', 'none', 'beneath', 'loop', 'file-slash', 'file-dot', 'to-file-slash', 'dir-dot', 'through-dir-dot', 'file-name', 'la/g', 'la/c', 'la/lg', 'la/lc', 'la/none', 'la/self', 'la/out'].flatMap((start) => ENDS.map((end) => start + end)),
  ...['la/../f', 'la/c/../g', 'la/x/../g', 'lf/../f', 'la/g/../g', 'la/lg/../g', 'la/lc/../g', 'la/c/../../f', 'la/./c//h', 'la//g//', 'la/g/./.', './la/c/.'],
  ...['la', 'lf', 'la/lc', 'la/g', 'loop'].map((start) => `${start}/${LONG}`),
];

/** `npm run test:hostile` takes every path for every call. The short form takes a fourth of them for each call, and every path for some. */
const STEP = process.env['HOLDFAST_HOSTILE'] === 'all' ? 1 : 4;

it.each(Object.keys(CALLS).map((name, index) => [name, index] as const))('%s treats a link with an absolute target like one with a relative target', async (name, index) => {
  const base = scratch();
  const [relative, absolute, mixed] = [() => false, () => true, (link: string) => !link.includes('/')].map((isAbsolute) => new Tree(() => made(base, isAbsolute))) as [Tree, Tree, Tree];
  const differ: Record<string, object> = {};
  for (const file of PATHS.filter((_, at) => (at + index) % STEP === 0)) {
    const [one, two, three] = [relative, absolute, mixed].map((tree) => outcome(tree, (root, dir) => CALLS[name]?.(root, file, dir)));
    const told = { relative: await one, absolute: await two, mixed: await three };
    if (told.absolute !== told.relative || told.mixed !== told.relative) differ[file.replace(LONG, 'long')] = told;
  }
  expect(differ).toEqual({});
});
