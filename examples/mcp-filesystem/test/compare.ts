// Runs every call against both servers, compares text and files, and returns the table of the differences.

import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { CASES, OUTSIDE, SECOND, WORK, type Case } from './cases.js';
import { fill, placesIn, snapshot, type Places } from './places.js';
import { observeRoots, ROOTS } from './roots.js';
import { openSession, type Outcome, type ServerName, type Session } from './session.js';

/** How long a call may take that is said not to return, in milliseconds. */
const HANGS_AFTER = 1500;

const SERVERS = ['official', 'holdfast'] as const;

interface Observed extends Outcome {
  files: Record<string, Record<string, string>>;
}

type Row = Pick<Case, 'name' | 'tool' | 'verdict' | 'why' | 'holdfast' | 'official' | 'hangs'>;

export interface Comparison {
  table: string;
  failures: string[];
}

/** Puts the real directories in place of the names in arguments. */
function real<T>(args: T, { work, second, outside }: Places): T {
  return JSON.parse(JSON.stringify(args).replaceAll(WORK, work).replaceAll(SECOND, second).replaceAll(OUTSIDE, outside));
}

/** Puts names in place of what differs between two runs: directories and times. */
function general(text: string, { work, second, outside }: Places): string {
  return text
    .replaceAll(work, WORK)
    .replaceAll(second, SECOND)
    .replaceAll(outside, OUTSIDE)
    .replace(/^(created|modified|accessed): .*\d{4}.*$/gm, '$1: (a time)');
}

/** Most characters of a text in a cell of the table. */
const CELL = 32;

function quoted(text: string): string {
  const short = text.replace(/ +/g, ' ');
  const line = short.length > CELL ? `${short.slice(0, CELL).trimEnd()}…` : short;
  return `\`${JSON.stringify(line).slice(1, -1).replaceAll('\\"', '"').replaceAll('|', '\\|').replaceAll('`', "'")}\``;
}

/** Returns the files that one server has, and the other has not or with another content. */
function changesOf(mine: Observed['files'], other: Observed['files']): string[] {
  return Object.entries(mine).flatMap(([place, files]) =>
    Object.entries(files)
      .filter(([name, content]) => content !== other[place]![name])
      .map(([name, content]) => `\`${place}/${name}\`: ${quoted(content.slice(content.indexOf(' ') + 1))}`),
  );
}

/** Returns a cell of the table: what differs from the other server, in text and files. */
function cell(mine: Observed, other: Observed): string {
  if (mine.kind === 'hangs') return 'no answer';
  if (mine.kind === 'error') return `refused: ${quoted(/^[a-z-]+(?=: )/.exec(mine.text)?.[0] ?? mine.text)}`;
  const changes = changesOf(mine.files, other.files);
  if (mine.kind === other.kind && changes.length > 0) return changes.join(', ');
  let same = 0;
  while (mine.kind === other.kind && same < mine.text.length && mine.text[same] === other.text[same]) same++;
  const start = same === mine.text.length ? 0 : mine.text.lastIndexOf('\n', same - 1) + 1;
  return quoted(mine.text.slice(start));
}

/** Returns why a row does not hold. */
function judge(row: Row, official: Observed, holdfast: Observed): string[] {
  const problems: string[] = [];
  const isEqual = official.kind === holdfast.kind && (official.kind === 'error' || official.text === holdfast.text) && isDeepStrictEqual(official.files, holdfast.files);
  if (isEqual !== (row.verdict === 'equal')) problems.push(`is ${isEqual ? '' : 'not '}equal`);
  if (row.verdict !== 'equal' && !row.why) problems.push('has no reason');
  if (row.holdfast !== undefined && !holdfast.text.includes(row.holdfast)) problems.push(`holdfast has no ${JSON.stringify(row.holdfast)}`);
  if (row.hangs !== undefined && official.kind !== 'hangs') problems.push('the official server answers');
  if (row.official !== undefined && !official.text.includes(row.official)) problems.push(`the official server has no ${JSON.stringify(row.official)}`);
  if (holdfast.kind === 'error' && !/^Error|^MCP error/.test(holdfast.text) && !/^[\w-]+: .+\npath: .+\nremedy: .+$/s.test(holdfast.text)) problems.push('the refusal lacks code, path or remedy');
  return problems.map((problem) => `${row.tool}, ${row.name}: ${problem}\n  official: ${official.kind} ${JSON.stringify(official.text.slice(0, 400))}\n  holdfast: ${holdfast.kind} ${JSON.stringify(holdfast.text.slice(0, 400))}\n  ${changesOf(official.files, holdfast.files)}\n  ${changesOf(holdfast.files, official.files)}`);
}

/** Runs one call on freshly filled directories. */
async function observe(server: ServerName, session: Session, each: Case, places: Places): Promise<Observed> {
  fill(places);
  each.given?.(places);
  const outcome = await session.call(each.tool, real(each.args, places), server === each.hangs ? HANGS_AFTER : undefined);
  return { kind: outcome.kind, text: general(outcome.text, places), files: snapshotOf(places) };
}

function snapshotOf(places: Places): Observed['files'] {
  return JSON.parse(general(JSON.stringify(snapshot(places)), places));
}

async function observeAll(server: ServerName, places: Places): Promise<Observed[]> {
  const directories = [places.work, places.second];
  const shared = await openSession(server, directories);
  const observed: Observed[] = [];
  try {
    for (const each of CASES) {
      const session = each.hangs ? await openSession(server, directories) : shared;
      observed.push(await observe(server, session, each, places));
      if (session !== shared) await session.close();
    }
    await observeRoots(server, places, ({ kind, text }) => observed.push({ kind, text: general(text, places), files: snapshotOf(places) }));
    const { tools } = await shared.client.listTools();
    const signatures = tools.map(({ name, inputSchema, annotations }) => [name, Object.keys(inputSchema.properties ?? {}).sort(), inputSchema.required ?? [], annotations]).sort();
    observed.push({ kind: 'result', text: JSON.stringify(signatures), files: {} });
  } finally {
    await shared.close();
  }
  return observed;
}

export async function compare(): Promise<Comparison> {
  const base = mkdtempSync(join(realpathSync(tmpdir()), 'mcp-compare-'));
  try {
    const [official, holdfast] = await Promise.all(SERVERS.map((server) => observeAll(server, placesIn(join(base, server)))));
    const rows: Row[] = [...CASES, ...ROOTS.map((each) => ({ ...each, tool: 'roots' })), { name: 'names, arguments and annotations', tool: 'tools/list', verdict: 'equal' as const }];
    const failures = rows.flatMap((row, index) => judge(row, official![index]!, holdfast![index]!));

    const count = (verdict: Row['verdict']) => rows.filter((row) => row.verdict === verdict).length;
    const lines = (verdict: Row['verdict']) =>
      rows.flatMap((row, index) => (row.verdict === verdict ? [`| \`${row.tool}\`: ${row.name} | ${cell(official![index]!, holdfast![index]!)} | ${cell(holdfast![index]!, official![index]!)} | ${row.why} |`] : []));
    const head = ['| call | official | holdfast | reason |', '|---|---|---|---|'];
    const table = [
      `${rows.length} calls: ${count('equal')} equal, ${count('better')} better, ${count('different')} different.`,
      '',
      'Better:',
      '',
      ...head,
      ...lines('better'),
      '',
      'Different:',
      '',
      ...head,
      ...lines('different'),
    ].join('\n');
    return { table, failures };
  } finally {
    rmSync(base, { recursive: true, force: true });
  }
}
