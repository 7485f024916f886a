// The lstat of a file by its path. Node's permission model may refuse that of node:fs; the binary's has rounded numbers.

import { BIGINT, fs, path } from '../base/node.js';
import { lstatAt, lstatAtSync } from '../root/stat.js';
import type { BigIntStats } from 'node:fs';

type Found = Awaited<ReturnType<typeof lstatAt>>;

/** Whether Node's permission model has refused a call. */
export const isDenied = (error: unknown): boolean => (error as NodeJS.ErrnoException).code === 'ERR_ACCESS_DENIED';

/** Returns the binary's stat in the form of node:fs. */
function exact(stat: Found): BigIntStats {
  const { dev, ino, nlink } = stat;
  return Object.assign(stat, { dev: BigInt(dev), ino: BigInt(ino), nlink: BigInt(nlink) }) as unknown as BigIntStats;
}

/** Returns the lstat of a path, of node:fs where that is permitted. */
export async function look(file: string): Promise<BigIntStats> {
  try {
    return await fs.promises.lstat(file, BIGINT);
  } catch (error) {
    if (isDenied(error)) {
      return exact(await lstatAt(path.resolve(file)));
    }
    throw error;
  }
}

/** Synchronous twin of {@link look}. */
export function lookSync(file: string): BigIntStats {
  try {
    return fs.lstatSync(file, BIGINT);
  } catch (error) {
    if (isDenied(error)) {
      return exact(lstatAtSync(path.resolve(file)));
    }
    throw error;
  }
}
