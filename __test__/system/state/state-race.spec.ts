// An attacker exchanges two names tens of thousands of times a second while a state verb works on one of them: the lock
// file, the file, or its directory. Nothing outside is read, written, locked or made. A part runs here; `npm run test:race`
// runs all combinations for ten seconds each.
import { execFileSync } from 'node:child_process';
import { chownSync, linkSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { withLock } from '../../../index.mjs';
import { picture, type Plan } from '../../helpers/sys-attack.js';
import { needs } from '../../helpers/sys-needs.js';
import { expectTruthful, ground, inside, longEnough, outside, parent, tell, usual, type Layout } from '../../helpers/sys-race.js';

/** Set by `npm run test:race`. */
const isLong = process.env['HOLDFAST_RACE_MS'] !== undefined;

interface Attacked {
  title: string;
  layOut: () => Promise<Layout> | Layout;
  /** the path of the calls, relative to the root */
  file: string;
  truths: string[];
  /** the verb replaces the file, so that one of the names has to be restored after each call */
  isRestored?: true;
}

/** The lock file of `root/file` and another object are exchanged. */
async function lockFile(exchange: (other: string, layout: Layout) => void): Promise<Layout> {
  const { base, root, away } = ground();
  const lock = await withLock(join(root, 'file'), ({ lockFile }) => lockFile);
  const layout: Layout = { base, root, away, names: [lock, join(root, 'other')] };
  exchange(layout.names[1], layout);
  return layout;
}

/** `root/file` and another object are exchanged. */
function file(make: (other: string, target: string) => void, how: 'symlink' | 'link', targetOf: (layout: Layout) => string): Layout {
  const { base, root, away } = ground();
  const names: [string, string] = [join(root, 'file'), join(root, 'other')];
  const target = targetOf({ base, root, away, names });
  make(names[1], target);
  return { base, root, away, names, restore: { names, target, how, fresh: join(base, 'fresh'), content: inside } };
}

// The lock file may be another one, or none of ours, at each look. A lock that was taken may be lost by then.
const lost = ['path-mismatch', 'lock-lost'];
const attacks: Attacked[] = [
  { title: 'whose lock file is exchanged with a link', layOut: () => lockFile((other, { away }) => symlinkSync(join(away, 'file'), other)), file: 'file', truths: ['symlink', ...lost] },
  { title: 'whose lock file is exchanged with a FIFO', layOut: () => lockFile((other) => execFileSync('mkfifo', [other])), file: 'file', truths: ['not-file', ...lost] },
  { title: 'whose lock file is exchanged with a hard link', layOut: () => lockFile((other, { away }) => linkSync(join(away, 'file'), other)), file: 'file', truths: ['hardlink', ...lost] },
  {
    title: "whose lock file is exchanged with another user's file",
    layOut: () => lockFile((other) => (writeFileSync(other, outside), chownSync(other, 1234, 1234))),
    file: 'file',
    truths: ['not-owned', ...lost],
  },
  { title: 'whose directory is exchanged with a link', layOut: parent, file: 'dir/file', truths: ['symlink', 'outside-workspace', 'path-mismatch', 'lock-lost', 'conflict'] },
  { title: 'whose file is exchanged with a link', layOut: () => file((other, target) => symlinkSync(target, other), 'symlink', ({ away }) => join(away, 'file')), file: 'file', truths: ['symlink', 'outside-workspace', 'path-mismatch', 'conflict'], isRestored: true },
  {
    title: 'whose file is exchanged with a FIFO',
    layOut: () =>
      file(
        (other, target) => linkSync(target, other),
        'link',
        ({ base }) => {
          const fifo = join(base, 'fifo');
          execFileSync('mkfifo', [fifo]);
          return fifo;
        },
      ),
    file: 'file',
    truths: ['not-file', 'path-mismatch', 'conflict'],
    isRestored: true,
  },
];

const verbs = ['withLock', 'appendRecordSync', 'appendRecord', 'updateAtomic'] as const;
const resolvers = ['openat2', 'walk'] as const;

const all = attacks.flatMap((attacked) =>
  verbs
    .filter((verb) => verb !== 'withLock' || !attacked.isRestored)
    .flatMap((verb) => resolvers.map((resolver) => ({ name: `${verb} ${attacked.title}, resolved by ${resolver}`, attacked, verb, resolver }))),
);
/** One of the verbs for each attack, with each resolver in turn. */
const short = all.filter(({ attacked, verb, resolver }) => {
  const place = attacks.indexOf(attacked);
  return resolver === resolvers[place % 2] && verb === (['withLock', 'appendRecordSync', 'appendRecordSync', 'updateAtomic', 'updateAtomic'][place] ?? 'appendRecordSync');
});

needs('root', 'gcc')('a race for shared state', () => {
  it.each((isLong ? all : short).map((row) => [row.name, row] as const))('%s', async (name, { attacked, verb, resolver }) => {
    const layout = await attacked.layOut();
    const { base, root, away, names, restore } = layout;
    const before = picture(away);
    const path = join(root, attacked.file);
    const options = { root, symlinks: 'reject' };
    const relative = path.slice(root.length + 1);
    const args = {
      withLock: [relative, { $returns: 'held' }, options],
      appendRecordSync: [relative, 'record', { ...options, durable: false }],
      appendRecord: [relative, 'record', { ...options, durable: false }],
      updateAtomic: [relative, { $returns: inside }, { ...options, durable: false }],
    }[verb];
    const plan: Plan = { verb, args, milliseconds: usual, ...(attacked.isRestored && verb === 'updateAtomic' && restore ? { restore } : {}) };
    const tally = await longEnough(plan, { names, resolver });
    const after = picture(away);
    tell(name, resolver, tally, attacked.truths, after.filter((line) => !before.includes(line)).length);
    expect(after).toEqual(before);
    expect(Object.keys(tally.seen).filter((content) => content !== inside)).toEqual([]);
    expect(readdirSync(base, { recursive: true, encoding: 'utf8' }).filter((entry) => entry.endsWith('.tmp'))).toEqual([]);
    expectTruthful(tally, attacked.truths);
  });
});
