/** The settings of Kafka: how it is reached, and which topics, epoch and partitions the logs are made of. */
import { z } from 'zod';

const Tls = z.strictObject({
  /** Files in PEM form. Without `ca_file` the authorities that the system trusts. */
  ca_file: z.string().min(1).optional(),
  cert_file: z.string().min(1).optional(),
  key_file: z.string().min(1).optional(),
  /** The name that the broker's certificate must bear, where it is not that of its address. */
  server_name: z.string().min(1).optional(),
});

const Sasl = z.strictObject({
  mechanism: z.enum(['plain', 'scram-sha-256', 'scram-sha-512']),
  username: z.string().min(1),
  password: z.string().min(1),
});

export const KafkaSettings = z.strictObject({
  /** `host:port` of some brokers; the others are found through them. */
  brokers: z.array(z.string().regex(/^[^\s:/]+:\d{1,5}$|^\[[0-9a-fA-F:]+\]:\d{1,5}$/, 'must be host:port')).min(1),
  client_id: z.string().min(1).default('tracewarden'),
  /** The consumer group of the workers. */
  group: z.string().min(1).default('tracewarden-workers'),
  /** Topics are `<prefix>.events`, `.checkpoints`, `.alerts`, `.signals`. */
  topic_prefix: z
    .string()
    .regex(/^[A-Za-z0-9._-]{1,200}$/)
    .default('tracewarden'),
  /** Name of the life of the topics with this number of partitions; part of the name of every log. */
  epoch: z
    .string()
    .regex(/^[a-z0-9-]{1,32}$/)
    .default('1'),
  partitions: z.coerce.number().int().min(1).max(1_024).default(6),
  /** After so long without a sign of life a worker has lost its partitions. */
  session_timeout_ms: z.coerce.number().int().min(1_000).max(1_800_000).default(30_000),
  /** 64 hex digits that all roles share: pseudonyms, envelopes and salts are derived from it. Default: in the data folder. */
  shared_key_file: z.string().min(1).optional(),
  /** Topics that are missing are made, with as many copies as `replication` says. */
  create_topics: z.boolean().default(true),
  replication: z.coerce.number().int().min(1).max(32).default(1),
  tls: z.union([z.boolean(), Tls]).default(false),
  sasl: Sasl.optional(),
});
export type KafkaSettings = z.infer<typeof KafkaSettings>;
