'use strict';

// Writes a package that stands for `@openclaw/fs-safe` in a host: each of its subpaths has our functions where there
// are some, and the original's otherwise.

const fs = process.getBuiltinModule('node:fs');
const path = process.getBuiltinModule('node:path');
const { createRequire } = process.getBuiltinModule('node:module');
const { pathToFileURL } = process.getBuiltinModule('node:url');
const { version } = require('../base/version.js');
const { bindFsSafe } = require('./index.js');

const NAME = '@openclaw/fs-safe';
/** The name by which the package has the original as a dependency. */
const ORIGINAL = 'fs-safe-original';

/**
 * The manifest of the original, which is looked for from a directory as Node does. Where a package that was written
 * before stands for it, it has its other name.
 *
 * @param {string} from
 */
function findOriginal(from) {
  const { resolve } = createRequire(path.join(path.resolve(from), 'package.json'));
  for (const name of [ORIGINAL, NAME]) {
    const file = resolved(resolve, `${name}/package.json`);
    const manifest = file === undefined ? undefined : JSON.parse(fs.readFileSync(file, 'utf8'));
    if (file !== undefined && manifest.dependencies?.[ORIGINAL] === undefined) {
      return { manifest, dir: path.dirname(file) };
    }
  }
  throw new Error(`${NAME} is not found from ${path.resolve(from)}: install the host first, and name its folder with --from node_modules/<host>`);
}

/**
 * @param {NodeJS.RequireResolve} resolve
 * @param {string} name
 */
function resolved(resolve, name) {
  try {
    return resolve(name);
  } catch {
    return undefined;
  }
}

/**
 * The functions of a binding that a subpath of the original has, too.
 *
 * @param {string} dir of the original
 * @param {any} target of its exports
 * @param {string[]} ours
 */
async function sharedNames(dir, target, ours) {
  const file = typeof target === 'string' ? target : (target.default ?? target.import);
  const theirs = await import(pathToFileURL(path.join(dir, file)).href);
  return ours.filter((name) => typeof theirs[name] === 'function');
}

/**
 * @param {string} subpath of the original, without a dot; empty for its main module
 * @param {string[]} names
 */
function moduleText(subpath, names) {
  const original = `${ORIGINAL}${subpath}`;
  if (names.length === 0) {
    return `export * from '${original}';\n`;
  }
  return [
    `import { bindFsSafe } from 'holdfast/fs-safe';`,
    `import * as original from '${original}';`,
    `import { FsSafeError } from '${ORIGINAL}/errors';`,
    '',
    '// A name that is exported here comes before the same name of the original.',
    `export * from '${original}';`,
    `export const { ${names.join(', ')} } = bindFsSafe({ FsSafeError, original });`,
    '',
  ].join('\n');
}

/**
 * @param {any} original its manifest
 * @param {string[]} subpaths
 */
function manifestOf(original, subpaths) {
  const exports = Object.fromEntries(
    subpaths.map((subpath) => [subpath, { types: `${fileOf(subpath)}.d.ts`, default: `${fileOf(subpath)}.js` }]),
  );
  return {
    name: NAME,
    version: original.version,
    description: `${NAME} with functions of holdfast: written by npx holdfast fs-safe-package`,
    private: true,
    type: 'module',
    main: './index.js',
    types: './index.d.ts',
    exports: { ...exports, './package.json': './package.json' },
    ...(original.engines === undefined ? {} : { engines: original.engines }),
    dependencies: { [ORIGINAL]: `npm:${NAME}@${original.version}` },
    peerDependencies: { holdfast: `^${version}` },
  };
}

/** @param {string} subpath */
function fileOf(subpath) {
  return subpath === '.' ? './index' : subpath;
}

/**
 * Writes the package.
 *
 * @param {string} dir new, or one that was written before
 * @param {string} [from] a directory from which the original is found
 */
async function writeFsSafePackage(dir, from = '.') {
  const { manifest: original, dir: originalDir } = findOriginal(from);
  assertOwn(dir);
  // Without a class a binding is only good for its names.
  const ours = Object.keys(bindFsSafe({ FsSafeError: Error }));
  const subpaths = Object.keys(original.exports).filter((subpath) => subpath !== './package.json');
  /** @type {Record<string, string[]>} */
  const replaced = {};
  fs.mkdirSync(dir, { recursive: true });
  for (const subpath of subpaths) {
    const names = await sharedNames(originalDir, original.exports[subpath], ours);
    const file = path.join(dir, fileOf(subpath));
    fs.mkdirSync(path.dirname(file), { recursive: true });
    fs.writeFileSync(`${file}.js`, moduleText(subpath.slice(1), names));
    fs.writeFileSync(`${file}.d.ts`, `export * from '${ORIGINAL}${subpath.slice(1)}';\n`);
    if (names.length > 0) {
      replaced[subpath] = names;
    }
  }
  fs.writeFileSync(path.join(dir, 'package.json'), `${JSON.stringify(manifestOf(original, subpaths), null, 2)}\n`);
  return { version: original.version, subpaths, replaced };
}

/**
 * Nothing of others is overwritten.
 *
 * @param {string} dir
 */
function assertOwn(dir) {
  const names = fs.existsSync(dir) ? fs.readdirSync(dir) : [];
  if (names.length === 0) {
    return;
  }
  const manifest = path.join(dir, 'package.json');
  const isOurs = fs.existsSync(manifest) && JSON.parse(fs.readFileSync(manifest, 'utf8')).dependencies?.[ORIGINAL] !== undefined;
  if (!isOurs) {
    throw new Error(`${dir} is not empty, and was not written by this command`);
  }
}

/**
 * What was written, and what to do with it.
 *
 * @param {string} dir
 * @param {Awaited<ReturnType<typeof writeFsSafePackage>>} written
 */
function fsSafePackageText(dir, { version: of, subpaths, replaced }) {
  const count = Object.values(replaced).flat().length;
  return [
    `${dir}: ${NAME} ${of}, ${count} functions of holdfast in ${Object.keys(replaced).length} of ${subpaths.length} subpaths`,
    ...Object.entries(replaced).map(([subpath, names]) => `  ${subpath}: ${names.join(', ')}`),
    '',
    'Pack it beside the package.json of the project that installs the host:',
    `  npm pack ${dir}`,
    'and put there:',
    `  "overrides": { "${NAME}": "file:./openclaw-fs-safe-${of}.tgz" }`,
    'then remove node_modules and the lock file, and run npm install.',
    '',
  ].join('\n');
}

module.exports = { fsSafePackageText, writeFsSafePackage };
