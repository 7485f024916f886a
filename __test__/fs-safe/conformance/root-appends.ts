import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import type { Api, Case, Difference } from './harness.js';

type Root = Awaited<ReturnType<Api['root']>>;
type AppendOptions = NonNullable<Parameters<Root['append']>[2]>;
type OpenOptions = NonNullable<Parameters<Root['openWritable']>[1]>;

const layout = ['d/', 'f: old', 'h: one', 'hard == h', 'l => f', 'ld => d', 'lad => $DIR/d', 'ln => no', 'lo => /etc'];
const NAMES = ['f', 'n', 'a/b/n', 'l', 'ln', 'lo/n', 'ld/n', 'lad/n', 'h', 'd', '../n', '', '.', 'f/', 'n/', 'f/n', 'C:n', 'a\0', '~/f', '/etc/n', 'd/../f', 'ld/../f', 'x'.repeat(256)];
const policies = [{ mutationSymlinks: 'reject' }, { mutationSymlinks: 'follow-parents-within-root' }] as const;
const WRONG_TYPE = 'a wrong type is a TypeError, as in Node';
const EARLY: Difference = { verdict: 'better', because: 'values are checked before anything is made', theirs: ['a/ 0755'], ours: [] };

const title = (verb: string, name: string, options: object) => `${verb} ${JSON.stringify(name.slice(0, 20))}${Object.keys(options).length > 0 ? ` ${JSON.stringify(options)}` : ''}`;

function appending(name: string, options: AppendOptions = {}, more: Partial<Case> & { data?: string | Uint8Array } = {}): Case {
  const { data = 'new', ...rest } = more;
  return { name: title('append', name, options), layout, call: async (api, dir) => (await api.root(dir)).append(name, data, options), ...rest };
}

/** Writes two bytes, and describes the handle. */
async function opened(root: Root, name: string, options: OpenOptions): Promise<unknown> {
  await using file = await root.openWritable(name, options);
  await file.handle.write('YY');
  return [Object.keys(file).sort(), file.createdForWrite, file.realPath, file.stat.size, typeof file.stat.isFile];
}

function opening(name: string, options: OpenOptions = {}, more: Partial<Case> = {}): Case {
  return { name: title('openWritable', name, options), layout, call: async (api, dir) => opened(await api.root(dir), name, options), ...more };
}

const told = (api: Api, dir: string, options: object, log: string[]) => api.root(dir, { assertBeforeMutation: () => void log.push('root') }).then((root) => root.append('f', 'new', { assertBeforeMutation: () => void log.push('call'), ...options }));

const isWrong = ({ mode, encoding }: { mode?: unknown; encoding?: string }) => encoding === 'nope' || mode === -1 || mode === 1.5;

/** `append` and `openWritable` of a root. */
export const rootAppendCases: readonly Case[] = [
  ...NAMES.map((name) => appending(name)),
  ...NAMES.flatMap((name) => [opening(name), opening(name, { writeMode: 'append' }), opening(name, { writeMode: 'update' })]),
  ...policies.flatMap((policy) => ['f', 'n', 'l', 'lo', 'ln', 'lo/n', 'ld/n', 'lad/n', 'h', 'd/../f', 'ld/../f'].flatMap((name) => [appending(name, policy), opening(name, policy)])),
  appending('f', { mutationSymlinks: 'x' as never }),
  ...[{ durable: false }, { durable: 'file' }, { mkdir: false }, { mode: 0o644 }, { mode: 0o666 }, { mode: '0644' }, { mode: -1 }, { mode: 1.5 }, { encoding: 'nope' }].flatMap((options) => ['f', 'n', 'a/n'].map((name) => appending(name, options as AppendOptions, name === 'a/n' && isWrong(options) ? { differs: EARLY } : {}))),
  appending('n', { mode: 0o4755 }, { differs: { verdict: 'better', because: 'a file that runs as its owner is never published', theirs: ['n 4755: new'], ours: ['n 0755: new'] } }),
  opening('n', { mode: 0o640 }),
  opening('a/n', { mkdir: false }),
  opening('f', { writeMode: null as never }),
  opening('f', { writeMode: 'x' as never }),
  { ...appending('f', { encoding: 'latin1' }, { data: 'é' }), name: 'append in another encoding' },
  { ...appending('f', {}, { data: Buffer.from('bytes') }), name: 'append of a Buffer' },
  { ...appending('f', {}, { data: new Uint8Array([65]) }), name: 'append of a Uint8Array' },
  { ...appending('f', {}, { data: Buffer.alloc(200_000, 65) }), name: 'append of 200,000 bytes' },
  { ...appending('n', {}, { data: '' }), name: 'append of nothing to a new file' },
  { ...appending('f', {}, { data: 5 as never }), name: 'append of a number', differs: { verdict: 'different', because: WRONG_TYPE, theirs: ['ok null'], ours: ['TypeError'] } },
  { ...appending('f', {}, { data: null as never }), name: 'append of null' },
  ...(['utf8', 'utf16le', 'latin1'] as const).flatMap((encoding) => ['new', '\nnew', ''].flatMap((data): Case[] => ['f', 'n'].map((name) => (
    { ...appending(name, { prependNewlineIfNeeded: true, encoding }, { data }), name: `append ${JSON.stringify(data)} to ${name} on a line of its own, as ${encoding}` })))),
  { name: 'append to a file that ends its line', layout: ['f: old\n'], call: async (api, dir) => (await api.root(dir)).append('f', 'new', { prependNewlineIfNeeded: true }) },
  { name: 'append of bytes on a line of their own', layout, call: async (api, dir) => (await api.root(dir)).append('f', Buffer.from('new'), { prependNewlineIfNeeded: true }) },
  { name: 'append to a FIFO', call: async (api, dir) => (execFileSync('mkfifo', [`${dir}/p`]), (await api.root(dir)).append('p', 'new')) },
  { name: 'append with the defaults of the root', call: async (api, dir) => (await api.root(dir, { mode: 0o640, durable: false })).append('n', 'new') },
  { name: 'append where parents are not made by the root', call: async (api, dir) => (await api.root(dir, { mkdir: false })).append('a/n', 'new') },
  { name: 'append that root and call are asked for', layout, call: async (api, dir) => { const log: string[] = []; await told(api, dir, {}, log); return log; } },
  { name: 'append that the caller forbids', layout, call: async (api, dir) => told(api, dir, { assertBeforeMutation: () => { throw new Error('forbidden'); } }, []).catch((error) => error.message) },
  { name: 'append that the caller forbids later', layout, call: async (api, dir) => told(api, dir, { assertBeforeMutation: async () => {} }, []) },
  { name: 'openWritable that the caller forbids', layout, call: async (api, dir) => (await api.root(dir)).openWritable('f', { assertBeforeMutation: () => { throw new Error('forbidden'); } }).catch((error) => error.message) },
  { name: 'append to a file that may not be written', layout: ['f 0400: old'], user: 1000, call: async (api, dir) => (await api.root(dir)).append('f', 'new') },
  { name: 'append to a file that may not be read', layout: ['f 0200: old'], user: 1000, call: async (api, dir) => (await api.root(dir)).append('f', 'new') },
  { name: 'append where it may not write', layout: ['e/ 0555'], user: 1000, call: async (api, dir) => (await api.root(dir)).append('e/f', 'new') },
  { name: 'openWritable that reads', layout, call: async (api, dir) => { await using file = await (await api.root(dir)).openWritable('f', { writeMode: 'append' }); return (await file.handle.readFile()).toString(); } },
  { name: 'openWritable for an update that reads', layout, call: async (api, dir) => { await using file = await (await api.root(dir)).openWritable('f', { writeMode: 'update' }); return await file.handle.readFile(); } },
  { name: 'a file that openWritable has open is written on after a rename', layout, call: async (api, dir) => { await using file = await (await api.root(dir)).openWritable('f'); fs.renameSync(`${dir}/f`, `${dir}/g`); await file.handle.write('YY'); } },
];
