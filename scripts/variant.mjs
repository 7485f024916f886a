// Builds a variant of the addon without changing the usual build, and prints its path for HOLDFAST_NATIVE_PATH.
//
//   node scripts/variant.mjs defects   with panics and memory errors on demand (the feature `test-defects`)
//   node scripts/variant.mjs asan      the same under AddressSanitizer, for which it takes a nightly Rust

import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, readFileSync, renameSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { fail, findCargo, hostTarget, projectRoot } from './support.mjs';

/** The release profile with its panic strategy, but with fast builds and names in stack traces. */
const QUICK = {
  CARGO_PROFILE_RELEASE_LTO: 'off',
  CARGO_PROFILE_RELEASE_CODEGEN_UNITS: '16',
  CARGO_PROFILE_RELEASE_STRIP: 'none',
  CARGO_PROFILE_RELEASE_DEBUG: 'line-tables-only',
};

const VARIANTS = {
  defects: { args: [], env: QUICK },
  asan: {
    toolchain: '+nightly',
    // An explicit target keeps the flags away from build scripts and macros, which run in the compiler.
    args: ['--target', 'x86_64-unknown-linux-gnu'],
    env: {
      ...QUICK,
      CARGO_PROFILE_RELEASE_DEBUG_ASSERTIONS: 'true',
      CARGO_PROFILE_RELEASE_OVERFLOW_CHECKS: 'true',
      // Frame pointers: the sanitizer uses them to find the callers of malloc.
      RUSTFLAGS: '-Zsanitizer=address -Cforce-frame-pointers=yes',
    },
  },
};

/**
 * @param {keyof typeof VARIANTS} name
 * @returns {string} the path of the addon
 */
export function buildVariant(name) {
  const cargo = findCargo();
  if (!cargo) fail('variant: there is no Rust here; https://rustup.rs installs it.');
  const { toolchain, args, env } = VARIANTS[name];
  const line = [
    ...(toolchain ? [toolchain] : []),
    ...['build', '--release', '--lib', '--features', 'test-defects', '--message-format=json-render-diagnostics'],
    ...['--target-dir', path.join(projectRoot, 'target/variants', name)],
    ...(process.env.CI ? ['--locked'] : []),
    ...args,
  ];
  const stdio = /** @type {const} */ (['ignore', 'pipe', 'inherit']);
  const result = spawnSync(cargo, line, { cwd: projectRoot, encoding: 'utf8', maxBuffer: 64 << 20, stdio, env: { ...process.env, ...env } });
  if (result.error) fail(`variant: ${cargo}: ${result.error.message}`);
  if (result.status !== 0) {
    const missing = toolchain && spawnSync(cargo, [toolchain, '--version']).status !== 0;
    fail(missing ? 'variant: it needs a nightly Rust: `rustup toolchain install nightly --profile minimal`.' : `variant: the build of ${name} failed; its message is above.`);
  }
  const library = result.stdout
    .split('\n')
    .filter((text) => text.startsWith('{'))
    .map((text) => JSON.parse(text))
    .filter((message) => message.reason === 'compiler-artifact' && message.target.kind.includes('cdylib'))
    .flatMap((message) => message.filenames)
    .find((file) => /\.(so|dylib|dll)$/.test(file));
  if (!library) fail('variant: cargo built no dynamic library.');
  return place(library, path.join(path.dirname(library), `holdfast.${hostTarget()}.node`));
}

/** Replaces the addon by rename, because a process may have the old one mapped. Uses its file name in a package. */
function place(library, addon) {
  if (existsSync(addon) && readFileSync(addon).equals(readFileSync(library))) return addon;
  const temporary = `${addon}.${process.pid}`;
  copyFileSync(library, temporary);
  renameSync(temporary, addon);
  return addon;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const name = process.argv[2] ?? '';
  if (!Object.hasOwn(VARIANTS, name)) fail(`variant: one of ${Object.keys(VARIANTS).join(', ')} is wanted.`);
  console.log(buildVariant(/** @type {keyof typeof VARIANTS} */ (name)));
}
