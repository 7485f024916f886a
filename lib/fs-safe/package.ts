// Writes a package that replaces `@openclaw/fs-safe` in a host. Each subpath exports holdfast's functions where they
// exist, and the original's otherwise.

import { fs, nodeModule, path, url } from '../base/node.js';
import { version } from '../base/version.js';
import { bindFsSafe } from './index.js';
import { HANDED_OVER } from './root/handover.js';
import type { Unchecked } from './options.js';

const { createRequire } = nodeModule;
const { pathToFileURL } = url;

const NAME = '@openclaw/fs-safe';
/** The name of the original among the dependencies of the package. */
const ORIGINAL = 'fs-safe-original';

/**
 * Finds the manifest of the original from a directory, as Node resolves packages. An earlier replacement has the
 * original under its other name.
 */
function findOriginal(from: string) {
  const { resolve } = createRequire(path.join(realDirectory(from), 'package.json'));
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
 * Returns the real path of a directory: a package manager may have linked it, with its dependencies beside its target.
 * Node resolves from a missing directory too, and would find what another package has.
 */
function realDirectory(from: string) {
  const stat = fs.statSync(from, { throwIfNoEntry: false });
  if (stat === undefined) {
    throw new Error(`--from ${from}: there is no such directory`);
  }
  if (!stat.isDirectory()) {
    throw new Error(`--from ${from}: this is not a directory`);
  }
  return fs.realpathSync(from);
}

function resolved(resolve: NodeJS.RequireResolve, name: string) {
  try {
    return resolve(name);
  } catch {
    return undefined;
  }
}

/**
 * Returns the names that both a binding and a subpath of the original export.
 *
 * @param dir of the original
 * @param target of its exports
 */
async function sharedNames(dir: string, target: Unchecked, ours: string[]) {
  const file = typeof target === 'string' ? target : (target.default ?? target.import);
  const theirs = await import(pathToFileURL(path.join(dir, file)).href);
  return ours.filter((name) => typeof theirs[name] === 'function');
}

/**
 * Returns the source text of one module of the package.
 *
 * @param subpath of the original, without a dot; empty for its main module
 */
function moduleText(subpath: string, names: string[]) {
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
 * Returns the manifest of the package.
 *
 * @param original its manifest
 */
function manifestOf(original: Unchecked, subpaths: string[]) {
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

function fileOf(subpath: string) {
  return subpath === '.' ? './index' : subpath;
}

/**
 * Writes the package.
 *
 * @param dir a new directory, or one that an earlier call wrote
 * @param from a directory from which Node resolves the original
 */
export async function writeFsSafePackage(dir: string, from: string = '.') {
  const { manifest: original, dir: originalDir } = findOriginal(from);
  assertOwn(dir);
  // Only the names of this binding are read.
  const ours = [...Object.keys(bindFsSafe({ FsSafeError: Error })), ...HANDED_OVER];
  const subpaths = Object.keys(original.exports).filter((subpath) => subpath !== './package.json');
  const replaced: Record<string, string[]> = {};
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

/** Refuses to overwrite a directory that this command did not write. */
function assertOwn(dir: string) {
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

/** Returns the command's report: the files written and the next step. */
export function fsSafePackageText(dir: string, { version: of, subpaths, replaced }: Awaited<ReturnType<typeof writeFsSafePackage>>) {
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
