import * as fs from 'node:fs';
import type { Api, Case } from './harness.js';

type Root = Awaited<ReturnType<Api['root']>>;
type RemoveOptions = Parameters<Root['remove']>[1];
type MoveOptions = Parameters<Root['move']>[2];
type CopyOptions = Parameters<Root['copyIn']>[2];

const layout = ['e/d/', 'e/h: three', 'em/', 'f: text', 'g: b', 'hard == f', 'le => e', 'lae => $DIR/e', 'lf => f', 'ln => no', 'lo => /etc', 'loop => loop'];
const NOTHING_LEFT = 'a link to nothing leads nowhere: nothing has left the root';
const PATH_ALIAS = 'FsSafeError path-alias policy';
const NOT_FOUND = 'FsSafeError not-found operational';

const remove = async (api: Api, dir: string, name: string, options?: RemoveOptions) => (await api.root(dir)).remove(name, options);
const move = async (api: Api, dir: string, from: string, to: string, options?: MoveOptions) => (await api.root(dir)).move(from, to, options);

const title = (verb: string, names: readonly string[], options: object) => `${verb} ${names.map((name) => JSON.stringify(name)).join(' to ')}${Object.keys(options).length > 0 ? ` ${JSON.stringify(options)}` : ''}`;

function removal(name: string, options: RemoveOptions = {}, differs?: Case['differs'], says?: string): Case {
  return { name: title('remove', [name], options), layout, call: (api, dir) => remove(api, dir, name, options), ...(differs ? { differs } : {}), ...(says ? { says } : {}) };
}

function moving(from: string, to: string, options: MoveOptions = {}, differs?: Case['differs'], says?: string): Case {
  return { name: title('move', [from, to], options), layout, call: (api, dir) => move(api, dir, from, to, options), ...(differs ? { differs } : {}), ...(says ? { says } : {}) };
}

const overwrite = { overwrite: true };
const rejected = { mutationSymlinks: 'reject' } as const;
const parents = { mutationSymlinks: 'follow-parents-within-root' } as const;

/** Makes a source outside of the root. */
function outside(dir: string): string {
  const source = `${dir}-source`;
  fs.writeFileSync(source, 'copied');
  fs.chmodSync(source, 0o750);
  return source;
}
function copying(name: string, options: CopyOptions = {}, more: Partial<Case> = {}): Case {
  return { name: title('copyIn', [name], options), layout, call: async (api, dir) => (await api.root(dir)).copyIn(name, outside(dir), options), ...more };
}

export const rootChangeCases: readonly Case[] = [
  ...['', '.', 'em', 'em/', 'e', 'f', 'f/', 'f/x', 'no', 'no/x', 'le', 'le/h', 'lae/h', 'lo', 'lo/passwd', 'ln', 'lf', 'loop/x', 'x'.repeat(256), '..', '../x', '/etc', 'e/../f', 'C:x', 'a\0', 'hard', '~/g'].map((name) => removal(name)),
  removal('le/', {}, { verdict: 'better', because: 'a link whose path ends in a slash is refused, and what it leads to stays', theirs: ['FsSafeError not-empty operational'], ours: [PATH_ALIAS] }),
  removal('ln/x', {}, { verdict: 'different', because: NOTHING_LEFT, theirs: [PATH_ALIAS], ours: [NOT_FOUND] }),
  ...['', 'e', 'f', 'no', 'no/x', 'le', 'ln', '..'].map((name) => removal(name, { recursive: true })),
  removal('le/', { recursive: true }, { verdict: 'better', because: 'a link whose path ends in a slash is refused, and what it leads to stays', theirs: ['ok null'], ours: [PATH_ALIAS, 'e/ 0755', 'e/d/ 0755', 'e/h 0644: three'] }),
  ...[{ force: true }, { force: true, recursive: true }].flatMap((options) => ['no', 'no/x', 'loop/x', 'f/x', 'e'].map((name) => removal(name, options))),
  removal('e', { maxEntries: 1 }),
  removal('e', { order: 'sorted' }),
  removal('e', { recursive: true, order: 'sorted' }),
  removal('e', { recursive: true, order: 'x' as never }),
  removal('e', { recursive: true, maxEntries: -1 }),
  removal('e', { recursive: true, maxEntries: 3 }),
  removal('e', { recursive: true, maxDepth: 1 }),
  removal('e', { recursive: true, maxEntries: 2, order: 'sorted' }),
  { name: 'a tree of too many entries', layout: ['e/a/f: text', 'e/b/g: text'], call: (api, dir) => remove(api, dir, 'e', { recursive: true, maxEntries: 4, order: 'sorted' }),
    differs: { verdict: 'better', because: 'the entries are counted first, and nothing is removed where there are too many', theirs: [], ours: ['e/a/ 0755', 'e/a/f 0644: text'] } },
  { name: 'a tree that is deeper than 64 levels', layout: [`e/${'d/'.repeat(65)}`], call: (api, dir) => remove(api, dir, 'e', { recursive: true }),
    differs: { verdict: 'better', because: 'the depth of a tree is no limit, unless the caller gives one', theirs: ['FsSafeError too-large policy', 'e/ 0755', ...Array.from({ length: 65 }, (_, at) => `e/${'d/'.repeat(at + 1)} 0755`)], ours: ['ok null'] } },
  ...[rejected, parents].flatMap((options) => ['le', 'le/h', 'lae/h', 'lf', 'lo', 'ln', 'g'].map((name) => removal(name, options))),
  { name: 'a tree with a link, where a policy is named', layout: ['e/a: text', 'e/l => a'], call: (api, dir) => remove(api, dir, 'e', { recursive: true, order: 'sorted', ...parents }),
    differs: { verdict: 'better', because: 'links are looked for first, and nothing is removed where there is one', theirs: [], ours: ['e/a 0644: text'] } },
  { name: 'a removal after an abort', layout, call: (api, dir) => remove(api, dir, 'e', { recursive: true, signal: AbortSignal.abort(new Error('stop')) }).catch((error) => error.message) },
  { name: 'a removal that the caller forbids', layout, call: (api, dir) => remove(api, dir, 'g', { assertBeforeMutation: () => { throw new Error('forbidden'); } }).catch((error) => error.message) },
  { name: 'a removal that the caller forbids later', layout, call: (api, dir) => remove(api, dir, 'g', { assertBeforeMutation: async () => {} }) },
  { name: 'a removal where it may not write', layout: ['e/ 0555', 'e/f: text'], user: 1000, call: (api, dir) => remove(api, dir, 'e/f') },

  ...[['g', 'n'], ['g', 'f'], ['g', 'e'], ['g', 'em'], ['g', 'no/n'], ['g', 'le'], ['g', 'ln'], ['g', 'lo'], ['g', 'le/n'], ['g', 'lae/n'], ['g', 'lo/n'], ['g', 'f/n'], ['g', ''], ['g', '.'], ['g', 'g'], ['g/', 'n'], ['g/x', 'n'], ['g', 'n/'], ['g', 'e/'], ['g', '../n'], ['../g', 'n'], ['g', '/etc/n'], ['g', 'C:n'], ['g', 'a\0'], ['le/h', 'n'], ['lae/h', 'n'], ['e/h', 'n'], ['e', 'n'], ['em', 'e'], ['no', 'n'], ['no/x', 'n'], ['lf', 'n'], ['le', 'n'], ['ln', 'n'], ['lo', 'n'], ['lo/passwd', 'n'], ['f', 'n'], ['', 'n']].map(([from, to]) => moving(from!, to!)),
  moving('g', 'lf', {}, { verdict: 'different', because: 'a name that is taken is already-exists, whatever the link there leads to', theirs: [PATH_ALIAS], ours: ['FsSafeError already-exists policy'] }),
  moving('g', 'ln/n', {}, { verdict: 'different', because: NOTHING_LEFT, theirs: [PATH_ALIAS], ours: [NOT_FOUND] }),
  ...[['g', 'n'], ['g', 'f'], ['g', 'e'], ['g', 'em'], ['g', 'no/n'], ['g', 'lf'], ['g', 'le'], ['g', 'ln'], ['g', 'lo'], ['g', 'lo/n'], ['g', 'f/n'], ['g', 'g'], ['g', 'n/'], ['g', 'f/'], ['e', 'f/'], ['g', 'lf/'], ['e', 'lf/'], ['g', 'x'.repeat(256)], ['x'.repeat(256), 'n'], ['loop/x', 'n'], ['e', 'n'], ['e', 'em'], ['em', 'e'], ['e', 'e/n'], ['e/h', 'g'], ['e', 'n/'], ['lf', 'n'], ['f', 'n'], ['no', 'n']].map(([from, to]) => moving(from!, to!, overwrite)),
  moving('e', 'g', overwrite, { verdict: 'different', because: 'a directory that would replace a file is told as the system tells it', theirs: [NOT_FOUND], ours: ['Error ENOTDIR'] }),
  moving('g', '', overwrite, { verdict: 'different', because: 'the root itself is no name beneath the root', theirs: ['Error ENOTEMPTY'], ours: [PATH_ALIAS] }),
  ...[['g', 'le/n', 'g 0644: b', 'e/n 0644: b'], ['le/h', 'n', 'e/h 0644: three', 'n 0644: three']].map(([from, to, was, is]) => moving(from!, to!, overwrite, { verdict: 'better', because: 'parents that are links beneath the root are followed with overwrite, too', theirs: ['FsSafeError not-file policy', was!], ours: ['ok null', is!] })),
  ...[rejected, parents].flatMap((options) => [['g', 'n'], ['g', 'le/n'], ['le/h', 'n'], ['lae/h', 'n'], ['lf', 'n'], ['g', 'lf'], ['g', 'ln'], ['g', 'lo'], ['lo', 'n'], ['g', 'no/n']].map(([from, to]) => moving(from!, to!, options))),
  { name: 'a FIFO that is moved', layout: ['p |'], call: (api, dir) => move(api, dir, 'p', 'q') },
  { name: 'a move that the caller forbids', layout, call: (api, dir) => move(api, dir, 'g', 'n', { assertBeforeMutation: () => { throw new Error('forbidden'); } }).catch((error) => error.message) },

  ...['n', 'g', 'no/n', 'em', 'ln', 'lo', 'hard', 'le/n', 'lo/n', 'f/x', '', '../n', 'C:n', 'a\0'].map((name) => copying(name)),
  copying('lae/n', {}, { differs: { verdict: 'better', because: 'where the link leads is beneath the root, and the portable code of the original follows it, too', theirs: ['FsSafeError invalid-path policy'], ours: ['ok null', 'e/n 0600: copied'] } }),
  ...[{ overwrite: false }, { mode: 0o644 }, { preserveSourceMode: true }, { preserveSourceMode: true, mode: 0o600 }, { maxBytes: 1 }, { maxBytes: 6 }, { maxBytes: -1 }, { clone: 'auto' }, { clone: 'never' }, { clone: 'x' as never }, { durable: false }] .map((options) => copying('n', options as CopyOptions)),
  copying('g', { overwrite: false }),
  copying('no/n', { mkdir: false }),
  copying('lf', rejected),
  copying('le/n', rejected),
  copying('le/n', parents),
  { name: 'copyIn of a source that is missing', call: async (api, dir) => (await api.root(dir)).copyIn('n', `${dir}/no`) },
  { name: 'copyIn of a source that is a directory', layout, call: async (api, dir) => (await api.root(dir)).copyIn('n', `${dir}/e`) },
  { name: 'copyIn of a source that is a link', layout, call: async (api, dir) => (await api.root(dir)).copyIn('n', `${dir}/lf`) },
  { name: 'copyIn of a device', call: async (api, dir) => (await api.root(dir)).copyIn('n', '/dev/zero') },
  { name: 'copyIn of a source with two names', layout, call: async (api, dir) => (await api.root(dir)).copyIn('n', `${dir}/f`) },
  { name: 'copyIn of a source with two names, rejected', layout, call: async (api, dir) => (await api.root(dir)).copyIn('n', `${dir}/f`, { sourceHardlinks: 'reject' }) },
  { name: 'copyIn from a root', layout, call: async (api, dir) => (await api.root(dir)).copyIn('n', { root: await api.root(`${dir}/e`), relativePath: 'h' }) },
  { name: 'copyIn from a root, of a link', layout: ['e/h: text', 'e/l => h'], call: async (api, dir) => (await api.root(dir)).copyIn('n', { root: await api.root(`${dir}/e`), relativePath: 'l' }) },
  { name: 'copyIn from a root, of what is outside', layout, call: async (api, dir) => (await api.root(dir)).copyIn('n', { root: await api.root(`${dir}/e`), relativePath: '../g' }) },
  { name: 'copyIn of too much, by the root', layout, call: async (api, dir) => (await api.root(dir, { maxBytes: 3 })).copyIn('n', outside(dir)) },
  { name: 'copyIn that tells of its file', layout, call: async (api, dir) => { let seen: object = {}; await (await api.root(dir)).copyIn('le/n', outside(dir), { onDestinationPublished: (receipt) => void (seen = receipt) }); return seen; } },
  { name: 'copyIn that the caller forbids', layout, call: async (api, dir) => (await api.root(dir)).copyIn('no/n', outside(dir), { assertBeforeMutation: () => { throw new Error('forbidden'); } }).catch((error) => error.message) },
  { name: 'copyIn after an abort', layout, call: async (api, dir) => (await api.root(dir)).copyIn('n', outside(dir), { signal: AbortSignal.abort(new Error('stop')) }).catch((error) => error.message) },
];
