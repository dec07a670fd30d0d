/** OTLP/HTTP: what the real OpenTelemetry exporters send, and what no exporter should. */
import { gzipSync } from 'node:zlib';
import { type Attributes, SpanKind, SpanStatusCode } from '@opentelemetry/api';
import { OTLPLogExporter } from '@opentelemetry/exporter-logs-otlp-http';
import { OTLPTraceExporter as JsonExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { OTLPTraceExporter as ProtoExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { LoggerProvider, SimpleLogRecordProcessor } from '@opentelemetry/sdk-logs';
import { BatchSpanProcessor, NodeTracerProvider } from '@opentelemetry/sdk-trace-node';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createEventReader } from '../ingest/event_reader.ts';
import { decodeOtlp } from '../ingest/otlp/decode.ts';
import { loadDialects } from '../ingest/otlp/load.ts';
import { readRecords } from '../ingest/otlp/read_records.ts';
import { startTestService, type TestService } from './support/http_service.ts';

interface EventJson {
  type: string;
  user_id?: string;
  user_source?: string;
  user_role?: string;
  agent?: string;
  server?: string;
  tool?: string;
  call_id?: string;
  params?: Record<string, unknown>;
  content?: string;
  is_error?: boolean;
  duration_ms?: number;
  capture?: Record<string, unknown>;
  decision?: Record<string, unknown>;
  extra?: Record<string, unknown>;
}

let test: TestService;
let ingest = '';
let analyst = '';
const START = Date.UTC(2026, 2, 1, 10);

const story = async (session_id: string) =>
  (await test.read<{ events: EventJson[] }>(`/v1/sessions/${session_id}`, analyst)).events;

interface SpanWanted {
  name?: string;
  kind?: SpanKind;
  failed?: boolean;
  ms?: number;
  attributes: Attributes;
}

/** Sends spans with an exporter of the SDK, as a sender would. */
async function send(
  Exporter: typeof JsonExporter | typeof ProtoExporter,
  scope: string,
  spans: SpanWanted[],
  options = {},
) {
  const headers = { authorization: `Bearer ${ingest}` };
  const exporter = new Exporter({ url: `${test.url}/v1/traces`, headers, ...options });
  const provider = new NodeTracerProvider({
    resource: resourceFromAttributes({ 'service.name': 'shop-agent', 'service.version': '1.2.3' }),
    spanProcessors: [new BatchSpanProcessor(exporter as never)],
  });
  const tracer = provider.getTracer(scope);
  for (const [
    at,
    { name = 'span', kind = SpanKind.INTERNAL, failed = false, ms = 25, attributes },
  ] of spans.entries()) {
    const span = tracer.startSpan(name, { kind, attributes, startTime: START + at * 1_000 });
    if (failed) span.setStatus({ code: SpanStatusCode.ERROR });
    span.end(START + at * 1_000 + ms);
  }
  await provider.forceFlush();
  await provider.shutdown();
}

const call = (session: string): SpanWanted => ({
  name: 'tools/call search',
  kind: SpanKind.CLIENT,
  attributes: {
    'mcp.method.name': 'tools/call',
    'gen_ai.tool.name': 'search',
    'gen_ai.tool.call.id': `call-${session}`,
    'gen_ai.tool.call.arguments': '{"query":"plums"}',
    'gen_ai.tool.call.result': '{"found":3}',
    'gen_ai.conversation.id': session,
    'server.address': 'shop.example.com',
    'enduser.id': 'ana@example.com',
    'user.roles': ['buyer'],
  },
});

beforeAll(async () => {
  test = await startTestService();
  [ingest, analyst] = await Promise.all([test.key('ingest', 'default'), test.key('analyst', 'default')]);
});

afterAll(() => test.close());

describe('spans of the real exporters', () => {
  it.each([
    ['JSON', JsonExporter, {}],
    ['protobuf', ProtoExporter, {}],
    ['protobuf, packed', ProtoExporter, { compression: 'gzip' }],
  ] as const)('in %s: a call of a tool is a call and its result', async (name, Exporter, options) => {
    const session = `otlp-${name.replace(/\W/g, '')}`;
    await send(Exporter, 'test', [call(session)], options);
    const events = await story(session);
    expect(events.map(({ type }) => type)).toEqual(['tool.call', 'tool.result']);
    expect(events[0]).toMatchObject({
      server: 'shop.example.com',
      tool: 'search',
      call_id: `call-${session}`,
      params: { query: 'plums' },
      user_id: 'ana@example.com',
      user_source: 'claimed',
      user_role: 'buyer',
      agent: 'shop-agent',
    });
    expect(events[1]).toMatchObject({ content: '{"found":3}', duration_ms: 25 });
  });

  it('a chat gives the last prompt, the reasoning and the answer, and nothing that was said before', async () => {
    const messages = (...list: unknown[]) => JSON.stringify(list);
    const attributes = {
      'gen_ai.operation.name': 'chat',
      'gen_ai.conversation.id': 'otlp-chat',
      'gen_ai.request.model': 'model-z',
      'gen_ai.input.messages': messages(
        { role: 'user', parts: [{ type: 'text', content: 'Before.' }] },
        { role: 'assistant', parts: [{ type: 'text', content: 'Answered before.' }] },
        { role: 'user', parts: [{ type: 'text', content: 'And now?' }] },
      ),
      'gen_ai.output.messages': messages({
        role: 'assistant',
        parts: [
          { type: 'reasoning', content: 'I think.' },
          { type: 'text', content: 'Plums.' },
        ],
      }),
    };
    await send(ProtoExporter, 'test', [{ name: 'chat model-z', kind: SpanKind.CLIENT, attributes }]);
    const events = await story('otlp-chat');
    expect(events.map(({ type, content }) => [type, content])).toEqual([
      ['prompt', 'And now?'],
      ['reasoning', 'I think.'],
      ['response', 'Plums.'],
    ]);
  });

  it('what a sender withholds is said to be absent, and is not taken for empty', async () => {
    const attributes = {
      'gen_ai.operation.name': 'execute_tool',
      'gen_ai.tool.name': 'pay',
      'gen_ai.conversation.id': 'otlp-bare',
    };
    await send(JsonExporter, 'test', [{ attributes, failed: true }]);
    const events = await story('otlp-bare');
    expect(events[0]).toMatchObject({ type: 'tool.call', capture: { params: 'absent' } });
    expect(events[1]).toMatchObject({ type: 'tool.result', is_error: true, capture: { content: 'absent' } });
  });

  it('sent again are the same events', async () => {
    const body = JSON.stringify(oneSpan(span('otlp-again')));
    expect((await post('traces', body)).status).toBe(200);
    expect((await post('traces', body)).status).toBe(200);
    expect((await story('otlp-again')).length).toBe(2);
  });
});

describe('the words of other senders', () => {
  const spansOf = async (session: string, scope: string, name: string, attributes: Attributes) => {
    await send(ProtoExporter, scope, [{ name, attributes: { ...attributes } }]);
    return story(session);
  };

  it('agentgateway: the target is the server, the subject of the token the user', async () => {
    const events = await spansOf('ag-1', 'agentgateway', 'mcp', {
      'mcp.method.name': 'tools/call',
      'mcp.target': 'everything',
      'gen_ai.tool.name': 'echo',
      'jwt.sub': 'ben',
      'mcp.tool.arguments': '{"message":"hi"}',
      'mcp.tool.result': '[{"type":"text","text":"hi"}]',
      'gen_ai.conversation.id': 'ag-1',
    });
    expect(events[0]).toMatchObject({
      server: 'everything',
      tool: 'echo',
      user_id: 'ben',
      user_source: 'gateway',
      params: { message: 'hi' },
    });
    expect(events[1]?.content).toContain('"hi"');
  });

  it('LiteLLM: a call stands in its metadata, who called beside it', async () => {
    const events = await spansOf('ll-1', 'litellm', 'litellm_request', {
      'metadata.user_api_key_user_id': 'u-7',
      'metadata.user_api_key_team_alias': 'research',
      'metadata.mcp_tool_call_metadata': JSON.stringify({
        name: 'list_files',
        arguments: { path: '/' },
        result: 'a b',
        mcp_server_name: 'files',
      }),
      'gen_ai.conversation.id': 'll-1',
    });
    expect(events[0]).toMatchObject({
      server: 'files',
      tool: 'list_files',
      user_id: 'u-7',
      user_role: 'research',
      params: { path: '/' },
    });
    expect(events[1]).toMatchObject({ type: 'tool.result', content: 'a b' });
  });

  it('ContextForge: tool.invoke is a call', async () => {
    const events = await spansOf('cf-1', 'mcpgateway', 'tool.invoke', {
      'tool.name': 'get_time',
      server_id: 'clock',
      'user.email': 'cara@example.com',
      'langfuse.observation.input': '{"zone":"UTC"}',
      'langfuse.observation.output': '12:00',
      'session.id': 'cf-1',
    });
    expect(events[0]).toMatchObject({
      server: 'clock',
      tool: 'get_time',
      user_id: 'cara@example.com',
      params: { zone: 'UTC' },
    });
  });

  it('Langfuse: observations say what they are', async () => {
    const common = { 'langfuse.session.id': 'lf-1', 'langfuse.user.id': 'dan' };
    await send(ProtoExporter, 'langfuse-sdk', [
      {
        attributes: {
          ...common,
          'langfuse.observation.type': 'generation',
          'langfuse.observation.input': '[{"role":"user","content":"Hello"}]',
          'langfuse.observation.output': '{"role":"assistant","content":"Hi"}',
        },
      },
      {
        name: 'lookup',
        attributes: {
          ...common,
          'langfuse.observation.type': 'tool',
          'langfuse.observation.input': '{"id":1}',
          'langfuse.observation.output': 'one',
        },
      },
    ]);
    expect((await story('lf-1')).map(({ type, content }) => [type, content])).toEqual([
      ['prompt', 'Hello'],
      ['response', 'Hi'],
      ['tool.call', undefined],
      ['tool.result', 'one'],
    ]);
  });

  async function logs(scope: string, records: { name: string; attributes: Attributes }[]) {
    const exporter = new OTLPLogExporter({
      url: `${test.url}/v1/logs`,
      headers: { authorization: `Bearer ${ingest}` },
    });
    const provider = new LoggerProvider({ processors: [new SimpleLogRecordProcessor(exporter as never)] } as never);
    for (const [at, { name, attributes }] of records.entries()) {
      provider.getLogger(scope).emit({
        timestamp: new Date(START + at * 1_000),
        body: name,
        attributes: { 'event.name': name, ...attributes } as never,
      });
    }
    await provider.forceFlush();
    await provider.shutdown();
  }

  it('log events of Claude Code: prompts, ended calls, decisions; what was redacted has a size', async () => {
    const common = { 'session.id': 'ccl-1', 'user.email': 'eve@example.com' };
    await logs('com.anthropic.claude_code.events', [
      { name: 'user_prompt', attributes: { ...common, prompt: '<REDACTED>', prompt_length: 42, 'event.sequence': 1 } },
      {
        name: 'tool_decision',
        attributes: { ...common, tool_name: 'Bash', decision: 'reject', source: 'user_reject', 'event.sequence': 2 },
      },
      {
        name: 'tool_result',
        attributes: {
          ...common,
          tool_name: 'mcp_tool',
          success: 'true',
          duration_ms: '120',
          tool_result_size_bytes: '900',
          tool_parameters: '{"mcp_server_name":"github","mcp_tool_name":"get_issue","number":7}',
          'event.sequence': 3,
        },
      },
    ]);
    const events = await story('ccl-1');
    const of = (type: string) => events.find((event) => event.type === type);
    expect(of('prompt')).toMatchObject({
      user_id: 'eve@example.com',
      capture: { content: { level: 'size_only', size_bytes: 42 } },
    });
    expect(of('policy.decision')).toMatchObject({ tool: 'Bash', decision: { action: 'deny', rule: 'user_reject' } });
    expect(of('tool.call')).toMatchObject({ server: 'github', tool: 'get_issue' });
    expect(of('tool.result')).toMatchObject({
      duration_ms: 120,
      capture: { content: { level: 'size_only', size_bytes: 900 } },
    });
  });

  it('log events of Codex', async () => {
    const common = { 'conversation.id': 'cx-1', 'user.email': 'fay@example.com' };
    await logs('codex_otel', [
      { name: 'codex.user_prompt', attributes: { ...common, prompt: 'Fix it', prompt_length: 6 } },
      {
        name: 'codex.tool_result',
        attributes: {
          ...common,
          tool_name: 'shell',
          call_id: 'c1',
          arguments: '{"command":["ls"]}',
          duration_ms: '5',
          success: 'false',
          output: 'no',
        },
      },
    ]);
    const events = await story('cx-1');
    expect(events.find(({ type }) => type === 'prompt')).toMatchObject({ content: 'Fix it', agent: 'codex' });
    expect(events.find(({ type }) => type === 'tool.result')).toMatchObject({
      call_id: 'c1',
      is_error: true,
      content: 'no',
    });
  });
});

const value = (text: string) => ({ stringValue: text });
const attribute = (key: string, text: string) => ({ key, value: value(text) });
function span(session: string, more: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    traceId: '0af7651916cd43dd8448eb211c80319c',
    spanId: 'b7ad6b7169203331',
    name: 'call',
    startTimeUnixNano: 1772359200000000000,
    endTimeUnixNano: '1772359200500000000',
    attributes: [attribute('gen_ai.tool.name', 'search'), attribute('gen_ai.conversation.id', session)],
    ...more,
  };
}
const oneSpan = (...spans: unknown[]) => ({ resourceSpans: [{ scopeSpans: [{ spans }] }] });

async function post(
  signal: string,
  body: string | Uint8Array,
  { type = 'application/json', encoding = '', key = ingest } = {},
) {
  const headers = { 'content-type': type, ...(encoding !== '' && { 'content-encoding': encoding }) };
  return test.ask('POST', `/v1/${signal}`, { key, headers, body });
}

describe('the answer', () => {
  it('is empty when all was taken', async () => {
    expect(
      JSON.parse(
        (await post('traces', JSON.stringify(oneSpan(span('otlp-answer', { spanId: '00f067aa0ba902c1' }))))).text,
      ),
    ).toEqual({});
    expect(JSON.parse((await post('traces', '{}')).text)).toEqual({});
  });

  it('counts what was not taken, and says why', async () => {
    const http = span('x', {
      spanId: '00f067aa0ba902b7',
      name: 'GET /',
      attributes: [attribute('http.method', 'GET')],
    });
    const { status, text } = await post(
      'traces',
      JSON.stringify(oneSpan(span('otlp-part', { spanId: '00f067aa0ba902b8' }), http)),
    );
    expect(status).toBe(200);
    const { partialSuccess } = JSON.parse(text) as { partialSuccess: { rejectedSpans: string; errorMessage: string } };
    expect(partialSuccess.rejectedSpans).toBe('1');
    expect(partialSuccess.errorMessage).toContain('1 spans tell of no agent');
    expect((await story('otlp-part')).length).toBe(2);
  });

  it.each([
    ['JSON that is none', 'traces', '{', 'application/json', '', 400],
    ['a list', 'traces', '[]', 'application/json', '', 400],
    ['protobuf that is none', 'traces', new Uint8Array([255, 255, 255]), 'application/x-protobuf', '', 400],
    ['another type', 'traces', '{}', 'text/plain', '', 415],
    ['gzip that is none', 'logs', 'hello', 'application/json', 'gzip', 400],
    ['a bomb', 'logs', gzipSync(Buffer.alloc(40_000_000, 0x20)), 'application/json', 'gzip', 413],
    ['too many spans', 'traces', JSON.stringify(oneSpan(...Array(10_001).fill({}))), 'application/json', '', 413],
    ['a protobuf nested without end', 'logs', nestedBytes(20_000), 'application/x-protobuf', '', 400],
  ] as const)('refuses %s', async (_, signal, body, type, encoding, status) => {
    expect((await post(signal, body, { type, encoding })).status).toBe(status);
  });

  it('is a google.rpc.Status when the body cannot be read', async () => {
    const { text, headers } = await post('traces', '{');
    expect(headers.get('content-type')).toBe('application/json');
    expect(JSON.parse(text)).toMatchObject({ code: 3, message: expect.stringContaining('body_malformed') });
  });

  it('needs the permission to send events', async () => {
    expect((await post('traces', '{}', { key: analyst })).status).toBe(403);
  });
});

/** A value inside an array inside a value, and so on, as protobuf writes it: kvlist and array fields of length. */
function nestedBytes(depth: number): Uint8Array {
  let bytes = Buffer.from([0x0a, 0x01, 0x61]);
  for (let i = 0; i < depth; i++) {
    const inner = Buffer.concat([Buffer.from([0x0a]), varint(bytes.length), bytes]);
    bytes = Buffer.concat([Buffer.from([0x2a]), varint(inner.length), inner]);
    if (bytes.length > 300_000) break;
  }
  const wrap = (id: number, of: Buffer) => Buffer.concat([Buffer.from([(id << 3) | 2]), varint(of.length), of]);
  return wrap(1, wrap(2, wrap(2, wrap(5, bytes))));
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 127; rest = Math.floor(rest / 128)) bytes.push((rest & 127) | 128);
  return Buffer.from([...bytes, rest]);
}

describe('whatever comes', () => {
  const anyValue = fc.letrec((tie) => ({
    value: fc.oneof(
      { depthSize: 'small' },
      fc.record({ stringValue: fc.string({ unit: 'grapheme' }) }),
      fc.record({ intValue: fc.oneof(fc.integer(), fc.bigInt().map(String)) }),
      fc.record({ boolValue: fc.boolean() }),
      fc.record({ arrayValue: fc.record({ values: fc.array(tie('value')) }) }),
      fc.jsonValue({ maxDepth: 2 }),
    ),
  })).value;
  const key = fc.constantFrom(
    ...[
      'gen_ai.tool.name',
      'gen_ai.operation.name',
      'mcp.method.name',
      'gen_ai.input.messages',
      'mcp.target',
      'tool.name',
    ],
    ...[
      'langfuse.observation.type',
      'metadata.mcp_tool_call_metadata',
      'event.name',
      'session.id',
      'user.id',
      '__proto__',
    ],
    ...[
      'gen_ai.tool.call.arguments',
      'gen_ai.tool.call.result',
      'mcp.resource.uri',
      'duration_ms',
      'prompt',
      'user.roles',
    ],
  );
  const known = fc.constantFrom(
    'tools/call',
    'chat',
    'tool',
    'codex.tool_result',
    'claude_code.tool_result',
    'resources/read',
    'execute_tool',
  );
  const attributes = fc.array(
    fc.record({
      key,
      value: fc.oneof(
        anyValue,
        known.map((stringValue) => ({ stringValue })),
      ),
    }),
  );
  const record = fc.record({
    traceId: fc.string(),
    spanId: fc.string(),
    name: fc.string(),
    kind: fc.anything(),
    startTimeUnixNano: fc.oneof(fc.nat(), fc.string()),
    attributes,
  });

  it('becomes events that the log takes, or nothing', async () => {
    const dialects = await loadDialects();
    fc.assert(
      fc.property(
        fc.constantFrom('traces' as const, 'logs' as const),
        fc.array(record, { maxLength: 4 }),
        (signal, records) => {
          const request =
            signal === 'traces' ? oneSpan(...records) : { resourceLogs: [{ scopeLogs: [{ logRecords: records }] }] };
          const text = Buffer.from(
            JSON.stringify(request, (_, each: unknown) => (typeof each === 'bigint' ? String(each) : each)),
          );
          const { events } = readRecords(decodeOtlp(text, signal, 'json'), dialects, START);
          for (const event of events) {
            const read = createEventReader(START).read(Buffer.from(JSON.stringify({ session_id: 's', ...event })));
            if ('unreadable' in read)
              expect(read.unreadable.reason, JSON.stringify(event)).toMatch(/loses_digits|too_deep|time_out_of_range/);
          }
        },
      ),
    );
  });

  it('bytes that are no protobuf are refused in one way, and quickly', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
        try {
          decodeOtlp(Buffer.from(bytes), 'traces', 'protobuf');
        } catch (error) {
          expect((error as { code?: string }).code).toBe('body_malformed');
        }
      }),
    );
  });
});
