// The checks of `holdfast selftest`. Each check has a directory of its own and returns a result with a reason.

import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import fs = require('node:fs');
import nodePath = require('node:path');
import { Worker } from 'node:worker_threads';
import { capabilities } from '../../native/capabilities.js';
import { octal } from '../doctor/process.js';
import { ensureDirSync } from '../../verbs/ensure-dir.js';
import { readLocalFileSafelySync } from '../../verbs/read.js';
import { openRoot } from '../../root/open-root.js';
import { fail, missing, pass, type Outcome } from './outcome.js';
import { locks, wholeRecords } from './state-checks.js';
import { STOP, TORN, TURNS, isWhole, versionOf } from './rival.js';
import { writeAtomic, writeAtomicSync } from '../../verbs/write.js';

const RIVAL = nodePath.join(__dirname, 'rival.js');

/** Timeout in milliseconds for the start of a race on a loaded machine. */
const PATIENCE = 30_000;

/** Windows has no modes, and Node invents them. */
const HAS_MODES = process.platform !== 'win32';
const NO_MODES = 'this system has no permission bits';

function modeOf(path: string) {
  return octal(fs.lstatSync(path).mode & 0o7777);
}

/** Returns the code of a call's error, or `undefined` if the call succeeds. */
async function codeOf(call: () => unknown): Promise<string | undefined> {
  try {
    await call();
    return undefined;
  } catch (error) {
    return String((error as NodeJS.ErrnoException).code ?? error);
  }
}

function exactMode(dir: string): Outcome {
  if (!HAS_MODES) return missing(NO_MODES);
  const before = process.umask();
  const wrong: string[] = [];
  const expect = (what: string, path: string, wanted: string) => {
    if (modeOf(path) !== wanted) wrong.push(`${what} became ${modeOf(path)}`);
  };
  try {
    for (const umask of [0o000, 0o022, 0o077]) {
      process.umask(umask);
      const under = `under umask ${octal(umask)}`;
      const [media, secret, made] = ['media', 'secret', 'made'].map((name) => nodePath.join(dir, `${name}-${umask}`));
      writeAtomicSync(media, 'x');
      expect(`a new file ${under}`, media, '0644');
      writeAtomicSync(secret, 'x', { mode: 0o600 });
      expect(`mode: 0o600 ${under}`, secret, '0600');
      ensureDirSync(made);
      expect(`a directory ${under}`, made, octal((fs.lstatSync(dir).mode & 0o2000) | 0o700));
    }
  } finally {
    process.umask(before);
  }
  return wrong.length > 0 ? fail(wrong.join('; ')) : pass('0644, 0600 and directories of 0700 under the umasks 0000, 0022 and 0077');
}

function tightening(dir: string): Outcome {
  if (!HAS_MODES) return missing(NO_MODES);
  const open = nodePath.join(dir, 'open');
  fs.mkdirSync(open);
  fs.chmodSync(open, 0o755);
  const { hardening, isPrivate, ...rest } = ensureDirSync(open);
  return isPrivate && modeOf(open) === '0700' ? pass('a directory of 0755 became 0700') : fail(`a directory of 0755 was ${hardening} (${'reason' in rest ? rest.reason : 'no reason'}), its mode is ${modeOf(open)}`);
}

/** Runs `body` while an opponent runs in a worker thread. */
async function against(name: 'readVersions' | 'exchangeNames', dir: string, body: (turns: () => number) => Promise<void>) {
  const shared = new Int32Array(new SharedArrayBuffer(12));
  const worker = new Worker(RIVAL, { workerData: { holdfastRival: name, shared, dir } });
  let broken: unknown;
  worker.on('error', (error) => {
    broken = error;
  });
  const ended = new Promise((resolve) => worker.on('exit', resolve));
  const asked = Date.now();
  try {
    while (Atomics.load(shared, TURNS) === 0) {
      if (broken !== undefined) throw broken;
      if (Date.now() - asked > PATIENCE) throw new Error('the other thread does not start');
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    await body(() => Atomics.load(shared, TURNS));
  } finally {
    Atomics.store(shared, STOP, 1);
    await ended;
  }
  if (broken !== undefined) throw broken;
  return { turns: shared[TURNS], torn: shared[TORN] };
}

async function oldOrNew(dir: string): Promise<Outcome> {
  const file = nodePath.join(dir, 'file');
  writeAtomicSync(file, versionOf(0));
  let written = 0;
  const { turns, torn } = await against('readVersions', dir, async (reads) => {
    const asked = Date.now();
    while ((written < 300 || reads() < 300) && Date.now() - asked < PATIENCE) {
      await writeAtomic(file, versionOf(++written), { durable: written % 50 === 0 });
    }
  });
  if (turns < 300) return missing(`the reader had only ${turns} turns`);
  return torn > 0 ? fail(`${torn} of ${turns} reads were torn`) : pass(`${turns} reads during ${written} overwrites, each one complete version`);
}

async function suddenDeath(dir: string): Promise<Outcome> {
  const child = spawn(process.execPath, [RIVAL, dir], { stdio: ['ignore', 'pipe', 'ignore'] });
  const ended = once(child, 'exit');
  const begun = await Promise.race([once(child.stdout, 'data'), ended]);
  if (child.exitCode !== null || begun.length === 0) return fail('the writer ended by itself');
  await new Promise((resolve) => setTimeout(resolve, 50));
  child.kill('SIGKILL');
  await ended;
  const left = fs.readdirSync(dir).filter((name) => name !== 'file');
  if (!isWhole(fs.readFileSync(nodePath.join(dir, 'file')))) return fail('the file is torn');
  if (left.length > 1 || left.some((name) => !/^\.holdfast-[0-9a-v]{24}\.tmp$/.test(name))) return fail(`it left ${left.join(', ')}`);
  for (const name of left) fs.unlinkSync(nodePath.join(dir, name));
  return pass(`the file is one complete version, and ${left.length === 0 ? 'nothing else is left' : 'one temporary is left, as documented'}`);
}

async function exclusiveCreation(dir: string): Promise<Outcome> {
  const file = nodePath.join(dir, 'file');
  const all = Array.from({ length: 64 }, (_, number) => codeOf(() => writeAtomic(file, String(number), { overwrite: false })));
  const codes = await Promise.all(all);
  const winners = codes.filter((code) => code === undefined).length;
  const others = codes.filter((code) => code !== undefined && code !== 'already-exists');
  if (winners !== 1 || others.length > 0) return fail(`${winners} of 64 succeeded; others failed with ${[...new Set(others)].join(', ') || 'already-exists'}`);
  const content = fs.readFileSync(file, 'utf8');
  return codes[Number(content)] === undefined ? pass('1 of 64 succeeded, 63 failed with already-exists') : fail('the content is not the winner’s');
}

function canLink(path: string, target: string) {
  try {
    fs.symlinkSync(target, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EPERM') return false;
    throw error;
  }
}

async function symlinkRefusal(dir: string): Promise<Outcome> {
  const workspace = nodePath.join(dir, 'workspace');
  fs.mkdirSync(workspace);
  fs.writeFileSync(nodePath.join(dir, 'secret'), 'secret');
  if (!canLink(nodePath.join(workspace, 'link'), '../secret')) return missing('this user, or this file system, cannot make symbolic links');
  fs.symlinkSync('..', nodePath.join(workspace, 'up'));
  const root = await openRoot(workspace);
  try {
    const cases: [string, string, () => unknown][] = [
      ['a read of a link', 'symlink', () => root.read('link')],
      ['a read through a link', 'symlink', () => root.read('up/secret')],
      ['a read of ../', 'outside-workspace', () => root.read('../secret')],
      ['a write to a link', 'symlink', () => root.writeAtomic('link', 'x')],
      ['a write through a link', 'symlink', () => root.writeAtomic('up/secret', 'x')],
      ['a directory through a link', 'symlink', () => root.ensureDir('up/new')],
    ];
    for (const [what, wanted, call] of cases) {
      const code = await codeOf(call);
      if (code !== wanted) return fail(`${what} ended with ${code ?? 'success'}`);
    }
  } finally {
    root.close();
  }
  if (fs.readFileSync(nodePath.join(dir, 'secret'), 'utf8') !== 'secret') return fail('the outside file was changed');
  return pass('reads, writes and directories, by the last name and on the way');
}

async function containment(dir: string): Promise<Outcome> {
  const [workspace, outside] = ['workspace', 'outside'].map((name) => nodePath.join(dir, name));
  for (const made of [workspace, outside, nodePath.join(workspace, 'target')]) fs.mkdirSync(made);
  fs.writeFileSync(nodePath.join(workspace, 'target', 'file'), 'inside');
  fs.writeFileSync(nodePath.join(outside, 'file'), 'outside');
  if (!canLink(nodePath.join(workspace, 'link'), outside)) return missing('this user, or this file system, cannot make symbolic links');
  const root = await openRoot(workspace);
  const allowed = new Set(['symlink', 'not-found', 'outside-workspace', 'not-directory', 'path-mismatch']);
  let escapes = 0;
  let answers = 0;
  const odd: Set<string> = new Set();
  const note = (code: string | undefined) => {
    answers++;
    if (code !== undefined && !allowed.has(code)) odd.add(code);
  };
  try {
    const { turns } = await against('exchangeNames', workspace, async (exchanges) => {
      const asked = Date.now();
      while ((Date.now() - asked < 500 || exchanges() < 200) && Date.now() - asked < PATIENCE) {
        note(
          await codeOf(async () => {
            const { buffer } = await root.read('target/file');
            if (buffer.toString() !== 'inside') escapes++;
          }),
        );
        note(await codeOf(() => root.writeAtomic('target/new', 'x', { durable: false })));
      }
    });
    const left = fs.readdirSync(outside).filter((name) => name !== 'file');
    if (escapes > 0 || left.length > 0) return fail(`${escapes} reads of the outside file; outside, ${left.join(', ') || 'nothing'} was made`);
    if (turns < 200) return missing(`the attacker had only ${turns} turns`);
    if (odd.size > 0) return fail(`unexpected errors: ${[...odd].join(', ')}`);
    return pass(`${answers} calls while names were exchanged ${turns * 2} times, none left the root`);
  } finally {
    root.close();
  }
}

async function outbound(dir: string): Promise<Outcome> {
  if (!HAS_MODES) return missing(NO_MODES);
  const [secret, media] = ['secret', 'media'].map((name) => nodePath.join(dir, name));
  writeAtomicSync(secret, 'x', { mode: 0o600 });
  writeAtomicSync(media, 'x', { mode: 0o644 });
  const refused = await codeOf(() => readLocalFileSafelySync(secret, { outbound: true }));
  if (refused !== 'OUTBOUND_MEDIA_PERMS_TOO_RESTRICTIVE') return fail(`a 0600 file ended with ${refused ?? 'success'}`);
  const sent = await codeOf(() => readLocalFileSafelySync(media, { outbound: true }));
  return sent === undefined ? pass('0600 is refused, 0644 passes') : fail(`a 0644 file ended with ${sent}`);
}

function durability(dir: string): Outcome {
  const { durable } = writeAtomicSync(nodePath.join(dir, 'file'), 'x');
  return durable === true
    ? pass('file and directory can be synced; no program can check that the device keeps what it acknowledges')
    : missing('this file system cannot sync a directory: a published name may be lost with a power loss');
}

async function cleanUp(dir: string): Promise<Outcome> {
  const controller = new AbortController();
  async function* aborted() {
    yield 'begun';
    controller.abort();
    yield 'never finished';
  }
  async function* broken() {
    yield 'begun';
    throw Object.assign(new Error('broken'), { code: 'broken' });
  }
  fs.mkdirSync(nodePath.join(dir, 'taken'));
  const codes = [
    await codeOf(() => writeAtomic(nodePath.join(dir, 'aborted'), aborted(), { signal: controller.signal })),
    await codeOf(() => writeAtomic(nodePath.join(dir, 'broken'), broken())),
    await codeOf(() => writeAtomic(nodePath.join(dir, 'taken'), 'x')),
  ];
  if (codes.includes(undefined)) return fail('a write succeeded that should have failed');
  const left = await leftIn(dir);
  return left.length === 0 ? pass('an aborted, a broken and a refused write left nothing') : fail(`left: ${left.join(', ')}`);
}

/** Returns the files that failed writes left, after a wait: an aborted write rejects before it cleans up. */
async function leftIn(dir: string) {
  const names = () => fs.readdirSync(dir).filter((name) => name !== 'taken');
  const end = Date.now() + PATIENCE;
  while (names().length > 0 && Date.now() < end) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return names();
}

function aclKept(dir: string): Outcome {
  if (process.platform !== 'linux') return missing('only POSIX ACLs of Linux are checked');
  const file = nodePath.join(dir, 'file');
  writeAtomicSync(file, 'old', { mode: 0o640 });
  const set = spawnSync('setfacl', ['-m', 'u:65533:r', '--', file], { encoding: 'utf8' });
  if (set.error !== undefined) return missing('setfacl is not installed, so no ACL could be set');
  if (set.status !== 0) return missing(`no ACL can be set here: ${set.stderr.trim().split(': ').pop()}`);
  const list = () => spawnSync('getfacl', ['--numeric', '--omit-header', '--absolute-names', '--', file], { encoding: 'utf8' }).stdout;
  const before = list();
  const { preserved } = writeAtomicSync(file, 'new');
  return list() === before && preserved?.acl === true ? pass('an overwrite kept the entry of another user') : fail('an overwrite lost the ACL');
}

function resolver(): Outcome {
  const { resolver: found } = capabilities();
  if (found !== 'walk') return pass(`${found}: the kernel keeps paths beneath their root`);
  return missing(
    process.platform === 'linux'
      ? 'openat2 does not work (before Linux 5.6, or a seccomp filter): paths are walked by descriptor, which takes longer'
      : 'paths are walked by descriptor',
  );
}

function unnamedTemporaries(dir: string): Outcome {
  if (process.platform !== 'linux') return missing('there is no O_TMPFILE on this system: a temporary has a name from the start');
  const O_TMPFILE = 0o20000000 | fs.constants.O_DIRECTORY;
  try {
    fs.closeSync(fs.openSync(dir, O_TMPFILE | fs.constants.O_RDWR, 0o600));
    return pass('O_TMPFILE works here');
  } catch (error) {
    return missing(`O_TMPFILE answers ${(error as NodeJS.ErrnoException).code}: a temporary has a name from the start`);
  }
}

const CHECKS: { id: string; title: string; run: (dir: string) => Outcome | Promise<Outcome> }[] = [
  { id: 'resolver', title: 'paths are resolved by the kernel', run: resolver },
  { id: 'exact-mode', title: 'modes are exact, whatever the umask', run: exactMode },
  { id: 'tightening', title: 'an open directory becomes private', run: tightening },
  { id: 'old-or-new', title: 'a reader sees the old content or the new', run: oldOrNew },
  { id: 'sudden-death', title: 'a killed writer leaves a complete file', run: suddenDeath },
  { id: 'exclusive-creation', title: 'exclusive create has one winner', run: exclusiveCreation },
  { id: 'symlink-refusal', title: 'symbolic links do not lead out of a root', run: symlinkRefusal },
  { id: 'containment', title: 'a root contains calls while names are exchanged', run: containment },
  { id: 'outbound', title: 'a private file is not sent', run: outbound },
  { id: 'durability', title: 'success means synced', run: durability },
  { id: 'clean-up', title: 'a write that fails leaves no temporary', run: cleanUp },
  { id: 'locks', title: 'a lock has one holder', run: locks },
  { id: 'whole-records', title: 'records are never joined', run: wholeRecords },
  { id: 'acl-kept', title: 'an overwrite keeps the ACL', run: aclKept },
  { id: 'unnamed-temporaries', title: 'temporaries need no name', run: unnamedTemporaries },
];

export { CHECKS };
