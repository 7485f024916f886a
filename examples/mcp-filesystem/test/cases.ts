// The calls that both servers get. `equal`: the same result, text and files. `better` and `different` say why.

import * as fs from 'node:fs';
import * as path from 'node:path';
import { makeFifo, type Places } from './places.js';
import type { ServerName } from './session.js';

export interface Case {
  /** What the call does, for the table. */
  name: string;
  tool: string;
  args: Record<string, unknown>;
  verdict: 'equal' | 'better' | 'different';
  /** The reason for a difference. */
  why?: string;
  /** The code of the refusal of this server, or a part of its text. */
  holdfast?: string;
  /** The same of the official server. */
  official?: string;
  /** Makes what the call needs besides the usual files. */
  given?: (places: Places) => void;
  /** The server on which the call does not return: it runs in a session of its own. */
  hangs?: ServerName;
}

/** Begins a path in `args` that lies in one of the directories. */
export const WORK = '<work>';
export const SECOND = '<second>';
export const OUTSIDE = '<outside>';

const at = (name: string) => `${WORK}/${name}`;
const equal = (name: string, tool: string, args: Case['args'], more: Partial<Case> = {}): Case => ({ name, tool, args, verdict: 'equal', ...more });
const better = (name: string, tool: string, args: Case['args'], why: string, more: Partial<Case> = {}): Case => ({ name, tool, args, verdict: 'better', why, ...more });
const different = (name: string, tool: string, args: Case['args'], why: string, more: Partial<Case> = {}): Case => ({ name, tool, args, verdict: 'different', why, ...more });
const edit = (file: string, oldText: string, newText: string, more: object = {}) => ({ path: at(file), edits: [{ oldText, newText }], ...more });

const READS: Case[] = [
  equal('a file', 'read_text_file', { path: at('notes.md') }),
  equal('by its old name', 'read_file', { path: at('notes.md') }),
  equal('a relative path', 'read_text_file', { path: 'src/a.ts' }),
  equal('an empty file', 'read_text_file', { path: at('empty.txt') }),
  equal('bytes that are not UTF-8', 'read_text_file', { path: at('latin1.txt') }),
  equal('.. within the directory', 'read_text_file', { path: at('src/../notes.md') }),
  equal('the other allowed directory', 'read_text_file', { path: `${SECOND}/other.txt` }),
  equal('a link within the directory', 'read_text_file', { path: at('link.md') }),
  equal('beneath a linked directory', 'read_text_file', { path: at('link-src/a.ts') }),
  equal('the first 2 lines', 'read_text_file', { path: at('notes.md'), head: 2 }),
  equal('the first 9 of 3 lines', 'read_text_file', { path: at('notes.md'), head: 9 }),
  equal('the first line of CRLF', 'read_text_file', { path: at('windows.txt'), head: 2 }),
  equal('the last line, without a line break', 'read_text_file', { path: at('no-break.txt'), tail: 1 }),
  equal('the last 9 of 2 lines', 'read_text_file', { path: at('no-break.txt'), tail: 9 }),
  better('the last 2 lines', 'read_text_file', { path: at('notes.md'), tail: 2 }, 'A line break at the end of a file begins no further line.', { official: 'three\n', holdfast: 'two\nthree\n' }),
  different('the last lines of CRLF', 'read_text_file', { path: at('windows.txt'), tail: 9 }, 'Lines keep their CRLF, as with `head`.', { holdfast: 'one\r\ntwo\r\nthree\r\n', official: 'one\ntwo\nthree\n' }),
  equal('head and tail together', 'read_text_file', { path: at('notes.md'), head: 1, tail: 1 }, { holdfast: 'invalid-path' }),
  better('the first 0 lines', 'read_text_file', { path: at('notes.md'), head: 0 }, 'A wrong number is refused; it does not return the whole file.', { official: 'one\ntwo\nthree\n' }),
  different('a name in another Unicode form', 'read_text_file', { path: at('caf\u00e9.txt') }, 'Names are compared byte for byte, as the file system does; `list_directory` returns them.', { holdfast: 'not-found', official: 'coffee', given: ({ work }) => fs.writeFileSync(path.join(work, 'cafe\u0301.txt'), 'coffee') }),
  equal('a missing file', 'read_text_file', { path: at('none.txt') }, { holdfast: 'not-found' }),
  equal('a directory', 'read_text_file', { path: at('src') }, { holdfast: 'not-file' }),
  equal('an absolute path outside', 'read_text_file', { path: `${OUTSIDE}/secret.txt` }, { holdfast: 'outside-workspace' }),
  equal('.. to outside', 'read_text_file', { path: at('../outside/secret.txt') }, { holdfast: 'outside-workspace' }),
  equal('a link to outside', 'read_text_file', { path: at('link-out') }, { holdfast: 'outside-workspace' }),
  equal('a file beneath a link to outside', 'read_text_file', { path: at('link-dir/secret.txt') }, { holdfast: 'outside-workspace' }),
  equal('a name with NUL', 'read_text_file', { path: at('a\0b') }, { holdfast: 'invalid-path' }),
  equal('a Windows path', 'read_text_file', { path: 'C:\\Users\\me\\x.txt' }, { holdfast: 'invalid-path' }),
  equal('a directory beside, with a longer name', 'read_text_file', { path: `${WORK}2/secret.txt` }, { holdfast: 'outside-workspace' }),
  better('a hard link to a file outside', 'read_text_file', { path: at('hard.txt') }, 'A file with a second name may lie outside. `--allow-hardlinks` allows it.', { holdfast: 'hardlink', official: 'SECRET' }),
  different('a link with an absolute target within', 'read_text_file', { path: at('link-absolute') }, 'The kernel resolves beneath a descriptor, so that an absolute target always leaves it.', { holdfast: 'outside-workspace', official: 'one' }),
  better('a FIFO', 'read_text_file', { path: at('pipe') }, 'A FIFO is refused; the call does not hang and holds no thread.', { holdfast: 'not-file', hangs: 'official', given: ({ work }) => makeFifo(path.join(work, 'pipe')) }),
  better('6 MiB', 'read_text_file', { path: at('large.txt') }, 'The text is twice in an answer, and the client of the SDK ends a session after 10 MiB. The refusal names `head` and `tail`.', { holdfast: 'too-large', hangs: 'official', given: ({ work }) => fs.writeFileSync(path.join(work, 'large.txt'), Buffer.alloc(6 << 20, 'x')) }),
  equal('the first line of 17 MiB', 'read_text_file', { path: at('large.txt'), head: 1 }, { given: ({ work }) => fs.writeFileSync(path.join(work, 'large.txt'), `one\n${'x'.repeat(17 << 20)}`) }),
  equal('an image', 'read_media_file', { path: at('photo.PNG') }),
  equal('a sound', 'read_media_file', { path: at('sound.mp3') }),
  equal('another type, as a resource', 'read_media_file', { path: at('data.bin') }),
  equal('a link to outside', 'read_media_file', { path: at('link-out') }, { holdfast: 'outside-workspace' }),
  equal('two files', 'read_multiple_files', { paths: [at('notes.md'), 'src/a.ts'] }),
  different('one that is missing', 'read_multiple_files', { paths: [at('notes.md'), at('none.txt')] }, 'The error says code, path and remedy.', { holdfast: 'not-found', official: 'ENOENT' }),
  different('one outside', 'read_multiple_files', { paths: [at('link-out'), at('notes.md')] }, 'The error says code, path and remedy, and not where the link leads.', { holdfast: 'outside-workspace', official: 'Access denied' }),
];

const LISTS: Case[] = [
  equal('a directory', 'list_directory', { path: WORK }),
  equal('an empty directory', 'list_directory', { path: at('void') }),
  equal('a linked directory within', 'list_directory', { path: at('link-src') }),
  equal('a file', 'list_directory', { path: at('notes.md') }, { holdfast: 'not-directory' }),
  equal('a link to a directory outside', 'list_directory', { path: at('link-dir') }, { holdfast: 'outside-workspace' }),
  equal('by name', 'list_directory_with_sizes', { path: at('src') }),
  equal('by size', 'list_directory_with_sizes', { path: at('src/lib'), sortBy: 'size' }),
  better('with a link to outside', 'list_directory_with_sizes', { path: at('void') }, 'The size of a link is its own; that of a file outside is not told.', { given: ({ work }) => fs.symlinkSync('../../outside/secret.txt', path.join(work, 'void/link')) }),
  equal('a tree', 'directory_tree', { path: WORK }),
  equal('without a name', 'directory_tree', { path: WORK, excludePatterns: ['lib'] }),
  equal('without a pattern', 'directory_tree', { path: WORK, excludePatterns: ['**/*.ts', 'link*'] }),
  equal('of a directory further down', 'directory_tree', { path: at('src') }),
  equal('of a directory outside', 'directory_tree', { path: at('link-dir') }, { holdfast: 'outside-workspace' }),
  equal('a pattern in the directory itself', 'search_files', { path: WORK, pattern: '*.txt' }),
  equal('a pattern in the tree', 'search_files', { path: WORK, pattern: '**/*.ts' }),
  equal('with exclusions', 'search_files', { path: WORK, pattern: '**/*', excludePatterns: ['link*', 'src/lib'] }, { holdfast: 'src/a.ts' }),
  equal('nothing found', 'search_files', { path: WORK, pattern: '*.none' }),
  different('links to outside', 'search_files', { path: WORK, pattern: 'link-*' }, 'A link is reported by its own name, as in a list; nothing follows it.'),
  equal('of a file', 'get_file_info', { path: at('notes.md') }),
  equal('of a directory', 'get_file_info', { path: at('src') }),
  equal('of a private file', 'get_file_info', { path: at('private.txt') }),
  equal('of a link to outside', 'get_file_info', { path: at('link-out') }, { holdfast: 'outside-workspace' }),
  equal('of the allowed directories', 'list_allowed_directories', {}),
];

const CHANGES: Case[] = [
  equal('a new file', 'write_file', { path: at('new.txt'), content: 'new\n' }),
  equal('over a file', 'write_file', { path: at('notes.md'), content: 'new\n' }),
  equal('over a file with mode 0755', 'write_file', { path: at('run.sh'), content: 'echo two\n' }),
  equal('over a private file', 'write_file', { path: at('private.txt'), content: 'new\n' }),
  equal('through a link within', 'write_file', { path: at('link.md'), content: 'new\n' }),
  equal('a relative path', 'write_file', { path: 'src/new.ts', content: 'n\n' }),
  equal('without a parent', 'write_file', { path: at('none/new.txt'), content: 'n' }, { holdfast: 'not-found' }),
  equal('over a directory', 'write_file', { path: at('src'), content: 'n' }, { holdfast: 'not-file' }),
  equal('outside', 'write_file', { path: `${OUTSIDE}/new.txt`, content: 'n' }, { holdfast: 'outside-workspace' }),
  equal('through a link to outside', 'write_file', { path: at('link-out'), content: 'n' }, { holdfast: 'outside-workspace' }),
  equal('beneath a link to outside', 'write_file', { path: at('link-dir/new.txt'), content: 'n' }, { holdfast: 'outside-workspace' }),
  equal('through a dangling link to outside', 'write_file', { path: at('link-dangling'), content: 'n' }, { holdfast: 'outside-workspace' }),
  equal('a new directory', 'create_directory', { path: at('made') }),
  equal('with parents', 'create_directory', { path: at('x/y/z') }),
  equal('one that exists', 'create_directory', { path: at('src') }),
  equal('over a file', 'create_directory', { path: at('notes.md') }, { holdfast: 'not-directory' }),
  equal('beneath a link to outside', 'create_directory', { path: at('link-dir/made') }, { holdfast: 'outside-workspace' }),
  equal('a file', 'move_file', { source: at('notes.md'), destination: at('src/notes.md') }),
  equal('a directory', 'move_file', { source: at('src'), destination: at('void/src') }),
  equal('into the other allowed directory', 'move_file', { source: at('notes.md'), destination: `${SECOND}/notes.md` }),
  equal('over a file', 'move_file', { source: at('notes.md'), destination: at('run.sh') }, { holdfast: 'already-exists' }),
  equal('over a dangling link', 'move_file', { source: at('notes.md'), destination: at('link-dangling') }, { holdfast: 'already-exists' }),
  equal('what is missing', 'move_file', { source: at('none'), destination: at('b') }, { holdfast: 'not-found' }),
  equal('to outside', 'move_file', { source: at('notes.md'), destination: `${OUTSIDE}/notes.md` }, { holdfast: 'outside-workspace' }),
  equal('beneath a link to outside', 'move_file', { source: at('notes.md'), destination: at('link-dir/notes.md') }, { holdfast: 'outside-workspace' }),
  better('a link within', 'move_file', { source: at('link.md'), destination: at('moved.md') }, 'The link is moved; its target keeps its name.'),
  different('a link to outside', 'move_file', { source: at('link-out'), destination: at('moved.md') }, 'The link is moved as a name; nothing outside is read or changed. The official server refuses.'),
];

const EDITS: Case[] = [
  equal('one text', 'edit_file', edit('notes.md', 'two', 'TWO')),
  equal('only the diff', 'edit_file', edit('notes.md', 'two', 'TWO', { dryRun: true })),
  equal('several edits in order', 'edit_file', { path: at('notes.md'), edits: [{ oldText: 'one', newText: 'two' }, { oldText: 'two\ntwo', newText: '2' }] }),
  equal('the first of several places', 'edit_file', edit('src/a.ts', 'l', 'L')),
  equal('other white space at the ends of lines', 'edit_file', edit('src/lib/b.ts', '  b  ', 'c')),
  better('other indentation, several lines', 'edit_file', edit('src/a.ts', 'if (x) {\n  call();\n}', 'if (y) {\n  call();\n}'), 'All lines get the indentation of the file, not the first one alone.'),
  equal('a text with backticks', 'edit_file', edit('notes.md', 'two', '```js')),
  equal('a text with $&', 'edit_file', edit('notes.md', 'two', '$& $1')),
  equal('with mode 0755', 'edit_file', edit('run.sh', 'one', 'two')),
  different('through a link within', 'edit_file', edit('link.md', 'two', 'TWO'), 'The diff names the path of the request, the official one that of the target.'),
  equal('a text that is not there', 'edit_file', edit('notes.md', 'four', 'x'), { holdfast: 'conflict' }),
  equal('a missing file', 'edit_file', edit('none.md', 'a', 'b'), { holdfast: 'not-found' }),
  equal('a link to outside', 'edit_file', edit('link-out', 'SECRET', 'x'), { holdfast: 'outside-workspace' }),
  better('a file with CRLF', 'edit_file', edit('windows.txt', 'two', 'TWO'), 'Lines that are not edited keep their CRLF; the official server writes LF everywhere.'),
  better('a file that is not UTF-8', 'edit_file', edit('latin1.txt', 'one', 'two'), 'Refused: the official server replaces each unknown byte by U+FFFD.', { holdfast: 'invalid-text' }),
];

export const CASES: readonly Case[] = [...READS, ...LISTS, ...CHANGES, ...EDITS];
