// The choice of the binary, and the error without one. Each case is a process that pretends to be another system. The
// files on disk are real: headers of programs, packages in node_modules.
import * as fs from 'node:fs';
import * as path from 'node:path';
import { spawnSync } from 'node:child_process';
import { describe, expect, it, test } from 'vitest';
import { binaryOfPackage, copyOfPackage, PACKAGE } from '../../helpers/package-copy.js';
import { scratch } from '../../helpers/scratch.js';

const { version } = JSON.parse(fs.readFileSync(path.join(PACKAGE, 'package.json'), 'utf8')) as { version: string };
const onLinux = process.platform === 'linux';

/** Runs a script in a new process that pretends to be another system, and returns its output. */
function node(script: string, { pretend = {}, cwd = PACKAGE }: { pretend?: Record<string, string>; cwd?: string } = {}): string {
  const lies = Object.entries(pretend).map(([name, value]) => `Object.defineProperty(process, ${JSON.stringify(name)}, { value: ${JSON.stringify(value)} });`);
  const env = { ...process.env, HOLDFAST_NATIVE_PATH: undefined };
  const done = spawnSync(process.execPath, ['-e', `${lies.join('')}${script}`], { cwd, env, encoding: 'utf8' });
  expect(done.stderr).toBe('');
  return done.stdout.trim();
}

const TARGETS = "console.log(require('./dist/native/platform.js').targets().join())";
const targets = (pretend: Record<string, string>, cut = '') => node(`${cut}${TARGETS}`, { pretend });

/** Returns the start of a 64-bit little-endian program that names this dynamic loader. */
function program(loader: string): string {
  const bytes = Buffer.alloc(0x1000);
  bytes.write('\x7fELF\x02\x01\x01', 'latin1');
  bytes.writeBigUInt64LE(64n, 32);
  bytes.writeUInt16LE(56, 54);
  bytes.writeUInt16LE(2, 56);
  const header = 64 + 56;
  bytes.writeUInt32LE(1, 64);
  bytes.writeUInt32LE(3, header);
  bytes.writeBigUInt64LE(0x200n, header + 8);
  bytes.writeBigUInt64LE(BigInt(loader.length + 1), header + 32);
  bytes.write(`${loader}\0`, 0x200, 'latin1');
  const file = path.join(scratch(), 'program');
  fs.writeFileSync(file, bytes);
  return file;
}

/** Removes the sources of the C library's name: the report, ldd. */
const without = {
  report: "Object.defineProperty(process, 'report', { value: undefined });",
  ldd: "const fs = require('fs'), read = fs.readFileSync; fs.readFileSync = (file, ...rest) => { if (file === '/usr/bin/ldd') throw new Error('none'); return read(file, ...rest) };",
};
const lddSays = (text: string) => `const fs = require('fs'), read = fs.readFileSync; fs.readFileSync = (file, ...rest) => (file === '/usr/bin/ldd' ? ${JSON.stringify(text)} : read(file, ...rest));`;
const reportSays = (report: object) => `Object.defineProperty(process, 'report', { value: { getReport: () => (${JSON.stringify(report)}) } });`;

describe('the target', () => {
  test.each([
    ['darwin', 'arm64', 'darwin-arm64'],
    ['darwin', 'x64', 'darwin-x64'],
    ['win32', 'x64', 'win32-x64-msvc'],
    ['win32', 'arm64', 'win32-arm64-msvc'],
    ['freebsd', 'x64', 'freebsd-x64'],
  ])('of %s on %s is %s', (platform, arch, wanted) => {
    expect(targets({ platform, arch })).toBe(wanted);
  });

  test.each([
    ['/lib64/ld-linux-x86-64.so.2', 'x64', 'linux-x64-gnu'],
    ['/lib/ld-linux-aarch64.so.1', 'arm64', 'linux-arm64-gnu'],
    ['/nix/store/0123-glibc-2.40/lib/ld-linux-x86-64.so.2', 'x64', 'linux-x64-gnu'],
    ['/lib/ld-musl-x86_64.so.1', 'x64', 'linux-x64-musl'],
    ['/lib/ld-musl-aarch64.so.1', 'arm64', 'linux-arm64-musl'],
  ])('on Linux follows from the loader that the program names: %s', (loader, arch, wanted) => {
    // The other sources name the opposite C library, and must not be used.
    const lies = wanted.endsWith('musl') ? `${reportSays({ header: { glibcVersionRuntime: '2.36' } })}${lddSays('GNU C Library')}` : `${reportSays({ header: {}, sharedObjects: ['/lib/ld-musl-x86_64.so.1'] })}${lddSays('musl libc')}`;
    expect(targets({ platform: 'linux', arch, execPath: program(loader) }, lies)).toBe(wanted);
  });

  const unreadable = { platform: 'linux', arch: 'x64', execPath: '/nowhere/node' };

  test.each([
    ['glibc, from its report', reportSays({ header: { glibcVersionRuntime: '2.36' } }), 'linux-x64-gnu'],
    ['musl, from the libraries in its report', reportSays({ header: {}, sharedObjects: ['/usr/lib/libz.so', '/lib/ld-musl-x86_64.so.1'] }), 'linux-x64-musl'],
    ['musl, from ldd', `${without.report}${lddSays('#!/bin/sh\nexec /lib/ld-musl-x86_64.so.1 --list')}`, 'linux-x64-musl'],
    ['glibc, from ldd', `${without.report}${lddSays('# This file is part of the GNU C Library.')}`, 'linux-x64-gnu'],
    ['glibc, from ldd, where the report says nothing', `${reportSays({ header: {} })}${lddSays('# This file is part of the GNU C Library.')}`, 'linux-x64-gnu'],
    ['either, where nothing tells', `${without.report}${without.ldd}`, 'linux-x64-gnu,linux-x64-musl'],
  ])('of a program that cannot be read is %s', (_, cut, wanted) => {
    expect(targets(unreadable, cut)).toBe(wanted);
  });

  test('of a program that is no ELF file, or a broken one, is told by the rest', () => {
    const folder = scratch();
    for (const [name, bytes] of Object.entries({ empty: '', script: '#!/bin/sh\n', short: '\x7fELF\x02\x01\x01', 'thirty-two': `\x7fELF\x01\x01\x01${'\0'.repeat(100)}` })) {
      const execPath = path.join(folder, name);
      fs.writeFileSync(execPath, bytes, 'latin1');
      expect(targets({ ...unreadable, execPath }, `${without.report}${lddSays('musl')}`), name).toBe('linux-x64-musl');
    }
  });

  test.runIf(onLinux)('of this process is the one whose binary it has', () => {
    expect(`holdfast.${node(TARGETS)}.node`).toBe(path.basename(binaryOfPackage()));
  });

  test('is found without the network, and leaves the setting of the report unchanged', () => {
    const seen = node(
      `let set; Object.defineProperty(process, 'report', { value: { excludeNetwork: false, getReport() { set = this.excludeNetwork; return { header: { glibcVersionRuntime: '2' } } } } });
       require('./dist/native/platform.js').targets(); console.log(set, process.report.excludeNetwork)`,
      { pretend: unreadable },
    );
    expect(seen).toBe('true false');
  });
});

/** Makes a copy of the package in the node_modules of a program, without its own build. */
function installation(): { consumer: string; holdfast: string } {
  const consumer = scratch();
  const holdfast = path.join(consumer, 'node_modules/holdfast');
  fs.mkdirSync(path.dirname(holdfast));
  fs.cpSync(copyOfPackage({ withBinary: false }), holdfast, { recursive: true });
  return { consumer, holdfast };
}

/** Makes a platform package with the given binary. */
function platformPackage(consumer: string, target: string, binary: string | Buffer): string {
  const folder = path.join(consumer, 'node_modules/@holdfast', target);
  fs.mkdirSync(folder, { recursive: true });
  const name = `holdfast.${target}.node`;
  fs.writeFileSync(path.join(folder, 'package.json'), JSON.stringify({ name: `@holdfast/${target}`, version, main: name }));
  fs.writeFileSync(path.join(folder, name), binary);
  return path.join(folder, name);
}

const ask = "try { console.log(require('holdfast').capabilities().native) } catch (error) { console.log(JSON.stringify({ code: error.code, message: error.message, remedy: error.remedy, cause: error.cause && error.cause.message })) }";

describe('the binary', () => {
  const target = path.basename(binaryOfPackage()).split('.')[1]!;

  test('is the one of the platform package', () => {
    const { consumer } = installation();
    const file = platformPackage(consumer, target, fs.readFileSync(binaryOfPackage()));
    expect(node(ask, { cwd: consumer })).toBe(file);
  });

  test("of a checkout's own build wins over an installed package", () => {
    const { consumer, holdfast } = installation();
    platformPackage(consumer, target, fs.readFileSync(binaryOfPackage()));
    fs.writeFileSync(path.join(holdfast, 'Cargo.toml'), '');
    const own = path.join(holdfast, path.basename(binaryOfPackage()));
    fs.copyFileSync(binaryOfPackage(), own);
    expect(node(ask, { cwd: consumer })).toBe(own);
  });

  it('is not looked for in the folder above the code, unless that is a checkout of the project', () => {
    const { consumer, holdfast } = installation();
    const planted = path.join(holdfast, path.basename(binaryOfPackage()));
    fs.copyFileSync(binaryOfPackage(), planted);
    const { code, message } = JSON.parse(node(ask, { cwd: consumer })) as { code: string; message: string };
    expect(code).toBe('native-unavailable');
    expect(message).not.toContain(planted);
    const file = platformPackage(consumer, target, fs.readFileSync(binaryOfPackage()));
    expect(node(ask, { cwd: consumer })).toBe(file);
    // The checkout of another project, with its own binary of that name.
    fs.mkdirSync(path.join(consumer, 'other'));
    fs.renameSync(path.join(holdfast, 'dist'), path.join(consumer, 'other/dist'));
    fs.writeFileSync(path.join(consumer, 'other/Cargo.toml'), '');
    fs.writeFileSync(path.join(consumer, 'other/package.json'), '{"name":"other"}');
    fs.copyFileSync(binaryOfPackage(), path.join(consumer, 'other', path.basename(planted)));
    expect(node("console.log(require('./other/dist/native/capabilities.js').capabilities().native)", { cwd: consumer })).toBe(file);
  });

  it('is the one that a relative HOLDFAST_NATIVE_PATH names, from the working directory of the first call', () => {
    const { consumer } = installation();
    fs.mkdirSync(path.join(consumer, 'sub'));
    fs.copyFileSync(binaryOfPackage(), path.join(consumer, 'sub/mine.node'));
    const named = (value: string, before = '') => node(`process.env.HOLDFAST_NATIVE_PATH = ${JSON.stringify(value)};${before}${ask}`, { cwd: consumer });
    expect(named('sub/mine.node')).toBe(path.join(consumer, 'sub/mine.node'));
    expect(named('./mine.node', "process.chdir('sub');")).toBe(path.join(consumer, 'sub/mine.node'));
    expect(named('mine.node')).toContain(path.join(consumer, 'mine.node'));
  });

  test('of the package is taken where the own build does not load', () => {
    const { consumer, holdfast } = installation();
    const file = platformPackage(consumer, target, fs.readFileSync(binaryOfPackage()));
    fs.writeFileSync(path.join(holdfast, 'Cargo.toml'), '');
    fs.writeFileSync(path.join(holdfast, path.basename(binaryOfPackage())), 'half a build');
    expect(node(ask, { cwd: consumer })).toBe(file);
  });

  test.runIf(onLinux)('is found by trying both C libraries when the one in use is unknown', () => {
    const { consumer } = installation();
    const [other] = ['linux-x64-gnu', 'linux-x64-musl'].filter((name) => name !== target);
    const file = platformPackage(consumer, target, fs.readFileSync(binaryOfPackage()));
    platformPackage(consumer, other!, 'another C library');
    const unknown = `${without.report}${without.ldd}`;
    expect(node(`${unknown}${ask}`, { cwd: consumer, pretend: { platform: 'linux', execPath: '/nowhere/node' } })).toBe(file);
  });
});

describe('without a binary the error', () => {
  const error = (pretend: Record<string, string> = {}, cut = '', consumer = installation().consumer) =>
    JSON.parse(node(`${cut}${ask}`, { cwd: consumer, pretend })) as { code: string; message: string; remedy: string; cause?: string };

  test('names the package to install, in the version that fits, and how to build it', () => {
    const { code, message, remedy } = error({ platform: 'linux', arch: 'arm64', execPath: program('/lib/ld-musl-aarch64.so.1') });
    expect(code).toBe('native-unavailable');
    expect(remedy).toContain(`npm install @holdfast/linux-arm64-musl@${version}`);
    expect(remedy).toContain('--omit=optional');
    expect(remedy).toContain('npm run build');
    expect(message).toContain('no binary for linux-arm64-musl');
    expect(message).toContain('@holdfast/linux-arm64-musl: not there');
    expect(remedy).toContain('HOLDFAST_NATIVE_PATH');
    expect(message).toContain(remedy);
  });

  test('names both packages where the C library is unknown', () => {
    const { message, remedy } = error({ platform: 'linux', arch: 'x64', execPath: '/nowhere/node' }, `${without.report}${without.ldd}`);
    expect(message).toContain('no binary for linux-x64-gnu or linux-x64-musl');
    expect(remedy).toContain(`\`npm install @holdfast/linux-x64-gnu@${version}\` or \`npm install @holdfast/linux-x64-musl@${version}\``);
  });

  test('lists the supported targets where none fits', () => {
    const { message, remedy } = error({ platform: 'freebsd', arch: 'riscv64' });
    expect(message).toContain('no binary for freebsd-riscv64');
    for (const name of ['linux-x64-gnu', 'linux-arm64-gnu', 'linux-x64-musl', 'linux-arm64-musl', 'darwin-arm64', 'darwin-x64', 'win32-x64-msvc']) expect(remedy).toContain(name);
    expect(remedy).toContain('npm run build');
    expect(remedy).not.toContain('npm install');
  });

  test('explains why an existing binary does not load, with its error as the cause', () => {
    const { consumer } = installation();
    const target = path.basename(binaryOfPackage()).split('.')[1]!;
    platformPackage(consumer, target, 'not a binary');
    const { message, remedy, cause } = error({}, '', consumer);
    expect(message).not.toContain(`@holdfast/${target}: not there`);
    expect(remedy).toContain('does not load');
    expect(remedy).toContain(`@holdfast/${target}@${version}`);
    expect(cause).toContain(`holdfast.${target}.node`);
  });

  test('rejects a binary of another version', () => {
    const { consumer, holdfast } = installation();
    platformPackage(consumer, path.basename(binaryOfPackage()).split('.')[1]!, fs.readFileSync(binaryOfPackage()));
    fs.writeFileSync(path.join(holdfast, 'dist/base/version.js'), "module.exports = { version: '99.0.0' };");
    const { message, remedy } = error({}, '', consumer);
    expect(message).toContain(`it is version ${version}, and this is 99.0.0`);
    expect(remedy).toContain('@99.0.0');
  });

  describe('under the permission model of Node', () => {
    const [major, minor] = process.versions.node.split('.').map(Number) as [number, number];
    const permission = major > 23 || (major === 23 && minor >= 5) || (major === 22 && minor >= 13) ? '--permission' : '--experimental-permission';
    const start = (flags: string[], cwd: string) => {
      const { stdout } = spawnSync(process.execPath, [...flags, 'ask.cjs'], { cwd, encoding: 'utf8', env: { ...process.env, HOLDFAST_NATIVE_PATH: undefined } });
      return JSON.parse(stdout) as { code: string; message: string; remedy: string };
    };

    /** Makes a program with the package and its binary beside it. */
    function program(): string {
      const { consumer } = installation();
      platformPackage(consumer, path.basename(binaryOfPackage()).split('.')[1]!, fs.readFileSync(binaryOfPackage()));
      fs.writeFileSync(path.join(consumer, 'ask.cjs'), ask);
      return fs.realpathSync(consumer);
    }

    it.each([
      ['addons', [permission, '--allow-fs-read=*']],
      ['addons by --no-addons', ['--no-addons']],
    ])('names the flag that allows %s, and does not advise to install', (_name, flags) => {
      const { code, message, remedy } = start(flags, program());
      expect(code).toBe('native-unavailable');
      expect(remedy).toContain('--allow-addons');
      expect(remedy).toMatch(/--allow-fs-read and --allow-fs-write do not restrict/);
      expect(message).toContain(remedy);
      expect(remedy).not.toMatch(/install/);
    });

    it('names the flag for reading where nothing is found and not every file may be read', () => {
      // The denied look-ups differ between Node lines: here no file is found in any case.
      const { code, remedy } = error({}, "Object.defineProperty(process, 'permission', { value: { has: () => false } });");
      expect(code).toBe('native-unavailable');
      expect(remedy).toContain('--allow-fs-read for the folder of the binary');
      expect(remedy).toContain('--allow-addons');
      expect(remedy).toContain('npm install');
    });

    it('is none where both are allowed', () => {
      const cwd = program();
      const { stdout } = spawnSync(process.execPath, [permission, '--allow-addons', '--allow-fs-read=*', 'ask.cjs'], { cwd, encoding: 'utf8', env: { ...process.env, HOLDFAST_NATIVE_PATH: undefined } });
      expect(stdout.trim()).toMatch(/\.node$/);
    });
  });
});
