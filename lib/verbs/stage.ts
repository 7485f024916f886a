// Staged files: the caller fills a temporary, and `commit` publishes it.

import { descriptor } from '../base/descriptor.js';
import { abortable, cancelOn } from '../schedule/abort.js';
import { abandon, discard, warnOfLeftover, warnOfTemporary } from './discard.js';
import { native, nativeForStages } from '../native/load.js';
import { pending, promised, shown } from '../errors/holdfast-error.js';
import { stageArguments } from '../options/flatten.js';
import { targetOf, writes, type Target } from '../schedule/write-queue.js';
import { pathForLater, toPath } from '../options/paths.js';
import { inPool } from '../schedule/job-limit.js';
import record = require('../native/record.js');
import { reopen } from '../native/reopen.js';
import { withRoot } from '../schedule/root-handle.js';
import { invalidThis, noArguments, noCallback } from '../options/validate.js';
import { toResult } from './write.js';
import { IdentityIndex, StageIndex } from '../native/record-layout.js';
import type { Handle } from '../native/binding.js';
import type { MethodRoot } from '../options/flatten.js';
import type { NativePath } from '../errors/failure.js';
import type { promises } from 'node:fs';

/** Bit of src/verbs/stage.rs: other processes write the file. */
const SHARED = 1 << 10;

interface Staged {
  stage: Handle;
  /** the target as the caller gave it */
  given: string;
  fixed: NativePath;
  /** returns the target as of the call */
  target: () => Target;
  signal: AbortSignal | undefined;
}

/** Applies owner, ACL and mode now. What others change of them until `commit` stays, except setuid, setgid and sticky. */
let applyMetadata: (file: StagedFile) => Promise<void>;

class StagedFile {
  static {
    applyMetadata = (file) => file.#applyMetadata();
  }

  declare readonly tempPath: string;
  declare readonly handle: promises.FileHandle;
  #staged: Staged;
  /** the record of `commit`, once it has begun */
  #committing: Promise<record.Result> | undefined;
  /** the result of `abort`, unless it failed */
  #aborting: Promise<void> | undefined;
  #isEnded = false;
  /** an `abort` or a disposal has told that the temporary remains */
  #hasFailed = false;

  constructor(staged: Staged, tempPath: string, handle: promises.FileHandle) {
    this.#staged = staged;
    Object.defineProperty(this, 'tempPath', descriptor({ enumerable: true, value: tempPath }));
    Object.defineProperty(this, 'handle', descriptor({ enumerable: true, value: handle }));
  }

  /** Throws if a method is called without its object: `const { commit } = staged`. */
  static #bound(file: unknown, method: Function) {
    if (typeof file !== 'object' || file === null || !(#staged in file)) {
      throw invalidThis('StagedFile', method);
    }
  }

  /** Publishes the file. Takes no arguments. */
  commit(...given: unknown[]): Promise<ReturnType<typeof toResult>> {
    return promised(() => {
      StagedFile.#bound(this, StagedFile.prototype.commit);
      noArguments(given, 'commit', 'write the content through `handle` or `tempPath` before, and give options to stageAtomic');
      if (this.#isEnded) {
        throw invalidState();
      }
      this.#isEnded = true;
      this.#committing = this.#commit();
      return pending(this.#committed(this.#committing));
    }, StagedFile.prototype.commit);
  }

  async #committed(committing: Promise<record.Result>) {
    const { given, fixed, signal } = this.#staged;
    const result = await abortable(signal, committing, warnOfLeftover);
    if (signal && record.wasAborted(result)) {
      warnOfLeftover(result);
      throw signal.reason;
    }
    if (record.failed(result)) {
      throw record.failure(result, given);
    }
    return toResult(result, fixed);
  }

  async #commit() {
    const { stage, target, signal } = this.#staged;
    const canceller = signal && cancelOn(signal);
    try {
      signal?.throwIfAborted();
      return await writes.queued(target(), async () => {
        await closed(this);
        return inPool(async () => {
          const [answer] = await native().stageCommit(stage, canceller?.handle);
          return record.unpack(answer);
        });
      });
    } finally {
      canceller?.dispose();
      // Releases file and handle after a failure; does nothing after a commit.
      await this.#release(discard);
    }
  }

  async #applyMetadata() {
    const { stage, given } = this.#staged;
    const result = await inPool(async () => {
      const [answer] = await native().stageApplyMetadata(stage);
      return record.unpack(answer);
    });
    if (record.failed(result)) {
      throw record.failure(result, given);
    }
  }

  abort(): Promise<void> {
    return promised(() => {
      StagedFile.#bound(this, StagedFile.prototype.abort);
      this.#isEnded = true;
      return pending(this.#abort());
    }, StagedFile.prototype.abort);
  }

  async #abort() {
    if (this.#committing !== undefined) {
      // `commit` reports its error to its caller; nothing is left to abort.
      await this.#committing.catch(() => {});
      return;
    }
    this.#aborting ??= this.#release(abandon);
    try {
      await this.#aborting;
    } catch (error) {
      // The next call tries again.
      this.#aborting = undefined;
      this.#hasFailed = true;
      throw error;
    }
  }

  async #release(remove: (stage: Handle) => Promise<void>) {
    try {
      await closed(this);
    } finally {
      await remove(this.#staged.stage);
    }
  }

  [Symbol.asyncDispose]() {
    const isTold = #hasFailed in this && this.#hasFailed;
    // An error of the block must reach its caller as it is, not in a SuppressedError.
    return StagedFile.prototype.abort.call(this).catch((error) => {
      if (!isTold || error.temporary === undefined) {
        warnOfTemporary(error);
      }
    });
  }
}

/** Closes the handle unless the caller has closed it. */
async function closed({ handle }: StagedFile) {
  if (handle.fd >= 0) {
    await handle.close();
  }
}

/** Creates an error with Node's code for a wrong state. */
function invalidState() {
  return Object.assign(new Error('Invalid state: the staged file was committed or aborted before'), { code: 'ERR_INVALID_STATE' });
}

/** @param methodRoot the root whose method is called */
export async function stage(file: unknown, options: unknown, methodRoot: MethodRoot | undefined) {
  const path = toPath(file, 'file');
  const { flags, modes, root, signal } = stageArguments(options, methodRoot?.defaults);
  signal?.throwIfAborted();
  const given = shown(path);
  const fixed = pathForLater(path, methodRoot !== undefined || root !== undefined);
  const fixedRoot = root === undefined ? undefined : pathForLater(toPath(root, 'root'), false);
  const target = () => targetOf(fixed, fixedRoot, methodRoot, flags);
  return abortable(signal, begin({ given, fixed, root: fixedRoot, methodRoot, flags, modes, target, signal }), (staged) => staged[Symbol.asyncDispose]());
}

type BeginArguments = Omit<Staged, 'stage'> & { root: NativePath | undefined; methodRoot: MethodRoot | undefined; flags: number; modes: number };

async function begin({ given, fixed, root, methodRoot, flags, modes, target, signal }: BeginArguments) {
  const [answer, begun] = await withRoot(root, methodRoot, (base) =>
    inPool(async () => {
      signal?.throwIfAborted();
      return nativeForStages().stageBegin(fixed, flags | SHARED, modes, base?.handle);
    }),
  );
  const result = record.unpack(answer);
  if (begun === undefined) {
    throw record.failure(result, given);
  }
  try {
    signal?.throwIfAborted();
    const { numbers } = result;
    const tempPath = record.realPath(result, fixed, undefined);
    const held = {
      descriptor: numbers[StageIndex.DESCRIPTOR],
      dev: numbers[IdentityIndex.DEV],
      ino: numbers[IdentityIndex.INO],
      inoLow: numbers[IdentityIndex.INO_LOW],
      realPath: tempPath,
    };
    const handle = await reopen(held, 'r+', given);
    return new StagedFile({ stage: begun, given, fixed, target, signal }, tempPath, handle);
  } catch (error) {
    await discard(begun);
    throw error;
  }
}

export function stageAtomic(file: unknown, options?: unknown, callback: unknown = undefined) {
  return promised(() => {
    noCallback(callback);
    return pending(stage(file, options, undefined));
  }, stageAtomic);
}

export { applyMetadata };
