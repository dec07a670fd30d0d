/**
 * Langfuse attributes on spans: `langfuse.observation.type` says what a span is (`tool`, `generation`, `agent`, `span`),
 * `.input` and `.output` what went in and came out, `langfuse.user.id` and `langfuse.session.id` who and where. They come
 * before the attributes of the conventions.
 */
import { objectOf } from '../../mcp/mcp_message.ts';
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

const TYPE = 'langfuse.observation.type';
const READ = new Set(['tool', 'generation']);

function acting(record: OtlpRecord): Record<string, unknown> {
  const user = nameOf(record.attributes, 'langfuse.user.id');
  return {
    ...actingOf(record),
    ...(user !== undefined && { user_id: user, user_source: 'claimed' }),
    ...present({ conversation_id: idOf(record.attributes, 'langfuse.session.id', 'session.id') }),
  };
}

/** A chat's input is a list of messages, an object with one, or a text. */
function lastSaid(value: unknown, role: string): string {
  const read = jsonOf(value);
  const list = Array.isArray(read) ? read : (objectOf(read)?.messages ?? [read]);
  const last: unknown = Array.isArray(list) ? list.at(-1) : undefined;
  if (typeof last === 'string') return last;
  const { role: of, content } = objectOf(last) ?? {};
  return typeof content === 'string' && (of === undefined || of === role) ? content : '';
}

function chat(record: OtlpRecord): OtlpDraft[] {
  const { attributes, start_ms, end_ms } = record;
  const said: [type: string, at_ms: number, text: string][] = [
    ['prompt', start_ms, lastSaid(attributes['langfuse.observation.input'], 'user')],
    ['response', end_ms, lastSaid(attributes['langfuse.observation.output'], 'assistant')],
  ];
  return said
    .filter(([, , text]) => text !== '')
    .map(([type, at_ms, content]) => ({ ...acting(record), type, part: type, at_ms, content }));
}

export default defineDialect({
  name: 'langfuse',
  title: 'Langfuse',
  reference: 'https://langfuse.com/integrations/native/opentelemetry',
  knows: ({ attributes }) => READ.has(textOf(attributes, TYPE) ?? ''),
  read(record) {
    const { attributes, trace_id, span_id, name } = record;
    if (textOf(attributes, TYPE) === 'generation') return chat(record);
    return callAndResult(record, acting(record), {
      server: nameOf(attributes, 'mcp.server.name', 'server.address'),
      tool: nameOf(attributes, 'gen_ai.tool.name') ?? nameOf({ name }, 'name') ?? 'unknown',
      call_id: idOf(attributes, 'gen_ai.tool.call.id') ?? `${trace_id ?? 'no-trace'}-${span_id ?? 'no-span'}`,
      params: paramsOf(attributes['langfuse.observation.input']),
      result: attributes['langfuse.observation.output'],
      ended: true,
      is_error: record.failed || textOf(attributes, 'langfuse.observation.level') === 'ERROR',
    });
  },
});
