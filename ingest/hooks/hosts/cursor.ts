/**
 * Hooks of Cursor, as its documentation of agent hooks has them: one object a hook with `hook_event_name`,
 * `conversation_id`, `generation_id`, `model` and `user_email`. A tool of an MCP server is `MCP:TOOL` where all tools are
 * told of, and has its server's name, command or address where MCP tools are. `postToolUse` and `afterMCPExecution` tell
 * of the same call: a configuration names one of them.
 */
import { objectOf, plainName } from '../../mcp/mcp_message.ts';
import {
  besideTheWrapper,
  contentOf,
  defineHookSource,
  type HookDraft,
  type HookOptions,
  paramsOf,
  plainId,
  present,
} from '../hook_source.ts';

const HOST = 'cursor';

type Body = Record<string, unknown>;

const READERS: Record<string, (body: Body) => HookDraft> = {
  sessionStart: () => ({ type: 'session.start' }),
  sessionEnd: ({ reason }) => ({ type: 'session.end', reason: plainName(reason, 4_000) ?? 'not told' }),
  beforeSubmitPrompt: ({ prompt }) => ({ type: 'prompt', content: contentOf(prompt) }),
  afterAgentThought: ({ text, duration_ms }) => ({
    type: 'reasoning',
    content: contentOf(text),
    ...lasted(duration_ms),
  }),
  afterAgentResponse: ({ text }) => ({ type: 'response', content: contentOf(text) }),
  preToolUse: (body) => ({ type: 'tool.call', ...called(body), params: paramsOf(body.tool_input) }),
  postToolUse: (body) => ({
    type: 'tool.result',
    ...called(body),
    is_error: false,
    ...lasted(body.duration),
    content: contentOf(body.tool_output),
  }),
  postToolUseFailure: (body) => ({
    type: 'tool.result',
    ...called(body),
    is_error: true,
    ...lasted(body.duration),
    content: contentOf(body.error_message),
    ...(plainName(body.failure_type) !== undefined && { extra: { failure_type: plainName(body.failure_type) } }),
  }),
  beforeMCPExecution: (body) => ({ type: 'tool.call', ...called(body), params: paramsOf(body.tool_input) }),
  afterMCPExecution: (body) => ({
    type: 'tool.result',
    ...called(body),
    ...lasted(body.duration),
    content: contentOf(body.result_json),
  }),
  beforeShellExecution: ({ command, cwd }) => ({
    type: 'tool.call',
    server: HOST,
    tool: 'Shell',
    params: present({ command, cwd }),
  }),
  afterShellExecution: ({ output, duration }) => ({
    type: 'tool.result',
    server: HOST,
    tool: 'Shell',
    ...lasted(duration),
    content: contentOf(output),
  }),
};

const lasted = (ms: unknown) => (typeof ms === 'number' && ms >= 0 ? { duration_ms: ms } : {});
const OF_MCP = new Set(['beforeMCPExecution', 'afterMCPExecution']);

function isMcp({ hook_event_name, tool_name }: Body): boolean {
  return OF_MCP.has(String(hook_event_name)) || String(tool_name).startsWith('MCP:');
}

function called(body: Body): Record<string, unknown> {
  const name = plainName(body.tool_name) ?? 'unknown';
  const told = body.mcp_server_name ?? body.server_name ?? body.url ?? body.command;
  const server = isMcp(body) ? (plainName(told) ?? 'mcp') : HOST;
  return present({ server, tool: name.replace(/^MCP:/, '') || name, call_id: plainId(body.tool_use_id) });
}

function common(body: Body): Record<string, unknown> {
  const email = plainName(body.user_email);
  return present({
    conversation_id: plainId(body.conversation_id ?? body.session_id),
    client: HOST,
    agent: HOST,
    agent_version: plainName(body.cursor_version),
    model: plainName(body.model),
    ...(email !== undefined && { user_id: email, user_source: 'claimed' }),
    extra: present({ hook: plainName(body.hook_event_name), prompt_id: plainId(body.generation_id) }),
  });
}

function read(body: Body, { wrapped }: HookOptions) {
  const hook = plainName(body.hook_event_name) ?? '';
  const whole = common(body);
  const reader = Object.hasOwn(READERS, hook) ? READERS[hook] : undefined;
  if (reader === undefined) {
    const { hook_event_name: _, transcript_path: __, user_email: ___, ...said } = body;
    const extra = { ...objectOf(whole.extra), method: hook };
    return { hook, events: [{ ...whole, type: 'protocol.message', extra, content: said }] };
  }
  const own = reader(body);
  const draft = { ...whole, ...own, extra: { ...objectOf(whole.extra), ...objectOf(own.extra) } };
  return { hook, events: [wrapped && isMcp(body) ? besideTheWrapper(draft, hook) : draft] };
}

const ASKS = new Set(['preToolUse', 'beforeMCPExecution', 'beforeShellExecution', 'beforeReadFile']);

export default defineHookSource({
  name: 'cursor',
  title: 'Cursor',
  reference: 'https://cursor.com/docs/agent/hooks',
  read,
  refusal: ({ hook_event_name }, reason) =>
    ASKS.has(String(hook_event_name)) ? { permission: 'deny', user_message: reason, agent_message: reason } : undefined,
});
