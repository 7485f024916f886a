// stageAtomic: a temporary that the caller writes by path or handle, committed or aborted.
import * as fs from 'node:fs';
import { describe, expect, test } from 'vitest';
import { stageAtomic, writeAtomic, type StagedFile } from '../../../index.mjs';
import { outcome } from '../../helpers/forms.js';
import { build, scratch } from '../../helpers/scratch.js';

const TEMPORARY = /\/\.holdfast-[0-9a-v]{24}\.tmp$/;
const modeOf = (path: string): number => fs.statSync(path).mode & 0o7777;
const descriptors = (): number => fs.readdirSync('/proc/self/fd').length;

describe('a staged file', () => {
  test('is a private temporary beside the target until it is committed', async () => {
    const dir = scratch();
    build(dir, ['f 0640: old']);
    const staged = await stageAtomic(`${dir}/f`);
    expect(staged.tempPath).toMatch(TEMPORARY);
    expect(staged.tempPath.startsWith(`${dir}/`)).toBe(true);
    expect(modeOf(staged.tempPath)).toBe(0o600);
    await staged.handle.write('new content');
    expect(fs.readFileSync(`${dir}/f`, 'utf8')).toBe('old');
    const result = await staged.commit();
    const { dev, ino } = fs.statSync(`${dir}/f`);
    expect(result).toEqual({
      path: `${dir}/f`,
      created: false,
      size: 11,
      mode: 0o640,
      dev,
      ino,
      method: 'rename',
      durable: true,
      containment: 'none',
      preserved: { mode: true, acl: true, owner: true },
    });
    expect(fs.readFileSync(`${dir}/f`, 'utf8')).toBe('new content');
    expect(fs.readdirSync(dir)).toEqual(['f']);
    expect(staged.handle.fd).toBe(-1);
  });

  const makers: [how: string, make: (staged: StagedFile) => unknown][] = [
    ['by its handle', (staged) => staged.handle.writeFile('made')],
    ['by its handle, which is closed then', async ({ handle }) => (await handle.writeFile('made'), handle.close())],
    ['by its path', ({ tempPath }) => fs.writeFileSync(tempPath, 'made')],
    ['by another file renamed onto it', ({ tempPath }) => (fs.writeFileSync(`${tempPath}.part`, 'made'), fs.renameSync(`${tempPath}.part`, tempPath))],
    ['by removing it and making it anew', ({ tempPath }) => (fs.rmSync(tempPath), fs.writeFileSync(tempPath, 'made', { mode: 0o666 }))],
  ];

  test.each(makers)('may be made %s', async (_how, make) => {
    const dir = scratch();
    const staged = await stageAtomic(`${dir}/f`, { mode: 0o644 });
    await make(staged);
    expect(await staged.commit()).toMatchObject({ created: true, size: 4, mode: 0o644, preserved: null });
    expect(fs.readFileSync(`${dir}/f`, 'utf8')).toBe('made');
    expect(modeOf(`${dir}/f`)).toBe(0o644);
    expect(fs.readdirSync(dir)).toEqual(['f']);
  });

  test.each([undefined, 0o600, 0o755] as const)('gets mode %o whatever its maker gave it', async (mode) => {
    const dir = scratch();
    const staged = await stageAtomic(`${dir}/f`, { mode });
    fs.chmodSync(staged.tempPath, 0o4777);
    await staged.commit();
    expect(modeOf(`${dir}/f`)).toBe(mode ?? 0o644);
  });

  const spoiled: [what: string, code: string, spoil: (tempPath: string, dir: string) => void][] = [
    ['was removed', 'not-found', (temp) => fs.rmSync(temp)],
    ['is a link now', 'symlink', (temp, dir) => (fs.rmSync(temp), fs.symlinkSync(`${dir}/secret`, temp))],
    ['is a directory now', 'not-file', (temp) => (fs.rmSync(temp), fs.mkdirSync(temp))],
    ['has a second name', 'hardlink', (temp, dir) => fs.linkSync(temp, `${dir}/second`)],
  ];

  test.each(spoiled)('that %s is not published: %s', async (_what, code, spoil) => {
    const dir = scratch();
    build(dir, ['f: old', 'secret: secret']);
    const staged = await stageAtomic(`${dir}/f`);
    spoil(staged.tempPath, dir);
    const { error } = await outcome(() => staged.commit());
    expect(error).toMatchObject({ name: 'HoldfastError', code, path: `${dir}/f` });
    expect(error.message).toMatch(/staged/);
    expect(fs.readFileSync(`${dir}/f`, 'utf8')).toBe('old');
    expect(fs.readFileSync(`${dir}/secret`, 'utf8')).toBe('secret');
  });

  test('that is aborted leaves nothing, also after repeated aborts', async () => {
    const dir = scratch();
    build(dir, ['f: old']);
    const before = descriptors();
    const staged = await stageAtomic(`${dir}/f`);
    await staged.handle.write('new');
    await Promise.all([staged.abort(), staged.abort()]);
    await staged.abort();
    expect(fs.readdirSync(dir)).toEqual(['f']);
    expect(fs.readFileSync(`${dir}/f`, 'utf8')).toBe('old');
    expect(descriptors()).toBe(before);
    expect((await outcome(() => staged.commit())).error).toMatchObject({ code: 'ERR_INVALID_STATE' });
  });

  test('is aborted when it goes out of scope, and not when it was committed', async () => {
    const dir = scratch();
    {
      const staged = await stageAtomic(`${dir}/given-up`);
      await staged[Symbol.asyncDispose]();
    }
    const staged = await stageAtomic(`${dir}/kept`);
    await staged.commit();
    await staged[Symbol.asyncDispose]();
    expect(fs.readdirSync(dir)).toEqual(['kept']);
    expect((await outcome(() => staged.commit())).error).toMatchObject({ code: 'ERR_INVALID_STATE' });
  });

  test('is aborted only after a commit that is under way, which goes through', async () => {
    const dir = scratch();
    const staged = await stageAtomic(`${dir}/f`);
    await staged.handle.write('content');
    const [committed] = await Promise.all([staged.commit(), staged.abort()]);
    expect(committed).toMatchObject({ size: 7 });
    expect(fs.readFileSync(`${dir}/f`, 'utf8')).toBe('content');
  });

  test('enters the queue when it is committed', async () => {
    const dir = scratch();
    const staged = await stageAtomic(`${dir}/f`);
    await staged.handle.write('staged');
    const calls = [writeAtomic(`${dir}/f`, 'before'), staged.commit(), writeAtomic(`${dir}/f`, 'after')];
    await calls[1];
    const results = await Promise.all(calls);
    expect(results.map(({ created }) => created)).toEqual([true, false, false]);
    expect(fs.readFileSync(`${dir}/f`, 'utf8')).toBe('after');
  });

  test('whose target may not be replaced is refused before anything is made', async () => {
    const dir = scratch();
    build(dir, ['dir/', 'link => nowhere', 'taken: x']);
    for (const [name, options, code] of [
      ['dir', {}, 'not-file'],
      ['link', {}, 'symlink'],
      ['taken', { overwrite: false }, 'already-exists'],
      ['missing/f', {}, 'not-found'],
    ] as const) {
      const { error } = await outcome(() => stageAtomic(`${dir}/${name}`, options));
      expect(error, name).toMatchObject({ name: 'HoldfastError', code, path: `${dir}/${name}` });
    }
    expect(fs.readdirSync(dir).sort()).toEqual(['dir', 'link', 'taken']);
  });

  test('whose target was taken since is refused, with overwrite: false, and gone', async () => {
    const dir = scratch();
    const staged = await stageAtomic(`${dir}/f`, { overwrite: false });
    fs.writeFileSync(`${dir}/f`, 'first');
    expect((await outcome(() => staged.commit())).error).toMatchObject({ code: 'already-exists' });
    expect(fs.readdirSync(dir)).toEqual(['f']);
    expect(fs.readFileSync(`${dir}/f`, 'utf8')).toBe('first');
  });

  test('whose signal is aborted is not committed', async () => {
    const dir = scratch();
    const controller = new AbortController();
    const staged = await stageAtomic(`${dir}/f`, { signal: controller.signal });
    const reason = new Error('enough');
    controller.abort(reason);
    expect((await outcome(() => staged.commit())).error).toBe(reason);
    await staged.abort();
    expect(fs.readdirSync(dir)).toEqual([]);
    expect((await outcome(() => stageAtomic(`${dir}/f`, { signal: controller.signal }))).error).toBe(reason);
  });

  test('beneath a root stays beneath it', async () => {
    const dir = scratch();
    build(dir, ['root/', 'outside/', 'root/link => ../outside']);
    const staged = await stageAtomic('new/f', { root: `${dir}/root`, mkdir: true });
    await staged.handle.write('x');
    expect(await staged.commit()).toMatchObject({ path: `${dir}/root/new/f`, containment: 'kernel' });
    expect((await outcome(() => stageAtomic('link/f', { root: `${dir}/root` }))).error).toMatchObject({ code: 'symlink' });
    expect((await outcome(() => stageAtomic('../outside/f', { root: `${dir}/root` }))).error).toMatchObject({ code: 'outside-workspace' });
    expect(fs.readdirSync(`${dir}/outside`)).toEqual([]);
  });

  test('leaves no descriptor, whatever its outcome', async () => {
    const dir = scratch();
    await (await stageAtomic(`${dir}/warm-up`)).commit();
    const before = descriptors();
    for (let count = 0; count < 50; count++) {
      await (await stageAtomic(`${dir}/f`)).commit();
      await (await stageAtomic(`${dir}/f`)).abort();
      const spoiled = await stageAtomic(`${dir}/f`);
      fs.rmSync(spoiled.tempPath);
      await outcome(() => spoiled.commit());
    }
    expect(descriptors()).toBe(before);
    expect(fs.readdirSync(dir).sort()).toEqual(['f', 'warm-up']);
  });
});
