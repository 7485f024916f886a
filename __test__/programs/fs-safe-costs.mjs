// Repeats a call between two marks in a trace of its system calls: a call of an adapter, or of the verbs beneath it.
import { accessSync } from 'node:fs';
import * as holdfast from '../../index.mjs';
import { bindFsSafe } from '../../fs-safe.mjs';

const [name, dir, times] = process.argv.slice(2);
const api = bindFsSafe({ FsSafeError: Error });
const root = await api.root(dir);
const pinned = holdfast.openRootSync(dir);

const CALLS = {
  'read, by the adapter': () => api.readLocalFileSafely({ filePath: `${dir}/f` }),
  'read, by the verb': () => holdfast.readLocalFileSafely(`${dir}/f`),
  'read beneath a root, by the adapter': () => api.readFileWithinRoot({ rootDir: dir, relativePath: 'f' }),
  'read beneath a root, by the verb': async () => {
    const opened = await holdfast.openRoot(dir);
    await opened.read('f', { symlinks: 'reject' });
    opened.close();
  },
  'read of a root, by the adapter': () => root.read('f'),
  'read of a root, by the verb': () => pinned.read('f'),
  'write of a root, by the adapter': () => root.write('g', 'new', { mode: 0o600 }),
  'write of a root, by the verb': () => pinned.writeAtomic('g', 'new', { mode: 0o600, symlinks: 'follow-parents', hardlinks: 'reject' }),
  'replacement, by the adapter': () => api.replaceFileAtomic({ filePath: `${dir}/g`, content: 'new' }),
  'replacement, by the verb': async () => {
    await holdfast.ensureDir(dir);
    await holdfast.writeAtomic(`${dir}/g`, 'new', { mode: 0o600, finalSymlink: 'replace', durable: false });
  },
};

const call = CALLS[name];
// The first calls determine the capabilities of the system.
for (let i = 0; i < 5; i += 1) await call();
const mark = (which) => {
  try {
    accessSync(`/mark-${which}`);
  } catch {
    // The call only marks the trace.
  }
};
mark('begin');
for (let i = 0; i < Number(times); i += 1) await call();
mark('end');
