// Checks the invariants of every cell of the hostile matrix, in all environments.
import { expect } from 'vitest';
import type { Environment } from './sys-hostile-environments.js';
import type { Cell, Row, Seen } from './sys-hostile-run.js';

/** Returns the permitted codes of a cell; `ok` for success. */
export function endingsOf(cell: Cell, environment: Environment): readonly string[] {
  return environment.endings?.find(([pattern]) => pattern.test(cell.title))?.[1] ?? [cell.fails ?? 'ok'];
}

/** Users who could gain access: another user by name, and one in each group, or in none of them. */
const OTHERS = [
  { uid: 1000, gid: 1000 },
  { uid: 1001, gid: 1001 },
  ...[0, 1000, 1001, 1002, 1003].map((gid) => ({ uid: 1003, gid })),
];

/** Returns the bits 4, 2 and 1 of an ACL's text. */
function bitsOf(text: string): number {
  return ['r', 'w', 'x'].reduce((bits, letter, index) => bits | (text.includes(letter) ? 4 >> index : 0), 0);
}

/** Returns the access of a user to an object, by the algorithm of acl(5). */
function access({ uid, gid, mode, acl }: Seen, who: { uid: number; gid: number }): number {
  if (who.uid === uid) return (mode >> 6) & 7;
  const entries = acl.filter((line) => !line.startsWith('default:')).map((line) => line.split(':') as [string, string, string]);
  const mask = entries.find(([tag]) => tag === 'mask')?.[2];
  const masked = (text: string): number => bitsOf(text) & (mask === undefined ? 7 : bitsOf(mask));
  const named = entries.find(([tag, id]) => tag === 'user' && id === String(who.uid));
  if (named !== undefined) return masked(named[2]);
  const ofGroup = entries.filter(([tag, id]) => tag === 'group' && Number(id === '' ? gid : id) === who.gid);
  if (ofGroup.length > 0) return ofGroup.reduce((bits, [, , text]) => bits | masked(text), 0);
  return mode & 7;
}

/** Returns the entries of an extended ACL without those of the mode. */
function extended({ acl }: Seen): string[] {
  const entries = acl.filter((line) => !line.startsWith('default:'));
  return entries.some((line) => line.startsWith('mask')) ? entries.filter((line) => !/^(user::|other::)/.test(line)) : [];
}

/** Returns the same object with the access of a mode alone. */
function ofMode(seen: Seen, mode: number): Seen {
  return { ...seen, mode, acl: [`group::${['r', 'w', 'x'].map((letter, index) => ((mode >> 3) & (4 >> index) ? letter : '-')).join('')}`] };
}

/** Throws if a user other than the caller has more access to `after` than to `before`. */
function expectNotWidened(before: Seen, after: Seen, caller: number, what: string): void {
  for (const who of OTHERS.filter(({ uid }) => uid !== caller)) {
    const gained = access(after, who) & ~access(before, who);
    expect(gained, `${what}: user ${who.uid} of group ${who.gid} gains ${gained}: ${JSON.stringify([before, after])}`).toBe(0);
  }
}

/** Checks that `preserved` is true. */
function expectTruthful(preserved: any, before: Seen, after: Seen): void {
  if (preserved.mode) expect(after.mode & 0o777, 'preserved.mode').toBe(before.mode & 0o7777);
  if (preserved.acl) expect(extended(after), 'preserved.acl').toEqual(extended(before));
  if (preserved.owner) expect([after.uid, after.gid], 'preserved.owner').toEqual([before.uid, before.gid]);
}

function expectPublished(cell: Cell, name: string, result: any, before: Seen | undefined, after: Seen | undefined, caller: number): void {
  expect(after, `${name} is there`).toMatchObject({ kind: 'file', content: 'new' });
  expect(result).toMatchObject({ size: 3, mode: after!.mode, created: before?.kind !== 'file' });
  if (cell.mode !== undefined) expect(after!.mode.toString(8), `mode of ${name}`).toBe(cell.mode.toString(8));
  if (cell.exact) expectNotWidened(ofMode(after!, cell.mode!), after!, caller, name);
  if (before?.kind !== 'file') return;
  expectTruthful(result.preserved, before, after!);
  if (!cell.exact) expectNotWidened(before, after!, caller, name);
}

function expectDirectory(cell: Cell, value: any, before: Seen | undefined, after: Seen, environment: Environment): void {
  expect(value.mode, 'the mode that is reported').toBe(after.mode);
  if (before !== undefined) expect(after.mode & ~before.mode, 'bits that were added').toBe(0);
  if (value.isPrivate) {
    for (const who of OTHERS.filter(({ uid }) => uid !== after.uid)) expect(access(after, who), `user ${who.uid} of group ${who.gid}`).toBe(0);
    expect([0, environment.uid]).toContain(after.uid);
  }
  const reason = environment.reasons?.find(([pattern]) => pattern.test(cell.title))?.[1];
  expect({ isPrivate: value.isPrivate, reason: value.reason }).toEqual({ isPrivate: reason === undefined, reason });
}

/** Checks objects that were copied: the content is that of the source, and no class of users has more access. */
function expectCopied(copies: Record<string, string>, caller: number, before: (name: string) => Seen, after: (name: string) => Seen | undefined): void {
  for (const [from, to] of Object.entries(copies)) {
    const [source, copy] = [before(from), after(to)];
    const { kind, content } = source;
    expect(copy, `${to} is there`).toMatchObject({ kind, ...(content === undefined ? {} : { content }) });
    // It belongs to the caller, and to the group that the directory gives to new files.
    expectNotWidened({ ...source, uid: copy!.uid, gid: copy!.gid }, copy!, caller, to);
  }
}

/** Lock files stay. */
const isLock = (name: string): boolean => /\/\.holdfast-[0-9a-f]{32}\.lock$/.test(name);

/** Checks the invariants of a cell. */
export function check(cell: Cell, environment: Environment, { before, after, report }: Row): void {
  const at = (name: string): string => `${cell.dir}/${name}`;
  expect(report, 'the cell was called').toHaveProperty([cell.dir]);
  const { value, error } = report[cell.dir] as Row['report'][string];
  expect(endingsOf(cell, environment), error?.message).toContain(error === undefined ? 'ok' : error.code);
  if (error !== undefined) expect(error.isTyped, `${error.name}: ${error.message}`).toBe(true);

  // With many files, some may be published when one fails.
  const sets = cell.sets ?? [];
  const isPublished = (name: string): boolean => error === undefined || (sets.length > 1 && after[at(name)]?.content === 'new');
  for (const [index, name] of sets.entries()) {
    if (error === undefined) expectPublished(cell, name, Array.isArray(value) ? value[index] : value, before[at(name)], after[at(name)], environment.uid);
  }
  if (error === undefined && cell.reads) expect(value.content).toBe('old');
  const { moves = {}, copies = {} } = error === undefined ? cell : {};
  for (const [from, to] of Object.entries(moves)) expect(after[at(to)], `${to} is as ${from} was`).toEqual(before[at(from)]);
  expectCopied(copies, environment.uid, (name) => before[at(name)]!, (name) => after[at(name)]);
  if (error === undefined && cell.private !== undefined) expectDirectory(cell, value, before[at(cell.private)], after[at(cell.private)]!, environment);

  // The old content has no line break at its end.
  if (error === undefined && cell.appends !== undefined) expect(after[at(cell.appends)]).toEqual({ ...before[at(cell.appends)]!, content: 'old\nnew\n' });

  const arrived = [...Object.values(moves), ...Object.values(copies)];
  // What was copied of a tree stays.
  const isTree = Object.keys(cell.copies ?? {}).length > 1;
  const maySee = new Set([...sets.filter(isPublished), ...(cell.makes ?? []), ...arrived, ...(isTree ? Object.values(cell.copies!) : [])].map(at));
  const mayLose = new Set((error === undefined ? [...(cell.removes ?? []), ...Object.keys(moves)] : []).map(at));
  const mayChange = new Set([...sets.filter(isPublished), ...arrived, ...(error === undefined && cell.appends ? [cell.appends] : []), ...(error === undefined && cell.tightens ? [cell.tightens] : [])].map(at));
  const here = (name: string): boolean => name === cell.dir || name.startsWith(`${cell.dir}/`);
  expect(Object.keys(after).filter((name) => here(name) && !(name in before) && !maySee.has(name) && !isLock(name)), 'strays').toEqual([]);
  expect(Object.keys(before).filter((name) => here(name) && !(name in after)).sort(), 'lost').toEqual([...mayLose].sort());
  for (const name of Object.keys(before).filter((name) => here(name) && !mayChange.has(name) && !mayLose.has(name))) {
    expect(after[name], `${name} stays as it was`).toEqual(before[name]);
  }
}
