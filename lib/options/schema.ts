// The table of all options: the calls that take each option, and the words it accepts.

import { table } from '../base/lookup-table.js';

/** Bits: the kinds of options objects. */
const READ = 1;
/** The one-argument form of a read, which has the path among its options. */
const READ_FORM = 1 << 1;
const WRITE = 1 << 2;
/** The options of one entry of `writeAtomicMany`. */
const ENTRY_OPTIONS = 1 << 3;
/** One entry of `writeAtomicMany`. */
const ENTRY = 1 << 4;
const STAGE = 1 << 5;
const ENSURE = 1 << 6;
const CLEAN = 1 << 7;
const ROOT_DEFAULTS = 1 << 8;
const OUTBOUND = 1 << 9;
const STAT = 1 << 10;
const LIST = 1 << 11;
const WALK = 1 << 12;
const READ_TEXT = 1 << 13;
const READ_JSON = 1 << 14;
const WRITE_JSON = 1 << 15;
const REMOVE = 1 << 16;
const RENAME = 1 << 17;
const COPY = 1 << 18;
/** The copy of a file from outside the root. */
const COPY_IN = 1 << 19;
const TEMP_ROOT = 1 << 20;
const LOCK = 1 << 21;
const TRY_LOCK = 1 << 22;
const UPDATE = 1 << 23;
const UPDATE_JSON = 1 << 24;
const APPEND = 1 << 25;

const EVERY_READ = READ | READ_FORM | READ_TEXT | READ_JSON;
const EVERY_WRITE = WRITE | ENTRY_OPTIONS | STAGE | WRITE_JSON;
const EVERY_COPY = COPY | COPY_IN;
const EVERY_UPDATE = UPDATE | UPDATE_JSON;
/** Calls that wait for a lock. */
const WAITING = LOCK | EVERY_UPDATE | APPEND;
const LOCKING = WAITING | TRY_LOCK;
const WHOLE_CALL = EVERY_READ | WRITE | STAGE | WRITE_JSON | ENSURE | LOCKING;

/** The name of each kind in messages. */
const TITLES = table({
  [READ]: 'a read',
  [READ_FORM]: 'a read',
  [WRITE]: 'writeAtomic',
  [ENTRY_OPTIONS]: 'an entry of writeAtomicMany',
  [ENTRY]: 'an entry of writeAtomicMany',
  [STAGE]: 'stageAtomic',
  [ENSURE]: 'ensureDir',
  [CLEAN]: 'cleanStaleTemporaries',
  [ROOT_DEFAULTS]: 'openRoot',
  [OUTBOUND]: "the option 'outbound'",
  [STAT]: 'a stat',
  [LIST]: 'list',
  [WALK]: 'walk',
  [READ_TEXT]: 'readText',
  [READ_JSON]: 'readJson',
  [WRITE_JSON]: 'writeJson',
  [REMOVE]: 'remove',
  [RENAME]: 'rename',
  [COPY]: 'copy',
  [COPY_IN]: 'copyIn',
  [TEMP_ROOT]: 'openTempRoot',
  [LOCK]: 'a lock',
  [TRY_LOCK]: 'tryLock',
  [UPDATE]: 'updateAtomic',
  [UPDATE_JSON]: 'updateJson',
  [APPEND]: 'an append',
});

/** Bits of src/args.rs, `policy`. */
const POLICIES = table({ reject: 0, 'follow-parents': 1, 'follow-within-root': 2, 'follow-trusted': 3 });

interface Option {
  /** bits: the kinds of options objects that may have it */
  calls: number;
  /** the strings it accepts, with their bits for the addon */
  words?: Record<string, number>;
}

const OPTIONS: Record<string, Option> = table({
  filePath: { calls: READ_FORM },
  root: { calls: WHOLE_CALL },
  symlinks: { calls: WHOLE_CALL | ROOT_DEFAULTS | STAT | LIST | WALK, words: POLICIES },
  signal: { calls: (WHOLE_CALL & ~TRY_LOCK) | STAT | LIST | WALK | REMOVE | EVERY_COPY },
  maxBytes: { calls: EVERY_READ | WRITE | WRITE_JSON | ENTRY_OPTIONS | EVERY_UPDATE | EVERY_COPY | ROOT_DEFAULTS },
  hardlinks: { calls: EVERY_READ | EVERY_WRITE | EVERY_UPDATE | ROOT_DEFAULTS, words: table({ allow: 0, reject: 1 }) },
  pseudoFiles: { calls: EVERY_READ | ROOT_DEFAULTS, words: table({ reject: 0, allow: 1 }) },
  outbound: { calls: EVERY_READ | ROOT_DEFAULTS },
  allowOwnerOnly: { calls: OUTBOUND },
  mode: { calls: EVERY_WRITE | EVERY_UPDATE | ENSURE | EVERY_COPY },
  newFileMode: { calls: EVERY_WRITE | EVERY_UPDATE | APPEND | ROOT_DEFAULTS },
  overwrite: { calls: EVERY_WRITE | RENAME | EVERY_COPY },
  finalSymlink: { calls: EVERY_WRITE | ROOT_DEFAULTS, words: table({ reject: 0, replace: 1, follow: 2 }) },
  durable: { calls: EVERY_WRITE | EVERY_UPDATE | APPEND | ROOT_DEFAULTS | REMOVE | RENAME | EVERY_COPY },
  mkdir: { calls: EVERY_WRITE | EVERY_UPDATE | APPEND | ROOT_DEFAULTS | RENAME },
  toRoot: { calls: RENAME | COPY },
  recursive: { calls: REMOVE | COPY },
  missing: { calls: REMOVE, words: table({ error: 0, ignore: 1 }) },
  parent: { calls: TEMP_ROOT },
  prefix: { calls: TEMP_ROOT },
  dirMode: { calls: EVERY_WRITE | EVERY_UPDATE | APPEND | ROOT_DEFAULTS },
  fallback: { calls: EVERY_WRITE, words: table({ none: 0, 'in-place': 1 }) },
  encoding: { calls: READ | READ_FORM | WRITE | ENTRY_OPTIONS | UPDATE },
  existing: { calls: ENSURE | ROOT_DEFAULTS, words: table({ tighten: 0, require: 1, leave: 2 }) },
  olderThanMs: { calls: CLEAN },
  stat: { calls: LIST | WALK },
  maxEntries: { calls: LIST | WALK | REMOVE | COPY },
  maxDepth: { calls: WALK },
  invalid: { calls: READ_TEXT, words: table({ replace: 0, error: 1 }) },
  ifMissing: { calls: READ_JSON | UPDATE_JSON },
  space: { calls: WRITE_JSON },
  filter: { calls: WALK },
  onError: { calls: WALK, words: table({ throw: 0, skip: 1 }) },
  shared: { calls: LOCK | TRY_LOCK },
  timeoutMs: { calls: WAITING },
  lockDir: { calls: LOCKING },
  lockMode: { calls: LOCKING },
  lock: { calls: EVERY_UPDATE },
  maxReadBytes: { calls: EVERY_UPDATE },
  onTornTail: { calls: APPEND, words: table({ error: 0, isolate: 1 }) },
  maxFileBytes: { calls: APPEND },
  file: { calls: ENTRY },
  data: { calls: ENTRY },
  options: { calls: ENTRY },
});

/**
 * Returns the names of the options of a kind.
 *
 * @param call one bit
 */
export function namesOf(call: number): string[] {
  return Object.keys(OPTIONS).filter((name) => (OPTIONS[name].calls & call) !== 0);
}

/**
 * A hint, or a function of the value. The function returns `undefined` if the value requests the call's own behaviour.
 */
type Hint = string | ((value: unknown, call: number) => string | undefined);

const DURABLE = "use durable (true, false or 'file')";
/** Appends and updates take different values. */
const DURABLE_LOCKED = 'use durable';
const TEMPORARY = 'the name of the temporary cannot be chosen; cleanStaleTemporaries removes what a killed process left';
const TEMP_PATH = 'use stageAtomic, whose result has tempPath';
const STREAM = 'use openLocalFileSafely and handle.createReadStream';
const TIMEOUT = 'use signal: AbortSignal.timeout(ms)';
const NOT_STALE = 'a lock of the kernel ends with its holder, so that none is stale; remove the option';
const OWN_CALLS = 'holdfast makes its own system calls';

function waits(_value: unknown, call: number) {
  return call === TRY_LOCK ? 'it never waits, and returns undefined when the lock is taken' : 'use timeoutMs';
}

const readFlag = (value: unknown) => (value === 'r' ? undefined : 'a read opens the file for reading only');

/** For `readText`, `readJson` and `writeJson` only: the other reads and writes have this option. */
function utf8Alone(value: unknown) {
  return typeof value === 'string' && /^utf-?8$/i.test(value) ? undefined : 'the content is UTF-8';
}

function writeFlag(value: unknown) {
  if (value === 'w') {
    return undefined;
  }
  if (typeof value === 'string' && value.includes('x')) {
    return 'use overwrite: false';
  }
  if (typeof value === 'string' && value.includes('a')) {
    return 'use appendRecord; this call replaces the whole content';
  }
  return 'this call replaces the whole content';
}

/**
 * Options of node:fs, fs-extra, write-file-atomic, atomically and fs-safe, by the kind of call that takes them there.
 */
const FOREIGN: Record<string, { read?: Hint; write?: Hint; json?: Hint; ensure?: Hint; list?: Hint; stat?: Hint; remove?: Hint; copy?: Hint; lock?: Hint }> = table({
  force: { remove: "use missing: 'ignore'", copy: 'use overwrite: true' },
  maxRetries: { remove: 'a directory that is refilled is read again by itself' },
  retryDelay: { remove: 'a directory that is refilled is read again by itself' },
  errorOnExist: { copy: 'without overwrite: true the call fails where the name exists' },
  dereference: { copy: 'links in a tree are copied as links' },
  verbatimSymlinks: { copy: (value) => (value === true ? undefined : 'links in a tree are copied as links, as they are') },
  preserveTimestamps: { copy: (value) => (value === false ? undefined : 'set the times with fs.utimes afterwards') },
  flag: { read: readFlag, write: writeFlag, lock: 'an append always appends, and an update replaces the whole content' },
  flags: { read: readFlag, write: writeFlag, lock: 'an append always appends, and an update replaces the whole content' },
  stale: { lock: NOT_STALE },
  update: { lock: NOT_STALE },
  lockfilePath: { lock: 'use lockDir' },
  retries: { lock: waits },
  wait: { lock: waits },
  retryWait: { lock: waits },
  realpath: { lock: "links on the way are followed, or refused with symlinks: 'reject'" },
  onCompromised: { lock: 'release, withLock and updates reject with lock-lost' },
  recursive: {
    write: 'use mkdir: true',
    ensure: (value) => (value === true ? undefined : 'ensureDir always makes missing parents; use fs.mkdir'),
    list: (value) => (value === false ? undefined : 'use walk'),
  },
  withFileTypes: { list: (value) => (value === true ? undefined : 'an entry has its name and its type') },
  bigint: { stat: (value) => (value === false ? undefined : 'the stat has numbers') },
  throwIfNoEntry: { stat: (value) => (value === true ? undefined : 'use exists, or catch not-found') },
  flush: { write: DURABLE, lock: DURABLE_LOCKED },
  fsync: { write: DURABLE, lock: DURABLE_LOCKED },
  fsyncWait: { write: DURABLE },
  syncTempFile: { write: DURABLE },
  syncParentDir: { write: DURABLE },
  chown: { write: 'an overwrite keeps the owner; change the owner of a new file with fs.chown afterwards' },
  tmpfilePrefix: { write: TEMPORARY },
  tempPrefix: { write: TEMPORARY },
  tmpCreate: { write: TEMPORARY },
  tmpPurge: { write: TEMPORARY },
  tmpCreated: { write: TEMP_PATH },
  tmpfileCreated: { write: TEMP_PATH },
  // Of the writes for `stageAtomic` only: the others have this option.
  encoding: { read: utf8Alone, json: utf8Alone, write: 'use handle.writeFile(data, encoding) of the result' },
  schedule: { write: 'writes to one target are published in the order of their calls' },
  timeout: { read: TIMEOUT, write: TIMEOUT },
  preserveExistingMode: { write: 'use newFileMode without mode' },
  copyFallbackOnPermissionError: { write: "use fallback: 'in-place'" },
  rejectHardlinks: { read: "use hardlinks: 'reject'", write: "use hardlinks: 'reject'" },
  start: { read: STREAM, write: 'this call replaces the whole content' },
  end: { read: STREAM },
  highWaterMark: { read: STREAM },
  fs: { read: OWN_CALLS, write: OWN_CALLS, ensure: OWN_CALLS },
});

/**
 * Returns the hint for an option of another library. `known` is false if the option has no meaning in this kind of
 * call.
 *
 * @param call one bit
 */
export function foreignHint(name: string, value: unknown, call: number): { known: boolean; hint: string | undefined } {
  const entry = FOREIGN[name];
  const rule = (call & EVERY_READ) !== 0 ? entry?.read : call === WRITE_JSON && entry?.json !== undefined ? entry.json : (call & EVERY_WRITE) !== 0 ? entry?.write : call === ENSURE ? entry?.ensure : call === LIST ? entry?.list : call === STAT ? entry?.stat : call === REMOVE ? entry?.remove : (call & EVERY_COPY) !== 0 ? entry?.copy : (call & LOCKING) !== 0 ? entry?.lock : undefined;
  return { known: rule !== undefined, hint: typeof rule === 'function' ? rule(value, call) : rule };
}

export {
  APPEND,
  CLEAN,
  COPY,
  COPY_IN,
  ENSURE,
  ENTRY,
  ENTRY_OPTIONS,
  EVERY_COPY,
  EVERY_READ,
  EVERY_WRITE,
  LIST,
  LOCK,
  OPTIONS,
  OUTBOUND,
  READ,
  READ_FORM,
  READ_JSON,
  READ_TEXT,
  REMOVE,
  RENAME,
  ROOT_DEFAULTS,
  STAGE,
  STAT,
  TEMP_ROOT,
  TITLES,
  TRY_LOCK,
  UPDATE,
  UPDATE_JSON,
  WALK,
  WRITE,
  WRITE_JSON,
};
