// A program that names none of Node's types. In a project without @types/node and with `skipLibCheck`, types from Node
// (paths, buffers, stats, handles) are `any`; all others are checked as usual.
import { ensureDir, isHoldfastError, readLocalFileSafely, writeAtomic, type EnsureDirResult } from 'holdfast';

export async function save(file: string, text: string): Promise<number> {
  const directory: EnsureDirResult = await ensureDir('/srv/a', { existing: 'require' });
  if (directory.hardening === 'tolerated') return 0;
  const { size, durable } = await writeAtomic(file, text, { mode: 0o600, durable: 'file' });
  return durable === false ? 0 : size;
}

export async function refused(file: string): Promise<void> {
  // @ts-expect-error a misspelt option
  await readLocalFileSafely(file, { maxbytes: 1 });
  // @ts-expect-error a value that does not exist
  await ensureDir(file, { existing: 'chmod' });
  try {
    await readLocalFileSafely({ filePath: file, outbound: true });
  } catch (error) {
    // @ts-expect-error a code that does not exist
    if (isHoldfastError(error) && error.code === 'ENOENT') throw error;
  }
}
