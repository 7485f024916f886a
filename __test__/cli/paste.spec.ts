// Every command that an error or the doctor suggests acts on its object, whatever the name, when it is pasted into a
// shell.
import { execFileSync, spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { createRequire } from 'node:module';
import * as path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import * as holdfast from '../../index.mjs';
import { asUser1000, Driver } from '../helpers/sys-driver.js';
import { findTool, needs } from '../helpers/sys-needs.js';
import { scratch, stagedPackage } from '../helpers/sys-scratch.js';

const require = createRequire(import.meta.url);
const { shellWord } = require('../../dist/base/escape.js');

/**
 * Names that a terminal, an editor or a shell changes when they are copied, and names that a shell parses differently.
 */
const NAMES: [string, string | Buffer][] = [
  ['plain', 'plain.txt'],
  ['spaces and quotes', ' it\'s "$HOME" `id` $(id) \\ !! '],
  ['a dash in front', '-rf'],
  ['a tilde', '~'],
  ['glob characters', '*?[a]{b,c}'],
  ['a newline', 'line\nbreak\n'],
  ['ESC and BEL, before hexadecimal digits', '\u001b[31m\u0007abc\u0001f'],
  ['C1 characters', '\u0085\u009b31m'],
  ['bidi overrides and isolates', 'photo\u202egnp.exe\u2066\u2069'],
  ['zero-width and invisible characters', 'a\u200bb\u200d\u00ad\ufe0f\u{e0041}'],
  ['separators and odd spaces', 'a\u2028b\u2029\u00a0c\u3000'],
  ['text like an escape, with a control character', "\\x41\\'\u0001"],
  ['bytes that are not UTF-8', Buffer.from('f\xff\xc3(A\\x41\'!\x80', 'latin1')],
  ['every byte but NUL and slash', Buffer.from(Array.from({ length: 255 }, (_, byte) => byte + 1).filter((byte) => byte !== 0x2f))],
];

const joined = (dir: string, name: string | Buffer): Buffer => Buffer.concat([Buffer.from(`${dir}/`), Buffer.from(name as never)]);

/** Returns the command in parentheses of a remedy. */
function commandOf(remedy: string): string {
  const [, command] = /\((ch(?:mod|own) .*)\)/s.exec(remedy) ?? [];
  if (command === undefined) throw new Error(`no command in: ${remedy}`);
  return command;
}

function paste(command: string, cwd = '/'): void {
  execFileSync('bash', ['-c', command], { cwd, stdio: 'pipe' });
}

async function failureOf(call: () => unknown): Promise<any> {
  try {
    await call();
  } catch (error) {
    return error;
  }
  throw new Error('it succeeded');
}

describe('a word for a shell', () => {
  const shells = [['bash'], ['bash', '--posix'], ['zsh'], ['ksh'], ['mksh'], ['busybox', 'sh']].filter(([shell]) => findTool(shell!) !== undefined);

  it.each(shells.flatMap((shell) => ['C', 'C.UTF-8'].map((locale) => [shell.join(' '), locale, shell] as const)))('is the very bytes to %s with LC_ALL=%s', (_name, locale, [shell, ...options]) => {
    for (const [, name] of NAMES) {
      const { stdout } = spawnSync(shell!, [...options, '-c', `printf %s ${shellWord(name)}`], { env: { ...process.env, LC_ALL: locale } });
      expect(stdout).toEqual(Buffer.from(name as never));
    }
  });

  it.runIf(findTool('dash'))('needs no more than POSIX of 2017 where the name is printable', () => {
    for (const [, name] of NAMES.slice(0, 5)) {
      expect(spawnSync('dash', ['-c', `printf %s ${shellWord(name)}`]).stdout).toEqual(Buffer.from(name as never));
    }
  });

  it.each(NAMES)('is printable ASCII or printable text, on one line: %s', (_name, name) => {
    expect(shellWord(name)).not.toMatch(/[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]|(?! )\p{Zs}/u);
  });
});

needs('root')('the remedy of a directory that is not private', () => {
  let base: string;
  beforeAll(() => {
    base = scratch();
  });

  const calls: [string, (target: Buffer, dir: string, name: string | Buffer) => unknown][] = [
    ['ensureDirSync', (target) => holdfast.ensureDirSync(target, { existing: 'require' })],
    ['ensureDir', (target) => holdfast.ensureDir(target, { existing: 'require' })],
    ['ensureDirSync with a root', (_target, dir, name) => holdfast.ensureDirSync(name, { root: dir, existing: 'require' })],
    ['ensureDir with a root', (_target, dir, name) => holdfast.ensureDir(name, { root: dir, existing: 'require' })],
    ['Root.ensureDirSync', (_target, dir, name) => holdfast.openRootSync(dir).ensureDirSync(name, { existing: 'require' })],
    ['Root.ensureDir', (_target, dir, name) => holdfast.openRootSync(dir).ensureDir(name, { existing: 'require' })],
    ['ensureDirSync of a relative path', (_target, dir, name) => inDirectory(dir, () => holdfast.ensureDirSync(name, { existing: 'require' }))],
    ['ensureDir of a relative path', (_target, dir, name) => inDirectory(dir, () => holdfast.ensureDir(name, { existing: 'require' }))],
  ];

  function inDirectory<T>(dir: string, call: () => T): T {
    const before = process.cwd();
    process.chdir(dir);
    try {
      return call();
    } finally {
      process.chdir(before);
    }
  }

  it.each(calls)('of %s names that directory, from any working directory', async (how, call) => {
    for (const [index, [, name]] of NAMES.entries()) {
      const dir = path.join(base, `${how} ${index}`);
      const target = joined(dir, name);
      fs.mkdirSync(target, { recursive: true });
      // A file of another user needs the command for the owner first.
      fs.chownSync(target, 1001, 1001);
      fs.chmodSync(target, 0o700);
      const foreign = await failureOf(() => call(target, dir, name));
      expect(foreign.code).toBe('not-owned');
      paste(commandOf(foreign.remedy));
      expect(fs.statSync(target).uid).toBe(process.geteuid!());
      expect(await call(target, dir, name)).toMatchObject({ isPrivate: true });
    }
  });

  it('says how to make it private', async () => {
    const driver = await Driver.start({ launcher: asUser1000 });
    for (const [index, [, name]] of NAMES.entries()) {
      const dir = path.join(base, `open ${index}`);
      const target = joined(dir, name);
      fs.mkdirSync(target, { recursive: true });
      fs.chmodSync(target, 0o755);
      for (const how of ['sync', 'async'] as const) {
        const { error } = await driver.verb(how, 'ensureDir', target, { existing: 'require' });
        expect(error).toMatchObject({ code: 'insecure-permissions', message: expect.stringContaining('chmod failed with EPERM') });
        fs.chmodSync(target, 0o755);
        paste(commandOf(error!.remedy!));
        expect((await driver.verb(how, 'ensureDir', target, { existing: 'require' })).value).toMatchObject({ isPrivate: true, mode: 0o700 });
        fs.chownSync(target, 0, 0);
        fs.chmodSync(target, 0o755);
      }
    }
  });

  it.each(['.ssh', '.config/app', 'id_keys', 'tokens.key'])('gives nothing of another user away that may be secret: %s', async (name) => {
    const theirs = path.join(base, 'theirs', name);
    fs.mkdirSync(theirs, { recursive: true });
    fs.chownSync(theirs, 1001, 1001);
    fs.chmodSync(theirs, 0o700);
    for (const [, call] of calls) {
      const error = await failureOf(() => call(Buffer.from(theirs), path.dirname(theirs), path.basename(theirs)));
      expect(error).toMatchObject({ code: 'not-owned', remedy: 'Use a directory that this user owns.' });
    }
    fs.chmodSync(theirs, 0o755);
    const driver = await Driver.start({ launcher: asUser1000 });
    const { error } = await driver.verb('sync', 'ensureDir', theirs, { existing: 'require' });
    expect(error).toMatchObject({ code: 'insecure-permissions' });
    expect(error!.message).not.toMatch(/ch(own|mod) [-\d]/);
    expect(error!.remedy).toMatch(/^Use a directory that this user owns, or accept it/);
    await driver.end();
  });

  it('has no command where the path of the root is not known exactly', async () => {
    const dir = joined(base, Buffer.from('root\xff', 'latin1'));
    fs.mkdirSync(dir);
    fs.mkdirSync(Buffer.concat([dir, Buffer.from('/d')]));
    fs.chownSync(Buffer.concat([dir, Buffer.from('/d')]), 1001, 1001);
    fs.chmodSync(Buffer.concat([dir, Buffer.from('/d')]), 0o700);
    const error = await failureOf(() => holdfast.openRootSync(dir).ensureDirSync('d', { existing: 'require' }));
    expect(error.remedy).not.toContain('chown');
    expect(error.remedy).toContain('let root change its owner');
  });
});

needs('root', 'setpriv', 'unshare', 'mount', 'setfacl')('the commands of the doctor', () => {
  it.each(NAMES.filter(([, name]) => typeof name === 'string') as [string, string][])('are about the path they were asked for: %s', async (_name, name) => {
    const driver = await Driver.start({ launcher: ['unshare', '--mount', '--propagation', 'private'] });
    const base = path.join(scratch(), name);
    const at = (child: string): string => `${base}/${child}`;
    const make = async (child: string, uid: number, mode: number, content?: string): Promise<string> => {
      await (content === undefined ? driver.fs('mkdirSync', at(child), { recursive: true }) : driver.fs('writeFileSync', at(child), content));
      await driver.fs('chownSync', at(child), uid, uid);
      await driver.fs('chmodSync', at(child), mode);
      return at(child);
    };
    await make('', 0, 0o755);
    const paths = [
      await make('volume', 0, 0o2775), await make('closed', 0, 0o755), await make('theirs', 1001, 0o750), await make('private', 1001, 0o700),
      await make('photo', 1000, 0o600, 'x'), await make('foreign', 1001, 0o600, 'x'), await make('acl', 1000, 0o755), await make('full', 1000, 0o755),
      await make('read-only', 1000, 0o755), at('missing/file'), at('private/file'),
    ];
    await driver.exec('setfacl', '-m', 'u:1001:rwx', at('acl'));
    await driver.exec('mount', '-t', 'tmpfs', '-o', 'size=64k,uid=1000', 'tmpfs', at('full'));
    await driver.exec('sh', '-c', 'head -c 100000 /dev/zero > "$0"/filler 2>/dev/null || true', at('full'));
    await driver.exec('mount', '-t', 'tmpfs', '-o', 'ro,uid=1000,mode=0755', 'tmpfs', at('read-only'));
    const cli = path.join(stagedPackage(), 'dist', 'cli', 'main.js');
    const report = JSON.parse(await driver.exec('sh', '-c', '"$@" || true', 'sh', ...asUser1000, process.execPath, cli, 'doctor', '--json', ...paths));
    let count = 0;
    for (const visited of report.paths) {
      const own = [visited.path, path.dirname(visited.path), ...Object.values<any>(visited.verbs).map(({ target }) => path.dirname(target))];
      const commands = Object.values<any>(visited.verbs).flatMap(({ advice }) => advice.flatMap(({ command }: any) => command ?? []));
      for (const command of commands.flatMap((line: string) => line.split(' && '))) {
        // The shell itself prints the last word of the command.
        const words = (await driver.exec('bash', '-c', `printf '%s\\0' ${command}`)).split('\0').slice(0, -1);
        expect(own, command).toContain(words.at(-1));
        count += 1;
      }
    }
    expect(count).toBeGreaterThan(8);
  });
});

needs('root', 'setpriv')('advice about a file that may not be sent', () => {
  const OUTBOUND = 'OUTBOUND_MEDIA_PERMS_TOO_RESTRICTIVE';
  let base: string;
  beforeAll(() => {
    base = scratch();
  });

  it('never opens a secret: neither the remedy nor the doctor has a chmod for it', async () => {
    const secrets = ['.ssh/id_ed25519', '.netrc', 'work/.env', 'keys/server.key', 'api-token.txt', 'config/credentials.json', 'shadow'].map((name) => path.join(base, name));
    for (const secret of secrets) {
      fs.mkdirSync(path.dirname(secret), { recursive: true });
    }
    const cli = path.join(stagedPackage(), 'dist', 'cli', 'main.js');
    for (const [uid, launcher] of [[0, []], [1000, asUser1000]] as const) {
      const driver = await Driver.start({ launcher: [...launcher] });
      for (const mode of [0o600, 0o640, 0o000]) {
        for (const secret of secrets) {
          fs.writeFileSync(secret, 'x');
          fs.chownSync(secret, 1000, 1000);
          fs.chmodSync(secret, mode);
        }
        const files = [...secrets, '/etc/shadow', '/etc/gshadow'].filter((file) => fs.existsSync(file));
        for (const filePath of files) {
          for (const how of ['sync', 'async'] as const) {
            const { error } = await driver.verb(how, 'readLocalFileSafely', { filePath, outbound: true });
            expect(error?.code, filePath).toBe(OUTBOUND);
            expect(error?.remedy).toMatch(/^If this file is meant to be sent, let its producer write it with mode 0644/);
            expect(error?.message).not.toMatch(/chmod|chown|setfacl/);
          }
        }
        const report = JSON.parse(await driver.exec('sh', '-c', '"$@" || true', 'sh', process.execPath, cli, 'doctor', '--json', ...files));
        for (const { path: at, verbs } of report.paths) {
          const commands = [verbs.readLocalFileSafely, verbs.outbound].flatMap(({ advice }) => advice.flatMap(({ command }: any) => command ?? []));
          // The owner may add read permission for itself.
          const opening = commands.filter((command: string) => /^(chmod|chown|setfacl)/.test(command) && !/^chmod u\+r /.test(command));
          expect(opening, `${at} of mode ${mode.toString(8)} as ${uid}`).toEqual([]);
          expect(JSON.stringify(verbs.outbound.advice)).not.toContain('allowOwnerOnly');
        }
      }
    }
  });

  it('names no directory on the way to be opened', async () => {
    const dir = path.join(base, 'closed');
    fs.mkdirSync(dir, { mode: 0o700 });
    fs.writeFileSync(path.join(dir, 'photo.png'), 'x', { mode: 0o644 });
    const driver = await Driver.start({ launcher: asUser1000 });
    const { error } = await driver.verb('sync', 'readLocalFileSafely', { filePath: path.join(dir, 'photo.png'), outbound: true });
    expect(error?.code).toBe(OUTBOUND);
    expect(error?.remedy).toMatch(/^If this file is meant to be sent, .* a directory that this user may search\.$/);
  });
});
