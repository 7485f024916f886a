// An MCP session over stdio with one of the two servers.

import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { ListRootsRequestSchema, type CallToolResult } from '@modelcontextprotocol/sdk/types.js';
import { fileURLToPath } from 'node:url';

export type ServerName = 'official' | 'holdfast';

const PROGRAMS: Record<ServerName, string> = {
  official: fileURLToPath(import.meta.resolve('@modelcontextprotocol/server-filesystem/dist/index.js')),
  holdfast: fileURLToPath(new URL('../src/main.js', import.meta.url)),
};

/** What a call came to. */
export interface Outcome {
  /** `hangs`: no answer in time, or the session ended before one. */
  kind: 'result' | 'error' | 'hangs';
  text: string;
}

export interface Session {
  client: Client;
  call(tool: string, args: Record<string, unknown>, timeout?: number): Promise<Outcome>;
  /** Names the client's roots, and waits until the server has asked for them. */
  setRoots(uris: string[]): Promise<void>;
  close(): Promise<void>;
}

/** Longest time for a call that returns, in milliseconds. */
const CALL_TIMEOUT = 20_000;

function textOf({ content }: CallToolResult): string {
  return content.map((item) => (item.type === 'text' ? item.text : JSON.stringify(item))).join('\n');
}

/**
 * Starts a server.
 *
 * @param roots The client's roots, as URIs. Without it the client has no roots.
 */
export async function openSession(server: ServerName, directories: string[], roots?: string[]): Promise<Session> {
  let current = roots ?? [];
  let onAsked = () => {};
  const client = new Client({ name: 'comparison', version: '1' }, { capabilities: roots ? { roots: { listChanged: true } } : {} });
  if (roots) {
    client.setRequestHandler(ListRootsRequestSchema, () => {
      setImmediate(onAsked);
      return { roots: current.map((uri) => ({ uri })) };
    });
  }
  await client.connect(new StdioClientTransport({ command: process.execPath, args: [PROGRAMS[server], ...directories], stderr: 'ignore' }));
  return {
    client,
    async call(tool, args, timeout = CALL_TIMEOUT) {
      try {
        const result = (await client.callTool({ name: tool, arguments: args }, undefined, { timeout })) as CallToolResult;
        return { kind: result.isError ? 'error' : 'result', text: textOf(result) };
      } catch (error) {
        return { kind: /timed out|closed|[Nn]ot connected/.test((error as Error).message) ? 'hangs' : 'error', text: (error as Error).message };
      }
    },
    async setRoots(uris) {
      current = uris;
      const asked = new Promise<void>((resolve) => (onAsked = resolve));
      await client.sendRootsListChanged();
      await asked;
    },
    close: () => client.close(),
  };
}
