'use strict';

// The only file that names the platform binary, and the one place where its absence is explained.

const fs = require('node:fs');
const path = require('node:path');
const { version } = require('../package.json');
const { HoldfastError, own } = require('./errors.js');

/** @typedef {import('./native-types.js').Native} Native */

/** What a platform's binary is called, by Node's names for platform and architecture. */
const SUPPORTED = new Set([
  'linux-x64-gnu',
  'linux-arm64-gnu',
  'linux-x64-musl',
  'linux-arm64-musl',
  'darwin-arm64',
  'darwin-x64',
  'win32-x64-msvc',
]);

/** @type {{ native: Native, path: string } | undefined} */
let loaded;

/**
 * The native functions. The binary is loaded at the first call, so that importing never fails.
 *
 * @returns {Native}
 */
function native() {
  return (loaded ??= load()).native;
}

/** @returns {string} where the binary was loaded from */
function nativePath() {
  native();
  return /** @type {{ path: string }} */ (loaded).path;
}

/** @returns {{ native: Native, path: string }} */
function load() {
  const target = describeTarget();
  const named = process.env.HOLDFAST_NATIVE_PATH;
  const places = named
    ? [path.resolve(named)]
    : [path.join(__dirname, '..', `holdfast.${target}.node`), `@holdfast/${target}`];
  /** @type {string[]} */
  const tried = [];
  /** @type {unknown} */
  let cause;
  for (const place of places) {
    try {
      const resolved = require.resolve(place);
      return { native: checked(require(resolved)), path: resolved };
    } catch (error) {
      cause ??= error;
      tried.push(`${place}: ${firstLine(error)}`);
    }
  }
  throw unavailable(target, named, tried, cause);
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

/**
 * @param {string} target
 * @param {string | undefined} named
 * @param {string[]} tried
 * @param {unknown} cause
 */
function unavailable(target, named, tried, cause) {
  const remedy = named
    ? 'Point HOLDFAST_NATIVE_PATH at the binary for this platform, or unset it.'
    : SUPPORTED.has(target)
      ? 'Install without --omit=optional, or build from source: in a checkout with Rust, run `npm run build`.'
      : `No binary is made for ${target}; supported are ${[...SUPPORTED].join(', ')}. Build from source: in a checkout with Rust, run \`npm run build\`.`;
  return own(
    new HoldfastError({
      code: 'native-unavailable',
      message: `native-unavailable: no binary for ${target} could be loaded (${tried.join('; ')}). ${remedy}`,
      remedy,
      cause,
    }),
  );
}

/** Platform, architecture and, on Linux, the C library: `linux-x64-gnu`. */
function describeTarget() {
  const { platform, arch } = process;
  if (platform === 'linux') {
    return `linux-${arch}-${isMusl() ? 'musl' : 'gnu'}`;
  }
  return platform === 'win32' ? `win32-${arch}-msvc` : `${platform}-${arch}`;
}

/** Whether the C library is musl. `ldd` is a script that names it; the process report knows it too, but is slow. */
function isMusl() {
  try {
    return fs.readFileSync('/usr/bin/ldd', 'latin1').includes('musl');
  } catch {
    const report = /** @type {any} */ (process.report?.getReport());
    return report !== undefined && report.header?.glibcVersionRuntime === undefined;
  }
}

module.exports = { native, nativePath };
