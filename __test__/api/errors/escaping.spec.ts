// Control, bidi and other unprintable characters of a path never appear in a message, a stack, a log line or a
// terminal.
import * as fs from 'node:fs';
import * as path from 'node:path';
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { describe, expect, test } from 'vitest';
import * as holdfast from '../../../index.mjs';
import { call, VERBS } from '../../helpers/expectations.js';
import { failure, FORMS, inBothForms } from '../../helpers/forms.js';
import { PROJECT } from '../../helpers/doc-blocks.js';
import { build, scratch } from '../../helpers/scratch.js';

const require = createRequire(import.meta.url);
const { escaped, printableJson, shellWord } = require('../../../dist/base/escape.js');
const { parseMounts } = require('../../../dist/cli/doctor/mounts.js');
const { doctorText } = require('../../../dist/cli/doctor/text.js');
const { selftestText } = require('../../../dist/cli/selftest/text.js');
const { palette } = require('../../../dist/cli/terminal.js');

/**
 * One of each kind: C0, DEL, C1, bidi overrides and isolates, zero-width, separators, odd spaces, invisible and private
 * code points.
 */
const NASTY = 'a\n\r\t\u001b[31m\u0007\u007f\u0085\u009b\u00a0\u00ad\u061c\u200b\u200d\u200e\u2028\u2029\u202e\u2066\u2069\ufeff\ue000\u{e0041}z';
const RAW = /[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]|(?! )\p{Zs}/u;
/** Node's own stacks and messages have newlines. */
const RAW_BUT_NEWLINE = /(?!\n)(?:[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]|(?! )\p{Zs})/u;

/** Checks every text of an error that a person or a log reads. The frames of a stack name files of this project. */
function expectPrintable(error: any): void {
  for (const text of [error.message, error.remedy ?? '']) expect(text).not.toMatch(RAW);
  if (holdfast.isHoldfastError(error)) {
    for (const json of [error, error.toPublic()]) expect(JSON.stringify(json)).not.toMatch(RAW);
  }
  expect(error.stack).not.toMatch(RAW_BUT_NEWLINE);
  expect(error.stack.split('\n    at ')[0].split('\n')).toHaveLength(1);
  if (error.cause !== undefined) {
    expect(error.cause.message).not.toMatch(RAW_BUT_NEWLINE);
    expect(error.cause.stack).not.toMatch(RAW_BUT_NEWLINE);
  }
}

describe('a path with unprintable characters', () => {
  test.each(VERBS)('%s: is escaped in message, stack, cause and toJSON of a refusal, and exact in path', async (verb) => {
    const at = verb === 'read' ? NASTY : `${NASTY}/f/x`;
    for (const { outcome } of await inBothForms([], async (form) => {
      if (verb !== 'read') {
        fs.mkdirSync(NASTY);
        fs.writeFileSync(`${NASTY}/f`, '');
      }
      return call(form, verb, at);
    })) {
      expect(outcome.error).toMatchObject({ name: 'HoldfastError', path: at });
      expect(outcome.error.cause.path).toBe(at);
      expectPrintable(outcome.error);
      // `JSON.stringify` escapes C0 by itself.
      expect(outcome.error.toJSON().path.replace(/[\u0000-\u001f]/g, escaped)).toBe(escaped(at));
    }
  });

  test.each(VERBS)('%s: is escaped in the message and stack of an error of the system, and exact in path', async (verb) => {
    const at = `${NASTY}${'n'.repeat(256)}`;
    for (const { outcome } of await inBothForms([], (form) => call(form, verb, at))) {
      expect(outcome.error).toMatchObject({ code: 'ENAMETOOLONG', path: at });
      expectPrintable(outcome.error);
      expect(outcome.error.message).toContain(`'${escaped(at)}'`);
    }
  });

  test('is escaped in both paths of a failed rename', () => {
    const { systemError } = require('../../../dist/errors/holdfast-error.js');
    const error = systemError(-16, 'rename', `/${NASTY}`, `/x/${NASTY}`);
    expect(error).toMatchObject({ path: `/${NASTY}`, dest: `/x/${NASTY}` });
    expectPrintable(error);
  });

  test('is escaped in the message of a printable path not at all', async () => {
    const dir = scratch();
    const name = `é ü 漢字 ‘quoted’ \\u001b 🙂 ${'n'.repeat(256)}`;
    const error = await failure(() => holdfast.readLocalFileSafelySync(`${dir}/${name}`));
    expect(error.message).toBe(`ENAMETOOLONG: name too long, open '${dir}/${name}'`);
  });

  test.each([
    ['a URL', () => holdfast.readLocalFileSafelySync(new URL(`file://host/${NASTY}`))],
    ['an object that looks like a URL', () => holdfast.readLocalFileSafelySync({ href: `file:///${NASTY}`, protocol: 'file:', pathname: `/%2f${NASTY}`, hostname: NASTY } as never)],
    ['a lone surrogate', () => holdfast.readLocalFileSafelySync(`${NASTY}\ud800`)],
    ['a NUL', () => holdfast.readLocalFileSafelySync(`${NASTY}\0`)],
    ['a closed root', () => {
      const root = holdfast.openRootSync(scratch());
      root.close();
      root.readSync(NASTY);
    }],
    ['a missing root', () => holdfast.openRootSync(NASTY)],
    ['an option', () => holdfast.readLocalFileSafelySync('x', { symlinks: NASTY } as never)],
    ['an argument with a class of that name', () => holdfast.readLocalFileSafelySync(new ({ [NASTY]: class {} })[NASTY]!() as never, {})],
    ['an argument that is a function of that name', () => holdfast.writeAtomicSync('x', ({ [NASTY]: () => {} })[NASTY] as never)],
    ['a path as data', () => holdfast.writeAtomicSync('x', Symbol(NASTY) as never)],
  ])('is escaped in the error about %s', async (_name, act) => {
    expectPrintable(await failure(async () => act()));
  });

  test('is escaped in a process warning', () => {
    const dir = scratch();
    const at = path.join(dir, NASTY);
    fs.mkdirSync(at);
    fs.chmodSync(at, 0o1777);
    const { stdout, stderr } = spawnSync(process.execPath, [path.join(PROJECT, '__test__/programs/warnings.mjs'), '{}', at], { encoding: 'utf8' });
    const { warnings } = JSON.parse(stdout);
    expect(warnings).toHaveLength(1);
    expect(warnings[0].message).not.toMatch(RAW);
    expect(warnings[0].message).toContain(escaped(NASTY));
    expect(stderr).not.toMatch(RAW_BUT_NEWLINE);
  });

  test('is escaped in native-unavailable, its stack and its cause', () => {
    const program = `
      const print = ({ message, stack, remedy, cause }) => console.log(JSON.stringify([message, stack, remedy, cause.message, cause.stack]));
      try { require(${JSON.stringify(PROJECT)}).capabilities() } catch (error) { print(error) }`;
    const { stdout } = spawnSync(process.execPath, ['-e', program], { encoding: 'utf8', env: { ...process.env, HOLDFAST_NATIVE_PATH: `/nowhere/${NASTY}` } });
    const [message, ...others] = JSON.parse(stdout);
    expect(message).toContain(`/nowhere/${escaped(NASTY)}: not there`);
    expect(message).not.toMatch(RAW);
    for (const text of others) expect(text).not.toMatch(RAW_BUT_NEWLINE);
  });
});

describe('a forged line', () => {
  test('in the name of a missing file stays one line of a log', async () => {
    for (const form of FORMS) {
      const error = await failure(() => form.read('x\nERROR: forged'));
      expect(String(error).split('\n')).toHaveLength(1);
      expect(error.cause.stack.split('\n')[0]).toContain('x\\u000aERROR: forged');
    }
  });
});

describe('the command', () => {
  const CLI = path.join(PROJECT, 'dist/cli/main.js');
  const holdfastCommand = (...args: (string | Buffer)[]) => {
    const quotedArgs = args.map((arg) => shellWord(arg)).join(' ');
    return spawnSync('bash', ['-c', `exec ${shellWord(process.execPath)} ${shellWord(CLI)} ${quotedArgs}`], { encoding: 'utf8', env: { ...process.env, LC_ALL: 'C.UTF-8' } });
  };

  test.each([
    ['an unknown command', [NASTY]],
    ['an unknown option', [`--${NASTY}`]],
    ['an unknown verb', ['doctor', '--only', NASTY]],
    ['a path for selftest', ['selftest', NASTY]],
    ['a missing directory for selftest', ['selftest', '--dir', `/nowhere/${NASTY}`]],
  ])('escapes %s', (_name, args) => {
    const { stderr } = holdfastCommand(...args);
    expect(stderr).toMatch(/^holdfast: /);
    expect(stderr).not.toMatch(RAW_BUT_NEWLINE);
    expect(stderr.split('\n\n')[0]!.split('\n').filter(Boolean)).toHaveLength(1);
  });

  test.each([['as text', []], ['as JSON', ['--json']]])('prints a report %s without unprintable characters', (_name, options) => {
    const dir = path.join(scratch(), NASTY);
    fs.mkdirSync(dir);
    build(dir, ['f 0600: x', 'd/ 1777', 'l => f', 'broken => nothing', 'up => ../..']);
    fs.symlinkSync(NASTY, path.join(dir, 'odd'));
    const { stdout } = holdfastCommand('doctor', ...options, ...['f', 'd', 'l', 'broken', 'odd', 'up', 'new/x'].map((name) => path.join(dir, name)));
    expect(stdout.length).toBeGreaterThan(1000);
    expect(stdout).not.toMatch(RAW_BUT_NEWLINE);
    if (options.length > 0) {
      expect(JSON.parse(stdout).paths[0].path).toBe(path.join(dir, 'f'));
    }
    const selftest = holdfastCommand('selftest', ...options, '--dir', dir);
    expect(selftest.stdout).not.toMatch(RAW_BUT_NEWLINE);
  });

  test('escapes type, source, place and options of a mount', () => {
    const line = Buffer.from('22 1 254:0 / /m\u202e rw,x\u001b[2J\u009b - fuse.\u001b[31m\u009b src\u202e rw').toString('latin1');
    const [mount] = parseMounts(line);
    const facts = {
      realPath: '/m', kind: 'directory', mode: '0700', uid: 0, gid: 0, isOwn: true, isOwnOrRoots: true, size: 0, names: 1, acl: null, attributes: [],
      access: { read: true, write: true, search: true }, mount, isReadOnly: false,
      space: { fileSystem: '0x0', totalBytes: 0, freeBytes: 0, availableBytes: 0, inodes: null, freeInodes: null },
    };
    const common = { holdfast: '0', process: { node: '', platform: '', arch: '', groups: [], capabilities: { names: [] }, securityModule: '\u009b' }, native: {}, environment: { X: NASTY } };
    const paths = [{ path: '/m', exists: true, place: '/m', facts, links: [], verbs: {} }];
    expect(doctorText({ ...common, paths }, palette(false))).not.toMatch(RAW_BUT_NEWLINE);
    expect(selftestText({ ...common, directory: NASTY, mount, checks: [{ title: 't', result: 'fail', reason: NASTY }], summary: {} }, palette(false))).not.toMatch(RAW_BUT_NEWLINE);
  });

  test('refuses a path that is not UTF-8, which Node shows as another one', () => {
    const dir = scratch();
    fs.writeFileSync(`${dir}/f\ufffd`, '');
    const { status, stdout, stderr } = holdfastCommand('doctor', Buffer.concat([Buffer.from(`${dir}/f`), Buffer.from([0xff])]));
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toBe('holdfast: an argument is not UTF-8 (see holdfast --help)\n');
    expect(holdfastCommand('doctor', '--only', 'readLocalFileSafely', `${dir}/f\ufffd`).status).toBe(0);
  });
});

describe('the escapes', () => {
  test('leave printable text as it is', () => {
    for (const text of ['', '/a b/c', "it's", 'é ü 漢字 🙂 \\n', '\ufffd']) expect(escaped(text)).toBe(text);
  });

  test('name the code point', () => {
    expect(escaped('\n\u001b\u009b\u202e\u{e0041}\ud800')).toBe('\\u000a\\u001b\\u009b\\u202e\\u{e0041}\\ud800');
  });

  test('of JSON are undone by JSON.parse', () => {
    const value = { [NASTY]: [NASTY, 1, null], b: { c: NASTY } };
    for (const indent of [undefined, 2]) {
      const text = printableJson(value, indent);
      expect(text).not.toMatch(RAW_BUT_NEWLINE);
      expect(JSON.parse(text)).toEqual(value);
    }
  });
});
