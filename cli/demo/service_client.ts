/** The demo's service on loopback, and what the demo asks of it over HTTP with the keys made for that. */
import type { AlertView } from '../../api/alert_view.ts';
import type { EventView } from '../../api/event_view.ts';
import { loadConfig } from '../../core/config.ts';
import { AppError } from '../../core/errors.ts';
import type { VerifyReport } from '../../ingest/verify/report.ts';
import { listen } from '../listen.ts';
import { say } from '../output.ts';
import { openService, type Service } from '../service.ts';
import type { Closing } from './closing.ts';

export type AlertJson = ReturnType<typeof AlertView.parse>;

export interface DemoService {
  url: string;
  service: Service;
  /** Posts events with a key of the role `ingest`. Throws `demo_events_refused`. */
  post(events: readonly Record<string, unknown>[]): Promise<void>;
  /** All alerts, oldest first. */
  alerts(): Promise<AlertJson[]>;
  /** The events of a session by their sequence number. */
  events(session_id: string): Promise<Map<number, EventView>>;
  verify(): Promise<VerifyReport>;
}

/** Opens the service on a folder and any free port of 127.0.0.1. */
export async function openDemoService(data: string, closing: Closing): Promise<DemoService> {
  const config = loadConfig({ data, port: 0, origin: 'demo.example.com/agents' }, {});
  const opening = openService({ config, onNotice });
  // While it still opens, closing waits for it.
  closing.add(async () => (await opening).close());
  const service = await opening;
  const server = await listen(service.api.app, config.host, config.port);
  closing.add(() => server.close());
  const { access } = service.context;
  const made = (role: 'ingest' | 'auditor') => access.create({ name: `demo ${role}`, role, tenant: 'default' }, 'demo');
  const [ingest, auditor] = [await made('ingest'), await made('auditor')];
  const ask = (path: string, body?: unknown) => call(`${server.url}${path}`, auditor.key, 'application/json', body);
  return {
    url: server.url,
    service,
    post: (events) => postEvents(server.url, ingest.key, events),
    async alerts() {
      const { alerts } = (await (await ask('/v1/alerts')).json()) as { alerts: AlertJson[] };
      return alerts.reverse();
    },
    async events(session_id) {
      const answer = await ask(`/v1/sessions/${encodeURIComponent(session_id)}`);
      const { events } = (await answer.json()) as { events: EventView[] };
      return new Map(events.map((event) => [event.seq, event]));
    },
    async verify() {
      const lines = (await (await ask('/v1/verify', {})).text()).trim().split('\n');
      const { report } = JSON.parse(lines.at(-1) ?? '{}') as { report?: VerifyReport };
      if (report === undefined) throw new AppError('demo_service', 'the log could not be verified to its end');
      return report;
    },
  };
}

function onNotice(notice: string, fields: Record<string, unknown>): void {
  if (/fail|refused|not_stored/.test(notice)) say(`${notice}: ${JSON.stringify(fields)}`);
}

async function postEvents(url: string, key: string, events: readonly Record<string, unknown>[]): Promise<void> {
  const lines = events.map((event) => JSON.stringify(event)).join('\n');
  const answer = await call(`${url}/v1/events`, key, 'application/x-ndjson', lines);
  const { accepted } = (await answer.json()) as { accepted: number };
  if (accepted === events.length) return;
  throw new AppError('demo_events_refused', `the service took ${accepted} of ${events.length} events`);
}

async function call(url: string, key: string, type: string, body?: unknown): Promise<Response> {
  const headers = { authorization: `Bearer ${key}`, 'content-type': type };
  const sent = typeof body === 'string' ? body : JSON.stringify(body);
  const response = await fetch(url, body === undefined ? { headers } : { method: 'POST', headers, body: sent });
  if (response.ok) return response;
  throw new AppError('demo_service', `${new URL(url).pathname} answered ${response.status}: ${await response.text()}`);
}
