// Checks the types and ranges of option values, and converts them for the addon.

import { optionsOf } from './names.js';
import { OPTIONS, OUTBOUND } from './schema.js';
import { invalidType, invalidValue, outOfRange, toBoolean, toChoice } from './validate.js';

export function wordsOf(name: string) {
  return OPTIONS[name].words as Record<string, number>;
}

const POLICIES = wordsOf('symlinks');

const MAX_MODE = 0o777;

export function toMode(value: unknown, name: string): number {
  if (typeof value !== 'number') {
    throw invalidType(name, 'of type number', value);
  }
  if (!Number.isInteger(value) || value < 0 || value > MAX_MODE) {
    throw outOfRange(name, 'an integer >= 0 and <= 0o777', value);
  }
  return value;
}

export function toMaxBytes(value: unknown, fallback: number, name: string = 'options.maxBytes'): number {
  if (value === undefined) {
    return fallback;
  }
  if (typeof value !== 'number') {
    throw invalidType(name, 'of type number', value);
  }
  if (value !== Infinity && (!Number.isSafeInteger(value) || value < 0)) {
    throw outOfRange(name, 'an integer >= 0 and <= 2 ** 53 - 1, or Infinity', value);
  }
  return value;
}

export function toSignal(value: unknown): AbortSignal | undefined {
  if (value === undefined) {
    return undefined;
  }
  const signal = value as AbortSignal;
  if (
    signal === null ||
    typeof signal !== 'object' ||
    typeof signal.aborted !== 'boolean' ||
    typeof signal.throwIfAborted !== 'function' ||
    typeof signal.addEventListener !== 'function'
  ) {
    throw invalidType('options.signal', 'an instance of AbortSignal', value);
  }
  return signal;
}

/** Returns the bits of a symlink policy. Throws if the policy needs a root and there is none. */
export function toPolicy(symlinks: unknown, hasRoot: boolean): number {
  const policy = toChoice(symlinks, 'options.symlinks', POLICIES, hasRoot ? POLICIES.reject : POLICIES['follow-parents']);
  if (policy === POLICIES['follow-within-root'] && !hasRoot) {
    throw invalidValue('options.symlinks', "needs the option 'root'", symlinks);
  }
  return policy;
}

/** Returns the bits of src/verbs/read.rs, `rules`, for `outbound`. */
export function toOutbound(value: unknown) {
  if (value === undefined || value === false) {
    return 0;
  }
  if (value === true) {
    return 1;
  }
  if (typeof value !== 'object' || value === null) {
    throw invalidType('options.outbound', 'of type boolean or object', value);
  }
  const { allowOwnerOnly } = optionsOf(value, OUTBOUND, 'options.outbound');
  return toBoolean(allowOwnerOnly, 'options.outbound.allowOwnerOnly', false) ? 3 : 1;
}

export function toDurable(value: unknown) {
  if (value === undefined || value === true) {
    return 2;
  }
  if (value === 'file') {
    return 1;
  }
  if (value !== false) {
    throw typeof value === 'string'
      ? invalidValue('options.durable', "must be a boolean or 'file'", value)
      : invalidType('options.durable', "of type boolean or 'file'", value);
  }
  return 0;
}

export function toEncoding(value: unknown, name: string = 'options.encoding'): BufferEncoding {
  if (value === undefined) {
    return 'utf8';
  }
  if (typeof value !== 'string') {
    throw invalidType(name, 'of type string', value);
  }
  if (!Buffer.isEncoding(value)) {
    throw invalidValue(name, 'is no encoding', value);
  }
  return value;
}

/**
 * Returns the encoding of a read, or `undefined` for a Buffer. `null` and `'buffer'` also mean a Buffer, as in Node.
 */
export function toReadEncoding(value: unknown): BufferEncoding | undefined {
  return value === undefined || value === null || value === 'buffer' ? undefined : toEncoding(value);
}
