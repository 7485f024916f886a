import * as fs from 'node:fs';
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { capabilities } from '../../../index.mjs';
import { call, NEW, VERBS, type Verb } from '../../helpers/expectations.js';
import { failure, inBothForms } from '../../helpers/forms.js';
import { build, scratch, tree } from '../../helpers/scratch.js';

const PROGRAM = fileURLToPath(new URL('../../programs/raw-errors.mjs', import.meta.url));
const NOBODY = 65_534;

interface Shown {
  name: string;
  message: string;
  code: string;
  errno: number;
  syscall: string;
  path: string;
  dest?: string;
  isHoldfastError: boolean;
  own: string[];
}

interface Answer {
  verb: string;
  name: string;
  promised: Shown;
  synced: Shown;
  node: Shown;
}

/** Runs the program without root's rights, and with limits of the shell (`ulimit`) if given. */
function answersOf(which: string, dir: string, limits = ':'): Answer[] {
  const user = process.getuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : {};
  const done = spawnSync('bash', ['--norc', '-c', `trap '' XFSZ; ${limits}; exec "$@"`, 'bash', process.execPath, PROGRAM, which, dir], { encoding: 'utf8', ...user });
  expect(done.stderr).toBe('');
  return JSON.parse(done.stdout) as Answer[];
}

/** The corresponding calls of node:fs, which throw the expected errors for the same path. */
const TWINS: Record<Verb, (file: string) => void> = {
  read: (file) => fs.closeSync(fs.openSync(file, 'r')),
  write: (file) => fs.writeFileSync(file, NEW),
  ensure: (file) => void fs.mkdirSync(file, { recursive: true }),
};

describe('a name that is too long', () => {
  test.each(VERBS)('%s: is the very error of node:fs', async (verb) => {
    for (const at of ['n'.repeat(256), `d/${'n'.repeat(256)}`]) {
      for (const { dir, outcome } of await inBothForms(['d/'], (form, dir) => call(form, verb, `${dir}/${at}`))) {
        const node = await failure(() => TWINS[verb](`${dir}/${at}`));
        const { error } = outcome;
        expect(error.message).toBe(node.message);
        expect({ ...error }).toEqual({ ...node });
        expect(Object.getPrototypeOf(error)).toBe(Error.prototype);
        expect(error.name).toBe('Error');
      }
    }
  });

  test.each(VERBS)('%s: has a relative path as it was given', async (verb) => {
    const at = `./d/../${'n'.repeat(256)}`;
    for (const { outcome } of await inBothForms(['d/'], (form) => call(form, verb, at))) {
      expect(outcome.error.path).toBe(at);
      expect(outcome.error.message).toMatch(/^ENAMETOOLONG: name too long, /);
      expect(outcome.error.message.endsWith(` '${at}'`)).toBe(true);
    }
  });
});

describe('permission denied, as an unprivileged user', () => {
  test('is what node:fs throws for the same file, in both forms', () => {
    const dir = scratch();
    build(dir, ['unreadable 0000: x', 'unsearchable/f: x', 'unwritable/f 0444: x']);
    if (process.getuid?.() === 0) fs.lchownSync(`${dir}/unreadable`, NOBODY, NOBODY);
    fs.chmodSync(`${dir}/unsearchable`, 0o600);
    fs.chmodSync(`${dir}/unwritable`, 0o555);
    fs.chmodSync(dir, 0o755);
    const before = tree(dir);
    const answers = answersOf('denied', dir);
    expect(answers.length).toBe(8);
    for (const { verb, name, promised, synced, node } of answers) {
      const where = `${verb} ${name}`;
      expect(synced, where).toEqual(promised);
      expect(promised, where).toMatchObject({ name: 'Error', code: 'EACCES', errno: -13, path: `${dir}/${name}`, isHoldfastError: false });
      expect(promised.message, where).toBe(node.message);
      expect(promised.own, where).toEqual(['code', 'errno', 'path', 'syscall']);
    }
    expect(tree(dir)).toEqual(before);
  });
});

describe('no descriptor left', () => {
  test('at the first call of a process does not affect the detected capabilities', () => {
    const dir = scratch();
    build(dir, ['f: x']);
    const script = `
      const fs = require('node:fs');
      const holdfast = require(${JSON.stringify(fileURLToPath(new URL('../../../index.js', import.meta.url)))});
      const { native } = require(${JSON.stringify(fileURLToPath(new URL('../../../dist/native/load.js', import.meta.url)))});
      native();
      const held = [];
      try { for (;;) held.push(fs.openSync('/dev/null')); } catch {}
      const file = ${JSON.stringify(`${dir}/f`)};
      const codes = [() => holdfast.readLocalFileSafelySync(file), () => holdfast.writeAtomicSync(file, 'x'), () => holdfast.capabilities()]
        .map((call) => { try { call(); } catch (error) { return error.code; } });
      for (const fd of held) fs.closeSync(fd);
      console.log(JSON.stringify({ codes, ...holdfast.capabilities() }));`;
    const { stdout, stderr } = spawnSync('sh', ['-c', 'ulimit -n 64; exec "$0" "$@"', process.execPath, '-e', script], { encoding: 'utf8' });
    expect(stderr).toBe('');
    expect(JSON.parse(stdout)).toEqual({ codes: ['EMFILE', 'EMFILE', null], ...capabilities() });
  });

  test('is EMFILE with the path, as node:fs throws it, and nothing is changed', () => {
    const dir = scratch();
    build(dir, ['f 0666: old', 'd/ 0777']);
    fs.chmodSync(dir, 0o777);
    const before = tree(dir);
    const answers = [...answersOf('files', dir, 'ulimit -n 64'), ...answersOf('last', dir, 'ulimit -n 64')];
    expect(answers.length).toBe(6);
    for (const { verb, name, promised, synced } of answers) {
      expect(synced, `${verb} ${name}`).toEqual(promised);
      expect(promised).toMatchObject({
        name: 'Error',
        message: `EMFILE: too many open files, open '${dir}/${name}'`,
        code: 'EMFILE',
        errno: -24,
        syscall: 'open',
        path: `${dir}/${name}`,
        isHoldfastError: false,
      });
    }
    // Node's own calls may have created the new name; existing names are unchanged.
    expect(tree(dir)).toMatchObject({ './f': before['./f'], './d': before['./d'] });
    expect(Object.keys(tree(dir)).sort()).toEqual(['.', './d', './f']);
  });
});

describe('a limit on the size of files', () => {
  test('is EFBIG from write, with the old file whole and no temporary', () => {
    const dir = scratch();
    build(dir, ['f 0666: old']);
    fs.chmodSync(dir, 0o777);
    const before = tree(dir);
    const answers = answersOf('size', dir, 'ulimit -f 8');
    expect(answers.length).toBe(4);
    for (const { verb, name, promised, synced } of answers) {
      expect(synced, `${verb} ${name}`).toEqual(promised);
      expect(promised).toMatchObject({
        name: 'Error',
        message: `EFBIG: file too large, write '${dir}/${name}'`,
        code: 'EFBIG',
        errno: -27,
        syscall: 'write',
        path: `${dir}/${name}`,
        isHoldfastError: false,
      });
    }
    expect(tree(dir)).toEqual(before);
  });
});
