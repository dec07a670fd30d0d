/**
 * A small MCP server for the demo that posts to the web. Whatever the URL, the request goes to the sink on this machine
 * whose address is the first argument: nothing leaves the machine.
 */
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';
import { z } from 'zod';

const sink = new URL(process.argv[2] ?? '');
if (sink.hostname !== '127.0.0.1') throw new Error('the sink must be on this machine');
const server = new McpServer({ name: 'demo-web', version: '1.0.0' });

server.registerTool(
  'http_post',
  {
    description: 'Posts a text to a URL. In this demo every request goes to a sink on this machine.',
    inputSchema: { url: z.url(), body: z.string() },
    annotations: { readOnlyHint: false, openWorldHint: true },
  },
  async ({ url, body }) => {
    const response = await fetch(sink, { method: 'POST', headers: { 'x-demo-url': url }, body });
    return { content: [{ type: 'text', text: `HTTP status ${response.status}` }] };
  },
);

await server.connect(new StdioServerTransport());
