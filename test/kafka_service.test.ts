/** A service over Kafka, on a real broker: from a POST to an alert in the partition's log, under a signed checkpoint. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Broker, brokerUnavailable, startBroker } from '../bench/kafka_broker.ts';
import { openService, type Service } from '../cli/service.ts';
import { loadConfig } from '../core/config.ts';
import { KafkaSettings } from '../core/kafka_settings.ts';
import { createKafka } from '../ingest/kafka/client.ts';
import { PartitionReader } from '../ingest/kafka/partition_reader.ts';
import { marked } from './support/marked_events.ts';

const why = brokerUnavailable();
if (why !== undefined) console.log(`not run: ${why}`);

const PARTITIONS = 3;
const ORIGIN = 'test.example.com/agents';

interface Queued {
  queued: number;
  rejected: number;
  records: { outcome: string; partition: number; offset: number; log: string; event_id: string; reason?: string }[];
}

describe.skipIf(why !== undefined)('a service over Kafka', { timeout: 120_000 }, () => {
  let broker: Broker;
  let service: Service;
  const notices: { notice: string; fields: Record<string, unknown> }[] = [];
  const data = mkdtempSync(join(tmpdir(), 'tracewarden-kafka-service-'));

  const open = async () => {
    const config = { ...loadConfig({ data, origin: ORIGIN }, {}), kafka: settings() };
    service = await openService({ config, onNotice: (notice, fields) => notices.push({ notice, fields }) });
  };
  const settings = () =>
    KafkaSettings.parse({ brokers: broker.brokers, partitions: PARTITIONS, session_timeout_ms: 6_000 });
  const ask = async <T>(method: string, path: string, body?: unknown): Promise<{ status: number; answer: T }> => {
    const response = await service.api.app.request(`http://localhost${path}`, {
      method,
      headers: { authorization: `Bearer ${service.admin_key}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    return {
      status: response.status,
      answer: (text.startsWith('{') ? JSON.parse(text.split('\n').at(-2) ?? text) : text) as T,
    };
  };
  const until = async (what: () => Promise<boolean>): Promise<void> => {
    for (let i = 0; i < 300; i++) {
      if (await what()) return;
      await sleep(100);
    }
    throw new Error(`not within 30 s; notices: ${JSON.stringify(notices.slice(-12))}`);
  };
  const alerts = async () =>
    (await ask<{ alerts: { alert_id: string; rule_id: string; session_id: string }[] }>('GET', '/v1/alerts')).answer
      .alerts;

  beforeAll(async () => {
    broker = await startBroker({ partitions: PARTITIONS });
    await open();
  }, 120_000);

  afterAll(async () => {
    await service?.close();
    await broker?.stop();
    rmSync(data, { recursive: true, force: true });
  });

  it('takes events into Kafka with 202, tells when each is under the head, and finds the attack in them', async () => {
    const events = ['ana', 'ben', 'cleo', 'dan'].flatMap((name) => marked(`s-${name}`, `${name}@example.com`, 'mark'));
    const { status, answer } = await ask<Queued>('POST', '/v1/events', events);
    expect(status).toBe(202);
    expect(answer.queued).toBe(events.length);
    expect(new Set(answer.records.map(({ partition }) => partition)).size).toBeGreaterThan(1);
    for (const { partition, offset, event_id, log } of answer.records) {
      expect(log).toBe(`${ORIGIN}/1/${partition}`);
      let receipt: { event_id?: string; log?: string; status?: string } = {};
      await until(async () => {
        receipt = (await ask<typeof receipt>('GET', `/v1/receipts/${partition}/${offset}`)).answer;
        return receipt.status !== 'waiting';
      });
      expect(receipt).toMatchObject({ event_id, log });
    }
    await until(async () => new Set((await alerts()).map(({ session_id }) => session_id)).size >= 4);
  });

  it('tells nobody of another tenant what became of a record', async () => {
    const { key } = await service.context.access.create({ name: 'other', role: 'ingest', tenant: 'other' }, 'test');
    const { answer } = await ask<Queued>('POST', '/v1/events', marked('s-finn', 'finn@example.com', 'mark'));
    const [first] = answer.records;
    const path = `/v1/receipts/${first?.partition}/${first?.offset}`;
    await until(async () => (await ask('GET', path)).status === 200);
    const headers = { authorization: `Bearer ${key}` };
    const foreign = await service.api.app.request(`http://localhost${path}`, { headers });
    expect(foreign.status).toBe(202);
    expect(await foreign.json()).toEqual({ log: first?.log, status: 'waiting' });
    expect((await ask('GET', `/v1/receipts/${PARTITIONS}/0`)).status).toBe(404);
  });

  it('keeps a record that cannot be read as a rejected leaf, and says so at once', async () => {
    const { status, answer } = await ask<Queued>('POST', '/v1/events', [{ type: 'no such type' }]);
    expect(status).toBe(202);
    expect(answer).toMatchObject({ queued: 0, rejected: 1 });
    const [record] = answer.records;
    expect(record?.reason).not.toBe('');
    await until(async () => {
      const { answer: of } = await ask<{ kind?: string }>('GET', `/v1/receipts/${record?.partition}/${record?.offset}`);
      return of.kind === 'rejected';
    });
  });

  it('signs every log, proves an event of a partition, and verifies all of them', async () => {
    await service.checkpoint();
    const { logs } = (
      await ask<{ logs: { log: string; size: number; checkpoint_size: number; vkey: string }[] }>('GET', '/v1/log/list')
    ).answer;
    expect(logs.map(({ log }) => log)).toEqual([ORIGIN, `${ORIGIN}/1/0`, `${ORIGIN}/1/1`, `${ORIGIN}/1/2`]);
    for (const { log, size, checkpoint_size } of logs) {
      expect(checkpoint_size).toBe(size);
      const { answer } = await ask<{ report: { ok: boolean; size: number; findings: unknown[] } }>(
        'POST',
        '/v1/verify',
        { log },
      );
      expect(answer.report).toMatchObject({ ok: true, findings: [] });
    }
    const [alert] = await alerts();
    const { events } = (
      await ask<{ events: { event_id: string }[] }>('GET', `/v1/events?q=session_id:${alert?.session_id}`)
    ).answer;
    const { status, answer: proof } = await ask<string>('GET', `/v1/events/${events[0]?.event_id}/proof`);
    expect(status).toBe(200);
    expect(proof).toContain(`${ORIGIN}/1/`);
    const evidence = await ask<string>('GET', `/v1/sessions/${alert?.session_id}/evidence`);
    expect(evidence.status).toBe(200);
  });

  it('publishes alerts once for readers of committed records, and raises none anew after a restart', async () => {
    // Every attacked session is like the first: it is done when it has as many alerts.
    const counts = async () => {
      const all = await alerts();
      return ['s-ana', 's-ben', 's-cleo', 's-dan', 's-finn'].map(
        (id) => all.filter(({ session_id }) => session_id === id).length,
      );
    };
    await until(async () => new Set(await counts()).size === 1);
    const before = (await alerts()).map(({ alert_id }) => alert_id).sort();
    await service.close();
    await open();
    const { answer } = await ask<Queued>('POST', '/v1/events', marked('s-eva', 'eva@example.com', 'mark'));
    expect(answer.queued).toBeGreaterThan(0);
    await until(async () => (await alerts()).some(({ session_id }) => session_id === 's-eva'));
    const after = (await alerts()).filter(({ session_id }) => session_id !== 's-eva').map(({ alert_id }) => alert_id);
    expect(after.sort()).toEqual(before);
    const published = await read('tracewarden.alerts');
    const ids = published.map((value) => (JSON.parse(value) as { alert_id: string }).alert_id);
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids.sort()).toEqual((await alerts()).map(({ alert_id }) => alert_id).sort());
  });

  it('publishes each step of a command for gateways that read Kafka', async () => {
    const target = { kind: 'session', id: 's-ana' };
    const asked = { action: 'suspend', target, reason: 'looked at by hand', expires_in_seconds: 600 };
    const { status, answer } = await ask<{ command_id: string }>('POST', '/v1/enforcement', asked);
    expect({ status, answer }).toMatchObject({ status: 202 });
    let steps: { command_id: string; state: string; target: object }[] = [];
    await until(async () => {
      steps = (await read('tracewarden.commands')).map((value) => JSON.parse(value) as (typeof steps)[number]);
      return steps.length > 0;
    });
    expect(steps[0]).toMatchObject({ command_id: answer.command_id, state: 'requested', target });
  });

  const read = async (topic: string): Promise<string[]> => {
    const reader = new PartitionReader(createKafka(settings()), topic);
    const values: string[] = [];
    for (let partition = 0; partition < PARTITIONS; partition++) {
      const { low, high } = await reader.bounds(partition);
      const messages = await reader.range(partition, low, high);
      values.push(...messages.map(({ value }) => value?.toString('utf8') ?? ''));
    }
    await reader.close();
    return values;
  };
});
