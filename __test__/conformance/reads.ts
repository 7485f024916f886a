import type { Api, Case } from './harness.js';

const local = (api: Api, dir: string, name: string, maxBytes?: number) =>
  api.readLocalFileSafely({ filePath: `${dir}/${name}`, maxBytes }).then(({ buffer, realPath, stat }) => [buffer.toString(), realPath, stat.size]);

const fromRoots = async (api: Api, filePath: string, roots: string[], more = {}) => {
  const found = await api.readLocalFileFromRoots({ filePath, roots, ...more });
  return found && [found.buffer.toString(), found.realPath, found.root];
};

/** Reads by a path alone, and from the first of several roots. */
export const readCases: readonly Case[] = [
  { name: 'a file', layout: ['f: text'], call: (api, dir) => local(api, dir, 'f') },
  { name: 'the fields of a result', layout: ['f: text'], call: async (api, dir) => Object.keys(await api.readLocalFileSafely({ filePath: `${dir}/f` })).sort() },
  { name: 'an empty file', layout: ['f:'], call: (api, dir) => local(api, dir, 'f') },
  { name: 'nothing there', call: (api, dir) => local(api, dir, 'f') },
  { name: 'a missing parent', call: (api, dir) => local(api, dir, 'no/f') },
  { name: 'beneath a file', layout: ['f: text'], call: (api, dir) => local(api, dir, 'f/x') },
  { name: 'a directory', layout: ['e/'], call: (api, dir) => local(api, dir, 'e') },
  { name: 'a FIFO', layout: ['p |'], call: (api, dir) => local(api, dir, 'p') },
  { name: 'a socket', layout: ['s @'], call: (api, dir) => local(api, dir, 's') },
  { name: 'a symbolic link', layout: ['f: text', 'l => f'], call: (api, dir) => local(api, dir, 'l') },
  { name: 'a link that leads to nothing', layout: ['l => no'], call: (api, dir) => local(api, dir, 'l') },
  { name: 'a link that leads to itself, on the way', layout: ['l => l'], says: 'a link is one sentence, wherever it lies', call: (api, dir) => local(api, dir, 'l/x') },
  { name: 'a linked parent', layout: ['e/f: text', 'l => e'], call: (api, dir) => local(api, dir, 'l/f') },
  { name: 'a file with two names', layout: ['f: text', 'g == f'], call: (api, dir) => local(api, dir, 'g') },
  { name: 'a slash behind a file', layout: ['f: text'], call: (api, dir) => local(api, dir, 'f/') },
  { name: 'a device that never ends', call: (api) => api.readLocalFileSafely({ filePath: '/dev/zero' }) },
  { name: 'standard input', call: (api) => api.readLocalFileSafely({ filePath: '/dev/stdin' }) },
  { name: 'a descriptor of the process', call: (api) => api.readLocalFileSafely({ filePath: '/proc/self/fd/0' }) },
  { name: 'a file of procfs', call: async (api) => (await api.readLocalFileSafely({ filePath: '/proc/self/environ' })).buffer.length > 0,
    differs: { verdict: 'better', because: 'the environment of the process is no file to send', theirs: ['ok true'], ours: ['FsSafeError device-path policy'] } },
  { name: 'an empty path', call: (api) => api.readLocalFileSafely({ filePath: '' }),
    differs: { verdict: 'different', because: 'its documentation says invalid-path of an empty input, and so does ours', theirs: ['FsSafeError not-found operational'], ours: ['FsSafeError invalid-path policy'] } },
  { name: 'a NUL in the path', call: (api, dir) => local(api, dir, 'a\0b') },
  { name: 'a component too long', call: (api, dir) => local(api, dir, 'x'.repeat(256)) },
  { name: 'the text of a URL is a path', layout: ['f: text'], call: (api, dir) => api.readLocalFileSafely({ filePath: `file://${dir}/f` }) },
  { name: 'a URL object', layout: ['f: text'], call: async (api, dir) => (await api.readLocalFileSafely({ filePath: new URL(`file://${dir}/f`) as never })).buffer.toString(),
    differs: { verdict: 'better', because: 'a file: URL names a file', theirs: ['TypeError'], ours: ['ok "text"'] } },
  { name: 'a number as the path', call: (api) => api.readLocalFileSafely({ filePath: 5 as never }) },
  { name: 'a tilde is a name', call: (api) => api.readLocalFileSafely({ filePath: '~/f' }) },
  { name: 'exactly maxBytes', layout: ['f: text'], call: (api, dir) => local(api, dir, 'f', 4) },
  { name: 'one byte more than maxBytes', layout: ['f: text'], call: (api, dir) => local(api, dir, 'f', 3) },
  { name: 'maxBytes 0 of an empty file', layout: ['f:'], call: (api, dir) => local(api, dir, 'f', 0) },
  { name: 'maxBytes without end', layout: ['f: text'], call: (api, dir) => local(api, dir, 'f', Infinity) },
  { name: 'maxBytes below zero', layout: ['f: text'], call: (api, dir) => local(api, dir, 'f', -1) },
  { name: 'maxBytes with a fraction', layout: ['f: text'], call: (api, dir) => local(api, dir, 'f', 1.5) },
  { name: 'maxBytes as text', layout: ['f: text'], call: (api, dir) => local(api, dir, 'f', '4' as never) },
  { name: 'a file that may not be read', layout: ['f 0000: text'], user: 1000, call: (api, dir) => local(api, dir, 'f') },
  { name: 'a parent that may not be searched', layout: ['e/ 0000', 'e/f: text'], user: 1000, call: (api, dir) => local(api, dir, 'e/f') },
  { name: 'an open file', layout: ['f: text'],
    call: async (api, dir) => {
      await using file = await api.openLocalFileSafely({ filePath: `${dir}/f` });
      return [Object.keys(file).sort(), file.realPath, (await file.handle.stat()).ino === file.stat.ino, await file.handle.readFile('utf8')];
    } },
  { name: 'opening nothing', call: (api, dir) => api.openLocalFileSafely({ filePath: `${dir}/f` }) },
  { name: 'opening a link', layout: ['f: text', 'l => f'], call: (api, dir) => api.openLocalFileSafely({ filePath: `${dir}/l` }) },
  { name: 'opening a directory', call: (api, dir) => api.openLocalFileSafely({ filePath: dir }) },

  { name: 'from the first root', layout: ['f: text'], call: (api, dir) => fromRoots(api, `${dir}/f`, [dir, '/etc']) },
  { name: 'from the second root', layout: ['f: text'], call: (api, dir) => fromRoots(api, `${dir}/f`, ['/etc', dir]) },
  { name: 'from no root', call: (api, dir) => fromRoots(api, '/etc/passwd', [dir]) },
  { name: 'from roots without the file', call: (api, dir) => fromRoots(api, `${dir}/f`, [dir]) },
  { name: 'from a root that is missing', layout: ['f: text'], call: (api, dir) => fromRoots(api, `${dir}/f`, [`${dir}/no`, dir]) },
  { name: 'from a root that is a link', layout: ['e/f: text', 'l => e'], call: (api, dir) => fromRoots(api, `${dir}/l/f`, [`${dir}/l`]) },
  { name: 'from the place a linked root leads to', layout: ['e/f: text', 'l => e'], call: (api, dir) => fromRoots(api, `${dir}/e/f`, [`${dir}/l`]) },
  { name: 'from roots by URL', layout: ['f: text'], call: (api, dir) => fromRoots(api, `file://${dir}/f`, [`file://${dir}`]) },
  { name: 'from a URL with a host', call: (api, dir) => fromRoots(api, 'file://host/f', [dir]) },
  { name: 'from the home directory', layout: ['f: text'], call: (api) => fromRoots(api, '~/f', ['~']) },
  { name: 'a link beneath a root', layout: ['f: text', 'l => f'], call: (api, dir) => fromRoots(api, `${dir}/l`, [dir]) },
  { name: 'a link beneath a root, followed', layout: ['f: text', 'l => f'], call: (api, dir) => fromRoots(api, `${dir}/l`, [dir], { symlinks: 'follow-within-root' }) },
  { name: 'two names beneath a root', layout: ['f: text', 'g == f'], call: (api, dir) => fromRoots(api, `${dir}/g`, [dir]) },
  { name: 'too large beneath a root', layout: ['f: text'], call: (api, dir) => fromRoots(api, `${dir}/f`, [dir], { maxBytes: 1 }) },
  { name: 'a wrong limit for roots', layout: ['f: text'], call: (api, dir) => fromRoots(api, `${dir}/f`, [dir], { maxBytes: -1 }) },
  { name: 'no permission beneath a root', layout: ['f 0000: text'], user: 1000, call: (api, dir) => fromRoots(api, `${dir}/f`, [dir]) },
  { name: 'a relative root', call: (api, dir) => fromRoots(api, `${dir}/f`, ['x']) },
  { name: 'an empty root', call: (api, dir) => fromRoots(api, `${dir}/f`, ['']) },
  { name: 'a NUL in a root', call: (api, dir) => fromRoots(api, `${dir}/f`, [`${dir}\0`]) },
  { name: 'a root between spaces', layout: ['f: text'], call: (api, dir) => fromRoots(api, `${dir}/f`, [` ${dir} `]) },
  { name: 'no roots', call: (api, dir) => fromRoots(api, `${dir}/f`, []) },
  { name: 'a NUL in a path for roots', call: (api, dir) => fromRoots(api, `${dir}/f\0`, [dir]) },
  { name: 'up from a link, beneath a root', layout: ['f: text', 'e/', 'l => e'], call: (api, dir) => fromRoots(api, `${dir}/l/../f`, [dir]),
    differs: { verdict: 'different', because: 'without links the text of a path decides where it leads: the link is never on the way', theirs: ['ok null'], ours: ['ok ["text","$DIR/f","$DIR"]'] } },
];
