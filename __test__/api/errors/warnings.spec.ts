import * as fs from 'node:fs';
import * as path from 'node:path';
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { build, modeOf, scratch } from '../../helpers/scratch.js';
import { octal } from '../../helpers/umask.js';

const PROGRAM = fileURLToPath(new URL('../../programs/warnings.mjs', import.meta.url));

interface Warning {
  name: string;
  code: string;
  message: string;
}

/** Ensures each of `dirs` in a process of its own, and returns the warnings of that process. */
function warningsOf(dirs: string[], options: object = {}, user: { uid?: number; gid?: number } = {}): { results: any[]; warnings: Warning[] } {
  const done = spawnSync(process.execPath, [PROGRAM, JSON.stringify(options), ...dirs], { encoding: 'utf8', ...user });
  expect(done.status, done.stderr).toBe(0);
  return JSON.parse(done.stdout);
}

describe('a process warning', () => {
  test('is given once for each directory that should be private and is not', () => {
    const dir = scratch();
    build(dir, ['one/ 1777', 'two/ 1777', 'mine/ 0755', 'private/ 0700']);
    const at = (name: string) => path.join(dir, name);
    const { results, warnings } = warningsOf([at('one'), at('one'), `${dir}/./one/`, at('two'), at('mine'), at('private'), at('new'), at('one')]);
    expect(results.map(({ isPrivate }) => isPrivate)).toEqual([false, false, false, false, true, true, true, false]);
    expect(warnings.map(({ name, code }) => ({ name, code }))).toEqual(Array(2).fill({ name: 'HoldfastWarning', code: 'HOLDFAST_DIR_NOT_PRIVATE' }));
    expect(warnings[0]!.message).toContain(at('one'));
    expect(warnings[0]!.message).toContain('1777');
    expect(warnings[1]!.message).toContain(at('two'));
  });

  test("is not given where privacy was not wanted: existing: 'leave'", () => {
    const dir = scratch();
    build(dir, ['one/ 1777', 'two/ 0755']);
    const { results, warnings } = warningsOf([`${dir}/one`, `${dir}/two`], { existing: 'leave' });
    expect(results.map(({ hardening }) => hardening)).toEqual(['left', 'left']);
    expect(warnings).toEqual([]);
  });

  test('is given for a hundred directories at most', () => {
    const dir = scratch();
    const dirs = Array.from({ length: 150 }, (_, number) => `shared${number}/ 1777`);
    build(dir, dirs);
    const { results, warnings } = warningsOf(dirs.map((line) => path.join(dir, line.split('/')[0]!)));
    expect(results.length).toBe(150);
    expect(warnings.length).toBe(100);
    expect(new Set(warnings.map(({ message }) => message)).size).toBe(100);
  });

  test('escapes control characters of the path', () => {
    const dir = scratch();
    const nasty = `${dir}/a\nb\u001b[31m`;
    fs.mkdirSync(nasty);
    fs.chmodSync(nasty, 0o1777);
    const { warnings } = warningsOf([nasty]);
    expect(warnings.length).toBe(1);
    expect(warnings[0]!.message).not.toMatch(/[\u0000-\u001f]/);
  });
});

describe('the root of the file system', () => {
  test('is left as it is, as shared, without an attempt to change it', () => {
    // Not as root: a failure must not damage the machine.
    const user = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {};
    const before = octal(modeOf('/'));
    const { results, warnings } = warningsOf(['/', '/.', '//'], {}, user);
    for (const result of results) expect(result).toMatchObject({ path: '/', hardening: 'left', reason: 'system', isPrivate: false });
    expect(warnings.length).toBe(1);
    expect(octal(modeOf('/'))).toBe(before);
  });
});
