// The peers: installed beside the package, never into it, and loaded in the process that measures them.

import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { fail, projectRoot, runNpm } from '../scripts/support.mjs';

export const peerNames = ['@openclaw/fs-safe', 'write-file-atomic', 'atomically', 'fs-extra', 'proper-lockfile', 'fdir', 'fast-glob', 'rimraf'];

const folder = path.join(projectRoot, '.cache/bench');
const require = createRequire(path.join(folder, 'package.json'));
const DAY = 24 * 60 * 60 * 1000;

const manifestOf = (name) => path.join(folder, 'node_modules', name, 'package.json');
const readManifest = (name) => JSON.parse(readFileSync(manifestOf(name), 'utf8'));

/**
 * Returns the package of fs-safe's binary for this system. npm omits an optional package if the Node that runs npm is
 * too old for it, even if the measured Node is newer.
 */
function fsSafeBinary() {
  const libc = process.platform === 'linux' ? (process.report.getReport().header.glibcVersionRuntime ? '-gnu' : '-musl') : '';
  return `@openclaw/fs-safe-${process.platform}-${process.arch}${process.platform === 'win32' ? '-msvc' : libc}`;
}

/** Installs the latest versions, unless the last installation is less than a day old. */
export function installPeers() {
  const stamp = path.join(folder, 'installed');
  const names = [...peerNames, fsSafeBinary()];
  if (names.every((name) => existsSync(manifestOf(name))) && existsSync(stamp) && Date.now() - statSync(stamp).mtimeMs < DAY) return;
  mkdirSync(folder, { recursive: true });
  // Without a manifest here npm would install into the package's folder.
  writeFileSync(path.join(folder, 'package.json'), '{ "private": true }\n');
  const args = ['install', '--no-audit', '--no-fund', '--no-package-lock', '--loglevel=error', ...names.map((name) => `${name}@latest`)];
  if (runNpm(args, { cwd: folder, stdio: ['ignore', 'ignore', 'inherit'] }) !== 0) fail('bench: the peers could not be installed.');
  writeFileSync(stamp, '');
}

/** Whether a version is in a range of the forms `a`, `^a.b.c` and `>=a.b.c`, joined by `||`. */
export function satisfies(version, range) {
  const numbers = (text) => text.split('.').map(Number);
  const compare = (a, b) => [0, 1, 2].map((i) => (a[i] ?? 0) - (b[i] ?? 0)).find((difference) => difference !== 0) ?? 0;
  const actual = numbers(version);
  return range.split('||').some((part) => {
    const [, operator, wanted] = /^(\^|>=|)\s*([\d.]+)$/.exec(part.trim()) ?? fail(`bench: cannot read the range "${range}".`);
    const least = numbers(wanted);
    return compare(actual, least) >= 0 && (operator === '>=' || actual[0] === least[0]);
  });
}

/** Returns name and version of each peer, and the reason if it does not run on this Node. */
export function describePeers(nodeVersion = process.versions.node) {
  return peerNames.map((name) => {
    const { version, engines } = readManifest(name);
    const wanted = engines?.node;
    return { name, version, wants: wanted && !satisfies(nodeVersion, wanted) ? wanted : undefined };
  });
}

const entry = (specifier) => import(pathToFileURL(require.resolve(specifier)).href);

const loaders = {
  async '@openclaw/fs-safe'() {
    // fs-safe's users get its Rust binding; without it the comparison would favour holdfast.
    const { configureFsSafeNative } = await import(pathToFileURL(path.join(folder, 'node_modules/@openclaw/fs-safe/dist/index.js')).href);
    configureFsSafeNative({ mode: 'require' });
    const at = (file) => import(pathToFileURL(path.join(folder, 'node_modules/@openclaw/fs-safe/dist', file)).href);
    const [{ readLocalFileSafely, root }, { replaceFileAtomic, replaceFileAtomicSync }] = await Promise.all([at('root.js'), at('atomic.js')]);
    return { readLocalFileSafely, root, replaceFileAtomic, replaceFileAtomicSync };
  },
  'write-file-atomic': async () => require('write-file-atomic'),
  atomically: () => entry('atomically'),
  'fs-extra': async () => require('fs-extra'),
  'proper-lockfile': async () => require('proper-lockfile'),
  fdir: () => entry('fdir'),
  'fast-glob': async () => require('fast-glob'),
  rimraf: () => entry('rimraf'),
};

/** Returns the modules of the peers that run on this Node. */
export async function loadPeers() {
  const usable = describePeers().filter(({ wants }) => !wants);
  return Object.fromEntries(await Promise.all(usable.map(async ({ name }) => [name, await loaders[name]()])));
}
