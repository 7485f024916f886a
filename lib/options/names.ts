// Checks the names of options. An option without effect is an error: it may be a check that the caller relies on.

import { escaped } from '../base/escape.js';
import { invalidType, invalidValue, isTop, toOptions, type Given } from './validate.js';
import { ENTRY, ENTRY_OPTIONS, EVERY_COPY, OPTIONS, READ, TITLES, WRITE, foreignHint, namesOf } from './schema.js';
import { table } from '../base/lookup-table.js';

/** For each option, the kinds of options objects that may have it. Every call with options costs one lookup here. */
const CALLS = table(Object.fromEntries(Object.entries(OPTIONS).map(([name, { calls }]) => [name, calls])));

const MAX_NAMES = 16;

/**
 * The last accepted name at each position, per kind. Calls repeat the shape of their options, and a comparison costs
 * half of a lookup.
 */
const ACCEPTED = Array.from({ length: 32 }, () => Array.from({ length: MAX_NAMES }, () => ''));

/**
 * Checks that a value is an options object with known names. Returns it without the properties of `Object.prototype`.
 *
 * @param call one bit of schema
 * @param where name of the object in messages
 */
export function optionsOf(options: unknown, call: number, where: string = 'options'): Given {
  if (typeof options === 'string' || typeof options === 'number') {
    throw invalidType(where, `of type object${suchAs(options, call)}`, options);
  }
  const checked = toOptions(options, where);
  if (options !== undefined) {
    checkNames(options as Given, call, where);
  }
  return checked;
}

/** Returns the option that corresponds to an argument of `node:fs` in place of options, for a message. */
function suchAs(value: string | number, call: number) {
  if (typeof value === 'string') {
    return (CALLS.encoding & call) === 0 ? '' : `, such as { encoding: '${Buffer.isEncoding(value) ? value : 'utf8'}' }`;
  }
  if ((call & EVERY_COPY) !== 0) {
    // The third argument of fs.copyFile has COPYFILE_EXCL.
    return ', such as { overwrite: false }';
  }
  const isMode = Number.isInteger(value) && value > 0 && value <= 0o777;
  return (CALLS.mode & call) === 0 ? '' : `, such as { mode: 0o${(isMode ? value : 0o600).toString(8)} }`;
}

/**
 * Refuses unknown enumerable options, own or inherited from a class. Skips `undefined` and names that come from
 * `Object.prototype`.
 *
 * @param call one bit of schema
 */
function checkNames(options: Given, call: number, where: string) {
  const accepted = ACCEPTED[Math.clz32(call)];
  let index = 0;
  for (const name in options) {
    if (name !== accepted[index]) {
      if ((CALLS[name] & call) === 0) {
        checkForeign(options, name, call, where);
      } else if (index < MAX_NAMES) {
        accepted[index] = name;
      }
    }
    index += 1;
  }
}

function checkForeign(options: Given, name: string, call: number, where: string) {
  const value = isPollution(options, name) ? undefined : options[name];
  if (value === undefined) {
    return;
  }
  const shown = `${where}.${escaped(name)}`;
  const { known, hint } = foreignHint(name, value, call);
  if (known && hint === undefined) {
    return;
  }
  const title = TITLES[call];
  if (hint !== undefined) {
    throw invalidValue(shown, `is not supported by ${title}: ${hint}`, value);
  }
  throw invalidValue(shown, `is not an option of ${title}${suggestion(name, call)}`, value);
}

/** Returns whether a name comes from the `Object.prototype` of a realm. */
function isPollution(options: object, name: string) {
  for (let level = options; level !== null && (level === options || !isTop(level)); level = Object.getPrototypeOf(level)) {
    if (Object.hasOwn(level, name)) {
      return false;
    }
  }
  return true;
}

/** Returns the end of a message: the calls that take the option, the likely name, or all valid names. */
function suggestion(name: string, call: number) {
  const valid = namesOf(call);
  const place = placeOf(name, call);
  if (place !== undefined) {
    return `: ${place}`;
  }
  const others = Object.keys(TITLES).filter((bit) => (CALLS[name] & Number(bit)) !== 0 && TITLES[bit] !== TITLES[call]);
  if (others.length > 0) {
    return `, but of ${[...new Set(others.map((bit) => TITLES[bit]))].join(', ')}; its options are ${valid.join(', ')}`;
  }
  const distances = valid.map((option) => distance(option.toLowerCase(), name.toLowerCase()));
  const least = Math.min(...distances);
  const isNear = least <= Math.max(name.length < 4 ? 1 : 2, Math.floor(name.length * 0.4));
  return isNear ? `; did you mean '${valid[distances.indexOf(least)]}'?` : `; its options are ${valid.join(', ')}`;
}

const PATH_NAMES = new Set(['path', 'filename', 'filepath']);

/** Returns where an option belongs, if another object of the same call takes it. */
function placeOf(name: string, call: number) {
  if (call === READ && name === 'filePath') {
    return 'the path is the first argument';
  }
  if (call === ENTRY && PATH_NAMES.has(name.toLowerCase())) {
    return "use 'file'";
  }
  if (call === ENTRY && (CALLS[name] & ENTRY_OPTIONS) !== 0) {
    return "put it in 'options' of the entry";
  }
  if ((call === ENTRY || call === ENTRY_OPTIONS) && (CALLS[name] & WRITE) !== 0) {
    return 'it holds for all entries: put it in the second argument of writeAtomicMany';
  }
  return undefined;
}

/** Returns the Levenshtein distance of two names, cut at 64 characters. */
function distance(a: string, b: string) {
  const [left, right] = [a.slice(0, 64), b.slice(0, 64)];
  let row = Array.from({ length: right.length + 1 }, (_, index) => index);
  for (let i = 1; i <= left.length; i++) {
    const next = [i];
    for (let j = 1; j <= right.length; j++) {
      const change = row[j - 1] + (left[i - 1] === right[j - 1] ? 0 : 1);
      next.push(Math.min(change, row[j] + 1, next[j - 1] + 1));
    }
    row = next;
  }
  return row[right.length];
}
