// Packs the options of `stat`, `list` and `walk` of a root.

import { optionsOf } from './names.js';
import { LIST, STAT, WALK } from './schema.js';
import { toPolicy, toSignal, wordsOf } from './values.js';
import { invalidType, outOfRange, toBoolean, toChoice, type Given } from './validate.js';
import type { WalkEntry } from '../../types/root-read.js';

const ON_ERROR = wordsOf('onError');

/** Default of `maxEntries` for a list. */
const MAX_ENTRIES = 100_000;
/** Greatest depth: more than any path can have. */
const MAX_DEPTH = 0xffff_ffff;

/** Bits of src/verbs/walk.rs and src/verbs/list.rs. */
const WITH_STAT = 1 << 2;
const SKIP = 1 << 3;
const STEP = 1 << 4;

export function statArguments(options: unknown, defaults: Given) {
  const { symlinks = defaults.symlinks, signal } = optionsOf(options, STAT);
  return { flags: toPolicy(symlinks, true), signal: toSignal(signal) };
}

export function listArguments(options: unknown, defaults: Given) {
  const { symlinks = defaults.symlinks, stat, maxEntries, signal } = optionsOf(options, LIST);
  return {
    flags: toPolicy(symlinks, true) | (toBoolean(stat, 'options.stat', false) ? WITH_STAT : 0),
    maxEntries: toLimit(maxEntries, 'options.maxEntries', MAX_ENTRIES),
    signal: toSignal(signal),
  };
}

export function walkArguments(options: unknown, defaults: Given) {
  const { symlinks = defaults.symlinks, stat, maxDepth, maxEntries, filter, onError, signal } = optionsOf(options, WALK);
  if (filter !== undefined && typeof filter !== 'function') {
    throw invalidType('options.filter', 'of type function', filter);
  }
  return {
    flags:
      toPolicy(symlinks, true) |
      (toBoolean(stat, 'options.stat', false) ? WITH_STAT : 0) |
      (toChoice(onError, 'options.onError', ON_ERROR, ON_ERROR.throw) === ON_ERROR.skip ? SKIP : 0) |
      (filter === undefined ? 0 : STEP),
    maxDepth: Math.min(toLimit(maxDepth, 'options.maxDepth', Infinity, 1), MAX_DEPTH),
    maxEntries: toLimit(maxEntries, 'options.maxEntries', Infinity),
    filter: filter as ((entry: WalkEntry) => unknown) | undefined,
    signal: toSignal(signal),
  };
}

export function toLimit(value: unknown, name: string, fallback: number, least = 0) {
  if (value === undefined) {
    return fallback;
  }
  if (typeof value !== 'number') {
    throw invalidType(name, 'of type number', value);
  }
  if (value !== Infinity && (!Number.isSafeInteger(value) || value < least)) {
    throw outOfRange(name, `an integer >= ${least} and <= 2 ** 53 - 1, or Infinity`, value);
  }
  return value;
}
