/**
 * ContextForge (mcp-context-forge): a span `tool.invoke` for a call, with `tool.name`, `server_id` or
 * `tool.gateway_id`, `user.email`, and, where it is told to, arguments and results as `langfuse.observation.input` and
 * `.output`.
 */
import { actingOf, callAndResult, defineDialect, idOf, nameOf, paramsOf, present } from '../otlp_record.ts';

export default defineDialect({
  name: 'contextforge',
  title: 'ContextForge',
  reference: 'https://ibm.github.io/mcp-context-forge/manage/observability/',
  knows: ({ name, attributes }) => name === 'tool.invoke' && attributes['tool.name'] !== undefined,
  read(record) {
    const { attributes, trace_id, span_id } = record;
    const user = nameOf(attributes, 'user.email');
    const who = {
      ...actingOf(record),
      ...(user !== undefined && { user_id: user, user_source: 'gateway' }),
      ...present({ user_role: nameOf(attributes, 'team.scope') }),
    };
    return callAndResult(record, who, {
      server: nameOf(attributes, 'mcp.server.name', 'server_id', 'tool.gateway_id', 'tool.integration_type'),
      tool: nameOf(attributes, 'tool.name') ?? 'unknown',
      call_id: idOf(attributes, 'gen_ai.tool.call.id') ?? `${trace_id ?? 'no-trace'}-${span_id ?? 'no-span'}`,
      params: paramsOf(attributes['langfuse.observation.input']),
      result: attributes['langfuse.observation.output'],
      ended: true,
      is_error: record.failed || attributes.error === true,
    });
  },
});
