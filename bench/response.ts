/** How fast others are told: alert stored to webhook received, suspend asked to applied, and the state for gateways. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { EnforcementClient } from '../api/response/enforcement_client.ts';
import { type Listening, listen } from '../cli/listen.ts';
import { openService, type Service } from '../cli/service.ts';
import { loadConfig } from '../core/config.ts';
import { AppError } from '../core/errors.ts';
import { inTemporaryFolder } from './process.ts';
import { median, quantile, type Report } from './report.ts';

const ALERTS = 100;
const COMMANDS = 30;
const POLL_MS = 100;
const STATE_CALLS = 20_000;
const AT_ONCE = 32;

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

export async function enforcementBench(report: Report, count = STATE_CALLS): Promise<void> {
  await inTemporaryFolder(async (folder) => {
    const arrived = new Map<string, number>();
    const receiver = createServer((request, response) => {
      let body = '';
      request.on('data', (text: Buffer) => {
        body += text.toString();
      });
      request.on('end', () => {
        const { data } = JSON.parse(body) as { data: { alert_id?: string } };
        if (data.alert_id !== undefined) arrived.set(data.alert_id, performance.now());
        response.writeHead(204).end();
      });
    });
    await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
    const host = `127.0.0.1:${(receiver.address() as AddressInfo).port}`;
    const service = await openService({
      config: loadConfig({ data: join(folder, 'data'), webhook_hosts: [host] }, {}),
    });
    const listening = await listen(service.api.app, '127.0.0.1', 0);
    const ask = async <T>(path: string, body: unknown): Promise<T> => {
      const headers = { authorization: `Bearer ${service.admin_key}`, 'content-type': 'application/json' };
      const response = await fetch(`${listening.url}${path}`, { method: 'POST', headers, body: JSON.stringify(body) });
      if (!response.ok) throw new AppError('bench_failed', `${path}: ${response.status}`);
      return (await response.json()) as T;
    };
    await ask('/v1/subscriptions', { name: 'bench', url: `http://${host}/` });
    await webhooks(report, service, arrived);
    await commands(report, service, listening, ask);
    await states(report, service, listening, count);
    await listening.close();
    await service.close();
    receiver.close();
  });
}

async function webhooks(report: Report, service: Service, arrived: ReadonlyMap<string, number>): Promise<void> {
  const times: number[] = [];
  for (let i = 0; i < ALERTS; i++) {
    const event_id = `alert-${i}`;
    const place = { tenant: 'default', session_id: `s-${i}`, user_id: 'ana@example.com', time_ms: Date.now() };
    const said = { rule_id: 'bench', rule_version: 1, severity: 'high', title: 'A bench', reason: 'A bench' };
    const of = { session_id: place.session_id, user_id: place.user_id, agent: 'bench', tags: [], evidence: [] };
    const record = { kind: 'alert', type: 'alert.raised', event_id, actor: 'tracewarden', ...place } as const;
    await service.writer.submitInternal([service.writer.stamp({ ...record, detail: { ...said, ...of } })]);
    const stored_ms = performance.now();
    while (!arrived.has(event_id)) await sleep(1);
    times.push((arrived.get(event_id) ?? 0) - stored_ms);
  }
  report({ name: 'alert stored to webhook received, median', value: median(times), unit: 'ms', goal: 'below 500 ms' });
  report({ name: 'alert stored to webhook received, p95', value: quantile(times, 0.95), unit: 'ms' });
}

type Ask = <T>(path: string, body: unknown) => Promise<T>;

async function commands(report: Report, service: Service, { url }: Listening, ask: Ask): Promise<void> {
  const { key } = await service.context.access.create({ name: 'bench', role: 'gateway', tenant: 'default' }, 'bench');
  const made = await ask<{ keys: { secret: string } }>('/v1/subscriptions', { name: 'gateway', kind: 'enforcement' });
  const client = new EnforcementClient({ url, key, secret: made.keys.secret });
  const times: number[] = [];
  for (let i = 0; i < COMMANDS; i++) {
    const started_ms = performance.now();
    await ask('/v1/enforcement', { action: 'suspend', target: { kind: 'session', id: `s-${i}` }, reason: 'a bench' });
    while ((await client.poll()) === 0) await sleep(POLL_MS);
    times.push(performance.now() - started_ms);
  }
  const name = `suspend asked to applied, polling every ${POLL_MS} ms, median`;
  report({ name, value: median(times), unit: 'ms', goal: 'below 1000 ms' });
}

/** Client and service share this process, so that the figure is of less than one core for the service. */
async function states(report: Report, service: Service, { url }: Listening, count: number): Promise<void> {
  const headers = { authorization: `Bearer ${service.admin_key}` };
  const first = await fetch(`${url}/v1/enforcement`, { headers });
  await first.text();
  const etag = first.headers.get('etag') ?? '';
  const request = () =>
    new Request('http://localhost/v1/enforcement', { headers: { ...headers, 'if-none-match': etag } });
  const cpu = process.cpuUsage();
  let left = count;
  const one = async () => {
    while (left-- > 0) {
      const { status } = await service.api.app.request(request());
      if (status !== 304) throw new AppError('bench_failed', `the state answers ${status}`);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, one));
  const used = process.cpuUsage(cpu);
  const per_core = count / ((used.user + used.system) / 1e6);
  report({
    name: 'state for gateways (304), without the socket',
    value: per_core,
    unit: 'requests/s of one core',
    goal: 'above 5000',
  });
}
