// The tools that change files and directories.

import { join, relative } from 'node:path';
import type { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { HoldfastError, UNCHANGED } from 'holdfast';
import { z } from 'zod';
import type { AllowedDirectories, Located } from './allowed-directories.js';
import { applyEdits, fencedDiff, type Edit } from './edits.js';
import { answer, TEXT_OUTPUT, textResult } from './results.js';

/** Mode of new directories. */
const DIRECTORY_MODE = 0o755;

/** Returns the path of the file that a final link leads to: an update takes no link as its target. */
async function withoutLink({ root, path }: Located): Promise<string> {
  if (!(await root.lstat(path)).isSymbolicLink()) return path;
  await using file = await root.open(path);
  return relative(root.path, file.realPath);
}

/** Decodes UTF-8 and keeps a byte-order mark. A file of another encoding is refused: its bytes would be lost. */
function decode(content: Buffer, path: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(content);
  } catch {
    throw new HoldfastError('invalid-text', { path });
  }
}

async function editFile(at: Located, edits: readonly Edit[], dryRun: boolean, signal: AbortSignal): Promise<string> {
  const shown = join(at.root.path, at.path);
  if (dryRun) {
    const before = await at.root.readText(at.path, { invalid: 'error', signal });
    return fencedDiff(shown, before, applyEdits(before, edits));
  }
  let diff = '';
  await at.root.updateAtomic(
    await withoutLink(at),
    (content) => {
      if (content === undefined) throw new HoldfastError('not-found', { path: at.path });
      const before = decode(content, at.path);
      const after = applyEdits(before, edits);
      diff = fencedDiff(shown, before, after);
      return after === before ? UNCHANGED : after;
    },
    // A lock would leave a lock file in the directory. Without it, what others write meanwhile is noticed by comparison.
    { lock: false, signal },
  );
  return diff;
}

export function addChangingTools(server: McpServer, allowed: AllowedDirectories): void {
  server.registerTool(
    'write_file',
    {
      title: 'Write file',
      description: 'Create a file, or replace all of its content. Readers see the old content or the new.',
      inputSchema: { path: z.string(), content: z.string() },
      outputSchema: TEXT_OUTPUT,
      annotations: { readOnlyHint: false, idempotentHint: true, destructiveHint: true, openWorldHint: false },
    },
    ({ path: requested, content }, { signal }) =>
      answer(allowed, [requested], async (at) => {
        await at.root.writeAtomic(at.path, content, { signal });
        return textResult(`Successfully wrote to ${requested}`);
      }),
  );

  server.registerTool(
    'edit_file',
    {
      title: 'Edit file',
      description: 'Replace texts in a file, in order. White space at the ends of lines may differ. Returns a diff; with dryRun the file stays as it is.',
      inputSchema: {
        path: z.string(),
        edits: z.array(z.object({ oldText: z.string().describe('Text to replace'), newText: z.string().describe('Text to put there') })),
        dryRun: z.boolean().default(false).describe('Only return the diff'),
      },
      outputSchema: TEXT_OUTPUT,
      annotations: { readOnlyHint: false, idempotentHint: false, destructiveHint: true, openWorldHint: false },
    },
    ({ path: requested, edits, dryRun }, { signal }) =>
      answer(allowed, [requested], async (at) => {
        return textResult(await editFile(at, edits, dryRun, signal));
      }),
  );

  server.registerTool(
    'create_directory',
    {
      title: 'Create directory',
      description: 'Create a directory with its missing parents. A directory that exists is left as it is.',
      inputSchema: { path: z.string() },
      outputSchema: TEXT_OUTPUT,
      annotations: { readOnlyHint: false, idempotentHint: true, destructiveHint: false, openWorldHint: false },
    },
    ({ path: requested }, { signal }) =>
      answer(allowed, [requested], async (at) => {
        await at.root.ensureDir(at.path, { mode: DIRECTORY_MODE, existing: 'leave', signal });
        return textResult(`Successfully created directory ${requested}`);
      }),
  );

  server.registerTool(
    'move_file',
    {
      title: 'Move file',
      description: 'Move or rename a file or directory, also into another allowed directory. Nothing is replaced.',
      inputSchema: { source: z.string(), destination: z.string() },
      outputSchema: TEXT_OUTPUT,
      annotations: { readOnlyHint: false, idempotentHint: false, destructiveHint: true, openWorldHint: false },
    },
    ({ source, destination }) =>
      answer(allowed, [source, destination], async (from, to) => {
        await from.root.rename(from.path, to.path, { toRoot: to.root });
        return textResult(`Successfully moved ${source} to ${destination}`);
      }),
  );
}
