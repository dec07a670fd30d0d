/** A small MCP server for the demo: support tickets, read from one JSON file whose path is the first argument. */
import { readFileSync } from 'node:fs';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';
import { z } from 'zod';

const tickets = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')) as Record<string, string>;
const server = new McpServer({ name: 'demo-tickets', version: '1.0.0' });

server.registerTool(
  'get_ticket',
  {
    description: 'Reads the text of one support ticket, as its sender wrote it.',
    inputSchema: { id: z.number().int() },
    annotations: { readOnlyHint: true, openWorldHint: true },
  },
  ({ id }) => {
    const text = Object.hasOwn(tickets, id) ? tickets[id] : undefined;
    if (text === undefined) return { isError: true, content: [{ type: 'text', text: `There is no ticket ${id}.` }] };
    return { content: [{ type: 'text', text }] };
  },
);

await server.connect(new StdioServerTransport());
