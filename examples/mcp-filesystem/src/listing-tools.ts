// The tools that list directories, search them, and report metadata. None of them follows a link in a tree.

import { join, posix } from 'node:path';
import type { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import type { Entry } from 'holdfast';
import { minimatch } from 'minimatch';
import { z } from 'zod';
import type { AllowedDirectories, Located } from './allowed-directories.js';
import { answer, READ_ONLY, TEXT_OUTPUT, textResult } from './results.js';

const UNITS = ['B', 'KB', 'MB', 'GB', 'TB'];

/** Most entries that a tree or a search visits. */
const MOST_ENTRIES = 100_000;

interface TreeNode {
  name: string;
  type: 'directory' | 'file';
  children?: TreeNode[];
}

function formatSize(bytes: number): string {
  let unit = 0;
  let size = bytes;
  for (; size >= 1024 && unit < UNITS.length - 1; unit++) size /= 1024;
  return `${unit === 0 ? size : size.toFixed(2)} ${UNITS[unit]}`;
}

function kind(entry: Entry): string {
  return entry.isDirectory() ? '[DIR]' : '[FILE]';
}

function matches(path: string, pattern: string): boolean {
  return minimatch(path, pattern, { dot: true });
}

/** Whether a pattern of directory_tree excludes a path. A pattern without `*` is also a name anywhere in the tree. */
function excludes(pattern: string, path: string): boolean {
  return matches(path, pattern) || (!pattern.includes('*') && [`**/${pattern}`, `**/${pattern}/**`].some((each) => matches(path, each)));
}

function sortByName(nodes: TreeNode[]): TreeNode[] {
  nodes.sort((a, b) => Buffer.compare(Buffer.from(a.name), Buffer.from(b.name)));
  for (const { children } of nodes) if (children) sortByName(children);
  return nodes;
}

/** Returns the path of an entry relative to the directory that is walked. */
function fromStart(start: string, path: string): string {
  return posix.relative(posix.normalize(start), path);
}

async function treeOf({ root, path: start }: Located, excludePatterns: string[], signal: AbortSignal): Promise<TreeNode[]> {
  const top: TreeNode[] = [];
  const childrenOf = new Map<string, TreeNode[]>();
  const filter = ({ path }: { path: string }) => !excludePatterns.some((pattern) => excludes(pattern, fromStart(start, path)));
  for await (const entry of root.walk(start, { filter, maxEntries: MOST_ENTRIES, signal })) {
    const node: TreeNode = { name: entry.name, type: entry.isDirectory() ? 'directory' : 'file' };
    if (entry.isDirectory()) childrenOf.set(entry.path, (node.children = []));
    (entry.depth === 1 ? top : childrenOf.get(entry.parentPath))?.push(node);
  }
  return sortByName(top);
}

export function addListingTools(server: McpServer, allowed: AllowedDirectories): void {
  server.registerTool(
    'list_directory',
    {
      title: 'List directory',
      description: 'List the names in a directory, each with [DIR] or [FILE] before it.',
      inputSchema: { path: z.string() },
      outputSchema: TEXT_OUTPUT,
      annotations: READ_ONLY,
    },
    ({ path: requested }, { signal }) =>
      answer(allowed, [requested], async (at) => {
        const entries = await at.root.list(at.path, { signal });
        return textResult(entries.map((entry) => `${kind(entry)} ${entry.name}`).join('\n'));
      }),
  );

  server.registerTool(
    'list_directory_with_sizes',
    {
      title: 'List directory with sizes',
      description: 'List the names in a directory with [DIR] or [FILE], the size of each file, and the sums.',
      inputSchema: { path: z.string(), sortBy: z.enum(['name', 'size']).optional().default('name') },
      outputSchema: TEXT_OUTPUT,
      annotations: READ_ONLY,
    },
    ({ path: requested, sortBy }, { signal }) =>
      answer(allowed, [requested], async (at) => {
        const entries = (await at.root.list(at.path, { stat: true, signal })).map((entry) => ({ entry, size: entry.stat?.size ?? 0 }));
        if (sortBy === 'size') entries.sort((a, b) => b.size - a.size);
        else entries.sort((a, b) => a.entry.name.localeCompare(b.entry.name));
        const files = entries.filter(({ entry }) => !entry.isDirectory());
        const lines = entries.map(({ entry, size }) => `${kind(entry)} ${entry.name.padEnd(30)} ${entry.isDirectory() ? '' : formatSize(size).padStart(10)}`);
        const sum = files.reduce((total, { size }) => total + size, 0);
        return textResult([...lines, '', `Total: ${files.length} files, ${entries.length - files.length} directories`, `Combined size: ${formatSize(sum)}`].join('\n'));
      }),
  );

  server.registerTool(
    'directory_tree',
    {
      title: 'Directory tree',
      description: 'Return the tree of a directory as JSON: name, type, and children for directories. Links are files in it.',
      inputSchema: { path: z.string(), excludePatterns: z.array(z.string()).optional().default([]) },
      outputSchema: TEXT_OUTPUT,
      annotations: READ_ONLY,
    },
    ({ path: requested, excludePatterns }, { signal }) =>
      answer(allowed, [requested], async (at) => {
        return textResult(JSON.stringify(await treeOf(at, excludePatterns, signal), null, 2));
      }),
  );

  server.registerTool(
    'search_files',
    {
      title: 'Search files',
      description: 'Return the full paths below a directory that match a glob pattern: *.ts in the directory itself, **/*.ts in the whole tree.',
      inputSchema: { path: z.string(), pattern: z.string(), excludePatterns: z.array(z.string()).optional().default([]) },
      outputSchema: TEXT_OUTPUT,
      annotations: READ_ONLY,
    },
    ({ path: requested, pattern, excludePatterns }, { signal }) =>
      answer(allowed, [requested], async (at) => {
        const filter = ({ path }: { path: string }) => !excludePatterns.some((excluded) => matches(fromStart(at.path, path), excluded));
        const found: string[] = [];
        for await (const { path } of at.root.walk(at.path, { filter, onError: 'skip', maxEntries: MOST_ENTRIES, signal })) {
          if (matches(fromStart(at.path, path), pattern)) found.push(join(at.root.path, path));
        }
        return textResult(found.length > 0 ? found.sort().join('\n') : 'No matches found');
      }),
  );

  server.registerTool(
    'get_file_info',
    {
      title: 'Get file info',
      description: 'Return size, times, kind and permissions of a file or directory.',
      inputSchema: { path: z.string() },
      outputSchema: TEXT_OUTPUT,
      annotations: READ_ONLY,
    },
    ({ path: requested }, { signal }) =>
      answer(allowed, [requested], async (at) => {
        const stat = await at.root.stat(at.path, { signal });
        const facts = {
          size: stat.size,
          created: stat.birthtime,
          modified: stat.mtime,
          accessed: stat.atime,
          isDirectory: stat.isDirectory(),
          isFile: stat.isFile(),
          permissions: (stat.mode & 0o777).toString(8).padStart(3, '0'),
        };
        return textResult(Object.entries(facts).map(([name, value]) => `${name}: ${value}`).join('\n'));
      }),
  );

  server.registerTool(
    'list_allowed_directories',
    {
      title: 'List allowed directories',
      description: 'Return the directories that the tools may use, with everything beneath them.',
      inputSchema: {},
      outputSchema: TEXT_OUTPUT,
      annotations: READ_ONLY,
    },
    () => answer(allowed, [], async () => textResult(`Allowed directories:\n${(await allowed.paths()).join('\n')}`)),
  );
}
