import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Store } from '../core/store/store.ts';
import { exampleRecords } from '../detectors/example_events.ts';
import { loadDetectors } from '../detectors/load.ts';
import { buildCommandLine, type CommandLine } from './support/command_line.ts';
import { startTestService, type TestService } from './support/http_service.ts';
import { rawEvent } from './support/raw_event.ts';

let test: TestService;
let monitor: string;
beforeAll(async () => {
  test = await startTestService();
  monitor = await test.key('monitor', '*');
});
afterAll(() => test.close());

/** Samples by name and labels; throws at a line that is not of the exposition format 0.0.4. */
function samplesOf(text: string): Map<string, number> {
  const samples = new Map<string, number>();
  for (const line of text.split('\n').filter((each) => each !== '' && !each.startsWith('#'))) {
    const [, name, value] = /^([a-zA-Z_:][\w:]*(?:\{(?:\w+="(?:[^"\\\n]|\\[\\"n])*",?)*\})?) (\S+)$/.exec(line) ?? [];
    if (name === undefined || Number.isNaN(Number(value?.replace(/^(\+Inf|Nan)$/, '0'))))
      throw new Error(`no sample: ${line}`);
    samples.set(name, Number(value));
  }
  return samples;
}
const metrics = async () => {
  const { status, text, headers } = await test.ask('GET', '/metrics', { key: monitor });
  expect([status, headers.get('content-type')]).toEqual([200, expect.stringMatching(/^text\/plain; version=0\.0\.4/)]);
  return samplesOf(text);
};

describe('metrics', () => {
  it('count what was taken, refused, stored and found', async () => {
    const before = await metrics();
    const example = (await loadDetectors()).flatMap(({ examples }) => examples).find(({ fires }) => fires);
    const sent = await test.send([...exampleRecords('s-metrics', example?.events ?? []), { event_id: 'no event' }]);
    await test.ask('POST', '/v1/events', {
      key: test.service.admin_key,
      body: 'not gzip',
      headers: { 'content-type': 'application/json', 'content-encoding': 'gzip' },
    });
    expect(sent).toMatchObject({ status: 207, answer: { rejected: 1 } });
    await test.service.settled();
    await test.service.checkpoint();
    const after = await metrics();
    const grown = (name: string) => (after.get(name) ?? 0) - (before.get(name) ?? 0);
    expect(grown('tracewarden_records_total{kind="event"}')).toBe(example?.events.length);
    expect(grown('tracewarden_records_total{kind="rejected"}')).toBe(1);
    expect(grown('tracewarden_bodies_refused{reason="body_gzip_invalid"}')).toBe(1);
    expect(grown('tracewarden_records_total{kind="alert"}')).toBeGreaterThan(0);
    expect([...after.keys()].filter((name) => name.startsWith('tracewarden_alerts_total{severity='))).not.toEqual([]);
    expect(grown('tracewarden_batch_seconds_count')).toBeGreaterThan(1);
    expect(grown('tracewarden_detection_seconds_count')).toBeGreaterThan(1);
    expect(after.get('tracewarden_log_size')).toBe(test.service.writer.head.size);
    expect(after.get('tracewarden_log_unsigned_records')).toBe(0);
    expect(after.get('tracewarden_detection_lag_records')).toBe(0);
    expect(after.get('tracewarden_log_writable')).toBe(1);
    expect(grown('tracewarden_http_request_seconds_count{route="/v1/events",method="POST",status="400"}')).toBe(1);
  });

  it('have no name or label that somebody else wrote, however much is sent', async () => {
    const word = 'planted';
    const before = (await metrics()).size;
    for (let i = 0; i < 20; i++) {
      const names = {
        session_id: `${word}-${i}`,
        user_id: `${word}-${i}`,
        tenant: `${word}${i}`,
        server: `${word}-${i}`,
        tool: `${word}-${i}`,
      };
      await test.send(rawEvent({ event_id: `${word}-${i}`, ...names }));
      await test.ask('GET', `/${word}-${i}`);
      await test.ask('GET', `/v1/sessions/${word}-${i}`, { key: test.service.admin_key });
      await test.ask(`${word.toUpperCase()}${i}`, '/v1/sessions', { key: test.service.admin_key });
    }
    const after = await metrics();
    expect([...after.keys()].filter((name) => name.toLowerCase().includes(word))).toEqual([]);
    // A route, a method or a status that was not asked for before has a histogram of its own.
    expect(after.size - before).toBeLessThan(100);
  });

  it('are for who may read them', async () => {
    for (const role of ['viewer', 'analyst', 'auditor', 'gateway'] as const) {
      expect((await test.ask('GET', '/metrics', { key: await test.key(role) })).status).toBe(403);
    }
    expect((await test.ask('GET', '/metrics')).status).toBe(401);
    expect((await test.ask('GET', '/v1/sessions', { key: monitor })).status).toBe(403);
  });
});

describe('readiness', () => {
  const ready = async (context: Parameters<TestService['also']>[0]) => {
    const { status, text } = await (await test.also(context)).ask('GET', '/readyz');
    return { status, ...(JSON.parse(text) as object) };
  };
  const broken = (rows: () => Promise<never>) => ({ store: { ...test.service.store, rows } as unknown as Store });

  it('is said while the store answers and the log can be written', async () => {
    expect(await ready({})).toEqual({ status: 200, ready: true, store: 'ok', log: 'ok', closing: false });
  });

  it('is denied when the store fails, hangs, or the service is closing', async () => {
    const away = { status: 503, ready: false, store: 'unreachable' };
    expect(await ready(broken(() => Promise.reject(new Error('secret words'))))).toMatchObject(away);
    expect(await ready(broken(() => new Promise(() => undefined)))).toMatchObject(away);
    expect(await ready({ closing: () => true })).toMatchObject({ status: 503, ready: false, closing: true });
  });
});

describe('SIGTERM under load', () => {
  let tw: CommandLine;
  beforeAll(() => {
    tw = buildCommandLine();
  });
  afterAll(() => tw.close());

  it('loses nothing that was acknowledged, and ends with 0', async () => {
    const data = `${tw.folder}/drain`;
    const { child, ended, match } = await tw.start(['up', '--data', data, '--port', '0'], /listens on (\S+)/);
    const url = match[1] ?? '';
    const key = readFileSync(`${data}/admin.key`, 'utf8').trim();
    const acknowledged: string[] = [];
    let refused = 0;
    const sender = async (name: string) => {
      for (let i = 0; i < 10_000; i++) {
        const event_id = `${name}-${i}`;
        const body = JSON.stringify(rawEvent({ event_id, session_id: `drain-${name}` }));
        const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
        try {
          const answer = await fetch(`${url}/v1/events`, { method: 'POST', headers, body });
          if (answer.status === 200) acknowledged.push(event_id);
          else refused++;
          await answer.arrayBuffer();
        } catch {
          return; // the service is gone
        }
      }
    };
    const senders = ['a', 'b', 'c', 'd'].map(sender);
    while (acknowledged.length < 50) await new Promise((resolve) => setTimeout(resolve, 10));
    child.kill('SIGTERM');
    expect(await ended).toMatchObject({ code: 0 });
    await Promise.all(senders);
    const { stdout } = await tw.run(['query', 'session_id:drain-*', '--data', data, '--json', '--all']);
    const stored = new Set(
      stdout
        .trim()
        .split('\n')
        .map((line) => (JSON.parse(line) as { event: { event_id: string } }).event.event_id),
    );
    expect(acknowledged.filter((event_id) => !stored.has(event_id))).toEqual([]);
    expect(refused).toBeLessThanOrEqual(4);
    expect((await tw.run(['verify', '--data', data])).code).toBe(0);
  });
});

describe('the runbook', () => {
  const runbook = readFileSync('docs/runbook.md', 'utf8');
  const TYPES = /^# TYPE (tracewarden_\w+) /gm;
  const exported = async () => {
    const { text } = await test.ask('GET', '/metrics', { key: monitor });
    return [...text.matchAll(TYPES)].map(([, name]) => name);
  };

  it('has every metric in its table, and no other', async () => {
    const [, table = ''] = /<!-- table: metrics -->\n([\s\S]*?)\n\n/.exec(runbook) ?? [];
    const listed = [...table.matchAll(/^\| `(tracewarden_\w+)`/gm)].map(([, name]) => name);
    expect(listed.toSorted()).toEqual((await exported()).toSorted());
  });

  it('asks in its rules for metrics that there are', async () => {
    const known = new Set(await exported());
    const [, rules = ''] = /## Alerts for Prometheus\n([\s\S]*)/.exec(runbook) ?? [];
    const asked = [...rules.matchAll(/tracewarden_\w+/g)].map(([name]) => name);
    expect(asked.length).toBeGreaterThan(5);
    expect(asked.filter((name) => !known.has(name.replace(/_(sum|count|bucket)$/, '')))).toEqual([]);
  });
});
