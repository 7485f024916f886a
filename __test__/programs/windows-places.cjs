'use strict';

// Checks of directories, roots, links and the rest, for windows.cjs.

const assert = require('node:assert/strict');
const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');

/** @param {{ check: Function, holdfast: any, isWine: boolean, refusedWith: Function }} tools */
module.exports = ({ check, holdfast, isWine, refusedWith }) => {
  check('missing parents are made', async (dir) => {
    const file = path.join(dir, 'a', 'b', 'c');
    await holdfast.writeAtomic(file, 'x', { mkdir: true });
    assert.equal(fs.readFileSync(file, 'utf8'), 'x');
  });

  check('directories are made, and say the truth about privacy', async (dir) => {
    const made = await holdfast.ensureDir(path.join(dir, 'a', 'b'), { existing: 'leave' });
    assert.equal(made.hardening, 'created');
    assert.equal(made.mode, 0o666);
    assert.equal(made.firstCreated, path.join(dir, 'a'));
    assert.equal(fs.statSync(path.join(dir, 'a', 'b')).isDirectory(), true);
    const again = holdfast.ensureDirSync(path.join(dir, 'a', 'b'), { existing: 'leave' });
    assert.equal(again.hardening, made.isPrivate ? 'not-needed' : 'left');
    assert.equal(again.firstCreated, undefined);
    assert.equal(again.isPrivate, made.isPrivate);
    const tightened = await holdfast.ensureDir(path.join(dir, 'a', 'b'));
    assert.equal(tightened.hardening, made.isPrivate ? 'not-needed' : 'left');
    assert.equal(tightened.reason, made.isPrivate ? undefined : 'ENOTSUP');
    const required = () => holdfast.ensureDir(path.join(dir, 'a'), { existing: 'require' });
    if (made.isPrivate) assert.equal((await required()).isPrivate, true);
    else await refusedWith('insecure-permissions', required);
  });

  check('a directory is private by its ACL', async (dir) => {
    // Wine derives ACLs from modes, which no program under Wine can change: the caller provides a folder of mode 0700.
    const folder = isWine ? process.env.HOLDFAST_PRIVATE_FOLDER : path.join(dir, 'private');
    if (folder === undefined) return 'not here: no HOLDFAST_PRIVATE_FOLDER';
    if (!isWine) {
      fs.mkdirSync(folder);
      execFileSync('icacls', [folder, '/inheritance:r', '/grant:r', `${os.userInfo().username}:(OI)(CI)F`]);
    }
    for (const existing of ['tighten', 'require', 'leave']) {
      const { isPrivate, hardening, reason } = await holdfast.ensureDir(folder, { existing });
      assert.deepEqual({ isPrivate, hardening, reason }, { isPrivate: true, hardening: 'not-needed', reason: undefined });
    }
    const file = path.join(folder, 'f');
    holdfast.writeAtomicSync(file, '1');
    const { preserved } = holdfast.writeAtomicSync(file, '2');
    assert.deepEqual(preserved, { mode: true, acl: true, owner: true });
    fs.rmSync(file);
  });

  check('many callers make one deep path', async (dir) => {
    const deep = path.join(dir, 'a', 'b', 'c', 'd', 'e');
    const answers = await Promise.all(Array.from({ length: 64 }, () => holdfast.ensureDir(deep, { existing: 'leave' })));
    assert.ok(answers.length === 64 && fs.statSync(deep).isDirectory());
  });

  check('a root keeps paths beneath it', async (dir) => {
    const base = path.join(dir, 'root');
    fs.mkdirSync(path.join(base, 'sub'), { recursive: true });
    fs.writeFileSync(path.join(dir, 'secret'), 's');
    fs.writeFileSync(path.join(base, 'sub', 'f'), 'f');
    for (const symlinks of ['reject', 'follow-within-root', 'follow-parents']) {
      const root = await holdfast.openRoot(base, { symlinks });
      const { buffer, containment, realPath } = await root.read('sub\\f');
      assert.equal(buffer.toString(), 'f');
      assert.equal(containment, 'walk');
      assert.equal(realPath.toLowerCase(), path.join(fs.realpathSync.native(base), 'sub', 'f').toLowerCase());
      assert.equal(root.readSync(path.join(base, 'sub', 'f')).buffer.toString(), 'f');
      for (const outside of ['..\\secret', '../secret', 'sub\\..\\..\\secret', path.join(dir, 'secret'), 'C:\\Windows\\win.ini', '\\secret']) {
        await refusedWith('outside-workspace', () => root.read(outside));
        await refusedWith('outside-workspace', () => root.writeAtomic(outside, 'x'));
        await refusedWith('outside-workspace', () => root.ensureDir(outside));
      }
      await refusedWith('invalid-path', () => root.read('\\\\?\\C:\\x'));
      await root.writeAtomic('new\\g', 'g', { mkdir: true });
      assert.equal(fs.readFileSync(path.join(base, 'new', 'g'), 'utf8'), 'g');
      fs.rmSync(path.join(base, 'new'), { recursive: true });
      assert.equal((await root.ensureDir('d/e', { existing: 'leave' })).firstCreated, 'd');
      fs.rmSync(path.join(base, 'd'), { recursive: true });
      root.close();
      await refusedWith('root-closed', () => root.read('sub\\f'));
    }
    assert.equal(fs.readFileSync(path.join(dir, 'secret'), 'utf8'), 's');
    assert.equal((await holdfast.readLocalFileSafely('sub/f', { root: base })).buffer.toString(), 'f');
  });

  check('links are refused on the way and at the end, or followed as the policy says', async (dir) => {
    const [base, outside] = [path.join(dir, 'root'), path.join(dir, 'outside')];
    fs.mkdirSync(path.join(base, 'real'), { recursive: true });
    fs.mkdirSync(outside);
    fs.writeFileSync(path.join(outside, 'f'), 'outside');
    fs.writeFileSync(path.join(base, 'real', 'f'), 'inside');
    try {
      fs.symlinkSync(outside, path.join(base, 'junction'), 'junction');
    } catch (error) {
      if (isWine && error.code === 'ENOTSUP') return 'not here: this Wine has no reparse points';
      throw error;
    }
    assert.equal(fs.readFileSync(path.join(base, 'junction', 'f'), 'utf8'), 'outside');
    const root = await holdfast.openRoot(base);
    await refusedWith('symlink', () => root.read('junction\\f'));
    await refusedWith('symlink', () => root.writeAtomic('junction\\g', ''));
    await refusedWith('symlink', () => root.ensureDir('junction\\d'));
    await refusedWith('symlink', () => root.ensureDir('junction'));
    root.close();
    const following = await holdfast.openRoot(base, { symlinks: 'follow-within-root' });
    await refusedWith('outside-workspace', () => following.read('junction\\f'));
    following.close();
    assert.deepEqual(fs.readdirSync(outside), ['f']);
    assert.equal((await holdfast.readLocalFileSafely(path.join(base, 'junction', 'f'))).buffer.toString(), 'outside');
    await refusedWith('symlink', () => holdfast.readLocalFileSafely(path.join(base, 'junction', 'f'), { symlinks: 'reject' }));
  });

  check('an open gives a handle on the very file', async (dir) => {
    const file = path.join(dir, 'f');
    fs.writeFileSync(file, 'abc');
    const { handle, stat } = await holdfast.openLocalFileSafely(file);
    assert.equal((await handle.readFile()).toString(), 'abc');
    assert.equal((await handle.stat()).ino, stat.ino);
    await handle.close();
  });

  check('a staged file is written by its path, and published or given up', async (dir) => {
    const file = path.join(dir, 'f');
    const staged = await holdfast.stageAtomic(file);
    assert.equal(path.dirname(staged.tempPath).toLowerCase(), fs.realpathSync.native(dir).toLowerCase());
    fs.writeFileSync(staged.tempPath, 'staged');
    assert.equal(fs.existsSync(file), false);
    const { size, created } = await staged.commit();
    assert.deepEqual({ size, created }, { size: 6, created: true });
    assert.equal(fs.readFileSync(file, 'utf8'), 'staged');
    const given = await holdfast.stageAtomic(file);
    await given.handle.writeFile('never');
    await given.abort();
    assert.equal(fs.readFileSync(file, 'utf8'), 'staged');
    assert.deepEqual(fs.readdirSync(dir), ['f']);
  });

  check('stale temporaries are removed, live ones are not', async (dir) => {
    const stale = path.join(dir, `.holdfast-${'0'.repeat(32)}.tmp`);
    fs.writeFileSync(stale, '');
    fs.writeFileSync(path.join(dir, '.holdfast-mine.tmp'), '');
    const staged = await holdfast.stageAtomic(path.join(dir, 'f'));
    const removed = await holdfast.cleanStaleTemporaries(dir, { olderThanMs: 0 });
    assert.deepEqual(removed.map((name) => path.basename(name)), [path.basename(stale)]);
    assert.equal(fs.existsSync(staged.tempPath), true);
    await staged.abort();
    assert.deepEqual(fs.readdirSync(dir), ['.holdfast-mine.tmp']);
  });

  check('nothing stays open', async (dir) => {
    const file = path.join(dir, 'f');
    for (let round = 0; round < 300; round += 1) {
      await holdfast.writeAtomic(file, `${round}`, { durable: false });
      await holdfast.readLocalFileSafely(file);
      holdfast.readLocalFileSafelySync(file);
      await holdfast.ensureDir(dir, { existing: 'leave' });
      await holdfast.readLocalFileSafely(path.join(dir, 'missing')).catch(() => {});
    }
    fs.rmSync(file);
    fs.rmdirSync(dir);
    assert.equal(fs.existsSync(dir), false);
  });
};
