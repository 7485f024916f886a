import * as fs from 'node:fs';
import * as path from 'node:path';
import type { Api, Case, Difference } from './harness.js';

type Options = Omit<Parameters<Api['replaceFileAtomic']>[0], 'filePath' | 'content'>;
type SyncOptions = Omit<Parameters<Api['replaceFileAtomicSync']>[0], 'filePath' | 'content'>;

const replace = (api: Api, dir: string, name: string, options: Options = {}) => api.replaceFileAtomic({ filePath: `${dir}/${name}`, content: 'new', ...options });
const sync = (api: Api, dir: string, name: string, options: SyncOptions = {}) => api.replaceFileAtomicSync({ filePath: `${dir}/${name}`, content: 'new', ...options });
const text = (api: Api, dir: string, name: string, content: string, options?: Parameters<Api['writeTextAtomic']>[2]) => api.writeTextAtomic(`${dir}/${name}`, content, options);
const refused = (): never => {
  throw new Error('not now');
};
const notLoosened = 'a directory only ever loses permissions';

/** The same rows for both twins. */
function twins(name: string, entry: Omit<Case, 'name' | 'call'> & { file?: string; options?: SyncOptions }): Case[] {
  const { file = 'f', options = {}, ...rest } = entry;
  return [
    { name, ...rest, call: (api, dir) => replace(api, dir, file, options as Options) },
    { name: `${name}, at once`, ...rest, call: async (api, dir) => sync(api, dir, file, options) },
  ];
}

export const replaceCases: readonly Case[] = [
  ...twins('a new file; the parent is made private', {}),
  ...twins('over a file with mode 0640', { layout: ['f 0640: old'] }),
  ...twins('over a file, keeping its mode', { layout: ['f 0640: old'], options: { preserveExistingMode: true } }),
  ...twins('a new file where a mode would be kept', { options: { preserveExistingMode: true, mode: 0o640 } }),
  ...twins('keeping the mode of a link', { layout: ['f: old', 'l => f'], mode: 0o700, file: 'l', options: { preserveExistingMode: true } }),
  ...twins('keeping the mode of a directory', { layout: ['e/'], mode: 0o700, file: 'e', options: { preserveExistingMode: true } }),
  ...twins('with a mode', { options: { mode: 0o644 } }),
  ...twins('with setuid', { options: { mode: 0o4755 }, differs: { verdict: 'better', because: 'a file that runs as its owner is never published', theirs: ['f 4755: new'], ours: ['f 0755: new'] } }),
  ...['0644', '644', '0o644', '', 2 ** 32, 1.5, true, 0o100644].flatMap((mode) => twins(`with the mode ${JSON.stringify(mode)}`, { mode: 0o700, options: { mode: mode as never } })),
  ...twins('with a mode below zero', { mode: 0o700, options: { mode: -1 } }),
  ...[['text', 'a', '\u00e9'], ['bytes', Buffer.from('a'), new Uint8Array([66])], ['a number', 5]].map(([name, ...parts]): Case => ({
    name: `the content of a producer of ${name}`, mode: 0o700, layout: ['f: old'],
    call: (api, dir) => replace(api, dir, 'f', { content: (async function* () { yield* parts; })() } as never),
  })),
  { name: 'the content of a producer that fails', mode: 0o700, layout: ['f: old'], call: (api, dir) => replace(api, dir, 'f', { content: (async function* () { yield 'a'; throw new Error('broken'); })() } as never).catch((error) => error.message) },
  { name: 'the content of a producer, at once', mode: 0o700, call: async (api, dir) => sync(api, dir, 'f', { content: (async function* () { yield 'a'; })() } as never) },
  { name: 'a text of a producer', call: (api, dir) => text(api, dir, 'f', (async function* () { yield 'a'; })() as never) },
  ...[5, {}].map((content): Case => ({ name: `${JSON.stringify(content)} as a text that ends its line`, mode: 0o700, call: (api, dir) => text(api, dir, 'f', content as never, { trailingNewline: true }) })),
  ...twins('missing parents', { mode: 0o755, file: 'a/b/f' }),
  ...twins('missing parents with a mode', { file: 'a/b/f', options: { dirMode: 0o755 } }),
  ...[0o1777, 0o2775, 0o3755].flatMap((dirMode) => [
    ...twins(`a missing parent with the mode 0${dirMode.toString(8)}`, { file: 'a/f', options: { dirMode } }),
    ...twins(`a parent that gets the mode 0${dirMode.toString(8)}`, { file: 'a/f', layout: ['a/ 0777'], options: { dirMode } }),
    { name: `a text beneath a missing parent with the mode 0${dirMode.toString(8)}`, call: (api: Api, dir: string) => text(api, dir, 'a/f', 'new', { dirMode }) },
  ]),
  ...twins('missing parents with a mode in octal text', { file: 'a/f', options: { dirMode: '0755' as never },
    differs: { verdict: 'better', because: 'octal text is octal for directories too', theirs: ['a/ 1363'], ours: ['a/ 0755'] } }),
  ...twins('onto a directory', { layout: ['e/'], file: 'e' }),
  ...twins('onto a link', { layout: ['f: old', 'l => f'], file: 'l' }),
  ...twins('onto a link to nothing', { layout: ['l => no'], file: 'l' }),
  ...twins('onto a FIFO', { layout: ['p |'], file: 'p', differs: { verdict: 'better', because: 'somebody waits at a FIFO: it is not silently exchanged for a file', theirs: ['ok {"method":"rename"}', 'p 0600: new'], ours: ['FsSafeError not-file policy', 'p 0666 special'] } }),
  ...twins('onto one of two names', { layout: ['f: old', 'g == f'] }),
  ...twins('onto one of two names, refused', { layout: ['f: old', 'g == f'], options: { destinationHardlinks: 'reject' } }),
  ...twins('a linked parent', { layout: ['e/', 'l => e'], file: 'l/f' }),
  ...twins('a parent that is a link to nothing', { layout: ['l => no'], file: 'l/f', differs: { verdict: 'different', because: 'the parent is no real directory, as with any other link', theirs: ['Error ENOENT'], ours: ['FsSafeError not-file policy'] } }),
  ...twins('a parent that is a file', { layout: ['f: old'], file: 'f/x' }),
  ...twins('a grandparent that is a file', { layout: ['f: old'], file: 'f/x/y' }),
  ...twins('a component too long', { file: 'x'.repeat(256) }),
  ...twins('the longest component', { file: 'x'.repeat(255) }),
  ...twins('a slash behind', { file: 'f/', differs: { verdict: 'different', because: 'the name asks for a directory, which is no file', theirs: ['Error ENOTDIR'], ours: ['FsSafeError not-file policy'] } }),
  ...twins('a prefix for the temporary', { options: { tempPrefix: '.mine' } }),
  ...twins('an empty prefix', { options: { tempPrefix: '' } }),
  ...twins('a prefix with a slash', { options: { tempPrefix: 'a/b' } }),
  ...twins('a prefix of dots', { options: { tempPrefix: '..' } }),
  ...twins('synced', { options: { syncTempFile: true, syncParentDir: true } }),
  ...twins('a rename identity that does not exist', { options: { renameIdentity: 'loose' as never } }),
  ...twins('restoring without a limit', { options: { copyFallbackOnPermissionError: true, copyFallbackRestore: 'restore-original' } }),
  ...twins('with every fallback allowed, none needed', { layout: ['f: old'], options: { copyFallbackOnPermissionError: true, copyFallbackRestore: 'restore-original', maxRestoreBytes: 10, renameMaxRetries: 3, renameIdentity: 'strict', throwOnCleanupError: true } }),
  ...twins('when the caller may not', { options: { assertBeforeMutation: refused } }),
  ...twins('when the answer comes later', { options: { assertBeforeMutation: (async () => {}) as never } }),
  ...twins('where it may not search', { layout: ['e/ 0000'], user: 1000, file: 'e/f' }),
  ...twins('where it may not write', { layout: ['e/ 0500'], user: 1000, file: 'e/f', differs: { verdict: 'different', because: 'permissions are never added, not to a parent either: the caller is told', theirs: ['ok {"method":"rename"}', 'e/ 0700', 'e/f 0600: new'], ours: ['Error EACCES', 'e/ 0500'] } }),
  ...twins('in a directory of the group, as Kubernetes mounts it', { mode: 0o2775, owner: [0, 1000], user: 1000, differs: { verdict: 'better', because: 'a chmod that the system refuses is tolerated; where `dirMode` is private (no bit for group and others), a warning says so', theirs: ['Error EPERM'], ours: ['ok {"method":"rename"}', 'f 0600: new'] } }),
  ...twins('in a setgid directory of its own', { mode: 0o2775, user: 1000, differs: { verdict: 'better', because: 'setgid stays: it decides the group of what is made there', theirs: ['./ 0700'], ours: ['./ 2700'] } }),
  ...twins('in a directory like /tmp', { mode: 0o1777, differs: { verdict: 'better', because: 'a sticky directory that others may write is shared, and not closed to them', theirs: ['./ 0700'], ours: ['./ 1777'] } }),
  ...twins('in a private directory, with a wider mode for it', { mode: 0o700, options: { dirMode: 0o755 }, differs: { verdict: 'better', because: notLoosened, theirs: ['./ 0755'], ours: ['./ 0700'] } }),
  ...twins('in an open directory, with a narrower mode for it', { mode: 0o777, options: { dirMode: 0o755 } }),
  { name: 'without a path', call: (api) => api.replaceFileAtomic({ filePath: '', content: 'new' }), differs: { verdict: 'better', because: 'the error has a class and a code', theirs: ['Error'], ours: ['FsSafeError invalid-path policy'] } },
  { name: 'a NUL in the path', call: (api, dir) => replace(api, dir, 'a\0b'), differs: { verdict: 'better', because: 'the error has a class and a code, and says what is wrong', theirs: ['Error'], ours: ['FsSafeError invalid-path policy'] } },
  { name: 'a number as content', mode: 0o700, call: (api, dir) => api.replaceFileAtomic({ filePath: `${dir}/f`, content: 5 as never }) },
  { name: 'bytes as content', call: (api, dir) => api.replaceFileAtomic({ filePath: `${dir}/f`, content: new Uint8Array([65, 66]) }) },
  { name: 'a relative path', call: async (api, dir) => { const before = process.cwd(); process.chdir(dir); try { return await api.replaceFileAtomic({ filePath: 'f', content: 'new' }); } finally { process.chdir(before); } } },
  ...['mode', 'dirMode', 'tempPrefix', 'beforeRename', 'assertBeforeMutation', 'onDestinationState', 'destinationHardlinks', 'renameMaxRetries', 'syncTempFile'].flatMap((name) =>
    twins(`over a file with ${name}: null`, { layout: ['f 0644: old'], options: { [name]: null } })),
  { name: 'over a file with fileSystem: null', layout: ['f 0644: old'], call: (api, dir) => replace(api, dir, 'f', { fileSystem: null as never }) },
  ...[new Uint16Array([0x4142]), new DataView(new ArrayBuffer(2)), new Float64Array(1)].flatMap((content): Case[] => [
    { name: `${content.constructor.name} as content`, call: (api, dir) => api.replaceFileAtomic({ filePath: `${dir}/f`, content }) },
    { name: `${content.constructor.name} as content, at once`, call: async (api, dir) => api.replaceFileAtomicSync({ filePath: `${dir}/f`, content }) },
  ]),
  { name: 'a beforeRename that is a method', call: async (api, dir) => { const job = Object.assign(Object.create({ async beforeRename(this: { seen: number }) { this.seen += 1; } }), { filePath: `${dir}/f`, content: 'new', seen: 0 }); await api.replaceFileAtomic(job); return job.seen; } },
  { name: 'a beforeRename that answers later, at once', call: async (api, dir) => sync(api, dir, 'f', { beforeRename: (async () => {}) as never }) },
  { name: 'a beforeRename that replaces another path of the same name', layout: ['a/'], call: (api, dir) => replace(api, dir, 'a/f', { beforeRename: async () => void (await replace(api, dir, 'b/f')) }) },
  { name: 'a beforeRename that replaces a name in another case', call: (api, dir) => replace(api, dir, 'Notes.md', { beforeRename: async () => void (await replace(api, dir, 'notes.md')) }) },
  { name: 'a text with options that are null', call: (api, dir) => text(api, dir, 'f', 'new', null as never) },
  { name: 'a text with durable: null and trailingNewline: 1', call: (api, dir) => text(api, dir, 'f', 'new', { durable: null, trailingNewline: 1 } as never) },
  { name: 'many at once: the last one wins', call: async (api, dir) => { await Promise.all(Array.from({ length: 20 }, (_, i) => api.replaceFileAtomic({ filePath: `${dir}/a/f`, content: String(i) }))); return fs.readFileSync(`${dir}/a/f`, 'utf8'); } },
  { name: 'what a caller sees before the rename', layout: ['f: old'],
    call: async (api, dir) => {
      const seen: unknown[] = [];
      await replace(api, dir, 'f', { beforeRename: async ({ filePath, tempPath }) => void seen.push(filePath, path.dirname(tempPath), fs.readFileSync(tempPath, 'utf8'), fs.statSync(tempPath).mode & 0o777, fs.readFileSync(filePath, 'utf8')) });
      return seen;
    } },
  { name: 'what a caller sees before the rename, at once', layout: ['f: old'],
    call: async (api, dir) => {
      const seen: unknown[] = [];
      sync(api, dir, 'f', { beforeRename: ({ filePath, tempPath }) => void seen.push(filePath, path.dirname(tempPath), fs.readFileSync(tempPath, 'utf8'), fs.statSync(tempPath).mode & 0o777, fs.readFileSync(filePath, 'utf8')) });
      return seen;
    } },
  ...beforeRename('throws', refused),
  ...beforeRename('adds to the file', (temp) => fs.appendFileSync(temp, ' and more')),
  ...beforeRename('changes its mode', (temp) => fs.chmodSync(temp, 0o604)),
  ...beforeRename('takes permissions away', (temp) => fs.chmodSync(temp, 0o400)),
  ...beforeRename('makes it setuid', (temp) => fs.chmodSync(temp, 0o4755), { verdict: 'better', because: 'a file that runs as its owner is never published', theirs: ['f 4755: new'], ours: ['f 0755: new'] }),
  ...beforeRename('removes the file', (temp) => fs.unlinkSync(temp)),
  ...beforeRename('gives the file another name', (temp) => fs.linkSync(temp, path.join(path.dirname(temp), 'other')), {
    verdict: 'better', because: 'the temporary is removed all the same', theirs: ['TEMPORARY 0600: new'], ours: [] }),
  { name: 'before the rename, a caller exchanges the file', call: (api, dir) => replace(api, dir, 'f', { beforeRename: async ({ tempPath }) => { fs.unlinkSync(tempPath); fs.writeFileSync(tempPath, 'other'); fs.renameSync(tempPath, `${dir}/kept`); fs.symlinkSync('kept', tempPath); } }).catch((error) => [error.code, error.name]) .then((said) => { for (const name of fs.readdirSync(dir)) if (name !== 'kept') fs.rmSync(`${dir}/${name}`); return said; }) },
  { name: 'what a caller is told afterwards', call: async (api, dir) => { const states: unknown[] = []; await replace(api, dir, 'f', { onDestinationState: (state) => void states.push(Object.isFrozen(state), { ...state, same: state.ino === fs.lstatSync(`${dir}/f`, { bigint: true }).ino }) }); return states; } },
  { name: 'a caller that answers later what it was told', call: (api, dir) => replace(api, dir, 'f', { onDestinationState: (async () => {}) as never }) },

  { name: 'a new text', call: (api, dir) => text(api, dir, 'f', 'new') },
  { name: 'a text over another', layout: ['f 0644: old'], call: (api, dir) => text(api, dir, 'f', 'new') },
  { name: 'a text with a newline to be added', call: (api, dir) => text(api, dir, 'f', 'new', { trailingNewline: true }) },
  { name: 'a text with a newline already', call: (api, dir) => text(api, dir, 'f', 'new\n', { trailingNewline: true }) },
  { name: 'a text with a mode', call: (api, dir) => text(api, dir, 'f', 'new', { mode: 0o644 }) },
  { name: 'a text that need not be durable', call: (api, dir) => text(api, dir, 'f', 'new', { durable: false }) },
  { name: 'a text beneath missing parents', call: (api, dir) => text(api, dir, 'a/b/f', 'new') },
  ...twins('missing parents with a mode, under umask 077', { file: 'a/b/f', mask: 0o077, options: { dirMode: 0o755 },
    differs: { verdict: 'different', because: 'dirMode is the exact mode of every directory that is made', theirs: ['a/ 0700'], ours: ['a/ 0755'] } }),
  { name: 'what a caller made sparse, at once', call: async (api, dir) => { sync(api, dir, 'f', { beforeRename: ({ tempPath }) => fs.truncateSync(tempPath, 1 << 20) }); return fs.statSync(`${dir}/f`).blocks < 100; } },
  { name: 'a text into a linked parent', layout: ['e/', 'l => e'], call: (api, dir) => text(api, dir, 'l/f', 'new'),
    differs: { verdict: 'different', because: 'without dirMode the parent is not touched, and links to it are the kernel\'s', theirs: ['FsSafeError not-file policy'], ours: ['ok null', 'e/f 0600: new'] } },
  { name: 'a text beneath missing parents, with umask 077', call: async (api, dir) => { process.umask(0o077); return text(api, dir, 'a/b/f', 'new'); } },
  { name: 'a text beneath missing parents with a mode', call: (api, dir) => text(api, dir, 'a/b/f', 'new', { dirMode: 0o700 }) },
  { name: 'a text onto a link', layout: ['f: old', 'l => f'], call: (api, dir) => text(api, dir, 'l', 'new') },
  { name: 'a text onto a directory', layout: ['e/'], call: (api, dir) => text(api, dir, 'e', 'new') },
  { name: 'a text beneath a file', layout: ['f: old'], call: (api, dir) => text(api, dir, 'f/x', 'new') },
  { name: 'a text with an empty prefix', call: (api, dir) => text(api, dir, 'f', 'new', { tempPrefix: '' }) },
  { name: 'a number as text', call: (api, dir) => text(api, dir, 'f', 5 as never) },
  { name: 'a text in a private directory', mode: 0o700, call: (api, dir) => text(api, dir, 'f', 'new'),
    differs: { verdict: 'better', because: `${notLoosened}; the original opens the parent to all`, theirs: ['./ 0755'], ours: ['./ 0700'] } },
  { name: 'a text in an open directory', mode: 0o777, call: (api, dir) => text(api, dir, 'f', 'new'),
    differs: { verdict: 'different', because: 'without dirMode a parent that exists is left alone', theirs: ['./ 0755'], ours: ['./ 0777'] } },
  { name: 'a text in a directory of the group, as Kubernetes mounts it', mode: 0o2775, owner: [0, 1000], user: 1000, call: (api, dir) => text(api, dir, 'f', 'new'),
    differs: { verdict: 'better', because: 'no chmod is tried that the system would refuse', theirs: ['Error EPERM'], ours: ['ok null', 'f 0600: new'] } },
  { name: 'a text that a caller sees first', call: async (api, dir) => { let seen = ''; await text(api, dir, 'f', 'new', { trailingNewline: true, beforeRename: async ({ tempPath }) => void (seen = fs.readFileSync(tempPath, 'utf8')) }); return seen; } },
];

function beforeRename(does: string, act: (tempPath: string) => void, differs?: Difference): Case[] {
  const rest = differs === undefined ? {} : { differs };
  return [
    { name: `before the rename, a caller ${does}`, ...rest, call: (api, dir) => replace(api, dir, 'f', { beforeRename: async ({ tempPath }) => act(tempPath) }) },
    { name: `before the rename, a caller ${does}, at once`, ...rest, call: async (api, dir) => sync(api, dir, 'f', { beforeRename: ({ tempPath }) => act(tempPath) }) },
  ];
}
