/** Configuration: one YAML file and the environment, checked once. Every default stands here. */
import { readFileSync } from 'node:fs';
import { parseDocument } from 'yaml';
import { z } from 'zod';
import { AppError, messageOf } from './errors.ts';
import { KafkaSettings } from './kafka_settings.ts';
import { LIMITS } from './limits.ts';
import { MailSettings } from './mail_settings.ts';
import { OidcSettings } from './oidc_settings.ts';
import { RetentionSettings } from './retention_settings.ts';
import { WebhookCredential } from './webhook_credential.ts';
import { tooDeep } from './yaml_depth.ts';

const Wait = z.number().positive().max(604_800);
/** It stands in SQL as it is. */
const ClusterName = z.string().regex(/^[A-Za-z_][A-Za-z0-9_]{0,63}$/);
/** Those that Standard Webhooks advises; the first attempt is made at once. */
const RETRY_SECONDS = [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400];

const Config = z.strictObject({
  /** Folder of the embedded engine, the keys and the log. */
  data: z.string().min(1).default('data'),
  /** Address to listen on. Anything but loopback needs `hosts`, and TLS in front. */
  host: z.string().min(1).default('127.0.0.1'),
  /** 0 takes any free port. */
  port: z.coerce.number().int().min(0).max(65_535).default(7733),
  /** Names under which the service may be addressed, beside loopback; guards against DNS rebinding. */
  hosts: z.array(z.string().min(1)).default([]),
  /** Name of a new log, a URL without scheme such as example.com/agents. */
  origin: z.string().min(1).optional(),
  /** A ClickHouse server instead of the embedded engine. */
  clickhouse_url: z.url().optional(),
  /** The cluster that this server is part of, by its name in the servers' settings: tables are then made on all of it. */
  clickhouse_cluster: z.optional(ClusterName),
  /** A folder with files that say what tools can do, before those that come with the program. */
  catalog_folder: z.string().min(1).optional(),
  rules_folder: z.string().min(1).optional(),
  /** Ids of detectors and rules that are off: they find nothing, while the others go on. */
  rules_off: z.array(z.string().min(1)).max(1_000).default([]),
  /** What the operator knows of servers: vulnerable versions, approved builds and configurations. */
  policy_file: z.string().min(1).optional(),
  /** When sessions are suspended without a person. */
  suspension_file: z.string().min(1).optional(),
  /** Kafka between those who send and the workers; a service in one process needs none. */
  kafka: z.optional(KafkaSettings),
  /** Detectors on or off. */
  detection: z.boolean().default(true),
  /** No keys at all on loopback: for trying out only. */
  insecure_loopback: z.boolean().default(false),
  /** Tokens of an identity provider, and logins through it. */
  oidc: z.optional(OidcSettings),
  /** Hosts that webhooks may go to although they are private, or without TLS: `name`, or `name:port`. */
  webhook_hosts: z.array(z.string().min(1)).default([]),
  /** Secrets of receivers, by names that subscriptions use. */
  webhook_credentials: z.record(z.string().min(1), WebhookCredential).default({}),
  /** Waits between attempts; after the last one a message is a dead letter. */
  webhook_retry_seconds: z.array(Wait).min(1).max(20).default(RETRY_SECONDS),
  /** The server that takes mail to people. */
  mail: z.optional(MailSettings),
  /** How long a gateway may take to apply a command before people are told. */
  enforcement_timeout_seconds: z.number().min(0.1).max(86_400).default(30),
  /** How long content and summaries stay; nothing named stays for ever. */
  retention: z.optional(RetentionSettings),
  log_level: z.enum(['debug', 'info', 'warn', 'error', 'silent']).default('info'),
});
export type Config = z.infer<typeof Config>;

const VARIABLE = /\$\{([A-Z_][A-Z0-9_]*)\}/g;

const FROM_ENVIRONMENT: Record<string, keyof Config> = {
  TRACEWARDEN_DATA: 'data',
  TRACEWARDEN_HOST: 'host',
  TRACEWARDEN_PORT: 'port',
  TRACEWARDEN_ORIGIN: 'origin',
  TRACEWARDEN_LOG_LEVEL: 'log_level',
  CLICKHOUSE_URL: 'clickhouse_url',
};

/**
 * Reads the configuration. Flags win over the environment, the environment over the file. `${NAME}` in the file is
 * replaced from the environment, or from the file that `NAME_FILE` names there. Throws `config_invalid` naming the setting; a value that may be secret is not shown.
 */
export function loadConfig(
  flags: Partial<Record<keyof Config, unknown>>,
  env: Record<string, string | undefined>,
  file?: string,
): Config {
  const settings: Record<string, unknown> = file === undefined ? {} : readFile(file, env);
  for (const [variable, key] of Object.entries(FROM_ENVIRONMENT)) {
    const value = env[variable];
    if (value !== undefined && value !== '') settings[key] = value;
  }
  for (const [key, value] of Object.entries(flags)) if (value !== undefined) settings[key] = value;
  if (env.KAFKA_BROKERS && typeof settings.kafka === 'object') {
    settings.kafka = { ...settings.kafka, brokers: env.KAFKA_BROKERS.split(',').map((each) => each.trim()) };
  }
  // Text that is empty would count as 0.
  if (typeof settings.port === 'string' && !/^\d{1,5}$/.test(settings.port)) settings.port = Number.NaN;
  const result = Config.safeParse(settings);
  if (result.success) return result.data;
  const issues = result.error.issues.map((issue) => `${issue.path.join('.') || 'configuration'}: ${issue.message}`);
  throw new AppError('config_invalid', issues.join('; '));
}

/** Reads the file. Variables are put into the parsed values, so that none of them can become a setting of its own. */
function readFile(file: string, env: Record<string, string | undefined>): Record<string, unknown> {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new AppError('config_invalid', `${file}: ${messageOf(error)}`, { cause: error });
  }
  const value = parsedSettings(text, file);
  if (value === null || value === undefined) return {};
  if (typeof value !== 'object' || Array.isArray(value)) {
    throw new AppError('config_invalid', `${file} must hold settings as "name: value" lines`);
  }
  return expanded(value, env) as Record<string, unknown>;
}

/** What the text holds. Bounded in time and memory, whatever that is: aliases would make a short text a huge value. */
function parsedSettings(text: string, file: string): unknown {
  const { config_chars_max, config_depth_max, config_aliases_max } = LIMITS;
  if (text.length > config_chars_max) {
    throw new AppError('config_invalid', `${file} has ${text.length} characters, more than ${config_chars_max}`);
  }
  const deep = tooDeep(text, config_depth_max);
  if (deep !== undefined) {
    throw new AppError('config_invalid', `${file}: line ${deep.line} is nested deeper than ${config_depth_max} levels`);
  }
  const document = parseDocument(text, { prettyErrors: false });
  const [fault] = document.errors;
  // The parser's own words may quote the line, and a line may hold a secret: only the place is told.
  if (fault !== undefined) {
    const line = text.slice(0, fault.pos[0]).split('\n').length;
    throw new AppError('config_invalid', `${file}: line ${line} is not YAML (${fault.code})`);
  }
  try {
    return document.toJS({ maxAliasCount: config_aliases_max });
  } catch (cause) {
    const why = `holds an alias that names nothing, or more than ${config_aliases_max} of them once they are followed`;
    throw new AppError('config_invalid', `${file} ${why}`, { cause });
  }
}

function expanded(value: unknown, env: Record<string, string | undefined>): unknown {
  if (typeof value === 'string') return value.replace(VARIABLE, (_, name: string) => variable(name, env));
  if (Array.isArray(value)) return value.map((item) => expanded(item, env));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, expanded(item, env)]));
}

function variable(name: string, env: Record<string, string | undefined>): string {
  const found = env[name];
  if (found !== undefined) return found;
  const file = env[`${name}_FILE`];
  if (file === undefined) throw new AppError('config_invalid', `\${${name}} is not set in the environment`);
  return ofFile(name, file);
}

/** What containers are given secrets by: a variable that names a file, whose last line end is not meant. */
function ofFile(name: string, file: string): string {
  const invalid = (why: string, cause?: unknown) =>
    new AppError('config_invalid', `${name}_FILE: ${file} ${why}`, { cause });
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (cause) {
    throw invalid('cannot be read', cause);
  }
  if (text.length > LIMITS.config_chars_max) throw invalid(`has more than ${LIMITS.config_chars_max} characters`);
  return text.replace(/\r?\n$/, '');
}
