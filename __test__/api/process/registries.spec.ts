import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { createRequire, isBuiltin } from 'node:module';
import * as path from 'node:path';
import { fileURLToPath } from 'node:url';
import { createContext, runInContext } from 'node:vm';
import { describe, expect, test } from 'vitest';
import * as holdfast from '../../../index.mjs';
import { failure } from '../../helpers/forms.js';
import { build, scratch } from '../../helpers/scratch.js';

const ENTRY = fileURLToPath(new URL('../../../index.js', import.meta.url));

/** Loads the package as test runners do: each module in a context that has its own Error and Uint8Array. */
function inAContext(): typeof holdfast {
  const context = createContext({ Buffer, process, URL, setTimeout });
  const modules = new Map<string, { exports: any }>();
  const load = (file: string): any => {
    const before = modules.get(file);
    if (before !== undefined) return before.exports;
    const module = { exports: {} };
    modules.set(file, module);
    const native = createRequire(file);
    const require = (id: string) => (isBuiltin(id) || /\.(node|json)$/.test(id) ? native(id) : load(native.resolve(id)));
    require.resolve = native.resolve;
    const body = runInContext(`(function (exports, require, module, __filename, __dirname) {${fs.readFileSync(file, 'utf8')}\n})`, context, { filename: file });
    body(module.exports, require, module, file, path.dirname(file));
    return module.exports;
  };
  return load(ENTRY);
}

describe('a copy of the package in another context', () => {
  test('knows the errors of this one, and this one those of it', async () => {
    const copy = inAContext();
    const dir = scratch();
    const theirs = await Promise.all([copy.readLocalFileSafely(`${dir}/none`), copy.ensureDir('a\0b'), copy.writeAtomic(`${dir}/none/f`, 'x')].map((call) => call.catch((error: unknown) => error)));
    const ours = await failure(() => holdfast.readLocalFileSafely(`${dir}/none`));
    for (const error of theirs) {
      expect(error).not.toBeInstanceOf(Error);
      expect(holdfast.isHoldfastError(error)).toBe(true);
      expect(copy.isHoldfastError(error)).toBe(true);
    }
    expect(copy.isHoldfastError(ours)).toBe(true);
  });

  test('takes paths and data of this one', async () => {
    const copy = inAContext();
    const dir = scratch();
    build(dir, ['d/ 0700']);
    expect((await copy.writeAtomic(Buffer.from(`${dir}/f`), Buffer.from('x'))).size).toBe(1);
    expect(copy.writeAtomicSync(Buffer.from(`${dir}/f`), new Uint8Array(2)).size).toBe(2);
    expect((await copy.readLocalFileSafely(Buffer.from(`${dir}/f`))).buffer.length).toBe(2);
    expect(copy.readLocalFileSafelySync(Buffer.from(`${dir}/f`)).buffer.length).toBe(2);
    expect((await copy.writeAtomic(Buffer.from(`${dir}/f`), ['a', new Uint8Array(2)])).size).toBe(3);
    expect(await copy.writeAtomicMany([{ file: Buffer.from(`${dir}/f`), data: Buffer.from('abcd') }])).toMatchObject([{ value: { size: 4 } }]);
    expect((await copy.ensureDir(Buffer.from(`${dir}/d`))).hardening).toBe('not-needed');
    copy.openRootSync(Buffer.from(dir)).close();
  });
});

describe('many copies in one process, as registries of modules that are thrown away leave them', () => {
  const script = `
    const fs = require('node:fs');
    process.on('warning', (warning) => console.log(warning.name));
    const entry = ${JSON.stringify(ENTRY)};
    const copies = Array.from({ length: 20 }, () => {
      for (const name of Object.keys(require.cache)) if (!name.endsWith('.node')) delete require.cache[name];
      const copy = require(entry);
      copy.capabilities();
      return copy;
    });
    const dir = process.argv[1];
    const staged = copies.map((copy, number) => copy.stageAtomic(dir + '/f' + number));
    console.log(new Set(copies).size, process.listenerCount('exit'));
    Promise.all(staged).then(() => {
      console.log(fs.readdirSync(dir).length);
      process.exit();
    });`;

  test('add one listener of the event `exit`, no warning, and leave no temporary', () => {
    const dir = scratch();
    const { stdout, stderr, status } = spawnSync(process.execPath, ['-e', script, '--', dir], { encoding: 'utf8' });
    expect({ stdout, stderr, status }).toEqual({ stdout: '20 1\n20\n', stderr: '', status: 0 });
    expect(fs.readdirSync(dir)).toEqual([]);
  });

  test('are collected with their memory', () => {
    const dir = scratch();
    fs.writeFileSync(`${dir}/f`, 'content');
    const program = `
      const entry = ${JSON.stringify(ENTRY)};
      const load = () => {
        for (const name of Object.keys(require.cache)) if (/[.](js|json)$/.test(name) && name !== __filename) delete require.cache[name];
        module.children.length = 0;
        const copy = require(entry);
        copy.readLocalFileSafelySync(process.argv[2]);
        copy.openRootSync('/').readSync(process.argv[2]);
      };
      const settle = async () => { for (let n = 0; n < 5; n++) { gc(); await new Promise(setImmediate); } };
      (async () => {
        for (let n = 0; n < 20; n++) load();
        await settle();
        const before = process.memoryUsage().arrayBuffers;
        for (let n = 0; n < 100; n++) load();
        await settle();
        console.log(process.memoryUsage().arrayBuffers - before);
      })();`;
    // A file, because Node keeps the modules that `-e` requires.
    fs.writeFileSync(`${dir}/program.js`, program);
    const { stdout, stderr } = spawnSync(process.execPath, ['--expose-gc', `${dir}/program.js`, `${dir}/f`], { encoding: 'utf8' });
    // One copy has a pool of 64 KiB and scratch memory of 8 KiB.
    expect(stdout, stderr).toMatch(/^-?\d+\n$/);
    expect(Number(stdout)).toBeLessThan(10 * 72 * 1024);
  });
});
