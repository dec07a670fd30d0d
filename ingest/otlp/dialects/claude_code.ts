/**
 * Log events of Claude Code: `user_prompt`, `tool_result`, `tool_decision` and others. Prompts are in them with
 * `OTEL_LOG_USER_PROMPTS=1`, parameters with `OTEL_LOG_TOOL_DETAILS=1`; results are only sized.
 */
import { objectOf, plainName } from '../../mcp/mcp_message.ts';
import {
  actingOf,
  callAndResult,
  countOf,
  defineDialect,
  idOf,
  jsonOf,
  nameOf,
  type OtlpDraft,
  type OtlpRecord,
  present,
  promptOf,
  textOf,
} from '../otlp_record.ts';

const PREFIX = 'claude_code.';
const SCOPE = 'com.anthropic.claude_code';
const HOST = 'claude-code';

const named = ({ name, attributes }: OtlpRecord) => textOf(attributes, 'event.name') ?? name;

function acting(record: OtlpRecord): Record<string, unknown> {
  const { attributes } = record;
  const { conversation_id: _, ...known } = actingOf(record);
  const user = nameOf(attributes, 'user.email', 'user.account_uuid', 'user.id');
  return {
    ...known,
    ...present({ user_id: user, user_role: nameOf(attributes, 'organization.id') }),
    // The wrapper and the hooks know the session by the same id.
    ...present({ client_session_id: idOf(attributes, 'session.id') }),
    agent: HOST,
    client: HOST,
    extra: present({ prompt_id: idOf(attributes, 'prompt.id'), sequence: countOf(attributes['event.sequence']) }),
  };
}

function toolOf({ attributes }: OtlpRecord, told: Record<string, unknown>): { server: string; tool: string } {
  const inner = plainName(told.mcp_tool_name);
  if (inner !== undefined) return { server: plainName(told.mcp_server_name) ?? 'mcp', tool: inner };
  const tool = nameOf(attributes, 'tool_name') ?? 'unknown';
  const [, server, of_server] = /^mcp__(.+?)__(.+)$/s.exec(tool) ?? [];
  return server === undefined || of_server === undefined ? { server: HOST, tool } : { server, tool: of_server };
}

/** The event comes when the call has ended, and says how long it took. */
function ended(record: OtlpRecord): OtlpDraft[] {
  const { attributes, end_ms } = record;
  const told = objectOf(jsonOf(attributes.tool_parameters));
  const session = idOf(attributes, 'session.id') ?? '';
  const order = textOf(attributes, 'event.sequence') ?? String(end_ms);
  const is_error = textOf(attributes, 'success') === 'false';
  const start_ms = Math.max(0, end_ms - (countOf(attributes.duration_ms) ?? 0));
  return callAndResult({ ...record, start_ms }, acting(record), {
    ...toolOf(record, told ?? {}),
    call_id: idOf(attributes, 'tool_use_id') ?? `otlp-${session}-${order}`.slice(0, 200),
    params: told,
    result: is_error ? textOf(attributes, 'error') : undefined,
    ended: true,
    is_error,
    result_bytes: countOf(attributes.tool_result_size_bytes),
  });
}

function read(record: OtlpRecord): OtlpDraft[] {
  const { attributes, start_ms: at_ms } = record;
  const event = named(record).replace(PREFIX, '');
  const who = acting(record);
  if (event === 'user_prompt') return [promptOf(who, at_ms, attributes.prompt, attributes.prompt_length)];
  if (event === 'tool_result') return ended(record);
  if (event === 'tool_decision') {
    const place = toolOf(record, objectOf(jsonOf(attributes.tool_parameters)) ?? {});
    const action = textOf(attributes, 'decision') === 'reject' ? 'deny' : 'allow';
    const decision = { action, ...present({ rule: nameOf(attributes, 'source') }) };
    return [{ ...who, ...place, type: 'policy.decision', part: 'decision', at_ms, decision }];
  }
  const extra = { ...objectOf(who.extra), method: event };
  return [{ ...who, type: 'protocol.message', part: 'message', at_ms, extra, content: attributes }];
}

export default defineDialect({
  name: 'claude_code',
  title: 'Claude Code',
  reference: 'https://code.claude.com/docs/en/monitoring-usage',
  knows: (record) => record.kind === 'log' && (record.scope.startsWith(SCOPE) || named(record).startsWith(PREFIX)),
  read,
});
