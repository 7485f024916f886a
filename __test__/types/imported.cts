// A CommonJS program in TypeScript, with `import { … }`, which the compiler turns into require.
import { ensureDirSync, isHoldfastError, readLocalFileSafely, type HoldfastErrorCode, type ReadResult } from 'holdfast';
import * as everything from 'holdfast';

export async function attachment(filePath: string): Promise<ReadResult | HoldfastErrorCode> {
  ensureDirSync('/srv/media', { mode: 0o750 });
  try {
    return await readLocalFileSafely({ filePath, outbound: true });
  } catch (error) {
    if (isHoldfastError(error)) return error.code;
    throw error;
  }
}

export const write: typeof everything.writeAtomic = everything.writeAtomic;
