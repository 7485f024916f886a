// The fields of a HoldfastError, and their checks.

import { util } from '../base/node.js';
import { escapedLines } from '../base/escape.js';
import { CODES, explain } from './messages.js';
import { table } from '../base/lookup-table.js';
import type { Failure } from './failure.js';

/** The fields of an error besides its code. */
export interface Fields {
  message?: string;
  path?: string;
  /** negative */
  errno?: number;
  syscall?: string;
  sysCode?: string;
  remedy?: string;
  mode?: number;
  uid?: number;
  euid?: number;
  /** path of a temporary that could not be removed */
  temporary?: string;
  published?: boolean;
  /** text of a lock file about its holder */
  holder?: string;
  /** bytes, if known */
  size?: number;
  /** bytes */
  limit?: number;
  /** entries removed before the error */
  removed?: number;
  /** entries copied before the error */
  copied?: number;
  /** a part of a record is in the file */
  torn?: boolean;
  cause?: unknown;
}

/** Fields of an error in a log line, in this order. */
const FIELDS = [
  'path',
  'errno',
  'syscall',
  'sysCode',
  'mode',
  'uid',
  'euid',
  'remedy',
  'temporary',
  'published',
  'holder',
  'size',
  'limit',
  'removed',
  'copied',
  'torn',
] as const;

const NO_FACTS: Failure = {
  code: '',
  detail: '',
  syscall: '',
  temporary: '',
  entry: '',
  errno: 0,
  mode: undefined,
  uid: undefined,
  euid: undefined,
  size: undefined,
};

/** The type of each field. */
const TYPES = table({
  message: 'string',
  path: 'string',
  errno: 'number',
  syscall: 'string',
  sysCode: 'string',
  mode: 'number',
  uid: 'number',
  euid: 'number',
  remedy: 'string',
  temporary: 'string',
  published: 'boolean',
  holder: 'string',
  size: 'number',
  limit: 'number',
  removed: 'number',
  copied: 'number',
  torn: 'boolean',
});

/**
 * Checks the arguments of a HoldfastError, which tests of other packages also construct. Returns the fields with
 * message and remedy.
 */
export function checkedFields(code: string, fields: Fields): Fields & { message: string } {
  if (typeof code !== 'string') {
    throw invalidType(`The "code" argument must be of type string. Received ${util.inspect(code, { depth: -1 })}`);
  }
  if (CODES[code] === undefined) {
    throw invalid(`The argument 'code' must be one of: ${Object.keys(CODES).join(', ')}. Received ${util.inspect(code)}`);
  }
  if (fields === null || typeof fields !== 'object' || Array.isArray(fields)) {
    throw invalidType(`The "fields" argument must be of type object. Received ${util.inspect(fields, { depth: -1 })}`);
  }
  const own = { __proto__: null, ...fields } as Fields;
  for (const [name, value] of Object.entries(own)) {
    const type = TYPES[name];
    if (type === undefined && name !== 'cause') {
      throw invalid(`The property 'fields.${escapedLines(name)}' must be one of: message, cause, ${FIELDS.join(', ')}`);
    }
    if (type !== undefined && value !== undefined && typeof value !== type) {
      throw invalidType(`The "fields.${name}" property must be of type ${type}. Received ${util.inspect(value, { depth: -1 })}`);
    }
  }
  return (own.message === undefined ? Object.assign(own, explainFields(code, own)) : own) as Fields & { message: string };
}

function invalid(message: string) {
  return Object.assign(new TypeError(message), { code: 'ERR_INVALID_ARG_VALUE' });
}

function invalidType(message: string) {
  return Object.assign(new TypeError(escapedLines(message)), { code: 'ERR_INVALID_ARG_TYPE' });
}

/** Returns message and remedy as a call would. */
function explainFields(code: string, { path: at, mode, uid, euid, limit, holder, remedy: given }: Fields) {
  if (code === 'internal' || code === 'native-unavailable') {
    // These codes have no message without the facts of a call.
    return { message: `${code}: ${CODES[code].public}`, remedy: given };
  }
  const { message, remedy } = explain({ ...NO_FACTS, code, mode, uid, euid, holder }, at, { maxBytes: limit });
  return { message, remedy: given ?? remedy };
}

export { FIELDS, NO_FACTS };
