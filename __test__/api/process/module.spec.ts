import * as fs from 'node:fs';
import * as path from 'node:path';
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { describe, expect, it, test } from 'vitest';
import * as esm from '../../../index.mjs';
import { failure, openFiles } from '../../helpers/forms.js';
import { binaryOfPackage, copyOfPackage, PACKAGE } from '../../helpers/package-copy.js';
import { build, scratch } from '../../helpers/scratch.js';
import { exportsOf } from '../../helpers/type-examples.js';

const require = createRequire(import.meta.url);
const cjs = require('../../../index.js') as typeof esm;

function node(script: string, { esm = false, env = {}, cwd = PACKAGE }: { esm?: boolean; env?: NodeJS.ProcessEnv; cwd?: string } = {}) {
  const done = spawnSync(process.execPath, [...(esm ? ['--input-type=module'] : []), '-e', script], { encoding: 'utf8', cwd, env: { ...process.env, ...env } });
  return { status: done.status, stdout: done.stdout.trim(), stderr: done.stderr };
}

/** The values that index.d.ts exports. */
const declaredValues = () => [...new Set(exportsOf('holdfast'))].sort();

describe('the exports', () => {
  test('are the same set, and the same objects, for require and import', () => {
    expect(Object.keys(cjs).sort()).toEqual(Object.keys(esm).sort());
    for (const name of Object.keys(esm)) expect(cjs[name as keyof typeof cjs], name).toBe(esm[name as keyof typeof esm]);
  });

  test('are those that index.d.ts declares', () => {
    expect(declaredValues().length).toBeGreaterThan(8);
    expect(Object.keys(cjs).sort()).toEqual(declaredValues());
  });

  test('have no default', () => {
    expect(Object.keys(esm)).not.toContain('default');
    expect(node("import holdfast from './index.mjs';", { esm: true }).stderr).toContain('does not provide an export named');
  });

  test('are found by the name of the package, from both module systems, and so is package.json', () => {
    const consumer = scratch();
    fs.mkdirSync(`${consumer}/node_modules`);
    fs.symlinkSync(PACKAGE, `${consumer}/node_modules/holdfast`);
    const required = node("console.log(Object.keys(require('holdfast')).sort().join(), require('holdfast/package.json').name)", { cwd: consumer });
    const imported = node("import * as all from 'holdfast'; import { createRequire } from 'node:module'; console.log(Object.keys(all).sort().join(), createRequire(import.meta.url)('holdfast/package.json').name)", { esm: true, cwd: consumer });
    expect(required.stdout).toBe(`${declaredValues().join()} holdfast`);
    expect(imported.stdout).toBe(required.stdout);
  });

  test('hold the modes that gateways agree on', () => {
    expect([esm.MEDIA_FILE_MODE, esm.PRIVATE_FILE_MODE, esm.PRIVATE_DIR_MODE]).toEqual([0o644, 0o600, 0o700]);
  });
});

const loadedBinaries = "require('fs').readFileSync('/proc/self/maps', 'utf8').split('\\n').filter((line) => /holdfast[^/]*\\.node$/.test(line)).length";

describe('the binary', () => {
  test('is not loaded by importing, but by the first call', () => {
    const { stdout, stderr } = node(`
      const holdfast = require('./index.js');
      const before = ${loadedBinaries};
      holdfast.isHoldfastError(new Error());
      const between = ${loadedBinaries};
      try { holdfast.readLocalFileSafelySync('/missing') } catch {}
      console.log(before, between, ${loadedBinaries} > 0);`);
    expect(stderr).toBe('');
    expect(stdout).toBe('0 0 true');
  });

  test('is not loaded by importing as ESM', () => {
    const { stdout } = node(`
      import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);
      import * as holdfast from './index.mjs';
      const before = ${loadedBinaries};
      console.log(before, typeof holdfast.capabilities().version, ${loadedBinaries} > 0);`, { esm: true });
    expect(stdout).toBe('0 string true');
  });

  const REPORT = `
    const report = (error) => console.log(JSON.stringify({ name: error.name, code: error.code, category: error.category, message: error.message, remedy: error.remedy, mine: holdfast.isHoldfastError(error) }));
    const attempt = async (call) => { let promise; try { promise = call() } catch (error) { console.log('threw'); return report(error) } try { await promise; console.log('worked') } catch (error) { report(error) } };`;
  const CALLS = `
    (async () => {
      await attempt(() => holdfast.readLocalFileSafely('/etc/hostname'));
      await attempt(() => holdfast.openLocalFileSafely('/etc/hostname'));
      await attempt(() => holdfast.writeAtomic('/nowhere/x', 'x'));
      await attempt(() => holdfast.ensureDir('/nowhere'));
      for (const call of [() => holdfast.readLocalFileSafelySync('/etc/hostname'), () => holdfast.writeAtomicSync('/nowhere/x', 'x'), () => holdfast.ensureDirSync('/nowhere'), () => holdfast.capabilities()]) {
        try { call(); console.log('worked') } catch (error) { report(error) }
      }
    })();`;

  function expectUnavailable(stdout: string, mentions: string): void {
    const lines = stdout.split('\n');
    expect(lines.length).toBe(8);
    for (const line of lines) {
      const error = JSON.parse(line);
      expect(error).toMatchObject({ name: 'HoldfastError', code: 'native-unavailable', category: 'operational', mine: true, remedy: expect.any(String) });
      expect(error.message).toContain(mentions);
    }
  }

  test('that HOLDFAST_NATIVE_PATH names and that is not there is native-unavailable at every call, and importing still works', () => {
    const { stdout, stderr, status } = node(`const holdfast = require('./index.js');${REPORT}${CALLS}`, { env: { HOLDFAST_NATIVE_PATH: '/nowhere/holdfast.node' } });
    expect(stderr).toBe('');
    expect(status).toBe(0);
    expectUnavailable(stdout, '/nowhere/holdfast.node');
  });

  test('that is no binary is native-unavailable', () => {
    const dir = scratch();
    build(dir, ['not.node: no binary']);
    const { stdout } = node(`const holdfast = require('./index.js');${REPORT}${CALLS}`, { env: { HOLDFAST_NATIVE_PATH: `${dir}/not.node` } });
    expectUnavailable(stdout, `${dir}/not.node`);
  });

  test('that is missing from the package is native-unavailable, and the message names platform and way out', () => {
    const folder = copyOfPackage({ withBinary: false });
    const { stdout, stderr } = node(`const holdfast = require('./index.js');${REPORT}${CALLS}`, { cwd: folder, env: { HOLDFAST_NATIVE_PATH: undefined } });
    expect(stderr).toBe('');
    expectUnavailable(stdout, `${process.platform}-${process.arch}`);
    expect(JSON.parse(stdout.split('\n')[0]!).message).toMatch(/HOLDFAST_NATIVE_PATH|npm|install/);
  });

  test('is the one that HOLDFAST_NATIVE_PATH names', () => {
    const dir = scratch();
    fs.copyFileSync(binaryOfPackage(), `${dir}/elsewhere.node`);
    const { stdout } = node("console.log(require('./index.js').capabilities().native)", { env: { HOLDFAST_NATIVE_PATH: `${dir}/elsewhere.node` } });
    expect(stdout).toBe(`${dir}/elsewhere.node`);
  });

  test('that appears after a failed call is taken by the next', () => {
    const folder = copyOfPackage({ withBinary: false });
    const name = path.basename(binaryOfPackage());
    fs.writeFileSync(path.join(folder, 'Cargo.toml'), '');
    const { stdout } = node(`
      const holdfast = require('./index.js');
      try { holdfast.capabilities() } catch (error) { console.log(error.code) }
      require('fs').copyFileSync(${JSON.stringify(binaryOfPackage())}, ${JSON.stringify(path.join(folder, name))});
      console.log(holdfast.capabilities().native);`, { cwd: folder, env: { HOLDFAST_NATIVE_PATH: undefined } });
    expect(stdout).toBe(`native-unavailable\n${path.join(folder, name)}`);
  });
});

describe('capabilities', () => {
  test('tells version, platform and what the system can do', () => {
    const found = esm.capabilities();
    expect(found).toMatchObject({ platform: process.platform, arch: process.arch, version: require('../../../package.json').version, native: binaryOfPackage() });
    for (const name of ['openat2', 'renameNoReplace', 'fchmodat2', 'statx'] as const) expect(typeof found[name]).toBe('boolean');
    expect(found.resolver).toBe(found.openat2 ? 'openat2' : 'walk');
  });

  test('cannot be changed for the next caller', () => {
    const found = esm.capabilities();
    try {
      (found as { version: string }).version = 'changed';
    } catch {
      // A frozen object is as good as a fresh one.
    }
    expect(esm.capabilities().version).toBe(require('../../../package.json').version);
  });
});

describe('the modules that a program imports', () => {
  /** Sources of the modules that an entry requires, by file. */
  function reachable(entries: string[]): Map<string, string> {
    const sources = new Map<string, string>();
    const visit = (file: string) => {
      if (sources.has(file)) return;
      const source = fs.readFileSync(file, 'utf8');
      sources.set(file, source);
      for (const [, required] of source.matchAll(/\brequire\(["'](\.[^"']+)["']\)/g)) visit(path.join(path.dirname(file), required!));
    };
    for (const entry of entries) visit(path.join(PACKAGE, entry));
    return sources;
  }

  it('can be bundled as ES modules: they require nothing but each other', () => {
    const sources = reachable(['index.js', 'dist/fs-safe/index.js']);
    expect(sources.size).toBeGreaterThan(40);
    for (const [file, source] of sources) {
      const code = source.replace(/^\s*(\*|\/\/|\/\*).*$/gm, '');
      for (const [, required] of code.matchAll(/\brequire\(([^)]*)\)/g)) expect(required, `required by ${file}`).toMatch(/^(["'])\.\.?\/[\w./-]+\.js\1$/);
      if (!file.endsWith('location.js')) expect(code, file).not.toMatch(/\b__(dir|file)name\b|\brequire\.|\bmodule\.(?!exports)/);
    }
  });

  it('have the version of package.json', () => {
    expect(require('../../../dist/base/version.js').version).toBe(require('../../../package.json').version);
  });
});

describe('in worker threads', () => {
  test('loads, works and ends, and the main thread goes on, also when the worker was first', () => {
    const { stdout, stderr, status } = node(`
      const { Worker } = require('node:worker_threads');
      const body = "const holdfast = require(" + JSON.stringify(require.resolve('./index.js')) + ");"
        + "const { parentPort } = require('node:worker_threads');"
        + "holdfast.readLocalFileSafely('/missing').catch((error) => { try { holdfast.readLocalFileSafelySync('/missing') } catch (again) { parentPort.postMessage(error.code + again.code) } })";
      const run = () => new Promise((resolve, reject) => {
        let answer;
        new Worker(body, { eval: true }).on('message', (message) => answer = message).on('error', reject).on('exit', (status) => resolve(answer + status));
      });
      (async () => {
        const first = await run();
        const rest = await Promise.all([run(), run(), run(), run()]);
        for (let round = 0; round < 10; round++) await run();
        const holdfast = require('./index.js');
        console.log(new Set([first, ...rest]).size, first, (await holdfast.readLocalFileSafely('/missing').catch((error) => error)).code);
      })();`);
    expect(stderr).toBe('');
    expect(status).toBe(0);
    expect(stdout).toBe('1 not-foundnot-found0 not-found');
  });

  test('may be terminated in the middle of calls', () => {
    const dir = scratch();
    build(dir, [`f: ${'x'.repeat(100_000)}`]);
    const { stdout, stderr, status } = node(`
      const { Worker } = require('node:worker_threads');
      const body = "const holdfast = require(" + JSON.stringify(require.resolve('./index.js')) + ");"
        + "const loop = async (call) => { for (;;) await call() };"
        + "loop(() => holdfast.readLocalFileSafely('${dir}/f')); loop(() => holdfast.writeAtomic('${dir}/g', Buffer.alloc(300000), { durable: false })); loop(() => holdfast.ensureDir('${dir}/d'));"
        + "require('node:worker_threads').parentPort.postMessage('running')";
      (async () => {
        for (let round = 0; round < 10; round++) {
          const worker = new Worker(body, { eval: true });
          await new Promise((resolve) => worker.once('message', resolve));
          await new Promise((resolve) => setTimeout(resolve, round * 3));
          await worker.terminate();
        }
        const holdfast = require('./index.js');
        console.log((await holdfast.readLocalFileSafely('${dir}/f')).buffer.length);
      })();`);
    expect(stderr).toBe('');
    expect(status).toBe(0);
    expect(stdout).toBe('100000');
  });

  test('process.exit in the middle of calls is no crash', () => {
    const dir = scratch();
    const { stderr, status } = node(`
      const holdfast = require('./index.js');
      for (let i = 0; i < 50; i++) holdfast.writeAtomic('${dir}/f' + i % 5, Buffer.alloc(200000), { durable: false });
      setTimeout(() => process.exit(7), 5);`);
    expect(stderr).toBe('');
    expect(status).toBe(7);
  });
});

describe('a child process', () => {
  test('inherits no descriptor of a call in progress', async () => {
    const dir = scratch();
    build(dir, [`f: ${'x'.repeat(1000)}`]);
    const script = `
      const holdfast = require(${JSON.stringify(path.join(PACKAGE, 'index.js'))});
      const { spawnSync } = require('child_process');
      const source = async function* () { yield 'x'; await 0; const seen = spawnSync('ls', ['-l', '/proc/self/fd'], { encoding: 'utf8' }).stdout; console.log(seen.includes(${JSON.stringify(dir)})); yield 'y'; };
      holdfast.openLocalFileSafely('${dir}/f').then(async ({ handle }) => { await holdfast.writeAtomic('${dir}/g', source()); await handle.close(); });`;
    expect(node(script).stdout).toBe('false');
  });

  test('imports by a file URL as well', () => {
    expect(node(`import { PRIVATE_DIR_MODE } from ${JSON.stringify(pathToFileURL(path.join(PACKAGE, 'index.mjs')).href)}; console.log(PRIVATE_DIR_MODE)`, { esm: true }).stdout).toBe('448');
  });
});
