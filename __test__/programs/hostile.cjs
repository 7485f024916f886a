// Makes, uses and records the directories of the hostile matrix, in its environment:
//   hostile.cjs keep BASE UID DIRS   as root, for each line of its input: `build` makes these directories, a JSON array with
//                                    one for each cell, owned by this user; `look FILE` writes what is beneath BASE to a file
//   hostile.cjs run PACKAGE BASE     calls each cell that has a directory, in turn, and prints its outcome
'use strict';

const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { createInterface } = require('node:readline');
const { CELLS, STALE } = require('./hostile-columns.cjs');

const OTHER = 1001;
const OTHER_GROUP = 1002;

function build(base, uid, names) {
  fs.mkdirSync(base, { recursive: true });
  const own = (at, mode, user = uid, group = uid) => {
    fs.chownSync(at, user, group);
    fs.chmodSync(at, mode);
  };
  const file = (at, mode, user, group) => {
    fs.writeFileSync(at, 'old');
    own(at, mode, user, group);
  };
  const dirs = names.map((name) => path.join(base, name));
  for (const dir of dirs) {
    for (const [name, mode] of [['', 0o755], ['sub', 0o755], ['private', 0o700], ['open', 0o755], ['odd', 0o705], ['aclDir', 0o755]]) {
      fs.mkdirSync(path.join(dir, name), { recursive: true });
      own(path.join(dir, name), mode);
    }
    for (const [name, mode, user, group] of [
      ['old', 0o640], ['narrow', 0o604], ['acl', 0o640], ['negative', 0o644], ['group', 0o660, uid, OTHER_GROUP], ['foreign', 0o640, OTHER, OTHER], ['sub/file', 0o640],
    ]) {
      file(path.join(dir, name), mode, user, group);
    }
    file(path.join(dir, STALE), 0o600);
    fs.utimesSync(path.join(dir, STALE), 1, 1);
    for (const [name, target] of [['link', 'old'], ['dirlink', 'sub']]) {
      fs.symlinkSync(target, path.join(dir, name));
      fs.lchownSync(path.join(dir, name), uid, uid);
    }
  }
  const acl = (name, ...entries) => execFileSync('setfacl', [...entries, '--', ...dirs.map((dir) => path.join(dir, name))]);
  acl('acl', '-m', `u:${OTHER}:r,g::-,m::r`);
  acl('negative', '-m', `u:${OTHER}:-`);
  acl('aclDir', '-d', '-m', `u:${OTHER}:rwx,g::rx,o::rx,m::rwx`);
}

/** Returns an error as JSON, and whether its shape is one of the contract's. */
function toPlain(error, holdfast) {
  const { name, code, message, errno, syscall } = error ?? {};
  const isTyped = holdfast.isHoldfastError(error) || (typeof errno === 'number' && typeof syscall === 'string');
  return { name, code, message, isTyped };
}

async function run(folder, base) {
  const holdfast = require(folder);
  const report = {};
  const made = new Set(fs.readdirSync(base));
  for (const { dir, call, how } of CELLS.filter(({ dir }) => made.has(dir))) {
    const at = (name) => path.join(base, dir, name);
    try {
      const value = await call(holdfast, at, how);
      report[dir] = { value: value?.buffer ? { ...value, buffer: undefined, stat: undefined, content: value.buffer.toString() } : value };
    } catch (error) {
      report[dir] = { error: toPlain(error, holdfast) };
    }
  }
  return report;
}

/**
 * Returns everything beneath a directory, and the directory. Follows no symlinks, which readdir with `recursive` does.
 */
function everything(at) {
  return [at, ...(fs.lstatSync(at).isDirectory() ? fs.readdirSync(at).flatMap((name) => everything(path.join(at, name))) : [])];
}

function look(base) {
  const seen = {};
  for (const at of everything(base)) {
    const stat = fs.lstatSync(at);
    const kind = stat.isFile() ? 'file' : stat.isDirectory() ? 'directory' : 'link';
    seen[path.relative(base, at)] = { kind, mode: stat.mode & 0o7777, uid: stat.uid, gid: stat.gid, acl: [], ...(kind === 'file' && stat.size < 1000 ? { content: fs.readFileSync(at, 'utf8') } : {}) };
  }
  const listed = execFileSync('getfacl', ['-R', '-P', '-n', '-p', '-E', '--', base], { encoding: 'utf8', maxBuffer: 1 << 26 });
  for (const block of listed.split('\n\n').filter(Boolean)) {
    const [first, ...lines] = block.split('\n');
    const entries = lines.filter((line) => line !== '' && !line.startsWith('#'));
    const at = path.relative(base, first.replace(/^# file: /, ''));
    if (at in seen) seen[at].acl = entries;
  }
  return seen;
}

/** Executes the lines one after another, and confirms each. */
async function keep(base, uid, dirs) {
  for await (const line of createInterface({ input: process.stdin })) {
    const [word, file] = line.split(' ');
    if (word === 'build') build(base, Number(uid), JSON.parse(dirs));
    else fs.writeFileSync(file, JSON.stringify(look(base)));
    fs.writeSync(1, 'done\n');
  }
}

const [command, ...args] = process.argv.slice(2);
const commands = { keep, run };
commands[command](...args).then((answer) => {
  if (answer !== undefined) fs.writeSync(1, JSON.stringify(answer));
});
