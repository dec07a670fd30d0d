/** How fast spans become events: decoded and read alone, and over HTTP into the log; each beside bare decoding. */
import { join } from 'node:path';
import { listen } from '../cli/listen.ts';
import { openService } from '../cli/service.ts';
import { loadConfig } from '../core/config.ts';
import { AppError } from '../core/errors.ts';
import { decodeOtlp } from '../ingest/otlp/decode.ts';
import { loadDialects } from '../ingest/otlp/load.ts';
import { decodeRequest, encodeMessage, TRACES_REQUEST } from '../ingest/otlp/proto.ts';
import { readRecords } from '../ingest/otlp/read_records.ts';
import { inTemporaryFolder } from './process.ts';
import type { Report } from './report.ts';

const SPANS = 50_000;
const SPANS_PER_REQUEST = 500;
const REQUESTS_AT_ONCE = 4;

/** A call of a tool with arguments and a result of a few hundred bytes, as a sender's batch holds them. */
function spanOf(at: number, start_ms: number): Record<string, unknown> {
  const nanos = (ms: number) => `${BigInt(Math.floor(ms)) * 1_000_000n}`;
  const text = (key: string, stringValue: string) => ({ key, value: { stringValue } });
  const result = JSON.stringify({ found: at, text: `line ${at} of a result `.repeat(12) });
  return {
    traceId: Buffer.from((at + 1).toString(16).padStart(32, '0'), 'hex'),
    spanId: Buffer.from((at + 1).toString(16).padStart(16, '0'), 'hex'),
    name: 'tools/call search',
    kind: 3,
    startTimeUnixNano: nanos(start_ms),
    endTimeUnixNano: nanos(start_ms + 20),
    attributes: [
      text('mcp.method.name', 'tools/call'),
      text('gen_ai.tool.name', `tool_${at % 20}`),
      text('gen_ai.tool.call.arguments', JSON.stringify({ query: `words of call ${at}`, limit: 10 })),
      text('gen_ai.tool.call.result', result),
      text('gen_ai.conversation.id', `conversation-${at % 500}`),
      text('server.address', `server-${at % 8}.example.com`),
      text('enduser.id', `user-${at % 50}@example.com`),
    ],
  };
}

export async function otlpBench(report: Report, count = SPANS): Promise<void> {
  const bodies: Buffer[] = [];
  const now = Date.now();
  for (let from = 0; from < count; from += SPANS_PER_REQUEST) {
    const length = Math.min(SPANS_PER_REQUEST, count - from);
    const spans = Array.from({ length }, (_, at) => spanOf(from + at, now - 60_000));
    bodies.push(Buffer.from(encodeMessage(TRACES_REQUEST, { resourceSpans: [{ scopeSpans: [{ spans }] }] })));
  }
  const dialects = await loadDialects();
  const read = (body: Buffer) => readRecords(decodeOtlp(body, 'traces', 'protobuf'), dialects, now).events.length;
  bodies.slice(0, 20).forEach(read); // warm
  const bare_s = seconds(() => {
    for (const body of bodies) decodeRequest(TRACES_REQUEST, body);
  });
  let events = 0;
  const read_s = seconds(() => {
    for (const body of bodies) events += read(body);
  });
  if (events !== 2 * count) throw new AppError('bench_failed', `${events} events of ${count} spans`);
  report({ name: 'otlp: bare decoding', value: count / bare_s, unit: 'spans/s' });
  report({ name: 'otlp: decoded and read as events', value: count / read_s, unit: 'spans/s' });
  report({ name: 'otlp: ratio to bare decoding', value: bare_s / read_s, unit: '' });
  for (const detection of [false, true]) await overHttp(report, bodies, count, detection);
}

async function overHttp(report: Report, bodies: readonly Buffer[], count: number, detection: boolean): Promise<void> {
  await inTemporaryFolder(async (folder) => {
    const service = await openService({ config: loadConfig({ data: join(folder, 'data'), detection }, {}) });
    const { url, close } = await listen(service.api.app, '127.0.0.1', 0);
    const headers = { authorization: `Bearer ${service.admin_key}`, 'content-type': 'application/x-protobuf' };
    const left = [...bodies];
    const cpu = process.cpuUsage();
    const began = performance.now();
    const sender = async () => {
      for (let body = left.pop(); body !== undefined; body = left.pop()) {
        const answer = await fetch(`${url}/v1/traces`, { method: 'POST', headers, body: new Uint8Array(body) });
        if (answer.status !== 200) throw new AppError('bench_failed', `an export was answered with ${answer.status}`);
        await answer.arrayBuffer();
      }
    };
    await Promise.all(Array.from({ length: REQUESTS_AT_ONCE }, sender));
    const wall_s = (performance.now() - began) / 1_000;
    const { user, system } = process.cpuUsage(cpu);
    const name = `otlp: into the log, detection ${detection ? 'on' : 'off'}`;
    report({ name, value: count / wall_s, unit: 'spans/s' });
    report({ name: `${name}, per second of processor`, value: count / ((user + system) / 1e6), unit: 'spans/s' });
    await close();
    await service.close();
  });
}

function seconds(work: () => void): number {
  const began = performance.now();
  work();
  return (performance.now() - began) / 1_000;
}
