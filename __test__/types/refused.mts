// Programs that must not compile. Every line has one mistake. A directive without an error below it is an error.
import {
  ensureDir,
  ensureDirSync,
  HoldfastError,
  openLocalFileSafely,
  openRootSync,
  cleanStaleTemporaries,
  readLocalFileSafely,
  readLocalFileSafelySync,
  stageAtomic,
  writeAtomic,
  writeAtomicMany,
  writeAtomicSync,
  type EnsureDirResult,
  type HoldfastErrorCode,
  type ReadResult,
} from 'holdfast';
// @ts-expect-error there is no default export
import holdfast from 'holdfast';
// @ts-expect-error the folder of the implementation is not exported
import * as internals from 'holdfast/dist/verbs/read.js';
// @ts-expect-error a name that does not exist
import { readFileSafely } from 'holdfast';

declare const signal: AbortSignal;

export async function refusedReads(): Promise<void> {
  // @ts-expect-error the path is missing
  await readLocalFileSafely();
  // @ts-expect-error the object form needs a filePath
  await readLocalFileSafely({ maxBytes: 1 });
  // @ts-expect-error the option is called filePath
  await readLocalFileSafely({ path: '/srv/a' });
  // @ts-expect-error a number is no path
  await readLocalFileSafely(7);
  // @ts-expect-error nor are bytes that are no Buffer
  await readLocalFileSafely(new Uint8Array(1));
  // @ts-expect-error a misspelt option
  await readLocalFileSafely('/srv/a', { maxbytes: 1 });
  // @ts-expect-error a limit is a number
  await readLocalFileSafely('/srv/a', { maxBytes: '1 MiB' });
  // @ts-expect-error a policy that does not exist
  await readLocalFileSafely('/srv/a', { symlinks: 'follow' });
  // @ts-expect-error a misspelt option, one level down
  await readLocalFileSafely('/srv/a', { outbound: { ownerOnly: true } });
  // @ts-expect-error an encoding is an option, not the options
  await readLocalFileSafely('/srv/a', 'utf8');
  // @ts-expect-error no encoding of Node's
  await readLocalFileSafely('/srv/a', { encoding: 'utf-9' });
  // @ts-expect-error the handle decodes
  await openLocalFileSafely('/srv/a', { encoding: 'utf8' });
  // @ts-expect-error the result is text
  (await readLocalFileSafely('/srv/a', { encoding: 'utf8' })).buffer;
  // @ts-expect-error a read opens for reading only
  await readLocalFileSafely('/srv/a', { flag: 'r+' });
  // @ts-expect-error an option of writing
  await openLocalFileSafely('/srv/a', { mode: 0o600 });
  // @ts-expect-error a synchronous call cannot be aborted
  readLocalFileSafelySync('/srv/a', { signal });
  const abortable = { maxBytes: 1, signal };
  // @ts-expect-error nor with options that are a variable
  readLocalFileSafelySync('/srv/a', abortable);
  // @ts-expect-error nor in the object form
  readLocalFileSafelySync({ filePath: '/srv/a', signal });
  // @ts-expect-error the result is an object, not the Buffer
  const buffer: Buffer = readLocalFileSafelySync('/srv/a');
  // @ts-expect-error and not a promise
  readLocalFileSafelySync('/srv/a').then(String);
  void buffer;
}

export async function refusedWrites(): Promise<void> {
  // @ts-expect-error the data is missing
  await writeAtomic('/srv/a');
  // @ts-expect-error a number is no data
  await writeAtomic('/srv/a', 7);
  // @ts-expect-error nor is an object
  await writeAtomic('/srv/a', { a: 1 });
  // @ts-expect-error an iterable of numbers is not an iterable of chunks
  await writeAtomic('/srv/a', [1, 2, 3]);
  // @ts-expect-error the option is called durable
  await writeAtomic('/srv/a', 'text', { fsync: true });
  // @ts-expect-error it does not sync the directory alone
  await writeAtomic('/srv/a', 'text', { durable: 'directory' });
  // @ts-expect-error an option of reading
  await writeAtomic('/srv/a', 'text', { outbound: true });
  // @ts-expect-error the option is called overwrite
  await writeAtomic('/srv/a', 'text', { flag: 'wx' });
  const fromPeers = { mode: 0o600, chown: false, flag: 'a', fsync: true, tmpfilePrefix: 'x' };
  // @ts-expect-error options of other libraries are refused in a variable, too
  await writeAtomic('/srv/a', 'text', fromPeers);
  // @ts-expect-error a staged file has a size only when it is complete
  await stageAtomic('/srv/a', { maxBytes: 1 });
  // @ts-expect-error an encoding that does not exist
  await writeAtomic('/srv/a', 'text', 'utf7');
  // @ts-expect-error a mode is given by its option: a number is none of the forms
  await writeAtomic('/srv/a', 'text', 0o600);
  // @ts-expect-error a synchronous write takes no iterable
  writeAtomicSync('/srv/a', ['text']);
  // @ts-expect-error and no signal
  writeAtomicSync('/srv/a', 'text', { signal });
  // @ts-expect-error what is removed has to have an age
  await cleanStaleTemporaries('/srv');
  // @ts-expect-error there are no strings to encode
  await stageAtomic('/srv/a', { encoding: 'utf8' });
  // @ts-expect-error there is no such fallback
  await writeAtomic('/srv/a', 'text', { fallback: 'copy' });
  // @ts-expect-error many writes are an array of them
  await writeAtomicMany({ file: '/srv/a', data: 'text' });
  // @ts-expect-error the field is called file
  await writeAtomicMany([{ path: '/srv/a', data: 'text' }]);
  // @ts-expect-error the data of one is missing
  await writeAtomicMany([{ file: '/srv/a' }]);
  // @ts-expect-error what is written together is there as a whole
  await writeAtomicMany([{ file: '/srv/a', data: ['chunk'] }]);
  // @ts-expect-error the root is that of the whole call
  await writeAtomicMany([{ file: 'a', data: 'text', options: { root: '/srv' } }]);
  // @ts-expect-error and so is the policy
  await writeAtomicMany([{ file: 'a', data: 'text', options: { symlinks: 'reject' } }]);
  // @ts-expect-error and the signal
  await writeAtomicMany([{ file: 'a', data: 'text', options: { signal } }]);
  // @ts-expect-error one result or reason for each, and not the results
  const [written]: { path: string }[] = await writeAtomicMany([{ file: '/srv/a', data: 'text' }]);
  void written;
}

export async function refusedDirectories(): Promise<void> {
  // @ts-expect-error a mode is a number
  await ensureDir('/srv/a', '0700');
  // @ts-expect-error it is always recursive
  await ensureDir('/srv/a', { recursive: false });
  // @ts-expect-error a mode is given by its option
  await ensureDir('/srv/a', 0o700);
  // @ts-expect-error the index of map() is no mode
  await Promise.all(['/srv/a', '/srv/b'].map(ensureDir));
  // @ts-expect-error nor in the synchronous form
  ['/srv/a', '/srv/b'].map(ensureDirSync);
  // @ts-expect-error a treatment that does not exist
  await ensureDir('/srv/a', { existing: 'chmod' });
  // @ts-expect-error a synchronous call cannot be aborted
  ensureDirSync('/srv/a', { signal });
}

export async function refusedRoots(): Promise<void> {
  // @ts-expect-error files and directories need different modes, so a root has no default for them
  const root = openRootSync('/srv', { mode: 0o600 });
  // @ts-expect-error a root beneath a root is another root
  await root.read('a', { root: '/srv' });
  // @ts-expect-error the path is an argument here
  await root.read({ filePath: 'a' });
  // @ts-expect-error for many writes, too
  await root.writeAtomicMany([], { root: '/srv' });
  // @ts-expect-error a synchronous call cannot be aborted
  root.readSync('a', { signal });
  // @ts-expect-error the directory cannot be exchanged
  root.path = '/';
}

// @ts-expect-error the path is a field
new HoldfastError('not-found', '/srv/a');
// @ts-expect-error a code that does not exist
new HoldfastError('ENOENT', { path: '/srv/a' });
// @ts-expect-error a field that does not exist
new HoldfastError('not-found', { file: '/srv/a' });
// @ts-expect-error a code that does not exist
export const code: HoldfastErrorCode = 'ENOENT';
// @ts-expect-error the buffer may not be text
export const text = (result: ReadResult): string => result.buffer;
// @ts-expect-error a reason is there only when there is one
export const reason = (result: EnsureDirResult): string => result.reason;
void holdfast;
void internals;
void readFileSafely;
