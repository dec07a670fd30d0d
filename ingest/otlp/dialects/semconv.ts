/**
 * The semantic conventions of OpenTelemetry for generative AI and MCP, which every sender may write: calls of tools,
 * resources that were read, and the messages of a chat where the sender was told to record them.
 */
import { objectOf, plainName } from '../../mcp/mcp_message.ts';
import {
  actingOf,
  callAndResult,
  defineDialect,
  idOf,
  jsonOf,
  nameOf,
  type OtlpDraft,
  type OtlpRecord,
  paramsOf,
  present,
  textOf,
} from '../otlp_record.ts';

const SERVER_SPAN = 2;
const CLIENT_SPAN = 3;
const CHATS = new Set(['chat', 'generate_content', 'text_completion']);

const methodOf = ({ attributes }: OtlpRecord) => textOf(attributes, 'mcp.method.name');
const operationOf = ({ attributes }: OtlpRecord) => textOf(attributes, 'gen_ai.operation.name');
const serverOf = ({ attributes }: OtlpRecord) => nameOf(attributes, 'mcp.server.name', 'server.address');

function isCall(record: OtlpRecord): boolean {
  const method = methodOf(record);
  const operation = operationOf(record) ?? 'execute_tool';
  return method === undefined ? operation === 'execute_tool' : method === 'tools/call';
}

/** The call of a span, by the conventions alone; undefined where it names no tool. */
export function callOf(
  record: OtlpRecord,
  acting: Record<string, unknown> = actingOf(record),
): OtlpDraft[] | undefined {
  const { attributes, trace_id, span_id } = record;
  const tool = nameOf(attributes, 'gen_ai.tool.name', 'mcp.tool.name');
  if (tool === undefined) return undefined;
  const error_type = nameOf(attributes, 'error.type');
  return callAndResult(record, acting, {
    server: serverOf(record),
    tool,
    call_id: idOf(attributes, 'gen_ai.tool.call.id') ?? `${trace_id ?? 'no-trace'}-${span_id ?? 'no-span'}`,
    params: paramsOf(attributes['gen_ai.tool.call.arguments']),
    result: attributes['gen_ai.tool.call.result'],
    ended: record.kind === 'span',
    is_error: record.failed || error_type !== undefined,
    ...(error_type !== undefined && { more: { extra: { error_type } } }),
  });
}

function read(record: OtlpRecord): OtlpDraft[] {
  if (isCall(record)) {
    // The server's half of a call that its client reports too stands beside it: it has the same trace.
    const half = record.span_kind === SERVER_SPAN && record.parent_span_id !== undefined;
    if (!half) return callOf(record) ?? [];
    const tool = nameOf(record.attributes, 'gen_ai.tool.name');
    return [messageOf(record, { join_by: 'trace_id', tool, parent_span_id: record.parent_span_id })];
  }
  const method = methodOf(record);
  if (method === 'resources/read') return resourceOf(record);
  if (method !== undefined) return [messageOf(record, {})];
  const operation = operationOf(record) ?? '';
  const remote = operation === 'invoke_agent' && record.span_kind === CLIENT_SPAN;
  return CHATS.has(operation) || remote ? chatOf(record) : [];
}

function messageOf(record: OtlpRecord, more: Record<string, unknown>): OtlpDraft {
  const extra = present({ method: plainName(methodOf(record)), ...more });
  const place = { ...actingOf(record), ...present({ server: serverOf(record) }) };
  return {
    ...place,
    type: 'protocol.message',
    part: 'message',
    at_ms: record.start_ms,
    is_error: record.failed,
    extra,
  };
}

function resourceOf(record: OtlpRecord): OtlpDraft[] {
  const uri = nameOf(record.attributes, 'mcp.resource.uri');
  if (uri === undefined) return [];
  const place = { ...actingOf(record), ...present({ server: serverOf(record) }) };
  const said = { uri, data_sources: [uri], capture: { content: 'absent' } };
  return [{ ...place, type: 'resource.read', part: 'read', at_ms: record.start_ms, ...said }];
}

/** Of a chat: the user's last message, and what the model reasoned and answered. What was said before was told before. */
export function chatOf(record: OtlpRecord, acting: Record<string, unknown> = actingOf(record)): OtlpDraft[] {
  const { start_ms, end_ms } = record;
  const last = messagesIn(record.attributes['gen_ai.input.messages']).at(-1);
  const answered = messagesIn(record.attributes['gen_ai.output.messages'])[0] ?? {};
  const said: [type: string, at_ms: number, text: string][] = [
    ['prompt', start_ms, last?.role === 'user' ? partsOf(last, 'text') : ''],
    ['reasoning', end_ms, partsOf(answered, 'reasoning')],
    ['response', end_ms, partsOf(answered, 'text')],
  ];
  return said
    .filter(([, , text]) => text !== '')
    .map(([type, at_ms, content]) => ({ ...acting, type, part: type, at_ms, content }));
}

function messagesIn(value: unknown): Record<string, unknown>[] {
  const list = jsonOf(value);
  return Array.isArray(list) ? list.map(objectOf).filter((each) => each !== undefined) : [];
}

/** The text of a message's parts of one type; a message may also be a plain text. */
function partsOf({ parts, content }: Record<string, unknown>, type: string): string {
  if (typeof content === 'string') return type === 'text' ? content : '';
  const list: unknown[] = Array.isArray(parts) ? parts : Array.isArray(content) ? content : [];
  const texts = list.map((part) => {
    const of = objectOf(part);
    const text = of?.content ?? of?.text;
    return of?.type === type && typeof text === 'string' ? text : '';
  });
  return texts.filter((text) => text !== '').join('\n');
}

export default defineDialect({
  name: 'semconv',
  title: 'Semantic conventions for generative AI and MCP',
  reference: 'https://opentelemetry.io/docs/specs/semconv/gen-ai/',
  general: true,
  knows: (record) =>
    operationOf(record) !== undefined ||
    methodOf(record) !== undefined ||
    record.attributes['gen_ai.tool.name'] !== undefined,
  read,
});
