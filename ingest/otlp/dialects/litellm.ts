/**
 * LiteLLM: spans of its proxy. Who called stands in `metadata.user_api_key_*`, a call of an MCP tool in
 * `metadata.mcp_tool_call_metadata` as JSON (`name`, `arguments`, `result`, `mcp_server_name`), a chat in the
 * attributes of the conventions.
 */
import { objectOf, plainName } from '../../mcp/mcp_message.ts';
import {
  actingOf,
  callAndResult,
  defineDialect,
  jsonOf,
  nameOf,
  type OtlpRecord,
  paramsOf,
  present,
} from '../otlp_record.ts';
import { callOf, chatOf } from './semconv.ts';

const CALL = 'metadata.mcp_tool_call_metadata';
const USER = 'metadata.user_api_key_user_id';

/** The proxy has checked the key. */
function acting(record: OtlpRecord): Record<string, unknown> {
  const { attributes } = record;
  const user = nameOf(attributes, 'metadata.user_api_key_user_email', USER, 'metadata.user_api_key_end_user_id');
  const role = nameOf(attributes, 'metadata.user_api_key_team_alias', 'metadata.user_api_key_team_id');
  return {
    ...actingOf(record),
    ...(user !== undefined && { user_id: user, user_source: 'gateway' }),
    ...present({ user_role: role }),
  };
}

export default defineDialect({
  name: 'litellm',
  title: 'LiteLLM',
  reference: 'https://docs.litellm.ai/docs/observability/opentelemetry_integration',
  knows: ({ attributes, scope }) =>
    scope === 'litellm' || attributes[CALL] !== undefined || attributes[USER] !== undefined,
  read(record) {
    const told = objectOf(jsonOf(record.attributes[CALL])) ?? {};
    const tool = plainName(told.name ?? told.namespaced_tool_name);
    const who = acting(record);
    if (tool === undefined) return callOf(record, who) ?? chatOf(record, who);
    const { trace_id, span_id } = record;
    return callAndResult(record, who, {
      server: plainName(told.mcp_server_name),
      tool,
      call_id: `${trace_id ?? 'no-trace'}-${span_id ?? 'no-span'}`,
      params: paramsOf(told.arguments),
      result: told.result,
      ended: true,
      is_error: record.failed,
      more: present({ mcp_session_id: plainName(told.mcp_session_id, 200) }),
    });
  },
});
