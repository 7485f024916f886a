// The targets that have binaries, and the manifest of each one's package. The folders npm/<target> contain the same, so
// that it can be read without running code; scripts/check-package.mjs compares them.

import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { projectRoot } from '../support.mjs';

/**
 * @typedef {object} Target
 * @property {string} name as lib/native/platform.js calls it
 * @property {string} triple as Rust calls it
 * @property {'linux' | 'darwin' | 'win32'} os
 * @property {'x64' | 'arm64'} cpu
 * @property {'glibc' | 'musl'} [libc] by npm's names
 * @property {string} system for people
 */

/** @type {Target[]} */
export const TARGETS = [
  { name: 'linux-x64-gnu', triple: 'x86_64-unknown-linux-gnu', os: 'linux', cpu: 'x64', libc: 'glibc', system: 'Linux on x86-64 with glibc 2.17 or newer' },
  { name: 'linux-arm64-gnu', triple: 'aarch64-unknown-linux-gnu', os: 'linux', cpu: 'arm64', libc: 'glibc', system: 'Linux on ARM64 with glibc 2.17 or newer' },
  { name: 'linux-x64-musl', triple: 'x86_64-unknown-linux-musl', os: 'linux', cpu: 'x64', libc: 'musl', system: 'Linux on x86-64 with musl (Alpine)' },
  { name: 'linux-arm64-musl', triple: 'aarch64-unknown-linux-musl', os: 'linux', cpu: 'arm64', libc: 'musl', system: 'Linux on ARM64 with musl (Alpine)' },
  { name: 'darwin-arm64', triple: 'aarch64-apple-darwin', os: 'darwin', cpu: 'arm64', system: 'macOS 11 or newer on Apple silicon' },
  { name: 'darwin-x64', triple: 'x86_64-apple-darwin', os: 'darwin', cpu: 'x64', system: 'macOS 11 or newer on Intel' },
  { name: 'win32-x64-msvc', triple: 'x86_64-pc-windows-gnu', os: 'win32', cpu: 'x64', system: 'Windows on x86-64' },
];

/** @returns {Target} */
export function targetNamed(name) {
  const target = TARGETS.find((one) => one.name === name);
  if (!target) throw new Error(`there is no target ${name}; there are ${TARGETS.map((one) => one.name).join(', ')}`);
  return target;
}

export const packageName = (target) => `@holdfast/${target.name}`;
export const binaryName = (target) => `holdfast.${target.name}.node`;
export const packageFolder = (target) => path.join(projectRoot, 'npm', target.name);

/** Returns the path of the binary that was built for a target, or undefined. */
export function prebuiltBinary(target) {
  const file = path.join(packageFolder(target), binaryName(target));
  return existsSync(file) ? file : undefined;
}

/** File with the fingerprint of a binary's sources. */
const note = (target) => path.join(projectRoot, '.cache/cross/built-from', target.name);

/** Returns one fingerprint of all sources of a binary. */
function sourcesFingerprint() {
  const hash = createHash('sha256');
  const folders = ['src', 'core/src'].flatMap((folder) => readdirSync(path.join(projectRoot, folder), { recursive: true }).map((name) => `${folder}/${name}`));
  const files = ['Cargo.toml', 'Cargo.lock', 'build.rs', 'core/Cargo.toml', ...folders];
  for (const name of files.filter((file) => /\.(rs|toml|lock)$/.test(file)).sort()) hash.update(name).update('\0').update(readFileSync(path.join(projectRoot, name)));
  return hash.digest('hex');
}

export function noteSources(target) {
  mkdirSync(path.dirname(note(target)), { recursive: true });
  writeFileSync(note(target), sourcesFingerprint());
}

/**
 * @returns {string[]} a problem if a binary was built from other sources; a binary from elsewhere has no fingerprint
 */
export function staleness(target) {
  if (!existsSync(note(target)) || readFileSync(note(target), 'utf8') === sourcesFingerprint()) return [];
  return [`the binary for ${target.name} is older than the sources: npm run prebuild -- ${target.name}`];
}

const root = () => JSON.parse(readFileSync(path.join(projectRoot, 'package.json'), 'utf8'));

/** Returns the expected package.json of a target's package. */
export function platformManifest(target) {
  const { version, license, author, engines } = root();
  return {
    name: packageName(target),
    version,
    description: `The binary of holdfast for ${target.system}.`,
    license,
    author,
    engines,
    os: [target.os],
    cpu: [target.cpu],
    ...(target.libc && { libc: [target.libc] }),
    main: binaryName(target),
    files: [binaryName(target)],
    // A binary cannot be loaded from inside an archive.
    preferUnplugged: true,
  };
}

const WINDOWS_NOTE = `
The name says \`msvc\` because loaders and package managers look for that name. The binary is linked by
mingw-w64 when \`npm run prebuild\` makes it, and by Microsoft's linker when the release workflow does.
It needs no library but those that Windows has.
`;

export function platformReadme(target) {
  return `# ${packageName(target)}

The binary of [holdfast](https://www.npmjs.com/package/holdfast) for ${target.system}.

Install \`holdfast\`: it has this package as an optional dependency, and the package manager picks the one that fits.
Where that was left out (\`--omit=optional\`), name it: \`npm install ${packageName(target)}\`, in the version of \`holdfast\`.
${target.os === 'win32' ? WINDOWS_NOTE : ''}`;
}

const asJson = (value) => `${JSON.stringify(value, null, 2)}\n`;

const filesOf = (target) => ({ 'package.json': asJson(platformManifest(target)), 'README.md': platformReadme(target) });

/** @returns {string[]} the problems of the folders in npm/ */
export function platformPackageProblems() {
  const problems = [];
  for (const target of TARGETS) {
    for (const [name, wanted] of Object.entries(filesOf(target))) {
      const file = path.join(packageFolder(target), name);
      if (!existsSync(file)) problems.push(`npm/${target.name}/${name} is missing`);
      else if (readFileSync(file, 'utf8') !== wanted) problems.push(`npm/${target.name}/${name} is not what it should be: node scripts/prebuilt/targets.mjs writes it`);
    }
  }
  const known = new Set(TARGETS.map(({ name }) => name));
  for (const name of readdirSync(path.join(projectRoot, 'npm'))) if (!known.has(name)) problems.push(`npm/${name} belongs to no target`);
  return problems;
}

// Run by hand after a change of the version: writes the folders.
if (process.argv[1] === import.meta.filename) {
  for (const target of TARGETS) {
    mkdirSync(packageFolder(target), { recursive: true });
    for (const [name, text] of Object.entries(filesOf(target))) writeFileSync(path.join(packageFolder(target), name), text);
  }
}
