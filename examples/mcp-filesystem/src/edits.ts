// Edits of a text, and the diff that shows them.

import { createTwoFilesPatch } from 'diff';
import { HoldfastError } from 'holdfast';

export interface Edit {
  oldText: string;
  newText: string;
}

/** Longest time for a diff, in milliseconds. Two texts without common lines take quadratic time. */
const DIFF_TIMEOUT = 2000;

const unixBreaks = (text: string) => text.replaceAll('\r\n', '\n');

function indentOf(line: string): string {
  return /^[ \t]*/.exec(line)![0];
}

/** Returns `newText` with the indentation of the place in the file in place of that of `oldText`. */
function indented(newText: string, from: string, to: string): string {
  const line = (text: string) => (text.startsWith(from) ? to + text.slice(from.length) : text.trim() === '' ? text : to + text.trimStart());
  return newText.split('\n').map(line).join('\n');
}

/** Replaces the first text that equals `oldText`, else the first lines that do but for white space at their ends. */
function applyEdit(content: string, { oldText, newText }: Edit): string {
  const exact = content.indexOf(oldText);
  if (exact !== -1) return content.slice(0, exact) + newText + content.slice(exact + oldText.length);

  const lines = content.split('\n');
  const wanted = oldText.split('\n');
  const start = lines.findIndex((_, at) => at + wanted.length <= lines.length && wanted.every((line, index) => line.trim() === lines[at + index]!.trim()));
  if (start === -1) {
    throw new HoldfastError('conflict', { message: `No part of the file equals this oldText:\n${oldText}`, remedy: 'Read the file again, and copy oldText from it.' });
  }
  lines.splice(start, wanted.length, ...indented(newText, indentOf(wanted[0]!), indentOf(lines[start]!)).split('\n'));
  return lines.join('\n');
}

/** Applies edits, one after the other. Edits are written with LF; a text whose lines all end in CRLF keeps these. */
export function applyEdits(content: string, edits: readonly Edit[]): string {
  const isWindows = content.includes('\r\n') && !/(?<!\r)\n/.test(content);
  let result = isWindows ? unixBreaks(content) : content;
  for (const { oldText, newText } of edits) result = applyEdit(result, { oldText: unixBreaks(oldText), newText: unixBreaks(newText) });
  return isWindows ? result.replaceAll('\n', '\r\n') : result;
}

/** Returns a unified diff in a Markdown fence that is longer than any in the text. */
export function fencedDiff(path: string, before: string, after: string): string {
  const diff = createTwoFilesPatch(path, path, unixBreaks(before), unixBreaks(after), 'original', 'modified', { timeout: DIFF_TIMEOUT }) ?? `The diff of ${path} takes too long to make.\n`;
  const longest = Math.max(2, ...[...diff.matchAll(/`+/g)].map(([run]) => run.length));
  const fence = '`'.repeat(longest + 1);
  return `${fence}diff\n${diff}${fence}\n\n`;
}
