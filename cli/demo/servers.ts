/** Starts the MCP servers of the demo as processes of their own and connects a real MCP client to each over stdio. */
import { fileURLToPath } from 'node:url';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import type { CallToolResult, ListToolsResult } from '@modelcontextprotocol/sdk/types.js';
import { AppError, messageOf } from '../../core/errors.ts';
import { VERSION } from '../version.ts';
import type { Closing } from './closing.ts';
import { scriptArgs } from './script.ts';
import type { Workspace } from './workspace.ts';

export interface McpConnection {
  /** The name under which the agent knows the server. */
  name: string;
  /** What the server calls itself. */
  claims: string;
  version: string;
  pid: number;
  tools: ListToolsResult['tools'];
  call(tool: string, params: Record<string, unknown>): Promise<CallToolResult>;
}

interface Launch {
  args: string[];
  cwd?: string;
  env?: Record<string, string>;
}

const STDERR_KEPT = 2_000;

/** All servers of the demo, by name. Throws `mcp_server_failed`. */
export async function startServers(
  place: Workspace,
  sink_url: string,
  closing: Closing,
): Promise<Map<string, McpConnection>> {
  const launches: Record<string, Launch> = {
    files: {
      args: [fileURLToPath(import.meta.resolve('@modelcontextprotocol/server-filesystem/dist/index.js')), '.'],
      cwd: place.files,
    },
    memory: {
      args: [fileURLToPath(import.meta.resolve('@modelcontextprotocol/server-memory/dist/index.js'))],
      env: { MEMORY_FILE_PATH: place.memory },
    },
    everything: { args: [fileURLToPath(import.meta.resolve('@modelcontextprotocol/server-everything/dist/index.js'))] },
    tickets: { args: [...scriptArgs('mcp/tickets'), place.tickets] },
    outbox: { args: [...scriptArgs('mcp/outbox'), place.outbox] },
    web: { args: [...scriptArgs('mcp/web'), sink_url] },
  };
  const started = Object.entries(launches).map(([name, launch]) => start(name, launch, closing));
  return new Map((await Promise.all(started)).map((server) => [server.name, server]));
}

async function start(name: string, launch: Launch, closing: Closing): Promise<McpConnection> {
  const transport = new StdioClientTransport({ command: process.execPath, ...launch, stderr: 'pipe' });
  const client = new Client({ name: 'tracewarden-demo', version: VERSION });
  let said = '';
  transport.stderr?.on('data', (chunk: Buffer) => {
    said = `${said}${chunk}`.slice(-STDERR_KEPT);
  });
  closing.add(() => client.close());
  try {
    await client.connect(transport);
    const { tools } = await client.listTools();
    const { name: claims = name, version = '' } = client.getServerVersion() ?? {};
    return {
      name,
      claims,
      version,
      pid: transport.pid ?? 0,
      tools,
      call: async (tool, params) => (await client.callTool({ name: tool, arguments: params })) as CallToolResult,
    };
  } catch (cause) {
    throw new AppError('mcp_server_failed', `the MCP server ${name} did not start: ${messageOf(cause)}\n${said}`, {
      cause,
    });
  }
}
