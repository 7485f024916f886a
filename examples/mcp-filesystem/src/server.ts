// The MCP server: registers the tools, and follows the roots of the client.

import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { RootsListChangedNotificationSchema } from '@modelcontextprotocol/sdk/types.js';
import type { AllowedDirectories } from './allowed-directories.js';
import { addChangingTools } from './changing-tools.js';
import { addListingTools } from './listing-tools.js';
import { addReadingTools } from './reading-tools.js';

export function createServer(allowed: AllowedDirectories): McpServer {
  const server = new McpServer({ name: 'holdfast-mcp-filesystem', version: '0.1.0' });
  addReadingTools(server, allowed);
  addListingTools(server, allowed);
  addChangingTools(server, allowed);

  const followClient = () =>
    allowed.after(async () => {
      const { roots } = await server.server.listRoots();
      if (!(await allowed.replace(roots.map(({ uri }) => uri)))) throw new Error('the client named no directory that can be opened');
    });
  server.server.oninitialized = () => {
    if (server.server.getClientCapabilities()?.roots) followClient();
  };
  server.server.setNotificationHandler(RootsListChangedNotificationSchema, followClient);
  return server;
}
