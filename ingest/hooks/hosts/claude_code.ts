/**
 * Hooks of Claude Code, as its reference of hooks documents them: one object a hook with `hook_event_name`,
 * `session_id`, `cwd` and, on tools, `tool_name`, `tool_input`, `tool_use_id`. A tool of an MCP server is called
 * `mcp__SERVER__TOOL`. The wrapper knows the session by the same id, and a call by the same `tool_use_id`.
 */
import { objectOf, plainName } from '../../mcp/mcp_message.ts';
import {
  besideTheWrapper,
  type CalledTool,
  contentOf,
  defineHookSource,
  type HookDraft,
  type HookOptions,
  paramsOf,
  plainId,
  present,
} from '../hook_source.ts';

const HOST = 'claude-code';
const BUILT_IN = 'claude-code';

type Body = Record<string, unknown>;
type Reader = (body: Body) => HookDraft | undefined;

/** Hooks that are events of the session. What is not in here is kept as a message, so that nothing is lost. */
const READERS: Record<string, Reader> = {
  SessionStart: ({ source }) => ({ type: 'session.start', extra: present({ started_by: plainName(source) }) }),
  SessionEnd: ({ reason }) => ({ type: 'session.end', reason: plainName(reason, 4_000) ?? 'not told' }),
  UserPromptSubmit: ({ prompt }) => ({ type: 'prompt', content: contentOf(prompt) }),
  PreToolUse: (body) => ({ type: 'tool.call', ...called(body), params: paramsOf(body.tool_input) }),
  PostToolUse: (body) => ({
    type: 'tool.result',
    ...called(body),
    is_error: objectOf(body.tool_response)?.is_error === true || objectOf(body.tool_response)?.isError === true,
    ...durationOf(body),
    content: contentOf(body.tool_response),
  }),
  PostToolUseFailure: (body) => ({
    type: 'tool.result',
    ...called(body),
    is_error: true,
    ...durationOf(body),
    content: contentOf(body.error),
    ...(body.is_interrupt === true && { extra: { interrupted: true } }),
  }),
  PermissionDenied: (body) => ({
    type: 'policy.decision',
    ...called(body),
    decision: { action: 'deny', rule: 'permission', ...present({ reason: plainName(body.reason, 4_000) }) },
  }),
  Stop: responded,
  SubagentStop: responded,
};

function responded({ last_assistant_message }: Body): HookDraft | undefined {
  if (last_assistant_message === undefined || last_assistant_message === '') return undefined;
  return { type: 'response', content: contentOf(last_assistant_message) };
}

function durationOf({ duration_ms }: Body): Record<string, unknown> {
  return typeof duration_ms === 'number' && duration_ms >= 0 ? { duration_ms } : {};
}

function toolOf(name: unknown): CalledTool {
  const text = plainName(name) ?? 'unknown';
  const [, server, tool] = /^mcp__(.+?)__(.+)$/s.exec(text) ?? [];
  if (server === undefined || tool === undefined) return { server: BUILT_IN, tool: text, mcp: false };
  return { server, tool, mcp: true };
}

function called(body: Body): Record<string, unknown> {
  const { server, tool } = toolOf(body.tool_name);
  return present({ server, tool, call_id: plainId(body.tool_use_id) });
}

/** What every event of the host says. A subagent acts for the agent that started it. */
function common(body: Body): Record<string, unknown> {
  const subagent = plainName(body.agent_type);
  const extra = present({
    hook: plainName(body.hook_event_name),
    prompt_id: plainId(body.prompt_id),
    agent_id: plainId(body.agent_id),
    permission_mode: plainName(body.permission_mode),
    cwd: plainName(body.cwd),
  });
  const actor = subagent === undefined ? { agent: HOST } : { agent: subagent, parent_agent: HOST };
  return present({
    client_session_id: plainId(body.session_id),
    client: HOST,
    ...actor,
    model: plainName(body.model),
    extra,
  });
}

function read(body: Body, { wrapped }: HookOptions) {
  const hook = plainName(body.hook_event_name) ?? '';
  const reader = Object.hasOwn(READERS, hook) ? READERS[hook] : undefined;
  const whole = common(body);
  if (reader === undefined) {
    const { hook_event_name: _, session_id: __, transcript_path: ___, ...said } = body;
    return {
      hook,
      events: [
        { ...whole, type: 'protocol.message', extra: { ...objectOf(whole.extra), method: hook }, content: said },
      ],
    };
  }
  const own = reader(body);
  if (own === undefined) return { hook, events: [] };
  const draft = { ...whole, ...own, extra: { ...objectOf(whole.extra), ...objectOf(own.extra) } };
  const doubled = wrapped && own.type.startsWith('tool.') && toolOf(body.tool_name).mcp;
  return { hook, events: [doubled ? besideTheWrapper(draft, hook) : draft] };
}

export default defineHookSource({
  name: 'claude-code',
  title: 'Claude Code',
  reference: 'https://code.claude.com/docs/en/hooks',
  read,
  refusal: (body, reason) =>
    body.hook_event_name === 'PreToolUse'
      ? {
          hookSpecificOutput: {
            hookEventName: 'PreToolUse',
            permissionDecision: 'deny',
            permissionDecisionReason: reason,
          },
        }
      : undefined,
});
