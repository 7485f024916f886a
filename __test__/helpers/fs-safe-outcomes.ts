// Calls for the outcomes in docs/fs-safe.md that need no other user, full disk or failing system call.
import * as fs from 'node:fs';
import { bindFsSafe } from '../../fs-safe.mjs';
import { FsSafeError, old, oldOutbound, outbound, plain, thrown, type Outcomes } from './fs-safe-hosts.js';
import { build } from './scratch.js';

const refuse = (): never => {
  throw thrown;
};
const make = (dir: string, ...layout: string[]) => build(dir, layout);
const reading = (api: typeof plain | typeof old, name: string, ...layout: string[]) => (dir: string) => {
  make(dir, ...layout);
  return api.readLocalFileSafely({ filePath: name.startsWith('/') || name === '' ? name : `${dir}/${name}` });
};
const opening = (api: typeof plain, name: string, ...layout: string[]) => (dir: string) => {
  make(dir, ...layout);
  return api.openLocalFileSafely({ filePath: `${dir}/${name}` });
};
const within = (api: typeof plain | typeof old, relativePath: string, ...layout: string[]) => (dir: string) => {
  make(dir, ...layout);
  return api.readFileWithinRoot({ rootDir: dir, relativePath });
};
const writing = (api: typeof plain | typeof old, relativePath: string, ...layout: string[]) => (dir: string) => {
  make(dir, ...layout);
  return api.writeFileWithinRoot({ rootDir: dir, relativePath, data: 'new' });
};
const fromRoots = (api: typeof plain, filePath: string, ...layout: string[]) => (dir: string) => {
  make(dir, ...layout);
  return api.readLocalFileFromRoots({ filePath: filePath.startsWith('/') ? filePath : `${dir}/${filePath}`, roots: [dir] });
};
const replacing = (name: string, options: object, ...layout: string[]) => (dir: string) => {
  make(dir, ...layout);
  return plain.replaceFileAtomic({ filePath: name && `${dir}/${name}`, content: 'new', ...options });
};
const replacingSync = (name: string, options: object, ...layout: string[]) => (dir: string) => {
  make(dir, ...layout);
  return plain.replaceFileAtomicSync({ filePath: `${dir}/${name}`, content: 'new', ...options });
};
const texting = (name: string, ...layout: string[]) => (dir: string) => {
  make(dir, ...layout);
  return plain.writeTextAtomic(`${dir}/${name}`, 'new');
};
type Root = Awaited<ReturnType<typeof plain.root>>;
const beneath = (call: (root: Root & Record<string, any>) => unknown, ...layout: string[]) => async (dir: string) => {
  make(dir, ...layout);
  return call(await plain.root(dir));
};
const parent = (name: string, options: object, ...layout: string[]) => (dir: string) => {
  make(dir, ...layout);
  return plain.ensureParentDirSync(name.startsWith('/') ? name : `${dir}/${name}`, { trustedRoot: dir, messagePrefix: 'Prefix', ...options });
};

const OUTBOUND = '`OUTBOUND_MEDIA_PERMS_TOO_RESTRICTIVE`';
const LARGE = 16 * 1024 * 1024 + 1;

export const outcomes: Outcomes = {
  '`readLocalFileSafely`': {
    '`not-found`': reading(plain, 'f'),
    '`not-found`: beneath a file': reading(plain, 'f/x', 'f: text'),
    '`not-directory`: a slash behind a file': reading(plain, 'f/', 'f: text'),
    '`symlink`': reading(plain, 'l', 'f: text', 'l => f'),
    '`not-file`': reading(plain, 'e', 'e/'),
    '`device-path`': reading(plain, '/dev/zero'),
    '`too-large`': (dir) => (make(dir, 'f: text'), plain.readLocalFileSafely({ filePath: `${dir}/f`, maxBytes: 3 })),
    '`invalid-path`': reading(plain, ''),
    '`ENAMETOOLONG`': reading(plain, 'x'.repeat(256)),
    'a wrong limit': (dir) => plain.readLocalFileSafely({ filePath: `${dir}/f`, maxBytes: -1 }),
    [OUTBOUND]: reading(outbound, 'f', 'f 0600: text'),
  },
  '`openLocalFileSafely`': {
    '`not-found`': opening(plain, 'f'),
    '`symlink`': opening(plain, 'l', 'f: text', 'l => f'),
    '`not-file`': opening(plain, 'e', 'e/'),
    [OUTBOUND]: opening(outbound, 'f', 'f 0600: text'),
  },
  '`readFileWithinRoot`': {
    '`outside-workspace`': within(plain, '../f'),
    '`symlink`': within(plain, 'l', 'f: text', 'l => f'),
    '`hardlink`': within(plain, 'g', 'f: text', 'g == f'),
    '`not-found`': within(plain, 'f'),
    '`not-found`: beneath a file': within(plain, 'f/x', 'f: text'),
    '`too-large`: more than 16 MiB': (dir) => (make(dir, 'f:'), fs.truncateSync(`${dir}/f`, LARGE), plain.readFileWithinRoot({ rootDir: dir, relativePath: 'f' })),
    [OUTBOUND]: within(outbound, 'f', 'f 0600: text'),
  },
  '`writeFileWithinRoot`': {
    '`symlink`': writing(plain, 'l', 'f: text', 'l => f'),
    '`outside-workspace`': writing(plain, '../f'),
  },
  '`readLocalFileFromRoots`': {
    '`not-found`': fromRoots(plain, 'f'),
    '`outside-workspace`': fromRoots(plain, '/etc/passwd'),
    '`symlink`': fromRoots(plain, 'l', 'f: text', 'l => f'),
    [OUTBOUND]: fromRoots(outbound, 'f', 'f 0600: text'),
    'a root with a NUL': (dir) => plain.readLocalFileFromRoots({ filePath: `${dir}/f`, roots: [`${dir}\0`] }),
    'a root that is not absolute': (dir) => plain.readLocalFileFromRoots({ filePath: `${dir}/f`, roots: ['here'] }),
  },
  '`replaceFileAtomic`': {
    '`not-file`: a directory': replacing('e', {}, 'e/'),
    '`not-file`: a FIFO': replacing('p', {}, 'p |'),
    '`not-directory`: the parent is a file': replacing('f/x', {}, 'f: text'),
    '`not-directory`: a grandparent is a file': replacing('f/x/y', {}, 'f: text'),
    '`symlink`: the parent': replacing('l/f', {}, 'e/', 'l => e'),
    '`symlink`: the target, with `preserveExistingMode`': replacing('l', { preserveExistingMode: true }, 'f: text', 'l => f'),
    '`hardlink`: with `destinationHardlinks`': replacing('g', { destinationHardlinks: 'reject' }, 'f: text', 'g == f'),
    '`invalid-path`': replacing('', {}),
    'a callback throws': replacing('f', { beforeRename: async () => refuse() }),
  },
  '`replaceFileAtomicSync`': {
    '`not-file`: a directory': replacingSync('e', {}, 'e/'),
    '`not-directory`: the parent is a file': replacingSync('f/x', {}, 'f: text'),
    '`symlink`: the parent': replacingSync('l/f', {}, 'e/', 'l => e'),
    '`hardlink`: with `destinationHardlinks`': replacingSync('g', { destinationHardlinks: 'reject' }, 'f: text', 'g == f'),
    'a callback throws': replacingSync('f', { beforeRename: refuse }),
  },
  '`writeTextAtomic`': {
    '`not-file`: a directory': texting('e', 'e/'),
    '`not-directory`: the parent is a file': texting('f/x', 'f: text'),
  },
  '`root`': {
    '`not-found`': (dir) => plain.root(`${dir}/no`),
    '`not-directory`': (dir) => (make(dir, 'f: text'), plain.root(`${dir}/f`)),
  },
  '`root().read`': {
    '`not-found`': beneath((root) => root.read('f')),
    '`not-found`: beneath a file': beneath((root) => root.read('f/x'), 'f: text'),
    '`outside-workspace`: by its text': beneath((root) => root.read('../f')),
    '`outside-workspace`: by a link that may be followed': beneath((root) => root.read('l', { symlinks: 'follow-within-root' }), 'l => /etc/passwd'),
    '`symlink`: a parent that leads out of the root': beneath((root) => root.read('l/passwd'), 'l => /etc'),
    '`outside-workspace`: a link to nothing beneath the root, with an absolute target': beneath((root) => root.read('l', { symlinks: 'follow-within-root' }), 'l => $DIR/none'),
    '`symlink`': beneath((root) => root.read('l'), 'f: text', 'l => f'),
    '`hardlink`': beneath((root) => root.read('g'), 'f: text', 'g == f'),
    '`ENAMETOOLONG`': beneath((root) => root.read('x'.repeat(256))),
    '`..` behind a link': beneath((root) => root.read('l/../f'), 'f: text', 'e/', 'l => e'),
    '`..` behind a file': beneath((root) => root.read('f/../f'), 'f: text'),
    '`not-file`': beneath((root) => root.read('e'), 'e/'),
    '`too-large`': beneath((root) => root.read('f', { maxBytes: 3 }), 'f: text'),
    "`path-mismatch`: another directory has the root's name": async (dir) => {
      make(dir, 'r/f: text', 'other/');
      const root = await plain.root(`${dir}/r`);
      // Enough other roots to make this one release its descriptor.
      for (let i = 0; i < 65; i += 1) await plain.root(`${dir}/other`);
      fs.renameSync(`${dir}/r`, `${dir}/was`);
      fs.renameSync(`${dir}/other`, `${dir}/r`);
      return root.read('f');
    },
    [OUTBOUND]: async (dir) => (make(dir, 'f 0600: text'), (await outbound.root(dir)).read('f')),
  },
  '`root().readJson`': { 'no JSON': beneath((root) => root.readJson('f'), 'f: {') },
  '`root().write`': {
    '`symlink`: the target': beneath((root) => root.write('l', 'new'), 'f: text', 'l => f'),
    "`symlink`: a parent, with `mutationSymlinks: 'reject'`": beneath((root) => root.write('l/f', 'new', { mutationSymlinks: 'reject' }), 'e/', 'l => e'),
    '`outside-workspace`: by its text': beneath((root) => root.write('../f', 'new')),
    '`outside-workspace`: by its text, with `mutationSymlinks`': beneath((root) => root.write('../f', 'new', { mutationSymlinks: 'reject' })),
    "`..` behind a link, with `mutationSymlinks: 'reject'`": beneath((root) => root.write('l/../f', 'new', { mutationSymlinks: 'reject' }), 'e/', 'l => e'),
    '`outside-workspace`: by a link': beneath((root) => root.write('l/f', 'new'), 'l => /etc'),
    '`hardlink`': beneath((root) => root.write('g', 'new'), 'f: text', 'g == f'),
    '`not-directory`: beneath a file': beneath((root) => root.write('f/x', 'new'), 'f: text'),
    '`not-file`': beneath((root) => root.write('e', 'new'), 'e/'),
    '`not-found`: with `mkdir: false`': beneath((root) => root.write('a/f', 'new', { mkdir: false })),
    '`ENAMETOOLONG`': beneath((root) => root.write('x'.repeat(256), 'new')),
    '`denyMutations`, without `original`': beneath((root) => root.write('f', 'new', { denyMutations: { paths: ['/etc'] } })),
    'a callback throws': beneath((root) => root.write('f', 'new', { assertBeforeMutation: refuse })),
    'a file whose path ends in `/`': beneath((root) => root.write('f/', 'new'), 'f: text'),
    'an option that is unknown': beneath((root) => root.write('f', 'new', { checkOwner: true } as never)),
  },
  '`root().create`': {
    '`already-exists`': beneath((root) => root.create('f', 'new'), 'f: text'),
    '`already-exists`: a link that leads out of the root': beneath((root) => root.create('l', 'new'), 'l => /etc/passwd'),
    "`already-exists`: a link, with `mutationSymlinks: 'reject'`": beneath((root) => root.create('l', 'new', { mutationSymlinks: 'reject' }), 'f: text', 'l => f'),
    'a wrong `maxBytes` of a stream': beneath((root) => root.create('f', (async function* () { yield Buffer.from('abc'); })(), { maxBytes: NaN })),
    '`too-large`: a stream': beneath((root) => root.create('f', (async function* () { yield Buffer.from('abc'); })(), { maxBytes: 2 })),
  },
  '`root().mkdir`': {
    '`not-directory`': beneath((root) => root.mkdir('f'), 'f: text'),
    '`insecure-permissions`: with `private`': beneath((root) => root.mkdir('e', { private: true }), 'e/ 0755'),
    '`outside-workspace`: by a link': beneath((root) => root.mkdir('l/a'), 'l => /etc'),
  },
  '`root().stat`': {
    '`ENOENT`': beneath((root) => root.stat('f')),
    '`ENOTDIR`': beneath((root) => root.stat('f/x'), 'f: text'),
    'a link out of the root': beneath((root) => root.stat('l'), 'l => /etc'),
    'a link to itself': beneath((root) => root.stat('l'), 'l => l'),
  },
  '`root().exists`': {
    '`ENOENT`': beneath((root) => root.exists('f')),
    '`..`': beneath((root) => root.exists('../f')),
    'a home directory outside the root': beneath((root) => root.exists('~/f')),
  },
  '`root().append`': {
    '`symlink`: a link to nothing': beneath((root) => root.append('l', 'more'), 'l => no'),
    "`symlink`: the target, with `mutationSymlinks: 'reject'`": beneath((root) => root.append('l', 'more', { mutationSymlinks: 'reject' }), 'f: text', 'l => f'),
    '`outside-workspace`: by its text': beneath((root) => root.append('../f', 'more')),
    '`outside-workspace`: by a link': beneath((root) => root.append('l/f', 'more'), 'l => /etc'),
    '`hardlink`': beneath((root) => root.append('g', 'more'), 'f: text', 'g == f'),
    '`not-directory`: beneath a file': beneath((root) => root.append('f/x', 'more'), 'f: text'),
    '`not-file`': beneath((root) => root.append('e', 'more'), 'e/'),
    '`not-found`: with `mkdir: false`': beneath((root) => root.append('a/f', 'more', { mkdir: false })),
    '`denyMutations`, without `original`': beneath((root) => root.append('f', 'more', { denyMutations: { paths: ['/etc'] } })),
    'a callback throws': beneath((root) => root.append('f', 'more', { assertBeforeMutation: refuse }), 'f: text'),
    'data of another type': beneath((root) => root.append('f', 5 as never)),
    'an unknown encoding': beneath((root) => root.append('f', 'more', { encoding: 'nope' as never })),
    '`denyMutations`, and the name of the root leads elsewhere': async (dir) => {
      make(dir, 'r/', 'other/');
      const { root } = bindFsSafe({ FsSafeError, original: { root: async () => ({ append: async () => {} }) } });
      const handle = await root(`${dir}/r`);
      fs.rmdirSync(`${dir}/r`);
      fs.renameSync(`${dir}/other`, `${dir}/r`);
      return handle.append('f', 'more', { denyMutations: { paths: ['/etc'] } });
    },
  },
  '`root().openWritable`': {
    '`symlink`: a link to nothing': beneath((root) => root.openWritable('l'), 'l => no'),
    '`outside-workspace`: by a link': beneath((root) => root.openWritable('l/f'), 'l => /etc'),
    '`not-file`': beneath((root) => root.openWritable('e'), 'e/'),
    '`not-found`: with `mkdir: false`': beneath((root) => root.openWritable('a/f', { mkdir: false })),
  },
  '`bindSafeOpen`: `readLocalFileSafely`': {
    '`not-found`': reading(old, 'f'),
    '`symlink`': reading(old, 'l', 'f: text', 'l => f'),
    '`device-path`': reading(old, '/dev/zero'),
    '`too-large`': (dir) => (make(dir, 'f: text'), old.readLocalFileSafely({ filePath: `${dir}/f`, maxBytes: 3 })),
    [OUTBOUND]: reading(oldOutbound, 'f', 'f 0600: text'),
  },
  '`bindSafeOpen`: `readFileWithinRoot`': {
    '`outside-workspace`': within(old, '../f'),
    '`not-found`': within(old, 'f'),
    '`symlink`': within(old, 'l', 'f: text', 'l => f'),
    '`not-file`': within(old, 'e', 'e/'),
    '`hardlink`': within(old, 'g', 'f: text', 'g == f'),
  },
  '`bindSafeOpen`: `openFileWithinRoot`': { '`not-found`': (dir) => old.openFileWithinRoot({ rootDir: dir, relativePath: 'f' }) },
  '`bindSafeOpen`: `writeFileWithinRoot`': {
    '`symlink`': writing(old, 'l', 'f: text', 'l => f'),
    '`not-directory`': writing(old, 'f/x', 'f: text'),
  },
  '`ensureParentDirSync`': {
    '`symlink`': parent('l/f', {}, 'e/', 'l => e'),
    "`symlink`, with `style: 'legacy'`": parent('l/f', { style: 'legacy' }, 'e/', 'l => e'),
    'outside the root': parent('/etc/f', {}),
    '`not-directory`: a file': parent('f/x', {}, 'f: text'),
    '`not-directory`: beneath a file': parent('f/x/y', {}, 'f: text'),
  },
};
