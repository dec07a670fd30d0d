/**
 * What Kafka adds to a service: where accepted records go, the logs of the partitions as readers know them, and, where
 * this process has these roles, the worker and the signer.
 */
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { KnownLog, OwnedLog } from '../api/known_log.ts';
import type { Config } from '../core/config.ts';
import { AppError, messageOf } from '../core/errors.ts';
import type { KafkaSettings } from '../core/kafka_settings.ts';
import { readHead } from '../core/store/queries/head.ts';
import type { Store } from '../core/store/store.ts';
import type { Intake } from '../ingest/intake.ts';
import { createKafka } from '../ingest/kafka/client.ts';
import { CommandFeed } from '../ingest/kafka/command_feed.ts';
import { KafkaIntake } from '../ingest/kafka/kafka_intake.ts';
import { logVkeysPath, openLogSigners, readLogVkeys } from '../ingest/kafka/log_keys.ts';
import { KafkaSigner } from '../ingest/kafka/log_signer.ts';
import { openSharedKey, type SharedKey, sharedKeyPath } from '../ingest/kafka/shared_key.ts';
import { logsOf, topicsOf } from '../ingest/kafka/topics.ts';
import type { LogSigner } from '../ingest/signer.ts';
import type { Judges } from './judges.ts';
import { openWorker, readyTopics, type Worker, type WorkerOptions } from './kafka_worker.ts';

export type KafkaRole = 'worker' | 'signer';

export interface KafkaSideOptions {
  config: Config;
  settings: KafkaSettings;
  /** Name of the service's own log; the others' names begin with it. */
  origin: string;
  store: Store;
  judges: Judges;
  /** Which of the roles this process has beside the service. */
  roles: ReadonlySet<KafkaRole>;
  now: () => number;
  onNotice: (notice: string, fields: Record<string, unknown>) => void;
  /** A log that a person has to look at. */
  onHalted: (error: AppError) => void;
  /** The process must end. */
  onFatal: (error: AppError) => void;
  onDetected?: WorkerOptions['onDetected'];
  onStored?: WorkerOptions['onStored'];
}

export interface KafkaSide {
  intake: Intake;
  logs: readonly KnownLog[];
  /** Looks at the heads of the logs in the store, and tells of each that moved. */
  follow(onMoved: (log: string, size: number) => void): void;
  /** Publishes commands from the service's own log, whose size it asks for. */
  publishCommands(size: () => number): Promise<void>;
  /** The logs that this process writes. */
  owned(): Promise<readonly OwnedLog[]>;
  /** Has all heads signed now, where this process holds the signer. */
  checkpoint(): Promise<void>;
  close(): Promise<void>;
}

const FOLLOW_MS = 500;

/** The shared key of a folder or of the file that the settings name. Throws `shared_key_missing`, `shared_key_invalid`. */
export function sharedKeyOf(config: Config, settings: KafkaSettings, may_make: boolean): SharedKey {
  const { shared_key_file } = settings;
  return openSharedKey(shared_key_file ?? sharedKeyPath(config.data), may_make && !shared_key_file);
}

export async function openKafkaSide(options: KafkaSideOptions): Promise<KafkaSide> {
  const { config, settings, origin, store, roles, now, onNotice } = options;
  const shared = sharedKeyOf(config, settings, true);
  const topics = topicsOf(settings);
  const client_id = `${settings.client_id}-service-${randomBytes(3).toString('hex')}`;
  const kafka = createKafka({ ...settings, client_id }, onNotice);
  await readyTopics(kafka, topics, settings, onNotice);
  const names = logsOf(origin, settings);
  const intake = new KafkaIntake({ kafka, topic: topics.events, logs: names, envelopes: shared.envelopes, now });
  await intake.start();
  const signing = roles.has('signer') ? await openSigning(options, names) : undefined;
  const worker = roles.has('worker') ? await openWorkerOf(options, shared) : undefined;
  const vkeys = readLogVkeys(logVkeysPath(config.data));
  const logs = names.map((log, partition) => knownLogOf(log, partition, vkeys.get(log), shared, signing));
  const following = new AbortController();
  let followed: Promise<void> = Promise.resolve();
  let feed: CommandFeed | undefined;
  return {
    intake,
    logs,
    follow(onMoved) {
      followed = followHeads(store, names, onMoved, onNotice, following.signal);
    },
    async publishCommands(size) {
      const { commands: topic } = topics;
      feed = new CommandFeed({ kafka, topic, partitions: settings.partitions, store, log: origin, size, onNotice });
      await feed.start();
    },
    owned: async () => (await worker?.status()) ?? [],
    checkpoint: async () => signing?.signer.checkpoint(),
    async close() {
      following.abort();
      await followed;
      await feed?.close();
      await intake.close();
      await worker?.close();
      await signing?.signer.close();
    },
  };
}

interface Signing {
  signer: KafkaSigner;
  signers: readonly LogSigner[];
}

/** The signer of all partitions. Throws as `KafkaSigner.start`. */
export async function openSigning(
  options: Pick<KafkaSideOptions, 'config' | 'settings' | 'origin' | 'store' | 'now' | 'onNotice' | 'onHalted'>,
  logs: readonly string[],
): Promise<Signing> {
  const { config, settings, origin, store, now, onNotice, onHalted } = options;
  const kafka = createKafka({ ...settings, client_id: `${settings.client_id}-signer` }, onNotice);
  await readyTopics(kafka, topicsOf(settings), settings, onNotice);
  const signers = openLogSigners(config.data, logs);
  const signer = new KafkaSigner({
    kafka,
    store,
    topic: topicsOf(settings).checkpoints,
    transactional_id: `${origin}/${settings.epoch}/signer`,
    signers,
    now,
    onNotice,
    onContradiction: (_, error) => onHalted(error),
  });
  await signer.start();
  return { signer, signers };
}

function openWorkerOf(options: KafkaSideOptions, shared: SharedKey): Promise<Worker> {
  const { onHalted, onFatal } = options;
  return openWorker({ ...options, shared, onHalted: (_, error) => onHalted(error), onExpelled: onFatal });
}

function knownLogOf(
  log: string,
  partition: number,
  vkey: string | undefined,
  { pseudonyms }: SharedKey,
  signing: Signing | undefined,
): KnownLog {
  if (signing === undefined) return { log, partition, vkey, verifyWith: () => ({ pseudonyms }) };
  const signer = signing.signers[partition] as LogSigner;
  return {
    log,
    partition,
    vkey,
    publishCheckpoint: () => signing.signer.checkpoint(),
    signManifest: (sha256) => signer.signManifest(sha256),
    verifyWith: () => {
      const signed = signer.last();
      return { pseudonyms, ...(signed && { signed }) };
    },
  };
}

/** Until it is told to stop. A store that fails is asked again. */
async function followHeads(
  store: Store,
  logs: readonly string[],
  onMoved: (log: string, size: number) => void,
  onNotice: KafkaSideOptions['onNotice'],
  signal: AbortSignal,
): Promise<void> {
  const sizes = new Map<string, number>();
  while (!signal.aborted) {
    try {
      for (const log of logs) {
        const size = (await readHead(store, log))?.size ?? 0;
        if (size > (sizes.get(log) ?? 0)) onMoved(log, size);
        sizes.set(log, size);
      }
    } catch (error) {
      onNotice('heads_not_read', { error: messageOf(error) });
    }
    await sleep(FOLLOW_MS, undefined, { ref: false, signal }).catch(() => undefined);
  }
}

/** The settings of Kafka and the name that all roles give their logs. Throws `config_invalid`. */
export function kafkaConfigOf(config: Config): { settings: KafkaSettings; origin: string } {
  const { kafka: settings, origin } = config;
  if (settings === undefined) throw new AppError('config_invalid', 'kafka: this role needs the settings of Kafka');
  if (origin === undefined) {
    throw new AppError('config_invalid', 'origin: with Kafka all roles need the same name, such as example.com/agents');
  }
  return { settings, origin };
}
