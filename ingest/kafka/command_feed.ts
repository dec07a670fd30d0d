/**
 * Commands of suspension and release as a topic, for gateways that read Kafka. Read from the records of the service's own
 * log behind a stored cursor: each step stands in the topic at least once, and in the order of the log.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Kafka, Producer } from 'kafkajs';
import { COMMAND_TYPES, type StepDetail } from '../../core/enforcement.ts';
import { messageOf } from '../../core/errors.ts';
import { canonicalJson } from '../../core/json/canonical.ts';
import { moveCursor, readCursor } from '../../core/store/queries/head.ts';
import { type ActionRecordRow, readActions } from '../../core/store/queries/own_records.ts';
import type { Store } from '../../core/store/store.ts';
import type { OnNotice } from './client.ts';
import { partitionOf } from './partitioner.ts';

export interface CommandFeedOptions {
  kafka: Kafka;
  topic: string;
  partitions: number;
  store: Store;
  /** The log in which the commands' records stand, and how far it is. */
  log: string;
  size: () => number;
  onNotice: OnNotice;
}

const CURSOR = 'commands_published';
const LOOK_MS = 200;
const RETRY_MS = 2_000;
const PAGE = 1_000;

export class CommandFeed {
  private readonly options: CommandFeedOptions;
  private readonly producer: Producer;
  private readonly stopping = new AbortController();
  private running: Promise<void> = Promise.resolve();
  private through = 0;

  constructor(options: CommandFeedOptions) {
    this.options = options;
    this.producer = options.kafka.producer({ idempotent: true, maxInFlightRequests: 1, allowAutoTopicCreation: false });
  }

  async start(): Promise<void> {
    await this.producer.connect();
    this.through = await readCursor(this.options.store, this.options.log, CURSOR);
    this.running = this.run();
  }

  private async run(): Promise<void> {
    const { signal } = this.stopping;
    while (!signal.aborted) {
      let wait_ms = LOOK_MS;
      try {
        await this.publish();
      } catch (error) {
        this.options.onNotice('commands_not_published', { error: messageOf(error) });
        wait_ms = RETRY_MS;
      }
      await sleep(wait_ms, undefined, { signal, ref: false }).catch(() => undefined);
    }
  }

  private async publish(): Promise<void> {
    const { store, log, size, topic, partitions } = this.options;
    for (let to = size(); this.through < to; ) {
      const rows = await readActions(store, { log, types: COMMAND_TYPES, from: this.through, to, limit: PAGE });
      const messages = rows.map((row) => commandMessage(row, log, partitions));
      if (messages.length > 0) await this.producer.send({ topic, acks: -1, messages });
      this.through = rows.length === PAGE ? (rows.at(-1)?.seq ?? 0) + 1 : to;
      if (messages.length > 0) await moveCursor(store, log, CURSOR, this.through);
    }
  }

  /** Publishes what is left, and stops. */
  async close(): Promise<void> {
    this.stopping.abort();
    await this.running;
    await this.publish().catch(() => undefined); // the next start goes on behind the stored cursor
    await this.producer.disconnect();
  }
}

/** All steps of one target are in order in one partition. */
function commandMessage(row: ActionRecordRow, log: string, partitions: number) {
  const { command, state } = row.detail as unknown as StepDetail;
  const { command_id, tenant, action, target, alert_id, reason, requested_at_ms, expires_at_ms } = command;
  const key = `${tenant}/${target.kind}/${target.id}`;
  const value = canonicalJson({
    schema_version: 1,
    command_id,
    tenant,
    action,
    target,
    state,
    alert_id,
    reason,
    requested_at: new Date(requested_at_ms).toISOString(),
    expires_at: new Date(expires_at_ms).toISOString(),
    log,
    seq: row.seq,
  });
  return { key, partition: partitionOf(key, partitions), value };
}
