/**
 * Does what an MCP gateway does: carries an agent's calls to the servers, and posts what happened as provenance events,
 * in batches, with a key of its own.
 */
import type { CallToolResult } from '@modelcontextprotocol/sdk/types.js';
import { AppError } from '../../core/errors.ts';
import type { EventType } from '../../core/event.ts';
import type { McpConnection } from './servers.ts';

export interface AgentSession {
  prompt(text: string): Promise<void>;
  reasoning(text: string): Promise<void>;
  /** Calls a tool and gives the text of its result. */
  call(server: string, tool: string, params: Record<string, unknown>): Promise<string>;
  response(text: string): Promise<void>;
}

export interface SessionOptions {
  session_id: string;
  user_id: string;
  agent: string;
  /** The servers that the agent was given. */
  servers: readonly McpConnection[];
  /** Where events go. */
  post: (events: readonly Record<string, unknown>[]) => Promise<void>;
}

const BATCH_EVENTS = 6;

/** Runs one session of a script from its start to its end and gives the number of its events. */
export async function runSession(
  options: SessionOptions,
  script: (agent: AgentSession) => Promise<void>,
): Promise<number> {
  const record = recorder(options);
  await record.event('session.start');
  for (const { name, version, tools } of options.servers) {
    await record.event('tools.list', { server: name, server_version: version, tools });
  }
  await script({
    prompt: (content) => record.event('prompt', { content }),
    reasoning: (content) => record.event('reasoning', { content }),
    response: (content) => record.event('response', { content }),
    call: (server, tool, params) => carry(options, record, server, tool, params),
  });
  await record.event('session.end', { reason: 'the script is done' });
  await record.flush();
  return record.count();
}

type Recorder = ReturnType<typeof recorder>;

function recorder({ session_id, user_id, agent, post }: SessionOptions) {
  const waiting: Record<string, unknown>[] = [];
  let count = 0;
  const flush = async () => {
    if (waiting.length > 0) await post(waiting.splice(0));
  };
  return {
    count: () => count,
    flush,
    async event(type: EventType, fields: Record<string, unknown> = {}): Promise<void> {
      const event_id = `${session_id}-${String(++count).padStart(2, '0')}`;
      const who = { session_id, user_id, user_source: 'gateway', agent, client: 'demo-gateway', model: 'scripted' };
      waiting.push({ event_id, type, time: new Date().toISOString(), ...who, ...fields });
      if (waiting.length >= BATCH_EVENTS) await flush();
    },
  };
}

async function carry(
  { session_id, servers }: SessionOptions,
  record: Recorder,
  server: string,
  tool: string,
  params: Record<string, unknown>,
): Promise<string> {
  const connection = servers.find(({ name }) => name === server);
  if (connection === undefined) throw new AppError('demo_script', `the session has no server ${server}`);
  const place = { server, server_version: connection.version, tool, call_id: `${session_id}-call-${record.count()}` };
  await record.event('tool.call', { ...place, params });
  const started_ms = performance.now();
  const { content, isError = false } = await connection.call(tool, params);
  const duration_ms = Math.round(performance.now() - started_ms);
  await record.event('tool.result', { ...place, content, is_error: isError, duration_ms });
  if (isError) throw new AppError('demo_script', `${server}.${tool} answered with an error: ${textOf(content)}`);
  return textOf(content);
}

function textOf(content: CallToolResult['content']): string {
  return content.map((block) => (block.type === 'text' ? block.text : '')).join('\n');
}
