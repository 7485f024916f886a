// cleanStaleTemporaries removes holdfast's own names, by owner and age, and no temporary in use.
import * as fs from 'node:fs';
import { describe, expect, test } from 'vitest';
import { cleanStaleTemporaries, stageAtomic, writeAtomic } from '../../../index.mjs';
import { outcome } from '../../helpers/forms.js';
import { build, scratch } from '../../helpers/scratch.js';

const HEX = '0123456789abcdef0123456789abcdef';
const NAME = '.holdfast-0123456789abcdefghijklmv.tmp';

describe('what killed processes left', () => {
  test('is removed, and its path returned', async () => {
    const dir = scratch();
    const other = `.holdfast-${HEX}.tmp`;
    build(dir, [`${NAME}: half`, `${other}: half`, 'kept: content']);
    expect((await cleanStaleTemporaries(dir, { olderThanMs: 0 })).sort()).toEqual([`${dir}/${NAME}`, `${dir}/${other}`].sort());
    expect(fs.readdirSync(dir)).toEqual(['kept']);
    expect(await cleanStaleTemporaries(dir, { olderThanMs: 0 })).toEqual([]);
  });

  test.each([
    `.holdfast-${HEX}.recovery`,
    `.holdfast-${HEX}.tmp~`,
    `.holdfast-${HEX.slice(1)}.tmp`,
    `.holdfast-${HEX}0.tmp`,
    `.holdfast-${HEX.toUpperCase()}.tmp`,
    `.holdfast-${HEX.slice(1)}g.tmp`,
    `.holdfast-0123456789abcdefghijklmw.tmp`,
    `.holdfast-0123456789abcdefghijklmv.lock`,
    `x${NAME}`,
    `x.holdfast-${HEX}.tmp`,
    `holdfast-${HEX}.tmp`,
    `.holdfast-.tmp`,
  ])('is known by its whole name: %s stays', async (name) => {
    const dir = scratch();
    build(dir, [`${name}: content`]);
    expect(await cleanStaleTemporaries(dir, { olderThanMs: 0 })).toEqual([]);
    expect(fs.readdirSync(dir)).toEqual([name]);
  });

  test('is a link, too, which a copy makes before it replaces something; what the link leads to stays', async () => {
    const dir = scratch();
    build(dir, ['kept: content', `${NAME} => kept`]);
    expect(await cleanStaleTemporaries(dir, { olderThanMs: 60_000 })).toEqual([]);
    expect(await cleanStaleTemporaries(dir, { olderThanMs: 0 })).toEqual([`${dir}/${NAME}`]);
    expect(fs.readdirSync(dir)).toEqual(['kept']);
  });

  test.each([`${NAME}/f: content`, `${NAME} |`, `${NAME} @`])('is a file, a link or an empty directory: %s stays', async (line) => {
    const dir = scratch();
    build(dir, ['kept: content', line]);
    expect(await cleanStaleTemporaries(dir, { olderThanMs: 0 })).toEqual([]);
    expect(fs.readdirSync(dir)).toEqual([NAME, 'kept']);
  });

  test('is not looked for beneath the directory', async () => {
    const dir = scratch();
    build(dir, [`below/${NAME}: half`]);
    expect(await cleanStaleTemporaries(dir, { olderThanMs: 0 })).toEqual([]);
    expect(fs.readdirSync(`${dir}/below`)).toEqual([NAME]);
  });

  test('has to be old enough: an old time of writing alone does not make it so', async () => {
    const dir = scratch();
    build(dir, [`${NAME}: half`]);
    fs.utimesSync(`${dir}/${NAME}`, 0, 0);
    expect(await cleanStaleTemporaries(dir, { olderThanMs: 60_000 })).toEqual([]);
    expect(fs.readdirSync(dir)).toEqual([NAME]);
  });

  test('is not what a live process is making: a staged file', async () => {
    const dir = scratch();
    const staged = await stageAtomic(`${dir}/f`);
    await staged.handle.write('content');
    expect(await cleanStaleTemporaries(dir, { olderThanMs: 0 })).toEqual([]);
    expect(await staged.commit()).toMatchObject({ size: 7 });
    expect(await cleanStaleTemporaries(dir, { olderThanMs: 0 })).toEqual([]);
    expect(fs.readdirSync(dir)).toEqual(['f']);
  });

  test('is not what a live process is making: a stream', async () => {
    const dir = scratch();
    build(dir, ['f: old']);
    async function* slowly() {
      yield 'a'.repeat(100_000);
      expect(await cleanStaleTemporaries(dir, { olderThanMs: 0 })).toEqual([]);
      yield 'b';
    }
    expect(await writeAtomic(`${dir}/f`, slowly())).toMatchObject({ size: 100_001 });
  });

  test('is removed in a directory that a link leads to', async () => {
    const dir = scratch();
    build(dir, [`real/${NAME}: half`, 'link => real']);
    expect(await cleanStaleTemporaries(`${dir}/link`, { olderThanMs: 0 })).toEqual([`${dir}/real/${NAME}`]);
  });

  test.each([
    [undefined, 'ERR_INVALID_ARG_TYPE'],
    ['1', 'ERR_INVALID_ARG_TYPE'],
    [-1, 'ERR_OUT_OF_RANGE'],
    [NaN, 'ERR_OUT_OF_RANGE'],
  ])('olderThanMs: %s is refused', async (olderThanMs, code) => {
    const dir = scratch();
    build(dir, [`${NAME}: half`]);
    const { error } = await outcome(() => cleanStaleTemporaries(dir, { olderThanMs } as any));
    expect(error.code).toBe(code);
    expect(fs.readdirSync(dir)).toEqual([NAME]);
  });

  test('olderThanMs: Infinity removes nothing', async () => {
    const dir = scratch();
    build(dir, [`${NAME}: half`]);
    expect(await cleanStaleTemporaries(dir, { olderThanMs: Infinity })).toEqual([]);
  });

  test.each([
    ['missing', 'not-found'],
    ['file', 'not-directory'],
    ['', 'invalid-path'],
  ])('in %s: %s', async (name, code) => {
    const dir = scratch();
    build(dir, ['file: content']);
    const { error } = await outcome(() => cleanStaleTemporaries(name && `${dir}/${name}`, { olderThanMs: 0 }));
    expect(error).toMatchObject({ name: 'HoldfastError', code });
  });
});
