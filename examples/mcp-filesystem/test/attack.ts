// Races: a program exchanges a directory with a link to outside as fast as it can, while a tool runs again and again.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import * as path from 'node:path';
import { openSession, type Outcome, type ServerName, type Session } from './session.js';

/** The file that an escape reads, in the directory outside; the one in the workspace has the same name. */
const NOTE = 'note.txt';
const INSIDE = 'inside\n';
const OUTSIDE = 'OUTSIDE, which no tool may read\n';
const ONLY_OUTSIDE = 'only-outside.txt';

interface Arena {
  base: string;
  work: string;
  outside: string;
  /** The real directory of the workspace, by descriptor: its name is exchanged all the time. */
  inside: string;
}

interface Attack {
  tool: string;
  args(work: string, turn: number): Record<string, unknown>;
  /** Whether a call got out, by its text or by what it changed outside. */
  escaped(outcome: Outcome, arena: Arena, turn: number): boolean;
}

interface Score {
  calls: number;
  escapes: number;
  refused: number;
}

const read = (file: string) => fs.readFileSync(file, 'utf8');
const saysOutside = ({ text }: Outcome) => text.includes('OUTSIDE');
const namesOutside = ({ text }: Outcome) => text.includes(ONLY_OUTSIDE);
const noteChanged = (_outcome: Outcome, { outside }: Arena) => !fs.existsSync(path.join(outside, NOTE)) || read(path.join(outside, NOTE)) !== OUTSIDE;
const isOutside = (prefix: string) => (_outcome: Outcome, { outside }: Arena, turn: number) => fs.existsSync(path.join(outside, prefix + turn));

const ATTACKS: readonly Attack[] = [
  { tool: 'read_text_file', args: (work) => ({ path: `${work}/dir/${NOTE}` }), escaped: saysOutside },
  { tool: 'read_text_file (tail)', args: (work) => ({ path: `${work}/dir/${NOTE}`, tail: 1 }), escaped: saysOutside },
  { tool: 'read_media_file', args: (work) => ({ path: `${work}/dir/${NOTE}` }), escaped: ({ text }) => text.includes(Buffer.from(OUTSIDE).toString('base64')) },
  { tool: 'read_multiple_files', args: (work) => ({ paths: [`${work}/dir/${NOTE}`, `${work}/dir/${NOTE}`] }), escaped: saysOutside },
  { tool: 'list_directory', args: (work) => ({ path: `${work}/dir` }), escaped: namesOutside },
  { tool: 'list_directory_with_sizes', args: (work) => ({ path: `${work}/dir` }), escaped: namesOutside },
  { tool: 'directory_tree', args: (work) => ({ path: work }), escaped: namesOutside },
  { tool: 'search_files', args: (work) => ({ path: work, pattern: '**/*.txt' }), escaped: namesOutside },
  { tool: 'get_file_info', args: (work) => ({ path: `${work}/dir/${NOTE}` }), escaped: ({ text }) => text.includes(`size: ${OUTSIDE.length}\n`) },
  { tool: 'write_file', args: (work, turn) => ({ path: `${work}/dir/written-${turn}`, content: 'x' }), escaped: isOutside('written-') },
  { tool: 'write_file (over a file)', args: (work) => ({ path: `${work}/dir/${NOTE}`, content: 'x' }), escaped: noteChanged },
  { tool: 'edit_file', args: (work) => ({ path: `${work}/dir/${NOTE}`, edits: [{ oldText: '', newText: '+' }] }), escaped: (outcome, arena) => noteChanged(outcome, arena) || saysOutside(outcome) },
  { tool: 'create_directory', args: (work, turn) => ({ path: `${work}/dir/made-${turn}` }), escaped: isOutside('made-') },
  { tool: 'move_file (out of it)', args: (work, turn) => ({ source: `${work}/dir/${NOTE}`, destination: `${work}/taken-${turn}` }), escaped: noteChanged },
  { tool: 'move_file (into it)', args: (work, turn) => ({ source: `${work}/own-${turn}`, destination: `${work}/dir/own-${turn}` }), escaped: isOutside('own-') },
];

interface Contest {
  server: ServerName;
  session: Session;
  arena: Arena & { close(): void };
}

function nameOf(tool: string): string {
  return tool.replace(/ .*/, '');
}

function makeArena(): Contest['arena'] {
  const base = fs.mkdtempSync(path.join(fs.realpathSync(tmpdir()), 'mcp-attack-'));
  const [work, outside] = [path.join(base, 'work'), path.join(base, 'outside')];
  fs.mkdirSync(path.join(work, 'dir'), { recursive: true });
  fs.mkdirSync(outside);
  fs.symlinkSync(outside, path.join(work, 'swap'));
  const fd = fs.openSync(path.join(work, 'dir'), 'r');
  const close = () => {
    fs.closeSync(fd);
    fs.rmSync(base, { recursive: true, force: true });
  };
  return { base, work, outside, inside: `/proc/self/fd/${fd}`, close };
}

/** Puts the files there that a call needs, and removes what the one before left. */
function reset({ work, outside, inside }: Arena, turn: number): void {
  for (const name of fs.readdirSync(outside)) fs.rmSync(path.join(outside, name), { recursive: true, force: true });
  for (const name of fs.readdirSync(inside)) fs.rmSync(path.join(inside, name), { recursive: true, force: true });
  for (const name of fs.readdirSync(work)) if (name !== 'dir' && name !== 'swap') fs.rmSync(path.join(work, name), { recursive: true, force: true });
  fs.writeFileSync(path.join(outside, NOTE), OUTSIDE);
  fs.writeFileSync(path.join(outside, ONLY_OUTSIDE), '');
  fs.writeFileSync(path.join(inside, NOTE), INSIDE);
  fs.writeFileSync(path.join(work, `own-${turn}`), 'own\n');
}

/** Runs one tool under attack for some milliseconds. */
async function play({ session, arena }: Contest, { tool, args, escaped }: Attack, exchange: string, milliseconds: number): Promise<Score> {
  const attacker = spawn(exchange, [path.join(arena.work, 'dir'), path.join(arena.work, 'swap')], { stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = once(attacker, 'exit');
  const score: Score = { calls: 0, escapes: 0, refused: 0 };
  try {
    await once(attacker.stdout, 'data');
    for (const end = performance.now() + milliseconds; performance.now() < end; ) {
      const turn = score.calls++;
      reset(arena, turn);
      const outcome = await session.call(nameOf(tool), args(arena.work, turn));
      if (outcome.kind === 'error') score.refused++;
      if (escaped(outcome, arena, turn)) score.escapes++;
    }
  } finally {
    attacker.stdin.end();
    const [status] = await ended;
    if (status !== 0) throw new Error('the attacker failed');
  }
  return score;
}

/** Attacks each tool of both servers, one after the other: the attacker and the server have a processor each. */
export async function attack(exchange: string, milliseconds: number): Promise<{ table: string; escapes: Record<ServerName, number> }> {
  const servers = ['official', 'holdfast'] as const;
  const contests: Contest[] = [];
  const escapes = { official: 0, holdfast: 0 };
  const lines: string[] = [];
  try {
    for (const server of servers) {
      const arena = makeArena();
      contests.push({ server, arena, session: await openSession(server, [arena.work]) });
    }
    for (const each of ATTACKS) {
      const cells: string[] = [];
      for (const contest of contests) {
        const score = await play(contest, each, exchange, milliseconds);
        escapes[contest.server] += score.escapes;
        cells.push(`${score.escapes} | ${score.calls} | ${score.refused}`);
      }
      lines.push(`| \`${nameOf(each.tool)}\`${each.tool.slice(nameOf(each.tool).length)} | ${cells.join(' | ')} |`);
    }
  } finally {
    for (const { session, arena } of contests) {
      await session.close();
      arena.close();
    }
  }
  const table = ['| tool | official: escapes | calls | refused | holdfast: escapes | calls | refused |', '|---|---|---|---|---|---|---|', ...lines].join('\n');
  return { table, escapes };
}
