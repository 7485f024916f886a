// Loads the platform binary, and explains a failure to load it. This is the only file that names the binary.

import { nodeModule, path } from '../base/node.js';
import { version } from '../base/version.js';
import { HoldfastError, own, printable } from '../errors/holdfast-error.js';
import { escaped } from '../base/escape.js';
import { checkout, requireHere } from '../base/location.js';
import { shielded } from './guard.js';
import { SUPPORTED, targets } from './platform.js';
import type { Native } from './binding.js';

const { createRequire } = nodeModule;

type Attempt = { specifier: string; missing: boolean; reason: string; denial: string | undefined };

let loaded: { native: Native; path: string; exports: object } | undefined;

/** Returns the native functions. The first call loads the binary, so that importing the package never fails. */
export function native(): Native {
  return (loaded ??= load()).native;
}

/**
 * Returns the native functions for calls that leave a temporary until a later call. Adds an `exit` listener to the
 * process.
 */
export function nativeForStages(): Native {
  native();
  return listening(loaded as NonNullable<typeof loaded>).native;
}

/** Property of the `exit` listener with the exports of its binary. Every copy of the package has the same symbol. */
const OF_BINARY = Symbol.for('holdfast.exit');

/**
 * Removes unfinished temporaries at `process.exit()` and after an uncaught error. The binary has no notice of either.
 *
 * Copies of these modules (test runners make many) get the same exports from `require` and share one listener. A binary
 * that is loaded again has its own `napi_env` and its own listener.
 */
function listening(binary: { native: Native; path: string; exports: object }) {
  const listeners = process.listeners('exit');
  if (!listeners.some((listener) => (listener as { [OF_BINARY]?: object })[OF_BINARY] === binary.exports)) {
    const { giveUp } = binary.native;
    process.on('exit', Object.assign(() => giveUp(), { [OF_BINARY]: binary.exports }));
  }
  return binary;
}

/** Returns the path of the loaded binary. */
export function nativePath(): string {
  native();
  return (loaded as { path: string }).path;
}

function load(): { native: Native; path: string; exports: object } {
  const named = process.env.HOLDFAST_NATIVE_PATH;
  const possible = targets();
  const attempts: Attempt[] = [];
  let cause: unknown;
  for (const { specifier, from } of named ? [fileAt(path.resolve(named))] : possible.flatMap(candidatesOf)) {
    let resolved;
    try {
      resolved = from.resolve(specifier);
      const exports = checked(from(resolved));
      return { native: shielded(exports), path: resolved, exports };
    } catch (error) {
      const denial = permissionDenial(error);
      const missing = resolved === undefined && denial === undefined;
      // A binary that fails to load is a better cause than a missing one.
      if (cause === undefined || (!missing && attempts.every((attempt) => attempt.missing))) cause = error;
      attempts.push({ specifier, missing, reason: missing ? 'not there' : reasonOf(error), denial });
    }
  }
  throw unavailable(possible, named, attempts, cause);
}

/** A candidate for the binary, and the `require` that loads it. */
type Candidate = { specifier: string; from: NodeJS.Require };

/**
 * Returns a candidate for a binary in a file.
 *
 * @param file absolute
 */
function fileAt(file: string): Candidate {
  return { specifier: file, from: createRequire(file) };
}

/** Returns the candidates for a target. In a checkout, its own build precedes the package of the platform. */
function candidatesOf(target: string): Candidate[] {
  const own = checkout();
  const from = requireHere();
  return [
    ...(own === undefined ? [] : [fileAt(path.join(own, `holdfast.${target}.node`))]),
    ...(from === undefined ? [] : [{ specifier: `@holdfast/${target}`, from }]),
  ];
}

/** Returns the Node flags that permit the binary, if the permission model or `--no-addons` blocked it. */
function permissionDenial(error: unknown): string | undefined {
  const { code } = (error ?? {}) as { code?: unknown };
  switch (code) {
    case 'ERR_DLOPEN_DISABLED':
      return 'Start Node with --allow-addons beside --permission, or without --no-addons.';
    case 'ERR_ACCESS_DENIED':
      return 'Start Node with --allow-fs-read for the folders of holdfast and of its binary (node_modules/@holdfast), and with --allow-addons.';
    default:
      return undefined;
  }
}

/** Checks the version of the binary: other versions have other arguments and records. */
function checked(binary: Partial<Native> | undefined): Native {
  const found = typeof binary?.version === 'function' ? binary.version() : undefined;
  if (found !== version) {
    throw new Error(found === undefined ? 'it is not a binary of holdfast' : `it is version ${found}, and this is ${version}`);
  }
  return binary as Native;
}

/** Returns the first line of an error's message, with the file that the permission model withheld. */
function reasonOf(error: unknown) {
  const { resource } = (error ?? {}) as { resource?: unknown };
  const line = String(error instanceof Error ? error.message : error).split('\n', 1)[0];
  return resource ? `${line} (${resource})` : line;
}

const NOT_RESTRICTED = 'The addon makes its own system calls, which --allow-fs-read and --allow-fs-write do not restrict.';

/** Returns whether the permission model hides files from Node: a file reported as missing may exist. */
function hidesFiles() {
  return (process as { permission?: { has(scope: string): boolean } }).permission?.has('fs.read') === false;
}

const FROM_SOURCE =
  'name the binary with HOLDFAST_NATIVE_PATH (in a bundle), or build from source: in a checkout with Rust, run `npm run build`';

function remedyFor(possible: string[], named: string | undefined, attempts: Attempt[]) {
  const denied = attempts.find(({ denial }) => denial !== undefined);
  if (denied) {
    return `${denied.denial} ${NOT_RESTRICTED}`;
  }
  if (named) return 'Point HOLDFAST_NATIVE_PATH at the binary for this platform, or unset it.';
  const packages = possible.filter((target) => SUPPORTED.includes(target)).map((target) => `@holdfast/${target}@${version}`);
  if (packages.length === 0) {
    return `No binary is made for ${possible.join(' or ')}; supported are ${SUPPORTED.join(', ')}. Use one of these, ${FROM_SOURCE}.`;
  }
  const install = packages.map((name) => `\`npm install ${name}\``).join(' or ');
  if (attempts.some(({ missing }) => !missing)) {
    return `The binary that was found does not load. Install holdfast and ${packages.join(' or ')} again, ${FROM_SOURCE}.`;
  }
  if (attempts.length === 0) {
    return 'Name the binary with HOLDFAST_NATIVE_PATH, import holdfast from an ES module, or leave it out of the bundle.';
  }
  if (hidesFiles()) {
    return `Node runs with --permission and may not read every file. Start it with --allow-fs-read for the folder of the binary (node_modules/@holdfast), and with --allow-addons; where the package is missing, run ${install}. ${NOT_RESTRICTED}`;
  }
  return `The package manager left out the optional dependency with the binary (--omit=optional, or a lock file made on another platform): run ${install}, install without --omit=optional, ${FROM_SOURCE}.`;
}

function unavailable(possible: string[], named: string | undefined, attempts: Attempt[], cause: unknown) {
  const remedy = remedyFor(possible, named, attempts);
  if (cause instanceof Error) own(cause);
  const tried =
    attempts.length === 0
      ? 'this bundle does not know its own place'
      : attempts.map(({ specifier, reason }) => `${escaped(specifier)}: ${escaped(reason)}`).join('; ');
  return own(
    new HoldfastError('native-unavailable', {
      message: `native-unavailable: no binary for ${possible.join(' or ')} could be loaded (${tried}). ${remedy}`,
      remedy,
      cause: printable(cause),
    }),
  );
}
