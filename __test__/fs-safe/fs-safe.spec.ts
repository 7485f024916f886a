// holdfast/fs-safe: the tables of docs/fs-safe.md, row by row, and cases that do not fit into a table.
import * as fs from 'node:fs';
import * as path from 'node:path';
import { spawnSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import * as holdfast from '../../index.mjs';
import { bindFsSafe, bindSafeOpen, ensureParentDirSync } from '../../fs-safe.mjs';
import { FsSafeError, documentedRows, namesOf, outbound, plain, rowsOf, thrown, told } from '../helpers/fs-safe-hosts.js';
import { outcomes } from '../helpers/fs-safe-outcomes.js';
import { sysOutcomes } from '../helpers/sys-fs-safe-outcomes.js';
import { build, modeOf, scratch, tree } from '../helpers/scratch.js';

const PROJECT = path.resolve(import.meta.dirname, '../..');

describe('an outcome of the documentation', () => {
  test('is brought about by one of the specs, each of them, and there are no others', () => {
    const documented = documentedRows().map(({ call, outcome }) => `${call} | ${outcome}`);
    expect(new Set(documented).size).toBe(documented.length);
    expect(documented.length).toBeGreaterThan(100);
    expect([...namesOf(outcomes), ...namesOf(sysOutcomes)].sort()).toEqual(documented.sort());
  });

  test.each(rowsOf(outcomes))('$call, $outcome: $expected', async ({ bring, expected }) => {
    const dir = scratch();
    expect(await told(() => bring(dir))).toBe(expected);
    // By a walk that follows no symlink: some lead out of this directory.
    expect(Object.keys(tree(dir)).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });
});

describe('errors', () => {
  test('name no path in their message, which a host may show, and all facts in their cause', async () => {
    const dir = scratch();
    const error = await plain.readLocalFileSafely({ filePath: `${dir}/secret-name` }).catch((error) => error);
    expect(error.message).not.toContain('secret-name');
    expect(error.cause).toMatchObject({ code: 'ENOENT', syscall: 'open', path: `${dir}/secret-name` });
  });

  test('of a file that may not be sent have a reason and a remedy', async () => {
    const dir = scratch();
    build(dir, ['f 0600: text']);
    const error = await outbound.readLocalFileSafely({ filePath: `${dir}/f` }).catch((error) => error);
    expect(holdfast.isHoldfastError(error)).toBe(true);
    expect(error).not.toBeInstanceOf(FsSafeError);
    expect(error.message).toContain('mode 0644');
  });

  test('have the caller on their stack', async () => {
    const error = await plain.readLocalFileSafely({ filePath: '/nowhere/f' }).catch((error) => error);
    expect(error.stack).toContain('fs-safe.spec.ts');
  });
});

describe('a binding', () => {
  test.each([
    ['no class', () => bindFsSafe({} as never)],
    ['no options', () => bindFsSafe(undefined as never)],
    ['a misspelt outbound', () => bindFsSafe({ FsSafeError, outbound: 'yes' as never })],
    ['no class of the older generation', () => bindSafeOpen({} as never)],
  ])('refuses %s', (_name, bind) => {
    expect(bind).toThrow(TypeError);
  });

  test('takes its options once', async () => {
    const dir = scratch();
    build(dir, ['f 0600: text']);
    const options = { allowOwnerOnly: true };
    const api = bindFsSafe({ FsSafeError, outbound: options });
    options.allowOwnerOnly = false;
    expect((await api.readLocalFileSafely({ filePath: `${dir}/f` })).buffer.toString()).toBe('text');
  });

  test('of reads without a root works without its object', async () => {
    const dir = scratch();
    build(dir, ['f: text']);
    const { readLocalFileSafely } = plain;
    expect((await readLocalFileSafely({ filePath: `${dir}/f` })).containment).toBe('best-effort');
  });
});

describe('the original', () => {
  const dirOf = () => {
    const dir = scratch();
    build(dir, ['f: text']);
    return dir;
  };
  const asked: unknown[][] = [];
  const original = {
    replaceFileAtomic: async (options: object) => (asked.push(['replaceFileAtomic', options]), { method: 'rename' as const }),
    replaceFileAtomicSync: (options: object) => (asked.push(['replaceFileAtomicSync', options]), { method: 'rename' as const }),
    root: async (dir: string, defaults: object) => {
      asked.push(['root', dir, defaults]);
      return {
        append: async (...args: unknown[]) => void asked.push(['append', ...args]),
        write: async (...args: unknown[]) => void asked.push(['write', ...args]),
        async *walk(...args: unknown[]) {
          asked.push(['walk', ...args]);
          yield { relativePath: 'f' };
        },
      };
    },
  };
  const api = bindFsSafe({ FsSafeError, original });

  test('gets an injected file system together with the lock of renameIdentity', async () => {
    const fileSystem = { renameSync: () => {}, promises: { rename: async () => {} } } as never;
    const options = { filePath: '/nowhere/f', content: 'new', renameIdentity: 'verify-content-with-lock' as const, fileSystem };
    await api.replaceFileAtomic(options);
    api.replaceFileAtomicSync(options);
    expect(asked.splice(0)).toEqual([['replaceFileAtomic', options], ['replaceFileAtomicSync', options]]);
  });

  test('gets the calls of a root that are not ours, and makes one root for them', async () => {
    const dir = dirOf();
    const root = await api.root(dir, { mkdir: false });
    const options = { denyMutations: { paths: ['/nowhere'] } };
    await root.append('f', 'more', options);
    await root.append('g', 'other', options);
    expect(asked.splice(0)).toEqual([['root', dir, { mkdir: false }], ['append', 'f', 'more', options], ['append', 'g', 'other', options]]);
  });

  test('gets a write with paths that may not be touched', async () => {
    const dir = dirOf();
    const root = await api.root(dir);
    const options = { denyMutations: { prefixes: [`${dir}/e`] } };
    await root.write('f', 'new', options);
    expect(asked.splice(0).at(-1)).toEqual(['write', 'f', 'new', options]);
    await root.write('f', 'new', { denyMutations: { paths: [], prefixes: [] } });
    expect(asked).toEqual([]);
    expect(fs.readFileSync(`${dir}/f`, 'utf8')).toBe('new');
  });
});

describe('a root', () => {
  test('holds no more than 64 descriptors, however many there are, and all of them work', async () => {
    const dir = scratch();
    build(dir, Array.from({ length: 80 }, (_, i) => `d${i}/f: ${i}`));
    const before = fs.readdirSync('/proc/self/fd').length;
    const roots = [];
    for (let i = 0; i < 80; i += 1) roots.push(await plain.root(`${dir}/d${i}`));
    expect(fs.readdirSync('/proc/self/fd').length - before).toBeLessThanOrEqual(64);
    const texts = await Promise.all(roots.map((root) => root.readText('f')));
    expect(texts).toEqual(roots.map((_, i) => String(i)));
    expect(fs.readdirSync('/proc/self/fd').length - before).toBeLessThanOrEqual(64);
  });

  describe('where links may be followed', () => {
    const layout = ['f: text', 'e/f: inner', 'al => $DIR/f', 'ale => $DIR/e', 'twice => ale', 'out => /etc', 'up => ../..', 'dangling => $DIR/none'];
    const followed = { symlinks: 'follow-within-root' } as const;
    const parents = { symlinks: 'follow-parents-within-root' } as const;

    test.each([
      ['al', followed, 'text'],
      ['ale/f', followed, 'inner'],
      ['ale/f', parents, 'inner'],
      ['twice/f', followed, 'inner'],
    ])('reads %s, whose target is absolute and beneath the root', async (name, options, text) => {
      const dir = scratch();
      build(dir, layout);
      expect(await (await plain.root(dir)).readText(name, options)).toBe(text);
      expect((await plain.readLocalFileFromRoots({ filePath: `${dir}/${name}`, roots: [dir], ...options }))?.buffer.toString()).toBe(text);
    });

    test.each([
      ['al', parents, 'symlink'],
      ['al', {}, 'symlink'],
      ['ale/f', {}, 'symlink'],
      ['out/passwd', followed, 'outside-workspace'],
      ['up/etc/passwd', followed, 'outside-workspace'],
      ['dangling', followed, 'not-found'],
    ])('does not read %s with %o: %s', async (name, options, code) => {
      const dir = scratch();
      build(dir, layout);
      const error = await (await plain.root(dir)).read(name, options).catch((error) => error);
      expect(error).toMatchObject({ name: 'FsSafeError', code });
    });

    test('writes and makes directories through them, and nothing outside', async () => {
      const dir = scratch();
      build(dir, ['root/e/', 'outside/', 'root/in => $DIR/root/e', 'root/out => $DIR/outside']);
      const root = await plain.root(`${dir}/root`);
      await root.write('in/a/f', 'new');
      await root.mkdir('in/b/c');
      expect(fs.readFileSync(`${dir}/root/e/a/f`, 'utf8')).toBe('new');
      expect(fs.existsSync(`${dir}/root/e/b/c`)).toBe(true);
      const before = tree(dir);
      await expect(root.write('out/f', 'new')).rejects.toMatchObject({ code: 'path-alias' });
      await expect(root.write('out/a/f', 'new')).rejects.toMatchObject({ code: 'path-alias' });
      await expect(root.mkdir('out/a')).rejects.toMatchObject({ code: 'path-alias' });
      expect(tree(dir)).toEqual(before);
    });
  });

  test('keeps the owner, group and bits of what it replaces, and its parents their modes', async () => {
    const dir = scratch();
    build(dir, ['e/ 0750', 'e/f 0640: old']);
    await (await plain.root(dir)).write('e/f', 'new');
    expect([modeOf(`${dir}/e`), modeOf(`${dir}/e/f`)]).toEqual([0o750, 0o640]);
  });
});

describe('the directory of a file', () => {
  const options = (dir: string) => ({ trustedRoot: dir, messagePrefix: 'Refusing' });

  test('is made private and given back as it was spelled', () => {
    const dir = scratch();
    expect(ensureParentDirSync(`${dir}/a/./b/f.json`, options(dir))).toBe(`${dir}/a/./b`);
    expect([modeOf(`${dir}/a`), modeOf(`${dir}/a/b`)]).toEqual([0o700, 0o700]);
  });

  test('may be the trusted root itself, which is made when it is missing', () => {
    const dir = scratch();
    expect(ensureParentDirSync(`${dir}/home/f`, options(`${dir}/home`))).toBe(`${dir}/home`);
    expect(modeOf(`${dir}/home`)).toBe(0o700);
  });

  test('loses what goes beyond its owner, and nothing else', () => {
    const dir = scratch();
    build(dir, ['e/ 2755']);
    ensureParentDirSync(`${dir}/e/f`, options(dir));
    expect(modeOf(`${dir}/e`)).toBe(0o2700);
  });

  test('may lie beneath a trusted root that is reached through a link', () => {
    const dir = scratch();
    build(dir, ['home/', 'link => home']);
    expect(ensureParentDirSync(`${dir}/link/a/f`, options(`${dir}/link`))).toBe(`${dir}/link/a`);
    expect(modeOf(`${dir}/home/a`)).toBe(0o700);
  });

  test.each([
    ['the first component', 'l/f', 'l'],
    ['one on the way', 'e/l/x/f', 'e/l'],
    ['the last one', 'e/l/f', 'e/l'],
  ])('is refused for a link beneath the root, which the message names: %s', (_name, file, at) => {
    const dir = scratch();
    build(dir, ['e/', 'other/x/', 'l => e', 'e/l => ../other']);
    const before = tree(dir);
    expect(() => ensureParentDirSync(`${dir}/${file}`, options(dir))).toThrow(`Refusing must not traverse symlinked directory: ${dir}/${at}`);
    expect(tree(dir)).toEqual(before);
  });

  test('may lie outside the root where that is allowed, and is no link there either', () => {
    const dir = scratch();
    build(dir, ['home/', 'e/', 'l => e']);
    const outside = { ...options(`${dir}/home`), allowOutsideRoot: true };
    expect(ensureParentDirSync(`${dir}/e/f`, outside)).toBe(`${dir}/e`);
    expect(() => ensureParentDirSync(`${dir}/l/f`, outside)).toThrow(`Refusing must not traverse symlinked directory: ${dir}/l`);
  });

  test.each([
    ['no root', { trustedRoot: undefined }],
    ['a style that does not exist', { trustedRoot: '/', style: 'new' }],
  ])('is a TypeError with %s', (_name, wrong) => {
    expect(() => ensureParentDirSync('/nowhere/f', wrong as never)).toThrow(TypeError);
  });
});

describe('an exception of a callback', () => {
  const values = [thrown, undefined, 0, 'text', Object.assign(new Error('EBUSY'), { code: 'EBUSY', errno: -16 }), refusalOfOurs()];
  test.each(values)('reaches the caller as it is: %s', async (value) => {
    const dir = scratch();
    const refuse = () => {
      throw value;
    };
    const file = { filePath: `${dir}/f`, content: 'new', renameMaxRetries: 3 };
    const root = await plain.root(dir);
    const calls: (() => unknown)[] = [
      () => plain.replaceFileAtomic({ ...file, beforeRename: async () => refuse() }),
      () => plain.replaceFileAtomicSync({ ...file, beforeRename: refuse }),
      () => plain.replaceFileAtomic({ ...file, assertBeforeMutation: refuse }),
      () => plain.replaceFileAtomicSync({ ...file, assertBeforeMutation: refuse }),
      () => root.write('f', 'new', { assertBeforeMutation: refuse }),
      () => root.mkdir('e', { assertBeforeMutation: refuse }),
      () => root.create('f', (async function* () { refuse(); })()),
    ];
    for (const call of calls) {
      const caught = await Promise.resolve().then(call).then(() => 'nothing', (error) => ({ error }));
      expect(caught).toEqual({ error: value });
      expect((caught as { error: unknown }).error).toBe(value);
    }
    expect(fs.readdirSync(dir)).toEqual([]);
  });

  function refusalOfOurs(): unknown {
    try {
      return holdfast.readLocalFileSafelySync('/nowhere/f');
    } catch (error) {
      return error;
    }
  }
});

describe('the module', () => {
  const run = (script: string, ...flags: string[]) => spawnSync(process.execPath, [...flags, '-e', script], { cwd: PROJECT, encoding: 'utf8' }).stdout.trim();
  const maps = "require('node:fs').readFileSync('/proc/self/maps', 'utf8')";

  test('is the same for require and import, by the name of the package', () => {
    const required = run("console.log(Object.keys(require('holdfast/fs-safe')).sort().join())");
    const imported = run("import * as all from 'holdfast/fs-safe'; console.log(Object.keys(all).sort().join())", '--input-type=module');
    expect(required).toBe('bindFsSafe,bindSafeOpen,ensureParentDirSync');
    expect(imported).toBe(required);
  });

  test('loads no binary until a call needs it', () => {
    const bind = "const api = require('holdfast/fs-safe').bindFsSafe({ FsSafeError: class extends Error {} });";
    const isLoaded = `console.log(/holdfast[^/]*\\.node/.test(${maps}));`;
    expect(run(`${bind} ${isLoaded}`)).toBe('false');
    expect(run(`${bind} api.readLocalFileSafely({ filePath: 'package.json' }).then(() => ${isLoaded.slice(0, -1)});`)).toBe('true');
  });
});
