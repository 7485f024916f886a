// Every option with every value, in each form of a call.
import {
  ensureDir,
  ensureDirSync,
  openLocalFileSafely,
  openRoot,
  openRootSync,
  cleanStaleTemporaries,
  readLocalFileSafely,
  readLocalFileSafelySync,
  stageAtomic,
  writeAtomic,
  writeAtomicMany,
  writeAtomicSync,
  type EnsureDirOptions,
  type ReadFileOptions,
  type ReadOptions,
  type RootDefaults,
  type WriteData,
  type WriteEntry,
  type WriteOptions,
} from 'holdfast';

declare const signal: AbortSignal;
declare const maybe: boolean;

const paths = ['/srv/a', Buffer.from('/srv/a'), new URL('file:///srv/a')];

const symlinkPolicies = ['reject', 'follow-parents', 'follow-within-root', 'follow-trusted'] as const;

const readOptions: ReadFileOptions[] = [
  {},
  { root: '/srv' },
  { root: Buffer.from('/srv') },
  { root: new URL('file:///srv') },
  ...symlinkPolicies.map((symlinks) => ({ symlinks })),
  { signal },
  { maxBytes: 0 },
  { maxBytes: Infinity },
  { flag: 'r' },
  { hardlinks: 'allow' },
  { hardlinks: 'reject' },
  { pseudoFiles: 'allow' },
  { pseudoFiles: 'reject' },
  { outbound: true },
  { outbound: false },
  { outbound: {} },
  { outbound: { allowOwnerOnly: true } },
  { root: '/srv', symlinks: 'reject', signal, maxBytes: 1, hardlinks: 'reject', pseudoFiles: 'reject', outbound: true },
];

const writeOptions: WriteOptions[] = [
  {},
  { mode: 0o600 },
  { newFileMode: 0o640 },
  { overwrite: false },
  { finalSymlink: 'reject' },
  { finalSymlink: 'replace' },
  { finalSymlink: 'follow' },
  { durable: true },
  { durable: false },
  { durable: 'file' },
  { mkdir: true, dirMode: 0o755 },
  { hardlinks: 'allow' },
  { hardlinks: 'reject' },
  { encoding: 'base64' },
  { maxBytes: 1024 },
  { flag: 'w' },
  { root: '/srv', symlinks: 'follow-trusted', signal },
];

const ensureOptions: EnsureDirOptions[] = [
  {},
  { mode: 0o750 },
  { existing: 'tighten' },
  { existing: 'require' },
  { existing: 'leave' },
  { recursive: true },
  { root: '/srv', symlinks: 'reject', signal },
];

// Under exactOptionalPropertyTypes an explicit `undefined` must still mean "not given".
const optedOut: [ReadOptions, WriteOptions, EnsureDirOptions, RootDefaults] = [
  {
    filePath: '/srv/a',
    root: undefined,
    symlinks: undefined,
    signal: undefined,
    maxBytes: undefined,
    hardlinks: undefined,
    pseudoFiles: undefined,
    outbound: undefined,
  },
  {
    mode: undefined,
    newFileMode: undefined,
    overwrite: undefined,
    finalSymlink: undefined,
    durable: maybe ? 'file' : undefined,
    mkdir: undefined,
    dirMode: undefined,
    hardlinks: undefined,
    encoding: undefined,
  },
  { mode: undefined, existing: undefined },
  { outbound: undefined, existing: undefined, newFileMode: undefined },
];

async function* chunks() {
  yield 'text';
  yield new Uint8Array(1);
}

const streamed: WriteData[] = [chunks(), ['text', Buffer.from('bytes')], new Set([new Uint8Array(1)]), process.stdin];
const whole = ['text', Buffer.from('bytes'), new Uint8Array(1), new Float64Array(1), new DataView(new ArrayBuffer(1)), new ArrayBuffer(1)];

export async function readings(): Promise<void> {
  for (const file of paths) {
    await readLocalFileSafely(file);
    readLocalFileSafelySync(file);
    await openLocalFileSafely(file);
    for (const options of readOptions) {
      await readLocalFileSafely(file, options);
      await readLocalFileSafely({ filePath: file, ...options });
      await openLocalFileSafely(file, options);
      await openLocalFileSafely({ filePath: file, ...options });
    }
    readLocalFileSafelySync(file, { maxBytes: 1, outbound: { allowOwnerOnly: false } });
    readLocalFileSafelySync({ filePath: file, hardlinks: 'reject' });
  }
  await readLocalFileSafely(optedOut[0]);
}

export async function writings(): Promise<void> {
  for (const file of paths) {
    for (const data of [...whole, ...streamed]) await writeAtomic(file, data);
    for (const data of whole) writeAtomicSync(file, data);
    for (const options of writeOptions) await writeAtomic(file, 'text', options);
    await writeAtomic(file, 'text', 'latin1');
    await writeAtomic(file, 'text', optedOut[1]);
    writeAtomicSync(file, 'text', 'utf8');
    writeAtomicSync(file, 'text', { mode: 0o644, durable: 'file', mkdir: true, dirMode: 0o700, encoding: 'utf8' });
  }
}

export async function stagings(): Promise<void> {
  for (const file of paths) {
    await using staged = await stageAtomic(file, { mode: 0o600, fallback: 'in-place', signal });
    await staged.handle.writeFile(staged.tempPath);
    String((await staged.commit()).method);
  }
  for (const options of writeOptions) await (await stageAtomic('/srv/a', options)).abort();
  for (const dir of paths) String((await cleanStaleTemporaries(dir, { olderThanMs: Infinity })).length);
}

export async function manyWritings(): Promise<void> {
  const entries: WriteEntry[] = paths.flatMap((file) => whole.map((data) => ({ file, data })));
  const settled = await writeAtomicMany(entries);
  for (const entry of settled) String(entry.status === 'fulfilled' ? entry.value.path : entry.reason);
  for (const options of writeOptions) await writeAtomicMany(entries, options);
  await writeAtomicMany([], 'latin1');
  await writeAtomicMany(entries as readonly WriteEntry[], optedOut[1]);
  await writeAtomicMany([
    { file: '/srv/a', data: 'text', options: 'hex' },
    { file: '/srv/b', data: 'text', options: undefined },
    { file: '/srv/c', data: 'text', options: { mode: 0o600, newFileMode: undefined, overwrite: false, finalSymlink: 'follow' } },
    { file: '/srv/d', data: 'text', options: { durable: 'file', mkdir: true, dirMode: 0o700, hardlinks: 'reject', encoding: 'base64' } },
  ]);
}

export async function directories(): Promise<void> {
  for (const dir of paths) {
    await ensureDir(dir);
    for (const options of ensureOptions) await ensureDir(dir, options);
    await ensureDir(dir, optedOut[2]);
    ensureDirSync(dir);
    ensureDirSync(dir, { mode: 0o700, existing: 'require', root: '/srv', symlinks: 'reject' });
  }
}

export async function roots(): Promise<void> {
  const defaults: RootDefaults = {
    symlinks: 'follow-within-root',
    maxBytes: 1 << 20,
    hardlinks: 'reject',
    pseudoFiles: 'reject',
    outbound: { allowOwnerOnly: true },
    newFileMode: 0o600,
    finalSymlink: 'reject',
    durable: 'file',
    mkdir: true,
    dirMode: 0o700,
    existing: 'require',
  };
  for (const dir of paths) {
    (await openRoot(dir)).close();
    (await openRoot(dir, defaults)).close();
    openRootSync(dir).close();
  }
  await openRoot('/srv', optedOut[3]);

  const root = openRootSync('/srv', defaults);
  await root.read('a');
  await root.read('a', { maxBytes: 1, signal });
  root.readSync('a', { outbound: true });
  await root.open('a', { hardlinks: 'allow', signal });
  await root.writeAtomic('a', chunks(), { overwrite: false, signal });
  await root.writeAtomic('a', 'text', 'hex');
  root.writeAtomicSync('a', 'text', { mode: 0o600 });
  await root.writeAtomicMany([{ file: 'a', data: 'text' }]);
  await root.writeAtomicMany([{ file: 'a', data: 'text', options: { mode: 0o600 } }], { symlinks: 'reject', signal });
  await root.writeAtomicMany([], 'hex');
  await root.ensureDir('b', { existing: 'leave', signal });
  await root.ensureDir('.', { mode: 0o700 });
  root.ensureDirSync('b', { mode: 0o750 });
  root.close();
  await root[Symbol.asyncDispose]();
  root[Symbol.dispose]();
}
