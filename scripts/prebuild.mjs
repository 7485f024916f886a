// Builds the binaries of the platform packages on one Debian machine that has Node and a network:
// npm/<target>/holdfast.<target>.node. Inspects each binary before it copies it there.
//
//   npm run prebuild                              all of them
//   npm run prebuild -- linux-x64-musl …          these
//   npm run prebuild -- --native                  this machine's own, with its own linker: how macOS and Windows are built for release

import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, renameSync, statSync } from 'node:fs';
import path from 'node:path';
import { binaryProblems, newestGlibc, readBinary, GLIBC_FLOOR } from './prebuilt/inspect.mjs';
import { TARGETS, binaryName, noteSources, packageFolder, targetNamed } from './prebuilt/targets.mjs';
import { cache, nativeToolchain, prepareToolchain, remappedPaths } from './prebuilt/toolchain.mjs';
import { fail, hostTarget, projectRoot } from './support.mjs';

/** Returns the arguments of cargo and the flags of rustc for a target. */
function recipe(target, native) {
  const { flags, ...rest } = systemRecipe(target, native);
  // Otherwise a Mach-O library contains the path at which it was linked.
  const name = target.os === 'darwin' ? [`-Clink-arg=-Wl,-install_name,@rpath/${binaryName(target)}`] : [];
  return { ...rest, flags: [...flags, ...name] };
}

function systemRecipe(target, native) {
  if (native) {
    // Links Microsoft's C run-time library statically: users may not have it.
    const windows = target.os === 'win32';
    return { command: 'build', triple: windows ? 'x86_64-pc-windows-msvc' : target.triple, flags: windows ? ['-Ctarget-feature=+crt-static'] : [] };
  }
  return {
    command: target.os === 'win32' ? 'build' : 'zigbuild',
    triple: target.libc === 'glibc' ? `${target.triple}.${GLIBC_FLOOR}` : target.triple,
    flags: target.libc === 'musl' ? ['-Ctarget-feature=-crt-static'] : [],
  };
}

/**
 * Builds the library of a target.
 *
 * @param {import('./prebuilt/targets.mjs').Target} target
 * @param {NodeJS.ProcessEnv} env
 * @param {{ features?: string[], native?: boolean }} [options]
 * @returns {string} path of the library
 */
export function buildFor(target, env, { features = [], native = false } = {}) {
  const { command, triple, flags } = recipe(target, native);
  const args = [command, '--release', '--lib', '--locked', '--target', triple, '--message-format=json-render-diagnostics'];
  if (features.length > 0) args.push('--features', features.join());
  const result = spawnSync('cargo', args, {
    cwd: projectRoot,
    env: {
      ...env,
      // One folder for each set of features: their libraries have the same name.
      CARGO_TARGET_DIR: path.join(cache, ['target', ...features].join('-')),
      CARGO_ENCODED_RUSTFLAGS: [...remappedPaths(env), ...flags].join('\x1f'),
    },
    encoding: 'utf8',
    maxBuffer: 64 << 20,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  if (result.error) throw result.error;
  if (result.status !== 0) throw new Error('cargo failed; its message is above');
  const library = result.stdout
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line))
    .filter((message) => message.reason === 'compiler-artifact' && message.target.kind.includes('cdylib'))
    .flatMap((message) => message.filenames)
    .find((file) => /\.(so|dylib|dll)$/.test(file));
  if (!library) throw new Error('cargo built no dynamic library');
  return library;
}

/** Fetches the sources first, because the flags of the build contain their folders. */
export async function prepare(targets, native = false) {
  const env = native ? nativeToolchain() : await prepareToolchain(targets);
  const { status } = spawnSync('cargo', ['fetch', '--locked'], { cwd: projectRoot, env, stdio: 'inherit' });
  if (status !== 0) fail('prebuild: cargo fetch failed; its message is above.');
  return env;
}

/** Replaces the file by rename, because a running process may have the old one mapped. */
function place(library, target) {
  const file = path.join(packageFolder(target), binaryName(target));
  mkdirSync(path.dirname(file), { recursive: true });
  const temporary = `${file}.${process.pid}.tmp`;
  copyFileSync(library, temporary);
  renameSync(temporary, file);
  return file;
}

function report(file, target) {
  const { versions, needed, oldest } = readBinary(file);
  const floor = { glibc: `glibc ${newestGlibc(versions)}`, musl: 'musl' }[target.libc] ?? (oldest ? `macOS ${oldest}` : '-');
  return { target: target.name, KiB: Math.ceil(statSync(file).size / 1024), needs: floor, libraries: needed.map((name) => path.basename(name)).join(' ') };
}

async function main(words) {
  const native = words.includes('--native');
  const names = words.filter((word) => word !== '--native');
  if (native && names.length > 0) fail('prebuild: --native makes the binary of this machine alone');
  const targets = native ? [targetNamed(hostTarget())] : names.length > 0 ? names.map(targetNamed) : TARGETS;
  const env = await prepare(targets, native);
  const rows = [];
  const failed = [];
  for (const target of targets) {
    console.log(`prebuild: ${target.name}`);
    const started = process.hrtime.bigint();
    try {
      const library = buildFor(target, env, { native });
      const problems = binaryProblems(library, target);
      if (problems.length > 0) throw new Error(problems.join('; '));
      const seconds = Number((process.hrtime.bigint() - started) / 1_000_000_000n);
      rows.push({ ...report(place(library, target), target), seconds });
      noteSources(target);
    } catch (error) {
      console.error(`prebuild: ${target.name}: ${error.message}`);
      failed.push(target.name);
    }
  }
  console.table(rows);
  if (failed.length > 0) fail(`prebuild: FAILED for ${failed.join(', ')}`);
}

if (process.argv[1] === import.meta.filename) {
  const words = process.argv.slice(2);
  if (words.length === 0 && process.env.npm_lifecycle_event === 'prebuild' && process.env.npm_config_ignore_scripts !== 'true') {
    // `npm run build` without .npmrc would start hours of unwanted work.
    console.log('prebuild: nothing done, since npm may have taken this for a hook of `npm run build`. Name the targets, or node scripts/prebuild.mjs');
  } else {
    await main(words);
  }
}
