/** What follows an alert: subscriptions, and the deliveries to them. Opened once for a service. */
import type { Config } from '../../core/config.ts';
import type { Store } from '../../core/store/store.ts';
import type { LogWriter } from '../../ingest/log_writer.ts';
import type { SequencedRecord } from '../../ingest/record.ts';
import { Deliverer } from './deliverer.ts';
import { Enforcement } from './enforcement.ts';
import { type Format, loadFormats } from './format.ts';
import { openMailLimit } from './mail_limit.ts';
import { openMailer } from './mailer.ts';
import { Outbox } from './outbox.ts';
import { openPoster } from './post.ts';
import { retrySchedule } from './retry_schedule.ts';
import { sendMessage } from './send_message.ts';
import { openSubscriptions, type Subscriptions } from './subscriptions.ts';
import { Suspender } from './suspender.ts';
import type { SuspensionPolicy } from './suspension_policy.ts';
import { openWebhookKeys, type WebhookKeys } from './webhook_keys.ts';

export interface ResponseOptions {
  config: Pick<
    Config,
    'data' | 'mail' | 'enforcement_timeout_seconds' | 'webhook_hosts' | 'webhook_credentials' | 'webhook_retry_seconds'
  >;
  store: Store;
  /** The service's own log, in which people's and the program's actions stand. */
  log: string;
  /** Other logs in which alerts stand. */
  other_logs?: readonly string[];
  writer: LogWriter;
  now: () => number;
  version: string;
  /** When sessions are suspended without a person. */
  policy: SuspensionPolicy | undefined;
  /** Told of each attempt to deliver. */
  onAttempt: (outcome: 'sent' | 'failed' | 'dead', seconds: number) => void;
  onNotice: (notice: string, fields: Record<string, unknown>) => void;
}

/** The parts that routes stand on, and what the composition root tells of committed records. */
export interface Response {
  subscriptions: Subscriptions;
  keys: WebhookKeys;
  formats: ReadonlyMap<string, Format>;
  deliverer: Deliverer;
  enforcement: Enforcement;
  observe(records: readonly SequencedRecord[]): void;
  /** Records of a log were committed of which nobody was told; without a name of the own one. */
  adopted(size: number, log?: string): void;
  /** Begins to tell subscribers of what the own log holds up to there; of the others when their sizes are told. */
  start(size: number): Promise<void>;
  /** Resolves when what is owed for all that was committed is stored. */
  drained(): Promise<void>;
  close(): Promise<void>;
}

/** The program itself, where it changes a subscription. */
const PROGRAM = { key_id: 'tracewarden', name: 'tracewarden' };

const outcomeOf = ({ error, final }: { error?: string; final?: boolean }) =>
  error ? (final ? 'dead' : 'failed') : 'sent';

export async function openResponse(options: ResponseOptions): Promise<Response> {
  const { config, store, log, other_logs = [], writer, now, onNotice, version, policy } = options;
  const { webhook_hosts: allowed, webhook_credentials: credentials } = config;
  const formats = await loadFormats();
  const keys = openWebhookKeys(config.data);
  const subscriptions = await openSubscriptions({
    store,
    log,
    writer,
    now,
    allowed,
    credentials,
    formats,
    mail: config.mail,
  });
  const timeout_ms = config.enforcement_timeout_seconds * 1000;
  const enforcement = await Enforcement.open({ store, log, writer, now, timeout_ms, onNotice });
  const suspender = policy && new Suspender({ policy, store, log, writer, enforcement, now, onNotice });
  const poster = openPoster({ allowed, now });
  const mail = config.mail && { settings: config.mail, mailer: openMailer(config.mail), perPerson: openMailLimit() };
  const sender = { formats, credentials, keys, poster, mail, now, user_agent: `tracewarden/${version}` };
  const deliverer = new Deliverer({
    store,
    logs: [log, ...other_logs],
    now,
    random: Math.random,
    schedule: retrySchedule(config.webhook_retry_seconds),
    subscriptionOf: (subscription_id) => subscriptions.get(subscription_id),
    async send(subscription, message_id, message) {
      const began = performance.now();
      const attempt = await sendMessage(sender, subscription, message_id, message);
      options.onAttempt(outcomeOf(attempt), (performance.now() - began) / 1_000);
      return attempt;
    },
    async onGone(subscription_id) {
      if (subscriptions.get(subscription_id)?.state !== 'active') return;
      const members = { state: 'disabled', reason: 'the receiver answered 410: it is gone' } as const;
      await subscriptions.change(subscription_id, 'disabled', members, PROGRAM);
      onNotice('subscription_disabled', { subscription_id });
    },
    onNotice,
  });
  const outboxOf = (of: string) =>
    new Outbox({
      store,
      log: of,
      deliverer,
      subscriptions: () => subscriptions.all(),
      onAlerts: async (alerts) => suspender?.look(alerts),
      onNotice,
    });
  const outbox = outboxOf(log);
  const others = new Map(other_logs.map((of) => [of, outboxOf(of)]));
  const all = [outbox, ...others.values()];
  return {
    subscriptions,
    keys,
    formats,
    deliverer,
    enforcement,
    observe: (records) => outbox.observe(records),
    adopted: (size, of = log) => (others.get(of) ?? outbox).adopted(size),
    async start(size) {
      await outbox.start(size);
      for (const other of others.values()) await other.start(0);
      await deliverer.start();
      for (const each of all) each.go();
      enforcement.start();
    },
    async drained() {
      for (const each of all) await each.drained();
    },
    async close() {
      await enforcement.close();
      for (const each of all) await each.close();
      poster.close();
      mail?.mailer.close();
      await deliverer.close();
    },
  };
}
