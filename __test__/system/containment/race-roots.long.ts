// An attacker exchanges a directory and a link to the outside while a method of a root works in it, across it or on it.
// The oracle is content: nothing outside is read, listed or changed. Each row runs with both resolvers and two policies
// in `npm run test:race`, and in no other command.
import { mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { picture, underAttack } from '../../helpers/sys-attack.js';
import { needs } from '../../helpers/sys-needs.js';
import { added, expectTruthful, ground, headline, inside, longEnough, outside, tell, usual, type Layout } from '../../helpers/sys-race.js';

const milliseconds = usual;

/** Fills a directory: equal names on both sides, and one name that only one side has. */
function fill(dir: string, side: string, content: string): void {
  mkdirSync(join(dir, 'sub'), { recursive: true });
  mkdirSync(join(dir, 'gone', 'sub'), { recursive: true });
  for (const name of ['file', 'x', `only-${side}`, 'sub/file', `sub/only-${side}`, 'gone/sub/file']) writeFileSync(join(dir, name), content);
  writeFileSync(join(dir, 'json'), JSON.stringify(content));
  writeFileSync(join(dir, `.holdfast-${'0'.repeat(32)}.tmp`), content);
  symlinkSync(content, join(dir, 'link'));
}

/** `root/dir` and a link to `away` are exchanged. */
function directory(): Layout {
  const { base, root, away } = ground();
  fill(join(root, 'dir'), 'inside', inside);
  fill(away, 'outside', outside);
  symlinkSync(away, join(root, 'other'));
  mkdirSync(join(root, 'tree', 'sub'), { recursive: true });
  for (const file of [join(root, 'source'), join(base, 'source'), join(root, 'tree/file'), join(root, 'tree/sub/file')]) writeFileSync(file, 'x');
  return { base, root, away, names: [join(root, 'dir'), join(root, 'other')] };
}

/** `root/file` and a link to the file outside are exchanged. */
function file(): Layout {
  const { base, root, away } = ground();
  symlinkSync(join(away, 'file'), join(root, 'other'));
  return { base, root, away, names: [join(root, 'file'), join(root, 'other')] };
}

/** `root/top/dir` and a link to `away` are exchanged, in the middle of a tree. */
function middle(): Layout {
  const { base, root, away } = ground();
  fill(away, 'outside', outside);
  mkdirSync(join(root, 'top'));
  fill(join(root, 'top/dir'), 'inside', inside);
  symlinkSync(away, join(root, 'top/other'));
  return { base, root, away, names: [join(root, 'top/dir'), join(root, 'top/other')] };
}

interface Row {
  layOut: () => Layout;
  /** refusals besides those of links */
  truths?: string[];
  /** it is never refused: a link is one more entry */
  isNeverRefused?: true;
}

const rows: Record<string, Row> = {
  ...Object.fromEntries(
    ['stat', 'lstat', 'exists', 'readlink', 'list', 'list with stats', 'list below', 'readText', 'readJson', 'openRoot', 'writeJson', 'cleanStaleTemporaries', 'rename out', 'rename in', 'remove', 'remove below', 'copy out', 'copy in', 'copy a tree in', 'copyIn'].map((name) => [name, { layOut: directory }]),
  ),
  // The directory is exchanged between the two calls.
  stage: { layOut: directory, truths: ['path-mismatch'] },
  'stat of the name': { layOut: file },
  walk: { layOut: directory, truths: ['path-mismatch'] },
  'copy a tree out': { layOut: directory, truths: ['path-mismatch'], isNeverRefused: true },
  'walk across': { layOut: middle, truths: ['path-mismatch'] },
  'remove across': { layOut: middle, isNeverRefused: true },
  'remove counted': { layOut: middle, isNeverRefused: true },
  'copy across': { layOut: middle, truths: ['path-mismatch'], isNeverRefused: true },
};

const combinations = (['openat2', 'walk'] as const).flatMap((resolver) =>
  (['reject', 'follow-within-root'] as const).map((symlinks) => ({ resolver, symlinks })),
);
const cases = Object.entries(rows).flatMap(([verb, row]) =>
  combinations.map(({ resolver, symlinks }) => [verb, resolver, symlinks, row] as const),
);

needs('linux', 'gcc')('a method of a root, while a directory and a link to the outside are exchanged', () => {
  it.each(cases)('%s, resolved by %s, symlinks %s', async (verb, resolver, symlinks, { layOut, truths = [], isNeverRefused }) => {
    const { base, root, away, names } = layOut();
    const before = picture(away);
    const isHeadline = /^(remove|rename|walk)/.test(verb);
    const plan = { verb, root, defaults: { symlinks, durable: false }, milliseconds: isHeadline ? headline : milliseconds };
    const tally = await longEnough(plan, { names, resolver }, isNeverRefused ? 1 : 2);
    const after = picture(away);
    const all = ['symlink', 'outside-workspace', ...truths];
    tell(`${verb} of a root, ${symlinks}`, resolver, tally, all, after.filter((line) => !before.includes(line)).length);
    expect(Object.keys(tally.seen).filter((seen) => seen !== inside)).toEqual([]);
    expect(after).toEqual(before);
    expect(readdirSync(base, { recursive: true, encoding: 'utf8' }).filter((name) => /\.holdfast-(?!0{32})/.test(name))).toEqual([]);
    expectTruthful(tally, all, isNeverRefused ? 1 : 2);
  });

  it.each(['fs.rm', 'fs.readdir'])('but %s on a path that was checked before is beaten', async (verb) => {
    const { root, names } = directory();
    const plan = { verb, root, defaults: {}, milliseconds };
    let all = await underAttack(plan, { names });
    for (let round = 1; round < 60 && !all.seen[outside]; round++) all = added(all, await underAttack(plan, { names }));
    tell(`${verb} after a check`, 'none', all, ['raw seen as a link'], 0);
    expect(all.seen[outside]).toBeGreaterThan(0);
  });
});
