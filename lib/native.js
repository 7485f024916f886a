'use strict';

// The only file that names the platform binary, and the one place where its absence is explained.

const path = require('node:path');
const { version } = require('../package.json');
const { HoldfastError, own, printable } = require('./errors.js');
const { escaped } = require('./escape.js');
const { shielded } = require('./shield.js');
const { SUPPORTED, targets } = require('./target.js');

/** @typedef {import('./native-types.js').Native} Native */
/** @typedef {{ place: string, missing: boolean, reason: string }} Attempt */

/** @type {{ native: Native, path: string, exports: object } | undefined} */
let loaded;

/**
 * The native functions. The binary is loaded at the first call, so that importing never fails.
 *
 * @returns {Native}
 */
function native() {
  return (loaded ??= load()).native;
}

/**
 * The native functions for a call that leaves a file unfinished until a later one. Only such a call adds a listener to
 * the process.
 *
 * @returns {Native}
 */
function nativeForStages() {
  native();
  return listening(/** @type {NonNullable<typeof loaded>} */ (loaded)).native;
}

/** Property of the `exit` listener: the exports of its binary. The same symbol in every copy of the package. */
const OF_BINARY = Symbol.for('holdfast.exit');

/**
 * Removes the temporaries of unfinished files at `process.exit()` and after an uncaught error,
 * which the binary does not see.
 *
 * Copies of these modules, of which test runners make many in one process, get the same exports from
 * `require` and share one listener. A binary that is loaded a second time has an environment
 * (`napi_env`) of its own, and a listener for it.
 *
 * @param {{ native: Native, path: string, exports: object }} binary
 */
function listening(binary) {
  const listeners = process.listeners('exit');
  if (!listeners.some((listener) => /** @type {any} */ (listener)[OF_BINARY] === binary.exports)) {
    const { giveUp } = binary.native;
    process.on('exit', Object.assign(() => giveUp(), { [OF_BINARY]: binary.exports }));
  }
  return binary;
}

/** @returns {string} where the binary was loaded from */
function nativePath() {
  native();
  return /** @type {{ path: string }} */ (loaded).path;
}

/** @returns {{ native: Native, path: string, exports: object }} */
function load() {
  const named = process.env.HOLDFAST_NATIVE_PATH;
  const possible = targets();
  /** @type {Attempt[]} */
  const attempts = [];
  /** @type {unknown} */
  let cause;
  for (const place of named ? [path.resolve(named)] : possible.flatMap(placesOf)) {
    let resolved;
    try {
      resolved = require.resolve(place);
      const exports = checked(require(resolved));
      return { native: shielded(exports), path: resolved, exports };
    } catch (error) {
      const missing = resolved === undefined;
      // What is there and does not load tells more than what is not there.
      if (cause === undefined || (!missing && attempts.every((attempt) => attempt.missing))) cause = error;
      attempts.push({ place, missing, reason: missing ? 'not there' : firstLine(error) });
    }
  }
  throw unavailable(possible, named, attempts, cause);
}

/**
 * A checkout's own build wins over an installed package.
 *
 * @param {string} target
 */
function placesOf(target) {
  return [path.join(__dirname, '..', `holdfast.${target}.node`), `@holdfast/${target}`];
}

/**
 * A binary of another version has another idea of arguments and records.
 *
 * @param {any} binary
 * @returns {Native}
 */
function checked(binary) {
  const found = typeof binary?.version === 'function' ? binary.version() : undefined;
  if (found !== version) {
    throw new Error(found === undefined ? 'it is no binary of holdfast' : `it is version ${found}, and this is ${version}`);
  }
  return binary;
}

/** @param {unknown} error */
function firstLine(error) {
  return String(error instanceof Error ? error.message : error).split('\n', 1)[0];
}

const FROM_SOURCE = 'or build from source: in a checkout with Rust, run `npm run build`';

/**
 * @param {string[]} possible
 * @param {string | undefined} named
 * @param {Attempt[]} attempts
 */
function remedyFor(possible, named, attempts) {
  if (named) return 'Point HOLDFAST_NATIVE_PATH at the binary for this platform, or unset it.';
  const packages = possible.filter((target) => SUPPORTED.includes(target)).map((target) => `@holdfast/${target}@${version}`);
  if (packages.length === 0) {
    return `No binary is made for ${possible.join(' or ')}; supported are ${SUPPORTED.join(', ')}. Use one of these, ${FROM_SOURCE}.`;
  }
  const install = packages.map((name) => `\`npm install ${name}\``).join(' or ');
  if (attempts.some(({ missing }) => !missing)) {
    return `What was found does not load. Install holdfast and ${packages.join(' or ')} anew, ${FROM_SOURCE}.`;
  }
  return `The package manager left out the optional dependency with the binary (--omit=optional, or a lock file made on another platform): run ${install}, install without --omit=optional, ${FROM_SOURCE}.`;
}

/**
 * @param {string[]} possible
 * @param {string | undefined} named
 * @param {Attempt[]} attempts
 * @param {unknown} cause
 */
function unavailable(possible, named, attempts, cause) {
  const remedy = remedyFor(possible, named, attempts);
  const tried = attempts.map(({ place, reason }) => `${escaped(place)}: ${escaped(reason)}`).join('; ');
  return own(
    new HoldfastError('native-unavailable', {
      message: `native-unavailable: no binary for ${possible.join(' or ')} could be loaded (${tried}). ${remedy}`,
      remedy,
      cause: printable(cause),
    }),
  );
}

module.exports = { native, nativeForStages, nativePath };
