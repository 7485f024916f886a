// An ES module that binds the adapters, with host classes declared like those of the libraries.
import { bindFsSafe, bindSafeOpen, ensureParentDirSync, type FsSafe, type FsSafeReadResult, type SafeOpen } from 'holdfast/fs-safe';

declare class FsSafeError extends Error {
  readonly code: 'not-found' | 'invalid-path' | 'helper-failed';
  readonly category: 'policy' | 'operational';
  constructor(code: 'not-found' | 'invalid-path' | 'helper-failed', message: string, options?: { cause?: unknown; details?: Readonly<Record<string, unknown>> });
}
declare class SafeOpenError extends Error {
  code: 'not-found' | 'invalid-path';
  constructor(code: 'not-found' | 'invalid-path', message: string, options?: ErrorOptions);
}
declare const original: {
  replaceFileAtomic(options: object): Promise<{ method: 'rename' | 'copy-fallback' }>;
  root(rootDir: string): Promise<{ read(path: string): Promise<unknown>; append(path: string, data: string): Promise<void>; walk(path: string): AsyncIterable<{ relativePath: string }> }>;
};

const plain: FsSafe = bindFsSafe({ FsSafeError, outbound: { allowOwnerOnly: true } });
const bound = bindFsSafe({ FsSafeError, outbound: true, original });
const old: SafeOpen = bindSafeOpen({ SafeOpenError, outbound: true });

export async function reads(filePath: string, rootDir: string): Promise<string> {
  const { buffer, containment, realPath, stat }: FsSafeReadResult = await plain.readLocalFileSafely({ filePath, maxBytes: 1024 });
  const kept: 'kernel-atomic' | 'best-effort' = containment;
  const opened = await plain.openLocalFileSafely({ filePath });
  await opened.handle.close();
  const found = await plain.readLocalFileFromRoots({ filePath, roots: [rootDir], label: 'media', symlinks: 'follow-within-root' });
  if (found === null) return kept;
  const first: string = found.root;
  const within = await plain.readFileWithinRoot({ rootDir, relativePath: 'f', allowSymlinkTargetWithinRoot: true });
  const older = await old.createRootScopedReadFile({ rootDir })('f');
  return [buffer.toString(), realPath, stat.mtimeMs, first, within.stat.size, older.length].join();
}

export async function writes(filePath: string): Promise<void> {
  const { method } = await plain.replaceFileAtomic({
    filePath,
    content: new Uint8Array(1),
    preserveExistingMode: true,
    onDestinationState: ({ state, ino }) => void ([state, ino] satisfies ['published', bigint]),
    beforeRename: async ({ tempPath }) => void tempPath.length,
  });
  const same: 'rename' | 'copy-fallback' = method;
  plain.replaceFileAtomicSync({ filePath, content: same, beforeRename: ({ tempPath }) => void tempPath });
  await plain.writeTextAtomic(filePath, 'text', { trailingNewline: true, durable: false });
  await plain.writeFileWithinRoot({ rootDir: '/srv', relativePath: 'f', data: 'text', mkdir: false });
  await old.writeFileWithinRoot({ rootDir: '/srv', relativePath: 'f', data: 'text' });
  const dir: string = ensureParentDirSync(filePath, { trustedRoot: '/home/me', style: 'legacy' });
  plain.ensureParentDirSync(dir, { trustedRoot: '/', messagePrefix: 'Refusing', allowOutsideRoot: true });
}

export async function roots(rootDir: string): Promise<number> {
  const root = await plain.root(rootDir, { mkdir: false, symlinks: 'reject' });
  const config = await root.readJson<{ tokens: string[] }>('config.json', { encoding: 'utf8' });
  await root.create('copy', (async function* () { yield new Uint8Array(1); })(), { maxBytes: 10 });
  await root.mkdir('a', { private: true });
  const { isDirectory, mtimeMs } = await root.stat('a');
  const names: string[] = await root.list('.');
  const [first] = await root.list('.', { withFileTypes: true });
  for await (const { name, isSymbolicLink } of root.entries('.', { maxEntries: names.length })) void (isSymbolicLink && name === first?.name);
  for await (const entry of root.walk('', { symlinkPolicy: 'include', entryFilter: async ({ kind }) => (kind === 'directory' ? 'skip-subtree' : 'include') })) if (entry.kind === 'directory-error') throw entry.error;
  await root.copyIn('copy', { root, relativePath: 'config.json' }, { onDestinationPublished: ({ ino }) => void (ino satisfies bigint) });
  await root.move('copy', await root.resolve('other'), { overwrite: true });
  await root.remove('other', { recursive: true, force: true, maxDepth: 3 });
  const whole = await bound.root(rootDir);
  await whole.append('log', 'line');
  for await (const { relativePath } of whole.walk('.', { symlinkPolicy: 'skip' })) void relativePath.length;
  await whole.write('f', 'text', { denyMutations: { prefixes: ['/srv/keys'] } });
  return (await root.exists('a')) && isDirectory ? config.tokens.length : mtimeMs;
}

/** A root as the library declares it, for a host's function that takes one. */
interface LibraryRoot {
  readonly rootReal: string;
  readonly defaults: { durable?: boolean; hardlinks?: 'reject' | 'allow'; maxBytes?: number; mkdir?: boolean; mode?: number; symlinks?: 'reject' | 'follow-within-root' | 'follow-parents-within-root' };
  write(relativePath: string, data: string | Buffer, options?: { durable?: boolean; encoding?: BufferEncoding; overwrite?: boolean }): Promise<void>;
  append(relativePath: string, data: string): Promise<void>;
}
export const asLibrarys: Promise<LibraryRoot> = bound.root('/srv');
export const unlinks = plain.openRootFile({ absolutePath: '/srv/f', rootPath: '/srv', boundaryLabel: 'srv', aliasPolicy: { allowFinalSymlinkForUnlink: true } });
export const views = plain.replaceFileAtomic({ filePath: '/srv/f', content: new Float64Array(1) });

// @ts-expect-error the class is missing
bindFsSafe({ outbound: true });
// @ts-expect-error an option that does not exist
void plain.readLocalFileSafely({ filePath: '/srv/f', maxbytes: 1 });
// @ts-expect-error the synchronous twin cannot wait
plain.replaceFileAtomicSync({ filePath: '/srv/f', content: 'text', dirmode: 0o700 });
export const appends: Promise<unknown> = plain.root('/srv').then((root) => root.append('f', 'text'));
// @ts-expect-error a trusted root is needed
ensureParentDirSync('/srv/f', {});
// @ts-expect-error a style that does not exist
ensureParentDirSync('/srv/f', { trustedRoot: '/srv', style: 'older' });
