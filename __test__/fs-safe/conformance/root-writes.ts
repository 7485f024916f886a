import type { Api, Case } from './harness.js';

type Root = Awaited<ReturnType<Api['root']>>;
type WriteOptions = Parameters<Root['write']>[2];

const write = async (api: Api, dir: string, name: string, options?: WriteOptions, data: string | Uint8Array = 'new') =>
  (await api.root(dir)).write(name, data, options);
const create = async (api: Api, dir: string, name: string, options?: Parameters<Root['create']>[2]) => (await api.root(dir)).create(name, 'new', options);
const mkdir = async (api: Api, dir: string, name: string, options?: Parameters<Root['mkdir']>[1]) => (await api.root(dir)).mkdir(name, options);
async function* chunks() {
  yield Buffer.from('ab');
  yield Buffer.from('c');
}
/** A producer whose second step rejects. */
const failing = (log: string[]) => ({
  [Symbol.asyncIterator]: () => ({
    async next() {
      log.push('next');
      if (log.length > 1) throw new Error('broken');
      return { done: false as const, value: Buffer.from('a') };
    },
    async return() {
      log.push('return');
      return { done: true as const, value: undefined };
    },
  }),
});
const refused = (): never => {
  throw new Error('not now');
};

/** Writes of a root, and the resulting directory. */
export const rootWriteCases: readonly Case[] = [
  { name: 'a new file', call: (api, dir) => write(api, dir, 'f') },
  { name: 'over a file with mode 0640', layout: ['f 0640: old'], call: (api, dir) => write(api, dir, 'f') },
  { name: 'a new file with a mode', call: (api, dir) => write(api, dir, 'f', { mode: 0o644 }) },
  { name: 'over a file, with a mode', layout: ['f 0640: old'], call: (api, dir) => write(api, dir, 'f', { mode: 0o600 }) },
  { name: 'with the mode of the root', call: async (api, dir) => (await api.root(dir, { mode: 0o640 })).write('f', 'new') },
  { name: 'with setuid', call: (api, dir) => write(api, dir, 'f', { mode: 0o4755 }),
    differs: { verdict: 'better', because: 'a file that runs as its owner is never published', theirs: ['f 4755: new'], ours: ['f 0755: new'] } },
  { name: 'with a mode below zero', call: (api, dir) => write(api, dir, 'f', { mode: -1 }) },
  { name: 'over a file that its owner may not write', layout: ['f 0400: old'], user: 1000, call: (api, dir) => write(api, dir, 'f') },
  { name: 'missing parents under umask 077', call: async (api, dir) => { process.umask(0o077); return write(api, dir, 'a/b/f'); } },
  { name: 'over a file without permissions, with a mode', layout: ['f 0000: old'], user: 1000, call: (api, dir) => write(api, dir, 'f', { mode: 0o600 }) },
  { name: 'over a file that its owner may not read', layout: ['f 0200: old'], user: 1000, call: (api, dir) => write(api, dir, 'f') },
  { name: 'missing parents', call: (api, dir) => write(api, dir, 'a/b/f') },
  { name: 'missing parents, not to be made', call: (api, dir) => write(api, dir, 'a/f', { mkdir: false }) },
  { name: 'missing parents, not to be made by the root', call: async (api, dir) => (await api.root(dir, { mkdir: false })).write('a/f', 'new') },
  { name: 'not over a file', layout: ['f: old'], call: (api, dir) => write(api, dir, 'f', { overwrite: false }) },
  { name: 'not over a file, where there is none', call: (api, dir) => write(api, dir, 'f', { overwrite: false }) },
  { name: 'not durable', call: (api, dir) => write(api, dir, 'f', { durable: false }) },
  { name: 'in another encoding', call: (api, dir) => write(api, dir, 'f', { encoding: 'latin1' }, 'é') },
  { name: 'a Buffer', call: (api, dir) => write(api, dir, 'f', {}, Buffer.from('new')) },
  { name: 'a Uint8Array', call: (api, dir) => write(api, dir, 'f', {}, new Uint8Array([65])),
    differs: { verdict: 'better', because: 'bytes are bytes', theirs: ['FsSafeError helper-failed operational'], ours: ['ok null', 'f 0600: A'] } },
  { name: 'no data', call: (api, dir) => (api.root(dir)).then((root) => root.write('f', undefined as never)),
    differs: { verdict: 'different', because: 'a wrong type is a TypeError, as in Node', theirs: ['FsSafeError helper-failed operational'], ours: ['TypeError'] } },
  { name: 'a number as data', call: (api, dir) => write(api, dir, 'f', {}, 5 as never),
    differs: { verdict: 'different', because: 'a wrong type is a TypeError, as in Node', theirs: ['FsSafeError helper-failed operational'], ours: ['TypeError'] } },
  { name: 'onto a directory', layout: ['e/'], call: (api, dir) => write(api, dir, 'e') },
  { name: 'onto the root', call: (api, dir) => write(api, dir, '.') },
  { name: 'onto nothing', call: (api, dir) => write(api, dir, '') },
  { name: 'out by ..', call: (api, dir) => write(api, dir, '../f') },
  { name: 'to an absolute path beneath the root', call: (api, dir) => write(api, dir, `${dir}/f`) },
  { name: 'to an absolute path outside', call: (api, dir) => write(api, dir, '/nowhere/f') },
  { name: 'up and down again', layout: ['e/'], call: (api, dir) => write(api, dir, 'e/../f') },
  { name: 'up from what is not there', call: (api, dir) => write(api, dir, 'no/../f') },
  { name: 'with a slash behind', call: (api, dir) => write(api, dir, 'f/') },
  { name: 'with a slash behind a file', layout: ['f: old'], call: (api, dir) => write(api, dir, 'f/') },
  { name: 'with a slash and a dot behind a file', layout: ['f: old'], call: (api, dir) => write(api, dir, 'f/.') },
  { name: 'with a slash behind a directory', layout: ['e/'], call: (api, dir) => write(api, dir, 'e/') },
  { name: 'beneath a file', layout: ['f: old'], call: (api, dir) => write(api, dir, 'f/x') },
  { name: 'onto a link', layout: ['f: old', 'l => f'], call: (api, dir) => write(api, dir, 'l') },
  { name: 'onto a link out', layout: ['l => /etc/passwd'], call: (api, dir) => write(api, dir, 'l') },
  { name: 'onto a link to nothing', layout: ['l => no'], call: (api, dir) => write(api, dir, 'l') },
  { name: 'through a linked parent', layout: ['e/', 'l => e'], call: (api, dir) => write(api, dir, 'l/f') },
  { name: 'through a linked parent with an absolute target', layout: ['e/', 'l => $DIR/e'], call: (api, dir) => write(api, dir, 'l/f'),
    differs: { verdict: 'better', because: 'where the link leads is beneath the root, and the portable code of the original follows it, too', theirs: ['FsSafeError invalid-path policy'], ours: ['ok null', 'e/f 0600: new'] } },
  { name: 'through a linked parent to a missing one', layout: ['e/', 'l => e'], call: (api, dir) => write(api, dir, 'l/a/f') },
  { name: 'through a linked parent outside', layout: ['l => /etc'], call: (api, dir) => write(api, dir, 'l/f') },
  { name: 'through a linked parent, refused by policy', layout: ['e/', 'l => e'], call: (api, dir) => write(api, dir, 'l/f', { mutationSymlinks: 'reject' }) },
  { name: 'through a linked parent, allowed by policy', layout: ['e/', 'l => e'], call: (api, dir) => write(api, dir, 'l/f', { mutationSymlinks: 'follow-parents-within-root' }) },
  { name: 'onto a link, refused by policy', layout: ['f: old', 'l => f'], call: (api, dir) => write(api, dir, 'l', { mutationSymlinks: 'reject' }) },
  { name: 'onto one of two names', layout: ['f: old', 'g == f'], call: (api, dir) => write(api, dir, 'g') },
  { name: 'where it may not write', layout: ['e/ 0555'], user: 1000, call: (api, dir) => write(api, dir, 'e/f') },
  { name: 'where it may not search', layout: ['e/ 0000'], user: 1000, call: (api, dir) => write(api, dir, 'e/f'),
    differs: { verdict: 'different', because: 'its documentation says invalid-path, with the cause, of a system that refuses a write', theirs: ['FsSafeError path-alias policy'], ours: ['FsSafeError invalid-path policy'] } },
  { name: 'in a directory of the group, as Kubernetes mounts it', mode: 0o2775, owner: [0, 1000], user: 1000, call: (api, dir) => write(api, dir, 'f') },
  { name: 'a NUL', call: (api, dir) => write(api, dir, 'a\0b') },
  { name: 'a drive letter', call: (api, dir) => write(api, dir, 'C:f') },
  { name: 'a directory with a colon', call: (api, dir) => write(api, dir, 'C:/f') },
  { name: 'a component too long', call: (api, dir) => write(api, dir, 'x'.repeat(256)) },
  { name: 'the home directory', call: (api, dir) => write(api, dir, '~/f') },
  { name: 'when the caller may not', call: (api, dir) => write(api, dir, 'f', { assertBeforeMutation: refused }) },
  { name: 'when the root may not', call: async (api, dir) => (await api.root(dir, { assertBeforeMutation: refused })).write('f', 'new') },
  { name: 'when the answer comes later', call: (api, dir) => write(api, dir, 'f', { assertBeforeMutation: (async () => {}) as never }) },
  { name: 'writeJson', call: async (api, dir) => (await api.root(dir)).writeJson('f', { a: [1] }, { space: 1 }) },
  { name: 'writeJson without a newline', call: async (api, dir) => (await api.root(dir)).writeJson('f', [1], { trailingNewline: false }) },
  { name: 'writeJson of what JSON has no word for', call: async (api, dir) => (await api.root(dir)).writeJson('f', undefined) },
  { name: 'an option that is undefined, where the root has another default', call: async (api, dir) => (await api.root(dir, { mkdir: false })).write('a/f', 'new', { mkdir: undefined }),
    differs: { verdict: 'different', because: 'an option that is undefined is not given, and the default of the root holds', theirs: ['ok null', 'a/ 0755', 'a/f 0600: new'], ours: ['FsSafeError not-found operational'] } },
  { name: 'createJson', layout: ['f: old'], call: async (api, dir) => (await api.root(dir)).createJson('f', [1]) },

  ...['l/../f', 'no/../f', 'e/../f', 'f/../g', '../x'].flatMap((name): Case[] => [
    { name: `to ${name}, refused by policy`, layout: ['f: old', 'e/', 'l => e'], call: (api, dir) => write(api, dir, name, { mutationSymlinks: 'reject' }) },
    { name: `to ${name}, through links`, layout: ['f: old', 'e/', 'l => e'], call: (api, dir) => write(api, dir, name) },
  ]),
  { name: 'up from a link that leads deeper', layout: ['e/d/', 'l => e/d'], call: (api, dir) => write(api, dir, 'l/../f') },
  ...[null, 0, ''].map((overwrite): Case => ({ name: `over a file with overwrite: ${JSON.stringify(overwrite)}`, layout: ['f: old'], call: (api, dir) => write(api, dir, 'f', { overwrite: overwrite as never }) })),
  ...[null, 0].map((mkdir): Case => ({ name: `missing parents with mkdir: ${mkdir}`, call: (api, dir) => write(api, dir, 'a/f', { mkdir: mkdir as never }) })),
  ...[null, 0].map((durable): Case => ({ name: `with durable: ${durable}`, call: (api, dir) => write(api, dir, 'f', { durable: durable as never }) })),
  ...['600', 'abc', 1.5, null].map((mode): Case => ({ name: `with mode: ${JSON.stringify(mode)}`, call: (api, dir) => write(api, dir, 'f', { mode: mode as never }) })),
  ...['follow', 'follow-parents', 'follow-within-root', ''].map((policy): Case => ({ name: `with mutationSymlinks: ${JSON.stringify(policy)}`, layout: ['e/', 'l => e'], call: (api, dir) => write(api, dir, 'l/f', { mutationSymlinks: policy as never }) })),
  { name: 'with a signal that has aborted, which a write ignores', call: (api, dir) => write(api, dir, 'f', { signal: AbortSignal.abort() } as never) },
  { name: 'with a limit, which a write ignores', call: (api, dir) => write(api, dir, 'f', { maxBytes: 1 } as never) },
  ...[1, 'true', null, 0].flatMap((value): Case[] => [
    { name: `create with private: ${JSON.stringify(value)}`, call: (api, dir) => create(api, dir, 'a/f', { private: value as never }) },
    { name: `create with atomic: ${JSON.stringify(value)}`, call: (api, dir) => create(api, dir, 'a/f', { atomic: value as never }) },
    { name: `mkdir with private: ${JSON.stringify(value)}`, call: (api, dir) => mkdir(api, dir, 'a', { private: value as never }) },
    { name: `ensureRoot with private: ${JSON.stringify(value)}`, call: async (api, dir) => (await api.root(dir)).ensureRoot({ private: value as never }) },
  ]),
  { name: 'create of a stream with an encoding', call: async (api, dir) => (await api.root(dir)).create('a/f', chunks(), { encoding: 'utf8' } as never) },
  { name: 'create of a stream beneath missing parents, whose signal is aborted', call: async (api, dir) => (await api.root(dir)).create('a/f', chunks(), { signal: AbortSignal.abort(new Error('stop')) }) },
  { name: 'create', call: (api, dir) => create(api, dir, 'f') },
  { name: 'create of what exists', layout: ['f: old'], call: (api, dir) => create(api, dir, 'f') },
  { name: 'create over a link', layout: ['f: old', 'l => f'], call: (api, dir) => create(api, dir, 'l') },
  { name: 'create over a link to nothing', layout: ['l => no'], call: (api, dir) => create(api, dir, 'l') },
  { name: 'create over a link out', layout: ['l => /etc/passwd'], call: (api, dir) => create(api, dir, 'l') },
  { name: 'create over a link, refused by policy', layout: ['f: old', 'l => f'], call: (api, dir) => create(api, dir, 'l', { mutationSymlinks: 'reject' }) },
  { name: 'create over a link to nothing, refused by policy', layout: ['l => no'], call: (api, dir) => create(api, dir, 'l', { mutationSymlinks: 'reject' }) },
  { name: 'create over a link where parents are followed', layout: ['f: old', 'l => f'], call: (api, dir) => create(api, dir, 'l', { mutationSymlinks: 'follow-parents-within-root' }) },
  { name: 'create over a file that may not be read', layout: ['f 0000: old'], user: 1000, call: (api, dir) => create(api, dir, 'f') },
  { name: 'create over a directory', layout: ['e/'], call: (api, dir) => create(api, dir, 'e'),
    differs: { verdict: 'different', because: 'its documentation says already-exists of a name that is taken, whatever has it', theirs: ['FsSafeError not-file policy'], ours: ['FsSafeError already-exists policy'] } },
  { name: 'create with a mode', call: (api, dir) => create(api, dir, 'f', { mode: 0o644 }) },
  { name: 'create in private', call: (api, dir) => create(api, dir, 'a/f', { private: true }) },
  { name: 'create in private, for others', call: (api, dir) => create(api, dir, 'f', { private: true, mode: 0o644 }) },
  { name: 'create through a linked parent', layout: ['e/', 'l => e'], call: (api, dir) => create(api, dir, 'l/f') },
  { name: 'create of a stream', call: async (api, dir) => (await api.root(dir)).create('a/f', chunks()) },
  { name: 'create of a stream that is too long', call: async (api, dir) => (await api.root(dir)).create('f', chunks(), { maxBytes: 2 }) },
  { name: 'create of a stream that is too long for the root', call: async (api, dir) => (await api.root(dir, { maxBytes: 2 })).create('f', chunks()) },
  { name: 'create of data that are too long for reads of the root', call: async (api, dir) => (await api.root(dir, { maxBytes: 2 })).create('f', 'abc') },
  ...[NaN, null, -1, 1.5, '4', Infinity].map((maxBytes): Case => ({ name: `create of a stream with the limit ${maxBytes}`, call: async (api, dir) => (await api.root(dir)).create('f', chunks(), { maxBytes: maxBytes as never }) })),
  { name: 'create of a stream whose producer fails is closed', call: async (api, dir) => { const log: string[] = []; await (await api.root(dir)).create('f', failing(log)).catch((error) => log.push(error.message)); return log; } },
  { name: 'create of a stream over what exists asks for nothing', layout: ['f: old'], call: async (api, dir) => { const log: string[] = []; await (await api.root(dir)).create('f', failing(log)).catch((error) => log.push(error.code)); return log; } },
  { name: 'create of a stream whose chunk shadows its length', call: async (api, dir) => (await api.root(dir)).create('f', (async function* () { yield Object.defineProperty(Buffer.from('abcd'), 'byteLength', { value: 1 }); })(), { maxBytes: 2 }),
    differs: { verdict: 'better', because: 'a chunk is measured by its memory, and not by what it says of itself', theirs: ['ok null', 'f 0600: a'], ours: ['FsSafeError too-large policy'] } },
  { name: 'create of a stream whose signal is aborted', call: async (api, dir) => (await api.root(dir)).create('f', chunks(), { signal: AbortSignal.abort(new Error('stop')) }) },
  { name: 'create of a stream of text', call: async (api, dir) => (await api.root(dir)).create('f', (async function* () { yield 'abc' as never; })()) },
  { name: 'create of a list of chunks', call: async (api, dir) => (await api.root(dir)).create('f', [Buffer.from('abc')] as never) },
  { name: 'create of a stream over what exists', layout: ['f: old'], call: async (api, dir) => (await api.root(dir)).create('f', chunks()) },
  { name: 'create of a stream that fails', call: async (api, dir) => (await api.root(dir)).create('f', (async function* () { yield Buffer.from('a'); refused(); })()) },

  { name: 'mkdir', call: (api, dir) => mkdir(api, dir, 'a') },
  { name: 'mkdir of several', call: (api, dir) => mkdir(api, dir, 'a/b/c') },
  { name: 'mkdir of what exists', layout: ['e/ 0755'], call: (api, dir) => mkdir(api, dir, 'e') },
  { name: 'mkdir of a private one that exists, without asking for it', layout: ['e/ 0750'], call: (api, dir) => mkdir(api, dir, 'e') },
  { name: 'mkdir with a slash behind', call: (api, dir) => mkdir(api, dir, 'a/') },
  { name: 'mkdir of a file', layout: ['f: old'], call: (api, dir) => mkdir(api, dir, 'f') },
  { name: 'mkdir beneath a file', layout: ['f: old'], call: (api, dir) => mkdir(api, dir, 'f/a'),
    differs: { verdict: 'different', because: 'its documentation says not-file of an ancestor that is no directory', theirs: ['FsSafeError path-alias policy'], ours: ['FsSafeError not-file policy'] } },
  { name: 'mkdir of a link to a directory', layout: ['e/', 'l => e'], call: (api, dir) => mkdir(api, dir, 'l') },
  { name: 'mkdir of a link to a file', layout: ['f: old', 'l => f'], call: (api, dir) => mkdir(api, dir, 'l') },
  { name: 'mkdir of a link to nothing', layout: ['l => no'], call: (api, dir) => mkdir(api, dir, 'l'),
    differs: { verdict: 'different', because: 'what a link leads to is not made in passing', theirs: ['ok null', 'no/ 0755'], ours: ['FsSafeError not-found operational'] } },
  { name: 'mkdir through a link', layout: ['e/', 'l => e'], call: (api, dir) => mkdir(api, dir, 'l/a') },
  { name: 'mkdir through a link, refused by policy', layout: ['e/', 'l => e'], call: (api, dir) => mkdir(api, dir, 'l/a', { mutationSymlinks: 'reject' }) },
  { name: 'mkdir through a link out', layout: ['l => /etc'], call: (api, dir) => mkdir(api, dir, 'l/a') },
  { name: 'mkdir outside', call: (api, dir) => mkdir(api, dir, '../a') },
  { name: 'mkdir of an absolute path', call: (api, dir) => mkdir(api, dir, `${dir}/a`) },
  { name: 'mkdir of the root', call: (api, dir) => mkdir(api, dir, '.') },
  { name: 'mkdir in private', call: (api, dir) => mkdir(api, dir, 'a/b', { private: true }) },
  { name: 'mkdir in private of one that is not', layout: ['e/ 0755'], call: (api, dir) => mkdir(api, dir, 'e', { private: true }) },
  { name: 'mkdir in private of one that is', layout: ['e/ 0700'], call: (api, dir) => mkdir(api, dir, 'e', { private: true }) },
  { name: 'mkdir where it may not write', layout: ['e/ 0555'], user: 1000, call: (api, dir) => mkdir(api, dir, 'e/a'),
    differs: { verdict: 'different', because: 'its documentation says invalid-path, with the cause, of a system that refuses a write', theirs: ['FsSafeError path-alias policy'], ours: ['FsSafeError invalid-path policy'] } },
  { name: 'mkdir of a drive', call: (api, dir) => mkdir(api, dir, 'C:a') },
  { name: 'ensureRoot', call: async (api, dir) => (await api.root(dir)).ensureRoot() },
];
