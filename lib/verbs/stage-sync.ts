// A complete staged file on the calling thread, for a caller whose own code runs before the publication.

import { toBytes } from '../options/data.js';
import { stageArguments } from '../options/flatten.js';
import record = require('../native/record.js');
import { nativeForStages } from '../native/load.js';
import { IdentityIndex } from '../native/record-layout.js';
import { toResult } from './write.js';

/**
 * Makes a file beside the target, with its content, owner, ACL and mode. What changes of them until `commit` stays,
 * except setuid, setgid and sticky.
 *
 * @param options of `stageAtomic`
 */
export function stageSync(file: string, content: string | Uint8Array, options: unknown) {
  const { flags, modes } = stageArguments(options);
  const native = nativeForStages();
  const stage = native.stageSync(file, toBytes(content, 'utf8', file) as Uint8Array, flags, modes, record.scratch);
  if (!stage) {
    throw record.failure(record.last, file);
  }
  const { numbers } = record.last;
  return {
    tempPath: record.realPath(record.last, file, undefined),
    dev: numbers[IdentityIndex.DEV],
    ino: numbers[IdentityIndex.INO],
    inoLow: numbers[IdentityIndex.INO_LOW],
    commit() {
      native.stageCommitSync(stage, record.scratch);
      const { last } = record;
      if (record.failed(last)) {
        throw record.failure(last, file);
      }
      return toResult(last, file);
    },
    /** Removes the file, unless it is published. */
    abort() {
      native.stageAbortSync(stage);
    },
  };
}
