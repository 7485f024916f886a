// The code blocks of README.md and docs/, and the check of each.
//
// A block runs, unless an HTML comment on the line before it has another instruction with a reason:
//
//     <!-- example: types — it needs a running cluster -->     checked by tsc, not run (ts, js)
//     <!-- example: syntax — another package's API -->         parsed only (ts, js, sh)
//     <!-- example: run, as pod -->                            as uid 1000 without capabilities, DATA_DIR root:1000 2775
//     <!-- example: run, exit 1 -->                            and ends with that status
//
// A ```text block right behind a block that runs is its output; `…` in it matches any text within a line.
import * as fs from 'node:fs';
import * as path from 'node:path';

export const PROJECT = path.resolve(import.meta.dirname, '../..');

export type How = 'run' | 'types' | 'syntax' | 'text' | 'data';

export interface Block {
  name: string;
  language: string;
  code: string;
  how: How;
  asPod: boolean;
  exit: number;
  /** the reason why it does not run */
  why: string | undefined;
  output: string | undefined;
}

const MARKER = /^<!-- example: (run|types|syntax)((?:, (?:as pod|exit \d+))*)(?: — (.+))? -->$/;

/** The default for each language; a new language must be added here first. */
const USUAL: Record<string, How> = { ts: 'run', js: 'run', sh: 'run', json: 'data', yaml: 'data', text: 'text' };

/** Returns the files whose blocks are checked. */
export function documents(): string[] {
  const pages = (folder: string): string[] => fs.readdirSync(path.join(PROJECT, folder)).filter((name) => name.endsWith('.md')).map((name) => `${folder}/${name}`);
  return ['README.md', ...pages('docs'), ...pages('docs/recipes')];
}

/**
 * Returns the blocks of a text.
 *
 * @throws for a block without handling: an unknown language, an unknown or unexplained marker, an open fence, or a text
 *   that is no block's output.
 */
export function blocksOf(file: string, text: string): Block[] {
  const lines = text.split('\n');
  const blocks: Block[] = [];
  let lastRan: { end: number; block: Block } | undefined;
  for (let at = 0; at < lines.length; at++) {
    const fence = /^(\s*)(```+|~~~+)(.*)$/.exec(lines[at]!);
    if (!fence) continue;
    const name = `${file}, line ${at + 1}`;
    const problem = (what: string): Error => new Error(`${name}: ${what}`);
    const [, indent, ticks, language] = fence as unknown as [string, string, string, string];
    if (indent !== '' || ticks !== '```') throw problem('a block begins with ``` at the start of a line');
    const usual = USUAL[language];
    if (usual === undefined) throw problem(`no handling for a block of "${language}"; see __test__/helpers/doc-blocks.ts`);
    const end = lines.indexOf('```', at + 1);
    if (end < 0) throw problem('the block has no end');
    const code = `${lines.slice(at + 1, end).join('\n')}\n`;
    const marked = markerBefore(lines, at);
    if (marked === 'unknown') throw problem('the comment before it is no marker; see __test__/helpers/doc-blocks.ts');
    if (usual === 'text') {
      if (!lastRan || lines.slice(lastRan.end + 1, at).some((line) => line.trim() !== '')) throw problem('a text block stands right behind the block that prints it');
      lastRan.block.output = code;
    }
    const how = marked?.how ?? usual;
    if (how === 'types' && language === 'sh') throw problem('a shell block has no types');
    if ((how === 'types' || how === 'syntax') && !marked?.why) throw problem('a block that is not run says why');
    const block: Block = { name, language, code, how, asPod: marked?.asPod ?? code.includes('DATA_DIR'), exit: marked?.exit ?? 0, why: marked?.why, output: undefined };
    if (how === 'run') lastRan = { end, block };
    blocks.push(block);
    at = end;
  }
  return blocks;
}

function markerBefore(lines: string[], at: number): { how: How; asPod: boolean; exit: number; why: string | undefined } | 'unknown' | undefined {
  const above = lines.slice(0, at).reverse().find((line) => line.trim() !== '');
  if (!above?.startsWith('<!-- example')) return undefined;
  const match = MARKER.exec(above);
  if (!match) return 'unknown';
  const [, how, settings, why] = match;
  return { how: how as How, asPod: settings!.includes('as pod'), exit: Number(/exit (\d+)/.exec(settings!)?.[1] ?? 0), why };
}

/** Whether the output of a block matches the documented one. */
export function isPrinted(expected: string, output: string): boolean {
  const pattern = expected.split('…').map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('[^\\n]*');
  return new RegExp(`^${pattern}$`).test(output);
}
