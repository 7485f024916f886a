// Each option of replaceFileAtomic in docs/fs-safe.md: mapped options have an effect, ignored ones have none.
import * as fs from 'node:fs';
import * as path from 'node:path';
import { describe, expect, test } from 'vitest';
import { bindFsSafe } from '../../fs-safe.mjs';
import { FsSafeError, plain, thrown, told } from '../helpers/fs-safe-hosts.js';
import { build, modeOf, scratch, strays } from '../helpers/scratch.js';
import { underUmask } from '../helpers/umask.js';

const PROJECT = path.resolve(import.meta.dirname, '../..');
const { replaceFileAtomic, replaceFileAtomicSync, writeTextAtomic } = plain;
type Options = Partial<Parameters<typeof replaceFileAtomic>[0]>;

/** Runs one call with both twins. Returns what each made of the directory. */
async function both(layout: readonly string[], options: Options, look: (dir: string) => unknown, name = 'e/f'): Promise<unknown> {
  const seen = [];
  for (const call of [replaceFileAtomic, replaceFileAtomicSync]) {
    const dir = scratch();
    build(dir, layout);
    const outcome = await told(() => call({ filePath: `${dir}/${name}`, content: 'new', ...options } as never));
    expect(strays(dir)).toEqual([]);
    seen.push([outcome, look(dir)]);
  }
  expect(seen[1]).toEqual(seen[0]);
  return seen[0];
}

const done = '`{"method":"rename"}`';
const fileOf = (dir: string) => [modeOf(`${dir}/e/f`), fs.readFileSync(`${dir}/e/f`, 'utf8')];
const nothing = () => undefined;
const refusedPrefix = '`FsSafeError` `invalid-path`';

const OPTIONS: Record<string, () => Promise<void>> = {
  async filePath() {
    const dir = scratch();
    const before = process.cwd();
    process.chdir(dir);
    const writing = replaceFileAtomic({ filePath: 'e/f', content: 'new' });
    process.chdir(before);
    await writing;
    expect(fs.readFileSync(`${dir}/e/f`, 'utf8')).toBe('new');
  },
  async content() {
    expect(await both([], { content: new Uint8Array([65, 66]) }, fileOf)).toEqual([done, [0o600, 'AB']]);
    expect(await both([], { content: ['a', 'b'] as never }, nothing)).toEqual(['`TypeError`', undefined]);
  },
  async mode() {
    await underUmask(0o077, async () => expect(await both(['e/f 0600: old'], { mode: 0o644 }, fileOf)).toEqual([done, [0o644, 'new']]));
    expect(await both([], { mode: 0o4755 }, fileOf)).toEqual([done, [0o755, 'new']]);
    expect(await both(['e/f 0644: old'], {}, fileOf)).toEqual([done, [0o600, 'new']]);
  },
  async dirMode() {
    const parents = (dir: string) => [modeOf(`${dir}/e`), modeOf(`${dir}/e/a`)];
    await underUmask(0o077, async () => expect(await both([], { dirMode: 0o750 }, parents, 'e/a/f')).toEqual([done, [0o750, 0o750]]));
    expect(await both(['e/ 0755', 'e/a/ 0777'], {}, parents, 'e/a/f')).toEqual([done, [0o755, 0o700]]);
    expect(await both(['e/ 0700', 'e/a/ 0700'], { dirMode: 0o755 }, parents, 'e/a/f')).toEqual([done, [0o700, 0o700]]);
    for (const dirMode of [0o1777, 0o2775]) {
      expect(await both(['e/ 0755'], { dirMode }, parents, 'e/a/f')).toEqual([done, [0o755, dirMode]]);
      expect(await both(['e/ 0755', 'e/a/ 0777'], { dirMode }, parents, 'e/a/f')).toEqual([done, [0o755, dirMode]]);
    }
    expect(await both(['e/ 0755'], { dirMode: 0o4755 }, parents, 'e/a/f')).toEqual([done, [0o755, 0o755]]);
  },
  async preserveExistingMode() {
    expect(await both(['e/f 0640: old'], { preserveExistingMode: true, mode: 0o644 }, fileOf)).toEqual([done, [0o640, 'new']]);
    expect(await both([], { preserveExistingMode: true, mode: 0o644 }, fileOf)).toEqual([done, [0o644, 'new']]);
    expect(await both(['e/', 'g: old', 'e/f => ../g'], { preserveExistingMode: true }, (dir) => fs.readFileSync(`${dir}/g`, 'utf8'))).toEqual([
      '`FsSafeError` `symlink`',
      'old',
    ]);
  },
  async tempPrefix() {
    expect(await both([], { tempPrefix: '.mine' }, fileOf)).toEqual([done, [0o600, 'new']]);
    for (const tempPrefix of ['', '.', '..', 'a/b', 'a\0']) expect(await both([], { tempPrefix }, nothing)).toEqual([refusedPrefix, undefined]);
    let temporary = '';
    await replaceFileAtomic({ filePath: `${scratch()}/f`, content: 'new', tempPrefix: '.mine', beforeRename: async ({ tempPath }) => void (temporary = tempPath) });
    expect(path.basename(temporary)).not.toContain('mine');
  },
  async copyFallbackRestore() {
    expect(await both([], { copyFallbackRestore: 'restore-original' }, nothing)).toEqual(['`RangeError`', undefined]);
    expect(await both([], { copyFallbackRestore: 'none' }, fileOf)).toEqual([done, [0o600, 'new']]);
  },
  async maxRestoreBytes() {
    expect(await both(['e/f: longer than one byte'], { copyFallbackRestore: 'restore-original', maxRestoreBytes: 1 }, fileOf)).toEqual([done, [0o600, 'new']]);
  },
  async destinationHardlinks() {
    const layout = ['e/f: old', 'e/g == e/f'];
    expect(await both(layout, { destinationHardlinks: 'reject' }, (dir) => fs.readFileSync(`${dir}/e/g`, 'utf8'))).toEqual(['`FsSafeError` `hardlink`', 'old']);
    expect(await both(layout, {}, (dir) => [...fileOf(dir), fs.readFileSync(`${dir}/e/g`, 'utf8')])).toEqual([done, [0o600, 'new', 'old']]);
  },
  async renameIdentity() {
    expect(await both([], { renameIdentity: 'verify-content-with-lock' }, (dir) => fs.readdirSync(`${dir}/e`))).toEqual([done, ['f']]);
    expect(await both([], { renameIdentity: 'loose' as never }, nothing)).toEqual(['`RangeError`', undefined]);
  },
  async assertBeforeMutation() {
    const counted = (more: Options = {}) => {
      let count = 0;
      return { options: { ...more, assertBeforeMutation: () => void (count += 1) }, count: () => count };
    };
    const once = counted();
    await replaceFileAtomic({ filePath: `${scratch()}/e/f`, content: 'new', ...once.options } as never);
    expect(once.count()).toBe(3);
    const atOnce = counted();
    replaceFileAtomicSync({ filePath: `${scratch()}/e/f`, content: 'new', ...atOnce.options } as never);
    expect(atOnce.count()).toBe(2);
    let asked = 0;
    const late = () => {
      asked += 1;
      if (asked === 3) throw thrown;
    };
    const dir = scratch();
    build(dir, ['e/f: old']);
    expect(await told(() => replaceFileAtomic({ filePath: `${dir}/e/f`, content: 'new', assertBeforeMutation: late }))).toBe('what it threw');
    expect([fs.readFileSync(`${dir}/e/f`, 'utf8'), fs.readdirSync(`${dir}/e`)]).toEqual(['old', ['f']]);
    const staged = counted({ beforeRename: async () => {} });
    await replaceFileAtomic({ filePath: `${scratch()}/e/f`, content: 'new', ...staged.options } as never);
    expect(staged.count()).toBe(3);
    expect(await both([], { assertBeforeMutation: (async () => {}) as never }, (dir) => fs.readdirSync(dir))).toEqual(['`TypeError`', []]);
  },
  async onDestinationState() {
    const states: unknown[] = [];
    const look = (dir: string) => {
      const { dev, ino } = fs.lstatSync(`${dir}/e/f`, { bigint: true });
      expect(states.splice(0)).toEqual([{ state: 'published', path: `${dir}/e/f`, dev, ino }]);
    };
    await both([], { onDestinationState: (state) => void states.push(state) }, look);
    expect(await both(['e/p |'], { onDestinationState: () => expect.fail('nothing was published') }, nothing, 'e/p')).toEqual(['`FsSafeError` `not-file`', undefined]);
  },
  async beforeRename() {
    const dir = scratch();
    build(dir, ['f 0640: old']);
    let staged = 0;
    await replaceFileAtomic({
      filePath: `${dir}/f`,
      content: 'new',
      preserveExistingMode: true,
      beforeRename: async ({ tempPath }) => {
        staged = fs.statSync(tempPath).ino;
        fs.appendFileSync(tempPath, ' and more');
        expect(fs.readFileSync(`${dir}/f`, 'utf8')).toBe('old');
      },
    });
    expect([fs.statSync(`${dir}/f`).ino, modeOf(`${dir}/f`), fs.readFileSync(`${dir}/f`, 'utf8')]).toEqual([staged, 0o640, 'new and more']);
    const exchange = (temp: string) => {
      fs.unlinkSync(temp);
      fs.writeFileSync(temp, 'other');
    };
    for (const act of [fs.unlinkSync, exchange]) {
      for (const replace of [replaceFileAtomic, replaceFileAtomicSync]) {
        const target = `${scratch()}/f`;
        const outcome = await told(() => replace({ filePath: target, content: 'new', beforeRename: (({ tempPath }: { tempPath: string }) => act(tempPath)) as never }));
        expect(outcome).toContain('`FsSafeError` `path-mismatch`');
        expect(fs.existsSync(target)).toBe(false);
      }
    }
  },
  async fileSystem() {
    const renamed: string[] = [];
    const rename = (from: string, to: string) => void renamed.push(path.basename(to), String(fs.existsSync(from)));
    const fileSystem = {
      ...fs,
      renameSync: (from: string, to: string) => (rename(from, to), fs.renameSync(from, to)),
      promises: { ...fs.promises, rename: async (from: string, to: string) => (rename(from, to), fs.renameSync(from, to)) },
    };
    const look = (dir: string) => {
      expect([fs.readdirSync(`${dir}/e`), renamed.splice(0)]).toEqual([['f'], ['f', 'true']]);
    };
    expect(await both([], { fileSystem: fileSystem as never }, look)).toEqual([done, undefined]);
    const asked: unknown[] = [];
    const replace = (options: unknown) => (asked.push(options), { method: 'rename' as const });
    const api = bindFsSafe({ FsSafeError, original: { replaceFileAtomic: async (options: unknown) => replace(options) } });
    const options = { filePath: '/nowhere/f', content: 'new', renameIdentity: 'verify-content-with-lock' as const, fileSystem: fileSystem as never };
    await api.replaceFileAtomic(options);
    expect(asked).toEqual([options]);
  },
};

/** Options whose effect needs strace or a mount. __test__/fs-safe/fs-safe-system.spec.ts tests them. */
const ELSEWHERE = ['copyFallbackOnPermissionError', 'renameMaxRetries', 'renameRetryBaseDelayMs', 'syncParentDir', 'syncTempFile', 'throwOnCleanupError'];

describe('an option of replaceFileAtomic', () => {
  const documentation = fs.readFileSync(path.join(PROJECT, 'docs/fs-safe.md'), 'utf8');
  const section = documentation.slice(documentation.indexOf('\n## Options'), documentation.indexOf('\n## What it costs'));
  const rows = [...section.matchAll(/^\| `(\w+)` \| (mapped|ignored|original) \| .+ \|$/gm)].map(([, option]) => option!);

  test('has a row in the documentation, each that is declared, and a test', () => {
    const declarations = fs.readFileSync(path.join(PROJECT, 'types/fs-safe/replace.d.ts'), 'utf8');
    const of = (head: string) => [...new RegExp(`^export (?:interface|type) ${head}[^{]*\\{(.*?)^\\}`, 'ms').exec(declarations)![1]!.matchAll(/^  (\w+)\??:/gm)].map(([, name]) => name!);
    const declared = [...of('FsSafeReplaceBaseOptions'), ...of('FsSafeReplaceOptions')];
    expect(declared.length).toBe(20);
    expect([...rows].sort()).toEqual([...declared].sort());
    expect([...new Set([...Object.keys(OPTIONS), ...ELSEWHERE])].sort()).toEqual([...rows].sort());
  });

  test.each(Object.keys(OPTIONS))('%s', (option) => OPTIONS[option]!());
});

describe('replaceFileAtomic', () => {
  test('publishes calls on one target in call order, whatever the duration of the parent', async () => {
    const dir = scratch();
    for (let round = 0; round < 20; round += 1) {
      const file = `${dir}/${round}/f`;
      await Promise.all(Array.from({ length: 10 }, (_, i) => replaceFileAtomic({ filePath: file, content: String(i) })));
      expect(fs.readFileSync(file, 'utf8')).toBe('9');
    }
  });
});

describe('writeTextAtomic', () => {
  test.each([[0o022, 0o755], [0o077, 0o700], [0o002, 0o775]])('makes parents as mkdir does, with umask %o: %o', async (mask, mode) => {
    const dir = scratch();
    await underUmask(mask, () => writeTextAtomic(`${dir}/a/b/f`, 'new'));
    expect([modeOf(`${dir}/a`), modeOf(`${dir}/a/b`), modeOf(`${dir}/a/b/f`)]).toEqual([mode, mode, 0o600]);
  });

  test('does not touch a parent that exists, unless it is given a mode for it', async () => {
    const dir = scratch();
    build(dir, ['e/ 0777']);
    await writeTextAtomic(`${dir}/e/f`, 'new');
    expect(modeOf(`${dir}/e`)).toBe(0o777);
    await writeTextAtomic(`${dir}/e/f`, 'new', { dirMode: 0o755 });
    expect(modeOf(`${dir}/e`)).toBe(0o755);
  });
});
