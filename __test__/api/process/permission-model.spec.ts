// The calls whose handle node:fs makes, under Node's permission model.
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { describe, expect, it } from 'vitest';
import { PACKAGE } from '../../helpers/package-copy.js';
import { build, scratch, tree } from '../../helpers/scratch.js';

const [major, minor] = process.versions.node.split('.').map(Number) as [number, number];
const PERMISSION = major > 23 || (major === 23 && minor >= 5) || (major === 22 && minor >= 13) ? '--permission' : '--experimental-permission';

const PROGRAM = `
const { openLocalFileSafely, stageAtomic } = require(process.argv[1]);
const told = ({ code, message, cause }) => ({ code, message, cause: cause?.code });
(async () => {
  const opened = await openLocalFileSafely('f').then(async ({ handle }) => { await handle.close(); return 'opened'; }, told);
  const staged = await stageAtomic('g').then(async (file) => { await file.abort(); return 'staged'; }, told);
  console.log(JSON.stringify({ opened, staged }));
})();
`;

/** Returns the results or errors of the calls in a Node with the given flags. */
function run(...flags: string[]): { opened: unknown; staged: unknown } {
  return runProgram(PROGRAM, ...flags);
}

function runProgram(program: string, ...flags: string[]): { opened: unknown; staged: unknown } {
  const dir = fs.realpathSync(scratch());
  build(dir, ['f: x']);
  const readable = [`--allow-fs-read=${PACKAGE}/*`, `--allow-fs-read=${dir}/*`];
  const { stdout, stderr } = spawnSync(process.execPath, [PERMISSION, '--allow-addons', ...readable, ...flags, '-e', program, PACKAGE], { cwd: dir, encoding: 'utf8' });
  expect(stdout, stderr).not.toBe('');
  expect(Object.keys(tree(dir))).toEqual(['.', './f']);
  return JSON.parse(stdout);
}

const ADAPTER = `
const { bindFsSafe } = require(process.argv[1] + '/dist/fs-safe/index.js');
class FsSafeError extends Error { constructor(code, message, options) { super(message, options); this.code = code; } }
(async () => {
  const root = await bindFsSafe({ FsSafeError }).root(process.cwd());
  const told = ({ code, message }) => ({ code, message });
  console.log(JSON.stringify({ opened: await root.open('f').then(() => 'opened', told), staged: await root.append('f', 'x').then(() => 'written', told) }));
})();
`;

describe("Node's permission model", () => {
  const refused = { code: 'unsupported-platform', cause: 'ERR_ACCESS_DENIED', message: expect.stringMatching(/permission model .*--allow-fs-read=\*.*--allow-fs-write=\*/) };

  it('is named, with its flags, by the adapters too', () => {
    const said = { code: 'unsupported-platform', message: expect.stringMatching(/--allow-fs-read=\*/) };
    expect(runProgram(ADAPTER)).toEqual({ opened: said, staged: said });
  });

  it('is named, with its flags, where it refuses the handle', () => {
    const { opened, staged } = run();
    expect([opened, staged]).toEqual([refused, refused]);
    expect(JSON.stringify([opened, staged])).not.toContain('is /proc mounted');
  });

  it('is satisfied by the flags that the message names', () => {
    expect(run('--allow-fs-read=*')).toEqual({ opened: 'opened', staged: refused });
    expect(run('--allow-fs-read=*', '--allow-fs-write=*')).toEqual({ opened: 'opened', staged: 'staged' });
    if (process.platform === 'linux') expect(run('--allow-fs-read=/proc/self/fd/*', '--allow-fs-write=/proc/self/fd/*')).toEqual({ opened: 'opened', staged: 'staged' });
  });
});
