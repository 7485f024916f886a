// `copyIn` of a root: the content of an open source, written as `create` and `write` of the root do it.

import { LOCAL_READ, hostError, toHost, type HostErrorClass } from '../errors.js';
import { callBack } from '../host-callbacks.js';
import { toLimit } from '../read.js';
import { openLocalFileSafely } from '../../verbs/read.js';
import type { FileHandle } from 'node:fs/promises';
import type { Stats } from 'node:fs';
import type { Unchecked } from '../options.js';
import type { RootWrites } from './write.js';

interface Source {
  handle: FileHandle;
  stat: Stats;
}

const CHUNK = 1 << 18;

/** Returns whether a copy must share the blocks of its source, which only the original refuses or does. */
export function mustClone(HostError: HostErrorClass, clone: Unchecked): boolean {
  if (clone !== undefined && clone !== 'auto' && clone !== 'always' && clone !== 'never') {
    throw hostError(HostError, 'invalid-path', 'copy clone policy must be auto, always, or never');
  }
  return clone === 'always';
}

async function opened(HostError: HostErrorClass, source: Unchecked, hardlinks: Unchecked): Promise<Source> {
  if (typeof source !== 'string') {
    return source.root.open(source.relativePath, hardlinks === undefined ? {} : { hardlinks });
  }
  try {
    return (await openLocalFileSafely(source, {})) as Source;
  } catch (error) {
    throw toHost(HostError, LOCAL_READ, error, { given: source });
  }
}

export async function copyInto(HostError: HostErrorClass, writer: InstanceType<typeof RootWrites>, given: unknown, source: Unchecked, options: Unchecked, defaults: Unchecked) {
  const { signal, sourceHardlinks, preserveSourceMode, onDestinationPublished } = options ?? {};
  const maxBytes = toLimit(options?.maxBytes === undefined ? defaults.maxBytes : options.maxBytes);
  const { handle, stat } = await opened(HostError, source, sourceHardlinks);
  try {
    if (sourceHardlinks === 'reject' && stat.nlink > 1) {
      throw hostError(HostError, 'hardlink', 'hardlinked path not allowed');
    }
    if (maxBytes !== undefined && stat.size > maxBytes) {
      throw hostError(HostError, 'too-large', `file exceeds limit of ${maxBytes} bytes (got ${stat.size})`);
    }
    signal?.throwIfAborted();
    const mode = (options?.mode === undefined ? defaults.mode : options.mode) ?? (preserveSourceMode === true ? stat.mode & 0o777 : undefined);
    const content = handle.createReadStream({ start: 0, autoClose: false, highWaterMark: CHUNK });
    await writer.write(given, content, { ...options, mode, maxBytes }, {
      mayStream: true,
      isPlaced: true,
      onPublished(path, { dev, ino }) {
        callBack(onDestinationPublished, 'onDestinationPublished', [Object.freeze({ path, dev: BigInt(dev), ino: BigInt(ino) })]);
      },
    });
  } finally {
    await handle.close().catch(() => {});
  }
}
