#!/usr/bin/env node
// An MCP file server over stdio. Usage: holdfast-mcp-filesystem [--allow-hardlinks] [directory...]

import { parseArgs } from 'node:util';
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';
import { AllowedDirectories } from './allowed-directories.js';
import { createServer } from './server.js';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { 'allow-hardlinks': { type: 'boolean' } },
});

const allowed = new AllowedDirectories({
  // Links are followed while they stay beneath their directory.
  symlinks: 'follow-within-root',
  finalSymlink: 'follow',
  hardlinks: values['allow-hardlinks'] ? 'allow' : 'reject',
});

try {
  if (positionals.length > 0 && !(await allowed.replace(positionals))) throw new Error('none of the given directories can be opened');
  await createServer(allowed).connect(new StdioServerTransport());
} catch (error) {
  console.error(`holdfast-mcp-filesystem: ${(error as Error).message}`);
  process.exitCode = 1;
}
