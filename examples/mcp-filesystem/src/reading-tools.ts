// The tools that read files.

import { extname } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import type { CallToolResult } from '@modelcontextprotocol/sdk/types.js';
import { HoldfastError } from 'holdfast';
import { z } from 'zod';
import type { AllowedDirectories } from './allowed-directories.js';
import { firstLines, lastLines } from './lines.js';
import { answer, describe, READ_ONLY, TEXT_OUTPUT, textResult } from './results.js';

const MEDIA_TYPES: Record<string, string> = {
  '.png': 'image/png',
  '.jpg': 'image/jpeg',
  '.jpeg': 'image/jpeg',
  '.gif': 'image/gif',
  '.webp': 'image/webp',
  '.bmp': 'image/bmp',
  '.svg': 'image/svg+xml',
  '.mp3': 'audio/mpeg',
  '.wav': 'audio/wav',
  '.ogg': 'audio/ogg',
  '.flac': 'audio/flac',
};

const MEDIA_OUTPUT = {
  content: z.array(
    z.union([
      z.object({ type: z.enum(['image', 'audio']), data: z.string(), mimeType: z.string() }),
      z.object({ type: z.literal('resource'), resource: z.object({ uri: z.string(), mimeType: z.string().optional(), blob: z.string() }) }),
    ]),
  ),
};

const lineCount = z.number().int().positive().optional();
const TEXT_INPUT = {
  path: z.string(),
  head: lineCount.describe('Return only the first N lines'),
  tail: lineCount.describe('Return only the last N lines'),
};

export function addReadingTools(server: McpServer, allowed: AllowedDirectories): void {
  const readText = ({ path: requested, head, tail }: { path: string; head?: number; tail?: number }, { signal }: { signal: AbortSignal }): Promise<CallToolResult> =>
    answer(allowed, [requested], async (at) => {
      if (head !== undefined && tail !== undefined) {
        throw new HoldfastError('invalid-path', { path: requested, message: 'head and tail exclude each other.', remedy: 'Give one of the two.' });
      }
      if (head === undefined && tail === undefined) return textResult(await at.root.readText(at.path, { signal }));
      await using file = await at.root.open(at.path, { maxBytes: Infinity, signal });
      return textResult(head === undefined ? await lastLines(file.handle, tail!) : await firstLines(file.handle, head));
    });

  const description = 'Read a text file as UTF-8: all of it, or its first (head) or last (tail) lines. The file must lie in an allowed directory.';
  server.registerTool('read_text_file', { title: 'Read text file', description, inputSchema: TEXT_INPUT, outputSchema: TEXT_OUTPUT, annotations: READ_ONLY }, readText);
  server.registerTool(
    'read_file',
    { title: 'Read file (deprecated)', description: 'Old name of read_text_file.', inputSchema: TEXT_INPUT, outputSchema: TEXT_OUTPUT, annotations: READ_ONLY },
    readText,
  );

  server.registerTool(
    'read_media_file',
    {
      title: 'Read media file',
      description: 'Read a file as base64 with its MIME type: as an image, as audio, or as an embedded resource for any other type.',
      inputSchema: { path: z.string() },
      outputSchema: MEDIA_OUTPUT,
      annotations: READ_ONLY,
    },
    ({ path: requested }, { signal }) =>
      answer(allowed, [requested], async (at) => {
        const { buffer, realPath } = await at.root.read(at.path, { signal });
        const mimeType = MEDIA_TYPES[extname(realPath).toLowerCase()] ?? 'application/octet-stream';
        const data = buffer.toString('base64');
        const type = mimeType.split('/')[0];
        const item =
          type === 'image' || type === 'audio'
            ? ({ type, data, mimeType } as const)
            : ({ type: 'resource', resource: { uri: pathToFileURL(realPath).href, mimeType, blob: data } } as const);
        return { content: [item], structuredContent: { content: [item] } };
      }),
  );

  server.registerTool(
    'read_multiple_files',
    {
      title: 'Read multiple files',
      description: 'Read several text files. Each part of the result begins with its path; a file that cannot be read has its error there.',
      inputSchema: { paths: z.array(z.string()).min(1) },
      outputSchema: TEXT_OUTPUT,
      annotations: READ_ONLY,
    },
    ({ paths }, { signal }) =>
      answer(allowed, [], async () => {
        const parts: string[] = [];
        for (const requested of paths) {
          try {
            const { root, path } = await allowed.locate(requested);
            parts.push(`${requested}:\n${await root.readText(path, { signal })}\n`);
          } catch (error) {
            if (signal.aborted) throw error;
            parts.push(`${requested}: Error - ${describe(error)}`);
          }
        }
        return textResult(parts.join('\n---\n'));
      }),
  );
}
