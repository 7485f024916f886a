// Refuses arguments of the wrong type or range before any I/O, with Node's errors.

import { util } from '../base/node.js';
import { own } from '../errors/holdfast-error.js';
import { escaped } from '../base/escape.js';

const { inspect, types } = util;

function invalid(Kind: ErrorConstructor, code: string, message: string) {
  return own(Object.assign(new Kind(escaped(message)), { code }));
}

function received(value: unknown) {
  if (value === null || value === undefined) {
    return ` Received ${value}`;
  }
  if (typeof value === 'function') {
    return ` Received function ${String(value.name)}`;
  }
  if (typeof value === 'object') {
    const name = value.constructor?.name;
    const article = types.isProxy(value) ? 'a proxy of an' : 'an';
    return name ? ` Received ${article} instance of ${String(name)}` : ` Received ${inspect(value, { depth: -1 })}`;
  }
  const shown = inspect(value, { colors: false });
  return ` Received type ${typeof value} (${shown.length > 28 ? `${shown.slice(0, 25)}...` : shown})`;
}

export function invalidType(name: string, expected: string, value: unknown) {
  const what = name.includes('.') ? 'property' : 'argument';
  return invalid(TypeError, 'ERR_INVALID_ARG_TYPE', `The "${name}" ${what} must be ${expected}.${received(value)}`);
}

export function outOfRange(name: string, expected: string, value: unknown) {
  const message = `The value of "${name}" is out of range. It must be ${expected}. Received ${inspect(value)}`;
  return invalid(RangeError, 'ERR_OUT_OF_RANGE', message);
}

export function invalidValue(name: string, why: string, value: unknown) {
  const what = name.includes('.') ? 'property' : 'argument';
  const message = `The ${what} '${name}' ${why}${why.endsWith('?') ? '' : '.'} Received ${inspect(value)}`;
  return invalid(TypeError, 'ERR_INVALID_ARG_VALUE', message);
}

/** Creates the error of a method that is called without its object, with Node's code. */
export function invalidThis(type: string, method: Function) {
  const { name } = method;
  return invalid(TypeError, 'ERR_INVALID_THIS', `"${name}" was called without its ${type}. Call it as a method, or bind it: (...args) => object.${name}(...args)`);
}

/** An options object whose values are not checked yet. */
export type Given = Readonly<Record<string, unknown>>;

/** Checks that a value is an options object. Throws for any other value, as Node does. */
export function toOptions(options: unknown, name: string = 'options'): Given {
  if (options === undefined) {
    return NONE;
  }
  if (options === null || typeof options !== 'object' || Array.isArray(options)) {
    throw invalidType(name, typeof options === 'function' ? 'of type object: there is no callback' : 'of type object', options);
  }
  const prototype = Object.getPrototypeOf(options);
  if (prototype !== Object.prototype && prototype !== null) {
    noContainer(options, name);
    return isPolluted() || hasForeignTop(prototype) ? unpolluted(options as Given) : (options as Given);
  }
  return isPolluted() ? unpolluted(options as Given) : (options as Given);
}

/** Refuses objects whose content is not in properties: as options they have no effect. */
function noContainer(options: object, name: string) {
  if (types.isPromise(options) || types.isMap(options) || types.isSet(options) || types.isDate(options) || types.isRegExp(options) || types.isBoxedPrimitive(options)) {
    throw invalidType(name, 'of type object, with the options as its properties', options);
  }
}

/**
 * Returns whether a prototype is the `Object.prototype` of this or another realm: it has no prototype and owns
 * `hasOwnProperty`.
 */
export function isTop(prototype: object) {
  return prototype === Object.prototype || (Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype, 'hasOwnProperty'));
}

/** Returns whether a prototype is, or inherits from, the `Object.prototype` of another realm. */
function hasForeignTop(prototype: object | null) {
  for (let level = prototype; level !== null && level !== Object.prototype; level = Object.getPrototypeOf(level)) {
    if (isTop(level)) {
      return true;
    }
  }
  return false;
}

/**
 * Returns whether `Object.prototype` has a property with the name of an option (prototype pollution). Reads of missing
 * names are cheap; `npm run lint` compares the names with the table of options.
 */
function isPolluted() {
  const top = Object.prototype as Given;
  return (
    top.root !== undefined ||
    top.symlinks !== undefined ||
    top.signal !== undefined ||
    top.filePath !== undefined ||
    top.maxBytes !== undefined ||
    top.hardlinks !== undefined ||
    top.pseudoFiles !== undefined ||
    top.outbound !== undefined ||
    top.allowOwnerOnly !== undefined ||
    top.mode !== undefined ||
    top.newFileMode !== undefined ||
    top.overwrite !== undefined ||
    top.finalSymlink !== undefined ||
    top.durable !== undefined ||
    top.mkdir !== undefined ||
    top.dirMode !== undefined ||
    top.encoding !== undefined ||
    top.fallback !== undefined ||
    top.olderThanMs !== undefined ||
    top.existing !== undefined ||
    top.stat !== undefined ||
    top.maxEntries !== undefined ||
    top.maxDepth !== undefined ||
    top.filter !== undefined ||
    top.onError !== undefined ||
    top.toRoot !== undefined ||
    top.recursive !== undefined ||
    top.missing !== undefined ||
    top.parent !== undefined ||
    top.prefix !== undefined ||
    top.invalid !== undefined ||
    top.ifMissing !== undefined ||
    top.space !== undefined ||
    top.shared !== undefined ||
    top.timeoutMs !== undefined ||
    top.lockDir !== undefined ||
    top.lockMode !== undefined ||
    top.lock !== undefined ||
    top.maxReadBytes !== undefined ||
    top.onTornTail !== undefined ||
    top.maxFileBytes !== undefined ||
    top.file !== undefined ||
    top.data !== undefined ||
    top.options !== undefined
  );
}

/** Copies the properties of an object and its classes, without those of any realm's `Object.prototype`. */
function unpolluted(options: Given): Given {
  const copy = Object.create(null);
  for (let level = options; level !== null && (level === options || !isTop(level)); level = Object.getPrototypeOf(level)) {
    for (const name of Object.getOwnPropertyNames(level)) {
      if (name !== 'constructor' && !(name in copy)) {
        copy[name] = options[name];
      }
    }
  }
  return copy;
}

/** Constructs an empty object with an empty prototype, the form that engines read fastest. */
function Nothing() {}
Nothing.prototype = Object.create(null);

/** Returns an options object without options and without the names of `Object.prototype`. */
export function emptyOptions(): Record<string, unknown> {
  return new (Nothing as unknown as new () => Record<string, unknown>)();
}

/** The empty options object. */
const NONE: Given = Object.freeze(emptyOptions());

/** Returns the value of a name in a table; throws for an unknown name. */
export function toChoice(value: unknown, name: string, table: Record<string, number>, fallback: number): number {
  if (value === undefined) {
    return fallback;
  }
  if (typeof value !== 'string') {
    throw invalidType(name, 'of type string', value);
  }
  const choice = table[value];
  if (choice === undefined) {
    throw invalidValue(name, `must be one of: ${Object.keys(table).join(', ')}`, value);
  }
  return choice;
}

export function toBoolean(value: unknown, name: string, fallback: boolean): boolean {
  if (value === undefined) {
    return fallback;
  }
  if (typeof value !== 'boolean') {
    throw invalidType(name, 'of type boolean', value);
  }
  return value;
}

/** Refuses a callback after the options: it would never be called. */
export function noCallback(callback: unknown, returned: string = 'a promise') {
  if (typeof callback === 'function') {
    throw invalid(TypeError, 'ERR_INVALID_ARG_TYPE', `There is no callback: the call returns ${returned}.${received(callback)}`);
  }
}

/** Synchronous twin of {@link noCallback}. */
export function noCallbackSync(callback: unknown) {
  noCallback(callback, 'its result');
}

/** Refuses arguments of a method that takes none. */
export function noArguments(given: unknown[], method: string, instead: string) {
  const extra = given.find((value) => value !== undefined);
  if (extra !== undefined) {
    throw invalid(TypeError, 'ERR_INVALID_ARG_TYPE', `"${method}" takes no arguments: ${instead}.${received(extra)}`);
  }
}

export { NONE };
