// A CommonJS program in TypeScript, with `import … = require`: every value the package exports, and its types.
import holdfast = require('holdfast');
import manifest = require('holdfast/package.json');

const options: holdfast.WriteOptions = { mode: holdfast.PRIVATE_FILE_MODE, mkdir: true, dirMode: holdfast.PRIVATE_DIR_MODE };

async function everyExport(file: holdfast.PathInput): Promise<string> {
  const made: holdfast.EnsureDirResult = await holdfast.ensureDir('/srv/a', { existing: 'require' });
  const madeSync: holdfast.EnsureDirResult = holdfast.ensureDirSync('/srv/a');
  const written: holdfast.WriteResult = await holdfast.writeAtomic(file, 'text', options);
  const writtenSync: holdfast.WriteResult = holdfast.writeAtomicSync(file, 'text', { newFileMode: holdfast.MEDIA_FILE_MODE });
  const entry: holdfast.WriteEntry = { file, data: 'text', options };
  const many: PromiseSettledResult<holdfast.WriteResult>[] = await holdfast.writeAtomicMany([entry]);
  const staged: holdfast.StagedFile = await holdfast.stageAtomic(file, { fallback: 'none' });
  await staged.abort();
  const cleaned: string[] = await holdfast.cleanStaleTemporaries('/srv', { olderThanMs: 0 });
  const read: holdfast.ReadResult = await holdfast.readLocalFileSafely({ filePath: file, outbound: true });
  const readSync: holdfast.ReadResult = holdfast.readLocalFileSafelySync(file);
  const opened: holdfast.OpenResult = await holdfast.openLocalFileSafely(file);
  const root: holdfast.Root = await holdfast.openRoot('/srv');
  const rootSync: holdfast.Root = holdfast.openRootSync('/srv');
  const system: holdfast.Capabilities = holdfast.capabilities();
  await opened.handle.close();
  root.close();
  rootSync.close();
  return [...cleaned, made.path, madeSync.path, written.path, writtenSync.path, many[0]?.status, read.realPath, readSync.realPath, system.version, manifest.version].join();
}

function describe(error: unknown): holdfast.HoldfastErrorPublic | undefined {
  if (error instanceof holdfast.HoldfastError) return error.toPublic();
  return holdfast.isHoldfastError(error) ? error.toPublic() : undefined;
}

// @ts-expect-error the module has no member of that name
void holdfast.default;
// @ts-expect-error nor is it a function
holdfast('/srv/a');

export = { everyExport, describe };
