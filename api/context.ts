/** What the routes stand on, and what a request carries. */

import type { Accessed } from '../core/access_record.ts';
import type { Limits } from '../core/limits.ts';
import type { RetentionSettings } from '../core/retention_settings.ts';
import type { Store } from '../core/store/store.ts';
import type { Catalog } from '../detectors/catalog/capabilities.ts';
import type { Forget } from '../ingest/erase.ts';
import type { Intake } from '../ingest/intake.ts';
import type { LogWriter } from '../ingest/log_writer.ts';
import type { AccessTrail } from './access_trail.ts';
import type { Access, Principal } from './auth/access.ts';
import type { Attempts } from './auth/attempts.ts';
import type { IdentityProvider } from './auth/identity_provider.ts';
import type { LoginCodes } from './auth/login.ts';
import type { KnownLog, OwnedLog } from './known_log.ts';
import type { Metrics } from './metrics.ts';
import type { Response } from './response/response.ts';
import type { Rulebook } from './rulebook.ts';

export interface ApiContext {
  store: Store;
  /** Name of the service's own log: what people and the program do stands there, and events where there is no Kafka. */
  log: string;
  /** Its public key. */
  vkey: string;
  /** All logs that there are, the own one first. */
  logs: readonly KnownLog[];
  /** Has the manifest of a bundle of the own log signed, by its SHA-256. */
  signManifest: (sha256: Uint8Array) => string;
  /** Absent where the folder is only read. */
  writer: LogWriter | undefined;
  /** Where producers' records are taken; absent where none are. */
  intake: Intake | undefined;
  access: Access;
  /** Where it is recorded who looked at what. */
  trail: AccessTrail;
  attempts: Attempts;
  /** Where people and programs may come with tokens of an identity provider. */
  identity?: IdentityProvider;
  logins: LoginCodes;
  now: () => number;
  /** Limits of accepting that differ from the table's. */
  limits?: Partial<Limits>;
  /** Names under which the service may be addressed beside loopback. */
  hosts: readonly string[];
  /** Everybody on loopback is an administrator. */
  insecure_loopback: boolean;
  onNotice: (notice: string, fields: Record<string, unknown>) => void;
  counters: Counters;
  metrics: Metrics;
  /** Whether the service was told to end. */
  closing: () => boolean;
  /** Judges what tools can do, for lists of them; not the one in which detection keeps what it learns. */
  catalog?: Catalog;
  /** The rules in operation; absent where nothing is detected. */
  rulebook?: Rulebook;
  /** With Kafka: the logs that this process writes, as people and metrics know them. */
  owned?: () => Promise<readonly OwnedLog[]>;
  /** How detection is doing, for people and metrics. */
  detection: () => Record<string, unknown>;
  /** Resolves when detection has stored what it made of all that was taken so far. */
  settled?: () => Promise<void>;
  /** Lets detection forget what went from the store. */
  forget: Forget;
  retention: RetentionSettings;
  /** Absent where nothing is delivered. */
  response?: Response;
  version: string;
}

/** What was refused before it became a record, by reason. */
export interface Counters {
  bodies_refused: Record<string, number>;
  records: Record<string, number>;
}

export interface ApiEnv {
  Variables: {
    principal: Principal;
    tenant: string;
    /** What the answer shows, to be recorded before it goes out. */
    accessed?: Accessed;
  };
}
