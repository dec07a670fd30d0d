/**
 * agentgateway: spans of a gateway in front of MCP servers. It names the user as the token's subject, the server as its
 * target, and gives arguments and results only where its configuration adds them (`mcp.tool.arguments`,
 * `mcp.tool.result`).
 */
import { plainName } from '../../mcp/mcp_message.ts';
import {
  actingOf,
  callAndResult,
  defineDialect,
  idOf,
  nameOf,
  type OtlpRecord,
  paramsOf,
  present,
  textOf,
} from '../otlp_record.ts';

const NAME = 'agentgateway';

/** The gateway has checked the token. */
function acting(record: OtlpRecord): Record<string, unknown> {
  const subject = nameOf(record.attributes, 'jwt.sub');
  const known = actingOf(record);
  return subject === undefined ? known : { ...known, user_id: subject, user_source: 'gateway' };
}

export default defineDialect({
  name: NAME,
  title: 'agentgateway',
  reference: 'https://agentgateway.dev/docs/',
  knows: ({ attributes, scope, resource }) =>
    attributes['mcp.target'] !== undefined || scope === NAME || textOf(resource, 'service.name') === NAME,
  read(record) {
    const { attributes, trace_id, span_id, start_ms } = record;
    const method = textOf(attributes, 'mcp.method.name');
    const tool = nameOf(attributes, 'gen_ai.tool.name', 'mcp.tool.name');
    const server = nameOf(attributes, 'mcp.target');
    if (tool === undefined || (method !== undefined && method !== 'tools/call')) {
      if (method === undefined) return [];
      const place = { ...acting(record), ...present({ server }), extra: { method: plainName(method) } };
      return [{ ...place, type: 'protocol.message', part: 'message', at_ms: start_ms }];
    }
    const error = attributes['mcp.tool.error'];
    return callAndResult(record, acting(record), {
      server,
      tool,
      call_id: idOf(attributes, 'gen_ai.tool.call.id') ?? `${trace_id ?? 'no-trace'}-${span_id ?? 'no-span'}`,
      params: paramsOf(attributes['mcp.tool.arguments'] ?? attributes['gen_ai.tool.call.arguments']),
      result: error ?? attributes['mcp.tool.result'] ?? attributes['gen_ai.tool.call.result'],
      ended: true,
      is_error: record.failed || error !== undefined || attributes['mcp.error.code'] !== undefined,
    });
  },
});
