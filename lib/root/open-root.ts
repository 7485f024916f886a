// Opens roots.

import { atCaller, pending, promised } from '../errors/holdfast-error.js';
import { rootDefaults, type Defaults } from '../options/flatten.js';
import { noCallback, noCallbackSync } from '../options/validate.js';
import rootHandle = require('../schedule/root-handle.js');
import { Root } from './root.js';
import type { Identified } from '../schedule/root-handle.js';

export function openRootSync(dir: unknown, defaults?: unknown, callback: unknown = undefined) {
  try {
    noCallbackSync(callback);
    const checked = rootDefaults(defaults);
    return new Root(rootHandle.openSync(dir), checked);
  } catch (error) {
    throw atCaller(error, openRootSync);
  }
}

/** Cached defaults of roots that are opened without any. */
let noDefaults: Defaults | undefined;

/** Opens a directory: at once, if the kernel has it cached. */
export function openSoon(dir: unknown, defaults?: unknown): Root | Promise<Root> {
  const checked = defaults === undefined ? (noDefaults ??= rootDefaults(undefined)) : rootDefaults(defaults);
  const opened = rootHandle.openSoon(dir);
  return opened instanceof Promise ? pending(whenOpened(opened, checked)) : new Root(opened, checked);
}

export function openRoot(dir: unknown, defaults?: unknown, callback: unknown = undefined) {
  return promised(() => {
    noCallback(callback);
    return openSoon(dir, defaults);
  }, openRoot);
}

async function whenOpened(opened: Promise<Identified>, defaults: Defaults) {
  return new Root(await opened, defaults);
}

/** Makes a root of a directory that is open. */
export function adopt(opened: Identified) {
  return new Root(opened, (noDefaults ??= rootDefaults(undefined)));
}
