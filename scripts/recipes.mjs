// Runs the recipes of docs/recipes/ with the real frameworks: copies examples/recipes/ to .cache, installs what it needs
// and the packed holdfast of this checkout, compiles it, and runs its tests with HTTP requests on loopback.
//
//   npm run test:recipes
//   npm run test:recipes -- --next     also builds and starts a whole Next, 300 MB; otherwise its route handler alone is served

import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { ownBinary, packMain, packPlatform } from './pack.mjs';
import { TARGETS } from './prebuilt/targets.mjs';
import { fail, projectRoot, run, runNpm, tools } from './support.mjs';

const withNext = process.argv.includes('--next');
const source = path.join(projectRoot, 'examples/recipes');
const folder = path.join(projectRoot, '.cache/recipes');
const nextFolder = path.join(folder, 'next');
const isSource = (file) => !/[\\/](?:node_modules|dist|\.next)$/.test(file);

/** Runs a step. Ends the process when it fails. */
function step(what, program, args, options) {
  const started = performance.now();
  if (run(program, args, options) !== 0) fail(`recipes: ${what} failed; its message is above.`);
  console.log(`recipes: ${what}, ${Math.round((performance.now() - started) / 1000)} s`);
}

/** Installs the dependencies of a package, unless those of its lock file are there. */
function install(packageFolder) {
  const lock = createHash('sha256').update(readFileSync(path.join(packageFolder, 'package-lock.json'))).digest('hex');
  const stamp = path.join(packageFolder, 'node_modules/.installed');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === lock) return;
  const status = runNpm(['ci', '--ignore-scripts', '--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error'], { cwd: packageFolder });
  if (status !== 0) fail('recipes: npm ci failed; its message is above.');
  writeFileSync(stamp, lock);
}

/** Unpacks holdfast and its binary into node_modules. npm would also write to package.json. */
function installHoldfast(packageFolder, packed) {
  for (const { manifest, tarball } of packed) {
    const target = path.join(packageFolder, 'node_modules', manifest.name);
    rmSync(target, { recursive: true, force: true });
    mkdirSync(target, { recursive: true });
    if (run('tar', ['-xzf', tarball, '--strip-components=1', '-C', target]) !== 0) fail(`recipes: ${tarball} cannot be unpacked.`);
  }
}

if (run(process.execPath, ['scripts/setup.mjs']) !== 0) process.exit(1);
mkdirSync(folder, { recursive: true });
for (const name of ['src', 'test', 'dist', 'next/app', 'next/dist']) rmSync(path.join(folder, name), { recursive: true, force: true });
cpSync(source, folder, { recursive: true, filter: isSource });
cpSync(path.join(source, 'src/file-response.ts'), path.join(nextFolder, 'file-response.ts'));

const target = TARGETS.find((each) => ownBinary(each));
const destination = mkdtempSync(path.join(folder, 'packed-'));
try {
  const packed = [packMain(destination), packPlatform(destination, target, ownBinary(target))];
  for (const packageFolder of withNext ? [folder, nextFolder] : [folder]) {
    install(packageFolder);
    installHoldfast(packageFolder, packed);
  }
} finally {
  rmSync(destination, { recursive: true, force: true });
}

const inFolder = { cwd: folder };
const tsc = path.join(folder, 'node_modules/typescript/bin/tsc');
step('compiled', process.execPath, [tsc, '-p', '.'], inFolder);
step('compiled the route of Next', process.execPath, [tsc, '-p', 'tsconfig.next.json'], inFolder);
if (withNext) step('built Next', process.execPath, ['node_modules/next/dist/bin/next', 'build'], { cwd: nextFolder, env: { ...process.env, NEXT_TELEMETRY_DISABLED: '1' } });
step('vitest', process.execPath, [tools.vitest, 'run'], { ...inFolder, env: { ...process.env, RECIPES_NEXT: withNext ? 'whole' : 'route' } });
step('jest', process.execPath, ['node_modules/jest/bin/jest.js', '--ci'], inFolder);
