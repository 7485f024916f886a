// What a tool returns: text, or a refusal that says code, path and remedy.

import type { CallToolResult } from '@modelcontextprotocol/sdk/types.js';
import { HoldfastError, isHoldfastError } from 'holdfast';
import { z } from 'zod';
import type { AllowedDirectories, Located } from './allowed-directories.js';

/** The shape of `structuredContent` of every tool that returns text. */
export const TEXT_OUTPUT = { content: z.string() };

/** Most bytes of an answer. The client of the official SDK ends the session of a server that sends more in one message. */
const MOST_BYTES = 10 * 1024 * 1024 - 1024;

export const READ_ONLY = { readOnlyHint: true, openWorldHint: false };

export function textResult(text: string): CallToolResult {
  return { content: [{ type: 'text', text }], structuredContent: { content: text } };
}

/** What a model can do about a code for which holdfast has no remedy, since it depends on the tools. */
const REMEDIES: Record<string, string> = {
  'not-found': 'List the parent directory to see which names exist; create a missing directory with create_directory.',
  'not-file': 'Use list_directory for a directory. Other kinds than regular files cannot be read or written.',
  'not-directory': 'Use read_text_file for a file, and give a directory to the tools that list.',
  'already-exists': 'Choose another name: nothing is replaced.',
  'too-large': 'Read a part of the file with head or tail, or start at a directory further down.',
  'invalid-text': 'Use read_media_file: the file is not UTF-8 text.',
  EACCES: 'The user of the server has no permission. Ask the operator to grant it.',
  EPERM: 'The system does not permit this to the user of the server. Ask the operator.',
  EROFS: 'The file system is mounted read-only.',
  ENOSPC: 'The file system is full. Free some space first.',
  ENOTEMPTY: 'The directory is not empty.',
  EXDEV: 'The two paths are on different file systems. Read the file and write it there.',
};
const GENERAL_REMEDY = 'Check the path and the arguments.';

/** Returns what an error says, in the words of a caller: the path as the client gave it, and a remedy. */
export function describe(error: unknown, located: readonly Located[] = []): string {
  const { code = 'error', message, path, remedy } = error as { code?: string; message: string; path?: string; remedy?: string };
  const culprit = located.find((each) => each.path === path) ?? (located.length === 1 ? located[0] : undefined);
  const advice = remedy ?? REMEDIES[code] ?? GENERAL_REMEDY;
  const sentence = message.startsWith(code) ? message.slice(code.length).replace(/^: /, '') : message;
  return [
    `${code}: ${isHoldfastError(error) && remedy !== undefined ? sentence.replace(remedy, '').trimEnd() : sentence}`,
    `path: ${culprit?.requested ?? path ?? '(none)'}`,
    `remedy: ${advice}`,
  ].join('\n');
}

/** Finds the directories of the paths of a request, and runs the tool. A failure becomes a result that the model reads. */
export async function answer<Paths extends string[]>(
  allowed: AllowedDirectories,
  requested: readonly [...Paths],
  tool: (...located: { [Index in keyof Paths]: Located }) => Promise<CallToolResult>,
): Promise<CallToolResult> {
  const located: Located[] = [];
  try {
    for (const path of requested) located.push(await allowed.locate(path));
    const result = await tool(...(located as { [Index in keyof Paths]: Located }));
    const size = Buffer.byteLength(JSON.stringify(result));
    if (size > MOST_BYTES) throw new HoldfastError('too-large', { path: located[0]?.path, message: `The answer has ${size} bytes; a client accepts ${MOST_BYTES}.`, size, limit: MOST_BYTES });
    return result;
  } catch (error) {
    return { isError: true, content: [{ type: 'text', text: describe(error, located) }] };
  }
}
