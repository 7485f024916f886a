// A private directory for the life of a process.

import { os } from '../base/node.js';
import { native } from '../native/load.js';
import { pending, promised, refusal } from '../errors/holdfast-error.js';
import record = require('../native/record.js');
import { RemoveIndex } from '../native/record-layout.js';
import { optionsOf } from '../options/names.js';
import { pathForLater, toPath } from '../options/paths.js';
import { TEMP_ROOT } from '../options/schema.js';
import { invalidThis, invalidType, invalidValue, noCallback } from '../options/validate.js';
import { inPool } from '../schedule/job-limit.js';
import rootHandle = require('../schedule/root-handle.js');
import { adopt } from './open-root.js';
import type { Root } from './root.js';
import type { Handle } from '../native/binding.js';

/** Longest prefix, so that the name stays far below the limit of every file system. */
const MAX_LENGTH = 64;

function toPrefix(value: unknown) {
  if (value === undefined) {
    return '';
  }
  if (typeof value !== 'string') {
    throw invalidType('options.prefix', 'of type string', value);
  }
  if (!/^[\w.-]*$/.test(value) || value.startsWith('.') || value.length > MAX_LENGTH) {
    throw invalidValue('options.prefix', `must be letters, digits, '_', '-' and '.', not begin with '.', and have at most ${MAX_LENGTH} characters`, value);
  }
  return value;
}

class TempRoot {
  declare readonly root: Root;
  declare readonly path: string;
  readonly #handle: Handle;
  #removed: Promise<{ removed: number }> | undefined;

  constructor(handle: Handle, root: Root) {
    this.#handle = handle;
    Object.defineProperties(this, {
      root: { enumerable: true, value: root },
      path: { enumerable: true, value: root.path },
    });
  }

  remove(callback: unknown = undefined): Promise<{ removed: number }> {
    return promised(() => {
      noCallback(callback);
      if (typeof this !== 'object' || this === null || !(#handle in this)) {
        throw invalidThis('TempRoot', TempRoot.prototype.remove);
      }
      // A second call returns the result of the first; after a failure it tries again.
      const removing = (this.#removed ??= pending(this.#remove()));
      removing.catch(() => {
        this.#removed = undefined;
      });
      return removing;
    }, TempRoot.prototype.remove);
  }

  async #remove() {
    const [answer] = await inPool(() => native().tempRootRemove(this.#handle));
    const result = record.unpack(answer);
    if (record.failed(result)) {
      throw record.failure(result, this.path, { done: 'removed' });
    }
    this.root.close();
    return { removed: result.numbers[RemoveIndex.COUNT] };
  }

  async [Symbol.asyncDispose]() {
    await TempRoot.prototype.remove.call(this);
  }
}

export function openTempRoot(options?: unknown, callback: unknown = undefined) {
  return promised(() => {
    noCallback(callback);
    const { parent, prefix } = optionsOf(options, TEMP_ROOT);
    const above = pathForLater(toPath(parent ?? os.tmpdir(), 'options.parent'), false);
    const name = toPrefix(prefix);
    return pending(create(above, name, parent === undefined));
  }, openTempRoot);
}

async function create(parent: string | Uint8Array, prefix: string, isShared: boolean) {
  const [answer, temporary] = await inPool(() => native().tempRootCreate(parent, prefix, isShared));
  const result = record.unpack(answer);
  if (temporary === undefined) {
    throw record.failure(result, parent);
  }
  const handle = native().tempRootHandle(temporary);
  if (!handle) {
    throw refusal('internal', 'no handle could be made', parent);
  }
  return new TempRoot(temporary, adopt(rootHandle.toOpened(handle, result, parent)));
}
