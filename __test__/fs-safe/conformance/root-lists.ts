import type { Api, Case } from './harness.js';

type Root = Awaited<ReturnType<Api['root']>>;
type WalkOptions = Parameters<Root['walk']>[1];
type EntriesOptions = Parameters<Root['entries']>[1];

const layout = ['e/d/', 'e/h: three', 'em/', 'f: text', 'g: b', 'le => e', 'lae => $DIR/e', 'lf => f', 'ln => no', 'lo => /etc'];

async function collected<T>(iterable: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of iterable) all.push(item);
  return all;
}

const list = async (api: Api, dir: string, name: string) => (await api.root(dir)).list(name);
const entries = async (api: Api, dir: string, name: string, options?: EntriesOptions) =>
  (await collected((await api.root(dir)).entries(name, options))).map((entry) => entry.name).sort();
const walk = async (api: Api, dir: string, name: string, options: Partial<WalkOptions> = {}) =>
  (await collected((await api.root(dir)).walk(name, { symlinkPolicy: 'skip', ...options } as WalkOptions))).map(({ relativePath, kind, size }) => [relativePath, kind, kind === 'directory' ? 0 : size]);
const resolve = async (api: Api, dir: string, name: string) => (await api.root(dir)).resolve(name);

const PATHS = ['', '.', 'e', 'e/', './e', 'f', 'f/', 'f/x', 'no', 'no/x', 'le', 'lae', 'lo', 'ln', 'lf', '..', '../x', '/etc', 'e/..', 'a\0b', '~'];

/** Walks of a start that leads out, which the original ends with an Error without a code. */
const OUT = { verdict: 'better', because: 'an error of a walk has class and code', theirs: ['Error'], ours: ['FsSafeError outside-workspace policy'] } as const;

export const rootListCases: readonly Case[] = [
  ...PATHS.map((name): Case => ({ name: `list of ${JSON.stringify(name)}`, layout, call: (api, dir) => list(api, dir, name) })),
  { name: 'list of a name that is too long', call: (api, dir) => list(api, dir, 'x'.repeat(256)) },
  { name: 'list with types', layout: ['e/', 'f: text', 'l => f'], call: async (api, dir) => (await (await api.root(dir)).list('', { withFileTypes: true })).map(({ name, isFile, isDirectory, isSymbolicLink, nlink, mode }) => [name, isFile, isDirectory, isSymbolicLink, nlink, mode]) },
  { name: 'the fields of a listed entry', layout: ['f: text'], call: async (api, dir) => Object.keys((await (await api.root(dir)).list('', { withFileTypes: true }))[0]!).sort() },
  { name: 'list of names in another order by bytes', layout: ['\u{1F600}: a', '\uffee: b', 'z: c', 'A: d'], call: (api, dir) => list(api, dir, '') },
  { name: 'list of what may not be read', layout: ['e/ 0300'], user: 1000, call: (api, dir) => list(api, dir, 'e') },

  ...PATHS.filter((name) => !['f/', 'f/x', 'a\0b'].includes(name)).map((name): Case => ({ name: `entries of ${JSON.stringify(name)}`, layout, call: (api, dir) => entries(api, dir, name) })),
  { name: 'entries beneath a file', layout, call: (api, dir) => entries(api, dir, 'f/x'),
    differs: { verdict: 'different', because: 'its documentation says not-file of a file that is followed by another segment, and so does ours', theirs: ['FsSafeError outside-workspace policy'], ours: ['FsSafeError not-file policy'] } },
  { name: 'entries with a NUL, at once', call: async (api, dir) => { const root = await api.root(dir); try { root.entries('a\0'); return 'later'; } catch (error) { return (error as { code: string }).code; } } },
  ...(['follow-within-root', 'follow-parents-within-root'] as const).flatMap((symlinks) => ['le', 'lae', 'lo', 'lae/d'].map((name): Case => ({ name: `entries of ${name}, ${symlinks}`, layout, call: (api, dir) => entries(api, dir, name, { symlinks }) }))),
  { name: 'the fields of an entry', layout: ['f: text'], call: async (api, dir) => Object.keys((await collected((await api.root(dir)).entries('')))[0]!).sort() },
  { name: 'sorted entries', layout, call: async (api, dir) => (await collected((await api.root(dir)).entries('', { order: 'sorted' }))).map(({ name }) => name) },
  { name: 'entries, aborted at the first one', layout, call: async (api, dir) => Promise.all((['filesystem', 'sorted'] as const).map(async (order) => {
    const controller = new AbortController();
    const seen: string[] = [];
    try { for await (const { name } of (await api.root(dir)).entries('', { order, signal: controller.signal })) { seen.push(name); controller.abort(); } return 'no error'; } catch (error) { return [(error as Error).name, seen.length]; }
  })) },
  { name: 'entries up to a limit', layout, call: (api, dir) => entries(api, dir, 'e', { maxEntries: 2 }) },
  { name: 'entries beyond a limit', layout, call: (api, dir) => entries(api, dir, '', { maxEntries: 2 }) },
  { name: 'sorted entries beyond a limit', layout, call: (api, dir) => entries(api, dir, '', { maxEntries: 2, order: 'sorted' }) },
  { name: 'entries with a wrong limit', layout, call: (api, dir) => entries(api, dir, '', { maxEntries: -1 }) },
  { name: 'entries in a wrong order', layout, call: (api, dir) => entries(api, dir, '', { order: 'x' as never }) },
  { name: 'entries after an abort', layout, call: (api, dir) => entries(api, dir, '', { signal: AbortSignal.abort(new Error('stop')) }).catch((error) => error.message) },

  ...['', '.', './', 'e', 'e/', 'f', 'no', 'le', 'lae', 'ln', 'lf', 'e/..', 'a\0b'].map((name): Case => ({ name: `walk of ${JSON.stringify(name)}`, layout, call: (api, dir) => walk(api, dir, name) })),
  ...['lo', '..', '/etc'].map((name): Case => ({ name: `walk of ${name}`, layout, call: (api, dir) => walk(api, dir, name), differs: OUT })),
  { name: 'a walk that includes links', layout, call: (api, dir) => walk(api, dir, '', { symlinkPolicy: 'include' } as never) },
  { name: 'a walk that follows links', layout: layout.filter((line) => !line.startsWith('lo')), call: (api, dir) => walk(api, dir, '', { symlinkPolicy: 'follow-within-root' }) },
  { name: 'a walk that follows a link out', layout, call: (api, dir) => walk(api, dir, '', { symlinkPolicy: 'follow-within-root' }), differs: OUT },
  { name: 'a walk in a circle', layout: ['e/up => ..', 'e/f: text'], call: (api, dir) => walk(api, dir, '', { symlinkPolicy: 'follow-within-root' }) },
  ...[0, 1, 2, 3, 4, 20].map((maxEntries): Case => ({ name: `a walk of ${maxEntries} entries`, layout, call: (api, dir) => walk(api, dir, '', { maxEntries }) })),
  { name: 'a walk of so many entries, in any order', layout: ['f: text', 'g: text', 'h: text'], call: async (api, dir) => (await walk(api, dir, '', { maxEntries: 2, order: 'filesystem' })).map(([, kind]) => kind) },
  { name: 'a walk that throws at its limit', layout, call: (api, dir) => walk(api, dir, '', { maxEntries: 2, limitBehavior: 'throw' }) },
  ...[0, 1].map((maxDepth): Case => ({ name: `a walk of depth ${maxDepth}`, layout, call: (api, dir) => walk(api, dir, '', { maxDepth }) })),
  { name: 'a walk with a filter', layout, call: (api, dir) => walk(api, dir, '', { entryFilter: ({ relativePath, kind }) => (relativePath === 'e' ? 'skip' : kind === 'directory' ? 'skip-subtree' : 'include') }) },
  { name: 'a walk with a filter that answers later', layout, call: (api, dir) => walk(api, dir, '', { entryFilter: async ({ relativePath }) => (relativePath === 'e' ? 'include' : 'skip') }) },
  { name: 'a walk with a filter that says something else', layout, call: (api, dir) => walk(api, dir, '', { entryFilter: (() => 'x') as never }) },
  { name: 'a walk without a policy', layout, call: (api, dir) => walk(api, dir, '', { symlinkPolicy: undefined as never }) },
  { name: 'a walk with a wrong limit', layout, call: (api, dir) => walk(api, dir, '', { maxDepth: 0.5 }) },
  { name: 'a walk that reports a directory', layout: ['e/ 0000', 'f: text'], user: 1000, call: (api, dir) => walk(api, dir, '', { onDirectoryError: 'skip-and-report' }) },
  { name: 'a walk that throws at a directory', layout: ['e/ 0000', 'f: text'], user: 1000, call: (api, dir) => walk(api, dir, '') },
  { name: 'a walk after an abort', layout, call: (api, dir) => walk(api, dir, '', { signal: AbortSignal.abort(new Error('stop')) }).catch((error) => error.message) },

  ...['', '.', 'e', 'e/', 'f', 'f/', 'f/x', 'no', 'no/x', 'le', 'le/q', 'lae/h', 'lo', 'ln', 'ln/x', 'lf', '..', '../x', '/etc', 'e/..', 'e/../f', '~/x', 'C:x', 'a\0'].map(
    (name): Case => ({ name: `resolve of ${JSON.stringify(name)}`, layout, call: (api, dir) => resolve(api, dir, name) }),
  ),
  { name: 'resolve of an absolute path', layout, call: (api, dir) => resolve(api, dir, `${dir}/e/h`) },
  { name: 'resolve through a link out', layout, call: (api, dir) => resolve(api, dir, 'lo/passwd') },
];
