// Tests the real consumer before and after: the npm package openclaw, in two versions.
//
// - 2026.5.12 bundles the library into its own files. Two of its modules run with holdfast's functions in them, and its
//   flows run with the module for exec approvals changed.
// - The newest known version imports the library. An npm override installs the package of `holdfast fs-safe-package`
//   instead of the library, and all files of the gateway stay unchanged.
//
//   npm run test:gateway                      all of it; an hour or more
//   npm run test:gateway -- --version 2026.9.6 --uid 1000 --umask 022 --place ordinary,root:1000 --step 'config set'
//
// Needs the npm registry for the installation, root, and setpriv, unshare and ip. The flows run in a network namespace
// with loopback only, against a mock model.

import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { changeModules, checkModules } from './gateway/modules.mjs';
import { installNode } from './node-binary.mjs';
import { fail, projectRoot, run, runNpm } from './support.mjs';

/** Bundles the library. */
const OLD = '2026.5.12';
/** Imports the library. */
const NEW = '2026.9.6';

const { values: options } = parseArgs({
  options: { version: { type: 'string' }, uid: { type: 'string' }, umask: { type: 'string' }, place: { type: 'string' }, step: { type: 'string' }, keep: { type: 'boolean' } },
});

const folder = path.join(projectRoot, '.cache/gateway');
const NPM = ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--no-package-lock', '--prefer-offline', '--loglevel=error'];

/** Runs npm under the gateway's Node. Otherwise npm omits native code that requires a newer Node. */
function npm(node, args, cwd) {
  const env = { ...process.env, PATH: `${path.dirname(node)}${path.delimiter}${process.env.PATH}` };
  if (runNpm(args, { cwd, env, stdio: ['ignore', 'ignore', 'inherit'] }) !== 0) fail(`gateway: npm ${args.join(' ')} failed in ${cwd}.`);
}

function versionIn(dir) {
  try {
    return JSON.parse(readFileSync(path.join(dir, 'node_modules/openclaw/package.json'), 'utf8')).version;
  } catch {
    return undefined;
  }
}

/** Runs the package's own steps after an installation, without a network. */
function finish(node, dir) {
  const script = 'scripts/postinstall-bundled-plugins.mjs';
  const cwd = path.join(dir, 'node_modules/openclaw');
  if (!existsSync(path.join(cwd, script))) return;
  const home = mkdtempSync(path.join(tmpdir(), 'holdfast-home-'));
  const done = spawnSync('unshare', ['--net', node, script], { cwd, encoding: 'utf8', env: { PATH: `${path.dirname(node)}:${process.env.PATH}`, HOME: home } });
  rmSync(home, { recursive: true, force: true });
  if (done.status !== 0) fail(`gateway: ${script}: ${done.stderr}`);
}

function install(node, version) {
  const dir = path.join(folder, version);
  if (versionIn(dir) === version) return dir;
  mkdirSync(dir, { recursive: true });
  writeFileSync(path.join(dir, 'package.json'), '{ "private": true }\n');
  npm(node, [...NPM, `openclaw@${version}`], dir);
  finish(node, dir);
  return dir;
}

/** Installs the same gateway with the replacement of the library: packed, and installed by an override. */
function installAdapted(node, version, before) {
  const dir = path.join(folder, `${version}-holdfast`);
  if (options.keep && versionIn(dir) === version) return dir;
  rmSync(dir, { recursive: true, force: true });
  mkdirSync(dir, { recursive: true });
  if (run(process.execPath, ['scripts/pack.mjs'], { stdio: ['ignore', 'ignore', 'inherit'] }) !== 0) fail('gateway: holdfast could not be packed.');
  const packed = path.join(projectRoot, 'packed');
  const tarballs = readdirSync(packed).filter((name) => name.endsWith('.tgz'));
  if (run(node, ['dist/cli/main.js', 'fs-safe-package', path.join(dir, 'fs-safe'), '--from', path.join(before, 'node_modules/openclaw')]) !== 0) process.exit(1);
  npm(node, ['pack', '--silent', './fs-safe'], dir);
  const [library] = readdirSync(dir).filter((name) => name.endsWith('.tgz'));
  const holdfast = Object.fromEntries(tarballs.map((name) => [name.startsWith('holdfast-0') ? 'holdfast' : `@holdfast/${name.replace(/^holdfast-|-\d+\.\d+\.\d+\.tgz$/g, '')}`, `file:${path.join(packed, name)}`]));
  const manifest = { private: true, dependencies: { openclaw: version, ...holdfast }, overrides: { '@openclaw/fs-safe': `file:./${library}` } };
  writeFileSync(path.join(dir, 'package.json'), JSON.stringify(manifest, null, 2));
  npm(node, NPM, dir);
  finish(node, dir);
  return dir;
}

/** Copies a gateway that bundles the library, and changes one module. */
function copyChanged(version, before) {
  const dir = path.join(folder, `${version}-holdfast`);
  rmSync(dir, { recursive: true, force: true });
  mkdirSync(dir, { recursive: true });
  if (spawnSync('cp', ['-al', path.join(before, 'node_modules'), dir]).status !== 0) cpSync(path.join(before, 'node_modules'), path.join(dir, 'node_modules'), { recursive: true });
  changeModules(dir);
  return dir;
}

if (process.platform !== 'linux' || process.geteuid() !== 0) fail('gateway: only root on Linux can become another user.');
if (run(process.execPath, ['scripts/setup.mjs']) !== 0) process.exit(1);
const node = installNode('24');
const problems = [];
for (const version of [OLD, NEW]) {
  if (options.version !== undefined && options.version !== version) continue;
  const before = install(node, version);
  console.log(`gateway: openclaw@${version}`);
  if (version === OLD && options.step === undefined) {
    const scratch = mkdtempSync(path.join(tmpdir(), 'holdfast-gateway-'));
    chmodSync(scratch, 0o755);
    problems.push(...checkModules(before, node, scratch));
    rmSync(scratch, { recursive: true, force: true });
  }
  const after = version === OLD ? copyChanged(version, before) : installAdapted(node, version, before);
  const plan = JSON.stringify({ version, node, before, after, options });
  if (run('unshare', ['--net', '--mount', '--propagation', 'private', process.execPath, 'scripts/gateway/flows.mjs', plan]) !== 0) problems.push(`the flows of ${version}: see above`);
}
for (const problem of problems) console.error(`gateway: not so: ${problem}`);
console.log(problems.length === 0 ? '\ngateway: as it should be' : '');
process.exit(problems.length === 0 ? 0 : 1);
