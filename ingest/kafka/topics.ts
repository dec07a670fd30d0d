/** Names in Kafka: the topics of an installation, and the log that belongs to each partition. */
import type { KafkaSettings } from '../../core/kafka_settings.ts';

export interface Topics {
  /** Records on their way in; LogAppendTime. */
  events: string;
  /** Heads and signed checkpoints: partition i belongs to partition i of the events. */
  checkpoints: string;
  /** Alerts for who reads Kafka, each once for readers of committed records. */
  alerts: string;
  /** What the first stage of detection saw, for the second. */
  signals: string;
  /** Commands of suspension and release for gateways that read Kafka. */
  commands: string;
}

export function topicsOf({ topic_prefix }: Pick<KafkaSettings, 'topic_prefix'>): Topics {
  const name = (part: string) => `${topic_prefix}.${part}`;
  return {
    events: name('events'),
    checkpoints: name('checkpoints'),
    alerts: name('alerts'),
    signals: name('signals'),
    commands: name('commands'),
  };
}

/** The name of the log of one partition: the origin of its checkpoints and the id of its transactions. */
export function logOf(origin: string, epoch: string, partition: number): string {
  return `${origin}/${epoch}/${partition}`;
}

/** The key under which a user's records come: all of them in order in one partition. */
export function keyOf(tenant: string, user_id: string): string {
  return `${tenant}/${user_id}`;
}

/** The logs of all partitions, in their order. */
export function logsOf(origin: string, { epoch, partitions }: Pick<KafkaSettings, 'epoch' | 'partitions'>): string[] {
  return Array.from({ length: partitions }, (_, partition) => logOf(origin, epoch, partition));
}
