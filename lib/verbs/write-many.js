'use strict';

const { abortable, cancelOn } = require('../schedule/abort.js');
const { native } = require('../native/load.js');
const { ownCopy, toBytes, withinLimit } = require('../options/data.js');
const { isHoldfastError, pending, promised, shown } = require('../errors/holdfast-error.js');
const { optionsOf } = require('../options/names.js');
const { ENTRY } = require('../options/schema.js');
const { manyArguments } = require('../options/flatten.js');
const { targetOf, writes } = require('../schedule/write-queue.js');
const { pathForLater, toPath } = require('../options/paths.js');
const { inPool } = require('../schedule/job-limit.js');
const record = require('../native/layout.js');
const { withRoot } = require('../schedule/root-handle.js');
const { invalidType, noCallback } = require('../options/validate.js');
const { WHOLE_DATA, toResult } = require('./write.js');

/** @typedef {import('../native/binding.js').NativePath} NativePath */
/** @typedef {import('../options/flatten.js').Pinned} Pinned */

/**
 * @typedef {object} Entry
 * @property {string} given
 * @property {NativePath} fixed
 * @property {Uint8Array} bytes its own
 * @property {number} flags
 * @property {number} modes
 */

/**
 * One entry as the binary takes it. An unusable path and data over `maxBytes` are failures of that entry alone.
 *
 * @param {unknown} entry
 * @param {number} index
 * @param {ReturnType<typeof manyArguments>['entry']} toArguments
 * @param {boolean} isBeneathRoot
 * @returns {Entry | Error}
 */
function toEntry(entry, index, toArguments, isBeneathRoot) {
  const name = `entries[${index}]`;
  if (entry === undefined) {
    throw invalidType(name, 'of type object', entry);
  }
  const { file, data, options } = optionsOf(entry, ENTRY, name);
  const { flags, modes, encoding, maxBytes } = toArguments(options, `${name}.options`);
  const bytes = toBytes(data, encoding);
  if (bytes === undefined) {
    throw invalidType(`${name}.data`, WHOLE_DATA, data);
  }
  try {
    const path = toPath(file, `${name}.file`);
    const given = shown(path);
    withinLimit(bytes, maxBytes, path);
    const copy = typeof data === 'string' ? bytes : ownCopy(bytes, given);
    return { given, fixed: pathForLater(path, isBeneathRoot), bytes: copy, flags, modes };
  } catch (error) {
    if (isHoldfastError(error)) {
      return /** @type {Error} */ (error);
    }
    throw error;
  }
}

/**
 * @param {unknown} entries
 * @param {unknown} options
 * @param {Pinned | undefined} pinned
 */
async function writeMany(entries, options, pinned) {
  if (!Array.isArray(entries)) {
    throw invalidType('entries', 'an instance of Array', entries);
  }
  const { root, signal, entry: toArguments } = manyArguments(options, pinned?.defaults);
  const isBeneathRoot = pinned !== undefined || root !== undefined;
  const fixedRoot = root === undefined ? undefined : pathForLater(toPath(root, 'root'), false);
  const prepared = Array.from(entries, (entry, index) => toEntry(entry, index, toArguments, isBeneathRoot));
  signal?.throwIfAborted();
  const valid = /** @type {Entry[]} */ (prepared.filter((entry) => !(entry instanceof Error)));
  const targets = valid.map(({ fixed, flags }) => targetOf(fixed, fixedRoot, pinned, flags));
  const canceller = signal && cancelOn(signal);
  try {
    const writing = writes.queuedOnAll(targets, () =>
      inPool(() =>
        withRoot(fixedRoot, pinned, async (base) => {
          signal?.throwIfAborted();
          const [answer, answers] = await native().writeManyAsync(
            valid.map(({ fixed }) => fixed),
            valid.map(({ bytes }) => bytes),
            valid.map(({ flags }) => flags),
            valid.map(({ modes }) => modes),
            base?.handle,
            canceller?.handle,
          );
          if (answers === undefined) {
            throw record.failure(record.unpack(answer), '');
          }
          return answers;
        }),
      ),
    );
    const records = await abortable(signal, writing);
    let next = 0;
    return prepared.map((entry) => (entry instanceof Error ? rejected(entry) : settled(entry, records[next++], signal)));
  } finally {
    canceller?.dispose();
  }
}

/** @param {unknown} reason */
function rejected(reason) {
  return { status: 'rejected', reason };
}

/**
 * @param {Entry} entry
 * @param {Buffer} answer
 * @param {AbortSignal | undefined} signal
 */
function settled({ given, fixed }, answer, signal) {
  const result = record.unpack(answer);
  if (signal && record.wasAborted(result)) {
    return rejected(signal.reason);
  }
  if (record.failed(result)) {
    return rejected(record.failure(result, given));
  }
  return { status: 'fulfilled', value: toResult(result, fixed) };
}

/**
 * @param {unknown} entries
 * @param {unknown} [options]
 * @param {unknown} [callback] refused
 */
function writeAtomicMany(entries, options, callback = undefined) {
  return promised(() => {
    noCallback(callback);
    return pending(writeMany(entries, options, undefined));
  }, writeAtomicMany);
}

module.exports = { writeAtomicMany, writeMany };
