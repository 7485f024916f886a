import * as crypto from 'node:crypto';
import * as fs from 'node:fs';
import type { Api, Case } from './harness.js';

type RootFile = Partial<Parameters<Api['openRootFileSync']>[0]>;
interface Entry extends Omit<Case, 'name' | 'call'> {
  /** the same rows for both twins, if their outcomes are equal */
  twins: readonly [later: (api: Api, dir: string) => unknown, now: (api: Api, dir: string) => unknown];
}

function twins(name: string, { twins: [later, now], ...rest }: Entry): Case[] {
  return [
    { name, ...rest, call: async (api, dir) => later(api, dir) },
    { name: `${name}, at once`, ...rest, call: async (api, dir) => now(api, dir) },
  ];
}

const read = (name: string, maxBytes?: number): Entry['twins'] => {
  const text = ({ buffer, stat }: ReturnType<Api['readRegularFileSync']>) => [buffer.toString(), stat.size, stat.isFile()];
  return [
    (api, dir) => api.readRegularFile({ filePath: `${dir}/${name}`, maxBytes }).then(text),
    (api, dir) => text(api.readRegularFileSync({ filePath: `${dir}/${name}`, maxBytes })),
  ];
};
const json = (name: string, maxBytes?: number): Entry['twins'] => [
  (api, dir) => api.tryReadJson(`${dir}/${name}`, { maxBytes }),
  (api, dir) => api.tryReadJsonSync(`${dir}/${name}`, { maxBytes }),
];
const exists = (name: string): Entry['twins'] => [(api, dir) => api.pathExists(`${dir}/${name}`), (api, dir) => api.pathExistsSync(`${dir}/${name}`)];
const hash = (name: string, options?: Parameters<Api['sha256File']>[1]): Entry['twins'] => [
  (api, dir) => api.sha256File(`${dir}/${name}`, options),
  (api, dir) => api.sha256FileSync(`${dir}/${name}`, options),
];
const sync = (name: string): Entry['twins'] => [(api, dir) => api.syncDirectory(`${dir}/${name}`), (api, dir) => api.syncDirectorySync(`${dir}/${name}`)];

/** Returns a directory receipt with the real location. */
const receipt = (name: string, real = name): Entry['twins'] => {
  const of = (dir: string) => ({ path: `${dir}/${name}`, realPath: `${dir}/${real}`, identity: fs.statSync(`${dir}/${name}`) });
  return [(api, dir) => api.syncDirectory(of(dir)), (api, dir) => api.syncDirectorySync(of(dir))];
};

/** Describes an opened file, or the reason of a failure. Closes the file. */
const beneath = (name: string, params: RootFile = {}, root = 'r'): Entry['twins'] => {
  const said = (result: ReturnType<Api['openRootFileSync']>) => {
    if (!result.ok) {
      const { name: kind, code } = (result.error ?? {}) as NodeJS.ErrnoException;
      return [result.reason, kind, code];
    }
    const content = result.stat.isFile() ? fs.readFileSync(result.fd, 'utf8') : 'directory';
    fs.closeSync(result.fd);
    return [result.path, content, result.rootRealPath, result.stat.size];
  };
  const all = (dir: string) => ({ absolutePath: name.startsWith('/') ? name : `${dir}/${name}`, rootPath: `${dir}/${root}`, boundaryLabel: 'root', ...params });
  return [async (api, dir) => said(await api.openRootFile(all(dir))), (api, dir) => said(api.openRootFileSync(all(dir)))];
};

export const fileCases: readonly Case[] = [
  ...twins('pathExists of a file', { layout: ['f: text'], twins: exists('f') }),
  ...twins('pathExists of a directory', { layout: ['e/'], twins: exists('e') }),
  ...twins('pathExists of nothing', { twins: exists('f') }),
  ...twins('pathExists of a link to nothing', { layout: ['l => no'], twins: exists('l') }),
  ...twins('pathExists of a link to a file', { layout: ['f: text', 'l => f'], twins: exists('l') }),
  ...twins('pathExists of a NUL', { twins: exists('a\0b') }),
  ...twins('pathExists where it may not search', { layout: ['e/f: text', 'e/ 0000'], user: 1000, twins: exists('e/f') }),
  ...twins('pathExists of a file that may not be read', { layout: ['f 0000: text'], user: 1000, twins: exists('f') }),
  { name: 'safeRealpathSync of a link', layout: ['e/f: text', 'l => e'], call: (api, dir) => api.safeRealpathSync(`${dir}/l/f`) },
  { name: 'safeRealpathSync of a file with a slash behind', layout: ['f: text'], call: (api, dir) => api.safeRealpathSync(`${dir}/f/`) },
  { name: 'safeRealpathSync of nothing', call: (api, dir) => api.safeRealpathSync(`${dir}/no`) },
  { name: 'safeRealpathSync of a NUL', call: (api) => api.safeRealpathSync('a\0b') },
  { name: 'safeRealpathSync of a relative path', call: (api) => api.safeRealpathSync('.') === fs.realpathSync('.') },
  { name: 'safeRealpathSync with a cache', layout: ['e/', 'l => e'],
    call: (api, dir) => {
      const cache = new Map([['known', '/somewhere']]);
      return [api.safeRealpathSync('known', cache), api.safeRealpathSync(`${dir}/l`, cache), [...cache]];
    } },
  ...twins('a regular file', { layout: ['f: text'], twins: read('f') }),
  ...twins('an empty regular file', { layout: ['f:'], twins: read('f') }),
  ...twins('a regular file that is missing', { twins: read('f') }),
  ...twins('a regular file beneath a file', { layout: ['f: text'], twins: read('f/x') }),
  ...twins('a regular file that is a directory', { layout: ['e/'], twins: read('e') }),
  ...twins('a regular file that is a link', { layout: ['f: text', 'l => f'], twins: read('l') }),
  ...twins('a regular file that is a link to nothing', { layout: ['l => f'], twins: read('l') }),
  ...twins('a regular file through a linked parent', { layout: ['e/f: text', 'l => e'], twins: read('l/f') }),
  ...twins('a regular file that is a FIFO', { layout: ['p |'], twins: read('p') }),
  ...twins('a regular file with two names', { layout: ['f: text', 'g == f'], twins: read('f') }),
  ...twins('a regular file of the size allowed', { layout: ['f: text'], twins: read('f', 4) }),
  ...twins('a regular file that is too large', { layout: ['f: text'], twins: read('f', 3) }),
  ...twins('a regular file with a wrong limit', { layout: ['f: text'], twins: read('f', -1) }),
  ...twins('a regular file that may not be read', { layout: ['f 0000: text'], user: 1000, twins: read('f') }),
  ...twins('a regular file with a NUL', { twins: read('a\0b'), differs: { verdict: 'different', because: 'a NUL in a path is a refusal with a code, as in every other read', theirs: ['TypeError'], ours: ['FsSafeError invalid-path policy'] } }),
  ...twins('a device as regular file', { twins: [(api) => api.readRegularFile({ filePath: '/dev/zero' }), (api) => api.readRegularFileSync({ filePath: '/dev/zero' })] }),
  { name: 'the fields of a regular file', layout: ['f: text'], call: async (api, dir) => Object.keys(await api.readRegularFile({ filePath: `${dir}/f` })).sort() },
  ...twins('tryReadJson', { layout: ['f: {"a":[1]}'], twins: json('f') }),
  ...twins('tryReadJson of nothing', { twins: json('f') }),
  ...twins('tryReadJson of no JSON', { layout: ['f: text'], twins: json('f') }),
  ...twins('tryReadJson of a link', { layout: ['f: {}', 'l => f'], twins: json('l') }),
  ...twins('tryReadJson of a directory', { layout: ['e/'], twins: json('e') }),
  ...twins('tryReadJson of a file that is too large', { layout: ['f: {"a":1}'], twins: json('f', 2) }),
  ...twins('tryReadJson of a file that may not be read', { layout: ['f 0000: {}'], user: 1000, twins: json('f') }),
  ...twins('tryReadJson with a wrong limit', { layout: ['f: {}'], twins: json('f', -1) }),
  { name: 'writeJson of a value', call: async (api, dir) => api.writeJson(`${dir}/f`, { a: [1, 'two'] }) },
  { name: 'writeJson with options', mode: 0o700, call: async (api, dir) => api.writeJson(`${dir}/a/f`, [1], { mode: 0o640, dirMode: 0o750, trailingNewline: true, durable: false }) },
  { name: 'writeJson over a link', layout: ['f: old', 'l => f'], call: async (api, dir) => api.writeJson(`${dir}/l`, 1) },
  { name: 'writeJson of what JSON has no word for at all', call: async (api, dir) => api.writeJson(`${dir}/f`, undefined) },
  { name: 'writeJson in a directory of the group', mode: 0o2775, owner: [0, 1000], user: 1000, call: async (api, dir) => api.writeJson(`${dir}/f`, {}),
    differs: { verdict: 'better', because: 'no chmod is tried that the system would refuse', theirs: ['Error EPERM'], ours: ['ok null', 'f 0600: {}'] } },
  ...twins('a window of an open file', { layout: ['f: 0123456789'], twins: [
    async (api, dir) => window(dir, ({ handle }, buffer) => api.readFileWindowFully(handle, buffer, 3)),
    async (api, dir) => window(dir, ({ fd }, buffer) => api.readFileWindowFullySync(fd, buffer, 3)),
  ] }),
  ...twins('a window behind the end', { layout: ['f: 0123456789'], twins: [
    async (api, dir) => window(dir, ({ handle }, buffer) => api.readFileWindowFully(handle, buffer, 8)),
    async (api, dir) => window(dir, ({ fd }, buffer) => api.readFileWindowFullySync(fd, buffer, 8)),
  ] }),
  ...twins('a window before the beginning', { layout: ['f: 0123456789'], twins: [
    async (api, dir) => window(dir, ({ handle }, buffer) => api.readFileWindowFully(handle, buffer, -1)),
    async (api, dir) => window(dir, ({ fd }, buffer) => api.readFileWindowFullySync(fd, buffer, -1)),
  ] }),
  { name: 'a window whose signal is aborted', layout: ['f: 0123456789'], call: async (api, dir) => window(dir, ({ handle }, buffer) => api.readFileWindowFully(handle, buffer, 0, { signal: AbortSignal.abort(new TypeError('stop')) })) },
  ...twins('sha256File', { layout: ['f: text'], twins: hash('f') }),
  ...twins('sha256File of an empty file', { layout: ['f:'], twins: hash('f') }),
  ...twins('sha256File of nothing', { twins: hash('f') }),
  ...twins('sha256File of a directory', { layout: ['e/'], twins: hash('e') }),
  ...twins('sha256File of a FIFO', { layout: ['p |'], twins: hash('p') }),
  ...twins('sha256File of a link', { layout: ['f: text', 'l => f'], twins: hash('l') }),
  ...twins('sha256File of the size allowed', { layout: ['f: text'], twins: hash('f', { maxBytes: 4 }) }),
  ...twins('sha256File of a file that is too large', { layout: ['f: text'], twins: hash('f', { maxBytes: 3 }) }),
  ...twins('sha256File with a wrong limit', { layout: ['f: text'], twins: hash('f', { maxBytes: 1.5 }) }),
  ...twins('sha256File whose signal is aborted', { layout: ['f: text'], twins: hash('f', { signal: AbortSignal.abort(new TypeError('stop')) }) }),
  ...twins('sha256File of a file that may not be read', { layout: ['f 0000: text'], user: 1000, twins: hash('f') }),
  ...twins('sha256File of what is open', { layout: ['f: text'], twins: [
    async (api, dir) => window(dir, async ({ handle }, buffer) => [await api.sha256File(handle), (await handle.read(buffer, 0, 1)).bytesRead]),
    async (api, dir) => window(dir, ({ fd }, buffer) => [api.sha256FileSync(fd), fs.readSync(fd, buffer, 0, 1, null)]),
  ] }),
  ...twins('sha256File of an open directory', { layout: ['e/'], twins: [
    async (api, dir) => { const handle = await fs.promises.open(`${dir}/e`); return api.sha256File(handle).finally(() => handle.close()); },
    async (api, dir) => { const fd = fs.openSync(`${dir}/e`, 'r'); try { return api.sha256FileSync(fd); } finally { fs.closeSync(fd); } },
  ] }),
  { name: 'sha256File of more than one chunk', call: async (api, dir) => { const bytes = crypto.createHash('shake256', { outputLength: 700_001 }).update('seed').digest(); fs.writeFileSync(`${dir}/f`, bytes); const said = [await api.sha256File(`${dir}/f`), api.sha256FileSync(`${dir}/f`)]; fs.rmSync(`${dir}/f`); return said; } },
  ...twins('syncDirectory', { layout: ['e/'], twins: sync('e') }),
  ...twins('syncDirectory of nothing', { twins: sync('e') }),
  ...twins('syncDirectory of a file', { layout: ['f: text'], twins: sync('f') }),
  ...twins('syncDirectory of a file with a slash behind', { layout: ['f: text'], twins: sync('f/') }),
  ...twins('syncDirectory of a directory with a slash behind', { layout: ['e/'], twins: sync('e/') }),
  ...twins('syncDirectory of a receipt with another real path', { layout: ['e/'], twins: receipt('e', 'other') }),
  ...twins('syncDirectory of a link', { layout: ['e/', 'l => e'], twins: sync('l') }),
  ...twins('syncDirectory of one that may not be read', { layout: ['e/ 0300'], user: 1000, twins: sync('e') }),
  ...twins('syncDirectory of another than the receipt says', { layout: ['e/', 'd/'], twins: [
    (api, dir) => api.syncDirectory({ path: `${dir}/e`, realPath: `${dir}/e`, identity: fs.statSync(`${dir}/d`) }),
    (api, dir) => api.syncDirectorySync({ path: `${dir}/e`, realPath: `${dir}/e`, identity: fs.statSync(`${dir}/d`) }),
  ] }),
  ...twins('syncDirectory of a receipt', { layout: ['e/'], twins: [
    (api, dir) => api.syncDirectory({ path: `${dir}/e`, realPath: `${dir}/e`, identity: fs.statSync(`${dir}/e`) }),
    (api, dir) => api.syncDirectorySync({ path: `${dir}/e`, realPath: `${dir}/e`, identity: fs.statSync(`${dir}/e`) }),
  ] }),
  ...twins('openRootFile', { layout: ['r/e/f: text'], twins: beneath('r/e/f') }),
  ...twins('openRootFile of nothing', { layout: ['r/'], twins: beneath('r/f') }),
  ...twins('openRootFile beneath a missing parent', { layout: ['r/'], twins: beneath('r/no/f') }),
  ...twins('openRootFile beneath a file', { layout: ['r/f: text'], twins: beneath('r/f/x') }),
  ...twins('openRootFile of a directory', { layout: ['r/e/'], twins: beneath('r/e') }),
  ...twins('openRootFile of a directory that is wanted', { layout: ['r/e/'], twins: beneath('r/e', { allowedType: 'directory' }) }),
  ...twins('openRootFile of the root, which is wanted', { layout: ['r/'], twins: beneath('r', { allowedType: 'directory' }) }),
  ...twins('openRootFile of a file where a directory is wanted', { layout: ['r/f: text'], twins: beneath('r/f', { allowedType: 'directory' }) }),
  ...twins('openRootFile of a FIFO', { layout: ['r/p |'], twins: beneath('r/p') }),
  ...twins('openRootFile of a socket', { layout: ['r/s @'], twins: beneath('r/s') }),
  ...twins('openRootFile outside', { layout: ['r/', 'f: text'], twins: beneath('f') }),
  ...twins('openRootFile of nothing outside', { layout: ['r/'], twins: beneath('f') }),
  ...twins('openRootFile of a link', { layout: ['r/f: text', 'r/l => f'], twins: beneath('r/l') }),
  ...twins('openRootFile of a link out', { layout: ['r/', 'f: text', 'r/l => ../f'], twins: beneath('r/l') }),
  ...twins('openRootFile of a link to nothing', { layout: ['r/', 'r/l => no'], twins: beneath('r/l') }),
  ...twins('openRootFile through a linked parent', { layout: ['r/e/f: text', 'r/l => e'], twins: beneath('r/l/f') }),
  ...twins('openRootFile of a link, followed', { layout: ['r/f: text', 'r/l => f'], twins: beneath('r/l', { rejectSymlinks: false }) }),
  ...twins('openRootFile of a link out, followed', { layout: ['r/', 'f: text', 'r/l => ../f'], twins: beneath('r/l', { symlinks: 'follow-within-root' }) }),
  ...twins('openRootFile of a link to nothing, followed', { layout: ['r/', 'r/l => no'], twins: beneath('r/l', { symlinks: 'follow-within-root' }) }),
  ...twins('openRootFile of a link where parents are followed', { layout: ['r/f: text', 'r/l => f'], twins: beneath('r/l', { symlinks: 'follow-parents-within-root' }) }),
  ...twins('openRootFile through a linked parent, followed', { layout: ['r/e/f: text', 'r/l => e'], twins: beneath('r/l/f', { symlinks: 'follow-parents-within-root' }) }),
  ...twins('openRootFile beneath a linked root', { layout: ['r/f: text', 'l => r'], twins: beneath('l/f', {}, 'l') }),
  ...twins('openRootFile by the real path of a linked root', { layout: ['r/f: text', 'l => r'], twins: beneath('r/f', {}, 'l') }),
  ...twins('openRootFile by a linked spelling of the root', { layout: ['r/f: text', 'l => r'], twins: beneath('l/f') }),
  ...twins('openRootFile by a linked spelling, allowed', { layout: ['r/f: text', 'l => r'], twins: beneath('l/f', { skipLexicalRootCheck: true, rejectSymlinks: false }) }),
  ...twins('openRootFile of one of two names', { layout: ['r/f: text', 'r/g == r/f'], twins: beneath('r/f') }),
  ...twins('openRootFile of one of two names, allowed', { layout: ['r/f: text', 'r/g == r/f'], twins: beneath('r/f', { rejectHardlinks: false }) }),
  ...twins('openRootFile of one of two names, with null', { layout: ['r/f: text', 'r/g == r/f'], twins: beneath('r/f', { rejectHardlinks: null as never }) }),
  ...twins('openRootFile of a link to nothing where parents are followed', { layout: ['r/', 'r/l => no'], twins: beneath('r/l', { symlinks: 'follow-parents-within-root' }) }),
  ...twins('openRootFile outside of a root that is missing', { layout: ['f: text'], twins: beneath('f') }),
  ...twins('openRootFile of a file that is too large', { layout: ['r/f: text'], twins: beneath('r/f', { maxBytes: 3 }) }),
  ...twins('openRootFile of the size allowed', { layout: ['r/f: text'], twins: beneath('r/f', { maxBytes: 4 }) }),
  ...twins('openRootFile of a file that may not be read', { layout: ['r/f 0000: text'], user: 1000, twins: beneath('r/f') }),
  ...twins('openRootFile where it may not search', { layout: ['r/e/f: text', 'r/e/ 0000'], user: 1000, twins: beneath('r/e/f') }),
  ...twins('openRootFile of a root that is missing', { twins: beneath('r/f') }),
  ...twins('openRootFile of a root that is a file', { layout: ['r: text'], twins: beneath('r/f') }),
  ...twins('openRootFile with a slash behind', { layout: ['r/f: text'], twins: beneath('r/f/') }),
];

/** Calls with an open file and a buffer of four bytes, and shows both. */
async function window(dir: string, call: (open: { handle: fs.promises.FileHandle; fd: number }, buffer: Buffer) => unknown): Promise<unknown> {
  const handle = await fs.promises.open(`${dir}/f`);
  const buffer = Buffer.alloc(4, '-');
  try {
    return [await call({ handle, fd: handle.fd }, buffer), buffer.toString()];
  } finally {
    await handle.close();
  }
}
