import * as fs from 'node:fs';
import type { Api, Case } from './harness.js';

type Root = Awaited<ReturnType<Api['root']>>;
type ReadOptions = Parameters<Root['read']>[1];

const read = async (api: Api, dir: string, name: string, options?: ReadOptions) => {
  const { buffer, realPath } = await (await api.root(dir)).read(name, options);
  return [buffer.toString(), realPath];
};
const stat = async (api: Api, dir: string, name: string) => {
  const { isDirectory, isFile, isSymbolicLink, mode, size, nlink } = await (await api.root(dir)).stat(name);
  return { isDirectory, isFile, isSymbolicLink, mode, nlink, size: isDirectory ? 'any' : size };
};
const exists = async (api: Api, dir: string, name: string) => (await api.root(dir)).exists(name);
const followed = { symlinks: 'follow-within-root' } as const;
const parentsFollowed = { symlinks: 'follow-parents-within-root' } as const;

/** What becomes of a root `p/r`. */
const changes: Record<string, (dir: string) => void> = {
  'was renamed': (dir) => fs.renameSync(`${dir}/p/r`, `${dir}/p/was`),
  'was exchanged': (dir) => (fs.renameSync(`${dir}/p/r`, `${dir}/p/was`), fs.renameSync(`${dir}/p/other`, `${dir}/p/r`)),
  'has a link in place of its name': (dir) => (fs.renameSync(`${dir}/p/r`, `${dir}/p/was`), fs.symlinkSync('was', `${dir}/p/r`)),
  'was removed': (dir) => fs.rmSync(`${dir}/p/r`, { recursive: true }),
};
const calls: Record<string, (root: Root) => unknown> = {
  readText: (root) => root.readText('f'),
  exists: (root) => root.exists('f'),
  stat: (root) => root.stat('none'),
  write: (root) => root.write('f', 'new'),
  list: (root) => root.list('.'),
  remove: (root) => root.remove('f'),
  ensureRoot: (root) => root.ensureRoot(),
  resolve: (root) => root.resolve('f'),
};

/** Roots, and reads and stats beneath them. */
export const rootCases: readonly Case[] = [
  { name: 'the fields of a root', call: async (api, dir) => { const { rootDir, rootReal, rootWithSep, defaults } = await api.root(dir, { mkdir: false }); return { rootDir, rootReal, rootWithSep, defaults }; } },
  { name: 'a root by a link', layout: ['e/', 'l => e'], call: async (api, dir) => { const { rootDir, rootReal } = await api.root(`${dir}/l`); return [rootDir, rootReal]; } },
  { name: 'a root that is missing', call: (api, dir) => api.root(`${dir}/no`) },
  { name: 'a root that is a file', layout: ['f: text'], call: (api, dir) => api.root(`${dir}/f`) },
  { name: 'a root without a name', call: (api) => api.root(''),
    differs: { verdict: 'different', because: 'its documentation says invalid-path of a malformed root, and so does ours', theirs: ['FsSafeError not-found operational'], ours: ['FsSafeError invalid-path policy'] } },
  { name: 'a root with a wrong limit', call: (api, dir) => api.root(dir, { maxBytes: -1 }) },
  { name: 'a file', layout: ['f: text'], call: (api, dir) => read(api, dir, 'f') },
  { name: 'containment of a read', layout: ['f: text'], call: async (api, dir) => (await (await api.root(dir)).read('f')).containment,
    differs: { verdict: 'better', because: 'the kernel itself resolves the path beneath the root (openat2)', theirs: ['ok "best-effort"'], ours: ['ok "kernel-atomic"'] } },
  { name: 'readBytes', layout: ['f: text'], call: async (api, dir) => (await (await api.root(dir)).readBytes('f')).toString() },
  { name: 'readText', layout: ['f: text'], call: async (api, dir) => (await api.root(dir)).readText('f') },
  { name: 'readText in another encoding', layout: ['f: é'], call: async (api, dir) => (await api.root(dir)).readText('f', { encoding: 'latin1' }) },
  { name: 'readJson', layout: ['f: {"a":[1]}'], call: async (api, dir) => (await api.root(dir)).readJson('f') },
  { name: 'readJson of something else', layout: ['f: {'], call: async (api, dir) => (await api.root(dir)).readJson('f') },
  { name: 'readJson with a byte order mark', layout: ['f: \ufeff{}'], call: async (api, dir) => (await api.root(dir)).readJson('f') },
  { name: 'reader', layout: ['f: text'], call: async (api, dir) => (await (await api.root(dir)).reader({ maxBytes: 4 })('f')).toString() },
  { name: 'readAbsolute', layout: ['f: text'], call: async (api, dir) => (await (await api.root(dir)).readAbsolute(`${dir}/f`)).realPath },
  { name: 'readAbsolute by the linked spelling of the root', layout: ['e/f: text', 'l => e'], call: async (api, dir) => (await (await api.root(`${dir}/l`)).readAbsolute(`${dir}/l/f`)).realPath },
  { name: 'readAbsolute outside', call: async (api, dir) => (await api.root(dir)).readAbsolute('/etc/passwd') },
  { name: 'open', layout: ['f: text'], call: async (api, dir) => { await using file = await (await api.root(dir)).open('f'); return [Object.keys(file).sort(), await file.handle.readFile('utf8')]; } },
  { name: 'nothing there', call: (api, dir) => read(api, dir, 'f') },
  { name: 'a missing parent', call: (api, dir) => read(api, dir, 'no/f') },
  { name: 'beneath a file', layout: ['f: text'], call: (api, dir) => read(api, dir, 'f/x'),
    differs: { verdict: 'different', because: 'its documentation says not-file of a file that is followed by another segment, and so does ours', theirs: ['FsSafeError outside-workspace policy'], ours: ['FsSafeError not-file policy'] } },
  { name: 'a slash behind a file', layout: ['f: text'], call: (api, dir) => read(api, dir, 'f/'),
    differs: { verdict: 'different', because: 'as beneath a file: nothing has left the root', theirs: ['FsSafeError outside-workspace policy'], ours: ['FsSafeError not-file policy'] } },
  { name: 'a directory', layout: ['e/'], call: (api, dir) => read(api, dir, 'e') },
  { name: 'the root itself', call: (api, dir) => read(api, dir, '.') },
  { name: 'an empty path', call: (api, dir) => read(api, dir, '') },
  { name: 'a FIFO', layout: ['p |'], call: (api, dir) => read(api, dir, 'p') },
  { name: 'out by ..', call: (api, dir) => read(api, dir, '../x') },
  { name: 'up and down again', layout: ['f: text', 'e/'], call: (api, dir) => read(api, dir, 'e/../f') },
  { name: 'up from what is not there', layout: ['f: text'], call: (api, dir) => read(api, dir, 'no/../f') },
  { name: 'up from a link', layout: ['f: text', 'e/', 'l => e'], call: (api, dir) => read(api, dir, 'l/../f') },
  { name: 'up from a link that may be followed', layout: ['f: text', 'e/', 'l => e'], call: (api, dir) => read(api, dir, 'l/../f', { symlinks: 'follow-within-root' }) },
  { name: 'up from a link to nothing', layout: ['f: text', 'l => no'], call: (api, dir) => read(api, dir, 'l/../f') },
  { name: 'a component too long', call: (api, dir) => read(api, dir, 'x'.repeat(256)) },
  { name: 'a link, where null is the policy and the root follows', layout: ['f: text', 'l => f'], call: async (api, dir) => (await (await api.root(dir, { symlinks: 'follow-within-root' })).read('l', { symlinks: null as never })).buffer.toString() },
  { name: 'one of two names, where null is the policy and the root allows', layout: ['f: text', 'g == f'], call: async (api, dir) => (await (await api.root(dir, { hardlinks: 'allow' })).read('g', { hardlinks: null as never })).buffer.toString() },
  { name: 'an absolute path beneath the root', layout: ['f: text'], call: (api, dir) => read(api, dir, `${dir}/f`) },
  { name: 'an absolute path outside', call: (api, dir) => read(api, dir, '/etc/passwd') },
  { name: 'a device outside', call: (api, dir) => read(api, dir, '/dev/zero'),
    differs: { verdict: 'different', because: 'a device outside is outside: refused by its text alone, as anything there', theirs: ['FsSafeError device-path policy'], ours: ['FsSafeError outside-workspace policy'] } },
  { name: 'the home directory beneath the root', layout: ['f: text'], call: (api, dir) => read(api, dir, '~/f') },
  { name: 'a name with a colon', layout: ['C:x: text'], call: (api, dir) => read(api, dir, 'C:x') },
  { name: 'a NUL', call: (api, dir) => read(api, dir, 'a\0b') },
  { name: 'a link', layout: ['f: text', 'l => f'], call: (api, dir) => read(api, dir, 'l') },
  { name: 'a link out', layout: ['l => /etc/passwd'], call: (api, dir) => read(api, dir, 'l') },
  { name: 'a linked parent', layout: ['e/f: text', 'l => e'], call: (api, dir) => read(api, dir, 'l/f') },
  { name: 'a linked parent outside', layout: ['l => /etc'], call: (api, dir) => read(api, dir, 'l/passwd') },
  { name: 'a link to nothing', layout: ['l => no'], call: (api, dir) => read(api, dir, 'l') },
  { name: 'a link, followed', layout: ['f: text', 'l => f'], call: (api, dir) => read(api, dir, 'l', followed) },
  { name: 'a link with an absolute target, followed', layout: ['f: text', 'l => $DIR/f'], call: (api, dir) => read(api, dir, 'l', followed) },
  { name: 'a link out, followed', layout: ['l => /etc/passwd'], says: 'the cause says which link leads out', call: (api, dir) => read(api, dir, 'l', followed) },
  { name: 'a link to nothing, followed', layout: ['l => no'], call: (api, dir) => read(api, dir, 'l', followed) },
  { name: 'a link to nothing with an absolute target, followed', layout: ['l => $DIR/no'], call: (api, dir) => read(api, dir, 'l', followed) },
  { name: 'a linked parent, followed', layout: ['e/f: text', 'l => e'], call: (api, dir) => read(api, dir, 'l/f', followed) },
  { name: 'a final link where parents are followed', layout: ['f: text', 'l => f'], call: (api, dir) => read(api, dir, 'l', parentsFollowed) },
  { name: 'a linked parent where parents are followed', layout: ['e/f: text', 'l => e'], call: (api, dir) => read(api, dir, 'l/f', parentsFollowed) },
  { name: 'a linked parent with an absolute target', layout: ['e/f: text', 'l => $DIR/e'], call: (api, dir) => read(api, dir, 'l/f', parentsFollowed) },
  { name: 'a linked parent outside, followed', layout: ['l => /etc'], call: (api, dir) => read(api, dir, 'l/passwd', parentsFollowed) },
  { name: 'a policy for links that does not exist', layout: ['f: text'], call: (api, dir) => read(api, dir, 'f', { symlinks: 'follow' as never }),
    differs: { verdict: 'better', because: 'a misspelt policy is told, and not taken for a strict one', theirs: ['ok ["text","$DIR/f"]'], ours: ['TypeError'] } },
  { name: 'two names', layout: ['f: text', 'g == f'], call: (api, dir) => read(api, dir, 'g') },
  { name: 'two names, allowed', layout: ['f: text', 'g == f'], call: (api, dir) => read(api, dir, 'g', { hardlinks: 'allow' }) },
  { name: 'two names, allowed by the root', layout: ['f: text', 'g == f'], call: async (api, dir) => (await (await api.root(dir, { hardlinks: 'allow' })).read('g', { hardlinks: undefined })).buffer.toString() },
  { name: 'too large', layout: ['f: text'], call: (api, dir) => read(api, dir, 'f', { maxBytes: 3 }) },
  { name: 'too large for the root', layout: ['f: text'], call: async (api, dir) => (await api.root(dir, { maxBytes: 3 })).readText('f') },
  { name: 'a limit of the call above that of the root', layout: ['f: text'], call: async (api, dir) => (await api.root(dir, { maxBytes: 3 })).readText('f', { maxBytes: 4 }) },
  { name: 'a wrong limit', layout: ['f: text'], call: (api, dir) => read(api, dir, 'f', { maxBytes: -1 }) },
  { name: 'a file that may not be read', layout: ['f 0000: text'], user: 1000, call: (api, dir) => read(api, dir, 'f') },
  { name: 'the path of an error of the system', layout: ['f 0000: text'], user: 1000, call: (api, dir) => read(api, dir, 'f').catch((error) => [error.code, error.path, error.message]) },
  { name: 'a parent that may not be searched', layout: ['e/ 0000', 'e/f: text'], user: 1000, call: (api, dir) => read(api, dir, 'e/f'),
    differs: { verdict: 'better', because: 'a permission that is missing is told as such; nothing has left the root', theirs: ['FsSafeError outside-workspace policy'], ours: ['Error EACCES'] } },
  { name: 'readText with an encoding', layout: ['f: \u00e9'], call: async (api, dir) => (await api.root(dir)).readText('f', { encoding: 'latin1' }) },
  { name: 'readText with an unknown encoding', layout: ['f: text'], call: async (api, dir) => (await api.root(dir)).readText('f', { encoding: 'nope' as never }) },
  { name: 'readText with an encoding in place of options', layout: ['f: text'], call: async (api, dir) => (await api.root(dir)).readText('f', 'latin1' as never),
    differs: { verdict: 'better', because: 'an encoding that would be ignored is told', theirs: ['ok "text"'], ours: ['TypeError'] } },
  ...Object.entries(changes).flatMap(([change, make]) => Object.entries(calls).map(([name, call]): Case => ({
    name: `${name} of a root that ${change}`,
    layout: ['p/r/f: text', 'p/other/f: other'],
    async call(api, dir) {
      const root = await api.root(`${dir}/p/r`);
      make(dir);
      return call(root);
    },
  }))),

  { name: 'stat of a file', layout: ['f: text'], call: (api, dir) => stat(api, dir, 'f') },
  { name: 'the fields of a stat', layout: ['f: text'], call: async (api, dir) => Object.keys(await (await api.root(dir)).stat('f')).sort() },
  { name: 'stat of a directory', layout: ['e/'], call: (api, dir) => stat(api, dir, 'e') },
  { name: 'stat of the root', call: (api, dir) => stat(api, dir, '') },
  { name: 'stat of a link', layout: ['f: text', 'l => f'], call: (api, dir) => stat(api, dir, 'l') },
  { name: 'stat of a link out', layout: ['l => /etc'], call: (api, dir) => stat(api, dir, 'l') },
  { name: 'stat through a link out', layout: ['l => /etc'], call: (api, dir) => stat(api, dir, 'l/passwd') },
  { name: 'stat of nothing', call: (api, dir) => stat(api, dir, 'f') },
  { name: 'stat of a link to nothing', layout: ['l => no'], call: (api, dir) => stat(api, dir, 'l') },
  { name: 'stat beneath a file', layout: ['f: text'], call: (api, dir) => stat(api, dir, 'f/x') },
  { name: 'stat by ..', layout: ['f: text', 'e/'], call: (api, dir) => stat(api, dir, 'e/../f') },
  { name: 'stat of an absolute path', layout: ['f: text'], call: (api, dir) => stat(api, dir, `${dir}/f`) },
  { name: 'stat with a NUL', call: (api, dir) => stat(api, dir, 'a\0') },
  { name: 'stat of what may not be read', layout: ['f 0000: text'], user: 1000, call: (api, dir) => stat(api, dir, 'f') },
  { name: 'stat where it may not search', layout: ['e/ 0000', 'e/f: text'], user: 1000, call: (api, dir) => stat(api, dir, 'e/f') },
  { name: 'exists', layout: ['f: text'], call: (api, dir) => exists(api, dir, 'f') },
  { name: 'stat of a link to itself', layout: ['l => l'], call: (api, dir) => stat(api, dir, 'l') },
  { name: 'stat of a link with an absolute target', layout: ['f: text', 'l => $DIR/f'], call: (api, dir) => stat(api, dir, 'l') },
  { name: 'stat with a slash behind a file', layout: ['f: text'], call: (api, dir) => stat(api, dir, 'f/') },
  { name: 'stat with a slash behind a directory', layout: ['e/'], call: (api, dir) => stat(api, dir, 'e/') },
  { name: 'exists, of a link to nothing with an absolute target', layout: ['l => $DIR/no'], call: (api, dir) => exists(api, dir, 'l') },
  { name: 'exists, beneath a file', layout: ['f: text'], call: (api, dir) => exists(api, dir, 'f/x') },
  { name: 'exists, of nothing', call: (api, dir) => exists(api, dir, 'f') },
  { name: 'exists, of a link to nothing', layout: ['l => no'], call: (api, dir) => exists(api, dir, 'l') },
  { name: 'exists, of a link out', layout: ['l => /etc'], call: (api, dir) => exists(api, dir, 'l') },
  { name: 'exists, in a home directory outside', call: async (api, dir) => { process.env['HOME'] = '/home'; return exists(api, dir, '~/x'); } },
  { name: 'exists, outside', call: (api, dir) => exists(api, dir, '../x') },
];
