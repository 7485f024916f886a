// Runs two modules of gateway 2026.5.12 before and after a change, under another user.
//
// - The module for exec approvals, on a state directory as Kubernetes mounts it (root:1000, mode 2775). Only the body
//   of its ensureDir is replaced.
// - The media loader, on another user's file. Only the source of readLocalFileSafely is replaced.

import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, readFileSync, readdirSync, renameSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { fail, projectRoot } from '../support.mjs';
import { USER } from './places.mjs';

const FS_GROUP_MODE = 0o2775;
const adapters = pathToFileURL(path.join(projectRoot, 'fs-safe.mjs')).href;
const asUser = ['--reuid=1000', '--regid=1000', '--clear-groups', '--no-new-privs', '--inh-caps=-all', '--bounding-set=-all'];

/** The dist folder of the gateway under test. */
let dist = '';

/** Returns the single module of the package that contains a text. */
function moduleWith(prefix, text) {
  const found = readdirSync(dist).filter(
    (name) => name.startsWith(prefix) && name.endsWith('.js') && !name.includes('holdfast') && readFileSync(path.join(dist, name), 'utf8').includes(text),
  );
  if (found.length !== 1) fail(`gateway: ${found.length} modules ${prefix}* have '${text}'; one was expected.`);
  return found[0];
}

/** Returns the name under which a module exports something: the build renames all exports. */
function exportedAs(source, name) {
  const found = new RegExp(`\\b${name} as (\\w+)`).exec(source.slice(source.lastIndexOf('export {')));
  if (found === null) fail(`gateway: the module exports no ${name}.`);
  return found[1];
}

/** Replaces the body of a function declaration. The package is formatted: a function ends at a line with only `}`. */
function withBody(source, head, body) {
  const start = source.indexOf(head);
  const end = source.indexOf('\n}\n', start);
  if (start < 0 || end < 0) fail(`gateway: the module has no '${head}'.`);
  return `${source.slice(0, start + head.length)}\n${body}${source.slice(end)}`;
}

/** Writes the changed module beside the original, so that its imports stay the same. */
function changed(name, source) {
  const file = path.join(dist, name.replace(/\.js$/, '.holdfast.js'));
  writeFileSync(file, source);
  return file;
}

/** Calls exports of a module as user 1000. Returns the outcome of each call. */
function callAs(node, home, file, calls) {
  const program = `
    const module = await import(${JSON.stringify(pathToFileURL(file).href)});
    const outcomes = [];
    for (const { name, args } of ${JSON.stringify(calls)}) {
      try {
        const value = await module[name](...args);
        outcomes.push({ ok: value?.buffer ? value.buffer.length + ' bytes' : 'succeeds' });
      } catch (error) {
        outcomes.push({ error: { name: error.name, code: error.code, message: error.message } });
      }
    }
    console.log('outcomes:' + JSON.stringify(outcomes));`;
  const done = spawnSync('setpriv', [...asUser, node, '--input-type=module', '-e', program], {
    cwd: '/',
    encoding: 'utf8',
    env: { PATH: process.env.PATH, HOME: home },
  });
  const line = done.stdout?.split('\n').find((text) => text.startsWith('outcomes:'));
  if (line === undefined) fail(`gateway: the program ended with ${done.status ?? done.signal}: ${done.error ?? done.stderr}`);
  return { outcomes: JSON.parse(line.slice('outcomes:'.length)), warnings: done.stderr.split('\n').filter((text) => text.includes('HOLDFAST')) };
}

const octal = (file) => (statSync(file).mode & 0o7777).toString(8).padStart(4, '0');
const told = ({ ok, error }) => ok ?? `${error.name} ${error.code}: ${error.message}`;
const problems = [];
function expect(what, condition) {
  if (!condition) problems.push(what);
}

function approvals(node, scratch, file, source) {
  const home = path.join(scratch, `home-${path.basename(file)}`);
  const state = path.join(home, '.openclaw');
  mkdirSync(state, { recursive: true });
  chownSync(state, 0, USER);
  chmodSync(state, FS_GROUP_MODE);
  const { outcomes, warnings } = callAs(node, home, file, [
    { name: exportedAs(source, 'saveExecApprovals'), args: [{ version: 1, agents: {} }] },
    { name: exportedAs(source, 'ensureExecApprovals'), args: [] },
  ]);
  const [written] = readdirSync(state);
  return { outcomes, warnings, directory: octal(state), file: written === undefined ? 'none' : `${written} ${octal(path.join(state, written))}` };
}

function report(title, { outcomes, warnings, ...rest }) {
  console.log(`\n${title}`);
  ['saveExecApprovals', 'ensureExecApprovals'].forEach((name, i) => console.log(`  ${name}: ${told(outcomes[i])}`));
  for (const [what, value] of Object.entries(rest)) console.log(`  ${what}: ${value}`);
  for (const warning of warnings) console.log(`  warning: ${warning}`);
}

/** The module for exec approvals with holdfast's function as the body of its ensureDir. */
function changedApprovals(source) {
  const body = withBody(
    source,
    'function ensureDir(filePath) {',
    `\treturn ensureParentDirSync(filePath, {
\t\ttrustedRoot: resolveRequiredHomeDir(),
\t\tallowOutsideRoot: true,
\t\tmessagePrefix: "Refusing to traverse symlink in exec approvals path"
\t});`,
  );
  return `import { ensureParentDirSync } from ${JSON.stringify(adapters)};\n${body}`;
}

function checkApprovals(node, scratch) {
  const name = moduleWith('exec-approvals-', 'function ensureDir(filePath) {');
  const source = readFileSync(path.join(dist, name), 'utf8');
  const before = approvals(node, scratch, path.join(dist, name), source);
  report(`before: dist/${name}, on root:1000 2775, as uid ${USER}`, before);
  const after = approvals(node, scratch, changed(name, changedApprovals(source)), source);
  report('after: the body of ensureDir replaced by ensureParentDirSync', after);
  expect('before, both calls fail with EPERM', before.outcomes.every(({ error }) => error?.code === 'EPERM'));
  expect('after, both calls succeed', after.outcomes.every(({ ok }) => ok !== undefined));
  expect('the file is 0600', /^exec-approvals\.json 0600$/.test(after.file));
  expect('the directory is still 2775', after.directory === '2775');
}

function checkMedia(node, scratch) {
  const name = moduleWith('web-media-', 'async function loadWebMediaInternal');
  const source = readFileSync(path.join(dist, name), 'utf8');
  const imported = /^import \{ \w+ as readLocalFileSafely \} from .*$/m;
  if (!imported.test(source)) fail('gateway: the media loader does not import readLocalFileSafely.');
  const replaced = source.replace(
    imported,
    `import { bindFsSafe } from ${JSON.stringify(adapters)};\nconst { readLocalFileSafely } = bindFsSafe({ FsSafeError, outbound: true });`,
  );
  const media = path.join(scratch, 'media');
  mkdirSync(media);
  chmodSync(media, 0o755);
  const file = path.join(media, 'note.txt');
  writeFileSync(file, 'hello');
  const load = { name: exportedAs(source, 'loadWebMedia'), args: [file, { localRoots: [media] }] };
  const loader = changed(name, replaced);

  chmodSync(file, 0o600);
  const [before] = callAs(node, scratch, path.join(dist, name), [load]).outcomes;
  const [after] = callAs(node, scratch, loader, [load]).outcomes;
  chmodSync(file, 0o644);
  const [readable] = callAs(node, scratch, loader, [load]).outcomes;
  console.log(`\nbefore: dist/${name}, a file root:root 0600, as uid ${USER}\n  loadWebMedia: ${told(before)}`);
  console.log(`after: readLocalFileSafely from bindFsSafe({ FsSafeError, outbound: true })\n  loadWebMedia: ${told(after)}`);
  console.log(`after chmod 0644\n  loadWebMedia: ${told(readable)}`);
  expect('before, a bare EACCES', before.error?.code === 'EACCES');
  expect('after, the explained refusal', after.error?.code === 'OUTBOUND_MEDIA_PERMS_TOO_RESTRICTIVE' && after.error.message.includes('mode 0644'));
  expect('the readable file is loaded', readable.ok === '5 bytes');
}

/** Replaces the original modules by the changed ones, in a copy of an installation. */
export function changeModules(installation) {
  dist = path.join(installation, 'node_modules/openclaw/dist');
  const name = moduleWith('exec-approvals-', 'function ensureDir(filePath) {');
  // The files may be hard links to those of the original installation.
  const file = path.join(dist, name);
  const text = changedApprovals(readFileSync(file, 'utf8'));
  writeFileSync(`${file}.new`, text);
  renameSync(`${file}.new`, file);
}

/** Runs the modules. Returns the deviations from the expected outcomes. */
export function checkModules(installation, node, scratch) {
  dist = path.join(installation, 'node_modules/openclaw/dist');
  const reachable = spawnSync('setpriv', [...asUser, 'test', '-r', path.join(projectRoot, 'fs-safe.mjs')]);
  if (reachable.status !== 0) fail(`gateway: uid ${USER} cannot read ${projectRoot}; check out where others may read.`);
  checkApprovals(node, scratch);
  checkMedia(node, scratch);
  return problems;
}
