// One table, run against @openclaw/fs-safe and against holdfast/fs-safe: based on the published documentation and
// typings. Every row is equal, or has its difference with a reason. `npm run test:conformance`.
import { afterAll, describe, expect, test } from 'vitest';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import * as holdfast from '../../../fs-safe.mjs';
import { errnoCause, observe, type Api, type Case } from './harness.js';
import { causes } from './causes.js';
import { fileCases } from './files.js';
import { injectedCases } from './injected.js';
import { readCases } from './reads.js';
import { replaceCases } from './replace.js';
import { rootCases } from './root.js';
import { rootAppendCases } from './root-appends.js';
import { rootChangeCases } from './root-changes.js';
import { rootListCases } from './root-lists.js';
import { rootWriteCases } from './root-writes.js';
import { NEWEST, SINCE_NEWEST } from './versions.js';

/** The folder of the library, from scripts/conformance.mjs. */
const installed = process.env['HOLDFAST_FS_SAFE'] as string;
const isNewest = process.env['HOLDFAST_FS_SAFE_VERSION'] === NEWEST;
const resolve = createRequire(path.join(installed, 'package.json')).resolve;
const load = (subpath: string) => import(pathToFileURL(resolve(`@openclaw/fs-safe${subpath}`)).href);
const [{ FsSafeError, root }, ...modules] = await Promise.all(['', '/root', '/atomic', '/advanced', '/path', '/json', '/durability'].map(load));

const original = { ...Object.assign({}, ...modules), root };
const theirs = original as Api;
const ours: Api = holdfast.bindFsSafe({ FsSafeError });

const counts = { equal: 0, better: 0, different: 0 };
afterAll(() => {
  const rows = counts.equal + counts.better + counts.different;
  console.log(`conformance: ${rows} rows: ${counts.equal} equal, ${counts.better} better, ${counts.different} different`);
});

/** Only root can become another user; the reporter makes a skip a failure in CI. */
const needsRoot = ({ user, owner }: Pick<Case, 'user' | 'owner'>) => (user ?? owner) !== undefined && process.geteuid!() !== 0;

const groups: Record<string, readonly Case[]> = {
  'reads without a root, and from several': readCases,
  'reads of a root': rootCases,
  'writes of a root': rootWriteCases,
  'lists and walks of a root': rootListCases,
  'changes of names beneath a root': rootChangeCases,
  'files of a root that are changed in place': rootAppendCases,
  'replaceFileAtomic and writeTextAtomic': replaceCases,
  'replaceFileAtomic with a file system of the host': injectedCases,
  'single files by a path': fileCases,
};

/** Groups whose refusals have the messages of the library. */
const SAYS_ALIKE = new Set(['reads without a root, and from several', 'reads of a root', 'writes of a root', 'lists and walks of a root', 'changes of names beneath a root', 'files of a root that are changed in place']);

for (const [group, cases] of Object.entries(groups)) {
  describe(group, () => {
    const rows = isNewest ? cases : cases.filter(({ name }) => SINCE_NEWEST[group]?.[name] === undefined);
    for (const entry of rows) test.skipIf(needsRoot(entry))(entry.name, async () => {
      const [original, adapter] = [await observe(theirs, entry), await observe(ours, entry)];
      const only = { theirs: without(original.lines, adapter.lines), ours: without(adapter.lines, original.lines) };
      expect(only).toEqual({ theirs: entry.differs?.theirs ?? [], ours: entry.differs?.ours ?? [] });
      if (entry.differs !== undefined) {
        expect(entry.differs.because.length).toBeGreaterThan(10);
        expect(only.theirs.length + only.ours.length, 'a difference that is none').toBeGreaterThan(0);
      }
      if (SAYS_ALIKE.has(group) && original.lines[0] === adapter.lines[0]) {
        if (entry.says === undefined) expect(adapter.sentence).toBe(original.sentence);
        else expect(adapter.sentence, 'a sentence that is the same').not.toBe(original.sentence);
      }
      counts[entry.differs?.verdict ?? 'equal'] += 1;
    });

    test('has each case once', () => {
      expect(new Set(cases.map(({ name }) => name)).size).toBe(cases.length);
    });
  });
}

test('the library ran with its native code', () => {
  expect(fs.readFileSync('/proc/self/maps', 'utf8')).toMatch(/@openclaw\/fs-safe-linux-\S+\.node$/m);
});

describe('the documentation', () => {
  const text = fs.readFileSync(path.resolve(import.meta.dirname, '../../../docs/fs-safe.md'), 'utf8');
  const rows = [...text.slice(text.indexOf('\n## Differences')).matchAll(/^\| (better|different) \| .+ \| (.+) \|$/gm)].map(([, verdict, because]) => `${verdict}: ${because}`);
  const reasons = Object.values(groups).flat().flatMap(({ differs }) => (differs ? [`${differs.verdict}: ${differs.because}`] : []));

  test('says how many there are of each', () => {
    const all = Object.values(groups).flat();
    const of = (verdict?: string) => all.filter(({ differs }) => differs?.verdict === verdict).length;
    const page = text.replaceAll('\n', ' ');
    expect(page).toContain(`Of its ${all.length} rows ${of()} are equal, ${of('better')} better, ${of('different')} different`);
  });

  test('has a row for each difference, with its reason, and no others', () => {
    expect([...rows].sort()).toEqual([...new Set(reasons)].sort());
  });
});

test('a lock of the library takes a root of ours at once, also a second one', async () => {
  const { acquireFileLockSync } = await load('/file-lock');
  const bound = holdfast.bindFsSafe({ FsSafeError, original: { root, acquireFileLockSync } }) as unknown as Api & { acquireFileLockSync: (file: string, options: object) => { release(): void } };
  const dir = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'hf-conformance-')));
  for (const name of ['first', 'second']) {
    const lockRoot = await bound.root(dir);
    bound.acquireFileLockSync(path.join(dir, name), { lockRoot, payload: () => ({}) }).release();
  }
  fs.rmSync(dir, { recursive: true });
});

describe('causes', () => {
  for (const { expected, call, ...entry } of causes) test.skipIf(needsRoot(entry))(`${entry.name}: an errno that callers find`, async () => {
    let seen: unknown;
    await observe(ours, { ...entry, call: (api, dir) => Promise.resolve(call(api, dir)).catch((error) => void (seen = error)) });
    expect(seen).toBeInstanceOf(FsSafeError);
    expect(errnoCause(seen)).toBe(expected);
  });
});

function without(lines: string[], others: string[]): string[] {
  const rest = [...others];
  return lines.filter((line) => {
    const at = rest.indexOf(line);
    if (at >= 0) rest.splice(at, 1);
    return at < 0;
  });
}
