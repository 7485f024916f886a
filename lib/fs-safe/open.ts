// The functions of the fs-safe generation with the class SafeOpenError.

import { OLD_LOCAL_READ, OLD_ROOT_READ, OLD_ROOT_WRITE } from './errors.js';
import { bindLocalReads, oneBeneath, type Host } from './read.js';
import { writeFileWithinRoot } from './root/write.js';
import type { Unchecked } from './options.js';

export function bindOld(host: Host) {
  const readFileWithinRoot = (params: Unchecked) => oneBeneath(host, { ...params, maxBytes: params.maxBytes === undefined ? Infinity : params.maxBytes }, 'read', OLD_ROOT_READ);
  const readPathWithinRoot = ({ filePath, ...params }: Unchecked) => readFileWithinRoot({ ...params, relativePath: filePath });
  return {
    ...bindLocalReads(host, OLD_LOCAL_READ),
    async openFileWithinRoot(params: Unchecked) {
      return oneBeneath(host, { ...params, maxBytes: Infinity }, 'open', OLD_ROOT_READ);
    },
    async readFileWithinRoot(params: Unchecked) {
      return readFileWithinRoot(params);
    },
    async readPathWithinRoot(params: Unchecked) {
      return readPathWithinRoot(params);
    },
    createRootScopedReadFile(params: Unchecked) {
      return async (filePath: unknown) => (await readPathWithinRoot({ ...params, filePath })).buffer;
    },
    async writeFileWithinRoot(params: Unchecked) {
      return writeFileWithinRoot(host, params, OLD_ROOT_WRITE);
    },
  };
}
