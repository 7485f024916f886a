// The cause of published vulnerabilities of Node programs, each as a tree and the call of a root that a program would make
// instead. docs/security.md has what happened in each project.
import * as fs from 'node:fs';
import * as path from 'node:path';
import { describe, expect, it } from 'vitest';
import { openRoot, openRoots, type Root } from '../../../index.mjs';
import { PROJECT } from '../../helpers/doc-blocks.js';
import { build, scratch, scratchInMemory } from '../../helpers/scratch.js';

scratchInMemory();

const SECRET = 'SECRET';

interface Row {
  cve: string;
  does: string;
  /** What lies in `base`, besides `base/root/` and `base/outside/secret`. `$DIR` is `base`. */
  tree?: string[];
  /** Makes the call. What it returns may hold nothing of outside. */
  call: (root: Root, base: string) => Promise<unknown>;
  /** The codes that it may fail with; none: it succeeds. */
  codes?: string[];
}

const LINKED = ['symlink', 'outside-workspace'];

const ROWS: readonly Row[] = [
  {
    cve: 'CVE-2025-53110',
    does: 'reads from a directory beside the root whose name begins with the name of the root',
    tree: ['root-private/secret: SECRET'],
    codes: ['outside-workspace'],
    call: async (root, base) => {
      await using roots = await openRoots([root.path]);
      await expect(roots.locate(`${base}/root-private/secret`)).rejects.toMatchObject({ code: 'outside-workspace' });
      return root.read(`${base}/root-private/secret`);
    },
  },
  { cve: 'CVE-2025-53109', does: 'reads through a link to outside', tree: ['root/link => $DIR/outside/secret'], codes: LINKED, call: (root) => root.read('link') },
  { cve: 'CVE-2025-53109', does: 'makes a file where the parent is a link to outside', tree: ['root/link => $DIR/outside'], codes: LINKED, call: (root) => root.writeAtomic('link/new', 'x') },
  { cve: 'CVE-2026-31990', does: 'writes where a link to outside was planted', tree: ['root/inbound/photo => $DIR/outside/secret'], codes: LINKED, call: (root) => root.writeAtomic('inbound/photo', 'x') },
  { cve: 'CVE-2026-31990', does: 'copies a file to where a link to outside was planted', tree: ['root/inbound => $DIR/outside', 'media: x'], codes: LINKED, call: (root, base) => root.copyIn(`${base}/media`, 'inbound/secret', { overwrite: true }) },
  { cve: 'CVE-2026-28453', does: 'writes an entry of an archive with ../', codes: ['outside-workspace'], call: (root) => root.writeAtomic('../outside/new', 'x', { mkdir: true }) },
  { cve: 'CVE-2026-28457', does: 'copies a directory to a name with ../', tree: ['root/skill/run: x'], codes: ['outside-workspace'], call: (root) => root.copy('skill', '../outside/skill', { recursive: true }) },
  { cve: 'CVE-2021-32804', does: 'writes an entry of an archive with an absolute path', codes: ['outside-workspace'], call: (root, base) => root.writeAtomic(`//${base}/outside/new`, 'x') },
  {
    cve: 'CVE-2021-32803',
    does: 'writes into a directory that it made, and that a link has replaced since',
    codes: LINKED,
    call: async (root, base) => {
      await root.ensureDir('dir');
      fs.rmdirSync(path.join(base, 'root/dir'));
      fs.symlinkSync(path.join(base, 'outside'), path.join(base, 'root/dir'));
      return root.writeAtomic('dir/new', 'x');
    },
  },
  { cve: 'CVE-2021-37701', does: 'writes below a link whose name has a backslash', tree: ['root/a\\b => $DIR/outside'], codes: LINKED, call: (root) => root.writeAtomic('a\\b/new', 'x') },
  { cve: 'CVE-2021-37712', does: 'writes below a link in another Unicode form', tree: ['root/cafe\u0301 => $DIR/outside'], codes: [...LINKED, 'not-found'], call: (root) => root.writeAtomic('caf\u00e9/new', 'x') },
  { cve: 'CVE-2026-23745', does: 'writes below a link with an absolute target', tree: ['root/link => $DIR/outside'], codes: LINKED, call: (root) => root.writeAtomic('link/sub/new', 'x', { mkdir: true }) },
  { cve: 'CVE-2026-26960', does: 'reads a hard link to a file outside', tree: ['root/exfil == outside/secret'], codes: ['hardlink'], call: (root) => root.read('exfil') },
  { cve: 'CVE-2026-26960', does: 'writes over a hard link to a file outside', tree: ['root/exfil == outside/secret'], call: (root) => root.writeAtomic('exfil', 'x') },
  { cve: 'CVE-2026-24842', does: 'copies a hard link to a file outside', tree: ['root/exfil == outside/secret'], codes: ['hardlink'], call: (root) => root.copy('exfil', 'copy') },
  { cve: 'CVE-2024-12905', does: 'writes through a chain of links', tree: ['root/one => two', 'root/two => ../outside'], codes: LINKED, call: (root) => root.writeAtomic('one/new', 'x') },
  { cve: 'CVE-2025-48387', does: 'makes a directory through a link', tree: ['root/dir => ../outside'], codes: LINKED, call: (root) => root.ensureDir('dir/made') },
  { cve: 'CVE-2025-59343', does: 'writes through a link to a directory whose name begins with that of the root', tree: ['root/dir => ../root-other', 'root-other/'], codes: LINKED, call: (root) => root.writeAtomic('dir/new', 'x') },
  { cve: 'CVE-2021-39135', does: 'writes a package where node_modules is a link', tree: ['root/node_modules => $DIR/outside'], codes: LINKED, call: (root) => root.writeAtomic('node_modules/pkg/index.js', 'x', { mkdir: true }) },
  { cve: 'CVE-2026-23890', does: 'writes a command whose name goes back', tree: ['root/node_modules/.bin/'], codes: ['outside-workspace'], call: (root) => root.writeAtomic('node_modules/.bin/../../../outside/new', 'x') },
  {
    cve: 'CVE-2026-24056',
    does: 'copies a package with a link to a file outside',
    tree: ['root/package/data => $DIR/outside/secret'],
    call: async (root, base) => {
      await root.copy('package', 'store', { recursive: true });
      return fs.lstatSync(path.join(base, 'root/store/data')).isSymbolicLink() ? 'a link' : root.read('store/data');
    },
  },
  { cve: 'CVE-2026-55699', does: 'removes a command with the name ..', tree: ['root/bin/run: x'], codes: ['outside-workspace', 'invalid-path'], call: (root) => root.remove('bin/../..', { recursive: true }) },
  { cve: 'CVE-2024-29180', does: 'serves a path that was decoded after a check', tree: ['root/public/'], codes: ['outside-workspace'], call: (root) => root.read(decodeURIComponent('public%2f%2e%2e%2f%2e%2e%2foutside%2fsecret')) },
];

/** Returns what a tree holds, without following links. */
function contentOf(dir: string): Record<string, string> {
  const entries = fs.readdirSync(dir, { recursive: true, withFileTypes: true });
  return Object.fromEntries(entries.map((entry) => [path.join(entry.parentPath, entry.name), entry.isFile() ? fs.readFileSync(path.join(entry.parentPath, entry.name), 'utf8') : '']));
}

describe.each(['reject', 'follow-within-root'] as const)('the cause of a published vulnerability, with symlinks: %s', (symlinks) => {
  it.each(ROWS)('$cve: $does', async ({ tree = [], call, codes }) => {
    const base = scratch();
    build(base, ['root/', 'outside/secret: SECRET', ...tree]);
    const outside = () => ({ outside: contentOf(path.join(base, 'outside')), top: fs.readdirSync(base) });
    const before = outside();
    using root = await openRoot(path.join(base, 'root'), { symlinks });
    const result = await call(root, base).then(
      (value) => ({ value, code: undefined }),
      (error: { code: string }) => ({ value: undefined, code: error.code }),
    );
    expect(JSON.stringify(result)).not.toContain(SECRET);
    if (codes === undefined) expect(result.code).toBeUndefined();
    else expect(codes).toContain(result.code);
    expect(outside()).toEqual(before);
  });
});

it('docs/security.md has a row for each of them', () => {
  const [rows] = fs.readFileSync(path.join(PROJECT, 'docs/security.md'), 'utf8').split('## A check and a use');
  const named = [...rows!.matchAll(/^\| \[(CVE-[\d-]+)\]\(https:\/\/nvd\.nist\.gov\/vuln\/detail\/\1\) \|/gm)].map(([, cve]) => cve);
  expect(named.sort()).toEqual([...new Set(ROWS.map(({ cve }) => cve))].sort());
});
