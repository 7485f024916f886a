import type { Case } from './harness.js';

/** Refusals of holdfast whose chain of causes has the system error. */
export const causes: readonly (Omit<Case, 'differs'> & { expected: string })[] = [
  { name: 'a missing file', expected: 'ENOENT', call: (api, dir) => api.readLocalFileSafely({ filePath: `${dir}/f` }) },
  { name: 'beneath a file', expected: 'ENOTDIR', layout: ['f: text'], call: (api, dir) => api.readLocalFileSafely({ filePath: `${dir}/f/x` }) },
  { name: 'a link', expected: 'ELOOP', layout: ['l => f'], call: (api, dir) => api.readLocalFileSafely({ filePath: `${dir}/l` }) },
  { name: 'a missing file of a root', expected: 'ENOENT', call: async (api, dir) => (await api.root(dir)).read('f') },
  { name: 'a missing parent of a write', expected: 'ENOENT', call: async (api, dir) => (await api.root(dir)).write('a/f', 'new', { mkdir: false }) },
  { name: 'a write where it may not', expected: 'EACCES', layout: ['e/ 0555'], user: 1000, call: async (api, dir) => (await api.root(dir)).write('e/f', 'new') },
  { name: 'a write with a name too long', expected: 'ENAMETOOLONG', call: async (api, dir) => (await api.root(dir)).write('x'.repeat(256), 'new') },
  { name: 'a directory where it may not', expected: 'EACCES', layout: ['e/ 0555'], user: 1000, call: async (api, dir) => (await api.root(dir)).mkdir('e/a') },
  { name: 'a stat of nothing', expected: 'ENOENT', call: async (api, dir) => (await api.root(dir)).stat('f') },
];
