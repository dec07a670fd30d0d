/** A small MCP server for the demo that "sends" mail: it writes each one into the folder of its first argument. */
import { randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';
import { z } from 'zod';

const folder = process.argv[2] ?? '';
const server = new McpServer({ name: 'demo-outbox', version: '1.0.0' });

server.registerTool(
  'send_email',
  {
    description: 'Sends an e-mail. In this demo it only writes the mail into a folder.',
    inputSchema: { to: z.array(z.email()).min(1), subject: z.string(), body: z.string() },
    annotations: { readOnlyHint: false },
  },
  (mail) => {
    const id = randomUUID();
    writeFileSync(join(folder, `${id}.json`), JSON.stringify(mail), { flag: 'wx' });
    return { content: [{ type: 'text', text: `Queued as ${id}.` }] };
  },
);

await server.connect(new StdioServerTransport());
