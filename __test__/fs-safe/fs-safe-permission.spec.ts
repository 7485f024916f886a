// The functions of holdfast/fs-safe under Node's permission model, with no grant for the files that they read and write.
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { describe, expect, it } from 'vitest';
import { PACKAGE } from '../helpers/package-copy.js';
import { build, scratch, tree } from '../helpers/scratch.js';

const [major, minor] = process.versions.node.split('.').map(Number) as [number, number];
const PERMISSION = major > 23 || (major === 23 && minor >= 5) || (major === 22 && minor >= 13) ? '--permission' : '--experimental-permission';

const PROLOGUE = `
const { bindFsSafe } = require(process.argv[1] + '/dist/fs-safe/index.js');
class FsSafeError extends Error { constructor(code, message, options) { super(message, options); this.code = code; } }
const api = bindFsSafe({ FsSafeError });
const at = (name) => process.argv[2] + '/' + name;
const told = async (call) => { try { return (await call()) ?? 'done'; } catch (error) { return error.code + ': ' + error.message; } };
`;

/** Returns what a program prints in a Node with the given flags, and the directory that it worked on. */
function run(program: string, ...flags: string[]): { said: any; dir: string } {
  const dir = fs.realpathSync(scratch());
  build(dir, ['f: {}', 'd/']);
  fs.symlinkSync(`${dir}/f`, `${dir}/link`);
  const granted = [`--allow-fs-read=${PACKAGE}/*`, ...flags.map((flag) => flag.replace('DIR', dir))];
  const body = `${PROLOGUE}(async () => { const root = await api.root(at('')); console.log(JSON.stringify(await (async () => {${program}})())); })();`;
  const { stdout, stderr } = spawnSync(process.execPath, [PERMISSION, '--allow-addons', ...granted, '-e', body, PACKAGE, dir], { cwd: PACKAGE, encoding: 'utf8' });
  expect(stdout, stderr).not.toBe('');
  return { said: JSON.parse(stdout), dir };
}

const REFUSED = expect.stringMatching(/^unsupported-platform: .*--allow-fs-read=\*.*--allow-fs-write=\*/);

describe("under Node's permission model", () => {
  it.each([[], ['--allow-fs-write=*']])('a replacement is published and verified, with %j', (...flags) => {
    const { said, dir } = run(
      `return [
        await told(() => api.replaceFileAtomic({ filePath: at('a'), content: 'new' })),
        await told(() => api.replaceFileAtomicSync({ filePath: at('b'), content: 'new' })),
        await told(() => api.replaceFileAtomicSync({ filePath: at('c'), content: 'new', beforeRename() {} })),
        await told(() => api.replaceFileAtomic({ filePath: at('f'), content: 'new', preserveExistingMode: true })),
        await told(() => api.writeTextAtomic(at('g'), 'new')),
        await told(() => api.writeJson(at('h'), 1)),
      ];`,
      ...flags,
    );
    expect(said).toEqual([...Array.from({ length: 4 }, () => ({ method: 'rename' })), 'done', 'done']);
    for (const name of ['a', 'b', 'c', 'f', 'g']) expect(fs.readFileSync(`${dir}/${name}`, 'utf8')).toBe('new');
  });

  it('a replacement with a callback is refused before it publishes', () => {
    const { said, dir } = run(`return [
      await told(() => api.replaceFileAtomic({ filePath: at('f'), content: 'new', onDestinationState() {} })),
      await told(() => api.replaceFileAtomic({ filePath: at('f'), content: 'new', async beforeRename() {} })),
    ];`);
    expect(said).toEqual([REFUSED, REFUSED]);
    expect(fs.readFileSync(`${dir}/f`, 'utf8')).toBe('{}');
  });

  it('every call of a root works, whatever the kernel has in its caches', () => {
    const { said } = run(`
      const results = [];
      for (const call of [(r, i) => r.write('w' + i, 'x'), (r) => r.readText('f'), (r, i) => r.create('c' + i, 'x'), (r, i) => r.append('a' + i, 'x'), (r) => r.stat('f'),
        (r) => r.exists('f'), (r) => r.list('.'), (r) => r.remove('none', { force: true }), (r) => r.mkdir('made'), (r) => r.resolve('d'), (r, i) => r.move('w' + i, 'm' + i)]) {
        const fresh = await api.root(at(''));
        const calls = Array.from({ length: 100 }, (_, i) => call(fresh, i));
        results.push((await Promise.allSettled(calls)).filter(({ status }) => status === 'rejected').map(({ reason }) => String(reason)));
      }
      return results;`);
    expect(said).toEqual(Array.from({ length: 11 }, () => []));
  });

  it('a link with an absolute target is followed, and one that leads out is told', () => {
    const { said } = run(`
      const follow = { symlinks: 'follow-within-root' };
      return [await root.readText('link', follow), await told(() => root.resolve('f/')), await told(async () => (await api.root(at('d'))).readText('../f', follow))];`);
    expect(said).toEqual(['{}', expect.stringMatching(/^outside-workspace/), expect.stringMatching(/^outside-workspace/)]);
  });

  it.each([[], ['--allow-fs-write=*'], ['--allow-fs-read=DIR/*', '--allow-fs-write=DIR/*']])('openWritable is refused before it creates a file, with %j', (...flags) => {
    const { said, dir } = run(`return [await told(() => root.openWritable('d/new')), await told(() => root.openWritable('f')), await told(() => root.append('f', 'x'))];`, ...flags);
    expect(said).toEqual([REFUSED, REFUSED, REFUSED]);
    expect(Object.keys(tree(dir)).sort()).toEqual(['.', './d', './f', './link']);
    expect(fs.readFileSync(`${dir}/f`, 'utf8')).toBe('{}');
  });

  it.each([[], ['--allow-fs-read=DIR/*']])('openRootFile reports it in its result, with %j', (...flags) => {
    const { said } = run(
      `const params = { absolutePath: at('f'), rootPath: at(''), boundaryLabel: 'root' };
      return [await told(() => api.openRootFile(params)), await told(() => api.openRootFileSync(params))];`,
      ...flags,
    );
    const denied = process.platform === 'linux' ? { ok: false, reason: 'io', error: { code: 'ERR_ACCESS_DENIED' } } : expect.anything();
    expect(said).toMatchObject([denied, denied]);
  });

  it.runIf(process.platform === 'linux')('openRootFile needs its root and /proc/self/fd', () => {
    const params = "{ absolutePath: at('f'), rootPath: at(''), boundaryLabel: 'root' }";
    const { said } = run(`return [(await api.openRootFile(${params})).ok, api.openRootFileSync(${params}).ok];`, '--allow-fs-read=DIR/*', '--allow-fs-read=/proc/self/fd/*');
    expect(said).toEqual([true, true]);
  });

  it.runIf(process.platform === 'linux')('the flags that the message names are enough', () => {
    const { said, dir } = run(
      `const { handle } = await root.openWritable('d/new');
      await handle.writeFile('new');
      await handle.close();
      return [await told(() => root.append('f', 'x')), await told(() => root.copyIn('copy', at('f'))), await told(() => api.replaceFileAtomic({ filePath: at('g'), content: '', async beforeRename() {} }))];`,
      '--allow-fs-read=/proc/self/fd/*',
      '--allow-fs-write=/proc/self/fd/*',
    );
    expect(said).toEqual(['done', 'done', { method: 'rename' }]);
    expect(fs.readFileSync(`${dir}/f`, 'utf8')).toBe('{}x');
    expect(fs.readFileSync(`${dir}/d/new`, 'utf8')).toBe('new');
  });
});
