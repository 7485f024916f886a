// The columns of the hostile matrix: the calls, and their objects in a directory that hostile.cjs has made.
//
// - `sets`: names that have new content after a success.
// - `mode`: their mode then, if the call or the contract determines it.
// - `appends`: a name that has a record more after a success, and is otherwise as before.
// - `exact`: the option `mode` determines it, and an ACL may not add to it.
// - `moves`, `copies`: old and new names. A moved object stays as it was; a copy has its content, and gives no user more.
//
// All other objects in the directory must stay unchanged.
'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');

const both = ['sync', 'async'];
const STALE = `.holdfast-${'0'.repeat(32)}.tmp`;

/** Returns a verb in one of its forms. */
const verb = (holdfast, how, name) => (how === 'sync' ? holdfast[`${name}Sync`] : holdfast[name]);
const read = (name, options) => (holdfast, at, how) => verb(holdfast, how, 'readLocalFileSafely')(at(name), options?.(at));
const write = (name, options) => (holdfast, at, how) => verb(holdfast, how, 'writeAtomic')(at(name), 'new', options?.(at));
const ensure = (name, options) => (holdfast, at, how) => verb(holdfast, how, 'ensureDir')(at(name), options?.(at));
const append = (name) => (holdfast, at, how) => verb(holdfast, how, 'appendRecord')(at(name), 'new', { durable: false });
const stream = (name) => (holdfast, at) => holdfast.writeAtomic(at(name), pieces());
const given = (options) => () => options;

async function* pieces() {
  yield 'n';
  yield 'ew';
}

/** Returns a method of a root, in one of its forms. */
const onRoot =
  (name, ...args) =>
  async (holdfast, at, how) => {
    const root = how === 'sync' ? holdfast.openRootSync(at('.')) : await holdfast.openRoot(at('.'));
    try {
      return await root[how === 'sync' ? `${name}Sync` : name](...args);
    } finally {
      root.close();
    }
  };

/** Calls methods of a root that only look, and returns the content of a file. */
async function lookAround(holdfast, at, how) {
  const method = (name, ...args) => onRoot(name, ...args)(holdfast, at, how);
  const names = fs.readdirSync(at('.')).sort();
  assert.deepEqual((await method('list')).map(({ name }) => name), names);
  assert.deepEqual((await method('list', '.', { stat: true })).map(({ name, stat }) => [name, stat.ino]), names.map((name) => [name, fs.lstatSync(at(name)).ino]));
  assert.equal(await method('readlink', 'link'), 'old');
  assert.equal(await method('exists', 'none'), false);
  assert.equal((await method('lstat', 'link')).isSymbolicLink(), true);
  assert.equal((await method('stat', 'sub/file')).ino, fs.statSync(at('sub/file')).ino);
  return { content: await method('readText', 'old') };
}

async function walkAround(holdfast, at) {
  const root = await holdfast.openRoot(at('.'));
  try {
    const found = [];
    for await (const { path, stat } of root.walk('.', { stat: true })) found.push([path, stat.ino]);
    found.sort();
    assert.deepEqual(found, fs.readdirSync(at('.'), { recursive: true }).filter((name) => !name.startsWith('dirlink/')).map((name) => [name, fs.lstatSync(at(name)).ino]).sort());
    return { content: await root.readText('sub/file') };
  } finally {
    root.close();
  }
}

/** Reads through a root beneath a root, which outlives it. */
async function readBeneath(holdfast, at, how) {
  const root = how === 'sync' ? holdfast.openRootSync(at('.')) : await holdfast.openRoot(at('.'));
  const sub = how === 'sync' ? root.openRootSync('sub') : await root.openRoot('sub');
  root.close();
  try {
    return how === 'sync' ? sub.readSync('file') : await sub.read('file');
  } finally {
    sub.close();
  }
}

async function stageBeneath(holdfast, at) {
  const root = await holdfast.openRoot(at('.'));
  try {
    const file = await root.stage('old');
    try {
      await file.handle.writeFile('new');
      return await file.commit();
    } finally {
      await file.abort();
    }
  } finally {
    root.close();
  }
}

async function useTempRoot(holdfast, at) {
  const work = await holdfast.openTempRoot({ parent: at('private') });
  try {
    await work.root.writeAtomic('f', 'old');
    return await work.root.read('f');
  } finally {
    await work.remove();
  }
}

async function openAndRead(holdfast, at) {
  const { handle, realPath, stat, containment } = await holdfast.openLocalFileSafely(at('old'));
  try {
    return { buffer: await handle.readFile(), realPath, stat, containment };
  } finally {
    await handle.close();
  }
}

const staged = (name) => async (holdfast, at) => {
  const file = await holdfast.stageAtomic(at(name));
  try {
    await file.handle.writeFile('new');
    return await file.commit();
  } finally {
    await file.abort();
  }
};

/** Returns the results of many writes, which must all succeed. */
async function all(settled) {
  const failed = (await settled).find(({ status }) => status === 'rejected');
  if (failed) throw failed.reason;
  return (await settled).map(({ value }) => value);
}

const manyOf = (at, names) => names.map((name) => ({ file: at(name), data: 'new' }));

const COLUMNS = [
  { name: 'read', call: read('old'), reads: true },
  { name: 'read a file of mode 0604', call: read('narrow'), reads: true },
  { name: 'read a link, within a root', call: read('link', (at) => ({ root: at('.'), symlinks: 'follow-within-root' })), reads: true },
  { name: 'read a link, trusted', call: read('link', given({ symlinks: 'follow-trusted' })), reads: true },
  { name: 'read through a linked directory', call: read('dirlink/file'), reads: true },
  { name: 'read through a linked directory, trusted', call: read('dirlink/file', given({ symlinks: 'follow-trusted' })), reads: true },
  { name: 'read with a root', call: read('old', (at) => ({ root: at('.') })), reads: true },
  { name: 'Root.read', call: onRoot('read', 'old'), reads: true },
  { name: 'open', forms: ['async'], call: openAndRead, reads: true },
  { name: 'write a new file', call: write('new'), sets: ['new'], mode: 0o644 },
  { name: 'write over', call: write('old'), sets: ['old'] },
  { name: 'write over, not durable', call: write('old', given({ durable: false })), sets: ['old'] },
  { name: 'write over mode 0604', call: write('narrow'), sets: ['narrow'] },
  { name: 'write over an ACL', call: write('acl'), sets: ['acl'] },
  { name: 'write over a negative ACL entry', call: write('negative'), sets: ['negative'] },
  { name: 'write over another group’s', call: write('group'), sets: ['group'] },
  { name: 'write over another user’s', call: write('foreign'), sets: ['foreign'] },
  { name: 'write over an ACL with mode', call: write('acl', given({ mode: 0o640 })), sets: ['acl'], exact: true, mode: 0o640 },
  { name: 'write over another user’s with mode', call: write('foreign', given({ mode: 0o600 })), sets: ['foreign'], exact: true, mode: 0o600 },
  { name: 'write over mode 0604 with mode 0604', call: write('narrow', given({ mode: 0o604 })), sets: ['narrow'], exact: true, mode: 0o604 },
  { name: 'write into a default ACL', call: write('aclDir/new'), sets: ['aclDir/new'] },
  { name: 'write into a default ACL with mode', call: write('aclDir/new', given({ mode: 0o640 })), sets: ['aclDir/new'], exact: true, mode: 0o640 },
  { name: 'create exclusively', call: write('new', given({ overwrite: false })), sets: ['new'], mode: 0o644 },
  { name: 'create exclusively what is there', call: write('old', given({ overwrite: false })), fails: 'already-exists' },
  { name: 'write with mkdir', call: write('a/b/new', given({ mkdir: true })), sets: ['a/b/new'], makes: ['a', 'a/b'], mode: 0o644 },
  { name: 'write where a link leads', call: write('link', given({ finalSymlink: 'follow' })), sets: ['old'] },
  { name: 'write where a link leads, trusted', call: write('link', given({ finalSymlink: 'follow', symlinks: 'follow-trusted' })), sets: ['old'] },
  { name: 'write in the place of a link', call: write('link', given({ finalSymlink: 'replace' })), sets: ['link'], mode: 0o644 },
  { name: 'write through a linked directory', call: write('dirlink/file'), sets: ['sub/file'] },
  { name: 'write with a root', call: write('old', (at) => ({ root: at('.') })), sets: ['old'] },
  { name: 'stream a new file', forms: ['async'], call: stream('new'), sets: ['new'], mode: 0o644 },
  { name: 'stream over', forms: ['async'], call: stream('old'), sets: ['old'] },
  { name: 'stream over an ACL', forms: ['async'], call: stream('acl'), sets: ['acl'] },
  { name: 'stream over another user’s', forms: ['async'], call: stream('foreign'), sets: ['foreign'] },
  { name: 'write many', forms: ['async'], call: (holdfast, at) => all(holdfast.writeAtomicMany(manyOf(at, ['new', 'old', 'narrow', 'acl']))), sets: ['new', 'old', 'narrow', 'acl'] },
  { name: 'stage a new file', forms: ['async'], call: staged('new'), sets: ['new'], mode: 0o644 },
  { name: 'stage over', forms: ['async'], call: staged('old'), sets: ['old'] },
  { name: 'stage over an ACL', forms: ['async'], call: staged('acl'), sets: ['acl'] },
  { name: 'Root.writeAtomic of a new file', call: onRoot('writeAtomic', 'new', 'new'), sets: ['new'], mode: 0o644 },
  { name: 'Root.writeAtomic', call: onRoot('writeAtomic', 'old', 'new'), sets: ['old'] },
  { name: 'Root.writeAtomic over an ACL', call: onRoot('writeAtomic', 'acl', 'new'), sets: ['acl'] },
  { name: 'Root.writeAtomicMany', forms: ['async'], call: async (...args) => all(onRoot('writeAtomicMany', manyOf((name) => name, ['new', 'old']))(...args)), sets: ['new', 'old'] },
  { name: 'make a directory', call: ensure('a/b'), makes: ['a', 'a/b'], private: 'a/b' },
  { name: 'make a directory in a default ACL', call: ensure('aclDir/made'), makes: ['aclDir/made'], private: 'aclDir/made' },
  { name: 'tighten', call: ensure('open'), tightens: 'open', private: 'open' },
  { name: 'tighten mode 0705', call: ensure('odd'), tightens: 'odd', private: 'odd' },
  { name: 'tighten what is private', call: ensure('private'), private: 'private' },
  { name: 'require', call: ensure('open', given({ existing: 'require' })), tightens: 'open', private: 'open' },
  { name: 'require what is private', call: ensure('private', given({ existing: 'require' })), private: 'private' },
  { name: 'leave', call: ensure('open', given({ existing: 'leave' })) },
  { name: 'tighten with a root', call: ensure('open', (at) => ({ root: at('.') })), tightens: 'open', private: 'open' },
  { name: 'Root.ensureDir', call: onRoot('ensureDir', 'a/b'), makes: ['a', 'a/b'], private: 'a/b' },
  { name: 'Root: list, stat, lstat, exists, readlink, readText', call: lookAround, reads: true },
  { name: 'Root: walk', forms: ['async'], call: walkAround, reads: true },
  { name: 'Root: openRoot', call: readBeneath, reads: true },
  { name: 'Root: openTempRoot', forms: ['async'], call: useTempRoot, reads: true },
  { name: 'Root: stage', forms: ['async'], call: stageBeneath, sets: ['old'] },
  { name: 'Root: rename', call: onRoot('rename', 'old', 'moved'), moves: { old: 'moved' } },
  { name: 'Root: rename with an ACL', call: onRoot('rename', 'acl', 'sub/moved'), moves: { acl: 'sub/moved' } },
  { name: 'Root: rename onto what is there', call: onRoot('rename', 'old', 'narrow'), fails: 'already-exists' },
  { name: 'Root: rename a directory', call: onRoot('rename', 'sub', 'private/moved'), moves: { sub: 'private/moved', 'sub/file': 'private/moved/file' } },
  { name: 'Root: copy', call: onRoot('copy', 'old', 'copied'), copies: { old: 'copied' } },
  { name: 'Root: copy an ACL', call: onRoot('copy', 'acl', 'copied'), copies: { acl: 'copied' } },
  { name: 'Root: copy over', call: onRoot('copy', 'old', 'acl', { overwrite: true }), copies: { old: 'acl' } },
  { name: 'Root: copy into a default ACL', call: onRoot('copy', 'old', 'aclDir/copied'), copies: { old: 'aclDir/copied' } },
  { name: 'Root: copy a tree', call: onRoot('copy', 'sub', 'copied', { recursive: true }), copies: { sub: 'copied', 'sub/file': 'copied/file' } },
  { name: 'Root: copyIn', call: (holdfast, at, how) => onRoot('copyIn', at('old'), 'copied')(holdfast, at, how), copies: { old: 'copied' } },
  { name: 'append', call: append('old'), appends: 'old' },
  { name: 'append over mode 0604', call: append('narrow'), appends: 'narrow' },
  { name: 'append over an ACL', call: append('acl'), appends: 'acl' },
  { name: 'append to a new file', forms: ['async'], call: (holdfast, at) => holdfast.appendRecord(at('sub/log'), 'new'), makes: ['sub/log'] },
  { name: 'Root.appendRecord', call: onRoot('appendRecord', 'old', 'new', { durable: false }), appends: 'old' },
  { name: 'update', forms: ['async'], call: (holdfast, at) => holdfast.updateAtomic(at('old'), () => 'new'), sets: ['old'] },
  { name: 'update an ACL', forms: ['async'], call: (holdfast, at) => holdfast.updateAtomic(at('acl'), () => 'new'), sets: ['acl'] },
  { name: 'lock', forms: ['async'], call: (holdfast, at) => holdfast.withLock(at('old'), () => ({})) },
  { name: 'lock, shared', forms: ['async'], call: (holdfast, at) => holdfast.withLock(at('old'), () => ({}), { shared: true }) },
  // From here on: on a full file system they free a block.
  { name: 'Root: rename over', call: onRoot('rename', 'old', 'narrow', { overwrite: true }), moves: { old: 'narrow' } },
  { name: 'Root: remove', call: onRoot('remove', 'old'), removes: ['old'] },
  { name: 'Root: remove a link', call: onRoot('remove', 'link'), removes: ['link'] },
  { name: 'Root: remove a tree', call: onRoot('remove', 'sub', { recursive: true }), removes: ['sub', 'sub/file'] },
  { name: 'clean', forms: ['async'], call: async (holdfast, at) => ({ removed: await holdfast.cleanStaleTemporaries(at('.'), { olderThanMs: 0 }) }), removes: [STALE] },
];

/** The cells of one row: each column in each of its forms, with a directory each. */
const CELLS = COLUMNS.flatMap((column, index) => (column.forms ?? both).map((how) => ({ ...column, how, dir: `${index}-${how}`, title: `${column.name} (${how})` })));

module.exports = { CELLS, STALE };
