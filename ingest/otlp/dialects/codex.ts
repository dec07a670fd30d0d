/**
 * Log events of Codex: `codex.user_prompt`, `codex.tool_result`, `codex.tool_decision` and others. A prompt is
 * `[REDACTED]` unless its configuration lets it out.
 */
import {
  actingOf,
  callAndResult,
  countOf,
  defineDialect,
  idOf,
  nameOf,
  type OtlpDraft,
  type OtlpRecord,
  paramsOf,
  present,
  promptOf,
  textOf,
} from '../otlp_record.ts';

const PREFIX = 'codex.';
const HOST = 'codex';

const named = ({ name, attributes }: OtlpRecord) => textOf(attributes, 'event.name') ?? name;

function acting(record: OtlpRecord): Record<string, unknown> {
  const { attributes } = record;
  return {
    ...actingOf(record),
    ...present({
      user_id: nameOf(attributes, 'user.email', 'user.account_id'),
      conversation_id: idOf(attributes, 'conversation.id'),
      model: nameOf(attributes, 'model', 'slug'),
    }),
    agent: HOST,
    client: HOST,
  };
}

function ended(record: OtlpRecord): OtlpDraft[] {
  const { attributes, end_ms } = record;
  const start_ms = Math.max(0, end_ms - (countOf(attributes.duration_ms) ?? 0));
  const conversation = idOf(attributes, 'conversation.id') ?? '';
  return callAndResult({ ...record, start_ms }, acting(record), {
    server: nameOf(attributes, 'mcp_server') ?? HOST,
    tool: nameOf(attributes, 'tool_name') ?? 'unknown',
    call_id: idOf(attributes, 'call_id') ?? `otlp-${conversation}-${end_ms}`.slice(0, 200),
    params: paramsOf(attributes.arguments),
    result: attributes.output,
    ended: true,
    is_error: textOf(attributes, 'success') === 'false',
  });
}

function read(record: OtlpRecord): OtlpDraft[] {
  const { attributes, start_ms: at_ms } = record;
  const event = named(record);
  const who = acting(record);
  if (event === 'codex.user_prompt') return [promptOf(who, at_ms, attributes.prompt, attributes.prompt_length)];
  if (event === 'codex.tool_result') return ended(record);
  if (event === 'codex.tool_decision') {
    const action = /^(?:denied|abort|reject)/.test(textOf(attributes, 'decision') ?? '') ? 'deny' : 'allow';
    const decision = { action, ...present({ rule: nameOf(attributes, 'source') }) };
    const call = present({ server: HOST, tool: nameOf(attributes, 'tool_name'), call_id: idOf(attributes, 'call_id') });
    return [{ ...who, ...call, type: 'policy.decision', part: 'decision', at_ms, decision }];
  }
  return [{ ...who, type: 'protocol.message', part: 'message', at_ms, extra: { method: event }, content: attributes }];
}

export default defineDialect({
  name: 'codex',
  title: 'Codex',
  reference: 'https://github.com/openai/codex/blob/main/docs/config.md',
  knows: (record) => record.kind === 'log' && named(record).startsWith(PREFIX),
  read,
});
