// An attacker exchanges two names tens of thousands of times a second while holdfast works on one of them. The oracle
// is content: no content from outside is read, and no file outside changes. HOLDFAST_RACE_MS is the duration of each
// combination in milliseconds, HOLDFAST_RACE_HEADLINE_MS that of the most important ones, and HOLDFAST_RACE_REPORT a
// file to which each adds a line of JSON (`npm run test:race`).
import { execFileSync } from 'node:child_process';
import { chmodSync, lchownSync, linkSync, readdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { picture, underAttack, type Attack, type Plan } from '../../helpers/sys-attack.js';
import { needs } from '../../helpers/sys-needs.js';
import { added, expectTruthful, ground, headline, inside, longEnough, outside, parent, tell, usual, type Layout } from '../../helpers/sys-race.js';

/** `root/file` and `root/other`, a symlink to the secret, are exchanged. */
function finalComponent(): Layout {
  const { base, root, away } = ground();
  const names: [string, string] = [join(root, 'file'), join(root, 'other')];
  const target = join(away, 'file');
  symlinkSync(target, names[1]);
  return { base, root, away, names, restore: { names, target, how: 'symlink', fresh: join(base, 'fresh'), content: inside } };
}

/**
 * `root/link`, owned by this user, and `root/other`, owned by another one, are exchanged, in a directory that only this
 * user may write.
 */
function ownerOfLink(): Layout {
  const { base, root, away } = ground();
  const names: [string, string] = [join(root, 'link'), join(root, 'other')];
  symlinkSync('file', names[0]);
  symlinkSync(join(away, 'file'), names[1]);
  lchownSync(names[1], 1001, 1001);
  return { base, root, away, names };
}

/** The exchanged object is of another kind, without a symlink: a FIFO, or the secret itself by a second name. */
function otherKind(name: 'file' | 'dir', kind: 'fifo' | 'hardlink'): () => Layout {
  return () => {
    const layout = name === 'file' ? finalComponent() : parent();
    const target = kind === 'fifo' ? join(layout.base, 'fifo') : join(layout.away, 'file');
    if (kind === 'fifo') execFileSync('mkfifo', [target]);
    const names: [string, string] = [layout.names[0], join(layout.root, 'third')];
    linkSync(target, names[1]);
    return { ...layout, names, restore: { names, target, how: 'link', fresh: join(layout.base, 'fresh'), content: inside } };
  };
}

interface Case {
  title: string;
  layOut: () => Layout;
  verb: 'readLocalFileSafely' | 'writeAtomic' | 'ensureDir';
  below: string;
  options?: Record<string, unknown>;
  truths?: string[];
}

const links = ['symlink', 'outside-workspace'];
const cases: Case[] = [
  { title: 'a read whose file is exchanged with a link', layOut: finalComponent, verb: 'readLocalFileSafely', below: '' },
  { title: 'a read whose parent is exchanged with a link', layOut: parent, verb: 'readLocalFileSafely', below: 'file' },
  { title: 'a write whose file is exchanged with a link', layOut: finalComponent, verb: 'writeAtomic', below: '' },
  { title: 'a write whose parent is exchanged with a link', layOut: parent, verb: 'writeAtomic', below: 'file' },
  { title: 'a directory made below one that is exchanged with a link', layOut: parent, verb: 'ensureDir', below: 'a/b' },
  { title: 'a directory that is exchanged with a link', layOut: parent, verb: 'ensureDir', below: '' },
];

const kinds: Case[] = [
  {
    title: 'a read whose file is exchanged with a FIFO',
    layOut: otherKind('file', 'fifo'),
    verb: 'readLocalFileSafely',
    below: '',
    truths: ['not-file'],
  },
  {
    title: 'a read whose parent is exchanged with a FIFO',
    layOut: otherKind('dir', 'fifo'),
    verb: 'readLocalFileSafely',
    below: 'file',
    truths: ['not-found'],
  },
  {
    title: 'a write whose file is exchanged with a FIFO',
    layOut: otherKind('file', 'fifo'),
    verb: 'writeAtomic',
    below: '',
    truths: ['not-file'],
  },
  {
    title: 'a write whose parent is exchanged with a FIFO',
    layOut: otherKind('dir', 'fifo'),
    verb: 'writeAtomic',
    below: 'file',
    truths: ['not-directory'],
  },
  {
    title: 'a directory made below one that is exchanged with a FIFO',
    layOut: otherKind('dir', 'fifo'),
    verb: 'ensureDir',
    below: 'a',
    truths: ['not-directory'],
  },
  {
    title: 'a directory that is exchanged with a FIFO',
    layOut: otherKind('dir', 'fifo'),
    verb: 'ensureDir',
    below: '',
    truths: ['not-directory'],
  },
  {
    title: 'a read whose file is exchanged with a hard link to the secret',
    layOut: otherKind('file', 'hardlink'),
    verb: 'readLocalFileSafely',
    below: '',
    options: { hardlinks: 'reject' },
    truths: ['hardlink'],
  },
  {
    title: 'a write whose file is exchanged with a hard link to the secret',
    layOut: otherKind('file', 'hardlink'),
    verb: 'writeAtomic',
    below: '',
    options: { hardlinks: 'reject' },
    truths: ['hardlink'],
  },
];

interface Setting {
  how?: 'sync' | 'async';
  options: Record<string, unknown>;
  attack?: Omit<Attack, 'names'>;
  milliseconds?: number;
  /** text of the report's line besides the case's title */
  title: string;
}

async function holds(attacked: Case, { how = 'sync', options, attack = {}, milliseconds = usual, title }: Setting): Promise<void> {
  const { base, root, away, names, restore } = attacked.layOut();
  // An attacker that is another user needs a directory with write access.
  if (attack.uid !== undefined) chmodSync(root, 0o777);
  const { verb, below } = attacked;
  const beneath = options['root'] === true;
  const file = beneath ? join(names[0].slice(root.length + 1), below) : join(names[0], below);
  const all = { ...options, ...attacked.options, ...(beneath ? { root } : {}), ...(verb === 'writeAtomic' ? { durable: false } : {}) };
  const before = picture(away);
  const plan: Plan = {
    verb: how === 'sync' ? `${verb}Sync` : verb,
    args: verb === 'writeAtomic' ? [file, 'written', all] : [file, all],
    milliseconds,
    ...(verb === 'ensureDir' && below ? { hold: names[0], remove: 'a' } : {}),
    ...(verb === 'writeAtomic' && restore && !below ? { restore } : {}),
  };
  const tally = await longEnough(plan, { ...attack, names });
  const after = picture(away);
  const truths = attacked.truths ?? links;
  tell(`${attacked.title}, ${title}`, attack.resolver ?? 'openat2', tally, truths, after.filter((line) => !before.includes(line)).length);
  expect(Object.keys(tally.seen)).toEqual(verb === 'readLocalFileSafely' ? [inside] : []);
  expect(after).toEqual(before);
  expect(readdirSync(base, { recursive: true, encoding: 'utf8' }).filter((name) => name.includes('.holdfast-'))).toEqual([]);
  expectTruthful(tally, truths);
}

interface Allowed {
  title: string;
  options: Record<string, unknown>;
}

const beneathRoot: Allowed = { title: 'with a root, links rejected', options: { root: true } };
const policies: Allowed[] = [
  { title: 'without a root, links rejected', options: { symlinks: 'reject' } },
  beneathRoot,
  { title: 'with a root, links followed within it', options: { root: true, symlinks: 'follow-within-root' } },
  { title: 'with a root, links followed in parents', options: { root: true, symlinks: 'follow-parents' } },
  { title: 'with a root, trusted links followed', options: { root: true, symlinks: 'follow-trusted' } },
];

const titled = (some: Case[]): [string, Case][] => some.map((attacked) => [attacked.title, attacked]);

const named = (some: Allowed[]): [string, Allowed][] => some.map((allowed) => [allowed.title, allowed]);

const underFire = needs('linux', 'gcc');

underFire('a race that the attacker loses', () => {
  it.each(titled(cases.slice(0, 2)))('but wins against one who looks and then opens: %s', async (title, { layOut, below }) => {
    const { names } = layOut();
    const plan = { verb: 'checkThenOpen', args: [join(names[0], below)], milliseconds: usual };
    let all = await underAttack(plan, { names });
    for (let round = 1; round < 60 && !all.seen[outside]; round++) all = added(all, await underAttack(plan, { names }));
    tell(`${title}, by looking and then opening`, 'none', all, ['raw seen as a link'], 0);
    expect(all.seen[outside]).toBeGreaterThan(0);
  });

  describe.each(['openat2', 'walk'] as const)('resolved by %s', (resolver) => {
    const attack = { resolver };
    describe.each(named(policies))('%s', (title, { options }) => {
      const milliseconds = options === beneathRoot.options ? headline : usual;
      it.each(titled(cases))('%s', (_case, attacked) => holds(attacked, { options, attack, milliseconds, title }));
    });
    it.each(titled(kinds))('%s', (_case, attacked) => holds(attacked, { ...beneathRoot, attack }));
  });

  describe.each(named(policies.slice(0, 2)))('asynchronously, %s', (title, { options }) => {
    it.each(titled(cases))('%s', (_case, attacked) => holds(attacked, { how: 'async', options, title: `asynchronously, ${title}` }));
  });

  it('a write that shall replace a link replaces whatever has the name, and never what a link leads to', async () => {
    const { away, names, restore } = finalComponent();
    const before = picture(away);
    const options = { symlinks: 'reject', durable: false, finalSymlink: 'replace' };
    const plan = { verb: 'writeAtomicSync', args: [names[0], 'written', options], milliseconds: usual, restore: restore! };
    let tally = await underAttack(plan, { names });
    for (let round = 1; round < 30 && tally.exchanges <= 500; round++) tally = added(tally, await underAttack(plan, { names }));
    tell('a write that shall replace a link', 'openat2', tally, [], 0);
    expect(Object.keys(tally.codes)).toEqual(['ok']);
    expect(tally.exchanges).toBeGreaterThan(500);
    expect(picture(away)).toEqual(before);
  });
});

needs('root', 'gcc')('a race against an attacker of another user', () => {
  describe.each(['openat2', 'walk'] as const)('resolved by %s', (resolver) => {
    const setting = { ...beneathRoot, attack: { uid: 1001, resolver }, title: 'against another user, with a root' };
    it.each(titled(cases))('%s', (_case, attacked) => holds(attacked, setting));
  });
});

needs('root', 'gcc')('a race between a link of ours and one of another user', () => {
  const trusting: Case[] = [
    { title: 'a read through the link', layOut: ownerOfLink, verb: 'readLocalFileSafely', below: '', truths: ['symlink'] },
    {
      title: 'a write through the link',
      layOut: ownerOfLink,
      verb: 'writeAtomic',
      below: '',
      options: { finalSymlink: 'follow' },
      truths: ['symlink'],
    },
  ];
  const title = 'without a root, trusted links followed';
  it.each(titled(trusting))('%s', (_case, attacked) => holds(attacked, { options: { symlinks: 'follow-trusted' }, title }));
});
