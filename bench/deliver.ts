/** The side of the delivery bench that is killed: a service that raises alerts where it left off, and tells five subscribers. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { listen } from '../cli/listen.ts';
import { openService, type Service } from '../cli/service.ts';
import { loadConfig } from '../core/config.ts';

const BATCH = 200;
const LOOK_MS = 100;

/** What the bench writes into the folder before the first start. */
export interface DeliverPlan {
  targets: { name: string; url: string }[];
  retry_seconds: number[];
}

/** Raises alerts until there are `count`, and goes on delivering until its standard input ends. */
export async function deliver(folder: string, count: number, answer: (fields: Record<string, unknown>) => void) {
  const plan = JSON.parse(readFileSync(join(folder, 'plan.json'), 'utf8')) as DeliverPlan;
  const webhook_hosts = plan.targets.map(({ url }) => new URL(url).host);
  const settings = {
    data: join(folder, 'data'),
    detection: false,
    webhook_hosts,
    webhook_retry_seconds: plan.retry_seconds,
  };
  const service = await openService({ config: loadConfig(settings, {}) });
  const server = await listen(service.api.app, '127.0.0.1', 0);
  const subscriptions = await subscribed(service, plan);
  let heap_peak = 0;
  const sampler = setInterval(() => {
    heap_peak = Math.max(heap_peak, process.memoryUsage().heapUsed);
  }, LOOK_MS);
  answer({ url: server.url, key: service.admin_key, subscriptions });
  await raise(service, count);
  for await (const _ of process.stdin);
  clearInterval(sampler);
  const rss_mb = process.resourceUsage().maxRSS / 1024;
  await server.close();
  await service.close();
  answer({ heap_mb: heap_peak / 1_048_576, rss_mb });
}

async function subscribed({ context }: Service, { targets }: DeliverPlan): Promise<Record<string, string>> {
  const { subscriptions } = context.response as NonNullable<typeof context.response>;
  const known = new Map([...subscriptions.all()].map(({ name, subscription_id }) => [name, subscription_id]));
  const wanted = { kind: 'alerts', format: 'native', template: '', credential: '', severity_min: 'medium' } as const;
  for (const { name, url } of targets) {
    if (known.has(name)) continue;
    const who = { key_id: 'bench', name: 'bench', role: 'admin', tenant: '*' } as const;
    const made = await subscriptions.create({ ...wanted, name, url, rules: [], per_second_max: 1_000 }, 'default', who);
    known.set(name, made.subscription_id);
  }
  return Object.fromEntries(known);
}

async function raise({ writer, store }: Service, count: number): Promise<void> {
  const [row] = await store.rows<{ alerts: number }>("SELECT count() AS alerts FROM v_alerts WHERE tenant = 'default'");
  const from = Number(row?.alerts ?? 0);
  for (let at = from; at < count; at += BATCH) {
    const records = Array.from({ length: Math.min(BATCH, count - at) }, (_, i) => alertAt(writer, at + i));
    await writer.submitInternal(records);
  }
}

function alertAt(writer: Service['writer'], i: number) {
  const place = { tenant: 'default', session_id: `s-${i}`, user_id: 'ana@example.com', time_ms: Date.now() };
  const said = { rule_id: 'bench', rule_version: 1, severity: 'high', title: 'A bench', reason: 'A bench' };
  const of = { session_id: place.session_id, user_id: place.user_id, agent: 'bench', tags: [], evidence: [] };
  const record = {
    kind: 'alert',
    type: 'alert.raised',
    event_id: `alert-${i}`,
    actor: 'tracewarden',
    ...place,
  } as const;
  return writer.stamp({ ...record, detail: { ...said, ...of } });
}
